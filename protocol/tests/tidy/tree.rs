//! The files of the workspace, without what is built or kept by git.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A file with its path from the workspace's root, with forward slashes.
pub struct SourceFile {
    pub path: String,
    pub text: String,
}

/// Every Rust file, in the order of paths.
pub fn rust_files() -> Vec<SourceFile> {
    files(|path| path.extension().is_some_and(|extension| extension == "rs"))
}

/// Every file that a person writes: Rust, manifests, prose, scripts.
pub fn text_files() -> Vec<SourceFile> {
    files(|path| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        matches!(extension, Some("rs" | "toml" | "md" | "sh")) || path.parent() == Some(Path::new(".ci"))
    })
}

/// The text of one file.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files(wanted: impl Fn(&Path) -> bool) -> Vec<SourceFile> {
    let mut found = Vec::new();
    walk(Path::new(""), &wanted, &mut found).unwrap_or_else(|error| panic!("the workspace cannot be read: {error}"));
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn walk(folder: &Path, wanted: &impl Fn(&Path) -> bool, found: &mut Vec<SourceFile>) -> io::Result<()> {
    for entry in fs::read_dir(root().join(folder))? {
        let entry = entry?;
        let (path, kind) = (folder.join(entry.file_name()), entry.file_type()?);
        if kind.is_dir() && entry.file_name() != "target" && entry.file_name() != ".git" {
            walk(&path, wanted, found)?;
        } else if kind.is_file() && wanted(&path) {
            let text = fs::read_to_string(entry.path())?;
            found.push(SourceFile { path: path.to_string_lossy().replace('\\', "/"), text });
        }
    }
    Ok(())
}
