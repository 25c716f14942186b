//! Images that result only where other values are given than those that a finding is about.
//!
//! `{{ if .registry }}{{ .registry }}/{{ end }}{{ .repository }}` makes an image without the registry. It is none of a
//! repository that has its registry beside it.

use std::collections::BTreeMap;
use std::path::Path;

use super::Readers;
use super::hold::{Elsewhere, Reading};
use super::image::Image;
use super::trace::{chart, images_with};
use crate::edit::Edit;
use crate::finding::Finding;
use crate::project::Members;
use crate::source::Span;

/// Of so many sets of values it is asked; each time the chart is rendered in all ways.
const MOST_SETS: usize = 12;

impl Readers<'_> {
    /// The images that would be wrong, of those that are not made of the values of the finding whose fix makes them so.
    pub(super) fn elsewhere(&self, readings: &[Reading<'_>], members: &Members) -> Elsewhere {
        let mut found = Elsewhere::new();
        let Some(member) = members.get(&self.values) else {
            return found;
        };
        let mut chart_of = None;
        let mut known: BTreeMap<Vec<Span>, Option<Vec<Image>>> = BTreeMap::new();
        for finding in &member.findings {
            let wrong = wrong(finding, &self.values, readings);
            if wrong.is_empty() || known.len() >= MOST_SETS {
                continue;
            }
            let spans: Vec<Span> = finding.labels.iter().map(|label| label.span).collect();
            let made = known.entry(spans).or_insert_with_key(|spans| {
                let chart = chart_of.get_or_insert_with(|| chart(self.tree, &self.folder, members));
                images_with(chart.as_ref().ok()?, &self.folder, &self.values, spans)
            });
            let Some(made) = made else {
                continue;
            };
            let is_made = |image: &Image| {
                let mut made = made.iter();
                made.any(|one| one.parts == image.parts && one.reader == image.reader)
            };
            let not_made = wrong
                .into_iter()
                .filter(|number| !is_made(readings[*number].image));
            found.extend(not_made.map(|number| (number, self.values.clone(), finding.id)));
        }
        found
    }
}

/// The numbers of the images, of those that a chart makes of its own values in some way, that a fix makes wrong by itself.
fn wrong(finding: &Finding, values: &Path, readings: &[Reading<'_>]) -> Vec<usize> {
    let Some(fix) = &finding.fix else {
        return Vec::new();
    };
    let edits: Vec<(&Path, &Edit)> = fix.in_files(values).collect();
    let is_wrong = |reading: &Reading<'_>| {
        let made = reading.image.after(&edits);
        reading.layer.is_none() && !reading.image.is_default && !reading.is_right(made.as_deref())
    };
    let numbered = readings.iter().enumerate();
    numbered
        .filter(|(_, reading)| is_wrong(reading))
        .map(|(number, _)| number)
        .collect()
}
