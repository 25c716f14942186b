//! Compares the builds of real Kustomize before and after the fixes: registries move, and nothing else changes.
//!
//! Runs on a fixed number of random trees, and on the corpus that `REGFIX_CORPUS` names. Skipped, with a message, if there
//! is no `kubectl` or no corpus.

#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rayon::prelude::*;

use crate::common::{files, fill, run, stdout};

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// The URL of a remote base in the trees; the builds find a local copy.
const REMOTE: &str = "https://git.example.com/team/base.git//config?ref=v1";

/// The number of random trees; `REGFIX_TREES` overrides it.
const TREES: u64 = 12;

/// Returns the path of `kubectl`, which contains Kustomize, if it is installed.
fn kubectl() -> Option<PathBuf> {
    let named = std::env::var_os("REGFIX_KUBECTL").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&path).map(|folder| folder.join("kubectl"));
    named.or_else(|| found.find(|path| path.is_file()))
}

/// Builds a folder; `None` if Kustomize refuses it.
fn build(kubectl: &Path, folder: &Path) -> Option<String> {
    let output = Command::new(kubectl)
        .args(["kustomize", "--load-restrictor", "LoadRestrictionsNone"])
        .arg(folder)
        .env("PATH", "/nonexistent")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    output.status.success().then_some(text)
}

/// Returns every scalar of a build with its path; legacy registries are replaced by the current ones.
fn scalars(text: &str) -> Vec<String> {
    use serde::Deserialize;
    let mut found = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let value = serde_yaml::Value::deserialize(document).unwrap();
        flatten(&value, "", &mut found);
    }
    found
}

fn flatten(value: &serde_yaml::Value, path: &str, found: &mut Vec<String>) {
    match value {
        serde_yaml::Value::Mapping(map) => {
            for (key, value) in map {
                flatten(
                    value,
                    &format!("{path}/{}", key.as_str().unwrap_or("?")),
                    found,
                );
            }
        }
        serde_yaml::Value::Sequence(list) => {
            for (index, value) in list.iter().enumerate() {
                flatten(value, &format!("{path}/{index}"), found);
            }
        }
        serde_yaml::Value::String(text) => found.push(format!("{path}: {}", moved(text))),
        other => found.push(format!("{path}: {other:?}")),
    }
}

/// The rules whose moves [`moved`] reproduces; all others are off.
const RULES: [&str; 2] = [
    "--select",
    "k8s-gcr-io,gcr-google-containers,k8s-artifacts-prod-gcr",
];

/// Moves legacy references, independently of regfix.
fn moved(text: &str) -> String {
    let start = r"(^|[^\w.\-/])";
    let places = r"(k8s\.gcr\.io|(us\.|eu\.|asia\.)?gcr\.io/google[_-]containers|(us|eu|asia)\.gcr\.io/k8s-artifacts-prod)/";
    let pattern = regex::Regex::new(&format!("{start}{places}")).unwrap();
    pattern
        .replace_all(text, "${1}registry.k8s.io/")
        .into_owned()
}

/// Returns the folders with a kustomization.
fn layers(files: &Files) -> Vec<PathBuf> {
    let names = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
    let is_layer = |path: &&PathBuf| names.iter().any(|name| path.ends_with(name));
    let folders = files.keys().filter(is_layer);
    folders
        .map(|path| path.parent().unwrap().to_owned())
        .collect()
}

/// The comparison of the builds of all layers of two trees.
struct Comparison {
    built: usize,
    /// Layers in which a registry moved.
    moved: usize,
    faults: Vec<String>,
}

type Builds = BTreeMap<PathBuf, String>;

/// Builds the layers; those that Kustomize refuses are left out.
fn builds(kubectl: &Path, folder: &Path, layers: &[PathBuf]) -> Builds {
    let built = layers
        .par_iter()
        .filter_map(|layer| Some((layer.clone(), build(kubectl, &folder.join(layer))?)));
    built.collect()
}

fn compare(kubectl: &Path, before: &Builds, after: &Path) -> Comparison {
    let mut comparison = Comparison {
        built: before.len(),
        moved: 0,
        faults: Vec::new(),
    };
    let layers: Vec<PathBuf> = before.keys().cloned().collect();
    let mut after = builds(kubectl, after, &layers);
    for (layer, was) in before {
        let Some(is) = after.remove(layer) else {
            let fault = format!("{}: is not built any more", layer.display());
            comparison.faults.push(fault);
            continue;
        };
        comparison.moved += usize::from(*was != is);
        let (was, is) = (scalars(was), scalars(&is));
        let differences = was.iter().zip(&is).filter(|(was, is)| was != is);
        for (was, is) in differences {
            let fault = format!("{}: {was} became {is}", layer.display());
            comparison.faults.push(fault);
        }
        if was.len() != is.len() {
            let fault = format!("{}: another number of fields", layer.display());
            comparison.faults.push(fault);
        }
    }
    comparison
}

#[test]
fn random_trees_are_built_as_before() {
    let Some(kubectl) = kubectl() else {
        println!("skipped: there is no kubectl to build with");
        return;
    };
    let (mut built, mut moved, mut half_moved) = (0, 0, 0);
    let count = std::env::var("REGFIX_TREES").map_or(TREES, |count| count.parse().unwrap());
    for seed in 0..count {
        let tree = Maker::new(seed).tree();
        let before = tempfile::tempdir().unwrap();
        fill(before.path(), &tree);
        bring_in(before.path());
        let was = builds(&kubectl, before.path(), &layers(&tree));
        bump(before.path());
        let bumped = builds(&kubectl, before.path(), &layers(&tree));
        let is_half_moved = is_half_moved(&tree);
        half_moved += u64::from(is_half_moved);
        let mut safe = None;
        for flags in [
            &["--write", "--quiet"][..],
            &["--write", "--unsafe-fixes", "--quiet"],
        ] {
            let after = tempfile::tempdir().unwrap();
            fill(after.path(), &tree);
            run(after.path(), flags);
            let again = files(after.path());
            run(after.path(), flags);
            assert_eq!(
                again,
                files(after.path()),
                "seed {seed}: a second run changes nothing"
            );
            if is_half_moved && flags.contains(&"--unsafe-fixes") {
                // The entry that was left behind selects an image again, which changes the build. That is why it needs
                // review.
                continue;
            }
            if *safe.get_or_insert_with(|| again.clone()) == again
                && flags.contains(&"--unsafe-fixes")
            {
                // The same tree as with safe fixes, which was compared already.
                continue;
            }
            bring_in(after.path());
            let mut found = compare(&kubectl, &was, after.path());
            bump(after.path());
            let later = compare(&kubectl, &bumped, after.path());
            found.faults.extend(later.faults);
            assert!(
                found.faults.is_empty(),
                "seed {seed} {flags:?}: {}\n{}",
                found.faults.join("\n"),
                shown(&tree, &again)
            );
            built += found.built;
            moved += found.moved;
        }
    }
    println!(
        "{built} builds, {moved} of them with moved registries; {half_moved} trees half moved"
    );
    assert!(half_moved < count / 2, "{half_moved} trees half moved");
    let enough = usize::try_from(count).unwrap();
    assert!(
        built > 3 * enough && moved > enough,
        "{built} builds, {moved} moved"
    );
}

/// Whether a tree has an entry with an old name although its base already has the new one.
fn is_half_moved(tree: &Files) -> bool {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), tree);
    let report = run(folder.path(), &["--format", "concise", "--verbose"]);
    stdout(&report).contains("the new name is already here")
}

/// Puts a copy of the remote base where the builds find it. It has each image only under its old name: regfix cannot know
/// whether a remote base has both names, and the entry that it adds for the local bases would also select the new one.
fn bring_in(folder: &Path) {
    for (path, bytes) in files(folder) {
        let text = String::from_utf8(bytes).unwrap();
        if text.contains(REMOTE) {
            fs::write(folder.join(path), text.replace(REMOTE, "../remote")).unwrap();
        }
    }
    let images = IMAGES
        .iter()
        .filter(|image| !image.starts_with("registry."));
    let images = images.enumerate();
    let containers = images.fold(String::new(), |mut out, (index, image)| {
        writeln!(out, "    - {{name: c{index}, image: '{image}'}}").unwrap();
        out
    });
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: remote\nspec:\n    containers:\n{containers}"
    );
    fs::create_dir_all(folder.join("remote")).unwrap();
    fs::write(
        folder.join("remote/kustomization.yaml"),
        "resources: [pod.yaml]\n",
    )
    .unwrap();
    fs::write(folder.join("remote/pod.yaml"), pod).unwrap();
}

/// Changes all tags, because an entry that stopped selecting would go unnoticed if the tags happen to agree.
fn bump(folder: &Path) {
    let tag = regex::Regex::new(r#"(newTag"?: *['"]?)([\w.-]+)"#).unwrap();
    for (path, bytes) in files(folder) {
        let text = String::from_utf8(bytes).unwrap();
        let bumped = tag.replace_all(&text, "${1}${2}-bumped");
        fs::write(folder.join(path), &*bumped).unwrap();
    }
}

/// Shows a tree before and after.
fn shown(before: &Files, after: &Files) -> String {
    let mut out = String::new();
    for (path, bytes) in before {
        let (was, is) = (
            String::from_utf8_lossy(bytes),
            String::from_utf8_lossy(&after[path]),
        );
        let now = if was == is {
            String::new()
        } else {
            format!("--- now\n{is}")
        };
        write!(out, "=== {}\n{was}{now}", path.display()).unwrap();
    }
    out
}

const IMAGES: [&str; 12] = [
    "k8s.gcr.io/pause:3.1",
    "k8s.gcr.io/pause",
    "k8s.gcr.io/pause:no-such-tag",
    "k8s.gcr.io/coredns:1.7.0",
    "k8s.gcr.io/pause@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "gcr.io/google_containers/pause:3.1",
    "gcr.io/google-containers/pause",
    "registry.k8s.io/pause:3.1",
    "registry.k8s.io/coredns:1.7.0",
    "app",
    "app:1",
    "nginx:1.25",
];

const NAMES: [&str; 12] = [
    "k8s.gcr.io/pause",
    "k8s.gcr.io/pause",
    "k8s.gcr.io/coredns",
    "gcr.io/google_containers/pause",
    "gcr.io/google-containers/pause",
    "registry.k8s.io/pause",
    "app",
    "nginx",
    "k8s.gcr.io/.*",
    ".*/pause",
    "k8s\\.gcr\\.io/(pause|coredns)",
    "k8s.gcr.io/pause|app",
];

const NEW_NAMES: [&str; 6] = [
    "k8s.gcr.io/pause",
    "k8s.gcr.io/coredns",
    "registry.k8s.io/pause",
    "mirror.example.com/pause",
    "app",
    "gcr.io/google_containers/pause",
];

const TAGS: [&str; 4] = ["'3.1'", "\"3.5\"", "v9-none", "1.7.0"];

const IGNORED: &str = " # regfix: ignore[all] not now";

/// A generator of pseudo-random trees, the same in each run.
struct Maker {
    state: u64,
    files: Files,
    pods: usize,
}

impl Maker {
    fn new(seed: u64) -> Self {
        Self {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            files: Files::new(),
            pods: 0,
        }
    }

    /// Returns a number below `limit`, by xorshift.
    fn below(&mut self, limit: usize) -> usize {
        for _ in 0..3 {
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
        }
        usize::try_from(self.state >> 33).unwrap() % limit
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<'p>(&mut self, list: &[&'p str]) -> &'p str {
        list[self.below(list.len())]
    }

    fn write(&mut self, path: &str, text: String) {
        self.files.insert(PathBuf::from(path), text.into_bytes());
    }

    fn tree(mut self) -> Files {
        let bases = 1 + self.below(2);
        for index in 0..bases {
            self.layer(&format!("base{index}"), &[], true);
        }
        let component = self.one_in(3);
        if component {
            let mut text =
                String::from("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n");
            text += &self.entries();
            self.write("part/kustomization.yaml", text);
        }
        let overlays = 1 + self.below(3);
        for index in 0..overlays {
            // The folders below, each base once.
            let below = match self.below(3) {
                0 if index > 0 => vec![format!("over{}", index - 1)],
                1 => (0..bases).map(|index| format!("base{index}")).collect(),
                _ => vec!["base0".to_owned()],
            };
            let below: Vec<&str> = below.iter().map(String::as_str).collect();
            self.layer(&format!("over{index}"), &below, false);
            if component && self.one_in(2) {
                let path = PathBuf::from(format!("over{index}/kustomization.yaml"));
                let text = self.files.get_mut(&path).unwrap();
                if !text.starts_with(b"{") {
                    text.extend(b"components: [../part]\n");
                }
            }
        }
        self.files
    }

    fn layer(&mut self, folder: &str, below: &[&str], base: bool) {
        let mut resources: Vec<String> = below.iter().map(|name| format!("../{name}")).collect();
        if base || self.one_in(3) {
            let pods = 1 + self.below(2);
            for _ in 0..pods {
                let text = self.pod();
                let name = format!("pod{}.yaml", self.pods);
                self.write(&format!("{folder}/{name}"), text);
                resources.push(name);
                self.pods += 1;
            }
        }
        // The pod of the remote base may occur only once.
        let remote = if base {
            self.one_in(6) && folder == "base0"
        } else {
            false
        };
        if remote {
            resources.push(REMOTE.to_owned());
        }
        if self.one_in(8) {
            let list = resources
                .iter()
                .map(|name| format!("\"{name}\""))
                .collect::<Vec<_>>();
            let text = format!(
                "{{\n  \"resources\": [{}]{}\n}}\n",
                list.join(", "),
                self.json_entries()
            );
            self.write(&format!("{folder}/kustomization.yaml"), text);
            return;
        }
        let mut text = String::from("resources:\n");
        for name in resources {
            writeln!(text, "- {name}").unwrap();
        }
        text += &self.entries();
        if self.one_in(3) && self.pods > 0 {
            let patches = self.patches();
            text += &patches;
        }
        if self.one_in(5) {
            text += "configMapGenerator:\n- name: made\n  behavior: create\n  options: {disableNameSuffixHash: true}\n  literals: [image=k8s.gcr.io/pause:3.1]\n";
            text = text.replace("name: made", &format!("name: made-{folder}"));
        }
        if self.one_in(6) {
            let (name, tag) = (self.pick(&NAMES), self.pick(&TAGS));
            let transformer = format!(
                "apiVersion: builtin\nkind: ImageTagTransformer\nmetadata:\n  name: late\nimageTag:\n  name: '{name}'\n  newTag: {tag}\n"
            );
            self.write(&format!("{folder}/late.yaml"), transformer);
            text += "transformers: [late.yaml]\n";
        }
        self.write(&format!("{folder}/kustomization.yaml"), text);
    }

    fn pod(&mut self) -> String {
        let mut text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: pod{}\nspec:\n  containers:\n",
            self.pods
        );
        let containers = 1 + self.below(3);
        for index in 0..containers {
            let image = self.pick(&IMAGES);
            let ignored = if self.one_in(7) { IGNORED } else { "" };
            writeln!(text, "  - name: c{index}\n    image: {image}{ignored}").unwrap();
            if self.one_in(4) {
                let image = self.pick(&IMAGES);
                writeln!(text, "    args: ['--image={image}']").unwrap();
            }
        }
        text
    }

    /// Returns a JSON patch that tests, one that replaces, or a merge patch.
    fn patches(&mut self) -> String {
        let pod = self.below(self.pods);
        let (image, other) = (self.pick(&IMAGES), self.pick(&IMAGES));
        match self.below(3) {
            0 => format!(
                "patches:\n- target: {{kind: Pod, name: pod{pod}}}\n  patch: |-\n    - op: test\n      path: /spec/containers/0/image\n      value: {image}\n    - op: replace\n      path: /spec/containers/0/image\n      value: {other}\n"
            ),
            1 => format!(
                "patches:\n- target: {{kind: Pod, name: pod{pod}}}\n  patch: '[{{\"op\": \"replace\", \"path\": \"/spec/containers/0/image\", \"value\": \"{other}\"}}]'\n"
            ),
            _ => format!(
                "patches:\n- target: {{kind: Pod}}\n  patch: |\n    apiVersion: v1\n    kind: Pod\n    metadata: {{name: any}}\n    spec:\n      containers:\n      - {{name: c0, image: '{other}'}}\n"
            ),
        }
    }

    /// Returns the keys and values of an entry.
    fn entry(&mut self) -> Vec<(&'static str, &'static str)> {
        let mut pairs = vec![("name", self.pick(&NAMES))];
        if self.one_in(3) {
            pairs.push(("newName", self.pick(&NEW_NAMES)));
        }
        match self.below(6) {
            0 if pairs.len() > 1 => {}
            1 => pairs.push((
                "digest",
                "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
            )),
            _ => pairs.push(("newTag", self.pick(&TAGS))),
        }
        if self.one_in(4) {
            pairs.reverse();
        }
        pairs
    }

    fn entries(&mut self) -> String {
        let count = self.below(4);
        if count == 0 {
            return String::new();
        }
        let mut text = String::from("images:\n");
        let dash = self.pick(&["- ", "-   ", "  - "]);
        for _ in 0..count {
            let pairs = self.entry();
            let quoted = |(key, value): &(&str, &str)| match *key {
                "newTag" => format!("{key}: {value}"),
                _ => format!("{key}: '{value}'"),
            };
            let ignored = if self.one_in(8) { IGNORED } else { "" };
            if self.one_in(3) {
                let pairs: Vec<String> = pairs.iter().map(quoted).collect();
                writeln!(text, "{dash}{{{}}}{ignored}", pairs.join(", ")).unwrap();
                continue;
            }
            for (index, pair) in pairs.iter().enumerate() {
                let lead = if index == 0 {
                    dash.to_owned()
                } else {
                    dash.replace('-', " ")
                };
                writeln!(text, "{lead}{}{ignored}", quoted(pair)).unwrap();
            }
        }
        text
    }

    fn json_entries(&mut self) -> String {
        let count = self.below(3);
        if count == 0 {
            return String::new();
        }
        let mut maps = Vec::new();
        for _ in 0..count {
            let pairs = self.entry();
            let pairs: Vec<String> = pairs
                .iter()
                .map(|(key, value)| {
                    let value = value.trim_matches(['\'', '"']).replace('\\', "\\\\");
                    format!("\"{key}\": \"{value}\"")
                })
                .collect();
            maps.push(format!("    {{{}}}", pairs.join(", ")));
        }
        format!(",\n  \"images\": [\n{}\n  ]", maps.join(",\n"))
    }
}

#[test]
fn trees_of_the_corpus_are_built_as_before() {
    let Some(corpus) = crate::corpus::corpus() else {
        return;
    };
    let Some(kubectl) = kubectl() else {
        println!("skipped: there is no kubectl");
        return;
    };
    let (mut built, mut moved, mut trees) = (0, 0, 0);
    let mut faults: Vec<String> = Vec::new();
    for entry in fs::read_dir(corpus).unwrap() {
        let before = entry.unwrap().path();
        if !before.is_dir() {
            continue;
        }
        let all = files(&before);
        let layers = layers(&all);
        if layers.is_empty() {
            continue;
        }
        trees += 1;
        let built_before = builds(&kubectl, &before, &layers);
        for flags in [
            &["--write", "--quiet"][..],
            &["--write", "--unsafe-fixes", "--quiet"],
        ] {
            let after = tempfile::tempdir().unwrap();
            fill(after.path(), &all);
            let output = run(after.path(), &[flags, &RULES].concat());
            assert!(
                matches!(output.status.code(), Some(0 | 1)),
                "{}",
                stdout(&output)
            );
            let found = compare(&kubectl, &built_before, after.path());
            let faults_here = found.faults.iter();
            faults.extend(faults_here.map(|fault| format!("{}: {fault}", before.display())));
            built += found.built;
            moved += found.moved;
        }
    }
    println!("{trees} trees, {built} builds, {moved} of them with moved registries");
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(built > 0, "no tree of the corpus could be built");
}

/// A base that has moved and an overlay that has not, as after an incomplete move.
#[test]
fn a_half_moved_tree_is_never_clean_and_its_entry_follows() {
    let files = [
        ("base/kustomization.yaml", "resources: [pod.yaml]\n"),
        (
            "base/pod.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n  - name: a\n    image: registry.k8s.io/pause:3.9\n",
        ),
        (
            "over/kustomization.yaml",
            "resources: [../base]\nimages:\n- name: k8s.gcr.io/pause\n  newTag: '3.1'\n",
        ),
    ];
    let folder = crate::common::folder(&files);
    let before = crate::common::files(folder.path());
    let output = run(
        folder.path(),
        &["--write", "--format", "concise", "--verbose"],
    );
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    assert!(stdout(&output).contains("the new name is already here"));
    // The entry selects nothing today, so the build stays as it is until somebody has reviewed the fix.
    assert_eq!(crate::common::files(folder.path()), before);
    let output = run(folder.path(), &["--write", "--unsafe-fixes"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let over = fs::read_to_string(folder.path().join("over/kustomization.yaml")).unwrap();
    assert_eq!(over, files[2].1.replace("k8s.gcr.io", "registry.k8s.io"));
    assert_eq!(run(folder.path(), &[]).status.code(), Some(0));
}
