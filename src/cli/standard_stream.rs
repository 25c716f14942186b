//! A standard stream that may be closed or full before the run ends. The run goes on, and gets the error at its end.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Writes to a stream until that fails, and drops what comes later.
///
/// Writing never fails, so that a run that changes files finishes them whether or not anybody reads its report.
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

    /// Returns a flag that becomes true when the stream accepts nothing more.
    pub(super) fn is_over(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_over)
    }

    /// Writes what is buffered. Returns the error if output was lost, but not if the reader left.
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
        // `write_all`, because after a failure it is not known how much the stream took.
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

    /// Accepts this many bytes.
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
