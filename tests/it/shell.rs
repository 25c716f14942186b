//! Completions, the manual page, and the name of regfix as a kubectl plugin.
//!
//! `tests/tools/shells.sh` runs them in real shells.

use std::path::Path;

use crate::common::{run, stderr, stdout};

fn reported(arguments: &[&str]) -> String {
    let output = run(Path::new("."), arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stdout(&output)
}

#[test]
fn every_shell_learns_every_option() {
    let help = reported(&["--help"]);
    let words = help.split([' ', ',', '\n', '`', '=', '[']);
    let options: Vec<&str> = words.filter(|word| word.starts_with("--")).collect();
    assert!(options.len() > 15);
    for shell in ["bash", "fish", "nushell", "powershell", "pwsh", "zsh"] {
        let script = reported(&["completions", shell]);
        for option in &options {
            // fish writes `-l unsafe-fixes`.
            let name = if shell == "fish" {
                option.trim_start_matches("--")
            } else {
                option
            };
            assert!(script.contains(name), "{shell} does not know {option}");
        }
    }
}

#[test]
fn help_has_no_options_that_have_no_effect() {
    for (command, with, without) in [
        ("explain", "--as-of", "--exclude"),
        ("merge", "--config", "--all-text"),
        ("tags", "--color", "--select"),
    ] {
        let help = reported(&[command, "--help"]);
        assert!(help.contains(with), "{help}");
        assert!(!help.contains(without), "{help}");
    }
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let page = reported(&["man"]);
    assert!(page.contains("\\-\\-unsafe\\-fixes"), "{page}");
    for command in ["explain", "images", "rules", "completions", "man"] {
        assert!(
            page.contains(&format!("regfix\\-{command}(1)")),
            "{command}"
        );
        let page = reported(&["man", command]);
        assert!(page.contains(&format!(".TH regfix-{command} 1")), "{page}");
    }
    let output = run(Path::new("."), &["man", "fix"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        stderr(&output),
        "regfix: there is no command fix; the commands are explain, rules, config, images, tags, mirror, exporter, hosts, cluster, lsp, policy, merge, completions, man\n"
    );
}

#[cfg(unix)]
#[test]
fn kubectl_runs_it_under_another_name() {
    use std::process::Command;
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("kubectl-regfix");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_regfix"), &plugin).unwrap();
    let asked = |argument| {
        let output = Command::new(&plugin).arg(argument).output().unwrap();
        format!("{}{}", stdout(&output), stderr(&output))
    };
    let help = asked("--help");
    assert!(help.contains("Usage: kubectl regfix "), "{help}");
    assert!(
        help.contains("preview with `kubectl regfix --diff`"),
        "{help}"
    );
    let wrong = asked("--nonsense");
    assert!(wrong.contains("Usage: kubectl regfix "), "{wrong}");
    assert!(reported(&["--help"]).contains("Usage: regfix "));
}
