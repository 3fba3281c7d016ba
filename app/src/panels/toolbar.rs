//! The bar at the top: how fast messages travel, whether the cluster serves, and how the window looks.

use egui::{Button, Key, Popup, Response, RichText, ThemePreference, Ui};
use protocol::ids::Span;

use crate::picture::{Picture, Service};
use crate::theme::{self, size, text, time, tokens};
use crate::user_command::{CommandQueue, UserCommand};
use crate::widgets::{self, choice, from_right, pill};
use crate::wording;

/// How the window looks; remembered between runs.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Appearance {
    /// Presentation: all larger, side panels hidden.
    pub presents: bool,
    /// Messages do not travel but light their way.
    pub reduced_motion: bool,
}

/// What the toolbar remembers.
#[derive(Debug, Default)]
pub struct ToolbarState {
    /// Whether the About box is open.
    pub about: bool,
    /// Whether the list of keys is open.
    pub shortcuts: bool,
    /// Whether it was asked to save a tape.
    pub save_tape: bool,
    /// Whether it was asked to open one.
    pub open_tape: bool,
    /// Whether the list of past notifications is open.
    pub notices: bool,
    /// Whether primaries remember verdicts; on when a cluster starts.
    pub asks_each_time: bool,
}

/// The whole bar.
pub fn toolbar_ui(
    ui: &mut Ui,
    picture: &Picture,
    state: &mut ToolbarState,
    appearance: &mut Appearance,
    commands: &mut CommandQueue,
) {
    let t = tokens(ui);
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.label(RichText::new("Just ").font(theme::strong(text::TITLE)).color(t.tomato_text));
        ui.label(RichText::new("Hungry").font(theme::strong(text::TITLE)));
        ui.spacing_mut().item_spacing.x = 8.0;
        ui.add_space(16.0);
        hops(ui, picture, commands);
        from_right(ui, |ui| {
            menu(ui, state, appearance, commands);
            theme_button(ui);
            let words = if appearance.presents { "End presentation" } else { "Present" };
            if widgets::button(ui, words).on_hover_text("Larger, without side panels (P)").clicked() {
                appearance.presents = !appearance.presents;
            }
            service(ui, picture);
        });
    });
}

fn hops(ui: &mut Ui, picture: &Picture, commands: &mut CommandQueue) {
    let choices: Vec<(u64, String)> = time::HOPS.iter().map(|hop| (*hop, wording::hop(*hop))).collect();
    if let Some(hop) = choice(ui, "speed", picture.hop, &choices) {
        commands.push(UserCommand::SetHop { hop: Some(Span(hop)) });
    }
}

/// The pill that says whether orders are answered.
fn service(ui: &mut Ui, picture: &Picture) {
    let t = tokens(ui);
    match picture.service() {
        Service::Serving { view, members, in_step } => {
            let words = format!("● Serving · view {view} · {in_step} of {members} members in step");
            pill(ui, &words, t.basil_text, t.basil_wash);
        }
        Service::Starting => drop(pill(ui, &format!("○ {}", wording::STARTING), t.saffron_text, t.saffron_wash)),
        Service::Waiting(why) => {
            pill(ui, &format!("▲ {why}"), t.tomato_text, t.tomato_wash).on_hover_text(why);
        }
    }
}

/// A disc: empty for light, full for dark, half for the system's choice.
fn theme_button(ui: &mut Ui) {
    let t = tokens(ui);
    let now = ui.options(|options| options.theme_preference);
    let (words, next) = next_theme(now);
    let response = ui.add(Button::new("").min_size(widgets::ICON_BUTTON));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("theme: {words}")));
    let centre = response.rect.center();
    let full = match now {
        ThemePreference::Light => 0.0,
        ThemePreference::System => 0.5,
        ThemePreference::Dark => 1.0,
    };
    let disc = egui::Rect::from_center_size(centre, egui::Vec2::splat(12.0));
    let part = ui.painter().with_clip_rect(disc.with_max_x(disc.left() + disc.width() * full));
    part.circle_filled(centre, 6.0, t.text);
    ui.painter().circle_stroke(centre, 6.0, (size::OUTLINE, t.text));
    if response.on_hover_text(format!("Theme: {words} (T)")).clicked() {
        ui.set_theme(next);
    }
}

/// What the present theme is called, and the one after it.
#[must_use]
pub fn next_theme(now: ThemePreference) -> (&'static str, ThemePreference) {
    match now {
        ThemePreference::System => ("as the system", ThemePreference::Light),
        ThemePreference::Light => ("light", ThemePreference::Dark),
        ThemePreference::Dark => ("dark", ThemePreference::System),
    }
}

fn menu(ui: &mut Ui, state: &mut ToolbarState, appearance: &mut Appearance, commands: &mut CommandQueue) {
    let button = Button::new(RichText::new("Menu").size(text::BODY)).min_size(widgets::ICON_BUTTON);
    let response: Response = ui.add(button);
    Popup::menu(&response).show(|ui| {
        ui.set_min_width(240.0);
        let mut remembers = !state.asks_each_time;
        if ui.checkbox(&mut remembers, "Primaries remember verdicts on postcodes").changed() {
            state.asks_each_time = !remembers;
            commands.push(UserCommand::SetVerdictCache { on: remembers });
        }
        ui.checkbox(&mut appearance.reduced_motion, "Reduced motion");
        ui.separator();
        let open = |ui: &mut Ui, words: &str, which: &mut bool| {
            if ui.button(words).clicked() {
                *which = true;
                ui.close();
            }
        };
        open(ui, "Save tape…", &mut state.save_tape);
        open(ui, "Open tape…", &mut state.open_tape);
        ui.separator();
        open(ui, "Notifications", &mut state.notices);
        open(ui, "Keys", &mut state.shortcuts);
        open(ui, "About", &mut state.about);
        ui.separator();
        zoom(ui);
    });
}

fn zoom(ui: &mut Ui) {
    ui.horizontal(|ui| {
        ui.label("Size");
        if ui.button("−").on_hover_text("Ctrl −").clicked() {
            egui::gui_zoom::zoom_out(ui.ctx());
        }
        ui.label(format!("{:.0} %", ui.ctx().zoom_factor() * 100.0));
        if ui.button("+").on_hover_text("Ctrl +").clicked() {
            egui::gui_zoom::zoom_in(ui.ctx());
        }
        if ui.button("Reset").on_hover_text("Ctrl 0").clicked() {
            ui.ctx().set_zoom_factor(1.0);
        }
    });
}

/// The key of each speed.
pub const HOP_KEYS: [Key; 4] = [Key::Num1, Key::Num2, Key::Num3, Key::Num4];
