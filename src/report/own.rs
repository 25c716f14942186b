//! Whether a file is a report that regfix wrote: it repeats the images of the files that it is about, and nothing pulls them.
//!
//! Knows the formats for programs that name who wrote them. Reads no file.

use serde::Deserialize;
use serde::de::IgnoredAny;

/// What distinguishes such reports from other JSON. Nothing else that has these keys is left out: where a key holds something of another
/// type, the text is no report.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Document<'d> {
    /// `json`, and the last line of `jsonl`.
    summary: Totals<'d>,
    #[serde(rename = "type")]
    line: Option<&'d str>,
    regfix: Option<&'d str>,
    /// `sarif`.
    runs: Vec<Run<'d>>,
    /// `rdjson`.
    source: Named<'d>,
    /// No report has it, and a manifest needs it.
    #[serde(rename = "apiVersion")]
    api_version: Option<IgnoredAny>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Totals<'d> {
    regfix: Option<&'d str>,
}

#[derive(Deserialize)]
struct Run<'d> {
    #[serde(borrow)]
    tool: Tool<'d>,
}

#[derive(Deserialize)]
struct Tool<'d> {
    #[serde(borrow)]
    driver: Named<'d>,
}

#[derive(Deserialize, Default)]
struct Named<'d> {
    name: &'d str,
}

/// What regfix calls itself in them.
const NAME: &str = "regfix";

/// Whether a text is a report of a format for programs: `json`, `jsonl`, `rdjson` or `sarif`.
pub fn is_own(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    if !text.starts_with(b"{") || memchr::memmem::find(text, NAME.as_bytes()).is_none() {
        return false;
    }
    // Of `jsonl`, the last line says who wrote it.
    let last_line = memchr::memrchr(b'\n', text).map(|at| &text[at + 1..]);
    let is_own =
        |text: &[u8]| serde_json::from_slice(text).is_ok_and(|document| says_so(&document));
    last_line.is_some_and(is_own) || is_own(text)
}

fn says_so(document: &Document<'_>) -> bool {
    let is_sarif = || {
        let mut runs = document.runs.iter();
        !document.runs.is_empty() && runs.all(|run| run.tool.driver.name == NAME)
    };
    let is_own = document.summary.regfix.is_some()
        || document.line == Some("summary") && document.regfix.is_some()
        || document.source.name == NAME
        || is_sarif();
    is_own && document.api_version.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_no_reports() {
        for text in [
            "",
            "{",
            "regfix: {}",
            r#"{"regfix": "k8s.gcr.io/pause"}"#,
            r#"{"summary": "regfix"}"#,
            r#"{"summary": {"regfix": {"image": "k8s.gcr.io/pause"}}}"#,
            r#"{"apiVersion": "v1", "kind": "Pod", "summary": {"regfix": "0.1.0"}}"#,
            r#"{"source": {"name": "other"}, "about": "regfix"}"#,
            r#"{"runs": [], "about": "regfix"}"#,
            r#"{"runs": [{"tool": {"driver": {"name": "other"}}}], "about": "regfix"}"#,
            r#"{"type": "summary", "about": "regfix"}"#,
        ] {
            assert!(!is_own(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_report_that_was_laid_out_anew_is_one() {
        for text in [
            "{\n  \"files\": [],\n  \"summary\": {\n    \"regfix\": \"0.1.0\"\n  }\n}\n",
            "{\"type\":\"finding\"}\n{\"type\":\"summary\",\"regfix\":\"0.1.0\"}\n",
            r#"{"runs": [{"tool": {"driver": {"name": "regfix", "rules": []}}}]}"#,
            r#"{"diagnostics": [], "source": {"name": "regfix"}}"#,
        ] {
            assert!(is_own(text.as_bytes()), "{text}");
        }
    }
}
