//! Phones in the window: the box asks for what was chosen, and says what is open; votes of phones are counted with hands.

use std::net::IpAddr;

use egui_kittest::kittest::Queryable;
use room::{Address, Standing, Voting};
use window::panels::phones::PhonesClick;

use super::asked;
use crate::shown::{Shown, click, open, shown};
use crate::taught::{SMALL, Taught};

const LINK: &str = "http://192.168.1.7:4040/0123456789abcdef0123456789abcdef/";

fn at_home() -> IpAddr {
    std::net::Ipv4Addr::new(192, 168, 1, 7).into()
}

fn is_open(phones: usize) -> Standing {
    Standing { link: Some(LINK.into()), address: Some(at_home()), phones, in_touch: phones, most: 200 }
}

fn says(harness: &Shown, words: &str) -> bool {
    harness.query_all_by_label_contains(words).next().is_some()
}

/// The box, on a computer in a network.
fn asked_about() -> Shown {
    let mut harness = shown();
    click(&mut harness, "Menu");
    click(&mut harness, "Let the room order…");
    harness.state_mut().lives_at(vec![Address::loopback(), Address { ip: at_home(), network: "wlan0".into() }]);
    harness.run_steps(3);
    harness
}

#[test]
fn the_page_is_opened_where_and_for_as_many_as_was_chosen() {
    let mut harness = asked_about();
    assert!(!says(&harness, "plain HTTP"), "only this computer reaches it");
    click(&mut harness, "wlan0 · 192.168.1.7");
    assert!(says(&harness, "plain HTTP"), "what that means is said before it is open");
    assert_eq!(harness.state_mut().take_phones_click(), None, "nothing is open by itself");
    click(&mut harness, "Open the page");
    let wanted = PhonesClick::Open { address: at_home(), most: 200 };
    assert_eq!(harness.state_mut().take_phones_click(), Some(wanted));
    assert!(!says(&harness, "QR picture"), "it is open when the room says so");

    harness.state_mut().phones_cannot_come("The page cannot be opened.".into());
    harness.run_steps(3);
    assert!(says(&harness, "The page cannot be opened."));

    harness.state_mut().phones_are(is_open(12), Default::default());
    harness.run_steps(3);
    assert!(
        says(&harness, "the link as a QR picture")
            && says(&harness, LINK)
            && says(&harness, "12 phones of at most 200")
    );
    assert!(says(&harness, "plain HTTP") && !says(&harness, "cannot be opened"));
    click(&mut harness, "Close");
    click(&mut harness, "Menu");
    click(&mut harness, "Let the room order…");
    click(&mut harness, "Switch off");
    assert_eq!(harness.state_mut().take_phones_click(), Some(PhonesClick::Close));
}

#[test]
fn a_computer_without_a_network_is_told() {
    let mut harness = asked_about();
    harness.state_mut().lives_at(vec![Address::loopback()]);
    harness.run_steps(3);
    assert!(says(&harness, "This computer has no network now"));
}

/// For choices by their place, or for numbers.
fn vote(taught: &mut Taught, votes: &[(u64, u32)]) {
    taught.harness.state_mut().phones_are(is_open(5), votes.iter().copied().collect());
    taught.harness.run_steps(3);
}

#[test]
fn phones_vote_while_hands_are_counted_and_see_what_happened() {
    let mut taught = asked();
    assert_eq!(taught.harness.state().ballot().unwrap().standing, Voting::Closed, "nobody counts yet");
    vote(&mut taught, &[]);
    let first = taught.harness.state().ballot().unwrap();
    assert_eq!((first.standing, first.question.as_str()), (Voting::Open, "What happens?"));
    assert_eq!(first.choices[0], ("A".to_owned(), "The primary ends.".to_owned()));
    vote(&mut taught, &[(0, 1), (1, 3)]);
    assert!(says(&taught.harness, "4 of 5 phones have voted"));
    assert!(!says(&taught.harness, "1 → "), "the bars come when the vote is closed");
    click(&mut taught.harness, "Close the vote (4 votes)");
    let closed = taught.harness.state().ballot().unwrap();
    assert_eq!((closed.standing, &closed.id), (Voting::Closed, &first.id), "their votes are still those of this round");
    click(&mut taught.harness, "Vote again");
    vote(&mut taught, &[]);
    let second = taught.harness.state().ballot().unwrap();
    assert!(second.standing == Voting::Open && second.id != first.id);
    vote(&mut taught, &[(0, 4), (1, 1)]);
    click(&mut taught.harness, "Close the vote (5 votes)");
    assert!(says(&taught.harness, "1 → 4") && says(&taught.harness, "3 → 1"));
    click(&mut taught.harness, "See what happens");
    taught.go_on();
    let over = taught.harness.state().ballot().unwrap();
    assert_eq!((over.standing, &over.id), (Voting::Happened(Some(0)), &second.id));
}

#[test]
fn phones_do_not_order_in_a_lessons_cluster() {
    assert!(open(window::Window::default()).state().takes_phone_orders());
    assert!(!asked().harness.state().takes_phone_orders());
}

/// The small lesson, whose question asks for a number.
fn asks_for_a_number() -> String {
    let (before, rest) = SMALL.split_once("- **A**").unwrap_or_default();
    let (_, rest) = rest.split_once("The process is").unwrap_or_default();
    let text = format!("{before}---\n\nThe process is{rest}").replacen(
        "model = \"A\"",
        "model = \"3\"\nnumber = \"members\"",
        1,
    );
    let (before, rest) = text.split_once("[[predict.right-if.A]]").unwrap_or_default();
    let (_, after) = rest.split_once("```").unwrap_or_default();
    format!("{before}```{after}")
}

/// On a page that asks for a number.
fn asked_for_a_number() -> Taught {
    let mut taught = Taught::new(open(window::Window::default()));
    taught.open(&asks_for_a_number());
    click(&mut taught.harness, "Take the lesson");
    taught.begin();
    click(&mut taught.harness, "Next");
    taught.go_on();
    click(&mut taught.harness, "Pad thai, 0 chosen");
    click(&mut taught.harness, "Place order · 1 item · £10.50");
    taught.go_on();
    click(&mut taught.harness, "Next");
    taught.go_on();
    taught
}

#[test]
fn phones_vote_for_a_number_and_each_that_was_voted_for_has_a_bar() {
    let mut taught = asked_for_a_number();
    assert!(!says(&taught.harness, "phones have voted"), "without phones a person types it");
    vote(&mut taught, &[]);
    let first = taught.harness.state().ballot().unwrap();
    assert!(first.standing == Voting::Open && first.choices.is_empty());
    vote(&mut taught, &[(2, 1), (3, 2), (1_234_567, 1)]);
    assert!(says(&taught.harness, "4 of 5 phones have voted"));
    click(&mut taught.harness, "Close the vote (4 votes)");
    for number in ["2", "3", "1234567"] {
        assert!(taught.harness.query_all_by_label(number).next().is_some(), "{number}");
    }
    // What most have voted for is what the class says.
    click(&mut taught.harness, "See what happens");
    taught.go_on();
    let over = taught.harness.state().ballot().unwrap();
    assert!(matches!(over.standing, Voting::Happened(Some(_))), "{over:?}");
}

#[test]
fn numbers_of_a_room_with_many_opinions_share_bars() {
    let mut taught = asked_for_a_number();
    let votes: Vec<(u64, u32)> = (0..100).map(|number| (1000 + 10 * number, 1)).collect();
    vote(&mut taught, &votes);
    click(&mut taught.harness, "Close the vote (100 votes)");
    for first in (1000..1990).step_by(90) {
        let bar = format!("{first} to {}", first + 80);
        assert!(says(&taught.harness, &bar), "{bar}");
    }
    assert!(
        says(&taught.harness, "1990") && !says(&taught.harness, "1010"),
        "nine numbers a bar, and the hundredth alone"
    );
}
