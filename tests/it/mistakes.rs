//! Typing mistakes, and messages that name the correct input.

use std::path::Path;

use crate::common::{LEGACY, files, folder, pipe, run, stderr, stdout};

fn refused(folder: &Path, arguments: &[&str]) -> String {
    let before = files(folder);
    let output = run(folder, arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    assert_eq!(stdout(&output), "", "{arguments:?}");
    assert_eq!(files(folder), before, "{arguments:?} writes");
    let err = stderr(&output);
    assert!(!err.contains("-- --"), "{err}");
    err
}

#[test]
fn words_of_other_tools_lead_to_ours() {
    let folder = folder(&[("a.yaml", LEGACY)]);
    for (arguments, message) in [
        (
            &["--fix"][..],
            "there is no option `--fix`: `--write` applies safe fixes in place",
        ),
        (&["--fix", "."], "`--write` applies safe fixes in place"),
        (&["--dry-run"], "`--diff` shows what `--write` would change"),
        (&["--baseline", "x"], "the baseline is found by its name"),
        (&["--baseline=x"], "the baseline is found by its name"),
        (&["--hidden"], "unless `--no-hidden` leaves them out"),
        (
            &["check"],
            "there is no command `check`, and no file or folder of that name: write `regfix .`",
        ),
        (&["lint", "a.yaml"], "write `regfix a.yaml`"),
        (&["fix", "a.yaml", "b"], "write `regfix --write a.yaml b`"),
        (
            &["--stdin-filename", "a.yaml"],
            "write `regfix --stdin-filename a.yaml -`",
        ),
        (
            &["--write", "--stdin-filename", "a.yaml"],
            "is not read without `-`",
        ),
        (&["-j", "0"], "write a number of threads, 1 or more"),
        (&["-j", "x"], "write a number of threads, 1 or more"),
        (&["--jobs", "-1"], "write a number of threads, 1 or more"),
        (&["-o", "out.json"], "write `--output FORMAT=FILE`"),
        (&["version"], "write `regfix --version`"),
        (
            &["--no-config", "explain", "k8s-gcr-io"],
            "a command comes before its options: write `regfix explain [OPTIONS]`",
        ),
        (
            &["--format", "json", "--format", "sarif"],
            "`--output FORMAT=FILE`",
        ),
        (
            &["policy", "kyverno"],
            "write `regfix policy --engine kyverno`",
        ),
        (&["--quiet", "--verbose"], "leave out one of them"),
        (&["--config", "nope.yaml"], "--config: "),
        (&["--exclude", "["], "write it as in .gitignore"),
        (&["explain", "k8s-gcr-io", "nope"], "nope"),
        (
            &["--output", "sarif=no/folder/a.sarif"],
            "create its folder first",
        ),
    ] {
        let err = refused(folder.path(), arguments);
        assert!(err.contains(message), "{arguments:?}: {err}");
    }
}

#[test]
fn a_file_of_that_name_is_checked() {
    let folder = folder(&[("check/a.yaml", LEGACY)]);
    let output = run(folder.path(), &["check"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
}

#[test]
fn what_is_not_there_comes_with_a_guess() {
    let folder = folder(&[("a.yaml", LEGACY)]);
    for (path, message) in [
        ("deploy/*.yml", "is this a glob?"),
        ("deploy\\a.yaml", "write it with `/`"),
        ("deploy/a.yaml", "check the spelling"),
    ] {
        let output = run(folder.path(), &[path]);
        assert_eq!(output.status.code(), Some(2));
        let err = stderr(&output);
        assert!(err.contains(message), "{err}");
    }
}

#[cfg(unix)]
#[test]
fn standard_input_that_nobody_reads_is_mentioned() {
    let folder = folder(&[("a.yaml", LEGACY)]);
    let note = "standard input was not read";
    let output = pipe(folder.path(), &["--diff"], LEGACY.as_bytes());
    assert!(stderr(&output).contains(note), "{}", stderr(&output));
    for arguments in [
        &["--diff", "-"][..],
        &["--diff", "a.yaml"],
        &["--diff", "-q"],
        &["rules"],
    ] {
        let output = pipe(folder.path(), arguments, LEGACY.as_bytes());
        assert!(!stderr(&output).contains(note), "{arguments:?}");
    }
}

#[test]
fn what_has_no_effect_is_mentioned() {
    let folder = folder(&[("a.yaml", LEGACY)]);
    let note = "--unsafe-fixes has no effect without --write or --diff";
    let output = run(folder.path(), &["--unsafe-fixes"]);
    assert!(stderr(&output).contains(note));
    let output = run(folder.path(), &["--unsafe-fixes", "--diff"]);
    assert!(!stderr(&output).contains(note));
}

#[test]
fn nothing_to_check_has_a_reason() {
    let of_others = folder(&[("a.txt", "k8s.gcr.io/a\n"), ("b.md", "k8s.gcr.io/a\n")]);
    let said = stdout(&run(of_others.path(), &[]));
    let why = "No files to check: 2 files of a type that regfix does not read (--all-text reads every text file).";
    assert!(said.contains(why), "{said}");
    assert!(!said.contains("a.txt"), "{said}");
    let others = [
        ("a.txt", "k8s.gcr.io/a\n"),
        ("b.md", "none\n"),
        ("c.bin", "\0 k8s.gcr.io/a\n"),
        ("d.yaml", LEGACY),
    ];
    let said = stderr(&run(folder(&others).path(), &["--verbose"]));
    let listed: Vec<&str> = said.lines().collect();
    let is_listed = "regfix: a.txt: may name a legacy registry, but regfix does not read files of this type (--all-text does)";
    assert_eq!(listed, [is_listed]);
    let excluded = folder(&[("a.yaml", LEGACY)]);
    let said = stdout(&run(excluded.path(), &["--exclude", "a.yaml"]));
    assert!(
        said.contains("No files to check: all are left out.\nNot checked: 1 excluded"),
        "{said}"
    );
    let said = stdout(&run(excluded.path(), &["none.yaml"]));
    assert!(said.contains("Nothing was checked."), "{said}");
    let empty = folder(&[]);
    let said = stdout(&run(empty.path(), &[]));
    assert!(
        said.contains("none were found (links and submodules are not followed)"),
        "{said}"
    );
}

#[test]
fn names_that_look_like_a_configuration_are_refused() {
    for name in [
        ".regfix.yml",
        ".regfix.toml",
        ".regfix",
        ".regfixrc",
        "regfix.yml",
        ".config/regfix.yaml",
        ".github/regfix.yaml",
    ] {
        let folder = folder(&[(name, "exclude: [a.yaml]\n"), ("a.yaml", LEGACY)]);
        let err = refused(folder.path(), &["--write"]);
        assert!(err.contains(name) && err.contains("rename it to "), "{err}");
        assert!(err.trim_end().ends_with("/.regfix.yaml"), "{err}");
    }
    // A workflow that runs regfix may be called `regfix.yaml`.
    let folder = folder(&[
        (".github/workflows/regfix.yaml", "on: push\n"),
        ("deploy/regfix.yml", LEGACY),
    ]);
    let output = run(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
}

#[test]
fn flags_can_be_repeated() {
    let folder = folder(&[("a.yaml", LEGACY)]);
    for arguments in [
        &["-vv"][..],
        &["-v", "--verbose"],
        &["-qq"],
        &["--diff", "--diff"],
        &[
            "--unsafe-fixes",
            "--unsafe-fixes",
            "--no-hidden",
            "--no-hidden",
        ],
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn settings_of_what_is_not_there_are_marked() {
    let folder = folder(&[("a.yaml", LEGACY)]);
    for (path, is_marked) in [("a.yaml", false), ("", false), ("nowhere/a.yaml", true)] {
        let arguments = ["config", path];
        let path_given = usize::from(!path.is_empty());
        let output = run(folder.path(), &arguments[..=path_given]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(
            stdout(&output).contains("does not exist"),
            is_marked,
            "{path}"
        );
    }
}

#[test]
fn several_things_are_explained_at_once() {
    let folder = folder(&[]);
    let said = stdout(&run(
        folder.path(),
        &[
            "explain",
            "k8s-gcr-io",
            "quay.io/k8scsi/csi-snapshotter:v2.1.1",
        ],
    ));
    assert!(
        said.contains("k8s-gcr-io") && said.contains("quay-k8scsi"),
        "{said}"
    );
}

#[test]
fn a_rule_that_only_reports_says_so() {
    let config = "rules: [{id: own, from: old.example.com/team}]\n";
    let folder = folder(&[
        (".regfix.yaml", config),
        ("a.yaml", "image: old.example.com/team/a:1\n"),
    ]);
    let said = stdout(&run(folder.path(), &[]));
    assert!(
        said.contains("no fix: the rule has no `to`, so it only reports"),
        "{said}"
    );
}

#[test]
fn settings_that_leave_no_rule_are_named() {
    let folder = folder(&[(".regfix.yaml", "ignore: [all]\n"), ("a.yaml", LEGACY)]);
    let err = refused(folder.path(), &[]);
    assert!(err.contains(".regfix.yaml: no rules are left"), "{err}");
}

#[test]
fn the_page_of_an_own_rule_has_no_empty_parts() {
    let config = "rules: [{id: own, from: old.example.com/team, to: new.example.com/team}]\n";
    let folder = folder(&[(".regfix.yaml", config)]);
    let said = stdout(&run(folder.path(), &["explain", "own"]));
    let headings: Vec<&str> = said
        .lines()
        .skip(1)
        .filter(|line| !line.is_empty() && !line.starts_with(' '))
        .collect();
    assert_eq!(headings, ["What", "Example", "How safe"], "{said}");
}

/// Reports for programs are JSON and contain the legacy references.
#[test]
fn reports_of_an_earlier_run_are_left_out_and_counted() {
    for (arguments, names) in [
        (
            &[][..],
            &["json=a.json", "sarif=b.sarif.json", "rdjson=c.json"][..],
        ),
        (
            &["--all-text"],
            &["jsonl=a.jsonl", "sarif=b.sarif", "json=c.json"],
        ),
    ] {
        let folder = folder(&[("a.yaml", LEGACY)]);
        let reports = names.iter().flat_map(|name| ["--output", name]);
        let reports: Vec<&str> = reports.chain(["-q"]).collect();
        run(folder.path(), &reports);
        let before = files(folder.path());
        let arguments = [arguments, &["--write", "--unsafe-fixes", "-v"]].concat();
        let output = run(folder.path(), &arguments);
        let (said, err) = (stdout(&output), stderr(&output));
        assert!(said.contains("Fixed 1 reference in 1 file."), "{said}");
        assert!(said.contains("Not checked: 3 reports of regfix"), "{said}");
        let file = names[0].split_once('=').unwrap().1;
        assert!(
            err.contains(&format!("{file}: a report of regfix")),
            "{err}"
        );
        let after = files(folder.path());
        let changed = before
            .iter()
            .filter(|(path, bytes)| after[*path] != **bytes);
        assert_eq!(changed.count(), 1);
    }
}
