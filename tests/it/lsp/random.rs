//! Thousands of random edits: the server must end up with the editor's text, and report what a new run finds in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::editor::{Editor, able};
use crate::common::{folder, run, stdout};

const EDITS: usize = 10_000;
const CHECKS: usize = 50;

/// The growth of memory, in KiB, that is allowed in the second half of the edits: the allocator returns some of it late.
const MORE: usize = 16 << 10;

/// Files of a chart and of kustomizations that belong together, and a single file.
const FILES: [(&str, &str); 7] = [
    (
        "chart/Chart.yaml",
        "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    ),
    (
        "chart/values.yaml",
        "# ä𝒳\nimage:\n  registry: k8s.gcr.io\n  repository: pause\n  tag: \"3.9\"\nside: bitnami/redis:7.0.1\n",
    ),
    (
        "chart/templates/pod.yaml",
        "kind: Pod\nspec:\n  containers:\n    - image: {{ .Values.image.registry }}/{{ .Values.image.repository }}:{{ .Values.image.tag }}\n    - image: k8s.gcr.io/pause:3.1\n",
    ),
    ("base/kustomization.yaml", "resources: [pod.yaml]\n"),
    (
        "base/pod.yaml",
        "kind: Pod\r\nspec:\r\n  containers:\r\n    - image: k8s.gcr.io/pause:3.9\r\n",
    ),
    (
        "overlay/kustomization.yaml",
        "resources: [../base]\nimages:\n  - name: k8s.gcr.io/pause\n    newTag: \"3.8\"\n",
    ),
    ("alone.yaml", "a: 𝒳𝒳 k8s.gcr.io\nimage: k8s.gcr.io/ä\n"),
];

/// Texts that are typed and pasted.
const PIECES: [&str; 19] = [
    "k8s.gcr.io/",
    "image: ",
    "\n",
    "\r\n",
    "  ",
    "- ",
    "ä",
    "𝒳",
    "\"",
    "#",
    "bitnami/redis:7",
    ": ",
    "x",
    "{{ ",
    " }}",
    "# regfix: ignore[k8s-gcr-io]",
    "quay.io/coreos/etcd:v3",
    "pause:3.9\n    - image: k8s.gcr.io/pause:3.2\n",
    "\n- image: k8s.gcr.io/pause:3.2\n",
];

/// A generator of pseudo-random numbers, the same in each run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }
}

fn boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) || text[..at].ends_with('\r') && text[at..].starts_with('\n') {
        at -= 1;
    }
    at
}

/// Edits a document once; long documents shrink again.
fn edit(editor: &mut Editor, dice: &mut Dice, name: &str) {
    let text = editor.text(name).to_owned();
    let start = boundary(&text, dice.throw(text.len() + 1));
    let most = if text.len() > 1500 { 300 } else { 12 };
    let end = boundary(&text, (start + dice.throw(most)).min(text.len())).max(start);
    let with = match dice.throw(5) {
        0 => "",
        _ => PIECES[dice.throw(PIECES.len())],
    };
    editor.edit(name, start, end, with);
}

/// Returns the findings of a new run on the files on disk.
fn fresh(folder: &Path) -> BTreeMap<String, Vec<(String, usize, usize)>> {
    let report: Value = serde_json::from_str(&stdout(&run(folder, &["--format", "json"]))).unwrap();
    let number = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
    let files = report["files"].as_array().unwrap().iter().map(|file| {
        let mut found: Vec<_> = file["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                let at = &one["spans"][0];
                let rule = one["rule"].as_str().unwrap().to_owned();
                (rule, number(&at["line"]), number(&at["column"]))
            })
            .collect();
        found.sort();
        (file["path"].as_str().unwrap().to_owned(), found)
    });
    files.collect()
}

/// Returns the findings that are shown. Problems have no rule and are left out.
fn shown(editor: &mut Editor, name: &str) -> Vec<(String, usize, usize)> {
    let mut found = editor.found(name);
    found.retain(|(rule, ..)| !rule.is_empty());
    found
}

#[test]
fn after_any_edits_what_is_shown_is_what_a_new_run_finds() {
    for (at, encoding) in ["utf-16", "utf-8", "utf-32"].into_iter().enumerate() {
        let folder = folder(&FILES);
        let mut editor = Editor::start_with(
            folder.path(),
            &[],
            able(&[encoding, "utf-16"]),
            &["."],
            Value::Null,
        );
        assert_eq!(editor.units, encoding);
        for (name, text) in FILES {
            editor.open(name, text);
        }
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15 + at as u64);
        let mut seen = 0;
        let mut before = None;
        for round in 0..CHECKS {
            for _ in 0..EDITS / CHECKS / 3 {
                let (name, _) = FILES[dice.throw(FILES.len())];
                edit(&mut editor, &mut dice, name);
            }
            // Most rounds start from the original files, because the edits soon leave nothing that is YAML.
            if round % 4 > 0 {
                for (name, text) in FILES {
                    let end = editor.text(name).len();
                    editor.edit(name, 0, end, text);
                    (0..3 * round % 8).for_each(|_| edit(&mut editor, &mut dice, name));
                }
            }
            for (name, _) in FILES {
                fs::write(folder.path().join(name), editor.text(name)).unwrap();
            }
            if round == CHECKS / 2 {
                before = editor.memory();
            }
            let fresh = fresh(folder.path());
            for (name, _) in FILES {
                let expected = fresh.get(name).cloned().unwrap_or_default();
                seen += expected.len();
                let text = editor.text(name).to_owned();
                assert_eq!(
                    shown(&mut editor, name),
                    expected,
                    "{name} in round {round}:\n{text}"
                );
            }
        }
        // The server keeps only open documents, however long they are edited.
        if let (Some(before), Some(after)) = (before, editor.memory()) {
            assert!(after < before + MORE, "{before} KiB grew to {after} KiB");
        }
        assert!(seen > 100, "there is something to find: {seen}");
        editor.stop();
    }
}
