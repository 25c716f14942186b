//! Checks the layers of `ARCHITECTURE.md`: a module imports from lower layers only, and siblings do not import each other
//! in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemUse, UseTree};

/// Modules whose files import each other, and the reason.
const CIRCLES: [(&str, &[&str], &str); 2] = [
    (
        "cli",
        &["args"],
        "the arguments of all commands are one type, which the commands read",
    ),
    (
        "project::helm::render",
        &["context", "eval", "functions"],
        "an interpreter: `include` and `tpl` are functions that evaluate, and evaluating calls functions",
    ),
];

type Module = Vec<String>;
type Uses = BTreeSet<(Module, Module)>;

/// A source file, and the paths that it uses.
#[derive(Default)]
struct Source {
    path: PathBuf,
    text: String,
    /// The paths that its `use` items import, by the name that they get here.
    named: BTreeMap<String, Vec<String>>,
    /// Every path in its code outside of tests.
    paths: BTreeSet<Vec<String>>,
    /// Child modules that are compiled for tests only.
    tests: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Reads all modules below `src` except tests, by their paths in the crate.
fn modules() -> BTreeMap<Module, Source> {
    fn below(folder: &Path, module: &Module, all: &mut BTreeMap<Module, Source>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let own = [module.clone(), vec![name.clone()]].concat();
            if path.is_dir() {
                below(&path, &own, all);
            } else if path.extension().is_some_and(|extension| extension == "rs") && name != "main"
            {
                let own = if name == "lib" { module.clone() } else { own };
                all.insert(own, Source::of(path));
            }
        }
    }
    let mut all = BTreeMap::new();
    below(&root(), &Module::new(), &mut all);
    let tests: Vec<Module> = all
        .iter()
        .flat_map(|(module, source)| {
            let tests = source.tests.iter();
            tests.map(move |test| [&module[..], std::slice::from_ref(test)].concat())
        })
        .collect();
    all.retain(|module, _| !tests.iter().any(|test| module.starts_with(test)));
    all
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is_cfg = attribute.path().is_ident("cfg");
        is_cfg
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|path| path.is_ident("test"))
    })
}

impl Source {
    fn of(path: PathBuf) -> Self {
        let text = std::fs::read_to_string(&path).unwrap();
        let parsed = syn::parse_file(&text).unwrap();
        let mut source = Self {
            path,
            text,
            ..Self::default()
        };
        source.visit_file(&parsed);
        source
    }

    fn add(&mut self, tree: &UseTree, before: &[String]) {
        let with = |ident: &syn::Ident| [before, &[ident.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.add(&path.tree, &with(&path.ident)),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.add(tree, before)),
            UseTree::Name(name) if name.ident == "self" => {
                self.bring(before.last().cloned().unwrap_or_default(), before.to_vec());
            }
            UseTree::Name(name) => self.bring(name.ident.to_string(), with(&name.ident)),
            UseTree::Rename(name) => self.bring(name.rename.to_string(), with(&name.ident)),
            UseTree::Glob(_) => {
                self.paths.insert(before.to_vec());
            }
        }
    }

    fn bring(&mut self, name: String, path: Vec<String>) {
        self.paths.insert(path.clone());
        self.named.insert(name, path);
    }
}

impl<'ast> Visit<'ast> for Source {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Mod(inner) if is_test(&inner.attrs) => self.tests.push(inner.ident.to_string()),
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string());
        self.paths.insert(segments.collect());
        visit::visit_path(self, path);
    }
}

/// Returns the module that defines what a path of another module names. Follows re-exports.
fn target(all: &BTreeMap<Module, Source>, from: &Module, path: &[String]) -> Option<Module> {
    let full = absolute(all, from, path)?;
    let mut full = full;
    for _ in 0..8 {
        let known = (0..=full.len())
            .rev()
            .find(|end| all.contains_key(&full[..*end]))?;
        let (module, rest) = full.split_at(known);
        let module = module.to_vec();
        let Some(next) = rest.first().and_then(|name| all[&module].named.get(name)) else {
            return Some(module);
        };
        let Some(mut next) = absolute(all, &module, next) else {
            return Some(module);
        };
        next.extend_from_slice(&rest[1..]);
        if next == full {
            return Some(module);
        }
        full = next;
    }
    None
}

fn absolute(all: &BTreeMap<Module, Source>, from: &Module, path: &[String]) -> Option<Vec<String>> {
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "self" => Some([from, rest].concat()),
        "super" => {
            let ups = path.iter().take_while(|part| *part == "super").count();
            let above = from.get(..from.len().checked_sub(ups)?)?;
            Some([above, &path[ups..]].concat())
        }
        child => {
            let own = [&from[..], &[child.to_owned()]].concat();
            all.contains_key(&own).then(|| [from, path].concat())
        }
    }
}

/// All modules, and which uses which. Reading them takes a while, so the tests share them.
static READ: LazyLock<(BTreeMap<Module, Source>, Uses)> = LazyLock::new(|| {
    let all = modules();
    let uses = uses(&all);
    (all, uses)
});

/// Returns the file of each module, and its text.
pub(crate) fn sources() -> impl Iterator<Item = (&'static Path, &'static str)> {
    let sources = READ.0.values();
    sources.map(|source| (source.path.as_path(), source.text.as_str()))
}

fn uses(all: &BTreeMap<Module, Source>) -> Uses {
    let pairs = all.iter().flat_map(|(from, source)| {
        let targets = source.paths.iter();
        targets.filter_map(move |path| Some((from.clone(), target(all, from, path)?)))
    });
    pairs.filter(|(from, to)| from != to).collect()
}

/// Reads the layer of each module from `ARCHITECTURE.md`.
fn layers() -> BTreeMap<String, u32> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut layers = BTreeMap::new();
    for line in page.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let Some(Ok(layer)) = cells.get(1).map(|cell| cell.parse::<u32>()) else {
            continue;
        };
        for module in cells[2].split(',') {
            let known = layers.insert(module.trim().trim_matches('`').to_owned(), layer);
            assert!(known.is_none(), "{module} is in two rows");
        }
    }
    layers
}

#[test]
fn imports_point_to_lower_layers() {
    let layers = layers();
    let (all, uses) = &*READ;
    for module in all.keys().filter_map(|module| module.first()) {
        assert!(
            layers.contains_key(module),
            "ARCHITECTURE.md has no layer for {module}"
        );
    }
    let mut seen = 0;
    for (from, to) in uses {
        let (Some(above), Some(below)) = (from.first(), to.first()) else {
            continue;
        };
        seen += 1;
        assert!(
            above == below || layers[below] < layers[above],
            "{} imports {}",
            from.join("::"),
            to.join("::")
        );
    }
    assert!(seen > 500, "only {seen} imports were found");
}

#[test]
fn the_map_names_modules_that_exist() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md");
    let page = std::fs::read_to_string(page).unwrap();
    let quoted = page.split('`').skip(1).step_by(2);
    let paths = quoted.filter(|text| text.contains("::"));
    let mut seen = 0;
    for path in paths {
        let parts = path.split("::").map(str::to_owned);
        let module: Module = parts
            .filter(|part| !part.starts_with(char::is_uppercase))
            .collect();
        assert!(
            READ.0.contains_key(&module),
            "there is no module for {path}"
        );
        seen += 1;
    }
    assert!(seen > 10);
}

#[test]
fn siblings_do_not_import_each_other_in_a_circle() {
    let mut graphs: BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for (from, to) in &READ.1 {
        let common = from
            .iter()
            .zip(to)
            .take_while(|(one, other)| one == other)
            .count();
        if let (Some(one), Some(other)) = (from.get(common), to.get(common)) {
            let graph = graphs.entry(from[..common].to_vec()).or_default();
            graph.entry(one.clone()).or_default().insert(other.clone());
        }
    }
    let mut circles = Vec::new();
    let mut needed = BTreeSet::new();
    for (parent, mut graph) in graphs {
        let parent = parent.join("::");
        if let Some((name, allowed, _)) = CIRCLES.iter().find(|(name, ..)| *name == parent)
            && has_circle(&graph)
        {
            needed.insert(*name);
            for module in *allowed {
                graph.remove(*module);
            }
        }
        while let Some(leaf) = leaf(&graph) {
            graph.remove(&leaf);
        }
        if !graph.is_empty() {
            circles.push(format!("{parent}: {graph:?}"));
        }
    }
    assert!(circles.is_empty(), "{circles:#?}");
    assert_eq!(
        needed.len(),
        CIRCLES.len(),
        "an exception is not needed any more"
    );
}

fn has_circle(graph: &BTreeMap<String, BTreeSet<String>>) -> bool {
    let mut graph = graph.clone();
    while let Some(leaf) = leaf(&graph) {
        graph.remove(&leaf);
    }
    !graph.is_empty()
}

/// Returns a module that uses none of the remaining modules, or that none of them uses.
fn leaf(graph: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    let is_leaf = |(name, uses): &(&String, &BTreeSet<String>)| {
        let uses_none = uses.iter().all(|used| !graph.contains_key(used));
        let is_used = graph.values().any(|uses| uses.contains(*name));
        uses_none || !is_used
    };
    graph.iter().find(is_leaf).map(|(name, _)| name.clone())
}
