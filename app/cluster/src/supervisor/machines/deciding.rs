//! What the person at the cluster decides about a machine that has knocked with a valid code.

use anyhow::Context;
use protocol::trace::{MachineState, NoJoin};

use super::Waiting;
use crate::machines::door::Decision;
use crate::supervisor::Supervisor;

impl Supervisor {
    /// Admits or refuses the machine of this name.
    ///
    /// # Errors
    /// A sentence, when none of that name waits.
    pub(in crate::supervisor) fn decide(&mut self, machine: &str, admitted: bool) -> anyhow::Result<()> {
        self.machines.knocking.retain(|waiting| !waiting.reply.is_closed());
        let at = self.machines.knocking.iter().position(|waiting| waiting.name == machine);
        let at = at.with_context(|| nobody_waits(machine, &self.machines.knocking))?;
        let waiting = self.machines.knocking.remove(at);
        if admitted {
            self.admit(waiting);
        } else {
            self.turn_away_by_person(waiting);
        }
        Ok(())
    }

    pub(super) fn turn_away_by_person(&self, waiting: Waiting) {
        let _ = waiting.reply.send(Decision::No(NoJoin::ByPerson));
        self.machine_is(waiting.name, MachineState::TurnedAway(NoJoin::ByPerson));
    }
}

fn nobody_waits(machine: &str, knocking: &[Waiting]) -> String {
    let names: Vec<&str> = knocking.iter().map(|waiting| &*waiting.name).collect();
    let waits = match names.as_slice() {
        [] => "No machine waits at the moment".to_owned(),
        [one] => format!("{one} waits"),
        many => format!("These wait: {}", many.join(", ")),
    };
    format!("No machine named “{}” waits to be admitted. {waits}.", crate::shown(machine))
}
