//! Pictures of the window compared with those that were looked at and found good. `UPDATE_SNAPSHOTS=1` renews them.

#[path = "scene/ended.rs"]
mod ended;
#[path = "scene/loss.rs"]
mod loss;
#[path = "scene/recorded.rs"]
mod recorded;
mod scene;
#[path = "scene/taught.rs"]
mod taught;

use egui::{Context, FullOutput, Key, Rect, TexturesDelta, Theme, pos2, vec2};
use egui_kittest::kittest::Queryable;
use egui_kittest::{Harness, SnapshotOptions, TestRenderer, image_snapshot_options};
use image::RgbaImage;
use knowledge::tape::Moment;
use protocol::plant::Plant;
use rasteriser::Rasteriser;
use room::Standing;
use taught::Taught;
use window::Window;
use window::panels::Focus;
use window::panels::status_bar::status_bar_ui;
use window::panels::timeline::{Course, TimelineState, timeline_ui};

/// Paints the harness's passes on the processor.
struct Painter(Rasteriser);

impl TestRenderer for Painter {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        self.0.update(delta);
    }

    fn render(&mut self, context: &Context, output: &FullOutput) -> Result<RgbaImage, String> {
        let background = window::theme::tokens_of(context.theme()).background;
        Ok(self.0.paint(context, output, context.content_rect().size(), background))
    }
}

fn painted(theme: Theme, told: &scene::Scene, beliefs: bool) -> Harness<'static, Window> {
    let mut window = Window::default();
    told.tell(&mut window, scene::NOW);
    window.focus.select_customer(scene::customer(2).1);
    window.focus.select_node("replica-2");
    window.appearance.beliefs = beliefs;
    let mut harness = Harness::builder()
        .with_size(vec2(1120.0, 720.0))
        .with_theme(theme)
        .with_render_cursor(false)
        .with_context_setup(window::theme::install)
        .renderer(Painter(Rasteriser::default()))
        .build_ui_state(|ui, window: &mut Window| window.ui(ui), window);
    harness.run_steps(4);
    harness
}

/// Compares a part of the window: what does not belong to it is compared by another picture.
fn compare(name: &str, mut harness: Harness<'static, Window>, part: Option<Rect>) {
    // Other processors may round a shade differently; a label that moved changes thousands of pixels.
    let options = SnapshotOptions::new().threshold(1.5).max_failed_pixels(400);
    let whole = harness.render().expect("the window can be painted");
    let picture = match part {
        None => whole,
        Some(part) => {
            let [x, y, width, height] = [part.left(), part.top(), part.width(), part.height()].map(|at| at as u32);
            image::imageops::crop_imm(&whole, x, y, width, height).to_image()
        }
    };
    image_snapshot_options(&picture, name, &options);
}

/// The canvas of a window of 1120 × 720.
fn canvas() -> Rect {
    Rect::from_min_max(pos2(236.0, 48.0), pos2(856.0, 500.0))
}

#[test]
fn an_order_on_its_way_by_day() {
    compare("order-light", painted(Theme::Light, &scene::order_on_its_way(), false), None);
}

#[test]
fn an_order_on_its_way_by_night() {
    compare("order-dark", painted(Theme::Dark, &scene::order_on_its_way(), false), Some(canvas()));
}

#[test]
fn held_messages_scissors_ice_bombs_and_timers_by_day() {
    compare("steered-light", painted(Theme::Light, &scene::steered::steered(None), false), Some(canvas()));
}

#[test]
fn held_messages_scissors_ice_bombs_and_timers_by_night() {
    compare("steered-dark", painted(Theme::Dark, &scene::steered::steered(None), false), Some(canvas()));
}

#[test]
fn truth_and_belief() {
    compare("beliefs-light", painted(Theme::Light, &scene::steered::steered(None), true), Some(canvas()));
}

#[test]
fn the_mark_of_an_unsafe_lesson_and_the_museum() {
    let mut harness = painted(Theme::Light, &scene::steered::steered(Some(Plant::AckBeforeReplicate)), false);
    harness.key_press(Key::L);
    harness.run_steps(3);
    harness.get_by_label("Bug museum").click();
    harness.run_steps(4);
    compare("museum-light", harness, None);
}

/// A scenario of this text, run to its end, in which this many orders are lost.
fn performed(theme: Theme, text: &str, lost: u64) -> Harness<'static, Window> {
    let mut harness = painted(theme, &scene::Scene::new(), false);
    ended::open(harness.state_mut(), "lesson.toml", text);
    harness.run_steps(3);
    harness.get_by_label("Run it").click();
    harness.run_steps(3);
    let told = ended::begin(harness.state_mut(), 0);
    ended::end(harness.state_mut(), &told, 0, lost);
    harness.run_steps(4);
    harness
}

#[test]
fn a_mistake_is_caught() {
    compare("result-light", performed(Theme::Light, ended::LESSON, 1), None);
}

#[test]
fn a_promise_is_broken() {
    compare("result-dark", performed(Theme::Dark, ended::STRICT, 0), None);
}

#[test]
fn a_result_is_read_from_the_last_row() {
    let mut harness = performed(Theme::Light, ended::STRICT, 0);
    harness.state_mut().appearance.presents = true;
    harness.run_steps(4);
    compare("result-presented", harness, None);
}

/// An empty window of this size.
fn empty(theme: Theme, width: f32, height: f32) -> Harness<'static, Window> {
    Harness::builder()
        .with_size(vec2(width, height))
        .with_theme(theme)
        .with_render_cursor(false)
        .with_context_setup(window::theme::install)
        .renderer(Painter(Rasteriser::default()))
        .build_ui_state(|ui, window: &mut Window| window.ui(ui), Window::default())
}

/// The small lesson on its first page, in a window of this size.
fn begun(theme: Theme, width: f32, height: f32) -> Taught {
    let mut taught = Taught::new(empty(theme, width, height));
    taught.open(taught::SMALL);
    taught.click("Take the lesson");
    taught.begin();
    taught
}

/// On the page that asks for a prediction.
fn asked(theme: Theme, width: f32, height: f32) -> Taught {
    let mut taught = begun(theme, width, height);
    clicks(&mut taught, &["Next", "Do it for me", "Next"]);
    taught
}

fn clicks(taught: &mut Taught, labels: &[&str]) {
    for words in labels {
        taught.click(words);
        taught.go_on();
    }
}

/// The two sizes that a lesson is looked at in, each with a theme; the second of a pair has them the other way round.
const LIGHT: (&str, Theme, f32, f32) = ("light", Theme::Light, 1280.0, 800.0);
const DARK: (&str, Theme, f32, f32) = ("dark", Theme::Dark, 1024.0, 768.0);
const SMALL_LIGHT: (&str, Theme, f32, f32) = ("light", Theme::Light, 1024.0, 768.0);
const LARGE_DARK: (&str, Theme, f32, f32) = ("dark", Theme::Dark, 1280.0, 800.0);

#[test]
fn a_page_of_a_lesson_speaks_of_what_is_lit() {
    for (name, theme, width, height) in [LARGE_DARK, SMALL_LIGHT] {
        compare(&format!("page-{name}"), begun(theme, width, height).harness, None);
    }
}

#[test]
fn a_lesson_asks_for_a_prediction() {
    for (name, theme, width, height) in [LIGHT, DARK] {
        compare(&format!("lesson-{name}"), asked(theme, width, height).harness, None);
    }
}

#[test]
fn a_prediction_stands_beside_what_happened() {
    for (name, theme, width, height) in [SMALL_LIGHT, LARGE_DARK] {
        let mut taught = asked(theme, width, height);
        clicks(&mut taught, &["B Nothing happens at all.", "See what happens"]);
        compare(&format!("prediction-{name}"), taught.harness, None);
    }
}

#[test]
fn a_room_has_voted() {
    for (name, theme, width, height) in [LARGE_DARK, SMALL_LIGHT] {
        let mut taught = asked(theme, width, height);
        taught.vote([3, 5, 1]);
        taught.vote([8, 1, 0]);
        compare(&format!("vote-{name}"), taught.harness, None);
    }
}

#[test]
fn phones_vote() {
    let mut taught = asked(Theme::Light, 1120.0, 720.0);
    let standing = Standing { link: Some("http://x/".into()), phones: 31, in_touch: 30, most: 200, address: None };
    taught.harness.state_mut().phones_are(standing, [(0, 9), (1, 12), (2, 2)].into());
    taught.harness.run_steps(4);
    compare("phones-vote", taught.harness, None);
}

#[test]
fn a_lesson_ends() {
    for (name, theme, width, height) in [LARGE_DARK, SMALL_LIGHT] {
        let mut taught = asked(theme, width, height);
        clicks(&mut taught, &["A The primary ends.", "See what happens", "Next", "Finish"]);
        taught.go_on();
        compare(&format!("lesson-end-{name}"), taught.harness, None);
    }
}

/// A lesson is being recorded: an order and a crash.
fn recording(theme: Theme, width: f32, height: f32) -> Taught {
    let harness = empty(theme, width, height);
    let mut taught = Taught::new(harness);
    recorded::settled(&mut taught);
    recorded::begin(&mut taught);
    recorded::order_and_crash(&mut taught);
    taught
}

#[test]
fn a_lesson_is_recorded_and_written() {
    for (name, theme, width, height) in [LIGHT, DARK] {
        compare(&format!("recording-{name}"), recording(theme, width, height).harness, None);
        let mut taught = recording(theme, width, height);
        recorded::stop(&mut taught, "2 steps");
        compare(&format!("editor-{name}"), taught.harness, None);
    }
}

#[test]
fn a_lesson_is_read_from_the_last_row() {
    let mut taught = asked(Theme::Light, 1280.0, 800.0);
    taught.harness.state_mut().appearance.presents = true;
    taught.go_on();
    compare("lesson-presented", taught.harness, None);
}

/// Only the timeline and the lights, of the run in which an order is lost; `at`: a moment of the past.
fn compare_timeline(name: &str, theme: Theme, at: Option<u64>) {
    let mut told = Window::default();
    loss::lost_order().tell(&mut told, scene::NOW);
    let (tip, tape) = (told.picture.clone(), told.tape);
    let moment = Moment::at(&tape, at.map_or(tape.end(), |at| tape.end_at(at)));
    let mut state = (TimelineState::default(), Focus::default());
    let draw = move |ui: &mut egui::Ui| {
        let judged = tape.message_index().judged_at(moment.end);
        let (is_past, end) = (at.is_some(), moment.end);
        let shown = if is_past { &moment.picture } else { &tip };
        let course = Course { shown, tip: &tip, tape: &tape, end, is_past, judged: &judged };
        egui::Panel::bottom("lights").show(ui, |ui| status_bar_ui(ui, shown, &judged));
        timeline_ui(ui, course, &mut state.0, &mut state.1);
    };
    let mut harness = Harness::builder()
        .with_size(vec2(900.0, 240.0))
        .with_theme(theme)
        .with_render_cursor(false)
        .with_context_setup(window::theme::install)
        .renderer(Painter(Rasteriser::default()))
        .build_ui(draw);
    harness.run_steps(4);
    harness.snapshot_options(name, &SnapshotOptions::new().threshold(1.5).max_failed_pixels(200));
}

#[test]
fn a_lost_order_turns_lights_red_and_its_pair_is_lit() {
    compare_timeline("lost-light", Theme::Light, None);
}

#[test]
fn a_lost_order_by_night() {
    compare_timeline("lost-dark", Theme::Dark, None);
}

#[test]
fn what_comes_after_a_moment_of_the_past_is_paler() {
    compare_timeline("past-light", Theme::Light, Some(6_200_000));
}

#[test]
fn the_same_crowd_gives_the_same_bytes() {
    let picture = || painted(Theme::Light, &scene::crowd(20, 50, 200), false).render().unwrap();
    assert!(picture() == picture());
}

#[test]
fn help_of_the_fourteen_steps() {
    let mut harness = painted(Theme::Light, &scene::order_on_its_way(), false);
    harness.key_press(Key::F1);
    harness.run_steps(6);
    compare("help-light", harness, None);
}

#[test]
fn the_link_for_phones_in_both_themes() {
    for (name, theme) in [("phones-light", Theme::Light), ("phones-dark", Theme::Dark)] {
        let mut harness = painted(theme, &scene::order_on_its_way(), false);
        harness.get_by_label("Menu").click();
        harness.run_steps(3);
        harness.get_by_label("Let the room order…").click();
        harness.run_steps(3);
        let link = "http://192.168.1.7:4040/0123456789abcdef0123456789abcdef/".to_owned();
        let address = Some("192.168.1.7".parse().expect("an address"));
        let standing = Standing { link: Some(link), address, phones: 23, in_touch: 21, most: 200 };
        harness.state_mut().phones_are(standing, Default::default());
        harness.run_steps(4);
        compare(name, harness, None);
    }
}
