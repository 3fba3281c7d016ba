//! What must not be overlooked, under the toolbar: an injected bug, answers before all copies are there, a running scenario.

use std::sync::Arc;

use egui::{Context, CornerRadius, Frame, Id, LayerId, Margin, Order, Panel, RichText, Stroke, StrokeKind, Ui};

use protocol::acknowledge::Acknowledge;
use protocol::plant::Plant;

use super::{actions, consent::Asked};
use crate::theme::{self, size, text, tokens, tokens_of};
use crate::widgets::{asking, button, from_right, pill};
use knowledge::picture::{Picture, TotalLoss};
use knowledge::user_command::{CommandQueue, UserCommand};

/// What is shown of a running scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Performed {
    pub title: String,
    /// "step 2 of 5: crash the primary", or how it ended.
    pub progress: String,
    /// Whether it is over, and if so whether all was as expected.
    pub ended: Option<bool>,
    /// Whether there is a card with more about how it ended.
    pub has_result: bool,
}

/// Asked of a scenario by a click.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PerformedClick {
    /// The scenario is to stop, or its result is to be closed.
    Stop,
    /// Its result is to be shown again.
    Result,
}

/// The rows of what must not be overlooked; none usually.
pub(crate) fn banner_ui(
    ui: &mut Ui,
    picture: &Picture,
    performed: Option<&Performed>,
    asked: &mut Option<Asked>,
    commands: &mut CommandQueue,
) -> Option<PerformedClick> {
    let t = tokens(ui);
    let row = |fill| Frame::new().fill(fill).inner_margin(Margin::symmetric(16, 4));
    if let Some(plant) = picture.steering.plant {
        Panel::top("plant").frame(row(t.tomato_wash)).show(ui, |ui| {
            ui.horizontal(|ui| injected_bug(ui, plant, commands));
        });
    }
    if !picture.steering.acknowledge.is_safe() {
        Panel::top("fewer copies").frame(row(t.tomato_wash)).show(ui, |ui| {
            ui.horizontal(|ui| fewer_copies(ui, picture, commands));
        });
    }
    if let Some(replicas) = picture.waits_for_power() {
        power_is_off(ui, &replicas, commands);
    } else if let Some(loss) = picture.total_loss() {
        total_loss(ui, picture, &loss, asked, commands);
    }
    let performed = performed?;
    let mut clicked = None;
    Panel::top("performed").exact_size(36.0).frame(row(t.soft)).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            let (sign, ink) = match performed.ended {
                None => ("▶", t.text),
                Some(true) => ("✓", t.basil_text),
                Some(false) => ("✗", t.tomato_text),
            };
            ui.label(RichText::new(sign).color(ink));
            ui.label(RichText::new(&performed.title).font(theme::strong(text::BODY)));
            from_right(ui, |ui| {
                let words = if performed.ended.is_some() { "Close" } else { "Stop the scenario" };
                if button(ui, words).accessible_name(format!("{words}: {}", performed.title)).clicked() {
                    clicked = Some(PerformedClick::Stop);
                }
                if performed.has_result && button(ui, "Result").clicked() {
                    clicked = Some(PerformedClick::Result);
                }
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    let words = RichText::new(&performed.progress).size(text::SMALL).color(ink);
                    ui.add(egui::Label::new(words).truncate()).on_hover_text(&performed.progress);
                });
            });
        });
    });
    clicked
}

/// What is broken, in a sentence that is never cut, and the way back.
fn injected_bug(ui: &mut Ui, plant: Plant, commands: &mut CommandQueue) {
    let t = tokens(ui);
    pill(ui, wording::UNSAFE_LESSON, t.on_strong, t.tomato_text);
    from_right(ui, |ui| {
        if asking(ui, commands.refuses, |ui| button(ui, "Switch it off")).clicked() {
            commands.push(UserCommand::SetPlant { plant: None });
        }
        ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
            let words = RichText::new(wording::plant(plant)).font(theme::strong(text::BODY)).color(t.tomato_text);
            ui.add(egui::Label::new(words).wrap());
        });
    });
}

/// What is unsafe, what it costs and what it buys, measured.
fn fewer_copies(ui: &mut Ui, picture: &Picture, commands: &mut CommandQueue) {
    let t = tokens(ui);
    let acknowledge = picture.steering.acknowledge;
    pill(ui, wording::UNSAFE_SETTING, t.on_strong, t.tomato_text);
    let strong = |words| RichText::new(words).font(theme::strong(text::BODY)).color(t.tomato_text);
    from_right(ui, |ui| {
        if asking(ui, commands.refuses, |ui| button(ui, wording::WAIT_FOR_ALL)).clicked() {
            commands.push(UserCommand::SetAcknowledge { acknowledge: Acknowledge::All });
        }
        if let Some(median) = picture.stats.percentile(50) {
            let words = RichText::new(wording::median_answer(median)).color(t.tomato_text);
            ui.label(words).on_hover_text(wording::MEDIAN_MEANS);
        }
        if let Some(orders) = picture.at_risk() {
            ui.label(strong(wording::at_risk(orders))).on_hover_text(wording::AT_RISK_MEANS);
        }
        ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
            let words = wording::acknowledge(acknowledge);
            ui.add(egui::Label::new(strong(words.into())).wrap());
        });
    });
}

/// Every replica has ended, with its state on disk: nothing is lost, and one click brings all back.
fn power_is_off(ui: &mut Ui, replicas: &[Arc<str>], commands: &mut CommandQueue) {
    let t = tokens(ui);
    let frame = Frame::new().fill(t.saffron_wash).inner_margin(Margin::symmetric(16, 6));
    Panel::top("power is off").frame(frame).show(ui, |ui| {
        ui.horizontal(|ui| {
            from_right(ui, |ui| {
                if asking(ui, commands.refuses, |ui| button(ui, wording::POWER_ON)).clicked() {
                    commands.push(UserCommand::PowerOn);
                }
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    let words = RichText::new(wording::power_is_off(replicas)).color(t.text);
                    ui.add(egui::Label::new(words).wrap());
                });
            });
        });
    });
}

/// What is lost, since when, and the one thing that goes on from here.
fn total_loss(ui: &mut Ui, picture: &Picture, loss: &TotalLoss, asked: &mut Option<Asked>, commands: &CommandQueue) {
    let t = tokens(ui);
    let frame = Frame::new().fill(t.tomato_wash).inner_margin(Margin::symmetric(16, 6));
    Panel::top("total loss").frame(frame).show(ui, |ui| {
        ui.horizontal(|ui| {
            let words = wording::total_loss(loss);
            from_right(ui, |ui| {
                let begins = actions::may_begin_afresh(picture);
                let refuses = commands.refuses.or(begins.is_empty().then_some(wording::NOBODY_TO_BEGIN_WITH));
                if asking(ui, refuses, |ui| button(ui, "Fresh start…")).clicked() {
                    let ask = |name: &String| Asked::FreshStart { replica: name.clone(), after: loss.view.clone() };
                    *asked = begins.first().map(ask);
                }
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    ui.add(egui::Label::new(RichText::new(words).color(t.tomato_text)).wrap());
                });
            });
        });
    });
}

/// A red frame around the whole window while something unsafe is on.
pub(crate) fn unsafe_frame(context: &Context, picture: &Picture) {
    if !picture.steering.is_unsafe() {
        return;
    }
    let painter = context.layer_painter(LayerId::new(Order::Foreground, Id::unique("unsafe lesson")));
    let stroke = Stroke::new(size::STRONG + size::OUTLINE, tokens_of(context.theme()).tomato);
    painter.rect_stroke(context.content_rect(), CornerRadius::ZERO, stroke, StrokeKind::Inside);
}
