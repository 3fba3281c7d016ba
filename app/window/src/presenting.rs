//! In front of a room: full screen, a clicker's keys, a pointer that the back row can see, the same order once more.

use egui::{Context, Id, Key, LayerId, Modifiers, Order, Stroke, Ui, ViewportCommand};

use super::Window;
use crate::panels::lesson::LessonClick;
use crate::theme::{self, size, tokens_of};
use knowledge::picture::{Customer, Picture};
use knowledge::user_command::{CustomerCommand, UserCommand};
use protocol::ids::CustomerId;
use protocol::message::Ask;

impl Window {
    /// Takes the keys that a clicker sends before anything else can: Page Down and Page Up turn a lesson's pages, the full stop
    /// runs or stops time. In a presentation without a lesson they do nothing else either.
    pub(super) fn clicker_keys(&mut self, ui: &Ui) {
        if !self.teaches() && !self.appearance.presents {
            return;
        }
        let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
        for (key, click) in [(Key::PageDown, LessonClick::Next), (Key::PageUp, LessonClick::Back)] {
            if pressed(key) && self.teaches() {
                self.toolbar.lesson_click = Some(click);
            }
        }
        if pressed(Key::Period) {
            self.run_or_stop();
        }
    }

    /// F11, wherever the focus is.
    pub(super) fn full_screen_key(&self, ui: &Ui) {
        if ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::F11)) {
            set_full_screen(ui.ctx(), !is_full_screen(ui.ctx()));
        }
    }

    /// Leaves the presentation, and full screen; false if there was nothing to leave.
    pub(super) fn leaves_presentation(&mut self, context: &Context) -> bool {
        let was_full = is_full_screen(context);
        if was_full {
            set_full_screen(context, false);
        }
        std::mem::take(&mut self.appearance.presents) || was_full
    }

    /// The last order of the customer that orders, once more.
    pub(super) fn order_again(&mut self) {
        let again = self.focus.customer.and_then(|customer| last_order(&self.picture, customer));
        match again {
            Some(command) => self.commands.push(UserCommand::Customer(command)),
            None => self.diagram.complaint = Some(wording::NO_ORDER_TO_REPEAT.into()),
        }
    }

    /// A ring around the pointer that the back row can see.
    pub(super) fn show_pointer(&self, context: &Context) {
        let Some(at) = context.pointer_latest_pos().filter(|_| self.appearance.points) else { return };
        let painter = context.layer_painter(LayerId::new(Order::Tooltip, Id::unique("pointer")));
        let t = tokens_of(context.theme());
        painter.circle(at, POINTER, theme::faded(t.saffron, 0.25), Stroke::new(size::STRONG, t.saffron));
    }
}

/// Radius of the ring, in points.
const POINTER: f32 = 26.0;

fn is_full_screen(context: &Context) -> bool {
    context.input(|input| input.viewport().fullscreen.unwrap_or(false))
}

fn set_full_screen(context: &Context, on: bool) {
    context.send_viewport_cmd(ViewportCommand::Fullscreen(on));
}

fn last_order(picture: &Picture, customer: CustomerId) -> Option<CustomerCommand> {
    let Customer { receipts, waiting, postcode, .. } = picture.customers.get(customer)?;
    let under_way = waiting.as_ref().and_then(|waiting| match &waiting.ask {
        Ask::Order { postcode, items } => Some((*postcode, items.clone())),
        Ask::History { .. } | Ask::Withdraw => None,
    });
    let received = receipts.iter().rev().find(|receipt| !receipt.items.is_empty());
    let received = received.map(|receipt| (receipt.postcode.unwrap_or(*postcode), receipt.items.clone()));
    let (postcode, items) = under_way.or(received)?;
    Some(CustomerCommand::PlaceOrder { customer, postcode: postcode.to_string(), items })
}
