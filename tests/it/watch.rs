//! `--watch`: a report after each change, until the user stops it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::common::{folder, regfix, run, signal, stderr};

const POD: &str = "image: k8s.gcr.io/pause:3.9\n";

/// The time limit for a report, even on a busy machine.
const LONG: Duration = Duration::from_secs(60);

struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(folder: &std::path::Path, arguments: &[&str]) -> Self {
        let mut command = regfix(folder);
        command
            .args(["--watch", "--format", "concise"])
            .args(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        let [out, err]: [Box<dyn BufRead + Send>; 2] = [
            Box::new(BufReader::new(child.stdout.take().unwrap())),
            Box::new(BufReader::new(child.stderr.take().unwrap())),
        ];
        for stream in [out, err] {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in stream.lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        Self { child, lines }
    }

    /// Returns the lines of a report from both streams, in any order.
    fn report(&self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.lines.recv_timeout(LONG).expect("a report comes");
            let is_last = line.contains("waiting for changes");
            lines.push(line);
            if is_last {
                // The rest of the other stream may still arrive.
                while let Ok(line) = self.lines.recv_timeout(Duration::from_millis(300)) {
                    lines.push(line);
                }
                return lines;
            }
        }
    }

    fn found(&self) -> usize {
        let report = self.report();
        report
            .iter()
            .filter(|line| line.contains(": warning k8s-gcr-io "))
            .count()
    }

    fn end(mut self) -> Option<i32> {
        signal(self.child.id(), "INT");
        self.child.wait().unwrap().code()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn each_change_is_reported_and_the_last_one_is_the_exit_code() {
    let folder = folder(&[("a.yaml", POD), ("below/b.yaml", "image: nginx\n")]);
    let watching = Watching::start(folder.path(), &[]);
    assert_eq!(watching.found(), 1);
    fs::write(folder.path().join("below/b.yaml"), POD).unwrap();
    assert_eq!(watching.found(), 2);
    fs::create_dir(folder.path().join("new")).unwrap();
    fs::write(folder.path().join("new/c.yaml"), POD).unwrap();
    assert_eq!(watching.found(), 3);
    fs::write(
        folder.path().join(".regfix.yaml"),
        "exclude: [new/, below/]\n",
    )
    .unwrap();
    assert_eq!(watching.found(), 1);
    fs::remove_file(folder.path().join("a.yaml")).unwrap();
    assert_eq!(watching.found(), 0);
    assert_eq!(watching.end(), Some(0));
}

#[test]
fn folders_come_and_go_with_what_is_in_them() {
    let folder = folder(&[("tree/a.yaml", POD), ("chart-1.2/b.yaml", POD)]);
    let [inside, outside] = ["tree/chart-1.2", "chart-1.2"].map(|name| folder.path().join(name));
    let watching = Watching::start(&folder.path().join("tree"), &[]);
    assert_eq!(watching.found(), 1);
    fs::rename(&outside, &inside).unwrap();
    assert_eq!(watching.found(), 2);
    fs::rename(&inside, &outside).unwrap();
    assert_eq!(watching.found(), 1);
    assert_eq!(watching.end(), Some(1));
}

#[test]
fn a_mistake_is_reported_and_the_watch_goes_on() {
    let folder = folder(&[("a.yaml", POD), (".regfix.yaml", "ignored: []\n")]);
    let watching = Watching::start(folder.path(), &["a.yaml"]);
    let report = watching.report().join("\n");
    assert!(report.contains("ignored"), "{report}");
    fs::write(folder.path().join(".regfix.yaml"), "exclude: [nothing/]\n").unwrap();
    assert_eq!(watching.found(), 1);
    assert_eq!(watching.end(), Some(1));
}

#[test]
fn what_cannot_be_watched_is_refused() {
    let folder = folder(&[("a.yaml", POD)]);
    for (arguments, reason) in [
        (&["--watch", "--write"][..], "cannot be used with"),
        (&["--watch", "-"], "--watch works with files only"),
        (&["--watch", "missing/"], "cannot watch missing"),
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = stderr(&output);
        assert!(said.contains(reason), "{said}");
    }
}
