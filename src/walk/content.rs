//! Reads one file: into a buffer that is used again, or whole as text.
//!
//! Does not know which files are read, or why.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::encoding::{self, Encoding};
use crate::open::{self, Links};
use crate::printable;

/// Larger files are not analysed.
pub const LIMIT: usize = 64 << 20;

/// How far two parts of a larger file overlap, so that nothing that is looked for is cut in two.
const OVERLAP: usize = 256;
/// The first size of a buffer. Most manifests are smaller.
const SMALL: usize = 64 << 10;
/// A buffer that has grown beyond this is freed before the next file.
const MEDIUM: usize = 1 << 20;
/// A NUL byte in this many bytes at the start makes a file binary, as in git.
const HEAD: usize = 8000;

/// A buffer that is used for one file after the other.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    limit: usize,
}

/// A file in a [`Buffer`].
#[derive(Debug)]
pub(super) enum Read<'b> {
    Whole(&'b [u8]),
    /// The file exceeds the limit. `suspect` says whether a part of it was suspect.
    Larger {
        suspect: bool,
    },
}

impl Buffer {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            bytes: Vec::new(),
            limit,
        }
    }

    /// Reads a file to its end.
    ///
    /// Uses only `read`: asking for the size first, or mapping the file, costs more than it saves for files of a few kilobytes.
    pub(super) fn read(
        &mut self,
        source: &mut impl io::Read,
        suspect: &dyn Fn(&[u8]) -> bool,
    ) -> io::Result<Read<'_>> {
        if self.bytes.len() > MEDIUM {
            self.bytes = Vec::new();
        }
        let filled = self.fill(source)?;
        if filled <= self.limit {
            return Ok(Read::Whole(&self.bytes[..filled]));
        }
        let suspect = self.stream(filled, source, suspect)?;
        Ok(Read::Larger { suspect })
    }

    /// Whether a file is a text that is suspect. Only the head of a binary file is read.
    pub(super) fn holds(
        &mut self,
        source: &mut impl io::Read,
        suspect: &dyn Fn(&[u8]) -> bool,
    ) -> io::Result<bool> {
        let mut head = Vec::with_capacity(HEAD);
        source.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
        if is_binary(&head) {
            return Ok(false);
        }
        Ok(match self.read(&mut head.chain(source), suspect)? {
            Read::Whole(bytes) => suspect(bytes),
            Read::Larger { suspect } => suspect,
        })
    }

    /// Reads to the end, or one byte further than the limit.
    fn fill(&mut self, source: &mut impl io::Read) -> io::Result<usize> {
        let mut filled = 0;
        loop {
            if filled == self.bytes.len() {
                if filled > self.limit {
                    return Ok(filled);
                }
                let larger = filled.saturating_mul(2).max(SMALL).min(self.limit + 1);
                self.bytes.resize(larger, 0);
            }
            match open::read_some(source, &mut self.bytes[filled..])? {
                0 => return Ok(filled),
                more => filled += more,
            }
            if is_end(filled, self.bytes.len()) {
                return Ok(filled);
            }
        }
    }

    /// Checks the full buffer, and then the rest of the source part by part.
    fn stream(
        &mut self,
        mut filled: usize,
        source: &mut impl io::Read,
        suspect: &dyn Fn(&[u8]) -> bool,
    ) -> io::Result<bool> {
        // A search for bytes finds nothing in UTF-16, so the file counts as suspect.
        if Encoding::of(&self.bytes[..filled]) != Encoding::Utf8 {
            return Ok(true);
        }
        // For example a disk image, most of which may be holes: there is no text in it to search.
        if is_binary(&self.bytes[..filled]) {
            return Ok(false);
        }
        loop {
            if suspect(&self.bytes[..filled]) {
                return Ok(true);
            }
            let kept = filled.min(OVERLAP).min(self.bytes.len() / 2);
            self.bytes.copy_within(filled - kept..filled, 0);
            filled = kept;
            while filled < self.bytes.len() {
                match open::read_some(source, &mut self.bytes[filled..])? {
                    0 => break,
                    more => filled += more,
                }
            }
            if filled == kept {
                return Ok(false);
            }
        }
    }
}

/// Whether a file has ended, if it filled `filled` bytes when `asked` bytes were asked for.
///
/// A second `read` to see the end costs as much as the first. A short read before the end of the file, because of a signal or
/// a disk error, stops at the end of a page, so any other length is the end of the file.
fn is_end(filled: usize, asked: usize) -> bool {
    const PAGE: usize = 4096;
    filled < asked && !filled.is_multiple_of(PAGE)
}

/// The message for a file of a revision whose object is not in the clone.
pub(super) const ABSENT: &str = "not analysed: its object is not in this clone";

/// A file that could not be read as text.
#[derive(Debug, Error)]
#[error("{}: {cause}", printable::path(path))]
pub struct ReadError {
    path: PathBuf,
    #[source]
    pub cause: Cause,
}

/// What is wrong, without the path.
#[derive(Debug, Error)]
pub enum Cause {
    #[error("{}", of_system(.0))]
    Io(#[source] io::Error),
    /// Nobody edits such a file by hand, so it is counted and not reported.
    #[error("is binary")]
    Binary,
    #[error(
        "is not {} at byte {}: not analysed; convert it to UTF-8, or exclude it",
        .0.encoding.name(),
        .0.offset
    )]
    NotText(encoding::Invalid),
    #[error("is larger than 64 MiB: not analysed")]
    Larger,
    /// A file of a revision whose object is not in the clone. How many there are is reported in one line.
    #[error("{}", ABSENT)]
    Absent,
}

impl Cause {
    pub(super) fn at(self, path: &Path) -> ReadError {
        ReadError {
            path: path.to_owned(),
            cause: self,
        }
    }
}

fn of_system(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "disappeared before it could be read".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}

impl ReadError {
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong, without the path.
    pub fn reason(&self) -> String {
        self.cause.to_string()
    }

    /// Whether something that should have been checked was not.
    pub fn is_fatal(&self) -> bool {
        match &self.cause {
            Cause::Io(error) => error.kind() != io::ErrorKind::NotFound,
            Cause::Binary => false,
            Cause::NotText(_) | Cause::Larger | Cause::Absent => true,
        }
    }
}

/// Reads a file as text. Also returns its encoding. A byte order mark and line ends stay.
pub fn read(path: &Path) -> Result<(String, Encoding), ReadError> {
    text(path, read_bytes(path)?)
}

/// Reads a file that may be binary.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, ReadError> {
    let file = open::regular(path, Links::Follow).map_err(|error| failed(path, error))?;
    // One more byte, because otherwise the buffer would have to grow to see the end of the file.
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let size = usize::try_from(size).unwrap_or(LIMIT).min(LIMIT) + 1;
    bytes(path, file, LIMIT, size)
}

/// Reads text from a source that is not a file, such as standard input. Errors name it `path`.
pub fn read_from(source: impl io::Read, path: &Path) -> Result<(String, Encoding), ReadError> {
    text(path, bytes(path, source, LIMIT, 0)?)
}

/// Reads to the end. `size` is how much space to reserve.
fn bytes(
    path: &Path,
    source: impl io::Read,
    limit: usize,
    size: usize,
) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::with_capacity(size);
    let mut source = io::Read::take(source, limit as u64 + 1);
    io::Read::read_to_end(&mut source, &mut bytes).map_err(|error| failed(path, error))?;
    if bytes.len() > limit {
        return Err(Cause::Larger.at(path));
    }
    Ok(bytes)
}

/// Decodes bytes as text. Also returns their encoding.
pub(super) fn text(path: &Path, bytes: Vec<u8>) -> Result<(String, Encoding), ReadError> {
    let binary = || Cause::Binary.at(path);
    if Encoding::of(&bytes) == Encoding::Utf8 && is_binary(&bytes) {
        return Err(binary());
    }
    match encoding::decode(bytes) {
        Ok((text, _)) if is_binary(text.as_bytes()) => Err(binary()),
        Ok(text) => Ok(text),
        Err(invalid) => Err(Cause::NotText(invalid).at(path)),
    }
}

fn is_binary(bytes: &[u8]) -> bool {
    memchr::memchr(0, &bytes[..bytes.len().min(HEAD)]).is_some()
}

fn failed(path: &Path, error: io::Error) -> ReadError {
    Cause::Io(error).at(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes a few at a time, with an interruption before each.
    struct Drip<'b> {
        bytes: &'b [u8],
        step: usize,
        interrupted: bool,
    }

    impl io::Read for Drip<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.interrupted = !self.interrupted;
            if self.interrupted {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let count = self.step.min(into.len()).min(self.bytes.len());
            into[..count].copy_from_slice(&self.bytes[..count]);
            self.bytes = &self.bytes[count..];
            Ok(count)
        }
    }

    fn drip(bytes: &[u8], step: usize) -> Drip<'_> {
        Drip {
            bytes,
            step,
            interrupted: false,
        }
    }

    fn unasked(_: &[u8]) -> bool {
        panic!("a small file is no suspect")
    }

    #[test]
    fn files_follow_each_other_in_one_buffer() {
        let mut buffer = Buffer::new(LIMIT);
        let long: Vec<u8> = (0..200_000_u32).map(|at| at as u8).collect();
        for file in [
            &long[..],
            b"short",
            b"",
            &long[..SMALL],
            &long[..SMALL + 1],
            b"last",
        ] {
            match buffer.read(&mut drip(file, 8192), &unasked).unwrap() {
                Read::Whole(bytes) => assert_eq!(bytes, file),
                Read::Larger { .. } => panic!("not larger"),
            }
        }
        assert_eq!(buffer.bytes.len(), 4 * SMALL);
    }

    #[test]
    fn a_large_buffer_is_given_back() {
        let mut buffer = Buffer::new(LIMIT);
        buffer
            .read(&mut &vec![b'x'; 3 * MEDIUM][..], &unasked)
            .unwrap();
        buffer.read(&mut &b"small"[..], &unasked).unwrap();
        assert_eq!(buffer.bytes.len(), SMALL);
    }

    #[test]
    fn the_limit_is_the_last_size_that_is_read_whole() {
        let mut buffer = Buffer::new(1000);
        let whole = |read: Read<'_>| matches!(read, Read::Whole(bytes) if bytes.len() == 1000);
        assert!(whole(
            buffer.read(&mut &[b'x'; 1000][..], &unasked).unwrap()
        ));
        let clean = buffer.read(&mut &[b'x'; 1001][..], &|_| false).unwrap();
        assert!(matches!(clean, Read::Larger { suspect: false }));
        assert!(whole(
            buffer.read(&mut &[b'x'; 1000][..], &unasked).unwrap()
        ));
    }

    #[test]
    fn a_larger_file_is_suspect_wherever_the_word_stands() {
        let word = b"k8s.gcr.io";
        let suspect = |bytes: &[u8]| bytes.windows(word.len()).any(|part| part == word);
        // The end of a page is not the end of a file; beyond the limit, only an empty read is.
        for (limit, step) in [(4095, 4096), (4200, 4096), (8192, 4096), (1000, 5000)] {
            for at in (0..19_000).step_by(97) {
                let mut file = vec![b'x'; 19_990];
                file[at..at + word.len()].copy_from_slice(word);
                let read = Buffer::new(limit)
                    .read(&mut drip(&file, step), &suspect)
                    .map(|read| format!("{read:?}"));
                assert_eq!(read.unwrap(), "Larger { suspect: true }", "at {at}");
            }
        }
        let clean = Buffer::new(1000)
            .read(&mut drip(&[b'x'; 5000], 4096), &suspect)
            .map(|read| format!("{read:?}"));
        assert_eq!(clean.unwrap(), "Larger { suspect: false }");
    }

    #[test]
    fn a_larger_file_is_judged_by_its_head_where_that_says_enough() {
        let read = |file: &[u8]| {
            let mut buffer = Buffer::new(1000);
            let read = buffer.read(&mut drip(file, 4096), &unasked);
            format!("{:?}", read.unwrap())
        };
        let utf_16: Vec<u8> = b"\xff\xfe"
            .iter()
            .chain(&[b'a', 0].repeat(3000))
            .copied()
            .collect();
        assert_eq!(read(&utf_16), "Larger { suspect: true }");
        // The rest of a file with a binary head is not read at all.
        let mut source = drip(&[0; 9000], 4096);
        let mut buffer = Buffer::new(1000);
        let read = buffer.read(&mut source, &unasked).unwrap();
        assert!(matches!(read, Read::Larger { suspect: false }));
        assert!(source.bytes.len() > 7000);
    }

    #[test]
    fn every_byte_of_a_larger_file_is_looked_at() {
        let file: Vec<u8> = (0..9000_u32).map(|at| (at % 251 + 1) as u8).collect();
        let seen = std::sync::Mutex::new(Vec::new());
        let look = |bytes: &[u8]| {
            let mut seen = seen.lock().unwrap();
            let overlap = if seen.is_empty() { 0 } else { OVERLAP };
            seen.extend_from_slice(&bytes[overlap..]);
            false
        };
        Buffer::new(1000)
            .read(&mut drip(&file, 4096), &look)
            .unwrap();
        assert_eq!(*seen.lock().unwrap(), file);
    }

    fn reason(bytes: &[u8]) -> String {
        let error = read_from(bytes, Path::new("dir/a.yaml")).unwrap_err();
        format!("{error} ({})", error.is_fatal())
    }

    #[test]
    fn text_is_read_byte_for_byte() {
        let text = "\u{feff}image: ä\r\nb: c";
        for encoding in [Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be] {
            let bytes = encoding.encode(text);
            let read = read_from(&bytes[..], Path::new("-")).unwrap();
            assert_eq!(read, (text.to_owned(), encoding));
        }
        assert_eq!(read_from(&b""[..], Path::new("-")).unwrap().0, "");
    }

    #[test]
    fn what_is_no_text_says_so() {
        assert_eq!(reason(b"a\0b"), "dir/a.yaml: is binary (false)");
        assert_eq!(
            reason(b"name: \xe4h"),
            "dir/a.yaml: is not UTF-8 at byte 6: not analysed; convert it to UTF-8, or exclude it (true)"
        );
        assert_eq!(
            reason(b"\xff\xfea\0b"),
            "dir/a.yaml: is not UTF-16 at byte 4: not analysed; convert it to UTF-8, or exclude it (true)"
        );
        assert_eq!(reason(b"\xff\xfea\0\0\0"), "dir/a.yaml: is binary (false)");
        let mut late = vec![b'a'; HEAD];
        late.push(0);
        assert!(read_from(&late[..], Path::new("-")).is_ok());
        late.insert(0, b'a');
        late[HEAD - 1] = 0;
        assert!(matches!(
            read_from(&late[..], Path::new("-")),
            Err(ReadError {
                cause: Cause::Binary,
                ..
            })
        ));
    }

    #[test]
    fn files_are_read_or_named_in_the_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        let gone = read(&path).unwrap_err();
        assert_eq!(
            gone.to_string(),
            format!(
                "{}: disappeared before it could be read",
                printable::path(&path)
            )
        );
        assert!(!gone.is_fatal());
        std::fs::write(&path, b"a\0").unwrap();
        assert_eq!(read_bytes(&path).unwrap(), b"a\0");
        assert!(matches!(
            read(&path),
            Err(ReadError {
                cause: Cause::Binary,
                ..
            })
        ));
        assert!(read(folder.path()).unwrap_err().is_fatal());
        assert!(matches!(
            bytes(&path, &b"abc"[..], 2, 0),
            Err(ReadError {
                cause: Cause::Larger,
                ..
            })
        ));
        assert!(bytes(&path, &b"ab"[..], 2, 9).is_ok());
    }
}
