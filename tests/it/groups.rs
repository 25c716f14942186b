//! Files of a group are written together or not at all, whatever is wrong with one of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::common::{files, folder, regfix, run, stderr, stdout};

pub(crate) const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
        - name: web
          image: k8s.gcr.io/pause:3.9
";

/// Creates a base, an overlay that selects the base's image by name, and an unrelated file.
fn tree() -> tempfile::TempDir {
    folder(&[
        ("base/deployment.yaml", DEPLOYMENT),
        (
            "base/kustomization.yaml",
            "resources:\n  - deployment.yaml\n",
        ),
        ("prod/kustomization.yaml", OVERLAY),
        ("other/pod.yaml", DEPLOYMENT),
    ])
}

pub(crate) const OVERLAY: &str = "resources:
  - ../base
images:
  - name: k8s.gcr.io/pause
    newName: mirror.example.com/pause
";

/// Asserts that `--write` changed no file that the unreadable file could affect, and fixed the rest.
#[track_caller]
fn held(folder: &Path, before: BTreeMap<PathBuf, Vec<u8>>, output: &Output, reason: &str) {
    let other = Path::new("other/pod.yaml");
    let mut after = files(folder);
    let fixed = after.insert(other.to_owned(), before[other].clone());
    let said = format!("{}{}", stdout(output), stderr(output));
    assert_eq!(after, before, "{said}");
    let fixed = String::from_utf8(fixed.unwrap()).unwrap();
    assert!(fixed.contains("registry.k8s.io/pause"), "{said}");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(reason), "{said}");
    assert_ne!(output.status.code(), Some(0));
}

/// Runs `--write`, and asserts the same.
#[track_caller]
fn holds(folder: &Path, reason: &str) {
    let before = files(folder);
    held(folder, before, &run(folder, &["--write", "."]), reason);
}

const UNREADABLE: &str = "prod/kustomization.yaml belongs to it and cannot be read";

#[test]
fn the_tree_is_fixed_where_all_of_it_is_understood() {
    let folder = tree();
    let output = regfix(folder.path())
        .args(["--write", "."])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let files = files(folder.path());
    assert!(
        files
            .values()
            .all(|text| !text.windows(10).any(|part| part == b"k8s.gcr.io"))
    );
}

#[test]
fn an_overlay_in_another_encoding_holds_its_base() {
    for bytes in [
        [OVERLAY.as_bytes(), b"# caf\xe9\n"].concat(),
        // A byte is missing.
        OVERLAY
            .bytes()
            .flat_map(|byte| [0, byte])
            .chain([0])
            .collect(),
    ] {
        let folder = tree();
        fs::write(folder.path().join("prod/kustomization.yaml"), bytes).unwrap();
        holds(folder.path(), UNREADABLE);
    }
}

#[test]
fn an_overlay_that_does_not_parse_holds_its_base() {
    let reason = "prod/kustomization.yaml belongs to it and does not parse";
    for text in [
        "resources: [../base]\nimages:\n- name: k8s.gcr.io/pause newTag: \"3.2\"\n",
        "resources: [../base]\nimages:\n- name: k8s.gcr.io/pause\n  newTag: \"3.2\n",
    ] {
        let folder = tree();
        fs::write(folder.path().join("prod/kustomization.yaml"), text).unwrap();
        holds(folder.path(), reason);
    }
    let folder = tree();
    fs::write(
        folder.path().join("prod/kustomization.yaml"),
        format!("{OVERLAY}patches:\n  - path: patch.yaml\n"),
    )
    .unwrap();
    fs::write(folder.path().join("prod/patch.yaml"), "a: b: [c\n").unwrap();
    let reason = "prod/patch.yaml belongs to it and does not parse";
    holds(folder.path(), reason);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use super::*;

    /// Returns a command that runs the binary as an unprivileged user who owns the folder. Only root can change the user.
    fn unprivileged(folder: &Path) -> Command {
        let mut command = regfix(folder);
        if fs::metadata("/proc/self")
            .is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
        {
            give(folder, 65534);
            command.uid(65534).gid(65534);
        }
        command
    }

    fn give(path: &Path, user: u32) {
        if path.is_dir() {
            let entries = fs::read_dir(path).unwrap();
            entries.for_each(|entry| give(&entry.unwrap().path(), user));
        }
        chown(path, Some(user), Some(user)).unwrap();
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn an_overlay_that_may_not_be_read_holds_its_base() {
        // The file is unreadable, then its folder, then the folder can be listed but not entered.
        for (path, mode) in [
            ("prod/kustomization.yaml", 0o000),
            ("prod", 0o000),
            ("prod", 0o444),
        ] {
            let folder = tree();
            let mut command = unprivileged(folder.path());
            let before = files(folder.path());
            set_mode(&folder.path().join(path), mode);
            let output = command.args(["--write", "."]).output().unwrap();
            set_mode(&folder.path().join(path), 0o755);
            held(folder.path(), before, &output, UNREADABLE);
        }
    }

    #[test]
    fn only_what_is_not_there_is_missing() {
        let folder = tree();
        let overlay = folder.path().join("prod/kustomization.yaml");
        fs::write(
            &overlay,
            format!("{OVERLAY}patches:\n  - path: patch.yaml\n"),
        )
        .unwrap();
        symlink("patch.yaml", folder.path().join("prod/patch.yaml")).unwrap();
        let mut before: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
        for path in ["base/deployment.yaml", "prod/kustomization.yaml"] {
            before.insert(path.into(), fs::read(folder.path().join(path)).unwrap());
        }
        let output = regfix(folder.path())
            .args(["--write", "."])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
        for (path, text) in before {
            assert_eq!(
                fs::read(folder.path().join(&path)).unwrap(),
                text,
                "{}",
                path.display()
            );
        }
    }
}
