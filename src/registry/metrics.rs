//! Availability of images as metrics in the text format of Prometheus.
//!
//! A registry that does not answer says nothing about an image, so its last known state and time stay. For this, earlier
//! output is read again. Knows no files and no clock.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// An image and its state.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sample {
    pub image: String,
    /// The answer of this round in one word: `available`, `gone`, `unreachable`.
    pub status: &'static str,
    /// Whether the image exists according to the last conclusive answer, and the time of that answer in seconds since 1970.
    pub available: Option<(bool, u64)>,
    /// The rule and the new location, if the image has moved.
    pub legacy: Option<Legacy>,
}

/// Why an image is legacy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Legacy {
    pub rule: String,
    pub severity: &'static str,
    /// Empty if there is none.
    pub replacement: String,
}

/// Availability by image, and when it was determined, from an earlier round.
pub type Known = BTreeMap<String, (bool, u64)>;

const AVAILABLE: &str = "regfix_image_available";
const DETERMINED: &str = "regfix_image_last_determined_timestamp_seconds";
/// Answers that do not say whether the image exists.
const STATES: [&str; 5] = [
    "denied",
    "needs-credentials",
    "not-asked",
    "rate-limited",
    "unreachable",
];

/// Renders all metrics of a round. `is_whole` is whether all sources of images could be read.
pub fn text(samples: &[Sample], now: u64, is_whole: bool, version: &str) -> String {
    let mut page = Page::default();
    page.images(samples);
    page.counts(samples);
    let name = "regfix_last_round_timestamp_seconds";
    page.family(name, "When the registries were last asked.");
    page.line(name, &[], now);
    let name = "regfix_last_round_complete";
    page.family(
        name,
        "1 if all files, revisions and reports that name images could be read.",
    );
    page.line(name, &[], u64::from(is_whole));
    page.family("regfix_build_info", "1, with the version of regfix.");
    page.line("regfix_build_info", &[("version", version)], 1);
    page.text
}

/// Parses earlier output. Skips lines that it cannot parse: the file may be from another version.
pub fn known(text: &str) -> Known {
    let read = |metric: &str| -> BTreeMap<String, u64> {
        let lines = text.lines();
        let lines = lines.filter_map(|line| line.strip_prefix(metric)?.strip_prefix("{image=\""));
        let pairs = lines.filter_map(|rest| {
            let (label, value) = rest.rsplit_once("\"} ")?;
            Some((unescaped(label), value.trim().parse().ok()?))
        });
        pairs.collect()
    };
    let mut times = read(DETERMINED);
    let available = read(AVAILABLE).into_iter();
    let both = available.filter_map(|(image, value)| {
        let when = times.remove(&image)?;
        (value <= 1).then_some((image, (value == 1, when)))
    });
    both.collect()
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    /// Writes the state of each image.
    fn images(&mut self, samples: &[Sample]) {
        self.family(
            AVAILABLE,
            "Whether the registry has the image, by its last answer that says so.",
        );
        for sample in samples {
            if let Some((available, _)) = sample.available {
                self.line(AVAILABLE, &[("image", &sample.image)], u64::from(available));
            }
        }
        self.family(
            DETERMINED,
            "When the registry last said whether it has the image.",
        );
        for sample in samples {
            if let Some((_, when)) = sample.available {
                self.line(DETERMINED, &[("image", &sample.image)], when);
            }
        }
        let name = "regfix_image_undetermined";
        self.family(
            name,
            "1 if the last question was not answered; the state says why.",
        );
        for sample in samples
            .iter()
            .filter(|sample| STATES.contains(&sample.status))
        {
            let labels = [("image", sample.image.as_str()), ("state", sample.status)];
            self.line(name, &labels, 1);
        }
        let name = "regfix_image_legacy";
        self.family(
            name,
            "1 for an image whose location is legacy, with the rule and the new location.",
        );
        for sample in samples {
            if let Some(legacy) = &sample.legacy {
                let labels = [
                    ("image", sample.image.as_str()),
                    ("rule", &legacy.rule),
                    ("severity", legacy.severity),
                    ("replacement", &legacy.replacement),
                ];
                self.line(name, &labels, 1);
            }
        }
    }

    fn counts(&mut self, samples: &[Sample]) {
        let name = "regfix_images";
        self.family(name, "Images by the answer of the last round.");
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for state in STATES.iter().chain(&["available", "gone"]) {
            counts.insert(state, 0);
        }
        for sample in samples {
            *counts.entry(sample.status).or_default() += 1;
        }
        for (state, count) in counts {
            self.line(name, &[("state", state)], count);
        }
    }

    fn family(&mut self, name: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} gauge\n");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        let labels = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
        let labels: Vec<String> = labels.collect();
        let labels = match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        };
        let _ = writeln!(self.text, "{name}{labels} {value}");
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, letter == '\\') {
            (_, true) => match letters.next() {
                Some('n') => out.push('\n'),
                Some(other) => out.push(other),
                None => {}
            },
            (letter, false) => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(image: &str, status: &'static str, available: Option<(bool, u64)>) -> Sample {
        Sample {
            image: image.to_owned(),
            status,
            available,
            legacy: None,
        }
    }

    #[test]
    fn what_was_known_is_read_again() {
        let samples = [
            sample("a.io/x:1", "available", Some((true, 5))),
            sample("a.io/\"\\\n", "unreachable", Some((false, 7))),
            sample("a.io/z:1", "denied", None),
        ];
        let text = text(&samples, 9, true, "0.1.0");
        let known = known(&text);
        assert_eq!(known.len(), 2);
        assert_eq!(known["a.io/x:1"], (true, 5));
        assert_eq!(known["a.io/\"\\\n"], (false, 7));
        assert!(
            text.contains("regfix_image_undetermined{image=\"a.io/z:1\",state=\"denied\"} 1\n")
        );
        assert!(text.contains("regfix_images{state=\"gone\"} 0\n"));
        assert!(text.contains("regfix_last_round_timestamp_seconds 9\n"));
    }

    #[test]
    fn foreign_lines_are_left_out() {
        for text in [
            "",
            "x",
            "regfix_image_available{image=\"a\"} 1\n",
            "regfix_image_available{image=\"a\"} 7\nregfix_image_last_determined_timestamp_seconds{image=\"a\"} 1\n",
            "regfix_image_available{image=\"a\"} x\nregfix_image_last_determined_timestamp_seconds{image=\"a\"} -1\n",
            "regfix_image_available{image=\"",
        ] {
            assert!(known(text).is_empty(), "{text}");
        }
    }
}
