//! A page of a lesson, beside the picture: its words, its question, and what the reader can do. At the end: what was seen, what was
//! predicted, the rule behind it, and what to try next.
//!
//! Nothing is decided here: a click is returned, and the window passes it to the lesson's run.

mod end;
mod prose;
mod question;

use std::time::Duration;

use egui::{Align, Label, Layout, RichText, ScrollArea, Sense, Ui, WidgetInfo, vec2};

use crate::panels::{Focus, Selected};
use crate::theme::{self, size, text, tokens};
use crate::widgets::{button, dim, main_button, scrolling};
use knowledge::picture::Picture;
use prose::prose_ui;
use scenarios::lesson_run::{Answer, LessonRun, PageRun, Progress, Votes};
use scenarios::{Outcome, Page, Question};

/// What is shown of a lesson.
pub struct Shown<'a> {
    pub title: &'a str,
    /// Of a built-in lesson, from 1.
    pub number: Option<usize>,
    /// None while its cluster is being started.
    pub run: Option<&'a LessonRun>,
    /// Why it did not begin, or came to no end.
    pub why_not: Option<String>,
    /// How it ended.
    pub outcome: Option<&'a Outcome>,
    /// The page that is looked at, from 0; behind the last one, the end.
    pub page: usize,
    /// The page that is open.
    pub at: usize,
    /// How long the open page has been read.
    pub read_for: Duration,
}

/// What is chosen and typed, for the page that is looked at.
#[derive(Debug, Default)]
pub struct LessonState {
    page: usize,
    choice: Option<usize>,
    number: String,
    /// For how many frames what happened was brought into sight.
    revealed_for: u8,
    /// A show of hands that is being entered, per choice; phones vote as long.
    hands: Option<Vec<u32>>,
    /// Set while there are phones.
    pub(crate) phones: Option<PhoneVotes>,
}

/// What phones have voted for, and how many phones there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PhoneVotes {
    pub votes: Votes,
    pub phones: usize,
}

impl LessonState {
    /// Whether votes are taken on this page.
    pub(crate) fn takes_votes(&self, page: usize) -> bool {
        self.page == page && self.hands.is_some()
    }

    /// Hands and phones together, if votes are taken; none are from now on.
    pub(crate) fn close_vote(&mut self) -> Option<Votes> {
        let mut all: Votes = (0..).zip(self.hands.take()?).collect();
        for (answer, votes) in self.phones.iter().flat_map(|phones| &phones.votes) {
            *all.entry(*answer).or_default() += votes;
        }
        Some(all)
    }
}

/// Asked for on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LessonClick {
    Next,
    Back,
    /// From the past to the open page.
    Return,
    Skip,
    DoIt,
    /// A prediction, or none.
    Answer(Option<Answer>),
    Vote(Votes),
    /// A moment of the tape, in cluster time.
    ShowMoment(u64),
    Leave,
    StartOver,
    /// The list of all lessons.
    Catalogue,
    /// A lesson or a scenario, by name.
    Try(String),
}

/// The whole panel.
pub fn lesson_ui(
    ui: &mut Ui,
    shown: &Shown<'_>,
    picture: &Picture,
    focus: &Focus,
    state: &mut LessonState,
) -> Option<LessonClick> {
    if state.page != shown.page {
        *state = LessonState { page: shown.page, phones: state.phones.take(), ..LessonState::default() };
    }
    let Some(run) = shown.run.filter(|_| shown.why_not.is_none()) else { return not_begun(ui, shown) };
    let node = match &focus.selected {
        Selected::Node(name) => Some(name.clone()),
        Selected::Nothing | Selected::Customer(_) | Selected::Message(..) => None,
    };
    dots(ui, run, shown);
    // The button that a page is there for stays in sight, however long the page is.
    let below = MAIN_BUTTON + size::ROW + 8.0 * size::STEP;
    let room = ui.available_height() - below;
    let is_low = room < 3.0 * size::ROW;
    let area = ScrollArea::vertical().id_salt(("lesson", shown.page)).auto_shrink(false);
    let area = if is_low { area } else { area.max_height(room).min_scrolled_height(room) };
    let buttons = |ui: &mut Ui, state: &LessonState| {
        ui.add_space(size::STEP);
        let main = run.page(shown.page).and_then(|page| main_ui(ui, shown, run, page, state, node.clone()));
        main.or(below_page(ui, shown, run))
    };
    let inside = scrolling(ui, area, |ui| {
        let clicked = match run.page(shown.page) {
            Some(page) => page_ui(ui, shown, run, page, picture, node.clone(), state),
            None => end::end_ui(ui, shown, run),
        };
        if is_low { clicked.or(buttons(ui, state)) } else { clicked }
    });
    if is_low { inside } else { inside.or(buttons(ui, state)) }
}

const MAIN_BUTTON: f32 = 32.0;

fn not_begun(ui: &mut Ui, shown: &Shown<'_>) -> Option<LessonClick> {
    title(ui, shown.title);
    let words = shown.why_not.as_deref().unwrap_or(wording::LESSON_STARTS);
    ui.add(Label::new(RichText::new(words).size(text::LARGE)).wrap());
    ui.add_space(2.0 * size::STEP);
    button(ui, "Leave the lesson").clicked().then_some(LessonClick::Leave)
}

fn title(ui: &mut Ui, words: &str) {
    ui.add_space(2.0 * size::STEP);
    ui.add(Label::new(RichText::new(words).font(theme::strong(text::TITLE))).wrap());
    ui.add_space(size::STEP);
}

/// A dot for each page: done, open, to come; the page that is looked at is long.
fn dots(ui: &mut Ui, run: &LessonRun, shown: &Shown<'_>) {
    let t = tokens(ui);
    let pages = run.lesson().pages.len();
    ui.add_space(size::STEP);
    ui.horizontal(|ui| {
        let words = wording::page_of(shown.page, run.lesson());
        let (room, response) = ui.allocate_exact_size(vec2(ui.available_width() - 64.0, 16.0), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, format!("page {words}")));
        let gap = (room.width() / pages as f32).min(12.0);
        for number in 0..pages {
            let at = room.left_center() + vec2(4.0 + gap * number as f32, 0.0);
            let ink = match number {
                done if done < shown.at => t.basil,
                open if open == shown.at => t.tomato,
                _ => t.line,
            };
            if number == shown.page {
                let long = egui::Rect::from_center_size(at, vec2(gap.max(6.0), 6.0));
                ui.painter().rect_filled(long, 3.0, ink);
            } else {
                ui.painter().circle_filled(at, (gap / 4.0).min(3.0), ink);
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| dim(ui, words));
    });
}

fn page_ui(
    ui: &mut Ui,
    shown: &Shown<'_>,
    run: &LessonRun,
    (page, progress): (&Page, &PageRun),
    picture: &Picture,
    node: Option<String>,
    state: &mut LessonState,
) -> Option<LessonClick> {
    let t = tokens(ui);
    let is_past = shown.page < shown.at;
    title(ui, &page.title);
    prose_ui(ui, &page.text, text::LARGE, t.text);
    let mut clicked = None;
    if page.prediction.is_some() {
        ui.add_space(2.0 * size::STEP);
        clicked = question::question_ui(ui, run, shown.page, state, node, is_past);
    } else if !page.until.is_empty() && progress.progress == Progress::Done {
        ui.add_space(size::STEP);
        let words = if progress.was_so { wording::PAGE_WAS_SO } else { wording::PAGE_DONE };
        ui.label(RichText::new(format!("✓ {words}")).font(theme::strong(text::BODY)).color(t.basil_text));
    }
    let waits = wording::asks(page, progress) || progress.progress == Progress::Happening;
    if is_past {
        ui.add_space(2.0 * size::STEP);
        dim(ui, wording::LOOKING_BACK);
    } else if progress.opened.is_none() {
        dim(ui, wording::PAGE_PREPARES);
    }
    if !is_past && waits && picture.steering.is_stopped(picture.now) && page.prediction.is_none() {
        ui.add_space(size::STEP);
        dim(ui, wording::RUN_TO_GO_ON);
    }
    let is_late = shown.read_for >= Duration::from_secs(u64::from(page.hint_after));
    if !is_past && wording::asks(page, progress) && is_late && !page.hint.is_empty() {
        ui.add_space(2.0 * size::STEP);
        prose_ui(ui, &page.hint, text::BODY, t.saffron_text);
    }
    if let Some(why) = &progress.trouble {
        ui.add_space(size::STEP);
        ui.add(Label::new(RichText::new(wording::lesson_trouble(why)).size(text::BODY).color(t.tomato_text)).wrap());
    }
    clicked
}

/// The one button that a page is there for.
fn main_ui(
    ui: &mut Ui,
    shown: &Shown<'_>,
    run: &LessonRun,
    (page, progress): (&Page, &PageRun),
    state: &LessonState,
    node: Option<String>,
) -> Option<LessonClick> {
    if shown.page < shown.at {
        let words = wording::to_page(shown.at, run.lesson());
        return main_button(ui, &words, true).clicked().then_some(LessonClick::Return);
    }
    if let Some(prediction) = page.prediction.as_ref().filter(|_| progress.progress == Progress::Open) {
        let answer = question::ready(progress, state, &prediction.question, node);
        let is_ready = answer.is_some() && progress.opened.is_some();
        return main_button(ui, wording::SEE_WHAT_HAPPENS, is_ready).clicked().then_some(LessonClick::Answer(answer));
    }
    let happens = progress.progress == Progress::Happening;
    let may_go_on = progress.opened.is_some() && !happens && !wording::asks(page, progress);
    let is_last = shown.page + 1 == run.lesson().pages.len();
    let words = if is_last { wording::FINISH } else { wording::NEXT };
    main_button(ui, words, may_go_on).clicked().then_some(LessonClick::Next)
}

/// Back at the left; what leaves the page out at the right.
fn below_page(ui: &mut Ui, shown: &Shown<'_>, run: &LessonRun) -> Option<LessonClick> {
    let mut clicked = None;
    crate::widgets::hairline(ui);
    ui.add_space(size::STEP);
    ui.horizontal(|ui| {
        let can_go_back = shown.page > 0 && shown.page <= run.lesson().pages.len();
        let back = ui.add_enabled_ui(can_go_back, |ui| button(ui, "← Back")).inner;
        if back.accessible_name(wording::BACK).on_hover_text("Page Up").clicked() {
            clicked = Some(LessonClick::Back);
        }
        let Some((page, progress)) = run.page(shown.page).filter(|_| shown.page == shown.at) else { return };
        if !wording::asks(page, progress) || progress.opened.is_none() {
            return;
        }
        if page.prediction.is_none() && !page.do_it.is_empty() && !progress.done_for {
            if button(ui, wording::DO_IT_FOR_ME).clicked() {
                clicked = Some(LessonClick::DoIt);
            }
        } else if page.prediction.is_some() && button(ui, wording::JUST_SHOW_ME).clicked() {
            clicked = Some(LessonClick::Answer(None));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if button(ui, wording::SKIP).clicked() {
                clicked = Some(LessonClick::Skip);
            }
        });
    });
    clicked
}

/// What the chosen, clicked or typed answer is.
fn chosen(state: &LessonState, question: &Question, node: Option<String>) -> Option<Answer> {
    match question {
        Question::Choice(..) => state.choice.map(Answer::Choice),
        Question::Node(..) => node.map(Answer::Node),
        Question::Number(..) => state.number.trim().parse().ok().map(Answer::Number),
    }
}
