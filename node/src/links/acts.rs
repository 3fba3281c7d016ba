//! What a person does to one thing that is in a link: hold it, let it go or past, drop, double or delay it.

use protocol::ids::{MessageId, NodeId};
use protocol::trace::{MessageAct, Stay};

use super::{Links, Passing};

/// The result of an act; the event loop carries it out and traces it.
#[derive(Clone, Debug, PartialEq)]
pub enum Acted {
    /// It was so already.
    Nothing,
    /// It stays this long now.
    Stays {
        /// The new stay.
        stay: Stay,
        /// Whether it is shown step by step.
        traced: bool,
    },
    /// It leaves at once.
    Leaves(Passing),
    /// It is gone.
    Dropped(Passing),
    /// A copy of this is to enter.
    Doubles(Passing),
}

/// The place of something in the links.
#[derive(Clone, Copy)]
enum Place {
    Slowed(u64, u64),
    Held(u64),
}

impl Links {
    /// Does something with what is in a link. None: it is in no link any more.
    pub fn act(&mut self, id: MessageId, to: NodeId, act: MessageAct, now: u64) -> Option<Acted> {
        let place = self.find(id, to)?;
        let traced = self.see(place)?.is_traced();
        let stays = |stay| Acted::Stays { stay, traced };
        let acted = match (act, place) {
            (MessageAct::Hold, Place::Held(_)) | (MessageAct::LetGo, Place::Slowed(..)) => Acted::Nothing,
            (MessageAct::Hold, Place::Slowed(at, order)) => {
                let passing = self.slowed.remove(&(at, order))?;
                self.held.insert(order, (at.saturating_sub(now), passing));
                stays(Stay::Held)
            }
            (MessageAct::LetGo, Place::Held(order)) => {
                let (left, passing) = self.held.remove(&order)?;
                self.slowed.insert((now + left, order), passing);
                stays(Stay::Until(now + left))
            }
            (MessageAct::Delay(longer), Place::Slowed(at, order)) => {
                let passing = self.slowed.remove(&(at, order))?;
                let at = at.saturating_add(longer.0);
                self.slowed.insert((at, order), passing);
                stays(Stay::Until(at))
            }
            (MessageAct::Delay(longer), Place::Held(order)) => {
                let (left, _) = self.held.get_mut(&order)?;
                *left = left.saturating_add(longer.0);
                stays(Stay::Held)
            }
            (MessageAct::LetPast, place) => Acted::Leaves(self.take(place)?),
            (MessageAct::Drop, place) => Acted::Dropped(self.take(place)?),
            (MessageAct::Duplicate, place) => Acted::Doubles(self.see(place)?.clone()),
        };
        Some(acted)
    }

    /// A linear search: people click seldom, and what is in links is bounded.
    fn find(&self, id: MessageId, to: NodeId) -> Option<Place> {
        let is_it = |passing: &Passing| passing.id() == id && passing.way().1 == to;
        let slowed = self.slowed.iter().find(|(_, passing)| is_it(passing));
        let held = || self.held.iter().find(|(_, (_, passing))| is_it(passing));
        match slowed {
            Some(((at, order), _)) => Some(Place::Slowed(*at, *order)),
            None => held().map(|(order, _)| Place::Held(*order)),
        }
    }

    fn see(&self, place: Place) -> Option<&Passing> {
        match place {
            Place::Slowed(at, order) => self.slowed.get(&(at, order)),
            Place::Held(order) => self.held.get(&order).map(|(_, passing)| passing),
        }
    }

    fn take(&mut self, place: Place) -> Option<Passing> {
        let passing = match place {
            Place::Slowed(at, order) => self.slowed.remove(&(at, order)),
            Place::Held(order) => self.held.remove(&order).map(|(_, passing)| passing),
        }?;
        self.left(&passing);
        Some(passing)
    }
}
