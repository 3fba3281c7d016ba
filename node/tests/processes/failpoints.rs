//! Bombs in real processes: although an actor dies or freezes at a point of its work, each order is placed exactly once, and all
//! replicas agree. Every point of a node, with one of the two blasts: a scenario goes through all of them with both, and
//! with the points of customers; the launcher's are tested where it lives.

use node::control::SteeringCommand;
use protocol::ids::{NodeId, Span};
use protocol::machine::Timer;
use protocol::trace::{Blast, Bomb, FAILPOINTS, Failpoint};

use super::*;

/// Longer than the silence limit: a frozen process is replaced.
const FREEZES: Span = Span::millis(700);

/// Crash and freeze, in turn.
fn bomb(at: Failpoint) -> Bomb {
    let freeze = Blast::Freeze { wakes_after: Some(FREEZES) };
    let number = FAILPOINTS.iter().position(|other| *other == at).unwrap();
    Bomb { at, blast: if number % 2 == 0 { Blast::Crash } else { freeze } }
}

/// Where a bomb lies.
#[derive(Clone, Copy)]
enum Victim {
    Replica(usize),
    FrontEnd,
    NameServer,
}

/// What leads to the point.
#[derive(Clone, Copy)]
enum Trigger {
    Order,
    DeadBackup,
    Cleaning,
}

/// A cluster under test.
struct Drill {
    cluster: Cluster,
    /// Those of the pre-defined orders that look the same, and all that were placed.
    placed: usize,
    replicas: u32,
}

impl Drill {
    async fn new() -> Self {
        let cluster = Cluster::start(3);
        let mut drill = Self { cluster, placed: 0, replicas: 3 };
        drill.placed = drill.found().await;
        drill.place().await;
        drill
    }

    async fn place(&mut self) {
        place(&mut self.cluster).await;
        self.placed += 1;
    }

    fn process(&mut self, victim: Victim) -> &mut Process {
        match victim {
            Victim::Replica(at) => &mut self.cluster.replicas[at],
            Victim::FrontEnd => &mut self.cluster.front_end,
            Victim::NameServer => &mut self.cluster.name_server,
        }
    }

    fn add_replica(&mut self, bomb: Option<Bomb>) {
        self.replicas += 1;
        self.cluster.add_replica_with(self.replicas, bomb);
    }

    /// The primary's place, and that of a backup, when all are in step.
    fn roles(&mut self) -> (usize, usize) {
        let primary = self.cluster.wait_until_all_are_members();
        (primary, if primary == 0 { 1 } else { 0 })
    }

    fn kill_a_backup(&mut self) {
        let (_, backup) = self.roles();
        self.cluster.replicas.remove(backup).kill();
    }

    /// Lays the bomb, does what leads to it, waits until it went off, repairs what it broke, and sees that all goes on.
    async fn hit(&mut self, victim: Victim, bomb: Bomb, trigger: Trigger) {
        self.process(victim).lay(bomb);
        match trigger {
            Trigger::Order => self.cluster.give(order(dish())),
            Trigger::DeadBackup => self.kill_a_backup(),
            Trigger::Cleaning => {
                self.process(victim).steer(SteeringCommand::Ring { node: NodeId(1), timer: Timer::Autoclean });
            }
        }
        self.until_exploded(victim, bomb).await;
        if bomb.blast == Blast::Crash {
            self.replace(victim);
        }
        match trigger {
            Trigger::Order => {
                let answer = self.cluster.answer().await;
                assert!(matches!(answer, Answer::Outcome(Outcome::Placed { .. })), "{bomb:?}: {answer:?}");
                self.placed += 1;
            }
            Trigger::DeadBackup => self.add_replica(None),
            Trigger::Cleaning => {}
        }
        self.place().await;
    }

    async fn until_exploded(&mut self, victim: Victim, bomb: Bomb) {
        let what = format!("{bomb:?} goes off");
        let said = |cluster: &mut Cluster| match victim {
            Victim::Replica(at) => cluster.replicas[at].says_exploded(bomb),
            Victim::FrontEnd => cluster.front_end.says_exploded(bomb),
            Victim::NameServer => cluster.name_server.says_exploded(bomb),
        };
        self.cluster.until(&what, said).await;
    }

    /// It has died as if killed from outside; another one takes its place.
    fn replace(&mut self, victim: Victim) {
        let ended = self.process(victim).wait();
        #[cfg(unix)]
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended), Some(9), "{ended}");
        assert!(!ended.success());
        match victim {
            Victim::Replica(at) => {
                self.cluster.replicas.remove(at);
                self.add_replica(None);
            }
            Victim::FrontEnd => self.cluster.restart_front_end(),
            Victim::NameServer => self.cluster.restart_name_server(),
        }
    }

    /// How many orders of this dish there are.
    async fn found(&mut self) -> usize {
        let mut found = 0;
        for page in 0.. {
            let history = self.cluster.ask(Ask::History { postcode: "DH1 3LE".parse().unwrap(), page }).await;
            let Answer::History(page) = history else { panic!("{history:?}") };
            found += page.orders.iter().filter(|order| order.items.first().is_some_and(|it| it == dish())).count();
            if page.orders.is_empty() {
                break;
            }
        }
        found
    }

    /// Every order is there once, and everybody has the same.
    async fn agrees(mut self) {
        self.cluster.wait_until_all_are_members();
        self.place().await;
        let found = self.found().await;
        assert_eq!(found, self.placed, "each once");
        let states: Vec<_> = self.cluster.replicas.iter_mut().map(Process::replica_state).collect();
        assert!(states.iter().all(|state| state.digest == states[0].digest), "{states:?}");
    }
}

#[tokio::test]
async fn a_primary_may_die_or_freeze_at_any_point() {
    let mut drill = Drill::new().await;
    for at in [
        Failpoint::PrimaryReceived,
        Failpoint::PrimaryValidated,
        Failpoint::PrimaryAssigned,
        Failpoint::PrimarySentToOne,
        Failpoint::PrimaryAllAcked,
        Failpoint::PrimaryCommitted,
        Failpoint::PrimaryReplied,
    ] {
        let (primary, _) = drill.roles();
        drill.hit(Victim::Replica(primary), bomb(at), Trigger::Order).await;
    }
    drill.agrees().await;
}

#[tokio::test]
async fn what_was_sent_before_the_point_has_left_and_nothing_else() {
    let mut drill = Drill::new().await;
    let (primary, _) = drill.roles();
    let before = drill.cluster.replicas[primary].replica_state();
    let bomb = Bomb { at: Failpoint::PrimarySentToOne, blast: Blast::Crash };
    drill.cluster.replicas[primary].lay(bomb);
    drill.cluster.give(order(dish()));
    drill.until_exploded(Victim::Replica(primary), bomb).await;
    drill.cluster.replicas.remove(primary).wait();
    let backups: Vec<_> = drill.cluster.replicas.iter_mut().map(Process::replica_state).collect();
    let told = backups.iter().filter(|backup| backup.position > before.position).count();
    let still_alone = backups.iter().all(|backup| backup.view == before.view);
    assert!(told == 1 || (told == 2 && !still_alone), "{backups:?}");
    let answer = drill.cluster.answer().await;
    assert!(matches!(answer, Answer::Outcome(Outcome::Placed { .. })), "{answer:?}");
    drill.placed += 1;
    drill.agrees().await;
}

#[tokio::test]
async fn a_backup_may_die_or_freeze_at_any_point() {
    let mut drill = Drill::new().await;
    for at in [Failpoint::BackupBeforeApply, Failpoint::BackupApplied, Failpoint::BackupAcked] {
        let (_, backup) = drill.roles();
        drill.hit(Victim::Replica(backup), bomb(at), Trigger::Order).await;
    }
    drill.agrees().await;
}

#[tokio::test]
async fn a_front_end_may_die_or_freeze_at_any_point() {
    let mut drill = Drill::new().await;
    for (at, trigger) in [
        (Failpoint::FrontEndSuspected, Trigger::DeadBackup),
        (Failpoint::FrontEndSomeReports, Trigger::DeadBackup),
        (Failpoint::FrontEndAllReports, Trigger::DeadBackup),
        (Failpoint::FrontEndViewRecorded, Trigger::DeadBackup),
        (Failpoint::FrontEndNewviewToPrimaryOnly, Trigger::DeadBackup),
        (Failpoint::FrontEndBeforeForward, Trigger::Order),
        (Failpoint::FrontEndReplyHeld, Trigger::Order),
    ] {
        drill.roles();
        drill.hit(Victim::FrontEnd, bomb(at), trigger).await;
    }
    drill.agrees().await;
}

#[tokio::test]
async fn a_name_server_may_die_or_freeze_at_any_point() {
    let mut drill = Drill::new().await;
    for (at, trigger) in [
        (Failpoint::NameServerBeforeJournal, Trigger::DeadBackup),
        (Failpoint::NameServerTornJournal, Trigger::DeadBackup),
        (Failpoint::NameServerJournaledNotAnswered, Trigger::DeadBackup),
        (Failpoint::NameServerCleaning, Trigger::Cleaning),
    ] {
        drill.roles();
        drill.hit(Victim::NameServer, bomb(at), trigger).await;
    }
    drill.agrees().await;
}

#[tokio::test]
async fn a_joiner_may_die_or_freeze_at_any_point() {
    let mut drill = Drill::new().await;
    // More than one part of a snapshot.
    let large = vec![dish().to_owned(); protocol::menu::MOST_ITEMS];
    for _ in 0..100 {
        let ask = Ask::Order { postcode: "DH1 3LE".parse().unwrap(), items: large.clone() };
        let answer = drill.cluster.ask(ask).await;
        assert!(matches!(answer, Answer::Outcome(Outcome::Placed { .. })), "{answer:?}");
        drill.placed += 1;
    }
    for at in [
        Failpoint::JoinerRegistered,
        Failpoint::JoinerMidSnapshot,
        Failpoint::JoinerSnapshotDone,
        Failpoint::JoinerViewRecorded,
    ] {
        drill.kill_a_backup();
        let bomb = bomb(at);
        drill.add_replica(Some(bomb));
        let joiner = Victim::Replica(drill.cluster.replicas.len() - 1);
        drill.until_exploded(joiner, bomb).await;
        if bomb.blast == Blast::Crash {
            drill.replace(joiner);
            drill.place().await;
        }
    }
    drill.agrees().await;
}
