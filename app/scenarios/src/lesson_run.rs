//! A lesson on a running cluster, page after page: facts and clicks go in, user commands and what a page shows come out.
//!
//! The window and `lesson` use the same run. Nothing strands a reader: a page ends when it is done, or is left with Next or Skip;
//! what could not be done is said and left out. Going back shows what was, and never un-does anything: that is the caller's matter.

mod pages;
#[cfg(test)]
mod tests;

use std::time::Duration;

use protocol::trace::{LauncherEvent, Rate, TraceEvent, TraceRecord};

use crate::scenario_run::load_driver::LoadDriver;
use crate::scenario_run::{Phase, ScenarioRun};
use crate::script_runner::equal_copies;
use crate::{Action, Lesson, NodeName, Page, Prediction, Quantity, Question, ScriptRunner};
use knowledge::picture::Picture;
use knowledge::user_command::UserCommand;
pub use pages::{Answer, Fact, PageRun, Progress, Revealed, Votes};

/// How long a page that a model performs waits for what should happen, before it is left, in cluster time.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a hop lasts where pages perform themselves, at real time: as in the reader's slow motion, a message needs time for its way,
/// so that it stands still when time does.
const HOP: Duration = Duration::from_millis(10);
/// How long facts about what has happened may take, in real time, before a prediction is compared with them: nodes report what they
/// hold a few times a second only.
const LATE_FACTS: Duration = Duration::from_millis(300);

/// A lesson that is being performed.
pub struct LessonRun {
    lesson: Lesson,
    run: ScenarioRun,
    /// The page that is open.
    at: usize,
    pages: Vec<PageRun>,
    /// How fast time goes when it goes: as the reader, or the lesson, chose it last.
    speed: Rate,
    /// What the lesson does for the reader goes at a speed of its own, until the page is done.
    hurries: bool,
    /// Pages before this one perform themselves with the model's answers.
    by_itself: usize,
    /// Time stands still.
    stands_still: bool,
    is_closed: bool,
}

impl LessonRun {
    /// Nothing has happened yet, and cluster time begins, as for [`ScenarioRun::open`]. `by_itself`: how many pages perform
    /// themselves; all of them is a test, some of them bring a reader back to where they were.
    #[must_use]
    pub fn open(
        lesson: Lesson,
        load_driver: Box<dyn LoadDriver>,
        is_watched: bool,
        by_itself: usize,
        now: Duration,
    ) -> Self {
        let mut world = lesson.world.clone();
        if by_itself == 0 && lesson.speed != Rate::REAL {
            world.steps.push(crate::step(Action::Speed(lesson.speed)));
        } else if by_itself > 0 && !world.steps.iter().any(|step| matches!(step.action, Action::Hop(_))) {
            world.steps.insert(0, crate::step(Action::Hop(Some(HOP))));
        }
        let run = ScenarioRun::open(ScriptRunner::new(world, 1), load_driver, is_watched, now);
        let pages = lesson.pages.iter().map(|_| PageRun::default()).collect();
        let speed = if by_itself == 0 { lesson.speed } else { Rate::REAL };
        Self { lesson, run, at: 0, pages, speed, hurries: false, by_itself, stands_still: false, is_closed: false }
    }

    #[must_use]
    pub fn lesson(&self) -> &Lesson {
        &self.lesson
    }

    /// The run beneath: its phase, its verdict in the end.
    #[must_use]
    pub fn run(&self) -> &ScenarioRun {
        &self.run
    }

    /// The same words in another language.
    pub fn speak(&mut self, translated: Lesson) {
        if translated.pages.len() == self.lesson.pages.len() {
            self.lesson = translated;
        }
    }

    /// The number of the page that is open, from 0; after the last one it is their number.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// A page, and how far it is.
    #[must_use]
    pub fn page(&self, number: usize) -> Option<(&Page, &PageRun)> {
        Some((self.lesson.pages.get(number)?, self.pages.get(number)?))
    }

    /// Every page with how far it is.
    pub fn pages(&self) -> impl Iterator<Item = (&Page, &PageRun)> {
        self.lesson.pages.iter().zip(&self.pages)
    }

    /// Whether the lesson can be read: the cluster is ready, and what is done before the first page is done.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.at > 0 || self.pages.first().is_some_and(|page| page.opened.is_some())
    }

    /// Whether pages perform themselves now.
    #[must_use]
    pub fn performs_itself(&self) -> bool {
        self.at < self.by_itself
    }

    /// How long the open page has been read; none: no page is open.
    #[must_use]
    pub fn read_for(&self, now: Duration) -> Option<Duration> {
        let opened = self.pages.get(self.at)?.opened?;
        Some(now.saturating_sub(opened.real))
    }

    /// Takes in a fact, before the picture does.
    pub fn learn(&mut self, record: &TraceRecord, picture: &Picture, now: Duration) {
        self.run.learn(record, picture, now);
        if let TraceEvent::Launcher(LauncherEvent::ClockIs { rate, until }) = record.event {
            self.stands_still = rate == Rate::STOPPED;
            if !self.stands_still && until.is_none() && !self.performs_itself() && !self.hurries {
                self.speed = rate;
            }
        }
    }

    /// A person asked for something beside the lesson's buttons.
    pub fn asked_beside(&mut self, command: &UserCommand, now: Duration) {
        if let UserCommand::SetRate { rate } = command {
            self.hurries = false;
            self.speed = if *rate == Rate::STOPPED { self.speed } else { *rate };
        }
        self.run.asked_beside(command, now);
    }

    /// On to the next page, from one that was read or is done; after the last one everything is read once more and judged.
    pub fn next(&mut self) {
        let Some((page, run)) = self.page(self.at).filter(|(_, run)| run.opened.is_some()) else { return };
        let is_read = run.progress == Progress::Open && !page.asks();
        self.at += usize::from(is_read || run.progress == Progress::Done);
    }

    /// On without having done what the page asks for: it is done for the reader first, so that the story goes on. If that does
    /// not come to an end, another call leaves the page.
    pub fn skip(&mut self) {
        let stands_still = self.stands_still;
        let Some((page, run)) = self.page(self.at).filter(|(_, run)| run.opened.is_some()) else { return };
        if run.skipped || (run.progress == Progress::Open && !page.asks()) {
            self.at += 1;
            return;
        }
        if page.prediction.is_some() {
            self.answer(None);
        } else {
            if stands_still {
                self.append(vec![Action::GoOn]);
            }
            self.do_it();
        }
        self.pages[self.at].skipped = true;
    }

    /// Does what the page waits for.
    pub fn do_it(&mut self) {
        let Some(page) = self.pages.get_mut(self.at) else { return };
        if page.opened.is_some() && page.progress == Progress::Open && !page.done_for {
            page.done_for = true;
            let steps = self.lesson.pages[self.at].do_it.clone();
            self.hurries |= steps.iter().any(|step| matches!(step, Action::Speed(_)));
            self.append(steps);
        }
    }

    /// The reader commits to an answer, and it happens. None: they want to see it without having answered.
    pub fn answer(&mut self, answer: Option<Answer>) {
        let (Some(page), Some(written)) = (self.pages.get_mut(self.at), self.lesson.pages.get(self.at)) else { return };
        let Some(prediction) = &written.prediction else { return };
        if page.opened.is_none() || page.progress != Progress::Open {
            return;
        }
        (page.answer, page.progress) = (answer, Progress::Happening);
        self.run.script_runner_mut().mark();
        let mut steps = prediction.then.clone();
        if !steps.iter().any(|step| matches!(step, Action::GoOn | Action::Speed(_) | Action::RunUntil(..))) {
            steps.push(Action::GoOn);
        }
        self.append(steps);
    }

    /// A show of hands: the first one before, the second one after it was discussed.
    pub fn vote(&mut self, votes: Votes) {
        if let Some(page) = self.pages.get_mut(self.at) {
            page.votes.push(votes);
        }
    }

    /// The reader has had enough: what has happened so far is judged.
    pub fn end(&mut self) {
        self.at = self.lesson.pages.len();
    }

    /// The program is asked to end: the same, and quickly.
    pub fn break_off(&mut self, picture: &Picture, now: Duration) {
        self.at = self.lesson.pages.len();
        self.is_closed = true;
        self.run.break_off(picture, now);
    }

    fn append(&mut self, steps: Vec<Action>) {
        let speed = self.speed;
        let meant = |action| if action == Action::GoOn { Action::Speed(speed) } else { action };
        self.run.script_runner_mut().append(steps.into_iter().map(meant));
    }

    /// Goes on: what is to be handed to the cluster now, in this order, and facts about the load driver.
    pub fn go_on(&mut self, picture: &Picture, now: Duration) -> (Vec<UserCommand>, Vec<TraceRecord>) {
        let told = self.run.go_on(picture, now);
        if matches!(self.run.phase(), Phase::Playing) {
            self.turn_pages(picture, now);
        }
        told
    }

    fn turn_pages(&mut self, picture: &Picture, now: Duration) {
        let is_idle = self.run.is_idle();
        if let Some(what) = self.run.script_runner_mut().leave_out()
            && let Some(page) = self.pages.get_mut(self.at)
        {
            page.trouble.get_or_insert(what);
        }
        if self.at >= self.pages.len() {
            if is_idle && !std::mem::replace(&mut self.is_closed, true) {
                self.run.close(picture, now);
            }
            return;
        }
        if self.pages[self.at].opened.is_none() {
            // What was asked for on the page before comes first.
            if is_idle {
                self.open_page(picture, now);
            }
            return;
        }
        let is_prepared = self.pages[self.at].is_prepared(is_idle);
        match self.pages[self.at].progress {
            Progress::Open if is_prepared => self.look_whether_done(picture),
            Progress::Open => {}
            Progress::Happening if is_idle => self.look_what_happened(picture, now),
            Progress::Happening | Progress::Done => {}
        }
        let PageRun { progress, skipped, .. } = self.pages[self.at];
        if skipped && (progress == Progress::Done || (progress == Progress::Open && is_idle)) {
            self.at += 1;
        } else {
            self.perform_itself(is_idle, picture);
        }
    }

    fn open_page(&mut self, picture: &Picture, now: Duration) {
        self.pages[self.at].open(picture.now, now, self.run.patience());
        let page = &self.lesson.pages[self.at];
        let mut before = page.before.clone();
        if std::mem::take(&mut self.hurries) && !self.stands_still {
            before.insert(0, Action::GoOn);
        }
        if page.prediction.is_some() {
            // The world stands still before the decisive moment.
            before.push(Action::Speed(Rate::STOPPED));
        }
        self.append(before);
    }

    fn look_whether_done(&mut self, picture: &Picture) {
        let (page, script) = (&self.lesson.pages[self.at], self.run.script_runner_mut());
        let is_first_look = !std::mem::replace(&mut self.pages[self.at].was_looked_at, true);
        if page.prediction.is_some() || !page.until.iter().any(|what| script.holds(what, picture)) {
            return;
        }
        self.pages[self.at].progress = Progress::Done;
        self.pages[self.at].was_so = is_first_look && page.before.is_empty();
        self.pages[self.at].done_at = Some(picture.now);
        // What happens from now on counts for the pages after this one.
        script.mark();
        let stops = page.stops;
        let hurried = std::mem::take(&mut self.hurries);
        if stops {
            self.append(vec![Action::Speed(Rate::STOPPED)]);
        } else if hurried {
            self.append(vec![Action::GoOn]);
        }
    }

    fn look_what_happened(&mut self, picture: &Picture, now: Duration) {
        let Some(prediction) = &self.lesson.pages[self.at].prediction else { return };
        let script = self.run.script_runner_mut();
        let waits = !prediction.until.is_empty() && !prediction.until.iter().any(|what| script.holds(what, picture));
        let is_late = self.run.patience().saturating_sub(self.pages[self.at].opened_patience()) >= PATIENCE;
        let happened = self.pages[self.at].happened;
        if happened.is_none() && waits && !(is_late && self.performs_itself()) {
            return;
        }
        if now < *self.pages[self.at].happened.get_or_insert(now) + LATE_FACTS {
            return;
        }
        let fact = self.fact(prediction, picture);
        let page = &mut self.pages[self.at];
        (page.fact, page.progress, page.done_at) = (Some(fact), Progress::Done, Some(picture.now));
        self.run.script_runner_mut().mark();
    }

    /// The answer that the processes gave.
    fn fact(&self, prediction: &Prediction, picture: &Picture) -> Fact {
        let script = self.run.script_runner();
        match &prediction.question {
            Question::Choice(choices, _) => {
                let right = |choice: &crate::Choice| choice.right_if.iter().all(|what| script.holds(what, picture));
                choices.iter().position(right).map_or(Fact::Other, |number| Fact::Is(Answer::Choice(number)))
            }
            Question::Node(name, _) => {
                script.node_named(name, picture).map_or(Fact::Other, |name| Fact::Is(Answer::Node(name)))
            }
            Question::Number(quantity, _) => Fact::Is(Answer::Number(self.counted(*quantity, picture))),
        }
    }

    fn counted(&self, quantity: Quantity, picture: &Picture) -> u64 {
        let view = picture.nodes.newest_view();
        match quantity {
            Quantity::Copies => equal_copies(picture) as u64,
            Quantity::Members => view.map_or(0, |view| view.members.len() as u64),
            Quantity::View => view.map_or(0, |view| view.number.0),
            Quantity::Messages => self.run.script_runner().messages_since_mark(),
        }
    }

    fn perform_itself(&mut self, is_idle: bool, picture: &Picture) {
        if !self.performs_itself() || !is_idle {
            return;
        }
        let page = &self.lesson.pages[self.at];
        let is_late = self.run.patience().saturating_sub(self.pages[self.at].opened_patience()) >= PATIENCE;
        match self.pages[self.at].progress {
            Progress::Open => match &page.prediction {
                Some(prediction) => {
                    let model = match &prediction.question {
                        Question::Choice(_, model) => Some(Answer::Choice(*model)),
                        Question::Node(_, model) => self.node(model, picture).map(Answer::Node),
                        Question::Number(_, model) => Some(Answer::Number(*model)),
                    };
                    self.answer(model);
                }
                None if page.until.is_empty() || is_late => self.at += 1,
                None => {
                    if !self.pages[self.at].done_for {
                        self.do_it();
                    }
                }
            },
            Progress::Happening => {}
            Progress::Done => self.next(),
        }
    }

    fn node(&self, name: &NodeName, picture: &Picture) -> Option<String> {
        self.run.script_runner().node_named(name, picture)
    }

    /// What a page shows of a prediction that has come true or not.
    #[must_use]
    pub fn revealed(&self, number: usize) -> Option<Revealed<'_>> {
        let (page, run) = self.page(number)?;
        let (prediction, fact) = (page.prediction.as_ref()?, run.fact.as_ref()?);
        Some(Revealed { prediction, answer: run.answer.as_ref(), fact })
    }
}
