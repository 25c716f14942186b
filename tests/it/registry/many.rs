//! A thousand images: the number of requests, and of simultaneous ones.

use std::collections::BTreeSet;
use std::time::Duration;

use super::server::{Reply, Seen, Server, honest};
use super::{client, location, settings};
use regfix::registry::client::Client;

#[test]
fn one_head_an_image_on_few_connections() {
    let server = Server::start(honest);
    let client = client(&server);
    let locations: Vec<_> = (0..1000)
        .map(|number| location(&server, &format!("team/app-{}:{number}", number % 50)))
        .collect();
    let answers = client.ask_all(&locations, false);
    assert!(answers.iter().all(|answer| answer.status() == "available"));
    assert_eq!(server.lines().len(), 1000);
    assert!(server.lines().iter().all(|line| line.starts_with("HEAD ")));
    let connections: BTreeSet<usize> = server.seen().iter().map(|seen| seen.connection).collect();
    // Slightly more than the limit per host, because a connection may be closed at the start.
    assert!(connections.len() <= 6, "{}", connections.len());
}

#[test]
fn so_many_at_a_time_for_each_registry() {
    let slow = |seen: &Seen| {
        std::thread::sleep(Duration::from_millis(5));
        honest(seen)
    };
    let servers = [Server::start(slow), Server::start(slow)];
    let mut settings = settings(&servers[0]);
    settings.connection.insecure.push(servers[1].host());
    settings.connection.per_host = 3;
    let locations: Vec<_> = (0..60)
        .map(|number| location(&servers[number % 2], &format!("a:{number}")))
        .collect();
    let answers = Client::new(&settings).unwrap().ask_all(&locations, false);
    assert!(answers.iter().all(|answer| answer.status() == "available"));
    for server in &servers {
        assert!((2..=3).contains(&server.busiest()), "{}", server.busiest());
    }
}

#[test]
fn one_challenge_for_all_and_one_token_a_repository() {
    let service = Server::start(|_: &Seen| {
        std::thread::sleep(Duration::from_millis(20));
        Reply::new(200).body(r#"{"token":"good"}"#)
    });
    let realm = service.url("/token");
    let server = Server::start(move |seen: &Seen| match seen.header("authorization") {
        "Bearer good" => honest(seen),
        _ => Reply::error(401, "UNAUTHORIZED").with(
            "www-authenticate",
            format!("Bearer realm=\"{realm}\",service=s"),
        ),
    });
    let locations: Vec<_> = (0..200)
        .map(|number| location(&server, &format!("app-{}:{number}", number % 8)))
        .collect();
    let answers = client(&server).ask_all(&locations, false);
    assert!(answers.iter().all(|answer| answer.status() == "available"));
    assert_eq!(service.seen().len(), 8);
    // The root of the API had already answered which token it requires.
    assert_eq!(server.lines().len(), 200);
}
