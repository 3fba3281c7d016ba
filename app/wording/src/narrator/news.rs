//! Facts as the narrator keeps them until they are told: short, and without what it does not say.

use knowledge::verdict::evidence::Judged;
use protocol::ids::{MessageId, NodeId, OpNumber, RequestId};
use protocol::message::{FieldValue, Summary};
use protocol::trace::{LauncherEvent, MachineEvent, MessageFacts, NodeEvent, NodeState, Note, TraceEvent, TraceRecord};

/// Something that is to be told.
#[derive(Debug)]
pub(super) enum News {
    Title(String),
    Sent(Box<Sent>),
    Fact(Box<TraceRecord>),
    /// A light is red.
    Judged(Judged),
    /// This number of orders was placed.
    Placed(u64),
    Due(Due),
}

/// A moment at which something is looked at again.
#[derive(Clone, Copy, Debug)]
pub(super) enum Due {
    /// The messages that are being gathered are complete.
    Group,
    /// Whether the links that change together are complete.
    Links,
    /// A second of cluster time is over.
    Second,
    /// Whether this operation is committed by now.
    Confirmed(OpNumber),
    /// Whether this front-end serves by now.
    Serves(NodeId),
    /// Whether this primary has answered this read by now.
    Read(RequestId, NodeId),
}

/// A message that entered its link.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub message: MessageId,
    pub to: NodeId,
    pub step: u8,
    pub said: Summary,
    /// Of an acknowledgement: up to where the sender holds everything.
    pub holds: Option<OpNumber>,
    /// Of a view that is to be recorded.
    pub primary: Option<NodeId>,
    /// As above.
    pub members: Vec<NodeId>,
    pub request: Option<RequestId>,
    /// Whether its way takes time, so that a person can see it.
    pub slow: bool,
    pub held: bool,
}

impl News {
    /// Of a fact that is needed.
    pub fn of(record: &TraceRecord) -> Self {
        match &record.event {
            TraceEvent::Node(NodeEvent::Sent { message, to, facts }) => News::Sent(Box::new(Sent {
                message: *message,
                to: *to,
                step: facts.step.map_or(0, |step| step.0),
                said: facts.summary.clone(),
                holds: holds(facts),
                primary: nodes(facts, "primary").first().copied(),
                members: nodes(facts, "members").to_vec(),
                request: facts.request,
                slow: facts.delay > 0,
                held: facts.held,
            })),
            TraceEvent::Launcher(_) | TraceEvent::Node(_) | TraceEvent::Machine(_) => {
                News::Fact(Box::new(record.clone()))
            }
        }
    }
}

impl News {
    /// Whether a sentence may come of it soon; not of what nodes say of themselves all the time.
    pub fn speaks(&self) -> bool {
        match self {
            News::Title(_) | News::Sent(_) | News::Judged(_) | News::Placed(_) | News::Due(_) => true,
            News::Fact(record) => matches!(
                record.event,
                TraceEvent::Launcher(
                    LauncherEvent::Started(_)
                        | LauncherEvent::Ended { .. }
                        | LauncherEvent::LinkIs { .. }
                        | LauncherEvent::BombIs { .. }
                        | LauncherEvent::DiskIs { .. }
                        | LauncherEvent::PlantIs { .. }
                        | LauncherEvent::AcknowledgeIs { .. }
                        | LauncherEvent::CommandRefused { .. }
                ) | TraceEvent::Node(
                    NodeEvent::Lost { .. }
                        | NodeEvent::PostcodeAnswered { .. }
                        | NodeEvent::Froze { .. }
                        | NodeEvent::Woke
                        | NodeEvent::Exploded { .. }
                        | NodeEvent::Asked { .. }
                        | NodeEvent::Answered { .. }
                ) | TraceEvent::Machine(
                    MachineEvent::Refused { .. }
                        | MachineEvent::Became { .. }
                        | MachineEvent::Committed { .. }
                        | MachineEvent::TookIn { .. }
                        | MachineEvent::Suspects { .. }
                        | MachineEvent::CommandRefused { .. }
                        | MachineEvent::Noted(Note::Installed { .. })
                )
            ),
        }
    }
}

/// Of an acknowledgement: up to where its sender holds everything.
fn holds(facts: &MessageFacts) -> Option<OpNumber> {
    match facts.summary {
        Summary::Ack(op) => Some(op),
        Summary::AckPart(_) => facts.fields.iter().find_map(|(_, value)| match value {
            FieldValue::PartOf(_, op) => Some(*op),
            _ => None,
        }),
        _ => None,
    }
}

fn nodes<'a>(facts: &'a MessageFacts, name: &str) -> &'a [NodeId] {
    match facts.fields.iter().find(|(field, _)| field == name) {
        Some((_, FieldValue::Nodes { first, .. })) => first,
        _ => &[],
    }
}

/// Whether anything is made of such a fact.
pub(super) fn is_needed(event: &TraceEvent) -> bool {
    match event {
        TraceEvent::Launcher(event) => match event {
            LauncherEvent::Started(_)
            | LauncherEvent::Ended { .. }
            | LauncherEvent::BombIs { .. }
            | LauncherEvent::DiskIs { .. }
            | LauncherEvent::CustomerIs { .. }
            | LauncherEvent::Crowd(_)
            | LauncherEvent::HopIs { .. }
            | LauncherEvent::ClockIs { .. }
            | LauncherEvent::LinkIs { .. }
            | LauncherEvent::PlantIs { .. }
            | LauncherEvent::AcknowledgeIs { .. }
            | LauncherEvent::CannotReach { .. }
            | LauncherEvent::CanReach { .. }
            | LauncherEvent::CommandRefused { .. } => true,
            LauncherEvent::Orders { .. }
            | LauncherEvent::HeartbeatsAre { .. }
            | LauncherEvent::RunsOn { .. }
            | LauncherEvent::MachineIs { .. }
            | LauncherEvent::ListensOn { .. }
            | LauncherEvent::Stopping { .. }
            | LauncherEvent::Log { .. } => false,
        },
        TraceEvent::Node(event) => match event {
            NodeEvent::State(state) => match state {
                NodeState::FrontEnd { .. } | NodeState::Replica(_) => true,
                NodeState::Customer { why, .. } => why.is_some(),
                NodeState::NameServer { .. } => false,
            },
            NodeEvent::Sent { .. }
            | NodeEvent::Delivered { .. }
            | NodeEvent::Lost { .. }
            | NodeEvent::PostcodeAnswered { .. }
            | NodeEvent::Froze { .. }
            | NodeEvent::Woke
            | NodeEvent::Exploded { .. }
            | NodeEvent::Flow { .. }
            | NodeEvent::Asked { .. }
            | NodeEvent::Answered { .. } => true,
            NodeEvent::PostcodeAsked { .. }
            | NodeEvent::Stays { .. }
            | NodeEvent::Timers { .. }
            | NodeEvent::Rang { .. }
            | NodeEvent::Log { .. } => false,
        },
        TraceEvent::Machine(event) => match event {
            MachineEvent::Refused { .. }
            | MachineEvent::Became { .. }
            | MachineEvent::Committed { .. }
            | MachineEvent::TookIn { .. }
            | MachineEvent::Suspects { .. }
            | MachineEvent::CommandRefused { .. }
            | MachineEvent::Noted(
                Note::Executed { .. }
                | Note::Installed { .. }
                | Note::StoreSilent
                | Note::StoreAnswers
                | Note::Recovered { .. }
                | Note::DiskFails { .. }
                | Note::DiskWorks,
            ) => true,
            MachineEvent::Noted(Note::Removed { .. } | Note::LooksUp { .. } | Note::Undecodable { .. }) => false,
        },
    }
}

/// What is only counted while many orders flow.
pub(super) fn is_routine(event: &TraceEvent) -> bool {
    match event {
        TraceEvent::Launcher(_) => false,
        TraceEvent::Node(event) => match event {
            NodeEvent::Sent { facts, .. } => facts.step.is_none_or(|step| step.0 >= 5),
            NodeEvent::Delivered { .. }
            | NodeEvent::Lost { .. }
            | NodeEvent::PostcodeAsked { .. }
            | NodeEvent::PostcodeAnswered { .. }
            | NodeEvent::Asked { .. }
            | NodeEvent::Answered { .. } => true,
            NodeEvent::State(_)
            | NodeEvent::Stays { .. }
            | NodeEvent::Timers { .. }
            | NodeEvent::Rang { .. }
            | NodeEvent::Froze { .. }
            | NodeEvent::Woke
            | NodeEvent::Exploded { .. }
            | NodeEvent::Flow { .. }
            | NodeEvent::Log { .. } => false,
        },
        TraceEvent::Machine(event) => match event {
            MachineEvent::Committed { .. } | MachineEvent::Noted(Note::Executed { .. }) => true,
            MachineEvent::Refused { .. }
            | MachineEvent::Became { .. }
            | MachineEvent::TookIn { .. }
            | MachineEvent::Suspects { .. }
            | MachineEvent::CommandRefused { .. }
            | MachineEvent::Noted(_) => false,
        },
    }
}
