//! Real processes: orders survive what happens to them, and a node ends as it should. Few, because each costs seconds.

#![expect(clippy::unwrap_used, reason = "a step that fails fails its test")]

mod cluster;
#[path = "processes/failpoints.rs"]
mod failpoints;
#[path = "processes/steering.rs"]
mod steering;

use cluster::{Cluster, Process};
use node::control::{ControlCommand, Duty, NodeReport, RecordPlace};
use protocol::ids::Span;
use protocol::message::{Answer, Ask};
use protocol::order_book::Outcome;
use protocol::trace::{NodeEvent, TraceEvent};

fn order(dish: &str) -> Ask {
    Ask::Order { postcode: "DH1 3LE".parse().unwrap(), items: vec![dish.into()] }
}

fn dish() -> &'static str {
    protocol::menu::menu()[0].name
}

async fn place(cluster: &mut Cluster) {
    let answer = cluster.ask(order(dish())).await;
    assert!(matches!(answer, Answer::Outcome(Outcome::Placed { .. })), "{answer:?}");
}

#[tokio::test]
async fn orders_survive_the_primary_the_front_end_and_the_name_server() {
    let mut cluster = Cluster::start(3);
    place(&mut cluster).await;
    let primary = cluster.wait_until_all_are_members();
    place(&mut cluster).await;

    cluster.replicas.remove(primary).kill();
    place(&mut cluster).await;
    cluster.restart_front_end();
    place(&mut cluster).await;
    cluster.restart_name_server();
    place(&mut cluster).await;
    let primary = cluster.wait_until_all_are_members();
    cluster.replicas.remove(primary).kill();
    place(&mut cluster).await;

    let history = cluster.ask(Ask::History { postcode: "DH1 3LE".parse().unwrap(), page: 0 }).await;
    let Answer::History(page) = history else { panic!("{history:?}") };
    let mine = page.orders.iter().filter(|order| order.items == [dish()]);
    assert!(mine.count() >= 6, "{page:?}");
}

#[tokio::test]
async fn a_replica_that_comes_later_receives_everything() {
    let mut cluster = Cluster::start(1);
    place(&mut cluster).await;
    cluster.add_replica(2);
    cluster.wait_until_all_are_members();
    place(&mut cluster).await;
    // The answer to an order is given when both hold it.
    let states: Vec<_> = cluster.replicas.iter_mut().map(Process::replica_state).collect();
    assert_eq!(states[0].position, states[1].position);
    assert_eq!(states[0].digest, states[1].digest);
    cluster.replicas[1].command(&ControlCommand::ShowOrders { from: Some("DH1 3LE".parse().unwrap()) });
    let NodeReport::Orders { histories, .. } = cluster.replicas[1].next_report() else {
        panic!("orders were asked for")
    };
    assert_eq!(histories[0].postcode.as_str(), "DH1 3LE");
    assert!(histories[0].newest.len() >= 2);
}

#[cfg(unix)]
#[tokio::test]
async fn a_frozen_primary_is_replaced_and_joins_again_when_it_wakes() {
    let mut cluster = Cluster::start(3);
    place(&mut cluster).await;
    let primary = cluster.wait_until_all_are_members();
    cluster.replicas[primary].freeze();
    place(&mut cluster).await;
    cluster.replicas[primary].wake();
    assert_ne!(cluster.wait_until_all_are_members(), primary);
    place(&mut cluster).await;
}

#[tokio::test]
async fn slowed_links_delay_an_order_and_accuse_nobody() {
    let mut cluster = Cluster::start(2);
    place(&mut cluster).await;
    let primary = cluster.wait_until_all_are_members();
    let view = cluster.replicas[primary].replica_state().view;
    let hop = Span::millis(100);
    cluster.slow_down(hop);
    let begun = std::time::Instant::now();
    place(&mut cluster).await;
    // [9] [10] [5] [6] [13] [14]; the verdict is remembered.
    assert!(begun.elapsed().as_micros() >= u128::from(hop.times(6).0), "{:?}", begun.elapsed());
    assert_eq!(cluster.replicas[primary].replica_state().view, view);
}

#[tokio::test]
async fn an_observer_sees_an_order_pass_step_by_step() {
    let mut cluster = Cluster::start(2);
    place(&mut cluster).await;
    let primary = cluster.wait_until_all_are_members();
    cluster.replicas[primary].command(&ControlCommand::Observe(true));
    // Once it answers it has heard that, too.
    cluster.replicas[primary].replica_state();
    let elsewhere = Ask::Order { postcode: "NE1 7RU".parse().unwrap(), items: vec![dish().into()] };
    cluster.ask(elsewhere).await;
    let mut steps = Vec::new();
    while !steps.contains(&13) {
        let NodeReport::Trace { records, dropped } = cluster.replicas[primary].next_report() else { continue };
        assert_eq!(dropped, 0);
        for record in records {
            if let TraceEvent::Node(NodeEvent::Sent { facts, .. }) = record.event {
                steps.extend(facts.step.map(|step| step.0));
            }
        }
    }
    assert_eq!(steps, [11, 12, 5, 13]);
}

#[tokio::test]
async fn a_second_name_server_on_the_same_journal_says_so() {
    let mut cluster = Cluster::start(0);
    let duty = Duty::NameServer { keeps: RecordPlace::Journal(cluster.journal().into()) };
    let config = cluster.config("name-server", duty);
    let mut second = Process::start("name-server");
    second.configure(&config);
    let NodeReport::Failed { why } = second.next_report() else { panic!("it should have failed") };
    assert!(why.contains("Another name server is using the journal"), "{why}");
    assert_eq!(second.wait().code(), Some(2));
    assert!(second.last_words().contains("Another name server"));
}

#[tokio::test]
async fn a_node_ends_when_its_launcher_closes_the_pipe() {
    let mut cluster = Cluster::start(1);
    let mut ended = [&mut cluster.name_server, &mut cluster.front_end, &mut cluster.replicas[0]];
    for process in &mut ended {
        process.close_input();
        assert_eq!(process.wait().code(), Some(0));
        assert_eq!(process.last_words(), "");
    }
}

#[test]
fn a_node_that_is_told_nonsense_says_so() {
    let mut told_text = Process::start("replica");
    told_text.say_bytes(b"\x05\x00\x00\x00hello");
    assert_eq!(told_text.wait().code(), Some(2));
    assert!(told_text.last_words().contains("is not a valid configuration of a node"));

    let mut told_nothing = Process::start("replica");
    told_nothing.close_input();
    assert_eq!(told_nothing.wait().code(), Some(2));
    assert!(told_nothing.last_words().contains("ended before the configuration"));
}

#[tokio::test]
async fn command_line_and_configuration_must_agree() {
    let mut cluster = Cluster::start(0);
    let config = cluster.config("front-end", Duty::FrontEnd);
    let mut replica = Process::start("replica");
    replica.configure(&config);
    assert_eq!(replica.wait().code(), Some(2));
    let words = replica.last_words();
    assert!(words.contains("names the role replica") && words.contains("names front-end"), "{words}");
}
