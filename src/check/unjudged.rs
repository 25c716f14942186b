//! Lists legacy locations whose usage is unknown, so that nothing is skipped in silence.

use std::sync::Arc;

use crate::artifact::Artifact;
use crate::detect::{ImageUse, Tag, Usage};
use crate::finding::Unjudged;
use crate::image;
use crate::rewrite;
use crate::rules::{Query, RuleSet, TagState};
use crate::source::Span;

/// The start of code for ytt, which is a comment to all other tools.
const YTT_CODE: &str = "#@";

const IS_FOLDER: &str = "it is a folder of images, and nothing here says which are pulled";

const NO_CHART: &str = "nothing here says that charts come from it";

const NO_IMAGE: &str = "nothing here says that images come from it";

const BEHIND_HOLE: &str = "only the program knows which registry comes before it";

const IN_PATTERN: &str = "a pattern names it: check that it also matches the new location";

const UNREAD: &str = "no image reference could be read here";

/// Returns the uses that get no finding although a rule applies to them, and the legacy locations near the hints that are
/// not part of any use. Leaves out comments, except those that ytt runs.
pub(super) fn list(
    text: &str,
    hints: Option<&[usize]>,
    uses: &[ImageUse],
    comments: &[Span],
    rules: &RuleSet,
) -> Vec<Unjudged> {
    let mut found = Vec::new();
    for one in uses {
        if let Some((rule, reason)) = unread(one, text, rules) {
            found.push(Unjudged {
                rule,
                span: one.extent(),
                reason: reason.into(),
            });
        }
    }
    let judged = Judged::new(uses);
    // Of all hints in a token, only the first counts. Patterns are tracked separately, because their tokens are longer.
    let mut ends = [0; 2];
    for hint in hints.unwrap_or_default() {
        let is_pattern = text.as_bytes()[*hint] == b'\\';
        let end = &mut ends[usize::from(is_pattern)];
        if *hint < *end {
            continue;
        }
        let token = token_at(text, *hint);
        *end = token.end;
        let rule = || match is_pattern {
            true => rule_in_pattern(token.of(text), rules),
            false => rule_of_host(token.of(text), rules),
        };
        let Some(rule) = (!judged.covers(token)).then(rule).flatten() else {
            continue;
        };
        let after = comments.partition_point(|comment| comment.start <= token.start);
        let comment = comments[..after].last();
        let comment = comment.filter(|comment| token.start < comment.end);
        if comment.is_none_or(|comment| comment.of(text).starts_with(YTT_CODE)) {
            found.push(Unjudged {
                rule,
                span: token,
                reason: if is_pattern { IN_PATTERN } else { UNREAD }.into(),
            });
        }
    }
    found.sort_by_key(|one| one.span);
    found.dedup_by_key(|one| one.span);
    found
}

/// The extents of all uses, and the holes in them, which are computed.
struct Judged {
    extents: Vec<Span>,
    holes: Vec<Span>,
}

impl Judged {
    fn new(uses: &[ImageUse]) -> Self {
        let mut extents: Vec<Span> = uses.iter().map(ImageUse::extent).collect();
        let holes = uses
            .iter()
            .flat_map(|one| one.holes.iter().map(|hole| one.in_file(*hole)));
        let mut holes: Vec<Span> = holes.collect();
        extents.sort();
        holes.sort();
        Self { extents, holes }
    }

    fn covers(&self, token: Span) -> bool {
        let before = self.extents.partition_point(|span| span.start < token.end);
        let around = self.extents[..before].iter().rev().take(8);
        let before = self.holes.partition_point(|hole| hole.start <= token.start);
        let hole = self.holes[..before].last();
        // `{{ prefix }}k8s.gcr.io/pause`: only the program knows what comes before the host.
        if hole.is_some_and(|hole| hole.end == token.start) {
            return false;
        }
        // A token inside a placeholder of a use is not part of that use.
        let hole = hole.filter(|hole| token.end <= hole.end);
        around
            .filter(|span| hole.is_none_or(|hole| hole.covers(**span) && hole != *span))
            .any(|span| span.overlaps(token))
    }
}

/// Returns the rule that applies to a use that gets no finding, and why it gets none.
fn unread(one: &ImageUse, text: &str, rules: &RuleSet) -> Option<(Arc<str>, &'static str)> {
    let is_url = matches!(one.artifact, Artifact::Url | Artifact::ChartRepository);
    match one.usage {
        Usage::Unknown(reason) => rule_of_use(one, text, rules).map(|rule| (rule, reason)),
        usage if is_url && (usage.is_pull() || usage.is_link()) => rule_of_url(one, text, rules),
        Usage::Mention(_) if is_url => rule_of_registry(one, text, rules),
        _ => rule_of_folder(one, text, rules)
            .map(|rule| (rule, IS_FOLDER))
            .or_else(|| rule_behind_hole(one, text, rules)),
    }
}

/// Returns the rule for a name of Docker Hub behind a placeholder, which may be a registry: `${REGISTRY}/bitnami/redis`. Charts
/// are rendered to see what their placeholders are.
fn rule_behind_hole(
    one: &ImageUse,
    file: &str,
    rules: &RuleSet,
) -> Option<(Arc<str>, &'static str)> {
    let name = one
        .name
        .filter(|_| one.usage.is_pull() && one.registry.is_none())?;
    let hole = one
        .holes
        .iter()
        .rfind(|hole| hole.start == name.start && hole.end < name.end)?;
    let text = one.text(file);
    let is_of_chart = |hole: &str| hole.starts_with("{{") && hole.contains(['.', '"']);
    let rest = Span::new(hole.end, name.end)
        .of(text)
        .trim_start_matches('/');
    if is_of_chart(hole.of(text)) || rest.contains(['{', '$', '%', '<']) {
        return None;
    }
    let names: Vec<&str> = std::iter::once("docker.io")
        .chain(rest.split('/'))
        .collect();
    let rule = rule_of(&names, names.len(), Artifact::Image, rules)?;
    Some((rule, BEHIND_HOLE))
}

/// Returns the rule for a URL that may be a chart repository, or a registry that a proxy caches. `None` if a rule applies
/// to it as it is.
fn rule_of_url(one: &ImageUse, file: &str, rules: &RuleSet) -> Option<(Arc<str>, &'static str)> {
    let spelled = rewrite::spell(one, one.text(file))?;
    let (names, literal) = (spelled.names(), spelled.literal);
    let rule = |artifact| rule_of(&names, literal, artifact, rules);
    let is_judged = rule(one.artifact).is_some();
    let as_charts = || Some((rule(Artifact::ChartRepository)?, NO_CHART));
    let as_registry = || Some((rule(Artifact::Image)?, NO_IMAGE));
    match is_judged {
        true => None,
        false => as_charts().or_else(as_registry),
    }
}

/// Returns the rule for a registry in a URL that is only mentioned: `server: https://k8s.gcr.io`.
fn rule_of_registry(
    one: &ImageUse,
    file: &str,
    rules: &RuleSet,
) -> Option<(Arc<str>, &'static str)> {
    let spelled = rewrite::spell(one, one.text(file))?;
    let rule = rule_of(&spelled.names(), spelled.literal, Artifact::Image, rules)?;
    Some((rule, NO_IMAGE))
}

/// Returns the rule for a name without tag and digest that applies to it as a folder, if none applies to it as an image.
fn rule_of_folder(one: &ImageUse, file: &str, rules: &RuleSet) -> Option<Arc<str>> {
    let is_bare = matches!(one.tag, Tag::None | Tag::Elsewhere) && one.digest.is_none();
    if one.artifact != Artifact::Image || !is_bare || one.name.is_none() || one.may_be_folder {
        return None;
    }
    let spelled = rewrite::spell(one, one.text(file))?;
    let names = spelled.names();
    let query = |bare: bool| Query {
        segments: &names,
        literal: spelled.literal,
        bare,
        tag: TagState::Unknown,
        digest: None,
        artifact: one.artifact,
        chart: None,
    };
    let as_image = rules.verdict(&query(false));
    let as_folder = as_image.is_none().then(|| rules.verdict(&query(true)));
    Some(Arc::from(as_folder??.rule.id.as_str()))
}

fn rule_of_use(one: &ImageUse, file: &str, rules: &RuleSet) -> Option<Arc<str>> {
    let spelled = rewrite::spell(one, one.text(file))?;
    rule_of(&spelled.names(), spelled.literal, one.artifact, rules)
}

fn rule_of(
    names: &[&str],
    literal: usize,
    artifact: Artifact,
    rules: &RuleSet,
) -> Option<Arc<str>> {
    let query = Query {
        segments: names,
        literal,
        bare: true,
        tag: TagState::Unknown,
        digest: None,
        artifact,
        chart: None,
    };
    let rule = rules.mentions(&query)?;
    Some(Arc::from(rule.id.as_str()))
}

/// Returns the characters of a reference around an offset; in a regular expression, backslashes included.
fn token_at(text: &str, offset: usize) -> Span {
    let bytes = text.as_bytes();
    let is_pattern = bytes.get(offset) == Some(&b'\\');
    let in_token = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'.' | b'-' | b'_' | b'/' | b':' | b'@')
            || is_pattern && *byte == b'\\'
    };
    let before = bytes[..offset]
        .iter()
        .rev()
        .take_while(|byte| in_token(byte));
    let after = bytes[offset..].iter().take_while(|byte| in_token(byte));
    let start = offset - before.count();
    // The `22` of `%22k8s.gcr.io%2Fpause` in a URL is not part of the host.
    let is_encoded = bytes[..start].ends_with(b"%") && offset >= start + 2;
    Span::new(start + 2 * usize::from(is_encoded), offset + after.count())
}

/// Returns the rule for the host at the start of a token.
fn rule_of_host(token: &str, rules: &RuleSet) -> Option<Arc<str>> {
    match token.split_once("://") {
        // Asking for a chart repository also finds the rules for other URLs.
        Some((_, rest)) => rule_of_name(rest, Artifact::ChartRepository, rules)
            .or_else(|| rule_of_name(rest, Artifact::Image, rules)),
        None => rule_of_name(behind_words(token), Artifact::Image, rules),
    }
}

/// Returns the rule for a regular expression, which may begin with a command: `s/k8s\.gcr\.io/registry.k8s.io/`.
fn rule_in_pattern(token: &str, rules: &RuleSet) -> Option<Arc<str>> {
    const MOST: usize = 4;
    let starts = token.match_indices('/').map(|(at, _)| at + 1);
    let mut starts = std::iter::once(0).chain(starts).take(MOST);
    starts.find_map(|start| {
        let host = token[start..].split('/').next().unwrap_or_default();
        host.contains('\\')
            .then(|| rule_of_host(&token[start..].replace('\\', ""), rules))
            .flatten()
    })
}

/// Removes words at the start of a token: `regex:k8s.gcr.io`, `me@k8s.gcr.io`.
fn behind_words(token: &str) -> &str {
    let is_mark = |letter: char| !letter.is_ascii_alphanumeric() && letter != '/';
    let mut rest = token.trim_start_matches(is_mark);
    while let Some((word, behind)) = rest.split_once([':', '@']) {
        let behind = behind.trim_start_matches(is_mark);
        let host = behind.split(['/', ':', '@']).next().unwrap_or_default();
        if word.contains(['.', '/']) || !image::is_registry_host(host) {
            break;
        }
        rest = behind;
    }
    rest
}

fn rule_of_name(name: &str, artifact: Artifact, rules: &RuleSet) -> Option<Arc<str>> {
    let name = name.trim_end_matches(['.', ':', '/']);
    // `k8s.gcr.io:mirror.example.com` in a table, but not a port
    let name = match name.split_once(':') {
        Some((host, rest))
            if !host.contains('/') && !rest.starts_with(|letter: char| letter.is_ascii_digit()) =>
        {
            host
        }
        _ => name,
    };
    let mut names: Vec<&str> = name.split('/').collect();
    // `@@REGISTRY|k8s.gcr.io@@`
    names[0] = names[0].split('@').next().unwrap_or_default();
    let host = image::canonical_host(names.first().copied());
    if !image::is_registry_host(names[0]) {
        return None;
    }
    names[0] = &host;
    rule_of(&names, names.len(), artifact, rules)
}
