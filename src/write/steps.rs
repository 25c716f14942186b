//! Points at which tests kill or pause the process in the middle of its work. A released binary has none of this.
//!
//! `REGFIX_TEST_STEP` says what happens at a step, which is given by its number, or by its name for the first with that name:
//! `kill STEP`, or `hold STEP PATH`, which makes a file at the path and continues when it is gone. `count PATH` writes the
//! number of steps so far to that file.

#[cfg(debug_assertions)]
pub(super) fn reached(step: &str) {
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    static TAKEN: AtomicUsize = AtomicUsize::new(0);
    static DONE: AtomicBool = AtomicBool::new(false);
    let Ok(wish) = std::env::var("REGFIX_TEST_STEP") else {
        return;
    };
    let taken = (TAKEN.fetch_add(1, Ordering::SeqCst) + 1).to_string();
    let mut words = wish.splitn(3, ' ');
    let (action, wanted, path) = (words.next(), words.next(), words.next());
    if let (Some("count"), Some(path)) = (action, wanted) {
        let _ = std::fs::write(path, taken);
        return;
    }
    let is_it = wanted == Some(taken.as_str()) || wanted == Some(step);
    if !is_it || DONE.swap(true, Ordering::SeqCst) {
        return;
    }
    match (action, path.map(Path::new)) {
        #[cfg(unix)]
        (Some("kill"), _) => {
            let own = rustix::process::getpid();
            let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
        }
        (Some("hold"), Some(path)) => {
            let _ = std::fs::write(path, step);
            while path.exists() {
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
        }
        _ => {}
    }
}

#[cfg(not(debug_assertions))]
pub(super) fn reached(_: &str) {}
