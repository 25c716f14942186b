//! `regfix policy test`: a policy is tried with images that the rules are about and with others, by the program of its engine.
//!
//! Starts that program, which the user asks for, and nothing else. It makes no connection.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::super::{Exit, mirror};
use crate::policy::{Action, Engine, Vector, images, vectors};
use crate::printable::{self, complain};
use crate::program;
use crate::rules::{RuleSet, Severity};

/// A program that evaluates the policies of an engine.
struct Runner {
    engine: &'static str,
    program: &'static str,
    /// Names of the objects that are refused, by the files of the policy and of the objects.
    refused: fn(&Path, &Path, &Path) -> Result<BTreeSet<String>, String>,
}

static RUNNERS: [Runner; 1] = [Runner {
    engine: "gatekeeper",
    program: "gator",
    refused: by_gator,
}];

/// Tries the policy. Exit code 1: it differs from the rules.
pub(super) fn test(
    engine: &Engine,
    rules: &RuleSet,
    least: Severity,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let Some(runner) = RUNNERS.iter().find(|runner| runner.engine == engine.name) else {
        let known: Vec<&str> = RUNNERS.iter().map(|runner| runner.engine).collect();
        let why = format!(
            "there is no test without a cluster for `{}`, only for {}",
            engine.name,
            known.join(", ")
        );
        complain(err, why)?;
        return Ok(Exit::Failed);
    };
    let Some(path) = program::here(runner.program) else {
        complain(
            err,
            format!(
                "{} is not on PATH: it evaluates this policy",
                runner.program
            ),
        )?;
        return Ok(Exit::Failed);
    };
    let Ok(policy) = engine.policy(rules, least, Action::Deny) else {
        return super::unsupported(err);
    };
    let target = |image: &str| mirror::finding(image, rules)?.new;
    let vectors = vectors(&images(rules, &target));
    match refused(runner, &path, &policy, &vectors) {
        Ok(refused) => compare(&vectors, &refused, rules, least, out),
        Err(why) => {
            complain(err, format!("{}: {why}", runner.program))?;
            Ok(Exit::Failed)
        }
    }
}

fn refused(
    runner: &Runner,
    program: &Path,
    policy: &str,
    vectors: &[Vector],
) -> Result<BTreeSet<String>, String> {
    let failed = |error: io::Error| error.to_string();
    let folder = tempfile::tempdir().map_err(failed)?;
    let [policy_file, objects_file] =
        ["policy.yaml", "objects.yaml"].map(|name| folder.path().join(name));
    // JSON is YAML.
    let objects: Vec<String> = vectors
        .iter()
        .map(|vector| printable::json(&vector.object))
        .collect();
    fs::write(&policy_file, policy).map_err(failed)?;
    fs::write(&objects_file, objects.join("\n---\n")).map_err(failed)?;
    (runner.refused)(program, &policy_file, &objects_file)
}

/// What the policy does, beside what the rules say.
fn compare(
    vectors: &[Vector],
    refused: &BTreeSet<String>,
    rules: &RuleSet,
    least: Severity,
    out: &mut dyn Write,
) -> io::Result<Exit> {
    let mut differences = 0;
    let mut expected = 0;
    for vector in vectors {
        let finding = mirror::finding(&vector.image, rules);
        let finding = finding.filter(|finding| finding.severity >= least && !vector.is_controlled);
        expected += usize::from(finding.is_some());
        let (kind, image) = (vector.kind, printable::line(&vector.image));
        match (finding, refused.contains(&vector.name)) {
            (Some(finding), false) => {
                differences += 1;
                writeln!(
                    out,
                    "admitted, although {} is about it: {image} ({kind})",
                    finding.rule
                )?;
            }
            (None, true) => {
                differences += 1;
                writeln!(out, "refused, although it should not be: {image} ({kind})")?;
            }
            _ => {}
        }
    }
    let count = vectors.len();
    writeln!(
        out,
        "{count} objects, of which the rules refuse {expected}: {differences} differences."
    )?;
    out.flush()?;
    Ok(match differences {
        0 => Exit::Done,
        _ => Exit::FindingsLeft,
    })
}

/// Runs a program to its end, and gives what it prints.
fn output(program: &Path, arguments: &[&OsStr]) -> Result<(String, String), String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot be started: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((text(&output.stdout), text(&output.stderr)))
}

/// `gator test` prints a list of violations, and fails if there are any.
fn by_gator(program: &Path, policy: &Path, objects: &Path) -> Result<BTreeSet<String>, String> {
    let words = ["test", "--output=json"].map(OsStr::new);
    let file = OsStr::new("--filename");
    let arguments = [
        words[0],
        words[1],
        file,
        policy.as_os_str(),
        file,
        objects.as_os_str(),
    ];
    let (text, words) = output(program, &arguments)?;
    let results: Value = serde_json::from_str(&text).map_err(|_| {
        let said = words.lines().next_back().unwrap_or("printed no results");
        said.to_owned()
    })?;
    let name = |result: &Value| {
        let name = result.pointer("/violatingObject/metadata/name")?;
        name.as_str().map(str::to_owned)
    };
    let results = results.as_array().into_iter().flatten();
    Ok(results.filter_map(name).collect())
}
