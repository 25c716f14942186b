//! Templates of a chart that join registries with its values, judged together with them.
//!
//! `template_join` says what a join is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{template_join, values};
use crate::file_type;
use crate::finding::Finding;
use crate::project::{Members, PathKind, Tree};
use crate::rules::RuleSet;

/// Templates of a chart that join registries with its values.
pub(super) struct Joined {
    pub values: PathBuf,
    pub templates: Vec<PathBuf>,
}

impl Joined {
    /// The templates of a chart in which, or in whose values, a rule could apply to something.
    pub(super) fn of(tree: &dyn Tree, folder: &Path) -> Option<Self> {
        let values = folder.join("values.yaml");
        let templates = folder.join("templates");
        let mut templates = match tree.is_suspect(&values) {
            true => templates_in(tree, &templates, 0),
            false => tree.suspects(&templates),
        };
        templates.retain(|path| {
            let text = tree
                .text(path)
                .filter(|_| file_type::classify(path).is_some());
            text.is_some_and(|text| !template_join::joins(&text).is_empty())
        });
        if templates.is_empty() {
            return None;
        }
        let there = tree.place(&values) == PathKind::File;
        there.then_some(Self { values, templates })
    }

    pub(super) fn find(&self, members: &mut Members, rules: &RuleSet) {
        let Some(member) = members.get(&self.values) else {
            return;
        };
        let text = member.text.clone();
        let Ok(values) = values::read(&text, 0) else {
            return;
        };
        let mut names = BTreeSet::new();
        for path in &self.templates {
            let Some(member) = members.get_mut(path) else {
                continue;
            };
            let scene = template_join::JoinContext {
                template: &member.text,
                values_path: &self.values,
                values_text: &text,
                values: &values,
            };
            let mut found = Vec::new();
            let mut heads = Vec::new();
            for join in template_join::joins(scene.template) {
                if let Some(judged) = template_join::judge(&join, &scene, rules) {
                    names.extend(
                        template_join::leaf(&values, &join.name).map(|leaf| leaf.origin.span),
                    );
                    found.extend(judged);
                    heads.push(join.head);
                }
            }
            // The parts say less than the whole.
            member.findings.retain(|finding| {
                let labels = &finding.labels;
                !labels
                    .iter()
                    .any(|label| heads.iter().any(|head| head.overlaps(label.span)))
            });
            member.findings.extend(found);
        }
        if let Some(member) = members.get_mut(&self.values) {
            let is_joined = |finding: &Finding| {
                let mut labels = finding.labels.iter();
                labels.all(|label| names.iter().any(|name| name.overlaps(label.span)))
            };
            member.findings.retain(|finding| !is_joined(finding));
        }
    }
}

fn templates_in(tree: &dyn Tree, folder: &Path, depth: usize) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in tree.list(folder) {
        match tree.place(&path) {
            PathKind::Folder if depth < 16 => found.extend(templates_in(tree, &path, depth + 1)),
            PathKind::File => found.push(path),
            _ => {}
        }
    }
    found
}
