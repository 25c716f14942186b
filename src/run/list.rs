//! Lists the files that would be scanned, and the images that they name.

mod subcharts;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use super::candidate::is_report;
use super::{Options, RunOutcome, complain_of_settings, is_broken};
use crate::check::{self, Image};
use crate::file_type::{self, FileType};
use crate::image::ImageRef;
use crate::printable::{self, complain};
use crate::project::helm;
use crate::report::text::by_count;
use crate::report::{RenderOptions, RuleCounts, statistics};
use crate::source::{LineIndex, Position};
use crate::walk::{self, Filter, Kept};

/// Lists the files that a run would read, with their types.
///
/// # Errors
/// If `out` or `err` cannot be written.
pub fn files(
    options: &Options<'_>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<RunOutcome> {
    if is_broken(options, err)? {
        return Ok(RunOutcome::Failed);
    }
    if options.is_piped() {
        let (name, file_type) = options.standard_input();
        return match walk::read_from(io::stdin().lock(), &name) {
            Ok((text, _)) => {
                let file_type = file_type.describe(text.as_bytes());
                writeln!(out, "{file_type:<14} {}", printable::path(&name))?;
                out.flush()?;
                Ok(RunOutcome::Clean)
            }
            Err(error) => {
                complain(err, error)?;
                Ok(RunOutcome::Failed)
            }
        };
    }
    let found = walk::walk(
        &options.walk,
        &Filter {
            listed: &|folder, names| options.settings.listed(folder, names),
            wanted: &|path, named| options.want(path, named),
            keep: &|_, file_type: &'static FileType, bytes| match is_report(file_type, bytes) {
                true => Kept::Report,
                false => Kept::This(file_type.describe(bytes)),
            },
            suspect: &|_, _| false,
        },
    );
    for (path, file_type) in &found.kept {
        writeln!(out, "{file_type:<14} {}", printable::path(path))?;
    }
    out.flush()?;
    report_problems(options, &found.problems, err)
}

fn report_problems(
    options: &Options<'_>,
    problems: &[walk::Problem],
    err: &mut dyn Write,
) -> io::Result<RunOutcome> {
    let broken = options.settings.broken();
    for why in &broken {
        complain_of_settings(err, why)?;
    }
    for problem in problems {
        complain(err, problem)?;
    }
    let failed = !broken.is_empty() || problems.iter().any(|problem| problem.fatal);
    Ok(if failed {
        RunOutcome::Failed
    } else {
        RunOutcome::Clean
    })
}

/// Writes the counts by rule and by kind of fix, the most severe rule first. Writes nothing if there are none.
pub(super) fn statistics(
    rows: &[RuleCounts],
    render_options: &RenderOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let lines = statistics::table(rows, render_options.color).into_iter();
    let mut lines = lines.map(|line| line + "\n");
    lines.try_for_each(|line| out.write_all(line.as_bytes()))
}

/// The style of a list of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageList {
    pub json: bool,
    /// List each image once, with its count.
    pub unique: bool,
}

/// An image and its location, as written to JSON.
#[derive(Serialize)]
pub struct Listed {
    pub image: String,
    name: String,
    tag: Option<String>,
    digest: Option<String>,
    #[serde(serialize_with = "as_name")]
    pub path: PathBuf,
    pub line: usize,
    pub column: usize,
    shape: &'static str,
    /// The path of keys to the chart, for an image of a subchart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chart: Option<String>,
}

fn as_name<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&printable::name(path))
}

impl Listed {
    fn new(image: Image, path: PathBuf, position: Position, chart: Option<String>) -> Self {
        Self {
            image: image.reference(),
            name: image.name,
            tag: image.tag,
            digest: image.digest,
            path,
            line: position.line,
            column: position.column,
            shape: image.shape,
            chart,
        }
    }
}

#[derive(Serialize)]
struct Counted<'c> {
    image: &'c str,
    count: usize,
}

/// Lists every image that the files pull, with its location.
///
/// # Errors
/// If `out` or `err` cannot be written.
pub fn images(
    options: &Options<'_>,
    list: ImageList,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<RunOutcome> {
    let (images, outcome) = listed(options, err)?;
    let rows = if list.unique {
        unique(&images, list.json)
    } else {
        each(&images, list.json)
    };
    if list.json {
        writeln!(
            out,
            "{{\"version\":1,\"images\":[\n{}\n]}}",
            rows.join(",\n")
        )?;
    } else {
        rows.iter().try_for_each(|row| writeln!(out, "{row}"))?;
    }
    out.flush()?;
    Ok(outcome)
}

/// Returns every image in the files or in standard input, which is a manifest or has one image per line.
///
/// # Errors
/// If `err` cannot be written.
pub fn listed(options: &Options<'_>, err: &mut dyn Write) -> io::Result<(Vec<Listed>, RunOutcome)> {
    if is_broken(options, err)? {
        return Ok((Vec::new(), RunOutcome::Failed));
    }
    match options.is_piped() {
        true => of_standard_input(options, err),
        false => of_files(options, err),
    }
}

fn of_standard_input(
    options: &Options<'_>,
    err: &mut dyn Write,
) -> io::Result<(Vec<Listed>, RunOutcome)> {
    let (name, file_type) = options.standard_input();
    match walk::read_from(io::stdin().lock(), &name) {
        Ok((text, _)) => {
            let lines = || of_lines(&name, &text);
            let images = match options.stdin_name {
                Some(_) => None,
                None => lines(),
            };
            let images = images.unwrap_or_else(|| of_text(&name, file_type, &text));
            Ok((images, RunOutcome::Clean))
        }
        Err(error) => {
            complain(err, error)?;
            Ok((Vec::new(), RunOutcome::Failed))
        }
    }
}

fn of_files(options: &Options<'_>, err: &mut dyn Write) -> io::Result<(Vec<Listed>, RunOutcome)> {
    let found = walk::walk(
        &options.walk,
        &Filter {
            listed: &|folder, names| options.settings.listed(folder, names),
            wanted: &|path, named| options.want(path, named),
            keep: &|path, file_type: &'static FileType, bytes| {
                if options.settings.of(path).is_none() {
                    return Kept::Nothing;
                }
                if is_report(file_type, bytes) {
                    return Kept::Report;
                }
                let text = std::str::from_utf8(bytes);
                let listed = text.map(|text| of_text(path, file_type, text));
                let releases = helm::may_release(file_type, bytes);
                Kept::This((listed.map_err(|error| error.valid_up_to()), releases))
            },
            suspect: &|_, _| true,
        },
    );
    let mut outcome = report_problems(options, &found.problems, err)?;
    let mut images = Vec::new();
    let (mut charts, mut releasing) = (Vec::new(), Vec::new());
    for (path, (listed, releases)) in found.kept {
        if file_type::classify(&path).is_some_and(FileType::makes_project) {
            charts.push(path.clone());
        }
        if releases {
            releasing.push(path.clone());
        }
        match listed {
            Ok(listed) => images.extend(listed),
            Err(offset) => {
                let path = printable::path(&path);
                let why = format!("{path}: is not text at byte {offset}: not analysed");
                complain(err, why)?;
                outcome = RunOutcome::Failed;
            }
        }
    }
    if subcharts::add(options, &charts, &releasing, &mut images, err)? == RunOutcome::Failed {
        outcome = RunOutcome::Failed;
    }
    Ok((images, outcome))
}

fn each(images: &[Listed], json: bool) -> Vec<String> {
    let row = |listed: &Listed| {
        if json {
            return printable::json(listed);
        }
        let path = printable::path(&listed.path);
        let (line, column, image) = (listed.line, listed.column, &listed.image);
        let chart = listed.chart.as_ref();
        let chart = chart.map_or_else(String::new, |chart| format!(" (subchart {chart})"));
        let rest = format!("{line}:{column}: {image}{chart}");
        format!("{path}:{}", printable::line(&rest))
    };
    images.iter().map(row).collect()
}

/// Sorts by count, descending, like `sort | uniq -c | sort -rn`.
fn unique(images: &[Listed], json: bool) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for listed in images {
        *counts.entry(&listed.image).or_default() += 1;
    }
    let row = |(image, count): (&str, usize)| match json {
        true => printable::json(&Counted { image, count }),
        false => format!("{count:>7} {}", printable::line(image)),
    };
    by_count(counts).into_iter().map(row).collect()
}

fn of_text(path: &Path, file_type: &FileType, text: &str) -> Vec<Listed> {
    let lines = LineIndex::new(text);
    let images = check::images(path, text, file_type).into_iter();
    images
        .map(|image| {
            let position = lines.position(image.span.start);
            Listed::new(image, path.to_owned(), position, None)
        })
        .collect()
}

/// Parses a list with one image per line, as `kubectl` and `helm` pipelines print it. Skips blank lines and lines that start
/// with `#`. `None` if any other line is not an image.
fn of_lines(path: &Path, text: &str) -> Option<Vec<Listed>> {
    let mut images = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let image = line.trim();
        if image.is_empty() || image.starts_with('#') {
            continue;
        }
        let parsed = ImageRef::parse(image)?;
        images.push(Listed {
            image: image.to_owned(),
            name: image[..parsed.name_span().end].to_owned(),
            tag: parsed.tag.map(str::to_owned),
            digest: parsed.digest.map(str::to_owned),
            path: path.to_owned(),
            line: index + 1,
            column: 1 + line.len() - line.trim_start().len(),
            shape: "line",
            chart: None,
        });
    }
    Some(images)
}
