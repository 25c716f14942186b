//! Whether the templates of a chart refuse images from other registries unless a value allows them.
//!
//! Takes the text of templates; knows no values.

use std::collections::BTreeSet;

use crate::detect::CONSENT_KEY;

/// How the templates of a chart read the consent key.
#[derive(Debug, Clone, Default)]
pub(super) struct Guard {
    /// Whether a template of the chart itself reads it, directly or through a named template.
    is_read: bool,
    /// The named templates that read it, including those of subcharts, because every chart can call them.
    named: BTreeSet<String>,
    /// Whether they require it only for images that `Chart.yaml` does not list.
    is_by_list: bool,
}

/// The expression by which a template reads the list of images in `Chart.yaml`.
const LIST: &str = "Annotations.images";

impl Guard {
    /// Whether the chart asks for consent if its values do not have the key.
    pub(super) fn is_read(&self) -> bool {
        self.is_read
    }

    /// Whether the images that `Chart.yaml` lists need no consent.
    pub(super) fn is_by_list(&self) -> bool {
        self.is_by_list
    }

    /// Examines the templates of a chart; `subcharts` are the guards of its subcharts.
    pub(super) fn of<'t>(
        templates: impl Iterator<Item = &'t [u8]> + Clone,
        subcharts: impl Iterator<Item = &'t Self> + Clone,
    ) -> Self {
        let below = subcharts.clone().flat_map(|one| one.named.iter().cloned());
        let mut named: BTreeSet<String> = below.collect();
        let is_by_list_below = { subcharts }.any(|one| one.is_by_list);
        let reads = |text: &str, named: &BTreeSet<String>| {
            text.contains(CONSENT_KEY)
                || named
                    .iter()
                    .any(|name| text.contains(&format!("\"{name}\"")))
        };
        let has_key = |bytes: &[u8]| memchr::memmem::find(bytes, CONSENT_KEY.as_bytes()).is_some();
        if named.is_empty() && !templates.clone().any(has_key) {
            return Self::default();
        }
        let texts: Vec<&str> = templates
            .filter_map(|bytes| std::str::from_utf8(bytes).ok())
            .collect();
        let is_by_list = |text: &&str| text.contains(CONSENT_KEY) && text.contains(LIST);
        let is_by_list = is_by_list_below || texts.iter().any(is_by_list);
        let is_read = texts.iter().any(|text| reads(text, &named));
        let defines: Vec<(&str, &str)> = texts.iter().flat_map(|text| defines(text)).collect();
        loop {
            let more = defines
                .iter()
                .filter(|(name, body)| !named.contains(*name) && reads(body, &named));
            let more: Vec<String> = more.map(|(name, _)| (*name).to_owned()).collect();
            if more.is_empty() {
                return Self {
                    is_read,
                    named,
                    is_by_list,
                };
            }
            named.extend(more);
        }
    }
}

/// Splits a text into its named templates. The body of each ends where the next one starts.
fn defines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split("define \"")
        .skip(1)
        .filter_map(|part| part.split_once('"'))
}
