//! Overrides of subcharts' values, tried: the chart is rendered with each, and an image that would become a wrong one takes
//! the fix away. Other values may say what image a subchart pulls in the end, as `global.imageRegistry` does.

use std::collections::BTreeMap;
use std::path::Path;

use super::Readers;
use super::image::Image;
use super::trace::default_images;
use crate::edit::{self, Applicability, Edit, Fix};
use crate::finding::Finding;
use crate::project::{Member, Members};
use crate::rules::RuleSet;

/// More overrides in one chart than are tried one by one.
const MOST_TRIED: usize = 32;

/// What an override would do to the images of a chart.
enum Tried {
    Right,
    /// No rule speaks about the image that it would change.
    Other,
    Wrong(String),
}

impl Readers<'_> {
    /// Tries the overrides that the findings in a file would write into the chart's values.
    pub(in crate::project::helm) fn confirm(
        &self,
        declares: &Path,
        members: &mut Members,
        rules: &RuleSet,
    ) {
        let Some(values) = members.get(&self.values).map(|member| member.text.clone()) else {
            return;
        };
        let findings = members.get(declares).map(|member| &member.findings);
        let edits: Vec<(usize, Vec<Edit>)> = findings
            .into_iter()
            .flatten()
            .enumerate()
            .map(|(index, finding)| (index, self.edits_of_values(finding)))
            .filter(|(_, edits)| !edits.is_empty())
            .take(MOST_TRIED)
            .collect();
        if edits.is_empty() {
            return;
        }
        let Some(before) = self.images_with(members, &values, rules) else {
            return;
        };
        let mut dropped = Vec::new();
        for (index, edits) in edits {
            let fix = Fix::here(edits, Applicability::Safe);
            let text = edit::apply(&values, [&fix], Applicability::Safe);
            let Some(after) = self.images_with(members, &text, rules) else {
                continue;
            };
            let finding = members
                .get_mut(declares)
                .and_then(|member| member.findings.get_mut(index));
            match (tried(&before, &after, rules), finding) {
                (Tried::Other, _) => dropped.push(index),
                (Tried::Wrong(reason), Some(finding)) => {
                    finding.fix = None;
                    finding.reason = Some(reason);
                }
                _ => {}
            }
        }
        if let Some(member) = members.get_mut(declares) {
            let mut index = 0;
            member.findings.retain(|_| {
                index += 1;
                !dropped.contains(&(index - 1))
            });
        }
    }

    fn edits_of_values(&self, finding: &Finding) -> Vec<Edit> {
        let elsewhere = finding.fix.iter().flat_map(|fix| fix.elsewhere.iter());
        let of_values = elsewhere.filter(|one| *one.path == *self.values);
        of_values.map(|one| one.edit.clone()).collect()
    }

    /// The images by who pulls them, with that text in the chart's values. `None` where it does not render.
    fn images_with(
        &self,
        members: &Members,
        values: &str,
        rules: &RuleSet,
    ) -> Option<BTreeMap<String, Vec<Image>>> {
        let texts = members.iter().map(|(path, member)| {
            let text = match *path == self.values {
                true => values,
                false => &member.text,
            };
            (path.clone(), Member::new(member.kind, text.to_owned()))
        });
        let members: Members = texts.collect();
        let all = default_images(self.tree, &self.folder, &members, rules).ok()?;
        let mut images: BTreeMap<String, Vec<Image>> = BTreeMap::new();
        for image in all.into_iter().filter(Image::is_known) {
            images.entry(image.reader.clone()).or_default().push(image);
        }
        Some(images)
    }
}

fn tried(
    before: &BTreeMap<String, Vec<Image>>,
    after: &BTreeMap<String, Vec<Image>>,
    rules: &RuleSet,
) -> Tried {
    let mut is_right = false;
    let mut wrong = None;
    let mut is_legacy = false;
    for (reader, images) in before {
        let none = Vec::new();
        let mut left: Vec<String> = after
            .get(reader)
            .unwrap_or(&none)
            .iter()
            .map(Image::text)
            .collect();
        let changed = images.iter().filter(|image| {
            let text = image.text();
            let same = left.iter().position(|other| *other == text);
            same.map(|at| left.swap_remove(at)).is_none()
        });
        let changed: Vec<&Image> = changed.collect();
        for image in changed {
            let legacy = image.judge(rules);
            let wanted = legacy.as_ref().map(|legacy| legacy.wanted.as_str());
            match left.iter().position(|other| Some(other.as_str()) == wanted) {
                Some(at) => {
                    left.swap_remove(at);
                    is_right = true;
                }
                None => {
                    is_legacy |= legacy.is_some();
                    wrong.get_or_insert_with(|| {
                        let made = left.first().map_or("another image", String::as_str);
                        format!("{reader} would pull {made} instead of {}", image.text())
                    });
                }
            }
        }
    }
    match wrong {
        None => Tried::Right,
        Some(_) if !is_right && !is_legacy => Tried::Other,
        Some(reason) => Tried::Wrong(reason),
    }
}
