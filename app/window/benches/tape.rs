//! What a long tape costs: 100 000 messages are recorded, saved, opened and scrubbed. `cargo bench -p just-hungry-window
//! --bench tape` prints how long each takes, and the most memory that opening and scrubbing took (Linux).
#![expect(clippy::print_stdout, reason = "its output is the figure")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made must fail")]

#[path = "../../tests/lecture.rs"]
mod lecture;

use std::time::{Duration, Instant};

use egui::{Context, RawInput, Rect, vec2};
use knowledge::picture::Picture;
use knowledge::tape::{self, Entry, Moment, Tape};
use window::Window;
use window::panels::timeline::Look;

const MESSAGES: usize = 100_000;
/// Moments that are looked at.
const LOOKS: usize = 600;

fn main() {
    let folder = std::env::temp_dir();
    let path = folder.join(format!("just-hungry-bench-{}.jhtape", std::process::id()));
    // Another process writes it, so that what it takes is not counted here.
    if let Some(path) = std::env::args().skip_while(|argument| argument != "--write").nth(1) {
        return write(path.as_ref());
    }
    let program = std::env::current_exe().unwrap();
    assert!(
        std::process::Command::new(program).args(["--write".as_ref(), path.as_os_str()]).status().unwrap().success()
    );
    let before = resident();
    let begun = Instant::now();
    let opened = tape::open(&path).unwrap();
    let took = begun.elapsed();
    assert!(opened.notes.is_empty(), "{:?}", opened.notes);
    let messages = opened.tape.message_index().tracks().len();
    println!("opened {messages} messages, {} entries in {:.2} s", opened.tape.end(), took.as_secs_f64());
    scrub(&opened.tape);
    draw(opened);
    let _ = std::fs::remove_file(&path);
    if let (Some(before), Some(peak)) = (before, peak()) {
        println!("memory at most {} MiB, of which {} MiB before the tape was opened", peak / 1024, before / 1024);
    }
}

fn write(path: &std::path::Path) {
    let entries = lecture::lecture(MESSAGES);
    let (mut recorded, mut picture) = (Tape::default(), Picture::default());
    let begun = Instant::now();
    let number = entries.len();
    entries.into_iter().for_each(|entry: Entry| recorded.take_in(&mut picture, entry));
    let took = begun.elapsed().as_secs_f64();
    let each = took * 1e6 / number as f64;
    println!("recorded {number} entries in {took:.2} s, {each:.1} µs each; {} MiB", recorded.bytes() >> 20);
    let begun = Instant::now();
    tape::save(&recorded.copy(), path).unwrap();
    let size = std::fs::metadata(path).unwrap().len();
    println!("saved in {:.2} s, {:.1} MiB compressed", begun.elapsed().as_secs_f64(), size as f64 / 1024.0 / 1024.0);
}

/// A hand drags to and fro, and leaps now and then.
fn scrub(tape: &Tape) {
    let mut moment = Moment::at(tape, tape.end());
    let mut seed = 1usize;
    let mut times = Vec::new();
    for look in 0..LOOKS {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let end = match look % 20 {
            0 => (seed >> 33) % tape.end(),
            _ => moment.end.saturating_sub((seed >> 33) % (tape.end() / 100)),
        };
        let begun = Instant::now();
        moment.go_to(tape, end);
        times.push(begun.elapsed());
    }
    print("a look at another moment", times);
}

/// The window at moments all over the tape: going there and drawing it.
fn draw(opened: tape::Opened) {
    let context = Context::default();
    window::theme::install(&context);
    let mut window = Window::default();
    let end = opened.tape.end();
    window.show_alone("bench".into(), opened);
    let mut times = Vec::new();
    for frame in 0..200 {
        let begun = Instant::now();
        window.look(Look::After(end - frame * end / 250));
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(egui::Pos2::ZERO, vec2(1600.0, 1000.0))),
            time: Some(frame as f64 / 30.0),
            ..RawInput::default()
        };
        let output = context.run_ui(input, |ui| window.ui(ui));
        let primitives = context.tessellate(output.shapes, output.pixels_per_point);
        assert!(!primitives.is_empty());
        if frame >= 5 {
            times.push(begun.elapsed());
        }
    }
    print("a frame of the window while scrubbing", times);
}

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    println!("{what}: median {:.2} ms, 99 of 100 within {:.2} ms, slowest {:.2} ms", at(50), at(99), at(100));
}

/// Of this process, in KiB, where the operating system tells (Linux).
fn memory(field: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with(field))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn resident() -> Option<u64> {
    memory("VmRSS:")
}

fn peak() -> Option<u64> {
    memory("VmHWM:")
}
