//! Detects reports that regfix wrote: they repeat images of other files, and nothing pulls these.
//!
//! Knows the formats for programs that name their tool. Reads no files.

use serde::Deserialize;
use serde::de::IgnoredAny;

/// Keys that distinguish such reports from other JSON. If a key has a value of another type, the text is not a report.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Document<'d> {
    /// In `json` and in the last line of `jsonl`.
    summary: Totals<'d>,
    #[serde(rename = "type")]
    line: Option<&'d str>,
    regfix: Option<&'d str>,
    /// In `sarif`.
    runs: Vec<Run<'d>>,
    /// In `rdjson`.
    source: Named<'d>,
    /// Manifests need this key, and reports never have it.
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

/// The tool name in reports of regfix.
const NAME: &str = "regfix";

/// Whether a text is a report in a format for programs: `json`, `jsonl`, `rdjson` or `sarif`.
pub fn is_own(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    if !text.starts_with(b"{") || memchr::memmem::find(text, NAME.as_bytes()).is_none() {
        return false;
    }
    // In `jsonl`, the last line names the tool.
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
