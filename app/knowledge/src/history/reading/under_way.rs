//! Operations that were asked for and have no answer yet, found by their numbers. In a history of orders that nobody answered
//! that is every one of them, so each takes little room. What they ask for is not known here.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Open {
    /// Its number in the file.
    pub op: u64,
    pub process: u64,
    /// The number of its postcode.
    pub place: u32,
    /// Where it stands among the operations of its postcode.
    pub at: u32,
}

#[derive(Debug, Default)]
pub(super) struct UnderWay {
    all: Vec<Open>,
    /// Places in `all` that are free again.
    free: Vec<u32>,
    /// Places in `all`, by number.
    table: HashTable<u32>,
    hashing: RandomState,
}

impl UnderWay {
    /// False: an operation of this number is under way already.
    pub fn begin(&mut self, open: Open) -> bool {
        let Self { all, free, table, hashing } = self;
        let hash = hashing.hash_one(open.op);
        if table.find(hash, |at| all[*at as usize].op == open.op).is_some() {
            return false;
        }
        let at = match free.pop() {
            Some(at) => {
                all[at as usize] = open;
                at
            }
            None => {
                all.push(open);
                all.len() as u32 - 1
            }
        };
        table.insert_unique(hash, at, |at| hashing.hash_one(all[*at as usize].op));
        true
    }

    /// It has an answer.
    pub fn end(&mut self, op: u64) -> Option<Open> {
        let Self { all, free, table, hashing } = self;
        let entry = table.find_entry(hashing.hash_one(op), |at| all[*at as usize].op == op).ok()?;
        let (at, _) = entry.remove();
        free.push(at);
        Some(all[at as usize])
    }

    /// How much memory they take, in bytes.
    pub fn bytes(&self) -> usize {
        // A place in the table has a byte beside it, and the table may be half empty.
        let places = self.table.capacity() * (size_of::<u32>() + 1);
        size_of_val(self.all.as_slice()) + size_of_val(self.free.as_slice()) + places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_used_again() {
        let mut under_way = UnderWay::default();
        let open = |op| Open { op, process: op + 1, place: 3, at: 4 };
        assert!((0..1000).all(|op| under_way.begin(open(op))) && !under_way.begin(open(7)));
        let full = under_way.bytes();
        assert!(full < 1000 * 40, "{full} bytes");
        for op in 0..100_000 {
            assert_eq!(under_way.end(op), Some(open(op)));
            assert!(under_way.begin(open(op + 1000)));
        }
        assert_eq!((under_way.end(0), under_way.all.len()), (None, 1000));
    }
}
