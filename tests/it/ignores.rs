//! Ignore comments that regfix writes, and their effect on references that could not be judged.

use std::fs;

use crate::common::{LEGACY, files, folder, run, stderr, stdout};

/// A name whose usage is unknown.
const UNJUDGED: &str = "note: some k8s.gcr.io\n";

#[test]
fn comments_are_written_and_the_rest_is_in_the_baseline() {
    let folder = folder(&[
        ("a.yaml", LEGACY),
        ("b.json", "{\"image\": \"k8s.gcr.io/pause:3.2\"}\n"),
        (
            "chart/Chart.yaml",
            "apiVersion: v2\nname: c\nversion: 1.0.0\n",
        ),
        (
            "chart/values.yaml",
            "tag: 1 # one\nimage: k8s.gcr.io/pause:3.2\n",
        ),
        (
            "chart/templates/a.yaml",
            "kind: Pod\nspec:\n  containers:\n  - image: k8s.gcr.io/pause:{{ .Values.tag }}\n",
        ),
    ]);
    let before = files(folder.path());
    let shown = run(folder.path(), &["--add-ignores", "--diff"]);
    assert!(
        stdout(&shown).contains("+image: k8s.gcr.io/pause:3.2  # regfix: ignore[k8s-gcr-io]\n"),
        "{}",
        stdout(&shown)
    );
    assert_eq!(files(folder.path()), before, "a preview writes nothing");
    let arguments = ["--add-ignores=we mirror it", "--until", "2090-01-31"];
    let output = run(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("Added 3 ignore comments in 3 files."),
        "{}",
        stdout(&output)
    );
    let text = |path: &str| fs::read_to_string(folder.path().join(path)).unwrap();
    let comment = "regfix: ignore[k8s-gcr-io] until=2090-01-31 we mirror it";
    for (path, line) in [
        (
            "a.yaml",
            format!("image: k8s.gcr.io/pause:3.2  # {comment}\n"),
        ),
        (
            "chart/values.yaml",
            format!("image: k8s.gcr.io/pause:3.2 # {comment}\n"),
        ),
        (
            "chart/templates/a.yaml",
            format!(
                "  - image: k8s.gcr.io/pause:{{{{ .Values.tag }}}} {{{{- /* {comment} */}}}}\n"
            ),
        ),
    ] {
        assert!(text(path).ends_with(&line), "{path}: {}", text(path));
    }
    assert_eq!(text("b.json"), "{\"image\": \"k8s.gcr.io/pause:3.2\"}\n");
    assert_eq!(text(".regfix-baseline.json").matches("\"rule\"").count(), 1);
    let after = files(folder.path());
    let again = run(folder.path(), &arguments);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert_eq!(files(folder.path()), after, "a second run adds nothing");
    let check = run(folder.path(), &[]);
    assert_eq!(check.status.code(), Some(0), "{}", stdout(&check));
    let later = run(folder.path(), &["--as-of", "2090-02-01"]);
    assert!(
        stdout(&later).contains("expired-ignore"),
        "{}",
        stdout(&later)
    );
}

#[test]
fn without_a_need_there_is_no_baseline() {
    let folder = folder(&[("a.yaml", LEGACY)]);
    let output = run(folder.path(), &["--add-ignores"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!folder.path().join(".regfix-baseline.json").exists());
}

#[test]
fn what_cannot_be_a_comment_is_refused() {
    let folder = folder(&[("a.yaml", LEGACY)]);
    for (arguments, message) in [
        (
            &["--add-ignores=a # b"][..],
            "--add-ignores: the reason must be one line",
        ),
        (
            &["--add-ignores=until=2030-01-01"],
            "give the last day with --until",
        ),
        (&["--add-ignores", "-"], "works with files only"),
        (&["--until", "2030-01-01"], "--add-ignores"),
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
    }
    assert_eq!(
        fs::read_to_string(folder.path().join("a.yaml")).unwrap(),
        LEGACY
    );
}

#[test]
fn an_ignore_comment_takes_a_name_off_the_list_of_those_not_judged() {
    let unjudged = |text: &str, config: &str| {
        let folder = folder(&[("a.yaml", text), (".regfix.yaml", config)]);
        let output = run(folder.path(), &[]);
        assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
        stdout(&output)
    };
    let reported = "1 legacy name not judged";
    let said = unjudged(UNJUDGED, "");
    assert!(said.starts_with("No findings in 1 file"), "{said}");
    assert!(said.contains(reported), "{said}");
    let commented = UNJUDGED.replace('\n', " # regfix: ignore[k8s-gcr-io]\n");
    for (text, config) in [
        (commented.as_str(), ""),
        (
            UNJUDGED,
            "overrides: [{files: a.yaml, ignore: [k8s-gcr-io]}]\n",
        ),
    ] {
        let said = unjudged(text, config);
        assert!(
            said.starts_with("No legacy registry references in 1 file"),
            "{said}"
        );
        assert!(said.contains("1 finding suppressed"), "{said}");
    }
    let other = commented.replace("k8s-gcr-io", "bitnami-latest");
    let folder = folder(&[("a.yaml", &other)]);
    let said = stdout(&run(folder.path(), &[]));
    assert!(
        said.contains("unused-ignore") && said.contains(reported),
        "{said}"
    );
}
