//! The disk of a durable replica, on its card: it fills while entries wait, and is empty when all are synced.
//!
//! It outlives its process, and so does its picture.

use egui::epaint::EllipseShape;
use egui::{Color32, Painter, Pos2, Rect, Stroke, pos2, vec2};
use protocol::disk::DiskState;

use crate::theme::{self, Tokens, size};

/// Width and height of the drum, in points at the scale 1.
const DRUM: egui::Vec2 = vec2(17.0, 22.0);
/// What the bar at the bottom of a card leaves free for it.
pub(super) const ROOM: f32 = 25.0;
/// This number of waiting entries fills half of it.
const HALF: f32 = 4.0;

/// How full it looks, from 0 to 1.
fn level(waiting: u64) -> f32 {
    waiting as f32 / (waiting as f32 + HALF)
}

/// On the lower edge of a card, at its right end: the words have the whole width.
pub(super) fn disk(painter: &Painter, t: &Tokens, card: Rect, scale: f32, state: &DiskState, runs: bool) {
    let at = pos2(card.right() - (ROOM / 2.0 + 4.0) * scale, card.bottom());
    let drum = Rect::from_center_size(at, DRUM * scale);
    let ink = match (&state.trouble, runs) {
        (Some(_), true) => t.tomato,
        (None, true) => t.sea,
        (_, false) => t.dim,
    };
    let lid = vec2(drum.width() / 2.0, drum.width() / 5.0);
    let (top, bottom) = (drum.top() + lid.y, drum.bottom() - lid.y);
    let ellipse = |y: f32, fill: Color32, stroke: Stroke| {
        let center = pos2(drum.center().x, y);
        painter.add(EllipseShape { center, radius: lid, fill, stroke, angle: 0.0 });
    };
    let outline = Stroke::new(size::OUTLINE, ink);
    ellipse(bottom, t.panel, outline);
    painter.rect_filled(Rect::from_min_max(pos2(drum.left(), top), pos2(drum.right(), bottom)), 0.0, t.panel);
    let waiting = if runs { state.waiting } else { 0 };
    if waiting > 0 {
        let surface = bottom - (bottom - top) * level(waiting);
        let fill = theme::between(t.panel, t.saffron, 0.85);
        ellipse(bottom, fill, Stroke::NONE);
        let inside = Rect::from_min_max(pos2(drum.left(), surface), pos2(drum.right(), bottom));
        painter.rect_filled(inside, 0.0, fill);
        ellipse(surface, t.saffron, Stroke::NONE);
    }
    for x in [drum.left(), drum.right()] {
        painter.line_segment([pos2(x, top), pos2(x, bottom)], outline);
    }
    ellipse(top, theme::between(t.panel, ink, 0.25), outline);
    if state.trouble.is_some() && runs {
        cross(painter, drum.center() + vec2(0.0, lid.y), 4.5 * scale, Stroke::new(size::STRONG, t.tomato_text));
    }
}

fn cross(painter: &Painter, at: Pos2, arm: f32, stroke: Stroke) {
    painter.line_segment([at - vec2(arm, arm), at + vec2(arm, arm)], stroke);
    painter.line_segment([at + vec2(-arm, arm), at + vec2(arm, -arm)], stroke);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fills_with_what_waits_and_is_never_quite_full() {
        assert!(level(0) == 0.0 && level(4) == 0.5 && level(1) < level(2) && level(4096) < 1.0);
    }
}
