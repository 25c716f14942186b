//! Any text: the fast path for common YAML and the full parser give the same tree.
//!
//! `cargo fuzz run -s none yaml` (stable Rust), or with the default sanitizer on nightly.

#![no_main]

use libfuzzer_sys::fuzz_target;
use regfix::source::Span;
use regfix::syntax::yaml;

fuzz_target!(|text: &str| {
    for region in yaml::documents(text) {
        let (short, full) = (yaml::parse(text, region), yaml::parse_by_events(text, region));
        assert_eq!(short, full, "{region:?}");
    }
    let whole = Span::new(0, text.len());
    assert_eq!(yaml::parse(text, whole), yaml::parse_by_events(text, whole));
});
