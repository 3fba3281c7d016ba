//! Links that are cut, hold what enters them, or are mended: what happens at once is one sentence.

use std::collections::{BTreeMap, BTreeSet};

use protocol::ids::NodeId;
use protocol::trace::LinkRule;

use super::Narrator;
use super::news::{Due, News};
use super::sentence::{Sentence, list};

/// Links that change within this time, in microseconds of real time, change together.
const TOGETHER: u64 = 5_000;

/// Links that have just got the same rule.
#[derive(Debug)]
pub(super) struct Changed {
    at: u64,
    /// When all of them must be there.
    complete: u64,
    rule: LinkRule,
    pairs: BTreeSet<(String, String)>,
}

impl Changed {
    pub fn is_complete(&self, at: u64) -> bool {
        self.complete <= at
    }
}

impl Narrator {
    pub(super) fn link_is(&mut self, at: u64, from: &str, to: &str, rule: LinkRule) {
        let link = (from.to_owned(), to.to_owned());
        let before = self.known.links.get(&link).copied().unwrap_or_default();
        if before == rule {
            return;
        }
        self.known.links.insert(link.clone(), rule);
        if let Some(changed) = self.changed.as_mut().filter(|changed| changed.rule == rule) {
            changed.pairs.insert(link);
            return;
        }
        self.finish_groups();
        let complete = at + self.known.in_cluster_time(TOGETHER);
        self.changed = Some(Changed { at, complete, rule, pairs: [link].into() });
        self.wait(complete, News::Due(Due::Links));
    }

    pub(super) fn links_changed(&mut self, changed: Changed) {
        let Changed { at, rule, pairs, .. } = changed;
        // What a crashed process had sent is gone already.
        if rule.is_mended() && pairs.iter().all(|(from, _)| self.known.has_ended(from)) {
            return;
        }
        let is_both_ways = pairs.iter().all(|(from, to)| pairs.contains(&(to.clone(), from.clone())));
        let all_mended = self.known.links.values().all(LinkRule::is_mended);
        let mut ends = pairs.iter();
        let sentence = match (ends.next(), is_both_ways) {
            (Some((from, to)), _) if pairs.len() == 1 => one_way(at, &named(from), &named(to), &rule),
            (Some((one, other)), true) if pairs.len() == 2 => both_ways(at, &named(one), &named(other), &rule),
            _ if rule.is_mended() && all_mended => Sentence::event(at, "All links are mended.".into()),
            _ => several(at, &pairs, &rule),
        };
        self.told.push(sentence);
    }

    /// Whether a message will not get through now, as a sentence.
    pub(super) fn will_not_arrive(&self, from: NodeId, to: NodeId) -> Option<String> {
        let why = self.known.blocked(from, to)?;
        let rule = self.known.links.get(&(self.known.name(from), self.known.name(to)))?;
        Some(if rule.cut { format!("It will not arrive: {why}.") } else { format!("It does not arrive yet: {why}.") })
    }
}

pub(super) fn named(name: &str) -> String {
    match name {
        "front-end" | "name-server" => format!("the {}", name.replace("name-server", "name server")),
        name => name.to_owned(),
    }
}

fn one_way(at: u64, from: &str, to: &str, rule: &LinkRule) -> Sentence {
    let way = format!("from {from} to {to}");
    let sentence = Sentence::event(at, format!("the link {way} {}.", crate::link(rule)));
    if rule.is_mended() {
        sentence
    } else if rule.cut {
        sentence.means(format!("Nothing gets {way} any more, not even a heartbeat."))
    } else if rule.hold {
        sentence.means("What enters it stays there until it is let go; heartbeats pass.".to_owned())
    } else {
        sentence
    }
}

fn both_ways(at: u64, one: &str, other: &str, rule: &LinkRule) -> Sentence {
    let sentence = Sentence::event(at, format!("the link between {one} and {other} {}.", crate::link(rule)));
    if rule.cut {
        sentence.means("They cannot hear each other, and neither can tell this from a crash of the other.".to_owned())
    } else {
        sentence
    }
}

/// Links between two sides, or just a number of links.
fn several(at: u64, pairs: &BTreeSet<(String, String)>, rule: &LinkRule) -> Sentence {
    if let Some((one, other)) = sides(pairs).filter(|_| rule.cut) {
        let is = if one.len() == 1 { "is" } else { "are" };
        let names = |side: &[String]| list(&side.iter().map(|name| named(name)).collect::<Vec<_>>());
        let others = if other.len() > 3 { "the others".to_owned() } else { names(&other) };
        let what = format!("{} {is} cut off from {others}.", names(&one));
        return Sentence::event(at, what)
            .means("Each side hears only itself, and cannot know what the other one does.".to_owned());
    }
    let rule = crate::link(rule);
    let rule = match rule.strip_prefix("is ") {
        Some(is) => format!("are {is}"),
        None => format!("have a new rule: each {rule}"),
    };
    Sentence::event(at, format!("{} links {rule}.", pairs.len()))
}

/// The two sides that all these links run between, the smaller one first; none, if there are not two.
fn sides(pairs: &BTreeSet<(String, String)>) -> Option<(Vec<String>, Vec<String>)> {
    let mut side: BTreeMap<&String, bool> = BTreeMap::new();
    side.insert(&pairs.first()?.0, true);
    // A node that is linked with one side is on the other one.
    for _ in 0..pairs.len() {
        for (from, to) in pairs {
            match (side.get(from).copied(), side.get(to).copied()) {
                (Some(one), Some(other)) if one == other => return None,
                (Some(one), _) => drop(side.insert(to, !one)),
                (None, Some(other)) => drop(side.insert(from, !other)),
                (None, None) => {}
            }
        }
    }
    let of = |which: bool| side.iter().filter(move |(_, is)| **is == which).map(|(name, _)| (*name).clone());
    let (mut one, mut other): (Vec<_>, Vec<_>) = (of(true).collect(), of(false).collect());
    if one.len() > other.len() {
        std::mem::swap(&mut one, &mut other);
    }
    let all: BTreeSet<&String> = pairs.iter().flat_map(|(from, to)| [from, to]).collect();
    (one.len() + other.len() == all.len()).then_some((one, other))
}
