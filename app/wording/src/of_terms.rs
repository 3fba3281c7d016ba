//! Every term that a person meets in the window, with its one definition: help, hover texts, lessons and the glossary of
//! `app/README.md` are made of this list.
//!
//! A failpoint, a step and an injected bug are terms, too; what they are called is said where they are declared.

mod failpoints;
mod found;
mod plants;
mod steps;

use std::fmt;
use std::str::FromStr;

use protocol::message::Step;
use protocol::plant::{self, Plant};
use protocol::trace::{FAILPOINTS, Failpoint};

pub use plants::plant;
pub use steps::step_name;

/// Part of the glossary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    Actors,
    Group,
    Orders,
    Faults,
    Program,
    Lights,
    Steps,
    Failpoints,
    InjectedBugs,
}

impl Topic {
    /// All of them, in the order of the glossary.
    pub const ALL: [Topic; 9] = [
        Topic::Actors,
        Topic::Group,
        Topic::Orders,
        Topic::Faults,
        Topic::Program,
        Topic::Lights,
        Topic::Steps,
        Topic::Failpoints,
        Topic::InjectedBugs,
    ];

    /// The heading above its terms.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Topic::Actors => "The actors",
            Topic::Group => "The group of replicas",
            Topic::Orders => "Orders",
            Topic::Faults => "Time and faults",
            Topic::Program => "The program",
            Topic::Lights => "The lights",
            Topic::Steps => "The fourteen steps",
            Topic::Failpoints => "Failpoints",
            Topic::InjectedBugs => "Injected bugs",
        }
    }
}

macro_rules! terms {
    ($($Topic:ident { $($Word:ident = $name:literal, $word:literal, $definition:literal;)* })*) => {
        /// Something that has a definition.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Term {
            $($($Word,)*)*
            /// One of the workflow's steps, 1 to 14.
            Step(Step),
            FailpointAt(Failpoint),
            Plant(Plant),
        }

        /// Terms that are words.
        const WORDS: &[Term] = &[$($(Term::$Word,)*)*];

        impl Term {
            /// Its name in a link of a lesson: `[view](term:view)`.
            #[must_use]
            pub fn name(self) -> String {
                match self {
                    $($(Term::$Word => $name.into(),)*)*
                    Term::Step(Step(step)) => format!("step-{step}"),
                    Term::FailpointAt(failpoint) => failpoint.name().into(),
                    Term::Plant(plant) => plant.name().into(),
                }
            }

            /// What it is called in text.
            #[must_use]
            pub fn word(self) -> String {
                match self {
                    $($(Term::$Word => $word.into(),)*)*
                    Term::Step(step) => format!("step {}: {}", step.0, step_name(step)),
                    Term::FailpointAt(failpoint) => failpoint.name().into(),
                    Term::Plant(plant) => plant.name().into(),
                }
            }

            /// What it means, in one or two sentences.
            #[must_use]
            pub fn definition(self) -> String {
                match self {
                    $($(Term::$Word => $definition.into(),)*)*
                    Term::Step(step) => steps::definition(step),
                    Term::FailpointAt(failpoint) => failpoints::definition(failpoint),
                    Term::Plant(plant) => plants::definition(plant),
                }
            }

            /// Where it stands in the glossary.
            #[must_use]
            pub fn topic(self) -> Topic {
                match self {
                    $($(Term::$Word)|* => Topic::$Topic,)*
                    Term::Step(_) => Topic::Steps,
                    Term::FailpointAt(_) => Topic::Failpoints,
                    Term::Plant(_) => Topic::InjectedBugs,
                }
            }
        }
    };
}

terms! {
    Actors {
        Customer = "customer", "customer",
            "A program that orders for one person, one order at a time. It repeats an unanswered order under the same number.";
        FrontEnd = "front-end", "front-end",
            "The process that passes requests to the primary and answers back to customers. It also suspects silent replicas and proposes the next view.";
        NameServer = "name-server", "name server",
            "The process that knows which processes are registered, and that keeps the record of the newest view, on its disk or in etcd. Orders do not pass through it.";
        Replica = "replica", "replica",
            "A process that holds a copy of all orders in its memory. It is the primary, a backup, or joining.";
        Primary = "primary", "primary",
            "The one replica that executes orders, marked with a crown. It sends each result to the backups, and answers once all of them hold it.";
        Backup = "backup", "backup",
            "A member that copies the primary's results and executes nothing itself. It can take over when the primary dies.";
        PostcodeService = "postcode-service", "postcode service",
            "A service that says whether a postcode exists; by default a stand-in on this machine. Only the primary asks it, and the answer travels with the order.";
        Crowd = "crowd", "crowd",
            "The customers of a scenario that have no name. Their messages are shown as a flow, not one by one.";
    }
    Group {
        View = "view", "view",
            "Which replicas belong to the group now, and which of them leads. Views are numbered, and every process obeys the highest it knows.";
        ViewChange = "view-change", "view change",
            "The change from one view to the next, because a member died or fell silent, or a joining replica caught up. The front-end proposes it, and the name server records it.";
        Member = "member", "member",
            "A replica of the newest view. It counts as a full copy, so every answer waits for it.";
        InStep = "in-step", "in step",
            "Holding everything that the primary may have answered. Any replica in step can lead without losing an order.";
        AckSet = "ack-set", "ack set",
            "The replicas that must acknowledge an order before its customer is told. It contains every member and each joining replica that has caught up, and only a newer view makes it smaller.";
        Joining = "joining", "joining",
            "Still receiving the state from the primary. A joining replica does not count as a copy yet.";
        LeftOut = "left-out", "left out",
            "Not in the newest view, and not aware of it yet. The others refuse its messages until it joins again.";
        Suspected = "suspected", "suspected",
            "Not heard from for longer than the limit, or its port is closed. A suspicion can be wrong, so safety never relies on it.";
        Failover = "failover", "failover",
            "The time from the crash of a primary until the next one acts. Orders wait meanwhile, and none is lost.";
        Fencing = "fencing", "fencing",
            "Replicas refuse messages of a view that has been replaced. So a primary that wakes up late cannot answer any more.";
        SplitBrain = "split-brain", "split brain",
            "An isolated primary still believes that it leads, while the others choose a new one. Fencing makes that harmless: the old one gets no acknowledgements.";
        Heartbeat = "heartbeat", "heartbeat",
            "A small message that says “I am alive”, sent at a fixed pace of cluster time. Silence for longer than the limit leads to a suspicion.";
        Record = "record", "record",
            "The newest view and the newest token, in the name server's journal on disk or, if the cluster was started with it, in etcd. A view counts only once it is recorded.";
        Token = "token", "token",
            "The number of a front-end's claim at the name server. Only the front-end with the newest token can change the view.";
        Durable = "durable", "durable",
            "Keeping orders, view and identity on disk, not only in memory. A durable replica says “acknowledged” only when the order is on its disk, and comes back with everything after a power cut.";
        FreshStart = "fresh-start", "fresh start",
            "A new history, begun by a person after all members of the view have died. Orders that only they held are lost.";
    }
    Orders {
        Operation = "operation", "operation",
            "One entry of the history: an order that was accepted, rejected or cancelled. Operations are numbered, and all replicas hold them in the same order.";
        Applied = "applied", "applied",
            "How far this replica's own copy of the history goes. Operations that are not committed yet can still vanish in a crash.";
        Committed = "committed", "committed",
            "Confirmed by every replica that must acknowledge it. Only committed orders are told to customers.";
        StateUpdate = "state-update", "update",
            "What the primary sends to backups [5]: the results of orders, not the orders themselves. So backups need no postcode service and all copies are equal.";
        Digest = "digest", "digest",
            "A fingerprint: one short number computed from all orders that a replica holds. Replicas at the same operation must have the same digest.";
        Request = "request", "request",
            "What a customer asks for, under its own identity and a number that it counts up. Replicas recognise a request by these two.";
        Retry = "retry", "retry",
            "The same request sent again because no answer came. It keeps its number, so it is never executed twice.";
        SessionTable = "session-table", "session table",
            "What every replica remembers of each customer: its last request and the answer. A repeated request is answered from this table, not executed again.";
        Receipt = "receipt", "receipt",
            "The answer that a customer was given: placed, rejected or cancelled. “Placed” promises that every member holds the order.";
        Expired = "expired", "expired",
            "The answer to a customer that the replicas have forgotten: the order may or may not have been placed. The history of the postcode shows which.";
        History = "history", "history",
            "All operations in the order in which they were executed. Each replica holds a copy, and a customer reads the orders to one postcode.";
        Barrier = "barrier", "barrier",
            "A number that the primary raises for each read and that its backups send back. It proves that the primary still leads, so no read shows the past.";
        Linearizable = "linearizable", "linearizable",
            "The answers are those that a single server would give, handling one request at a time, each at some moment between its question and its answer. So no order is lost or placed twice, and no read is stale.";
        Asynchronous = "asynchronous", "asynchronous replication",
            "The primary answers before any backup holds the order, and the update follows. Answers come soonest, and a crash of the primary can lose orders.";
        AtRisk = "at-risk", "at risk",
            "Answered orders that the least advanced member does not hold yet. If it leads next, they are lost.";
    }
    Faults {
        ClusterTime = "cluster-time", "cluster time",
            "The clock of all processes of the cluster. It can run slowly or stop, and every timer and every link follows.";
        Timer = "timer", "timer",
            "What a node will do when some cluster time has passed, such as sending a request again. In slow motion it is a shrinking arc; a click fires it now.";
        Link = "link", "link",
            "Carries messages from one node to another. It can delay, hold, lose or duplicate them, or be cut.";
        Hop = "hop", "hop",
            "One message crossing one link. Its delay is counted in cluster time.";
        Held = "held", "held",
            "Kept in its link until you release it. A link that holds lets only heartbeats pass.";
        Cut = "cut", "cut",
            "A cut link loses every message, heartbeats too. If it is cut one way, messages still pass the other way.";
        SlowLink = "slow-link", "slow link",
            "A link that keeps each message for a while. Heartbeats pass undelayed, so no process is suspected, but customers wait longer.";
        Frozen = "frozen", "frozen",
            "Paused between two steps of its work, as if the process were given no processor time. It keeps its memory, and continues when it wakes.";
        Suspended = "suspended", "suspended",
            "Stopped by the operating system at any instruction (SIGSTOP). Waking resumes the process (SIGCONT).";
        Crashed = "crashed", "crashed",
            "Killed at once (SIGKILL), with everything in its memory. If it is restarted, it is a new replica that must join; a durable one comes back as the same replica.";
        Failpoint = "failpoint", "failpoint",
            "A named point in the work of a node, such as “after it numbers the order, before it tells a backup”. A bomb goes off there.";
        Bomb = "bomb", "bomb",
            "Crashes or freezes a node when it reaches a failpoint, once.";
        Belief = "belief", "belief",
            "What one node takes to be true. Nodes learn only from messages, so a belief can be out of date.";
    }
    Program {
        NumberedStep = "numbered-step", "numbered step",
            "One of the fourteen numbered messages that take an order from the customer to all replicas and back. Their numbers are shown on the lines.";
        InjectedBug = "injected-bug", "injected bug",
            "A switch that breaks one rule of the protocol (`--plant`). Each has a script in the bug museum that shows what goes wrong.";
        UnsafeLesson = "unsafe-lesson", "unsafe lesson",
            "A scenario that runs with an injected bug. The window has a red frame until the bug is off.";
        Scenario = "scenario", "scenario",
            "A script of orders and faults with expectations. A new cluster runs it, and a card says what held.";
        Tape = "tape", "tape",
            "The recording of all facts of a run. The window can show every moment of the run, without a cluster.";
        HistoryFile = "history-file", "recorded history",
            "The recording of what customers asked and were told. `just-hungry check` says whether it is linearizable.";
        Picture = "picture", "picture",
            "What the program knows about the cluster, from the facts that have arrived.";
        Lights = "lights", "lights",
            "The verdict at the bottom of the window on everything that customers were told. Each light says why it is as it is.";
    }
    Lights {
        Acknowledged = "light-acknowledged", "acknowledged",
            "Orders whose customers were told “placed”.";
        Lost = "light-lost", "lost",
            "Orders that were acknowledged or read, and are missing later.";
        StoredTwice = "light-stored-twice", "stored twice",
            "Orders that are in a history twice, or under two numbers.";
        Unknown = "light-unknown", "unknown",
            "Orders whose customers left before the answer. They may or may not have been placed; either is correct.";
        ReadStale = "light-read-stale", "read stale",
            "Reads that miss an order acknowledged or read before they began.";
        ReplicasIdentical = "light-replicas-identical", "replicas identical",
            "Replicas at the same operation must hold the same orders. Each replica computes a digest of its orders, and the digests are compared.";
        HistoryLinearizable = "light-history-linearizable", "history linearizable",
            "Each read shows every order acknowledged before it began, and all reads agree on one order of events.";
    }
}

impl Term {
    /// All terms, topic by topic.
    pub fn all() -> impl Iterator<Item = Term> {
        let steps = (1..=14).map(|step| Term::Step(Step(step)));
        let bugs = plant::ALL.into_iter().map(Term::Plant);
        WORDS.iter().copied().chain(steps).chain(FAILPOINTS.into_iter().map(Term::FailpointAt)).chain(bugs)
    }

    /// The terms of one topic.
    pub fn of(topic: Topic) -> impl Iterator<Item = Term> {
        Self::all().filter(move |term| term.topic() == topic)
    }

    /// What a hover text says: the word, then its definition.
    #[must_use]
    pub fn explained(self) -> String {
        format!("{}: {}", capitalised(&self.word()), self.definition())
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl FromStr for Term {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Term::all().find(|term| term.name() == name).ok_or_else(|| {
            let names: Vec<_> = Term::all().map(Term::name).collect();
            format!("there is no term with this name; the names are: {}", names.join(", "))
        })
    }
}

/// The same with a capital letter.
pub fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Ends of sentences; the full stop in "postcodes.io" is none.
    fn sentences(text: &str) -> usize {
        text.matches(". ").count() + usize::from(text.ends_with('.'))
    }

    #[test]
    fn every_term_has_one_name_and_a_definition_of_one_or_two_sentences() {
        let names: BTreeSet<String> = Term::all().map(Term::name).collect();
        assert_eq!(names.len(), Term::all().count(), "two terms have one name");
        for term in Term::all() {
            let definition = term.definition();
            assert!((1..=2).contains(&sentences(&definition)) && definition.ends_with('.'), "{term}: {definition}");
            assert!(definition.starts_with(char::is_uppercase) && definition.len() < 260, "{term}: {definition}");
            assert_eq!(term.name().parse(), Ok(term));
            assert!(Term::of(term.topic()).any(|it| it == term));
            let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(term.name().chars().all(is_plain), "{term}");
        }
        assert!("quorum".parse::<Term>().unwrap_err().contains("view-change"));
    }

    #[test]
    fn every_topic_has_terms() {
        assert!(Topic::ALL.into_iter().all(|topic| Term::of(topic).next().is_some()));
    }

    /// The part of `app/README.md` that is made of this list.
    fn glossary() -> String {
        let words = Topic::ALL.into_iter().filter(|topic| *topic < Topic::Steps);
        let part = |topic: Topic| {
            let lines =
                Term::of(topic).map(|term| format!("- **{}**: {}\n", capitalised(&term.word()), term.definition()));
            format!("**{}**\n\n{}\n", topic.title(), lines.collect::<String>())
        };
        words.map(part).collect()
    }

    #[test]
    fn the_readme_has_the_same_glossary() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
        let text = std::fs::read_to_string(path).unwrap();
        let (before, rest) = text.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        let made = format!("{before}{BEGIN}{}{END}{after}", glossary());
        if std::env::var_os("UPDATE_GLOSSARY").is_some() {
            return std::fs::write(path, &made).unwrap();
        }
        let differs = text.lines().zip(made.lines()).find(|(is, wanted)| is != wanted);
        assert!(text == made, "UPDATE_GLOSSARY=1 makes it anew; the first line that differs: {differs:?}");
    }

    const BEGIN: &str = "## Words of the window\n\n";
    const END: &str = "## Pitfalls we measured";
}
