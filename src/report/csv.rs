//! For spreadsheets: one row per finding. Leaves out what was fixed and what could not be analysed.

use csv::{QuoteStyle, Writer, WriterBuilder};

use super::group;
use super::text::Places;
use super::{Delivery, FileReport, Format, RenderOptions, Stream, Summary};
use crate::printable;
use crate::rules::RuleSet;

struct Csv;

pub static FORMAT: Format = Format {
    name: "csv",
    about: "for spreadsheets: one row per finding",
    notes: "a value that looks like a formula gets a `'` in front",
    is_document: true,
    has_keys: false,
    delivery: Delivery::Streamed(&Csv),
};

const HEAD: [&str; 11] = [
    "path", "line", "column", "severity", "rule", "old", "new", "fix", "reason", "message", "url",
];

impl Stream for Csv {
    fn start(&self) -> String {
        rows([HEAD.map(str::to_owned)])
    }

    fn file(&self, report: &FileReport<'_>, _: &RenderOptions) -> String {
        let mut places = Places::new(report);
        let path = printable::path(report.path);
        rows(report.findings.iter().map(|finding| {
            let position = places.at(finding.span().start);
            let text = |text: &Option<String>| cell(text.as_deref().unwrap_or_default());
            let verified = finding.verified.iter().map(|verified| &verified.text);
            let said = finding.reason.iter().chain(verified).chain(&finding.notes);
            let said: Vec<&str> = said.map(String::as_str).collect();
            [
                cell(&path),
                position.line.to_string(),
                position.column.to_string(),
                finding.severity.name().to_owned(),
                cell(&finding.rule),
                cell(&finding.old),
                text(&finding.new),
                group::fix(finding).to_owned(),
                cell(&said.join("; ")),
                cell(&finding.message),
                text(&finding.url),
            ]
        }))
    }

    fn end(&self, _: &Summary, _: &RenderOptions, _: &RuleSet) -> String {
        String::new()
    }
}

/// Spreadsheets evaluate cells that start like a formula, even if they are quoted. A leading `'` makes them text.
pub(crate) fn cell(text: &str) -> String {
    let text = printable::line(text);
    match text.starts_with(['=', '+', '-', '@']) {
        true => format!("'{text}"),
        false => text.into_owned(),
    }
}

pub(crate) fn rows<const N: usize>(rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut writer: Writer<Vec<u8>> = WriterBuilder::new()
        .quote_style(QuoteStyle::Necessary)
        .from_writer(Vec::new());
    // Writing into memory does not fail.
    for row in rows {
        let _ = writer.write_record(&row);
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::sample::{LOOK, Sample, make_unsafe};
    use super::*;

    #[test]
    fn a_reader_of_csv_gets_each_field_and_a_spreadsheet_no_formula() {
        let sample = Sample::new("a: k8s.gcr.io/a,\"b\nc: k8s.gcr.io/c\n")
            .finding("k8s.gcr.io/a,\"b")
            .with(|finding| finding.message = "=1+1\n".to_owned())
            .finding("k8s.gcr.io/c")
            .with(make_unsafe);
        let text = Csv.start() + &sample.show(&Csv, "@x/a.yaml", &LOOK);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(reader.headers().unwrap(), HEAD.to_vec());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(
            rows.iter()
                .map(|row| row.iter().collect())
                .collect::<Vec<Vec<_>>>(),
            [
                [
                    "'@x/a.yaml",
                    "1",
                    "4",
                    "warning",
                    "k8s-gcr-io",
                    "k8s.gcr.io/a,\"b",
                    "registry.k8s.io/a,\"b",
                    "safe",
                    "",
                    "'=1+1␊",
                    "https://example.com/freeze",
                ],
                [
                    "'@x/a.yaml",
                    "2",
                    "4",
                    "warning",
                    "k8s-gcr-io",
                    "k8s.gcr.io/c",
                    "registry.k8s.io/c",
                    "needs review",
                    "tags may differ",
                    "k8s.gcr.io is frozen; use registry.k8s.io",
                    "https://example.com/freeze",
                ],
            ]
        );
    }
}
