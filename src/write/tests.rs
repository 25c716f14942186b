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
        replace(
            &self.at(name),
            BEFORE.as_bytes(),
            AFTER.as_bytes(),
            &self.bounds(),
        )
    }

    fn bounds(&self) -> Bounds {
        Bounds::new(&[self.at("")])
    }

    /// The names in the folder: nothing may be left behind.
    fn names(&self) -> Vec<String> {
        names(self.0.path())
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The error's words, which must begin with the path.
#[track_caller]
fn refused(place: &Place, name: &str, result: Result<(), WriteError>) -> String {
    let error = result.unwrap_err().to_string();
    let path = format!("{}: ", place.at(name).display());
    error
        .strip_prefix(&path)
        .unwrap_or_else(|| panic!("{error}"))
        .to_owned()
}

#[test]
fn every_byte_is_as_given() {
    let place = Place::new();
    place.replace("a.yaml").unwrap();
    assert_eq!(place.text("a.yaml"), AFTER);
    assert_eq!(place.names(), ["a.yaml"]);
    for text in ["", "no last newline", "\r\n\r\n\n", &"x".repeat(300_000)] {
        let before = place.text("a.yaml");
        replace(
            &place.at("a.yaml"),
            before.as_bytes(),
            text.as_bytes(),
            &place.bounds(),
        )
        .unwrap();
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
            "not written, for it changed since it was read; run regfix again"
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
    assert!(unchanged(&then, &fs::metadata(place.at("a.yaml")).unwrap()));
}

#[test]
fn a_missing_file_or_a_folder_is_refused() {
    let place = Place::new();
    assert!(matches!(
        place.replace("missing.yaml"),
        Err(WriteError::Unreadable { .. })
    ));
    fs::create_dir(place.at("folder")).unwrap();
    assert!(matches!(
        place.replace("folder"),
        Err(WriteError::NoFile { .. })
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
    let roots = Bounds::new(&[place.at("in"), place.at("a.yaml"), place.at("missing")]);
    let write = |name: &str| replace(&place.at(name), BEFORE.as_bytes(), AFTER.as_bytes(), &roots);
    write("in/a.yaml").unwrap();
    write("in-other/../a.yaml").unwrap();
    let said = refused(&place, "in-other/a.yaml", write("in-other/a.yaml"));
    let real = place.at("in-other/a.yaml").canonicalize().unwrap();
    assert_eq!(
        said,
        format!(
            "not written, for it leads to {}, outside of what regfix was given; name that file to have it fixed",
            real.display(),
        )
    );
    assert_eq!(place.text("in-other/a.yaml"), BEFORE);
    assert!(
        replace(
            &place.at("a.yaml"),
            BEFORE.as_bytes(),
            AFTER.as_bytes(),
            &Bounds::default()
        )
        .is_err()
    );
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
        "not written, for it is read-only; make it writable, and run regfix again"
    );
    assert_eq!(place.text("a.yaml"), BEFORE);
    assert_eq!(place.names(), ["a.yaml"]);
}

fn stage<'c>(path: &'c Path, bounds: &Bounds) -> Staged<'c> {
    let change = Change {
        path,
        before: Some(BEFORE.as_bytes()),
        after: AFTER.as_bytes(),
    };
    Staged::new(&change, bounds).unwrap()
}

#[test]
fn a_change_in_the_last_moment_is_seen() {
    let place = Place::new();
    let path = place.at("a.yaml");
    let bounds = place.bounds();
    let changed = |staged: Staged<'_>| matches!(staged.commit(), Err(WriteError::Changed { .. }));

    let staged = stage(&path, &bounds);
    place.put("a.yaml", "changed");
    assert!(changed(staged));
    assert_eq!(place.text("a.yaml"), "changed");

    // The same text in another file is another file.
    place.put("a.yaml", BEFORE);
    let staged = stage(&path, &bounds);
    let target = Target::find(&path, &bounds).unwrap();
    place.put("b.yaml", BEFORE);
    fs::rename(place.at("b.yaml"), &path).unwrap();
    assert!(cfg!(not(unix)) || matches!(target.open(), Err(WriteError::Changed { .. })));
    assert!(cfg!(not(unix)) || changed(staged));

    place.put("a.yaml", BEFORE);
    let staged = stage(&path, &bounds);
    fs::remove_file(&path).unwrap();
    assert!(changed(staged));
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
        replace_all(&[change], &Bounds::new(&[place.at("in")]))
    };
    fs::create_dir(place.at("in")).unwrap();
    create("in/new.yaml").unwrap();
    assert_eq!(place.text("in/new.yaml"), AFTER);
    assert!(matches!(create("b.yaml"), Err(WriteError::Outside { .. })));
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
    // One that cannot be prepared stops all, before anything is touched.
    let stale = [&before[..], &[change(3, Some(BEFORE.as_bytes()))]].concat();
    assert!(replace_all(&stale, &place.bounds()).is_err());
    // One that fails when others are written already has them put back: a folder has come where the file is to be.
    let mut staged: Vec<_> = before
        .iter()
        .map(|change| Staged::new(change, &place.bounds()).unwrap())
        .collect();
    let last = staged.pop().unwrap();
    staged.into_iter().for_each(|one| one.commit().unwrap());
    place.put("b.yaml", "theirs");
    let error = put_back(&before[..2], last.commit().unwrap_err(), &place.bounds());
    assert!(matches!(error, WriteError::Changed { .. }), "{error}");
    assert_eq!(place.text("a.yaml"), BEFORE);
    assert_eq!(place.names(), ["a.yaml", "b.yaml", "theirs.yaml"]);
    // What cannot be put back is named.
    let error = put_back(&before[..1], error, &place.bounds());
    assert!(
        matches!(error, WriteError::Changed { .. }),
        "it holds the old text already"
    );
    place.put("a.yaml", "theirs");
    let error = put_back(&before[..1], error, &place.bounds()).to_string();
    assert!(
        error.contains("put back by hand") && error.contains("a.yaml"),
        "{error}"
    );
}

/// A handle that cannot be written through fails in the middle, and so does putting the old text back.
#[test]
fn a_torn_file_leaves_its_new_text_beside_it() {
    let place = Place::new();
    let path = place.at("a.yaml");
    let target = Target::find(&path, &place.bounds()).unwrap();
    let copy = target.copy(AFTER.as_bytes(), |_| Ok(())).unwrap();
    let result = target.overwrite(
        File::open(&path).unwrap(),
        copy,
        BEFORE.as_bytes(),
        AFTER.as_bytes(),
    );
    let Err(WriteError::Torn { copy, .. }) = &result else {
        panic!("{result:?}");
    };
    assert_eq!(fs::read_to_string(copy).unwrap(), AFTER);
    let copy = copy.file_name().unwrap().to_str().unwrap().to_owned();
    assert!(copy.starts_with(".regfix-"));
    assert_eq!(place.names(), [copy.as_str(), "a.yaml"]);
    let said = refused(&place, "a.yaml", result);
    assert!(
        said.starts_with("written in part only: ") && said.ends_with(": copy that over it"),
        "{said}"
    );
}

#[cfg(unix)]
mod unix {
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
                matches!(place.replace(name), Err(WriteError::Outside { .. })),
                "{name}"
            );
        }
        assert_eq!(outside.text("a.yaml"), BEFORE);
        assert_eq!(outside.names(), ["a.yaml"]);
        // Named as a root, it is what the user wants.
        let named = Bounds::new(&[place.at("link.yaml")]);
        replace(
            &place.at("link.yaml"),
            BEFORE.as_bytes(),
            AFTER.as_bytes(),
            &named,
        )
        .unwrap();
        assert_eq!(outside.text("a.yaml"), AFTER);
        symlink("nowhere", place.at("broken.yaml")).unwrap();
        assert!(matches!(
            place.replace("broken.yaml"),
            Err(WriteError::Unreadable { .. })
        ));
    }

    #[test]
    fn hard_links_stay() {
        for (before, after) in [(BEFORE, AFTER), (AFTER, BEFORE), (BEFORE, "")] {
            let place = Place::new();
            place.put("a.yaml", before);
            set_mode(&place.at("a.yaml"), 0o640);
            fs::hard_link(place.at("a.yaml"), place.at("b.yaml")).unwrap();
            let inode = fs::metadata(place.at("a.yaml")).unwrap().ino();
            for name in ["a.yaml", "b.yaml"] {
                replace(
                    &place.at(name),
                    before.as_bytes(),
                    after.as_bytes(),
                    &place.bounds(),
                )
                .unwrap();
                let metadata = fs::metadata(place.at(name)).unwrap();
                assert_eq!((metadata.ino(), metadata.nlink()), (inode, 2));
                assert_eq!(mode(&place.at(name)), 0o640);
                assert_eq!(place.text(name), after);
            }
            assert_eq!(place.names(), ["a.yaml", "b.yaml"]);
        }
    }

    #[test]
    fn a_read_only_file_is_refused_by_every_name() {
        let place = Place::new();
        fs::hard_link(place.at("a.yaml"), place.at("b.yaml")).unwrap();
        set_mode(&place.at("a.yaml"), 0o444);
        assert!(matches!(
            place.replace("b.yaml"),
            Err(WriteError::ReadOnly { error: None, .. })
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
                said.starts_with("not written, for no new file can be made in "),
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
        let bounds = place.bounds();
        let mut target = Target::find(&path, &bounds).unwrap();
        target.metadata = fs::metadata("/").unwrap();
        let result = target.copy(AFTER.as_bytes(), |copy| target.dress(copy));
        assert!(
            matches!(result, Err(WriteError::Owner { .. })),
            "{result:?}"
        );
        assert_eq!(place.text("a.yaml"), BEFORE);
        assert_eq!(place.names(), ["a.yaml"]);
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
            mounted.then_some(Self(folder))
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
                &path,
                before.as_bytes(),
                "b".repeat(length).as_bytes(),
                &Bounds::new(&[folder.to_owned()]),
            )
        };
        let said = write(60_000).unwrap_err().to_string();
        assert!(
            said.ends_with("the file is as it was; free some space, and run regfix again"),
            "{said}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), before);
        assert_eq!(names(folder), ["a.yaml"]);
        // The copy fits, but then there is no room for the file itself to grow.
        fs::hard_link(&path, folder.join("b.yaml")).unwrap();
        let failed = write(36_000).unwrap_err();
        assert!(matches!(failed, WriteError::Failed { .. }), "{failed}");
        assert_eq!(fs::read_to_string(&path).unwrap(), before);
        assert_eq!(names(folder), ["a.yaml", "b.yaml"]);
        write(22_000).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "b".repeat(22_000));
        assert_eq!(names(folder), ["a.yaml", "b.yaml"]);
    }
}
