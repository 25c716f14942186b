//! Checks findings in values by rendering the chart's templates.
//!
//! The rendered image decides whether there is a finding, whatever the keys are called, and a fix must be right for
//! every image that uses its value. If a chart cannot be rendered, each file is judged alone.

mod accounts;
mod by_reader;
mod compared;
mod comparisons;
mod confirm;
mod folder;
mod found;
mod hold;
mod image;
mod layer;
mod pin;
mod refused;
mod settled;
mod shared_values;
mod trace;
mod untried;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::edit::Fix;
use crate::file_type;
use crate::finding::{Finding, Unjudged};
use crate::parallel::lock;
use crate::project::{Members, PathKind, Tree};
use crate::rules::RuleSet;
use crate::rules::prefilter::Prefilter;

use super::given::ReleaseValues;
use super::members::note;
use folder::{chart, split_names};
use found::{has_unknown_registry, is_about, is_other_image, names_legacy_host, placed};
use image::{Image, Judged, Legacy, Part, Written};
use layer::Layer;
use refused::Schemas;
pub(super) use trace::{RenderedImage, rendered};
use trace::{Trace, traces};

const OTHER_IMAGE: &str = "the chart's templates would build another image name from it";
const NO_REGISTRY: &str = "the registry that the chart's templates put before it is not known here";
const TEMPLATE_OF_ALL: &str =
    "the chart's template changes with it, and users who set another registry are affected, too";

/// A chart that a rule could apply to, in its values or in its templates.
pub(super) struct Readers<'t> {
    tree: &'t dyn Tree,
    folder: PathBuf,
    values: PathBuf,
    /// Its `Chart.yaml`, if a rule could apply to something there.
    about: Option<PathBuf>,
    /// Values that override the chart's own, each tried.
    layers: Vec<Layer>,
    /// More such values, which are not tried.
    untried: Vec<Layer>,
    /// The files of those values that the run covers.
    others: Vec<PathBuf>,
    /// Templates that a rule could apply to.
    templates: Vec<PathBuf>,
    /// Whether one of its files has the beginning of a legacy location, and another file the rest.
    splits_names: bool,
    latest: Mutex<Option<Arc<Latest>>>,
}

/// The texts that the chart was rendered from, and the result.
struct Latest {
    texts: Vec<(PathBuf, Arc<str>)>,
    traces: Result<Vec<Trace>, String>,
    schemas: Option<Schemas>,
}

impl<'t> Readers<'t> {
    /// Returns the chart in a folder, or `None` if rendering it cannot find anything. `released` are the values that
    /// releases give it, `own` the release files that the run covers.
    pub(super) fn of(
        tree: &'t dyn Tree,
        prefilter: &Prefilter,
        folder: &Path,
        released: &[ReleaseValues],
        own: &[PathBuf],
    ) -> Option<Self> {
        let values = folder.join("values.yaml");
        let in_templates = folder.join("templates");
        let has_values = matches!(tree.place(&values), PathKind::File | PathKind::Missing);
        let has_templates = || tree.place(&in_templates) == PathKind::Folder;
        if !has_values || !has_templates() && tree.beginnings(folder).is_empty() {
            return None;
        }
        let (layers, untried) = untried::all(tree, folder, released);
        let given = layers.iter().chain(&untried).flat_map(Layer::files);
        let read: Vec<&PathBuf> = std::iter::once(&values).chain(given).collect();
        let split = split_names(tree, prefilter, folder, &read);
        let of_split = split.iter().filter(|path| path.starts_with(&in_templates));
        let mut templates: BTreeSet<PathBuf> = of_split.cloned().collect();
        templates.extend(tree.suspects(&in_templates));
        templates.retain(|path| file_type::classify(path).is_some());
        // Files outside the run only affect which images result.
        let is_own = |layer: &&Layer| layer.path.starts_with(folder) || own.contains(&layer.path);
        let of_layers = layers
            .iter()
            .chain(&untried)
            .filter(is_own)
            .flat_map(|layer| {
                let files = layer.files();
                files.filter(|path| {
                    **path == layer.path || tree.is_suspect(path) || split.contains(*path)
                })
            });
        let others: BTreeSet<PathBuf> = of_layers.cloned().collect();
        let others: Vec<PathBuf> = others.into_iter().filter(|path| *path != values).collect();
        let mut files = std::iter::once(&values).chain(&others);
        // An image that the chart and a release form together may not be complete in any one file.
        let has_stem = |path: &PathBuf| {
            let text = tree.text(path);
            text.is_some_and(|text| prefilter.has_stem(text.as_bytes()))
        };
        let mut of_releases = released.iter().flat_map(|released| &released.layers);
        let is_worth_it = !templates.is_empty()
            || !split.is_empty()
            || files.any(|path| tree.is_suspect(path))
            || of_releases.any(|given| has_stem(&given.file));
        is_worth_it.then(|| Self {
            tree,
            folder: folder.to_owned(),
            values,
            about: Some(folder.join("Chart.yaml")).filter(|path| tree.is_suspect(path)),
            layers,
            untried,
            others,
            templates: templates.into_iter().collect(),
            splits_names: !split.is_empty(),
            latest: Mutex::default(),
        })
    }

    /// Adds the values that parent charts give to it. Their files are judged with the parents.
    pub(super) fn below(&mut self, released: &[ReleaseValues]) {
        self.layers.extend(released.iter().map(Layer::of_release));
    }

    /// Returns the chart with this values file, to try overrides of its subcharts' values. `released` are the values
    /// that releases give it.
    pub(super) fn of_subcharts(
        tree: &'t dyn Tree,
        values: &Path,
        released: &[ReleaseValues],
    ) -> Self {
        let folder = values.parent().unwrap_or(Path::new(""));
        let (layers, untried) = untried::all(tree, folder, released);
        Self {
            tree,
            folder: folder.to_owned(),
            values: values.to_owned(),
            about: None,
            layers,
            untried,
            others: Vec::new(),
            templates: Vec::new(),
            splits_names: false,
            latest: Mutex::default(),
        }
    }

    /// Returns the files that are judged together.
    pub(super) fn group(&self) -> Vec<PathBuf> {
        self.files().cloned().collect()
    }

    /// Returns the values file of the chart.
    pub(super) fn values(&self) -> &Path {
        &self.values
    }

    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let values = std::iter::once(&self.values).chain(&self.others);
        values.chain(&self.templates).chain(&self.about)
    }

    /// Renders the chart from the current texts, or returns the cached result.
    fn latest(&self, members: &Members, rules: &RuleSet) -> Arc<Latest> {
        let is_read = |path: &Path| {
            path.starts_with(&self.folder) || self.layers.iter().any(|one| one.has(path))
        };
        let read = || members.iter().filter(|(path, _)| is_read(path));
        let mut latest = lock(&self.latest);
        let is_same = |latest: &&Arc<Latest>| {
            let texts = latest.texts.iter().map(|(path, text)| (path, text));
            texts.eq(read().map(|(path, member)| (path, &member.text)))
        };
        if let Some(latest) = latest.as_ref().filter(is_same) {
            return Arc::clone(latest);
        }
        let (tree, folder, layers) = (self.tree, &self.folder, &self.layers);
        let chart = chart(tree, folder, members);
        let texts = read().map(|(path, member)| (path.clone(), Arc::clone(&member.text)));
        let made = Arc::new(Latest {
            texts: texts.collect(),
            schemas: chart.as_ref().ok().and_then(Schemas::of),
            traces: chart.and_then(|chart| traces(tree, &chart, folder, layers, members, rules)),
        });
        *latest = Some(Arc::clone(&made));
        made
    }

    /// Drops findings whose rendered image no rule applies to, and adds findings for rendered images that are legacy.
    pub(super) fn find(&self, members: &mut Members, rules: &RuleSet, prefilter: &Prefilter) {
        let Some(member) = members.get(&self.values) else {
            return;
        };
        let may_find = || self.splits_names || self.has_anything(members, prefilter);
        if member.findings.is_empty() && !may_find() {
            return;
        }
        match &self.latest(members, rules).traces {
            Ok(traces) => {
                let images = traces.iter().flat_map(|trace| &trace.images);
                let partly_read = found::take_partly_read(&self.templates, images, members);
                let judged = traces.iter().map(|trace| {
                    let images = trace.images.iter();
                    let judged = images.map(|image| (image, image.judge(rules)));
                    (trace, judged.collect())
                });
                let judged: Vec<(&Trace, Vec<Judged<'_>>)> = judged.collect();
                let of_layers = judged.iter().filter(|(trace, _)| trace.layer.is_some());
                let of_layers = of_layers.flat_map(|(_, images)| images);
                let of_layers = of_layers.filter(|(_, legacy)| legacy.is_some());
                let of_layers: Vec<&Image> = of_layers.map(|(image, _)| *image).collect();
                for (trace, images) in &judged {
                    self.judge(trace, images, &of_layers, members);
                }
                found::put_back(partly_read, members);
            }
            Err(reason) => note(
                members.get_mut(&self.values),
                None,
                format!(
                    "the chart does not render here, so each file is judged by itself: {reason}"
                ),
                false,
            ),
        }
    }

    fn has_anything(&self, members: &Members, prefilter: &Prefilter) -> bool {
        let mut texts = self.files().filter_map(|path| {
            let member = members.get(path)?;
            Some((path, member.text.as_bytes()))
        });
        let is_of_release = |path: &PathBuf| {
            let releases = self.layers.iter().chain(&self.untried);
            let releases = releases.filter(|layer| layer.is_release);
            releases.flat_map(Layer::files).any(|file| file == path)
        };
        texts.any(|(path, text)| {
            prefilter.occur_in(text) || is_of_release(path) && prefilter.has_stem(text)
        })
    }

    /// Judges one trace. `of_layers` are the legacy images of all layers: values of the chart may be part of them,
    /// too.
    fn judge(
        &self,
        trace: &Trace,
        judged: &[Judged<'_>],
        of_layers: &[&Image],
        members: &mut Members,
    ) {
        let legacy: Vec<&Image> = trace
            .legacy_words
            .iter()
            .chain(of_layers.iter().copied())
            .collect();
        let own = [self.values.clone()];
        let files: Vec<&PathBuf> = match &trace.layer {
            Some(layer) => layer.files().filter(|path| **path != self.values).collect(),
            None => own.iter().collect(),
        };
        for values in files.iter().filter(|_| !trace.is_partial) {
            let Some(member) = members.get_mut(*values) else {
                continue;
            };
            let is_wrong = |finding: &Finding| {
                !finding.mention
                    && finding.new.is_some()
                    && is_other_image(finding, values, judged, &legacy)
            };
            let text = &*member.text;
            let wrong = member.findings.iter().filter(|one| is_wrong(one));
            let unjudged = wrong.filter_map(|finding| {
                let reason = match names_legacy_host(finding, text) {
                    true => Some(OTHER_IMAGE),
                    false => has_unknown_registry(finding, values, judged).then_some(NO_REGISTRY),
                };
                Some(Unjudged {
                    rule: Arc::clone(&finding.rule),
                    span: finding.span(),
                    reason: reason?.into(),
                })
            });
            member.unjudged.extend(unjudged);
            member.findings.retain(|finding| !is_wrong(finding));
        }
        for (image, legacy) in judged {
            // If the default values produce another image from this name, an alternative branch is not what happens.
            let leads_elsewhere = || {
                let mut others = judged.iter().map(|(other, _)| other);
                let name = image.name().and_then(|name| name.at.as_ref());
                name.is_some_and(|at| {
                    others.any(|one| one.is_default && one.touches(&at.path, at.span))
                })
            };
            if let Some(legacy) = legacy
                .as_ref()
                .filter(|_| image.is_default || !leads_elsewhere())
            {
                self.add(image, legacy, trace.layer.as_ref(), members);
            }
        }
    }

    /// Adds a finding for a legacy image that has none yet.
    fn add(&self, image: &Image, legacy: &Legacy, layer: Option<&Layer>, members: &mut Members) {
        let labels = legacy.finding.labels.iter();
        let name_end = labels.map(|label| label.span.end).max().unwrap_or(0);
        let parts = image.spans().filter(|(span, _)| span.start < name_end);
        let written: Vec<(&Part, &Written)> = parts
            .filter_map(|(_, part)| Some((part, part.at.as_ref()?)))
            .filter(|(part, _)| !part.text.trim_matches('/').is_empty())
            .collect();
        let mut findings = members.iter().flat_map(|(path, member)| {
            let findings = member.findings.iter().filter(|one| !one.mention);
            findings.map(|finding| (path.as_path(), finding))
        });
        let is_found = findings.any(|(path, one)| is_about(one, path, &written, legacy));
        let Some((_, first)) = written.first() else {
            return;
        };
        // Another values file is judged in the trace of its own layer, and that trace judges nothing else.
        let is_laid_over = |path: &Path| self.layers.iter().any(|layer| layer.has(path));
        let is_own = match layer {
            None => !written.iter().any(|(_, at)| is_laid_over(&at.path)),
            Some(layer) => {
                let mut written = written.iter().map(|(_, at)| &*at.path);
                written.any(|path| path != self.values && layer.has(path))
            }
        };
        if is_found || !is_own || !members.contains_key(&*first.path) {
            return;
        }
        let home = Arc::clone(&first.path);
        let mut finding = placed(image, legacy, &home, &written, members);
        let edits_template = |fix: &Fix| {
            let mut files = fix.elsewhere.iter().map(|one| &*one.path);
            files.any(|path| self.templates.iter().any(|template| template == path))
        };
        if layer.is_some() && finding.fix.as_ref().is_some_and(edits_template) {
            finding.doubt(TEMPLATE_OF_ALL);
        }
        if let Some(member) = members.get_mut(&*home) {
            let is_said = |one: &Finding| {
                let mut labels = one.labels.iter();
                one.mention && labels.any(|label| label.span.overlaps(finding.span()))
            };
            member.findings.retain(|one| !is_said(one));
            member.findings.add(finding);
        }
    }
}
