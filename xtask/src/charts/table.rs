//! The table of charts, as it is stored.

use std::collections::BTreeSet;

/// A row: the legacy versions of a chart by one rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    pub chart: String,
    pub repositories: String,
    pub rule: String,
    pub legacy: String,
    pub first_clean: Option<String>,
    pub since: Option<String>,
    pub newest: Option<String>,
    pub images: String,
    pub subchart: Option<String>,
    pub condition: Option<String>,
    pub by_default: Option<String>,
    pub renamed_to: Option<String>,
    pub evidence: String,
}

pub struct Table {
    /// The lines with `#` at the start.
    head: String,
    rows: Vec<Row>,
}

const COLUMNS: usize = 13;
/// Marks of rows that people write: about every chart of a repository, and about exceptions. Histories do not replace them.
const BY_HAND: [&str; 2] = ["*", "-"];

pub fn parsed(text: &str) -> Table {
    let is_head = |line: &&str| line.starts_with('#');
    let head = text
        .lines()
        .take_while(is_head)
        .map(|line| format!("{line}\n"));
    let rows = text.lines().skip_while(is_head).filter_map(row);
    Table {
        head: head.collect(),
        rows: rows.collect(),
    }
}

fn row(line: &str) -> Option<Row> {
    let cells: Vec<&str> = line.split('\t').collect();
    let text = |index: usize| cells[index].to_owned();
    let some = |index: usize| Some(text(index)).filter(|text| text != "-");
    (cells.len() == COLUMNS).then(|| Row {
        chart: text(0),
        repositories: text(1),
        rule: text(2),
        legacy: text(3),
        first_clean: some(4),
        since: some(5),
        newest: some(6),
        images: text(7),
        subchart: some(8),
        condition: some(9),
        by_default: some(10),
        renamed_to: some(11),
        evidence: text(12),
    })
}

impl Row {
    fn written(&self) -> String {
        let some = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let cells = [
            self.chart.clone(),
            self.repositories.clone(),
            self.rule.clone(),
            self.legacy.clone(),
            some(&self.first_clean),
            some(&self.since),
            some(&self.newest),
            self.images.clone(),
            some(&self.subchart),
            some(&self.condition),
            some(&self.by_default),
            some(&self.renamed_to),
            self.evidence.clone(),
        ];
        cells.join("\t") + "\n"
    }

    fn is_of(&self, name: &str) -> bool {
        let owner = self.evidence.split('@').next();
        owner == Some(name) && !BY_HAND.contains(&self.legacy.as_str())
    }

    /// Describes the versions of a row; rows with the same text do not differ.
    fn said(&self) -> String {
        let some = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
        format!(
            "{}, clean from {} ({})",
            self.legacy,
            some(&self.first_clean),
            some(&self.since)
        )
    }
}

impl Table {
    /// Returns the URLs where the charts of a repository on GitHub are published.
    pub fn urls_of(&self, name: &str) -> Vec<String> {
        let mut own = self.rows.iter().filter(|row| row.is_of(name));
        let urls = own
            .next()
            .map(|row| row.repositories.split(' ').map(str::to_owned).collect());
        urls.unwrap_or_default()
    }

    /// Replaces the rows of a repository, and prints the differences. Keeps the new name of a chart, and a row whose
    /// versions are unchanged, because somebody may have chosen which of its images are named.
    pub fn replace(&mut self, name: &str, only: &[String], mut rows: Vec<Row>) {
        let is_old = |row: &Row| row.is_of(name) && (only.is_empty() || only.contains(&row.chart));
        let (old, kept): (Vec<Row>, Vec<Row>) = self.rows.drain(..).partition(is_old);
        for row in &mut rows {
            let mut same = old.iter().filter(|one| one.chart == row.chart);
            row.renamed_to = same.find_map(|one| one.renamed_to.clone());
            let as_before = |one: &&Row| {
                one.chart == row.chart && one.rule == row.rule && one.said() == row.said()
            };
            if let Some(before) = old.iter().find(as_before) {
                *row = Row {
                    newest: row.newest.clone(),
                    ..before.clone()
                };
            }
        }
        let key = |row: &Row| (row.chart.clone(), row.rule.clone());
        let keys: BTreeSet<_> = old.iter().chain(&rows).map(key).collect();
        let mut same = 0;
        for (chart, rule) in keys {
            let of = |rows: &[Row]| {
                let found = rows
                    .iter()
                    .find(|row| row.chart == chart && row.rule == rule);
                found.map(Row::said)
            };
            match (of(&old), of(&rows)) {
                (Some(before), Some(after)) if before == after => same += 1,
                (before, after) => {
                    let said = |said: Option<String>| said.unwrap_or_else(|| "nothing".to_owned());
                    println!("  {chart} {rule}: {} became {}", said(before), said(after));
                }
            }
        }
        println!("  {same} rows as before");
        self.rows = kept;
        self.rows.extend(rows);
        self.rows.sort();
    }

    pub fn written(&self) -> String {
        let rows: String = self.rows.iter().map(Row::written).collect();
        format!("{}{rows}", self.head)
    }
}
