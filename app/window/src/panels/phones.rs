//! The box that lets the room order: where the page is opened and for how many phones; once it is open, its link as a picture.
//!
//! Nothing is opened here: a click is returned. What is open is told by the room itself.

use std::net::IpAddr;

use egui::{DragValue, Label, RadioButton, RichText, Ui, WidgetInfo};
use room::{Address, MOST_PHONES, Standing, USUAL_PHONES};

use crate::qr::qr_ui;
use crate::theme::{self, size, text, tokens};
use crate::widgets::{button, closing_button, destructive, dialog, dim, fact, scrolling_in_dialog};

/// Room for the buttons at the foot of the box.
const BELOW: f32 = size::ROW + 4.0 * size::STEP;
const WIDTH: f32 = 440.0;
/// The largest picture of a link: it is read from the last row.
const LARGEST: f32 = 360.0;
/// What stands around the picture needs this much of the window's height.
const BESIDE: f32 = 320.0;

/// What is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhonesState {
    pub address: IpAddr,
    pub most: usize,
    /// Why it could not be opened.
    pub trouble: Option<String>,
}

impl Default for PhonesState {
    fn default() -> Self {
        Self { address: Address::loopback().ip, most: USUAL_PHONES, trouble: None }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhonesClick {
    Open { address: IpAddr, most: usize },
    Close,
}

/// The box. `addresses`: those of this computer.
pub(crate) fn phones_ui(
    ui: &Ui,
    standing: &Standing,
    addresses: &[Address],
    state: &mut PhonesState,
    open: &mut bool,
) -> Option<PhonesClick> {
    let mut clicked = None;
    // Two boxes: one that has become higher would have the height of the other.
    let name = if standing.link.is_some() { "phones" } else { "choices for phones" };
    let modal = dialog(ui, name).show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 64.0));
        scrolling_in_dialog(ui, BELOW, |ui| {
            ui.label(RichText::new(wording::ROOM_TITLE).font(theme::strong(text::LARGE)));
            match &standing.link {
                Some(link) => opened(ui, link, standing),
                None => choices(ui, addresses, state),
            }
            if is_plain(standing, state) {
                ui.add_space(size::STEP);
                let ink = tokens(ui).tomato_text;
                ui.add(Label::new(RichText::new(wording::ROOM_PLAIN).size(text::BODY).color(ink)).wrap());
            }
            if let Some(why) = &state.trouble {
                ui.add(Label::new(RichText::new(why).color(tokens(ui).tomato_text)).wrap());
            }
        });
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            if standing.link.is_some() {
                let off = destructive(ui, wording::ROOM_CLOSE).on_hover_text(wording::ROOM_CLOSE_MEANS);
                clicked = off.clicked().then_some(PhonesClick::Close);
            } else if button(ui, wording::ROOM_OPEN).clicked() {
                clicked = Some(PhonesClick::Open { address: state.address, most: state.most });
            }
            closing_button(ui, "Close");
        });
    });
    *open &= !modal.should_close();
    clicked
}

/// Whether others in the network can read along.
fn is_plain(standing: &Standing, state: &PhonesState) -> bool {
    let is_open_to_all = standing.address.is_some_and(|address| !address.is_loopback());
    is_open_to_all || (standing.link.is_none() && !state.address.is_loopback())
}

fn choices(ui: &mut Ui, addresses: &[Address], state: &mut PhonesState) {
    dim(ui, wording::ROOM_MEANS);
    ui.add_space(2.0 * size::STEP);
    ui.label(RichText::new(wording::ROOM_WHERE).font(theme::strong(text::BODY)));
    for address in addresses {
        let words = wording::room_address(address.ip, &address.network);
        if ui.add(RadioButton::new(state.address == address.ip, words)).clicked() {
            (state.address, state.trouble) = (address.ip, None);
        }
    }
    if addresses.iter().all(Address::is_loopback) {
        dim(ui, wording::ROOM_NO_NETWORK);
    }
    ui.add_space(2.0 * size::STEP);
    ui.horizontal(|ui| {
        ui.label(wording::ROOM_MOST);
        let field = ui.add(DragValue::new(&mut state.most).range(1..=MOST_PHONES));
        field.widget_info(|| WidgetInfo::labeled(egui::Role::SpinButton, true, wording::ROOM_MOST));
    });
}

fn opened(ui: &mut Ui, link: &str, standing: &Standing) {
    let side = (ui.ctx().content_rect().height() - BESIDE).clamp(160.0, LARGEST.min(ui.available_width()));
    ui.add_space(size::STEP);
    ui.vertical_centered(|ui| qr_ui(ui, link, wording::ROOM_PICTURE, side));
    ui.add_space(size::STEP);
    fact(ui, "Link", link, true);
    fact(ui, "Phones", &wording::room_phones(standing.phones, standing.most, standing.in_touch), false);
    ui.add_space(size::STEP);
    dim(ui, wording::ROOM_SCAN);
}
