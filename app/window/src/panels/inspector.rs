//! What the selected node, customer or message says of itself, and what can be done with it.

mod customer;
mod message;
mod waiting;

use egui::{Label, RichText, ScrollArea, Sense, Ui};
use protocol::ids::NodeId;
use protocol::trace::{NodeState, ReplicaState, Standing};

use super::actions::{self, Action};
use super::{Focus, Selected};
use crate::theme::{self, text, tokens};
use crate::widgets::{
    Explains, asking, button, destructive, dim, fact, fact_in_column, fact_of, heading, heading_of, pill, pill_of,
    scrolling,
};
use knowledge::picture::{Life, Node, Picture};
use knowledge::user_command::CommandQueue;
use wording::{self, Term, Weight};

/// Room for the name of a process, in points.
const PROCESS_NAME: f32 = 104.0;

/// What is being typed.
#[derive(Debug, Default)]
pub struct InspectorState {
    new_home: String,
}

pub(crate) fn inspector_ui(
    ui: &mut Ui,
    picture: &Picture,
    state: &mut InspectorState,
    focus: &mut Focus,
    commands: &mut CommandQueue,
) {
    let area = ScrollArea::vertical().id_salt("inspector").auto_shrink(false);
    scrolling(ui, area, |ui| match focus.selected.clone() {
        Selected::Nothing => overview(ui, picture, focus, commands),
        Selected::Node(name) => {
            if let Some(node) = picture.nodes.get(&name) {
                node_ui(ui, picture, node, focus, commands);
            }
        }
        Selected::Customer(customer) => {
            if let Some(customer) = picture.customers.get(customer) {
                customer::customer_ui(ui, picture, state, customer, focus, commands);
            }
        }
        Selected::Message(id, to) => {
            if let Some(flying) = picture.traffic.find(id, to) {
                message::message_ui(ui, picture, flying, commands);
            }
        }
    });
}

/// Buttons side by side for what can be done.
fn action_buttons(ui: &mut Ui, actions: Vec<Action>, commands: &mut CommandQueue) {
    let refuses = commands.refuses;
    let row = |ui: &mut Ui| {
        for action in actions {
            let response = match action.destructive {
                true => destructive(ui, action.words),
                false => button(ui, action.words),
            };
            if action.explain(response).clicked() {
                action.ask(commands);
            }
        }
    };
    ui.horizontal_wrapped(|ui| asking(ui, refuses, row));
}

fn overview(ui: &mut Ui, picture: &Picture, focus: &mut Focus, commands: &mut CommandQueue) {
    heading(ui, "Inspector");
    ui.add(Label::new(RichText::new(wording::NOTHING_SELECTED).color(tokens(ui).dim)).wrap());
    ui.add_space(8.0);
    heading(ui, "Processes");
    for node in picture.nodes.iter() {
        let words = match (&node.machine, node.runs()) {
            (_, false) => "not running".into(),
            (None, true) => format!("pid {}", node.pid),
            (Some(machine), true) => format!("pid {} on {machine}", node.pid),
        };
        fact_in_column(ui, PROCESS_NAME, None, (&node.name, &words), false);
    }
    waiting::held_messages(ui, picture, None, focus, commands);
}

fn node_ui(ui: &mut Ui, picture: &Picture, node: &Node, focus: &mut Focus, commands: &mut CommandQueue) {
    let t = tokens(ui);
    heading(ui, &node.name);
    ui.horizontal_wrapped(|ui| {
        let (words, ink, ground) = match (&node.life, node.replica().map(|replica| (replica.standing, replica.acting)))
        {
            (Life::Crashed, _) => ("crashed".to_owned(), t.tomato_text, t.tomato_wash),
            (Life::Exited(_), _) => ("ended unexpectedly".to_owned(), t.tomato_text, t.tomato_wash),
            (Life::Runs, Some((Standing::Primary, true))) => ("primary".to_owned(), t.tomato_text, t.tomato_wash),
            (Life::Runs, Some((Standing::Primary, false))) => {
                ("primary, not acting".to_owned(), t.saffron_text, t.saffron_wash)
            }
            (Life::Runs, Some((Standing::Backup, _))) => ("backup".to_owned(), t.basil_text, t.basil_wash),
            (Life::Runs, Some((Standing::Joining, _))) => ("joining".to_owned(), t.saffron_text, t.saffron_wash),
            (Life::Runs, None) => (wording::actor(node.actor), t.text, t.soft),
        };
        pill_of(ui, &words, ink, ground).explains(Term::of_node(node));
        if node.runs() {
            pill(ui, &format!("pid {}", node.pid), t.text, t.soft);
        }
        if let Some(how) = picture.steering.frozen.get(&node.id) {
            pill_of(ui, wording::frozen(*how), t.sea, t.soft).explains(Term::of_freezing(*how));
        }
    });
    if let Some(bomb) = picture.steering.bombs.get(&node.id) {
        let words = format!("This node has a bomb: {}.", wording::bomb(*bomb));
        ui.add(Label::new(RichText::new(words).color(t.tomato_text)).wrap());
    }
    if let Life::Exited(words) = &node.life {
        ui.add(Label::new(RichText::new(words).color(t.tomato_text)).wrap());
    }
    ui.add_space(4.0);
    // Before what there is more of in a large cluster: they stay in sight.
    action_buttons(ui, actions::of_node(picture, node), commands);
    ui.add_space(4.0);
    if !node.unreached.is_empty() {
        let names: Vec<String> = node.unreached.iter().map(|peer| picture.name(*peer)).collect();
        fact(ui, "Cannot reach", &names.join(", "), false);
        let words = wording::capitalised(wording::CANNOT_REACH_MEANS);
        ui.add(Label::new(RichText::new(format!("{words}.")).size(text::SMALL).color(tokens(ui).tomato_text)).wrap());
    }
    if let Some(machine) = &node.machine {
        fact(ui, "Machine", machine, true);
    }
    fact(ui, "Address", &node.address.to_string(), true);
    fact(ui, if node.runs() { "Running" } else { "Ended" }, &format!("since {}", wording::clock(node.since)), false);
    match &node.state {
        Some(NodeState::Replica(replica)) => replica_facts(ui, picture, node, replica),
        Some(other) => other_facts(ui, picture, other),
        None => {}
    }
    waiting::held_messages(ui, picture, Some(&node.name), focus, commands);
    waiting::timers(ui, picture, node.id, commands);
    histories(ui, node);
    own_log(ui, picture, &node.name);
}

fn replica_facts(ui: &mut Ui, picture: &Picture, node: &Node, replica: &ReplicaState) {
    fact_of(ui, Term::View, "View", &replica.view.number.to_string(), false);
    let applied = replica.position.map_or("nothing yet".to_owned(), |position| position.op.to_string());
    let behind: Vec<NodeId> = replica.ack_set.iter().copied().filter(|id| *id != node.id).collect();
    let waits = replica.acting && replica.position.is_some_and(|position| position.op > replica.commit);
    let applied = if waits { format!("{applied} · waiting for {}", names(picture, &behind)) } else { applied };
    fact_of(ui, Term::Applied, "Applied", &applied, false);
    fact_of(ui, Term::Committed, "Committed", &replica.commit.to_string(), false);
    fact_of(ui, Term::Member, "Members", &names(picture, &replica.view.members), false);
    if replica.acting {
        fact_of(ui, Term::AckSet, "Ack set", &names(picture, &replica.ack_set), false);
    }
    if let Some(disk) = &replica.disk {
        fact_of(ui, Term::Durable, "Disk", &wording::disk_line(disk), false);
    }
    fact(ui, "Orders", &format!("{} at {} postcodes", replica.orders, replica.postcodes), false);
    fact_of(ui, Term::Digest, "Digest", &compared(picture, node, replica), true);
}

/// The digest, and who has the same: only replicas at the same operation are compared.
fn compared(picture: &Picture, node: &Node, replica: &ReplicaState) -> String {
    let digest = replica.digest.to_string();
    let others = picture.nodes.iter().filter(|other| other.runs() && other.name != node.name);
    let (mut same, mut different) = (Vec::new(), Vec::new());
    for other in others {
        let Some(state) = other.replica().filter(|state| state.position.is_some()) else { continue };
        if state.position.map(|at| at.op) == replica.position.map(|at| at.op) {
            let list = if state.digest == replica.digest { &mut same } else { &mut different };
            list.push(other.name.clone());
        }
    }
    match (same.is_empty(), different.is_empty()) {
        (_, false) => format!("{digest} ✗ differs from {}", different.join(", ")),
        (false, true) => format!("{digest} = {} ✓", same.join(", ")),
        (true, true) => digest,
    }
}

fn other_facts(ui: &mut Ui, picture: &Picture, state: &NodeState) {
    match state {
        NodeState::NameServer { names: known, token, record, keeping } => {
            if let Some((words, waits)) = wording::keeping(*keeping) {
                fact(ui, "Kept in", words, waits);
            }
            fact_of(ui, Term::Record, "Record", &format!("view {}", record.number), false);
            fact_of(ui, Term::Primary, "Primary", &picture.name(record.primary), false);
            fact_of(ui, Term::Member, "Members", &names(picture, &record.members), false);
            fact_of(ui, Term::Token, "Token", &token.to_string(), false);
            heading(ui, "Names");
            for (name, role, contact) in known {
                fact(ui, name, &format!("{role} · {}", contact.address), false);
            }
        }
        NodeState::FrontEnd { token, retired, view, alive, pending, waits_for, suspicions } => {
            fact_of(ui, Term::View, "View", &view.number.to_string(), false);
            fact_of(ui, Term::Primary, "Primary", &picture.name(view.primary), false);
            fact_of(ui, Term::Member, "Members", &names(picture, &view.members), false);
            fact(ui, "Hears", &names(picture, alive), false);
            fact(ui, "Pending", &wording::count(*pending as usize, "request", "requests"), false);
            let token = token.map_or("none yet".to_owned(), |token| token.to_string());
            fact_of(ui, Term::Token, "Token", &format!("{token}{}", if *retired { ", retired" } else { "" }), false);
            if let Some(why) = waits_for {
                let words = wording::no_service(why, |id| wording::name_now(id, picture));
                ui.add(Label::new(RichText::new(words).color(tokens(ui).tomato_text)).wrap());
            }
            if !suspicions.is_empty() {
                heading_of(ui, Term::Suspected, "Suspicions");
            }
            for suspicion in suspicions.iter().rev() {
                dim(ui, wording::suspicion(suspicion));
            }
        }
        NodeState::Replica(_) | NodeState::Customer { .. } => {}
    }
}

/// More names than this are only counted: what can be done with a node stays in sight below them.
const MOST_NAMED: usize = 6;

fn names(picture: &Picture, ids: &[NodeId]) -> String {
    match ids {
        [] => "nobody".into(),
        _ => {
            let mut names: Vec<String> = ids.iter().map(|id| picture.name(*id)).collect();
            names.sort_by_key(|name| (name.len(), name.clone()));
            let more = names.len().saturating_sub(MOST_NAMED);
            names.truncate(MOST_NAMED);
            let named = names.join(", ");
            if more > 0 { format!("{named} and {more} more") } else { named }
        }
    }
}

fn histories(ui: &mut Ui, node: &Node) {
    let Some(histories) = &node.histories else { return };
    let postcodes = wording::count(histories.postcodes as usize, "postcode", "postcodes");
    heading(ui, &format!("Order history · {postcodes} · at {}", wording::clock(histories.at)));
    for (postcode, orders, older) in &histories.pages {
        let all = orders.len() + *older as usize;
        let title = format!("{postcode} · {}", wording::count(all, "order", "orders"));
        let id = ui.scope_id().with(("history", &node.name, postcode));
        egui::CollapsingHeader::new(RichText::new(title).size(text::SMALL)).id_salt(id).show(ui, |ui| {
            if *older > 0 {
                dim(ui, wording::older_orders(*older));
            }
            for order in orders {
                dim(ui, order);
            }
        });
    }
}

/// The last lines of a node's log; a click copies one.
fn own_log(ui: &mut Ui, picture: &Picture, name: &str) {
    heading(ui, "Log");
    let t = tokens(ui);
    let lines = picture.log.lines().rev().filter(|line| line.node.as_deref() == Some(name)).take(OWN_LINES);
    for line in lines {
        let (weight, said) = wording::line_of_log(line);
        let ink = if weight == Weight::Bad { t.tomato_text } else { t.dim };
        let words = format!("{} {said}", wording::clock(line.at));
        let label = Label::new(RichText::new(&words).font(theme::mono()).color(ink)).wrap().sense(Sense::click());
        if ui.add(label).on_hover_text("Click to copy").clicked() {
            ui.ctx().copy_text(words);
        }
    }
}

/// Lines of a node's own log that are shown; all are in the Log tab.
const OWN_LINES: usize = 40;
