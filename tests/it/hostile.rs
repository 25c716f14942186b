//! Repositories that try to run a program on the machine that checks them, or to reach the network. Each is shown to work
//! on `git` first, if the installed version is vulnerable, and must have no effect on regfix.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{LEGACY, regfix, run, stderr, stdout};
use crate::repository::{Repository, git, scrubbed};
use crate::since::OTHER;

/// A file that appears if the program of the repository runs.
struct Canary {
    folder: tempfile::TempDir,
}

impl Canary {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("canary")
    }

    /// Returns a program that creates the file, and passes its input through like a filter.
    fn filter(&self) -> String {
        self.program("filter", "exec cat")
    }

    /// Returns a program that creates the file, and fails.
    fn failing(&self) -> String {
        self.program("failing", "exit 1")
    }

    fn program(&self, name: &str, last: &str) -> String {
        let program = self.folder.path().join(name);
        let text = format!("#!/bin/sh\n: >'{}'\n{last}\n", self.path().display());
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        program.to_str().unwrap().to_owned()
    }

    fn is_there(&self) -> bool {
        self.path().exists()
    }

    fn take_away(&self) {
        let _ = fs::remove_file(self.path());
    }
}

/// Runs everything that reads from git, in a folder. Asserts that no run creates the canary, and returns the outputs.
fn looks(folder: &Path, canary: &Canary, what: &str) -> Vec<String> {
    let runs: [&[&str]; 7] = [
        &["--since", "HEAD"],
        &["--staged"],
        &["--since", "HEAD", "--diff"],
        &[],
        &["images"],
        &["--files"],
        &["--git-dir", "."],
    ];
    let outputs = runs.map(|arguments| {
        let output = run(folder, arguments);
        assert!(
            !canary.is_there(),
            "{what}: {arguments:?} has run a program"
        );
        stdout(&output) + &stderr(&output)
    });
    outputs.into()
}

/// Runs git in the same folder. Returns whether it runs the program.
fn git_falls_for_it(folder: &Path, canary: &Canary, commands: &[&[&str]]) -> bool {
    for arguments in commands {
        let mut command = Command::new("git");
        scrubbed(&mut command)
            .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
            .args(*arguments)
            .current_dir(folder);
        let _ = command.output();
    }
    let fell = canary.is_there();
    canary.take_away();
    fell
}

fn repository() -> Repository {
    let repository = Repository::new(&[("a.yaml", LEGACY), ("sub/b.yaml", LEGACY)]);
    repository.put("a.yaml", OTHER);
    repository.put("sub/b.yaml", OTHER);
    repository.git(&["add", "a.yaml"]);
    repository.put("a.yaml", &format!("{OTHER}# again\n"));
    repository
}

/// Settings in `.git/config` that name a program, and the git commands that run it.
#[test]
fn settings_of_a_repository_run_nothing() {
    let canary = Canary::new();
    let program = canary.filter();
    let shell = format!("!{program}");
    type Case<'c> = (&'c str, &'c [(&'c str, &'c str)], &'c [&'c [&'c str]]);
    let cases: [Case<'_>; 8] = [
        (
            "a filter that cleans",
            &[("filter.x.clean", &program)],
            &[&["diff"]],
        ),
        (
            "a filter that is a process",
            &[
                ("filter.x.process", &program),
                ("filter.x.required", "true"),
            ],
            &[&["diff"]],
        ),
        (
            "a filter that smudges",
            &[("filter.x.smudge", &program)],
            &[&["checkout", "HEAD", "--", "sub/b.yaml"]],
        ),
        (
            "a monitor of the file system",
            &[("core.fsmonitor", &program)],
            &[&["status"]],
        ),
        (
            "a program that shows differences",
            &[("diff.external", &program)],
            &[&["diff"]],
        ),
        (
            "a program that makes text",
            &[("diff.x.textconv", &program), ("diff.x.command", &program)],
            &[&["diff"]],
        ),
        (
            "an alias",
            &[("alias.st", &shell), ("alias.diff", &shell)],
            &[&["st"]],
        ),
        (
            "a pager and an editor",
            &[("core.pager", &program), ("core.editor", &program)],
            &[&["commit", "--allow-empty"]],
        ),
    ];
    for (what, settings, commands) in cases {
        let repository = repository();
        repository.put(".gitattributes", "*.yaml filter=x diff=x\n");
        for (name, value) in settings {
            repository.git(&["config", name, value]);
        }
        let fell = git_falls_for_it(repository.path(), &canary, commands);
        assert!(
            fell,
            "{what}: git runs nothing, and so the test shows nothing"
        );
        let reported = looks(repository.path(), &canary, what);
        assert!(reported[0].contains("a.yaml:2:8"), "{what}: {reported:?}");
        looks(&repository.path().join("sub"), &canary, what);
    }
}

/// The same with settings that are included, also by a condition, and with hooks in a folder of the work tree.
#[test]
fn included_settings_and_hooks_run_nothing() {
    let canary = Canary::new();
    let program = canary.filter();
    let repository = repository();
    repository.put(".gitattributes", "*.yaml filter=x\n");
    repository.put(
        "settings",
        &format!("[filter \"x\"]\n\tclean = {program}\n"),
    );
    let path = repository.path().join("settings");
    let path = path.to_str().unwrap();
    for key in ["include.path", "includeIf.gitdir:**.path"] {
        repository.git(&["config", "--replace-all", key, path]);
        let fell = git_falls_for_it(repository.path(), &canary, &[&["diff"]]);
        assert!(fell, "{key}: git runs nothing");
        looks(repository.path(), &canary, key);
        repository.git(&["config", "--unset-all", key]);
    }
    let hooks = [
        "post-index-change",
        "reference-transaction",
        "pre-commit",
        "post-checkout",
    ];
    for hook in hooks {
        let path = repository.path().join("hooks").join(hook);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(&program, path).unwrap();
    }
    repository.git(&["config", "core.hooksPath", "hooks"]);
    let fell = git_falls_for_it(
        repository.path(),
        &canary,
        &[
            &["update-index", "--refresh"],
            &["commit", "-q", "--allow-empty", "-m", "."],
        ],
    );
    assert!(fell, "hooks: git runs nothing");
    looks(repository.path(), &canary, "hooks");
}

/// Anybody can commit a folder that looks like a bare repository; git, run in it, uses its settings.
#[test]
fn a_committed_folder_that_is_shaped_like_a_repository_is_a_folder() {
    let canary = Canary::new();
    let program = canary.filter();
    let config = format!(
        "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = .\n\tfsmonitor = {program}\n\
         [filter \"x\"]\n\tclean = {program}\n"
    );
    let made = Repository::new(&[
        ("a.yaml", LEGACY),
        ("sub/HEAD", "ref: refs/heads/main\n"),
        ("sub/config", &config),
        ("sub/objects/keep", ""),
        ("sub/refs/keep", ""),
        ("sub/.gitattributes", "*.yaml filter=x\n"),
        ("sub/b.yaml", LEGACY),
    ]);
    // A plain clone brings it along.
    let beside = tempfile::tempdir().unwrap();
    git(
        beside.path(),
        &["clone", "-q", made.path().to_str().unwrap(), "clone"],
    );
    let clone = beside.path().join("clone");
    fs::write(clone.join("sub/b.yaml"), OTHER).unwrap();
    let sub = clone.join("sub");
    let fell = git_falls_for_it(&sub, &canary, &[&["status"], &["add", "b.yaml"]]);
    let _ = fs::remove_file(sub.join("index"));
    if !fell {
        // `safe.bareRepository` may be set to `explicit`.
        println!("not shown: this git does not look into such a folder");
    }
    let reported = looks(&sub, &canary, "an embedded repository");
    // The repository around it counts.
    assert!(reported[0].contains("b.yaml:2:8"), "{}", reported[0]);
    let reported = looks(&clone, &canary, "around an embedded repository");
    assert!(reported[0].contains("sub/b.yaml:2:8"), "{}", reported[0]);
}

#[test]
fn a_submodule_is_not_entered() {
    let canary = Canary::new();
    let program = canary.filter();
    let inner = Repository::new(&[("c.yaml", LEGACY)]);
    let outer = Repository::new(&[("a.yaml", LEGACY)]);
    let url = inner.path().to_str().unwrap();
    outer.git(&["submodule", "--quiet", "add", url, "inner"]);
    outer.commit();
    let module = outer.path().join("inner");
    git(&module, &["config", "core.fsmonitor", &program]);
    git(&module, &["config", "filter.x.clean", &program]);
    outer.put("inner/.gitattributes", "*.yaml filter=x\n");
    outer.put("inner/c.yaml", OTHER);
    canary.take_away();
    assert!(git_falls_for_it(outer.path(), &canary, &[&["diff"]]));
    looks(outer.path(), &canary, "a submodule");
    looks(&module, &canary, "in a submodule");
}

/// A partial clone fetches missing objects on demand: over the network, by programs that its settings name.
#[test]
fn a_partial_clone_fetches_nothing() {
    let canary = Canary::new();
    let program = canary.failing();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let origin = Repository::new(&[
        ("base/kustomization.yaml", "resources: [a.yaml]\n"),
        ("base/a.yaml", LEGACY),
    ]);
    origin.put("base/kustomization.yaml", "resources: [a.yaml, b.yaml]\n");
    origin.put("base/b.yaml", LEGACY);
    origin.commit();
    origin.git(&["config", "uploadpack.allowFilter", "true"]);
    let beside = tempfile::tempdir().unwrap();
    let url = format!("file://{}", origin.path().display());
    git(
        beside.path(),
        &["clone", "-q", "--filter=blob:none", &url, "clone"],
    );
    let clone = beside.path().join("clone");
    let before = stdout(&git(&clone, &["count-objects", "-v"]));
    let remotes = [
        ("remote.origin.uploadpack", program.clone()),
        ("core.sshCommand", program.clone()),
        ("credential.helper", format!("!{program}")),
        ("remote.origin.url", format!("http://{address}/x.git")),
        (
            "remote.origin.url",
            "ssh://example.invalid/x.git".to_owned(),
        ),
    ];
    for (name, value) in remotes {
        git(&clone, &["config", name, &value]);
        let output = run(&clone, &["--since", "HEAD~1"]);
        assert!(!canary.is_there(), "{name}: has run a program");
        assert_eq!(output.status.code(), Some(2));
        let said = stderr(&output);
        assert!(
            said.contains("is not in this clone, and regfix fetches nothing"),
            "{said}"
        );
        // Files that are here are checked, although other objects are missing.
        let reported = looks(&clone, &canary, name);
        assert!(reported[3].contains("base/a.yaml"), "{reported:?}");
    }
    assert!(listener.accept().is_err(), "somebody has connected");
    assert_eq!(stdout(&git(&clone, &["count-objects", "-v"])), before);
    // Git itself runs the program.
    git(&clone, &["config", "remote.origin.url", &url]);
    let fell = git_falls_for_it(
        &clone,
        &canary,
        &[&["cat-file", "-p", "HEAD~1:base/kustomization.yaml"]],
    );
    assert!(fell, "git runs nothing");
}

/// regfix starts no program called `git` or the like, wherever it is.
#[test]
fn no_program_is_started() {
    let canary = Canary::new();
    let folder = tempfile::tempdir().unwrap();
    for name in ["git", "sh", "ssh", "git-upload-pack", "git-lfs"] {
        fs::copy(canary.filter(), folder.path().join(name)).unwrap();
    }
    let repository = repository();
    for arguments in [
        &["--since", "HEAD"][..],
        &["--staged"],
        &["--git-dir", "."],
        &[],
        &["--write"],
    ] {
        let mut command = regfix(repository.path());
        let output = command.env("PATH", folder.path()).args(arguments).output();
        let output = output.unwrap();
        assert!(output.status.code() < Some(2), "{}", stderr(&output));
        assert!(!canary.is_there(), "{arguments:?}");
    }
}

/// A trace of the system calls shows no other program and no socket.
#[test]
fn the_system_sees_neither_a_program_nor_a_connection() {
    let trace = tempfile::NamedTempFile::new().unwrap();
    let repository = repository();
    for arguments in [
        &["--since", "HEAD"][..],
        &["--staged"],
        &["--git-dir", "."],
        &["--write"],
    ] {
        let mut command = Command::new("strace");
        scrubbed(&mut command)
            .args([
                "-f",
                "-e",
                "trace=execve,execveat,fork,vfork,socket,connect",
                "-o",
            ])
            .arg(trace.path())
            .arg(env!("CARGO_BIN_EXE_regfix"))
            .args(arguments)
            .current_dir(repository.path());
        let Ok(output) = command.output() else {
            println!("skipped: strace is not installed");
            return;
        };
        let seen = fs::read_to_string(trace.path()).unwrap();
        if !seen.contains("execve(") {
            println!("skipped: strace may not trace here: {}", stderr(&output));
            return;
        }
        // Only regfix itself is started.
        assert_eq!(calls(&seen), ["execve"], "{arguments:?}: {seen}");
    }
}

/// Returns the names of the system calls in a trace, one per line of the trace. Skips resumed calls and signals.
fn calls(trace: &str) -> Vec<&str> {
    let of_line = |line| {
        let line: &str = line;
        let line = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
        let (name, _) = line.split_once('(')?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        (!name.is_empty() && name.bytes().all(is_name)).then_some(name)
    };
    trace.lines().filter_map(of_line).collect()
}

#[test]
fn an_interrupted_call_is_one_call() {
    let trace = r#"17 execve("regfix", ["regfix", "--since"], 0x7ffe /* 30 vars */ <unfinished ...>
18 +++ exited with 0 +++
17 <... execve resumed>) = 0
17 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED} ---
17 <... connect resumed>) = -1 EINTR (Interrupted system call)
19 vfork( <unfinished ...>
socket(AF_INET, SOCK_STREAM, 0) = 3
"#;
    assert_eq!(calls(trace), ["execve", "vfork", "socket"]);
}

/// Trees that contain themselves many times name more files than fit in memory.
#[test]
fn a_tree_that_repeats_itself_is_given_up() {
    let repository = Repository::new(&[("a.yaml", LEGACY)]);
    let object = |arguments: &[&str], input: &str| -> String {
        let file = repository.path().join("input");
        fs::write(&file, input).unwrap();
        let mut command = Command::new("git");
        scrubbed(&mut command)
            .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
            .args(arguments)
            .current_dir(repository.path())
            .stdin(fs::File::open(&file).unwrap());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output).trim().to_owned()
    };
    let mut id = object(&["hash-object", "-w", "--stdin"], LEGACY);
    let mut kind = "100644 blob";
    for _ in 0..4 {
        let rows: String = (0..1000)
            .map(|at| format!("{kind} {id}\tf{at:03}\n"))
            .collect();
        id = object(&["mktree"], &rows);
        kind = "040000 tree";
    }
    let bomb = object(&["commit-tree", &id, "-m", "."], "");
    for arguments in [&["--since", &bomb][..], &["--git-dir", ".", "--rev", &bomb]] {
        let output = run(repository.path(), arguments);
        assert_eq!(output.status.code(), Some(2));
        let said = stderr(&output);
        assert!(said.contains("which is too many"), "{arguments:?}: {said}");
    }
}
