//! Files in UTF-16 are fixed and stay in UTF-16, and reports name the files that could not be decoded.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use regfix::encoding::Encoding;
use serde_json::Value;

use crate::common::{folder, pipe, run, stderr, stdout};

const UTF_16: [Encoding; 2] = [Encoding::Utf16Le, Encoding::Utf16Be];

fn fill(folder: &Path, encoding: Encoding, files: &[(&str, &str)]) {
    let files = files.iter();
    let files: BTreeMap<PathBuf, Vec<u8>> = files
        .map(|(path, text)| {
            let bytes = encoding.encode(&format!("\u{feff}{text}")).into_owned();
            (PathBuf::from(path), bytes)
        })
        .collect();
    crate::common::fill(folder, &files);
}

fn text_of(path: &Path, encoding: Encoding) -> String {
    let (text, found) = regfix::encoding::decode(fs::read(path).unwrap()).unwrap();
    assert_eq!(found, encoding);
    text
}

fn report(output: &std::process::Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// As Windows editors save it. YAML detects the encoding without a mark.
#[test]
fn utf_16_without_a_mark_is_found_and_fixed() {
    let text = "image: k8s.gcr.io/pause:3.2\r\nname: ä\n";
    for encoding in UTF_16 {
        let folder = folder(&[]);
        let path = folder.path().join("a.yaml");
        fs::write(&path, encoding.encode(text)).unwrap();
        let output = run(folder.path(), &["--write"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let moved = text.replace("k8s.gcr.io", "registry.k8s.io");
        assert_eq!(
            fs::read(&path).unwrap(),
            encoding.encode(&moved).into_owned()
        );
    }
}

#[test]
fn utf_16_is_found_and_fixed_byte_for_byte() {
    let text = "# ä雪\u{1f600}\r\nimage: k8s.gcr.io/pause:3.2\r\nname: ä";
    for encoding in UTF_16 {
        let folder = folder(&[]);
        fill(folder.path(), encoding, &[("a.yaml", text)]);
        let output = run(folder.path(), &["--format=json"]);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        let found = report(&output);
        let span = &found["files"][0]["findings"][0]["spans"][0];
        assert_eq!((&span["line"], &span["column"]), (&2.into(), &8.into()));
        // Offsets refer to the text in UTF-8.
        let start = "\u{feff}".len() + text.find("k8s.gcr.io").unwrap();
        assert_eq!(span["start"], start);
        let listed = stdout(&run(folder.path(), &["images"]));
        assert_eq!(listed, "a.yaml:2:8: k8s.gcr.io/pause:3.2\n");

        let output = run(folder.path(), &["--write"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let moved = text.replace("k8s.gcr.io", "registry.k8s.io");
        let expected = encoding.encode(&format!("\u{feff}{moved}")).into_owned();
        assert_eq!(fs::read(folder.path().join("a.yaml")).unwrap(), expected);
        let output = run(folder.path(), &[]);
        assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    }
}

#[test]
fn files_that_go_together_keep_their_encodings() {
    let deployment =
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: k8s.gcr.io/pause:3.2\n";
    let overlay = "resources: [../base]\nimages:\n- name: k8s.gcr.io/pause\n  newTag: '3.9'\n";
    for encoding in UTF_16 {
        let folder = folder(&[
            ("base/kustomization.yaml", "resources: [pod.yaml]\n"),
            ("base/pod.yaml", deployment),
        ]);
        fill(
            folder.path(),
            encoding,
            &[("overlay/kustomization.yaml", overlay)],
        );
        let output = run(folder.path(), &["--write"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let written = text_of(&folder.path().join("overlay/kustomization.yaml"), encoding);
        let moved = overlay.replace("k8s.gcr.io", "registry.k8s.io");
        assert_eq!(written, format!("\u{feff}{moved}"));
        let base = fs::read_to_string(folder.path().join("base/pod.yaml")).unwrap();
        assert_eq!(base, deployment.replace("k8s.gcr.io", "registry.k8s.io"));
    }
}

#[test]
fn standard_input_and_configuration_may_be_utf_16() {
    for encoding in UTF_16 {
        let folder = folder(&[]);
        let bytes = encoding.encode("\u{feff}image: k8s.gcr.io/pause:3.2\r\n");
        let output = pipe(folder.path(), &["--write", "-"], &bytes);
        let expected = encoding.encode("\u{feff}image: registry.k8s.io/pause:3.2\r\n");
        assert_eq!(output.stdout, &*expected, "{}", stderr(&output));
        let files = [
            (".regfix.yaml", "ignore: [k8s-gcr-io]\n"),
            ("a.yaml", "image: k8s.gcr.io/pause:3.2\n"),
        ];
        fill(folder.path(), encoding, &files);
        let output = run(folder.path(), &[]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
}

/// Returns the messages of `files[].problems`, by path.
fn problems(output: &std::process::Output) -> BTreeMap<String, Vec<String>> {
    let report = report(output);
    let files = report["files"].as_array().unwrap().iter();
    let of_file = |file: &Value| {
        let messages = file["problems"].as_array().unwrap().iter();
        let messages = messages.map(|problem| problem["message"].as_str().unwrap().to_owned());
        (
            file["path"].as_str().unwrap().to_owned(),
            messages.collect(),
        )
    };
    files.map(of_file).collect()
}

#[test]
fn the_report_lists_what_could_not_be_read() {
    let folder = folder(&[("c.yaml", "image: k8s.gcr.io/pause:3.2\n")]);
    let files = [
        ("b.yaml", &b"image: k8s.gcr.io/\xff\n"[..]),
        ("d.yaml", b"\xff\xfei\0m\0a"),
        ("e/kustomization.yaml", b"\xff\xfei\0m\0a"),
    ];
    for (path, bytes) in files {
        crate::common::fill(
            folder.path(),
            &BTreeMap::from([(PathBuf::from(path), bytes.to_vec())]),
        );
    }
    let output = run(
        folder.path(),
        &["--format=json", "--output=jsonl=lines", ".", "missing.yaml"],
    );
    assert_eq!(output.status.code(), Some(2));
    let advice = "not analysed; convert it to UTF-8, or exclude it";
    let expected = [
        ("b.yaml", format!("is not UTF-8 at byte 18: {advice}")),
        ("d.yaml", format!("is not UTF-16 at byte 6: {advice}")),
        (
            "e/kustomization.yaml",
            format!("is not UTF-16 at byte 6: {advice}"),
        ),
        (
            "missing.yaml",
            "no such file or folder; check the spelling and the working directory".to_owned(),
        ),
    ];
    let mut found = problems(&output);
    assert_eq!(found.remove("c.yaml"), Some(Vec::new()));
    let expected = expected.map(|(path, message)| (path.to_owned(), vec![message]));
    assert_eq!(found, BTreeMap::from(expected));
    let lines = fs::read_to_string(folder.path().join("lines")).unwrap();
    assert_eq!(lines.matches("\"type\":\"problem\"").count(), 4, "{lines}");
    // The formats for people have the problem only once, on standard error.
    let output = run(folder.path(), &["--format=concise", "d.yaml"]);
    assert!(!stdout(&output).contains("UTF-16"), "{output:?}");
    assert_eq!(stderr(&output).matches("UTF-16").count(), 1, "{output:?}");
    // A preview includes the problem in its report files.
    let output = run(folder.path(), &["--diff", "--output=jsonl=lines", "d.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    let lines = fs::read_to_string(folder.path().join("lines")).unwrap();
    assert_eq!(lines.matches("is not UTF-16").count(), 1, "{lines}");
    let output = pipe(folder.path(), &["--format=json", "-"], b"image: \xff");
    assert_eq!(output.status.code(), Some(2));
    assert!(problems(&output)["<stdin>"][0].starts_with("is not UTF-8 at byte 7"));
}
