//! Many queries at once, with a limit per host and an overall limit.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, PoisonError};

use crate::parallel::lock;

/// The maximum number of threads.
const MOST_AT_ONCE: usize = 32;

struct Queues<'q> {
    /// For each host, the indices of waiting items and the number of running ones.
    hosts: BTreeMap<&'q str, (VecDeque<usize>, usize)>,
    waiting: usize,
}

/// Runs `work` for every item; `host` returns the host of an item. Results are in the order of the items.
pub(super) fn run<T: Sync, R: Send>(
    items: &[T],
    host: impl Fn(&T) -> &str,
    per_host: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let per_host = per_host.max(1);
    let mut hosts: BTreeMap<&str, (VecDeque<usize>, usize)> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        hosts.entry(host(item)).or_default().0.push_back(index);
    }
    let most = hosts
        .values()
        .map(|(waiting, _)| waiting.len().min(per_host));
    let threads = most.sum::<usize>().min(MOST_AT_ONCE);
    let queues = Mutex::new(Queues {
        hosts,
        waiting: items.len(),
    });
    let changed = Condvar::new();
    let results: Mutex<Vec<Option<R>>> = Mutex::new(items.iter().map(|_| None).collect());
    let take_turns = || {
        while let Some((host, index)) = take(&queues, &changed, per_host) {
            let result = work(&items[index]);
            lock(&results)[index] = Some(result);
            if let Some((_, running)) = lock(&queues).hosts.get_mut(host) {
                *running -= 1;
            }
            changed.notify_all();
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            // If a thread cannot be started, the others do its work.
            let _ = std::thread::Builder::new().spawn_scoped(scope, take_turns);
        }
        take_turns();
    });
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.into_iter().flatten().collect()
}

/// Takes the next item whose host has capacity; `None` when all items are taken.
fn take<'q>(
    queues: &Mutex<Queues<'q>>,
    changed: &Condvar,
    per_host: usize,
) -> Option<(&'q str, usize)> {
    let mut held = lock(queues);
    loop {
        if held.waiting == 0 {
            return None;
        }
        let free = held
            .hosts
            .iter_mut()
            .find_map(|(host, (waiting, running))| {
                let index = (*running < per_host)
                    .then(|| waiting.pop_front())
                    .flatten()?;
                *running += 1;
                Some((*host, index))
            });
        if let Some(found) = free {
            held.waiting -= 1;
            return Some(found);
        }
        held = changed.wait(held).unwrap_or_else(PoisonError::into_inner);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn results_keep_the_order_and_hosts_their_limit() {
        let hosts = ["a", "b", "c"];
        let items: Vec<(usize, usize)> = (0..200).map(|index| (index, index % 3)).collect();
        let running: [AtomicUsize; 3] = Default::default();
        let results = run(
            &items,
            |(_, host)| hosts[*host],
            2,
            |(index, host)| {
                assert!(running[*host].fetch_add(1, Ordering::SeqCst) < 2);
                std::thread::yield_now();
                running[*host].fetch_sub(1, Ordering::SeqCst);
                *index
            },
        );
        assert_eq!(results, (0..200).collect::<Vec<_>>());
    }

    #[test]
    fn nothing_to_do() {
        let nothing: [String; 0] = [];
        assert!(run(&nothing, |host| host, 0, String::len).is_empty());
    }
}
