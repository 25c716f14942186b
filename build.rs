//! Turns the catalogue from YAML, which people write, into JSON, which is read in a tenth of the time at every start.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

const CATALOGUE: &str = "src/rules/catalogue.yaml";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={CATALOGUE}");
    println!("cargo::rerun-if-changed=build.rs");
    let catalogue: serde_json::Value = serde_yaml::from_str(&fs::read_to_string(CATALOGUE)?)?;
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    fs::write(
        Path::new(&out).join("catalogue.json"),
        catalogue.to_string(),
    )?;
    Ok(())
}
