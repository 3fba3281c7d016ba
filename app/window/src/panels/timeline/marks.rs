//! Faults, repairs and view changes on their lanes, and the pairs of requests that contradict each other.

use egui::{Align2, Painter, Pos2, Rect, Stroke, Ui, pos2, vec2};

use super::Course;
use super::lanes::Places;
use super::scale::Scale;
use crate::panels::workflow_diagram::Taken;
use crate::theme::{self, Tokens, size, text};
use knowledge::picture::{Mark, MarkKind};
use knowledge::verdict::evidence::Contradicted;
use wording::Term;

/// Requests in contradictions that are shown.
const MOST_CONVICTED: usize = 24;

/// What lies under the messages: frozen times, and view changes across all lanes.
pub(super) fn paint_below(painter: &Painter, t: &Tokens, course: Course<'_>, scale: &Scale, places: &Places<'_>) {
    let end = super::latest(course);
    let mut free_from = scale.left;
    for (at, mark) in course.tip.marks.iter().enumerate() {
        match mark.kind {
            MarkKind::Froze => {
                let Some(y) = mark.name.as_deref().and_then(|name| places.named(name)) else { continue };
                let over =
                    course.tip.marks.iter().skip(at + 1).find(|later| {
                        later.node == mark.node && matches!(later.kind, MarkKind::Woke | MarkKind::Ended)
                    });
                frozen(painter, t, scale, y, mark.at, over.map_or(end, |over| over.at));
            }
            MarkKind::View(number) if in_sight(mark, scale) => {
                let x = scale.x(mark.at);
                let line = [pos2(x, painter.clip_rect().top() + size::RULER), pos2(x, painter.clip_rect().bottom())];
                painter.extend(egui::Shape::dashed_line(&line, (size::HAIRLINE, t.plum), size::DASH, size::DASH));
                // Where views follow each other closely, only some are named.
                if x >= free_from {
                    let (at, words) = (pos2(x + 4.0, painter.clip_rect().top() + 1.0), format!("view {number}"));
                    let named = painter.text(at, Align2::LEFT_TOP, words, theme::strong(text::SMALL), t.plum);
                    free_from = named.right() + size::STEP;
                }
            }
            MarkKind::Plant if in_sight(mark, scale) => {
                painter.vline(scale.x(mark.at), painter.clip_rect().y_range(), (size::OUTLINE, t.tomato));
            }
            _ => {}
        }
    }
}

fn in_sight(mark: &Mark, scale: &Scale) -> bool {
    (scale.start..=scale.end).contains(&mark.at)
}

/// Ice: a pale band with slanted strokes.
fn frozen(painter: &Painter, t: &Tokens, scale: &Scale, y: f32, from: u64, to: u64) {
    if to < scale.start || from > scale.end {
        return;
    }
    let (left, right) = (scale.x(from).max(scale.left), scale.x(to).min(scale.right + size::RIGHT_OF_NOW));
    let band = Rect::from_min_max(pos2(left, y - 5.0), pos2(right.max(left + 2.0), y + 5.0));
    painter.rect_filled(band, 2.0, theme::faded(t.sea, 0.25));
    let mut x = band.left();
    while x + 5.0 < band.right() {
        painter.line_segment([pos2(x, band.bottom()), pos2(x + 5.0, band.top())], (size::HAIRLINE, t.sea));
        x += 8.0;
    }
}

/// What lies above the messages; tells what the pointer is on.
pub(super) fn paint_above(
    ui: &Ui,
    painter: &Painter,
    t: &Tokens,
    course: Course<'_>,
    scale: &Scale,
    places: &Places<'_>,
    pointer: Option<Pos2>,
) {
    let mut told: Option<String> = None;
    let mut taken = Taken::default();
    for contradiction in course.judged.contradictions.iter().take(MOST_CONVICTED) {
        convict(painter, t, course, scale, places, contradiction, &mut taken);
    }
    for mark in course.tip.marks.iter().filter(|mark| in_sight(mark, scale)) {
        let Some(at) = place(mark, scale, places, painter) else { continue };
        let later = course.is_past && mark.at > course.shown.now;
        shape(painter, t, mark.kind, at, later);
        if pointer.is_some_and(|pointer| pointer.distance(at) < 8.0) {
            let name = mark.name.as_deref().unwrap_or_default();
            let what = format!("{} · {name} {}", wording::clock(mark.at), wording::line_of_log(&mark.line).1);
            told = Some(format!("{what}\n{}", Term::of_mark(mark.kind).explained()));
        }
    }
    if let (Some(words), Some(pointer)) = (told, pointer) {
        let layer = egui::LayerId::new(egui::Order::Tooltip, egui::Id::unique("timeline mark"));
        let painter = ui.ctx().layer_painter(layer);
        let galley = painter.layout(words, theme::plain(text::SMALL), t.text, 320.0);
        let room = Rect::from_min_size(pointer + vec2(12.0, -galley.size().y - 16.0), galley.size() + vec2(16.0, 8.0));
        painter.rect(room, 6.0, t.panel, (size::HAIRLINE, t.line), egui::StrokeKind::Inside);
        painter.galley(room.min + vec2(8.0, 4.0), galley, t.text);
    }
}

/// Marks that concern all stand on the ruler.
fn place(mark: &Mark, scale: &Scale, places: &Places<'_>, painter: &Painter) -> Option<Pos2> {
    let x = scale.x(mark.at);
    match &mark.name {
        Some(name) => Some(pos2(x, places.named(name)?)),
        None => Some(pos2(x, painter.clip_rect().top() + size::RULER - 2.0)),
    }
}

pub(super) fn cross(painter: &Painter, at: Pos2, half: f32, stroke: Stroke) {
    painter.line_segment([at - vec2(half, half), at + vec2(half, half)], stroke);
    painter.line_segment([at + vec2(-half, half), at + vec2(half, -half)], stroke);
}

fn shape(painter: &Painter, t: &Tokens, kind: MarkKind, at: Pos2, later: bool) {
    let strength = if later { 0.35 } else { 1.0 };
    let ink = |colour| theme::faded(colour, strength);
    let stroke = |colour| Stroke::new(size::OUTLINE, ink(colour));
    match kind {
        MarkKind::Ended => cross(painter, at, 4.0, stroke(t.tomato)),
        MarkKind::Started => drop(painter.circle_stroke(at, 3.5, stroke(t.basil))),
        MarkKind::Link { mended: false, cut: true } => scissors(painter, at, stroke(t.tomato)),
        // It holds, delays or loses: two bars, as on the line itself.
        MarkKind::Link { mended: false, cut: false } => {
            for x in [-2.0, 2.0] {
                painter.line_segment([at + vec2(x, -5.0), at + vec2(x, 5.0)], stroke(t.saffron));
            }
        }
        MarkKind::Link { mended: true, .. } => scissors(painter, at, stroke(t.basil)),
        MarkKind::Bomb => {
            painter.circle_stroke(at, 3.5, stroke(t.saffron));
            painter.line_segment([at + vec2(2.5, -2.5), at + vec2(5.5, -5.5)], stroke(t.saffron));
        }
        MarkKind::Exploded => {
            cross(painter, at, 5.0, stroke(t.tomato));
            painter.line_segment([at - vec2(6.5, 0.0), at + vec2(6.5, 0.0)], stroke(t.tomato));
            painter.line_segment([at - vec2(0.0, 6.5), at + vec2(0.0, 6.5)], stroke(t.tomato));
        }
        MarkKind::Suspicion => {
            painter.text(
                at - vec2(0.0, 7.0),
                Align2::CENTER_CENTER,
                "?",
                theme::strong(text::SMALL),
                ink(t.saffron_text),
            );
        }
        MarkKind::Plant => drop(painter.rect_filled(Rect::from_center_size(at, vec2(7.0, 7.0)), 1.0, ink(t.tomato))),
        MarkKind::Speed => drop(painter.line_segment([at - vec2(0.0, 3.0), at + vec2(0.0, 3.0)], stroke(t.dim))),
        // A drum, crossed out while it does not work.
        MarkKind::Disk { works } => {
            let colour = if works { t.basil } else { t.tomato };
            let drum = Rect::from_center_size(at, vec2(7.0, 9.0));
            painter.rect_stroke(drum, 3.0, stroke(colour), egui::StrokeKind::Inside);
            if !works {
                cross(painter, at, 5.0, stroke(colour));
            }
        }
        MarkKind::Froze | MarkKind::Woke | MarkKind::View(_) => {}
    }
}

/// Two blades and two handles.
fn scissors(painter: &Painter, at: Pos2, stroke: Stroke) {
    painter.line_segment([at + vec2(-1.0, 1.0), at + vec2(4.0, -6.0)], stroke);
    painter.line_segment([at + vec2(1.0, 1.0), at + vec2(-4.0, -6.0)], stroke);
    for x in [-2.5, 2.5] {
        painter.circle_stroke(at + vec2(x, 3.0), 2.0, stroke);
    }
}

/// The requests of a contradiction: a bar on each customer's lane, from asking to the answer.
fn convict(
    painter: &Painter,
    t: &Tokens,
    course: Course<'_>,
    scale: &Scale,
    places: &Places<'_>,
    contradiction: &Contradicted,
    taken: &mut Taken,
) {
    let message_index = course.tape.message_index();
    for id in &contradiction.requests {
        let Some(request) = message_index.request(*id).and_then(|at| message_index.requests().get(at as usize)) else {
            continue;
        };
        let (from, to) = (request.span.0, request.span.1.unwrap_or(course.tip.now));
        let Some(y) = places.of(request.node).filter(|_| from <= scale.end && to >= scale.start) else { continue };
        let (left, right) = (scale.x(from).max(scale.left), scale.x(to).max(scale.x(from) + 4.0));
        let bar = Rect::from_min_max(pos2(left, y - 3.0), pos2(right, y + 3.0));
        painter.rect_filled(bar, 3.0, t.tomato);
        let words = format!("✗ {}", message_index.name(*id));
        let galley = painter.layout_no_wrap(words, theme::strong(text::SMALL), t.on_strong);
        let room = galley.size() + vec2(10.0, 2.0);
        let corners = [pos2(left, y - 5.0 - room.y), pos2(left, y + 5.0), pos2(right - room.x, y - 5.0 - room.y)];
        if let Some(place) = taken.first_free(Rect::EVERYTHING, corners.map(|at| Rect::from_min_size(at, room))) {
            painter.rect_filled(place, room.y / 2.0, t.tomato_text);
            painter.galley(place.center() - galley.size() / 2.0, galley, t.on_strong);
        }
    }
}
