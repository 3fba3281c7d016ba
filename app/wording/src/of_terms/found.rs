//! Which term explains something that the window shows.

use std::sync::OnceLock;

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
            MarkKind::Disk { .. } => Term::Durable,
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

    /// The terms that a sentence uses, in their order: whole words, also in the plural; of two that overlap the longer one.
    #[must_use]
    pub fn in_sentence(sentence: &str) -> Vec<Self> {
        let letters = |c: char| !(c.is_alphanumeric() || c == '-');
        let words = sentence.split(letters).filter(|word| !word.is_empty());
        let words: Vec<String> = words.map(str::to_lowercase).collect();
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(rest) = words.get(at..).filter(|rest| !rest.is_empty()) {
            let here = spelled().iter().filter(|(spelled, _)| begins_with(rest, spelled));
            let longest = here.max_by_key(|(spelled, _)| spelled.len());
            at += longest.map_or(1, |(spelled, _)| spelled.len());
            found.extend(longest.map(|(_, term)| *term).filter(|term| !found.contains(term)));
        }
        found
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

/// The words of each term, in small letters.
fn spelled() -> &'static [(Vec<String>, Term)] {
    static SPELLED: OnceLock<Vec<(Vec<String>, Term)>> = OnceLock::new();
    let spell = |term: &Term| (term.word().to_lowercase().split(' ').map(str::to_owned).collect(), *term);
    SPELLED.get_or_init(|| super::WORDS.iter().map(spell).collect())
}

/// Whether these words come first, the last of them perhaps in the plural.
fn begins_with(words: &[String], term: &[String]) -> bool {
    let Some((last, before)) = term.split_last() else { return false };
    let ends = words.get(before.len()).is_some_and(|word| word == last || word.strip_suffix('s') == Some(last));
    ends && words.iter().zip(before).all(|(one, other)| one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_names_its_terms_in_their_order() {
        let terms = |sentence: &str| Term::in_sentence(sentence);
        assert_eq!(terms("The primary sends Grace's order to both backups."), [Term::Primary, Term::Backup]);
        assert_eq!(
            terms("The name server records view 3; the front-end is told."),
            [Term::NameServer, Term::Record, Term::View, Term::FrontEnd]
        );
        assert_eq!(terms("A view change, and no other view."), [Term::ViewChange, Term::View]);
        assert_eq!(terms("Nothing is said here."), []);
    }
}
