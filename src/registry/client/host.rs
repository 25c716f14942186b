//! The state of a registry in this run: how it lets one in, the tokens it takes, and whether it is of use to ask it again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::answer::Answer;
use super::challenge::Challenge;
use crate::http::secret::Secret;
use crate::http::url::Url;
use crate::parallel::lock;

/// After so many failed requests in a row, the host is not asked again.
const MOST_FAILURES: u32 = 3;

/// A token, and until when it is good.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) header: Secret,
    pub(super) good_until: Instant,
    /// Given to no one in particular.
    pub(super) anonymous: bool,
}

/// Held while a token is fetched: who needs the same one waits for it.
pub(super) type TokenSlot = Arc<Mutex<Option<Token>>>;

/// A registry's API.
#[derive(Debug, Default)]
pub(super) struct Host {
    /// Where the API is. Held by the first to ask: the others wait for what it learns.
    pub(super) base: Mutex<Option<Url>>,
    /// Held by the first to ask, until the registry has said how it lets one in.
    pub(super) met: Mutex<bool>,
    challenge: Mutex<Option<Challenge>>,
    tokens: Mutex<HashMap<String, TokenSlot>>,
}

impl Host {
    pub(super) fn challenge(&self) -> Option<Challenge> {
        lock(&self.challenge).clone()
    }

    pub(super) fn set_challenge(&self, challenge: Challenge) {
        *lock(&self.challenge) = Some(challenge);
    }

    /// The token for a scope: one for all images of a repository.
    pub(super) fn token(&self, scope: &str) -> TokenSlot {
        let mut tokens = lock(&self.tokens);
        Arc::clone(tokens.entry(scope.to_owned()).or_default())
    }
}

/// Whether a host is fit to be asked: registries, token services and what they redirect to alike.
#[derive(Debug, Default)]
pub(super) struct Health {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// It wants to be left alone until then.
    resume: Option<Instant>,
    failures: u32,
    /// It is not asked again, and this is why.
    down: Option<String>,
}

impl Health {
    /// Waits until the host may be asked, and says for how long.
    ///
    /// # Errors
    /// Where it is not asked again, or not within `patience`.
    pub(super) fn wait(&self, host: &str, patience: Duration) -> Result<Duration, Answer> {
        let pause = {
            let state = lock(&self.state);
            if let Some(reason) = &state.down {
                return Err(Answer::unreachable(reason));
            }
            let now = Instant::now();
            let pause = state
                .resume
                .map(|resume| resume.saturating_duration_since(now));
            pause.unwrap_or_default()
        };
        if pause > patience {
            return Err(limited(host, Some(pause)));
        }
        std::thread::sleep(pause);
        Ok(pause)
    }

    /// The host wants to be left alone for so long.
    pub(super) fn pause(&self, pause: Duration) {
        let resume = Instant::now().checked_add(pause);
        let mut state = lock(&self.state);
        state.resume = state.resume.max(resume);
    }

    pub(super) fn succeeded(&self) {
        lock(&self.state).failures = 0;
    }

    /// A request failed, after all attempts.
    pub(super) fn failed(&self, reason: &str, for_good: bool) {
        let mut state = lock(&self.state);
        state.failures += 1;
        if for_good || state.failures >= MOST_FAILURES {
            state.down = Some(reason.to_owned());
        }
    }
}

pub(super) fn limited(host: &str, retry_after: Option<Duration>) -> Answer {
    let when = match retry_after {
        // Rounded up: it is a time to come back at.
        Some(after) => format!("; it can be asked again in {} s", after.as_secs() + 1),
        None => String::new(),
    };
    Answer::RateLimited {
        reason: format!("{host} limits the number of requests{when}"),
        retry_after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_limits_is_waited_for_or_not() {
        let health = Health::default();
        health.pause(Duration::from_secs(3600));
        let answer = health.wait("r.io", Duration::from_secs(30)).unwrap_err();
        assert_eq!(answer.status(), "rate-limited");
        // What is later than time itself is no pause at all, and no panic.
        Health::default().pause(Duration::MAX);
    }

    #[test]
    fn a_host_that_fails_is_left_alone() {
        let health = Health::default();
        let ask = |health: &Health| health.wait("r.io", Duration::ZERO);
        health.failed("broken", false);
        health.failed("broken", false);
        health.succeeded();
        health.failed("broken", false);
        assert_eq!(ask(&health), Ok(Duration::ZERO));
        health.failed("broken", false);
        health.failed("broken", false);
        assert_eq!(ask(&health), Err(Answer::unreachable("broken")));
        let health = Health::default();
        health.failed("refused", true);
        assert_eq!(ask(&health), Err(Answer::unreachable("refused")));
    }
}
