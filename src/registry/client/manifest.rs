//! Manifests: whether one exists, its digest, its type and its platforms.

use serde::Deserialize;
use sha2::{Digest, Sha256, Sha512};
use ureq::http::Method;

use super::answer::{Answer, Platform};
use super::exchange::{Ask, Exchange, Reply};
use super::location::Location;
use crate::printable;

/// All four at once: a registry that has an OCI index answers 404 if only docker's manifest type is accepted.
const TYPES: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";
/// Types that old registries answer with although nobody asks for them.
const OLD_TYPES: [&str; 2] = [
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    "application/vnd.docker.distribution.manifest.v1+json",
];
/// The specification lets a registry refuse larger manifests.
const LARGEST_MANIFEST: u64 = 4 << 20;
const LARGEST_CONFIG: u64 = 4 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    schema_version: u32,
    media_type: Option<String>,
    #[serde(default)]
    manifests: Vec<Descriptor>,
    config: Option<Descriptor>,
    /// Only in schema version 1.
    architecture: Option<String>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
    platform: Option<Runs>,
}

/// A platform in a manifest or in the configuration of an image.
#[derive(Deserialize)]
struct Runs {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    variant: Option<String>,
}

/// Queries an image: one HEAD if it exists. `platforms` costs a GET, and another one for an image with a single platform.
pub(super) fn ask(exchange: &Exchange, location: &Location, platforms: bool) -> Answer {
    let answer = try_ask(exchange, location, platforms, false).unwrap_or_else(|answer| answer);
    let hidden = matches!(
        answer,
        Answer::Missing {
            anonymous: true,
            ..
        }
    );
    // A registry that allows anonymous access may still show more to a logged-in user.
    if hidden && matches!(exchange.keyring.of(&location.repository), Ok(Some(_))) {
        return try_ask(exchange, location, platforms, true).unwrap_or_else(|answer| answer);
    }
    answer
}

fn try_ask(
    exchange: &Exchange,
    location: &Location,
    platforms: bool,
    unasked: bool,
) -> Result<Answer, Answer> {
    let path = format!(
        "/v2/{}/manifests/{}",
        location.repository.name, location.reference
    );
    let request = |method| Ask {
        method,
        path: &path,
        accept: TYPES,
        largest: LARGEST_MANIFEST,
        unasked,
    };
    if !platforms {
        let reply = exchange.call(&location.repository, &request(Method::HEAD))?;
        if let Some(answer) = of_head(location, &reply)? {
            return Ok(answer);
        }
    }
    let reply = exchange.call(&location.repository, &request(Method::GET))?;
    if reply.response.status != 200 {
        return Err(reply.failure("image"));
    }
    let (digest, media_type, manifest) = read(location, &reply)?;
    let platforms = match platforms {
        true => runs_on(exchange, location, &manifest, unasked)?,
        false => Vec::new(),
    };
    Ok(Answer::Exists {
        digest,
        media_type,
        platforms,
    })
}

/// Evaluates a HEAD response; `None` if a GET is needed.
fn of_head(location: &Location, reply: &Reply) -> Result<Option<Answer>, Answer> {
    match reply.response.status {
        200 => {}
        // A HEAD response has no body with a reason, and some registries do not support HEAD.
        400 | 403..=406 | 501 => return Ok(None),
        _ => return Err(reply.failure("image")),
    }
    let digest = reply
        .response
        .header("docker-content-digest")
        .map(str::trim);
    let digest = digest.filter(|digest| is_digest(digest));
    let media_type = media_type(reply);
    let (Some(digest), Some(media_type)) = (digest, media_type) else {
        return Ok(None);
    };
    if location.digest().is_some_and(|asked| asked != digest) {
        return Err(lie(location.digest().unwrap_or_default(), digest));
    }
    Ok(Some(Answer::Exists {
        digest: digest.to_owned(),
        media_type: media_type.to_owned(),
        platforms: Vec::new(),
    }))
}

/// The type in the header, if it is a manifest type.
fn media_type(reply: &Reply) -> Option<&str> {
    let named = reply.response.header("content-type")?;
    let named = named.split(';').next().unwrap_or_default().trim();
    is_manifest_type(named).then_some(named)
}

fn is_manifest_type(text: &str) -> bool {
    TYPES.split(", ").any(|known| known == text) || OLD_TYPES.contains(&text)
}

/// Parses the manifest and checks its digest against the header and the reference.
fn read(location: &Location, reply: &Reply) -> Result<(String, String, Manifest), Answer> {
    let body = &reply.response.body;
    let odd = || Answer::unreachable("the answer is not a manifest");
    let manifest: Manifest = serde_json::from_slice(body).map_err(|_| odd())?;
    if !(1..=2).contains(&manifest.schema_version) {
        return Err(odd());
    }
    let inside = manifest.media_type.as_deref();
    let inside = inside.filter(|inside| is_manifest_type(inside));
    let implied = || match (manifest.schema_version, manifest.manifests.is_empty()) {
        (1, _) => OLD_TYPES[0],
        (_, true) => "application/vnd.oci.image.manifest.v1+json",
        (_, false) => "application/vnd.oci.image.index.v1+json",
    };
    let media_type = media_type(reply)
        .or(inside)
        .unwrap_or_else(implied)
        .to_owned();
    let said = reply
        .response
        .header("docker-content-digest")
        .map(str::trim);
    let said = said.filter(|said| is_digest(said));
    // Schema version 1 is signed, and its digest covers only a part of it.
    let is_signed = OLD_TYPES.contains(&media_type.as_str());
    let computed = digest_like(location.digest().or(said).unwrap_or("sha256:"), body);
    for named in [location.digest(), said].into_iter().flatten() {
        let same_kind = named.split(':').next() == computed.split(':').next();
        if !is_signed && same_kind && named != computed {
            return Err(lie(named, &computed));
        }
    }
    let digest = match is_signed {
        true => said.ok_or_else(odd)?.to_owned(),
        false => computed,
    };
    Ok((digest, media_type, manifest))
}

fn lie(named: &str, computed: &str) -> Answer {
    Answer::unreachable(format!(
        "the registry answers with {} where {} was asked for or announced",
        printable::brief(computed),
        printable::brief(named)
    ))
}

fn is_digest(text: &str) -> bool {
    let length = match text.split_once(':') {
        Some(("sha256", hex)) => (hex, 64),
        Some(("sha512", hex)) => (hex, 128),
        _ => return false,
    };
    let (hex, length) = length;
    hex.len() == length
        && hex
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Computes a digest with the algorithm of another digest.
fn digest_like(other: &str, bytes: &[u8]) -> String {
    match other.split_once(':') {
        Some(("sha512", _)) => format!("sha512:{}", printable::hex(&Sha512::digest(bytes))),
        _ => format!("sha256:{}", printable::hex(&Sha256::digest(bytes))),
    }
}

/// The platforms of an image. Empty for an artifact that is not an image.
fn runs_on(
    exchange: &Exchange,
    location: &Location,
    manifest: &Manifest,
    unasked: bool,
) -> Result<Vec<Platform>, Answer> {
    let mut platforms: Vec<Platform> = match (&manifest.config, &manifest.architecture) {
        (Some(config), _) => {
            let runs = config_of(exchange, location, &config.digest, unasked)?;
            runs.iter().filter_map(platform).collect()
        }
        (None, Some(architecture)) => Platform::parse(&format!("linux/{architecture}"))
            .into_iter()
            .collect(),
        (None, None) => {
            let each = manifest.manifests.iter();
            each.filter_map(|one| platform(one.platform.as_ref()?))
                .collect()
        }
    };
    platforms.sort();
    platforms.dedup();
    Ok(platforms)
}

/// Parses a platform. `None` for `unknown/unknown`, which attestations have.
fn platform(runs: &Runs) -> Option<Platform> {
    let variant = runs
        .variant
        .as_deref()
        .filter(|variant| !variant.is_empty());
    let text = match variant {
        Some(variant) => format!("{}/{}/{variant}", runs.os, runs.architecture),
        None => format!("{}/{}", runs.os, runs.architecture),
    };
    Platform::parse(&text).filter(|platform| platform.os != "unknown")
}

/// Fetches the configuration of an image and checks its digest; `None` if it is another kind of document.
fn config_of(
    exchange: &Exchange,
    location: &Location,
    digest: &str,
    unasked: bool,
) -> Result<Option<Runs>, Answer> {
    if !is_digest(digest) {
        return Err(Answer::unreachable("the manifest names a malformed digest"));
    }
    let path = format!("/v2/{}/blobs/{digest}", location.repository.name);
    let request = Ask {
        method: Method::GET,
        path: &path,
        accept: "*/*",
        largest: LARGEST_CONFIG,
        unasked,
    };
    let reply = exchange.call(&location.repository, &request)?;
    if reply.response.status != 200 {
        return Err(Answer::unreachable(format!(
            "the manifest is there, but its configuration is not: the registry answers {}",
            reply.response.status
        )));
    }
    let computed = digest_like(digest, &reply.response.body);
    match computed == digest {
        true => Ok(serde_json::from_slice(&reply.response.body).ok()),
        false => Err(lie(digest, &computed)),
    }
}
