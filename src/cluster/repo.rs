//! Where the files are that name what a cluster runs: each row is matched with image uses in repositories, and each match says how
//! sure it is.
//!
//! Knows no file: [`Site`]s come from a run over the repositories.

use std::collections::{BTreeSet, HashMap};

use super::container::Role;
use super::identity::Identity;
use super::in_git::{InGit, Site, State, Sureness};
use super::inventory::{Inventory, Row};
use crate::image::{ImageRef, canonical};

/// A legacy image in a file that no row was matched with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitOnly {
    pub site: Site,
    /// The workload in the cluster that has the new image already: applying the file puts the old one back.
    pub fixed_in_cluster: Option<Identity>,
}

/// Matches rows with the files of repositories.
pub fn join(rows: &mut [Row], sites: &[Site], inventory: &Inventory) -> Vec<GitOnly> {
    let all = inventory.rows();
    let index = Index::new(sites, &all);
    let mut matched = BTreeSet::new();
    for row in rows.iter_mut() {
        let best = index.best(row);
        matched.extend(best.iter().map(|(_, at)| *at));
        row.git = Some(in_git(&best, sites));
    }
    let rest = sites.iter().enumerate();
    let rest = rest.filter(|(at, site)| site.rule.is_some() && !matched.contains(at));
    rest.map(|(_, site)| GitOnly {
        site: site.clone(),
        fixed_in_cluster: fixed_in_cluster(site, &all),
    })
    .collect()
}

fn in_git(best: &[(Sureness, usize)], sites: &[Site]) -> InGit {
    let mut named: Vec<Site> = best.iter().map(|(_, at)| sites[*at].clone()).collect();
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
        sureness: best.first().map(|(sureness, _)| *sureness),
    }
}

/// Sites by the repository of their images.
struct Index<'s> {
    sites: &'s [Site],
    by_repository: HashMap<String, Vec<usize>>,
    /// Kind and name of the workloads in the cluster.
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
            by_repository,
            workloads: rows.iter().map(workload).collect(),
        }
    }

    /// Files with the image of the row, or with the one that is to take its place: those that are the most likely source.
    fn best(&self, row: &Row) -> Vec<(Sureness, usize)> {
        let finding = row.judged.as_ref().map(|judged| &judged.finding);
        let new = finding.and_then(|finding| finding.new.as_deref());
        let mut found = Vec::new();
        for image in [Some(row.image.as_str()), new].into_iter().flatten() {
            let known = self.by_repository.get(&repository(image));
            for at in known.into_iter().flatten() {
                let sureness = self.sureness(row, image, &self.sites[*at]);
                found.extend(sureness.map(|sureness| (sureness, *at)));
            }
        }
        let best = found.iter().max().map(|(sureness, _)| *sureness);
        found.retain(|(sureness, _)| Some(*sureness) == best);
        found.sort_unstable();
        found.dedup();
        found
    }

    /// `None` where the file is about another workload of the cluster.
    fn sureness(&self, row: &Row, image: &str, site: &Site) -> Option<Sureness> {
        let place = Place::parse(&site.place);
        let is_kind = place.kind == row.root.kind;
        let is_name = place.name == row.root.name;
        let is_container = match row.container.role {
            Role::Field => true,
            _ => place.container == Some(row.container.name.as_str()),
        };
        if is_kind && is_name && is_container {
            let is_image = site.image == image;
            return Some(if is_image {
                Sureness::Exact
            } else {
                Sureness::Likely
            });
        }
        if self.workloads.contains(&(place.kind, place.name)) {
            return None;
        }
        let is_longer = !place.name.is_empty() && row.root.name.contains(place.name);
        let is_likely = is_kind && is_container && is_longer || lies_at_source(row, site);
        Some(if is_likely {
            Sureness::Likely
        } else {
            Sureness::Possible
        })
    }
}

/// The name without tag and digest, in one spelling.
fn repository(image: &str) -> String {
    match ImageRef::parse(image) {
        Some(parsed) => canonical(parsed.host, parsed.path),
        None => image.to_owned(),
    }
}

/// Whether the file is in the folder that Argo CD, Flux or Kustomize names, or in that of the chart.
fn lies_at_source(row: &Row, site: &Site) -> bool {
    let path = site.path.replace('\\', "/");
    let location = row.origin.location.as_ref();
    let folder = location
        .map(|location| location.path.trim_matches(['.', '/']))
        .unwrap_or_default();
    let at = |folder: &str| {
        format!("/{path}").contains(&format!("/{folder}/"))
            || format!("/{path}").ends_with(&format!("/{folder}"))
    };
    let chart = row.origin.chart.as_ref().map(|chart| chart.name.as_str());
    !folder.is_empty() && at(folder) || chart.is_some_and(at)
}

/// The workload that names what a file would name if it were fixed.
fn fixed_in_cluster(site: &Site, rows: &[Row]) -> Option<Identity> {
    let new = repository(site.new.as_deref()?);
    let place = Place::parse(&site.place);
    let row = rows.iter().find(|row| {
        let is_same = place.kind == row.root.kind
            && place.name == row.root.name
            && place.container == Some(row.container.name.as_str());
        is_same && row.judged.is_none() && repository(&row.image) == new
    });
    row.map(|row| row.root.clone())
}

/// `Deployment/web:spec.template.spec.containers[name=app].image`, in its parts.
struct Place<'p> {
    kind: &'p str,
    name: &'p str,
    container: Option<&'p str>,
}

impl<'p> Place<'p> {
    fn parse(place: &'p str) -> Self {
        let (object, path) = place.split_once(':').unwrap_or(("", place));
        let (kind, name) = object.split_once('/').unwrap_or((object, ""));
        let container = path
            .rsplit_once("[name=")
            .and_then(|(_, rest)| rest.split_once(']'));
        Self {
            kind,
            name,
            container: container.map(|(name, _)| name),
        }
    }
}
