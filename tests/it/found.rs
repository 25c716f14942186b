//! Settings that are found, not named: a configuration and a baseline count only if they are regular files of their own
//! repository, and no file of an untrusted repository makes a run wait or fills the memory.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::common::{LEGACY, folder, regfix, run, stderr, stdout};

const SECRET: &str = "password: hunter2\n";

fn fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

/// Returns messages on standard error without the wrapping.
fn said(output: &Output) -> String {
    let text = stderr(output).replace('│', " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs to completion within a time limit: nothing here may wait for a writer that does not exist.
fn run_in_time(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = regfix(folder);
    command.args(arguments);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("{arguments:?} waits");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

#[test]
fn a_link_out_of_the_repository_is_no_configuration_and_shows_nothing_of_its_target() {
    for name in [".regfix.yaml", "regfix.yaml", ".regfix-baseline.json"] {
        let folder = folder(&[("secret", SECRET), ("repo/a.yaml", LEGACY)]);
        let repository = folder.path().join("repo");
        fs::create_dir(repository.join(".git")).unwrap();
        symlink("../secret", repository.join(name)).unwrap();
        for arguments in [&[][..], &["--write"], &["--write-baseline"]] {
            let output = run(&repository, arguments);
            assert_eq!(output.status.code(), Some(2), "{name} {arguments:?}");
            let said = said(&output);
            assert!(
                said.contains(&format!("{name}: is not read: leads out of ")),
                "{name} {arguments:?}: {said}"
            );
            assert!(!said.contains("hunter2") && !said.contains("password"));
            assert!(!stdout(&output).contains("hunter2"));
        }
        let secret = fs::read_to_string(folder.path().join("secret")).unwrap();
        assert_eq!(secret, SECRET);
        let text = fs::read_to_string(repository.join("a.yaml")).unwrap();
        assert_eq!(text, LEGACY, "written without the configuration");
    }
}

#[test]
fn a_folder_on_the_way_that_leads_out_does_not_help() {
    let folder = folder(&[("secret/c.yaml", SECRET), ("repo/a.yaml", LEGACY)]);
    let repository = folder.path().join("repo");
    fs::create_dir(repository.join(".git")).unwrap();
    symlink("../secret", repository.join("ci")).unwrap();
    symlink("ci/c.yaml", repository.join(".regfix.yaml")).unwrap();
    let output = run(&repository, &[]);
    assert_eq!(output.status.code(), Some(2));
    let said = said(&output);
    assert!(
        said.contains(".regfix.yaml: is not read: leads out of "),
        "{said}"
    );
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn a_link_within_the_repository_is_a_configuration_and_what_is_named_may_lie_anywhere() {
    let folder = folder(&[
        ("elsewhere.yaml", "exclude: [b.yaml]\n"),
        ("repo/a.yaml", LEGACY),
        ("repo/b.yaml", LEGACY),
        ("repo/ci/regfix.yaml", "exclude: [/a.yaml]\n"),
    ]);
    let repository = folder.path().join("repo");
    fs::create_dir(repository.join(".git")).unwrap();
    symlink("ci/regfix.yaml", repository.join(".regfix.yaml")).unwrap();
    let found = |arguments: &[&str]| {
        let output = run(&repository, &[&["--format", "concise"], arguments].concat());
        stdout(&output)
    };
    let text = found(&[]);
    assert!(
        text.contains("b.yaml:1") && !text.contains("a.yaml:1"),
        "{text}"
    );
    let text = found(&["--config", "../elsewhere.yaml"]);
    assert!(text.contains("a.yaml:1"), "{text}");
}

#[test]
fn what_is_no_regular_file_is_no_configuration_and_nobody_waits_for_it() {
    for name in [".regfix.yaml", ".regfix-baseline.json"] {
        for kind in ["fifo", "link to a device", "link to nowhere"] {
            let folder = folder(&[("a.yaml", LEGACY)]);
            fs::create_dir(folder.path().join(".git")).unwrap();
            let path = folder.path().join(name);
            match kind {
                "fifo" => fifo(&path),
                "link to a device" => symlink("/dev/zero", &path).unwrap(),
                _ => symlink("nowhere", &path).unwrap(),
            }
            let output = run_in_time(folder.path(), &["--write-baseline"]);
            assert_eq!(output.status.code(), Some(2), "{name}: {kind}");
            let said = said(&output);
            let start = format!("{name}: is not read: ");
            assert!(said.contains(&start), "{name}: {kind}: {said}");
            assert!(!folder.path().join("nowhere").exists());
        }
    }
}

#[test]
fn a_configuration_has_a_limit() {
    let folder = folder(&[("a.yaml", LEGACY)]);
    let text = format!("# {}\n", "x".repeat(2 << 20));
    fs::write(folder.path().join(".regfix.yaml"), &text).unwrap();
    fs::write(folder.path().join("named.yaml"), &text).unwrap();
    for arguments in [&[][..], &["--config", "named.yaml"]] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2));
        let said = said(&output);
        assert!(said.contains("is larger than 1 MiB"), "{said}");
    }
}

/// Resources of kustomizations and packaged charts, found or named.
#[test]
fn resources_and_archives_that_are_pipes_or_devices_are_not_waited_for() {
    let folder = folder(&[
        (
            "base/kustomization.yaml",
            "kind: Kustomization\nresources: [pipe.yaml, zero.yaml, a.yaml]\n",
        ),
        ("base/a.yaml", LEGACY),
        (
            "chart/Chart.yaml",
            "apiVersion: v2\nname: x\nversion: 1.0.0\n",
        ),
        ("chart/values.yaml", LEGACY),
    ]);
    let at = |path: &str| folder.path().join(path);
    fs::create_dir(at("chart/charts")).unwrap();
    for path in ["base/pipe.yaml", "chart/charts/pipe-1.0.0.tgz", "x.tgz"] {
        fifo(&at(path));
    }
    for path in ["base/zero.yaml", "chart/charts/zero-1.0.0.tgz"] {
        symlink("/dev/zero", at(path)).unwrap();
    }
    for arguments in [
        &[][..],
        &["base"],
        &["chart/values.yaml", "--related"],
        &["--write"],
    ] {
        let output = run_in_time(folder.path(), arguments);
        let text = stdout(&output) + &stderr(&output);
        let named = arguments.first().filter(|name| !name.starts_with('-'));
        let expected = *named.unwrap_or(&"base/a.yaml");
        assert!(text.contains(expected), "{arguments:?}: {text}");
    }
}

/// Each name of an ignore file, in a repository and above it.
#[test]
fn ignore_files_that_are_pipes_devices_or_links_are_not_followed() {
    for name in [".gitignore", ".ignore", ".git/info/exclude"] {
        for kind in ["fifo", "link to a device", "link to a file", "large"] {
            let folder = folder(&[("all", "*\n"), ("a.yaml", LEGACY), ("sub/b.yaml", LEGACY)]);
            let path = folder.path().join(name);
            fs::create_dir_all(folder.path().join(".git/info")).unwrap();
            match kind {
                "fifo" => fifo(&path),
                "link to a device" => symlink("/dev/zero", &path).unwrap(),
                "link to a file" => symlink(folder.path().join("all"), &path).unwrap(),
                _ => fs::write(&path, format!("*\n#{}\n", "x".repeat(2 << 20))).unwrap(),
            }
            for (from, found) in [("", "a.yaml:1:8"), ("sub", "b.yaml:1:8")] {
                let from = folder.path().join(from);
                let output = run_in_time(&from, &["--format", "concise", "--verbose"]);
                let text = stdout(&output);
                assert!(text.contains(found), "{name}: {kind}: {text}");
                let said = stderr(&output);
                let start = format!("{name}: this ignore file is skipped: ");
                assert!(said.contains(&start), "{name}: {kind}: {said}");
                // Git does not follow a link either; everything else is a failure.
                let code = if kind.starts_with("link") { 1 } else { 2 };
                assert_eq!(output.status.code(), Some(code), "{name}: {kind}: {said}");
            }
        }
    }
}

#[test]
fn an_ignore_file_elsewhere_shows_nothing_of_itself() {
    let folder = folder(&[("secret", "[hunter2\n"), ("repo/a.yaml", LEGACY)]);
    let repository = folder.path().join("repo");
    fs::create_dir(repository.join(".git")).unwrap();
    symlink("../secret", repository.join(".gitignore")).unwrap();
    let output = run(&repository, &["--verbose"]);
    let reported = stdout(&output) + &stderr(&output);
    assert!(!reported.contains("hunter2"), "{reported}");
}
