//! What one process says of its own steps that the narrator of a whole cluster leaves out: there the same is told of another
//! process, or is routine. In a terminal of its own it is all that there is to tell.

use std::collections::BTreeSet;

use protocol::ids::{NodeId, Role};
use protocol::message::Summary;
use protocol::trace::{MachineEvent, NodeEvent, NodeState, Note, Standing, TraceEvent, TraceRecord};

use crate::narrator::{Sentence, Weight};

/// Remembers what was told once.
#[derive(Debug, Default)]
pub struct OwnSteps {
    registered: BTreeSet<NodeId>,
    looked_up: bool,
    was_member: bool,
}

impl OwnSteps {
    /// Takes in a fact of the process's own; says what there is to say.
    pub fn hear(&mut self, record: &TraceRecord, name: impl Fn(NodeId) -> String) -> Vec<Sentence> {
        let called = |id| called(name(id));
        let (me, at) = (called(record.node), record.at);
        match &record.event {
            TraceEvent::Node(NodeEvent::State(NodeState::NameServer { names, .. })) => {
                let is_new = |(_, _, contact): &&(String, Role, _)| {
                    let contact: &protocol::ids::Contact = contact;
                    self.registered.insert(contact.id)
                };
                let new: Vec<_> = names.iter().filter(is_new).collect();
                new.into_iter().map(|(name, role, _)| registered(at, name, *role)).collect()
            }
            TraceEvent::Node(NodeEvent::Sent { to, facts, .. }) => {
                self.sent(at, &me, &called(*to), facts.step.map_or(0, |step| step.0), &facts.summary)
            }
            TraceEvent::Machine(MachineEvent::Became { standing, view }) if view.number.0 > 0 => {
                // A member that must join again is the narrator's matter.
                let is_member = *standing != Standing::Joining;
                let joins_again = std::mem::replace(&mut self.was_member, is_member) && !is_member;
                let told = became(at, &me, *standing, &called(view.primary), view.number.0);
                told.filter(|_| !joins_again).into_iter().collect()
            }
            TraceEvent::Machine(MachineEvent::Noted(Note::Removed { name })) => {
                let what = format!("The name server removes {name}, which has not registered since the last cleaning.");
                vec![sentence(at, None, what, None)]
            }
            TraceEvent::Launcher(_) | TraceEvent::Node(_) | TraceEvent::Machine(_) => Vec::new(),
        }
    }

    fn sent(&mut self, at: u64, me: &str, to: &str, step: u8, said: &Summary) -> Vec<Sentence> {
        let one = |step, what| vec![sentence(at, Some(step), what, None)];
        match said {
            Summary::LookUp(Role::Replica) if !std::mem::replace(&mut self.looked_up, true) => {
                one(2, format!("{me} asks the name server which replicas there are."))
            }
            Summary::RecordView(number) if number.0 == 1 => {
                let what = format!("{me} asks the name server to record view 1.");
                let means = "The replica that registered first leads it; its pre-defined orders become everybody's.";
                vec![sentence(at, Some(2), what, Some(means.to_owned()))]
            }
            Summary::Record(number) if number.0 == 1 => {
                one(3, format!("The name server tells {to}: view 1 is recorded."))
            }
            Summary::Found(found) => one(
                3,
                format!(
                    "The name server tells {to}: {}.",
                    crate::count(*found as usize, "replica is known", "replicas are known")
                ),
            ),
            Summary::Ack(op) => one(6, format!("{me} holds everything up to operation {op} and confirms it to {to}.")),
            // The front-end passes the same on, which the narrator tells.
            _ if step == 14 => Vec::new(),
            Summary::Orders(number) => {
                one(13, format!("{me} answers a question with {}.", crate::count(*number as usize, "order", "orders")))
            }
            Summary::Rejected => one(13, format!("{me} answers: the order is rejected.")),
            Summary::NeverPlaced => one(13, format!("{me} answers: the order is cancelled and will never be placed.")),
            _ => Vec::new(),
        }
    }
}

fn registered(at: u64, name: &str, role: Role) -> Sentence {
    let (step, what) = match role {
        Role::Replica => (Some(1), format!("{name} has registered.")),
        Role::FrontEnd | Role::Customer | Role::NameServer => {
            (None, format!("{} has registered.", called(name.to_owned())))
        }
    };
    sentence(at, step, what, None)
}

fn became(at: u64, me: &str, standing: Standing, primary: &str, view: u64) -> Option<Sentence> {
    let (what, means) = match standing {
        Standing::Primary => return None,
        Standing::Backup => (
            format!("{me} is a backup in view {view}, which {primary} leads."),
            "It holds a full copy, and confirms each update before a customer is answered.",
        ),
        Standing::Joining => (
            format!("{me} joins view {view}, which {primary} leads."),
            "It does not count as a copy until it holds everything.",
        ),
    };
    Some(sentence(at, None, what, Some(means.to_owned())))
}

fn sentence(at: u64, step: Option<u8>, what: String, means: Option<String>) -> Sentence {
    let weight = if step.is_some() { Weight::Step } else { Weight::Event };
    let what = match what.strip_prefix("the ") {
        Some(rest) => format!("The {rest}"),
        None => what,
    };
    Sentence { at, step, what, means, weight }
}

/// What people call a node in the middle of a sentence.
fn called(name: String) -> String {
    match name.as_str() {
        "front-end" => "the front-end".into(),
        "name-server" => "the name server".into(),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use protocol::ids::{Contact, Span, View, ViewNumber};
    use protocol::trace::{Actor, LauncherEvent, Sign, Started};

    use super::*;
    use crate::narrator::Narrator;

    /// A front-end cannot know whether a silent replica runs, and nobody else is heard here.
    #[test]
    fn a_process_alone_does_not_say_what_only_others_know() {
        let mut narrator = Narrator::of_one_process();
        for (id, name, role) in [(1, "front-end", Role::FrontEnd), (2, "replica-1", Role::Replica)] {
            let contact = Contact { id: NodeId(id), address: ([127, 0, 0, 1], 1).into() };
            let started = Started { name: name.into(), actor: Actor::Role(role), pid: 1, contact };
            narrator.hear(&TraceRecord { node: NodeId(id), at: 1, event: LauncherEvent::Started(started).into() });
        }
        let why = Some(Sign::Silent { silence: Span::millis(400), late: Span(0) });
        let suspects = MachineEvent::Suspects { replica: NodeId(2), suspected: true, why };
        narrator.hear(&TraceRecord { node: NodeId(1), at: 5, event: suspects.into() });
        let told = narrator.tell_the_rest();
        let [sentence] = &told[..] else { panic!("{told:?}") };
        assert_eq!(sentence.what, "The front-end suspects replica-1: it has heard nothing for 0.40 s.");
        let means = sentence.means.as_deref();
        assert_eq!(means, Some("It may have crashed, or be frozen or cut off: the front-end cannot tell."));
    }

    fn told(steps: &mut OwnSteps, event: impl Into<TraceEvent>) -> Vec<String> {
        let record = TraceRecord { node: NodeId(1), at: 5, event: event.into() };
        let name = |id: NodeId| format!("replica-{}", id.0);
        steps.hear(&record, name).iter().map(Sentence::numbered).collect()
    }

    #[test]
    fn a_backup_says_what_it_is_and_a_name_server_who_has_come() {
        let mut steps = OwnSteps::default();
        let view =
            View { number: ViewNumber(3), primary: NodeId(2), members: vec![NodeId(2), NodeId(1)], begins_at: None };
        let became = MachineEvent::Became { standing: Standing::Backup, view };
        assert_eq!(told(&mut steps, became), ["replica-1 is a backup in view 3, which replica-2 leads."]);
        let view = View { number: ViewNumber(4), ..View::default() };
        let left_out = MachineEvent::Became { standing: Standing::Joining, view };
        assert!(told(&mut steps, left_out).is_empty(), "the narrator says it");
        let contact = |id| Contact { id: NodeId(id), address: ([127, 0, 0, 1], 1).into() };
        let names = vec![("replica-7".to_owned(), Role::Replica, contact(7))];
        let state = |names| NodeState::NameServer {
            names,
            token: Default::default(),
            record: View::default(),
            keeping: Default::default(),
        };
        assert_eq!(told(&mut steps, NodeEvent::State(state(names.clone()))), ["Step 1: replica-7 has registered."]);
        assert!(told(&mut steps, NodeEvent::State(state(names))).is_empty(), "once is enough");
    }
}
