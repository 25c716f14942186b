//! What a file is of use for, by a look at its bytes: every file of a tree is asked, and most are of none.

use std::path::Path;
use std::sync::Arc;

use super::Options;
use super::domains::Domains;
use crate::check::pull_secrets::{self, PullSecret};
use crate::config::Config;
use crate::encoding::Encoding;
use crate::kind::Kind;
use crate::progress::Progress;
use crate::project::helm;
use crate::project::selectors;
use crate::walk;

/// A file that is to be checked, or that says something about others.
pub(super) struct Candidate {
    pub(super) kind: &'static Kind,
    /// Whether there is something in it that a rule could apply to.
    pub(super) suspect: bool,
    pub(super) roles: Roles,
    /// Of what makes a project, releases packaged charts or selects images.
    pub(super) text: Option<Arc<str>>,
    pub(super) pull_secrets: Vec<PullSecret>,
}

/// What a file may say about others.
#[derive(Clone, Copy, Default)]
pub(super) struct Roles {
    pub(super) makes_project: bool,
    /// It may release packaged charts.
    pub(super) releases: bool,
    /// It may select images by name.
    pub(super) selects: bool,
    /// It may name a chart with a version, or say where one comes from.
    pub(super) names_chart: bool,
    /// It may hold a pull secret.
    pub(super) holds_secret: bool,
}

/// Words of which a file has one if it has any role but that of its name.
pub(super) fn role_words() -> Vec<&'static str> {
    let words = [
        &helm::RELEASE_WORDS[..],
        &helm::CHART_WORDS,
        &selectors::WORDS,
        &pull_secrets::KEYS,
    ];
    words.concat()
}

impl Roles {
    /// `has_word` says whether one of the [`role_words`] is in it.
    pub(super) fn of(
        config: &Config,
        path: &Path,
        kind: &Kind,
        bytes: &[u8],
        has_word: bool,
    ) -> Self {
        let by_name = Self {
            makes_project: kind.makes_project(),
            ..Self::default()
        };
        if !(kind.name == "helmfile" || has_word || selectors::is_argo_source(path)) {
            return by_name;
        }
        Self {
            releases: helm::may_release(kind, bytes, !config.vendored_charts.is_empty()),
            selects: selectors::may_select(path, kind, bytes),
            names_chart: helm::may_name_chart(path, bytes),
            holds_secret: pull_secrets::may_hold(bytes),
            ..by_name
        }
    }

    /// The text, where projects read it.
    pub(super) fn text(self, bytes: &[u8]) -> Option<Arc<str>> {
        if self.makes_project {
            // Bytes that are no UTF-8 do not hide which files it holds together.
            return Some(Arc::from(String::from_utf8_lossy(bytes)));
        }
        let text = (self.releases || self.selects).then_some(bytes)?;
        std::str::from_utf8(text).ok().map(Arc::from)
    }
}

/// Walks the roots of a run, and keeps what is of use.
pub(super) fn walk(options: &Options<'_>, progress: &Progress) -> walk::Outcome<Candidate> {
    let keep = |path: &Path, kind: &'static Kind, bytes: &[u8]| {
        progress.advance(1);
        let area = options.settings.of(path)?;
        let sight = area.rules.anchors.look(bytes);
        let roles = Roles::of(&area.config, path, kind, bytes, sight.has_word);
        let secrets = || {
            let text = std::str::from_utf8(bytes).ok()?;
            Some(pull_secrets::read(path, text, kind))
        };
        let candidate = Candidate {
            kind,
            // A search for bytes finds nothing in broken UTF-16, which is kept to be reported.
            suspect: sight.suspect || Encoding::of(bytes) != Encoding::Utf8,
            roles,
            text: roles.text(bytes),
            pull_secrets: roles
                .holds_secret
                .then(secrets)
                .flatten()
                .unwrap_or_default(),
        };
        let counts = || options.only.as_ref().is_some_and(|only| only.has(path));
        let is_of_use = candidate.suspect
            || candidate.text.is_some()
            || roles.names_chart
            || !candidate.pull_secrets.is_empty();
        // Whoever lays a text over a file asks about that file.
        let is_laid = || options.walk.overlay.text(path).is_some();
        (is_of_use || counts() || is_laid()).then_some(candidate)
    };
    let sieve = walk::Sieve {
        listed: &|folder, names| options.settings.listed(folder, names),
        wanted: &|path, named| options.want(path, named),
        keep: &keep,
        // The path is not known here; what another repository looks for is judged by its own rules later.
        suspect: &|bytes| {
            let mut areas = options.settings.areas().into_iter();
            areas.any(|area| area.rules.anchors.occur_in(bytes))
        },
    };
    let broken = options.settings.broken().len();
    let found = walk::walk(&options.walk, &sieve);
    match options.settings.broken().len() > broken {
        // Files of a repository were read before a broken configuration was found in it.
        true => walk::walk(&options.walk, &sieve),
        false => found,
    }
}

/// By domain.
pub(super) fn pull_secrets_of(
    options: &Options<'_>,
    found: &walk::Outcome<Candidate>,
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
