//! Help, documents and messages are in plain English: they avoid a few words that we once used.

use crate::common::{root, run, stdout};

/// Banned phrases, each with its replacement.
const BANNED: [(&str, &str); 21] = [
    ("told", "reported"),
    ("tell", "report, say"),
    ("tells", "reports, says"),
    ("stands", "is"),
    ("stand", "are"),
    ("mend", "fix"),
    ("anew", "again"),
    ("for ever", "always"),
    ("hint", "info"),
    ("hints", "info"),
    ("blanks", "spaces"),
    ("looked at", "checked"),
    ("looked into", "analysed"),
    ("goes together with", "belongs to"),
    ("go together", "belong together"),
    ("legacy place", "legacy location"),
    ("new place", "new location"),
    ("these places", "these locations"),
    ("is no", "is not a"),
    ("an unsafe fix", "a fix that needs review"),
    ("unsafe fix", "needs review"),
];

/// Returns the banned phrases in a text, each with its line. `there is no` is plain English.
fn banned(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        let is_part = |letter: char| letter.is_alphanumeric() || "-_".contains(letter);
        let words: Vec<String> = line
            .split(|letter: char| !is_part(letter))
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        let words = format!(" {} ", words.join(" ")).replace(" there is no ", " ");
        for (phrase, instead) in BANNED {
            if words.contains(&format!(" {phrase} ")) {
                found.push(format!("`{phrase}` ({instead}): {line}"));
            }
        }
    }
    found
}

#[track_caller]
fn check(name: &str, text: &str) {
    let found = banned(text);
    assert!(found.is_empty(), "{name}: {found:#?}");
}

fn files(folder: &str) -> impl Iterator<Item = std::path::PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().path())
}

#[test]
fn documents_are_in_plain_words() {
    let documents = files("docs").filter(|path| path.is_file());
    let others = ["README.md", "CHANGELOG.md", "action.yml"];
    let others = others.map(|name| root().join(name));
    let mut count = 0;
    for path in documents.chain(others) {
        check(
            &path.display().to_string(),
            &std::fs::read_to_string(&path).unwrap(),
        );
        count += 1;
    }
    assert!(count > 10);
}

#[test]
fn help_is_in_plain_words() {
    let manual = stdout(&run(root(), &["--help"]));
    let (_, commands) = manual.split_once("\nCommands:\n").unwrap();
    let commands = commands.lines().take_while(|line| !line.is_empty());
    let names = commands.filter_map(|line| line.strip_prefix("  ")?.split_once(' '));
    let names: Vec<&str> = names.map(|(name, _)| name).collect();
    assert!(names.contains(&"images"));
    check("--help", &manual);
    for name in names
        .into_iter()
        .filter(|name| !name.is_empty() && *name != "help")
    {
        check(name, &stdout(&run(root(), &[name, "--help"])));
    }
}

#[test]
fn messages_are_in_plain_words() {
    let reports = files("fixtures").filter_map(|folder| {
        let report = folder.join("report.txt");
        std::fs::read_to_string(&report)
            .ok()
            .map(|text| (report, text))
    });
    let mut count = 0;
    for (path, text) in reports {
        check(&path.display().to_string(), &text);
        count += 1;
    }
    assert!(count > 50);
    for arguments in [&["rules"][..], &["explain", "*"]] {
        check(arguments[0], &stdout(&run(root(), arguments)));
    }
}
