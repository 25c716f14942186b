//! The user's own rules, and errors about those that cannot be used.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::error::Fault;
use super::super::nodes::head;
use crate::finding;
use crate::printable::excerpt;
use crate::rules::select::nearest;
use crate::rules::{Edition, Rule, RuleSet, RuleSpec};
use crate::source::Span;
use crate::syntax::yaml::Node;

/// Combines the rules of a catalogue with the user's own, which follow those of the extended file. Of two own rules with the
/// same id, the nearer one wins. Also returns the user's own rules as written.
pub(super) fn own_rules(
    specs: Vec<RuleSpec>,
    nodes: &[Node<'_>],
    below: &[RuleSpec],
    edition: &Edition,
) -> Result<(Vec<RuleSpec>, Vec<Arc<Rule>>), Fault> {
    let mut ids: HashSet<String> = HashSet::new();
    for (spec, node) in specs.iter().zip(nodes) {
        let Some(id) = &spec.id else {
            continue;
        };
        let problem = match id.as_str() {
            "all" => "`all` means all rules: choose another id".to_owned(),
            id if finding::about(id).is_some() => {
                format!("`{id}` is taken: choose another id")
            }
            id if !ids.insert(id.to_owned()) => format!("there are two rules `{}`", excerpt(id)),
            _ => continue,
        };
        return Err(Fault::new(problem).at(blamed(node, id)));
    }
    let is_other = |spec: &&RuleSpec| spec.id.as_ref().is_none_or(|id| !ids.contains(id));
    let mut all: Vec<RuleSpec> = below.iter().filter(is_other).cloned().collect();
    let before = all.len();
    all.extend(specs);
    let rules = RuleSet::with_own_of(edition, &all).map_err(|(index, why)| {
        let node = index.checked_sub(before).and_then(|index| nodes.get(index));
        match (node, all.get(index)) {
            (Some(node), Some(spec)) => unusable(node, spec, why, edition),
            _ => Fault::new(why),
        }
    })?;
    Ok((all, rules))
}

/// Makes the error for a rule that cannot be compiled. The first quoted part of the message is what is wrong.
fn unusable(node: &Node<'_>, spec: &RuleSpec, why: String, edition: &Edition) -> Fault {
    let quoted = why.split('`').nth(1).unwrap_or_default();
    let fault = Fault::default().at(blamed(node, quoted));
    let fault = match (&spec.id, &spec.from) {
        (Some(id), None) => {
            match nearest(id, edition.rules().iter().map(|rule| rule.id.as_str())) {
                Some(near) => fault.help(format!("to change a built-in rule, give its id: did you mean `{near}`?")),
                None => fault.help("to change a built-in rule, give its id; `regfix rules` lists them"),
            }
        }
        (None, Some(_)) if why.starts_with("there are two") => {
            fault.help("its id is made from `from`: give it an `id`; the id of a built-in rule changes that rule")
        }
        _ => fault,
    };
    Fault {
        message: why,
        ..fault
    }
}

/// Returns the scalar of a rule with this value, or the start of the rule.
fn blamed(rule: &Node<'_>, text: &str) -> Span {
    let found = rule.scalars().find(|scalar| scalar.value == text);
    found.map_or_else(|| head(rule), |scalar| scalar.span)
}
