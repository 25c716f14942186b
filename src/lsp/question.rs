//! Questions of the editor, messages to it, and the state that all roots share.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use crossbeam_channel::Sender;
use lsp_server::RequestId;
use lsp_types::{
    CodeActionContext, CodeActionKind, CodeActionTriggerKind, Diagnostic, NumberOrString,
    PublishDiagnosticsParams, Range,
};
use serde_json::Value;

use super::Host;
use super::client::Client;
use super::documents::Documents;
use super::position::Lines;
use crate::finding::Finding;
use crate::parallel::lock;

/// A message for the server to send.
pub(super) enum Event {
    Publish(PublishDiagnosticsParams),
    Answer(RequestId, Value),
    /// An error to show to the user.
    Complain(String),
}

/// A request of the editor about a document.
pub(super) struct Question {
    pub id: RequestId,
    pub path: PathBuf,
    pub range: Range,
    pub about: About,
}

pub(super) enum About {
    Actions(Wanted),
    Hover,
}

/// The state that all roots of the server share.
#[derive(Clone)]
pub(super) struct Common {
    pub host: Arc<dyn Host>,
    pub client: Client,
    pub documents: Arc<Mutex<Documents>>,
    pub events: Sender<Event>,
}

impl Common {
    pub(super) fn documents(&self) -> MutexGuard<'_, Documents> {
        lock(&self.documents)
    }
}

/// The actions that the editor requests.
pub(super) struct Wanted {
    only: Option<Vec<CodeActionKind>>,
    /// Whether the editor asked on its own, for example to show a light bulb.
    is_automatic: bool,
    diagnostics: Vec<Diagnostic>,
}

impl Wanted {
    pub(super) fn new(context: CodeActionContext) -> Self {
        Self {
            only: context.only,
            is_automatic: context.trigger_kind == Some(CodeActionTriggerKind::AUTOMATIC),
            diagnostics: context.diagnostics,
        }
    }

    /// Whether the editor asked on its own for actions of any kind.
    pub(super) fn is_any_at_a_glance(&self) -> bool {
        self.only.is_none() && self.is_automatic
    }

    /// Whether a kind is requested, directly or through a kind above it.
    pub(super) fn has(&self, kind: &CodeActionKind) -> bool {
        let is_of = |asked: &CodeActionKind| {
            let rest = kind.as_str().strip_prefix(asked.as_str());
            rest.is_some_and(|rest| {
                asked.as_str().is_empty() || rest.is_empty() || rest.starts_with('.')
            })
        };
        self.only.as_ref().is_none_or(|only| only.iter().any(is_of))
    }

    /// Returns the editor's diagnostic for a finding.
    pub(super) fn diagnostic(
        &self,
        finding: &Finding,
        lines: &Lines<'_>,
    ) -> Option<Vec<Diagnostic>> {
        let range = lines.range(finding.span());
        let of_finding = |one: &&Diagnostic| {
            let is_rule = |code: &NumberOrString| matches!(code, NumberOrString::String(code) if **code == *finding.rule);
            one.range == range && one.code.as_ref().is_some_and(is_rule)
        };
        let found: Vec<Diagnostic> = self
            .diagnostics
            .iter()
            .filter(of_finding)
            .cloned()
            .collect();
        (!found.is_empty()).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::super::actions::fix_all;
    use super::*;

    #[test]
    fn kinds_are_asked_for_by_themselves_or_by_what_is_above_them() {
        let wanted = |only: Option<&[&'static str]>| Wanted {
            only: only.map(|only| only.iter().map(|kind| CodeActionKind::new(kind)).collect()),
            is_automatic: false,
            diagnostics: Vec::new(),
        };
        assert!(wanted(None).has(&fix_all()));
        assert!(wanted(Some(&["source.fixAll"])).has(&fix_all()));
        assert!(wanted(Some(&["source.fixAll.regfix"])).has(&fix_all()));
        assert!(!wanted(Some(&["source.fixAll.reg"])).has(&fix_all()));
        assert!(!wanted(Some(&["source.organizeImports"])).has(&fix_all()));
        assert!(!wanted(Some(&["source"])).has(&CodeActionKind::QUICKFIX));
    }
}
