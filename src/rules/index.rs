//! The offline list of images and tags on registry.k8s.io.
//!
//! The list was compiled from the promoter manifests of kubernetes/k8s.io as of 2024-06-06, and from manifests and
//! releases of projects that name newer tags. Presence is strong evidence because promoted tags are immutable. Absence
//! means "newer or unknown". For images frozen with k8s.gcr.io in April 2023 the list is complete, so of the rules that
//! use it only k8s-staging, capv-gcr, vsphere-csi and vsphere-cpi can meet newer tags.

use super::table::{RowFault, Table};

/// The list, with one image per line: name, tab, tags separated by spaces and sorted by bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Index(Table);

const COLUMNS: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Present,
    /// The image is listed, this tag is not.
    NoSuchTag,
    NoSuchImage,
}

impl Index {
    /// The list that is built into regfix.
    pub const EMBEDDED: Self = Self(Table::new(include_str!("registry-k8s-io.tsv")));

    /// Reads another list of the same format.
    ///
    /// # Errors
    /// The first invalid row, and what is wrong with it.
    pub(super) fn read(text: &'static str) -> Result<Self, RowFault> {
        Table::read(text, COLUMNS).map(Self)
    }

    /// Returns the number of listed images.
    pub fn count(self) -> usize {
        self.0.lines().count()
    }

    /// Looks up `registry.k8s.io/{image}:{tag}`.
    pub fn look_up(self, image: &str, tag: &str) -> Answer {
        match self.tags(image) {
            None => Answer::NoSuchImage,
            Some(tags) if tags.split(' ').any(|listed| listed == tag) => Answer::Present,
            Some(_) => Answer::NoSuchTag,
        }
    }

    /// Returns the tags of an image, separated by spaces.
    pub fn tags(self, image: &str) -> Option<&'static str> {
        let line = self.0.rows(image).next()?;
        line.split_once('\t').map(|(_, tags)| tags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_image_is_found() {
        Index::EMBEDDED.0.assert_sound(COLUMNS);
        let mut images = 0;
        for line in Index::EMBEDDED.0.lines() {
            let (image, listed) = line.split_once('\t').unwrap();
            assert_eq!(Index::EMBEDDED.tags(image), Some(listed), "{image}");
            assert!(listed.split(' ').is_sorted(), "{image}");
            images += 1;
        }
        assert!(images > 800);
    }

    #[test]
    fn answers() {
        assert_eq!(Index::EMBEDDED.look_up("pause", "3.1"), Answer::Present);
        assert_eq!(Index::EMBEDDED.look_up("pause", "0.0.0"), Answer::NoSuchTag);
        assert_eq!(Index::EMBEDDED.look_up("made-up", "1"), Answer::NoSuchImage);
        assert_eq!(Index::EMBEDDED.look_up("", "1"), Answer::NoSuchImage);
        assert_eq!(Index::EMBEDDED.look_up("zzzz", "1"), Answer::NoSuchImage);
    }
}
