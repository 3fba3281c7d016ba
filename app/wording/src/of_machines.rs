//! What is said about other machines: who knocks, who joins, who is lost, and why somebody is not admitted.

use std::net::IpAddr;

use protocol::ids::Role;
use protocol::trace::{MachineState, NoJoin};

use super::{Weight, count};

/// What has become of a machine, for the log.
pub(crate) fn machine_is(machine: &str, is: &MachineState) -> (Weight, String) {
    match is {
        MachineState::Knocks => (Weight::Plain, format!("{machine} has a valid code and waits to be admitted")),
        MachineState::TurnedAway(why) => (Weight::Bad, format!("{machine} was not admitted: {}", no_join(*why))),
        MachineState::Joined { address } => (Weight::Good, format!("{machine} has joined from {address}")),
        MachineState::Lost => (Weight::Bad, format!("{machine} cannot be reached; what runs there may still run")),
        MachineState::Left => (Weight::Plain, format!("{machine} has left, and its processes have ended")),
        MachineState::DoesNotConfirm => {
            (Weight::Bad, format!("{machine} has not confirmed that its time stands still; it may still run"))
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
            format!("This code invites a {invited}. Leave out --as, or ask for another code.")
        }
        NoJoin::TooMany => {
            "The cluster has as many machines or replicas as it can take. Somebody must leave first.".into()
        }
        NoJoin::ByPerson => "The person at the cluster refused. Ask them, then join again with a new code.".into(),
        NoJoin::NoDecision => "Nobody at the cluster decided in time. Ask them, then join again.".into(),
    }
}

/// Where other machines reach the cluster.
pub fn listens_on(addresses: &[IpAddr]) -> String {
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
