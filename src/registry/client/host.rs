//! The state of a registry during a run: its authentication method, its tokens, and whether it is still worth a request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::answer::Answer;
use super::challenge::Challenge;
use crate::http::secret::Secret;
use crate::http::url::Url;
use crate::parallel::lock;

/// After this many failed requests in a row, the host gets no more requests.
const MOST_FAILURES: u32 = 3;

/// A token and its expiry.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) header: Secret,
    pub(super) good_until: Instant,
    /// Whether it was fetched without credentials.
    pub(super) anonymous: bool,
}

/// The slot of a token. Locked while the token is fetched, so that others who need it wait for it.
pub(super) type TokenSlot = Arc<Mutex<Option<Token>>>;

/// The API of a registry.
#[derive(Debug, Default)]
pub(super) struct Host {
    /// The URL of the API. Locked by the first request, so that the others wait for what it learns.
    pub(super) base: Mutex<Option<Url>>,
    /// Whether the registry has said how it authenticates. Locked by the first request until it has.
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

    /// The slot of the token for a scope. All images of a repository share one.
    pub(super) fn token(&self, scope: &str) -> TokenSlot {
        let mut tokens = lock(&self.tokens);
        Arc::clone(tokens.entry(scope.to_owned()).or_default())
    }
}

/// Whether a host may get requests: a registry, a token service or a redirect target.
#[derive(Debug, Default)]
pub(super) struct Health {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// No requests before this time.
    resume: Option<Instant>,
    failures: u32,
    /// Why the host gets no more requests, if so.
    down: Option<String>,
}

impl Health {
    /// Waits until the host may get a request. Returns how long it waited.
    ///
    /// # Errors
    /// If the host gets no more requests, or none within `patience`.
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

    /// Stops requests to the host for this long.
    pub(super) fn pause(&self, pause: Duration) {
        let resume = Instant::now().checked_add(pause);
        let mut state = lock(&self.state);
        state.resume = state.resume.max(resume);
    }

    pub(super) fn succeeded(&self) {
        lock(&self.state).failures = 0;
    }

    /// Records that a request failed after all retries.
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
        // Rounded up, so that a request at that time is not too early.
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
        // A pause beyond what `Instant` can hold is ignored and does not panic.
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
