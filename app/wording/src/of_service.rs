//! Why orders wait, why a message never arrives, and why a command is not obeyed.

use protocol::ids::NodeId;
use protocol::trace::{Denial, Loss, NoFreshStart, NoService};
use protocol::view_record::Keeping;

use super::name_now;
use knowledge::picture::{Cause, Picture};

/// Why they do, and what to do about it.
pub fn orders_wait(cause: &Cause, picture: &Picture) -> String {
    match cause {
        Cause::NoFrontEnd => "No front-end is running, so orders wait. Click the front-end, then Restart.".into(),
        Cause::OnlyRetired => {
            "The newest front-end has ended, so orders wait. Restart it, or wait at least 20 s: then the name server forgets it and an older one takes over."
                .into()
        }
        Cause::NoPrimary => "No primary yet: the front-end is choosing one.".into(),
        Cause::FrontEnd(why) => no_service(why, |id| name_now(id, picture)),
    }
}

/// Where a name server keeps the view record, and whether changes of the view wait for that; none for the usual journal.
pub fn keeping(keeping: Keeping) -> Option<(&'static str, bool)> {
    match keeping {
        Keeping::Journal => None,
        Keeping::Store => Some(("a store, which answers", false)),
        Keeping::Unread => Some(("a store, which has not answered yet", true)),
        Keeping::Silent => {
            Some(("a store, which does not answer: the present view goes on, and view changes wait", true))
        }
    }
}

/// Why a front-end answers no orders. `name`: of a node whose name the front-end never heard.
pub fn no_service(why: &NoService, name: impl Fn(NodeId) -> String) -> String {
    match why {
        NoService::Retired => "There is a newer front-end, and customers are sent to it.".into(),
        NoService::NameServerSilent => "Waiting for the name server, which must record the next view.".into(),
        NoService::JournalLost { seen } => format!(
            "The name server has no record, but a replica has seen view {seen}: the journal, or what etcd held, was lost. Start the name server with the right one, or start a new cluster."
        ),
        NoService::ReportsMissing => "Waiting for every registered replica to report its position.".into(),
        NoService::NoReplica => "Waiting for the first replica to register.".into(),
        NoService::FirstViewUnrecorded => "Waiting for the first view to be recorded.".into(),
        NoService::NoMember { awaited } => {
            let told = |(id, told): &(NodeId, Option<String>)| told.clone().unwrap_or_else(|| name(*id));
            let awaited: Vec<_> = awaited.iter().map(told).collect();
            format!(
                "No member of the newest view answers, and no other replica holds all orders. Waiting for one of: {}. If their processes have ended, what only they held is lost: begin a new history (fresh start).",
                awaited.join(", ")
            )
        }
        NoService::TooFew { answer, wanted } => {
            format!("Only {answer} members answer, but the view needs at least {wanted}. Waiting for another replica.")
        }
        NoService::ViewUnrecorded => "Waiting for the name server to record a new view.".into(),
    }
}

/// Why a message never arrives, as the end of a sentence.
pub fn loss(why: &Loss) -> String {
    let words = match why {
        Loss::Cut => "the link is cut",
        Loss::Chance => "lost by its link",
        Loss::LinksFull => "the links of its sender are full: release or drop held messages",
        Loss::Dropped => "dropped by hand",
        Loss::SenderEnded => "its sender ended while the message was in its link",
        Loss::ReceiverEnded => "its receiver had ended",
        Loss::NotNeeded => "its answer is no longer needed",
        Loss::NoAnswer => "no process answers at its address",
        Loss::AnotherAnswers => "another process answers at its address",
        Loss::ReceiverFull => "its receiver accepts no more messages",
        Loss::TooLarge => "it is larger than the limit for messages",
        Loss::StreamEnded => "its receiver closed the connection",
        Loss::NoConnection { said } => return format!("there is no connection: {said}"),
    };
    words.into()
}

/// Why a command is not obeyed: what, why, what to do.
pub fn denial(why: &Denial, name: impl Fn(NodeId) -> String) -> String {
    let words = match why {
        Denial::MessageLeft => "That message has already left its link, so it cannot be changed.",
        Denial::QuestionsAreNotDoubled => {
            "A question to a postcode service cannot be duplicated: HTTP sends it once. If you drop it, the other service is asked."
        }
        Denial::NotHere { node } => return format!("{} is no longer running, so the timer is gone.", name(*node)),
        Denial::TimerNotArmed => "That timer is not armed: it has already rung, or it was cancelled.",
        Denial::FreshStart(NoFreshStart::NameServerSilent) => {
            "The name server does not answer, so no view can be recorded. Try the fresh start again when the name server runs."
        }
        Denial::FreshStart(NoFreshStart::NoHistory) => "No history has begun yet, so there is no need for a new one.",
        Denial::FreshStart(NoFreshStart::NotTheNewest { after, newest }) => {
            return format!(
                "View {after} is not the newest: there is a view {newest}. Check again before you give up its members."
            );
        }
        Denial::FreshStart(NoFreshStart::MayLive { member, view }) => {
            return format!(
                "{} is a member of view {view} and may still be alive with all orders. Restore it, or crash it first.",
                name(*member)
            );
        }
        Denial::FreshStart(NoFreshStart::Serves) => "This replica is serving and holds all orders, so nothing is lost.",
        Denial::FreshStart(NoFreshStart::DoesNotAnswer) => "This replica does not answer. Choose a running one.",
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
        assert!(words.starts_with("replica-2 is a member of view 7 and may still be alive with all orders"), "{words}");
    }
}
