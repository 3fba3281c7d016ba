//! Crashes, freezes, bombs, bugs, messages that are refused or lost.

use protocol::acknowledge::Acknowledge;
use protocol::ids::{MessageId, NodeId, RequestId, Role};
use protocol::message::Summary;
use protocol::plant::Plant;
use protocol::trace::{Actor, Bomb, Denial, Ending, Loss, Refusal, Started};

use super::Narrator;
use super::known::Request;
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
                // Without that bug, only a durable replica is who it was.
                let means = match self.known.plant {
                    Some(Plant::RestartKeepsId) => "Its memory is empty, but the view still counts it as a member.",
                    Some(_) | None => "It has its disk, with every order that it acknowledged.",
                };
                self.say(Sentence::event(at, what).means(means.to_owned()));
            }
            Actor::Role(Role::Replica) => {
                let what = format!("{name} runs again, as a new replica with an empty memory.");
                let means = "It must join like any other: the view does not count it as a copy.".to_owned();
                self.say(Sentence::event(at, what).means(means));
            }
            Actor::Role(Role::FrontEnd) => {
                let means = "It has kept nothing: it asks the name server for the newest view.".to_owned();
                self.say(Sentence::event(at, format!("{name} runs again.")).means(means));
            }
            Actor::Role(Role::NameServer) => {
                let means = match self.known.plant {
                    Some(Plant::NsForgetsView) => "It has forgotten which view it recorded last.",
                    Some(_) | None => "It has kept the newest view on disk.",
                };
                self.say(Sentence::event(at, format!("{name} runs again.")).means(means.to_owned()));
            }
            Actor::Role(_) | Actor::Service(_) => self.say(Sentence::event(at, format!("{name} runs again."))),
        }
    }

    pub(super) fn ended(&mut self, node: NodeId, at: u64, how: Ending) {
        let (name, leads) = (self.known.called(node), self.known.primary() == Some(node));
        self.finish_groups();
        self.known.ended.insert(node, at);
        self.known.receiving.remove(&node);
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
            Some(Actor::Service(_)) if self.known.service_runs() => {
                Some("The primary asks the other postcode service instead.".to_owned())
            }
            Some(Actor::Service(_)) => {
                Some("An order to a postcode that was not checked before waits until a service runs again.".to_owned())
            }
            Some(Actor::Role(Role::FrontEnd | Role::Customer)) | None => None,
        };
        self.say(Sentence::event(at, what).means(means));
        if leads && how == Ending::Crashed {
            self.left_behind(node, at);
        }
    }

    /// What becomes of the order that a crashed primary had not answered.
    fn left_behind(&mut self, primary: NodeId, at: u64) {
        let waits = |(_, known): &(&RequestId, &Request)| {
            known.is_order() && !known.told && known.passed_to.last() == Some(&primary)
        };
        let mut waiting = self.known.requests.iter().filter(waits);
        let (Some((request, known)), None) = (waiting.next(), waiting.next()) else { return };
        let op = known.executed.iter().rfind(|(by, _)| *by == primary).map(|(_, op)| *op);
        let held = |id: &&NodeId| op.is_some_and(|op| self.known.confirmed.get(id).is_some_and(|holds| *holds >= op));
        let holders: Vec<NodeId> = self.known.backups.iter().filter(held).copied().collect();
        let (name, order) = (self.known.customer(*request), self.thing(*request));
        let what = match (op, holders.as_slice()) {
            (None, _) => format!("{order} was not executed yet."),
            (Some(_), []) => format!("no backup has confirmed {order}."),
            (Some(_), [one]) => format!("{} holds {order}, but {name} has not been told.", self.known.called(*one)),
            (Some(_), several) => {
                format!("{} hold {order}, but {name} has not been told.", self.known.names(several.iter().copied()))
            }
        };
        let means = "The front-end still has the request, and will pass it on to the next primary.";
        let means = (!self.front_ends().is_empty()).then(|| means.to_owned());
        self.say(Sentence::answer(at, what).means(means));
    }

    /// The network does not let one process reach the other.
    pub(super) fn cannot_reach(
        &mut self,
        at: u64,
        (one, here): (NodeId, Option<&str>),
        (other, there): (NodeId, Option<&str>),
    ) {
        let (name, peer) = (self.known.called(one), self.known.called(other));
        let on = |machine: Option<&str>| machine.map_or_else(String::new, |machine| format!(" on {machine}"));
        let what = format!("{name}{} cannot reach {peer}{}, though both are running.", on(here), on(there));
        let means = "The network does not let it: a firewall, or a guest network that keeps its devices apart. Allow just-hungry in the firewall, or use a phone’s hotspot.";
        self.say(Sentence::event(at, what).means(means.to_owned()));
    }

    pub(super) fn can_reach(&mut self, at: u64, one: NodeId, other: NodeId) {
        // That one of them has ended is told already.
        if !self.known.ended.contains_key(&one) && !self.known.ended.contains_key(&other) {
            let (name, peer) = (self.known.called(one), self.known.called(other));
            self.say(Sentence::event(at, format!("{name} reaches {peer} again.")));
        }
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
        // Members of one view refuse for one reason: the first says it for all.
        let one = if matches!(why, Refusal::ViewIsOver { .. }) { NodeId(0) } else { node };
        if self.is_of_no_interest(from, why)
            || !self.known.is_new(format!("refused {one} {from} {:?} {}", std::mem::discriminant(why), at / 1_000_000))
        {
            return;
        }
        let (who, whom) = (self.known.called(node), self.known.called(from));
        let (what, means) = match why {
            Refusal::ViewIsOver { theirs, ours } => {
                let what = format!("{who} refuses what {whom} sends: view {theirs} is over.");
                let led = self.known.led.get(&theirs.0) == Some(&from);
                let fences =
                    format!("{who} is in view {ours}, so {whom} does not get its confirmation and can answer nobody.");
                (what, led.then_some(fences))
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
                let newest = self.known.newest_front_end.filter(|newest| *newest != from);
                (
                    what,
                    Some(match newest {
                        Some(newest) => {
                            format!(
                                "{} is the newest front-end, and only it may change the view.",
                                self.known.called(newest)
                            )
                        }
                        None => {
                            "It has recorded another view meanwhile, and no two views may follow the same one.".into()
                        }
                    }),
                )
            }
            Refusal::Retired => (
                format!("{who} does not pass on what {whom} asks: there is a newer front-end."),
                Some(format!("{whom} looks up the newer one.")),
            ),
            Refusal::Busy => (format!("{who} is full and takes no more requests for now."), None),
            Refusal::Oversized => (format!("{who} drops an order that is too large."), None),
            // It is late or doubled, and the next one fits.
            Refusal::DoesNotFit { .. } | Refusal::StaleSnapshot => return,
        };
        self.say(Sentence::event(at, what).means(means));
    }

    /// What a primary sent in its last view, to members that are in its next one already, it sends again; and a front-end that
    /// has retired speaks to customers only.
    fn is_of_no_interest(&self, from: NodeId, why: &Refusal) -> bool {
        match why {
            Refusal::ViewIsOver { .. } => self.known.newest.primary == from && self.known.believes_it_leads(from),
            Refusal::Retired => self.known.actors.get(&from) != Some(&Actor::Role(Role::Customer)),
            Refusal::NotPrimary
            | Refusal::DoesNotFit { .. }
            | Refusal::StaleSnapshot
            | Refusal::NumberUsed
            | Refusal::Expired
            | Refusal::RecordMovedOn
            | Refusal::Busy
            | Refusal::Oversized => false,
        }
    }

    /// A message will never arrive; of what is repeated anyway nothing is said.
    pub(super) fn lost(&mut self, at: u64, message: MessageId, to: NodeId, why: &Loss) {
        let Some(sent) = self.known.messages.get(&message).cloned() else { return };
        let is_by_hand = *why == Loss::Dropped;
        let is_seen = matches!(why, Loss::Chance | Loss::Cut) && self.is_seen(&sent);
        if !(5..=14).contains(&sent.step) || !(is_by_hand || is_seen && sent.said != Summary::Heartbeat) {
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
        if is_by_hand || self.known.is_new(format!("lost {} {to} {:?} {:?}", sent.step, sent.request, sent.said)) {
            self.say(Sentence::step(at, sent.step, what).of_weight(Weight::Event));
        }
    }
}
