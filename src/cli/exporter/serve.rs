//! The HTTP server of the exporter: `/metrics` and `/healthz`, and nothing else.
//!
//! Clients are treated as hostile: there are as many connections as threads, each is short, and requests are small.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use crate::parallel::lock;

/// The number of connections at the same time. Others wait in the queue of the system.
const THREADS: usize = 8;
/// The size limit of a request with all of its headers, in bytes.
const LONGEST_REQUEST: usize = 8 << 10;
const MOST_HEADERS: usize = 64;
/// The time limit from the first byte of a request to its last. The next one is for the response.
const REQUEST_TIME: Duration = Duration::from_secs(5);
const ANSWER_TIME: Duration = Duration::from_secs(30);
const CHUNK: usize = 64 << 10;
/// The server is unhealthy if this many intervals pass without the end of a round, plus the time that a round may take.
const MISSED_ROUNDS: u32 = 3;
const LONGEST_ROUND: Duration = Duration::from_secs(600);

/// The content that is served.
pub(super) struct Page {
    text: RwLock<Arc<str>>,
    /// When the last round ended or, before that, when the server started.
    last_round: Mutex<Instant>,
    /// The longest time between the ends of two rounds.
    patience: Duration,
    answering: AtomicUsize,
    closed: AtomicBool,
}

impl Page {
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            text: RwLock::new(Arc::from("")),
            last_round: Mutex::new(Instant::now()),
            patience: interval * MISSED_ROUNDS + LONGEST_ROUND,
            answering: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        }
    }

    /// Stores the metrics of a round that just ended.
    pub(super) fn put(&self, text: String) {
        *self.text.write().unwrap_or_else(PoisonError::into_inner) = Arc::from(text);
        *lock(&self.last_round) = Instant::now();
    }

    /// Refuses new requests, and waits for the responses that are being sent.
    pub(super) fn close(&self, longest: Duration) {
        self.closed.store(true, Ordering::SeqCst);
        let end = Instant::now() + longest;
        while self.answering.load(Ordering::SeqCst) > 0 && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn silence(&self) -> Duration {
        let last = lock(&self.last_round);
        last.elapsed()
    }

    fn respond(&self, path: &str) -> Response {
        match path.split('?').next().unwrap_or_default() {
            "/metrics" => {
                let text = self.text.read().unwrap_or_else(PoisonError::into_inner);
                match text.is_empty() {
                    true => Response::new(
                        "503 Service Unavailable",
                        "the first round of checks has not finished\n",
                    ),
                    false => Response {
                        status: "200 OK",
                        kind: "text/plain; version=0.0.4; charset=utf-8",
                        body: Arc::clone(&text),
                    },
                }
            }
            "/healthz" => match self.silence() {
                silence if silence > self.patience => {
                    let why = format!(
                        "no round of checks has finished for {} s\n",
                        silence.as_secs()
                    );
                    Response::new("503 Service Unavailable", &why)
                }
                _ => Response::new("200 OK", "ok\n"),
            },
            _ => Response::new("404 Not Found", "only /metrics and /healthz are served\n"),
        }
    }
}

struct Response {
    status: &'static str,
    kind: &'static str,
    body: Arc<str>,
}

impl Response {
    fn new(status: &'static str, body: &str) -> Self {
        Self {
            status,
            kind: "text/plain; charset=utf-8",
            body: Arc::from(body),
        }
    }
}

/// Serves in new threads, until the process ends.
pub(super) fn start(listener: &TcpListener, page: &Arc<Page>) -> io::Result<()> {
    for _ in 0..THREADS {
        let (listener, page) = (listener.try_clone()?, Arc::clone(page));
        let thread = thread::Builder::new().name("http".to_owned());
        thread.spawn(move || serve(&listener, &page))?;
    }
    Ok(())
}

fn serve(listener: &TcpListener, page: &Page) {
    loop {
        match listener.accept() {
            Ok((mut stream, _)) if !page.closed.load(Ordering::SeqCst) => {
                page.answering.fetch_add(1, Ordering::SeqCst);
                // A client that hangs up gets no response.
                let _ = converse(&mut stream, page);
                page.answering.fetch_sub(1, Ordering::SeqCst);
            }
            Ok(_) => return,
            // Too many open files, or the client is already gone.
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// Reads one request and sends the response.
fn converse(stream: &mut TcpStream, page: &Page) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let request = read(stream)?;
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let is_whole = parsed
        .parse(&request)
        .is_ok_and(|status| status.is_complete());
    let response = match (parsed.method, parsed.path) {
        (Some("GET" | "HEAD"), Some(path)) if is_whole => page.respond(path),
        (Some(_), Some(_)) if is_whole => {
            Response::new("405 Method Not Allowed", "only GET and HEAD\n")
        }
        _ => Response::new("400 Bad Request", "not an HTTP request\n"),
    };
    let Response { status, kind, body } = &response;
    let allow = if status.starts_with("405") {
        "Allow: GET, HEAD\r\n"
    } else {
        ""
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{allow}\
         X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let body = if parsed.method == Some("HEAD") {
        ""
    } else {
        body
    };
    let end = Instant::now() + ANSWER_TIME;
    for chunk in [head.as_bytes()]
        .into_iter()
        .chain(body.as_bytes().chunks(CHUNK))
    {
        stream.set_write_timeout(Some(left(end)?))?;
        stream.write_all(chunk)?;
    }
    stream.flush()
}

/// Reads up to the end of the headers, or up to the size limit. Parsing then refuses an incomplete request.
fn read(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let end = Instant::now() + REQUEST_TIME;
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while request.len() < LONGEST_REQUEST && !request.windows(4).any(|four| four == b"\r\n\r\n") {
        stream.set_read_timeout(Some(left(end)?))?;
        match stream.read(&mut buffer)? {
            0 => break,
            count => request.extend_from_slice(&buffer[..count]),
        }
    }
    Ok(request)
}

/// Returns the time that is left, or an error if none is.
fn left(end: Instant) -> io::Result<Duration> {
    let left = end.saturating_duration_since(Instant::now());
    match left.is_zero() {
        true => Err(io::ErrorKind::TimedOut.into()),
        false => Ok(left),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(address: std::net::SocketAddr, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request).unwrap();
        let mut text = String::new();
        // A client that sends too much is disconnected.
        let _ = stream.read_to_string(&mut text);
        text
    }

    fn started(page: &Arc<Page>) -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        start(&listener, page).unwrap();
        listener.local_addr().unwrap()
    }

    #[test]
    fn what_is_served() {
        let page = Arc::new(Page::new(Duration::from_secs(60)));
        let address = started(&page);
        let get = |path: &str| {
            ask(
                address,
                format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes(),
            )
        };
        assert!(get("/metrics").starts_with("HTTP/1.1 503 "));
        assert!(get("/healthz").starts_with("HTTP/1.1 200 OK\r\n"));
        page.put("a 1\n".to_owned());
        let metrics = get("/metrics?x=1");
        assert!(metrics.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"));
        assert!(metrics.ends_with("\r\n\r\na 1\n"), "{metrics}");
        assert!(get("/").starts_with("HTTP/1.1 404 "));
        let head = ask(address, b"HEAD /metrics HTTP/1.0\r\n\r\n");
        assert!(
            head.contains("Content-Length: 4\r\n") && head.ends_with("\r\n\r\n"),
            "{head}"
        );
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let page = Arc::new(Page::new(Duration::from_secs(60)));
        let address = started(&page);
        for (request, answer) in [
            (
                b"POST /metrics HTTP/1.1\r\nContent-Length: 9\r\n\r\n".to_vec(),
                "405",
            ),
            (b"\x16\x03\x01\r\n\r\n".to_vec(), "400"),
            (
                format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(8100)).into_bytes(),
                "404",
            ),
            (
                b"GET / HTTP/1.1\r\n"
                    .iter()
                    .chain(b"a: b\r\n".repeat(65).iter())
                    .chain(b"\r\n")
                    .copied()
                    .collect(),
                "400",
            ),
        ] {
            let text = ask(address, &request);
            assert!(
                text.starts_with(&format!("HTTP/1.1 {answer} ")),
                "{answer}: {text}"
            );
        }
    }

    #[test]
    fn without_rounds_it_is_not_healthy() {
        let page = Page {
            patience: Duration::ZERO,
            ..Page::new(Duration::from_secs(1))
        };
        thread::sleep(Duration::from_millis(2));
        assert!(page.respond("/healthz").status.starts_with("503"));
        let page = Page::new(Duration::from_secs(1));
        page.put("a 1\n".to_owned());
        assert!(page.respond("/healthz").status.starts_with("200"));
    }

    #[test]
    fn idle_connections_do_not_keep_others_out_for_ever() {
        let page = Arc::new(Page::new(Duration::from_secs(60)));
        let address = started(&page);
        let idle: Vec<TcpStream> = (0..THREADS)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        let answer = ask(address, b"GET /healthz HTTP/1.1\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        drop(idle);
    }
}
