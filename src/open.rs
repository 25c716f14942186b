//! Opens files that someone else may have made: only regular files, up to a size, and without blocking.
//!
//! In a stranger's repository, a file with a well-known name can be a link to a device, a named pipe that nobody writes to, or
//! a link to a file outside of the repository. Knows nothing of repositories and formats.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::printable;

/// Whether the last part of a path may be a symbolic link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    Follow,
    Refuse,
}

/// Whether there is something other than a folder. A broken link or a named pipe counts, too: callers treat a file as missing
/// only if nothing is there, and otherwise get an error when they read it.
pub fn is_there(path: &Path) -> bool {
    let is_folder = metadata(path, Links::Follow).is_some_and(|found| found.is_dir());
    !is_folder && metadata(path, Links::Refuse).is_some()
}

/// Returns the metadata of a path, if it can be read.
pub fn metadata(path: &Path, links: Links) -> Option<Metadata> {
    match links {
        Links::Follow => fs::metadata(path).ok(),
        Links::Refuse => fs::symlink_metadata(path).ok(),
    }
}

/// Returns the target of a symbolic link, as written.
pub fn target(link: &Path) -> Option<PathBuf> {
    fs::read_link(link).ok()
}

/// Opens a file that the user named, of any kind, such as a pipe.
///
/// # Errors
/// If there is nothing, or it may not be read.
pub fn named(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Reads a file that the user named, up to a size.
///
/// # Errors
/// As for [`named`], and [`io::ErrorKind::FileTooLarge`] if the file exceeds the limit.
pub fn read_named(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    read_open(named(path)?, limit)
}

/// Opens a regular file for reading. Never blocks, whatever is there.
///
/// # Errors
/// If there is nothing, it may not be read, it is not a regular file, or it is a link that must not be followed.
pub fn regular(path: &Path, links: Links) -> io::Result<File> {
    // Opening a device can have side effects. Only a link can lead to one, because creating a device takes root.
    if links == Links::Follow && !fs::metadata(path)?.is_file() {
        return Err(not_regular());
    }
    let file = at_once(path, links)?;
    // The path may have been replaced since the first check: what counts is what was opened.
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(not_regular()),
    }
}

/// Opens what a listing of its folder has just called a regular file, which saves a system call. If it is something else by
/// now, this does not block and follows no link; a pipe reads as an empty file.
///
/// # Errors
/// If there is nothing, it may not be read, or it is a link.
pub fn listed(path: &Path) -> io::Result<File> {
    at_once(path, Links::Refuse)
}

fn at_once(path: &Path, links: Links) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    set_flags(&mut options, links);
    options.open(path).map_err(|error| {
        let is_link = || metadata(path, Links::Refuse).is_some_and(|found| found.is_symlink());
        match links == Links::Refuse && is_link() {
            true => io::Error::other("a symbolic link, which is not followed"),
            false => error,
        }
    })
}

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// As for [`regular`], and [`io::ErrorKind::FileTooLarge`] if the file exceeds the limit.
pub fn read(path: &Path, links: Links, limit: usize) -> io::Result<Vec<u8>> {
    read_open(regular(path, links)?, limit)
}

/// Like [`read`], for a file that must be below a folder when all links are resolved.
///
/// # Errors
/// As for [`read`], and if the path leads out of the folder, or the file is replaced meanwhile.
pub fn read_below(top: &Path, path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let file = regular(path, Links::Follow)?;
    let real = path.canonicalize()?;
    let top = top.canonicalize()?;
    if !real.starts_with(&top) {
        let message = format!(
            "leads out of {}, to {}",
            printable::path(&top),
            printable::path(&real)
        );
        return Err(io::Error::other(message));
    }
    // If a link was changed after the file was opened, the path is not that of the file.
    match is_at(&file, &real)? {
        true => read_open(file, limit),
        false => Err(io::Error::other("was replaced while it was read")),
    }
}

/// Reads what was opened, up to a size.
///
/// # Errors
/// If it cannot be read, and [`io::ErrorKind::FileTooLarge`] if it exceeds the limit.
pub fn read_open(file: impl Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() <= limit {
        return Ok(bytes);
    }
    let size = match limit >> 20 {
        0 => format!("{} KiB", limit >> 10),
        size => format!("{size} MiB"),
    };
    let message = format!("is larger than {size}");
    Err(io::Error::new(io::ErrorKind::FileTooLarge, message))
}

fn not_regular() -> io::Error {
    io::Error::other("not a regular file")
}

#[cfg(unix)]
fn set_flags(options: &mut OpenOptions, links: Links) {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt;
    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    if links == Links::Refuse {
        flags |= OFlags::NOFOLLOW;
    }
    options.custom_flags(flags.bits().cast_signed());
}

/// Opening never blocks here. A link is opened itself, and is not a regular file.
#[cfg(windows)]
fn set_flags(options: &mut OpenOptions, links: Links) {
    use std::os::windows::fs::OpenOptionsExt;
    const OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    if links == Links::Refuse {
        options.custom_flags(OPEN_REPARSE_POINT);
    }
}

/// Whether an open file is the one at a path without links.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (one, other) = (file.metadata()?, fs::symlink_metadata(path)?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> io::Result<bool> {
    Ok(fs::symlink_metadata(path)?.is_file())
}

/// Calls `read`, and calls it again if a signal interrupted it.
pub(crate) fn read_some(source: &mut impl Read, bytes: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "12345").unwrap();
        for links in [Links::Follow, Links::Refuse] {
            assert_eq!(read(&path, links, 5).unwrap(), b"12345");
            let error = read(&path, links, 4).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
            assert!(read(folder.path(), links, 5).is_err());
            let missing = read(&folder.path().join("b"), links, 5).unwrap_err();
            assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        }
        assert_eq!(read_below(folder.path(), &path, 5).unwrap(), b"12345");
    }

    #[cfg(unix)]
    mod unix {
        use std::os::unix::fs::symlink;

        use super::*;

        #[test]
        fn nothing_but_a_regular_file_is_opened_and_nothing_waits() {
            let folder = tempfile::tempdir().unwrap();
            let at = |name: &str| folder.path().join(name);
            let pipe = std::process::Command::new("mkfifo")
                .arg(at("pipe"))
                .status();
            assert!(pipe.unwrap().success());
            symlink(at("pipe"), at("link")).unwrap();
            symlink("/dev/zero", at("zero")).unwrap();
            for name in ["pipe", "link", "zero"] {
                let error = read(&at(name), Links::Follow, 5).unwrap_err();
                assert_eq!(error.to_string(), "not a regular file", "{name}");
            }
            let error = read(&at("pipe"), Links::Refuse, 5).unwrap_err();
            assert_eq!(error.to_string(), "not a regular file");
            // As if the pipe had replaced a regular file after the listing.
            let mut text = String::new();
            listed(&at("pipe"))
                .unwrap()
                .read_to_string(&mut text)
                .unwrap();
            assert_eq!(text, "");
            assert!(listed(&at("zero")).is_err());
        }

        #[test]
        fn links_are_followed_where_they_may_be() {
            let folder = tempfile::tempdir().unwrap();
            let at = |name: &str| folder.path().join(name);
            fs::create_dir(at("top")).unwrap();
            fs::write(at("top/a"), "in").unwrap();
            fs::write(at("b"), "out").unwrap();
            symlink("a", at("top/inside")).unwrap();
            symlink("../b", at("top/outside")).unwrap();
            symlink("..", at("top/up")).unwrap();
            assert_eq!(read(&at("top/outside"), Links::Follow, 5).unwrap(), b"out");
            let refused = read(&at("top/inside"), Links::Refuse, 5).unwrap_err();
            assert_eq!(
                refused.to_string(),
                "a symbolic link, which is not followed"
            );
            let below = |name: &str| read_below(&at("top"), &at(name), 5);
            assert_eq!(below("top/inside").unwrap(), b"in");
            for name in ["top/outside", "top/up/b"] {
                let error = below(name).unwrap_err().to_string();
                assert!(error.starts_with("leads out of "), "{error}");
            }
        }
    }
}
