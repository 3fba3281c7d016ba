//! Opens the window of the operating system, on a running cluster or on a tape.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::NAME;
use crate::displays;
use crate::exchange::App;
use crate::running_cluster::RunningCluster;
use crate::theme;
use knowledge::tape::Opened;
use scenarios::SetUp;

/// A crown on tomato, 256 pixels wide.
const ICON: &[u8] = include_bytes!("../../../resources/icons/just-hungry.png");

/// Shows the window until it is closed. `launch` starts a cluster like `set_up` once there is a window; it is given what to
/// call whenever facts arrive. `usual`: how clusters of this program begin.
///
/// # Errors
/// eframe's, if there is no display or no usable graphics.
pub fn run_window<C: RunningCluster + 'static>(
    set_up: SetUp,
    usual: SetUp,
    launch: impl FnOnce(Box<dyn Fn() + Send + Sync>) -> anyhow::Result<C> + 'static,
) -> eframe::Result {
    run(move |creation| {
        let context = creation.egui_ctx.clone();
        let patience = Arc::new(AtomicU64::new(0));
        let gather = patience.clone();
        let wake = move || context.request_repaint_after(Duration::from_micros(gather.load(Ordering::Relaxed)));
        let mut app = App::new(creation, launch(Box::new(wake))?);
        app.patience = patience;
        app.window.starts_with(set_up, usual);
        Ok(app)
    })
}

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

/// Takes X11 where Wayland is only a name.
#[cfg(all(unix, not(target_os = "macos")))]
fn hook() -> Option<eframe::EventLoopBuilderHook> {
    use winit::platform::x11::EventLoopBuilderExtX11;
    let takes_x11 = displays::Named::by_environment().choose() == displays::Choice::X11;
    takes_x11.then(|| -> eframe::EventLoopBuilderHook {
        Box::new(|builder| {
            builder.with_x11();
        })
    })
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn hook() -> Option<eframe::EventLoopBuilderHook> {
    None
}

/// Lets the allocator of glibc keep what is freed, up to this much. Without a graphics card, the driver asks for some megabytes in each
/// frame and gives them back at once: returned to the system each time, they cost a seventh of the frame. The allocator learns
/// from what is freed how much to keep (`mallopt`, `M_MMAP_THRESHOLD`); other allocators take no notice.
fn keep_freed_memory() {
    const MOST_IT_LEARNS_FROM: usize = 32 << 20;
    let room: Vec<u8> = Vec::with_capacity(MOST_IT_LEARNS_FROM - (64 << 10));
    drop(std::hint::black_box(room));
}

/// Opens the window; `create` makes what is in it.
fn run<C: RunningCluster + 'static>(
    create: impl FnOnce(&eframe::CreationContext<'_>) -> anyhow::Result<App<C>> + 'static,
) -> eframe::Result {
    keep_freed_memory();
    // Without its picture it is still a window.
    let icon = eframe::icon_data::from_png_bytes(ICON).unwrap_or_default();
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Just Hungry")
            .with_app_id(NAME)
            .with_icon(icon)
            .with_inner_size(theme::WINDOW)
            .with_min_inner_size(theme::SMALLEST_WINDOW),
        renderer: eframe::Renderer::Glow,
        // It smooths gradients, and there are none. Without a graphics card it would cost each frame a few milliseconds.
        dithering: false,
        event_loop_builder: hook(),
        ..eframe::NativeOptions::default()
    };
    let create = move |creation: &eframe::CreationContext<'_>| Ok(Box::new(create(creation)?) as Box<dyn eframe::App>);
    eframe::run_native(NAME, options, Box::new(create))
}
