//! How the file of a durable replica looks, byte by byte (PROTOCOL section 9), and how damage in it is noticed.
//!
//! A header of fixed size says whose file it is. In the same block lie two marks, used in turn: "everything up to here is on
//! disk". Records follow: length, checksum, content. Each checksum covers the one before it, so a record counts only in its
//! place behind its predecessors. A mark is written after a sync, and the next sync takes it along. What lies below the newer
//! mark was promised and must be intact. What lies beyond it counts as far as it is intact; the rest was never promised.
//! Deliberately absent: files and syncs; the driver has them, and asks for bytes.

#[cfg(test)]
mod tests;

use crc32fast::Hasher;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Kept;
use crate::ids::NodeId;

/// Bytes of the header with its marks. The first record begins here.
pub const HEADER: usize = 4096;
const MAGIC: &[u8; 16] = b"just-hungry log\n";
/// Of everything that follows the number itself.
const VERSION: u32 = 1;
/// Magic, version, checksum, and length of the label.
const FIXED: usize = 28;
/// Where the marks lie: each in a sector of its own, so that no torn write takes both.
const MARKS: [usize; 2] = [3072, 3584];
/// Sequence, length, checksum.
const MARK: usize = 20;
/// Length and checksum of a record.
const PREFIX: usize = 8;
/// No record is longer; what claims to be is damage.
const LONGEST_RECORD: usize = 64 * 1024 * 1024;
/// A name in a label is cut here.
const LONGEST_NAME: usize = 200;

/// Whose file it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The cluster, if its nodes know a name for it.
    pub cluster: Option<u64>,
    /// The replica's id.
    pub node: NodeId,
    /// As people call it.
    pub name: String,
    /// Random, unlike in any other file: so bytes of another file never continue this one.
    pub file: u64,
}

/// Why a file is not used, or only in part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FileError {
    /// It begins otherwise.
    #[error("it does not begin like a replica's log")]
    NoLog,
    /// Another version of the format.
    #[error("it was written by another version of this program (format {0}; this one is {VERSION})")]
    OtherVersion(u32),
    /// The header is not what was written.
    #[error("its header is damaged")]
    Header,
    /// A mark is not what was written.
    #[error("one of its marks of what is on disk is damaged")]
    Mark,
    /// It is shorter than what was promised.
    #[error("it is cut off: it has {length} bytes, and {promised} were on disk")]
    Truncated {
        /// Its bytes.
        length: u64,
        /// Those that were there.
        promised: u64,
    },
    /// What was promised is damaged here.
    #[error("the record at byte {0} is damaged")]
    Record(u64),
    /// The file of another replica.
    #[error("it belongs to another replica")]
    OtherNode,
    /// The file of a replica of another cluster.
    #[error("it belongs to another cluster")]
    OtherCluster,
}

impl Label {
    /// Whether a replica of this name and cluster wrote it.
    ///
    /// # Errors
    /// It was another one.
    pub fn check(&self, cluster: Option<u64>, name: &str) -> Result<(), FileError> {
        if self.cluster != cluster {
            return Err(FileError::OtherCluster);
        }
        if self.name != cut(name) { Err(FileError::OtherNode) } else { Ok(()) }
    }
}

/// Makes the bytes of a file, from its beginning on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    /// The header's checksum, which every mark continues.
    seed: u32,
    /// The newest record's checksum.
    chain: u32,
    /// Bytes so far.
    length: u64,
    /// Of the newest mark.
    sequence: u64,
    /// What it says.
    marked: u64,
}

impl Writer {
    /// A new file, and its header.
    #[must_use]
    pub fn begin(label: &Label) -> (Self, Vec<u8>) {
        let label = Label { name: cut(&label.name).to_owned(), ..label.clone() };
        // A label is a few numbers and a short name: it can be encoded, and it fits.
        let label = postcard::to_stdvec(&label).unwrap_or_default();
        let mut header = vec![0; HEADER];
        header[..16].copy_from_slice(MAGIC);
        header[16..20].copy_from_slice(&VERSION.to_le_bytes());
        header[24..FIXED].copy_from_slice(&(label.len() as u32).to_le_bytes());
        header[FIXED..FIXED + label.len()].copy_from_slice(&label);
        let seed = checksum(checksum(0, &header[..20]), &header[24..MARKS[0]]);
        header[20..24].copy_from_slice(&seed.to_le_bytes());
        let mut writer = Self { seed, chain: seed, length: HEADER as u64, sequence: 0, marked: HEADER as u64 };
        let (at, bytes) = writer.mark_with(0);
        header[at as usize..][..MARK].copy_from_slice(&bytes);
        let (at, bytes) = writer.mark_with(1);
        header[at as usize..][..MARK].copy_from_slice(&bytes);
        (writer, header)
    }

    /// Adds a record at the end of `bytes`, which go to the end of the file.
    ///
    /// # Errors
    /// It cannot be encoded.
    pub fn append(&mut self, kept: &Kept, bytes: &mut Vec<u8>) -> Result<(), postcard::Error> {
        let begin = bytes.len();
        let mut all = std::mem::take(bytes);
        all.extend_from_slice(&[0; PREFIX]);
        *bytes = postcard::to_extend(kept, all)?;
        let length = ((bytes.len() - begin - PREFIX) as u32).to_le_bytes();
        self.chain = checksum(checksum(self.chain, &length), &bytes[begin + PREFIX..]);
        bytes[begin..begin + 4].copy_from_slice(&length);
        bytes[begin + 4..begin + PREFIX].copy_from_slice(&self.chain.to_le_bytes());
        self.length += (bytes.len() - begin) as u64;
        Ok(())
    }

    /// Bytes so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Whether there is more on disk than the newest mark says.
    #[must_use]
    pub fn is_marked(&self) -> bool {
        self.marked == self.length
    }

    /// All that was added is on disk: where to write that, and what. The next sync takes it along.
    pub fn mark(&mut self) -> (u64, [u8; MARK]) {
        self.mark_with(self.sequence + 1)
    }

    fn mark_with(&mut self, sequence: u64) -> (u64, [u8; MARK]) {
        (self.sequence, self.marked) = (sequence, self.length);
        let mut mark = [0; MARK];
        mark[..8].copy_from_slice(&sequence.to_le_bytes());
        mark[8..16].copy_from_slice(&self.length.to_le_bytes());
        let sum = checksum(self.seed, &mark[..16]);
        mark[16..].copy_from_slice(&sum.to_le_bytes());
        (place(sequence) as u64, mark)
    }
}

/// What a reader finds next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// A record, and how many bytes it takes.
    Record(Kept, usize),
    /// This many bytes are needed to say more.
    Needs(usize),
    /// Nothing more that counts. What follows is cut off.
    Ends,
}

/// Reads a file, from its header on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    writer: Writer,
    /// Bytes of the file.
    length: u64,
    /// Bytes that were promised.
    promised: u64,
}

impl Reader {
    /// `header`: the first bytes of a file, [`HEADER`] of them unless it is shorter; `length`: how many it has.
    ///
    /// # Errors
    /// This is no file of this version, or it is damaged.
    pub fn open(header: &[u8], length: u64) -> Result<(Self, Label), FileError> {
        let magic = header.get(..16).ok_or(FileError::NoLog)?;
        if magic != MAGIC {
            return Err(FileError::NoLog);
        }
        let version = number(header, 16).ok_or(FileError::Header)?;
        if version != VERSION {
            return Err(FileError::OtherVersion(version));
        }
        let header: &[u8; HEADER] =
            header.first_chunk().ok_or(FileError::Truncated { length, promised: HEADER as u64 })?;
        let seed = checksum(checksum(0, &header[..20]), &header[24..MARKS[0]]);
        if number(header, 20) != Some(seed) {
            return Err(FileError::Header);
        }
        let label = number(header, 24).and_then(|size| header[FIXED..MARKS[0]].get(..size as usize));
        let label = label.and_then(|label| postcard::from_bytes(label).ok()).ok_or(FileError::Header)?;
        let gaps = [&header[MARKS[0] + MARK..MARKS[1]], &header[MARKS[1] + MARK..]];
        if gaps.iter().any(|gap| gap.iter().any(|byte| *byte != 0)) {
            return Err(FileError::Header);
        }
        let (sequence, promised) = newest_mark(header, seed).ok_or(FileError::Mark)?;
        if length < promised {
            return Err(FileError::Truncated { length, promised });
        }
        let writer = Writer { seed, chain: seed, length: HEADER as u64, sequence, marked: promised };
        Ok((Self { writer, length, promised }, label))
    }

    /// The next record; `bytes`: what follows in the file, as far as it was read.
    ///
    /// # Errors
    /// Something that was promised is not there.
    pub fn next(&mut self, bytes: &[u8]) -> Result<Next, FileError> {
        let at = self.writer.length;
        if at == self.length {
            return Ok(Next::Ends);
        }
        // Beyond the mark, what is not intact was never promised.
        let broken = || if at < self.promised { Err(FileError::Record(at)) } else { Ok(Next::Ends) };
        let end = if at < self.promised { self.promised } else { self.length };
        if at + PREFIX as u64 > end {
            return broken();
        }
        let Some(size) = number(bytes, 0) else { return Ok(Next::Needs(PREFIX)) };
        let whole = PREFIX + size as usize;
        if size == 0 || size as usize > LONGEST_RECORD || at + whole as u64 > end {
            return broken();
        }
        let Some(content) = bytes.get(PREFIX..whole) else { return Ok(Next::Needs(whole)) };
        let chain = checksum(checksum(self.writer.chain, &bytes[..4]), content);
        if number(bytes, 4) != Some(chain) {
            return broken();
        }
        match postcard::take_from_bytes(content) {
            Ok((kept, [])) => {
                (self.writer.chain, self.writer.length) = (chain, at + whole as u64);
                Ok(Next::Record(kept, whole))
            }
            // Nobody writes this with a right checksum.
            Ok(_) | Err(_) => Err(FileError::Record(at)),
        }
    }

    /// How many bytes of the file counted so far.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.writer.length
    }

    /// How many bytes of the file were promised to be on disk.
    #[must_use]
    pub fn promised(&self) -> u64 {
        self.promised
    }

    /// Goes on writing behind what was read. What follows there must have been cut off, and all be on disk.
    #[must_use]
    pub fn into_writer(self) -> Writer {
        self.writer
    }
}

/// The newer of the two marks. Both must be good: a write of one sector happens or does not.
fn newest_mark(header: &[u8; HEADER], seed: u32) -> Option<(u64, u64)> {
    let read = |at: usize| {
        let mark: &[u8; MARK] = header[at..].first_chunk()?;
        let good = number(mark, 16) == Some(checksum(seed, &mark[..16]));
        let number = |at: usize| mark[at..].first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
        let (sequence, length) = (number(0)?, number(8)?);
        (good && place(sequence) == at && length >= HEADER as u64).then_some((sequence, length))
    };
    let (first, second) = (read(MARKS[0])?, read(MARKS[1])?);
    let (older, newer) = (first.min(second), first.max(second));
    (older.0 + 1 == newer.0 && older.1 <= newer.1).then_some(newer)
}

/// Where the mark with this sequence lies.
fn place(sequence: u64) -> usize {
    MARKS[(sequence % 2) as usize]
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn checksum(before: u32, bytes: &[u8]) -> u32 {
    let mut hasher = Hasher::new_with_initial(before);
    hasher.update(bytes);
    hasher.finalize()
}

fn cut(name: &str) -> &str {
    &name[..name.floor_char_boundary(LONGEST_NAME)]
}
