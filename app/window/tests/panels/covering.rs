//! What must be read is not covered: notices, hints, menus, cards, leader lines, numbers on lines and words of messages keep
//! clear of each other.

#[path = "crowded.rs"]
mod crowded;

use std::collections::BTreeSet;

use egui::{Pos2, Rect, Shape, Vec2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use protocol::ids::{MessageId, RequestId, RequestNumber};
use protocol::message::Step;
use protocol::postcode::{PostcodeService, Verdict};
use protocol::trace::{LauncherEvent, MessageFacts, NodeEvent, Rate, TraceEvent};
use window::theme::size;

use super::{Shown, drag, place, press, resize, say, select};
use crate::scene::{self, replica};
use crate::shown::shown_at;

/// All that is painted, flat, with the part of it that is shown.
pub fn painted(harness: &Shown, mut of: impl FnMut(&Shape, Rect)) {
    fn visit(shape: &Shape, clip: Rect, of: &mut dyn FnMut(&Shape, Rect)) {
        match shape {
            Shape::Vec(shapes) => shapes.iter().for_each(|shape| visit(shape, clip, of)),
            single => of(single, clip),
        }
    }
    harness.output().shapes.iter().for_each(|clipped| visit(&clipped.shape, clipped.clip_rect, &mut of));
}

/// Where these words are painted.
pub fn written(harness: &Shown, words: &str) -> Vec<Rect> {
    let mut found = Vec::new();
    painted(harness, |shape, clip| {
        if let Shape::Text(text) = shape
            && text.galley.text().contains(words)
        {
            found.push(text.visual_bounding_rect().intersect(clip));
        }
    });
    found
}

/// The middles of the numbers on lines.
pub fn numbers(harness: &Shown) -> Vec<Pos2> {
    let mut found = Vec::new();
    painted(harness, |shape, clip| {
        if let Shape::Circle(circle) = shape
            && circle.radius == size::NUMBER
            && circle.stroke.width == size::HAIRLINE
            && clip.contains(circle.center)
        {
            found.push(circle.center);
        }
    });
    found
}

/// Everything whose name begins so, with its name.
pub fn named(harness: &Shown, beginning: &str) -> Vec<(String, Rect)> {
    let all = harness.query_all_by_label_contains(beginning);
    let label = |node: &egui_kittest::Node<'_>| node.accesskit_node().label().unwrap_or_default();
    all.map(|node| (label(&node), node.rect())).filter(|(label, _)| label.starts_with(beginning)).collect()
}

fn sized(told: &scene::Scene, room: Vec2) -> Shown {
    let mut harness = shown_at(told, scene::NOW);
    resize(&mut harness, room);
    harness
}

const SIZES: [Vec2; 3] = [vec2(1024.0, 768.0), vec2(1280.0, 800.0), vec2(1920.0, 1080.0)];

#[test]
fn notices_and_hints_lie_over_no_node_customer_or_words() {
    for room in SIZES {
        let mut told = scene::order_on_its_way();
        // Far in the north, where the hint stands, too.
        for (number, place) in [(5, (60.1, -1.2)), (6, (58.9, -2.9)), (7, (59.3, 0.8)), (8, (60.3, 1.5))] {
            told.lives(number, &format!("Shetlander {number}"), "ZE1 0AA", place);
        }
        let mut harness = sized(&told, room);
        say(&mut harness, scene::NAME_SERVER, LauncherEvent::CommandRefused { why: "there is no such replica".into() });
        say(&mut harness, scene::NAME_SERVER, LauncherEvent::ClockIs { rate: Rate::STOPPED, until: None });
        let mut told = written(&harness, "there is no such replica");
        told.extend(written(&harness, "Time is stopped"));
        assert!(told.len() >= 2, "{told:?}");
        let mut others: Vec<(String, Rect)> =
            ["node ", "customer ", "card of "].into_iter().flat_map(|beginning| named(&harness, beginning)).collect();
        others.extend(written(&harness, "update 41").into_iter().map(|at| ("update 41".to_owned(), at)));
        others.extend(written(&harness, "snapshot").into_iter().map(|at| ("snapshot".to_owned(), at)));
        for (name, at) in &others {
            for words in &told {
                assert!(!words.intersects(*at), "{words:?} lies over {name} {at:?} in {room:?}");
            }
        }
        for at in numbers(&harness) {
            let number = Rect::from_center_size(at, Vec2::splat(size::NUMBER * 2.0));
            assert!(told.iter().all(|words| !words.intersects(number)), "over a number at {at:?} in {room:?}");
        }
    }
}

/// The window of the first start, with the customers that are there at first.
fn first_start(room: Vec2) -> Shown {
    let mut told = scene::crowd(3, 0, 0);
    for (number, name, home, place) in [
        (1, "Muriel", "EH1 1RE", (55.951, -3.189)),
        (2, "Grace", "NE1 7RU", (54.978, -1.614)),
        (3, "Alan", "M1 1AE", (53.479, -2.235)),
    ] {
        told.lives(number, name, home, place);
    }
    let mut window = window::Window::default();
    told.tell(&mut window, scene::NOW);
    window.is_new_here();
    let mut harness = crate::shown::sized(window, room);
    harness.run_steps(8);
    harness
}

#[test]
fn the_greeting_covers_no_customer_node_number_or_button() {
    for room in SIZES.into_iter().chain(SIZES.map(|size| size / 1.5)) {
        let harness = first_start(room);
        let words: Vec<Rect> = ["Choose a dish and place an order", "Or take a lesson"]
            .iter()
            .flat_map(|it| written(&harness, it))
            .collect();
        assert_eq!(words.len(), 2, "in {room:?}");
        let greeting = words[0].union(words[1]).expand(12.0);
        for beginning in ["node ", "customer ", "card of ", "+ Replica", "+ Customer", "Cut…"] {
            for (name, at) in named(&harness, beginning) {
                assert!(!greeting.intersects(at), "{greeting:?} lies over {name} {at:?} in {room:?}");
            }
        }
        for at in numbers(&harness) {
            assert!(
                greeting.distance_to_pos(at) >= size::NUMBER,
                "{greeting:?} lies over a number at {at:?} in {room:?}"
            );
        }
    }
}

#[test]
fn the_menu_of_a_node_opens_beside_it_also_at_each_edge() {
    let canvas = |harness: &Shown| harness.get_by_label_contains("map: double-click").rect();
    let edges: [fn(Rect) -> Pos2; 5] = [
        |room| room.left_top() + vec2(110.0, 60.0),
        |room| room.right_top() + vec2(-110.0, 60.0),
        |room| room.left_bottom() + vec2(110.0, -110.0),
        |room| room.right_bottom() + vec2(-100.0, -110.0),
        |room| room.center(),
    ];
    for edge in edges {
        let mut harness = sized(&scene::order_on_its_way(), vec2(1280.0, 800.0));
        let (from, to) = (place(&harness, "node replica-3").center(), edge(canvas(&harness)));
        drag(&mut harness, from, to);
        let at = place(&harness, "node replica-3");
        assert!(at.center().distance(to) < 60.0, "{at:?} was not dragged to {to:?}");
        press(&mut harness, at.center(), egui::PointerButton::Secondary, 1);
        assert!(harness.query_by_label("Crash replica-3").is_some(), "no menu at {at:?}");
        let entries = ["Crash replica-3", "Freeze replica-3", "Cut replica-3 off", "Remove replica-3"];
        for entry in entries {
            let entry = harness.get_by_label(entry).rect();
            assert!(!entry.intersects(at), "{entry:?} lies over its node {at:?}");
            assert!(harness.ctx.content_rect().contains_rect(entry), "{entry:?} is outside the window");
        }
    }
}

#[test]
fn crash_and_freeze_are_in_sight_with_twenty_replicas() {
    let told = scene::crowd(20, 4, 0);
    for room in SIZES {
        for name in ["replica-3", "replica-7", "front-end", "name-server"] {
            let mut harness = sized(&told, room);
            select(&mut harness, name);
            for words in ["Crash", "Freeze"] {
                let at = harness.get_by_label(words).rect();
                // The inspector ends where the tabs begin.
                let below = harness.get_by_label("Timeline").rect().top();
                assert!(at.bottom() < below, "{words} of {name} at {at:?} is below {below} in {room:?}");
            }
        }
    }
}

/// Whether a straight line passes a rectangle.
fn passes([from, to]: [Pos2; 2], rect: Rect) -> bool {
    (0..=64).any(|step| rect.contains(from.lerp(to, step as f32 / 64.0)))
}

#[test]
fn a_leader_line_runs_through_no_other_card_and_the_selected_customer_keeps_its_card() {
    let told = scene::crowd(3, 14, 0);
    let mut harness = sized(&told, vec2(1024.0, 768.0));
    let all: Vec<_> = harness.state().picture.customers.iter().map(|it| (it.id, it.name.clone())).collect();
    for (id, name) in all {
        harness.state_mut().focus.select_customer(id);
        harness.run_steps(2);
        let cards = named(&harness, "card of ");
        let own = format!("card of {name}");
        assert!(cards.iter().any(|(card, _)| *card == own), "{name} is selected and has no card");
        let dots = named(&harness, "customer ");
        for (card, at) in &cards {
            let owner = card.trim_start_matches("card of ");
            let dot = dots.iter().find(|(dot, _)| dot.starts_with(&format!("customer {owner}:"))).unwrap().1.center();
            let leader = [dot, at.clamp(dot)];
            let crossed = cards.iter().find(|(other, rect)| other != card && passes(leader, *rect));
            assert_eq!(crossed, None, "the line to the {card} runs through another while {name} is selected");
        }
    }
}

#[test]
fn numbers_of_crossing_lines_keep_apart() {
    for (replicas, customers) in [(3, 4), (4, 12), (5, 3)] {
        let told = scene::crowd(replicas, customers, 0);
        for room in SIZES {
            let harness = sized(&told, room);
            let numbers = numbers(&harness);
            assert!(numbers.len() >= 10, "{replicas} replicas in {room:?}: {numbers:?}");
            for (index, one) in numbers.iter().enumerate() {
                let near = numbers[index + 1..].iter().find(|other| one.distance(**other) < size::NUMBER * 2.0 - 0.1);
                assert_eq!(near, None, "too near {one:?} with {replicas} replicas in {room:?}");
            }
        }
    }
}

#[test]
fn each_of_two_updates_at_the_same_time_bears_its_label() {
    let mut told = scene::crowd(3, 2, 0);
    for (number, to) in [(1, 1), (2, 2)] {
        let message = MessageId { from: replica(3), number: 700 + number };
        let facts = MessageFacts {
            step: Some(Step(5)),
            summary: scene::update(40 + number),
            request: None,
            fields: Vec::new(),
            delay: 1_000_000,
            held: false,
        };
        told.fact(replica(3), scene::NOW - 400_000, NodeEvent::Sent { message, to: replica(to), facts });
    }
    for room in SIZES {
        let harness = sized(&told, room);
        let [one, other] = ["update 41", "update 42"].map(|words| on_canvas(&harness, words));
        assert!(one.len() == 1 && other.len() == 1, "{one:?} {other:?} in {room:?}");
        assert!(!one[0].intersects(other[0]), "{one:?} {other:?} in {room:?}");
    }
}

/// Where these words are painted on the canvas.
fn on_canvas(harness: &Shown, words: &str) -> Vec<Rect> {
    let canvas = harness.get_by_label_contains("map: double-click").rect();
    written(harness, words).into_iter().filter(|at| canvas.contains_rect(*at)).collect()
}

#[test]
fn the_lanes_of_the_timeline_scroll_where_there_are_many() {
    let mut harness = sized(&scene::crowd(3, 12, 0), vec2(1280.0, 800.0));
    let (last, first) = ("lane getthedata.com", named(&harness, "lane ")[0].1);
    let window = harness.ctx.content_rect();
    let below = window.bottom() - size::STATUS_BAR;
    assert!(place(&harness, last).bottom() > below, "all lanes are in sight without scrolling");
    harness.hover_at(first.center());
    harness.run_steps(2);
    harness.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Point,
        delta: vec2(0.0, -400.0),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Wheel,
        modifiers: egui::Modifiers::NONE,
    });
    harness.run_steps(20);
    let at = place(&harness, last);
    assert!(at.center().y < below, "{last} is at {at:?}");
}

#[test]
fn a_presentation_says_nothing_of_an_inspector_that_is_hidden() {
    let mut harness = sized(&scene::order_on_its_way(), vec2(1920.0, 1080.0));
    assert!(!written(&harness, "inspect").is_empty());
    harness.state_mut().appearance.presents = true;
    harness.run_steps(4);
    let all: BTreeSet<String> = written(&harness, "inspect").iter().map(|at| format!("{at:?}")).collect();
    assert!(all.is_empty(), "{all:?}");
    assert!(!written(&harness, "right-click").is_empty(), "what can be done there is still said");
}

#[test]
fn twelve_customers_are_listed_whole_where_there_is_room_for_them() {
    let harness = sized(&scene::crowd(3, 12, 0), vec2(2560.0, 1440.0));
    let rows = named(&harness, "choose ");
    let below = place(&harness, "Margherita pizza, ").top();
    assert_eq!(rows.len(), 12);
    assert!(rows.iter().all(|(_, row)| row.bottom() < below), "{rows:?} end below {below}");
    place(&harness, "Lemonade, ");
}

#[test]
fn the_form_says_once_that_no_service_answers() {
    let mut told = scene::order_on_its_way();
    let (message, from) = (MessageId { from: replica(2), number: 9_100 }, scene::POSTCODES_IO);
    let request = RequestId { customer: scene::customer(2).1, number: RequestNumber(2) };
    let (service, postcode) = (PostcodeService::PostcodesIo, "NE1 7RU".parse().unwrap());
    let asked = TraceEvent::Node(NodeEvent::PostcodeAsked { message, to: from, service, postcode, request });
    told.fact(replica(2), 12_000_000, asked);
    let verdict = Verdict::NobodyAnswers;
    told.fact(replica(2), 12_100_000, NodeEvent::PostcodeAnswered { message, from, verdict, took: 1_000 });
    let harness = sized(&told, vec2(1280.0, 800.0));
    assert!(written(&harness, "Newcastle").is_empty(), "the newest verdict counts");
    assert!(written(&harness, "keeps asking").iter().all(|at| at.left() > 240.0), "only the log says so");
}

/// A window of 1024x768 that is drawn at 150 %.
#[test]
fn every_entry_of_the_menu_is_reached_in_a_low_window() {
    let mut harness = shown_at(&scene::order_on_its_way(), scene::NOW);
    resize(&mut harness, vec2(683.0, 512.0));
    harness.get_by_label("Menu").click();
    harness.run_steps(4);
    assert!(place(&harness, "Lessons…").bottom() < 512.0);
    assert!(place(&harness, "About").top() > 512.0, "else this shows nothing");
    harness.event(egui::Event::PointerMoved(place(&harness, "New cluster…").center()));
    for _ in 0..20 {
        harness.event(egui::Event::MouseWheel {
            source: egui::MouseWheelSource::Wheel,
            unit: egui::MouseWheelUnit::Point,
            delta: vec2(0.0, -50.0),
            phase: egui::TouchPhase::Move,
            modifiers: egui::Modifiers::NONE,
        });
        harness.run_steps(3);
    }
    assert!(place(&harness, "About").bottom() < 512.0, "{:?}", place(&harness, "About"));
}
