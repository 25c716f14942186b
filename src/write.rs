//! stub
use std::path::{Path,PathBuf};
pub fn replace(path: &Path, _before: &str, after: &str, _roots: &[PathBuf]) -> std::io::Result<()> { std::fs::write(path, after) }
