//! Tries overrides of values of subcharts: the chart is rendered with each, and an override that would make a wrong
//! image is removed. Other values, such as `global.imageRegistry`, may decide what a subchart pulls.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use super::Readers;
use super::by_reader::ByReader;
use super::compared::{Compared, turned};
use super::folder::chart;
use super::layer::Layer;
use super::trace::{default_trace, files_of, trace_with};
use super::untried::NOT_TRIED;
use crate::edit::{self, Applicability, Edit, Fix};
use crate::finding::{Finding, Id};
use crate::project::Members;
use crate::project::helm::render::{Chart, File};
use crate::rules::RuleSet;

/// The most overrides in one chart that are tried one by one.
const MOST_TRIED: usize = 32;

/// The most tries of overrides with other values over the chart's own.
const MOST_TRIED_OVER: usize = 128;

/// The effect of an override on the images of a chart.
enum Tried {
    Right,
    /// It would produce another image than the wanted one.
    Wrong {
        reason: String,
        /// Whether a rule applies to an image that it makes wrong, or whether it makes another image right.
        is_legacy: bool,
    },
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
            match before.tried(&after, rules) {
                Tried::Right => {}
                Tried::Wrong {
                    is_legacy: false, ..
                } => member.findings.retain(|finding| finding.id != id),
                Tried::Wrong { reason, .. } => {
                    if let Some(finding) = member.findings.get_mut(id) {
                        finding.block(reason);
                    }
                }
            }
        }
        self.confirm_with_layers(&mut trial, declares, members, &values);
    }

    /// Downgrades overrides to "needs review" if they produce a wrong image when other values override the chart's
    /// own.
    fn confirm_with_layers(
        &self,
        trial: &mut Trial<'_>,
        declares: &Path,
        members: &mut Members,
        values: &str,
    ) {
        let findings = members.get(declares).map(|member| &member.findings);
        let safe = findings.into_iter().flatten();
        let safe = safe.filter(|one| one.applicability() == Some(Applicability::Safe));
        let mut safe: Vec<(Id, Fix)> = safe
            .map(|one| (one.id, self.edits_of_values(one)))
            .filter(|(_, edits)| !edits.is_empty())
            .map(|(id, edits)| (id, Fix::here(edits, Applicability::Safe)))
            .collect();
        if safe.is_empty() {
            return;
        }
        let layers = files_of(self.tree, &self.layers, members);
        let (Some(own), Some(member)) = (trial.made_with(values), members.get_mut(declares)) else {
            return;
        };
        let mut left = MOST_TRIED_OVER;
        for over in &layers {
            let before = trial.render(values, Some(over));
            let Some(before) = before.filter(|before| !before.pulls_as(&own)) else {
                continue;
            };
            safe.retain(|(id, fix)| {
                let reason = match left.checked_sub(1) {
                    None => Some(NOT_TRIED.to_owned()),
                    Some(less) => {
                        left = less;
                        trial.fault_with(fix, values, over, &before)
                    }
                };
                if let Some(reason) = &reason
                    && let Some(finding) = member.findings.get_mut(*id)
                {
                    finding.doubt(reason);
                }
                reason.is_none()
            });
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

    /// Removes fixes in the chart's values that replace an alias by a separate key for one image, if they are right
    /// when tried, because they do not edit what the alias leads to. Returns them by the ids of their findings.
    pub(super) fn take_own_keys(&self, members: &mut Members, rules: &RuleSet) -> Vec<(Id, Fix)> {
        // With other values over them, the trial does not show every result.
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

/// The result of rendering a chart with one text of its values.
struct Made {
    images: ByReader,
    compared: Vec<Compared>,
}

impl Made {
    /// Whether the same readers pull the same images.
    fn pulls_as(&self, other: &Self) -> bool {
        self.images.texts() == other.images.texts()
    }

    fn tried(&self, after: &Self, rules: &RuleSet) -> Tried {
        match tried(&self.images, &after.images, rules) {
            Tried::Right => match turned(&self.compared, &after.compared) {
                None => Tried::Right,
                Some(reason) => Tried::Wrong {
                    reason,
                    is_legacy: true,
                },
            },
            wrong => wrong,
        }
    }
}

/// A chart that is read once and rendered with several texts of its values.
struct Trial<'t> {
    chart: Chart,
    folder: &'t Path,
    rules: &'t RuleSet,
    /// The result for each text, because several findings may want the same one.
    known: BTreeMap<String, Option<Rc<Made>>>,
}

impl Trial<'_> {
    /// Renders the chart with a text of its values. `None` if it does not render.
    fn made_with(&mut self, values: &str) -> Option<Rc<Made>> {
        if let Some(known) = self.known.get(values) {
            return known.clone();
        }
        let made = self.render(values, None).map(Rc::new);
        self.known.insert(values.to_owned(), made.clone());
        made
    }

    /// Returns what is wrong with an override when a layer is over the values, if anything is.
    fn fault_with(
        &mut self,
        fix: &Fix,
        values: &str,
        over: &(Layer, Vec<File>),
        before: &Made,
    ) -> Option<String> {
        let text = edit::apply(values, [fix], Applicability::Safe);
        let after = self.render(&text, Some(over))?;
        let Tried::Wrong { reason, .. } = before.tried(&after, self.rules) else {
            return None;
        };
        let name = over.0.path.file_name().unwrap_or_default();
        Some(format!("{reason} with {}", name.to_string_lossy()))
    }

    /// Renders the chart, with the values of a layer over its own if there is one.
    fn render(&mut self, values: &str, over: Option<&(Layer, Vec<File>)>) -> Option<Made> {
        self.chart.set_values(values).ok()?;
        let trace = match over {
            None => default_trace(&self.chart, self.folder, self.rules),
            Some(over) => trace_with(&self.chart, self.folder, over, self.rules),
        };
        let trace = trace.ok()?;
        Some(Made {
            images: ByReader::new(trace.images),
            compared: trace.compared,
        })
    }
}

fn tried(before: &ByReader, after: &ByReader, rules: &RuleSet) -> Tried {
    let mut is_right = false;
    let mut wrong = None;
    let mut is_legacy = false;
    for (reader, gone, mut left) in before.changes(after) {
        for image in gone {
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
    let is_legacy = is_legacy || is_right;
    wrong.map_or(Tried::Right, |reason| Tried::Wrong { reason, is_legacy })
}
