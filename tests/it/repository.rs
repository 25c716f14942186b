//! Repositories for tests, made with the installed git.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::common::stderr;

/// A repository whose initial files are committed on the branch `main`.
pub(crate) struct Repository {
    folder: TempDir,
}

impl Repository {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let repository = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        repository.git(&["init", "-q", "-b", "main"]);
        for (path, text) in files {
            repository.put(path, text);
        }
        repository.commit();
        repository
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn put(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap()
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> Output {
        git(self.path(), arguments)
    }

    pub(crate) fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "."]);
    }
}

/// Isolates a git command from the configuration of whoever runs the tests.
pub(crate) fn scrubbed(command: &mut Command) -> &mut Command {
    // `GIT_EDITOR` and its like take precedence over the settings that tests make.
    let of_git = |name: &std::ffi::OsString| name.as_encoded_bytes().starts_with(b"GIT_");
    for name in std::env::vars_os().map(|(name, _)| name).filter(of_git) {
        command.env_remove(name);
    }
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
}

/// Runs git, and asserts that it succeeds.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> Output {
    let output = scrubbed(&mut Command::new("git"))
        .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
        .args(["-c", "protocol.file.allow=always"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?} {}", stderr(&output));
    output
}
