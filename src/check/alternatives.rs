//! Alternatives to the images of findings, and warnings about those that lack a program that the container runs.
//!
//! They are suggestions for people: no fix writes them.

use crate::file_type::{self, FileType, Masks};
use crate::finding::Finding;
use crate::rules::alternatives::Choices;
use crate::source::Span;
use crate::syntax::yaml::{Map, Node};

/// Programs that container commands rely on: the name that alternatives use for what they lack, and the commands.
const PROGRAMS: [(&str, &[&str]); 3] = [
    ("shell", &["sh", "bash", "ash"]),
    ("curl", &["curl"]),
    ("jq", &["jq"]),
];

/// The keys of a container that hold commands.
const COMMANDS: [&str; 6] = [
    "command",
    "args",
    "lifecycle",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
];

/// Adds the alternatives that others chose for an image, given its canonical name.
pub(super) fn add(finding: &mut Finding, name: &str, choices: Choices) {
    let Some(others) = choices.of_image(name) else {
        return;
    };
    finding.notes.extend(others.notes());
    finding.alternatives = others.shown;
}

/// Adds a note for each alternative that lacks a program that the finding's container runs.
pub(super) fn warn_of_commands(findings: &mut [Finding], text: &str, file_type: &FileType) {
    let lacks = |finding: &Finding| {
        let mut all = finding.alternatives.iter();
        all.any(|one| one.lacks().next().is_some())
    };
    if !findings.iter().any(lacks) {
        return;
    }
    let masks = Masks::default();
    let reading = file_type::read(text, file_type.parser, None, &masks);
    let Some(layer) = reading.layers.first() else {
        return;
    };
    for finding in findings.iter_mut() {
        let span = finding.span();
        let documents = layer.parsed.documents.iter();
        let container = documents
            .filter_map(|document| innermost(document, span))
            .next_back();
        let run = container.map(programs).unwrap_or_default();
        let warnings = finding.alternatives.iter().filter_map(|one| {
            let missing: Vec<&str> = one.lacks().filter(|lack| run.contains(lack)).collect();
            let missing = missing.join(", ");
            (!missing.is_empty()).then(|| {
                format!(
                    "{} does not have what the command here uses: {missing}",
                    one.name
                )
            })
        });
        let warnings: Vec<String> = warnings.collect();
        finding.notes.extend(warnings);
    }
}

/// The innermost map around a span.
fn innermost<'n, 't>(node: &'n Node<'t>, span: Span) -> Option<&'n Map<'t>> {
    let mut node = node;
    let mut found = None;
    loop {
        node = match node {
            Node::Map(map) => {
                found = Some(map);
                let mut entries = map.entries.iter();
                match entries.find(|entry| entry.value.span().covers(span)) {
                    Some(entry) => &entry.value,
                    None => return found,
                }
            }
            Node::List(list) => match list.items.iter().find(|item| item.span().covers(span)) {
                Some(item) => item,
                None => return found,
            },
            Node::Scalar(_) | Node::Alias(_) => return found,
        };
    }
}

/// The programs that a container runs.
fn programs(container: &Map<'_>) -> Vec<&'static str> {
    let commands = COMMANDS.iter().filter_map(|key| container.get(key));
    // A path is split into its parts, so that `/bin/sh` counts as `sh`.
    let between = |letter: char| !(letter.is_alphanumeric() || "._-".contains(letter));
    let words = commands.flat_map(Node::scalars);
    let words: Vec<&str> = words.flat_map(|one| one.value.split(between)).collect();
    let runs = |names: &[&str]| words.iter().any(|word| names.contains(word));
    let programs = PROGRAMS.iter().filter(|(_, names)| runs(names));
    programs.map(|(program, _)| *program).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::file_type;
    use crate::rules::RuleSet;

    /// The notes of the first finding.
    fn notes(text: &str) -> Vec<String> {
        let rules = RuleSet::new(RuleSet::with_own(&[]).unwrap());
        let path = Path::new("a.yaml");
        let checked = super::super::check(path, text, file_type::standard_input(), &rules);
        checked.findings[0].notes.clone()
    }

    fn job(command: &str) -> String {
        format!(
            "kind: Job\nspec:\n  template:\n    spec:\n      containers:\n      - name: a\n        \
             image: bitnami/kubectl:1.29.0\n        {command}\n      - name: b\n        \
             image: busybox\n        command: [sh, -c, 'curl x | jq .']\n"
        )
    }

    #[test]
    fn what_others_chose_is_a_note() {
        assert_eq!(
            notes("image: bitnami/mariadb:11.4.2\n"),
            [
                "no common alternative has been seen",
                "others chose docker.io/bitnamilegacy/mariadb (seen in 4 projects, no updates, drop-in): the images and tags of August 2025",
            ]
        );
        assert!(notes("image: k8s.gcr.io/pause:3.6\n").is_empty());
    }

    #[test]
    fn a_command_that_an_alternative_cannot_run_is_named() {
        let warnings = |command: &str| {
            let notes = notes(&job(command)).into_iter();
            let all: Vec<String> = notes
                .filter(|note| note.contains("does not have"))
                .collect();
            all
        };
        let shell = warnings("command: [/bin/sh, -c, kubectl get pods]");
        assert_eq!(
            shell,
            [
                "docker.io/rancher/kubectl does not have what the command here uses: shell",
                "registry.k8s.io/kubectl does not have what the command here uses: shell",
            ]
        );
        let both = warnings("args: ['bash -c \"kubectl get pods -o json | jq .items\"']");
        assert!(both[1].ends_with("uses: shell, jq"), "{both:?}");
        assert!(warnings("command: [kubectl, get, pods]").is_empty());
        assert!(warnings("args: [get, wash, jq.yaml]").is_empty());
    }
}
