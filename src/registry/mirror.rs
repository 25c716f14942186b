//! Moving images to a mirror: which image is copied where, and input for the tools that copy images or pull from the mirror.
//!
//! Pure: names in, text out. Copies nothing and makes no connections. Everything that ends up in a script or a configuration
//! was parsed as a reference first, so nothing needs quoting.

mod copy;
mod harbor;
mod nodes;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::image::{self, ImageRef};

/// The distribution specification's limit for a repository name with its host.
const LONGEST_NAME: usize = 255;

/// A complete reference in canonical spelling: `docker.io/library/nginx:latest`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    pub host: String,
    pub path: String,
    pub tag: Option<String>,
    pub digest: Option<String>,
}

impl Reference {
    /// Parses a reference. `None` if it is not complete. Without a tag and a digest, the tag is `latest`.
    pub fn parse(text: &str) -> Option<Self> {
        let image = ImageRef::parse(text)?;
        let full = image::canonical(image.host, image.path);
        let (host, path) = full.split_once('/')?;
        let latest = || image.digest.is_none().then(|| "latest".to_owned());
        Some(Self {
            host: host.to_owned(),
            path: path.to_owned(),
            tag: image.tag.map(str::to_owned).or_else(latest),
            digest: image.digest.map(str::to_owned),
        })
    }

    /// Host and path.
    pub fn repository(&self) -> String {
        format!("{}/{}", self.host, self.path)
    }

    /// The reference to copy from: by digest if there is one.
    fn exact(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => format!("{}@{digest}", self.repository()),
            (None, Some(tag)) => format!("{}:{tag}", self.repository()),
            (None, None) => self.repository(),
        }
    }

    /// The reference to copy to: by tag if there is one.
    fn stored(&self) -> String {
        match &self.tag {
            Some(tag) => format!("{}:{tag}", self.repository()),
            None => self.exact(),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.repository())?;
        if let Some(tag) = &self.tag {
            write!(out, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(out, "@{digest}"),
            None => Ok(()),
        }
    }
}

/// The destination of images: `HOST[:PORT][/PREFIX]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    pub host: String,
    /// Without leading and trailing slashes; may be empty.
    pub prefix: String,
    /// Whether it uses plain HTTP.
    pub plain: bool,
}

impl Destination {
    /// Parses a destination.
    ///
    /// # Errors
    /// If the text is not a registry.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (plain, rest) = match text.split_once("://") {
            Some(("http", rest)) => (true, rest),
            Some(("https", rest)) => (false, rest),
            Some(_) => return Err(format!("`{text}` is neither http nor https")),
            None => (false, text),
        };
        let name = rest.trim_end_matches('/');
        let (host, prefix) = name.split_once('/').unwrap_or((name, ""));
        let whole = format!("{name}/x");
        let parsed = ImageRef::parse(&whole).filter(|image| image.host == Some(host));
        match parsed {
            Some(_) if image::is_registry_host(host) => Ok(Self {
                host: host.to_ascii_lowercase(),
                prefix: prefix.to_owned(),
                plain,
            }),
            _ => Err(format!(
                "`{text}` is not a registry with or without a path, like `mirror.example.com/team`"
            )),
        }
    }

    /// Whether an image is already at the destination.
    pub fn holds(&self, reference: &Reference) -> bool {
        let below = reference.path.strip_prefix(&self.prefix);
        reference.host == self.host
            && below.is_some_and(|rest| self.prefix.is_empty() || rest.starts_with('/'))
    }

    /// The path of a repository at the destination. The source host is the first segment, so that repositories do not collide.
    fn path_of(&self, source: &Reference) -> String {
        let host = source.host.replace(['[', ']'], "").replace(':', "-");
        let segments = [self.prefix.as_str(), &host, &source.path];
        let segments = segments.into_iter().filter(|segment| !segment.is_empty());
        segments.collect::<Vec<_>>().join("/")
    }

    fn scheme(&self) -> &'static str {
        if self.plain { "http" } else { "https" }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix.as_str() {
            "" => out.write_str(&self.host),
            prefix => write!(out, "{}/{prefix}", self.host),
        }
    }
}

/// An image and its names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Move {
    /// The reference as manifests spell it.
    pub written: Reference,
    /// The reference to copy from: `written`, or its replacement.
    pub source: Reference,
    /// The reference at the mirror.
    pub target: Reference,
}

/// An image that is not moved, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    pub image: String,
    pub reason: String,
}

/// The images to move and those left out.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Sorted, without duplicates.
    pub moves: Vec<Move>,
    pub left_out: Vec<LeftOut>,
}

/// Plans the moves of images, each with its replacement if there is one. Skips images that are already at the destination.
pub fn plan(to: &Destination, images: impl IntoIterator<Item = (String, Option<String>)>) -> Plan {
    let (mut moves, mut left_out) = (BTreeSet::new(), BTreeSet::new());
    for (image, replacement) in images {
        let mut leave = |reason: &str| {
            left_out.insert(LeftOut {
                image: image.clone(),
                reason: reason.to_owned(),
            });
        };
        let Some(written) = Reference::parse(&image) else {
            leave("it is not a complete image reference");
            continue;
        };
        if to.holds(&written) {
            continue;
        }
        let replacement = replacement.map(|text| Reference::parse(&text));
        let source = match replacement {
            Some(Some(source)) => source,
            Some(None) => {
                leave("its replacement is not a complete image reference");
                continue;
            }
            None => written.clone(),
        };
        let target = Reference {
            host: to.host.clone(),
            path: to.path_of(&source),
            ..source.clone()
        };
        if target.repository().len() > LONGEST_NAME
            || ImageRef::parse(&target.to_string()).is_none()
        {
            leave("its name at the mirror would be too long or malformed");
            continue;
        }
        moves.insert(Move {
            written,
            source,
            target,
        });
    }
    Plan {
        moves: moves.into_iter().collect(),
        left_out: left_out.into_iter().collect(),
    }
}

/// The output of a format.
#[derive(Debug, PartialEq, Eq)]
pub struct Emitted {
    pub text: String,
    /// Images that the format cannot express.
    pub left_out: Vec<LeftOut>,
}

/// One output format.
pub struct Format {
    pub name: &'static str,
    pub about: &'static str,
    pub emit: fn(&Destination, &[Move]) -> Emitted,
}

/// All formats: first those that copy, then those that make nodes pull from the mirror.
pub static FORMATS: &[Format] = &[
    Format {
        name: "crane",
        about: "a script of `crane copy`",
        emit: copy::crane,
    },
    Format {
        name: "skopeo",
        about: "a script of `skopeo copy`",
        emit: copy::skopeo,
    },
    Format {
        name: "regsync",
        about: "the configuration of regsync",
        emit: copy::regsync,
    },
    Format {
        name: "skopeo-sync",
        about: "the YAML of `skopeo sync`",
        emit: copy::skopeo_sync,
    },
    Format {
        name: "oc-mirror",
        about: "an ImageSetConfiguration of oc-mirror v2; oc-mirror chooses the names at the mirror",
        emit: copy::oc_mirror,
    },
    Format {
        name: "zarf",
        about: "a zarf.yaml; zarf chooses the names in its registry",
        emit: copy::zarf,
    },
    Format {
        name: "openshift",
        about: "an ImageTagMirrorSet and an ImageDigestMirrorSet",
        emit: nodes::openshift,
    },
    Format {
        name: "containerd",
        about: "a script that writes hosts.toml below certs.d, for containerd",
        emit: nodes::containerd,
    },
    Format {
        name: "k3s",
        about: "registries.yaml of k3s and RKE2",
        emit: nodes::k3s,
    },
    Format {
        name: "registries-conf",
        about: "registries.conf of CRI-O and podman",
        emit: nodes::registries_conf,
    },
    Format {
        name: "harbor",
        about: "a script that makes proxy caches of Harbor",
        emit: harbor::proxy_cache,
    },
];

/// Host and path, without tag and digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Repository {
    host: String,
    path: String,
}

impl Repository {
    fn of(reference: &Reference) -> Self {
        Self {
            host: reference.host.clone(),
            path: reference.path.clone(),
        }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.host, self.path)
    }
}

/// Maps repositories that move as a whole to their targets, for formats that know no tags.
///
/// Leaves out images whose tag changes. If images of a repository go to different targets, keeps the largest group and leaves
/// out the rest.
fn by_repository<'m>(
    moves: impl IntoIterator<Item = &'m Move>,
) -> (BTreeMap<Repository, Repository>, Vec<LeftOut>) {
    let mut left_out = Vec::new();
    let mut repositories: BTreeMap<Repository, BTreeMap<Repository, Vec<&Move>>> = BTreeMap::new();
    for one in moves {
        if one.written.tag != one.target.tag {
            left_out.push(one.leave("its tag changes, and a mirror cannot change tags"));
            continue;
        }
        let targets = repositories
            .entry(Repository::of(&one.written))
            .or_default();
        let target = Repository::of(&one.target);
        targets.entry(target).or_default().push(one);
    }
    let mut chosen = BTreeMap::new();
    for (repository, targets) in repositories {
        let why =
            "other tags of its repository go elsewhere, and a mirror does not distinguish tags";
        let (target, rest) = most_first(targets);
        left_out.extend(rest.into_iter().map(|one| one.leave(why)));
        chosen.extend(target.map(|target| (repository, target)));
    }
    left_out.sort();
    (chosen, left_out)
}

/// Returns the key with the most moves (the first one on a tie) and the moves of all other keys.
fn most_first<K: Ord>(groups: BTreeMap<K, Vec<&Move>>) -> (Option<K>, Vec<&Move>) {
    let most = groups.values().map(Vec::len).max().unwrap_or_default();
    let (mut chosen, mut rest) = (None, Vec::new());
    for (key, moves) in groups {
        match chosen.is_none() && moves.len() == most {
            true => chosen = Some(key),
            false => rest.extend(moves),
        }
    }
    (chosen, rest)
}

impl Move {
    fn leave(&self, reason: &str) -> LeftOut {
        LeftOut {
            image: self.written.to_string(),
            reason: reason.to_owned(),
        }
    }
}

#[cfg(test)]
mod shapes;
#[cfg(test)]
mod tests;
