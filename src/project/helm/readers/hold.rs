//! Checks fixes after the plan has made them: every image that a chart renders must still be right.

use std::path::PathBuf;

use super::compared::Compared;
use super::shared_values::Reading;
use super::trace::Trace;
use super::{Readers, comparisons, shared_values, untried};
use crate::project::helm::parents::parent_of;
use crate::project::{Members, PathKind};
use crate::rules::RuleSet;

impl Readers<'_> {
    /// Whether it is not a subchart in the folder of another chart, where the parent's templates may compare its
    /// values.
    fn is_root(&self) -> bool {
        let parent = parent_of(&self.folder);
        parent.is_none_or(|parent| self.tree.place(&parent.join("Chart.yaml")) == PathKind::Missing)
    }

    /// Removes or downgrades fixes that would make an image wrong.
    pub(in crate::project::helm) fn check_shared_values(
        &self,
        members: &mut Members,
        rules: &RuleSet,
    ) {
        let has_fix = |path: &PathBuf| {
            let member = members.get(path);
            let mut findings = member.iter().flat_map(|member| &member.findings);
            findings.any(|finding| finding.fix.is_some())
        };
        if !self.files().any(has_fix) {
            return;
        }
        self.doubt_filled_accounts(members);
        let latest = self.latest(members, rules);
        if let Ok(traces) = &latest.traces {
            self.hold_by(traces, members, rules);
        }
        if let Some(schemas) = &latest.schemas {
            self.hold_refused(schemas, members);
        }
    }

    fn hold_by(&self, traces: &[Trace], members: &mut Members, rules: &RuleSet) {
        let readings = traces.iter().flat_map(|trace| {
            let layer = trace.layer.as_ref().map(|layer| layer.path.as_path());
            let images = trace.images.iter().filter(|image| image.is_known());
            let images = images.filter(|image| image.is_reference());
            images.map(move |image| Reading::new(image, layer, &self.values, rules))
        });
        let mut readings: Vec<Reading<'_>> = readings.collect();
        let compared: Vec<&Compared> = traces.iter().flat_map(|trace| &trace.compared).collect();
        comparisons::settle(members, &compared, self.is_root());
        let own_keys = self.take_own_keys(members, rules);
        self.rule_out(&mut readings, members);
        shared_values::check(members, &readings);
        if let Some(member) = members.get_mut(&self.values) {
            for (id, fix) in own_keys {
                if let Some(finding) = member.findings.get_mut(id) {
                    finding.fix = Some(fix);
                }
            }
        }
        untried::doubt(&self.untried, members);
        self.pin(members, rules);
    }
}
