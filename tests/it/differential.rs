//! Generated charts, rendered by real Helm before and after the fixes: each image stays as it is, or becomes what its fix
//! makes of it in a plain pod. Skipped, with a message, if there is no `helm`.
//!
//! In the charts, legacy and other images share registries, anchors, globals and subcharts, and the templates join the
//! pieces in many ways.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{files, fill, run};
use crate::render::compare::helm;
use crate::render::has_helm;

/// Enough for each shape to meet each other one.
const CASES: u64 = 40;

/// A generator of pseudo-random numbers, the same in each run.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    pub(crate) fn of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
}

/// Registry, path and tag.
pub(crate) const IMAGES: [(&str, &str, &str); 8] = [
    ("k8s.gcr.io", "pause", "3.1"),
    ("k8s.gcr.io", "sig-storage/csi-attacher", "v3.4.0"),
    ("gcr.io", "google-containers/pause", "3.1"),
    ("gcr.io", "acme/app", "v1"),
    ("docker.io", "bitnami/kubectl", "1.25.0"),
    ("docker.io", "library/nginx", "1.25"),
    ("registry.example.com", "bitnami/redis", "7.0.5"),
    ("registry.k8s.io", "pause", "3.9"),
];

/// A chart under construction.
#[derive(Default)]
struct Plan {
    files: BTreeMap<PathBuf, Vec<u8>>,
    values: String,
    dependencies: String,
}

impl Plan {
    fn file(&mut self, path: &str, text: &str) {
        self.files.insert(path.into(), text.as_bytes().to_vec());
    }

    fn pod(&mut self, folder: &str, slot: usize, image: &str) {
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: slot-{slot}\nspec:\n  containers:\n  - name: c\n    image: {image}\n"
        );
        self.file(&format!("{folder}templates/slot-{slot}.yaml"), &text);
    }
}

fn chart(seed: u64) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut chance = Chance::new(seed);
    let mut plan = Plan::default();
    let shared = chance.of(&IMAGES).0;
    let over = chance.of(&["\"\"", "\"\"", "mirror.example.com"]);
    let prefix = chance.of(&["k8s.gcr.io/", "gcr.io/", "registry.example.com/"]);
    write!(
        plan.values,
        "global:\n  registry: {shared}\n  imageRegistry: {over}\nprefix: {prefix}\nlent: &lent {shared}\nbase: &base\n  registry: {shared}\n  pullPolicy: Always\n"
    )
    .unwrap();
    for slot in 0..=2 + chance.below(3) {
        add(&mut plan, &mut chance, slot);
    }
    let chart = format!(
        "apiVersion: v2\nname: c\nversion: 0.1.0\n{}",
        match plan.dependencies.as_str() {
            "" => String::new(),
            list => format!("dependencies:\n{list}"),
        }
    );
    plan.file("Chart.yaml", &chart);
    plan.file(
        "templates/_image.tpl",
        "{{- define \"image\" -}}\n{{- $registry := .over | default .image.registry -}}\n{{- printf \"%s/%s:%s\" $registry .image.repository .image.tag -}}\n{{- end -}}\n",
    );
    let values = plan.values.clone();
    plan.file("values.yaml", &values);
    plan.files
}

/// Adds one image, in one of the ways that charts use.
fn add(plan: &mut Plan, chance: &mut Chance, slot: usize) {
    let (registry, path, tag) = chance.of(&IMAGES);
    let split = |registry: &str| {
        format!(
            "\n  image:\n    registry: {registry}\n    repository: {path}\n    tag: \"{tag}\"\n"
        )
    };
    let own = format!(".Values.s{slot}");
    let joined = format!(
        "\"{{{{ {own}.image.registry }}}}/{{{{ {own}.image.repository }}}}:{{{{ {own}.image.tag }}}}\""
    );
    let (values, image) = match chance.below(12) {
        0 => (
            format!("\n  image: {registry}/{path}:{tag}\n"),
            format!("{{{{ {own}.image }}}}"),
        ),
        1 => (split(registry), joined),
        2 => (
            format!("\n  image:\n    repository: {registry}/{path}\n    tag: \"{tag}\"\n"),
            format!("{{{{ {own}.image.repository }}}}:{{{{ {own}.image.tag | default \"x\" }}}}"),
        ),
        3 => (
            format!("\n  path: {path}\n  version: \"{tag}\"\n"),
            format!(
                "{{{{ .Values.global.registry }}}}/{{{{ {own}.path }}}}:{{{{ {own}.version }}}}"
            ),
        ),
        4 => (split("*lent"), joined),
        5 => (
            split(registry),
            format!(
                "{{{{ .Values.global.imageRegistry | default {own}.image.registry }}}}/{{{{ {own}.image.repository }}}}:{{{{ {own}.image.tag }}}}"
            ),
        ),
        6 => (
            format!("\n  path: {path}\n"),
            format!("{registry}/{{{{ {own}.path }}}}:{tag}"),
        ),
        7 => (
            format!("\n  name: {path}:{tag}\n"),
            format!("\"{{{{ .Values.prefix }}}}{{{{ {own}.name }}}}\""),
        ),
        8 => (
            format!("\n  image:\n    <<: *base\n    repository: {path}\n    tag: \"{tag}\"\n"),
            joined,
        ),
        9 => (
            split(registry),
            format!(
                "{{{{ include \"image\" (dict \"image\" {own}.image \"over\" .Values.global.imageRegistry) }}}}"
            ),
        ),
        10 => (
            format!("\n  registry: {registry}\n"),
            format!("{{{{ {own}.registry | default \"docker.io\" }}}}/{path}:{tag}"),
        ),
        _ => return add_subchart(plan, chance, slot, &split(registry)),
    };
    write!(plan.values, "s{slot}:{values}").unwrap();
    plan.pod("", slot, &image);
}

/// Adds an image of a subchart; the parent may set a part of it.
fn add_subchart(plan: &mut Plan, chance: &mut Chance, slot: usize, image: &str) {
    let folder = format!("charts/sub{slot}/");
    let chart = format!("apiVersion: v2\nname: sub{slot}\nversion: 1.0.0\n");
    plan.file(&format!("{folder}Chart.yaml"), &chart);
    plan.file(
        &format!("{folder}values.yaml"),
        &image.trim_start().replace("\n  ", "\n"),
    );
    plan.pod(
        &folder,
        slot,
        "\"{{ .Values.global.imageRegistry | default .Values.image.registry }}/{{ .Values.image.repository }}:{{ .Values.image.tag }}\"",
    );
    if chance.below(2) == 0 {
        plan.dependencies += &format!(
            "- name: sub{slot}\n  version: 1.0.0\n  repository: https://charts.example.com\n"
        );
    }
    let set = chance.of(&[
        "",
        "tag: v2",
        "registry: registry.example.com",
        "registry: k8s.gcr.io",
    ]);
    if !set.is_empty() {
        write!(plan.values, "sub{slot}:\n  image:\n    {set}\n").unwrap();
    }
}

/// Renders a chart, and returns the image of each pod.
fn rendered(folder: &Path, home: &Path) -> BTreeMap<String, String> {
    let text = helm(folder, &[], home).unwrap_or_else(|error| panic!("{error}\n{}", shown(folder)));
    images_of(&text)
}

/// Returns the image of each pod of a rendered text.
pub(crate) fn images_of(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines() {
        if let Some(own) = line.strip_prefix("  name: ") {
            name = own.to_owned();
        }
        let field = line.trim_start().trim_start_matches("- ");
        if let Some(image) = field.strip_prefix("image: ") {
            found.insert(name.clone(), image.trim_matches('"').to_owned());
        }
    }
    found
}

pub(crate) fn shown(folder: &Path) -> String {
    let files = files(folder).into_iter();
    let shown = files.map(|(path, bytes)| {
        format!(
            "--- {}\n{}",
            path.display(),
            String::from_utf8_lossy(&bytes)
        )
    });
    shown.collect()
}

/// Returns what each image becomes when it is fixed in a plain pod. `flags` decide whether fixes that need review are
/// applied.
pub(crate) fn alone(images: &BTreeSet<String>, flags: &[&str]) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let text: String = images
        .iter()
        .map(|image| {
            format!("---\nkind: Pod\napiVersion: v1\nspec:\n  containers:\n  - image: {image}\n")
        })
        .collect();
    fs::write(folder.path().join("pods.yaml"), text).unwrap();
    run(
        folder.path(),
        &[&["--write", "--no-config"], flags].concat(),
    );
    let text = fs::read_to_string(folder.path().join("pods.yaml")).unwrap();
    let now = text
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("- image: "));
    images.iter().cloned().zip(now.map(str::to_owned)).collect()
}

/// How many images could move, and how many did.
#[derive(Default)]
pub(crate) struct Moves {
    legacy: usize,
    moved: usize,
}

impl Moves {
    /// Asserts that each image is unchanged, or what it becomes in a plain pod.
    pub(crate) fn between(
        before: &BTreeMap<String, String>,
        after: &BTreeMap<String, String>,
        wanted: &BTreeMap<String, String>,
        what: &str,
        folder: &Path,
    ) -> Self {
        assert!(
            before.keys().eq(after.keys()),
            "{what}: {before:?} {after:?}"
        );
        let mut moves = Self::default();
        for (pod, image) in before {
            let (now, wanted) = (&after[pod], &wanted[image]);
            moves.legacy += usize::from(image != wanted);
            moves.moved += usize::from(image != wanted && now == wanted);
            assert!(
                now == image || now == wanted,
                "{what}: {pod} pulled {image}, and pulls {now}; alone it would be {wanted}\n{}",
                shown(folder)
            );
        }
        moves
    }

    pub(crate) fn are_most(&self) {
        let Self { legacy, moved } = self;
        assert!(
            moved * 10 > legacy * 6,
            "only {moved} of {legacy} legacy images moved"
        );
    }
}

impl std::ops::AddAssign for Moves {
    fn add_assign(&mut self, other: Self) {
        self.legacy += other.legacy;
        self.moved += other.moved;
    }
}

#[test]
fn images_of_generated_charts_stay_or_become_what_their_rule_says() {
    if !has_helm() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let mut moves = Moves::default();
    for seed in 0..CASES {
        let chart = chart(seed);
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path(), &chart);
        let before = rendered(folder.path(), home.path());
        let wanted = alone(&before.values().cloned().collect(), &["--unsafe-fixes"]);
        for flags in [&[][..], &["--unsafe-fixes"]] {
            let folder = tempfile::tempdir().unwrap();
            fill(folder.path(), &chart);
            let write = [&["--write", "--no-config"], flags].concat();
            run(folder.path(), &write);
            let once = files(folder.path());
            let after = rendered(folder.path(), home.path());
            let what = format!("{seed} {flags:?}");
            moves += Moves::between(&before, &after, &wanted, &what, folder.path());
            run(folder.path(), &write);
            assert!(
                once == files(folder.path()),
                "{seed}: a second run changes something"
            );
        }
    }
    moves.are_most();
}
