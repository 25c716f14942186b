//! Whether registries have images: converts [`Answer`]s to what the rules use.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::printable;
use crate::registry::client::{Answer, Client, Location, Repository};
use crate::registry::version;
use crate::rules::Presence;
use crate::run::Registries;

/// How many existing tags are named for a missing image.
const MOST_NEAREST: usize = 3;

impl Registries for Client {
    fn ask(&self, images: &[String]) -> Vec<Presence> {
        let parsed = images.iter().map(|image| Location::parse(image));
        let locations: Vec<Result<Location, String>> = parsed.collect();
        let whole: Vec<Location> = locations.iter().flatten().cloned().collect();
        let answers = self.ask_all(&whole, false);
        let tags = tags(self, whole.iter().zip(&answers));
        let mut answered = whole.iter().zip(answers);
        let presence = |location: &Result<Location, String>| match location {
            Err(problem) => Presence::Undetermined {
                reason: problem.clone(),
            },
            Ok(_) => match answered.next() {
                Some((location, answer)) => presence(location, &answer, &tags),
                None => Presence::Undetermined {
                    reason: "there was no answer".to_owned(),
                },
            },
        };
        locations.iter().map(presence).collect()
    }
}

/// Lists the tags of each repository that lacks an image. Empty if they cannot be listed.
fn tags<'a>(
    client: &Client,
    answered: impl Iterator<Item = (&'a Location, &'a Answer)>,
) -> BTreeMap<Repository, Vec<String>> {
    let missing = answered.filter(|(_, answer)| matches!(answer, Answer::Missing { .. }));
    let mut repositories: Vec<Repository> = missing
        .map(|(location, _)| location.repository.clone())
        .collect();
    repositories.sort();
    repositories.dedup();
    let listed = repositories.into_par_iter().map(|repository| {
        let tags = client.tags(&repository).map(|found| found.tags);
        (repository, tags.unwrap_or_default())
    });
    listed.collect()
}

fn presence(
    location: &Location,
    answer: &Answer,
    tags: &BTreeMap<Repository, Vec<String>>,
) -> Presence {
    match answer {
        Answer::Exists { digest, .. } => Presence::Exists {
            digest: digest.clone(),
        },
        Answer::Missing { anonymous, .. } => {
            let known = tags.get(&location.repository).map(Vec::as_slice);
            let known = known.filter(|_| location.digest().is_none());
            let (known, tag) = (known.unwrap_or_default(), &location.reference);
            Presence::Missing {
                nearest: version::nearest(known, tag, MOST_NEAREST),
                anonymous: *anonymous,
            }
        }
        other => Presence::Undetermined {
            reason: match other.reason() {
                Some(reason) => format!("{}: {}", other.status(), printable::line(reason)),
                None => other.status().to_owned(),
            },
        },
    }
}
