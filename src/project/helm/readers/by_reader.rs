//! Images grouped by the object that pulls them, and how a change affects them.

use std::collections::BTreeMap;

use super::image::Image;

/// Images whose text is known, by the object that pulls them.
pub(super) struct ByReader(BTreeMap<String, Vec<Image>>);

impl ByReader {
    pub(super) fn new(images: impl IntoIterator<Item = Image>) -> Self {
        let mut all: BTreeMap<String, Vec<Image>> = BTreeMap::new();
        for image in images.into_iter().filter(Image::is_known) {
            all.entry(image.reader.clone()).or_default().push(image);
        }
        Self(all)
    }

    /// Returns each reader with the images that it no longer pulls, and those that it pulls instead.
    pub(super) fn changes<'i>(
        &'i self,
        after: &'i Self,
    ) -> impl Iterator<Item = (&'i str, Vec<&'i Image>, Vec<String>)> {
        self.0.iter().map(|(reader, images)| {
            let pulled = after.0.get(reader).into_iter().flatten();
            let mut new: Vec<String> = pulled.map(Image::text).collect();
            let mut gone: Vec<&Image> = images.iter().collect();
            gone.retain(|image| {
                let text = image.text();
                let same = new.iter().position(|other| *other == text);
                same.map(|at| new.swap_remove(at)).is_none()
            });
            (reader.as_str(), gone, new)
        })
    }

    /// Returns the texts of all images, by the object that pulls them.
    pub(super) fn texts(&self) -> Vec<(&str, Vec<String>)> {
        let all = self.0.iter();
        all.map(|(reader, images)| (reader.as_str(), images.iter().map(Image::text).collect()))
            .collect()
    }
}
