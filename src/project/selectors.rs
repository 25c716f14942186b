//! Documents of Flux, Argo CD, kbld, kpt and ytt that select images by name from a folder of this tree: what they select and
//! the folder are renamed together, or not at all.
//!
//! Knows which folder a document is applied to, and the findings in it. Folders outside this tree are unknown: an entry
//! for one of them gets a new name by itself.

mod elsewhere;
mod entries;
mod folders;
mod tie;
mod words;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;

use super::kustomize;
use super::{Members, Plan, Project, Tree};
use crate::check;
use crate::detect::Usage;
use crate::edit::Applicability;
use crate::finding::{Finding, Id};
use crate::image::{self, name_of};
use crate::rules::RuleSet;
use crate::source::{LineIndex, Span};
use crate::syntax::yaml;

use entries::{Entries, Named};
pub use folders::folders_applied_by;
use folders::{Root, applied_folders};
use tie::tie;
use words::{GENERATORS, HELM_CHARTS, IMAGE_NAME, LOCKED};
pub use words::{WORDS, is_argo_source, is_of_use, lays_over, may_select};

/// The documents of a run.
pub struct Selectors<'s> {
    rules: &'s RuleSet,
    files: Vec<Applied>,
}

/// A file with documents that are applied to folders.
struct Applied {
    path: PathBuf,
    /// Whether one of those folders is in the tree.
    is_here: bool,
    /// The other files of those folders.
    base: Vec<PathBuf>,
    /// The only name to plan for, if the documents name no folder and nothing in their own folder has it.
    near: Option<String>,
    /// Whether there are too many files to change together.
    are_many: bool,
    /// The kind of root, if they are applied to the root of a repository.
    root: Option<Root>,
}

impl<'s> Selectors<'s> {
    /// Reads the files that may select images. `projects` are the files that make projects of their folders.
    pub fn new(
        tree: &dyn Tree,
        files: &[PathBuf],
        projects: &[PathBuf],
        rules: &'s RuleSet,
    ) -> Self {
        let mut above = folders::above_charts(tree, files, projects);
        above.extend(folders::components(tree, files));
        let applied = |(path, below): (&PathBuf, &[PathBuf])| {
            let mut folders = applied_folders(tree, path);
            folders.extend_from_slice(below);
            let mut base: Vec<PathBuf> = folders
                .iter()
                .flat_map(|folder| kustomize::files_of(tree, folder))
                .filter(|file| file != path)
                .collect();
            base.sort();
            base.dedup();
            // An entry may select a name that another entry of the same document sets.
            let is_of_interest = base.iter().chain([path]).any(|file| tree.is_suspect(file));
            is_of_interest.then(|| Applied {
                path: path.clone(),
                is_here: !folders.is_empty(),
                base,
                near: None,
                are_many: false,
                root: None,
            })
        };
        let own = files.iter();
        let own = own.filter(|path| !folders::only_renders(tree, path));
        let own = own.map(|path| (path, [].as_slice()));
        let above = above.iter().map(|(path, below)| (path, below.as_slice()));
        let near = elsewhere::bases(tree, files, rules).into_iter();
        let near = near.map(|near| Applied {
            path: near.path,
            is_here: true,
            base: near.base,
            near: Some(near.name),
            are_many: near.are_many,
            root: near.root,
        });
        Self {
            rules,
            files: own.chain(above).filter_map(applied).chain(near).collect(),
        }
    }
}

impl Project for Selectors<'_> {
    fn groups(&self) -> Vec<Vec<PathBuf>> {
        let group = |applied: &Applied| {
            let own = std::iter::once(&applied.path);
            own.chain(&applied.base).cloned().collect()
        };
        self.files.iter().map(group).collect()
    }

    fn find(&self, _: &mut Members) -> Plan<'_> {
        Box::new(|members| self.plan(members))
    }
}

impl Selectors<'_> {
    fn plan(&self, members: &mut Members) {
        let mut claimed = None;
        for applied in &self.files {
            if applied.near.is_some() && applied.root.is_none() {
                claimed.get_or_insert_with(|| tied_in(members));
            }
            let Some(member) = members.get(&applied.path) else {
                continue;
            };
            // Ignore comments and settings may have removed a finding, but the entry still selects.
            let checked = check::check(&applied.path, &member.text, member.file_type, self.rules);
            let is_selector = |one: &Finding| one.usage.is_some_and(selects);
            let mut selectors = checked.findings;
            selectors.retain(is_selector);
            let text = folders::as_yaml(&applied.path, &member.text).into_owned();
            let documents = yaml::documents(&text);
            // Documents for folders elsewhere have nothing to do with each other.
            let together = match applied.is_here {
                true => documents.len().max(1),
                false => 1,
            };
            for documents in documents.chunks(together) {
                let claimed = claimed.as_ref().filter(|_| applied.root.is_none());
                applied.plan(members, &text, documents, &selectors, claimed);
            }
        }
    }
}

/// Whether a name is one by which an image is selected: to be replaced, or to be followed by the image updater.
fn selects(usage: Usage) -> bool {
    matches!(usage, Usage::Selector { .. }) || usage.follows_what_runs()
}

/// A finding, by its file and its id there.
type Location = (PathBuf, Id);

impl Applied {
    /// Plans the changes for what some documents of the file select. `selectors` are those of the whole file.
    /// Findings that are `claimed` already change together with another file.
    fn plan(
        &self,
        members: &mut Members,
        text: &str,
        documents: &[Span],
        selectors: &[Finding],
        claimed: Option<&HashSet<Location>>,
    ) {
        let Some(region) = documents.iter().copied().reduce(Span::join) else {
            return;
        };
        let Entries {
            mut named,
            spans,
            exact,
        } = Entries::of(text, documents);
        let mut by_name: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        for finding in selectors.iter().filter(|one| region.covers(one.span())) {
            let name = name_of(&finding.old);
            if self.near.as_ref().is_none_or(|near| near == name) {
                by_name.entry(name).or_default().push(finding);
            }
        }
        if !by_name.is_empty() {
            let taken = self.names(members);
            for (name, selectors) in by_name {
                let mut base = self.base_of(members, name, region);
                base.retain(|one| claimed.is_none_or(|claimed| !claimed.contains(one)));
                let found = |location: &Location| found(members, location);
                if selectors.iter().all(|one| exact.contains(&one.old)) {
                    base.retain(|one| found(one).is_some_and(|one| exact.contains(&one.old)));
                }
                if !self.is_here {
                    let is_entry = |one: &Finding| spans.iter().any(|all| all.covers(one.span()));
                    // A test selects nothing.
                    let selects = named.contains_key(name);
                    base.retain(|one| selects && !found(one).is_some_and(is_entry));
                }
                match self.is_here {
                    _ if base.is_empty() => {}
                    true => self.rename(members, name, &selectors, &base, &taken, &mut named),
                    // An entry keeps the name, because it may also select it elsewhere.
                    // The image updater selects running images, and renames nothing.
                    false if selectors.iter().all(|one| is_followed(one)) => {}
                    false => {
                        let place = self.place_of(members, &selectors);
                        block_fixes(members, &base, &place, OWN_NAME);
                    }
                }
            }
        }
        if self.near.is_none() {
            self.block_captured(members, &named, region);
        }
    }

    /// Renames the images that a name selects together with the selectors, or neither. `taken` are the names in the folder.
    fn rename(
        &self,
        members: &mut Members,
        name: &str,
        selectors: &[&Finding],
        base: &[Location],
        taken: &HashSet<String>,
        named: &mut Named,
    ) {
        let selecting: Option<Vec<Location>> = selectors
            .iter()
            .map(|finding| {
                let findings = &members.get(&self.path)?.findings;
                let mut found = findings.iter();
                let own = found.find(|one| one.span() == finding.span())?;
                Some((self.path.clone(), own.id))
            })
            .collect();
        let selecting = selecting.filter(|_| !self.are_many);
        let tied = selecting.and_then(|selecting| tie(members, name, &selecting, base));
        let first = base.first().and_then(|location| found(members, location));
        let new = first.and_then(|one| Some(name_of(one.new.as_deref()?).to_owned()));
        // Another entry that selects the new name would also select this image.
        let is_free = new
            .as_ref()
            .is_some_and(|new| !named.contains_key(new) && !taken.contains(new));
        match tied.filter(|_| is_free) {
            Some(fixes) => {
                named.remove(name);
                named.extend(new.map(|new| (new, BTreeSet::from([name.to_owned()]))));
                let doubt = (self.root == Some(Root::Unknown))
                    .then(|| format!("{} {MAY_BE_OTHER}", self.place_of(members, selectors)));
                for (location, fix) in fixes {
                    if let Some(finding) = finding(members, &location) {
                        finding.replace_fix(fix);
                        if let Some(doubt) = &doubt {
                            finding.doubt(doubt);
                        }
                    }
                }
            }
            None => {
                let place = self.place_of(members, selectors);
                match self.near {
                    Some(_) => {
                        limit_fixes(members, base, Applicability::Unsafe, &place, MAY_SELECT)
                    }
                    None => block_fixes(members, base, &place, NOT_FOLLOWED),
                }
            }
        }
    }

    /// Returns the location of the first selector, for messages.
    fn place_of(&self, members: &Members, selectors: &[&Finding]) -> String {
        let text = members.get(&self.path).map(|member| &*member.text);
        let line = selectors
            .first()
            .zip(text)
            .map(|(finding, text)| LineIndex::new(text).line(finding.span().start) + 1);
        format!("{}:{}", self.path.display(), line.unwrap_or(1))
    }

    /// The image names in the folder. An entry that is renamed to one of them would also select that image.
    fn names(&self, members: &Members) -> HashSet<String> {
        let members = self
            .base
            .iter()
            .filter_map(|path| Some((path, members.get(path)?)));
        let images =
            members.flat_map(|(path, member)| check::images(path, &member.text, member.file_type));
        images.map(|image| image.name.to_string()).collect()
    }

    /// Blocks the fixes in the folder, or in a region of the file, to a name that another entry selects.
    fn block_captured(&self, members: &mut Members, named: &Named, region: Span) {
        let captured = self.selectable(members, region).filter(|(_, finding)| {
            let new = finding.new.as_deref();
            let by = new.and_then(|new| named.get(name_of(new)));
            let old = canonical(name_of(&finding.old));
            by.is_some_and(|by| by.iter().any(|name| canonical(name) != old))
        });
        let captured: Vec<Location> = captured.map(|(location, _)| location).collect();
        let place = format!("{}", self.path.display());
        block_fixes(members, &captured, &place, CAPTURED);
    }

    /// The findings of a name in the folder, and in a region of the file itself, where an entry may set a name that another
    /// one selects.
    fn base_of(&self, members: &Members, name: &str, region: Span) -> Vec<Location> {
        let all = self.selectable(members, region);
        let named = all.filter(|(_, finding)| name_of(&finding.old) == name);
        named.map(|(location, _)| location).collect()
    }

    /// The findings in the folder, and in a region of the file itself, that an entry may select.
    fn selectable<'m>(
        &'m self,
        members: &'m Members,
        region: Span,
    ) -> impl Iterator<Item = (Location, &'m Finding)> {
        let own = self.near.is_none().then_some(&self.path);
        let files = own.into_iter().chain(&self.base);
        let members = files.filter_map(|path| Some((path, members.get(path)?)));
        members.flat_map(move |(path, member)| {
            let is_own = *path == *self.path;
            let findings = member.findings.iter();
            let findings = findings.filter(move |one| !is_own || region.covers(one.span()));
            let selects = |one: &Finding| one.usage.is_some_and(selects);
            let findings = findings.filter(move |one| !one.mention && !selects(one));
            findings.map(|one| ((path.clone(), one.id), one))
        })
    }
}

/// The findings that change together with another file.
fn tied_in(members: &Members) -> HashSet<Location> {
    let findings = members.iter().flat_map(|(path, member)| {
        let findings = member.findings.iter();
        findings.map(move |finding| (path, finding))
    });
    let is_tied = |finding: &Finding| {
        let fix = finding.fix.as_ref();
        fix.is_some_and(|fix| !fix.elsewhere.is_empty())
    };
    let tied = findings.filter(|(_, finding)| is_tied(finding));
    tied.map(|(path, finding)| (path.clone(), finding.id))
        .collect()
}

fn is_followed(finding: &Finding) -> bool {
    finding.usage.is_some_and(Usage::follows_what_runs)
}

fn finding<'m>(members: &'m mut Members, (path, id): &Location) -> Option<&'m mut Finding> {
    members.get_mut(path)?.findings.get_mut(*id)
}

fn found<'m>(members: &'m Members, (path, id): &Location) -> Option<&'m Finding> {
    members.get(path)?.findings.get(*id)
}

/// Blocks the fixes of images that are selected by a name that stays.
fn block_fixes(members: &mut Members, base: &[Location], place: &str, why: &str) {
    limit_fixes(members, base, Applicability::Display, place, why);
}

fn limit_fixes(
    members: &mut Members,
    base: &[Location],
    most: Applicability,
    place: &str,
    why: &str,
) {
    for location in base {
        if let Some(finding) = finding(members, location) {
            finding.limit(most, &format!("{place} {why}"));
        }
    }
}

const NOT_FOLLOWED: &str = "selects it by this name, and cannot be changed with it";
const OWN_NAME: &str = "selects it by this name, and sets what is pulled instead";
const MAY_SELECT: &str = "may select it by this name, and cannot be changed with it";
const MAY_BE_OTHER: &str =
    "selects it by this name, if it is applied to this repository: then both change together";
const CAPTURED: &str = "selects other images by the new name";

/// Returns a name as it is pulled: `index.docker.io` becomes `docker.io`.
fn canonical(name: &str) -> String {
    let (host, path) = image::split_host(name);
    image::canonical(host, path)
}
