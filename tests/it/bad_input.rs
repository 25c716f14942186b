//! Bad input and failures: each gets one clear line, the other files are handled, nothing panics or is lost, and the exit
//! code is 2 if the run is incomplete.

#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Output;

use crate::common::{LEGACY, MOVED, files, run, stderr, stdout};
use tempfile::TempDir;

/// Creates a folder with valid files that sort before and after all others. They must be fixed whatever else is there.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.yaml", "z.yaml"] {
        fs::write(folder.path().join(name), LEGACY).unwrap();
    }
    folder
}

fn with(name: &str, bytes: impl AsRef<[u8]>) -> TempDir {
    let folder = folder();
    fs::write(folder.path().join(name), bytes).unwrap();
    folder
}

fn code(output: &Output) -> i32 {
    let err = stderr(output);
    assert!(
        !err.contains("panicked") && !err.contains("report it"),
        "{err}"
    );
    output.status.code().unwrap()
}

fn concise(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = run(folder, &[&["--format", "concise"], arguments].concat());
    (code(&output), stdout(&output), stderr(&output))
}

fn text(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

/// Asserts that the valid files are fixed, and that no file was left behind.
fn assert_others_done(folder: &Path, count: usize) {
    assert_eq!(text(folder, "a.yaml"), MOVED);
    assert_eq!(text(folder, "z.yaml"), MOVED);
    assert_eq!(files(folder).len(), count, "files left behind");
}

/// Checks and fixes a tree with one file that cannot be handled. Expects exit code 2, one line that reports the file, and
/// the file unchanged.
fn assert_told(folder: &TempDir, write: &[&str], line: &str) {
    let folder = folder.path();
    let before = files(folder);
    let (code, out, err) = concise(folder, write);
    assert_eq!(code, 2, "{out}{err}");
    let reported: Vec<_> = err.lines().collect();
    assert_eq!(reported.len(), 1, "{err}");
    assert!(reported[0].starts_with(line), "{err}");
    assert!(out.contains("1 failed"), "{out}");
    let after = files(folder);
    for (path, bytes) in &before {
        let sound = path == Path::new("a.yaml") || path == Path::new("z.yaml");
        assert!(sound || after[path] == *bytes, "{} changed", path.display());
    }
    assert_others_done(folder, before.len());
}

fn is_root(folder: &TempDir) -> bool {
    #[cfg(unix)]
    return std::os::unix::fs::MetadataExt::uid(&fs::metadata(folder.path()).unwrap()) == 0;
    #[cfg(not(unix))]
    {
        let _ = folder;
        false
    }
}

#[test]
fn what_does_not_parse_is_no_failure() {
    const LEVELS: usize = 10_000;
    let deep: String = (0..1500)
        .map(|level| format!("{}a:\n", " ".repeat(level)))
        .collect();
    let bomb: String = (1..30)
        .map(|level| {
            let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
            format!("a{level}: &a{level} [{aliases}]\n")
        })
        .collect();
    // The text, whether it is reported as not analysed, and the number of fixes: safe ones, and all.
    let cases = [
        (
            "invalid",
            format!("{LEGACY}foo: [a\nbar: }}\n---\n{LEGACY}"),
            true,
            (2, 2),
        ),
        (
            "first-document",
            format!("foo: [a\nbar: }}\n---\n{LEGACY}"),
            // The broken document has no legacy reference, so it is not reported.
            false,
            (1, 1),
        ),
        (
            "quote",
            "image: \"k8s.gcr.io/pause:3.2\nfoo: a\n".to_owned(),
            true,
            (0, 1),
        ),
        ("tabs", format!("a:\n\t{LEGACY}"), true, (0, 1)),
        ("duplicates", format!("a: 1\na: 2\n{LEGACY}"), false, (1, 1)),
        (
            "open-flow",
            format!("a: {}\n{LEGACY}", "[".repeat(LEVELS)),
            true,
            (0, 1),
        ),
        (
            "flow",
            format!(
                "a: {}{{image: k8s.gcr.io/pause:3.2}}{}\n",
                "[".repeat(LEVELS),
                "]".repeat(LEVELS)
            ),
            true,
            (0, 1),
        ),
        (
            "maps",
            format!(
                "{}image: k8s.gcr.io/pause:3.2{}",
                "{a: ".repeat(LEVELS),
                "}".repeat(LEVELS)
            ),
            true,
            (0, 1),
        ),
        (
            "block-sequence",
            format!("{}{LEGACY}", "- ".repeat(LEVELS)),
            true,
            (0, 1),
        ),
        (
            "block-keys",
            format!("{}{LEGACY}", "? ".repeat(LEVELS)),
            true,
            (0, 1),
        ),
        (
            "block",
            format!("{deep}{}{LEGACY}", " ".repeat(1500)),
            true,
            (0, 1),
        ),
        (
            "bomb",
            format!("a0: &a0 {{image: k8s.gcr.io/pause:3.2}}\n{bomb}"),
            false,
            (1, 1),
        ),
        (
            "loop",
            format!("a: &a [*a, *b]\n<<: *a\n{LEGACY}"),
            false,
            (1, 1),
        ),
        ("template", format!("{{{{ if\n{LEGACY}"), true, (0, 1)),
        (
            "controls",
            format!("a: \"\u{1}\u{7f}\u{2028}\"\n{LEGACY}"),
            true,
            (0, 1),
        ),
    ];
    let moved = |text: &str| text.matches("registry.k8s.io/pause:3.2").count();
    for (name, bad, reported, (safe, all)) in cases {
        let file = format!("{name}.yaml");
        let folder = with(&file, &bad);
        let (status, out, err) = concise(folder.path(), &["--verbose"]);
        assert_eq!((status, err.as_str()), (1, ""), "{name}: {out}");
        let problem = out
            .lines()
            .filter(|line| line.starts_with(&file) && line.contains(": problem: "))
            .count();
        assert_eq!(problem > 0, reported, "{name}: {out}");
        assert_eq!(out.contains("1 not analysed"), reported, "{name}: {out}");
        assert_eq!(
            out.lines()
                .filter(|line| line.starts_with(&file) && line.contains(" warning "))
                .count(),
            all,
            "{name}: {out}"
        );
        assert!(
            !concise(folder.path(), &[]).1.contains("problem"),
            "{name}: reported only when asked"
        );
        let (status, _, err) = concise(folder.path(), &["--write"]);
        assert_eq!(
            (status, err.as_str()),
            (i32::from(safe != all), ""),
            "{name}"
        );
        assert_eq!(moved(&text(folder.path(), &file)), safe, "{name}");
        let (status, _, err) = concise(folder.path(), &["--write", "--unsafe-fixes"]);
        assert_eq!((status, err.as_str()), (0, ""), "{name}");
        assert_eq!(
            text(folder.path(), &file),
            bad.replace("k8s.gcr.io", "registry.k8s.io"),
            "{name}"
        );
        assert_others_done(folder.path(), 3);
    }
}

#[test]
fn what_is_not_utf_8_is_told() {
    let folder = with("m.yaml", b"image: k8s.gcr.io/pause:3.2 # \xe4\n");
    let line = "regfix: m.yaml: is not UTF-8 at byte 30: not analysed; convert it";
    assert_eq!(concise(folder.path(), &[]).0, 2);
    assert_told(&folder, &["--write"], line);
    // Nothing is missed if there is no legacy reference.
    let folder = with("m.yaml", b"image: nginx # \xe4\n");
    let (code, _, err) = concise(folder.path(), &["--write"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_others_done(folder.path(), 3);
}

#[test]
fn what_is_binary_is_passed_over() {
    let folder = with("m.yaml", b"image: k8s.gcr.io/pause:3.2\n\0");
    let (code, out, err) = concise(folder.path(), &["--verbose"]);
    assert_eq!((code, err.as_str()), (1, "regfix: m.yaml: is binary\n"));
    assert!(out.ends_with("; 1 not analysed\n"), "{out}");
    let (code, _, err) = concise(folder.path(), &["--write"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_others_done(folder.path(), 3);
    // A NUL byte far from the start does not make a file binary: it is fixed.
    let late = format!("{LEGACY}# {}\0\n", "x".repeat(9000));
    let folder = with("m.yaml", &late);
    let (_, _, err) = concise(folder.path(), &["--write", "--unsafe-fixes"]);
    assert_eq!(err, "");
    assert_eq!(
        text(folder.path(), "m.yaml"),
        late.replace("k8s.gcr", "registry.k8s")
    );
}

#[test]
fn a_large_file_is_told_where_it_may_matter() {
    const SIZE: u64 = 65 << 20;
    let sparse = |folder: &TempDir, at: Option<u64>| {
        let mut file = File::create(folder.path().join("m.yaml")).unwrap();
        // A file that starts with NUL bytes is binary.
        file.write_all(&[b'#'; 8000]).unwrap();
        file.set_len(SIZE).unwrap();
        if let Some(at) = at {
            file.seek(SeekFrom::Start(at)).unwrap();
            file.write_all(LEGACY.as_bytes()).unwrap();
        }
    };
    let clean = folder();
    sparse(&clean, None);
    assert_eq!(concise(clean.path(), &["--write"]).0, 0);
    assert_eq!(text(clean.path(), "a.yaml"), MOVED);
    let suspect = folder();
    // Across the end of the part that is searched first.
    sparse(&suspect, Some((64 << 20) - 10));
    let before = fs::read(suspect.path().join("m.yaml")).unwrap();
    let (code, out, err) = concise(suspect.path(), &["--write"]);
    assert_eq!(code, 2, "{out}");
    assert_eq!(
        err,
        "regfix: m.yaml: larger than 64 MiB: not analysed, although it may contain legacy references; \
         split or exclude it\n"
    );
    assert!(fs::read(suspect.path().join("m.yaml")).unwrap() == before);
    // A sparse file is not read to its end, which would take hours.
    let endless = folder();
    let file = File::create(endless.path().join("m.yaml")).unwrap();
    if file.set_len(8 << 40).is_ok() {
        assert_eq!(concise(endless.path(), &["--write"]).0, 0);
    } else {
        println!("skipped: the file system has no files of 8 TiB");
    }
    assert_others_done(suspect.path(), 3);
}

#[test]
fn many_lines_are_fixed() {
    use std::fmt::Write as _;
    let mut values = String::new();
    for at in 0..30_000 {
        let host = if at % 150 == 0 {
            "k8s.gcr.io"
        } else {
            "quay.io"
        };
        writeln!(values, "k{at}:\n  image: {host}/a/b:{at}").unwrap();
    }
    let folder = with("m.yaml", &values);
    let (code, out, _) = concise(folder.path(), &["--write"]);
    assert_eq!(code, 0);
    assert!(out.ends_with("nothing left in 3 files; 202 fixed\n"));
    assert_eq!(
        text(folder.path(), "m.yaml"),
        values.replace("k8s.gcr.io", "registry.k8s.io")
    );
    // This takes a fraction of a second when optimised; quadratic code takes minutes.
}

#[test]
fn one_long_line_takes_no_time() {
    let items = vec!["{\"image\": \"k8s.gcr.io/pause:3.2\"}"; 2000].join(", ");
    let list = format!(
        "{{\"items\": [{items}], \"pad\": \"{}\"}}",
        "x".repeat(1 << 20)
    );
    let folder = with("m.json", &list);
    for arguments in [
        &["--format", "full"][..],
        &["--format", "json"],
        &["--diff"],
    ] {
        assert_eq!(code(&run(folder.path(), arguments)), 1);
    }
    assert_eq!(concise(folder.path(), &["--write"]).0, 0);
    assert_eq!(
        text(folder.path(), "m.json"),
        list.replace("k8s.gcr.io", "registry.k8s.io")
    );
}

#[test]
fn a_missing_path_is_told() {
    let folder = folder();
    let line = "regfix: missing.yaml: no such file or folder; check the spelling";
    assert_told(&folder, &["--write", "missing.yaml", "."], line);
    let (code, out, err) = concise(folder.path(), &["missing.yaml"]);
    assert_eq!(code, 2);
    assert_eq!(out, "nothing found in 0 files; 1 failed\n");
    assert!(err.starts_with(line), "{err}");
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use super::*;
    use crate::common::regfix;

    const NOBODY: u32 = 65534;

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Returns a command that runs the binary as a user who is subject to permissions. `None` if that is not possible.
    fn as_a_user(folder: &TempDir) -> Option<Command> {
        let mut command = regfix(folder.path());
        command.args(["--format", "concise"]);
        if !is_root(folder) {
            return Some(command);
        }
        chmod(folder.path(), 0o777);
        let mut trial = regfix(folder.path());
        trial.arg("--version").uid(NOBODY).gid(NOBODY);
        command.uid(NOBODY).gid(NOBODY);
        match trial.output() {
            Ok(output) if output.status.success() => Some(command),
            _ => {
                println!("skipped: root reads everything, and nobody cannot run regfix");
                None
            }
        }
    }

    #[test]
    fn what_may_not_be_read_is_told() {
        let folder = folder();
        let closed = folder.path().join("closed");
        fs::create_dir(&closed).unwrap();
        fs::write(closed.join("c.yaml"), LEGACY).unwrap();
        fs::write(folder.path().join("m.yaml"), LEGACY).unwrap();
        chmod(&closed, 0);
        chmod(&folder.path().join("m.yaml"), 0);
        if let Some(mut command) = as_a_user(&folder) {
            let output = command.output().unwrap();
            let reported = stderr(&output);
            assert_eq!(code(&output), 2, "{reported}");
            let reported: Vec<_> = reported.lines().collect();
            assert_eq!(
                reported,
                [
                    "regfix: closed: cannot be read: Permission denied (os error 13); \
                     make it readable, or exclude it",
                    "regfix: m.yaml: cannot be read: Permission denied (os error 13); \
                     make it readable, or exclude it",
                ]
            );
            let out = stdout(&output);
            assert!(out.starts_with("a.yaml:1:8: warning"), "{out}");
            assert!(
                out.ends_with("2 warnings in 3 files; 2 fixable with --write; 2 failed\n")
                    || out.ends_with("2 warnings in 2 files; 2 fixable with --write; 2 failed\n"),
                "{out}"
            );
        }
        chmod(&closed, 0o755);
    }

    #[test]
    fn a_folder_that_may_not_be_written_is_told() {
        let folder = folder();
        let closed = folder.path().join("closed");
        fs::create_dir(&closed).unwrap();
        fs::write(closed.join("c.yaml"), LEGACY).unwrap();
        chmod(&closed, 0o555);
        chmod(&closed.join("c.yaml"), 0o666);
        if let Some(mut command) = as_a_user(&folder) {
            for name in ["a.yaml", "z.yaml"] {
                std::os::unix::fs::chown(
                    folder.path().join(name),
                    is_root(&folder).then_some(NOBODY),
                    is_root(&folder).then_some(NOBODY),
                )
                .unwrap();
            }
            let output = command.arg("--write").output().unwrap();
            let reported = stderr(&output);
            assert_eq!(code(&output), 2, "{reported}");
            assert_eq!(reported.lines().count(), 1, "{reported}");
            assert!(
                reported.starts_with("regfix: closed/c.yaml: not written"),
                "{reported}"
            );
            let out = stdout(&output);
            assert!(out.contains("\nclosed/c.yaml:1:8: warning"), "{out}");
            assert!(out.contains("; 2 fixed; 1 not written; 1 failed"), "{out}");
            assert_eq!(text(&closed, "c.yaml"), LEGACY);
            assert_others_done(folder.path(), 3);
        }
        chmod(&closed, 0o755);
    }

    #[test]
    fn a_read_only_file_is_told_and_left() {
        let folder = with("m.yaml", LEGACY);
        let path = folder.path().join("m.yaml");
        chmod(&path, 0o444);
        assert_told(
            &folder,
            &["--write"],
            "regfix: m.yaml: not written: it is read-only; make it writable",
        );
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o444
        );
        // Findings that could not be fixed are still reported.
        let (code, out, _) = concise(folder.path(), &["--write"]);
        assert_eq!(code, 2);
        assert!(out.starts_with("m.yaml:1:8: warning k8s-gcr-io "), "{out}");
        assert!(
            out.ends_with("1 warning in 3 files; 1 not written; 1 failed\n"),
            "{out}"
        );
    }

    #[test]
    fn a_broken_link_that_is_named_is_told() {
        let folder = folder();
        symlink("nowhere", folder.path().join("m.yaml")).unwrap();
        let (code, out, err) = concise(folder.path(), &["--write", ".", "m.yaml"]);
        assert_eq!(code, 2, "{out}");
        assert_eq!(
            err,
            "regfix: m.yaml: a symbolic link to nowhere, which does not exist; fix the link or \
             exclude it\n"
        );
        assert!(folder.path().join("m.yaml").is_symlink());
        for name in ["a.yaml", "z.yaml"] {
            assert_eq!(text(folder.path(), name), MOVED);
        }
    }

    #[test]
    fn permissions_and_hard_links_stay() {
        let folder = with("m.yaml", LEGACY);
        let path = folder.path().join("m.yaml");
        chmod(&path, 0o640);
        fs::hard_link(&path, folder.path().join("other.txt")).unwrap();
        assert_eq!(concise(folder.path(), &["--write"]).0, 0);
        assert_eq!(text(folder.path(), "other.txt"), MOVED);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o640
        );
        assert_others_done(folder.path(), 4);
    }

    /// A limit on the file size stands in for a full disk, because not every machine can mount one.
    #[test]
    fn a_file_that_finds_no_room_is_left() {
        let long = format!("{LEGACY}---\n").repeat(1000);
        let folder = with("m.yaml", &long);
        let script = "trap '' XFSZ; ulimit -f 8; exec \"$0\" --format concise --write";
        let output = Command::new("sh")
            .args(["-c", script, env!("CARGO_BIN_EXE_regfix")])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let reported = stderr(&output);
        assert_eq!(code(&output), 2, "{reported}");
        assert!(
            reported.starts_with("regfix: m.yaml: not written"),
            "{reported}"
        );
        assert_eq!(reported.lines().count(), 1, "{reported}");
        assert_eq!(text(folder.path(), "m.yaml"), long);
        assert_others_done(folder.path(), 3);
    }

    /// A mount that is unmounted on drop, so also if the test fails.
    struct Mount<'m>(&'m Path);

    impl Drop for Mount<'_> {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg(self.0).status();
        }
    }

    #[test]
    fn a_full_disk_loses_nothing() {
        let place = tempfile::tempdir().unwrap();
        let mounted = is_root(&place)
            && Command::new("mount")
                .args(["-t", "tmpfs", "-o", "size=128k", "tmpfs"])
                .arg(place.path())
                .output()
                .is_ok_and(|output| output.status.success());
        if !mounted {
            println!("skipped: a small disk cannot be mounted here");
            return;
        }
        let disk = Mount(place.path());
        let long = format!("{LEGACY}---\n").repeat(1000);
        fs::write(disk.0.join("m.yaml"), &long).unwrap();
        let mut filler = File::create(disk.0.join("filler")).unwrap();
        while filler.write_all(&[b'x'; 1024]).is_ok() {}
        let before = files(disk.0);
        let (code, out, err) = concise(disk.0, &["--write"]);
        assert_eq!(code, 2, "{err}");
        assert!(
            err.starts_with("regfix: m.yaml: not written") && err.contains("No space left"),
            "{err}"
        );
        assert_eq!(err.lines().count(), 1, "{err}");
        assert!(out.ends_with("; 1000 not written; 1 failed\n"), "{out}");
        assert!(files(disk.0) == before, "something changed");
        // Once there is space again, it is written.
        fs::remove_file(disk.0.join("filler")).unwrap();
        drop(filler);
        assert_eq!(concise(disk.0, &["--write", "-q"]).0, 0);
        assert_eq!(
            text(disk.0, "m.yaml"),
            long.replace("k8s.gcr.io", "registry.k8s.io")
        );
    }
}

/// Charts are rendered in threads with large stacks; here there is memory for only one of them.
#[cfg(target_os = "linux")]
#[test]
fn charts_are_rendered_one_after_the_other_where_memory_is_scarce() {
    let image = "image: {{ .Values.image }}\n";
    let template = format!("{{{{- range until 2000 }}}}{{{{ end }}}}{image}");
    let mut tree = std::collections::BTreeMap::new();
    for chart in 0..16 {
        for (name, text) in [
            ("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n"),
            ("values.yaml", "image: k8s.gcr.io/pause:3.9\n"),
            ("templates/pod.yaml", &template),
        ] {
            let path = Path::new(&chart.to_string()).join(name);
            tree.insert(path, text.as_bytes().to_vec());
        }
    }
    let folder = tempfile::tempdir().unwrap();
    crate::common::fill(folder.path(), &tree);
    let script = "ulimit -v 1600000; exec \"$0\" --jobs 4 --format concise .";
    let output = std::process::Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_regfix")])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert_eq!(stdout(&output).matches("k8s-gcr-io").count(), 16);
}
