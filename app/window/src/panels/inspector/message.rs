//! A message: what it says field by field, where it is, what can be done with it, and what its receiver did and why.

use egui::{Label, Ui};

use super::action_buttons;
use crate::panels::actions;
use crate::theme::tokens;
use crate::widgets::{asking, button, dim, fact, fact_of, heading, pill};
use knowledge::picture::{End, MessageInFlight, Picture};
use knowledge::user_command::CommandQueue;
use wording::Term;

pub(super) fn message_ui(ui: &mut Ui, picture: &Picture, flying: &MessageInFlight, commands: &mut CommandQueue) {
    let t = tokens(ui);
    heading(ui, "Message");
    let (words, ink, ground) = match &flying.end {
        None if flying.is_held() => ("held", t.saffron_text, t.saffron_wash),
        None => ("on its way", t.saffron_text, t.saffron_wash),
        Some((_, End::Delivered)) => ("handled", t.basil_text, t.basil_wash),
        Some((_, End::Refused(_))) => ("refused", t.tomato_text, t.tomato_wash),
        Some((_, End::Lost(_))) => ("lost", t.tomato_text, t.tomato_wash),
    };
    pill(ui, words, ink, ground);
    ui.add_space(4.0);
    ui.add(Label::new(wording::whereabouts(flying, picture)).wrap());
    ui.add_space(4.0);
    let all = actions::of_message(flying, picture.now);
    if !all.is_empty() {
        action_buttons(ui, all, commands);
        let refuses = commands.refuses;
        let delays = |ui: &mut Ui| {
            ui.spacing_mut().button_padding.x = 6.0;
            dim(ui, "Delay by");
            for action in actions::delays(flying) {
                let millis = action.in_full.rsplit("by ").next().unwrap_or_default().to_owned();
                if button(ui, &millis).accessible_name(&action.in_full).clicked() {
                    action.ask(commands);
                }
            }
        };
        ui.horizontal_wrapped(|ui| asking(ui, refuses, delays));
    }
    fact(ui, "Says", &wording::label(&flying.facts.summary), false);
    if let Some(step) = flying.facts.step {
        fact_of(ui, Term::Step(step), "Step", &format!("[{}] {}", step.0, wording::step_name(step)), false);
    }
    fact(ui, "From", &picture.name(flying.id.from), false);
    fact(ui, "To", &picture.name(flying.to), false);
    if let Some(request) = flying.facts.request {
        let name = picture.customers.get(request.customer).map(|customer| customer.name.clone());
        let name = name.unwrap_or_else(|| request.customer.to_string());
        fact_of(ui, Term::Request, "Request", &format!("{name}’s {}", request.number), false);
    }
    fact(ui, "Message", &format!("{} from {}", flying.id.number, picture.name(flying.id.from)), false);
    fact(ui, "Sent", &wording::clock(flying.sent), false);
    fact_of(ui, Term::Hop, "Delay", &wording::duration(flying.facts.delay), false);
    if let Some((at, _)) = &flying.end {
        fact(ui, "Ended", &wording::clock(*at), false);
    }
    if flying.facts.fields.is_empty() {
        return;
    }
    heading(ui, "Fields");
    for (name, value) in &flying.facts.fields {
        let held = wording::field_value(value, picture);
        match Term::of_field(name) {
            Some(term) => fact_of(ui, term, wording::field_name(name), &held, false),
            None => fact(ui, wording::field_name(name), &held, false),
        }
    }
}
