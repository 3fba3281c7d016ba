//! What a customer says of itself: where it lives, whom it found, and its receipts.

use egui::{Label, RichText, Ui};
use node::gazetteer::{Finding, Gazetteer};

use super::{InspectorState, own_log, waiting};
use crate::panels::Focus;
use crate::theme::{text, tokens};
use crate::widgets::{asking, destructive, dim, fact, fact_of, field, heading, heading_of, pill};
use knowledge::picture::{Customer, Picture};
use knowledge::user_command::{CommandQueue, CustomerCommand};
use wording::Term;

pub(super) fn customer_ui(
    ui: &mut Ui,
    picture: &Picture,
    state: &mut InspectorState,
    customer: &Customer,
    focus: &mut Focus,
    commands: &mut CommandQueue,
) {
    let t = tokens(ui);
    heading(ui, &customer.name);
    pill(ui, &wording::customer_line(customer), t.text, t.soft);
    ui.add_space(4.0);
    if let Some(why) = customer.waiting.as_ref().and_then(|waiting| wording::why_it_waits(waiting, picture.now)) {
        ui.add(Label::new(RichText::new(why).size(text::SMALL).color(t.saffron_text)).wrap());
        ui.add_space(4.0);
    }
    let place = Gazetteer::get().place_name(customer.postcode);
    fact(ui, "Lives at", &format!("{} · {place}", customer.postcode), false);
    if let Some(machine) = &customer.machine {
        fact(ui, "Machine", machine, true);
    }
    let front_end = customer.front_end.map_or("not looked up yet".to_owned(), |id| picture.name(id));
    fact_of(ui, Term::FrontEnd, "Front-end", &front_end, false);
    fact(ui, "Identity", &customer.id.to_string(), true);
    ui.add_space(4.0);
    let refuses = commands.refuses;
    asking(ui, refuses, |ui| ask_of(ui, state, customer, commands));
    waiting::held_messages(ui, picture, Some(&customer.name), focus, commands);
    waiting::timers(ui, picture, customer.node, commands);
    heading_of(ui, Term::Receipt, "Receipts");
    if customer.receipts.is_empty() {
        dim(ui, wording::NO_RECEIPTS);
    }
    for receipt in customer.receipts.iter().rev() {
        let name = wording::clock(receipt.at);
        fact(
            ui,
            &name,
            &format!("{} · {}", wording::outcome(receipt.outcome.as_ref()), wording::dishes(&receipt.items)),
            false,
        );
    }
    own_log(ui, picture, &customer.name);
}

/// It moves, or is removed.
fn ask_of(ui: &mut Ui, state: &mut InspectorState, customer: &Customer, commands: &mut CommandQueue) {
    ui.horizontal(|ui| {
        let entered = field(ui, &mut state.new_home, "Move to postcode", "New postcode", 112.0).lost_focus();
        let by_key = entered && ui.input(|input| input.key_pressed(egui::Key::Enter));
        let home = state.new_home.parse().ok().map(|postcode| (postcode, Gazetteer::get().find(postcode)));
        let place = match &home {
            Some((postcode, Finding::Live(unit))) => unit.point.map(|point| (*postcode, point)),
            _ => None,
        };
        let clicked = ui.add_enabled(place.is_some(), egui::Button::new("Move")).clicked();
        if let Some((postcode, point)) = place.filter(|_| clicked || by_key) {
            let place = point.in_millionths();
            commands.push(CustomerCommand::MoveCustomer { customer: customer.id, postcode, place });
            state.new_home.clear();
        }
    });
    if destructive(ui, "Remove").clicked() {
        commands.push(CustomerCommand::RemoveCustomer { customer: customer.id });
    }
}
