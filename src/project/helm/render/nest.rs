//! The data that the templates of each chart receive: `.Values`, `.Chart`, `.Files` and the rest.

use std::rc::Rc;

use super::super::coalesce::Layered;
use super::super::coalesce::read_whole;
use super::super::effective::ChartNode;
use super::super::values::{self, Leaf, Table};
use super::Release;
use super::chart::File;
use super::context::Context;
use super::data::{self, Located};
use super::fault::Result;
use super::text::{Origin, OriginKind, Source, Text};
use super::value::{Entries, ListType, Map, MapType, Struct, Value};
use crate::source::Span;

/// A template of a chart, and its data.
pub(super) struct Template {
    /// Its name in Helm: `root/charts/sub/templates/a.yaml`.
    pub name: String,
    pub file: usize,
    pub dot: Map,
    /// The folder of the chart's templates.
    base: String,
}

impl Template {
    /// Sets `.Template`, as Helm does before it runs a template.
    pub(super) fn announce(&self, context: &Context) -> Result<()> {
        let entries = [
            ("Name".into(), Value::computed(&self.name)),
            ("BasePath".into(), Value::computed(&self.base)),
        ];
        self.dot
            .insert("Template".into(), context.map(entries.into())?);
        Ok(())
    }
}

pub(super) struct Nest<'c> {
    pub context: &'c Context,
    /// The files of the charts, followed by the user's values files.
    pub files: &'c [&'c File],
    pub release: &'c Release,
    pub templates: Vec<Template>,
    /// The CRD files, which Helm installs first.
    pub crds: Vec<(String, usize)>,
    /// The Kubernetes version constraint of the root.
    pub kube_version: String,
}

/// The scalars of files, which origins refer to by index.
struct InFiles<'c>(&'c [&'c File]);

impl Located for InFiles<'_> {
    fn raw(&self, leaf: &Leaf) -> &str {
        self.0.get(leaf.origin.file).map_or("", |file| file.text())
    }

    fn part(&self, leaf: &Leaf, span: Span) -> Text {
        let origin = Origin::new(OriginKind::Value, leaf.origin.file, span, true);
        Text::from_source(span.of(self.raw(leaf)).as_bytes(), Source::Written(origin))
    }

    fn whole(&self, leaf: &Leaf) -> Source {
        let origin = Origin::new(OriginKind::Value, leaf.origin.file, leaf.origin.span, false);
        Source::Written(origin)
    }
}

impl Nest<'_> {
    /// Builds the data for the root and everything below it.
    pub(super) fn build(&mut self, chart: &Layered<ChartNode>, values: Table) -> Result<()> {
        let path = Some(self.context.recorder.path(None, ""));
        let values = values::Value::table(values);
        let values = data::value(self.context, &values, &InFiles(self.files), path)?;
        let release = self.release_map()?;
        let capabilities = self.capabilities()?;
        self.chart(chart, values, &chart.name, &release, &capabilities, true)?;
        // Helm parses and runs the deepest templates first, in reverse order of names within a depth.
        let depth = |name: &str| name.matches('/').count();
        self.templates.sort_by(|one, other| {
            (depth(&other.name), &other.name).cmp(&(depth(&one.name), &one.name))
        });
        Ok(())
    }

    fn chart(
        &mut self,
        chart: &Layered<ChartNode>,
        values: Value,
        path: &str,
        release: &Value,
        capabilities: &Value,
        is_root: bool,
    ) -> Result<Value> {
        let own = &chart.of.chart;
        let about = self.metadata(chart, is_root)?;
        let is_library = matches!(about.get("Type"), Some(Value::Text(of)) if of.bytes().eq_ignore_ascii_case(b"library"));
        if is_root && let Some(Value::Text(wanted)) = about.get("KubeVersion") {
            self.kube_version = wanted.to_str().into_owned();
        }
        let files = self.plain_files(&own.templates);
        let mut subcharts = Entries::new();
        for child in &chart.children {
            let inner = values.as_map().and_then(|values| values.get(&child.name));
            let inner = match inner {
                Some(inner @ Value::Map(_)) => inner,
                _ => self.context.map(Entries::new())?,
            };
            let path = format!("{path}/charts/{}", child.name);
            let made = self.chart(child, inner, &path, release, capabilities, false)?;
            subcharts.insert(child.name.as_str().into(), made);
        }
        let entries: Entries = [
            ("Chart", Value::Map(about)),
            ("Files", files),
            ("Release", release.clone()),
            ("Capabilities", capabilities.clone()),
            ("Values", values),
            ("Subcharts", self.context.map(subcharts)?),
        ]
        .into_iter()
        .map(|(name, value)| (name.into(), value))
        .collect();
        let dot = self.context.heap.map(entries, MapType::Any, None);
        for number in &own.templates {
            let file = self.files[*number];
            let base = file.name.rsplit('/').next().unwrap_or_default();
            let name = format!("{path}/{}", file.name);
            let is_run = !is_library || base.starts_with('_');
            if file.name.starts_with("templates/") && is_run {
                self.templates.push(Template {
                    name,
                    file: *number,
                    dot: dot.clone(),
                    base: format!("{path}/templates"),
                });
            } else if is_crd(&file.name) {
                self.crds.push((name, *number));
            }
        }
        Ok(Value::Map(dot))
    }

    /// Builds `.Files`: all files except templates and the chart's own metadata.
    fn plain_files(&self, numbers: &[usize]) -> Value {
        let mut entries = Entries::new();
        let apis = numbers.iter().any(|number| {
            let file = self.files[*number];
            file.name == "Chart.yaml" && !is_version_1(file.text())
        });
        for number in numbers {
            let file = self.files[*number];
            let name = file.name.as_str();
            let own = matches!(
                name,
                "Chart.yaml" | "Chart.lock" | "values.yaml" | "values.schema.json"
            );
            let old = apis && matches!(name, "requirements.yaml" | "requirements.lock");
            if own || old || name.starts_with("templates/") {
                continue;
            }
            let span = Span::new(0, file.bytes().len());
            let origin = Origin::new(OriginKind::Template, *number, span, true);
            let text = Text::from_source(file.bytes(), Source::Written(origin));
            entries.insert(name.into(), Value::Text(text));
        }
        Value::Map(self.context.heap.map(entries, MapType::Files, None))
    }

    /// Builds `.Chart`: the fields of `Chart.yaml` by their Go names, empty if they are not set.
    fn metadata(&self, chart: &Layered<ChartNode>, is_root: bool) -> Result<Map> {
        let numbers = &chart.of.chart.templates;
        let number = numbers
            .iter()
            .find(|number| self.files[**number].name == "Chart.yaml");
        let table = number.and_then(|number| read_whole(self.files[*number].text(), *number).ok());
        let table = table.unwrap_or_default();
        let read = |key: &str| match table.get(key) {
            Some(value) => data::value(self.context, value, &InFiles(self.files), None),
            None => Ok(Value::Nil),
        };
        let text = |key: &str| Ok(as_text(read(key)?));
        let mut entries = Entries::new();
        for (field, key) in [
            ("Home", "home"),
            ("Version", "version"),
            ("Description", "description"),
            ("Icon", "icon"),
            ("APIVersion", "apiVersion"),
            ("Condition", "condition"),
            ("Tags", "tags"),
            ("AppVersion", "appVersion"),
            ("KubeVersion", "kubeVersion"),
            ("Type", "type"),
        ] {
            entries.insert(field.into(), text(key)?);
        }
        let name = match chart.name == chart.of.chart.metadata.name {
            true => text("name")?,
            false => Value::computed(&chart.name),
        };
        entries.insert("Name".into(), name);
        let deprecated = matches!(read("deprecated")?, Value::Bool(true, _));
        entries.insert("Deprecated".into(), Value::bool(deprecated));
        entries.insert("IsRoot".into(), Value::bool(is_root));
        for (field, key) in [("Sources", "sources"), ("Keywords", "keywords")] {
            let items = match read(key)? {
                Value::List(list) => list.items().iter().cloned().map(as_text).collect(),
                _ => Vec::new(),
            };
            entries.insert(field.into(), data::flat_list(items));
        }
        entries.insert(
            "Maintainers".into(),
            self.maintainers(read("maintainers")?)?,
        );
        entries.insert("Dependencies".into(), self.dependencies(chart)?);
        let mut notes = Entries::new();
        if let Value::Map(map) = read("annotations")? {
            let all = map.entries();
            notes.extend(
                all.iter()
                    .map(|(key, value)| (Rc::clone(key), as_text(value.clone()))),
            );
        }
        let notes = self.context.heap.map(notes, MapType::Texts, None);
        entries.insert("Annotations".into(), Value::Map(notes));
        Ok(self.context.heap.map(entries, MapType::Any, None))
    }

    fn maintainers(&self, written: Value) -> Result<Value> {
        let Value::List(list) = written else {
            return self.context.list(Vec::new());
        };
        let one = |item: &Value| {
            let field = |key: &str| {
                as_text(
                    item.as_map()
                        .and_then(|map| map.get(key))
                        .unwrap_or(Value::Nil),
                )
            };
            let entries = [
                ("Name".into(), field("name")),
                ("Email".into(), field("email")),
                ("URL".into(), field("url")),
            ];
            self.context.map(entries.into())
        };
        let all = list.items().iter().map(one);
        self.context.list(all.collect::<Result<_>>()?)
    }

    fn dependencies(&self, chart: &Layered<ChartNode>) -> Result<Value> {
        let all = chart.of.dependencies.iter().flatten().map(|one| {
            let tags = one.tags.iter().map(Value::computed).collect();
            let entries: Entries = [
                ("Name", Value::computed(&one.name)),
                ("Version", Value::computed(&one.version)),
                ("Repository", Value::computed(&one.repository)),
                ("Condition", Value::computed(&one.condition)),
                ("Tags", data::flat_list(tags)),
                ("Enabled", Value::bool(true)),
                ("ImportValues", data::flat_list(Vec::new())),
                (
                    "Alias",
                    Value::computed(one.alias.as_deref().unwrap_or_default()),
                ),
            ]
            .into_iter()
            .map(|(name, value)| (name.into(), value))
            .collect();
            self.context.map(entries)
        });
        self.context.list(all.collect::<Result<_>>()?)
    }

    fn release_map(&self) -> Result<Value> {
        let entries: Entries = [
            ("Name", Value::computed(&self.release.name)),
            ("Namespace", Value::computed(&self.release.namespace)),
            ("IsUpgrade", Value::bool(false)),
            ("IsInstall", Value::bool(true)),
            ("Revision", Value::int(1)),
            ("Service", Value::computed("Helm")),
        ]
        .into_iter()
        .map(|(name, value)| (name.into(), value))
        .collect();
        self.context.map(entries)
    }

    fn capabilities(&self) -> Result<Value> {
        let structure = |of: Struct, fields: &[(&str, Value)]| {
            let fields = fields
                .iter()
                .map(|(name, value)| ((*name).into(), value.clone()));
            Value::Map(
                self.context
                    .heap
                    .map(fields.collect(), MapType::Struct(of), None),
            )
        };
        let text = |text: &str| Value::computed(text);
        let version = self.release.kube_version.trim_start_matches('v');
        let mut numbers = version.split(['.', '-', '+']);
        let (major, minor) = (numbers.next().unwrap_or("1"), numbers.next().unwrap_or("0"));
        let patch = numbers
            .next()
            .filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        let full = format!("v{version}");
        let normal = format!("v{major}.{minor}.{}", patch.unwrap_or("0"));
        let kube = structure(
            Struct::KubeVersion,
            &[
                ("Version", text(&full)),
                ("GitVersion", text(&full)),
                ("String", text(&normal)),
                ("Major", text(major)),
                ("Minor", text(minor)),
            ],
        );
        let helm = structure(
            Struct::HelmVersion,
            &[
                ("Version", text(super::HELM_VERSION)),
                ("GitCommit", text("")),
                ("GitTreeState", text("clean")),
                ("GoVersion", text("go1.25.9")),
                ("KubeClientVersion", text("v1.35")),
            ],
        );
        let known = super::API_VERSIONS.iter().copied();
        let added = self.release.api_versions.iter().map(String::as_str);
        let versions = known.chain(added).map(Value::computed).collect();
        let versions = self.context.list_of(versions, ListType::Versions)?;
        Ok(structure(
            Struct::Capabilities,
            &[
                ("KubeVersion", kube),
                ("APIVersions", versions),
                ("HelmVersion", helm),
            ],
        ))
    }
}

/// Converts a value as Go does when it reads it into a string field.
fn as_text(value: Value) -> Value {
    match value {
        Value::Text(_) => value,
        Value::Bool(..) | Value::Float(..) | Value::Int(..) => {
            super::print::show(&value).map_or(Value::computed(""), Value::Text)
        }
        _ => Value::computed(""),
    }
}

fn is_version_1(about: &str) -> bool {
    read_whole(about, 0).is_ok_and(|table| match table.get("apiVersion") {
        Some(values::Value::Leaf(leaf)) => &*leaf.text == "v1",
        _ => true,
    })
}

fn is_crd(name: &str) -> bool {
    let end = name
        .rsplit('.')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    name.starts_with("crds/") && matches!(end.as_str(), "yaml" | "yml" | "json")
}
