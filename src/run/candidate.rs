//! Recognises by a quick look at its bytes what a file is useful for: every file of a tree goes through it, and most are
//! of no use.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Options;
use super::domains::Domains;
use super::roles::Roles;
use crate::check::pull_secrets::{self, PullSecret};
use crate::encoding::Encoding;
use crate::file_type::{FileType, Holds};
use crate::progress::Progress;
use crate::report;
use crate::walk::{self, Kept, Overlay, ReadError};

/// A file that is to be checked, or that says something about others.
pub(super) struct Candidate {
    pub(super) file_type: &'static FileType,
    /// Whether there is something in it that a rule could apply to.
    pub(super) suspect: bool,
    pub(super) roles: Roles,
    /// Of what makes a project, releases charts or selects images.
    pub(super) text: Option<Arc<str>>,
    pub(super) pull_secrets: Vec<PullSecret>,
    pub(super) searched: Option<Searched>,
}

/// A suspect file in UTF-8, as the walk read it.
#[derive(Clone)]
pub(super) struct Searched {
    pub(super) text: Arc<str>,
    /// Where the search found something.
    pub(super) hints: Arc<[usize]>,
}

/// So many bytes of suspect files are kept from the walk. Others are read again when it is their turn.
const MOST_KEPT: usize = 32 << 20;

/// Whether a file of a type is a report of ours.
pub(super) fn is_report(file_type: &FileType, bytes: &[u8]) -> bool {
    matches!(file_type.holds, Holds::Json | Holds::Text) && report::is_own(bytes)
}

/// Walks the roots of a run, and keeps what is of use.
pub(super) fn walk(options: &Options<'_>, progress: &Progress) -> walk::Walked<Candidate> {
    let left = AtomicUsize::new(MOST_KEPT);
    let keep = |path: &Path, file_type: &'static FileType, bytes: &Cow<'_, [u8]>| {
        progress.advance(1);
        let Some(area) = options.settings.of(path) else {
            return Kept::Nothing;
        };
        let (sight, hints) = area.rules.prefilter.search(bytes);
        if sight.suspect && is_report(file_type, bytes) {
            return Kept::Report;
        }
        let roles = Roles::of(path, file_type, bytes, sight);
        let secrets = || {
            let text = std::str::from_utf8(bytes).ok()?;
            Some(pull_secrets::read(path, text, file_type))
        };
        let candidate = Candidate {
            file_type,
            // A search for bytes finds nothing in broken UTF-16, which is kept to be reported.
            suspect: sight.suspect || Encoding::of(bytes) != Encoding::Utf8,
            roles,
            text: roles.text(bytes),
            pull_secrets: roles
                .holds_secret
                .then(secrets)
                .flatten()
                .unwrap_or_default(),
            searched: hints
                .filter(|_| matches!(bytes, Cow::Borrowed(_)))
                .and_then(|hints| Searched::of(bytes, hints, &left)),
        };
        let counts = || options.only.as_ref().is_some_and(|only| only.has(path));
        let has_role = candidate.text.is_some() || roles.names_chart || roles.begins_name;
        let is_of_use = candidate.suspect || has_role || !candidate.pull_secrets.is_empty();
        // An editor that lays a text over a file asks about that file.
        let is_laid = || options.walk.overlay.text(path).is_some();
        (is_of_use || counts() || is_laid())
            .then_some(candidate)
            .into()
    };
    let filter = walk::Filter {
        listed: &|folder, names| options.settings.listed(folder, names),
        wanted: &|path, named| options.want(path, named),
        keep: &keep,
        suspect: &|path, bytes| {
            let area = options.settings.of(path);
            area.is_some_and(|area| area.rules.prefilter.occur_in(bytes))
        },
    };
    let broken = options.settings.broken().len();
    let found = walk::walk(&options.walk, &filter);
    match options.settings.broken().len() > broken {
        // Files of a repository were read before a broken configuration was found in it.
        true => walk::walk(&options.walk, &filter),
        false => found,
    }
}

/// The text of a file as the walk kept it. Otherwise it is read again.
///
/// # Errors
/// Where it cannot be read.
pub(super) fn read(
    known: Option<&Searched>,
    path: &Path,
    overlay: &Overlay,
) -> Result<(String, Encoding), ReadError> {
    match known {
        Some(known) => Ok((known.text.to_string(), Encoding::Utf8)),
        None => overlay.read(path),
    }
}

impl Searched {
    /// `None` for what is no text, and where there is no room left for it.
    fn of(bytes: &[u8], hints: Vec<usize>, left: &AtomicUsize) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok();
        let text = text.filter(|text| memchr::memchr(0, text.as_bytes()).is_none())?;
        let size = bytes.len() + size_of_val(hints.as_slice());
        let take = |left: usize| left.checked_sub(size);
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .ok()?;
        Some(Self {
            text: text.into(),
            hints: hints.into(),
        })
    }
}

/// By domain.
pub(super) fn pull_secrets_of(
    options: &Options<'_>,
    found: &walk::Walked<Candidate>,
    domains: &Domains,
) -> Vec<Vec<PullSecret>> {
    let mut secrets = vec![Vec::new(); domains.each.len()];
    let files = found.kept.iter();
    for (path, file) in files.filter(|(_, file)| !file.pull_secrets.is_empty()) {
        let domain = domains.of_file(options.settings, path);
        if let Some(of_domain) = domain.and_then(|at| secrets.get_mut(at)) {
            of_domain.extend(file.pull_secrets.iter().cloned());
        }
    }
    secrets
}
