//! Runs that are killed or asked to end at each step: no file is torn, no group stays half written, and no temporary file
//! is left behind.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::common::{files, fill, folder, many_at_a_time, regfix, run, signal, stderr, stdout};
use crate::groups::{DEPLOYMENT, OVERLAY};

const STEP: &str = "REGFIX_TEST_STEP";
const JOURNAL: &str = ".regfix-journal";
const KILL: i32 = 9;

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Creates a base and two overlays, which form a group, and an unrelated file.
fn tree() -> tempfile::TempDir {
    folder(&[
        ("base/deployment.yaml", DEPLOYMENT),
        (
            "base/kustomization.yaml",
            "resources:\n  - deployment.yaml\n",
        ),
        ("prod/kustomization.yaml", OVERLAY),
        ("test/kustomization.yaml", OVERLAY),
        ("other/pod.yaml", DEPLOYMENT),
    ])
}

fn write(folder: &Path) -> Command {
    let mut command = regfix(folder);
    command.args(["--write", "--jobs", "1", "."]);
    command
}

/// Returns the tree after an undisturbed run, and the number of steps of that run.
fn fixed() -> (Files, usize) {
    let folder = tree();
    let steps = steps(folder.path());
    (files(folder.path()), steps)
}

/// Counts the steps of a complete run.
fn steps(folder: &Path) -> usize {
    let other = tempfile::tempdir().unwrap();
    let count = other.path().join("count");
    let output = write(folder)
        .env(STEP, format!("count {}", count.display()))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    fs::read_to_string(count).map_or(0, |count| count.parse().unwrap())
}

/// Kills a run before this step.
fn killed_at(step: &str, folder: &Path) {
    let killed = write(folder).env(STEP, format!("kill {step}")).output();
    assert_eq!(killed.unwrap().status.signal(), Some(KILL), "step {step}");
}

/// Whether the binary has steps at which it can be stopped: only a build with debug assertions has.
#[allow(clippy::print_stdout, reason = "what is skipped is said")]
fn has_steps(steps: usize) -> bool {
    if steps == 0 {
        println!("skipped: the binary was built without debug assertions");
    }
    steps > 0
}

/// Returns all files and folders that are not part of the tree.
fn leftovers(folder: &Path, known: &Files) -> Vec<PathBuf> {
    let mut left: Vec<PathBuf> = files(folder).into_keys().collect();
    left.retain(|path| !known.contains_key(path));
    for above in ["", "base", "prod", "test", "other"] {
        let journal = Path::new(above).join(JOURNAL);
        left.extend(folder.join(&journal).exists().then_some(journal));
    }
    left
}

/// Returns how many files of the group are new, and how many files the fixes change.
fn moved(folder: &Path, before: &Files, after: &Files) -> (usize, usize) {
    let now = files(folder);
    let group = after
        .keys()
        .filter(|path| !path.starts_with("other") && before[*path] != after[*path]);
    let (mut new, mut all) = (0, 0);
    for path in group {
        all += 1;
        let is_new = now[path] == after[path];
        assert!(
            is_new || now[path] == before[path],
            "{} is torn",
            path.display()
        );
        new += usize::from(is_new);
    }
    (new, all)
}

/// Asserts that a check after a killed run does not pass a half-written tree, and that the next `--write` completes it.
fn recovers(folder: &Path, before: &Files, after: &Files, step: &str) {
    let (new, all) = moved(folder, before, after);
    let check = run(folder, &["."]);
    let said = format!("{step}: {}{}", stdout(&check), stderr(&check));
    match new > 0 && new < all {
        true => {
            assert_eq!(check.status.code(), Some(2), "{said}");
            assert!(said.contains("run regfix --write to finish"), "{said}");
        }
        false => assert_ne!(check.status.code(), Some(2), "{said}"),
    }
    assert_eq!(
        moved(folder, before, after).0,
        new,
        "a check changes nothing"
    );
    let again = write(folder).output().unwrap();
    let said = format!("{step}: {}{}", stdout(&again), stderr(&again));
    assert_eq!(again.status.code(), Some(0), "{said}");
    assert_eq!(leftovers(folder, after), Vec::<PathBuf>::new(), "{said}");
    assert_eq!(files(folder), *after, "{said}");
    assert_eq!(run(folder, &["."]).status.code(), Some(0));
}

#[test]
fn a_kill_at_any_step_is_made_good_by_the_next_run() {
    let (after, steps) = fixed();
    if !has_steps(steps) {
        return;
    }
    assert!(steps > 30, "{steps}");
    let is_half = |step: usize| {
        let folder = tree();
        let before = files(folder.path());
        killed_at(&step.to_string(), folder.path());
        let (new, all) = moved(folder.path(), &before, &after);
        recovers(folder.path(), &before, &after, &format!("step {step}"));
        new > 0 && new < all
    };
    let halves = many_at_a_time(|| {
        (1..=steps)
            .into_par_iter()
            .filter(|step| is_half(*step))
            .count()
    });
    assert_eq!(halves, 2, "after each rename but the last");
}

#[test]
fn a_kill_of_the_run_that_repairs_is_made_good_too() {
    let (after, all) = fixed();
    if !has_steps(all) {
        return;
    }
    let half = || {
        let folder = tree();
        let before = files(folder.path());
        killed_at("renamed", folder.path());
        (folder, before)
    };
    let steps = steps(half().0.path());
    assert!(steps > 10, "{steps}");
    let is_made_good = |step: usize| {
        let (folder, before) = half();
        killed_at(&step.to_string(), folder.path());
        let step = format!("step {step} of the repair");
        recovers(folder.path(), &before, &after, &step);
    };
    many_at_a_time(|| (1..=steps).into_par_iter().for_each(is_made_good));
}

#[test]
fn kills_at_random_are_made_good() {
    let (after, _) = fixed();
    // The same pseudo-random delays in each run of the tests; the steps that they hit depend on the machine.
    let mut number: u64 = 7;
    for _ in 0..12 {
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let folder = tree();
        let before = files(folder.path());
        let mut command = write(folder.path());
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(number >> 49));
        child.kill().unwrap();
        child.wait().unwrap();
        recovers(folder.path(), &before, &after, "at random");
    }
}

/// A run that is held at a step until the mark is removed.
struct Held {
    child: Child,
    mark: PathBuf,
    _folder: tempfile::TempDir,
}

impl Held {
    fn at(step: &str, mut command: Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("held");
        let child = command
            .env(STEP, format!("hold {step} {}", mark.display()))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let held = Self {
            child,
            mark,
            _folder: folder,
        };
        held.wait_for(|held| held.mark.exists());
        held
    }

    fn wait_for(&self, done: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !done(self) {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "it never comes to that"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Whether the process has no pending signals.
    fn has_seen_signals(&self) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let pending = status
            .lines()
            .filter(|line| line.starts_with("ShdPnd:") || line.starts_with("SigPnd:"));
        pending
            .into_iter()
            .all(|line| line.ends_with("0000000000000000"))
    }

    fn go_on(self) -> Output {
        fs::remove_file(&self.mark).unwrap();
        self.child.wait_with_output().unwrap()
    }
}

#[test]
fn a_signal_waits_for_the_group_in_hand_and_no_other_begins() {
    let (after, steps) = fixed();
    if !has_steps(steps) {
        return;
    }
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        for step in ["staged", "journal-synced", "renamed"] {
            let folder = tree();
            let before = files(folder.path());
            let held = Held::at(step, write(folder.path()));
            held.signal(name);
            held.wait_for(Held::has_seen_signals);
            // A second signal does not end it sooner.
            held.signal(name);
            held.wait_for(Held::has_seen_signals);
            let output = held.go_on();
            let said = format!("{name} at {step}: {}", stderr(&output));
            assert_eq!(output.status.signal(), Some(number), "{said}");
            let (new, all) = moved(folder.path(), &before, &after);
            assert_eq!(new, all, "{said}");
            assert_eq!(
                leftovers(folder.path(), &before),
                Vec::<PathBuf>::new(),
                "{said}"
            );
            // A single thread writes groups first, so the unrelated file was not started.
            let other = Path::new("other/pod.yaml");
            assert_eq!(files(folder.path())[other], before[other], "{said}");
        }
    }
}

#[test]
fn a_signal_waits_for_all_groups_in_hand() {
    let (after, steps) = fixed();
    if !has_steps(steps) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let many = files(tree().path());
    for name in ["a", "b", "c", "d", "e", "f"] {
        fill(&folder.path().join(name), &many);
    }
    let mut command = regfix(folder.path());
    command.args(["--write", "."]);
    let held = Held::at("renamed", command);
    held.signal("TERM");
    held.wait_for(Held::has_seen_signals);
    let output = held.go_on();
    assert_eq!(output.status.signal(), Some(15), "{}", stderr(&output));
    for name in ["a", "b", "c", "d", "e", "f"] {
        let part = folder.path().join(name);
        let (new, all) = moved(&part, &many, &after);
        assert!(new == 0 || new == all, "{name}: {new} of {all}");
        assert_eq!(leftovers(&part, &many), Vec::<PathBuf>::new());
    }
}

#[test]
fn a_signal_leaves_nothing_of_a_single_file_or_a_report() {
    let (_, steps) = fixed();
    if !has_steps(steps) {
        return;
    }
    let folder = folder(&[("pod.yaml", DEPLOYMENT)]);
    let before = files(folder.path());
    let mut command = regfix(folder.path());
    command.args(["--write", "--output", "sarif=report.sarif", "."]);
    let held = Held::at("staged", command);
    assert_eq!(
        files(folder.path()).len(),
        3,
        "the file, its new text and the report on its way"
    );
    held.signal("INT");
    held.wait_for(Held::has_seen_signals);
    let output = held.go_on();
    assert_eq!(output.status.signal(), Some(2));
    let after = files(folder.path());
    assert_eq!(after.len(), 1, "{:?}", after.keys());
    assert_ne!(after, before);
}

#[test]
fn what_was_to_be_ignored_stays_ignored() {
    let (after, steps) = fixed();
    if !has_steps(steps) {
        return;
    }
    let folder = tree();
    let program = env!("CARGO_BIN_EXE_regfix");
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' HUP; exec \"$0\" --write ."])
        .arg(program)
        .current_dir(folder.path());
    let held = Held::at("renamed", command);
    held.signal("HUP");
    let output = held.go_on();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(files(folder.path()), after);
}

/// Returns a tree in which a run was killed after its first rename.
fn half() -> Option<(tempfile::TempDir, Files, Files)> {
    let (after, steps) = fixed();
    if !has_steps(steps) {
        return None;
    }
    let folder = tree();
    let before = files(folder.path());
    let killed = write(folder.path())
        .env(STEP, "kill renamed")
        .output()
        .unwrap();
    assert_eq!(killed.status.signal(), Some(KILL));
    Some((folder, before, after))
}

/// Asserts that `--write` refuses to follow the journal of a tree, and returns the output.
#[track_caller]
fn refuses(folder: &Path) -> String {
    let before = files(folder);
    let output = write(folder).output().unwrap();
    let said = format!("{}{}", stdout(&output), stderr(&output));
    assert_eq!(output.status.code(), Some(2), "{said}");
    let mut after = files(folder);
    after.remove(Path::new("other/pod.yaml"));
    let mut expected = before;
    expected.remove(Path::new("other/pod.yaml"));
    assert_eq!(after, expected, "{said}");
    said
}

#[test]
fn git_does_not_see_what_a_killed_run_left() {
    let Some((folder, ..)) = half() else { return };
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(folder.path()).args(arguments);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    git(&["init", "-q"]);
    git(&["add", "-A"]);
    let staged = git(&["ls-files"]);
    assert!(!staged.contains(".regfix"), "{staged}");
}

#[test]
fn a_part_of_the_tree_sees_the_journal_and_does_not_reach_beyond_it() {
    let Some((folder, before, after)) = half() else {
        return;
    };
    let named = folder.path().join("prod/kustomization.yaml");
    for root in ["prod", named.to_str().unwrap()] {
        let check = run(folder.path(), &[root]);
        assert_eq!(check.status.code(), Some(2), "{root}: {}", stdout(&check));
    }
    // The unfinished files are spread over the whole tree, so a part of it can neither be finished nor reverted.
    let output = run(folder.path(), &["--write", "prod"]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("outside of the given paths"), "{said}");
    recovers(folder.path(), &before, &after, "after a part");
}

#[test]
fn a_file_that_was_changed_since_is_nobody_elses_to_move() {
    let Some((folder, _, after)) = half() else {
        return;
    };
    let theirs = folder.path().join("test/kustomization.yaml");
    let text = format!("{OVERLAY}# mine\n");
    fs::write(&theirs, &text).unwrap();
    let said = refuses(folder.path());
    assert!(
        said.contains("test/kustomization.yaml was changed since"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(&theirs).unwrap(), text);
    // As the message says: once the files are correct, the folders can be removed.
    fill(folder.path(), &after);
    for above in ["base", "prod", "test"] {
        fs::remove_dir_all(folder.path().join(above).join(JOURNAL)).unwrap();
    }
    assert_eq!(
        write(folder.path()).output().unwrap().status.code(),
        Some(0)
    );
    assert_eq!(files(folder.path()), after);
}

#[test]
fn a_tree_that_was_put_back_is_as_good_as_new() {
    let Some((folder, before, after)) = half() else {
        return;
    };
    fill(folder.path(), &before);
    let check = run(folder.path(), &["."]);
    assert_eq!(check.status.code(), Some(1), "{}", stderr(&check));
    recovers(folder.path(), &before, &after, "put back");
}

#[test]
fn a_lost_text_has_the_others_taken_back() {
    let Some((folder, before, after)) = half() else {
        return;
    };
    let waiting: Vec<PathBuf> = files(folder.path())
        .into_keys()
        .filter(|path| path.extension().is_some_and(|end| end == "new"))
        .collect();
    assert_eq!(waiting.len(), 2);
    fs::remove_file(folder.path().join(&waiting[0])).unwrap();
    fs::write(
        folder.path().join(&waiting[1]),
        "image: evil.example.com/x\n",
    )
    .unwrap();
    recovers(folder.path(), &before, &after, "taken back");
}

/// A journal that came with a repository, an archive or a copy is not followed, whatever it contains.
#[test]
fn a_journal_from_elsewhere_is_reported_and_never_followed() {
    let Some((half, ..)) = half() else { return };
    let copy = tempfile::tempdir().unwrap();
    fill(copy.path(), &files(half.path()));
    let said = refuses(copy.path());
    assert!(
        said.contains("in another location or by another user"),
        "{said}"
    );
    let check = run(copy.path(), &["."]);
    assert_eq!(check.status.code(), Some(2), "{}", stderr(&check));
    // A tree that was moved as a whole is still the same tree.
    let place = tempfile::tempdir().unwrap();
    let moved = place.path().join("moved");
    fs::rename(half.path(), &moved).unwrap();
    assert_eq!(write(&moved).output().unwrap().status.code(), Some(0));
    assert_eq!(files(&moved), fixed().0);
}

/// A journal of our own; links have replaced the files that it names.
#[test]
fn a_journal_leads_nowhere_but_to_its_own_texts() {
    let Some((folder, _, after)) = half() else {
        return;
    };
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x.yaml"), OVERLAY).unwrap();
    // A file of the group is now a link to a file with exactly the text that the journal expects.
    let path = folder.path().join("test/kustomization.yaml");
    fs::remove_file(&path).unwrap();
    symlink(outside.path().join("x.yaml"), &path).unwrap();
    refuses(folder.path());
    assert_eq!(
        fs::read_to_string(outside.path().join("x.yaml")).unwrap(),
        OVERLAY
    );
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    // Then its folder is a link.
    fs::remove_file(&path).unwrap();
    fs::write(&path, OVERLAY).unwrap();
    fs::rename(folder.path().join("test"), outside.path().join("test")).unwrap();
    symlink(outside.path().join("test"), folder.path().join("test")).unwrap();
    let theirs = files(outside.path());
    let output = write(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert_eq!(files(outside.path()), theirs);
    fs::remove_file(folder.path().join("test")).unwrap();
    fs::rename(outside.path().join("test"), folder.path().join("test")).unwrap();
    assert_eq!(
        write(folder.path()).output().unwrap().status.code(),
        Some(0)
    );
    assert_eq!(files(folder.path()), after);
}

#[test]
fn what_only_looks_like_a_journal_is_left_alone() {
    for (path, text) in [
        (".regfix-journal/notes", "mine"),
        (".regfix-journal/journal", "{}"),
        (".regfix-journal", "mine"),
        (".regfix-notes", "mine"),
    ] {
        let folder = tree();
        fs::create_dir_all(folder.path().join("base").join(path).parent().unwrap()).unwrap();
        fs::write(folder.path().join("base").join(path), text).unwrap();
        write(folder.path()).output().unwrap();
        let kept = fs::read_to_string(folder.path().join("base").join(path));
        assert_eq!(kept.unwrap(), text);
    }
}

/// A folder that becomes a link just before regfix writes into it.
#[test]
fn a_folder_swapped_during_the_run_is_not_followed() {
    let (_, steps) = fixed();
    if !has_steps(steps) {
        return;
    }
    for step in ["resolved", "checked", "staged", "confirmed"] {
        let folder = folder(&[("dir/pod.yaml", DEPLOYMENT)]);
        let outside = super::common::folder(&[("pod.yaml", DEPLOYMENT)]);
        let theirs = files(outside.path());
        let held = Held::at(step, write(folder.path()));
        fs::rename(folder.path().join("dir"), folder.path().join("moved")).unwrap();
        symlink(outside.path(), folder.path().join("dir")).unwrap();
        held.go_on();
        assert_eq!(files(outside.path()), theirs, "{step}");
    }
}

/// A run that stalls for so long that a second run takes its journal for one of a killed run, and a third run starts.
#[test]
fn a_journal_that_is_another_runs_by_now_is_left_alone() {
    let (_, steps) = fixed();
    if !has_steps(steps) {
        return;
    }
    let folder = tree();
    let held = Held::at("folder-made", write(folder.path()));
    let journal = folder.path().join("base").join(JOURNAL);
    fs::remove_dir(&journal).unwrap();
    let theirs = [".gitignore", "lock", "journal", "0.new"];
    fill(
        &journal,
        &theirs
            .map(|name| (PathBuf::from(name), b"theirs".to_vec()))
            .into(),
    );
    let output = held.go_on();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    for name in theirs {
        assert!(journal.join(name).exists(), "{name} is gone");
    }
}

#[test]
fn names_of_one_file_are_fixed_as_one() {
    let one = folder(&[("a.yaml", DEPLOYMENT)]);
    let alone = run(one.path(), &["--write", "."]);
    assert_eq!(alone.status.code(), Some(0));
    let text = fs::read(one.path().join("a.yaml")).unwrap();
    // Side by side, and with one of them in a group.
    for (first, second, count) in [
        ("a.yaml", "b.yaml", 4),
        ("base/deployment.yaml", "other/copy.yaml", 3),
    ] {
        let folder = tree();
        let (first, second) = (folder.path().join(first), folder.path().join(second));
        if !first.exists() {
            fs::write(&first, DEPLOYMENT).unwrap();
        }
        fs::hard_link(&first, &second).unwrap();
        let diff = run(folder.path(), &["--diff", "."]);
        assert_eq!(
            stdout(&diff).matches("registry.k8s.io/pause:3.9").count(),
            count
        );
        let output = run(folder.path(), &["--write", "."]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(fs::read(&first).unwrap(), text);
        let (one, two) = (
            fs::metadata(&first).unwrap(),
            fs::metadata(&second).unwrap(),
        );
        assert_eq!((one.ino(), one.nlink()), (two.ino(), 2));
        assert_eq!(run(folder.path(), &["."]).status.code(), Some(0));
    }
}

#[test]
fn a_name_outside_keeps_the_old_text_and_that_is_said() {
    let folder = folder(&[("in/a.yaml", DEPLOYMENT)]);
    let (inside, other) = (
        folder.path().join("in/a.yaml"),
        folder.path().join("b.yaml"),
    );
    fs::hard_link(&inside, &other).unwrap();
    let output = run(folder.path(), &["--write", "in"]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("it has 1 more name (hard links)"), "{said}");
    assert!(
        fs::read_to_string(inside)
            .unwrap()
            .contains("registry.k8s.io")
    );
    assert_eq!(fs::read_to_string(other).unwrap(), DEPLOYMENT);
}
