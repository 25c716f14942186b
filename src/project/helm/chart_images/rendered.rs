//! The images that the user's charts render, each where its first piece is written: those of the default values, and
//! those that are switched off.
//!
//! Images of subcharts are listed from the values that they get.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use crate::check::Image;
use crate::project::helm::readers::{RenderedImage, rendered};
use crate::project::helm::vendored::Vendored;
use crate::project::helm::{find_charts, owned};
use crate::project::{PathKind, Tree};
use crate::rules::RuleSet;
use crate::source::{LineIndex, Position, Span};

/// The images that a chart's templates render.
#[derive(Debug, Default)]
pub struct Rendered {
    /// Where pieces of images are written, by file: start and end. An image use that a file has there is one of these
    /// images.
    pub pieces: BTreeMap<PathBuf, Vec<(Position, Position)>>,
    pub images: Vec<(PathBuf, Position, Image)>,
}

/// Returns what each chart that the user owns renders; a chart that cannot be rendered here gives nothing.
pub fn images(
    tree: &dyn Tree,
    files: &[PathBuf],
    rules: &RuleSet,
    vendored: Vendored<'_>,
) -> Vec<Rendered> {
    let owned = owned(find_charts(tree, files), vendored, &[]);
    let has = |folder: &Path, name| tree.place(&folder.join(name)) == PathKind::Folder;
    owned
        .par_iter()
        .filter(|one| has(&one.folder, "templates") || has(&one.folder, "charts"))
        .map(|one| of_chart(tree, &one.folder, rules))
        .collect()
}

fn of_chart(tree: &dyn Tree, folder: &Path, rules: &RuleSet) -> Rendered {
    let subcharts = folder.join("charts");
    let images = rendered(tree, folder, rules);
    let written = images.iter().flat_map(|one| &one.written);
    let paths: BTreeSet<&Arc<Path>> = written.map(|(path, _)| path).collect();
    let texts = paths
        .into_iter()
        .filter_map(|path| Some((path, tree.text(path)?)));
    let texts: BTreeMap<&Arc<Path>, Arc<str>> = texts.collect();
    let lines = texts
        .iter()
        .map(|(path, text)| (*path, LineIndex::new(text)));
    let lines: BTreeMap<&Arc<Path>, LineIndex> = lines.collect();
    let positions = |path: &Arc<Path>, span: Span| {
        let lines = lines.get(path)?;
        Some((lines.position(span.start), lines.position(span.end)))
    };
    let mut found = Rendered::default();
    for RenderedImage { image, written } in &images {
        let Some((first, span)) = written.first() else {
            continue;
        };
        if first.starts_with(&subcharts) {
            continue;
        }
        let Some((at, _)) = positions(first, *span) else {
            continue;
        };
        found.images.push((first.to_path_buf(), at, image.clone()));
        for (path, span) in written {
            if let Some((start, end)) = positions(path, *span) {
                let pieces = found.pieces.entry(path.to_path_buf()).or_default();
                pieces.push((start, end));
            }
        }
    }
    found
}
