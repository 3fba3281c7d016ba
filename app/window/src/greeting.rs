//! The first start: one thing to do, pointed at, until it has been done once. Whether that is so is kept between runs.

use egui::{Area, Context, Frame, Id, Label, Order, Rect, RichText, Shape, Stroke, Vec2, pos2, vec2};

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
        let tip = pos2(form.right() + 2.0, form.top() + form.height().min(HIGHEST) * LOW);
        let area = Area::new(Id::unique("greeting")).order(Order::Middle).interactable(false);
        let shown = area.fixed_pos(tip + vec2(ARROW, -2.0 * size::ROW)).show(context, |ui| {
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
    }

    /// Once an order was placed, nobody needs the greeting any more.
    pub(super) fn has_asked_for(&mut self, command: &UserCommand) {
        self.greets &= !matches!(command, UserCommand::Customer(CustomerCommand::PlaceOrder { .. }));
    }
}

/// The arrow, and the widest box, in points.
const ARROW: f32 = 14.0;
const WIDTH: f32 = 220.0;
/// In a higher form the arrow points at its upper part, where the dishes are; below the homes of most customers.
const HIGHEST: f32 = 520.0;
const LOW: f32 = 0.72;
