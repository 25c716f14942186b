//! A catalogue that is ready to use: its rules and tables, their date, and their origin.
//!
//! One is built into regfix. Another can replace it without a new binary; how far it is trusted depends on who named it.
//! Reads no files.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, LazyLock, Mutex};

use sha2::{Digest, Sha256};

use super::alternatives::Choices;
use super::charts::Charts;
use super::index::{Answer, Index};
use super::schema::{Catalogue, RuleSpec};
use super::table::RowFault;
use super::{Rule, catalogue};
use crate::parallel::lock;
use crate::printable::{self, excerpt};

/// The schema version that this regfix reads.
pub const SCHEMA: u32 = 1;

/// The tables of a catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    pub charts: Charts,
    pub alternatives: Choices,
    pub index: Index,
    /// Whether only a configuration vouches for the entries that the embedded index does not have.
    is_pinned: bool,
}

impl Facts {
    pub const EMBEDDED: Self = Self {
        charts: Charts::EMBEDDED,
        alternatives: Choices::EMBEDDED,
        index: Index::EMBEDDED,
        is_pinned: false,
    };

    /// Whether the index lists the tag only because of a catalogue that a configuration named.
    pub(super) fn is_listed_by_configuration(&self, image: &str, tag: &str) -> bool {
        self.is_pinned
            && self.index.look_up(image, tag) == Answer::Present
            && Index::EMBEDDED.look_up(image, tag) != Answer::Present
    }
}

/// Who named a catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NamedBy {
    /// A person, on the command line: trusted like the built-in catalogue.
    CommandLine,
    /// A configuration, by its checksum. A repository can change both in one commit, so rules that differ from the built-in
    /// ones are marked, and their fixes need review.
    Configuration,
}

/// A catalogue, ready to use.
#[derive(Debug)]
pub struct Edition {
    /// The date of the facts, `YYYY-MM-DD`.
    pub as_of: String,
    /// The file it was read from. `None` for the built-in catalogue.
    pub file: Option<EditionFile>,
    pub facts: Facts,
    pub(super) rows: Vec<Row>,
    rules: Arc<Vec<Arc<Rule>>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditionFile {
    /// The path as given.
    pub name: String,
    /// The checksum in hexadecimal.
    pub sha256: String,
    pub named_by: NamedBy,
}

/// An error in a catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    pub message: String,
    pub place: Place,
}

/// The location of an error in a catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Key(&'static str),
    /// The index of a rule, from 0.
    Rule(usize),
    /// A row of the table under a key.
    Row {
        key: &'static str,
        row: &'static str,
    },
}

impl Place {
    fn is_wrong(self, message: impl Into<String>) -> Flaw {
        Flaw {
            message: message.into(),
            place: self,
        }
    }
}

/// A row of a catalogue, and how it relates to the built-in row with the same id.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) spec: RuleSpec,
    pub(super) standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Built in, or trusted as if it were. `has_page`: whether this release has a page about it.
    BuiltIn { has_page: bool },
    /// A configuration changed a built-in rule.
    Changed,
    /// A configuration added it.
    New,
}

/// The URL of this release's rule pages, with `{rule}` for the id. `None` before the project is published.
static PAGES: LazyLock<Option<Arc<str>>> = LazyLock::new(|| {
    let (repository, version) = (env!("CARGO_PKG_REPOSITORY"), env!("CARGO_PKG_VERSION"));
    let pages = format!("{repository}/blob/v{version}/docs/rules/{{rule}}.md");
    (!repository.is_empty()).then(|| Arc::from(pages))
});

impl Row {
    /// Compiles the row, with the keys of a user's rule laid over it.
    ///
    /// # Errors
    /// The reason why it cannot be used.
    pub(super) fn compile(&self, own: Option<&RuleSpec>) -> Result<Rule, String> {
        let spec = match own {
            Some(own) => self
                .spec
                .overridden_by(own)
                .map_err(|error| error.to_string())?,
            None => self.spec.clone(),
        };
        let mut rule = Rule::new(spec)?;
        rule.is_built_in = self.standing != Standing::New;
        let is_moved = rule.is_built_in && own.is_some_and(RuleSpec::moves_elsewhere);
        if self.standing == Standing::Changed || is_moved {
            rule.distrust();
        }
        let has_page = Standing::BuiltIn { has_page: false } != self.standing;
        if let Some(pages) = PAGES.as_ref().filter(|_| rule.is_built_in && has_page) {
            rule.set_page(pages);
        }
        Ok(rule)
    }
}

/// Compiles the rows of a catalogue. Ids must be unique.
fn compiled(rows: &[Row]) -> Result<Vec<Arc<Rule>>, Flaw> {
    let mut ids = HashSet::new();
    let rule = |(at, row): (usize, &Row)| {
        let place = Place::Rule(at);
        let rule = row.compile(None).map_err(|why| place.is_wrong(why))?;
        match ids.insert(rule.id.clone()) {
            true => Ok(Arc::new(rule)),
            false => Err(place.is_wrong(format!("there are two rules `{}`", excerpt(&rule.id)))),
        }
    };
    rows.iter().enumerate().map(rule).collect()
}

impl Edition {
    /// Returns the catalogue that is built into regfix.
    pub fn embedded() -> &'static Arc<Self> {
        static EMBEDDED: LazyLock<Arc<Edition>> = LazyLock::new(|| {
            let Catalogue { as_of, rules, .. } = catalogue();
            let row = |spec| Row {
                spec,
                standing: Standing::BuiltIn { has_page: true },
            };
            let rows: Vec<Row> = rules.into_iter().map(row).collect();
            Arc::new(Edition {
                as_of,
                file: None,
                facts: Facts::EMBEDDED,
                rules: Arc::new(compiled(&rows).unwrap_or_default()),
                rows,
            })
        });
        &EMBEDDED
    }

    /// Builds a catalogue that was read from a file.
    ///
    /// # Errors
    /// The first error in it.
    pub fn new(catalogue: Catalogue, file: EditionFile) -> Result<Self, Flaw> {
        if catalogue.version != SCHEMA {
            return Err(Place::Key("version").is_wrong(format!(
                "it has version {} of the schema, and this regfix reads version {SCHEMA}",
                catalogue.version
            )));
        }
        if catalogue.as_of.parse::<jiff::civil::Date>().is_err() {
            return Err(
                Place::Key("as-of").is_wrong("`as-of` is not a date: write it like `2027-01-31`")
            );
        }
        let is_pinned = file.named_by == NamedBy::Configuration;
        let facts = Facts {
            charts: table(catalogue.charts, Charts::EMBEDDED, "charts", Charts::read)?,
            alternatives: table(
                catalogue.alternatives,
                Choices::EMBEDDED,
                "alternatives",
                Choices::read,
            )?,
            index: table(catalogue.index, Index::EMBEDDED, "index", Index::read)?,
            is_pinned,
        };
        let known = Self::embedded().rows.iter();
        let known: HashMap<_, _> = known.map(|row| (&row.spec.id, &row.spec)).collect();
        let row = |spec: RuleSpec| {
            let same = known.get(&spec.id);
            let standing = match (is_pinned, same) {
                (false, same) => Standing::BuiltIn {
                    has_page: same.is_some(),
                },
                (true, None) => Standing::New,
                (true, Some(same)) if same.acts_as(&spec) => Standing::BuiltIn { has_page: true },
                (true, Some(_)) => Standing::Changed,
            };
            Row { spec, standing }
        };
        let rows: Vec<Row> = catalogue.rules.into_iter().map(row).collect();
        if let Some(at) = rows.iter().position(|row| row.spec.id.is_none()) {
            return Err(Place::Rule(at).is_wrong("this rule has no `id`"));
        }
        let rules = compiled(&rows)?;
        Ok(Self {
            as_of: catalogue.as_of,
            file: Some(file),
            facts,
            rows,
            rules: Arc::new(rules),
        })
    }

    /// Returns the rules, without a user's changes.
    pub fn rules(&self) -> &Arc<Vec<Arc<Rule>>> {
        &self.rules
    }

    /// Whether a configuration named it.
    pub fn is_pinned(&self) -> bool {
        let file = self.file.as_ref();
        file.is_some_and(|file| file.named_by == NamedBy::Configuration)
    }

    /// Returns the name to use in messages: the date and the file.
    pub fn name(&self) -> String {
        match &self.file {
            None => format!("{} (built in)", self.as_of),
            Some(EditionFile {
                name,
                sha256,
                named_by,
            }) => {
                let named_by = match named_by {
                    NamedBy::CommandLine => "--catalogue",
                    NamedBy::Configuration => "pinned by the configuration",
                };
                format!("{} ({name}, sha256 {sha256}, {named_by})", self.as_of)
            }
        }
    }
}

/// Returns the SHA-256 checksum in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    printable::hex(&Sha256::digest(bytes))
}

/// Reads a table of a catalogue. Returns the embedded one if there is none.
fn table<T>(
    text: Option<String>,
    embedded: T,
    key: &'static str,
    read: impl FnOnce(&'static str) -> Result<T, RowFault>,
) -> Result<T, Flaw> {
    match text {
        Some(text) => read(kept(text)).map_err(|RowFault { row, message }| {
            Place::Row { key, row }.is_wrong(format!("`{key}`: {message}"))
        }),
        None => Ok(embedded),
    }
}

/// Keeps a text until the process ends, like the embedded ones, because findings borrow from it. Equal texts are kept once,
/// and there are few different ones.
fn kept(text: String) -> &'static str {
    static KEPT: Mutex<BTreeMap<[u8; 32], &'static str>> = Mutex::new(BTreeMap::new());
    let mut kept = lock(&KEPT);
    let key = Sha256::digest(&text).into();
    kept.entry(key)
        .or_insert_with(|| Box::leak(text.into_boxed_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Safety;

    fn edition(catalogue: Catalogue, named_by: NamedBy) -> Result<Edition, Flaw> {
        let file = EditionFile {
            name: "regfix.catalogue.yaml".to_owned(),
            sha256: sha256(b""),
            named_by,
        };
        Edition::new(catalogue, file)
    }

    fn rule(edition: &Edition, id: &str) -> Arc<Rule> {
        let mut rules = edition.rules().iter();
        rules.find(|rule| rule.id == id).unwrap().clone()
    }

    /// Returns the embedded catalogue with one rule redirected, one that differs only in its text, and a new one.
    fn changed() -> Catalogue {
        let mut changed = catalogue();
        for spec in &mut changed.rules {
            match spec.id.as_deref() {
                Some("k8s-gcr-io") => spec.to = Some("evil.example.com".to_owned()),
                Some("gcr-google-containers") => spec.why = Some("Another text.".to_owned()),
                _ => {}
            }
        }
        let new = "{id: new-one, from: old.example.com, to: new.example.com, safety: safe}";
        changed.rules.push(serde_yaml::from_str(new).unwrap());
        changed
    }

    #[test]
    fn a_configuration_cannot_change_a_rule_in_silence() {
        let pinned = edition(changed(), NamedBy::Configuration).unwrap();
        let moved = rule(&pinned, "k8s-gcr-io");
        assert_eq!(moved.safety, Safety::Review);
        assert!(moved.mappings().iter().all(|one| one.safety < Safety::Safe));
        assert!(
            moved
                .summary
                .ends_with("(rule changed by the configuration)")
        );
        let as_built_in = rule(&pinned, "gcr-google-containers");
        assert_eq!(as_built_in.safety, Safety::Safe);
        assert!(!as_built_in.summary.contains("changed"));
        let new = rule(&pinned, "new-one");
        assert!(!new.is_built_in() && new.safety == Safety::Safe);
    }

    #[test]
    fn what_a_person_names_is_trusted() {
        let given = edition(changed(), NamedBy::CommandLine).unwrap();
        assert_eq!(rule(&given, "k8s-gcr-io").safety, Safety::Safe);
        assert!(rule(&given, "new-one").is_built_in());
        // This release has no page about it.
        assert_eq!(rule(&given, "new-one").url(), None);
    }

    #[test]
    fn a_safety_that_grows_is_a_change() {
        let mut bolder = catalogue();
        for spec in &mut bolder.rules {
            spec.safety = Some(Safety::Safe);
            spec.requires_tag_in = None;
        }
        let pinned = edition(bolder, NamedBy::Configuration).unwrap();
        for (now, embedded) in pinned
            .rules()
            .iter()
            .zip(Edition::embedded().rules().iter())
        {
            let allowed = embedded.safety.max(Safety::Review);
            assert!(now.safety <= allowed, "{}", now.id);
        }
    }

    #[test]
    fn tables_are_those_of_the_catalogue_or_the_embedded_ones() {
        let row = "made-up\thttps://example.com/charts\tk8s-gcr-io\t1.0.0..1.2.0\t1.3.0\t2026-01-01\t1.4.0\tk8s.gcr.io/pause:3.1\t-\t-\t-\t-\to/r@0123456789ab";
        let with = |text: &str| Catalogue {
            charts: Some(text.to_owned()),
            index: Some("made-up\tv1\n".to_owned()),
            ..catalogue()
        };
        let facts = edition(with(row), NamedBy::Configuration).unwrap().facts;
        assert_eq!(facts.charts.advisories(None, "made-up", "1.2.0").len(), 1);
        assert!(facts.charts.of_chart(None, "kube-state-metrics").is_empty());
        assert_eq!(facts.alternatives, Choices::EMBEDDED);
        assert!(facts.is_listed_by_configuration("made-up", "v1"));
        let facts = edition(with(row), NamedBy::CommandLine).unwrap().facts;
        assert!(!facts.is_listed_by_configuration("made-up", "v1"));
        for wrong in [
            row.replace("1.3.0", "x"),
            row.replace("..", ":"),
            "a\tb".to_owned(),
        ] {
            let why = edition(with(&wrong), NamedBy::CommandLine).unwrap_err();
            assert!(why.message.starts_with("`charts`: "), "{why:?}");
            let row = wrong.as_str();
            assert_eq!(
                why.place,
                Place::Row {
                    key: "charts",
                    row: kept(row.to_owned())
                }
            );
        }
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let with = |change: fn(&mut Catalogue)| {
            let mut one = catalogue();
            change(&mut one);
            edition(one, NamedBy::CommandLine).unwrap_err()
        };
        let newer = with(|one| one.version = 2);
        assert_eq!(
            newer.message,
            "it has version 2 of the schema, and this regfix reads version 1"
        );
        assert_eq!(newer.place, Place::Key("version"));
        let day = with(|one| one.as_of = "soon".to_owned());
        assert_eq!(day.place, Place::Key("as-of"));
        let second = |flaw: Flaw, part: &str| {
            assert!(flaw.message.contains(part), "{flaw:?}");
            assert_eq!(flaw.place, Place::Rule(1));
        };
        second(with(|one| one.rules[1].id = None), "no `id`");
        second(with(|one| one.rules[1].from = None), "`from`");
        second(with(|one| one.rules[1] = one.rules[0].clone()), "two rules");
    }
}
