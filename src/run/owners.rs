//! Finds the CODEOWNERS file of a repository.

use std::path::Path;

use crate::report::Owners;
use crate::walk::Overlay;

/// Where GitHub and GitLab look for it, from the root of a repository; the first that is there counts.
const PLACES: [&str; 4] = [
    ".github/CODEOWNERS",
    ".gitlab/CODEOWNERS",
    "CODEOWNERS",
    "docs/CODEOWNERS",
];

/// As much as GitHub reads of one, in bytes.
const LIMIT: usize = 3 << 20;

/// Who owns what in a repository. A file that cannot be read counts as none: reports only group by it.
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
