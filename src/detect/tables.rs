//! Registries in the TOML tables of container runtimes: those of containerd, and `registries.conf` of Podman and CRI-O.

use super::flag;
use super::usage::{ACCOUNT, MIRRORED, Usage};

/// The header of a table of `registries.conf`.
const REGISTRY: &str = "[[registry]]";

const LOCATION: &str = "location";

/// The maximum number of bytes before and after a name that are examined.
const LONGEST_TABLE: usize = 1 << 12;

/// Returns the usage of the name at `start`, if a table decides it.
pub(super) fn usage_at(text: &str, start: usize) -> Option<Usage> {
    in_header(text, start).or_else(|| is_key(text, start).then_some(MIRRORED))
}

/// Returns the usage in the header of a table: `[plugins."io.containerd.grpc.v1.cri".registry.mirrors."k8s.gcr.io"]`
fn in_header(text: &str, start: usize) -> Option<Usage> {
    let before = text[..start].strip_suffix(['"', '\''])?;
    match before {
        _ if before.ends_with("registry.mirrors.") => Some(MIRRORED),
        _ if before.ends_with("registry.configs.") => Some(ACCOUNT),
        _ => None,
    }
}

/// Whether the name is the `location` of a `[[registry]]` without a `prefix`. Images are then looked up by it.
fn is_key(text: &str, start: usize) -> bool {
    if flag::word(text, start) != Some(LOCATION) {
        return false;
    }
    let is_header = |line: &&str| line.trim_start().starts_with('[');
    let line = flag::line_start(text, start);
    let before = &text[flag::far(text, line, LONGEST_TABLE)..line];
    let above = before.lines().rev();
    let own: Vec<&str> = above.clone().take_while(|line| !is_header(line)).collect();
    let header = above.clone().find(is_header);
    let below = text[start..flag::ahead(text, start, LONGEST_TABLE)]
        .lines()
        .skip(1);
    let mut own = own
        .into_iter()
        .chain(below.take_while(|line| !is_header(line)));
    header.is_some_and(|line| line.trim() == REGISTRY)
        && !own.any(|line| line.trim_start().starts_with("prefix"))
}
