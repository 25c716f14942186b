//! How findings and images relate: which findings are about an image, and the finding that an image gets.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::image::{Image, Judged, Legacy, Part, Written};
use crate::edit::{Edit, FileEdit, Fix};
use crate::finding::{Finding, Label, Related};
use crate::image::split_host;
use crate::printable;
use crate::project::Members;
use crate::source::{LineIndex, Span};

/// Whether a finding moves a host that is written at its location, rather than only a path.
pub(super) fn names_legacy_host(finding: &Finding, text: &str) -> bool {
    let host = |name: &str| name.split('/').next().unwrap_or_default().to_owned();
    let old = host(&finding.old);
    let mut labels = finding.labels.iter();
    let is_written = labels.any(|label| label.span.of(text).starts_with(&old));
    let moves = finding.new.as_deref().is_some_and(|new| host(new) != old);
    old.contains('.') && is_written && moves
}

/// Whether a finding is about the path of an image whose registry is not known.
pub(super) fn has_unknown_registry(finding: &Finding, path: &Path, images: &[Judged<'_>]) -> bool {
    let mut images = images.iter().map(|(image, _)| image);
    images.any(|image| image.starts_unknown() && image.touches(path, finding.span()))
}

/// Takes out the findings in a chart's templates on Docker Hub names, and on names with an expression that one of the
/// images fills in: for most of them rendering is more exact, for example about the tag.
pub(super) fn take_partly_read<'i>(
    templates: &[PathBuf],
    images: impl Iterator<Item = &'i Image>,
    members: &mut Members,
) -> Vec<(PathBuf, Finding)> {
    let filled: Vec<&Image> = images.filter(|image| image.is_known()).collect();
    let mut taken = Vec::new();
    for path in templates {
        let Some(member) = members.get_mut(path) else {
            continue;
        };
        let has_host = |one: &Finding| split_host(&one.old).0.is_some();
        let is_filled = |one: &Finding| {
            let mut filled = filled.iter();
            one.old.contains(['{', '%']) && filled.any(|image| image.touches(path, one.span()))
        };
        let found = member.findings.take().into_iter();
        let (kept, own) =
            found.partition::<Vec<_>, _>(|one| one.mention || has_host(one) && !is_filled(one));
        member.findings.put_back(kept);
        taken.extend(own.into_iter().map(|one| (path.clone(), one)));
    }
    taken
}

/// Puts back the findings that rendering did not replace.
pub(super) fn put_back(taken: Vec<(PathBuf, Finding)>, members: &mut Members) {
    for (path, finding) in taken {
        let Some(member) = members.get_mut(&path) else {
            continue;
        };
        let mut labels = member.findings.iter().flat_map(|one| &one.labels);
        if !labels.any(|label| label.span.overlaps(finding.span())) {
            member.findings.add(finding);
        }
    }
}

/// Whether everything that uses the finding's value becomes an image that no rule applies to, and none of the
/// `legacy` ones.
pub(super) fn is_other_image(
    finding: &Finding,
    path: &Path,
    images: &[Judged<'_>],
    legacy: &[&Image],
) -> bool {
    let touches = |image: &Image, label: &Label| image.touches(path, label.span);
    let any = |image: &Image| finding.labels.iter().any(|label| touches(image, label));
    let name = |image: &Image| {
        finding
            .labels
            .last()
            .is_some_and(|name| touches(image, name))
    };
    let of: Vec<_> = images.iter().filter(|(image, _)| any(image)).collect();
    // An image that shares only the registry does not decide about the path.
    let named: Vec<_> = of
        .iter()
        .copied()
        .filter(|(image, _)| name(image))
        .collect();
    let of = if named.is_empty() { of } else { named };
    let default = of.iter().copied().filter(|(image, _)| image.is_default);
    let default: Vec<_> = default.collect();
    let of = if default.is_empty() { of } else { default };
    let is_other = |(_, legacy): &Judged<'_>| legacy.is_none();
    !of.is_empty() && of.iter().all(|one| is_other(one)) && !legacy.iter().copied().any(any)
}

/// Whether a finding in a file is already about an image: about the end of its name, or about a registry that is the
/// only thing to change.
pub(super) fn is_about(
    one: &Finding,
    path: &Path,
    written: &[(&Part, &Written)],
    legacy: &Legacy,
) -> bool {
    let labels = |at: &Written| {
        let mut labels = one.labels.iter();
        &*at.path == path && labels.any(|label| label.span.overlaps(at.span))
    };
    let Some(fix) = one.fix.as_ref() else {
        return written.iter().any(|(_, at)| labels(at));
    };
    let edits: Vec<(&Path, &Edit)> = fix.in_files(path).collect();
    let wanted = legacy.edits.iter().flatten();
    let mut wanted = wanted.map(|(path, edit)| (path.as_path(), edit));
    let does_all = legacy.edits.is_some() && wanted.all(|edit| edits.contains(&edit));
    does_all || written.last().is_some_and(|(_, name)| labels(name))
}

/// Builds the finding of an image, at the locations of its pieces.
pub(super) fn placed(
    image: &Image,
    legacy: &Legacy,
    home: &Path,
    written: &[(&Part, &Written)],
    members: &Members,
) -> Finding {
    let spans: BTreeSet<Span> = written
        .iter()
        .filter(|(_, at)| &*at.path == home)
        .map(|(_, at)| at.span)
        .collect();
    let names = ["registry", "path"];
    let labels = spans.iter().enumerate().map(|(index, span)| {
        Label::new(
            *span,
            match spans.len() {
                1 => String::new(),
                _ => names[index.min(1)].to_owned(),
            },
        )
    });
    let others = written.iter().filter(|(_, at)| &*at.path != home);
    let related = others.map(|(_, at)| {
        let member = members.get(&*at.path);
        Related {
            place: printable::name(&at.path),
            position: member.map(|member| LineIndex::new(&member.text).position(at.span.start)),
            text: "the rest of the name".to_owned(),
        }
    });
    let mut reason = legacy.finding.reason.clone();
    let fix = legacy.finding.fix.as_ref().and_then(|fix| {
        let placed = placed_fix(fix, legacy, home, members);
        if placed.is_none() {
            reason =
                Some("the parts of this reference cannot be changed to the new name".to_owned());
        }
        placed
    });
    Finding {
        labels: labels.collect(),
        message: format!("{} (in {})", legacy.finding.message, image.reader),
        related: related.collect(),
        fix,
        reason,
        ..legacy.finding.clone()
    }
}

/// Returns the fix with the edits of the pieces. `None` if one of them cannot be edited.
fn placed_fix(fix: &Fix, legacy: &Legacy, home: &Path, members: &Members) -> Option<Fix> {
    let can_write =
        |edits: &&Vec<(PathBuf, Edit)>| edits.iter().all(|(path, _)| members.contains_key(path));
    let edits = legacy.edits.as_ref().filter(can_write)?;
    let (here, elsewhere): (Vec<_>, Vec<_>) =
        edits.iter().cloned().partition(|(path, _)| path == home);
    let elsewhere = elsewhere.into_iter().map(|(path, edit)| FileEdit {
        path: path.into(),
        edit,
    });
    let here = here.into_iter().map(|(_, edit)| edit).collect();
    Some(Fix::across(here, elsewhere.collect(), fix.applicability))
}
