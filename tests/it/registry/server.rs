//! An HTTP server in a thread. It records requests and answers as a test specifies, in HTTP or not.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};

pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A request as it was received.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// The path, with the query.
    pub(crate) path: String,
    /// Headers; names are in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
    /// The number of the connection that it came on.
    pub(crate) connection: usize,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Returns for example `HEAD /v2/`, without the query.
    pub(crate) fn line(&self) -> String {
        let path = self.path.split('?').next().unwrap();
        format!("{} {path}", self.method)
    }
}

/// The answer to a request.
pub(crate) enum Reply {
    Http {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// These bytes, then the end of the connection.
    Raw(Vec<u8>),
    /// These bytes, one at a time with a short pause.
    Drip(Vec<u8>),
    /// No answer for a long time.
    Hang,
}

impl Reply {
    pub(crate) fn new(status: u16) -> Self {
        Self::Http {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        if let Self::Http { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.into()));
        }
        self
    }

    pub(crate) fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        if let Self::Http { body, .. } = &mut self {
            *body = bytes.into();
        }
        self
    }

    pub(crate) fn error(status: u16, code: &str) -> Self {
        let body = format!(r#"{{"errors":[{{"code":"{code}","message":"says the test"}}]}}"#);
        Self::new(status)
            .with("content-type", "application/json")
            .body(body)
    }

    /// Returns a manifest, with its headers.
    pub(crate) fn manifest(media_type: &str, body: &[u8]) -> Self {
        Self::new(200)
            .with("content-type", media_type)
            .with("docker-content-digest", digest(body))
            .body(body)
    }
}

pub(crate) fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// Returns an index for two platforms; it differs for each name.
pub(crate) fn index(name: &str) -> Vec<u8> {
    let one = |architecture: &str| {
        let digest = digest(architecture.as_bytes());
        format!(
            r#"{{"mediaType":"{OCI_MANIFEST}","digest":"{digest}","size":2,"platform":{{"os":"linux","architecture":"{architecture}"}}}}"#
        )
    };
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":[{},{}],"annotations":{{"name":"{name}"}}}}"#,
        one("amd64"),
        one("arm64")
    )
    .into_bytes()
}

/// Serves every manifest whose tag does not start with `gone`, and the root of the API.
pub(crate) fn honest(seen: &Seen) -> Reply {
    match seen.path.split_once("/manifests/") {
        None if seen.path == "/v2/" => Reply::new(200).body("{}"),
        Some((_, tag)) if tag.starts_with("gone") => Reply::error(404, "MANIFEST_UNKNOWN"),
        Some((name, tag)) => Reply::manifest(OCI_INDEX, &index(&format!("{name}:{tag}"))),
        None => Reply::error(404, "NAME_UNKNOWN"),
    }
}

type Handler = dyn Fn(&Seen) -> Reply + Send + Sync;

pub(crate) struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: Arc<AtomicBool>,
    /// The highest number of requests that were answered at the same time.
    busiest: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) fn start(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with(None, handler)
    }

    /// Starts a server that speaks TLS.
    pub(crate) fn secure(
        tls: Arc<rustls::ServerConfig>,
        handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(Some(tls), handler)
    }

    fn start_with(
        tls: Option<Arc<rustls::ServerConfig>>,
        handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            seen: Arc::default(),
            stop: Arc::default(),
            busiest: Arc::default(),
        };
        let (seen, stop, busiest) = (
            Arc::clone(&server.seen),
            Arc::clone(&server.stop),
            Arc::clone(&server.busiest),
        );
        let handler: Arc<Handler> = Arc::new(handler);
        let busy = Arc::new(AtomicUsize::new(0));
        std::thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let talk = Talk {
                    connection,
                    seen: Arc::clone(&seen),
                    handler: Arc::clone(&handler),
                    busy: Arc::clone(&busy),
                    busiest: Arc::clone(&busiest),
                };
                let tls = tls.clone();
                std::thread::spawn(move || match tls {
                    None => talk.run(stream.ok()?),
                    Some(tls) => {
                        let connection = rustls::ServerConnection::new(tls).ok()?;
                        talk.run(rustls::StreamOwned::new(connection, stream.ok()?))
                    }
                });
            }
        });
        server
    }

    /// Returns `127.0.0.1:port`.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host())
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Returns the requests, without the one for the root of the API, which detects TLS.
    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = self.seen().iter().map(Seen::line).collect::<Vec<_>>();
        lines
            .into_iter()
            .filter(|line| line != "GET /v2/")
            .collect()
    }

    pub(crate) fn busiest(&self) -> usize {
        self.busiest.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

struct Talk {
    connection: usize,
    seen: Arc<Mutex<Vec<Seen>>>,
    handler: Arc<Handler>,
    busy: Arc<AtomicUsize>,
    busiest: Arc<AtomicUsize>,
}

impl Talk {
    /// Answers requests until the connection ends.
    fn run(&self, stream: impl Read + Write) -> Option<()> {
        let mut reader = BufReader::new(stream);
        loop {
            let seen = self.read(&mut reader)?;
            if seen.method == "CONNECT" {
                // Like a proxy whose target is this server.
                self.seen.lock().unwrap().push(seen);
                let stream = reader.get_mut();
                stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").ok()?;
                continue;
            }
            let busy = self.busy.fetch_add(1, Ordering::SeqCst) + 1;
            self.busiest.fetch_max(busy, Ordering::SeqCst);
            self.seen.lock().unwrap().push(seen.clone());
            let reply = (self.handler)(&seen);
            self.busy.fetch_sub(1, Ordering::SeqCst);
            write(reader.get_mut(), &seen, reply)?;
        }
    }

    fn read(&self, reader: &mut impl BufRead) -> Option<Seen> {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let mut words = line.split_ascii_whitespace();
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length");
        let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        Some(Seen {
            method,
            path,
            headers,
            body: String::from_utf8(body).ok()?,
            connection: self.connection,
        })
    }
}

fn write(stream: &mut (impl Read + Write), seen: &Seen, reply: Reply) -> Option<()> {
    match reply {
        Reply::Http {
            status,
            headers,
            body,
        } => {
            let mut head = format!(
                "HTTP/1.1 {status} Test\r\ncontent-length: {}\r\n",
                body.len()
            );
            for (name, value) in headers {
                head += &format!("{name}: {value}\r\n");
            }
            head += "\r\n";
            let mut bytes = head.into_bytes();
            if seen.method != "HEAD" {
                bytes.extend(body);
            }
            stream.write_all(&bytes).ok()
        }
        Reply::Raw(bytes) => {
            let _ = stream.write_all(&bytes);
            None
        }
        Reply::Drip(bytes) => {
            for byte in bytes {
                stream.write_all(&[byte]).ok()?;
                std::thread::sleep(Duration::from_millis(20));
            }
            None
        }
        Reply::Hang => {
            // Waits until the client closes the connection.
            let _ = stream.read(&mut [0]);
            None
        }
    }
}
