//! Signals that ask the process to end. They wait for a write that has begun, and end the process then.

use std::io;
use std::sync::Arc;

#[cfg(unix)]
use crate::open;
use crate::write::Gate;

/// Makes INT, TERM and HUP close the gate before they have their usual effect. On other systems than Unix the process ends
/// at once, and the next run completes a group that was being written.
#[cfg(unix)]
pub(super) fn watch(gate: &Arc<Gate>) -> io::Result<()> {
    use signal_hook::iterator::Signals;
    use signal_hook::{flag, low_level};

    let wanted = wanted();
    let mut signals = Signals::new(&wanted)?;
    // Takes effect at once: the thread below may take a while to wake.
    for signal in wanted {
        flag::register(signal, gate.closed())?;
    }
    let gate = Arc::clone(gate);
    let wait = move || {
        if let Some(signal) = signals.forever().next() {
            gate.close();
            // Further signals reach the same handler until this one ends the process.
            let _ = low_level::emulate_default_handler(signal);
        }
    };
    let thread = std::thread::Builder::new().name("signals".to_owned());
    thread.spawn(wait).map(drop)
}

/// Makes the same signals end the process with exit code 0, after `finish`.
#[cfg(all(unix, feature = "online"))]
pub(super) fn end_after(finish: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let mut signals = signal_hook::iterator::Signals::new(wanted())?;
    let wait = move || {
        if signals.forever().next().is_some() {
            finish();
            signal_hook::low_level::exit(0);
        }
    };
    let thread = std::thread::Builder::new().name("signals".to_owned());
    thread.spawn(wait).map(drop)
}

#[cfg(all(not(unix), feature = "online"))]
pub(super) fn end_after(_: impl FnOnce() + Send + 'static) -> io::Result<()> {
    Ok(())
}

/// Returns the signals to handle. Those that `nohup` or a shell made the process ignore stay ignored.
#[cfg(unix)]
fn wanted() -> Vec<i32> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    let ignored = ignored();
    let mut wanted = vec![SIGINT, SIGTERM, SIGHUP];
    wanted.retain(|signal| ignored >> (signal - 1) & 1 == 0);
    wanted
}

#[cfg(not(unix))]
pub(super) fn watch(_: &Arc<Gate>) -> io::Result<()> {
    Ok(())
}

/// Returns the signals that the process was started to ignore, as a bit mask. 0 if the system does not say.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = open::read_named(std::path::Path::new("/proc/self/status"), 64 << 10);
    let status = String::from_utf8(status.unwrap_or_default()).unwrap_or_default();
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}
