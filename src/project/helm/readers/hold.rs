//! A fix holds for every reader of what it changes: images that no rule speaks about stay as they are, and the others
//! become what their rule says.
//!
//! Fixes are taken together, as they are written together. Those that make a wrong image need review, if they are right
//! together with others that do; else they are taken away, and the reason names the reader.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::image::Image;
use crate::edit::{Applicability, Edit};
use crate::finding::{Finding, Id};
use crate::project::Members;
use crate::rules::RuleSet;

/// An image that a fix may reach, and what is wanted of it.
pub(super) struct Reading<'r> {
    pub image: &'r Image,
    pub wanted: String,
    /// The values file by which the image is what it is, where that is laid over the chart's own values.
    pub layer: Option<&'r Path>,
}

impl<'r> Reading<'r> {
    pub(super) fn new(image: &'r Image, layer: Option<&'r Path>, rules: &RuleSet) -> Self {
        let wanted = image
            .judge(rules)
            .map_or_else(|| image.text(), |legacy| legacy.wanted);
        Self {
            image,
            wanted,
            layer,
        }
    }

    /// Whether what fixes make of it is what is wanted, or what it was.
    pub(super) fn is_right(&self, made: Option<&str>) -> bool {
        made.is_some_and(|made| *made == self.wanted || *made == self.image.text())
    }
}

/// Images, by their number, that are not made of the values that a finding is about: those being as they are, the templates go
/// another way.
pub(super) type Elsewhere = HashSet<(usize, PathBuf, Id)>;

/// Holds back what would make a wrong image.
pub(super) fn hold(members: &mut Members, readings: &[Reading<'_>], elsewhere: &Elsewhere) {
    for level in [Applicability::Safe, Applicability::Unsafe] {
        // Each round takes one fix at least.
        while let Some((number, made)) = first_wrong(members, readings, level, elsewhere) {
            let lowered = lower(
                members,
                (number, &readings[number]),
                made.as_deref(),
                level,
                elsewhere,
            );
            if !lowered {
                break;
            }
        }
    }
}

/// The number of the first image that would be wrong, and what it would be.
fn first_wrong(
    members: &Members,
    readings: &[Reading<'_>],
    level: Applicability,
    elsewhere: &Elsewhere,
) -> Option<(usize, Option<String>)> {
    let all = edits(members, level, &|_, _| true);
    if all.is_empty() {
        return None;
    }
    let special: HashSet<usize> = elsewhere.iter().map(|(number, ..)| *number).collect();
    readings.iter().enumerate().find_map(|(number, reading)| {
        if reading.layer.is_some() && level < Applicability::Safe {
            return None;
        }
        let made = match special.contains(&number) {
            false => reading.image.after(&all),
            true => {
                let is_of = |path: &Path, id| !elsewhere.contains(&(number, path.to_owned(), id));
                reading.image.after(&edits(members, level, &is_of))
            }
        };
        (!reading.is_right(made.as_deref())).then_some((number, made))
    })
}

/// The edits of the fixes that can be trusted so far, and that are wanted.
fn edits<'m>(
    members: &'m Members,
    level: Applicability,
    is_wanted: &dyn Fn(&Path, Id) -> bool,
) -> Vec<(&'m Path, &'m Edit)> {
    let mut edits: Vec<(&Path, &Edit)> = Vec::new();
    // Fixes that go together share one list: it is taken once.
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

/// Lowers the trust of every fix that reaches an image. Whether there was one.
fn lower(
    members: &mut Members,
    (number, reading): (usize, &Reading<'_>),
    made: Option<&str>,
    level: Applicability,
    elsewhere: &Elsewhere,
) -> bool {
    let mut lowered = false;
    for (path, member) in members.iter_mut() {
        for finding in &mut member.findings {
            let is_of = !elsewhere.contains(&(number, path.clone(), finding.id));
            if !is_of || !reaches(finding, path, reading.image, level) {
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
