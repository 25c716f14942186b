//! The images of registry.k8s.io and their tags, read from the manifests that promote them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::git::Git;
use crate::{Fault, read, write};

#[derive(clap::Args)]
pub struct Arguments {
    /// The git directory of a clone of kubernetes/k8s.io
    git_dir: PathBuf,
    /// What to read of it
    #[arg(long, default_value = "HEAD")]
    revision: String,
    /// Only say what differs
    #[arg(long)]
    check: bool,
}

const FILE: &str = "src/rules/registry-k8s-io.tsv";

/// Images by name, with their tags.
type Index = BTreeMap<String, BTreeSet<String>>;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Manifest {
    registries: Option<Vec<Registry>>,
    images: Option<Vec<Image>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Registry {
    name: String,
    src: bool,
}

#[derive(Deserialize)]
struct Image {
    name: String,
    #[serde(default)]
    dmap: Option<BTreeMap<String, Option<Vec<serde_yaml::Value>>>>,
}

pub fn run(root: &Path, arguments: &Arguments) -> Result<(), Fault> {
    let mut git = Git::new(&arguments.git_dir)?;
    let found = index(&mut git, &arguments.revision)?;
    if found.is_empty() {
        return Err(format!(
            "{}: no promoter manifests",
            arguments.git_dir.display()
        ));
    }
    let path = root.join(FILE);
    let known = parsed(&read(&path)?);
    let count = |index: &Index| index.values().map(BTreeSet::len).sum::<usize>();
    println!(
        "{} images with {} tags in the manifests",
        found.len(),
        count(&found)
    );
    difference("only in the manifests", &found, &known);
    difference("only in the file, and kept", &known, &found);
    if arguments.check {
        return Ok(());
    }
    let mut all = known;
    for (name, tags) in found {
        all.entry(name).or_default().extend(tags);
    }
    write(&path, &written(&all))
}

fn index(git: &mut Git, revision: &str) -> Result<Index, Fault> {
    let mut found = Index::new();
    let folders = ["registry.k8s.io", "k8s.gcr.io"];
    let listed = git.run(&[&["ls-tree", "-r", "--name-only", revision], &folders[..]].concat())?;
    for file in listed.lines() {
        let parts: Vec<&str> = file.split('/').collect();
        let (top, of, project) = match parts.as_slice() {
            [
                top,
                of @ ("manifests" | "images"),
                project,
                "promoter-manifest.yaml",
            ] => ((*top).to_owned(), *of, *project),
            [
                "k8s.gcr.io",
                "archived",
                of @ ("manifests" | "images"),
                project,
                "promoter-manifest.yaml",
            ] => ("k8s.gcr.io/archived".to_owned(), *of, *project),
            _ => continue,
        };
        let manifest: Manifest = yaml(git, &format!("{revision}:{file}"))?.unwrap_or_default();
        let images = match (&manifest.images, of) {
            (None, "manifests") => yaml(
                git,
                &format!("{revision}:{top}/images/{project}/images.yaml"),
            )?,
            _ => manifest.images,
        };
        for prefix in prefixes(&manifest.registries) {
            add(&mut found, &prefix, images.as_deref().unwrap_or_default());
        }
    }
    // Images below `kubernetes/` that are also promoted without it are listed once.
    let twins: Vec<String> = found
        .keys()
        .filter_map(|name| name.strip_prefix("kubernetes/"))
        .map(str::to_owned)
        .collect();
    for twin in twins
        .iter()
        .filter(|twin| found.contains_key(*twin))
        .cloned()
        .collect::<Vec<_>>()
    {
        found.remove(&format!("kubernetes/{twin}"));
    }
    Ok(found)
}

fn yaml<T: for<'d> Deserialize<'d>>(git: &mut Git, name: &str) -> Result<Option<T>, Fault> {
    let Some(text) = git.text(name)? else {
        return Ok(None);
    };
    let value = serde_yaml::from_str(&text);
    value.map_err(|error| format!("{name}: {error}"))
}

/// Returns the folders below registry.k8s.io to which images are promoted.
fn prefixes(registries: &Option<Vec<Registry>>) -> BTreeSet<String> {
    let targets = registries.iter().flatten().filter(|registry| !registry.src);
    targets
        .filter_map(|registry| {
            let (host, path) = registry.name.split_once('/')?;
            let rest = match host {
                "us.gcr.io" | "eu.gcr.io" | "asia.gcr.io" => {
                    path.strip_prefix("k8s-artifacts-prod")
                }
                _ if host.ends_with("-docker.pkg.dev") => {
                    path.strip_prefix("k8s-artifacts-prod/images")
                }
                _ => None,
            }?;
            match rest.is_empty() || rest.starts_with('/') {
                true => Some(rest.trim_matches('/').to_owned()),
                false => None,
            }
        })
        .collect()
}

fn add(found: &mut Index, prefix: &str, images: &[Image]) {
    for image in images {
        let name = match prefix {
            "" => image.name.clone(),
            prefix => format!("{prefix}/{}", image.name),
        };
        let tags = image
            .dmap
            .iter()
            .flat_map(BTreeMap::values)
            .flatten()
            .flatten();
        let tags: Vec<String> = tags.filter_map(text_of).collect();
        if !tags.is_empty() {
            found.entry(name).or_default().extend(tags);
        }
    }
}

/// Returns a tag as text, even if YAML reads it as a number.
fn text_of(value: &serde_yaml::Value) -> Option<String> {
    match value {
        serde_yaml::Value::String(text) => Some(text.clone()),
        serde_yaml::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn parsed(text: &str) -> Index {
    let rows = text.lines().filter_map(|line| line.split_once('\t'));
    rows.map(|(name, tags)| {
        (
            name.to_owned(),
            tags.split(' ').map(str::to_owned).collect(),
        )
    })
    .collect()
}

fn written(index: &Index) -> String {
    let row = |(name, tags): (&String, &BTreeSet<String>)| {
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        format!("{name}\t{}\n", tags.join(" "))
    };
    index.iter().map(row).collect()
}

fn difference(what: &str, one: &Index, other: &Index) {
    let more = one.iter().filter_map(|(name, tags)| {
        let none = BTreeSet::new();
        let more: Vec<&str> = tags
            .difference(other.get(name).unwrap_or(&none))
            .map(String::as_str)
            .collect();
        (!more.is_empty()).then(|| (more.len(), format!("  {name}: {}", more.join(" "))))
    });
    let more: Vec<(usize, String)> = more.collect();
    let tags: usize = more.iter().map(|(tags, _)| tags).sum();
    println!("{what}: {tags} tags of {} images", more.len());
    more.iter().for_each(|(_, line)| println!("{line}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::tests::repository;

    const IMAGES: &str = "- name: a\n  dmap:\n    \"sha256:1\": [\"v1.0\", \"1.10\"]\n    \"sha256:2\": []\n- name: empty\n";

    #[test]
    fn images_are_those_that_are_promoted() {
        let folder = repository(&[(
            "2024-01-01",
            None,
            &[
                (
                    "registry.k8s.io/manifests/k8s-staging-one/promoter-manifest.yaml",
                    "registries:\n- name: gcr.io/k8s-staging-one\n  src: true\n- name: us-east1-docker.pkg.dev/k8s-artifacts-prod/images/one\n- name: us.gcr.io/k8s-artifacts-prod/one\n",
                ),
                ("registry.k8s.io/images/k8s-staging-one/images.yaml", IMAGES),
                (
                    "k8s.gcr.io/archived/images/k8s-staging-two/promoter-manifest.yaml",
                    "registries:\n- name: us.gcr.io/k8s-artifacts-prod\nimages:\n- name: b\n  dmap: {\"sha256:3\": [latest]}\n",
                ),
                (
                    "registry.k8s.io/images/k8s-staging-two/promoter-manifest.yaml",
                    "registries:\n- name: us.gcr.io/k8s-artifacts-prod/kubernetes\nimages:\n- name: b\n  dmap: {\"sha256:3\": [latest]}\n",
                ),
                ("registry.k8s.io/README.md", "no manifest"),
            ],
        )]);
        let mut git = Git::new(&folder.path().join(".git")).unwrap();
        let found = index(&mut git, "HEAD").unwrap();
        assert_eq!(written(&found), "b\tlatest\none/a\t1.10 v1.0\n");
        assert_eq!(parsed(&written(&found)), found);
    }

    #[test]
    fn the_file_is_kept_and_grows() {
        let folder = repository(&[(
            "2024-01-01",
            None,
            &[(
                "registry.k8s.io/images/one/promoter-manifest.yaml",
                "registries:\n- name: us.gcr.io/k8s-artifacts-prod\nimages:\n- name: b\n  dmap: {\"sha256:3\": [v2]}\n",
            )],
        )]);
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("src/rules")).unwrap();
        std::fs::write(root.path().join(FILE), "a\tv1\nb\tv1\n").unwrap();
        let mut arguments = Arguments {
            git_dir: folder.path().join(".git"),
            revision: "HEAD".to_owned(),
            check: true,
        };
        run(root.path(), &arguments).unwrap();
        assert_eq!(read(&root.path().join(FILE)).unwrap(), "a\tv1\nb\tv1\n");
        arguments.check = false;
        run(root.path(), &arguments).unwrap();
        assert_eq!(read(&root.path().join(FILE)).unwrap(), "a\tv1\nb\tv1 v2\n");
    }
}
