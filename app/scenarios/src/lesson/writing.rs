//! A lesson as a file: what [`parse_lesson`](super::parse_lesson) reads back as the same lesson.
//!
//! Words that people typed are escaped, wherever Markdown or TOML would take them for something else.

mod prose;

use std::fmt::Write;

use protocol::order_book::MOST_SESSIONS;
use protocol::trace::Rate;
use toml::Value;

use super::markdown::slug;
use super::reading::HINT_AFTER;
use super::{Lesson, PARTS, Page, Prediction, QUANTITIES, Question, Spot};
use crate::written::{self, Fields, end_name, lines, node_name, number, text};
use crate::{Action, Expectations, Scenario, Step, WaitFor};
pub use prose::{escaped, markdown, typed};

/// The file.
#[must_use]
pub fn write_lesson(lesson: &Lesson) -> String {
    let mut file = format!("+++\n{}+++\n", front(lesson));
    for page in &lesson.pages {
        file.push('\n');
        file.push_str(&page_text(page));
    }
    file
}

fn front(lesson: &Lesson) -> String {
    let Lesson { title, goal, rule, minutes, try_next, speed, world, pages: _ } = lesson;
    let Scenario { replicas, customers, plant, acknowledge, steps, sessions, durable, expect, .. } = world;
    let mut fields: Fields = vec![("title", text(title)), ("goal", text(goal)), ("rule", text(rule))];
    fields.extend([("minutes", number(*minutes)), ("replicas", number(*replicas))]);
    fields.extend((*customers > 0).then(|| ("customers", number(*customers))));
    fields.extend((*sessions != MOST_SESSIONS).then(|| ("sessions", number(*sessions))));
    fields.extend(plant.map(|plant| ("plant", text(plant))));
    fields.extend((!acknowledge.is_safe()).then(|| ("acknowledge", text(acknowledge))));
    fields.extend(durable.then(|| ("durable", true.into())));
    fields.extend((*speed != Rate::REAL).then(|| ("speed", written::rate(*speed))));
    fields.extend((!try_next.is_empty()).then(|| ("try-next", words(try_next))));
    let mut front = lines(fields);
    for Step { action, .. } in steps {
        let _ = write!(front, "\n[[step]]\n{}", lines(written::action(action)));
    }
    let expected = expectations(expect);
    if !expected.is_empty() {
        let _ = write!(front, "\n[expect]\n{}", lines(expected));
    }
    front
}

fn expectations(expect: &Expectations) -> Fields {
    let least = |name, count: u64| (count > 0).then(|| (name, number(count)));
    let most = |name, count: Option<u64>| count.map(|count| (name, number(count)));
    let within = |name, length: Option<std::time::Duration>| length.map(|it| (name, number(it.as_millis())));
    let all = [
        least("acknowledged", expect.acknowledged),
        least("failovers", expect.failovers),
        least("view-changes", expect.view_changes),
        most("at-most-view-changes", expect.at_most_view_changes),
        within("longest-gap-ms", expect.longest_gap),
        most("timers-rung", expect.timers_rung),
        most("suspicions", expect.suspicions),
        least("faults", expect.faults),
        least("kinds", expect.kinds),
        least("failpoints", expect.failpoints),
        within("recovers-within-ms", expect.recovers_within),
        most("percent-of-calm", expect.percent_of_calm),
        (!expect.red.is_empty()).then(|| ("red", words(&expect.red))),
    ];
    all.into_iter().flatten().collect()
}

fn page_text(page: &Page) -> String {
    let mut file = format!("## {}", escaped(&page.title));
    if slug(&page.title) != page.id || page.title.trim_end().ends_with('}') {
        let _ = write!(file, " {{#{}}}", page.id);
    }
    let _ = write!(file, "\n\n{}\n", markdown(&page.text, ""));
    if let Some(prediction) = &page.prediction {
        file.push_str(&question(prediction));
    }
    if !page.hint.is_empty() {
        let _ = write!(file, "\n{}\n", markdown(&page.hint, "> "));
    }
    let program = program(page);
    if !program.is_empty() {
        let _ = write!(file, "\n```toml\n{}```\n", program.trim_start());
    }
    file
}

/// Choices, or the line in their place, and the explanation.
fn question(prediction: &Prediction) -> String {
    let mut file = String::new();
    let explains = !prediction.explanation.is_empty();
    if let Question::Choice(choices, _) = &prediction.question {
        file.push('\n');
        for choice in choices {
            let _ = writeln!(file, "- **{}** {}", escaped(&choice.letter), markdown(&choice.text, ""));
            if !choice.why_not.is_empty() {
                let _ = writeln!(file, "{}", markdown(&choice.why_not, "  > "));
            }
        }
    } else if explains {
        file.push_str("\n---\n");
    }
    if explains {
        let _ = write!(file, "\n{}\n", markdown(&prediction.explanation, ""));
    }
    file
}

fn program(page: &Page) -> String {
    let mut fields = Fields::new();
    if !page.spotlight.is_empty() {
        fields.push(("spotlight", words(&page.spotlight.iter().map(spot).collect::<Vec<_>>())));
    }
    fields.extend(page.stops.then_some(("stops", Value::Boolean(true))));
    fields.extend((i64::from(page.hint_after) != HINT_AFTER).then(|| ("hint-after-s", number(page.hint_after))));
    let mut program = lines(fields);
    tables(&mut program, "before", &page.before, written::action);
    tables(&mut program, "until", &page.until, written::condition);
    tables(&mut program, "do-it", &page.do_it, written::action);
    if let Some(prediction) = &page.prediction {
        predict(&mut program, prediction);
    }
    program
}

fn predict(program: &mut String, prediction: &Prediction) {
    let Prediction { question, then, until, explanation: _ } = prediction;
    let fields = match question {
        Question::Choice(choices, model) => {
            vec![("model", text(choices.get(*model).map_or("", |choice| choice.letter.as_str())))]
        }
        Question::Node(node, model) => vec![("model", text(node_name(model))), ("node", text(node_name(node)))],
        Question::Number(quantity, model) => {
            let word = QUANTITIES.iter().find(|(_, known)| known == quantity).map_or("copies", |(word, _)| word);
            vec![("model", text(model)), ("number", text(word))]
        }
    };
    let _ = write!(program, "\n[predict]\n{}", lines(fields));
    tables(program, "predict.then", then, written::action as fn(&Action) -> Fields);
    tables(program, "predict.until", until, written::condition as fn(&WaitFor) -> Fields);
    if let Question::Choice(choices, _) = question {
        for choice in choices {
            let key = format!("predict.right-if.{}", quoted_key(&choice.letter));
            if choice.right_if.is_empty() {
                // Right whatever happens: the empty list of conditions.
                let _ = write!(program, "\n[predict.right-if]\n{} = []\n", quoted_key(&choice.letter));
            }
            tables(program, &key, &choice.right_if, written::condition);
        }
    }
}

fn quoted_key(letter: &str) -> String {
    let is_bare = letter.chars().all(|it| it.is_ascii_alphanumeric());
    if is_bare && !letter.is_empty() { letter.to_owned() } else { text(letter).to_string() }
}

fn tables<T>(program: &mut String, name: &str, all: &[T], fields: impl Fn(&T) -> Fields) {
    for (number, one) in all.iter().enumerate() {
        let gap = if number == 0 { "\n" } else { "" };
        let _ = write!(program, "{gap}[[{name}]]\n{}", lines(fields(one)));
    }
}

fn words(all: &[impl ToString]) -> Value {
    Value::Array(all.iter().map(text_of).collect())
}

fn text_of(words: &impl ToString) -> Value {
    text(words.to_string())
}

/// "link Grace > front-end".
fn spot(spot: &Spot) -> String {
    match spot {
        Spot::End(end) => end_name(end).to_owned(),
        Spot::Link(from, to) => format!("link {} > {}", end_name(from), end_name(to)),
        Spot::Messages(step) => format!("messages {step}"),
        Spot::Light(light) => format!("light {light}"),
        Spot::Part(part) => PARTS.iter().find(|(_, known)| known == part).map_or("", |(word, _)| word).to_owned(),
    }
}
