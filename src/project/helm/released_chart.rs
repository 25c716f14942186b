//! A vendored chart that a kustomization uses through `helmCharts`: its defaults are overridden in `valuesInline` or
//! in the `valuesFile` that the user owns. `releases` does the same for other tools.
//!
//! Only charts that are unpacked in `chartHome` are read, and only if a repository is given: without one it is the
//! user's own chart, unless the settings say otherwise. `additionalValuesFiles` are not read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::changes::{Change, Target};
use super::chart::Metadata;
use super::coalesce::{merge, read_at, read_whole};
use super::config_map::ConfigMaps;
use super::given::Given;
use super::load::{File, Loaded, Loader};
use super::members::{block_fixes, drop_defaults, note};
use super::subchart_findings::{DefaultFinding, Owned};
use super::values::{self, Spot, Value, text};
use super::vendored::Vendored;

use crate::finding::Unjudged;
use crate::printable;
use crate::project::{Members, PathKind, Tree, kustomize};
use crate::rules::RuleSet;
use crate::rules::prefilter::Prefilter;
use crate::source::Span;

const UNPACKED: &str = "a tool restores this chart, so its defaults are overridden in its release";

/// A chart that a file uses, and the values that the file gives it.
pub(super) struct Release {
    /// The file that uses the chart.
    pub declared_in: PathBuf,
    /// Whether the chart is vendored.
    pub is_vendored: bool,
    /// All values that it gives, the lowest first. `None` if some of them are not in this tree.
    pub layers: Option<Vec<Given>>,
    /// The folder of the chart, or its archive.
    pub chart: PathBuf,
    /// Where the file names the chart.
    pub name: Spot,
    /// The file that overrides go into: the declaring file, or a values file.
    pub values: PathBuf,
    /// Where values are in the file that overrides go into.
    pub at: Spot,
    /// Values files that those override, lowest first.
    pub below: Vec<PathBuf>,
    /// The key through which it takes values that cannot be read here; if set, nothing is reported about the release.
    pub unseen: Option<&'static str>,
}

/// A vendored chart that a file uses.
pub(super) struct ReleasedChart {
    pub release: Release,
    pub loaded: Loaded,
    /// Whether other charts may use the file that overrides go into.
    pub is_shared: bool,
}

const SHARED: &str = "other charts may use that values file, too";

/// Marks the releases whose overrides would go into a values file that other charts may use, too.
pub(super) fn mark_shared(tree: &dyn Tree, declared_in: &[&PathBuf], used: &mut [ReleasedChart]) {
    if !used.iter().any(|one| one.release.at.is_whole()) {
        return;
    }
    let texts: Vec<Arc<str>> = declared_in
        .iter()
        .filter_map(|path| tree.text(path))
        .collect();
    let shared: Vec<bool> = used
        .iter()
        .map(|ReleasedChart { release: one, .. }| {
            let name = one.values.file_name().and_then(|name| name.to_str());
            let Some(name) = name.filter(|_| one.at.is_whole()) else {
                return false;
            };
            let reads = |ReleasedChart { release: other, .. }: &&ReleasedChart| {
                other.chart == one.chart
                    && (other.values == one.values && other.at.is_whole()
                        || other.below.contains(&one.values))
            };
            let own = used.iter().filter(reads).count();
            let named = texts.iter().map(|text| mentions(text, name));
            named.sum::<usize>() > own
        })
        .collect();
    for (one, shared) in used.iter_mut().zip(shared) {
        one.is_shared = shared;
    }
}

/// Counts how often a text names a file, with any path before the name.
fn mentions(text: &str, file: &str) -> usize {
    let in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let bytes = text.as_bytes();
    let places = text.match_indices(file);
    let whole = places.filter(|(at, _)| {
        let before = at.checked_sub(1).map(|before| bytes[before]);
        let after = bytes.get(at + file.len()).copied();
        !before.is_some_and(in_name) && !after.is_some_and(in_name)
    });
    whole.count()
}

pub(super) fn is_archive(chart: &Path) -> bool {
    chart.to_string_lossy().ends_with(".tgz")
}

/// The context for reading files that use charts.
#[derive(Clone, Copy)]
pub(super) struct ReleaseContext<'s> {
    pub tree: &'s dyn Tree,
    pub prefilter: &'s Prefilter,
    pub vendored: Vendored<'s>,
    pub config_maps: &'s ConfigMaps<'s>,
    /// Whether to keep charts that have nothing to report.
    pub every_chart: bool,
}

impl ReleaseContext<'_> {
    /// Whether an override for a chart may go into a values file: not if it is vendored, nor if it belongs to a
    /// chart.
    pub(super) fn is_own(&self, file: &Path, chart: &Path) -> bool {
        let mut folders = file.ancestors().skip(1);
        let beside = file.parent().unwrap_or(Path::new("")).join("Chart.yaml");
        !file.starts_with(chart)
            && !folders.any(|folder| self.vendored.lists(folder))
            && self.tree.place(&beside) != PathKind::File
    }

    /// Reads a chart in a folder or in an archive. `None` if it has nothing to report.
    fn load(&self, chart: &Path) -> Option<Loaded> {
        let mut loader = Loader::new(self.tree, self.prefilter, self.vendored);
        loader.every_template = self.every_chart;
        let loaded = match is_archive(chart) {
            true => loader.load_archive(chart),
            false => loader.load_one(chart),
        };
        let has_news = loaded.suspect || !loaded.vendored.is_empty() || !loaded.faults.is_empty();
        (self.every_chart || has_news).then_some(loaded)
    }
}

/// Returns the charts that a kustomization uses and that are in this tree.
pub(super) fn of(context: ReleaseContext<'_>, path: &Path) -> Vec<ReleasedChart> {
    let ReleaseContext { tree, vendored, .. } = context;
    let read = || {
        let text = tree.text(path).filter(|text| text.contains("helmCharts"))?;
        values::read(&text, 0).ok()
    };
    let Some(root) = read() else {
        return Vec::new();
    };
    let globals = values::table_at(&root, ["helmGlobals"]);
    let home = globals.and_then(|globals| text(globals, "chartHome"));
    let folder = path.parent().unwrap_or(Path::new(""));
    let entry = |(index, item): (usize, &Value)| {
        let entry = item.as_table()?;
        let name = text(entry, "name")?;
        let version = text(entry, "version").unwrap_or_default();
        let chart = kustomize::unpacked(tree, folder, home.as_deref(), &name, &version)?;
        if text(entry, "repo").is_none() && !vendored.lists(&chart) {
            return None;
        }
        let file = text(entry, "valuesFile").map(|file| tree.resolve(folder, &file));
        let file = file.filter(|file| tree.is_file(file) && context.is_own(file, &chart));
        let spot = Spot::at_keys(0, &["helmCharts"]).item(index);
        let inline = entry.contains_key("valuesInline") || file.is_none();
        let release = Release {
            declared_in: path.to_owned(),
            is_vendored: true,
            layers: None,
            chart,
            values: match (&file, inline) {
                (Some(file), false) => file.clone(),
                _ => path.to_owned(),
            },
            name: spot.clone().keys(&["name"]),
            at: match inline {
                true => spot.keys(&["valuesInline"]),
                false => Spot::default(),
            },
            below: file.filter(|_| inline).into_iter().collect(),
            unseen: None,
        };
        ReleasedChart::of(release, context)
    };
    let entries = values::items(&root, "helmCharts").iter().enumerate();
    entries.filter_map(entry).collect()
}

pub(super) fn not_analysed(why: &str) -> String {
    format!("{why}: the chart was not analysed")
}

impl ReleasedChart {
    /// Returns the chart of a release, so that overrides go into the release. `None` if it has nothing to report.
    pub(super) fn of(release: Release, context: ReleaseContext<'_>) -> Option<Self> {
        Some(Self {
            loaded: context.load(&release.chart)?,
            release,
            is_shared: false,
        })
    }

    /// Returns the files that have to be judged together.
    pub(super) fn group(&self) -> Vec<PathBuf> {
        let own = [
            self.release.declared_in.clone(),
            self.release.values.clone(),
        ];
        let below = self.release.below.iter().cloned();
        let vendored = self.loaded.vendored.iter().cloned();
        own.into_iter().chain(below).chain(vendored).collect()
    }

    /// Adds findings, and returns the changes that they want. Unless every release of the chart is `understood`,
    /// findings in the chart's own files are kept, too.
    pub(super) fn report(
        &self,
        members: &mut Members,
        found: Result<Vec<DefaultFinding>, String>,
        understood: bool,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        match found {
            Ok(found) => {
                if understood {
                    let is_default =
                        |path: &Path| self.release.below.iter().any(|below| below == path);
                    drop_defaults(members, &self.loaded.vendored, &is_default);
                }
                block_fixes(members, &self.loaded.vendored, UNPACKED);
                if let Some(member) = members.get_mut(&self.release.declared_in) {
                    let target = self.target();
                    let found = found.into_iter();
                    changes = found
                        .filter_map(|one| one.add_to(&self.release.declared_in, member, &target))
                        .collect();
                }
            }
            Err(why) => {
                // Only the findings in the chart's own files are reported.
                block_fixes(members, &self.loaded.vendored, UNPACKED);
                let declared_in = members.get_mut(&self.release.declared_in);
                let at = declared_in.as_ref().and_then(|declared_in| {
                    let name = self.name_in(&declared_in.text)?;
                    Some(name.start)
                });
                note(declared_in, at, not_analysed(&why), false);
            }
        }
        for fault in &self.loaded.faults {
            let declared_in = members.get_mut(&self.release.declared_in);
            note(declared_in, None, fault.message(), fault.fatal);
        }
        changes
    }

    /// Returns the chart with the values that it gets.
    ///
    /// # Errors
    /// If those cannot be read.
    pub(super) fn owned<'t>(
        &self,
        text: impl Fn(&Path) -> Option<&'t str>,
    ) -> Result<Owned<'_>, String> {
        if let Some(key) = self.release.unseen {
            return Err(format!("some of its values come from `{key}`"));
        }
        let text = |path: &Path| {
            text(path).ok_or_else(|| format!("{} cannot be read", printable::name(path)))
        };
        let unread = |path: &Path, error: String| match path == self.release.declared_in {
            true => format!("the file {error}"),
            false => format!("{} {error}", printable::name(path)),
        };
        let about = Metadata {
            name_at: self.name_in(text(&self.release.declared_in)?),
            ..Metadata::default()
        };
        let written = text(&self.release.values)?;
        let mut set = read_at(written, 0, &self.release.at)
            .map_err(|error| unread(&self.release.values, error))?;
        let file = |path: &Path, text: &str| File {
            place: printable::name(path),
            text: Arc::from(text),
            of_root: path.starts_with(&self.release.chart),
        };
        let mut files = vec![file(&self.release.values, written)];
        for path in self.release.below.iter().rev() {
            let below = text(path)?;
            let number = Owned::number(&self.loaded, files.len());
            let under = read_whole(below, number).map_err(|error| unread(path, error))?;
            merge(&mut set, &under, true);
            files.push(file(path, below));
        }
        Ok(Owned::asked_for(about, set, files, &self.loaded))
    }

    /// Returns the legacy images in the values that the chart gets. Adds names that could not be judged to
    /// `unjudged`.
    ///
    /// # Errors
    /// If the values cannot be read.
    pub(super) fn findings(
        &self,
        members: &Members,
        rules: &RuleSet,
        prefilter: &Prefilter,
        unjudged: &mut Vec<Unjudged>,
    ) -> Result<Vec<DefaultFinding>, String> {
        let text = |path: &Path| members.get(path).map(|member| &*member.text);
        let mut found = self.owned(text)?.findings(rules, prefilter, unjudged);
        let written = text(&self.release.values).unwrap_or_default();
        let target = self.target();
        for one in &mut found {
            one.without_name();
            if self.is_shared {
                one.doubt(SHARED);
            }
            one.put_into(&target, written, members.get(&self.release.values));
        }
        Ok(found)
    }

    /// Returns the span of the chart's name in the declaring file.
    fn name_in(&self, text: &str) -> Option<Span> {
        let documents = values::read_all(text, 0).ok()?;
        let at = &self.release.name;
        let name = values::at(documents.get(at.document)?, &at.steps).as_leaf()?;
        Some(name.origin.span)
    }

    fn target(&self) -> Target {
        Target {
            file: self.release.values.clone(),
            at: self.release.at.clone(),
        }
    }
}
