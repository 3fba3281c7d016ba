//! Recording a lesson: commands that a person gives and the facts that follow become pages.
//!
//! One fold. A command becomes the step that would have asked for it, said by role where only one node plays that; what holds once
//! the next command comes, and did not hold before, is what its page waits for. A command that nothing follows is no task for a
//! reader: the lesson does it itself, before the next page. Words are given to pages elsewhere.
//!
//! **Deliberately absent:** what is only looked at, and orders of before. A lesson begins with a new cluster.

mod begin;
mod saying;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use protocol::ids::CustomerId;
use protocol::postcode::Postcode;
use protocol::trace::{LauncherEvent, Rate, TraceEvent, TraceRecord};

use crate::lesson::reading::MOST_PAGES;
use crate::script_runner::{Findings, Noted, Since};
use crate::{Action, EndName, Lesson, NodeName, Page, Part, Spot, WaitFor};
use knowledge::picture::Picture;
use knowledge::user_command::UserCommand;
use saying::Said;

/// What a lesson cannot say, or says otherwise than it was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remark {
    /// This number of orders was placed before: the lesson begins with none.
    OrdersBefore(usize),
    /// No step says this command; it is left out.
    Unsaid(Unsaid),
    /// A customer has a name that no file can say.
    NameUnsaid(String),
    /// These two links do several things at once.
    LinkUnsaid(String, String),
    /// This replica is meant by its name: there were several like it.
    Named(String),
    /// This many commands came after the last page that a lesson can have.
    TooMany(usize),
}

/// A command that has no step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unsaid {
    CustomerLeft,
    Links,
    Message,
    Timer,
    Other,
}

/// A recording under way.
#[derive(Clone, Debug)]
pub struct Recorder {
    /// Without pages.
    head: Lesson,
    pages: Vec<Page>,
    /// What the lesson does before the next page.
    before: Vec<Action>,
    /// The last command, as long as it is open what follows it.
    open: Option<Deed>,
    findings: Findings,
    since: Since,
    /// The last numbered message that arrived since.
    arrived: Option<u8>,
    /// Where customers live, as far as it was told.
    customers: BTreeMap<CustomerId, (String, Postcode)>,
    remarks: Vec<Remark>,
    given: usize,
    left_out: usize,
}

/// A command and what could follow it.
#[derive(Clone, Debug)]
struct Deed {
    actions: Vec<Action>,
    /// Whether a reader can be asked for it.
    is_task: bool,
    spots: Vec<Spot>,
    /// What could be waited for; it does not hold yet.
    may_follow: Vec<WaitFor>,
    held: usize,
}

impl Recorder {
    /// From now on. `speed`: the one that was chosen last; `caches_checks`: whether primaries remember verdicts.
    #[must_use]
    pub fn begin(picture: &Picture, speed: Rate, caches_checks: bool) -> Self {
        let (head, remarks) = begin::head(picture, speed, caches_checks);
        let mut findings = Findings::default();
        if let Some(view) = picture.nodes.newest_view() {
            findings.begins_in(view.clone());
        }
        let customers = picture.customers.iter().map(|it| (it.id, (it.name.clone(), it.postcode))).collect();
        Self {
            head,
            pages: Vec::new(),
            before: Vec::new(),
            open: None,
            findings,
            since: Since::default(),
            arrived: None,
            customers,
            remarks,
            given: 0,
            left_out: 0,
        }
    }

    /// How many commands became steps.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.given
    }

    /// Takes in a fact, before the picture does.
    pub fn learn(&mut self, record: &TraceRecord) {
        let (since, arrived) = (&mut self.since, &mut self.arrived);
        self.findings.learn(record, |noted| {
            if let Noted::Arrived(step) = noted {
                *arrived = Some(step);
            }
            since.note(&noted);
        });
        if let TraceEvent::Launcher(LauncherEvent::CustomerIs { customer, name, postcode, .. }) = &record.event {
            let known = self.customers.insert(*customer, (name.clone(), *postcode));
            if known.as_ref() != Some(&(name.clone(), *postcode)) {
                // It has a name only now.
                self.customer_comes(name, *postcode);
            }
        }
    }

    fn customer_comes(&mut self, name: &str, postcode: Postcode) {
        let action = Action::Customer { name: name.to_owned(), postcode };
        match saying::is_sayable(&action) {
            true => {
                self.before.push(action);
                self.given += 1;
            }
            false => self.remark(Remark::NameUnsaid(name.to_owned())),
        }
    }

    /// A person asks for something, before it is handed over. `looks_at`: what is selected.
    pub fn asked(&mut self, command: &UserCommand, picture: &Picture, looks_at: Option<&str>) {
        if saying::is_only_a_look(command) {
            return;
        }
        if self.pages.len() + usize::from(self.open.is_some()) >= MOST_PAGES {
            self.left_out += 1;
            return;
        }
        let said = match saying::said(command, picture) {
            Ok(said) => said,
            Err(unsaid) => return self.remark(Remark::Unsaid(unsaid)),
        };
        if said.actions.is_empty() {
            // A customer comes: its name is told by a fact.
            return;
        }
        for name in &said.named {
            self.remark(Remark::Named(name.clone()));
        }
        if self.goes_on_stepping(&said) {
            return;
        }
        self.settle(picture);
        self.given += 1;
        if said.actions == [Action::Speed(Rate::STOPPED)]
            && self.before.is_empty()
            && let Some(last) = self.pages.last_mut().filter(|page| page.asks())
        {
            last.stops = true;
            return;
        }
        let may_follow = Self::may_follow(&said, picture);
        (self.since, self.arrived) = (Since::default(), None);
        let mut spots = said.spots;
        let looked_at = looks_at.map(|name| Spot::End(EndName::Node(saying::node_name(name, picture))));
        if let Some(spot) = looked_at.filter(|spot| !spots.contains(spot)) {
            spots.push(spot);
        }
        let held = held(picture);
        let deed = Deed { actions: said.actions, is_task: said.is_task, spots, may_follow, held };
        self.open = Some(deed);
    }

    /// Single steps in a row are one step with a count.
    fn goes_on_stepping(&mut self, said: &Said) -> bool {
        let [Action::Step { rate, .. }] = said.actions[..] else { return false };
        let Some(Deed { actions, .. }) = &mut self.open else { return false };
        let [Action::Step { count, rate: before }] = &mut actions[..] else { return false };
        if *before != rate {
            return false;
        }
        (*count, self.given) = (*count + 1, self.given + 1);
        true
    }

    /// What could follow, the most telling first; what is so already tells nothing.
    fn may_follow(said: &Said, picture: &Picture) -> Vec<WaitFor> {
        let mut all = said.may_follow.clone();
        let waiting = picture.customers.iter().filter(|customer| customer.waiting.is_some());
        let settled: Vec<WaitFor> = waiting.map(|customer| WaitFor::Answered(customer.name.clone())).collect();
        match said.is_task {
            true => all.extend(settled),
            false => all = settled.into_iter().chain([WaitFor::Members(None)]).collect(),
        }
        let nothing = Since::default();
        all.retain(|what| !nothing.holds(what, picture, 0));
        all
    }

    /// The last command is over: what has followed it is known.
    fn settle(&mut self, picture: &Picture) {
        let Some(deed) = self.open.take() else { return };
        let followed = self.followed(&deed, picture);
        if !deed.is_task || followed.is_none() {
            self.before.extend(deed.actions);
            let within = crate::check::USUAL_WAIT;
            self.before.extend(followed.map(|for_what| Action::Wait { for_what, within }));
            return;
        }
        self.pages.push(Page {
            spotlight: deed.spots,
            before: std::mem::take(&mut self.before),
            until: followed.into_iter().collect(),
            do_it: deed.actions,
            hint_after: 20,
            ..Page::default()
        });
    }

    fn followed(&self, deed: &Deed, picture: &Picture) -> Option<WaitFor> {
        let now_held = held(picture);
        let mut all = deed.may_follow.clone();
        if let Some(place) = all.iter().position(|what| matches!(what, WaitFor::Held(_))) {
            let more = now_held > deed.held;
            all[place] = WaitFor::Held(now_held as u32);
            if !more {
                all.remove(place);
            }
        }
        if let Some(place) = all.iter().position(|what| matches!(what, WaitFor::StepArrived(_))) {
            match self.arrived {
                Some(step) => all[place] = WaitFor::StepArrived(step),
                None => drop(all.remove(place)),
            }
        }
        all.into_iter().find(|what| self.since.holds(what, picture, 0))
    }

    /// The lesson so far, without words, and what it cannot say.
    #[must_use]
    pub fn recorded(&self, picture: &Picture) -> (Lesson, Vec<Remark>) {
        let mut whole = self.clone();
        whole.settle(picture);
        if !whole.before.is_empty() {
            let before = std::mem::take(&mut whole.before);
            whole.pages.push(Page {
                before,
                spotlight: vec![Spot::Part(Part::Narrator)],
                hint_after: 20,
                ..Page::default()
            });
            whole.pages.truncate(MOST_PAGES);
        }
        if whole.left_out > 0 {
            whole.remark(Remark::TooMany(whole.left_out));
        }
        (Lesson { pages: whole.pages, ..whole.head }, whole.remarks)
    }

    fn remark(&mut self, remark: Remark) {
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }
}

/// How many messages are held in links.
fn held(picture: &Picture) -> usize {
    picture.traffic.flying().filter(|flying| flying.is_held()).count()
}

/// The node or customer of this name, as a lesson says it.
fn named(name: &str) -> NodeName {
    NodeName::Named(name.to_owned())
}
