//! Charts that a tree names with a version, whose defaults pull legacy images: `legacy-chart-version`.
//!
//! Whether the chart itself is here or not. [`ways`] knows how files name charts, [`charts`] what is known of them. Where
//! the chart is here and was looked into, its own finding gets what is known, and nothing is said twice.

mod given;
mod sources;
mod terraform;
mod ways;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::Files;
use super::given::Given as GivenAt;
use super::refusal;
use super::subchart_findings::lower_severity;
use super::values::{self, Leaf, Table, Value};
use crate::file_type::{self, Holds, ProjectType};
use crate::finding::{Finding, Findings, LEGACY_CHART, Label, Severity};
use crate::project::{Members, PathKind, Tree};
use crate::rules::Rule;
use crate::rules::charts::{self, Advisory, Charts, Enabled, Step};
use crate::source::Span;
use crate::structure;
use crate::syntax::yaml;
use crate::version::{Version, satisfies};

use given::{Around, Given};
use sources::Sources;
pub use ways::{CHART_WORDS, may_name_chart};
use ways::{Entry, Repository, Way, dig, leaf};

/// What a run says of charts by what is known of their versions.
pub(super) struct Advice<'a> {
    tree: &'a dyn Tree,
    rule_of: RuleOf<'a>,
    charts: Charts,
    sources: Sources,
    /// The files of which there is something to say, with the others that count for it, there or not.
    files: BTreeMap<PathBuf, Vec<PathBuf>>,
}

/// The rule of an id, as severe as it is in the run; `None` where the user wants nothing of it.
pub type RuleOf<'a> = Box<dyn Fn(&str) -> Option<Arc<Rule>> + Sync + 'a>;

/// A chart that is named, with what is known of it.
struct Named {
    chart: String,
    /// Where its name is.
    name_at: Span,
    version_at: Span,
    /// As it is written: perhaps a range.
    asked: String,
    /// What a lock makes of that.
    locked: Option<String>,
    repository: String,
    /// Another file that has the repository's URL.
    source: Option<PathBuf>,
    given: Given,
    /// Where values of the chart are.
    places: Vec<GivenAt>,
    /// Of a dependency the key of the parent's values under which it gets its own.
    key: Option<String>,
    /// Whether a condition switches it off.
    is_off: bool,
    /// Whether the chart itself is here, and was looked into.
    is_here: bool,
}

const OVERRIDDEN: &str = "what it would pull is overridden here";
const OFF: &str = "it is switched off here";
const BY_HAND: &str = "another version of a chart can change more than images";

impl<'a> Advice<'a> {
    /// Reads the files that may name charts: `charts` are the `Chart.yaml` files that the user owns, `foreign` the folders
    /// of charts that are not the user's.
    pub(super) fn new(
        tree: &'a dyn Tree,
        rule_of: RuleOf<'a>,
        known: Charts,
        charts: &[PathBuf],
        foreign: &HashSet<PathBuf>,
        files: Files<'_>,
    ) -> Self {
        let sources = files.naming.par_iter().map(|path| {
            let text = tree.text(path).unwrap_or_default();
            Sources::of(path, &text)
        });
        let sources: Vec<Sources> = sources.collect();
        let mut advice = Self {
            tree,
            rule_of,
            charts: known,
            sources: Sources::default(),
            files: BTreeMap::new(),
        };
        sources
            .into_iter()
            .for_each(|one| advice.sources.extend(one));
        let requirements = charts
            .iter()
            .map(|path| path.with_file_name("requirements.yaml"));
        let requirements = requirements.filter(|path| tree.place(path) == PathKind::File);
        let kustomizations = files.projects.iter().filter(|path| is_kustomization(path));
        let is_own = |path: &&PathBuf| !path.ancestors().any(|folder| foreign.contains(folder));
        let others = kustomizations.chain(files.naming).filter(is_own);
        let others = charts.iter().chain(others);
        let all: Vec<PathBuf> = requirements.chain(others.cloned()).collect();
        let found = all.into_par_iter().filter_map(|path| {
            let text = |path: &Path| tree.text(path);
            let named = advice.named(&path, &tree.text(&path)?, &text);
            let reported = named
                .into_iter()
                .filter(|one| !advice.known(one).is_empty());
            let reported: Vec<Named> = reported.collect();
            let files = reported
                .iter()
                .flat_map(|one| one.given.files.iter().chain(&one.source).cloned())
                .collect();
            (!reported.is_empty()).then_some((path, files))
        });
        let found: Vec<(PathBuf, Vec<PathBuf>)> = found.collect();
        advice.files = found.into_iter().collect();
        advice
    }

    /// Files that have to be judged together.
    pub(super) fn groups(&self) -> impl Iterator<Item = Vec<PathBuf>> {
        self.files.iter().map(|(path, values)| {
            let values = values.iter().cloned();
            values.chain([path.clone()]).collect()
        })
    }

    /// Adds what is known of the charts that the members name. What was found inside of charts is there already.
    pub(super) fn find(&self, members: &mut Members) {
        let paths: Vec<&PathBuf> = self
            .files
            .keys()
            .filter(|path| members.contains_key(*path))
            .collect();
        for path in paths {
            let text = |path: &Path| match members.get(path) {
                Some(member) => Some(Arc::from(member.text.as_str())),
                None => self.tree.text(path),
            };
            let named = text(path).map(|own| self.named(path, &own, &text));
            for one in named.into_iter().flatten() {
                if self.expects_own_images(&one) {
                    note_own_images(&one, path, members);
                    lift(&one, members);
                }
                if let Some(member) = members.get_mut(path) {
                    self.tell(&one, &mut member.findings);
                }
            }
        }
    }

    /// Whether all charts of the repository are made for the images of its owner.
    fn expects_own_images(&self, one: &Named) -> bool {
        let mut known = self.known(one).into_iter();
        known.any(|(advisory, _)| advisory.chart == charts::EVERY)
    }

    fn tell(&self, one: &Named, findings: &mut Findings) {
        let known = self.known(one);
        let Some(clean) = self.clean(one, &known) else {
            return;
        };
        let mut is_told = false;
        for finding in findings.iter_mut() {
            let same = known
                .iter()
                .any(|(advisory, _)| *advisory.rule == *finding.rule);
            if finding.span() == one.name_at && same {
                finding.notes.push(clean.clone());
                is_told = true;
            }
        }
        if !is_told {
            findings.add(Self::finding(one, &known, &clean));
        }
    }

    /// What is known of a chart and holds for it, with the rules of the run.
    fn known(&self, one: &Named) -> Vec<(Advisory, Arc<Rule>)> {
        let version = one.locked.as_ref().unwrap_or(&one.asked);
        let found = self
            .charts
            .advisories(Some(&one.repository), &one.chart, version);
        let found = found.into_iter().filter(|advisory| advisory.certain);
        self.with_rules(one, found).collect()
    }

    fn with_rules(
        &self,
        one: &Named,
        advisories: impl Iterator<Item = Advisory>,
    ) -> impl Iterator<Item = (Advisory, Arc<Rule>)> {
        advisories.filter_map(move |advisory| {
            let rule = (self.rule_of)(advisory.rule)?;
            let switch = advisory.condition.and_then(|path| one.given.switch(path));
            let is_on = switch.unwrap_or(advisory.enabled != Enabled::Off);
            is_on.then_some((advisory, rule))
        })
    }

    /// From which version on the chart is clean, in words; `None` where nothing is known against the one that is named.
    fn clean(&self, one: &Named, known: &[(Advisory, Arc<Rule>)]) -> Option<String> {
        let (first, _) = known.first()?;
        let exact = one
            .locked
            .as_deref()
            .or(Some(&one.asked))
            .and_then(Version::exact);
        let last = known
            .iter()
            .filter_map(|(one, _)| Version::parse(one.last_legacy()))
            .max();
        let all = self.charts.of_chart(Some(&one.repository), &one.chart);
        let all: Vec<Advisory> = self
            .with_rules(one, all.into_iter())
            .map(|(one, _)| one)
            .collect();
        let from = exact.or(last);
        let clean = from
            .as_ref()
            .and_then(|from| charts::first_clean_after(&all, from));
        let words = match (clean, from) {
            (Some((clean, since)), Some(from)) => {
                let step = Version::parse(clean).map(|clean| Step::between(&from, &clean));
                let step = step.map_or_else(String::new, |step| format!("{} step, ", step.name()));
                format!("{clean} ({step}{since}) is the first clean version")
            }
            _ => match first.newest {
                Some(newest) => format!("no version up to {newest} is clean"),
                None => "no version is clean".to_owned(),
            },
        };
        let renamed = known.iter().find_map(|(one, _)| one.renamed_to);
        Some(match renamed {
            Some(name) => format!("{words}; the chart goes on as {name}"),
            None => words,
        })
    }

    fn finding(one: &Named, known: &[(Advisory, Arc<Rule>)], clean: &str) -> Finding {
        let is_overridden = |(advisory, rule): &(Advisory, Arc<Rule>)| {
            one.given.override_all(advisory.images, rule)
        };
        let reason = match () {
            () if one.is_off => OFF,
            () if one.is_here || known.iter().all(is_overridden) => OVERRIDDEN,
            () => BY_HAND,
        };
        let severity =
            known.iter().map(
                |known| match reason == OFF || one.is_here || is_overridden(known) {
                    true => lower_severity(known.1.severity),
                    false => known.1.severity,
                },
            );
        let mut locations: Vec<String> = known
            .iter()
            .flat_map(|(advisory, rule)| {
                let images = advisory.images.split(',');
                images.map(|image| given::location(image, rule))
            })
            .collect();
        locations.sort();
        locations.dedup();
        let version = match &one.locked {
            Some(locked) if *locked != one.asked => format!("{locked} (locked for {})", one.asked),
            _ => one.asked.clone(),
        };
        let chart = &one.chart;
        let locations = locations.join(" and ");
        Finding {
            reason: Some(reason.to_owned()),
            ..Finding::new(
                LEGACY_CHART,
                severity.max().unwrap_or(Severity::Info),
                format!("{chart} {version} pulls from {locations} by default; {clean}"),
                vec![Label {
                    span: one.version_at,
                    text: String::new(),
                }],
                format!("{chart} {version}"),
            )
        }
    }

    /// Every chart that a file names in a known repository with a version that is plain text.
    fn named(
        &self,
        path: &Path,
        text: &str,
        text_of: &dyn Fn(&Path) -> Option<Arc<str>>,
    ) -> Vec<Named> {
        let Some(file_type) =
            file_type::classify(path).filter(|file_type| ways::may_name(file_type, text))
        else {
            return Vec::new();
        };
        let documents = ways::documents(file_type, text);
        let around = Around {
            tree: self.tree,
            path,
            text: text_of,
        };
        let tables: Vec<&Table> = documents.iter().filter_map(Value::as_table).collect();
        let numbered = documents.iter().enumerate();
        let numbered = numbered.filter_map(|(number, root)| Some((number, root.as_table()?)));
        let entries = numbered.flat_map(|(number, root)| {
            let entries = ways::entries(number, root, file_type).into_iter();
            entries.map(move |entry| (root, entry))
        });
        let entries = entries.filter(|(_, entry)| {
            given::is_plain(entry.chart, text) && given::is_plain(entry.version, text)
        });
        entries
            .filter_map(|(root, entry)| {
                let (repository, chart, source) = self.origin(path, root, &tables, &entry)?;
                // Of most charts nothing is known.
                if self.charts.of_chart(Some(&repository), &chart).is_empty() {
                    return None;
                }
                let mut named = of_entry(&entry, repository, chart, &around);
                named.source = source;
                Some(named)
            })
            .collect()
    }

    /// The URL that a chart comes from, its name there, and the file that has the URL, if it is another one.
    fn origin(
        &self,
        path: &Path,
        document: &Table,
        documents: &[&Table],
        entry: &Entry<'_>,
    ) -> Option<(String, String, Option<PathBuf>)> {
        let name = entry.chart.text.trim();
        if name.starts_with("oci://") {
            let (_, last) = name.trim_end_matches('/').rsplit_once('/')?;
            return Some((name.to_owned(), last.to_owned(), None));
        }
        let url = match entry.way.repository {
            Repository::InName => return None,
            Repository::Url(key) => leaf(entry.table, key)?.text.trim().to_owned(),
            Repository::Object(key) => {
                let reference = dig(entry.table, key)?.as_table()?;
                let source = self.sources.find(path, document, reference)?;
                let path = Some(source.path.clone());
                return Some((source.url.to_string(), name.to_owned(), path));
            }
            Repository::Prefix => {
                let (prefix, name) = name.split_once('/')?;
                let url = repository_called(prefix, documents)?;
                return Some((with_scheme(url), name.to_owned(), None));
            }
        };
        Some((with_scheme(url), name.to_owned(), None))
    }
}

/// Argo CD and helmfile leave the scheme of a registry out.
fn with_scheme(url: String) -> String {
    match url.contains("://") {
        true => url,
        false => format!("oci://{url}"),
    }
}

/// Says of the images that a chart gets that it is not made for any others than those of its owner.
fn note_own_images(one: &Named, path: &Path, members: &mut Members) {
    let note = format!(
        "the chart {} expects images of its own vendor: another one needs other values, too",
        one.chart
    );
    if let Some(member) = members.get_mut(path) {
        let documents = yaml::documents(&member.text);
        let around = |document: &&Span| document.covers(one.version_at);
        let document = documents.iter().find(around).filter(|_| one.key.is_none());
        for finding in &mut member.findings {
            let span = finding.span();
            let is_of_chart = span == one.name_at || document.is_some_and(|all| all.covers(span));
            add_note(finding, is_of_chart, &note);
        }
    }
    for file in &one.given.files {
        let Some(member) = members.get_mut(file) else {
            continue;
        };
        let offsets: Vec<usize> = member.findings.iter().map(|one| one.span().start).collect();
        let places = structure::places(&member.text, member.file_type, &offsets);
        for (finding, place) in member.findings.iter_mut().zip(places) {
            let below = |key: &String| place.split('.').any(|step| step == key);
            add_note(finding, one.key.as_ref().is_none_or(below), &note);
        }
    }
}

fn add_note(finding: &mut Finding, is_of_chart: bool, note: &str) {
    let is_new = || !finding.notes.iter().any(|one| one == note);
    if is_of_chart && !finding.alternatives.is_empty() && is_new() {
        finding.notes.push(note.to_owned());
    }
}

/// Has a chart of which only the name is known accept the images that fixes of its values bring.
fn lift(one: &Named, members: &mut Members) {
    if one.is_here || one.given.is_lifted() {
        return;
    }
    for place in &one.places {
        let Some(member) = members.get_mut(&place.file) else {
            continue;
        };
        let moving = member.findings.iter().filter(|one| refusal::moves(one));
        let offsets: Vec<usize> = moving.map(|one| one.span().start).collect();
        let Some(all) = place
            .at
            .covered(&member.text)
            .filter(|_| !offsets.is_empty())
        else {
            continue;
        };
        let places = structure::places(&member.text, member.file_type, &offsets);
        let is_below = |place: &String| match &one.key {
            Some(key) => place.split('.').next() == Some(key.as_str()),
            None => true,
        };
        let below = offsets.iter().zip(&places);
        let is_in = |offset: usize| all.covers(Span::new(offset, offset));
        let below = below.filter(|(offset, place)| is_in(**offset) && is_below(place));
        let below: Vec<usize> = below.map(|(offset, _)| *offset).collect();
        refusal::lift_where(member, place, &|one| below.contains(&one.span().start));
    }
}

/// The URL of one of helmfile's `repositories`.
fn repository_called(name: &str, documents: &[&Table]) -> Option<String> {
    let lists = documents
        .iter()
        .filter_map(|root| root.get(ways::REPOSITORIES));
    let items = lists.flat_map(|list| match list {
        Value::List(items) => items.to_vec(),
        _ => Vec::new(),
    });
    items.into_iter().find_map(|item| {
        let item = item.as_table()?;
        let is_it = leaf(item, "name").is_some_and(|own| &*own.text == name);
        is_it.then(|| leaf(item, "url").map(|url| url.text.to_string()))?
    })
}

fn of_entry(entry: &Entry<'_>, repository: String, chart: String, around: &Around<'_>) -> Named {
    let asked = entry.version.text.trim().to_owned();
    let is_dependency = entry.way.is_dependency();
    let locked = is_dependency
        .then(|| locked(entry, &asked, around))
        .flatten();
    let exact = locked.as_ref().unwrap_or(&asked);
    Named {
        name_at: entry.chart.origin.span,
        version_at: entry.version.origin.span,
        is_off: is_dependency && is_off(entry, around),
        is_here: is_dependency && is_here(&chart, exact, around),
        given: Given::of(entry, around),
        places: given::places(entry, around),
        key: is_dependency.then(|| {
            leaf(entry.table, "alias").map_or_else(|| chart.clone(), |key| key.text.to_string())
        }),
        asked,
        locked,
        repository,
        source: None,
        chart,
    }
}

impl Way {
    /// Whether it is a dependency of a chart: with a lock beside it, and `charts/`.
    fn is_dependency(&self) -> bool {
        let files = [
            ways::Document::File(Holds::Chart),
            ways::Document::File(Holds::Requirements),
        ];
        files.contains(&self.document)
    }
}

/// The version that the lock beside a chart has for a dependency, if it is one that was asked for.
fn locked(entry: &Entry<'_>, asked: &str, around: &Around<'_>) -> Option<String> {
    let lock = match around.path.file_stem()?.to_str()? {
        "requirements" => "requirements.lock",
        _ => "Chart.lock",
    };
    let text = (around.text)(&around.path.with_file_name(lock))?;
    let table = values::read(&text, 0).ok()?;
    let Some(Value::List(items)) = table.get("dependencies") else {
        return None;
    };
    let text = |table: &Table, key: &str| leaf(table, key).map(|leaf| leaf.text.to_string());
    let own = items.iter().filter_map(Value::as_table).filter(|item| {
        let same = |key: &str| text(item, key) == text(entry.table, key);
        same("name") && same("repository")
    });
    let mut versions = own.filter_map(|item| text(item, "version"));
    versions.find(|version| satisfies(version, asked))
}

fn is_off(entry: &Entry<'_>, around: &Around<'_>) -> bool {
    let Some(Leaf { text: paths, .. }) = leaf(entry.table, "condition") else {
        return false;
    };
    let values = (around.text)(&around.path.with_file_name("values.yaml"));
    let table = values.and_then(|text| values::read(&text, 0).ok());
    table.is_some_and(|table| given::switch_of(&table, paths) == Some(false))
}

/// Whether a dependency is in `charts/`, packed or not.
fn is_here(chart: &str, version: &str, around: &Around<'_>) -> bool {
    let folder = around.path.with_file_name("charts");
    let is_archive = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        let packed = name.and_then(|name| name.strip_prefix(chart)?.strip_suffix(".tgz"));
        let packed = packed.and_then(|rest| rest.strip_prefix('-'));
        packed.is_some_and(|packed| satisfies(packed, version))
    };
    let unpacked = folder.join(chart).join("Chart.yaml");
    around.tree.place(&unpacked) == PathKind::File
        || around.tree.list(&folder).iter().any(is_archive)
}

fn is_kustomization(path: &Path) -> bool {
    file_type::classify(path)
        .is_some_and(|file_type| file_type.project == Some(ProjectType::Kustomization))
}
