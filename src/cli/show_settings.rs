//! `regfix config`: which settings hold for a path, and where each comes from.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use super::settings::Typed;
use super::{Arguments, Exit, refuse};
use crate::config::Config;
use crate::printable;
use crate::run::Settings;
use crate::walk;

pub(super) fn print(
    arguments: &Arguments,
    typed: &Typed<'_>,
    settings: &Settings<'_>,
    path: &Path,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let kind = walk::is_folder(path);
    let is_folder = kind == Some(true);
    let is_missing = kind.is_none() && !path.as_os_str().is_empty();
    let folder = match is_folder {
        true => path,
        false => path.parent().unwrap_or(Path::new("")),
    };
    let area = match settings.of_folder(folder) {
        Ok(area) => area,
        Err(message) => return refuse(&message, err),
    };
    let config = &area.config;
    let scope = &arguments.scope;
    let file = config.file.as_deref().map_or("-".into(), printable::path);
    let origin = typed.origin(config);
    let mut rows = vec![
        (
            "path",
            match is_missing {
                true => format!(
                    "{} (not there: what would hold for it)",
                    printable::path(path)
                ),
                false => printable::path(path),
            },
        ),
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
    let is_excluded = !path.as_os_str().is_empty() && config.excludes(path, is_folder);
    if is_excluded {
        rows.push(("excluded", format!("yes, by `exclude` in {file}")));
    }
    for (name, value) in rows {
        writeln!(out, "{}", format!("{name:<14} {value}").trim_end())?;
    }
    if config.file.is_some() {
        sources(config, out)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// Where each setting comes from, where that is more than one file; and what the files say.
fn sources(config: &Config, out: &mut dyn Write) -> io::Result<()> {
    let layers = &config.layers;
    if config.extends() {
        let keys: BTreeSet<&String> = layers.iter().flat_map(|layer| &layer.keys).collect();
        for key in keys.into_iter().filter(|key| *key != "extends") {
            // The nearest first: it counts before the others.
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
