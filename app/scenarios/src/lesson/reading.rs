//! From the file to the lesson: limits, names, and whether each page has what it needs. The first thing that is wrong is refused with
//! line and column.

use std::io::Read;
use std::time::Duration;

use serde::de::DeserializeOwned;
use toml::Spanned;

use protocol::order_book::MOST_SESSIONS;
use protocol::trace::Rate;

use super::file::{FilePage, FilePrediction, Front, TranslatedFront};
use super::markdown::{Block, Document, RawPage, Refusal, document};
use super::{Choice, Lesson, PARTS, Page, Prediction, QUANTITIES, Question, Spot};
use crate::check::actions::rate;
use crate::check::{self, Cast, LONGEST_TITLE, MOST_CUSTOMERS, MOST_REPLICAS, refuse, shown, within};
use crate::words::{self, LIGHTS};
use crate::{EndName, NodeName, Scenario, ScenarioError, located, too_large, utf_8};

pub(crate) const MOST_PAGES: usize = 60;
/// Of all paragraphs of a page, in characters.
pub(crate) const LONGEST_TEXT: usize = 600;
const MOST_CHOICES: usize = 4;
/// When a hint comes, in seconds, if the page does not say.
pub(super) const HINT_AFTER: i64 = 20;
/// The world of a lesson has no end of its own.
const NO_END: Duration = Duration::MAX;

/// Reads a lesson.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn parse_lesson(text: &str) -> Result<Lesson, ScenarioError> {
    within_limits(text)?;
    let read = || {
        let document = document(text)?;
        lesson(&document)
    };
    read().map_err(|(at, why)| located(text, at, why))
}

/// Reads a lesson within its limits.
///
/// # Errors
/// When it cannot be read at all; else the first thing that is wrong, with its place.
pub fn read_lesson(source: impl Read) -> std::io::Result<Result<Lesson, ScenarioError>> {
    Ok(utf_8(source)?.and_then(|text| parse_lesson(&text)))
}

/// The same lesson in the words of a translation, which has the same pages and choices and no TOML but its title, goal and rule.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn translate(lesson: &Lesson, text: &str) -> Result<Lesson, ScenarioError> {
    within_limits(text)?;
    let read = || {
        let document = document(text)?;
        translated(lesson, &document)
    };
    read().map_err(|(at, why)| located(text, at, why))
}

fn within_limits(text: &str) -> Result<(), ScenarioError> {
    match text.len() as u64 > crate::LARGEST_FILE {
        true => Err(ScenarioError { line: 1, column: 1, why: too_large() }),
        false => Ok(()),
    }
}

fn from_toml<T: DeserializeOwned>(block: &Block) -> Result<T, Refusal> {
    toml::from_str(&block.text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        (block.at + at, error.message().to_owned())
    })
}

/// Places in a block are places in the file.
fn in_block<T>(block: &Block, read: Result<T, Refusal>) -> Result<T, Refusal> {
    read.map_err(|(at, why)| (block.at + at, why))
}

fn lesson(document: &Document) -> Result<Lesson, Refusal> {
    let block = &document.front;
    let front: Front = from_toml(block)?;
    let mut lesson = in_block(block, head(&front))?;
    let mut cast = Cast::of(lesson.world.replicas);
    lesson.world.steps =
        in_block(block, check::immediate(&front.step, &mut cast))?.into_iter().map(crate::step).collect();
    if document.pages.len() > MOST_PAGES {
        return Err((document.pages[MOST_PAGES].at, format!("a lesson has at most {MOST_PAGES} pages")));
    }
    if document.pages.is_empty() {
        return Err((0, "a lesson has at least one page: “## Title”".into()));
    }
    for raw in &document.pages {
        lesson.pages.push(page(raw, &mut cast)?);
    }
    Ok(lesson)
}

/// The lesson without pages.
fn head(front: &Front) -> Result<Lesson, Refusal> {
    let number = |number: &Option<Spanned<i64>>, least, most, name, usual| match number {
        Some(number) => within(number, least, most, name),
        None => Ok(usual),
    };
    let sessions = number(&front.sessions, 1, i64::from(MOST_SESSIONS), "sessions", i64::from(MOST_SESSIONS))?;
    let title = sentence(&front.title, "a title")?;
    let world = Scenario {
        title: title.clone(),
        replicas: within(&front.replicas, 1, i64::from(MOST_REPLICAS), "replicas")? as u32,
        customers: number(&front.customers, 0, MOST_CUSTOMERS, "customers", 0)? as u32,
        lasts: NO_END,
        plant: front.plant.as_ref().map(check::plant).transpose()?.flatten(),
        acknowledge: front.acknowledge.as_ref().map(check::acknowledge).transpose()?.unwrap_or_default(),
        steps: Vec::new(),
        again_after: None,
        sessions: sessions as u32,
        etcd: false,
        durable: front.durable,
        expect: check::expectations(&front.expect)?,
    };
    Ok(Lesson {
        title,
        goal: sentence(&front.goal, "a goal")?,
        rule: sentence(&front.rule, "a rule")?,
        minutes: within(&front.minutes, 1, 60, "minutes")? as u32,
        try_next: front.try_next.iter().map(|name| name.get_ref().clone()).collect(),
        speed: front.speed.as_ref().map(|share| rate(share, true)).transpose()?.unwrap_or(Rate::REAL),
        world,
        pages: Vec::new(),
    })
}

fn sentence(text: &Spanned<String>, what: &str) -> Result<String, Refusal> {
    let line = text.get_ref().trim();
    match line.is_empty() || line.chars().count() > LONGEST_TITLE || line.chars().any(char::is_control) {
        true => refuse(text, format!("{what} is one line of 1 to {LONGEST_TITLE} characters")),
        false => Ok(line.to_owned()),
    }
}

fn page(raw: &RawPage, cast: &mut Cast) -> Result<Page, Refusal> {
    has_words(raw)?;
    let nothing = Block::default();
    let block = raw.program.as_ref().unwrap_or(&nothing);
    let mut file: FilePage = from_toml(block)?;
    let asks = file.predict.is_some();
    if !asks && !raw.choices.is_empty() {
        return Err((raw.choices[0].at, "choices need “[predict]” in the page's TOML".into()));
    }
    if let (Some(at), false) = (raw.parted, asks) {
        return Err((at, "only a page with “[predict]” has an explanation".into()));
    }
    let mut read = || {
        let before = check::immediate(&file.before, cast)?;
        // A reader may do what the page asks for in another way: what the steps below add is not there for sure.
        let until = check::conditions(&mut file.until, cast)?;
        let do_it = check::immediate(&file.do_it, cast)?;
        let spotlight = file.spotlight.iter().map(|word| spot(word, cast)).collect::<Result<_, _>>()?;
        let hint_after = file.hint_after_s.as_ref().map_or(Ok(HINT_AFTER), |it| within(it, 1, 600, "hint-after-s"))?;
        if let (Some(predict), false) = (&file.predict, until.is_empty() && do_it.is_empty()) {
            return refuse(
                &predict.model,
                "a page that asks for a prediction has no “until” and no “do-it” besides".into(),
            );
        }
        Ok(Page {
            id: raw.id.clone(),
            title: raw.title.clone(),
            text: raw.text.clone(),
            hint: raw.hint.clone(),
            hint_after: hint_after as u32,
            spotlight,
            before,
            until,
            stops: file.stops,
            do_it,
            prediction: file.predict.as_mut().map(|predict| prediction(raw, predict, cast)).transpose()?,
        })
    };
    in_block(block, read())
}

fn has_words(raw: &RawPage) -> Result<(), Refusal> {
    let length = raw.text.plain().chars().count();
    match length {
        0 => Err((raw.at, "a page has at least one paragraph".into())),
        1..=LONGEST_TEXT => Ok(()),
        _ => Err((raw.at, format!("the text of a page has at most {LONGEST_TEXT} characters; make it two pages"))),
    }
}

fn prediction(raw: &RawPage, file: &mut FilePrediction, cast: &mut Cast) -> Result<Prediction, Refusal> {
    let then = check::immediate(&file.then, cast)?;
    Ok(Prediction {
        question: question(raw, file, cast)?,
        then,
        until: check::conditions(&mut file.until, cast)?,
        explanation: raw.explanation.clone(),
    })
}

fn question(raw: &RawPage, file: &mut FilePrediction, cast: &mut Cast) -> Result<Question, Refusal> {
    let model = &file.model;
    match (&file.node, &file.number, raw.choices.is_empty()) {
        (Some(node), None, true) => Ok(Question::Node(node_named(node, cast)?, node_named(model, cast)?)),
        (None, Some(number), true) => {
            let quantity = words::resolving(&QUANTITIES, number.get_ref()).or_else(|known| {
                refuse(number, format!("“{}” cannot be counted; the choices are: {known}", shown(number.get_ref())))
            })?;
            match model.get_ref().parse() {
                Ok(model) => Ok(Question::Number(quantity, model)),
                Err(_) => refuse(model, "the model's answer to “number” is a number, in quotation marks".into()),
            }
        }
        (None, None, false) => choices(raw, file, cast),
        _ => refuse(model, "a prediction has choices on its page, or “node”, or “number”: one of them".into()),
    }
}

fn choices(raw: &RawPage, file: &mut FilePrediction, cast: &mut Cast) -> Result<Question, Refusal> {
    let (written, model) = (raw.choices.len(), &file.model);
    if !(2..=MOST_CHOICES).contains(&written) {
        return refuse(model, format!("a prediction has 2 to {MOST_CHOICES} choices"));
    }
    let mut all: Vec<Choice> = Vec::new();
    for raw in &raw.choices {
        let Some(mut right_if) = file.right_if.remove(&raw.letter) else {
            let why = format!("“[[predict.right-if.{}]]” is missing: when is this answer right?", raw.letter);
            return refuse(model, why);
        };
        all.push(Choice {
            letter: raw.letter.clone(),
            text: raw.text.clone(),
            why_not: raw.why_not.clone(),
            right_if: check::conditions(&mut right_if, cast)?,
        });
    }
    if let Some(letter) = file.right_if.keys().next() {
        return refuse(model, format!("there is no choice “{}” on this page", shown(letter)));
    }
    match all.iter().position(|choice| choice.letter == *model.get_ref()) {
        Some(model) => Ok(Question::Choice(all, model)),
        None => refuse(model, format!("there is no choice “{}” on this page", shown(model.get_ref()))),
    }
}

fn node_named(word: &Spanned<String>, cast: &Cast) -> Result<NodeName, Refusal> {
    cast.node(word, &[])
}

fn end_named(word: &Spanned<String>, name: &str, cast: &Cast) -> Result<EndName, Refusal> {
    let name = Spanned::new(word.span(), name.trim().to_owned());
    cast.end(&name)
}

/// "primary", "link Grace > front-end", "messages 5", "light lost", "timeline".
fn spot(word: &Spanned<String>, cast: &Cast) -> Result<Spot, Refusal> {
    let text = word.get_ref().trim();
    if let Ok(part) = words::resolving(&PARTS, text) {
        return Ok(Spot::Part(part));
    }
    match text.split_once(' ') {
        Some(("link", ends)) => match ends.split_once('>') {
            Some((from, to)) => Ok(Spot::Link(end_named(word, from, cast)?, end_named(word, to, cast)?)),
            None => refuse(word, "a link is written “link front-end > primary”".into()),
        },
        Some(("messages", step)) => match step.parse() {
            Ok(step @ 1..=14) => Ok(Spot::Messages(step)),
            Ok(_) | Err(_) => refuse(word, "the messages of a step are written “messages 5”, from 1 to 14".into()),
        },
        Some(("light", light)) => match words::resolving(&LIGHTS, light) {
            Ok(light) => Ok(Spot::Light(light)),
            Err(known) => refuse(word, format!("“{}” is not a light; the lights are: {known}", shown(light))),
        },
        _ => Ok(Spot::End(end_named(word, text, cast)?)),
    }
}

fn translated(lesson: &Lesson, document: &Document) -> Result<Lesson, Refusal> {
    let block = &document.front;
    let front: TranslatedFront = from_toml(block)?;
    let mut translated = lesson.clone();
    translated.title = in_block(block, sentence(&front.title, "a title"))?;
    translated.goal = in_block(block, sentence(&front.goal, "a goal"))?;
    translated.rule = in_block(block, sentence(&front.rule, "a rule"))?;
    let mut pages = document.pages.iter();
    for page in &mut translated.pages {
        match pages.next() {
            Some(raw) if raw.id == page.id => say_page(page, raw)?,
            Some(raw) => {
                let why = format!("here comes the page “{}”: its heading ends in “{{#{}}}”", page.id, page.id);
                return Err((raw.at, why));
            }
            None => return Err((0, format!("the page “{}” is missing", page.id))),
        }
    }
    match pages.next() {
        Some(raw) => Err((raw.at, "the lesson has no such page".into())),
        None => Ok(translated),
    }
}

fn say_page(page: &mut Page, raw: &RawPage) -> Result<(), Refusal> {
    has_words(raw)?;
    if let Some(block) = &raw.program {
        return Err((block.at, "a translation has no TOML: what happens is the same in every language".into()));
    }
    (page.title, page.text, page.hint) = (raw.title.clone(), raw.text.clone(), raw.hint.clone());
    let written = raw.choices.iter().map(|choice| &choice.letter);
    let Some(prediction) = &mut page.prediction else {
        return if raw.choices.is_empty() { Ok(()) } else { Err((raw.at, "this page has no choices".into())) };
    };
    prediction.explanation = raw.explanation.clone();
    let choices: &mut [Choice] = match &mut prediction.question {
        Question::Choice(choices, _) => choices,
        Question::Node(..) | Question::Number(..) => &mut [],
    };
    if !choices.iter().map(|choice| &choice.letter).eq(written) {
        return Err((raw.at, "this page has other choices than the lesson".into()));
    }
    for (choice, raw) in choices.iter_mut().zip(&raw.choices) {
        (choice.text, choice.why_not) = (raw.text.clone(), raw.why_not.clone());
    }
    Ok(())
}
