//! Digests of values: the wire encoding of a value, folded into 64 bits.
//!
//! For telling histories apart, not for security: senders of entries are trusted with them (mutual TLS sees to that).

use postcard::ser_flavors::Flavor;
use serde::Serialize;

use crate::ids::Fingerprint;
use crate::random;

/// Digest of any value of the protocol.
pub fn digest_of<T: Serialize + ?Sized>(value: &T) -> Fingerprint {
    // Encoding into this flavor cannot fail: it takes every byte, and the protocol's types have no length unknown in advance.
    let digest = postcard::serialize_with_flavor::<T, Digest, u64>(value, Digest::default());
    Fingerprint(digest.unwrap_or_else(|error| unreachable!("a digest takes every byte: {error}")))
}

/// Digest of everything up to some bytes and of these. Faster than [`digest_of`], as it takes eight bytes at a time.
pub fn chained(before: Fingerprint, bytes: &[u8]) -> Fingerprint {
    let words = bytes.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    });
    let state = words.fold(before.0, |state, word| mix(state ^ word));
    Fingerprint(mix(state ^ bytes.len() as u64))
}

/// A sink for encoded bytes that keeps eight of them at a time.
struct Digest {
    state: u64,
    word: u64,
    filled: u32,
    length: u64,
}

impl Default for Digest {
    fn default() -> Self {
        Self { state: 0x9e37_79b9_7f4a_7c15, word: 0, filled: 0, length: 0 }
    }
}

impl Digest {
    fn stir(&mut self) {
        self.state = mix(self.state ^ self.word);
        self.word = 0;
        self.filled = 0;
    }
}

/// Zero, too, is stirred.
fn mix(z: u64) -> u64 {
    random::mix(z.wrapping_add(0x9e37_79b9_7f4a_7c15))
}

impl Flavor for Digest {
    type Output = u64;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.word |= u64::from(byte) << (8 * self.filled);
        self.filled += 1;
        self.length += 1;
        if self.filled == 8 {
            self.stir();
        }
        Ok(())
    }

    /// The same as one byte after the other, eight at a time: most of an order is text.
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        let (words, rest) = bytes.as_chunks();
        for word in words {
            let word = u64::from_le_bytes(*word);
            // Its beginning fills the word that has begun; what is left over begins the next.
            let over = if self.filled == 0 { 0 } else { word >> (64 - 8 * self.filled) };
            self.state = mix(self.state ^ self.word ^ (word << (8 * self.filled)));
            self.word = over;
        }
        self.length += 8 * words.len() as u64;
        rest.iter().try_for_each(|byte| self.try_push(*byte))
    }

    fn finalize(mut self) -> postcard::Result<u64> {
        self.stir();
        Ok(mix(self.state ^ self.length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_and_the_length_count() {
        let values: [&[u8]; 6] = [b"", b"\0", b"\0\0", b"abcdefgh", b"abcdefgi", b"abcdefgh\0"];
        for (i, a) in values.iter().enumerate() {
            for (j, b) in values.iter().enumerate() {
                assert_eq!(digest_of(a) == digest_of(b), i == j, "{a:?} {b:?}");
                let chained = |bytes| chained(Fingerprint(1), bytes);
                assert_eq!(chained(a) == chained(b), i == j, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn many_bytes_count_as_one_after_the_other() {
        let bytes: Vec<u8> = (0..40).map(|at| at ^ 0x5a).collect();
        for end in 0..bytes.len() {
            for begin in 0..end {
                let (mut singly, mut together) = (Digest::default(), Digest::default());
                bytes[..end].iter().for_each(|byte| singly.try_push(*byte).unwrap());
                together.try_extend(&bytes[..begin]).unwrap();
                together.try_extend(&bytes[begin..end]).unwrap();
                assert_eq!(singly.finalize(), together.finalize(), "{begin} of {end}");
            }
        }
    }

    #[test]
    fn digests_do_not_change_between_versions() {
        assert_eq!(digest_of("Just Hungry"), digest_of(&String::from("Just Hungry")));
        assert_eq!(digest_of("Just Hungry"), Fingerprint(0x00e4_cdd8_06c9_6bd1));
    }
}
