//! One folder of the editor, or all documents that are in none: judged whenever a text changes, and walked again when it is
//! quiet.
//!
//! A walk may take long in a large tree. So it is made by a thread of its own, the next generation, while the one before
//! goes on to answer with what it knows. The first generation has walked nothing and judges each file on its own.

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

/// A walk waits until nothing changed for this long, and twice as long as the last walk took.
const QUIET: Duration = Duration::from_millis(150);

/// What is known of a file alone is not shown before a walk has taken this long: it may be wrong in a chart.
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
    /// Grows with all that may change what is found.
    edits: u64,
    last_edit: Instant,
    /// Documents whose texts will be judged.
    changed: BTreeSet<PathBuf>,
    questions: Vec<Question>,
    /// The number of the generation that answers.
    generation: u64,
    is_building: bool,
    is_over: bool,
    /// What was said last of broken settings.
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
        // Without a thread there is no answer, and nothing is lost.
        let _ = Generation::spawn(&root, 0);
        root
    }

    /// Something changed, such as the text of a document.
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

    /// Whether a document is this root's.
    pub(super) fn holds(&self, path: &Path) -> bool {
        nearest(&self.folders, path) == self.folder.as_deref()
    }

    /// The open documents of this root.
    fn paths(&self, documents: &Documents) -> Vec<PathBuf> {
        let own = documents.paths().filter(|path| self.holds(path));
        own.cloned().collect()
    }
}

/// The innermost of the folders that a path lies in.
pub(super) fn nearest<'f>(folders: &'f [PathBuf], path: &Path) -> Option<&'f Path> {
    let around = folders.iter().filter(|folder| path.starts_with(folder));
    around
        .map(PathBuf::as_path)
        .max_by_key(|folder| folder.as_os_str().len())
}

/// A thread that walks once, and then answers until a later one takes over.
struct Generation {
    root: Arc<Root>,
    number: u64,
    /// What [`State::edits`] was before the walk.
    edits: u64,
    began: Instant,
    /// How long the walk took.
    took: Duration,
}

/// What there is to do.
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

    /// Has the next generation walk. Where there is no thread for it now, there may be one in a moment.
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

    /// Says what is wrong with the settings, once.
    fn complain(&self, message: String) {
        let mut state = lock(&self.root.state);
        if self.number > 0 && state.complaint != message {
            state.complaint.clone_from(&message);
            let _ = self.root.common.events.send(Event::Complain(message));
        }
    }

    /// Takes over, and does what there is to do. Without a session, nothing is found.
    fn serve(&mut self, session: Option<&Session<'_>>) {
        self.took = self.began.elapsed();
        {
            let all = self.root.paths(&self.root.common.documents());
            let mut state = lock(&self.root.state);
            // After a failure, a later one may answer already.
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

    /// Judges documents with what belongs to them, and shows what is found in all of these that are open.
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
            // Nothing is found in a file that a run would not look at, which is to be shown, too.
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

    /// Shows what was found, if it was found in the text that is there now.
    fn publish(&self, path: &Path, all: &BTreeMap<PathBuf, Judged>, version: Option<i32>) {
        let common = &self.root.common;
        // A later generation shows what it found only after this, or this one shows nothing.
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
        // While the documents are locked, so that what is said when one is closed comes later.
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
