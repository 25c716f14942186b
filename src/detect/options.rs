//! Images that command options spread over several values:
//! `helm upgrade web CHART --set image.repository=a,image.tag=1`.
//!
//! All settings of a command are read as one map, because that is how the chart gets them. Other arguments are not part of it.

use std::borrow::Cow;
use std::collections::HashSet;

use super::aliases::Aliases;
use super::consent::{CONSENT, LIFTED, NOT_LIFTED, is_chart_of_bitnami};
use super::context::Context;
use super::document::Document;
use super::image_use::{Companion, ImageUse};
use super::input::Input;
use super::shell::set_option::{self, SetOption, Setting};
use super::shell::{self, Command};
use super::usage::{self, Certainty, Usage};
use super::{scalar, spread, words};
use crate::source::Span;
use crate::syntax::beside::Insertion;
use crate::syntax::yaml::{List, Node, Scalar, Style};

/// The maximum number of settings of a command that are joined. For more, as in generated commands, only the words are read.
const MOST_SETTINGS: usize = 256;

/// Applies the options of the commands in a region. From `before` on, `out` contains the uses that the words are by
/// themselves. `takes_comma`: whether the fix may add a comma to the text.
pub(super) fn of_text(
    input: &Input<'_>,
    region: Span,
    (inherited, takes_comma): (Option<Usage>, bool),
    out: &mut Vec<ImageUse>,
    before: usize,
) {
    let text = region.of(input.masked);
    if !set_option::may_be_in(text) || inherited.is_some_and(|usage| !usage.is_pull()) {
        return;
    }
    let mut own = out.split_off(before);
    own.sort_by_key(|one| one.extent().start);
    let mut own = own.into_iter().peekable();
    for command in shell::commands(text) {
        let options = command.set_options(text);
        let (Some((first, _)), Some(last)) = (options.first(), command.words.last()) else {
            continue;
        };
        if command.usage(*first).is_some() {
            continue;
        }
        let consent =
            consent_of(&command, &options, takes_comma).map(|consent| consent.shift(region.start));
        let options = options.into_iter();
        let options = options.map(|(_, option)| option.shift(region.start));
        let options: Vec<SetOption> = options.collect();
        let ends = options.iter().map(|option| option.span.end);
        let end = ends.fold(last.span.end + region.start, usize::max);
        let start = command.words[0].span.start + region.start;
        while let Some(one) = own.next_if(|one| one.extent().start < start) {
            out.push(one);
        }
        let mut inside = Vec::new();
        while let Some(one) = own.next_if(|one| one.extent().start < end) {
            inside.push(one);
        }
        join(input, inherited, &options, consent.as_ref(), inside, out);
    }
    out.extend(own);
}

/// Applies the options in a list of arguments.
pub(super) fn of_list(
    context: &Context<'_>,
    list: &List<'_>,
    out: &mut Vec<ImageUse>,
    before: usize,
) {
    let input = context.input;
    let scalars = || list.items.iter().map(Node::as_scalar);
    let is_option = |scalar: &Scalar<'_>| set_option::may_be_in(&scalar.value);
    if context.is_no_pull() || !scalars().flatten().any(is_option) {
        return;
    }
    let spans: Vec<Option<Span>> = scalars().map(|scalar| input.verbatim(scalar?)).collect();
    let options = set_option::of_arguments(input.masked, &spans);
    let takes_comma = |index: usize| {
        let style = scalars().nth(index).flatten().map(|scalar| scalar.style);
        !list.flow || style != Some(Style::Plain)
    };
    let (indices, options): (Vec<usize>, Vec<SetOption>) = options.into_iter().unzip();
    let mut words = spans.iter().flatten().map(|span| span.of(input.masked));
    let consent = words.any(is_chart_of_bitnami).then(|| {
        let last = options.iter().zip(&indices).rev();
        let last = last.filter(|(option, index)| option.is_typed() && takes_comma(**index));
        let last = last
            .map(|(option, _)| (option.span.end, format!(",{CONSENT}")))
            .next();
        Consent::of(options.iter(), last)
    });
    let own = out.split_off(before);
    join(
        input,
        context.inherited,
        &options,
        consent.as_ref(),
        own,
        out,
    );
}

/// The consent that a chart needs to accept images other than its own.
enum Consent {
    Given,
    /// Requires a text to be inserted at an offset.
    Wanted(usize, String),
    NoRoom,
}

impl Consent {
    fn of<'o>(options: impl Iterator<Item = &'o SetOption>, room: Option<(usize, String)>) -> Self {
        let mut paths = options.flat_map(|option| &option.settings);
        match room {
            _ if paths.any(|one| CONSENT.starts_with(&format!("{}=", one.path))) => Self::Given,
            Some((at, text)) => Self::Wanted(at, text),
            None => Self::NoRoom,
        }
    }

    fn shift(self, by: usize) -> Self {
        match self {
            Self::Wanted(at, text) => Self::Wanted(at + by, text),
            other => other,
        }
    }

    /// Makes a fix of the use also insert the consent.
    fn ask(&self, one: &mut ImageUse) {
        let limit = match self {
            Self::Given => return,
            Self::NoRoom => Certainty::MustAgree(NOT_LIFTED),
            Self::Wanted(at, text) => {
                one.companion = Some(Companion {
                    insertion: Insertion {
                        span: Span::new(*at, *at),
                        before: text.clone(),
                        after: String::new(),
                    },
                    has_name: false,
                });
                Certainty::Likely(LIFTED)
            }
        };
        one.usage = one.usage.at_most(limit);
    }
}

/// Returns the consent that the chart of a command needs. `None` if the command names no chart known to refuse images.
fn consent_of(
    command: &Command<'_>,
    options: &[(usize, SetOption)],
    takes_comma: bool,
) -> Option<Consent> {
    let is_set = |span: Span| options.iter().any(|(_, option)| option.span.overlaps(span));
    let mut words = command.words.iter().filter(|word| !is_set(word.span));
    if !words.any(|word| is_chart_of_bitnami(word.text)) {
        return None;
    }
    let options = options.iter().map(|(_, option)| option);
    let text = |option: &SetOption| match option.is_quoted {
        false => Some(format!(" {} {CONSENT}", option.name)),
        true => (option.is_typed() && takes_comma).then(|| format!(",{CONSENT}")),
    };
    let whole = options.clone().rev().filter(|option| option.is_whole);
    let mut room = whole.filter_map(|option| Some((option.span.end, text(option)?)));
    Some(Consent::of(options, room.next()))
}

/// Joins the values that options set. `own` are the uses found so far; those that are part of a joined one are dropped.
fn join(
    input: &Input<'_>,
    inherited: Option<Usage>,
    options: &[SetOption],
    consent: Option<&Consent>,
    mut own: Vec<ImageUse>,
    out: &mut Vec<ImageUse>,
) {
    let settings = options.iter().flat_map(|option| &option.settings);
    let settings: Vec<&Setting> = settings
        .filter(|one| spoken_about(&one.path).is_none())
        .collect();
    let is_of_interest = |option: &SetOption| input.is_of_interest(option.span);
    if options.iter().any(is_of_interest) && settings.len() <= MOST_SETTINGS {
        let aliases = Aliases::of(&[], &[]);
        let document = Document::of_text(&aliases);
        let mut context = Context::root(input, &document);
        context.inherited = inherited;
        let (joined, used) = joined(&context, &settings);
        let pieces = joined
            .iter()
            .flat_map(|one| one.pieces().map(|piece| one.in_file(piece)));
        let pieces: Vec<Span> = pieces.filter(|piece| !piece.is_empty()).collect();
        own.retain(|one| !pieces.iter().any(|piece| piece.overlaps(one.extent())));
        for (index, one) in settings.into_iter().enumerate() {
            let is_read = |span: &Span| own.iter().any(|other| other.extent().overlaps(*span));
            let value = one
                .value
                .filter(|span| input.is_of_interest(*span) && !is_read(span));
            if let Some(span) = value.filter(|_| !used.contains(&index)) {
                own.extend(alone(&context, one, span));
            }
        }
        own.extend(joined);
    }
    let spoken = options.iter().flat_map(|option| &option.settings);
    let spoken: Vec<(Span, Usage)> = spoken
        .filter_map(|one| Some((one.value?, spoken_about(&one.path)?)))
        .collect();
    for one in &mut own {
        let at = one.extent();
        let mut usages = spoken.iter().filter(|(value, _)| value.overlaps(at));
        one.usage = one.usage.below(usages.next().map(|(_, usage)| *usage));
        let is_set = || options.iter().any(|option| option.span.overlaps(at));
        if let Some(consent) = consent.filter(|_| one.usage.is_pull() && is_set()) {
            consent.ask(one);
        }
    }
    out.append(&mut own);
}

/// Returns the images that are spread over several settings, and the indices of those settings.
fn joined(context: &Context<'_>, settings: &[&Setting]) -> (Vec<ImageUse>, HashSet<usize>) {
    let pair = |one: &&'_ Setting| {
        let scalar = one.value.map(|span| Scalar {
            span,
            style: Style::Plain,
            value: Cow::Borrowed(span.of(context.input.masked)),
        });
        // A value that is not spelled verbatim is unknown.
        scalar.map_or(Node::Alias(Span::new(0, 0)), Node::Scalar)
    };
    let paths = settings.iter().map(|one| one.path.as_str());
    let pairs: Vec<(&str, Node<'_>)> = paths.zip(settings.iter().map(pair)).collect();
    let mut found = Vec::new();
    let used = spread::of_settings(context, &pairs, &mut found);
    (found, used)
}

/// Returns the pulls in the value of a single setting.
fn alone(context: &Context<'_>, one: &Setting, value: Span) -> Vec<ImageUse> {
    let (above, _) = one.path.rsplit_once('.').unwrap_or_default();
    let (key, parent) = (words::fold(&one.path), words::fold(above));
    let mut context = *context;
    context.key = &key;
    context.parent = &parent;
    context.in_list = one.in_list;
    let mut found = Vec::new();
    scalar::of_one_line(&context, value, &mut found);
    found.retain(|one| one.usage.is_pull());
    found
}

/// Returns the usage that a path implies for everything set there, if that is not a pull.
fn spoken_about(path: &str) -> Option<Usage> {
    path.split('.').find_map(|key| match words::fold(key) {
        key if words::is_allowed(&key) => Some(usage::ALLOWED),
        key if words::is_matched(&key) => Some(usage::MATCHED),
        _ => None,
    })
}
