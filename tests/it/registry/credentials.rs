//! Credentials are sent to their registry and the token service that it names, and to no other host.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::server::{Reply, Seen, Server, honest};
use super::{ask, check, client, location, logged_in};
use regfix::registry::client::{Answer, Client};

/// The header for `user:pass`.
const BASIC: &str = "Basic dXNlcjpwYXNz";

fn wants_password(seen: &Seen) -> Reply {
    match seen.header("authorization") {
        BASIC => honest(seen),
        _ => Reply::error(401, "UNAUTHORIZED").with("www-authenticate", "Basic realm=\"test\""),
    }
}

/// Requires a token of the service at `realm`, and accepts the one for the repository.
fn wants_token(realm: String) -> impl Fn(&Seen) -> Reply {
    move |seen| {
        let name = seen.path.strip_prefix("/v2/").unwrap();
        let name = name.split("/manifests/").next().unwrap();
        let name = name.split("/tags/").next().unwrap();
        match seen.header("authorization") {
            header if header == format!("Bearer token-{name}") => honest(seen),
            _ => Reply::error(401, "UNAUTHORIZED").with(
                "www-authenticate",
                format!(r#"Bearer realm="{realm}",service="the registry",scope="repository:{name}:pull""#),
            ),
        }
    }
}

/// Issues a token for any repository to anybody, except for those that start with `private`.
fn gives_token(seen: &Seen) -> Reply {
    let (_, query) = seen.path.split_once('?').unwrap_or(("", &seen.body));
    let scope = query
        .split('&')
        .find_map(|field| field.strip_prefix("scope="))
        .unwrap();
    let name = scope.split("%3A").nth(1).unwrap().replace("%2F", "/");
    let is_known =
        seen.header("authorization") == BASIC || seen.body.contains("refresh_token=identity");
    match name.starts_with("private") && !is_known {
        true => Reply::error(401, "UNAUTHORIZED"),
        false => Reply::new(200).body(format!(
            r#"{{"access_token":"token-{name}","expires_in":300}}"#
        )),
    }
}

#[test]
fn a_password_goes_out_when_the_registry_asks() {
    let server = Server::start(wants_password);
    let folder = tempfile::tempdir().unwrap();
    let settings = logged_in(&server, &server.host(), "user:pass", folder.path());
    let client = Client::new(&settings).unwrap();
    for tag in ["1", "2", "3"] {
        check(&ask(&client, &server, &format!("a:{tag}")), "available", "");
    }
    check(&ask(&client, &server, "a:gone"), "gone", "");
    let sent: Vec<String> = server
        .seen()
        .iter()
        .map(|seen| seen.header("authorization").to_owned())
        .collect();
    assert_eq!(sent, ["", BASIC, BASIC, BASIC, BASIC, BASIC]);
}

#[test]
fn no_password_or_a_wrong_one() {
    let server = Server::start(wants_password);
    check(
        &ask(&client(&server), &server, "a:1"),
        "needs-credentials",
        "wants a login",
    );
    assert_eq!(server.lines(), ["HEAD /v2/a/manifests/1"]);
    let folder = tempfile::tempdir().unwrap();
    let settings = logged_in(
        &server,
        &server.host(),
        "user:hidden-password",
        folder.path(),
    );
    let answer = ask(&Client::new(&settings).unwrap(), &server, "a:1");
    check(&answer, "denied", "");
    assert!(!format!("{answer:?}").contains("hidden"));
    assert_eq!(server.lines().len(), 2, "it is not tried again");
    // Credentials for another host are not used for this one.
    let settings = logged_in(&server, "localhost", "user:pass", folder.path());
    check(
        &ask(&Client::new(&settings).unwrap(), &server, "a:1"),
        "needs-credentials",
        "",
    );
}

#[test]
fn a_token_is_shared_by_the_images_of_a_repository() {
    let service = Server::start(gives_token);
    let server = Server::start(wants_token(service.url("/token?x=y")));
    let client = client(&server);
    for image in ["a/b:1", "a/b:2", "a/b:3", "c:1", "c:2"] {
        check(&ask(&client, &server, image), "available", "");
    }
    let asked: Vec<String> = service
        .seen()
        .iter()
        .map(|seen| seen.path.clone())
        .collect();
    assert_eq!(
        asked,
        [
            "/token?x=y&service=the%20registry&scope=repository%3Aa%2Fb%3Apull",
            "/token?x=y&service=the%20registry&scope=repository%3Ac%3Apull",
        ]
    );
    // The first request learned about the token service; later requests go there first.
    assert_eq!(server.lines().len(), 5);
    check(
        &ask(&client, &server, "private/a:1"),
        "needs-credentials",
        "UNAUTHORIZED",
    );
    check(&ask(&client, &server, "c:gone"), "gone", "");
}

#[test]
fn the_service_gets_the_password_and_the_registry_the_token() {
    let service = Server::start(gives_token);
    let server = Server::start(wants_token(service.url("/token")));
    let folder = tempfile::tempdir().unwrap();
    let settings = logged_in(&server, &server.host(), "user:pass", folder.path());
    let client = Client::new(&settings).unwrap();
    check(&ask(&client, &server, "private/a:1"), "available", "");
    assert!(
        service
            .seen()
            .iter()
            .all(|seen| seen.header("authorization") == BASIC)
    );
    let sent: Vec<String> = server
        .seen()
        .iter()
        .map(|seen| seen.header("authorization").to_owned())
        .collect();
    assert_eq!(sent, ["", "Bearer token-private/a"]);
    let settings = logged_in(&server, &server.host(), "user:wrong", folder.path());
    check(
        &ask(&Client::new(&settings).unwrap(), &server, "private/a:1"),
        "denied",
        "",
    );
}

#[test]
fn an_identity_token_goes_to_the_service_in_a_form() {
    let service = Server::start(gives_token);
    let server = Server::start(wants_token(service.url("/token")));
    let folder = tempfile::tempdir().unwrap();
    let mut settings = logged_in(&server, "x", "x:x", folder.path());
    let text = format!(
        r#"{{"auths": {{"{}": {{"identitytoken": "identity"}}}}}}"#,
        server.host()
    );
    std::fs::write(&settings.auth_files[0], text).unwrap();
    settings.connection.limits.retries = 0;
    let client = Client::new(&settings).unwrap();
    check(&ask(&client, &server, "private/a:1"), "available", "");
    let seen = service.seen();
    assert_eq!(
        (seen[0].method.as_str(), seen[0].path.as_str()),
        ("POST", "/token")
    );
    assert!(seen[0].body.contains("grant_type=refresh_token"));
}

#[test]
fn a_token_that_is_no_longer_good_is_fetched_anew() {
    let service = Server::start(gives_token);
    let served = Arc::new(AtomicUsize::new(0));
    let honest = wants_token(service.url("/token"));
    let count = Arc::clone(&served);
    let server = Server::start(move |seen: &Seen| {
        let is_asked =
            seen.path.contains("/manifests/") && !seen.header("authorization").is_empty();
        match is_asked && count.fetch_add(1, Ordering::SeqCst) == 1 {
            true => honest(&Seen {
                headers: Default::default(),
                ..seen.clone()
            }),
            false => honest(seen),
        }
    });
    let client = client(&server);
    for tag in ["1", "2", "3"] {
        check(&ask(&client, &server, &format!("a:{tag}")), "available", "");
    }
    assert_eq!(service.seen().len(), 2);
}

#[test]
fn a_registry_that_never_lets_one_in_is_not_asked_for_ever() {
    let service = Server::start(gives_token);
    let realm = service.url("/token");
    let server = Server::start(move |seen: &Seen| match seen.path.as_str() {
        "/v2/" => Reply::new(200),
        // It asks for another scope each time.
        _ => Reply::error(401, "UNAUTHORIZED").with(
            "www-authenticate",
            format!(
                r#"Bearer realm="{realm}",scope="repository:x{}:pull""#,
                seen.header("authorization").len()
            ),
        ),
    });
    check(
        &ask(&client(&server), &server, "a:1"),
        "needs-credentials",
        "",
    );
    assert!(server.lines().len() <= 3, "{:?}", server.lines());
    assert!(service.seen().len() <= 3);
}

#[test]
fn more_than_reading_is_never_asked_for() {
    let service = Server::start(|seen: &Seen| {
        let scopes = seen.path.matches("scope=").count();
        Reply::new(200).body(format!(r#"{{"token":"with-{scopes}"}}"#))
    });
    let realm = service.url("/token");
    let server = Server::start(move |seen: &Seen| {
        let scope = match seen.path.split('/').nth(2).unwrap() {
            "" => return Reply::new(200),
            // A proxy that forwards the scope of the registry behind it.
            "mapped" => "repository:behind/mapped:pull",
            "greedy" => "repository:greedy:pull,push,delete",
            _ => "registry:catalog:*",
        };
        match seen.header("authorization") {
            "Bearer with-2" => honest(seen),
            _ => Reply::error(401, "UNAUTHORIZED").with(
                "www-authenticate",
                format!(r#"Bearer realm="{realm}",scope="{scope}""#),
            ),
        }
    });
    let client = client(&server);
    check(&ask(&client, &server, "mapped:1"), "available", "");
    check(&ask(&client, &server, "greedy:1"), "needs-credentials", "");
    check(&ask(&client, &server, "odd:1"), "needs-credentials", "");
    for seen in service.seen() {
        assert!(
            !seen.path.contains("push") && !seen.path.contains("catalog"),
            "{}",
            seen.path
        );
    }
}

#[test]
fn a_redirect_gets_no_credentials() {
    let elsewhere = Server::start(|seen: &Seen| match seen.path.as_str() {
        "/asks/a" => {
            Reply::error(401, "UNAUTHORIZED").with("www-authenticate", "Basic realm=\"x\"")
        }
        "/gone/a" => Reply::error(404, "MANIFEST_UNKNOWN"),
        _ => honest(seen),
    });
    let target = elsewhere.url("");
    let server = Server::start(move |seen: &Seen| {
        let name = seen.path.split('/').nth(2).unwrap();
        let location = match name {
            _ if seen.header("authorization") != BASIC => return wants_password(seen),
            "here" if !seen.path.contains("/2/") => format!("/v2/here/manifests/{}", "2/x"),
            "here" => return honest(seen),
            "back" if seen.path.ends_with("?again") => return honest(seen),
            name => format!("{target}/{name}/manifests/1"),
        };
        Reply::new(307).with("location", location)
    });
    let folder = tempfile::tempdir().unwrap();
    let settings = logged_in(&server, &server.host(), "user:pass", folder.path());
    let client = Client::new(&settings).unwrap();
    check(&ask(&client, &server, "away:1"), "available", "");
    assert_eq!(elsewhere.seen().len(), 1);
    for seen in elsewhere.seen() {
        assert_eq!(seen.header("authorization"), "", "{seen:?}");
    }
}

#[test]
fn what_a_redirect_leads_to_is_not_logged_in_to() {
    // This server asks for the password of the registry, and names its own token service.
    let service = Server::start(gives_token);
    let realm = service.url("/token");
    let elsewhere = Server::start(move |seen: &Seen| match seen.path.contains("basic") {
        true => wants_password(seen),
        false => Reply::error(401, "UNAUTHORIZED")
            .with("www-authenticate", format!(r#"Bearer realm="{realm}""#)),
    });
    let target = elsewhere.url("");
    let server = Server::start(move |seen: &Seen| match seen.path.as_str() {
        "/v2/" => Reply::new(200),
        path => Reply::new(302).with("location", format!("{target}{path}")),
    });
    let folder = tempfile::tempdir().unwrap();
    let mut settings = logged_in(&server, &server.host(), "user:pass", folder.path());
    settings.auth_files.push(folder.path().join("more.json"));
    let text = format!(
        r#"{{"auths": {{"{}": {{"auth": "dXNlcjpwYXNz"}}}}}}"#,
        elsewhere.host()
    );
    std::fs::write(&settings.auth_files[1], text).unwrap();
    let client = Client::new(&settings).unwrap();
    for image in ["basic:1", "bearer:1"] {
        check(
            &ask(&client, &server, image),
            "unreachable",
            "redirects to a host that asks for a login",
        );
    }
    assert!(service.seen().is_empty());
    let sent = elsewhere.seen();
    assert!(
        sent.iter()
            .all(|seen| seen.header("authorization").is_empty())
    );
}

#[test]
fn what_comes_back_from_elsewhere_is_not_ours() {
    let server = Server::start(|seen: &Seen| match seen.path.as_str() {
        "/v2/" => Reply::new(200),
        path => match seen.header("authorization") {
            BASIC => Reply::new(307).with(
                "location",
                format!(
                    "http://localhost:{}{path}",
                    seen.header("host").split(':').nth(1).unwrap()
                ),
            ),
            // Under its other name it redirects back.
            _ if seen.header("host").starts_with("localhost") => {
                let port = seen.header("host").split(':').nth(1).unwrap().to_owned();
                Reply::new(307).with("location", format!("http://127.0.0.1:{port}/v2/back"))
            }
            _ => wants_password(seen),
        },
    });
    let folder = tempfile::tempdir().unwrap();
    let mut settings = logged_in(&server, &server.host(), "user:pass", folder.path());
    settings.connection.insecure.push("localhost".to_owned());
    let client = Client::new(&settings).unwrap();
    check(
        &ask(&client, &server, "a:1"),
        "unreachable",
        "redirects to a host that asks for a login",
    );
    let back = server
        .seen()
        .into_iter()
        .find(|seen| seen.path == "/v2/back")
        .unwrap();
    assert_eq!(back.header("authorization"), "");
}

#[test]
fn realms_and_redirects_to_odd_places() {
    let server = Server::start(|seen: &Seen| {
        let name = seen.path.split('/').nth(2).unwrap();
        let realm = |realm: &str| {
            Reply::error(401, "UNAUTHORIZED")
                .with("www-authenticate", format!("Bearer realm=\"{realm}\""))
        };
        let redirect = |location: &str| Reply::new(302).with("location", location);
        match name {
            "" => Reply::new(200),
            "metadata" => realm("http://169.254.169.254/token"),
            "metadata-6" => realm("https://[::ffff:169.254.169.254]/token"),
            "plain" => realm("http://192.0.2.1/token"),
            "file" => realm("file:///etc/passwd"),
            "user" => realm("https://user:password@127.0.0.1/token"),
            "nothing" => realm(""),
            "to-metadata" => redirect("http://169.254.169.254/latest/meta-data/"),
            "to-file" => redirect("file:///etc/passwd"),
            "to-plain" => redirect("http://192.0.2.1/"),
            "to-itself" => redirect(&seen.path),
            "to-nothing" => redirect(""),
            "to-user" => redirect("https://user:password@127.0.0.1/"),
            _ => Reply::new(302),
        }
    });
    for (name, reason) in [
        ("metadata", "is not https"),
        ("metadata-6", "link-local or reserved address"),
        ("plain", "is not https"),
        ("file", "a malformed URL"),
        ("user", "a user name in it"),
        ("to-metadata", "is not https"),
        ("to-file", "a malformed URL"),
        ("to-plain", "is not https"),
        ("to-itself", "redirects more than 5 times"),
        ("to-nothing", "redirects more than 5 times"),
        ("to-user", "a user name in it"),
        ("without-location", "answers 302"),
    ] {
        // A new client each time, because what a client learns about tokens applies to the whole registry.
        let answer = ask(&client(&server), &server, &format!("{name}:1"));
        check(&answer, "unreachable", reason);
        let shown = format!("{answer:?}");
        assert!(
            !shown.contains("password") && !shown.contains("meta-data"),
            "{shown}"
        );
    }
    check(
        &ask(&client(&server), &server, "nothing:1"),
        "needs-credentials",
        "",
    );
}

#[test]
fn a_registry_that_shows_less_to_nobody() {
    // The registry never asks for a login.
    let server = Server::start(|seen: &Seen| match seen.header("authorization") {
        BASIC => honest(seen),
        _ if seen.path == "/v2/" => Reply::new(200),
        _ => Reply::error(404, "NAME_UNKNOWN"),
    });
    let answer = ask(&client(&server), &server, "hidden:1");
    assert!(
        matches!(
            answer,
            Answer::Missing {
                anonymous: true,
                ..
            }
        ),
        "{answer:?}"
    );
    let folder = tempfile::tempdir().unwrap();
    let settings = logged_in(&server, &server.host(), "user:pass", folder.path());
    let client = Client::new(&settings).unwrap();
    check(&ask(&client, &server, "hidden:1"), "available", "");
    let answer = ask(&client, &server, "hidden:gone");
    assert!(
        matches!(
            answer,
            Answer::Missing {
                anonymous: false,
                ..
            }
        ),
        "{answer:?}"
    );
}

#[test]
fn a_token_that_is_none() {
    let service = Server::start(|seen: &Seen| {
        let body = match () {
            () if seen.path.contains("Abreak%3A") => r#"{"token":"a\r\nX-Evil: 1"}"#,
            () if seen.path.contains("Aempty%3A") => r#"{"token":""}"#,
            () if seen.path.contains("Alist%3A") => "[]",
            () => "<html>",
        };
        Reply::new(200).body(body)
    });
    let server = Server::start(wants_token(service.url("/token")));
    for name in ["break", "empty", "list", "html"] {
        let answer = ask(&client(&server), &server, &format!("{name}:1"));
        check(&answer, "unreachable", "token");
    }
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let server = Server::start(honest);
    let folder = tempfile::tempdir().unwrap();
    let mut settings = super::settings(&server);
    settings.auth_files = vec![folder.path().join("none.json")];
    let Err(error) = Client::new(&settings) else {
        panic!("no error");
    };
    assert!(
        error.contains("none.json: there is no such file"),
        "{error}"
    );
    std::fs::write(&settings.auth_files[0], "{").unwrap();
    assert!(Client::new(&settings).is_err());
}

#[test]
fn files_in_their_usual_locations() {
    let server = Server::start(wants_password);
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        r#"{{"auths": {{"{}": {{"auth": "dXNlcjpwYXNz"}}}}}}"#,
        server.host()
    );
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for (file, variable, value) in [
        (".docker/config.json", "HOME", ""),
        (".config/containers/auth.json", "HOME", ""),
        (".dockercfg", "HOME", ""),
        ("d/config.json", "DOCKER_CONFIG", "d"),
        ("r/containers/auth.json", "XDG_RUNTIME_DIR", "r"),
        ("c/containers/auth.json", "XDG_CONFIG_HOME", "c"),
        ("any.json", "REGISTRY_AUTH_FILE", "any.json"),
    ] {
        let file = folder.path().join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &config).unwrap();
        let mut settings = super::settings(&server);
        settings.connection.environment = super::Environment::of(&[(variable, &path(value))]);
        let client = Client::new(&settings).unwrap();
        check(&ask(&client, &server, "a:1"), "available", "");
        std::fs::write(&file, "not JSON").unwrap();
        let client = Client::new(&settings).unwrap();
        let warnings = client.warnings();
        assert!(
            warnings[0].ends_with("its credentials are not used"),
            "{warnings:?}"
        );
        check(
            &client.ask(&location(&server, "a:1"), false),
            "needs-credentials",
            "",
        );
        std::fs::remove_file(&file).unwrap();
    }
}
