//! A read-only client for the OCI distribution API: whether images exist, and which tags a repository has.
//!
//! Knows nothing about arguments or terminals: [`Settings`] in, [`Answer`]s out. Everything that a registry sends is
//! untrusted: sizes, times, redirects and pages are limited, and credentials are sent only to the host that they belong to.

mod answer;
mod attempts;
mod cache;
mod challenge;
mod credentials;
mod exchange;
mod host;
mod location;
mod manifest;
mod queue;
mod settings;
mod tags;
mod token;

pub use crate::http::{Environment, Limits};
pub use answer::{Answer, Platform};
pub use location::{Location, Mirror, Repository};
pub use settings::Settings;
pub use tags::Tags;

use cache::{Cache, Question};
use credentials::Keyring;
use exchange::Exchange;

/// Connections to registries during one run, and what was learnt about the registries.
pub struct Client {
    exchange: Exchange,
    mirrors: Vec<Mirror>,
    per_host: usize,
    cache: Option<Cache>,
    warnings: Vec<String>,
}

impl Client {
    /// Reads the available credentials and certificates. Makes no connection.
    ///
    /// # Errors
    /// If a file or setting is wrong; the message says which.
    pub fn new(settings: &Settings) -> Result<Self, String> {
        let (keyring, warnings) = Keyring::open(settings)?;
        Ok(Self {
            exchange: Exchange::new(settings, keyring)?,
            mirrors: settings.mirrors.clone(),
            per_host: settings.connection.per_host,
            cache: settings
                .cache
                .as_ref()
                .map(|(folder, age)| Cache::new(folder.clone(), *age)),
            warnings,
        })
    }

    /// Problems with credential files in their usual locations. They do not stop the run.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns the location that is queried: the mirror that is set for the image, or else its registry.
    pub fn asked_at(&self, location: &Location) -> Location {
        Location {
            repository: location.repository.through(&self.mirrors),
            reference: location.reference.clone(),
        }
    }

    /// Queries one image. The answer has platforms only if `platforms` is set.
    pub fn ask(&self, location: &Location, platforms: bool) -> Answer {
        let location = self.asked_at(location);
        let Some(cache) = &self.cache else {
            return manifest::ask(&self.exchange, &location, platforms);
        };
        let question = Question {
            image: location.to_string(),
            platforms,
            logged_in: matches!(self.exchange.keyring.of(&location.repository), Ok(Some(_))),
        };
        if let Some(answer) = cache.get(&question) {
            return answer;
        }
        let answer = manifest::ask(&self.exchange, &location, platforms);
        cache.put(&question, &answer);
        answer
    }

    /// Queries many images at the same time. The answers are in the order of the locations.
    pub fn ask_all(&self, locations: &[Location], platforms: bool) -> Vec<Answer> {
        let asked: Vec<(Location, &Location)> = locations
            .iter()
            .map(|location| (self.asked_at(location), location))
            .collect();
        queue::run(
            &asked,
            |(asked, _)| asked.repository.api(),
            self.per_host,
            |(_, location)| self.ask(location, platforms),
        )
    }

    /// Returns all tags of a repository.
    ///
    /// # Errors
    /// If the registry does not answer with a list of tags; holds the answer.
    pub fn tags(&self, repository: &Repository) -> Result<Tags, Answer> {
        tags::list(&self.exchange, &repository.through(&self.mirrors))
    }
}
