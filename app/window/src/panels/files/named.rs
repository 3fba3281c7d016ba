//! What a person types, or pastes, to name a file.

use std::ffi::OsString;
use std::path::PathBuf;

/// What a person names: a path, with ~ for their own folder, or a file's URL as a file manager copies it.
///
/// # Errors
/// A sentence, if it names no file of this machine.
pub fn named(typed: &str, home: Option<PathBuf>) -> Result<PathBuf, String> {
    let typed = typed.trim().trim_matches('"');
    if let Some(url) = typed.strip_prefix("file://") {
        let path = url.strip_prefix("localhost").unwrap_or(url);
        return Ok(PathBuf::from(without_escapes(path)));
    }
    if typed.contains("://") {
        return Err(wording::is_an_address(&protocol::text::shown(typed, 200)));
    }
    Ok(match (typed.strip_prefix('~'), home) {
        (Some(""), Some(home)) => home,
        (Some(rest), Some(home)) if rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
        _ => PathBuf::from(typed),
    })
}

/// "%20" is a space, and "%E9" a byte, whether or not it is text with its neighbours.
fn without_escapes(path: &str) -> OsString {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        let escaped = code.filter(|_| *first == b'%');
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    #[cfg(unix)]
    return std::os::unix::ffi::OsStringExt::from_vec(bytes);
    #[cfg(not(unix))]
    return String::from_utf8_lossy(&bytes).into_owned().into();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_path_home_or_url() {
        let at = |typed: &str| named(typed, Some("/ada".into()));
        for (typed, path) in [
            (" lecture.jhtape ", "lecture.jhtape"),
            ("~/tapes/1.jhtape", "/ada/tapes/1.jhtape"),
            ("~", "/ada"),
            ("~ada/x", "~ada/x"),
            ("\"/tmp/a b\"", "/tmp/a b"),
            ("file:///tmp/a%20b%E6%97%A5", "/tmp/a b日"),
        ] {
            assert_eq!(at(typed), Ok(PathBuf::from(path)), "{typed}");
        }
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;
            let path = at("file:///tmp/caf%E9").unwrap();
            assert_eq!(path.as_os_str().as_bytes(), b"/tmp/caf\xe9", "a name that is no text is that name");
        }
        assert!(at("https://example.org/a.jhtape").unwrap_err().contains("web address"));
    }
}
