//! What a frame of the window costs by itself: 20 replicas, 50 customers, 500 messages in flight, and others. `cargo bench
//! -p just-hungry-window --bench frame` prints layout with paint calls, and tessellation; filling pixels is the graphics
//! driver's work.
#![expect(clippy::print_stdout, reason = "its output is the figure")]

#[path = "../tests/scene/mod.rs"]
mod scene;

use std::time::{Duration, Instant};

use egui::{Context, RawInput, Rect, vec2};
use window::Window;

/// Frames that are measured, after some that fill caches.
const FRAMES: usize = 400;

fn main() {
    measure("a lesson", &scene::order_on_its_way());
    measure("a lesson that is steered", &scene::steered::steered(None));
    measure("20 replicas, 50 customers", &scene::crowd(20, 50, 500));
    measure("a room of 200 phones", &scene::crowd(3, 200, 40));
}

fn measure(name: &str, told: &scene::Scene) {
    let context = Context::default();
    window::theme::install(&context);
    let mut window = Window::default();
    told.tell(&mut window, scene::NOW);
    let flying = window.picture.traffic.flying().count();
    window.focus.select_node("replica-3");
    let (mut layout, mut tessellation) = (Vec::new(), Vec::new());
    let mut used = None;
    for frame in 0..FRAMES + 20 {
        if frame == 20 {
            used = processor_time();
        }
        // All messages move on.
        window.picture.set_now(scene::NOW + frame as u64 * 500);
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(egui::Pos2::ZERO, vec2(1600.0, 1000.0))),
            time: Some(frame as f64 / 60.0),
            ..RawInput::default()
        };
        let begun = Instant::now();
        let mut output = context.run_ui(input, |ui| window.ui(ui));
        let laid_out = begun.elapsed();
        output.textures_delta.clear();
        let begun = Instant::now();
        let primitives = context.tessellate(output.shapes, output.pixels_per_point);
        let tessellated = begun.elapsed();
        assert!(!primitives.is_empty());
        if frame >= 20 {
            layout.push(laid_out);
            tessellation.push(tessellated);
        }
    }
    let used = used.and_then(|before| Some(processor_time()? - before));
    let total: Vec<Duration> = layout.iter().zip(&tessellation).map(|(one, other)| *one + *other).collect();
    println!("{name}, {flying} messages in flight, {FRAMES} frames:");
    for (name, mut times) in [("layout and paint calls", layout), ("tessellation", tessellation), ("frame", total)] {
        times.sort_unstable();
        let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e3;
        println!("  {name}: median {:.2} ms, 99 of 100 within {:.2} ms", at(50), at(99));
    }
    if let Some(used) = used {
        let mean = used.as_secs_f64() * 1e3 / FRAMES as f64;
        println!("  processor time of a frame: mean {mean:.2} ms (what other programs take meanwhile is not in it)");
    }
}

/// What this thread has used so far, where the operating system tells (Linux).
fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
}
