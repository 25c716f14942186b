//! Scripts that copy images, and lists for tools that copy them.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Destination, Emitted, Move};

fn script(moves: &[Move], copy: impl Fn(&Move) -> String) -> Emitted {
    let mut text = String::from("#!/bin/sh\nset -eu\n");
    moves.iter().for_each(|one| text += &copy(one));
    Emitted {
        text,
        left_out: Vec::new(),
    }
}

pub(super) fn crane(to: &Destination, moves: &[Move]) -> Emitted {
    let insecure = if to.plain { "--insecure " } else { "" };
    script(moves, |one| {
        let (from, to) = (one.source.exact(), one.target.stored());
        format!("crane copy {insecure}{from} {to}\n")
    })
}

pub(super) fn skopeo(to: &Destination, moves: &[Move]) -> Emitted {
    let insecure = if to.plain {
        "--dest-tls-verify=false "
    } else {
        ""
    };
    script(moves, |one| {
        let (from, to) = (one.source.exact(), one.target.stored());
        // Copy all platforms unchanged, so that digests stay the same.
        format!("skopeo copy --all --preserve-digests {insecure}docker://{from} docker://{to}\n")
    })
}

pub(super) fn regsync(to: &Destination, moves: &[Move]) -> Emitted {
    let mut text = String::from("version: 1\n");
    if to.plain {
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(text, "creds:\n  - registry: {}\n    tls: disabled", to.host);
    }
    text += "sync:\n";
    for one in moves {
        let (from, to) = (one.source.exact(), one.target.stored());
        let _ = writeln!(
            text,
            "  - source: {from}\n    target: {to}\n    type: image"
        );
    }
    Emitted {
        text,
        left_out: Vec::new(),
    }
}

/// `skopeo sync --scoped` puts the whole source name below the destination, as we do; but a path cannot contain a port.
pub(super) fn skopeo_sync(to: &Destination, moves: &[Move]) -> Emitted {
    let mut left_out = Vec::new();
    let mut hosts: BTreeMap<&str, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
    for one in moves {
        let source = &one.source;
        if source.host.contains(':') {
            left_out
                .push(one.leave("skopeo sync cannot name a registry with a port below the mirror"));
            continue;
        }
        let reference = source.digest.as_deref().or(source.tag.as_deref());
        let images = hosts.entry(&source.host).or_default();
        images
            .entry(&source.path)
            .or_default()
            .push(reference.unwrap_or("latest"));
    }
    let insecure = if to.plain {
        " --dest-tls-verify=false"
    } else {
        ""
    };
    let mut text =
        format!("# skopeo sync --all --scoped{insecure} --src yaml --dest docker FILE {to}\n");
    for (host, images) in hosts {
        let _ = writeln!(text, "{host}:\n  images:");
        for (path, references) in images {
            let _ = writeln!(text, "    {path}:");
            for reference in references {
                let _ = writeln!(text, "      - \"{reference}\"");
            }
        }
    }
    Emitted { text, left_out }
}

pub(super) fn oc_mirror(_: &Destination, moves: &[Move]) -> Emitted {
    by_one_name(
        moves,
        "oc-mirror mirrors an image only under its own name: rewrite the manifests first",
        "kind: ImageSetConfiguration\napiVersion: mirror.openshift.io/v2alpha1\nmirror:\n  additionalImages:\n",
        "    - name: ",
    )
}

pub(super) fn zarf(_: &Destination, moves: &[Move]) -> Emitted {
    by_one_name(
        moves,
        "zarf finds an image by its name in the manifests: rewrite the manifests first",
        "kind: ZarfPackageConfig\nmetadata:\n  name: images\ncomponents:\n  - name: images\n    required: true\n    images:\n",
        "      - ",
    )
}

/// For tools that choose the target names: they know an image by one name, so manifests must use the source name.
fn by_one_name(moves: &[Move], why: &str, head: &str, before: &str) -> Emitted {
    let (mut text, mut left_out) = (head.to_owned(), Vec::new());
    for one in moves {
        match one.written == one.source {
            true => text += &format!("{before}{}\n", one.source),
            false => left_out.push(one.leave(why)),
        }
    }
    Emitted { text, left_out }
}
