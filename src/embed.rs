//! The public interface of the library: check a text, fix a text, or analyse a tree of files that are held in memory.
//!
//! Its types are separate from the internal ones, so that they stay stable while everything below changes. It reads no files,
//! opens no connections and starts no processes.

mod finding;
mod tree;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Zoned;
use jiff::civil::Date;

pub use self::finding::{Finding, Location, Problem, Safety};
use self::tree::ROOT;
pub use self::tree::{Checked, Fixed, FixedTree, Tree};
use crate::config::{self, Config, Found};
use crate::edit::Applicability;
use crate::report::{self, PathBase, RenderOptions};
use crate::rules::RuleSet;
use crate::run::{self, Baselines, Mode, Options, Session, Settings, Source};
use crate::walk::{self, Overlay};

/// The error for a text or a tree that could not be checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration is not valid. The message says where, and what to write instead.
    #[error("{0}")]
    Config(String),
    /// The path of a file is not valid: it must be relative and must not lead out of the tree.
    #[error("{path}: a path must be relative, with `/` and without `..`")]
    Path { path: String },
    /// The date does not exist.
    #[error("there is no such day: {0}")]
    Day(String),
    /// regfix failed on a file. This is a bug in regfix.
    #[error("{0}")]
    Internal(String),
}

/// Checks and fixes texts with a set of rules.
///
/// Creating one is cheap. Each method call prepares the rules, which takes a few milliseconds, so put many files into one
/// [`Tree`] instead of passing them one by one.
///
/// ```
/// let linter = regfix::Linter::new();
/// let pod = "kind: Pod\nspec: {containers: [{name: a, image: k8s.gcr.io/pause:3.9}]}\n";
/// let checked = linter.check_text("pod.yaml", pod)?;
/// let finding = &checked.findings[0];
/// assert_eq!(finding.rule, "k8s-gcr-io");
/// assert_eq!(finding.new.as_deref(), Some("registry.k8s.io/pause:3.9"));
/// assert_eq!(finding.safety, regfix::Safety::Safe);
/// assert_eq!(&pod[finding.location.start..finding.location.end], "k8s.gcr.io/pause");
/// # Ok::<(), regfix::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Linter {
    config: Config,
    today: Date,
}

impl Default for Linter {
    fn default() -> Self {
        Self::new()
    }
}

impl Linter {
    /// Returns a linter with all built-in rules, as of today.
    pub fn new() -> Self {
        Self::of(Config::empty(ROOT))
    }

    /// Returns a linter with the configuration in the text of a `.regfix.yaml` file, as of today. Its globs are relative to the
    /// root of the tree. No other file is read: a `catalogue` that it names is not used.
    ///
    /// # Errors
    /// [`Error::Config`] if the configuration is not valid.
    pub fn with_config(text: &str) -> Result<Self, Error> {
        let path = Path::new(ROOT).join(config::NAME);
        let parsed = config::parse(&path, text);
        let config = parsed.map_err(|mut error| {
            error.path = PathBuf::from(config::NAME);
            Error::Config(error.to_string())
        })?;
        let linter = Self::of(config);
        linter.config.rules(linter.today).map_err(Error::Config)?;
        Ok(linter)
    }

    fn of(config: Config) -> Self {
        let today = Zoned::now().date();
        Self { config, today }
    }

    /// Sets the day as of which texts are judged. Severities of rules can depend on it, and ignore comments can expire.
    ///
    /// # Errors
    /// [`Error::Day`] if there is no such day.
    pub fn on_day(self, year: i16, month: i8, day: i8) -> Result<Self, Error> {
        let no_day = |_| Error::Day(format!("{year:04}-{month:02}-{day:02}"));
        let today = Date::new(year, month, day).map_err(no_day)?;
        Ok(Self { today, ..self })
    }

    /// Checks one text. Its path, such as `deploy/web.yaml`, decides which file type it has and which settings apply to it.
    ///
    /// # Errors
    /// [`Error::Path`] if the path is not valid, and [`Error::Internal`] if regfix fails on the text.
    pub fn check_text(&self, path: &str, text: &str) -> Result<Checked, Error> {
        let mut tree = Tree::new();
        tree.insert(path, text)?;
        let mut all = self.check_tree(&tree)?;
        Ok(all.pop_first().map(|(_, one)| one).unwrap_or_default())
    }

    /// Fixes one text. Applies safe fixes, with [`Safety::NeedsReview`] also those that need review, and with [`Safety::NoFix`]
    /// none.
    ///
    /// ```
    /// use regfix::{Linter, Safety};
    /// let text = "services:\n  web:\n    image: 'k8s.gcr.io/pause:3.9'  # kept\n";
    /// let fixed = Linter::new().fix_text("compose.yaml", text, Safety::Safe)?;
    /// assert_eq!(fixed.text, text.replace("k8s.gcr.io", "registry.k8s.io"));
    /// assert!(fixed.left.is_empty());
    /// # Ok::<(), regfix::Error>(())
    /// ```
    ///
    /// # Errors
    /// The same as for [`Linter::check_text`].
    pub fn fix_text(&self, path: &str, text: &str, safety: Safety) -> Result<Fixed, Error> {
        let mut tree = Tree::new();
        tree.insert(path, text)?;
        let mut all = self.fix_tree(&tree, safety)?.files;
        let fixed = all.pop_first().map(|(_, one)| one);
        Ok(fixed.unwrap_or_else(|| Fixed::unchanged(text)))
    }

    /// Checks all files of a tree. Charts, kustomizations and whatever selects images from them are judged together. The result
    /// has an entry, by path, for each file with findings or problems.
    ///
    /// ```
    /// let mut tree = regfix::Tree::new();
    /// tree.insert("base/kustomization.yaml", "resources: [pod.yaml]\n")?;
    /// tree.insert("base/pod.yaml", "kind: Pod\nspec: {containers: [{name: a, image: k8s.gcr.io/pause:3.9}]}\n")?;
    /// tree.insert("prod/kustomization.yaml", "resources: [../base]\nimages: [{name: k8s.gcr.io/pause, newTag: '3.10'}]\n")?;
    /// let linter = regfix::Linter::new();
    /// assert_eq!(linter.check_tree(&tree)?.len(), 2);
    /// let fixed = linter.fix_tree(&tree, regfix::Safety::Safe)?;
    /// assert!(fixed.files["prod/kustomization.yaml"].text.contains("name: registry.k8s.io/pause"));
    /// # Ok::<(), regfix::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Internal`] if regfix fails on a file.
    pub fn check_tree(&self, tree: &Tree) -> Result<BTreeMap<String, Checked>, Error> {
        let judged = self.session(tree, |session| session.judge_all(&tree.overlay, None))?;
        let checked = judged.into_iter().filter_map(|(path, judged)| {
            let checked = Checked::of(&judged);
            (!checked.is_empty()).then(|| (tree::name_of(&path), checked))
        });
        Ok(checked.collect())
    }

    /// Fixes all files of a tree, like [`Linter::fix_text`]. Files that belong together change together or not at all.
    ///
    /// # Errors
    /// The same as for [`Linter::check_tree`].
    pub fn fix_tree(&self, tree: &Tree, safety: Safety) -> Result<FixedTree, Error> {
        let limit = match safety {
            Safety::Safe => Some(Applicability::Safe),
            Safety::NeedsReview => Some(Applicability::Unsafe),
            Safety::NoFix => None,
        };
        let judged = self.session(tree, |session| session.judge_all(&tree.overlay, limit))?;
        let fixed = judged.into_iter().filter_map(|(path, judged)| {
            let before = tree.overlay.text(&path).map(AsRef::as_ref);
            let fixed = Fixed::of(judged, before.unwrap_or_default());
            (!fixed.is_empty()).then(|| (tree::name_of(&path), fixed))
        });
        Ok(FixedTree {
            files: fixed.collect(),
        })
    }

    fn session<R>(
        &self,
        tree: &Tree,
        act: impl FnOnce(&Session<'_>) -> Result<R, String>,
    ) -> Result<R, Error> {
        let roots = vec![PathBuf::from(ROOT)];
        let base = PathBase::new(Path::new(ROOT), None);
        let settings = Settings::new(self, &roots, &base, Baselines::Unused);
        let options = self.options(tree, roots, &settings, base.clone());
        let done = run::session(&options, act).map_err(Error::Config)?;
        done.map_err(Error::Internal)
    }

    /// Returns the options of a run that shows and writes nothing.
    fn options<'o>(
        &self,
        tree: &Tree,
        roots: Vec<PathBuf>,
        settings: &'o Settings<'o>,
        base: PathBase,
    ) -> Options<'o> {
        Options {
            walk: walk::Options {
                roots,
                base: PathBuf::from(ROOT),
                hidden: true,
                overlay: Arc::clone(&tree.overlay),
                ..walk::Options::default()
            },
            related: false,
            only: None,
            all_text: false,
            stdin_name: None,
            mode: Mode::Check,
            unsafe_fixes: false,
            fail_on: None,
            settings,
            registries: None,
            format: report::FORMATS[0],
            ignores: None,
            outputs: Vec::new(),
            shard: None,
            base,
            as_of: self.today,
            render_options: RenderOptions::PLAIN,
            unread: Arc::default(),
            quiet: true,
            watched: false,
            verbose: false,
            statistics: false,
            gate: Arc::default(),
        }
    }
}

impl Source for Linter {
    fn is_same_everywhere(&self) -> bool {
        true
    }

    fn config(&self, _: Option<&Found>, _: &Path, _: &Overlay) -> Result<Config, String> {
        Ok(self.config.clone())
    }

    fn rules(&self, config: &Config) -> Result<RuleSet, String> {
        let rules = RuleSet::new(config.rules(self.today)?);
        Ok(rules.knowing(config.edition.facts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD: &str = "kind: Pod\nspec: {containers: [{name: a, image: k8s.gcr.io/pause:3.9}]}\n";

    #[test]
    fn a_text_is_checked_by_its_path() {
        let linter = Linter::new().on_day(2026, 11, 28).unwrap();
        let checked = linter.check_text("a/pod.yaml", POD).unwrap();
        let [finding] = &checked.findings[..] else {
            panic!("{checked:?}");
        };
        assert_eq!(finding.usage, Some("pull"));
        assert_eq!((finding.location.line, finding.location.column), (2, 38));
        assert_eq!(finding.old, "k8s.gcr.io/pause:3.9");
        // regfix does not know this file type.
        assert!(linter.check_text("a/pod.rs", POD).unwrap().is_empty());
    }

    #[test]
    fn a_chart_in_memory_gets_its_override() {
        let mut tree = Tree::new();
        tree.insert("c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n")
            .unwrap();
        tree.insert(
            "c/values.yaml",
            "image: {registry: k8s.gcr.io, name: pause, tag: '3.9'}\n",
        )
        .unwrap();
        tree.insert(
            "c/templates/p.yaml",
            "kind: Pod\nspec: {containers: [{name: a, image: '{{ .Values.image.registry }}/{{ .Values.image.name }}:{{ .Values.image.tag }}'}]}\n",
        )
        .unwrap();
        let fixed = Linter::new().fix_tree(&tree, Safety::Safe).unwrap();
        let names: Vec<_> = fixed.files.keys().map(String::as_str).collect();
        assert_eq!(names, ["c/values.yaml"]);
        let values = &fixed.files["c/values.yaml"];
        assert!(
            values.text.contains("registry: registry.k8s.io"),
            "{values:?}"
        );
        assert_eq!((values.fixed.len(), values.left.len()), (1, 0));
    }

    #[test]
    fn a_configuration_counts_and_its_errors_say_where() {
        let linter = Linter::with_config("exclude: vendor/\nignore: k8s-gcr-io\n").unwrap();
        assert!(linter.check_text("pod.yaml", POD).unwrap().is_empty());
        let linter = Linter::with_config("exclude: vendor/\n").unwrap();
        assert!(linter.check_text("vendor/p.yaml", POD).unwrap().is_empty());
        assert!(!linter.check_text("p.yaml", POD).unwrap().is_empty());
        let wrong = Linter::with_config("a:\nignore: x\n")
            .unwrap_err()
            .to_string();
        assert!(wrong.starts_with(".regfix.yaml:1:1: "), "{wrong}");
        assert!(matches!(
            Linter::with_config("ignore: all\n"),
            Err(Error::Config(_))
        ));
    }

    #[test]
    fn paths_and_days_are_checked() {
        let linter = Linter::new();
        for path in [
            "/etc/pod.yaml",
            "../pod.yaml",
            "a/../../pod.yaml",
            "",
            "a\0.yaml",
        ] {
            let refused = linter.check_text(path, POD);
            assert!(matches!(refused, Err(Error::Path { .. })), "{path}");
        }
        assert!(matches!(linter.on_day(2026, 2, 30), Err(Error::Day(_))));
    }

    #[test]
    fn nothing_of_the_disk_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pod.yaml"), POD).unwrap();
        let mut tree = Tree::new();
        let outside = format!("resources: ['{}/pod.yaml']\n", folder.path().display());
        tree.insert("kustomization.yaml", outside).unwrap();
        let checked = Linter::new().check_tree(&tree).unwrap();
        assert!(
            checked.values().all(|one| one.findings.is_empty()),
            "{checked:?}"
        );
    }
}
