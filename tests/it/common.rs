//! Shared by the integration tests: the binary in a scrubbed environment, and folders of files.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use regfix::diff;
use regfix::report::FORMATS;

pub(crate) const LEGACY: &str = "image: k8s.gcr.io/pause:3.2\n";
pub(crate) const MOVED: &str = "image: registry.k8s.io/pause:3.2\n";

/// Returns the folder of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns a command for the binary, without environment variables of the tester that change its output.
pub(crate) fn regfix(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_regfix"));
    command.current_dir(folder).stdin(Stdio::null());
    for name in [
        "NO_COLOR",
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "FORCE_COLOR",
        "COLUMNS",
        "GIT_DIR",
        "GIT_INDEX_FILE",
        "GIT_WORK_TREE",
        "XDG_CONFIG_HOME",
        "REGFIX_CONFIG",
    ] {
        command.env_remove(name);
    }
    command.env("TERM", "xterm");
    command
}

/// Describes, as a diff, how a stored text differs from the current one, and how to update it. `path` is relative to the
/// project.
pub(crate) fn outdated(path: &str, stored: &str, made: &str) -> String {
    let changes = diff::unified(Path::new(path), Some(stored), made, diff::Style::Patch);
    format!("{path} is not what is made now; `cargo xtask regenerate` writes it:\n{changes}")
}

/// Returns the names of all formats except those left out.
pub(crate) fn formats_but(left_out: &[&str]) -> impl Iterator<Item = &'static str> {
    let names = FORMATS.iter().map(|format| format.name);
    names.filter(|name| !left_out.contains(name))
}

/// Sends a signal, such as `TERM`, through the shell, because a program `kill` may not be installed.
#[cfg(unix)]
pub(crate) fn signal(process: u32, name: &str) {
    let command = format!("kill -{name} {process}");
    let sent = Command::new("sh").args(["-c", &command]).status();
    assert!(sent.unwrap().success());
}

/// Runs work that mostly waits for the disk with more threads than there are processors.
pub(crate) fn many_at_a_time<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(8);
    threads.build().unwrap().install(work)
}

/// Runs to completion.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    regfix(folder).args(arguments).output().unwrap()
}

/// Runs with `input` on standard input.
pub(crate) fn pipe(folder: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut command = regfix(folder);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// Runs to completion. Returns the exit code, standard output and standard error.
pub(crate) fn reported(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = run(folder, arguments);
    (code(&output), stdout(&output), stderr(&output))
}

/// Asserts that a wrong call ends with exit code 2 and reports the problem.
#[track_caller]
pub(crate) fn assert_refused(output: &Output, problem: &str) {
    let said = stderr(output);
    assert_eq!(code(output), 2, "{said}");
    assert!(said.contains(problem), "no {problem}: {said}");
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Returns all files below a folder, by path.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn collect(folder: &Path, root: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, root, found);
            } else {
                found.insert(
                    path.strip_prefix(root).unwrap().to_owned(),
                    fs::read(&path).unwrap(),
                );
            }
        }
    }
    let mut found = BTreeMap::new();
    if folder.is_dir() {
        collect(folder, folder, &mut found);
    }
    found
}

/// Writes files below a folder.
pub(crate) fn fill(folder: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    for (path, bytes) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// Creates a folder with these files.
pub(crate) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let files = files.iter();
    let files = files.map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec()));
    fill(folder.path(), &files.collect());
    folder
}

/// Packs every folder whose name ends in `.tgz`, the innermost first. The same files give the same bytes.
pub(crate) fn packed(mut files: BTreeMap<PathBuf, Vec<u8>>) -> BTreeMap<PathBuf, Vec<u8>> {
    let archive_of = |path: &Path| {
        let mut folders = path.ancestors().skip(1);
        folders
            .find(|folder| folder.extension().is_some_and(|end| end == "tgz"))
            .map(Path::to_owned)
    };
    loop {
        let archives: Vec<PathBuf> = files.keys().filter_map(|path| archive_of(path)).collect();
        let deepest = archives.into_iter().max_by_key(|path| path.iter().count());
        let Some(archive) = deepest else {
            return files;
        };
        let inside = |path: &PathBuf| path.starts_with(&archive) && *path != archive;
        let paths: Vec<PathBuf> = files.keys().filter(|path| inside(path)).cloned().collect();
        let content = paths.into_iter().map(|path| {
            let name = path.strip_prefix(&archive).unwrap().to_owned();
            (name, files.remove(&path).unwrap())
        });
        let content: Vec<(PathBuf, Vec<u8>)> = content.collect();
        files.insert(archive, tgz(&content));
    }
}

/// Packs files into a gzipped tar archive.
pub(crate) fn tgz(files: &[(PathBuf, Vec<u8>)]) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut builder = tar::Builder::new(gzip);
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, path, bytes.as_slice())
            .unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}
