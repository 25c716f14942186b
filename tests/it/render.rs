//! Charts rendered by regfix and by real Helm give the same text, document by document. Skipped, with a message, if there
//! is no `helm`.
//!
//! Compares all charts of the fixtures, random charts, and the charts in the folder that `REGFIX_CORPUS` names.

pub(crate) mod compare;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use walkdir::WalkDir;

use crate::common::{files, fill, packed, run, stdout};
use crate::corpus::corpus;
use compare::{Verdict, compare};

#[allow(clippy::print_stdout, reason = "a test that is skipped says so")]
pub(crate) fn has_helm() -> bool {
    let found = Command::new("helm").arg("version").output().is_ok();
    if !found {
        println!("skipped: there is no helm");
    }
    found
}

/// Returns the charts below a folder that are not subcharts of others.
fn charts(folder: &Path) -> Vec<PathBuf> {
    let is_chart = |path: &Path| path.join("Chart.yaml").is_file();
    let below = WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .flatten();
    let found = below.filter(|entry| entry.file_type().is_dir() && is_chart(entry.path()));
    let found = found.map(walkdir::DirEntry::into_path);
    let is_subchart = |path: &PathBuf| {
        let above = path.ancestors().nth(2);
        path.parent()
            .is_some_and(|folder| folder.ends_with("charts"))
            && above.is_some_and(is_chart)
    };
    found.filter(|path| !is_subchart(path)).collect()
}

/// The results of comparing several charts.
#[derive(Debug, Default)]
struct Count {
    equal: usize,
    opaque: usize,
    refused: usize,
    different: Vec<String>,
}

fn compare_all(charts: &[PathBuf]) -> Count {
    let home = tempfile::tempdir().unwrap();
    let mut count = Count::default();
    for chart in charts {
        match compare(chart, &[], home.path()) {
            Verdict::Equal => count.equal += 1,
            Verdict::EqualButOpaque => count.opaque += 1,
            Verdict::Refused { .. } => count.refused += 1,
            Verdict::Different(how) => count.different.push(format!("{}: {how}", chart.display())),
        }
    }
    count
}

#[test]
fn fixtures_render_as_in_helm() {
    if !has_helm() {
        return;
    }
    let folder = packed_fixtures();
    let count = compare_all(&charts(folder.path()));
    assert!(count.different.is_empty(), "{:#?}", count.different);
    assert!(count.equal > 20, "{count:?}");
}

/// Copies the input of all fixtures, and packs the archives of their charts.
fn packed_fixtures() -> tempfile::TempDir {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let folder = tempfile::tempdir().unwrap();
    for fixture in fs::read_dir(fixtures).unwrap() {
        let fixture = fixture.unwrap();
        let input = fixture.path().join("in");
        fill(
            &folder.path().join(fixture.file_name()),
            &packed(files(&input)),
        );
    }
    folder
}

#[test]
#[allow(
    clippy::print_stdout,
    reason = "what came of the corpus is worth knowing"
)]
fn the_corpus_renders_as_in_helm() {
    let Some(folder) = corpus().filter(|_| has_helm()) else {
        return;
    };
    let count = compare_all(&charts(&folder));
    println!(
        "{} charts are equal, {} but for random texts and dates; {} are not rendered by Helm",
        count.equal, count.opaque, count.refused
    );
    let rendered = count.equal + count.opaque + count.different.len();
    assert!(
        count.different.len() * 100 <= rendered,
        "{:#?}",
        count.different
    );
}

/// Returns the names of the listed images, without tags.
fn names(listed: &str) -> BTreeSet<String> {
    let json: serde_json::Value = serde_json::from_str(listed).unwrap();
    let images = json["images"].as_array().unwrap().iter();
    images
        .map(|image| image["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Charts whose images are not listed as Helm renders them, and the reason.
const UNLISTED: [(&str, &str); 2] = [
    (
        "charts-globals",
        "images of subcharts are listed by their values: that a template puts a global registry before one is not seen",
    ),
    (
        "charts-unjudged",
        "the keys of a packaged subchart's values do not say that they make an image: its name is listed as not judged",
    ),
];

/// Returns how many images Helm renders, and those that `regfix images` does not list. Charts that Helm does not render are
/// skipped. It is not an error to list more: images that are disabled by default, or that no template reads.
fn compare_images(charts: &[PathBuf]) -> (usize, Vec<String>) {
    let home = tempfile::tempdir().unwrap();
    let (mut images, mut missing) = (0, Vec::new());
    let is_known = |chart: &Path| UNLISTED.iter().any(|(name, _)| chart.ends_with(name));
    for chart in charts.iter().filter(|chart| !is_known(chart)) {
        let Ok(text) = compare::helm(chart, &[], home.path()) else {
            continue;
        };
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("rendered.yaml"), text).unwrap();
        let list = |folder: &Path| {
            names(&stdout(&run(
                folder,
                &["images", "--no-config", "--format", "json"],
            )))
        };
        let (wanted, found) = (list(folder.path()), list(chart));
        images += wanted.len();
        missing.extend(
            wanted
                .difference(&found)
                .map(|name| format!("{}: {name}", chart.display())),
        );
    }
    (images, missing)
}

#[test]
fn images_of_fixtures_are_those_that_helm_renders() {
    if !has_helm() {
        return;
    }
    let folder = packed_fixtures();
    let (images, missing) = compare_images(&charts(folder.path()));
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(images > 40, "{images}");
}

#[test]
#[allow(
    clippy::print_stdout,
    reason = "what came of the corpus is worth knowing"
)]
fn images_of_the_corpus_are_those_that_helm_renders() {
    let Some(folder) = corpus().filter(|_| has_helm()) else {
        return;
    };
    let (images, missing) = compare_images(&charts(&folder));
    println!("{images} images; {} are not listed", missing.len());
    assert!(missing.len() * 100 <= images, "{missing:#?}");
}

/// A generator of pseudo-random numbers, the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.roll(all.len())]
    }
}

/// Scalars that are read, printed and quoted in different ways.
const SCALARS: [&str; 34] = [
    "k8s.gcr.io/pause:3.1",
    "\"\"",
    "~",
    "true",
    "\"true\"",
    "off",
    "\"off\"",
    "1",
    "\"1\"",
    "1.10",
    "\"1.10\"",
    "1000000",
    "1.5e9",
    "0x1f",
    "010",
    "\"010\"",
    "1_000",
    "12:30",
    "\"12:30\"",
    "2020-01-01",
    "\"2020-01-01\"",
    "'a: b'",
    "'# no'",
    "'- x'",
    "'it''s'",
    "\"tab\\tx\\u00e9\\U0001F600\"",
    "\"two\\nlines\\n\"",
    "\"two\\n\\n  lines\"",
    "\" edges \"",
    "'<a href=\"x\">&</a>'",
    "\"many words many words many words many words many words many words many words many words many words\"",
    "'{{ .Values.s }}/x'",
    "-0.5",
    "'*'",
];

/// Generates a values file: scalars under `s`, and under letters in maps and lists.
fn values(dice: &mut Dice) -> String {
    let mut out = format!("s: {}\n", dice.pick(&["k8s.gcr.io", "plain", "'x y'"]));
    for name in ["a", "b", "c", "d"] {
        out += &format!("{name}: {}\n", dice.pick(&SCALARS));
    }
    out += "m:\n";
    for name in ["a2", "a10", "B", "_x", "k-1", "k.2", "\"on\"", "z"] {
        if dice.roll(3) > 0 {
            out += &format!("  {name}: {}\n", dice.pick(&SCALARS));
        }
    }
    out += &format!(
        "  in: {{p: {}, q: [{}, {}]}}\n",
        dice.pick(&SCALARS),
        dice.pick(&SCALARS),
        dice.pick(&SCALARS)
    );
    out += "l:\n";
    for _ in 0..dice.roll(4) {
        out += &format!("- {}\n", dice.pick(&SCALARS));
    }
    out += &format!(
        "- [{}]\n- {{n: {}}}\n",
        dice.pick(&SCALARS),
        dice.pick(&SCALARS)
    );
    out
}

/// Generates an expression of any type. Merged maps are copied first: a map that contains itself makes Helm loop endlessly.
fn any(dice: &mut Dice, depth: usize) -> String {
    if depth == 0 {
        let path = dice.pick(&[
            "s", "a", "b", "c", "d", "m", "l", "m.in", "m.in.q", "missing",
        ]);
        return match dice.roll(4) {
            0 => "\"lit/x:1\"".to_owned(),
            1 => dice
                .pick(&["1", "2.5", "true", "`raw \"x\"`", "-3"])
                .to_owned(),
            _ => format!(".Values.{path}"),
        };
    }
    let next = depth - 1;
    match dice.roll(14) {
        0 => format!("(list {} {})", any(dice, next), any(dice, next)),
        1 => format!("(dict \"k\" {} \"z\" {})", any(dice, next), any(dice, next)),
        2 => format!("({} | toYaml | fromYaml)", map(dice, next)),
        3 => format!(
            "(merge (deepCopy {}) (deepCopy {}))",
            map(dice, next),
            map(dice, next)
        ),
        4 => format!(
            "(mergeOverwrite (deepCopy {}) (deepCopy {}))",
            map(dice, next),
            map(dice, next)
        ),
        5 => format!("(default {} {})", any(dice, next), any(dice, next)),
        6 => format!(
            "(ternary {} {} {})",
            any(dice, next),
            any(dice, next),
            truth(dice, next)
        ),
        7 => format!("(coalesce {} {})", any(dice, next), any(dice, next)),
        8 => format!("(or {} {})", any(dice, next), any(dice, next)),
        9 => format!("(and {} {})", any(dice, next), any(dice, next)),
        10 => format!("(add {} {} 3)", any(dice, next), any(dice, next)),
        11 => format!("(int {})", any(dice, next)),
        12 => format!("(splitList \"/\" {})", text(dice, next)),
        _ => text(dice, next),
    }
}

fn map(dice: &mut Dice, depth: usize) -> String {
    match dice.roll(5) {
        0 => "(deepCopy .Values.m)".to_owned(),
        1 => format!("(dict \"in\" {})", any(dice, depth)),
        2 => "(pick .Values.m \"in\" \"B\")".to_owned(),
        3 => "(omit .Values.m \"B\" \"z\")".to_owned(),
        _ => format!(
            "(dict \"a2\" {} \"in\" (dict \"p\" {}))",
            any(dice, depth),
            text(dice, depth)
        ),
    }
}

fn truth(dice: &mut Dice, depth: usize) -> String {
    match dice.roll(5) {
        0 => format!("(empty {})", any(dice, depth)),
        1 => format!("(contains \"a\" {})", text(dice, depth)),
        2 => format!("(eq {} {})", text(dice, depth), text(dice, depth)),
        3 => format!("(kindIs \"map\" {})", any(dice, depth)),
        _ => format!("(regexMatch \"^[\\\\w-\\\\.]+$\" {})", text(dice, depth)),
    }
}

/// Generates an expression that yields a string.
fn text(dice: &mut Dice, depth: usize) -> String {
    if depth == 0 {
        return dice
            .pick(&[
                ".Values.s",
                "\"a/b:c\"",
                "(toString .Values.a)",
                "(.Values.b | toString)",
            ])
            .to_owned();
    }
    let next = depth - 1;
    let inner = text(dice, next);
    match dice.roll(24) {
        0 => format!(
            "(printf \"%s-%v %5d|%-6s|%q\" {inner} {} 7 {} {inner})",
            any(dice, next),
            text(dice, next)
        ),
        1 => format!("(quote {inner} {})", any(dice, next)),
        2 => format!("(squote {inner} {})", any(dice, next)),
        3 => format!("(trunc {} {inner})", dice.pick(&["3", "-3", "50", "0"])),
        4 => format!("(replace \"a\" {} {inner})", text(dice, next)),
        5 => format!("(trimSuffix \"c\" {inner})"),
        6 => format!("(trimAll \"a/ \" {inner})"),
        7 => format!("(nindent 3 {inner})"),
        8 => format!("(indent 2 {inner})"),
        9 => format!("(toYaml {})", any(dice, next)),
        10 => format!("(toJson {})", any(dice, next)),
        11 => format!("(toPrettyJson {})", any(dice, next)),
        12 => format!("(b64enc {inner} | b64dec)"),
        13 => format!("(sha256sum {inner})"),
        14 => format!("(regexReplaceAll \"([a-z])([^a-z])\" {inner} \"${{2}}<$1>\")"),
        15 => format!("(join \"+\" {})", any(dice, next)),
        16 => format!("(cat {inner} {})", any(dice, next)),
        17 => format!("(upper {inner} | title)"),
        18 => format!("(tpl {inner} .)"),
        19 => format!("(include \"show\" {})", any(dice, next)),
        20 => format!("(print {} {})", any(dice, next), any(dice, next)),
        21 => format!("(regexSplit \"[/:]\" {inner} -1 | join \",\")"),
        22 => format!("(lower {inner} | trimPrefix \"k\" | nospace)"),
        _ => format!("(toString {})", any(dice, next)),
    }
}

/// Generates a template of several lines with such expressions. It renders to one document of JSON strings.
fn template(dice: &mut Dice) -> String {
    let mut out = String::new();
    for number in 0..6 {
        out += &format!("v{number}: {{{{ {} | toJson }}}}\n", any(dice, 3));
    }
    out += &format!(
        "w: {{{{ include \"walk\" (dict \"over\" {} \"if\" {}) | toJson }}}}\n",
        any(dice, 1),
        truth(dice, 1)
    );
    out
}

const HELPERS: &str = r#"
{{- define "show" -}}
{{- if kindIs "map" . }}map {{ keys . | sortAlpha | join "," }}{{ else if not . }}nothing{{ else }} {{- . }} {{ end }}
{{- end -}}
{{- define "walk" }}
{{ with .over }}{{ $n := 0 }}{{ if kindIs "slice" . }}{{ range $i, $e := . }}{{ $n = add $n 1 }}
{{ $i }}/{{ $n }}: {{ $e }}{{ else }}none{{ end }}{{ else if kindIs "map" . }}{{ range $k, $v := . }}
{{- $k }}={{ toJson $v }};{{ end }}{{ else }} {{ . -}} {{ end }}{{ else }}nothing{{ end }}
{{- if .if }}
yes{{- end }}
{{ end }}
"#;

#[test]
fn charts_made_by_chance_render_as_in_helm() {
    if !has_helm() {
        return;
    }
    let mut dice = Dice(20_261_128);
    let folder = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    for number in 0..60 {
        let chart = folder.path().join(format!("c{number}"));
        let mut files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
        let about = "apiVersion: v2\nname: c\nversion: 1.0.0\nappVersion: 1.10\n";
        files.insert("Chart.yaml".into(), about.into());
        files.insert("values.yaml".into(), values(&mut dice).into());
        files.insert("templates/_h.tpl".into(), HELPERS.into());
        files.insert("templates/a.yaml".into(), template(&mut dice).into());
        fill(&chart, &files);
        all.push(chart);
    }
    let home = tempfile::tempdir().unwrap();
    let mut equal = 0;
    for chart in &all {
        let shown = || {
            let files = ["values.yaml", "templates/a.yaml"];
            files
                .map(|file| fs::read_to_string(chart.join(file)).unwrap())
                .join("---\n")
        };
        match compare(chart, &[], home.path()) {
            Verdict::Equal => equal += 1,
            // Both report a type error.
            Verdict::Refused { both: true, .. } => {}
            // Helm parses the rendered text as YAML; regfix leaves that to its callers.
            Verdict::Refused { helm, .. } if helm.contains("YAML parse error") => {}
            other => panic!("{other:?}\n{}", shown()),
        }
    }
    assert!(equal * 2 > all.len(), "{equal} of {}", all.len());
}
