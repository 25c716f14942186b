//! Unified diffs that `git apply` accepts.
//!
//! Compares two texts. Knows nothing of fixes, and writes no file.

use std::fmt::Write as _;
use std::path::{Component, Path};

use similar::{Algorithm, DiffOp, DiffTag, capture_diff_slices, group_diff_ops};

use crate::printable::{c_escaped, stand_in};

/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;

/// The target of a diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// For `git apply` or `patch`: lines are the same as in the file, byte for byte.
    Patch,
    /// For a terminal: characters that could control it are replaced. `git apply` would not accept such lines.
    Terminal { color: bool },
}

/// Returns the diff from `before` to `after`; empty if they are equal. `None` stands for a file that does not exist yet.
///
/// Names are relative to the same folder as `path`, so that `git apply` and `patch -p1` work from there.
pub fn unified(path: &Path, before: Option<&str>, after: &str, style: Style) -> String {
    let is_new = before.is_none();
    let before = before.unwrap_or_default();
    if before == after {
        return String::new();
    }
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let mut out = Out {
        text: String::new(),
        style,
    };
    match is_new {
        true => out.line("1", "--- /dev/null"),
        false => out.line("1", &format!("--- {}", name(b"a/", path))),
    }
    out.line("1", &format!("+++ {}", name(b"b/", path)));
    // Myers without a deadline, because the result must not depend on time; its heuristics keep it fast.
    let ops = capture_diff_slices(Algorithm::Myers, &old, &new);
    for hunk in group_diff_ops(ops, CONTEXT) {
        out.hunk(&hunk, &old, &new);
    }
    out.text
}

struct Out {
    text: String,
    style: Style,
}

impl Out {
    fn hunk(&mut self, ops: &[DiffOp], old: &[&str], new: &[&str]) {
        let (Some(first), Some(last)) = (ops.first(), ops.last()) else {
            return;
        };
        let before = range(first.old_range().start, last.old_range().end);
        let after = range(first.new_range().start, last.new_range().end);
        self.line("36", &format!("@@ -{before} +{after} @@"));
        for op in ops {
            if op.tag() == DiffTag::Equal {
                self.lines("", ' ', &old[op.old_range()]);
            } else {
                self.lines("31", '-', &old[op.old_range()]);
                self.lines("32", '+', &new[op.new_range()]);
            }
        }
    }

    fn lines(&mut self, style: &str, sign: char, lines: &[&str]) {
        for line in lines {
            let body = line.strip_suffix('\n').unwrap_or(line);
            self.line(style, &format!("{sign}{body}"));
            if body.len() == line.len() {
                self.text.push_str("\\ No newline at end of file\n");
            }
        }
    }

    /// Writes a line, with its carriage return outside of the coloured part.
    fn line(&mut self, style: &str, line: &str) {
        let (body, end) = match line.strip_suffix('\r') {
            Some(body) => (body, "\r\n"),
            None => (line, "\n"),
        };
        // Writing to a `String` cannot fail.
        let _ = match (self.style, style) {
            (Style::Patch, _) => writeln!(self.text, "{line}"),
            (Style::Terminal { color: true }, style) if !style.is_empty() => {
                write!(self.text, "\x1b[{style}m{}\x1b[0m{end}", tame(body))
            }
            (Style::Terminal { .. }, _) => write!(self.text, "{}{end}", tame(body)),
        };
    }
}

/// Returns a range of lines as a hunk header writes it.
fn range(start: usize, end: usize) -> String {
    match end - start {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        len => format!("{},{len}", start + 1),
    }
}

/// Returns a name as git writes it: quoted if it has anything but printable ASCII, or a quote or backslash, and with a tab
/// after it if it has a space.
fn name(prefix: &[u8], path: &Path) -> String {
    let steps = path.components().filter_map(|component| match component {
        Component::Normal(step) => Some(step.as_encoded_bytes()),
        Component::ParentDir => Some(b"..".as_slice()),
        Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
    });
    let steps: Vec<&[u8]> = steps.collect();
    let whole = [prefix, &steps.join(&b'/')].concat();
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    let mut name = match whole.iter().all(plain) {
        true => String::from_utf8_lossy(&whole).into_owned(),
        false => format!(
            "\"{}\"",
            whole
                .iter()
                .map(|byte| c_escaped(*byte))
                .collect::<String>()
        ),
    };
    if whole.contains(&b' ') {
        name.push('\t');
    }
    name
}

/// Replaces characters that could control the terminal.
fn tame(text: &str) -> String {
    let shown = |char: char| match char {
        '\t' => char,
        _ => stand_in(char).unwrap_or(char),
    };
    text.chars().map(shown).collect()
}

/// Asserts that a generated file of the project is up to date, or writes it if `UPDATE` is set, as by `cargo xtask regenerate`.
#[cfg(test)]
pub(crate) fn assert_stored(path: &str, made: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, made).unwrap();
    }
    let stored = std::fs::read_to_string(&file).unwrap_or_default();
    let changes = unified(Path::new(path), Some(&stored), made, Style::Patch);
    assert!(
        stored == made,
        "{path} is not what is made now; `cargo xtask regenerate` writes it:\n{changes}"
    );
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::process::Command;
    use std::time::Instant;

    use super::*;

    fn git(folder: &Path, arguments: &[&str]) {
        let ran = Command::new("git")
            .args(["-c", "core.autocrlf=false", "-c", "core.quotePath=true"])
            .args(arguments)
            .current_dir(folder)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "git {arguments:?}: {said}");
    }

    /// Lets git apply the diff, in a repository or in a folder of one.
    #[track_caller]
    fn applies(name: &str, before: &str, after: &str) -> String {
        let repository = tempfile::tempdir().unwrap();
        git(repository.path(), &["init", "-q"]);
        let patch = unified(Path::new(name), Some(before), after, Style::Patch);
        for folder in ["", "sub/folder"] {
            let root = repository.path().join(folder);
            let file = root.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, before).unwrap();
            git(repository.path(), &["add", "-A"]);
            fs::write(repository.path().join("patch"), &patch).unwrap();
            let at = repository.path().join("patch");
            git(&root, &["apply", "--index", at.to_str().unwrap()]);
            assert_eq!(fs::read_to_string(&file).unwrap(), after, "{patch}");
        }
        patch
    }

    #[test]
    fn git_applies_changes_of_all_sorts() {
        let cases = [
            ("a: 1\nb: 2\n", "a: 1\nb: 3\n"),
            ("a: 1\r\nb: 2\r\nc: 3\r\n", "a: 1\r\nb: 3\r\nc: 3\r\n"),
            ("a: 1\nb: 2", "a: 1\nb: 3"),
            ("a: 1\nb: 2", "a: 2\nb: 2"),
            ("a: 1\nb: 2\n", "a: 1\nb: 2"),
            ("a: 1\nb: 2", "a: 1\nb: 2\n"),
            ("a: 1\r", "a: 2\r"),
            ("a: 1\rb: 2\n", "a: 1\rb: 3\n"),
            ("\u{feff}ä: 1\n", "\u{feff}ä: 2\n"),
            ("a: 1\n", "a: 1\nb: 2\n"),
            ("a: 1\nb: 2\n", "b: 2\n"),
            ("", "a: 1\n"),
            ("\n\n", "\n"),
        ];
        for (before, after) in cases {
            applies("values.yaml", before, after);
        }
    }

    #[test]
    fn git_finds_files_with_odd_names() {
        let names = [
            "charts/änderung 雪.yaml",
            "with blank.yaml",
            "a/with  blanks /b.yaml",
            "quote\".yaml",
            "back\\slash.yaml",
            "tab\tand\nline\x07\x7f.yaml",
            "./here/./deploy.yaml",
            "b/a/b.yaml",
            "2020-01-01 10:00:00.yaml",
        ];
        for name in names {
            applies(name, "a: 1\n", "a: 2\n");
        }
    }

    #[test]
    fn git_applies_several_hunks() {
        let line = |index: usize| format!("key{index}: {}\n", index % 7);
        let before: String = (0..500).map(line).collect();
        let changed = |index: usize| match index % 50 {
            3 => String::new(),
            20 => format!("new: x\n{}", line(index)),
            40 => "other: y\n".to_owned(),
            _ => line(index),
        };
        let after: String = (0..500).map(changed).collect();
        let patch = applies("a.yaml", &before, &after);
        assert_eq!(patch.matches("\n@@ ").count(), 30);
    }

    #[test]
    fn reads_as_git_writes_it() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9";
        let after = before.replace('5', "five").replace('9', "nine");
        let expected = "\
--- a/x y\t
+++ b/x y\t
@@ -2,8 +2,8 @@
 2
 3
 4
-5
+five
 6
 7
 8
-9
\\ No newline at end of file
+nine
\\ No newline at end of file
";
        assert_eq!(
            unified(Path::new("./x y"), Some(before), &after, Style::Patch),
            expected
        );
        assert_eq!(
            unified(Path::new("x"), Some(before), before, Style::Patch),
            ""
        );
        let made = unified(Path::new("x"), None, "a\n", Style::Patch);
        assert_eq!(made, "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n");
        let one = unified(Path::new("x"), Some("a\n"), "b\n", Style::Patch);
        assert!(one.contains("\n@@ -1 +1 @@\n"), "{one}");
    }

    #[test]
    fn names_are_those_of_git() {
        let name = |path: &str| name(b"a/", &PathBuf::from(path));
        assert_eq!(name("./././b//./a.yaml"), "a/b/a.yaml");
        assert_eq!(name("/srv/a.yaml"), "a/srv/a.yaml");
        assert_eq!(name("ä b"), "\"a/\\303\\244 b\"\t");
        assert_eq!(name("\t\"\\\x01"), "\"a/\\t\\\"\\\\\\001\"");
    }

    #[test]
    fn colour_marks_lines_and_keeps_controls_from_the_terminal() {
        let before = "keep\x1b[2J\r\nold\r\n";
        let after = "keep\x1b[2J\r\nnew\r\n";
        let expected = "\x1b[1m--- a/x\x1b[0m\n\x1b[1m+++ b/x\x1b[0m\n\x1b[36m@@ -1,2 +1,2 @@\x1b[0m\n keep␛[2J\r\n\
                        \x1b[31m-old\x1b[0m\r\n\x1b[32m+new\x1b[0m\r\n";
        assert_eq!(
            unified(
                Path::new("x"),
                Some(before),
                after,
                Style::Terminal { color: true }
            ),
            expected
        );
    }

    #[test]
    fn a_large_file_takes_no_time() {
        let line = |index: usize| format!("        value: {}\n", index % 40);
        let before: String = (0..60_000).map(line).collect();
        let changed = |index: usize| match index % 12 {
            5 => "        image: registry.k8s.io/pause:3.9\n".to_owned(),
            _ => line(index),
        };
        let after: String = (0..60_000).map(changed).collect();
        let began = Instant::now();
        let patch = unified(Path::new("a.yaml"), Some(&before), &after, Style::Patch);
        assert_eq!(patch.matches("\n+ ").count(), 5_000);
        assert!(began.elapsed().as_secs() < 5, "took {:?}", began.elapsed());
    }
}
