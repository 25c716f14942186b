//! The projects of a run: the files that make them, and what they may read from the disk.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Options;
use super::candidate::{self, Candidate};
use super::domains::{Domain, Domains};
use super::pipeline::Pipeline;
use super::roles::Roles;
use super::settings::{Settings, Vendoring};
use super::workspace::Workspace;
use crate::file_type::{FileType, Holds};
use crate::project::assertions::Assertions;
use crate::project::builds::Builds;
use crate::project::copied::Copied;
use crate::project::helm::{self, Charts, ValueLayers, Vendored};
use crate::project::kustomize::Trees;
use crate::project::selectors::Selectors;
use crate::project::{Project, Tree};
use crate::rules::prefilter::Prefilter;
use crate::walk::{self, Kept};

/// The files that make the projects of a run.
#[derive(Default)]
pub(super) struct ProjectFiles {
    pub(super) projects: Vec<PathBuf>,
    /// Files that may release charts of the tree.
    pub(super) releases: Vec<PathBuf>,
    /// Files outside the roots of the run that may release charts: they affect which images result, but are not changed.
    releases_around: Vec<PathBuf>,
    /// Files that may name charts with a version.
    naming: Vec<PathBuf>,
    /// Files that may select images by name.
    pub(super) selectors: Vec<PathBuf>,
    /// Files that may be tests of other files.
    tests: Vec<PathBuf>,
    /// Files that may list the images that are built.
    builders: Vec<PathBuf>,
    /// Files that may be values files.
    layers: Vec<PathBuf>,
    /// Files that may be lists of images.
    lists: Vec<PathBuf>,
}

impl ProjectFiles {
    /// Splits the files by domain.
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
        sort(&self.tests, |part| &mut part.tests);
        sort(&self.builders, |part| &mut part.builders);
        sort(&self.layers, |part| &mut part.layers);
        sort(&self.lists, |part| &mut part.lists);
        parts
    }

    fn add(&mut self, path: &Path, roles: Roles) {
        for (has_role, files) in [
            (roles.makes_project, &mut self.projects),
            (roles.releases, &mut self.releases),
            (roles.selects, &mut self.selectors),
            (roles.asserts, &mut self.tests),
            (roles.builds, &mut self.builders),
            (roles.is_layer, &mut self.layers),
            (roles.is_list, &mut self.lists),
        ] {
            if has_role {
                files.push(path.to_owned());
            }
        }
    }

    /// Sorts the files of two walks and removes duplicates.
    fn sort(&mut self) {
        for files in [
            &mut self.projects,
            &mut self.selectors,
            &mut self.tests,
            &mut self.builders,
            &mut self.layers,
            &mut self.lists,
            &mut self.naming,
            &mut self.releases_around,
        ] {
            files.sort();
            files.dedup();
        }
        let own: HashSet<&PathBuf> = self.releases.iter().collect();
        self.releases_around.retain(|path| !own.contains(path));
    }
}

/// The files that projects may see, and those that make projects. If the roots are a part of a repository, the projects of
/// the whole repository are included, because a base does not name its overlays.
pub(super) fn workspace_of<'r>(
    options: &Options<'_>,
    found: &walk::Walked<Candidate>,
    prefilter: &'r Prefilter,
) -> (Workspace<'r>, ProjectFiles) {
    let mut workspace = Workspace::new(&options.walk, prefilter);
    let mut project_files = ProjectFiles::default();
    for (path, file) in &found.kept {
        let is_text = |text: &Arc<str>| {
            file.searched.is_some() || memchr::memchr(0, text.as_bytes()).is_none()
        };
        match file.text.as_ref().filter(|text| is_text(text)) {
            Some(_) => project_files.add(path, file.roles),
            None if file.roles.makes_project => workspace.note_unread(path, false),
            None => {}
        }
        if file.roles.names_chart {
            project_files.naming.push(path.clone());
        }
        workspace.note(
            path,
            file.text.clone(),
            file.suspect,
            file.roles.begins_name,
        );
    }
    let fatal = found.problems.iter().filter(|problem| problem.fatal);
    fatal.for_each(|problem| workspace.note_unread(&problem.path, true));
    add_around(options, &mut workspace, &mut project_files);
    (workspace, project_files)
}

/// Adds files of the same repositories from outside the roots of the run.
fn add_around(
    options: &Options<'_>,
    workspace: &mut Workspace<'_>,
    project_files: &mut ProjectFiles,
) {
    let roots = workspace.around();
    if roots.is_empty() {
        return;
    }
    let has_naming = !project_files.naming.is_empty();
    let around = walk_around(options, roots, has_naming);
    let fatal = around.problems.iter().filter(|problem| problem.fatal);
    fatal.for_each(|problem| workspace.note_unread(&workspace.resolve(&problem.path, "."), true));
    for (path, (roles, text)) in around.kept {
        let path = workspace.resolve(&path, ".");
        if has_naming && roles.names_chart {
            project_files.naming.push(path.clone());
        }
        if text.is_some() {
            if roles.releases {
                project_files.releases_around.push(path.clone());
            }
            let releases = false;
            project_files.add(&path, Roles { releases, ..roles });
            workspace.note(&path, text, false, false);
        }
    }
    project_files.sort();
}

/// Walks the repositories around the roots of the run. Another file may explain where a chart comes from, so if `has_naming`
/// is set, files that name charts are kept too.
fn walk_around(
    options: &Options<'_>,
    roots: Vec<PathBuf>,
    has_naming: bool,
) -> walk::Walked<(Roles, Option<Arc<str>>)> {
    let is_repository = |root: &PathBuf| walk::is_there(&root.join(".git"));
    let around = walk::Options {
        // Next to a folder outside of repositories there may be many repositories, but none of them contains its overlays.
        skips_repositories: !roots.iter().any(is_repository),
        roots,
        ..options.walk.clone()
    };
    let filter = walk::Filter {
        listed: &|folder, names| options.settings.listed(folder, names),
        wanted: &|path: &Path, _| {
            let may_matter =
                |file_type: &&FileType| file_type.makes_project() || file_type.holds == Holds::Yaml;
            options.kind_of(path, false).filter(may_matter).into()
        },
        keep: &|path: &Path, file_type: &'static FileType, bytes| {
            let Some(area) = options.settings.of(path) else {
                return Kept::Nothing;
            };
            let sight = area.rules.prefilter.look(bytes);
            let roles = Roles::of(path, file_type, bytes, sight, &[]);
            let text = roles.text(bytes, None);
            let is_of_use = text.is_some() || has_naming && roles.names_chart;
            is_of_use.then_some((roles, text)).into()
        },
        suspect: &|_, _: &[u8]| false,
    };
    walk::walk(&around, &filter)
}

/// Creates the pipeline of a run. Without a walk, each file is checked alone.
pub(super) fn pipeline<'r>(
    options: &'r Options<'_>,
    domains: &'r Domains,
    found: Option<&walk::Walked<Candidate>>,
    workspace: Option<&'r (Workspace<'_>, ProjectFiles)>,
) -> Pipeline<'r> {
    let secrets = found.map(|found| candidate::pull_secrets_of(options, found, domains));
    let projects = workspace
        .map(|(workspace, project_files)| projects(options, domains, workspace, project_files));
    Pipeline {
        settings: options.settings,
        as_of: options.as_of,
        pull_secrets: secrets.unwrap_or_default(),
        projects: projects.unwrap_or_default(),
        domains,
    }
}

/// All projects of the run by domain, one row per kind.
fn projects<'d>(
    options: &'d Options<'_>,
    domains: &'d Domains,
    workspace: &'d Workspace<'_>,
    project_files: &ProjectFiles,
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
    let of_domain =
        |(domain, project_files): (&'d Domain, ProjectFiles)| -> Vec<Box<dyn Project + 'd>> {
            let ProjectFiles {
                projects,
                releases,
                releases_around,
                naming,
                selectors,
                tests,
                builders,
                layers,
                lists,
            } = project_files;
            let Domain { areas, rules } = domain;
            let files = helm::Files {
                projects: &projects,
                releases: &releases,
                releases_around: &releases_around,
                naming: &naming,
            };
            let rule_of = Box::new(|id: &str| {
                let mut areas = areas.iter();
                areas.find_map(|area| area.config.rule_of_chart(id, options.as_of))
            });
            let (set, prefilter) = (&rules.set, &rules.prefilter);
            vec![
                Box::new(Charts::new(
                    workspace, files, rule_of, set, prefilter, vendored,
                )),
                Box::new(Trees::new(workspace, &projects, set)),
                Box::new(Selectors::new(workspace, &selectors, &projects, set)),
                Box::new(Assertions::new(workspace, &tests)),
                Box::new(Builds::new(workspace, &builders, set)),
                Box::new(ValueLayers::new(workspace, &layers, &releases)),
                Box::new(Copied::new(workspace, &lists)),
            ]
        };
    let parts = project_files.by_domain(settings, domains);
    domains.each.iter().zip(parts).map(of_domain).collect()
}
