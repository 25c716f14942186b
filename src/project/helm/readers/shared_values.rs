//! A fix must be right for every image that uses the value it changes: images that no rule applies to stay as they
//! are, and the others become what their rule says.
//!
//! Fixes are checked together, because they are written together. A fix that makes a wrong image needs review if the
//! image is right together with other fixes that need review. Otherwise it is removed, and the reason names the
//! image.

use std::collections::HashSet;
use std::path::Path;

use super::image::Image;
use crate::edit::{Applicability, Edit};
use crate::finding::{Finding, Id};
use crate::project::Members;
use crate::rules::RuleSet;

/// An image that a fix may reach, and what it should become.
pub(super) struct Reading<'r> {
    pub image: &'r Image,
    pub wanted: String,
    /// The values file that overrides the chart's own values, if the image results only with it.
    pub layer: Option<&'r Path>,
    /// The values file of the chart.
    values: &'r Path,
    /// Findings there that the image is not made from: with those values as they are, the templates take another
    /// branch.
    not_of: HashSet<Id>,
}

impl<'r> Reading<'r> {
    pub(super) fn new(
        image: &'r Image,
        layer: Option<&'r Path>,
        values: &'r Path,
        rules: &RuleSet,
    ) -> Self {
        let wanted = image
            .judge(rules)
            .map_or_else(|| image.text(), |legacy| legacy.wanted);
        Self {
            image,
            wanted,
            layer,
            values,
            not_of: HashSet::new(),
        }
    }

    /// Records that the image is not made of the value that a finding in the chart's values is about.
    pub(super) fn rule_out(&mut self, finding: Id) {
        self.not_of.insert(finding);
    }

    /// Whether it may be made of the value that a finding in a file is about.
    fn may_be_of(&self, path: &Path, finding: Id) -> bool {
        *path != *self.values || !self.not_of.contains(&finding)
    }

    /// Whether the fixes turn it into the wanted image, or leave it unchanged.
    pub(super) fn is_right(&self, made: Option<&str>) -> bool {
        made.is_some_and(|made| *made == self.wanted || *made == self.image.text())
    }
}

/// Removes or downgrades fixes that would make an image wrong.
pub(super) fn check(members: &mut Members, readings: &[Reading<'_>]) {
    for level in [Applicability::Safe, Applicability::Unsafe] {
        // Each round lowers at least one fix.
        while let Some((reading, made)) = first_wrong(members, readings, level) {
            let lowered = lower(members, reading, made.as_deref(), level);
            if !lowered {
                break;
            }
        }
    }
}

/// Returns the first image that would be wrong, and its new text.
fn first_wrong<'r>(
    members: &Members,
    readings: &'r [Reading<'r>],
    level: Applicability,
) -> Option<(&'r Reading<'r>, Option<String>)> {
    let all = edits(members, level, |_, _| true);
    if all.is_empty() {
        return None;
    }
    readings.iter().find_map(|reading| {
        if reading.layer.is_some() && level < Applicability::Safe {
            return None;
        }
        let made = match reading.not_of.is_empty() {
            true => reading.image.after(&all),
            false => {
                let own = edits(members, level, |path, id| reading.may_be_of(path, id));
                reading.image.after(&own)
            }
        };
        (!reading.is_right(made.as_deref())).then_some((reading, made))
    })
}

/// Returns the edits of wanted fixes whose applicability is at least `level`.
fn edits(
    members: &Members,
    level: Applicability,
    is_wanted: impl Fn(&Path, Id) -> bool,
) -> Vec<(&Path, &Edit)> {
    let mut edits: Vec<(&Path, &Edit)> = Vec::new();
    // Fixes that belong together share one list, which is added once.
    let mut shared = HashSet::new();
    for (path, member) in members {
        let wanted = member.findings.iter().filter(|one| is_wanted(path, one.id));
        let fixes = wanted.filter_map(|one| one.fix.as_ref());
        for fix in fixes.filter(|fix| fix.applicability >= level) {
            edits.extend(fix.edits.iter().map(|edit| (path.as_path(), edit)));
            if shared.insert(fix.elsewhere.as_ptr()) {
                let others = fix.elsewhere.iter();
                edits.extend(others.map(|one| (&*one.path, &one.edit)));
            }
        }
    }
    edits
}

/// Lowers the applicability of every fix that reaches an image. Returns whether there was one.
fn lower(
    members: &mut Members,
    reading: &Reading<'_>,
    made: Option<&str>,
    level: Applicability,
) -> bool {
    let mut lowered = false;
    for (path, member) in members.iter_mut() {
        for finding in &mut member.findings {
            if !reading.may_be_of(path, finding.id) || !reaches(finding, path, reading.image, level)
            {
                continue;
            }
            finding.reason = Some(reason(reading, made));
            lowered = true;
            match level {
                Applicability::Safe => {
                    if let Some(fix) = &mut finding.fix {
                        fix.applicability = Applicability::Unsafe;
                    }
                }
                _ => finding.fix = None,
            }
        }
    }
    lowered
}

fn reaches(finding: &Finding, path: &Path, image: &Image, level: Applicability) -> bool {
    let Some(fix) = finding
        .fix
        .as_ref()
        .filter(|fix| fix.applicability >= level)
    else {
        return false;
    };
    let text = image.text();
    fix.in_files(path)
        .any(|edit| image.after(&[edit]).is_none_or(|made| made != text))
}

fn reason(reading: &Reading<'_>, made: Option<&str>) -> String {
    let Reading { image, layer, .. } = reading;
    let with = layer.map_or(String::new(), |layer| {
        let name = layer.file_name().unwrap_or_default();
        format!(" with {}", name.to_string_lossy())
    });
    let change = match made {
        Some(made) => format!("{} would become {made}", image.text()),
        None => format!("{} would change", image.text()),
    };
    format!("{} reads the same value: {change}{with}", image.reader)
}
