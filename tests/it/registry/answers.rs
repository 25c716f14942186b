//! Every kind of answer of a registry; only "gone" counts as gone.

use std::net::TcpListener;

use super::server::{OCI_INDEX, OCI_MANIFEST, Reply, Seen, Server, digest, honest, index};
use super::{ask, check, client, location, logged_in, settings};
use regfix::registry::client::{Answer, Client, Location, Mirror};

const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

#[test]
fn what_is_there_costs_one_head() {
    let server = Server::start(honest);
    let answer = ask(&client(&server), &server, "a/b:1");
    let expected = Answer::Exists {
        digest: digest(&index("/v2/a/b:1")),
        media_type: OCI_INDEX.to_owned(),
        platforms: Vec::new(),
    };
    assert_eq!(answer, expected);
    assert_eq!(server.lines(), ["HEAD /v2/a/b/manifests/1"]);
    let seen = server.seen();
    let accept = seen.last().unwrap().header("accept");
    for media_type in [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST] {
        assert!(accept.contains(media_type), "{accept}");
    }
}

#[test]
fn what_is_gone() {
    let server = Server::start(honest);
    let client = client(&server);
    let answer = ask(&client, &server, "a:gone");
    let expected = Answer::Missing {
        reason: "MANIFEST_UNKNOWN: says the test".to_owned(),
        anonymous: true,
    };
    assert_eq!(answer, expected);
    // The answer to HEAD does not include a reason, so GET follows.
    assert_eq!(
        server.lines(),
        ["HEAD /v2/a/manifests/gone", "GET /v2/a/manifests/gone"]
    );
}

/// All other answers do not mean that the image is gone.
#[test]
fn what_is_not_known_to_be_gone() {
    let server = Server::start(|seen: &Seen| match seen.path.as_str() {
        "/v2/" => Reply::new(200),
        path => match path.rsplit('/').next().unwrap() {
            "html-404" => Reply::new(404)
                .with("content-type", "text/html")
                .body("<html>gone</html>"),
            "html-200" => Reply::new(200)
                .with("content-type", "text/html")
                .body("<html>log in</html>"),
            "json-200" => Reply::new(200)
                .with("content-type", "application/json")
                .body("{}"),
            "empty-404" => Reply::new(404),
            "other-404" => Reply::error(404, "BLOB_UPLOAD_UNKNOWN"),
            "410" => Reply::error(410, "MANIFEST_UNKNOWN"),
            "400" => Reply::error(400, "MANIFEST_UNKNOWN"),
            "403" => Reply::error(403, "DENIED"),
            "401" => Reply::error(401, "UNAUTHORIZED"),
            "500" => Reply::error(500, "MANIFEST_UNKNOWN"),
            "head-404" if seen.method == "HEAD" => Reply::new(404),
            "head-405" if seen.method == "HEAD" => Reply::new(405),
            "head-bare" if seen.method == "HEAD" => Reply::new(200),
            tag => Reply::manifest(OCI_INDEX, &index(tag)),
        },
    });
    for (tag, status, reason) in [
        (
            "html-404",
            "unreachable",
            "answers 404, but not as a registry",
        ),
        (
            "empty-404",
            "unreachable",
            "answers 404, but not as a registry",
        ),
        (
            "other-404",
            "unreachable",
            "answers 404, but not as a registry",
        ),
        ("html-200", "unreachable", "not a manifest"),
        ("json-200", "unreachable", "not a manifest"),
        ("410", "unreachable", "answers 410"),
        ("400", "unreachable", "answers 400"),
        ("403", "denied", ""),
        ("401", "needs-credentials", ""),
        ("500", "unreachable", "answers 500"),
        ("head-404", "available", ""),
        ("head-405", "available", ""),
        ("head-bare", "available", ""),
    ] {
        // A new client each time, because a client stops asking a host after several failures.
        check(
            &ask(&client(&server), &server, &format!("a:{tag}")),
            status,
            reason,
        );
    }
}

#[test]
fn nobody_there() {
    // A port on which no server listens.
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let server = Server::start(honest);
    let mut settings = settings(&server);
    settings.connection.insecure.push(free.to_string());
    settings.connection.limits.retries = 0;
    let client = Client::new(&settings).unwrap();
    for name in [format!("{free}/a:1"), "host.invalid/a:1".to_owned()] {
        let location = Location::parse(&name).unwrap();
        check(&client.ask(&location, false), "unreachable", "");
    }
    // Plain HTTP that is not allowed.
    settings.connection.insecure.clear();
    let plain = Client::new(&settings);
    let answer = ask(&plain.unwrap(), &server, "a:1");
    check(&answer, "unreachable", "");
    assert!(server.seen().is_empty());
}

#[test]
fn an_index_is_read_for_its_platforms() {
    let server = Server::start(honest);
    let answer = client(&server).ask(&location(&server, "a:1"), true);
    let Answer::Exists { platforms, .. } = answer else {
        panic!("{answer:?}");
    };
    let platforms: Vec<String> = platforms.iter().map(ToString::to_string).collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
    assert_eq!(server.lines(), ["GET /v2/a/manifests/1"]);
}

#[test]
fn a_single_image_says_in_its_configuration_what_it_runs_on() {
    const CONFIG: &str = r#"{"os":"linux","architecture":"arm","variant":"v7","rootfs":{}}"#;
    let server = Server::start(|seen: &Seen| {
        let named = digest(CONFIG.as_bytes());
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{DOCKER_MANIFEST}","config":{{"digest":"{named}"}},"layers":[]}}"#
        );
        match seen.path.as_str() {
            "/v2/" => Reply::new(200),
            "/v2/a/manifests/1" => Reply::manifest(DOCKER_MANIFEST, manifest.as_bytes()),
            "/v2/lie/manifests/1" => Reply::manifest(DOCKER_MANIFEST, manifest.as_bytes()),
            path if path.starts_with("/v2/a/blobs/") => Reply::new(200).body(CONFIG),
            path if path.starts_with("/v2/lie/blobs/") => Reply::new(200).body("{}"),
            _ => Reply::error(404, "BLOB_UNKNOWN"),
        }
    });
    let client = client(&server);
    let answer = client.ask(&location(&server, "a:1"), true);
    let Answer::Exists { platforms, .. } = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(platforms[0].to_string(), "linux/arm/v7");
    check(
        &client.ask(&location(&server, "lie:1"), true),
        "unreachable",
        "was asked for or announced",
    );
}

#[test]
fn lies_about_digests() {
    let honest = digest(&index("x"));
    let other = digest(b"other");
    let (asked, announced) = (honest.clone(), other.clone());
    let server = Server::start(move |seen: &Seen| {
        let reply = Reply::new(200).with("content-type", OCI_INDEX);
        match seen.path.split('/').nth(2).unwrap() {
            "" => Reply::new(200),
            // The digest in the header is not that of the body.
            "header" => reply
                .with("docker-content-digest", &announced)
                .body(index("x")),
            // The manifest is not the requested one.
            "body" => reply.body(index("y")),
            "malformed" => reply
                .with("docker-content-digest", "sha256:XYZ")
                .body(index("x")),
            _ => reply
                .with("docker-content-digest", digest(&index("x")))
                .body(index("x")),
        }
    });
    let client = client(&server);
    let lie = "was asked for or announced";
    for (image, platforms, status) in [
        (format!("good@{asked}"), false, "available"),
        (format!("good@{asked}"), true, "available"),
        (format!("good@{other}"), false, "unreachable"),
        (format!("good@{other}"), true, "unreachable"),
        ("header:1".to_owned(), true, "unreachable"),
        (format!("header@{asked}"), false, "unreachable"),
        (format!("body@{asked}"), false, "unreachable"),
        ("malformed:1".to_owned(), false, "available"),
    ] {
        let answer = client.ask(&location(&server, &image), platforms);
        let reason = if status == "available" { "" } else { lie };
        check(&answer, status, reason);
        if let Answer::Exists { digest, .. } = answer {
            assert_eq!(digest, honest);
        }
    }
}

#[test]
fn a_mirror_is_asked_instead() {
    let server = Server::start(honest);
    let mut settings = settings(&server);
    settings.mirrors = vec![
        Mirror::parse(&format!(
            "registry.example.com/team={}/mirror",
            server.host()
        ))
        .unwrap(),
    ];
    let client = Client::new(&settings).unwrap();
    let location = Location::parse("registry.example.com/team/app:1").unwrap();
    check(&client.ask(&location, false), "available", "");
    assert_eq!(server.lines(), ["HEAD /v2/mirror/app/manifests/1"]);
}

#[test]
fn answers_are_kept_for_as_long_as_asked() {
    let server = Server::start(honest);
    let folder = tempfile::tempdir().unwrap();
    let mut settings = logged_in(
        &server,
        "elsewhere.example.com",
        "user:hidden-password",
        folder.path(),
    );
    let cache = folder.path().join("cache");
    settings.cache = Some((cache.clone(), std::time::Duration::from_secs(600)));
    for _ in 0..2 {
        let client = Client::new(&settings).unwrap();
        check(&ask(&client, &server, "a:1"), "available", "");
        check(&ask(&client, &server, "a:gone"), "gone", "");
    }
    assert_eq!(server.lines().len(), 3);
    for entry in std::fs::read_dir(cache).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("hidden") && !text.contains("user"), "{text}");
    }
}
