//! `extends`: settings that start from another file.

use std::fs;
use std::path::Path;

use crate::common::{LEGACY, folder, run, stderr, stdout};
use crate::repository::{Repository, git};

const OWN: &str = "image: old.example.com/team/app:1\n";

/// Returns the path, rule and severity of each finding.
fn found(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let output = run(folder, &[&["--format", "concise"], arguments].concat());
    let text = stdout(&output) + &stderr(&output);
    let lines = text.lines().filter(|line| line.contains(".yaml:"));
    let words = lines.map(|line| line.split(' ').take(3).collect::<Vec<_>>().join(" "));
    words.collect()
}

fn said(folder: &Path, path: &str) -> String {
    let output = run(folder, &[path]);
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    stderr(&output)
}

#[test]
fn a_configuration_starts_from_the_file_that_it_extends() {
    let folder = folder(&[
        (
            "shared/base.regfix.yaml",
            "exclude: [vendor/]\nignore: [bitnami-*]\nseverity: {k8s-gcr-io: error}\n\
             rules: [{id: team, from: old.example.com/team, to: base.example.com}, {id: other, from: old.example.com/other}]\n",
        ),
        (
            ".regfix.yaml",
            "extends: shared/base.regfix.yaml\nexclude: [mine/]\nrules: [{id: team, from: old.example.com/team, to: near.example.com}]\n",
        ),
        ("a.yaml", LEGACY),
        ("b.yaml", OWN),
        ("c.yaml", "image: old.example.com/other/app:1\n"),
        ("d.yaml", "image: docker.io/bitnami/redis:7.0.0\n"),
        ("vendor/a.yaml", LEGACY),
        ("mine/a.yaml", LEGACY),
        ("shared/vendor/a.yaml", LEGACY),
    ]);
    let at = folder.path();
    let expected = [
        "a.yaml:1:8: error k8s-gcr-io",
        "b.yaml:1:8: warning team",
        "c.yaml:1:8: warning other",
        "shared/vendor/a.yaml:1:8: error k8s-gcr-io",
    ];
    let all = found(at, &["."]);
    // Globs are relative to the folder of the outermost configuration; `vendor/` has no slash before it, so it matches at
    // any depth.
    assert_eq!(all, &expected[..3], "{all:?}");
    run(at, &["--write", "."]);
    assert_eq!(
        fs::read_to_string(at.join("b.yaml")).unwrap(),
        "image: near.example.com/app:1\n"
    );
    let shown = stdout(&run(at, &["config"]));
    let base = at.join("shared/base.regfix.yaml");
    let base = base.canonicalize().unwrap();
    let near = at.join(".regfix.yaml").canonicalize().unwrap();
    let row = |key: &str, files: &[&Path]| {
        let files: Vec<String> = files
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        format!("{key:<14} {}\n", files.join(", "))
    };
    for row in [
        row("exclude", &[&near, &base]),
        row("severity", &[&base]),
        row("rules", &[&near, &base]),
        format!("# {}\nexclude: [vendor/]", base.display()),
    ] {
        assert!(shown.contains(&row), "{row}: {shown}");
    }
    // A file with such a name is not checked.
    assert!(!stdout(&run(at, &["--files"])).contains("base.regfix.yaml"));
}

#[test]
fn an_absolute_file_may_lie_anywhere() {
    let shared = folder(&[
        (
            "org.regfix.yaml",
            "extends: more.regfix.yaml\nseverity: {k8s-gcr-io: error}\nexclude: [left-out/]\n",
        ),
        (
            "more.regfix.yaml",
            "rules: [{from: old.example.com/team, to: new.example.com}]\n",
        ),
    ]);
    let org = shared.path().join("org.regfix.yaml");
    let text = format!("extends: {}\n", org.display());
    let folder = folder(&[
        ("one/a.yaml", LEGACY),
        ("two/b.yaml", OWN),
        ("two/left-out/b.yaml", OWN),
    ]);
    for name in ["one", "two"] {
        git(&folder.path().join(name), &["init", "-q"]);
        fs::write(folder.path().join(name).join(".regfix.yaml"), &text).unwrap();
    }
    assert_eq!(
        found(folder.path(), &["."]),
        [
            "one/a.yaml:1:8: error k8s-gcr-io",
            "two/b.yaml:1:8: warning old-example-com-team"
        ]
    );
    let named = folder.path().join("named.regfix.yaml");
    fs::write(&named, &text).unwrap();
    assert_eq!(
        found(folder.path(), &["one", "--config", "named.regfix.yaml"]),
        ["one/a.yaml:1:8: error k8s-gcr-io"]
    );
}

#[test]
fn a_revision_extends_what_it_has_itself() {
    let repository = Repository::new(&[
        (".regfix.yaml", "extends: base.regfix.yaml\n"),
        ("base.regfix.yaml", "severity: {k8s-gcr-io: error}\n"),
        ("a.yaml", LEGACY),
    ]);
    repository.put("base.regfix.yaml", "severity: {k8s-gcr-io: info}\n");
    let at = repository.path();
    assert_eq!(found(at, &["."]), ["a.yaml:1:8: info k8s-gcr-io"]);
    assert_eq!(
        found(at, &[".", "--config-from", "HEAD"]),
        ["a.yaml:1:8: error k8s-gcr-io"]
    );
    assert_eq!(
        found(at, &["--git-dir", "."]),
        ["a.yaml:1:8: error k8s-gcr-io"]
    );
    // A change of the extended file affects everything.
    assert_eq!(
        found(at, &["--since", "HEAD"]),
        ["a.yaml:1:8: info k8s-gcr-io"]
    );
}

#[test]
fn what_cannot_be_extended_is_named_with_its_place() {
    let outside = folder(&[("x.regfix.yaml", "secret: 1\n"), ("passwd", "root:x\n")]);
    let folder = folder(&[
        ("a.yaml", LEGACY),
        ("one.regfix.yaml", "extends: two.regfix.yaml\n"),
        ("two.regfix.yaml", "extends: one.regfix.yaml\n"),
    ]);
    let at = folder.path();
    git(at, &["init", "-q"]);
    let many: Vec<String> = (0..12)
        .map(|number| format!("{number}.many.regfix.yaml"))
        .collect();
    for (index, name) in many.iter().enumerate() {
        fs::write(
            at.join(name),
            format!("extends: {}.many.regfix.yaml\n", index + 1),
        )
        .unwrap();
    }
    fs::write(at.join("bad.regfix.yaml"), "exclude: [a]\nselct: [b]\n").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(
        outside.path().join("x.regfix.yaml"),
        at.join("link.regfix.yaml"),
    )
    .unwrap();
    let relative = format!(
        "../{}/x.regfix.yaml",
        outside.path().file_name().unwrap().to_str().unwrap()
    );
    let passwd = outside.path().join("passwd").display().to_string();
    for (value, expected) in [
        ("one.regfix.yaml", "extends itself through other files"),
        (".regfix.yaml", "extends itself through other files"),
        ("0.many.regfix.yaml", "more than 8 files extend each other"),
        ("none.regfix.yaml", "`none.regfix.yaml` is not read"),
        ("bad.regfix.yaml", "unknown key `selct`"),
        #[cfg(unix)]
        ("link.regfix.yaml", "leads out of"),
        (relative.as_str(), "leads out of"),
        (
            passwd.as_str(),
            "expected the path of a file whose name ends in `.regfix.yaml`",
        ),
        (
            "[a.regfix.yaml, b.regfix.yaml]",
            "expected the path of one file",
        ),
        ("{a: b}", "expected the path of one file"),
    ] {
        fs::write(at.join(".regfix.yaml"), format!("extends: {value}\n")).unwrap();
        let said = said(at, ".");
        let flat = said.replace("\n  │ ", " ");
        assert!(flat.contains(expected), "{value}: {said}");
        assert!(
            !said.contains("secret") && !said.contains("root:x"),
            "{value}: {said}"
        );
    }
    fs::write(at.join(".regfix.yaml"), "extends: bad.regfix.yaml\n").unwrap();
    assert!(
        said(at, ".").contains("bad.regfix.yaml:2:1"),
        "{}",
        said(at, ".")
    );
}
