//! A line drawn across the picture: every link that it crosses is cut, both ways. So a partition is made with one stroke.

use egui::{Pos2, Response, Sense, Shape, Stroke, Ui};
use protocol::trace::LinkRule;

use super::relations::called;
use super::way::Way;
use super::{Diagram, DiagramState, marks};
use crate::panels::links::{self, Ends};
use crate::theme::{self, size, text};
use knowledge::user_command::CommandQueue;

/// A shorter stroke is a slip of the hand, in points.
const SHORTEST: f32 = 12.0;

/// All links that a line crosses: also those that are not drawn, as between two backups.
fn crossed(diagram: &Diagram<'_>, start: Pos2, end: Pos2) -> Vec<(Ends, Way)> {
    let crossed = |ends: Ends| {
        let (one, other) = (called(diagram.picture, &ends.0)?, called(diagram.picture, &ends.1)?);
        let way = diagram.way(one.0, other.0)?;
        way.crosses(start, end).then_some((ends, way))
    };
    links::pairs(diagram.picture).into_iter().filter_map(crossed).collect()
}

/// Draws the line while it is being drawn, and cuts at its end. With the tool chosen, nothing else on the canvas is clicked;
/// without it, Alt held down on free ground draws too.
pub(super) fn draw(
    ui: &Ui,
    ground: &Response,
    diagram: &Diagram<'_>,
    state: &mut DiagramState,
    commands: &mut CommandQueue,
) {
    let over_all = state.cuts.then(|| ui.interact(diagram.canvas, ui.scope_id().with("cut"), Sense::click_and_drag()));
    let response = over_all.as_ref().unwrap_or(ground);
    if state.cuts {
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Canvas, true, "area to draw on"));
        ui.set_cursor_icon(egui::CursorIcon::Crosshair);
    }
    let by_key = ui.input(|input| input.modifiers.alt || input.modifiers.shift);
    if response.drag_started() && (state.cuts || by_key) {
        state.cut_from = ui.input(|input| input.pointer.press_origin());
    }
    let Some(start) = state.cut_from else { return };
    let Some(end) = ui.input(|input| input.pointer.latest_pos()) else { return };
    let crossed = crossed(diagram, start, end);
    if response.drag_stopped() {
        state.cut_from = None;
        state.cuts = false;
        if start.distance(end) >= SHORTEST && !crossed.is_empty() {
            let all = crossed.iter().flat_map(|(ends, _)| links::both(ends)).collect();
            commands.push(links::set(all, LinkRule::CUT));
        }
        return;
    }
    if !response.dragged() {
        state.cut_from = None;
        return;
    }
    let t = diagram.tokens;
    for (_, way) in &crossed {
        ui.painter().line(way.points().to_vec(), Stroke::new(size::OUTLINE, theme::faded(t.tomato, 0.7)));
    }
    let stroke = Stroke::new(size::STRONG, t.tomato);
    ui.painter().extend(Shape::dashed_line(&[start, end], stroke, size::DASH * 2.0, size::DASH));
    marks::scissors(ui.painter(), t, end, true);
    let words = format!("cuts {}", wording::count(crossed.len(), "link", "links"));
    let galley = ui.painter().layout_no_wrap(words, theme::strong(text::BODY), t.tomato_text);
    let at = end + egui::vec2(marks::SIGN + 6.0, -galley.size().y / 2.0);
    ui.painter().rect_filled(egui::Rect::from_min_size(at, galley.size()).expand(3.0), 4.0, t.canvas);
    ui.painter().galley(at, galley, t.tomato_text);
}
