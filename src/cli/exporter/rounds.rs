//! The requests of a round, and what is known from earlier rounds.
//!
//! A registry that does not answer is asked less and less often, and its silence says nothing about its images.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::cli::mirror;
use crate::registry::client::{Answer, Client, Location};
use crate::registry::metrics::{Known, Legacy, Sample};
use crate::rules::RuleSet;

/// The most rounds until an image is asked about again whose registry does not answer.
const LONGEST_PAUSE: u32 = 8;

/// The knowledge about images, kept from round to round. Times are in seconds.
pub(super) struct Rounds {
    images: BTreeMap<String, Memory>,
    interval: u64,
    stale_after: u64,
}

#[derive(Debug, Clone, Default)]
struct Memory {
    status: &'static str,
    /// Whether it exists according to the last answer that says so, and the time of that answer.
    available: Option<(bool, u64)>,
    /// The number of rounds in a row without an answer.
    failures: u32,
    /// The time of the next request.
    due: u64,
}

impl Rounds {
    /// `known` is what earlier runs found out.
    pub(super) fn new(known: Known, interval: Duration, stale_after: Duration) -> Self {
        let remembered = known.into_iter().map(|(image, available)| {
            let memory = Memory {
                available: Some(available),
                ..Memory::default()
            };
            (image, memory)
        });
        Self {
            images: remembered.collect(),
            interval: interval.as_secs(),
            stale_after: stale_after.as_secs(),
        }
    }

    /// Asks about the images that are due, and forgets those that are no longer listed.
    pub(super) fn ask(&mut self, client: &Client, images: &BTreeSet<String>, now: u64) {
        self.images.retain(|image, _| images.contains(image));
        let mut asked: Vec<(String, Location)> = Vec::new();
        for image in images {
            let memory = self.images.entry(image.clone()).or_default();
            match Location::parse(image) {
                Ok(_) if memory.due > now => {}
                Ok(location) => asked.push((image.clone(), location)),
                // A template builds the name.
                Err(_) => memory.status = "not-asked",
            }
        }
        let locations: Vec<Location> = asked.iter().map(|(_, one)| one.clone()).collect();
        let answers = client.ask_all(&locations, false);
        for ((image, _), answer) in asked.into_iter().zip(answers) {
            let memory = self.images.entry(image).or_default();
            memory.learn(&answer, now, self.interval);
        }
    }

    /// Returns a sample for each image, in order of their names.
    pub(super) fn samples(&self, rules: &RuleSet, now: u64) -> Vec<Sample> {
        let sample = |(image, memory): (&String, &Memory)| {
            let finding = mirror::finding(image, rules);
            let is_fresh = |(_, when): &(bool, u64)| now.saturating_sub(*when) <= self.stale_after;
            Sample {
                image: image.clone(),
                status: memory.status,
                available: memory.available.filter(is_fresh),
                legacy: finding.map(|finding| Legacy {
                    rule: finding.rule.to_string(),
                    severity: finding.severity.name(),
                    replacement: finding.new.unwrap_or_default(),
                }),
            }
        };
        self.images.iter().map(sample).collect()
    }
}

impl Memory {
    fn learn(&mut self, answer: &Answer, now: u64, interval: u64) {
        self.status = answer.status();
        let exists = match answer {
            Answer::Exists { .. } => Some(true),
            Answer::Missing { .. } => Some(false),
            _ => None,
        };
        self.available = exists.map(|exists| (exists, now)).or(self.available);
        let is_out = matches!(
            answer,
            Answer::Unreachable { .. } | Answer::RateLimited { .. }
        );
        self.failures = if is_out {
            self.failures.saturating_add(1)
        } else {
            0
        };
        let rounds = match self.failures {
            0 => 0,
            failures => 2_u32.saturating_pow(failures - 1).min(LONGEST_PAUSE),
        };
        // Half a round less, because rounds do not take equally long.
        self.due = match rounds {
            0 => now,
            rounds => now + interval * u64::from(rounds) - interval / 2,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out() -> Answer {
        Answer::Unreachable {
            reason: "no route".to_owned(),
        }
    }

    fn exists() -> Answer {
        Answer::Exists {
            digest: String::new(),
            media_type: String::new(),
            platforms: Vec::new(),
        }
    }

    #[test]
    fn who_does_not_answer_is_asked_less_and_less_often() {
        let mut memory = Memory::default();
        let mut asked = Vec::new();
        for round in 0..40 {
            let now = 1_000 + round * 100;
            if memory.due <= now {
                asked.push(round);
                memory.learn(&out(), now, 100);
            }
        }
        assert_eq!(asked, [0, 1, 3, 7, 15, 23, 31, 39]);
        memory.learn(&exists(), 5_000, 100);
        assert_eq!((memory.failures, memory.due), (0, 5_000));
    }

    #[test]
    fn an_outage_leaves_what_was_known_until_it_is_stale() {
        let known = Known::from([("a.io/x:1".to_owned(), (true, 100))]);
        let minute = Duration::from_secs(60);
        let mut rounds = Rounds::new(known, minute, 10 * minute);
        let memory = rounds.images.get_mut("a.io/x:1").unwrap();
        memory.learn(&out(), 700, 60);
        let rules = RuleSet::new(Vec::new());
        let sample = |now| rounds.samples(&rules, now).remove(0);
        assert_eq!(sample(700).available, Some((true, 100)));
        assert_eq!(sample(701).available, None);
        assert_eq!(sample(701).status, "unreachable");
    }
}
