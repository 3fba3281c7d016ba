//! Set-ups: how the window's own cluster begins, those that have a name, and beginning again.
//!
//! A set-up has a name if its file stands in the folder of set-ups; any other is opened as a file. Folder and files are read on a
//! thread of its own: the window never waits for a disk.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};

use super::{Beginning, Window};
use crate::folders::set_up_folder;
use crate::panels::consent::Asked;
use knowledge::user_command::UserCommand;
use scenarios::{SetUp, read_set_up};

/// More than these are not offered by name; they can still be opened as files.
const MOST_OFFERED: usize = 50;

/// How clusters of this window begin.
#[derive(Default)]
pub(super) struct SetUps {
    /// As the program was started.
    usual: SetUp,
    /// The one that began last, for a person and not for a script.
    pub(super) current: SetUp,
    /// What the new cluster is still to be told.
    furnishes: Vec<UserCommand>,
    /// Those with a name, once they are read.
    coming: Option<Receiver<Vec<SetUp>>>,
}

/// Reads the set-ups of a folder; what is none is left out.
fn named(folder: &Path) -> Vec<SetUp> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let is_one =
        |path: &PathBuf| path.extension().is_some_and(|end| end.eq_ignore_ascii_case("toml")) && path.is_file();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_one).collect();
    files.sort();
    let read = |path: &PathBuf| read_set_up(std::fs::File::open(path).ok()?).ok()?.ok();
    files.iter().take(MOST_OFFERED).filter_map(read).collect()
}

impl Window {
    /// The cluster that the program starts.
    pub fn starts_with(&mut self, set_up: SetUp, usual: SetUp) {
        self.furnish(&set_up);
        (self.set_ups.current, self.set_ups.usual) = (set_up, usual);
    }

    /// What is open makes way for the question.
    pub(super) fn ask_for_new_cluster(&mut self) {
        let usual = self.set_ups.usual.clone();
        self.ask_for_cluster(usual);
        let (sender, coming) = channel();
        self.set_ups.coming = Some(coming);
        // Without a thread, those with a name can still be opened as files.
        let _ = std::thread::Builder::new().name("set-ups".into()).spawn(move || {
            // Nobody waits for them once the question is answered.
            let _ = sender.send(set_up_folder().map(|folder| named(&folder)).unwrap_or_default());
        });
    }

    /// A person is asked whether a cluster is to begin like this one.
    pub(super) fn ask_for_cluster(&mut self, set_up: SetUp) {
        let offers = vec![self.set_ups.usual.clone()];
        self.scenarios.asked = Some(Asked::NewCluster { chosen: Box::new(set_up), offers });
        self.hide_result();
    }

    /// A person is asked whether the last cluster of theirs is to begin again.
    pub(super) fn ask_to_start_over(&mut self) {
        self.scenarios.asked = Some(Asked::StartOver(Box::new(self.set_ups.current.clone())));
        self.hide_result();
    }

    /// Those with a name come after the question.
    pub(super) fn offer_named(&mut self) {
        let Some(found) = self.set_ups.coming.as_ref().and_then(|coming| coming.try_recv().ok()) else { return };
        self.set_ups.coming = None;
        if let Some(Asked::NewCluster { offers, .. }) = &mut self.scenarios.asked {
            offers.extend(found);
        }
    }

    /// Whether the names of set-ups are still being read.
    pub(super) fn reads_set_ups(&self) -> bool {
        self.set_ups.coming.is_some()
    }

    /// A person has agreed: the present cluster ends, together with what is performed on it.
    pub(super) fn begin_with(&mut self, set_up: SetUp) {
        self.performing = None;
        self.beginning = Some(Beginning::SetUp(Box::new(set_up.clone())));
        self.set_ups.current = set_up;
        self.notices.announce(wording::NEW_CLUSTER_STARTS.into());
    }

    /// The cluster is there: it gets its customers, and everything its place.
    pub(super) fn furnish_current(&mut self) {
        let current = self.set_ups.current.clone();
        self.furnish(&current);
    }

    fn furnish(&mut self, set_up: &SetUp) {
        self.set_ups.furnishes = set_up.commands();
        self.toolbar.asks_each_time = !set_up.caches_checks;
        self.diagram.place(&set_up.placement);
    }

    /// What the new cluster is to be told, once.
    pub(super) fn take_furnishing(&mut self) -> Vec<UserCommand> {
        std::mem::take(&mut self.set_ups.furnishes)
    }

    /// The cluster of now, as a set-up of this name.
    pub(super) fn set_up_of_now(&self, name: String) -> SetUp {
        let set_up = SetUp { name, ..self.set_ups.current.clone() };
        let (speed, caches_checks) = (self.toolbar.pace.chosen(), !self.toolbar.asks_each_time);
        set_up.of_picture(&self.picture, speed, caches_checks, self.diagram.placement())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_offers_its_set_ups_by_name_and_leaves_out_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("b.toml", "set-up = \"Later\"\nreplicas = 5\n");
        write("a.TOML", "set-up = \"Friday\"\nreplicas = 2\n");
        write("broken.toml", "set-up = \"No replicas\"\n");
        write("scenario.toml", "title = \"x\"\n");
        write("notes.txt", "set-up = \"Not one\"\nreplicas = 2\n");
        std::fs::create_dir(folder.path().join("folder.toml")).unwrap();
        let names: Vec<String> = named(folder.path()).into_iter().map(|set_up| set_up.name).collect();
        assert_eq!(names, ["Friday", "Later"]);
        assert!(named(&folder.path().join("nowhere")).is_empty());
    }
}
