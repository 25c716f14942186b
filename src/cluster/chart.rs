//! A chart and its version, as labels and objects name it.

use crate::rules::charts::Charts;
use crate::version::Version;

/// A chart and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    pub name: String,
    pub version: String,
}

impl Chart {
    pub fn shown(&self) -> String {
        format!("{} {}", self.name, self.version)
            .trim_end()
            .to_owned()
    }

    /// Parses the label `helm.sh/chart`, such as `kube-state-metrics-4.7.0`. A version may contain hyphens, and so may a name.
    pub(super) fn parse(label: &str) -> Option<Self> {
        let label = label.replace('_', "+");
        let mut cuts = label.match_indices('-');
        let (at, _) = cuts.find(|(at, _)| Version::exact(&label[at + 1..]).is_some())?;
        Some(Self {
            name: label[..at].to_owned(),
            version: label[at + 1..].to_owned(),
        })
    }

    /// Returns the first version of the chart that is clean by the rule, if this version is known not to be by default.
    pub(super) fn first_clean(
        &self,
        charts: Charts,
        repository: Option<&str>,
        rule: &str,
    ) -> Option<&'static str> {
        let found = charts.advisories(repository, &self.name, &self.version);
        let mut clean = found
            .iter()
            .filter(|advisory| advisory.rule == rule && advisory.certain)
            .map(|advisory| advisory.first_clean);
        let first = clean.next()?;
        // Unrelated charts in different repositories may share a name, so all must agree.
        clean.all(|other| other == first).then_some(first)?
    }
}
