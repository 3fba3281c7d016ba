//! The bar at the top: how fast time goes, whether the cluster serves, and the menu.

mod menu;
mod writing;

use egui::{Button, Color32, Context, Popup, Response, RichText, ThemePreference, Ui};
use protocol::trace::Rate;

use super::help::{HelpState, Page};
use super::lesson::LessonClick;
use super::pace::{self, Pace, RATES};
use super::zoom::{self, Zoom};
use crate::theme::{self, size, text, tokens};
use crate::widgets::{self, Explains, Sign, asks, choice, dim, dim_of, from_right, pill_of, sign_button};
use knowledge::picture::{Picture, Service};
use knowledge::user_command::{CommandQueue, Until, UserCommand};
use wording::Term;

/// How the window looks; remembered between runs.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Appearance {
    /// Presentation: all larger, side panels hidden.
    pub presents: bool,
    /// Messages do not travel but light their way.
    pub reduced_motion: bool,
    /// Beside each node stands what it believes.
    pub beliefs: bool,
    /// Armed timers are not shown.
    pub hides_timers: bool,
    /// Timeline, log and measurements are not shown.
    pub hides_tabs: bool,
    /// A ring around the pointer.
    pub points: bool,
    /// How large everything is.
    pub zoom: Zoom,
}

impl Appearance {
    /// Everything one step larger; else a sentence why not.
    pub(crate) fn enlarge(&mut self, context: &Context) -> Option<String> {
        (!self.zoom.enlarge(zoom::window(context), self.presents)).then(|| wording::NO_ROOM_TO_ENLARGE.to_owned())
    }

    /// Everything one step smaller.
    pub(crate) fn reduce(&mut self, context: &Context) {
        self.zoom.reduce(zoom::window(context), self.presents);
    }
}

#[derive(Debug, Default)]
pub struct ToolbarState {
    /// Whether the About box is open.
    pub about: bool,
    /// The page of help.
    pub help: HelpState,
    /// Whether it was asked to record a lesson, and to stop that.
    pub record_lesson: bool,
    pub stop_recording: bool,
    /// Whether it was asked to open a lesson for editing.
    pub edit_lesson: bool,
    /// What the chip of the recording under way says, longest first.
    pub recording: Option<[String; 3]>,
    /// Whether it was asked to save a tape.
    pub save_tape: bool,
    /// Whether it was asked to save what the narrator has told.
    pub save_transcript: bool,
    /// Whether it was asked to open one.
    pub open_tape: bool,
    /// Whether the list of past notifications is open.
    pub notices: bool,
    /// Whether the list of scenarios is open.
    pub scenarios: bool,
    /// Whether the catalogue of lessons is open.
    pub lessons: bool,
    /// What the chip of the lesson under way says, longest first.
    pub lesson: Option<[String; 3]>,
    /// What was asked of it; taken by the app.
    pub lesson_click: Option<LessonClick>,
    /// Whether the window asks if every node is to crash.
    pub crash_all: bool,
    /// Whether another cluster is asked for; taken by the app.
    pub new_cluster: bool,
    /// Whether the last one is to begin again; taken by the app.
    pub start_over: bool,
    /// Whether the box about phones is open.
    pub phones: bool,
    /// How many phones there are, while their page is open.
    pub phones_now: Option<usize>,
    /// Whether the box that invites other machines is open.
    pub invite: bool,
    /// What its entry in the menu says beside its name.
    pub invite_now: String,
    /// Whether the box in which this machine joins another cluster is open.
    pub join: bool,
    pub join_now: &'static str,
    /// Whether it was asked to save how the cluster of now would begin.
    pub save_set_up: bool,
    /// Whether it was asked to open one such.
    pub open_set_up: bool,
    /// Whether primaries remember verdicts; on when a cluster starts.
    pub asks_each_time: bool,
    /// The speed that was chosen last.
    pub pace: Pace,
    /// Whether the past goes on by itself; none: the present is shown.
    pub past_plays: Option<bool>,
    /// What was asked of the past; taken by the app.
    pub asked_of_past: Option<PlayClick>,
    /// Why the last click led to nothing; taken by the app, which shows it.
    pub complaint: Option<String>,
}

/// What Run, Stop and Step mean while the past is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlayClick {
    /// It goes on by itself, or no longer.
    Play(bool),
    Step,
}

pub(crate) fn toolbar_ui(
    ui: &mut Ui,
    picture: &Picture,
    state: &mut ToolbarState,
    appearance: &mut Appearance,
    commands: &mut CommandQueue,
) {
    let t = tokens(ui);
    ui.horizontal_centered(|ui| {
        let (narrow, wide) = (ui.available_width() < ROOM_FOR_NAME, ui.available_width() >= ROOM_FOR_HELP);
        if let Some(words) = &state.recording {
            ui.spacing_mut().item_spacing.x = 8.0;
            state.stop_recording |= writing::recording_chip(ui, words);
        } else if let Some(words) = &state.lesson {
            ui.spacing_mut().item_spacing.x = 8.0;
            state.lesson_click = lesson_chip(ui, words).or(state.lesson_click.take());
        } else if !narrow {
            ui.spacing_mut().item_spacing.x = 0.0;
            ui.label(RichText::new("Just ").font(theme::strong(text::TITLE)).color(t.tomato_text));
            ui.label(RichText::new("Hungry").font(theme::strong(text::TITLE)));
            ui.add_space(12.0);
        }
        ui.spacing_mut().item_spacing.x = 8.0;
        match state.past_plays {
            Some(plays) => play_past(ui, plays, &mut state.asked_of_past),
            None => {
                state.pace.follow(picture);
                run_and_stop(ui, picture, state.pace, commands);
            }
        }
        speeds(ui, picture, state, commands);
        from_right(ui, |ui| {
            menu::menu(ui, picture, state, appearance, commands);
            theme_button(ui);
            // Beside a lesson's chip there is no room, and its page explains its words.
            if wide && state.lesson.is_none() {
                help_button(ui, &mut state.help);
            }
            let words = if appearance.presents { "End presentation" } else { "Present" };
            // Whether orders are answered matters more than how this is called.
            let short = if appearance.presents { "End" } else { words };
            let present = widgets::button(ui, short).accessible_name(words);
            if present.on_hover_text("Larger, without side panels (P)").clicked() {
                appearance.presents = !appearance.presents;
            }
            if ui.available_width() >= ROOM_FOR_SERVICE {
                service(ui, picture);
            }
        });
    });
}

/// Which lesson is under way, and how far; its menu leaves it or begins it again.
fn lesson_chip(ui: &mut Ui, words: &[String; 3]) -> Option<LessonClick> {
    let room = ui.available_width() - ROOM_BESIDE_CHIP;
    let width = |words: &String| {
        let galley = ui.painter().layout_no_wrap(words.clone(), theme::strong(text::SMALL), tokens(ui).text);
        galley.size().x + 48.0
    };
    let fitting = words.iter().find(|words| width(words) <= room).or(words.last())?;
    let mut clicked = None;
    let chip = sign_button(ui, Sign::More, fitting, &words[0], false);
    Popup::menu(&chip).show(|ui| {
        ui.set_min_width(220.0);
        for (words, click) in [
            ("All lessons…", LessonClick::Catalogue),
            ("Start this lesson over", LessonClick::StartOver),
            ("Leave the lesson", LessonClick::Leave),
        ] {
            if ui.button(words).clicked() {
                clicked = Some(click);
                ui.close();
            }
        }
    });
    clicked
}

/// Run, Stop and Step; further steps in a small menu.
fn run_and_stop(ui: &mut Ui, picture: &Picture, pace: Pace, commands: &mut CommandQueue) {
    let stopped = picture.steering.is_stopped(picture.now);
    ui.spacing_mut().item_spacing.x = 2.0;
    if sign_button(ui, Sign::Run, "Run", "run", !stopped).on_hover_text(wording::RUN_MEANS).clicked() && stopped {
        commands.push(pace.run());
    }
    if sign_button(ui, Sign::Stop, "Stop", "stop", stopped).on_hover_text(wording::STOPPED_MEANS).clicked() && !stopped
    {
        commands.push(Pace::stop());
    }
    if sign_button(ui, Sign::Step, "Step", "step", false).on_hover_text(wording::STEP_MEANS).clicked() {
        commands.push(pace.step(picture));
    }
    let more = sign_button(ui, Sign::More, "", "further steps", false);
    ui.spacing_mut().item_spacing.x = 8.0;
    Popup::menu(&more).show(|ui| {
        ui.set_min_width(260.0);
        let mut entry = |ui: &mut Ui, words: &str, keys: &str, means: &str, command: UserCommand| {
            let button = Button::new(words).shortcut_text(keys);
            let response = ui.add(button).accessible_name(words).on_hover_text(means);
            asks(ui, &response, commands, command);
        };
        entry(ui, "To the next message", "→", wording::STEP_MEANS, pace.step(picture));
        let numbered = pace.run_until(Until::NumberedStep);
        entry(ui, "To the next numbered step", "Shift →", wording::NUMBERED_MEANS, numbered);
        let view_change = pace.run_until(Until::ViewChange);
        entry(ui, "To the next view change", "Ctrl →", wording::VIEW_CHANGE_MEANS, view_change);
    });
}

/// The same buttons while the past is shown: they play it, and the cluster goes on as it does.
fn play_past(ui: &mut Ui, plays: bool, asked: &mut Option<PlayClick>) {
    ui.spacing_mut().item_spacing.x = 2.0;
    if sign_button(ui, Sign::Run, "Play", "play", plays).on_hover_text(wording::PLAY_MEANS).clicked() {
        *asked = Some(PlayClick::Play(true));
    }
    if sign_button(ui, Sign::Stop, "Stop", "stop", !plays).on_hover_text(wording::PLAY_MEANS).clicked() {
        *asked = Some(PlayClick::Play(false));
    }
    if sign_button(ui, Sign::Step, "Step", "step", false).on_hover_text("One message forward (→)").clicked() {
        *asked = Some(PlayClick::Step);
    }
    ui.spacing_mut().item_spacing.x = 8.0;
}

/// One control from real time to a thousandth, and how long a hop is seen at that speed.
fn speeds(ui: &mut Ui, picture: &Picture, state: &mut ToolbarState, commands: &mut CommandQueue) {
    let pace = &mut state.pace;
    let choices: Vec<_> = RATES.iter().map(|rate| (*rate, wording::rate(*rate))).collect();
    // A script may choose a speed between these: the menu says which.
    let is_listed = RATES.contains(&pace.chosen());
    let chosen = match is_listed && ui.available_width() >= ROOM_FOR_SPEEDS {
        true => choice(ui, "speed", pace.chosen(), &choices),
        false => speed_menu(ui, pace.chosen(), &choices),
    };
    if let Some(rate) = chosen {
        let command = pace.choose(picture, rate);
        // In the past it is the speed at which that is played.
        commands.extend(command.filter(|_| state.past_plays.is_none()));
    }
    if ui.available_width() < ROOM_FOR_HOP {
        return;
    }
    if !picture.steering.stopping.is_empty() {
        dim(ui, wording::stopping(&picture.steering.stopping));
        return;
    }
    let seen = pace::hop_in_sight(picture.hop, pace.chosen());
    dim_of(ui, wording::hop_in_sight(seen)).explains_all(&[Term::Hop, Term::ClusterTime], wording::SPEED_MEANS);
}

/// The same choice where there is no room for all of it at once: a presentation on a small screen.
fn speed_menu(ui: &mut Ui, now: Rate, choices: &[(Rate, String)]) -> Option<Rate> {
    let mut chosen = None;
    let button = sign_button(ui, Sign::More, &wording::rate(now), &format!("speed: {}", wording::rate(now)), false);
    Popup::menu(&button).show(|ui| {
        for (rate, words) in choices {
            if ui.selectable_label(*rate == now, words).clicked() {
                chosen = Some(*rate);
                ui.close();
            }
        }
    });
    chosen.filter(|rate| *rate != now)
}

/// What stands right of the chip needs this much of the bar.
const ROOM_BESIDE_CHIP: f32 = 560.0;
/// In a narrower bar than this, which a presentation can have, the program's name is left out.
const ROOM_FOR_NAME: f32 = 720.0;
/// A narrower bar has no room for help beside the menu, where it stands, too.
const ROOM_FOR_HELP: f32 = 1200.0;
/// With less room between speeds and buttons, whether orders are answered is told by the cards alone.
const ROOM_FOR_SERVICE: f32 = 44.0;
/// With less room for the speeds and what stands right of them, they are a menu.
const ROOM_FOR_SPEEDS: f32 = 640.0;
/// With less room right of the speeds, only the choice says how fast time goes.
const ROOM_FOR_HOP: f32 = 520.0;

/// The pill that says whether orders are answered, and whether safely: green, amber or red, each with a sign and a reason.
fn service(ui: &mut Ui, picture: &Picture) {
    let t = tokens(ui);
    match (picture.service(), picture.concern()) {
        (Service::Serving { view, members, in_step }, None) => {
            let full = format!("● Serving · view {view} · {in_step} of {members} members in step");
            let some = [
                format!("● Serving · view {view} · {in_step} of {members}"),
                format!("● View {view} · {in_step} of {members}"),
                format!("● {in_step} of {members}"),
            ];
            let pill = fitting(ui, &[&full, &some[0], &some[1], &some[2], "●"], t.basil_text, t.basil_wash);
            pill.explains_all(&[Term::View, Term::Member, Term::InStep], &full);
        }
        (Service::Serving { view, .. }, Some(concern)) => {
            let (words, why) = wording::concern(&concern);
            let full = format!("! Serving · view {view} · {words}");
            let some = [format!("! View {view} · {words}"), format!("! {words}")];
            let least = format!("! {}", wording::concern_in_short(&concern));
            let pill = fitting(ui, &[&full, &some[0], &some[1], &least, "!"], t.saffron_text, t.saffron_wash);
            pill.explains_all(&[Term::View, Term::Member], &why);
        }
        (Service::Starting, _) => {
            let words = format!("○ {}", wording::STARTING);
            pill_of(ui, &words, t.saffron_text, t.saffron_wash).explains(Term::View);
        }
        (Service::Lost(loss), _) => {
            let why = wording::total_loss(&loss);
            let words = wording::ALL_MEMBERS_GONE.map(|words| format!("▲ {words}"));
            let pill = fitting(ui, &[&words[0], &words[1], &words[2]], t.tomato_text, t.tomato_wash);
            pill.explains_all(&[Term::Member, Term::FreshStart], &why);
        }
        (Service::Waiting(cause), _) => {
            let why = wording::orders_wait(&cause, picture);
            let some = format!("▲ {}", wording::ORDERS_WAIT);
            let pill = fitting(ui, &[&format!("▲ {why}"), &some, "▲"], t.tomato_text, t.tomato_wash);
            pill.explains_all(&[Term::View], &why);
        }
    }
}

/// A pill with the first words that fit into what is left of the bar.
fn fitting(ui: &mut Ui, choices: &[&str], ink: Color32, ground: Color32) -> Response {
    let room = ui.available_width() - 28.0;
    let fits = |words: &&&str| {
        let galley = ui.painter().layout_no_wrap((**words).to_owned(), theme::strong(text::SMALL), ink);
        galley.size().x <= room
    };
    let words = choices.iter().find(fits).or(choices.last()).copied().unwrap_or_default();
    pill_of(ui, words, ink, ground)
}

/// The way to the definitions, for somebody who has never heard of the menu.
fn help_button(ui: &mut Ui, help: &mut HelpState) {
    let response = ui.add(Button::new("?").min_size(widgets::ICON_BUTTON)).accessible_name("help");
    if response.on_hover_text("Help: the fourteen steps, all words, all keys (F1)").clicked() {
        help.show(Page::Steps);
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
pub(crate) fn next_theme(now: ThemePreference) -> (&'static str, ThemePreference) {
    match now {
        ThemePreference::System => ("system", ThemePreference::Light),
        ThemePreference::Light => ("light", ThemePreference::Dark),
        ThemePreference::Dark => ("dark", ThemePreference::System),
    }
}
