//! Code actions for a finding: its fix, all safe fixes of the file, and a comment or a baseline entry that ignores it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lsp_types::{CodeAction, CodeActionKind, CodeActionOrCommand, Diagnostic, WorkspaceEdit};
use serde_json::Value;

use super::edits::Maker;
use super::ignore;
use super::position::Lines;
use super::question::{Common, Question, Wanted};
use crate::edit::{Applicability, Fix};
use crate::finding::{Finding, IGNORE_EXPIRED, IGNORE_UNUSED, Key};
use crate::printable;
use crate::run::{Judged, Session};
use crate::source::Span;
use crate::walk::Overlay;

/// The most findings that get actions. A user who selects a whole file wants the one action that fixes it.
const MOST: usize = 20;

/// The kind of the action that fixes a file. Editors can be configured to run it on save.
pub(super) fn fix_all() -> CodeActionKind {
    CodeActionKind::new("source.fixAll.regfix")
}

/// A request for actions, and the findings for it.
pub(super) struct Asking<'a> {
    pub common: &'a Common,
    pub session: &'a Session<'a>,
    pub overlay: &'a Overlay,
    pub question: &'a Question,
    pub all: &'a BTreeMap<PathBuf, Judged>,
}

impl Asking<'_> {
    pub(super) fn answer(&self, wanted: &Wanted) -> Value {
        let mut actions: Vec<CodeAction> = Vec::new();
        if let Some(judged) = self.all.get(&self.question.path) {
            if wanted.has(&CodeActionKind::QUICKFIX) {
                actions.extend(self.quick(judged, wanted));
            }
            if wanted.has(&fix_all()) && !wanted.is_any_at_a_glance() {
                actions.extend(self.fix_all());
            }
        }
        let actions = actions.into_iter().map(CodeActionOrCommand::CodeAction);
        serde_json::to_value(actions.collect::<Vec<_>>()).unwrap_or_default()
    }

    /// Returns the actions for the findings in the range, fixes first.
    fn quick(&self, judged: &Judged, wanted: &Wanted) -> Vec<CodeAction> {
        let lines = Lines::new(&judged.text, self.common.client.units);
        let asked = lines.span(self.question.range);
        let touches = |span: Span| span.start <= asked.end && asked.start <= span.end;
        let findings = judged.findings.iter().enumerate();
        let here = findings.filter(|(_, finding)| {
            let mut labels = finding.labels.iter();
            labels.any(|label| touches(label.span))
        });
        let here: Vec<(usize, &Finding)> = here.take(MOST).collect();
        let fixes = here.iter().filter_map(|(_, finding)| {
            let fix = finding
                .fix
                .as_ref()
                .filter(|fix| fix.applicability.is_written())?;
            let diagnostics = wanted.diagnostic(finding, &lines);
            self.fix(finding, fix, diagnostics)
        });
        let ignored = here.iter().flat_map(|(at, finding)| {
            let diagnostics = wanted.diagnostic(finding, &lines);
            self.ignored(judged, finding, judged.keys.get(*at), diagnostics.as_ref())
        });
        let mut all: Vec<CodeAction> = Vec::new();
        for action in fixes.chain(ignored) {
            // Two findings may share a fix.
            let is_known =
                |known: &CodeAction| known.title == action.title && known.edit == action.edit;
            if !all.iter().any(is_known) {
                all.push(action);
            }
        }
        all
    }

    fn fix(
        &self,
        finding: &Finding,
        fix: &Fix,
        diagnostics: Option<Vec<Diagnostic>>,
    ) -> Option<CodeAction> {
        let edit = self.edit(|maker| maker.of_fix(fix, self.all))?;
        let what = match &finding.new {
            Some(new) => format!("Replace with {new}"),
            None => format!("Fix: {}", finding.message),
        };
        let is_safe = fix.applicability == Applicability::Safe;
        let title = match (&finding.reason, is_safe) {
            (_, true) => what,
            (Some(reason), false) => format!("{what} (needs review: {reason})"),
            (None, false) => format!("{what} (needs review)"),
        };
        let is_preferred = self.common.client.preferred_actions && is_safe;
        Some(CodeAction {
            is_preferred: is_preferred.then_some(true),
            ..action(&title, CodeActionKind::QUICKFIX, edit, diagnostics)
        })
    }

    fn ignored(
        &self,
        judged: &Judged,
        finding: &Finding,
        key: Option<&Key>,
        diagnostics: Option<&Vec<Diagnostic>>,
    ) -> Vec<CodeAction> {
        // A finding about an ignore comment cannot be ignored by another one.
        if [IGNORE_UNUSED, IGNORE_EXPIRED].contains(&&*finding.rule) {
            return Vec::new();
        }
        let path = &self.question.path;
        let make = |title: String, edit: Option<WorkspaceEdit>| {
            let kind = CodeActionKind::QUICKFIX;
            Some(action(&title, kind, edit?, diagnostics.cloned()))
        };
        let comment = || {
            let fix = ignore::comment(self.session, self.overlay, path, judged, finding)?;
            let edit = self.edit(|maker| maker.of_fix(&fix, self.all));
            make(format!("Ignore {} here", finding.rule), edit)
        };
        let baseline = || {
            let key = key.filter(|_| !finding.mention)?;
            let (file, change) = self.session.in_baseline(path, key, self.overlay)?;
            let changes = BTreeMap::from([(file, change)]);
            let edit = self.edit(|maker| maker.of_changes(&changes));
            make(format!("Add this {} to the baseline", finding.rule), edit)
        };
        comment().into_iter().chain(baseline()).collect()
    }

    fn fix_all(&self) -> Option<CodeAction> {
        let path = &self.question.path;
        let fixed = self.session.fix(path, self.overlay, Applicability::Safe);
        let changes = fixed.ok().filter(|changes| !changes.is_empty())?;
        let edit = self.edit(|maker| maker.of_changes(&changes))?;
        let title = "Fix all that is safe in this file (regfix)";
        Some(action(title, fix_all(), edit, None))
    }

    fn edit(
        &self,
        make: impl FnOnce(&Maker<'_>) -> Option<WorkspaceEdit>,
    ) -> Option<WorkspaceEdit> {
        make(&Maker {
            client: &self.common.client,
            documents: &self.common.documents(),
            path: &self.question.path,
        })
    }
}

fn action(
    title: &str,
    kind: CodeActionKind,
    edit: WorkspaceEdit,
    diagnostics: Option<Vec<Diagnostic>>,
) -> CodeAction {
    CodeAction {
        title: printable::line(title).into_owned(),
        kind: Some(kind),
        diagnostics,
        edit: Some(edit),
        ..CodeAction::default()
    }
}
