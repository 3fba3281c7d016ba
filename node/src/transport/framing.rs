//! Envelopes on a stream: each is its length as u32 (little-endian), then the codec's bytes.
//!
//! This file knows nothing of connections; it turns envelopes into bytes that wait, and bytes that came into envelopes.

use protocol::codec::{self, DecodeError, LARGEST_ENVELOPE};
use protocol::message::{Envelope, Message, StateUpdate};
use thiserror::Error;

/// Bytes of a frame before the envelope's.
const HEAD: usize = 4;
/// How much is read at once at most.
const READ: usize = 64 * 1024;

/// Why what a peer sent is no sequence of frames. It loses its connection; the node lives.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The announced length is none an envelope can have.
    #[error("a frame of {0} bytes was announced; the limit is {LARGEST_ENVELOPE}")]
    Length(usize),
    /// The frame's content is no envelope.
    #[error(transparent)]
    Content(#[from] DecodeError),
}

/// Turns envelopes into frames. What a primary sends to all backups in one round is encoded once.
#[derive(Debug, Default)]
pub struct Framer {
    /// The newest state update with entries in this round, and its bytes.
    update: Option<StateUpdate>,
    bytes: Vec<u8>,
}

impl Framer {
    /// Appends the frame of `envelope`.
    ///
    /// # Errors
    /// When the envelope is too large; then `frames` is as it was.
    pub fn append(&mut self, envelope: &Envelope, frames: &mut Vec<u8>) -> Result<(), DecodeError> {
        let start = frames.len();
        frames.extend_from_slice(&[0; HEAD]);
        self.encode(envelope, frames).inspect_err(|_| frames.truncate(start))?;
        let length = (frames.len() - start - HEAD) as u32;
        frames[start..start + HEAD].copy_from_slice(&length.to_le_bytes());
        Ok(())
    }

    fn encode(&mut self, envelope: &Envelope, frames: &mut Vec<u8>) -> Result<(), DecodeError> {
        let Message::StateUpdate(update) = &envelope.message else { return codec::encode(envelope, frames) };
        if update.entries.is_empty() {
            return codec::encode(envelope, frames);
        }
        // Equal entries of one replica are the same ones in memory, so this looks into none of them.
        if self.update.as_ref() != Some(update) {
            self.bytes.clear();
            codec::encode_message(&envelope.message, &mut self.bytes);
            self.update = Some(update.clone());
        }
        codec::encode_around(&self.bytes, envelope, frames)
    }

    /// The round is over; nothing is remembered for the next.
    pub fn forget(&mut self) {
        self.update = None;
    }
}

/// Collects what a stream brings until it is whole frames. Holds at most one frame and one read.
#[derive(Debug, Default)]
pub struct FrameReader {
    bytes: Vec<u8>,
    filled: usize,
}

impl FrameReader {
    /// Where the next read puts its bytes; tell [`Self::filled`] how many it put there.
    pub fn room(&mut self) -> &mut [u8] {
        if self.bytes.len() < self.filled + READ {
            self.bytes.resize(self.filled + READ, 0);
        }
        &mut self.bytes[self.filled..]
    }

    /// This many more bytes are there.
    pub fn filled(&mut self, bytes: usize) {
        self.filled += bytes;
    }

    /// Whether a frame has begun and not ended.
    #[must_use]
    pub fn is_within_frame(&self) -> bool {
        self.filled > 0
    }

    /// Takes out all frames that are whole.
    ///
    /// # Errors
    /// At the first frame that cannot be one; nothing after it can be read.
    pub fn take(&mut self, envelopes: &mut Vec<Envelope>) -> Result<(), FrameError> {
        let mut at = 0;
        while let Some((head, rest)) = self.bytes[at..self.filled].split_first_chunk::<HEAD>() {
            let length = u32::from_le_bytes(*head) as usize;
            if length == 0 || length > LARGEST_ENVELOPE {
                return Err(FrameError::Length(length));
            }
            let Some(body) = rest.get(..length) else { break };
            envelopes.push(codec::decode(body)?);
            at += HEAD + length;
        }
        self.bytes.copy_within(at..self.filled, 0);
        self.filled -= at;
        if self.filled == 0 && self.bytes.len() > 4 * READ {
            // A large snapshot part has passed; do not keep its room for ever.
            self.bytes = Vec::new();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use protocol::ids::{
        Barrier, CustomerId, Fingerprint, NodeId, OpNumber, Position, RequestId, RequestNumber, Role, View, ViewNumber,
    };
    use protocol::order_book::{Entry, EntryEffect, Outcome};

    fn envelope(number: u64) -> Envelope {
        let message = Message::Register {
            name: format!("replica-{number}"),
            role: Role::Replica,
            token: None,
            commit: OpNumber(0),
        };
        Envelope { from: NodeId(1), number, to: NodeId(2), traced: false, message }
    }

    fn feed(reader: &mut FrameReader, bytes: &[u8]) -> Result<Vec<Envelope>, FrameError> {
        let mut envelopes = Vec::new();
        reader.room()[..bytes.len()].copy_from_slice(bytes);
        reader.filled(bytes.len());
        reader.take(&mut envelopes).map(|()| envelopes)
    }

    #[test]
    fn frames_cut_anywhere_come_out_whole() {
        let mut bytes = Vec::new();
        for number in 0..3 {
            Framer::default().append(&envelope(number), &mut bytes).unwrap();
        }
        for cut in 0..bytes.len() {
            let mut reader = FrameReader::default();
            let mut all = feed(&mut reader, &bytes[..cut]).unwrap();
            all.extend(feed(&mut reader, &bytes[cut..]).unwrap());
            assert_eq!(all, [envelope(0), envelope(1), envelope(2)], "cut at {cut}");
            assert!(!reader.is_within_frame());
        }
    }

    #[test]
    fn lengths_no_envelope_has_are_refused_before_anything_is_kept() {
        for length in [0, LARGEST_ENVELOPE as u32 + 1, u32::MAX] {
            let error = feed(&mut FrameReader::default(), &length.to_le_bytes());
            assert_eq!(error, Err(FrameError::Length(length as usize)));
        }
    }

    #[test]
    fn a_frame_of_rubbish_is_refused() {
        let error = feed(&mut FrameReader::default(), &[3, 0, 0, 0, 77, 1, 2]);
        assert_eq!(error, Err(FrameError::Content(DecodeError::Version(77))));
    }

    #[test]
    fn what_is_encoded_once_for_several_receivers_is_what_each_would_get_alone() {
        let entry = |op: u64| {
            let request = RequestId { customer: CustomerId(9), number: RequestNumber(op) };
            let (effect, outcome) = (EntryEffect::Withdrawn, Outcome::NeverPlaced);
            Arc::new(Entry { op: OpNumber(op), view: ViewNumber(1), request, effect, outcome })
        };
        let update = |entries: &[Arc<Entry>]| {
            let (view, from) = (View::default(), Position { op: OpNumber(0), fingerprint: Fingerprint(3) });
            let entries = entries.to_vec();
            Message::StateUpdate(StateUpdate { view, from, entries, barrier: Barrier(1), commit: OpNumber(0) })
        };
        let entries = [entry(1), entry(2), entry(3)];
        let messages = [update(&entries), update(&entries), update(&entries[..2]), update(&[]), update(&entries)];
        let (mut together, mut framer) = (Vec::new(), Framer::default());
        let mut singly = Vec::new();
        for (number, message) in messages.into_iter().enumerate() {
            let envelope = Envelope { from: NodeId(1), number: number as u64, to: NodeId(2), traced: false, message };
            framer.append(&envelope, &mut together).unwrap();
            Framer::default().append(&envelope, &mut singly).unwrap();
            let mut whole = Vec::new();
            codec::encode(&envelope, &mut whole).unwrap();
            assert!(together.ends_with(&whole), "the codec says the same of message {number}");
        }
        assert_eq!(together, singly);
    }
}
