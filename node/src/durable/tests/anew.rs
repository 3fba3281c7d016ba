//! A replica whose sync fails: the file is never synced again, and what was not on disk is written anew, in another file.

use protocol::ids::{Contact, Role, Span};
use protocol::machine::{Effect, Effects, Identity, Input, Machine, Settings, Timer};
use protocol::message::{Ask, Message};
use protocol::postcode::{PostcodeService, Verdict};
use protocol::replica::Replica;

use super::*;

/// A replica with its thread and its disk, as an event loop runs them.
struct Living {
    replica: Replica,
    log: DurableLog,
    effects: Effects,
    disk: Disk,
}

fn contact(id: NodeId) -> Contact {
    Contact { id, address: ([127, 0, 0, 1], 1000).into() }
}

const FRONT_END: NodeId = NodeId(2);

impl Living {
    fn start() -> Self {
        let disk = Disk::default();
        disk.0.lock().unwrap().good = u64::MAX - 1;
        let label = Label { cluster: None, node: ID, name: "replica-1".into(), file: 0 };
        let begins = Begins { storage: disk.clone(), label, random: numbers, present: None };
        let log = DurableLog::start(begins, None).unwrap();
        let (name, name_servers) = ("replica-1".into(), contact(NodeId(1)).into());
        let identity = Identity { me: contact(ID), name, role: Role::Replica, name_servers };
        let recovered = Recovered::default();
        let replica = Replica::durable(identity, Settings::default(), OrderBook::preset(1), recovered);
        let mut living = Self { replica, log, effects: Effects::default(), disk };
        living.replica.start(&mut living.effects);
        living.carry_out();
        living
    }

    fn carry_out(&mut self) -> Vec<Effect> {
        self.replica.settle(&mut self.effects);
        let mut others = Vec::new();
        for effect in self.effects.drain() {
            match effect {
                Effect::Keep { number, new_file, kept } => self.log.keep(number, new_file, kept),
                other => others.push(other),
            }
        }
        others
    }

    fn given(&mut self, input: Input) -> Vec<Effect> {
        self.replica.handle(input, &mut self.effects);
        self.carry_out()
    }

    fn hears(&mut self, message: Message) -> Vec<Effect> {
        self.given(Input::Received { from: contact(FRONT_END), traced: false, message })
    }

    /// The next answer of the disk, and what the replica does about it.
    fn disk_answers(&mut self) -> (DiskAnswer, Vec<Effect>) {
        let said = answer(&mut self.log);
        let input = match said.clone() {
            DiskAnswer::Kept(number) => Input::Kept { number },
            DiskAnswer::Failed(number, why) => Input::KeepFailed { number, why },
            DiskAnswer::Reached(at) => panic!("no bomb lies at {at}"),
        };
        let effects = self.given(input);
        (said, effects)
    }

    /// An order, as far as the primary gets without its disk.
    fn order(&mut self, number: u64) -> Vec<Effect> {
        let id = RequestId { customer: CustomerId(7), number: RequestNumber(number) };
        let ask = Ask::Order { postcode: "EH1 1RE".parse().unwrap(), items: vec!["Pad thai".into()] };
        let mut effects = self.hears(Message::Request { id, since: OpNumber(0), ask });
        let verdict = Verdict::Valid { by: PostcodeService::PostcodesIo, place: None };
        effects.extend(self.given(Input::PostcodeChecked { request: id, verdict, at: Timestamp(1) }));
        effects
    }
}

fn replies(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Send { message: Message::Reply { .. }, .. })).count()
}

#[test]
fn a_failed_sync_is_not_repeated_and_its_bytes_are_written_anew_in_another_file() {
    let mut living = Living::start();
    living.disk_answers();
    let view = View::new(ViewNumber(1), ID, vec![ID]);
    living.hears(Message::ViewIs { view, joiners: vec![], contacts: vec![contact(ID)], patience: Span(0) });
    while !living.replica.acting() {
        living.disk_answers();
    }
    assert_eq!(replies(&living.order(1)), 0, "nothing is said before it is on disk");
    assert_eq!(replies(&living.disk_answers().1), 1);

    let before = living.disk.0.lock().unwrap().present;
    living.disk.0.lock().unwrap().sync_fails = true;
    assert_eq!(replies(&living.order(2)), 0);
    let (said, effects) = living.disk_answers();
    assert!(matches!(said, DiskAnswer::Failed(..)), "{said:?}");
    assert_eq!(replies(&effects), 0);
    assert_eq!(living.disk.recover().unwrap().position().unwrap().op, OpNumber(1));
    assert!(!living.replica.acting());
    // Its own heartbeats say nothing, and questions are not answered.
    let view = View::new(ViewNumber(2), NodeId(99), vec![NodeId(99)]);
    let asked = Message::ViewIs { view, joiners: vec![], contacts: vec![], patience: Span(0) };
    assert!(
        !living.hears(asked).iter().any(|effect| matches!(effect, Effect::Send { message: Message::Status(_), .. }))
    );

    // Any call to the file that failed would have failed this test, in the thread of the disk.
    living.given(Input::Rang(Timer::Disk));
    while !matches!(living.disk_answers().0, DiskAnswer::Kept(_)) {}
    let content = living.disk.0.lock().unwrap();
    assert_eq!(content.failed_file, before);
    assert_ne!(content.present, before);
    drop(content);
    let recovered = living.disk.recover().unwrap();
    assert_eq!(recovered.position().unwrap().op, OpNumber(2));
    assert_eq!(
        recovered.book().length("EH1 1RE".parse().unwrap()),
        2 + OrderBook::preset(1).length("EH1 1RE".parse().unwrap())
    );
}
