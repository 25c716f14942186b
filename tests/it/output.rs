//! Output: streams that end early, and names and texts that could control a terminal or hide in a report.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use regfix::report::FORMATS;

use crate::common::{LEGACY, MOVED, folder, regfix, run, stderr, stdout};

/// Creates more files than one batch, with a report larger than any buffer.
fn many() -> tempfile::TempDir {
    let folder = folder(&[]);
    for index in 0..300 {
        let name = format!("{:03}/{}.yaml", index % 100, "n".repeat(100 + index / 100));
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, LEGACY).unwrap();
    }
    folder
}

fn texts(folder: &Path) -> Vec<String> {
    let files = crate::common::files(folder).into_values();
    files
        .map(|bytes| String::from_utf8(bytes).unwrap())
        .collect()
}

/// Returns a stream whose reader is closed.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// Returns a stream to a full device, if the system has one.
fn full() -> Option<Stdio> {
    let file = fs::File::options().write(true).open("/dev/full");
    file.ok().map(Stdio::from)
}

fn run_into(folder: &Path, arguments: &[&str], out: Stdio, err: Stdio) -> Output {
    let mut command = regfix(folder);
    command.args(arguments).stdout(out).stderr(err);
    command.spawn().unwrap().wait_with_output().unwrap()
}

#[test]
fn writing_goes_on_when_nobody_reads() {
    for format in ["full", "concise", "json"] {
        for both in [false, true] {
            let folder = many();
            let err = if both { closed() } else { Stdio::piped() };
            let arguments = ["--write", "--format", format, "--output=jsonl=report"];
            let output = run_into(folder.path(), &arguments, closed(), err);
            assert_eq!(
                output.status.code(),
                Some(0),
                "{format}: {}",
                stderr(&output)
            );
            assert_eq!(stderr(&output), "", "{format}");
            let report = fs::read_to_string(folder.path().join("report")).unwrap();
            assert_eq!(report.lines().count(), 301, "{format}");
            fs::remove_file(folder.path().join("report")).unwrap();
            assert!(
                texts(folder.path()).iter().all(|text| text == MOVED),
                "{format}"
            );
        }
    }
}

#[test]
fn what_is_left_is_in_the_exit_code_though_nobody_reads() {
    let folder = many();
    // The `bitnami` fix needs review, and the file that is not UTF-8 cannot be read.
    fs::write(
        folder.path().join("zzz.yaml"),
        "image: bitnami/redis:7.2.4\n",
    )
    .unwrap();
    let write = ["--write", "--format=concise"];
    let output = run_into(folder.path(), &write, closed(), Stdio::piped());
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    fs::write(folder.path().join("zzzz.yaml"), b"image: k8s.gcr.io/\xff\n").unwrap();
    let output = run_into(folder.path(), &write, closed(), closed());
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_check_that_nobody_reads_is_never_clean_and_says_nothing() {
    let folder = many();
    for arguments in [
        &["--format=concise"][..],
        &["--format=json"],
        &["--diff"],
        &["--statistics"],
        &[],
    ] {
        for err in [closed(), Stdio::piped()] {
            let output = run_into(folder.path(), arguments, closed(), err);
            assert_eq!(output.status.code(), Some(1), "{arguments:?}");
            assert!(!stderr(&output).contains("regfix:"), "{}", stderr(&output));
        }
    }
    // Only the last file has a finding.
    let folder = many();
    for (path, _) in crate::common::files(folder.path()) {
        fs::write(folder.path().join(path), "# k8s.gcr.io\n").unwrap();
    }
    fs::write(folder.path().join("zzz.yaml"), LEGACY).unwrap();
    let output = run_into(folder.path(), &["--format=json"], closed(), Stdio::piped());
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn listings_that_nobody_reads_end_quietly() {
    let folder = many();
    for arguments in [
        &["--files"][..],
        &["images"],
        &["rules"],
        &["completions", "bash"],
    ] {
        let output = run_into(folder.path(), arguments, closed(), Stdio::piped());
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(stderr(&output), "");
    }
    fs::write(folder.path().join("zzz.yaml"), b"image: k8s.gcr.io/\xff\n").unwrap();
    let output = run_into(folder.path(), &["images"], closed(), Stdio::piped());
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_full_disk_is_named_and_all_files_are_written() {
    let Some(stream) = full() else {
        println!("skipped: there is no /dev/full");
        return;
    };
    let folder = many();
    let arguments = ["--write", "--format=json", "--output=jsonl=report"];
    let output = run_into(folder.path(), &arguments, stream, Stdio::piped());
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(
        said.starts_with("regfix: standard output: ") && said.lines().count() == 1,
        "{said}"
    );
    let report = fs::read_to_string(folder.path().join("report")).unwrap();
    assert_eq!(report.lines().count(), 301);
    fs::remove_file(folder.path().join("report")).unwrap();
    assert!(texts(folder.path()).iter().all(|text| text == MOVED));
    for arguments in [&["--format=concise"][..], &["images"], &["rules"]] {
        let output = run_into(many().path(), arguments, full().unwrap(), full().unwrap());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

/// Characters that control a terminal, change the reading direction, or are invisible.
const HOSTILE: [&str; 16] = [
    "\x1b[31m",
    "\x1b]0;x\x07",
    "\r",
    "\x08",
    "\x7f",
    "\u{85}",
    "\u{9b}2J",
    "\u{61c}",
    "\u{200b}",
    "\u{200f}",
    "\u{2028}",
    "\u{202e}",
    "\u{2060}",
    "\u{2067}",
    "\u{feff}",
    "\u{e0041}",
];

fn is_hostile(char: char) -> bool {
    match char {
        '\n' => false,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' => {
            true
        }
        '\u{feff}' | '\u{e0000}'..='\u{e007f}' => true,
        char => char.is_control(),
    }
}

#[track_caller]
fn assert_harmless(what: &str, bytes: &[u8]) {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let found = text.chars().find(|char| is_hostile(*char));
    assert!(
        found.is_none(),
        "{what}: a character that must not be shown, {found:?}: {text:?}"
    );
}

/// Returns the files of a hostile repository. Every kind of message about a file contains one of the words.
fn hostile_files([a, b, c]: [&str; 3]) -> BTreeMap<PathBuf, Vec<u8>> {
    let chart = format!(
        "apiVersion: v2\nname: \"x{}\"\nversion: 1.0.0\ndependencies:\n- name: s\n  version: 1.0.0\n",
        a.escape_unicode()
            .to_string()
            .replace("\\u{", "\\U")
            .replace('}', "")
    );
    let texts = [
        (
            format!("{a}x.yaml"),
            format!("# {b}\nimage: k8s.gcr.io/pause{c}\n{b}: 'k8s.gcr.io/x{a}'\n"),
        ),
        (
            format!("b{b}.yaml"),
            format!("image: k8s.gcr.io/pause # regfix: ignore[{a}{c}] until={b}\n"),
        ),
        (
            format!("c{c}/kustomization.yaml"),
            format!("resources: [\"{a}\", b]\nimages:\n- name: k8s.gcr.io/x{b}\n"),
        ),
        (format!("d{a}/Chart.yaml"), chart),
        (
            format!("d{a}/charts/s/values.yaml"),
            "image: k8s.gcr.io/x\n".to_owned(),
        ),
        (
            format!("e{b}.yaml"),
            format!("a: [{a}{{ k8s.gcr.io/pause:{b}\n"),
        ),
        (
            format!("f{c}.json"),
            format!("{{\"image\": \"k8s.gcr.io/p\", \"{b}\": \"bitnami/x{a}:1\"}}"),
        ),
        (
            format!("g{c}.md"),
            format!("{a} k8s.gcr.io/pause:3.1 {b}\n"),
        ),
    ];
    let texts = texts.into_iter();
    let mut files: BTreeMap<PathBuf, Vec<u8>> = texts
        .map(|(path, text)| (PathBuf::from(path), text.into_bytes()))
        .collect();
    files.insert(
        format!("h{a}{b}.yaml").into(),
        b"image: k8s.gcr.io/\xff\n".to_vec(),
    );
    files.insert(
        format!("i{c}.yaml").into(),
        b"image: k8s.gcr.io/\0\n".to_vec(),
    );
    files
}

/// Asserts that everything that regfix prints about a hostile repository is harmless.
fn hold_harmless(words: &[String; 3]) {
    let [a, b, c] = words.each_ref().map(String::as_str);
    let files = hostile_files([a, b, c]);
    let (link, missing) = (format!("k{b}.yaml"), format!("missing{c}"));
    let place = || {
        let folder = folder(&[("reports/.keep", "")]);
        crate::common::fill(folder.path(), &files);
        #[cfg(unix)]
        std::os::unix::fs::symlink(a, folder.path().join(&link)).unwrap();
        folder
    };
    let outputs = FORMATS
        .iter()
        .map(|format| format!("--output={0}=reports/{0}", format.name));
    let outputs: Vec<String> = outputs.collect();
    let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
    for mode in [&["--verbose"][..], &["--unsafe-fixes", "--write"]] {
        for (at, format) in FORMATS.iter().enumerate() {
            let folder = place();
            let shown = ["--all-text", ".", &link, &missing, "--format", format.name];
            // The reports in files do not depend on `--format`.
            let outputs = if at == 0 { &outputs[..] } else { &[] };
            let output = run(folder.path(), &[&shown[..], mode, outputs].concat());
            assert_harmless("standard error", &output.stderr);
            assert_harmless(format.name, &output.stdout);
            assert!(
                output.stdout.len() > 100,
                "{} shows next to nothing of what was found: {output:?}",
                format.name
            );
            for (path, report) in crate::common::files(&folder.path().join("reports")) {
                assert_harmless(path.to_str().unwrap(), &report);
            }
        }
    }
    let folder = place();
    for arguments in [
        &["--files"][..],
        &["--files", "--all-text", &missing],
        &["images"],
        &["images", "--format=json", &missing],
        &["images", "--unique"],
        &["--statistics"],
        &["explain", a],
        &[a],
        &[&format!("--{b}")],
        &["--since", c],
        &["--config", a],
        &["--output", &format!("x={a}")],
        &["--output", &format!("json=no/{a}")],
    ] {
        let output = run(folder.path(), arguments);
        assert_harmless(&format!("{arguments:?}: standard error"), &output.stderr);
        assert_harmless(&format!("{arguments:?}: standard output"), &output.stdout);
    }
    fs::remove_file(folder.path().join(format!("h{a}{b}.yaml"))).unwrap();
    let output = run(folder.path(), &["--write-baseline"]);
    let baseline = fs::read(folder.path().join(".regfix-baseline.json"));
    let baseline = baseline.unwrap_or_else(|_| panic!("{output:?}"));
    assert_harmless("baseline", &baseline);
    hold_configuration_harmless([a, b, c]);
}

/// Asserts the same for texts from the repository's configuration, which is not trusted either.
fn hold_configuration_harmless([a, b, c]: [&str; 3]) {
    let written = |text: &str| regfix::printable::json(text);
    let rule = format!(
        "rules:\n- id: own\n  from: old.example.com/x\n  to: new.example.com/x\n  summary: {}\n  why: {}\n  sources: [{}]\n",
        written(&format!("s{a}")),
        written(&format!("w{b}")),
        written(&format!("https://example.com/{c}")),
    );
    let broken = [
        format!("exclude: [\"{a}[\"]\n"),
        format!("{b}: 1\n# {c}\n"),
        format!("rules: [{{id: {}}}]\n", written(a)),
    ];
    let image = "image: old.example.com/x/y:1\n";
    for text in broken.iter().chain([&rule]) {
        let folder = folder(&[(".regfix.yaml", text), ("a.yaml", image)]);
        for arguments in [
            &[][..],
            &["rules"],
            &["rules", "--format=json"],
            &["explain", "own"],
            &["--format=sarif"],
        ] {
            let output = run(folder.path(), arguments);
            assert_harmless(&format!("{arguments:?} of {text:?}"), &output.stdout);
            assert_harmless(&format!("{arguments:?} of {text:?}"), &output.stderr);
        }
    }
}

/// Returns a short word with one hostile character that a file name can contain.
fn word() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec(
        prop::sample::select(vec!["a", "ä", " ", "\"", "%", "`", "<", "|"]),
        0..3,
    );
    (pieces, prop::sample::select(HOSTILE.to_vec()), "[a-z]{0,2}")
        .prop_map(|(pieces, hostile, end)| format!("{}{hostile}{end}", pieces.concat()))
}

proptest! {
    #![proptest_config(Config { cases: 4, rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..Config::default() })]

    #[test]
    fn nothing_that_is_shown_steers_or_hides(words in [word(), word(), word()]) {
        hold_harmless(&words);
    }
}

#[test]
fn each_hostile_character_is_kept_from_every_output() {
    for words in HOSTILE.chunks(3) {
        let word = |at: usize| words.get(at).unwrap_or(&words[0]).to_string();
        hold_harmless(&[word(0), word(1), word(2)]);
    }
}

/// Two names that are not Unicode, and one that equals the printed form of the first.
#[cfg(unix)]
#[test]
fn names_that_are_no_unicode_are_told_apart() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = folder(&[("a\\377.yaml", LEGACY)]);
    for name in [&b"a\xff.yaml"[..], b"a\xfe.yaml"] {
        if fs::write(folder.path().join(OsStr::from_bytes(name)), LEGACY).is_err() {
            println!("skipped: the file system takes Unicode only");
            return;
        }
    }
    let shown =
        |arguments: &[&str]| String::from_utf8(run(folder.path(), arguments).stdout).unwrap();
    for arguments in [&["--format=concise"][..], &["images"], &["--files"]] {
        let shown = shown(arguments);
        let end = if arguments == ["--files"] { '\n' } else { ':' };
        for name in ["\"a\\377.yaml\"", "\"a\\376.yaml\"", "a\\377.yaml"] {
            assert_eq!(shown.matches(&format!("{name}{end}")).count(), 1, "{shown}");
        }
    }
    let sarif = shown(&["--format=sarif"]);
    for uri in ["\"a%FF.yaml\"", "\"a%FE.yaml\"", "\"a%5C377.yaml\""] {
        assert!(sarif.contains(uri), "{sarif}");
    }
    let json = shown(&["--format=json"]);
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    let files = report["files"].as_array().unwrap().iter();
    let paths: Vec<&str> = files.map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["a\\377.yaml", "\"a\\376.yaml\"", "\"a\\377.yaml\""]);
}

#[test]
fn many_findings_are_shown_by_rule_and_message() {
    let mut all: Vec<(String, &str)> = Vec::new();
    for index in 0..48 {
        all.push((format!("apps/{}/{index}.yaml", index % 12), LEGACY));
    }
    all.push((
        "zzz.yaml".to_owned(),
        "image: quay.io/k8scsi/csi-snapshotter:v2.1.1\n",
    ));
    let all: Vec<(&str, &str)> = all
        .iter()
        .map(|(path, text)| (path.as_str(), *text))
        .collect();
    let folder = crate::common::folder(&all);
    let few = stdout(&run(folder.path(), &[]));
    assert_eq!(few.matches("╭─[").count(), 49, "{few}");
    let two = folder.path().join("two.yaml");
    fs::write(two, LEGACY.repeat(2).replace("image", "- image")).unwrap();
    let many = stdout(&run(folder.path(), &[]));
    assert_eq!(many.matches("╭─[").count(), 2, "{many}");
    let (error, warning) = many.split_once("warning[k8s-gcr-io]").unwrap();
    assert!(
        error.starts_with("error[quay-k8scsi]") && error.contains("[zzz.yaml:1:8]"),
        "{error}"
    );
    for line in [
        "   ╭─[apps/0/0.yaml:1:8]",
        "  and 49 more: 50 in 49 files",
        "       4  apps/0",
        "      18  in 5 more folders",
        "51 findings are shown by rule and message, with the first of each; --verbose shows all.",
        "rule         severity  findings  safe  needs review",
        "k8s-gcr-io   warning         50    50",
        "regfix --write                applies 50 safe fixes",
        "regfix --diff --unsafe-fixes  shows 1 more fix that needs review",
        "regfix --write-baseline       records 51 findings, so that later runs report only new ones",
    ] {
        assert!(
            warning.lines().any(|shown| shown == line),
            "no {line}\n{many}"
        );
    }
    let verbose = stdout(&run(folder.path(), &["--verbose"]));
    assert_eq!(verbose.matches("╭─[").count(), 51, "{verbose}");
}

#[test]
fn code_of_ytt_is_no_comment_when_names_are_counted_that_nobody_judged() {
    let counted = |value: &str| {
        let text = format!("a: {value}\n");
        let folder = folder(&[("a.yaml", &text)]);
        let output = run(folder.path(), &["--verbose", "--format=concise", "."]);
        stdout(&output).contains("a.yaml:1:7: not judged: k8s.gcr.io/pause: ")
    };
    assert!(counted("#@\"k8s.gcr.io/pause:\" + tag"));
    assert!(!counted("# \"k8s.gcr.io/pause:\" + tag"));
}
