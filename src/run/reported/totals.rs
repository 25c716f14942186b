//! The totals of a run: the summary, each repository, the baselines, and the end of all reports.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::super::{Mode, RunOutcome, list};
use super::{Run, Share};
use crate::printable::complain;
use crate::report::{RepositorySummary, Summary, concise};

impl Run<'_, '_> {
    /// The counts of each repository by name; the name is empty for files outside of repositories.
    fn shares(&mut self) -> BTreeMap<String, Summary> {
        let settings = self.options.settings;
        let all = settings.repositories();
        let shares = all.into_iter().filter_map(|(top, is_broken)| {
            let share = self.repositories.remove(&top);
            // Files outside of repositories only have an entry if there are any.
            let share = share.or_else(|| top.is_some().then(Share::default))?;
            let name = top.map_or_else(String::new, |top| settings.name_of(&top));
            let summary = Summary {
                failures: share.summary.failures + usize::from(is_broken),
                by_rule: share.rules.rows(),
                catalogues: self.summary.catalogues.clone(),
                ..share.summary
            };
            Some((name, summary))
        });
        shares.collect()
    }

    /// The commits of all repositories by name. Empty unless a report contains commits.
    fn commits(&self) -> BTreeMap<String, String> {
        let settings = self.options.settings;
        if !self.options.formats().any(|(format, _)| format.is_document) {
            return BTreeMap::new();
        }
        let tops = settings.repositories().into_keys().flatten();
        let commits = tops.filter_map(|top| {
            let commit = settings.commit(&top)?;
            Some((settings.name_of(&top), commit))
        });
        commits.collect()
    }

    /// Reports for each revision, in one line, how many of its objects are missing from the clone.
    fn report_absent(&mut self) -> io::Result<()> {
        for (top, snapshot) in self.options.walk.overlay.snapshots() {
            let absent = snapshot.absent();
            if absent == 0 {
                continue;
            }
            self.summary.failures += 1;
            let share = self.repositories.entry(Some(top.clone())).or_default();
            share.summary.failures += 1;
            let name = self.options.settings.name_of(top);
            let are = match absent {
                1 => "1 object is".to_owned(),
                number => format!("{number} objects are"),
            };
            let how = snapshot.how_to_get_it();
            let why = format!(
                "{name}: {are} not in this clone, and their contents were not checked; {how}"
            );
            complain(self.streams.err, why)?;
        }
        Ok(())
    }

    /// Finishes all reports. `elapsed` is the duration of the run.
    pub(in super::super) fn finish(mut self, elapsed: Duration) -> io::Result<RunOutcome> {
        self.summary.elapsed = elapsed;
        self.progress.finish();
        self.report_absent()?;
        self.summary.by_rule = std::mem::take(&mut self.rules).rows();
        let shares = self.shares();
        if shares.keys().any(|name| !name.is_empty()) {
            let commits = self.commits();
            let each = shares.iter().map(|(name, share)| {
                let commit = commits.get(name).cloned();
                RepositorySummary::new(name.clone(), commit, share)
            });
            self.summary.repositories = each.collect();
        }
        self.summary.as_of = Some(self.options.as_of);
        self.summary.shard.clone_from(&self.options.shard);
        self.summary.catalogues = self.options.settings.catalogues();
        for known in self.options.settings.baselines() {
            let found = self.found.remove(known.path()).unwrap_or_default();
            known.close(self.options, found, &mut self.summary, self.streams.err)?;
        }
        let Self {
            options,
            mut streams,
            outlets,
            mut summary,
            ..
        } = self;
        if options.counts_only() {
            list::statistics(&summary.by_rule, &options.render_options, streams.out)?;
        }
        streams.out.flush()?;
        let unread = options.unread.load(Ordering::Relaxed) && options.mode != Mode::Write;
        let reported = options.stream_format().is_some() || unread;
        let mut failures = 0;
        for report_writer in outlets {
            let rules = &self.pipeline.domains.all.set;
            failures += report_writer.end(options, &summary, &shares, rules, &mut streams)?;
        }
        summary.failures += failures;
        if !reported && !options.quiet {
            let counts = concise::counts(&summary, &options.render_options);
            streams.err.write_all(counts.as_bytes())?;
        }
        Ok(options.outcome(&summary))
    }
}
