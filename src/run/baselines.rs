//! The baselines of a run: finds them, compares each file with them, and writes them if asked.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Mode, Options};
use crate::baseline::{self, Baseline, Entry};
use crate::config;
use crate::finding::{Finding, Key};
use crate::open;
use crate::printable::{self, complain};
use crate::report::{PathBase, Summary, text};
use crate::rules::Rule;
use crate::source::lexically_normal;
use crate::walk::{self, Overlay};
use crate::write::Draft;

/// The use of baselines in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Baselines {
    Unused,
    Used,
    /// Existing baselines are replaced, and missing ones created.
    Renewed,
    /// Like `Renewed`, but only for findings without a place for an ignore comment.
    Extended,
}

/// A baseline and its location.
#[derive(Debug)]
pub struct RunBaseline {
    path: PathBuf,
    stored: Baseline,
    /// The base of its paths.
    base: PathBase,
    /// The use of this baseline in the run.
    uses: Baselines,
}

impl RunBaseline {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Finds the baseline in the first of the folders that has one. If it will be written, it need not exist yet. `base` is
    /// the base of paths of the run.
    ///
    /// # Errors
    /// If it cannot be read or is malformed.
    pub fn find(
        base: &PathBase,
        folders: &[&Path],
        uses: Baselines,
        files: &Overlay,
    ) -> Result<Option<Self>, String> {
        let there = folders
            .iter()
            .find(|folder| files.is_there(&folder.join(baseline::FILE)));
        let Some(folder) = there.or(folders.first().filter(|_| uses != Baselines::Used)) else {
            return Ok(None);
        };
        let path = folder.join(baseline::FILE);
        Ok(Some(Self {
            stored: read(&path, files)?,
            path,
            base: base.rooted(folder),
            uses,
        }))
    }

    /// Whether the baseline has each of the findings of a file, by their keys.
    pub(super) fn known(&self, path: &Path, keys: &[Key]) -> Vec<bool> {
        let file = self.base.relative(path);
        let entries: Vec<Entry> = keys.iter().map(|key| Entry::new(&file, key)).collect();
        self.stored.known(&entries)
    }

    /// Returns the baseline's text with one more finding of a file, given its current text. `None` if that cannot be parsed.
    pub(super) fn with(&self, path: &Path, key: &Key, text: Option<&str>) -> Option<String> {
        let mut baseline = match text {
            Some(text) => Baseline::parse(text).ok()?,
            None => Baseline::default(),
        };
        baseline.add(Entry::new(&self.base.relative(path), key));
        Some(baseline.text())
    }

    /// Removes the findings of a file that the baseline has. Returns the entries for a renewed baseline, and the number of
    /// removed findings.
    pub(super) fn apply(
        &self,
        path: &Path,
        findings: &mut Vec<Finding>,
        keys: &mut Vec<Key>,
    ) -> (Vec<Entry>, usize) {
        let file = self.base.relative(path);
        // A mention never fails a run, so no baseline needs it.
        let counting = findings.iter().zip(&*keys);
        let counting = counting.filter(|(finding, _)| !finding.mention);
        let counting = counting.map(|(finding, key)| (finding, Entry::new(&file, key)));
        let (counting, mut entries): (Vec<&Finding>, Vec<Entry>) = counting.unzip();
        let known = self.stored.known(&entries).into_iter().zip(counting);
        let known = known.map(|(known, finding)| match self.uses {
            Baselines::Renewed => true,
            Baselines::Extended => known || finding.is_ignorable(),
            _ => known,
        });
        let known: Vec<bool> = known.collect();
        let mut of_counting = known.iter();
        let stays = findings.iter();
        let stays = stays.map(|finding| finding.mention || of_counting.next() == Some(&false));
        let stays: Vec<bool> = stays.collect();
        let mut stay = stays.iter();
        findings.retain(|_| stay.next() == Some(&true));
        let mut stay = stays.iter();
        keys.retain(|_| stay.next() == Some(&true));
        let count = known.iter().filter(|known| **known).count();
        if self.uses == Baselines::Extended {
            let mut known = known.into_iter();
            entries.retain(|_| known.next() == Some(true));
        }
        (entries, count)
    }

    /// Reports stale entries, or writes the baseline if it is to be renewed.
    ///
    /// # Errors
    /// If `err` cannot be written.
    pub(super) fn close(
        &self,
        options: &Options<'_>,
        found: Baseline,
        summary: &mut Summary,
        err: &mut dyn Write,
    ) -> io::Result<()> {
        // A preview still finds what it would fix, so it cannot tell which entries are stale.
        if options.mode == Mode::Diff {
            return Ok(());
        }
        if self.uses == Baselines::Used {
            let stale = self.stale(options, &found);
            summary.stale = stale.iter().map(|(_, count)| count).sum();
            let mut reported = stale.iter().filter(|_| options.verbose);
            return reported.try_for_each(|(line, _)| complain(&mut *err, line));
        }
        let path = printable::path(&self.path);
        // With several repositories, one without findings needs no baseline.
        let is_new = self.stored.is_empty() && !open::is_there(&self.path);
        let is_needless =
            self.uses == Baselines::Extended || options.settings.baselines().len() > 1;
        if is_new && found.is_empty() && is_needless {
            return Ok(());
        }
        if summary.failures > 0 {
            // Findings of unread files would look as if they were fixed.
            let advice = "fix or exclude them, and run regfix again";
            let why = "not written because some files could not be checked";
            return complain(err, format!("{path}: {why}; {advice}"));
        }
        match self.renew(options, found) {
            Ok(None) => Ok(()),
            Ok(Some(reported)) if !options.quiet => complain(err, format!("{path}: {reported}")),
            Ok(Some(_)) => Ok(()),
            Err(why) => {
                summary.failures += 1;
                complain(err, why)
            }
        }
    }

    /// Entries without a finding: one line per location, with the number of findings that it counted.
    fn stale(&self, options: &Options<'_>, found: &Baseline) -> Vec<(String, usize)> {
        let scope = self.scope(options);
        let stale = self.stored.beyond(found, |entry| scope.contains(entry));
        stale
            .map(|(entry, count)| {
                let Entry {
                    file,
                    at,
                    rule,
                    image,
                } = entry;
                let at = if at.is_empty() {
                    ""
                } else {
                    &format!(" at {at}")
                };
                let times = if count > 1 {
                    format!(" ({count} times)")
                } else {
                    String::new()
                };
                let line = format!(
                    "{}: stale entry: {file}: {rule} {image}{at}{times}",
                    printable::path(&self.path)
                );
                (line, count)
            })
            .collect()
    }

    fn scope<'k>(&'k self, options: &'k Options<'k>) -> Scope<'k> {
        Scope::new(options, self.path.parent().unwrap_or(Path::new("")))
    }

    /// Replaces the entries in the scope of the run with what was found. Returns a message about the changes; `None` if an
    /// extended baseline stays as it is.
    fn renew(&self, options: &Options<'_>, found: Baseline) -> Result<Option<String>, String> {
        let scope = self.scope(options);
        // Another run may have written its part in the meantime.
        let stored = read(&self.path, &options.walk.overlay)?;
        let renewed = stored.renewed(found, |entry| scope.contains(entry));
        let count = |more: &Baseline, than: &Baseline| -> usize {
            more.beyond(than, |_| true).map(|(_, count)| count).sum()
        };
        if self.uses == Baselines::Extended && renewed == stored {
            return Ok(None);
        }
        let (added, dropped) = (count(&renewed, &stored), count(&stored, &renewed));
        let put = Draft::put(&self.path, &renewed.text(), &options.gate);
        put.map_err(|error| error.to_string())?;
        let findings = text::count(renewed.len(), "finding");
        Ok(Some(format!(
            "{findings}; {added} added, {dropped} dropped"
        )))
    }
}

/// Reads a baseline: a regular file inside its repository, with links resolved. Empty if the file does not exist.
fn read(path: &Path, files: &Overlay) -> Result<Baseline, String> {
    if !files.is_there(path) {
        return Ok(Baseline::default());
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let top = config::repository(folder).unwrap_or(folder);
    let text = files
        .read_below(top, path, walk::LIMIT)
        .and_then(|bytes| String::from_utf8(bytes).map_err(|_| io::Error::other("is not UTF-8")));
    let path = printable::path(path);
    let text = text.map_err(|error| format!("{path}: is not read: {error}"))?;
    Baseline::parse(&text).map_err(|why| {
        format!("{path}: {why}; fix it, or remove it and run regfix --write-baseline")
    })
}

/// The entries that this run could have found.
struct Scope<'o> {
    options: &'o Options<'o>,
    /// Absolute paths, both as given and with links resolved.
    roots: Vec<PathBuf>,
    /// The folder of the baseline.
    folder: &'o Path,
}

impl<'o> Scope<'o> {
    fn new(options: &'o Options<'o>, folder: &'o Path) -> Self {
        let here = walk::working_directory();
        let named = options.walk.roots.iter();
        let named = named.map(|root| lexically_normal(&here.join(root)));
        let roots = named.flat_map(|root| walk::real(&root).into_iter().chain([root]));
        Self {
            options,
            roots: roots.collect(),
            folder,
        }
    }

    /// Whether the rule of an entry runs, and its file is under a root and, if only changes are reported, changed.
    fn contains(&self, entry: &Entry) -> bool {
        let file = lexically_normal(&self.folder.join(&entry.file));
        let Some(area) = self.options.settings.of(&file) else {
            return false;
        };
        let (rules, config) = (&area.rules.set, &area.config);
        let is_entrys = |rule: &Rule| *rule.id == *entry.rule;
        // An id that is not a rule, such as `unused-ignore`, is found wherever it is selected.
        let is_rule = || config.known.iter().any(|rule| is_entrys(rule));
        let runs =
            rules.rules().any(is_entrys) || !is_rule() && config.selectors.choose(&entry.rule);
        let only = self.options.only.as_ref();
        runs && self.roots.iter().any(|root| file.starts_with(root))
            && only.is_none_or(|only| only.concerns(&file))
    }
}
