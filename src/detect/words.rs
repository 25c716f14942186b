//! The words that people use in keys for images, and in keys for values that only mention images.
//!
//! A key alone never makes an image use: it decides how to read a value that already looks like a reference.

/// Returns the last part of a dotted key in lower case, without dashes and underscores. `fooImage_Repository` and
/// `image.repository` become `fooimagerepository` and `repository`.
pub(super) fn fold(key: &str) -> String {
    let mut folded = last_part(key).to_ascii_lowercase();
    if folded.contains(['-', '_']) {
        folded.retain(|letter| !matches!(letter, '-' | '_'));
    }
    folded
}

/// Whether the [folded](fold) key is the word.
pub(super) fn is_folded(key: &str, word: &str) -> bool {
    let last = last_part(key);
    let letters = last.bytes().filter(|letter| !matches!(letter, b'-' | b'_'));
    last.len() >= word.len()
        && letters
            .map(|letter| letter.to_ascii_lowercase())
            .eq(word.bytes())
}

fn last_part(key: &str) -> &str {
    key.rfind('.').map_or(key, |dot| &key[dot + 1..])
}

/// Whether the value is text for people, from which nothing is pulled.
pub(super) fn is_prose(key: &str) -> bool {
    const WORDS: [&str; 22] = [
        "description",
        "desc",
        "message",
        "msg",
        "summary",
        "title",
        "note",
        "notes",
        "comment",
        "comments",
        "help",
        "reason",
        "usage",
        "changelog",
        "changes",
        "releasenotes",
        "readme",
        "documentation",
        "docs",
        "remarks",
        "xmdx",
        "warning",
    ];
    WORDS.contains(&key)
        || key.ends_with("description")
        || key.ends_with("message")
        || key.ends_with("changes")
}

/// Adjectives before several images or registries that something looks for.
const MATCHED_OF_SEVERAL: [&str; 25] = [
    "drop",
    "dropped",
    "filter",
    "include",
    "included",
    "matched",
    "monitored",
    "only",
    "selected",
    "watch",
    "watched",
    "bad",
    "deprecated",
    "illegal",
    "invalid",
    "legacy",
    "malicious",
    "obsolete",
    "old",
    "skipped",
    "unauthorized",
    "unsafe",
    "unsigned",
    "unsupported",
    "vulnerable",
];

/// Names of what rules of Renovate and of policies match, after `match`.
const MATCHED_BY: [&str; 15] = [
    "currentvalue",
    "currentversion",
    "depnames",
    "host",
    "image",
    "images",
    "name",
    "names",
    "packagenames",
    "registries",
    "registry",
    "registryurls",
    "repositories",
    "repository",
    "value",
];

/// Prefixes of keys for what is forbidden.
const MENTION_STARTS: [&str; 16] = [
    "deny",
    "denied",
    "disallow",
    "forbid",
    "block",
    "exclud",
    "ignor",
    "untrusted",
    "restrict",
    "blacklist",
    "unqualified",
    "banned",
    "bypass",
    "exclusion",
    "prohibited",
    "skipimage",
];

/// Whether everything below the key is matched against, forbidden, allowed or mirrored.
pub(super) fn is_mention(key: &str) -> bool {
    is_allowed(key) || is_matched(key)
}

/// Whether everything below the key is matched against or forbidden.
pub(super) fn is_matched(key: &str) -> bool {
    const WORDS: [&str; 15] = [
        "adidentifiers",
        "regex",
        "regexp",
        "rego",
        "cel",
        "query",
        "whitelist",
        "deny",
        "redirectsto",
        "runifchanged",
        "skipifonlychanged",
        "jmespath",
        "jsonpath",
        "imagereferences",
        "registryscopes",
    ];
    const ENDS: [&str; 21] = [
        "imagefilter",
        "imagefilters",
        "imagesfilter",
        "toblock",
        "todelete",
        "toignore",
        "toremove",
        "toskip",
        "pattern",
        "patterns",
        "regex",
        "regexp",
        "glob",
        "globs",
        "denylist",
        "blacklist",
        "blocklist",
        "promql",
        "excluded",
        "exclusions",
        "ignored",
    ];
    WORDS.contains(&key)
        || MENTION_STARTS.iter().any(|start| key.starts_with(start))
        || ENDS.iter().any(|end| key.ends_with(end))
        || is_of_several(key, &MATCHED_OF_SEVERAL)
        || is_said(key, &["match"], &MATCHED_BY)
}

/// Whether a key is one of the words followed by a plural of images or registries: `protectedImages`.
fn is_of_several(key: &str, words: &[&str]) -> bool {
    const NAMES: [&str; 15] = [
        "imageprefix",
        "imageprefixes",
        "registryprefix",
        "registryprefixes",
        "images",
        "imagelist",
        "imagenames",
        "imageregistries",
        "imagerepositories",
        "containerimages",
        "containerregistries",
        "dockerregistries",
        "registries",
        "repositories",
        "repos",
    ];
    is_said(key, words, &NAMES)
}

/// Whether a key is one of the words followed by one of the names.
fn is_said(key: &str, words: &[&str], names: &[&str]) -> bool {
    let mut behind = words.iter().filter_map(|word| key.strip_prefix(word));
    behind.any(|name| names.contains(&name))
}

/// Whether the value may be replaced by another, or looked for: `oldImage`.
pub(super) fn is_old(key: &str) -> bool {
    const WORDS: [&str; 11] = [
        "actual",
        "current",
        "deprecated",
        "last",
        "legacy",
        "obsolete",
        "old",
        "original",
        "previous",
        "resolved",
        "running",
    ];
    is_of_one(key, &WORDS)
}

/// Whether the value is what something is pushed to: `destinationImage`.
pub(super) fn is_pushed(key: &str) -> bool {
    const WORDS: [&str; 6] = ["dest", "destination", "dst", "output", "publish", "push"];
    key == "kodockerrepo" || is_of_one(key, &WORDS)
}

/// Whether the value may be what something is built as or copied to: `TARGET_IMAGE`.
pub(super) fn is_target(key: &str) -> bool {
    is_of_one(key, &["target"])
}

/// Whether a key is one of the words followed by an image or a registry.
fn is_of_one(key: &str, words: &[&str]) -> bool {
    const NAMES: [&str; 11] = [
        "image",
        "imagename",
        "imageref",
        "imageregistry",
        "imagerepo",
        "imagerepository",
        "containerregistry",
        "dockerregistry",
        "registry",
        "repo",
        "repository",
    ];
    is_said(key, words, &NAMES)
}

/// Adjectives before several images or registries that are allowed.
const ALLOWED_OF_SEVERAL: [&str; 17] = [
    "authorised",
    "authorized",
    "certified",
    "enforced",
    "keep",
    "known",
    "preserve",
    "preserved",
    "privileged",
    "protected",
    "retain",
    "retained",
    "safe",
    "signed",
    "supported",
    "valid",
    "verified",
];

/// Whether everything below the key is allowed, or fetched from elsewhere. It is then not a list of what is forbidden.
pub(super) fn is_allowed(key: &str) -> bool {
    const WORDS: [&str; 14] = [
        "enforcedregistry",
        "requiredregistry",
        "validregistry",
        "fqdn",
        "fqdns",
        "sni",
        "snihosts",
        "safelist",
        "auths",
        "remoteurl",
        "registryproxyremoteurl",
        "upstreamregistryurl",
        "tofqdns",
        "dnsname",
    ];
    const STARTS: [&str; 12] = [
        "proxycache",
        "pullthrough",
        "allow",
        "exempt",
        "trusted",
        "whitelist",
        "mirror",
        "insecure",
        "accepted",
        "approved",
        "exceptions",
        "permitted",
    ];
    const ENDS: [&str; 10] = [
        "noproxy",
        "tokeep",
        "toretain",
        "mirror",
        "mirrors",
        "allowlist",
        "whitelist",
        "exemptions",
        "redirects",
        "allowed",
    ];
    WORDS.contains(&key)
        || STARTS.iter().any(|start| key.starts_with(start))
        || ENDS.iter().any(|end| key.ends_with(end))
        || is_of_several(key, &ALLOWED_OF_SEVERAL)
}

/// Whether everything below the key is compared with: conditions of pipelines, of Ansible, of admission.
pub(super) fn is_compared(key: &str) -> bool {
    const WORDS: [&str; 20] = [
        "assertions",
        "golden",
        "stderr",
        "stdout",
        "want",
        "wantimage",
        "when",
        "if",
        "unless",
        "onlyif",
        "that",
        "failedwhen",
        "changedwhen",
        "until",
        "assert",
        "expr",
        "expression",
        "expressions",
        "matchexpressions",
        "xkubernetesvalidations",
    ];
    // `successCondition`
    let ends = key.ends_with("condition") || key.ends_with("conditions");
    WORDS.contains(&key) || ends || key.starts_with("expected")
}

/// The setting of kpt's `search-replace` that selects the values to replace.
pub const REPLACED: &str = "by-value";

/// Whether everything below the key must match something elsewhere: `imageSelector` of DevSpace, [`REPLACED`] and
/// `by-value-regex`.
pub(super) fn is_selector(key: &str) -> bool {
    key.ends_with("selector") || key.ends_with("selectors") || key.starts_with("byvalue")
}

/// Whether a list under the key is closed: a form offers its items, and nothing is pulled from it.
pub(super) fn is_closed_list(key: &str) -> bool {
    matches!(
        key,
        "options" | "choices" | "enums" | "enumnames" | "allowedvalues"
    )
}

/// Whether the key is a schema keyword for examples.
pub(super) fn is_example(key: &str) -> bool {
    matches!(key, "example" | "examples")
}

/// Whether a scalar under the key is a prefix, a path or a location to copy from or to. A map under it may be anything.
pub(super) fn is_mention_of_scalar(key: &str) -> bool {
    const WORDS: [&str; 26] = [
        "source",
        "sources",
        "path",
        "paths",
        "dir",
        "dirs",
        "directory",
        "file",
        "files",
        "match",
        "matches",
        "project",
        "projectid",
        "label",
        "labels",
        "tags",
        "keywords",
        "destination",
        "destinations",
        "dest",
        "target",
        "targets",
        "server",
        "scope",
        "scopes",
        "subpath",
    ];
    WORDS.contains(&key)
        || (key.ends_with("prefix") || key.ends_with("prefixes")) && !is_bare_host(key)
}

/// Whether a sibling with the key shows that an image is built, or from which file.
pub(super) fn is_of_build(key: &str) -> bool {
    key.ends_with("dockerfile") || key.ends_with("containerfile") || key == "buildcontext"
}

/// Whether a sibling with the key distinguishes a mirror table from an image: `registry: k8s.gcr.io` beside `endpoint:`.
pub(super) fn is_of_mirror(key: &str) -> bool {
    const WORDS: [&str; 9] = [
        "proxycache",
        "proxysettings",
        "endpoint",
        "endpoints",
        "mirror",
        "mirrors",
        "rewrite",
        "rewrites",
        "redirect",
    ];
    WORDS.contains(&key)
}

/// The maximum number of keys in a map of an account or a mirror. A larger one contains other settings, too.
pub(super) const LARGEST_ACCOUNT: usize = 8;

/// Whether a sibling with the key distinguishes an account, or an allowed host, from an image.
pub(super) fn is_of_account(key: &str) -> bool {
    const WORDS: [&str; 20] = [
        "username",
        "user",
        "login",
        "password",
        "passwordsecret",
        "passwordsecretref",
        "auth",
        "authtoken",
        "token",
        "email",
        "dockerconfigjson",
        "credentials",
        "existingsecret",
        "insecure",
        "artifacts",
        "location",
        "remote",
        "upstream",
        "skipverify",
        "skiptlsverify",
    ];
    WORDS.contains(&key)
}

/// Whether a key, as written, says that its map belongs to an account of a registry.
pub fn is_key_of_account(key: &str) -> bool {
    is_of_account(&fold(key))
}

/// Whether the value is what somebody logs in with.
pub(super) fn is_login(key: &str) -> bool {
    matches!(key, "username" | "user" | "login" | "password" | "email")
}

/// Whether the value is an account of a registry, or several.
pub(super) fn is_account(key: &str) -> bool {
    const PARTS: [&str; 8] = [
        "pullsecret",
        "credential",
        "dockerconfig",
        "registrysecret",
        "registryauth",
        "regcred",
        "auths",
        "dockerlogin",
    ];
    PARTS.iter().any(|part| key.contains(part))
}

/// Whether the value names an image.
pub(super) fn is_image(key: &str) -> bool {
    const ENDS: [&str; 17] = [
        "image",
        "images",
        "img",
        "imagename",
        "imageref",
        "imagereference",
        "imageurl",
        "imageuri",
        "imagerepo",
        "imagerepository",
        "container",
        "imagefull",
        "imagepath",
        "imagespec",
        "imagelocation",
        "imageaddress",
        "pullspec",
    ];
    key == "package"
        || key == "bundle"
        || ENDS.iter().any(|end| key.ends_with(end))
        || key.starts_with("image")
}

/// Whether the value is a whole image, so that even a name without a host is on Docker Hub.
pub(super) fn is_image_alone(key: &str) -> bool {
    const ENDS: [&str; 6] = [
        "image",
        "img",
        "imagename",
        "imageref",
        "imagereference",
        "imagepullspec",
    ];
    ENDS.iter().any(|end| key.ends_with(end))
}

/// Whether the value is a registry, perhaps with the beginning of a path.
pub(super) fn is_bare_host(key: &str) -> bool {
    const ENDS: [&str; 16] = [
        "registry",
        "repositoryprefix",
        "repoprefix",
        "registryhost",
        "registryaddress",
        "registrybase",
        "registryserver",
        "imagebase",
        "imagehost",
        "baserepo",
        "imagerepo",
        "imagerepository",
        "hub",
        "imageprefix",
        "registryprefix",
        "registryurl",
    ];
    ENDS.iter().any(|end| key.ends_with(end)) && key != "github" || key == "reg"
}

/// Like [`is_bare_host`], for keys where even a host with a path is not a whole image: `hub: gcr.io/istio-release`.
pub(super) fn is_registry(key: &str) -> bool {
    is_bare_host(key) && !key.ends_with("imagerepo") && !key.ends_with("imagerepository")
}

/// Suffixes of keys for names.
pub(super) const NAME_ENDS: [&str; 9] = [
    "imagerepository",
    "imagerepo",
    "imagename",
    "repository",
    "repo",
    "image",
    "name",
    "imagepath",
    "reponame",
];

/// Returns the part that a key for an image's path shares with its companions: `foo` for `fooImageRepository`. `None` for
/// other keys.
pub(super) fn repository_stem(key: &str) -> Option<&str> {
    let end = NAME_ENDS
        .iter()
        .filter(|end| key.ends_with(*end))
        .max_by_key(|end| end.len())?;
    Some(&key[..key.len() - end.len()])
}

/// Whether the key names a path, rather than an image: `repository`, `fooImageRepo`.
pub(super) fn is_repository(key: &str) -> bool {
    repository_stem(key).is_some_and(|stem| {
        let end = &key[stem.len()..];
        end.ends_with("repository") || end.ends_with("repo") || end.ends_with("path")
    })
}

/// Returns the order among several keys with one stem. The lowest fits best.
pub(super) fn repository_rank(key: &str) -> u8 {
    match key {
        "name" => 2,
        _ if key.ends_with("repository") || key.ends_with("repo") || key.ends_with("path") => 0,
        _ => 1,
    }
}

/// Suffixes of keys for the registry beside a name, after the stem of its key or alone. `in_image`: whether the map is
/// an image's. Elsewhere `host` may be any host.
pub(super) fn registry_ends(in_image: bool) -> &'static [&'static str] {
    const ENDS: [&str; 8] = [
        "registry",
        "imageregistry",
        "hub",
        "imagehub",
        "registryhost",
        "registryurl",
        "host",
        "prefix",
    ];
    match in_image {
        true => &ENDS,
        false => &ENDS[..6],
    }
}

/// Whether a key names a repository of charts: `chart_repo_url`, `STABLE_REPO_URL`, `helmRepo`.
pub(super) fn is_chart_repository(key: &str) -> bool {
    const WORDS: [&str; 4] = ["chart", "helm", "stablerepo", "incubatorrepo"];
    key.contains("repo") && WORDS.iter().any(|word| key.contains(word))
}

/// Suffixes of keys for the beginning of a path, beside its last piece. Outside of an image's map, a namespace is one of
/// Kubernetes.
pub(super) fn folder_ends(in_image: bool) -> &'static [&'static str] {
    const ENDS: [&str; 5] = [
        "organization",
        "org",
        "imageorganization",
        "imageorg",
        "namespace",
    ];
    match in_image {
        true => &ENDS,
        false => &ENDS[..4],
    }
}

pub(super) const TAG_ENDS: [&str; 5] = ["tag", "imagetag", "version", "imageversion", "newtag"];

pub(super) const DIGEST_ENDS: [&str; 5] = ["digest", "imagedigest", "sha", "imagesha", "sha256"];

/// Whether the value can be a part of an image, or describes one beside it.
pub(super) fn is_of_image(key: &str) -> bool {
    NAME_ENDS.iter().any(|end| key.ends_with(end))
        || goes_with_name(key)
        || is_pull_policy(key)
        || is_of_source(key)
}

/// Whether the value can be a part of an image beside its name: a registry, a folder, a tag or a digest.
pub(super) fn goes_with_name(key: &str) -> bool {
    let ends = [
        registry_ends(true),
        folder_ends(true),
        &TAG_ENDS,
        &DIGEST_ENDS,
    ];
    let mut ends = ends.into_iter().flatten();
    ends.any(|end| key.ends_with(end)) || key.starts_with("tag")
}

pub(super) fn is_pull_policy(key: &str) -> bool {
    key.contains("pullpolicy")
}

/// Whether the key is typical for a git or chart repository beside its name.
pub(super) fn is_of_source(key: &str) -> bool {
    matches!(
        key,
        "ref" | "branch" | "revision" | "commit" | "url" | "chart" | "targetrevision"
    )
}

/// Whether the text under the key is run or read by a program.
pub(super) fn is_program_text(key: &str) -> bool {
    const ENDS: [&str; 18] = [
        "args",
        "command",
        "commands",
        "run",
        "script",
        "cmd",
        "before",
        "after",
        "data",
        "yaml",
        "yml",
        "json",
        "toml",
        "conf",
        "cfg",
        "ini",
        "sh",
        "properties",
    ];
    ENDS.iter().any(|end| key.ends_with(end)) || key.is_empty()
}

/// Returns the folded name of an option whose value is the next argument, if it is about images.
pub(super) fn flag(argument: &str) -> Option<String> {
    let name = argument.strip_prefix('-')?.trim_start_matches('-');
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let fits = !name.is_empty() && name.bytes().all(is_word);
    fits.then(|| fold(name))
        .filter(|name| is_image(name) || is_bare_host(name) || is_build_arguments(name))
}

/// Whether the value is passed to a build, as `NAME=VALUE`.
pub(super) fn is_build_arguments(key: &str) -> bool {
    matches!(key, "buildarg" | "buildargs")
}

/// Whether a name belongs to Kubernetes itself: an API version or a label.
pub(super) fn is_of_kubernetes(name: &str) -> bool {
    let Some((host, path)) = name.split_once('/') else {
        return false;
    };
    let is_below = |domain: &str| {
        host.strip_suffix(domain)
            .is_some_and(|head| head.ends_with('.'))
    };
    let has_no_images = host == "kubernetes.io"
        || host == "helm.sh"
        || is_below("kubernetes.io")
        || is_below("k8s.io") && host != "registry.k8s.io";
    let version = path.strip_prefix('v').unwrap_or_default();
    let is_version = version.starts_with(|letter: char| letter.is_ascii_digit())
        && version.bytes().all(|byte| byte.is_ascii_alphanumeric());
    has_no_images || is_version
}

/// Whether a template function only inspects its argument.
pub(super) fn is_function_that_compares(function: &str) -> bool {
    // The last five look up a key.
    const NAMES: [&str; 19] = [
        "eq",
        "ne",
        "contains",
        "hasPrefix",
        "hasSuffix",
        "replace",
        "trimPrefix",
        "trimSuffix",
        "split",
        "splitList",
        "has",
        "in",
        "startswith",
        "match",
        "hasKey",
        "index",
        "omit",
        "pick",
        "pluck",
    ];
    NAMES.contains(&function) || function.to_ascii_lowercase().contains("regex")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_folded_and_split() {
        assert_eq!(fold("controller.image.repository"), "repository");
        assert_eq!(fold("kube_image_repo"), "kubeimagerepo");
        assert_eq!(repository_stem(&fold("fooImageRepository")), Some("foo"));
        assert_eq!(repository_stem("image"), Some(""));
        assert_eq!(repository_stem("tag"), None);
    }

    #[test]
    fn keys_of_mentions() {
        for key in [
            "allowedRegistries",
            "exemptImages",
            "registry_mirrors",
            "namePattern",
            "ignored-images",
        ] {
            assert!(is_mention(&fold(key)), "{key}");
        }
        assert!(is_allowed("allowedregistries") && is_allowed("registrymirrors"));
        assert!(!is_allowed("denyregistries") && !is_allowed("namepattern"));
        for key in ["image", "images", "source", "imageRegistry", "imagePrefix"] {
            assert!(!is_mention(&fold(key)), "{key}");
        }
        assert!(is_mention_of_scalar("prefix") && !is_mention_of_scalar("imageprefix"));
    }
}
