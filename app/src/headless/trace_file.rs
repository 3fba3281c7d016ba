//! The file of all facts that `run` and `lesson` write for `--trace`: one JSON object a line.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use protocol::trace::TraceRecord;

use super::Failure;

const UNWRITTEN: &str = "the trace cannot be written to the file given by --trace";

/// The file of all facts, if one is wanted.
#[derive(Default)]
pub(super) struct TraceFile(Option<BufWriter<File>>);

impl TraceFile {
    /// A file that cannot be written is refused at once.
    pub fn create(path: Option<&Path>) -> Result<Self, Failure> {
        path.map(create).transpose().map(Self)
    }

    pub fn write(&mut self, record: &TraceRecord) -> Result<(), Failure> {
        if let Some(file) = &mut self.0 {
            serde_json::to_writer(&mut *file, record).context(UNWRITTEN)?;
            file.write_all(b"\n").context(UNWRITTEN)?;
        }
        Ok(())
    }

    pub fn finish(&mut self) -> Result<(), Failure> {
        self.0.as_mut().map_or(Ok(()), |file| Ok(file.flush().context(UNWRITTEN)?))
    }
}

/// An empty file, or why there can be none.
pub(super) fn create(path: &Path) -> Result<BufWriter<File>, Failure> {
    let file = File::create(path)
        .map_err(|error| Failure::BadInput(format!("{}: {}", path.display(), node::error_text::io(&error))))?;
    Ok(BufWriter::with_capacity(256 * 1024, file))
}
