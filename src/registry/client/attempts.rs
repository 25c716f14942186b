//! Retries: broken requests are repeated, and a host that limits requests gets a pause.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::answer::Answer;
use super::host::{Health, limited};
use crate::http::Limits;
use crate::http::message::{Fault, NamedBy, Request, Response};
use crate::http::retry::{FIRST_LIMIT, FIRST_PAUSE, is_trouble, longer, pause_said, wants_a_pause};
use crate::http::transport::Transport;
use crate::http::url::Url;
use crate::parallel::lock;

/// The pause for a host that limits requests without saying for how long, once our wait is used up.
const UNSAID_PAUSE: Duration = Duration::from_secs(60);

/// Sends requests, and records the health of each host.
pub(super) struct Attempts {
    pub(super) transport: Transport,
    limits: Limits,
    healths: Mutex<HashMap<String, Arc<Health>>>,
}

impl Attempts {
    pub(super) fn new(transport: Transport, limits: Limits) -> Self {
        Self {
            transport,
            limits,
            healths: Mutex::default(),
        }
    }

    pub(super) fn health(&self, url: &Url) -> Arc<Health> {
        Arc::clone(lock(&self.healths).entry(url.origin()).or_default())
    }

    /// Sends a request. Retries if the connection breaks, the server is in trouble, or it asks for a pause.
    pub(super) fn attempt(
        &self,
        request: &Request<'_>,
        named_by: NamedBy,
    ) -> Result<Response, Answer> {
        let host = request.url.authority();
        let health = self.health(request.url);
        let mut patience = self.limits.wait;
        let (mut limits, mut troubles) = (0, 0);
        loop {
            patience = patience.saturating_sub(health.wait(&host, patience)?);
            let response = match self.persist(request, named_by) {
                Ok(response) => response,
                // This is about the URL, not about the host.
                Err(Fault::Refused(reason)) => return Err(Answer::unreachable(reason)),
                Err(fault) => {
                    let for_good = matches!(fault, Fault::Unconnected(_) | Fault::Untrusted(_));
                    health.failed(fault.reason(), for_good);
                    return Err(Answer::unreachable(fault.reason()));
                }
            };
            if wants_a_pause(&response) {
                let said = pause_said(&response);
                let pause = said.filter(|said| !said.is_zero());
                let pause = pause.unwrap_or_else(|| longer(FIRST_LIMIT, limits));
                if pause > patience {
                    health.pause(said.unwrap_or(UNSAID_PAUSE));
                    return Err(limited(&host, said));
                }
                health.pause(pause);
                limits += 1;
            } else if is_trouble(response.status) {
                if troubles == self.limits.retries {
                    let reason = format!("{host} answers {}", response.status);
                    health.failed(&reason, false);
                    return Err(Answer::unreachable(reason));
                }
                std::thread::sleep(longer(FIRST_PAUSE, troubles));
                troubles += 1;
            } else {
                health.succeeded();
                return Ok(response);
            }
        }
    }

    /// Sends a request. Retries if the connection breaks.
    pub(super) fn persist(
        &self,
        request: &Request<'_>,
        named_by: NamedBy,
    ) -> Result<Response, Fault> {
        let mut failures = 0;
        loop {
            match self.transport.send(request, named_by) {
                Err(Fault::Unconnected(_) | Fault::Broken(_)) if failures < self.limits.retries => {
                    std::thread::sleep(longer(FIRST_PAUSE, failures));
                    failures += 1;
                }
                result => return result,
            }
        }
    }
}
