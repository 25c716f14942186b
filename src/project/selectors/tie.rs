//! Makes one fix for the entries that select images by a name and for the images with that name.

use std::sync::Arc;

use super::{Location, found, is_followed};
use crate::detect::Usage;
use crate::edit::{Applicability, Edit, FileEdit, Fix};
use crate::image::name_of;
use crate::project::Members;
use crate::source::Span;

/// Makes one fix for all. `None` if one of them stays as it is or moves to another name.
pub(super) fn tie(
    members: &Members,
    name: &str,
    selecting: &[Location],
    base: &[Location],
) -> Option<Vec<(Location, Fix)>> {
    let mut tied = Tied {
        members,
        moved: None,
        is_retagged: false,
        least: Applicability::Safe,
        own: Vec::new(),
        elsewhere: Vec::new(),
    };
    base.iter()
        .try_for_each(|location| tied.add_base(location))?;
    selecting
        .iter()
        .try_for_each(|location| tied.add_selecting(location, name))?;
    Some(tied.fixes())
}

/// The parts of a joint fix, as collected so far.
struct Tied<'m> {
    members: &'m Members,
    /// The new name.
    moved: Option<&'m str>,
    /// Whether the tag of a selected image changes, too.
    is_retagged: bool,
    least: Applicability,
    /// Each finding with its own edits.
    own: Vec<(Location, Vec<Edit>)>,
    elsewhere: Vec<FileEdit>,
}

impl<'m> Tied<'m> {
    fn add_base(&mut self, location: &Location) -> Option<()> {
        let finding = found(self.members, location)?;
        let fix = finding
            .fix
            .as_ref()
            .filter(|fix| fix.applicability.is_written())?;
        let reference = finding.new.as_deref()?;
        let new = name_of(reference);
        self.is_retagged |= reference[new.len()..] != finding.old[name_of(&finding.old).len()..];
        if *self.moved.get_or_insert(new) != new {
            return None;
        }
        self.least = self.least.min(fix.applicability);
        self.elsewhere.extend(fix.elsewhere.iter().cloned());
        self.own.push((location.clone(), fix.edits.clone()));
        Some(())
    }

    fn add_selecting(&mut self, location: &Location, name: &str) -> Option<()> {
        let finding = found(self.members, location)?;
        let written = finding.applicability();
        let is_replaced = matches!(finding.usage, Some(Usage::Selector { replaced: true, .. }));
        if !is_replaced && !is_followed(finding) {
            // The final reference has the tag that this entry sets, so its own trust counts.
            let written = written.filter(|written| written.is_written())?;
            self.least = self.least.min(written);
        }
        let text = &self.members.get(&location.0)?.text;
        let span = finding.span();
        let written = span.of(text);
        let has_tag = written != name;
        if name_of(written) != name || has_tag && self.is_retagged {
            return None;
        }
        let edit = Edit::new(
            Span::new(span.start, span.start + name.len()),
            self.moved?.to_owned(),
        );
        self.own.push((location.clone(), vec![edit]));
        Some(())
    }

    fn fixes(self) -> Vec<(Location, Fix)> {
        let mut all = self.elsewhere;
        for ((path, _), edits) in &self.own {
            all.extend(FileEdit::all(path.as_path(), edits));
        }
        let shared = FileEdit::shared(all);
        let fixes = self.own.into_iter().map(|(location, edits)| {
            let fix = Fix::across(edits, Arc::clone(&shared), self.least);
            (location, fix)
        });
        fixes.collect()
    }
}
