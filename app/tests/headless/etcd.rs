//! The view record in a real etcd of three members, some of which are killed or frozen.
//!
//! Where etcd is not installed, each test says so and does nothing. CI asks for it by an environment variable.

#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::time::Instant;

use cluster::own_etcd::{MEMBERS, OwnEtcd};
use cluster::{Cluster, ClusterOptions, NodeStatus, NotStarted, ViewRecord};
use knowledge::user_command::UserCommand;
use node::control::EtcdAccess;
use protocol::ids::{View, ViewNumber};
use protocol::message::Answer;
use protocol::order_book::Outcome;
use protocol::trace::{MachineEvent, NodeState, Note, TraceEvent};
use protocol::view_record::Keeping;
use rustix::process::Signal;

use crate::by_hand::{Hand, Judge};
use crate::program::{PATIENCE, last_json, program};
use crate::scenario_run::{ScenarioRun, order};

/// Set where a test must not be skipped.
const REQUIRED: &str = "JUST_HUNGRY_CI";

/// Three members; none, with a word, where it is not installed.
pub(super) fn etcd() -> Option<OwnEtcd> {
    match OwnEtcd::start() {
        Ok(etcd) => Some(etcd),
        Err(error) if error.is::<NotStarted>() => {
            assert!(std::env::var_os(REQUIRED).is_none(), "{error}");
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error:#}"),
    }
}

/// A cluster that keeps its view record there, with two name servers.
struct WithEtcd {
    run: ScenarioRun,
}

impl WithEtcd {
    fn launch(etcd: &OwnEtcd) -> Self {
        let run = ScenarioRun::open_as(options(etcd.access()));
        let mut cluster = Self { run };
        cluster.primary();
        cluster
    }

    /// Waits until something is so of what the nodes believe.
    fn until<T>(&mut self, what: &str, so: impl Fn(&[NodeStatus]) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            let status = self.run.cluster.inquirer().status().unwrap();
            if let Some(found) = so(&status) {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "{what} did not come: {status:#?}");
        }
    }

    /// The primary that acts, and its view, once all replicas that run are members.
    fn primary(&mut self) -> (String, View) {
        self.until("a primary", |nodes| {
            let running = nodes.iter().filter(|node| node.pid.is_some() && node.name.starts_with("replica")).count();
            nodes.iter().find_map(|node| match &node.state {
                Some(NodeState::Replica(replica)) if replica.acting && replica.view.members.len() == running => {
                    Some((node.name.clone(), replica.view.clone()))
                }
                _ => None,
            })
        })
    }

    fn keeping(&mut self, wanted: Keeping) {
        self.until("the state of the store", |nodes| {
            let states = nodes.iter().filter_map(|node| match &node.state {
                Some(NodeState::NameServer { keeping, .. }) => Some(*keeping),
                _ => None,
            });
            states.into_iter().all(|keeping| keeping == wanted).then_some(())
        });
    }

    fn order_is_placed(&mut self) {
        let customer = self.run.customer("Grace");
        self.run.cluster.perform(order(customer, &["Pad thai"]));
        let before = self.run.facts.len();
        let request = self.run.until_all("a request", |facts| {
            facts[before..].iter().find_map(|record| match &record.event {
                TraceEvent::Node(protocol::trace::NodeEvent::Asked { request, .. }) => Some(*request),
                _ => None,
            })
        });
        let answer = self.run.answer(request);
        assert!(matches!(answer, Answer::Outcome(Outcome::Placed { .. })), "{answer:?}");
    }

    /// The primary is killed, another one leads; and the killed one is started again.
    fn fails_over(&mut self) {
        let (name, before) = self.primary();
        self.run.cluster.perform(UserCommand::Crash { node: name.clone() });
        self.until("another primary", |nodes| {
            nodes.iter().find(|node| match &node.state {
                Some(NodeState::Replica(replica)) => replica.acting && replica.view.number > before.number,
                _ => false,
            })?;
            Some(())
        });
        self.order_is_placed();
        self.run.cluster.perform(UserCommand::Restart { node: name });
        self.until("three members", |nodes| {
            let is = |node: &&NodeStatus| match &node.state {
                Some(NodeState::Replica(replica)) => replica.acting && replica.view.members.len() == 3,
                _ => false,
            };
            nodes.iter().find(is).map(|_| ())
        });
    }

    fn noted(&mut self, wanted: &Note) {
        self.run.until_event("a note", |event| *event == TraceEvent::Machine(MachineEvent::Noted(wanted.clone())));
    }

    /// Two views never have one number.
    fn views_are_one_chain(&mut self) {
        self.run.facts.extend(self.run.cluster.take_facts());
        let mut chain: std::collections::BTreeMap<ViewNumber, View> = std::collections::BTreeMap::new();
        for record in &self.run.facts {
            if let TraceEvent::Machine(MachineEvent::Became { view, .. }) = &record.event {
                let known = chain.entry(view.number).or_insert_with(|| view.clone());
                assert_eq!(known, view);
            }
        }
        assert!(chain.len() > 2, "{chain:?}");
    }
}

fn options(access: EtcdAccess) -> ClusterOptions {
    let program = env!("CARGO_BIN_EXE_just-hungry").into();
    let view_record = ViewRecord::Etcd(access);
    ClusterOptions { program, name_servers: 2, view_record, ..ClusterOptions::usual().unwrap() }
}

#[test]
fn members_of_etcd_die_and_freeze_and_nobody_is_demoted() {
    let Some(mut etcd) = etcd() else { return };
    let mut cluster = WithEtcd::launch(&etcd);

    // One is enough to lose.
    etcd.kill(0);
    cluster.fails_over();
    etcd.restart(0).unwrap();

    // The leader stands still while the primary dies: the next leader records the view.
    let leader = (0..1000).find_map(|_| etcd.leader()).unwrap();
    etcd.freeze(leader).unwrap();
    cluster.fails_over();
    etcd.wake(leader).unwrap();

    // Without a majority the present view goes on.
    for kills in [true, false] {
        let (_, before) = cluster.primary();
        for at in 1..MEMBERS {
            if kills { etcd.kill(at) } else { etcd.freeze(at).unwrap() }
        }
        cluster.noted(&Note::StoreSilent);
        cluster.keeping(Keeping::Silent);
        cluster.order_is_placed();
        assert_eq!(cluster.primary().1, before, "nobody is demoted");
        for at in 1..MEMBERS {
            if kills { etcd.restart(at) } else { etcd.wake(at) }.unwrap();
        }
        cluster.keeping(Keeping::Store);
        cluster.noted(&Note::StoreAnswers);
        assert_eq!(cluster.primary().1, before, "nobody is demoted afterwards either");
        cluster.run.facts.retain(|record| !matches!(record.event, TraceEvent::Machine(MachineEvent::Noted(_))));
    }
    cluster.fails_over();
    cluster.views_are_one_chain();
}

#[test]
fn two_front_ends_race_and_a_name_server_dies() {
    let Some(etcd) = etcd() else { return };
    let mut cluster = WithEtcd::launch(&etcd);
    cluster.run.cluster.perform(UserCommand::AddFrontEnd);
    cluster.until("the second claim", |nodes| {
        nodes.iter().find_map(|node| match &node.state {
            Some(NodeState::FrontEnd { token: Some(_), .. }) if node.name == "front-end-2" => Some(()),
            _ => None,
        })
    });
    cluster.fails_over();
    // The newest front-end asks one of these.
    for name in ["name-server", "name-server-2"] {
        cluster.run.cluster.perform(UserCommand::Crash { node: name.into() });
        cluster.fails_over();
        cluster.run.cluster.perform(UserCommand::Restart { node: name.into() });
        cluster.until("its registry", |nodes| {
            nodes.iter().find_map(|node| match &node.state {
                Some(NodeState::NameServer { names, .. }) if node.name == name && names.len() >= 5 => Some(()),
                _ => None,
            })
        });
    }
    cluster.views_are_one_chain();
}

#[test]
fn two_clusters_do_not_share_a_record() {
    let Some(etcd) = etcd() else { return };
    let access = EtcdAccess { key: "just-hungry/the-only-one".into(), ..etcd.access() };
    let first = Cluster::launch(options(access.clone())).unwrap();
    let refusal = Cluster::launch(options(access)).err().map(|error| format!("{error:#}")).unwrap_or_default();
    assert!(refusal.contains("the view record of another cluster"), "{refusal}");
    assert!(refusal.contains("etcdctl del just-hungry/the-only-one"), "{refusal}");
    drop(first);
}

#[test]
fn the_scenario_with_an_etcd_of_its_own_holds() {
    if etcd().is_none() {
        let output = program(&["run", "etcd-down"]);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        assert!(String::from_utf8(output.stderr).unwrap().contains("apt-get install etcd-server"));
        return;
    }
    let output = program(&["run", "etcd-down", "--json"]);
    let report = last_json(&output);
    assert_eq!(output.status.code(), Some(0), "{report}");
}

/// By hand, in terminals: two name servers, the first of which is killed, and then the primary.
#[test]
fn name_servers_started_by_hand_stand_in_for_each_other() {
    let Some(etcd) = etcd() else { return };
    let store = format!("etcd={}", etcd.access().endpoints.join(","));
    let (hand, mut judge) = (Hand::new(), Judge::default());
    let name_server = ["name-server", "--view-record", &store];
    let mut first = hand.runs(&name_server);
    let (code, said) = hand.output(&["name-server", "--view-record", &store, "--durable", "nowhere"]);
    assert!(
        code == 2 && said.contains("keeps everything in memory. Start this name server without --durable"),
        "{said}"
    );
    let mut second = hand.runs(&name_server);
    let mut replica = hand.runs(&["replica"]);
    let _front_end = hand.runs(&["front-end"]);
    replica.becomes("primary");
    let mut backup = hand.runs(&["replica"]);
    backup.becomes("backup");
    let mut client = hand.runs(&["client"]);
    assert_eq!(client.ask("4 to DH1 3LE", &mut judge)["type"], "ok");
    let (code, status) = hand.output(&["status"]);
    assert!(code == 0 && status.contains("name-server-2 keeps the view record in a store, which answers."), "{status}");
    first.ends_by(Signal::KILL);
    replica.ends_by(Signal::KILL);
    backup.becomes("primary");
    assert_eq!(client.ask("4 to DH1 3LE", &mut judge)["type"], "ok");
    // The first one is back, with the same authority; and the other can be started again, too.
    second.ends_by(Signal::KILL);
    let _first = hand.runs(&name_server);
    let mut second = hand.runs(&name_server);
    let joined = hand.runs(&["replica"]);
    backup.talk.hear_until(|line| {
        line["change"] == "told" && line["what"].as_str().is_some_and(|it| it.contains("holds everything now"))
    });
    drop(joined);
    second.ends_by(Signal::KILL);
    // A cluster that begins anew under the same name is another one: the record of the first is not overwritten.
    let other = Hand::new();
    let (code, said) = other.output(&name_server);
    assert!(code == 2 && said.contains("the view record of another cluster"), "{said}");
    let (code, said) = other.output(&["name-server", "--view-record", "etcd=http://u:secret@127.0.0.1:1"]);
    assert!(code == 2 && said.contains("no password may stand in it"), "{said}");
}
