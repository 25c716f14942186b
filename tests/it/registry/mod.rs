//! The registry client against our own registries: honest, faulty and hostile ones.

mod answers;
mod cli;
mod cluster;
mod credentials;
mod exporter;
mod faults;
mod many;
mod mirror;
pub(crate) mod server;
mod tags;
mod verify;

use std::path::Path;
use std::time::Duration;

use regfix::registry::client::{Answer, Client, Environment, Limits, Location, Settings};

use server::Server;

/// Returns settings with time limits that are short for tests but long enough for a busy machine.
pub(crate) fn settings(server: &Server) -> Settings {
    let mut settings = Settings::new(Environment::of(&[]));
    settings.connection.insecure = vec![server.host()];
    settings.connection.limits = Limits {
        connect: Duration::from_secs(10),
        read: Duration::from_secs(10),
        total: Duration::from_secs(20),
        retries: 2,
        wait: Duration::from_secs(10),
    };
    settings
}

fn client(server: &Server) -> Client {
    Client::new(&settings(server)).unwrap()
}

/// Returns settings with a user name and a password for a host.
fn logged_in(server: &Server, host: &str, pair: &str, folder: &Path) -> Settings {
    use base64::Engine;
    let auth = base64::engine::general_purpose::STANDARD.encode(pair);
    let path = folder.join("auth.json");
    let text = format!(r#"{{"auths": {{"{host}": {{"auth": "{auth}"}}}}}}"#);
    std::fs::write(&path, text).unwrap();
    let mut settings = settings(server);
    settings.auth_files = vec![path];
    settings
}

fn location(server: &Server, image: &str) -> Location {
    Location::parse(&format!("{}/{image}", server.host())).unwrap()
}

fn ask(client: &Client, server: &Server, image: &str) -> Answer {
    client.ask(&location(server, image), false)
}

#[track_caller]
fn check(answer: &Answer, status: &str, reason: &str) {
    assert_eq!(answer.status(), status, "{answer:?}");
    let said = answer.reason().unwrap_or_default();
    assert!(said.contains(reason), "{reason}: {answer:?}");
}
