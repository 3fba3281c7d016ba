//! Messages on their way: each a dot at its real progress through its link, with its number and words.

use std::collections::BTreeMap;

use egui::{Align2, Pos2, Rect, Role, Sense, Ui, Vec2, WidgetInfo, vec2};
use protocol::ids::{MessageId, NodeId};

use super::Diagram;
use super::gestures::{entry, menu};
use super::layout::Taken;
use super::way::Way;
use crate::panels::actions;
use crate::panels::{Focus, Selected};
use crate::theme::{self, Tokens, size, text};
use crate::widgets::asking;
use knowledge::picture::MessageInFlight;
use knowledge::user_command::CommandQueue;

/// More messages than this are a crowd.
const CROWD: usize = 100;
/// Labels of more messages would hide the diagram.
const MOST_LABELS: usize = 24;

/// A message on its way, and where it is.
pub(super) struct Dot<'a> {
    pub(super) flying: &'a MessageInFlight,
    pub(super) at: Pos2,
}

impl Dot<'_> {
    /// What labels must not cover.
    pub(super) fn room(&self) -> Rect {
        Rect::from_center_size(self.at, Vec2::splat(size::NUMBER * 2.0 + 4.0))
    }
}

/// Where all messages on their way are now. Those without delay are not seen travelling: they leave a glow. Held ones rest
/// one behind the other at their sender's side, or where they were when they were held.
pub(super) fn place<'a>(diagram: &Diagram<'a>, reduced_motion: bool) -> Vec<Dot<'a>> {
    let mut ways: BTreeMap<(NodeId, NodeId), Option<(Way, f32)>> = BTreeMap::new();
    let mut dots = Vec::new();
    let seen = |flying: &&MessageInFlight| flying.facts.delay > 0 || flying.is_held();
    for flying in diagram.picture.traffic.flying().filter(seen) {
        let ends = (flying.id.from, flying.to);
        let way = ways.entry(ends).or_insert_with(|| diagram.way(ends.0, ends.1).map(|way| (way, 0.0)));
        let Some((way, queue)) = way else { continue };
        let progress = flying.progress(diagram.picture.now);
        let share = if flying.is_held() {
            let length = way.length().max(1.0);
            let rests = (progress * length).max(*queue + size::NUMBER + 5.0).min(length * 0.95);
            *queue = rests + size::NUMBER;
            rests / length
        } else if reduced_motion {
            0.5
        } else {
            progress
        };
        dots.push(Dot { flying, at: way.at(share) });
    }
    dots
}

/// Shows all messages on their way; a click on one selects it, a right click says what can be done with it. Returns where
/// their words stand.
pub(super) fn show(
    ui: &mut Ui,
    diagram: &Diagram<'_>,
    dots: &[Dot<'_>],
    focus: &mut Focus,
    taken: &mut Taken,
    commands: &mut CommandQueue,
) -> Vec<(MessageId, Rect)> {
    let mut labels = Vec::new();
    for (index, Dot { flying, at }) in dots.iter().enumerate() {
        let this = Selected::Message(flying.id, flying.to);
        let selected = focus.selected == this;
        dot(ui, diagram.tokens, flying, *at, selected || focus.hovered == this, dots.len() > CROWD);
        if index < MOST_LABELS && flying.facts.step.is_some() {
            labels.extend(label(ui, diagram, flying, *at, taken).map(|words| (flying.id, words)));
        }
        let area = Rect::from_center_size(*at, Vec2::splat(size::NUMBER * 2.0 + 6.0));
        let id = ui.scope_id().with(("message", flying.id, flying.to));
        let response = ui.interact(area, id, Sense::click());
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, selected, name(diagram, flying)));
        if response.has_focus() {
            ui.painter().circle_stroke(*at, size::NUMBER + 5.0, (size::OUTLINE, diagram.tokens.sea));
        }
        if response.hovered() {
            focus.hover(this.clone());
        }
        if response.clicked() || response.secondary_clicked() {
            focus.selected = this;
        }
        let refuses = commands.refuses;
        menu(ui, &response, |ui| asking(ui, refuses, |ui| message_menu(ui, diagram, flying, commands)));
        response.on_hover_text(format!(
            "{}\n{}",
            wording::label(&flying.facts.summary),
            wording::whereabouts(flying, diagram.picture)
        ));
    }
    labels
}

fn message_menu(ui: &mut Ui, diagram: &Diagram<'_>, flying: &MessageInFlight, commands: &mut CommandQueue) {
    let all = actions::of_message(flying, diagram.picture.now);
    if all.is_empty() {
        ui.label("It has left its link.");
        return;
    }
    all.into_iter().for_each(|action| entry(ui, action, commands));
    ui.menu_button("Delay it", |ui| {
        actions::delays(flying).into_iter().for_each(|action| entry(ui, action, commands));
    });
}

fn name(diagram: &Diagram<'_>, flying: &MessageInFlight) -> String {
    let (from, to) = (diagram.picture.name(flying.id.from), diagram.picture.name(flying.to));
    let held = if flying.is_held() { "held " } else { "" };
    format!("{held}message {} from {from} to {to}", wording::label(&flying.facts.summary))
}

/// Full discs on each other: outlines would cost ten times as much. In a crowd they have neither halo nor edge.
fn dot(ui: &Ui, t: &Tokens, flying: &MessageInFlight, at: Pos2, selected: bool, crowded: bool) {
    let (edge, width) = if selected { (t.text, size::STRONG) } else { (t.canvas, size::HAIRLINE) };
    if flying.is_held() {
        held_dot(ui, t, flying, at, selected);
        return;
    }
    match flying.facts.step {
        Some(step) => {
            if selected || !crowded {
                ui.painter().circle_filled(at, size::NUMBER + 4.0, theme::faded(t.saffron, 0.3));
                ui.painter().circle_filled(at, size::NUMBER + width, edge);
            }
            ui.painter().circle_filled(at, size::NUMBER, t.saffron);
            let font = theme::strong(text::SMALL);
            ui.painter().text(at, Align2::CENTER_CENTER, step.0.to_string(), font, t.on_saffron);
        }
        None => {
            ui.painter().circle_filled(at, size::QUIET_DOT + width, edge);
            ui.painter().circle_filled(at, size::QUIET_DOT, theme::between(t.canvas, t.dim, 0.8));
        }
    }
}

/// A held message is a hollow square with the two bars of a pause above it: it does not move.
fn held_dot(ui: &Ui, t: &Tokens, flying: &MessageInFlight, at: Pos2, selected: bool) {
    let half = if flying.facts.step.is_some() { size::NUMBER } else { size::QUIET_DOT + 1.0 };
    let rect = Rect::from_center_size(at, Vec2::splat(half * 2.0));
    let edge = if selected { t.text } else { t.saffron };
    let stroke = egui::Stroke::new(size::STRONG, edge);
    ui.painter().rect(rect, 4.0, t.saffron_wash, stroke, egui::StrokeKind::Outside);
    if let Some(step) = flying.facts.step {
        let font = theme::strong(text::SMALL);
        ui.painter().text(at, Align2::CENTER_CENTER, step.0.to_string(), font, t.saffron_text);
    }
    let badge = rect.right_top() + vec2(1.0, -1.0);
    ui.painter().circle_filled(badge, 6.0, t.text);
    for aside in [-1.8, 1.8] {
        let bar = Rect::from_center_size(badge + vec2(aside, 0.0), vec2(1.6, 5.5));
        ui.painter().rect_filled(bar, 0.0, t.background);
    }
}

/// The message's words where they cover nothing, or nowhere.
fn label(ui: &Ui, diagram: &Diagram<'_>, flying: &MessageInFlight, at: Pos2, taken: &mut Taken) -> Option<Rect> {
    let t = diagram.tokens;
    let font = theme::strong(text::SMALL);
    let galley = ui.painter().layout_no_wrap(wording::label(&flying.facts.summary).into_owned(), font, t.on_saffron);
    let room = galley.size() + vec2(16.0, 6.0);
    let away = size::NUMBER + 7.0;
    let places = [
        vec2(-room.x / 2.0, -away - room.y),
        vec2(-room.x / 2.0, away),
        vec2(away, -room.y / 2.0),
        vec2(-away - room.x, -room.y / 2.0),
        vec2(away, -room.y - 2.0),
        vec2(away, 2.0),
        vec2(-away - room.x, -room.y - 2.0),
        vec2(-away - room.x, 2.0),
        vec2(-away - room.x, -away - room.y),
        vec2(-away - room.x, away),
        vec2(away, -away - room.y),
        vec2(away, away),
        vec2(-away - room.x, away + room.y),
        vec2(-away - room.x, -away - 2.0 * room.y),
    ];
    let places = places.map(|offset| Rect::from_min_size(at + offset, room));
    let rect = taken.first_free(diagram.canvas.shrink(4.0), places)?;
    ui.painter().rect_filled(rect, room.y / 2.0, t.saffron);
    ui.painter().galley(rect.center() - galley.size() / 2.0, galley, t.on_saffron);
    Some(rect)
}
