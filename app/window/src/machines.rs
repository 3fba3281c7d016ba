//! Other machines as the window knows them: what the cluster tells about those that join it, and how this one stands in another.
//!
//! What a person asks for is handed to the cluster by `exchange`; the answers come later.

use egui::Ui;
use protocol::trace::{LauncherEvent, TraceEvent, TraceRecord};

use crate::Window;
use crate::panels::machines::{JoinClick, JoinState, invite_ui, join_ui};
use crate::theme::time;
use knowledge::machines::{AskedOfMachines, KnockingMachine, MachinesStatus, Stay};

/// What the window knows of them.
#[derive(Default)]
pub(crate) struct Machines {
    status: MachinesStatus,
    stay: Stay,
    join: JoinState,
    /// Why what was asked for last could not be done.
    trouble: Option<String>,
    asked: Vec<AskedOfMachines>,
    clicked: Option<JoinClick>,
    /// When the cluster was last asked how it is.
    looked: Option<f64>,
}

impl Machines {
    /// Those that wait for a decision.
    pub fn knocking(&self) -> &[KnockingMachine] {
        &self.status.knocking
    }
}

impl Window {
    /// The two boxes, while they are open.
    pub(super) fn machines_boxes(&mut self, ui: &Ui) {
        self.look_at_machines(ui);
        self.toolbar.invite_now = wording::invite_entry(&self.machines.status);
        self.toolbar.join_now = wording::join_entry(&self.machines.stay);
        // A script has a cluster of its own, whose outcome strangers must not change.
        let is_a_scripts = self.performs() || self.teaches();
        let refuses =
            self.alone.then_some(wording::ONLY_A_TAPE).or(is_a_scripts.then_some(wording::INVITE_IN_FREE_PLAY));
        let Machines { status, stay, join, trouble, asked, clicked, .. } = &mut self.machines;
        if self.toolbar.invite {
            let wanted = invite_ui(ui, status, trouble.as_deref(), refuses, &mut self.toolbar.invite);
            if wanted.is_some() {
                *trouble = None;
            }
            asked.extend(wanted);
        }
        if self.toolbar.join {
            *clicked = join_ui(ui, stay, join, &mut self.toolbar.join).or(clicked.take());
        }
    }

    /// A code counts down, and a machine that knocks may go: as long as either is shown, the cluster is asked again and again.
    fn look_at_machines(&mut self, ui: &Ui) {
        let machines = &mut self.machines;
        if !self.toolbar.invite && machines.status.knocking.is_empty() {
            machines.looked = None;
            return;
        }
        let now = ui.input(|input| input.time);
        if machines.looked.is_none_or(|looked| now - looked >= f64::from(time::MACHINES)) {
            machines.looked = Some(now);
            machines.asked.push(AskedOfMachines::Look);
        }
        ui.ctx().request_repaint_after_secs(time::MACHINES);
    }

    /// Facts about machines: more is to be asked.
    pub(super) fn learn_of_machines(&mut self, record: &TraceRecord) {
        if let TraceEvent::Launcher(LauncherEvent::MachineIs { .. } | LauncherEvent::ListensOn { .. }) = &record.event
            && self.machines.asked.is_empty()
        {
            self.machines.asked.push(AskedOfMachines::Look);
        }
    }

    /// Another cluster has begun: no machine belongs to it.
    pub(super) fn has_no_machines(&mut self) {
        (self.machines.status, self.machines.trouble) = Default::default();
    }

    /// What the cluster is to be asked, in turn.
    pub fn take_asked_of_machines(&mut self) -> Vec<AskedOfMachines> {
        std::mem::take(&mut self.machines.asked)
    }

    /// What was clicked in the box that joins.
    pub fn take_join_click(&mut self) -> Option<JoinClick> {
        self.machines.clicked.take()
    }

    /// What the cluster has answered.
    pub fn machines_are(&mut self, answer: Result<MachinesStatus, String>) {
        match answer {
            Ok(status) => self.machines.status = status,
            Err(why) => self.machines.trouble = Some(why),
        }
    }

    /// How this machine stands in another cluster.
    pub fn stays(&mut self, stay: Stay) {
        self.machines.stay = stay;
    }
}
