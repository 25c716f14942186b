//! Version 1 of the JSON report, which `docs/json.md` describes: structs to write it and to read it back.
//!
//! These structs are separate from the inner types, so that those can change while the format stays. Lists and counts that
//! were added later have a default, because reports of an older regfix lack them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::edit::{self, Applicability};
use crate::finding::{self, Severity};
use crate::printable;
use crate::report::text::Places;
use crate::report::{Moment, RepositorySummary, Summary};
use crate::rules::alternatives;
use crate::source::{Position, Span};

/// Incremented when a field is removed or changes its meaning, not when one is added.
pub(in crate::report) const VERSION: u32 = 1;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Finding<'f> {
    pub rule: Cow<'f, str>,
    #[cfg_attr(test, schemars(with = "String"))]
    pub severity: Severity,
    pub message: Cow<'f, str>,
    #[serde(default)]
    pub mention: bool,
    pub old: Cow<'f, str>,
    pub new: Option<Cow<'f, str>>,
    pub reason: Option<Cow<'f, str>>,
    pub url: Option<Cow<'f, str>>,
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub applicability: Option<Applicability>,
    pub spans: Vec<Piece<'f>>,
    #[serde(default)]
    pub edits: Vec<Edit<'f>>,
    #[serde(default)]
    pub elsewhere: Vec<FileEdit<'f>>,
    #[serde(default)]
    pub related: Vec<Related<'f>>,
    #[serde(default)]
    pub notes: Cow<'f, [String]>,
    pub verified: Option<Verified<'f>>,
    #[serde(default)]
    pub alternatives: Vec<Alternative<'f>>,
    pub usage: Option<Cow<'f, str>>,
    pub at: Option<Cow<'f, str>>,
    /// Omitted in most findings.
    pub object: Option<Box<Object<'f>>>,
}

impl<'f> Finding<'f> {
    pub(in crate::report) fn new(
        finding: &'f finding::Finding,
        key: Option<&'f finding::Key>,
        places: &mut Places<'_>,
    ) -> Self {
        let spans = finding.labels.iter().map(|label| Piece::new(label, places));
        let spans = spans.collect();
        let edits = finding.fix.iter().flat_map(|fix| &fix.edits);
        let elsewhere = finding.fix.iter().flat_map(|fix| fix.elsewhere.iter());
        Self {
            rule: text(&finding.rule),
            severity: finding.severity,
            message: text(&finding.message),
            mention: finding.mention,
            old: text(&finding.old),
            new: finding.new.as_deref().map(text),
            reason: finding.reason.as_deref().map(text),
            url: finding.url.as_deref().map(text),
            applicability: finding.applicability(),
            spans,
            edits: edits.map(|edit| Edit::new(edit, places)).collect(),
            elsewhere: elsewhere.map(FileEdit::new).collect(),
            related: finding.related.iter().map(Related::new).collect(),
            notes: Cow::from(&finding.notes),
            verified: finding.verified.as_ref().map(Verified::new),
            alternatives: finding.alternatives.iter().map(Alternative::new).collect(),
            usage: finding.usage.map(|usage| text(usage.name())),
            at: key.map(|key| text(&key.at)),
            object: finding
                .object
                .as_deref()
                .map(|object| Box::new(Object::new(object))),
        }
    }
}

fn text(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

/// The live object that names the image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Object<'f> {
    kind: Cow<'f, str>,
    namespace: Option<Cow<'f, str>>,
    name: Cow<'f, str>,
    container: Option<Cow<'f, str>>,
}

impl<'f> Object<'f> {
    fn new(object: &'f finding::Object) -> Self {
        Self {
            kind: text(&object.kind),
            namespace: object.namespace.as_deref().map(text),
            name: text(&object.name),
            container: object.container.as_deref().map(text),
        }
    }
}

/// The answer of the registries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Verified<'f> {
    pub outcome: Cow<'f, str>,
    pub digest: Option<Cow<'f, str>>,
    pub text: Cow<'f, str>,
}

impl<'f> Verified<'f> {
    pub(crate) fn new(verified: &'f finding::Verified) -> Self {
        Self {
            outcome: text(verified.outcome.name()),
            digest: verified.digest.as_deref().map(text),
            text: text(&verified.text),
        }
    }
}

/// An image that other projects chose instead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Alternative<'f> {
    name: Cow<'f, str>,
    kind: Cow<'f, str>,
    origin: Cow<'f, str>,
    projects: u32,
    since: Option<Cow<'f, str>>,
    drop_in: Cow<'f, str>,
    lacks: Vec<Cow<'f, str>>,
    caveats: Vec<Cow<'f, str>>,
    sources: Vec<String>,
}

impl Alternative<'_> {
    fn new(one: &alternatives::Alternative) -> Self {
        Self {
            name: text(one.name),
            kind: text(one.kind.name()),
            origin: text(one.origin.name()),
            projects: one.projects,
            since: one.since.map(text),
            drop_in: text(one.drop_in.name()),
            lacks: one.lacks().map(text).collect(),
            caveats: one.caveats().map(text).collect(),
            sources: one.sources().collect(),
        }
    }
}

/// An edit in another file. Its line numbers are not known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct FileEdit<'f> {
    pub path: String,
    pub start: usize,
    pub end: usize,
    pub text: Cow<'f, str>,
}

impl<'f> FileEdit<'f> {
    fn new(edit: &'f edit::FileEdit) -> Self {
        Self {
            path: printable::name(&edit.path),
            start: edit.edit.span.start,
            end: edit.edit.span.end,
            text: text(&edit.edit.text),
        }
    }
}

/// Another location that is related to the finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Related<'f> {
    pub place: Cow<'f, str>,
    pub line: Option<usize>,
    pub column: Option<usize>,
    pub text: Cow<'f, str>,
}

impl<'f> Related<'f> {
    fn new(related: &'f finding::Related) -> Self {
        Self {
            place: text(&related.place),
            line: related.position.map(|position| position.line),
            column: related.position.map(|position| position.column),
            text: text(&related.text),
        }
    }
}

/// It has no spans and edits, because the text that they refer to has changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Fixed<'f> {
    pub rule: Cow<'f, str>,
    #[cfg_attr(test, schemars(with = "String"))]
    pub severity: Severity,
    pub message: Cow<'f, str>,
    pub old: Cow<'f, str>,
    pub new: Option<Cow<'f, str>>,
    pub reason: Option<Cow<'f, str>>,
    pub url: Option<Cow<'f, str>>,
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub applicability: Option<Applicability>,
    pub line: usize,
    pub column: usize,
}

impl<'f> Fixed<'f> {
    pub(in crate::report) fn new(fixed: &'f finding::Fixed) -> Self {
        let finding::Fixed { finding, position } = fixed;
        Self {
            rule: text(&finding.rule),
            severity: finding.severity,
            message: text(&finding.message),
            old: text(&finding.old),
            new: finding.new.as_deref().map(text),
            reason: finding.reason.as_deref().map(text),
            url: finding.url.as_deref().map(text),
            applicability: finding.applicability(),
            line: position.line,
            column: position.column,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Range {
    pub start: usize,
    pub end: usize,
    pub line: usize,
    pub column: usize,
    pub end_line: usize,
    pub end_column: usize,
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

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Piece<'f> {
    pub label: Option<Cow<'f, str>>,
    #[serde(flatten)]
    pub range: Range,
}

impl<'f> Piece<'f> {
    fn new(label: &'f finding::Label, places: &mut Places<'_>) -> Self {
        Self {
            label: Some(text(&label.text)).filter(|text| !text.is_empty()),
            range: Range::new(label.span, places),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Edit<'f> {
    #[serde(flatten)]
    pub range: Range,
    pub text: Cow<'f, str>,
}

impl<'f> Edit<'f> {
    fn new(edit: &'f edit::Edit, places: &mut Places<'_>) -> Self {
        Self {
            range: Range::new(edit.span, places),
            text: text(&edit.text),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Problem<'f> {
    pub message: Cow<'f, str>,
    pub fatal: bool,
    pub start: Option<usize>,
    pub line: Option<usize>,
    pub column: Option<usize>,
}

impl<'f> Problem<'f> {
    pub(in crate::report) fn new(problem: &'f finding::Problem, places: &mut Places<'_>) -> Self {
        let position = problem.offset.map(|offset| places.at(offset));
        Self {
            message: text(&problem.message),
            fatal: problem.fatal,
            start: problem.offset,
            line: position.map(|position| position.line),
            column: position.map(|position| position.column),
        }
    }
}

/// A legacy location in a place where nothing says how it is used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Unjudged<'f> {
    pub text: Cow<'f, str>,
    pub reason: Cow<'f, str>,
    #[serde(flatten)]
    pub range: Range,
}

impl<'f> Unjudged<'f> {
    pub(in crate::report) fn new(
        one: &'f finding::Unjudged,
        of: &'f str,
        places: &mut Places<'_>,
    ) -> Self {
        Self {
            text: text(one.span.of(of)),
            reason: text(&one.reason),
            range: Range::new(one.span, places),
        }
    }
}

/// Contains no time, so that the same input gives the same document.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub(in crate::report) struct Totals<'s> {
    pub files: usize,
    pub files_with_findings: usize,
    pub errors: usize,
    pub warnings: usize,
    pub infos: usize,
    pub fixable: usize,
    pub unsafe_fixable: usize,
    pub fixed: usize,
    pub fixed_files: usize,
    pub suppressed: usize,
    pub baselined: usize,
    pub stale: usize,
    pub not_analysed: usize,
    pub unjudged: usize,
    pub excluded: usize,
    pub ignored: usize,
    pub hidden: usize,
    pub unknown: usize,
    pub reports: usize,
    pub failures: usize,
    pub by_rule: Vec<RuleCount<'s>>,
    pub repositories: Vec<RepositoryCount<'s>>,
    pub catalogues: Vec<CatalogueUsed<'s>>,
    #[cfg_attr(test, schemars(with = "String"))]
    pub regfix: Option<Cow<'s, str>>,
    pub as_of: Option<String>,
    pub shard: Option<Cow<'s, str>>,
    pub history: Cow<'s, [Moment]>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct CatalogueUsed<'s> {
    pub as_of: Cow<'s, str>,
    pub file: Option<Cow<'s, str>>,
    sha256: Option<Cow<'s, str>>,
    #[serde(default)]
    pinned: bool,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct RuleCount<'s> {
    rule: Cow<'s, str>,
    count: usize,
    #[cfg_attr(test, schemars(with = "String"))]
    severity: Severity,
    safe: usize,
    needs_review: usize,
    no_fix: usize,
    mentions: usize,
}

/// The counts of a repository.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub(in crate::report) struct RepositoryCount<'s> {
    pub repository: Cow<'s, str>,
    pub commit: Option<Cow<'s, str>>,
    left: usize,
    fixable: usize,
    unsafe_fixable: usize,
    fixed: usize,
    pub baselined: usize,
    pub failures: usize,
}

impl<'s> RepositoryCount<'s> {
    fn new(of: &'s RepositorySummary) -> Self {
        Self {
            repository: text(&of.name),
            commit: of.commit.as_deref().map(text),
            left: of.left,
            fixable: of.fixable,
            unsafe_fixable: of.unsafe_fixable,
            fixed: of.fixed,
            baselined: of.baselined,
            failures: of.failures,
        }
    }
}

impl<'s> Totals<'s> {
    pub(in crate::report) fn new(summary: &'s Summary) -> Self {
        let by_rule = summary.by_rule.iter().map(|row| RuleCount {
            rule: text(&row.rule),
            count: row.counts.all,
            severity: row.severity,
            safe: row.counts.safe,
            needs_review: row.counts.review,
            no_fix: row.counts.no_fix(),
            mentions: row.counts.mentions,
        });
        let catalogues = summary.catalogues.iter().map(|edition| CatalogueUsed {
            as_of: text(&edition.as_of),
            file: edition.file.as_ref().map(|file| text(&file.name)),
            sha256: edition.file.as_ref().map(|file| text(&file.sha256)),
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
            regfix: Some(text(env!("CARGO_PKG_VERSION"))),
            as_of: summary.as_of.map(|day| day.to_string()),
            shard: summary.shard.as_deref().map(text),
            history: Cow::from(&summary.history),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct At<'r> {
    pub path: Cow<'r, str>,
    /// Present if the file is in a git repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<Cow<'r, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Cow<'r, str>>,
    #[serde(default)]
    pub owners: Cow<'r, [String]>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct File<'r> {
    #[serde(flatten)]
    pub at: At<'r>,
    #[serde(default)]
    pub findings: Vec<Finding<'r>>,
    #[serde(default)]
    pub fixed: Vec<Fixed<'r>>,
    #[serde(default)]
    pub problems: Vec<Problem<'r>>,
    #[serde(default)]
    pub unjudged: Vec<Unjudged<'r>>,
}

/// The document. It is read as a whole and written file by file.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(
    test,
    schemars(
        title = "The JSON report of regfix",
        description = "docs/json.md says what each field means."
    )
)]
pub(in crate::report) struct Document<'r> {
    #[cfg_attr(test, schemars(extend("const" = VERSION)))]
    pub version: u32,
    pub files: Vec<File<'r>>,
    pub summary: Totals<'r>,
}

/// A line of JSON Lines: its type, file and fields.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(in crate::report) enum Line<'r> {
    Finding {
        #[serde(flatten)]
        at: At<'r>,
        #[serde(flatten)]
        finding: Box<Finding<'r>>,
    },
    Fixed {
        #[serde(flatten)]
        at: At<'r>,
        #[serde(flatten)]
        fixed: Fixed<'r>,
    },
    Problem {
        #[serde(flatten)]
        at: At<'r>,
        #[serde(flatten)]
        problem: Problem<'r>,
    },
    Unjudged {
        #[serde(flatten)]
        at: At<'r>,
        #[serde(flatten)]
        unjudged: Unjudged<'r>,
    },
    Summary {
        version: u32,
        #[serde(flatten)]
        totals: Totals<'r>,
    },
}
