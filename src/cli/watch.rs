//! `regfix --watch`: repeats the run whenever a file changes, on a cleared screen.
//!
//! This module only waits; it does not know what a run is.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use notify::event::{CreateKind, ModifyKind, RemoveKind};
use notify::{Event, EventKind, RecursiveMode, Watcher};

use super::Exit;
use crate::config;
use crate::printable::{self, complain};
use crate::run;
use crate::walk;

/// One write causes many events. A run starts when there were none for this long.
const QUIET: Duration = Duration::from_millis(100);

/// The longest wait, in case the events do not stop.
const MOST: Duration = Duration::from_secs(2);

/// Clears the screen and what was scrolled out of it.
const CLEAR: &[u8] = b"\x1b[H\x1b[2J\x1b[3J";

/// The reason why the wait is over.
enum Woken {
    Changed,
    /// Some changes will not be noticed, for this reason.
    Unwatched(String),
    /// The user wants to stop.
    Stopped,
}

/// Runs, and runs again on every change below the roots, until the user stops it. Returns the outcome of the last run.
///
/// # Errors
/// If `out` or `err` cannot be written.
pub(super) fn watch(
    roots: &[PathBuf],
    all_text: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
    run: impl Fn(&mut dyn Write, &mut dyn Write) -> io::Result<Exit>,
) -> io::Result<Exit> {
    let (sender, woken) = channel();
    let watcher = match watcher(roots, all_text, &sender) {
        Ok(watcher) => watcher,
        Err(message) => {
            complain(err, message)?;
            return Ok(Exit::Failed);
        }
    };
    if let Err(error) = stop_on_signals(sender) {
        complain(err, format!("cannot handle signals: {error}"))?;
        return Ok(Exit::Failed);
    }
    let clears = io::stdout().is_terminal();
    let mut shown = None;
    loop {
        let (mut report, mut complaints) = (Vec::new(), Vec::new());
        let exit = run(&mut report, &mut complaints)?;
        // If the output is the same except for the duration, the screen stays as it is.
        let now = (without_time(&report), without_time(&complaints));
        if shown.as_ref() != Some(&now) {
            if clears {
                out.write_all(CLEAR)?;
            }
            out.write_all(&report)?;
            out.flush()?;
            err.write_all(&complaints)?;
            writeln!(err, "regfix: waiting for changes; press Ctrl-C to stop")?;
            err.flush()?;
            shown = Some(now);
        }
        if !wait(&woken, err)? {
            drop(watcher);
            return Ok(exit);
        }
    }
}

/// Returns the output without the duration, ` (5 ms)`, in its closing line.
fn without_time(report: &[u8]) -> String {
    let text = String::from_utf8_lossy(report);
    let lines = text.lines().map(|line| match line.rsplit_once(" (") {
        Some((counts, time)) if time.ends_with("s).") => counts.to_owned(),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Waits for a change, and until events stop for a moment. Returns false if the user wants to stop.
fn wait(woken: &Receiver<Woken>, err: &mut dyn Write) -> io::Result<bool> {
    let mut until: Option<Instant> = None;
    loop {
        let event = match until {
            None => woken.recv().map_err(|_| ()),
            Some(_) => match woken.recv_timeout(QUIET) {
                Ok(event) => Ok(event),
                Err(_) => return Ok(true),
            },
        };
        match event {
            Ok(Woken::Changed) => {
                let now = Instant::now();
                if now > *until.get_or_insert(now + MOST) {
                    return Ok(true);
                }
            }
            Ok(Woken::Unwatched(message)) => complain(err, message)?,
            Ok(Woken::Stopped) | Err(()) => return Ok(false),
        }
    }
}

/// Watches for changes of files that can affect the findings.
fn watcher(
    roots: &[PathBuf],
    all_text: bool,
    sender: &Sender<Woken>,
) -> Result<impl Watcher + use<>, String> {
    let sender = sender.clone();
    let note = move |event: notify::Result<Event>| {
        let woken = match event {
            Ok(event) if matters(&event, all_text) => Woken::Changed,
            Ok(_) => return,
            Err(error) => Woken::Unwatched(failed(None, &reason(&error))),
        };
        // Nobody receives this at the end of the process.
        let _ = sender.send(woken);
    };
    let mut watcher =
        notify::recommended_watcher(note).map_err(|error| failed(None, &reason(&error)))?;
    for root in roots {
        let full = std::path::absolute(root).unwrap_or_else(|_| root.clone());
        let Some(is_folder) = walk::is_folder(&full) else {
            return Err(failed(Some(root), "there is no such file or folder"));
        };
        let folder = match is_folder {
            true => full.as_path(),
            // An editor may replace the file by another one.
            false => full.parent().unwrap_or(&full),
        };
        let mode = match is_folder {
            true => RecursiveMode::Recursive,
            false => RecursiveMode::NonRecursive,
        };
        let watched = watcher.watch(folder, mode);
        watched.map_err(|error| failed(Some(root), &reason(&error)))?;
        // Settings and baselines may be in folders above.
        let top = config::repository(&full);
        for above in folder.ancestors().skip(1) {
            if !top.is_some_and(|top| above.starts_with(top)) {
                break;
            }
            let _ = watcher.watch(above, RecursiveMode::NonRecursive);
        }
    }
    Ok(watcher)
}

/// Whether an event can affect the findings.
fn matters(event: &Event, all_text: bool) -> bool {
    match event.kind {
        EventKind::Access(_) => false,
        // The system dropped some of the events.
        _ if event.need_rescan() => true,
        // The content of a folder may come and go with it, without its own events.
        EventKind::Create(CreateKind::Folder)
        | EventKind::Remove(RemoveKind::Folder)
        | EventKind::Modify(ModifyKind::Name(_)) => {
            event.paths.iter().any(|path| run::matters(path, true))
        }
        _ => event.paths.iter().any(|path| run::matters(path, all_text)),
    }
}

fn failed(root: Option<&Path>, why: &str) -> String {
    let what = root.map_or_else(|| "changes".to_owned(), printable::path);
    format!("--watch: cannot watch {what}: {}", printable::line(why))
}

fn reason(error: &notify::Error) -> String {
    match &error.kind {
        notify::ErrorKind::MaxFilesWatch => "the system watches no more folders: name a smaller \
            folder, or raise fs.inotify.max_user_watches"
            .to_owned(),
        _ => error.to_string(),
    }
}

/// Makes the first signal end the wait, so that the last report stays as it is. Another one ends the process.
#[cfg(unix)]
fn stop_on_signals(sender: Sender<Woken>) -> io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level;

    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let wait = move || {
        for (at, signal) in signals.forever().enumerate() {
            if at > 0 || sender.send(Woken::Stopped).is_err() {
                let _ = low_level::emulate_default_handler(signal);
            }
        }
    };
    let thread = std::thread::Builder::new().name("signals".to_owned());
    thread.spawn(wait).map(drop)
}

/// On other systems, Ctrl-C ends the process directly.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
fn stop_on_signals(_: Sender<Woken>) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use notify::event::Flag;

    use super::*;

    #[test]
    fn dropped_events_count_as_a_change() {
        let overflow = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert!(matters(&overflow, false));
        assert!(!matters(&Event::new(EventKind::Other), false));
    }
}
