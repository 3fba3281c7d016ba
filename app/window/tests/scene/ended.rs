//! A scenario that runs on given facts up to its end, with a load driver that reports what it is given.
#![expect(clippy::unwrap_used, reason = "a scene that cannot be told must fail whoever wants it")]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use cluster::load::{Agreement, Counts};
use knowledge::tape::Entry;
use knowledge::verdict::{Judgement, Verdict};
use protocol::ids::NodeId;
use protocol::judge::Contradictions;
use protocol::trace::{Crowd, CrowdJudged, CrowdTimes, Standing};
use scenarios::scenario_run::load_driver::{LoadCommand, LoadDriver, LoadEvent};
use scenarios::{Finished, parse};
use window::Window;

use crate::scene::{Scene, processes, replica, view};

/// Says what stands here.
#[derive(Clone, Default)]
pub struct Told(Rc<RefCell<Vec<LoadEvent>>>);

impl LoadDriver for Told {
    fn tell(&mut self, _word: LoadCommand) {}

    fn events(&mut self) -> Vec<LoadEvent> {
        std::mem::take(&mut self.0.borrow_mut())
    }
}

/// A lesson without steps: 300 customers order, and with the bug an order must be lost.
pub const LESSON: &str = "title = \"Answered before the backup has it\"\nplant = \"ack-before-replicate\"\nreplicas = 3\n\
                          customers = 300\nseconds = 1\n[expect]\nacknowledged = 500\nred = [\"lost\"]\n";
/// Much is expected.
pub const STRICT: &str = "title = \"The primary is killed under load, and comes back as a backup\"\nreplicas = 3\n\
                          customers = 300\nseconds = 1\n[expect]\nacknowledged = 500\nfailovers = 1\n\
                          longest-gap-ms = 500\nsuspicions = 0\n";

/// Asks whether to run this scenario, as if its file had been opened.
pub fn open(window: &mut Window, name: &str, text: &str) {
    window.show_scenario(name.into(), parse(text).unwrap());
}

/// Three replicas are members of view 2 and hold the same; replica-1 leads.
pub fn three_members() -> Scene {
    let mut scene = Scene::new();
    processes(&mut scene);
    let all: Vec<NodeId> = (1..=3).map(replica).collect();
    let view = view(2, replica(1), &all);
    for id in &all {
        let standing = if *id == replica(1) { Standing::Primary } else { Standing::Backup };
        scene.stands(*id, 100, standing, &view, 40, 40);
    }
    scene
}

/// The cluster of its own runs, and 300 customers have ordered; `now` is in milliseconds since the window opened.
pub fn begin(window: &mut Window, now: u64) -> Told {
    let told = Told::default();
    let ms = |after: u64| Duration::from_millis(now + after);
    let _ = window.play(ms(0));
    window.take_beginning().unwrap();
    window.begin_again(ms(1), Ok(Box::new(told.clone())));
    for fact in three_members().facts {
        window.learn(&fact, ms(2));
        window.take_in(Entry::Fact(fact));
    }
    window.picture.set_now(1_000_000);
    let _ = window.play(ms(3));
    told.0.borrow_mut().push(LoadEvent::Looked);
    let _ = window.play(ms(4));
    let _ = window.play(ms(5));
    let crowd = Crowd { customers: 300, acknowledged: 4_812, reads: 4_790, ..Crowd::default() };
    told.0.borrow_mut().extend([LoadEvent::Here { begun: ms(6) }, LoadEvent::Crowd { first: NodeId(5_000), crowd }]);
    let _ = window.play(ms(7));
    told
}

/// It is over, and this many orders are lost. A customer has waited for 812 ms.
pub fn end(window: &mut Window, told: &Told, now: u64, lost: u64) {
    let ms = |after: u64| Duration::from_millis(now + after);
    let _ = window.play(ms(1_100));
    let _ = window.play(ms(1_200));
    let verdict = if lost > 0 { Judgement::Violation } else { Judgement::Holds };
    let contradictions = Contradictions { lost, ..Contradictions::default() };
    let verdict = Verdict { verdict, acknowledged: 4_812, covered: 4_812, contradictions, ..Verdict::default() };
    let mut counts = Counts { acknowledged: 4_812, ..Counts::default() };
    counts.wait(Duration::from_millis(90), Duration::from_millis(902));
    let judged = Some(CrowdJudged { covered: 4_812, lost, ..CrowdJudged::default() });
    let times = Some(CrowdTimes { median: 1_200, ninety: 4_000, ninety_nine: 9_000, longest: 812_000 });
    let crowd =
        Crowd { customers: 300, acknowledged: 4_812, reads: 4_790, refused: 3, times, judged, ..Crowd::default() };
    let finished = Finished { counts, verdict, agreement: Agreement::Equal };
    told.0.borrow_mut().extend([LoadEvent::Crowd { first: NodeId(5_000), crowd }, LoadEvent::Over(Box::new(finished))]);
    let _ = window.play(ms(1_300));
}
