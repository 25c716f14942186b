//! The API server of a cluster, asked from a pod: an honest one, and faulty and hostile ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use regfix::cluster::{ApiServer, Query, Refusal, Server as _};
use regfix::http::{Environment, Limits};
use serde_json::{Value, json};

use super::DAY;
use super::authority::{self, ANOTHER, AUTHORITY};
use crate::common::{regfix, stderr, stdout};
use crate::registry::server::{Reply, Seen, Server};

/// A pod: the folder of its service account, and the API server.
struct Pod {
    folder: tempfile::TempDir,
    server: Server,
}

fn pod(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Pod {
    let folder = crate::common::folder(&[
        ("ca.crt", AUTHORITY),
        ("token", "first\n"),
        ("namespace", "shop"),
    ]);
    Pod {
        folder,
        server: Server::secure(authority::tls(), handler),
    }
}

const LIMITS: Limits = Limits {
    connect: Duration::from_secs(10),
    read: Duration::from_secs(5),
    // A busy machine needs time to read 64 MiB.
    total: Duration::from_secs(300),
    retries: 1,
    wait: Duration::from_secs(5),
};

impl Pod {
    fn port(&self) -> String {
        self.server.host().rsplit_once(':').unwrap().1.to_owned()
    }

    fn api(&self, query: &Query, limits: Limits) -> Result<ApiServer, String> {
        let port = self.port();
        let variables = [
            ("KUBERNETES_SERVICE_HOST", "127.0.0.1"),
            ("KUBERNETES_SERVICE_PORT", &port),
        ];
        ApiServer::new(
            self.folder.path(),
            &Environment::of(&variables),
            query,
            limits,
        )
    }

    /// Returns the command as this pod runs it.
    fn command(&self) -> Command {
        let mut command = regfix(Path::new("/"));
        command
            .env("PATH", self.folder.path())
            .env("KUBERNETES_SERVICE_HOST", "127.0.0.1")
            .env("KUBERNETES_SERVICE_PORT", self.port())
            // The proxy must not be used.
            .env("HTTPS_PROXY", "http://127.0.0.1:9");
        command.args(["cluster", "--service-account"]);
        command.arg(self.folder.path()).args(DAY);
        command
    }

    /// Returns the names of the objects of a resource, and whether the list is complete.
    fn names(&self, resource: &str) -> (Vec<String>, Result<(), Refusal>) {
        let api = self.api(&query(), LIMITS).unwrap();
        let mut names = Vec::new();
        let done = api.get(resource, &mut |value: Value| {
            names.push(value["metadata"]["name"].as_str().unwrap().to_owned());
        });
        (names, done)
    }

    /// Returns the paths of the requested lists, without requests for discovery.
    fn lists(&self) -> Vec<String> {
        let seen = self.server.seen();
        let paths = seen.iter().map(|seen| seen.path.clone());
        paths.filter(|path| path.contains('?')).collect()
    }
}

fn query() -> Query {
    Query {
        chunk_size: 2,
        ..Query::default()
    }
}

fn json(value: &Value) -> Reply {
    Reply::new(200)
        .with("content-type", "application/json")
        .body(value.to_string())
}

/// Answers discovery: pods, jobs, definitions, and widgets of a group with two versions.
fn discovery(path: &str) -> Option<Value> {
    let list = |plural: &str| json!({"resources": [{"name": plural, "namespaced": true}]});
    match path {
        "/api/v1" => Some(list("pods")),
        "/apis/batch" => {
            Some(json!({"versions": [{"version": "v1"}], "preferredVersion": {"version": "v1"}}))
        }
        "/apis/batch/v1" => Some(list("jobs")),
        "/apis/apiextensions.k8s.io" => Some(json!({"versions": [{"version": "v1"}]})),
        "/apis/apiextensions.k8s.io/v1" => {
            Some(json!({"resources": [{"name": "customresourcedefinitions", "namespaced": false}]}))
        }
        "/apis/example.com" => Some(
            json!({"versions": [{"version": "v1alpha1"}, {"version": "v1"}], "preferredVersion": {"version": "v1"}}),
        ),
        "/apis/example.com/v1" | "/apis/example.com/v1alpha1" => Some(list("widgets")),
        _ => None,
    }
}

/// Returns a list of pods, with the token of the next page.
fn page(names: &[&str], next: &str) -> Reply {
    let items = names.iter().map(|name| {
        json!({"metadata": {"name": name, "namespace": "shop"},
            "spec": {"containers": [{"name": "c", "image": "k8s.gcr.io/pause:3.9"}]}})
    });
    let items: Vec<Value> = items.collect();
    json(
        &json!({"kind": "PodList", "apiVersion": "v1", "metadata": {"continue": next}, "items": items}),
    )
}

/// Starts a pod whose server answers discovery, and leaves lists to the test.
fn with(list: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Pod {
    pod(move |seen| match discovery(&seen.path) {
        Some(value) => json(&value),
        None if seen.path.contains('?') => list(seen),
        None => Reply::new(404),
    })
}

fn parameter<'p>(path: &'p str, name: &str) -> &'p str {
    let (_, query) = path.split_once('?').unwrap();
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(key, _)| *key == name)
        .map_or("", |(_, value)| value)
}

const DEFINITION: &str = r#"{"kind": "CustomResourceDefinitionList", "apiVersion": "apiextensions.k8s.io/v1", "items": [{"spec": {"group": "example.com",
    "names": {"plural": "widgets", "kind": "Widget"}, "versions": [{"served": true, "schema": {"openAPIV3Schema":
    {"properties": {"spec": {"properties": {"image": {"type": "string"}}}}}}}]}}]}"#;

/// The whole command, as a pod without kubectl runs it.
#[test]
fn a_pod_without_kubectl_reads_its_cluster() {
    let pod = with(|seen| match seen.path.split('?').next().unwrap() {
        "/api/v1/namespaces/shop/pods" if parameter(&seen.path, "continue").is_empty() => {
            page(&["a", "b"], "x/y=")
        }
        "/api/v1/namespaces/shop/pods" => page(&["c"], ""),
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions" => {
            Reply::new(200).body(DEFINITION)
        }
        "/apis/example.com/v1/namespaces/shop/widgets" => json(&json!({
            "kind": "WidgetList", "apiVersion": "example.com/v1",
            "items": [{"metadata": {"name": "w", "namespace": "shop"}, "spec": {"image": "k8s.gcr.io/pause:3.1"}}]})),
        "/apis/batch/v1/namespaces/shop/jobs" => {
            Reply::new(403).body(r#"{"kind": "Status", "message": "jobs is forbidden"}"#)
        }
        path => panic!("{path}"),
    });
    let mut command = pod.command();
    command.args(["--chunk-size", "2", "-l", "app in (a,b)"]);
    let output = command.args(["--format", "concise"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    let text = stdout(&output);
    for row in [
        "shop/Pod/a:c: ",
        "shop/Pod/b:c: ",
        "shop/Pod/c:c: ",
        "shop/Widget/w:spec.image: ",
        "jobs.batch: forbidden for this user",
        // Resources that the server does not have are listed too.
        "deployments.apps: the cluster has no such resource",
    ] {
        assert!(text.contains(row), "{row}: {text}");
    }
    for seen in pod.server.seen() {
        assert_eq!(seen.method, "GET", "{}", seen.path);
        assert_eq!(seen.header("authorization"), "Bearer first");
        assert_eq!(seen.body, "");
    }
    let lists = pod.lists();
    // The selector is not meant for definitions, which have their own labels.
    let definitions = lists.iter().find(|path| path.contains("customresource"));
    assert!(definitions.is_some_and(|path| !path.contains("labelSelector")));
    let pods: Vec<&String> = lists.iter().filter(|path| path.contains("/pods")).collect();
    assert_eq!(
        pods,
        [
            "/api/v1/namespaces/shop/pods?limit=2&labelSelector=app%20in%20%28a%2Cb%29",
            "/api/v1/namespaces/shop/pods?limit=2&labelSelector=app%20in%20%28a%2Cb%29&continue=x%2Fy%3D",
        ]
    );
}

#[test]
fn a_list_that_was_forgotten_is_read_again_from_its_start() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    // The second page has expired when it is first requested.
    let pod = with(move |seen| match parameter(&seen.path, "continue") {
        _ if !seen.path.contains("/pods?") => Reply::new(403),
        "" => page(&["a", "b"], "more"),
        _ if count.fetch_add(1, Ordering::SeqCst) == 0 => Reply::new(410),
        _ => page(&["c"], ""),
    });
    let mut command = pod.command();
    let output = command.args(["--format", "concise"]).output().unwrap();
    let text = stdout(&output);
    assert_eq!(text.matches("/Pod/").count(), 3, "{text}");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    // A list that always expires is a failure.
    let pod = with(|seen| match parameter(&seen.path, "continue") {
        _ if !seen.path.contains("/pods?") => Reply::new(403),
        "" => page(&["a"], "more"),
        _ => Reply::new(410),
    });
    let output = pod.command().output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(
        said.contains("pods: the list expired on the API server"),
        "{said}"
    );
    let lists = pod.lists();
    let starts = lists
        .iter()
        .filter(|path| path.contains("/pods?") && !path.contains("continue"));
    assert_eq!(starts.count(), 3);
}

#[test]
fn a_token_that_is_replaced_is_read_again() {
    let folder: Arc<std::sync::Mutex<Option<PathBuf>>> = Arc::default();
    let known = Arc::clone(&folder);
    let pod = with(move |seen| {
        let folder = known.lock().unwrap().clone().unwrap();
        let now = fs::read_to_string(folder.join("token")).unwrap();
        if seen.header("authorization") != format!("Bearer {}", now.trim()) {
            return Reply::new(401);
        }
        // The kubelet replaces the token between two pages.
        if parameter(&seen.path, "continue").is_empty() {
            fs::write(folder.join("token"), "second").unwrap();
            return page(&["a"], "more");
        }
        page(&["b"], "")
    });
    *folder.lock().unwrap() = Some(pod.folder.path().to_owned());
    let (names, done) = pod.names("pods");
    assert_eq!((names.len(), done), (2, Ok(())));
    // A token that is always refused is sent at most twice, and is not shown.
    let pod =
        with(|_| Reply::new(401).body(r#"{"message": "who is first? token first\u001b[31m"}"#));
    let (_, done) = pod.names("pods");
    let Err(Refusal::Failed(why)) = done else {
        panic!("{done:?}")
    };
    assert!(why.contains("does not accept the token"), "{why}");
    assert!(!why.contains("first") && !why.contains('\u{1b}'), "{why}");
    assert_eq!(pod.lists().len(), 2);
}

/// Only the named server gets requests.
#[test]
fn no_redirect_is_followed() {
    let elsewhere = Server::secure(authority::tls(), |_| page(&["b"], ""));
    let url = format!("https://{}/api/v1/pods", elsewhere.host());
    for status in [301, 302, 303, 307, 308] {
        let url = url.clone();
        let pod = with(move |_| Reply::new(status).with("location", &url));
        let (names, done) = pod.names("pods");
        assert!(names.is_empty());
        let Err(Refusal::Failed(why)) = done else {
            panic!("{done:?}")
        };
        assert!(
            why.ends_with("redirects elsewhere: regfix does not follow"),
            "{why}"
        );
    }
    assert!(elsewhere.seen().is_empty());
}

#[test]
fn only_the_authority_of_the_cluster_is_trusted() {
    let pod = with(|_| page(&["a"], ""));
    fs::write(pod.folder.path().join("ca.crt"), ANOTHER).unwrap();
    let (names, done) = pod.names("pods");
    assert!(names.is_empty());
    assert!(matches!(done, Err(Refusal::Failed(why)) if why.contains("certificate")));
    assert!(pod.server.seen().is_empty());
    // A host name that the certificate does not have.
    let pod = with(|_| page(&["a"], ""));
    let port = pod.port();
    let variables = [
        ("KUBERNETES_SERVICE_HOST", "localhost"),
        ("KUBERNETES_SERVICE_PORT", &port),
    ];
    let api = ApiServer::new(
        pod.folder.path(),
        &Environment::of(&variables),
        &query(),
        LIMITS,
    );
    let done = api.unwrap().get("pods", &mut |_| panic!("an object"));
    assert!(matches!(done, Err(Refusal::Failed(_))), "{done:?}");
    assert!(pod.server.seen().is_empty());
}

#[test]
fn what_is_missing_in_the_pod_is_named() {
    let pod = with(|_| page(&["a"], ""));
    let folder = pod.folder.path();
    let why = |variables: &[(&str, &str)], query: &Query| {
        let api = ApiServer::new(folder, &Environment::of(variables), query, LIMITS);
        api.err().unwrap()
    };
    let port = pod.port();
    let host = ("KUBERNETES_SERVICE_HOST", "127.0.0.1");
    let all = [host, ("KUBERNETES_SERVICE_PORT", port.as_str())];
    assert!(why(&[], &query()).starts_with("KUBERNETES_SERVICE_HOST is not set"));
    assert!(why(&[host], &query()).starts_with("KUBERNETES_SERVICE_PORT is not set"));
    assert!(why(&[host, ("KUBERNETES_SERVICE_PORT", "x")], &query()).contains("a bad port"));
    let namespace = Query {
        namespace: Some("..".to_owned()),
        ..query()
    };
    assert_eq!(
        why(&all, &namespace),
        "`..` is not a valid name of a namespace"
    );
    fs::write(folder.join("token"), " \n").unwrap();
    assert!(why(&all, &query()).ends_with("token: is empty"));
    fs::write(folder.join("token"), "x".repeat(70_000)).unwrap();
    assert!(why(&all, &query()).ends_with("token: is larger than 64 KiB"));
    fs::remove_file(folder.join("namespace")).unwrap();
    assert!(why(&all, &query()).contains("namespace: "));
    fs::write(folder.join("ca.crt"), "no certificate").unwrap();
    assert!(why(&all, &query()).contains("ca.crt: has no certificate in it"));
    assert!(pod.server.seen().is_empty());
}

#[test]
fn a_server_in_trouble_is_asked_again_and_waited_for() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let pod = with(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::new(429).with("retry-after", "1"),
        1 => Reply::new(500),
        2 => page(&["a"], ""),
        other => panic!("{other}"),
    });
    assert_eq!(pod.names("pods"), (vec!["a".to_owned()], Ok(())));
    let why = |reply: fn() -> Reply| {
        let pod = with(move |_| reply());
        match pod.names("pods").1 {
            Err(Refusal::Failed(why)) => (why, pod.lists().len()),
            other => panic!("{other:?}"),
        }
    };
    let (said, times) = why(|| Reply::new(503).body(r#"{"message": "etcd is gone\u0007"}"#));
    assert!(said.ends_with(" answers 503: etcd is gone"), "{said}");
    assert_eq!(times, 2);
    // It asks for a longer wait than the limit.
    let (said, times) = why(|| Reply::new(429).with("retry-after", "3600"));
    assert!(said.ends_with(" answers 429"), "{said}");
    assert_eq!(times, 1);
}

#[test]
fn hostile_answers_end() {
    let pages = |reply: fn(&Seen) -> Reply| {
        let pod = with(reply);
        let (names, done) = pod.names("pods");
        (names.len(), done.unwrap_err())
    };
    let failed = |reply: fn(&Seen) -> Reply, part: &str| {
        let why = match pages(reply).1 {
            Refusal::Failed(why) | Refusal::Interrupted(why) => why,
            other => panic!("{other:?}"),
        };
        assert!(why.contains(part), "{part}: {why}");
    };
    failed(|_| page(&["a"], "same"), "the same page again and again");
    failed(|_| Reply::new(200).body("<html>"), "does not hold objects");
    failed(|_| Reply::new(200), "did not answer with a list of objects");
    failed(
        |_| json(&json!({"items": [{"a": 1}]})),
        "did not answer with a list of objects",
    );
    failed(|_| Reply::new(200).body("[".repeat(100_000)), "is not JSON");
    failed(
        |_| Reply::Raw(b"SSH-2.0-OpenSSH\r\n".to_vec()),
        "does not answer in HTTP",
    );
    // An answer that breaks off may be complete next time.
    let (_, refusal) = pages(|_| {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n";
        Reply::Raw(format!("{head}{{\"kind\": \"PodList\"").into_bytes())
    });
    assert!(matches!(refusal, Refusal::Interrupted(_)), "{refusal:?}");
    // A page token that is too long is not sent.
    failed(
        |seen| match parameter(&seen.path, "continue") {
            "" => page(&["a"], &"x".repeat(20_000)),
            _ => panic!("asked"),
        },
        "longer than 16 kB",
    );
    // A single object that does not end.
    failed(
        |_| {
            let start = r#"{"kind": "PodList", "items": [{"metadata": {"name": ""#;
            Reply::new(200).body(format!("{start}{}", "x".repeat(65 << 20)))
        },
        "larger than 64 MiB",
    );
}

#[test]
fn a_server_that_says_nothing_is_left() {
    let limits = Limits {
        read: Duration::from_millis(300),
        ..LIMITS
    };
    let pod = with(|_| Reply::Hang);
    let api = pod.api(&query(), limits).unwrap();
    let done = api.get("pods", &mut |_| panic!("an object"));
    assert!(matches!(done, Err(Refusal::Failed(why)) if why.ends_with("took too long to answer")));
}

/// Discovery is not trusted more than the lists.
#[test]
fn names_of_an_api_stay_names() {
    let pod = pod(|seen| match seen.path.as_str() {
        "/apis/example.com" => {
            json(&json!({"versions": [{"version": "v1/../../secrets"}, {"version": "v2"}]}))
        }
        "/apis/example.com/v2" => json(
            &json!({"resources": [{"name": "widgets/../../x", "namespaced": true}, {"name": "widgets", "namespaced": true}]}),
        ),
        path if path.starts_with("/apis/example.com/v2/namespaces/shop/widgets?") => page(&[], ""),
        path => panic!("{path}"),
    });
    assert_eq!(pod.names("widgets.example.com"), (Vec::new(), Ok(())));
    assert_eq!(
        pod.names("widgets.example..com").1,
        Err(Refusal::NoSuchResource)
    );
}
