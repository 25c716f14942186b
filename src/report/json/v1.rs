//! Version 1 of the JSON report, field by field: as `docs/json.md` describes it.
//!
//! These structs are apart from the inner types on purpose, so that those can change while this stays.

use serde::Serialize;

use crate::edit::{self, Applicability};
use crate::finding;
use crate::printable;
use crate::report::text::Places;
use crate::report::{Moment, RepositorySummary, Summary};
use crate::rules::alternatives;
use crate::source::{Position, Span};

/// Grows when a field goes, or means something else; not when one is added.
pub(in crate::report) const VERSION: u32 = 1;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Finding<'f> {
    rule: &'f str,
    severity: &'static str,
    message: &'f str,
    mention: bool,
    old: &'f str,
    new: Option<&'f str>,
    reason: Option<&'f str>,
    url: Option<&'f str>,
    applicability: Option<&'static str>,
    spans: Vec<Piece<'f>>,
    edits: Vec<Edit<'f>>,
    elsewhere: Vec<FileEdit<'f>>,
    related: Vec<Related<'f>>,
    notes: Vec<&'f str>,
    verified: Option<Verified<'f>>,
    alternatives: Vec<Alternative<'f>>,
    usage: Option<&'static str>,
    at: Option<&'f str>,
    /// In few findings.
    object: Option<Box<Object<'f>>>,
}

impl<'f> Finding<'f> {
    pub(in crate::report) fn new(
        finding: &'f finding::Finding,
        key: Option<&'f finding::Key>,
        places: &mut Places<'_>,
    ) -> Self {
        let edits = finding.fix.iter().flat_map(|fix| &fix.edits);
        let elsewhere = finding.fix.iter().flat_map(|fix| fix.elsewhere.iter());
        Self {
            rule: &finding.rule,
            severity: finding.severity.name(),
            message: &finding.message,
            mention: finding.mention,
            old: &finding.old,
            new: finding.new.as_deref(),
            reason: finding.reason.as_deref(),
            url: finding.url.as_deref(),
            applicability: finding.applicability().map(Applicability::name),
            spans: finding
                .labels
                .iter()
                .map(|label| Piece::new(label, places))
                .collect(),
            edits: edits.map(|edit| Edit::new(edit, places)).collect(),
            elsewhere: elsewhere.map(FileEdit::new).collect(),
            related: finding.related.iter().map(Related::new).collect(),
            notes: finding.notes.iter().map(String::as_str).collect(),
            verified: finding.verified.as_ref().map(Verified::new),
            alternatives: finding.alternatives.iter().map(Alternative::new).collect(),
            usage: finding.usage.map(finding::Usage::name),
            at: key.map(|key| key.at.as_str()),
            object: finding
                .object
                .as_deref()
                .map(|object| Box::new(Object::new(object))),
        }
    }
}

/// The live object that names the image.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Object<'f> {
    kind: &'f str,
    namespace: Option<&'f str>,
    name: &'f str,
    container: Option<&'f str>,
}

impl<'f> Object<'f> {
    fn new(object: &'f finding::Object) -> Self {
        Self {
            kind: &object.kind,
            namespace: object.namespace.as_deref(),
            name: &object.name,
            container: object.container.as_deref(),
        }
    }
}

/// What registries answered.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Verified<'f> {
    outcome: &'static str,
    digest: Option<&'f str>,
    text: &'f str,
}

impl<'f> Verified<'f> {
    pub(crate) fn new(verified: &'f finding::Verified) -> Self {
        Self {
            outcome: verified.outcome.name(),
            digest: verified.digest.as_deref(),
            text: &verified.text,
        }
    }
}

/// What others chose in place of the image.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Alternative<'f> {
    name: &'f str,
    kind: &'static str,
    origin: &'static str,
    projects: u32,
    since: Option<&'f str>,
    drop_in: &'static str,
    lacks: Vec<&'f str>,
    caveats: Vec<&'f str>,
    sources: Vec<String>,
}

impl<'f> Alternative<'f> {
    fn new(one: &'f alternatives::Alternative) -> Self {
        Self {
            name: one.name,
            kind: one.kind.name(),
            origin: one.origin.name(),
            projects: one.projects,
            since: one.since,
            drop_in: one.drop_in.name(),
            lacks: one.lacks().collect(),
            caveats: one.caveats().collect(),
            sources: one.sources().collect(),
        }
    }
}

/// An edit in another file, whose lines are not at hand.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct FileEdit<'f> {
    path: String,
    start: usize,
    end: usize,
    text: &'f str,
}

impl<'f> FileEdit<'f> {
    fn new(edit: &'f edit::FileEdit) -> Self {
        Self {
            path: printable::name(&edit.path),
            start: edit.edit.span.start,
            end: edit.edit.span.end,
            text: &edit.edit.text,
        }
    }
}

/// Another place that the finding has to do with.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Related<'f> {
    place: &'f str,
    line: Option<usize>,
    column: Option<usize>,
    text: &'f str,
}

impl<'f> Related<'f> {
    fn new(related: &'f finding::Related) -> Self {
        Self {
            place: &related.place,
            line: related.position.map(|position| position.line),
            column: related.position.map(|position| position.column),
            text: &related.text,
        }
    }
}

/// Without spans and edits: the text that they belong to is gone.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Fixed<'f> {
    rule: &'f str,
    severity: &'static str,
    message: &'f str,
    old: &'f str,
    new: Option<&'f str>,
    reason: Option<&'f str>,
    url: Option<&'f str>,
    applicability: Option<&'static str>,
    line: usize,
    column: usize,
}

impl<'f> Fixed<'f> {
    pub(in crate::report) fn new(fixed: &'f finding::Fixed) -> Self {
        let finding::Fixed { finding, position } = fixed;
        Self {
            rule: &finding.rule,
            severity: finding.severity.name(),
            message: &finding.message,
            old: &finding.old,
            new: finding.new.as_deref(),
            reason: finding.reason.as_deref(),
            url: finding.url.as_deref(),
            applicability: finding.applicability().map(Applicability::name),
            line: position.line,
            column: position.column,
        }
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Range {
    start: usize,
    end: usize,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

impl Range {
    fn new(span: Span, places: &mut Places<'_>) -> Self {
        let Position { line, column } = places.at(span.start);
        let end = places.at(span.end);
        Self {
            start: span.start,
            end: span.end,
            line,
            column,
            end_line: end.line,
            end_column: end.column,
        }
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Piece<'f> {
    label: Option<&'f str>,
    #[serde(flatten)]
    range: Range,
}

impl<'f> Piece<'f> {
    fn new(label: &'f finding::Label, places: &mut Places<'_>) -> Self {
        Self {
            label: Some(label.text.as_str()).filter(|text| !text.is_empty()),
            range: Range::new(label.span, places),
        }
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Edit<'f> {
    #[serde(flatten)]
    range: Range,
    text: &'f str,
}

impl<'f> Edit<'f> {
    fn new(edit: &'f edit::Edit, places: &mut Places<'_>) -> Self {
        Self {
            range: Range::new(edit.span, places),
            text: &edit.text,
        }
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Problem<'f> {
    message: &'f str,
    fatal: bool,
    start: Option<usize>,
    line: Option<usize>,
    column: Option<usize>,
}

impl<'f> Problem<'f> {
    pub(in crate::report) fn new(problem: &'f finding::Problem, places: &mut Places<'_>) -> Self {
        let position = problem.offset.map(|offset| places.at(offset));
        Self {
            message: &problem.message,
            fatal: problem.fatal,
            start: problem.offset,
            line: position.map(|position| position.line),
            column: position.map(|position| position.column),
        }
    }
}

/// A legacy location that is named where nothing says how it is used.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Unjudged<'f> {
    text: &'f str,
    reason: &'f str,
    #[serde(flatten)]
    range: Range,
}

impl<'f> Unjudged<'f> {
    pub(in crate::report) fn new(
        one: &'f finding::Unjudged,
        text: &'f str,
        places: &mut Places<'_>,
    ) -> Self {
        Self {
            text: one.span.of(text),
            reason: &one.reason,
            range: Range::new(one.span, places),
        }
    }
}

/// The time is left out: the same input gives the same document.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Totals<'s> {
    files: usize,
    files_with_findings: usize,
    errors: usize,
    warnings: usize,
    infos: usize,
    fixable: usize,
    unsafe_fixable: usize,
    fixed: usize,
    fixed_files: usize,
    suppressed: usize,
    baselined: usize,
    stale: usize,
    not_analysed: usize,
    unjudged: usize,
    excluded: usize,
    ignored: usize,
    hidden: usize,
    unknown: usize,
    reports: usize,
    failures: usize,
    by_rule: Vec<RuleCount<'s>>,
    repositories: Vec<RepositoryCount<'s>>,
    catalogues: Vec<CatalogueUsed<'s>>,
    regfix: &'static str,
    as_of: Option<String>,
    shard: Option<&'s str>,
    history: Vec<MomentCount<'s>>,
}

/// What an earlier run came to.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct MomentCount<'s> {
    as_of: &'s str,
    errors: usize,
    warnings: usize,
    infos: usize,
    fixed: usize,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct CatalogueUsed<'s> {
    as_of: &'s str,
    file: Option<&'s str>,
    sha256: Option<&'s str>,
    pinned: bool,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct RuleCount<'s> {
    rule: &'s str,
    count: usize,
    severity: &'static str,
    safe: usize,
    needs_review: usize,
    no_fix: usize,
    mentions: usize,
}

/// What a repository came to.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct RepositoryCount<'s> {
    repository: &'s str,
    commit: Option<&'s str>,
    left: usize,
    fixable: usize,
    unsafe_fixable: usize,
    fixed: usize,
    baselined: usize,
    failures: usize,
}

impl<'s> RepositoryCount<'s> {
    fn new(of: &'s RepositorySummary) -> Self {
        Self {
            repository: &of.name,
            commit: of.commit.as_deref(),
            left: of.left,
            fixable: of.fixable,
            unsafe_fixable: of.unsafe_fixable,
            fixed: of.fixed,
            baselined: of.baselined,
            failures: of.failures,
        }
    }
}

impl<'s> MomentCount<'s> {
    fn new(of: &'s Moment) -> Self {
        Self {
            as_of: &of.as_of,
            errors: of.errors,
            warnings: of.warnings,
            infos: of.infos,
            fixed: of.fixed,
        }
    }
}

impl<'s> Totals<'s> {
    pub(in crate::report) fn new(summary: &'s Summary) -> Self {
        let by_rule = summary.by_rule.iter().map(|row| RuleCount {
            rule: &row.rule,
            count: row.counts.all,
            severity: row.severity.name(),
            safe: row.counts.safe,
            needs_review: row.counts.review,
            no_fix: row.counts.no_fix(),
            mentions: row.counts.mentions,
        });
        let catalogues = summary.catalogues.iter().map(|edition| CatalogueUsed {
            as_of: &edition.as_of,
            file: edition.file.as_ref().map(|file| file.name.as_str()),
            sha256: edition.file.as_ref().map(|file| file.sha256.as_str()),
            pinned: edition.is_pinned(),
        });
        Self {
            files: summary.files,
            files_with_findings: summary.files_with_findings,
            errors: summary.errors,
            warnings: summary.warnings,
            infos: summary.infos,
            fixable: summary.fixable,
            unsafe_fixable: summary.unsafe_fixable,
            fixed: summary.fixed,
            fixed_files: summary.fixed_files,
            suppressed: summary.suppressed,
            baselined: summary.baselined,
            stale: summary.stale,
            not_analysed: summary.not_analysed,
            unjudged: summary.unjudged,
            excluded: summary.excluded,
            ignored: summary.ignored,
            hidden: summary.hidden,
            unknown: summary.unknown,
            reports: summary.reports,
            failures: summary.failures,
            by_rule: by_rule.collect(),
            repositories: summary
                .repositories
                .iter()
                .map(RepositoryCount::new)
                .collect(),
            catalogues: catalogues.collect(),
            regfix: env!("CARGO_PKG_VERSION"),
            as_of: summary.as_of.map(|day| day.to_string()),
            shard: summary.shard.as_deref(),
            history: summary.history.iter().map(MomentCount::new).collect(),
        }
    }
}

/// The document, for its schema: what is written is streamed.
#[cfg(test)]
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(
    title = "The JSON report of regfix",
    description = "docs/json.md says what each field means."
)]
pub(in crate::report) struct Document<'r> {
    #[schemars(extend("const" = VERSION))]
    version: u32,
    files: Vec<File<'r>>,
    summary: Totals<'r>,
}

#[cfg(test)]
#[derive(Serialize, schemars::JsonSchema)]
struct File<'r> {
    path: &'r str,
    /// Of a file in a git repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<&'r str>,
    owners: &'r [String],
    findings: Vec<Finding<'r>>,
    fixed: Vec<Fixed<'r>>,
    problems: Vec<Problem<'r>>,
    unjudged: Vec<Unjudged<'r>>,
}
