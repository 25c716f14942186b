//! The baseline, expiring ignore comments, and severities that rise: what a team with an old repository uses.

use std::fs;
use std::path::Path;

use crate::common::{self, folder, formats_but, pipe, run, stderr, stdout};
use serde_json::Value;
use tempfile::TempDir;

const FILE: &str = ".regfix-baseline.json";
const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers:
    - name: one
      image: k8s.gcr.io/pause:3.2
    - name: two
      image: bitnami/redis:7.0.5
      args: [k8s.gcr.io/addon:1, k8s.gcr.io/addon:1]
";

fn write(folder: &TempDir, path: &str, text: &str) {
    fs::write(folder.path().join(path), text).unwrap();
}

fn read(folder: &TempDir, path: &str) -> String {
    fs::read_to_string(folder.path().join(path)).unwrap()
}

/// Returns the exit code, standard output in the `concise` format, and standard error.
fn reported(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let arguments = [&["--format", "concise", "--as-of", "2026-11-21"], arguments].concat();
    common::reported(folder, &arguments)
}

/// Returns the location and rule of each finding.
fn places(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let (_, out, _) = reported(folder, arguments);
    let lines = out.lines().filter_map(|line| line.split_once(": "));
    let rule = |rest: &str| rest.split(' ').take(2).collect::<Vec<_>>().join(" ");
    lines
        .map(|(place, rest)| format!("{place} {}", rule(rest)))
        .collect()
}

fn known(files: &[(&str, &str)]) -> TempDir {
    let folder = folder(files);
    let (code, out, err) = reported(folder.path(), &["--write-baseline"]);
    assert_eq!(code, 0, "{out}{err}");
    folder
}

#[test]
fn what_was_there_is_known_and_what_is_new_is_told() {
    let folder = folder(&[("a.yaml", POD)]);
    assert_eq!(reported(folder.path(), &[]).0, 1);
    let (code, out, err) = reported(folder.path(), &["--write-baseline"]);
    assert_eq!(
        (code, out.as_str()),
        (0, "nothing found in 1 file; 4 in the baseline\n")
    );
    assert!(
        err.ends_with(".regfix-baseline.json: 4 findings; 4 added, 0 dropped\n"),
        "{err}"
    );
    let expected = r#"{"version": 1, "findings": [
{"file":"a.yaml","rule":"k8s-gcr-io","image":"k8s.gcr.io/pause","at":"Pod/a:spec.containers[name=one].image"},
{"file":"a.yaml","rule":"k8s-gcr-io","image":"k8s.gcr.io/addon","at":"Pod/a:spec.containers[name=two].args[]","count":2},
{"file":"a.yaml","rule":"bitnami-versioned","image":"bitnami/redis","at":"Pod/a:spec.containers[name=two].image"}
]}
"#;
    assert_eq!(read(&folder, FILE), expected);
    assert_eq!(reported(folder.path(), &[]).0, 0);
    assert_eq!(reported(folder.path(), &["--quiet"]).0, 0);
    assert_eq!(reported(folder.path(), &["--no-baseline"]).0, 1);
    assert_eq!(places(folder.path(), &["--no-baseline"]).len(), 4);
    // Lines shift, a tag changes, and the items swap: all findings are still known.
    let shifted =
        "# one\n\n".to_owned() + &POD.replace(":3.2", ":3.3").replace("kind", "# two\nkind");
    write(&folder, "a.yaml", &shifted);
    assert_eq!(places(folder.path(), &[]), [""; 0]);
    // Another container, and a third use of an image that was there twice.
    let twice = "[k8s.gcr.io/addon:1,";
    let more = POD.replace(twice, "[k8s.gcr.io/addon:2, k8s.gcr.io/addon:1,")
        + "    - name: three\n      image: k8s.gcr.io/pause:3.2\n";
    write(&folder, "a.yaml", &more);
    let new = [
        "a.yaml:10:54 warning k8s-gcr-io",
        "a.yaml:12:14 warning k8s-gcr-io",
    ];
    assert_eq!(places(folder.path(), &[]), new);
    let (code, out, _) = reported(folder.path(), &[]);
    assert!(
        out.ends_with("2 warnings in 1 file; 2 fixable with --write; 4 in the baseline\n"),
        "{out}"
    );
    assert_eq!(code, 1);
    assert_eq!(reported(folder.path(), &["--quiet"]).0, 1);
    write(&folder, "b.yaml", "image: k8s.gcr.io/pause:3.2\n");
    assert_eq!(
        places(folder.path(), &["b.yaml"]).len(),
        1,
        "another file is new"
    );
}

#[test]
fn what_is_gone_is_stale_until_the_baseline_is_written_again() {
    let folder = known(&[("a.yaml", POD), ("b.yaml", POD), ("sub/c.yaml", POD)]);
    write(
        &folder,
        "a.yaml",
        &POD.replace("k8s.gcr.io", "registry.k8s.io"),
    );
    fs::remove_file(folder.path().join("sub/c.yaml")).unwrap();
    let before = read(&folder, FILE);
    let (code, out, err) = reported(folder.path(), &[]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(
        out,
        "nothing found in 2 files; 5 in the baseline; 7 stale in the baseline\n"
    );
    let (_, _, err) = reported(folder.path(), &["--verbose"]);
    assert!(err.contains("stale entry: a.yaml: k8s-gcr-io k8s.gcr.io/pause at Pod/a:spec.containers[name=one].image\n"), "{err}");
    assert!(err.contains("args[] (2 times)\n"), "{err}");
    // Entries for files or rules that the run does not cover are not stale.
    for (arguments, stale) in [
        (&["a.yaml"][..], 3),
        (&["b.yaml"], 0),
        (&["sub"], 4),
        (&["a.yaml", "--ignore", "k8s-gcr-io"], 0),
    ] {
        let output = run(folder.path(), &[arguments, &["--format", "json"]].concat());
        let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!(report["summary"]["stale"], stale, "{arguments:?}");
    }
    assert_eq!(read(&folder, FILE), before, "a check writes nothing");
    let (_, _, err) = reported(folder.path(), &["a.yaml", "--write-baseline"]);
    assert!(err.ends_with("9 findings; 0 added, 3 dropped\n"), "{err}");
    let (_, _, err) = reported(folder.path(), &["--write-baseline"]);
    assert!(err.ends_with("5 findings; 0 added, 4 dropped\n"), "{err}");
    assert!(!reported(folder.path(), &[]).1.contains("stale"));
}

#[test]
fn fixes_are_of_what_is_known_too() {
    let folder = known(&[("a.yaml", POD)]);
    let (code, out, _) = reported(folder.path(), &["--diff"]);
    assert!(
        out.contains("+      image: registry.k8s.io/pause:3.2\n"),
        "{out}"
    );
    assert_eq!(code, 1, "the diff has something to show");
    let (code, out, _) = reported(folder.path(), &["--write"]);
    let counts = "nothing left in 1 file; 3 fixed; 1 in the baseline; 3 stale in the baseline\n";
    assert!(out.ends_with(counts), "{out}");
    assert_eq!(code, 0);
    let (code, out, _) = reported(folder.path(), &["--diff"]);
    assert_eq!((code, out.as_str()), (0, ""), "what is left is known");
    write(&folder, "a.yaml", POD);
    let (code, _, err) = reported(folder.path(), &["--write", "--write-baseline"]);
    assert_eq!(code, 0);
    assert!(err.ends_with("1 finding; 0 added, 3 dropped\n"), "{err}");
}

#[test]
fn it_lies_beside_the_configuration_or_at_the_root_of_the_repository() {
    let folder = folder(&[(".git/HEAD", ""), ("apps/x/a.yaml", POD)]);
    let x = folder.path().join("apps/x");
    assert_eq!(reported(&x, &["--write-baseline"]).0, 0);
    assert!(read(&folder, FILE).contains("\"file\":\"apps/x/a.yaml\""));
    assert_eq!(reported(&x, &[]).0, 0);
    assert_eq!(reported(folder.path(), &["apps"]).0, 0);
    write(&folder, "apps/.regfix.yaml", "exclude: other/\n");
    assert_eq!(reported(&x, &[]).0, 0, "what is at the root still counts");
    fs::remove_file(folder.path().join(FILE)).unwrap();
    assert_eq!(reported(&x, &["--write-baseline"]).0, 0);
    assert!(read(&folder, "apps/.regfix-baseline.json").contains("\"file\":\"x/a.yaml\""));
    assert_eq!(reported(&x, &[]).0, 0);
    assert_eq!(reported(folder.path(), &[]).0, 0, "from above, too");
}

#[test]
fn it_is_no_file_to_look_at() {
    let folder = known(&[("a.yaml", POD)]);
    for arguments in [&["--all-text"][..], &["--all-text", FILE], &[FILE]] {
        let arguments = [arguments, &["--no-baseline", "--files"]].concat();
        assert!(!reported(folder.path(), &arguments).1.contains("baseline"));
    }
    assert_eq!(reported(folder.path(), &["--no-baseline", FILE]).0, 0);
}

#[test]
fn a_broken_baseline_stops_the_run() {
    let folder = folder(&[("a.yaml", POD)]);
    for (text, why) in [
        ("", "line 1 column 0"),
        (
            "{\"version\": 1, \"findings\": [\n<<<<<<< ours\n",
            "line 2 column 1",
        ),
        (
            "{\"version\": 9, \"findings\": []}",
            "another version of regfix",
        ),
    ] {
        write(&folder, FILE, text);
        for arguments in [&[][..], &["--write-baseline"], &["--write"]] {
            let (code, out, err) = reported(folder.path(), arguments);
            assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
            assert!(err.contains(FILE) && err.contains(why), "{err}");
        }
        assert_eq!(reported(folder.path(), &["--no-baseline"]).0, 1);
    }
    assert_eq!(read(&folder, "a.yaml"), POD);
    let piped = pipe(folder.path(), &["-", "--write-baseline"], POD.as_bytes());
    assert_eq!(piped.status.code(), Some(2));
}

#[test]
fn what_cannot_be_written_is_a_failure() {
    let folder = folder(&[("a.yaml", POD)]);
    fs::create_dir(folder.path().join(FILE)).unwrap();
    let (code, _, err) = reported(folder.path(), &["--write-baseline"]);
    assert_eq!(code, 2);
    assert!(err.contains("that is a folder"), "{err}");
}

#[test]
fn it_is_not_written_where_something_could_not_be_seen() {
    let folder = known(&[("a.yaml", POD)]);
    let before = read(&folder, FILE);
    let (code, _, err) = reported(folder.path(), &["--write-baseline", ".", "missing.yaml"]);
    assert_eq!(code, 2);
    assert!(
        err.contains("not written because some files could not be checked"),
        "{err}"
    );
    assert_eq!(read(&folder, FILE), before);
}

#[cfg(unix)]
#[test]
fn a_link_to_the_folder_leads_to_the_same_entries() {
    let folder = known(&[("sub/a.yaml", POD)]);
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link");
    std::os::unix::fs::symlink(folder.path().join("sub"), &link).unwrap();
    let (code, out, _) = reported(folder.path(), &[link.to_str().unwrap()]);
    assert_eq!(
        (code, out.as_str()),
        (0, "nothing found in 1 file; 4 in the baseline\n")
    );
}

#[test]
fn files_of_projects_are_known_like_others() {
    let folder = known(&[
        ("base/kustomization.yaml", "resources: [pod.yaml]\n"),
        ("base/pod.yaml", POD),
        (
            "over/kustomization.yaml",
            "resources: [../base]\nimages: [{name: k8s.gcr.io/pause, newTag: '3.9'}]\n",
        ),
        ("text.sh", "docker pull k8s.gcr.io/pause:3.2\n"),
    ]);
    assert_eq!(places(folder.path(), &[]), [""; 0]);
    assert_eq!(reported(folder.path(), &["over"]).0, 0);
    assert_eq!(
        reported(folder.path(), &["--all-text"]).0,
        1,
        "the script was not looked at then"
    );
    assert_eq!(
        reported(folder.path(), &["--all-text", "--write-baseline"]).0,
        0
    );
    write(
        &folder,
        "text.sh",
        "# one\ndocker pull  k8s.gcr.io/pause:3.3\n",
    );
    assert_eq!(reported(folder.path(), &["--all-text"]).0, 0);
}

#[test]
fn reports_leave_out_what_is_known() {
    let folder = known(&[("a.yaml", POD)]);
    write(&folder, "b.yaml", POD);
    // JSON includes known findings and marks them.
    for format in formats_but(&["json"]) {
        let out = stdout(&run(folder.path(), &["--format", format]));
        assert!(
            out.contains("b.yaml") && !out.contains("a.yaml"),
            "{format}: {out}"
        );
    }
}

#[test]
fn an_ignore_comment_can_have_an_end() {
    let line =
        "image: k8s.gcr.io/pause:3.2 # regfix: ignore[k8s-gcr-io] until=2027-01-01 mirrored\n";
    let folder = folder(&[("a.yaml", line)]);
    let day = |day: &str| {
        let output = run(folder.path(), &["--format", "concise", "--as-of", day]);
        (output.status.code().unwrap(), stdout(&output))
    };
    assert_eq!(
        day("2027-01-01"),
        (0, "nothing found in 1 file; 1 suppressed\n".to_owned())
    );
    let (code, out) = day("2027-01-02");
    assert_eq!(code, 1);
    let lines: Vec<&str> = out.lines().collect();
    assert!(
        lines[0].starts_with("a.yaml:1:8: warning k8s-gcr-io "),
        "{out}"
    );
    assert!(
        lines[1].starts_with("a.yaml:1:29: warning expired-ignore this ignore comment has expired; its last day was 2027-01-01 "),
        "{out}"
    );
    assert_eq!(lines.len(), 3);
    write(
        &folder,
        ".regfix.yaml",
        "severity: {expired-ignore: info}\nignore: [k8s-gcr-io]\n",
    );
    assert_eq!(
        day("2027-01-02").0,
        0,
        "the rule does not run, so nothing is over"
    );
    write(&folder, ".regfix.yaml", "ignore: [expired-ignore]\n");
    assert_eq!(day("2027-01-02").1.lines().count(), 2);
    let explained = run(folder.path(), &["explain", "expired-ignore"]);
    assert!(stdout(&explained).contains("a later date"));
    write(&folder, ".regfix.yaml", "{}\n");
    write(&folder, "a.yaml", &line.replace("2027-01-01", "2027-13-01"));
    let (code, out) = day("2026-01-01");
    assert_eq!(code, 1);
    assert!(out.contains("unused-ignore not an ignore comment: `2027-13-01` is not a date: write it like `until=2027-01-31`"), "{out}");
}

#[test]
fn severities_grow_with_their_dates() {
    let istio = "image: gcr.io/istio-release/proxyv2:1.20.3\nother: old.example.com/team/app:1\n";
    let folder = folder(&[("a.yaml", istio)]);
    write(
        &folder,
        ".regfix.yaml",
        "rules:\n- {from: old.example.com/team, severity: info, dates: [{when: 2027-03, what: gone, severity: error}]}\n",
    );
    let on = |day: &str| -> Vec<String> {
        let output = run(folder.path(), &["--format", "concise", "--as-of", day]);
        let text = stdout(&output);
        let lines = text.lines().filter(|line| line.starts_with("a.yaml"));
        let severities = lines.map(|line| line.split(' ').nth(1).unwrap().to_owned());
        severities
            .chain([output.status.code().unwrap().to_string()])
            .collect()
    };
    assert_eq!(on("2026-11-30"), ["warning", "info", "1"]);
    assert_eq!(on("2026-12-01"), ["error", "info", "1"]);
    assert_eq!(on("2027-03-01"), ["error", "error", "1"]);
    let config = read(&folder, ".regfix.yaml");
    write(
        &folder,
        ".regfix.yaml",
        &format!("severity: {{all: info}}\n{config}"),
    );
    assert_eq!(
        on("2027-03-01"),
        ["info", "info", "0"],
        "what is written counts before dates"
    );
    let rules = run(
        folder.path(),
        &[
            "rules",
            "--no-config",
            "--as-of",
            "2026-12-01",
            "--format",
            "json",
        ],
    );
    let rules: Value = serde_json::from_str(&stdout(&rules)).unwrap();
    let istio = rules
        .as_array()
        .unwrap()
        .iter()
        .find(|rule| rule["id"] == "istio-gcr");
    assert_eq!(istio.unwrap()["severity"], "error");
    for day in [
        "2026-02-30",
        "tomorrow",
        "2026-1-1",
        "20260101",
        "2026-01-01T00",
    ] {
        let output = run(folder.path(), &["--as-of", day]);
        assert_eq!(output.status.code(), Some(2), "{day}");
        assert!(
            stderr(&output).contains("2027-01-31"),
            "{}",
            stderr(&output)
        );
    }
}
