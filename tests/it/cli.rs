//! The command line as people use it: arguments, standard input and output, exit codes, configuration and the walk.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::common::{
    LEGACY, MOVED, code, files, folder, pipe, regfix, reported, run, stderr, stdout,
};
use serde_json::Value;

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers:
    - name: a
      image: k8s.gcr.io/pause:3.2
    - name: b
      image: nginx:1.25
";
const MENTION: &str = "\
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: a}
spec:
  forbidden:
    - k8s.gcr.io/pause:3.2
";
const WARNING: &str = "warning k8s-gcr-io k8s.gcr.io is frozen; registry.k8s.io has the same images \
                       under the same paths [k8s.gcr.io/pause:3.2 -> registry.k8s.io/pause:3.2]";

fn piped(arguments: &[&str], input: &str) -> (i32, String, String) {
    let folder = folder(&[]);
    let output = pipe(folder.path(), arguments, input.as_bytes());
    (code(&output), stdout(&output), stderr(&output))
}

/// Returns the locations of findings, as `concise` reports them.
fn places(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let arguments = [&["--format", "concise"], arguments].concat();
    let place = |line: &str| Some(line.split_once(": ")?.0.to_owned());
    stdout(&run(folder, &arguments))
        .lines()
        .filter_map(place)
        .collect()
}

fn listed(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let arguments = [&["--files"], arguments].concat();
    stdout(&run(folder, &arguments))
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn git(folder: &Path, arguments: &[&str]) -> Output {
    Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env_remove("GIT_DIR")
        .output()
        .unwrap()
}

#[test]
fn the_exit_code_tells_what_is_left() {
    let folder = folder(&[
        ("clean.yaml", MOVED),
        ("legacy.yaml", LEGACY),
        ("mention.yaml", MENTION),
        ("review.yaml", "image: bitnami/redis:7.0.0\n"),
        ("empty.yaml", ""),
    ]);
    let cases: [(&[&str], i32); 20] = [
        (&["clean.yaml"], 0),
        (&["empty.yaml"], 0),
        (&["legacy.yaml"], 1),
        (&["mention.yaml"], 0),
        (&["mention.yaml", "clean.yaml"], 0),
        (&["mention.yaml", "legacy.yaml"], 1),
        (&["."], 1),
        (&["missing.yaml"], 2),
        (&["missing.yaml", "legacy.yaml"], 2),
        (&["--diff", "legacy.yaml"], 1),
        (&["--diff", "clean.yaml"], 0),
        (&["--files", "."], 0),
        (&["--statistics", "."], 1),
        (&["--write", "review.yaml"], 1),
        (&["--write", "legacy.yaml"], 0),
        (&["--ignore", "k8s-gcr-io,bitnami-versioned", "."], 0),
        (&["--exclude", "[", "."], 2),
        (&["--config", "missing.yaml", "."], 2),
        (&["--help"], 0),
        (&["--version"], 0),
    ];
    for (arguments, expected) in cases {
        for quiet in [&[][..], &["--quiet"]] {
            if quiet.is_empty() || arguments[0] != "--write" {
                let output = run(folder.path(), &[quiet, arguments].concat());
                assert_eq!(code(&output), expected, "{arguments:?} {quiet:?}");
            }
        }
    }
    assert_eq!(
        fs::read_to_string(folder.path().join("legacy.yaml")).unwrap(),
        MOVED
    );
}

#[test]
fn a_mention_is_told_and_no_failure() {
    let folder = folder(&[("mention.yaml", MENTION)]);
    let (code, out, err) = reported(folder.path(), &["--format", "concise"]);
    assert!(
        out.starts_with("mention.yaml:6:7: info k8s-gcr-io "),
        "{out}"
    );
    assert!(out.ends_with("\n1 info in 1 file\n"), "{out}");
    assert_eq!((code, err.as_str()), (0, ""));
    let before = files(folder.path());
    assert_eq!(
        reported(folder.path(), &["--write", "--unsafe-fixes", "--quiet"]),
        (0, String::new(), String::new())
    );
    assert_eq!(files(folder.path()), before);
}

#[test]
fn quiet_says_nothing() {
    let folder = folder(&[("a.yaml", LEGACY), ("b.yaml", MOVED)]);
    let nothing = |code| (code, String::new(), String::new());
    let cases: [(&[&str], i32); 5] = [
        (&["-q"], 1),
        (&["-q", "b.yaml"], 0),
        (&["-q", "--diff"], 1),
        (&["-q", "--format", "json"], 1),
        (&["-q", "--write"], 0),
    ];
    for (arguments, code) in cases {
        assert_eq!(
            reported(folder.path(), arguments),
            nothing(code),
            "{arguments:?}"
        );
    }
    assert_eq!(
        fs::read_to_string(folder.path().join("a.yaml")).unwrap(),
        MOVED
    );
    // Errors are still printed.
    let (code, out, err) = reported(folder.path(), &["-q", "missing.yaml"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.starts_with("regfix: missing.yaml: no such file"),
        "{err}"
    );
}

#[test]
fn a_reader_that_is_gone_changes_no_exit_code() {
    let folder = folder(&[("a.yaml", &LEGACY.repeat(800))]);
    let cases: [(&[&str], i32); 8] = [
        (&["."], 1),
        (&["--format", "concise", "."], 1),
        (&["--format", "json", "."], 1),
        (&["--diff", "."], 1),
        (&["images", "."], 0),
        (&["--files", "."], 0),
        (&["rules"], 0),
        (&["explain", "k8s-gcr-io"], 0),
    ];
    for (arguments, expected) in cases {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = regfix(folder.path())
            .args(arguments)
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(
            (code(&output), stderr(&output).as_str()),
            (expected, ""),
            "{arguments:?}"
        );
    }
}

#[test]
fn what_is_not_understood_is_told_with_what_was_meant() {
    let folder = folder(&[("a.yaml", LEGACY)]);
    let cases: [(&[&str], &str); 10] = [
        (
            &["--select", "k8s-gcr-oi", "."],
            "regfix: --select: there is no rule `k8s-gcr-oi`; did you mean `k8s-gcr-io`?\n",
        ),
        (&["--ignore", "bitnami", "."], "did you mean `bitnami-*`?\n"),
        (
            &["--select", "qqqqqqqq", "."],
            "`regfix rules` lists the rules\n",
        ),
        (
            &["--select", "k8s-gcr-io", "--ignore", "all", "."],
            "no rules are left",
        ),
        (&["--selct", "x"], "'--select'"),
        (&["--format", "xml"], "full, concise, json"),
        (&["--diff", "--write"], "cannot be used with"),
        (&["--jobs", "many"], "invalid value 'many'"),
        (
            &["explain", "k8s-gcr-oi"],
            "regfix: there is no rule `k8s-gcr-oi`; did you mean `k8s-gcr-io`?\n",
        ),
        (
            &["-", "a.yaml"],
            "regfix: `-` (standard input) cannot be combined with paths\n",
        ),
    ];
    for (arguments, expected) in cases {
        let (code, out, err) = reported(folder.path(), arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains(expected), "{arguments:?}: {err}");
    }
}

#[test]
fn standard_input_is_checked() {
    let (code, out, err) = piped(&["--format", "concise", "-"], POD);
    assert_eq!(
        out,
        format!("<stdin>:7:14: {WARNING} [*]\n1 warning in 1 file; 1 fixable with --write\n")
    );
    assert_eq!((code, err.as_str()), (1, ""));
    assert_eq!(piped(&["--quiet", "-"], MOVED).0, 0);
    let pods = r#"{"items":[{"spec":{"containers":[{"image":"k8s.gcr.io/pause:3.2"}]}}]}"#;
    let (code, out, _) = piped(&["--format", "concise", "-"], pods);
    assert_eq!(code, 1);
    assert!(out.starts_with("<stdin>:1:44: warning"), "{out}");
    let (code, out, _) = piped(&["--write", "-"], pods);
    assert_eq!((code, out), (0, pods.replace("k8s.gcr", "registry.k8s")));
    assert_eq!(
        piped(&["images", "-"], POD).1,
        "<stdin>:7:14: k8s.gcr.io/pause:3.2\n<stdin>:9:14: nginx:1.25\n"
    );
    assert_eq!(piped(&["--files", "-"], POD).1, "manifest       <stdin>\n");
}

#[test]
fn standard_input_is_fixed_on_standard_output() {
    let texts = [
        POD.to_owned(),
        format!("\u{feff}# ä\r\n{}", POD.replace('\n', "\r\n")),
        LEGACY.trim_end().to_owned(),
        format!("{MOVED}# nothing to do"),
        String::new(),
    ];
    for text in texts {
        let (code, out, err) = piped(&["--write", "-"], &text);
        assert_eq!(code, 0, "{text}");
        assert_eq!(out, text.replace("k8s.gcr.io/", "registry.k8s.io/"));
        assert_eq!(err.contains("fixed <stdin>:"), out != text, "{err}");
        let quiet = piped(&["--write", "--quiet", "-"], &text);
        assert_eq!(quiet, (0, out, String::new()));
    }
    // Findings that are left are reported on standard error, and standard output is the text alone.
    let text = "image: bitnami/redis:7.0.0\n";
    let (code, out, err) = piped(&["--write", "-"], text);
    assert_eq!((code, out.as_str()), (1, text));
    assert!(err.contains("bitnami-versioned"), "{err}");
    let (code, out, _) = piped(&["--write", "--unsafe-fixes", "--quiet", "-"], text);
    assert_eq!(
        (code, out.as_str()),
        (0, "image: bitnamilegacy/redis:7.0.0\n")
    );
}

#[test]
fn standard_input_is_previewed() {
    let (code, out, err) = piped(&["--diff", "-"], LEGACY);
    let expected = format!("--- a/<stdin>\n+++ b/<stdin>\n@@ -1 +1 @@\n-{LEGACY}+{MOVED}");
    assert_eq!((code, out), (1, expected));
    assert_eq!(err, "1 warning in 1 file; 1 fixable with --write\n");
    let (code, out, _) = piped(&["--diff", "-"], MOVED);
    assert_eq!((code, out.as_str()), (0, ""));
}

#[test]
fn the_name_of_standard_input_decides_how_it_is_read() {
    let cases = [
        ("Dockerfile", "FROM k8s.gcr.io/pause:3.2\n", "1:6", "[~]"),
        (
            "templates/a.yaml",
            "{{ if .Values.a }}\nimage: k8s.gcr.io/pause:3.2\n{{- end }}\n",
            "2:8",
            "[*]",
        ),
        (
            "_helpers.tpl",
            "{{ define \"a\" }}\nimage: k8s.gcr.io/pause:3.2\n{{ end }}\n",
            "2:8",
            "[*]",
        ),
        (
            "a.json",
            "{\"image\": \"k8s.gcr.io/pause:3.2\"}",
            "1:12",
            "[*]",
        ),
        ("noextension", LEGACY, "1:8", "[~]"),
    ];
    for (name, text, place, mark) in cases {
        let (code, out, err) = piped(
            &["--stdin-filename", name, "--format", "concise", "-"],
            text,
        );
        let expected = format!("{name}:{place}: {WARNING} {mark}\n");
        assert!(out.starts_with(&expected), "{name}: {out}{err}");
        assert_eq!(code, 1, "{name}");
    }
}

#[test]
fn standard_input_that_is_no_text_is_a_failure() {
    let folder = folder(&[]);
    for arguments in [
        &["-"][..],
        &["--write", "-"],
        &["--diff", "-"],
        &["images", "-"],
    ] {
        let output = pipe(folder.path(), arguments, b"image: k8s.gcr.io/\xff\n");
        assert_eq!(code(&output), 2, "{arguments:?}");
        let err = stderr(&output);
        assert!(
            err.starts_with("regfix: <stdin>: is not UTF-8 at byte 18: not analysed"),
            "{err}"
        );
        assert!(!stdout(&output).contains("image:"));
    }
}

#[test]
fn files_are_listed_with_their_kinds() {
    let folder = folder(&[
        ("chart/Chart.yaml", "name: a\n"),
        ("chart/requirements.yaml", ""),
        ("chart/values.yaml", LEGACY),
        ("chart/templates/_helpers.tpl", ""),
        ("chart/templates/a.yaml", ""),
        ("helmfile.yaml", ""),
        ("kustomization.yaml", ""),
        ("pod.yaml", POD),
        ("list.json", "{\"apiVersion\": \"v1\", \"kind\": \"List\"}"),
        ("nginx.yml.j2", ""),
        ("values.yaml.example", ""),
        ("vars.json.tftpl", ""),
        ("UPPER.YAML", LEGACY),
        (".regfix.yaml", "exclude: none/\n"),
        (".regfix-0000000000000007-0123456789abcdef", LEGACY),
        ("README.md", "k8s.gcr.io\n"),
    ]);
    let expected = [
        "values UPPER.YAML",
        "chart chart/Chart.yaml",
        "requirements chart/requirements.yaml",
        "helpers chart/templates/_helpers.tpl",
        "template chart/templates/a.yaml",
        "values chart/values.yaml",
        "helmfile helmfile.yaml",
        "kustomization kustomization.yaml",
        "manifest list.json",
        "template nginx.yml.j2",
        "manifest pod.yaml",
        "template values.yaml.example",
        "template vars.json.tftpl",
    ];
    assert_eq!(listed(folder.path(), &[]), expected);
    assert_eq!(listed(folder.path(), &["README.md"]), ["text README.md"]);
    let mut all = expected.to_vec();
    all.insert(0, "text README.md");
    assert_eq!(listed(folder.path(), &["--all-text"]), all);
}

#[test]
fn statistics_count_by_rule() {
    let folder = folder(&[
        ("a.yaml", POD),
        ("b.yaml", "image: bitnami/redis:7.0.0\n"),
        ("c.yaml", LEGACY),
    ]);
    let (code, out, err) = reported(folder.path(), &["--statistics"]);
    let expected = "\
rule               severity  findings  safe  needs review
bitnami-versioned  error            1                   1
k8s-gcr-io         warning          2     2
";
    assert_eq!(out, expected);
    assert_eq!(
        err,
        "1 error, 2 warnings in 3 files; 2 fixable with --write; 1 more with --write --unsafe-fixes\n"
    );
    assert_eq!(code, 1);
}

#[test]
fn json_is_for_programs() {
    let folder = folder(&[("a.yaml", POD), ("b.yaml", MENTION), ("c.yaml", MOVED)]);
    let (code, out, err) = reported(folder.path(), &["--format", "json"]);
    assert_eq!((code, err.as_str()), (1, ""));
    let report = json(&out);
    assert_eq!(report["version"], 1);
    let counts = &report["summary"];
    assert_eq!(
        (&counts["files"], &counts["warnings"]),
        (&3.into(), &1.into())
    );
    assert_eq!(
        (&counts["infos"], &counts["fixable"]),
        (&1.into(), &1.into())
    );
    let finding = &report["files"][0]["findings"][0];
    assert_eq!(report["files"][0]["path"], "a.yaml");
    assert_eq!(finding["rule"], "k8s-gcr-io");
    assert_eq!(finding["new"], "registry.k8s.io/pause:3.2");
    let edit = &finding["edits"][0];
    let offset = |name: &str| usize::try_from(edit[name].as_u64().unwrap()).unwrap();
    assert_eq!(&POD[offset("start")..offset("end")], "k8s.gcr.io");
    assert_eq!((offset("line"), offset("column")), (7, 14));
    let nothing = json(&reported(folder.path(), &["--format", "json", "c.yaml"]).1);
    assert_eq!(nothing["files"], json("[]"));
    let fixed = json(&reported(folder.path(), &["--format", "json", "--write"]).1);
    assert_eq!(
        fixed["files"][0]["fixed"][0]["new"],
        "registry.k8s.io/pause:3.2"
    );
    assert_eq!(fixed["summary"]["fixed"], 1);
}

#[test]
fn every_rule_is_listed_and_explained() {
    let folder = folder(&[]);
    let (code, out, _) = reported(folder.path(), &["rules", "--format", "json"]);
    assert_eq!(code, 0);
    let rules = json(&out);
    let rules = rules.as_array().unwrap();
    let count = regfix::rules::catalogue().rules.len();
    assert_eq!(rules.len(), count);
    let (code, table, _) = reported(folder.path(), &["rules"]);
    assert_eq!(code, 0);
    assert!(table.lines().count() > count && table.contains(&format!("\n{count} rules")));
    let ids: Vec<&str> = rules
        .iter()
        .map(|rule| rule["id"].as_str().unwrap())
        .collect();
    let (code, out, err) = reported(folder.path(), &[&["explain"], &ids[..]].concat());
    assert_eq!((code, err.as_str()), (0, ""));
    let explained: Vec<&str> = out.split("\n\n\n").collect();
    assert_eq!(explained.len(), count);
    for (id, explained) in ids.into_iter().zip(explained) {
        let is_listed = |line: &str| line.starts_with(&format!("{id} "));
        assert!(table.lines().any(is_listed), "{id}");
        assert!(explained.starts_with(&format!("{id} (")), "{explained}");
        for part in [
            "\nWhat\n",
            "\nWhy\n",
            "\nExample\n",
            "\nHow safe\n",
            "https://",
        ] {
            assert!(explained.contains(part), "{id}: no {part}");
        }
    }
}

#[test]
fn images_are_listed_legacy_or_not() {
    let folder = folder(&[
        ("a.yaml", POD),
        (
            "b.yaml",
            "image: {registry: quay.io, repository: a/b, tag: v1}\n",
        ),
        ("c.yaml", "image: nginx:1.25\n"),
    ]);
    assert_eq!(
        reported(folder.path(), &["images"]),
        (
            0,
            "a.yaml:7:14: k8s.gcr.io/pause:3.2\na.yaml:9:14: nginx:1.25\n\
             b.yaml:1:19: quay.io/a/b:v1\nc.yaml:1:8: nginx:1.25\n"
                .to_owned(),
            String::new()
        )
    );
    assert_eq!(
        reported(folder.path(), &["images", "--unique"]).1,
        "      2 nginx:1.25\n      1 k8s.gcr.io/pause:3.2\n      1 quay.io/a/b:v1\n"
    );
    let each = json(&reported(folder.path(), &["images", "--format", "json", "c.yaml"]).1);
    assert_eq!(
        each,
        json(
            r#"{"version": 1, "images": [{"image": "nginx:1.25", "name": "nginx", "tag": "1.25",
            "digest": null, "path": "c.yaml", "line": 1, "column": 8, "shape": "image"}]}"#
        )
    );
    let unique = json(&reported(folder.path(), &["images", "--unique", "--format", "json"]).1);
    assert_eq!(
        unique["images"][0],
        json(r#"{"image": "nginx:1.25", "count": 2}"#)
    );
    assert_eq!(reported(folder.path(), &["images", "missing"]).0, 2);
}

#[test]
fn rules_are_selected() {
    let folder = folder(&[
        ("a.yaml", LEGACY),
        ("b.yaml", "image: bitnami/redis:7.0.0\n"),
    ]);
    let (a, b) = ("a.yaml:1:8", "b.yaml:1:8");
    let cases: [(&[&str], &[&str]); 7] = [
        (&[], &[a, b]),
        (&["--select", "k8s-gcr-io"], &[a]),
        (&["--select", "bitnami-*"], &[b]),
        (&["--select", "k8s-gcr-io,bitnami-versioned"], &[a, b]),
        (
            &["--select", "k8s-gcr-io", "--select", "bitnami-*"],
            &[a, b],
        ),
        (&["--ignore", "k8s-gcr-io"], &[b]),
        (&["--select", "all", "--ignore", "bitnami-*"], &[a]),
    ];
    for (arguments, expected) in cases {
        assert_eq!(places(folder.path(), arguments), expected, "{arguments:?}");
    }
}

#[test]
fn configuration_is_found_up_to_the_repository() {
    let folder = folder(&[
        (".regfix.yaml", "ignore: [all]\n"),
        ("repo/.git/HEAD", ""),
        ("repo/deep/a.yaml", LEGACY),
        ("repo/deep/b.yaml", LEGACY),
        (
            "own.yaml",
            "rules: [{id: own, from: old.example.com/a, to: new.example.com/a}]\n",
        ),
    ]);
    let deep = folder.path().join("repo/deep");
    let both = ["a.yaml:1:8", "b.yaml:1:8"];
    assert_eq!(places(&deep, &[]), both, "not beyond the repository");
    fs::write(
        folder.path().join("repo/.regfix.yaml"),
        "exclude: [deep/a.yaml]\n",
    )
    .unwrap();
    assert_eq!(places(&deep, &[]), both[1..]);
    assert_eq!(places(&deep, &["--no-config"]), both);
    assert_eq!(places(&deep, &["--config", "../../own.yaml"]), both);
    fs::write(deep.join("c.yaml"), "image: old.example.com/a/b:1\n").unwrap();
    assert_eq!(
        places(&deep, &["--config", "../../own.yaml", "--select", "own"]),
        ["c.yaml:1:8"]
    );
    assert_eq!(
        reported(
            &deep,
            &["--config", "../../own.yaml", "--write", "-q", "c.yaml"]
        )
        .0,
        0
    );
    assert_eq!(
        fs::read_to_string(deep.join("c.yaml")).unwrap(),
        "image: new.example.com/a/b:1\n"
    );
}

#[test]
fn a_bad_configuration_is_told_with_its_place() {
    let cases = [
        (
            "select: [k8s-gcr-io]\nexclud: [x]\n",
            ":2:1]",
            "did you mean `exclude`?",
        ),
        (
            "ignore: [k8s-gcr-oi]\n",
            ":1:10]",
            "did you mean `k8s-gcr-io`?",
        ),
        (
            "severity: {k8s-gcr-io: warn}\n",
            ":1:24]",
            "did you mean `warning`?",
        ),
        ("select: [a\n", ".regfix.yaml:", ""),
    ];
    for (text, place, advice) in cases {
        let folder = folder(&[(".regfix.yaml", text), ("a.yaml", LEGACY)]);
        for arguments in [&["."][..], &["--write", "."], &["--files"], &["rules"]] {
            let (code, out, err) = reported(folder.path(), arguments);
            assert_eq!((code, out.as_str()), (2, ""), "{text}");
            assert!(err.contains(".regfix.yaml:"), "{err}");
            assert!(err.contains(place) && err.contains(advice), "{err}");
        }
        let text = fs::read_to_string(folder.path().join("a.yaml")).unwrap();
        assert_eq!(text, LEGACY);
        assert_eq!(reported(folder.path(), &["--no-config", "-q"]).0, 1);
    }
}

#[test]
fn any_text_is_read_token_by_token() {
    let texts = [
        ("Dockerfile", "FROM k8s.gcr.io/pause:3.2\n"),
        ("a.sh", "#!/bin/sh\ndocker pull \"k8s.gcr.io/pause:3.2\"\n"),
        ("a.tf", "a = b(\"k8s.gcr.io/pause:3.2\")\n"),
        (
            "b.md",
            "# A\n\n```sh\ndocker pull k8s.gcr.io/pause:3.2\n```\n",
        ),
        ("c.yaml", LEGACY),
    ];
    let folder = folder(&texts);
    assert_eq!(places(folder.path(), &[]), ["c.yaml:1:8"]);
    let found = [
        "Dockerfile:1:6",
        "a.sh:2:14",
        "a.tf:1:8",
        "b.md:4:13",
        "c.yaml:1:8",
    ];
    assert_eq!(places(folder.path(), &["--all-text"]), found);
    let (code, _, _) = reported(folder.path(), &["--all-text", "--write"]);
    assert_eq!(code, 1);
    let text = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    for (name, before) in &texts[..4] {
        assert_eq!(text(name), *before, "a fix in {name} is unsafe");
    }
    assert_eq!(text("c.yaml"), MOVED);
    let (code, _, _) = reported(folder.path(), &["--all-text", "--write", "--unsafe-fixes"]);
    assert_eq!(code, 0);
    for (name, before) in texts {
        assert_eq!(text(name), before.replace("k8s.gcr.io", "registry.k8s.io"));
    }
}

#[test]
fn ignore_files_are_those_of_git() {
    let folder = folder(&[
        (".gitignore", "ignored.yaml\nbuild/\n"),
        (".ignore", "other.yaml\n"),
        ("a.yaml", LEGACY),
        ("ignored.yaml", LEGACY),
        ("other.yaml", LEGACY),
        ("build/b.yaml", LEGACY),
        (".hidden.yaml", LEGACY),
        (".github/c.yaml", LEGACY),
        (".terraform/modules/d.yaml", LEGACY),
        ("sub/ignored.yaml", LEGACY),
    ]);
    let hidden = ["values .github/c.yaml", "values .hidden.yaml"];
    let outside = [
        "values a.yaml",
        "values build/b.yaml",
        "values ignored.yaml",
    ];
    let outside = [&hidden, &outside[..], &["values sub/ignored.yaml"]].concat();
    assert_eq!(listed(folder.path(), &[]), outside, "no repository");
    fs::create_dir(folder.path().join(".git")).unwrap();
    let inside = [&hidden[..], &["values a.yaml"]].concat();
    assert_eq!(listed(folder.path(), &[]), inside);
    assert_eq!(listed(folder.path(), &["--no-hidden"]), ["values a.yaml"]);
    assert_eq!(places(folder.path(), &["--no-hidden"]), ["a.yaml:1:8"]);
    // Files named on the command line are always checked.
    let named = ["ignored.yaml", "other.yaml", ".hidden.yaml", "build/b.yaml"];
    let found = [
        ".hidden.yaml:1:8",
        "build/b.yaml:1:8",
        "ignored.yaml:1:8",
        "other.yaml:1:8",
    ];
    assert_eq!(places(folder.path(), &named), found);
}

#[test]
fn what_is_named_is_checked_unless_it_is_excluded_by_force() {
    let folder = folder(&[
        ("a.yaml", LEGACY),
        ("noextension", LEGACY),
        ("deploy.yaml.orig", LEGACY),
        ("sub/b.yaml", LEGACY),
    ]);
    let named = ["noextension", "deploy.yaml.orig"];
    assert_eq!(
        places(folder.path(), &named),
        ["deploy.yaml.orig:1:8", "noextension:1:8"]
    );
    let cases: [(&[&str], &[&str]); 6] = [
        (&["--exclude", "a.yaml", "."], &["sub/b.yaml:1:8"]),
        (&["--exclude", "sub/", "."], &["a.yaml:1:8"]),
        (&["--exclude", "*.yaml", "."], &[]),
        (&["--exclude", "a.yaml", "a.yaml"], &["a.yaml:1:8"]),
        (&["--exclude", "a.yaml", "--force-exclude", "a.yaml"], &[]),
        (&["--force-exclude", "a.yaml"], &["a.yaml:1:8"]),
    ];
    for (arguments, expected) in cases {
        assert_eq!(places(folder.path(), arguments), expected, "{arguments:?}");
    }
    fs::write(
        folder.path().join(".regfix.yaml"),
        "exclude: [a.yaml, sub]\n",
    )
    .unwrap();
    assert_eq!(places(folder.path(), &[]), [""; 0]);
    assert_eq!(places(folder.path(), &["a.yaml"]), ["a.yaml:1:8"]);
    assert_eq!(
        places(folder.path(), &["--force-exclude", "a.yaml"]),
        [""; 0]
    );
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_unless_named() {
    use std::os::unix::fs::symlink;
    let folder = folder(&[("real/a.yaml", LEGACY), ("root/b.yaml", LEGACY)]);
    let root = folder.path().join("root");
    symlink("../real/a.yaml", root.join("link.yaml")).unwrap();
    symlink("../real", root.join("folder")).unwrap();
    symlink("..", root.join("up")).unwrap();
    symlink("nowhere", root.join("broken.yaml")).unwrap();
    assert_eq!(places(&root, &[]), ["b.yaml:1:8"]);
    assert_eq!(reported(&root, &["-q", "--write"]).0, 0);
    let real = folder.path().join("real/a.yaml");
    assert_eq!(fs::read_to_string(&real).unwrap(), LEGACY);
    // A link named on the command line is followed for writing, and stays a link.
    assert_eq!(places(&root, &["link.yaml"]), ["link.yaml:1:8"]);
    assert_eq!(reported(&root, &["-q", "--write", "link.yaml"]).0, 0);
    assert_eq!(fs::read_to_string(&real).unwrap(), MOVED);
    assert!(root.join("link.yaml").is_symlink());
}

#[test]
fn the_order_is_by_path_whatever_the_threads() {
    let names: Vec<String> = (0..60)
        .map(|at| format!("d{}/e{}/{at:02}.yaml", at % 5, at % 3))
        .collect();
    let all: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), POD)).collect();
    let folder = folder(&all);
    let report = |jobs: &str, format: &str| {
        let arguments = ["--jobs", jobs, "--format", format, ".", "missing", "d3"];
        reported(folder.path(), &arguments)
    };
    let mut sorted: Vec<String> = names.iter().map(|name| format!("{name}:7:14")).collect();
    sorted.sort();
    assert_eq!(places(folder.path(), &[]), sorted);
    for format in ["concise", "json"] {
        let one = report("1", format);
        assert_eq!(one.0, 2);
        for jobs in ["2", "7"] {
            assert_eq!(report(jobs, format), one, "{jobs} {format}");
        }
    }
}

#[test]
fn colour_is_for_terminals() {
    let folder = folder(&[("a.yaml", POD)]);
    let colours = |arguments: &[&str], variable: Option<(&str, &str)>| {
        let mut command = regfix(folder.path());
        command.args(arguments).envs(variable);
        let output = command.output().unwrap();
        assert!(!stderr(&output).contains('\x1b'));
        stdout(&output).contains('\x1b')
    };
    for format in [
        &["--format", "full"][..],
        &["--format", "concise"],
        &["--diff"],
    ] {
        let with = |more: &[&'static str]| [format, more].concat();
        assert!(!colours(&with(&[]), None), "no terminal");
        assert!(!colours(&with(&["--color", "auto"]), None));
        assert!(!colours(&with(&["--color", "never"]), None));
        assert!(colours(&with(&["--color", "always"]), None), "{format:?}");
        assert!(!colours(&with(&[]), Some(("NO_COLOR", "1"))));
        // The command line takes precedence over the environment.
        assert!(colours(
            &with(&["--color", "always"]),
            Some(("NO_COLOR", "1"))
        ));
    }
    assert!(!colours(&["--format", "json", "--color", "always"], None));
}

#[test]
fn a_report_fits_into_80_columns() {
    let folder = folder(&[
        ("pod.yaml", POD),
        (
            "deep/folder/of/manifests/in/a/large/repository/pod.yaml",
            POD,
        ),
        (
            "wide.yaml",
            &format!("{0}\nimage: k8s.gcr.io/pause:3.2 {0}\n", "# x".repeat(90)),
        ),
        (
            "split.yaml",
            "image:\n  registry: k8s.gcr.io\n  repository: pause\n  tag: 3.2\n",
        ),
        ("redis.yaml", "image: docker.io/bitnami/redis:7.0.0\n"),
        ("broken.yaml", "image: \"k8s.gcr.io/pause:3.2\nfoo: a\n"),
    ]);
    let cases: [&[&str]; 2] = [&[], &["--unsafe-fixes"]];
    for arguments in cases {
        let (_, out, _) = reported(folder.path(), arguments);
        assert!(out.lines().count() > 20, "{out}");
        for line in out.lines() {
            assert!(line.chars().count() <= 80, "{arguments:?}: {line}");
        }
    }
}

#[test]
fn writing_tells_what_was_fixed_and_what_is_left() {
    let folder = folder(&[
        ("a.yaml", POD),
        (
            "b.yaml",
            &format!("{LEGACY}---\nimage: bitnami/redis:7.0.0\n"),
        ),
    ]);
    let (code, out, err) = reported(folder.path(), &["--write"]);
    assert_eq!((code, err.as_str()), (1, ""));
    for expected in [
        "fixed a.yaml:7:14 k8s-gcr-io k8s.gcr.io/pause:3.2 → registry.k8s.io/pause:3.2\n",
        "fixed b.yaml:1:8 k8s-gcr-io k8s.gcr.io/pause:3.2 → registry.k8s.io/pause:3.2\n",
        "error[bitnami-versioned]\n",
        "╭─[b.yaml:3:8]",
        "needs review",
        "\nFixed 2 references in 2 files.\n",
        "\nLeft 1 error in 1 of 2 files (",
    ] {
        assert!(out.contains(expected), "{expected}: {out}");
    }
    let (code, out, _) = reported(
        folder.path(),
        &["--write", "--unsafe-fixes", "--format", "concise"],
    );
    assert_eq!(code, 0);
    assert!(
        out.starts_with(
            "b.yaml:3:8: fixed bitnami-versioned [bitnami/redis:7.0.0 -> bitnamilegacy/redis:7.0.0]\n"
        ),
        "{out}"
    );
}

#[test]
fn git_applies_the_diff() {
    let name = "ordner/nämé mit \"blank\".yaml";
    let trees = [
        ("a.yaml", POD.to_owned()),
        ("crlf.yaml", POD.replace('\n', "\r\n")),
        ("end.yaml", format!("a: b\n{}", LEGACY.trim_end())),
        ("only end.yaml", LEGACY.trim_end().to_owned()),
        ("before-end.yaml", format!("{LEGACY}a: b")),
        ("bom.yaml", format!("\u{feff}{LEGACY}")),
        (name, format!("# ä ☸\n{POD}")),
        (
            "long.yaml",
            format!("{LEGACY}{}{LEGACY}", "a: b\n---\n".repeat(40)),
        ),
        ("clean.yaml", MOVED.to_owned()),
    ];
    let borrowed: Vec<(&str, &str)> = trees
        .iter()
        .filter(|(name, _)| cfg!(unix) || !name.contains('"'))
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    let (written, patched) = (folder(&borrowed), folder(&borrowed));
    let diff = run(patched.path(), &["--diff"]);
    assert_eq!(code(&diff), 1);
    assert!(git(patched.path(), &["init", "-q"]).status.success());
    fs::write(patched.path().join(".git/fix.patch"), &diff.stdout).unwrap();
    let applied = git(patched.path(), &["apply", ".git/fix.patch"]);
    assert!(applied.status.success(), "{}", stderr(&applied));
    fs::remove_dir_all(patched.path().join(".git")).unwrap();
    assert_eq!(code(&run(written.path(), &["--write", "-q"])), 0);
    assert_eq!(files(patched.path()), files(written.path()));
    for (name, text) in borrowed {
        let expected = text.replace("k8s.gcr.io", "registry.k8s.io");
        let found = fs::read_to_string(written.path().join(name)).unwrap();
        assert_eq!(found, expected, "{name}");
    }
}

/// pre-commit passes the changed files by name.
#[test]
fn what_a_named_file_is_part_of_is_checked_and_written_with_it() {
    let image = "image: k8s.gcr.io/pause:3.2\n";
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n  - name: a\n    {image}"
    );
    let entry = "resources: [../base]\nimages:\n- name: k8s.gcr.io/pause\n  newTag: '3.1'\n";
    let files = [
        (
            "app/Chart.yaml",
            "apiVersion: v2\nname: app\nversion: 1.0.0\n",
        ),
        ("app/values.yaml", "replicas: 1\n"),
        ("app/templates/pod.yaml", pod.as_str()),
        ("base/kustomization.yaml", "resources: [pod.yaml]\n"),
        ("base/pod.yaml", pod.as_str()),
        ("overlay/kustomization.yaml", entry),
        ("other.yaml", image),
    ];
    let folder = folder(&files);
    git(folder.path(), &["init", "-q"]);
    let named = ["app/values.yaml", "base/pod.yaml", "--force-exclude"];
    let left = |arguments: &[&str]| places(folder.path(), &[&named[..], arguments].concat());
    assert_eq!(left(&[]), ["base/pod.yaml:7:12"]);
    assert_eq!(
        left(&["--related"]),
        [
            "app/templates/pod.yaml:7:12",
            "base/pod.yaml:7:12",
            "overlay/kustomization.yaml:3:9"
        ]
    );
    let without = ["--write", "--exclude", "app/"];
    reported(
        folder.path(),
        &[&named[..], &["--related"], &without].concat(),
    );
    let text = |path: &str| std::fs::read_to_string(folder.path().join(path)).unwrap();
    for (path, before) in files {
        let after = match path {
            "base/pod.yaml" | "overlay/kustomization.yaml" => {
                before.replace("k8s.gcr.io", "registry.k8s.io")
            }
            _ => before.to_owned(),
        };
        assert_eq!(text(path), after, "{path}");
    }
}
