//! Alternatives: what public projects use instead of a legacy image, counted in their git histories.
//!
//! A lookup in embedded facts (`alternatives.tsv`). They are suggestions for people and are never written.

use super::table::{RowFault, Table};

/// The table, with a row per image and alternative: the image, then the fields of [`Alternative`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choices(Table);

const COLUMNS: usize = 10;

/// The maximum number of alternatives that are shown.
const MOST: usize = 3;

/// Prefixes under which the same images are published, and the prefix that the table uses.
const SAME: [(&str, &str); 2] = [
    ("docker.io/bitnamilegacy/", "docker.io/bitnami/"),
    ("public.ecr.aws/bitnami/", "docker.io/bitnami/"),
];

/// A replacement that projects chose for an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alternative {
    /// The name of an image without a tag, or of a chart or program.
    pub name: &'static str,
    pub kind: Kind,
    pub origin: Origin,
    /// The number of public projects that use it.
    pub projects: u32,
    /// The date of its first use, if that is known.
    pub since: Option<&'static str>,
    pub drop_in: DropIn,
    /// Programs that commands in a container often rely on and that the image lacks.
    lacks: &'static str,
    caveats: &'static str,
    sources: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Image,
    Chart,
    Program,
}

/// Who publishes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The project that develops the program.
    Upstream,
    Vendor,
    Community,
    /// A copy that gets no updates.
    Snapshot,
}

/// Whether changing the image's name is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropIn {
    Yes,
    WithChanges,
    No,
}

/// The alternatives to an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternatives {
    /// At most three, the most frequent first, a snapshot last.
    pub shown: Vec<Alternative>,
    /// Whether there is an alternative in common use, not counting a snapshot without updates.
    pub is_common: bool,
}

impl Alternatives {
    /// Returns one note per alternative, with its first caveat, preceded by a note if no alternative is common.
    pub fn notes(&self) -> Vec<String> {
        let none = (!self.is_common).then(|| "no common alternative has been seen".to_owned());
        let shown = self.shown.iter().map(|one| {
            let caveat = one.caveats().next();
            let caveat = caveat.map_or_else(String::new, |caveat| format!(": {caveat}"));
            format!("others chose {}{caveat}", one.summary())
        });
        none.into_iter().chain(shown).collect()
    }
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Chart => "chart",
            Self::Program => "program",
        }
    }
}

impl Origin {
    pub fn name(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Vendor => "vendor",
            Self::Community => "community",
            Self::Snapshot => "snapshot",
        }
    }
}

impl DropIn {
    pub fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::WithChanges => "with-changes",
            Self::No => "no",
        }
    }
}

impl Alternative {
    /// Returns the names of what the image lacks, such as `shell`.
    pub fn lacks(&self) -> impl Iterator<Item = &'static str> {
        self.lacks.split(' ').filter(|word| *word != "-")
    }

    /// Returns warnings to read before using it, the most important first.
    pub fn caveats(&self) -> impl Iterator<Item = &'static str> {
        self.caveats.split("; ").filter(|caveat| *caveat != "-")
    }

    /// Returns the URLs of commits and threads.
    pub fn sources(&self) -> impl Iterator<Item = String> {
        self.sources.split(' ').map(|source| {
            let commit = source.split_once('@');
            match commit.filter(|_| !source.contains("://")) {
                Some((repository, commit)) => {
                    format!("https://github.com/{repository}/commit/{commit}")
                }
                None => source.to_owned(),
            }
        })
    }

    /// Returns a summary on one line: `docker.io/library/postgres (seen in 12 projects, upstream, with changes)`.
    pub fn summary(&self) -> String {
        let kind = match self.kind {
            Kind::Image => "",
            Kind::Chart => "a chart, ",
            Kind::Program => "another program, ",
        };
        let projects = match self.projects {
            1 => "1 project".to_owned(),
            many => format!("{many} projects"),
        };
        let drop_in = match self.drop_in {
            DropIn::Yes => "drop-in",
            DropIn::WithChanges => "with changes",
            DropIn::No => "not a drop-in",
        };
        let origin = match self.origin {
            Origin::Snapshot => "no updates",
            other => other.name(),
        };
        let since = self.since.map(|since| format!(", since {since}"));
        format!(
            "{} ({kind}seen in {projects}, {origin}, {drop_in}{})",
            self.name,
            since.unwrap_or_default()
        )
    }

    /// Whether at least two projects use it, or it is an image by the project itself.
    fn is_shown(&self) -> bool {
        self.projects >= 2 || self.origin == Origin::Upstream && self.kind == Kind::Image
    }

    fn parse(line: &'static str) -> Option<Self> {
        let cells: Vec<&'static str> = line.split('\t').collect();
        let [
            _,
            name,
            kind,
            origin,
            projects,
            since,
            drop_in,
            lacks,
            caveats,
            sources,
        ] = cells.try_into().ok()?;
        Some(Self {
            name,
            kind: match kind {
                "chart" => Kind::Chart,
                "program" => Kind::Program,
                _ => Kind::Image,
            },
            origin: match origin {
                "upstream" => Origin::Upstream,
                "vendor" => Origin::Vendor,
                "snapshot" => Origin::Snapshot,
                _ => Origin::Community,
            },
            projects: projects.parse().ok()?,
            since: Some(since).filter(|since| *since != "-"),
            drop_in: match drop_in {
                "yes" => DropIn::Yes,
                "with-changes" => DropIn::WithChanges,
                _ => DropIn::No,
            },
            lacks,
            caveats,
            sources,
        })
    }
}

impl Choices {
    /// The table that is built into regfix.
    pub const EMBEDDED: Self = Self(Table::new(include_str!("alternatives.tsv")));

    /// Reads another table with the same columns.
    ///
    /// # Errors
    /// The first invalid row, and what is wrong with it.
    pub(super) fn read(text: &'static str) -> Result<Self, RowFault> {
        let is_sound = |line| Alternative::parse(line).is_some();
        let table = Table::read(text, COLUMNS)?;
        table.of_sound(is_sound, "the number of projects").map(Self)
    }

    /// Returns the alternatives to an image, given its canonical name: `docker.io/bitnami/redis`. `None` if no project was
    /// seen replacing it.
    pub fn of_image(self, name: &str) -> Option<Alternatives> {
        let same = SAME.iter().find_map(|(copy, original)| {
            let rest = name.strip_prefix(copy)?;
            Some(format!("{original}{rest}"))
        });
        let image = same.as_deref().unwrap_or(name);
        let rows = self.0.rows(image).filter_map(Alternative::parse);
        let known: Vec<Alternative> = rows.filter(|one| one.name != name).collect();
        if known.is_empty() {
            return None;
        }
        let is_snapshot = |one: &Alternative| one.origin == Origin::Snapshot;
        let mut shown: Vec<Alternative> = known.into_iter().filter(Alternative::is_shown).collect();
        shown.sort_by_key(|one| (is_snapshot(one), std::cmp::Reverse(one.projects)));
        let snapshot = shown.iter().copied().find(is_snapshot);
        shown.retain(|one| !is_snapshot(one));
        shown.truncate(MOST - usize::from(snapshot.is_some()));
        let is_common = !shown.is_empty();
        shown.extend(snapshot);
        Some(Alternatives { shown, is_common })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ImageRef;
    use crate::rules::{Query, RuleSet, Severity, TagState};
    use crate::{artifact::Artifact, image};

    fn names(image: &str) -> (Vec<&'static str>, bool) {
        let found = Choices::EMBEDDED.of_image(image).unwrap();
        let names = found.shown.iter().map(|one| one.name).collect();
        (names, found.is_common)
    }

    #[test]
    fn the_most_frequent_come_first_and_the_snapshot_last() {
        assert_eq!(
            names("docker.io/bitnami/postgresql"),
            (
                vec![
                    "docker.io/library/postgres",
                    "docker.io/bitnamilegacy/postgresql"
                ],
                true
            )
        );
        assert_eq!(
            names("docker.io/bitnami/kubectl"),
            (
                vec![
                    "docker.io/rancher/kubectl",
                    "registry.k8s.io/kubectl",
                    "docker.io/bitnamilegacy/kubectl"
                ],
                true
            )
        );
        assert_eq!(
            names("docker.io/minio/minio").0,
            [
                "quay.io/minio/minio",
                "cgr.dev/chainguard/minio",
                "docker.io/rustfs/rustfs"
            ]
        );
        // One project is enough only for an upstream image.
        assert_eq!(
            names("docker.io/bitnami/openldap").0,
            ["docker.io/bitnamilegacy/openldap"]
        );
        assert_eq!(
            names("docker.io/bitnami/kube-state-metrics").0,
            ["registry.k8s.io/kube-state-metrics/kube-state-metrics"]
        );
    }

    #[test]
    fn where_nobody_agrees_nothing_is_common() {
        assert_eq!(
            names("docker.io/bitnami/mariadb"),
            (vec!["docker.io/bitnamilegacy/mariadb"], false)
        );
        assert_eq!(names("docker.io/bitnami/cassandra"), (vec![], false));
        assert_eq!(
            Choices::EMBEDDED.of_image("docker.io/bitnami/made-up"),
            None
        );
        assert_eq!(Choices::EMBEDDED.of_image("k8s.gcr.io/pause"), None);
    }

    #[test]
    fn copies_of_a_gallery_have_the_same() {
        let (first, _) = names("docker.io/bitnami/postgresql");
        assert_eq!(names("public.ecr.aws/bitnami/postgresql").0, first);
        assert_eq!(names("docker.io/bitnamilegacy/postgresql").0, first[..1]);
    }

    #[test]
    fn what_is_shown_of_one() {
        let kubectl = Choices::EMBEDDED
            .of_image("docker.io/bitnami/kubectl")
            .unwrap()
            .shown;
        assert_eq!(
            kubectl[1].summary(),
            "registry.k8s.io/kubectl (seen in 8 projects, upstream, with changes)"
        );
        assert_eq!(
            kubectl[1].lacks().collect::<Vec<_>>(),
            ["shell", "curl", "jq"]
        );
        assert_eq!(
            kubectl[2].summary(),
            "docker.io/bitnamilegacy/kubectl (seen in 14 projects, no updates, drop-in)"
        );
        assert_eq!(kubectl[2].lacks().count(), 0);
        let sources: Vec<String> = kubectl[1].sources().collect();
        assert_eq!(
            sources[0],
            "https://github.com/kumahq/kuma/commit/4570f75d2a"
        );
        assert_eq!(
            sources[2],
            "https://github.com/kyverno/kyverno/issues/13835"
        );
    }

    /// No rule may report a recommended image, except as `info`.
    #[test]
    fn alternatives_pass_the_rules() {
        let rules = RuleSet::new(RuleSet::with_own(&[]).unwrap());
        let severity = |name: &str, tag: TagState<'_>| {
            let parsed = ImageRef::parse(name).unwrap();
            let name = image::canonical(parsed.host, parsed.path);
            let segments: Vec<&str> = name.split('/').collect();
            let query = Query {
                segments: &segments,
                literal: segments.len(),
                bare: false,
                tag,
                digest: None,
                artifact: Artifact::Image,
                chart: None,
            };
            rules.verdict(&query).map(|verdict| verdict.severity)
        };
        let mut images = 0;
        for line in Choices::EMBEDDED.0.lines() {
            let old = line.split('\t').next().unwrap();
            let one = Alternative::parse(line).unwrap();
            let reported = [TagState::Text("1.0.0"), TagState::None].map(|tag| severity(old, tag));
            assert!(
                reported.iter().any(Option::is_some),
                "no rule reports {old}"
            );
            if one.kind == Kind::Image {
                let worst = severity(one.name, TagState::Text("1.0.0"));
                assert!(worst <= Some(Severity::Info), "{line}");
                images += 1;
            }
        }
        assert!(images > 60);
    }

    #[test]
    fn the_table_is_sound() {
        Choices::EMBEDDED.0.assert_sound(COLUMNS);
        for line in Choices::EMBEDDED.0.lines() {
            let one = Alternative::parse(line).unwrap_or_else(|| panic!("{line}"));
            let cells: Vec<&str> = line.split('\t').collect();
            assert_eq!(one.kind.name(), cells[2], "{line}");
            assert_eq!(one.origin.name(), cells[3], "{line}");
            assert_eq!(one.drop_in.name(), cells[6], "{line}");
            assert!(one.projects > 0 && one.caveats().next().is_some(), "{line}");
            for source in one.sources() {
                assert!(source.starts_with("https://github.com/"), "{source}");
            }
        }
    }
}
