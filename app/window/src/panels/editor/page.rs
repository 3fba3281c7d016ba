//! The open page of the editor: what happens on it in words, what is typed on it, and what can be done with it.

use egui::{Button, ComboBox, Label, RichText, Ui, vec2};

use super::{PageClick, line, lines};
use crate::theme::{self, size, text, tokens};
use crate::widgets::{button, checkbox, destructive, dim};
use scenarios::{Choice, Draft, DraftPage, LONGEST_PAGE, NodeName, Page, Prose, Question, WaitFor};

pub(super) fn page_ui(ui: &mut Ui, draft: &mut Draft, number: usize) -> Option<PageClick> {
    ui.add_space(size::STEP);
    let facts = draft.facts();
    let nodes: Vec<NodeName> = nodes(draft);
    let page = draft.pages.get_mut(number)?;
    ui.label(RichText::new(format!("Page {}", number + 1)).font(theme::strong(text::BODY)));
    line(ui, &mut page.title, "Heading", 200);
    lines(ui, &mut page.text, "Text", LONGEST_PAGE, 4, wording::TYPED_WORDS_HINT);
    steps_ui(ui, &page.page);
    let mut clicked = None;
    if page.page.prediction.is_some() {
        question_ui(ui, page, &facts, &nodes);
        if !matches!(page.page.prediction.as_ref().map(|it| &it.question), Some(Question::Number(..)))
            && button(ui, "No prediction").clicked()
        {
            clicked = Some(PageClick::AskNoMore(number));
        }
    } else {
        lines(ui, &mut page.hint, "Hint, shown after a while", LONGEST_PAGE, 2, wording::TYPED_WORDS_HINT);
        if page.page.asks() {
            checkbox(ui, &mut page.page.stops, "Time stops when it is done");
        }
        let otherwise = facts.iter().find(|what| !page.page.until.contains(what)).cloned();
        if let Some(otherwise) = otherwise.filter(|_| !page.page.until.is_empty())
            && button(ui, "Ask for a prediction").on_hover_text(wording::ASK_MEANS).clicked()
        {
            clicked = Some(PageClick::Ask(number, otherwise));
        }
    }
    ui.add_space(size::STEP);
    clicked.or(order_ui(ui, draft, number))
}

/// What happens, in words.
fn steps_ui(ui: &mut Ui, page: &Page) {
    let t = tokens(ui);
    let told = |ui: &mut Ui, who: &str, words: String| {
        let words = RichText::new(format!("{who} {words}")).size(text::SMALL).color(t.text);
        ui.add(Label::new(words).wrap());
    };
    ui.add_space(size::STEP);
    for step in &page.before {
        told(ui, "First:", wording::step_words(step));
    }
    let (steps, until) = match &page.prediction {
        Some(prediction) => (&prediction.then, &prediction.until),
        None => (&page.do_it, &page.until),
    };
    let who = if page.prediction.is_some() { "Then:" } else { "The reader:" };
    for step in steps {
        told(ui, who, wording::step_words(step));
    }
    let until: Vec<String> = until.iter().map(wording::condition_words).collect();
    if !until.is_empty() {
        told(ui, "Until:", until.join(", or "));
    } else if page.prediction.is_none() {
        dim(ui, wording::PAGE_TO_READ);
    }
    ui.add_space(size::STEP);
}

/// The nodes that can be clicked as an answer.
fn nodes(draft: &Draft) -> Vec<NodeName> {
    let replicas = (1..=draft.head.world.replicas).map(|number| NodeName::Named(format!("replica-{number}")));
    [NodeName::Primary, NodeName::Backup].into_iter().chain(replicas).collect()
}

fn question_ui(ui: &mut Ui, page: &mut DraftPage, facts: &[WaitFor], nodes: &[NodeName]) {
    let Some(prediction) = &mut page.page.prediction else { return };
    match &mut prediction.question {
        Question::Choice(choices, model) => {
            choices_ui(ui, choices, &mut page.choices, model, facts);
            if button(ui, "Let the reader click a node instead").clicked() {
                prediction.question = Question::Node(NodeName::Primary, NodeName::Backup);
                page.choices.clear();
            }
        }
        Question::Node(node, model) => {
            for (words, chosen) in [("The right answer, once it has happened", node), ("The teacher's answer", model)] {
                dim(ui, words);
                let shown = node_words(chosen);
                ComboBox::from_id_salt(words).selected_text(&shown).show_ui(ui, |ui| {
                    for one in nodes {
                        ui.selectable_value(chosen, one.clone(), node_words(one));
                    }
                });
            }
        }
        Question::Number(..) => {
            dim(ui, "The reader types a number. Edit what is counted in the file.");
        }
    }
    lines(ui, &mut page.explanation, "Why it happens so", LONGEST_PAGE, 3, wording::TYPED_WORDS_HINT);
}

fn choices_ui(
    ui: &mut Ui,
    choices: &mut Vec<Choice>,
    words: &mut Vec<(String, String)>,
    model: &mut usize,
    facts: &[WaitFor],
) {
    words.resize(choices.len(), Default::default());
    let mut gone = None;
    let removable = choices.len() > 2;
    for (number, (choice, (answer, why_not))) in choices.iter_mut().zip(words.iter_mut()).enumerate() {
        ui.push_id(("choice", number), |ui| {
            ui.add_space(size::STEP);
            let letter = choice.letter.clone();
            line(ui, answer, &format!("Answer {letter}"), 200);
            ui.horizontal_wrapped(|ui| {
                dim(ui, "right if");
                let shown = choice.right_if.iter().map(wording::condition_words).collect::<Vec<_>>().join(" and ");
                let combo =
                    ComboBox::from_id_salt("right if").selected_text(&shown).width(ui.available_width().min(220.0));
                let combo = combo.show_ui(ui, |ui| {
                    for fact in facts {
                        let holds = choice.right_if[..] == [fact.clone()];
                        if ui.selectable_label(holds, wording::condition_words(fact)).clicked() {
                            choice.right_if = vec![fact.clone()];
                        }
                    }
                });
                combo.response.accessible_name(format!("Answer {letter} is right if {shown}"));
            });
            line(ui, why_not, &format!("Why not {letter}"), 300);
            ui.horizontal(|ui| {
                let teacher = ui.radio_value(model, number, "The teacher's answer");
                teacher.accessible_name(format!("The teacher's answer is {letter}"));
                if removable && button(ui, "Remove").accessible_name(format!("Remove answer {letter}")).clicked() {
                    gone = Some(number);
                }
            });
        });
    }
    if let Some(number) = gone {
        choices.remove(number);
        words.remove(number);
        *model = (*model).min(choices.len() - 1);
        for (choice, letter) in choices.iter_mut().zip(LETTERS) {
            choice.letter = letter.to_owned();
        }
    }
    if let Some(letter) = LETTERS.get(choices.len())
        && let Some(first) = facts.first()
        && button(ui, "One more answer").clicked()
    {
        let nothing = Prose::default();
        let (text, why_not, right_if) = (nothing.clone(), nothing, vec![first.clone()]);
        choices.push(Choice { letter: (*letter).to_owned(), text, why_not, right_if });
        words.push(Default::default());
    }
}

const LETTERS: [&str; 4] = ["A", "B", "C", "D"];

fn node_words(node: &NodeName) -> String {
    match node {
        NodeName::Primary => "the primary".to_owned(),
        NodeName::Backup => "a backup".to_owned(),
        NodeName::Named(name) => name.clone(),
        NodeName::Crashed | NodeName::Frozen | NodeName::Everybody | NodeName::SomeReplica => "another node".to_owned(),
    }
}

/// What can be done with the page as a whole.
fn order_ui(ui: &mut Ui, draft: &Draft, number: usize) -> Option<PageClick> {
    let mut clicked = None;
    ui.horizontal_wrapped(|ui| {
        let mut offer = |ui: &mut Ui, words: &str, can: bool, click: PageClick| {
            // A scope of its own would not wrap.
            let shown = Button::new(RichText::new(words).size(text::BODY)).min_size(vec2(0.0, size::ROW));
            if ui.add_enabled(can, shown).clicked() {
                clicked = Some(click);
            }
        };
        offer(ui, "Move up", number > 0, PageClick::Move(number, number.saturating_sub(1)));
        offer(ui, "Move down", number + 1 < draft.pages.len(), PageClick::Move(number, number + 1));
        offer(ui, "Merge with the page before", draft.can_merge(number), PageClick::Merge(number));
        offer(ui, "Split", draft.can_split(number), PageClick::Split(number));
        offer(ui, "Insert a page after it", true, PageClick::Insert(number));
        if destructive(ui, "Delete page").clicked() {
            clicked = Some(PageClick::Delete(number));
        }
    });
    clicked
}
