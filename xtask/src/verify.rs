//! Whether the rules of the catalogue hold together.

use std::path::Path;

use regfix::artifact::Artifact;
use regfix::check;
use regfix::kind;
use regfix::rules::{RuleSet, verify};

use crate::Fault;

/// What `new-rule` writes where somebody has to describe something.
pub const UNWRITTEN: &str = "to be described";

pub fn run() -> Result<(), Fault> {
    let rules = RuleSet::with_own(&[]).map_err(|(_, why)| why)?;
    let rules = RuleSet::new(rules);
    let mut faults = verify::faults(&rules);
    faults.extend(examples(&rules));
    faults.extend(undescribed(&rules));
    faults.iter().for_each(|fault| println!("{fault}"));
    match faults.len() {
        0 => {
            println!("{} rules: no faults", rules.rules().len());
            Ok(())
        }
        faults => Err(format!("{faults} faults")),
    }
}

/// Rules that are not the ones to match their own examples.
fn examples(rules: &RuleSet) -> Vec<String> {
    let missed = rules.rules().iter().filter(|rule| {
        let key = match rule.artifact {
            Artifact::Image => "image",
            Artifact::Chart | Artifact::ChartRepository => "repository",
            Artifact::Url => "url",
        };
        let text = format!("{key}: {}\n", rule.example);
        let path = Path::new("values.yaml");
        let checked = check::check(path, &text, kind::standard_input(), rules);
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

fn undescribed(rules: &RuleSet) -> Vec<String> {
    let is_bare = |text: &str| text.is_empty() || text.contains(UNWRITTEN);
    let bare = rules.rules().iter().filter(|rule| {
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
        assert_eq!(run(), Ok(()));
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
}
