//! Servers that break, are slow, send too much, or do not speak HTTP: each request ends in time and without a panic.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::server::{OCI_INDEX, Reply, Seen, Server, digest, honest, index};
use super::{ask, check, client, location, settings};
use regfix::registry::client::{Client, Environment};

/// Starts a server that answers the first `times` requests for a manifest with a fault.
fn at_first(times: usize, fault: impl Fn() -> Reply + Send + Sync + 'static) -> Server {
    let count = Arc::new(AtomicUsize::new(0));
    Server::start(move |seen: &Seen| {
        let is_asked = seen.path.contains("/manifests/");
        match is_asked && count.fetch_add(1, Ordering::SeqCst) < times {
            true => fault(),
            false => honest(seen),
        }
    })
}

#[test]
fn what_breaks_is_asked_again() {
    let broken: [fn() -> Reply; 4] = [
        || Reply::Raw(Vec::new()),
        || Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec()),
        || Reply::new(502),
        || Reply::new(500),
    ];
    for fault in broken {
        let server = at_first(2, fault);
        check(&ask(&client(&server), &server, "a:1"), "available", "");
        assert_eq!(server.lines().len(), 3);
        let server = at_first(3, fault);
        check(
            &ask(&client(&server), &server, "a:1"),
            "unreachable",
            "127.0.0.1",
        );
    }
}

#[test]
fn a_body_that_ends_too_soon_is_asked_for_again() {
    let server = at_first(1, || {
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: {OCI_INDEX}\r\ncontent-length: 5000\r\n\r\n");
        Reply::Raw([head.as_bytes(), &index("x")[..40]].concat())
    });
    check(
        &client(&server).ask(&location(&server, "a:1"), true),
        "available",
        "",
    );
    assert_eq!(server.lines().len(), 2);
}

#[test]
fn a_host_that_fails_is_not_asked_a_thousand_times() {
    let server = Server::start(|seen: &Seen| match seen.path.as_str() {
        "/v2/" => Reply::new(200),
        _ => Reply::Raw(Vec::new()),
    });
    let mut settings = settings(&server);
    settings.connection.limits.retries = 0;
    let client = Client::new(&settings).unwrap();
    let locations: Vec<_> = (0..1000)
        .map(|tag| location(&server, &format!("a:{tag}")))
        .collect();
    let answers = client.ask_all(&locations, false);
    assert!(
        answers
            .iter()
            .all(|answer| answer.status() == "unreachable")
    );
    // Three requests, and those already under way.
    assert!(
        server.lines().len() <= 3 + settings.connection.per_host,
        "{}",
        server.lines().len()
    );
}

#[test]
fn what_takes_too_long_ends() {
    let slow: [fn() -> Reply; 3] = [
        || Reply::Hang,
        || {
            Reply::Drip(
                b"HTTP/1.1 200 OK\r\nx: "
                    .iter()
                    .chain(&[b'y'; 10_000])
                    .copied()
                    .collect(),
            )
        },
        || {
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n";
            Reply::Drip(head.iter().chain(&[b' '; 10_000]).copied().collect())
        },
    ];
    for fault in slow {
        let server = at_first(9, fault);
        let mut settings = settings(&server);
        settings.connection.limits.read = Duration::from_millis(400);
        settings.connection.limits.total = Duration::from_millis(1200);
        let began = Instant::now();
        let answer = Client::new(&settings)
            .unwrap()
            .ask(&location(&server, "a:1"), true);
        check(&answer, "unreachable", "took too long");
        assert!(began.elapsed() < Duration::from_secs(60));
        // There is no request at all if the machine is so busy that the time was over before.
        assert!(server.lines().len() <= 1, "what is slow is not asked again");
    }
}

#[test]
fn what_is_too_large_is_not_read() {
    // A body of announced length, an unfinished chunked body, and headers.
    let large: [fn() -> Reply; 4] = [
        || {
            Reply::new(200)
                .with("content-type", OCI_INDEX)
                .body(vec![b' '; 5 << 20])
        },
        || {
            let piece = [b"100000\r\n", vec![b' '; 1 << 20].as_slice(), b"\r\n"].concat();
            let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
            Reply::Raw([head, piece.repeat(8)].concat())
        },
        || Reply::new(200).with("x-large", "y".repeat(200 << 10)),
        || {
            let many = (0..5000).map(|number| format!("x-{number}: y\r\n"));
            Reply::Raw(format!("HTTP/1.1 200 OK\r\n{}\r\n", many.collect::<String>()).into_bytes())
        },
    ];
    for fault in large {
        let server = at_first(9, fault);
        check(
            &client(&server).ask(&location(&server, "a:1"), true),
            "unreachable",
            "127.0.0.1",
        );
    }
}

#[test]
fn what_is_no_http() {
    let odd: [&[u8]; 9] = [
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 999999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        b"\0\0\0\0\0\0\0\0",
    ];
    for bytes in odd {
        let server = Server::start(move |seen: &Seen| match seen.path.as_str() {
            "/v2/" => Reply::new(200),
            _ => Reply::Raw(bytes.to_vec()),
        });
        let mut settings = settings(&server);
        settings.connection.limits.retries = 0;
        let answer = Client::new(&settings)
            .unwrap()
            .ask(&location(&server, "a:1"), true);
        check(&answer, "unreachable", "");
    }
}

#[test]
fn hostile_headers_and_messages() {
    let server = Server::start(|seen: &Seen| {
        match seen.path.split('/').nth(2).unwrap() {
        "" => Reply::new(200),
        "message" => Reply::new(403).body(
            r#"{"errors":[{"code":"DENIED","message":"\u001b[2J\u001b]0;title\u0007 all is well\r\n0 findings"}]}"#,
        ),
        "deep" => Reply::new(404).body("[".repeat(60_000)),
        "utf-8" => Reply::Raw(
            b"HTTP/1.1 200 OK\r\ndocker-content-digest: \xff\xfe\r\ncontent-type: \xff\r\ncontent-length: 0\r\n\r\n".to_vec(),
        ),
        "twice" => Reply::new(200)
            .with("content-type", OCI_INDEX)
            .with("docker-content-digest", digest(&index("x")))
            .with("docker-content-digest", "sha256:0"),
        _ => Reply::error(401, "UNAUTHORIZED").with("www-authenticate", "Bearer \"\\,=,=,,Basic=\"\"\"".repeat(500)),
    }
    });
    let client = client(&server);
    let answer = ask(&client, &server, "message:1");
    check(&answer, "denied", "all is well 0 findings");
    assert!(
        !answer.reason().unwrap().contains(['\u{1b}', '\u{7}', '\n']),
        "{answer:?}"
    );
    check(&ask(&client, &server, "deep:1"), "unreachable", "");
    check(&ask(&client, &server, "utf-8:1"), "unreachable", "");
    check(&ask(&client, &server, "twice:1"), "available", "");
    check(
        &ask(&client, &server, "challenge:1"),
        "needs-credentials",
        "",
    );
}

#[test]
fn a_pause_is_made_where_the_registry_wants_one() {
    let server = at_first(1, || {
        Reply::error(429, "TOOMANYREQUESTS").with("retry-after", "1")
    });
    let began = Instant::now();
    check(&ask(&client(&server), &server, "a:1"), "available", "");
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.lines().len(), 2);
    // Without a `retry-after`.
    let server = at_first(2, || Reply::new(429));
    check(&ask(&client(&server), &server, "a:1"), "available", "");
    let server = at_first(1, || {
        Reply::new(503).with("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")
    });
    check(&ask(&client(&server), &server, "a:1"), "available", "");
}

#[test]
fn a_long_pause_ends_the_questions_to_that_registry() {
    let server = at_first(usize::MAX, || {
        Reply::error(429, "TOOMANYREQUESTS").with("retry-after", "3600")
    });
    let other = Server::start(honest);
    let mut settings = settings(&server);
    settings.connection.insecure.push(other.host());
    let client = Client::new(&settings).unwrap();
    let mut locations: Vec<_> = (0..100)
        .map(|tag| location(&server, &format!("a:{tag}")))
        .collect();
    locations.push(location(&other, "a:1"));
    let answers = client.ask_all(&locations, false);
    check(&answers[100], "available", "");
    for answer in &answers[..100] {
        check(answer, "rate-limited", "it can be asked again in");
    }
    assert!(server.lines().len() <= settings.connection.per_host);
    // The server may ask for any number of retries, but the client waits no longer than its limit.
    let server = at_first(usize::MAX, || {
        Reply::error(429, "TOOMANYREQUESTS").with("retry-after", "0")
    });
    settings.connection.insecure = vec![server.host()];
    settings.connection.limits.wait = Duration::from_millis(800);
    let client = Client::new(&settings).unwrap();
    check(&ask(&client, &server, "a:1"), "rate-limited", "");
    assert_eq!(server.lines().len(), 2);
}

#[test]
fn a_proxy_is_asked_for_names_and_not_for_loopback() {
    let proxy = Server::start(honest);
    let mut settings = settings(&proxy);
    settings
        .connection
        .insecure
        .push("registry.example".to_owned());
    let url = format!("http://user:secret@{}", proxy.host());
    settings.connection.environment =
        Environment::of(&[("HTTP_PROXY", &url), ("NO_PROXY", "past.example")]);
    settings.connection.limits.retries = 0;
    let client = Client::new(&settings).unwrap();
    let location = super::Location::parse("registry.example/a:1").unwrap();
    check(&client.ask(&location, false), "available", "");
    let seen = proxy.seen();
    assert_eq!(seen[0].line(), "CONNECT registry.example:80");
    assert_eq!(
        seen[0].header("proxy-authorization"),
        "Basic dXNlcjpzZWNyZXQ="
    );
    assert!(
        seen[1..]
            .iter()
            .all(|seen| seen.header("proxy-authorization").is_empty())
    );
    check(&ask(&client, &proxy, "b:1"), "available", "");
    let connects = |server: &Server| {
        server
            .seen()
            .iter()
            .filter(|seen| seen.method == "CONNECT")
            .count()
    };
    assert_eq!(connects(&proxy), 1);
    let past = super::Location::parse("past.example/a:1").unwrap();
    check(&client.ask(&past, false), "unreachable", "");
    assert_eq!(connects(&proxy), 1);
}
