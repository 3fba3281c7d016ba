//! Lessons in the window: which ones there are, which page is looked at, and what a click on a page does.
//!
//! What happens in a lesson is its run's matter (`performing`), how a page looks that of `panels::lesson`. Back shows the tape of the
//! page before and never un-does anything.

use std::collections::BTreeSet;
use std::time::Duration;

use egui::{Context, Id, LayerId, Order, Rect, Stroke, StrokeKind};

use super::Window;
use crate::folders::Sort;
use crate::panels::catalogue::{CatalogueClick, Entry};
use crate::panels::consent::{Asked, Wanted};
use crate::panels::files::Purpose;
use crate::panels::lesson::{LessonClick, LessonState, Shown};
use crate::panels::timeline::Look;
use crate::performing::{self, Performing};
use crate::theme::{size, tokens_of};
use scenarios::lesson_run::LessonRun;
use scenarios::{EndName, LESSONS, Lesson, Part, Question, Spot, Unsafe, built_in_lessons};
use wording::Term;

/// What is remembered of lessons beside the one under way.
#[derive(Default)]
pub(crate) struct Lessons {
    /// The last one that was read from a file.
    opened: Option<(String, Lesson)>,
    /// Names of those that were taken to their end; kept between runs.
    pub(crate) finished: BTreeSet<String>,
    /// One that was left, and on which page; kept between runs.
    pub(crate) left: Option<(String, usize)>,
    /// The page that is looked at, if it is not the one that is open.
    pub(super) looks_at: Option<usize>,
    pub(super) state: LessonState,
}

impl Lessons {
    /// Another lesson, or a scenario, begins.
    pub(super) fn begins(&mut self, wanted: &Wanted) {
        (self.looks_at, self.state) = (None, LessonState::default());
        if wanted.page.is_some() && self.left.as_ref().is_some_and(|(name, _)| *name == wanted.name) {
            self.left = None;
        }
    }

    /// A lesson that can be taken from now on.
    pub(super) fn remember_opened(&mut self, name: String, lesson: Lesson) {
        self.opened = Some((name, lesson));
    }

    /// A lesson by name.
    pub(super) fn find(&self, wanted: &Wanted) -> Option<Lesson> {
        match (&self.opened, wanted.opened) {
            (Some((name, lesson)), true) if *name == wanted.name => Some(lesson.clone()),
            (_, true) => None,
            (_, false) => {
                let mut all = built_in_lessons().iter();
                all.find(|(name, _)| *name == wanted.name).map(|(_, lesson)| lesson.clone())
            }
        }
    }

    /// The catalogue.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let entry = |(number, (name, lesson)): (usize, &(&str, Lesson))| Entry {
            number: number + 1,
            name: (*name).to_owned(),
            title: lesson.title.clone(),
            goal: lesson.goal.clone(),
            minutes: lesson.minutes,
            finished: self.finished.contains(*name),
            left_at: self.left.as_ref().filter(|(left, _)| left == name).map(|(_, page)| *page),
        };
        built_in_lessons().iter().enumerate().map(entry).collect()
    }
}

/// The number of a built-in lesson, from 1.
fn number(name: &str) -> Option<usize> {
    LESSONS.iter().position(|(known, _)| *known == name).map(|at| at + 1)
}

/// What the lesson's panel, chip and keys show of it.
pub(super) fn shown(performing: Option<&Performing>, looks_at: Option<usize>, played: Duration) -> Option<Shown<'_>> {
    let performing = performing?;
    let wanted = performing.wanted();
    wanted.page?;
    let run = performing.lesson_run();
    let at = run.map_or(0, LessonRun::at);
    Some(Shown {
        title: performing.title(),
        number: number(&wanted.name),
        run,
        why_not: performing.failure(),
        outcome: performing.outcome(),
        page: looks_at.unwrap_or(at),
        at,
        read_for: run.and_then(|run| run.read_for(played)).unwrap_or_default(),
    })
}

/// What its chip in the toolbar says, longest first.
pub(super) fn chip(shown: &Shown<'_>) -> [String; 3] {
    let at = shown.run.filter(|run| run.has_begun()).map(|run| (shown.page, run.lesson()));
    wording::lesson_chip(shown.number, shown.title, at)
}

/// What stands beside the canvas and can be pointed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pointed {
    Part(Part),
    /// The light that is about this.
    Light(Term),
}

/// A ring around each of these that the page speaks of.
pub(super) fn ring_parts(context: &Context, spots: &[Spot], parts: &[(Pointed, Rect)]) {
    let painter = context.layer_painter(LayerId::new(Order::Middle, Id::unique("spotlight")));
    let ring = Stroke::new(size::STRONG, tokens_of(context.theme()).tomato);
    let meant = spots.iter().filter_map(|spot| match spot {
        Spot::Part(part) => Some(Pointed::Part(*part)),
        Spot::Light(light) => Some(Pointed::Light(Term::of_light(*light))),
        Spot::End(_) | Spot::Link(..) | Spot::Messages(_) => None,
    });
    for this in meant {
        for (_, place) in parts.iter().filter(|(pointed, _)| *pointed == this) {
            painter.rect_stroke(place.shrink(size::STEP / 2.0), f32::from(size::CORNER), ring, StrokeKind::Inside);
        }
    }
}

impl Window {
    /// Whether a lesson is under way, or being started.
    pub(super) fn teaches(&self) -> bool {
        self.performing.as_ref().is_some_and(|performing| performing.wanted().page.is_some())
    }

    /// A lesson was read from a file: a person is asked whether to take it.
    pub fn show_lesson(&mut self, name: String, lesson: Lesson) {
        let (title, switch) = (lesson.title.clone(), lesson.unsafe_switches().next());
        self.scenarios.asked = Some(Asked::Scenario { name: name.clone(), title, switch, opened: true, page: Some(0) });
        self.lessons.opened = Some((name, lesson));
    }

    /// Takes a lesson from this page on; if it switches on something unsafe, a person is asked first.
    fn take_lesson(&mut self, name: String, opened: bool, page: usize) {
        let wanted = Wanted { name, with_bug: true, opened, page: Some(page) };
        let Some(lesson) = self.lessons.find(&wanted) else { return };
        let switch = lesson.unsafe_switches().next();
        match switch {
            None => self.scenarios.wanted = Some(wanted),
            Some(_) => {
                let Wanted { name, opened, page, .. } = wanted;
                self.scenarios.asked = Some(Asked::Scenario { name, title: lesson.title, switch, opened, page });
            }
        }
    }

    /// What the page that is looked at speaks of.
    pub(super) fn spots(&self) -> Vec<Spot> {
        let Some(Shown { run: Some(run), page, .. }) =
            shown(self.performing.as_ref(), self.lessons.looks_at, self.played)
        else {
            return Vec::new();
        };
        let mut spots = run.page(page).map(|(page, _)| page.spotlight.clone()).unwrap_or_default();
        // A presentation has no order form: there, customers order by a click on them.
        let forms = spots.iter_mut().filter(|spot| self.appearance.presents && **spot == Spot::Part(Part::OrderForm));
        forms.for_each(|spot| *spot = Spot::End(EndName::Customers));
        spots
    }

    /// Whether there is no inspector, so that a click on a node is to say what can be done with it; on a page that asks for a
    /// node, the click is the answer.
    pub(super) fn clicks_open_menus(&self) -> bool {
        let shown = shown(self.performing.as_ref(), self.lessons.looks_at, self.played);
        let page = shown.as_ref().and_then(|shown| shown.run?.page(shown.page));
        let prediction = page.and_then(|(page, _)| page.prediction.as_ref());
        let asks_for_node = prediction.is_some_and(|asked| matches!(asked.question, Question::Node(..)));
        (self.appearance.presents || shown.is_some()) && !asks_for_node
    }

    /// The catalogue, while it is open.
    pub(super) fn catalogue(&self) -> Vec<Entry> {
        if self.toolbar.lessons { self.lessons.entries() } else { Vec::new() }
    }

    /// Does what a page, the chip or a key asks for.
    pub(super) fn follow_lesson(&mut self, click: Option<LessonClick>) {
        let Some(click) = click else { return };
        let looks_at = self.lessons.looks_at;
        let Some(performing) = &mut self.performing else { return };
        let Wanted { name, opened, .. } = performing.wanted().clone();
        let Some(run) = performing.lesson_run_mut() else {
            if click == LessonClick::Leave {
                self.stops_performing = true;
            }
            return;
        };
        let at = run.at();
        match click {
            LessonClick::Next if looks_at.is_some_and(|page| page + 1 < at) => {
                self.look_at_page(looks_at.unwrap_or(at) + 1);
            }
            LessonClick::Next | LessonClick::Return if looks_at.is_some() => self.return_to_page(),
            LessonClick::Next => run.next(),
            LessonClick::Return => {}
            LessonClick::Skip => run.skip(),
            LessonClick::DoIt => run.do_it(),
            LessonClick::Answer(answer) => {
                if let Some(votes) =
                    self.lessons.state.close_vote().filter(|votes| votes.values().any(|votes| *votes > 0))
                {
                    run.vote(votes);
                }
                run.answer(answer);
            }
            LessonClick::Vote(votes) => run.vote(votes),
            LessonClick::Back => {
                if let Some(page) = looks_at.unwrap_or(at).checked_sub(1) {
                    self.look_at_page(page);
                }
            }
            LessonClick::ShowMoment(at) => {
                self.look(Look::At(at));
            }
            LessonClick::Leave => {
                if at < run.lesson().pages.len() && at > 0 && !opened {
                    self.lessons.left = Some((name, at));
                }
                self.return_to_page();
                self.stops_performing = true;
            }
            LessonClick::StartOver => self.take_lesson(name, opened, 0),
            LessonClick::Catalogue => self.toolbar.lessons = true,
            LessonClick::Try(next) => self.try_next(&next),
        }
    }

    /// A page that was left: its words beside the tape of how it was.
    fn look_at_page(&mut self, page: usize) {
        let Some(run) = self.performing.as_ref().and_then(|performing| performing.lesson_run()) else { return };
        let Some((_, shown)) = run.page(page) else { return };
        // As it was when it was done; a page that waits for nothing, when it was opened.
        let Some(moment) = shown.done_at.or(shown.opened.map(|opened| opened.cluster)) else { return };
        self.lessons.looks_at = Some(page);
        self.look(Look::At(moment));
    }

    fn return_to_page(&mut self) {
        self.lessons.looks_at = None;
        self.look(Look::Now);
    }

    fn try_next(&mut self, name: &str) {
        if number(name).is_some() {
            return self.take_lesson(name.to_owned(), false, 0);
        }
        let listed = performing::listed();
        let Some(entry) = listed.into_iter().find(|entry| entry.name == name) else { return };
        let (name, title, switch) = (entry.name, entry.title, entry.plant.map(Unsafe::Plant));
        self.scenarios.asked = Some(Asked::Scenario { name, title, switch, opened: false, page: None });
    }

    /// What the catalogue was clicked for.
    pub(super) fn follow_catalogue(&mut self, click: Option<CatalogueClick>) {
        match click {
            Some(CatalogueClick::Take(name, page)) => self.take_lesson(name, false, page),
            Some(CatalogueClick::Open) => {
                self.authoring.edits = false;
                self.files_state.ask(Purpose::Open(Sort::Lesson));
            }
            None => {}
        }
    }

    /// A lesson that came to its end is ticked off.
    pub(super) fn tick_off(&mut self) {
        if let Some(performing) = self.performing.as_ref().filter(|_| self.teaches())
            && performing.outcome().is_some()
            && !performing.wanted().opened
        {
            let name = performing.wanted().name.clone();
            self.lessons.finished.insert(name);
        }
    }
}
