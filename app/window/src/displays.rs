//! Which display a window can open on. A variable only names one; whether somebody answers there, a connection tells.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What the environment names, of this process or in tests.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// `DISPLAY`.
    pub x11: Option<OsString>,
    /// `WAYLAND_DISPLAY`: a name in the folder below, or a path.
    pub wayland: Option<OsString>,
    /// `WAYLAND_SOCKET`: the number of an open connection, inherited from whatever started this process.
    pub wayland_socket: Option<OsString>,
    pub folder: Option<PathBuf>,
}

/// What a window opens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// What the window system's library chooses by itself.
    Usual,
    /// X11, because nobody answers where Wayland is said to be.
    X11,
    Nowhere(String),
}

impl Named {
    /// Of this process.
    pub fn by_environment() -> Self {
        let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            x11: named("DISPLAY"),
            wayland: named("WAYLAND_DISPLAY"),
            wayland_socket: named("WAYLAND_SOCKET"),
            folder: named("XDG_RUNTIME_DIR").map(PathBuf::from),
        }
    }

    /// Asks where Wayland is said to be. X11's own library tells soon enough whether it is there.
    pub fn choose(&self) -> Choice {
        let says_wayland = self.wayland.is_some() || self.wayland_socket.is_some();
        match (says_wayland, &self.x11) {
            (false, None) => Choice::Nowhere("neither DISPLAY nor WAYLAND_DISPLAY is set".into()),
            (false, Some(_)) => Choice::Usual,
            (true, _) if self.wayland_answers() => Choice::Usual,
            (true, Some(_)) => Choice::X11,
            (true, None) => Choice::Nowhere(format!(
                "the Wayland display {} does not answer, and DISPLAY is not set",
                self.wayland.as_ref().or(self.wayland_socket.as_ref()).map_or_else(String::new, shown)
            )),
        }
    }

    fn wayland_answers(&self) -> bool {
        // An inherited connection goes before a name.
        if let Some(number) = &self.wayland_socket {
            return is_socket(&Path::new("/proc/self/fd").join(number));
        }
        let Some(name) = self.wayland.as_ref().map(Path::new) else { return false };
        let place = match (name.is_absolute(), &self.folder) {
            (true, _) => name.to_owned(),
            (false, Some(folder)) => folder.join(name),
            (false, None) => return false,
        };
        connects(&place)
    }
}

fn shown(name: &OsString) -> String {
    protocol::text::shown(&name.to_string_lossy(), usize::MAX)
}

#[cfg(unix)]
fn connects(place: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(place).is_ok()
}

#[cfg(not(unix))]
fn connects(_place: &Path) -> bool {
    false
}

#[cfg(unix)]
fn is_socket(place: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::metadata(place).is_ok_and(|found| found.file_type().is_socket())
}

#[cfg(not(unix))]
fn is_socket(_place: &Path) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn a_dead_wayland_display_leads_to_x11_and_a_living_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let x11 = Some(OsString::from(":0"));
        let named = |wayland: &str| Named {
            x11: x11.clone(),
            wayland: Some(wayland.into()),
            folder: Some(folder.path().to_owned()),
            ..Named::default()
        };
        let living = UnixListener::bind(folder.path().join("wayland-0")).unwrap();
        assert_eq!(named("wayland-0").choose(), Choice::Usual);
        assert_eq!(named(folder.path().join("wayland-0").to_str().unwrap()).choose(), Choice::Usual);
        assert_eq!(named("wayland-9").choose(), Choice::X11);
        // The file of a compositor that has ended is still there.
        drop(living);
        assert_eq!(named("wayland-0").choose(), Choice::X11);
        let inherited = Named { wayland_socket: Some("999999".into()), ..named("wayland-0") };
        assert_eq!(inherited.choose(), Choice::X11);
    }

    #[test]
    fn without_any_display_there_is_a_reason() {
        let Choice::Nowhere(why) = Named::default().choose() else { panic!("nothing is named") };
        assert!(why.contains("neither DISPLAY"), "{why}");
        let dead = Named { wayland: Some("wayland-9\u{1b}".into()), ..Named::default() };
        let Choice::Nowhere(why) = dead.choose() else { panic!("nothing answers") };
        assert!(why.contains("wayland-9\\u{1b}"), "{why}");
    }
}
