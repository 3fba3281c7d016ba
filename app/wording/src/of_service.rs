//! Why orders wait, why a message never arrives, and why a command is not obeyed.

use protocol::ids::NodeId;
use protocol::trace::{Denial, Loss, NoFreshStart, NoService};

use super::name_now;
use knowledge::picture::{Cause, Picture};

/// Why they do, and what to do about it.
#[must_use]
pub fn orders_wait(cause: &Cause, picture: &Picture) -> String {
    match cause {
        Cause::NoFrontEnd => "No front-end runs, so orders wait. Start it again: click it, then Restart.".into(),
        Cause::OnlyRetired => {
            "The newest front-end is gone, so orders wait. Restart it, or wait until the name server \
                               has forgotten it (20 s or more): then an older one takes over."
                .into()
        }
        Cause::NoPrimary => "No primary yet: the front-end is choosing one.".into(),
        Cause::FrontEnd(why) => no_service(why, |id| name_now(id, picture)),
    }
}

/// Why a front-end serves nobody. `name`: of a node whose name the front-end never heard.
#[must_use]
pub fn no_service(why: &NoService, name: impl Fn(NodeId) -> String) -> String {
    match why {
        NoService::Retired => "There is a newer front-end; customers are told to look it up.".into(),
        NoService::NameServerSilent => "Waiting for the name server: without it no view can be recorded.".into(),
        NoService::JournalLost { seen } => format!(
            "The name server has no record, but a replica has seen view {seen}: its journal was lost. \
             Start the name server with the right journal, or start everything afresh."
        ),
        NoService::ReportsMissing => "Waiting for every registered replica to say where it stands.".into(),
        NoService::NoReplica => "Waiting for a first replica.".into(),
        NoService::FirstViewUnrecorded => "Waiting for the first view to be recorded.".into(),
        NoService::NoMember { awaited } => {
            let told = |(id, told): &(NodeId, Option<String>)| told.clone().unwrap_or_else(|| name(*id));
            let awaited: Vec<_> = awaited.iter().map(told).collect();
            format!(
                "No member of the newest view answers, and no other replica holds all orders. Waiting for one of: {}. \
                 If their processes are gone, what only they held is lost, and only a fresh start goes on.",
                awaited.join(", ")
            )
        }
        NoService::TooFew { answer, wanted } => {
            format!("Only {answer} of at least {wanted} wanted members answer. Waiting for another replica.")
        }
        NoService::ViewUnrecorded => "Waiting for the name server to record a new view.".into(),
    }
}

/// Why a message never arrives, as the end of a sentence.
#[must_use]
pub fn loss(why: &Loss) -> String {
    let words = match why {
        Loss::Cut => "the link is cut",
        Loss::Chance => "lost by its link",
        Loss::LinksFull => "the links of its sender are full: let go or drop what is held",
        Loss::Dropped => "a person dropped it",
        Loss::SenderEnded => "its sender ended while it was in its link",
        Loss::ReceiverEnded => "its receiver has ended",
        Loss::NotNeeded => "nobody waits for its answer any more",
        Loss::NoAnswer => "nobody answers at its address",
        Loss::AnotherAnswers => "somebody else answers at its address",
        Loss::ReceiverFull => "it takes no more messages",
        Loss::TooLarge => "it is larger than a message may be",
        Loss::StreamEnded => "it ended the connection",
        Loss::NoConnection { said } => return format!("there is no connection: {said}"),
    };
    words.into()
}

/// Why a command is not obeyed: what, why, what to do.
#[must_use]
pub fn denial(why: &Denial, name: impl Fn(NodeId) -> String) -> String {
    let words = match why {
        Denial::MessageLeft => "That message has left its link already, so nothing can be done with it any more.",
        Denial::QuestionsAreNotDoubled => {
            "A question to a postcode service cannot be doubled: HTTP asks once. Drop it instead, then the other \
             service is asked."
        }
        Denial::NotHere { node } => return format!("{} runs no more, and its timers are gone.", name(*node)),
        Denial::TimerNotArmed => "That timer is not armed: it has rung already, or nobody waits for it any more.",
        Denial::FreshStart(NoFreshStart::NameServerSilent) => {
            "The front-end is waiting for the name server, without which no view can be recorded. Order the fresh \
             start again when the name server runs."
        }
        Denial::FreshStart(NoFreshStart::NoHistory) => "No history has begun yet, so there is none to begin afresh.",
        Denial::FreshStart(NoFreshStart::NotTheNewest { after, newest }) => {
            return format!(
                "View {after} is not the newest, view {newest} is. Look again before you give its members up."
            );
        }
        Denial::FreshStart(NoFreshStart::MayLive { member, view }) => {
            return format!(
                "{} is a member of view {view} and is not known to be dead: it may hold all orders. \
                 Restore it, or crash it first.",
                name(*member)
            );
        }
        Denial::FreshStart(NoFreshStart::Serves) => "This replica serves, and holds all orders. Nothing is lost.",
        Denial::FreshStart(NoFreshStart::DoesNotAnswer) => "This replica does not answer. Choose one that runs.",
        Denial::Words(words) => words,
    };
    words.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn awaited_members_are_named_as_the_front_end_knows_them() {
        let awaited = vec![(NodeId(1), Some("replica-1".to_owned())), (NodeId(2), None)];
        let words = no_service(&NoService::NoMember { awaited }, |id| format!("the former replica-{}", id.0));
        assert!(words.contains("Waiting for one of: replica-1, the former replica-2. If"), "{words}");
    }

    #[test]
    fn a_fresh_start_is_refused_with_the_name_of_the_member_that_may_live() {
        let why = NoFreshStart::MayLive { member: NodeId(2), view: protocol::ids::ViewNumber(7) };
        let words = denial(&Denial::FreshStart(why), |id| format!("replica-{}", id.0));
        assert!(words.starts_with("replica-2 is a member of view 7 and is not known to be dead"), "{words}");
    }
}
