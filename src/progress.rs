//! A progress line on standard error for long runs.
//!
//! Shows nothing in the first half second, and only counts files. Without the feature `cli` there is no line, and nothing is
//! counted.

#[cfg(feature = "cli")]
mod bar;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[cfg(feature = "cli")]
use bar::Bar;

/// Runs that take no longer than this show no bar.
const PATIENCE: Duration = Duration::from_millis(500);

/// The progress of a run. Any thread may count.
#[derive(Debug)]
pub struct Progress {
    /// `None` if nobody watches.
    bar: Option<Bar>,
    began: Instant,
    shown: AtomicBool,
}

impl Progress {
    /// `watched`: whether standard error is a terminal and someone wants to see this there.
    pub fn new(watched: bool) -> Self {
        Self {
            bar: watched.then(Bar::new).flatten(),
            began: Instant::now(),
            shown: AtomicBool::new(false),
        }
    }

    /// Counts more files as read or, after [`turn_to`](Self::turn_to), as checked.
    pub fn advance(&self, files: usize) {
        let Some(bar) = &self.bar else {
            return;
        };
        if self.began.elapsed() >= PATIENCE && !self.shown.swap(true, Ordering::Relaxed) {
            bar.show();
        }
        bar.advance(files);
    }

    /// Starts to count checked files: all files are read, and this many have to be checked.
    pub fn turn_to(&self, files: usize) {
        if let Some(bar) = &self.bar {
            bar.turn_to(files);
        }
    }

    /// Removes the line while something else is written. The output has to end with a line break and be flushed.
    pub fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) if self.is_shown() => bar.suspend(write),
            _ => write(),
        }
    }

    pub fn is_shown(&self) -> bool {
        self.shown.load(Ordering::Relaxed)
    }

    /// Removes the line for good.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish();
        }
    }
}

/// Without the feature `cli` there is no bar, so this cannot be created.
#[cfg(not(feature = "cli"))]
#[derive(Debug)]
enum Bar {}

#[cfg(not(feature = "cli"))]
impl Bar {
    fn new() -> Option<Self> {
        None
    }

    fn show(&self) {
        match *self {}
    }

    fn advance(&self, _: usize) {
        match *self {}
    }

    fn turn_to(&self, _: usize) {
        match *self {}
    }

    fn suspend<T>(&self, _: impl FnOnce() -> T) -> T {
        match *self {}
    }

    fn finish(&self) {
        match *self {}
    }
}
