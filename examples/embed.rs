//! A program that embeds regfix: it reports the findings in a small tree in memory, and prints the changed files.
//!
//! `cargo run --example embed`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use regfix::{Error, Linter, Safety, Tree};

fn main() -> Result<(), Error> {
    let mut tree = Tree::new();
    tree.insert(
        "base/kustomization.yaml",
        "resources:\n  - deployment.yaml\n",
    )?;
    tree.insert(
        "base/deployment.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n        \
         - name: web\n          image: k8s.gcr.io/pause:3.9  # kept\n",
    )?;
    tree.insert(
        "prod/kustomization.yaml",
        "resources:\n  - ../base\nimages:\n  - name: k8s.gcr.io/pause\n    newTag: '3.10'\n",
    )?;

    let linter = Linter::with_config("severity: {k8s-gcr-io: error}\n")?;
    for (path, checked) in linter.check_tree(&tree)? {
        for finding in checked.findings {
            let (line, column) = (finding.location.line, finding.location.column);
            let new = finding.new.as_deref().unwrap_or("nothing");
            println!("{path}:{line}:{column}: {} -> {new}", finding.old);
        }
    }
    for (path, fixed) in linter.fix_tree(&tree, Safety::Safe)?.files {
        if fixed.is_changed() {
            println!("\n# {path}\n{}", fixed.text);
        }
    }
    Ok(())
}
