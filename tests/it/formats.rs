//! Reports for other programs, made from every fixture and checked against the schemas of those programs.
//!
//! The schemas in `schemas/` are written by hand from the standards and manuals. For SARIF, `REGFIX_SARIF_SCHEMA` may name
//! the standard's own schema, which is then checked too; `.ci/sarif` fetches it.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;

use crate::common::{LEGACY, MOVED, files, folder, formats_but, pipe, root, run, stderr, stdout};
use crate::fixtures::{self, Fixes};
use jsonschema::Validator;
use serde_json::Value;

fn validator(path: &Path) -> Validator {
    let text = fs::read_to_string(path).unwrap();
    // The standard's schema has an unescaped bracket that was never opened: JavaScript accepts it, other engines do not.
    let text = text.replace("-[a-zA-Z]{2}]?$", "-[a-zA-Z]{2}\\\\]?$");
    let schema: Value = serde_json::from_str(&text).unwrap();
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

/// Returns the schemas, with their formats.
pub(crate) fn validators() -> Vec<(&'static str, Validator)> {
    let ours = |name: &str| validator(&root().join("tests/schemas").join(name));
    let mut all = vec![
        ("json", validator(&root().join("docs/schema/report.json"))),
        ("sarif", ours("sarif.json")),
        ("gitlab", ours("gitlab.json")),
        ("rdjson", ours("rdjson.json")),
    ];
    let standard = std::env::var_os("REGFIX_SARIF_SCHEMA");
    all.extend(standard.map(|path| ("sarif", validator(Path::new(&path)))));
    all
}

#[track_caller]
pub(crate) fn hold(
    validators: &[(&str, Validator)],
    format: &str,
    text: &str,
    case: &str,
) -> Value {
    let value: Value =
        serde_json::from_str(text).unwrap_or_else(|why| panic!("{case}: {format}: {why}\n{text}"));
    for (_, validator) in validators.iter().filter(|(of, _)| *of == format) {
        let faults: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{case}: {format}: {faults:#?}");
    }
    value
}

/// Runs with a report in each format, and returns the reports by format.
fn reports(folder: &Path, arguments: &[&str]) -> BTreeMap<&'static str, String> {
    let out = tempfile::tempdir().unwrap();
    let file = |format: &str| out.path().join(format);
    let formats: Vec<&str> = formats_but(&["full", "concise"]).collect();
    let outputs = formats.iter();
    let outputs = outputs.map(|format| format!("--output={format}={}", file(format).display()));
    let outputs: Vec<String> = outputs.collect();
    let day = ["--as-of", "2026-11-21", "--quiet"];
    let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
    let output = run(folder, &[arguments, &day, &outputs].concat());
    assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
    assert_eq!(stdout(&output), "");
    let read = |format: &'static str| (format, fs::read_to_string(file(format)).unwrap());
    formats.into_iter().map(read).collect()
}

#[test]
fn reports_of_all_fixtures_keep_to_their_schemas_and_tell_the_same() {
    let validators = validators();
    let mut reported = 0;
    for case in fixtures::all() {
        let name = &case.name;
        for outcome in [case.checked(), case.fixed(Fixes::Safe)] {
            let reports = &outcome.reports;
            let [json, sarif, gitlab, rdjson] = ["json", "sarif", "gitlab", "rdjson"]
                .map(|format| hold(&validators, format, &reports[format], name));
            let listed = json["files"].as_array().unwrap().iter();
            let findings: Vec<&Value> = listed
                .flat_map(|file| file["findings"].as_array().unwrap())
                .collect();
            reported += findings.len();
            let rule = |of: &Value, key: &str| of[key].as_str().unwrap().to_owned();
            let rules: Vec<String> = findings.iter().map(|of| rule(of, "rule")).collect();
            let of = |list: &Value, code: &dyn Fn(&Value) -> String| -> Vec<String> {
                let codes = list.as_array().unwrap().iter().map(code);
                codes.filter(|code| code != "not-analysed").collect()
            };
            let results = &sarif["runs"][0]["results"];
            assert_eq!(of(results, &|one| rule(one, "ruleId")), rules, "{name}");
            assert_eq!(of(&gitlab, &|one| rule(one, "check_name")), rules, "{name}");
            let codes = of(&rdjson["diagnostics"], &|one| rule(&one["code"], "value"));
            assert_eq!(codes, rules, "{name}");
            let lines = reports["jsonl"].lines();
            let rows: Vec<Value> = lines
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            let rows = rows.iter().filter(|row| row["type"] == "finding");
            assert_eq!(
                rows.map(|row| rule(row, "rule")).collect::<Vec<_>>(),
                rules,
                "{name}"
            );
            described(&sarif, &rules, name);
            distinct(&gitlab, name);
            tests(&reports["junit"], &json, name);
            commands(&reports["github"], name);
            page(&reports["html"], findings.len(), name);
            let mut table = csv::Reader::from_reader(reports["csv"].as_bytes());
            let column = table.records().map(|row| row.unwrap()[4].to_owned());
            assert_eq!(column.collect::<Vec<_>>(), rules, "{name}");
        }
    }
    assert!(reported > 300, "{reported} findings are few");
}

/// Asserts that the rule of every result is in the table, and that the table has no duplicates.
fn described(sarif: &Value, rules: &[String], case: &str) {
    let table = sarif["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .unwrap();
    let ids: Vec<&str> = table
        .iter()
        .map(|rule| rule["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        ids.iter().collect::<HashSet<_>>().len(),
        ids.len(),
        "{case}"
    );
    for rule in rules {
        assert!(
            ids.contains(&rule.as_str()),
            "{case}: {rule} is not described"
        );
    }
}

/// Asserts that fingerprints are distinct, because GitLab shows one issue for each.
fn distinct(gitlab: &Value, case: &str) {
    let issues = gitlab.as_array().unwrap();
    let prints = issues
        .iter()
        .map(|issue| issue["fingerprint"].as_str().unwrap());
    assert_eq!(prints.collect::<HashSet<_>>().len(), issues.len(), "{case}");
}

/// Asserts that a reader of the format finds the totals of the run.
fn tests(junit: &str, json: &Value, case: &str) {
    let report = quick_junit::Report::deserialize_from_str(junit).unwrap();
    let summary = &json["summary"];
    let count = |key: &str| usize::try_from(summary[key].as_u64().unwrap()).unwrap();
    assert_eq!(
        report.failures,
        count("errors") + count("warnings"),
        "{case}"
    );
    let cases = report
        .test_suites
        .iter()
        .map(|suite| suite.test_cases.len());
    assert_eq!(report.tests, cases.sum::<usize>(), "{case}");
    assert!(report.tests > 0, "{case}");
}

/// Asserts that each line is a command with a message, and that the last one is for the log.
fn commands(github: &str, case: &str) {
    let (commands, last) = github.trim_end().rsplit_once('\n').unwrap_or(("", github));
    assert!(last.starts_with("regfix: "), "{case}: {last}");
    for line in commands.lines() {
        let rest = ["::error ", "::warning ", "::notice "]
            .iter()
            .find_map(|command| line.strip_prefix(command))
            .unwrap_or_else(|| panic!("{case}: {line}"));
        let (properties, message) = rest.split_once("::").unwrap();
        assert!(!message.is_empty(), "{case}: {line}");
        for property in properties.split(',') {
            let (name, value) = property.split_once('=').unwrap();
            let known = ["file", "line", "endLine", "col", "endColumn", "title"];
            assert!(
                known.contains(&name) && !value.contains(':'),
                "{case}: {line}"
            );
        }
    }
}

/// Asserts that elements are properly nested, that nothing is loaded, and that all findings are there.
fn page(html: &str, findings: usize, case: &str) {
    const VOID: [&str; 4] = ["meta", "br", "input", "!doctype"];
    let (head, script) = html.rsplit_once("<script>").unwrap();
    let style = head.find("</style>").unwrap();
    let mut open: Vec<&str> = Vec::new();
    for tag in head[style..].split('<').skip(1) {
        let (tag, _) = tag
            .split_once('>')
            .unwrap_or_else(|| panic!("{case}: {tag}"));
        let name = tag.split(' ').next().unwrap();
        match name.strip_prefix('/') {
            Some("style" | "head") => {}
            Some(name) => assert_eq!(open.pop(), Some(name), "{case}"),
            None if VOID.contains(&name) => {}
            None => open.push(name),
        }
        assert!(
            !tag.contains("src=") && !tag.contains("javascript:"),
            "{case}: {tag}"
        );
    }
    assert_eq!(open, ["body"], "{case}");
    assert!(script.ends_with("</script></body></html>\n"), "{case}");
    let rows = head.matches("<td class=\"number\">").count();
    assert!(
        rows >= findings,
        "{case}: {rows} rows for {findings} findings"
    );
}

#[test]
fn reports_of_nothing_are_valid() {
    let folder = folder(&[("a.yaml", MOVED)]);
    let validators = validators();
    let reports = reports(folder.path(), &[]);
    for format in ["json", "sarif", "gitlab", "rdjson"] {
        hold(&validators, format, &reports[format], "nothing");
    }
    assert!(reports["sarif"].contains("\"executionSuccessful\":true"));
    assert_eq!(reports["github"], "regfix: nothing found in 1 file\n");
    assert_eq!(
        reports["markdown"],
        "# Legacy registry references\n\nNone in 1 file.\n"
    );
    assert_eq!(reports["jsonl"].lines().count(), 1);
}

#[test]
fn the_schemas_refuse_what_is_wrong() {
    let folder = folder(&[("a.yaml", LEGACY)]);
    let reports = reports(folder.path(), &[]);
    let faults: [(&str, &str, &str); 6] = [
        ("sarif", "\"level\":\"warning\"", "\"level\":\"info\""),
        ("sarif", "\"startLine\":1", "\"startLine\":0"),
        ("sarif", "\"uri\":\"a.yaml\"", "\"uri\":\"a b.yaml\""),
        (
            "gitlab",
            "\"severity\":\"minor\"",
            "\"severity\":\"warning\"",
        ),
        (
            "rdjson",
            "\"severity\":\"WARNING\"",
            "\"severity\":\"warning\"",
        ),
        ("json", "\"findings\":", "\"found\":"),
    ];
    let validators = validators();
    for (format, right, wrong) in faults {
        let text = &reports[format];
        hold(&validators, format, text, "right");
        assert!(text.contains(right), "{format}: no {right} in {text}");
        let broken: Value = serde_json::from_str(&text.replacen(right, wrong, 1)).unwrap();
        let refused = validators
            .iter()
            .filter(|(of, _)| *of == format)
            .any(|(_, validator)| !validator.is_valid(&broken));
        assert!(refused, "{format}: {wrong} passes");
    }
}

#[test]
fn several_reports_go_beside_the_one_on_standard_output() {
    let folder = folder(&[("a.yaml", LEGACY)]);
    let arguments = ["--format", "concise", "--output", "json=a.json"];
    let more = ["--output", "full=sub.txt", "--color", "always"];
    let output = run(folder.path(), &[&arguments[..], &more].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).starts_with("\u{1b}[1ma.yaml:1:8:"));
    let text = fs::read_to_string(folder.path().join("sub.txt")).unwrap();
    assert!(
        text.starts_with("warning[k8s-gcr-io]") && !text.contains('\u{1b}'),
        "{text}"
    );
    // Reports are not read as input, although they contain legacy references.
    let again = run(folder.path(), &[&arguments[..], &more].concat());
    assert_eq!(again.stdout, output.stdout);
    assert_eq!(files(folder.path()).len(), 3, "no temporary file is left");
}

#[test]
fn beside_a_diff_reports_are_of_what_there_is_to_fix() {
    let folder = folder(&[
        ("a.yaml", LEGACY),
        ("base/kustomization.yaml", "resources: [pod.yaml]\n"),
        ("base/pod.yaml", LEGACY),
    ]);
    let output = run(folder.path(), &["--diff", "--output", "jsonl=out.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("+image: registry.k8s.io/pause:3.2\n"));
    let text = fs::read_to_string(folder.path().join("out.jsonl")).unwrap();
    let found = text
        .lines()
        .filter(|line| line.contains("\"type\":\"finding\""));
    assert_eq!(found.count(), 2, "{text}");
    assert!(text.contains("\"fixable\":2"), "{text}");
}

#[test]
fn standard_input_can_have_reports_too() {
    let folder = folder(&[]);
    let arguments = ["--write", "-", "--output", "json=out.json"];
    let output = pipe(folder.path(), &arguments, LEGACY.as_bytes());
    assert_eq!(stdout(&output), MOVED);
    let text = fs::read_to_string(folder.path().join("out.json")).unwrap();
    assert!(
        text.contains("\"path\":\"<stdin>\"") && text.contains("\"fixed\":1"),
        "{text}"
    );
}

#[test]
fn a_report_that_cannot_be_written_is_an_error_before_anything_is_fixed() {
    let folder = folder(&[("a.yaml", LEGACY), ("sub/x", "")]);
    for (output, why) in [
        ("json=missing/a.json", "create its folder first"),
        ("json=sub", "that is a folder"),
        ("json=a.yaml/x", "a.yaml/x: cannot be written"),
    ] {
        let output = run(folder.path(), &["--write", "--output", output]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(why), "{}", stderr(&output));
    }
    for (arguments, why) in [
        (&["--output", "sarf=a"][..], "there is no format `sarf`"),
        (&["--output", "sarif"], "write it as FORMAT=FILE"),
        (&["--output", "sarif="], "write the name of a file"),
        (&["--output", "sarif=-"], "--format sarif"),
        (
            &["--output", "sarif=x", "--output", "json=x"],
            "two reports have the same file x",
        ),
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(why), "{}", stderr(&output));
    }
    let text = fs::read_to_string(folder.path().join("a.yaml")).unwrap();
    assert_eq!(text, LEGACY);
    assert_eq!(files(folder.path()).len(), 2);
}

#[cfg(unix)]
#[test]
fn a_report_keeps_permissions_and_links_and_goes_to_devices() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    let folder = folder(&[("a.yaml", LEGACY), ("real.json", "old")]);
    let path = |name: &str| folder.path().join(name);
    fs::set_permissions(path("real.json"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real.json", path("link.json")).unwrap();
    let arguments = ["--output", "json=link.json", "--output", "jsonl=new.jsonl"];
    let device = ["--output", "gitlab=/dev/null"];
    let output = run(folder.path(), &[&arguments[..], &device].concat());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        fs::symlink_metadata(path("link.json"))
            .unwrap()
            .is_symlink()
    );
    assert!(
        fs::read_to_string(path("real.json"))
            .unwrap()
            .starts_with("{\"version\":1")
    );
    assert_eq!(
        fs::metadata(path("real.json")).unwrap().mode() & 0o777,
        0o640
    );
    let others = fs::metadata(path("a.yaml")).unwrap().mode();
    assert_eq!(fs::metadata(path("new.jsonl")).unwrap().mode(), others);
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

#[test]
fn paths_are_those_of_the_repository() {
    let folder = folder(&[("sub/my app/a.yaml", LEGACY), (".git/HEAD", "")]);
    let reports = reports(&folder.path().join("sub"), &[]);
    assert!(reports["sarif"].contains("\"uri\":\"sub/my%20app/a.yaml\""));
    assert!(reports["gitlab"].contains("\"path\":\"sub/my app/a.yaml\""));
    assert!(reports["github"].contains("file=sub/my app/a.yaml,"));
    assert!(reports["junit"].contains("name=\"sub/my app/a.yaml\""));
    assert!(reports["markdown"].contains("`sub/my app/a.yaml:1`"));
    // Readers of these formats start in the working directory of regfix.
    assert!(reports["rdjson"].contains("\"path\":\"my app/a.yaml\""));
    assert!(reports["json"].contains("\"path\":\"my app/a.yaml\""));
}

#[test]
fn fingerprints_stay_when_lines_shift_or_a_tag_changes() {
    let prints = |text: &str| -> Vec<String> {
        let folder = folder(&[("a.yaml", text)]);
        let reports = reports(folder.path(), &[]);
        let sarif: Value = serde_json::from_str(&reports["sarif"]).unwrap();
        let results = sarif["runs"][0]["results"].as_array().unwrap().iter();
        results
            .map(|one| {
                one["partialFingerprints"]["regfixSite/v1"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    };
    let text = "spec:\n  containers:\n  - name: a\n    image: k8s.gcr.io/a:1\n  - name: b\n    image: k8s.gcr.io/a:1\n";
    let before = prints(text);
    let shifted = text.replace("  containers", "  # one\n\n  containers");
    assert_eq!(prints(&shifted.replace(":1", ":2")), before);
    assert_ne!(before[0], before[1]);
    assert_ne!(prints(&text.replace("name: a", "name: c"))[0], before[0]);
}
