//! Real processes that are slowed, stopped, held, cut, frozen and woken by their launcher, and by nobody else.

use std::time::{Duration, Instant};

use node::control::{ControlCommand, Duty, NodeReport, SteeringCommand, write_frame};
use node::transport::identity::COMMON_NAME;
use node::transport::limits::endpoint;
use protocol::ids::{NodeId, Role, Span};
use protocol::message::Answer;
use protocol::order_book::Outcome;
use protocol::trace::{Freezing, LinkRule, NodeEvent, NodeState, Rate, TraceEvent};

use super::cluster::{Cluster, PATIENCE, Process, loopback};
use super::{order, place};

/// Longer than any connection may be silent (three idle time-outs), and than any suspicion takes.
const STOP: Duration = Duration::from_secs(3);

/// So slow that nobody is suspected only because the machine has other things to do as well.
const UNHURRIED: Rate = Rate(100_000);

const HOLD: LinkRule = LinkRule { cut: false, hold: true, delay: Span(0), jitter: Span(0), loss: 0, doubling: 0 };

/// Its timers that rang and its connections, and its view if it is a replica.
fn beats(process: &mut Process) -> (u64, u64, Option<u64>) {
    let (state, usage) = process.status();
    let view = match state {
        Some(NodeState::Replica(state)) => Some(state.view.number.0),
        _ => None,
    };
    (usage.timers_rung, usage.connections, view)
}

#[tokio::test]
async fn time_stops_with_eight_messages_held_and_nobody_notices() {
    let mut cluster = Cluster::start(3);
    place(&mut cluster).await;
    cluster.set_rate(UNHURRIED);
    let primary = cluster.wait_until_all_are_members();
    // The customers were not awake to keep their connections: what is lost while time stands still is not said again.
    place(&mut cluster).await;
    cluster.set_rate(Rate::STOPPED);
    cluster.set_link(None, primary, HOLD);
    cluster.crowd_asks(8, &order("Pad thai"));
    let begun = Instant::now();
    while cluster.front_end.status().1.in_links < 8 {
        assert!(begun.elapsed() < PATIENCE, "eight requests should be held");
        assert!(cluster.customers_live(Duration::from_millis(10), 1).await.is_empty());
    }
    let before: Vec<_> = cluster.nodes().map(beats).collect();
    assert!(cluster.customers_live(STOP, 1).await.is_empty());
    let after: Vec<_> = cluster.nodes().map(beats).collect();
    assert_eq!(before, after, "no timer rang, no connection was lost, no view changed");
    assert_eq!(cluster.front_end.status().1.in_links, 8);

    cluster.set_rate(UNHURRIED);
    cluster.set_link(None, primary, LinkRule::default());
    let answers = cluster.customers_live(PATIENCE, 8).await;
    let placed = |answer: &&Answer| matches!(answer, Answer::Outcome(Outcome::Placed { .. }));
    assert_eq!(answers.iter().filter(placed).count(), 8, "{answers:?}");
    assert_eq!(cluster.wait_until_all_are_members(), primary);
    let views: Vec<_> = cluster.nodes().map(beats).map(|(_, _, view)| view).collect();
    assert_eq!(views, before.iter().map(|(_, _, view)| *view).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_order_takes_its_hops_in_slow_motion_and_accuses_nobody() {
    let mut cluster = Cluster::start(2);
    place(&mut cluster).await;
    cluster.set_rate(UNHURRIED);
    cluster.slow_down(Span::millis(10));
    let primary = cluster.wait_until_all_are_members();
    let view = cluster.replicas[primary].replica_state().view;
    let begun = Instant::now();
    place(&mut cluster).await;
    // [9] [10] [5] [6] [13] [14], each 10 ms at a tenth of the speed; the verdict is remembered.
    assert!(begun.elapsed() >= Duration::from_millis(600), "{:?}", begun.elapsed());
    assert_eq!(cluster.replicas[primary].replica_state().view, view);
}

#[tokio::test]
async fn a_link_that_is_cut_one_way_costs_a_view_and_no_order() {
    let mut cluster = Cluster::start(3);
    place(&mut cluster).await;
    let primary = cluster.wait_until_all_are_members();
    let view = cluster.replicas[primary].replica_state().view.number;
    let deaf = (primary + 1) % 3;
    cluster.set_link(Some(primary), deaf, LinkRule::CUT);
    place(&mut cluster).await;
    let newest = cluster.replicas.iter_mut().map(|replica| replica.replica_state().view.number).max();
    assert!(newest > Some(view), "no answer while the primary cannot reach a member of its view");
    cluster.set_link(Some(primary), deaf, LinkRule::default());
    cluster.wait_until_all_are_members();
    place(&mut cluster).await;
}

#[tokio::test]
async fn a_primary_that_stands_still_is_replaced_and_joins_again_when_it_is_woken() {
    let mut cluster = Cluster::start(3);
    place(&mut cluster).await;
    let primary = cluster.wait_until_all_are_members();
    cluster.replicas[primary].command(&ControlCommand::Observe(true));
    cluster.replicas[primary].command(&ControlCommand::Freeze);
    wait_for(&mut cluster.replicas[primary], |event| {
        matches!(event, TraceEvent::Node(NodeEvent::Froze { how: Freezing::Cooperative }))
    });
    place(&mut cluster).await;
    cluster.replicas[primary].command(&ControlCommand::Wake);
    wait_for(&mut cluster.replicas[primary], |event| *event == TraceEvent::Node(NodeEvent::Woke));
    assert_ne!(cluster.wait_until_all_are_members(), primary);
    place(&mut cluster).await;
}

/// What is asked for next must not overtake what was asked for before, however time goes.
#[tokio::test]
async fn a_node_confirms_what_it_was_told_also_while_time_stands_still_and_after_it_was_frozen() {
    let mut cluster = Cluster::start(1);
    let node = &mut cluster.replicas[0];
    let stop = SteeringCommand::Clock { at: 0, rate: Rate::STOPPED, until: None };
    node.steer(stop);
    for ticket in [7, 8] {
        node.command(&ControlCommand::Confirm { ticket });
        confirmed(node, ticket);
    }
    node.command(&ControlCommand::Freeze);
    node.command(&ControlCommand::Confirm { ticket: 9 });
    node.command(&ControlCommand::Wake);
    confirmed(node, 9);
}

fn confirmed(process: &mut Process, ticket: u64) {
    while !matches!(process.next_report(), NodeReport::Confirmed { ticket: told, .. } if told == ticket) {}
}

fn wait_for(process: &mut Process, wanted: impl Fn(&TraceEvent) -> bool) {
    loop {
        if let NodeReport::Trace { records, .. } = process.next_report()
            && records.iter().any(|record| wanted(&record.event))
        {
            return;
        }
    }
}

#[tokio::test]
async fn a_frozen_node_still_ends_with_its_launcher() {
    let mut cluster = Cluster::start(1);
    for process in cluster.nodes() {
        process.command(&ControlCommand::Observe(true));
        process.command(&ControlCommand::Freeze);
        wait_for(process, |event| matches!(event, TraceEvent::Node(NodeEvent::Froze { .. })));
        process.close_input();
        assert_eq!(process.wait().code(), Some(0));
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_node_that_the_system_stopped_dies_with_its_launcher() {
    use std::os::unix::process::ExitStatusExt;
    let config = Cluster::start(0).config("front-end", Duty::FrontEnd);
    // The kernel takes the thread that starts a process for its launcher.
    let launcher = std::thread::spawn(move || {
        let mut node = Process::start("front-end");
        node.configure(&config);
        node.ready();
        node.freeze();
        node
    });
    let mut node = launcher.join().unwrap();
    assert_eq!(node.wait().signal(), Some(9), "it cannot see its pipe close");
}

#[tokio::test]
async fn no_peer_can_steer_a_node() {
    let mut cluster = Cluster::start(1);
    place(&mut cluster).await;
    let node = &mut cluster.replicas[0];
    node.command(&ControlCommand::Observe(false));
    let (_, before) = node.status();
    let credentials = cluster.authority.issue(Role::FrontEnd, Some(NodeId(77))).unwrap();
    let address = node.address;
    for command in [
        ControlCommand::Freeze,
        ControlCommand::Observe(true),
        ControlCommand::Steer(SteeringCommand::Clock { at: u64::MAX / 2, rate: Rate::STOPPED, until: None }),
        ControlCommand::Steer(SteeringCommand::Ring { node: NodeId(11), timer: protocol::machine::Timer::Heartbeat }),
    ] {
        let endpoint = endpoint(loopback(), &credentials).unwrap();
        let connection = endpoint.connect(address, COMMON_NAME).unwrap().await.unwrap();
        let mut frame = Vec::new();
        write_frame(&mut frame, &command).unwrap();
        connection.open_uni().await.unwrap().write_all(&frame).await.unwrap();
        let closed = tokio::time::timeout(PATIENCE, connection.closed()).await.unwrap();
        assert!(matches!(closed, quinn::ConnectionError::ApplicationClosed(_)), "{closed}");
    }
    place(&mut cluster).await;
    let (_, after) = cluster.replicas[0].status();
    assert!(after.refused_messages >= before.refused_messages + 4, "{after:?}");
}

#[tokio::test]
async fn a_launcher_that_talks_nonsense_to_a_running_node_ends_it_with_a_sentence() {
    let mut cluster = Cluster::start(1);
    cluster.replicas[0].say_bytes(b"\x05\x00\x00\x00hello");
    assert_eq!(cluster.replicas[0].wait().code(), Some(2));
    let words = cluster.replicas[0].last_words();
    assert!(words.contains("the launcher sent an invalid command"), "{words}");
}
