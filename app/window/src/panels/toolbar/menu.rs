//! The menu: what can be opened, saved and set.

use egui::{Button, Popup, Response, RichText, ScrollArea, Ui};

use super::{Appearance, ToolbarState, writing};
use crate::panels::help::Page;
use crate::panels::zoom::{self, Zoom};
use crate::panels::{actions, pace};
use crate::theme::{size, text};
use crate::widgets::{self, Explains, asking, asks, checkbox, dim, scrolling};
use knowledge::picture::Picture;
use knowledge::user_command::{CommandQueue, UserCommand};
use wording::Term;

const WIDTH: f32 = 280.0;
/// What stands around the entries, and some of the window under them.
const BELOW: f32 = 24.0;

/// The button and its entries, which scroll where the window is too low for them.
pub(super) fn menu(
    ui: &mut Ui,
    picture: &Picture,
    state: &mut ToolbarState,
    appearance: &mut Appearance,
    commands: &mut CommandQueue,
) {
    let button = Button::new(RichText::new("Menu").size(text::BODY)).min_size(widgets::ICON_BUTTON);
    let response: Response = ui.add(button);
    Popup::menu(&response).show(|ui| {
        ui.set_min_width(WIDTH);
        let room = (ui.ctx().content_rect().height() - size::TOOLBAR - BELOW).max(2.0 * size::ROW);
        // Without the second one, it is never higher than it was at first.
        let area = ScrollArea::vertical().max_height(room).min_scrolled_height(room);
        scrolling(ui, area, |ui| entries(ui, picture, state, appearance, commands));
    });
}

fn entries(
    ui: &mut Ui,
    picture: &Picture,
    state: &mut ToolbarState,
    appearance: &mut Appearance,
    commands: &mut CommandQueue,
) {
    let open = |ui: &mut Ui, words: &str, keys: &str, which: &mut bool| {
        if ui.add(Button::new(words).shortcut_text(keys)).accessible_name(words).clicked() {
            *which = true;
            ui.close();
        }
    };
    open(ui, "Lessons…", "K", &mut state.lessons);
    open(ui, "Scenarios and unsafe lessons…", "L", &mut state.scenarios);
    writing::entries(ui, state);
    ui.separator();
    let refuses = commands.refuses;
    asking(ui, refuses, |ui| cluster_entries(ui, picture, state, commands));
    let crash = if picture.nodes.is_durable() { wording::CUT_THE_POWER } else { "Crash every node…" };
    asking(ui, refuses, |ui| open(ui, crash, "", &mut state.crash_all));
    ui.separator();
    open(ui, "New cluster…", "Ctrl N", &mut state.new_cluster);
    open(ui, "Start over…", "Ctrl Shift N", &mut state.start_over);
    ui.menu_button("Set-up", |ui| {
        open(ui, "Save set-up…", "", &mut state.save_set_up);
        open(ui, "Open set-up…", "", &mut state.open_set_up);
    });
    let on = state.phones_now.map(wording::room_entry).unwrap_or_default();
    open(ui, wording::ROOM, &on, &mut state.phones);
    open(ui, wording::INVITE, &state.invite_now, &mut state.invite);
    open(ui, wording::JOIN, state.join_now, &mut state.join);
    ui.separator();
    ui.menu_button("Show", |ui| view_entries(ui, appearance));
    open(ui, "Save tape…", "", &mut state.save_tape);
    open(ui, "Open tape…", "", &mut state.open_tape);
    open(ui, "Save transcript…", "", &mut state.save_transcript);
    ui.separator();
    open(ui, "Notifications", "", &mut state.notices);
    let mut helps = false;
    open(ui, "Help", "F1", &mut helps);
    if helps {
        state.help.show(Page::Steps);
    }
    open(ui, "About", "", &mut state.about);
    ui.separator();
    size_entry(ui, state, appearance);
}

/// What is set of the cluster as a whole.
fn cluster_entries(ui: &mut Ui, picture: &Picture, state: &mut ToolbarState, commands: &mut CommandQueue) {
    let mut remembers = !state.asks_each_time;
    if checkbox(ui, &mut remembers, "Cache postcode checks").explains(Term::PostcodeService).changed() {
        state.asks_each_time = !remembers;
        commands.push(UserCommand::SetVerdictCache { on: remembers });
    }
    let mut heartbeats = picture.steering.heartbeats;
    let shown = checkbox(ui, &mut heartbeats, "Show each heartbeat");
    if shown.explains_all(&[Term::Heartbeat], wording::HEARTBEATS_MEANS).changed() {
        commands.push(UserCommand::ShowHeartbeats { on: heartbeats });
    }
    let submenu = ui.menu_button("Delay of each hop", |ui| {
        for hop in std::iter::once(None).chain(pace::HOPS.map(Some)) {
            let choice = ui.button(wording::hop_choice(hop));
            asks(ui, &choice, commands, pace::hop_command(hop));
        }
        dim(ui, format!("Now: {}.", wording::hop_choice(Some(picture.hop))));
    });
    if submenu.inner.is_none() {
        submenu.response.explains(Term::Hop);
    }
    let more = actions::add_front_end(picture);
    let response = more.explain(ui.button(&more.in_full));
    asks(ui, &response, commands, more.command);
    ui.add_enabled_ui(!picture.steering.links.is_empty(), |ui| {
        let mend = ui.add(Button::new("Mend all links").shortcut_text("M")).accessible_name("Mend all links");
        asks(ui, &mend, commands, UserCommand::MendAll);
    });
}

/// What is shown of it.
fn view_entries(ui: &mut Ui, appearance: &mut Appearance) {
    checkbox(ui, &mut appearance.beliefs, "Truth and belief").explains_all(&[Term::Belief], "B");
    let mut timers = !appearance.hides_timers;
    if checkbox(ui, &mut timers, "Show timers in slow motion").explains(Term::Timer).changed() {
        appearance.hides_timers = !timers;
    }
    let mut tabs = !appearance.hides_tabs;
    if checkbox(ui, &mut tabs, "Show timeline, log and measurements").on_hover_text("J").changed() {
        appearance.hides_tabs = !tabs;
    }
    checkbox(ui, &mut appearance.points, "Ring around the pointer").on_hover_text("W");
    checkbox(ui, &mut appearance.reduced_motion, "Reduced motion");
}

fn size_entry(ui: &mut Ui, state: &mut ToolbarState, appearance: &mut Appearance) {
    ui.horizontal(|ui| {
        ui.label("Size");
        if ui.button("−").on_hover_text("Ctrl −").clicked() {
            appearance.reduce(ui.ctx());
        }
        let shown = appearance.zoom.shown(zoom::window(ui.ctx()), appearance.presents);
        ui.label(format!("{:.0} %", shown * 100.0));
        if ui.button("+").on_hover_text("Ctrl +").clicked() {
            state.complaint = appearance.enlarge(ui.ctx());
        }
        if ui.button("Reset").on_hover_text("Ctrl 0").clicked() {
            appearance.zoom = Zoom::default();
        }
    });
}
