//! Customers that order all the time and are told of only together: one card at the edge of the map, with their counts.
//!
//! Their messages are flow, drawn by `lines`. Nothing can be done to them one by one.

use egui::{Align2, CornerRadius, Pos2, Rect, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2};

use super::{Diagram, layout};
use crate::theme::{self, size, text};

/// Where the card stands: at sea, right of the land.
pub(super) fn place(canvas: Rect) -> Rect {
    let map = layout::map_part(canvas);
    let middle = pos2(map.right() - CARD.x / 2.0 - 4.0, canvas.top() + canvas.height() * 0.36);
    layout::keep_within(Rect::from_center_size(middle, CARD), canvas)
}

const CARD: Vec2 = vec2(136.0, 46.0);

pub(super) fn show(ui: &Ui, diagram: &Diagram<'_>) {
    let (Some((_, card)), Some((_, crowd))) = (diagram.crowd, diagram.picture.crowd) else { return };
    let t = diagram.tokens;
    let painter = ui.painter();
    for (index, shift) in [8.0, 4.0, 0.0].into_iter().enumerate() {
        let sheet = card.translate(Vec2::splat(-shift));
        let fill = if index == 2 { t.panel } else { t.soft };
        painter.rect(
            sheet,
            CornerRadius::same(size::CORNER),
            fill,
            Stroke::new(size::HAIRLINE, t.line),
            StrokeKind::Inside,
        );
    }
    let words = wording::count(crowd.customers as usize, "customer", "customers");
    let orders = format!("{} acknowledged", crowd.acknowledged);
    let line = |at: Pos2, words: &str, font, ink| painter.text(at, Align2::LEFT_TOP, words, font, ink);
    line(card.min + vec2(10.0, 6.0), &words, theme::strong(text::SMALL), t.text);
    line(card.min + vec2(10.0, 24.0), &orders, theme::plain(text::SMALL), t.dim);
    let response = ui.interact(card, ui.scope_id().with("crowd"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, format!("crowd: {words}, {orders}")));
    response.on_hover_text(wording::crowd(&crowd));
}
