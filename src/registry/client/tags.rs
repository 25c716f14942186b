//! The tags of a repository, page by page.

use std::collections::{BTreeSet, HashSet};

use serde::Deserialize;
use ureq::http::Method;

use super::answer::Answer;
use super::exchange::{Ask, Exchange};
use super::location::Repository;
use crate::image;
use crate::registry::version;

/// Requested page size. A registry may return fewer tags, or ignore it.
const PAGE: usize = 1000;
const LARGEST_PAGE: u64 = 16 << 20;
/// Limit over all pages. The largest known repositories have some ten thousand tags.
const MOST_TAGS: usize = 1_000_000;
const MOST_PAGES: usize = 20_000;
/// Maximum number of consecutive pages that add no tag but link to another page.
const MOST_BARREN: usize = 8;

/// The tags of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tags {
    /// Sorted by version, the newest last.
    pub tags: Vec<String>,
    /// The number of listed names that are not valid tags and so cannot be pulled.
    pub malformed: usize,
}

#[derive(Deserialize)]
struct Page {
    /// `null` if there are none.
    tags: Option<Vec<String>>,
}

/// Returns all tags, or the reason why they are not all known. Never returns a partial list.
pub(super) fn list(exchange: &Exchange, repository: &Repository) -> Result<Tags, Answer> {
    let answer = all(exchange, repository, false);
    let hidden = matches!(
        answer,
        Err(Answer::Missing {
            anonymous: true,
            ..
        })
    );
    if hidden && matches!(exchange.keyring.of(repository), Ok(Some(_))) {
        return all(exchange, repository, true);
    }
    answer
}

fn all(exchange: &Exchange, repository: &Repository, unasked: bool) -> Result<Tags, Answer> {
    let own = format!("/v2/{}/tags/list", repository.name);
    let mut path = format!("{own}?n={PAGE}");
    let (mut seen, mut tags) = (HashSet::new(), BTreeSet::new());
    let (mut malformed, mut barren) = (0, 0);
    loop {
        let is_new = seen.insert(path.clone());
        if !is_new || seen.len() > MOST_PAGES || barren > MOST_BARREN {
            return Err(Answer::unreachable(
                "the registry's list of tags does not end",
            ));
        }
        let request = Ask {
            method: Method::GET,
            path: &path,
            accept: "application/json",
            largest: LARGEST_PAGE,
            unasked,
        };
        let reply = exchange.call(repository, &request)?;
        if reply.response.status != 200 {
            return Err(reply.failure("repository"));
        }
        let page: Page = serde_json::from_slice(&reply.response.body)
            .map_err(|_| Answer::unreachable("the answer is not a list of tags"))?;
        let before = tags.len();
        for tag in page.tags.unwrap_or_default() {
            match image::is_tag(&tag) {
                true => _ = tags.insert(tag),
                false => malformed += 1,
            }
        }
        if tags.len() > MOST_TAGS {
            return Err(Answer::unreachable(format!(
                "the registry lists more than {MOST_TAGS} tags"
            )));
        }
        barren = if tags.len() == before { barren + 1 } else { 0 };
        let Some(next) = reply.response.headers("link").find_map(next) else {
            break;
        };
        path = format!("{own}?{next}");
    }
    Ok(Tags {
        tags: version::sort(tags.into_iter().collect()),
        malformed,
    })
}

/// Returns the query of a link to the next page: `</v2/…?last=x>; rel="next"`.
///
/// Only the query is used: behind a proxy, registries name hosts and paths that are not theirs, and a hostile registry cannot
/// redirect us this way.
fn next(header: &str) -> Option<String> {
    header.split('<').skip(1).find_map(|link| {
        let (target, parameters) = link.split_once('>')?;
        let is_next = parameters.split([';', ',']).any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = value.trim().trim_matches('"');
            let mut relations = value.split_ascii_whitespace();
            name.trim().eq_ignore_ascii_case("rel")
                && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
        });
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let query = query.split('#').next().unwrap_or_default();
        is_next.then(|| query.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_the_next_page() {
        for (header, expected) in [
            (
                r#"</v2/a/tags/list?last=b&n=2>; rel="next""#,
                Some("last=b&n=2"),
            ),
            (
                r#"</x?a>; rel="prev", <https://evil.io/y?b,c>; title="t"; REL=next"#,
                Some("b,c"),
            ),
            (r#"</x?a#b>;rel="last next""#, Some("a")),
            ("</x>; rel=next", Some("")),
            ("</x?a>", None),
            ("/x; rel=next", None),
            ("<; rel=next", None),
            ("", None),
        ] {
            assert_eq!(next(header).as_deref(), expected, "{header}");
        }
    }
}
