//! What the selected node, customer or message says of itself, and what can be done with it.

use egui::{Label, RichText, ScrollArea, Sense, Ui, vec2};
use node::gazetteer::{Finding, Gazetteer};
use protocol::ids::NodeId;
use protocol::trace::{NodeState, ReplicaState, Standing};

use super::{Focus, Selected, actions};
use crate::picture::{Customer, End, Life, Node, Passage, Picture, Weight};
use crate::theme::{self, text, tokens};
use crate::user_command::{CommandQueue, UserCommand};
use crate::widgets::{button, destructive, dim, fact, field, heading, pill};
use crate::wording;

/// What is being typed.
#[derive(Debug, Default)]
pub struct InspectorState {
    new_home: String,
}

/// The whole panel.
pub fn inspector_ui(
    ui: &mut Ui,
    picture: &Picture,
    state: &mut InspectorState,
    focus: &Focus,
    commands: &mut CommandQueue,
) {
    ScrollArea::vertical().id_salt("inspector").auto_shrink(false).show(ui, |ui| match &focus.selected {
        Selected::Nothing => overview(ui, picture),
        Selected::Node(name) => {
            if let Some(node) = picture.nodes.get(name) {
                node_ui(ui, picture, node, commands);
            }
        }
        Selected::Customer(customer) => {
            if let Some(customer) = picture.customers.get(*customer) {
                customer_ui(ui, picture, state, customer, commands);
            }
        }
        Selected::Message(id, to) => {
            if let Some(passage) = picture.traffic.find(*id, *to) {
                message_ui(ui, picture, passage);
            }
        }
    });
}

fn overview(ui: &mut Ui, picture: &Picture) {
    heading(ui, "Inspector");
    ui.add(Label::new(RichText::new(wording::NOTHING_SELECTED).color(tokens(ui).dim)).wrap());
    ui.add_space(8.0);
    heading(ui, "Processes");
    for node in picture.nodes.iter() {
        let words = if node.runs() { format!("pid {}", node.pid) } else { "not running".into() };
        fact(ui, &node.name, &words, false);
    }
}

fn node_ui(ui: &mut Ui, picture: &Picture, node: &Node, commands: &mut CommandQueue) {
    let t = tokens(ui);
    heading(ui, &node.name);
    ui.horizontal_wrapped(|ui| {
        let (words, ink, ground) = match (&node.life, node.replica().map(|replica| (replica.standing, replica.acting)))
        {
            (Life::Crashed, _) => ("crashed".to_owned(), t.tomato_text, t.tomato_wash),
            (Life::Exited(_), _) => ("ended by itself".to_owned(), t.tomato_text, t.tomato_wash),
            (Life::Runs, Some((Standing::Primary, true))) => ("primary".to_owned(), t.tomato_text, t.tomato_wash),
            (Life::Runs, Some((Standing::Primary, false))) => {
                ("primary, not acting".to_owned(), t.saffron_text, t.saffron_wash)
            }
            (Life::Runs, Some((Standing::Backup, _))) => ("backup".to_owned(), t.basil_text, t.basil_wash),
            (Life::Runs, Some((Standing::Joining, _))) => ("joining".to_owned(), t.saffron_text, t.saffron_wash),
            (Life::Runs, None) => (wording::actor(node.actor), t.text, t.soft),
        };
        pill(ui, &words, ink, ground);
        if node.runs() {
            pill(ui, &format!("pid {}", node.pid), t.text, t.soft);
        }
    });
    if let Life::Exited(words) = &node.life {
        ui.add(Label::new(RichText::new(words).color(t.tomato_text)).wrap());
    }
    ui.add_space(4.0);
    fact(ui, "Address", &node.address.to_string(), true);
    fact(ui, if node.runs() { "Running" } else { "Ended" }, &format!("since {}", wording::clock(node.since)), false);
    match &node.state {
        Some(NodeState::Replica(replica)) => replica_facts(ui, picture, node, replica),
        Some(other) => other_facts(ui, picture, other),
        None => {}
    }
    ui.add_space(4.0);
    ui.horizontal_wrapped(|ui| {
        for action in actions(node) {
            let response = match action.destructive {
                true => destructive(ui, action.words),
                false => button(ui, action.words),
            };
            if response.clicked() {
                commands.push(action.command);
            }
        }
    });
    histories(ui, node);
    own_log(ui, picture, &node.name);
}

fn replica_facts(ui: &mut Ui, picture: &Picture, node: &Node, replica: &ReplicaState) {
    fact(ui, "View", &replica.view.number.to_string(), false);
    let applied = replica.position.map_or("nothing yet".to_owned(), |position| position.op.to_string());
    let behind: Vec<NodeId> = replica.ack_set.iter().copied().filter(|id| *id != node.id).collect();
    let waits = replica.acting && replica.position.is_some_and(|position| position.op > replica.commit);
    let applied = if waits { format!("{applied} · waiting for {}", names(picture, &behind)) } else { applied };
    fact(ui, "Applied", &applied, false);
    fact(ui, "Committed", &replica.commit.to_string(), false);
    fact(ui, "Members", &names(picture, &replica.view.members), false);
    if replica.acting {
        fact(ui, "Must ack", &names(picture, &replica.ack_set), false);
    }
    fact(ui, "Orders", &format!("{} at {} postcodes", replica.orders, replica.postcodes), false);
    fact(ui, "Digest", &compared(picture, node, replica), true);
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
        NodeState::NameServer { names: known, token, record } => {
            fact(ui, "Record", &format!("view {}", record.number), false);
            fact(ui, "Primary", &picture.name(record.primary), false);
            fact(ui, "Members", &names(picture, &record.members), false);
            fact(ui, "Token", &token.to_string(), false);
            heading(ui, "Names");
            for (name, role, contact) in known {
                fact(ui, name, &format!("{role} · {}", contact.address), false);
            }
        }
        NodeState::FrontEnd { token, retired, view, alive, pending, waits_for } => {
            fact(ui, "View", &view.number.to_string(), false);
            fact(ui, "Primary", &picture.name(view.primary), false);
            fact(ui, "Members", &names(picture, &view.members), false);
            fact(ui, "Hears", &names(picture, alive), false);
            fact(ui, "Pending", &wording::count(*pending as usize, "request", "requests"), false);
            let token = token.map_or("none yet".to_owned(), |token| token.to_string());
            fact(ui, "Token", &format!("{token}{}", if *retired { ", retired" } else { "" }), false);
            if let Some(why) = waits_for {
                ui.add(Label::new(RichText::new(why).color(tokens(ui).tomato_text)).wrap());
            }
        }
        NodeState::Replica(_) | NodeState::Customer { .. } => {}
    }
}

fn names(picture: &Picture, ids: &[NodeId]) -> String {
    match ids {
        [] => "nobody".into(),
        _ => {
            let mut names: Vec<String> = ids.iter().map(|id| picture.name(*id)).collect();
            names.sort_by_key(|name| (name.len(), name.clone()));
            names.join(", ")
        }
    }
}

fn histories(ui: &mut Ui, node: &Node) {
    let Some(histories) = &node.histories else { return };
    let postcodes = wording::count(histories.postcodes as usize, "postcode", "postcodes");
    heading(ui, &format!("Order history · {postcodes} · at {}", wording::clock(histories.at)));
    for (postcode, orders) in &histories.pages {
        let title = format!("{postcode} · {}", wording::count(orders.len(), "order", "orders"));
        let id = ui.scope_id().with(("history", &node.name, postcode));
        egui::CollapsingHeader::new(RichText::new(title).size(text::SMALL)).id_salt(id).show(ui, |ui| {
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
        let ink = if line.weight == Weight::Bad { t.tomato_text } else { t.dim };
        let words = format!("{} {}", wording::clock(line.at), line.text);
        let label = Label::new(RichText::new(&words).font(theme::mono()).color(ink)).wrap().sense(Sense::click());
        if ui.add(label).on_hover_text("Click to copy").clicked() {
            ui.ctx().copy_text(words);
        }
    }
}

/// Lines of a node's own log that are shown; all are in the Log tab.
const OWN_LINES: usize = 40;

fn customer_ui(
    ui: &mut Ui,
    picture: &Picture,
    state: &mut InspectorState,
    customer: &Customer,
    commands: &mut CommandQueue,
) {
    let t = tokens(ui);
    heading(ui, &customer.name);
    pill(ui, &wording::customer_line(customer), t.text, t.soft);
    ui.add_space(4.0);
    let place = Gazetteer::get().place_name(customer.postcode);
    fact(ui, "Lives at", &format!("{} · {place}", customer.postcode), false);
    let front_end = customer.front_end.map_or("not looked up yet".to_owned(), |id| picture.name(id));
    fact(ui, "Front-end", &front_end, false);
    fact(ui, "Identity", &customer.id.to_string(), true);
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        let entered = field(ui, &mut state.new_home, "Move to postcode", "New postcode", 112.0).lost_focus();
        let by_key = entered && ui.input(|input| input.key_pressed(egui::Key::Enter));
        let home = state.new_home.parse().ok().map(|postcode| (postcode, Gazetteer::get().find(postcode)));
        let place = match &home {
            Some((postcode, Finding::Live(unit))) => unit.point.map(|point| (*postcode, point)),
            _ => None,
        };
        let clicked = ui.add_enabled(place.is_some(), egui::Button::new("Move house")).clicked();
        if let Some((postcode, point)) = place.filter(|_| clicked || by_key) {
            let place = point.in_millionths();
            commands.push(UserCommand::MoveCustomer { customer: customer.id, postcode, place });
            state.new_home.clear();
        }
    });
    if destructive(ui, "Remove").clicked() {
        commands.push(UserCommand::RemoveCustomer { customer: customer.id });
    }
    heading(ui, "Receipts");
    if customer.receipts.is_empty() {
        dim(ui, wording::NO_RECEIPTS);
    }
    for receipt in customer.receipts.iter().rev() {
        let name = wording::clock(receipt.at);
        fact(
            ui,
            &name,
            &format!("{} · {}", wording::outcome(&receipt.outcome), wording::dishes(&receipt.items)),
            false,
        );
    }
    own_log(ui, picture, &customer.name);
}

fn message_ui(ui: &mut Ui, picture: &Picture, passage: &Passage) {
    let t = tokens(ui);
    heading(ui, "Message");
    let (words, ink, ground) = match &passage.end {
        None => ("on its way", t.saffron_text, t.saffron_wash),
        Some((_, End::Delivered)) => ("delivered", t.basil_text, t.basil_wash),
        Some((_, End::Refused(_))) => ("refused", t.tomato_text, t.tomato_wash),
        Some((_, End::Lost(_))) => ("lost", t.tomato_text, t.tomato_wash),
    };
    pill(ui, words, ink, ground);
    ui.add_space(4.0);
    fact(ui, "Says", &passage.facts.label, false);
    if let Some(step) = passage.facts.step {
        fact(ui, "Step", &format!("[{}]", step.0), false);
    }
    fact(ui, "From", &picture.name(passage.id.from), false);
    fact(ui, "To", &picture.name(passage.to), false);
    if let Some(request) = passage.facts.request {
        let name = picture.customers.get(request.customer).map(|customer| customer.name.clone());
        let name = name.unwrap_or_else(|| request.customer.to_string());
        fact(ui, "Request", &format!("{name}’s {}", request.number), false);
    }
    fact(ui, "Number", &format!("{} of its sender", passage.id.number), false);
    fact(ui, "Sent", &wording::clock(passage.sent), false);
    fact(ui, "Delay", &wording::duration(passage.facts.delay), false);
    match &passage.end {
        None => fact(ui, "Progress", &format!("{:.0} %", passage.progress(picture.now) * 100.0), false),
        Some((at, End::Delivered)) => fact(ui, "Handled", &wording::clock(*at), false),
        Some((at, End::Refused(why))) => fact(ui, "Handled", &format!("{}: {why}", wording::clock(*at)), false),
        Some((at, End::Lost(why))) => fact(ui, "Lost", &format!("{}: {why}", wording::clock(*at)), false),
    }
    ui.allocate_space(vec2(0.0, 8.0));
}
