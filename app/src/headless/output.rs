//! Lines on standard output and standard error. The reader may close them at any time: then we end quietly.

use std::fmt::Display;
use std::io::{ErrorKind, Write};

use super::Failure;

/// Nobody reads our output any more.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the reader of the output has closed it")]
pub struct Closed;

/// One line on standard output, at once.
///
/// # Errors
/// [`Closed`] inside, when nobody reads; anything else when it cannot be written.
pub fn say(line: impl Display) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    written.map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::Fault(Closed.into()),
        _ => Failure::Fault(anyhow::Error::new(error).context("the output cannot be written")),
    })
}

/// One JSON object on a line of its own.
///
/// # Errors
/// As [`say`].
pub(crate) fn say_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    say(serde_json::to_string(value).map_err(anyhow::Error::from)?)
}

/// A sentence on standard error.
pub fn warn(sentence: impl Display) {
    // If even this cannot be said, no reader is left.
    let _ = writeln!(std::io::stderr(), "{sentence}");
}
