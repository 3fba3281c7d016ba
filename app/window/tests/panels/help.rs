//! Help where it is needed: a term says what it means to the pointer, to the keyboard and to screen readers, wherever it stands.

use egui::{Key, PointerButton, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use protocol::message::Step;
use protocol::trace::Failpoint;
use window::panels::Selected;
use window::panels::timeline::Look;
use wording::{Term, Topic};

use super::every_size;
use super::{Shown, asked_for, click, key, place, press, shown};
use crate::scene;
use crate::surfaces::everything;

/// Its definition stands somewhere in the window.
fn is_explained(harness: &Shown, term: Term) -> bool {
    harness.query_all_by_label_contains(&term.definition()).next().is_some()
}

/// Points at the thing of this name, takes the pointer away, gives it the focus: its term is explained each time, and only then.
fn explains(harness: &mut Shown, label: &str, term: Term) {
    harness.event(egui::Event::PointerGone);
    harness.run_steps(2);
    assert!(!is_explained(harness, term), "{term} is explained before {label} is pointed at");
    let at = place(harness, label).center();
    harness.hover_at(at + vec2(2.0, 1.0));
    harness.run_steps(2);
    harness.hover_at(at);
    harness.run_steps(4);
    assert!(is_explained(harness, term), "{label} does not explain {term} to the pointer");
    harness.event(egui::Event::PointerGone);
    harness.run_steps(4);
    assert!(!is_explained(harness, term), "{term} is still explained");
    let described = harness.get_by_label_contains(label).accesskit_node().description();
    assert!(described.is_some_and(|words| words.contains(&term.definition())), "{label} describes nothing");
    harness.get_by_label_contains(label).focus();
    harness.run_steps(4);
    assert!(is_explained(harness, term), "{label} does not explain {term} to the keyboard");
    harness.ctx.memory_mut(|memory| memory.stop_text_input());
    harness.run_steps(3);
}

#[test]
fn a_badge_a_fact_a_light_and_the_pill_explain_their_terms() {
    let mut harness = everything(vec2(1280.0, 800.0));
    harness.state_mut().focus.select_node("replica-2");
    harness.run_steps(3);
    explains(&mut harness, "step 13 on front-end – replica-2", Term::Step(Step(13)));
    explains(&mut harness, "Committed: ", Term::Committed);
    explains(&mut harness, "Ack set: ", Term::AckSet);
    explains(&mut harness, "0 stored twice", Term::StoredTwice);
    explains(&mut harness, "no order read yet", Term::HistoryLinearizable);
    let mut harness = every_size::open(&every_size::told(3, 3), 1280.0, 800.0);
    harness.ctx.all_styles_mut(|style| {
        style.interaction.tooltip_delay = 0.0;
        style.interaction.show_tooltips_only_when_still = false;
    });
    harness.run_steps(3);
    explains(&mut harness, "3 of 3", Term::InStep);
}

#[test]
fn the_menu_of_a_node_explains_each_failpoint() {
    let mut harness = everything(vec2(1280.0, 800.0));
    let at = place(&harness, "node front-end").center();
    press(&mut harness, at, PointerButton::Secondary, 1);
    click(&mut harness, "Bomb");
    let entry = "Crash front-end after the next view is recorded";
    explains(&mut harness, entry, Term::FailpointAt(Failpoint::FrontEndViewRecorded));
}

#[test]
fn a_click_on_a_badge_shows_the_last_message_of_its_step_also_one_of_long_ago() {
    let mut harness = shown();
    click(&mut harness, "step 10 on front-end – replica-2");
    let Selected::Message(id, to) = harness.state().focus.selected else { panic!("no message is selected") };
    assert_eq!((id.from, to), (scene::FRONT_END, scene::replica(2)));
    harness.get_by_label("Says: order to NE1 7RU");
    harness.get_by_label("Step: [10] forwarded request");
    assert_eq!(asked_for(&mut harness), [], "nothing is asked of the cluster");
    // Before it was sent there was none.
    harness.state_mut().look(Look::At(6_000_000));
    harness.state_mut().focus.selected = Selected::Nothing;
    harness.run_steps(3);
    click(&mut harness, "step 10 on front-end – replica-2");
    assert_eq!(harness.state().focus.selected, Selected::Nothing);
    harness
        .get_by_label_contains("No message of step 10 (forwarded request) has passed between front-end and replica-2");
}

#[test]
fn a_right_click_on_a_badge_opens_the_menu_of_its_line() {
    let mut harness = shown();
    let at = place(&harness, "step 13 on front-end – replica-2").center();
    press(&mut harness, at, PointerButton::Secondary, 1);
    harness.get_by_label("Cut front-end – replica-2");
}

#[test]
fn the_page_of_help_opens_searches_and_closes_in_every_usable_size() {
    for size in [vec2(1280.0, 800.0), vec2(1024.0, 768.0), vec2(683.0, 512.0)] {
        let mut harness = shown();
        harness.set_size(size);
        harness.run_steps(3);
        key(&mut harness, Key::F1);
        // It takes the middle of the window once its height is known.
        harness.run_steps(4);
        for step in 1..=14 {
            let step = Term::Step(Step(step));
            assert!(harness.query_all_by_label(&step.word()).next().is_some(), "{step} is not in the picture");
            assert!(is_explained(&harness, step), "{step} is not explained");
        }
        click(&mut harness, "Words");
        harness.run_steps(4);
        for term in Term::all().filter(|term| term.topic() != Topic::Steps) {
            assert!(is_explained(&harness, term), "{term} is not in the glossary in {size:?}");
        }
        harness.get_by_label("Search the words").focus();
        harness.run_steps(2);
        harness.get_by_label("Search the words").type_text("ack set");
        harness.run_steps(3);
        assert!(is_explained(&harness, Term::AckSet) && !is_explained(&harness, Term::Lost));
        harness.get_by_label("Search the words").type_text(" nowhere");
        harness.run_steps(4);
        harness.get_by_label(wording::NO_SUCH_WORD);
        let close = place(&harness, "Close");
        assert!(harness.ctx.content_rect().contains_rect(close), "{close:?} in {size:?}");
        click(&mut harness, "Keys");
        harness.run_steps(4);
        harness.get_by_label("place the order");
        key(&mut harness, Key::Escape);
        assert!(harness.query_by_label("Search the words").is_none() && harness.query_by_label("Words").is_none());
    }
    let mut harness = shown();
    key(&mut harness, Key::Questionmark);
    harness.get_by_label("place the order");
}
