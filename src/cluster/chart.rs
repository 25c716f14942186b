//! A chart in a version, as labels and objects name it.

use crate::rules::charts::Charts;
use crate::version::Version;

/// A chart in a version.
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

    /// `kube-state-metrics-4.7.0`, as the label `helm.sh/chart` has it. A version may hold hyphens, and so may a name.
    pub(super) fn parse(label: &str) -> Option<Self> {
        let label = label.replace('_', "+");
        let mut cuts = label.match_indices('-');
        let (at, _) = cuts.find(|(at, _)| Version::exact(&label[at + 1..]).is_some())?;
        Some(Self {
            name: label[..at].to_owned(),
            version: label[at + 1..].to_owned(),
        })
    }

    /// The first version in which the chart does not name what the rule is about, if this one is known to do so by default.
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
        // Repositories have charts of one name that know nothing of each other.
        clean.all(|other| other == first).then_some(first)?
    }
}
