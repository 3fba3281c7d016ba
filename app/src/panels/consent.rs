//! Asks whether a person means it, before something that cannot be undone or that makes the program wrong on purpose.

use egui::{Label, RichText, Ui};
use protocol::plant::Plant;

use crate::theme::{self, text, tokens};
use crate::user_command::{CommandQueue, UserCommand};
use crate::widgets::{button, destructive, dialog, dim};
use crate::wording;

/// What is being asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Whether a mistake shall be made on purpose.
    Plant(Plant),
    /// Whether a scenario shall be performed that makes a mistake on purpose.
    Scenario {
        /// Its name.
        name: String,
        /// The mistake.
        plant: Plant,
    },
    /// Whether every node shall crash.
    CrashAll,
}

/// What a person agreed to, if it is more than a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerformWithPlant {
    /// The scenario's name.
    pub name: String,
}

/// The box, while something is asked.
pub fn consent_ui(ui: &Ui, open: &mut Option<Asked>, commands: &mut CommandQueue) -> Option<PerformWithPlant> {
    let asked = open.clone()?;
    let mut agreed = None;
    let modal = dialog(ui, "consent").show(ui.ctx(), |ui| {
        ui.set_width(420.0);
        let t = tokens(ui);
        let (title, means, yes) = match &asked {
            Asked::Plant(plant) => (wording::plant_title(*plant), wording::CONSENT, "Make this mistake"),
            Asked::Scenario { plant, .. } => (wording::plant_title(*plant), wording::CONSENT, "Perform it"),
            Asked::CrashAll => ("Crash every node?".to_owned(), wording::CRASH_ALL_MEANS, "Crash them all"),
        };
        ui.add(Label::new(RichText::new(title).font(theme::strong(text::LARGE)).color(t.tomato_text)).wrap());
        if let Asked::Plant(plant) | Asked::Scenario { plant, .. } = &asked {
            ui.add(Label::new(plant.sentence()).wrap());
        }
        ui.add_space(4.0);
        dim(ui, means);
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            if destructive(ui, yes).clicked() {
                match &asked {
                    Asked::Plant(plant) => commands.push(UserCommand::SetPlant { plant: Some(*plant) }),
                    Asked::Scenario { name, .. } => agreed = Some(PerformWithPlant { name: name.clone() }),
                    Asked::CrashAll => commands.push(UserCommand::CrashAll),
                }
                ui.close();
            }
            if button(ui, "Cancel").clicked() {
                ui.close();
            }
        });
    });
    if modal.should_close() {
        *open = None;
    }
    agreed
}
