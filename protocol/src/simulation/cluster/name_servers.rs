//! Where the view record is kept in a store: its name servers, and their way to it.

use super::{Cluster, Event};
use crate::ids::{Contact, Role};
use crate::machine::{Identity, Input, Settings};
use crate::name_server::NameServer;
use crate::simulation::environment::{Environment, Slot};
use crate::simulation::store::{PATIENCE, StoreFate};
use crate::view_record::{StoreAnswer, StoreOperation};

impl<S: Environment> Cluster<S> {
    /// A name server asks the store. Whatever comes of it, there is an answer in time.
    pub(super) fn ask_store(&mut self, node: usize, number: u64, operation: StoreOperation) {
        let fate = self.environment.store();
        self.write(|cluster| format!("{} asks the store: {operation:?} ({fate:?})", cluster.name(node)));
        let input = Input::StoreAnswered { number, answer: StoreAnswer::Unanswered };
        self.queue.plan(self.now + PATIENCE, Event::Input { node, input });
        if let Some(after) = fate.carried_out {
            self.queue.plan(self.now + after, Event::Store { node, number, operation, fate });
        }
    }

    /// Also when the one that asked is dead or has given it up.
    pub(super) fn store_carries_out(&mut self, node: usize, number: u64, operation: StoreOperation, fate: StoreFate) {
        let Some((store, _)) = &mut self.store else { return };
        let (changed, answer) = store.carry_out(operation);
        if changed {
            let record = store.record().clone();
            self.write(|_| format!("store: token {}, {:?}", record.token, record.view));
            self.checkers.journaled(&record);
        }
        for after in fate.answered.into_iter().chain(fate.again) {
            let input = Input::StoreAnswered { number, answer: answer.clone() };
            self.queue.plan(self.now + after, Event::Input { node, input });
        }
    }

    /// Those that were ever started, where they listen.
    pub(super) fn name_servers(&self) -> Vec<Contact> {
        let is_known = |slot: &Slot| self.seats[*slot].role == Role::NameServer && self.seats[*slot].node != usize::MAX;
        (0..self.seats.len()).filter(is_known).map(|slot| self.contact(slot)).collect()
    }

    pub(super) fn assert_order(&self, role: Role) {
        let begins = self.seats.last().is_none_or(|last| last.role == Role::NameServer && self.store.is_some());
        let is_name_server = role == Role::NameServer;
        assert!(if is_name_server { begins } else { !self.seats.is_empty() }, "name servers have the first slots");
    }

    /// A new incarnation: with what is in the journal, or with the store.
    pub(super) fn name_server(&self, identity: Identity, settings: Settings) -> NameServer {
        match &self.store {
            None => NameServer::new(identity, settings, self.journal.clone()),
            Some((_, bug)) => NameServer::with_store_and_bug(identity, settings, *bug),
        }
    }
}
