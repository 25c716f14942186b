//! Properties of a run over any tree of files: a chart and a kustomization, with mutations chosen by bytes.
//!
//! Shared by the property test and the fuzz target `trees`. Runs in the same process, in a temporary folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use regfix::config::{Config, Found};
use regfix::edit::Applicability;
use regfix::report::{self, PathBase, RenderOptions};
use regfix::rules::{RuleSet, Severity};
use regfix::run::{self, Baselines, Mode, Options, RunOutcome, Settings, Source};
use regfix::source::Span;
use regfix::syntax::yaml;
use regfix::walk;
use regfix::walk::Overlay;
use serde_json::Value;

pub(crate) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A chart with a subchart, and a kustomization with a base, overlays and a component.
const SEED: [(&str, &str); 15] = [
    (
        "chart/Chart.yaml",
        "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n- name: part\n  version: 1.0.0\n  alias: piece\n  condition: piece.enabled\n- name: other\n  version: 1.0.0\n",
    ),
    (
        "chart/values.yaml",
        "image:\n  registry: k8s.gcr.io\n  repository: pause\n  tag: '3.1'\nglobal:\n  imageRegistry: \"\"\npiece:\n  enabled: true\n  image: {tag: v1.8.0}\nlist: [k8s.gcr.io/pause:3.1, nginx]\n",
    ),
    (
        "chart/templates/pod.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Release.Name }}\nspec:\n  containers:\n  - name: a\n    image: \"{{ .Values.image.registry }}/{{ .Values.image.repository }}:{{ .Values.image.tag }}\"\n  - name: b\n    image: k8s.gcr.io/pause:3.1\n",
    ),
    (
        "chart/templates/_helpers.tpl",
        "{{- define \"app.image\" -}}\n{{ default \"k8s.gcr.io/pause\" .Values.other.image }}\n{{- end -}}\n",
    ),
    (
        "chart/charts/part/Chart.yaml",
        "apiVersion: v2\nname: part\nversion: 1.0.0\n",
    ),
    (
        "chart/charts/part/values.yaml",
        "image:\n  repository: k8s.gcr.io/coredns/coredns\n  tag: v1.8.0\nsidecar: &s\n  image: k8s.gcr.io/pause:3.1\ncopy: *s\n",
    ),
    (
        "chart/charts/other/Chart.yaml",
        "apiVersion: v2\nname: other\nversion: 1.0.0\n",
    ),
    (
        "chart/charts/other/values.yaml",
        "image: gcr.io/google_containers/pause:3.1\n",
    ),
    (
        "base/kustomization.yaml",
        "resources:\n- pod.yaml\nimages:\n- name: k8s.gcr.io/etcd\n  newTag: 3.5.0-0\n",
    ),
    (
        "base/pod.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: base\nspec:\n  containers:\n  - name: a\n    image: k8s.gcr.io/pause:3.1\n  - name: b\n    image: registry.k8s.io/pause:3.9 # moved\n  - {name: c, image: 'k8s.gcr.io/etcd:3.4.0'}\n",
    ),
    (
        "over/kustomization.yaml",
        "resources: [../base]\ncomponents:\n- ../part\nimages:\n- name: k8s.gcr.io/pause\n  newTag: '3.5'\n- {name: 'k8s\\.gcr\\.io/etcd', newName: mirror.example.com/etcd}\npatches:\n- target: {kind: Pod}\n  patch: |-\n    - op: test\n      path: /spec/containers/0/image\n      value: k8s.gcr.io/pause:3.5\n",
    ),
    (
        "other/kustomization.yml",
        "{\n  \"resources\": [\"../base\", \"config.yaml\"],\n  \"images\": [\n    {\"name\": \"k8s.gcr.io/pause\", \"newTag\": \"3.2\"}\n  ]\n}\n",
    ),
    (
        "other/config.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  pod.yaml: |\n    spec:\n      containers:\n      - image: k8s.gcr.io/pause:3.1\n---\nkind: Service\n",
    ),
    (
        "part/kustomization.yaml",
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nimages:\n- name: k8s.gcr.io/pause\n  newName: k8s.gcr.io/pause-amd64\n",
    ),
    (
        "flux.yaml",
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: f\nspec:\n  path: ./over\n  images:\n  - name: k8s.gcr.io/etcd\n    newTag: 3.5.1-0\n",
    ),
];

/// The texts that a mutation inserts.
const WORDS: [&str; 36] = [
    "k8s.gcr.io/pause:3.1",
    "k8s.gcr.io",
    "registry.k8s.io/pause",
    "registry.k8s.io",
    "gcr.io/google_containers",
    "quay.io/k8scsi/csi-provisioner:v1.0.0",
    "bitnami/kubectl:1.28.0",
    "docker.io/",
    "image: ",
    "images:\n",
    "- name: k8s.gcr.io/pause\n",
    "newName: registry.k8s.io/pause\n",
    "newTag: \"1\"\n",
    "digest: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
    "registry: ",
    "repository: ",
    "resources: [../over]\n",
    "&a ",
    "*a",
    "<<: *s\n",
    "'",
    "\"",
    "|\n",
    ">-\n",
    "{",
    "}",
    "[",
    "]",
    ": ",
    "---\n",
    "# regfix: ignore[all] why\n",
    "{{ .Values.image }}",
    "\r\n",
    "\t",
    "\u{feff}",
    "\\x2e",
];

/// Reads numbers from bytes; 0 after their end.
struct Numbers<'b>(std::slice::Iter<'b, u8>);

impl Numbers<'_> {
    fn below(&mut self, limit: usize) -> usize {
        let [high, low] = [self.next(), self.next()];
        (high << 8 | low) % limit.max(1)
    }

    fn next(&mut self) -> usize {
        self.0.next().map_or(0, |byte| usize::from(*byte))
    }
}

/// Returns the seed, mutated once for each six bytes.
pub(crate) fn tree(bytes: &[u8]) -> Files {
    let seed = SEED.iter();
    let seed = seed.map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec()));
    let mut files: Files = seed.collect();
    let mut numbers = Numbers(bytes.iter());
    while numbers.0.len() >= 6 {
        mutate(&mut files, &mut numbers);
    }
    files
}

fn mutate(files: &mut Files, numbers: &mut Numbers<'_>) {
    let how = numbers.next() % 10;
    let count = files.len();
    let file = numbers.next() % count;
    let (at, what) = (numbers.below(1 << 16), numbers.below(1 << 16));
    let Some(path) = files.keys().nth(file).cloned() else {
        return;
    };
    let other = files.values().nth(what % count).cloned();
    let other = other.unwrap_or_default();
    let Some(text) = files.get_mut(&path) else {
        return;
    };
    let mut lines: Vec<Vec<u8>> = text
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let line = at % lines.len().max(1);
    match how {
        0 if !lines.is_empty() => drop(lines.remove(line)),
        1 if !lines.is_empty() => lines.insert(line, lines[line].clone()),
        2 => {
            let mut others = other.split_inclusive(|byte| *byte == b'\n').cycle();
            if let Some(other) = others.nth(at % 8) {
                lines.insert(line, other.to_vec());
            }
        }
        3 if !lines.is_empty() => lines[line]
            .splice(0..0, vec![b' '; what % 4])
            .for_each(drop),
        4 if !lines.is_empty() => {
            let indent = lines[line].iter().take_while(|byte| **byte == b' ');
            let indent = indent.count().min(what % 4);
            lines[line].drain(..indent);
        }
        5 => {
            text.truncate(at % 400);
            return;
        }
        6 if count > 4 => {
            files.remove(&path);
            return;
        }
        7 => {
            let ends = std::mem::take(text).into_iter().flat_map(crlf);
            *text = ends.collect();
            return;
        }
        _ => {
            let word = WORDS[what % WORDS.len()].as_bytes();
            let at = at % (text.len() + 1);
            // The word replaces another, or is inserted.
            let is_word = |byte: &&u8| byte.is_ascii_alphanumeric() || b"./:-_".contains(byte);
            let old = match how {
                8 => text[at..].iter().take_while(is_word).count(),
                _ => 0,
            };
            text.splice(at..at + old, word.iter().copied());
            return;
        }
    }
    *text = lines.concat();
}

fn crlf(byte: u8) -> impl Iterator<Item = u8> {
    let carriage = (byte == b'\n').then_some(b'\r');
    carriage.into_iter().chain([byte])
}

/// A source of settings without any configuration, whatever the tree contains.
struct Unconfigured;

impl Source for Unconfigured {
    fn is_same_everywhere(&self) -> bool {
        true
    }

    fn config(&self, _: Option<&Found>, top: &Path, _: &Overlay) -> Result<Config, String> {
        Ok(Config::empty(top))
    }

    fn rules(&self, config: &Config) -> Result<RuleSet, String> {
        config.rules(TODAY).map(RuleSet::new)
    }
}

const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 21);

static SETTINGS: LazyLock<Settings<'static>> =
    LazyLock::new(|| Settings::new(&Unconfigured, &[], &PathBase::default(), Baselines::Unused));

/// Runs as the binary does. Returns the report, and whether the run is complete.
fn run(folder: &Path, mode: Mode, unsafe_fixes: bool, format: &str) -> (String, RunOutcome) {
    let format = report::format(format).expect("it is there");
    let options = Options {
        walk: walk::Options {
            roots: vec![folder.to_owned()],
            base: folder.to_owned(),
            hidden: true,
            ..walk::Options::default()
        },
        related: false,
        only: None,
        all_text: false,
        stdin_name: None,
        mode,
        unsafe_fixes,
        fail_on: Some(Severity::Warning),
        settings: &SETTINGS,
        registries: None,
        ignores: None,
        format,
        outputs: Vec::new(),
        shard: None,
        base: PathBase::new(folder, Some(folder)),
        as_of: TODAY,
        render_options: RenderOptions {
            terminal: false,
            color: false,
            hyperlinks: false,
            width: 120,
            limit: match unsafe_fixes {
                true => Applicability::Unsafe,
                false => Applicability::Safe,
            },
            write: mode == Mode::Write,
            verbose: false,
        },
        unread: Arc::default(),
        quiet: false,
        watched: false,
        verbose: false,
        statistics: false,
        gate: Arc::default(),
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let outcome = run::check(&options, &mut out, &mut err).expect("it writes to memory");
    (String::from_utf8_lossy(&out).into_owned(), outcome)
}

fn fill(folder: &Path, files: &Files) {
    for (path, bytes) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("it is below the folder")).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn read(folder: &Path) -> Files {
    let files = walkdir::WalkDir::new(folder).into_iter();
    let files = files.map(|entry| entry.expect("it can be read"));
    let files = files.filter(|entry| entry.file_type().is_file());
    files
        .map(|entry| {
            let path = entry.path().strip_prefix(folder).unwrap().to_owned();
            (path, fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// Creates a folder with these files, and returns its canonical path.
fn folder_of(files: &Files) -> (tempfile::TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().canonicalize().unwrap();
    fill(&folder, files);
    (place, folder)
}

/// Checks all promises on a tree. Panics with the promise that is broken.
pub(crate) fn hold(before: &Files, unsafe_fixes: bool) {
    let (_place, folder) = folder_of(before);
    let (diff, _) = run(&folder, Mode::Diff, unsafe_fixes, "concise");
    assert_eq!(read(&folder), *before, "a preview changes something");
    let (_, outcome) = run(&folder, Mode::Write, unsafe_fixes, "json");
    let after = read(&folder);
    assert_same(
        &patched(before, &diff, &folder),
        &after,
        "--diff and --write",
    );
    if outcome == RunOutcome::Failed {
        // Fixes that do not converge are not written; nothing else is promised for them.
        return;
    }
    assert_same(
        &edited(before, unsafe_fixes),
        &after,
        "the edits of the report and --write",
    );
    for (path, text) in &after {
        still_parses(path, &before[path], text);
    }
    let (again, _) = run(&folder, Mode::Write, unsafe_fixes, "json");
    assert_same(&after, &read(&folder), "a first and a second run");
    let left = fixable(&again, unsafe_fixes);
    assert!(left.is_empty(), "a second run would still fix {left:#?}");
}

fn assert_same(one: &Files, other: &Files, what: &str) {
    let paths = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(paths(one), paths(other), "{what} leave other files");
    for (path, text) in one {
        let [one, other] = [text, &other[path]].map(|text| String::from_utf8_lossy(text));
        assert!(
            one == other,
            "{what} differ in {}:\n{one}\n---\n{other}",
            path.display()
        );
    }
}

/// Returns the findings of a report that a run would fix, each with the path of its file.
fn fixable(report: &str, unsafe_fixes: bool) -> Vec<Value> {
    let report: Value = serde_json::from_str(report).expect("it is JSON");
    let files = report["files"].as_array().expect("there are files").iter();
    let findings = files.flat_map(|file| {
        let findings = file["findings"].as_array().into_iter().flatten();
        findings.map(|finding| {
            let mut finding = finding.clone();
            finding["path"] = file["path"].clone();
            finding
        })
    });
    let trusted = |finding: &Value| match finding["applicability"].as_str() {
        Some("safe") => true,
        Some("unsafe") => unsafe_fixes,
        _ => false,
    };
    findings.filter(trusted).collect()
}

/// More passes than a run makes.
const MOST_PASSES: usize = 10;

/// A span of bytes and its new text.
type Edit = (usize, usize, String);

/// Returns a tree after the edits of its report, and those of the reports that follow. Nothing else may change it.
fn edited(before: &Files, unsafe_fixes: bool) -> Files {
    let mut files = before.clone();
    for _ in 0..MOST_PASSES {
        let (_place, folder) = folder_of(&files);
        let (report, _) = run(&folder, Mode::Check, unsafe_fixes, "json");
        assert_eq!(read(&folder), files, "a check changes something");
        let mut taken: BTreeMap<PathBuf, BTreeSet<Edit>> = BTreeMap::new();
        for finding in fixable(&report, unsafe_fixes) {
            take(&edits_of(&finding, &folder), &mut taken);
        }
        if taken.is_empty() {
            break;
        }
        for (path, edits) in taken {
            let text = files.get_mut(&path).expect("it was read");
            for (start, end, new) in edits.into_iter().rev() {
                text.splice(start..end, new.into_bytes());
            }
        }
    }
    files
}

/// Returns all edits of a finding, including those in other files.
fn edits_of(finding: &Value, folder: &Path) -> Vec<(PathBuf, Edit)> {
    let lists = [&finding["edits"], &finding["elsewhere"]];
    let edits = lists.iter().filter_map(|list| list.as_array()).flatten();
    let edits = edits.map(|edit| {
        let path = edit["path"].as_str().or(finding["path"].as_str());
        let at = |key: &str| usize::try_from(edit[key].as_u64().expect("a number")).unwrap();
        let text = edit["text"].as_str().expect("a text").to_owned();
        let path = Path::new(path.expect("a path"));
        let path = path.strip_prefix(folder).unwrap_or(path).to_owned();
        (path, (at("start"), at("end"), text))
    });
    edits.collect()
}

/// Adds the edits of a finding, all or none: if one overlaps an earlier edit, they wait for the next report.
fn take(edits: &[(PathBuf, Edit)], taken: &mut BTreeMap<PathBuf, BTreeSet<Edit>>) {
    let overlaps = |one: &Edit, other: &Edit| {
        let apart = one.1 <= other.0 || other.1 <= one.0;
        one != other && (!apart || one.0 == other.0)
    };
    let is_free = |(path, edit): &(PathBuf, Edit)| {
        let taken = taken.get(path);
        !taken.is_some_and(|taken| taken.iter().any(|other| overlaps(edit, other)))
    };
    if edits.iter().all(is_free) {
        for (path, edit) in edits {
            taken.entry(path.clone()).or_default().insert(edit.clone());
        }
    }
}

/// Asserts that a file that parsed before still parses.
fn still_parses(path: &Path, was: &[u8], is: &[u8]) {
    let (Ok(was), Ok(is)) = (std::str::from_utf8(was), std::str::from_utf8(is)) else {
        return;
    };
    let faults = |text: &str| yaml::parse(text, Span::new(0, text.len())).errors;
    if faults(was).is_empty() {
        let faults = faults(is);
        let path = path.display();
        assert!(faults.is_empty(), "{path} does not parse: {faults:?}\n{is}");
    }
}

/// Returns a tree after a patch, as `patch -p1` would leave it.
fn patched(before: &Files, diff: &str, folder: &Path) -> Files {
    let mut files = before.clone();
    let mut lines = diff.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let Some(named) = line.strip_prefix("+++ b/") else {
            continue;
        };
        let full = Path::new("/").join(named.trim_end());
        let path = full
            .strip_prefix(folder)
            .unwrap_or(Path::new(named.trim_end()));
        let old = String::from_utf8(before[path].clone()).expect("it was read as text");
        let old: Vec<&str> = old.split_inclusive('\n').collect();
        let (mut new, mut at) = (Vec::new(), 0);
        while let Some(hunk) = lines.next_if(|line| line.starts_with("@@ ")) {
            let mut ranges = hunk
                .split([' ', '-', '+'])
                .filter(|range| !range.is_empty())
                .skip(1);
            let mut range = || {
                let (from, count) = ranges
                    .next()
                    .map(|one| one.split_once(',').unwrap_or((one, "1")))
                    .unwrap();
                (
                    from.parse::<usize>().unwrap(),
                    count.parse::<usize>().unwrap(),
                )
            };
            let ((from, mut left), (_, mut right)) = (range(), range());
            let from = from - usize::from(left > 0);
            new.extend(old[at..from].iter().map(|line| (*line).to_owned()));
            at = from;
            while left + right > 0 {
                let line = lines.next().expect("the hunk goes on");
                let mut body = line[1..].to_owned();
                if lines.next_if(|line| line.starts_with('\\')).is_some() {
                    body.truncate(body.len() - 1);
                }
                if !line.starts_with('+') {
                    assert_eq!(old[at], body, "the diff is of another text");
                    (at, left) = (at + 1, left - 1);
                }
                if !line.starts_with('-') {
                    new.push(body);
                    right -= 1;
                }
            }
        }
        new.extend(old[at..].iter().map(|line| (*line).to_owned()));
        files.insert(path.to_owned(), new.concat().into_bytes());
    }
    files
}
