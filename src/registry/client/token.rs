//! Tokens that a registry accepts instead of a password, from the service that it names.

use std::time::{Duration, Instant};

use serde::Deserialize;
use ureq::http::Method;

use super::answer::{Answer, Errors};
use super::attempts::Attempts;
use super::credentials::Credentials;
use super::host::Token;
use crate::http::message::{NamedBy, Request, Response};
use crate::http::secret::Secret;
use crate::http::url::{Url, encoded};

/// Longer answers are not tokens.
const LARGEST: u64 = 256 << 10;
/// Lifetime that the specification gives a token without `expires_in`.
const USUAL_LIFE: Duration = Duration::from_secs(60);
/// A token is not used this close to its expiry.
const MARGIN: Duration = Duration::from_secs(5);
/// Upper limit of a token's lifetime, whatever the service says.
const LONGEST_LIFE: Duration = Duration::from_secs(3600);

/// The token that a registry asks for.
pub(super) struct Wanted<'w> {
    pub(super) realm: &'w str,
    pub(super) service: Option<&'w str>,
    /// Separated by spaces.
    pub(super) scopes: &'w str,
    pub(super) named_by: NamedBy,
}

#[derive(Deserialize)]
struct Given {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    expires_in: Option<u64>,
}

/// Fetches a token, with the user's credentials for this registry if there are any, or anonymously.
pub(super) fn fetch(
    attempts: &Attempts,
    wanted: &Wanted<'_>,
    credentials: Option<&Credentials>,
) -> Result<Token, Answer> {
    if let Some(Credentials::RegistryToken(token)) = credentials {
        return bearer(token.expose(), USUAL_LIFE, false);
    }
    let realm = Url::parse(wanted.realm);
    let realm = realm.map_err(|problem| {
        Answer::unreachable(format!("the registry requires a token from {problem}"))
    })?;
    let service = wanted.service.map(|service| ("service", service));
    let scopes = wanted.scopes.split(' ').map(|scope| ("scope", scope));
    let response = match credentials {
        Some(Credentials::IdentityToken(identity)) => {
            let fields = [
                ("grant_type", "refresh_token"),
                ("client_id", "regfix"),
                ("refresh_token", identity.expose()),
                ("scope", wanted.scopes),
            ];
            let form = Secret::new(query(service.into_iter().chain(fields)));
            ask(attempts, wanted, &realm, None, Some(&form))?
        }
        credentials => {
            let mark = if realm.path.contains('?') { '&' } else { '?' };
            let fields = query(service.into_iter().chain(scopes));
            let url = realm.with_path(format!("{}{mark}{fields}", realm.path));
            let password = credentials.and_then(Credentials::basic);
            ask(attempts, wanted, &url, password.as_ref(), None)?
        }
    };
    let anonymous = credentials.is_none();
    if response.status != 200 {
        let sent = match credentials {
            Some(Credentials::IdentityToken(token)) => Some(token.clone()),
            credentials => credentials.and_then(Credentials::basic),
        };
        return Err(refusal(&realm, &response, sent.as_ref()));
    }
    let nonsense = || Answer::unreachable(format!("{realm} gave no token"));
    let given: Given = serde_json::from_slice(&response.body).map_err(|_| nonsense())?;
    let token = [given.token, given.access_token];
    let token = token.into_iter().flatten().find(|token| !token.is_empty());
    let life = given.expires_in.map(Duration::from_secs);
    bearer(
        &token.ok_or_else(nonsense)?,
        life.unwrap_or(USUAL_LIFE),
        anonymous,
    )
}

/// Sends one request to the token service. Does not follow redirects, because the request may contain a password.
fn ask(
    attempts: &Attempts,
    wanted: &Wanted<'_>,
    url: &Url,
    authorization: Option<&Secret>,
    form: Option<&Secret>,
) -> Result<Response, Answer> {
    let request = Request {
        method: if form.is_some() {
            Method::POST
        } else {
            Method::GET
        },
        url,
        accept: "application/json",
        authorization,
        form,
        largest: LARGEST,
    };
    attempts.attempt(&request, wanted.named_by)
}

fn refusal(realm: &Url, response: &Response, sent: Option<&Secret>) -> Answer {
    let said = Errors::parse(&response.body).message(sent);
    let reason = |ours: &str| said.clone().unwrap_or_else(|| ours.to_owned());
    match (response.status, sent.is_none()) {
        (401 | 403, true) => Answer::NeedsCredentials {
            reason: reason("the registry gives no token without credentials"),
        },
        (401 | 403, false) => Answer::Denied {
            reason: reason("the registry does not take the credentials"),
        },
        (status, _) => Answer::unreachable(format!("{realm} answers {status} instead of a token")),
    }
}

fn bearer(token: &str, life: Duration, anonymous: bool) -> Result<Token, Answer> {
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Answer::unreachable("the token is malformed"));
    }
    let life = life.min(LONGEST_LIFE).saturating_sub(MARGIN);
    Ok(Token {
        header: Secret::new(format!("Bearer {token}")),
        good_until: Instant::now() + life,
        anonymous,
    })
}

fn query<'f>(fields: impl Iterator<Item = (&'f str, &'f str)>) -> String {
    let fields = fields.map(|(name, value)| format!("{name}={}", encoded(value)));
    fields.collect::<Vec<_>>().join("&")
}
