//! The house keeps its floors: a module imports from lower floors only.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const FLOORS: &[(&str, u32)] = &[
    ("cli", 9),
    ("lsp", 8),
    ("run", 7),
    ("walk", 6),
    ("write", 6),
    ("check", 5),
    ("baseline", 6),
    ("git", 5),
    ("open", 1),
    ("progress", 6),
    ("config", 5),
    ("suppress", 5),
    ("structure", 5),
    ("report", 5),
    ("diff", 5),
    ("kind", 4),
    ("finding", 4),
    ("rewrite", 4),
    ("detect", 3),
    ("rules", 3),
    ("syntax", 2),
    ("image", 2),
    ("artifact", 2),
    ("edit", 2),
    ("version", 2),
    ("source", 1),
    ("printable", 0),
    ("encoding", 0),
    ("lib", 10),
    ("main", 10),
    ("project", 6),
    ("registry", 5),
    ("policy", 4),
    ("cluster", 6),
    ("search", 1),
    ("program", 1),
    ("http", 1),
];

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
fn imports_point_to_lower_floors() {
    let floors: BTreeMap<_, _> = FLOORS.iter().copied().collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut seen = 0;
    for file in files {
        let module = file
            .strip_prefix(&root)
            .unwrap()
            .iter()
            .next()
            .unwrap()
            .to_string_lossy();
        let module = module.trim_end_matches(".rs").to_owned();
        let floor = *floors
            .get(module.as_str())
            .unwrap_or_else(|| panic!("{module} has no floor"));
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (_, rest) in code
            .match_indices("crate::")
            .map(|(at, text)| (at, &code[at + text.len()..]))
        {
            let end = rest
                .find(|letter: char| !letter.is_alphanumeric() && letter != '_')
                .unwrap_or(rest.len());
            let used = &rest[..end];
            let Some(below) = floors.get(used) else {
                continue;
            };
            seen += 1;
            assert!(
                used == module || *below < floor,
                "{}: imports {used}",
                file.display()
            );
        }
    }
    assert!(seen > 30, "the test reads the wrong folder");
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
        "cli/policy/test.rs",
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
