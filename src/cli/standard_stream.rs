//! A standard stream that may be closed or full before the run is over. The run goes on, and gets the error at its end.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Writes to a stream as long as it takes something, and drops what comes later.
///
/// Never fails, so that a run which changes files finishes them whether anybody reads its report or not.
pub(super) struct Lasting<W> {
    stream: W,
    failure: Option<io::Error>,
    is_over: Arc<AtomicBool>,
}

impl<W: Write> Lasting<W> {
    pub(super) fn new(stream: W) -> Self {
        Self {
            stream,
            failure: None,
            is_over: Arc::default(),
        }
    }

    /// Becomes true when the stream takes nothing more.
    pub(super) fn is_over(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_over)
    }

    /// Writes what is left. Gives why something is missing; a reader who has left misses nothing.
    pub(super) fn close(mut self) -> Option<io::Error> {
        let _ = self.flush();
        let failure = self.failure.take();
        failure.filter(|error| error.kind() != io::ErrorKind::BrokenPipe)
    }

    fn note<T>(&mut self, written: io::Result<T>, otherwise: T) -> io::Result<T> {
        Ok(written.unwrap_or_else(|error| {
            self.is_over.store(true, Ordering::Relaxed);
            self.failure = Some(error);
            otherwise
        }))
    }
}

impl<W: Write> Write for Lasting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failure.is_some() {
            return Ok(bytes.len());
        }
        // All of it, because what a stream took in part before it failed cannot be distinguished from the rest.
        let written = self.stream.write_all(bytes);
        self.note(written, ()).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.failure.is_some() {
            return Ok(());
        }
        let flushed = self.stream.flush();
        self.note(flushed, ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes.
    struct Narrow(usize, io::ErrorKind);

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            match taken {
                0 => Err(self.1.into()),
                taken => Ok(taken),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stream_that_ends_early_fails_at_the_end_only() {
        for (kind, fails) in [
            (io::ErrorKind::BrokenPipe, false),
            (io::ErrorKind::StorageFull, true),
        ] {
            let mut stream = Lasting::new(Narrow(5, kind));
            let is_over = stream.is_over();
            stream.write_all(b"four").unwrap();
            assert!(!is_over.load(Ordering::Relaxed));
            stream.write_all(b"four").unwrap();
            assert!(is_over.load(Ordering::Relaxed));
            stream.write_all(b"more").unwrap();
            assert_eq!(
                stream.close().map(|error| error.kind()),
                fails.then_some(kind)
            );
        }
        assert!(Lasting::new(Vec::new()).close().is_none());
    }
}
