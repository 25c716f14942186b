//! Decides from a quick search of its bytes what a file is needed for. Every file of a tree goes through this, and most are
//! not needed.

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

/// A file that is checked or affects others.
pub(super) struct Candidate {
    pub(super) file_type: &'static FileType,
    /// Whether it contains something that a rule could apply to.
    pub(super) suspect: bool,
    pub(super) roles: Roles,
    /// Text of a file that makes a project, releases charts or selects images.
    pub(super) text: Option<Arc<str>>,
    pub(super) pull_secrets: Vec<PullSecret>,
    pub(super) searched: Option<Searched>,
}

/// A suspect file in UTF-8, as read by the walk.
#[derive(Clone)]
pub(super) struct Searched {
    pub(super) text: Arc<str>,
    /// Offsets where the search found something.
    pub(super) hints: Arc<[usize]>,
}

/// The maximum number of bytes of suspect files that are kept from the walk. Other files are read again when they are checked.
const MOST_KEPT: usize = 32 << 20;

/// Whether a file is a report written by regfix.
pub(super) fn is_report(file_type: &FileType, bytes: &[u8]) -> bool {
    matches!(file_type.holds, Holds::Json | Holds::Text) && report::is_own(bytes)
}

/// Walks the roots of a run and keeps the files that are needed.
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
        let places = hints.as_deref().unwrap_or_default();
        let roles = Roles::of(path, file_type, bytes, sight, places);
        let with_secret = roles.holds_secret.then_some(bytes);
        let with_secret = with_secret.and_then(|bytes| std::str::from_utf8(bytes).ok());
        let secrets = with_secret.map(|text| pull_secrets::read(path, text, file_type));
        let searched = hints
            .filter(|_| matches!(bytes, Cow::Borrowed(_)))
            .and_then(|hints| Searched::of(bytes, hints, &left));
        let known = searched.as_ref().map(|known| &known.text);
        let candidate = Candidate {
            file_type,
            // The search finds nothing in broken UTF-16, which is kept to be reported.
            suspect: sight.suspect || Encoding::of(bytes) != Encoding::Utf8,
            roles,
            text: roles.text(bytes, known),
            pull_secrets: secrets.unwrap_or_default(),
            searched,
        };
        let counts = || options.only.as_ref().is_some_and(|only| only.has(path));
        let has_role = candidate.text.is_some() || roles.names_chart || roles.begins_name;
        let is_of_use = candidate.suspect || has_role || !candidate.pull_secrets.is_empty();
        // If an editor overlays a file, it asks about that file.
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
        // Files of a repository were read before its broken configuration was found.
        true => walk::walk(&options.walk, &filter),
        false => found,
    }
}

/// Returns the text of a file that the walk kept, or reads the file.
///
/// # Errors
/// If it cannot be read.
pub(super) fn read(
    known: Option<&Searched>,
    path: &Path,
    overlay: &Overlay,
) -> Result<(Arc<str>, Encoding), ReadError> {
    match known {
        Some(known) => Ok((Arc::clone(&known.text), Encoding::Utf8)),
        None => {
            let (text, encoding) = overlay.read(path)?;
            Ok((text.into(), encoding))
        }
    }
}

impl Searched {
    /// `None` if the bytes are not text, or no room is left.
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

/// The pull secrets by domain.
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
