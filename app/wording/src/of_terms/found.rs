//! Which term explains something that the window shows.

use knowledge::picture::{Life, MarkKind, Node};
use protocol::ids::Role;
use protocol::judge::ContradictionKind;
use protocol::trace::{Actor, Freezing, Standing};

use super::Term;
use scenarios::Light;

impl Term {
    /// What a node is at present.
    #[must_use]
    pub fn of_node(node: &Node) -> Self {
        match (&node.life, node.replica().map(|replica| replica.standing)) {
            (Life::Crashed | Life::Exited(_), _) => Term::Crashed,
            (Life::Runs, Some(Standing::Primary)) => Term::Primary,
            (Life::Runs, Some(Standing::Backup)) => Term::Backup,
            (Life::Runs, Some(Standing::Joining)) => Term::Joining,
            (Life::Runs, None) => Term::of_actor(node.actor),
        }
    }

    /// What a node's card speaks of: what it is, and what its second line counts.
    #[must_use]
    pub fn on_card(node: &Node) -> Vec<Self> {
        let what = Term::of_node(node);
        match what {
            Term::Primary => vec![what, Term::Applied, Term::Committed],
            Term::Backup => vec![what, Term::Applied, Term::InStep],
            Term::FrontEnd => vec![what, Term::View],
            Term::NameServer => vec![what, Term::Record],
            _ => vec![what],
        }
    }

    /// The light of the window that shows what a scenario or a lesson speaks of.
    #[must_use]
    pub fn of_light(light: Light) -> Self {
        match light {
            Light::Shows(ContradictionKind::Lost) => Term::Lost,
            Light::Shows(ContradictionKind::Doubled) => Term::StoredTwice,
            Light::Shows(ContradictionKind::Stale) => Term::ReadStale,
            Light::Shows(ContradictionKind::Reordered | ContradictionKind::Invented) => Term::HistoryLinearizable,
            Light::ReplicasDiffer => Term::ReplicasIdentical,
        }
    }

    /// What a mark in the timeline is about.
    #[must_use]
    pub fn of_mark(kind: MarkKind) -> Self {
        match kind {
            MarkKind::Started => Term::Joining,
            MarkKind::Ended => Term::Crashed,
            MarkKind::View(_) => Term::ViewChange,
            MarkKind::Froze | MarkKind::Woke => Term::Frozen,
            MarkKind::Link { cut: true, .. } => Term::Cut,
            MarkKind::Link { cut: false, .. } => Term::Link,
            MarkKind::Bomb => Term::Bomb,
            MarkKind::Exploded => Term::Failpoint,
            MarkKind::Plant => Term::InjectedBug,
            MarkKind::Suspicion => Term::Suspected,
            MarkKind::Speed => Term::ClusterTime,
        }
    }

    /// A kind of process.
    #[must_use]
    pub fn of_actor(actor: Actor) -> Self {
        match actor {
            Actor::Role(Role::NameServer) => Term::NameServer,
            Actor::Role(Role::FrontEnd) => Term::FrontEnd,
            Actor::Role(Role::Replica) => Term::Replica,
            Actor::Role(Role::Customer) => Term::Customer,
            Actor::Service(_) => Term::PostcodeService,
        }
    }

    /// A way of pausing a process.
    #[must_use]
    pub fn of_freezing(how: Freezing) -> Self {
        match how {
            Freezing::Cooperative => Term::Frozen,
            Freezing::Signal => Term::Suspended,
        }
    }

    /// A field of a message, by its name.
    #[must_use]
    pub fn of_field(name: &str) -> Option<Self> {
        Some(match name {
            "view" | "expected view" => Term::View,
            "primary" | "acting" => Term::Primary,
            "members" => Term::Member,
            "joiners" => Term::Joining,
            "token" | "newest token" => Term::Token,
            "commit" | "since" => Term::Committed,
            "position" | "from" | "at" | "instead of" | "entries" => Term::Operation,
            "ack set" => Term::AckSet,
            "silent" => Term::Suspected,
            "barrier" => Term::Barrier,
            "request" => Term::Request,
            "outcome" => Term::Receipt,
            "history" | "history of" => Term::History,
            _ => return None,
        })
    }
}
