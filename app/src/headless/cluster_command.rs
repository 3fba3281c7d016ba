//! `cluster`: a cluster for other programs to play with. What runs where, and every later change, is a JSON line.
//!
//! A line on standard input can ask for something, in the words of a scenario's step: {"do":"crash","node":"replica-1"}.
//! The end of standard input, or a signal that asks it to end, ends it all.

use std::net::SocketAddr;
use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

use protocol::ids::Span;
use protocol::trace::{
    Blast, Bomb, Ending, Failpoint, LauncherEvent, MachineEvent, MachineState, TraceEvent, TraceRecord,
};
use serde::Serialize;
use serde_json::json;

use super::lines::{self, Line};
use super::{ClusterKind, Exit, Failure, launch_open, say_json, status_report as report};
use cluster::interrupt::Interrupt;
use cluster::load::{Endless, Entry, Load};
use cluster::{Cluster, ClusterOptions};
use knowledge::picture::{Node, Picture};
use room::{MOST_PHONES, Room};

/// What kind of cluster.
#[derive(Debug, clap::Args)]
pub struct ClusterArguments {
    #[command(flatten)]
    kind: ClusterKind,
    /// Number of customers that keep ordering.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1000))]
    customers: u32,
    /// Open a web page on which phones order; its link is in the first line of output. Without an address, only this computer
    /// can reach it; with one, such as 192.168.1.7:0, everyone in that network can, by plain HTTP.
    #[arg(long, value_name = "ADDRESS:PORT", num_args = 0..=1, default_missing_value = "127.0.0.1:0")]
    room: Option<SocketAddr>,
    /// For tests: a failpoint of the launcher, at which this program dies.
    #[arg(long, hide = true)]
    bomb: Option<Failpoint>,
    /// For tests: freeze at the failpoint for this many milliseconds instead of dying.
    #[arg(long, hide = true, requires = "bomb")]
    freezes_ms: Option<u64>,
    /// Accepted by every command; the output of this one is always JSON.
    #[arg(long)]
    json: bool,
}

/// What wakes a command that runs a cluster.
pub(super) enum Woken {
    Facts,
    Line(Line),
    Over,
}

impl Woken {
    /// Sends what comes from now on: facts of the cluster, lines of the standard input, its end or an interrupt.
    pub(super) fn send(sender: Sender<Self>, cluster: &Cluster, interrupt: &Interrupt) -> Result<(), Failure> {
        // Each send fails only when the command is over anyway.
        let (facts, ends) = (sender.clone(), sender.clone());
        cluster.wake_with(move || drop(facts.send(Self::Facts)));
        interrupt.when_asked(move || drop(ends.send(Self::Over)));
        lines::of_standard_input(move |line| sender.send(line.map_or(Self::Over, Self::Line)).is_ok())?;
        Ok(())
    }
}

#[derive(Serialize)]
struct First<'a> {
    run: String,
    dir: &'a str,
    nodes: Vec<NodeLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<String>,
}

#[derive(Clone, Serialize)]
struct NodeLine {
    name: String,
    role: String,
    id: String,
    pid: u32,
    addr: String,
}

pub(super) fn perform(arguments: ClusterArguments, interrupt: Interrupt) -> Result<Exit, Failure> {
    let blast = arguments.freezes_ms.map_or(Blast::Crash, |ms| Blast::Freeze { wakes_after: Some(Span::millis(ms)) });
    let bomb = arguments.bomb.map(|at| Bomb { at, blast });
    let options =
        ClusterOptions { default_customers: false, bomb, interrupt: interrupt.clone(), ..arguments.kind.options()? };
    let (sender, woken) = channel();
    let mut cluster = launch_open(options)?;
    let mut picture = Picture::default();
    cluster.take_facts().into_iter().for_each(|record| picture.take(record));
    let mut room = arguments.room.map(|at| open_room(at, sender.clone())).transpose()?;
    let link = room.as_ref().and_then(|room| room.standing().link);
    say_first(&cluster, &picture, link)?;
    Woken::send(sender, &cluster, &interrupt)?;
    let mut load = None;
    if arguments.customers > 0 {
        let entry = Entry::into_own(cluster.inquirer())?;
        load = Some(Load::start(entry, arguments.customers, None, Instant::now(), Endless::default())?);
    }
    // Facts may have come before there was a waker.
    say_changes(&mut cluster, &mut picture, &mut room)?;
    for woken in woken {
        match woken {
            Woken::Over => break,
            Woken::Line(line) => {
                picture.set_now(cluster.now());
                match obey(&line, &mut cluster, &picture, load.is_some()) {
                    Ok(()) => {}
                    Err(why) => say_json(&json!({"change": "refused", "why": why}))?,
                }
            }
            Woken::Facts => say_changes(&mut cluster, &mut picture, &mut room)?,
        }
        if let Some(room) = &mut room {
            picture.set_now(cluster.now());
            room.follow(&picture, true, None);
            room.take_commands().into_iter().for_each(|command| cluster.perform(command));
        }
    }
    drop(load);
    Ok(Exit::Holds)
}

pub(super) fn say_first(cluster: &Cluster, picture: &Picture, room: Option<String>) -> Result<(), Failure> {
    let run = cluster.directory().file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let nodes = picture.nodes.iter().map(NodeLine::of).collect();
    say_json(&First { run, dir: &cluster.directory().to_string_lossy(), nodes, room })
}

/// Does what a line asks for.
///
/// # Errors
/// A sentence why not.
pub(super) fn obey(line: &Line, cluster: &mut Cluster, picture: &Picture, has_load: bool) -> Result<(), String> {
    let action = match line {
        Line::Words(words) => scenarios::parse_action(words)?,
        Line::Blank => return Ok(()),
        Line::Bad(why) => return Err(format!("not a request: {why}")),
    };
    let step = scenarios::resolved(&action, picture, 0, has_load)?;
    step.commands.into_iter().for_each(|command| cluster.perform(command));
    Ok(())
}

/// Opens the page for phones.
fn open_room(at: SocketAddr, sender: Sender<Woken>) -> Result<Room, Failure> {
    // What a phone asks for is looked for where facts are taken.
    let mut room = Room::new(move || drop(sender.send(Woken::Facts)))?;
    room.open(at.ip(), Some(at.port()), MOST_PHONES)
        .map_err(|why| Failure::BadInput(wording::room_not_opened(at.ip(), &node::error_text::chain(&why))))?;
    Ok(room)
}

fn say_changes(cluster: &mut Cluster, picture: &mut Picture, room: &mut Option<Room>) -> Result<(), Failure> {
    for record in cluster.take_facts() {
        room.iter_mut().for_each(|room| room.learn(&record));
        say_change(picture, &record)?;
    }
    Ok(())
}

/// Folds a fact, and says what it changes.
pub(super) fn say_change(picture: &mut Picture, record: &TraceRecord) -> Result<(), Failure> {
    let lost_before = picture.total_loss().is_some();
    // A removed process leaves the picture with this fact, and a new one enters it.
    let before = picture.nodes.of(record.node).map(NodeLine::of);
    picture.apply(record);
    let node = picture.nodes.of(record.node).map(NodeLine::of).or(before);
    if let Some(why) = record.event.denial() {
        let why = wording::denial(why, |id| picture.name(id));
        say_json(&json!({"change": "refused", "why": why}))?;
    } else if let (Some(node), TraceEvent::Launcher(LauncherEvent::Started(_))) = (&node, &record.event) {
        say_json(&json!({"change": "started", "node": node}))?;
    } else if let (Some(node), TraceEvent::Machine(MachineEvent::Became { standing, view })) = (&node, &record.event) {
        let (standing, view) = (report::standing(*standing), view.number.0);
        say_json(&json!({"change": "became", "node": node, "standing": standing, "view": view}))?;
    } else if let (Some(node), TraceEvent::Launcher(LauncherEvent::Ended { how, words })) = (&node, &record.event) {
        let how = match how {
            Ending::Crashed => "crashed",
            Ending::Removed => "removed",
            Ending::Exited => "exited",
        };
        say_json(&json!({"change": "ended", "node": node, "how": how, "words": words}))?;
    } else if let TraceEvent::Launcher(event) = &record.event {
        let customer = picture.customers.of(record.node).map(|customer| &*customer.name);
        say_of_machines(event, node.as_ref(), customer)?;
    }
    if let Some(loss) = picture.total_loss().filter(|_| !lost_before) {
        let (view, since) = (loss.view.number.0, loss.since as f64 / 1e6);
        let members: Vec<&str> = loss.members.iter().map(|name| &**name).collect();
        say_json(&json!({
            "change": "lost", "view": view, "members": members, "since": since, "acknowledged": loss.acknowledged,
            "why": wording::total_loss(&loss),
        }))?;
    }
    Ok(())
}

/// What concerns other machines, links, and time.
fn say_of_machines(event: &LauncherEvent, node: Option<&NodeLine>, customer: Option<&str>) -> Result<(), Failure> {
    let what = wording::log_line(&event.clone().into(), &|id| id.to_string()).map(|(_, line)| line);
    match event {
        LauncherEvent::RunsOn { machine } if node.is_none() => {
            say_json(&json!({"change": "customer", "name": customer, "machine": machine}))
        }
        LauncherEvent::RunsOn { machine } => say_json(&json!({"change": "runs-on", "node": node, "machine": machine})),
        LauncherEvent::MachineIs { machine, is } => {
            let is = match is {
                MachineState::Knocks => "knocks",
                MachineState::TurnedAway(_) => "turned-away",
                MachineState::Joined { .. } => "joined",
                MachineState::Lost => "lost",
                MachineState::Left => "left",
                MachineState::DoesNotConfirm => "does-not-confirm",
            };
            say_json(&json!({"change": "machine", "machine": machine, "is": is, "what": what}))
        }
        LauncherEvent::ListensOn { addresses } => say_json(&json!({"change": "listens", "addresses": addresses})),
        LauncherEvent::CannotReach { peer, here, there } => {
            let peer = peer.to_string();
            say_json(
                &json!({"change": "cannot-reach", "node": node, "peer": peer, "here": here, "there": there, "what": what}),
            )
        }
        LauncherEvent::CanReach { peer } => {
            say_json(&json!({"change": "can-reach", "node": node, "peer": peer.to_string()}))
        }
        LauncherEvent::Stopping { waits_for } => say_json(&json!({"change": "stopping", "waits_for": waits_for})),
        LauncherEvent::BombIs { bomb: Some(bomb) } => {
            let name = node.map(|node| &*node.name).or(customer);
            say_json(&json!({"change": "bomb", "name": name, "at": bomb.at.name()}))
        }
        LauncherEvent::Log { text } if node.is_none() => say_json(&json!({"change": "log", "what": text})),
        LauncherEvent::LinkIs { from, to, rule } => {
            say_json(&json!({"change": "link", "from": from, "to": to, "mended": rule.is_mended()}))
        }
        LauncherEvent::ClockIs { rate, .. } => {
            say_json(&json!({"change": "clock", "rate": rate.0 as f64 / 1e6, "what": what}))
        }
        LauncherEvent::Started(_)
        | LauncherEvent::BombIs { bomb: None }
        | LauncherEvent::Ended { .. }
        | LauncherEvent::DiskIs { .. }
        | LauncherEvent::CustomerIs { .. }
        | LauncherEvent::Crowd(_)
        | LauncherEvent::Orders { .. }
        | LauncherEvent::HopIs { .. }
        | LauncherEvent::PlantIs { .. }
        | LauncherEvent::HeartbeatsAre { .. }
        | LauncherEvent::CommandRefused { .. }
        | LauncherEvent::Log { .. }
        | LauncherEvent::AcknowledgeIs { .. } => Ok(()),
    }
}

impl NodeLine {
    fn of(node: &Node) -> Self {
        let (name, role, pid) = (node.name.clone(), report::role(node.actor), node.pid);
        Self { name, role, id: node.id.to_string(), pid, addr: node.address.to_string() }
    }
}
