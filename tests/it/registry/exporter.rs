//! `regfix exporter`: metrics of answers, and what becomes of them when a registry does not answer.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::cli::run;
use super::server::{Reply, Server, honest};
use crate::common::{folder, stderr, stdout};

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

/// The values of a metric, by its labels.
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
    let is_down = Arc::new(AtomicBool::new(false));
    let down = Arc::clone(&is_down);
    let server = Server::start(move |seen| match down.load(Ordering::Relaxed) {
        true => Reply::error(503, "UNAVAILABLE"),
        false => honest(seen),
    });
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

    // Without what was known, nothing is said of them.
    let text = export(&server, folder.path(), &["a.yaml", "--textfile", "-"], None);
    assert!(values(&text, "regfix_image_available").is_empty());
    // Nothing else is left in the folder that the collector reads.
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
    // Without a path, the report is all there is.
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
