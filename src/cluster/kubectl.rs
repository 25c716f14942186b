//! Live objects from `kubectl get -o json`, which knows the user's contexts, logins and proxies.
//!
//! Starts only `kubectl get`, which changes nothing. The program must be in an absolute folder on `PATH`.

use std::ffi::OsString;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::read;
use super::server::{Query, Refusal, Server};
use crate::program;

/// Runs `kubectl`, which is located once.
pub struct Kubectl {
    program: PathBuf,
    query: Query,
}

/// How many bytes of its standard error are kept.
const LONGEST: u64 = 64 << 10;

impl Kubectl {
    /// # Errors
    /// If there is no kubectl.
    pub fn find(query: Query) -> Result<Self, String> {
        match program::here("kubectl") {
            Some(program) => Ok(Self { program, query }),
            None => Err(
                "kubectl is not on PATH: install it, or read a saved dump with --from".to_owned(),
            ),
        }
    }

    fn arguments(&self, resource: &str) -> Vec<OsString> {
        let query = &self.query;
        let mut arguments: Vec<OsString> = vec!["get".into(), resource.into()];
        let mut add = |name: &str, value: &dyn AsRef<std::ffi::OsStr>| {
            let mut argument = OsString::from(format!("{name}="));
            argument.push(value);
            arguments.push(argument);
        };
        add("--output", &"json");
        add("--chunk-size", &query.chunk_size.to_string());
        if let Some(context) = &query.context {
            add("--context", context);
        }
        if let Some(kubeconfig) = &query.kubeconfig {
            add("--kubeconfig", kubeconfig);
        }
        if let Some(namespace) = &query.namespace {
            add("--namespace", namespace);
        }
        if let Some(selector) = query.selector_of(resource) {
            add("--selector", &selector);
        }
        if query.all_namespaces {
            arguments.push("--all-namespaces".into());
        }
        arguments
    }
}

impl Server for Kubectl {
    fn get(&self, resource: &str, each: &mut dyn FnMut(Value)) -> Result<(), Refusal> {
        let failed = |why: String| Refusal::Failed(why);
        let mut child = Command::new(&self.program)
            .args(self.arguments(resource))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed(format!("kubectl cannot be started: {error}")))?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(failed("kubectl cannot be read".to_owned()));
        };
        let words = std::thread::spawn(move || words(stderr));
        let read = read::read(stdout, each);
        if read.is_err() {
            let _ = child.kill();
        }
        let succeeded = succeeded(&mut child);
        let words = words.join().unwrap_or_default();
        match (read, succeeded) {
            (Ok(unread), true) if unread.pages > 0 => {
                Err(failed("kubectl returned only a part".to_owned()))
            }
            (Ok(_), true) => Ok(()),
            // Its own message is more useful than the error that nothing was read.
            (_, false) if !words.trim().is_empty() => Err(refusal(&words)),
            (Err(error), _) => Err(failed(format!("the output of kubectl {error}"))),
            (Ok(_), false) => Err(failed("kubectl failed".to_owned())),
        }
    }
}

/// Reads standard error to its end, so that kubectl never blocks. Drops what exceeds the limit.
fn words(mut stderr: impl Read) -> String {
    let mut kept = Vec::new();
    let _ = (&mut stderr).take(LONGEST).read_to_end(&mut kept);
    let _ = std::io::copy(&mut stderr, &mut std::io::sink());
    String::from_utf8_lossy(&kept).into_owned()
}

fn succeeded(child: &mut Child) -> bool {
    child.wait().is_ok_and(|status| status.success())
}

fn refusal(words: &str) -> Refusal {
    if words.contains("Error from server (Forbidden)") {
        return Refusal::Forbidden;
    }
    if words.contains("the server doesn't have a resource type") {
        return Refusal::NoSuchResource;
    }
    let is_said = |line: &&str| !line.trim().is_empty() && !is_log(line);
    let mut lines = words.lines().filter(is_said);
    let said = lines
        .clone()
        .find(|line| line.to_ascii_lowercase().contains("error"));
    // The lines after the first are advice.
    let said = said.or_else(|| lines.next());
    let said = said.or_else(|| words.lines().last()).unwrap_or_default();
    Refusal::Failed(said.trim().to_owned())
}

/// Whether the client library logged this line: `E1128 10:00:00.000000       1 memcache.go:265] ...`.
fn is_log(line: &str) -> bool {
    let mut letters = line.chars();
    letters.next().is_some_and(|level| "IWEF".contains(level))
        && letters
            .by_ref()
            .take(4)
            .filter(char::is_ascii_digit)
            .count()
            == 4
        && letters.next() == Some(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubectl_says_is_distinguished_from_what_it_logs() {
        let log =
            "E1129 02:37:09.609867   24032 memcache.go:265] \"Unhandled Error\" err=\"dial tcp\"\n";
        let refused = "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?";
        let failed = |words: &str| match refusal(words) {
            Refusal::Failed(why) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(failed(&format!("{log}{log}{refused}\n")), refused);
        let error = "error: stat nowhere: no such file or directory";
        assert_eq!(failed(&format!("{log}\n{error}\nSee more\n")), error);
        let missing =
            "Unable to connect to the server: getting credentials: exec: executable x not found";
        let advice = "It looks like you are trying to use a client-go credential plugin that is not installed.";
        assert_eq!(failed(&format!("{log}{missing}\n\n{advice}\n")), missing);
        // Better than nothing.
        assert_eq!(failed(log), log.trim());
    }
}
