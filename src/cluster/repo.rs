//! Finds the files that name what a cluster runs: matches each row with image uses in repositories, and rates how sure each
//! match is.
//!
//! Reads no files: the [`Site`]s come from a run over the repositories.

use std::collections::{BTreeSet, HashMap};

use super::container::Role;
use super::field_path::{FieldPath, Relation};
use super::identity::Identity;
use super::in_git::{InGit, Site, State, Sureness};
use super::inventory::{Inventory, Row};
use super::origin::Manager;
use crate::image::{ImageRef, canonical};

/// A legacy image in a file that matched no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitOnly {
    pub site: Site,
    /// The workload in the cluster that already has the new image: applying the file would restore the old one.
    pub fixed_in_cluster: Option<Identity>,
}

/// Matches rows with the files of repositories. Returns the legacy images that matched no row.
pub fn join(rows: &mut [Row], sites: &[Site], inventory: &Inventory) -> Vec<GitOnly> {
    let all = inventory.rows();
    let index = Index::new(sites, &all);
    let mut best: Vec<Vec<Match>> = rows.iter().map(|row| index.best(row)).collect();
    let certain = best.iter().flatten();
    let certain = certain.filter(|one| one.sureness > Sureness::Possible);
    let certain: BTreeSet<usize> = certain.map(|one| one.at).collect();
    for matches in &mut best {
        // Another tag of an image proves nothing if the file is known to be about something else.
        matches.retain(|one| {
            one.sureness > Sureness::Possible || one.is_whole || !certain.contains(&one.at)
        });
    }
    let matched: BTreeSet<usize> = best.iter().flatten().map(|one| one.at).collect();
    for (row, matches) in rows.iter_mut().zip(&best) {
        row.git = Some(in_git(matches, sites));
    }
    let rest = sites.iter().enumerate();
    let rest = rest.filter(|(at, site)| site.rule.is_some() && !matched.contains(at));
    rest.map(|(_, site)| GitOnly {
        site: site.clone(),
        fixed_in_cluster: index.fixed_in_cluster(site),
    })
    .collect()
}

/// A file that may be the source of a row. The greatest match is the most likely one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Match {
    sureness: Sureness,
    /// Whether the whole image is the same, with its tag and digest.
    is_whole: bool,
    at: usize,
}

impl Match {
    fn evidence(&self) -> (Sureness, bool) {
        (self.sureness, self.is_whole)
    }
}

fn in_git(best: &[Match], sites: &[Site]) -> InGit {
    let mut named: Vec<Site> = best.iter().map(|one| sites[one.at].clone()).collect();
    named.sort();
    let is_legacy = |site: &Site| site.rule.is_some();
    let state = match named.as_slice() {
        [] => State::ClusterOnly,
        all if all.iter().any(is_legacy) => State::Both,
        _ => State::FixedInGit,
    };
    if state == State::Both {
        named.retain(is_legacy);
    }
    InGit {
        state,
        sites: named,
        sureness: best.first().map(|one| one.sureness),
    }
}

/// Sites, indexed by the repository of their image.
struct Index<'s> {
    sites: &'s [Site],
    rows: &'s [Row],
    by_repository: HashMap<String, Vec<usize>>,
    /// The kinds and names of the workloads in the cluster.
    workloads: BTreeSet<(&'s str, &'s str)>,
}

impl<'s> Index<'s> {
    fn new(sites: &'s [Site], rows: &'s [Row]) -> Self {
        let mut by_repository: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, site) in sites.iter().enumerate() {
            let repository = repository(&site.image);
            by_repository.entry(repository).or_default().push(at);
        }
        let workload = |row: &'s Row| (row.root.kind.as_str(), row.root.name.as_str());
        Self {
            sites,
            rows,
            by_repository,
            workloads: rows.iter().map(workload).collect(),
        }
    }

    /// Returns the most likely sources of a row: files with its image, or with the replacement.
    fn best(&self, row: &Row) -> Vec<Match> {
        let finding = row.judged.as_ref().map(|judged| &judged.finding);
        let new = finding.and_then(|finding| finding.new.as_deref());
        let mut found = BTreeSet::new();
        for image in [Some(row.image.as_str()), new].into_iter().flatten() {
            for at in self.of_repository(image) {
                let site = &self.sites[at];
                let sureness = self.sureness(row, image, site);
                found.extend(sureness.map(|sureness| Match {
                    sureness,
                    is_whole: site.image == image,
                    at,
                }));
            }
        }
        let best = found.last().map(Match::evidence);
        found.retain(|one| Some(one.evidence()) == best);
        found.into_iter().collect()
    }

    fn of_repository(&self, image: &str) -> impl Iterator<Item = usize> + '_ {
        let known = self.by_repository.get(&repository(image));
        known.into_iter().flatten().copied()
    }

    /// `None` if the file is about another workload.
    fn sureness(&self, row: &Row, image: &str, site: &Site) -> Option<Sureness> {
        let path = FieldPath::parse(&site.field_path);
        let relation = path.relation(row);
        let is_another = match relation {
            Relation::Same => !is_container(row, &path),
            Relation::Related | Relation::Open => self.workloads.contains(&(path.kind, path.name)),
            Relation::Other => true,
        };
        if is_another {
            return None;
        }
        let is_likely = relation == Relation::Related && is_container(row, &path)
            || is_at_source(row, site, &path)
            || self.is_entry_for(row, &path);
        Some(match relation {
            Relation::Same if site.image == image => Sureness::Exact,
            Relation::Same => Sureness::Likely,
            _ if is_likely => Sureness::Likely,
            _ => Sureness::Possible,
        })
    }

    /// Whether this is a kustomization's entry for an image that another file names for the row.
    fn is_entry_for(&self, row: &Row, path: &FieldPath<'_>) -> bool {
        let Some(selected) = path.images_entry() else {
            return false;
        };
        self.of_repository(selected).any(|at| {
            let path = FieldPath::parse(&self.sites[at].field_path);
            matches!(path.relation(row), Relation::Same | Relation::Related)
                && is_container(row, &path)
        })
    }

    /// Finds the workload that already has the image that the file would have after the fix.
    fn fixed_in_cluster(&self, site: &Site) -> Option<Identity> {
        let new = repository(site.new.as_deref()?);
        let path = FieldPath::parse(&site.field_path);
        let row = self.rows.iter().find(|row| {
            row.judged.is_none()
                && path.relation(row) == Relation::Same
                && is_container(row, &path)
                && repository(&row.image) == new
        });
        row.map(|row| row.root.clone())
    }
}

/// Whether a file names the container of a row. Always true for a field, which has no name.
fn is_container(row: &Row, path: &FieldPath<'_>) -> bool {
    row.container.role == Role::Field || path.is_in(&row.container.name)
}

/// Returns the name of an image without tag and digest, in canonical form.
fn repository(image: &str) -> String {
    match ImageRef::parse(image) {
        Some(parsed) => canonical(parsed.host, parsed.path),
        None => image.to_owned(),
    }
}

/// Whether the file is at the source of a row: in the folder that Argo CD, Flux or Kustomize names, in the folder of the chart
/// or the release, in values of the chart, or in the object of Argo CD or Flux itself.
fn is_at_source(row: &Row, site: &Site, path: &FieldPath<'_>) -> bool {
    let origin = &row.origin;
    let file = format!("/{}/", site.path.replace('\\', "/"));
    let is_below = |folder: &str| !folder.is_empty() && file.contains(&format!("/{folder}/"));
    let location = origin.location.as_ref();
    let folder = location.map(|location| location.path.trim_matches(['.', '/']));
    let charts = [
        origin.chart.as_ref(),
        location.and_then(|location| location.chart.as_ref()),
    ];
    let mut charts = charts
        .into_iter()
        .flatten()
        .map(|chart| chart.name.as_str());
    let is_of_chart = charts.any(|chart| is_below(chart) || path.has_key(chart));
    let name = origin.name.rsplit('/').next().unwrap_or_default();
    let is_of_manager = match origin.manager {
        Manager::Helm => is_below(name),
        Manager::FluxHelmRelease => {
            is_below(name) || (path.kind, path.name) == ("HelmRelease", name)
        }
        Manager::ArgoCd => (path.kind, path.name) == ("Application", name),
        Manager::FluxKustomization => (path.kind, path.name) == ("Kustomization", name),
        _ => false,
    };
    folder.is_some_and(is_below) || is_of_chart || is_of_manager
}
