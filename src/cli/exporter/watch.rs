//! Runs rounds until a signal ends the process.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::once::Task;
use super::rounds::Rounds;
use super::serve::{self, Page};
use crate::cli::{Exit, signals};
use crate::printable::complain;
use crate::write::{Draft, Gate};

/// How long a response may take that is being sent when a signal arrives.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Serves the results of rounds. Returns only if it cannot start: a signal ends the process, with exit code 0.
pub(super) fn watch(
    task: &mut Task<'_>,
    rounds: &mut Rounds,
    address: SocketAddr,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let exporter = task.exporter;
    let file = exporter.textfile.as_deref();
    if exporter.paths.iter().any(|path| path.as_os_str() == "-")
        || file.is_some_and(|file| file.as_os_str() == "-")
    {
        complain(
            err,
            "--listen works with files only, not with standard input or output",
        )?;
        return Ok(Exit::Failed);
    }
    let page = Arc::new(Page::new(exporter.interval));
    let gate = Arc::default();
    let begun = begin(address, &page, &gate);
    match begun {
        Ok(address) => complain(err, format!("serving http://{address}/metrics"))?,
        Err(error) => {
            complain(err, format!("--listen: {address}: {error}"))?;
            return Ok(Exit::Failed);
        }
    }
    loop {
        if let Some((text, _)) = task.round(rounds, err)? {
            if let Some(file) = file
                && let Err(error) = Draft::put(file, &text, &gate)
            {
                complain(err, error)?;
            }
            page.put(text);
        }
        err.flush()?;
        thread::sleep(jittered(exporter.interval));
    }
}

fn begin(address: SocketAddr, page: &Arc<Page>, gate: &Arc<Gate>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    let (answering, writing) = (Arc::clone(page), Arc::clone(gate));
    signals::end_after(move || {
        answering.close(LAST_ANSWERS);
        writing.close();
    })?;
    serve::start(&listener, page)?;
    Ok(address)
}

/// Varies the interval by up to a tenth, so that many exporters do not send requests at the same moment.
fn jittered(interval: Duration) -> Duration {
    let random = RandomState::new().hash_one(0);
    // One of 1024 equal steps from 0.9 to 1.1.
    let step = u32::try_from(random % 1024).unwrap_or_default();
    interval.mul_f64(0.9 + 0.2 * f64::from(step) / 1023.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_not_equally_long() {
        let hour = Duration::from_secs(3600);
        let all: Vec<Duration> = (0..50).map(|_| jittered(hour)).collect();
        assert!(
            all.iter()
                .all(|one| *one >= hour.mul_f64(0.899) && *one <= hour.mul_f64(1.101))
        );
        assert!(all.iter().any(|one| *one != all[0]));
    }
}
