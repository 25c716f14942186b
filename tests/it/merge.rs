//! Merging the results of several runs into one report: `regfix merge`.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::common::{LEGACY, formats_but, run, stderr, stdout};
use crate::repository::git;

/// Creates four repositories: two with findings, one with a baseline, and a clean one.
fn four() -> tempfile::TempDir {
    let folder = crate::common::folder(&[
        (
            "web/deploy/a.yaml",
            "# ä\nimage: k8s.gcr.io/pause:3.2\nother: docker.io/bitnami/redis:7.0.0\n",
        ),
        (
            "web/values.yaml",
            "image:\n  registry: k8s.gcr.io\n  repository: pause\n  tag: \"3.2\"\n",
        ),
        ("web/CODEOWNERS", "/deploy/ @team/web\n"),
        ("api/b.yaml", LEGACY),
        ("known/c.yaml", LEGACY),
        ("clean/d.yaml", "image: registry.k8s.io/pause:3.9\n"),
        ("reports/keep", ""),
    ]);
    for name in ["web", "api", "known", "clean"] {
        let repository = folder.path().join(name);
        git(&repository, &["init", "-q", "-b", "main"]);
        git(&repository, &["add", "-A"]);
        git(&repository, &["commit", "-q", "-m", "."]);
    }
    run(&folder.path().join("known"), &["--write-baseline"]);
    fs::write(folder.path().join("list"), "web\napi\nknown\nclean\n").unwrap();
    folder
}

fn shards(folder: &Path, format: &str) -> Vec<String> {
    let names = ["1", "2", "3"].map(|shard| {
        let (part, name) = (format!("{shard}/3"), format!("{shard}.{format}"));
        let output = format!("{format}={name}");
        run(
            folder,
            &[
                "--repositories",
                "list",
                "--shard",
                &part,
                "--exit-zero",
                "--output",
                &output,
                "--as-of",
                "2026-11-20",
            ],
        );
        name
    });
    names.into()
}

fn merged(folder: &Path, files: &[String], arguments: &[&str]) -> Output {
    let files = files.iter().map(String::as_str);
    let all: Vec<&str> = ["merge"]
        .into_iter()
        .chain(files)
        .chain(arguments.iter().copied())
        .collect();
    run(folder, &all)
}

/// Removes what differs between one run and several: times and counts of excluded files.
fn comparable(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.contains(" ms)"));
    let lines = lines.map(|line| line.split("excluded").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn merged_shards_are_the_report_of_one_run_in_any_format() {
    let folder = four();
    let at = folder.path();
    for of in ["jsonl", "json"] {
        let files = shards(at, of);
        for format in [
            "concise", "csv", "github", "gitlab", "junit", "rdjson", "sarif", "markdown",
        ] {
            let whole = run(
                at,
                &[
                    "--repositories",
                    "list",
                    "--format",
                    format,
                    "--as-of",
                    "2026-11-20",
                ],
            );
            let joined = merged(at, &files, &["--format", format]);
            assert_eq!(
                joined.status.code(),
                Some(1),
                "{of} {format}: {}",
                stderr(&joined)
            );
            assert_eq!(
                comparable(&stdout(&joined)),
                comparable(&stdout(&whole)),
                "{of} to {format}"
            );
        }
        let mut reversed = files.clone();
        reversed.reverse();
        for format in ["json", "jsonl", "html", "full"] {
            let one = merged(at, &files, &["--format", format]);
            let other = merged(at, &reversed, &["--format", format]);
            let (one, other) = (comparable(&stdout(&one)), comparable(&stdout(&other)));
            assert_eq!(one, other, "{format}: the order of files");
        }
    }
    // A file that is given twice counts once.
    let mut files = shards(at, "jsonl");
    fs::copy(at.join("2.jsonl"), at.join("copy.jsonl")).unwrap();
    let once = stdout(&merged(at, &files, &["--format", "jsonl"]));
    files.push("copy.jsonl".to_owned());
    assert_eq!(stdout(&merged(at, &files, &["--format", "jsonl"])), once);
}

#[test]
fn a_merged_report_can_be_merged_again() {
    let folder = four();
    let at = folder.path();
    let files = shards(at, "jsonl");
    for of in ["json", "jsonl"] {
        let output = format!("{of}=all.{of}");
        let joined = merged(at, &files, &["--exit-zero", "--output", &output]);
        assert_eq!(joined.status.code(), Some(0), "{}", stderr(&joined));
        let again = merged(at, &[format!("all.{of}")], &["--format", "concise"]);
        assert_eq!(
            stdout(&again),
            stdout(&merged(at, &files, &["--format", "concise"]))
        );
    }
    let text = fs::read_to_string(at.join("all.json")).unwrap();
    let report: Value = serde_json::from_str(&text).unwrap();
    let finding = &report["files"][1]["findings"][0];
    assert_eq!(
        finding["edits"][0]["start"], 12,
        "as it was read: {report:#}"
    );
    assert_eq!(
        report["files"][1]["owners"],
        serde_json::json!(["@team/web"])
    );
    assert_eq!(
        report["summary"]["repositories"].as_array().map(Vec::len),
        Some(4)
    );
    let output = merged(
        at,
        &files,
        &[
            "--exit-zero",
            "--output",
            "markdown=reports/{repository}.md",
        ],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let names: Vec<_> = ["api", "clean", "known", "web"]
        .map(|name| at.join(format!("reports/{name}.md")).exists())
        .into();
    assert_eq!(names, [true; 4]);
}

#[test]
fn missing_and_different_parts_make_it_incomplete() {
    let folder = four();
    let at = folder.path();
    let files = shards(at, "jsonl");
    let output = merged(at, &files[..2], &["--exit-zero"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("shard 3 of 3 is missing"),
        "{}",
        stderr(&output)
    );
    let text = fs::read_to_string(at.join("3.jsonl")).unwrap();
    let version = format!("\"regfix\":\"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(text.contains(&version), "{text}");
    fs::write(
        at.join("3.jsonl"),
        text.replace(&version, "\"regfix\":\"9.9.9\""),
    )
    .unwrap();
    let output = merged(at, &files, &["--exit-zero"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("different versions of regfix"),
        "{}",
        stderr(&output)
    );
    assert!(
        stderr(&output).contains("9.9.9 in 3.jsonl"),
        "{}",
        stderr(&output)
    );
    // A result that states that its run is incomplete.
    run(at, &["web", "nowhere", "--output", "jsonl=part.jsonl"]);
    let output = merged(at, &["part.jsonl".to_owned()], &["--exit-zero"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("part.jsonl: 1 failure: that run is incomplete"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn broken_and_hostile_results_are_refused_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let finding = |range: &str| {
        format!(
            "{{\"type\":\"finding\",\"path\":\"../../x\",\"rule\":\"r\",\"severity\":\"error\",\"message\":\"m\",\"old\":\"o\",\"spans\":[{{\"label\":null,{range}}}]}}\n\
             {{\"type\":\"summary\",\"version\":1,\"files\":1}}\n"
        )
    };
    let far = "\"start\":0,\"end\":1,\"line\":99999999999,\"column\":1,\"end_line\":99999999999,\"end_column\":2";
    let deep = "[".repeat(5000);
    for (text, expected) in [
        ("", "x.jsonl:1:1: is empty"),
        ("{\"type\":\"finding\"", "x.jsonl:1:"),
        (
            "{\"type\":\"summary\",\"version\":1,\"files\":1}\n{}\n",
            "x.jsonl:2:1: there is something after the summary",
        ),
        (
            &finding(far),
            "x.jsonl:1:1: no file has a place with such a line",
        ),
        (
            &finding(
                "\"start\":0,\"end\":1,\"line\":2,\"column\":5,\"end_line\":2,\"end_column\":1",
            ),
            "a range ends before it begins",
        ),
        (&deep, "x.jsonl:1:"),
        (
            "{\"version\":1,\"files\":[],\n\"summary\":{\"files\":-1}}",
            "x.jsonl:2:",
        ),
        (
            "{\"type\":\"summary\",\"version\":1,\"files\":1,\"as_of\":\"x\\u001b[31m\"}",
            "is not a date",
        ),
        ("{\"type\":\"a\\u001b[31m\"}", "unknown variant"),
    ] {
        fs::write(at.join("x.jsonl"), text).unwrap();
        let output = run(at, &["merge", "x.jsonl"]);
        assert_eq!(output.status.code(), Some(2), "{text}");
        let said = stderr(&output);
        assert!(said.contains(expected), "{text}: {said}");
        assert!(
            !said.contains('\u{1b}') && said.contains("nothing was merged"),
            "{said}"
        );
    }
    fs::write(at.join("x.jsonl"), b"\xff\xfe\xff").unwrap();
    assert_eq!(run(at, &["merge", "x.jsonl"]).status.code(), Some(2));
    assert_eq!(run(at, &["merge", "none.jsonl"]).status.code(), Some(2));
    // A path from an untrusted result is not used to read or write files.
    let near = "\"start\":0,\"end\":1,\"line\":1,\"column\":1,\"end_line\":1,\"end_column\":2";
    fs::write(at.join("x.jsonl"), finding(near)).unwrap();
    for format in formats_but(&[]) {
        let output = run(at, &["merge", "x.jsonl", "--format", format]);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{format}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn runs_of_several_days_become_a_line() {
    let folder = four();
    let at = folder.path();
    let day = |day: &str, name: &str| {
        let output = format!("json={name}");
        run(
            at,
            &[
                "--repositories",
                "list",
                "--exit-zero",
                "--as-of",
                day,
                "--output",
                &output,
            ],
        );
    };
    day("2026-11-01", "first.json");
    run(at, &["--write", "api"]);
    day("2026-11-08", "second.json");
    run(at, &["--write", "web", "--unsafe-fixes"]);
    day("2026-11-15", "third.json");
    let names = ["first.json", "third.json", "second.json"].map(str::to_owned);
    let output = merged(at, &names, &["--format", "html", "--exit-zero"]);
    let page = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        page.contains("4 findings on 2026-11-01, 1 on 2026-11-15"),
        "{page}"
    );
    // A merged report keeps the earlier counts.
    merged(
        at,
        &names[..1],
        &["--exit-zero", "--output", "json=one.json"],
    );
    let one = ["one.json", "third.json"].map(str::to_owned);
    merged(at, &one, &["--exit-zero", "--output", "json=two.json"]);
    let page = stdout(&merged(at, &["two.json".to_owned()], &["--format", "html"]));
    assert!(
        page.contains("4 findings on 2026-11-01, 1 on 2026-11-15"),
        "{page}"
    );
}
