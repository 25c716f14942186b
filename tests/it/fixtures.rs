//! Every folder below `fixtures/` is a case: `in/` is checked and fixed, and the result is compared with the stored files.
//!
//! | stored | content |
//! |---|---|
//! | `report.txt` | the output of `regfix --format concise --verbose` for `in/` |
//! | `out/` | the files that `--write` changes, after the change |
//! | `out-unsafe/` | the files for which `--write --unsafe-fixes` gives another result |
//! | `in/**/x-1.0.0.tgz/` | a folder that is packed before the run into the archive of a chart; archives may be nested |
//! | `arguments` | additional arguments, one per line, if the case needs them |
//!
//! `cargo xtask regenerate` stores the results; read the diff before you commit it. Every case also upholds four laws: a
//! second run finds nothing that it could still fix, bytes outside the edits stay, the fixed text has the same structure,
//! and the number of threads changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, OnceLock};

use serde_json::Value;

use crate::common::{files, fill, formats_but, outdated, packed, run, stdout};

type Files = BTreeMap<PathBuf, Vec<u8>>;

static CASES: LazyLock<Vec<Case>> = LazyLock::new(cases);

pub(crate) struct Case {
    pub(crate) name: String,
    folder: PathBuf,
    input: Files,
    arguments: Vec<String>,
    checked: OnceLock<Outcome>,
    fixed: [OnceLock<Outcome>; 2],
}

/// The output of a run on a fresh copy, and the files after it.
pub(crate) struct Outcome {
    said: String,
    files: Files,
    /// By format.
    pub(crate) reports: BTreeMap<&'static str, String>,
}

/// The fixes that `--write` applies.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Fixes {
    Safe,
    All,
}

impl Fixes {
    fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Safe => &["--write", "--quiet"],
            Self::All => &["--write", "--unsafe-fixes", "--quiet"],
        }
    }
}

/// Returns all cases; tests that need the same run of a case share it.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    CASES.iter()
}

fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut folders: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    let with_input = folders
        .into_iter()
        .filter(|folder| folder.join("in").is_dir());
    let cases: Vec<Case> = with_input
        .map(|folder| Case {
            name: folder.file_name().unwrap().to_string_lossy().into_owned(),
            input: packed(files(&folder.join("in"))),
            arguments: fs::read_to_string(folder.join("arguments"))
                .unwrap_or_default()
                .lines()
                .map(str::to_owned)
                .collect(),
            folder,
            checked: OnceLock::new(),
            fixed: Default::default(),
        })
        .collect();
    assert!(cases.len() > 30);
    cases
}

impl Case {
    pub(crate) fn checked(&self) -> &Outcome {
        self.checked
            .get_or_init(|| self.run(&self.input, &with_jobs("4"), &every_format()))
    }

    pub(crate) fn fixed(&self, fixes: Fixes) -> &Outcome {
        let formats = match fixes {
            Fixes::Safe => every_format(),
            Fixes::All => Vec::new(),
        };
        self.fixed[fixes as usize].get_or_init(|| self.run(&self.input, fixes.flags(), &formats))
    }

    /// Runs on a fresh copy of the input, and writes a report in each of these formats.
    fn run(&self, input: &Files, arguments: &[&str], formats: &[&'static str]) -> Outcome {
        let (copy, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fill(copy.path(), input);
        let report = |format: &str| out.path().join(format);
        let outputs = formats.iter();
        let outputs =
            outputs.map(|format| format!("--output={format}={}", report(format).display()));
        let outputs: Vec<String> = outputs.collect();
        let outputs = outputs.iter().map(String::as_str);
        let own = self.arguments.iter().map(String::as_str);
        // The day of the catalogue; severities change with dates.
        let day = ["--as-of", "2026-11-21"];
        let all = arguments.iter().copied().chain(day).chain(own);
        let output = run(copy.path(), &all.chain(outputs).collect::<Vec<_>>());
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "{}: {output:?}",
            self.name
        );
        let read = |format: &&'static str| (*format, fs::read_to_string(report(format)).unwrap());
        Outcome {
            said: stdout(&output),
            files: files(copy.path()),
            reports: formats.iter().map(read).collect(),
        }
    }

    /// Returns the files of a run that differ from those before.
    fn changed(now: &Files, before: &Files) -> Files {
        let differs = |(path, bytes): &(&PathBuf, &Vec<u8>)| before.get(*path) != Some(*bytes);
        now.iter()
            .filter(differs)
            .map(|(path, bytes)| (path.clone(), bytes.clone()))
            .collect()
    }

    fn hold(&self, stored: &str, found: &Files, faults: &mut Vec<String>) {
        let folder = self.folder.join(stored);
        if std::env::var_os("UPDATE").is_some() {
            let _ = fs::remove_dir_all(&folder);
            fill(&folder, found);
            return;
        }
        let before = files(&folder);
        let paths: BTreeSet<&PathBuf> = before.keys().chain(found.keys()).collect();
        for path in paths {
            if before.get(path) == found.get(path) {
                continue;
            }
            let read = |files: &Files| {
                let bytes = files.get(path).map(Vec::as_slice).unwrap_or_default();
                String::from_utf8_lossy(bytes).into_owned()
            };
            let name = format!("fixtures/{}/{stored}/{}", self.name, path.display());
            faults.push(outdated(&name, &read(&before), &read(found)));
        }
    }

    fn hold_report(&self, report: &str, faults: &mut Vec<String>) {
        let path = self.folder.join("report.txt");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(path, report).unwrap();
            return;
        }
        let stored = fs::read_to_string(path).unwrap_or_default();
        if stored != report {
            let name = format!("fixtures/{}/report.txt", self.name);
            faults.push(outdated(&name, &stored, report));
        }
    }
}

/// Returns the flags of a check.
fn with_jobs(jobs: &str) -> [&str; 5] {
    let [format, verbose, color] = ["--format=concise", "--verbose", "--color=never"];
    [format, verbose, color, "--jobs", jobs]
}

/// Returns the report formats that programs read.
fn every_format() -> Vec<&'static str> {
    formats_but(&["full", "concise"]).collect()
}

#[test]
fn cases_are_as_stored() {
    let mut faults = Vec::new();
    for case in all() {
        let checked = case.checked();
        assert_eq!(
            checked.files, case.input,
            "{}: a check changes nothing",
            case.name
        );
        case.hold_report(&checked.said, &mut faults);
        let [safe, all] = [Fixes::Safe, Fixes::All].map(|fixes| &case.fixed(fixes).files);
        case.hold("out", &Case::changed(safe, &case.input), &mut faults);
        case.hold("out-unsafe", &Case::changed(all, safe), &mut faults);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_second_run_finds_nothing_that_it_could_still_fix() {
    for case in all() {
        let [safe, all] = [Fixes::Safe, Fixes::All].map(|fixes| &case.fixed(fixes).files);
        // If both runs leave the same files, the second run with all fixes also covers the safe ones.
        let safe = (safe != all).then_some((Fixes::Safe, safe));
        for (fixes, once) in safe.into_iter().chain([(Fixes::All, all)]) {
            let again = case.run(once, fixes.flags(), &["json"]);
            assert_eq!(*once, again.files, "{}", case.name);
            let summary = &again.json()["summary"];
            let mut counts = vec!["fixed", "fixable"];
            counts.extend(Some("unsafe_fixable").filter(|_| fixes == Fixes::All));
            for count in counts {
                assert_eq!(summary[count], 0, "{}: {count}", case.name);
            }
        }
    }
}

impl Outcome {
    fn json(&self) -> Value {
        serde_json::from_str(&self.reports["json"]).unwrap()
    }
}

#[test]
fn bytes_outside_the_edits_stay() {
    for case in all() {
        let report = case.checked().json();
        let after = &case.fixed(Fixes::Safe).files;
        for file in report["files"].as_array().unwrap() {
            let path = PathBuf::from(file["path"].as_str().unwrap());
            let before = &case.input[&path];
            let spliced = splice(before, &path, &report);
            assert_eq!(
                String::from_utf8_lossy(&spliced),
                String::from_utf8_lossy(&after[&path]),
                "{}: {}",
                case.name,
                path.display()
            );
        }
    }
}

/// Applies the safe edits of the JSON report to one file.
fn splice(before: &[u8], path: &Path, report: &Value) -> Vec<u8> {
    let mut edits: BTreeMap<(usize, usize), String> = BTreeMap::new();
    let number = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
    for file in report["files"].as_array().unwrap() {
        let own = path == Path::new(file["path"].as_str().unwrap());
        for finding in file["findings"].as_array().unwrap() {
            if finding["applicability"] != "safe" {
                continue;
            }
            let here = finding["edits"].as_array().unwrap();
            let here = here.iter().filter(|_| own);
            for edit in here.chain(elsewhere(finding, path)) {
                let span = (number(&edit["start"]), number(&edit["end"]));
                edits.insert(span, edit["text"].as_str().unwrap().to_owned());
            }
        }
    }
    let mut after = before.to_vec();
    for ((start, end), text) in edits.into_iter().rev() {
        after.splice(start..end, text.into_bytes());
    }
    after
}

/// Returns the edits that a finding makes in a file other than its own.
fn elsewhere<'f>(finding: &'f Value, path: &Path) -> impl Iterator<Item = &'f Value> {
    let edits = finding["elsewhere"].as_array().unwrap().iter();
    edits.filter(move |edit| Path::new(edit["path"].as_str().unwrap()) == path)
}

#[test]
fn the_structure_stays() {
    for case in all() {
        let after = &case.fixed(Fixes::All).files;
        let report = case.checked().json();
        let files = report["files"].as_array().unwrap().iter();
        let findings = files.flat_map(|file| file["findings"].as_array().unwrap());
        let findings: Vec<&Value> = findings.collect();
        for (path, before) in &case.input {
            let (mut before, mut after) = (shape(before), shape(&after[path]));
            before.iter_mut().for_each(leave_out_consent);
            after.iter_mut().for_each(leave_out_consent);
            // Findings of other files add overrides here: values may get more entries.
            let grows = |finding: &&Value| elsewhere(finding, path).next().is_some();
            if findings.iter().any(grows) {
                let was = |entry: &String| before.iter().flatten().any(|one| one == entry);
                after.iter_mut().for_each(|after| after.retain(was));
            }
            // A fix may set `allowInsecureImages` in a chart that refuses images from elsewhere.
            for entry in after.iter_mut().flatten() {
                if entry.ends_with("String(\"allowInsecureImages\"): Bool(true)") {
                    *entry = entry.replace("Bool(true)", "Bool(false)");
                }
            }
            let before = before.map(|before| {
                let accepted = |entry: String| match entry.contains("\"allowInsecureImages\"") {
                    true => entry.replace("Bool(true)", "Bool(false)"),
                    false => entry,
                };
                before.into_iter().map(accepted).collect::<Vec<_>>()
            });
            let null = |entry: &String| entry.ends_with(": Null");
            let before = before.map(|mut before| {
                before.retain(|entry| !null(entry));
                before
            });
            after
                .iter_mut()
                .for_each(|after| after.retain(|entry| !null(entry)));
            let is_open = path.ends_with("kustomization.yaml") || gets_names(&before, &after);
            let grown = is_open && is_within(&before, &after);
            assert!(
                before == after || grown,
                "{}: {}: {before:?} became {after:?}",
                case.name,
                path.display()
            );
        }
    }
}

/// Whether nothing was added but `newName`, `dns.imageRepository` of kubeadm, a registry in place of one that is merged in,
/// or a chart's consent to other images.
fn gets_names(before: &Option<Vec<String>>, after: &Option<Vec<String>>) -> bool {
    let count = |entries: &Option<Vec<String>>| {
        let entries = entries.as_deref().unwrap_or_default();
        const ADDED: [&str; 5] = [
            "String(\"allowInsecureImages\"): Bool(false)",
            "/String(\"global.security.allowInsecureImages\"): text",
            "/String(\"newName\"): text",
            "String(\"dns\")/String(\"imageRepository\"): text",
            "String(\"image\")/String(\"registry\"): text",
        ];
        let is_name = |entry: &&String| ADDED.iter().any(|added| entry.ends_with(added));
        (entries.len(), entries.iter().filter(is_name).count())
    };
    let ((all, names), (all_after, names_after)) = (count(before), count(after));
    all_after.checked_sub(all) == names_after.checked_sub(names)
}

/// The name of a parameter that makes a chart accept images from elsewhere.
const CONSENT: &str = "global.security.allowInsecureImages";

/// Removes such parameters, because a fix may add them or change their value.
fn leave_out_consent(entries: &mut Vec<String>) {
    let is_name = |entry: &String| entry.ends_with("/-/String(\"name\"): consent");
    while let Some(at) = entries.iter().position(is_name) {
        assert!(entries[at + 1].ends_with("/-/String(\"value\"): text"));
        entries.drain(at..at + 2);
    }
}

/// Whether all entries are still there, in the same order. In a kustomization, an entry may get another key, or a new entry
/// beside it.
fn is_within(before: &Option<Vec<String>>, after: &Option<Vec<String>>) -> bool {
    let (Some(before), Some(after)) = (before, after) else {
        return false;
    };
    let mut after = after.iter();
    before.iter().all(|one| after.any(|other| other == one))
}

/// Returns keys and positions of scalars, by a parser that shares no code with ours. `None` if it cannot parse the text.
fn shape(bytes: &[u8]) -> Option<Vec<String>> {
    use serde::Deserialize;
    let text = std::str::from_utf8(bytes).ok()?;
    let mut shapes = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let value = serde_yaml::Value::deserialize(document).ok()?;
        flatten(&value, "", &mut shapes);
    }
    Some(shapes)
}

fn flatten(value: &serde_yaml::Value, path: &str, shapes: &mut Vec<String>) {
    match value {
        serde_yaml::Value::Mapping(map) => map
            .iter()
            .for_each(|(key, value)| flatten(value, &format!("{path}/{key:?}"), shapes)),
        serde_yaml::Value::Sequence(list) => {
            list.iter()
                .for_each(|value| flatten(value, &format!("{path}/-"), shapes));
        }
        serde_yaml::Value::String(text) if text == CONSENT => {
            shapes.push(format!("{path}: consent"));
        }
        serde_yaml::Value::String(_) => shapes.push(format!("{path}: text")),
        other => shapes.push(format!("{path}: {other:?}")),
    }
}

#[test]
fn threads_change_nothing() {
    for case in all() {
        let alone = case.run(&case.input, &with_jobs("1"), &["json"]);
        let checked = case.checked();
        assert_eq!(alone.said, checked.said, "{}", case.name);
        assert_eq!(alone.json(), checked.json(), "{}", case.name);
    }
}

#[test]
fn every_rule_has_a_fixture() {
    let reports: String = all()
        .map(|case| fs::read_to_string(case.folder.join("report.txt")).unwrap_or_default())
        .collect();
    let rules = regfix::rules::catalogue()
        .rules
        .into_iter()
        .filter_map(|spec| spec.id);
    let missing: Vec<String> = rules
        .filter(|id| !reports.contains(&format!(" {id} ")))
        .collect();
    assert!(
        missing.is_empty(),
        "no report of a fixture shows {missing:?}: `cargo xtask regenerate` adds the examples to fixtures/rules"
    );
}
