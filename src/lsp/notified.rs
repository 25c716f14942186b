//! Handles notifications of the editor: which documents are open, and what changed.

use std::path::PathBuf;

use lsp_server::{Notification, RequestId};
use lsp_types::notification::{
    Cancel, DidChangeConfiguration, DidChangeTextDocument, DidChangeWatchedFiles,
    DidChangeWorkspaceFolders, DidCloseTextDocument, DidOpenTextDocument, DidSaveTextDocument,
    Notification as Known,
};
use lsp_types::{
    CancelParams, DidChangeConfigurationParams, DidChangeTextDocumentParams,
    DidChangeWatchedFilesParams, DidChangeWorkspaceFoldersParams, DidCloseTextDocumentParams,
    DidOpenTextDocumentParams, DidSaveTextDocumentParams, NumberOrString, PublishDiagnosticsParams,
    WorkspaceFolder,
};

use super::question::Event;
use super::server::Server;
use super::uri;

impl Server<'_> {
    pub(super) fn notified(&mut self, notification: Notification) {
        match notification.method.as_str() {
            DidOpenTextDocument::METHOD => {
                self.with::<DidOpenTextDocument>(notification, Self::opened);
            }
            DidChangeTextDocument::METHOD => {
                self.with::<DidChangeTextDocument>(notification, Self::edited);
            }
            DidSaveTextDocument::METHOD => {
                self.with::<DidSaveTextDocument>(notification, Self::saved);
            }
            DidCloseTextDocument::METHOD => {
                self.with::<DidCloseTextDocument>(notification, Self::closed);
            }
            DidChangeWatchedFiles::METHOD => {
                self.with::<DidChangeWatchedFiles>(notification, Self::files_changed);
            }
            DidChangeConfiguration::METHOD => {
                self.with::<DidChangeConfiguration>(notification, Self::configured);
            }
            DidChangeWorkspaceFolders::METHOD => {
                self.with::<DidChangeWorkspaceFolders>(notification, Self::folders_changed);
            }
            Cancel::METHOD => self.with::<Cancel>(notification, Self::cancelled),
            _ => {}
        }
    }

    /// Parses the parameters of a notification. Only complains if that fails, because nobody waits for a response.
    fn with<N: Known>(
        &mut self,
        notification: Notification,
        act: impl FnOnce(&mut Self, N::Params),
    ) {
        match serde_json::from_value(notification.params) {
            Ok(params) => act(self, params),
            Err(error) => {
                let message = format!("{} is not understood: {error}", N::METHOD);
                let _ = self.events().send(Event::Complain(message));
            }
        }
    }

    fn opened(&mut self, params: DidOpenTextDocumentParams) {
        let path = self.common.documents().open(params.text_document);
        self.root_of(&path).changed(Some(path));
    }

    fn edited(&mut self, params: DidChangeTextDocumentParams) {
        let document = params.text_document;
        let mut documents = self.common.documents();
        let path = documents.change(&document.uri, document.version, params.content_changes);
        drop(documents);
        if let Some(path) = path {
            self.root_of(&path).changed(Some(path));
        }
    }

    /// Needed because not every editor reports file changes.
    fn saved(&mut self, params: DidSaveTextDocumentParams) {
        if let Some(path) = uri::to_path(&params.text_document.uri) {
            self.file_changed(&path);
        }
    }

    fn closed(&mut self, params: DidCloseTextDocumentParams) {
        let uri = params.text_document.uri;
        let path = self.common.documents().close(&uri);
        if let Some(path) = path {
            let nothing = PublishDiagnosticsParams::new(uri, Vec::new(), None);
            let _ = self.events().send(Event::Publish(nothing));
            self.root_of(&path).changed(None);
        }
    }

    fn files_changed(&mut self, params: DidChangeWatchedFilesParams) {
        let changed = params.changes.iter();
        for path in changed.filter_map(|change| uri::to_path(&change.uri)) {
            self.file_changed(&path);
        }
    }

    /// Editors that do not send their settings send `null` when they change.
    fn configured(&mut self, params: DidChangeConfigurationParams) {
        if !params.settings.is_null() {
            self.set(&params.settings);
        }
    }

    fn folders_changed(&mut self, params: DidChangeWorkspaceFoldersParams) {
        let paths = |folders: &[WorkspaceFolder]| -> Vec<PathBuf> {
            let folders = folders.iter();
            folders
                .filter_map(|folder| uri::to_path(&folder.uri))
                .collect()
        };
        let removed = paths(&params.event.removed);
        self.folders.retain(|folder| !removed.contains(folder));
        self.folders.extend(paths(&params.event.added));
        self.restart();
    }

    fn cancelled(&mut self, params: CancelParams) {
        let id = match params.id {
            NumberOrString::Number(id) => RequestId::from(id),
            NumberOrString::String(id) => RequestId::from(id),
        };
        self.cancel(&id);
    }
}
