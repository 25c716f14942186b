//! Tries overrides of values of subcharts: the chart is rendered with each, and an override that would make a wrong image is
//! removed. Other values, such as `global.imageRegistry`, may decide what a subchart pulls.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use super::Readers;
use super::compared::{Compared, turned};
use super::image::Image;
use super::trace::{chart, default_trace};
use crate::edit::{self, Applicability, Edit, Fix};
use crate::finding::{Finding, Id};
use crate::project::Members;
use crate::project::helm::render::Chart;
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
        let edits: Vec<(Id, Vec<Edit>)> = findings
            .into_iter()
            .flatten()
            .map(|finding| (finding.id, self.edits_of_values(finding)))
            .filter(|(_, edits)| !edits.is_empty())
            .take(MOST_TRIED)
            .collect();
        if edits.is_empty() {
            return;
        }
        let Some(mut trial) = self.trial(members, rules) else {
            return;
        };
        let Some(before) = trial.made_with(&values) else {
            return;
        };
        for (id, edits) in edits {
            let fix = Fix::here(edits, Applicability::Safe);
            let text = edit::apply(&values, [&fix], Applicability::Safe);
            let Some(after) = trial.made_with(&text) else {
                continue;
            };
            let Some(member) = members.get_mut(declares) else {
                continue;
            };
            let right =
                || turned(&before.compared, &after.compared).map_or(Tried::Right, Tried::Wrong);
            let tried = match tried(&before.images, &after.images, rules) {
                Tried::Right => right(),
                tried => tried,
            };
            match tried {
                Tried::Right => {}
                Tried::Other => member.findings.retain(|finding| finding.id != id),
                Tried::Wrong(reason) => {
                    if let Some(finding) = member.findings.get_mut(id) {
                        finding.fix = None;
                        finding.reason = Some(reason);
                    }
                }
            }
        }
    }

    fn trial<'r>(&'r self, members: &Members, rules: &'r RuleSet) -> Option<Trial<'r>> {
        Some(Trial {
            chart: chart(self.tree, &self.folder, members).ok()?,
            folder: &self.folder,
            rules,
            known: BTreeMap::new(),
        })
    }

    /// Takes out the fixes in the chart's values that give an image a key of its own in place of an alias, and that are
    /// right when they are tried: what the alias led to is not what they edit. Gives them by the ids of their findings.
    pub(super) fn take_own_keys(&self, members: &mut Members, rules: &RuleSet) -> Vec<(Id, Fix)> {
        // With other values over them, what is tried is not all that results.
        let member = members.get(&self.values);
        let Some(member) = member.filter(|_| self.layers.is_empty()) else {
            return Vec::new();
        };
        let text = member.text.clone();
        let has_own_key = |fix: &Fix| {
            let makes_key = |edit: &Edit| match edit.span.is_empty() {
                true => edit.text.contains(": "),
                false => edit.span.of(&text).starts_with('*'),
            };
            fix.edits.iter().any(makes_key)
        };
        let fixes = member.findings.iter().filter_map(|one| {
            let fix = one.fix.as_ref().filter(|fix| has_own_key(fix))?;
            Some((one.id, fix.clone()))
        });
        let fixes: Vec<(Id, Fix)> = fixes.take(MOST_TRIED).collect();
        let trial = || self.trial(members, rules);
        let Some(mut trial) = (!fixes.is_empty()).then(trial).flatten() else {
            return Vec::new();
        };
        let Some(before) = trial.made_with(&text) else {
            return Vec::new();
        };
        let mut right = Vec::new();
        for (id, fix) in fixes {
            let alone = Fix::here(fix.edits.clone(), Applicability::Safe);
            let made = edit::apply(&text, [&alone], Applicability::Safe);
            let after = trial.made_with(&made);
            let is_right = |after: Rc<Made>| {
                matches!(tried(&before.images, &after.images, rules), Tried::Right)
            };
            if after.is_some_and(is_right)
                && let Some(member) = members.get_mut(&self.values)
                && let Some(finding) = member.findings.get_mut(id)
            {
                finding.fix = None;
                right.push((id, fix));
            }
        }
        right
    }

    fn edits_of_values(&self, finding: &Finding) -> Vec<Edit> {
        let elsewhere = finding.fix.iter().flat_map(|fix| fix.elsewhere.iter());
        let of_values = elsewhere.filter(|one| *one.path == *self.values);
        of_values.map(|one| one.edit.clone()).collect()
    }
}

/// Images by who pulls them.
type Pulled = BTreeMap<String, Vec<Image>>;

/// What a chart comes to with one text of its values.
struct Made {
    images: Pulled,
    compared: Vec<Compared>,
}

/// A chart that is read once and rendered with one text of its values after the other.
struct Trial<'t> {
    chart: Chart,
    folder: &'t Path,
    rules: &'t RuleSet,
    /// What came of each text: several findings may want the same.
    known: BTreeMap<String, Option<Rc<Made>>>,
}

impl Trial<'_> {
    /// `None` where the chart does not render with that text.
    fn made_with(&mut self, values: &str) -> Option<Rc<Made>> {
        if let Some(known) = self.known.get(values) {
            return known.clone();
        }
        let made = self.render(values).map(Rc::new);
        self.known.insert(values.to_owned(), made.clone());
        made
    }

    fn render(&mut self, values: &str) -> Option<Made> {
        self.chart.set_values(values).ok()?;
        let trace = default_trace(&self.chart, self.folder, self.rules).ok()?;
        let mut images = Pulled::new();
        for image in trace.images.into_iter().filter(Image::is_known) {
            images.entry(image.reader.clone()).or_default().push(image);
        }
        Some(Made {
            images,
            compared: trace.compared,
        })
    }
}

fn tried(before: &Pulled, after: &Pulled, rules: &RuleSet) -> Tried {
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
