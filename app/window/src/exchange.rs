//! Where facts enter the window and commands leave it.
//!
//! Each frame begins with what the cluster told and ends with what the person asked for; both are on the tape. Nothing is drawn here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use egui::{Context, Ui, ViewportCommand};
use protocol::ids::Role;
use protocol::trace::{Actor, Rate};

use crate::Window;
use crate::broken::{Broken, broken_ui, guarded};
use crate::frame_cost::FrameCost;
use crate::kept::Kept;
use crate::panels::machines::JoinClick;
use crate::phones;
use crate::running_cluster::RunningCluster;
use crate::theme::{self, time};
use knowledge::picture::{Node, Picture, Service};
use knowledge::tape::Entry;
use knowledge::user_command::{CustomerCommand, UserCommand};
use room::Room;

impl Window {
    /// Takes in a fact from the cluster, or a command to it.
    pub fn take_in(&mut self, entry: Entry) {
        if let Entry::Fact(record) = &entry {
            self.narration.hear(record);
            self.authoring.learn(record);
        }
        self.tape.take_in(&mut self.picture, entry);
    }

    /// What was asked for and may be handed over now; it is on the tape from then on.
    pub fn hand_over(&mut self, now: f64) -> Vec<UserCommand> {
        let commands = self.commands.take();
        if commands.is_empty() {
            return commands;
        }
        if let Some(why) = self.refuses() {
            self.notices.say(now, why.into());
            return Vec::new();
        }
        let (commands, late): (Vec<_>, Vec<_>) = commands.into_iter().partition(|command| self.may_ask(command));
        if !late.is_empty() {
            self.notices.say(now, wording::NO_PLACE_FOR_ORDERS.into());
        }
        for command in &commands {
            self.has_asked_for(command);
            if matches!(command, UserCommand::Customer(CustomerCommand::AddCustomer { .. })) {
                self.focus.await_customer(&self.picture);
            }
            self.record(command);
            let at = self.picture.now;
            self.take_in(Entry::Command { at, command: command.clone() });
        }
        commands
    }
}

/// The window on a running cluster.
pub struct App<C> {
    pub(super) window: Window,
    cluster: C,
    /// Whether the start, in real time, is over.
    begun: bool,
    opened: Instant,
    /// The window could not be drawn.
    broken: Option<Broken>,
    cost: FrameCost,
    /// In microseconds: how long facts wait for others before they are drawn.
    pub(super) patience: Arc<AtomicU64>,
    /// Once a person has let phones in.
    room: Option<Room>,
}

impl<C: RunningCluster> App<C> {
    /// Prepares a context for the window, and takes up what was kept of the last run.
    pub fn new(creation: &eframe::CreationContext<'_>, cluster: C) -> Self {
        theme::install(&creation.egui_ctx);
        Self {
            window: Kept::recall(creation.storage).window(),
            cluster,
            begun: false,
            opened: Instant::now(),
            broken: None,
            cost: FrameCost::default(),
            patience: Arc::default(),
            room: None,
        }
    }
}

impl<C: RunningCluster> App<C> {
    /// What comes from the cluster goes into the picture, and what a scenario or a phone asks for to the cluster.
    fn exchange(&mut self, context: &Context) {
        match self.cluster.has_begun_again() {
            Some(Ok(())) => {
                let load_driver = self.cluster.load_driver(self.opened);
                self.window.begin_again(self.opened.elapsed(), load_driver);
                // A scenario says itself how fast time goes.
                self.begun = self.window.performs();
                self.room.iter_mut().for_each(Room::begins_again);
                self.window.has_no_machines();
            }
            Some(Err(why)) => self.window.cannot_begin(&why),
            None => {}
        }
        for fact in self.cluster.take_facts() {
            self.room.iter_mut().for_each(|room| room.learn(&fact));
            self.window.learn(&fact, self.opened.elapsed());
            self.window.learn_of_machines(&fact);
            self.window.take_in(Entry::Fact(fact));
        }
        self.window.picture.set_now(self.cluster.now());
        self.slow_down_once_all_serve();
        for command in self.window.play(self.opened.elapsed()) {
            self.cluster.perform(command);
        }
        if let Some(beginning) = self.window.take_beginning() {
            self.cluster.begin_again(beginning);
        }
        self.hear_phones(context);
        self.hear_machines();
    }

    /// What is asked about other machines, and answered.
    fn hear_machines(&mut self) {
        for asked in self.window.take_asked_of_machines() {
            self.cluster.ask_of_machines(asked);
        }
        for answer in self.cluster.answers_about_machines() {
            self.window.machines_are(answer);
        }
        match self.window.take_join_click() {
            Some(JoinClick::Join { code, name, folder }) => self.cluster.join(&code, &name, &folder),
            Some(JoinClick::Leave) => self.cluster.leave(),
            None => {}
        }
        self.window.stays(self.cluster.stay());
    }

    /// What phones ask for goes to the cluster, and they are shown how things are.
    fn hear_phones(&mut self, context: &Context) {
        if let Some(click) = self.window.take_phones_click() {
            let woken = context.clone();
            if let Err(why) = phones::follow_click(&mut self.room, click, move || woken.request_repaint()) {
                self.window.phones_cannot_come(why);
            }
        }
        let Some(room) = &mut self.room else { return };
        let orders = self.window.takes_phone_orders();
        let is_pending = room.follow(&self.window.picture, orders, self.window.ballot().as_ref());
        let commands = room.take_commands();
        self.window.hand_over_from_phones(&commands);
        commands.into_iter().for_each(|command| self.cluster.perform(command));
        self.window.phones_are(room.standing(), room.tally());
        if is_pending {
            context.request_repaint_after_secs(time::PHONES);
        }
    }

    /// The start need not be watched, but orders must be. A speed that a person has chosen meanwhile stays.
    fn slow_down_once_all_serve(&mut self) {
        let picture = &self.window.picture;
        if self.begun || self.window.performs() || !all_serve(picture) {
            return;
        }
        self.begun = true;
        if picture.steering.rate == Rate::REAL {
            self.cluster.perform(UserCommand::SetRate { rate: self.window.set_ups.current.speed });
        }
    }
}

/// Whether every replica is a member that holds all the primary holds.
fn all_serve(picture: &Picture) -> bool {
    let replica = |node: &&Node| node.runs() && node.actor == Actor::Role(Role::Replica);
    let replicas = picture.nodes.iter().filter(replica).count();
    matches!(picture.service(), Service::Serving { members, in_step, .. } if members == replicas && in_step == members)
}

impl<C: RunningCluster> eframe::App for App<C> {
    /// The canvas's: it is half of the window, and without a graphics card it would take time to paint that once more.
    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        theme::tokens_of(if visuals.dark_mode { egui::Theme::Dark } else { egui::Theme::Light })
            .canvas
            .to_normalized_gamma_f32()
    }

    fn logic(&mut self, context: &Context, _frame: &mut eframe::Frame) {
        if self.cluster.is_asked_to_end() {
            context.send_viewport_cmd(ViewportCommand::Close);
        }
        if let Err(what) = guarded(|| self.exchange(context)) {
            self.broken.get_or_insert_with(|| Broken::after(what, &self.window.tape));
        }
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        self.window.dear_frames = frame.info().cpu_usage.is_some_and(|seconds| seconds > time::DEAR_FRAME);
        self.cost.follow(node::usage::processor());
        self.window.diagram.dear = self.cost.between_idle_frames();
        self.window.diagram.begins_clear = true;
        self.patience.store(self.cost.patience().as_micros() as u64, Ordering::Relaxed);
        if self.broken.is_none()
            && let Err(what) = guarded(|| self.window.ui(ui))
        {
            self.broken = Some(Broken::after(what, &self.window.tape));
            ui.ctx().request_repaint();
        } else if let Some(broken) = &self.broken
            && broken_ui(ui, broken)
        {
            self.broken = None;
        }
        let now = ui.input(|input| input.time);
        for command in self.window.hand_over(now) {
            self.cluster.perform(command);
        }
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        Kept::of(&self.window).keep(storage);
    }
}
