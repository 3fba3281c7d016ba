//! The verdict answer by answer agrees with the judgement of the whole history, at every moment.

use protocol::ids::{OrderNumber, RequestNumber, Timestamp};
use protocol::order_book::{Order, OrderId};
use protocol::trace::{CrowdJudged, Ending};

use super::*;

const NOBODY: NodeId = NodeId(0);

fn postcode() -> Postcode {
    "M1 1AE".parse().unwrap()
}

fn request(customer: u64, number: u64) -> RequestId {
    RequestId { customer: CustomerId(u128::from(customer)), number: RequestNumber(number) }
}

/// Customers talk; each of them waits for its answer.
#[derive(Default)]
struct Story(Evidence);

impl Story {
    fn of(customers: u64) -> Self {
        let mut story = Self::default();
        for number in 1..=customers {
            let (customer, name) = (CustomerId(u128::from(number)), format!("C{number}"));
            let is =
                TraceEvent::Launcher(LauncherEvent::CustomerIs { customer, name, postcode: postcode(), place: (0, 0) });
            story.fact(NodeId(number), is);
        }
        story
    }

    fn fact(&mut self, node: NodeId, event: impl Into<TraceEvent>) {
        self.0.apply(&TraceRecord { node, at: 0, event: event.into() });
    }

    fn orders(&mut self, request: RequestId, dish: &str) {
        let ask = Ask::Order { postcode: postcode(), items: vec![dish.into()] };
        self.fact(NOBODY, NodeEvent::Asked { customer: request.customer, request, ask });
    }

    fn is_placed(&mut self, request: RequestId, number: u64) {
        let answer = Answer::Outcome(Outcome::Placed { number: OrderNumber(number) });
        self.fact(NOBODY, NodeEvent::Answered { request, answer, took: 1 });
    }

    fn is_refused(&mut self, request: RequestId) {
        let answer = Answer::Outcome(Outcome::NeverPlaced);
        self.fact(NOBODY, NodeEvent::Answered { request, answer, took: 1 });
    }

    fn asks(&mut self, request: RequestId, page: u32) {
        let ask = Ask::History { postcode: postcode(), page };
        self.fact(NOBODY, NodeEvent::Asked { customer: request.customer, request, ask });
    }

    fn sees(&mut self, request: RequestId, page: u32, total: u64, list: &[OrderId]) {
        let order = |id: &OrderId| Order { id: *id, number: None, items: vec!["x".into()], at: Timestamp(0) };
        let orders = list.iter().map(order).collect();
        let answer = Answer::History(HistoryPage { postcode: postcode(), page, total, orders });
        self.fact(NOBODY, NodeEvent::Answered { request, answer, took: 1 });
    }

    fn reads(&mut self, request: RequestId, list: &[OrderId]) {
        self.asks(request, 0);
        self.sees(request, 0, list.len() as u64, list);
    }

    fn lights(&self) -> Lights {
        self.0.judged().lights
    }
}

fn placed(request: RequestId) -> OrderId {
    OrderId::Placed(request)
}

#[test]
fn what_is_read_as_it_was_acknowledged_is_green() {
    let mut story = Story::of(2);
    let (first, second) = (request(1, 1), request(1, 2));
    let preset = OrderId::Preset(1);
    story.orders(first, "x");
    assert_eq!(story.lights().waiting, 1);
    story.is_placed(first, 1);
    story.reads(request(2, 1), &[preset, placed(first)]);
    story.orders(second, "x");
    story.reads(request(2, 2), &[preset, placed(first), placed(second)]);
    story.is_placed(second, 2);
    let lights = story.lights();
    assert!(lights.is_linearizable());
    assert_eq!((lights.acknowledged, lights.reads, lights.covered, lights.waiting), (2, 2, 1, 0));
}

#[test]
fn each_fault_lights_its_light_and_names_the_pair() {
    let order = request(1, 1);
    let acknowledged = || {
        let mut story = Story::of(3);
        story.orders(order, "x");
        story.is_placed(order, 1);
        story
    };
    let mut lost = acknowledged();
    lost.reads(request(2, 1), &[]);
    assert_eq!(lost.lights().contradictions.lost, 1);
    let [contradiction] = &lost.0.judged().contradictions[..] else { panic!() };
    assert_eq!(contradiction.requests, [order, request(2, 1)]);
    assert_eq!(contradiction.reason, Reason::MissingLater("C1/1".to_owned()));
    assert!(lost.0.judged().convicts(order) && !lost.0.judged().convicts(request(3, 1)));

    let mut stale = acknowledged();
    stale.reads(request(2, 1), &[placed(order)]);
    stale.reads(request(3, 1), &[]);
    assert_eq!((stale.lights().contradictions.stale, stale.lights().contradictions.lost), (1, 0));

    let mut twice = acknowledged();
    twice.reads(request(2, 1), &[placed(order), placed(order)]);
    assert_eq!(twice.lights().contradictions.doubled, 1);
    assert_eq!(twice.0.judged().contradictions[0].requests, [order, request(2, 1)]);

    let mut again = acknowledged();
    again.reads(request(2, 1), &[placed(order), placed(request(1, 2))]);
    assert_eq!(
        (again.lights().contradictions.doubled, again.lights().contradictions.invented),
        (1, 0),
        "the same dishes under a number nobody asked with"
    );

    let mut numbers = acknowledged();
    numbers.orders(request(2, 1), "x");
    numbers.is_placed(request(2, 1), 1);
    assert_eq!(numbers.lights().contradictions.lost, 1);
}

#[test]
fn an_order_is_unknown_when_its_customer_is_gone() {
    let mut story = Story::of(2);
    story.orders(request(1, 1), "x");
    story.fact(NodeId(1), LauncherEvent::Ended { how: Ending::Removed, words: String::new() });
    assert_eq!((story.lights().unknown, story.lights().waiting), (1, 0));
    story.reads(request(2, 1), &[placed(request(1, 1))]);
    assert!(story.lights().is_linearizable(), "it may be there");
}

#[test]
fn pages_count_only_for_what_they_show() {
    let mut story = Story::of(2);
    let all: Vec<OrderId> = (1..=150).map(|number| placed(request(1, number))).collect();
    for number in 1..=150 {
        story.orders(request(1, number), "x");
        story.is_placed(request(1, number), number);
    }
    story.asks(request(2, 1), 0);
    story.sees(request(2, 1), 0, 150, &all[..100]);
    assert!(story.lights().is_linearizable(), "fifty more are on the next page");
    assert_eq!(story.lights().reads, 0);
    story.asks(request(2, 2), 1);
    story.sees(request(2, 2), 1, 150, &all[100..]);
    assert_eq!((story.lights().is_linearizable(), story.lights().reads), (true, 1));
    story.asks(request(2, 3), 1);
    story.sees(request(2, 3), 1, 149, &all[100..149]);
    assert_eq!(story.lights().contradictions.stale, 1);
}

#[test]
fn what_others_order_is_no_invention() {
    let mut story = Story::of(1);
    story.reads(request(1, 1), &[placed(request(77, 1))]);
    assert!(story.lights().is_linearizable());
    story.reads(request(1, 2), &[placed(request(77, 1)), placed(request(1, 9))]);
    assert_eq!((story.lights().contradictions.invented, story.lights().contradictions.doubled), (1, 0));
    assert!(story.0.judged().contradictions[0].reason == Reason::NobodyPlaced("C1/9".into()));
}

/// Random small histories: the light is red exactly when the whole history until then is not linearizable.
#[test]
fn answer_by_answer_and_as_a_whole_the_verdict_is_the_same() {
    let mut seed = 7u64;
    let mut next = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let (mut right, mut wrong) = (0, 0);
    for _ in 0..3_000 {
        let mut story = Story::of(4);
        let mut open: [Option<(RequestId, bool)>; 4] = [None; 4];
        let mut book: Vec<OrderId> = Vec::new();
        let liar = next(3) == 0;
        for round in 1..=24 {
            let customer = next(4) as usize;
            match open[customer].take() {
                None => {
                    let request = request(customer as u64 + 1, round);
                    let places = next(2) == 0;
                    if places {
                        story.orders(request, "x")
                    } else {
                        story.asks(request, 0)
                    }
                    open[customer] = Some((request, places));
                }
                Some((request, true)) => match next(5) {
                    0 if !book.contains(&placed(request)) => story.is_refused(request),
                    _ => {
                        let forgets = liar && next(4) == 0;
                        if !forgets && !book.contains(&placed(request)) {
                            book.push(placed(request));
                        }
                        story.is_placed(request, round);
                    }
                },
                Some((request, false)) => {
                    // What is under way may be in the book already.
                    if let Some((early, true)) =
                        open[next(4) as usize].filter(|(early, _)| !book.contains(&placed(*early)))
                    {
                        book.push(placed(early));
                    }
                    let mut list = book.clone();
                    if liar && next(6) == 0 && !list.is_empty() {
                        let at = next(list.len() as u64) as usize;
                        match next(3) {
                            0 => drop(list.remove(at)),
                            1 => list.push(list[at]),
                            _ => list.swap(0, at),
                        }
                    }
                    story.sees(request, 0, list.len() as u64, &list);
                }
            }
            let place = story.0.places.get_mut(&postcode());
            let whole = place.map_or(0, |place| {
                let found = std::mem::take(&mut place.found);
                place.judge(postcode(), &|request| request.to_string());
                std::mem::replace(&mut place.found, found).len()
            });
            let now = story.0.judged().contradictions.len();
            assert_eq!(whole > 0, now > 0, "{whole} as a whole, {now} so far: {:#?}", story.0);
            *if now > 0 { &mut wrong } else { &mut right } += 1;
        }
    }
    assert!(right > 1000 && wrong > 1000, "{right} right, {wrong} wrong");
}

#[test]
fn a_crowd_counts_with_all_others_and_is_judged_in_the_end() {
    let mut story = Story::of(1);
    let order = request(1, 1);
    story.orders(order, "x");
    story.is_placed(order, 1);
    let crowd = Crowd { customers: 8, acknowledged: 70, reads: 60, unknown: 2, ..Crowd::default() };
    story.fact(NOBODY, LauncherEvent::Crowd(crowd));
    let lights = story.lights().together();
    assert_eq!((lights.acknowledged, lights.reads, lights.unknown, lights.covered), (71, 60, 2, 0));
    assert!(lights.is_linearizable());
    story.reads(request(1, 2), &[]);
    assert_eq!(story.lights().together().contradictions.lost, 1);
    let judged = Some(CrowdJudged { covered: 70, lost: 1, stale: 1, ..CrowdJudged::default() });
    story.fact(NOBODY, LauncherEvent::Crowd(Crowd { judged, ..crowd }));
    let lights = story.lights().together();
    assert_eq!(
        (lights.contradictions.lost, lights.contradictions.stale, lights.covered),
        (1, 1, 70),
        "what both know counts once"
    );
    assert!(!lights.is_linearizable());
}
