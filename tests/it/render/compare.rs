//! One chart rendered by Helm and by regfix, compared document by document.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use regfix::project::helm::render::{self, Chart, Files, Release, Rendered, Source};
use walkdir::WalkDir;

/// The result of a comparison.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Helm does not render the chart. `both` is whether regfix fails too; the texts are the errors.
    Refused {
        both: bool,
        helm: String,
        own: String,
    },
    Equal,
    /// Equal except for parts that differ in every run: random texts, dates, keys.
    EqualButOpaque,
    Different(String),
}

/// Reads the files of a chart's folder.
pub(crate) fn files(folder: &Path) -> Files {
    let mut files = Files::new();
    for entry in WalkDir::new(folder)
        .follow_links(true)
        .into_iter()
        .flatten()
    {
        if !entry.file_type().is_file() {
            continue;
        }
        let Ok(inner) = entry.path().strip_prefix(folder) else {
            continue;
        };
        if let Ok(bytes) = std::fs::read(entry.path()) {
            files.insert(inner.to_string_lossy().replace('\\', "/"), bytes);
        }
    }
    files
}

/// Runs `helm template` as a release named `x`.
pub(crate) fn helm(chart: &Path, values: &[&Path], home: &Path) -> Result<String, String> {
    let mut command = Command::new("helm");
    command
        .arg("template")
        .arg("x")
        .arg(chart)
        .arg("--include-crds");
    for file in values {
        command.arg("-f").arg(file);
    }
    for name in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
        command.env(name, home);
    }
    command.env_remove("KUBECONFIG").stdin(Stdio::null());
    let output = command.output().map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}

/// Renders a folder with regfix.
pub(crate) fn own(chart: &Path, values: &[&Path]) -> Result<Rendered, String> {
    let chart = Chart::from_folder(files(chart))?;
    let values: Vec<_> = values
        .iter()
        .map(|path| {
            render::File::new(
                &path.to_string_lossy(),
                std::fs::read(path).unwrap_or_default(),
            )
        })
        .collect();
    let release = Release {
        name: "x".to_owned(),
        ..Release::default()
    };
    let rendered = render::render(&chart, &values, &release);
    match rendered.errors.first() {
        Some(error) => Err(error.to_string()),
        None => Ok(rendered),
    }
}

/// A document: its text, and the spans that nobody can predict.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Document {
    text: String,
    opaque: Vec<(usize, usize)>,
}

pub(crate) fn compare(chart: &Path, values: &[&Path], home: &Path) -> Verdict {
    let helm = helm(chart, values, home);
    let own = own(chart, values);
    let (helm, own) = match (helm, own) {
        (Ok(helm), Ok(own)) => (helm, own),
        (Err(helm), own) => {
            let both = own.is_err();
            let own = own.err().unwrap_or_default();
            return Verdict::Refused { both, helm, own };
        }
        (Ok(_), Err(own)) => return Verdict::Different(format!("not rendered: {own}")),
    };
    let helm = helm_documents(&helm);
    let own = own_documents(&own);
    let mut opaque = false;
    for name in helm.keys().chain(own.keys()) {
        let one = helm.get(name).map_or(&[][..], Vec::as_slice);
        let other = own.get(name).map_or(&[][..], Vec::as_slice);
        match same(one, other) {
            Some(exact) => opaque |= !exact,
            None => return Verdict::Different(format!("{name}: {}", difference(one, other))),
        }
    }
    match opaque {
        true => Verdict::EqualButOpaque,
        false => Verdict::Equal,
    }
}

/// Whether the documents of one template match: `Some(true)` if exactly, `Some(false)` if only the opaque parts differ,
/// `None` if not.
fn same(helm: &[String], own: &[Document]) -> Option<bool> {
    let mut helm: Vec<&String> = helm.iter().collect();
    helm.sort();
    let mut texts: Vec<&String> = own.iter().map(|document| &document.text).collect();
    texts.sort();
    if helm == texts {
        return Some(true);
    }
    if helm.len() != own.len() {
        return None;
    }
    for document in own {
        let at = helm.iter().position(|text| fits(text, document))?;
        helm.remove(at);
    }
    Some(false)
}

/// Whether a text equals the document outside of its opaque spans.
fn fits(text: &str, document: &Document) -> bool {
    if document.opaque.is_empty() {
        return text == document.text;
    }
    let mut rest = text;
    let mut at = 0;
    for (index, (start, end)) in document.opaque.iter().enumerate() {
        let fixed = &document.text[at..*start];
        let found = match index {
            0 => rest.starts_with(fixed).then_some(0),
            _ => rest.find(fixed),
        };
        let Some(found) = found else {
            return false;
        };
        rest = &rest[found + fixed.len()..];
        at = *end;
    }
    rest.ends_with(&document.text[at..])
}

fn difference(helm: &[String], own: &[Document]) -> String {
    let extra = |text: &&String| !own.iter().any(|document| fits(text, document));
    let Some(one) = helm.iter().find(extra) else {
        return format!("{} documents, not {}", own.len(), helm.len());
    };
    let distance = |document: &&Document| {
        let lines: Vec<&str> = document.text.lines().collect();
        one.lines().filter(|line| !lines.contains(line)).count()
    };
    let Some(other) = own.iter().min_by_key(distance) else {
        return format!("no document like {one:.300}");
    };
    let differ = one
        .lines()
        .zip(lines(other))
        .find(|(one, (other, opaque))| one != other && !opaque);
    let differ = differ.map(|(one, (other, _))| (one, other));
    match differ {
        Some((one, other)) => format!("helm {one:?}, own {other:?}"),
        None => format!(
            "one ends earlier: {} and {} lines, {:?} and {:?}",
            one.lines().count(),
            other.text.lines().count(),
            &one[one.len().saturating_sub(60)..],
            &other.text[other.text.len().saturating_sub(60)..]
        ),
    }
}

/// Returns the lines, and whether each contains an opaque span.
fn lines(document: &Document) -> impl Iterator<Item = (&str, bool)> {
    let mut start = 0;
    document.text.split_inclusive('\n').map(move |line| {
        let (from, to) = (start, start + line.len());
        start = to;
        let touches = |(start, end): &(usize, usize)| *start < to && from < *end;
        (
            line.trim_end_matches('\n'),
            document.opaque.iter().any(touches),
        )
    })
}

/// Returns the documents, by their templates.
fn helm_documents(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut name = String::new();
    for (start, end) in split(text) {
        let mut document = text[start..end].trim_start();
        // Files with resource definitions may start with such a comment themselves.
        let source = document
            .strip_prefix("# Source: ")
            .filter(|rest| !rest.starts_with("http"));
        if let Some(rest) = source {
            let (source, rest) = rest.split_once('\n').unwrap_or((rest, ""));
            source.clone_into(&mut name);
            document = rest;
        }
        let document = document.trim();
        if !document.is_empty() {
            found
                .entry(name.clone())
                .or_default()
                .push(document.to_owned());
        }
    }
    found
}

fn own_documents(rendered: &Rendered) -> BTreeMap<String, Vec<Document>> {
    let mut found: BTreeMap<String, Vec<Document>> = BTreeMap::new();
    for manifest in &rendered.manifests {
        let text = manifest.text.text();
        for (start, end) in split(&text) {
            let document = &text[start..end];
            let from = start + (document.len() - document.trim_start().len());
            let to = start + document.trim_end().len();
            // Helm leaves out hooks that it does not know.
            let written = text[start..end].replace('"', "");
            let unknown =
                !manifest.name.contains("/crds/") && written.contains("helm.sh/hook: crd-install");
            if from >= to || unknown {
                continue;
            }
            let pieces = manifest.text.pieces_in(from, to);
            let opaque = pieces
                .filter(|(.., source)| *source == Source::Opaque)
                .map(|(start, end, _)| (start - from, end - from));
            let document = Document {
                text: text[from..to].to_owned(),
                opaque: opaque.collect(),
            };
            found
                .entry(manifest.name.clone())
                .or_default()
                .push(document);
        }
    }
    found
}

/// Splits at `---` at the start of a line, as Helm does.
fn split(text: &str) -> Vec<(usize, usize)> {
    let mut parts = Vec::new();
    let mut start = 0;
    let begin = text.len() - text.trim_start().len();
    let mut line = begin;
    while line < text.len() {
        if text[line..].starts_with("---") {
            parts.push((start, line));
            let rest = &text[line + 3..];
            start = line + 3 + (rest.len() - rest.trim_start_matches([' ', '\t']).len());
        }
        line = text[line..]
            .find('\n')
            .map_or(text.len(), |at| line + at + 1);
    }
    parts.push((start, text.len()));
    parts
}
