//! The window on a tape, without any cluster until a person asks for one.

use super::{App, RunningCluster, run};
use knowledge::tape::Opened;

/// Shows a tape until the window is closed. `no_cluster` makes what could start one, once there is a window; it is given what
/// is to be called when that has happened.
///
/// # Errors
/// eframe's, if there is no display or no usable graphics.
pub fn run_tape_window<C: RunningCluster + 'static>(
    name: String,
    opened: Opened,
    no_cluster: impl FnOnce(Box<dyn Fn() + Send + Sync>) -> C + 'static,
) -> eframe::Result {
    run(move |creation| {
        let context = creation.egui_ctx.clone();
        let mut app = App::new(creation, no_cluster(Box::new(move || context.request_repaint())));
        app.window.show_alone(name, opened);
        Ok(app)
    })
}
