//! What waits at a node: messages that are held in its links, and its armed timers. Each can be helped on by a click.

use egui::{Align, Label, Layout, RichText, Sense, Ui, vec2};
use protocol::ids::NodeId;
use protocol::machine::Timer;
use protocol::trace::MessageAct;

use crate::panels::{Focus, Selected, actions};
use crate::theme::{size, text};
use crate::widgets::{asking, button, destructive, dim, hairline, heading_of};
use knowledge::picture::{MessageInFlight, Picture};
use knowledge::user_command::{CommandQueue, UserCommand};
use wording::Term;

/// More held messages than this are only counted.
const MOST_HELD: usize = 40;

/// Messages held in the links of the node or customer of this name, or in any; nothing if there are none.
pub(super) fn held_messages(
    ui: &mut Ui,
    picture: &Picture,
    name: Option<&str>,
    focus: &mut Focus,
    commands: &mut CommandQueue,
) {
    let here = |flying: &&MessageInFlight| {
        flying.is_held() && name.is_none_or(|name| picture.nodes.name_of(flying.id.from) == Some(name))
    };
    let held: Vec<&MessageInFlight> = picture.traffic.flying().filter(here).collect();
    if held.is_empty() {
        return;
    }
    heading_of(ui, Term::Held, if name.is_some() { "Messages held here" } else { "Messages held" });
    for flying in held.iter().take(MOST_HELD) {
        held_message(ui, picture, flying, name.is_none(), focus, commands);
        hairline(ui);
    }
    if held.len() > MOST_HELD {
        dim(ui, format!("and {} more", held.len() - MOST_HELD));
    }
}

fn held_message(
    ui: &mut Ui,
    picture: &Picture,
    flying: &MessageInFlight,
    with_sender: bool,
    focus: &mut Focus,
    commands: &mut CommandQueue,
) {
    let to = picture.name(flying.to);
    let words = match with_sender {
        true => format!("{} · {} → {to}", wording::label(&flying.facts.summary), picture.name(flying.id.from)),
        false => format!("{} → {to}", wording::label(&flying.facts.summary)),
    };
    let row = vec2(ui.available_width(), size::ROW);
    ui.allocate_ui_with_layout(row, Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.spacing_mut().button_padding.x = 8.0;
        let refuses = commands.refuses;
        for action in actions::of_message(flying, picture.now).into_iter().rev() {
            let UserCommand::Message { act: MessageAct::LetGo | MessageAct::Drop, .. } = action.command else {
                continue;
            };
            let shown = |ui: &mut Ui| match action.destructive {
                true => destructive(ui, action.words),
                false => button(ui, action.words),
            };
            let response = asking(ui, refuses, shown);
            if response.accessible_name(format!("{}: {words}", action.words)).clicked() {
                action.ask(commands);
            }
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let label = Label::new(RichText::new(&words).size(text::SMALL)).truncate().sense(Sense::click());
            if ui.add(label).on_hover_text(format!("{words}\nClick to see what it says")).clicked() {
                focus.selected = Selected::Message(flying.id, flying.to);
            }
        });
    });
}

/// The armed timers of a node or customer, soonest first; nothing in real time.
pub(super) fn timers(ui: &mut Ui, picture: &Picture, node: NodeId, commands: &mut CommandQueue) {
    let steering = &picture.steering;
    let Some(armed) = steering.timers.get(&node) else { return };
    let shown = |timer: &Timer| steering.heartbeats || *timer != Timer::Heartbeat;
    let armed: Vec<&(Timer, u64)> = armed.iter().filter(|(timer, _)| shown(timer)).collect();
    if armed.is_empty() {
        return;
    }
    heading_of(ui, Term::Timer, "Timers");
    for (timer, at) in armed {
        let words = wording::timer_name(*timer, &|id| picture.name(id));
        let left = wording::duration(at.saturating_sub(picture.now));
        let row = vec2(ui.available_width(), size::ROW);
        ui.allocate_ui_with_layout(row, Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().button_padding.x = 8.0;
            let ring = asking(ui, commands.refuses, |ui| button(ui, "Ring")).on_hover_text("Make it ring now");
            if ring.accessible_name(format!("ring: {words}")).clicked() {
                commands.push(UserCommand::Ring { node, timer: *timer });
            }
            dim(ui, format!("in {left}"));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(RichText::new(&words).size(text::SMALL)).truncate()).on_hover_text(&words);
            });
        });
        hairline(ui);
    }
}
