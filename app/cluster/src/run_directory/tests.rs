//! Whose folder is taken, what is left alone, and what goes in the end.

use std::fs;
use std::sync::{Arc, Barrier};

use super::*;

/// What stands in a folder, by name.
fn names(path: &Path) -> Vec<String> {
    let all = fs::read_dir(path).unwrap();
    let mut names: Vec<_> = all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn refused(path: &Path) -> String {
    RunDirectory::open(Some(path)).unwrap_err().downcast::<NotUsable>().unwrap().to_string()
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_folder_is_private_used_once_and_gone_afterwards() {
    let run = RunDirectory::open(None).unwrap();
    write_private(run.path(), STATUS_SOCKET, b"secret").unwrap();
    assert_eq!(read_private(run.path(), STATUS_SOCKET).unwrap(), b"secret");
    let path = run.path().to_owned();
    #[cfg(unix)]
    assert_eq!([&path, &path.join(STATUS_SOCKET), &path.join(MARK)].map(|path| mode(path)), [0o700, 0o600, 0o600]);
    assert!(refused(&path).contains("is using"));
    drop(run);
    assert!(!path.exists());
}

#[test]
fn what_is_not_ours_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    for files in [&["history.jsonl", "lock", "status-socket.json"][..], &["thesis.txt"], &[MARK]] {
        let path = folder.path().join(files[0].replace('.', "-"));
        fs::create_dir(&path).unwrap();
        files.iter().for_each(|name| fs::write(path.join(name), "mine").unwrap());
        #[cfg(unix)]
        let before = {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o751)).unwrap();
            mode(&path)
        };
        let why = refused(&path);
        assert!(why.contains("leaves them alone"), "{why}");
        let mut files = files.to_vec();
        files.sort_unstable();
        assert_eq!(names(&path), files);
        assert!(files.iter().all(|name| fs::read(path.join(name)).unwrap() == b"mine"));
        #[cfg(unix)]
        assert_eq!(mode(&path), before);
    }
}

#[test]
fn an_empty_folder_of_a_person_is_used_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine");
    fs::create_dir(&path).unwrap();
    #[cfg(unix)]
    let before = mode(&path);
    let run = RunDirectory::open(Some(&path)).unwrap();
    write_private(&path, STATUS_SOCKET, b"secret").unwrap();
    fs::write(path.join("notes.txt"), "mine").unwrap();
    drop(run);
    assert_eq!(names(&path), ["notes.txt"]);
    #[cfg(unix)]
    assert_eq!(mode(&path), before);
}

/// What a killed run leaves: its files, and a mark that nobody has locked.
fn left(path: &Path, words: &str) {
    fs::create_dir(path).unwrap();
    fs::write(path.join(MARK), words).unwrap();
    fs::write(path.join(STATUS_SOCKET), b"secret").unwrap();
}

#[test]
fn what_a_killed_run_left_is_taken_over_and_goes_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    for (name, words, stays) in [("made", MADE, false), ("found", FOUND, true), ("killed-early", "", true)] {
        let path = folder.path().join(name);
        left(&path, words);
        let run = RunDirectory::open(Some(&path)).unwrap();
        assert_eq!(names(&path), [MARK], "{name}");
        drop(run);
        assert_eq!(path.exists(), stays, "{name}");
    }
}

#[test]
fn only_what_killed_runs_have_made_is_swept_away() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = |name: &str| temporary.path().join(format!("{PREFIX}{name}"));
    left(&folder("left"), MADE);
    left(&folder("running"), MADE);
    left(&folder("being-made"), "");
    left(&folder("found"), FOUND);
    left(&folder("strange"), "something else");
    fs::create_dir(folder("unmarked")).unwrap();
    let running = File::open(folder("running").join(MARK)).unwrap();
    running.lock().unwrap();
    sweep(temporary.path());
    assert!(!folder("left").exists());
    for stays in ["running", "being-made", "found", "strange"] {
        assert_eq!(names(&folder(stays)), [MARK, STATUS_SOCKET], "{stays}");
    }
    assert!(folder("unmarked").exists());
}

#[cfg(unix)]
#[test]
fn no_link_is_followed_and_nothing_makes_a_start_wait() {
    use std::os::unix::fs::symlink;
    let temporary = tempfile::tempdir().unwrap();
    let folder = |name: &str| temporary.path().join(format!("{PREFIX}{name}"));
    let elsewhere = temporary.path().join("elsewhere");
    left(&elsewhere, MADE);
    symlink(&elsewhere, folder("link")).unwrap();
    for name in ["linked-mark", "two-names", "pipe"] {
        fs::create_dir(folder(name)).unwrap();
    }
    symlink(elsewhere.join(MARK), folder("linked-mark").join(MARK)).unwrap();
    fs::write(temporary.path().join("other-name"), MADE).unwrap();
    fs::hard_link(temporary.path().join("other-name"), folder("two-names").join(MARK)).unwrap();
    let pipe = folder("pipe").join(MARK);
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, kind, rustix::fs::Mode::RWXU, 0).unwrap();
    sweep(temporary.path());
    assert_eq!(names(&elsewhere), [MARK, STATUS_SOCKET]);
    assert_eq!(fs::read(elsewhere.join(MARK)).unwrap(), MADE.as_bytes());
    for name in ["linked-mark", "two-names", "pipe"] {
        assert_eq!(names(&folder(name)), [MARK], "{name}");
        assert!(refused(&folder(name)).contains("leaves them alone"), "{name}");
    }
    assert!(refused(&folder("link")).contains("not a folder"));
    assert_eq!(names(&elsewhere), [MARK, STATUS_SOCKET]);
}

/// Only root can give a folder away; everybody else has one of root's at hand.
#[cfg(unix)]
#[test]
fn another_users_folder_is_refused_and_never_swept() {
    use std::os::unix::fs::{PermissionsExt, chown};
    let temporary = tempfile::tempdir().unwrap();
    if !rustix::process::geteuid().is_root() {
        assert!(refused(Path::new("/")).contains("belongs to another user"));
        assert!(left_behind(Folder::open(Path::new("/")).unwrap()).is_none());
        return;
    }
    let path = temporary.path().join(format!("{PREFIX}stranger"));
    left(&path, MADE);
    for given in [path.join(MARK), path.clone()] {
        chown(&given, Some(65_534), Some(65_534)).unwrap();
        // First the mark alone is a stranger's, then the folder, too.
        let why = refused(&path);
        assert!(why.contains("leaves them alone") || why.contains("belongs to another user"), "{why}");
        sweep(temporary.path());
        assert_eq!(names(&path), [MARK, STATUS_SOCKET]);
    }
    let open = temporary.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(refused(&open).contains("every user"));
    assert_eq!(mode(&open), 0o777);
}

#[test]
fn simultaneous_starts_keep_out_of_each_others_way() {
    let temporary = tempfile::tempdir().unwrap();
    let shared = temporary.path().join("shared");
    let barrier = Arc::new(Barrier::new(20));
    let starts: Vec<_> = (0..20)
        .map(|_| {
            let (temporary, shared, barrier) = (temporary.path().to_owned(), shared.clone(), barrier.clone());
            thread::spawn(move || {
                barrier.wait();
                let mut runs = Vec::new();
                for _ in 0..20 {
                    sweep(&temporary);
                    runs.push(RunDirectory::fresh(&temporary).unwrap());
                }
                let whole = runs.iter().all(|run| run.claim.folder.still_has(MARK, &run.claim.mark).unwrap());
                assert!(whole, "a folder in use was swept away");
                // All hold theirs now; the shared one is whose was first.
                let taken = RunDirectory::open(Some(&shared));
                barrier.wait();
                taken.map(|_| ()).map_err(|error| error.to_string())
            })
        })
        .collect();
    let ends: Vec<_> = starts.into_iter().map(|start| start.join().unwrap()).collect();
    assert_eq!(ends.iter().filter(|end| end.is_ok()).count(), 1, "{ends:?}");
    assert!(ends.iter().all(|end| end.as_ref().map_or_else(|why| why.contains("is using"), |()| true)), "{ends:?}");
}
