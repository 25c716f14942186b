//! The walk over real folders: which files it reads, leaves out and reports, whatever the number of threads.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may panic as tests may"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use regfix::walk::{Filter, Kept, Options, Walked, Want, walk};

/// A folder for one test.
struct Tree(tempfile::TempDir);

impl Tree {
    fn new(files: &[&str]) -> Self {
        let tree = Self(tempfile::Builder::new().prefix("walk-").tempdir().unwrap());
        for file in files {
            tree.write(file, "legacy");
        }
        tree
    }

    /// Returns the path of a file in the tree.
    fn at(&self, path: &str) -> PathBuf {
        assert!(!path.starts_with('/'), "{path} is not in the tree");
        self.0.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), text).unwrap();
    }

    fn options(&self, roots: &[&str]) -> Options {
        Options {
            roots: roots.iter().map(|root| self.at(root)).collect(),
            base: self.at(""),
            ..Options::default()
        }
    }

    /// Returns paths relative to the tree.
    fn short<'p>(&self, paths: impl Iterator<Item = &'p Path>) -> Vec<String> {
        let cut = |path: &Path| {
            path.strip_prefix(self.at(""))
                .unwrap_or(path)
                .display()
                .to_string()
        };
        paths.map(cut).collect()
    }

    fn kept<T>(&self, outcome: &Walked<T>) -> Vec<String> {
        self.short(outcome.kept.iter().map(|(path, _)| path.as_path()))
    }

    fn problems<T>(&self, outcome: &Walked<T>) -> Vec<String> {
        let prefix = format!(
            "{}/",
            self.at("").display().to_string().trim_end_matches('/')
        );
        let say = |problem: &regfix::walk::Problem| {
            let fatal = if problem.fatal { "" } else { " (not fatal)" };
            format!("{}{fatal}", problem.to_string().replace(&prefix, ""))
        };
        outcome.problems.iter().map(say).collect()
    }
}

fn is_yaml(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "yaml")
}

/// Walks with a filter that reads YAML and named files, and keeps those that contain `legacy`.
fn run(options: &Options) -> Walked<bool> {
    walk(
        options,
        &Filter {
            listed: &|_, _| (),
            wanted: &|path, named| (named || is_yaml(path)).then_some(named).into(),
            keep: &|_, named, bytes| {
                bytes
                    .windows(6)
                    .any(|part| part == b"legacy")
                    .then_some(named)
                    .into()
            },
            suspect: &|_, _| true,
        },
    )
}

fn init_git(tree: &Tree) {
    fs::create_dir_all(tree.at(".git/info")).unwrap();
}

#[test]
fn keeps_what_passes_in_the_order_of_paths() {
    let tree = Tree::new(&[
        "b.yaml",
        "a/z.yaml",
        "a.yaml",
        "a/b/c.yaml",
        "a-b/c.yaml",
        "notes.txt",
    ]);
    tree.write("clean.yaml", "nothing");
    let outcome = run(&tree.options(&[""]));
    assert_eq!(
        tree.kept(&outcome),
        ["a/b/c.yaml", "a/z.yaml", "a-b/c.yaml", "a.yaml", "b.yaml"]
    );
    assert_eq!(outcome.counts.files, 6);
    assert_eq!(outcome.counts.bytes, 5 * 6 + 7);
    assert_eq!(outcome.counts.unwanted, 1);
    assert!(outcome.problems.is_empty() && outcome.skipped.is_empty());
}

#[test]
fn threads_change_nothing() {
    let tree = Tree::new(&[]);
    for at in 0..300 {
        tree.write(
            &format!("d{}/e{}/{at}.yaml", at % 7, at % 13),
            ["legacy", "clean", "legacy\0"][at % 3],
        );
    }
    let reported = |threads| {
        let mut options = tree.options(&["", "missing", "d3", "d3/e1"]);
        options.threads = threads;
        format!("{:?}", run(&options))
    };
    let one = reported(1);
    assert_eq!(
        one.matches("true").count() + one.matches("false").count(),
        200 + 2
    );
    for threads in [0, 2, 3, 16] {
        assert_eq!(reported(threads), one, "{threads} threads");
    }
}

#[test]
fn ignore_rules_are_those_of_ripgrep() {
    let tree = Tree::new(&[
        "repo/a.yaml",
        "repo/out/a.yaml",
        "repo/sub/deep/b.yaml",
        "repo/sub/kept.yaml",
        "repo/excluded.yaml",
        "repo/.github/w.yaml",
        "repo/.hidden.yaml",
        "repo/by-ignore.yaml",
        "repo/sub/.shown.yaml",
    ]);
    tree.write("repo/.gitignore", "out/\ndeep\n*.skip\n!.shown.yaml\n");
    tree.write("repo/.ignore", "by-ignore.yaml\n");
    // Outside of a repository, .gitignore has no effect.
    let outside = run(&tree.options(&["repo"]));
    assert_eq!(
        tree.kept(&outside),
        [
            "repo/a.yaml",
            "repo/excluded.yaml",
            "repo/out/a.yaml",
            "repo/sub/deep/b.yaml",
            "repo/sub/kept.yaml",
        ]
    );
    fs::create_dir_all(tree.at("repo/.git/info")).unwrap();
    tree.write("repo/.git/info/exclude", "excluded.yaml\n");
    let inside = run(&tree.options(&["repo"]));
    assert_eq!(
        tree.kept(&inside),
        ["repo/a.yaml", "repo/sub/.shown.yaml", "repo/sub/kept.yaml"]
    );
    tree.write("repo/.git/w.yaml", "image: a\n");
    tree.write("repo/sub/.hg/w.yaml", "image: a\n");
    let mut with_hidden = tree.options(&["repo"]);
    with_hidden.hidden = true;
    assert_eq!(
        tree.kept(&run(&with_hidden)),
        [
            "repo/.github/w.yaml",
            "repo/.hidden.yaml",
            "repo/a.yaml",
            "repo/sub/.shown.yaml",
            "repo/sub/kept.yaml"
        ]
    );
    // The ignore files of the folders above also apply to a folder below.
    let below = run(&tree.options(&["repo/sub"]));
    assert_eq!(
        tree.kept(&below),
        ["repo/sub/.shown.yaml", "repo/sub/kept.yaml"]
    );
}

#[test]
fn what_is_named_is_wanted() {
    let tree = Tree::new(&[
        "out/a.yaml",
        ".hidden.yaml",
        "notes.txt",
        "excluded.yaml",
        ".github/w.yaml",
    ]);
    init_git(&tree);
    tree.write(".gitignore", "out/\n");
    let mut options = tree.options(&[
        "out/a.yaml",
        ".hidden.yaml",
        "notes.txt",
        "excluded.yaml",
        ".github",
    ]);
    options.exclude = vec!["excluded.yaml".to_owned(), ".github/".to_owned()];
    let outcome = run(&options);
    assert_eq!(
        tree.kept(&outcome),
        [
            ".github/w.yaml",
            ".hidden.yaml",
            "excluded.yaml",
            "notes.txt",
            "out/a.yaml"
        ]
    );
    let named = outcome.kept.iter().filter(|(_, named)| *named).count();
    assert_eq!(named, 4, "all but the one found in a folder");
    options.force_exclude = true;
    let forced = run(&options);
    assert_eq!(
        tree.kept(&forced),
        [".hidden.yaml", "notes.txt", "out/a.yaml"]
    );
    assert_eq!(forced.counts.excluded, 2);
}

#[test]
fn excluded_folders_are_not_entered() {
    let tree = Tree::new(&[
        "a.yaml",
        "vendor/b.yaml",
        "x/vendor/c/d.yaml",
        "x/e.golden.yaml",
        "x/f.yaml",
    ]);
    let mut options = tree.options(&[""]);
    options.exclude = vec![
        "vendor/".to_owned(),
        "*.golden.yaml".to_owned(),
        "/f.yaml".to_owned(),
    ];
    let asked = Mutex::new(BTreeSet::new());
    let outcome = walk(
        &options,
        &Filter {
            listed: &|_, _| (),
            wanted: &|path, _| {
                let is_new = asked.lock().unwrap().insert(path.to_owned());
                is_new.then_some(()).into()
            },
            keep: &|_, (), _| Kept::This(()),
            suspect: &|_, _| false,
        },
    );
    assert_eq!(tree.kept(&outcome), ["a.yaml", "x/f.yaml"]);
    assert_eq!(outcome.counts.excluded, 3);
    assert_eq!(asked.lock().unwrap().len(), 2);
    options.exclude.push("b[".to_owned());
    let bad = run(&options);
    assert!(bad.kept.is_empty(), "what may be excluded is not read");
    assert!(
        bad.problems[0].fatal && bad.problems[0].message.contains("\"b[\" is not a glob"),
        "{:?}",
        bad.problems
    );
}

#[test]
fn each_file_is_read_once() {
    let tree = Tree::new(&["a/b/c.yaml", "a/b/d.yaml", "a/e.yaml", "out/f.yaml"]);
    init_git(&tree);
    tree.write(".gitignore", "out/\n");
    let roots = [
        "a",
        "",
        "a/b",
        "a/b/c.yaml",
        "a/../a/b",
        "out",
        "a/e.yaml",
        "a/b/c.yaml",
    ];
    for shift in 0..roots.len() {
        let mut roots = roots.to_vec();
        roots.rotate_left(shift);
        let outcome = run(&tree.options(&roots));
        let mut kept: Vec<_> = tree
            .kept(&outcome)
            .iter()
            .map(|path| path.replace("a/../", ""))
            .collect();
        kept.sort();
        assert_eq!(
            kept,
            ["a/b/c.yaml", "a/b/d.yaml", "a/e.yaml", "out/f.yaml"],
            "{roots:?}"
        );
        assert_eq!(outcome.counts.files, 4, "{roots:?}");
    }
}

#[test]
fn a_bad_root_does_not_stop_the_others() {
    let tree = Tree::new(&["a.yaml"]);
    let outcome = run(&tree.options(&["missing", "a.yaml"]));
    assert_eq!(tree.kept(&outcome), ["a.yaml"]);
    assert_eq!(
        tree.problems(&outcome),
        ["missing: no such file or folder; check the spelling and the working directory",]
    );
    assert!(
        run(&Options::default()).kept.is_empty(),
        "no roots, nothing to do"
    );
}

#[test]
fn a_panic_costs_one_file() {
    let tree = Tree::new(&["a.yaml", "bad.yaml", "c.yaml", "worse.yaml"]);
    let outcome = walk(
        &tree.options(&[""]),
        &Filter {
            listed: &|_, _| (),
            wanted: &|path, _| {
                assert!(!path.ends_with("worse.yaml"), "cannot even name it");
                Want::Read(())
            },
            keep: &|path, (), _| {
                assert!(!path.ends_with("bad.yaml"), "cannot read {}", "this");
                Kept::This(())
            },
            suspect: &|_, _| false,
        },
    );
    assert_eq!(tree.kept(&outcome), ["a.yaml", "c.yaml"]);
    assert_eq!(
        tree.problems(&outcome),
        [
            "bad.yaml: not analysed because of a bug in regfix; please report it with this message: cannot read this",
            "worse.yaml: not analysed because of a bug in regfix; please report it with this message: cannot even name it",
        ]
    );
    assert!(outcome.problems.iter().all(|problem| problem.fatal));
}

#[test]
fn a_bad_line_in_an_ignore_file_is_told() {
    let tree = Tree::new(&["a.yaml", "b.yaml"]);
    tree.write(".ignore", "{b\nb.yaml\n");
    let outcome = run(&tree.options(&[""]));
    assert_eq!(tree.kept(&outcome), ["a.yaml"]);
    let problems = tree.problems(&outcome);
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].starts_with(".ignore: line 1: ") && problems[0].ends_with("(not fatal)"),
        "{problems:?}"
    );
}

#[test]
fn files_beyond_the_limit_are_looked_through() {
    let tree = Tree::new(&[]);
    let size = regfix::walk::LIMIT as u64;
    let make = |name: &str, length: u64, tail: &[u8]| {
        let mut file = fs::File::create(tree.at(name)).unwrap();
        // A file that starts with NUL bytes is binary.
        std::io::Write::write_all(&mut file, &[b'#'; 8000]).unwrap();
        file.set_len(length).unwrap();
        std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).unwrap();
        std::io::Write::write_all(&mut file, tail).unwrap();
    };
    make("clean.yaml", size + 9, b"");
    make("full.yaml", size, b"");
    make("suspect.yaml", size + 9, b"legacy");
    let outcome = walk(
        &tree.options(&[""]),
        &Filter {
            listed: &|_, _| (),
            wanted: &|_, _| Want::Read(()),
            keep: &|_, (), bytes| Kept::This(bytes.len()),
            suspect: &|_, bytes| bytes.ends_with(b"legacy"),
        },
    );
    assert_eq!(outcome.kept, [(tree.at("full.yaml"), size as usize)]);
    assert_eq!(
        tree.short(outcome.skipped.iter().map(|(path, _)| path.as_path())),
        ["clean.yaml"]
    );
    assert_eq!(
        tree.problems(&outcome),
        [
            "suspect.yaml: larger than 64 MiB: not analysed, although it may contain legacy references; split or exclude it",
        ]
    );
    assert_eq!(outcome.counts.files, 3);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn links_are_followed_as_roots_only() {
        let tree = Tree::new(&["in/a.yaml", "in/dir/b.yaml", "out/c.yaml", "out/d.yaml"]);
        symlink(tree.at("in/a.yaml"), tree.at("in/again.yaml")).unwrap();
        symlink(tree.at("in/dir"), tree.at("in/again")).unwrap();
        symlink(tree.at("out"), tree.at("in/away")).unwrap();
        symlink(tree.at("out/c.yaml"), tree.at("in/c.yaml")).unwrap();
        symlink("..", tree.at("in/dir/loop")).unwrap();
        symlink("nowhere", tree.at("in/broken.yaml")).unwrap();
        let outcome = run(&tree.options(&["in"]));
        assert_eq!(tree.kept(&outcome), ["in/a.yaml", "in/dir/b.yaml"]);
        let skipped = tree.short(outcome.skipped.iter().map(|(path, _)| path.as_path()));
        assert_eq!(
            skipped,
            ["in/again.yaml", "in/broken.yaml", "in/c.yaml"],
            "those with a name that is wanted"
        );
        assert!(outcome.problems.is_empty());
        let named = run(&tree.options(&["in/away", "in/c.yaml", "in/broken.yaml"]));
        assert_eq!(tree.kept(&named), ["in/away/d.yaml", "in/c.yaml"]);
        assert_eq!(
            tree.problems(&named),
            [
                "in/broken.yaml: a symbolic link to nowhere, which does not exist; fix the link or exclude it",
            ]
        );
    }

    #[test]
    fn what_is_no_file_is_never_opened() {
        let tree = Tree::new(&["a.yaml"]);
        let _listener = UnixListener::bind(tree.at("socket.yaml")).unwrap();
        let fifo = std::process::Command::new("mkfifo")
            .arg(tree.at("fifo.yaml"))
            .status();
        assert!(fifo.unwrap().success());
        let outcome = run(&tree.options(&[""]));
        assert_eq!(tree.kept(&outcome), ["a.yaml"]);
        let skipped = tree.short(outcome.skipped.iter().map(|(path, _)| path.as_path()));
        assert_eq!(skipped, ["fifo.yaml", "socket.yaml"]);
        let named = run(&tree.options(&["fifo.yaml"]));
        assert_eq!(
            tree.problems(&named),
            [
                "fifo.yaml: neither a file nor a folder; to check a stream, pass it on standard input",
            ]
        );
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let tree = Tree::new(&["a.yaml", "locked.yaml", "locked/b.yaml"]);
        let lock = |mode| {
            for path in ["locked.yaml", "locked"] {
                fs::set_permissions(tree.at(path), fs::Permissions::from_mode(mode)).unwrap();
            }
        };
        lock(0);
        if fs::read(tree.at("locked.yaml")).is_ok() {
            println!("skipped: this user may read everything");
            return lock(0o700);
        }
        let outcome = run(&tree.options(&[""]));
        let roots = run(&tree.options(&["locked", "locked.yaml", "a.yaml"]));
        lock(0o700);
        let expected = ["locked", "locked.yaml"].map(|path| {
            format!("{path}: cannot be read: Permission denied (os error 13); make it readable, or exclude it")
        });
        for outcome in [outcome, roots] {
            assert_eq!(tree.kept(&outcome), ["a.yaml"]);
            assert_eq!(tree.problems(&outcome), expected);
        }
    }

    /// A file that even root cannot read.
    #[test]
    fn a_failing_read_is_told() {
        let path = PathBuf::from("/proc/self/mem");
        if !path.exists() {
            println!("skipped: no /proc");
            return;
        }
        let outcome = run(&Options {
            roots: vec![path],
            ..Options::default()
        });
        assert!(
            outcome.problems[0]
                .to_string()
                .starts_with("/proc/self/mem: cannot be read: ")
        );
        assert!(outcome.problems[0].fatal);
        assert_eq!(outcome.counts.files, 0);
    }

    /// A file that disappears before it is opened: `wanted` removes it.
    #[test]
    fn a_file_that_vanishes_is_told_but_not_fatal() {
        let tree = Tree::new(&["a.yaml", "b.yaml"]);
        let outcome = walk(
            &tree.options(&[""]),
            &Filter {
                listed: &|_, _| (),
                wanted: &|path, _| {
                    if path.ends_with("b.yaml") {
                        fs::remove_file(path).unwrap();
                    }
                    Want::Read(())
                },
                keep: &|_, (), _| Kept::This(()),
                suspect: &|_, _| false,
            },
        );
        assert_eq!(tree.kept(&outcome), ["a.yaml"]);
        assert_eq!(
            tree.problems(&outcome),
            ["b.yaml: disappeared before it could be read (not fatal)"]
        );
    }

    /// Paths are shown without `./` when the current folder, that of the package, is walked.
    #[test]
    fn paths_are_shown_as_the_root_was_given() {
        let shown = |root: &str, wanted: &str| {
            let outcome = walk(
                &Options {
                    roots: vec![PathBuf::from(root)],
                    ..Options::default()
                },
                &Filter {
                    listed: &|_, _| (),
                    wanted: &|path, _| path.ends_with("walk/roots.rs").then_some(()).into(),
                    keep: &|_, (), _| Kept::This(()),
                    suspect: &|_, _| false,
                },
            );
            let kept: Vec<_> = outcome
                .kept
                .iter()
                .map(|(path, ())| path.to_str().unwrap())
                .collect();
            assert_eq!(kept, [wanted], "{root}");
        };
        shown(".", "src/walk/roots.rs");
        shown("./", "src/walk/roots.rs");
        shown("src", "src/walk/roots.rs");
        shown("./src", "src/walk/roots.rs");
        shown("src/", "src/walk/roots.rs");
        shown("src/../src/walk", "src/../src/walk/roots.rs");
        shown("src/walk/roots.rs", "src/walk/roots.rs");
        let full = std::env::current_dir().unwrap().join("src");
        shown(
            full.to_str().unwrap(),
            full.join("walk/roots.rs").to_str().unwrap(),
        );
    }
}

/// Random trees with random ignore files, compared with the walker of the crate `ignore`, which ripgrep uses.
#[test]
fn what_is_ignored_is_what_ripgrep_ignores() {
    use proptest::strategy::{Strategy, ValueTree};
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

    const FOLDERS: [&str; 7] = [".", "a", "a/b", "a/b/c", "d", "d/a", ".h"];
    const NAMES: [&str; 6] = ["f", "b.yaml", "c.yaml", ".h.yaml", "a b.yaml", "ü.yaml"];
    const LINES: [&str; 23] = [
        "a",
        "a/",
        "/a",
        "b.yaml",
        "*.yaml",
        "!b.yaml",
        "!*.yaml",
        "/a/b",
        "a/b/",
        "**/c.yaml",
        "a/**",
        "!a/b/",
        "/*",
        "!/a",
        "!.h.yaml",
        "!.h/",
        "# a",
        "\\#a",
        "",
        " ",
        "c.*\r",
        "[bc].yaml",
        "f",
    ];
    const FILES: [&str; 3] = [".ignore", ".gitignore", ".git/info/exclude"];

    let lines = proptest::collection::vec(0..LINES.len(), 1..5);
    let file = (0..FOLDERS.len(), 0..FILES.len(), lines);
    let tree = (
        proptest::collection::vec(file, 0..6),
        proptest::collection::vec(0..FOLDERS.len(), 0..3),
    );
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[9; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    for _ in 0..60 {
        let (files, repositories) = tree.new_tree(&mut runner).unwrap().current();
        let tree = Tree::new(&[]);
        for folder in FOLDERS {
            for name in NAMES {
                tree.write(&format!("{folder}/x/{name}"), "legacy");
                tree.write(&format!("{folder}/{name}"), "legacy");
            }
        }
        for at in &repositories {
            fs::create_dir_all(tree.at(FOLDERS[*at]).join(".git/info")).unwrap();
        }
        for (folder, name, lines) in &files {
            let lines: Vec<&str> = lines.iter().map(|line| LINES[*line]).collect();
            let path = format!("{}/{}", FOLDERS[*folder], FILES[*name]);
            if !path.contains(".git/") || repositories.contains(folder) {
                tree.write(&path, &lines.join("\n"));
            }
        }
        for (roots, hidden) in [
            (&[""][..], false),
            (&["a", "d"], false),
            (&["a/b"], true),
            (&["d/a", ""], true),
        ] {
            let mut options = tree.options(roots);
            options.hidden = hidden;
            let outcome = walk(
                &options,
                &Filter {
                    listed: &|_, _| (),
                    wanted: &|_, _| Want::Read(()),
                    keep: &|_, (), _| Kept::This(()),
                    suspect: &|_, _| false,
                },
            );
            let ours: BTreeSet<PathBuf> = outcome.kept.into_iter().map(|(path, ())| path).collect();
            let mut theirs = BTreeSet::new();
            for root in roots {
                let mut builder = ignore::WalkBuilder::new(tree.at(root));
                let entries = builder.hidden(!hidden).git_global(false).build();
                let files = entries
                    .map(Result::unwrap)
                    .filter(|entry| entry.path().is_file());
                theirs.extend(files.map(|entry| entry.path().to_owned()));
            }
            theirs.retain(|path| !path.components().any(|part| part.as_os_str() == ".git"));
            assert_eq!(ours, theirs, "{roots:?} {files:?} {repositories:?}");
        }
    }
}
