//! The window: panels draw the picture, and what they ask for is handed over.
//!
//! **Reading order.** [`App`] (where facts enter and commands leave), [`Window`] (all panels with what they remember), [`panels`],
//! and under them [`widgets`] and [`theme`]. The window repaints when a fact arrives or while a message moves, and otherwise
//! not at all.
//!
//! **Deliberately absent:** the cluster. It is handed in as a [`RunningCluster`], so that tests can show a picture without one.

#![expect(missing_docs, reason = "what its name says has no line")]

mod arrangement;
pub mod broken;
pub mod displays;
mod exchange;
mod files;
pub mod folders;
mod frame_cost;
mod greeting;
mod kept;
mod keys;
mod lessons;
mod machines;
mod narrating;
mod opening;
pub mod panels;
mod past;
mod performing;
mod phones;
mod presenting;
pub mod qr;
mod recording;
mod running_cluster;
mod set_ups;
pub mod theme;
pub mod widgets;

use std::time::Duration;

use egui::{CentralPanel, Context, Frame, Margin, Panel, Rect, Ui};

use crate::folders::Sort;
use crate::panels::bottom::{BottomState, bottom_ui};
use crate::panels::catalogue::catalogue_ui;
use crate::panels::consent::Asked;
use crate::panels::editor::editor_ui;
use crate::panels::files::{FilesState, Purpose, Saves, files_ui};
use crate::panels::help::help_ui;
use crate::panels::inspector::{InspectorState, inspector_ui};
use crate::panels::lesson::{LessonClick, lesson_ui};
use crate::panels::machines::knocks_ui;
use crate::panels::narrator::narrator_ui;
use crate::panels::notices::{NoticesState, notices_ui, past_notices_ui};
use crate::panels::order_form::{OrderFormState, ordering_ui};
use crate::panels::past::{PastClick, past_banner_ui};
use crate::panels::result::result_ui;
use crate::panels::scenarios::{Listed, ScenariosState, scenarios_ui};
use crate::panels::status_bar::status_bar_ui;
use crate::panels::timeline::{Course, TimelineState};
use crate::panels::toolbar::{Appearance, ToolbarState, toolbar_ui};
use crate::panels::workflow_diagram::{DiagramState, workflow_diagram_ui};
use crate::panels::{Focus, Selected, about, banner, pace, zoom};
use crate::theme::{size, time, tokens};
use crate::widgets::{hairline, tabs};
use knowledge::machines::KnockingMachine;
use knowledge::picture::Picture;
use knowledge::tape::Tape;
use knowledge::user_command::CommandQueue;
use knowledge::verdict::evidence::Judged;
use scenarios::{Part, Scenario};
use wording::narrator::Sentence;

use arrangement::{Side, arrange};
use lessons::{Lessons, Pointed};

pub use exchange::App;
pub use files::file_name;
pub use folders::set_up_folder;
pub use opening::{run_tape_window, run_window};
pub use running_cluster::{Beginning, RunningCluster};

/// All panels with what they remember. It knows no cluster, so that tests can show it a picture and see what it asks for.
#[derive(Default)]
pub struct Window {
    /// What the app believes.
    pub picture: Picture,
    /// Everything that led there.
    pub tape: Tape,
    /// What was asked for and not yet handed over.
    pub commands: CommandQueue,
    /// What the person looks at.
    pub focus: Focus,
    pub appearance: Appearance,
    pub diagram: DiagramState,
    toolbar: ToolbarState,
    order_form: OrderFormState,
    inspector: InspectorState,
    bottom: BottomState,
    notices: NoticesState,
    past: Option<past::Past>,
    narration: narrating::Narration,
    /// Which file is asked for.
    pub files_state: FilesState,
    files: files::Files,
    /// Whether there is no cluster, only a tape.
    alone: bool,
    scenarios: ScenariosState,
    /// The scenarios that can be run; listed when the list is first opened.
    listed: Vec<Listed>,
    performing: Option<performing::Performing>,
    lessons: Lessons,
    phones: phones::Phones,
    machines: machines::Machines,
    authoring: recording::Authoring,
    /// Nobody has ever placed an order on this machine, as far as is kept.
    greets: bool,
    stops_performing: bool,
    /// When it was last looked at what a scenario wants.
    played: Duration,
    /// The last scenario that was read from a file.
    opened_scenario: Option<(String, Scenario)>,
    beginning: Option<Beginning>,
    set_ups: set_ups::SetUps,
    side: Side,
    /// What was looked at in the last frame: where one side panel serves for all, it follows a new choice.
    looked_at: Selected,
    /// Whether frames take long here: then there are fewer of them.
    dear_frames: bool,
}

impl Window {
    pub fn ui(&mut self, ui: &mut Ui) {
        let now = ui.input(|input| input.time);
        self.notices.follow(now, &self.picture);
        self.narration.tell(self.picture.now);
        self.past_keys(ui);
        self.exchange_pictures();
        self.select_last(now);
        self.recall_selected();
        self.focus.follow(&self.picture);
        for why in [self.diagram.complaint.take(), self.toolbar.complaint.take()].into_iter().flatten() {
            self.notices.say(now, why);
        }
        self.diagram.appearance = self.appearance;
        self.toolbar.past_plays = self.past_plays();
        self.commands.refuses = self.refuses();
        let free = keys::claim(ui, self);
        self.follow_side();
        self.diagram.lit = self.spots();
        self.diagram.menus_by_click = self.clicks_open_menus();
        let (click, click_on_lesson) = self.panels(ui);
        self.boxes(ui);
        if std::mem::take(&mut self.toolbar.crash_all) {
            self.scenarios.asked = Some(Asked::CrashAll { durable: self.picture.nodes.is_durable() });
        }
        if std::mem::take(&mut self.toolbar.new_cluster) {
            self.ask_for_new_cluster();
        }
        if std::mem::take(&mut self.toolbar.start_over) {
            self.ask_to_start_over();
        }
        self.offer_named();
        let open = &mut self.toolbar.scenarios;
        if *open && self.listed.is_empty() {
            self.listed = performing::listed();
        }
        scenarios_ui(ui, &self.picture, &self.listed, &mut self.scenarios, open, &mut self.commands);
        let click_on_catalogue = catalogue_ui(ui, &self.catalogue(), &mut self.toolbar.lessons, self.commands.refuses);
        self.follow_catalogue(click_on_catalogue);
        self.tick_off();
        let click_on_result = self.result().and_then(|told| result_ui(ui, &told, self.commands.refuses));
        self.follow_result(click_on_result);
        banner::unsafe_frame(ui.ctx(), &self.picture);
        self.show_pointer(ui.ctx());
        keys::handle(ui, self, free);
        for (asks, purpose) in [
            (&mut self.toolbar.save_tape, Purpose::Save(Saves::Tape)),
            (&mut self.toolbar.save_transcript, Purpose::Save(Saves::Transcript)),
            (&mut self.toolbar.open_tape, Purpose::Open(Sort::Tape)),
            (&mut self.toolbar.save_set_up, Purpose::Save(Saves::SetUp)),
            (&mut self.toolbar.open_set_up, Purpose::Open(Sort::SetUp)),
            (&mut self.scenarios.opens, Purpose::Open(Sort::Scenario)),
        ] {
            if std::mem::take(asks) {
                self.authoring.edits = false;
                self.files_state.ask(purpose);
            }
        }
        files_ui(ui, &mut self.files_state);
        self.exchange_pictures();
        self.follow_looks(ui, click);
        self.follow_lesson(click_on_lesson);
        self.follow_recording(now);
        self.zoom(ui.ctx());
        self.repaint_while_something_moves(ui.ctx());
        self.repaint_when_something_is_to_be_told(ui.ctx());
    }

    /// About, help, and past notifications, while they are open.
    fn boxes(&mut self, ui: &Ui) {
        if self.toolbar.about {
            about::about_ui(ui, &mut self.toolbar.about);
        }
        help_ui(ui, &mut self.toolbar.help);
        self.phones_box(ui);
        self.machines_boxes(ui);
        if self.toolbar.notices {
            past_notices_ui(ui, &self.notices, &mut self.toolbar.notices);
        }
    }

    fn panels(&mut self, ui: &mut Ui) -> (Option<PastClick>, Option<LessonClick>) {
        let (judged, shown, performed, told) = (self.judged(), self.shown(), self.performed(), self.told());
        let Lessons { looks_at, state: lesson_state, .. } = &mut self.lessons;
        let lesson = lessons::shown(self.performing.as_ref(), *looks_at, self.played);
        self.toolbar.lesson = lesson.as_ref().map(lessons::chip);
        let mut editor = self.authoring.editor.as_mut().filter(|_| lesson.is_none());
        let course = past::course(&self.picture, self.past.as_ref(), &self.tape, &judged);
        let (bar, side) = frames(ui);
        let room = arrange(ui.content_rect().size(), self.appearance.presents, lesson.is_some());
        let (picture, commands) = (&self.picture, &mut self.commands);
        let (mut click_on_lesson, mut click_on_editor) = (None, None);
        let shown_bar = Panel::top("toolbar").exact_size(size::TOOLBAR).frame(bar).show(ui, |ui| {
            toolbar_ui(ui, picture, &mut self.toolbar, &mut self.appearance, commands);
        });
        let mut parts = vec![(Pointed::Part(Part::Speed), shown_bar.response.rect)];
        let performed_click = banner::banner_ui(ui, picture, performed.as_ref(), &mut self.scenarios.asked, commands);
        let click = past_banner_ui(ui, shown.as_ref());
        news_ui(ui, &mut self.notices, self.machines.knocking(), &mut self.toolbar.invite);
        if room.status_bar {
            parts.extend(status_panel(ui, course, &judged, bar, &mut self.bottom.timeline));
        }
        if let Some(range) = room.left {
            // Its width was chosen beside another panel, or alone.
            let id = if room.right.is_some() { "left" } else { "side" };
            let panel = Panel::left(id).default_size(size::LEFT).size_range(range).frame(side);
            let panel = panel.show(ui, |ui| {
                ui.take_available_width();
                if room.right.is_none() {
                    side_tabs_ui(ui, &mut self.side, lesson.is_some(), editor.is_some());
                }
                match (&lesson, self.side, &mut editor) {
                    (Some(lesson), Side::Lesson, _) if room.right.is_none() => {
                        click_on_lesson = lesson_ui(ui, lesson, picture, &self.focus, lesson_state);
                    }
                    (_, Side::Edit, Some(it)) if room.right.is_none() => {
                        click_on_editor = editor_ui(ui, it, commands.refuses)
                    }
                    (_, Side::Inspect, _) if room.right.is_none() => {
                        inspector_ui(ui, picture, &mut self.inspector, &mut self.focus, commands);
                    }
                    _ => ordering_ui(ui, picture, &mut self.order_form, &mut self.focus, commands),
                }
            });
            parts.push((Pointed::Part(Part::OrderForm), panel.response.rect));
        }
        if let Some(range) = room.bottom.filter(|_| !self.appearance.hides_tabs) {
            let panel = Panel::bottom("bottom").resizable(true).default_size(room.bottom_at_first).size_range(range);
            parts.push(tabs_panel(ui, panel.frame(side), course, &mut self.bottom, &mut self.focus));
        }
        if let Some(range) = room.right {
            Panel::right("right").default_size(size::RIGHT).size_range(range).frame(side).show(ui, |ui| {
                ui.take_available_width();
                match (&lesson, &mut editor) {
                    (Some(lesson), _) => click_on_lesson = lesson_ui(ui, lesson, picture, &self.focus, lesson_state),
                    (None, Some(editor)) => click_on_editor = editor_ui(ui, editor, commands.refuses),
                    (None, None) => inspector_ui(ui, picture, &mut self.inspector, &mut self.focus, commands),
                }
            });
        }
        if room.narrator {
            parts.push(narrator_panel(ui, told.as_ref(), self.appearance.presents, &mut self.bottom));
        }
        CentralPanel::no_frame().show(ui, |ui| {
            workflow_diagram_ui(ui, picture, &mut self.diagram, &mut self.focus, commands);
        });
        self.point_at(ui.ctx(), &parts);
        self.follow_performed(performed_click);
        self.follow_editor(click_on_editor);
        (click, click_on_lesson.or(self.toolbar.lesson_click.take()))
    }

    /// Points at the parts of the window that a lesson's page, or the greeting, is about.
    fn point_at(&self, context: &Context, parts: &[(Pointed, Rect)]) {
        lessons::ring_parts(context, &self.diagram.lit, parts);
        self.greet(context, parts);
    }

    /// Where one side panel serves for ordering and inspecting, it shows what was chosen last.
    fn follow_side(&mut self) {
        if self.looked_at == self.focus.selected {
            return;
        }
        self.looked_at = self.focus.selected.clone();
        if self.teaches() && self.side == Side::Lesson {
            return;
        }
        self.side = match self.looked_at {
            Selected::Node(_) | Selected::Message(..) => Side::Inspect,
            Selected::Customer(_) => Side::Order,
            Selected::Nothing => self.side,
        };
    }

    /// Draws as large as was chosen, as far as the window has room: it may have been made smaller just now.
    fn zoom(&self, context: &Context) {
        let Appearance { zoom, presents, .. } = self.appearance;
        let factor = zoom.factor(zoom::window(context), presents);
        if (context.zoom_factor() - factor).abs() > 1e-3 {
            context.set_zoom_factor(factor);
        }
    }

    /// A message on its way moves with cluster time; a glow fades with it.
    fn repaint_while_something_moves(&self, context: &Context) {
        if self.performs() || self.reads_set_ups() {
            context.request_repaint_after_secs(time::SCENARIO_FRAME);
        }
        if self.past.is_some() {
            return;
        }
        let picture = &self.picture;
        if picture.steering.is_stopped(picture.now) {
            return;
        }
        let glow = pace::in_sight(picture, time::GLOW);
        let glows = picture.now.saturating_sub(picture.traffic.newest_end()) < glow;
        let travels = picture.moves() && !self.appearance.reduced_motion;
        if travels || glows {
            let (usual, dear) = time::FRAME;
            context.request_repaint_after_secs(if self.dear_frames { dear } else { usual });
        } else if picture.steering.until.is_some() {
            context.request_repaint_after_secs(time::ARC_FRAME);
        }
    }
}

/// The frames of bars and of panels at a side.
fn frames(ui: &Ui) -> (Frame, Frame) {
    let t = tokens(ui);
    let bar = Frame::new().fill(t.background).inner_margin(Margin::symmetric(16, 0));
    (bar, Frame::new().fill(t.panel).inner_margin(Margin::symmetric(12, 8)))
}

/// Notices, and while the box about it is closed, the machines that knock.
fn news_ui(ui: &mut Ui, notices: &mut NoticesState, knocking: &[KnockingMachine], invite: &mut bool) {
    notices_ui(ui, notices);
    if !*invite && knocks_ui(ui, knocking) {
        *invite = true;
    }
}

/// The narrator's strip. Says where it stands.
fn narrator_panel(ui: &mut Ui, told: Option<&Sentence>, presents: bool, state: &mut BottomState) -> (Pointed, Rect) {
    let (strip, clicked) = narrator_ui(ui, told, presents);
    clicked.into_iter().for_each(|at| state.looks_at(at));
    (Pointed::Part(Part::Narrator), strip)
}

/// Timeline, log and measurements. Says where they stand.
fn tabs_panel(
    ui: &mut Ui,
    panel: Panel,
    course: Course<'_>,
    state: &mut BottomState,
    focus: &mut Focus,
) -> (Pointed, Rect) {
    let shown = panel.show(ui, |ui| bottom_ui(ui, course, state, focus));
    (Pointed::Part(Part::Timeline), shown.response.rect)
}

/// What one side panel serves for, where there is no room for two.
fn side_tabs_ui(ui: &mut Ui, side: &mut Side, teaches: bool, writes: bool) {
    let all = [(Side::Lesson, "Lesson"), (Side::Edit, "Edit"), (Side::Order, "Order"), (Side::Inspect, "Inspect")];
    let is_there = |(choice, _): &(Side, &str)| match choice {
        Side::Lesson => teaches,
        Side::Edit => writes,
        Side::Order | Side::Inspect => true,
    };
    let choices: Vec<_> = all.into_iter().filter(is_there).collect();
    *side = ui.horizontal(|ui| tabs(ui, *side, &choices)).inner.unwrap_or(*side);
    hairline(ui);
}

/// The lights at the bottom; a red one that is clicked shows its moment in the timeline. Says where they stand, together and each.
fn status_panel(
    ui: &mut Ui,
    course: Course<'_>,
    judged: &Judged,
    frame: Frame,
    timeline: &mut TimelineState,
) -> Vec<(Pointed, Rect)> {
    let panel = Panel::bottom("status bar").exact_size(size::STATUS_BAR).frame(frame);
    let shown = panel.show(ui, |ui| status_bar_ui(ui, course.shown, judged));
    if let Some(at) = shown.inner.wanted.and_then(|request| course.asked_at(request)) {
        timeline.show(at, course);
    }
    let lights = shown.inner.lights.into_iter().map(|(term, place)| (Pointed::Light(term), place.expand(size::STEP)));
    lights.chain([(Pointed::Part(Part::Lights), shown.response.rect)]).collect()
}

/// Under which name the system keeps what is remembered.
const NAME: &str = "just-hungry";
