//! The images of charts: those that their templates render from the values, and those of their subcharts.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::super::settings::Vendoring;
use super::super::workspace::Workspace;
use super::super::{Options, RunOutcome};
use super::Listed;
use crate::printable::{self, complain};
use crate::project::helm;
use crate::source::Position;

/// Adds the images that subcharts pull with the values that they get.
pub(super) fn add(
    options: &Options<'_>,
    charts: &[PathBuf],
    releases: &[PathBuf],
    images: &mut Vec<Listed>,
    err: &mut dyn Write,
) -> io::Result<RunOutcome> {
    let mut outcome = RunOutcome::Clean;
    let rules = match options.settings.joint(&options.settings.areas()) {
        Ok(rules) => rules,
        Err(error) => {
            complain(err, error)?;
            return Ok(RunOutcome::Failed);
        }
    };
    let prefilter = &rules.prefilter;
    let workspace = Workspace::new(&options.walk, prefilter);
    let vendoring = Vendoring(options.settings);
    let (edit, listed) = (
        |folder: &Path| vendoring.edits(folder),
        |folder: &Path| vendoring.lists(folder),
    );
    let vendored = helm::Vendored {
        edit: &edit,
        listed: &listed,
    };
    add_rendered(
        helm::rendered_images(&workspace, charts, &rules.set, vendored),
        images,
    );
    let mut added = Vec::new();
    for pulled in helm::images(&workspace, charts, releases, prefilter, vendored) {
        for (why, fatal) in pulled.unseen {
            complain(err, format!("{}: {why}", printable::path(&pulled.chart)))?;
            if fatal {
                outcome = RunOutcome::Failed;
            }
        }
        let rows = pulled.images.into_iter();
        let rows = rows.map(|found| {
            Listed::new(
                found.image,
                found.place.into(),
                found.position,
                Some(found.chart),
            )
        });
        added.extend(rows);
    }
    add_pulled(added, images);
    Ok(outcome)
}

/// Replaces the images in the files of unpacked subcharts, which were walked on their own, with those that the subcharts pull.
fn add_pulled(mut added: Vec<Listed>, images: &mut Vec<Listed>) {
    if added.is_empty() {
        return;
    }
    let known: HashSet<_> = added.iter().map(place).collect();
    images.retain(|listed| !known.contains(&place(listed)));
    images.append(&mut added);
    images.sort_by_cached_key(|listed| (place(listed), listed.chart.clone()));
    // Several releases of one chart name an image at the same location.
    images.dedup_by(|one, other| {
        let rest = |listed: &Listed| (listed.image.clone(), listed.chart.clone());
        place(one) == place(other) && rest(one) == rest(other)
    });
}

/// Replaces the images in the files of charts with those that the charts render.
fn add_rendered(rendered: Vec<helm::Rendered>, images: &mut Vec<Listed>) {
    if rendered.iter().all(|one| one.images.is_empty()) {
        return;
    }
    let mut pieces: HashMap<&Path, Vec<(Position, Position)>> = HashMap::new();
    for (path, own) in rendered.iter().flat_map(|one| &one.pieces) {
        pieces.entry(path).or_default().extend(own);
    }
    images.retain(|listed| {
        let at = (listed.line, listed.column);
        let mut pieces = pieces.get(&*listed.path).into_iter().flatten();
        !pieces.any(|(start, end)| (start.line, start.column) <= at && at < (end.line, end.column))
    });
    let found = rendered.into_iter().flat_map(|one| one.images);
    images.extend(found.map(|(path, position, image)| Listed::new(image, path, position, None)));
    images.sort_by_cached_key(|listed| (place(listed), listed.image.clone()));
    images.dedup_by(|one, other| place(one) == place(other) && one.image == other.image);
}

fn place(listed: &Listed) -> (PathBuf, usize, usize) {
    (listed.path.clone(), listed.line, listed.column)
}
