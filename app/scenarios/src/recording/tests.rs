//! Recordings on told facts: who is meant by which word, what followed, what the lesson does itself, and what no step says.

use protocol::ids::{NodeId, OrderNumber, RequestId, RequestNumber, Role, Span, View, ViewNumber};
use protocol::message::{Answer, Ask};
use protocol::order_book::Outcome;
use protocol::trace::{
    Actor, Blast, Bomb, Ending, Failpoint, Freezing, LinkRule, MachineEvent, NodeEvent, NodeState, Standing,
};

use super::*;
use crate::facts_for_tests::{replica_state, started};
use crate::{parse_lesson, typed, write_lesson};
use knowledge::user_command::{CustomerCommand, LinkWay, Until};

const ADA: CustomerId = CustomerId(7);
const REAL: UserCommand = UserCommand::SetRate { rate: Rate::REAL };
const STOP: UserCommand = UserCommand::SetRate { rate: Rate::STOPPED };

struct Scene {
    recorder: Recorder,
    picture: Picture,
    orders: u64,
}

fn view(number: u64, members: &[u64]) -> View {
    View::new(ViewNumber(number), NodeId(members[0]), members.iter().copied().map(NodeId).collect())
}

impl Scene {
    /// replica-1 leads two backups; Ada lives in Durham.
    fn new() -> Self {
        Self::of(3)
    }

    fn of(replicas: u64) -> Self {
        let mut scene = Self {
            recorder: Recorder::begin(&Picture::default(), Rate::REAL, true),
            picture: Picture::default(),
            orders: 0,
        };
        for (id, name, role) in [(90, "name-server", Role::NameServer), (91, "front-end", Role::FrontEnd)] {
            let mut node = started(id);
            (node.name, node.actor) = (name.to_owned(), Actor::Role(role));
            scene.fact(id, LauncherEvent::Started(node));
        }
        for id in 1..=replicas {
            scene.fact(id, LauncherEvent::Started(started(id)));
        }
        scene.members(1, &(1..=replicas).collect::<Vec<_>>());
        let postcode = "DH1 3LE".parse().unwrap();
        scene.fact(100, LauncherEvent::CustomerIs { customer: ADA, name: "Ada".into(), postcode, place: (0, 0) });
        scene.recorder = Recorder::begin(&scene.picture, Rate(10_000), true);
        scene
    }

    fn fact(&mut self, node: u64, event: impl Into<TraceEvent>) {
        let record = TraceRecord { node: NodeId(node), at: 1000, event: event.into() };
        self.recorder.learn(&record);
        self.picture.apply(&record);
    }

    fn members(&mut self, number: u64, members: &[u64]) {
        let view = view(number, members);
        for id in members {
            let standing = if *id == members[0] { Standing::Primary } else { Standing::Backup };
            self.fact(*id, MachineEvent::Became { standing, view: view.clone() });
            let state = replica_state(*id, view.clone());
            self.fact(*id, NodeEvent::State(NodeState::Replica(Box::new(state))));
        }
    }

    fn asked(&mut self, command: impl Into<UserCommand>) {
        self.recorder.asked(&command.into(), &self.picture, None);
    }

    fn crash(&mut self, number: u64) {
        self.asked(UserCommand::Crash { node: format!("replica-{number}") });
        self.fact(number, LauncherEvent::Ended { how: Ending::Crashed, words: String::new() });
    }

    fn order(&mut self) -> RequestId {
        let items = vec!["Pad thai".to_owned()];
        self.asked(CustomerCommand::PlaceOrder { customer: ADA, postcode: "DH1 3LE".into(), items: items.clone() });
        self.orders += 1;
        let request = RequestId { customer: ADA, number: RequestNumber(self.orders) };
        self.fact(
            100,
            NodeEvent::Asked {
                customer: ADA,
                request,
                ask: Ask::Order { postcode: "DH1 3LE".parse().unwrap(), items },
            },
        );
        request
    }

    fn placed(&mut self, request: RequestId) {
        let answer = Answer::Outcome(Outcome::Placed { number: OrderNumber(request.number.0) });
        self.fact(100, NodeEvent::Answered { request, answer, took: 9 });
    }

    fn rate(&mut self, command: UserCommand) {
        let UserCommand::SetRate { rate } = command else { panic!("{command:?}") };
        self.asked(command);
        self.fact(0, LauncherEvent::ClockIs { rate, until: None });
    }

    fn recorded(&self) -> (Vec<Page>, Vec<Remark>) {
        let (mut lesson, remarks) = self.recorder.recorded(&self.picture);
        for (number, page) in lesson.pages.iter_mut().enumerate() {
            (page.title, page.text, page.id) = (format!("P{number}"), typed("Words."), format!("p{number}"));
        }
        let pages = lesson.pages.clone();
        for line in [&mut lesson.title, &mut lesson.goal, &mut lesson.rule, &mut lesson.world.title] {
            *line = "Words".into();
        }
        if !pages.is_empty() {
            let file = write_lesson(&lesson);
            assert_eq!(parse_lesson(&file).as_ref(), Ok(&lesson), "{file}");
        }
        (pages, remarks)
    }
}

fn ada() -> String {
    "Ada".to_owned()
}

#[test]
fn an_order_a_crash_and_a_stop_are_two_tasks_with_what_followed() {
    let mut scene = Scene::new();
    let request = scene.order();
    scene.placed(request);
    scene.crash(1);
    scene.members(2, &[2, 3]);
    scene.rate(STOP);
    let (pages, remarks) = scene.recorded();
    let [order, crash] = &pages[..] else { panic!("{pages:?}") };
    assert_eq!(order.until, [WaitFor::Placed { customer: ada(), count: 1 }]);
    assert!(matches!(&order.do_it[..], [Action::Order { customer, postcode: None, .. }] if *customer == ada()));
    assert_eq!(
        (&crash.do_it[..], &crash.until[..]),
        (&[Action::Crash(NodeName::Primary)][..], &[WaitFor::ViewChange][..])
    );
    assert!(crash.stops && !order.stops && crash.before.is_empty());
    assert_eq!(crash.spotlight, [Spot::End(EndName::Node(NodeName::Primary))]);
    assert_eq!((remarks, scene.recorder.steps()), (Vec::new(), 3));
}

#[test]
fn what_comes_before_an_answer_stays_before_it() {
    let mut scene = Scene::new();
    scene.order();
    scene.crash(1);
    let (pages, _) = scene.recorded();
    assert_eq!(pages[0].until, [WaitFor::Asked(ada())]);
    assert_eq!(pages[1].until, [WaitFor::Ended(NodeName::Primary)], "no view has changed yet");
}

#[test]
fn what_nothing_follows_the_lesson_does_itself_before_the_next_task() {
    let mut scene = Scene::new();
    let way = |from: &str, to: &str| LinkWay { from: from.into(), to: to.into() };
    let links = vec![way("replica-1", "replica-2"), way("replica-1", "replica-3")];
    scene.asked(UserCommand::SetLinks { links, rule: LinkRule { hold: true, ..LinkRule::default() } });
    let bomb = Some(Bomb { at: Failpoint::PrimaryAllAcked, blast: Blast::Crash });
    scene.asked(UserCommand::SetBomb { node: "replica-1".into(), bomb });
    let request = scene.order();
    scene.rate(REAL);
    scene.placed(request);
    scene.asked(UserCommand::MendAll);
    let (pages, _) = scene.recorded();
    let rule = LinkRule { hold: true, ..LinkRule::default() };
    let from = EndName::Node(NodeName::Primary);
    let hold = Action::Links { from, to: EndName::Backups, both_ways: false, rule };
    assert_eq!(pages[0].before, [hold, Action::Bomb(NodeName::Primary, bomb)]);
    assert_eq!(pages[0].until, [WaitFor::Asked(ada())]);
    let answered = WaitFor::Answered(ada());
    let wait = Action::Wait { for_what: answered, within: std::time::Duration::from_secs(20) };
    assert_eq!(pages[1].before, [Action::Speed(Rate::REAL), wait, Action::MendAll], "{pages:?}");
    assert!(pages[1].until.is_empty() && pages.len() == 2);
}

#[test]
fn a_node_is_meant_by_its_role_where_no_other_has_it() {
    let mut scene = Scene::new();
    scene.crash(3);
    scene.members(2, &[1, 2]);
    scene.asked(UserCommand::Restart { node: "replica-3".into() });
    scene.asked(UserCommand::Freeze { node: "replica-2".into(), how: Freezing::Cooperative });
    scene.fact(2, NodeEvent::Froze { how: Freezing::Cooperative });
    scene.asked(UserCommand::Wake { node: "replica-2".into() });
    let (pages, remarks) = scene.recorded();
    assert_eq!(pages[0].do_it, [Action::Crash(named("replica-3"))], "there are two backups");
    assert_eq!(remarks, [Remark::Named("replica-3".into())]);
    assert_eq!(pages[1].before, [Action::Restart(NodeName::Crashed)]);
    assert_eq!(pages[1].do_it, [Action::Freeze(NodeName::Backup, Freezing::Cooperative)]);
    assert_eq!(pages[2].before, [Action::Wake(NodeName::Backup)]);
}

#[test]
fn a_cut_off_node_is_one_step_and_single_steps_are_counted() {
    let mut scene = Scene::new();
    let others = ["name-server", "front-end", "replica-2", "replica-3"];
    let way = |from: &str, to: &str| LinkWay { from: from.into(), to: to.into() };
    let links = others.iter().flat_map(|it| [way("replica-1", it), way(it, "replica-1")]).collect();
    scene.asked(UserCommand::SetLinks { links, rule: LinkRule::CUT });
    scene.members(2, &[2, 3]);
    for moment in [5, 6, 7] {
        scene.asked(UserCommand::RunUntil { rate: Rate(10_000), until: Until::Moment(moment) });
    }
    let (pages, _) = scene.recorded();
    let Action::Partition(side) = &pages[0].do_it[0] else { panic!("{pages:?}") };
    assert_eq!(side, &[EndName::Node(NodeName::Primary)]);
    assert_eq!(pages[1].before, [Action::Step { count: 3, rate: Rate(10_000) }]);
    let split = ["front-end", "replica-2", "replica-3"];
    let links = split.iter().flat_map(|it| [way("replica-2", it), way(it, "replica-2")]);
    let links = links.filter(|way| way.from != way.to).collect();
    scene.asked(UserCommand::SetLinks { links, rule: LinkRule::CUT });
    let (pages, remarks) = scene.recorded();
    assert!(pages[1].before.len() >= 3 && remarks.is_empty(), "several steps say it: {:?}", pages[1].before);
}

#[test]
fn what_no_step_says_is_said_in_a_remark() {
    let mut scene = Scene::new();
    scene.asked(CustomerCommand::RemoveCustomer { customer: ADA });
    let links = vec![LinkWay { from: "replica-1".into(), to: "replica-2".into() }];
    let rule = LinkRule { hold: true, delay: Span::millis(5), ..LinkRule::default() };
    scene.asked(UserCommand::SetLinks { links, rule });
    scene.asked(UserCommand::ShowHeartbeats { on: true });
    let postcode = "EH1 1RE".parse().unwrap();
    scene.fact(
        101,
        LauncherEvent::CustomerIs { customer: CustomerId(8), name: "+++\n".into(), postcode, place: (0, 0) },
    );
    scene.fact(102, LauncherEvent::CustomerIs { customer: CustomerId(9), name: "Tim".into(), postcode, place: (0, 0) });
    let (pages, remarks) = scene.recorded();
    let left =
        [Remark::Unsaid(Unsaid::CustomerLeft), Remark::Unsaid(Unsaid::Links), Remark::NameUnsaid("+++\n".into())];
    assert_eq!(remarks, left);
    assert_eq!(pages.len(), 1);
    assert_eq!(pages[0].before, [Action::Customer { name: "Tim".into(), postcode }]);
    assert_eq!(scene.recorder.steps(), 1);
}

#[test]
fn an_empty_recording_has_no_page_and_two_hundred_commands_fill_the_last_one() {
    let mut scene = Scene::new();
    assert_eq!(scene.recorded(), (Vec::new(), Vec::new()));
    for _ in 0..200 {
        let request = scene.order();
        scene.placed(request);
    }
    let (pages, remarks) = scene.recorded();
    assert_eq!(pages.len(), MOST_PAGES);
    assert_eq!(remarks, [Remark::TooMany(140)]);
}

#[test]
fn a_lesson_begins_with_the_cluster_as_it_is() {
    let mut scene = Scene::new();
    scene.crash(3);
    scene.fact(2, NodeEvent::Froze { how: Freezing::Signal });
    scene.fact(0, LauncherEvent::PlantIs { plant: Some(protocol::plant::Plant::NoViewCheck) });
    let rule = LinkRule { cut: true, ..LinkRule::default() };
    scene.fact(0, LauncherEvent::LinkIs { from: "replica-1".into(), to: "front-end".into(), rule });
    scene.recorder = Recorder::begin(&scene.picture, Rate(10_000), false);
    scene.order();
    let (lesson, _) = scene.recorder.recorded(&scene.picture);
    let steps: Vec<&Action> = lesson.world.steps.iter().map(|step| &step.action).collect();
    let link = Action::Links {
        from: EndName::Node(NodeName::Primary),
        to: EndName::Node(named("front-end")),
        both_ways: false,
        rule,
    };
    let postcode = "DH1 3LE".parse().unwrap();
    let begins = [
        &Action::Customer { name: ada(), postcode },
        &Action::VerdictCache(false),
        &link,
        &Action::Freeze(named("replica-2"), Freezing::Signal),
        &Action::Crash(named("replica-3")),
    ];
    assert_eq!(steps, begins);
    assert_eq!((lesson.world.replicas, lesson.speed), (3, Rate(10_000)));
    assert!(lesson.unsafe_switches().next().is_some(), "a bug asks for consent when the lesson is taken");
    scene.recorded();
}
