//! What a bomb does to the process in which it goes off: everything that was sent before leaves, the launcher is told, and
//! then the process dies as if killed from outside, or stands still at the very point and goes on there.
//!
//! Where the points lie, and what a bomb keeps of an actor's work, is up to the event loop.

use std::time::Duration;

use protocol::machine::Machine;
use protocol::trace::{Blast, NodeEvent, TraceRecord};

use crate::control::NodeReport;
use crate::event_loop::{Explosion, Host};
use crate::observation::Reports;

/// Returns when the process goes on.
///
/// # Errors
/// As [`Host::round`].
pub(super) async fn happens<M: Machine>(
    host: &mut Host<M>,
    explosion: Explosion,
    reports: &Reports,
) -> anyhow::Result<()> {
    let Explosion { node, bomb } = explosion;
    if bomb.blast == Blast::Crash {
        host.lose_links(node);
    }
    host.let_sent_leave().await;
    host.begin_standstill();
    // Not through the feed, which may be full or not wanted: the launcher that laid the bomb waits for this.
    let exploded = TraceRecord { node, at: host.clock().now(), event: NodeEvent::Exploded { bomb }.into() };
    reports.tell_now(NodeReport::Trace { records: vec![exploded], dropped: 0 });
    match bomb.blast {
        Blast::Crash => die(),
        Blast::Freeze { wakes_after } => {
            host.stand_still(node, wakes_after.map(|after| Duration::from_micros(after.0)));
            host.resume(node)
        }
    }
}

/// As if killed from outside: nothing is tidied up, and no peer is told.
pub fn die() -> ! {
    #[cfg(unix)]
    {
        use rustix::process::{Signal, getpid, kill_process};
        // Fails never: the process exists and may signal itself.
        let _ = kill_process(getpid(), Signal::KILL);
    }
    std::process::abort()
}
