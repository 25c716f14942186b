//! A registry that a chart may use for all of its images, instead of the one beside an image.

use super::context::Context;
use crate::image;
use crate::source::Span;
use crate::syntax::yaml::Map;

const MIRRORED: &str =
    "a value for all images sets another registry, and the image may not have the new path there";

/// Values that set the registry of all images of a chart, and perhaps of its subcharts: the maps above, and the key.
pub const GLOBAL_REGISTRIES: [(&[&str], &str); 3] = [
    (&[], "imageRegistry"),
    (&["global"], "imageRegistry"),
    (&["global", "image"], "registry"),
];

/// Returns the reason for doubt if a value sets another registry for all images, in `map` or above. A chart may use it
/// instead of the one here.
pub(super) fn mirrored(
    context: &Context<'_>,
    map: Option<&Map<'_>>,
    registry: Option<Span>,
) -> Option<&'static str> {
    let own = registry.map(|span| span.of(context.input.masked));
    let own = image::canonical_host(own);
    let maps = context.upwards().filter_map(|above| above.siblings);
    let mut globals = maps.chain(map).flat_map(|map| {
        GLOBAL_REGISTRIES.iter().filter_map(move |(above, key)| {
            let map = above.iter().try_fold(map, |map, key| map.map(key))?;
            map.get(key)?.as_scalar().filter(|set| !set.is_null())
        })
    });
    let is_other = globals.any(|set| {
        let set = set.value.trim_end_matches('/');
        !set.is_empty() && image::canonical_host(Some(set)) != own
    });
    is_other.then_some(MIRRORED)
}
