//! A client for registries: whether images are there, and which tags there are, by the OCI distribution API.
//!
//! Reads, and nothing else. Knows no arguments and no terminal: [`Settings`] in, [`Answer`]s out. Everything that a registry sends is
//! taken to be hostile: sizes, times, redirects and pages are bounded, and credentials go to the host that they are for.

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

/// Connections to registries, and what was learnt about them, for one run.
pub struct Client {
    exchange: Exchange,
    mirrors: Vec<Mirror>,
    per_host: usize,
    cache: Option<Cache>,
    warnings: Vec<String>,
}

impl Client {
    /// Reads the credentials and certificates that there are. Makes no connection.
    ///
    /// # Errors
    /// Says which file or setting is wrong.
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

    /// What was wrong with files that no one named: the run goes on without them.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Where an image is asked for: at its registry, or at the mirror that is set for it.
    pub fn asked_at(&self, location: &Location) -> Location {
        Location {
            repository: location.repository.through(&self.mirrors),
            reference: location.reference.clone(),
        }
    }

    /// Asks for one image. `platforms` are only reported where they are wanted.
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

    /// Asks for many images at the same time. The answers are in the order of the locations.
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

    /// All tags of a repository.
    ///
    /// # Errors
    /// The answer that is no list of tags.
    pub fn tags(&self, repository: &Repository) -> Result<Tags, Answer> {
        tags::list(&self.exchange, &repository.through(&self.mirrors))
    }
}
