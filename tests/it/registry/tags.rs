//! Lists of tags: all of them, or the reason why they are incomplete.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::server::{Reply, Seen, Server};
use super::{check, client, location};
use regfix::registry::client::{Answer, Tags};

fn page(tags: &[&str], link: &str) -> Reply {
    let tags = serde_json::json!({"name": "a", "tags": tags}).to_string();
    let reply = Reply::new(200)
        .with("content-type", "application/json")
        .body(tags);
    match link {
        "" => reply,
        link => reply.with("link", link),
    }
}

fn list(server: &Server) -> Result<Tags, Answer> {
    client(server).tags(&location(server, "a").repository)
}

#[track_caller]
fn fails(server: &Server, status: &str, reason: &str) {
    check(&list(server).unwrap_err(), status, reason);
}

#[test]
fn pages_are_followed_and_sorted() {
    let server = Server::start(|seen: &Seen| match seen.path.as_str() {
        "/v2/" => Reply::new(200),
        "/v2/a/tags/list?n=1000" => page(
            &["latest", "v1.10", "v1.9"],
            r#"</v2/a/tags/list?last=v1.9&n=3>; rel="next""#,
        ),
        // A registry behind a proxy uses its internal host name.
        "/v2/a/tags/list?last=v1.9&n=3" => page(
            &["v1.9", "v2.0-rc.1"],
            r#"<http://internal:8080/v2/a/tags/list?last=x>; rel="next""#,
        ),
        "/v2/a/tags/list?last=x" => page(&["v2.0", "v1.9-alpine"], ""),
        _ => Reply::error(404, "NAME_UNKNOWN"),
    });
    let tags = list(&server).unwrap();
    assert_eq!(
        tags.tags,
        [
            "latest",
            "v1.9",
            "v1.9-alpine",
            "v1.10",
            "v2.0-rc.1",
            "v2.0"
        ]
    );
    assert_eq!(server.lines().len(), 3);
}

#[test]
fn lists_that_do_not_end() {
    let same = Server::start(|_: &Seen| page(&["1"], r#"</v2/a/tags/list?n=1000>; rel="next""#));
    fails(&same, "unreachable", "does not end");
    assert_eq!(same.lines().len(), 1);
    let counted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&counted);
    let barren = Server::start(move |_: &Seen| {
        let next = count.fetch_add(1, Ordering::SeqCst);
        page(
            &["1"],
            &format!(r#"</v2/a/tags/list?last={next}>; rel="next""#),
        )
    });
    fails(&barren, "unreachable", "does not end");
    assert!(barren.lines().len() < 20);
    // A link to another host is never followed.
    let other = Server::start(|_: &Seen| page(&["evil"], ""));
    let target = other.url("/v2/a/tags/list?x");
    let server = Server::start(move |seen: &Seen| match seen.path.contains('x') {
        true => page(&["2"], ""),
        false => page(&["1"], &format!("<{target}>; rel=next")),
    });
    assert_eq!(list(&server).unwrap().tags, ["1", "2"]);
    assert!(other.seen().is_empty());
}

#[test]
fn a_list_that_breaks_goes_on_where_it_was() {
    let count = Arc::new(AtomicUsize::new(0));
    let server = Server::start(move |seen: &Seen| match seen.path.as_str() {
        "/v2/" => Reply::new(200),
        "/v2/a/tags/list?last=1" if count.fetch_add(1, Ordering::SeqCst) < 2 => {
            Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"tags\":[\"2\"".to_vec())
        }
        "/v2/a/tags/list?last=1" => page(&["2"], ""),
        _ => page(&["1"], r#"</v2/a/tags/list?last=1>; rel="next""#),
    });
    assert_eq!(list(&server).unwrap().tags, ["1", "2"]);
    assert_eq!(server.lines().len(), 4);
    let server = Server::start(|seen: &Seen| match seen.path.as_str() {
        "/v2/" => Reply::new(200),
        "/v2/a/tags/list?last=1" => Reply::new(500),
        _ => page(&["1"], r#"</v2/a/tags/list?last=1>; rel="next""#),
    });
    fails(&server, "unreachable", "answers 500");
}

#[test]
fn a_huge_list() {
    let all: Vec<String> = (0..100_000).map(|number| format!("v{number}")).collect();
    let all = Arc::new(all);
    let served = Arc::clone(&all);
    let server = Server::start(move |seen: &Seen| {
        if seen.path == "/v2/" {
            return Reply::new(200);
        }
        let last = seen
            .path
            .split_once("last=")
            .map_or(0, |(_, last)| last.parse().unwrap());
        let end = served.len().min(last + 10_000);
        let tags: Vec<&str> = served[last..end].iter().map(String::as_str).collect();
        let link = format!(r#"</v2/a/tags/list?last={end}>; rel="next""#);
        page(&tags, if end < served.len() { &link } else { "" })
    });
    assert_eq!(list(&server).unwrap().tags, *all);
    // One page that exceeds the size limit.
    let server = Server::start(|seen: &Seen| match seen.path.as_str() {
        "/v2/" => Reply::new(200),
        _ => page(&vec!["x".repeat(100).as_str(); 170_000], ""),
    });
    fails(&server, "unreachable", "more than");
}

#[test]
fn names_that_are_no_tags() {
    let server = Server::start(|_: &Seen| page(&["1", "\u{1b}[31mred", "a b", "", "-x", "2"], ""));
    let tags = list(&server).unwrap();
    assert_eq!(
        (tags.tags, tags.malformed),
        (vec!["1".to_owned(), "2".to_owned()], 4)
    );
}

#[test]
fn lists_that_are_none() {
    for (body, status, reason) in [
        ("{}", "", ""),
        (r#"{"tags":null}"#, "", ""),
        (r#"{"tags":"1"}"#, "unreachable", "not a list of tags"),
        ("<html>", "unreachable", "not a list of tags"),
    ] {
        let server = Server::start(move |_: &Seen| Reply::new(200).body(body));
        match status {
            "" => assert!(list(&server).unwrap().tags.is_empty()),
            status => fails(&server, status, reason),
        }
    }
    let server = Server::start(|_: &Seen| Reply::error(404, "NAME_UNKNOWN"));
    fails(&server, "gone", "NAME_UNKNOWN");
    let server = Server::start(|_: &Seen| Reply::new(404));
    fails(&server, "unreachable", "");
    let server = Server::start(|_: &Seen| Reply::error(403, "DENIED"));
    fails(&server, "denied", "");
}
