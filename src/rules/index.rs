//! What exists on registry.k8s.io, as far as an offline list can say.
//!
//! The list was compiled from the promoter manifests of kubernetes/k8s.io as of 2024-06-06, and from manifests and
//! releases of projects that name newer tags. Presence is strong evidence because promoted tags are immutable. Absence
//! means "newer or unknown"; for what was frozen with k8s.gcr.io in April 2023 the list is complete, so of the rules that
//! ask it only k8s-staging, capv-gcr, vsphere-csi and vsphere-cpi can meet tags that are newer.

use super::table::Table;

/// An image a line: its name, a tab, its tags set apart by blanks. Tags are sorted by bytes.
static INDEX: Table = Table::new(include_str!("registry-k8s-io.tsv"));

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Present,
    /// The image is there, this tag is not listed.
    NoSuchTag,
    NoSuchImage,
}

/// How many images are listed.
pub fn count() -> usize {
    INDEX.lines().count()
}

/// Whether `registry.k8s.io/{image}:{tag}` is listed.
pub fn look_up(image: &str, tag: &str) -> Answer {
    match tags(image) {
        None => Answer::NoSuchImage,
        Some(tags) if tags.split(' ').any(|listed| listed == tag) => Answer::Present,
        Some(_) => Answer::NoSuchTag,
    }
}

/// The tags of an image, set apart by blanks.
pub fn tags(image: &str) -> Option<&'static str> {
    let line = INDEX.rows(image).next()?;
    line.split_once('\t').map(|(_, tags)| tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_image_is_found() {
        INDEX.assert_sound(2);
        let mut images = 0;
        for line in INDEX.lines() {
            let (image, listed) = line.split_once('\t').unwrap();
            assert_eq!(tags(image), Some(listed), "{image}");
            assert!(listed.split(' ').is_sorted(), "{image}");
            images += 1;
        }
        assert!(images > 800);
    }

    #[test]
    fn answers() {
        assert_eq!(look_up("pause", "3.1"), Answer::Present);
        assert_eq!(look_up("pause", "0.0.0"), Answer::NoSuchTag);
        assert_eq!(look_up("made-up", "1"), Answer::NoSuchImage);
        assert_eq!(look_up("", "1"), Answer::NoSuchImage);
        assert_eq!(look_up("zzzz", "1"), Answer::NoSuchImage);
    }
}
