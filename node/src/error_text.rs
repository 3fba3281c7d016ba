//! What an error of the operating system says to a person: "there is no such file or folder", not "(os error 2)".
//!
//! Only the reason is put into words here. The code that knows what was tried says what to do about it.

use std::io::{Error, ErrorKind};

/// Why it failed, without a full stop.
#[must_use]
pub fn io(error: &Error) -> String {
    if error.raw_os_error().is_none() && error.get_ref().is_some() {
        // Our own words, or a library's.
        return without_number(&error.to_string());
    }
    let words = match error.kind() {
        ErrorKind::NotFound => "there is no such file or folder",
        ErrorKind::PermissionDenied => "you do not have permission",
        ErrorKind::AlreadyExists => "something with this name already exists",
        ErrorKind::IsADirectory => "it is a folder, not a file",
        ErrorKind::NotADirectory => "part of its path is a file, not a folder",
        ErrorKind::DirectoryNotEmpty => "the folder is not empty",
        ErrorKind::StorageFull => "the disk is full",
        ErrorKind::QuotaExceeded => "you have no space left on this disk",
        ErrorKind::ReadOnlyFilesystem => "the disk is read-only",
        ErrorKind::FileTooLarge => "the file is too large",
        ErrorKind::ConnectionRefused => "nothing listens at this address",
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => "the other side closed the connection",
        ErrorKind::AddrInUse => "another program uses this address",
        ErrorKind::AddrNotAvailable => "this machine has no such address",
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            "the network does not reach this address"
        }
        ErrorKind::TimedOut => "no answer came in time",
        ErrorKind::BrokenPipe => "the other side has stopped reading",
        ErrorKind::UnexpectedEof => "it ends too early",
        ErrorKind::OutOfMemory => "there is not enough memory",
        _ => return without_number(&error.to_string()),
    };
    words.to_owned()
}

/// An error with everything that led to it: "no cluster runs in x: there is no such file or folder".
#[must_use]
pub fn chain(error: &anyhow::Error) -> String {
    let mut words: Vec<String> = Vec::new();
    for cause in error.chain() {
        let told = cause.downcast_ref::<Error>().map_or_else(|| without_number(&cause.to_string()), io);
        // A library may repeat what its cause says.
        if !words.iter().any(|before| before.ends_with(&told)) {
            words.push(told);
        }
    }
    words.join(": ")
}

/// Without " (os error 24)", which tells a person nothing.
fn without_number(words: &str) -> String {
    const MARK: &str = " (os error ";
    let mut rest = words;
    let mut plain = String::new();
    while let Some(at) = rest.find(MARK) {
        let after = &rest[at + MARK.len()..];
        let digits = after.len() - after.trim_start_matches(|character: char| character.is_ascii_digit()).len();
        plain.push_str(&rest[..at]);
        rest = after[digits..].strip_prefix(')').unwrap_or(&after[digits..]);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn no_error_of_the_operating_system_is_told_by_its_number() {
        for number in 1..200 {
            let error = Error::from_raw_os_error(number);
            let words = io(&error);
            assert!(!words.contains("os error") && !words.is_empty() && !words.ends_with('.'), "{number}: {words}");
            let told = chain(&anyhow::Error::new(error).context("it failed"));
            assert_eq!(told, format!("it failed: {words}"));
        }
    }

    #[test]
    fn a_chain_keeps_what_was_tried() {
        let read = std::fs::read("/nowhere/at all").context("the key cannot be read");
        assert_eq!(chain(&read.unwrap_err()), "the key cannot be read: there is no such file or folder");
        let own = Error::new(ErrorKind::InvalidInput, "it is not a file");
        assert_eq!(io(&own), "it is not a file");
        let wrapped = anyhow::anyhow!("cannot dial: Too many open files (os error 24), twice");
        assert_eq!(chain(&wrapped), "cannot dial: Too many open files, twice");
    }
}
