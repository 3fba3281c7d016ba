//! Sessions in the order of silence, in few bytes: a million of them are what grows most in a replica.
//!
//! Each is a slot of 48 bytes, and all slots are one list, longest silent first. Customers are found by their
//! slots' numbers, sorted by customer in short pieces: no hash, so no order that a stranger could spoil by choosing ids.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use super::Session;
use crate::ids::{CustomerId, OpNumber, OrderNumber, RequestNumber};
use crate::order_book::{Outcome, Rejection};

/// The longest piece of the index.
const PIECE: usize = 512;
/// The place of no session: the end of a list.
const NOBODY: u32 = u32::MAX;
/// In place of the entry of a slot that is free.
const FREE: OpNumber = OpNumber(0);
/// In place of an order's number.
const NEVER_PLACED: u64 = u64::MAX;
/// In place of an order's number; the reason is kept beside the slots.
const REJECTED: u64 = u64::MAX - 1;
/// Bytes that a session takes, its part of the index included.
const SESSION: usize = 56;

/// Sessions in a list of the longest unused, found by customer.
#[derive(Clone, Debug)]
pub(super) struct Table {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Used slots, sorted by customer.
    pieces: Vec<Vec<u32>>,
    oldest: u32,
    newest: u32,
    /// Why, of the sessions that ended in a rejection.
    reasons: BTreeMap<OpNumber, Rejection>,
    room: u64,
}

/// Where somebody who goes through all sessions has come: the slot of the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sweep(u32);

impl Default for Sweep {
    fn default() -> Self {
        Self(NOBODY)
    }
}

#[derive(Clone, Debug)]
struct Slot {
    /// In halves, for a whole number would be aligned to 16 bytes.
    customer: [u64; 2],
    number: RequestNumber,
    op: OpNumber,
    outcome: u64,
    before: u32,
    after: u32,
}

impl Slot {
    fn customer(&self) -> CustomerId {
        CustomerId(u128::from(self.customer[0]) << 64 | u128::from(self.customer[1]))
    }
}

/// How many sessions there could be in its place.
fn room_of(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Placed { .. } | Outcome::NeverPlaced => 1,
        Outcome::Rejected { why: Rejection::Items(_) | Rejection::Unchecked { .. } } => 3,
        Outcome::Rejected { why: Rejection::Postcode { why, .. } } => 3 + (why.len() / SESSION) as u64,
    }
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// The room that is taken, in sessions without a reason.
    pub(super) fn room(&self) -> u64 {
        self.room
    }

    pub(super) fn get(&self, customer: CustomerId) -> Option<Session> {
        let (piece, Ok(place)) = self.find(customer) else { return None };
        Some(self.session(self.pieces[piece][place]))
    }

    /// In place of the customer's former session, and as the newest.
    pub(super) fn put(&mut self, customer: CustomerId, session: &Session) {
        self.take(customer);
        let slot = self.slot_of(customer, session);
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                self.slots.push(slot.clone());
                self.slots.len() as u32 - 1
            }
        };
        self.slots[index as usize] = slot;
        match self.slots.get_mut(self.newest as usize) {
            Some(newest) => newest.after = index,
            None => self.oldest = index,
        }
        self.newest = index;
        self.room += room_of(&session.outcome);
        self.list(customer, index);
    }

    pub(super) fn take_oldest(&mut self) -> Option<(CustomerId, OpNumber)> {
        let oldest = self.slots.get(self.oldest as usize)?;
        let (customer, op) = (oldest.customer(), oldest.op);
        self.take(customer);
        Some((customer, op))
    }

    pub(super) fn oldest(&self) -> Option<OpNumber> {
        self.slots.get(self.oldest as usize).map(|slot| slot.op)
    }

    pub(super) fn newest(&self) -> Option<OpNumber> {
        self.slots.get(self.newest as usize).map(|slot| slot.op)
    }

    /// Sessions whose last entries are newer than `op`, longest silent first, until there is no `room` left.
    pub(super) fn after(&self, op: OpNumber, mut room: u64, sweep: &mut Sweep) -> Vec<(CustomerId, Session)> {
        let mut sessions = Vec::new();
        for index in self.slots_from(self.first_after(op, *sweep)) {
            if room == 0 {
                break;
            }
            let session = self.session(index);
            room = room.saturating_sub(room_of(&session.outcome));
            sweep.0 = index;
            sessions.push((self.slots[index as usize].customer(), session));
        }
        sessions
    }

    /// The first slot whose entry is newer than `op`. Mostly it is the one behind the last that was asked for. If that
    /// customer has come again since, the slot is looked for from both ends: few customers come so often, and they are at
    /// one end.
    fn first_after(&self, op: OpNumber, sweep: Sweep) -> u32 {
        if let Some(last) = self.slots.get(sweep.0 as usize).filter(|last| last.op == op && op != FREE) {
            return last.after;
        }
        let (mut front, mut back) = (self.oldest, NOBODY);
        let mut before = self.newest;
        loop {
            match self.slots.get(front as usize) {
                Some(slot) if slot.op <= op => front = slot.after,
                _ => return front,
            }
            match self.slots.get(before as usize) {
                Some(slot) if slot.op > op => (back, before) = (before, slot.before),
                _ => return back,
            }
        }
    }

    /// Slots in the order of silence.
    fn slots_from(&self, first: u32) -> impl Iterator<Item = u32> {
        let at = |index: u32| self.slots.get(index as usize).map(|_| index);
        std::iter::successors(at(first), move |index| at(self.slots[*index as usize].after))
    }

    /// From the longest silent on.
    fn iter(&self) -> impl Iterator<Item = (CustomerId, Session)> {
        self.slots_from(self.oldest).map(|index| (self.slots[index as usize].customer(), self.session(index)))
    }

    fn session(&self, index: u32) -> Session {
        let Slot { number, op, outcome, .. } = self.slots[index as usize];
        let why = self.reasons.get(&op).filter(|_| outcome == REJECTED);
        let outcome = match (outcome, why) {
            (_, Some(why)) => Outcome::Rejected { why: why.clone() },
            (NEVER_PLACED | REJECTED, None) => Outcome::NeverPlaced,
            (number, None) => Outcome::Placed { number: OrderNumber(number) },
        };
        Session { number, outcome, op }
    }

    fn slot_of(&mut self, customer: CustomerId, session: &Session) -> Slot {
        let outcome = match &session.outcome {
            Outcome::Placed { number } => number.0,
            Outcome::NeverPlaced => NEVER_PLACED,
            Outcome::Rejected { why } => {
                self.reasons.insert(session.op, why.clone());
                REJECTED
            }
        };
        let customer = [(customer.0 >> 64) as u64, customer.0 as u64];
        Slot { customer, number: session.number, op: session.op, outcome, before: self.newest, after: NOBODY }
    }

    fn take(&mut self, customer: CustomerId) {
        let (piece, Ok(place)) = self.find(customer) else { return };
        let index = self.pieces[piece].remove(place);
        if self.pieces[piece].is_empty() {
            self.pieces.remove(piece);
        }
        self.room -= room_of(&self.session(index).outcome);
        let Slot { before, after, op, .. } = self.slots[index as usize];
        match self.slots.get_mut(before as usize) {
            Some(slot) => slot.after = after,
            None => self.oldest = after,
        }
        match self.slots.get_mut(after as usize) {
            Some(slot) => slot.before = before,
            None => self.newest = before,
        }
        self.reasons.remove(&op);
        self.slots[index as usize].op = FREE;
        self.free.push(index);
    }

    // The index.

    /// The piece a customer belongs to, and its place there, or where it would be. (Without any piece: none is there.)
    fn find(&self, customer: CustomerId) -> (usize, Result<usize, usize>) {
        let of = |index: &u32| self.slots[*index as usize].customer();
        let begins_after = |piece: &Vec<u32>| piece.first().is_none_or(|first| of(first) <= customer);
        let piece = self.pieces.partition_point(begins_after).saturating_sub(1);
        let place = self.pieces.get(piece).map_or(Err(0), |piece| piece.binary_search_by_key(&customer, of));
        (piece, place)
    }

    fn list(&mut self, customer: CustomerId, index: u32) {
        if self.pieces.is_empty() {
            self.pieces.push(Vec::with_capacity(PIECE));
        }
        let (at, Err(place)) = self.find(customer) else { unreachable!("its former session was taken out") };
        let piece = &mut self.pieces[at];
        piece.insert(place, index);
        if piece.len() == PIECE {
            let mut second = Vec::with_capacity(PIECE);
            second.extend(piece.drain(PIECE / 2..));
            self.pieces.insert(at + 1, second);
        }
    }
}

impl Default for Table {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            pieces: Vec::new(),
            oldest: NOBODY,
            newest: NOBODY,
            reasons: BTreeMap::new(),
            room: 0,
        }
    }
}

/// What it holds and in which order; where its slots lie differs after a snapshot.
impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}
impl Eq for Table {}
impl Hash for Table {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.iter().for_each(|session| session.hash(state));
    }
}
