//! The narrator: what happens, in plain sentences, each with what it means.
//!
//! Facts come from several processes, each a little late; a sentence is told once those of the same moment must be there. It says
//! little: routine is only counted, and what several messages do together is one sentence. Nothing is invented: each sentence
//! rests on facts that processes reported. There is no clock here; all times are cluster time, in microseconds.

mod answers;
mod copies;
mod disks;
mod faults;
mod known;
mod lights;
mod links;
mod news;
mod orders;
mod pace;
mod sentence;
#[cfg(test)]
mod tests;
mod transcript;
mod views;

use std::collections::BTreeMap;

use knowledge::verdict::evidence::Evidence;
use protocol::ids::{NodeId, RequestId, ViewNumber};
use protocol::message::Ask;
use protocol::trace::{LauncherEvent, MachineEvent, NodeEvent, Note, TraceEvent, TraceRecord};

use known::{Known, Request, at_rate};
use links::Changed;
use news::{Due, News};
use orders::Gathering;
use pace::Pace;

pub use sentence::{Sentence, Weight};
pub use transcript::Transcript;

/// In real time, facts of other processes are there this much later than they happened.
const LATENESS: u64 = 30_000;

/// What has been told, and what will be.
#[derive(Debug, Default)]
pub struct Narrator {
    known: Known,
    pace: Pace,
    evidence: Evidence,
    /// What is not told yet, by its time and the order in which it came.
    waiting: BTreeMap<(u64, u64), News>,
    heard: u64,
    /// Messages of one sender that become one sentence.
    gathering: Option<Gathering>,
    /// Links that change together become one sentence.
    changed: Option<Changed>,
    told: Vec<Sentence>,
}

impl Narrator {
    /// Whether the narrator makes anything of such a fact.
    #[must_use]
    pub fn needs(record: &TraceRecord) -> bool {
        news::is_needed(&record.event)
    }

    /// One that hears a single process only. Each step of it is told, and nothing is said of others that only they know.
    #[must_use]
    pub fn of_one_process() -> Self {
        let mut narrator = Self::default();
        (narrator.known.alone, narrator.known.hop) = (true, 1);
        narrator
    }

    /// From `at` on, in cluster time, the sentences stand under this title.
    pub fn title(&mut self, words: &str, at: u64) {
        self.wait(at, News::Title(words.to_owned()));
    }

    /// Takes in a fact. Facts of different processes may come in any order.
    pub fn hear(&mut self, record: &TraceRecord) {
        self.known.overhear(record);
        let (placed, busy) = self.pace.overhear(record);
        if placed > 0 {
            self.wait(record.at, News::Placed(placed));
        }
        if news::is_needed(&record.event) && !(busy && news::is_routine(&record.event)) {
            self.wait(record.at, News::of(record));
        }
        // Customers live in one process, so that their facts come in the order of their time.
        if self.evidence.apply(record) && lights::are_red(self.evidence.judged()) {
            self.wait(record.at, News::Judged(self.evidence.judged().clone()));
        }
    }

    /// What a request asks for that comes from elsewhere, so that nobody said when it was asked.
    pub fn presume(&mut self, request: RequestId, ask: Ask, at: u64) {
        self.known.requests.entry(request).or_insert_with(|| Request::new(ask, at));
        self.known.trim();
    }

    /// The name server, which is elsewhere, has recorded this view.
    pub fn presume_recorded(&mut self, view: ViewNumber) {
        self.known.recorded.insert(view.0);
    }

    fn wait(&mut self, at: u64, news: News) {
        self.heard += 1;
        self.waiting.insert((at, self.heard), news);
    }

    /// The sentences about all that happened before `now`, less what may still be missing.
    pub fn tell(&mut self, now: u64) -> Vec<Sentence> {
        self.tell_until(now.saturating_sub(at_rate(LATENESS, self.known.goes)))
    }

    /// The sentences about everything that is left.
    pub fn tell_the_rest(&mut self) -> Vec<Sentence> {
        let last = self.waiting.last_key_value().map_or(0, |((at, _), _)| *at);
        self.told = self.tell_until(last);
        self.second(last);
        self.finish_groups();
        std::mem::take(&mut self.told)
    }

    fn tell_until(&mut self, until: u64) -> Vec<Sentence> {
        while let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 <= until) {
            let ((at, _), news) = first.remove_entry();
            self.follow(at, news);
        }
        if self.waiting.is_empty() {
            self.finish_groups();
        }
        std::mem::take(&mut self.told)
    }

    /// When there may be something to tell, in cluster time.
    #[must_use]
    pub fn next(&self) -> Option<u64> {
        let speaks = |(_, news): &(&(u64, u64), &News)| news.speaks();
        let ((at, _), _) = self.waiting.iter().find(speaks)?;
        Some(at.saturating_add(at_rate(LATENESS, self.known.goes)))
    }

    /// What people call a node, as far as its start was heard of.
    #[must_use]
    pub fn name(&self, id: NodeId) -> String {
        self.known.name(id)
    }

    /// Says a sentence, after those that were still being gathered.
    fn say(&mut self, sentence: Sentence) {
        self.finish_groups();
        self.told.push(sentence);
    }

    /// Links that changed a while ago are all there.
    fn finish_links(&mut self, at: u64) {
        if let Some(changed) = self.changed.take_if(|changed| changed.is_complete(at)) {
            self.links_changed(changed);
        }
    }

    fn finish_gathering(&mut self) {
        if let Some(gathering) = self.gathering.take() {
            self.gathered(gathering);
        }
    }

    fn finish_groups(&mut self) {
        self.finish_gathering();
        if let Some(changed) = self.changed.take() {
            self.links_changed(changed);
        }
    }

    fn follow(&mut self, at: u64, news: News) {
        match news {
            News::Title(words) => self.say(Sentence::title(at, words)),
            News::Sent(sent) => self.sent(at, *sent),
            News::Fact(record) => self.fact(&record),
            News::Judged(judged) => self.judged(at, &judged),
            News::Placed(number) => self.placed(at, number),
            News::Due(Due::Group) => self.finish_gathering(),
            News::Due(Due::Links) => self.finish_links(at),
            News::Due(Due::Second) => self.second(at),
            News::Due(Due::Confirmed(op)) => self.still_waits(at, op),
            News::Due(Due::Serves(front_end)) => self.still_serves_nobody(at, front_end),
            News::Due(Due::Read(request, primary)) => self.read_still_waits(at, request, primary),
        }
    }

    fn fact(&mut self, record: &TraceRecord) {
        let (node, at) = (record.node, record.at);
        match &record.event {
            TraceEvent::Launcher(event) => self.launcher_fact(node, at, event),
            TraceEvent::Node(event) => self.node_fact(node, at, event),
            TraceEvent::Machine(event) => self.machine_fact(node, at, event),
        }
    }

    fn launcher_fact(&mut self, node: NodeId, at: u64, event: &LauncherEvent) {
        match event {
            LauncherEvent::Started(started) => self.started(node, at, started),
            LauncherEvent::Ended { how, .. } => self.ended(node, at, *how),
            LauncherEvent::LinkIs { from, to, rule } => self.link_is(at, from, to, *rule),
            LauncherEvent::BombIs { bomb } => self.bomb_is(node, at, *bomb),
            LauncherEvent::DiskIs { fault } => self.disk_is(node, at, *fault),
            LauncherEvent::PlantIs { plant } => self.plant_is(at, *plant),
            LauncherEvent::AcknowledgeIs { acknowledge } => self.acknowledge_is(at, *acknowledge),
            LauncherEvent::HopIs { hop } => self.known.hop = *hop,
            LauncherEvent::ClockIs { rate, .. } => self.known.rate = *rate,
            LauncherEvent::CommandRefused { why } => self.not_done(at, why),
            LauncherEvent::CannotReach { peer, here, there } => {
                self.cannot_reach(at, (node, here.as_deref()), (*peer, there.as_deref()));
            }
            LauncherEvent::CanReach { peer } => self.can_reach(at, node, *peer),
            LauncherEvent::CustomerIs { .. }
            | LauncherEvent::Crowd(_)
            | LauncherEvent::Orders { .. }
            | LauncherEvent::HeartbeatsAre { .. }
            | LauncherEvent::RunsOn { .. }
            | LauncherEvent::MachineIs { .. }
            | LauncherEvent::ListensOn { .. }
            | LauncherEvent::Stopping { .. }
            | LauncherEvent::Log { .. } => {}
        }
    }

    fn node_fact(&mut self, node: NodeId, at: u64, event: &NodeEvent) {
        match event {
            NodeEvent::Delivered { message, refused: None } => self.arrived(node, at, *message),
            NodeEvent::Flow { sent } => self.known.flowed(node, sent, at),
            NodeEvent::Lost { message, to, why } => self.lost(at, *message, *to, why),
            NodeEvent::PostcodeAnswered { message, from, verdict, .. } => {
                self.postcode_answered(node, at, *message, *from, verdict);
            }
            NodeEvent::State(state) => self.believes(node, at, state),
            NodeEvent::Froze { .. } => self.froze(node, at),
            NodeEvent::Woke => self.woke(node, at),
            NodeEvent::Exploded { bomb } => self.exploded(node, at, *bomb),
            NodeEvent::Asked { request, ask, .. } => self.asked(at, *request, ask),
            NodeEvent::Answered { request, answer, took } => self.answered(at, *request, answer, *took),
            // A sending is news of its own, and a refusal is told by the machine.
            NodeEvent::Sent { .. }
            | NodeEvent::Delivered { .. }
            | NodeEvent::PostcodeAsked { .. }
            | NodeEvent::Stays { .. }
            | NodeEvent::Timers { .. }
            | NodeEvent::Rang { .. }
            | NodeEvent::Log { .. } => {}
        }
    }

    fn machine_fact(&mut self, node: NodeId, at: u64, event: &MachineEvent) {
        match event {
            MachineEvent::Refused { from, why } => self.refused(node, at, *from, why),
            MachineEvent::Became { standing, view } => self.became(node, at, *standing, view),
            MachineEvent::Committed { op } => self.committed(node, at, *op),
            MachineEvent::TookIn { replica } => self.took_in(node, at, *replica),
            MachineEvent::Suspects { replica, suspected, why } => self.suspects(node, at, *replica, *suspected, *why),
            MachineEvent::CommandRefused { why } => self.not_done(at, why),
            MachineEvent::Noted(Note::Executed { request, op, .. }) => self.executes(node, *request, *op),
            MachineEvent::Noted(Note::Installed { at: position }) => self.installed(node, at, position.op),
            MachineEvent::Noted(note @ (Note::StoreSilent | Note::StoreAnswers)) => self.store(at, note),
            MachineEvent::Noted(note @ (Note::Recovered { .. } | Note::DiskFails { .. } | Note::DiskWorks)) => {
                self.disk(node, at, note);
            }
            // What a customer looks up is told by its message.
            MachineEvent::Noted(Note::Removed { .. } | Note::LooksUp { .. } | Note::Undecodable { .. }) => {}
        }
    }
}
