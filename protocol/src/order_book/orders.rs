//! All orders, oldest first: the base data, then the accepted ones by number. The list only ever grows.
//!
//! So the orders up to some place are the same for ever, and can be read, and sent to a newcomer, while others are added.
//! An order lies encoded, in blocks of 512: a million of them take little more than their bytes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Order, OrderId};
use crate::fingerprint::chained;
use crate::ids::{Fingerprint, OrderNumber, Timestamp};
use crate::postcode::Postcode;

/// Orders in a block.
const BLOCK: usize = 512;

/// An order with its postcode, as it lies in a block. Its number follows from its place.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record<Items> {
    pub(super) postcode: Postcode,
    pub(super) id: OrderId,
    pub(super) items: Items,
    pub(super) at: Timestamp,
}

/// Encoded orders in a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Block {
    /// Digest of all orders before this block.
    before: Fingerprint,
    /// Bytes of all orders before this block.
    begins: u64,
    bytes: Vec<u8>,
    /// Where each order ends.
    ends: Vec<u32>,
}

impl Block {
    fn range(&self, place: usize) -> std::ops::Range<usize> {
        let begin = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        begin as usize..self.ends[place] as usize
    }

    /// Digest of all orders up to the first `orders` of this block.
    fn digest(&self, orders: usize) -> Fingerprint {
        (0..orders).fold(self.before, |digest, place| chained(digest, &self.bytes[self.range(place)]))
    }
}

/// All orders.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Orders {
    /// Full blocks, which are never changed: two lists may share them.
    full: Vec<Arc<Block>>,
    last: Block,
    /// Digest of all orders, in their order.
    digest: Fingerprint,
    /// How many of them are base data.
    base: u32,
}

impl Orders {
    pub(super) fn len(&self) -> u64 {
        (self.full.len() * BLOCK + self.last.ends.len()) as u64
    }

    /// Encoded.
    pub(super) fn bytes(&self) -> u64 {
        self.last.begins + self.last.bytes.len() as u64
    }

    /// How many were accepted; the newest has this number.
    pub(super) fn accepted(&self) -> OrderNumber {
        OrderNumber(self.len() - u64::from(self.base))
    }

    /// Encoded, of the first `orders`.
    pub(super) fn bytes_of(&self, orders: u64) -> u64 {
        let (block, place) = (self.block(orders as usize / BLOCK), orders as usize % BLOCK);
        block.begins + place.checked_sub(1).map_or(0, |last| block.ends.get(last).copied().unwrap_or(0).into())
    }

    /// Digest of all orders, in their order.
    pub(super) fn digest(&self) -> Fingerprint {
        self.digest
    }

    /// Adds an order.
    pub(super) fn push(&mut self, record: &Record<&[String]>) {
        self.begin_block();
        let bytes = postcard::to_extend(record, std::mem::take(&mut self.last.bytes));
        self.last.bytes = bytes.unwrap_or_else(|error| unreachable!("an order encodes: {error}"));
        self.end_order(record.id);
    }

    /// Adds an encoded order, if it is one. Gives its postcode.
    pub(super) fn push_encoded(&mut self, bytes: &[u8]) -> Option<Postcode> {
        let (record, rest) = postcard::take_from_bytes::<Record<Vec<String>>>(bytes).ok()?;
        let base_data_after_orders = matches!(record.id, OrderId::Preset(_)) && self.len() > u64::from(self.base);
        if !rest.is_empty() || base_data_after_orders || self.len() >= u64::from(u32::MAX) {
            return None;
        }
        self.begin_block();
        self.last.bytes.extend_from_slice(bytes);
        self.end_order(record.id);
        Some(record.postcode)
    }

    fn begin_block(&mut self) {
        if self.last.ends.len() == BLOCK {
            let next = Block { before: self.digest, begins: self.bytes(), ..Block::default() };
            let mut full = std::mem::replace(&mut self.last, next);
            full.bytes.shrink_to_fit();
            full.ends.shrink_to_fit();
            self.full.push(Arc::new(full));
        }
    }

    fn end_order(&mut self, id: OrderId) {
        self.last.ends.push(self.last.bytes.len() as u32);
        self.base += u32::from(matches!(id, OrderId::Preset(_)));
        self.digest = chained(self.digest, &self.last.bytes[self.last.range(self.last.ends.len() - 1)]);
    }

    fn block(&self, block: usize) -> &Block {
        self.full.get(block).map_or(&self.last, |full| full)
    }

    /// An order of the list.
    pub(super) fn get(&self, place: u32) -> Order {
        let block = self.block(place as usize / BLOCK);
        let record = postcard::from_bytes::<Record<Vec<String>>>(&block.bytes[block.range(place as usize % BLOCK)]);
        let Record { id, items, at, .. } = record.unwrap_or_else(|error| unreachable!("it was encoded here: {error}"));
        let number = place.checked_sub(self.base).map(|before| OrderNumber(u64::from(before) + 1));
        Order { id, number, items, at }
    }

    /// Orders from `place` on, encoded one after the other, and where each of them ends: as many as fit into `room` bytes, at
    /// least one if there is one.
    pub(super) fn encoded(&self, place: u64, room: usize) -> (Vec<u8>, Vec<u32>) {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        let mut place = place as usize;
        while place < self.len() as usize && bytes.len() < room {
            let (block, first) = (self.block(place / BLOCK), place % BLOCK);
            let begin = block.range(first).start;
            let fits = |end: &u32| bytes.len() + *end as usize - begin <= room;
            let more = block.ends[first..].iter().take_while(|end| fits(end)).count();
            if more == 0 && !ends.is_empty() {
                break;
            }
            let until = first + more.max(1);
            let before = bytes.len();
            ends.extend(block.ends[first..until].iter().map(|end| (before + *end as usize - begin) as u32));
            bytes.extend_from_slice(&block.bytes[begin..block.range(until - 1).end]);
            place += until - first;
        }
        (bytes, ends)
    }

    /// Digest of the first `orders` orders; none: there are fewer.
    pub(super) fn digest_at(&self, orders: u64) -> Option<Fingerprint> {
        if orders >= self.len() {
            return (orders == self.len()).then_some(self.digest);
        }
        let orders = orders as usize;
        Some(self.block(orders / BLOCK).digest(orders % BLOCK))
    }

    /// The first `orders` orders, of which there are as many.
    pub(super) fn beginning(&self, orders: u64) -> Self {
        let Some(digest) = self.digest_at(orders).filter(|_| orders < self.len()) else { return self.clone() };
        // A block that is just full is still the last one.
        let full = (orders as usize).saturating_sub(1) / BLOCK;
        let rest = orders as usize - full * BLOCK;
        let mut last = self.block(full).clone();
        last.ends.truncate(rest);
        last.bytes.truncate(last.ends.last().map_or(0, |end| *end as usize));
        Self { full: self.full[..full].to_vec(), last, digest, base: self.base.min(orders as u32) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CustomerId, RequestId, RequestNumber};

    /// This many, each with a dish of another length.
    fn orders(many: u64) -> Orders {
        let mut orders = Orders::default();
        for n in 0..many {
            let request = RequestId { customer: CustomerId(u128::from(n) << 90), number: RequestNumber(n) };
            let id = if n < 3 { OrderId::Preset(n as u32) } else { OrderId::Placed(request) };
            let items = ["x".repeat(n as usize % 40)];
            orders.push(&Record { postcode: postcode(n), id, items: &items, at: Timestamp(n) });
        }
        orders
    }

    fn postcode(n: u64) -> Postcode {
        format!("DH{} 3LE", n % 10).parse().unwrap()
    }

    #[test]
    fn each_order_is_found_at_its_place_with_its_number() {
        let orders = orders(1500);
        assert_eq!((orders.len(), orders.accepted()), (1500, OrderNumber(1497)));
        for place in [0, 2, 3, 511, 512, 1024, 1499] {
            let order = orders.get(place);
            let number = place.checked_sub(2).filter(|number| *number > 0).map(|number| OrderNumber(number.into()));
            assert_eq!((order.at.0, order.number), (place.into(), number));
            assert_eq!(order.items, ["x".repeat(place as usize % 40)]);
        }
    }

    #[test]
    fn a_list_that_is_sent_in_pieces_of_any_size_arrives_as_it_is() {
        let all = orders(1500);
        for room in [1, 50, 3000, 1_000_000] {
            let mut copy = Orders::default();
            while copy.len() < all.len() {
                let (bytes, ends) = all.encoded(copy.len(), room);
                assert!(bytes.len() <= room || ends.len() == 1, "{} bytes for {room}", bytes.len());
                let mut begin = 0;
                for end in ends {
                    let place = copy.len();
                    assert_eq!(copy.push_encoded(&bytes[begin..end as usize]), Some(postcode(place)));
                    begin = end as usize;
                }
            }
            assert!(copy == all, "{room}");
        }
        assert_eq!(all.encoded(1500, 100), (vec![], vec![]));
    }

    #[test]
    fn a_beginning_is_what_the_list_once_was() {
        let all = orders(1500);
        for many in [0, 1, 3, 511, 512, 513, 1024, 1499, 1500] {
            let then = orders(many);
            assert!(all.beginning(many) == then, "{many}");
            assert_eq!(all.digest_at(many), Some(then.digest), "{many}");
            assert_eq!(all.beginning(many).bytes(), then.bytes(), "{many}");
        }
        assert_eq!(all.digest_at(1501), None);
    }

    #[test]
    fn lists_that_differ_anywhere_have_different_digests() {
        let mut digests: Vec<_> = (0..=1500).filter_map(|many| orders(1500).digest_at(many)).collect();
        let other = {
            let mut other = orders(700);
            other.push(&Record { postcode: postcode(1), id: OrderId::Preset(1), items: &[], at: Timestamp(0) });
            other.digest
        };
        digests.push(other);
        let many = digests.len();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!((many, digests.len()), (1502, 1502));
    }

    #[test]
    fn what_is_no_order_is_not_taken() {
        let all = orders(4);
        let (bytes, ends) = all.encoded(0, 1000);
        let (first, fourth) = (&bytes[..ends[0] as usize], &bytes[ends[2] as usize..]);
        let refused = |orders: &Orders, bytes: &[u8]| orders.clone().push_encoded(bytes).is_none();
        assert!(!refused(&all, fourth));
        assert!(refused(&all, first), "base data come first");
        assert!(refused(&all, &fourth[1..]) && refused(&all, &[fourth, &[0]].concat()) && refused(&all, &[]));
    }
}
