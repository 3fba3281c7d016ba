//! Small signs that are painted: scissors, bars of a held link, ice, bombs, arrows. Their meaning is told by the panel that
//! shows them.

use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, Vec2, pos2, vec2};

use crate::theme::{self, Tokens, size};

/// The radius of a sign on a line or a card.
pub(super) const SIGN: f32 = 11.0;

/// Open scissors on a disc.
pub(super) fn scissors(painter: &Painter, t: &Tokens, at: Pos2, strong: bool) {
    let width = if strong { size::STRONG } else { size::OUTLINE };
    painter.circle(at, SIGN, t.panel, Stroke::new(width, t.tomato));
    let ink = Stroke::new(size::OUTLINE, t.tomato_text);
    for side in [-1.0, 1.0] {
        let ring = at + vec2(-4.2, side * 3.6);
        painter.circle_stroke(ring, 2.3, Stroke::new(size::OUTLINE * 0.8, t.tomato_text));
        painter.line_segment([ring + vec2(1.9, -side * 1.2), at + vec2(6.2, -side * 3.8)], ink);
    }
}

/// An arrow that runs into a bar: nothing passes this way.
pub(super) fn blocked_arrow(painter: &Painter, t: &Tokens, at: Pos2, heading: Vec2) {
    let stroke = Stroke::new(size::OUTLINE, t.tomato_text);
    let (tip, aside) = (at + heading * 6.0, heading.rot90());
    painter.line_segment([at - heading * 7.0, tip], stroke);
    painter.line_segment([tip, tip - heading * 4.0 + aside * 3.0], stroke);
    painter.line_segment([tip, tip - heading * 4.0 - aside * 3.0], stroke);
    let bar = tip + heading * 3.0;
    painter.line_segment([bar - aside * 5.0, bar + aside * 5.0], Stroke::new(size::STRONG, t.tomato_text));
}

/// Two bars across a line: what enters stays.
pub(super) fn bars(painter: &Painter, t: &Tokens, at: Pos2, heading: Vec2) {
    let aside = heading.rot90() * 7.0;
    for along in [-2.5, 2.5] {
        let middle = at + heading * along;
        painter.line_segment([middle - aside, middle + aside], Stroke::new(size::STRONG, t.saffron_text));
    }
}

/// Ice over a card: slanting strokes at its edges, and a snowflake.
pub(super) fn ice(painter: &Painter, t: &Tokens, rect: Rect) {
    let within = painter.with_clip_rect(rect.shrink(2.0).intersect(painter.clip_rect()));
    within.rect_filled(rect.shrink(1.0), size::CORNER, theme::faded(t.sea, 0.12));
    let stroke = Stroke::new(size::HAIRLINE, theme::faded(t.sea, 0.5));
    let mut x = rect.left() - rect.height();
    let mut long = true;
    while x < rect.right() {
        // From below and from above, so that the words in the middle stay legible.
        let reach = rect.height() * if long { 0.3 } else { 0.18 };
        within.line_segment([pos2(x, rect.bottom()), pos2(x + reach, rect.bottom() - reach)], stroke);
        let above = x + rect.height() * 0.5;
        within.line_segment([pos2(above, rect.top()), pos2(above + reach, rect.top() + reach)], stroke);
        x += 7.0;
        long = !long;
    }
}

pub(super) fn snowflake(painter: &Painter, at: Pos2, radius: f32, ink: Color32) {
    let stroke = Stroke::new(size::OUTLINE * 0.8, ink);
    for arm in 0..6 {
        let along = Vec2::angled(arm as f32 * std::f32::consts::FRAC_PI_3);
        painter.line_segment([at, at + along * radius], stroke);
        for turn in [-0.7, 0.7] {
            let twig = at + along * radius * 0.6;
            let towards = Vec2::angled(arm as f32 * std::f32::consts::FRAC_PI_3 + turn);
            painter.line_segment([twig, twig + towards * radius * 0.35], stroke);
        }
    }
}

/// A bomb with its fuse burning. One that freezes is blue.
pub(super) fn bomb(painter: &Painter, t: &Tokens, at: Pos2, freezes: bool) {
    let fill = if freezes { t.sea } else { t.text };
    painter.circle_filled(at, 9.0, t.panel);
    painter.circle_filled(at + vec2(-1.0, 1.0), 7.0, fill);
    let fuse = [at + vec2(3.5, -4.0), at + vec2(5.5, -7.0), at + vec2(8.0, -7.5)];
    painter.add(Shape::line(fuse.to_vec(), Stroke::new(size::OUTLINE, fill)));
    painter.circle_filled(fuse[2], 2.6, t.saffron);
    if freezes {
        snowflake(painter, at + vec2(-1.0, 1.0), 5.0, t.on_strong);
    }
}

/// A ring of which so much (0 to 1) is left, from the top clockwise.
pub(super) fn arc(painter: &Painter, at: Pos2, radius: f32, share: f32, stroke: Stroke) {
    let steps = (share * 32.0).ceil().max(1.0) as usize;
    let point = |step: usize| {
        let angle = std::f32::consts::TAU * (share * step as f32 / steps as f32 - 0.25);
        at + Vec2::angled(angle) * radius
    };
    painter.add(Shape::line((0..=steps).map(point).collect(), stroke));
}
