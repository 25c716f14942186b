//! Promises that hold for any tree, tested on whole trees that nobody would write.
//!
//! The fuzz target `trees` checks the same promises for as long as it runs.

mod promises;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

#[test]
fn promises_are_held_on_the_seed() {
    for unsafe_fixes in [false, true] {
        promises::hold(&promises::tree(&[]), unsafe_fixes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        // The same trees on every machine; PROPTEST_RNG_SEED and PROPTEST_CASES select others.
        rng_seed: RngSeed::Fixed(20_261_128),
        ..ProptestConfig::default()
    })]

    #[test]
    fn promises_are_held_on_any_tree(bytes in prop::collection::vec(any::<u8>(), 6..72), unsafe_fixes: bool) {
        promises::hold(&promises::tree(&bytes), unsafe_fixes);
    }
}
