//! Envelopes as bytes and back: one version byte, then postcard.
//!
//! Framing (how long an envelope is) belongs to the transport; this file only knows one envelope's bytes.
//!
//! ```
//! use protocol::codec::{DecodeError, decode, encode};
//! use protocol::{ids::NodeId, message::{Envelope, Message}};
//!
//! let envelope = Envelope { from: NodeId(3), number: 1, to: NodeId(7), traced: false, message: Message::ReadRecord };
//! let mut bytes = Vec::new();
//! encode(&envelope, &mut bytes)?;
//! assert_eq!(decode(&bytes)?, envelope);
//! bytes.push(0);
//! assert_eq!(decode(&bytes), Err(DecodeError::Trailing(1)));
//! # Ok::<(), DecodeError>(())
//! ```

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::message::{Envelope, Message};

/// Version of the wire format; a peer of another version is refused.
pub const WIRE_VERSION: u8 = 3;
/// The largest envelope there may be, in bytes (PROTOCOL section 8).
pub const LARGEST_ENVELOPE: usize = 1024 * 1024;

/// Why bytes are no envelope. Their sender loses its connection; the node lives.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Nothing at all.
    #[error("the envelope is empty")]
    Empty,
    /// Made by another version of the program.
    #[error("the envelope has wire version {0}, this program speaks {WIRE_VERSION}")]
    Version(u8),
    /// Larger than [`LARGEST_ENVELOPE`].
    #[error("the envelope has {0} bytes, more than the {LARGEST_ENVELOPE} allowed")]
    TooLarge(usize),
    /// Not what postcard wrote.
    #[error("the envelope cannot be decoded: {0}")]
    Malformed(String),
    /// Decodes, but bytes are left over.
    #[error("the envelope has {0} bytes too many")]
    Trailing(usize),
}

/// Appends the envelope's bytes to `bytes`.
///
/// # Errors
/// When it would be larger than [`LARGEST_ENVELOPE`]; then `bytes` is as it was.
pub fn encode(envelope: &Envelope, bytes: &mut Vec<u8>) -> Result<(), DecodeError> {
    append(envelope, bytes, |bytes| put(&envelope.message, bytes))
}

/// Appends the message's bytes to `bytes`, for [`encode_around`].
pub fn encode_message(message: &Message, bytes: &mut Vec<u8>) {
    put(message, bytes);
}

/// As [`encode`]; the bytes of its message are here already.
///
/// # Errors
/// As [`encode`].
pub fn encode_around(message: &[u8], envelope: &Envelope, bytes: &mut Vec<u8>) -> Result<(), DecodeError> {
    append(envelope, bytes, |bytes| bytes.extend_from_slice(message))
}

fn append(
    Envelope { from, number, to, traced, message: _ }: &Envelope,
    bytes: &mut Vec<u8>,
    message: impl FnOnce(&mut Vec<u8>),
) -> Result<(), DecodeError> {
    let start = bytes.len();
    bytes.push(WIRE_VERSION);
    put(&(from, number, to, traced), bytes);
    message(bytes);
    let length = bytes.len() - start;
    if length > LARGEST_ENVELOPE {
        bytes.truncate(start);
        return Err(DecodeError::TooLarge(length));
    }
    Ok(())
}

fn put(value: &impl Serialize, bytes: &mut Vec<u8>) {
    let written = value.serialize(&mut postcard::Serializer { output: &mut Sink { bytes } });
    // The sink takes every byte, and the protocol's types have no length unknown in advance.
    written.unwrap_or_else(|error| unreachable!("a message encodes: {error}"));
}

/// Reads one envelope that fills `bytes` exactly.
///
/// # Errors
/// Whatever is wrong with the bytes. Memory use is bounded by their length.
pub fn decode(bytes: &[u8]) -> Result<Envelope, DecodeError> {
    if bytes.len() > LARGEST_ENVELOPE {
        return Err(DecodeError::TooLarge(bytes.len()));
    }
    let (version, body) = bytes.split_first().ok_or(DecodeError::Empty)?;
    if *version != WIRE_VERSION {
        return Err(DecodeError::Version(*version));
    }
    let mut reader = postcard::Deserializer::from_bytes(body);
    let envelope = Envelope::deserialize(&mut reader).map_err(|error| DecodeError::Malformed(error.to_string()))?;
    match reader.finalize() {
        Ok([]) => Ok(envelope),
        Ok(left) => Err(DecodeError::Trailing(left.len())),
        Err(error) => Err(DecodeError::Malformed(error.to_string())),
    }
}

/// Encodes into a buffer that is already in use, so that many envelopes share one write.
struct Sink<'a> {
    bytes: &'a mut Vec<u8>,
}

impl postcard::ser_flavors::Flavor for &mut Sink<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.bytes.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CustomerId, NodeId, OpNumber, RequestId, RequestNumber};
    use crate::message::{Ask, Message};

    fn envelope(items: Vec<String>) -> Envelope {
        Envelope {
            from: NodeId(1),
            number: 2,
            to: NodeId(3),
            traced: true,
            message: Message::Request {
                since: OpNumber(3),
                id: RequestId { customer: CustomerId(4), number: RequestNumber(5) },
                ask: Ask::Order { postcode: "DH1 3LE".parse().unwrap(), items },
            },
        }
    }

    #[test]
    fn what_is_encoded_decodes_to_the_same() {
        let mut bytes = vec![9];
        encode(&envelope(vec!["Pad thai".into()]), &mut bytes).unwrap();
        assert_eq!(decode(&bytes[1..]), Ok(envelope(vec!["Pad thai".into()])));
    }

    #[test]
    fn every_truncation_is_refused() {
        let mut bytes = Vec::new();
        encode(&envelope(vec!["Pad thai".into()]), &mut bytes).unwrap();
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err(), "{length}");
        }
        bytes.push(0);
        assert_eq!(decode(&bytes), Err(DecodeError::Trailing(1)));
    }

    #[test]
    fn other_versions_and_sizes_are_refused() {
        assert_eq!(decode(&[]), Err(DecodeError::Empty));
        assert_eq!(decode(&[77, 1, 2]), Err(DecodeError::Version(77)));
        assert!(matches!(decode(&vec![1; LARGEST_ENVELOPE + 1]), Err(DecodeError::TooLarge(_))));
        let mut bytes = vec![1, 2, 3];
        let huge = envelope(vec!["x".repeat(LARGEST_ENVELOPE)]);
        assert!(matches!(encode(&huge, &mut bytes), Err(DecodeError::TooLarge(_))));
        assert_eq!(bytes, [1, 2, 3]);
    }
}
