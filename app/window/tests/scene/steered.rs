//! The same moment, steered: time stands still, messages are held, links are cut and slowed, a node is frozen, another mined.

use protocol::ids::{MessageId, NodeId, OrderNumber, Span};
use protocol::machine::Timer;
use protocol::message::{FieldValue, Step, Summary};
use protocol::plant::Plant;
use protocol::trace::{
    Blast, Bomb, Failpoint, Freezing, LauncherEvent, LinkRule, MessageFacts, NodeEvent, Rate, Refusal, Stay, TraceEvent,
};

use super::{FRONT_END, NAME_SERVER, NOW, Scene, customer, order_on_its_way, replica, update};

/// Time stands still, this and that is held, cut, frozen and mined, and perhaps a bug is injected.
pub fn steered(plant: Option<Plant>) -> Scene {
    let mut scene = order_on_its_way();
    let s = &mut scene;
    held(s, 1, replica(2), replica(3), 5, update(42));
    held(s, 2, replica(2), replica(3), 5, update(43));
    held(s, 3, FRONT_END, customer(4).0, 14, Summary::Placed(OrderNumber(17)));
    refused(s);
    link(s, "front-end", "replica-3", LinkRule::CUT);
    link(s, "replica-3", "front-end", LinkRule::CUT);
    link(s, "name-server", "replica-2", LinkRule::CUT);
    let slow = LinkRule { delay: Span::millis(200), jitter: Span::millis(50), ..LinkRule::default() };
    link(s, "front-end", "replica-2", slow);
    link(s, "replica-2", "front-end", slow);
    link(s, "Alan", "front-end", LinkRule { loss: 100, ..LinkRule::default() });
    link(s, "replica-2", "replica-4", LinkRule { hold: true, ..LinkRule::default() });
    s.fact(replica(3), NOW - 3_000, NodeEvent::Froze { how: Freezing::Cooperative });
    let bomb = Bomb { at: Failpoint::PrimaryAllAcked, blast: Blast::Crash };
    s.fact(replica(2), NOW - 3_000, LauncherEvent::BombIs { bomb: Some(bomb) });
    let freeze = Bomb { at: Failpoint::FrontEndBeforeForward, blast: Blast::Freeze { wakes_after: None } };
    s.fact(FRONT_END, NOW - 3_000, LauncherEvent::BombIs { bomb: Some(freeze) });
    s.fact(NAME_SERVER, NOW - 9_000_000, LauncherEvent::ClockIs { rate: Rate(10_000), until: None });
    s.fact(NAME_SERVER, NOW - 9_000_000, LauncherEvent::HopIs { hop: 10_000 });
    timers(s, NOW - 400_000, 700_000);
    timers(s, NOW - 300_000, 0);
    s.fact(NAME_SERVER, NOW - 1, LauncherEvent::ClockIs { rate: Rate::STOPPED, until: None });
    s.fact(NAME_SERVER, NOW - 1, LauncherEvent::PlantIs { plant });
    scene
}

/// A message that is held from the beginning, by number from 900 on.
fn held(scene: &mut Scene, number: u64, from: NodeId, to: NodeId, step: u8, summary: Summary) {
    let message = MessageId { from, number: 900 + number };
    let primary = FieldValue::Nodes { first: vec![replica(2)], more: 0 };
    let fields = vec![("view".into(), 3.into()), ("primary".into(), primary)];
    let facts = MessageFacts { step: Some(Step(step)), summary, request: None, fields, delay: 1_000_000, held: true };
    scene.fact(from, NOW - 600_000, NodeEvent::Sent { message, to, facts });
    scene.fact(from, NOW - 600_000, NodeEvent::Stays { message, to, stay: Stay::Held });
}

/// An update of the old primary that comes too late.
fn refused(scene: &mut Scene) {
    let facts = MessageFacts {
        step: Some(Step(5)),
        summary: update(40),
        request: None,
        fields: vec![("view".into(), 2.into())],
        delay: 10_000,
        held: false,
    };
    let (message, to) = (MessageId { from: replica(1), number: 950 }, replica(3));
    scene.fact(replica(1), 3_990_000, NodeEvent::Sent { message, to, facts });
    let why = Refusal::ViewIsOver { theirs: protocol::ids::ViewNumber(2), ours: protocol::ids::ViewNumber(3) };
    scene.fact(to, 4_270_000, NodeEvent::Delivered { message, refused: Some(why) });
}

fn link(scene: &mut Scene, from: &str, to: &str, rule: LinkRule) {
    let event = TraceEvent::Launcher(LauncherEvent::LinkIs { from: from.into(), to: to.into(), rule });
    scene.fact(NAME_SERVER, NOW - 5_000, event);
}

fn timers(scene: &mut Scene, at: u64, later: u64) {
    let ring = |by: u64| NOW + by + later;
    let front_end = vec![
        (Timer::Heartbeat, ring(20_000)),
        (Timer::Silence(replica(2)), ring(150_000)),
        (Timer::Silence(replica(3)), ring(40_000)),
        (Timer::ForwardAgain, ring(600_000)),
    ];
    scene.fact(FRONT_END, at, NodeEvent::Timers { armed: front_end });
    scene.fact(replica(2), at, NodeEvent::Timers { armed: vec![(Timer::FrontEndSilence, ring(250_000))] });
    scene.fact(customer(2).0, at, NodeEvent::Timers { armed: vec![(Timer::RetryRequest, ring(900_000))] });
}
