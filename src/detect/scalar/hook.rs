//! The image in which pre-commit runs a hook: `language: docker_image` beside `entry: NAME:tag COMMAND`.

use super::super::context::Context;
use super::super::image_use::{ImageUse, Tag};
use super::super::reference;
use crate::source::Span;

/// Returns the first word that is an image. Options of the container engine may precede it.
pub(super) fn image(context: &Context<'_>, span: Span) -> Option<ImageUse> {
    let hook = context.siblings.filter(|_| context.key == "entry")?;
    if hook.text("language") != Some("docker_image") {
        return None;
    }
    let masked = context.input.masked;
    let mut at = span.start;
    let words = span.of(masked).split(' ').map(|word| {
        let start = at;
        at += word.len() + 1;
        Span::new(start, start + word.len())
    });
    let mut images = words.filter_map(|word| {
        let is_option = word.is_empty() || word.of(masked).starts_with(['-', '/', '.']);
        let found = reference::read(masked, word, context.input.actions)?;
        let is_whole = found.tag != Tag::None || found.digest.is_some();
        (!is_option && is_whole && !found.chart).then_some(found)
    });
    let found = images.next()?;
    Some(found.into_use(context.pull(), "image"))
}
