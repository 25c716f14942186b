//! Writes the catalogue to one file, which other binaries of regfix can use.

use std::path::Path;

use regfix::rules::edition::sha256;
use regfix::rules::{Catalogue, catalogue};

use crate::{Fault, read, write};

const HEAD: &str = "\
# The catalogue of regfix. To use it in a repository, pin its checksum in .regfix.yaml; see docs/configuration.md.
";

pub fn run(root: &Path, file: &Path) -> Result<(), Fault> {
    let text = text(root)?;
    write(file, &text)?;
    println!("{}  {}", sha256(text.as_bytes()), file.display());
    Ok(())
}

fn text(root: &Path) -> Result<String, Fault> {
    let table = |name: &str| read(&root.join("src/rules").join(name)).map(Some);
    let whole = Catalogue {
        charts: table("charts.tsv")?,
        alternatives: table("alternatives.tsv")?,
        index: table("registry-k8s-io.tsv")?,
        ..catalogue()
    };
    let yaml = serde_yaml::to_string(&whole).map_err(|error| format!("the catalogue: {error}"))?;
    Ok(format!("{HEAD}{yaml}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use regfix::config;
    use regfix::rules::{Edition, Facts};

    #[test]
    fn the_file_is_the_embedded_catalogue() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("regfix.catalogue.yaml");
        run(&crate::root(), &file).unwrap();
        let read = config::load_catalogue(&file).unwrap_or_else(|error| panic!("{error}"));
        let embedded = Edition::embedded();
        assert_eq!(read.as_of, embedded.as_of);
        assert_eq!(
            format!("{:?}", read.rules()),
            format!("{:?}", embedded.rules())
        );
        // The text is the same, although it is at another address.
        let index = |facts: Facts| facts.index.count();
        assert_eq!(index(read.facts), index(embedded.facts));
        assert_eq!(read.facts, embedded.facts);
        let sum = sha256(&fs::read(&file).unwrap());
        assert_eq!(read.file.as_ref().unwrap().sha256, sum);
    }
}
