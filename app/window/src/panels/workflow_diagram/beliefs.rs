//! Belief and fact: under each node's card is what the node believes, with a cross where that is wrong. The facts are at the
//! top of the canvas.

use std::sync::Arc;

use egui::text::{LayoutJob, TextWrapping};
use egui::{
    Align2, Color32, Galley, Painter, Rect, Role, Sense, Stroke, StrokeKind, TextFormat, Ui, WidgetInfo, pos2, vec2,
};
use protocol::ids::NodeId;

use super::Diagram;
use super::layout::Taken;
use crate::theme::{self, Tokens, size, text};
use crate::widgets::elided;
use knowledge::picture::{Belief, Picture, Truth};

/// How far below the top of the canvas the truth stands.
const LINE_OF_TRUTH: f32 = 8.0;

/// What a node believes, and where that stands; none: nowhere is room, then it is only a sign on the card.
pub(super) struct Note {
    name: String,
    card: Rect,
    place: Option<Rect>,
    words: Arc<Galley>,
    full: String,
    errs: bool,
}

/// Finds room for the beliefs of all nodes, before anything else takes it.
pub(super) fn place(painter: &Painter, diagram: &Diagram<'_>, taken: &mut Taken) -> Vec<Note> {
    let picture = diagram.picture;
    let truth = picture.truth();
    let note = |belief: Belief| {
        let (_, _, card) = diagram.nodes.iter().find(|(node, _, _)| node.id == belief.node)?;
        Some(note(painter, diagram, &belief, &truth, *card, taken))
    };
    picture.beliefs().filter_map(note).collect()
}

/// Shows them, and the truth above.
pub(super) fn show(ui: &Ui, diagram: &Diagram<'_>, notes: &[Note]) {
    let t = diagram.tokens;
    for note in notes {
        let rect = note.place.unwrap_or_else(|| Rect::from_center_size(note.card.left_top(), vec2(16.0, 16.0)));
        let response = ui.interact(rect, ui.scope_id().with(("belief", &note.name)), Sense::hover());
        let name = format!("{} believes: {}", note.name, note.full);
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &name));
        outline(ui, t, rect, note.errs);
        if note.place.is_some() {
            ui.painter().galley(rect.min + vec2(6.0, 3.0), note.words.clone(), t.dim);
        } else {
            let ink = if note.errs { t.tomato_text } else { t.basil_text };
            let font = theme::strong(text::SMALL);
            ui.painter().text(rect.center(), Align2::CENTER_CENTER, sign(note.errs), font, ink);
            response.on_hover_text(name);
        }
    }
    actually(ui, diagram);
}

fn actually(ui: &Ui, diagram: &Diagram<'_>) {
    let picture = diagram.picture;
    let truth = picture.truth();
    let words = wording::truth(
        truth.primary.map(|id| picture.name(id)),
        truth.view.as_ref().map(|view| (view.number.0, numbers(picture, &view.members))),
        &numbers(picture, &truth.alive),
    );
    let room = diagram.canvas.width() - 40.0;
    let galley = elided(ui.painter(), &words, theme::strong(text::SMALL), diagram.tokens.text, room);
    let line = diagram.canvas.translate(vec2(0.0, LINE_OF_TRUTH));
    let rect = Align2::CENTER_TOP.align_size_within_rect(galley.size() + vec2(20.0, 8.0), line);
    let response = ui.interact(rect, ui.scope_id().with("truth"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &words));
    let stroke = Stroke::new(size::HAIRLINE, diagram.tokens.dim);
    ui.painter().rect(rect, rect.height() / 2.0, diagram.tokens.panel, stroke, StrokeKind::Inside);
    ui.painter().galley(rect.min + vec2(10.0, 4.0), galley, diagram.tokens.text);
}

/// "2", "3": replicas by their numbers.
fn numbers(picture: &Picture, ids: &[NodeId]) -> Vec<String> {
    let mut names: Vec<String> = ids.iter().map(|id| picture.name(*id).replace("replica-", "")).collect();
    names.sort_by_key(|name| (name.len(), name.clone()));
    names
}

fn listed(numbers: &[String]) -> String {
    if numbers.is_empty() { "none".into() } else { numbers.join(", ") }
}

/// What a node believes in short parts, each with whether it is wrong.
fn parts(picture: &Picture, belief: &Belief, truth: &Truth) -> Vec<(String, bool)> {
    if belief.view.0 == 0 {
        return vec![(wording::NO_BELIEF.to_owned(), false)];
    }
    let primary = listed(&numbers(picture, belief.primary.as_slice()));
    let members = listed(&numbers(picture, &belief.members));
    let alive = belief.alive.as_ref().map(|alive| listed(&numbers(picture, alive)));
    let signed = |words: String, errs: bool| (format!("{words} {}", sign(errs)), errs);
    let first = signed(format!("primary {primary}"), belief.errs_in_primary(truth));
    let second = signed(format!("view {}: {members}", belief.view), belief.errs_in_view(truth));
    let third = alive.map(|alive| signed(format!("alive {alive}"), belief.errs_in_alive(truth)));
    [Some(first), Some(second), third].into_iter().flatten().collect()
}

fn note(
    painter: &Painter,
    diagram: &Diagram<'_>,
    belief: &Belief,
    truth: &Truth,
    card: Rect,
    taken: &mut Taken,
) -> Note {
    let t = diagram.tokens;
    let parts = parts(diagram.picture, belief, truth);
    let wrap = TextWrapping::wrap_at_width(card.width() - 8.0);
    let mut job = LayoutJob { wrap, ..LayoutJob::default() };
    for (index, (words, errs)) in parts.iter().enumerate() {
        let ink = if *errs { t.tomato_text } else { t.dim };
        let font = if *errs { theme::strong(text::SMALL) } else { theme::plain(text::SMALL) };
        let gap = if index == 0 { 0.0 } else { 8.0 };
        // Parts stay whole where the line breaks.
        job.append(&words.replace(' ', "\u{a0}"), gap, TextFormat::simple(font, ink));
        job.append(" ", 0.0, TextFormat::simple(theme::plain(text::SMALL), ink));
    }
    let words = painter.layout_job(job);
    let extent = vec2(card.width(), words.size().y + 6.0);
    let above = card.top() - 3.0 - extent.y;
    let below = |by: f32| pos2(card.left(), card.bottom() + by);
    let places = [below(9.0), below(2.0), pos2(card.left(), above), pos2(card.left() - 24.0, above)];
    let places = places.map(|at| Rect::from_min_size(at, extent));
    let place = taken.first_free(diagram.canvas, places);
    let full = parts.iter().map(|(words, _)| words.as_str()).collect::<Vec<_>>().join(" · ");
    let errs = parts.iter().any(|(_, errs)| *errs);
    Note { name: belief.name.clone(), card, place, words, full, errs }
}

fn sign(errs: bool) -> &'static str {
    if errs { "✗" } else { "✓" }
}

/// The note of a wrong belief has a thick tomato edge at its left, too: its shape tells it apart.
fn outline(ui: &Ui, t: &Tokens, rect: Rect, errs: bool) {
    let (fill, edge): (Color32, Color32) = if errs { (t.tomato_wash, t.tomato) } else { (t.panel, t.line) };
    ui.painter().rect(rect, 4.0, fill, Stroke::new(size::HAIRLINE, edge), StrokeKind::Inside);
    if errs {
        ui.painter().rect_filled(rect.with_max_x(rect.left() + 3.0), 2.0, t.tomato);
    }
}
