//! The programs that evaluate policies, and their verdicts on objects.
//!
//! Starts only such a program, because the user asked for it. These programs make no connections.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::Value;

use crate::policy::{Engine, Vector};
use crate::printable;
use crate::program;

/// The verdicts of a policy, by the names of the objects.
pub(super) enum Verdicts {
    /// The objects that it refuses.
    Refused(BTreeSet<String>),
    /// The objects that it applies to, with its changes.
    Changed(BTreeMap<String, Value>),
}

/// A program that evaluates the policies of some engines.
struct Runner {
    /// Its possible names. A kubectl plugin has two.
    names: &'static [&'static str],
    engines: &'static [&'static str],
    evaluate: fn(&Path, &Files<'_>) -> Result<Verdicts, String>,
}

static RUNNERS: [Runner; 3] = [
    Runner {
        names: &["gator"],
        engines: &["gatekeeper"],
        evaluate: by_gator,
    },
    Runner {
        names: KYVERNO,
        engines: &["vap", "kyverno"],
        evaluate: refused_by_kyverno,
    },
    Runner {
        names: KYVERNO,
        engines: &["map", "kyverno-mutate"],
        evaluate: changed_by_kyverno,
    },
];

const KYVERNO: &[&str] = &["kyverno", "kubectl-kyverno"];

/// The input of a program, in a temporary folder.
struct Files<'f> {
    folder: &'f Path,
    policy: &'f Path,
    objects: &'f Path,
    names: Vec<&'f str>,
}

/// Evaluates a policy for objects.
///
/// # Errors
/// If the program is missing or fails, or its verdicts are incomplete.
pub(super) fn run(engine: &Engine, policy: &str, vectors: &[Vector]) -> Result<Verdicts, String> {
    let mut runners = RUNNERS.iter();
    let runner = runners
        .find(|runner| runner.engines.contains(&engine.name))
        .ok_or_else(|| format!("no program evaluates policies for {}", engine.name))?;
    let name = runner.names[0];
    let mut programs = runner.names.iter().filter_map(|name| program::here(name));
    let program = programs
        .next()
        .ok_or_else(|| format!("{name} is not on PATH: it evaluates this policy"))?;
    evaluate(runner, &program, policy, vectors).map_err(|why| format!("{name}: {why}"))
}

fn evaluate(
    runner: &Runner,
    program: &Path,
    policy: &str,
    vectors: &[Vector],
) -> Result<Verdicts, String> {
    let failed = |error: std::io::Error| error.to_string();
    let folder = tempfile::tempdir().map_err(failed)?;
    let [policy_file, objects_file] =
        ["policy.yaml", "objects.yaml"].map(|name| folder.path().join(name));
    // JSON is also YAML.
    let objects: Vec<String> = vectors
        .iter()
        .map(|vector| printable::json(&vector.object))
        .collect();
    fs::write(&policy_file, policy).map_err(failed)?;
    fs::write(&objects_file, objects.join("\n---\n")).map_err(failed)?;
    let files = Files {
        folder: folder.path(),
        policy: &policy_file,
        objects: &objects_file,
        names: vectors.iter().map(|vector| vector.name.as_str()).collect(),
    };
    (runner.evaluate)(program, &files)
}

/// Runs a program to its end. Returns its standard output and standard error.
fn output(program: &Path, arguments: &[&OsStr]) -> Result<(String, String), String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot be started: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((text(&output.stdout), text(&output.stderr)))
}

/// Runs a program that prints JSON. If it does not, the error is the last line on standard error.
fn document(program: &Path, arguments: &[&OsStr]) -> Result<Value, String> {
    let (text, words) = output(program, arguments)?;
    serde_json::from_str(&text).map_err(|_| {
        let said = words.lines().next_back().unwrap_or("printed no results");
        said.to_owned()
    })
}

/// `gator test` prints a list of violations, and fails if there are any.
fn by_gator(program: &Path, files: &Files<'_>) -> Result<Verdicts, String> {
    let words = ["test", "--output=json", "--filename"].map(OsStr::new);
    let [test, output, file] = words;
    let arguments = [
        test,
        output,
        file,
        files.policy.as_os_str(),
        file,
        files.objects.as_os_str(),
    ];
    let results = document(program, &arguments)?;
    let name = |result: &Value| {
        let name = result.pointer("/violatingObject/metadata/name")?;
        name.as_str().map(str::to_owned)
    };
    let results = results.as_array().into_iter().flatten();
    Ok(Verdicts::Refused(results.filter_map(name).collect()))
}

/// A report of Kyverno, with at least one result per object.
#[derive(Deserialize)]
struct Report {
    #[serde(default)]
    results: Vec<ReportResult>,
}

#[derive(Deserialize)]
struct ReportResult {
    result: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    name: String,
}

fn refused_by_kyverno(program: &Path, files: &Files<'_>) -> Result<Verdicts, String> {
    let [apply, resource, report, json] = [
        "apply",
        "--resource",
        "--policy-report",
        "--output-format=json",
    ]
    .map(OsStr::new);
    let arguments = [
        apply,
        files.policy.as_os_str(),
        resource,
        files.objects.as_os_str(),
        report,
        json,
    ];
    let report = document(program, &arguments)?;
    let report: Report = serde_json::from_value(report)
        .map_err(|error| format!("printed something else than a report: {error}"))?;
    let mut refused = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for result in report.results {
        let names: Vec<String> = result.resources.into_iter().map(|one| one.name).collect();
        match result.result.as_str() {
            "pass" | "skip" => {}
            "fail" => refused.extend(names.iter().cloned()),
            other => {
                let why = printable::brief(&result.message);
                return Err(format!("{}: {other}: {why}", names.join(", ")));
            }
        }
        seen.extend(names);
    }
    match files.names.iter().find(|name| !seen.contains(**name)) {
        Some(name) => Err(format!(
            "says nothing of {name}: it did not evaluate the policy"
        )),
        None => Ok(Verdicts::Refused(refused)),
    }
}

/// Adapts an API server's policy for Kyverno's command, which knows only the first version of that kind, with the same fields,
/// and does not apply a policy whose binding covers all objects.
fn for_kyverno(policy: &str) -> String {
    let first = policy.split("\n---\n").next().unwrap_or(policy);
    first.replace(
        "\napiVersion: admissionregistration.k8s.io/v1\n",
        "\napiVersion: admissionregistration.k8s.io/v1alpha1\n",
    )
}

fn changed_by_kyverno(program: &Path, files: &Files<'_>) -> Result<Verdicts, String> {
    let failed = |error: std::io::Error| error.to_string();
    let policy = fs::read_to_string(files.policy).map_err(failed)?;
    fs::write(files.policy, for_kyverno(&policy)).map_err(failed)?;
    let folder = files.folder.join("changed");
    fs::create_dir(&folder).map_err(failed)?;
    let [apply, resource, to] = ["apply", "--resource", "--output"].map(OsStr::new);
    let arguments = [
        apply,
        files.policy.as_os_str(),
        resource,
        files.objects.as_os_str(),
        to,
        folder.as_os_str(),
    ];
    let (_, words) = output(program, &arguments)?;
    let object = |name: &str| {
        // The file may contain the object more than once.
        let text = fs::read_to_string(folder.join(format!("{name}-mutated.yaml"))).ok()?;
        let mut documents = serde_yaml::Deserializer::from_str(&text);
        Value::deserialize(documents.next()?).ok()
    };
    // Objects that the policy does not apply to have no file.
    let names = files.names.iter();
    let changed = names.filter_map(|name| Some(((*name).to_owned(), object(name)?)));
    let changed: BTreeMap<String, Value> = changed.collect();
    match changed.is_empty() {
        false => Ok(Verdicts::Changed(changed)),
        true => {
            let said = words.lines().next_back().map(str::trim);
            let said = said.filter(|said| !said.is_empty());
            Err(said.unwrap_or("did not evaluate the policy").to_owned())
        }
    }
}
