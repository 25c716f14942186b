//! Joins the files of the catalogue, and converts them from YAML, which people write, to JSON, which is ten times as fast
//! to read at every start.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

const HEAD: &str = "src/rules/catalogue.yaml";
const VENDORS: &str = "src/rules/catalogue";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={HEAD}");
    // A folder covers all files in it.
    println!("cargo::rerun-if-changed={VENDORS}");
    let mut catalogue = read(Path::new(HEAD))?;
    let mut files: Vec<PathBuf> = fs::read_dir(VENDORS)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_, std::io::Error>>()?;
    // The order of a folder's entries depends on the file system; sorting makes it stable.
    files.sort();
    let mut rules = Vec::new();
    for file in &files {
        match read(file)? {
            serde_json::Value::Array(rows) => rules.extend(rows),
            _ => return Err(format!("{}: expected a list of rules", file.display()).into()),
        }
    }
    catalogue["rules"] = rules.into();
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    fs::write(
        Path::new(&out).join("catalogue.json"),
        catalogue.to_string(),
    )?;
    Ok(())
}

fn read(path: &Path) -> Result<serde_json::Value, Box<dyn Error>> {
    let text = fs::read_to_string(path)?;
    serde_yaml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()).into())
}
