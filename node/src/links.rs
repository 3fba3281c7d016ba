//! Links: the controllable way from this process to every other one, and to the postcode services.
//!
//! Everything that leaves passes here. A link at rest costs one branch. A slowed one keeps what passes for a hop of
//! cluster time, in order; control messages are exempt (PROTOCOL section 7). This file only keeps and lets go: sending and
//! tracing are the event loop's.

use std::collections::BTreeMap;

use protocol::ids::{Contact, NodeId, Span};
use protocol::message::Envelope;
use rustc_hash::FxHashMap;

use crate::event_loop::VerdictArrived;

/// What is on its way through a link.
#[derive(Clone, Debug, PartialEq)]
pub enum Passing {
    /// A message to another node.
    Message {
        /// Who it is for, and where.
        to: Contact,
        /// The message.
        envelope: Envelope,
    },
    /// Steps 11 and 12: a verdict of a postcode service, on its way back.
    Verdict(Box<VerdictArrived>),
}

/// The links of one process.
#[derive(Debug, Default)]
pub struct Links {
    hop: u64,
    /// By the cluster time at which it is let go, then in the order of entering.
    slowed: BTreeMap<(u64, u64), Passing>,
    /// When the last thing that entered a peer's link leaves it: nothing overtakes it when the hop gets shorter.
    last: FxHashMap<NodeId, u64>,
    entered: u64,
}

impl Links {
    /// From now on every hop lasts so long. What is on its way keeps its time.
    pub fn set_hop(&mut self, hop: Span) {
        self.hop = hop.0;
    }

    /// How long something that enters now stays, in microseconds of cluster time.
    #[must_use]
    pub fn delay(&self, control: bool) -> u64 {
        if control { 0 } else { self.hop }
    }

    /// Lets a message enter at cluster time `now`. It comes back at once unless its link slows it.
    pub fn enter(&mut self, to: Contact, envelope: Envelope, now: u64) -> Option<Envelope> {
        if self.hop == 0 && self.slowed.is_empty() {
            return Some(envelope);
        }
        let delay = self.delay(envelope.message.is_control(envelope.traced));
        let first = self.last.get(&to.id).copied().unwrap_or_default();
        // A control message may overtake; anything else waits for what entered before it.
        if delay == 0 && (first <= now || envelope.message.is_control(envelope.traced)) {
            return Some(envelope);
        }
        let at = first.max(now + delay);
        self.last.insert(to.id, at);
        self.keep(at, Passing::Message { to, envelope });
        None
    }

    /// Lets a verdict enter: it stays for two hops, the question's and its own. It comes back at once if links are at rest.
    pub fn enter_service(&mut self, passing: Passing, now: u64) -> Option<Passing> {
        if self.hop == 0 {
            return Some(passing);
        }
        self.keep(now + 2 * self.hop, passing);
        None
    }

    fn keep(&mut self, at: u64, passing: Passing) {
        self.entered += 1;
        self.slowed.insert((at, self.entered), passing);
    }

    /// When the next thing leaves its link.
    #[must_use]
    pub fn next(&self) -> Option<u64> {
        self.slowed.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes out what leaves its link now, the earliest first.
    pub fn take_due(&mut self, now: u64) -> Option<Passing> {
        let first = self.slowed.first_entry().filter(|entry| entry.key().0 <= now)?;
        let passing = first.remove();
        if self.slowed.is_empty() {
            self.last.clear();
        }
        Some(passing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::ids::{RequestId, Role, View, ViewNumber};
    use protocol::message::Message;

    fn contact(id: u64) -> Contact {
        Contact { id: NodeId(id), address: ([127, 0, 0, 1], 1).into() }
    }

    fn envelope(number: u64, message: Message) -> Envelope {
        Envelope { from: NodeId(1), number, to: NodeId(2), traced: true, message }
    }

    fn lookup(number: u64) -> Envelope {
        envelope(number, Message::Lookup { role: Role::FrontEnd })
    }

    fn numbers_due(links: &mut Links, now: u64) -> Vec<u64> {
        let due = std::iter::from_fn(|| links.take_due(now));
        due.map(|passing| if let Passing::Message { envelope, .. } = passing { envelope.number } else { 0 }).collect()
    }

    #[test]
    fn links_at_rest_keep_nothing() {
        let mut links = Links::default();
        assert_eq!(links.enter(contact(2), lookup(1), 0), Some(lookup(1)));
        assert_eq!(links.next(), None);
    }

    #[test]
    fn slowed_messages_stay_one_hop_and_control_messages_none() {
        let mut links = Links::default();
        links.set_hop(Span(100));
        assert_eq!(links.enter(contact(2), lookup(1), 50), None);
        let view = Message::ViewIs { view: View::default(), joiners: Vec::new(), contacts: Vec::new() };
        assert!(links.enter(contact(2), envelope(2, view), 60).is_some());
        assert_eq!(links.next(), Some(150));
        assert!(numbers_due(&mut links, 149).is_empty());
        assert_eq!(numbers_due(&mut links, 150), [1]);
    }

    #[test]
    fn nothing_overtakes_when_the_hop_gets_shorter() {
        let mut links = Links::default();
        links.set_hop(Span(100));
        assert_eq!(links.enter(contact(2), lookup(1), 0), None);
        links.set_hop(Span(0));
        assert_eq!(links.enter(contact(2), lookup(2), 10), None, "to the same peer: after the first");
        assert!(links.enter(contact(3), lookup(3), 10).is_some(), "to another peer: at once");
        assert_eq!(numbers_due(&mut links, 100), [1, 2]);
        let refused = envelope(4, Message::NotPrimary { id: RequestId::default(), view: ViewNumber(1) });
        assert!(links.enter(contact(2), refused, 101).is_some());
    }
}
