//! Hooks: file names, which the repository chooses, are never options; and reports stay in the working tree.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Output;

use crate::common::{LEGACY, MOVED, regfix, stderr, stdout};
use crate::repository::Repository;

/// Calls the hook as pre-commit does: the entry, the user's arguments, and the names of tracked files, in any order.
fn hook(top: &Path, entry: &[&str], arguments: &[&str], names: &[String]) -> Output {
    let mut command = regfix(top);
    command.args(entry).args(arguments).args(names);
    command.output().unwrap()
}

/// File names that regfix would read as options or commands without `--hook`. `OUT` is a file that must not appear.
const NAMES: [&str; 14] = [
    "--output=concise=OUT",
    "--write-baseline",
    "--ignore=all",
    "--exclude=*",
    "--select=bitnami-*",
    "--config=evil.yaml",
    "--unsafe-fixes",
    "--no-config",
    "--force-exclude",
    "--hook=check",
    "-q",
    "-",
    "--",
    "explain",
];

#[test]
fn names_of_files_are_never_options() {
    let outside = tempfile::tempdir().unwrap();
    let out = outside.path().join("out");
    for name in NAMES {
        let name = name.replace("OUT", out.to_str().unwrap());
        let repository = Repository::new(&[("a.yaml", LEGACY), ("z.yaml", LEGACY)]);
        repository.put("evil.yaml", "ignore: [all]\n");
        repository.put(&format!("./{name}"), MOVED);
        for arguments in [
            &[][..],
            &["--unsafe-fixes"],
            &["--select", "k8s-gcr-io"],
            &["-v"],
        ] {
            let files = ["a.yaml", "z.yaml"];
            for file in files {
                repository.put(file, LEGACY);
            }
            // Before, between and after the others.
            let names = [&name, files[0], &name, files[1], &name].map(str::to_owned);
            let output = hook(repository.path(), &["--hook=fix"], arguments, &names);
            let what = format!("{name}, with {arguments:?}");
            assert_eq!(output.status.code(), Some(0), "{what}: {}", stderr(&output));
            for file in files {
                assert_eq!(repository.text(file), MOVED, "{what}: {file}");
            }
            assert!(!out.exists(), "{what}");
            let baseline = repository.path().join(".regfix-baseline.json");
            assert!(!baseline.exists(), "{what}");
        }
    }
}

/// Shows that the names above are a real threat: without `--hook`, they are options.
#[test]
fn without_the_flag_names_are_options() {
    let outside = tempfile::tempdir().unwrap();
    let out = outside.path().join("out");
    let name = format!("--output=concise={}", out.display());
    let repository = Repository::new(&[("a.yaml", LEGACY)]);
    repository.put(&format!("./{name}"), LEGACY);
    let entry = ["--write", "--related", "--force-exclude"];
    let names = ["a.yaml".to_owned(), name];
    hook(repository.path(), &entry, &[], &names);
    assert!(out.exists());
}

/// pre-commit passes file names as raw bytes.
#[test]
fn strange_names_are_files() {
    let repository = Repository::new(&[("a.yaml", LEGACY)]);
    let names: [&[u8]; 4] = [
        b"-\xff.yaml",
        b"--output=\n.yaml",
        b"-\x1b[31m.yaml",
        b"$(touch x).yaml",
    ];
    for name in names {
        fs::write(repository.path().join(OsStr::from_bytes(name)), LEGACY).unwrap();
    }
    let mut command = regfix(repository.path());
    command.args(["--hook=check", "--format", "json"]);
    command.args(names.map(OsStr::from_bytes));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("\"files_with_findings\":4"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn a_check_writes_nothing_and_a_fix_takes_what_the_users_settings_say() {
    let repository = Repository::new(&[
        ("a.yaml", LEGACY),
        ("excluded/b.yaml", LEGACY),
        (".regfix.yaml", "exclude: [excluded]\n"),
    ]);
    let names = ["a.yaml".to_owned(), "excluded/b.yaml".to_owned()];
    let output = hook(
        repository.path(),
        &["--hook=check"],
        &["--format", "concise"],
        &names,
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).starts_with("a.yaml:1:8"));
    assert_eq!(repository.text("a.yaml"), LEGACY);
    let output = hook(
        repository.path(),
        &["--hook=fix"],
        &["--ignore", "k8s-*"],
        &names,
    );
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(repository.text("a.yaml"), LEGACY);
    hook(repository.path(), &["--hook=fix"], &[], &names);
    assert_eq!(repository.text("a.yaml"), MOVED);
    assert_eq!(repository.text("excluded/b.yaml"), LEGACY);
}

#[test]
fn reports_of_a_hook_stay_in_the_working_tree() {
    let outside = tempfile::tempdir().unwrap();
    let out = outside.path().join("out");
    fs::write(&out, "precious").unwrap();
    let repository = Repository::new(&[("a.yaml", LEGACY), ("sub/b.yaml", LEGACY)]);
    symlink(&out, repository.path().join("link")).unwrap();
    symlink(outside.path(), repository.path().join("folder")).unwrap();
    symlink(
        outside.path().join("new"),
        repository.path().join("dangling"),
    )
    .unwrap();
    for path in [
        out.to_str().unwrap(),
        "../out",
        "link",
        "folder/new",
        "dangling",
        "missing/x",
    ] {
        let report = format!("--output=concise={path}");
        let output = hook(
            repository.path(),
            &["--hook=fix"],
            &[&report],
            &["a.yaml".to_owned()],
        );
        assert_eq!(output.status.code(), Some(2), "{path}");
        let said = stderr(&output);
        assert!(
            said.contains("a hook writes reports below"),
            "{path}: {said}"
        );
        assert_eq!(
            repository.text("a.yaml"),
            LEGACY,
            "{path}: written before it was refused"
        );
    }
    assert_eq!(fs::read_to_string(&out).unwrap(), "precious");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    for (folder, path) in [
        ("", "report.txt"),
        ("sub", "../report.txt"),
        ("sub", "report.txt"),
    ] {
        let report = format!("--output=concise={path}");
        let folder = repository.path().join(folder);
        let output = hook(&folder, &["--hook=check"], &[&report], &[]);
        assert!(
            output.status.code() < Some(2),
            "{path}: {}",
            stderr(&output)
        );
        assert!(folder.join(path).exists(), "{path}");
    }
}

#[test]
fn the_flag_counts_as_the_first_argument_alone() {
    let repository = Repository::new(&[("a.yaml", LEGACY)]);
    let names = ["a.yaml".to_owned()];
    for entry in [
        &["--related", "--hook=fix"][..],
        &["--hook", "fix"],
        &["--hook=write"],
        &["--hook=fix", "--write"],
    ] {
        let output = hook(repository.path(), entry, &[], &names);
        assert_eq!(output.status.code(), Some(2), "{entry:?}");
        assert_eq!(repository.text("a.yaml"), LEGACY);
    }
}
