//! `regfix policy test`, with programs that play the engine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use crate::common::{folder, regfix, stderr, stdout};

/// Runs with a `gator` that is this script.
fn test(gator: Option<&str>, arguments: &[&str]) -> Output {
    let folder = folder(&[("gator", gator.unwrap_or_default())]);
    let path = folder.path().join("gator");
    match gator {
        Some(_) => fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap(),
        None => fs::remove_file(path).unwrap(),
    }
    let mut command = regfix(Path::new("/"));
    command.env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()));
    command.args(["policy", "test", "--no-config", "--select", "k8s-gcr-io"]);
    command.args(arguments).output().unwrap()
}

/// Refuses the objects whose lines this command selects from the file `$6`.
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
            "admitted, although k8s-gcr-io is about it: k8s.gcr.io/pause:3.9 (CronJob)\n"
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
            "no test without a cluster for `vap`",
        ),
    ] {
        let output = test(gator, &["--engine", engine]);
        assert_eq!(output.status.code(), Some(2), "{why}");
        assert!(stderr(&output).contains(why), "{}", stderr(&output));
        assert_eq!(stdout(&output), "");
    }
}
