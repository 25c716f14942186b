//! `--since` and `--staged`, with the installed git: what counts as changed, and what a change can affect.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rayon::prelude::*;

use crate::common::{LEGACY, MOVED, files, fill, regfix, run, stderr, stdout};
use crate::repository::{Repository, git, scrubbed};

pub(crate) const OTHER: &str = "# changed\nimage: k8s.gcr.io/pause:3.2\n";

/// Returns the files with findings.
fn places(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let output = run(folder, &[&["--format", "concise"], arguments].concat());
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 1)), "{}", stderr(&output));
    let text = stdout(&output);
    let names = text
        .lines()
        .filter_map(|line| Some(line.split_once(": ")?.0))
        .filter_map(|place| place.split(':').next());
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.dedup();
    names
}

#[test]
fn since_a_revision_is_all_that_the_work_tree_has_and_the_revision_had_not() {
    let repository = Repository::new(&[
        ("same.yaml", LEGACY),
        ("committed.yaml", LEGACY),
        ("staged.yaml", LEGACY),
        ("changed.yaml", LEGACY),
        ("back.yaml", LEGACY),
        ("gone.yaml", LEGACY),
        ("old name.yaml", &format!("{LEGACY}{}", "# a\n".repeat(20))),
        ("README.md", "k8s.gcr.io/pause:3.2\n"),
        (".gitignore", "build/\n"),
    ]);
    repository.put("committed.yaml", OTHER);
    repository.put("back.yaml", OTHER);
    repository.commit();
    repository.put("back.yaml", LEGACY);
    repository.put("staged.yaml", OTHER);
    repository.git(&["mv", "old name.yaml", "new name.yaml"]);
    repository.git(&["add", "staged.yaml"]);
    repository.put("changed.yaml", OTHER);
    repository.put("README.md", "k8s.gcr.io/pause:3.3\n");
    repository.put("deep/new.yaml", LEGACY);
    repository.put("build/ignored.yaml", LEGACY);
    repository.put(".cache/a.yaml", LEGACY);
    fs::remove_file(repository.path().join("gone.yaml")).unwrap();
    let changed = [
        "changed.yaml",
        "committed.yaml",
        "deep/new.yaml",
        "new name.yaml",
        "staged.yaml",
    ];
    assert_eq!(places(repository.path(), &["--since", "HEAD~1"]), changed);
    let uncommitted = ["back.yaml", changed[0], changed[2], changed[3], changed[4]];
    assert_eq!(places(repository.path(), &["--since", "HEAD"]), uncommitted);
    assert_eq!(
        places(repository.path(), &["--since=main", "deep"]),
        [changed[2]]
    );
    assert_eq!(
        places(repository.path(), &["--staged"]),
        ["new name.yaml", "staged.yaml"]
    );
    // From another folder, and with paths spelled as given.
    let deep = repository.path().join("deep");
    assert_eq!(places(&deep, &["--since", "HEAD"]), ["new.yaml"]);
    let up = places(&deep, &["--since", "HEAD~1", "..", "../deep/"]);
    assert_eq!(up[0], "../changed.yaml");
    assert_eq!(up.len(), changed.len(), "{up:?}");
    let full = repository.path().to_str().unwrap();
    let of_elsewhere = places(Path::new("/"), &["--since", "HEAD", full]);
    assert_eq!(of_elsewhere.len(), uncommitted.len());
    assert_eq!(of_elsewhere[0], format!("{full}/back.yaml"));
    // The whole run reports them too.
    let whole = places(repository.path(), &[]);
    assert!(
        uncommitted
            .iter()
            .all(|path| whole.contains(&(*path).to_owned()))
    );
    assert!(whole.contains(&"same.yaml".to_owned()));
}

#[test]
fn what_happened_on_the_other_side_does_not_count() {
    let repository = Repository::new(&[("a.yaml", LEGACY), ("b.yaml", LEGACY)]);
    repository.git(&["switch", "-q", "-c", "feature"]);
    repository.put("a.yaml", OTHER);
    repository.commit();
    repository.git(&["switch", "-q", "main"]);
    repository.put("b.yaml", OTHER);
    repository.commit();
    repository.git(&["switch", "-q", "feature"]);
    assert_eq!(places(repository.path(), &["--since", "main"]), ["a.yaml"]);
    // Without a common commit, more is reported rather than less.
    repository.git(&["switch", "-q", "--orphan", "apart"]);
    repository.git(&["checkout", "feature", "--", "."]);
    repository.commit();
    assert_eq!(
        places(repository.path(), &["--since", "main"]),
        ["a.yaml", "b.yaml"]
    );
}

#[test]
fn writing_stays_with_what_changed() {
    let repository = Repository::new(&[("a.yaml", LEGACY), ("b.yaml", LEGACY)]);
    repository.put("b.yaml", OTHER);
    let output = run(repository.path(), &["--since", "HEAD", "--write"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("Fixed 1 reference in 1 file"),
        "{}",
        stdout(&output)
    );
    assert_eq!(repository.text("a.yaml"), LEGACY);
    assert_eq!(repository.text("b.yaml"), format!("# changed\n{MOVED}"));
}

#[test]
fn what_is_staged_is_read_in_the_work_tree_and_the_index_stays() {
    let repository = Repository::new(&[("a.yaml", MOVED), ("b.yaml", MOVED), ("c.yaml", LEGACY)]);
    repository.put("a.yaml", LEGACY);
    repository.put("b.yaml", LEGACY);
    repository.git(&["add", "a.yaml", "b.yaml"]);
    repository.put("b.yaml", OTHER);
    repository.put("c.yaml", OTHER);
    let output = run(
        repository.path(),
        &["--staged", "--write", "--format", "concise"],
    );
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        stderr(&output),
        "regfix: b.yaml: only partly staged; regfix reads and fixes the file in the working tree\n"
    );
    assert_eq!(repository.text("a.yaml"), MOVED);
    assert_eq!(repository.text("b.yaml"), format!("# changed\n{MOVED}"));
    assert_eq!(repository.text("c.yaml"), OTHER);
    for name in ["a.yaml", "b.yaml"] {
        let index = repository.git(&["show", &format!(":{name}")]);
        assert_eq!(stdout(&index), LEGACY, "the index has changed");
    }
    let quiet = run(repository.path(), &["--staged", "-q"]);
    assert_eq!(
        (quiet.status.code(), stderr(&quiet).as_str()),
        (Some(0), "")
    );
}

#[test]
fn before_the_first_commit_all_that_is_staged_is_new() {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q"]);
    fs::write(folder.path().join("a.yaml"), LEGACY).unwrap();
    fs::write(folder.path().join("b.yaml"), LEGACY).unwrap();
    git(folder.path(), &["add", "a.yaml"]);
    assert_eq!(places(folder.path(), &["--staged"]), ["a.yaml"]);
}

#[test]
fn settings_that_change_concern_everything() {
    let repository = Repository::new(&[
        ("a.yaml", LEGACY),
        ("b/b.yaml", LEGACY),
        (".regfix.yaml", "exclude: [b]\n"),
        ("b/.gitignore", "b.yaml\n"),
    ]);
    let nothing: [&str; 0] = [];
    assert_eq!(places(repository.path(), &["--since", "HEAD"]), nothing);
    fs::remove_file(repository.path().join(".regfix.yaml")).unwrap();
    assert_eq!(places(repository.path(), &["--since", "HEAD"]), ["a.yaml"]);
    assert_eq!(
        places(repository.path(), &["--since", "HEAD", "--no-config"]),
        nothing
    );
    repository.commit();
    // A file that is no longer ignored is checked for the first time.
    repository.put("b/.gitignore", "");
    assert_eq!(
        places(repository.path(), &["--since", "HEAD"]),
        ["b/b.yaml"]
    );
}

const BASE: &str = "kind: Kustomization\nresources: [pod.yaml]\n";
const OVERLAY: &str = "kind: Kustomization\nresources:\n  - ../base\nimages:\n  - name: k8s.gcr.io/pause\n    newTag: \"3.9\"\n";

/// Returns a base, two overlays on top of each other, another base, and a single file.
fn tree_of_kustomizations() -> [(&'static str, &'static str); 7] {
    let pod =
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - image: k8s.gcr.io/pause:3.2\n";
    [
        ("base/kustomization.yaml", BASE),
        ("base/pod.yaml", pod),
        ("overlay/kustomization.yaml", OVERLAY),
        (
            "top/kustomization.yaml",
            "kind: Kustomization\nresources: [../overlay]\n",
        ),
        ("other/kustomization.yaml", BASE),
        ("other/pod.yaml", pod),
        ("alone.yaml", LEGACY),
    ]
}

#[test]
fn a_baseline_is_stale_only_where_something_changed() {
    let repository = Repository::new(&[("a.yaml", LEGACY), ("b.yaml", LEGACY)]);
    let wrote = run(repository.path(), &["--write-baseline", "--quiet"]);
    assert_eq!(wrote.status.code(), Some(0), "{}", stderr(&wrote));
    // A change of the baseline can affect every finding, so everything is checked.
    let nothing: [&str; 0] = [];
    assert_eq!(places(repository.path(), &["--since", "HEAD"]), nothing);
    let baseline = repository.path().join(".regfix-baseline.json");
    let held = repository.text(".regfix-baseline.json");
    repository.commit();
    fs::remove_file(&baseline).unwrap();
    assert_eq!(
        places(repository.path(), &["--since", "HEAD"]),
        ["a.yaml", "b.yaml"]
    );
    assert_eq!(
        places(repository.path(), &["--since", "HEAD", "--no-baseline"]),
        nothing
    );
    fs::write(&baseline, held).unwrap();
    let stale = |text: &str| {
        repository.put("b.yaml", text);
        let output = run(repository.path(), &["--since", "HEAD", "--verbose"]);
        assert_eq!(output.status.code(), Some(0));
        stderr(&output)
    };
    assert_eq!(stale(OTHER), "");
    let reported = stale(MOVED);
    assert!(
        reported.contains("stale entry: b.yaml: k8s-gcr-io"),
        "{reported}"
    );
    assert!(!reported.contains("a.yaml"), "{reported}");
    let both = run(repository.path(), &["--since", "HEAD", "--write-baseline"]);
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn a_change_affects_all_that_it_is_a_part_of() {
    let repository = Repository::new(&tree_of_kustomizations());
    let whole = places(repository.path(), &["base", "overlay"]);
    assert!(whole.contains(&"base/pod.yaml".to_owned()), "{whole:?}");
    let nothing: [&str; 0] = [];
    assert_eq!(places(repository.path(), &["--since", "HEAD"]), nothing);
    for path in [
        "base/pod.yaml",
        "base/kustomization.yaml",
        "overlay/kustomization.yaml",
    ] {
        repository.put(path, &format!("# changed\n{}", repository.text(path)));
        let reported = places(repository.path(), &["--since", "HEAD"]);
        assert!(
            reported.contains(&"base/pod.yaml".to_owned()),
            "{path}: {reported:?}"
        );
        assert!(
            reported.iter().all(|path| whole.contains(path)),
            "{path}: {reported:?}"
        );
        repository.git(&["checkout", "-q", "."]);
    }
    // The image is reported without the overlay's entry.
    repository.put(
        "overlay/kustomization.yaml",
        "kind: Kustomization\nresources: [../base]\n",
    );
    assert_eq!(
        places(repository.path(), &["--since", "HEAD"]),
        ["base/pod.yaml"]
    );
    fs::remove_file(repository.path().join("overlay/kustomization.yaml")).unwrap();
    assert_eq!(
        places(repository.path(), &["--since", "HEAD"]),
        ["base/pod.yaml"]
    );
}

#[test]
fn a_chart_is_told_whole() {
    let chart = "apiVersion: v2\nname: x\nversion: 1.0.0\n";
    let files = [
        "app/templates/pod.yaml",
        "app/values.yaml",
        "app/charts/sub/templates/pod.yaml",
        "app/charts/sub/values.yaml",
        "other/values.yaml",
    ];
    let charts = ["app", "app/charts/sub", "other"].map(|folder| format!("{folder}/Chart.yaml"));
    let legacy = files.iter().map(|path| (*path, LEGACY));
    let charts = charts.iter().map(|path| (path.as_str(), chart));
    let tree: Vec<_> = legacy.chain(charts).collect();
    let repository = Repository::new(&tree);
    let mut whole = files[..4].to_vec();
    whole.sort_unstable();
    let changed = [
        "app/Chart.yaml",
        "app/charts/sub/templates/new.yaml",
        "app/Chart.lock",
    ];
    for path in files[..4].iter().chain(&changed) {
        repository.put(path, "# changed\n");
        let reported = places(repository.path(), &["--since", "HEAD"]);
        let rest: Vec<_> = whole.iter().filter(|file| *file != path).collect();
        assert_eq!(
            reported.iter().map(String::as_str).collect::<Vec<_>>(),
            rest.into_iter().copied().collect::<Vec<_>>(),
            "{path}"
        );
        repository.git(&["checkout", "-q", "."]);
        repository.git(&["clean", "-q", "-f", "-d"]);
    }
    let nothing: [&str; 0] = [];
    repository.put("app/README.md", "# changed\n");
    assert_eq!(places(repository.path(), &["--since", "HEAD"]), nothing);
}

/// Returns the findings, one line each.
fn reported(folder: &Path, arguments: &[&str]) -> BTreeSet<String> {
    let output = run(folder, &[&["--format", "concise"], arguments].concat());
    let text = stdout(&output);
    let found = text.lines().filter(|line| line.contains(": "));
    found.map(str::to_owned).collect()
}

/// The number of files that are changed in a larger tree, spread over all of it: each takes two runs.
const MOST_CHANGED: usize = 6;

/// Changes one file of a tree after the other, each in one of three ways, and asserts that `--since` reports every new
/// finding. Returns the number of changes.
fn never_missed(what: &str, tree: &BTreeMap<PathBuf, Vec<u8>>) -> usize {
    let repository = Repository::new(&[]);
    fill(repository.path(), tree);
    repository.git(&["add", "-A", "-f"]);
    repository.git(&["commit", "-q", "-m", "."]);
    let before = reported(repository.path(), &[]);
    let mut changes = 0;
    let step = tree.len().div_ceil(MOST_CHANGED);
    for (path, bytes) in tree.iter().step_by(step) {
        let file = repository.path().join(path);
        let changed = [b"# changed\n", &bytes[..]].concat();
        let text = [None, Some(&b""[..]), Some(&changed)][changes % 3];
        match text {
            None => fs::remove_file(&file).unwrap(),
            Some(text) => fs::write(&file, text).unwrap(),
        }
        let after = reported(repository.path(), &[]);
        let since = reported(repository.path(), &["--since", "HEAD"]);
        let new = after.difference(&before);
        let missed: Vec<_> = new.filter(|line| !since.contains(*line)).collect();
        let length = text.map(<[u8]>::len);
        let what = format!("{what}: {} {length:?}", path.display());
        assert!(missed.is_empty(), "{what}: {missed:#?}");
        assert!(since.is_subset(&after), "{what}: {since:#?} of {after:#?}");
        changes += 1;
        fs::write(&file, bytes).unwrap();
    }
    changes
}

#[test]
fn what_a_change_brings_is_never_missed() {
    let cases = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")).unwrap();
    let mut trees = Vec::new();
    for case in cases {
        let case = case.unwrap().path();
        let tree = files(&case.join("in"));
        let is_project = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            regfix::file_type::project_files().any(|maker| name == maker)
        };
        if tree.keys().any(is_project) {
            trees.push((case.display().to_string(), tree));
        }
    }
    let tree = tree_of_kustomizations();
    let tree = tree
        .iter()
        .map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec()));
    trees.push(("a tree of kustomizations".to_owned(), tree.collect()));
    let changes = trees.par_iter();
    let changes = changes.map(|(what, tree)| never_missed(what, tree));
    let changes: usize = changes.sum();
    assert!(changes > 200, "{changes}");
}

#[test]
fn a_submodule_that_moved_on_is_looked_at_whole() {
    let inner = Repository::new(&[("a.yaml", LEGACY), ("b.yaml", LEGACY)]);
    let outer = Repository::new(&[("c.yaml", LEGACY)]);
    let url = inner.path().to_str().unwrap();
    outer.git(&["submodule", "--quiet", "add", url, "inner"]);
    outer.commit();
    let nothing: [&str; 0] = [];
    assert_eq!(places(outer.path(), &["--since", "HEAD"]), nothing);
    let module = outer.path().join("inner");
    fs::write(module.join("a.yaml"), OTHER).unwrap();
    git(&module, &["commit", "-q", "-a", "-m", "."]);
    assert_eq!(
        places(outer.path(), &["--since", "HEAD"]),
        ["inner/a.yaml", "inner/b.yaml"]
    );
    // With only the submodule as a path, the revision is one of the submodule.
    assert_eq!(places(outer.path(), &["--since", "HEAD", "inner"]), nothing);
}

#[test]
fn several_repositories_are_asked_each() {
    let (one, other) = (
        Repository::new(&[("a.yaml", LEGACY)]),
        Repository::new(&[("a.yaml", LEGACY)]),
    );
    one.put("b.yaml", LEGACY);
    other.put("a.yaml", OTHER);
    let paths = [&one, &other].map(|repository| repository.path().to_str().unwrap());
    let found = places(Path::new("/"), &["--since", "HEAD", paths[0], paths[1]]);
    let mut expected = vec![
        format!("{}/b.yaml", paths[0]),
        format!("{}/a.yaml", paths[1]),
    ];
    expected.sort();
    assert_eq!(found, expected);
}

#[cfg(unix)]
#[test]
fn names_and_links_are_as_they_come() {
    use std::os::unix::fs::symlink;
    let repository = Repository::new(&[("real/a.yaml", LEGACY), ("real/b.yaml", LEGACY)]);
    let strange = "real/ü \"x\"\t.yaml";
    repository.put(strange, LEGACY);
    repository.put("real/a.yaml", OTHER);
    symlink("real", repository.path().join("link")).unwrap();
    let found = places(repository.path(), &["--since", "HEAD"]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0], "real/a.yaml");
    let through = places(repository.path(), &["--since", "HEAD", "link"]);
    assert_eq!(through[0], "link/a.yaml");
    assert_eq!(through.len(), 2);
}

#[test]
fn what_git_cannot_tell_is_said_and_nothing_is_checked() {
    let repository = Repository::new(&[("a.yaml", LEGACY)]);
    repository.put("a.yaml", OTHER);
    repository.commit();
    let outside = tempfile::tempdir().unwrap();
    let shallow = tempfile::tempdir().unwrap();
    let url = format!("file://{}", repository.path().display());
    let clone = shallow.path().join("clone");
    git(shallow.path(), &["clone", "-q", "--depth=1", &url, "clone"]);
    let missing = stdout(&repository.git(&["rev-parse", "HEAD~1"]));
    let missing = missing.trim();
    let cases: [(PathBuf, &[&str], String); 7] = [
        (
            repository.path().into(),
            &["--since", "nowhere"],
            "--since: there is no revision \"nowhere\"; check the spelling, or fetch it\n".into(),
        ),
        (
            repository.path().into(),
            &["--since=--output=x"],
            "--since: there is no revision \"--output=x\"; check the spelling, or fetch it\n"
                .into(),
        ),
        (
            repository.path().into(),
            &["--since="],
            "--since: there is no revision \"\"; check the spelling, or fetch it\n".into(),
        ),
        (
            repository.path().into(),
            &["--since", "HEAD", "-"],
            "`--since` works with files only, not with standard input\n".into(),
        ),
        (
            outside.path().into(),
            &["--since", "HEAD"],
            "--since: .: not in a git repository".into(),
        ),
        (
            outside.path().into(),
            &["--staged"],
            "--staged: .: not in a git repository".into(),
        ),
        (
            clone,
            &["--since", missing],
            format!(
                "--since: there is no revision {missing:?}; the clone is shallow: fetch it first, as with `git fetch --depth=1 origin {missing}`\n"
            ),
        ),
    ];
    for (folder, arguments, expected) in cases {
        let mut command = regfix(&folder);
        command.env("GIT_CEILING_DIRECTORIES", std::env::temp_dir());
        let output = command.args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(stdout(&output), "");
        let said = stderr(&output);
        assert!(
            said.starts_with(&format!("regfix: {expected}")),
            "{arguments:?}: {said}"
        );
    }
}

#[test]
fn no_git_is_needed() {
    let repository = Repository::new(&[("a.yaml", LEGACY), ("b.yaml", LEGACY)]);
    repository.put("b.yaml", OTHER);
    let output = regfix(repository.path())
        .env("PATH", "")
        .args(["--since", "HEAD", "--format", "concise"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).starts_with("b.yaml:2:8: "), "{output:?}");
}

#[cfg(unix)]
#[test]
fn git_runs_it_as_a_hook() {
    use std::os::unix::fs::PermissionsExt;
    let repository = Repository::new(&[("a.yaml", LEGACY), ("sub/b.yaml", MOVED)]);
    // In a linked work tree, git passes the location of the repository to its hooks in environment variables.
    let beside = repository.path().join("beside");
    repository.git(&["worktree", "add", "-q", "beside", "-b", "beside"]);
    let hook = repository.path().join(".git/hooks/pre-commit");
    let script = format!(
        "#!/bin/sh\nexec '{}' --staged --format concise\n",
        env!("CARGO_BIN_EXE_regfix")
    );
    fs::write(&hook, script).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    for folder in [repository.path(), &beside] {
        let commit = |text: &str| {
            fs::write(folder.join("sub/b.yaml"), text).unwrap();
            let mut command = Command::new("git");
            scrubbed(&mut command).args(["-c", "user.name=a", "-c", "user.email=a@example.com"]);
            let output = command
                .args(["commit", "-q", "-m", ".", "b.yaml"])
                .current_dir(folder.join("sub"))
                .output()
                .unwrap();
            (output.status.success(), stdout(&output) + &stderr(&output))
        };
        let (done, reported) = commit(OTHER);
        assert!(
            !done && reported.starts_with("sub/b.yaml:2:8: warning "),
            "{reported}"
        );
        let (done, reported) = commit(&format!("# fixed\n{MOVED}"));
        assert!(done, "{reported}");
    }
}
