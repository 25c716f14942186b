//! Image uses in text that is no tree: arguments, scripts, what a parser could not read.
//!
//! A token is a run of the letters that references are made of, with its placeholders. Only a reference that names its
//! registry is taken: without one, `bitnami/redis` may be a chart, a repository of git or a path.

use super::document::DocumentType;
use super::image_use::{ImageUse, Tag};
use super::input::Input;
use super::reference::{self, Reference};
use super::usage::{Certainty, Usage};
use super::{comment, words};
use crate::artifact::Artifact;
use crate::source::Span;
use crate::syntax::template::Action;

/// Two letters of a mask: a token that begins so begins with a placeholder.
pub(super) const STAND_INS: &str = "xx";

const PUSHES: &str = "the command pushes it, it does not pull";
const SEARCHES: &str = "the command searches for it";

/// Calls that compare, in the languages of policies and scripts.
const SEARCHING: [&str; 5] = [
    "contains(",
    "startswith(",
    "startsWith(",
    "replace(",
    "match(",
];

/// On a line of a megabyte, as minified JSON is, only so much before a token is looked at.
const LONGEST_LOOK_BACK: usize = 1 << 10;

/// What a text is, where a reference without tag stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prose {
    /// Words for a program: a reference is one that it pulls.
    Arguments,
    /// Any text: the file may be a script as well as a story.
    Anything,
}

/// The references of a region, token by token.
pub fn scan(masked: &str, region: Span, actions: &[Action], prose: Prose) -> Vec<ImageUse> {
    let readable = reference::readable(masked, region, actions);
    let bytes = readable.text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !in_token(bytes[at]) {
            at += 1;
            continue;
        }
        let length = bytes[at..]
            .iter()
            .take_while(|byte| in_token(**byte))
            .count();
        let token = Token {
            text: &readable.text,
            start: at,
            end: at + length,
            base: region.start,
        };
        at += length;
        if let Some(one) = token.image_use(masked, actions, prose) {
            found.push(one);
        }
    }
    found
}

fn in_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'.' | b'_' | b'/' | b':' | b'@' | b'-' | b'+' | b'~')
}

struct Token<'t> {
    text: &'t str,
    start: usize,
    end: usize,
    /// Where the text starts in the file.
    base: usize,
}

impl Token<'_> {
    fn image_use(&self, masked: &str, actions: &[Action], prose: Prose) -> Option<ImageUse> {
        let raw = &self.text[self.start..self.end];
        if !raw.contains(['.', ':']) {
            return None;
        }
        let trimmed = raw.trim_end_matches(['.', ':', '/']);
        let slash = raw[trimmed.len()..].contains('/');
        let span = Span::new(
            self.base + self.start,
            self.base + self.start + trimmed.len(),
        );
        if trimmed.starts_with("https://") || trimmed.starts_with("http://") {
            return Some(self.url(span, masked, actions));
        }
        let before = self.text[..self.start].chars().next_back();
        let after = self.text[self.end..].chars().next();
        let in_pattern = before
            .is_some_and(|letter| matches!(letter, '^' | '*' | '#' | '\\' | '~' | '!' | '?'))
            || after.is_some_and(|letter| matches!(letter, '*' | '[' | '(' | '|' | '?' | '#'))
            || self.text[self.end..].starts_with('\\') && !self.ends_by_escape()
            || slash;
        let escape = before == Some('\\') && trimmed.starts_with(['n', 't', 'r']);
        let span = if escape {
            Span::new(span.start + 1, span.end)
        } else {
            span
        };
        let flag = self.flag();
        let reference = reference::read(masked, span, actions).filter(|reference| reference.hosted);
        if let Some(reference) = reference {
            let usage = self.usage(&reference, in_pattern && !escape, flag.as_deref(), prose);
            return Some(reference.into_use(usage, "argument"));
        }
        let registry = reference::read_registry(masked, span)?;
        let keyed = flag.as_deref().is_some_and(words::is_bare_host);
        (keyed && !in_pattern).then(|| {
            ImageUse::of_registry(
                registry,
                self.usage_in_command().unwrap_or(Usage::likely(
                    "a registry in free text may be more than one thing",
                )),
                "argument",
            )
        })
    }

    /// What follows is the end of a string inside a string, not part of a pattern.
    fn ends_by_escape(&self) -> bool {
        ["\\\"", "\\'", "\\n", "\\r", "\\t"]
            .iter()
            .any(|escape| self.text[self.end..].starts_with(escape))
    }

    fn url(&self, span: Span, masked: &str, actions: &[Action]) -> ImageUse {
        let holes = reference::readable(masked, span, actions).holes;
        ImageUse {
            artifact: Artifact::Url,
            registry: None,
            name: Some(span),
            tag: self.suite().map_or(Tag::Elsewhere, Tag::At),
            digest: None,
            chart: None,
            holes,
            usage: Usage::PULL,
            form: "url",
        }
    }

    /// Of `deb [options] URL suite component`, the suite: one apt repository holds several, of different owners.
    fn suite(&self) -> Option<Span> {
        let line = &self.text[self.line_start()..self.start];
        let words = line.split([' ', '\t', '"', '\'']);
        if !words
            .into_iter()
            .any(|word| matches!(word, "deb" | "deb-src"))
        {
            return None;
        }
        let rest = &self.text[self.end..];
        let start = self.end + rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let length = self.text[start..]
            .bytes()
            .take_while(|byte| in_token(*byte))
            .count();
        (start > self.end && length > 0)
            .then(|| Span::new(self.base + start, self.base + start + length))
    }

    fn usage(
        &self,
        reference: &Reference,
        in_pattern: bool,
        flag: Option<&str>,
        prose: Prose,
    ) -> Usage {
        if in_pattern {
            return Usage::Mention("it is part of a pattern");
        }
        if flag.is_some_and(|flag| words::is_mention(flag) || words::is_mention_of_scalar(flag)) {
            return Usage::Mention("the option holds what is matched or allowed");
        }
        if let Some(usage) = self.usage_in_command() {
            return usage;
        }
        match prose {
            _ if reference.is_pinned() => Usage::PULL,
            Prose::Arguments => Usage::PULL,
            Prose::Anything => Usage::likely("it stands in free text"),
        }
    }

    /// A line that pushes, or searches, does not pull. What a command copies or tags from, it has pulled.
    fn usage_in_command(&self) -> Option<Usage> {
        let line = &self.text[self.line_start()..self.start];
        let words: Vec<&str> = line.split_whitespace().collect();
        let after = |index: usize| {
            words[index + 1..]
                .iter()
                .filter(|word| !word.starts_with('-'))
                .count()
        };
        words.iter().enumerate().find_map(|(index, word)| {
            match word.trim_start_matches(['(', '$', '`', '"', '\'']) {
                "push" | "promote" => Some(Usage::Mention(PUSHES)),
                "tag" | "cp" | "copy" if after(index) > 0 => Some(Usage::Mention(PUSHES)),
                "grep" | "egrep" | "sed" | "awk" => Some(Usage::Mention(SEARCHES)),
                word if SEARCHING.iter().any(|function| word.contains(function)) => {
                    Some(Usage::Mention(SEARCHES))
                }
                _ => None,
            }
        })
    }

    /// Where the line starts, or where it was long enough to have told what it is about.
    fn line_start(&self) -> usize {
        let far = self.start.saturating_sub(LONGEST_LOOK_BACK);
        let near = (far..=self.start)
            .find(|at| self.text.is_char_boundary(*at))
            .unwrap_or(self.start);
        self.text[near..self.start]
            .rfind('\n')
            .map_or(near, |newline| near + newline + 1)
    }

    /// The option or variable that the token is the value of: `--image-repository=`, `KUBE_REGISTRY=`, `image:`.
    fn flag(&self) -> Option<String> {
        let line = &self.text[self.line_start()..self.start];
        let line = line.trim_end_matches(['"', '\'', '`']);
        let ends = line.trim_end_matches([' ', '\t', '=', ':', '?']);
        let word = ends
            .rsplit(|letter: char| {
                !letter.is_ascii_alphanumeric() && !matches!(letter, '-' | '_' | '.')
            })
            .next()?;
        // Behind a blank an option may be complete: only one about images has the next word for its value.
        let spaced = line.ends_with(' ');
        let of_images = ["image", "regist", "repo"]
            .iter()
            .any(|part| word.contains(part));
        if spaced && word.starts_with('-') && !of_images {
            return None;
        }
        let assigned = ends.len() < line.len()
            && (word.starts_with('-') || line.trim_end().len() > ends.len());
        (assigned && !word.is_empty()).then(|| words::fold(word.trim_start_matches('-')))
    }
}

/// A region that no parser could read, line by line: `key: value` is read as such, all else by tokens.
pub(super) fn scan_lines(input: &Input<'_>, region: Span) -> Vec<ImageUse> {
    let mut found = Vec::new();
    let mut at = region.start;
    for line in region.of(input.masked).split_inclusive('\n') {
        let span = Span::new(at, at + line.trim_end().len());
        at += line.len();
        let text = span.of(input.masked);
        let lead = text.len() - text.trim_start().len();
        let content = Span::new(span.start + lead, span.end);
        if text.trim_start().starts_with('#') {
            found.extend(comment::image_use(input, content, DocumentType::Plain));
            continue;
        }
        match comment::line(input, content) {
            Some(one) => found.push(one),
            None => found.extend(scan(input.masked, span, input.actions, Prose::Arguments)),
        }
    }
    for one in &mut found {
        one.usage = one
            .usage
            .at_most(Certainty::Likely("the file does not parse here"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, bool)> {
        let uses = scan(text, Span::new(0, text.len()), &[], Prose::Arguments);
        let images = uses.iter().filter(|one| one.artifact == Artifact::Image);
        let shown = |one: &ImageUse| one.primary_span(text).of(text).to_owned();
        images
            .map(|one| (shown(one), one.usage == Usage::PULL))
            .collect()
    }

    #[test]
    fn tokens_are_references_with_their_registry() {
        for (text, expected, pulled) in [
            (
                "--pod-infra-container-image=k8s.gcr.io/pause:3.1",
                "k8s.gcr.io/pause",
                true,
            ),
            (
                "docker run 'k8s.gcr.io/pause:3.1'",
                "k8s.gcr.io/pause",
                true,
            ),
            ("a k8s.gcr.io/pause:${TAG}, b", "k8s.gcr.io/pause", true),
            (
                r#"{\"image\": \"k8s.gcr.io/pause:3.1\"}"#,
                "k8s.gcr.io/pause",
                true,
            ),
            (
                r#"sandbox_image = "k8s.gcr.io/pause:3.1""#,
                "k8s.gcr.io/pause",
                true,
            ),
            ("docker push k8s.gcr.io/x:1", "k8s.gcr.io/x", false),
            ("grep k8s.gcr.io/x:1 f", "k8s.gcr.io/x", false),
            ("--allowed-images=k8s.gcr.io/x:1", "k8s.gcr.io/x", false),
            ("^k8s.gcr.io/x", "k8s.gcr.io/x", false),
        ] {
            assert_eq!(found(text), [(expected.to_owned(), pulled)], "{text}");
        }
        for text in [
            "/home/k8s.io/k8s.gcr.io",
            "--dir=../k8s.io/k8s.gcr.io",
            "helm install r bitnami/redis",
            "k8s.gcr.io",
            "me@k8s.gcr.io/x",
            "see k8s.gcr.io. And",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }
}
