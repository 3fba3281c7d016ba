//! The files of the workspace, without what is built or kept by git.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A file with its path from the workspace's root, with forward slashes.
#[derive(Clone)]
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
        let written = matches!(extension, Some("rs" | "toml" | "md" | "sh" | "scene" | "yml"));
        written || path.parent() == Some(Path::new(".ci"))
    })
}

/// The text of one file.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file, as a path from the workspace's root, with forward slashes.
pub fn paths() -> impl Iterator<Item = String> {
    all().into_iter().map(|path| path.to_string_lossy().replace('\\', "/"))
}

fn files(wanted: impl Fn(&Path) -> bool) -> Vec<SourceFile> {
    let read = |path: PathBuf| {
        let (path, text) = (path.to_string_lossy().replace('\\', "/"), read(&path.to_string_lossy()));
        SourceFile { path, text }
    };
    all().into_iter().filter(|path| wanted(path)).map(read).collect()
}

fn all() -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(Path::new(""), &mut found).unwrap_or_else(|error| panic!("the workspace cannot be read: {error}"));
    found.sort();
    found
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(root().join(folder))? {
        let entry = entry?;
        let (path, kind) = (folder.join(entry.file_name()), entry.file_type()?);
        if kind.is_dir() && entry.file_name() != "target" && entry.file_name() != ".git" {
            walk(&path, found)?;
        } else if kind.is_file() {
            found.push(path);
        }
    }
    Ok(())
}
