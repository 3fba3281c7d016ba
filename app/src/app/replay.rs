//! The window on a tape, without any cluster.

use protocol::trace::TraceRecord;

use super::{App, RunningCluster, run};
use crate::tape::Opened;
use crate::user_command::UserCommand;

/// There is none: the window refuses every wish before it comes here.
struct NoCluster;

impl RunningCluster for NoCluster {
    fn perform(&mut self, _command: UserCommand) {}

    fn take_facts(&mut self) -> Vec<TraceRecord> {
        Vec::new()
    }

    fn now(&self) -> u64 {
        0
    }
}

/// Shows a tape until the window is closed; calls `begun` once there is a window.
///
/// # Errors
/// eframe's, if there is no display or no usable graphics.
pub fn run_tape_window(name: String, opened: Opened, begun: impl FnOnce() + 'static) -> eframe::Result {
    run(move |creation| {
        begun();
        let mut app = App::new(creation, NoCluster);
        app.window.show_alone(name, opened);
        Ok(app)
    })
}
