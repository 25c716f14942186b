//! Compares what regfix reads from a repository with the output of the installed git.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use regfix::git::{Asked, Before, Changes, Error, Repository, Since, changes};

use crate::common::stdout;
use crate::repository::{git, scrubbed};

/// Returns the changes that regfix finds, if all files count that git does not ignore.
fn ours(folder: &Path, since: Since<'_>) -> Result<Changes, Error> {
    let others = |top: &Path| {
        let names = listed(top, &["ls-files", "-z", "--others", "--exclude-standard"]);
        names.into_iter().collect()
    };
    let asked = Asked {
        before: &|_| Before::Needed,
        files: &others,
    };
    changes(&Repository::around(folder)?, since, &asked)
}

/// Returns the full paths that a git command lists.
fn listed(top: &Path, arguments: &[&str]) -> BTreeSet<PathBuf> {
    let output = stdout(&git(top, arguments));
    let names = output.split('\0').filter(|name| !name.is_empty());
    names.map(|name| top.join(name)).collect()
}

/// Returns the changes that git reports.
fn theirs(top: &Path, since: Since<'_>) -> BTreeSet<PathBuf> {
    let diff = [
        "diff",
        "-z",
        "--name-only",
        "--no-renames",
        "--ignore-submodules=dirty",
    ];
    match since {
        Since::Staged => listed(top, &[&diff[..], &["--cached"]].concat()),
        Since::Revision(revision) => {
            let base = Command::new("git")
                .args(["merge-base", revision, "HEAD"])
                .current_dir(top)
                .output()
                .unwrap();
            let base = match base.status.success() {
                true => stdout(&base).trim().to_owned(),
                false => revision.to_owned(),
            };
            let mut paths = listed(top, &[&diff[..], &[&base, "--"]].concat());
            paths.extend(listed(
                top,
                &["ls-files", "-z", "--others", "--exclude-standard"],
            ));
            paths
        }
    }
}

#[track_caller]
fn agree(top: &Path, revisions: &[&str], what: &str) {
    let top = &top.canonicalize().unwrap();
    for revision in revisions {
        let since = Since::Revision(revision);
        let paths = ours(top, since).unwrap().paths;
        assert_eq!(paths, theirs(top, since), "{what}: since {revision}");
    }
    let staged = ours(top, Since::Staged).unwrap();
    assert_eq!(staged.paths, theirs(top, Since::Staged), "{what}: staged");
    let unstaged = listed(
        top,
        &["diff", "-z", "--name-only", "--ignore-submodules=dirty"],
    );
    let both: BTreeSet<_> = staged.paths.intersection(&unstaged).cloned().collect();
    assert_eq!(staged.staged_in_part, both, "{what}: staged in part");
}

/// A step in the history of a repository.
#[derive(Debug, Clone)]
enum Step {
    Write(usize, usize),
    Remove(usize),
    Add(usize),
    AddAll,
    Forget(usize),
    MeanToAdd(usize),
    Commit,
    Branch(usize),
    Touch(usize),
    Repack,
}

const NAMES: [&str; 9] = [
    "a.yaml",
    "a/b.yaml",
    "a.b/c.yaml",
    "a/c/d.yaml",
    "a/c/e/f.yaml",
    "b",
    "b.c/x",
    "ü \"x\".yaml",
    "a-b.yaml",
];
const TEXTS: [&str; 4] = ["", "one\n", "two\n", "three\nlines\nhere\n"];

fn step() -> impl Strategy<Value = Step> {
    use proptest::prelude::*;
    let name = 0..NAMES.len();
    prop_oneof![
        6 => (name.clone(), 0..TEXTS.len()).prop_map(|(name, text)| Step::Write(name, text)),
        2 => name.clone().prop_map(Step::Remove),
        4 => name.clone().prop_map(Step::Add),
        2 => Just(Step::AddAll),
        1 => name.clone().prop_map(Step::Forget),
        1 => name.clone().prop_map(Step::MeanToAdd),
        3 => Just(Step::Commit),
        1 => (0..3_usize).prop_map(Step::Branch),
        2 => name.prop_map(Step::Touch),
        1 => Just(Step::Repack),
    ]
}

/// Performs a step if it is possible.
fn take(top: &Path, step: &Step) {
    let quietly = |arguments: &[&str]| {
        let mut command = Command::new("git");
        scrubbed(&mut command)
            .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
            .args(arguments)
            .current_dir(top)
            .output()
            .unwrap();
    };
    match step {
        Step::Write(name, text) => {
            let path = top.join(NAMES[*name]);
            // A file may take the location of a folder, and the other way round.
            for above in path.ancestors().skip(1).take_while(|above| *above != top) {
                let _ = fs::remove_file(above);
            }
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, TEXTS[*text]).unwrap();
        }
        Step::Remove(name) => drop(fs::remove_file(top.join(NAMES[*name]))),
        Step::Add(name) => quietly(&["add", "--", NAMES[*name]]),
        Step::AddAll => quietly(&["add", "-A"]),
        Step::Forget(name) => quietly(&["rm", "-q", "--cached", "--", NAMES[*name]]),
        Step::MeanToAdd(name) => quietly(&["add", "-N", "--", NAMES[*name]]),
        Step::Commit => quietly(&["commit", "-q", "--allow-empty", "-m", "."]),
        Step::Branch(name) => {
            let name = ["main", "other", "third"][*name];
            quietly(&["switch", "-q", "-c", name]);
            quietly(&["switch", "-q", name]);
        }
        Step::Touch(name) => {
            if let Ok(text) = fs::read(top.join(NAMES[*name])) {
                fs::write(top.join(NAMES[*name]), text).unwrap();
            }
        }
        Step::Repack => {
            quietly(&["gc", "-q"]);
            quietly(&["pack-refs", "--all"]);
        }
    }
}

#[test]
fn random_repositories_are_read_as_git_reads_them() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let steps = proptest::collection::vec(step(), 6..30);
    for _ in 0..24 {
        let steps = steps.new_tree(&mut runner).unwrap().current();
        let folder = tempfile::tempdir().unwrap();
        git(folder.path(), &["init", "-q", "-b", "main"]);
        git(folder.path(), &["commit", "-q", "--allow-empty", "-m", "."]);
        git(folder.path(), &["tag", "start"]);
        for step in &steps {
            take(folder.path(), step);
        }
        agree(
            folder.path(),
            &["start", "HEAD", "main"],
            &format!("{steps:?}"),
        );
    }
}

/// Creates a repository with a history: two commits on a side branch, merged.
fn history(options: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    git(top, &[&["init", "-q", "-b", "main"], options].concat());
    let commit = |name: &str, text: &str| {
        let path = top.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        git(top, &["add", "-A"]);
        git(top, &["commit", "-q", "-m", name]);
    };
    commit("a/one.yaml", "one\n");
    commit("b/c/two.yaml", "two\n");
    git(top, &["tag", "-a", "-m", ".", "v1"]);
    git(top, &["switch", "-q", "-c", "side"]);
    commit("d/three.yaml", "three\n");
    git(top, &["switch", "-q", "main"]);
    commit("a/one.yaml", "one more\n");
    git(top, &["merge", "-q", "-m", ".", "side"]);
    fs::write(top.join("b/c/two.yaml"), "changed\n").unwrap();
    fs::write(top.join("b/new.yaml"), "new\n").unwrap();
    folder
}

#[test]
fn revisions_mean_what_git_says() {
    let folder = history(&[]);
    let top = folder.path();
    let hash = stdout(&git(top, &["rev-parse", "HEAD~1"]));
    let short = &hash[..9];
    for round in ["loose", "packed"] {
        let revisions = [
            "HEAD",
            "HEAD~1",
            "HEAD~2",
            "HEAD^2",
            "HEAD^2^",
            "v1",
            "tags/v1",
            "refs/tags/v1",
            "v1^{commit}",
            "v1^{}",
            "side",
            "heads/side",
            "@",
            "main^1~1",
            hash.trim(),
            short,
        ];
        agree(top, &revisions, round);
        git(top, &["gc", "-q"]);
    }
    let of = |revision: &str| {
        ours(top, Since::Revision(revision))
            .unwrap_err()
            .to_string()
    };
    for revision in [
        "HEAD~9",
        "HEAD^3",
        "nowhere",
        "",
        "v1..main",
        "^main",
        "--all",
        "a b",
        "HEAD:a/one.yaml^{commit}",
    ] {
        let said = of(revision);
        let known = said.contains("there is no revision") || said.contains("is not understood");
        assert!(known, "{revision}: {said}");
    }
    for revision in ["@{u}", "main@{1}", "@{-1}", ":/one", "HEAD^{/one}"] {
        let said = of(revision);
        assert!(said.contains("is not understood"), "{revision}: {said}");
    }
}

#[test]
fn other_ways_to_keep_an_index_and_objects() {
    type Case<'c> = (&'c str, &'c [&'c str], &'c [&'c [&'c str]]);
    let cases: [Case<'_>; 5] = [
        (
            "index of version 4",
            &[],
            &[&["update-index", "--index-version", "4"]],
        ),
        (
            "split index",
            &[],
            &[
                &["update-index", "--split-index"],
                &["update-index", "--refresh", "-q"],
            ],
        ),
        ("names by SHA-256", &["--object-format=sha256"], &[]),
        (
            "untracked cache",
            &[],
            &[&["update-index", "--force-untracked-cache"], &["status"]],
        ),
        (
            "several packs",
            &[],
            &[
                &["repack", "-q"],
                &["multi-pack-index", "write"],
                &["commit-graph", "write", "--reachable"],
            ],
        ),
    ];
    for (what, options, commands) in cases {
        let folder = history(options);
        for command in commands {
            let mut git = Command::new("git");
            scrubbed(&mut git).args(*command).current_dir(folder.path());
            git.output().unwrap();
        }
        agree(folder.path(), &["v1", "HEAD", "side", "HEAD~1"], what);
    }
}

#[test]
fn clones_in_part_and_work_trees_beside() {
    let folder = history(&[]);
    let top = folder.path();
    git(top, &["add", "-A"]);
    git(top, &["commit", "-q", "-m", "."]);
    git(top, &["config", "uploadpack.allowFilter", "true"]);
    let beside = tempfile::tempdir().unwrap();
    let at = |name: &str| beside.path().join(name);
    let url = format!("file://{}", top.display());
    git(
        beside.path(),
        &["clone", "-q", "--shared", top.to_str().unwrap(), "shared"],
    );
    git(
        beside.path(),
        &["clone", "-q", "--depth=2", &url, "shallow"],
    );
    git(
        beside.path(),
        &["clone", "-q", "--filter=blob:none", &url, "blobless"],
    );
    git(
        top,
        &[
            "worktree",
            "add",
            "-q",
            at("worktree").to_str().unwrap(),
            "side",
        ],
    );
    git(beside.path(), &["clone", "-q", "--sparse", &url, "sparse"]);
    git(
        &at("sparse"),
        &["sparse-checkout", "set", "--sparse-index", "a"],
    );
    for name in ["shared", "shallow", "worktree", "sparse"] {
        fs::write(at(name).join("a/one.yaml"), "again\n").unwrap();
        fs::write(at(name).join("a/new.yaml"), "again\n").unwrap();
        let revisions: &[&str] = match name {
            "shallow" => &["HEAD", "HEAD~1"],
            _ => &["HEAD", "HEAD~1", "origin/HEAD"],
        };
        let revisions = match name {
            "worktree" => &revisions[..2],
            _ => revisions,
        };
        agree(&at(name), revisions, name);
    }
    // Objects that a partial clone lacks are reported, not fetched.
    let objects = || {
        fs::read_dir(at("blobless").join(".git/objects/pack"))
            .unwrap()
            .count()
    };
    let before = objects();
    let said = ours(&at("blobless"), Since::Revision("HEAD~4")).unwrap_err();
    assert!(
        said.to_string()
            .contains("is not in this clone, and regfix fetches nothing"),
        "{said}"
    );
    assert_eq!(objects(), before);
}

#[test]
fn what_filters_and_line_ends_make_of_a_file() {
    let folder = history(&[]);
    let top = &folder.path().canonicalize().unwrap();
    git(top, &["add", "-A"]);
    git(top, &["commit", "-q", "-m", "."]);
    // A difference in line ends alone is not a change, whatever git's settings are.
    fs::write(top.join("a/one.yaml"), "one more\r\n").unwrap();
    let now = || ours(top, Since::Revision("HEAD")).unwrap().paths;
    assert_eq!(now(), BTreeSet::new());
    // A file that a filter changes counts as changed, because regfix does not run the filter.
    fs::write(top.join(".gitattributes"), "*.yaml filter=upper\n").unwrap();
    git(top, &["config", "filter.upper.clean", "tr a-z A-Z"]);
    fs::write(top.join("a/one.yaml"), "one more\n").unwrap();
    git(top, &["add", "-A"]);
    git(top, &["commit", "-q", "-m", "."]);
    // A time that differs from the one in git's index, even if the clock has a coarse resolution.
    let file = fs::File::options().write(true).open(top.join("a/one.yaml"));
    file.unwrap().set_modified(UNIX_EPOCH).unwrap();
    assert_eq!(now(), BTreeSet::from([top.join("a/one.yaml")]));
    assert_eq!(theirs(top, Since::Revision("HEAD")), BTreeSet::new());
}

#[cfg(unix)]
#[test]
fn links_and_conflicts() {
    use std::os::unix::fs::symlink;
    let folder = history(&[]);
    let top = folder.path();
    symlink("one.yaml", top.join("a/link")).unwrap();
    symlink("a", top.join("folder")).unwrap();
    git(top, &["add", "-A"]);
    git(top, &["commit", "-q", "-m", "."]);
    agree(top, &["HEAD", "v1"], "links");
    fs::remove_file(top.join("a/link")).unwrap();
    symlink("two.yaml", top.join("a/link")).unwrap();
    // Files behind a link are not in the work tree, even if the link leads to the same files.
    fs::rename(top.join("b"), top.join("moved")).unwrap();
    symlink("moved", top.join("b")).unwrap();
    agree(top, &["HEAD", "v1"], "a link to elsewhere");
    git(top, &["add", "-A"]);
    git(top, &["commit", "-q", "-m", "."]);
    git(top, &["switch", "-q", "-c", "theirs", "HEAD~1"]);
    fs::write(top.join("a/one.yaml"), "theirs\n").unwrap();
    git(top, &["commit", "-q", "-a", "-m", "."]);
    git(top, &["switch", "-q", "main"]);
    fs::write(top.join("a/one.yaml"), "ours\n").unwrap();
    git(top, &["commit", "-q", "-a", "-m", "."]);
    let mut merge = Command::new("git");
    scrubbed(&mut merge)
        .args(["merge", "-q", "theirs"])
        .current_dir(top);
    assert!(!merge.output().unwrap().status.success());
    agree(top, &["HEAD", "v1"], "a conflict");
}
