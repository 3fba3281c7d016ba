//! The list of customers: who, where, and what each is at. The chosen one orders.

use egui::{Align2, Response, ScrollArea, Ui, pos2};

use super::Focus;
use super::workflow_diagram::customer_colour;
use crate::theme::{self, text, tokens};
use crate::widgets::{dim, elided, heading, row, scrolling};
use knowledge::picture::{Customer, Picture};

const ROW: f32 = 44.0;
/// The list keeps room for four rows, however little there is.
pub(crate) const LEAST: f32 = ROW * 4.0;

/// The list, in so much room; where there are more, with a scroll bar of its own.
pub(crate) fn customers_ui(ui: &mut Ui, picture: &Picture, focus: &mut Focus, room: f32) {
    heading(ui, "Customers");
    let area = ScrollArea::vertical().id_salt("customers").max_height(room).auto_shrink([false, true]);
    scrolling(ui, area, |ui| entries(ui, picture, focus));
}

/// The height that the whole list would have.
pub fn height(picture: &Picture) -> f32 {
    ROW * picture.customers.len() as f32
}

/// The rows alone.
pub fn entries(ui: &mut Ui, picture: &Picture, focus: &mut Focus) {
    if picture.customers.is_empty() {
        dim(ui, wording::NO_CUSTOMER);
        return;
    }
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for customer in picture.customers.iter() {
            let response = entry(ui, customer, focus.customer == Some(customer.id));
            if focus.brings_into_sight == Some(customer.id) {
                response.scroll_to_me(None);
            }
            if response.clicked() {
                focus.select_customer(customer.id);
            }
        }
        focus.brings_into_sight = None;
    });
}

fn entry(ui: &mut Ui, customer: &Customer, chosen: bool) -> Response {
    let t = tokens(ui);
    let line = format!("{} · {}", customer.postcode, wording::customer_line(customer));
    let name = format!("choose {}: {line}", customer.name);
    row(ui, ROW, chosen, &name, |painter, rect| {
        let disc = pos2(rect.left() + 22.0, rect.center().y);
        let colour = customer_colour(customer, t);
        painter.circle_filled(disc, 14.0, if colour == t.tomato { t.tomato_text } else { colour });
        let letter = customer.name.chars().next().unwrap_or('?').to_string();
        let ink = if colour == t.saffron { t.on_saffron } else { t.on_strong };
        painter.text(disc, Align2::CENTER_CENTER, letter, theme::strong(text::BODY), ink);
        let left = rect.left() + 46.0;
        let room = rect.right() - 8.0 - left;
        let name = elided(painter, &customer.name, theme::plain(text::BODY), t.text, room);
        let line = elided(painter, &line, theme::plain(text::SMALL), t.dim, room);
        let top = rect.center().y - (name.size().y + line.size().y) / 2.0;
        let second = top + name.size().y;
        painter.galley(pos2(left, top), name, t.text);
        painter.galley(pos2(left, second), line, t.dim);
    })
}
