//! `regfix --verify`, `regfix images --verify` and `regfix tags`: asks registries, and shows their answers.
//!
//! The settings of connections are here, too. `registry::client` makes the connections; a build may leave it out.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::TableFormat;
use crate::rules::Asking;

/// How registries are asked.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Registries")]
pub struct Registries {
    /// File with credentials, instead of those of docker and podman; can be given several times
    ///
    /// A config.json of docker, an auth.json of podman, or a pull secret of Kubernetes as YAML or JSON.
    #[arg(long, value_name = "FILE")]
    pub authfile: Vec<PathBuf>,
    /// Ask NEW instead of OLD: `docker.io=mirror.example.com/hub`
    #[arg(long, value_name = "OLD=NEW")]
    pub registry_mirror: Vec<String>,
    /// Also trust the certificates in this PEM file
    #[arg(long, value_name = "FILE")]
    pub ca_file: Vec<PathBuf>,
    /// Allow plain HTTP and any certificate for this registry
    #[arg(long, value_name = "HOST[:PORT]")]
    pub insecure_registry: Vec<String>,
    /// Let a registry send regfix to this host although its address is private
    #[arg(long, value_name = "HOST[:PORT]")]
    pub allow_private_host: Vec<String>,
    /// Concurrent requests to one registry
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub per_host: u16,
    /// Time limit for one request: `30s`, `2m`
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    pub timeout: std::time::Duration,
    /// How long to wait for a registry that limits requests
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    pub max_wait: std::time::Duration,
    /// Use answers of earlier runs that are not older than this: `10m`, `24h`
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub cache_age: Option<std::time::Duration>,
}

/// Which images `regfix --verify` asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VerifyFixes {
    /// What fixes put in place
    New,
    /// What is there now, too, and whether the digests are equal
    Both,
}

impl VerifyFixes {
    pub(super) fn asking(self) -> Asking {
        match self {
            Self::New => Asking::New,
            Self::Both => Asking::Both,
        }
    }
}

/// Whether images are asked for, and what they must be.
#[derive(Debug, Clone, Args)]
pub struct Verify {
    /// Ask the registries whether the images exist
    ///
    /// Exit code 0: all images exist. 1: at least one is gone, or lacks a platform. 2: none is known to be gone, but some could
    /// not be checked.
    #[arg(long, conflicts_with = "unique")]
    pub verify: bool,
    /// The images must run on this platform, such as linux/arm64; can be given several times
    #[arg(long, value_name = "OS/ARCH", requires = "verify")]
    pub platform: Vec<String>,
    #[command(flatten)]
    pub registries: Registries,
}

/// Which tags are asked for.
#[derive(Debug, Clone, Args)]
pub struct Tags {
    /// An image; its tag and digest are ignored
    pub image: String,
    #[arg(long, value_enum, default_value_t = TableFormat::Text)]
    pub format: TableFormat,
    #[command(flatten)]
    pub registries: Registries,
}

pub(super) fn time(text: &str) -> Result<std::time::Duration, String> {
    let parsed: Option<jiff::SignedDuration> = text.parse().ok();
    let time = parsed.and_then(|parsed| std::time::Duration::try_from(parsed).ok());
    time.ok_or_else(|| "write a time like 30s, 10m or 24h".to_owned())
}

#[cfg(feature = "online")]
mod connected;
#[cfg(feature = "online")]
pub(super) use connected::{connect, tags, verify};

#[cfg(not(feature = "online"))]
pub(super) use offline::{connect, export, tags, verify};

#[cfg(not(feature = "online"))]
mod offline {
    use std::io::{self, Write};

    use super::super::{Arguments, Exit};
    use super::{Registries, Tags, Verify};
    use crate::report::{PathBase, RenderOptions};
    use crate::run::{self, Options};

    /// A type without values.
    pub(crate) enum Nobody {}

    impl run::Registries for Nobody {
        fn ask(&self, _: &[String]) -> Vec<crate::rules::Presence> {
            match *self {}
        }
    }

    pub(crate) fn connect(_: &Registries, err: &mut dyn Write) -> io::Result<Option<Nobody>> {
        refuse("`--verify`", err).map(|_| None)
    }

    pub(crate) fn tags(_: &Tags, _: &mut dyn Write, err: &mut dyn Write) -> io::Result<Exit> {
        refuse("`regfix tags`", err)
    }

    pub(crate) fn verify(
        _: &Options<'_>,
        _: &Verify,
        _: bool,
        _: &mut dyn Write,
        err: &mut dyn Write,
    ) -> io::Result<Exit> {
        refuse("`--verify`", err)
    }

    pub(crate) fn export(
        _: &Arguments,
        _: &super::super::exporter::Exporter,
        _: &PathBase,
        _: RenderOptions,
        _: &mut dyn Write,
        err: &mut dyn Write,
    ) -> io::Result<Exit> {
        refuse("`regfix exporter`", err)
    }

    fn refuse(what: &str, err: &mut dyn Write) -> io::Result<Exit> {
        writeln!(
            err,
            "regfix: {what} needs a build that can connect to registries: use a released binary, or build with `--features online`"
        )?;
        Ok(Exit::Failed)
    }
}
