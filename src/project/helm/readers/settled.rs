//! Images that are rendered only with other values than those that form an image with a finding.
//!
//! `{{ if .registry }}{{ .registry }}/{{ end }}{{ .repository }}` may render an image without the registry. A
//! repository that has a registry next to it never becomes that image. Nor does one that has a tag get another by `{{
//! .tag | default "9" }}`.

use std::collections::BTreeMap;
use std::path::Path;

use super::Readers;
use super::folder::chart;
use super::image::Image;
use super::shared_values::Reading;
use super::trace::images_with;
use crate::edit::Edit;
use crate::project::Members;
use crate::source::Span;

/// The most sets of values that are tried; the chart is rendered with every branch for each.
const MOST_SETS: usize = 12;

impl Readers<'_> {
    /// For images that a fix would make wrong, rules out findings whose values they are not made of.
    pub(super) fn rule_out(&self, readings: &mut [Reading<'_>], members: &Members) {
        let Some(member) = members.get(&self.values) else {
            return;
        };
        let pieces = self.pieces(readings);
        let ways = readings.iter_mut();
        let ways = ways.filter(|one| one.layer.is_none() && !one.image.is_default);
        let mut ways: Vec<&mut Reading<'_>> = ways.collect();
        if ways.is_empty() {
            return;
        }
        let mut chart_of = None;
        let mut known: BTreeMap<Vec<Span>, Option<Vec<Image>>> = BTreeMap::new();
        for finding in &member.findings {
            let edits = finding
                .fix
                .iter()
                .flat_map(|fix| fix.in_files(&self.values));
            let edits: Vec<(&Path, &Edit)> = edits.collect();
            let is_wrong = |one: &Reading<'_>| !one.is_right(one.image.after(&edits).as_deref());
            let wrong = ways.iter_mut().filter(|one| is_wrong(one));
            let wrong: Vec<&mut &mut Reading<'_>> = wrong.collect();
            if wrong.is_empty() || known.len() >= MOST_SETS {
                continue;
            }
            let mut spans: Vec<Span> = finding.labels.iter().map(|label| label.span).collect();
            let is_about = |all: &&Vec<Span>| spans.iter().all(|span| all.contains(span));
            if let Some(all) = pieces.iter().find(is_about) {
                spans.clone_from(all);
            }
            let made = known.entry(spans).or_insert_with_key(|spans| {
                let chart = chart_of.get_or_insert_with(|| chart(self.tree, &self.folder, members));
                images_with(chart.as_ref().ok()?, &self.folder, &self.values, spans)
            });
            let Some(made) = made else {
                continue;
            };
            for one in wrong {
                let mut made = made.iter();
                let is_made = made.any(|image| {
                    image.parts == one.image.parts && image.reader == one.image.reader
                });
                if !is_made {
                    one.rule_out(finding.id);
                }
            }
        }
    }

    /// Returns the values that form each default image.
    fn pieces(&self, readings: &[Reading<'_>]) -> Vec<Vec<Span>> {
        let own = readings.iter();
        let own = own.filter(|one| one.layer.is_none() && one.image.is_default);
        let pieces = own.map(|one| {
            let written = one.image.parts.iter().filter_map(|part| part.at.as_ref());
            let values = written.filter(|at| at.is_value && *at.path == *self.values);
            values.map(|at| at.span).collect()
        });
        pieces.collect()
    }
}
