//! Messages in links as an observer sees them, and what a person does to them.

use super::*;
use crate::control::LinkSetting;
use protocol::trace::{Denial, LinkRule, Loss, MessageAct, MessageFacts, Stay};

fn slowed() -> Scene {
    let mut scene = Scene::new(Probe::default(), Rate::STOPPED);
    scene.host.retime(Settings { hop: Span::millis(10), ..Settings::default() });
    scene.host.round().unwrap();
    scene.facts();
    scene
}

fn rule(scene: &mut Scene, rule: LinkRule) {
    scene.host.set_link(LinkSetting { from: ME, to: PEER, rule });
}

/// All sendings, stays, deliveries and losses, in their order.
fn ways(scene: &mut Scene) -> Vec<TraceEvent> {
    let facts = scene.facts().into_iter();
    let is_way = |fact: &TraceEvent| {
        matches!(
            fact,
            TraceEvent::Node(
                NodeEvent::Sent { .. } | NodeEvent::Stays { .. } | NodeEvent::Delivered { .. } | NodeEvent::Lost { .. }
            )
        )
    };
    facts.filter(is_way).collect()
}

fn only_sent(scene: &mut Scene) -> MessageFacts {
    match &ways(scene)[..] {
        [TraceEvent::Node(NodeEvent::Sent { facts, .. })] => facts.clone(),
        other => panic!("{other:?}"),
    }
}

fn lost(message: MessageId, why: Loss) -> TraceEvent {
    TraceEvent::Node(NodeEvent::Lost { message, to: PEER, why })
}

#[tokio::test(start_paused = true)]
async fn a_sending_tells_how_long_it_stays() {
    let mut scene = slowed();
    scene.send(true);
    let facts = only_sent(&mut scene);
    assert_eq!((facts.delay, facts.held), (10_000, false));
    rule(&mut scene, LinkRule { delay: Span::millis(5), ..LinkRule::default() });
    scene.send(true);
    assert_eq!(only_sent(&mut scene).delay, 15_000);
    rule(&mut scene, LinkRule { hold: true, ..LinkRule::default() });
    scene.send(true);
    let facts = only_sent(&mut scene);
    assert_eq!((facts.delay, facts.held), (10_000, true));
    assert_eq!(scene.host.in_links(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_message_keeps_its_way_when_the_rate_changes() {
    let mut scene = slowed();
    scene.send(true);
    let at = scene.host.clock().now();
    scene.host.set_clock(at, SLOW, None);
    scene.live(Duration::from_millis(500)).await;
    assert_eq!(scene.host.in_links(), 1, "half of its second is over");
    scene.host.set_clock(at + 5_000, Rate::SLOWEST, None);
    scene.live(Duration::from_millis(4_900)).await;
    assert_eq!(scene.host.in_links(), 1);
    scene.live(Duration::from_millis(200)).await;
    assert_eq!(scene.host.in_links(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_cut_loses_what_is_in_the_link_and_what_enters_and_says_so() {
    let mut scene = slowed();
    let (first, quiet) = (scene.send(true), scene.send(false));
    assert_ne!(first, quiet);
    scene.facts();
    rule(&mut scene, LinkRule::CUT);
    assert_eq!(ways(&mut scene), [lost(first, Loss::Cut)], "the untraced one is lost silently");
    let second = scene.send(true);
    assert_eq!(ways(&mut scene)[1..], [lost(second, Loss::Cut)]);
    rule(&mut scene, LinkRule { loss: 1000, ..LinkRule::default() });
    let third = scene.send(true);
    assert_eq!(ways(&mut scene)[1..], [lost(third, Loss::Chance)]);
    rule(&mut scene, LinkRule::default());
    scene.send(true);
    assert_eq!((only_sent(&mut scene).delay, scene.host.in_links()), (10_000, 1));
}

#[tokio::test(start_paused = true)]
async fn a_doubled_message_has_a_copy_with_a_number_of_its_own() {
    let mut scene = slowed();
    rule(&mut scene, LinkRule { doubling: 1000, ..LinkRule::default() });
    let copy = scene.send(true);
    let [
        TraceEvent::Node(NodeEvent::Sent { message: first, facts, .. }),
        TraceEvent::Node(NodeEvent::Sent { message: second, facts: copied, .. }),
    ] = &ways(&mut scene)[..]
    else {
        panic!("two should have been sent")
    };
    assert_eq!((first.number + 1, *second), (second.number, copy));
    assert_eq!(copied.summary, Summary::CopyOf(Box::new(facts.summary.clone())));
    rule(&mut scene, LinkRule::default());
    scene.facts();
    scene.host.act_on(*first, PEER, MessageAct::Duplicate).unwrap();
    assert!(matches!(only_sent(&mut scene).summary, Summary::CopyOf(_)));
    assert_eq!(scene.host.in_links(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_a_person_does_to_a_message_is_told() {
    let mut scene = slowed();
    let (first, second) = (scene.send(true), scene.send(true));
    let entered = scene.host.clock().now();
    scene.facts();
    let stays = |message, stay| TraceEvent::Node(NodeEvent::Stays { message, to: PEER, stay });
    scene.host.act_on(first, PEER, MessageAct::Hold).unwrap();
    assert_eq!(ways(&mut scene), [stays(first, Stay::Held)]);
    scene.set_forward(10_000);
    assert_eq!(scene.host.in_links(), 1, "the second has left");
    scene.host.act_on(first, PEER, MessageAct::LetGo).unwrap();
    assert_eq!(ways(&mut scene), [stays(first, Stay::Until(entered + 20_000))]);
    scene.host.act_on(first, PEER, MessageAct::Delay(Span(7))).unwrap();
    assert_eq!(ways(&mut scene), [stays(first, Stay::Until(entered + 20_007))]);
    scene.host.act_on(first, PEER, MessageAct::LetPast).unwrap();
    assert_eq!(ways(&mut scene), [stays(first, Stay::Until(entered + 10_000))]);
    let gone = scene.host.act_on(second, PEER, MessageAct::Hold).unwrap_err();
    assert_eq!(gone, Denial::MessageLeft);
    let third = scene.send(true);
    scene.facts();
    scene.host.act_on(third, PEER, MessageAct::Drop).unwrap();
    assert_eq!(ways(&mut scene), [lost(third, Loss::Dropped)]);
    assert_eq!(scene.host.in_links(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_tells_why_it_was_refused() {
    let mut scene = slowed();
    let message = |number| MessageId { from: PEER, number };
    scene.deliver(7, true, Message::ReadRecord);
    scene.deliver(8, true, Message::NotPrimary { id: RequestId::default(), view: Default::default() });
    scene.deliver(9, false, Message::ReadRecord);
    let refused = Some(protocol::trace::Refusal::NotPrimary);
    let delivered = |number, refused| TraceEvent::Node(NodeEvent::Delivered { message: message(number), refused });
    assert_eq!(ways(&mut scene), [delivered(7, None), delivered(8, refused)]);
}

#[tokio::test(start_paused = true)]
async fn heartbeats_are_shown_one_by_one_when_somebody_asks() {
    let mut scene = slowed();
    scene.send(false);
    assert!(ways(&mut scene).is_empty());
    scene.host.observe_heartbeats(true);
    let shown = scene.send(false);
    scene.deliver(9, false, Message::ReadRecord);
    rule(&mut scene, LinkRule::CUT);
    let facts = ways(&mut scene);
    assert!(matches!(facts[0], TraceEvent::Node(NodeEvent::Sent { message, .. }) if message == shown), "{facts:?}");
    assert!(matches!(facts[1], TraceEvent::Node(NodeEvent::Delivered { .. })));
    scene.host.observe_heartbeats(false);
    scene.send(false);
    assert!(ways(&mut scene).is_empty());
}
