//! `regfix exporter`: reports to Prometheus whether images can still be pulled, once into a file or repeatedly over HTTP.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::ArgPredicate;

use super::online::{Registries, time};

#[derive(Debug, Clone, Args)]
pub struct Exporter {
    /// Files and folders; `-` is standard input: manifests, or one image per line [default: `.`, or none with `--cluster-report` or `--revision`]
    #[arg(
        value_name = "PATH",
        default_value_ifs([
            ("cluster_report", ArgPredicate::IsPresent, None),
            ("revision", ArgPredicate::IsPresent, None),
        ]),
        default_value = ".",
        hide_default_value = true
    )]
    pub paths: Vec<PathBuf>,
    /// Also ask about the images that the repository has at a revision, such as a release branch; can be given several times
    ///
    /// Read from this clone; nothing is fetched.
    #[arg(long, value_name = "REV")]
    pub revision: Vec<String>,
    /// Also ask about the images in this report of `regfix cluster --all --format json`
    #[arg(long, value_name = "FILE")]
    pub cluster_report: Vec<PathBuf>,
    /// Where the metrics go; `-` is standard output
    ///
    /// If a registry does not answer, what the file says of its images is kept. A file for the textfile collector of the node exporter ends
    /// in .prom.
    #[arg(long, value_name = "FILE", required_unless_present = "listen")]
    pub textfile: Option<PathBuf>,
    /// Do not end: ask again and again, and serve the metrics over HTTP at this address; a port alone is one of 127.0.0.1
    ///
    /// Serves /metrics and /healthz. Files, revisions and reports are read again each time. There is no encryption, and no password: who
    /// reaches the address can read the names of your images.
    #[arg(long, value_name = "[IP:]PORT", value_parser = address)]
    pub listen: Option<SocketAddr>,
    /// Time between two rounds of questions; each one differs by up to a tenth
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = interval, requires = "listen")]
    pub interval: Duration,
    /// When an answer is too old to say anything about its image
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = time)]
    pub stale_after: Duration,
    #[command(flatten)]
    pub registries: Registries,
}

/// The shortest interval. More frequent requests would be an attack, not monitoring.
const SHORTEST: Duration = Duration::from_secs(1);

fn interval(text: &str) -> Result<Duration, String> {
    let interval = time(text)?;
    let is_long = interval >= SHORTEST;
    is_long
        .then_some(interval)
        .ok_or_else(|| "write at least 1s".to_owned())
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let port = |text: &str| text.parse::<u16>().ok();
    let local = text.strip_prefix("localhost:").unwrap_or(text);
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let address = match port(local) {
        Some(port) => Some(SocketAddr::new(loopback, port)),
        None => text.parse().ok(),
    };
    address.ok_or_else(|| "write a port, or IP:PORT like 0.0.0.0:9877 or [::]:9877".to_owned())
}

#[cfg(feature = "online")]
mod once;
#[cfg(feature = "online")]
mod rounds;
#[cfg(feature = "online")]
mod serve;
#[cfg(feature = "online")]
mod start;
#[cfg(feature = "online")]
mod watch;

#[cfg(feature = "online")]
pub(super) use start::export;

#[cfg(not(feature = "online"))]
pub(super) use super::online::export;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_one_of_this_machine() {
        for (text, expected) in [
            ("9877", "127.0.0.1:9877"),
            ("localhost:9877", "127.0.0.1:9877"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::]:80", "[::]:80"),
        ] {
            assert_eq!(address(text).unwrap().to_string(), expected, "{text}");
        }
        for text in [":9877", "example.com:80", "0.0.0.0", "", "70000"] {
            assert!(address(text).is_err(), "{text}");
        }
        assert!(interval("999ms").is_err() && interval("1s").is_ok());
    }
}
