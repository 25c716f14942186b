//! Typical charts, compared with real Helm if it is installed; and hostile archives.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{files, fill, packed, run, stderr, stdout, tgz};
use crate::render::has_helm;

type Files = BTreeMap<PathBuf, Vec<u8>>;

const LEGACY: &str = "k8s.gcr.io";
const MOVED: &str = "registry.k8s.io";

fn tree(entries: &[(&str, &str)]) -> Files {
    let entries = entries.iter();
    let files = entries.map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec()));
    packed(files.collect())
}

fn folder_of(files: &Files) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), files);
    folder
}

fn fixture(name: &str) -> Files {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    packed(files(&fixtures.join(name).join("in")))
}

/// Renders a chart with Helm; `None` if Helm fails.
fn rendered(folder: &Path) -> Option<String> {
    let output = Command::new("helm")
        .args(["template", "release", "."])
        .current_dir(folder)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    output.status.success().then_some(text)
}

#[test]
fn an_umbrella_pulls_nothing_legacy_after_one_run() {
    let before = fixture("charts-umbrella");
    let folder = folder_of(&before);
    let output = run(folder.path(), &["--write", "."]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let after = files(folder.path());
    for (path, bytes) in &before {
        let same = after[path] == *bytes;
        assert_eq!(same, path != Path::new("values.yaml"), "{}", path.display());
    }
    let values =
        |files: &Files| String::from_utf8(files[Path::new("values.yaml")].clone()).unwrap();
    let (old, new) = (values(&before), values(&after));
    let gone: Vec<&str> = old.lines().filter(|line| !new.contains(line)).collect();
    assert_eq!(gone, ["      patch: {}   # nothing yet"]);
    if has_helm() {
        let text = rendered(folder.path()).unwrap();
        assert!(!text.contains(LEGACY) && text.contains(MOVED), "{text}");
    }
    let again = run(folder.path(), &["--write", "."]);
    assert_eq!(again.status.code(), Some(0));
    assert_eq!(files(folder.path()), after);
}

#[test]
fn every_chart_renders_as_before_with_its_images_moved() {
    if !has_helm() {
        return;
    }
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut compared = 0;
    for entry in fs::read_dir(fixtures).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.starts_with("charts-") {
            continue;
        }
        let before = folder_of(&fixture(&name));
        let after = folder_of(&fixture(&name));
        run(after.path(), &["--write", "--quiet", "."]);
        for chart in roots(before.path()) {
            let Some(old) = rendered(&before.path().join(&chart)) else {
                continue;
            };
            let new = rendered(&after.path().join(&chart)).unwrap();
            let moved = old
                .replace("gcr.io/google_containers", MOVED)
                .replace(LEGACY, MOVED);
            assert_eq!(old.lines().count(), new.lines().count(), "{name}");
            for ((old, moved), new) in old.lines().zip(moved.lines()).zip(new.lines()) {
                assert!(new == old || new == moved, "{name}: {old} became {new}");
            }
            compared += 1;
        }
    }
    assert!(compared > 15, "{compared}");
}

/// Returns the folders of charts that are not subcharts.
fn roots(folder: &Path) -> Vec<PathBuf> {
    let files = files(folder);
    let charts = files.keys().filter(|path| path.ends_with("Chart.yaml"));
    let charts = charts.filter(|path| !path.iter().any(|part| part == "charts"));
    charts
        .map(|path| path.parent().unwrap().to_owned())
        .collect()
}

const CHART: &str = "apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies:\n- name: sub\n  version: 1.0.0\n  \
    repository: https://charts.example.com\n";
const SUB: &str = "apiVersion: v2\nname: sub\nversion: 1.0.0\n";
const VALUES: &str = "image: k8s.gcr.io/pause:3.6\n";

#[test]
fn charts_are_seen_where_git_ignores_them() {
    let folder = folder_of(&tree(&[
        (".gitignore", "charts/\n"),
        (".git/HEAD", "ref: refs/heads/main\n"),
        ("Chart.yaml", CHART),
        ("charts/sub/Chart.yaml", SUB),
        ("charts/sub/values.yaml", VALUES),
        (
            "charts/sub/templates/pod.yaml",
            "image: k8s.gcr.io/pause:3.5\n",
        ),
    ]));
    let output = run(folder.path(), &["--write", "--format", "json", "."]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let values = fs::read_to_string(folder.path().join("values.yaml")).unwrap();
    assert_eq!(values, "sub:\n  image: registry.k8s.io/pause:3.6\n");
    let template = files(folder.path()).remove(Path::new("charts/sub/templates/pod.yaml"));
    assert_eq!(template.unwrap(), b"image: k8s.gcr.io/pause:3.5\n");
    assert!(text.contains("k8s.gcr.io/pause:3.5"), "{text}");
}

#[test]
fn images_of_subcharts_are_listed_with_their_charts() {
    let folder = folder_of(&fixture("charts-umbrella"));
    let reported = stdout(&run(folder.path(), &["images", "."]));
    let stack = "charts/kube-prometheus-stack-35.5.1.tgz!kube-prometheus-stack";
    let inner = "charts/kube-state-metrics-4.7.0.tgz!kube-state-metrics";
    let expected = format!(
        "{stack}/{inner}/values.yaml:4:15: k8s.gcr.io/kube-state-metrics/kube-state-metrics:v2.4.1 \
         (subchart monitoring/kube-state-metrics)\n\
         {stack}/values.yaml:10:19: k8s.gcr.io/ingress-nginx/kube-webhook-certgen:v1.1.1 \
         (subchart monitoring)\n"
    );
    assert_eq!(reported, expected);
    run(folder.path(), &["--write", "."]);
    let reported = stdout(&run(folder.path(), &["images", "."]));
    assert!(
        !reported.contains(LEGACY) && reported.lines().count() == 2,
        "{reported}"
    );
    let folder = folder_of(&fixture("charts-absent"));
    let reported = stderr(&run(folder.path(), &["images", "."]));
    assert!(
        reported.contains("redis ~3.2.0 is not in charts/"),
        "{reported}"
    );
}

/// Asserts that a bad archive is one problem, and that the rest of the run continues.
#[track_caller]
fn check_hostile(archive: &[u8], expected: &str) {
    let mut files = tree(&[
        ("Chart.yaml", CHART),
        ("other.yaml", VALUES),
        (
            "charts/good-1.0.0.tgz/good/Chart.yaml",
            &SUB.replace("sub", "good"),
        ),
        ("charts/good-1.0.0.tgz/good/values.yaml", VALUES),
    ]);
    files.insert(PathBuf::from("charts/sub-1.0.0.tgz"), archive.to_vec());
    let folder = folder_of(&files);
    let output = run(folder.path(), &["--write", "--format", "concise", "."]);
    assert_eq!(output.status.code(), Some(2));
    let reported = format!("{}{}", stdout(&output), stderr(&output));
    assert!(
        reported.contains(&format!("charts/sub-1.0.0.tgz: {expected}")),
        "{reported}"
    );
    assert!(!reported.contains("helm dependency build"), "{reported}");
    let other = fs::read_to_string(folder.path().join("other.yaml")).unwrap();
    assert_eq!(other, VALUES.replace(LEGACY, MOVED));
    let values = fs::read_to_string(folder.path().join("values.yaml")).unwrap();
    assert_eq!(values, "good:\n  image: registry.k8s.io/pause:3.6\n");
}

fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let entries = entries.iter();
    let files: Vec<(PathBuf, Vec<u8>)> = entries
        .map(|(path, bytes)| (PathBuf::from(path), bytes.to_vec()))
        .collect();
    tgz(&files)
}

/// PowerShell writes UTF-16, which Helm reads.
#[test]
fn values_in_utf16_are_read_in_archives() {
    let units = "\u{feff}image: k8s.gcr.io/pause:3.6\n".encode_utf16();
    let values: Vec<u8> = units.flat_map(u16::to_le_bytes).collect();
    let sub = archive(&[
        ("sub/Chart.yaml", SUB.as_bytes()),
        ("sub/values.yaml", &values),
        (
            "sub/templates/pod.yaml",
            b"kind: Pod\nspec: {containers: [{image: \"{{ .Values.image }}\"}]}\n",
        ),
    ]);
    let chart =
        "apiVersion: v2\nname: top\nversion: 1.0.0\ndependencies:\n- {name: sub, version: 1.0.0}\n";
    let files = BTreeMap::from([
        (PathBuf::from("Chart.yaml"), chart.as_bytes().to_vec()),
        (PathBuf::from("charts/sub-1.0.0.tgz"), sub),
    ]);
    let folder = folder_of(&files);
    let output = run(folder.path(), &["--format", "concise"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("k8s.gcr.io/pause:3.6"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn hostile_archives_are_told_and_passed_over() {
    check_hostile(b"not an archive", "cannot be read: ");
    let good = archive(&[
        ("sub/Chart.yaml", SUB.as_bytes()),
        ("sub/values.yaml", &[b'a'; 50_000]),
    ]);
    check_hostile(&good[..good.len() / 2], "cannot be read: ");
    check_hostile(&archive(&[]), "is empty");
    check_hostile(
        &outward(),
        "names a path outside of it: `sub/../../evil.yaml`",
    );
}

/// Builds an archive whose path leaves the chart. The library refuses such paths, so the header is written as bytes.
fn outward() -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut builder = tar::Builder::new(gzip);
    let mut header = tar::Header::new_ustar();
    let name = b"sub/../../evil.yaml";
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_size(0);
    header.set_cksum();
    builder.append(&header, &[][..]).unwrap();
    builder.into_inner().unwrap().finish().unwrap()
}

#[test]
fn bombs_end_at_a_bound() {
    let zeros = vec![0; 3 << 20];
    let names: Vec<String> = (0..50).map(|n| format!("sub/templates/{n}.yaml")).collect();
    let entries: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| (name.as_str(), zeros.as_slice()))
        .collect();
    let bomb = archive(&entries);
    assert!(bomb.len() < 2 << 20, "{}", bomb.len());
    check_hostile(&bomb, "contains more than 100 MiB");
}

#[test]
fn archives_in_archives_share_a_bound() {
    let mut inner = archive(&[("sub/Chart.yaml", SUB.as_bytes())]);
    for _ in 0..40 {
        inner = archive(&[
            ("sub/Chart.yaml", SUB.as_bytes()),
            ("sub/charts/sub-1.0.0.tgz", &inner),
        ]);
    }
    let mut files = tree(&[("Chart.yaml", CHART)]);
    files.insert(PathBuf::from("charts/sub-1.0.0.tgz"), inner);
    let folder = folder_of(&files);
    let output = run(folder.path(), &["--format", "concise", "."]);
    let reported = format!("{}{}", stdout(&output), stderr(&output));
    assert!(
        reported.contains("archives are nested too deep"),
        "{reported}"
    );
}

#[test]
fn aliases_that_multiply_end_at_a_bound() {
    let mut files = Files::new();
    let mut folder = PathBuf::new();
    for level in 0..40 {
        let mut chart =
            format!("apiVersion: v2\nname: level{level}\nversion: 1.0.0\ndependencies:\n");
        for alias in ["a", "b"] {
            let below = level + 1;
            chart += &format!(
                "- {{name: level{below}, version: 1.0.0, repository: 'https://charts.example.com', alias: {alias}}}\n"
            );
        }
        files.insert(folder.join("Chart.yaml"), chart.into_bytes());
        let values = b"image: k8s.gcr.io/pause:3.9\n".to_vec();
        files.insert(folder.join("values.yaml"), values);
        folder = folder.join(format!("charts/level{}", level + 1));
    }
    files.insert(
        "good.yaml".into(),
        b"image: k8s.gcr.io/pause:3.9\n".to_vec(),
    );
    let folder = folder_of(&files);
    let output = run(folder.path(), &["--write", "--format", "concise"]);
    let reported = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(2), "{reported}");
    assert!(reported.contains("it has more than"), "{reported}");
    let good = std::fs::read_to_string(folder.path().join("good.yaml")).unwrap();
    assert_eq!(good, "image: registry.k8s.io/pause:3.9\n");
}

#[test]
fn images_of_charts_that_releases_name() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let images = |fixture: &str| {
        let folder = tempfile::tempdir().unwrap();
        fill(
            folder.path(),
            &packed(files(&fixtures.join(fixture).join("in"))),
        );
        let output = run(folder.path(), &["images"]);
        (stdout(&output), stderr(&output))
    };
    let (flux, unseen) = images("charts-flux");
    assert!(
        flux.contains(
            "vendor/kube-state-metrics-4.7.0.tgz!kube-state-metrics/values.yaml:4:15: \
             k8s.gcr.io/kube-state-metrics/kube-state-metrics:v2.4.1 (subchart kube-state-metrics)\n"
        ),
        "{flux}"
    );
    assert!(
        unseen.contains("values-from.yaml: some of its values come from `valuesFrom`"),
        "{unseen}"
    );
    let (argocd, _) = images("charts-argocd");
    let default = "vendor/kube-state-metrics/values.yaml:4:15: ";
    assert_eq!(argocd.matches(default).count(), 1, "{argocd}");
    assert!(argocd.contains("values-legacy.yaml:2:15: k8s.gcr.io/kube-state-metrics/kube-state-metrics:v2.3.0 (subchart"), "{argocd}");
}

/// A template may put a registry before names in variables, arguments and fields of any kind.
#[test]
fn images_of_charts_are_listed_as_they_are_rendered() {
    let values = "global: {registry: mirror.example.com}\n\
                  csi: {attacher: {repository: longhornio/csi-attacher, tag: v4.4.2}}\n\
                  images: {registry: quay.io/open-cluster-management, tag: v1.0.0}\n\
                  defaultImage: true\n";
    let template = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  containers:\n  - name: x\n    \
                    image: {{ .Values.global.registry }}/manager:{{ .Values.csi.attacher.tag }}\n    \
                    args: [\"--engine-image={{ printf \"%s/engine:v1\" (upper .Values.global.registry | lower) }}\"]\n    \
                    env:\n    - name: CSI_ATTACHER_IMAGE\n      \
                    value: \"{{ .Values.global.registry }}/{{ .Values.csi.attacher.repository }}:{{ .Values.csi.attacher.tag }}\"\n\
                    ---\napiVersion: example.com/v1\nkind: Manager\nmetadata: {name: x}\nspec:\n  \
                    registrationImagePullSpec: {{ .Values.images.registry }}/registration:{{ .Values.images.tag }}\n";
    let folder = folder_of(&tree(&[
        ("Chart.yaml", CHART),
        ("values.yaml", values),
        ("templates/all.yaml", template),
    ]));
    let listed = stdout(&run(folder.path(), &["images"]));
    let expected = "templates/all.yaml:8:41: mirror.example.com/engine:v1\n\
                    values.yaml:1:20: mirror.example.com/longhornio/csi-attacher:v4.4.2\n\
                    values.yaml:1:20: mirror.example.com/manager:v4.4.2\n\
                    values.yaml:3:20: quay.io/open-cluster-management/registration:v1.0.0\n";
    assert_eq!(listed, expected);
}
