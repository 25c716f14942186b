//! The commands of a script, as far as they show how the images in them are used.
//!
//! Not a shell: splits words and commands, in a way that suits scripts, Dockerfiles, arguments and settings alike.
//! Runs nothing.

use super::schema::kubeadm;
use super::usage::{ACCOUNT, IN_COMMAND, LOCAL, Usage};
use crate::source::Span;
pub(super) use local::{Loads, may_load};
use pushing::is_written_cache;

mod image_taking;
mod local;
mod pushing;
pub(super) mod set_option;
mod tested;
mod url;

/// A command, or a line of other text.
#[derive(Debug, Default)]
pub(super) struct Command<'c> {
    pub(super) words: Vec<Word<'c>>,
    /// Whether another command uses its output: `$(...)`.
    pub(super) is_substituted: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'c> {
    pub(super) text: &'c str,
    pub(super) span: Span,
    /// Whether the word is in a comment.
    in_comment: bool,
}

impl<'c> Word<'c> {
    /// Returns the file name of the word, which may be a program.
    fn program(&self) -> &'c str {
        self.text.rsplit('/').next().unwrap_or_default()
    }
}

/// The maximum number of words to look back from a word. A line of minified JSON looks like a very long command.
const MOST_WORDS: usize = 64;

const PUSHED: Usage = Usage::Pushed("the command pushes it and does not pull it");
const SEARCHED: Usage = Usage::Compared("the command searches for it");
const TESTED: Usage = Usage::Compared(IN_COMMAND);
const COMMENT: Usage = Usage::Mention("it is in a comment");
const PROXIED: Usage = Usage::Mention("a web server redirects clients there");
const VERIFIED: Usage = Usage::Mention("the command looks for its signature there");

/// The start of a comment for Renovate, which looks up new versions of the image named there.
pub(super) const RENOVATE: &str = "renovate:";

/// Calls that compare, in policy and script languages.
const SEARCHING: [&str; 5] = [
    "contains(",
    "startswith(",
    "startsWith(",
    "replace(",
    "match(",
];

/// Whether the word suggests that a list of words is a command that does more with images than pull them.
pub(super) fn is_verb(word: &str) -> bool {
    const VERBS: [&str; 18] = [
        "rmi",
        "commit",
        "delete",
        "manifest",
        "build",
        "buildx",
        "bud",
        "push",
        "promote",
        "tag",
        "retag",
        "copy",
        "cp",
        "imagetools",
        "kubeadm",
        "minikube",
        "--cache-repo",
        "--cache-to",
    ];
    VERBS.contains(&word)
        || word.ends_with("/executor")
        || word.starts_with("--destination")
        || is_written_cache(word)
}

/// Returns the commands of a text, in order.
pub(super) fn commands(text: &str) -> Vec<Command<'_>> {
    let mut splitter = Splitter {
        text,
        start: None,
        in_comment: false,
        depth: 0,
        in_array: false,
        commands: vec![Command::default()],
    };
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let is_continued = bytes[at] == b'\\' && matches!(bytes.get(at + 1), Some(b'\n' | b'\r'));
        match is_continued {
            true => splitter.end_word(at, false),
            false => splitter.byte(bytes[at], at),
        }
        at += 1 + usize::from(is_continued);
    }
    splitter.end_word(bytes.len(), false);
    splitter
        .commands
        .retain(|command| !command.words.is_empty());
    splitter.commands
}

struct Splitter<'s> {
    text: &'s str,
    /// The start of the current word.
    start: Option<usize>,
    in_comment: bool,
    /// The number of open substitutions.
    depth: usize,
    /// Whether the words are items of an array: `IMAGES=(a b)`.
    in_array: bool,
    commands: Vec<Command<'s>>,
}

impl Splitter<'_> {
    fn byte(&mut self, byte: u8, at: usize) {
        match byte {
            b'\n' => {
                self.end_word(at, true);
                self.in_comment = false;
            }
            b'#' if self.start.is_none() && self.is_blank_before(at) => self.in_comment = true,
            // A key in JSON is not a word of a command.
            b'"' if self.is_key(at) => {}
            b' ' | b'\t' | b'\r' | b'"' | b'\'' => self.end_word(at, false),
            b'(' | b'`' if !self.in_comment => {
                let opens = byte == b'(' && self.text[..at].ends_with('$');
                let toggles = byte == b'`';
                self.depth = match self.depth {
                    0 if opens || toggles => 1,
                    depth if toggles => depth - 1,
                    depth => depth + usize::from(opens),
                };
                self.in_array = byte == b'(' && self.text[..at].ends_with('=');
                self.end_word(at, true);
                self.substitute();
            }
            b')' if self.in_array && !self.in_comment => {
                self.in_array = false;
                self.end_word(at, true);
            }
            b';' | b'|' | b'&' if !self.in_comment => self.end_word(at, true),
            b')' => {
                // `pattern)` of a `case`
                self.start.get_or_insert(at);
                self.depth = self.depth.saturating_sub(1);
                self.end_word(at + 1, !self.in_comment);
            }
            _ => {
                self.start.get_or_insert(at);
            }
        }
    }

    /// Records whether the new command is in a substitution.
    fn substitute(&mut self) {
        let is_substituted = self.depth > 0;
        if let Some(command) = self.commands.last_mut() {
            command.is_substituted = is_substituted;
        }
    }

    /// Whether a quote ends a key: `"tag": 1`.
    fn is_key(&self, at: usize) -> bool {
        let is_word = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let rest = self.text[at + 1..].trim_start_matches([' ', '\t']);
        let word = self.start.map(|start| &self.text[start..at]);
        word.is_some_and(is_word) && rest.starts_with(':')
    }

    fn is_blank_before(&self, at: usize) -> bool {
        at == 0 || self.text.as_bytes()[at - 1].is_ascii_whitespace()
    }

    fn end_word(&mut self, end: usize, ends_command: bool) {
        let start = self.start.take();
        let Some(command) = self.commands.last_mut() else {
            return;
        };
        if let Some(start) = start {
            let span = Span::new(start, end);
            command.words.push(Word {
                text: span.of(self.text),
                span,
                in_comment: self.in_comment,
            });
        }
        if ends_command && !command.words.is_empty() {
            self.commands.push(Command {
                words: Vec::new(),
                is_substituted: self.depth > 0,
            });
        }
    }
}

impl<'c> Command<'c> {
    /// Returns the index of the word that contains an offset.
    pub(super) fn word_at(&self, offset: usize) -> Option<usize> {
        let index = self.words.partition_point(|word| word.span.end <= offset);
        let word = self.words.get(index)?;
        (word.span.start <= offset).then_some(index)
    }

    fn before(&self, index: usize) -> &[Word<'c>] {
        &self.words[index.saturating_sub(MOST_WORDS)..index]
    }

    fn previous(&self, index: usize) -> &'c str {
        let word = index.checked_sub(1).and_then(|at| self.words.get(at));
        word.map_or("", |word| word.text)
    }

    /// Returns the usage of the word by what the command does. `None` for a plain pull.
    pub(super) fn usage(&self, index: usize) -> Option<Usage> {
        let word = self.words[index];
        if word.in_comment {
            let is_renovate = self.before(index).iter().any(|word| word.text == RENOVATE);
            return (!is_renovate).then_some(COMMENT);
        }
        let before = self.before(index);
        let searches = |word: &Word<'_>| {
            matches!(
                word.text,
                "grep" | "egrep" | "fgrep" | "zgrep" | "rg" | "sed" | "awk" | "gawk" | "jq"
            ) || SEARCHING.iter().any(|call| word.text.contains(call))
        };
        if before.iter().any(searches) || self.is_filtered() {
            return Some(SEARCHED);
        }
        if self.is_tested(index) {
            return Some(TESTED);
        }
        if self.is_awaited(index) {
            return Some(TESTED);
        }
        if self.is_proxied() {
            return Some(PROXIED);
        }
        if before
            .iter()
            .any(|word| matches!(word.text, "login" | "logout"))
        {
            return Some(ACCOUNT);
        }
        self.of_signature(index)
            .or_else(|| self.is_pushed(index).then_some(PUSHED))
            .or_else(|| self.is_local(index).then_some(LOCAL))
            .or_else(|| self.of_kubeadm(index))
    }

    /// Whether it is a filter of a log collector: `Exclude $image NAME` of Fluent Bit.
    fn is_filtered(&self) -> bool {
        const SETTINGS: [&str; 6] = [
            "Condition",
            "Exclude",
            "Match",
            "Match_Regex",
            "Regex",
            "Rule",
        ];
        self.words.len() > 1 && SETTINGS.contains(&self.words[0].text)
    }

    /// Returns the usage of the registry in `kubeadm init --image-repository NAME --kubernetes-version V`, or in a tool that
    /// calls kubeadm.
    fn of_kubeadm(&self, index: usize) -> Option<Usage> {
        const REPOSITORY: &str = "--image-repository";
        const VERSION: &str = "--kubernetes-version";
        let own = self.words[index].text;
        let is_option = own.starts_with(REPOSITORY) || self.previous(index) == REPOSITORY;
        let mut before = self.before(index).iter();
        let calls = |word: &Word<'_>| matches!(word.program(), "kubeadm" | "minikube");
        (is_option && before.any(calls)).then(|| {
            let words = self.words.iter().skip_while(|word| !calls(word));
            let words: Vec<&str> = words.take(MOST_WORDS).map(|word| word.text).collect();
            let mut pairs = words.windows(2);
            let assigned = words
                .iter()
                .find_map(|word| word.strip_prefix(VERSION)?.strip_prefix('='));
            let apart = || pairs.find(|pair| pair[0] == VERSION).map(|pair| pair[1]);
            kubeadm::option(assigned.or_else(apart))
        })
    }

    /// Returns the usage in a signature command. A signature belongs to an image at one location, and so do the keys that
    /// verify it.
    fn of_signature(&self, index: usize) -> Option<Usage> {
        let words = self.before(index).iter().map(|word| word.text);
        let mut words = words
            .skip_while(|word| !word.ends_with("cosign") && *word != "notation")
            .skip(1);
        match words.next()? {
            "verify" | "verify-attestation" | "tree" | "triangulate" | "download" => Some(VERIFIED),
            "sign" | "attest" | "attach" | "clean" => Some(PUSHED),
            _ => None,
        }
    }

    /// Whether the command waits for or selects by the word: `kubectl wait --for=jsonpath='{.spec.image}'=NAME`,
    /// `--field-selector spec.image=NAME`
    fn is_awaited(&self, index: usize) -> bool {
        let own = self.words[index].text;
        let mut words = self.before(index).iter().map(|word| word.text).chain([own]);
        let waits = words.any(|word| word == "wait") && words.any(|word| word.contains("jsonpath"));
        let selects = |word: &str| word.starts_with("--field-selector");
        waits || selects(own) || selects(self.previous(index))
    }

    /// Whether it is a directive of a web server.
    fn is_proxied(&self) -> bool {
        let word = |at: usize| self.words.get(at).map_or("", |word| word.text);
        match word(0) {
            "rewrite" | "proxy_pass" | "proxy_redirect" | "server_name" | "proxy_set_header"
            | "sub_filter" | "reverse_proxy" | "redir" | "ProxyPass" | "ProxyPassReverse"
            | "Redirect" | "RedirectMatch" | "RewriteCond" | "RewriteRule" => true,
            // A status code or a URL. In other languages, `return` has other operands.
            "return" => {
                word(1).starts_with("http") || word(1).bytes().all(|byte| byte.is_ascii_digit())
            }
            "set" => word(1).starts_with('$'),
            _ => false,
        }
    }
}

impl Command<'_> {
    /// Whether the word sets an image: `kubectl set image deployment/web container=NAME`
    fn is_set_image(&self, index: usize) -> bool {
        let mut pairs = self.before(index).windows(2);
        let is_set = pairs.any(|pair| pair[0].text == "set" && pair[1].text == "image");
        is_set && self.words[index].text.contains('=')
    }

    /// Whether the word is `OLD=NEW`, as for `kustomize edit set image` and `argocd app set --kustomize-image`.
    pub(super) fn replaces_images(&self, index: usize) -> bool {
        let by_option = self.words[index].text.starts_with("--kustomize-image")
            || self.previous(index) == "--kustomize-image";
        by_option || self.is_set_image(index)
    }
}

/// Whether a word may be an image with a path and a tag.
fn is_name(word: &str) -> bool {
    let tagged = word
        .rsplit_once(':')
        .is_some_and(|(name, tag)| !name.is_empty() && !tag.contains('/'));
    word.contains('/') && tagged && !word.starts_with(['/', '.', '-', '$']) && !word.contains('=')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the usage of the word that contains the needle.
    #[track_caller]
    fn usage(text: &str, needle: &str) -> &'static str {
        let at = text.find(needle).unwrap();
        let commands = commands(text);
        let found = commands
            .iter()
            .find_map(|command| Some((command, command.word_at(at)?)));
        let (command, index) = found.unwrap();
        command.usage(index).map_or("pull", Usage::name)
    }

    #[test]
    fn commands_say_what_they_do_with_images() {
        for (text, expected) in [
            ("docker pull IMG", "pull"),
            ("docker pull $(echo IMG)", "pull"),
            ("docker push IMG", "pushed"),
            ("docker build -t IMG . && true", "pushed"),
            ("docker buildx build --push --tag=IMG .", "pushed"),
            ("docker build --build-arg BASE=IMG .", "pull"),
            ("docker tag IMG local/x", "pull"),
            ("docker tag local/x IMG", "pushed"),
            ("crane copy q.io/a IMG", "pushed"),
            ("crane copy IMG q.io/a", "pull"),
            ("docker push \\\n  IMG", "pushed"),
            ("docker push x; docker pull IMG", "pull"),
            ("if [ \"$X\" = \"IMG\" ]; then", "compared"),
            ("[[ $X == IMG ]] && true", "compared"),
            ("[ \"$X\" = IMG ] && true", "compared"),
            (
                "subprocess.run([\"kubectl\", \"run\", \"x\", \"--image=IMG\"])",
                "pull",
            ),
            ("test \"$X\" != IMG", "compared"),
            ("case $X in\nIMG) true ;;\nesac", "compared"),
            ("\t@[ \"$X\" = IMG ] || true", "compared"),
            ("sh -c 'test \"$X\" = IMG'", "compared"),
            ("jq '.items[]|select(.image==\"IMG\")'", "compared"),
            ("if image in [\"IMG\"]:", "compared"),
            ("kubectl run test --image=IMG", "pull"),
            ("kubectl run -n test web --image=IMG", "pull"),
            ("make test IMAGE=IMG", "pull"),
            ("images = [\"IMG\"]", "pull"),
            ("curl -d '{\"images\": [\"IMG\"]}' x", "pull"),
            ("docker images | grep IMG", "compared"),
            ("sed -i s,IMG,b, f", "compared"),
            ("kind load docker-image --name test IMG", "pull"),
            ("# docker pull IMG", "mention"),
            ("docker pull a # not IMG", "mention"),
            ("docker login IMG", "mention"),
            ("proxy_pass IMG;", "mention"),
            ("sh -c \"docker push IMG\"", "pushed"),
            ("/kaniko/executor --cache-repo IMG", "pushed"),
            (
                "docker buildx build --cache-to=type=registry,ref=IMG .",
                "pushed",
            ),
            ("cosign verify --key k IMG", "mention"),
            ("cosign sign IMG", "pushed"),
            ("make docker-build docker-push IMAGE=q/IMG", "pushed"),
            ("assert_equal x IMG", "compared"),
            ("notation sign IMG", "pushed"),
            ("crane mutate a -t IMG", "pushed"),
            ("docker rmi IMG", "pull"),
            ("Exclude $kubernetes['image'] IMG", "compared"),
            ("ProxyPass /x IMG", "mention"),
            ("skopeo delete docker://IMG", "pushed"),
            ("make deploy IMAGE=IMG", "pull"),
            ("gcloud builds submit --tag IMG", "pushed"),
            ("docker manifest create IMG a b", "pushed"),
            ("docker commit x IMG", "pushed"),
            (
                "docker buildx build --cache-from type=registry,ref=IMG .",
                "pull",
            ),
            ("type=image,name=IMG,push=true", "pushed"),
            ("docker buildx build -o type=registry,name=IMG .", "pushed"),
            (
                "kubectl get pods --field-selector spec.image=IMG",
                "compared",
            ),
            ("kubectl wait pod/x --for jsonpath={.a}=IMG", "compared"),
            ("kubectl wait --for=jsonpath='{.a}'=IMG pod/x", "compared"),
            ("IMAGES=(a IMG)", "pull"),
            ("IMAGES=(\n IMG\n)", "pull"),
            ("# renovate: datasource=docker depName=IMG", "pull"),
            ("kubeadm init --image-repository IMG", "pull"),
        ] {
            assert_eq!(usage(text, "IMG"), expected, "{text}");
        }
    }

    #[test]
    fn what_is_looked_for_on_this_machine() {
        for (text, expected) in [
            ("docker rmi -f IMG", true),
            ("sudo /usr/bin/crictl rmi IMG", true),
            ("ctr -n k8s.io images rm IMG", true),
            ("ctr i ls name==IMG", true),
            ("docker image rm --force IMG", true),
            ("docker images -q IMG", true),
            ("crictl images IMG", true),
            ("podman image exists IMG", true),
            ("docker pull IMG", false),
            ("ctr images pull IMG", false),
            ("docker image pull IMG", false),
            ("docker run -i IMG rmi", false),
            ("docker run -it IMG", false),
            ("echo rmi IMG", false),
        ] {
            let commands = commands(text);
            let index = commands[0].word_at(text.find("IMG").unwrap()).unwrap();
            let usage = commands[0].usage(index);
            assert_eq!(usage == Some(LOCAL), expected, "{text}");
        }
    }

    #[test]
    fn kubeadm_knows_its_default_by_its_version() {
        for (text, is_safe) in [
            (
                "kubeadm init --image-repository=IMG --kubernetes-version=v1.27.3",
                true,
            ),
            (
                "kubeadm init --kubernetes-version 1.25.0 --image-repository IMG",
                true,
            ),
            (
                "kubeadm init --image-repository=IMG --kubernetes-version=v1.23.1",
                false,
            ),
            (
                "sudo /usr/bin/kubeadm config images pull --image-repository IMG",
                false,
            ),
            (
                "kubeadm init --image-repository IMG --kubernetes-version $V",
                false,
            ),
            ("minikube start --image-repository=IMG", false),
            ("other --image-repository=IMG", true),
        ] {
            let commands = commands(text);
            let command = commands.first().unwrap();
            let index = command.word_at(text.find("IMG").unwrap()).unwrap();
            let usage = command.usage(index);
            assert_eq!(
                usage.is_none_or(|usage| usage == Usage::PULL),
                is_safe,
                "{text}"
            );
        }
    }
}
