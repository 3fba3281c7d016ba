//! What the window needs from a cluster. How a cluster is run is not known here.

use std::time::Instant;

use protocol::trace::TraceRecord;

use knowledge::machines::{AskedOfMachines, MachinesStatus, Stay};
use knowledge::user_command::UserCommand;
use scenarios::SetUp;
use scenarios::scenario_run::load_driver::LoadDriver;

/// What the window needs from a cluster: the real one, or recorded facts in tests. Nothing here may block.
pub trait RunningCluster {
    /// Does what a person asked for, sooner or later; facts will tell.
    fn perform(&mut self, command: UserCommand);
    /// Facts that have arrived since the last call.
    fn take_facts(&mut self) -> Vec<TraceRecord>;
    /// Cluster time in microseconds.
    fn now(&self) -> u64;
    /// Ends every process and starts another cluster, sooner or later; where there can be none, nothing happens.
    fn begin_again(&mut self, _beginning: Beginning) {}
    /// Places the orders of a scenario that runs on this cluster, and judges it; moments count from `epoch`. Without one, a
    /// sentence says why.
    fn load_driver(&mut self, _epoch: Instant) -> Result<Box<dyn LoadDriver>, String> {
        Err("No cluster is running.".into())
    }
    /// Whether it has begun again since the last call, or a sentence why it cannot. Facts are the new cluster's from then on.
    fn has_begun_again(&mut self) -> Option<Result<(), String>> {
        None
    }
    /// Asks the cluster about other machines, sooner or later; where there is none, nothing happens.
    fn ask_of_machines(&mut self, _asked: AskedOfMachines) {}
    /// What was answered since the last call: how it is, or a sentence why something cannot be done.
    fn answers_about_machines(&mut self) -> Vec<Result<MachinesStatus, String>> {
        Vec::new()
    }
    /// This machine joins another cluster, with a code and a name as a person typed them; [`Self::stay`] tells what comes from that.
    fn join(&mut self, _code: &str, _name: &str, _folder: &str) {}
    /// It leaves that cluster, sooner or later.
    fn leave(&mut self) {}
    /// How this machine stands in another cluster.
    fn stay(&self) -> Stay {
        Stay::default()
    }
    /// Whether the program was asked to end: then its window closes.
    fn is_asked_to_end(&self) -> bool {
        false
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Beginning {
    /// As a person wants it.
    SetUp(Box<SetUp>),
    /// For a scenario: without any customer of its own.
    Empty {
        replicas: u32,
        /// How many customers' last requests they remember.
        sessions: u32,
        /// With an etcd of its own for the view record.
        etcd: bool,
        /// With disks of their own.
        durable: bool,
    },
}
