//! One scene for each thing a link can do, in virtual time: the scene says what time it is.

use super::*;
use protocol::ids::{Contact, Fingerprint, OpNumber, Position, RequestId, Role, Span, View, ViewNumber};
use protocol::message::{Envelope, Message, SnapshotPart};
use protocol::order_book::Piece;
use protocol::trace::MessageAct;

const ME: NodeId = NodeId(1);
const PEER: NodeId = NodeId(2);
const OTHER: NodeId = NodeId(3);
const WAY: Way = (ME, PEER);

fn envelope(to: NodeId, number: u64, message: Message) -> Envelope {
    Envelope { from: ME, number, to, traced: true, message }
}

fn lookup() -> Message {
    Message::Lookup { role: Role::FrontEnd }
}

fn heartbeat() -> Message {
    Message::ViewIs { view: View::default(), joiners: Vec::new(), contacts: Vec::new(), patience: Span(0) }
}

fn rule(change: impl FnOnce(&mut LinkRule)) -> LinkRule {
    let mut rule = LinkRule::default();
    change(&mut rule);
    rule
}

fn id(number: u64) -> MessageId {
    MessageId { from: ME, number }
}

/// Links with a clock in the scene's hand.
#[derive(Default)]
struct Scene {
    links: Links,
    now: u64,
    passed: Vec<u64>,
}

impl Scene {
    fn with(rule: LinkRule) -> Self {
        let mut scene = Self::default();
        scene.links.set_rule(WAY, rule, 0);
        scene
    }

    /// A message enters; returns its fate.
    fn send_to(&mut self, to: NodeId, number: u64, message: Message) -> Fate {
        let envelope = envelope(to, number, message);
        let control = envelope.message.is_control(true);
        let fate = self.links.fate((ME, to), control, self.now);
        if let Fate::Stays { left, held } = fate {
            let to = Contact { id: to, address: ([127, 0, 0, 1], 1).into() };
            self.links.keep(Passing::Message { to, envelope }, left, held, self.now);
        }
        fate
    }

    fn send(&mut self, number: u64) -> Fate {
        self.send_to(PEER, number, lookup())
    }

    /// What leaves the links until then.
    fn until(&mut self, now: u64) -> Vec<u64> {
        self.now = now;
        self.passed.clear();
        while let Some(passing) = self.links.take_due(now) {
            self.passed.push(passing.id().number);
        }
        self.passed.clone()
    }

    fn act(&mut self, number: u64, act: MessageAct) -> Option<Acted> {
        self.links.act(id(number), PEER, act, self.now)
    }

    fn set(&mut self, rule: LinkRule) -> (Vec<Changed>, Vec<u64>) {
        let (changed, lost) = self.links.set_rule(WAY, rule, self.now);
        (changed, lost.iter().map(|passing| passing.id().number).collect())
    }

    /// Nothing is kept or remembered.
    fn assert_at_rest(&self) {
        assert!(self.links.are_at_rest(), "{:?}", self.links);
        assert_eq!((self.links.kept(), self.links.bytes, self.links.next()), (0, 0, None));
        assert!(self.links.last.is_empty());
    }
}

fn stays(stay: Stay) -> Option<Acted> {
    Some(Acted::Stays { stay, traced: true })
}

fn goes(number: u64, at: u64) -> Changed {
    Changed { message: id(number), to: PEER, traced: true, stay: Stay::Until(at) }
}

#[test]
fn links_at_rest_keep_nothing() {
    let mut scene = Scene::default();
    assert_eq!(scene.send(1), Fate::Passes);
    scene.assert_at_rest();
}

#[test]
fn slowed_messages_stay_one_hop_and_control_messages_none() {
    let mut scene = Scene::default();
    scene.links.set_hop(Span(100));
    scene.now = 50;
    assert_eq!(scene.send(1), Fate::Stays { left: 100, held: false });
    assert_eq!(scene.send_to(PEER, 2, heartbeat()), Fate::Passes);
    assert_eq!(scene.links.next(), Some(150));
    assert!(scene.until(149).is_empty());
    assert_eq!(scene.until(150), [1]);
}

#[test]
fn nothing_overtakes_when_the_hop_gets_shorter() {
    let mut scene = Scene::default();
    scene.links.set_hop(Span(100));
    scene.send(1);
    scene.links.set_hop(Span(0));
    scene.now = 10;
    assert_eq!(scene.send(2), Fate::Stays { left: 90, held: false }, "to the same peer: after the first");
    assert_eq!(scene.send_to(OTHER, 3, lookup()), Fate::Passes, "to another peer: at once");
    assert_eq!(scene.until(100), [1, 2]);
    let refused = Message::NotPrimary { id: RequestId::default(), view: ViewNumber(1) };
    assert_eq!(scene.send_to(PEER, 4, refused), Fate::Passes);
    scene.assert_at_rest();
}

#[test]
fn a_cut_link_loses_what_enters_and_what_is_in_it_and_is_whole_again_when_mended() {
    let mut scene = Scene::with(rule(|rule| rule.delay = Span(100)));
    scene.send(1);
    scene.send(2);
    scene.act(2, MessageAct::Hold);
    scene.links.set_rule((ME, OTHER), rule(|rule| rule.delay = Span(100)), 0);
    scene.send_to(OTHER, 3, lookup());
    assert_eq!(scene.set(LinkRule::CUT), (Vec::new(), vec![1, 2]));
    assert_eq!(scene.send(4), Fate::Lost(Loss::Cut));
    assert_eq!(scene.send_to(PEER, 5, heartbeat()), Fate::Lost(Loss::Cut), "heartbeats, too");
    assert_eq!(scene.until(100), [3], "other links go on");
    scene.set(LinkRule::default());
    scene.links.set_rule((ME, OTHER), LinkRule::default(), 100);
    assert_eq!(scene.send(6), Fate::Passes);
    scene.assert_at_rest();
}

#[test]
fn a_link_that_holds_lets_everything_go_in_order_when_it_is_mended() {
    let mut scene = Scene::with(rule(|rule| rule.hold = true));
    for number in 1..=3 {
        assert_eq!(scene.send(number), Fate::Stays { left: 0, held: true });
    }
    assert_eq!(scene.send_to(PEER, 9, heartbeat()), Fate::Passes, "heartbeats pass (PROTOCOL section 7)");
    assert!(scene.until(1_000_000_000).is_empty());
    assert_eq!(scene.links.next(), None, "what is held costs no wake-up");
    let (changed, lost) = scene.set(LinkRule::default());
    let now = scene.now;
    assert_eq!((changed, lost), (vec![goes(1, now), goes(2, now), goes(3, now)], vec![]));
    assert_eq!(scene.until(now), [1, 2, 3]);
    scene.assert_at_rest();
}

#[test]
fn what_a_link_holds_takes_its_hop_once_it_is_let_go() {
    let mut scene = Scene::with(rule(|rule| (rule.hold, rule.delay) = (true, Span(70))));
    scene.links.set_hop(Span(30));
    assert_eq!(scene.send(1), Fate::Stays { left: 100, held: true });
    scene.until(5_000);
    assert_eq!(scene.act(1, MessageAct::LetGo), stays(Stay::Until(5_100)));
    assert!(scene.until(5_099).is_empty());
    assert_eq!(scene.until(5_100), [1]);
}

#[test]
fn a_delayed_link_keeps_the_order_and_is_quick_again_when_mended() {
    let mut scene = Scene::with(rule(|rule| rule.delay = Span(1_000_000)));
    scene.links.set_hop(Span(10));
    assert_eq!(scene.send(1), Fate::Stays { left: 1_000_010, held: false });
    scene.now = 20;
    scene.send(2);
    let (changed, _) = scene.set(LinkRule::default());
    assert_eq!(changed, [goes(1, 30), goes(2, 30)]);
    assert_eq!(scene.send(3), Fate::Stays { left: 10, held: false });
    assert_eq!(scene.until(30), [1, 2, 3]);
}

#[test]
fn jitter_lets_messages_overtake_each_other_within_its_bounds() {
    let mut scene = Scene::with(rule(|rule| (rule.delay, rule.jitter) = (Span(50), Span(100))));
    scene.links.seed(7);
    for number in 1..=200 {
        let fate = scene.send(number);
        assert!(matches!(fate, Fate::Stays { left: 50..=150, held: false }), "{fate:?}");
    }
    assert!(scene.until(49).is_empty());
    let arrived = scene.until(150);
    assert_eq!(arrived.len(), 200);
    assert!(!arrived.is_sorted(), "some overtook");
}

#[test]
fn loss_and_doubling_strike_about_as_often_as_they_should() {
    let mut scene = Scene::with(rule(|rule| (rule.loss, rule.doubling) = (300, 100)));
    scene.links.seed(7);
    let lost = (0..10_000).filter(|number| scene.send(*number) == Fate::Lost(Loss::Chance)).count();
    let doubled = (0..10_000).filter(|_| scene.links.doubles(WAY)).count();
    assert!((2_700..3_300).contains(&lost) && (850..1_150).contains(&doubled), "{lost} {doubled}");
    let hurt = (0..1000).filter(|number| scene.send_to(PEER, *number, heartbeat()) != Fate::Passes).count();
    assert!(hurt > 200, "control messages are lost, too: {hurt}");
    assert!(!scene.links.doubles((PEER, ME)), "the way back is another link");
}

#[test]
fn a_held_message_is_passed_and_goes_on_for_as_long_as_was_left() {
    let mut scene = Scene::default();
    scene.links.set_hop(Span(100));
    scene.send(1);
    scene.send(2);
    scene.now = 40;
    assert_eq!(scene.act(1, MessageAct::Hold), stays(Stay::Held));
    assert_eq!(scene.act(1, MessageAct::Hold), Some(Acted::Nothing));
    assert_eq!(scene.until(1000), [2]);
    assert_eq!(scene.act(1, MessageAct::LetGo), stays(Stay::Until(1060)));
    assert_eq!(scene.act(1, MessageAct::LetGo), Some(Acted::Nothing));
    assert_eq!(scene.until(1060), [1]);
    assert_eq!(scene.act(1, MessageAct::Hold), None, "it is gone");
}

#[test]
fn let_past_leaves_before_all_others_even_when_held() {
    let mut scene = Scene::default();
    scene.links.set_hop(Span(100));
    scene.send(1);
    scene.send(2);
    scene.send(3);
    scene.act(3, MessageAct::Hold);
    for number in [2, 3] {
        let Some(Acted::Leaves(passing)) = scene.act(number, MessageAct::LetPast) else { panic!("{number}") };
        assert_eq!(passing.id(), id(number));
    }
    assert_eq!(scene.until(100), [1]);
    scene.links.set_hop(Span(0));
    scene.assert_at_rest();
}

#[test]
fn a_message_can_be_dropped_doubled_and_delayed() {
    let mut scene = Scene::default();
    scene.links.set_hop(Span(100));
    for number in 1..=4 {
        scene.send(number);
    }
    assert!(matches!(scene.act(1, MessageAct::Drop), Some(Acted::Dropped(_))));
    assert!(matches!(scene.act(2, MessageAct::Duplicate), Some(Acted::Doubles(_))));
    assert_eq!(scene.act(3, MessageAct::Delay(Span(50))), stays(Stay::Until(150)));
    scene.act(4, MessageAct::Hold);
    assert_eq!(scene.act(4, MessageAct::Delay(Span(50))), stays(Stay::Held));
    assert_eq!(scene.act(4, MessageAct::LetGo), stays(Stay::Until(150)));
    assert_eq!(scene.until(100), [2]);
    assert_eq!(scene.until(150), [3, 4]);
    assert_eq!(scene.links.act(id(2), OTHER, MessageAct::Drop, 0), None);
}

#[test]
fn what_is_in_the_links_is_bounded_in_number_and_in_bytes() {
    let mut scene = Scene::with(rule(|rule| rule.hold = true));
    let kept = (0..10_000).filter(|number| scene.send(*number) != Fate::Lost(Loss::LinksFull)).count();
    assert_eq!((kept, scene.links.kept()), (MOST_IN_LINKS, MOST_IN_LINKS));
    assert_eq!(scene.send_to(OTHER, 1, lookup()), Fate::Passes, "what need not be kept still passes");
    assert!(scene.links.overflow() && !scene.links.overflow(), "said once");
    assert_eq!(scene.set(LinkRule::CUT).1.len(), MOST_IN_LINKS);
    scene.set(LinkRule::default());
    scene.assert_at_rest();
    assert!(scene.links.overflow(), "news again");

    let mut scene = Scene::with(rule(|rule| rule.hold = true));
    let piece = Piece { orders: vec![0; 64 * 1024], ..Piece::default() };
    let at = Position { op: OpNumber(1), fingerprint: Fingerprint(1) };
    let part = SnapshotPart { view: View::default(), instead_of: None, at, piece, before: 0, all: 1 };
    let snapshot = |number| (number, Message::Snapshot(Box::new(part.clone())));
    let kept = (0..1000)
        .map(snapshot)
        .filter(|(number, part)| scene.send_to(PEER, *number, part.clone()) != Fate::Lost(Loss::LinksFull));
    assert!((400..=512).contains(&kept.count()));
    assert_eq!(scene.send(9), Fate::Lost(Loss::LinksFull));
}

#[test]
fn what_a_sender_leaves_in_its_links_is_taken_out_and_nothing_else() {
    let mut links = Links::default();
    links.set_hop(Span(100));
    links.set_rule((ME, OTHER), rule(|rule| rule.hold = true), 0);
    for (from, to, number) in [(ME, PEER, 1), (ME, OTHER, 2), (PEER, OTHER, 3)] {
        let envelope = Envelope { from, ..envelope(to, number, lookup()) };
        let contact = Contact { id: to, address: ([127, 0, 0, 1], 1).into() };
        let Fate::Stays { left, held } = links.fate((from, to), false, 0) else { panic!("it stays") };
        links.keep(Passing::Message { to: contact, envelope }, left, held, 0);
    }
    let taken: Vec<u64> = links.take_from(ME).iter().map(|passing| passing.id().number).collect();
    assert_eq!((taken, links.kept()), (vec![1, 2], 1));
    assert_eq!(links.take_due(100).map(|passing| passing.id().number), Some(3));
}
