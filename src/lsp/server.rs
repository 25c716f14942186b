//! The server's main loop: handles messages from the editor and results from the roots.
//!
//! It judges nothing itself, so that no request waits for another.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crossbeam_channel::{Receiver, Sender, select};
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types::notification::{
    DidChangeWatchedFiles, Notification as _, PublishDiagnostics, ShowMessage,
};
use lsp_types::request::{CodeActionRequest, HoverRequest, RegisterCapability, Request as _};
use lsp_types::{
    CodeActionKind, CodeActionOptions, CodeActionParams, CodeActionProviderCapability, HoverParams,
    HoverProviderCapability, InitializeParams, MessageType, OneOf, Range, Registration,
    RegistrationParams, SaveOptions, ServerCapabilities, ShowMessageParams,
    TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions,
    TextDocumentSyncSaveOptions, WorkspaceFoldersServerCapabilities, WorkspaceServerCapabilities,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::client::{Client, Settings};
use super::documents::Documents;
use super::question::{About, Common, Event, Question, Wanted};
use super::root::{Root, nearest};
use super::{Host, actions, uri};
use crate::run;

/// Why the server ended without a request of the editor.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Fault(String);

fn fault(error: impl std::fmt::Display) -> Fault {
    Fault(error.to_string())
}

/// Serves the editor on standard input and output until it shuts the server down or disappears.
///
/// # Errors
/// If the editor violates the protocol.
pub fn serve(host: Arc<dyn Host>) -> Result<(), Fault> {
    let (connection, threads) = Connection::stdio();
    let served = serve_over(&connection, host);
    drop(connection);
    // The error does not matter: an editor that disappeared neither reads nor writes.
    let _ = threads.join();
    served
}

fn serve_over(connection: &Connection, host: Arc<dyn Host>) -> Result<(), Fault> {
    let (id, params) = connection.initialize_start().map_err(fault)?;
    let params: InitializeParams = serde_json::from_value(params).map_err(fault)?;
    let client = Client::new(&params.capabilities);
    let answer = json!({
        "capabilities": capabilities(&client),
        "serverInfo": {"name": "regfix", "version": env!("CARGO_PKG_VERSION")},
    });
    connection.initialize_finish(id, answer).map_err(fault)?;
    let (events, from_roots) = crossbeam_channel::unbounded();
    let mut server = Server {
        connection,
        folders: folders(&params),
        common: Common {
            host,
            client,
            documents: Arc::new(Mutex::new(Documents::new(client.units))),
            events,
        },
        settings: Settings::default(),
        roots: Vec::new(),
        pending: HashSet::new(),
    };
    server.set(&params.initialization_options.unwrap_or_default());
    if client.watches_files {
        server.watch_files();
    }
    let served = server.run(&from_roots);
    server.stop();
    served
}

fn capabilities(client: &Client) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(client.units.kind()),
        text_document_sync: Some(TextDocumentSyncCapability::Options(
            TextDocumentSyncOptions {
                open_close: Some(true),
                change: Some(TextDocumentSyncKind::INCREMENTAL),
                save: Some(TextDocumentSyncSaveOptions::SaveOptions(
                    SaveOptions::default(),
                )),
                ..TextDocumentSyncOptions::default()
            },
        )),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QUICKFIX, actions::fix_all()]),
            ..CodeActionOptions::default()
        })),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        workspace: Some(WorkspaceServerCapabilities {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(OneOf::Left(true)),
            }),
            file_operations: None,
        }),
        ..ServerCapabilities::default()
    }
}

/// Returns the folders of the workspace. Old editors have only one.
fn folders(params: &InitializeParams) -> Vec<PathBuf> {
    let all = params.workspace_folders.iter().flatten();
    let mut folders: Vec<PathBuf> = all.filter_map(|folder| uri::to_path(&folder.uri)).collect();
    #[expect(deprecated, reason = "old editors have nothing else")]
    let root = params.root_uri.as_ref();
    if params.workspace_folders.is_none() {
        folders.extend(root.and_then(uri::to_path));
    }
    folders
}

pub(super) struct Server<'c> {
    connection: &'c Connection,
    pub(super) common: Common,
    settings: Settings,
    pub(super) folders: Vec<PathBuf>,
    /// The roots in which a document was opened, with their folders.
    roots: Vec<(Option<PathBuf>, Arc<Root>)>,
    /// Requests without an answer so far.
    pending: HashSet<RequestId>,
}

impl Server<'_> {
    fn run(&mut self, from_roots: &Receiver<Event>) -> Result<(), Fault> {
        loop {
            select! {
                recv(self.connection.receiver) -> message => match message {
                    Ok(Message::Request(request)) => {
                        if self.connection.handle_shutdown(&request).map_err(fault)? {
                            return Ok(());
                        }
                        self.request(request);
                    }
                    Ok(Message::Notification(notification)) => self.notified(notification),
                    // The server sends only one request, and it does not need the answer.
                    Ok(Message::Response(_)) => {}
                    Err(_) => return Ok(()),
                },
                recv(from_roots) -> event => if let Ok(event) = event {
                    self.send(event);
                },
            }
        }
    }

    fn send(&mut self, event: Event) {
        let message: Message = match event {
            Event::Publish(params) => {
                Notification::new(PublishDiagnostics::METHOD.to_owned(), params).into()
            }
            Event::Answer(id, value) if self.pending.remove(&id) => {
                Response::new_ok(id, value).into()
            }
            // The request was cancelled.
            Event::Answer(..) => return,
            Event::Complain(message) => {
                let params = ShowMessageParams {
                    typ: MessageType::ERROR,
                    message: format!("regfix: {}", message.trim()),
                };
                Notification::new(ShowMessage::METHOD.to_owned(), params).into()
            }
        };
        self.write(message);
    }

    /// Ignores errors: the main loop ends when the editor disappears.
    fn write(&self, message: impl Into<Message>) {
        let _ = self.connection.sender.send(message.into());
    }

    pub(super) fn events(&self) -> &Sender<Event> {
        &self.common.events
    }

    fn request(&mut self, request: Request) {
        let id = request.id.clone();
        let question = match request.method.as_str() {
            CodeActionRequest::METHOD => self.asks_actions(request),
            HoverRequest::METHOD => self.asks_hover(request),
            other => {
                let message = format!("regfix does not answer {other}");
                Err((ErrorCode::MethodNotFound, message))
            }
        };
        match question {
            Ok(Some(question)) => {
                self.pending.insert(id);
                let path = question.path.clone();
                self.root_of(&path).ask(question);
            }
            Ok(None) => self.write(Response::new_ok(id, Value::Null)),
            Err((code, message)) => self.write(Response::new_err(id, code as i32, message)),
        }
    }

    fn asks_actions(&self, request: Request) -> Result<Option<Question>, (ErrorCode, String)> {
        let (id, params) = read::<CodeActionParams>(request)?;
        let path = self.path(&params.text_document.uri);
        Ok(path.map(|path| Question {
            id,
            path,
            range: params.range,
            about: About::Actions(Wanted::new(params.context)),
        }))
    }

    fn asks_hover(&self, request: Request) -> Result<Option<Question>, (ErrorCode, String)> {
        let (id, params) = read::<HoverParams>(request)?;
        let at = params.text_document_position_params;
        let path = self.path(&at.text_document.uri);
        Ok(path.map(|path| Question {
            id,
            path,
            range: Range::new(at.position, at.position),
            about: About::Hover,
        }))
    }

    fn path(&self, uri: &lsp_types::Uri) -> Option<PathBuf> {
        self.common.documents().path(uri).cloned()
    }

    pub(super) fn cancel(&mut self, id: &RequestId) {
        if self.pending.remove(id) {
            self.roots.iter().for_each(|(_, root)| root.cancel(id));
            let code = ErrorCode::RequestCanceled as i32;
            self.write(Response::new_err(id.clone(), code, "cancelled".to_owned()));
        }
    }

    /// Returns the root of a document, and starts it if necessary.
    pub(super) fn root_of(&mut self, path: &Path) -> &Root {
        let folder = nearest(&self.folders, path).map(Path::to_owned);
        let known = self.roots.iter().position(|(known, _)| *known == folder);
        let at = known.unwrap_or_else(|| {
            let root = Root::start(
                self.common.clone(),
                folder.clone(),
                self.folders.clone(),
                self.settings.clone(),
            );
            self.roots.push((folder, root));
            self.roots.len() - 1
        });
        &self.roots[at].1
    }

    /// Handles a file that was changed, deleted or created on disk.
    pub(super) fn file_changed(&self, path: &Path) {
        if !run::matters(path, self.settings.all_text) {
            return;
        }
        for (folder, root) in &self.roots {
            if folder
                .as_ref()
                .is_none_or(|folder| path.starts_with(folder))
            {
                root.changed(None);
            }
        }
    }

    pub(super) fn set(&mut self, value: &Value) {
        match Settings::read(value) {
            Ok(settings) => {
                self.roots.iter().for_each(|(_, root)| root.set(&settings));
                self.settings = settings;
            }
            Err(message) => {
                let _ = self.events().send(Event::Complain(message));
            }
        }
    }

    fn watch_files(&self) {
        let registration = Registration {
            id: "files".to_owned(),
            method: DidChangeWatchedFiles::METHOD.to_owned(),
            register_options: Some(json!({"watchers": [{"globPattern": "**/*"}]})),
        };
        let params = RegistrationParams {
            registrations: vec![registration],
        };
        let id = RequestId::from("watch-files".to_owned());
        self.write(Request::new(
            id,
            RegisterCapability::METHOD.to_owned(),
            params,
        ));
    }

    /// Starts again with other folders.
    pub(super) fn restart(&mut self) {
        self.stop();
        self.roots.clear();
        // The requests may belong to other roots now.
        for id in std::mem::take(&mut self.pending) {
            let code = ErrorCode::ContentModified as i32;
            self.write(Response::new_err(
                id,
                code,
                "the folders changed".to_owned(),
            ));
        }
        let paths: Vec<PathBuf> = self.common.documents().paths().cloned().collect();
        for path in paths {
            self.root_of(&path).changed(Some(path));
        }
    }

    fn stop(&self) {
        self.roots.iter().for_each(|(_, root)| root.stop());
    }
}

fn read<P: DeserializeOwned>(request: Request) -> Result<(RequestId, P), (ErrorCode, String)> {
    let params = serde_json::from_value(request.params);
    let params = params.map_err(|error| (ErrorCode::InvalidParams, error.to_string()))?;
    Ok((request.id, params))
}
