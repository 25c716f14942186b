//! Image uses in plain text: arguments, scripts, and what a parser could not read.
//!
//! A token is a run of the characters of references, including placeholders. If it has a registry, it is a reference. If
//! not, `bitnami/redis` may also be a chart, a git repository or a path, so it counts only where nothing but an image is
//! possible.

use std::cell::OnceCell;

use super::defaults::Names;
use super::image_use::{ImageUse, Tag};
use super::input::Input;
use super::reference::{self, Reference};
use super::shell::{self, Command};
use super::usage::{
    self, ACCOUNT, ALLOWED, Certainty, IN_FREE_TEXT, IN_OPTION, MIRRORED, PUSHED, Usage,
};
use super::{comment, defaults, flag, selecting, tables, variables, words};
use crate::artifact::Artifact;
use crate::source::Span;

/// Two letters as a mask has them: a token that begins with them begins with a placeholder.
pub(super) const STAND_INS: &str = "xx";

const PATTERN: Usage = Usage::Mention("it is part of a pattern");
const REPLACED: Usage = Usage::Selector {
    reason: "the command replaces this name where a base spells it",
    replaced: true,
};
const UNKNOWN: Usage = Usage::Unknown(usage::NOTHING_SAYS);
const SUBSTITUTED: Usage = Usage::likely("another command uses the output of this one");
pub(super) const BUILD_ARGUMENT: Usage =
    Usage::likely("a build may use this argument for anything");
const BARE: &str = "a registry in free text can mean several things";
pub(super) const NOT_FETCHED: &str = "the program that downloads it may not follow redirects";

/// The kind of a text. It decides how a reference without a tag is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prose {
    /// Words for a program, which pulls a reference among them.
    Arguments,
    /// Names and values for a build: in `BASE=NAME:tag`, the image may be a base image.
    BuildArguments,
    /// A list of what is allowed or mirrored.
    Listed(Usage),
    /// Any text: the file may be a script or prose.
    Anything,
}

/// Returns the usage of an option's value, by the name of the option.
pub(super) fn usage_by_option(flag: &str) -> Option<Usage> {
    match () {
        () if words::is_allowed(flag) => Some(ALLOWED),
        () if words::is_mention(flag)
            || words::is_mention_of_scalar(flag)
            || words::is_closed_list(flag) =>
        {
            Some(IN_OPTION)
        }
        () if words::is_pushed(flag) => Some(PUSHED),
        () => None,
    }
}

/// Returns the references in a region, token by token.
pub(super) fn scan(input: &Input<'_>, region: Span, prose: Prose) -> Vec<ImageUse> {
    if let Some(inner) = defaults::expand(input, region, Names::Kept) {
        let inner_input = inner.input(input);
        let whole = Span::new(0, inner_input.text.len());
        let mut found = Vec::new();
        inner.adopt(scan_plain(&inner_input, whole, prose), &mut found);
        return found;
    }
    scan_plain(input, region, prose)
}

fn scan_plain(input: &Input<'_>, region: Span, prose: Prose) -> Vec<ImageUse> {
    let readable = reference::readable(input.masked, region, input.actions);
    let text = readable.text.as_str();
    let commands = OnceCell::new();
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    for span in tokens_of_interest(input, bytes, region.start) {
        let token = Token {
            input,
            text,
            start: span.start,
            end: span.end,
            base: region.start,
            commands: &commands,
            prose,
        };
        found.extend(token.image_use());
    }
    found
}

/// Returns the tokens of a text that starts at `base` in the input, in order. Skips those that cannot be of interest.
fn tokens_of_interest<'t>(
    input: &'t Input<'_>,
    bytes: &'t [u8],
    base: usize,
) -> impl Iterator<Item = Span> + 't {
    let mut from = 0;
    std::iter::from_fn(move || {
        let is_next = |at: &usize| in_token(bytes[*at]);
        let near = input.next_of_interest(base + from)? - base;
        let inside = (near..bytes.len()).find(is_next)?;
        let start = (from..inside).rev().take_while(is_next).last();
        let end = (inside..bytes.len()).find(|at| !is_next(at));
        let span = Span::new(start.unwrap_or(inside), end.unwrap_or(bytes.len()));
        from = span.end;
        Some(span)
    })
}

fn in_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'.' | b'_' | b'/' | b':' | b'@' | b'-' | b'+' | b'~')
}

struct Token<'t> {
    input: &'t Input<'t>,
    text: &'t str,
    start: usize,
    end: usize,
    /// The offset of the text in the input.
    base: usize,
    /// The commands of the text. Computed on first use, because few tokens are references.
    commands: &'t OnceCell<Vec<Command<'t>>>,
    prose: Prose,
}

impl Token<'_> {
    fn image_use(&self) -> Option<ImageUse> {
        let Input {
            masked, actions, ..
        } = *self.input;
        let raw = &self.text[self.start..self.end];
        if !raw.contains(['.', ':', '/']) {
            return None;
        }
        let trimmed = raw.trim_end_matches(['.', ':', '/']);
        let span = Span::new(
            self.base + self.start,
            self.base + self.start + trimmed.len(),
        );
        if trimmed.starts_with("https://") || trimmed.starts_with("http://") {
            return Some(self.url(span));
        }
        if let Some(registry) = reference::mirror_folder(masked, span) {
            return Some(ImageUse::of_registry(registry, MIRRORED, "path"));
        }
        let before = self.text[..self.start].chars().next_back();
        let escape = before == Some('\\') && trimmed.starts_with(['n', 't', 'r']);
        let flag = flag::of(self.text, self.start);
        // `--image-repository=gcr.io/google-containers/`
        let is_folder = flag.as_deref().is_some_and(words::is_bare_host);
        let whole = if is_folder { trimmed } else { raw };
        let in_pattern = !escape && self.is_in_pattern(whole, trimmed);
        let span = match escape {
            true => Span::new(span.start + 1, span.end),
            false => span,
        };
        if flag.as_deref().is_some_and(words::is_registry)
            && let Some(registry) = self.registry(span, in_pattern, flag.as_deref())
        {
            return Some(registry);
        }
        match reference::read(masked, span, actions) {
            // A message may name an API version, and a script a label.
            Some(reference)
                if flag.is_none()
                    && !reference.is_pinned()
                    && words::is_of_kubernetes(reference.name.of(masked)) =>
            {
                None
            }
            Some(reference) if reference.hosted => {
                let usage = self.usage(&reference, in_pattern, flag.as_deref());
                Some(ImageUse {
                    may_be_folder: is_folder && !reference.is_pinned(),
                    ..reference.into_use(usage, "argument")
                })
            }
            Some(reference) if !in_pattern => self.docker_hub(reference, flag.as_deref()),
            _ => self.registry(span, in_pattern, flag.as_deref()),
        }
    }

    fn is_in_pattern(&self, raw: &str, trimmed: &str) -> bool {
        let before = self.text[..self.start].chars().next_back();
        let after = self.text[self.end..].chars().next();
        before.is_some_and(|letter| matches!(letter, '^' | '*' | '#' | '\\' | '~' | '!' | '?'))
            || after.is_some_and(|letter| matches!(letter, '*' | '[' | '(' | '|' | '?' | '#'))
            || self.text[self.end..].starts_with('\\') && !self.ends_by_escape()
            || raw[trimmed.len()..].contains('/')
    }

    /// Whether an escape sequence follows that ends a string inside a string, rather than being part of a pattern.
    fn ends_by_escape(&self) -> bool {
        ["\\\"", "\\'", "\\n", "\\r", "\\t", "\\\n"]
            .iter()
            .any(|escape| self.text[self.end..].starts_with(escape))
    }

    /// Returns a name without a registry, if nothing but an image is possible.
    fn docker_hub(&self, reference: Reference, flag: Option<&str>) -> Option<ImageUse> {
        let name = reference.name.of(self.input.masked);
        let is_flagged = flag.is_some_and(|flag| {
            words::is_image_alone(flag) && (name.contains('/') || reference.is_pinned())
        });
        let is_taken = self
            .command_at()
            .is_some_and(|(command, index)| command.takes_image(index));
        let is_given = || matches!(reference.tag, Tag::At(_)) && name.contains('/');
        let is_base = self.prose == Prose::BuildArguments
            && self.text[..self.start].ends_with('=')
            && is_given();
        let is_image = reference.is_docker || is_flagged || is_taken || is_base;
        if !is_image || reference.chart || name.starts_with(STAND_INS) || name.starts_with('/') {
            return None;
        }
        let usage = self.usage_in_command().unwrap_or(match self.prose {
            Prose::Arguments if is_flagged || reference.is_docker => Usage::PULL,
            Prose::BuildArguments => BUILD_ARGUMENT,
            _ => Usage::likely(IN_FREE_TEXT),
        });
        Some(reference.into_use(usage, "argument"))
    }

    /// Returns a registry as the value of an option or a variable, or as an account: `docker login k8s.gcr.io`.
    fn registry(&self, span: Span, in_pattern: bool, flag: Option<&str>) -> Option<ImageUse> {
        let registry = reference::read_registry(self.input.masked, span)?;
        let of_registry = |usage| Some(ImageUse::of_registry(registry, usage, "argument"));
        let of_command = || self.usage_in_command().filter(|usage| *usage == ACCOUNT);
        let listed = self
            .listed(flag)
            .or_else(|| tables::usage_at(self.text, self.start));
        if let Some(usage) = listed.or_else(of_command) {
            return of_registry(usage);
        }
        if in_pattern {
            let is_all = self.text[self.end..].starts_with('*');
            return of_registry(PATTERN).filter(|_| is_all);
        }
        if !words::is_bare_host(flag?) {
            // The rest of the text decides whether it is put before names (`variables`).
            let word = flag::word(self.text, self.start);
            return of_registry(UNKNOWN).filter(|_| word.is_some_and(variables::is_variable));
        }
        let word = flag::word(self.text, self.start)
            .unwrap_or_default()
            .to_ascii_lowercase();
        let says_image = word.contains("image") || word.contains("kube");
        let usage_of_word = match self.prose {
            Prose::Anything => Usage::likely(BARE),
            _ if says_image => Usage::PULL,
            _ => Usage::likely(BARE),
        };
        let by_option = || flag.and_then(usage_by_option);
        let usage = self.usage_in_command().or_else(by_option);
        Some(ImageUse::of_registry(
            registry,
            usage.unwrap_or(usage_of_word),
            "argument",
        ))
    }

    /// Returns the usage, if an option or a value lists registries that are allowed or mirrored.
    fn listed(&self, flag: Option<&str>) -> Option<Usage> {
        let usage = match self.prose {
            Prose::Listed(usage) => Some(usage),
            _ => flag.and_then(usage_by_option),
        };
        usage.filter(|usage| !usage.is_pull())
    }

    fn url(&self, span: Span) -> ImageUse {
        let Input {
            masked, actions, ..
        } = *self.input;
        let command = self.command_at();
        let artifact = command.map_or(Artifact::Url, |(command, index)| command.artifact(index));
        let follows = match command.and_then(|(command, index)| command.fetches(index)) {
            Some(Usage::Pull(certainty)) => certainty,
            _ => Certainty::Likely(NOT_FETCHED),
        };
        ImageUse {
            name: Some(span),
            tag: self.suite().map_or(Tag::Elsewhere, Tag::At),
            holes: reference::readable(masked, span, actions).holes,
            follows_redirects: follows,
            ..ImageUse::new(
                artifact,
                self.usage_in_command().unwrap_or(Usage::PULL),
                "url",
            )
        }
    }

    /// Returns the suite in `deb [options] URL suite component`. An apt repository has several suites, with different owners.
    fn suite(&self) -> Option<Span> {
        let line = &self.text[flag::line_start(self.text, self.start)..self.start];
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

    fn usage(&self, reference: &Reference, in_pattern: bool, flag: Option<&str>) -> Usage {
        if in_pattern {
            return PATTERN;
        }
        if let Some(entry) = selecting::usage_at(self.text, self.start, self.end) {
            return entry;
        }
        if let Some(usage) = self.usage_in_command() {
            return usage;
        }
        if let Some(usage) = tables::usage_at(self.text, self.start) {
            return usage;
        }
        if let Some(usage) = flag.and_then(usage_by_option) {
            return usage;
        }
        match self.prose {
            _ if self.command().is_some_and(|command| command.is_substituted) => SUBSTITUTED,
            _ if reference.is_pinned() => Usage::PULL,
            Prose::Anything => Usage::likely(IN_FREE_TEXT),
            _ => Usage::PULL,
        }
    }

    fn command(&self) -> Option<&Command<'_>> {
        let commands = self.commands.get_or_init(|| shell::commands(self.text));
        let before = commands.partition_point(|command| {
            let last = command.words.last();
            last.is_none_or(|word| word.span.end <= self.start)
        });
        commands.get(before)
    }

    fn command_at(&self) -> Option<(&Command<'_>, usize)> {
        let command = self.command()?;
        Some((command, command.word_at(self.start)?))
    }

    fn usage_in_command(&self) -> Option<Usage> {
        let (command, index) = self.command_at()?;
        let is_replaced = self.text[self.end..].starts_with('=') && command.replaces_images(index);
        match is_replaced {
            true => Some(REPLACED),
            false => command.usage(index),
        }
    }
}

/// Scans a region that no parser could read, line by line: `key: value` is read as an entry, anything else as tokens.
pub(super) fn scan_lines(input: &Input<'_>, region: Span) -> Vec<ImageUse> {
    let mut found = Vec::new();
    for line in input.lines_of_interest(region) {
        let text = line.of(input.masked).trim_end();
        let span = Span::new(line.start, line.start + text.len());
        let lead = text.len() - text.trim_start().len();
        let content = Span::new(span.start + lead, span.end);
        if text.trim_start().starts_with('#') {
            found.extend(comment::image_use(input, content, None));
            continue;
        }
        match comment::line(input, content) {
            Some(one) => found.push(one),
            None => found.extend(scan(input, span, Prose::Arguments)),
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
    use std::path::Path;

    fn found(text: &str) -> Vec<(String, bool)> {
        let input = Input::of_text(Path::new(""), text);
        let uses = scan(&input, Span::new(0, text.len()), Prose::Arguments);
        let images = uses.iter().filter(|one| one.artifact == Artifact::Image);
        let shown = |one: &ImageUse| {
            let own = one.text(text);
            one.primary_span(own).of(own).to_owned()
        };
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
            ("run ${1:-k8s.gcr.io/pause:3.1}", "k8s.gcr.io/pause", true),
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
            (
                "--reloader-image=bitnami/kubectl:1.25.0",
                "bitnami/kubectl",
                true,
            ),
            (
                "docker pull bitnami/kubectl:1.25.0",
                "bitnami/kubectl",
                false,
            ),
            (
                "hub = \"gcr.io/istio-release\"",
                "gcr.io/istio-release",
                false,
            ),
            (
                "set {\n name = \"global.hub\"\n value = \"gcr.io/istio-release\"\n}",
                "gcr.io/istio-release",
                false,
            ),
            (
                "variable \"kubectl_image\" {\n  type = string\n  default = \"bitnami/kubectl:1.25.0\"\n}",
                "bitnami/kubectl",
                true,
            ),
            ("IMAGE_REGISTRY_PREFIX=k8s.gcr.io", "k8s.gcr.io", true),
            (
                "--image-repository=gcr.io/google-containers/",
                "gcr.io/google-containers",
                true,
            ),
            (": ${REGISTRY:=k8s.gcr.io}", "k8s.gcr.io", false),
            (": \"${KUBE_REGISTRY=k8s.gcr.io}\"", "k8s.gcr.io", true),
            (": ${IMG:=k8s.gcr.io/pause:3.1}", "k8s.gcr.io/pause", true),
        ] {
            assert_eq!(found(text), [(expected.to_owned(), pulled)], "{text}");
        }
        for text in [
            "use snapshot.storage.k8s.io/v1 VolumeSnapshotClass instead",
            "secrets-store.csi.x-k8s.io/v1alpha1 is deprecated",
            "kubectl get pods -l app.kubernetes.io/name=x",
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
