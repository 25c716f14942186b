//! URLs in commands: of a file to fetch, or of a chart repository.

use super::{Command, Word};
use crate::artifact::Artifact;
use crate::detect::usage::Usage;
use crate::detect::words;

const NO_REDIRECTS: Usage =
    Usage::must_agree("`curl` without `-L` would save the redirect instead of the file");

impl Command<'_> {
    /// Whether a program fetches the URL, and with what certainty it follows redirects. `None` if nothing fetches it.
    pub(in crate::detect) fn fetches(&self, index: usize) -> Option<Usage> {
        let has = |names: &[&str]| {
            let mut words = self.before(index).iter();
            words.any(|word| names.contains(&word.program()))
        };
        if has(&[
            "wget",
            "aria2c",
            "http",
            "ADD",
            "get_url",
            "Invoke-WebRequest",
            "iwr",
        ]) {
            return Some(Usage::PULL);
        }
        if !has(&["curl", "curl.exe"]) {
            return None;
        }
        let follows = |word: &Word<'_>| {
            let short = word.text.strip_prefix('-');
            let short = short.is_some_and(|flags| !flags.starts_with('-') && flags.contains('L'));
            short || matches!(word.text, "--location" | "--location-trusted")
        };
        Some(match self.words.iter().any(follows) {
            true => Usage::PULL,
            false => NO_REDIRECTS,
        })
    }

    /// Returns the artifact that the URL points to.
    pub(in crate::detect) fn artifact(&self, index: usize) -> Artifact {
        match self.takes_chart_repository(index) {
            true => Artifact::ChartRepository,
            false => Artifact::Url,
        }
    }

    /// Whether the URL is a chart repository: `helm repo add NAME URL`, `--repo URL`
    fn takes_chart_repository(&self, index: usize) -> bool {
        let own = self.words[index].text;
        let option = own
            .split_once('=')
            .map_or(self.previous(index), |(option, _)| option);
        if matches!(option, "--repo" | "--stable-repo-url" | "--repo-url") {
            return true;
        }
        if own.contains('=') && words::is_chart_repository(&words::fold(option)) {
            return true;
        }
        let mut words = self.before(index).iter().map(|word| word.text);
        let is_helm = |word: &str| {
            word.rsplit('/')
                .next()
                .is_some_and(|name| name.starts_with("helm"))
        };
        words.any(is_helm) && words.any(|word| word == "repo") && words.next() == Some("add")
    }
}

#[cfg(test)]
mod tests {
    use super::super::commands;
    use super::*;

    #[test]
    fn downloads_follow_redirects_or_do_not() {
        let fetches = |text: &str| {
            let commands = commands(text);
            let index = commands[0].word_at(text.find("http").unwrap()).unwrap();
            commands[0].fetches(index)
        };
        for text in [
            "wget https://x",
            "curl -fsSLo a https://x",
            "curl --location https://x",
            "curl https://x -L",
        ] {
            assert_eq!(fetches(text), Some(Usage::PULL), "{text}");
        }
        assert_eq!(fetches("curl -O https://x"), Some(NO_REDIRECTS));
        assert_eq!(fetches("curl -sS https://Lx"), Some(NO_REDIRECTS));
        assert_eq!(fetches("echo https://x"), None);
    }

    #[test]
    fn chart_repositories_are_added_or_named_by_an_option() {
        let takes = |text: &str| {
            let commands = commands(text);
            let at = text.find("https://a").unwrap();
            let index = commands[0].word_at(at).unwrap();
            commands[0].takes_chart_repository(index)
        };
        for text in [
            "helm repo add stable https://a",
            "/usr/bin/helm3 --kube-context x repo add --force-update stable https://a/",
            "helm install x y --repo https://a",
            "helm template x y --repo=https://a",
            "helm init --stable-repo-url https://a",
        ] {
            assert!(takes(text), "{text}");
        }
        for text in [
            "curl https://a",
            "helm install x https://a/b-1.tgz",
            "git remote add x https://a",
        ] {
            assert!(!takes(text), "{text}");
        }
    }
}
