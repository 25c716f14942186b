//! Documents that are opened, changed, saved and closed, and the diagnostics shown meanwhile.

use std::fs;

use serde_json::{Value, json};

use super::editor::{Editor, able, offset};
use crate::common::{files, folder, regfix};

const POD: &str = "kind: Pod\nspec:\n  containers:\n    - image: k8s.gcr.io/pause:3.9\n";

fn rule(name: &str, line: usize, column: usize) -> (String, usize, usize) {
    (name.to_owned(), line, column)
}

#[test]
fn a_finding_is_shown_with_its_rule_its_link_and_its_tag() {
    let folder = folder(&[("pod.yaml", POD)]);
    let mut editor = Editor::start(folder.path());
    editor.open("pod.yaml", POD);
    let all = editor.diagnostics("pod.yaml");
    let [one] = &all[..] else { panic!("{all:?}") };
    assert_eq!(one["code"], "k8s-gcr-io");
    assert_eq!(one["source"], "regfix");
    assert_eq!(one["severity"], 2);
    assert_eq!(one["tags"], json!([2]), "deprecated");
    let link = one["codeDescription"]["href"].as_str().unwrap();
    assert!(link.starts_with("https://kubernetes.io/"), "{link}");
    let message = one["message"].as_str().unwrap();
    assert!(
        message.ends_with("k8s.gcr.io/pause:3.9 → registry.k8s.io/pause:3.9"),
        "{message}"
    );
    let range = &one["range"];
    assert_eq!(range["start"], json!({"line": 3, "character": 13}));
    assert_eq!(range["end"], json!({"line": 3, "character": 29}));
    editor.stop();
}

#[test]
fn what_is_typed_counts_before_it_is_saved_and_nothing_is_shown_of_what_is_closed() {
    let folder = folder(&[("pod.yaml", "kind: Pod\n")]);
    let mut editor = Editor::start(folder.path());
    editor.open("pod.yaml", "kind: Pod\n");
    assert_eq!(editor.found("pod.yaml"), []);
    editor.edit("pod.yaml", 10, 10, "image: k8s.gcr.io/pause:3.9\n");
    assert_eq!(editor.found("pod.yaml"), [rule("k8s-gcr-io", 2, 8)]);
    editor.edit("pod.yaml", 17, 20, "registry.k8s");
    assert_eq!(
        editor.text("pod.yaml"),
        "kind: Pod\nimage: registry.k8s.gcr.io/pause:3.9\n"
    );
    assert_eq!(editor.found("pod.yaml"), []);
    editor.edit("pod.yaml", 17, 29, "k8s");
    assert_eq!(editor.found("pod.yaml").len(), 1);
    editor.close("pod.yaml");
    editor.open("other.yaml", "kind: Pod\n");
    editor.diagnostics("other.yaml");
    assert_eq!(editor.published("pod.yaml"), Some(&Vec::new()));
    editor.stop();
}

#[test]
fn positions_are_right_in_each_encoding() {
    let folder = folder(&[]);
    let text = "a: ä𝒳\r\n\"ä𝒳\": {image: \"k8s.gcr.io/pause:3.9\"}\r\n";
    for encodings in [
        &["utf-8", "utf-16"][..],
        &["utf-16"],
        &["utf-32", "utf-16"],
        &[],
    ] {
        let mut editor =
            Editor::start_with(folder.path(), &[], able(encodings), &["."], Value::Null);
        let expected = encodings.first().copied().unwrap_or("utf-16");
        assert_eq!(editor.units, expected);
        editor.open("new.yaml", text);
        let all = editor.diagnostics("new.yaml");
        let range = &all[0]["range"];
        let [start, end] = ["start", "end"].map(|end| offset(text, &range[end], expected));
        assert_eq!(&text[start..end], "k8s.gcr.io/pause", "{expected}");
        editor.stop();
    }
}

#[test]
fn a_chart_is_judged_with_what_is_typed_in_its_other_files() {
    let chart = "apiVersion: v2\nname: web\nversion: 1.0.0\n";
    let values = "image:\n  registry: k8s.gcr.io\n  repository: pause\n  tag: \"3.9\"\n";
    let template = "spec:\n  containers:\n    - image: {{ .Values.image.registry }}/{{ .Values.image.repository }}:{{ .Values.image.tag }}\n";
    let folder = folder(&[
        ("web/Chart.yaml", chart),
        ("web/values.yaml", values),
        ("web/templates/pod.yaml", template),
    ]);
    let mut editor = Editor::start(folder.path());
    editor.open("web/values.yaml", values);
    assert_eq!(editor.found("web/values.yaml"), [rule("k8s-gcr-io", 2, 13)]);
    // The template puts a host before the value, so the value cannot be moved any more.
    editor.open("web/templates/pod.yaml", template);
    let at = template.find("{{").unwrap();
    editor.edit("web/templates/pod.yaml", at, at, "mirror.example.com/");
    let fixes = editor.actions("web/values.yaml", 0, values.len(), &["quickfix"]);
    let preferred = fixes.iter().filter(|fix| fix["isPreferred"] == true);
    assert_eq!(preferred.count(), 0, "{fixes:#?}");
    editor.edit("web/templates/pod.yaml", at, at + 19, "");
    let fixes = editor.actions("web/values.yaml", 0, values.len(), &["quickfix"]);
    assert!(
        fixes.iter().any(|fix| fix["isPreferred"] == true),
        "{fixes:#?}"
    );
    editor.stop();
}

#[test]
fn the_configuration_of_the_repository_counts_and_is_read_again_when_it_is_saved() {
    let folder = folder(&[
        ("pod.yaml", POD),
        (".regfix.yaml", "ignore: [k8s-gcr-io]\n"),
    ]);
    let mut editor = Editor::start(folder.path());
    editor.open("pod.yaml", POD);
    assert_eq!(editor.found("pod.yaml"), []);
    editor.open(".regfix.yaml", "ignore: [k8s-gcr-io]\n");
    let text = editor.text(".regfix.yaml").len();
    editor.edit(".regfix.yaml", 0, text, "ignore: [bitnami-*]\n");
    editor.save(".regfix.yaml");
    assert_eq!(editor.found("pod.yaml").len(), 1);
    // A mistake in the settings is shown once, and nothing is reported until it is corrected.
    let text = editor.text(".regfix.yaml").len();
    editor.edit(".regfix.yaml", 0, text, "ignored: []\n");
    editor.save(".regfix.yaml");
    assert_eq!(editor.found("pod.yaml"), []);
    assert_eq!(editor.shown.len(), 1, "{:?}", editor.shown);
    assert!(editor.shown[0].contains("ignored"), "{:?}", editor.shown);
    fs::remove_file(editor.path(".regfix.yaml")).unwrap();
    let gone = json!({"uri": editor.uri(".regfix.yaml"), "type": 3});
    editor.notify(
        "workspace/didChangeWatchedFiles",
        json!({"changes": [gone]}),
    );
    assert_eq!(editor.found("pod.yaml").len(), 1);
    assert!(
        editor.asked[0].starts_with("client/registerCapability"),
        "{:?}",
        editor.asked
    );
    editor.stop();
}

#[test]
fn the_settings_of_the_editor_count_and_can_change() {
    let folder = folder(&[("pod.yaml", POD)]);
    let ignoring = json!({"ignore": ["k8s-gcr-io"]});
    let mut editor = Editor::start_with(folder.path(), &[], able(&["utf-8"]), &["."], ignoring);
    editor.open("pod.yaml", POD);
    assert_eq!(editor.found("pod.yaml"), []);
    let set = |editor: &mut Editor, settings: Value| {
        let settings = json!({"settings": {"regfix": settings}});
        editor.notify("workspace/didChangeConfiguration", settings);
    };
    set(&mut editor, json!({"minSeverity": "warning"}));
    assert_eq!(editor.found("pod.yaml").len(), 1);
    set(&mut editor, json!({"exclude": ["pod.yaml"]}));
    assert_eq!(editor.found("pod.yaml"), []);
    set(&mut editor, json!({"select": ["no-such-rule"]}));
    assert_eq!(editor.found("pod.yaml"), []);
    assert!(
        editor
            .shown
            .iter()
            .any(|shown| shown.contains("no-such-rule")),
        "{:?}",
        editor.shown
    );
    set(&mut editor, json!({"select": 1}));
    set(&mut editor, json!({}));
    assert_eq!(editor.found("pod.yaml").len(), 1);
    assert!(
        editor
            .shown
            .iter()
            .any(|shown| shown.contains("settings of the editor"))
    );
    editor.stop();
}

#[test]
fn several_folders_have_settings_of_their_own_and_can_come_and_go() {
    let folder = folder(&[
        ("one/pod.yaml", POD),
        ("two/pod.yaml", POD),
        ("two/.regfix.yaml", "ignore: [k8s-gcr-io]\n"),
        ("three/pod.yaml", POD),
    ]);
    for name in ["one", "two", "three"] {
        fs::create_dir(folder.path().join(name).join(".git")).unwrap();
    }
    let mut editor = Editor::start_with(
        folder.path(),
        &[],
        able(&["utf-8"]),
        &["one", "two"],
        Value::Null,
    );
    editor.open("one/pod.yaml", POD);
    editor.open("two/pod.yaml", POD);
    // This document is outside the folders of the editor, so it is judged alone.
    editor.open("three/pod.yaml", POD);
    assert_eq!(editor.found("one/pod.yaml").len(), 1);
    assert_eq!(editor.found("two/pod.yaml"), []);
    assert_eq!(editor.found("three/pod.yaml").len(), 1);
    let [one, three] = ["one", "three"].map(|name| json!({"uri": editor.uri(name), "name": name}));
    editor.notify(
        "workspace/didChangeWorkspaceFolders",
        json!({"event": {"added": [three], "removed": [one]}}),
    );
    for name in ["one", "three"] {
        assert_eq!(editor.found(&format!("{name}/pod.yaml")).len(), 1, "{name}");
    }
    assert_eq!(editor.found("two/pod.yaml"), []);
    editor.stop();
}

#[test]
fn documents_that_are_no_files_are_judged_too() {
    let folder = folder(&[]);
    let mut editor = Editor::start(folder.path());
    for (name, language, count) in [
        ("untitled:Untitled-1", "yaml", 1),
        ("vscode-vfs://github/o/r/pod.yaml", "yaml", 1),
        ("untitled:Untitled-2", "rust", 0),
    ] {
        editor.open_as(name, language, POD);
        assert_eq!(editor.found(name).len(), count, "{name}");
    }
    editor.stop();
}

#[test]
fn what_a_run_leaves_out_is_left_out() {
    let folder = folder(&[
        (".gitignore", "built/\n"),
        ("built/pod.yaml", POD),
        ("pod.txt", POD),
    ]);
    fs::create_dir(folder.path().join(".git")).unwrap();
    let mut editor = Editor::start(folder.path());
    for name in ["built/pod.yaml", "pod.txt"] {
        editor.open(name, POD);
        assert_eq!(editor.found(name), [], "{name}");
    }
    editor.open("new/pod.yaml", POD);
    assert_eq!(
        editor.found("new/pod.yaml").len(),
        1,
        "it is not on the disk yet"
    );
    editor.stop();
}

#[test]
fn a_question_that_is_cancelled_has_an_error_for_an_answer() {
    let folder = folder(&[("pod.yaml", POD)]);
    let mut editor = Editor::start(folder.path());
    editor.open("pod.yaml", POD);
    let uri = editor.uri("pod.yaml");
    let asked = json!({"textDocument": {"uri": uri}, "position": {"line": 3, "character": 15}});
    // The server answers nothing before its first walk.
    let id = editor.ask("textDocument/hover", asked);
    editor.notify("$/cancelRequest", json!({"id": id}));
    match editor.answer(id) {
        Err(error) => assert_eq!(error["code"], -32800),
        // The answer was sent before the cancellation arrived.
        Ok(answer) => assert!(answer["contents"]["value"].is_string()),
    }
    assert_eq!(editor.found("pod.yaml").len(), 1);
    let unknown = editor.request("textDocument/rename", json!({}));
    assert_eq!(unknown.unwrap_err()["code"], -32601);
    let wrong = editor.request("textDocument/hover", json!({}));
    assert_eq!(wrong.unwrap_err()["code"], -32602);
    let closed = editor.uri("closed.yaml");
    let asked = json!({"textDocument": {"uri": closed}, "position": {"line": 0, "character": 0}});
    assert_eq!(editor.request("textDocument/hover", asked), Ok(Value::Null));
    editor.stop();
}

#[test]
fn the_server_ends_with_its_editor() {
    let folder = folder(&[]);
    let mut editor = Editor::start(folder.path());
    editor.open("a.yaml", POD);
    assert_eq!(editor.vanish().code(), Some(0));
}

#[test]
fn the_server_writes_nothing_and_asks_nobody() {
    let folder = folder(&[("pod.yaml", POD)]);
    let before = files(folder.path());
    let mut editor = Editor::start(folder.path());
    editor.open("pod.yaml", POD);
    for only in [&[][..], &["source.fixAll"]] {
        assert!(!editor.actions("pod.yaml", 0, POD.len(), only).is_empty());
    }
    let hover = editor.hover("pod.yaml", POD.find("pause").unwrap());
    let text = hover["contents"]["value"].as_str().unwrap();
    assert!(!text.contains("could not be checked"), "{text}");
    editor.stop();
    assert_eq!(files(folder.path()), before);
}

#[test]
fn what_is_no_message_ends_the_server_with_a_reason() {
    let folder = folder(&[]);
    for input in ["Content-Length: 9\r\n\r\nnonsense!", "hello\r\n\r\n", ""] {
        let mut command = regfix(folder.path());
        let mut child = command
            .arg("lsp")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{input}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("does not keep to the protocol"), "{said}");
    }
}
