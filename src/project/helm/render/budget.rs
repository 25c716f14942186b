//! Limits of a rendering. Charts are not trusted.

use std::cell::Cell;

use super::fault::{Fault, Result};

/// The longest text, in bytes.
pub(super) const LONGEST: usize = 64 << 20;

/// The remaining steps of work and bytes of output.
#[derive(Debug)]
pub(super) struct Budget {
    steps: Cell<u64>,
    bytes: Cell<u64>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            steps: Cell::new(4_000_000),
            bytes: Cell::new(256 << 20),
        }
    }
}

impl Budget {
    /// For many passes: all that most charts need, and about ten passes of the largest public charts, which take a
    /// third of a million steps each.
    pub(super) fn of_exploring() -> Self {
        Self {
            steps: Cell::new(3_000_000),
            bytes: Cell::new(128 << 20),
        }
    }

    /// Pays for executed nodes and created values.
    pub(super) fn steps(&self, count: usize) -> Result<()> {
        let left = self.steps.get().checked_sub(count as u64);
        self.steps.set(left.unwrap_or(0));
        left.map(|_| ())
            .ok_or_else(|| Fault::limit("the chart takes too long to render"))
    }

    /// Pays for created bytes.
    pub(super) fn bytes(&self, count: usize) -> Result<()> {
        let left = self.bytes.get().checked_sub(count as u64);
        self.bytes.set(left.unwrap_or(0));
        match left {
            Some(_) if count <= LONGEST => Ok(()),
            _ => Err(Fault::limit("the chart makes too much text")),
        }
    }
}
