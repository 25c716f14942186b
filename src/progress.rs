//! A line on standard error that tells a person how far a long run is.
//!
//! Shows nothing in the first half second. Does not know what is done with the files.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Runs that take no longer need no bar.
const PATIENCE: Duration = Duration::from_millis(500);

/// How often the line is drawn anew, a second.
const RATE: u8 = 10;

/// How far a run is. Counting is for any thread.
#[derive(Debug)]
pub struct Progress {
    /// `None` where nobody looks.
    bar: Option<ProgressBar>,
    began: Instant,
    shown: AtomicBool,
}

impl Progress {
    /// `watched`: whether standard error is a terminal and somebody wants to see this there.
    pub fn new(watched: bool) -> Self {
        let bar = watched.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
            bar.with_style(style("{spinner} {human_pos} files read"))
        });
        Self {
            bar,
            began: Instant::now(),
            shown: AtomicBool::new(false),
        }
    }

    /// So many more files are read, or checked.
    pub fn advance(&self, files: usize) {
        let Some(bar) = &self.bar else {
            return;
        };
        if self.began.elapsed() >= PATIENCE && !self.shown.swap(true, Ordering::Relaxed) {
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(RATE));
        }
        bar.inc(files as u64);
    }

    /// All files are read; so many of them are to be checked.
    pub fn turn_to(&self, files: usize) {
        if let Some(bar) = &self.bar {
            bar.set_style(style("[{bar:30}] {human_pos}/{human_len} files checked"));
            bar.set_length(files as u64);
            bar.set_position(0);
        }
    }

    /// Takes the line away while something else is written. What is written has to end with a line's end, and to be
    /// flushed.
    pub fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) if self.is_shown() => bar.suspend(write),
            _ => write(),
        }
    }

    pub fn is_shown(&self) -> bool {
        self.shown.load(Ordering::Relaxed)
    }

    /// Takes the line away for good.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    style
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("#>-")
        .tick_chars("-\\|/ ")
}
