//! What is said about other machines: who knocks, who joins, who is lost, and why somebody is not admitted.

use std::net::IpAddr;

use protocol::ids::Role;
use protocol::trace::{MachineState, NoJoin};

use knowledge::machines::{ClockOffset, CodeIs, KnockingMachine, MachinesStatus, Presence, Stay, StayIs, StayOver};

use super::{Weight, count};

/// What has become of a machine, for the log.
pub(crate) fn machine_is(machine: &str, is: &MachineState) -> (Weight, String) {
    match is {
        MachineState::Knocks => (Weight::Plain, format!("{machine} has a valid code and waits to be admitted")),
        MachineState::TurnedAway(why) => (Weight::Bad, format!("{machine} was not admitted: {}", no_join(*why))),
        MachineState::Joined { address } => (Weight::Good, format!("{machine} has joined from {address}")),
        MachineState::Lost => (Weight::Bad, format!("{machine} cannot be reached; its processes may still be running")),
        MachineState::Left => (Weight::Plain, format!("{machine} has left, and its processes have ended")),
        MachineState::DoesNotConfirm => {
            (Weight::Bad, format!("{machine} has not confirmed that its time stands still; it may still be running"))
        }
    }
}

/// Why a machine is not admitted, and what to do, as the person at that machine reads it.
pub fn no_join(why: NoJoin) -> String {
    match why {
        NoJoin::UnknownCode => {
            "This code is not one of this cluster's invitations. Copy the code again, to its end.".into()
        }
        NoJoin::Expired => "This code has expired. Ask for a new one: a code is good for ten minutes.".into(),
        NoJoin::Used => "Another machine has joined with this code. Ask for a new one: each code is good once.".into(),
        NoJoin::OtherRole { invited } => {
            format!("This code invites a {invited}. Leave out --as, or ask for a code that invites something else.")
        }
        NoJoin::TooMany => {
            "The cluster has as many machines or replicas as it can take. Somebody must leave first.".into()
        }
        NoJoin::ByPerson => "The person at the cluster refused. Ask them, then join again.".into(),
        NoJoin::NoDecision => "Nobody at the cluster decided in time. Ask them, then join again.".into(),
        NoJoin::NeedsDisk => {
            "This cluster keeps its orders on disk. Join with a folder on this machine (in a terminal, --durable FOLDER)."
                .into()
        }
        NoJoin::InMemory => {
            "This cluster keeps its orders in memory, so it would not use the folder. Join without one (without --durable).".into()
        }
    }
}

/// What this process cannot do, for the log, after its name.
pub fn cannot_reach(peer: &str, here: Option<&str>, there: Option<&str>) -> String {
    let on = |machine: Option<&str>| machine.map_or_else(String::new, |machine| format!(" on {machine}"));
    format!("{} cannot reach {peer}{}: {CANNOT_REACH_MEANS}", on(here), on(there)).trim_start().to_owned()
}

/// Why that is, and what to do.
pub const CANNOT_REACH_MEANS: &str = "nothing that it sends there is answered, though both are running. A firewall, or a guest network that keeps its devices apart, may be in the way. Allow just-hungry in the firewall, or use a phone’s hotspot";

/// Where other machines reach the cluster.
pub fn listens_on(addresses: &[IpAddr]) -> String {
    if addresses.is_empty() {
        return "other machines can no longer reach the cluster: it listens on this machine only".into();
    }
    let all: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    format!("other machines can now reach the cluster on {}", all.join(", "))
}

/// Time is to stop, and does when these have confirmed it.
pub fn stopping(waits_for: &[String]) -> String {
    match waits_for {
        [] => "every machine has confirmed that its time stands still".into(),
        some => format!("stopping: waiting for {}", some.join(", ")),
    }
}

/// What a person does to let a machine in.
pub fn how_to_join(code: &str, role: Role, minutes: u64) -> String {
    format!(
        "On the other machine, type:\n\n    just-hungry join {code}\n\nThe code invites one {role} and is good for {}.",
        count(minutes as usize, "minute", "minutes")
    )
}

/// What the inviting terminal says below a machine that waits.
pub fn decide_about(machine: &str) -> String {
    format!("Type: admit {machine}, or: refuse {machine}.")
}

/// A line in the inviting terminal that asks for nothing.
pub fn not_understood_by_host(words: &str) -> String {
    format!("“{}” is not understood. Type help to see what you can type here.", protocol::text::shown(words, 40))
}

/// What can be typed in the inviting terminal; `folder` is that of the run.
pub fn help_for_host(folder: &str) -> String {
    format!(
        "admit NAME, refuse NAME      decide about a machine that waits
admit-all, ask               admit each machine with a valid code, or ask about each again
code replica, code customer  a new code for one more machine
end-invitation               admit no more machines
crash NAME, restart NAME     kill a process on whichever machine it is, or start it again
freeze NAME, wake NAME       pause a process, or let it go on
remove NAME                  end a process for good
heartbeats on, off           print every message on its own line, or not
{{\"do\":\"cut\",…}}              any step of a scenario, as JSON (resources/scenarios/README.md)
Ctrl+C                       ends the cluster on all machines
In another terminal of this machine: just-hungry status --dir {folder}"
    )
}

/// What can follow the word that asks for a code.
pub const CODE_FOR_WHOM: &str = "A code invites a replica or a customer. Type: code replica, or: code customer.";

/// What can follow the word that shows each message.
pub const HEARTBEATS_ON_OR_OFF: &str = "Type: heartbeats on, or: heartbeats off. On, each message is told one by one.";

// Of a customer who has joined from another machine.

/// At the prompt.
pub fn welcome_elsewhere(name: &str) -> String {
    format!("Just Hungry, a cluster on another machine. You are {name}.")
}

/// The connection is lost.
pub const CUSTOMER_LOST: &str = "The cluster cannot be reached. This machine keeps trying for a minute.";
/// Something is asked meanwhile.
pub const NOT_NOW: &str =
    "The cluster cannot be reached now, so nothing was asked. Try again when this machine is back.";
/// The connection is there again.
pub const CUSTOMER_BACK: &str = "This machine is back in the cluster, and you can order again.";
/// A person at the cluster has taken the customer away.
pub const CUSTOMER_REMOVED: &str =
    "The person at the cluster has removed this customer. To come back, ask for a new code.";
/// A bomb has gone off.
pub const CUSTOMER_CRASHED: &str =
    "The person at the cluster has crashed this customer. To come back, ask for a new code.";

/// A customer cannot be here.
pub fn no_customer(why: &str) -> String {
    format!("You cannot order here: {why}.")
}

/// In the list of machines.
pub const IS_A_CUSTOMER: &str = "a customer: the person there orders";
/// Why nobody here orders for a customer.
pub const ORDERS_ELSEWHERE: &str =
    "This customer belongs to the person at another machine. Only that person orders, reads and cancels.";

/// In the menu, and over the dialog.
pub const INVITE: &str = "Invite…";
/// Over the dialog.
pub const INVITE_TITLE: &str = "Invite other machines";
/// Before anybody is invited.
pub const INVITE_MEANS: &str = "Another computer can run a replica of this cluster, or order as a customer. You give it a code; when it asks to join, you decide. Until you invite, the cluster listens on this computer only.";
/// While a script runs.
pub const INVITE_IN_FREE_PLAY: &str = "A lesson or scenario has a cluster of its own, and expects what its own processes do. Invite other machines when it is over.";
/// The button that makes a code for a replica.
pub const INVITE_REPLICA: &str = "Code for a replica";
/// What it is for.
pub const INVITE_REPLICA_MEANS: &str = "The code lets one computer run a replica.";
/// The button that makes a code for a customer.
pub const INVITE_CUSTOMER: &str = "Code for a customer";
/// What it is for.
pub const INVITE_CUSTOMER_MEANS: &str =
    "The code lets one person order from a terminal of another computer, with just-hungry join.";
pub const INVITE_COPY: &str = "Copy code";
/// For screen readers.
pub const INVITE_PICTURE: &str = "the code as a QR picture";
/// Under the code.
pub const INVITE_HOW: &str = "On the other computer, choose Menu, Join… and paste the code, or type “just-hungry join” and the code in a terminal. Both computers need the same version and must be in the same network.";
pub const INVITE_END: &str = "End invitation";
/// Under that button.
pub const INVITE_END_MEANS: &str = "No code is good any more, and machines that wait are refused. Machines that have joined stay. When the last of them has left, the cluster listens on this computer only.";
/// While machines are still there.
pub const INVITE_ENDED: &str = "The invitation has ended, and no other machine can join. The cluster still listens for the machines that have joined, until the last of them has left.";
pub const ADMIT: &str = "Admit";
pub const REFUSE: &str = "Refuse";
pub const ADMIT_ALL: &str = "Admit every machine with a valid code";
/// Over those that knock.
pub const KNOCKING: &str = "Waiting to be admitted";
/// Nobody does.
pub const NOBODY_KNOCKS: &str = "No machine waits.";
/// Over those that are there.
pub const MACHINES: &str = "Machines that have joined";
/// The button beside the news that a machine knocks.
pub const DECIDE: &str = "Decide…";
/// In the menu, and over the other dialog.
pub const JOIN: &str = "Join…";
/// Over the other dialog.
pub const JOIN_TITLE: &str = "Join another cluster";
/// What that means.
pub const JOIN_MEANS: &str = "This computer runs a replica of another person’s cluster. That person can stop, slow and crash it there. Your own cluster keeps running beside it.";
pub const JOIN_CODE: &str = "Code";
pub const JOIN_CODE_HINT: &str = "begins with JH";
pub const JOIN_NAME: &str = "Name of this computer";
pub const JOIN_NAME_HINT: &str = "as the system calls it";
pub const JOIN_FOLDER: &str = "Folder for orders on disk";
pub const JOIN_FOLDER_HINT: &str = "only if that cluster keeps its orders on disk";
pub const JOIN_BEGIN: &str = "Join";
pub const LEAVE: &str = "Leave";
/// Under that button.
pub const LEAVE_MEANS: &str = "The processes that run here for the other cluster end.";
/// Nothing does yet.
pub const NOTHING_RUNS_HERE: &str = "Nothing runs here for that cluster now.";

/// How long a code is good.
pub fn code_is(is: CodeIs, role: Role) -> String {
    match is {
        CodeIs::Good(rest) => {
            let (minutes, seconds) = (rest.as_secs() / 60, rest.as_secs() % 60);
            format!("Lets one {role} in. Expires in {minutes}:{seconds:02}.")
        }
        CodeIs::Used => {
            "A machine has joined with this code. Each code is good once: make a new one for the next machine.".into()
        }
        CodeIs::Expired => "This code has expired: a code is good for ten minutes. Make a new one.".into(),
    }
}

/// Where the cluster can be reached now.
pub fn reached_at(addresses: &[IpAddr], port: Option<u16>) -> String {
    let all: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    match port {
        Some(port) if !all.is_empty() => format!("{}; machines join at port {port}", all.join(", ")),
        _ => "this computer only".into(),
    }
}

/// In the menu: how many machines knock, and how many are there.
pub fn invite_entry(status: &MachinesStatus) -> String {
    match (status.knocking.len(), status.connected()) {
        (0, 0) if status.newest.is_some() => "on".into(),
        (0, 0) => String::new(),
        (0, joined) => count(joined, "machine", "machines"),
        (waiting, _) => format!("{waiting} waiting"),
    }
}

/// One that knocks.
pub fn knocks(machine: &KnockingMachine) -> String {
    format!("{} · {} · from {}", machine.name, machine.role, machine.address)
}

/// The same, for a person who does not look at the dialog.
pub fn wants_to_join(machine: &KnockingMachine) -> String {
    let wants = if machine.role == Role::Customer { "be" } else { "run" };
    format!("{} ({}) has a valid code and wants to {wants} a {}.", machine.name, machine.address, machine.role)
}

/// Whether a machine can be reached, in a word or two.
pub fn presence(is: Presence) -> &'static str {
    match is {
        Presence::Connected => "connected",
        Presence::Lost => "cannot be reached",
        Presence::Left => "has left",
    }
}

/// What runs on a machine.
pub fn runs_there(processes: &[(String, Option<u32>)]) -> String {
    let one = |(name, pid): &(String, Option<u32>)| match pid {
        Some(pid) => format!("{name} (process {pid})"),
        None => format!("{name} (has ended)"),
    };
    match processes {
        [] => "nothing".into(),
        some => some.iter().map(one).collect::<Vec<_>>().join(", "),
    }
}

/// In microseconds.
const A_DAY: u64 = 86_400_000_000;

/// How its clock differs.
pub fn clock_differs(offset: Option<ClockOffset>) -> String {
    let Some(ClockOffset { ahead, within }) = offset else { return "not measured yet".into() };
    let within = super::duration(within);
    match ahead.unsigned_abs() {
        difference if difference <= 1_000 => format!("as here, to {within}"),
        difference => {
            let side = if ahead > 0 { "ahead" } else { "behind" };
            let difference = match difference / A_DAY {
                0 => super::duration(difference),
                days => count(days as usize, "day", "days"),
            };
            format!("{difference} {side}, to {within}; the cluster allows for it")
        }
    }
}

/// How it stands with this machine in another cluster.
pub fn stay(stay: &Stay) -> Option<String> {
    let name = stay.name.as_deref().unwrap_or("this computer");
    let at = stay.at.map(|at| format!(" at {at}")).unwrap_or_default();
    Some(match &stay.is {
        StayIs::Nowhere => return None,
        StayIs::Dials => "Looking for the cluster at the addresses in the code.".into(),
        StayIs::Waits => {
            "The code is valid. The person at the cluster decides now whether to admit this computer.".into()
        }
        StayIs::Joined if stay.slept => {
            format!("This computer was asleep and has joined the cluster{at} again, as {name}.")
        }
        StayIs::Joined => format!("This computer belongs to the cluster{at}, as {name}."),
        StayIs::Lost => {
            "The cluster cannot be reached, so the processes here have ended. This computer keeps trying for a minute."
                .into()
        }
        StayIs::Leaves => "Leaving: the processes here are ending.".into(),
        StayIs::Over(StayOver::Left) => "This computer has left the cluster. Nothing runs here for it.".into(),
        StayIs::Over(StayOver::ClusterEnded) => "The cluster has ended, and so have the processes here.".into(),
        StayIs::Over(StayOver::NotAdmitted(why)) => no_join(*why),
        StayIs::Over(StayOver::NoWay(why)) => why.clone(),
    })
}

/// In the menu, while this machine belongs to another cluster.
pub fn join_entry(stay: &Stay) -> &'static str {
    match &stay.is {
        StayIs::Nowhere | StayIs::Over(_) => "",
        StayIs::Dials | StayIs::Waits => "waiting",
        StayIs::Joined => "joined",
        StayIs::Lost => "lost",
        StayIs::Leaves => "leaving",
    }
}
