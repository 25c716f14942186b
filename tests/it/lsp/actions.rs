//! Code actions at a finding and their edits; and hover texts.

use std::fs;

use serde_json::{Value, json};

use super::editor::{Editor, able};
use crate::common::{folder, run};

const POD: &str = "kind: Pod\nspec:\n  containers:\n    - image: k8s.gcr.io/pause:3.9\n    - image: bitnami/redis:7.0.1\n";

fn titles(actions: &[Value]) -> Vec<&str> {
    actions
        .iter()
        .map(|action| action["title"].as_str().unwrap())
        .collect()
}

/// Returns the action whose title starts with `start`.
fn action<'a>(actions: &'a [Value], start: &str) -> &'a Value {
    let mut all = actions.iter();
    let found = all.find(|action| action["title"].as_str().unwrap().starts_with(start));
    found.unwrap_or_else(|| panic!("no {start} in {:?}", titles(actions)))
}

fn at(text: &str, word: &str) -> usize {
    text.find(word).unwrap()
}

#[test]
fn a_safe_fix_is_preferred_and_one_that_needs_review_is_not() {
    let folder = folder(&[("pod.yaml", POD)]);
    let mut editor = Editor::start(folder.path());
    editor.open("pod.yaml", POD);
    assert_eq!(editor.diagnostics("pod.yaml").len(), 2);
    let safe = at(POD, "pause");
    let actions = editor.actions("pod.yaml", safe, safe, &[]);
    let fix = action(&actions, "Replace with registry.k8s.io/pause:3.9");
    assert_eq!(
        (&fix["isPreferred"], &fix["kind"]),
        (&json!(true), &json!("quickfix"))
    );
    assert_eq!(fix["diagnostics"][0]["code"], "k8s-gcr-io");
    let unsafe_ = at(POD, "redis");
    let others = editor.actions("pod.yaml", unsafe_, unsafe_, &[]);
    let other = action(
        &others,
        "Replace with bitnamilegacy/redis:7.0.1 (needs review",
    );
    assert_eq!(other["isPreferred"], Value::Null);
    editor.apply(&fix["edit"]);
    assert_eq!(
        editor.text("pod.yaml"),
        POD.replace("k8s.gcr.io", "registry.k8s.io")
    );
    assert_eq!(editor.found("pod.yaml").len(), 1);
    editor.stop();
}

#[test]
fn all_that_is_safe_in_a_file_is_fixed_as_write_does() {
    let folder = folder(&[("pod.yaml", POD), ("other.yaml", POD)]);
    let mut editor = Editor::start(folder.path());
    editor.open("pod.yaml", POD);
    // The text in the editor counts, not the one on disk.
    editor.edit("pod.yaml", 0, 0, "# ä𝒳\n");
    for only in [&["source.fixAll"][..], &["source.fixAll.regfix"]] {
        let actions = editor.actions("pod.yaml", 0, 0, only);
        assert_eq!(
            titles(&actions),
            ["Fix all that is safe in this file (regfix)"]
        );
    }
    assert_eq!(
        editor.actions("pod.yaml", 0, 0, &["source.organizeImports"]),
        Vec::<Value>::new()
    );
    let actions = editor.actions("pod.yaml", 0, 0, &["source.fixAll"]);
    editor.apply(&actions[0]["edit"]);
    editor.save("pod.yaml");
    fs::write(folder.path().join("written.yaml"), format!("# ä𝒳\n{POD}")).unwrap();
    run(folder.path(), &["--write", "written.yaml"]);
    let written = fs::read_to_string(folder.path().join("written.yaml")).unwrap();
    assert_eq!(editor.text("pod.yaml"), written);
    assert_eq!(
        editor.actions("pod.yaml", 0, 0, &["source.fixAll"]),
        Vec::<Value>::new()
    );
    assert_eq!(
        fs::read_to_string(folder.path().join("other.yaml")).unwrap(),
        POD
    );
    editor.stop();
}

#[test]
fn a_base_changes_together_with_what_selects_it() {
    let base = "kind: Pod\nspec:\n  containers:\n    - image: k8s.gcr.io/pause:3.9\n";
    let overlay =
        "resources: [../base]\nimages:\n  - name: k8s.gcr.io/pause\n    newTag: \"3.8\"\n";
    let folder = folder(&[
        ("base/kustomization.yaml", "resources: [pod.yaml]\n"),
        ("base/pod.yaml", base),
        ("overlay/kustomization.yaml", overlay),
    ]);
    let mut editor = Editor::start(folder.path());
    editor.open("base/pod.yaml", base);
    let place = at(base, "pause");
    let actions = editor.actions("base/pod.yaml", place, place, &["quickfix"]);
    let edit = &action(&actions, "Replace with registry.k8s.io/pause:3.9")["edit"];
    let changes = edit["documentChanges"].as_array().unwrap();
    assert_eq!(changes.len(), 2, "{edit:#}");
    let annotation = &edit["changeAnnotations"]["elsewhere"];
    assert_eq!(annotation["label"], "Changes together with pod.yaml");
    assert_eq!(annotation["needsConfirmation"], false);
    let annotated: Vec<bool> = changes
        .iter()
        .map(|change| change["edits"][0]["annotationId"] == "elsewhere")
        .collect();
    assert_eq!(annotated, [false, true]);
    editor.apply(edit);
    editor.save("base/pod.yaml");
    let selecting = fs::read_to_string(folder.path().join("overlay/kustomization.yaml")).unwrap();
    assert_eq!(selecting, overlay.replace("k8s.gcr.io", "registry.k8s.io"));
    assert_eq!(run(folder.path(), &[]).status.code(), Some(0));
    assert_eq!(editor.found("base/pod.yaml"), []);
    editor.stop();
}

#[test]
fn an_editor_that_knows_no_versions_gets_plain_changes() {
    let folder = folder(&[("pod.yaml", POD)]);
    let mut editor = Editor::start_with(folder.path(), &[], json!({}), &["."], Value::Null);
    assert_eq!(editor.units, "utf-16");
    editor.open("pod.yaml", POD);
    let all = editor.diagnostics("pod.yaml");
    assert_eq!(
        (&all[0]["tags"], &all[0]["codeDescription"]),
        (&Value::Null, &Value::Null)
    );
    let place = at(POD, "pause");
    let actions = editor.actions("pod.yaml", place, place, &["quickfix"]);
    let fix = action(&actions, "Replace with");
    let uri = editor.uri("pod.yaml");
    assert_eq!(
        fix["edit"]["changes"][&uri][0]["newText"],
        "registry.k8s.io"
    );
    // There is no baseline yet, and this editor cannot create files.
    assert!(
        !titles(&actions)
            .iter()
            .any(|title| title.contains("baseline"))
    );
    let hover = editor.hover("pod.yaml", place);
    assert_eq!(hover["contents"]["kind"], "plaintext");
    editor.stop();
}

#[test]
fn a_finding_goes_to_the_baseline() {
    let folder = folder(&[("pod.yaml", POD)]);
    let mut editor = Editor::start(folder.path());
    editor.open("pod.yaml", POD);
    for (word, left) in [("pause", 1), ("redis", 0)] {
        let place = at(POD, word);
        let actions = editor.actions("pod.yaml", place, place, &["quickfix"]);
        editor.apply(&action(&actions, "Add this")["edit"]);
        let changed = json!({"uri": editor.uri(".regfix-baseline.json"), "type": 2});
        editor.notify(
            "workspace/didChangeWatchedFiles",
            json!({"changes": [changed]}),
        );
        assert_eq!(editor.found("pod.yaml").len(), left, "{word}");
    }
    assert_eq!(run(folder.path(), &[]).status.code(), Some(0));
    let baseline = fs::read(folder.path().join(".regfix-baseline.json")).unwrap();
    run(folder.path(), &["--write-baseline"]);
    let written = fs::read(folder.path().join(".regfix-baseline.json")).unwrap();
    assert_eq!(baseline, written, "it is what --write-baseline writes");
    editor.stop();
}

#[test]
fn a_file_that_is_not_what_was_judged_is_not_edited() {
    let folder = folder(&[("pod.yaml", POD)]);
    let mut editor = Editor::start(folder.path());
    editor.open("pod.yaml", POD);
    let place = at(POD, "pause");
    editor.edit("pod.yaml", place, place, "cluster-");
    let actions = editor.actions("pod.yaml", place, place, &["quickfix"]);
    // Each edit names the version that it applies to.
    let edit = &action(&actions, "Replace with registry.k8s.io/cluster-pause:3.9")["edit"];
    assert_eq!(edit["documentChanges"][0]["textDocument"]["version"], 2);
    editor.stop();
}

#[test]
fn where_the_pointer_rests_on_a_finding_it_is_explained() {
    let folder = folder(&[("pod.yaml", POD)]);
    let mut editor = Editor::start_with(
        folder.path(),
        &["--stdio"],
        able(&["utf-8"]),
        &["."],
        Value::Null,
    );
    editor.open("pod.yaml", POD);
    let hover = editor.hover("pod.yaml", at(POD, "pause"));
    let text = hover["contents"]["value"].as_str().unwrap();
    for part in [
        "k8s.gcr.io/pause:3.9\n",
        "→ registry.k8s.io/pause:3.9",
        "safe: applied by `--write`",
        "Sources\n",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(hover["range"]["start"], json!({"line": 3, "character": 13}));
    assert_eq!(editor.hover("pod.yaml", 0), Value::Null);
    editor.stop();
}

#[test]
fn a_finding_is_ignored_by_a_comment_in_the_style_of_its_file() {
    let template =
        "kind: Pod\nspec:\n  containers:\n    - image: k8s.gcr.io/pause:{{ .Values.tag }}\n";
    let json = "{\"kind\": \"Pod\", \"spec\": {\"containers\": [{\"image\": \"k8s.gcr.io/pause:3.9\"}]}}\n";
    let folder = folder(&[
        (
            "web/Chart.yaml",
            "apiVersion: v2\nname: web\nversion: 1.0.0\n",
        ),
        ("web/templates/pod.yaml", template),
        ("pod.yaml", POD),
        ("pod.json", json),
    ]);
    let mut editor = Editor::start(folder.path());
    for (name, text, comment) in [
        ("pod.yaml", POD, "pause:3.9  # regfix: ignore[k8s-gcr-io]\n"),
        (
            "web/templates/pod.yaml",
            template,
            "}} {{- /* regfix: ignore[k8s-gcr-io] */}}\n",
        ),
    ] {
        editor.open(name, text);
        let before = editor.found(name);
        let place = at(text, "pause");
        let actions = editor.actions(name, place, place, &["quickfix"]);
        editor.apply(&action(&actions, "Ignore k8s-gcr-io here")["edit"]);
        assert!(editor.text(name).contains(comment), "{}", editor.text(name));
        assert_eq!(editor.found(name).len(), before.len() - 1, "{name}");
    }
    // JSON has no comments.
    editor.open("pod.json", json);
    let place = at(json, "pause");
    let actions = editor.actions("pod.json", place, place, &["quickfix"]);
    assert!(
        !titles(&actions)
            .iter()
            .any(|title| title.starts_with("Ignore"))
    );
    editor.stop();
}
