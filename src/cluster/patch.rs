//! Commands that change images in a cluster, but only in objects that nothing would restore, and only while they are as they
//! were read. For all others, says what to change instead.
//!
//! Returns text; runs nothing.

use std::path::Path;

use serde_json::json;

use super::identity::Identity;
use super::image_use::Change;
use super::inventory::{Presence, Row};
use super::origin::Manager;
use super::server::Query;
use crate::edit::Applicability;
use crate::printable;

/// Writes a script for a POSIX shell.
pub fn script(rows: &[Row], limit: Applicability, query: &Query) -> String {
    let mut text = "#!/bin/sh\n\
        # Changes legacy images in a cluster. Read it before you run it.\n\
        # The API server refuses a change if the object is not as regfix read it.\n\
        failed=0\n"
        .to_owned();
    let mut patched = 0;
    for rows in rows.chunk_by(|one, next| one.root == next.root) {
        let steps: Vec<Step<'_>> = rows.iter().filter_map(|row| Step::of(row, limit)).collect();
        if steps.is_empty() {
            continue;
        }
        text += &comment(&heading(&rows[0]));
        let mut changes = Vec::new();
        for step in steps {
            match step {
                Step::Change(row) => {
                    changes.extend(row.judged.iter().flat_map(|judged| &judged.changes))
                }
                Step::Instead(row, why) => {
                    text += &comment(&format!(
                        "  {}: {}: {why}",
                        row.container.shown(),
                        row.image
                    ));
                }
            }
        }
        if !changes.is_empty() {
            text += &remark(&rows[0]);
            text += &command(&rows[0].root, &changes, query);
            patched += 1;
        }
    }
    if patched == 0 {
        text += "# There is nothing that can be changed in the cluster.\n";
    }
    text + "exit $failed\n"
}

/// The action for a row.
enum Step<'r> {
    Change(&'r Row),
    /// Nothing in the cluster: the reason, or what to change instead.
    Instead(&'r Row, String),
}

impl<'r> Step<'r> {
    fn of(row: &'r Row, limit: Applicability) -> Option<Self> {
        let judged = row.judged.as_ref()?;
        let finding = &judged.finding;
        let fix = finding
            .fix
            .as_ref()
            .filter(|fix| fix.applicability.is_written());
        let instead = |why: &str| Some(Self::Instead(row, why.to_owned()));
        if row.origin.manager == Manager::StaticPod {
            return instead("a static pod: change its file on the node");
        }
        match &row.presence {
            Presence::Declared => {}
            Presence::Left { .. } => {
                return instead("the template has another image already: replace the pods");
            }
            Presence::Added => return instead("change what adds it to the pods"),
            Presence::Debug => return instead("it goes with the pod"),
            Presence::Chosen => {
                return instead("change what created it: the operator, or the object at the top");
            }
        }
        if row.origin.manager.puts_back() {
            return Some(Self::Instead(row, managed(row)));
        }
        let Some(fix) = fix else {
            return instead("there is no automatic fix");
        };
        if fix.applicability < limit {
            return instead("the fix needs review (--unsafe-fixes)");
        }
        if judged.changes.is_empty() {
            return instead("the fix does more than replace values");
        }
        if !is_plain(&row.root) {
            return instead("the object has no valid name");
        }
        match immutable(&row.root, &judged.changes) {
            Some(why) => instead(why),
            None => Some(Self::Change(row)),
        }
    }
}

/// Advises what to change if something would restore the object.
fn managed(row: &Row) -> String {
    let rule = row.judged.as_ref().map(|judged| &*judged.finding.rule);
    let clean = rule.and_then(|rule| row.origin.first_clean(rule));
    match clean {
        Some((chart, version)) => format!(
            "use chart {} {version} or later in the source, or set the image in its values",
            chart.name
        ),
        None => "change it in the source, which would undo a change here".to_owned(),
    }
}

/// Explains why the API server does not allow a change. `None` if it does.
fn immutable(root: &Identity, changes: &[Change]) -> Option<&'static str> {
    let is_image = |pointer: &str| {
        let parts: Vec<&str> = pointer.split('/').collect();
        matches!(
            parts.as_slice(),
            ["", "spec", "containers" | "initContainers", _, "image"]
        )
    };
    match (root.group.as_str(), root.kind.as_str()) {
        ("batch", "Job") => Some("the template of a Job cannot be changed: create it again"),
        ("", "Pod") if !changes.iter().all(|change| is_image(&change.pointer)) => {
            Some("of a Pod, only images of containers can be changed: create it again")
        }
        _ => None,
    }
}

/// Whether all names are as the API server allows them: a dump may be forged, and they go into a shell script.
fn is_plain(root: &Identity) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    let is_name = |text: &str| text.bytes().all(known) && !text.starts_with('-');
    let Identity {
        namespace,
        kind,
        name,
        group,
    } = root;
    !kind.is_empty()
        && !name.is_empty()
        && [namespace, kind, name, group]
            .iter()
            .all(|text| is_name(text))
}

fn heading(row: &Row) -> String {
    let namespace = match row.root.namespace.as_str() {
        "" => String::new(),
        namespace => format!("{namespace}/"),
    };
    format!("{namespace}{}: {}", row.root.shown(), row.origin.shown())
}

/// Remarks what else must happen before the change is effective and lasts.
fn remark(row: &Row) -> String {
    if matches!(
        row.root.kind.as_str(),
        "ReplicaSet" | "ReplicationController"
    ) {
        return comment("  pods that are there stay as they are until they are replaced");
    }
    match row.origin.manager {
        Manager::KubectlApply | Manager::Kustomize => comment(
            "  also change the file that was applied, or the next `kubectl apply` puts it back",
        ),
        _ => String::new(),
    }
}

fn comment(text: &str) -> String {
    format!("# {}\n", printable::line(text))
}

fn command(root: &Identity, changes: &[&Change], query: &Query) -> String {
    let operations = changes.iter().flat_map(|change| {
        let Change { pointer, old, new } = change;
        [
            json!({"op": "test", "path": pointer, "value": old}),
            json!({"op": "replace", "path": pointer, "value": new}),
        ]
    });
    let operations: Vec<String> = operations.map(|one| printable::json(&one)).collect();
    let kind = match root.group.as_str() {
        "" => root.kind.clone(),
        group => format!("{}.{group}", root.kind),
    };
    let mut words = vec![
        "kubectl patch".to_owned(),
        quoted(&format!("{kind}/{}", root.name)),
    ];
    if !root.namespace.is_empty() {
        words.push(format!("--namespace={}", quoted(&root.namespace)));
    }
    if let Some(context) = &query.context {
        words.push(format!("--context={}", quoted(context)));
    }
    if let Some(kubeconfig) = &query.kubeconfig {
        words.push(format!("--kubeconfig={}", quoted(&shown(kubeconfig))));
    }
    let patch = quoted(&format!("[{}]", operations.join(",")));
    words.push(format!("--type=json --patch={patch}"));
    format!("{} || failed=1\n", words.join(" "))
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Quotes a string as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_shell_are_closed() {
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("'; rm -rf / #"), r"''\''; rm -rf / #'");
    }

    #[test]
    fn forged_names_make_no_command() {
        let identity = |name: &str| Identity {
            namespace: "x".to_owned(),
            kind: "Pod".to_owned(),
            name: name.to_owned(),
            group: String::new(),
        };
        assert!(is_plain(&identity("web-1.a")));
        for name in ["", "-A", "a b", "a'b", "a\nb", "$(x)"] {
            assert!(!is_plain(&identity(name)), "{name}");
        }
    }
}
