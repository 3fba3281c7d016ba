//! The list of scenarios, and the bug museum: injected bugs of the real program, off until a person turns one on.
//!
//! Nothing is run here. Before a bug is injected, `consent` asks.

use egui::{Label, Response, RichText, ScrollArea, Ui};
use protocol::plant::{self, Plant};

use super::consent::{Agreed, Asked, Wanted, consent_ui};
use crate::theme::{self, text, tokens};
use crate::widgets::{
    Explains, READ, asking, button, closing_button, destructive, dialog, dim, dots_below, hairline, pill, scrolling,
    tabs,
};
use knowledge::picture::Picture;
use knowledge::user_command::{CommandQueue, UserCommand};
use scenarios::{SetUp, Unsafe};
use wording::Term;

/// What the list shows of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The name under which `run` finds it.
    pub name: String,
    pub title: String,
    /// The bug it injects.
    pub plant: Option<Plant>,
}

/// What the person looks at, asks for, and was asked.
#[derive(Debug, Default)]
pub struct ScenariosState {
    tab: Tab,
    /// What is being asked about.
    pub asked: Option<Asked>,
    /// The scenario to run now; taken by the app.
    pub wanted: Option<Wanted>,
    /// Whether one from a file is asked for; taken by the app.
    pub opens: bool,
    /// A cluster that begins like this is to take this one's place; taken by the app.
    pub begins_new: Option<Box<SetUp>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Tab {
    #[default]
    Scenarios,
    Museum,
}

/// The list, while it is open.
pub(crate) fn scenarios_ui(
    ui: &Ui,
    picture: &Picture,
    entries: &[Listed],
    state: &mut ScenariosState,
    open: &mut bool,
    commands: &mut CommandQueue,
) {
    // What is asked about comes first, and alone.
    if state.asked.is_some() {
        match consent_ui(ui, &mut state.asked, commands) {
            Some(Agreed::Scenario(wanted)) => state.wanted = Some(wanted),
            Some(Agreed::NewCluster(set_up)) => state.begins_new = Some(set_up),
            None => return,
        }
        *open = false;
        return;
    }
    if !*open {
        return;
    }
    let modal = dialog(ui, "scenarios").show(ui.ctx(), |ui| {
        ui.set_width(560.0);
        ui.horizontal(|ui| {
            let choices = [(Tab::Scenarios, "Scenarios"), (Tab::Museum, "Bug museum")];
            if let Some(tab) = tabs(ui, state.tab, &choices) {
                state.tab = tab;
            }
        });
        hairline(ui);
        let height = (ui.ctx().content_rect().height() - 220.0).max(160.0);
        let area = ScrollArea::vertical().max_height(height).min_scrolled_height(height).auto_shrink([false, true]);
        scrolling(ui, area, |ui| match state.tab {
            Tab::Scenarios => list(ui, entries, state, commands.refuses),
            Tab::Museum => museum(ui, picture, entries, state, commands),
        });
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            closing_button(ui, "Close");
            let open = asking(ui, commands.refuses, |ui| button(ui, "Open a scenario…"));
            if open.on_hover_text(wording::OPEN_SCENARIO_HINT).clicked() {
                state.opens = true;
                ui.close();
            }
        });
    });
    *open = !modal.should_close() && state.wanted.is_none();
}

fn list(ui: &mut Ui, entries: &[Listed], state: &mut ScenariosState, refuses: Option<&str>) {
    dim(ui, wording::SCENARIOS_MEAN);
    for entry in entries.iter().filter(|entry| entry.plant.is_none()) {
        row(ui, &entry.title, &entry.name, ROOM_FOR_A_BUTTON, |ui| {
            let perform = asking(ui, refuses, |ui| button(ui, "Run"));
            if perform.accessible_name(format!("run {}", entry.name)).clicked() {
                state.wanted = Some(plain(entry));
            }
        });
    }
}

/// Without an injected bug.
fn plain(entry: &Listed) -> Wanted {
    Wanted { name: entry.name.clone(), with_bug: false, opened: false, page: None }
}

fn museum(ui: &mut Ui, picture: &Picture, entries: &[Listed], state: &mut ScenariosState, commands: &mut CommandQueue) {
    dim(ui, wording::MUSEUM_MEANS);
    for plant in plant::ALL {
        let is_on = picture.steering.plant == Some(plant);
        let entry = entries.iter().find(|entry| entry.plant == Some(plant));
        let refuses = commands.refuses;
        let mut buttons = |ui: &mut Ui| {
            if is_on {
                if button(ui, "Switch off").accessible_name(format!("switch off {plant}")).clicked() {
                    commands.push(UserCommand::SetPlant { plant: None });
                }
                let t = tokens(ui);
                pill(ui, "on", t.on_strong, t.tomato_text);
            } else if destructive(ui, "Switch on…").accessible_name(format!("switch on {plant}")).clicked() {
                state.asked = Some(Asked::Plant(plant));
            }
            let Some(entry) = entry else { return };
            let name = format!("run {} with the bug", entry.name);
            if destructive(ui, "Run…").accessible_name(name).clicked() {
                let (name, title) = (entry.name.clone(), entry.title.clone());
                state.asked = Some(Asked::Scenario {
                    name,
                    title,
                    switch: Some(Unsafe::Plant(plant)),
                    opened: false,
                    page: None,
                });
            }
            let name = format!("run {} without the bug", entry.name);
            if button(ui, "Without").on_hover_text(wording::WITHOUT_MEANS).accessible_name(name).clicked() {
                state.wanted = Some(plain(entry));
            }
        };
        let name =
            row(ui, wording::plant(plant), plant.name(), ROOM_FOR_BUTTONS, |ui| asking(ui, refuses, &mut buttons));
        dots_below(ui, &name, name.rect);
        name.explains(Term::Plant(plant));
    }
}

/// A title and a name at the left, buttons that need this many points at the right.
/// Returns the name, for what there is to be said of it.
fn row(ui: &mut Ui, title: &str, name: &str, needed: f32, buttons: impl FnOnce(&mut Ui)) -> Response {
    let shown = ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let room = (ui.available_width() - needed).max(160.0);
        let words = |ui: &mut Ui| {
            ui.set_width(room);
            ui.add(Label::new(RichText::new(title).font(theme::plain(text::BODY))).wrap());
            ui.add(Label::new(RichText::new(name).font(theme::mono()).color(tokens(ui).dim)).truncate().sense(READ))
        };
        let top_down = egui::Layout::top_down(egui::Align::Min);
        let name = ui.allocate_ui_with_layout(egui::vec2(room, 0.0), top_down, words).inner;
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), buttons);
        name
    });
    hairline(ui);
    shown.inner
}

/// Room for the buttons of a lesson, and for the one of a scenario.
const ROOM_FOR_BUTTONS: f32 = 304.0;
const ROOM_FOR_A_BUTTON: f32 = 92.0;
