//! Why orders wait.

use protocol::ids::NodeId;
use protocol::trace::NoService;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn awaited_members_are_named_as_the_front_end_knows_them() {
        let awaited = vec![(NodeId(1), Some("replica-1".to_owned())), (NodeId(2), None)];
        let words = no_service(&NoService::NoMember { awaited }, |id| format!("the former replica-{}", id.0));
        assert!(words.contains("Waiting for one of: replica-1, the former replica-2. If"), "{words}");
    }
}
