//! The capabilities of the editor and the settings of its user.

use std::path::PathBuf;

use lsp_types::{ClientCapabilities, MarkupKind, ResourceOperationKind};
use serde::Deserialize;
use serde_json::Value;

use super::position::Units;

/// The capabilities of the client that matter here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client {
    pub units: Units,
    /// Whether edits can name the version of their document.
    pub document_changes: bool,
    /// Whether edits can carry an explanation.
    pub annotations: bool,
    /// Whether edits can create files.
    pub creates_files: bool,
    pub related_information: bool,
    pub code_links: bool,
    pub tags: bool,
    pub markdown: bool,
    /// Whether it supports `client/registerCapability` for watched files.
    pub watches_files: bool,
    pub preferred_actions: bool,
}

impl Client {
    pub(super) fn new(capabilities: &ClientCapabilities) -> Self {
        let general = capabilities.general.as_ref();
        let workspace = capabilities.workspace.as_ref();
        let document = capabilities.text_document.as_ref();
        let edit = workspace.and_then(|workspace| workspace.workspace_edit.as_ref());
        let publish = document.and_then(|document| document.publish_diagnostics.as_ref());
        let hover = document.and_then(|document| document.hover.as_ref());
        let formats = hover.and_then(|hover| hover.content_format.as_ref());
        let watched = workspace.and_then(|workspace| workspace.did_change_watched_files);
        let action = document.and_then(|document| document.code_action.as_ref());
        let offered = general.and_then(|general| general.position_encodings.as_deref());
        let operations = edit.and_then(|edit| edit.resource_operations.as_ref());
        Self {
            units: Units::of(offered),
            document_changes: edit.and_then(|edit| edit.document_changes) == Some(true),
            annotations: edit.is_some_and(|edit| edit.change_annotation_support.is_some()),
            creates_files: operations
                .is_some_and(|known| known.contains(&ResourceOperationKind::Create)),
            related_information: publish.and_then(|publish| publish.related_information)
                == Some(true),
            code_links: publish.and_then(|publish| publish.code_description_support) == Some(true),
            tags: publish.is_some_and(|publish| publish.tag_support.is_some()),
            markdown: formats.is_some_and(|formats| formats.contains(&MarkupKind::Markdown)),
            watches_files: watched.and_then(|watched| watched.dynamic_registration) == Some(true),
            preferred_actions: action.and_then(|action| action.is_preferred_support) == Some(true),
        }
    }
}

/// The user's settings in the editor, under `regfix` or as `initializationOptions`. They override the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Settings {
    /// Like `--select`, `--ignore` and `--exclude`.
    pub select: Vec<String>,
    pub ignore: Vec<String>,
    pub exclude: Vec<String>,
    /// Like `--config`.
    pub config: Option<PathBuf>,
    /// Like `--min-severity`.
    pub min_severity: Option<String>,
    pub all_text: bool,
    /// Like `--no-baseline`.
    pub no_baseline: bool,
}

impl Settings {
    /// Reads the settings, which may be nested under the server's name. `null` means the defaults.
    ///
    /// # Errors
    /// If a setting is malformed.
    pub(super) fn read(value: &Value) -> Result<Self, String> {
        let value = value.get("regfix").unwrap_or(value);
        if value.is_null() {
            return Ok(Self::default());
        }
        Self::deserialize(value).map_err(|error| format!("settings of the editor: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_read_with_or_without_the_name_of_the_server() {
        let settings = Settings {
            ignore: vec!["bitnami-*".to_owned()],
            min_severity: Some("error".to_owned()),
            ..Settings::default()
        };
        let plain = json!({"ignore": ["bitnami-*"], "minSeverity": "error", "path": ["x"]});
        assert_eq!(Settings::read(&plain), Ok(settings.clone()));
        assert_eq!(Settings::read(&json!({"regfix": plain})), Ok(settings));
        assert_eq!(Settings::read(&Value::Null), Ok(Settings::default()));
        let wrong = Settings::read(&json!({"select": 1})).unwrap_err();
        assert!(
            wrong.starts_with("settings of the editor: invalid type"),
            "{wrong}"
        );
    }
}
