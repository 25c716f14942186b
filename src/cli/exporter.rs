//! `regfix exporter`: whether images can still be pulled, over time, for Prometheus.

use std::path::PathBuf;

use clap::Args;
use clap::builder::ArgPredicate;

use super::online::Registries;

#[derive(Debug, Clone, Args)]
pub struct Exporter {
    /// Files and folders; `-` is standard input: manifests, or one image per line [default: `.`, or none with `--cluster-report`]
    #[arg(
        value_name = "PATH",
        default_value_if("cluster_report", ArgPredicate::IsPresent, None),
        default_value = ".",
        hide_default_value = true
    )]
    pub paths: Vec<PathBuf>,
    /// Also ask about the images in this report of `regfix cluster --all --format json`
    #[arg(long, value_name = "FILE")]
    pub cluster_report: Vec<PathBuf>,
    /// Where the metrics go; `-` is standard output
    ///
    /// What it says of images that registries do not answer for now is kept. A file for the textfile collector of the node exporter ends
    /// in .prom.
    #[arg(long, value_name = "FILE")]
    pub textfile: PathBuf,
    #[command(flatten)]
    pub registries: Registries,
}

#[cfg(feature = "online")]
pub(super) use connected::export;

#[cfg(not(feature = "online"))]
pub(super) use super::online::export;

#[cfg(feature = "online")]
mod connected {
    use std::collections::BTreeSet;
    use std::io::{self, Write};
    use std::path::Path;

    use super::super::{Exit, mirror, online, refuse};
    use super::Exporter;
    use crate::open::{self, Links};
    use crate::printable::{self, complain};
    use crate::registry::client::{Answer, Client, Location};
    use crate::registry::metrics::{self, Known, Legacy, Sample};
    use crate::rules::RuleSet;
    use crate::run::{self, Options, Outcome};

    /// Metrics of an earlier round, and reports of a cluster, are no larger.
    const LARGEST: usize = 256 << 20;

    /// Asks once, and writes what it came to.
    pub(crate) fn export(
        options: &Options<'_>,
        exporter: &Exporter,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> io::Result<Exit> {
        let Some(client) = online::connect(&exporter.registries, err)? else {
            return Ok(Exit::Failed);
        };
        let is_piped = exporter.textfile == Path::new("-");
        let known = match is_piped {
            true => Known::new(),
            false => earlier(&exporter.textfile, err)?,
        };
        // Images of a cluster belong to no repository: the rules of the working directory count for all.
        let area = match options.settings.of_folder(Path::new("")) {
            Ok(area) => area,
            Err(message) => return refuse(&message, err),
        };
        let (listed, outcome) = run::listed(options, err)?;
        let mut images: BTreeSet<String> = listed.into_iter().map(|one| one.image).collect();
        let mut failed = outcome == Outcome::Failed;
        for path in &exporter.cluster_report {
            match of_report(path) {
                Ok(more) => images.extend(more),
                Err(why) => {
                    complain(err, format!("{}: {why}", printable::path(path)))?;
                    failed = true;
                }
            }
        }
        let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default();
        let samples = ask(&client, images, &area.rules.set, &known, now);
        let text = metrics::text(&samples, now, env!("CARGO_PKG_VERSION"));
        let written = match is_piped {
            true => out.write_all(text.as_bytes()).and_then(|()| out.flush()),
            false => replace(&exporter.textfile, &text),
        };
        if let Err(error) = written {
            complain(
                err,
                format!("{}: {error}", printable::path(&exporter.textfile)),
            )?;
            failed = true;
        }
        Ok(if failed { Exit::Failed } else { Exit::Done })
    }

    /// What an earlier round wrote; nothing where there was none.
    fn earlier(path: &Path, err: &mut dyn Write) -> io::Result<Known> {
        match open::read(path, Links::Follow, LARGEST) {
            Ok(bytes) => Ok(metrics::known(&String::from_utf8_lossy(&bytes))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Known::new()),
            Err(error) => {
                complain(err, format!("{}: {error}", printable::path(path)))?;
                Ok(Known::new())
            }
        }
    }

    fn of_report(path: &Path) -> Result<Vec<String>, String> {
        let bytes = open::read(path, Links::Follow, LARGEST).map_err(|error| error.to_string())?;
        let report: serde_json::Value =
            serde_json::from_slice(&bytes).map_err(|error| format!("is not a report: {error}"))?;
        let rows = report.get("rows").and_then(serde_json::Value::as_array);
        let rows = rows.ok_or("is not a report of `regfix cluster --format json`")?;
        let image = |row: &serde_json::Value| row.get("image")?.as_str().map(str::to_owned);
        Ok(rows.iter().filter_map(image).collect())
    }

    /// A sample for each image, in order.
    fn ask(
        client: &Client,
        images: BTreeSet<String>,
        rules: &RuleSet,
        known: &Known,
        now: u64,
    ) -> Vec<Sample> {
        let parsed: Vec<(String, Option<Location>)> = images
            .into_iter()
            .map(|image| {
                let location = Location::parse(&image).ok();
                (image, location)
            })
            .collect();
        let locations: Vec<Location> = parsed.iter().filter_map(|(_, one)| one.clone()).collect();
        let mut answers = client.ask_all(&locations, false).into_iter();
        let sample = |(image, location): (String, Option<Location>)| {
            let answer = location.and_then(|_| answers.next());
            let available = match &answer {
                Some(Answer::Exists { .. }) => Some((true, now)),
                Some(Answer::Missing { .. }) => Some((false, now)),
                _ => known.get(&image).copied(),
            };
            let finding = mirror::finding(&image, rules);
            Sample {
                status: answer.as_ref().map_or("not-asked", Answer::status),
                available,
                legacy: finding.map(|finding| Legacy {
                    rule: finding.rule.to_string(),
                    severity: finding.severity.name(),
                    replacement: finding.new.unwrap_or_default(),
                }),
                image,
            }
        };
        parsed.into_iter().map(sample).collect()
    }

    /// As a whole, or not at all: the collector may read at any time.
    fn replace(path: &Path, text: &str) -> io::Result<()> {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let mut builder = tempfile::Builder::new();
        builder.prefix(".regfix-");
        // The collector runs as another user.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
        let mut file = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
        file.write_all(text.as_bytes())?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }
}
