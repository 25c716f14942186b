//! Every folder below `fixtures/` is a case: `in/` is checked and fixed, and held to what is stored beside it.
//!
//! | stored | what it is |
//! |---|---|
//! | `report.txt` | what `regfix --format concise --verbose` says of `in/` |
//! | `out/` | the files that `--write` changes, as they are then |
//! | `out-unsafe/` | the files that `--write --unsafe-fixes` changes otherwise |
//! | `in/**/x-1.0.0.tgz/` | a folder that is packed before the run: the archive of a chart; archives in archives, too |
//! | `arguments` | further arguments, one a line, where the case needs them |
//!
//! `cargo xtask regenerate` stores what is found; read the difference before you commit it. Four laws are
//! held for every case besides: a second run finds nothing that it could still fix, bytes outside the edits stay, the
//! fixed text has the same structure, and the number of threads changes nothing.

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

/// What a run on a fresh copy says, and the files as it leaves them.
pub(crate) struct Outcome {
    said: String,
    files: Files,
    /// By format.
    pub(crate) reports: BTreeMap<&'static str, String>,
}

/// What `--write` applies.
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

/// All of them; the tests that ask the same of one share the run.
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

    /// Runs on a fresh copy of the input, with a report of each of these formats.
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
        // The day of the catalogue: severities grow with dates.
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

    /// The files of a run that are not as they were in another.
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

/// The flags of a check.
fn with_jobs(jobs: &str) -> [&str; 5] {
    let [format, verbose, color] = ["--format=concise", "--verbose", "--color=never"];
    [format, verbose, color, "--jobs", jobs]
}

/// The formats of reports that programs read.
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
        // Where both leave the same files, the run that applies all speaks for both.
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

/// Applies the edits of one file of the JSON report, by hand.
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

/// A finding's edits of another file than its own.
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
            // What another file's finding adds is an override: values may get more.
            let grows = |finding: &&Value| elsewhere(finding, path).next().is_some();
            if findings.iter().any(grows) {
                let was = |entry: &String| before.iter().flatten().any(|one| one == entry);
                after.iter_mut().for_each(|after| after.retain(was));
            }
            // A chart that refuses images from elsewhere is told to accept them.
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

/// Whether nothing was added but `newName`, kubeadm's folder of CoreDNS, a registry in place of one that is merged in, or a
/// chart's consent to other images.
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

/// What a parameter is called by which a chart is told to accept images from elsewhere.
const CONSENT: &str = "global.security.allowInsecureImages";

/// Leaves out parameters that consent: they may be added, and may get another value.
fn leave_out_consent(entries: &mut Vec<String>) {
    let is_name = |entry: &String| entry.ends_with("/-/String(\"name\"): consent");
    while let Some(at) = entries.iter().position(is_name) {
        assert!(entries[at + 1].ends_with("/-/String(\"value\"): text"));
        entries.drain(at..at + 2);
    }
}

/// Whether all that was there is still there, in its order. An entry of a kustomization may get a key, or another one
/// beside it.
fn is_within(before: &Option<Vec<String>>, after: &Option<Vec<String>>) -> bool {
    let (Some(before), Some(after)) = (before, after) else {
        return false;
    };
    let mut after = after.iter();
    before.iter().all(|one| after.any(|other| other == one))
}

/// What a parser that shares no code with ours makes of a text: keys, and where scalars stand. `None` where it makes
/// nothing of it.
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
