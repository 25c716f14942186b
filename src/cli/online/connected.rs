//! The part that makes connections.

mod presence;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::super::Exit;
use super::super::args::TableFormat;
use super::{Registries, Tags, Verify};
use crate::http::settings::Settings as Connection;
use crate::printable::{self, complain};
use crate::registry::client::{
    Answer, Client, Environment, Limits, Location, Mirror, Platform, Settings,
};
use crate::report::text;
use crate::run::{self, Listed, Options, RunOutcome};

/// Prints the tags of a repository.
pub(crate) fn tags(tags: &Tags, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Exit> {
    let location = match Location::parse(&tags.image) {
        Ok(location) => location,
        Err(problem) => {
            complain(err, format!("{}: {problem}", tags.image))?;
            return Ok(Exit::Failed);
        }
    };
    let Some(client) = connect(&tags.registries, err)? else {
        return Ok(Exit::Failed);
    };
    let found = match client.tags(&location.repository) {
        Ok(found) => found,
        Err(answer) => {
            let reason = answer.reason().unwrap_or_default();
            let (repository, status) = (location.repository, answer.status());
            complain(err, format!("{repository}: {status}: {reason}"))?;
            return Ok(match answer {
                Answer::Missing { .. } => Exit::FindingsLeft,
                _ => Exit::Failed,
            });
        }
    };
    if found.malformed > 0 {
        let (repository, malformed) = (&location.repository, found.malformed);
        let left_out = format!("{malformed} names on the list are not tags and are left out");
        complain(err, format!("{repository}: {left_out}"))?;
    }
    match tags.format {
        TableFormat::Text => found
            .tags
            .iter()
            .try_for_each(|tag| writeln!(out, "{}", printable::line(tag)))?,
        TableFormat::Json => {
            let list = serde_json::json!({
                "version": 1,
                "repository": location.repository.to_string(),
                "tags": found.tags,
            });
            writeln!(out, "{}", printable::json(&list))?;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// Lists images with the answers of their registries.
pub(crate) fn verify(
    options: &Options<'_>,
    verify: &Verify,
    json: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let platforms = verify.platform.iter().map(|text| {
        let platform = Platform::parse(text);
        platform.ok_or_else(|| {
            format!(
                "--platform: write {} like linux/arm64",
                printable::line(text)
            )
        })
    });
    let platforms: Vec<Platform> = match platforms.collect() {
        Ok(platforms) => platforms,
        Err(problem) => {
            complain(err, problem)?;
            return Ok(Exit::Failed);
        }
    };
    let Some(client) = connect(&verify.registries, err)? else {
        return Ok(Exit::Failed);
    };
    let (listed, outcome) = run::listed(options, err)?;
    let rows = ask(&client, listed, &platforms);
    if json {
        let rows: Vec<Row<'_>> = rows.iter().map(Row::new).collect();
        let document = serde_json::json!({ "version": 1, "images": rows });
        writeln!(out, "{}", printable::pretty_json(&document))?;
    } else {
        let shown = rows
            .iter()
            .filter(|row| row.fate != Fate::NotAsked || options.verbose);
        shown
            .into_iter()
            .try_for_each(|row| show(row, options.render_options.color, out))?;
    }
    out.flush()?;
    if !options.quiet {
        writeln!(err, "{}", summary(&rows))?;
    }
    let has = |fate| rows.iter().any(|row| row.fate == fate);
    Ok(match () {
        () if has(Fate::Gone) => Exit::FindingsLeft,
        () if has(Fate::Unknown) || outcome == RunOutcome::Failed => Exit::Failed,
        () => Exit::Done,
    })
}

/// Makes the client from the user's settings. `None` after an error, which was printed.
pub(crate) fn connect(registries: &Registries, err: &mut dyn Write) -> io::Result<Option<Client>> {
    match settings(registries).and_then(|settings| Client::new(&settings)) {
        Ok(client) => {
            for warning in client.warnings() {
                complain(err, warning)?;
            }
            Ok(Some(client))
        }
        Err(problem) => {
            complain(err, problem)?;
            Ok(None)
        }
    }
}

fn settings(registries: &Registries) -> Result<Settings, String> {
    let environment = Environment::here();
    let mirrors = registries.registry_mirror.iter();
    let mirrors = mirrors
        .map(|text| Mirror::parse(text).map_err(|problem| format!("--registry-mirror: {problem}")));
    let cache = registries
        .cache_age
        .filter(|age| !age.is_zero())
        .map(|age| {
            let folder = environment.path("XDG_CACHE_HOME");
            let folder = folder.or_else(|| Some(environment.home()?.join(".cache")));
            let folder = folder.ok_or("--cache-age: neither XDG_CACHE_HOME nor HOME is set")?;
            Ok::<_, String>((folder.join("regfix/registries"), age))
        });
    let total = registries.timeout.max(Duration::from_millis(1));
    let usual = Limits::default();
    Ok(Settings {
        auth_files: registries.authfile.clone(),
        mirrors: mirrors.collect::<Result<_, _>>()?,
        cache: cache.transpose()?,
        connection: Connection {
            ca_files: registries.ca_file.clone(),
            insecure: registries.insecure_registry.clone(),
            private_hosts: registries.allow_private_host.clone(),
            per_host: usize::from(registries.per_host),
            limits: Limits {
                connect: usual.connect.min(total),
                read: usual.read.min(total),
                total,
                wait: registries.max_wait,
                ..usual
            },
            ..Connection::usual(environment)
        },
    })
}

/// The meaning of an answer for the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Available,
    Gone,
    /// It could not be determined.
    Unknown,
    /// It is not a complete reference: a template builds it.
    NotAsked,
}

/// An image, the answer about it, and where it is named.
struct Verified {
    image: String,
    /// The location that was asked instead, if that is another one.
    asked_at: Option<String>,
    answer: Option<Answer>,
    fate: Fate,
    status: &'static str,
    reason: Option<String>,
    locations: Vec<Listed>,
}

/// Returns one answer per image, in order of names.
fn ask(client: &Client, listed: Vec<Listed>, platforms: &[Platform]) -> Vec<Verified> {
    let mut images: BTreeMap<String, Vec<Listed>> = BTreeMap::new();
    for one in listed {
        images.entry(one.image.clone()).or_default().push(one);
    }
    let parsed: BTreeMap<&String, Location> = images
        .keys()
        .filter_map(|image| Some((image, Location::parse(image).ok()?)))
        .collect();
    // Two spellings of one image need only one request.
    let mut locations: Vec<Location> = parsed.values().cloned().collect();
    locations.sort();
    locations.dedup();
    let answers = client.ask_all(&locations, !platforms.is_empty());
    let answers: BTreeMap<&Location, Answer> = locations.iter().zip(answers).collect();
    let found: BTreeMap<String, (Location, Answer)> = parsed
        .into_iter()
        .filter_map(|(image, location)| {
            let answer = answers.get(&location)?.clone();
            Some((image.clone(), (location, answer)))
        })
        .collect();
    let row = |(image, locations): (String, Vec<Listed>)| match found.get(&image) {
        Some((location, answer)) => {
            let asked = client.asked_at(location);
            judge(
                Verified {
                    asked_at: (asked != *location).then(|| asked.to_string()),
                    image,
                    answer: Some(answer.clone()),
                    fate: Fate::Unknown,
                    status: answer.status(),
                    reason: None,
                    locations,
                },
                platforms,
            )
        }
        None => Verified {
            image,
            asked_at: None,
            answer: None,
            fate: Fate::NotAsked,
            status: "not-asked",
            reason: Some("it is not a complete image reference".to_owned()),
            locations,
        },
    };
    images.into_iter().map(row).collect()
}

fn judge(mut row: Verified, platforms: &[Platform]) -> Verified {
    let Some(answer) = &row.answer else {
        return row;
    };
    row.reason = answer.reason().map(str::to_owned);
    match answer {
        Answer::Exists {
            platforms: runs_on, ..
        } => {
            let lacks = platforms
                .iter()
                .filter(|wanted| !runs_on.iter().any(|one| one.serves(wanted)));
            let lacks: Vec<String> = lacks.map(Platform::to_string).collect();
            row.fate = Fate::Available;
            if !lacks.is_empty() {
                row.fate = Fate::Gone;
                row.status = "lacks-platform";
                row.reason = Some(format!("there is none for {}", lacks.join(", ")));
            }
        }
        Answer::Missing { reason, anonymous } => {
            row.fate = Fate::Gone;
            if *anonymous {
                row.reason = Some(format!("{reason} (asked without credentials)"));
            }
        }
        _ => row.fate = Fate::Unknown,
    }
    row
}

/// A row of the JSON output. Absent values are `null` or empty.
#[derive(Serialize)]
struct Row<'r> {
    image: &'r str,
    status: &'static str,
    asked_at: Option<&'r str>,
    digest: Option<&'r str>,
    media_type: Option<&'r str>,
    platforms: Vec<String>,
    reason: Option<&'r str>,
    locations: Vec<Place<'r>>,
}

#[derive(Serialize)]
struct Place<'r> {
    path: String,
    line: usize,
    column: usize,
    chart: Option<&'r str>,
}

impl<'r> Row<'r> {
    fn new(row: &'r Verified) -> Self {
        let (digest, media_type, platforms) = match &row.answer {
            Some(Answer::Exists {
                digest,
                media_type,
                platforms,
            }) => (
                Some(digest.as_str()),
                Some(media_type.as_str()),
                platforms.as_slice(),
            ),
            _ => (None, None, &[][..]),
        };
        let place = |listed: &'r Listed| Place {
            path: printable::name(&listed.path),
            line: listed.line,
            column: listed.column,
            chart: listed.chart.as_deref(),
        };
        Self {
            image: &row.image,
            status: row.status,
            asked_at: row.asked_at.as_deref(),
            digest,
            media_type,
            platforms: platforms.iter().map(Platform::to_string).collect(),
            reason: row.reason.as_deref(),
            locations: row.locations.iter().map(place).collect(),
        }
    }
}

/// Prints one line per image and, if it is not available, its locations.
fn show(row: &Verified, color: bool, out: &mut dyn Write) -> io::Result<()> {
    let paint = match (color, row.fate) {
        (false, _) => ("", ""),
        (true, Fate::Available) => ("\u{1b}[32m", "\u{1b}[0m"),
        (true, Fate::Gone) => ("\u{1b}[31m", "\u{1b}[0m"),
        (true, _) => ("\u{1b}[33m", "\u{1b}[0m"),
    };
    let status = format!("{}{:<17}{}", paint.0, row.status, paint.1);
    let image = printable::line(&row.image);
    let via = row.asked_at.as_ref().map(|at| format!("  (asked at {at})"));
    let via = via.unwrap_or_default();
    match (&row.answer, row.fate) {
        (Some(Answer::Exists { digest, .. }), Fate::Available) => {
            return writeln!(out, "{status}  {image}  {digest}{via}");
        }
        _ => {
            let reason = printable::line(row.reason.as_deref().unwrap_or_default());
            writeln!(out, "{status}  {image}  {reason}{via}")?;
        }
    }
    for Listed {
        path, line, column, ..
    } in &row.locations
    {
        writeln!(out, "{:17}  {}:{line}:{column}", "", printable::path(path))?;
    }
    Ok(())
}

fn summary(rows: &[Verified]) -> String {
    let count = |fate| rows.iter().filter(|row| row.fate == fate).count();
    let asked = rows.len() - count(Fate::NotAsked);
    let images = text::count(asked, "image");
    let mut text = format!("{images}: {} available", count(Fate::Available));
    let lacking = rows
        .iter()
        .filter(|row| row.status == "lacks-platform")
        .count();
    for (count, what) in [
        (count(Fate::Gone) - lacking, "gone"),
        (lacking, "without a platform"),
        (count(Fate::Unknown), "could not be determined"),
        (
            count(Fate::NotAsked),
            "built by templates, not checked (--verbose lists them)",
        ),
    ] {
        if count > 0 {
            text += &format!(", {count} {what}");
        }
    }
    text
}
