//! The metadata of a file: owner, permissions, access lists, labels. A new file gets all of it, or does not replace the old
//! one.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;

/// Metadata that could not be given to a new file.
#[derive(Debug)]
pub(super) enum Lost {
    Owner(io::Error),
    /// An extended attribute, such as an access list on Linux.
    Attribute(OsString, io::Error),
    Permissions(io::Error),
}

/// Copies all metadata to a new file. The order matters, because changing the owner takes permissions away.
pub(super) fn copy(from: &File, metadata: &Metadata, to: &File) -> Result<(), Lost> {
    own(to, metadata).map_err(Lost::Owner)?;
    attributes(from, to)?;
    let permissions = to.set_permissions(metadata.permissions());
    permissions.map_err(Lost::Permissions)
}

/// The identity of a file, independent of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct FileId(u64, u64);

#[cfg(unix)]
mod system {
    use std::os::unix::fs::{MetadataExt, fchown};

    use xattr::FileExt;

    use super::{File, FileId, Lost, Metadata, OsString, io};

    /// The system sets it on every file by itself, and lets nobody else set it.
    const NOT_OURS: &str = "com.apple.provenance";

    pub(in crate::write) fn id(metadata: &Metadata) -> Option<FileId> {
        Some(FileId(metadata.dev(), metadata.ino()))
    }

    /// How many names a file has.
    pub(in crate::write) fn links(metadata: &Metadata) -> u64 {
        metadata.nlink()
    }

    /// Whether the user that runs regfix owns it.
    pub(in crate::write) fn is_own(metadata: &Metadata) -> bool {
        metadata.uid() == rustix::process::geteuid().as_raw()
    }

    /// Returns the inode number and the change time of a file, which nobody can set at will.
    pub(in crate::write) fn stamp(metadata: &Metadata) -> Option<String> {
        let (number, seconds, rest) = (metadata.ino(), metadata.ctime(), metadata.ctime_nsec());
        Some(format!("{number} {seconds}.{rest:09}"))
    }

    /// Whether it is the same file, with the same text and permissions. Names may have been added.
    pub(in crate::write) fn unchanged(then: &Metadata, now: &Metadata) -> bool {
        let stamp = |of: &Metadata| {
            let text = (of.len(), of.mtime(), of.mtime_nsec());
            (of.dev(), of.ino(), text, of.mode(), of.uid(), of.gid())
        };
        stamp(then) == stamp(now)
    }

    pub(super) fn own(file: &File, like: &Metadata) -> io::Result<()> {
        let made = file.metadata()?;
        let user = (made.uid() != like.uid()).then_some(like.uid());
        let group = (made.gid() != like.gid()).then_some(like.gid());
        match (user, group) {
            (None, None) => Ok(()),
            _ => fchown(file, user, group),
        }
    }

    pub(super) fn attributes(from: &File, to: &File) -> Result<(), Lost> {
        let wanted = names(from).map_err(|error| Lost::Attribute(OsString::new(), error))?;
        let there = names(to).map_err(|error| Lost::Attribute(OsString::new(), error))?;
        // Attributes that it got from its folder, such as a default access list.
        for name in there.iter().filter(|name| !wanted.contains(name)) {
            to.remove_xattr(name)
                .map_err(|error| Lost::Attribute(name.clone(), error))?;
        }
        for name in wanted {
            give(from, to, &name).map_err(|error| Lost::Attribute(name, error))?;
        }
        Ok(())
    }

    fn names(file: &File) -> io::Result<Vec<OsString>> {
        match file.list_xattr() {
            Ok(names) => Ok(names.filter(|name| name != NOT_OURS).collect()),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn give(from: &File, to: &File, name: &OsString) -> io::Result<()> {
        let value = from.get_xattr(name)?;
        // A label that is already right is not set again, because that may take more rights.
        match (value, to.get_xattr(name)?) {
            (None, _) => Ok(()),
            (Some(value), Some(there)) if value == there => Ok(()),
            (Some(value), _) => to.set_xattr(name, &value),
        }
    }
}

#[cfg(not(unix))]
mod system {
    use super::{File, FileId, Lost, Metadata, io};

    pub(in crate::write) fn id(_: &Metadata) -> Option<FileId> {
        None
    }

    pub(in crate::write) fn links(_: &Metadata) -> u64 {
        1
    }

    pub(in crate::write) fn is_own(_: &Metadata) -> bool {
        true
    }

    pub(in crate::write) fn stamp(_: &Metadata) -> Option<String> {
        None
    }

    pub(in crate::write) fn unchanged(then: &Metadata, now: &Metadata) -> bool {
        now.is_file() && then.len() == now.len() && then.modified().ok() == now.modified().ok()
    }

    pub(super) fn own(_: &File, _: &Metadata) -> io::Result<()> {
        Ok(())
    }

    /// Does nothing: on Windows, attributes are in streams and lists that the standard library does not show.
    pub(super) fn attributes(_: &File, _: &File) -> Result<(), Lost> {
        Ok(())
    }
}

use system::{attributes, own};
pub(super) use system::{id, is_own, links, stamp, unchanged};
