//! Live objects from the API server of the cluster that regfix runs in, read with the token of the pod's service account.
//!
//! Sends only GET requests, and only to that server: no proxy, no redirect. Trusts only the cluster's own authority. Responses
//! are treated as hostile: sizes, times and pages are bounded, and a name goes into a path only if it is a valid name.

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

/// The folder in which the kubelet puts what a pod needs for requests to the API server.
pub const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The size limit of a token, a namespace or an error message, in bytes.
const LARGEST_FILE: usize = 64 << 10;
/// The size limit of a page of objects, in bytes. Its objects are read one by one, and each has its own limit.
const LARGEST_PAGE: u64 = 4 << 30;
/// The size limit of the list of a group's resources, in bytes.
const LARGEST_LIST: u64 = 16 << 20;
/// The most objects of one resource. An empty page counts as one, so that every list ends.
const MOST_OBJECTS: usize = 5_000_000;
/// The API server of this cluster.
pub struct ApiServer {
    transport: Transport,
    base: Url,
    /// The folder of the service account.
    folder: PathBuf,
    /// `None` means all namespaces.
    namespace: Option<String>,
    query: Query,
    limits: Limits,
    /// The resources of each API group, or why they are not known.
    groups: Mutex<HashMap<String, Result<Vec<Kind>, Refusal>>>,
}

/// Whether this process runs in a pod that may use the API server.
pub fn is_in_pod(environment: &Environment) -> bool {
    let is_named = environment.path("KUBERNETES_SERVICE_HOST").is_some();
    is_named && Path::new(SERVICE_ACCOUNT).join("token").is_file()
}

impl ApiServer {
    /// The server has a minute for a request, and reading a page takes as long as judging its objects.
    pub const LIMITS: Limits = Limits {
        connect: Duration::from_secs(10),
        read: Duration::from_secs(75),
        total: Duration::from_secs(15 * 60),
        retries: 4,
        wait: Duration::from_secs(60),
    };

    /// Connects to the server that the environment of a pod names, with the files `token`, `ca.crt` and `namespace` of the
    /// folder. Makes no connection yet.
    ///
    /// # Errors
    /// If something is missing or invalid.
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

    /// Reads the token for each request, because the kubelet replaces it while the pod runs.
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
                let why = format!("the answer of {} {error}", self.base.authority());
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
                let why = "the API server did not answer with a list of objects";
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

    /// Sends a GET request, and repeats it if that may help. Returns only a response with status 200.
    fn ask(&self, path: &str, largest: u64) -> Result<Response<Body>, Refusal> {
        let url = self.base.with_path(path);
        // A URL that is too long is refused before it is sent.
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
                // The token may have been replaced during the request.
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

    /// Converts a response with another status to a refusal.
    fn refusal(&self, response: Response<Body>, token: &Secret) -> Refusal {
        let (status, server) = (response.status, self.base.authority());
        match status {
            403 => return Refusal::Forbidden,
            404 => return Refusal::NoSuchResource,
            // The server no longer keeps the next page.
            410 => {
                let why = "the list expired on the API server before all of it was read";
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

    /// Finds a resource such as `widgets.example.com`.
    fn locate(&self, resource: &str) -> Result<Kind, Refusal> {
        let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
        // Locked during the request, so that others who need the same group wait for its answer.
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
            let why = format!(
                "the answer of {} is not JSON: {error}",
                self.base.authority()
            );
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

/// Reads a small file, without the whitespace around its content.
fn content(path: &Path) -> Result<String, String> {
    let failed = |why: String| format!("{}: {why}", printable::path(path));
    let bytes = open::read_named(path, LARGEST_FILE).map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| failed("is not UTF-8".to_owned()))?;
    match text.trim() {
        "" => Err(failed("is empty".to_owned())),
        text => Ok(text.to_owned()),
    }
}
