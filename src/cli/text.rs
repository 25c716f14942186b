//! Pages for a terminal: headings, wrapped paragraphs, colour. Text is made safe to print, because it may come from files.

use std::fmt::Write as _;

use crate::printable;
use crate::report::RenderOptions;

/// A text that grows line by line, wrapped to the width of the terminal.
pub(super) struct Page {
    text: String,
    render_options: RenderOptions,
}

impl Page {
    pub(super) fn new(render_options: RenderOptions) -> Self {
        let text = String::new();
        Self {
            text,
            render_options,
        }
    }

    pub(super) fn title(&mut self, title: &str, rest: &str) {
        let title = paint(&printable::line(title), "1", self.render_options.color);
        self.line(&format!("{title}{rest}"));
    }

    pub(super) fn heading(&mut self, title: &str) {
        let title = paint(&printable::line(title), "1;4", self.render_options.color);
        self.line(&format!("\n{title}"));
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        self.wrapped("", text);
    }

    pub(super) fn item(&mut self, text: &str) {
        self.wrapped("- ", text);
    }

    /// Adds a line without wrapping it.
    pub(super) fn verbatim(&mut self, text: &str) {
        self.line(&format!("  {}", printable::line(text)));
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    fn wrapped(&mut self, bullet: &str, text: &str) {
        let first = format!("  {bullet}");
        let rest = " ".repeat(first.len());
        let options = textwrap::Options::new(self.render_options.width)
            .initial_indent(&first)
            .subsequent_indent(&rest)
            // Keep URLs and images in one piece.
            .word_separator(textwrap::WordSeparator::AsciiSpace)
            .word_splitter(textwrap::WordSplitter::NoHyphenation)
            .break_words(false);
        let filled = textwrap::fill(&printable::lines(text.trim()), options);
        self.line(&filled);
    }

    fn line(&mut self, line: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{line}");
    }
}

pub(super) fn paint(text: &str, code: &str, color: bool) -> String {
    if color {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}
