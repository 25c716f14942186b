//! `regfix exporter`: metrics of answers, and how they change when a registry does not answer.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::cli::run;
use super::server::{Reply, Server, honest};
use crate::common::{folder, regfix, signal, stderr, stdout};
use crate::repository::Repository;

fn export(server: &Server, folder: &Path, more: &[&str], input: Option<&str>) -> String {
    let host = server.host();
    let arguments = [
        "exporter",
        "--no-config",
        "--insecure-registry",
        &host,
        "--max-wait",
        "1s",
    ];
    let output = run(folder, &[&arguments[..], more].concat(), input);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stdout(&output)
}

/// Starts a registry, with a switch that takes it down.
fn fragile() -> (Server, Arc<AtomicBool>) {
    let is_down = Arc::new(AtomicBool::new(false));
    let down = Arc::clone(&is_down);
    let server = Server::start(move |seen| match down.load(Ordering::Relaxed) {
        true => Reply::error(503, "UNAVAILABLE"),
        false => honest(seen),
    });
    (server, is_down)
}

/// Returns the values of a metric, by its labels.
fn values(text: &str, metric: &str) -> Vec<(String, u64)> {
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix(metric)?.strip_prefix('{'));
    let pairs = lines.map(|line| line.rsplit_once("} ").unwrap());
    pairs
        .map(|(labels, value)| (labels.to_owned(), value.parse().unwrap()))
        .collect()
}

#[test]
fn an_outage_does_not_make_an_image_gone() {
    let (server, is_down) = fragile();
    let host = server.host();
    let folder = folder(&[
        ("a.yaml", &format!("image: {host}/a:1\n")),
        ("b.yaml", &format!("image: {host}/a:gone\n")),
    ]);
    let read = || fs::read_to_string(folder.path().join("out/regfix.prom")).unwrap();
    fs::create_dir(folder.path().join("out")).unwrap();
    let arguments = ["a.yaml", "b.yaml", "--textfile", "out/regfix.prom"];

    assert_eq!(export(&server, folder.path(), &arguments, None), "");
    let first = read();
    let available = [
        (format!("image=\"{host}/a:1\""), 1),
        (format!("image=\"{host}/a:gone\""), 0),
    ];
    assert_eq!(values(&first, "regfix_image_available"), available);
    assert!(values(&first, "regfix_image_undetermined").is_empty());
    let times = values(&first, "regfix_image_last_determined_timestamp_seconds");
    assert!(
        times.iter().all(|(_, when)| *when > 1_700_000_000),
        "{times:?}"
    );

    is_down.store(true, Ordering::Relaxed);
    export(&server, folder.path(), &arguments, None);
    let second = read();
    assert_eq!(values(&second, "regfix_image_available"), available);
    assert_eq!(
        values(&second, "regfix_image_last_determined_timestamp_seconds"),
        times
    );
    let undetermined = values(&second, "regfix_image_undetermined");
    assert_eq!(undetermined.len(), 2);
    assert_eq!(
        undetermined[0],
        (format!("image=\"{host}/a:1\",state=\"unreachable\""), 1)
    );
    let counts = values(&second, "regfix_images");
    assert!(
        counts.contains(&("state=\"unreachable\"".to_owned(), 2)),
        "{counts:?}"
    );

    // Without the earlier metrics, there are none for these images.
    let text = export(&server, folder.path(), &["a.yaml", "--textfile", "-"], None);
    assert!(values(&text, "regfix_image_available").is_empty());
    // No other file is left in the folder that the collector reads.
    let left = fs::read_dir(folder.path().join("out")).unwrap();
    assert_eq!(left.count(), 1);
}

#[test]
fn images_come_from_files_lists_and_clusters_and_legacy_ones_say_so() {
    let server = Server::start(honest);
    let host = server.host();
    let report = format!(
        r#"{{"version":1,"rows":[{{"image":"{host}/c:1"}},{{"image":"k8s.gcr.io/pause:3.9"}}]}}"#
    );
    let folder = folder(&[("report.json", &report), ("no.json", "[]")]);
    let mirror = format!("k8s.gcr.io={host}/old");
    let arguments = [
        "-",
        "--textfile",
        "-",
        "--cluster-report",
        "report.json",
        "--registry-mirror",
        &mirror,
    ];
    let list = format!("{host}/l:1\n{host}/l:1\n");
    let text = export(&server, folder.path(), &arguments, Some(&list));
    let images: Vec<String> = values(&text, "regfix_image_available")
        .into_iter()
        .map(|(labels, _)| labels)
        .collect();
    assert_eq!(images.len(), 3, "{text}");
    assert_eq!(
        values(&text, "regfix_image_legacy"),
        [(
            "image=\"k8s.gcr.io/pause:3.9\",rule=\"k8s-gcr-io\",severity=\"warning\",replacement=\"registry.k8s.io/pause:3.9\"".to_owned(),
            1
        )]
    );
    // Without a path, only the images of the report are asked about.
    let alone = [
        "--textfile",
        "-",
        "--cluster-report",
        "report.json",
        "--registry-mirror",
        &mirror,
    ];
    let text = export(&server, folder.path(), &alone, None);
    assert_eq!(values(&text, "regfix_image_available").len(), 2, "{text}");
    let output = run(
        folder.path(),
        &[
            "exporter",
            "-",
            "--textfile",
            "-",
            "--cluster-report",
            "no.json",
        ],
        Some(&list),
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("no.json: is not a report of"));
}

#[test]
fn metrics_that_cannot_be_written_are_a_failure() {
    let server = Server::start(honest);
    let folder = folder(&[("a.yaml", "a: b\n")]);
    let output = run(
        folder.path(),
        &["exporter", "a.yaml", "--textfile", "missing/x.prom"],
        None,
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("missing/x.prom"),
        "{}",
        stderr(&output)
    );
    assert!(server.seen().is_empty());
}

/// An exporter that serves until it is stopped.
struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    fn start(folder: &Path, registry: &Server, more: &[&str]) -> Self {
        let mut command = regfix(folder);
        command
            .args([
                "exporter",
                "--no-config",
                "--listen",
                "0",
                "--interval",
                "1s",
            ])
            .args(["--max-wait", "1s", "--insecure-registry", &registry.host()])
            .args(more)
            .env("HOME", folder.join("home"))
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        let rest = line.split_once("serving http://").unwrap().1;
        let address = rest.strip_suffix("/metrics").unwrap().to_owned();
        assert!(address.starts_with("127.0.0.1:"), "{address}");
        // The rest is drained and dropped.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n",
            self.address
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    /// Waits until the metrics are as wanted, and returns them.
    fn metrics(&self, is_wanted: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let (status, text) = self.get("/metrics");
            if status == 200 && is_wanted(&text) {
                return text;
            }
            assert!(Instant::now() < end, "{status} {text}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
#[test]
fn served_metrics_follow_the_files_and_the_registry() {
    let (server, is_down) = fragile();
    let host = server.host();
    let folder = folder(&[("a.yaml", &format!("image: {host}/a:1\n"))]);
    let arguments = ["a.yaml", "b.yaml", "--textfile", "regfix.prom"];
    let mut serving = Serving::start(folder.path(), &server, &arguments);
    // One of the files does not exist yet; metrics of the other one are served.
    let text = serving.metrics(|_| true);
    let one = (format!("image=\"{host}/a:1\""), 1);
    assert_eq!(
        values(&text, "regfix_image_available"),
        std::slice::from_ref(&one)
    );
    assert!(text.contains("\nregfix_last_round_complete 0\n"), "{text}");
    assert_eq!(serving.get("/healthz").0, 200);
    assert_eq!(serving.get("/nothing").0, 404);

    fs::write(
        folder.path().join("b.yaml"),
        format!("image: {host}/a:gone\n"),
    )
    .unwrap();
    let gone = (format!("image=\"{host}/a:gone\""), 0);
    let text = serving.metrics(|text| text.contains("\nregfix_last_round_complete 1\n"));
    assert_eq!(
        values(&text, "regfix_image_available"),
        [one.clone(), gone.clone()]
    );

    is_down.store(true, Ordering::Relaxed);
    let text = serving.metrics(|text| text.contains("state=\"unreachable\"} 2"));
    assert_eq!(values(&text, "regfix_image_available"), [one.clone(), gone]);

    is_down.store(false, Ordering::Relaxed);
    fs::write(folder.path().join("b.yaml"), "a: b\n").unwrap();
    serving.metrics(|text| values(text, "regfix_image_available") == [one.clone()]);

    // The file has the same metrics, so that a restart has them too.
    let written = fs::read_to_string(folder.path().join("regfix.prom")).unwrap();
    assert_eq!(values(&written, "regfix_image_available"), [one]);
    signal(serving.child.id(), "TERM");
    assert_eq!(serving.child.wait().unwrap().code(), Some(0));
}

#[test]
fn images_of_revisions_are_watched_too() {
    let server = Server::start(honest);
    let host = server.host();
    let repository = Repository::new(&[("deep/a.yaml", &format!("image: {host}/old:1\n"))]);
    repository.git(&["tag", "v1"]);
    repository.put("deep/a.yaml", &format!("image: {host}/new:1\n"));
    repository.commit();
    let of = |more: &[&str]| {
        let text = export(
            &server,
            repository.path(),
            &[more, &["--textfile", "-"]].concat(),
            None,
        );
        let found = values(&text, "regfix_image_available").into_iter();
        let names = found.map(|(label, _)| label.replace(&host, ""));
        names.collect::<Vec<_>>()
    };
    assert_eq!(of(&["--revision", "v1"]), ["image=\"/old:1\""]);
    assert_eq!(
        of(&["--revision", "v1", "--revision", "HEAD"]),
        ["image=\"/new:1\"", "image=\"/old:1\""]
    );
    assert_eq!(of(&[".", "--revision", "v1"]).len(), 2);
    let output = run(
        repository.path(),
        &["exporter", "--textfile", "-", "--revision", "v9"],
        None,
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("there is no revision \"v9\""));
}

#[test]
fn what_cannot_be_served_is_said() {
    let folder = folder(&[("a.yaml", "a: b\n")]);
    for (arguments, message) in [
        (
            &["-", "--listen", "0"][..],
            "--listen works with files only",
        ),
        (
            &["a.yaml", "--listen", "0", "--textfile", "-"],
            "--listen works with files only",
        ),
        (
            &["a.yaml", "--listen", "example.com:80"],
            "write a port, or IP:PORT",
        ),
        (
            &["a.yaml", "--interval", "1m", "--textfile", "-"],
            "--listen",
        ),
        (&["a.yaml"], "--textfile"),
    ] {
        let output = run(
            folder.path(),
            &[&["exporter"], arguments].concat(),
            Some(""),
        );
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    let output = run(
        folder.path(),
        &["exporter", "a.yaml", "--listen", &taken],
        None,
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains(&format!("--listen: {taken}: ")));
}
