//! Links cut, slowed, held and mended by their lines' menus, by scissors and by keys, on a fixed picture.

use egui::{Event, Key, Modifiers, PointerButton, Pos2, Role};
use egui_kittest::kittest::Queryable;
use knowledge::user_command::{LinkWay, UserCommand};
use protocol::ids::Span;
use protocol::trace::LinkRule;
use window::panels::Selected;

use super::steering::{plain, steered};
use super::{asked_for, click, drag, key, menu_of, place, shown};

fn both(one: &str, other: &str) -> Vec<LinkWay> {
    vec![way(one, other), way(other, one)]
}

fn way(from: &str, to: &str) -> LinkWay {
    LinkWay { from: from.into(), to: to.into() }
}

#[test]
fn a_line_is_cut_slowed_and_held_by_its_menu() {
    let mut harness = shown();
    for (entry, links, rule) in [
        ("Cut front-end – replica-2", both("front-end", "replica-2"), LinkRule::CUT),
        ("Cut only front-end → replica-2", vec![way("front-end", "replica-2")], LinkRule::CUT),
        (
            "Hold messages replica-2 → front-end",
            vec![way("replica-2", "front-end")],
            LinkRule { hold: true, ..LinkRule::default() },
        ),
    ] {
        menu_of(&mut harness, "link front-end – replica-2");
        click(&mut harness, entry);
        assert_eq!(asked_for(&mut harness), [UserCommand::SetLinks { links, rule }]);
    }
    assert!(harness.state().picture.steering.links.is_empty(), "no line changes before a fact says so");
}

#[test]
fn a_line_is_taken_hold_of_anywhere_even_if_nothing_pointed_at_it_before() {
    let mut harness = shown();
    let (above, below) = (place(&harness, "node name-server"), place(&harness, "node front-end"));
    let at = Pos2::new(above.center().x, above.bottom() + 0.2 * (below.top() - above.bottom()));
    // All in one frame: a finger has been nowhere before.
    let press = |pressed| Event::PointerButton {
        pos: at,
        button: PointerButton::Secondary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    harness.input_mut().events.extend([Event::PointerMoved(at), press(true), press(false)]);
    harness.run_steps(3);
    click(&mut harness, "Cut front-end – name-server");
    let links = both("front-end", "name-server");
    assert_eq!(asked_for(&mut harness), [UserCommand::SetLinks { links, rule: LinkRule::CUT }]);
}

#[test]
fn escape_closes_a_menu_and_only_then_gives_up_what_is_chosen() {
    let mut harness = shown();
    menu_of(&mut harness, "node replica-3");
    harness.get_by_label("Suspend replica-3's process (SIGSTOP)");
    plain(&mut harness, Key::Escape);
    assert!(harness.query_by_label("Suspend replica-3's process (SIGSTOP)").is_none());
    assert_eq!(harness.state().focus.selected, Selected::Node("replica-3".into()));
    plain(&mut harness, Key::Escape);
    assert_eq!(harness.state().focus.selected, Selected::Nothing);
}

#[test]
fn a_links_delay_is_set_with_the_keyboard_alone() {
    let mut harness = shown();
    harness.get_by_label_contains("link front-end – replica-2").focus();
    harness.run_steps(2);
    key(&mut harness, Key::Enter);
    harness.get_by_role_and_label(Role::Slider, "Delay").focus();
    harness.run_steps(2);
    for _ in 0..5 {
        key(&mut harness, Key::ArrowRight);
    }
    click(&mut harness, "ways: Only → replica-2");
    click(&mut harness, "Set");
    let commands = asked_for(&mut harness);
    let [UserCommand::SetLinks { links, rule }] = &commands[..] else { panic!("{commands:?}") };
    assert_eq!(*links, [way("front-end", "replica-2")]);
    assert!(rule.delay > Span(0) && !rule.cut, "{rule:?}");
}

#[test]
fn what_is_cut_is_mended_by_its_scissors_by_its_menu_and_all_at_once() {
    let mut harness = steered();
    click(&mut harness, "mend front-end – replica-3");
    let mended = LinkRule::default();
    assert_eq!(
        asked_for(&mut harness),
        [UserCommand::SetLinks { links: both("front-end", "replica-3"), rule: mended }]
    );
    click(&mut harness, "mend name-server → replica-2");
    let one_way = vec![way("name-server", "replica-2")];
    assert_eq!(asked_for(&mut harness), [UserCommand::SetLinks { links: one_way, rule: mended }]);
    click(&mut harness, "Mend all");
    assert_eq!(asked_for(&mut harness), [UserCommand::MendAll]);
    assert_eq!(plain(&mut harness, Key::M), [UserCommand::MendAll]);
    harness.get_by_label_contains("link front-end – replica-2: delays messages by 200 ms");
}

pub fn cut_of(commands: &[UserCommand]) -> Vec<(String, String)> {
    let [UserCommand::SetLinks { links, rule: LinkRule::CUT }] = commands else { panic!("{commands:?}") };
    links.iter().map(|way| (way.from.clone(), way.to.clone())).collect()
}

#[test]
fn a_line_drawn_across_the_picture_cuts_all_it_crosses_both_ways() {
    let mut harness = shown();
    let front_end = place(&harness, "node front-end");
    let replica_2 = place(&harness, "node replica-2");
    let x = f32::midpoint(front_end.right(), replica_2.left());
    let (top, bottom) = (Pos2::new(x, front_end.top() - 60.0), Pos2::new(x, front_end.bottom() + 30.0));
    click(&mut harness, "Cut…");
    drag(&mut harness, top, bottom);
    let cut = cut_of(&asked_for(&mut harness));
    for replica in ["replica-2", "replica-3", "replica-4"] {
        assert!(cut.contains(&("front-end".into(), replica.into())), "{cut:?}");
        assert!(cut.contains(&(replica.into(), "front-end".into())), "{cut:?}");
    }
    assert!(!cut.iter().any(|(from, _)| from == "Grace"), "{cut:?}");
    // The tool is left after one stroke; without it, Alt draws.
    drag(&mut harness, top, bottom);
    assert_eq!(asked_for(&mut harness), []);
    harness.event(Event::ModifiersChanged(Modifiers::ALT));
    drag(&mut harness, top, bottom);
    assert!(cut_of(&asked_for(&mut harness)).contains(&("front-end".into(), "replica-2".into())));
}

#[test]
fn the_cutting_tool_is_left_with_escape() {
    let mut harness = shown();
    assert_eq!(plain(&mut harness, Key::X), []);
    harness.get_by_label_contains("Draw a line: it cuts every link it crosses");
    key(&mut harness, Key::Escape);
    assert!(harness.query_by_label_contains("Draw a line").is_none());
}
