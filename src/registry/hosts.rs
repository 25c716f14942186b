//! Which hosts a pull contacts: the API of a registry, its token service, and redirect targets.
//!
//! Used for proxies and allow-lists in restricted networks. The facts are in `hosts.yaml`, each with its sources. Makes no
//! connections.

use serde::Deserialize;

static FACTS: &str = include_str!("hosts.yaml");

/// The purpose of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Api,
    Token,
    Redirect,
    Blobs,
}

impl Role {
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Token => "token",
            Self::Redirect => "redirect",
            Self::Blobs => "blobs",
        }
    }
}

/// A host; `*` in it is a wildcard.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    pub host: String,
    pub role: Role,
}

/// The known facts about a registry.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Fact {
    registry: String,
    #[serde(default)]
    hosts: Vec<Host>,
    leads_to: Option<String>,
    complete: bool,
    note: Option<String>,
    sources: Vec<String>,
}

/// The hosts that a pull from a registry contacts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needed {
    pub hosts: Vec<Host>,
    /// Whether the owner says that the list is complete.
    pub complete: bool,
    pub notes: Vec<String>,
    /// Empty if only the name of the registry is known.
    pub sources: Vec<String>,
}

/// All facts.
#[derive(Debug)]
pub struct Facts(Vec<Fact>);

impl Facts {
    /// Parses the facts that are built into regfix.
    ///
    /// # Panics
    /// If the embedded text is malformed, which a test rules out.
    pub fn embedded() -> Self {
        match serde_yaml::from_str(FACTS) {
            Ok(facts) => Self(facts),
            Err(error) => panic!("the embedded hosts: {error}"),
        }
    }

    /// Returns the hosts that pulls from a registry contact. `registry` is spelled as in references: `docker.io`.
    pub fn needed(&self, registry: &str) -> Needed {
        let mut needed = Needed {
            complete: true,
            ..Needed::default()
        };
        self.collect(registry, &mut needed);
        needed.hosts.sort();
        needed.hosts.dedup();
        needed
    }

    fn collect(&self, registry: &str, needed: &mut Needed) {
        let fact = self.0.iter().find(|fact| covers(&fact.registry, registry));
        let named = fact.map(|fact| fact.hosts.as_slice()).unwrap_or_default();
        if !named.iter().any(|host| host.role == Role::Api) {
            needed.hosts.push(Host {
                host: registry.to_owned(),
                role: Role::Api,
            });
        }
        let Some(fact) = fact else {
            needed.complete = false;
            return;
        };
        needed.hosts.extend_from_slice(named);
        needed.complete &= fact.complete;
        needed.notes.extend(fact.note.clone());
        needed.sources.extend_from_slice(&fact.sources);
        // A test checks that these chains end.
        if let Some(next) = &fact.leads_to {
            self.collect(next, needed);
        }
    }
}

/// Whether a fact about `known` is about `registry`.
fn covers(known: &str, registry: &str) -> bool {
    match known.strip_prefix('*') {
        Some(end) => registry.len() > end.len() && registry.ends_with(end),
        None => known == registry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(registry: &str) -> Vec<String> {
        let needed = Facts::embedded().needed(registry);
        needed.hosts.into_iter().map(|host| host.host).collect()
    }

    #[test]
    fn every_fact_has_a_source_and_leads_somewhere() {
        let Facts(facts) = Facts::embedded();
        for fact in &facts {
            let name = &fact.registry;
            assert!(!fact.sources.is_empty(), "{name}");
            assert!(
                fact.sources
                    .iter()
                    .all(|source| source.starts_with("https://")),
                "{name}"
            );
            assert!(!fact.hosts.is_empty() || fact.leads_to.is_some(), "{name}");
            if let Some(next) = &fact.leads_to {
                let next = facts.iter().find(|fact| fact.registry == *next).unwrap();
                assert_eq!(next.leads_to, None, "{name}: a chain of two at most");
            }
            let same = facts.iter().filter(|fact| fact.registry == *name);
            assert_eq!(same.count(), 1, "{name}");
        }
    }

    #[test]
    fn what_pulls_need() {
        let hub = names("docker.io");
        assert!(hub.contains(&"registry-1.docker.io".to_owned()));
        assert!(!hub.contains(&"docker.io".to_owned()));
        let frozen = names("k8s.gcr.io");
        assert!(frozen.contains(&"k8s.gcr.io".to_owned()));
        assert!(frozen.contains(&"registry.k8s.io".to_owned()));
        assert!(names("team.azurecr.io").contains(&"team.azurecr.io".to_owned()));
        assert_eq!(names("azurecr.io"), ["azurecr.io"]);
    }

    #[test]
    fn what_is_not_known_is_said() {
        let needed = Facts::embedded().needed("registry.example.com");
        assert_eq!((needed.complete, needed.sources.len()), (false, 0));
        assert!(Facts::embedded().needed("quay.io").complete);
    }
}
