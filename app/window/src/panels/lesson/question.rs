//! The question of a page: choices, a node to click or a number to type; a show of hands; and then what happened beside what was
//! predicted.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use egui::{
    Align, CornerRadius, DragValue, Frame, Label, Layout, Margin, Rect, RichText, Sense, Stroke, Ui, WidgetInfo, vec2,
};

use super::prose::{LEADING, prose_ui};
use super::{LessonClick, LessonState, PhoneVotes, chosen};
use crate::theme::{self, size, text, tokens};
use crate::widgets::{dim, field};
use scenarios::lesson_run::{Answer, Fact, LessonRun, PageRun, Progress};
use scenarios::{Choice, Prediction, Question};

/// The whole question.
pub(super) fn question_ui(
    ui: &mut Ui,
    run: &LessonRun,
    number: usize,
    state: &mut LessonState,
    node: Option<String>,
    is_past: bool,
) -> Option<LessonClick> {
    let (page, progress) = run.page(number)?;
    let prediction = page.prediction.as_ref()?;
    let is_open = progress.progress == Progress::Open && progress.opened.is_some() && !is_past;
    if let Question::Choice(choices, _) = &prediction.question {
        for (number, choice) in choices.iter().enumerate().filter(|(number, _)| still_matters(progress, *number)) {
            choice_ui(ui, (number, choice), progress, state, is_open);
        }
    }
    if let Question::Number(..) = &prediction.question {
        numbers_ui(ui, progress);
    }
    if is_open {
        return ask(ui, prediction, progress, state, node);
    }
    if progress.progress == Progress::Happening {
        ui.add_space(size::STEP);
        ui.add(Label::new(RichText::new(wording::IT_HAPPENS).size(text::BODY)).wrap());
    }
    reveal(ui, run, number, state);
    None
}

/// Once it has happened, only what was said and what happened matter; after a vote, all that was voted for.
fn still_matters(progress: &PageRun, choice: usize) -> bool {
    let this = Answer::Choice(choice);
    let is_one_of_two = progress.answer.as_ref() == Some(&this) || progress.fact == Some(Fact::Is(this));
    progress.fact.is_none() || progress.fact == Some(Fact::Other) || !progress.votes.is_empty() || is_one_of_two
}

/// What is typed, clicked or counted.
fn ask(
    ui: &mut Ui,
    prediction: &Prediction,
    progress: &PageRun,
    state: &mut LessonState,
    node: Option<String>,
) -> Option<LessonClick> {
    let question = &prediction.question;
    if let Some(words) = wording::asked_for(question) {
        ui.label(RichText::new(words).size(text::BODY));
    }
    if let Question::Number(..) = question {
        field(ui, &mut state.number, "your prediction", "a number", 80.0);
    }
    if let (Question::Node(..), Some(name)) = (question, &node) {
        ui.label(RichText::new(format!("You mean {name}.")).font(theme::strong(text::BODY)));
    }
    match question {
        Question::Choice(choices, _) => count_hands(ui, choices.len(), progress, state),
        // A person types one number; a class has its phones.
        Question::Number(..) if state.phones.is_some() => count_hands(ui, 0, progress, state),
        Question::Node(..) | Question::Number(..) => None,
    }
}

/// The numbers that phones have voted for. Where a room has very many opinions, neighbours share a bar.
fn numbers_ui(ui: &mut Ui, progress: &PageRun) {
    let voted = progress.votes.iter().flatten().filter(|(_, votes)| **votes > 0);
    let numbers: Vec<u64> = voted.map(|(number, _)| *number).collect::<BTreeSet<_>>().into_iter().collect();
    for neighbours in numbers.chunks(numbers.len().div_ceil(MOST_BARS).max(1)) {
        let (Some(&first), Some(&last)) = (neighbours.first(), neighbours.last()) else { continue };
        ui.horizontal(|ui| {
            ui.label(RichText::new(wording::numbers(first, last)).font(theme::strong(text::BODY)));
            dim(ui, wording::votes(&progress.votes, first..=last));
        });
        bars(ui, progress, first..=last);
    }
}

/// Bars of numbers that fit on a page.
const MOST_BARS: usize = 12;

/// The prediction that is ready to be made; if nothing but a vote was made, what most hands were for.
pub(super) fn ready(
    progress: &PageRun,
    state: &LessonState,
    question: &Question,
    node: Option<String>,
) -> Option<Answer> {
    let voted = |answer: u64| match question {
        Question::Number(..) => Some(Answer::Number(answer)),
        Question::Choice(..) | Question::Node(..) => usize::try_from(answer).ok().map(Answer::Choice),
    };
    chosen(state, question, node).or_else(|| majority(progress).and_then(voted))
}

/// The answer with most hands in the last round; of several, the first.
fn majority(progress: &PageRun) -> Option<u64> {
    let last = progress.votes.last()?;
    let most = last.values().max().filter(|most| **most > 0)?;
    last.iter().find(|(_, votes)| *votes == most).map(|(answer, _)| *answer)
}

fn count_hands(ui: &mut Ui, choices: usize, progress: &PageRun, state: &mut LessonState) -> Option<LessonClick> {
    ui.add_space(size::STEP);
    // Phones need not wait to be counted.
    if state.phones.is_some() && progress.votes.is_empty() {
        state.hands.get_or_insert_with(|| vec![0; choices]);
    }
    let Some(hands) = &state.hands else {
        let words = if progress.votes.is_empty() { wording::COUNT_HANDS } else { wording::VOTE_AGAIN };
        if ui.link(RichText::new(words).size(text::SMALL)).clicked() {
            state.hands = Some(vec![0; choices]);
        }
        return None;
    };
    let mut all: u32 = hands.iter().sum();
    if let Some(PhoneVotes { votes, phones }) = &state.phones {
        let voted: u32 = votes.values().sum();
        all += voted;
        dim(ui, wording::room_voted(voted as usize, *phones));
    }
    let words = wording::close_vote(all, state.phones.is_some());
    let done = ui.link(RichText::new(words).size(text::SMALL)).clicked();
    done.then(|| LessonClick::Vote(state.close_vote().unwrap_or_default()))
}

fn choice_ui(
    ui: &mut Ui,
    (number, choice): (usize, &Choice),
    progress: &PageRun,
    state: &mut LessonState,
    is_open: bool,
) {
    let t = tokens(ui);
    let is_mine = match &progress.answer {
        Some(answer) => *answer == Answer::Choice(number),
        None => is_open && state.choice == Some(number),
    };
    let is_fact = progress.fact == Some(Fact::Is(Answer::Choice(number)));
    let edge = match (is_fact, is_mine) {
        (true, _) => Stroke::new(size::OUTLINE, t.basil),
        (false, true) => Stroke::new(size::OUTLINE, t.tomato),
        (false, false) => Stroke::new(size::HAIRLINE, t.line),
    };
    let frame = Frame::new().stroke(edge).corner_radius(CornerRadius::same(size::CORNER));
    let fill = if is_mine && progress.fact.is_none() { t.tomato_wash } else { t.panel };
    let shown = frame.fill(fill).inner_margin(Margin::symmetric(12, 8)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal_top(|ui| {
            let letter = RichText::new(&choice.letter).font(theme::strong(text::BODY));
            ui.label(letter.line_height(Some(text::BODY * LEADING)));
            let votes = if state.hands.is_some() || !progress.votes.is_empty() { ROOM_FOR_VOTES } else { 0.0 };
            ui.vertical(|ui| {
                ui.set_width((ui.available_width() - votes).max(80.0));
                prose_ui(ui, &choice.text, text::BODY, t.text);
                let said = match (is_fact, is_mine && progress.fact.is_some()) {
                    (true, true) => "✓ this happened, as you said",
                    (true, false) => "✓ this happened",
                    (false, true) => "✗ your prediction",
                    (false, false) => return,
                };
                ui.label(RichText::new(said).size(text::SMALL).color(if is_fact {
                    t.basil_text
                } else {
                    t.tomato_text
                }));
            });
            if votes > 0.0 {
                ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
                    votes_ui(ui, (number, choice), progress, state, is_open)
                });
            }
        });
        bars(ui, progress, number as u64..=number as u64);
    });
    let response = ui.interact(shown.response.rect, ui.scope_id().with(("choice", number)), Sense::click());
    response.widget_info(|| {
        let words = format!("{} {}", choice.letter, choice.text.plain());
        WidgetInfo::selected(egui::Role::RadioButton, is_open, is_mine, words)
    });
    if response.has_focus() {
        ui.painter().rect_stroke(
            shown.response.rect,
            f32::from(size::CORNER),
            (size::OUTLINE, t.sea),
            egui::StrokeKind::Inside,
        );
    }
    if is_open && state.hands.is_none() && response.clicked() {
        state.choice = Some(number);
    }
}

/// A field for the hands that are counted, or how many there were.
fn votes_ui(
    ui: &mut Ui,
    (number, choice): (usize, &Choice),
    progress: &PageRun,
    state: &mut LessonState,
    is_open: bool,
) {
    let counted = state.hands.as_mut().filter(|_| is_open).and_then(|hands| hands.get_mut(number));
    match counted {
        Some(hands) => {
            let field = ui.add(DragValue::new(hands).range(0..=999));
            let name = format!("hands for {}", choice.letter);
            field.widget_info(|| WidgetInfo::labeled(egui::Role::SpinButton, true, &name));
        }
        None => drop(dim(ui, wording::votes(&progress.votes, number as u64..=number as u64))),
    }
}

/// A bar for each closed round of a vote, for these answers together, as a share of all hands.
fn bars(ui: &mut Ui, progress: &PageRun, answers: RangeInclusive<u64>) {
    let t = tokens(ui);
    for (round, votes) in progress.votes.iter().enumerate() {
        let all: u32 = votes.values().sum();
        let these: u32 = votes.range(answers.clone()).map(|(_, votes)| votes).sum();
        let share = these as f32 / all.max(1) as f32;
        let (room, _) = ui.allocate_exact_size(vec2(ui.available_width(), 5.0), Sense::hover());
        ui.painter().rect_filled(room, 2.5, t.soft);
        let ink = if round == 0 { t.sea } else { t.plum };
        ui.painter().rect_filled(Rect::from_min_size(room.min, vec2(room.width() * share, room.height())), 2.5, ink);
    }
}

fn reveal(ui: &mut Ui, run: &LessonRun, number: usize, state: &mut LessonState) {
    let Some(revealed) = run.revealed(number) else { return };
    let t = tokens(ui);
    ui.add_space(2.0 * size::STEP);
    let ink = match revealed.is_right() {
        Some(true) => t.basil_text,
        Some(false) => t.tomato_text,
        None => t.text,
    };
    let words = RichText::new(wording::came_true(&revealed)).font(theme::strong(text::BODY)).color(ink);
    ui.add(Label::new(words).wrap());
    if let Some(why) = wording::why_not(&revealed) {
        ui.add(Label::new(RichText::new(why).size(text::BODY)).wrap());
    }
    ui.add_space(size::STEP);
    let explained = ui.scope(|ui| prose_ui(ui, &revealed.prediction.explanation, text::LARGE, t.text)).response;
    // What happened, and why, comes into sight by itself. How much room it has, a few frames tell.
    if state.revealed_for < FRAMES {
        state.revealed_for += 1;
        ui.add_space(size::ROW / 2.0);
        explained.scroll_to_me(Some(Align::Max));
        ui.ctx().request_repaint();
    }
}

/// As long as it takes until the page has its final room.
const FRAMES: u8 = 4;
const ROOM_FOR_VOTES: f32 = 64.0;
