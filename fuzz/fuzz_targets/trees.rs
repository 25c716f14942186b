//! A mutated chart and a kustomization: the promises for any tree hold.
//!
//! `cargo fuzz run -s none trees` (stable Rust), or with the default sanitizer on nightly.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/it/trees/promises.rs"]
mod promises;

fuzz_target!(|data: &[u8]| {
    if let Some((first, rest)) = data.split_first() {
        promises::hold(&promises::tree(rest), first % 2 == 1);
    }
});
