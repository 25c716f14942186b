//! Values that are URLs: chart repositories, OCI charts, and files to fetch.

use super::super::context::Context;
use super::super::image_use::{ImageUse, Tag};
use super::super::input::Input;
use super::super::reference::{self, Reference};
use super::super::text;
use super::super::usage::{Certainty, LINK, Usage};
use super::super::words;
use super::{spoken_about, tag_piece};
use crate::artifact::Artifact;
use crate::image;
use crate::source::Span;
use crate::syntax::yaml::Map;

/// Reads a URL. The key decides whether it is a chart repository.
pub(super) fn read(context: &Context<'_>, span: Span) -> Option<ImageUse> {
    let Input {
        masked, actions, ..
    } = *context.input;
    let artifact = artifact(context.key, span.of(masked))?;
    let siblings = context.siblings;
    let chart = siblings.and_then(|map| {
        map.text("chart")
            .or_else(|| chart_beside(map, context.parent))
    });
    let (name, tag, digest) = pieces(context, span, artifact);
    let is_link = matches!(
        context.key,
        "home" | "icon" | "sources" | "source" | "link" | "links" | "urls" | "ref"
    );
    let usage = match spoken_about(context) {
        Some(usage) => usage,
        None if is_link && !is_below_registries(context) => Usage::Mention(LINK),
        None => context.pull(),
    };
    let is_followed = context.upwards().any(|above| above.key == "geturl");
    Some(ImageUse {
        follows_redirects: match is_followed {
            true => Certainty::Certain,
            false => Certainty::Likely(text::NOT_FETCHED),
        },
        name: Some(name),
        tag,
        digest,
        chart: chart.map(str::to_owned),
        holes: reference::readable(masked, span, actions).holes,
        ..ImageUse::new(artifact, usage, "url")
    })
}

/// Returns the registry in a URL, if something above lists registries, such as those that a proxy caches.
pub(super) fn registry(context: &Context<'_>, span: Span) -> Option<ImageUse> {
    let masked = context.input.masked;
    let url = span.of(masked);
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))?;
    let host = rest.trim_end_matches('/');
    let usage = spoken_about(context).filter(|usage| usage.is_of_registries())?;
    if !image::is_registry_host(host) || !is_below_registries(context) {
        return None;
    }
    let start = span.end - rest.len();
    let host = Span::new(start, start + host.len());
    Some(ImageUse::of_registry(host, usage, "registry"))
}

fn is_below_registries(context: &Context<'_>) -> bool {
    const WORDS: [&str; 3] = ["regist", "mirror", "remoteurl"];
    let lists = |key: &str| WORDS.iter().any(|word| key.contains(word));
    context.upwards().any(|above| lists(above.key))
}

/// Returns the artifact at a URL, by its scheme and key. `None` if the value is not exactly one URL.
fn artifact(key: &str, value: &str) -> Option<Artifact> {
    let http = value.starts_with("https://") || value.starts_with("http://");
    let oci = value.starts_with("oci://");
    let repository = matches!(
        key,
        "repository"
            | "repo"
            | "repourl"
            | "url"
            | "charturl"
            | "chart"
            | "registry"
            | "repositoryurl"
    ) || words::is_chart_repository(key);
    let whole = (http || oci && repository) && !value.contains(char::is_whitespace);
    whole.then_some(match (http, repository) {
        (true, true) => Artifact::ChartRepository,
        (true, false) => Artifact::Url,
        (false, _) => Artifact::Chart,
    })
}

/// Returns the name, tag and digest. An OCI chart's URL may contain tag and digest; otherwise the version beside it counts.
fn pieces(context: &Context<'_>, span: Span, artifact: Artifact) -> (Span, Tag, Option<Span>) {
    let Input {
        masked, actions, ..
    } = *context.input;
    let tagged = match artifact {
        Artifact::Chart => reference::read(masked, span, actions),
        _ => None,
    };
    let version = context
        .siblings
        .and_then(|map| map.get("version"))
        .map(|node| tag_piece(context.input, node));
    match tagged {
        Some(Reference {
            tag: Tag::None,
            digest: None,
            ..
        })
        | None => (span, version.unwrap_or(Tag::Elsewhere), None),
        Some(read) => (Span::new(span.start, read.name.end), read.tag, read.digest),
    }
}

/// Returns the `name` of a chart dependency: of a map that has a version, or is below a key for dependencies.
fn chart_beside<'m>(map: &'m Map<'m>, parent: &str) -> Option<&'m str> {
    let dependency =
        map.get("version").is_some() || matches!(parent, "dependencies" | "helmcharts");
    if dependency { map.text("name") } else { None }
}
