//! Credential helpers: `docker-credential-NAME`, as the user's own configuration names them.
//!
//! Starts the only process of the registry client. The name comes from the user's configuration, and the program is searched
//! only on `PATH`, in absolute folders: nothing from the tree that is checked can be started.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde::Deserialize;

use super::file::password_or_token;
use super::{Credentials, Environment, Secret};
use crate::printable;
use crate::program;

/// Long enough for a helper that prompts the user.
const PATIENCE: Duration = Duration::from_secs(60);
const LARGEST: u64 = 256 << 10;

pub(super) struct Helper {
    program: PathBuf,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Said {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

impl Helper {
    /// Finds a helper on `PATH`.
    ///
    /// # Errors
    /// If the name is not valid for a helper, or the helper is not on `PATH`.
    pub(super) fn find(name: &str, environment: &Environment) -> Result<Self, String> {
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        let shown = printable::brief(name);
        if !is_name {
            return Err(format!("`{shown}` is not the name of a credential helper"));
        }
        let name = format!("docker-credential-{name}");
        let path = environment.get("PATH").cloned().unwrap_or_default();
        match program::find(&name, path.as_ref()) {
            Some(program) => Ok(Self { program, name }),
            None => Err(format!("{name} is not on PATH")),
        }
    }

    /// Asks the helper for the credentials of a server. `None` if it has none.
    ///
    /// # Errors
    /// If the helper fails. The message does not quote its output.
    pub(super) fn get(
        &self,
        server: &str,
        environment: &Environment,
    ) -> Result<Option<Credentials>, String> {
        let failed = |what: &str| format!("{} {what}", self.name);
        let mut child = Command::new(&self.program)
            .arg("get")
            .env_clear()
            .envs(environment.all())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| failed(&format!("cannot be started: {error}")))?;
        let output = converse(&mut child, server);
        let Some(output) = output else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(failed("did not answer within a minute"));
        };
        let status = child.wait();
        let status = status.map_err(|error| failed(&format!("stopped answering: {error}")))?;
        if !status.success() {
            // This message is part of the helper protocol.
            let text = String::from_utf8_lossy(&output).to_lowercase();
            return match text.contains("credentials not found") {
                true => Ok(None),
                false => Err(failed("failed")),
            };
        }
        let said: Said = serde_json::from_slice(&output)
            .map_err(|_| failed("printed something other than credentials"))?;
        let secret = Secret::new(said.secret);
        if said.username.is_empty() && secret.is_empty() {
            return Ok(None);
        }
        Ok(Some(password_or_token(
            said.username,
            secret.expose().to_owned(),
        )))
    }
}

/// Writes the server and reads the answer. `None` on a timeout.
fn converse(child: &mut Child, server: &str) -> Option<Vec<u8>> {
    let (mut stdin, stdout) = (child.stdin.take()?, child.stdout.take()?);
    let server = server.to_owned();
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        // A helper may answer without reading its input.
        let _ = stdin.write_all(server.as_bytes());
        drop(stdin);
        let mut output = Vec::new();
        let _ = stdout.take(LARGEST).read_to_end(&mut output);
        let _ = sender.send(output);
    });
    receiver.recv_timeout(PATIENCE).ok()
}
