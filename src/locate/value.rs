//! One scalar on one line: a reference, a registry, a URL, or words with references among them.

use super::reference::{self, Reference};
use super::role::Role;
use super::tree::{Place, Walk};
use super::{Site, TagAt, Trust, keys, text};
use crate::artifact::Artifact;
use crate::source::Span;
use crate::syntax::yaml::{Map, Scalar};

pub(super) const BELOW_A_MATCH: &str = "the place holds what is matched, allowed or mirrored";
const NO_IMAGE_KEY: &str = "nothing here says that an image is pulled from it";
pub(super) const PUSHED: &str = "images are pushed there, not pulled";

impl Walk<'_> {
    pub(super) fn scalar(&mut self, scalar: &Scalar<'_>, place: Place<'_>) {
        let shown = scalar.span.of(self.text);
        if place.is_root() && self.depth == 0 && !self.actions.is_empty() {
            self.rendered_hosts(scalar.span, place);
        }
        if scalar.is_block() || shown.contains('\n') {
            self.embedded(scalar, place);
            return;
        }
        let Some(span) = self.verbatim(scalar) else {
            self.tokens(scalar.span, place);
            return;
        };
        if span.is_empty() {
            return;
        }
        if let Some(site) = self.url(span, place) {
            self.sites.push(site);
            return;
        }
        let blanks = span.of(self.masked).contains(char::is_whitespace);
        if blanks && place.key == "name" {
            // A title: of a task, of a step.
            return;
        }
        if keys::is_registry(place.key) && self.bare_host(span, place) {
            return;
        }
        let reference = if blanks {
            None
        } else {
            reference::read(self.masked, span, self.actions)
        };
        match reference {
            Some(reference) if reference.hosted => {
                let trust = self.trust(&reference, place);
                self.sites
                    .push(reference.into_site(trust, shape_of(place.key)));
            }
            Some(reference) if self.is_docker_hub(&reference, place) => {
                let trust = self.below(place).unwrap_or(self.pull());
                self.sites
                    .push(reference.into_site(trust, shape_of(place.key)));
            }
            Some(_) | None if self.bare_host(span, place) => {}
            _ => self.tokens(span, place),
        }
    }

    /// Mentions win over everything that the key says.
    fn below(&self, place: Place<'_>) -> Option<Trust> {
        let reason = place
            .mention
            .or_else(|| keys::is_mention_of_scalar(place.key).then_some(BELOW_A_MATCH));
        reason.map(Trust::Mention)
    }

    fn trust(&self, reference: &Reference, place: Place<'_>) -> Trust {
        if let Some(mention) = self.below(place) {
            return mention;
        }
        if self.role == Role::Kustomization && place.parent == "images" && place.key == "name" {
            return Trust::Shown("it selects what a base names, and must follow it");
        }
        if self.role == Role::CloudBuild && place.key == "images" || place.parent == "artifacts" {
            return Trust::Mention(PUSHED);
        }
        let in_image = keys::is_image(place.key)
            || keys::repository_stem(place.key).is_some() && place.key != "name"
            || keys::is_image(place.parent)
                && (place.in_list || place.key == "name" || place.key == "reference")
            || matches!(
                place.key,
                "newname" | "uses" | "args" | "command" | "arg" | "chart"
            )
            || self.role == Role::CloudBuild && place.parent == "steps" && place.key == "name";
        if in_image || reference.is_pinned() || reference.chart {
            self.pull()
        } else {
            Trust::Mention(NO_IMAGE_KEY)
        }
    }

    /// A name without host is an image of Docker Hub only where nothing but an image can stand.
    fn is_docker_hub(&self, reference: &Reference, place: Place<'_>) -> bool {
        let path_like =
            reference.name.of(self.masked).contains('/') || keys::is_image_alone(place.key);
        let keyed = match place.key {
            "newname" => self.role == Role::Kustomization,
            "name" => matches!(place.parent, "image" | "services") && reference.is_pinned(),
            "repository" | "repo" => place_is_image(place) && self.role == Role::Plain,
            "images" => reference.is_pinned() && place.in_list,
            key => keys::is_image_alone(key) && !place.in_list,
        };
        keyed
            && path_like
            && !reference.chart
            && !reference
                .name
                .of(self.masked)
                .starts_with(super::text::STAND_INS)
    }

    /// `imageRegistry: k8s.gcr.io`
    fn bare_host(&mut self, span: Span, place: Place<'_>) -> bool {
        let Some(registry) = reference::read_registry(self.masked, span) else {
            return false;
        };
        let holes = reference::readable(self.masked, span, self.actions).holes;
        if !keys::is_bare_host(place.key) || !holes.is_empty() {
            if place.mention.is_some() {
                self.push_registry(
                    registry,
                    Trust::Mention(place.mention.unwrap_or(BELOW_A_MATCH)),
                );
            }
            return place.mention.is_some();
        }
        let alone = place.key == "registry";
        let at_home = !alone
            || keys::is_image(place.parent)
            || matches!(
                place.parent,
                "global" | "defaults" | "" | "default" | "spec" | "controller"
            );
        let trust = match self.below(place) {
            Some(mention) => mention,
            None if at_home => self.pull(),
            None => Trust::Mention(NO_IMAGE_KEY),
        };
        self.push_registry(registry, trust);
        true
    }

    /// The lines of a `define` that are a registry and nothing else: all that the template comes to, or that a branch of
    /// it does.
    fn rendered_hosts(&mut self, span: Span, place: Place<'_>) {
        let mut at = span.start;
        for line in span.of(self.text).split_inclusive('\n') {
            let start = at + line.len() - line.trim_start().len();
            at += line.len();
            let whole = Span::new(start, start + line.trim().len());
            let registry = reference::read_registry(self.text, whole);
            let is_host = |span: &Span| {
                let in_action = self.actions.iter().any(|one| one.span.overlaps(*span));
                !span.of(self.text).contains('/') && !in_action
            };
            if let Some(registry) = registry.filter(is_host) {
                let trust = place.mention.map_or(self.pull(), Trust::Mention);
                self.push_registry(registry, trust);
            }
        }
    }

    fn push_registry(&mut self, registry: Span, trust: Trust) {
        self.sites
            .push(Site::of_registry(registry, trust, "registry"));
    }

    /// Chart repositories by the keys that hold them; other URLs wherever they are fetched.
    fn url(&self, span: Span, place: Place<'_>) -> Option<Site> {
        let slice = span.of(self.masked);
        let http = slice.starts_with("https://") || slice.starts_with("http://");
        let oci = slice.starts_with("oci://");
        let repository = matches!(
            place.key,
            "repository"
                | "repo"
                | "repourl"
                | "url"
                | "chartrepository"
                | "charturl"
                | "chart"
                | "registry"
                | "repositoryurl"
        );
        let whole = (http || oci && repository) && !slice.contains(char::is_whitespace);
        if !whole {
            return None;
        }
        let kind = match (http, repository) {
            (true, true) => Artifact::ChartRepository,
            (true, false) => Artifact::Url,
            (false, _) => Artifact::Chart,
        };
        let chart = place
            .siblings
            .and_then(|map| map.text("chart").or_else(|| chart_beside(map, place)));
        let tagged = if oci {
            reference::read(self.masked, span, self.actions)
        } else {
            None
        };
        let version = place
            .siblings
            .and_then(|map| map.get("version"))
            .map(|node| self.tag_piece(node));
        let (name, tag, digest) = match tagged {
            Some(Reference {
                tag: TagAt::None,
                digest: None,
                ..
            })
            | None => (span, version.unwrap_or(TagAt::Elsewhere), None),
            Some(read) => (Span::new(span.start, read.name.end), read.tag, read.digest),
        };
        let holes = reference::readable(self.masked, span, self.actions).holes;
        let history = matches!(
            place.key,
            "home" | "icon" | "sources" | "source" | "link" | "links" | "urls" | "ref"
        );
        let trust = match self.below(place) {
            Some(mention) => mention,
            None if history => Trust::Mention("a link for people"),
            None => self.pull(),
        };
        Some(Site {
            kind,
            registry: None,
            name: Some(name),
            tag,
            digest,
            chart: chart.map(str::to_owned),
            holes,
            trust,
            shape: "url",
        })
    }

    /// Words with references among them: arguments, commands, environment.
    pub(super) fn tokens(&mut self, span: Span, place: Place<'_>) {
        let mention = match self.below(place) {
            Some(Trust::Mention(reason)) => Some(reason),
            _ => self.role.mention(),
        };
        let found = text::scan(self.masked, span, self.actions, text::Prose::Arguments);
        self.sites.extend(found.into_iter().map(|mut site| {
            if let Some(reason) = mention {
                site.trust = Trust::Mention(reason);
            } else if let Role::Bound(reason) = self.role {
                site.trust = site.trust.min(Trust::Shown(reason));
            }
            site
        }));
    }
}

pub(super) fn place_is_image(place: Place<'_>) -> bool {
    let near = |key: &str| keys::is_image(key);
    let beside = |map: &Map<'_>| {
        map.entries.iter().any(|entry| {
            let key = keys::fold(entry.name().unwrap_or_default());
            key.contains("pullpolicy")
                || key.contains("pullsecrets")
                || key == "tag"
                || key.ends_with("imagetag")
        })
    };
    near(place.key) || near(place.parent) || place.siblings.is_some_and(beside)
}

/// The chart of a dependency: its `name`, where a version says that it is one.
fn chart_beside<'m>(map: &'m Map<'m>, place: Place<'_>) -> Option<&'m str> {
    let dependency =
        map.get("version").is_some() || matches!(place.parent, "dependencies" | "helmcharts");
    if dependency { map.text("name") } else { None }
}

fn shape_of(key: &str) -> &'static str {
    match key {
        "newname" => "newName",
        "args" | "command" => "argument",
        _ if keys::is_image(key) => "image",
        _ if keys::repository_stem(key).is_some() => "repository",
        _ => "reference",
    }
}
