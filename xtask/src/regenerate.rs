//! Regenerates all generated files. The tests that compare them with their sources also write them.

use std::process::Command;

use crate::Fault;

/// The tests that write, as arguments of `cargo test`. The order matters: some tests read what others write.
const WRITERS: [&[&str]; 6] = [
    &["--lib", "--", "schema"],
    &["--test", "it", "--", "vectors::every_rule_has_a_fixture"],
    &[
        "--test",
        "it",
        "--",
        "pages::every_rule_has_its_page",
        "pages::the_changes_of_the_catalogue_are_listed",
    ],
    &[
        "--test",
        "it",
        "--",
        "docs::the_table",
        "docs::the_page_of_file_types",
        "docs::the_hooks_ask",
    ],
    &["--test", "it", "--", "fixtures::cases_are_as_stored"],
    &["--test", "it", "--", "cluster::reports_of_the_dump"],
];

pub fn run() -> Result<(), Fault> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    for arguments in WRITERS {
        let mut command = Command::new(&cargo);
        command
            .args(["test", "--locked", "--package", "regfix"])
            .args(arguments);
        command.current_dir(crate::root()).env("UPDATE", "1");
        let status = command
            .status()
            .map_err(|error| format!("cargo test: {error}"))?;
        if !status.success() {
            return Err(format!(
                "`cargo test {}` failed: a test failed that writes no file",
                arguments.join(" ")
            ));
        }
    }
    println!("Look at `git diff` before you commit.");
    Ok(())
}
