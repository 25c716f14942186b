//! A gate that keeps writes from being interrupted: a signal handler closes it before it ends the process.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use super::folder::Folder;
use crate::parallel::lock;

/// A gate that threads are inside of while they write. When it is closed, those inside finish, nobody else gets in, and nothing
/// temporary is left.
#[derive(Debug, Default)]
pub struct Gate {
    closed: Arc<AtomicBool>,
    inside: RwLock<()>,
    /// Unfinished reports, which take as long as the run.
    drafts: Mutex<BTreeMap<u64, (Arc<Folder>, OsString)>>,
}

impl Gate {
    /// Waits until all threads inside are out, lets nobody in any more, and removes unfinished reports. The process must end
    /// after this: threads that try to get in only wait for that.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        let all_out = self.inside.write();
        let mut drafts = lock(&self.drafts);
        for (folder, name) in std::mem::take(&mut *drafts).into_values() {
            let _ = folder.remove(&name);
        }
        // The lock is never released, so that nobody gets in.
        std::mem::forget(all_out);
    }

    /// Returns the flag that a signal handler sets, so that nobody gets in from then on. Whoever sets it has to
    /// [close](Self::close) the gate.
    pub fn closed(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.closed)
    }

    pub(super) fn enter(&self) -> RwLockReadGuard<'_, ()> {
        loop {
            if !self.closed.load(Ordering::SeqCst) {
                let inside = self.inside.read().unwrap_or_else(PoisonError::into_inner);
                if !self.closed.load(Ordering::SeqCst) {
                    return inside;
                }
            }
            std::thread::park();
        }
    }

    /// Registers an unfinished report, which is removed when the gate closes, until it is [dropped](Self::drop_draft).
    pub(super) fn add_draft(&self, folder: &Arc<Folder>, name: OsString) -> u64 {
        let mut drafts = lock(&self.drafts);
        let id = drafts.keys().next_back().map_or(0, |last| last + 1);
        drafts.insert(id, (Arc::clone(folder), name));
        id
    }

    pub(super) fn drop_draft(&self, id: u64) {
        let mut drafts = lock(&self.drafts);
        drafts.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn a_gate_closes_when_all_are_out_and_stays_closed() {
        let gate = Arc::new(Gate::default());
        let (events, seen) = mpsc::channel();
        let inside = gate.enter();
        let closer = {
            let (gate, events) = (Arc::clone(&gate), events.clone());
            thread::spawn(move || {
                gate.close();
                events.send("closed").unwrap();
            })
        };
        while !gate.closed.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        events.send("out").unwrap();
        drop(inside);
        closer.join().unwrap();
        // It never gets in, and never ends.
        let late = Arc::clone(&gate);
        thread::spawn(move || {
            let _inside = late.enter();
            events.send("in").unwrap();
        });
        assert_eq!(seen.recv().unwrap(), "out");
        assert_eq!(seen.recv().unwrap(), "closed");
        assert_eq!(seen.try_recv(), Err(mpsc::TryRecvError::Empty));
    }
}
