//! A chart with all of its files, from a folder's files or from an archive. Pure: bytes in, charts out.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::archive::{self, Budget};
use super::super::chart::metadata;
use super::super::coalesce::read_whole;
use super::super::given::Given;
use super::super::guard::Guard;
use super::super::load;
use super::super::values::Table;
use super::ignore::Rules;

const VALUES: &str = "values.yaml";

/// Files by their paths within a chart, with `/` as the separator.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A chart that is ready to be rendered, subcharts included.
#[derive(Debug)]
pub struct Chart {
    pub(super) root: Arc<load::Chart>,
    /// The files of all charts. Origins refer to them by index.
    pub(super) files: Vec<File>,
}

/// A file of a chart.
#[derive(Debug)]
pub struct File {
    /// The path from the root's folder: `charts/sub-1.0.0.tgz!sub/values.yaml`.
    pub path: String,
    /// The path within its own chart.
    pub(super) name: String,
    content: Content,
    /// For values: their location in the file, unless they are the whole file.
    given: Option<Given>,
}

#[derive(Debug)]
enum Content {
    Text(String),
    Bytes(Vec<u8>),
}

impl File {
    /// A values file of the user.
    pub fn new(path: &str, bytes: Vec<u8>) -> Self {
        Self {
            path: path.to_owned(),
            name: path.to_owned(),
            content: Content::new(bytes),
            given: None,
        }
    }

    /// Values of a release, in a file with other content.
    pub(in crate::project::helm) fn given(given: &Given, bytes: Vec<u8>) -> Self {
        Self {
            given: Some(given.clone()),
            ..Self::new(&given.file.to_string_lossy(), bytes)
        }
    }

    /// Reads the values; `number` is the index of the file.
    pub(super) fn values(&self, number: usize) -> Result<Table, String> {
        match &self.given {
            Some(given) => given.read(self.text(), number),
            None => read_whole(self.text(), number),
        }
    }

    /// Returns the text; empty if the file is not UTF-8.
    pub fn text(&self) -> &str {
        match &self.content {
            Content::Text(text) => text,
            Content::Bytes(_) => "",
        }
    }

    /// Returns the text, with replacement characters for invalid bytes.
    pub(super) fn shown(&self) -> Cow<'_, str> {
        match &self.content {
            Content::Text(text) => Cow::Borrowed(text),
            Content::Bytes(bytes) => String::from_utf8_lossy(bytes),
        }
    }

    pub fn bytes(&self) -> &[u8] {
        match &self.content {
            Content::Text(text) => text.as_bytes(),
            Content::Bytes(bytes) => bytes,
        }
    }
}

impl Content {
    fn new(bytes: Vec<u8>) -> Self {
        String::from_utf8(bytes).map_or_else(|error| Self::Bytes(error.into_bytes()), Self::Text)
    }
}

impl Chart {
    /// Reads the files of a chart's folder, except those that `.helmignore` lists.
    ///
    /// # Errors
    /// If Helm could not load the chart; in Helm's words.
    pub fn from_folder(mut files: Files) -> Result<Self, String> {
        let ignore = files.get(".helmignore").cloned().unwrap_or_default();
        let rules = Rules::new(&String::from_utf8_lossy(&ignore));
        files.retain(|path, _| !rules.ignores(path));
        Self::new(files)
    }

    fn new(files: Files) -> Result<Self, String> {
        let mut reader = Reader {
            files: Vec::new(),
            budget: Budget::default(),
        };
        let root = reader.chart(files, "")?;
        if instances_are_too_many(&root) {
            return Err(
                "it has more than 1000 dependencies, counting those of its dependencies".to_owned(),
            );
        }
        Ok(Self {
            root,
            files: reader.files,
        })
    }

    /// Replaces the chart's own values; its subcharts stay as they are.
    ///
    /// # Errors
    /// If the text does not parse.
    pub(in crate::project::helm) fn set_values(&mut self, text: &str) -> Result<(), String> {
        let is_own = |file: &File| file.path == VALUES;
        let known = self.files.iter().position(is_own);
        let number = known.unwrap_or(self.files.len());
        let values = read_whole(text, number)?;
        let root = Arc::get_mut(&mut self.root).ok_or("the chart is in use")?;
        root.values = values;
        let file = File::new(VALUES, text.as_bytes().to_vec());
        match self.files.get_mut(number) {
            Some(own) => *own = file,
            None => {
                self.files.push(file);
                root.templates.push(number);
            }
        }
        Ok(())
    }

    pub(in crate::project::helm) fn root(&self) -> &load::Chart {
        &self.root
    }

    pub(in crate::project::helm) fn shared_root(&self) -> Arc<load::Chart> {
        Arc::clone(&self.root)
    }

    /// Returns the file with this name in one of the charts.
    pub(in crate::project::helm) fn file_of(
        &self,
        chart: &load::Chart,
        name: &str,
    ) -> Option<&File> {
        let mut files = chart.templates.iter().map(|number| &self.files[*number]);
        files.find(|file| file.name == name)
    }

    /// Returns the files of all charts, by index.
    pub fn files(&self) -> &[File] {
        &self.files
    }
}

fn instances_are_too_many(root: &Arc<load::Chart>) -> bool {
    load::instances(&root.children, root.metadata.dependencies.as_deref()) > load::MOST_INSTANCES
}

struct Reader {
    files: Vec<File>,
    budget: Budget,
}

impl Reader {
    fn chart(&mut self, files: Files, place: &str) -> Result<Arc<load::Chart>, String> {
        let text = |name: &str| files.get(name).map(|bytes| String::from_utf8_lossy(bytes));
        let Some(about) = text("Chart.yaml") else {
            return Err("Chart.yaml file is missing".to_owned());
        };
        let metadata = metadata(&about, text("requirements.yaml").as_deref())
            .map_err(|error| format!("cannot load Chart.yaml: {error}"))?;
        let mut subcharts: BTreeMap<String, Files> = BTreeMap::new();
        let mut numbers = Vec::new();
        let mut values = Table::new();
        for (name, bytes) in files {
            if let Some(rest) = name.strip_prefix("charts/")
                && !name.ends_with(".prov")
            {
                let (chart, inner) = rest.split_once('/').unwrap_or((rest, ""));
                let files = subcharts.entry(chart.to_owned()).or_default();
                files.insert(inner.to_owned(), bytes);
                continue;
            }
            let number = self.files.len();
            let bytes = match bytes.strip_prefix(b"\xef\xbb\xbf") {
                Some(rest) => rest.to_vec(),
                None => bytes,
            };
            if name == VALUES {
                values = read_whole(&String::from_utf8_lossy(&bytes), number)
                    .map_err(|error| format!("cannot load values.yaml: {error}"))?;
            }
            self.files.push(File {
                path: format!("{place}{name}"),
                name,
                content: Content::new(bytes),
                given: None,
            });
            numbers.push(number);
        }
        let mut children = Vec::new();
        for (name, files) in subcharts {
            children.extend(self.subchart(&name, files, place)?);
        }
        let own = numbers.iter().map(|number| &self.files[*number]);
        let templates = own.filter(|file| file.name.starts_with("templates/"));
        let guard = Guard::of(
            templates.map(File::bytes),
            children.iter().map(|child| &child.guard),
        );
        Ok(Arc::new(load::Chart {
            metadata,
            values,
            children,
            guard,
            templates: numbers,
            of_root: false,
        }))
    }

    fn subchart(
        &mut self,
        name: &str,
        mut files: Files,
        place: &str,
    ) -> Result<Option<Arc<load::Chart>>, String> {
        if name.starts_with(['.', '_']) {
            return Ok(None);
        }
        let wrong = |error: String| format!("error unpacking subchart {name}: {error}");
        let place = format!("{place}charts/{name}");
        if let Some(bytes) = files.remove("") {
            if !name.ends_with(".tgz") {
                return Ok(None);
            }
            let depth = self.budget.depth;
            let unpacked = archive::unpack(&bytes, &mut self.budget, |_| true).map_err(wrong)?;
            self.budget.depth = depth.saturating_sub(1);
            let place = format!("{place}!{}/", unpacked.top);
            let chart = self.chart(unpacked.files, &place).map_err(wrong);
            self.budget.depth = depth;
            return chart.map(Some);
        }
        self.chart(files, &format!("{place}/"))
            .map(Some)
            .map_err(wrong)
    }
}
