//! Sites in trees: a walk that knows under which keys it is, and what each document is for.

use std::path::Path;

use super::reference::{self, Reference};
use super::role::{self, Role};
use super::{Site, TagAt, Trust, View, comment, keys, text};
use crate::rules::Kind;
use crate::source::Span;
use crate::syntax::template::{self, Action, Mask};
use crate::syntax::yaml::{self, Entry, List, Map, Node, Scalar};

/// Documents inside scalars inside documents: deeper than this they are read as text.
const DEEPEST_EMBEDDING: usize = 4;

pub(super) fn sites(view: &View<'_>) -> Vec<Site> {
    let mut walk = Walk::new(view.path, view.text, view.masked, view.actions);
    let mut roles = Vec::new();
    for document in view.documents {
        walk.document(document);
        roles.push((extent(document), walk.role));
    }
    for span in view.comments {
        let place = roles.iter().rev().find(|(extent, _)| extent.start <= span.start).or(roles.first());
        let role = place.map_or(Role::Plain, |(_, role)| *role);
        walk.sites.extend(comment::site(view, *span, role));
    }
    walk.sites
}

fn extent(node: &Node<'_>) -> Span {
    match node {
        Node::Scalar(scalar) => scalar.span,
        Node::Map(map) => map.span,
        Node::List(list) => list.span,
        Node::Alias(span) => *span,
    }
}

/// Where the walk stands.
#[derive(Clone, Copy)]
struct Place<'p> {
    /// The key above, folded; of list items that of the list. Empty at the root.
    key: &'p str,
    /// The key above that one.
    parent: &'p str,
    /// The map that holds the value.
    siblings: Option<&'p Map<'p>>,
    in_list: bool,
    /// Set below a key whose values are only spoken about.
    mention: Option<&'static str>,
}

const ROOT: Place<'static> = Place {
    key: "",
    parent: "",
    siblings: None,
    in_list: false,
    mention: None,
};

const BELOW_A_MATCH: &str = "the place holds what is matched, allowed or mirrored";
const NO_IMAGE_KEY: &str = "nothing here says that an image is pulled from it";
const PUSHED: &str = "images are pushed there, not pulled";

pub(super) struct Walk<'w> {
    path: &'w Path,
    text: &'w str,
    masked: &'w str,
    actions: &'w [Action],
    role: Role,
    depth: usize,
    pub sites: Vec<Site>,
}

impl<'w> Walk<'w> {
    fn new(path: &'w Path, text: &'w str, masked: &'w str, actions: &'w [Action]) -> Self {
        Self {
            path,
            text,
            masked,
            actions,
            role: Role::Plain,
            depth: 0,
            sites: Vec::new(),
        }
    }

    fn document(&mut self, root: &Node<'_>) {
        self.role = role::of_document(root, self.path);
        let mention = self.role.mention();
        self.node(root, Place { mention, ..ROOT });
    }

    fn node(&mut self, node: &Node<'_>, place: Place<'_>) {
        match node {
            Node::Scalar(scalar) => self.scalar(scalar, place),
            Node::Map(map) => self.map(map, place),
            Node::List(list) => self.list(list, place),
            Node::Alias(_) => {}
        }
    }

    fn list(&mut self, list: &List<'_>, place: Place<'_>) {
        let pushes = |node: &Node<'_>| node.as_scalar().is_some_and(|scalar| scalar.value == "push");
        let mention = place.mention.or_else(|| list.items.iter().any(pushes).then_some(PUSHED));
        for item in &list.items {
            let place = Place {
                in_list: true,
                mention,
                ..place
            };
            self.node(item, place);
        }
    }

    fn map(&mut self, map: &Map<'_>, place: Place<'_>) {
        let folded: Vec<String> = map.entries.iter().map(|entry| keys::fold(entry.name().unwrap_or_default())).collect();
        let split = self.splits(map, &folded, place);
        for (index, entry) in map.entries.iter().enumerate() {
            let key = folded[index].as_str();
            if split.contains(&index) || keys::is_prose(key) {
                continue;
            }
            let named = effective_key(map, key);
            let key = named.as_deref().unwrap_or(key);
            let parent = if named.is_some() { self.parent_in_name(map) } else { None };
            let mirrored = key == "registry" && folded.iter().any(|key| keys::is_mirror_sibling(key));
            let mention = place.mention.or((keys::is_mention(key) || mirrored).then_some(BELOW_A_MATCH));
            let inner = Place {
                key,
                parent: parent.as_deref().unwrap_or(place.key),
                siblings: Some(map),
                in_list: false,
                mention,
            };
            self.node(&entry.value, inner);
        }
    }

    /// Of `name: image.registry` beside `value:` the part before the last.
    fn parent_in_name(&self, map: &Map<'_>) -> Option<String> {
        let name = map.text("name")?;
        let (head, _) = name.rsplit_once('.')?;
        Some(keys::fold(head))
    }

    /// Finds images that are spread over the entries of a map. Gives the entries that are dealt with.
    fn splits(&mut self, map: &Map<'_>, folded: &[String], place: Place<'_>) -> Vec<usize> {
        let mut used = Vec::new();
        if place.mention.is_some() || matches!(self.role, Role::Chart | Role::Kustomization) && place.key == "images" {
            return used;
        }
        for (index, key) in folded.iter().enumerate() {
            let Some(stem) = keys::repository_stem(key) else {
                continue;
            };
            let beside = |wanted: fn(&str, &str) -> bool| {
                let own = folded.iter().position(|other| other != key && other.starts_with(stem) && wanted(other, stem));
                own.or_else(|| folded.iter().position(|other| other != key && wanted(other, stem)))
            };
            let registry = beside(keys::is_registry_beside);
            let tag = beside(keys::is_tag_beside);
            let digest = beside(keys::is_digest_beside);
            let in_image = keys::is_image(place.key) || keys::is_image(key);
            if registry.is_none() && tag.is_none() && digest.is_none() {
                continue;
            }
            let value = |at: Option<usize>| at.map(|at| &map.entries[at].value);
            let parts = Parts {
                name: &map.entries[index],
                key,
                registry: value(registry),
                tag: value(tag),
                digest: value(digest),
                in_image,
            };
            if let Some(site) = self.split_site(&parts, place) {
                self.sites.push(site);
                used.push(index);
                used.extend(registry);
            }
        }
        used
    }

    fn split_site(&self, parts: &Parts<'_>, place: Place<'_>) -> Option<Site> {
        let name = self.verbatim(parts.name.value.as_scalar()?)?;
        let whole = reference::read(self.masked, name, self.actions)?;
        if whole.chart {
            return None;
        }
        let registry = match parts.registry {
            None => None,
            Some(node) => match self.registry_piece(node) {
                Registry::Empty => None,
                Registry::Known(span) => Some(span),
                // A registry that a template or an alias puts in: only a name that has its own host can be read.
                Registry::Unknown => return whole.hosted.then(|| self.finish_split(parts, whole, None)),
            },
        };
        let bare_name = parts.key == "name" && registry.is_none();
        let plausible = match (registry, whole.hosted) {
            (_, true) => !bare_name || parts.in_image || whole_name_is_image(parts),
            (Some(_), false) => true,
            (None, false) => {
                let described = parts.tag.is_some() || parts.digest.is_some();
                let keyed = keys::is_image_alone(parts.key) || place_is_image(place);
                keyed && (described || parts.registry.is_some()) && self.role != Role::Workflow
            }
        };
        plausible.then(|| self.finish_split(parts, whole, registry))
    }

    fn finish_split(&self, parts: &Parts<'_>, whole: Reference, registry: Option<Span>) -> Site {
        let tag = match (whole.tag, parts.tag) {
            (TagAt::None, Some(node)) => self.tag_piece(node),
            // A chart's template puts its own version where no tag is given.
            (TagAt::None, None) => match parts.key {
                "image" if registry.is_none() => TagAt::None,
                _ => TagAt::Elsewhere,
            },
            (tag, _) => tag,
        };
        let digest = whole.digest.or_else(|| {
            let scalar = parts.digest?.as_scalar()?;
            self.verbatim(scalar).filter(|span| !span.is_empty())
        });
        let shape = match (registry, tag) {
            (Some(_), _) => "registry + repository",
            (None, TagAt::At(span)) if span.start > whole.name.end + 1 => "repository + tag",
            _ => "repository",
        };
        let mut site = whole.into_site(self.pull(), shape);
        site.registry = registry;
        site.tag = tag;
        site.digest = digest;
        site
    }

    fn registry_piece(&self, node: &Node<'_>) -> Registry {
        let Some(scalar) = node.as_scalar() else {
            return Registry::Unknown;
        };
        if scalar.value.is_empty() || matches!(scalar.value.as_ref(), "~" | "null") {
            return Registry::Empty;
        }
        let Some(span) = self.verbatim(scalar) else {
            return Registry::Unknown;
        };
        let trimmed = span.of(self.masked).trim_end_matches('/');
        let readable = reference::readable(self.masked, span, self.actions);
        let plain = readable.holes.is_empty()
            && !trimmed.is_empty()
            && trimmed.split('/').all(|part| {
                let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':');
                !part.is_empty() && part.bytes().all(letters)
            });
        if plain {
            Registry::Known(Span::new(span.start, span.start + trimmed.len()))
        } else {
            Registry::Unknown
        }
    }

    fn tag_piece(&self, node: &Node<'_>) -> TagAt {
        let Some(scalar) = node.as_scalar() else {
            return TagAt::Elsewhere;
        };
        let Some(span) = self.verbatim(scalar) else {
            return TagAt::Elsewhere;
        };
        let holes = reference::readable(self.masked, span, self.actions).holes;
        let written = holes.is_empty() && crate::image::is_tag(span.of(self.masked));
        if written && !matches!(scalar.value.as_ref(), "~" | "null") {
            TagAt::At(span)
        } else {
            TagAt::Elsewhere
        }
    }

    /// The span of a scalar whose text is its value, and that stands on one line.
    fn verbatim(&self, scalar: &Scalar<'_>) -> Option<Span> {
        let one_line = !scalar.is_block() && !scalar.span.of(self.text).contains('\n');
        (one_line && scalar.is_verbatim(self.masked)).then_some(scalar.span)
    }

    /// How sure a site is in a document of this role.
    fn pull(&self) -> Trust {
        match self.role {
            Role::Mention(reason) => Trust::Mention(reason),
            Role::Bound(reason) => Trust::Shown(reason),
            _ => Trust::Pull,
        }
    }

    fn scalar(&mut self, scalar: &Scalar<'_>, place: Place<'_>) {
        let shown = scalar.span.of(self.text);
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
        if keys::is_registry(place.key) && self.bare_host(span, place) {
            return;
        }
        let blanks = span.of(self.masked).contains(char::is_whitespace);
        let reference = if blanks { None } else { reference::read(self.masked, span, self.actions) };
        match reference {
            Some(reference) if reference.hosted => {
                let trust = self.trust(&reference, place);
                self.sites.push(reference.into_site(trust, shape_of(place.key)));
            }
            Some(reference) if self.is_docker_hub(&reference, place) => {
                let trust = self.below(place).unwrap_or(self.pull());
                self.sites.push(reference.into_site(trust, shape_of(place.key)));
            }
            Some(_) | None if self.bare_host(span, place) => {}
            _ => self.tokens(span, place),
        }
    }

    /// Mentions win over everything that the key says.
    fn below(&self, place: Place<'_>) -> Option<Trust> {
        let reason = place.mention.or_else(|| keys::is_mention_of_scalar(place.key).then_some(BELOW_A_MATCH));
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
            || keys::is_image(place.parent) && (place.in_list || place.key == "name" || place.key == "reference")
            || matches!(place.key, "newname" | "uses" | "args" | "command" | "arg" | "chart")
            || self.role == Role::CloudBuild && place.parent == "steps" && place.key == "name";
        if in_image || reference.is_pinned() || reference.chart {
            self.pull()
        } else {
            Trust::Mention(NO_IMAGE_KEY)
        }
    }

    /// A name without host is an image of Docker Hub only where nothing but an image can stand.
    fn is_docker_hub(&self, reference: &Reference, place: Place<'_>) -> bool {
        let path_like = reference.name.of(self.masked).contains('/') || keys::is_image_alone(place.key);
        let keyed = match place.key {
            "newname" => self.role == Role::Kustomization,
            "name" => matches!(place.parent, "image" | "services") && reference.is_pinned(),
            "repository" | "repo" => place_is_image(place) && self.role == Role::Plain,
            "images" => reference.is_pinned() && place.in_list,
            key => keys::is_image_alone(key) && !place.in_list,
        };
        keyed && path_like && !reference.chart && !reference.name.of(self.masked).starts_with(super::text::STAND_INS)
    }

    /// `imageRegistry: k8s.gcr.io`
    fn bare_host(&mut self, span: Span, place: Place<'_>) -> bool {
        let Some(registry) = reference::read_registry(self.masked, span) else {
            return false;
        };
        let holes = reference::readable(self.masked, span, self.actions).holes;
        if !keys::is_bare_host(place.key) || !holes.is_empty() {
            if place.mention.is_some() {
                self.push_registry(registry, Trust::Mention(place.mention.unwrap_or(BELOW_A_MATCH)));
            }
            return place.mention.is_some();
        }
        let alone = place.key == "registry";
        let at_home = !alone
            || keys::is_image(place.parent)
            || matches!(place.parent, "global" | "defaults" | "" | "default" | "spec" | "controller");
        let trust = match self.below(place) {
            Some(mention) => mention,
            None if at_home => self.pull(),
            None => Trust::Mention(NO_IMAGE_KEY),
        };
        self.push_registry(registry, trust);
        true
    }

    fn push_registry(&mut self, registry: Span, trust: Trust) {
        self.sites.push(Site {
            kind: Kind::Image,
            registry: Some(registry),
            name: None,
            tag: TagAt::Elsewhere,
            digest: None,
            chart: None,
            holes: Vec::new(),
            trust,
            shape: "registry",
        });
    }

    /// Chart repositories by the keys that hold them; other URLs wherever they are fetched.
    fn url(&self, span: Span, place: Place<'_>) -> Option<Site> {
        let slice = span.of(self.masked);
        let http = slice.starts_with("https://") || slice.starts_with("http://");
        let oci = slice.starts_with("oci://");
        let repository = matches!(
            place.key,
            "repository" | "repo" | "repourl" | "url" | "chartrepository" | "charturl" | "chart" | "registry" | "repositoryurl"
        );
        let whole = (http || oci && repository) && !slice.contains(char::is_whitespace);
        if !whole {
            return None;
        }
        let kind = match (http, repository) {
            (true, true) => Kind::ChartRepository,
            (true, false) => Kind::Url,
            (false, _) => Kind::Chart,
        };
        let chart = place.siblings.and_then(|map| map.text("chart").or_else(|| chart_beside(map, place)));
        let tagged = if oci { reference::read(self.masked, span, self.actions) } else { None };
        let version = place.siblings.and_then(|map| map.get("version")).map(|node| self.tag_piece(node));
        let (name, tag, digest) = match tagged {
            Some(Reference { tag: TagAt::None, digest: None, .. }) | None => {
                (span, version.unwrap_or(TagAt::Elsewhere), None)
            }
            Some(read) => (Span::new(span.start, read.name.end), read.tag, read.digest),
        };
        let holes = reference::readable(self.masked, span, self.actions).holes;
        let history = matches!(place.key, "home" | "icon" | "sources" | "source" | "link" | "links" | "urls" | "ref");
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
    fn tokens(&mut self, span: Span, place: Place<'_>) {
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

    /// A scalar of several lines: YAML or JSON inside YAML where it parses as such, else text.
    fn embedded(&mut self, scalar: &Scalar<'_>, place: Place<'_>) {
        let start = self.text[..scalar.span.start].rfind('\n').map_or(0, |newline| newline + 1);
        let blank_before = self.text[start..scalar.span.start].trim().is_empty();
        let region = if blank_before { Span::new(start, scalar.span.end) } else { scalar.span };
        let structured = scalar.style == yaml::Style::Literal && blank_before && self.depth < DEEPEST_EMBEDDING;
        if structured && place.mention.is_none() && self.embedded_documents(region) {
            return;
        }
        if place.mention.is_some() || !structured_text(place.key) {
            self.tokens_of_prose(region, place);
        } else {
            self.tokens(region, place);
        }
    }

    fn tokens_of_prose(&mut self, region: Span, place: Place<'_>) {
        let before = self.sites.len();
        self.tokens(region, place);
        for site in &mut self.sites[before..] {
            if place.mention.is_none() && site.tag == TagAt::None && site.digest.is_none() {
                site.trust = site.trust.min(Trust::Likely("it stands in free text"));
            }
        }
    }

    /// Walks the documents inside a block scalar. `false` where they are none.
    fn embedded_documents(&mut self, region: Span) -> bool {
        let within = |action: &&Action| region.covers(action.span);
        let actions: Vec<Action> = self.actions.iter().filter(within).map(|action| action.back(region.start)).collect();
        if self.inner_documents(region, region.of(self.masked), &actions) {
            return true;
        }
        let actions = template::actions(region.of(self.masked));
        let masked = template::mask(region.of(self.masked), &actions, Mask::Lines);
        !actions.is_empty() && self.inner_documents(region, &masked, &actions)
    }

    fn inner_documents(&mut self, region: Span, masked: &str, actions: &[Action]) -> bool {
        let parts = split_documents(masked);
        let parsed: Vec<_> = parts.iter().map(|part| yaml::parse(masked, *part)).collect();
        let documents = || parsed.iter().flat_map(|parsed| &parsed.documents);
        let structured = |node: &Node<'_>| matches!(node, Node::Map(_) | Node::List(_));
        let broken = parsed.iter().any(|parsed| !parsed.errors.is_empty());
        if broken || documents().next().is_none() || !documents().all(structured) {
            return false;
        }
        let view = View {
            path: Path::new(""),
            text: region.of(self.text),
            masked,
            actions,
            documents: &[],
            comments: &[],
            unparsed: &[],
        };
        let mut inner = Walk::new(view.path, view.text, masked, actions);
        inner.depth = self.depth + 1;
        for parsed in &parsed {
            for document in &parsed.documents {
                let own = role::of_document(document, view.path);
                inner.role = if own == Role::Plain && !self.role.is_of_file() { self.role } else { own };
                inner.node(document, Place { mention: inner.role.mention(), ..ROOT });
            }
            for span in &parsed.comments {
                inner.sites.extend(comment::site(&view, *span, inner.role));
            }
        }
        self.sites.extend(inner.sites.into_iter().map(|site| site.shift(region.start)));
        true
    }
}

/// The entries that together may spell an image.
struct Parts<'p> {
    name: &'p Entry<'p>,
    key: &'p str,
    registry: Option<&'p Node<'p>>,
    tag: Option<&'p Node<'p>>,
    digest: Option<&'p Node<'p>>,
    in_image: bool,
}

enum Registry {
    Empty,
    Known(Span),
    Unknown,
}

/// `name: k8s.gcr.io/pause` beside `tag:` is an image whatever the map is called; beside `version:` alone it may be a
/// chart or a label.
fn whole_name_is_image(parts: &Parts<'_>) -> bool {
    parts.tag.is_some() || parts.digest.is_some()
}

fn place_is_image(place: Place<'_>) -> bool {
    let near = |key: &str| keys::is_image(key);
    let beside = |map: &Map<'_>| {
        map.entries.iter().any(|entry| {
            let key = keys::fold(entry.name().unwrap_or_default());
            key.contains("pullpolicy") || key.contains("pullsecrets") || key == "tag" || key.ends_with("imagetag")
        })
    };
    near(place.key) || near(place.parent) || place.siblings.is_some_and(beside)
}

/// `value:` is what its sibling `name:` calls it: an environment variable, a parameter.
fn effective_key(map: &Map<'_>, key: &str) -> Option<String> {
    (key == "value").then(|| map.text("name").or_else(|| map.text("key")).map(keys::fold)).flatten()
}

/// The chart of a dependency: its `name`, where a version says that it is one.
fn chart_beside<'m>(map: &'m Map<'m>, place: Place<'_>) -> Option<&'m str> {
    let dependency = map.get("version").is_some() || matches!(place.parent, "dependencies" | "helmcharts");
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

/// Keys whose text is run or read by a program.
fn structured_text(key: &str) -> bool {
    const ENDS: [&str; 18] = [
        "args", "command", "commands", "run", "script", "cmd", "before", "after", "data", "yaml", "yml", "json", "toml",
        "conf", "cfg", "ini", "sh", "properties",
    ];
    ENDS.iter().any(|end| key.ends_with(end)) || key.is_empty()
}

/// The documents of a block scalar: its lines `---` are indented, and so no marks to a parser.
fn split_documents(text: &str) -> Vec<Span> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        if line.trim() == "---" {
            parts.push(Span::new(start, at));
            start = at + line.len();
        }
        at += line.len();
    }
    parts.push(Span::new(start, text.len()));
    parts.retain(|part| !part.of(text).trim().is_empty());
    parts
}
