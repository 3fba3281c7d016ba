//! Asks for consent before something that cannot be undone, and before a bug is injected.

use egui::{Label, RadioButton, RichText, ScrollArea, Slider, Ui};
use protocol::acknowledge::{self, Acknowledge};
use protocol::ids::View;
use protocol::plant::Plant;

use crate::theme::{self, text, tokens};
use crate::widgets::{Explains, asking, button, checkbox, closing_button, destructive, dialog, dim};
use knowledge::user_command::{CommandQueue, UserCommand};
use scenarios::{SetUp, Unsafe};
use wording::Term;

#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// Whether to inject a bug.
    Plant(Plant),
    /// Whether to run a scenario that switches on something unsafe, or comes from a file.
    Scenario {
        name: String,
        /// What it is about.
        title: String,
        /// The bug or the unsafe setting that it switches on, if any.
        switch: Option<Unsafe>,
        /// Whether it was read from a file.
        opened: bool,
        /// Of a lesson: the page on which it begins.
        page: Option<usize>,
    },
    /// Whether to crash every node.
    /// Where replicas are durable, that is a power cut.
    CrashAll { durable: bool },
    /// Whether what the members of a view held is given up, and a new history begins.
    FreshStart { replica: String, after: View },
    /// Whether this cluster is to end, and another to take its place.
    NewCluster {
        /// How it is to begin.
        chosen: Box<SetUp>,
        /// The usual beginning, and those with a name.
        offers: Vec<SetUp>,
    },
    /// Whether this cluster is to end, and the last one that began like this is to begin again.
    StartOver(Box<SetUp>),
}

/// What was agreed to, where it is more than a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Agreed {
    Scenario(Wanted),
    NewCluster(Box<SetUp>),
}

/// A scenario to run, or a lesson to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub name: String,
    /// Whether with the bug that it injects, if any.
    pub with_bug: bool,
    /// Whether it was read from a file.
    pub opened: bool,
    /// Of a lesson: the page on which it begins, from 0.
    pub page: Option<usize>,
}

/// What is asked, what it means, and what the button says that agrees.
fn question(asked: &Asked) -> (String, &'static str, &'static str) {
    match asked {
        Asked::Plant(plant) => (wording::plant_title(*plant), wording::CONSENT, "Switch the bug on"),
        Asked::Scenario { switch: Some(switch), page: Some(_), .. } => {
            (wording::unsafe_title(*switch), wording::consent(*switch), "Take the lesson")
        }
        Asked::Scenario { name, page: Some(_), .. } => {
            (format!("Take the lesson {name}?"), wording::LESSON_BEGINS, "Take the lesson")
        }
        Asked::Scenario { switch: Some(switch), .. } => {
            (wording::unsafe_title(*switch), wording::consent(*switch), "Run it")
        }
        Asked::Scenario { name, switch: None, .. } => (format!("Run {name}?"), wording::SCENARIO_BEGINS, "Run it"),
        Asked::CrashAll { durable: false } => {
            ("Crash every node?".to_owned(), wording::CRASH_ALL_MEANS, "Crash all nodes")
        }
        Asked::CrashAll { durable: true } => ("Cut the power?".to_owned(), wording::CUT_MEANS, "Cut the power"),
        Asked::FreshStart { replica, .. } => {
            (format!("Begin a new history with {replica}?"), wording::FRESH_START_MEANS, "Begin a new history")
        }
        Asked::NewCluster { .. } => {
            ("Start a new cluster?".to_owned(), wording::NEW_CLUSTER_MEANS, "Start a new cluster")
        }
        Asked::StartOver(_) => ("Start over?".to_owned(), wording::START_OVER_MEANS, "Start over"),
    }
}

impl Asked {
    /// The unsafe switch that is asked about.
    fn switch(&self) -> Option<Unsafe> {
        match self {
            Asked::Plant(plant) => Some(Unsafe::Plant(*plant)),
            Asked::Scenario { switch, .. } => *switch,
            Asked::CrashAll { .. } | Asked::FreshStart { .. } | Asked::NewCluster { .. } | Asked::StartOver(_) => None,
        }
    }
}

/// How many copies there are before an answer, and what each choice means.
fn choose_copies(ui: &mut Ui, chosen: &mut Acknowledge) {
    let t = tokens(ui);
    ui.add_space(8.0);
    ui.add(Label::new(wording::ACKNOWLEDGE_MEANS).wrap());
    for choice in acknowledge::ALL {
        ui.radio_value(chosen, choice, wording::acknowledge_choice(choice));
    }
    let ink = if chosen.is_safe() { t.dim } else { t.tomato_text };
    let sign = if chosen.is_safe() { "" } else { "UNSAFE: " };
    let words = format!("{sign}{}", wording::acknowledge_consequence(*chosen));
    ui.add(Label::new(RichText::new(words).size(text::SMALL).color(ink)).wrap());
}

/// Which set-up, with how many replicas and copies.
fn choose_set_up(ui: &mut Ui, chosen: &mut SetUp, offers: &[SetUp]) {
    // One that was opened as a file is no offer, and stays what it is.
    let is_offer = offers.iter().any(|offer| offer.name == chosen.name);
    if offers.len() > 1 || !is_offer {
        ui.add_space(8.0);
        ScrollArea::vertical().id_salt("set-ups").max_height(120.0).show(ui, |ui| {
            for offer in offers.iter().chain((!is_offer).then_some(&chosen.clone())) {
                let shown = RadioButton::new(offer.name == chosen.name, wording::set_up_name(offer));
                if ui.add(shown).on_hover_text(wording::set_up_summary(offer)).clicked() {
                    *chosen = offer.clone();
                }
            }
        });
    }
    ui.add_space(8.0);
    ui.horizontal(|ui| {
        let label = ui.label("Replicas");
        ui.add(Slider::new(&mut chosen.replicas, 1..=20)).labelled_by(label.id);
    });
    checkbox(ui, &mut chosen.durable, wording::DURABLE_CHOICE).explains(Term::Durable);
    choose_copies(ui, &mut chosen.settings.acknowledge);
}

/// The box, while something is asked.
pub(crate) fn consent_ui(ui: &Ui, open: &mut Option<Asked>, commands: &mut CommandQueue) -> Option<Agreed> {
    let asked = open.clone()?;
    let mut agreed = None;
    let modal = dialog(ui, "consent").show(ui.ctx(), |ui| {
        ui.set_width(420.0);
        let t = tokens(ui);
        let (title, means, yes) = question(&asked);
        let harmless = match &asked {
            Asked::Scenario { switch, .. } => switch.is_none(),
            Asked::NewCluster { chosen, .. } | Asked::StartOver(chosen) => chosen.is_safe(),
            Asked::Plant(_) | Asked::CrashAll { .. } | Asked::FreshStart { .. } => false,
        };
        let ink = if harmless { t.text } else { t.tomato_text };
        ui.add(Label::new(RichText::new(title).font(theme::strong(text::LARGE)).color(ink)).wrap());
        if let Asked::Scenario { title, opened: true, .. } = &asked {
            ui.add(Label::new(title).wrap());
        }
        if let Some(switch) = asked.switch() {
            ui.add(Label::new(wording::unsafe_switch(switch)).wrap());
        }
        ui.add_space(4.0);
        dim(ui, means);
        match open {
            Some(Asked::NewCluster { chosen, offers }) => choose_set_up(ui, chosen, offers),
            Some(Asked::StartOver(set_up)) => drop(ui.add(Label::new(wording::set_up_summary(set_up)).wrap())),
            Some(Asked::Plant(_) | Asked::Scenario { .. } | Asked::CrashAll { .. } | Asked::FreshStart { .. })
            | None => {}
        }
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            // A new cluster can be had from the past and from a tape, too.
            let begins = matches!(asked, Asked::NewCluster { .. } | Asked::StartOver(_));
            let refuses = commands.refuses.filter(|_| !begins);
            let agrees = |ui: &mut Ui| if harmless { button(ui, yes) } else { destructive(ui, yes) };
            if asking(ui, refuses, agrees).clicked() {
                match &asked {
                    Asked::Plant(plant) => commands.push(UserCommand::SetPlant { plant: Some(*plant) }),
                    Asked::Scenario { name, opened, page, .. } => {
                        let wanted = Wanted { name: name.clone(), with_bug: true, opened: *opened, page: *page };
                        agreed = Some(Agreed::Scenario(wanted));
                    }
                    Asked::CrashAll { .. } => commands.push(UserCommand::CrashAll),
                    Asked::FreshStart { replica, after } => {
                        commands.push(UserCommand::FreshStart { replica: replica.clone(), after: after.clone() });
                    }
                    Asked::NewCluster { chosen: set_up, .. } | Asked::StartOver(set_up) => {
                        agreed = Some(Agreed::NewCluster(set_up.clone()));
                    }
                }
                ui.close();
            }
            if let Asked::Scenario { name, switch: Some(switch), opened: true, page: None, .. } = &asked
                && let [_, without] = wording::run_with(*switch)
                && asking(ui, refuses, |ui| button(ui, &without)).on_hover_text(wording::WITHOUT_MEANS).clicked()
            {
                let wanted = Wanted { name: name.clone(), with_bug: false, opened: true, page: None };
                agreed = Some(Agreed::Scenario(wanted));
                ui.close();
            }
            closing_button(ui, "Cancel");
        });
    });
    if modal.should_close() {
        *open = None;
    }
    agreed
}
