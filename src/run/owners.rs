//! Finds the CODEOWNERS file of a repository.

use std::path::Path;

use crate::report::Owners;
use crate::walk::Overlay;

/// The paths where GitHub and GitLab look for the file; the first one that exists is used.
const PLACES: [&str; 4] = [
    ".github/CODEOWNERS",
    ".gitlab/CODEOWNERS",
    "CODEOWNERS",
    "docs/CODEOWNERS",
];

/// GitHub's size limit in bytes.
const LIMIT: usize = 3 << 20;

/// Reads the owners in a repository. An unreadable file counts as missing, because reports only use owners to group findings.
pub fn find(repository: &Path, files: &Overlay) -> Owners {
    let mut texts = PLACES.iter().map(|place| {
        let bytes = files
            .read_below(repository, &repository.join(place), LIMIT)
            .ok()?;
        String::from_utf8(bytes).ok()
    });
    let text = texts.find_map(|text| text);
    text.map_or_else(Owners::default, |text| Owners::parse(&text))
}
