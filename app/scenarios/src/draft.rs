//! A lesson that is being written: its pages with their words as they are typed, and what can be done with pages.
//!
//! A draft becomes a lesson only by way of the file: what is written is read back, so that whatever can be tried and saved is
//! a lesson.

use crate::lesson::reading::LONGEST_TEXT;
use crate::{
    Action, Choice, Lesson, NodeName, Page, Prediction, Question, WaitFor, markdown, parse_lesson, typed, write_lesson,
};

/// A lesson's pages and head. The words of its pages stand beside them, as Markdown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The lesson without pages.
    pub head: Lesson,
    pub pages: Vec<DraftPage>,
}

/// A page and its words, as they are typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DraftPage {
    /// What happens on it; its own words do not count.
    pub page: Page,
    pub title: String,
    pub text: String,
    pub hint: String,
    /// Of a prediction.
    pub explanation: String,
    /// Of a prediction: the words of each choice, and why it is wrong.
    pub choices: Vec<(String, String)>,
}

/// Why a draft is no lesson yet. Pages count from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    NoTitle,
    NoGoal,
    NoRule,
    NoPages,
    NoHeading(usize),
    NoText(usize),
    NoChoice(usize),
    /// What the reader of files says.
    Refused(String),
}

/// At most this many characters are typed as the text of a page.
pub const LONGEST_PAGE: usize = LONGEST_TEXT;

impl Draft {
    /// Of a lesson, as it is.
    #[must_use]
    pub fn of(lesson: Lesson) -> Self {
        let pages = lesson.pages.iter().map(DraftPage::of).collect();
        Self { head: Lesson { pages: Vec::new(), ..lesson }, pages }
    }

    /// As a lesson.
    ///
    /// # Errors
    /// The first thing that is missing or wrong.
    pub fn lesson(&self) -> Result<Lesson, Fault> {
        for (line, fault) in
            [(&self.head.title, Fault::NoTitle), (&self.head.goal, Fault::NoGoal), (&self.head.rule, Fault::NoRule)]
        {
            if line.trim().is_empty() {
                return Err(fault);
            }
        }
        if self.pages.is_empty() {
            return Err(Fault::NoPages);
        }
        for (number, page) in self.pages.iter().enumerate() {
            if page.title.trim().is_empty() {
                return Err(Fault::NoHeading(number));
            }
            if typed(&page.text).is_empty() {
                return Err(Fault::NoText(number));
            }
            if page.page.prediction.is_some() && page.choices.iter().any(|(text, _)| typed(text).is_empty()) {
                return Err(Fault::NoChoice(number));
            }
        }
        parse_lesson(&self.file()).map_err(|error| Fault::Refused(error.to_string()))
    }

    /// As a file: with a dot for each word that is missing, so that it can be kept.
    #[must_use]
    pub fn file(&self) -> String {
        let mut lesson = self.head.clone();
        for line in [&mut lesson.title, &mut lesson.goal, &mut lesson.rule] {
            *line = one_line(line);
        }
        lesson.world.title.clone_from(&lesson.title);
        for page in &self.pages {
            let mut page = page.as_page();
            if page.id.is_empty() || lesson.pages.iter().any(|other| other.id == page.id) {
                page.id = free_id(&page.title, &lesson.pages);
            }
            lesson.pages.push(page);
        }
        write_lesson(&lesson)
    }

    /// Two pages become one: both things are done, and the second is waited for.
    pub fn merge_with_before(&mut self, number: usize) {
        if number == 0 || number >= self.pages.len() || !self.can_merge(number) {
            return;
        }
        let second = self.pages.remove(number);
        let first = &mut self.pages[number - 1];
        let (one, other) = (&mut first.page, second.page);
        if one.asks() {
            let within = crate::check::USUAL_WAIT;
            one.do_it.extend(one.until.drain(..).map(|for_what| Action::Wait { for_what, within }).take(1));
            one.do_it.extend(other.before.into_iter().chain(other.do_it));
        } else {
            one.before.extend(other.before);
            one.do_it = other.do_it;
        }
        (one.until, one.stops) = (other.until, other.stops);
        one.spotlight
            .extend(other.spotlight.into_iter().filter(|spot| !one.spotlight.contains(spot)).collect::<Vec<_>>());
        let join = |one: &mut String, other: &str| {
            if !other.trim().is_empty() {
                let gap = if one.trim().is_empty() { "" } else { "\n\n" };
                *one = one.trim_end().to_owned() + gap + other;
            }
        };
        join(&mut first.text, &second.text);
        join(&mut first.hint, &second.hint);
        first.text = first.text.chars().take(LONGEST_TEXT).collect();
    }

    /// Whether a page can become one with the page before: predictions stay pages of their own, and what only the lesson does
    /// cannot follow what a reader does.
    #[must_use]
    pub fn can_merge(&self, number: usize) -> bool {
        let of = |number: usize| self.pages.get(number).map(|it| &it.page).filter(|page| page.prediction.is_none());
        let (Some(first), Some(second)) = (number.checked_sub(1).and_then(of), of(number)) else { return false };
        !first.asks() || second.asks()
    }

    /// What the lesson does on a page, and what a reader does, on a page each; or the first half of what is done.
    pub fn split(&mut self, number: usize) {
        let Some(place) = self.pages.get_mut(number) else { return };
        let Some((first, second)) = halves(&place.page) else { return };
        let page =
            DraftPage { page: second, title: place.title.clone(), text: place.text.clone(), ..DraftPage::default() };
        place.page = first;
        self.pages.insert(number + 1, page);
    }

    #[must_use]
    pub fn can_split(&self, number: usize) -> bool {
        self.pages.get(number).is_some_and(|page| halves(&page.page).is_some())
    }

    /// A page to read, after this one.
    pub fn insert_after(&mut self, number: usize) {
        let place = (number + 1).min(self.pages.len());
        let page = Page { hint_after: 20, ..Page::default() };
        self.pages.insert(place, DraftPage { page, ..DraftPage::default() });
    }

    pub fn remove(&mut self, number: usize) {
        if number < self.pages.len() {
            self.pages.remove(number);
        }
    }

    /// One place up or down.
    pub fn exchange(&mut self, number: usize, other: usize) {
        if number.max(other) < self.pages.len() {
            self.pages.swap(number, other);
        }
    }

    /// A task becomes a question: the same happens, once the reader has predicted what follows. `otherwise`: what another
    /// answer takes for right.
    pub fn ask(&mut self, number: usize, otherwise: WaitFor) {
        let Some(DraftPage { page, choices, .. }) = self.pages.get_mut(number) else { return };
        if page.prediction.is_some() || page.until.is_empty() {
            return;
        }
        let until = std::mem::take(&mut page.until);
        let choice =
            |letter: &str, right_if| Choice { letter: letter.into(), text: typed(""), why_not: typed(""), right_if };
        let all = vec![choice("A", until.clone()), choice("B", vec![otherwise])];
        *choices = vec![Default::default(); all.len()];
        let question = Question::Choice(all, 0);
        let then = std::mem::take(&mut page.do_it);
        page.stops = false;
        page.prediction = Some(Prediction { question, then, until, explanation: typed("") });
    }

    /// A question becomes a task again.
    pub fn ask_no_more(&mut self, number: usize) {
        let Some(DraftPage { page, choices, .. }) = self.pages.get_mut(number) else { return };
        if let Some(Prediction { then, until, .. }) = page.prediction.take() {
            (page.do_it, page.until) = (then, until);
            choices.clear();
        }
    }

    /// What a choice can take for right, in this lesson.
    #[must_use]
    pub fn facts(&self) -> Vec<WaitFor> {
        let replicas = self.head.world.replicas;
        let mut all: Vec<WaitFor> = self.pages.iter().flat_map(|page| page.page.until.clone()).collect();
        let predictions = self.pages.iter().filter_map(|page| page.page.prediction.as_ref());
        all.extend(predictions.flat_map(|it| it.until.clone()));
        for step in &self.head.world.steps {
            if let Action::Customer { name, .. } = &step.action {
                all.extend([1, 0, 2].map(|count| WaitFor::Placed { customer: name.clone(), count }));
            }
        }
        all.extend([WaitFor::ViewChange, WaitFor::Serving, WaitFor::Refused, WaitFor::Ended(NodeName::Primary)]);
        all.extend((1..=replicas).map(|count| WaitFor::Members(Some(count))));
        all.extend((1..=replicas).map(WaitFor::Copies));
        all.extend((1..=replicas).map(|count| WaitFor::Leads(NodeName::Named(format!("replica-{count}")))));
        let mut seen = Vec::new();
        all.retain(|what| {
            !seen.contains(what) && {
                seen.push(what.clone());
                true
            }
        });
        all
    }
}

impl DraftPage {
    fn of(page: &Page) -> Self {
        let prediction = page.prediction.as_ref();
        let choices = match prediction.map(|it| &it.question) {
            Some(Question::Choice(choices, _)) => {
                choices.iter().map(|it| (markdown(&it.text, ""), markdown(&it.why_not, ""))).collect()
            }
            Some(Question::Node(..) | Question::Number(..)) | None => Vec::new(),
        };
        Self {
            title: page.title.clone(),
            text: markdown(&page.text, ""),
            hint: markdown(&page.hint, ""),
            explanation: prediction.map_or_else(String::new, |it| markdown(&it.explanation, "")),
            choices,
            page: page.clone(),
        }
    }

    fn as_page(&self) -> Page {
        let mut page = self.page.clone();
        page.title = one_line(&self.title);
        page.text = typed(if typed(&self.text).is_empty() { "…" } else { &self.text });
        page.hint = typed(&self.hint);
        if let Some(prediction) = &mut page.prediction {
            prediction.explanation = typed(&self.explanation);
            if let Question::Choice(choices, _) = &mut prediction.question {
                for (choice, (text, why_not)) in choices.iter_mut().zip(&self.choices) {
                    // A choice is one line.
                    choice.text = typed(&one_line(text));
                    choice.why_not = typed(why_not);
                }
            }
        }
        page
    }
}

/// A line, or a dot in its place.
fn one_line(text: &str) -> String {
    let line = text.split(|it: char| it.is_whitespace() || it.is_control()).filter(|word| !word.is_empty());
    let line = line.collect::<Vec<_>>().join(" ");
    if line.is_empty() { "…".to_owned() } else { line }
}

fn free_id(title: &str, taken: &[Page]) -> String {
    let begin = match crate::lesson::slug(title) {
        none if none.is_empty() => "page".to_owned(),
        slug => slug,
    };
    let is_free = |id: &String| !taken.iter().any(|page| page.id == *id);
    let numbered = (2..).map(|number| format!("{begin}-{number}"));
    std::iter::once(begin.clone()).chain(numbered).find(is_free).unwrap_or_default()
}

fn halves(page: &Page) -> Option<(Page, Page)> {
    if page.prediction.is_some() {
        return None;
    }
    let (mut first, mut second) = (page.clone(), Page { id: String::new(), ..page.clone() });
    if page.asks() && !page.before.is_empty() {
        (first.until, first.do_it, first.stops) = (Vec::new(), Vec::new(), false);
        second.before = Vec::new();
    } else if let Some(at) = page.do_it.iter().position(|step| matches!(step, Action::Wait { .. }))
        && at + 1 < page.do_it.len()
        && let Action::Wait { for_what, .. } = &page.do_it[at]
    {
        (first.until, first.stops) = (vec![for_what.clone()], false);
        first.do_it.truncate(at);
        second.before = Vec::new();
        second.do_it.drain(..=at);
    } else if page.before.len() > 1 {
        let half = page.before.len() / 2;
        first.before.truncate(half);
        second.before.drain(..half);
    } else {
        return None;
    }
    Some((first, second))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes something away that a lesson needs.
    type Spoil = fn(&mut Draft);

    /// A lesson with tasks and questions.
    fn draft() -> Draft {
        let (_, text) = crate::built_in_lesson("primary-dies").unwrap();
        Draft::of(parse_lesson(text).unwrap())
    }

    #[test]
    fn every_built_in_lesson_can_be_edited_and_stays_as_it_is() {
        for (name, lesson) in crate::built_in_lessons() {
            let draft = Draft::of(lesson.clone());
            assert_eq!(draft.lesson().as_ref(), Ok(lesson), "{name}");
        }
    }

    #[test]
    fn what_is_missing_is_said_and_can_still_be_kept() {
        let faults: [(Spoil, Fault); 6] = [
            (|it| it.head.title = " \n".into(), Fault::NoTitle),
            (|it| it.head.goal.clear(), Fault::NoGoal),
            (|it| it.head.rule.clear(), Fault::NoRule),
            (|it| it.pages[1].title.clear(), Fault::NoHeading(1)),
            (|it| it.pages[2].text = "\n".into(), Fault::NoText(2)),
            (|it| it.pages[4].choices[1].0.clear(), Fault::NoChoice(4)),
        ];
        for (spoil, fault) in faults {
            let mut draft = draft();
            spoil(&mut draft);
            assert_eq!(draft.lesson(), Err(fault));
            let is_no_choice = draft.pages[4].choices.iter().all(|(text, _)| !text.is_empty());
            assert!(!is_no_choice || parse_lesson(&draft.file()).is_ok());
        }
        let mut empty = draft();
        empty.pages.clear();
        assert_eq!(empty.lesson(), Err(Fault::NoPages));
    }

    #[test]
    fn pages_are_merged_split_moved_inserted_and_removed() {
        let mut draft = draft();
        let whole = draft.clone();
        assert!(draft.can_merge(2) && draft.can_split(2));
        draft.split(2);
        let sizes = (draft.pages.len(), draft.pages[2].page.asks(), draft.pages[3].page.before.len());
        assert_eq!(sizes, (whole.pages.len() + 1, false, 0));
        draft.merge_with_before(3);
        assert_eq!(draft.pages[2].page, whole.pages[2].page);
        draft.merge_with_before(3);
        let [first, wait, ..] = &draft.pages[2].page.do_it[..] else { panic!("{:?}", draft.pages[2].page) };
        assert!(matches!((first, wait), (Action::Order { .. }, Action::Wait { for_what: WaitFor::Asked(_), .. })));
        assert!(draft.lesson().is_ok() && !draft.can_merge(0) && !draft.can_merge(3), "a prediction stays alone");
        draft.insert_after(0);
        assert_eq!(draft.lesson(), Err(Fault::NoHeading(1)));
        draft.pages[1].title = draft.pages[0].title.clone();
        draft.pages[1].text = "Words.".into();
        let ids: Vec<String> = draft.lesson().unwrap().pages.into_iter().map(|page| page.id).collect();
        assert_eq!(ids[..2], ["three-copies", "three-copies-2"], "names do not clash");
        draft.exchange(0, 1);
        draft.remove(1);
        assert_eq!(draft.lesson().unwrap().pages[0].text.plain(), "Words.");
    }

    #[test]
    fn a_task_becomes_a_question_and_a_task_again() {
        let mut draft = draft();
        let task = draft.pages[2].page.clone();
        let facts = draft.facts();
        assert!(facts.contains(&WaitFor::ViewChange) && facts.len() > 10);
        draft.ask(2, WaitFor::ViewChange);
        draft.pages[2].choices = vec![("She asks.".into(), String::new()), ("No.".into(), "Why not".into())];
        let lesson = draft.lesson().unwrap();
        let Some(Prediction { question: Question::Choice(choices, 0), .. }) = &lesson.pages[2].prediction else {
            panic!()
        };
        assert_eq!(choices[0].right_if, task.until);
        draft.ask_no_more(2);
        assert_eq!((&draft.pages[2].page.until, &draft.pages[2].page.do_it), (&task.until, &task.do_it));
    }
}
