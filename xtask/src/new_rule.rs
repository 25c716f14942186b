//! Adds a row to the catalogue. `cargo xtask regenerate` makes its fixture.

use std::path::Path;

use regfix::rules::RuleSet;

use crate::verify::UNWRITTEN;
use crate::{Fault, read, write};

#[derive(clap::Args)]
pub struct Arguments {
    /// Lower-case words joined by hyphens, such as `example-docker-hub`
    id: String,
    /// The legacy location, such as `docker.io/example`
    #[arg(long)]
    from: String,
    /// The new location, if there is one
    #[arg(long)]
    to: Option<String>,
    /// A reference that the rule matches, with a tag
    #[arg(long)]
    example: String,
    /// Where the move is announced
    #[arg(long)]
    source: String,
    /// The file of the catalogue, without `.yaml`
    #[arg(long)]
    vendor: String,
    /// The day on which the row is added, YYYY-MM-DD
    #[arg(long)]
    date: String,
}

pub fn run(root: &Path, arguments: &Arguments) -> Result<(), Fault> {
    let Arguments { id, vendor, .. } = arguments;
    let is_word = |text: &str| {
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        !text.is_empty()
            && text
                .split('-')
                .all(|part| !part.is_empty() && part.bytes().all(letter))
    };
    if !is_word(id) || !is_word(vendor) {
        return Err("ids and vendors are lower-case words joined by hyphens".to_owned());
    }
    let known = RuleSet::with_own(&[]).map_err(|(_, why)| why)?;
    if known.iter().any(|rule| rule.id == *id) {
        return Err(format!("there is a rule `{id}` already"));
    }
    let file = root.join(format!("src/rules/catalogue/{vendor}.yaml"));
    let mut rows = if file.exists() {
        read(&file)? + "\n"
    } else {
        String::new()
    };
    rows += &row(arguments);
    write(&file, &rows)?;
    println!("Wrote {}. Next:", file.display());
    println!("  1. Describe the rule: `{UNWRITTEN}` marks what is missing.");
    println!(
        "  2. Add a line to tests/it/vectors.tsv: another reference than the example, and what becomes of it."
    );
    println!(
        "  3. `cargo xtask verify-rules`, then `cargo xtask regenerate`, which makes the fixture; then read `git diff`."
    );
    Ok(())
}

fn row(arguments: &Arguments) -> String {
    let Arguments {
        id,
        from,
        to,
        example,
        source,
        date,
        ..
    } = arguments;
    let (target, safety) = match to {
        Some(to) => (format!("  to: {to}\n"), "review"),
        None => (String::new(), "report-only"),
    };
    format!(
        "- id: {id}\n  from: {from}\n{target}  safety: {safety}\n  severity: warning\n  state: {UNWRITTEN}\n  \
         since: \"{date}\"\n  summary: {UNWRITTEN}\n  why: {UNWRITTEN}\n  example: {example}\n  \
         evidence: third-party\n  sources:\n    - {source}\n  history:\n    - {{date: \"{date}\", what: added}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use regfix::rules::{Rule, RuleSpec};

    fn arguments(id: &str) -> Arguments {
        Arguments {
            id: id.to_owned(),
            from: "registry.example.com/old".to_owned(),
            to: Some("registry.example.com/new".to_owned()),
            example: "registry.example.com/old/app:1.0.0".to_owned(),
            source: "https://example.com/move".to_owned(),
            vendor: "example".to_owned(),
            date: "2026-11-28".to_owned(),
        }
    }

    #[test]
    fn the_row_is_a_rule() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(path("src/rules/catalogue")).unwrap();
        run(folder.path(), &arguments("example-moved")).unwrap();
        run(folder.path(), &arguments("example-moved-again")).unwrap();
        let text = read(&path("src/rules/catalogue/example.yaml")).unwrap();
        let rows: Vec<RuleSpec> = serde_yaml::from_str(&text).unwrap();
        assert_eq!(rows.len(), 2);
        let rule = Rule::new(rows[0].clone()).unwrap();
        assert_eq!(rule.id, "example-moved");
        assert!(rule.why().contains(UNWRITTEN));
    }

    #[test]
    fn a_name_that_is_taken_or_no_name_is_refused() {
        let folder = Path::new("/nowhere");
        let fault = run(folder, &arguments("k8s-gcr-io")).unwrap_err();
        assert_eq!(fault, "there is a rule `k8s-gcr-io` already");
        assert!(run(folder, &arguments("../x")).is_err());
    }
}
