//! Positions in commands where only an image is possible: a name without a registry is then on Docker Hub.

use super::{Command, Word, is_name};

/// The arguments after a verb that are images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// The first.
    First,
    /// The first, and all others that look like one.
    All,
    /// One that looks like an image. Values of options may precede it.
    Named,
    /// Like `Named`, with or without a tag.
    Started,
}

struct Row {
    tools: &'static [&'static str],
    /// Verbs, with spaces between the words of one. An empty verb is for a tool without verbs.
    verbs: &'static [&'static str],
    takes: Takes,
}

const ENGINES: &[&str] = &[
    "docker", "podman", "nerdctl", "crictl", "buildah", "crane", "gcrane", "ctr", "skopeo",
];

const ROWS: &[Row] = &[
    Row {
        tools: ENGINES,
        verbs: &["copy", "cp", "tag"],
        takes: Takes::First,
    },
    Row {
        tools: ENGINES,
        verbs: &["pull", "inspect", "save", "from", "scout cves", "sbom"],
        takes: Takes::All,
    },
    Row {
        tools: ENGINES,
        verbs: &["run", "create"],
        takes: Takes::Started,
    },
    Row {
        tools: &["crane", "gcrane"],
        verbs: &["config", "digest", "export", "manifest", "validate"],
        takes: Takes::First,
    },
    Row {
        tools: &["regctl"],
        verbs: &[
            "image copy",
            "image digest",
            "image export",
            "image inspect",
            "manifest get",
        ],
        takes: Takes::First,
    },
    Row {
        tools: &["oras"],
        verbs: &["copy", "cp", "discover", "manifest fetch", "pull"],
        takes: Takes::First,
    },
    Row {
        tools: &["cosign"],
        verbs: &["verify", "verify-attestation"],
        takes: Takes::Named,
    },
    Row {
        tools: &["trivy"],
        verbs: &["i", "image"],
        takes: Takes::Named,
    },
    Row {
        tools: &["dive", "grype", "syft"],
        verbs: &[""],
        takes: Takes::Named,
    },
    Row {
        tools: &["kind"],
        verbs: &["load docker-image"],
        takes: Takes::All,
    },
    Row {
        tools: &["minikube"],
        verbs: &["cache add", "image load", "image pull"],
        takes: Takes::All,
    },
    Row {
        tools: &["k3d"],
        verbs: &["image import", "images import"],
        takes: Takes::All,
    },
];

impl Row {
    fn has_tool(&self, word: &Word<'_>) -> bool {
        let mut tools = self.tools.iter();
        tools.any(|tool| {
            let folder = word.text.strip_suffix(tool);
            folder.is_some_and(|folder| folder.is_empty() || folder.ends_with('/'))
        })
    }

    /// Returns the words between the verb and the argument, given the words before the argument.
    fn behind_verb<'w, 'c>(&self, before: &'w [Word<'c>]) -> Option<&'w [Word<'c>]> {
        let tool = before.iter().rposition(|word| self.has_tool(word))?;
        let rest = &before[tool + 1..];
        let end_of = |verb: &&str| {
            let verb: Vec<&str> = verb.split_whitespace().collect();
            let mut starts = 0..(rest.len() + 1).saturating_sub(verb.len());
            let is_verb = |start: &usize| {
                let words = &rest[*start..*start + verb.len()];
                words.iter().map(|word| word.text).eq(verb.iter().copied())
            };
            starts.find(is_verb).map(|start| start + verb.len())
        };
        let end = self.verbs.iter().filter_map(end_of).min()?;
        Some(&rest[end..])
    }

    fn takes(&self, behind: &[Word<'_>], own: &str) -> bool {
        let is_first = || behind.iter().all(is_option);
        let is_behind_one = || behind.iter().any(|word| is_name(word.text));
        match self.takes {
            Takes::First => is_first(),
            Takes::All => is_first() || is_name(own),
            Takes::Named => is_name(own) && !is_behind_one(),
            Takes::Started => own.contains('/') && !is_behind_one(),
        }
    }
}

fn is_option(word: &Word<'_>) -> bool {
    word.text.starts_with('-')
}

/// Whether the word mounts an image: `RUN --mount=type=bind,from=NAME:tag,target=/x`
fn is_mounted(word: &str) -> bool {
    let mut settings = word.split(',');
    let from = |setting: &str| setting.strip_prefix("from=").is_some_and(is_name);
    word.starts_with("--mount=") && settings.any(from)
}

impl Command<'_> {
    /// Whether the word can only be an image.
    pub(in crate::detect) fn takes_image(&self, index: usize) -> bool {
        let before = self.before(index);
        let own = self.words[index].text;
        let first = self.words.first().map_or("", |word| word.text);
        let is = |instruction: &str| first.eq_ignore_ascii_case(instruction);
        match () {
            // `from a/b:1 import c` is Python.
            () if first == "FROM" || first == "from" && is_name(own) => {
                return before[1..].iter().all(is_option);
            }
            () if (is("COPY") || is("ADD")) && own.starts_with("--from=") => return true,
            () if is("RUN") && is_mounted(own) => return true,
            // `ARG BASE=NAME:tag`, which a `FROM` reads.
            () if is("ARG") => return own.split_once('=').is_some_and(|(_, value)| is_name(value)),
            () => {}
        }
        if self.is_set_image(index) || self.is_build_argument(index) || self.is_agent(index) {
            return true;
        }
        ROWS.iter().any(|row| {
            let behind = row.behind_verb(before);
            behind.is_some_and(|behind| row.takes(behind, own))
        })
    }
}

impl Command<'_> {
    /// Whether the word is the image of a Jenkins agent: `agent { docker { image 'NAME:tag' } }`
    fn is_agent(&self, index: usize) -> bool {
        let begins = index == 1 || index >= 2 && self.words[index - 2].text == "{";
        begins && self.previous(index) == "image" && is_name(self.words[index].text)
    }

    /// Whether the word is a build argument with an image, for an `ARG` of a Dockerfile: `--build-arg BASE=NAME:tag`
    fn is_build_argument(&self, index: usize) -> bool {
        let own = self.words[index].text;
        let joined = own.strip_prefix("--build-arg=");
        let argument = joined
            .or_else(|| own.strip_prefix("build-arg:"))
            .or_else(|| (self.previous(index) == "--build-arg").then_some(own));
        let value = argument.and_then(|argument| argument.split_once('='));
        value.is_some_and(|(_, value)| is_name(value))
    }
}

#[cfg(test)]
mod tests {
    use super::super::commands;

    #[test]
    fn where_only_an_image_can_be() {
        let takes = |text: &str| {
            let commands = commands(text);
            let at = text.find("a/b").unwrap();
            let index = commands[0].word_at(at).unwrap();
            commands[0].takes_image(index)
        };
        for text in [
            "FROM a/b:1 AS c",
            "FROM --platform=x a/b:1",
            "COPY --from=a/b:1 /x /y",
            "from --platform=x a/b:1 as c",
            "copy --chown=0 --from=a/b:1 /x /y",
            "RUN --mount=type=bind,from=a/b:1,target=/x true",
            "docker pull a/b:1",
            "podman pull --quiet q.io/c a/b:1",
            "docker run --rm -v /x:/y -e K=V a/b:1 sh",
            "docker run --rm -it a/b bash",
            "crictl pull a/b:1",
            "kind load docker-image --name c a/b:1",
            "minikube -p c image load a/b:1",
            "trivy image --severity HIGH a/b:1",
            "regctl image copy a/b:1 q.io/c",
            "syft a/b:1",
            "image 'a/b:1'",
            "agent { docker { image 'a/b:1' } }",
            "docker build --build-arg BASE=a/b:1 .",
            "/kaniko/executor --build-arg=BASE=a/b:1",
            "buildctl build --opt build-arg:BASE=a/b:1",
        ] {
            assert!(takes(text), "{text}");
        }
        for text in [
            "helm install x a/b",
            "docker run c/d:1 a/b:2",
            "echo a/b:1",
            "an image a/b:1",
            "docker build a/b",
            "kind load image-archive a/b:1",
            "trivy fs a/b",
            "docker build --build-arg CHART=a/b .",
            "docker build --label BASE=a/b:1 .",
            "crane copy q.io/c a/b",
            "regctl image copy q.io/c a/b",
            "kind: Pod load a/b:1",
            "from a/b import c",
            "RUN --mount=type=bind,from=a/b,target=/x true",
        ] {
            assert!(!takes(text), "{text}");
        }
    }
}
