//! What can happen in a scenario, and who can be meant: the words of its steps, read and checked.
//!
//! How they are written stands in `file` and `check`, what they mean at a moment in `script_runner`.

use std::cmp::Ordering;
use std::time::Duration;

use node::control::Misbehaviour;
use protocol::acknowledge::Acknowledge;
use protocol::plant::Plant;
use protocol::postcode::{Postcode, PostcodeService};
use protocol::trace::{Bomb, DiskFault, Freezing, LinkRule, MessageAct, Rate};

/// What can happen. Each has a name in the file, under `do`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// "crash": kill a process.
    Crash(NodeName),
    /// "crash-all", or "power-cut": kill every replica, every front-end and the name server, at once.
    CrashAll,
    /// "power-on": start everything again that is not running.
    PowerOn,
    /// "fresh-start": all members of the newest view are gone, and a new history begins with what this replica holds.
    FreshStart(NodeName),
    /// "restart": start a crashed process again.
    Restart(NodeName),
    /// "add-replica": one more.
    AddReplica,
    /// "add-front-end": one more, which takes over.
    AddFrontEnd,
    /// "remove": take a process away.
    Remove(NodeName),
    /// "misbehave": a stand-in answers badly from now on.
    Misbehave(PostcodeService, Misbehaviour),
    /// "verdict-cache": primaries remember verdicts, or ask each time.
    VerdictCache(bool),
    /// "store-members": of the run's own etcd, this many members run from now on, and the others are killed.
    StoreMembers(u32),
    /// "hop": each hop takes so long; none ("auto"): as the speed wants it.
    Hop(Option<Duration>),
    /// "speed": how fast cluster time goes from now on.
    Speed(Rate),
    /// "go-on": time goes on. In a lesson as fast as it went before it was stopped, else in real time.
    GoOn,
    /// "run-until": time goes until something has happened, then it stops.
    RunUntil(Rate, Goal),
    /// "step": this many times, the next message leaves its link, or else the next timer rings; time stops after each.
    Step {
        count: u32,
        /// How fast time goes meanwhile.
        rate: Rate,
    },
    /// "cut", "cut-one-way", "hold", "slow", "mend": what links do from now on.
    Links {
        from: EndName,
        to: EndName,
        /// The other direction, too.
        both_ways: bool,
        rule: LinkRule,
    },
    /// "mend-all": every link does nothing again.
    MendAll,
    /// "partition": cut everything between these and the rest, both ways.
    Partition(Vec<EndName>),
    /// "message": do something with messages that are in their links; waits for one.
    Message {
        /// What is done with them.
        act: MessageAct,
        which: Which,
        /// How long to wait for one.
        within: Duration,
    },
    /// "ring": let an armed timer ring; waits until it is armed.
    Ring {
        /// The owner of the timer: a node or a customer.
        node: NodeName,
        timer: TimerName,
        /// How long to wait for the timer.
        within: Duration,
    },
    /// "freeze": a process stands still.
    Freeze(NodeName, Freezing),
    /// "wake": it goes on.
    Wake(NodeName),
    /// "bomb": a node crashes or freezes at a very point of its work.
    Bomb(NodeName, Option<Bomb>),
    /// "disk": the disk of a durable replica is full, read-only or broken from now on, or works.
    Disk(NodeName, Option<DiskFault>),
    /// "plant": a bug is injected from now on, or none.
    Plant(Option<Plant>),
    /// "acknowledge": answers wait for this many copies from now on.
    Acknowledge(Acknowledge),
    /// "customer": one with a name appears, or moves.
    Customer { name: String, postcode: Postcode },
    /// "order": a customer with a name places an order.
    Order {
        /// The name of the customer.
        customer: String,
        /// The destination; none: the customer's own postcode.
        postcode: Option<Postcode>,
        items: Vec<String>,
    },
    /// "read": it asks what was ordered to a postcode.
    Read {
        /// The name of the customer.
        customer: String,
        /// The postcode; none: the customer's own.
        postcode: Option<Postcode>,
    },
    /// "give-up": it cancels the order it waits for.
    GiveUp(String),
    /// "say": these words stand over what follows, for people.
    Say(String),
    /// "wait": the next step comes after an event.
    Wait {
        for_what: WaitFor,
        /// After this time the scenario stops.
        within: Duration,
    },
}

/// Until when time goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// So much later in cluster time.
    Later(Duration),
    /// A message with a number has arrived.
    NumberedStep,
    /// A replica has entered a newer view than any before.
    ViewChange,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Which {
    /// Its step of the workflow; none: any.
    pub step: Option<u8>,
    /// The sender; none: any.
    pub from: Option<EndName>,
    /// Whom it is for; none: anybody.
    pub to: Option<EndName>,
    /// All that are there, not only the one that was sent first.
    pub all: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimerName {
    /// Its short name: "heartbeat", "silence", … ([`super::timer_name`]).
    pub name: &'static str,
    /// Of a silence: whose.
    pub of: Option<NodeName>,
}

/// What a script can wait for. "Since" means: since the last thing that was done and no waiting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// "answered": this customer waits for nothing.
    Answered(String),
    /// "asked": this customer waits for an answer, or has asked something, since.
    Asked(String),
    /// "placed": this customer was told this many times that an order of theirs is placed, since. Not more, not less.
    Placed { customer: String, count: u32 },
    /// "shows": the last history that this customer read holds this many orders of theirs.
    Shows { customer: String, count: u32 },
    /// "shows-told", "shows-more", "shows-less": that history holds as many orders of theirs as they were told are placed, all in
    /// all; or more, or less.
    ShowsTold { customer: String, than: Ordering },
    /// "copies": this many of the running replicas hold everything that any of them holds.
    Copies(u32),
    /// "refused": a node has refused a message, since.
    Refused,
    /// "goes": time does not stand still.
    Goes,
    /// "serving": orders are answered, as far as front-end and primary say.
    Serving,
    /// "members": the newest view has this many members, and all hold all. None: as many as there are replicas that run.
    Members(Option<u32>),
    /// "view-change": a newer view, since.
    ViewChange,
    /// "held": this many messages are held in links.
    Held(u32),
    /// "failpoint": a bomb went off, since.
    Failpoint,
    /// "step": a message with this number has arrived, since.
    StepArrived(u8),
    /// "sent": a message with this number has entered its link, since.
    StepSent(u8),
    /// "stopped": time stands still.
    Stopped,
    /// "leads": this replica acts as primary.
    Leads(NodeName),
    /// "suspected": a front-end suspects a replica, since.
    Suspected,
    /// "frozen": this process stands still.
    Frozen(NodeName),
    /// "ended": this process does not run.
    Ended(NodeName),
    /// "a-while": so long, from when it is reached.
    AWhile(Duration),
    /// "the-end": this long before the time is over. It always comes.
    TheEnd(Duration),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeName {
    /// Whichever replica is the primary then.
    Primary,
    /// One of the backups then, chosen by the seed.
    Backup,
    /// Every node that is crashed then.
    Crashed,
    /// Every node that stands still then.
    Frozen,
    Everybody,
    /// One of the replicas that run then, chosen by the seed.
    SomeReplica,
    /// This one: "front-end-2", "name-server", "replica-2", "postcodes.io", "getthedata.com", or a customer.
    Named(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndName {
    Node(NodeName),
    Backups,
    Customers,
}
