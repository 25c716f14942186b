//! Output formats, and how their pieces become one report.

use std::sync::Arc;

use super::{FileReport, GroupedFindings, Origin, RenderOptions, ReportedFile, Summary};
use crate::rules::RuleSet;

/// An output format.
pub struct Format {
    pub name: &'static str,
    /// Its purpose, in a few words.
    pub about: &'static str,
    /// Further text for the manual, in Markdown.
    pub notes: &'static str,
    /// Whether all pieces together are one document for a program, so that a single piece is invalid.
    pub is_document: bool,
    /// Whether it writes the keys of findings, for which their files are read once more.
    pub has_keys: bool,
    pub delivery: Delivery,
}

/// When a format reports files.
pub enum Delivery {
    Streamed(&'static dyn Stream),
    Gathered(&'static dyn Gather),
}

/// Reports each file as it comes. Files are rendered in parallel and joined in the order of their paths.
pub trait Stream: Sync {
    /// Text before the first file.
    fn start(&self) -> String {
        String::new()
    }
    /// Text between two files that are not empty.
    fn between(&self) -> &'static str {
        ""
    }
    /// Whether it lists legacy locations that could not be judged.
    fn lists_unjudged(&self, _look: &RenderOptions) -> bool {
        false
    }
    /// The parts by repository, if the format has them.
    fn parts(&self) -> Option<&'static dyn Parts> {
        None
    }
    /// The findings of one file, if the format groups findings of several files.
    fn grouped(&self, _report: &FileReport<'_>, _look: &RenderOptions) -> Option<GroupedFindings> {
        None
    }
    /// Text of one file; empty if there is nothing to report.
    fn file(&self, report: &FileReport<'_>, render_options: &RenderOptions) -> String;
    /// Text after the last file, such as a closing bracket. `rules` are the rules of the run.
    fn end(&self, summary: &Summary, render_options: &RenderOptions, rules: &RuleSet) -> String;
}

/// The parts of a report by repository. The first part is streamed, the others follow it.
pub trait Parts: Sync {
    fn open(&self) -> &'static str;
    /// Text between two parts.
    fn between(&self) -> &'static str;
    /// Text that closes the part of a repository. `is_alone` is whether it is the only part.
    fn close(
        &self,
        origin: Option<&Origin>,
        is_alone: bool,
        summary: &Summary,
        rules: &RuleSet,
    ) -> String;
}

/// Reports everything at the end. Until then, the findings of the files are kept, but not their texts.
pub trait Gather: Sync {
    fn document(
        &self,
        files: &[ReportedFile],
        summary: &Summary,
        render_options: &RenderOptions,
        rules: &RuleSet,
    ) -> String;
}

/// The piece of a report that belongs to one file.
pub enum Chunk {
    Text(String),
    /// Text of a file for a format with parts by repository.
    Of(Option<Arc<Origin>>, String),
    Kept(ReportedFile),
    Grouped(GroupedFindings),
}

impl Format {
    /// Renders a file. Returns empty text if there is nothing to report.
    pub fn chunk(&self, report: &FileReport<'_>, render_options: &RenderOptions) -> Chunk {
        let lists_unjudged = match self.delivery {
            Delivery::Streamed(stream) => stream.lists_unjudged(render_options),
            Delivery::Gathered(_) => false,
        };
        let has_unjudged = lists_unjudged && !report.unjudged.is_empty();
        if report.is_empty() && !has_unjudged {
            return Chunk::Text(String::new());
        }
        match self.delivery {
            Delivery::Streamed(stream) => match stream.grouped(report, render_options) {
                Some(grouped) => Chunk::Grouped(grouped),
                None if stream.parts().is_some() => {
                    Chunk::Of(report.origin.cloned(), stream.file(report, render_options))
                }
                None => Chunk::Text(stream.file(report, render_options)),
            },
            Delivery::Gathered(_) => Chunk::Kept(ReportedFile::new(report)),
        }
    }
}

/// A report in progress: pieces go in, in the order of paths, and text comes out.
pub struct Report {
    format: &'static Format,
    render_options: RenderOptions,
    reported: bool,
    kept: Vec<ReportedFile>,
    grouped: Option<GroupedFindings>,
    /// Pieces by repository, if the format has parts. Those of the first part are already written.
    parts: Vec<(Option<Arc<Origin>>, Vec<String>)>,
}

impl Report {
    pub fn new(format: &'static Format, render_options: RenderOptions) -> Self {
        Self {
            format,
            render_options,
            reported: false,
            kept: Vec::new(),
            grouped: None,
            parts: Vec::new(),
        }
    }

    /// Text before all pieces.
    pub fn start(&self) -> String {
        match self.format.delivery {
            Delivery::Streamed(stream) => {
                stream.start() + stream.parts().map_or("", |parts| parts.open())
            }
            Delivery::Gathered(_) => String::new(),
        }
    }

    /// Adds a piece and returns the text that can be written now.
    pub fn add(&mut self, piece: Chunk) -> String {
        match piece {
            Chunk::Text(text) if text.is_empty() => text,
            Chunk::Of(origin, text) => self.add_part(origin, text),
            Chunk::Text(text) => match self.format.delivery {
                Delivery::Streamed(stream) if std::mem::replace(&mut self.reported, true) => {
                    format!("{}{text}", stream.between())
                }
                _ => text,
            },
            Chunk::Kept(reported) => {
                self.kept.push(reported);
                String::new()
            }
            Chunk::Grouped(next) => {
                match &mut self.grouped {
                    Some(grouped) => grouped.join(next),
                    None => self.grouped = Some(next),
                }
                String::new()
            }
        }
    }

    fn add_part(&mut self, origin: Option<Arc<Origin>>, text: String) -> String {
        let name = |origin: &Option<Arc<Origin>>| origin.as_ref().map(|one| one.repository.clone());
        let known = self
            .parts
            .iter()
            .position(|(other, _)| name(other) == name(&origin));
        let at = known.unwrap_or_else(|| {
            self.parts.push((origin, Vec::new()));
            self.parts.len() - 1
        });
        if at == 0 {
            return self.add(Chunk::Text(text));
        }
        self.parts[at].1.push(text);
        String::new()
    }

    /// The end of the first part, and all other parts.
    fn end_parts(&self, stream: &dyn Stream, summary: &Summary, rules: &RuleSet) -> String {
        let Some(parts) = stream.parts() else {
            return String::new();
        };
        let is_alone = self.parts.len() < 2;
        let first = self.parts.first().and_then(|(origin, _)| origin.as_deref());
        let mut text = parts.close(first, is_alone, summary, rules);
        for (origin, files) in self.parts.iter().skip(1) {
            text += parts.between();
            text += parts.open();
            text += &files.join(stream.between());
            text += &parts.close(origin.as_deref(), is_alone, summary, rules);
        }
        text
    }

    /// The text of the grouped findings.
    pub fn rest(&mut self) -> String {
        let grouped = self.grouped.take();
        grouped.map_or_else(String::new, |grouped| grouped.text(&self.render_options))
    }

    /// Text after all pieces.
    pub fn end(&self, summary: &Summary, rules: &RuleSet) -> String {
        match self.format.delivery {
            Delivery::Streamed(stream) => {
                let parts = self.end_parts(stream, summary, rules);
                parts + &stream.end(summary, &self.render_options, rules)
            }
            Delivery::Gathered(gather) => {
                gather.document(&self.kept, summary, &self.render_options, rules)
            }
        }
    }
}
