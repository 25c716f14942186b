//! `regfix policy test`, with scripts in place of the engine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use crate::common::{folder, regfix, stderr, stdout};

/// Runs with this script as `gator`.
fn test(gator: Option<&str>, arguments: &[&str]) -> Output {
    test_with("gator", gator, arguments)
}

/// Runs with this script as the program `name`; without a script, the program is missing.
fn test_with(name: &str, script: Option<&str>, arguments: &[&str]) -> Output {
    let folder = folder(&[(name, script.unwrap_or_default())]);
    let path = folder.path().join(name);
    match script {
        Some(_) => fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap(),
        None => fs::remove_file(path).unwrap(),
    }
    let mut command = regfix(Path::new("/"));
    command.env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()));
    command.args(["policy", "test", "--no-config", "--select", "k8s-gcr-io"]);
    command.args(arguments).output().unwrap()
}

/// Returns a `gator` that refuses the objects whose lines this command selects from the file `$6`.
fn refusing(select: &str) -> String {
    format!(
        "#!/bin/sh\n[ \"$1 $2 $3 $5\" = 'test --output=json --filename --filename' ] || exit 3\n\
         grep -q '^kind: ConstraintTemplate$' \"$4\" || exit 3\n\
         printf '['; first=\n\
         for name in $({select} | sed 's/.*\"name\":\"\\(vector-[0-9]*\\)\".*/\\1/'); do\n\
         printf '%s{{\"violatingObject\":{{\"metadata\":{{\"name\":\"%s\"}}}}}}' \"$first\" \"$name\"; first=,\n\
         done; printf ']'; exit 1\n"
    )
}

#[test]
fn a_policy_that_does_what_the_rules_say_passes() {
    let right =
        refusing(r#"grep -v ownerReferences "$6" | grep -E '"(image|reference)":"k8s.gcr.io/'"#);
    let output = test(Some(&right), &["--engine", "gatekeeper"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}{}", stderr(&output));
    assert!(text.ends_with(": 0 differences.\n"), "{text}");
}

#[test]
fn what_a_policy_forgets_or_refuses_too_much_is_listed() {
    let forgets = refusing(r#"grep '"kind":"Pod".*"image":"k8s.gcr.io/' "$6""#);
    let output = test(Some(&forgets), &["--engine", "gatekeeper"]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    assert!(
        text.contains(
            "admitted, although k8s-gcr-io applies to it: k8s.gcr.io/pause:3.9 (CronJob)\n"
        ),
        "{text}"
    );
    let output = test(
        Some(&refusing(r#"grep vector "$6""#)),
        &["--engine", "gatekeeper"],
    );
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    assert!(
        text.contains("refused, although it should not be: registry.k8s.io/pause:3.9 (Pod)\n"),
        "{text}"
    );
}

#[test]
fn without_a_program_that_evaluates_it_nothing_passes() {
    for (gator, engine, why) in [
        (None, "gatekeeper", "gator is not on PATH"),
        (
            Some("#!/bin/sh\necho it broke >&2; exit 2\n"),
            "gatekeeper",
            "gator: it broke",
        ),
        (
            Some("#!/bin/sh\n"),
            "gatekeeper",
            "gator: printed no results",
        ),
        (
            Some("#!/bin/sh\necho '[]'\n"),
            "vap",
            "kyverno is not on PATH",
        ),
    ] {
        let output = test(gator, &["--engine", engine]);
        assert_eq!(output.status.code(), Some(2), "{why}");
        assert!(stderr(&output).contains(why), "{}", stderr(&output));
        assert_eq!(stdout(&output), "");
    }
}

/// Returns a `kyverno` that fails the objects whose lines this command selects from the file `$4`, and passes the others.
fn failing(select: &str) -> String {
    format!(
        "#!/bin/sh\n[ \"$1 $3 $5 $6\" = 'apply --resource --policy-report --output-format=json' ] || exit 3\n\
         grep -q '^kind: Validating' \"$2\" || exit 3\n\
         names() {{ sed 's/.*\"name\":\"\\(vector-[0-9]*\\)\".*/\\1/'; }}\n\
         results() {{ while read -r name; do printf '%s{{\"result\":\"%s\",\"resources\":[{{\"name\":\"%s\"}}]}}' \"$first\" $1 $name; first=,; done; }}\n\
         printf '{{\"results\":['; first=\n\
         grep vector \"$4\" | names | {{ results pass; }}; first=,; {{ {select}; }} | names | results fail\n\
         printf ']}}'; exit 1\n"
    )
}

#[test]
fn kyverno_says_what_it_refuses() {
    let right =
        failing(r#"grep -v ownerReferences "$4" | grep -E '"(image|reference)":"k8s.gcr.io/'"#);
    for (name, engine) in [("kyverno", "vap"), ("kubectl-kyverno", "kyverno")] {
        let output = test_with(name, Some(&right), &["--engine", engine]);
        let text = stdout(&output);
        assert_eq!(output.status.code(), Some(0), "{text}{}", stderr(&output));
        assert!(text.ends_with(": 0 differences.\n"), "{text}");
    }
    let forgets = failing(r#"grep '"kind":"Pod".*"image":"k8s.gcr.io/' "$4""#);
    let output = test_with("kyverno", Some(&forgets), &["--engine", "vap"]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    assert!(
        text.contains(
            "admitted, although k8s-gcr-io applies to it: k8s.gcr.io/pause:3.9 (CronJob)\n"
        ),
        "{text}"
    );
}

/// Returns a `kyverno` that writes each object to the folder `$6`, changed by this command.
fn changing(change: &str) -> String {
    format!(
        "#!/bin/sh\n[ \"$1 $3 $5\" = 'apply --resource --output' ] || exit 3\n\
         grep -qE '^kind: Mutating(Admission)?Policy$' \"$2\" || exit 3\n\
         grep -qE 'PolicyBinding|admissionregistration.k8s.io/v1$' \"$2\" && exit 3\n\
         grep vector \"$4\" | while read -r line; do\n\
         name=$(printf '%s' \"$line\" | sed 's/.*\"name\":\"\\(vector-[0-9]*\\)\".*/\\1/')\n\
         printf '%s\\n---\\n' \"$line\" | {change} > \"$6/$name-mutated.yaml\"\n\
         done\n"
    )
}

#[test]
fn kyverno_says_what_it_changes() {
    let pods =
        r#"sed -E '/"kind":"Pod"/s#"(image|reference)":"k8s.gcr.io/#"\1":"registry.k8s.io/#'"#;
    for engine in ["map", "kyverno-mutate"] {
        let output = test_with("kyverno", Some(&changing(pods)), &["--engine", engine]);
        let text = stdout(&output);
        assert_eq!(output.status.code(), Some(0), "{text}{}", stderr(&output));
        assert!(
            !text.contains(" change 0:") && text.ends_with(": 0 differences.\n"),
            "{text}"
        );
    }
    for (change, expected) in [
        (
            "cat",
            "not replaced, although k8s-gcr-io applies to it: k8s.gcr.io/pause:3.9 (Pod)\n",
        ),
        (
            r#"sed 's|"image":"k8s.gcr.io/|"image":"registry.k8s.io/|'"#,
            "changed, although it should not be: k8s.gcr.io/pause:3.9 (CronJob)\n",
        ),
        (
            r#"sed 's|"image":"k8s.gcr.io/|"image":"registry.example.com/|'"#,
            "changed differently than the rules say: k8s.gcr.io/pause:3.9 (Pod)\n",
        ),
        (
            r#"sed 's|"--verbose"||'"#,
            "changed, although it should not be: registry.k8s.io/pause:3.9 (Pod)\n",
        ),
    ] {
        let output = test_with("kyverno", Some(&changing(change)), &["--engine", "map"]);
        assert_eq!(output.status.code(), Some(1));
        let text = stdout(&output);
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn a_kyverno_that_evaluates_nothing_is_no_success() {
    let errors = r#"#!/bin/sh
echo '{"results":[{"result":"error","message":"no such key: kind","resources":[{"name":"vector-0"}]}]}'; exit 1
"#;
    for (script, engine, why) in [
        (errors, "vap", "kyverno: vector-0: error: no such key: kind"),
        (
            "#!/bin/sh\necho '{\"results\": []}'\n",
            "vap",
            "kyverno: says nothing of vector-0",
        ),
        ("#!/bin/sh\nexit 0\n", "vap", "kyverno: printed no results"),
        (
            "#!/bin/sh\nexit 0\n",
            "map",
            "kyverno: did not evaluate the policy",
        ),
        (
            "#!/bin/sh\necho it broke >&2; exit 2\n",
            "map",
            "kyverno: it broke",
        ),
    ] {
        let output = test_with("kyverno", Some(script), &["--engine", engine]);
        assert_eq!(output.status.code(), Some(2), "{why}");
        assert!(stderr(&output).contains(why), "{}", stderr(&output));
        assert_eq!(stdout(&output), "");
    }
}
