//! Build arguments, which may name a base image.

use super::super::context::Context;
use super::super::image_use::Tag;
use super::super::input::Input;
use super::super::reference::Reference;
use super::super::words;

/// Whether the value is a build argument, which may name a base image: `build: {args: {BASE: ...}}` of
/// Compose, `buildArgs` of Skaffold, `args` of a target of Bake.
pub(super) fn is_one(context: &Context<'_>) -> bool {
    let above = context.above();
    let parent = above.map_or("", |above| above.parent);
    let is_of_target = || {
        let target = above.and_then(Context::above);
        target.is_some_and(|target| target.parent == "target")
    };
    let in_args = || context.parent == "args" && (parent == "build" || is_of_target());
    words::is_build_arguments(context.parent) || in_args()
}

/// Whether a reference has a path and a literal tag.
pub(super) fn is_given(reference: &Reference, input: &Input<'_>) -> bool {
    reference.name.of(input.masked).contains('/') && matches!(reference.tag, Tag::At(_))
}
