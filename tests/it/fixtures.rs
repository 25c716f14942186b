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

use crate::common::{files, fill, outdated, packed, run, stdout};

type Files = BTreeMap<PathBuf, Vec<u8>>;

struct Case {
    name: String,
    folder: PathBuf,
    input: Files,
    arguments: Vec<String>,
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
    with_input
        .map(|folder| Case {
            name: folder.file_name().unwrap().to_string_lossy().into_owned(),
            input: packed(files(&folder.join("in"))),
            arguments: fs::read_to_string(folder.join("arguments"))
                .unwrap_or_default()
                .lines()
                .map(str::to_owned)
                .collect(),
            folder,
        })
        .collect()
}

impl Case {
    /// Runs on a fresh copy. Gives what was said, and the files as they are then.
    fn run(&self, arguments: &[&str]) -> (String, Files) {
        let copy = tempfile::tempdir().unwrap();
        fill(copy.path(), &self.input);
        self.run_in(copy.path(), arguments)
    }

    fn run_in(&self, folder: &Path, arguments: &[&str]) -> (String, Files) {
        let own = self.arguments.iter().map(String::as_str);
        // The day of the catalogue: severities grow with dates.
        let day = ["--as-of", "2026-11-21"];
        let all: Vec<&str> = arguments.iter().copied().chain(day).chain(own).collect();
        let output = run(folder, &all);
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "{}: {output:?}",
            self.name
        );
        (stdout(&output), files(folder))
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

#[test]
fn cases_are_as_stored() {
    let mut faults = Vec::new();
    let cases = cases();
    assert!(cases.len() > 30);
    for case in &cases {
        let report = ["--format", "concise", "--verbose", "--color", "never"];
        let (reported, untouched) = case.run(&report);
        assert_eq!(
            untouched, case.input,
            "{}: a check changes nothing",
            case.name
        );
        case.hold_report(&reported, &mut faults);
        let (_, safe) = case.run(&["--write", "--quiet"]);
        case.hold("out", &Case::changed(&safe, &case.input), &mut faults);
        let (_, all) = case.run(&["--write", "--unsafe-fixes", "--quiet"]);
        case.hold("out-unsafe", &Case::changed(&all, &safe), &mut faults);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_second_run_finds_nothing_that_it_could_still_fix() {
    for case in cases() {
        for flags in [
            &["--write", "--quiet"][..],
            &["--write", "--unsafe-fixes", "--quiet"],
        ] {
            let copy = tempfile::tempdir().unwrap();
            fill(copy.path(), &case.input);
            let (_, once) = case.run_in(copy.path(), flags);
            let (_, twice) = case.run_in(copy.path(), flags);
            assert_eq!(once, twice, "{}", case.name);
            let flags: Vec<&str> = flags
                .iter()
                .copied()
                .filter(|flag| *flag != "--write" && *flag != "--quiet")
                .chain(["--diff"])
                .collect();
            let (diff, _) = case.run_in(copy.path(), &flags);
            assert_eq!(diff, "", "{}", case.name);
        }
    }
}

#[test]
fn bytes_outside_the_edits_stay() {
    for case in cases() {
        let (reported, _) = case.run(&["--format", "json"]);
        let report: serde_json::Value = serde_json::from_str(&reported).unwrap();
        let (_, after) = case.run(&["--write", "--quiet"]);
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

/// Applies the edits of one file that the JSON report tells of, by hand.
fn splice(before: &[u8], path: &Path, report: &serde_json::Value) -> Vec<u8> {
    let mut edits: BTreeMap<(usize, usize), String> = BTreeMap::new();
    let number = |value: &serde_json::Value| usize::try_from(value.as_u64().unwrap()).unwrap();
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
fn elsewhere<'f>(
    finding: &'f serde_json::Value,
    path: &Path,
) -> impl Iterator<Item = &'f serde_json::Value> {
    let edits = finding["elsewhere"].as_array().unwrap().iter();
    edits.filter(move |edit| Path::new(edit["path"].as_str().unwrap()) == path)
}

#[test]
fn the_structure_stays() {
    for case in cases() {
        let (_, after) = case.run(&["--write", "--unsafe-fixes", "--quiet"]);
        let (reported, _) = case.run(&["--format", "json"]);
        let report: serde_json::Value = serde_json::from_str(&reported).unwrap();
        let files = report["files"].as_array().unwrap().iter();
        let findings = files.flat_map(|file| file["findings"].as_array().unwrap());
        let findings: Vec<&serde_json::Value> = findings.collect();
        for (path, before) in &case.input {
            let (mut before, mut after) = (shape(before), shape(&after[path]));
            before.iter_mut().for_each(leave_out_consent);
            after.iter_mut().for_each(leave_out_consent);
            // What another file's finding adds is an override: values may get more.
            let grows = |finding: &&serde_json::Value| elsewhere(finding, path).next().is_some();
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
    for case in cases() {
        let reported = |jobs: &str| {
            let (reported, _) =
                case.run(&["--format", "concise", "--color", "never", "--jobs", jobs]);
            reported
        };
        assert_eq!(reported("1"), reported("4"), "{}", case.name);
    }
}

#[test]
fn every_rule_has_a_fixture() {
    let reports: String = cases()
        .iter()
        .map(|case| fs::read_to_string(case.folder.join("report.txt")).unwrap_or_default())
        .collect();
    let rules = regfix::rules::catalogue()
        .rules
        .into_iter()
        .filter_map(|spec| spec.id);
    let missing: Vec<String> = rules
        .filter(|id| !reports.contains(&format!(" {id} ")))
        .collect();
    assert!(missing.is_empty(), "no fixture shows {missing:?}");
}
