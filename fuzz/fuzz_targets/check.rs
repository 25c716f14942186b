//! Any text, read as each kind of file: no panic, and the fixes converge.
//!
//! `cargo fuzz run -s none check` (stable Rust), or with the default sanitizer on nightly.

#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use regfix::edit::{self, Applicability};
use regfix::rules::RuleSet;
use regfix::{check, file_type};

static RULES: LazyLock<RuleSet> =
    LazyLock::new(|| RuleSet::new(RuleSet::with_own(&[]).expect("the catalogue is sound")));

const NAMES: [&str; 6] =
    ["values.yaml", "Chart.yaml", "kustomization.yaml", "a/templates/x.yaml", "a/_helpers.tpl", "main.tf"];

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let path = Path::new(NAMES[usize::from(*first) % NAMES.len()]);
    let file_type = file_type::classify(path).unwrap_or(&file_type::TEXT);
    let mut now = text.to_owned();
    for _ in 0..8 {
        let findings = check::check(path, &now, file_type, &RULES).findings;
        let fixes = findings.iter().filter_map(|finding| finding.fix.as_ref());
        let after = edit::apply(&now, fixes, Applicability::Unsafe);
        if after == now {
            return;
        }
        now = after;
    }
    panic!("the fix does not settle");
});
