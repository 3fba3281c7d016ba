//! What is said around a lesson's own words: how far it is, what a reader may do, and a prediction beside what happened.

use std::ops::RangeInclusive;

use scenarios::lesson_run::{Answer, Fact, PageRun, Progress, Revealed, Votes};
use scenarios::{Lesson, Page, Quantity, Question};

use super::count;

/// On to the next page.
pub const NEXT: &str = "Next";
/// Back to the page before.
pub const BACK: &str = "Back";
/// On without having done what the page asks for.
pub const SKIP: &str = "Skip";
pub const DO_IT_FOR_ME: &str = "Do it for me";
/// The last page is done.
pub const FINISH: &str = "Finish";
/// Of a prediction nobody wants to make.
pub const JUST_SHOW_ME: &str = "Just show me";
/// A lesson whose cluster is being started.
pub const LESSON_STARTS: &str = "The lesson's cluster is starting…";
/// A page whose beginning is being brought about.
pub const PAGE_PREPARES: &str = "One moment: the cluster gets ready for this page.";
/// A prediction was made.
pub const IT_HAPPENS: &str = "It happens now. Watch the picture.";
/// What a page waits for has happened.
pub const PAGE_DONE: &str = "Done.";
/// A page asks for what happened before it was opened.
pub const PAGE_WAS_SO: &str = "This has already happened.";
/// Nothing can happen while time stands still.
pub const RUN_TO_GO_ON: &str = "Time stands still. Press Run to go on.";
/// After the last page.
pub const LESSON_JUDGED: &str = "Every order is read once more and judged…";

/// "4 of 9".
pub fn page_of(at: usize, lesson: &Lesson) -> String {
    let pages = lesson.pages.len();
    format!("{} of {pages}", (at + 1).min(pages))
}

/// An answer in words: a choice's letter and text, a node's name, a number of something.
pub fn answer_words(answer: &Answer, question: &Question) -> String {
    match (answer, question) {
        (Answer::Choice(number), Question::Choice(choices, _)) => choices
            .get(*number)
            .map_or_else(String::new, |choice| format!("{}: {}", choice.letter, choice.text.plain())),
        (Answer::Number(number), Question::Number(quantity, _)) => counted(*quantity, *number),
        (Answer::Number(number), _) => number.to_string(),
        (Answer::Node(name), _) => name.clone(),
        (Answer::Choice(_), _) => String::new(),
    }
}

fn counted(quantity: Quantity, number: u64) -> String {
    match quantity {
        Quantity::Copies => count(number as usize, "equal copy", "equal copies"),
        Quantity::Members => count(number as usize, "member", "members"),
        Quantity::View => format!("view {number}"),
        Quantity::Messages => count(number as usize, "message", "messages"),
    }
}

/// What is asked besides the page's own words, if the answer is no choice.
pub fn asked_for(question: &Question) -> Option<&'static str> {
    match question {
        Question::Choice(..) => None,
        Question::Node(..) => Some("Click the node that you mean."),
        Question::Number(..) => Some("Enter a number."),
    }
}

/// Whether the prediction came true.
pub fn came_true(revealed: &Revealed<'_>) -> String {
    let question = &revealed.prediction.question;
    match (revealed.fact, revealed.is_right()) {
        (Fact::Other, _) => "What happened fits none of these answers.".into(),
        (Fact::Is(fact), None) => format!("What happened is {}", answer_words(fact, question)),
        (Fact::Is(_), Some(true)) => "Your prediction came true.".into(),
        (Fact::Is(fact), Some(false)) => format!("Something else happened: {}", answer_words(fact, question)),
    }
}

/// Why the reader's choice was wrong, in the lesson's words.
pub fn why_not(revealed: &Revealed<'_>) -> Option<String> {
    let (Some(Answer::Choice(number)), Question::Choice(choices, _)) = (revealed.answer, &revealed.prediction.question)
    else {
        return None;
    };
    let choice =
        choices.get(*number).filter(|choice| revealed.is_right() == Some(false) && !choice.why_not.is_empty())?;
    Some(format!("Why not {}: {}", choice.letter, choice.why_not.plain()))
}

/// How many predictions came true, for the end.
pub fn predictions<'a>(revealed: impl Iterator<Item = Revealed<'a>>) -> String {
    let made: Vec<bool> = revealed.filter_map(|revealed| revealed.is_right()).collect();
    let right = made.iter().filter(|right| **right).count();
    match made.len() {
        0 => "You made no prediction.".into(),
        1 if right == 1 => "Your prediction came true.".into(),
        1 => "Your prediction did not come true.".into(),
        all => format!("{right} of your {all} predictions came true."),
    }
}

/// Whether a page still asks the reader to do something.
pub fn asks(page: &Page, run: &PageRun) -> bool {
    run.progress == Progress::Open && page.asks()
}

/// Over the catalogue.
pub const LESSONS_MEAN: &str = "A lesson takes a few minutes. It starts a cluster of its own, tells you what to do, and asks what you expect before it happens.";
/// On the button that opens a lesson from a file.
pub const OPEN_LESSON_HINT: &str = "A Markdown file. You can also drop it on the window.";
/// Before a lesson from a file is taken.
pub const LESSON_BEGINS: &str = "This ends the present cluster with its orders, faults and customers, and discards its tape. The lesson starts a cluster of its own.";
/// While a page before is looked at.
pub const LOOKING_BACK: &str = "You are looking at the past. The cluster stands where you left it.";
/// Of the past, on the end page.
pub const SHOW_ME: &str = "Show me";

/// "(5 minutes)".
#[must_use]
pub fn minutes(minutes: u32) -> String {
    format!("({})", count(minutes as usize, "minute", "minutes"))
}

/// "Lesson 3 · The primary dies mid-order · 4 of 9", and shorter.
#[must_use]
pub fn lesson_chip(number: Option<usize>, title: &str, at: Option<(usize, &Lesson)>) -> [String; 3] {
    let lesson = number.map_or_else(|| "Lesson".to_owned(), |number| format!("Lesson {number}"));
    match at.map(|(at, lesson)| page_of(at, lesson)) {
        Some(page) => [format!("{lesson} · {title} · {page}"), format!("{lesson} · {page}"), page],
        None => [format!("{lesson} · {title}"), lesson.clone(), lesson],
    }
}

/// How many voted for one of these answers in each round: "11", "11 → 17".
#[must_use]
pub fn votes(rounds: &[Votes], answers: RangeInclusive<u64>) -> String {
    let told = rounds.iter().map(|round| round.range(answers.clone()).map(|(_, votes)| votes).sum::<u32>().to_string());
    told.collect::<Vec<_>>().join(" → ")
}

/// Numbers that share a bar: "3", "103 to 118".
#[must_use]
pub fn numbers(first: u64, last: u64) -> String {
    if first == last { first.to_string() } else { format!("{first} to {last}") }
}

/// There is nothing that “the same order again” could mean.
pub const NO_ORDER_TO_REPEAT: &str = "The chosen customer has not ordered yet, so there is no order to repeat.";
/// The first start.
pub const FIRST_ORDER: &str = "Choose a dish and place an order.";
/// Below it.
pub const OR_A_LESSON: &str = "Or take a lesson: Menu, Lessons (K).";
/// The button that lets it happen.
pub const SEE_WHAT_HAPPENS: &str = "See what happens";
/// For a room.
pub const COUNT_HANDS: &str = "In a room: count hands";
/// After a discussion.
pub const VOTE_AGAIN: &str = "Vote again";

/// Ends a show of hands, or a vote by phone, too.
#[must_use]
pub fn close_vote(votes: u32, by_phone: bool) -> String {
    let [one, several] = if by_phone { ["vote", "votes"] } else { ["hand", "hands"] };
    format!("Close the vote ({})", count(votes as usize, one, several))
}

/// From the past to the open page.
#[must_use]
pub fn to_page(at: usize, lesson: &Lesson) -> String {
    if at < lesson.pages.len() { format!("On to page {}", at + 1) } else { "On to the end".to_owned() }
}

/// What could not be done on a page.
#[must_use]
pub fn lesson_trouble(why: &str) -> String {
    format!("Part of this page could not be done: {why}. Go on, or start the lesson over.")
}

/// A lesson by its title, a scenario by its title, a museum script by what it switches on.
#[must_use]
pub fn try_next(name: &str) -> String {
    if let Some((_, lesson)) = scenarios::built_in_lessons().iter().find(|(known, _)| *known == name) {
        return format!("Lesson: {}", lesson.title);
    }
    match (scenarios::built_in_title(name), name.starts_with("museum/")) {
        (Some(title), true) => format!("Unsafe: {title}"),
        (Some(title), false) => title.to_owned(),
        (None, _) => name.to_owned(),
    }
}
