//! Fixes that do not converge write nothing, are reported, and make the run fail; those that do are written.

use std::fmt::Write;

use crate::common::{files, folder, pipe, run, stderr, stdout};

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n";

fn rules(moves: &[(&str, &str)]) -> String {
    let mut text = String::from("rules:\n");
    for (from, to) in moves {
        writeln!(text, "- {{from: {from}, to: {to}}}").unwrap();
    }
    text
}

fn pod(images: &[&str]) -> String {
    let mut text = String::from(POD);
    for (index, image) in images.iter().enumerate() {
        writeln!(text, "  - {{name: c{index}, image: '{image}'}}").unwrap();
    }
    text
}

#[test]
fn rules_in_a_circle_write_nothing() {
    let two = [
        ("a.example.com", "b.example.com"),
        ("b.example.com", "a.example.com"),
    ];
    let three = [
        ("a.example.com", "b.example.com"),
        ("b.example.com", "c.example.com"),
        ("c.example.com", "a.example.com"),
    ];
    for (moves, named) in [(&two[..], 2), (&three[..], 3)] {
        let tree = folder(&[
            (".regfix.yaml", &rules(moves)),
            (
                "p.yaml",
                &pod(&["a.example.com/x:1", "k8s.gcr.io/pause:3.1"]),
            ),
            ("q.yaml", &pod(&["k8s.gcr.io/pause:3.1"])),
        ]);
        let before = files(tree.path());
        for flags in [&["--diff"][..], &["--write", "--format", "concise"]] {
            let output = run(tree.path(), flags);
            assert_eq!(output.status.code(), Some(2), "{output:?}");
            let said = stdout(&output) + &stderr(&output);
            let expected = "p.yaml:6:24: ";
            let line = said.lines().find(|line| line.contains("form a circle"));
            let line = line.unwrap_or_else(|| panic!("{said}"));
            assert!(line.contains(expected), "{line}");
            let rules = ["a-example-com", "b-example-com", "c-example-com"];
            let rules = rules.iter().filter(|rule| line.contains(*rule));
            assert_eq!(rules.count(), named, "{line}");
        }
        let mut after = files(tree.path());
        let other = after.remove(std::path::Path::new("q.yaml")).unwrap();
        assert!(
            String::from_utf8(other)
                .unwrap()
                .contains("registry.k8s.io")
        );
        assert_eq!(after, {
            let mut before = before;
            before.remove(std::path::Path::new("q.yaml"));
            before
        });
    }
}

#[test]
fn a_circle_holds_the_files_that_go_together() {
    let tree = folder(&[
        (
            ".regfix.yaml",
            &rules(&[
                ("a.example.com", "b.example.com"),
                ("b.example.com", "a.example.com"),
            ]),
        ),
        (
            "base/kustomization.yaml",
            "resources: [pod.yaml, other.yaml]\n",
        ),
        ("base/pod.yaml", &pod(&["a.example.com/x:1"])),
        ("base/other.yaml", &pod(&["k8s.gcr.io/pause:3.1"])),
    ]);
    let before = files(tree.path());
    let output = run(tree.path(), &["--write", "--format", "concise"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(files(tree.path()), before);
    let report = run(tree.path(), &["--write", "--format", "json"]);
    let report = stdout(&report);
    assert!(
        report.contains("the fixes of base/pod.yaml, which belongs to it, do not"),
        "{report}"
    );
}

#[test]
fn piped_text_comes_out_as_it_was() {
    let tree = folder(&[(
        ".regfix.yaml",
        &rules(&[
            ("a.example.com", "b.example.com"),
            ("b.example.com", "a.example.com"),
        ]),
    )]);
    let text = pod(&["a.example.com/x:1"]);
    let output = pipe(tree.path(), &["--write", "-"], text.as_bytes());
    assert_eq!((output.status.code(), stdout(&output)), (Some(2), text));
}

#[test]
fn chains_of_rules_come_to_an_end() {
    let moves: Vec<(String, String)> = (0..12)
        .map(|index| {
            let host = |index: usize| format!("r{index}.example.com");
            (host(index), host(index + 1))
        })
        .collect();
    let moves: Vec<(&str, &str)> = moves
        .iter()
        .map(|(from, to)| (from.as_str(), to.as_str()))
        .collect();
    for (length, code) in [(2, 0), (8, 0), (9, 2)] {
        let text = pod(&["r0.example.com/x:1"]);
        let tree = folder(&[
            (".regfix.yaml", &rules(&moves[..length])),
            ("p.yaml", &text),
        ]);
        let output = run(tree.path(), &["--write", "--format", "concise"]);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let expected = match code {
            0 => text.replace("r0", &format!("r{length}")),
            _ => text,
        };
        let after = std::fs::read_to_string(tree.path().join("p.yaml")).unwrap();
        assert_eq!(after, expected);
        let said = stdout(&output).contains("still change it after 8 passes");
        assert_eq!(said, code == 2, "{output:?}");
    }
}

/// Findings that exceed the limit of one run are fixed by several; each run reports that it is incomplete.
#[test]
fn more_findings_than_a_run_holds_are_fixed_by_several() {
    let many = "- image: k8s.gcr.io/pause:3.1\n".repeat(50_010);
    let tree = folder(&[("a.yaml", &many)]);
    let output = run(tree.path(), &["--format", "concise"]);
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("a.yaml:50001:1: problem: there is too much to fix"));
    assert!(said.contains("50000 warnings in 1 file"));
    let first = run(tree.path(), &["--write", "--quiet"]);
    assert_eq!(first.status.code(), Some(1), "{}", stderr(&first));
    let second = run(tree.path(), &["--write", "--quiet"]);
    assert_eq!(second.status.code(), Some(0), "{}", stderr(&second));
    let text = std::fs::read_to_string(tree.path().join("a.yaml")).unwrap();
    assert_eq!(text, many.replace("k8s.gcr.io", "registry.k8s.io"));
}
