//! What a machine is: inputs in, effects out, nothing else.
//!
//! The driver calls [`Machine::handle`] for every input that waits and then [`Machine::settle`] once: that is where
//! updates are batched, acknowledgements become cumulative and answers are released. When the messages are on their
//! way, it calls [`Machine::finish`]. The same machines run in a process, in the simulator and in the model checker.
//! `examples/by_hand.rs` does the same with a replica.
//!
//! ```
//! use protocol::ids::{Contact, FrontEndToken, NodeId, Role};
//! use protocol::machine::{Effect, Effects, Identity, Input, JournalRecord, Machine, Settings};
//! use protocol::{message::Message, name_server::NameServer};
//!
//! let contact = |id| Contact { id: NodeId(id), address: ([127, 0, 0, 1], 9000).into() };
//! let (me, front_end) = (contact(1), contact(2));
//! let name_servers = me.into();
//! let identity = Identity { me, name: "name server".into(), role: Role::NameServer, name_servers };
//! let mut name_server = NameServer::new(identity, Settings::default(), JournalRecord::default());
//!
//! // A front-end claims that it is the newest: that is in the journal before it hears of it (rule R12).
//! let mut effects = Effects::default();
//! name_server.handle(Input::Received { from: front_end, traced: true, message: Message::ClaimFrontEnd }, &mut effects);
//! name_server.settle(&mut effects);
//! let effects: Vec<_> = effects.drain().collect();
//! assert!(matches!(&effects[0], Effect::Journal(record) if record.token == FrontEndToken(1)));
//! assert!(matches!(&effects[1], Effect::Send { message: Message::Record { claimed: true, .. }, .. }));
//! ```

use crate::acknowledge::Acknowledge;
use crate::disk::{DiskTrouble, Kept};
use crate::ids::{Contact, NodeId, ReplicaId, RequestId, Role, Span, Timestamp, ViewNumber};
use crate::message::{Ask, Message, ORDERS_A_PART, SNAPSHOT_PART};
use crate::name_servers::NameServers;
use crate::order_book::MOST_SESSIONS;
use crate::plant::Plant;
use crate::postcode::{Postcode, Verdict};
use crate::trace::{MachineEvent, NodeState};
use crate::view_record::{StoreAnswer, StoreOperation};

pub use crate::timer::Timer;
pub use crate::view_record::JournalRecord;

/// A role of the protocol: synchronous, deterministic, and unable to fail.
pub trait Machine {
    /// Once, before anything else.
    fn start(&mut self, effects: &mut Effects);

    /// One input. What it causes may wait for [`Machine::settle`].
    fn handle(&mut self, input: Input, effects: &mut Effects);

    /// All waiting inputs are in.
    fn settle(&mut self, effects: &mut Effects);

    /// Whether something was put off for which nobody has to wait.
    fn has_put_off(&self) -> bool {
        false
    }

    /// Does what was put off. The driver calls it when the messages are on their way; if it does not, the next input does.
    fn finish(&mut self) {}

    /// What it believes, for observers. Nothing may be put off.
    fn describe(&self) -> NodeState;
}

/// What happens to a machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// A message for this incarnation arrived; its sender's role was checked.
    Received {
        /// The sender, and the address it came from.
        from: Contact,
        /// See [`crate::message::Envelope::traced`].
        traced: bool,
        /// The statement, from a sender that may make it.
        message: Message,
    },
    /// A timer that was set and neither cancelled nor set again.
    Rang(Timer),
    /// This process itself was late (starved, frozen, or the machine slept): accuse nobody for that silence (PROTOCOL
    /// section 7).
    Overslept {
        /// How late its loop was, at least.
        by: Span,
    },
    /// The connection to a peer closed: only a hint to ask at once.
    ConnectionLost {
        /// The peer at the other end of the connection.
        peer: Contact,
    },
    /// The answer to [`Effect::Probe`], if there is one: nobody holds this incarnation's port any more, and it held the
    /// port all its life. No rule depends on it: a wrong proof costs time, never an order.
    Gone {
        /// The incarnation whose port is closed.
        peer: NodeId,
    },
    /// The answer to [`Effect::CheckPostcode`].
    PostcodeChecked {
        /// The request of the effect that is answered.
        request: RequestId,
        /// What the services said of the postcode.
        verdict: Verdict,
        /// The wall clock now: the primary alone decides times.
        at: Timestamp,
    },
    /// The answer to [`Effect::Store`]. There is at least one to each; later ones are ignored.
    StoreAnswered {
        /// The number of the effect.
        number: u64,
        /// What became of it.
        answer: StoreAnswer,
    },
    /// Everything that was handed over by [`Effect::Keep`], up to this one, is on disk. Pieces of a new file are only written
    /// by then: they are on disk, and count, when the record that makes the file whole is ([`Kept::Whole`]).
    Kept {
        /// The newest of them.
        number: u64,
    },
    /// Nothing that was handed over from this one on counts as on disk: the files concerned are not used again. What follows
    /// until the next [`Kept::Begins`] is dropped without another answer; a file that had begun by then is to be begun anew.
    KeepFailed {
        /// The oldest of them.
        number: u64,
        /// What is wrong.
        why: DiskTrouble,
    },
    /// The settings changed while running.
    Retimed(Settings),
    /// A person wants this, of a customer or a front-end. A customer has one request at a time, but for [`Wish::GiveUp`].
    Wanted {
        /// What the person wants.
        wish: Wish,
        /// Whether it is to be shown step by step.
        traced: bool,
    },
}

/// What a person wants of its customer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Wish {
    /// An order, or a history.
    Ask(Ask),
    /// Settle the request that waits: either it was placed, or it never will be.
    GiveUp,
    /// The operator's, of a front-end: begin a new history with what `primary` holds, for all members of a view are dead
    /// (PROTOCOL section 10, fresh start). What only they held is lost.
    BeginAfresh {
        /// The view whose members are dead. If another one is recorded by now, nothing happens.
        after: ViewNumber,
        /// With whom the new history begins.
        primary: ReplicaId,
    },
}

/// What a machine asks its driver to do. Effects are carried out in their order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send through the link to `to`.
    Send {
        /// The receiver's incarnation, and the address it listens on.
        to: Contact,
        /// See [`crate::message::Envelope::traced`]; false for repeated statements.
        traced: bool,
        /// The statement to send.
        message: Message,
    },
    /// Let a timer ring, once, after so much cluster time. Setting it again replaces it.
    SetTimer {
        /// The timer to set; its name says what for.
        timer: Timer,
        /// From now, in cluster time.
        after: Span,
    },
    /// Forget a timer. No effect if it is not set.
    CancelTimer {
        /// The timer to forget.
        timer: Timer,
    },
    /// Primary: ask the postcode services; answered by [`Input::PostcodeChecked`], at once if the verdict is remembered,
    /// else when its turn has come. Those that are remembered never wait for a turn.
    CheckPostcode {
        /// The order that waits for the verdict.
        request: RequestId,
        /// The postcode to ask about.
        postcode: Postcode,
        /// Whether it is shown.
        traced: bool,
    },
    /// Primary: nobody needs that verdict any more. It may still come.
    EndCheck {
        /// The order that was asked about.
        request: RequestId,
    },
    /// Find out whether the process of a silent peer still holds its port. Only a proof that it does not is answered, by
    /// [`Input::Gone`]; where nothing can be proved (another machine, a cut link) there is no answer.
    Probe {
        /// The peer whose port is to be tried.
        peer: Contact,
    },
    /// Name server: write and sync this before anything that follows in the list (rule R12).
    Journal(JournalRecord),
    /// Name server: have the store that keeps the record do this; answered by [`Input::StoreAnswered`], after a bounded time
    /// in any case. No other is under way, unless the answer to it was that there is none.
    Store {
        /// Counts them.
        number: u64,
        /// What the store is to do.
        operation: StoreOperation,
    },
    /// Durable replica: write these records behind the ones before; answered by [`Input::Kept`] or [`Input::KeepFailed`]. The
    /// machine does not wait for the answer: it hands over more, and one sync may serve all that came meanwhile.
    Keep {
        /// Counts them.
        number: u64,
        /// Whether they belong to the file that began with the newest [`Kept::Begins`]. All others belong to the present
        /// file: the newest one that is whole.
        new_file: bool,
        /// The records, oldest first.
        kept: Vec<Kept>,
    },
    /// Customer: its request is settled.
    Answered {
        /// Which (a withdrawal answers under its own id).
        request: RequestId,
        /// The outcome, or the history that was read.
        answer: crate::message::Answer,
    },
    /// A fact for observers.
    Trace(MachineEvent),
}

/// Durations and limits a person can set. Lengths are cluster time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Settings {
    /// Between two heartbeats (h).
    pub heartbeat: Span,
    /// Silence after which a peer is suspected (S).
    pub suspect_after: Span,
    /// Between two cleanings of the name server's registry.
    pub autoclean: Span,
    /// A customer sends its request again after this.
    pub retry_after: Span,
    /// The front-end forwards a request again after this.
    pub forward_again_after: Span,
    /// The primary asks about a postcode again after this, if nobody could tell.
    pub check_again_after: Span,
    /// The primary rejects an order that nobody could check for this long; none: it waits.
    pub refuse_unchecked_after: Option<Span>,
    /// A view with fewer members gives no service (PROTOCOL section 6).
    pub min_members: u32,
    /// Customers whose last request a replica remembers (PROTOCOL section 8). All follow the very first primary's.
    pub most_sessions: u32,
    /// Bytes in a part of a snapshot, about (PROTOCOL section 8).
    pub snapshot_part: u32,
    /// While customers order, this number of orders earns one part of a snapshot; 0: no orders are needed (PROTOCOL section 6).
    pub orders_a_part: u32,
    /// How long each hop of a message is slowed by its link; retransmission is patient in proportion.
    pub hop: Span,
    /// Whose copies an answer waits for; all, unless a person asked for an unsafe mode.
    pub acknowledge: Acknowledge,
    /// The injected bug; none unless a person asked for an unsafe lesson.
    pub plant: Option<Plant>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            heartbeat: Span::millis(50),
            suspect_after: Span::millis(400),
            autoclean: Span::millis(20_000),
            retry_after: Span::millis(1000),
            forward_again_after: Span::millis(500),
            check_again_after: Span::millis(500),
            refuse_unchecked_after: None,
            min_members: 1,
            most_sessions: MOST_SESSIONS,
            snapshot_part: SNAPSHOT_PART,
            orders_a_part: ORDERS_A_PART,
            hop: Span(0),
            acknowledge: Acknowledge::All,
            plant: None,
        }
    }
}

impl Settings {
    /// Whether this bug is injected.
    #[must_use]
    pub fn plants(&self, plant: Plant) -> bool {
        self.plant == Some(plant)
    }

    /// A loop that was late by this much counts as frozen: all silence is counted anew.
    #[must_use]
    pub fn frozen_from(&self) -> Span {
        Span(self.suspect_after.0 / 2)
    }

    /// A loop that was late by less than this was not late.
    #[must_use]
    pub fn late_from(&self) -> Span {
        Span(self.suspect_after.0 / 25)
    }

    /// The longest that anybody's silence is borne beyond the silence limit because nodes are slow to get processor time.
    #[must_use]
    pub fn most_patience(&self) -> Span {
        Span(self.suspect_after.0 / 5 * 4)
    }

    /// `after`, or `hops` hops if that is longer: a slowed message is not a lost one.
    #[must_use]
    pub fn patient(&self, after: Span, hops: u64) -> Span {
        after.max(self.hop.times(hops))
    }
}

/// A list of effects. With no observer, a trace costs one branch.
#[derive(Debug, Default)]
pub struct Effects {
    list: Vec<Effect>,
    observed: bool,
}

impl Effects {
    /// An empty list; `observed`: whether anybody wants traces.
    #[must_use]
    pub fn new(observed: bool) -> Self {
        Self { list: Vec::new(), observed }
    }

    /// Begins or ends observation.
    pub fn set_observed(&mut self, observed: bool) {
        self.observed = observed;
    }

    /// Takes all effects out, oldest first, keeping the room they had.
    pub fn drain(&mut self) -> impl Iterator<Item = Effect> + '_ {
        self.list.drain(..)
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Those after the number `first`, oldest first.
    #[must_use]
    pub fn after(&self, first: usize) -> &[Effect] {
        self.list.get(first..).unwrap_or_default()
    }

    /// Adds an effect; those below are made by their own methods.
    pub fn push(&mut self, effect: Effect) {
        self.list.push(effect);
    }

    /// [`Effect::Send`].
    pub fn send(&mut self, to: Contact, traced: bool, message: Message) {
        self.list.push(Effect::Send { to, traced, message });
    }

    /// [`Effect::SetTimer`].
    pub fn set_timer(&mut self, timer: Timer, after: Span) {
        self.list.push(Effect::SetTimer { timer, after });
    }

    /// [`Effect::CancelTimer`].
    pub fn cancel_timer(&mut self, timer: Timer) {
        self.list.push(Effect::CancelTimer { timer });
    }

    /// [`Effect::Probe`].
    pub fn probe(&mut self, peer: Contact) {
        self.list.push(Effect::Probe { peer });
    }

    /// [`Effect::Trace`], made only if somebody observes.
    pub fn trace(&mut self, event: impl FnOnce() -> MachineEvent) {
        if self.observed {
            self.list.push(Effect::Trace(event()));
        }
    }
}

/// What a machine is built with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Its incarnation, and the address it listens on.
    pub me: Contact,
    /// As people call it.
    pub name: String,
    /// The role it plays.
    pub role: Role,
    /// Where the name servers are: the only addresses everybody is given.
    pub name_servers: NameServers,
}
