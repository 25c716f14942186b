//! Reads a repository with git: objects only, without hooks, attributes, settings that name programs, or the network.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::Fault;

/// The size limit for objects; people do not write larger texts.
const LARGEST: usize = 32 << 20;

pub struct Git {
    folder: PathBuf,
    reader: Reader,
    trees: HashMap<String, Vec<(String, Entry)>>,
}

struct Reader {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// An entry of a tree, with its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    Blob(String),
    Tree(String),
}

impl Git {
    pub fn new(folder: &Path) -> Result<Self, Fault> {
        let mut child = command(folder)
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("git: {error}"))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("git: no pipes".to_owned());
        };
        let reader = Reader {
            child,
            input,
            output: BufReader::new(output),
        };
        Ok(Self {
            folder: folder.to_owned(),
            reader,
            trees: HashMap::new(),
        })
    }

    /// Returns the output of a git command.
    pub fn run(&self, arguments: &[&str]) -> Result<String, Fault> {
        let output = command(&self.folder).args(arguments).output();
        let output = output.map_err(|error| format!("git: {error}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(format!(
                "{}: git {}: {said}",
                self.folder.display(),
                arguments[0]
            ));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Returns the id, type and bytes of an object, given by its name or as `COMMIT:PATH`. `None` if it does not exist or
    /// is too large.
    fn object(&mut self, name: &str) -> Result<Option<(String, String, Vec<u8>)>, Fault> {
        let fault = |error: std::io::Error| format!("git cat-file: {error}");
        if name.contains('\n') {
            return Ok(None);
        }
        let Reader { input, output, .. } = &mut self.reader;
        writeln!(input, "{name}").map_err(fault)?;
        input.flush().map_err(fault)?;
        let mut head = String::new();
        output.read_line(&mut head).map_err(fault)?;
        let words: Vec<&str> = head.split_whitespace().collect();
        let [id, of, size] = words.as_slice() else {
            return Ok(None);
        };
        let Ok(size) = size.parse::<usize>() else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        let kept = output.take(size as u64 + 1).read_to_end(&mut bytes);
        kept.map_err(fault)?;
        bytes.pop();
        let known = (size <= LARGEST).then(|| ((*id).to_owned(), (*of).to_owned(), bytes));
        Ok(known)
    }

    /// Returns the bytes of a file; `None` if there is no such file.
    pub fn bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        let object = self.object(name)?.filter(|(_, of, _)| of == "blob");
        Ok(object.map(|(_, _, bytes)| bytes))
    }

    /// Returns the text of a file; `None` if there is no such file or it is not UTF-8.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, Fault> {
        let bytes = self.bytes(name)?;
        Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    /// Returns the id of the tree at a path of a commit. An empty path is the root.
    pub fn tree_at(&mut self, commit: &str, path: &str) -> Result<Option<String>, Fault> {
        let name = match path.is_empty() {
            true => format!("{commit}^{{tree}}"),
            false => format!("{commit}:{path}"),
        };
        let object = self.object(&name)?.filter(|(_, of, _)| of == "tree");
        Ok(object.map(|(id, ..)| id))
    }

    /// Returns the entries of a tree, without links and submodules.
    pub fn entries(&mut self, tree: &str) -> Result<Vec<(String, Entry)>, Fault> {
        if let Some(known) = self.trees.get(tree) {
            return Ok(known.clone());
        }
        let Some((_, of, bytes)) = self.object(tree)? else {
            return Ok(Vec::new());
        };
        let entries = if of == "tree" {
            parsed(&bytes, tree.len() / 2)
        } else {
            Vec::new()
        };
        self.trees.insert(tree.to_owned(), entries.clone());
        Ok(entries)
    }
}

impl Drop for Git {
    fn drop(&mut self) {
        let _ = self.reader.child.kill();
        let _ = self.reader.child.wait();
    }
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .arg("--git-dir")
        .arg(folder)
        .args([
            "--no-pager",
            "--no-replace-objects",
            "-c",
            "core.fsmonitor=false",
            "-c",
            "core.hooksPath=/dev/null",
        ])
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_OPTIONAL_LOCKS", "0");
    command
}

/// Parses a tree as git stores it: `100644 name`, a zero byte, and the id in bytes.
fn parsed(bytes: &[u8], id_length: usize) -> Vec<(String, Entry)> {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|byte| *byte == 0) {
        let (head, after) = rest.split_at(end);
        let Some(id) = after.get(1..=id_length) else {
            break;
        };
        rest = &after[1 + id_length..];
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let head = String::from_utf8_lossy(head);
        let Some((mode, name)) = head.split_once(' ') else {
            continue;
        };
        let entry = match mode {
            "40000" => Entry::Tree(id),
            "100644" | "100755" => Entry::Blob(id),
            _ => continue,
        };
        entries.push((name.to_owned(), entry));
    }
    entries
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// The day of a commit, its tag, and the files that it writes.
    type Commit<'c> = (&'c str, Option<&'c str>, &'c [(&'c str, &'c str)]);

    /// Creates a repository with these commits, the oldest first.
    pub fn repository(commits: &[Commit<'_>]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str], date: &str| {
            let done = Command::new("git")
                .args([
                    "-c",
                    "user.name=a",
                    "-c",
                    "user.email=a@example.com",
                    "-c",
                    "commit.gpgsign=false",
                ])
                .args(arguments)
                .current_dir(folder.path())
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .env("GIT_COMMITTER_DATE", format!("{date}T12:00:00Z"))
                .env("GIT_AUTHOR_DATE", format!("{date}T12:00:00Z"))
                .output()
                .unwrap();
            assert!(done.status.success(), "{arguments:?}: {done:?}");
        };
        git(&["init", "-q", "-b", "main"], "2020-01-01");
        for (date, tag, files) in commits {
            for (path, text) in *files {
                let path = folder.path().join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
            git(&["add", "-A"], date);
            git(&["commit", "-q", "-m", "a"], date);
            if let Some(tag) = tag {
                git(&["tag", tag], date);
            }
        }
        folder
    }

    #[test]
    fn trees_and_files_are_read() {
        let folder = repository(&[("2024-01-02", None, &[("a/b.yaml", "x: 1\n"), ("c", "y")])]);
        let mut git = Git::new(&folder.path().join(".git")).unwrap();
        let tree = git.tree_at("HEAD", "").unwrap().unwrap();
        let names: Vec<String> = git
            .entries(&tree)
            .unwrap()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["a", "c"]);
        assert_eq!(
            git.text("HEAD:a/b.yaml").unwrap().as_deref(),
            Some("x: 1\n")
        );
        assert_eq!(git.text("HEAD:none").unwrap(), None);
        assert_eq!(git.text("HEAD:a").unwrap(), None);
        assert!(
            git.run(&["log", "--format=%cs"])
                .unwrap()
                .starts_with("2024-01-02")
        );
        assert!(git.run(&["show", "none"]).is_err());
    }
}
