//! Between what may be interrupted and what may not: a signal handler closes the gate before it ends the process.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use super::folder::Folder;
use crate::parallel::lock;

/// Files are written by those inside the gate. Once it is closed they are finished, no one else gets in, and nothing
/// temporary is left.
#[derive(Debug, Default)]
pub struct Gate {
    closed: Arc<AtomicBool>,
    inside: RwLock<()>,
    /// Reports on their way, which take as long as the run.
    drafts: Mutex<BTreeMap<u64, (Arc<Folder>, OsString)>>,
}

impl Gate {
    /// Waits until those inside are out, lets no one in any more, and removes unfinished reports. The process is to end
    /// now: threads that want in wait for that.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        let all_out = self.inside.write();
        let mut drafts = lock(&self.drafts);
        for (folder, name) in std::mem::take(&mut *drafts).into_values() {
            let _ = folder.remove(&name);
        }
        // Nobody gets in by a lock that is free again.
        std::mem::forget(all_out);
    }

    /// What a signal's handler sets, so that no one gets in from then on. Whoever sets it has to [close](Self::close) the
    /// gate.
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

    /// Has a report removed with the rest, until it is [dropped](Self::drop_draft).
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
