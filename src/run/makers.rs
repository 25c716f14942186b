//! The projects of a run: which files make them, and what they may see of the disk.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Options;
use super::candidate::{self, Candidate};
use super::disk::Disk;
use super::domains::{Domain, Domains};
use super::judge::Judge;
use super::roles::Roles;
use super::settings::{Settings, Vendoring};
use crate::kind::{Holds, Kind};
use crate::project::helm::{self, Charts, Vendored};
use crate::project::kustomize::Trees;
use crate::project::selectors::Selectors;
use crate::project::{Project, Tree};
use crate::rules::anchors::Anchors;
use crate::walk::{self, Kept};

/// The files that make the projects of a run.
#[derive(Default)]
pub(super) struct Makers {
    pub(super) projects: Vec<PathBuf>,
    /// Those that may release charts of the tree.
    pub(super) releases: Vec<PathBuf>,
    /// The same beyond the roots of the run: they say what images result, and nothing is overridden there.
    releases_around: Vec<PathBuf>,
    /// Those that may name charts with a version.
    naming: Vec<PathBuf>,
    /// Those that may select images by name.
    pub(super) selectors: Vec<PathBuf>,
}

impl Makers {
    /// The files of each domain.
    fn by_domain(&self, settings: &Settings<'_>, domains: &Domains) -> Vec<Self> {
        let mut parts: Vec<Self> = domains.each.iter().map(|_| Self::default()).collect();
        let mut sort = |files: &[PathBuf], list: fn(&mut Self) -> &mut Vec<PathBuf>| {
            for path in files {
                let domain = domains.of_file(settings, path);
                if let Some(part) = domain.and_then(|domain| parts.get_mut(domain)) {
                    list(part).push(path.clone());
                }
            }
        };
        sort(&self.projects, |part| &mut part.projects);
        sort(&self.releases, |part| &mut part.releases);
        sort(&self.releases_around, |part| &mut part.releases_around);
        sort(&self.naming, |part| &mut part.naming);
        sort(&self.selectors, |part| &mut part.selectors);
        parts
    }

    fn add(&mut self, path: &Path, roles: Roles) {
        for (has_role, files) in [
            (roles.makes_project, &mut self.projects),
            (roles.releases, &mut self.releases),
            (roles.selects, &mut self.selectors),
        ] {
            if has_role {
                files.push(path.to_owned());
            }
        }
    }
}

/// What projects may see, and the files that make them. Where a part of a repository is given, the projects of the whole
/// count: a base does not tell which overlays it has.
pub(super) fn disk_of<'r>(
    options: &Options<'_>,
    found: &walk::Outcome<Candidate>,
    anchors: &'r Anchors,
) -> (Disk<'r>, Makers) {
    let mut disk = Disk::new(&options.walk, anchors);
    let mut makers = Makers::default();
    for (path, file) in &found.kept {
        let is_text = |text: &Arc<str>| !text.contains('\0');
        match file.text.as_ref().filter(|text| is_text(text)) {
            Some(_) => makers.add(path, file.roles),
            None if file.roles.makes_project => disk.note_unread(path, false),
            None => {}
        }
        if file.roles.names_chart {
            makers.naming.push(path.clone());
        }
        disk.note(path, file.text.clone(), file.suspect);
    }
    let fatal = found.problems.iter().filter(|problem| problem.fatal);
    fatal.for_each(|problem| disk.note_unread(&problem.path, true));
    let around = disk.around();
    if !around.is_empty() {
        let around = walk::Options {
            roots: around,
            ..options.walk.clone()
        };
        let has_naming = !makers.naming.is_empty();
        let sieve = walk::Sieve {
            listed: &|folder, names| options.settings.listed(folder, names),
            wanted: &|path: &Path, _| {
                let may_matter = |kind: &&Kind| kind.makes_project() || kind.holds == Holds::Yaml;
                options.kind_of(path, false).filter(may_matter).into()
            },
            keep: &|path: &Path, kind: &'static Kind, bytes: &[u8]| {
                let Some(area) = options.settings.of(path) else {
                    return Kept::Nothing;
                };
                let has_word = area.rules.anchors.look(bytes).has_word;
                let roles = Roles::of(path, kind, bytes, has_word);
                // A chart may come from a repository that another file explains.
                let names_chart = has_naming && roles.names_chart;
                let text = roles.text(bytes);
                let is_of_use = text.is_some() || names_chart;
                is_of_use.then_some((roles, text)).into()
            },
            suspect: &|_: &[u8]| false,
        };
        let around = walk::walk(&around, &sieve);
        let fatal = around.problems.iter().filter(|problem| problem.fatal);
        fatal.for_each(|problem| disk.note_unread(&disk.resolve(&problem.path, "."), true));
        for (path, (roles, text)) in around.kept {
            let path = disk.resolve(&path, ".");
            if has_naming && roles.names_chart {
                makers.naming.push(path.clone());
            }
            if text.is_some() {
                if roles.releases {
                    makers.releases_around.push(path.clone());
                }
                let releases = false;
                makers.add(&path, Roles { releases, ..roles });
                disk.note(&path, text, false);
            }
        }
        for files in [
            &mut makers.projects,
            &mut makers.selectors,
            &mut makers.naming,
            &mut makers.releases_around,
        ] {
            files.sort();
            files.dedup();
        }
        let own: HashSet<&PathBuf> = makers.releases.iter().collect();
        makers.releases_around.retain(|path| !own.contains(path));
    }
    (disk, makers)
}

/// What a run asks of its files. Without a walk each stands for itself.
pub(super) fn judge<'r>(
    options: &'r Options<'_>,
    domains: &'r Domains,
    found: Option<&walk::Outcome<Candidate>>,
    disk: Option<&'r (Disk<'_>, Makers)>,
) -> Judge<'r> {
    let secrets = found.map(|found| candidate::pull_secrets_of(options, found, domains));
    let projects = disk.map(|(disk, makers)| projects(options, domains, disk, makers));
    Judge {
        settings: options.settings,
        as_of: options.as_of,
        pull_secrets: secrets.unwrap_or_default(),
        projects: projects.unwrap_or_default(),
        domains,
    }
}

/// All projects of the run, by domain: a row a kind.
fn projects<'d>(
    options: &'d Options<'_>,
    domains: &'d Domains,
    disk: &'d Disk<'_>,
    makers: &Makers,
) -> Vec<Vec<Box<dyn Project + 'd>>> {
    let settings = options.settings;
    let vendoring = Vendoring(settings);
    let (edit, listed) = (
        |folder: &Path| vendoring.edits(folder),
        |folder: &Path| vendoring.lists(folder),
    );
    let vendored = Vendored {
        edit: &edit,
        listed: &listed,
    };
    let of_domain = |(domain, makers): (&'d Domain, Makers)| -> Vec<Box<dyn Project + 'd>> {
        let Makers {
            projects,
            releases,
            releases_around,
            naming,
            selectors,
        } = makers;
        let Domain { areas, rules } = domain;
        let files = helm::Files {
            projects: &projects,
            releases: &releases,
            releases_around: &releases_around,
            naming: &naming,
        };
        let rule_of = |id: &str| {
            let mut areas = areas.iter();
            areas.find_map(|area| area.config.rule_of_chart(id, options.as_of))
        };
        let (set, anchors) = (&rules.set, &rules.anchors);
        vec![
            Box::new(Charts::new(
                disk,
                files,
                Box::new(rule_of),
                set,
                anchors,
                vendored,
            )),
            Box::new(Trees::new(disk, &projects, set)),
            Box::new(Selectors::new(disk, &selectors, set)),
        ]
    };
    let parts = makers.by_domain(settings, domains);
    domains.each.iter().zip(parts).map(of_domain).collect()
}
