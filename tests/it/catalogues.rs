//! Catalogues that replace the built-in one: named on the command line, or pinned by a configuration.

use regfix::rules::edition::sha256;

use crate::common::reported;
use crate::repository::Repository;

const NEWER: &str = "\
version: 1
as-of: 2027-02-01
rules:
- {id: k8s-gcr-io, from: k8s.gcr.io, to: elsewhere.example.com, safety: safe, summary: It moved elsewhere}
- {id: brand-new, from: old.example.com, to: new.example.com, safety: safe, summary: It is new}
index: |
  pause\t3.99
charts: |
  made-up\thttps://example.com/charts\tbrand-new\t1.0.0..1.2.0\t1.3.0\t2027-01-01\t1.4.0\told.example.com/a:1\t-\t-\t-\t-\to/r@0123456789ab
";

const IMAGES: &str = "image: k8s.gcr.io/pause:3.2\n---\nimage: old.example.com/a:1\n";
const HELM_RELEASE: &str = "\
apiVersion: helm.cattle.io/v1
kind: HelmChart
spec: {repo: https://example.com/charts, chart: made-up, version: 1.1.0}
";

fn pin(catalogue: &str) -> String {
    format!("catalogue: {{sha256: {}}}\n", sha256(catalogue.as_bytes()))
}

fn pinned(catalogue: &str) -> Repository {
    Repository::new(&[
        ("a.yaml", IMAGES),
        ("regfix.catalogue.yaml", catalogue),
        (".regfix.yaml", &pin(catalogue)),
    ])
}

fn text(repository: &Repository) -> String {
    std::fs::read_to_string(repository.path().join("a.yaml")).unwrap()
}

#[test]
fn a_catalogue_on_the_command_line_is_trusted() {
    let repository = Repository::new(&[("a.yaml", IMAGES), ("newer/c.yaml", NEWER)]);
    let arguments = ["a.yaml", "--write", "--catalogue", "newer/c.yaml"];
    assert_eq!(reported(repository.path(), &arguments).0, 0);
    assert_eq!(
        text(&repository),
        "image: elsewhere.example.com/pause:3.2\n---\nimage: new.example.com/a:1\n"
    );
}

#[test]
fn what_a_pinned_catalogue_changes_of_built_in_rules_needs_review() {
    let repository = pinned(NEWER);
    let (code, out, _) = reported(repository.path(), &["--write"]);
    assert_eq!(code, 1);
    assert!(
        out.contains("It moved elsewhere (rule changed by the configuration)"),
        "{out}"
    );
    assert_eq!(
        text(&repository),
        "image: k8s.gcr.io/pause:3.2\n---\nimage: new.example.com/a:1\n"
    );
}

#[test]
fn a_catalogue_counts_only_as_it_is_pinned() {
    let repository = pinned(NEWER);
    repository.put(
        "regfix.catalogue.yaml",
        &NEWER.replace("new.example", "evil.example"),
    );
    let (code, out, err) = reported(repository.path(), &["--write"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.contains("the catalogue is not the one that is pinned"),
        "{err}"
    );
    assert_eq!(text(&repository), IMAGES);
    // Without a pin the built-in catalogue applies, and the file is not checked itself.
    repository.put(".regfix.yaml", "ignore: bitnami-*\n");
    let (_, out, _) = reported(repository.path(), &["--format", "concise"]);
    assert!(
        out.contains("a.yaml:1:8: ") && !out.contains("regfix.catalogue.yaml"),
        "{out}"
    );
    assert!(out.contains("registry.k8s.io/pause:3.2"), "{out}");
}

#[test]
fn a_pull_request_is_judged_by_the_catalogue_of_its_base() {
    let repository = pinned(NEWER);
    let evil = NEWER.replace("new.example", "evil.example");
    repository.put("regfix.catalogue.yaml", &evil);
    repository.put(".regfix.yaml", &pin(&evil));
    let (_, out, _) = reported(repository.path(), &["--diff"]);
    assert!(out.contains("+image: evil.example.com/a:1"), "{out}");
    let (_, out, err) = reported(repository.path(), &["--diff", "--config-from", "HEAD"]);
    assert!(out.contains("+image: new.example.com/a:1"), "{out}{err}");
    // The base pins a file that it does not have.
    repository.git(&["rm", "--quiet", "--cached", "regfix.catalogue.yaml"]);
    repository.git(&["commit", "--quiet", "--message", "without"]);
    let (code, _, err) = reported(repository.path(), &["--config-from", "HEAD"]);
    assert_eq!(code, 2);
    assert!(err.contains("HEAD has no such file"), "{err}");
}

#[test]
fn only_a_file_of_the_repository_can_be_pinned() {
    for file in [
        "../regfix.catalogue.yaml",
        "/tmp/regfix.catalogue.yaml",
        "a.yaml",
    ] {
        let repository = pinned(NEWER);
        let sum = sha256(NEWER.as_bytes());
        let config = format!("catalogue: {{file: {file}, sha256: {sum}}}\n");
        repository.put(".regfix.yaml", &config);
        let (code, _, err) = reported(repository.path(), &[]);
        assert_eq!(code, 2, "{file}");
        assert!(
            err.contains("expected a path that ends in regfix.catalogue.yaml"),
            "{err}"
        );
    }
    #[cfg(unix)]
    {
        let repository = pinned(NEWER);
        let outside = tempfile::tempdir().unwrap();
        let target = outside.path().join("secret");
        std::fs::write(&target, "a: secret\n").unwrap();
        let link = repository.path().join("regfix.catalogue.yaml");
        std::fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let (code, out, err) = reported(repository.path(), &[]);
        assert_eq!(code, 2);
        assert!(
            err.contains("leads out of") && !err.contains("a: secret"),
            "{err}{out}"
        );
    }
}

#[test]
fn the_command_line_counts_before_a_pin() {
    let repository = pinned(NEWER);
    let other = NEWER.replace("new.example", "newest.example");
    repository.put("other.txt", &other);
    let (_, out, _) = reported(repository.path(), &["--diff", "--catalogue", "other.txt"]);
    assert!(out.contains("+image: newest.example.com/a:1"), "{out}");
    assert!(
        out.contains("+image: elsewhere.example.com/pause:3.2"),
        "{out}"
    );
}

#[test]
fn the_tables_of_a_catalogue_are_used() {
    let repository = pinned(NEWER);
    repository.put("chart.yaml", HELM_RELEASE);
    let (_, out, _) = reported(repository.path(), &["chart.yaml", "--format", "concise"]);
    assert!(
        out.contains("legacy-chart-version") && out.contains("1.3.0"),
        "{out}"
    );
    let (_, out, _) = reported(repository.path(), &["explain", "made-up@1.1.0"]);
    assert!(
        out.contains("1.3.0 (minor step from 1.2.0, 2027-01-01)"),
        "{out}"
    );
    let gated = NEWER.replace(
        "to: elsewhere.example.com, safety: safe",
        "to: registry.k8s.io, safety: safe, requires-tag-in: index",
    );
    let repository = pinned(&gated);
    repository.put("a.yaml", "image: k8s.gcr.io/pause:3.99\n");
    let (_, out, _) = reported(
        repository.path(),
        &[
            "--no-config",
            "--catalogue",
            "regfix.catalogue.yaml",
            "--diff",
        ],
    );
    assert!(out.contains("+image: registry.k8s.io/pause:3.99"), "{out}");
}

#[test]
fn who_uses_a_catalogue_can_see_it() {
    let repository = pinned(NEWER);
    let name = format!(
        "2027-02-01 (regfix.catalogue.yaml, sha256 {}, pinned by the configuration)",
        sha256(NEWER.as_bytes())
    );
    for arguments in [
        &["--version", "--verbose"][..],
        &["config"],
        &["--format", "full"],
        &["--format", "markdown"],
        &["--format", "html"],
        &["--format", "sarif"],
    ] {
        let (_, out, err) = reported(repository.path(), arguments);
        assert!(
            out.contains(&name) || err.contains(&name),
            "{arguments:?}: {out}{err}"
        );
        let (_, out, err) = reported(repository.path(), &[arguments, &["--no-config"]].concat());
        assert!(
            !out.contains(&name) && !err.contains(&name),
            "{arguments:?}"
        );
    }
    let (_, out, _) = reported(repository.path(), &["--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let used = &report["summary"]["catalogues"][0];
    assert_eq!(used["as_of"], "2027-02-01");
    assert_eq!(used["file"], "regfix.catalogue.yaml");
    assert_eq!(used["pinned"], true);
}

#[test]
fn a_broken_catalogue_is_an_error_with_a_location() {
    let repository = Repository::new(&[("a.yaml", IMAGES)]);
    for (catalogue, message) in [
        (
            "version: 1\nas-of: 2027-02-01\nrules: [{id: a, form: b}]\n",
            "unknown key `form`",
        ),
        (
            "version: 2\nas-of: 2027-02-01\nrules: []\n",
            "version 2 of the schema, and this regfix reads version 1 [c.yaml:1:10]",
        ),
        (
            "version: 1\nas-of: soon\nrules: []\n",
            "`as-of` is not a date: write it like `2027-01-31` [c.yaml:2:8]",
        ),
        (
            "version: 1\nas-of: 2027-02-01\nrules: [{from: a.io}]\n",
            "this rule has no `id` [c.yaml:3:10]",
        ),
        ("", "there is no catalogue in it"),
        ("[a", "c.yaml"),
        (
            "version: 1\nas-of: 2027-02-01\nrules: []\nindex: pause\n",
            "`index`: this row has not 2 columns [c.yaml:4:8]",
        ),
        (
            "version: 1\nas-of: 2027-02-01\nrules: []\nindex: |\n  # images\n  a\tb\n  pause\n",
            "`index`: this row has not 2 columns [c.yaml:7:3]",
        ),
    ] {
        repository.put("c.yaml", catalogue);
        let (code, out, err) = reported(repository.path(), &["--catalogue", "c.yaml"]);
        assert_eq!((code, out.as_str()), (2, ""), "{catalogue}");
        let words = words(&err);
        assert!(
            words.contains("--catalogue: ") && words.contains(message),
            "{err}"
        );
        assert!(err.lines().all(|line| line.chars().count() <= 100), "{err}");
    }
    let (code, _, err) = reported(repository.path(), &["--catalogue", "none.yaml"]);
    assert!(code == 2 && err.contains("none.yaml"), "{err}");
}

/// Returns the words of a message without drawing characters, because lines wrap at the width of the terminal.
fn words(drawn: &str) -> String {
    let drawn = drawn.replace(['│', '╭', '─'], " ");
    let words: Vec<&str> = drawn.split_whitespace().collect();
    words.join(" ")
}

/// A catalogue may be wrong or malicious: it is refused quickly, with the reason, and nothing is written.
#[test]
fn hostile_catalogues_are_refused() {
    let laughs: String = (1..30)
        .map(|level| {
            let all = format!("*a{}, ", level - 1).repeat(9);
            format!("- &a{level} [{all}]\n")
        })
        .collect();
    let header = "version: 1\nas-of: 2027-02-01\n";
    for (catalogue, message) in [
        (
            format!("{header}rules: []\nmore: 1\n"),
            "unknown key `more`",
        ),
        (
            "version: 99\nas-of: 2027-02-01\nrules: []\n".to_owned(),
            "version 99 of the schema, and this regfix reads version 1",
        ),
        (
            format!("{header}rules:\n- &a0 x\n{laughs}"),
            "regfix.catalogue.yaml",
        ),
        (
            format!("{header}rules: {}\n", "[".repeat(50_000)),
            "regfix.catalogue.yaml",
        ),
        (
            format!("{header}rules: []\n#{}\n", "x".repeat(20 << 20)),
            "larger than",
        ),
    ] {
        let repository = pinned(&catalogue);
        let arguments = [
            &["--write"][..],
            &[
                "--write",
                "--no-config",
                "--catalogue",
                "regfix.catalogue.yaml",
            ],
        ];
        for arguments in arguments {
            let (code, out, err) = reported(repository.path(), arguments);
            let start: String = catalogue.chars().take(80).collect();
            assert_eq!((code, out.as_str()), (2, ""), "{start}: {err}");
            let err = words(&err);
            assert!(err.contains(message), "{start}: {err}");
            assert_eq!(text(&repository), IMAGES, "{start}");
        }
    }
    // No connection is made to load one, and an endless file is not read to its end.
    let repository = Repository::new(&[("a.yaml", IMAGES)]);
    for name in [
        "https://example.com/regfix.catalogue.yaml",
        ".",
        "/dev/zero",
    ] {
        let (code, out, err) = reported(repository.path(), &["--catalogue", name]);
        assert_eq!((code, out.as_str()), (2, ""), "{name}");
        assert!(err.contains("--catalogue: "), "{name}: {err}");
    }
}
