//! Rates, stops, lateness, and timers as an observer sees them.

use super::*;
use protocol::trace::Denial;

const TEN_MINUTES: Duration = Duration::from_secs(600);

#[tokio::test(start_paused = true)]
async fn nothing_rings_and_nobody_wakes_while_time_stands_still() {
    let mut scene = Scene::beating(Rate::REAL);
    scene.live(Duration::from_millis(220)).await;
    assert_eq!(scene.probe().rung(), 4);
    let at = scene.host.clock().now();
    scene.host.set_clock(at, Rate::STOPPED, None);
    // What was to be told of the time before may still be told.
    assert!(scene.live(TEN_MINUTES).await <= 4);
    assert_eq!(scene.live(TEN_MINUTES).await, 0, "no wake-up at all");
    assert_eq!((scene.probe().rung(), scene.host.timers_rung()), (4, 4));
    assert_eq!(scene.host.clock().now(), at);
    scene.host.set_clock(at, Rate::REAL, None);
    scene.live(Duration::from_millis(200)).await;
    assert_eq!(scene.probe().rung(), 8);
    assert!(!scene.probe().was_late(), "a stop makes nobody late");
}

#[tokio::test(start_paused = true)]
async fn timers_ring_in_cluster_time_at_every_rate() {
    for (rate, ten_beats) in [(Rate(100_000), 5), (SLOW, 50), (Rate::SLOWEST, 500)] {
        let mut scene = Scene::beating(rate);
        scene.live(Duration::from_secs(ten_beats) + Duration::from_millis(100)).await;
        assert_eq!(scene.probe().rung(), 10, "{rate:?}");
        assert!(!scene.probe().was_late());
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_to_stop_lets_ring_what_is_due_at_that_very_moment() {
    let mut scene = Scene::beating(Rate::STOPPED);
    let at = scene.host.clock().now();
    scene.host.set_clock(at, SLOW, Some(at + 50_000));
    scene.live(TEN_MINUTES).await;
    assert_eq!((scene.probe().rung(), scene.host.clock().now()), (1, at + 50_000));
    scene.host.set_clock(at + 50_000, SLOW, Some(at + 99_999));
    scene.live(TEN_MINUTES).await;
    assert_eq!(scene.probe().rung(), 1, "the next one was due a microsecond later");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_slept_suspects_no_other_however_fast_time_goes() {
    // N11: the machine slept, and the clock went on.
    for (rate, gap) in [(Rate::REAL, 1), (Rate::REAL, 36_000), (SLOW, 100), (SLOW, 36_000)] {
        let mut scene = Scene::beating(rate);
        tokio::time::advance(Duration::from_secs(gap)).await;
        assert!(scene.host.has_overslept());
        scene.host.round().unwrap();
        assert!(
            matches!(scene.probe().heard[..], [Input::Overslept { .. }, Input::Rang(Timer::Heartbeat)]),
            "{rate:?}, {gap} s"
        );
    }
    // A second is nothing when time goes a hundred times slower: others were not missed either.
    let mut scene = Scene::beating(SLOW);
    tokio::time::advance(Duration::from_secs(6)).await;
    scene.host.round().unwrap();
    assert_eq!(scene.probe().heard, [Input::Rang(Timer::Heartbeat)]);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_missed_time_suspects_no_other_when_it_is_set_forward() {
    // N11: the machine slept, and the clock of this process stopped while others went on.
    for rate in [Rate::REAL, SLOW, Rate::STOPPED] {
        let mut scene = Scene::beating(Rate::REAL);
        scene.host.set_clock(scene.host.clock().now() + 600 * SECOND, rate, None);
        scene.host.round().unwrap();
        assert!(
            matches!(scene.probe().heard[..], [Input::Overslept { .. }, Input::Rang(Timer::Heartbeat)]),
            "{rate:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn time_that_was_stopped_while_a_process_slept_has_not_passed() {
    let mut scene = Scene::beating(Rate::REAL);
    let at = scene.host.clock().now();
    tokio::time::advance(TEN_MINUTES).await;
    assert!(scene.host.has_overslept(), "it cannot know better until it hears the launcher");
    scene.host.set_clock(at + 10_000, Rate::STOPPED, None);
    assert!(!scene.host.has_overslept());
    scene.host.round().unwrap();
    assert_eq!((scene.host.clock().now(), scene.probe().heard.len()), (at + 10_000, 0));
    scene.host.set_clock(at + 10_000, Rate::REAL, None);
    scene.live(Duration::from_millis(45)).await;
    assert_eq!(scene.probe().heard, [Input::Rang(Timer::Heartbeat)]);
}

#[tokio::test(start_paused = true)]
async fn an_armed_timer_rings_by_hand_also_while_time_stands_still() {
    let mut scene = Scene::beating(Rate::STOPPED);
    scene.host.ring(ME, Timer::Heartbeat).unwrap();
    scene.host.round().unwrap();
    assert_eq!((scene.probe().rung(), scene.host.timers_rung()), (1, 1));
    assert!(scene.facts().contains(&TraceEvent::Node(NodeEvent::Rang { timer: Timer::Heartbeat })));
    let refused = scene.host.ring(ME, Timer::Autoclean).unwrap_err();
    assert_eq!(refused, Denial::TimerNotArmed);
    assert!(scene.host.ring(PEER, Timer::Heartbeat).is_err());
}

/// What was told of armed timers.
fn timers(facts: Vec<TraceEvent>) -> Vec<Vec<(Timer, u64)>> {
    let armed = facts.into_iter().filter_map(|fact| match fact {
        TraceEvent::Node(NodeEvent::Timers { armed }) => Some(armed),
        _ => None,
    });
    armed.collect()
}

#[tokio::test(start_paused = true)]
async fn timers_that_stayed_as_they_were_are_shown_again_after_real_time() {
    let mut scene = Scene::beating(Rate::STOPPED);
    scene.live(Duration::from_secs(1)).await;
    let shown = timers(scene.facts());
    assert_eq!(shown.len(), 1);
    let at = scene.host.clock().now();
    scene.host.set_clock(at, Rate::REAL, None);
    scene.host.set_clock(at, Rate::STOPPED, None);
    scene.live(Duration::from_secs(1)).await;
    assert_eq!(timers(scene.facts()), shown, "at real time an observer forgets them");
}

#[tokio::test(start_paused = true)]
async fn armed_timers_are_shown_only_while_time_is_slow_and_not_too_often() {
    let mut scene = Scene::new(Probe { beats: Some(Span::millis(1)), ..Probe::default() }, Rate::REAL);
    scene.live(Duration::from_secs(1)).await;
    assert!(timers(scene.facts()).is_empty(), "nobody could see them");
    scene.host.set_clock(scene.host.clock().now(), Rate(500_000), None);
    scene.live(Duration::from_secs(10)).await;
    let shown = timers(scene.facts());
    assert!((100..=201).contains(&shown.len()), "{}", shown.len());
    assert!(shown.iter().all(|armed| matches!(armed[..], [(Timer::Heartbeat, _)])));
    scene.host.set_clock(scene.host.clock().now(), Rate::STOPPED, None);
    scene.live(Duration::from_secs(1)).await;
    assert!(timers(scene.facts()).len() <= 1);
    scene.live(Duration::from_secs(1)).await;
    assert!(timers(scene.facts()).is_empty(), "what stays as it is, is not said again");
}

#[tokio::test(start_paused = true)]
async fn a_frozen_host_tells_so_and_goes_on_when_its_time_is_over() {
    let mut scene = Scene::beating(Rate::REAL);
    scene.host.begin_standstill();
    scene.host.stand_still(ME, Some(Duration::from_millis(1)));
    let facts = scene.facts();
    let froze = TraceEvent::Node(NodeEvent::Froze { how: protocol::trace::Freezing::Cooperative });
    let at = facts.iter().position(|fact| *fact == froze).unwrap();
    assert_eq!(facts[at + 1..], [TraceEvent::Node(NodeEvent::Woke)]);
    // Woken before it froze: nothing to wait for.
    scene.host.stand_still(ME, None);
}

#[tokio::test(start_paused = true)]
async fn what_is_put_off_is_done_when_the_messages_have_left_and_before_anybody_looks() {
    let is_put_off = |scene: &Scene| scene.probe().has_put_off();
    let mut scene = Scene::new(Probe::default(), Rate::STOPPED);
    scene.host.observe(false);
    scene.send(false);
    assert!(is_put_off(&scene), "messages come first");
    scene.live(Duration::from_secs(1)).await;
    assert!(!is_put_off(&scene), "nothing else had to happen");
    scene.send(false);
    assert!(is_put_off(&scene));
    assert!(!scene.host.machine(ME).unwrap().has_put_off(), "somebody looks");
    scene.host.observe(true);
    tokio::time::advance(Duration::from_secs(1)).await;
    scene.send(false);
    assert!(!is_put_off(&scene), "an observer is told of its state");
}
