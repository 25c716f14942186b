//! Asks the registries once and writes the result, or repeatedly with `--listen`.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use super::once::{LARGEST, Task};
use super::rounds::Rounds;
use super::{Exporter, watch};
use crate::cli::{Arguments, Exit, signals};
use crate::open::{self, Links};
use crate::printable::{self, complain};
use crate::registry::metrics::{self, Known};
use crate::report::{PathBase, RenderOptions};
use crate::write::Draft;

pub(crate) fn export(
    arguments: &Arguments,
    exporter: &Exporter,
    base: &PathBase,
    render_options: RenderOptions,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let mut task = Task {
        arguments,
        exporter,
        base,
        render_options,
        of_commits: BTreeMap::new(),
    };
    let file = exporter.textfile.as_deref();
    let is_piped = file == Some(Path::new("-"));
    let known = match file.filter(|_| !is_piped) {
        Some(file) => earlier(file, err)?,
        None => Known::new(),
    };
    let mut rounds = Rounds::new(known, exporter.interval, exporter.stale_after);
    if let Some(address) = exporter.listen {
        return watch::watch(&mut task, &mut rounds, address, err);
    }
    let gate = Arc::default();
    signals::watch(&gate)?;
    let Some((text, is_whole)) = task.round(&mut rounds, err)? else {
        return Ok(Exit::Failed);
    };
    match file.filter(|_| !is_piped) {
        Some(file) => {
            if let Err(error) = Draft::put(file, &text, &gate) {
                complain(err, error)?;
                return Ok(Exit::Failed);
            }
        }
        None => out.write_all(text.as_bytes()).and_then(|()| out.flush())?,
    }
    Ok(if is_whole { Exit::Done } else { Exit::Failed })
}

/// Reads what an earlier round wrote. Empty if there is no such file.
fn earlier(path: &Path, err: &mut dyn Write) -> io::Result<Known> {
    match open::read(path, Links::Follow, LARGEST) {
        Ok(bytes) => Ok(metrics::known(&String::from_utf8_lossy(&bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Known::new()),
        Err(error) => {
            complain(err, format!("{}: {error}", printable::path(path)))?;
            Ok(Known::new())
        }
    }
}
