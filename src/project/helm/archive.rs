//! Packaged charts: gzipped tar archives, read from memory into memory.
//!
//! Bytes in, files out; keeps only the requested files, and does not know what charts mean. The size limits are
//! Helm's own (`archive.go`: `MaxDecompressedChartSize`, `MaxDecompressedFileSize`).

use std::collections::BTreeMap;
use std::io::{self, Read};

use flate2::bufread::MultiGzDecoder;
use tar::{Archive, EntryType};

use crate::encoding;
use crate::printable::excerpt;

/// Files by their paths within a chart, with `/` as the separator.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// The limits for all archives of one chart together, nested ones included.
#[derive(Debug)]
pub(super) struct Budget {
    pub bytes: u64,
    pub entries: usize,
    pub depth: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            bytes: 100 << 20,
            entries: 50_000,
            depth: 32,
        }
    }
}

/// The size of the largest file that is kept.
const LARGEST: u64 = 5 << 20;

/// The longest path of an entry, in bytes; a longer one is rejected.
const LONGEST_NAME: usize = 1024;

/// What is wrong with an archive, phrased to follow its name.
pub(super) type Reason = String;

/// The contents of an archive.
#[derive(Debug, Default)]
pub(super) struct Unpacked {
    /// The name of the archive's single top folder.
    pub top: String,
    pub files: Files,
    /// Requested entries that were left out.
    pub faults: Vec<Reason>,
}

/// Reads the wanted files of an archive, by their paths below its single top folder.
///
/// # Errors
/// If it is not an archive of a chart, contains a forbidden path, or exceeds the budget. What was read before the
/// error is discarded, because the rest is unknown.
pub(super) fn unpack(
    bytes: &[u8],
    budget: &mut Budget,
    wanted: impl Fn(&str) -> bool,
) -> Result<Unpacked, Reason> {
    if budget.depth == 0 {
        return Err("archives are nested too deep".to_owned());
    }
    let mut unpacked = Unpacked::default();
    let limit = budget.bytes;
    let bounded = Bounded {
        inner: MultiGzDecoder::new(bytes),
        left: &mut budget.bytes,
    };
    let mut archive = Archive::new(bounded);
    let broken = |error: io::Error| match error.kind() {
        io::ErrorKind::StorageFull => {
            format!("contains more than {} MiB", limit.div_ceil(1 << 20))
        }
        _ => format!("cannot be read: {error}"),
    };
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        budget.entries = budget
            .entries
            .checked_sub(1)
            .ok_or("contains too many files")?;
        let kind = entry.header().entry_type();
        if matches!(kind, EntryType::Directory | EntryType::XGlobalHeader) {
            continue;
        }
        let written = String::from_utf8_lossy(&entry.path_bytes()).replace('\\', "/");
        let name = inner_name(&written)?;
        let (top, path) = split(&name)?;
        if unpacked.top.is_empty() {
            top.clone_into(&mut unpacked.top);
        }
        if !wanted(path) {
            continue;
        }
        if let Some(why) = why_left_out(kind, entry.size()) {
            let fault = format!("`{}` is {why}: not read", excerpt(&name));
            unpacked.faults.push(fault);
            continue;
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(broken)?;
        // Helm also reads values in UTF-16.
        let content = encoding::to_utf8(&content).into_owned();
        unpacked.files.insert(path.to_owned(), content);
    }
    if unpacked.top.is_empty() {
        return Err("is empty".to_owned());
    }
    Ok(unpacked)
}

fn why_left_out(kind: EntryType, size: u64) -> Option<&'static str> {
    match kind {
        EntryType::Regular | EntryType::Continuous if size > LARGEST => Some("larger than 5 MiB"),
        EntryType::Regular | EntryType::Continuous => None,
        _ => Some("a link or not a regular file"),
    }
}

/// Returns the path of an entry without `.` parts; it must stay inside the archive.
fn inner_name(written: &str) -> Result<String, Reason> {
    let drive = written.as_bytes().get(1) == Some(&b':');
    if written.starts_with('/') || drive {
        return Err(format!("names an absolute path: `{}`", excerpt(written)));
    }
    let parts = written.split('/').filter(|part| !matches!(*part, "" | "."));
    let parts: Vec<&str> = parts.collect();
    if parts.contains(&"..") {
        return Err(format!(
            "names a path outside of it: `{}`",
            excerpt(written)
        ));
    }
    match parts.is_empty() {
        _ if written.len() > LONGEST_NAME => Err(format!(
            "has a path of more than {LONGEST_NAME} bytes: `{}`",
            excerpt(written)
        )),
        true => Err(format!(
            "has an entry without a file name: `{}`",
            excerpt(written)
        )),
        false => Ok(parts.join("/")),
    }
}

/// Splits a path into the folder of the chart and the path below it.
fn split(name: &str) -> Result<(&str, &str), Reason> {
    let outside = || format!("`{}` is not in the folder of a chart", excerpt(name));
    name.split_once('/').ok_or_else(outside)
}

/// A reader that fails once its budget is used up.
struct Bounded<'b, R> {
    inner: R,
    left: &'b mut u64,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => *self.left = left,
            None => return Err(io::ErrorKind::StorageFull.into()),
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn pack(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, kind, content) in entries {
            let mut header = tar::Header::new_ustar();
            // The setter rejects the names that a hostile archive contains.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            builder.append(&header, *content).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<Unpacked, Reason> {
        unpack(bytes, &mut Budget::default(), |_| true)
    }

    #[track_caller]
    fn refuses(entries: &[(&str, EntryType, &[u8])], why: &str) {
        assert_eq!(read(&pack(entries)).unwrap_err(), why);
    }

    const FILE: EntryType = EntryType::Regular;

    #[test]
    fn files_are_named_below_the_chart() {
        let entries = [
            ("./a/Chart.yaml", FILE, &b"name: a"[..]),
            ("a\\values.yaml", FILE, b"b: 1"),
            ("a/link", EntryType::Symlink, b""),
        ];
        let unpacked = read(&pack(&entries)).unwrap();
        assert_eq!(unpacked.top, "a");
        let names: Vec<_> = unpacked.files.keys().collect();
        assert_eq!(names, ["Chart.yaml", "values.yaml"]);
        assert_eq!(
            unpacked.faults,
            ["`a/link` is a link or not a regular file: not read"]
        );
    }

    #[test]
    fn hostile_names_are_refused() {
        refuses(
            &[("a/../../b", FILE, b"")],
            "names a path outside of it: `a/../../b`",
        );
        refuses(
            &[("/etc/passwd", FILE, b"")],
            "names an absolute path: `/etc/passwd`",
        );
        refuses(&[("c:/x", FILE, b"")], "names an absolute path: `c:/x`");
        refuses(
            &[("x\u{7}", FILE, b"")],
            "`x\\u{7}` is not in the folder of a chart",
        );
        refuses(&[], "is empty");
    }

    #[test]
    fn what_is_no_archive_is_reported() {
        assert!(
            read(b"no archive")
                .unwrap_err()
                .starts_with("cannot be read: ")
        );
        let whole = pack(&[("a/b", FILE, &[7; 10_000])]);
        assert!(read(&whole[..whole.len() / 2]).is_err());
    }

    #[test]
    fn bombs_end_at_the_budget() {
        let zeros = vec![0; 4 << 20];
        let bomb = pack(&[("a/b", FILE, &zeros), ("a/c", FILE, &zeros)]);
        assert!(bomb.len() < 100_000);
        let mut small = Budget {
            bytes: 6 << 20,
            ..Budget::default()
        };
        let error = unpack(&bomb, &mut small, |_| true).unwrap_err();
        assert_eq!(error, "contains more than 6 MiB");
        let mut few = Budget {
            entries: 1,
            ..Budget::default()
        };
        let error = unpack(&bomb, &mut few, |_| true).unwrap_err();
        assert_eq!(error, "contains too many files");
        let mut flat = Budget {
            depth: 0,
            ..Budget::default()
        };
        assert!(unpack(&bomb, &mut flat, |_| true).is_err());
    }

    #[test]
    fn long_names_do_not_escape_the_budget() {
        let zeros = vec![b'x'; 4 << 20];
        let bomb = pack(&[("././@LongLink", EntryType::GNULongName, &zeros)]);
        let mut small = Budget {
            bytes: 1 << 20,
            ..Budget::default()
        };
        let error = unpack(&bomb, &mut small, |_| true).unwrap_err();
        assert_eq!(error, "contains more than 1 MiB");
    }
}
