//! Crashes, freezes, bombs, bugs, messages that are refused or lost.

use protocol::acknowledge::Acknowledge;
use protocol::ids::{MessageId, NodeId, Role};
use protocol::plant::Plant;
use protocol::trace::{Actor, Bomb, Denial, Ending, Loss, Refusal, Started};

use super::Narrator;
use super::sentence::{Sentence, Weight};

impl Narrator {
    pub(super) fn started(&mut self, node: NodeId, at: u64, started: &Started) {
        let before = self.known.by_name.insert(started.name.clone(), node);
        self.known.actors.insert(node, started.actor);
        self.known.ended.remove(&node);
        self.known.frozen.remove(&node);
        let Some(before) = before else { return };
        let name = self.known.called(node);
        match started.actor {
            Actor::Role(Role::Replica) if before == node => {
                self.known.stands.remove(&node);
                let what = format!("{name} runs again, under its old id.");
                let means = "Its memory is empty, but the view still counts it as a member.".to_owned();
                self.say(Sentence::event(at, what).means(means));
            }
            Actor::Role(Role::Replica) => {
                let what = format!("{name} runs again, as a new replica with an empty memory.");
                let means = "It must join like any other: the view does not count it as a copy.".to_owned();
                self.say(Sentence::event(at, what).means(means));
            }
            Actor::Role(_) | Actor::Service(_) => self.say(Sentence::event(at, format!("{name} runs again."))),
        }
    }

    pub(super) fn ended(&mut self, node: NodeId, at: u64, how: Ending) {
        let (name, leads) = (self.known.called(node), self.known.primary() == Some(node));
        self.finish_groups();
        self.known.ended.insert(node, at);
        self.known.ready.remove(&node);
        let customer = self.known.actors.get(&node) == Some(&Actor::Role(Role::Customer));
        let what = match how {
            Ending::Crashed if leads => format!("{name}, the primary, has crashed."),
            Ending::Crashed => format!("{name} has crashed."),
            Ending::Removed if customer => format!("{name} has left."),
            Ending::Removed => format!("{name} was removed."),
            Ending::Exited => format!("{name} has ended unexpectedly."),
        };
        let means = match self.known.actors.get(&node) {
            Some(Actor::Role(Role::Replica)) => self.unaware(node, at),
            Some(Actor::Role(Role::FrontEnd)) if self.front_ends().is_empty() => {
                Some("No request gets through until a front-end runs; the replicas keep all orders.".to_owned())
            }
            Some(Actor::Role(Role::NameServer)) => {
                Some("Orders go on, but no new view can be recorded until it runs again.".to_owned())
            }
            Some(Actor::Service(_)) => Some("The primary asks the other postcode service instead.".to_owned()),
            Some(Actor::Role(Role::FrontEnd | Role::Customer)) | None => None,
        };
        self.say(Sentence::event(at, what).means(means));
    }

    pub(super) fn froze(&mut self, node: NodeId, at: u64) {
        let (name, leads) = (self.known.called(node), self.known.primary() == Some(node));
        self.known.frozen.insert(node, at);
        let what = if leads { format!("{name}, the primary, freezes.") } else { format!("{name} freezes.") };
        let means = self.unaware(node, at).unwrap_or_else(|| "It stands still and does not know it.".into());
        self.say(Sentence::event(at, what).means(means));
    }

    pub(super) fn woke(&mut self, node: NodeId, at: u64) {
        let slept = self.known.frozen.remove(&node);
        let name = self.known.called(node);
        let newest = self.known.newest.clone();
        let old = self.known.stands.get(&node).map(|(_, view)| view.number).filter(|view| *view < newest.number);
        let sentence = match old {
            Some(view) if self.known.believes_it_leads(node) => {
                let what = format!("{name} wakes up and still believes that it leads view {view}.");
                let leader = self.known.called(newest.primary);
                Sentence::event(at, what).means(format!("Meanwhile {leader} leads view {}.", newest.number))
            }
            Some(view) => Sentence::event(at, format!("{name} wakes up and is still in view {view}."))
                .means(format!("View {} has begun meanwhile.", newest.number)),
            None => Sentence::event(at, format!("{name} wakes up.")),
        };
        if slept.is_some() {
            self.say(sentence);
        }
    }

    pub(super) fn bomb_is(&mut self, node: NodeId, at: u64, bomb: Option<Bomb>) {
        if let Some(bomb) = bomb {
            let what =
                format!("{} carries a bomb: it goes off {}.", self.known.called(node), crate::failpoint(bomb.at));
            self.say(Sentence::event(at, what));
        }
    }

    pub(super) fn exploded(&mut self, node: NodeId, at: u64, bomb: Bomb) {
        let what = format!("the bomb in {} goes off {}.", self.known.called(node), crate::failpoint(bomb.at));
        self.say(Sentence::event(at, what));
    }

    pub(super) fn plant_is(&mut self, at: u64, plant: Option<Plant>) {
        if self.known.plant == plant {
            return;
        }
        self.known.plant = plant;
        self.say(match plant {
            Some(plant) => Sentence::event(at, "A rule of the protocol is switched off.".into())
                .means(crate::plant(plant).to_owned()),
            None => Sentence::event(at, "The rule that was switched off holds again.".into()),
        });
    }

    pub(super) fn acknowledge_is(&mut self, at: u64, acknowledge: Acknowledge) {
        if self.known.acknowledge == acknowledge {
            return;
        }
        self.known.acknowledge = acknowledge;
        let words = crate::acknowledge(acknowledge).to_owned();
        self.say(Sentence::event(at, words).means(crate::acknowledge_consequence(acknowledge).to_owned()));
    }

    pub(super) fn not_done(&mut self, at: u64, why: &Denial) {
        let why = crate::denial(why, |id| self.known.called(id));
        self.say(Sentence::event(at, "Something that was asked for is not done.".into()).means(why));
    }

    /// A node did not do what a message said.
    pub(super) fn refused(&mut self, node: NodeId, at: u64, from: NodeId, why: &Refusal) {
        if !self.known.is_new(format!("refused {node} {from} {:?} {}", std::mem::discriminant(why), at / 1_000_000)) {
            return;
        }
        let (who, whom) = (self.known.called(node), self.known.called(from));
        let (what, means) = match why {
            Refusal::ViewIsOver { theirs, ours } => {
                let what = format!("{who} refuses what {whom} sends: view {theirs} is over.");
                let fences = self
                    .known
                    .believes_it_leads(from)
                    .then(|| format!("{who} is in view {ours}. Without its confirmation {whom} can answer nobody."));
                (what, fences.map(|means| means.replace(". ", ": ")))
            }
            Refusal::NotPrimary => {
                (format!("{who} does not take the request from {whom}: it is not the primary."), None)
            }
            Refusal::Expired => {
                let what = format!("{who} does not execute a request: the replicas have forgotten its customer.");
                (
                    what,
                    Some(
                        "They cannot know whether it was executed before, so they do not risk placing it twice."
                            .to_owned(),
                    ),
                )
            }
            Refusal::NumberUsed => {
                (format!("{who} ignores an old request: its customer has already sent a later one."), None)
            }
            Refusal::RecordMovedOn => {
                let what = format!("{who} does not record the view that {whom} proposes.");
                (what, Some("A newer view is recorded, or a newer front-end exists.".to_owned()))
            }
            Refusal::Retired => (format!("{who} refuses: there is a newer front-end."), None),
            Refusal::Busy => (format!("{who} is full and takes no more requests for now."), None),
            Refusal::Oversized => (format!("{who} drops an order that is too large."), None),
            // It is late or doubled, and the next one fits.
            Refusal::DoesNotFit { .. } | Refusal::StaleSnapshot => return,
        };
        self.say(Sentence::event(at, what).means(means));
    }

    /// A message will never arrive; of what is repeated anyway nothing is said.
    pub(super) fn lost(&mut self, at: u64, message: MessageId, to: NodeId, why: &Loss) {
        let Some(sent) = self.known.messages.get(&message).cloned() else { return };
        let is_by_hand = *why == Loss::Dropped;
        let is_seen = matches!(why, Loss::Chance | Loss::Cut) && self.is_seen(&sent);
        if !(5..=14).contains(&sent.step) || !(is_by_hand || is_seen) {
            return;
        }
        let whom = self.known.called(to);
        let what = match (sent.step, sent.request) {
            (5, _) => format!("an update to {whom} is lost: {}.", crate::loss(why)),
            (6, _) => format!("a confirmation to {whom} is lost: {}.", crate::loss(why)),
            (13 | 14, Some(request)) => {
                format!(
                    "the answer to {} is lost on its way to {whom}: {}.",
                    self.known.customer(request),
                    crate::loss(why)
                )
            }
            (_, Some(request)) => {
                format!(
                    "{}'s request is lost on its way to {whom}: {}.",
                    self.known.customer(request),
                    crate::loss(why)
                )
            }
            (_, None) => format!("a message to {whom} is lost: {}.", crate::loss(why)),
        };
        let first = self.known.is_new(format!("lost {} {to} {:?}", sent.step, sent.request));
        if first || is_seen {
            self.say(Sentence::step(at, sent.step, what).of_weight(Weight::Event));
        }
    }
}
