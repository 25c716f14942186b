//! Generated Flux and Argo CD documents over a folder of manifests, emulated by real Kustomize before and after the fixes:
//! each resulting image stays as it is, or becomes what its fix makes of it in a plain pod. Skipped, with a message, if
//! there is no `kubectl`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::{files, fill, run};
use crate::differential::{Chance, IMAGES, Moves, alone, images_of, shown};

/// Enough for each shape to meet each other one.
const CASES: u64 = 24;

/// The document that changes the images of the folder.
const DOCUMENT: &str = "clusters/layer.yaml";

#[allow(clippy::print_stdout, reason = "a test that is skipped says so")]
fn has_kubectl() -> bool {
    let mut version = Command::new("kubectl");
    let found = version.args(["version", "--client"]).output().is_ok();
    if !found {
        println!("skipped: there is no kubectl");
    }
    found
}

/// Creates pods in a folder, perhaps an overlay over them, and a document that selects some of their images.
fn tree(seed: u64) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut chance = Chance::new(seed);
    let mut found = BTreeMap::new();
    let mut file = |path: &str, text: String| found.insert(path.into(), text.into_bytes());
    let mut resources = String::from("resources:\n");
    let mut names = Vec::new();
    for slot in 0..=1 + chance.below(3) {
        let (registry, path, tag) = chance.of(&IMAGES);
        let name = format!("{registry}/{path}");
        file(
            &format!("apps/base/p{slot}.yaml"),
            format!(
                "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p{slot}\nspec:\n  containers:\n  - name: c\n    image: {name}:{tag}\n"
            ),
        );
        writeln!(resources, "- p{slot}.yaml").unwrap();
        names.push((name, tag));
    }
    file("apps/base/kustomization.yaml", resources);
    let overlay = "resources: [../base]\nnamePrefix: x-\n";
    let has_overlay = chance.below(2) == 0;
    if has_overlay {
        let images = match chance.below(2) {
            0 => String::new(),
            _ => entries(&mut chance, &names, "images"),
        };
        file("apps/over/kustomization.yaml", format!("{overlay}{images}"));
    }
    let path = if has_overlay { "over" } else { "base" };
    let document = match chance.below(3) {
        0 => argo(&mut chance, &names, path),
        1 => flux(path, &patch(&mut chance, &names, has_overlay)),
        _ => flux(path, &entries(&mut chance, &names, "images")),
    };
    file(DOCUMENT, document);
    found
}

/// Writes the `images` of a kustomization: a new name, a new tag or both for some of the names.
fn entries(chance: &mut Chance, names: &[(String, &str)], key: &str) -> String {
    let mut text = format!("{key}:\n");
    let mut done = BTreeSet::new();
    for (name, tag) in names {
        let way = chance.below(4);
        if way == 3 || !done.insert(name) {
            continue;
        }
        writeln!(text, "- name: {name}").unwrap();
        if way != 1 {
            let (registry, path, _) = chance.of(&IMAGES);
            writeln!(text, "  newName: {registry}/{path}").unwrap();
        }
        if way != 2 {
            writeln!(text, "  newTag: \"{tag}\"").unwrap();
        }
    }
    match done.is_empty() {
        true => String::new(),
        false => text,
    }
}

/// Writes a JSON patch of the first pod, which may test the value that it replaces.
fn patch(chance: &mut Chance, names: &[(String, &str)], has_overlay: bool) -> String {
    let prefix = if has_overlay { "x-" } else { "" };
    let (name, tag) = &names[0];
    let (registry, path, new_tag) = chance.of(&IMAGES);
    let mut patch = format!("patches:\n- target: {{kind: Pod, name: {prefix}p0}}\n  patch: |-\n");
    if chance.below(2) == 0 && !has_overlay {
        write!(
            patch,
            "    - op: test\n      path: /spec/containers/0/image\n      value: {name}:{tag}\n"
        )
        .unwrap();
    }
    write!(
        patch,
        "    - op: replace\n      path: /spec/containers/0/image\n      value: {registry}/{path}:{new_tag}\n"
    )
    .unwrap();
    patch
}

fn flux(path: &str, kustomization: &str) -> String {
    let mut text = format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: k\nspec:\n  path: ./apps/{path}\n  prune: true\n"
    );
    for line in kustomization.lines() {
        writeln!(text, "  {line}").unwrap();
    }
    text
}

/// Writes an Application with entries such as `OLD=NEW:tag`.
fn argo(chance: &mut Chance, names: &[(String, &str)], path: &str) -> String {
    let mut text = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: a\nspec:\n  source:\n    repoURL: https://git.example.com/x\n    path: apps/{path}\n    kustomize:\n      images:\n"
    );
    let mut done = BTreeSet::new();
    for (name, tag) in names {
        if !done.insert(name) {
            continue;
        }
        let (registry, path, new_tag) = chance.of(&IMAGES);
        match chance.below(3) {
            0 => writeln!(text, "      - {name}:{tag}").unwrap(),
            1 => writeln!(text, "      - {name}={registry}/{path}:{new_tag}").unwrap(),
            _ => {}
        }
    }
    text
}

/// Returns the kustomization that has the same effect as the document.
fn emulated(document: &str) -> String {
    let lines: Vec<&str> = document.lines().collect();
    let path = lines
        .iter()
        .find_map(|line| line.trim().strip_prefix("path: "));
    let path = path.unwrap().trim_start_matches("./");
    let mut text = format!("resources: [../{path}]\n");
    if document.contains("argoproj.io") {
        text += "images:\n";
        for image in lines
            .iter()
            .filter_map(|line| line.strip_prefix("      - "))
        {
            let (old, new) = image.split_once('=').unwrap_or((image, image));
            let (new, tag) = new.rsplit_once(':').unwrap();
            let old = old.strip_suffix(&format!(":{tag}")).unwrap_or(old);
            write!(
                text,
                "- name: {old}\n  newName: {new}\n  newTag: \"{tag}\"\n"
            )
            .unwrap();
        }
        return text;
    }
    let laid = lines.iter().skip_while(|line| !line.starts_with("  prune"));
    for line in laid.skip(1) {
        writeln!(text, "{}", &line[2..]).unwrap();
    }
    text
}

/// Returns the resulting image of each pod.
fn rendered(folder: &Path) -> BTreeMap<String, String> {
    let document = fs::read_to_string(folder.join(DOCUMENT)).unwrap();
    let build = folder.join("build");
    fs::create_dir(&build).unwrap();
    fs::write(build.join("kustomization.yaml"), emulated(&document)).unwrap();
    let mut command = Command::new("kubectl");
    command.arg("kustomize").arg(&build);
    let output = command.stdin(Stdio::null()).output().unwrap();
    fs::remove_dir_all(&build).unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}\n{}", shown(folder));
    images_of(&String::from_utf8_lossy(&output.stdout))
}

#[test]
fn images_under_generated_layers_stay_or_become_what_their_rule_says() {
    if !has_kubectl() {
        return;
    }
    let mut moves = Moves::default();
    for seed in 0..CASES {
        let tree = tree(seed);
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path(), &tree);
        let before = rendered(folder.path());
        let wanted = alone(&before.values().cloned().collect(), &["--unsafe-fixes"]);
        // The whole tree, the folder of the document alone, and that of the manifests alone.
        for (flags, root) in [
            (&[][..], "."),
            (&["--unsafe-fixes"], "."),
            (&[], "clusters"),
            (&[], "apps"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            fill(folder.path(), &tree);
            fs::create_dir(folder.path().join(".git")).unwrap();
            let write = [&["--write", "--no-config"], flags, &[root]].concat();
            run(folder.path(), &write);
            let once = files(folder.path());
            let after = rendered(folder.path());
            let what = format!("{seed} {flags:?} {root}");
            let between = Moves::between(&before, &after, &wanted, &what, folder.path());
            if root == "." {
                moves += between;
            }
            run(folder.path(), &write);
            assert!(
                once == files(folder.path()),
                "{seed}: a second run changes something"
            );
        }
    }
    moves.are_most();
}
