//! Steps 11 and 12 through their links, to real stand-ins. Cluster time stands still and is set forward by the scene; the
//! services answer in real time, so these scenes wait for events.

use super::*;
use crate::control::{LinkSetting, Misbehaviour, ServiceAddress, StandInKey};
use crate::stand_in;
use protocol::message::Step;
use protocol::postcode::{Postcode, PostcodeService, Verdict};
use protocol::trace::{Denial, LinkRule, Loss, MessageAct};

const FIRST: NodeId = NodeId(11);
const SECOND_SERVICE: NodeId = NodeId(12);
const PATIENCE: Duration = Duration::from_secs(20);

async fn scene() -> Scene {
    scene_that_knows(None).await
}

/// … and remembers verdicts, if it knows one.
async fn scene_that_knows(known: Option<(Postcode, Verdict)>) -> Scene {
    let key = StandInKey::random().unwrap();
    let mut services = Vec::new();
    for (id, service) in [(FIRST, PostcodeService::PostcodesIo), (SECOND_SERVICE, PostcodeService::GetTheData)] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        services.push(ServiceAddress { service, id, base_url, key: Some(key.clone()) });
        let key = key.clone();
        let (behaviour, watched) = tokio::sync::watch::channel(Misbehaviour::None);
        tokio::spawn(async move {
            let _keep = behaviour;
            stand_in::serve(service, key, listener, watched).await
        });
    }
    let mut scene = Scene::new(Probe::default(), Rate::STOPPED);
    let mut services = PostcodeServices::new(services, known.is_some()).unwrap();
    if let Some((postcode, verdict)) = known {
        services.remember(postcode, &verdict);
    }
    scene.host.inquirer = Some(Inquirer::new(services));
    scene.host.retime(Settings { hop: Span::millis(10), ..Settings::default() });
    scene.host.round().unwrap();
    scene.facts();
    scene
}

fn link(scene: &mut Scene, (from, to): (NodeId, NodeId), rule: LinkRule) {
    scene.host.set_link(LinkSetting { from, to, rule });
    scene.host.round().unwrap();
}

/// The machine wants to know of a postcode; the question's name.
fn ask(scene: &mut Scene) -> MessageId {
    let ask = Ask::Order { postcode: "DH1 3LE".parse().unwrap(), items: Vec::new() };
    scene.host.give(ME, Input::Wanted { wish: Wish::Ask(ask), traced: true });
    scene.host.round().unwrap();
    MessageId { from: ME, number: scene.host.actors[0].as_ref().unwrap().sent }
}

fn verdict(scene: &Scene) -> Option<Verdict> {
    scene.probe().heard.iter().find_map(|input| match input {
        Input::PostcodeChecked { verdict, .. } => Some(verdict.clone()),
        _ => None,
    })
}

/// Goes on in real time until there is something in the links.
async fn until_in_links(scene: &mut Scene) {
    tokio::time::timeout(PATIENCE, async {
        while scene.host.in_links() == 0 {
            scene.host.ready().await;
            scene.host.round().unwrap();
        }
    })
    .await
    .expect("the service should answer");
}

/// Steps that were sent, and steps that were delivered.
fn steps(facts: &[TraceEvent]) -> (Vec<Option<Step>>, usize) {
    let sent = facts.iter().filter_map(|fact| match fact {
        TraceEvent::Node(NodeEvent::Sent { facts, .. }) => Some(facts.step),
        _ => None,
    });
    (sent.collect(), facts.iter().filter(|fact| matches!(fact, TraceEvent::Node(NodeEvent::Delivered { .. }))).count())
}

fn by(verdict: Option<Verdict>) -> Option<PostcodeService> {
    match verdict {
        Some(Verdict::Valid { by, .. } | Verdict::Invalid { by, .. }) => Some(by),
        Some(Verdict::NobodyAnswers) | None => None,
    }
}

#[tokio::test]
async fn the_question_takes_its_hop_and_the_verdict_takes_another() {
    let mut scene = scene().await;
    let question = ask(&mut scene);
    assert_eq!(steps(&scene.facts()), (vec![Some(Step(11))], 0));
    scene.set_forward(10_000);
    until_in_links(&mut scene).await;
    let facts = scene.facts();
    assert_eq!(steps(&facts), (vec![Some(Step(12))], 1), "{facts:?}");
    assert_eq!(verdict(&scene), None, "it is on its way back");
    scene.set_forward(10_000);
    let facts = scene.facts();
    let arrived = MessageId { from: FIRST, number: question.number };
    assert!(facts.contains(&TraceEvent::Node(NodeEvent::Delivered { message: arrived, refused: None })), "{facts:?}");
    assert_eq!(by(verdict(&scene)), Some(PostcodeService::PostcodesIo));
}

#[tokio::test]
async fn a_service_whose_link_is_cut_gives_no_answer_and_the_next_is_asked() {
    for cut in [(ME, FIRST), (FIRST, ME)] {
        let mut scene = scene().await;
        link(&mut scene, cut, LinkRule::CUT);
        ask(&mut scene);
        scene.set_forward(10_000);
        until_in_links(&mut scene).await;
        scene.set_forward(10_000);
        if verdict(&scene).is_none() {
            until_in_links(&mut scene).await;
            scene.set_forward(10_000);
        }
        assert_eq!(by(verdict(&scene)), Some(PostcodeService::GetTheData), "{cut:?}");
        let facts = scene.facts();
        let why = |fact: &TraceEvent| matches!(fact, TraceEvent::Node(NodeEvent::Lost { why: Loss::Cut, .. }));
        assert_eq!(facts.iter().filter(|fact| why(fact)).count(), 1, "{facts:?}");
    }
}

#[tokio::test]
async fn nobody_answers_when_both_links_are_cut() {
    let mut scene = scene().await;
    link(&mut scene, (ME, FIRST), LinkRule::CUT);
    link(&mut scene, (ME, SECOND_SERVICE), LinkRule::CUT);
    ask(&mut scene);
    assert_eq!(verdict(&scene), Some(Verdict::NobodyAnswers));
}

#[tokio::test]
async fn a_held_question_is_not_asked_and_a_dropped_one_never() {
    let mut scene = scene().await;
    let question = ask(&mut scene);
    scene.host.act_on(question, FIRST, MessageAct::Hold).unwrap();
    scene.set_forward(600 * SECOND);
    assert_eq!((scene.host.in_links(), verdict(&scene)), (1, None));
    let refused = scene.host.act_on(question, FIRST, MessageAct::Duplicate).unwrap_err();
    assert_eq!(refused, Denial::QuestionsAreNotDoubled);
    scene.host.act_on(question, FIRST, MessageAct::Drop).unwrap();
    let facts = scene.facts();
    assert_eq!(steps(&facts), (vec![Some(Step(11)), Some(Step(11))], 0), "the other one is asked: {facts:?}");
    let next = MessageId { from: ME, number: question.number + 1 };
    scene.host.act_on(next, SECOND_SERVICE, MessageAct::LetPast).unwrap();
    until_in_links(&mut scene).await;
    let verdict_on_its_way = MessageId { from: SECOND_SERVICE, ..next };
    scene.host.act_on(verdict_on_its_way, ME, MessageAct::LetPast).unwrap();
    scene.host.round().unwrap();
    assert_eq!(by(verdict(&scene)), Some(PostcodeService::GetTheData));
}

/// Wants to know of a postcode.
fn want(scene: &mut Scene, postcode: &str) {
    let ask = Ask::Order { postcode: postcode.parse().unwrap(), items: Vec::new() };
    scene.host.give(ME, Input::Wanted { wish: Wish::Ask(ask), traced: false });
    scene.host.round().unwrap();
}

/// Needs the oldest check no more.
fn end(scene: &mut Scene) {
    scene.host.give(ME, Input::Wanted { wish: Wish::GiveUp, traced: false });
    scene.host.round().unwrap();
}

fn verdicts(scene: &Scene) -> Vec<RequestId> {
    let checked = |input: &Input| match input {
        Input::PostcodeChecked { request, .. } => Some(*request),
        _ => None,
    };
    scene.probe().heard.iter().filter_map(checked).collect()
}

#[tokio::test]
async fn what_is_remembered_waits_for_no_turn_and_what_nobody_needs_takes_none() {
    let exists = Verdict::Valid { place: None, by: PostcodeService::PostcodesIo };
    let mut scene = scene_that_knows(Some(("DH1 3LE".parse().unwrap(), exists))).await;
    link(&mut scene, (ME, FIRST), LinkRule { hold: true, ..LinkRule::default() });
    for _ in 0..350 {
        want(&mut scene, "M1 1AE");
    }
    assert_eq!((scene.host.in_links(), verdicts(&scene)), (32, Vec::new()), "the others wait for their turns");
    want(&mut scene, "DH1 3LE");
    assert_eq!(verdicts(&scene), [check(350)]);
    // Another one takes its turn, beside the question that is held for nobody.
    for place in 1..=33 {
        end(&mut scene);
        assert_eq!(scene.host.in_links(), 32 + place, "its place is free at once");
    }
    // Let go, what nobody needs is not asked; the others are, and answer for all that wait for the same postcode.
    link(&mut scene, (ME, FIRST), LinkRule::default());
    scene.set_forward(10_000);
    tokio::time::timeout(PATIENCE, async {
        while verdicts(&scene).len() < 350 - 33 + 1 {
            scene.host.ready().await;
            scene.host.round().unwrap();
            scene.set_forward(10_000);
        }
    })
    .await
    .expect("all should be answered");
    assert!(verdicts(&scene).iter().all(|request| request.number.0 >= 33));
    assert_eq!(scene.host.in_links(), 0);
    (0..33).for_each(|_| want(&mut scene, "M1 1AF"));
    assert_eq!(scene.host.in_links(), 32, "every turn is there again");
}

#[tokio::test]
async fn a_question_that_nobody_needs_any_more_is_lost_in_its_link() {
    let mut scene = scene().await;
    let question = ask(&mut scene);
    end(&mut scene);
    scene.facts();
    scene.set_forward(10_000);
    let why = Loss::NotNeeded;
    assert!(scene.facts().contains(&TraceEvent::Node(NodeEvent::Lost { message: question, to: FIRST, why })));
    assert_eq!(scene.host.in_links(), 0);
}
