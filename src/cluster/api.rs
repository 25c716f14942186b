//! Live objects from the API server of the cluster that regfix runs in, with the token of the pod's service account.
//!
//! Sends GET requests to that server and to no other: no proxy, no redirect. Trusts the authority of the cluster alone. What comes back
//! is taken to be hostile: sizes, times and pages are bounded, and names go into a path only if they are names.

mod resource;

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;
use ureq::http::Method;

use super::read;
use super::server::{Query, Refusal, Server};
use crate::http::message::{Body, Fault, NamedBy, Request, Response};
use crate::http::retry;
use crate::http::secret::Secret;
use crate::http::settings::Settings;
use crate::http::transport::Transport;
use crate::http::url::{Url, encoded};
use crate::http::{Environment, Limits};
use crate::open;
use crate::parallel::lock;
use crate::printable;

use resource::Kind;

/// Where the kubelet puts what a pod needs to ask the API server.
pub const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A token, or the name of a namespace.
const LARGEST_FILE: usize = 64 << 10;
/// A page of objects. The objects of a page are read one by one, and each has its own limit.
const LARGEST_PAGE: u64 = 4 << 30;
/// A list of the resources of a group.
const LARGEST_LIST: u64 = 16 << 20;
/// Objects of one resource. An empty page counts as one, so that a list has an end.
const MOST_OBJECTS: usize = 5_000_000;
/// The API server of this cluster.
pub struct ApiServer {
    transport: Transport,
    base: Url,
    /// The service account's.
    folder: PathBuf,
    /// `None` is all namespaces.
    namespace: Option<String>,
    query: Query,
    limits: Limits,
    /// What the groups of the API have, or why that is not known.
    groups: Mutex<HashMap<String, Result<Vec<Kind>, Refusal>>>,
}

/// Whether this process runs in a pod that may ask the API server.
pub fn is_in_pod(environment: &Environment) -> bool {
    let is_named = environment.path("KUBERNETES_SERVICE_HOST").is_some();
    is_named && Path::new(SERVICE_ACCOUNT).join("token").is_file()
}

impl ApiServer {
    /// The server gives a request a minute, and a page takes as long as it takes to judge its objects.
    pub const LIMITS: Limits = Limits {
        connect: Duration::from_secs(10),
        read: Duration::from_secs(75),
        total: Duration::from_secs(15 * 60),
        retries: 4,
        wait: Duration::from_secs(60),
    };

    /// The server that the environment of a pod names, asked with what the folder holds: `token`, `ca.crt` and `namespace`. Makes no
    /// connection.
    ///
    /// # Errors
    /// Says what is missing or wrong.
    pub fn new(
        folder: &Path,
        environment: &Environment,
        query: &Query,
        limits: Limits,
    ) -> Result<Self, String> {
        let variable = |name: &str| {
            let value = environment.text(name).filter(|value| !value.is_empty());
            value.ok_or_else(|| format!("{name} is not set: it is set in the pods of a cluster"))
        };
        let host = variable("KUBERNETES_SERVICE_HOST")?;
        let port = variable("KUBERNETES_SERVICE_PORT")?;
        let authority = match host.contains(':') {
            true => format!("[{host}]:{port}"),
            false => format!("{host}:{port}"),
        };
        let base = Url::parse(&format!("https://{authority}/")).map_err(|problem| {
            format!("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT make {problem}")
        })?;
        let transport = Transport::new(&Settings {
            ca_files: vec![folder.join("ca.crt")],
            system_roots: false,
            per_host: super::collect::READERS,
            limits,
            // No proxy: the server is inside the cluster.
            ..Settings::usual(Environment::default())
        })?;
        let namespace = match (&query.namespace, query.all_namespaces) {
            (_, true) => None,
            (Some(namespace), false) => Some(namespace.clone()),
            (None, false) => Some(content(&folder.join("namespace"))?),
        };
        if let Some(namespace) = namespace.as_deref().filter(|name| !resource::is_name(name)) {
            return Err(format!(
                "`{}` is not a valid name of a namespace",
                printable::line(namespace)
            ));
        }
        let server = Self {
            transport,
            base,
            folder: folder.to_owned(),
            namespace,
            query: query.clone(),
            limits,
            groups: Mutex::default(),
        };
        server.token().map(|_| server)
    }

    /// Read for each request: the kubelet replaces it while the pod runs.
    fn token(&self) -> Result<Secret, String> {
        let token = content(&self.folder.join("token"))?;
        Ok(Secret::new(format!("Bearer {token}")))
    }

    fn list(
        &self,
        kind: &Kind,
        selector: Option<&str>,
        each: &mut dyn FnMut(Value),
    ) -> Result<(), Refusal> {
        let mut query = format!("limit={}", self.query.chunk_size);
        if let Some(selector) = selector {
            query += &format!("&labelSelector={}", encoded(selector));
        }
        let path = kind.path(self.namespace.as_deref());
        let mut next = String::new();
        let mut count = 0;
        loop {
            let page = match next.as_str() {
                "" => format!("{path}?{query}"),
                token => format!("{path}?{query}&continue={}", encoded(token)),
            };
            let response = self.ask(&page, LARGEST_PAGE)?;
            let before = count;
            let read = read::read(response.body, &mut |object| {
                count += 1;
                if count <= MOST_OBJECTS {
                    each(object);
                }
            });
            let unread = read.map_err(|error| {
                let why = format!("what {} sent {error}", self.base.authority());
                match error.is_broken() {
                    true => Refusal::Interrupted(why),
                    false => Refusal::Failed(why),
                }
            })?;
            count = count.max(before + 1);
            if count > MOST_OBJECTS {
                return Err(Refusal::Failed(format!(
                    "the list has more than {MOST_OBJECTS} objects: read a part with --namespace or --selector"
                )));
            }
            if unread.nameless > 0 || unread.empty {
                let why = "the answer of the API server is no list of objects";
                return Err(Refusal::Failed(why.to_owned()));
            }
            match unread.next {
                None => return Ok(()),
                Some(token) if token == next => {
                    let why = "the API server sends the same page again and again";
                    return Err(Refusal::Failed(why.to_owned()));
                }
                Some(token) => next = token,
            }
        }
    }

    /// Sends a GET request, again if that may help. The answer is one with status 200.
    fn ask(&self, path: &str, largest: u64) -> Result<Response<Body>, Refusal> {
        let url = self.base.with_path(path);
        // What is too long is refused before it is sent.
        Url::parse(&url.full()).map_err(Refusal::Failed)?;
        let (mut troubles, mut limits, mut patience) = (0, 0, self.limits.wait);
        let mut refused: Option<Secret> = None;
        loop {
            let token = self.token().map_err(Refusal::Failed)?;
            let request = Request {
                method: Method::GET,
                url: &url,
                accept: "application/json",
                authorization: Some(&token),
                form: None,
                largest,
            };
            let pause = match self.transport.open(&request, NamedBy::User) {
                Ok(response) if response.status == 200 => return Ok(response),
                // The token was replaced while the request was under way.
                Ok(response) if response.status == 401 && refused.as_ref() != Some(&token) => {
                    refused = Some(token);
                    Duration::ZERO
                }
                Ok(response) if retry::wants_a_pause(&response) => {
                    let said = retry::pause_said(&response).filter(|said| !said.is_zero());
                    limits += 1;
                    let pause =
                        said.unwrap_or_else(|| retry::longer(retry::FIRST_LIMIT, limits - 1));
                    match patience.checked_sub(pause) {
                        Some(left) => patience = left,
                        None => return Err(self.refusal(response, &token)),
                    }
                    pause
                }
                Ok(response)
                    if retry::is_trouble(response.status) && troubles < self.limits.retries =>
                {
                    troubles += 1;
                    retry::longer(retry::FIRST_PAUSE, troubles - 1)
                }
                Ok(response) => return Err(self.refusal(response, &token)),
                Err(Fault::Unconnected(_) | Fault::Broken(_)) if troubles < self.limits.retries => {
                    troubles += 1;
                    retry::longer(retry::FIRST_PAUSE, troubles - 1)
                }
                Err(fault) => return Err(Refusal::Failed(fault.reason().to_owned())),
            };
            std::thread::sleep(pause);
        }
    }

    /// What an answer means that is no list.
    fn refusal(&self, response: Response<Body>, token: &Secret) -> Refusal {
        let (status, server) = (response.status, self.base.authority());
        match status {
            403 => return Refusal::Forbidden,
            404 => return Refusal::NoSuchResource,
            // The page that comes next is no longer kept.
            410 => {
                let why = "the API server forgot the list before its end was read";
                return Refusal::Interrupted(why.to_owned());
            }
            300..400 => {
                let why = format!("{server} redirects elsewhere: regfix does not follow");
                return Refusal::Failed(why);
            }
            _ => {}
        }
        let mut body = Vec::new();
        let said = response
            .body
            .take(LARGEST_FILE as u64)
            .read_to_end(&mut body);
        let said = said
            .ok()
            .and_then(|_| serde_json::from_slice::<Value>(&body).ok());
        let said = said
            .as_ref()
            .and_then(|value| value.get("message")?.as_str());
        let said = said.map(|said| format!(": {}", printable::brief(&token.hidden_in(said))));
        let said = said.unwrap_or_default();
        Refusal::Failed(match status {
            401 => {
                format!("{server} does not accept the token of the service account{said}")
            }
            _ => format!("{server} answers {status}{said}"),
        })
    }

    /// Where a resource is, `widgets.example.com`.
    fn locate(&self, resource: &str) -> Result<Kind, Refusal> {
        let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
        // Held while it is asked: who needs the same group waits for the answer.
        let mut groups = lock(&self.groups);
        let kinds = groups
            .entry(group.to_owned())
            .or_insert_with(|| resource::kinds(group, &|path| self.document(path)));
        let kinds = kinds.as_ref().map_err(Refusal::clone)?;
        let found = kinds.iter().find(|kind| kind.plural == plural);
        found.cloned().ok_or(Refusal::NoSuchResource)
    }

    fn document(&self, path: &str) -> Result<Value, Refusal> {
        let response = self.ask(path, LARGEST_LIST)?;
        serde_json::from_reader(response.body).map_err(|error| {
            let why = format!("what {} sent is not JSON: {error}", self.base.authority());
            Refusal::Failed(why)
        })
    }
}

impl Server for ApiServer {
    fn get(&self, resource: &str, each: &mut dyn FnMut(Value)) -> Result<(), Refusal> {
        let kind = self.locate(resource)?;
        self.list(&kind, self.query.selector_of(resource), each)
    }
}

/// What a small file holds, without blanks around it.
fn content(path: &Path) -> Result<String, String> {
    let failed = |why: String| format!("{}: {why}", printable::path(path));
    let bytes = open::read_named(path, LARGEST_FILE).map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| failed("is not UTF-8".to_owned()))?;
    match text.trim() {
        "" => Err(failed("is empty".to_owned())),
        text => Ok(text.to_owned()),
    }
}
