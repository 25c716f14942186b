//! One request to a registry up to its final answer: authentication, redirects, rate limits and retries.
//!
//! A password is sent only to its registry, or to the token service that this registry names; a token only to the registry. A
//! redirect target gets neither, and its login challenges are not answered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use ureq::http::Method;

use super::answer::{Answer, Errors};
use super::attempts::Attempts;
use super::challenge::Challenge;
use super::credentials::{Credentials, Keyring};
use super::host::Host;
use super::location::Repository;
use super::settings::Settings;
use super::token;
use crate::http::message::{Fault, NamedBy, Request, Response};
use crate::http::secret::Secret;
use crate::http::transport::Transport;
use crate::http::url::Url;
use crate::parallel::lock;

const MOST_REDIRECTS: usize = 5;

/// A request to a repository.
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    /// The path on the API's host, with its query.
    pub(super) path: &'a str,
    pub(super) accept: &'a str,
    pub(super) largest: u64,
    /// Whether to send credentials before the registry asks for them.
    pub(super) unasked: bool,
}

/// The final response.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) response: Response,
    /// Whether no credentials were sent.
    pub(super) anonymous: bool,
    /// The secret that was sent to the registry.
    sent: Option<Secret>,
}

impl Reply {
    /// Converts an error response into an answer; `what` is an image or a repository.
    pub(super) fn failure(&self, what: &str) -> Answer {
        let errors = Errors::parse(&self.response.body);
        let said = errors.message(self.sent.as_ref());
        match self.response.status {
            404 if errors.say_missing() => Answer::Missing {
                reason: said.unwrap_or_else(|| format!("the registry has no such {what}")),
                anonymous: self.anonymous,
            },
            404 => Answer::unreachable(format!(
                "answers 404, but not as a registry says that it has no such {what}"
            )),
            403 => Answer::Denied {
                reason: said.unwrap_or_else(|| "the registry answers 403".to_owned()),
            },
            // A 401 of the registry is handled by the caller, so this is one of a redirect target, where we do not log in.
            401 => Answer::unreachable("redirects to a host that asks for a login"),
            status => Answer::unreachable(match said {
                Some(said) => format!("the registry answers {status}: {said}"),
                None => format!("the registry answers {status}"),
            }),
        }
    }
}

/// The authentication for a request to a registry.
#[derive(Debug, Default)]
struct Identity {
    header: Option<Secret>,
    anonymous: bool,
    /// Whether the token was fetched just now, so that a new one would not help.
    fresh: bool,
    /// Why there are no credentials, if a helper failed.
    problem: Option<String>,
}

/// The connections of a run.
pub(super) struct Exchange {
    pub(super) attempts: Attempts,
    pub(super) keyring: Keyring,
    hosts: Mutex<HashMap<String, Arc<Host>>>,
}

impl Exchange {
    pub(super) fn new(settings: &Settings, keyring: Keyring) -> Result<Self, String> {
        Ok(Self {
            attempts: Attempts::new(
                Transport::new(&settings.connection)?,
                settings.connection.limits,
            ),
            keyring,
            hosts: Mutex::default(),
        })
    }

    fn transport(&self) -> &Transport {
        &self.attempts.transport
    }

    /// Sends a request to a repository. The caller handles all statuses except 401 and those of servers in trouble.
    pub(super) fn call(&self, repository: &Repository, ask: &Ask<'_>) -> Result<Reply, Answer> {
        let api = repository.api();
        let host = Arc::clone(lock(&self.hosts).entry(api.to_owned()).or_default());
        // The first request holds the lock until the registry has said how it authenticates.
        let mut met = lock(&host.met);
        let is_first = !*met;
        if !is_first {
            drop(met);
            return self.call_host(&host, repository, ask);
        }
        let reply = self.call_host(&host, repository, ask);
        *met = true;
        reply
    }

    fn call_host(
        &self,
        host: &Host,
        repository: &Repository,
        ask: &Ask<'_>,
    ) -> Result<Reply, Answer> {
        let base = self.base(host, repository)?;
        let url = base.join(ask.path).map_err(Answer::unreachable)?;
        let mut scope = None;
        let mut refusal = None;
        for round in 0..3 {
            let identity = self.identify(host, &base, repository, scope.as_deref(), ask.unasked)?;
            if round > 0 && identity.header.is_none() {
                return Err(refuse(&identity, refusal.as_ref()));
            }
            let (response, is_own) = self.follow(&base, &url, ask, identity.header.as_ref())?;
            if response.status != 401 || !is_own {
                return Ok(Reply {
                    response,
                    anonymous: identity.anonymous,
                    sent: identity.header,
                });
            }
            let challenge = match Challenge::choose(response.headers("www-authenticate")) {
                Some(challenge) => Some(challenge),
                None => self.ping(&base)?,
            };
            let Some(challenge) = challenge else {
                return Err(refuse(&identity, Some(&response)));
            };
            let wanted = scope_of(&challenge, repository);
            let is_new = wanted.is_some() && wanted != scope;
            let is_password = challenge == Challenge::Basic && identity.header.is_some();
            host.set_challenge(challenge);
            if is_password || (identity.fresh && !is_new) {
                return Err(refuse(&identity, Some(&response)));
            }
            *lock(&host.token(&scopes(repository, scope.as_deref()))) = None;
            scope = wanted;
            refusal = Some(response);
        }
        Err(refuse(&Identity::default(), refusal.as_ref()))
    }

    /// Returns the URL of a registry's API. If the registry may be insecure, finds out which scheme it uses.
    fn base(&self, host: &Host, repository: &Repository) -> Result<Url, Answer> {
        let mut known = lock(&host.base);
        if let Some(base) = &*known {
            return Ok(base.clone());
        }
        let api = repository.api();
        let parse = |scheme: &str| Url::parse(&format!("{scheme}://{api}/"));
        let secure = parse("https").map_err(Answer::unreachable)?;
        let base = match self.transport().is_insecure(&secure) {
            false => secure,
            true => {
                let plain = parse("http").map_err(Answer::unreachable)?;
                self.find_out(host, plain, secure)?
            }
        };
        *known = Some(base.clone());
        Ok(base)
    }

    /// Tries plain HTTP first: a TLS server rejects it at once, but a plain server may not reject TLS quickly.
    fn find_out(&self, host: &Host, plain: Url, secure: Url) -> Result<Url, Answer> {
        let moved = |response: &Response| {
            let location = response.header("location");
            location.is_some_and(|location| location.starts_with("https://"))
        };
        let first = self.root(&plain);
        let (base, response) = match first {
            Ok(response) if response.status != 400 && !moved(&response) => (plain, response),
            Err(Fault::Refused(reason)) => return Err(Answer::unreachable(reason)),
            first => match (self.root(&secure), first) {
                (Ok(response), _) => (secure, response),
                (Err(_), Ok(response)) => (plain, response),
                (Err(_), Err(fault)) => {
                    let failed = |url| self.attempts.health(url).failed(fault.reason(), true);
                    [&plain, &secure].into_iter().for_each(failed);
                    return Err(Answer::unreachable(fault.reason()));
                }
            },
        };
        if response.status == 401
            && let Some(challenge) = Challenge::choose(response.headers("www-authenticate"))
        {
            host.set_challenge(challenge);
        }
        Ok(base)
    }

    /// Requests the root of an API without credentials.
    fn root(&self, base: &Url) -> Result<Response, Fault> {
        let url = base.with_path("/v2/");
        let request = Request {
            method: Method::GET,
            url: &url,
            accept: "*/*",
            authorization: None,
            form: None,
            largest: 64 << 10,
        };
        self.attempts.persist(&request, NamedBy::User)
    }

    /// Asks the root of the API for the challenge: some registries send it only there.
    fn ping(&self, base: &Url) -> Result<Option<Challenge>, Answer> {
        let root = self.root(base);
        let response = root.map_err(|fault| Answer::unreachable(fault.reason()))?;
        Ok(Challenge::choose(response.headers("www-authenticate")))
    }

    /// Determines how to authenticate to the registry.
    fn identify(
        &self,
        host: &Host,
        base: &Url,
        repository: &Repository,
        scope: Option<&str>,
        unasked: bool,
    ) -> Result<Identity, Answer> {
        let nobody = Identity {
            anonymous: true,
            ..Identity::default()
        };
        let challenge = match host.challenge() {
            Some(challenge) => challenge,
            None if unasked => Challenge::Basic,
            None => return Ok(nobody),
        };
        let (credentials, problem) = match self.keyring.of(repository) {
            Ok(credentials) => (credentials, None),
            Err(problem) => (None, Some(problem)),
        };
        let Challenge::Bearer { realm, service, .. } = challenge else {
            let header = credentials.as_ref().and_then(Credentials::basic);
            return Ok(Identity {
                anonymous: header.is_none(),
                header,
                problem,
                fresh: false,
            });
        };
        let scopes = scopes(repository, scope);
        let slot = host.token(&scopes);
        let mut held = lock(&slot);
        let good = held
            .as_ref()
            .filter(|token| token.good_until > Instant::now());
        let (token, fresh) = match good {
            Some(token) => (token.clone(), false),
            None => {
                let wanted = token::Wanted {
                    realm: &realm,
                    service: service.as_deref(),
                    scopes: &scopes,
                    named_by: self.sent_by(base),
                };
                let fetched = token::fetch(&self.attempts, &wanted, credentials.as_ref());
                let fetched = fetched.map_err(|answer| with_problem(answer, problem.as_deref()))?;
                *held = Some(fetched.clone());
                (fetched, true)
            }
        };
        Ok(Identity {
            header: Some(token.header),
            anonymous: token.anonymous,
            fresh,
            problem,
        })
    }

    /// Follows redirects. Also returns whether the response comes from the registry itself.
    fn follow(
        &self,
        base: &Url,
        url: &Url,
        ask: &Ask<'_>,
        header: Option<&Secret>,
    ) -> Result<(Response, bool), Answer> {
        let mut url = url.clone();
        let mut is_own = true;
        for _ in 0..=MOST_REDIRECTS {
            let request = Request {
                method: ask.method.clone(),
                url: &url,
                accept: ask.accept,
                authorization: header.filter(|_| is_own),
                form: None,
                largest: ask.largest,
            };
            let named_by = match is_own {
                true => NamedBy::User,
                false => self.sent_by(base),
            };
            let response = self.attempts.attempt(&request, named_by)?;
            let is_redirect = matches!(response.status, 301 | 302 | 303 | 307 | 308);
            let Some(location) = response.header("location").filter(|_| is_redirect) else {
                return Ok((response, is_own));
            };
            url = url.join(location).map_err(|problem| {
                Answer::unreachable(format!("{} redirects to {problem}", base.authority()))
            })?;
            // Once redirected away, a redirect back to the registry counts as foreign.
            is_own = is_own && url.has_origin_of(base);
        }
        Err(Answer::unreachable(format!(
            "{} redirects more than {MOST_REDIRECTS} times",
            base.authority()
        )))
    }

    /// Returns the limits on addresses that this registry may send us to.
    pub(super) fn sent_by(&self, base: &Url) -> NamedBy {
        NamedBy::Registry {
            reach: self.transport().reach(base),
            insecure: self.transport().is_insecure(base),
        }
    }
}

/// The token scope for reading a repository, with another scope if there is one.
fn scopes(repository: &Repository, more: Option<&str>) -> String {
    let own = format!("repository:{}:pull", repository.name);
    match more {
        Some(more) => format!("{own} {more}"),
        None => own,
    }
}

/// The scope that a registry wants besides ours: some name the repository differently. Accepts only read access.
fn scope_of(challenge: &Challenge, repository: &Repository) -> Option<String> {
    let Challenge::Bearer { scope, .. } = challenge else {
        return None;
    };
    let scope = scope.as_deref()?.trim();
    let reads =
        scope.starts_with("repository:") && scope.ends_with(":pull") && !scope.contains(' ');
    (reads && scope != scopes(repository, None)).then(|| scope.to_owned())
}

/// The answer for a request that the registry refused to authenticate.
fn refuse(identity: &Identity, response: Option<&Response>) -> Answer {
    let sent = identity.header.as_ref();
    let said = response.and_then(|response| Errors::parse(&response.body).message(sent));
    match identity.anonymous {
        true => with_problem(
            Answer::NeedsCredentials {
                reason: said.unwrap_or_else(|| "the registry wants a login".to_owned()),
            },
            identity.problem.as_deref(),
        ),
        false => Answer::Denied {
            reason: said.unwrap_or_else(|| "the registry does not take the credentials".to_owned()),
        },
    }
}

fn with_problem(answer: Answer, problem: Option<&str>) -> Answer {
    match (answer, problem) {
        (Answer::NeedsCredentials { reason }, Some(problem)) => Answer::NeedsCredentials {
            reason: format!("{reason} ({problem})"),
        },
        (answer, _) => answer,
    }
}
