//! The progress line, drawn by `indicatif`.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How many times per second the line is drawn.
const RATE: u8 = 10;

#[derive(Debug)]
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// Hidden until [`Bar::show`].
    pub(super) fn new() -> Option<Self> {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Some(Self(
            bar.with_style(style("{spinner} {human_pos} files read")),
        ))
    }

    pub(super) fn show(&self) {
        let target = ProgressDrawTarget::stderr_with_hz(RATE);
        self.0.set_draw_target(target);
    }

    pub(super) fn advance(&self, files: usize) {
        self.0.inc(files as u64);
    }

    pub(super) fn turn_to(&self, files: usize) {
        let template = "[{bar:30}] {human_pos}/{human_len} files checked";
        self.0.set_style(style(template));
        self.0.set_length(files as u64);
        self.0.set_position(0);
    }

    pub(super) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }

    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    style
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("#>-")
        .tick_chars("-\\|/ ")
}
