//! The first start: one thing to do, pointed at, until it has been done once. Whether that is so is kept between runs.

use egui::{Area, Context, Frame, Id, Label, Order, Pos2, Rect, RichText, Shape, Stroke, Vec2, pos2, vec2};

use super::Window;
use super::lessons::Pointed;
use crate::theme::{self, size, text, tokens_of};
use knowledge::picture::Service;
use knowledge::user_command::{CustomerCommand, UserCommand};
use scenarios::Part;

impl Window {
    /// Points at the order form, while an order can be placed and none ever was.
    pub(super) fn greet(&self, context: &Context, parts: &[(Pointed, Rect)]) {
        let is_alone =
            self.past.is_none() && self.performed().is_none() && !self.teaches() && !self.appearance.presents;
        let serves = matches!(self.picture.service(), Service::Serving { .. });
        let form =
            parts.iter().find(|(part, _)| *part == Pointed::Part(Part::OrderForm) && self.greets && is_alone && serves);
        let Some((_, form)) = form else { return };
        let t = tokens_of(context.theme());
        let id = Id::unique("greeting");
        let area = Area::new(id).order(Order::Middle).interactable(false);
        let room = room(context.memory(|memory| memory.area_rect(id)));
        let usual = pos2(form.right() + 2.0 + ARROW, form.top() + form.height().min(HIGHEST) * LOW - 2.0 * size::ROW);
        let (occupied, ground) = &self.diagram.occupied;
        let ground = ground.unwrap_or(*form);
        let at = place(Rect::from_min_size(usual, room), ground, occupied);
        // It points at the form from its usual height, or from as near to that as the box reaches.
        let tip = pos2(form.right() + 2.0, (usual.y + 2.0 * size::ROW).clamp(at.top() + ARROW, at.bottom() - ARROW));
        let shown = area.fixed_pos(at.min).show(context, |ui| {
            let frame = Frame::popup(ui.style()).fill(t.panel).stroke(Stroke::new(size::OUTLINE, t.tomato));
            frame.corner_radius(size::BIG_CORNER).inner_margin(12.0).show(ui, |ui| {
                ui.set_max_width(WIDTH);
                ui.add(Label::new(RichText::new(wording::FIRST_ORDER).font(theme::strong(text::LARGE))).wrap());
                ui.add(Label::new(RichText::new(wording::OR_A_LESSON).size(text::BODY).color(t.dim)).wrap());
            });
        });
        let painter = context.layer_painter(shown.response.layer_id);
        let base = tip + vec2(ARROW, 0.0);
        let points = [tip, base + Vec2::Y * ARROW / 2.0, base - Vec2::Y * ARROW / 2.0];
        painter.add(Shape::convex_polygon(points.to_vec(), t.tomato, Stroke::NONE));
        painter.hline(base.x..=at.left().max(base.x), tip.y, Stroke::new(size::OUTLINE, t.tomato));
    }

    /// As on a machine on which nobody has ever placed an order.
    pub fn is_new_here(&mut self) {
        self.greets = true;
    }

    /// Once an order was placed, nobody needs the greeting any more.
    pub(super) fn has_asked_for(&mut self, command: &UserCommand) {
        self.greets &= !matches!(command, UserCommand::Customer(CustomerCommand::PlaceOrder { .. }));
    }
}

/// How large the box was in the last frame. After a new start it is known that there was one, and not how large it was: then about.
fn room(last: Option<Rect>) -> Vec2 {
    last.map(|rect| rect.size()).filter(|size| size.y > 2.0 * ARROW).unwrap_or(vec2(WIDTH, 4.0 * size::ROW))
}

/// Where a box lies over as little as possible of what is `occupied` on the ground, then of what is beside the ground: as near as
/// possible to where it would be.
fn place(usual: Rect, ground: Rect, occupied: &[Rect]) -> Rect {
    let shared =
        |one: Rect, other: Rect| Some(one.intersect(other)).filter(|it| it.is_positive()).map_or(0.0, |it| it.area());
    let covers = |at: &Rect| -> f32 { occupied.iter().map(|other| shared(*other, at.expand(CLEAR))).sum() };
    let beside = |at: &Rect| at.area() - shared(*at, ground);
    let steps = |room: f32| (room / STEP).max(0.0) as usize;
    let (across, down) = (steps(ground.right() - usual.right()), steps(ground.height() - usual.height()));
    let offset = |step: usize| step as f32 * STEP;
    let others = (0..=across).flat_map(|right| (0..=down).map(move |down| vec2(offset(right), offset(down))));
    let from = pos2(usual.left(), ground.top());
    // It belongs to the form: it rather stands higher than farther away.
    let far = |at: Pos2| (at.y - usual.top()).abs() + 2.0 * (at.x - usual.left());
    let cost = |at: &Rect| (covers(at), beside(at), far(at.min));
    let cheaper = |(one, least), other| {
        let its = cost(&other);
        if its < least { (other, its) } else { (one, least) }
    };
    others.map(|offset| Rect::from_min_size(from + offset, usual.size())).fold((usual, cost(&usual)), cheaper).0
}

/// How far from what it must not cover, and how far apart the heights are that are tried, in points.
const CLEAR: f32 = 4.0;
const STEP: f32 = 8.0;
/// The arrow, and the widest box, in points.
const ARROW: f32 = 14.0;
const WIDTH: f32 = 220.0;
/// In a higher form the arrow points at its upper part, where the dishes are; below the homes of most customers.
const HIGHEST: f32 = 520.0;
const LOW: f32 = 0.72;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_box_does_not_lie_over_what_is_below_the_ground() {
        let ground = Rect::from_min_max(pos2(200.0, 48.0), pos2(680.0, 300.0));
        let usual = Rect::from_min_size(pos2(216.0, 280.0), vec2(240.0, 74.0));
        let at = place(usual, ground, &[]);
        assert!(ground.contains_rect(at) && at.left() == usual.left(), "{at:?}");
        // Nor where what stands at the bottom of the ground leaves room only above it.
        let at = place(usual, ground, &[Rect::from_min_max(pos2(200.0, 200.0), pos2(680.0, 300.0))]);
        assert!(ground.contains_rect(at) && at.bottom() <= 200.0, "{at:?}");
    }

    #[test]
    fn a_box_of_an_earlier_run_without_a_size_still_has_room_for_its_arrow() {
        for last in [None, Some(Rect::from_min_size(pos2(261.0, 342.0), Vec2::ZERO))] {
            let room = room(last);
            assert!(room.x > 0.0 && room.y > 2.0 * ARROW, "{last:?}: {room:?}");
        }
        let known = vec2(240.0, 74.0);
        assert_eq!(room(Some(Rect::from_min_size(Pos2::ZERO, known))), known);
    }
}
