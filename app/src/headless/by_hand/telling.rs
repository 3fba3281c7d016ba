//! What a process says of itself in its terminal: the narrator's sentences over its own facts.
//!
//! One node does not know what the others are called, and what a request asks for that it only passes on. The first stands on
//! the cards in the cluster's folder, the second in the messages themselves.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use protocol::ids::{Contact, CustomerId, NodeId, RequestId};
use protocol::message::{Ask, Summary};
use protocol::postcode::PostcodeService;
use protocol::trace::{
    Actor, LauncherEvent, MachineEvent, MessageFacts, NodeEvent, NodeState, Started, TraceEvent, TraceRecord,
};
use serde_json::json;

use super::Voice;
use crate::headless::{Failure, say, say_json, status_report, warn};
use cluster::ClusterClock;
use cluster::by_hand::meeting_place::{Card, MeetingPlace};
use wording::narrator::{Narrator, Sentence};
use wording::own_steps::OwnSteps;

/// How often the cards are looked at for the same one that is not known.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// The narrator waits so long for facts of other processes, in microseconds; own steps wait with it.
const LATENESS: u64 = 30_000;
/// Requests that are remembered.
const MOST_REQUESTS: usize = 4_000;

/// The story of one process.
pub(super) struct Telling {
    narrator: Narrator,
    place: MeetingPlace,
    voice: Voice,
    every_fact: bool,
    clock: ClusterClock,
    known: BTreeMap<NodeId, String>,
    /// Those without a card, and when it was looked for.
    strangers: BTreeMap<NodeId, Instant>,
    /// Requests whose meaning was told to the narrator.
    requests: BTreeSet<RequestId>,
    own: OwnSteps,
    /// Own steps that wait until the narrator has caught up.
    steps: VecDeque<Sentence>,
    /// Why nobody is served, as it was said last.
    no_service: Option<String>,
}

impl Telling {
    pub fn new(place: MeetingPlace, voice: Voice, every_fact: bool, clock: ClusterClock) -> Self {
        let narrator = Narrator::of_one_process();
        let (known, requests, steps) = (BTreeMap::new(), BTreeSet::new(), VecDeque::new());
        let (own, strangers, no_service) = (OwnSteps::default(), BTreeMap::new(), None);
        Self { narrator, place, voice, every_fact, clock, known, strangers, requests, own, steps, no_service }
    }

    /// The name and role of a process.
    pub fn knows(&mut self, card: &Card) {
        if self.known.insert(card.id, card.name.clone()).is_some() {
            return;
        }
        let actor = Actor::Role(card.role);
        self.is_called(card.id, card.name.clone(), actor, card.pid);
        if let Some(customer) = card.customer {
            self.customer_is_called(card.id, customer, card.name.clone());
        }
    }

    pub fn knows_service(&mut self, id: NodeId, service: PostcodeService) {
        self.known.insert(id, service.to_string());
        self.is_called(id, service.to_string(), Actor::Service(service), 0);
    }

    fn is_called(&mut self, id: NodeId, name: String, actor: Actor, pid: u32) {
        let contact = Contact { id, address: ([0, 0, 0, 0], 0).into() };
        self.learn(id, LauncherEvent::Started(Started { name, actor, pid, contact }));
    }

    fn customer_is_called(&mut self, id: NodeId, customer: CustomerId, name: String) {
        if let Ok(postcode) = "EH1 1RE".parse() {
            self.learn(id, LauncherEvent::CustomerIs { customer, name, postcode, place: (0, 0) });
        }
    }

    fn learn(&mut self, node: NodeId, event: LauncherEvent) {
        self.narrator.hear(&TraceRecord { node, at: self.clock.now(), event: event.into() });
    }

    /// Takes facts in, and tells what there is to tell.
    pub fn hear(&mut self, records: Vec<TraceRecord>, dropped: u64) -> Result<(), Failure> {
        for record in records {
            let strangers: Vec<NodeId> = others(&record.event).filter(|id| !self.known.contains_key(id)).collect();
            self.look_for(&strangers);
            self.presume(&record);
            // Only a view that is recorded is announced; whether it was, another process saw.
            if let TraceEvent::Machine(MachineEvent::Became { view, .. }) = &record.event {
                self.narrator.presume_recorded(view.number);
            }
            if self.every_fact {
                self.say_fact(&record)?;
            }
            self.say_change(&record)?;
            self.steps.extend(self.own.hear(&record, |id| self.narrator.name(id)));
            self.narrator.hear(&record);
        }
        if dropped > 0 {
            warn(wording::facts_dropped(dropped));
        }
        Ok(())
    }

    /// Reads the cards for those that are heard for the first time. Somebody without one may be heard again and again, and is
    /// not looked for each time.
    fn look_for(&mut self, strangers: &[NodeId]) {
        let now = Instant::now();
        let was_just_looked_for =
            |id: &NodeId| self.strangers.get(id).is_some_and(|at| now.duration_since(*at) < BETWEEN_LOOKS);
        if strangers.iter().all(was_just_looked_for) {
            return;
        }
        self.strangers.extend(strangers.iter().map(|id| (*id, now)));
        self.place.cards().iter().for_each(|(_, card)| self.knows(card));
        self.strangers.retain(|id, at| !self.known.contains_key(id) && now.duration_since(*at) < BETWEEN_LOOKS);
    }

    /// What a request asks for whose customer is elsewhere, as far as this process can know it.
    fn presume(&mut self, record: &TraceRecord) {
        let found = match &record.event {
            TraceEvent::Node(NodeEvent::PostcodeAsked { request, postcode, .. }) => {
                Some((*request, Ask::Order { postcode: *postcode, items: Vec::new() }))
            }
            TraceEvent::Node(NodeEvent::Sent { facts, .. }) => facts.request.zip(asks(facts)),
            TraceEvent::Launcher(_) | TraceEvent::Node(_) | TraceEvent::Machine(_) => None,
        };
        if let Some((request, ask)) = found.filter(|(request, _)| self.requests.insert(*request)) {
            if self.requests.len() > MOST_REQUESTS {
                self.requests.pop_first();
            }
            self.narrator.presume(request, ask, record.at);
        }
    }

    fn say_fact(&self, record: &TraceRecord) -> Result<(), Failure> {
        let Some((_, text)) = wording::log_line(&record.event, &|id| self.narrator.name(id)) else { return Ok(()) };
        match self.voice.json {
            true => say_json(&json!({"change": "fact", "at": record.at, "what": text})),
            false => say(format!("{:>9}    · {text}", wording::clock(record.at))),
        }
    }

    /// What programs wait for, and what a person must know at once.
    fn say_change(&mut self, record: &TraceRecord) -> Result<(), Failure> {
        match &record.event {
            TraceEvent::Machine(MachineEvent::Became { standing, view }) if self.voice.json => {
                let (standing, view) = (status_report::standing(*standing), view.number.0);
                say_json(&json!({"change": "became", "standing": standing, "view": view}))
            }
            TraceEvent::Node(NodeEvent::State(NodeState::FrontEnd { waits_for, .. })) => {
                let name = |id| self.narrator.name(id);
                let why = waits_for
                    .as_ref()
                    .map(|why| (wording::no_service(why, name), wording::no_service_by_hand(why, name)));
                let (whole, why) = why.unzip();
                if whole == self.no_service {
                    return Ok(());
                }
                self.no_service.clone_from(&whole);
                match (whole, why.flatten()) {
                    (Some(why), _) if self.voice.json => self.voice.waits("service", &why),
                    (None, _) if self.voice.json => say_json(&json!({"change": "serves"})),
                    (_, Some(why)) => self.voice.waits("service", &why),
                    (_, None) => Ok(()),
                }
            }
            TraceEvent::Launcher(_) | TraceEvent::Node(_) | TraceEvent::Machine(_) => Ok(()),
        }
    }

    /// Says what there is to say by now.
    pub fn tell(&mut self) -> Result<(), Failure> {
        let now = self.clock.now();
        let ripe = self.steps.iter().take_while(|step| step.at.saturating_add(LATENESS) <= now).count();
        let steps: Vec<Sentence> = self.steps.drain(..ripe).collect();
        let all = steps.into_iter().chain(self.narrator.tell(now)).collect();
        self.say_all(all)
    }

    pub fn tell_the_rest(&mut self) -> Result<(), Failure> {
        let steps: Vec<Sentence> = self.steps.drain(..).collect();
        let all = steps.into_iter().chain(self.narrator.tell_the_rest()).collect();
        self.say_all(all)
    }

    fn say_all(&self, mut sentences: Vec<Sentence>) -> Result<(), Failure> {
        sentences.sort_by_key(|sentence| sentence.at);
        sentences.iter().try_for_each(|sentence| match self.voice.json {
            true => say_json(&json!({
                "change": "told", "at": sentence.at, "step": sentence.step, "what": sentence.what, "means": sentence.means,
            })),
            false => say(sentence),
        })
    }

    /// After this time there may be something to say; none: only news can bring something.
    pub fn wait(&self) -> Option<Duration> {
        let step = self.steps.front().map(|step| step.at.saturating_add(LATENESS));
        let next = self.narrator.next().into_iter().chain(step).min()?;
        // A little later than the moment itself: before it there is nothing.
        Some(Duration::from_micros(next.saturating_sub(self.clock.now())) + Duration::from_millis(1))
    }
}

/// Of a message about a request: what is asked for, as far as it matters for its story.
fn asks(facts: &MessageFacts) -> Option<Ask> {
    match facts.summary {
        Summary::Order(postcode) => Some(Ask::Order { postcode, items: Vec::new() }),
        Summary::History(postcode) => Some(Ask::History { postcode, page: 0 }),
        // An answer, whose question did not say its postcode here: the service's verdict was remembered.
        Summary::Withdraw | Summary::Placed(_) => Some(Ask::Withdraw),
        _ => None,
    }
}

/// The other processes that a fact names.
fn others(event: &TraceEvent) -> impl Iterator<Item = NodeId> {
    let found = match event {
        TraceEvent::Node(NodeEvent::Sent { to, .. }) => vec![*to],
        TraceEvent::Node(NodeEvent::Delivered { message, .. }) => vec![message.from],
        TraceEvent::Node(NodeEvent::State(NodeState::FrontEnd { alive, .. })) => alive.clone(),
        TraceEvent::Node(NodeEvent::State(NodeState::NameServer { names, .. })) => {
            names.iter().map(|(_, _, contact)| contact.id).collect()
        }
        TraceEvent::Node(NodeEvent::Flow { sent }) => sent.iter().map(|(to, ..)| *to).collect(),
        TraceEvent::Machine(MachineEvent::Became { view, .. }) => view.members.clone(),
        TraceEvent::Machine(MachineEvent::Suspects { replica, .. } | MachineEvent::TookIn { replica }) => {
            vec![*replica]
        }
        TraceEvent::Launcher(_) | TraceEvent::Node(_) | TraceEvent::Machine(_) => Vec::new(),
    };
    found.into_iter()
}
