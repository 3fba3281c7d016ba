//! Other machines: the box that invites them, the row that tells of one that knocks, and the box in which this one joins others.
//!
//! Nothing is done here: what a person asks for is returned, and what is shown comes from the cluster.

use egui::{Label, Panel, RichText, Ui};
use protocol::ids::Role;

use crate::qr::qr_ui;
use crate::theme::{self, size, text, tokens};
use crate::widgets::{
    button, checkbox, closing_button, destructive, dialog, dim, fact, field, from_right, heading, main_button, pill,
    scrolling_in_dialog,
};
use knowledge::machines::{
    AskedOfMachines, CodeIs, GivenCode, JoinedMachine, KnockingMachine, MachinesStatus, Presence, Stay, StayIs,
};

/// Room for the buttons at the foot of a box.
const BELOW: f32 = size::ROW + 4.0 * size::STEP;
const WIDTH: f32 = 480.0;
/// The picture of a code: a camera reads it from the next chair.
const LARGEST: f32 = 220.0;
/// What stands around the picture needs this much of the window's height.
const BESIDE: f32 = 420.0;
/// Of more machines that knock than this, the row names the first ones only.
const MOST_NAMED: usize = 2;

/// What a person asks of this machine's stay elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JoinClick {
    Join {
        code: String,
        name: String,
        /// Where replicas keep their orders here, as typed; empty: nowhere.
        folder: String,
    },
    Leave,
}

/// What is typed into the box.
#[derive(Clone, Debug, Default)]
pub struct JoinState {
    code: String,
    name: String,
    folder: String,
}

/// The box that invites. `trouble`: why something could not be done. `refuses`: why nothing can be asked for now.
pub(crate) fn invite_ui(
    ui: &Ui,
    status: &MachinesStatus,
    trouble: Option<&str>,
    refuses: Option<&str>,
    open: &mut bool,
) -> Option<AskedOfMachines> {
    let mut asked = None;
    // Two boxes: one that has become higher would have the height of the other.
    let name = if status.newest.is_some() { "invited" } else { "invite" };
    let modal = dialog(ui, name).show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 64.0));
        scrolling_in_dialog(ui, BELOW, |ui| {
            ui.label(RichText::new(wording::INVITE_TITLE).font(theme::strong(text::LARGE)));
            match &status.newest {
                Some(given) => code_ui(ui, given),
                None if status.port.is_some() => drop(dim(ui, wording::INVITE_ENDED)),
                None => drop(dim(ui, wording::INVITE_MEANS)),
            }
            ui.add_space(size::STEP);
            fact(ui, "Listens on", &wording::reached_at(&status.addresses, status.port), false);
            trouble.into_iter().for_each(|why| bad(ui, why));
            if let Some(why) = refuses {
                dim(ui, why);
            }
            ui.add_enabled_ui(refuses.is_none(), |ui| {
                if status.newest.is_some() {
                    knocking_ui(ui, status, &mut asked);
                }
            });
            joined_ui(ui, &status.joined);
        });
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            ui.add_enabled_ui(refuses.is_none(), |ui| {
                let replica = button(ui, wording::INVITE_REPLICA).on_hover_text(wording::INVITE_REPLICA_MEANS);
                if replica.clicked() {
                    asked = Some(AskedOfMachines::Invite(Role::Replica));
                }
                let customer = button(ui, wording::INVITE_CUSTOMER).on_hover_text(wording::INVITE_CUSTOMER_MEANS);
                if customer.clicked() {
                    asked = Some(AskedOfMachines::Invite(Role::Customer));
                }
                if status.newest.is_some() {
                    let end = destructive(ui, wording::INVITE_END).on_hover_text(wording::INVITE_END_MEANS);
                    asked = end.clicked().then_some(AskedOfMachines::EndInvitation).or(asked.take());
                }
            });
            closing_button(ui, "Close");
        });
    });
    *open &= !modal.should_close();
    asked
}

fn bad(ui: &mut Ui, words: &str) {
    let ink = tokens(ui).tomato_text;
    ui.add(Label::new(RichText::new(words).size(text::BODY).color(ink)).wrap());
}

/// The newest code, as long as it lets a machine in; else why it does not.
fn code_ui(ui: &mut Ui, given: &GivenCode) {
    let words = wording::code_is(given.is, given.role);
    let (CodeIs::Used | CodeIs::Expired) = given.is else {
        let side = (ui.ctx().content_rect().height() - BESIDE).clamp(140.0, LARGEST);
        ui.add_space(size::STEP);
        ui.vertical_centered(|ui| qr_ui(ui, &given.code, wording::INVITE_PICTURE, side));
        ui.add_space(size::STEP);
        ui.add(Label::new(RichText::new(&given.code).monospace().size(text::SMALL)).wrap().selectable(true));
        ui.add_space(size::STEP);
        ui.horizontal(|ui| {
            if button(ui, wording::INVITE_COPY).clicked() {
                ui.ctx().copy_text(given.code.clone());
            }
            ui.add(Label::new(words).wrap());
        });
        ui.add_space(size::STEP);
        dim(ui, wording::INVITE_HOW);
        return;
    };
    match given.is {
        CodeIs::Expired => bad(ui, &words),
        CodeIs::Used | CodeIs::Good(_) => drop(ui.add(Label::new(words).wrap())),
    }
}

/// Those that wait for a decision.
fn knocking_ui(ui: &mut Ui, status: &MachinesStatus, asked: &mut Option<AskedOfMachines>) {
    ui.add_space(2.0 * size::STEP);
    heading(ui, wording::KNOCKING);
    let mut all = status.admits_all;
    if checkbox(ui, &mut all, wording::ADMIT_ALL).changed() {
        *asked = Some(AskedOfMachines::AdmitAll(all));
    }
    if status.knocking.is_empty() {
        dim(ui, wording::NOBODY_KNOCKS);
    }
    for machine in &status.knocking {
        ui.add(Label::new(wording::knocks(machine)).wrap());
        ui.horizontal(|ui| {
            for (words, admitted) in [(wording::ADMIT, true), (wording::REFUSE, false)] {
                let decides = if admitted {
                    let decides = button(ui, words);
                    decides.widget_info(|| of(words, machine));
                    decides
                } else {
                    let decides = destructive(ui, words);
                    decides.widget_info(|| of(words, machine));
                    decides
                };
                if decides.clicked() {
                    *asked = Some(AskedOfMachines::Decide { machine: machine.name.clone(), admitted });
                }
            }
        });
    }
}

/// What a button is for, for somebody who does not see the line above it.
fn of(words: &str, machine: &KnockingMachine) -> egui::WidgetInfo {
    egui::WidgetInfo::labeled(egui::Role::Button, true, format!("{words} {}", machine.name))
}

/// Those that have joined.
fn joined_ui(ui: &mut Ui, joined: &[JoinedMachine]) {
    if joined.is_empty() {
        return;
    }
    ui.add_space(2.0 * size::STEP);
    heading(ui, wording::MACHINES);
    for machine in joined {
        let t = tokens(ui);
        let (ink, ground) = match machine.presence {
            Presence::Connected => (t.basil_text, t.soft),
            Presence::Lost => (t.tomato_text, t.tomato_wash),
            Presence::Left => (t.dim, t.soft),
        };
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(&machine.name).font(theme::strong(text::BODY)));
            pill(ui, wording::presence(machine.presence), ink, ground);
        });
        fact(ui, "Address", &machine.address.to_string(), true);
        if machine.role == Role::Customer && machine.presence != Presence::Left {
            fact(ui, "Is", wording::IS_A_CUSTOMER, false);
        }
        if machine.role == Role::Replica && machine.presence != Presence::Left {
            fact(ui, "Runs", &wording::runs_there(&machine.processes), false);
        }
        if machine.presence == Presence::Connected {
            fact(ui, "Clock", &wording::clock_differs(machine.clock), false);
        }
        ui.add_space(size::STEP);
    }
}

/// A row under the toolbar for those that knock. True: the box is to open.
pub(crate) fn knocks_ui(ui: &mut Ui, knocking: &[KnockingMachine]) -> bool {
    if knocking.is_empty() {
        return false;
    }
    let t = tokens(ui);
    let frame = egui::Frame::new().fill(t.soft).inner_margin(egui::Margin::symmetric(16, 4));
    let shown = Panel::top("knocks").frame(frame).show(ui, |ui| {
        ui.horizontal(|ui| {
            from_right(ui, |ui| {
                let decides = button(ui, wording::DECIDE).clicked();
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    let words: Vec<String> = knocking.iter().take(MOST_NAMED).map(wording::wants_to_join).collect();
                    ui.add(Label::new(RichText::new(words.join(" ")).size(text::BODY).color(t.text)).wrap());
                });
                decides
            })
        })
    });
    shown.inner.inner
}

/// The box in which this machine joins another cluster, and leaves it.
pub(crate) fn join_ui(ui: &Ui, stay: &Stay, state: &mut JoinState, open: &mut bool) -> Option<JoinClick> {
    let mut clicked = None;
    let name = if stay.goes_on() { "joined" } else { "join" };
    let modal = dialog(ui, name).show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 64.0));
        scrolling_in_dialog(ui, BELOW, |ui| {
            ui.label(RichText::new(wording::JOIN_TITLE).font(theme::strong(text::LARGE)));
            if stay.goes_on() {
                stay_ui(ui, stay);
            } else {
                clicked = join_form(ui, stay, state);
            }
        });
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            let may_leave = stay.goes_on() && stay.is != StayIs::Leaves;
            if may_leave && destructive(ui, wording::LEAVE).on_hover_text(wording::LEAVE_MEANS).clicked() {
                clicked = Some(JoinClick::Leave);
            }
            closing_button(ui, "Close");
        });
    });
    *open &= !modal.should_close();
    clicked
}

fn join_form(ui: &mut Ui, stay: &Stay, state: &mut JoinState) -> Option<JoinClick> {
    dim(ui, wording::JOIN_MEANS);
    ui.add_space(size::STEP);
    let width = ui.available_width();
    ui.label(wording::JOIN_CODE);
    field(ui, &mut state.code, "code to join with", wording::JOIN_CODE_HINT, width);
    ui.label(wording::JOIN_NAME);
    field(ui, &mut state.name, "name of this computer there", wording::JOIN_NAME_HINT, width);
    ui.label(wording::JOIN_FOLDER);
    field(ui, &mut state.folder, "folder for orders on disk", wording::JOIN_FOLDER_HINT, width);
    match (&stay.is, wording::stay(stay)) {
        (StayIs::Over(knowledge::machines::StayOver::Left), Some(words)) => drop(dim(ui, words)),
        (_, Some(words)) => bad(ui, &words),
        (_, None) => {}
    }
    ui.add_space(size::STEP);
    let joins = main_button(ui, wording::JOIN_BEGIN, !state.code.trim().is_empty()).clicked();
    let JoinState { code, name, folder } = state.clone();
    joins.then_some(JoinClick::Join { code, name, folder })
}

fn stay_ui(ui: &mut Ui, stay: &Stay) {
    let words = wording::stay(stay).unwrap_or_default();
    match stay.is {
        StayIs::Lost => bad(ui, &words),
        _ => drop(ui.add(Label::new(words).wrap())),
    }
    ui.add_space(size::STEP);
    if stay.runs.is_empty() {
        dim(ui, wording::NOTHING_RUNS_HERE);
    }
    let runs: Vec<(String, Option<u32>)> = stay.runs.iter().map(|(name, pid)| (name.clone(), Some(*pid))).collect();
    if !runs.is_empty() {
        fact(ui, "Runs here", &wording::runs_there(&runs), false);
    }
    dim(ui, wording::JOIN_MEANS);
}
