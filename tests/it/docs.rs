//! Checks README and docs against the code: rules, flags, the first commands, the tour.
//!
//! `cargo xtask regenerate` writes the tables.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{files, fill, outdated, pipe, root, run, stdout};
use regfix::artifact::Artifact;
use regfix::file_type;
use regfix::report::FORMATS;
use regfix::rules::{Rule, catalogue};
use regfix::source;
use regfix::walk;

const TABLE: (&str, &str) = ("<!-- rules -->\n", "<!-- /rules -->\n");
/// Registries that have a row each.
const HOSTS: [&str; 4] = ["docker.io", "gcr.io", "k8s.gcr.io", "quay.io"];
/// The day of the catalogue; severities change with dates.
const DAY: &str = "2026-11-21";
const COMMANDS: [&str; 2] = [
    "\ncargo run --release --locked -- fixtures/tour\n",
    "\ncargo test --locked\n",
];

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Returns the paths of the pages for users.
fn documents() -> Vec<String> {
    let names = fs::read_dir(root().join("docs")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let manual = names.filter(|name| name.ends_with(".md"));
    let manual = manual.map(|name| format!("docs/{name}"));
    let all = manual.chain(["README.md", "CHANGELOG.md"].map(str::to_owned));
    all.collect()
}

/// Returns the text between two markers.
fn between<'t>(text: &'t str, (start, end): (&str, &str)) -> &'t str {
    let (_, rest) = text.split_once(start).unwrap();
    rest.split_once(end).unwrap().0
}

fn table() -> String {
    let mut table = String::from(
        "| rule | old location → new location | safety | severity |\n|---|---|---|---|\n",
    );
    for spec in catalogue().rules {
        let rule = Rule::new(spec).unwrap();
        let gated = if rule.is_gated() { "*" } else { "" };
        let (id, safety, severity) = (&rule.id, rule.safety.name(), rule.severity.name());
        let grown = rule.dates().iter().filter_map(|date| {
            let severity = date.severity?.name();
            Some(format!(", {severity} from {}", date.when))
        });
        let grown: String = grown.collect();
        let places = places(&rule);
        table += &format!(
            "| [`{id}`](rules/{id}.md) | {places} | {safety}{gated} | {severity}{grown} |\n"
        );
    }
    table
}

/// Describes the first location of a rule and its target, and counts the other locations.
fn places(rule: &Rule) -> String {
    let first = &rule.mappings()[0];
    let more = match rule.mappings().len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let to = first.to.as_ref().map(|to| format!(" → `{to}`"));
    format!("`{}`{more}{}", first.from.as_str(), to.unwrap_or_default())
}

/// Returns all `--words` of a text.
fn flags(text: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_lowercase() || letter == '-';
    let words = text.split(|letter: char| !is_part(letter));
    let flags = words.filter(|word| word.starts_with("--") && !word.ends_with('-'));
    flags.map(str::to_owned).collect()
}

/// Returns the `--words` in our prose and examples, without those of other programs.
fn named(text: &str) -> BTreeSet<String> {
    let others = [
        "docker run ",
        "kubectl krew ",
        "kubectl get ",
        "kubectl create ",
        "helm install ",
        "gh ",
        "code ",
    ];
    let is_ours = |line: &&str| {
        !line.contains("cargo ")
            && !others
                .iter()
                .any(|program| line.trim_start_matches([' ', '`']).starts_with(program))
    };
    let ours = text.lines().filter(is_ours);
    ours.flat_map(flags).collect()
}

fn help() -> BTreeSet<String> {
    let commands = [
        &["--help"][..],
        &["images", "--help"],
        &["tags", "--help"],
        &["merge", "--help"],
        &["mirror", "--help"],
        &["hosts", "--help"],
        &["cluster", "--help"],
        &["exporter", "--help"],
        &["lsp", "--help"],
        &["policy", "--help"],
        &["rules", "--help"],
        &["explain", "--help"],
        &["completions", "--help"],
        &["man", "--help"],
    ];
    let helps = commands.map(|arguments| stdout(&run(root(), arguments)));
    helps.iter().flat_map(|help| flags(help)).collect()
}

/// Returns the row of the overview for a rule: the host of its first location, or the kind of artifact.
fn group(rule: &Rule) -> String {
    let host = rule.mappings()[0].from.as_str().split('/').next().unwrap();
    match rule.artifact {
        Artifact::Image if HOSTS.contains(&host) => format!("`{host}`"),
        Artifact::Image => "other registries".to_owned(),
        Artifact::Chart | Artifact::ChartRepository => "chart repositories".to_owned(),
        Artifact::Url => "package repositories and other URLs".to_owned(),
    }
}

/// Lists the rules by row, the rows with the most rules first.
fn overview() -> String {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for spec in catalogue().rules {
        let rule = Rule::new(spec).unwrap();
        let ids = groups.entry(group(&rule)).or_default();
        ids.push(format!("`{}`", rule.id));
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, ids)| std::cmp::Reverse(ids.len()));
    let mut table = String::from("| old location | rules | such as |\n|---|--:|---|\n");
    for (group, ids) in groups {
        let few = &ids[..ids.len().min(4)];
        table += &format!("| {group} | {} | {} |\n", ids.len(), few.join(", "));
    }
    table
}

/// Asserts that the text between two markers of a page is current, or writes it if `UPDATE` is set.
fn holds(path: &str, markers: (&str, &str), table: &str) {
    let page = read(path);
    let stored = between(&page, markers);
    if std::env::var_os("UPDATE").is_some() {
        let (start, end) = markers;
        let old = format!("{start}{stored}{end}");
        let new = format!("{start}{table}{end}");
        fs::write(root().join(path), page.replace(&old, &new)).unwrap();
    } else {
        assert!(stored == table, "{}", outdated(path, stored, table));
    }
}

#[test]
fn the_tables_of_rules_are_the_catalogue() {
    holds("docs/rules.md", TABLE, &table());
    holds("README.md", TABLE, &overview());
}

#[test]
fn the_page_of_file_types_is_the_table() {
    let markers = ("<!-- file-types -->\n", "<!-- /file-types -->\n");
    holds("docs/file-types.md", markers, &file_type::table());
}

#[test]
fn the_table_of_formats_is_the_formats() {
    let markers = ("<!-- formats -->\n", "<!-- /formats -->\n");
    let mut table = String::from("| format | what it is | notes |\n|---|---|---|\n");
    for format in FORMATS {
        table += &format!(
            "| `{}` | {} | {} |\n",
            format.name, format.about, format.notes
        );
    }
    holds("docs/reports.md", markers, &table);
}

#[test]
fn the_manual_names_what_is_left_out_by_default() {
    let named = |names: &[&str]| {
        let names = names.iter().map(|name| format!("`{name}`"));
        names.collect::<Vec<_>>().join(", ")
    };
    let (stores, caches) = (named(&source::STORES), named(&walk::CACHES));
    let markers = ("<!-- left-out -->\n", "<!-- /left-out -->\n");
    holds(
        "docs/file-types.md",
        markers,
        &format!("  {stores}; {caches}\n"),
    );
}

#[test]
fn the_hooks_ask_for_all_file_types() {
    let indented: Vec<String> = file_type::hook_pattern()
        .lines()
        .map(|line| format!("    {line}\n"))
        .collect();
    let wanted = indented.concat();
    for path in [
        ".pre-commit-hooks.yaml",
        "packaging/pre-commit-mirror/.pre-commit-hooks.yaml",
    ] {
        let hooks = read(path);
        let parts: Vec<&str> = hooks.split("  files: |-\n").collect();
        let stored = parts[1..].iter().map(|part| {
            let end = part.find("  require_serial").unwrap();
            &part[..end]
        });
        let stored: Vec<&str> = stored.collect();
        assert!(stored.len() > 1);
        if std::env::var_os("UPDATE").is_some() {
            let new = stored
                .iter()
                .fold(hooks.clone(), |text, old| text.replace(old, &wanted));
            fs::write(root().join(path), new).unwrap();
            continue;
        }
        for stored in stored {
            assert!(stored == wanted, "{}", outdated(path, stored, &wanted));
        }
    }
}

/// Each channel in the table of the manual exists under the name given there.
#[test]
fn the_channels_to_install_by_are_true() {
    let (table, manifest) = (read("docs/install.md"), read("Cargo.toml"));
    let version = env!("CARGO_PKG_VERSION");
    let archive = format!("regfix-v{version}-TARGET.tar.gz");
    assert!(table.contains(&archive), "no {archive}");
    let packed = read("packaging/pack.sh");
    assert!(packed.contains("archive=regfix-v$version-$target.tar.gz"));
    let url = between(&manifest, ("pkg-url = \"", "\""));
    let file = url.rsplit('/').next().unwrap();
    let file = file
        .replace("{ version }", version)
        .replace("{ target }", "TARGET");
    assert_eq!(file, archive);
    let rust = between(&manifest, ("rust-version = \"", "\""));
    assert!(table.contains(&format!("| Rust {rust} |")), "Rust {rust}");
    assert!(read("README.md").contains(&format!("Rust {rust} or newer")));
    let hooks = read(".pre-commit-hooks.yaml");
    for hook in hooks.lines().filter_map(|line| line.strip_prefix("- id: ")) {
        assert!(table.contains(&format!("`{hook}`")), "no hook {hook}");
        assert!(read("docs/ci.md").contains(&format!("`{hook}`")), "{hook}");
    }
    let mirror = read("packaging/pre-commit-mirror/pyproject.toml");
    assert!(mirror.contains(&format!("regfix=={version}")));
    let release = read(".github/workflows/release.yml");
    for job in ["binaries", "wheels", "pypi", "image"] {
        assert!(release.contains(&format!("\n  {job}:\n")), "no job {job}");
    }
    let targets = release.matches("- {target: ").count();
    let systems = ["linux-gnu", "linux-musl", "apple-darwin", "windows-msvc"];
    let each = systems.iter().flat_map(|system| {
        ["x86_64", "aarch64"]
            .map(|processor| format!("target: {processor}-"))
            .into_iter()
            .map(move |start| (start, system))
    });
    for (start, system) in each {
        let mut lines = release.lines();
        let found = lines.any(|line| line.contains(&start) && line.contains(system));
        assert!(found, "no archive for {start}{system}");
    }
    assert_eq!(targets, 16, "an archive and a wheel for each");
}

#[test]
fn flags_that_are_named_exist_and_those_that_exist_are_named() {
    let exist = help();
    assert!(exist.contains("--unsafe-fixes") && exist.contains("--unique"));
    let mut all = BTreeSet::new();
    let others = [".pre-commit-hooks.yaml", "action.yml"].map(str::to_owned);
    for path in documents().into_iter().chain(others) {
        let named = named(&read(&path));
        let unknown: Vec<_> = named.difference(&exist).collect();
        assert!(unknown.is_empty(), "{path} names {unknown:?}");
        all.extend(named);
    }
    let usual = ["--help", "--version"].map(str::to_owned);
    all.extend(usual);
    let unnamed: Vec<_> = exist.difference(&all).collect();
    assert!(unnamed.is_empty(), "no document names {unnamed:?}");
}

#[test]
fn the_readme_starts_with_the_two_commands() {
    let readme = read("README.md");
    for command in COMMANDS {
        assert!(readme.contains(command), "{command}");
    }
    assert!(readme.lines().count() < 300, "the README is too long");
}

#[test]
fn what_the_documents_link_to_is_there() {
    for path in documents() {
        let folder = Path::new(&path).parent().unwrap();
        let text = read(&path);
        for link in text.split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap();
            let there = target.starts_with("https://") || root().join(folder).join(target).exists();
            assert!(there, "{path} links to {target}");
        }
    }
}

#[test]
fn the_changelog_has_a_section_for_this_version() {
    let heading = format!("\n## {} ", env!("CARGO_PKG_VERSION"));
    assert!(read("CHANGELOG.md").contains(&heading), "no{heading}");
}

#[test]
fn the_picture_in_the_readme_is_of_the_tour() {
    let output = run(
        root(),
        &["fixtures/tour", "--color", "never", "--as-of", DAY],
    );
    assert_eq!(output.status.code(), Some(1));
    let reported = without_time(&stdout(&output));
    let readme = without_time(&read("README.md"));
    let picture = between(&readme, ("<!-- tour -->\n```text\n", "```\n"));
    // The picture starts and ends as the output does.
    let parts: Vec<&str> = picture.split("...\n").collect();
    let (first, last) = (parts[0], parts[parts.len() - 1]);
    assert!(reported.starts_with(first), "{reported}");
    assert!(reported.ends_with(last), "{reported}");
    for part in parts {
        assert!(
            !part.is_empty() && reported.contains(part),
            "{part}\n{reported}"
        );
    }
}

#[test]
fn the_diff_in_the_readme_is_of_the_kustomizations() {
    let output = run(&root().join("fixtures/kustomize-tree/in"), &["--diff"]);
    let readme = read("README.md");
    let shown = between(&readme, ("<!-- kustomize -->\n```diff\n", "```\n"));
    assert_eq!(shown, stdout(&output));
}

/// Removes the time, such as ` (5 ms)`, from the closing line.
fn without_time(text: &str) -> String {
    let lines = text.lines().map(|line| match line.rsplit_once(" (") {
        Some((counts, time)) if time.ends_with("s).") => format!("{counts}.\n"),
        _ => format!("{line}\n"),
    });
    lines.collect()
}

#[test]
fn the_diff_of_the_tour_applies_and_is_what_write_does() {
    let tour: BTreeMap<PathBuf, Vec<u8>> = files(&root().join("fixtures/tour"));
    let [diffed, written] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    fill(diffed.path(), &tour);
    fill(written.path(), &tour);
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(diffed.path()).env_remove("GIT_DIR");
        let status = command.args(arguments).status().unwrap();
        assert!(status.success(), "git {arguments:?}");
    };
    for flags in [&["--no-config"][..], &["--no-config", "--unsafe-fixes"]] {
        let preview = run(diffed.path(), &[flags, &["--diff"]].concat());
        assert_eq!(preview.status.code(), Some(1));
        fs::write(diffed.path().join("tour.diff"), &preview.stdout).unwrap();
        git(&["apply", "--check", "tour.diff"]);
        git(&["apply", "tour.diff"]);
        fs::remove_file(diffed.path().join("tour.diff")).unwrap();
        run(written.path(), &[flags, &["--write", "--quiet"]].concat());
        let [diffed, written] = [diffed.path(), written.path()].map(files);
        assert_ne!(diffed, tour);
        assert_eq!(diffed, written);
    }
    let left = run(written.path(), &["--no-config"]);
    assert_eq!(left.status.code(), Some(0), "{}", stdout(&left));
}

#[test]
fn pipes_work_as_the_readme_says() {
    let manifest = b"image: k8s.gcr.io/pause:3.9\n";
    let fixed = pipe(root(), &["--write", "-"], manifest);
    assert_eq!(stdout(&fixed), "image: registry.k8s.io/pause:3.9\n");
    let pods = br#"{"kind": "List", "items": [{"spec": {"containers": [{"image": "k8s.gcr.io/pause:3.9"}]}}]}"#;
    let found = pipe(root(), &["-", "--format", "concise"], pods);
    assert_eq!(found.status.code(), Some(1));
    assert!(stdout(&found).starts_with("<stdin>:1:64: warning k8s-gcr-io "));
}

#[test]
fn the_action_has_the_inputs_and_outputs_that_are_described() {
    let action = read("action.yml");
    let page = read("docs/ci.md");
    let (_, rest) = action.split_once("\ninputs:\n").unwrap();
    let (inputs, rest) = rest.split_once("\noutputs:\n").unwrap();
    let (outputs, steps) = rest.split_once("\nruns:\n").unwrap();
    let names = |text: &str| {
        let lines = text.lines().filter_map(|line| line.strip_prefix("  "));
        let keys = lines.filter(|line| !line.starts_with(' '));
        let names = keys.filter_map(|line| line.strip_suffix(':').map(str::to_owned));
        names.collect::<Vec<_>>()
    };
    let rows = |heading: &str| {
        let (_, rest) = page.split_once(heading).unwrap();
        let rows = rest
            .lines()
            .skip(2)
            .take_while(|line| line.starts_with('|'));
        let names = rows.map(|row| row.split('`').nth(1).unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(inputs), rows("\n| input |"));
    assert_eq!(names(outputs), rows("\n| output |"));
    // The steps pass exactly the variables that the scripts read.
    let scripts = read("action/install.sh") + &read("action/run.sh");
    let words = |text: &str| -> BTreeSet<String> {
        let is_part = |letter: char| letter.is_ascii_uppercase() || letter == '_';
        let words = text.split(|letter: char| !is_part(letter));
        let ours = words.filter(|word| word.starts_with("REGFIX"));
        ours.map(str::to_owned).collect()
    };
    assert_eq!(words(steps), words(&scripts));
    for input in names(inputs) {
        assert!(
            steps.contains(&format!("${{{{ inputs.{input} }}}}")),
            "{input} is not used"
        );
    }
}

/// A promise counts only if a test checks it.
#[test]
fn each_promise_names_tests_that_exist() {
    let text = read("SECURITY.md");
    let (_, promises) = text.split_once("|---|---|\n").unwrap();
    let mut rows = 0;
    for row in promises.lines().take_while(|line| line.starts_with('|')) {
        let (_, named) = row.trim_end_matches(['|', ' ']).rsplit_once('|').unwrap();
        let names: Vec<&str> = named.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{row}");
        for name in names {
            let (module, test) = name.rsplit_once("::").unwrap();
            let source = read(&format!("tests/it/{}.rs", module.replace("::", "/")));
            let is_there = source.contains(&format!("#[test]\nfn {test}() {{"));
            assert!(
                is_there,
                "SECURITY.md names {name}, and there is no such test"
            );
        }
        rows += 1;
    }
    assert!(rows >= 10, "{rows}");
}
