//! `regfix config`: which settings apply to a path, and where each comes from.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use super::args::Scope;
use super::settings::Typed;
use super::{Arguments, Exit, refuse};
use crate::config::Config;
use crate::printable;
use crate::run::{Area, Settings};
use crate::walk;

pub(super) fn print(
    arguments: &Arguments,
    typed: &Typed<'_>,
    settings: &Settings<'_>,
    path: &Path,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let folder = match walk::is_folder(path) {
        Some(true) => path,
        _ => path.parent().unwrap_or(Path::new("")),
    };
    let area = match settings.of_folder(folder) {
        Ok(area) => area,
        Err(message) => return refuse(&message, err),
    };
    for (name, value) in rows(&arguments.scope, typed, &area, path) {
        writeln!(out, "{}", format!("{name:<14} {value}").trim_end())?;
    }
    if area.config.file.is_some() {
        sources(&area.config, out)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// Returns what applies to a path, one setting per row.
fn rows(scope: &Scope, typed: &Typed<'_>, area: &Area, path: &Path) -> Vec<(&'static str, String)> {
    let config = &area.config;
    let kind = walk::is_folder(path);
    let is_named = !path.as_os_str().is_empty();
    let mut shown = printable::path(path);
    if kind.is_none() && is_named {
        shown += " (does not exist: the settings that would apply)";
    }
    let file = config.file.as_deref().map_or("-".into(), printable::path);
    let origin = typed.origin(config);
    let mut rows = vec![
        ("path", shown),
        ("repository", area.top().map_or("-".into(), printable::path)),
        ("configuration", format!("{file} ({origin})")),
        (
            "baseline",
            area.baseline_file().map_or("-".into(), printable::path),
        ),
        ("catalogue", config.edition.name()),
        (
            "rules",
            format!("{} of {}", area.rules.set.rules().len(), config.known.len()),
        ),
    ];
    for (option, values) in [("--select", &scope.select), ("--ignore", &scope.ignore)] {
        if !values.is_empty() {
            let values = printable::line(&values.join(",")).into_owned();
            rows.push(("", format!("{option} {values} (command line)")));
        }
    }
    if is_named && config.excludes(path, kind == Some(true)) {
        rows.push(("excluded", format!("yes, by `exclude` in {file}")));
    }
    rows
}

/// Prints where each setting comes from if there is more than one file, and the content of the files.
fn sources(config: &Config, out: &mut dyn Write) -> io::Result<()> {
    let layers = &config.layers;
    if config.extends() {
        let keys: BTreeSet<&String> = layers.iter().flat_map(|layer| &layer.keys).collect();
        for key in keys.into_iter().filter(|key| *key != "extends") {
            // The nearest comes first, because it takes precedence.
            let of = layers.iter().rev().filter(|layer| layer.keys.contains(key));
            let files: Vec<String> = of.map(|layer| printable::path(&layer.file)).collect();
            writeln!(out, "{:<14} {}", printable::line(key), files.join(", "))?;
        }
    }
    for layer in layers
        .iter()
        .rev()
        .filter(|layer| !layer.text.trim().is_empty())
    {
        writeln!(out, "\n# {}", printable::path(&layer.file))?;
        writeln!(out, "{}", printable::lines(layer.text.trim_end()))?;
    }
    Ok(())
}
