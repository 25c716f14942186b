//! `WWW-Authenticate`: how a registry wants requests to be authenticated.

/// An authentication method of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User name and password with each request.
    Basic,
    /// A token from the service at `realm`.
    Bearer {
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
}

impl Challenge {
    /// Chooses a challenge that we can meet from all headers of a response. Prefers a token to a password.
    pub(super) fn choose<'h>(headers: impl Iterator<Item = &'h str>) -> Option<Self> {
        let parsed: Vec<Parsed> = headers.flat_map(parse).collect();
        let named = |scheme: &str| {
            let is = |parsed: &&Parsed| parsed.scheme.eq_ignore_ascii_case(scheme);
            parsed.iter().find(is)
        };
        let bearer = named("bearer").and_then(|parsed| {
            Some(Self::Bearer {
                realm: parsed.value("realm")?,
                service: parsed.value("service"),
                scope: parsed.value("scope"),
            })
        });
        bearer.or_else(|| named("basic").map(|_| Self::Basic))
    }
}

/// A scheme and its parameters, in the order in which they are written.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parsed {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Parsed {
    fn value(&self, name: &str) -> Option<String> {
        let mut parameters = self.parameters.iter();
        let (_, value) = parameters.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        (!value.is_empty()).then(|| value.clone())
    }
}

/// Parses all challenges of one header. Skips what it cannot parse.
fn parse(header: &str) -> Vec<Parsed> {
    let mut found: Vec<Parsed> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.starts_with('"') {
            // A value without a name.
            (_, rest) = value_of(rest);
            continue;
        }
        let token = token(rest);
        if token.is_empty() {
            // Neither a token nor a separator: skip one character and try again.
            let mut letters = rest.chars();
            if letters.next().is_none() {
                return found;
            }
            rest = letters.as_str();
            continue;
        }
        rest = &rest[token.len()..];
        let after = rest.trim_start_matches([' ', '\t']);
        match (after.strip_prefix('='), found.last_mut()) {
            (Some(value), Some(last)) => {
                let (value, left) = value_of(value.trim_start_matches([' ', '\t']));
                last.parameters.push((token.to_owned(), value));
                rest = left;
            }
            (Some(value), None) => rest = value,
            (None, _) => found.push(Parsed {
                scheme: token.to_owned(),
                parameters: Vec::new(),
            }),
        }
    }
}

fn token(text: &str) -> &str {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let length = text.bytes().take_while(|byte| is_part(byte)).count();
    &text[..length]
}

/// Splits a quoted string, or the text up to the next separator, from the rest.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
            letter => value.push(letter),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(headers: &[&str], expected: Option<Challenge>) {
        assert_eq!(
            Challenge::choose(headers.iter().copied()),
            expected,
            "{headers:?}"
        );
    }

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Option<Challenge> {
        Some(Challenge::Bearer {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
            scope: scope.map(str::to_owned),
        })
    }

    #[test]
    fn what_registries_send() {
        check(
            &[
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull,push""#,
            ],
            bearer(
                "https://auth.docker.io/token",
                Some("registry.docker.io"),
                Some("repository:library/nginx:pull,push"),
            ),
        );
        check(&["Basic realm=\"r\""], Some(Challenge::Basic));
        check(&["basic"], Some(Challenge::Basic));
        check(
            &["BEARER Realm = https://t.io/x , error=\"invalid_token\""],
            bearer("https://t.io/x", None, None),
        );
        check(
            &["Basic realm=\"a, Bearer\"", "Bearer realm=\"https://t.io\""],
            bearer("https://t.io", None, None),
        );
        check(
            &["Negotiate, Basic realm=\"x\", Bearer realm=\"https://t.io\""],
            bearer("https://t.io", None, None),
        );
        check(
            &[r#"Bearer realm="https://t.io/\"q\"""#],
            bearer("https://t.io/\"q\"", None, None),
        );
        check(&["Negotiate YII=, Basic"], Some(Challenge::Basic));
    }

    #[test]
    fn what_is_no_challenge() {
        for header in [
            "",
            ",,,",
            "Bearer",
            "Bearer realm=\"\"",
            "Bearer service=\"x\"",
            "=",
            "realm=\"x\"",
            "Digest realm=\"x\"",
            "\"Basic\\",
        ] {
            check(&[header], None);
        }
    }

    proptest! {
        #[test]
        fn any_header_is_read(header in "\\PC*", more in "[a-zA-Z =\",\\\\]*") {
            let _ = Challenge::choose([header.as_str(), more.as_str()].into_iter());
        }
    }
}
