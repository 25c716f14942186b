//! One folder of the editor, or all documents outside of its folders. Judges a document when its text changes, and walks again
//! when nothing changes for a moment.
//!
//! A walk of a large tree may take long. A new thread makes it, the next generation, while the previous generation keeps
//! answering with what it knows. The first generation does not walk and judges each file on its own.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lsp_server::RequestId;
use lsp_types::PublishDiagnosticsParams;
use serde_json::Value;

use super::client::Settings;
use super::documents::Documents;
use super::question::{About, Common, Event, Question};
use super::{Asked, actions, diagnostics, hover};
use crate::parallel::lock;
use crate::run::{self, Judged, Session};
use crate::walk::Overlay;

/// A new walk starts when nothing changed for this long, and for at least twice as long as the last walk took.
const QUIET: Duration = Duration::from_millis(150);

/// How long the first generation waits before it shows findings. They may be wrong for a chart, and a walk may be done by then.
const PATIENCE: Duration = Duration::from_millis(150);

pub(super) struct Root {
    common: Common,
    /// `None` for documents that are in no folder of the editor.
    folder: Option<PathBuf>,
    /// All folders of the editor.
    folders: Vec<PathBuf>,
    state: Mutex<State>,
    woken: Condvar,
}

struct State {
    settings: Settings,
    /// Incremented by everything that may change the findings.
    edits: u64,
    last_edit: Instant,
    /// Documents that must be judged again.
    changed: BTreeSet<PathBuf>,
    questions: Vec<Question>,
    /// The generation that answers now.
    generation: u64,
    is_building: bool,
    is_over: bool,
    /// The last message about broken settings.
    complaint: String,
}

impl Root {
    /// Starts the first generation.
    pub(super) fn start(
        common: Common,
        folder: Option<PathBuf>,
        folders: Vec<PathBuf>,
        settings: Settings,
    ) -> Arc<Self> {
        let state = State {
            settings,
            edits: 0,
            last_edit: Instant::now(),
            changed: BTreeSet::new(),
            questions: Vec::new(),
            generation: 0,
            is_building: false,
            is_over: false,
            complaint: String::new(),
        };
        let root = Arc::new(Self {
            common,
            folder,
            folders,
            state: Mutex::new(state),
            woken: Condvar::new(),
        });
        // If no thread can be started, nothing is answered, but nothing is lost.
        let _ = Generation::spawn(&root, 0);
        root
    }

    /// Notes a change, such as a new text of a document.
    pub(super) fn changed(&self, document: Option<PathBuf>) {
        let mut state = lock(&self.state);
        state.edits += 1;
        state.last_edit = Instant::now();
        state.changed.extend(document);
        self.woken.notify_all();
    }

    pub(super) fn set(&self, settings: &Settings) {
        lock(&self.state).settings = settings.clone();
        self.changed(None);
    }

    pub(super) fn ask(&self, question: Question) {
        lock(&self.state).questions.push(question);
        self.woken.notify_all();
    }

    pub(super) fn cancel(&self, id: &RequestId) {
        let mut state = lock(&self.state);
        state.questions.retain(|question| question.id != *id);
    }

    pub(super) fn stop(&self) {
        lock(&self.state).is_over = true;
        self.woken.notify_all();
    }

    /// Whether a document belongs to this root.
    pub(super) fn holds(&self, path: &Path) -> bool {
        nearest(&self.folders, path) == self.folder.as_deref()
    }

    /// Returns the open documents of this root.
    fn paths(&self, documents: &Documents) -> Vec<PathBuf> {
        let own = documents.paths().filter(|path| self.holds(path));
        own.cloned().collect()
    }
}

/// Returns the innermost folder that contains a path.
pub(super) fn nearest<'f>(folders: &'f [PathBuf], path: &Path) -> Option<&'f Path> {
    let around = folders.iter().filter(|folder| path.starts_with(folder));
    around
        .map(PathBuf::as_path)
        .max_by_key(|folder| folder.as_os_str().len())
}

/// A thread that walks once and then answers until a later generation takes over.
struct Generation {
    root: Arc<Root>,
    number: u64,
    /// The value of [`State::edits`] before the walk.
    edits: u64,
    began: Instant,
    /// How long the walk took.
    took: Duration,
}

/// The next thing to do.
enum Task {
    Judge(BTreeSet<PathBuf>),
    Answer(Question),
    Build,
    End,
}

impl Generation {
    fn spawn(root: &Arc<Root>, number: u64) -> io::Result<()> {
        let root = Arc::clone(root);
        let thread = std::thread::Builder::new().name(format!("generation {number}"));
        thread
            .spawn(move || Self::new(root, number).run())
            .map(drop)
    }

    /// Starts the next generation. If no thread can be started now, clears the way for another attempt.
    fn build_next(&self) {
        if Self::spawn(&self.root, self.number + 1).is_err() {
            std::thread::sleep(QUIET);
            lock(&self.root.state).is_building = false;
        }
    }

    fn new(root: Arc<Root>, number: u64) -> Self {
        let edits = lock(&root.state).edits;
        Self {
            root,
            number,
            edits,
            began: Instant::now(),
            took: Duration::ZERO,
        }
    }

    fn run(mut self) {
        let root = Arc::clone(&self.root);
        let (overlay, open) = {
            let documents = root.common.documents();
            (Arc::new(documents.overlay()), root.paths(&documents))
        };
        let asked = Asked {
            settings: lock(&root.state).settings.clone(),
            roots: root.folder.clone().map_or(open, |folder| vec![folder]),
            overlay,
        };
        let mut served = Ok(());
        let lent = catch_unwind(AssertUnwindSafe(|| {
            root.common.host.lend(&asked, &mut |options| {
                served = match self.number {
                    0 => run::session_of_nothing(options, |session| self.serve(Some(session))),
                    _ => run::session(options, |session| self.serve(Some(session))),
                };
            })
        }));
        let lent = lent.unwrap_or_else(|_| Err("regfix failed; please report it".to_owned()));
        if let Err(message) = lent.and(served) {
            self.complain(message);
            self.serve(None);
        }
    }

    /// Reports what is wrong with the settings, once.
    fn complain(&self, message: String) {
        let mut state = lock(&self.root.state);
        if self.number > 0 && state.complaint != message {
            state.complaint.clone_from(&message);
            let _ = self.root.common.events.send(Event::Complain(message));
        }
    }

    /// Takes over from the previous generation and works until the next one does. Without a session, there are no findings.
    fn serve(&mut self, session: Option<&Session<'_>>) {
        self.took = self.began.elapsed();
        {
            let all = self.root.paths(&self.root.common.documents());
            let mut state = lock(&self.root.state);
            // If this generation failed, a later one may already answer.
            if state.is_over || state.generation > self.number {
                return;
            }
            state.generation = self.number;
            if self.number > 0 {
                state.is_building = false;
            }
            if session.is_some() && self.number > 0 {
                state.complaint.clear();
            }
            state.changed.extend(all);
            self.root.woken.notify_all();
        }
        loop {
            match self.next() {
                Task::Judge(paths) => self.judge(session, paths),
                Task::Answer(question) => self.answer(session, question),
                Task::Build => self.build_next(),
                Task::End => return,
            }
        }
    }

    fn next(&self) -> Task {
        let mut state = lock(&self.root.state);
        loop {
            if state.is_over || state.generation != self.number {
                return Task::End;
            }
            let now = Instant::now();
            let first = self.number == 0;
            let is_due = !first || now >= self.began + PATIENCE;
            if is_due && !state.changed.is_empty() {
                return Task::Judge(std::mem::take(&mut state.changed));
            }
            let is_fresh = !first && state.edits == self.edits;
            if is_fresh && !state.questions.is_empty() {
                return Task::Answer(state.questions.remove(0));
            }
            let mut until = (!is_due).then_some(self.began + PATIENCE);
            if !is_fresh && !state.is_building {
                let quiet = QUIET.max(self.took * 2);
                let due = match first || !state.questions.is_empty() {
                    true => now,
                    false => state.last_edit + quiet,
                };
                if now >= due {
                    state.is_building = true;
                    return Task::Build;
                }
                until = Some(until.map_or(due, |until| until.min(due)));
            }
            let woken = &self.root.woken;
            state = match until {
                Some(until) => {
                    let rest = until.saturating_duration_since(now);
                    let (state, _) = woken
                        .wait_timeout(state, rest)
                        .unwrap_or_else(PoisonError::into_inner);
                    state
                }
                None => woken.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Judges documents and the files that belong to them, and publishes the findings of those that are open.
    fn judge(&self, session: Option<&Session<'_>>, mut paths: BTreeSet<PathBuf>) {
        let (overlay, versions) = {
            let documents = self.root.common.documents();
            let paths = documents.paths();
            let versions = paths.filter_map(|path| {
                let version = documents.get(path)?.version;
                Some((path.clone(), version))
            });
            (documents.overlay(), versions.collect::<BTreeMap<_, _>>())
        };
        while let Some(path) = paths.pop_first() {
            let mut all = self.judged(session, &path, &overlay);
            // A file that a run would skip has no findings. That must be published too.
            all.entry(path).or_default();
            for path in all.keys().filter(|path| versions.contains_key(*path)) {
                paths.remove(path);
                self.publish(path, &all, versions.get(path).copied());
            }
        }
    }

    fn judged(
        &self,
        session: Option<&Session<'_>>,
        path: &Path,
        overlay: &Overlay,
    ) -> BTreeMap<PathBuf, Judged> {
        let judged = session.map(|session| session.judge(path, overlay));
        match judged {
            Some(Ok(judged)) => judged,
            Some(Err(message)) => {
                let _ = self.root.common.events.send(Event::Complain(message));
                BTreeMap::new()
            }
            None => BTreeMap::new(),
        }
    }

    /// Publishes the findings if the text is still the one that was judged.
    fn publish(&self, path: &Path, all: &BTreeMap<PathBuf, Judged>, version: Option<i32>) {
        let common = &self.root.common;
        // The lock on the documents keeps later generations from publishing before this one is done.
        let documents = common.documents();
        let is_current = {
            let state = lock(&self.root.state);
            !state.is_over && state.generation == self.number
        };
        let Some(document) = documents.get(path).filter(|_| is_current) else {
            return;
        };
        if Some(document.version) != version || !self.root.holds(path) {
            return;
        }
        let found = diagnostics::of_file(path, all, &documents, &common.client);
        let publish = PublishDiagnosticsParams::new(document.uri.clone(), found, version);
        // Sent while the documents are locked, so that the message that clears a closed document comes later.
        let _ = common.events.send(Event::Publish(publish));
    }

    fn answer(&self, session: Option<&Session<'_>>, question: Question) {
        let common = &self.root.common;
        let overlay = common.documents().overlay();
        let Some(session) = session else {
            let _ = common.events.send(Event::Answer(question.id, Value::Null));
            return;
        };
        let all = self.judged(Some(session), &question.path, &overlay);
        match &question.about {
            About::Hover => hover::answer(common, session, &question, &all),
            About::Actions(wanted) => {
                let asked = actions::Asking {
                    common,
                    session,
                    overlay: &overlay,
                    question: &question,
                    all: &all,
                };
                let value = asked.answer(wanted);
                let _ = common.events.send(Event::Answer(question.id, value));
            }
        }
    }
}
