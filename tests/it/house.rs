//! Limits for the sources and dependencies: no processes that nobody asked for, and no long functions or files without a
//! reason.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::layers;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn only_what_the_user_asks_for_is_started() {
    let starts = |code: &str| {
        let mut lines = code.lines();
        lines.any(|line| line.contains("process::") && line.contains("Command"))
    };
    let allowed = [
        "cli/policy/test/runner.rs",
        "cluster/kubectl.rs",
        "registry/client/credentials/helper.rs",
    ];
    assert_eq!(sources_with(starts), allowed.map(PathBuf::from));
}

/// Returns the sorted paths, relative to `src`, of the files whose code without tests satisfies `has`.
fn sources_with(has: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let found = files.iter().filter(|file| {
        let text = std::fs::read_to_string(file).unwrap();
        // The tests of `write` are in a file that starts programs to make special files.
        !file.ends_with("tests.rs") && has(text.split("#[cfg(test)]").next().unwrap())
    });
    let found = found.map(|file| file.strip_prefix(&root).unwrap().to_owned());
    let mut found: Vec<PathBuf> = found.collect();
    found.sort();
    found
}

/// Crates that start processes or open connections, and crates that make others do so. Of the crates with which regfix
/// reads repositories, only `gix-path` could start a process: it can ask the installed git for the location of its
/// settings. The crates that would make it do so are in this list too.
const NOT_DEPENDENCIES: [&str; 16] = [
    "gix",
    "gix-archive",
    "gix-attributes",
    "gix-command",
    "gix-config",
    "gix-credentials",
    "gix-diff",
    "gix-filter",
    "gix-fsck",
    "gix-negotiate",
    "gix-prompt",
    "gix-protocol",
    "gix-submodule",
    "gix-transport",
    "gix-worktree",
    "git2",
];

#[test]
fn no_dependency_starts_a_process_for_a_repository() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).unwrap();
    let names: Vec<&str> = lock
        .lines()
        .filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
        .collect();
    assert!(names.contains(&"gix-odb") && names.contains(&"gix-path"));
    let found: Vec<_> = NOT_DEPENDENCIES
        .iter()
        .filter(|name| names.contains(name))
        .collect();
    assert!(found.is_empty(), "{found:?}");
}

/// All connections are made by one module, so that its limits and checks apply to everything that is sent.
#[test]
fn only_one_module_connects() {
    let connects = |code: &str| {
        let words = [
            "Agent",
            "DefaultConnector",
            "TcpStream::connect",
            "UnixStream",
            "UdpSocket",
        ];
        words.iter().any(|word| code.contains(word))
    };
    assert_eq!(
        sources_with(connects),
        ["http/transport.rs"].map(PathBuf::from)
    );
}

/// Three modules open, list and write files, so that their limits apply to all files. Two other modules keep files that
/// they manage themselves.
#[test]
fn only_few_modules_touch_the_disk() {
    let touches = |code: &str| {
        let mut lines = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        lines.any(|line| line.contains("std::fs") || line.contains("File::open"))
    };
    let is_own = |file: &PathBuf| {
        let top = file.to_str().unwrap().split(['/', '.']).next().unwrap();
        ["open", "walk", "write"].contains(&top)
    };
    let mut files = sources_with(touches);
    files.retain(|file| !is_own(file));
    // The files for the engine of `policy test`, and the cache of answers from registries.
    let allowed = ["cli/policy/test/runner.rs", "registry/client/cache.rs"];
    assert_eq!(files, allowed.map(PathBuf::from));
}

/// The limits that need no reason. Tests are not counted.
const LONGEST_FUNCTION: usize = 60;
const LONGEST_FILE: usize = 400;

/// The entry in the table for a file that is too long as a whole.
const WHOLE_FILE: &str = "the file";

/// Returns the number of lines of a file and of each function in it. Relies on the indentation of rustfmt: an item ends in
/// the column in which it starts. Tests come last, as clippy requires.
fn sizes(text: &str) -> Vec<(&str, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let is_tests = |pair: &[&str]| {
        pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{')
    };
    let tests = lines.windows(2).position(is_tests);
    let lines = &lines[..tests.unwrap_or(lines.len())];
    let indent = |line: &str| line.len() - line.trim_start().len();
    let is_end = |start: usize, line: &str| {
        indent(line) == indent(lines[start]) && line.ends_with(['}', ';'])
    };
    let mut found = vec![(WHOLE_FILE, lines.len())];
    for (start, line) in lines.iter().enumerate() {
        let mut words = line.split_whitespace().skip_while(|word| {
            word.starts_with("pub") || word.ends_with(')') || matches!(*word, "const" | "async")
        });
        if words.next() == Some("fn") {
            let name = words.next().unwrap();
            let name = name.split(['(', '<']).next().unwrap();
            let mut rest = lines[start..].iter();
            let end = rest.position(|line| is_end(start, line)).unwrap();
            found.push((name, end + 1));
        }
    }
    found
}

#[test]
fn what_is_long_has_a_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let rows = page.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, file, what, why, _] = cells[..] else {
            return None;
        };
        let file = file.strip_prefix("`src/")?.strip_suffix('`')?;
        assert!(!why.is_empty(), "ARCHITECTURE.md: {file} has no reason");
        Some((format!("src/{file}"), what.trim_matches('`').to_owned()))
    });
    let mut reasons: BTreeSet<(String, String)> = rows.collect();
    let (mut seen, mut long) = (0, Vec::new());
    for (path, text) in layers::sources() {
        let file = path.strip_prefix(root).unwrap().to_str().unwrap();
        let file = file.replace('\\', "/");
        for (what, lines) in sizes(text) {
            seen += 1;
            let most = match what {
                WHOLE_FILE => LONGEST_FILE,
                _ => LONGEST_FUNCTION,
            };
            if lines > most && !reasons.remove(&(file.clone(), what.to_owned())) {
                long.push(format!(
                    "{file}: {what}: {lines} lines, and {most} are the most"
                ));
            }
        }
    }
    assert!(seen > 3000, "only {seen} functions were found");
    assert!(
        long.is_empty(),
        "split what is long, or say in the last table of ARCHITECTURE.md why it is one piece:\n{}",
        long.join("\n")
    );
    assert!(
        reasons.is_empty(),
        "these are not long any more: take them out of the last table of ARCHITECTURE.md: {reasons:#?}"
    );
}
