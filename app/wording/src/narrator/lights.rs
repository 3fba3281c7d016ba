//! Lights that turn red, and why.

use knowledge::picture::contradict;
use knowledge::verdict::evidence::{Contradicted, Judged};
use protocol::ids::RequestId;
use protocol::judge::ContradictionKind;
use protocol::message::Ask;

use super::Narrator;
use super::sentence::Sentence;

/// Whether what is known contradicts itself.
pub(super) fn are_red(judged: &Judged) -> bool {
    !judged.lights.together().is_linearizable()
}

impl Narrator {
    /// A light is red: told once for each contradiction that leads to it.
    pub(super) fn judged(&mut self, at: u64, judged: &Judged) {
        for it in judged.contradictions.iter() {
            let light = crate::light_named(scenarios::Light::Shows(it.kind));
            if self.known.is_new(format!("red {:?} {:?}", it.kind, it.requests.first())) {
                let what = format!("The light {light} turns red: {}.", self.broken(it));
                self.say(Sentence::alarm(at, what).means(capital(&crate::contradiction(it)) + "."));
            }
        }
        if judged.contradictions.is_empty() && self.known.is_new("red crowd".into()) {
            let what = "The light “history linearizable” turns red.".to_owned();
            let why = "The answers to all customers were judged together, and they contradict each other.".to_owned();
            self.say(Sentence::alarm(at, what).means(why));
        }
    }

    /// What is broken, in few words.
    fn broken(&self, it: &Contradicted) -> String {
        let customer = |at: usize| it.requests.get(at).map(|request| self.known.customer(*request));
        let orders = |request: &&RequestId| {
            self.known.requests.get(request).is_some_and(|known| matches!(known.ask, Ask::Order { .. }))
        };
        let order = it.requests.iter().find(orders).map(|request| self.known.customer(*request));
        let whose = order.map_or("an order".into(), |name| format!("{name}'s order"));
        match it.kind {
            ContradictionKind::Lost => format!("{whose} is lost"),
            ContradictionKind::Doubled => format!("{whose} is stored twice"),
            ContradictionKind::Stale => match customer(it.requests.len().saturating_sub(1)) {
                Some(reader) => format!("{reader} was shown an old history"),
                None => "an old history was shown".into(),
            },
            ContradictionKind::Reordered => "orders have changed their places".into(),
            ContradictionKind::Invented => format!("{whose} is in the history and should not be"),
        }
    }

    /// Two replicas that stand at the same place hold different orders.
    pub(super) fn compare_copies(&mut self, at: u64) {
        let running: Vec<_> = self.known.states.iter().filter(|(id, _)| self.known.runs(**id)).collect();
        let pairs = running.iter().flat_map(|one| running.iter().map(move |other| (one, other)));
        let differ = pairs.into_iter().find(|((_, one), (_, other))| contradict(one, other));
        let Some(((one, _), (other, _))) = differ else { return };
        let names = self.known.names([**one, **other]);
        if self.known.is_new(format!("differ {names}")) {
            let what = format!("The light “replicas identical” turns red: {names} hold different orders.");
            let why =
                "They stand at the same operation, so they should hold the same; their digests differ.".to_owned();
            self.say(Sentence::alarm(at, what).means(why));
        }
    }
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
