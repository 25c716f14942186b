//! Files that a Chainsaw test compares objects with: a fix in such a file needs review unless the same name moves in what
//! the test creates. The same holds for the snapshots of helm-unittest and their chart.
//!
//! Contains no rules. `detect` judges what is written in the test itself.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Members, Plan, Project, Tree};
use crate::edit::Applicability;
use crate::file_type;
use crate::image::name_of;
use crate::printable;
use crate::syntax::yaml::{self, Node};

/// A word that every file with such tests contains.
pub const WORD: &str = "chainsaw.kyverno.io/";

/// Whether a file may contain such a test, judged by its bytes.
pub fn may_be_test(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, WORD.as_bytes()).is_some()
}

const COMPARED: &str = "compares objects with it: check that it agrees with what the test creates";

/// The tests of a run.
pub struct Assertions {
    tests: Vec<Test>,
}

#[derive(Default)]
struct Test {
    path: PathBuf,
    compared: BTreeSet<PathBuf>,
    created: BTreeSet<PathBuf>,
}

impl Assertions {
    /// Reads the tests and snapshots among the files.
    pub fn new(tree: &dyn Tree, files: &[PathBuf]) -> Self {
        let tests = files.iter().filter_map(|path| {
            if file_type::is_snapshot(path) {
                return Test::of_snapshot(tree, path);
            }
            let text = tree.text(path)?;
            let mut test = Test {
                path: path.clone(),
                ..Test::default()
            };
            for region in yaml::documents(&text) {
                for root in &yaml::parse(&text, region).documents {
                    test.add_below(tree, root, false);
                }
            }
            let is_of_interest = |path: &PathBuf| tree.is_suspect(path);
            test.compared.retain(is_of_interest);
            test.created.retain(is_of_interest);
            (!test.compared.is_empty()).then_some(test)
        });
        Self {
            tests: tests.collect(),
        }
    }
}

impl Test {
    /// Pairs a snapshot with the files of its chart in which something was found. `None` if it is in no chart.
    fn of_snapshot(tree: &dyn Tree, path: &Path) -> Option<Self> {
        let is_chart = |folder: &&Path| tree.is_file(&folder.join("Chart.yaml"));
        let chart = path.ancestors().skip(1).find(is_chart)?;
        let mut created: BTreeSet<PathBuf> = tree.suspects(chart).into_iter().collect();
        created.retain(|path| !file_type::is_snapshot(path));
        Some(Self {
            path: path.to_owned(),
            compared: BTreeSet::from([path.to_owned()]),
            created,
        })
    }

    fn add_below(&mut self, tree: &dyn Tree, node: &Node<'_>, is_compared: bool) {
        match node {
            Node::Map(map) => {
                for entry in &map.entries {
                    let key = entry.name().unwrap_or_default();
                    if let ("file", Node::Scalar(file)) = (key, &entry.value) {
                        let folder = self.path.parent().unwrap_or(Path::new(""));
                        let path = tree.resolve(folder, &file.value);
                        let files = match is_compared {
                            true => &mut self.compared,
                            false => &mut self.created,
                        };
                        files.insert(path);
                    }
                    let is_compared = matches!(key, "assert" | "error");
                    self.add_below(tree, &entry.value, is_compared);
                }
            }
            Node::List(list) => {
                for item in &list.items {
                    self.add_below(tree, item, false);
                }
            }
            Node::Scalar(_) | Node::Alias(_) => {}
        }
    }

    fn plan(&self, members: &mut Members) {
        let created = self.created.iter().filter_map(|path| members.get(path));
        let created = created.flat_map(|member| member.findings.iter());
        let moved = created.filter(|one| one.applicability() == Some(Applicability::Safe));
        let moved: BTreeSet<String> = moved.map(|one| one.old.clone()).collect();
        // A template may add the tag.
        let moves = |old: &str| moved.contains(old) || moved.contains(name_of(old));
        let reason = format!("{} {COMPARED}", printable::path(&self.path));
        for path in self.compared.difference(&self.created) {
            let Some(member) = members.get_mut(path) else {
                continue;
            };
            for finding in member.findings.iter_mut() {
                if !moves(&finding.old) {
                    finding.doubt(&reason);
                }
            }
        }
    }
}

impl Project for Assertions {
    fn groups(&self) -> Vec<Vec<PathBuf>> {
        let group = |test: &Test| test.compared.union(&test.created).cloned().collect();
        self.tests.iter().map(group).collect()
    }

    fn find(&self, _: &mut Members) -> Plan<'_> {
        Box::new(|members| self.tests.iter().for_each(|test| test.plan(members)))
    }
}
