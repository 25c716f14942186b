//! The page of an image or a URL: which rule applies, what its fix does, and what other projects chose.

use std::path::Path;

use crate::check;
use crate::cli::text::Page;
use crate::edit::Applicability;
use crate::file_type;
use crate::finding::Finding;
use crate::image::{self, ImageRef};
use crate::report::RenderOptions;
use crate::rules::RuleSet;
use crate::rules::alternatives::Alternatives;

/// `None` if no rule applies and no other project is known to have left it.
pub(super) fn page(asked: &str, rules: &RuleSet, render_options: RenderOptions) -> Option<String> {
    let finding = finding(asked, rules);
    let others = canonical(asked).and_then(|name| rules.facts().alternatives.of_image(&name));
    if finding.is_none() && others.is_none() {
        return None;
    }
    let mut page = Page::new(render_options);
    page.title(asked, "");
    match &finding {
        Some(finding) => {
            outcome(finding)
                .iter()
                .for_each(|line| page.paragraph(line));
            page.heading("Rule");
            let (id, severity) = (&finding.rule, finding.severity.name());
            page.paragraph(&format!("{id} ({severity}): {}", finding.message));
            page.paragraph(&format!("`regfix explain {id}` shows why and since when."));
        }
        None => page.paragraph("No rule applies to this reference."),
    }
    if let Some(others) = others {
        chosen(&mut page, &others);
    }
    Some(page.finish())
}

/// Returns the rule that applies to a reference, and the outcome.
pub(super) fn judged(reference: &str, rules: &RuleSet) -> Option<(String, Vec<String>)> {
    let finding = finding(reference, rules)?;
    Some((finding.rule.to_string(), outcome(&finding)))
}

fn chosen(page: &mut Page, others: &Alternatives) {
    page.heading("What other projects use");
    if !others.is_common {
        page.paragraph("No common alternative is known.");
    }
    for one in &others.shown {
        let caveat = one.caveats().next();
        let caveat = caveat.map(|caveat| format!(": {caveat}"));
        page.item(&format!("{}{}", one.summary(), caveat.unwrap_or_default()));
    }
}

/// Describes the reference after the move, and whether it is written.
fn outcome(finding: &Finding) -> Vec<String> {
    let fix = finding.applicability();
    let how = match fix {
        Some(Applicability::Safe) => "safe: applied by `--write`",
        Some(Applicability::Unsafe) => "needs review: applied only with `--write --unsafe-fixes`",
        Some(Applicability::Display) => "suggestion only: never written",
        None => "no automatic fix",
    };
    let new = finding.new.as_ref().map(|new| format!("→ {new}"));
    let reason = finding.reason.as_ref();
    let how = match reason {
        Some(reason) => format!("{how}; {reason}"),
        None => how.to_owned(),
    };
    new.into_iter().chain([how]).collect()
}

/// Returns what a check finds in a document with only this reference.
fn finding(reference: &str, rules: &RuleSet) -> Option<Finding> {
    let keys: &[&str] = match reference.contains("://") {
        true => &["url"],
        // A host alone is not an image.
        false => &["image", "registry"],
    };
    keys.iter().find_map(|key| {
        let text = format!("{key}: {reference}\n");
        let name = Path::new("explain.yaml");
        let checked = check::check(name, &text, file_type::standard_input(), rules);
        checked.findings.into_iter().next()
    })
}

fn canonical(reference: &str) -> Option<String> {
    let image = ImageRef::parse(reference)?;
    Some(image::canonical(image.host, image.path))
}
