use std::fs;

use super::*;

const BEFORE: &str = "\u{feff}image: k8s.gcr.io/pause:3.9 # ä\r\nlast: line";
const AFTER: &str = "\u{feff}image: registry.k8s.io/pause:3.9 # ä\r\nlast: line";

/// A folder with a file `a.yaml` that holds `BEFORE`.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.put("a.yaml", BEFORE);
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap()
    }

    fn replace(&self, name: &str) -> Result<(), WriteError> {
        replace(&self.writer(), &self.at(name), BEFORE, AFTER)
    }

    fn writer(&self) -> Writer {
        writer(&[self.at("")])
    }

    /// The names in the folder: nothing may be left behind.
    fn names(&self) -> Vec<String> {
        names(self.0.path())
    }
}

fn writer(roots: &[PathBuf]) -> Writer {
    Writer::new(roots, Arc::default())
}

fn replace(writer: &Writer, path: &Path, before: &str, after: &str) -> Result<(), WriteError> {
    let change = Change {
        path,
        before: Some(before.as_bytes()),
        after: after.as_bytes(),
    };
    writer.replace_all(&[change]).map(drop)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Returns the error message without the path, which it must begin with.
#[track_caller]
fn refused(place: &Place, name: &str, result: Result<(), WriteError>) -> String {
    let error = result.unwrap_err().to_string();
    let path = format!("{}: ", place.at(name).display());
    error
        .strip_prefix(&path)
        .unwrap_or_else(|| panic!("{error}"))
        .to_owned()
}

/// Groups of one run, and of another one at the same time, that share their folders.
#[test]
fn groups_in_the_same_folders_wait_for_each_other() {
    let place = Place::new();
    let folders = ["one", "two"].map(|name| place.at(name));
    for folder in &folders {
        fs::create_dir(folder).unwrap();
    }
    let writers = [place.writer(), place.writer()];
    let one_group = |writer: &Writer, index: usize| {
        let name = format!("{index}.yaml");
        let paths = folders.each_ref().map(|folder| folder.join(&name));
        for path in &paths {
            fs::write(path, BEFORE).unwrap();
        }
        let changes = paths.each_ref().map(|path| Change {
            path,
            before: Some(BEFORE.as_bytes()),
            after: AFTER.as_bytes(),
        });
        writer.replace_all(&changes).unwrap();
    };
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (writer, one_group) = (&writers[thread % 2], &one_group);
            scope.spawn(move || (0..8).for_each(|at| one_group(writer, thread * 8 + at)));
        }
    });
    for folder in &folders {
        let files = names(folder);
        assert_eq!(files.len(), 64, "{files:?}");
        for file in files {
            assert_eq!(fs::read_to_string(folder.join(file)).unwrap(), AFTER);
        }
    }
}

#[test]
fn every_byte_is_as_given() {
    let place = Place::new();
    place.replace("a.yaml").unwrap();
    assert_eq!(place.text("a.yaml"), AFTER);
    assert_eq!(place.names(), ["a.yaml"]);
    for text in ["", "no last newline", "\r\n\r\n\n", &"x".repeat(300_000)] {
        let before = place.text("a.yaml");
        replace(&place.writer(), &place.at("a.yaml"), &before, text).unwrap();
        assert_eq!(place.text("a.yaml"), text);
    }
    assert_eq!(place.names(), ["a.yaml"]);
}

#[test]
fn a_changed_file_is_refused() {
    let place = Place::new();
    for text in [
        "changed",
        "",
        &BEFORE[..BEFORE.len() - 1],
        &format!("{BEFORE}\n"),
    ] {
        place.put("a.yaml", text);
        let said = refused(&place, "a.yaml", place.replace("a.yaml"));
        assert_eq!(
            said,
            "not written: it changed since it was read; run regfix again"
        );
        assert_eq!(place.text("a.yaml"), text);
    }
    assert_eq!(place.names(), ["a.yaml"]);
}

#[test]
fn a_file_that_holds_the_new_text_is_left_alone() {
    let place = Place::new();
    place.put("a.yaml", AFTER);
    let then = fs::metadata(place.at("a.yaml")).unwrap();
    place.replace("a.yaml").unwrap();
    assert!(metadata::unchanged(
        &then,
        &fs::metadata(place.at("a.yaml")).unwrap()
    ));
}

#[test]
fn a_missing_file_or_a_folder_is_refused() {
    let place = Place::new();
    assert!(matches!(
        place.replace("missing.yaml"),
        Err(WriteError {
            cause: Cause::Unreadable(_),
            ..
        })
    ));
    fs::create_dir(place.at("folder")).unwrap();
    assert!(matches!(
        place.replace("folder"),
        Err(WriteError {
            cause: Cause::NoFile,
            ..
        })
    ));
    assert_eq!(place.names(), ["a.yaml", "folder"]);
}

#[test]
fn bounds_are_whole_folders_and_files() {
    let place = Place::new();
    for name in ["in", "in-other"] {
        fs::create_dir(place.at(name)).unwrap();
        place.put(&format!("{name}/a.yaml"), BEFORE);
    }
    let roots = writer(&[place.at("in"), place.at("a.yaml"), place.at("missing")]);
    let write = |name: &str| replace(&roots, &place.at(name), BEFORE, AFTER);
    write("in/a.yaml").unwrap();
    write("in-other/../a.yaml").unwrap();
    let said = refused(&place, "in-other/a.yaml", write("in-other/a.yaml"));
    let real = place.at("in-other/a.yaml").canonicalize().unwrap();
    assert_eq!(
        said,
        format!(
            "not written: it links to {}, outside of the given paths; pass that file to fix it",
            real.display(),
        )
    );
    assert_eq!(place.text("in-other/a.yaml"), BEFORE);
    assert!(replace(&writer(&[]), &place.at("a.yaml"), BEFORE, AFTER).is_err());
}

#[test]
fn a_read_only_file_is_refused() {
    let place = Place::new();
    let path = place.at("a.yaml");
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    let said = refused(&place, "a.yaml", place.replace("a.yaml"));
    assert_eq!(
        said,
        "not written: it is read-only; make it writable, and run regfix again"
    );
    assert_eq!(place.text("a.yaml"), BEFORE);
    assert_eq!(place.names(), ["a.yaml"]);
}

/// Returns a change that is checked, but not made yet.
fn checked<'c>(writer: &Writer, path: &'c Path) -> Target<'c> {
    let change = Change {
        path,
        before: Some(BEFORE.as_bytes()),
        after: AFTER.as_bytes(),
    };
    Target::check(change, &writer.bounds).unwrap().unwrap()
}

#[test]
fn a_change_in_the_last_moment_is_seen() {
    let place = Place::new();
    let path = place.at("a.yaml");
    let writer = place.writer();
    let changed = |target: Target<'_>| {
        let confirmed = matches!(
            target.confirm(),
            Err(WriteError {
                cause: Cause::Changed,
                ..
            })
        );
        confirmed
            && matches!(
                super::replace(&target),
                Err(WriteError {
                    cause: Cause::Changed,
                    ..
                })
            )
    };

    let target = checked(&writer, &path);
    place.put("a.yaml", "changed");
    assert!(changed(target));
    assert_eq!(place.text("a.yaml"), "changed");

    // The same text in another file is another file.
    place.put("a.yaml", BEFORE);
    let target = checked(&writer, &path);
    place.put("b.yaml", BEFORE);
    fs::rename(place.at("b.yaml"), &path).unwrap();
    assert!(cfg!(not(unix)) || changed(target));

    place.put("a.yaml", BEFORE);
    let target = checked(&writer, &path);
    fs::remove_file(&path).unwrap();
    assert!(changed(target));
    assert_eq!(place.names(), Vec::<String>::new());
}

#[test]
fn a_new_file_is_made_within_the_bounds_and_over_no_other() {
    let place = Place::new();
    let create = |name: &str| {
        let path = place.at(name);
        let change = Change {
            path: &path,
            before: None,
            after: AFTER.as_bytes(),
        };
        let writer = writer(&[place.at("in")]);
        writer.replace_all(&[change]).map(drop)
    };
    fs::create_dir(place.at("in")).unwrap();
    create("in/new.yaml").unwrap();
    assert_eq!(place.text("in/new.yaml"), AFTER);
    assert!(matches!(
        create("b.yaml"),
        Err(WriteError {
            cause: Cause::Outside(_),
            ..
        })
    ));
    place.put("in/new.yaml", "theirs");
    let said = refused(&place, "in/new.yaml", create("in/new.yaml"));
    assert!(said.contains("changed since it was read"), "{said}");
    assert_eq!(place.text("in/new.yaml"), "theirs");
    assert_eq!(names(&place.at("in")), ["new.yaml"]);
}

#[test]
fn all_files_are_written_or_none() {
    let place = Place::new();
    place.put("b.yaml", BEFORE);
    place.put("theirs.yaml", "theirs");
    let paths = [
        place.at("a.yaml"),
        place.at("new.yaml"),
        place.at("b.yaml"),
        place.at("theirs.yaml"),
    ];
    let change = |at: usize, before| Change {
        path: &paths[at],
        before,
        after: AFTER.as_bytes(),
    };
    let before = [
        change(0, Some(BEFORE.as_bytes())),
        change(1, None),
        change(2, Some(BEFORE.as_bytes())),
    ];
    // A file that cannot be prepared stops the group before anything is touched.
    let writer = place.writer();
    let stale = [&before[..], &[change(3, Some(BEFORE.as_bytes()))]].concat();
    assert!(writer.replace_all(&stale).is_err());
    assert_eq!(place.text("a.yaml"), BEFORE);
    assert_eq!(place.names(), ["a.yaml", "b.yaml", "theirs.yaml"]);
    // If one fails after others were moved, those are put back. Here, a folder is at its location.
    let files: Vec<Vec<Target<'_>>> = before
        .iter()
        .map(|change| vec![Target::check(*change, &writer.bounds).unwrap().unwrap()])
        .collect();
    let group = Group::new(&files, &writer.bounds).unwrap();
    group.prepare().unwrap();
    fs::remove_file(place.at("b.yaml")).unwrap();
    fs::create_dir(place.at("b.yaml")).unwrap();
    let error = group.move_all().unwrap_err();
    assert!(matches!(error.cause, Cause::Failed(_)), "{error}");
    assert_eq!(place.text("a.yaml"), BEFORE);
    assert_eq!(place.names(), ["a.yaml", "b.yaml", "theirs.yaml"]);
}

/// A file that someone else changed meanwhile is not put back, but named. The journal stays for the next run.
#[test]
fn what_cannot_be_put_back_is_named() {
    let place = Place::new();
    place.put("b.yaml", BEFORE);
    let (first, second) = (place.at("a.yaml"), place.at("b.yaml"));
    let writer = place.writer();
    let files = [
        vec![checked(&writer, &first)],
        vec![checked(&writer, &second)],
    ];
    let group = Group::new(&files, &writer.bounds).unwrap();
    group.prepare().unwrap();
    group.move_in(0).unwrap();
    place.put("a.yaml", "theirs");
    let error = Cause::Changed.at(&second);
    let error = group.roll_back(1, error).to_string();
    assert!(
        error.contains("run regfix --write again") && error.contains("a.yaml"),
        "{error}"
    );
    assert_eq!(place.text("a.yaml"), "theirs");
    assert!(place.names().contains(&JOURNAL_FOLDER.to_owned()));
}

#[cfg(unix)]
mod unix {
    use std::collections::BTreeSet;
    use std::fs::File;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
    use std::process::Command;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn is_root(place: &Place) -> bool {
        fs::metadata(place.at("a.yaml")).unwrap().uid() == 0
    }

    #[test]
    fn permissions_stay() {
        for wanted in [0o640, 0o600, 0o664, 0o755, 0o644] {
            let place = Place::new();
            set_mode(&place.at("a.yaml"), wanted);
            place.replace("a.yaml").unwrap();
            assert_eq!(mode(&place.at("a.yaml")), wanted);
            assert_eq!(place.text("a.yaml"), AFTER);
        }
    }

    #[test]
    fn a_link_stays_a_link() {
        let place = Place::new();
        fs::create_dir(place.at("dir")).unwrap();
        place.put("dir/target.yaml", BEFORE);
        symlink("dir/target.yaml", place.at("link.yaml")).unwrap();
        symlink("link.yaml", place.at("again.yaml")).unwrap();
        place.replace("again.yaml").unwrap();
        assert_eq!(
            fs::read_link(place.at("again.yaml")).unwrap(),
            Path::new("link.yaml")
        );
        assert_eq!(
            fs::read_link(place.at("link.yaml")).unwrap(),
            Path::new("dir/target.yaml")
        );
        assert!(
            fs::symlink_metadata(place.at("dir/target.yaml"))
                .unwrap()
                .is_file()
        );
        assert_eq!(place.text("dir/target.yaml"), AFTER);
        assert_eq!(names(&place.at("dir")), ["target.yaml"]);
        assert_eq!(place.names(), ["a.yaml", "again.yaml", "dir", "link.yaml"]);
    }

    #[test]
    fn a_link_that_leads_out_is_refused() {
        let (place, outside) = (Place::new(), Place::new());
        symlink(outside.at("a.yaml"), place.at("link.yaml")).unwrap();
        symlink(outside.at(""), place.at("folder")).unwrap();
        for name in ["link.yaml", "folder/a.yaml"] {
            assert!(
                matches!(
                    place.replace(name),
                    Err(WriteError {
                        cause: Cause::Outside(_),
                        ..
                    })
                ),
                "{name}"
            );
        }
        assert_eq!(outside.text("a.yaml"), BEFORE);
        assert_eq!(outside.names(), ["a.yaml"]);
        // As a root, the link is what the user wants.
        let named = writer(&[place.at("link.yaml")]);
        replace(&named, &place.at("link.yaml"), BEFORE, AFTER).unwrap();
        assert_eq!(outside.text("a.yaml"), AFTER);
        symlink("nowhere", place.at("broken.yaml")).unwrap();
        assert!(matches!(
            place.replace("broken.yaml"),
            Err(WriteError {
                cause: Cause::Unreadable(_),
                ..
            })
        ));
    }

    #[test]
    fn all_names_of_a_file_lead_to_the_new_one() {
        let place = Place::new();
        fs::create_dir(place.at("dir")).unwrap();
        set_mode(&place.at("a.yaml"), 0o640);
        let (first, second, third) = (
            place.at("a.yaml"),
            place.at("b.yaml"),
            place.at("dir/c.yaml"),
        );
        fs::hard_link(&first, &second).unwrap();
        fs::hard_link(&first, &third).unwrap();
        let change = |path, after: &'static str| Change {
            path,
            before: Some(BEFORE.as_bytes()),
            after: after.as_bytes(),
        };
        // Names of one file cannot be distinguished.
        let at_odds = place
            .writer()
            .replace_all(&[change(&first, AFTER), change(&second, "other")]);
        assert!(matches!(
            at_odds,
            Err(WriteError {
                cause: Cause::AtOdds(_),
                ..
            })
        ));
        // A name that is not among the changes leads to the new file, too, if it is within the bounds.
        let writer = writer(&[place.at("a.yaml"), place.at("dir")]);
        let notes = writer.replace_all(&[change(&first, AFTER)]).unwrap();
        assert_eq!(notes.len(), 1);
        assert!(
            notes[0]
                .message
                .starts_with("it has 1 more name (hard links)"),
            "{notes:?}"
        );
        let (one, two) = (fs::metadata(&first).unwrap(), fs::metadata(&third).unwrap());
        assert_eq!((one.ino(), one.nlink()), (two.ino(), 2));
        assert_eq!(mode(&first), 0o640);
        assert_eq!(place.text("dir/c.yaml"), AFTER);
        assert_eq!(place.text("b.yaml"), BEFORE);
        assert_eq!(names(&place.at("dir")), ["c.yaml"]);
        assert_eq!(place.names(), ["a.yaml", "b.yaml", "dir"]);
    }

    #[test]
    fn a_file_and_a_link_to_it_are_written_once() {
        let place = Place::new();
        symlink("a.yaml", place.at("link.yaml")).unwrap();
        let (file, link) = (place.at("a.yaml"), place.at("link.yaml"));
        let change = |path| Change {
            path,
            before: Some(BEFORE.as_bytes()),
            after: AFTER.as_bytes(),
        };
        let notes = place.writer().replace_all(&[change(&file), change(&link)]);
        assert_eq!(notes.unwrap(), []);
        assert_eq!(place.text("a.yaml"), AFTER);
        assert!(fs::read_link(&link).is_ok());
    }

    #[test]
    fn attributes_and_access_lists_stay() {
        let place = Place::new();
        let path = place.at("a.yaml");
        if xattr::set(&path, "user.origin", b"vendor").is_err() {
            println!("skipped: there are no extended attributes here");
            return;
        }
        // user::rw- user:1234:r-- group::r-- mask::r-- other::---
        let entry = |tag: u16, rights: u16, id: u32| {
            [
                &tag.to_le_bytes()[..],
                &rights.to_le_bytes(),
                &id.to_le_bytes(),
            ]
            .concat()
        };
        let nobody = u32::MAX;
        let list = [
            2u32.to_le_bytes().to_vec(),
            entry(1, 6, nobody),
            entry(2, 4, 1234),
            entry(4, 4, nobody),
            entry(16, 4, nobody),
            entry(32, 0, nobody),
        ]
        .concat();
        let lists = xattr::set(&path, "system.posix_acl_access", &list).is_ok();
        // Any file that is made in the folder would get another list.
        let given = [
            2u32.to_le_bytes().to_vec(),
            entry(1, 7, nobody),
            entry(2, 7, 4321),
            entry(4, 7, nobody),
            entry(16, 7, nobody),
            entry(32, 7, nobody),
        ]
        .concat();
        let _ = xattr::set(place.at(""), "system.posix_acl_default", &given);
        let listed = || xattr::list(&path).unwrap().collect::<BTreeSet<_>>();
        let before = listed();
        let rights = mode(&path);
        place.replace("a.yaml").unwrap();
        assert_eq!(place.text("a.yaml"), AFTER);
        assert_eq!(listed(), before);
        assert_eq!(
            xattr::get(&path, "user.origin").unwrap().unwrap(),
            b"vendor"
        );
        assert_eq!(mode(&path), rights);
        if lists {
            let kept = xattr::get(&path, "system.posix_acl_access").unwrap();
            assert_eq!(kept, Some(list));
        } else {
            println!("skipped in part: there are no access lists here");
        }
        // A file without a list does not get that of its folder.
        place.put("b.yaml", BEFORE);
        let _ = xattr::remove(place.at("b.yaml"), "system.posix_acl_access");
        place.replace("b.yaml").unwrap();
        assert_eq!(
            xattr::get(place.at("b.yaml"), "system.posix_acl_access").unwrap(),
            None
        );
    }

    /// A folder that becomes a link after its file was checked leads nowhere.
    #[test]
    fn a_folder_swapped_for_a_link_is_not_followed() {
        let (place, outside) = (Place::new(), Place::new());
        fs::create_dir(place.at("dir")).unwrap();
        place.put("dir/a.yaml", BEFORE);
        let writer = place.writer();
        let path = place.at("dir/a.yaml");
        let real = path.canonicalize().unwrap();
        fs::rename(place.at("dir"), place.at("moved")).unwrap();
        symlink(outside.at(""), place.at("dir")).unwrap();
        assert!(writer.bounds.folder(real.parent().unwrap()).is_err());
        assert!(matches!(
            replace(&writer, &path, BEFORE, AFTER),
            Err(WriteError {
                cause: Cause::Outside(_),
                ..
            })
        ));
        assert_eq!(outside.text("a.yaml"), BEFORE);
        // A link is not followed even if it leads to a folder that may be written to.
        fs::remove_file(place.at("dir")).unwrap();
        symlink("moved", place.at("dir")).unwrap();
        assert!(writer.bounds.folder(real.parent().unwrap()).is_err());
        replace(&writer, &path, BEFORE, AFTER).unwrap();
        assert_eq!(place.text("moved/a.yaml"), AFTER);
    }

    #[test]
    fn what_another_run_keeps_is_no_name_of_the_file() {
        let place = Place::new();
        let kept = place.at(".regfix-journal/0.old");
        fs::create_dir(kept.parent().unwrap()).unwrap();
        fs::hard_link(place.at("a.yaml"), &kept).unwrap();
        replace(&place.writer(), &place.at("a.yaml"), BEFORE, AFTER).unwrap();
        assert_eq!(place.text("a.yaml"), AFTER);
        assert_eq!(fs::read_to_string(kept).unwrap(), BEFORE);
    }

    #[test]
    fn a_read_only_file_is_refused_by_every_name() {
        let place = Place::new();
        fs::hard_link(place.at("a.yaml"), place.at("b.yaml")).unwrap();
        set_mode(&place.at("a.yaml"), 0o444);
        assert!(matches!(
            place.replace("b.yaml"),
            Err(WriteError {
                cause: Cause::ReadOnly(None),
                ..
            })
        ));
        assert_eq!(place.text("a.yaml"), BEFORE);
    }

    #[test]
    fn a_folder_that_takes_no_file_is_named() {
        let place = Place::new();
        if is_root(&place) {
            println!("skipped: root may write anywhere");
            return;
        }
        for linked in [false, true] {
            if linked {
                fs::hard_link(place.at("a.yaml"), place.at("b.yaml")).unwrap();
            }
            set_mode(&place.at(""), 0o500);
            let result = place.replace("a.yaml");
            set_mode(&place.at(""), 0o700);
            let said = refused(&place, "a.yaml", result);
            assert!(
                said.starts_with("not written: cannot create a file in "),
                "{said}"
            );
            assert!(
                said.ends_with("make that folder writable, and run regfix again"),
                "{said}"
            );
            assert_eq!(place.text("a.yaml"), BEFORE);
        }
    }

    #[test]
    fn owner_and_group_stay() {
        let place = Place::new();
        if !is_root(&place) {
            println!("skipped: only root may give files away");
            return;
        }
        chown(place.at("a.yaml"), Some(1234), Some(4321)).unwrap();
        set_mode(&place.at("a.yaml"), 0o2750);
        place.replace("a.yaml").unwrap();
        let metadata = fs::metadata(place.at("a.yaml")).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (1234, 4321));
        assert_eq!(mode(&place.at("a.yaml")), 0o2750);
    }

    #[test]
    fn an_owner_that_cannot_be_kept_is_a_refusal() {
        let place = Place::new();
        if is_root(&place) {
            println!("skipped: root may give files away");
            return;
        }
        let path = place.at("a.yaml");
        let file = File::open(&path).unwrap();
        let other = File::create(place.at("b.yaml")).unwrap();
        let lost = metadata::copy(&file, &fs::metadata("/").unwrap(), &other);
        assert!(matches!(lost, Err(metadata::Lost::Owner(_))), "{lost:?}");
    }

    /// A file system of 64 KiB, for as long as it is held.
    struct Small(tempfile::TempDir);

    impl Small {
        fn mount() -> Option<Self> {
            let folder = tempfile::tempdir().unwrap();
            let mut mount = Command::new("mount");
            mount
                .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
                .arg(folder.path());
            let mounted = mount.output().is_ok_and(|output| output.status.success());
            mounted.then(|| Self(folder))
        }
    }

    impl Drop for Small {
        fn drop(&mut self) {
            Command::new("umount").arg(self.0.path()).status().unwrap();
        }
    }

    #[test]
    fn a_full_disk_leaves_the_file_as_it_was() {
        let Some(small) = Small::mount() else {
            println!("skipped: nothing can be mounted here");
            return;
        };
        let folder = small.0.path();
        let path = folder.join("a.yaml");
        let before = "a".repeat(20_000);
        fs::write(&path, &before).unwrap();
        let write = |length| {
            replace(
                &writer(&[folder.to_owned()]),
                &path,
                &before,
                &"b".repeat(length),
            )
        };
        let said = write(60_000).unwrap_err().to_string();
        assert!(
            said.ends_with("the file is unchanged; free some disk space, and run regfix again"),
            "{said}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), before);
        assert_eq!(names(folder), ["a.yaml"]);
        // A second name makes no difference.
        fs::hard_link(&path, folder.join("b.yaml")).unwrap();
        write(60_000).unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), before);
        assert_eq!(names(folder), ["a.yaml", "b.yaml"]);
        write(22_000).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "b".repeat(22_000));
        assert_eq!(names(folder), ["a.yaml", "b.yaml"]);
    }
}
