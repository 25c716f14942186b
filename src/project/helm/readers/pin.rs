//! Tries digests that are added beside tags: the chart is rendered with each, and a digest is written only if it
//! results in `@sha256:…` of its image, in the form that the templates expect: with `sha256:` or without.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Readers;
use super::by_reader::ByReader;
use super::folder::chart;
use super::layer::Layer;
use super::trace::{default_images, traces};
use crate::edit::{Applicability, Edit, Fix, Patch, Pin};
use crate::finding::Id;
use crate::image::{self, ImageRef};
use crate::project::{Member, Members};
use crate::rules::RuleSet;

/// The most digests in one file that are tried one by one.
const MOST_TRIED: usize = 32;

/// A digest of a finding, and its image.
struct Wanted {
    path: PathBuf,
    finding: Id,
    pin: Pin,
    /// The image with its tag, as it will be pulled.
    image: String,
}

impl Readers<'_> {
    /// Decides how each digest of the chart's files is written. A digest that the templates do not use is marked
    /// `needs_proof`, so that it is not written.
    pub(super) fn pin(&self, members: &mut Members, rules: &RuleSet) {
        for file in self.files() {
            let wanted = wanted(members, file);
            if wanted.is_empty() {
                continue;
            }
            let layer = self.layers.iter().find(|layer| layer.has(file));
            let Some(before) = self.images_after(members, &[], layer, rules) else {
                continue;
            };
            let first: Vec<(&Wanted, &str)> = wanted.iter().filter_map(likeliest).collect();
            let all_at_once = self.holds(members, &before, &first, layer, rules);
            for (tried, one) in wanted.iter().enumerate() {
                let holds = |text: &&String| {
                    let alone = [(one, text.as_str())];
                    self.holds(members, &before, &alone, layer, rules)
                };
                let text = match all_at_once {
                    true => one.pin.spellings.first(),
                    false if tried < MOST_TRIED => one.pin.spellings.iter().find(holds),
                    false => None,
                };
                decide(members, one, text);
            }
        }
    }

    /// Whether the chart pulls each of the images by its digest, and everything else as before.
    fn holds(
        &self,
        members: &Members,
        before: &ByReader,
        pins: &[(&Wanted, &str)],
        layer: Option<&Layer>,
        rules: &RuleSet,
    ) -> bool {
        let after = self.images_after(members, pins, layer, rules);
        let wanted = pins
            .iter()
            .map(|(one, _)| (name(&one.image), &*one.pin.digest));
        let wanted: BTreeMap<_, _> = wanted.collect();
        after.is_some_and(|after| {
            let pinned = pinned(before, &after, &wanted);
            pinned.is_some_and(|pinned| wanted.keys().all(|image| pinned.contains(image)))
        })
    }

    /// Returns the images by the object that pulls them, after all fixes and some digests were applied.
    fn images_after(
        &self,
        members: &Members,
        pins: &[(&Wanted, &str)],
        layer: Option<&Layer>,
        rules: &RuleSet,
    ) -> Option<ByReader> {
        let fixes = members.iter().flat_map(|(path, member)| {
            let fixes = member.findings.iter().filter_map(|one| one.fix.as_ref());
            let fixes = fixes.filter(|fix| fix.applicability.is_written());
            fixes.map(|fix| (path.as_path(), fix))
        });
        let own = pins.iter().map(|(one, text)| {
            let edit = Edit::new(one.pin.span, *text);
            (
                one.path.as_path(),
                Fix::here(vec![edit], Applicability::Unsafe),
            )
        });
        let own: Vec<(&Path, Fix)> = own.collect();
        let files = members.iter();
        let files = files.map(|(path, member)| (path.as_path(), &*member.text));
        let mut patch = Patch::new(files);
        let all = fixes.chain(own.iter().map(|(path, fix)| (*path, fix)));
        let taken = all.map(|(path, fix)| patch.offer(path, fix));
        let taken: Vec<bool> = taken.collect();
        let is_whole = taken.iter().rev().take(own.len()).all(|taken| *taken);
        let texts: BTreeMap<&Path, String> = patch.changed().collect();
        let member = |(path, member): (&PathBuf, &Member)| {
            let changed = texts.get(path.as_path());
            let text =
                changed.map_or_else(|| Arc::clone(&member.text), |text| text.as_str().into());
            (path.clone(), Member::new(member.file_type, text))
        };
        let edited: Members = members.iter().map(member).collect();
        is_whole.then(|| self.images_of(&edited, layer, rules))?
    }

    /// Returns the images by the object that pulls them, with a layer over the chart's values if there is one. `None`
    /// if it does not render.
    fn images_of(
        &self,
        members: &Members,
        layer: Option<&Layer>,
        rules: &RuleSet,
    ) -> Option<ByReader> {
        let all = match layer {
            None => {
                let chart = chart(self.tree, &self.folder, members).ok()?;
                default_images(&chart, &self.folder, rules).ok()?
            }
            Some(layer) => {
                let only = std::slice::from_ref(layer);
                let chart = chart(self.tree, &self.folder, members).ok()?;
                let traces = traces(self.tree, &chart, &self.folder, only, members, rules).ok()?;
                let mut traces = traces.into_iter();
                let trace = traces.find(|trace| trace.layer.as_ref() == Some(layer))?;
                let images = trace.images.into_iter();
                images.filter(|image| image.is_default).collect()
            }
        };
        Some(ByReader::new(all))
    }
}

fn likeliest(one: &Wanted) -> Option<(&Wanted, &str)> {
    Some((one, one.pin.spellings.first()?))
}

fn wanted(members: &Members, path: &Path) -> Vec<Wanted> {
    let findings = members.get(path).map(|member| &member.findings);
    let findings = findings.into_iter().flatten();
    let wanted = findings.filter_map(|finding| {
        let fix = finding.fix.as_ref();
        let fix = fix.filter(|fix| fix.applicability.is_written())?;
        Some(Wanted {
            path: path.to_owned(),
            finding: finding.id,
            pin: fix.pin.clone()?,
            image: finding.new.clone()?,
        })
    });
    wanted.collect()
}

fn decide(members: &mut Members, one: &Wanted, text: Option<&String>) {
    let member = members.get_mut(&one.path);
    let finding = member.and_then(|member| member.findings.get_mut(one.finding));
    let pin = finding.and_then(|finding| finding.fix.as_mut()?.pin.as_mut());
    if let Some(pin) = pin {
        pin.needs_proof = text.is_none();
        if let Some(text) = text {
            pin.spellings = vec![text.clone()];
        }
    }
}

/// Returns the images that have a digest now. `None` if one of them, or another image, changed in any other way.
fn pinned(
    before: &ByReader,
    after: &ByReader,
    wanted: &BTreeMap<String, &str>,
) -> Option<Vec<String>> {
    let mut pinned = Vec::new();
    for (_, gone, mut left) in before.changes(after) {
        for image in gone {
            let image = name(&image.text());
            let digest = *wanted.get(&image)?;
            let at = left.iter().position(|other| is_of(other, &image, digest))?;
            left.swap_remove(at);
            pinned.push(image);
        }
    }
    Some(pinned)
}

/// Whether a reference is an image with a digest. Some charts then leave out the tag.
fn is_of(reference: &str, image: &str, digest: &str) -> bool {
    let Some(read) = ImageRef::parse(reference) else {
        return false;
    };
    let path = image::canonical(read.host, read.path);
    let tagged = read.tag.map(|tag| format!("{path}:{tag}"));
    let is_image = match tagged {
        Some(tagged) => tagged == image,
        None => image.rsplit_once(':').is_some_and(|(name, _)| name == path),
    };
    is_image && read.digest == Some(digest)
}

/// Returns an image with its tag and its canonical host.
fn name(reference: &str) -> String {
    let Some(read) = ImageRef::parse(reference) else {
        return reference.to_owned();
    };
    let path = image::canonical(read.host, read.path);
    match read.tag {
        Some(tag) => format!("{path}:{tag}"),
        None => path,
    }
}
