//! Checks that the rules of the catalogue are consistent, match their examples, and are described.

use std::collections::HashMap;
use std::path::Path;

use regfix::artifact::Artifact;
use regfix::check;
use regfix::file_type;
use regfix::rules::{RuleSet, RuleSpec, catalogue, verify};

use crate::Fault;
use crate::git::Git;

#[derive(clap::Args, Default)]
pub struct Arguments {
    /// Also check that the `history` of each rule says what changed since this revision
    #[arg(long, value_name = "REV")]
    since: Option<String>,
}

/// The placeholder that `new-rule` writes for texts that a person must write.
pub const UNWRITTEN: &str = "to be described";

pub fn run(root: &Path, arguments: &Arguments) -> Result<(), Fault> {
    let rules = RuleSet::with_own(&[]).map_err(|(_, why)| why)?;
    let rules = RuleSet::new(rules);
    let mut faults = verify::faults(&rules);
    faults.extend(examples(&rules));
    faults.extend(undescribed(&rules));
    if let Some(revision) = &arguments.since {
        faults.extend(unrecorded(root, revision)?);
    }
    faults.iter().for_each(|fault| println!("{fault}"));
    match faults.len() {
        0 => {
            println!("{} rules: no faults", rules.rules().len());
            Ok(())
        }
        faults => Err(format!("faults in the catalogue: {faults}")),
    }
}

/// Returns the rules that do not match their own examples.
fn examples(rules: &RuleSet) -> Vec<String> {
    let missed = rules.rules().filter(|rule| {
        let key = match rule.artifact {
            Artifact::Image => "image",
            Artifact::Chart | Artifact::ChartRepository => "repository",
            Artifact::Url => "url",
        };
        let text = format!("{key}: {}\n", rule.example);
        let path = Path::new("values.yaml");
        let checked = check::check(path, &text, file_type::standard_input(), rules);
        !checked
            .findings
            .iter()
            .any(|finding| *finding.rule == *rule.id)
    });
    missed
        .map(|rule| {
            format!(
                "{}: another rule or none matches its example `{}`",
                rule.id, rule.example
            )
        })
        .collect()
}

/// Returns the rules that are new or act differently since a revision without an entry in their `history`.
fn unrecorded(root: &Path, revision: &str) -> Result<Vec<String>, Fault> {
    const FOLDER: &str = "src/rules/catalogue";
    let mut git = Git::new(&root.join(".git"))?;
    let tree = format!("{revision}:{FOLDER}");
    let names = git.run(&["ls-tree", "--name-only", &tree])?;
    let mut before: HashMap<Option<String>, RuleSpec> = HashMap::new();
    for name in names.lines() {
        let text = git.text(&format!("{tree}/{name}"))?.unwrap_or_default();
        let rows: Vec<RuleSpec> = serde_yaml::from_str(&text)
            .map_err(|error| format!("{FOLDER}/{name} at {revision}: {error}"))?;
        before.extend(rows.into_iter().map(|row| (row.id.clone(), row)));
    }
    let entries = |row: &RuleSpec| row.history.iter().flatten().count();
    let what = |row: &RuleSpec| match before.get(&row.id) {
        Some(old) if old.acts_as(row) || entries(row) > entries(old) => None,
        Some(_) => Some("acts differently"),
        None if entries(row) > 0 => None,
        None => Some("is new"),
    };
    let rows = catalogue().rules.into_iter();
    let faults = rows.filter_map(|row| {
        let (what, id) = (what(&row)?, row.id?);
        Some(format!(
            "{id}: {what} since {revision}, and its `history` does not say so"
        ))
    });
    Ok(faults.collect())
}

fn undescribed(rules: &RuleSet) -> Vec<String> {
    let is_bare = |text: &str| text.is_empty() || text.contains(UNWRITTEN);
    let bare = rules.rules().filter(|rule| {
        is_bare(rule.why())
            || is_bare(rule.state())
            || is_bare(&rule.summary)
            || rule.evidence().is_none()
    });
    bare.map(|rule| format!("{}: is not described", rule.id))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_has_no_faults() {
        assert_eq!(run(&crate::root(), &Arguments::default()), Ok(()));
    }

    #[test]
    fn a_rule_that_misses_its_example_is_found() {
        let own: Vec<regfix::rules::RuleSpec> = serde_yaml::from_str(
            "[{id: mine, from: a.example.com/x, example: 'b.example.com/x:1', sources: ['https://a.example.com']}]",
        )
        .unwrap();
        let rules = RuleSet::new(RuleSet::with_own(&own).unwrap());
        assert_eq!(
            examples(&rules),
            ["mine: another rule or none matches its example `b.example.com/x:1`"]
        );
        assert_eq!(undescribed(&rules), ["mine: is not described"]);
    }

    #[test]
    fn changes_without_history_are_found() {
        let mut rows = catalogue().rules;
        let at = |rows: &[RuleSpec], id: &str| {
            let mut rows = rows.iter();
            rows.position(|row| row.id.as_deref() == Some(id)).unwrap()
        };
        // The revision differs from the current catalogue: one rule moves elsewhere, one has another text, and one does not
        // exist.
        let (moved, retold) = (at(&rows, "k8s-gcr-io"), at(&rows, "tekton-gcr"));
        rows[moved].to = Some("elsewhere.example.com".to_owned());
        rows[retold].why = Some("Another text.".to_owned());
        rows.remove(at(&rows, "kpt-functions-gcr"));
        for row in &mut rows {
            row.history = None;
        }
        let text = serde_yaml::to_string(&rows).unwrap();
        let folder = crate::git::tests::repository(&[(
            "2026-01-01",
            None,
            &[("src/rules/catalogue/all.yaml", &text)],
        )]);
        let faults = unrecorded(folder.path(), "HEAD").unwrap();
        let now = catalogue().rules;
        let is_recorded = |id: &str| now[at(&now, id)].history.is_some();
        let expected = [
            ("k8s-gcr-io", "acts differently"),
            ("kpt-functions-gcr", "is new"),
        ];
        for (id, what) in expected {
            let said = faults
                .iter()
                .any(|fault| fault.starts_with(&format!("{id}: {what} since HEAD")));
            assert_eq!(said, !is_recorded(id), "{id}: {faults:?}");
        }
        assert!(!is_recorded("k8s-gcr-io"), "the test has nothing to find");
        assert!(faults.len() <= 2, "{faults:?}");
        assert!(unrecorded(folder.path(), "nowhere").is_err());
    }
}
