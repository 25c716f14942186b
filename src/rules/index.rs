//! What exists on registry.k8s.io, as far as an offline list can say.
//!
//! The list was compiled from the promoter manifests of kubernetes/k8s.io as of 2024-06-06, and from manifests and
//! releases of projects that name newer tags. Presence is strong evidence because promoted tags are immutable. Absence
//! means "newer or unknown"; for what was frozen with k8s.gcr.io in April 2023 the list is complete, so of the rules that
//! ask it only k8s-staging, capv-gcr, vsphere-csi and vsphere-cpi can meet tags that are newer. The text is sorted: a
//! binary search over it answers without parsing it at start-up.

/// One image a line: its name, a tab, its tags set apart by blanks. Lines and tags are sorted by bytes.
static INDEX: &str = include_str!("registry-k8s-io.tsv");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Present,
    /// The image is there, this tag is not listed.
    NoSuchTag,
    NoSuchImage,
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
    let (mut low, mut high) = (0, INDEX.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let bytes = INDEX.as_bytes();
        // Lines are long where an image has many tags.
        let start = memchr::memrchr(b'\n', &bytes[..middle]).map_or(0, |newline| newline + 1);
        let length = memchr::memchr(b'\n', &bytes[start..]);
        let end = length.map_or(INDEX.len(), |length| start + length);
        let (name, tags) = INDEX[start..end].split_once('\t')?;
        match name.cmp(image) {
            std::cmp::Ordering::Equal => return Some(tags),
            std::cmp::Ordering::Less => low = end + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_image_is_found() {
        let mut images = 0;
        for line in INDEX.lines() {
            let (image, listed) = line.split_once('\t').unwrap();
            assert_eq!(tags(image), Some(listed), "{image}");
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
