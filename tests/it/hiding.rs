//! Ways in which a repository, and so a pull request, can hide findings from a run: most fail, and what is hidden is
//! counted.

use std::fs;

use crate::common::{LEGACY, run, stderr, stdout};
use crate::repository::Repository;

/// Returns the files that have findings.
fn found(repository: &Repository, arguments: &[&str]) -> Vec<String> {
    let output = run(
        repository.path(),
        &[&["--format", "concise"], arguments].concat(),
    );
    assert!(output.status.code() < Some(2), "{}", stderr(&output));
    let text = stdout(&output);
    let places = text.lines().filter_map(|line| line.split_once(":1:8: "));
    places.map(|(path, _)| path.to_owned()).collect()
}

#[test]
fn what_git_tracks_is_looked_at_whatever_ignore_files_say() {
    for name in [
        ".gitignore",
        ".ignore",
        ".git/info/exclude",
        "sub/.gitignore",
    ] {
        let repository = Repository::new(&[("a.yaml", LEGACY), ("sub/deep/b.yaml", LEGACY)]);
        repository.put("new.yaml", LEGACY);
        repository.put("sub/deep/new.yaml", LEGACY);
        repository.put(name, "*.yaml\n/deep/\n/sub/\n");
        let mut expected = vec!["a.yaml", "sub/deep/b.yaml"];
        if name.starts_with("sub/") {
            expected.insert(1, "new.yaml");
        }
        let mut all = found(&repository, &[]);
        all.sort();
        expected.sort_unstable();
        assert_eq!(all, expected, "{name}");
        // Also from a folder below the top; there only tracked files are found.
        let below = run(&repository.path().join("sub"), &["--format", "concise"]);
        let text = stdout(&below);
        assert!(text.starts_with("deep/b.yaml:1:8"), "{name}: {text}");
        assert!(!text.contains("new.yaml"), "{name}: {text}");
    }
}

#[test]
fn a_cache_that_git_tracks_is_looked_at() {
    let repository = Repository::new(&[(".terraform/a.yaml", LEGACY)]);
    repository.put(".venv/a.yaml", LEGACY);
    assert_eq!(found(&repository, &[]), [".terraform/a.yaml"]);
    assert!(found(&repository, &["--no-hidden"]).is_empty());
}

#[test]
fn a_repository_within_another_tracks_its_own() {
    let repository = Repository::new(&[("a.yaml", LEGACY), (".gitignore", "inner/\n")]);
    let inner = Repository::new(&[("b.yaml", LEGACY)]);
    fs::rename(inner.path(), repository.path().join("inner")).unwrap();
    // The outer repository ignores the inner one as a whole, and tracks nothing in it.
    assert_eq!(found(&repository, &[]), ["a.yaml"]);
    assert_eq!(found(&repository, &["inner"]), ["inner/b.yaml"]);
    repository.put("inner/.gitignore", "b.yaml\nc.yaml\n");
    repository.put("inner/c.yaml", LEGACY);
    assert_eq!(found(&repository, &["inner"]), ["inner/b.yaml"]);
}

#[test]
fn an_index_that_cannot_be_read_is_told() {
    let repository = Repository::new(&[("a.yaml", LEGACY), ("b.yaml", LEGACY)]);
    repository.put(".gitignore", "a.yaml\n");
    repository.put(".git/index", "no index at all");
    let output = run(repository.path(), &["--format", "concise", "--verbose"]);
    let said = stderr(&output);
    assert!(said.contains("it is not known what git tracks"), "{said}");
    assert!(stdout(&output).starts_with("b.yaml:1:8"));
}

/// Everything that is left out is counted, in every report that has counts.
#[test]
fn what_is_left_out_is_counted() {
    let repository = Repository::new(&[
        ("a.yaml", "image: registry.k8s.io/pause:3.2\n"),
        ("excluded/a.yaml", LEGACY),
        ("excluded/b.yaml", LEGACY),
        ("excluded/c.txt", LEGACY),
        (".regfix.yaml", "exclude: [excluded]\n"),
        (".gitignore", "out/\nlog.yaml\n*.txt\n"),
        (".github/workflow.yaml", LEGACY),
        (".gitlab-ci.yml", LEGACY),
        (".npmrc", LEGACY),
        ("vendor/a.yaml", LEGACY),
    ]);
    repository.put("out/a.yaml", LEGACY);
    repository.put("out/b.yaml", LEGACY);
    repository.put("log.yaml", LEGACY);
    repository.put("log.txt", LEGACY);
    repository.put(".venv/a.yaml", LEGACY);
    let arguments = ["--exclude", "vendor/", "--no-hidden"];
    let line = "Not checked: 3 excluded, 2 ignored, 3 hidden (a folder counts once)";
    let full = run(repository.path(), &arguments);
    assert_eq!(full.status.code(), Some(0), "{}", stderr(&full));
    let text = stdout(&full);
    assert!(text.contains(line), "{text}");
    let concise = run(
        repository.path(),
        &[&arguments[..], &["--format", "concise"]].concat(),
    );
    let text = stdout(&concise);
    assert!(
        text.contains("; 3 excluded; 2 ignored; 3 hidden\n"),
        "{text}"
    );
    let markdown = run(
        repository.path(),
        &[&arguments[..], &["--format", "markdown"]].concat(),
    );
    assert!(stdout(&markdown).contains(line), "{}", stdout(&markdown));
    for format in ["json", "jsonl"] {
        let output = run(
            repository.path(),
            &[&arguments[..], &["--format", format]].concat(),
        );
        let text = stdout(&output);
        for part in ["\"excluded\":3", "\"ignored\":2", "\"hidden\":3"] {
            assert!(text.contains(part), "{format}: {text}");
        }
    }
    let verbose = run(
        repository.path(),
        &[&arguments[..], &["--verbose"]].concat(),
    );
    let said = stderr(&verbose);
    for row in [
        "excluded/a.yaml: excluded",
        "vendor: excluded",
        "out: listed in an ignore file",
        "log.yaml: listed in an ignore file",
        ".github: hidden",
        ".gitlab-ci.yml: hidden",
        ".venv: a hidden folder that a tool fills",
    ] {
        assert!(said.contains(&format!("regfix: {row}\n")), "{row}: {said}");
    }
    assert!(
        !said.contains(".npmrc") && !said.contains("log.txt"),
        "{said}"
    );
    // Nothing is printed if nothing is left out.
    let plain = Repository::new(&[("a.yaml", "image: registry.k8s.io/pause:3.2\n")]);
    let text = stdout(&run(plain.path(), &[]));
    assert!(!text.contains("Not checked"), "{text}");
}

/// A pull request is judged by the configuration of its base, because its own could hide its changes.
#[test]
fn the_configuration_comes_from_a_revision() {
    let repository = Repository::new(&[
        ("sub/a.yaml", LEGACY),
        ("sub/kept.yaml", LEGACY),
        (".regfix.yaml", "exclude: [kept.yaml]\n"),
    ]);
    repository.put(".regfix.yaml", "exclude: ['*']\n");
    repository.put("sub/.regfix.yaml", "exclude: ['*']\n");
    assert!(found(&repository, &[]).is_empty());
    let base = ["--config-from", "HEAD"];
    assert_eq!(found(&repository, &base), ["sub/a.yaml"]);
    let below = run(
        &repository.path().join("sub"),
        &["--config-from", "HEAD", "--format", "concise"],
    );
    let text = stdout(&below);
    assert!(
        text.starts_with("a.yaml:1:8: ") && !text.contains("kept.yaml:"),
        "{text}"
    );
    // The settings of the run did not change, so only changed files are checked.
    assert!(found(&repository, &["--config-from", "HEAD", "--since", "HEAD"]).is_empty());
    repository.put("sub/b.yaml", LEGACY);
    let since = ["--config-from", "HEAD", "--since", "HEAD"];
    assert_eq!(found(&repository, &since), ["sub/b.yaml"]);
    for (arguments, message) in [
        (
            &["--config-from", "nowhere"][..],
            "--config-from: there is no revision \"nowhere\"",
        ),
        (
            &["--config-from", "HEAD", "--no-config"],
            "cannot be used with",
        ),
    ] {
        let output = run(repository.path(), arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
    }
}

#[test]
fn a_revision_without_a_configuration_has_none() {
    let repository = Repository::new(&[("a.yaml", LEGACY)]);
    repository.put(".regfix.yaml", "exclude: ['*']\n");
    assert_eq!(found(&repository, &["--config-from", "HEAD"]), ["a.yaml"]);
}

/// The id of a built-in rule vouches for the built-in target, not for one set by a configuration.
#[test]
fn a_built_in_rule_that_moves_elsewhere_is_marked_and_needs_review() {
    let mark = "(rule changed by the configuration)";
    for (settings, is_marked) in [
        ("{id: k8s-gcr-io, to: evil.example.com, safety: safe}", true),
        (
            "{id: k8s-gcr-io, rename: {pause: evil}, safety: safe}",
            true,
        ),
        ("{id: k8s-gcr-io, severity: error}", false),
        (
            "{id: own-rule, from: other.example.com, to: mine.example.com}",
            false,
        ),
    ] {
        let repository = Repository::new(&[
            ("a.yaml", LEGACY),
            (".regfix.yaml", &format!("rules: [{settings}]\n")),
        ]);
        for format in ["concise", "full", "json", "sarif", "github", "markdown"] {
            let text = stdout(&run(repository.path(), &["--format", format]));
            assert_eq!(
                text.contains(mark),
                is_marked,
                "{format}: {settings}: {text}"
            );
        }
        run(repository.path(), &["--write"]);
        let written = fs::read_to_string(repository.path().join("a.yaml")).unwrap();
        assert_eq!(written == LEGACY, is_marked, "{settings}: {written}");
        run(repository.path(), &["--write", "--unsafe-fixes"]);
        let written = fs::read_to_string(repository.path().join("a.yaml")).unwrap();
        assert_ne!(written, LEGACY, "{settings}");
    }
}

#[test]
fn a_manifest_cannot_hide_behind_the_names_of_regfix_itself() {
    let names = [
        ".regfix-notes.yaml",
        ".regfix-0000000000000007.yaml",
        ".regfix-0000000000000007-0123456789abcdef.yaml",
        ".regfix-baseline.yaml",
    ];
    let repository = Repository::new(&names.map(|name| (name, LEGACY)));
    let mut all = found(&repository, &[]);
    all.sort();
    let mut expected = names;
    expected.sort_unstable();
    assert_eq!(all, expected);
}
