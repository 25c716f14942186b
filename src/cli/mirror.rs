//! `regfix mirror` and `regfix hosts`: lists images for tools that copy them, and the hosts that pulls need.
//!
//! Makes no connections. `regfix mirror --write` is a run with its own rules.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde::Serialize;

use super::Exit;
use super::args::{Arguments, TableFormat};
use super::run_options::Surroundings;
use crate::artifact::Artifact;
use crate::check;
use crate::edit::Applicability;
use crate::file_type;
use crate::finding::Finding;
use crate::printable::{self, complain};
use crate::registry::hosts::{Facts, Host, Needed};
use crate::registry::mirror::{Destination, FORMATS, Format, LeftOut, Move, Reference, plan};
use crate::report::text;
use crate::rules::schema::{OneOrMany, TagsSpec};
use crate::rules::{Rule, RuleSet, RuleSpec, Safety};
use crate::run::{self, Options, RunOutcome, Settings};

#[derive(Debug, Clone, Args)]
pub struct Mirror {
    /// Files and folders; `-` is standard input: manifests, or one image per line
    #[arg(value_name = "PATH", default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// The mirror: a registry, and a path in it if need be; `http://` before it means plain HTTP
    #[arg(long, value_name = "HOST/PREFIX", value_parser = Destination::parse)]
    pub to: Destination,
    /// Print what this tool needs
    #[arg(long, value_name = "FORMAT", value_parser = formats(), long_help = about_formats(), required_unless_present = "write")]
    pub emit: Option<String>,
    /// Rewrite the files to the names at the mirror
    #[arg(long, conflicts_with = "emit")]
    pub write: bool,
    /// Copy every image from the registry that the files name, even if it has moved
    #[arg(long)]
    pub old_names: bool,
    /// Copy from new locations that need review, too
    #[arg(long, conflicts_with = "old_names")]
    pub unsafe_fixes: bool,
}

#[derive(Debug, Clone, Args)]
pub struct Hosts {
    /// Files and folders; `-` is standard input: manifests, or one image per line
    #[arg(value_name = "PATH", default_value = ".")]
    pub paths: Vec<PathBuf>,
    #[arg(long, value_enum, default_value_t = TableFormat::Text)]
    pub format: TableFormat,
    /// Count moves that need review as made
    #[arg(long)]
    pub unsafe_fixes: bool,
}

fn formats() -> PossibleValuesParser {
    PossibleValuesParser::new(FORMATS.iter().map(|format| format.name))
}

fn about_formats() -> String {
    let mut text = "Print what this tool needs:\n".to_owned();
    for Format { name, about, .. } in FORMATS {
        text += &format!("\n{name:<15}  {about}");
    }
    text
}

/// An image, and its replacement if there is one.
type Moved = (String, Option<String>);

/// Returns the images of a tree, each once. Fixes within the limit count as made; with `None`, no fix does.
fn images(
    options: &Options<'_>,
    limit: Option<Applicability>,
    err: &mut dyn Write,
) -> io::Result<(Vec<Moved>, RunOutcome)> {
    let (listed, outcome) = run::listed(options, err)?;
    // An image in several repositories is moved by the rules of the first.
    let mut images: BTreeMap<String, PathBuf> = BTreeMap::new();
    for one in listed {
        images.entry(one.image).or_insert(one.path);
    }
    let moved = images.into_iter().map(|(image, path)| {
        let area = options.settings.of(&path);
        let new = limit
            .zip(area)
            .and_then(|(limit, area)| replacement(&image, &area.rules.set, limit));
        (image, new)
    });
    Ok((moved.collect(), outcome))
}

/// Returns the replacement of an image in a manifest, if its fix is within the limit.
fn replacement(image: &str, rules: &RuleSet, limit: Applicability) -> Option<String> {
    let finding = finding(image, rules)?;
    let trusted = finding.fix.is_some_and(|fix| fix.applicability >= limit);
    finding.new.filter(|_| trusted)
}

/// Returns the finding for an image in a manifest.
pub(super) fn finding(image: &str, rules: &RuleSet) -> Option<Finding> {
    // A part of a reference would mean something else in a manifest.
    Reference::parse(image)?;
    let text = format!("image: {image}\n");
    let path = Path::new("image.yaml");
    let found = check::check(path, &text, file_type::standard_input(), rules).findings;
    found.into_iter().next()
}

pub(super) fn mirror(
    mirror: &Mirror,
    arguments: &Arguments,
    settings: &Settings<'_>,
    surroundings: &Surroundings<'_>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let limit = (!mirror.old_names).then(|| Applicability::limit(mirror.unsafe_fixes));
    let options = surroundings.options(arguments, settings);
    let (images, outcome) = images(&options, limit, err)?;
    let (whole, parts): (Vec<Moved>, Vec<Moved>) = images
        .into_iter()
        .partition(|(image, _)| Reference::parse(image).is_some());
    let plan = plan(&mirror.to, whole);
    let mut left_out = plan.left_out;
    let exit = match FORMATS
        .iter()
        .find(|format| Some(format.name) == mirror.emit.as_deref())
    {
        Some(format) => {
            let emitted = (format.emit)(&mirror.to, &plan.moves);
            out.write_all(emitted.text.as_bytes())?;
            out.flush()?;
            left_out.extend(emitted.left_out);
            Exit::Done
        }
        // Only what the plan moves is rewritten: nobody knows whether the mirror has an image without a known tag.
        None => match ruled(settings, &plan.moves) {
            Ok(settings) => {
                let options = surroundings.options(arguments, &settings);
                run::check(&options, out, err)?.into()
            }
            Err(problem) => {
                complain(err, problem)?;
                Exit::Failed
            }
        },
    };
    report(&left_out, &parts, options.verbose, err)?;
    Ok(match (exit, outcome) {
        (Exit::Failed, _) | (_, RunOutcome::Failed) => Exit::Failed,
        _ if left_out.is_empty() => exit,
        _ => Exit::FindingsLeft,
    })
}

/// Reports which images are left out, and why.
fn report(
    left_out: &[LeftOut],
    parts: &[Moved],
    verbose: bool,
    err: &mut dyn Write,
) -> io::Result<()> {
    for LeftOut { image, reason } in left_out {
        complain(err, format!("left out: {image}: {reason}"))?;
    }
    if verbose {
        for (image, _) in parts {
            complain(
                err,
                format!("left out: {image}: a template builds its name"),
            )?;
        }
    } else if !parts.is_empty() {
        let images = text::count(parts.len(), "image");
        let advice = "(--verbose lists them); render the chart to get them";
        complain(
            err,
            format!("left out: {images} whose names templates build {advice}"),
        )?;
    }
    Ok(())
}

/// Returns the settings with the rules for these moves in place of all others.
fn ruled<'s>(settings: &Settings<'s>, moves: &[Move]) -> Result<Settings<'s>, String> {
    let rules = rules(moves).into_iter();
    let rules: Result<Vec<_>, String> = rules.map(|spec| Rule::new(spec).map(Arc::new)).collect();
    settings.ruled(RuleSet::new(rules?))
}

/// Returns a rule for each repository and its target.
fn rules(moves: &[Move]) -> Vec<RuleSpec> {
    let mut targets: BTreeMap<(String, String), Vec<&Move>> = BTreeMap::new();
    for one in moves.iter().filter(|one| one.written.tag == one.target.tag) {
        let key = (one.written.repository(), one.target.repository());
        targets.entry(key).or_default().push(one);
    }
    let spec = |(number, ((from, to), moves)): (usize, ((String, String), Vec<&Move>))| {
        // With a digest, the tag does not matter.
        let by_digest = moves.iter().any(|one| one.written.tag.is_none());
        let tags = moves.iter().filter_map(|one| one.written.tag.clone());
        let mut only: Vec<String> = tags.collect();
        if only.iter().any(|tag| tag == "latest") {
            only.push("none".to_owned());
        }
        RuleSpec {
            id: Some(format!("mirror-{}", number + 1)),
            artifact: Some(Artifact::Image),
            summary: Some("there is a copy at the mirror".to_owned()),
            from: Some(OneOrMany::One(from)),
            exact: Some(true),
            to: Some(to),
            tags: (!by_digest).then(|| TagsSpec {
                only,
                ..TagsSpec::default()
            }),
            safety: Some(Safety::Safe),
            ..RuleSpec::default()
        }
    };
    targets.into_iter().enumerate().map(spec).collect()
}

/// A host that pulls need, as in the output.
#[derive(Serialize)]
struct Row<'r> {
    host: &'r str,
    role: &'static str,
    registry: &'r str,
    /// Whether it is needed for the images as they are named now.
    before: bool,
    /// Whether it is needed once the images have moved.
    after: bool,
    sources: &'r [String],
}

pub(super) fn hosts(
    options: &Options<'_>,
    arguments: &Hosts,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let (images, outcome) = images(
        options,
        Some(Applicability::limit(arguments.unsafe_fixes)),
        err,
    )?;
    let facts = Facts::embedded();
    let registries = registries(&images).into_iter();
    let needed: Vec<(Needed, String, When)> = registries
        .map(|(registry, when)| (facts.needed(&registry), registry, when))
        .collect();
    let mut rows: Vec<Row<'_>> = Vec::new();
    for (needed, registry, (before, after)) in &needed {
        rows.extend(needed.hosts.iter().map(|Host { host, role }| Row {
            host,
            role: role.name(),
            registry,
            before: *before,
            after: *after,
            sources: &needed.sources,
        }));
    }
    match arguments.format {
        TableFormat::Json => {
            let value = serde_json::json!({ "version": 1, "hosts": rows });
            writeln!(out, "{}", printable::pretty_json(&value))?;
        }
        TableFormat::Text => show(&rows, out)?,
    }
    out.flush()?;
    for (needed, registry, _) in &needed {
        report_unknown(needed, registry, err)?;
    }
    Ok(match outcome {
        RunOutcome::Failed => Exit::Failed,
        _ => Exit::Done,
    })
}

/// Whether a registry is needed for the images as they are named now, and once they have moved.
type When = (bool, bool);

fn registries(images: &[Moved]) -> BTreeMap<String, When> {
    let mut registries: BTreeMap<String, When> = BTreeMap::new();
    for (image, new) in images {
        let before = Reference::parse(image);
        let after = new.as_deref().map_or(before.clone(), Reference::parse);
        for (reference, is_after) in [(before, false), (after, true)] {
            let Some(reference) = reference else { continue };
            let (before, after) = registries.entry(reference.host).or_default();
            *(if is_after { after } else { before }) = true;
        }
    }
    registries
}

/// Reports what is not known about the hosts of a registry.
fn report_unknown(needed: &Needed, registry: &str, err: &mut dyn Write) -> io::Result<()> {
    if needed.sources.is_empty() {
        let unknown = "whether it redirects to other hosts is not known";
        complain(err, format!("{registry}: {unknown}"))?;
    } else if !needed.complete {
        let more = "there may be more hosts than these";
        complain(err, format!("{registry}: {more}"))?;
    }
    let mut notes = needed.notes.iter();
    notes.try_for_each(|note| complain(&mut *err, format!("{registry}: {note}")))
}

fn show(rows: &[Row<'_>], out: &mut dyn Write) -> io::Result<()> {
    let widest = |of: fn(&Row<'_>) -> usize| rows.iter().map(of).max().unwrap_or_default();
    let (hosts, registries) = (
        widest(|row| row.host.len()),
        widest(|row| row.registry.len()),
    );
    for row in rows {
        let when = match (row.before, row.after) {
            (true, true) => "before and after",
            (true, false) => "before",
            _ => "after",
        };
        writeln!(
            out,
            "{:<hosts$}  {:<8}  {:<registries$}  {when}",
            row.host, row.role, row.registry
        )?;
    }
    Ok(())
}
