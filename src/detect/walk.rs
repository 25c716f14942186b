//! The walk over a document's tree, which passes the context down.

use std::collections::HashSet;

use super::aliases::Aliases;
use super::context::{Context, SchemaKeys};
use super::document::{self, Document, object_of};
use super::embedded::{self, Embedded};
use super::form::Form;
use super::image_use::ImageUse;
use super::input::{Inner, Input};
use super::overridden::{self, OVERRIDDEN};
use super::usage::Usage;
use super::{calls, comment, entries, live, options, scalar, schema, shell, spread, text, words};
use crate::source::Span;
use crate::syntax::yaml::{Entry, List, Map, Node, Scalar, Style};

/// The maximum nesting of texts in texts. Deeper ones are not analyzed.
const DEEPEST: usize = 6;
/// The maximum number of steps from the root through aliases. Longer paths are not followed.
const LONGEST_WAY: usize = 512;

/// Returns the image uses of all documents of a text and of its comments. `shared` are the aliases of collections.
pub(super) fn uses(
    input: &Input<'_>,
    documents: &[Node<'_>],
    shared: &[(Span, Span)],
    comments: &[Span],
) -> Vec<ImageUse> {
    let mut out = Vec::new();
    let aliases = Aliases::of(documents, shared);
    let mut usages: Vec<(Span, Option<Usage>)> = Vec::new();
    let is_sealed = documents.iter().any(document::is_sealed);
    for root in documents {
        let mut document = Document::new(root, input.path, &aliases);
        if is_sealed {
            document.seal();
        }
        self::walk(input, &document, root, &mut out);
        usages.push((root.span(), document.usage));
    }
    for span in comments.iter().filter(|span| input.is_of_interest(**span)) {
        let mut before = usages.iter().rev();
        let document = before.find(|(extent, _)| extent.start <= span.start);
        let usage = document.or(usages.first()).and_then(|(_, usage)| *usage);
        out.extend(comment::image_use(input, *span, usage));
    }
    out
}

fn walk(input: &Input<'_>, document: &Document<'_>, root: &Node<'_>, out: &mut Vec<ImageUse>) {
    let before = out.len();
    node(&Context::root(input, document), root, out);
    if let (Some(map), Some((_, kind))) = (root.as_map(), document.object) {
        live::of_object(map, kind, out, before);
    }
}

fn node(context: &Context<'_>, node: &Node<'_>, out: &mut Vec<ImageUse>) {
    match node {
        Node::Alias(span) => alias(context, *span, out),
        _ if !context.input.is_of_interest(node.span()) => {}
        Node::Scalar(scalar) => {
            let before = out.len();
            self::scalar(context, scalar, out);
            for one in &mut out[before..] {
                one.by_alias |= context.by_alias;
            }
        }
        Node::Map(map) => self::map(context, map, out),
        Node::List(list) => self::list(context, list, out),
    }
}

fn alias(context: &Context<'_>, span: Span, out: &mut Vec<ImageUse>) {
    let target = context.document.aliases.follow(span);
    if let Some(target) = target.filter(|_| context.upwards().count() < LONGEST_WAY) {
        let mut by_alias = *context;
        by_alias.by_alias = true;
        node(&by_alias, target, out);
    }
}

fn list(context: &Context<'_>, list: &List<'_>, out: &mut Vec<ImageUse>) {
    let mut below = context.item();
    if let Some(row) = schema::row(&below) {
        below.form = row.form;
        below.inherited = Some(row.usage_below(&below, context.inherited));
    }
    let before = out.len();
    let named = spread::of_list(context, list, out);
    let usages = argument_usages(list);
    let mut flag: Option<String> = None;
    for (index, item) in list.items.iter().enumerate() {
        let mut below = below;
        if let Some(usage) = usages.get(index).copied().flatten() {
            below.inherited = Some(usage.below(below.inherited));
        }
        // An item that starts before its list belongs to an anchor; an alias leads to it.
        below.by_alias |= item.span().start < list.span.start;
        match &flag {
            _ if named.contains(&index) => {}
            // `[--x-image, NAME]`
            Some(flag) => {
                let mut argument = below.argument_of(flag);
                let own = text::usage_by_option(flag);
                argument.inherited = own
                    .map(|own| own.below(below.inherited))
                    .or(below.inherited);
                node(&argument, item, out);
            }
            None => node(&below, item, out),
        }
        flag = item
            .as_scalar()
            .and_then(|scalar| words::flag(&scalar.value));
    }
    options::of_list(context, list, out, before);
}

/// Returns the usage of each item of a list that is a command: `[docker, build, -t, NAME, .]`. Empty for other lists.
fn argument_usages(list: &List<'_>) -> Vec<Option<Usage>> {
    let words = list.items.iter().map(|item| {
        let scalar = item.as_scalar()?;
        let is_word = !scalar.value.contains(char::is_whitespace);
        Some(if is_word { &*scalar.value } else { "-" })
    });
    let words: Option<Vec<&str>> = words.collect();
    let is_command = |words: &Vec<&str>| words.iter().any(|word| shell::is_verb(word));
    let Some(words) = words.filter(is_command) else {
        return Vec::new();
    };
    let text = words.join(" ");
    let commands = shell::commands(&text);
    let mut at = 0;
    let usage = |word: &&str| {
        let start = at;
        at += word.len() + 1;
        let mut commands = commands.iter();
        commands.find_map(|command| command.usage(command.word_at(start)?))
    };
    words.iter().map(usage).collect()
}

fn map(context: &Context<'_>, map: &Map<'_>, out: &mut Vec<ImageUse>) {
    // An object inside another one, in a list or a template, is treated as a separate document.
    let is_inside = !context.is_root() && map.get("name").is_none();
    let own = || object_of(map).or_else(|| context.listed_object());
    let Some(object) = is_inside.then(own).flatten() else {
        pairs(context, map, out);
        return;
    };
    let (path, aliases) = (context.input.path, context.document.aliases);
    let inner = Document::of_map(map, Some(object), path, aliases)
        .inside(context.document, context.inherited);
    let mut root = Context::root(context.input, &inner);
    root.by_alias = context.by_alias;
    let before = out.len();
    pairs(&root, map, out);
    live::of_object(map, object.1, out, before);
}

fn pairs(context: &Context<'_>, map: &Map<'_>, out: &mut Vec<ImageUse>) {
    let Some(split) = overridden::split(context, map) else {
        return each_pair(context, map, out);
    };
    each_pair(context, &split.counting, out);
    let mut without_effect = *context;
    without_effect.inherited = Some(OVERRIDDEN.below(context.inherited));
    each_pair(&without_effect, &split.overridden, out);
}

fn each_pair(context: &Context<'_>, map: &Map<'_>, out: &mut Vec<ImageUse>) {
    let input = context.input;
    let of_interest = |node: &Node<'_>| match node {
        Node::Scalar(scalar) => input.is_of_interest(scalar.span),
        Node::Alias(_) => true,
        _ => false,
    };
    // An image can be spread over the map only if one of the map's own scalars is of interest.
    let used = match map.entries.iter().any(|entry| of_interest(&entry.value)) {
        true => spread::of_map(context, map, out),
        false => HashSet::new(),
    };
    for (index, entry) in map.entries.iter().enumerate() {
        scalar::key::image_use(context, entry, out);
        if !used.contains(&index) && may_be_of_interest(input, entry) {
            self::pair(context, map, entry, out);
        }
    }
}

fn may_be_of_interest(input: &Input<'_>, entry: &Entry<'_>) -> bool {
    matches!(entry.value, Node::Alias(_)) || input.is_of_interest(entry.value.span())
}

fn pair(context: &Context<'_>, map: &Map<'_>, entry: &Entry<'_>, out: &mut Vec<ImageUse>) {
    let raw = entry.name().unwrap_or_default();
    let named = entries::named(context, map, raw);
    let mut below = context.value(map, raw, &named.key);
    if let Some(parent) = &named.parent {
        below.parent = parent;
    }
    below.schema = named.schema;
    let row = schema::row(&below);
    let above = context.inherited;
    below.inherited = match row {
        Some(row) => Some(row.usage_below(&below, above)),
        None => match entries::usage_of(&below, &entry.value) {
            // Text for people stays so in a policy, too.
            Some(prose @ Usage::Unknown(_)) => Some(prose),
            Some(usage) => Some(usage.below(above)),
            None => above,
        },
    };
    below.form = row.map_or(Form::ByWords, |row| row.form);
    // A variable of a `ClusterClass` has its name next to its schema.
    let variable = context.siblings.and_then(|map| map.text("name"));
    let variable = variable
        .filter(|_| below.form == Form::Schema)
        .map(words::fold);
    if below.form == Form::Schema {
        below.schema = Some(SchemaKeys::Keywords);
        below.key = variable.as_deref().unwrap_or(below.key);
    }
    // A scalar that starts before its key belongs to an anchor; an alias leads to it.
    below.by_alias |= entry.value.span().start < entry.key.span().start;
    node(&below, &entry.value, out);
}

fn scalar(context: &Context<'_>, scalar: &Scalar<'_>, out: &mut Vec<ImageUse>) {
    let input = context.input;
    if context.is_root() && input.depth == 0 && !input.actions.is_empty() {
        scalar::rendered_hosts(context, scalar.span, out);
    }
    let is_on_one_line = !scalar.is_block() && !scalar.span.of(input.text).contains('\n');
    if is_on_one_line && scalar.is_verbatim(input.masked) {
        if !text_documents(context, scalar.span, out) {
            line(context, scalar.span, !is_plain_in_flow(input, scalar), out);
        }
        return;
    }
    let region = scalar.region(input.text);
    if scalar.style == Style::Literal {
        if scalar.begins_line(input.text) && text_documents(context, region, out) {
            return;
        }
        lines(context, region, true, out);
        return;
    }
    // The value is spelled differently from what it means.
    match Inner::of_scalar(input, scalar).filter(|_| input.depth < DEEPEST) {
        None => lines(context, region, false, out),
        Some(inner) => {
            let inner_input = inner.input(input);
            let context = context.in_text(&inner_input);
            let whole = Span::new(0, inner_input.text.len());
            let takes_comma = !is_plain_in_flow(input, scalar);
            let mut found = Vec::new();
            if !text_documents(&context, whole, &mut found) {
                match inner_input.text.trim_end().contains('\n') {
                    true => lines(&context, whole, takes_comma, &mut found),
                    false => line(&context, whole, takes_comma, &mut found),
                }
            }
            inner.adopt(found, out);
        }
    }
}

/// Whether a scalar ends at its first comma, like a plain one in a flow collection.
fn is_plain_in_flow(input: &Input<'_>, scalar: &Scalar<'_>) -> bool {
    let behind = || input.text[scalar.span.end..].trim_start();
    scalar.style == Style::Plain && behind().starts_with([',', ']', '}'])
}

fn line(context: &Context<'_>, span: Span, takes_comma: bool, out: &mut Vec<ImageUse>) {
    let before = out.len();
    scalar::of_one_line(context, span, out);
    programs(context, span, takes_comma, out, before);
}

fn lines(context: &Context<'_>, region: Span, takes_comma: bool, out: &mut Vec<ImageUse>) {
    let before = out.len();
    scalar::of_several_lines(context, region, out);
    programs(context, region, takes_comma, out, before);
}

/// Applies the commands and calls in a text to the image uses found so far.
fn programs(
    context: &Context<'_>,
    region: Span,
    takes_comma: bool,
    out: &mut Vec<ImageUse>,
    before: usize,
) {
    let around = (context.inherited, takes_comma);
    options::of_text(context.input, region, around, out, before);
    if !context.is_no_pull() {
        let mut own = out.split_off(before);
        calls::of_text(context.input, region, &mut own);
        out.append(&mut own);
    }
}

/// Walks the documents in a text that is a value. `false` if there are none.
fn text_documents(context: &Context<'_>, region: Span, out: &mut Vec<ImageUse>) -> bool {
    let input = context.input;
    if context.is_no_pull() || input.depth >= DEEPEST || !embedded::may_be(input, region) {
        return false;
    }
    embedded::readings(input, region).any(|inner| documents(context, &inner, out))
}

fn documents(context: &Context<'_>, inner: &Embedded<'_>, out: &mut Vec<ImageUse>) -> bool {
    let Some(parsed) = inner.parse() else {
        return false;
    };
    let input = inner.input(context.input.depth + 1);
    let mut found = Vec::new();
    for parsed in &parsed {
        let aliases = Aliases::of(&parsed.documents, &parsed.shared);
        let mut usage = context.inherited;
        let is_sealed = parsed.documents.iter().any(document::is_sealed);
        for root in &parsed.documents {
            let mut inner = Document::new(root, input.path, &aliases)
                .inside(context.document, context.inherited);
            if is_sealed {
                inner.seal();
            }
            usage = inner.usage;
            walk(&input, &inner, root, &mut found);
        }
        let comments = parsed.comments.iter();
        found.extend(comments.filter_map(|span| comment::image_use(&input, *span, usage)));
    }
    let start = inner.region.start;
    out.extend(found.into_iter().map(|mut one| {
        one.usage = one.usage.in_text();
        one.shift(start)
    }));
    true
}
