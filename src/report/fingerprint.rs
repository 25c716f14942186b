//! Fingerprints, by which programs recognise a finding in the next run: a hash of its file and key, without the line.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::FileReport;
use crate::finding::Key;
use crate::printable;

/// Returns a fingerprint of 32 hexadecimal digits for each finding. Equal keys are numbered in their order.
pub(super) fn fingerprints(report: &FileReport<'_>) -> Vec<String> {
    let path = report.origin_base().relative(report.path);
    let mut seen: HashMap<&Key, usize> = HashMap::new();
    let one = |key: &'_ Key, nth: usize| {
        let mut hash = Sha256::new();
        for part in [&path, &*key.rule, &key.image, &key.at, &nth.to_string()] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        printable::hex(&hash.finalize()[..16])
    };
    let keys = report.keys.iter().map(|key| {
        let nth = seen.entry(key).or_default();
        *nth += 1;
        one(key, *nth)
    });
    keys.collect()
}
