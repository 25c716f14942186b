//! An editor without a screen: it starts the server, and keeps its own texts, positions and diagnostics.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::regfix;

/// The time limit for an answer, even on a busy machine.
const LONG: Duration = Duration::from_secs(120);

pub(crate) struct Editor {
    child: Child,
    stdin: Option<ChildStdin>,
    messages: Receiver<Value>,
    folder: PathBuf,
    /// The unit of positions that the server chose.
    pub(crate) units: String,
    last_id: i64,
    /// Versions and texts of open documents, by URI.
    pub(crate) texts: BTreeMap<String, (i64, String)>,
    /// The last published diagnostics and their version, by URI.
    published: BTreeMap<String, (Option<i64>, Vec<Value>)>,
    /// Messages that the server showed to the user.
    pub(crate) shown: Vec<String>,
    /// Requests that the server sent to the editor.
    pub(crate) asked: Vec<String>,
}

/// Returns the capabilities of an editor that supports everything that the server uses.
pub(crate) fn able(encodings: &[&str]) -> Value {
    json!({
        "general": {"positionEncodings": encodings},
        "workspace": {
            "workspaceEdit": {
                "documentChanges": true,
                "resourceOperations": ["create"],
                "changeAnnotationSupport": {},
            },
            "didChangeWatchedFiles": {"dynamicRegistration": true},
        },
        "textDocument": {
            "publishDiagnostics": {
                "relatedInformation": true,
                "codeDescriptionSupport": true,
                "tagSupport": {"valueSet": [1, 2]},
            },
            "codeAction": {"isPreferredSupport": true},
            "hover": {"contentFormat": ["markdown", "plaintext"]},
        },
    })
}

impl Editor {
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[], able(&["utf-16"]), &["."], Value::Null)
    }

    /// Starts the server. `folders` are the folders of the workspace, relative to `folder`.
    pub(crate) fn start_with(
        folder: &Path,
        arguments: &[&str],
        capabilities: Value,
        folders: &[&str],
        options: Value,
    ) -> Self {
        let folder = folder.canonicalize().unwrap();
        let mut command = regfix(&folder);
        command.arg("lsp").args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, messages) = channel();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            while let Some(message) = read(&mut stdout) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let mut editor = Self {
            stdin: child.stdin.take(),
            child,
            messages,
            folder,
            units: String::new(),
            last_id: 0,
            texts: BTreeMap::new(),
            published: BTreeMap::new(),
            shown: Vec::new(),
            asked: Vec::new(),
        };
        let folders = folders.iter().map(|name| {
            let uri = editor.uri(name);
            json!({"uri": uri.trim_end_matches("/."), "name": name})
        });
        let folders: Vec<Value> = folders.collect();
        let answer = editor.request(
            "initialize",
            json!({
                "processId": null,
                "capabilities": capabilities,
                "workspaceFolders": folders,
                "initializationOptions": options,
            }),
        );
        let answer = answer.unwrap();
        assert_eq!(answer["serverInfo"]["name"], "regfix");
        editor.units = answer["capabilities"]["positionEncoding"]
            .as_str()
            .unwrap()
            .to_owned();
        editor.notify("initialized", json!({}));
        editor
    }

    /// Returns the resident memory of the server in KiB; `None` if the system does not report it.
    pub(crate) fn memory(&self) -> Option<usize> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn uri(&self, name: &str) -> String {
        match name.contains(':') {
            true => name.to_owned(),
            false => format!("file://{}", self.folder.join(name).display()),
        }
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        let stdin = self.stdin.as_mut().unwrap();
        write!(stdin, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        stdin.flush().unwrap();
    }

    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Sends a request, and returns its id.
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> i64 {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// Waits for the answer to a request. Returns the result or the error.
    pub(crate) fn answer(&mut self, id: i64) -> Result<Value, Value> {
        loop {
            let message = self
                .messages
                .recv_timeout(LONG)
                .expect("the server answers");
            if message.get("method").is_none() && message["id"] == id {
                return match message.get("error") {
                    Some(error) => Err(error.clone()),
                    None => Ok(message["result"].clone()),
                };
            }
            self.note(message);
        }
    }

    pub(crate) fn request(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.ask(method, params);
        self.answer(id)
    }

    fn note(&mut self, message: Value) {
        let params = &message["params"];
        match message["method"].as_str() {
            Some("textDocument/publishDiagnostics") => {
                let uri = params["uri"].as_str().unwrap().to_owned();
                let all = params["diagnostics"].as_array().unwrap().clone();
                self.published
                    .insert(uri, (params["version"].as_i64(), all));
            }
            Some("window/showMessage") => {
                self.shown
                    .push(params["message"].as_str().unwrap().to_owned());
            }
            Some(method) => {
                self.asked.push(format!("{method} {params}"));
                let id = message["id"].clone();
                self.send(&json!({"jsonrpc": "2.0", "id": id, "result": null}));
            }
            None => panic!("nobody asked: {message}"),
        }
    }

    pub(crate) fn open(&mut self, name: &str, text: &str) {
        self.open_as(name, "yaml", text);
    }

    pub(crate) fn open_as(&mut self, name: &str, language: &str, text: &str) {
        let uri = self.uri(name);
        self.texts.insert(uri.clone(), (1, text.to_owned()));
        let document = json!({"uri": uri, "languageId": language, "version": 1, "text": text});
        self.notify("textDocument/didOpen", json!({"textDocument": document}));
    }

    pub(crate) fn close(&mut self, name: &str) {
        let uri = self.uri(name);
        self.texts.remove(&uri);
        self.notify(
            "textDocument/didClose",
            json!({"textDocument": {"uri": uri}}),
        );
    }

    pub(crate) fn save(&mut self, name: &str) {
        let uri = self.uri(name);
        std::fs::write(self.path(name), &self.texts[&uri].1).unwrap();
        self.notify(
            "textDocument/didSave",
            json!({"textDocument": {"uri": uri}}),
        );
    }

    /// Replaces a byte range of a document, and notifies the server of the change.
    pub(crate) fn edit(&mut self, name: &str, start: usize, end: usize, with: &str) {
        let uri = self.uri(name);
        let units = self.units.clone();
        let (version, text) = self.texts.get_mut(&uri).unwrap();
        let range = json!({
            "start": position(text, start, &units),
            "end": position(text, end, &units),
        });
        text.replace_range(start..end, with);
        *version += 1;
        let document = json!({"uri": uri, "version": *version});
        let changes = json!([{"range": range, "text": with}]);
        self.notify(
            "textDocument/didChange",
            json!({"textDocument": document, "contentChanges": changes}),
        );
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        &self.texts[&self.uri(name)].1
    }

    /// Returns the actions for a byte range of a document.
    pub(crate) fn actions(
        &mut self,
        name: &str,
        start: usize,
        end: usize,
        only: &[&str],
    ) -> Vec<Value> {
        let uri = self.uri(name);
        let text = &self.texts[&uri].1;
        let range = json!({
            "start": position(text, start, &self.units),
            "end": position(text, end, &self.units),
        });
        let known = self.published.get(&uri);
        let known: Vec<Value> = known.map(|(_, all)| all.clone()).unwrap_or_default();
        let mut context = json!({"diagnostics": known});
        if !only.is_empty() {
            context["only"] = json!(only);
        }
        let asked = json!({"textDocument": {"uri": uri}, "range": range, "context": context});
        let answer = self.request("textDocument/codeAction", asked).unwrap();
        // There is no answer if the settings are invalid.
        answer.as_array().cloned().unwrap_or_default()
    }

    pub(crate) fn hover(&mut self, name: &str, at: usize) -> Value {
        let uri = self.uri(name);
        let at = position(&self.texts[&uri].1, at, &self.units);
        let asked = json!({"textDocument": {"uri": uri}, "position": at});
        self.request("textDocument/hover", asked).unwrap()
    }

    /// Returns the diagnostics of a document for its current version. Requests code actions first: the server answers only
    /// after it has seen all earlier messages.
    pub(crate) fn diagnostics(&mut self, name: &str) -> Vec<Value> {
        let none = self.actions(name, 0, 0, &["refactor"]);
        assert_eq!(none, Vec::<Value>::new());
        let uri = self.uri(name);
        let (version, all) = self.published[&uri].clone();
        assert_eq!(version, Some(self.texts[&uri].0), "of an old version");
        all
    }

    /// Returns rule, line and column of each diagnostic, from 1; the column counts characters.
    pub(crate) fn found(&mut self, name: &str) -> Vec<(String, usize, usize)> {
        let all = self.diagnostics(name);
        let text = self.text(name).to_owned();
        let found = all.iter().map(|one| {
            let start = &one["range"]["start"];
            let offset = offset(&text, start, &self.units);
            let before = &text[..offset];
            let line = before.matches('\n').count() + 1;
            let column = before
                .rsplit('\n')
                .next()
                .unwrap()
                .trim_start_matches('\u{feff}')
                .chars()
                .count()
                + 1;
            (
                one["code"].as_str().unwrap_or_default().to_owned(),
                line,
                column,
            )
        });
        let mut found: Vec<_> = found.collect();
        found.sort();
        found
    }

    /// Returns the last published diagnostics of a document, even if they are outdated.
    pub(crate) fn published(&self, name: &str) -> Option<&Vec<Value>> {
        self.published.get(&self.uri(name)).map(|(_, all)| all)
    }

    /// Applies an edit of the workspace to open documents, and to the disk otherwise.
    pub(crate) fn apply(&mut self, edit: &Value) {
        for change in edit["documentChanges"].as_array().unwrap() {
            if change["kind"] == "create" {
                let path = change["uri"]
                    .as_str()
                    .unwrap()
                    .strip_prefix("file://")
                    .unwrap();
                std::fs::write(path, "").unwrap();
                continue;
            }
            let uri = change["textDocument"]["uri"].as_str().unwrap().to_owned();
            let path = uri.strip_prefix("file://").unwrap().to_owned();
            let name = Path::new(&path)
                .strip_prefix(&self.folder)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            let open = self.texts.get(&uri).cloned();
            let version = change["textDocument"]["version"].as_i64();
            assert_eq!(version, open.as_ref().map(|(version, _)| *version), "{uri}");
            let text = open.as_ref().map_or_else(
                || std::fs::read_to_string(&path).unwrap(),
                |(_, text)| text.clone(),
            );
            let mut edits: Vec<(usize, usize, String)> = change["edits"]
                .as_array()
                .unwrap()
                .iter()
                .map(|edit| {
                    let start = offset(&text, &edit["range"]["start"], &self.units);
                    let end = offset(&text, &edit["range"]["end"], &self.units);
                    (start, end, edit["newText"].as_str().unwrap().to_owned())
                })
                .collect();
            edits.sort();
            for (start, end, with) in edits.into_iter().rev() {
                match &open {
                    Some(_) => self.edit(&name, start, end, &with),
                    None => {
                        let mut text = std::fs::read_to_string(&path).unwrap();
                        text.replace_range(start..end, &with);
                        std::fs::write(&path, text).unwrap();
                    }
                }
            }
        }
    }

    /// Shuts the server down as an editor does.
    pub(crate) fn stop(mut self) {
        assert_eq!(self.request("shutdown", Value::Null), Ok(Value::Null));
        self.notify("exit", Value::Null);
        assert!(self.child.wait().unwrap().success());
    }

    /// Closes the connection without a shutdown.
    pub(crate) fn vanish(mut self) -> std::process::ExitStatus {
        self.stdin = None;
        self.child.wait().unwrap()
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(from: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => {
                if let Some(number) = line.strip_prefix("Content-Length: ") {
                    length = number.parse().unwrap();
                }
            }
        }
    }
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes).ok()?;
    Some(serde_json::from_slice(&bytes).unwrap())
}

fn count(letter: char, units: &str) -> usize {
    match units {
        "utf-8" => letter.len_utf8(),
        "utf-16" => letter.len_utf16(),
        "utf-32" => 1,
        other => panic!("{other}"),
    }
}

/// Returns the offsets at which lines start; a lone `\r` also ends a line.
fn starts(text: &str) -> Vec<usize> {
    let mut starts = vec![0];
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let followed = letters.peek().is_some_and(|(_, next)| *next == '\n');
        if letter == '\n' || letter == '\r' && !followed {
            starts.push(at + 1);
        }
    }
    starts
}

/// Converts a byte offset to a position of the protocol.
pub(crate) fn position(text: &str, offset: usize, units: &str) -> Value {
    let starts = starts(text);
    let line = starts.iter().rposition(|start| *start <= offset).unwrap();
    let before = text[starts[line]..offset].chars();
    let character: usize = before.map(|letter| count(letter, units)).sum();
    json!({"line": line, "character": character})
}

/// Converts a position of the protocol to a byte offset.
pub(crate) fn offset(text: &str, position: &Value, units: &str) -> usize {
    let line = usize::try_from(position["line"].as_u64().unwrap()).unwrap();
    let mut left = usize::try_from(position["character"].as_u64().unwrap()).unwrap();
    let start = starts(text)[line];
    for (at, letter) in text[start..].char_indices() {
        if left == 0 {
            return start + at;
        }
        left -= count(letter, units);
    }
    assert_eq!(left, 0, "beyond the text");
    text.len()
}
