//! Reads the text of `.regfix.yaml` into a configuration. Each error points at its location.
//!
//! Reads no files. `file` defines the keys, and `rules` interprets a rule.

mod own_rules;

use std::collections::HashSet;
use std::path::{Component, Path};
use std::sync::Arc;

use super::error::Fault;
use super::extends::{Layer, Reading};
use super::file::{CatalogueSpec, File, OverrideSpec, RuleName, Vendored};
use super::nodes::{Glob, Mapping, OneOrMore, Spanned, head, is_null, read};
use super::{Basis, Config, Globs, Override, Selectors, catalogue};
use crate::printable::excerpt;
use crate::rules::select::{Names, Selector};
use crate::rules::{Edition, Rule, RuleSpec, Severity};
use crate::source::Span;
use crate::syntax::yaml::{self, Node};
use own_rules::own_rules;

/// Reads a configuration.
pub(super) fn config(text: &str, reading: &Reading<'_>) -> Result<Config, Fault> {
    let parsed = yaml::parse(text, Span::new(0, text.len()));
    if let Some(error) = parsed.errors.first() {
        return Err(Fault::new(error.message.clone()).at(Span::new(error.offset, error.offset)));
    }
    if let Some(second) = parsed.documents.get(1) {
        return Err(Fault::new("a second YAML document: only one is allowed").at(head(second)));
    }
    let Some(root) = parsed.documents.first().filter(|root| !is_null(root)) else {
        let mut config = Config::on(reading.folder.to_owned(), reading.basis.named());
        config.layers.push(Layer {
            file: reading.path.to_owned(),
            text: Arc::from(text),
            keys: Vec::new(),
        });
        return Ok(config);
    };
    refuse_traps(root)?;
    let mut config = of_file(read(root)?, root, reading)?;
    let entries = root.as_map().map_or(&[][..], |map| &map.entries);
    let keys = entries.iter().filter(|entry| !is_null(&entry.value));
    config.layers.push(Layer {
        file: reading.path.to_owned(),
        text: Arc::from(text),
        keys: keys
            .filter_map(|entry| entry.name().map(str::to_owned))
            .collect(),
    });
    Ok(config)
}

/// Applies the settings of a file over those of the file that it extends. `root` is the tree that `file` was read from.
fn of_file(file: File, root: &Node<'_>, reading: &Reading<'_>) -> Result<Config, Fault> {
    let basis = reading.basis;
    let extended = file
        .extends
        .as_ref()
        .map(|named| reading.extended(&named.value.0, named.span));
    let extended = extended.transpose()?;
    let own_folder = reading.path.parent().unwrap_or(Path::new(""));
    let edition = match (&file.catalogue, &extended) {
        (Some(spec), _) => pinned(spec, own_folder, basis)?,
        (None, Some(extended)) => Arc::clone(&extended.edition),
        (None, None) => Arc::clone(basis.named()),
    };
    let mut config = extended.unwrap_or_else(|| Config::on(reading.folder.to_owned(), &edition));
    config.own += &own_text(root);
    set_rules(&mut config, file.rules.0, root, edition)?;
    // Listing the names of all rules takes time, and most configurations name no rule.
    let selects = !(file.select.0.is_empty() && file.ignore.0.is_empty());
    let names = match selects || !file.severity.0.is_empty() || !file.overrides.0.is_empty() {
        true => config.names(),
        false => Names::default(),
    };
    let own = selectors(&file.select, &file.ignore, file.severity, &names)?;
    config.selectors = over(config.selectors, own);
    config.exclude = and(&config.exclude, &file.exclude)?;
    for spec in file.overrides.0 {
        config.overrides.push(overriding(spec, &names)?);
    }
    if let Some(url) = &file.rule_url {
        let pages = rule_url(url)?;
        set_pages(&mut config.known, &pages);
        config.pages = Some(pages);
    }
    if let Some(helm) = file.helm {
        if let Some(vendored) = helm.vendored {
            config.edit_vendored_charts = vendored == Vendored::Edit;
        }
        config.vendored_charts = and(&config.vendored_charts, &helm.vendored_charts)?;
    }
    Ok(config)
}

/// Sets the rules of a configuration: those of its catalogue, with the user's own over them.
fn set_rules(
    config: &mut Config,
    specs: Vec<RuleSpec>,
    root: &Node<'_>,
    edition: Arc<Edition>,
) -> Result<(), Fault> {
    if !specs.is_empty() || !Arc::ptr_eq(&config.edition, &edition) {
        let nodes = value(root, "rules").and_then(Node::as_list);
        let nodes = nodes.map_or(&[][..], |list| &list.items);
        let (specs, rules) = own_rules(specs, nodes, &config.specs, &edition)?;
        (config.specs, config.known) = (Arc::new(specs), Arc::new(rules));
        // The new rules do not have the pages that the extended file set.
        if let Some(pages) = &config.pages {
            set_pages(&mut config.known, pages);
        }
    }
    config.edition = edition;
    Ok(())
}

/// Lays selectors over those of the extended file: `select` replaces, everything else is added.
fn over(below: Selectors, own: Selectors) -> Selectors {
    let joined = |mut below: Vec<Selector>, own: Vec<Selector>| {
        below.extend(own);
        below
    };
    let mut severity = below.severity;
    severity.extend(own.severity);
    Selectors {
        select: if own.select.is_empty() {
            below.select
        } else {
            own.select
        },
        ignore: joined(below.ignore, own.ignore),
        severity,
    }
}

/// Adds the globs of a key.
fn and(below: &Globs, own: &OneOrMore<Glob>) -> Result<Globs, Fault> {
    let Some(first) = own.0.first() else {
        return Ok(below.clone());
    };
    let own = globs(own)?;
    below
        .and(&own)
        .map_err(|why| Fault::new(why).at(first.span))
}

fn set_pages(rules: &mut Arc<Vec<Arc<Rule>>>, pages: &Arc<str>) {
    let known = Arc::make_mut(rules).iter_mut();
    let built_in = known.filter(|rule| rule.is_built_in());
    built_in.for_each(|rule| Arc::make_mut(rule).set_page(pages));
}

/// Reads `catalogue`: the catalogue that the configuration pins, unless the user named another.
fn pinned(
    spec: &Spanned<CatalogueSpec>,
    folder: &Path,
    basis: Basis<'_>,
) -> Result<Arc<Edition>, Fault> {
    let is_sum = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let Some(sum) = &spec.value.sha256 else {
        let fault = Fault::new("a catalogue needs `sha256`, so that it cannot change unnoticed");
        return Err(fault
            .at(spec.span)
            .help("`sha256sum FILE` prints it; `--catalogue FILE` needs none"));
    };
    if !is_sum(&sum.value) {
        return Err(Fault::new("expected 64 hexadecimal digits").at(sum.span));
    }
    let file = spec.value.file.as_ref();
    let name = file.map_or(catalogue::FILE, |file| file.value.as_str());
    let path = Path::new(name);
    let mut parts = path.components();
    let is_below = parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let at = file.map_or(spec.span, |file| file.span);
    if !is_below || path.file_name() != Some(catalogue::FILE.as_ref()) {
        let fault = Fault::new(format!(
            "expected a path that ends in {} and is below the folder of this file",
            catalogue::FILE
        ));
        return Err(fault
            .at(at)
            .help("a catalogue that is elsewhere is named with `--catalogue FILE`"));
    }
    match basis {
        Basis::Named(edition) => Ok(Arc::clone(edition)),
        Basis::Pinned(read) => catalogue::pinned(&folder.join(path), name, &sum.value, read)
            .map_err(|fault| fault.at(at)),
    }
}

/// Returns the values of the keys that affect rules, without layout and comments.
fn own_text(root: &Node<'_>) -> String {
    fn write(node: &Node<'_>, out: &mut String) {
        match node {
            Node::Scalar(scalar) => *out += &format!("{:?}", (scalar.style, &scalar.value)),
            Node::Alias(_) => {}
            Node::List(list) => {
                out.push('[');
                list.items.iter().for_each(|item| write(item, out));
                out.push(']');
            }
            Node::Map(map) => {
                out.push('{');
                for entry in &map.entries {
                    write(&entry.key, out);
                    write(&entry.value, out);
                }
                out.push('}');
            }
        }
    }
    let mut out = String::new();
    for key in ["rules", "rule-url"] {
        if let Some(node) = value(root, key) {
            out += key;
            write(node, &mut out);
        }
    }
    out
}

/// The placeholder for the id in `rule-url`.
const RULE: &str = "{rule}";

/// Reads `rule-url`, the URL of the pages of rules.
fn rule_url(url: &Spanned<String>) -> Result<Arc<str>, Fault> {
    let text = url.value.as_str();
    let is_url = text.starts_with("https://") || text.starts_with("http://");
    match is_url && text.contains(RULE) && !text.contains(char::is_whitespace) {
        true => Ok(Arc::from(text)),
        false => {
            let fault = Fault::new(format!("expected a URL with `{RULE}` in it")).at(url.span);
            Err(fault.help(
                "like `https://wiki.example.com/regfix/{rule}.md`: the id of the rule goes there",
            ))
        }
    }
}

/// Refuses what YAML allows but readers misunderstand: a duplicate key, and an alias of a collection, which could expand to
/// more text than fits in memory.
fn refuse_traps(node: &Node<'_>) -> Result<(), Fault> {
    match node {
        Node::Scalar(_) => Ok(()),
        Node::List(list) => list.items.iter().try_for_each(refuse_traps),
        Node::Alias(span) => {
            let fault = Fault::new("this alias refers to a list, a mapping or nothing");
            Err(fault
                .at(*span)
                .help("write the value out; only strings can have aliases here"))
        }
        Node::Map(map) => {
            let mut keys = HashSet::new();
            for entry in &map.entries {
                refuse_traps(&entry.key)?;
                refuse_traps(&entry.value)?;
                if let Some(name) = entry.name().filter(|name| !keys.insert(*name)) {
                    return Err(Fault::new(format!("duplicate key `{}`", excerpt(name)))
                        .at(head(&entry.key)));
                }
            }
            Ok(())
        }
    }
}

/// Returns the value of a key. A null value counts as absent.
fn value<'n, 't>(root: &'n Node<'t>, key: &str) -> Option<&'n Node<'t>> {
    root.as_map()?.get(key).filter(|node| !is_null(node))
}

fn globs(texts: &OneOrMore<Glob>) -> Result<Globs, Fault> {
    let globs = Globs::new(texts.0.iter().map(|text| text.value.0.as_str()));
    globs.map_err(|(index, message)| Fault {
        span: texts.0.get(index).map(|text| text.span),
        ..Fault::new(message)
            .help("globs are written as in .gitignore, relative to the folder of this file")
    })
}

/// Reads `select`, `ignore` and `severity`, at the top or in an override.
fn selectors(
    select: &OneOrMore<RuleName>,
    ignore: &OneOrMore<RuleName>,
    severity: Mapping<RuleName, Severity>,
    names: &Names,
) -> Result<Selectors, Fault> {
    let list = |list: &OneOrMore<RuleName>| -> Result<Vec<Selector>, Fault> {
        list.0.iter().map(|name| selector(name, names)).collect()
    };
    let severity = severity.0.into_iter();
    Ok(Selectors {
        severity: severity
            .map(|(name, level)| Ok((selector(&name, names)?, level)))
            .collect::<Result<_, Fault>>()?,
        select: list(select)?,
        ignore: list(ignore)?,
    })
}

fn selector(name: &Spanned<RuleName>, names: &Names) -> Result<Selector, Fault> {
    names.resolve(&name.value.0).map_err(|unknown| {
        let fault = Fault::new(unknown.message).at(name.span);
        fault.help(match unknown.nearest {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`regfix rules` lists the rules".to_owned(),
        })
    })
}

fn overriding(spec: Spanned<OverrideSpec>, names: &Names) -> Result<Override, Fault> {
    let Spanned { value: spec, span } = spec;
    if spec.files.0.is_empty() {
        return Err(Fault::new(
            "an override needs `files`: the globs of the files that it applies to",
        )
        .at(span));
    }
    let selectors = selectors(&spec.select, &spec.ignore, spec.severity, names)?;
    if selectors.is_empty() {
        let fault = Fault::new("this override changes nothing").at(span);
        return Err(fault.help("it can `select`, `ignore` or change the `severity` of rules"));
    }
    Ok(Override {
        files: globs(&spec.files)?,
        selectors,
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn config(text: &str, folder: PathBuf) -> Result<Config, Fault> {
        let nothing = |_: &Path| Err("no file".to_owned());
        super::config(
            text,
            &Reading {
                path: &folder.join(".regfix.yaml"),
                folder: &folder,
                basis: Basis::Named(Edition::embedded()),
                file: &nothing,
                above: None,
            },
        )
    }

    /// `«` and `»` mark the span that the error must point at.
    #[track_caller]
    fn check(marked: &str, message: &str, help: &str) {
        let start = marked.find('«').unwrap();
        let end = marked.find('»').unwrap() - '«'.len_utf8();
        let text = marked.replace(['«', '»'], "");
        let fault = config(&text, PathBuf::new()).unwrap_err();
        assert_eq!(
            fault.span,
            Some(Span::new(start, end)),
            "{fault:?} in {marked}"
        );
        assert_eq!(fault.message, message);
        let reported = fault.help.unwrap_or_default();
        assert!(
            reported.contains(help) && reported.is_empty() == help.is_empty(),
            "{reported}"
        );
    }

    #[test]
    fn keys_that_are_unknown_or_occur_twice() {
        check(
            "«selct»: [all]\n",
            "unknown key `selct`",
            "did you mean `select`? the keys here are extends, select, ignore,",
        );
        check("«x»: 1\n", "unknown key `x`", "the keys here are extends");
        check("? [«a»]\n: 2\n", "a key must be a string", "");
        check(
            "overrides: [{files: a, «exclude»: b}]\n",
            "unknown key `exclude`",
            "the keys here are files",
        );
        check(
            "rules: [{from: a.io, «form»: b.io}]\n",
            "unknown key `form`",
            "did you mean `from`?",
        );
        check(
            "rules: [{from: a.io, «<<»: {to: b.io}}]\n",
            "unknown key `<<`",
            "the keys here are id, artifact, from",
        );
        check("ignore: []\n«ignore»: []\n", "duplicate key `ignore`", "");
        check(
            "rules: [{to: a.io, «to»: b.io}]\n",
            "duplicate key `to`",
            "",
        );
    }

    #[test]
    fn values_of_the_wrong_type() {
        check(
            "«all»\n",
            "expected a mapping, found `all`",
            "the keys here are extends",
        );
        check("select: «[]»\n", "this list is empty", "remove the key");
        check("select: {«a»: b}\n", "expected a list", "write it like");
        check("select: [«~»]\n", "expected a string, found nothing", "");
        check("select: [[«a»]]\n", "expected a string, found a list", "");
        check("overrides: «a»\n", "expected a list", "write it like");
        check(
            "overrides: [«a»]\n",
            "expected a mapping, found `a`",
            "the keys here are files",
        );
        check(
            "severity: «error»\n",
            "expected a mapping, found `error`",
            "",
        );
        check(
            "severity: {all: [«error»]}\n",
            "expected a string, found a list",
            "it is one of info, warning, error",
        );
        check(
            "severity: {all: «warn»}\n",
            "unknown value `warn`",
            "did you mean `warning`? it is one of info, warning, error",
        );
        check(
            "severity: {«all»: }\n",
            "expected a string, found nothing",
            "it is one of",
        );
        check(
            "rules: {«from»: a.io}\n",
            "expected a list",
            "write it like",
        );
        check(
            "rules: [[«a.io»]]\n",
            "expected a mapping, found a list",
            "the keys here are id, artifact, from",
        );
        check(
            "rules: [{from: a.io, exact: '«true»'}]\n",
            "expected `true` or `false`, found `true`",
            "",
        );
        check(
            "rules: [{from: {«a»: b}}]\n",
            "expected a string or a list of strings",
            "",
        );
        check(
            "rules: [{from: a.io, to: [«b.io»]}]\n",
            "expected a string, found a list",
            "",
        );
        check(
            "rules: [{from: a.io, also: [{from: b.io, safety: «saef»}]}]\n",
            "unknown value `saef`",
            "did you mean `safe`?",
        );
        check(
            "rules: [{from: a.io, dates: [{«when»: '2026'}]}]\n",
            "the key `what` is missing",
            "",
        );
        check(
            "rules: [{from: a.io, requires-tag-in: «indx»}]\n",
            "expected `index` or a list of tags",
            "",
        );
        check(
            "rules: [{from: a.io, rename: {a: {«b»: c}}}]\n",
            "expected a string, found a mapping",
            "",
        );
        check(
            "rules: [{from: a.io, tags: {min: [«1»]}}]\n",
            "expected a string, found a list",
            "",
        );
    }

    #[test]
    fn names_globs_and_rules_that_are_none() {
        check(
            "select: [all, «k8s.gcr.io»]\n",
            "there is no rule `k8s.gcr.io`",
            "did you mean `k8s-gcr-io`?",
        );
        check(
            "ignore:\n- '«bitnmi-*»'\n",
            "no rule matches `bitnmi-*`",
            "did you mean `bitnami-*`?",
        );
        check(
            "severity: {«k8s»: info}\n",
            "there is no rule `k8s`",
            "did you mean `k8s-*`?",
        );
        check(
            "exclude: [a, '«[b»']\n",
            "`[b`: unclosed character class; missing ']'",
            "as in .gitignore",
        );
        check(
            "exclude: «3»\n",
            "expected a glob",
            "in quotes if a file or folder is called `3`",
        );
        check(
            "overrides: [{files: '«!a»', ignore: all}]\n",
            "`!a`: globs that start with `!` are not supported",
            "relative",
        );
        check(
            "overrides: [{«ignore»: all}]\n",
            "an override needs `files`: the globs of the files that it applies to",
            "",
        );
        check(
            "overrides: [{«files»: a}]\n",
            "this override changes nothing",
            "severity",
        );
    }

    #[test]
    fn what_is_done_about_vendored_charts() {
        let edits = |text: &str| config(text, PathBuf::new()).unwrap().edit_vendored_charts;
        assert!(edits("helm: {vendored: edit}\n"));
        assert!(!edits("helm: {vendored: override}\n") && !edits("helm: {vendored: }\n"));
        check(
            "helm: {vendored: «patch»}\n",
            "unknown value `patch`",
            "it is one of override, edit",
        );
        check(
            "helm: {«vendor»: edit}\n",
            "unknown key `vendor`",
            "vendored",
        );
        let listed = config("helm: {vendored-charts: vendor/}\n", PathBuf::from("/r")).unwrap();
        assert!(listed.vendors_chart(Path::new("/r/vendor/metrics")));
        assert!(!listed.vendors_chart(Path::new("/r/charts/metrics")));
        check(
            "helm: {vendored-charts: '«!a»'}\n",
            "`!a`: globs that start with `!` are not supported",
            ".gitignore",
        );
    }

    #[test]
    fn rules_that_cannot_be_used() {
        let needs = "a rule needs `from`: the legacy location, like `old.example.com/team`";
        check("rules: [{«to»: a.io}]\n", needs, "");
        check(
            "rules: [{«id»: bitnami-versionde, to: a.io}]\n",
            needs,
            "did you mean `bitnami-versioned`?",
        );
        check(
            "rules: [{«id»: mine, to: a.io}]\n",
            needs,
            "`regfix rules` lists them",
        );
        check(
            "rules: [{from: a.io, id: «Not_Kebab»}]\n",
            "the id `Not_Kebab` is not kebab-case, like `old-example-com`",
            "",
        );
        check(
            "rules: [{from: a.io}, {from: [b.io, «c.io/*/*»]}]\n",
            "`c.io/*/*` has more than one `*`",
            "",
        );
        check(
            "rules: [{id: a, from: a.io}, {id: «a», from: b.io}]\n",
            "there are two rules `a`",
            "",
        );
        check(
            "rules: [{«from»: k8s.gcr.io, to: b.io}]\n",
            "there are two rules `k8s-gcr-io`",
            "the id of a built-in rule",
        );
        check(
            "rules: [{id: «all», from: b.io}]\n",
            "`all` means all rules: choose another id",
            "",
        );
        check(
            "rules: [{id: «unused-ignore», from: b.io}]\n",
            "`unused-ignore` is taken: choose another id",
            "",
        );
    }

    #[test]
    fn traps_of_yaml() {
        let alias = "this alias refers to a list, a mapping or nothing";
        check(
            "select: &a [all]\nignore: «*a»\n",
            alias,
            "write the value out",
        );
        check("select: «*nothing»\n", alias, "write the value out");
        check(
            "select: [all]\n---\n«ignore»: [all]\n",
            "a second YAML document: only one is allowed",
            "",
        );
        let texts = config(
            "rules: [{from: a.io, to: &to b.io}, {from: c.io, to: *to}]\n",
            PathBuf::new(),
        )
        .unwrap();
        assert_eq!(
            texts
                .known
                .last()
                .and_then(|rule| rule.mappings()[0].to.as_deref()),
            Some("b.io")
        );
        let bomb: String = (1..40)
            .map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1))
            .collect();
        assert_eq!(config(&bomb, PathBuf::new()).unwrap_err().message, alias);
        assert!(config(&"[".repeat(100_000), PathBuf::new()).is_err());
        assert!(
            config("select: [a\n", PathBuf::new())
                .unwrap_err()
                .span
                .is_some()
        );
    }

    #[test]
    fn texts_are_taken_as_written() {
        let read = config(
            "rules: [{id: mine, from: a.io, to: b.io, exact: true, tags: {only: [1.10, none]}, requires-tag-in: [1.10, 2]}]\n",
            PathBuf::new(),
        );
        let read = read.unwrap();
        let rule = read.known.last().unwrap();
        assert!(rule.is_gated() && rule.mappings()[0].from.exact);
        assert!(format!("{rule:?}").contains("[\"1.10\", \"none\"]"));
    }

    #[test]
    fn the_manual_names_every_key() {
        let manual = include_str!("../../docs/configuration.md");
        let keys_of = |text: &str| {
            let help = config(text, PathBuf::new()).unwrap_err().help.unwrap();
            let keys = help.strip_prefix("the keys here are ").unwrap();
            keys.split(", ").map(str::to_owned).collect::<Vec<_>>()
        };
        let levels = ["'?': 1\n", "overrides: [{'?': 1}]\n", "rules: [{'?': 1}]\n"];
        let keys: Vec<String> = levels.into_iter().flat_map(keys_of).collect();
        assert!(keys.len() > 30, "{keys:?}");
        for key in keys {
            assert!(
                manual.contains(&format!("| `{key}` |")),
                "docs/configuration.md says nothing of `{key}`"
            );
        }
    }
}
