//! The configuration `.regfix.yaml`: which rules apply, their severities, in which files, and the user's own rules.
//!
//! Only finding and reading the file touches the disk; parsing turns text into a configuration. Each error has its location.

mod catalogue;
mod error;
mod extends;
mod file;
mod find;
mod globs;
mod load;
mod nodes;
mod read;
#[cfg(test)]
mod schema;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;

pub use catalogue::{Basis, FILE as CATALOGUE, ReadFile, load_catalogue, read_pinned};
pub use error::ConfigError;
pub use extends::Layer;
use extends::Reading;
pub use find::{Found, NAME, in_folder, is_configuration, is_of_use, names_from, repository};
pub use globs::Globs;
pub use load::{load, load_text, parse, read_found};

use crate::encoding;
use crate::finding::{self, Finding, LEGACY_CHART, Unjudged};
use crate::rules::select::{Names, Selector, Unknown};
use crate::rules::{Edition, Rule, RuleSpec, Severity};
use crate::source::lexically_normal;
use error::Fault;

/// A configuration. A run makes its own in three steps: [`load()`] or [`Config::empty`], then [`Config::lay_over`], then
/// [`Config::rules`]. It calls [`Config::adjust`] after every file.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder that globs are relative to.
    pub folder: PathBuf,
    pub selectors: Selectors,
    /// Files and folders that are not checked; see [`Config::excludes`].
    pub exclude: Globs,
    /// Later ones win.
    pub overrides: Vec<Override>,
    /// Whether unpacked charts of remote dependencies are edited in place, as if the user owned them.
    pub edit_vendored_charts: bool,
    /// Folders of charts that a tool manages although no dependency shows that; see [`Config::vendors_chart`].
    pub vendored_charts: Globs,
    /// Findings below this severity are left out.
    pub min_severity: Severity,
    /// The catalogue that its rules come from.
    pub edition: Arc<Edition>,
    /// All rules, from the catalogue and the user's own, selected or not.
    pub known: Arc<Vec<Arc<Rule>>>,
    /// The values that make `known` differ from the embedded rules, without layout and comments.
    own: String,
    /// The file that it was read from, if any.
    pub file: Option<PathBuf>,
    /// The files that it was read from, extended files first.
    pub layers: Vec<Layer>,
    /// The user's own rules as written.
    specs: Arc<Vec<RuleSpec>>,
    /// The URL of the pages of rules, if set.
    pages: Option<Arc<str>>,
    /// The working directory, which relative paths are resolved against.
    here: PathBuf,
}

/// The rules that are used, and their severities.
#[derive(Debug, Clone, Default)]
pub struct Selectors {
    /// Only these rules, or all if empty.
    pub select: Vec<Selector>,
    /// Rules that are left out even if they are selected.
    pub ignore: Vec<Selector>,
    /// If several match, the most specific one wins.
    pub severity: Vec<(Selector, Severity)>,
}

/// Settings for some files. They can only narrow what is selected for all files.
#[derive(Debug, Clone)]
pub struct Override {
    pub files: Globs,
    pub selectors: Selectors,
}

/// The size limit of a configuration, in bytes.
const LIMIT: usize = 1 << 20;

/// Reads a regular file below a folder with a size limit in bytes, links resolved, like [`crate::open::read_below`].
pub type ReadBelow<'r> = dyn Fn(&Path, &Path, usize) -> std::io::Result<Vec<u8>> + 'r;

/// Decodes the bytes of a configuration. `path` is used in errors.
fn decode(path: &Path, bytes: Vec<u8>) -> Result<String, ConfigError> {
    if bytes.len() > LIMIT {
        return Err(unread(path, "is larger than 1 MiB".to_owned()));
    }
    let decoded = encoding::decode(bytes);
    decoded
        .map(|(text, _)| text)
        .map_err(|invalid| unread(path, format!("is not {}", invalid.encoding.name())))
}

/// Parses the text of a configuration.
fn of_text(text: &str, reading: &Reading<'_>) -> Result<Config, ConfigError> {
    let path = reading.path;
    let config = read::config(text, reading);
    let mut config = config.map_err(|fault| fault.into_error(path.to_owned(), text))?;
    config.file = Some(path.to_owned());
    config.here = std::env::current_dir().map_err(|error| unread(path, error.to_string()))?;
    Ok(config)
}

fn unread(path: &Path, why: String) -> ConfigError {
    Fault::new(why).into_error(path.to_owned(), "")
}

impl Config {
    /// Returns the defaults: all embedded rules, in all files.
    pub fn empty(folder: impl Into<PathBuf>) -> Self {
        Self::on(folder.into(), Edition::embedded())
    }

    /// Returns the same configuration as if read from another file with the same text. Globs start in that file's folder.
    #[must_use]
    pub fn of_file(self, file: &Path) -> Self {
        let mut layers = self.layers;
        if let Some(last) = layers.last_mut() {
            last.file = file.to_owned();
        }
        Self {
            folder: file.parent().unwrap_or(file).to_owned(),
            file: Some(file.to_owned()),
            layers,
            ..self
        }
    }

    /// Whether it was read from several files.
    pub fn extends(&self) -> bool {
        self.layers.len() > 1
    }

    /// Returns the same configuration without a file.
    #[must_use]
    pub fn of_no_file(self) -> Self {
        Self { file: None, ..self }
    }

    /// Returns the defaults with the rules of a catalogue.
    fn on(folder: PathBuf, edition: &Arc<Edition>) -> Self {
        Self {
            here: folder.clone(),
            folder,
            selectors: Selectors::default(),
            exclude: Globs::default(),
            overrides: Vec::new(),
            edit_vendored_charts: false,
            vendored_charts: Globs::default(),
            min_severity: Severity::Info,
            edition: Arc::clone(edition),
            known: Arc::clone(edition.rules()),
            own: String::new(),
            file: None,
            layers: Vec::new(),
            specs: Arc::default(),
            pages: None,
        }
    }

    /// Applies options of the command line: `--select` replaces `select`, `--ignore` adds to `ignore`.
    ///
    /// # Errors
    /// If there is no such rule.
    pub fn lay_over(&mut self, select: &[String], ignore: &[String]) -> Result<(), String> {
        if select.is_empty() && ignore.is_empty() {
            return Ok(());
        }
        let names = self.names();
        let resolve = |option: &str, texts: &[String]| -> Result<Vec<Selector>, String> {
            let selectors = texts.iter().map(|text| names.resolve(text.trim()));
            selectors
                .collect::<Result<_, _>>()
                .map_err(|unknown: Unknown| match unknown.nearest {
                    Some(near) => format!("{option}: {}; did you mean `{near}`?", unknown.message),
                    None => format!(
                        "{option}: {}; `regfix rules` lists the rules",
                        unknown.message
                    ),
                })
        };
        let select = resolve("--select", select)?;
        if !select.is_empty() {
            self.selectors.select = select;
        }
        self.selectors.ignore.extend(resolve("--ignore", ignore)?);
        Ok(())
    }

    /// Returns the rules of the run with their severities on a day. A configured severity overrides dates.
    ///
    /// # Errors
    /// If no rule is left, and charts are not checked either.
    pub fn rules(&self, today: Date) -> Result<Vec<Arc<Rule>>, String> {
        let selected = self
            .known
            .iter()
            .filter(|rule| self.selectors.choose(&rule.id));
        let rules: Vec<Arc<Rule>> = selected.map(|rule| self.on_day(rule, today)).collect();
        match rules.is_empty() && !self.selectors.choose(LEGACY_CHART) {
            true => Err("no rules are left: all selected rules are ignored".to_owned()),
            false => Ok(rules),
        }
    }

    /// Returns a rule with its severity on a day. Does not copy it if nothing changes.
    fn on_day(&self, rule: &Arc<Rule>, today: Date) -> Arc<Rule> {
        let mut rule = Arc::clone(rule).on_day(today);
        if let Some(severity) = self.selectors.severity_of(&rule.id) {
            Arc::make_mut(&mut rule).set_severity(severity);
        }
        rule
    }

    /// Returns the rule with this id for an image that a chart pulls, even if it is not selected. `None` if it is unknown or
    /// ignored, or charts are not checked.
    pub fn rule_of_chart(&self, id: &str, today: Date) -> Option<Arc<Rule>> {
        let is_ignored = |id: &str| self.selectors.ignore.iter().any(|one| one.matches(id));
        if is_ignored(id) || !self.selectors.choose(LEGACY_CHART) {
            return None;
        }
        let rule = self.known.iter().find(|rule| rule.id == id)?;
        Some(self.on_day(rule, today))
    }

    /// Returns a key for the rules: configurations with the same key choose the same rules.
    pub fn key(&self) -> String {
        let (selectors, edition) = (&self.selectors, &self.edition.file);
        match Arc::ptr_eq(&self.known, self.edition.rules()) {
            true => format!(
                "{selectors:?} {} {edition:?}",
                self.sets_severities_by_path()
            ),
            false => format!(
                "{selectors:?} {} {edition:?}\n{}",
                self.sets_severities_by_path(),
                self.own
            ),
        }
    }

    /// Identifies the rules to choose from, and which ids that are not rules are chosen. This is the part of [`Config::key`]
    /// that does not depend on how the choice is written.
    pub fn origin_of_rules(&self) -> String {
        let others = finding::NOT_RULES.map(|(id, _)| self.selectors.choose(id));
        let own = match Arc::ptr_eq(&self.known, self.edition.rules()) {
            true => "",
            false => &self.own,
        };
        format!("{others:?} {:?} {own}", self.edition.file)
    }

    /// Returns the ids of all rules, with whether each is chosen.
    pub fn names(&self) -> Names {
        let ids = self
            .known
            .iter()
            .map(|rule| rule.id.as_str())
            .chain(finding::NOT_RULES.map(|(id, _)| id));
        Names::new(ids.map(|id| (id.to_owned(), self.selectors.choose(id))))
    }

    /// Whether a rule may have another severity in some files than in all.
    pub fn sets_severities_by_path(&self) -> bool {
        self.overrides
            .iter()
            .any(|over| !over.selectors.severity.is_empty())
    }

    /// Whether `exclude` matches a file, or a folder with everything in it.
    pub fn excludes(&self, path: &Path, is_folder: bool) -> bool {
        let matches = |path: PathBuf| match is_folder {
            true => self.exclude.match_folder(&path),
            false => self.exclude.match_file(&path),
        };
        !self.exclude.is_empty() && self.relative(path).is_some_and(matches)
    }

    /// Whether a chart's folder is listed as one that a tool manages.
    pub fn vendors_chart(&self, folder: &Path) -> bool {
        let matches = |path: PathBuf| self.vendored_charts.match_folder(&path);
        !self.vendored_charts.is_empty() && self.relative(folder).is_some_and(matches)
    }

    /// Applies the overrides to the findings of a file: drops what they ignore and changes severities. Returns how many were
    /// dropped.
    ///
    /// Ignore comments are applied first, so that one is not reported as unused because an override ignores the same finding.
    /// Mentions keep their severity, because they are only hints.
    pub fn adjust(
        &self,
        path: &Path,
        findings: &mut Vec<Finding>,
        unjudged: &mut Vec<Unjudged>,
    ) -> usize {
        findings.retain(|finding| self.selectors.choose(&finding.rule));
        for finding in findings.iter_mut().filter(|finding| finding.url.is_none()) {
            if finding::about(&finding.rule).is_some() {
                let mut known = self.known.iter();
                finding.url = known.find_map(|rule| rule.page_of(&finding.rule));
            }
        }
        let before = findings.len() + unjudged.len();
        let relative = if self.overrides.is_empty() {
            None
        } else {
            self.relative(path)
        };
        let here: Vec<&Selectors> = match &relative {
            Some(path) => {
                let matching = self
                    .overrides
                    .iter()
                    .filter(|over| over.files.match_file(path));
                matching.map(|over| &over.selectors).collect()
            }
            None => Vec::new(),
        };
        let is_chosen = |rule: &str| here.iter().all(|selectors| selectors.choose(rule));
        findings.retain(|finding| is_chosen(&finding.rule));
        unjudged.retain(|one| is_chosen(&one.rule));
        for finding in findings.iter_mut().filter(|finding| !finding.mention) {
            let of_run = finding::about(&finding.rule).map(|_| &self.selectors);
            let mut latest_first = here.iter().rev().copied().chain(of_run);
            if let Some(severity) =
                latest_first.find_map(|selectors| selectors.severity_of(&finding.rule))
            {
                finding.severity = severity;
            }
        }
        let ignored = before - findings.len() - unjudged.len();
        findings.retain(|finding| finding.severity >= self.min_severity);
        ignored
    }

    /// Returns a path relative to the configuration's folder. `None` if it is outside.
    fn relative(&self, path: &Path) -> Option<PathBuf> {
        let absolute = lexically_normal(&self.here.join(path));
        if let Ok(relative) = absolute.strip_prefix(&self.folder) {
            return Some(relative.to_owned());
        }
        // An absolute path may go through a link, but the path of the configuration's folder is resolved.
        let parent = absolute.parent()?.canonicalize().ok()?;
        let resolved = parent.join(absolute.file_name()?);
        resolved.strip_prefix(&self.folder).ok().map(Path::to_owned)
    }
}

impl Selectors {
    /// Whether a rule is selected and not ignored.
    pub fn choose(&self, id: &str) -> bool {
        let among = |selectors: &[Selector]| selectors.iter().any(|selector| selector.matches(id));
        (self.select.is_empty() || among(&self.select)) && !among(&self.ignore)
    }

    pub fn severity_of(&self, id: &str) -> Option<Severity> {
        let matching = self
            .severity
            .iter()
            .filter(|(selector, _)| selector.matches(id));
        let particular = matching.max_by_key(|(selector, _)| selector.weight());
        particular.map(|(_, severity)| *severity)
    }

    fn is_empty(&self) -> bool {
        self.select.is_empty() && self.ignore.is_empty() && self.severity.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::finding::{IGNORE_UNUSED, Label};
    use crate::source::Span;

    fn config(text: &str) -> Config {
        parse(Path::new("/repo/.regfix.yaml"), text).unwrap_or_else(|error| panic!("{error}"))
    }

    fn finding(rule: &str) -> Finding {
        Finding::new(
            rule,
            Severity::Warning,
            String::new(),
            vec![Label::new(Span::new(0, 1), "")],
            String::new(),
        )
    }

    /// The findings of these rules that are left in a file, with their severities.
    fn adjusted(config: &Config, path: &str, rules: &[&str]) -> Vec<(String, Severity)> {
        let mut findings: Vec<Finding> = rules.iter().map(|rule| finding(rule)).collect();
        config.adjust(Path::new(path), &mut findings, &mut Vec::new());
        let left = findings.iter();
        left.map(|finding| (finding.rule.to_string(), finding.severity))
            .collect()
    }

    fn today() -> Date {
        "2026-11-21".parse().unwrap()
    }

    fn ids(rules: &[Arc<Rule>]) -> Vec<&str> {
        rules.iter().map(|rule| rule.id.as_str()).collect()
    }

    #[test]
    fn configurations_that_say_the_same_have_the_same_key() {
        let key = |text: &str| config(text).key();
        let rules = "rules: [{from: old.example.com/a, to: new.example.com}]\n";
        let commented =
            "# of team b\nrules:\n- from: old.example.com/a # moved\n  to: new.example.com\n";
        assert_eq!(key(rules), key(commented));
        assert_ne!(key(rules), key(&rules.replace("/a", "/b")));
        assert_ne!(key(rules), key(&format!("{rules}ignore: [k8s-gcr-io]\n")));
        let exclude = format!("{rules}exclude: [vendor/]\n");
        assert_eq!(key(rules), key(&exclude), "globs make no rules");
        assert_ne!(key(rules), key(""));
    }

    #[test]
    fn the_example_in_the_manual_is_a_configuration() {
        let config = config(include_str!("../docs/example.regfix.yaml"));
        let rules = config.rules(today()).unwrap();
        let rule = |id: &str| rules.iter().find(|rule| rule.id == id).unwrap();
        assert!(!ids(&rules).contains(&"helm-stable-archive"));
        assert_eq!(rule("bitnami-latest").severity, Severity::Warning);
        assert_eq!(rule("bitnami-charts").severity, Severity::Error);
        assert!(
            rule("bitnami-charts")
                .mappings()
                .iter()
                .all(|place| place.severity == Severity::Error)
        );
        assert_eq!(
            rule("bitnami-versioned").mappings()[0].to.as_deref(),
            Some("registry.example.com/mirror/bitnami")
        );
        assert_eq!(
            rule("old-registry-example-com-platform").url(),
            Some("https://wiki.example.com/registry-move")
        );
        assert!(config.excludes(Path::new("a/testdata"), true));
        assert!(config.excludes(Path::new("/repo/vendor/x.yaml"), false));
        assert!(!config.excludes(Path::new("a/vendor"), true));
        let legacy = adjusted(
            &config,
            "charts/legacy/a.yaml",
            &["bitnami-latest", "k8s-gcr-io", IGNORE_UNUSED],
        );
        assert_eq!(legacy, [("k8s-gcr-io".to_owned(), Severity::Warning)]);
        let dev = adjusted(&config, "clusters/dev/x/a.yaml", &["bitnami-latest"]);
        assert_eq!(dev, [("bitnami-latest".to_owned(), Severity::Info)]);
    }

    #[test]
    fn nothing_written_is_the_default() {
        for text in [
            "",
            "\u{feff}",
            "# none\n",
            "---\n",
            "select:\nignore: ~\nrules:\n",
            "{}",
        ] {
            let config = config(text);
            assert_eq!(
                config.rules(today()).unwrap().len(),
                Config::empty("").known.len(),
                "{text:?}"
            );
            assert!(config.overrides.is_empty() && config.exclude.is_empty());
            assert_eq!(config.folder, Path::new("/repo"));
        }
    }

    #[test]
    fn what_is_typed_is_laid_over_what_is_written() {
        let typed = |texts: &[&str]| -> Vec<String> {
            texts.iter().map(|text| (*text).to_owned()).collect()
        };
        let mut config = config("select: [k8s-*, bitnami-*]\nignore: [bitnami-latest]\n");
        assert!(ids(&config.rules(today()).unwrap()).contains(&"k8s-gcr-io"));
        config
            .lay_over(
                &typed(&["bitnami-*"]),
                &typed(&["bitnamilegacy", "bitnami-charts"]),
            )
            .unwrap();
        let rules = config.rules(today()).unwrap();
        assert_eq!(
            ids(&rules),
            ["bitnami-versioned", "bitnami-ecr-public", "bitnami-gcr"]
        );
        let names = config.names();
        assert!(names.contains("k8s-gcr-io") && names.contains(IGNORE_UNUSED));
        assert!(!names.all_run(&Selector::Id("k8s-gcr-io".to_owned())));
        config.lay_over(&[], &typed(&["bitnami-*"])).unwrap();
        assert!(
            config
                .rules(today())
                .unwrap_err()
                .contains("no rules are left")
        );
        let unknown = config.lay_over(&typed(&["k8s.gcr.io"]), &[]).unwrap_err();
        assert_eq!(
            unknown,
            "--select: there is no rule `k8s.gcr.io`; did you mean `k8s-gcr-io`?"
        );
        let unknown = config
            .lay_over(&[], &typed(&["nonsense-rule"]))
            .unwrap_err();
        assert_eq!(
            unknown,
            "--ignore: there is no rule `nonsense-rule`; `regfix rules` lists the rules"
        );
    }

    #[test]
    fn overrides_narrow_and_the_later_one_wins() {
        let config = config(
            "severity: {unused-ignore: error, k8s-gcr-io: error}\n\
             overrides:\n\
             - {files: '*.yaml', severity: {k8s-*: info}}\n\
             - {files: [x/, a.yaml], select: k8s-*, severity: {k8s-gcr-io: error, all: warning}}\n",
        );
        let found = ["k8s-gcr-io", "k8s-staging", "bitnami-latest", IGNORE_UNUSED];
        let shown = |path: &str| adjusted(&config, path, &found);
        let names = |left: &[(String, Severity)]| -> Vec<(String, &str)> {
            left.iter()
                .map(|(rule, severity)| (rule.clone(), severity.name()))
                .collect()
        };
        let pair = |rule: &str, severity: &'static str| (rule.to_owned(), severity);
        let both = [pair("k8s-gcr-io", "error"), pair("k8s-staging", "warning")];
        assert_eq!(names(&shown("x/b.yaml")), both);
        assert_eq!(names(&shown("/repo/y/../x/./b.yaml")), both);
        let first = [
            pair("k8s-gcr-io", "info"),
            pair("k8s-staging", "info"),
            pair("bitnami-latest", "warning"),
            pair(IGNORE_UNUSED, "error"),
        ];
        assert_eq!(names(&shown("y/b.yaml")), first);
        assert_eq!(names(&shown("/elsewhere/x/b.yaml")).len(), 4);
        assert_eq!(names(&shown("../elsewhere/x/b.yaml"))[0].1, "warning");
    }

    #[test]
    fn counts_what_overrides_drop_and_leaves_mentions_as_they_are() {
        let config = config(
            "ignore: [unused-ignore]\n\
             overrides: [{files: a, ignore: bitnami-latest, severity: {all: error}}]\n",
        );
        let mut mention = finding("k8s-gcr-io");
        mention.mention = true;
        mention.severity = Severity::Info;
        let mut findings = vec![
            finding("bitnami-latest"),
            mention,
            finding(IGNORE_UNUSED),
            finding("bintray"),
        ];
        assert_eq!(
            config.adjust(Path::new("a"), &mut findings, &mut Vec::new()),
            1
        );
        let left: Vec<_> = findings
            .iter()
            .map(|finding| (&*finding.rule, finding.severity))
            .collect();
        assert_eq!(
            left,
            [("k8s-gcr-io", Severity::Info), ("bintray", Severity::Error)]
        );
    }

    #[test]
    fn a_file_is_loaded_with_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("regfix.yaml");
        fs::write(&path, "exclude: [a/]\n").unwrap();
        let config = load(&path, None).unwrap();
        assert!(config.excludes(&folder.path().join("a/b"), false));
        assert!(!config.excludes(Path::new("a/b"), false));
        fs::write(&path, b"exclude: [\xff]\n").unwrap();
        assert!(
            load(&path, None)
                .unwrap_err()
                .to_string()
                .ends_with("regfix.yaml: is not UTF-8")
        );
        fs::write(&path, "exclude: [a\n").unwrap();
        assert!(
            load(&path, None)
                .unwrap_err()
                .to_string()
                .contains("regfix.yaml:")
        );
        let missing = load(&folder.path().join("none.yaml"), None).unwrap_err();
        assert!(missing.to_string().contains("none.yaml: "), "{missing}");
    }

    #[cfg(unix)]
    #[test]
    fn a_path_through_a_link_is_one_of_the_folder() {
        let temporary = tempfile::tempdir().unwrap();
        let real = temporary.path().join("real");
        fs::create_dir(&real).unwrap();
        fs::write(real.join(".regfix.yaml"), "exclude: [/a.yaml]\n").unwrap();
        std::os::unix::fs::symlink(&real, temporary.path().join("link")).unwrap();
        let config = load(&temporary.path().join("link/.regfix.yaml"), None).unwrap();
        for folder in ["real", "link"] {
            assert!(
                config.excludes(&temporary.path().join(folder).join("a.yaml"), false),
                "{folder}"
            );
        }
    }
}
