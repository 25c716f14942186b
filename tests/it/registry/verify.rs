//! `regfix --verify`: the answers of registries decide which fixes there are, and how safe they are.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use super::cli::run;
use super::server::{OCI_INDEX, Reply, Seen, Server, digest, index};
use crate::common::{folder, stderr, stdout};

/// The tags that exist in every repository.
const TAGS: &str = r#"{"tags":["3.1","3.2","3.9","9.99","latest","7.0.5","1.0"]}"#;

/// Answers as the registry: the old and the new location have the same images, except in repositories called `other`. Tags
/// that start with `gone` are missing at the new location, and tags that start with `secret` are denied.
fn registry(seen: &Seen) -> Reply {
    if seen.path.ends_with("/tags/list?n=1000") {
        return Reply::new(200).body(TAGS);
    }
    let Some((path, tag)) = seen.path.split_once("/manifests/") else {
        return Reply::new(200).body("{}");
    };
    let is_new = path.starts_with("/v2/new/");
    match tag {
        tag if tag.starts_with("gone") && is_new => Reply::error(404, "MANIFEST_UNKNOWN"),
        tag if tag.starts_with("secret") => Reply::error(403, "DENIED"),
        _ if path.ends_with("other") => Reply::manifest(OCI_INDEX, &index(&seen.path)),
        tag => Reply::manifest(OCI_INDEX, &index(tag)),
    }
}

/// Returns the digest of a tag that both locations have.
fn same(tag: &str) -> String {
    digest(&index(tag))
}

struct Case {
    server: Server,
    folder: tempfile::TempDir,
}

impl Case {
    fn new(files: &[(&str, &str)]) -> Self {
        Self {
            server: Server::start(registry),
            folder: folder(files),
        }
    }

    /// Returns flags that replace the registries by the test server.
    fn flags(&self) -> Vec<String> {
        let host = self.server.host();
        let mirrors = [
            ("docker.io/bitnami", "old"),
            ("docker.io/bitnamilegacy", "new"),
            ("k8s.gcr.io", "old"),
            ("registry.k8s.io", "new"),
            ("gcr.io", "old"),
        ];
        let mut all = vec!["--insecure-registry".to_owned(), host.clone()];
        for (from, to) in mirrors {
            all.extend([
                "--registry-mirror".to_owned(),
                format!("{from}={host}/{to}"),
            ]);
        }
        all
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let flags = self.flags();
        let flags = flags.iter().map(String::as_str);
        let all: Vec<&str> = arguments.iter().copied().chain(flags).collect();
        run(self.folder.path(), &all, None)
    }

    /// Returns the findings of the JSON report.
    fn findings(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.run(&[arguments, &["--format", "json"]].concat());
        let report: Value = serde_json::from_str(&stdout(&output)).unwrap_or_else(|error| {
            panic!("{error}: {}{}", stdout(&output), stderr(&output));
        });
        let files = report["files"].as_array().unwrap();
        let findings = files
            .iter()
            .flat_map(|file| file["findings"].as_array().unwrap());
        findings.cloned().collect()
    }

    fn finding(&self, arguments: &[&str]) -> Value {
        let mut findings = self.findings(arguments);
        assert_eq!(findings.len(), 1, "{findings:?}");
        findings.remove(0)
    }

    fn read(&self, path: impl AsRef<Path>) -> String {
        fs::read_to_string(self.folder.path().join(path)).unwrap()
    }
}

#[track_caller]
fn check(finding: &Value, outcome: &str, applicability: &str, text: &str) {
    assert_eq!(finding["verified"]["outcome"], outcome, "{finding}");
    assert_eq!(finding["applicability"], applicability, "{finding}");
    let said = finding["verified"]["text"].as_str().unwrap();
    assert!(said.contains(text), "{text}: {finding}");
}

#[test]
fn equal_digests_make_a_fix_safe() {
    let case = Case::new(&[("a.yaml", "image: bitnami/redis:7.0.5\n")]);
    assert_eq!(case.finding(&[])["applicability"], "unsafe");
    assert_eq!(case.server.lines().len(), 0, "nobody asked");
    let new = case.finding(&["--verify"]);
    check(&new, "exists", "unsafe", "verified: exists, sha256:");
    let both = case.finding(&["--verify=both"]);
    check(
        &both,
        "same-digest",
        "safe",
        "same digest at both locations",
    );
    assert_eq!(both["verified"]["digest"], same("7.0.5"));
    assert_eq!(both["reason"], Value::Null);
    let diff = stdout(&case.run(&["--diff", "--verify=both"]));
    assert!(
        diff.contains("+image: bitnamilegacy/redis:7.0.5\n"),
        "{diff}"
    );
    let output = case.run(&["--write", "--verify=both"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(case.read("a.yaml"), "image: bitnamilegacy/redis:7.0.5\n");
    assert!(
        stderr(&output).contains("asked registries about 2 images: 2 exist"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn other_digests_need_review() {
    let case = Case::new(&[
        ("a.yaml", "image: k8s.gcr.io/other:3.1\n"),
        (
            ".regfix.yaml",
            "rules:\n- {id: mine, from: k8s.gcr.io/other, to: registry.k8s.io/other, safety: safe}\n",
        ),
    ]);
    assert_eq!(case.finding(&[])["applicability"], "safe");
    let finding = case.finding(&["--verify=both"]);
    check(
        &finding,
        "other-digest",
        "unsafe",
        "at the old location, sha256:",
    );
    case.run(&["--write", "--verify=both"]);
    assert_eq!(case.read("a.yaml"), "image: k8s.gcr.io/other:3.1\n");
}

#[test]
fn what_is_missing_is_not_put_in_place() {
    let text = "rules:\n- {id: mine, from: k8s.gcr.io/x, to: registry.k8s.io/x, safety: safe}\n";
    let case = Case::new(&[
        ("a.yaml", "image: k8s.gcr.io/x:gone-3.5\n"),
        (".regfix.yaml", text),
    ]);
    assert_eq!(case.finding(&[])["applicability"], "safe");
    let finding = case.finding(&["--verify"]);
    assert_eq!(finding["verified"]["outcome"], "missing");
    assert_eq!(
        (&finding["new"], &finding["applicability"]),
        (&Value::Null, &Value::Null)
    );
    let said = finding["verified"]["text"].as_str().unwrap();
    assert_eq!(
        said,
        "registry.k8s.io/x:gone-3.5 does not exist (asked without credentials); nearest tags: latest"
    );
    let output = case.run(&["--write", "--unsafe-fixes", "--verify"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(case.read("a.yaml"), "image: k8s.gcr.io/x:gone-3.5\n");
}

/// Only a clear answer of the registry makes an image missing. All other answers change nothing.
#[test]
fn no_clear_answer_leaves_the_verdict() {
    let text = "rules:\n- {id: mine, from: k8s.gcr.io/x, to: registry.k8s.io/x, safety: safe}\n";
    let case = Case::new(&[
        ("a.yaml", "image: k8s.gcr.io/x:secret\n"),
        (".regfix.yaml", text),
    ]);
    let finding = case.finding(&["--verify=both"]);
    check(
        &finding,
        "undetermined",
        "safe",
        "not verified: registry.k8s.io/x:secret: denied",
    );
    let said = stderr(&case.run(&["--verify"]));
    assert!(said.contains("1 could not be determined"), "{said}");
}

/// The offline index does not have this tag; the registry does.
#[test]
fn answers_decide_in_place_of_the_index() {
    let case = Case::new(&[("a.yaml", "image: gcr.io/google-containers/pause:9.99\n")]);
    assert_eq!(case.finding(&[])["applicability"], "unsafe");
    let finding = case.finding(&["--verify"]);
    check(&finding, "exists", "safe", "exists");
    // The registry does not have this tag at the new location.
    let case = Case::new(&[("a.yaml", "image: gcr.io/google-containers/pause:gone\n")]);
    let finding = case.finding(&["--verify"]);
    assert_eq!(finding["applicability"], Value::Null, "{finding}");
}

/// A reference without a known tag cannot be verified.
#[test]
fn a_tag_that_is_not_known_is_not_asked_about() {
    let case = Case::new(&[(
        "values.yaml",
        "image:\n  registry: k8s.gcr.io\n  repository: pause\n",
    )]);
    let finding = case.finding(&["--verify"]);
    let outcome = &finding["verified"]["outcome"];
    assert!(
        *outcome == "undetermined" || *outcome == "exists",
        "{finding}"
    );
}

/// A base is judged by the tag with which it is finally pulled.
#[test]
fn overlays_set_the_tag_that_is_asked_about() {
    let files = |tag: &str| {
        [
            ("base/kustomization.yaml", "resources: [pod.yaml]\n".to_owned()),
            ("base/pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: k8s.gcr.io/pause:3.1}]}\n".to_owned()),
            ("over/kustomization.yaml", format!("resources: [../base]\nimages: [{{name: k8s.gcr.io/pause, newTag: {tag}}}]\n")),
        ]
    };
    for (tag, written) in [("'3.9'", true), ("gone", false)] {
        let files = files(tag);
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (*path, text.as_str()))
            .collect();
        let case = Case::new(&files);
        case.run(&["--write", "--verify"]);
        let base = case.read("base/pod.yaml");
        assert_eq!(
            base.contains("registry.k8s.io/pause:3.1"),
            written,
            "{tag}: {base}"
        );
    }
}

#[test]
fn each_image_is_asked_about_once() {
    let pods: String = (0..40)
        .map(|_| "---\nimage: k8s.gcr.io/pause:3.1\n")
        .collect();
    let case = Case::new(&[("a.yaml", &pods), ("b.yaml", &pods)]);
    case.run(&["--verify=both"]);
    let lines = case.server.lines();
    let heads = lines.iter().filter(|line| line.starts_with("HEAD "));
    assert_eq!(heads.count(), 2, "{lines:?}");
}

/// Every format that shows findings shows the result of the verification.
#[test]
fn every_format_says_it() {
    let case = Case::new(&[("a.yaml", "image: bitnami/redis:7.0.5\n")]);
    for format in [
        "full", "concise", "json", "jsonl", "sarif", "github", "gitlab", "junit", "rdjson", "html",
        "csv",
    ] {
        let text = stdout(&case.run(&["--verify=both", "--format", format]));
        let flat: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            flat.contains("same digest at both locations"),
            "{format}: {text}"
        );
    }
}

#[test]
fn standard_input_is_verified_too() {
    let case = Case::new(&[]);
    let host = case.server.host();
    let mirror = format!("registry.k8s.io={host}/new");
    let arguments = [
        "--write",
        "--verify",
        "--insecure-registry",
        &host,
        "--registry-mirror",
        &mirror,
        "-",
    ];
    for (tag, moved) in [("3.1", true), ("gone", false)] {
        let input = format!("image: k8s.gcr.io/pause:{tag}\n");
        let output = run(case.folder.path(), &arguments, Some(&input));
        assert_eq!(stdout(&output).contains("registry.k8s.io"), moved, "{tag}");
    }
}

/// A digest is pinned in its own key. `sha` may be meant without the algorithm, and an unquoted empty key has no known
/// type.
#[test]
fn pieces_are_pinned_where_they_have_a_key_for_it() {
    let pieces = "registry: k8s.gcr.io\n  repository: pause\n  tag: \"3.1\"";
    for (digest, expected) in [
        ("digest: \"\"", format!("digest: \"{}\"", same("3.1"))),
        (
            "digest: ''  # kept",
            format!("digest: '{}'  # kept", same("3.1")),
        ),
        ("sha: \"\"", "sha: \"\"".to_owned()),
        ("digest:", "digest:".to_owned()),
    ] {
        let case = Case::new(&[("values.yaml", &format!("image:\n  {pieces}\n  {digest}\n"))]);
        case.run(&["--write", "--unsafe-fixes", "--verify", "--pin"]);
        let moved = pieces.replace("k8s.gcr.io", "registry.k8s.io");
        assert_eq!(
            case.read("values.yaml"),
            format!("image:\n  {moved}\n  {expected}\n")
        );
    }
}

/// Creates a chart whose template builds an image from values.
fn chart(values: &str, image: &str) -> Case {
    let pod = format!(
        "kind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n    - image: \"{image}\"\n"
    );
    Case::new(&[
        ("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n"),
        ("values.yaml", values),
        ("templates/pod.yaml", &pod),
    ])
}

/// The templates decide how a digest is written, and whether it is read at all.
#[test]
fn templates_say_how_a_digest_is_pinned() {
    let pause = "{{ .Values.image.repository }}:{{ .Values.image.tag }}";
    let whole = same("3.1");
    let digits = whole.trim_start_matches("sha256:");
    for (key, image, expected) in [
        ("sha", "@sha256:{{ .Values.image.sha }}", digits),
        ("sha", "@{{ .Values.image.sha }}", &*whole),
        ("digest", "@{{ .Values.image.digest }}", &*whole),
        ("digest", "@sha256:{{ .Values.image.digest }}", digits),
        ("digest", "", ""),
        ("sha", "-{{ .Values.image.sha }}", ""),
    ] {
        let used = format!("{pause}{{{{ if .Values.image.{key} }}}}{image}{{{{ end }}}}");
        let values = |host: &str, digest: &str| {
            format!("image:\n  repository: {host}/pause\n  tag: \"3.1\"\n  {key}: \"{digest}\"\n")
        };
        let case = chart(&values("k8s.gcr.io", ""), &used);
        let flags = ["--verify", "--pin"];
        let finding = case.finding(&flags);
        let (pinned, applicability) = match expected {
            "" => (String::new(), "safe"),
            _ => (format!("@{whole}"), "unsafe"),
        };
        assert_eq!(
            finding["new"],
            format!("registry.k8s.io/pause:3.1{pinned}"),
            "{image}"
        );
        assert_eq!(finding["applicability"], applicability, "{image}");
        let notes = finding["notes"].to_string();
        assert_eq!(
            notes.contains("no digest is added"),
            expected.is_empty(),
            "{image}: {notes}"
        );
        for _ in 0..2 {
            case.run(&["--write", "--unsafe-fixes", "--verify", "--pin"]);
            assert_eq!(
                case.read("values.yaml"),
                values("registry.k8s.io", expected),
                "{image}"
            );
        }
    }
}

/// A digest belongs to one image, so it is not pinned in a key that several images read.
#[test]
fn a_digest_that_another_image_would_get_is_not_pinned() {
    let values = "image: {repository: k8s.gcr.io/pause, tag: \"3.1\"}\nother: {tag: \"3.2\"}\n";
    for (key, image, expected) in [
        // Both images read the digest.
        (
            ", digest: \"\"}\no",
            "{{ .Values.image.repository }}:{{ .Values.image.tag }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ end }}\"\n    \
             - image: \"{{ .Values.image.repository }}:{{ .Values.other.tag }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ end }}",
            "",
        ),
        // There is no key for the digest, and it cannot be added to a separate tag.
        (
            "}\no",
            "{{ .Values.image.repository }}:{{ .Values.image.tag }}",
            "",
        ),
    ] {
        let text = values.replace("}\no", key);
        let case = chart(&text, image);
        case.run(&["--write", "--unsafe-fixes", "--verify", "--pin"]);
        let expected = text
            .replace("k8s.gcr.io", "registry.k8s.io")
            .replace("digest: \"\"", &format!("digest: \"{expected}\""));
        assert_eq!(case.read("values.yaml"), expected);
    }
}

/// `--pin` adds the verified digest, as a change that needs review.
#[test]
fn digests_are_pinned_beside_tags() {
    let case = Case::new(&[
        ("a.yaml", "image: \"k8s.gcr.io/pause:3.1\" # kept\n"),
        (
            "values.yaml",
            "image: {registry: k8s.gcr.io, repository: pause, tag: '3.2'}\n",
        ),
    ]);
    case.run(&["--write", "--verify", "--pin"]);
    assert_eq!(
        case.read("a.yaml"),
        "image: \"k8s.gcr.io/pause:3.1\" # kept\n"
    );
    assert!(
        case.read("values.yaml")
            .contains("registry: registry.k8s.io"),
        "it has no tag beside its name"
    );
    let finding = case.finding(&["--verify", "--pin"]);
    assert_eq!(
        finding["new"],
        format!("registry.k8s.io/pause:3.1@{}", same("3.1"))
    );
    assert_eq!(finding["applicability"], "unsafe");
    let arguments = ["--write", "--unsafe-fixes", "--verify", "--pin"];
    case.run(&arguments);
    let expected = format!(
        "image: \"registry.k8s.io/pause:3.1@{}\" # kept\n",
        same("3.1")
    );
    assert_eq!(case.read("a.yaml"), expected);
    assert_eq!(case.run(&arguments).status.code(), Some(0));
    assert_eq!(
        case.read("a.yaml"),
        expected,
        "a second run changes nothing"
    );
    let output = case.run(&["--pin"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--verify"), "{}", stderr(&output));
}

#[cfg(unix)]
#[test]
fn in_an_editor_registries_are_asked_where_that_is_allowed() {
    use crate::lsp::editor::{Editor, able};

    let text = "- image: k8s.gcr.io/pause:3.9\n- image: k8s.gcr.io/pause:gone\n";
    let case = Case::new(&[("a.yaml", text)]);
    let flags = case.flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let hover = |flags: &[&str], word: &str| {
        let able = able(&["utf-8"]);
        let folder = case.folder.path();
        let mut editor = Editor::start_with(folder, flags, able, &["."], Value::Null);
        editor.open("a.yaml", text);
        let hover = editor.hover("a.yaml", text.find(word).unwrap());
        editor.stop();
        hover["contents"]["value"].as_str().unwrap().to_owned()
    };
    hover(&flags, "pause:3.9");
    assert!(case.server.seen().is_empty(), "nobody asked for it");
    let asking = [&["--verify"], &flags[..]].concat();
    for (word, expected) in [
        ("pause:3.9", "registry.k8s.io/pause:3.9 exists: sha256:"),
        ("pause:gone", "registry.k8s.io/pause:gone does not exist"),
    ] {
        let said = hover(&asking, word);
        assert!(said.contains(expected), "{said}");
    }
}
