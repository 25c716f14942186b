//! Repositories that are read at a revision, without a working tree: `--git-dir` and `--rev`.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;

use crate::common::{LEGACY, files, run, stderr, stdout};
use crate::repository::{Repository, git};

/// Creates a repository with a chart, kustomizations, settings, a baseline, owners, hidden and ignored files, and folders
/// named like those of a bare repository.
fn rich() -> Repository {
    let repository = Repository::new(&[
        (
            ".regfix.yaml",
            "severity: {k8s-gcr-io: error}\nexclude: [left-out/]\n",
        ),
        ("left-out/a.yaml", LEGACY),
        (
            "team/.regfix.yaml",
            "rules: [{from: old.example.com/team, to: new.example.com}]\n",
        ),
        ("team/a.yaml", "image: old.example.com/team/app:1\n"),
        ("known.yaml", LEGACY),
        ("config/a.yaml", LEGACY),
        ("hooks/a.yaml", LEGACY),
        ("objects/a.yaml", LEGACY),
        (".github/a.yaml", LEGACY),
        (".terraform/a.yaml", LEGACY),
        (".gitignore", "*.yaml\n"),
        ("CODEOWNERS", "* @team\n"),
        (
            "chart/Chart.yaml",
            "apiVersion: v2\nname: web\nversion: 1.0.0\n",
        ),
        (
            "chart/values.yaml",
            "image:\n  registry: k8s.gcr.io\n  repository: pause\n  tag: \"3.2\"\n",
        ),
        (
            "chart/templates/pod.yaml",
            "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - name: a\n      image: \
             \"{{ .Values.image.registry }}/{{ .Values.image.repository }}:{{ .Values.image.tag }}\"\n",
        ),
        ("base/kustomization.yaml", "resources: [pod.yaml]\n"),
        (
            "base/pod.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n    - {name: a, image: k8s.gcr.io/pause:3.2}\n",
        ),
        (
            "over/kustomization.yaml",
            "resources: [../linked]\nimages:\n  - name: k8s.gcr.io/pause\n    newTag: \"3.3\"\n",
        ),
    ]);
    symlink("base", repository.path().join("linked")).unwrap();
    repository.git(&["add", "-Af"]);
    let written = run(repository.path(), &["known.yaml", "--write-baseline"]);
    assert!(
        repository.path().join(".regfix-baseline.json").exists(),
        "{}",
        stderr(&written)
    );
    repository.git(&["add", "-Af"]);
    repository.commit();
    repository
}

fn clone(of: &Path, folder: &Path, arguments: &[&str]) {
    let url = format!("file://{}", of.display());
    git(of, &["config", "uploadpack.allowFilter", "true"]);
    let mut all = vec!["clone", "-q", &url];
    all.extend(arguments);
    git(folder, &all);
}

/// Returns the JSON report, without the name of the repository in the paths.
fn report(folder: &Path, name: &str, arguments: &[&str]) -> Value {
    let output = run(folder, &[&["--format", "json"], arguments].concat());
    let text = stdout(&output).replace(&format!("\"{name}/"), "\"");
    let text = text.replace(&format!("\"repository\":\"{name}\""), "\"repository\":\"\"");
    let mut report: Value =
        serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why}: {text}"));
    report["summary"]["elapsed_ms"] = Value::Null;
    report
}

#[test]
fn a_bare_clone_has_the_findings_of_its_working_tree() {
    let origin = rich();
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    clone(origin.path(), at, &["--bare", "bare.git"]);
    clone(origin.path(), at, &["tree"]);
    clone(origin.path(), at, &["--no-checkout", "empty"]);
    let expected = report(at, "tree", &["tree"]);
    assert_eq!(
        expected["files"].as_array().map(Vec::len),
        Some(10),
        "{expected:#}"
    );
    assert_eq!(expected["summary"]["baselined"], 1);
    assert_eq!(report(at, "bare.git", &["--git-dir", "bare.git"]), expected);
    assert_eq!(report(at, "empty", &["--git-dir", "empty"]), expected);
    assert_eq!(
        report(at, "empty", &["--git-dir", "empty/.git", "--rev", "main"]),
        expected
    );
    assert_eq!(
        report(&at.join("bare.git"), "bare.git", &["--git-dir", "."]),
        expected
    );
    // The working tree does not matter.
    fs::remove_file(at.join("tree/.regfix.yaml")).unwrap();
    fs::write(at.join("tree/team/a.yaml"), "").unwrap();
    assert_eq!(report(at, "tree", &["--git-dir", "tree"]), expected);
    let before = files(at);
    let patch = run(at, &["--git-dir", "bare.git", "--diff"]);
    assert!(
        stdout(&patch).contains("+++ b/bare.git/team/a.yaml"),
        "{}",
        stdout(&patch)
    );
    assert_eq!(files(at), before, "something was written");
}

#[test]
fn an_older_revision_is_judged_by_its_own_settings() {
    let origin = Repository::new(&[
        ("a.yaml", LEGACY),
        (".regfix.yaml", "ignore: [k8s-gcr-io]\n"),
    ]);
    origin.put(".regfix.yaml", "severity: {k8s-gcr-io: info}\n");
    origin.put("b.yaml", LEGACY);
    origin.commit();
    let folder = tempfile::tempdir().unwrap();
    clone(origin.path(), folder.path(), &["--bare", "x.git"]);
    let count = |arguments: &[&str]| {
        let output = run(
            folder.path(),
            &[&["--format", "jsonl", "--git-dir", "x.git"], arguments].concat(),
        );
        let text = stdout(&output);
        text.lines()
            .filter(|line| {
                line.contains("\"type\":\"finding\"") && line.contains("\"severity\":\"info\"")
            })
            .count()
    };
    assert_eq!(count(&[]), 2);
    assert_eq!(count(&["--rev", "HEAD~1"]), 0);
    assert_eq!(count(&["--rev", "HEAD", "--config-from", "HEAD~1"]), 0);
    let old = run(
        folder.path(),
        &[
            "--git-dir",
            "x.git",
            "--rev",
            "HEAD~1",
            "--config-from",
            "HEAD",
            "--format",
            "concise",
        ],
    );
    assert!(
        stdout(&old).contains("x.git/a.yaml:1:8: info"),
        "{}{}",
        stdout(&old),
        stderr(&old)
    );
}

#[test]
fn what_a_partial_clone_lacks_is_counted_and_not_fetched() {
    let origin = rich();
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    clone(origin.path(), at, &["--bare", "whole.git"]);
    clone(
        origin.path(),
        at,
        &["--bare", "--filter=blob:none", "part.git"],
    );
    clone(
        origin.path(),
        at,
        &["--bare", "--filter=tree:0", "trees.git"],
    );
    for wanted in [
        "HEAD:.regfix.yaml",
        "HEAD:team/.regfix.yaml",
        "HEAD:.regfix-baseline.json",
        "HEAD:team/a.yaml",
    ] {
        git(&at.join("part.git"), &["cat-file", "-p", wanted]);
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/x.git", listener.local_addr().unwrap());
    for name in ["part.git", "trees.git"] {
        git(&at.join(name), &["config", "remote.origin.url", &url]);
    }
    let before = files(at);
    let arguments = [
        "--git-dir",
        "part.git",
        "--git-dir",
        "whole.git",
        "--git-dir",
        "trees.git",
        "--format",
        "concise",
    ];
    let output = run(at, &arguments);
    let (out, err) = (stdout(&output), stderr(&output));
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(out.contains("part.git/team/a.yaml:1:8: warning"), "{out}");
    assert!(out.contains("whole.git/team/a.yaml:1:8: warning"), "{out}");
    let lines: Vec<&str> = err.lines().collect();
    assert_eq!(lines.len(), 2, "a line each: {err}");
    assert!(
        lines[0].starts_with("regfix: part.git: ")
            && lines[0].contains(" objects are not in this clone"),
        "{err}"
    );
    assert!(lines[0].contains("fetch --refetch --no-filter"), "{err}");
    assert!(
        lines[1].starts_with("regfix: trees.git: 1 object is not in this clone"),
        "{err}"
    );
    assert!(out.contains("  part.git   failed, 1 fixable\n"), "{out}");
    assert!(out.contains("  trees.git  failed\n"), "{out}");
    let verbose = run(at, &["--git-dir", "part.git", "-v"]);
    assert!(
        stderr(&verbose)
            .contains("part.git/chart/values.yaml: not analysed: its object is not in this clone")
    );
    assert!(listener.accept().is_err(), "somebody has connected");
    assert_eq!(files(at), before, "something was fetched");
}

#[test]
fn links_and_submodules_stay_inside() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("values.yaml"), LEGACY).unwrap();
    let other = Repository::new(&[("a.yaml", LEGACY)]);
    let origin = Repository::new(&[("a.yaml", LEGACY)]);
    symlink(outside.path(), origin.path().join("absolute")).unwrap();
    symlink("../../../../etc", origin.path().join("up")).unwrap();
    symlink("circle", origin.path().join("circle")).unwrap();
    origin.put(
        "kustomization.yaml",
        "resources: [a.yaml, up/passwd, absolute/values.yaml, circle, module/a.yaml]\n",
    );
    let url = format!("file://{}", other.path().display());
    origin.git(&[
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        &url,
        "module",
    ]);
    origin.commit();
    let folder = tempfile::tempdir().unwrap();
    clone(origin.path(), folder.path(), &["--bare", "x.git"]);
    let output = run(
        folder.path(),
        &["--git-dir", "x.git", "--format", "concise", "-v"],
    );
    let (out, err) = (stdout(&output), stderr(&output));
    let found: Vec<&str> = out
        .lines()
        .filter(|line| line.contains(": warning"))
        .collect();
    assert_eq!(found.len(), 1, "{out}");
    assert!(found[0].starts_with("x.git/a.yaml:"), "{out}");
    assert!(
        err.contains("x.git/module: a submodule, whose files are in another repository"),
        "{err}"
    );
}

#[test]
fn many_repositories_are_read_and_named_each() {
    let origins: Vec<Repository> = (0..5)
        .map(|_| Repository::new(&[("a.yaml", LEGACY)]))
        .collect();
    origins[3].put(".regfix.yaml", "exclud: [a]\n");
    origins[3].commit();
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let names: Vec<String> = (0..5).map(|number| format!("team/{number}.git")).collect();
    fs::create_dir(at.join("team")).unwrap();
    for (origin, name) in origins.iter().zip(&names) {
        clone(origin.path(), at, &["--bare", name]);
    }
    fs::create_dir(at.join("reports")).unwrap();
    fs::write(at.join("list"), names.join("\n") + "\nnowhere.git\n").unwrap();
    let rows = |arguments: &[&str]| {
        let output = run(
            at,
            &[
                &[
                    "--format",
                    "jsonl",
                    "--repositories",
                    "list",
                    "--rev",
                    "main",
                ],
                arguments,
            ]
            .concat(),
        );
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        let text = stdout(&output);
        let rows = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let findings = rows.filter(|row| row["type"] == "finding");
        let names = findings.map(|row| {
            assert_eq!(row["commit"].as_str().map(str::len), Some(40));
            row["repository"].as_str().unwrap().to_owned()
        });
        (names.collect::<Vec<_>>(), stderr(&output))
    };
    let (found, err) = rows(&["--output", "markdown=reports/{repository}.md"]);
    assert_eq!(
        found,
        ["team/0.git", "team/1.git", "team/2.git", "team/4.git"]
    );
    assert!(err.contains("team/3.git/.regfix.yaml:1:1"), "{err}");
    assert!(err.contains("nowhere.git: not a git repository"), "{err}");
    assert!(at.join("reports/team-0.git.md").exists());
    // The shards together give the same findings as the whole run.
    let mut parts = Vec::new();
    for part in ["1/3", "2/3", "3/3"] {
        let output = run(
            at,
            &[
                "--format",
                "jsonl",
                "--repositories",
                "list",
                "--rev",
                "main",
                "--shard",
                part,
            ],
        );
        let text = stdout(&output);
        let rows = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        parts.extend(
            rows.filter(|row| row["type"] == "finding")
                .map(|row| row["repository"].as_str().unwrap().to_owned()),
        );
    }
    parts.sort();
    assert_eq!(parts, found);
}

#[test]
fn what_makes_no_sense_is_refused_with_what_to_do() {
    let origin = Repository::new(&[("a.yaml", LEGACY)]);
    let folder = tempfile::tempdir().unwrap();
    clone(origin.path(), folder.path(), &["--bare", "x.git"]);
    let before = files(folder.path());
    for (arguments, expected) in [
        (
            &["--git-dir", "x.git", "--write"][..],
            "--write needs a working tree",
        ),
        (
            &["--git-dir", "x.git", "--write-baseline"],
            "--write-baseline needs a working tree",
        ),
        (
            &["--git-dir", "x.git", "--add-ignores"],
            "--add-ignores needs a working tree",
        ),
        (&["--git-dir", "x.git", "x.git"], "take no PATH"),
        (&["--rev", "main"], "add `--git-dir DIR`"),
        (&["x.git"], "write `regfix --git-dir x.git`"),
        (
            &["--git-dir", "x.git", "--rev", "nope"],
            "x.git: there is no revision \"nope\"",
        ),
        (
            &["--git-dir", "."],
            ".: not a git repository: name a bare repository",
        ),
        (
            &["--git-dir", "x.git", "--since", "main"],
            "cannot be used with",
        ),
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = stderr(&output);
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    assert_eq!(files(folder.path()), before);
}
