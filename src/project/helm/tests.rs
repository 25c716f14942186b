//! Tests of findings in charts, and of effective values compared with Helm's own, on unusual nests.
//!
//! The comparison is skipped with a message if `helm` is not on the path.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::effective;
use super::load::{Chart, Loader};
use super::values::{LeafKind, Table, Value, table_at};
use super::{Charts, Vendored, chart, values};
use crate::file_type;
use crate::finding::Finding;
use crate::project::{Member, Members, PathKind, Project, Tree};
use crate::rules::RuleSet;
use crate::rules::prefilter::Prefilter;

const OVERRIDE: Vendored<'static> = Vendored {
    edit: &|_| false,
    listed: &|_| false,
};

/// A folder on disk as a tree.
struct Folder;

impl Tree for Folder {
    fn resolve(&self, folder: &Path, target: &str) -> PathBuf {
        folder.join(target)
    }
    fn place(&self, path: &Path) -> PathKind {
        match () {
            () if path.is_dir() => PathKind::Folder,
            () if path.is_file() => PathKind::File,
            () => PathKind::Missing,
        }
    }
    fn text(&self, path: &Path) -> Option<Arc<str>> {
        fs::read_to_string(path).ok().map(Arc::from)
    }
    fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        fs::read(path).ok()
    }
    fn list(&self, folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths
    }
    fn is_suspect(&self, _: &Path) -> bool {
        false
    }
    fn suspects(&self, _: &Path) -> Vec<PathBuf> {
        Vec::new()
    }
    fn beginnings(&self, _: &Path) -> Vec<PathBuf> {
        Vec::new()
    }
}

/// Pseudo-random numbers that are the same on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn pick<'p>(&mut self, words: &[&'p str]) -> &'p str {
        words[usize::try_from(self.roll(words.len() as u64)).unwrap()]
    }

    fn leaf(&mut self) -> Json {
        match self.roll(8) {
            0 => Json::Null,
            1 => json!(true),
            2 => json!(self.roll(9)),
            3 => json!(["x", self.roll(9)]),
            4 => json!({}),
            _ => json!(format!("t{}", self.roll(99))),
        }
    }

    fn table(&mut self, depth: u64) -> Json {
        let mut table = Map::new();
        for _ in 0..self.roll(4) {
            let key = self.pick(&["image", "registry", "tag", "on-call", "list"]);
            let value = match depth > 0 && self.roll(2) == 0 {
                true => self.table(depth - 1),
                false => self.leaf(),
            };
            table.insert(key.to_owned(), value);
        }
        Json::Object(table)
    }

    /// Writes a chart with its subcharts, and returns its values.
    fn chart(&mut self, folder: &Path, name: &str, depth: u64) -> Json {
        let mut values = self.table(2);
        let object = values.as_object_mut().unwrap();
        if self.roll(2) == 0 {
            let globals = json!({"registry": self.leaf(), "proxy": self.table(0)});
            object.insert("global".to_owned(), globals);
        }
        if self.roll(3) == 0 {
            object.insert("tags".to_owned(), json!({"one": self.roll(2) == 0}));
        }
        let mut exports = Map::new();
        exports.insert("data".to_owned(), json!({"image": self.table(1)}));
        object.insert("exports".to_owned(), Json::Object(exports));
        let mut dependencies = Vec::new();
        for child in ["alpha", "beta"]
            .iter()
            .take(usize::try_from(depth.min(2)).unwrap())
        {
            if self.roll(4) == 0 {
                continue;
            }
            let inner = folder.join("charts").join(child);
            let below = self.chart(&inner, child, depth - 1);
            for alias in [None, Some("gamma")] {
                if alias.is_some() && self.roll(3) > 0 {
                    continue;
                }
                let alias = alias.map(|alias| format!("{alias}{child}"));
                let key = alias.clone().unwrap_or_else(|| (*child).to_owned());
                let first = dependencies.is_empty();
                dependencies.push(self.dependency(child, alias.as_deref(), &key, first));
                self.over(object, &key, &below);
            }
        }
        let mut about = json!({"apiVersion": "v2", "name": name, "version": "1.2.3"});
        if !dependencies.is_empty() {
            about["dependencies"] = Json::Array(dependencies);
        }
        fs::create_dir_all(folder.join("templates")).unwrap();
        fs::write(folder.join("Chart.yaml"), about.to_string()).unwrap();
        fs::write(folder.join("values.yaml"), values.to_string()).unwrap();
        let template = "out: {{ .Values | toJson }}\n";
        fs::write(folder.join("templates/out.yaml"), template).unwrap();
        values
    }

    fn dependency(&mut self, name: &str, alias: Option<&str>, key: &str, first: bool) -> Json {
        let ranges = ["1.2.3", "1.x", "^1.0.0", ">=1.0.0 <2.0.0", "~1.2"];
        let mut one = json!({
            "name": name,
            "version": self.pick(&ranges),
            "repository": "https://charts.example.com",
        });
        if let Some(alias) = alias {
            one["alias"] = json!(alias);
        }
        if self.roll(3) == 0 {
            one["condition"] = json!(format!("{key}.on-call,on-call"));
        }
        if self.roll(4) == 0 {
            one["tags"] = json!(["one", "two"]);
        }
        // In Helm, two imports into one chart share tables and change each other.
        match self.roll(5) {
            _ if !first => {}
            0 => one["import-values"] = json!(["data"]),
            1 => one["import-values"] = json!([{"child": "image", "parent": "taken.over"}]),
            _ => {}
        }
        one
    }

    /// Sets values for a subchart, both ones that it has and ones that it lacks.
    fn over(&mut self, values: &mut Map<String, Json>, key: &str, below: &Json) {
        if self.roll(3) == 0 {
            return;
        }
        let mut set = self.table(2);
        let object = set.as_object_mut().unwrap();
        for (key, value) in below.as_object().unwrap() {
            match self.roll(6) {
                0 => object.insert(key.clone(), Json::Null),
                1 if value.is_object() && key != "global" => {
                    object.insert(key.clone(), self.table(1))
                }
                _ => None,
            };
        }
        if object.get("global").is_some_and(Json::is_null) {
            object.remove("global");
        }
        values.insert(key.to_owned(), set);
    }
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Leaf(leaf) => match leaf.kind {
            LeafKind::Bool(value) => json!(value),
            LeafKind::Plain => json!(leaf.text.parse::<i64>().unwrap()),
            LeafKind::Text => json!(&*leaf.text),
        },
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Table(table) => of_table(table),
    }
}

fn of_table(table: &Table) -> Json {
    let entries = table
        .iter()
        .map(|(key, value)| (key.clone(), to_json(value)));
    Json::Object(entries.collect())
}

fn ours(folder: &Path) -> Table {
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let metadata = chart::metadata(&read("Chart.yaml"), None).unwrap();
    let rules = RuleSet::new(RuleSet::with_own(&[]).unwrap());
    let prefilter = Prefilter::new(&rules, &[]).unwrap();
    let loaded = Loader::new(&Folder, &prefilter, OVERRIDE).load(folder, &metadata);
    assert!(loaded.faults.is_empty(), "{:?}", loaded.faults);
    effective::of_root(&Arc::new(Chart {
        metadata,
        values: values::read(&read("values.yaml"), 0).unwrap(),
        children: loaded.children.clone(),
        templates: Vec::new(),
        guard: Default::default(),
        of_root: false,
    }))
}

/// Returns the values of each chart that Helm renders, by the keys that lead to it.
fn helms(folder: &Path) -> Option<Vec<(Vec<String>, Json)>> {
    let output = Command::new("helm")
        .args(["template", "r", "."])
        .current_dir(folder)
        .output()
        .unwrap();
    if !output.status.success() {
        return None;
    }
    let text = String::from_utf8(output.stdout).unwrap();
    let mut found = Vec::new();
    for document in text.split("---\n").filter(|text| !text.trim().is_empty()) {
        let (source, out) = document.split_once('\n').unwrap();
        let source = source.strip_prefix("# Source: ").unwrap();
        let path = source.split("/charts/").skip(1);
        let path = path.map(|part| part.split('/').next().unwrap().to_owned());
        let out = out.trim().strip_prefix("out: ").unwrap();
        found.push((path.collect(), serde_json::from_str(out).unwrap()));
    }
    Some(found)
}

#[test]
fn effective_values_are_those_of_helm() {
    if Command::new("helm").arg("version").output().is_err() {
        println!("skipped: there is no helm on the path");
        return;
    }
    let mut compared = 0;
    for seed in 0..60 {
        let folder = tempfile::tempdir().unwrap();
        Dice(seed).chart(folder.path(), "top", 3);
        let Some(theirs) = helms(folder.path()) else {
            continue;
        };
        let root = ours(folder.path());
        for (path, values) in theirs {
            let own = table_at(&root, path.iter().map(String::as_str));
            let own = own.map(of_table).unwrap_or_default();
            assert_eq!(own, values, "seed {seed}, chart {path:?}");
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared}");
}

/// Returns the findings for the chart in a folder of these files, at the file that declares its dependencies.
fn reported(files: &[(&str, &str)]) -> (Vec<Finding>, Members) {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let rules = RuleSet::new(RuleSet::with_own(&[]).unwrap());
    let prefilter = Prefilter::new(&rules, &[]).unwrap();
    let chart = folder.path().join("Chart.yaml");
    let charts = Charts::new(
        &Folder,
        super::Files {
            projects: std::slice::from_ref(&chart),
            releases: &[],
            releases_around: &[],
            naming: &[],
        },
        Box::new(|_| None),
        &rules,
        &prefilter,
        OVERRIDE,
    );
    let mut members = Members::new();
    for path in charts.groups().into_iter().flatten() {
        let file_type = file_type::classify(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap_or_default();
        let mut member = Member::new(file_type, text.into());
        member.exists = path.exists();
        let checked = crate::check::check(&path, &member.text, file_type, &rules);
        member.findings = checked.findings.into();
        members.insert(path, member);
    }
    let plan = charts.find(&mut members);
    plan(&mut members);
    let findings = members[&chart].findings.to_vec();
    (findings, members)
}

const APP: &str = "apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies:\n- name: sub\n  version: 1.x\n  \
    repository: https://kubernetes-charts.storage.googleapis.com\n";
const SUB: &str = "name: sub\nversion: 1.0.0\n";

fn related(finding: &Finding) -> Vec<String> {
    let shown = finding.related.iter().map(|related| {
        let file = related.place.rsplit_once("/charts/").map_or_else(
            || related.place.rsplit('/').next().unwrap_or_default(),
            |(_, rest)| rest,
        );
        let line = related.position.map(|position| position.line);
        format!("{file} {line:?} {}", related.text)
    });
    shown.collect()
}

#[test]
fn origin_and_override_are_reported() {
    let (findings, _) = reported(&[
        ("Chart.yaml", APP),
        ("values.yaml", "sub:\n  image:\n    tag: v2.4.1\n"),
        ("charts/sub/Chart.yaml", SUB),
        (
            "charts/sub/values.yaml",
            "image:\n  # where it is\n  repository: k8s.gcr.io/kube-state-metrics/kube-state-metrics\n  tag: v1\n",
        ),
    ]);
    let found = findings
        .iter()
        .find(|one| one.old.starts_with("k8s"))
        .unwrap();
    assert_eq!(
        found.old,
        "k8s.gcr.io/kube-state-metrics/kube-state-metrics:v2.4.1"
    );
    assert_eq!(found.span().of(APP), "sub");
    assert_eq!(
        related(found),
        [
            "sub/values.yaml Some(3) the default",
            "values.yaml Some(2) the override goes below this key",
        ]
    );
}

#[test]
fn a_moved_repository_makes_the_lock_stale() {
    let (findings, members) =
        reported(&[("Chart.yaml", APP), ("Chart.lock", "digest: sha256:0\n")]);
    assert_eq!(
        related(&findings[0]),
        ["Chart.lock None its digest does not match after that: run `helm dependency update`"]
    );
    let problems: Vec<&str> = members
        .values()
        .flat_map(|member| &member.problems)
        .map(|problem| problem.message.as_str())
        .collect();
    let absent = "sub 1.x is not in charts/: run `helm dependency build` to check it";
    assert_eq!(problems, [absent]);
}

#[test]
fn values_that_do_not_parse_are_reported_and_left_alone() {
    let (findings, members) = reported(&[
        ("Chart.yaml", APP),
        ("values.yaml", "sub: [\n"),
        ("charts/sub/Chart.yaml", SUB),
        ("charts/sub/values.yaml", "image: k8s.gcr.io/pause:3.6\n"),
    ]);
    assert!(findings.iter().all(|one| one.old != "k8s.gcr.io/pause:3.6"));
    let reported = members.values().flat_map(|member| &member.problems);
    let reported: Vec<&str> = reported.map(|problem| problem.message.as_str()).collect();
    assert!(
        reported
            .iter()
            .any(|message| message.contains("its subcharts were not analysed")),
        "{reported:?}"
    );
}
