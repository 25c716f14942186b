//! Fixes that a chart refuses, by its schema or by a check of its images: Helm would no longer render the chart.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::folder::chart;
use super::{Readers, untried};
use crate::edit::{Fix, Patch};
use crate::finding::Id;
use crate::project::helm::coalesce::{Layered, merge, read_whole};
use crate::project::helm::effective::{self, ChartNode};
use crate::project::helm::given::Given;
use crate::project::helm::load;
use crate::project::helm::refusal;
use crate::project::helm::render::Chart;
use crate::project::helm::schema::{self, Schema};
use crate::project::helm::values::{Table, Value};
use crate::project::{Members, current_text};

/// The most fixes of one chart's values that are tried one by one.
const MOST_TRIED: usize = 64;

/// The schemas of a chart and its subcharts.
pub(super) struct Schemas {
    root: Arc<load::Chart>,
    of: Vec<(Arc<load::Chart>, OfChart)>,
}

struct OfChart {
    /// The path from the root's folder: `charts/sub-1.0.0.tgz!sub/values.schema.json`.
    file: String,
    schema: Schema,
}

/// The refused values, by the file of the schema and their path in the values of its chart.
type Refused = BTreeMap<(String, Vec<String>), String>;

impl Schemas {
    /// Reads the schemas. `None` if no chart has one.
    pub(super) fn of(chart: &Chart) -> Option<Self> {
        let root = chart.shared_root();
        let mut of = Vec::new();
        let mut open = vec![&root];
        while let Some(one) = open.pop() {
            let file = chart.file_of(one, schema::FILE);
            of.extend(file.and_then(|file| {
                let schema = Schema::parse(file.bytes())?;
                let file = file.path.clone();
                Some((Arc::clone(one), OfChart { file, schema }))
            }));
            open.extend(&one.children);
        }
        let root = Arc::clone(&root);
        (!of.is_empty()).then_some(Self { root, of })
    }

    /// Returns what they refuse when `over` overrides the root's values; `None` if that takes too much work.
    fn refuse(&self, over: Table) -> Option<Refused> {
        let (nest, values) = effective::rendered(&self.root, over);
        let mut refused = Refused::new();
        self.add_refused(&nest, &values, &mut refused)?;
        Some(refused)
    }

    fn add_refused(
        &self,
        chart: &Layered<ChartNode>,
        values: &Table,
        refused: &mut Refused,
    ) -> Option<()> {
        let own = self.of.iter();
        let mut own = own.filter(|(one, _)| Arc::ptr_eq(one, &chart.of.chart));
        if let Some((_, OfChart { file, schema })) = own.next() {
            for one in schema.refuses(values)? {
                refused.insert((file.clone(), one.at), one.why);
            }
        }
        for child in &chart.children {
            if let Some(values) = values.get(&child.name).and_then(Value::as_table) {
                self.add_refused(child, values, refused)?;
            }
        }
        Some(())
    }
}

/// The location of a finding: its file, and its id there.
type Location = (PathBuf, Id);

impl Readers<'_> {
    /// Adds consent to charts that would otherwise refuse the images that fixes bring.
    pub(in crate::project::helm) fn lift(&self, members: &mut Members) {
        let moves = |path: &PathBuf| {
            let member = members.get(path);
            member.is_some_and(|member| member.findings.iter().any(refusal::moves))
        };
        let is_moved = self.files().any(moves);
        let Some(chart) = is_moved.then(|| chart(self.tree, &self.folder, members)) else {
            return;
        };
        let Ok(chart) = chart else {
            return;
        };
        let about = self.about.as_ref();
        let about = about.and_then(|path| Some((path, members.get(path)?)));
        let listed = about.map(|(path, about)| refusal::listed(path, about));
        if let Some(values) = members.get_mut(&self.values) {
            refusal::lift_in(chart.root(), values, &listed.unwrap_or_default());
        }
        let layers = self.layers.iter().chain(&self.untried);
        for (file, given) in untried::by_file(layers) {
            if let Some(member) = members.get_mut(file) {
                refusal::lift_given(chart.root(), &given, member);
            }
        }
    }

    /// The same check for a chart that is not rendered.
    pub(in crate::project::helm) fn hold_refused_alone(&self, members: &mut Members) {
        let mut fixes = members.iter().flat_map(|(path, member)| {
            let fixes = member.findings.iter().filter_map(|one| one.fix.as_ref());
            fixes.flat_map(move |fix| fix.in_files(path))
        });
        let is_edited = fixes.any(|(path, _)| *path == *self.values);
        drop(fixes);
        if is_edited {
            let chart = chart(self.tree, &self.folder, members);
            if let Some(schemas) = chart.ok().as_ref().and_then(Schemas::of) {
                self.hold_refused(&schemas, members);
            }
        }
    }

    /// Removes fixes after which a schema refuses values that it accepts now.
    pub(super) fn hold_refused(&self, schemas: &Schemas, members: &mut Members) {
        let own = std::iter::once(&[][..]);
        let layers = self.layers.iter().map(|layer| layer.given.as_slice());
        for given in own.chain(layers) {
            for ((path, id), reason) in self.refused(schemas, given, members) {
                let member = members.get_mut(&path);
                if let Some(finding) = member.and_then(|member| member.findings.get_mut(id)) {
                    finding.block(reason);
                }
            }
        }
    }

    /// Returns the findings whose fixes are refused with these values over the chart's own, with the reasons.
    fn refused(
        &self,
        schemas: &Schemas,
        given: &[Given],
        members: &Members,
    ) -> Vec<(Location, String)> {
        let files: BTreeSet<&Path> = given.iter().map(|one| one.file.as_path()).collect();
        let reads = |path: &Path| *path == *self.values || files.contains(path);
        let mut fixes: Vec<(Location, &Fix)> = Vec::new();
        for (path, member) in members {
            for finding in &member.findings {
                let fix = finding.fix.as_ref();
                let fix = fix.filter(|fix| fix.in_files(path).any(|(path, _)| reads(path)));
                fixes.extend(fix.map(|fix| ((path.clone(), finding.id), fix)));
            }
        }
        if fixes.is_empty() {
            return Vec::new();
        }
        let with = |fixes: &[(Location, &Fix)]| {
            let texts = members.iter();
            let texts = texts.map(|(path, member)| (path.as_path(), &*member.text));
            let mut patch = Patch::new(texts);
            for ((path, _), fix) in fixes {
                patch.offer(path, fix);
            }
            let changed = patch.changed().collect();
            schemas.refuse(self.merged(given, members, &changed)?)
        };
        let Some(before) = with(&[]) else {
            return Vec::new();
        };
        let refusal = |fixes: &[(Location, &Fix)]| {
            let mut after = with(fixes)?.into_iter();
            let ((file, at), why) = after.find(|(at, _)| !before.contains_key(at))?;
            Some(format!("{file} refuses it: {} {why}", at.join(".")))
        };
        let Some(together) = refusal(&fixes) else {
            return Vec::new();
        };
        let (tried, others) = fixes.split_at(fixes.len().min(MOST_TRIED));
        let alone = tried.iter().map(|one| {
            let reason = refusal(std::slice::from_ref(one));
            (one.0.clone(), reason)
        });
        let alone: Vec<(Location, Option<String>)> = alone.collect();
        let is_known = alone.iter().any(|(_, reason)| reason.is_some());
        let tried = alone.into_iter().filter_map(|(location, reason)| {
            let reason = match is_known {
                true => reason?,
                false => together.clone(),
            };
            Some((location, reason))
        });
        let others = others.iter();
        let others = others.map(|(location, _)| (location.clone(), together.clone()));
        tried.chain(others).collect()
    }

    /// Merges other values over the chart's own, with the changed texts in place of the current ones.
    fn merged(
        &self,
        given: &[Given],
        members: &Members,
        changed: &BTreeMap<&Path, String>,
    ) -> Option<Table> {
        let text = |path: &Path| match changed.get(path) {
            Some(text) => Some(Arc::from(text.as_str())),
            None => current_text(self.tree, members, path),
        };
        let own = text(&self.values).unwrap_or_default();
        let mut merged = read_whole(&own, 0).ok()?;
        for one in given {
            let mut upper = one.read(&text(&one.file)?, 0).ok()?;
            merge(&mut upper, &merged, true);
            merged = upper;
        }
        Some(merged)
    }
}
