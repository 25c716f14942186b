//! Values that fill in the credentials beside an image.

use std::path::PathBuf;

use super::Readers;
use super::layer::Layer;
use crate::finding::{Finding, Id};
use crate::printable;
use crate::project::helm::accounts::{FILLED, beside_empty};
use crate::project::helm::given::Given;
use crate::project::{Members, current_text};

impl Readers<'_> {
    /// Downgrades safe fixes beside empty credentials, if other values of the chart fill these in.
    pub(super) fn doubt_filled_accounts(&self, members: &mut Members) {
        let all = self.layers.iter().chain(&self.untried);
        let of_layers = all.flat_map(|layer: &Layer| &layer.given).cloned();
        let all = std::iter::once(Given::whole(self.values.clone())).chain(of_layers);
        let all: Vec<Given> = all.collect();
        for own in &all {
            let Some(member) = members.get(&own.file) else {
                continue;
            };
            let is_safe = member.findings.iter().any(Finding::has_safe_fix);
            let values = is_safe.then(|| own.read(&member.text, 0).ok()).flatten();
            let empty = values.map(|values| beside_empty(member, &values));
            let empty = empty.unwrap_or_default();
            if empty.is_empty() {
                continue;
            }
            let mut doubts: Vec<(Id, &PathBuf)> = Vec::new();
            for other in all.iter().filter(|other| *other != own) {
                let text = current_text(self.tree, members, &other.file);
                let values = text.and_then(|text| other.read(&text, 0).ok());
                let values = values.unwrap_or_default();
                let filled = empty.iter().filter(|one| one.is_filled_by(&values));
                doubts.extend(filled.map(|one| (one.id, &other.file)));
            }
            let Some(member) = members.get_mut(&own.file) else {
                continue;
            };
            for (id, file) in doubts {
                if let Some(finding) = member.findings.get_mut(id) {
                    finding.doubt(&format!("{} {FILLED}", printable::path(file)));
                }
            }
        }
    }
}
