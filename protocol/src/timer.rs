//! The timers of all machines: what a machine asks for by name, and an observer sees ring.

use crate::ids::{NodeId, RequestId};

/// Every timer there is. All run on cluster time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Timer {
    /// All nodes: say again what is said each heartbeat.
    Heartbeat,
    /// Name server: forget the names that were not registered again.
    Autoclean,
    /// Front-end: this replica has been silent for the silence limit. (A primary counts its heartbeats instead.) Name
    /// server: the same of a front-end.
    Silence(NodeId),
    /// Front-end: claim, read or record again, the answer is overdue. Customer: look up again.
    AskNameServer,
    /// Name server: read the store of the view record again.
    AskStore,
    /// Front-end: forward requests again that have not been answered.
    ForwardAgain,
    /// Front-end: another view may be proposed.
    MayPropose,
    /// Replica: no front-end has been heard; look one up.
    FrontEndSilence,
    /// Primary: nobody could tell about the postcode of this request; ask again.
    CheckAgain(RequestId),
    /// Customer: the answer is overdue; send the same request again.
    RetryRequest,
    /// Durable replica: the disk has not answered for too long, or one that failed is tried again.
    Disk,
}
