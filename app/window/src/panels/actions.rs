//! What can be done with a node, a message or a customer now: the same list for buttons, menus and keys.
//! An action only says what it asks for; the panel that shows it queues that.

use protocol::ids::{Role, Span};
use protocol::trace::{
    Actor, Blast, Bomb, DISK_FAULTS, DiskFault, Failpoint, Freezing, LinkRule, MessageAct, Part, Standing,
};

use egui::Response;
use wording::Term;

use super::links;
use crate::widgets::Explains;
use knowledge::picture::{MessageInFlight, Node, Picture};
use knowledge::user_command::{CommandQueue, UserCommand};

#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// What a button beside the thing says.
    pub words: &'static str,
    /// What a menu says: it names the thing.
    pub in_full: String,
    /// Whether it ends something.
    pub destructive: bool,
    /// What it is about, if that has a definition.
    pub term: Option<Term>,
    /// More about it, for the hover text.
    pub means: &'static str,
    /// What is asked for.
    pub command: UserCommand,
}

impl Action {
    fn new(words: &'static str, in_full: String, command: UserCommand) -> Self {
        Self { words, in_full, destructive: false, term: None, means: "", command }
    }

    fn destructive(self) -> Self {
        Self { destructive: true, ..self }
    }

    fn about(self, term: Term) -> Self {
        Self { term: Some(term), ..self }
    }

    /// Shows what it is about beside its button or entry.
    pub fn explain(&self, response: Response) -> Response {
        match (self.term, self.means) {
            (None, "") => response,
            (term, means) => response.explains_all(term.as_slice(), means),
        }
    }

    fn means(self, means: &'static str) -> Self {
        Self { means, ..self }
    }

    /// Asks for it.
    pub fn ask(self, commands: &mut CommandQueue) {
        commands.push(self.command);
    }
}

/// What can be done with a node, most used first.
pub(crate) fn of_node(picture: &Picture, node: &Node) -> Vec<Action> {
    let (name, its) = (&node.name, || node.name.clone());
    let remove = Action::new("Remove", format!("Remove {name}"), UserCommand::Remove { node: its() }).destructive();
    if !node.runs() {
        let restart = Action::new("Restart", format!("Restart {name}"), UserCommand::Restart { node: its() });
        return vec![restart, remove];
    }
    let mut actions = vec![
        Action::new("Crash", format!("Crash {name}"), UserCommand::Crash { node: its() })
            .destructive()
            .about(Term::Crashed),
    ];
    if picture.steering.frozen.contains_key(&node.id) {
        actions.push(Action::new("Wake", format!("Wake {name}"), UserCommand::Wake { node: its() }));
    } else {
        let freeze = UserCommand::Freeze { node: its(), how: Freezing::Cooperative };
        actions.push(Action::new("Freeze", format!("Freeze {name}"), freeze).about(Term::Frozen));
    }
    let all = links::of(picture, name, &[]);
    let is_cut = |way: &knowledge::user_command::LinkWay| picture.steering.link(&way.from, &way.to).cut;
    if !all.iter().all(is_cut) {
        let cut = links::set(all.clone(), LinkRule::CUT);
        actions.push(
            Action::new("Cut off", format!("Cut {name} off"), cut).about(Term::Cut).means(wording::CUT_OFF_MEANS),
        );
    }
    if links::any_broken(picture, name) {
        let mend = links::set(all, LinkRule::default());
        actions.push(Action::new("Mend", format!("Mend the links of {name}"), mend));
    }
    if node.actor == Actor::Role(Role::Replica) {
        let command = UserCommand::ShowOrders { node: its(), from: None };
        actions.push(Action::new("Orders", format!("Show the orders of {name}"), command).about(Term::History));
    }
    actions.push(remove);
    actions
}

/// What is done with a node less often: only its menu offers it.
pub(crate) fn rare(picture: &Picture, node: &Node) -> Vec<Action> {
    let mut actions = Vec::new();
    if node.actor == Actor::Role(Role::FrontEnd) {
        actions.push(add_front_end(picture));
    }
    if !node.runs() {
        return actions;
    }
    let (name, its) = (&node.name, || node.name.clone());
    if cfg!(unix) && !picture.steering.frozen.contains_key(&node.id) {
        let stop = UserCommand::Freeze { node: its(), how: Freezing::Signal };
        let in_full = format!("Suspend {name}'s process (SIGSTOP)");
        actions.push(Action::new("SIGSTOP", in_full, stop).about(Term::Suspended));
    }
    if node.replica().is_some_and(|replica| replica.standing == Standing::Primary) {
        actions.push(split_the_brain(picture, name));
    }
    if picture.steering.bombs.contains_key(&node.id) {
        let away = UserCommand::SetBomb { node: its(), bomb: None };
        actions.push(Action::new("No bomb", format!("Remove the bomb from {name}"), away));
    }
    actions
}

/// One more front-end, beside those there are.
pub fn add_front_end(picture: &Picture) -> Action {
    let in_full = match picture.nodes.front_ends().count() {
        1 => "Add a second front-end",
        _ => "Add a front-end",
    };
    Action::new("+ Front-end", in_full.into(), UserCommand::AddFrontEnd)
        .about(Term::Token)
        .means(wording::ADD_FRONT_END_MEANS)
}

/// The primary hears neither front-ends nor replicas; name server and services it still reaches.
pub(crate) fn split_the_brain(picture: &Picture, primary: &str) -> Action {
    let spared =
        |node: &&Node| matches!(node.actor, Actor::Role(Role::NameServer | Role::Customer) | Actor::Service(_));
    let spared: Vec<&str> = picture.nodes.iter().filter(spared).map(|node| node.name.as_str()).collect();
    let cut = links::set(links::of(picture, primary, &spared), LinkRule::CUT);
    Action::new("Split", format!("Split brain: isolate {primary}"), cut)
        .destructive()
        .about(Term::SplitBrain)
        .means(wording::SPLIT_MEANS)
}

/// Replicas that run, those that hold most first: with one of them a new history can begin.
pub(crate) fn may_begin_afresh(picture: &Picture) -> Vec<String> {
    let holds = |node: &Node| node.replica().and_then(|replica| replica.position).map(|position| position.op);
    let is_replica = |node: &&Node| node.runs() && node.actor == Actor::Role(Role::Replica);
    let mut replicas: Vec<&Node> = picture.nodes.iter().filter(is_replica).collect();
    replicas.sort_by_key(|node| std::cmp::Reverse(holds(node)));
    replicas.into_iter().map(|node| node.name.clone()).collect()
}

/// The name of the menu of a part's bombs.
pub(crate) fn bomb_menu(part: Part) -> &'static str {
    match part {
        Part::Primary => wording::BOMB_AS_PRIMARY,
        Part::Backup => wording::BOMB_AS_BACKUP,
        Part::Joiner => wording::BOMB_AS_JOINER,
        Part::Disk => wording::BOMB_AT_DISK,
        Part::FrontEnd | Part::NameServer | Part::Customer | Part::Launcher => wording::BOMB,
    }
}

/// The parts a node can play; of a replica the one it plays now comes first.
pub fn parts(node: &Node) -> Vec<Part> {
    match node.actor {
        Actor::Role(Role::NameServer) => vec![Part::NameServer],
        Actor::Role(Role::FrontEnd) => vec![Part::FrontEnd],
        Actor::Role(Role::Customer) => vec![Part::Customer],
        Actor::Service(_) => Vec::new(),
        Actor::Role(Role::Replica) => {
            let mut parts = match node.replica().map(|replica| replica.standing) {
                Some(Standing::Primary) => vec![Part::Primary, Part::Backup, Part::Joiner],
                Some(Standing::Backup) => vec![Part::Backup, Part::Primary, Part::Joiner],
                Some(Standing::Joining) | None => vec![Part::Joiner, Part::Backup, Part::Primary],
            };
            parts.extend(is_durable(node).then_some(Part::Disk));
            parts
        }
    }
}

/// Whether it keeps its orders on a disk.
fn is_durable(node: &Node) -> bool {
    node.replica().is_some_and(|replica| replica.disk.is_some())
}

/// What can be made of the disk of a durable replica, whether it runs or not; nothing of others.
pub(crate) fn of_disk(picture: &Picture, node: &Node) -> Vec<Action> {
    if !is_durable(node) {
        return Vec::new();
    }
    let now = picture.steering.disks.get(&node.id).copied();
    let choices = DISK_FAULTS.into_iter().map(Some).chain([None]).filter(|fault| *fault != now);
    let action = |fault: Option<DiskFault>| {
        let command = UserCommand::SetDisk { node: node.name.clone(), fault };
        let action = Action::new("Disk", wording::make_disk(&node.name, fault), command);
        if fault.is_some() { action.destructive() } else { action }
    };
    choices.map(action).collect()
}

/// The failpoints at a numbered step: where a bomb dropped on the step can go off.
pub(crate) fn failpoints_at(step: u8) -> &'static [Failpoint] {
    match step {
        1 => &[Failpoint::JoinerRegistered],
        2 => &[Failpoint::FrontEndAllReports, Failpoint::NameServerBeforeJournal, Failpoint::NameServerTornJournal],
        3 => &[Failpoint::NameServerJournaledNotAnswered, Failpoint::FrontEndViewRecorded],
        4 => &[Failpoint::FrontEndNewviewToPrimaryOnly, Failpoint::JoinerViewRecorded],
        5 => &[
            Failpoint::PrimaryAssigned,
            Failpoint::PrimarySentToOne,
            Failpoint::BackupBeforeApply,
            Failpoint::JoinerMidSnapshot,
        ],
        6 => &[
            Failpoint::BackupApplied,
            Failpoint::BackupAcked,
            Failpoint::JoinerSnapshotDone,
            Failpoint::PrimaryAllAcked,
        ],
        7 | 8 => &[Failpoint::NameServerCleaning],
        9 => &[Failpoint::CustomerBeforeSend, Failpoint::CustomerSent, Failpoint::FrontEndBeforeForward],
        10 | 11 => &[Failpoint::PrimaryReceived],
        12 => &[Failpoint::PrimaryValidated],
        13 => &[Failpoint::PrimaryCommitted, Failpoint::PrimaryReplied, Failpoint::FrontEndReplyHeld],
        14 => &[Failpoint::FrontEndReplyHeld, Failpoint::CustomerReplyUnseen],
        _ => &[],
    }
}

pub fn bomb(name: &str, at: Failpoint, crash: bool) -> Action {
    let blast = if crash { Blast::Crash } else { Blast::Freeze { wakes_after: None } };
    let verb = if crash { "Crash" } else { "Freeze" };
    let command = UserCommand::SetBomb { node: name.to_owned(), bomb: Some(Bomb { at, blast }) };
    let action =
        Action::new("Bomb", format!("{verb} {name} {}", wording::failpoint(at)), command).about(Term::FailpointAt(at));
    if crash { action.destructive() } else { action }
}

/// How much longer a message can be made to stay by one choice, in milliseconds of cluster time.
const DELAYS: [u64; 3] = [10, 50, 250];

/// What can be done with a message; nothing once it has left its link.
pub(crate) fn of_message(flying: &MessageInFlight, now: u64) -> Vec<Action> {
    if flying.end.is_some() || (!flying.is_held() && flying.progress(now) >= 1.0) {
        return Vec::new();
    }
    let act = |words, in_full: &str, act| {
        Action::new(words, in_full.to_owned(), UserCommand::Message { message: flying.id, to: flying.to, act })
    };
    let mut actions = vec![if flying.is_held() {
        act("Release", "Release it", MessageAct::LetGo).about(Term::Held)
    } else {
        act("Hold", "Hold it", MessageAct::Hold).about(Term::Held)
    }];
    actions.push(act("Overtake", "Let it overtake", MessageAct::LetPast));
    actions.push(act("Duplicate", "Duplicate it", MessageAct::Duplicate));
    actions.push(act("Drop", "Drop it", MessageAct::Drop).destructive());
    actions
}

/// The delays that a message can be given.
pub fn delays(flying: &MessageInFlight) -> Vec<Action> {
    let delay = |millis: u64| {
        let command =
            UserCommand::Message { message: flying.id, to: flying.to, act: MessageAct::Delay(Span::millis(millis)) };
        Action::new("Delay", format!("Delay it by {millis} ms"), command)
    };
    DELAYS.into_iter().map(delay).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::trace::FAILPOINTS;

    #[test]
    fn every_failpoint_of_a_node_but_suspicions_has_a_step() {
        for at in FAILPOINTS {
            // A disk has no message of its own.
            let elsewhere = [Part::Launcher, Part::Disk].contains(&at.part());
            let on_a_step = (1..=14).any(|step| failpoints_at(step).contains(&at));
            let without = [Failpoint::FrontEndSuspected, Failpoint::FrontEndSomeReports, Failpoint::JoinerInAckSet];
            assert_eq!(on_a_step, !elsewhere && !without.contains(&at), "{at}");
        }
    }
}
