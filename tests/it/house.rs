//! What the sources and the dependencies must not do: start processes that nobody asked for.

use std::path::{Path, PathBuf};

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
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    // The tests of `write`, which are a file of their own, run what makes special files.
    files.retain(|file| !file.ends_with("tests.rs"));
    let starts = |file: &PathBuf| {
        let text = std::fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let mut lines = code.lines();
        lines.any(|line| line.contains("process::") && line.contains("Command"))
    };
    files.retain(starts);
    files.sort();
    let allowed = [
        "cli/policy/test/runner.rs",
        "cluster/kubectl.rs",
        "registry/client/credentials/helper.rs",
    ];
    assert_eq!(files, allowed.map(|file| root.join(file)));
}

/// Crates that start processes or open connections, and those that ask them to. Of the crates that read repositories for
/// regfix, `gix-path` alone could start something: it can ask the installed git where its settings are. All that would make
/// it do so are listed here, too.
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

/// All connections are made by one module: its limits and checks count for everything that is sent.
#[test]
fn only_one_module_connects() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let connects = |file: &PathBuf| {
        let text = std::fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let words = [
            "Agent",
            "DefaultConnector",
            "TcpStream::connect",
            "UnixStream",
            "UdpSocket",
        ];
        words.iter().any(|word| code.contains(word))
    };
    files.retain(|file| !file.ends_with("tests.rs") && connects(file));
    assert_eq!(files, [root.join("http/transport.rs")]);
}
