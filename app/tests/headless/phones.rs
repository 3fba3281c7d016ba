//! The room orders by phone, in a real browser on a real cluster: an order, a reload in the middle of one, a primary that is killed in the
//! middle of one, a vote, and a name that is markup.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};

use knowledge::picture::Picture;
use room::{Ballot, Room, Voting};

use crate::browser::{Browser, phone};
use crate::program::{RunningCluster, Talking, program};

/// A cluster with a page for phones, and its link.
fn class() -> (RunningCluster, String) {
    let cluster = RunningCluster::of(Talking::start(&["cluster", "--replicas", "3", "--room"]));
    let link = cluster.first["room"].as_str().unwrap().to_owned();
    assert!(link.starts_with("http://127.0.0.1:"), "nobody else can reach it: {link}");
    (cluster, link)
}

fn join(phone: &mut Browser, link: &str, name: &str) {
    phone.open(link);
    phone.until("document.querySelector('#home').value");
    phone.types("#name", name);
    phone.types("#home", "TA4 4JT");
    phone.click("#join button");
    phone.until_says("#me", "TA4 4JT");
}

fn order(phone: &mut Browser, dish: u32) {
    phone.click(&format!("#dishes li:nth-child({dish}) button:last-child"));
    phone.click("#place");
}

#[test]
fn a_phone_orders_reloads_and_outlives_a_primary_in_the_middle_of_its_order() {
    let Some(mut phone) = phone() else { return };
    let (mut cluster, link) = class();
    join(&mut phone, &link, "Anna");
    order(&mut phone, 4);
    phone.until_says("#receipts .placed", "Order 1: Pad thai");

    // Time stands still in the middle of the next one.
    cluster.talk.say(r#"{"do":"speed","rate":0}"#);
    order(&mut phone, 14);
    phone.until_says("#receipts .waiting", "Time stands still");
    phone.reload();
    phone.until_says("#receipts .waiting", "Lemonade");
    assert_eq!(phone.value("document.querySelectorAll('#receipts .placed').length"), 1, "and the earlier receipt");
    cluster.talk.say(r#"{"do":"speed","rate":1}"#);
    phone.until_says("#receipts .placed", "Order 2: Lemonade");

    // The primary dies after it has told one backup, before the other.
    cluster.talk.say(r#"{"do":"bomb","node":"primary","at":"primary-sent-to-one"}"#);
    order(&mut phone, 1);
    cluster.talk.hear_until(|line| line["change"] == "ended" && line["how"] == "crashed");
    phone.until_says("#receipts .placed", "Order 3: Margherita pizza");
    phone.click("#history button[type=submit]");
    phone.until_says("#history-words", "3 orders to TA4 4JT");
    assert_eq!(phone.value("document.querySelectorAll('#lines li').length"), 3, "none is lost, none is there twice");
    assert_eq!(phone.complaints, Vec::<String>::new());
}

#[test]
fn a_page_that_cannot_be_opened_says_where_and_why() {
    // An address that no computer has.
    let output = program(&["cluster", "--replicas", "1", "--room", "203.0.113.9:0"]);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && words.contains("203.0.113.9"), "{output:?}");
}

#[test]
fn a_name_that_is_markup_is_shown_as_text() {
    let Some(mut phone) = phone() else { return };
    let (_cluster, link) = class();
    let name = "<img src=x onerror=alert(1)>";
    join(&mut phone, &link, name);
    phone.until_says("#me", name);
    assert_eq!(phone.value("document.images.length"), 0);
    assert_eq!(phone.value("document.documentElement.scrollWidth"), 320, "nothing is wider than a small phone");
    phone.types("#to", "<script>alert(1)</script>");
    order(&mut phone, 1);
    phone.until_says("#trouble", "postcode");
    assert_eq!(phone.value("document.activeElement.id"), "trouble", "what is wrong is read aloud");
    assert_eq!(phone.complaints, Vec::<String>::new());
}

/// A page with this question, served as a window does in each frame; `votes` is given its link and what closes the vote, after
/// which this has happened. Returns the votes in the end.
fn with_ballot(ballot: &Ballot, happens: u64, votes: impl FnOnce(&str, &dyn Fn())) -> BTreeMap<u64, u32> {
    let mut room = Room::new(|| {}).unwrap();
    let link = room.open(Ipv4Addr::LOCALHOST.into(), None, 10).unwrap();
    let (closed, over) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let frames = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let is_closed = closed.load(Ordering::Relaxed);
                let standing = if is_closed { Voting::Happened(Some(happens)) } else { Voting::Open };
                room.follow(&Picture::default(), false, Some(&Ballot { standing, ..ballot.clone() }));
                std::thread::yield_now();
            }
            room.tally()
        });
        votes(&link, &|| closed.store(true, Ordering::Relaxed));
        over.store(true, Ordering::Relaxed);
        frames.join().unwrap()
    })
}

fn asks(question: &str, choices: &[(&str, &str)]) -> Ballot {
    let choices = choices.iter().map(|(letter, text)| ((*letter).to_owned(), (*text).to_owned())).collect();
    let (question, text) = (question.to_owned(), "The primary dies.".to_owned());
    Ballot { id: "1".into(), question, text, choices, standing: Voting::Open }
}

#[test]
fn a_phone_votes_and_is_told_what_happened() {
    let Some(mut phone) = phone() else { return };
    let ballot = asks("What happens?", &[("A", "No order is lost."), ("B", "<b>All</b> are lost.")]);
    let votes = with_ballot(&ballot, 0, |link, close| {
        join(&mut phone, link, "Anna");
        phone.until_says("#question", "What happens?");
        phone.until_says("#choices", "<b>All</b> are lost.");
        phone.click("#choices button:nth-child(1)");
        phone.until("document.querySelector('#choices button:nth-child(1)').ariaChecked === 'true'");
        phone.reload();
        phone.until("document.querySelector('#choices [aria-checked=true]')?.textContent.includes('No order')");
        phone.click("#choices button:nth-child(2)");
        phone.until("document.querySelector('#choices button:nth-child(2)').ariaChecked === 'true'");
        close();
        phone.until_says("#outcome", "A happened. You said B.");
        assert_eq!(phone.value("document.querySelector('#choices button').disabled"), true, "the vote is over");
    });
    assert_eq!(votes, [(1, 1)].into(), "one vote a phone");
    assert_eq!(phone.complaints, Vec::<String>::new());
}

#[test]
fn a_phone_votes_for_a_number_however_large() {
    let Some(mut phone) = phone() else { return };
    let largest = room::LARGEST_NUMBER;
    let votes = with_ballot(&asks("How many messages?", &[]), 1234, |link, close| {
        join(&mut phone, link, "Anna");
        phone.types("#guessed", "1234");
        phone.click("#guesses");
        phone.until_says("#guesses", "You said 1234.");
        phone.reload();
        phone.until_says("#guesses", "You said 1234.");
        // The browser itself refuses what cannot be voted for.
        for refused in [(largest + 1).to_string(), "-1".to_owned(), "1.5".to_owned()] {
            phone.types("#guessed", &refused);
            assert_eq!(phone.value("document.querySelector('#guess').checkValidity()"), false, "{refused}");
        }
        phone.types("#guessed", &largest.to_string());
        phone.click("#guesses");
        phone.until_says("#guesses", &format!("You said {largest}."));
        close();
        phone.until_says("#outcome", &format!("1234 happened. You said {largest}."));
    });
    assert_eq!(votes, [(largest, 1)].into());
    assert_eq!(phone.complaints, Vec::<String>::new());
}
