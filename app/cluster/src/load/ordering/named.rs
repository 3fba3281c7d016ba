//! What customers with a name ask and are told, in the same history as the load's: they are asked by a scenario's steps.
//!
//! Their operations are known from facts, a little late: an operation counts from the moment it was asked for to the moment
//! its answer was seen, which is longer than it took, and so never wrong.

use std::collections::BTreeMap;
use std::io::Write;

use protocol::ids::{CustomerId, RequestId};
use protocol::message::{Answer, Ask};
use protocol::order_book::PAGE;
use protocol::postcode::Postcode;

use super::{Open, OrderingLoad};
use crate::load::Moment;
use knowledge::history::Kind;

/// Their operations are numbered from here on, apart from the load's.
const FIRST_OPERATION: u64 = 1 << 40;

#[derive(Default)]
pub(super) struct Named {
    open: BTreeMap<CustomerId, Open>,
    processes: BTreeMap<CustomerId, u64>,
    operations: u64,
}

impl<W: Write> OrderingLoad<W> {
    /// One of them asked something at that moment.
    pub fn named_asked(&mut self, request: RequestId, ask: &Ask, asked: Moment) {
        let customer = request.customer;
        let (postcode, order) = match ask {
            Ask::Order { postcode, .. } => (*postcode, Some(self.order_name(request))),
            Ask::History { postcode, page: 0 } => (*postcode, None),
            // More of a list, or about an order that is open.
            Ask::History { .. } | Ask::Withdraw => return,
        };
        // A read that was given up: nobody knows, and nobody needs to.
        self.forget(customer, asked);
        self.begin_at(postcode);
        let process = match self.named.processes.get(&customer) {
            Some(process) => *process,
            None => {
                self.next_process += 1;
                self.named.processes.insert(customer, self.next_process);
                self.next_process
            }
        };
        self.named.operations += 1;
        let op = FIRST_OPERATION + self.named.operations;
        let open = Open { op, process, postcode, order, pages: Vec::new() };
        self.line(Kind::Invoke, &open, None, asked);
        self.named.open.insert(customer, open);
    }

    /// One of them was told something. If that was a page of a list that goes on: what it must read next.
    pub fn named_answered(&mut self, request: RequestId, answer: &Answer, now: Moment) -> Option<(Postcode, u32)> {
        if matches!(answer, Answer::Expired) {
            self.forget(request.customer, now);
            return None;
        }
        let mut open = self.named.open.remove(&request.customer)?;
        let is_list = matches!(answer, Answer::History(_));
        if is_list == open.order.is_some() || self.close(&mut open, answer, now) {
            return None;
        }
        let next = (open.postcode, (open.pages.len() / PAGE) as u32);
        self.named.open.insert(request.customer, open);
        Some(next)
    }

    /// One of them is no more: nobody will hear what becomes of what it asked.
    pub fn named_is_gone(&mut self, customer: CustomerId, now: Moment) {
        self.forget(customer, now);
    }

    /// Whether one of them waits for an answer.
    pub fn named_wait(&self) -> bool {
        !self.named.open.is_empty()
    }

    /// Nobody waits any longer: what is open stays unknown.
    pub fn forget_named(&mut self, now: Moment) {
        let customers: Vec<CustomerId> = self.named.open.keys().copied().collect();
        for customer in customers {
            self.forget(customer, now);
        }
    }

    fn forget(&mut self, customer: CustomerId, now: Moment) {
        if let Some(open) = self.named.open.remove(&customer) {
            self.counts.unknown += u64::from(open.order.is_some());
            self.line(Kind::Info, &open, None, now);
            self.named.processes.remove(&customer);
        }
    }
}
