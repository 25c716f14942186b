//! `regfix policy`: an admission policy on standard output.

use std::io::{self, Write};

use super::Exit;
use super::args::{Level, PolicyAction};
use crate::policy::{self, Action, Unsupported};
use crate::rules::{RuleSet, Severity};

pub(super) fn print(
    rules: &RuleSet,
    engine: &str,
    action: PolicyAction,
    least: Level,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let action = match action {
        PolicyAction::Warn => Action::Warn,
        PolicyAction::Audit => Action::Audit,
        PolicyAction::Deny => Action::Deny,
    };
    let least = match least {
        Level::Info => Severity::Info,
        Level::Warning => Severity::Warning,
        Level::Error => Severity::Error,
    };
    let policy = policy::engine(engine).map(|engine| engine.policy(rules, least, action));
    match policy {
        Some(Ok(text)) => {
            out.write_all(text.as_bytes())?;
            out.flush()?;
            Ok(Exit::Done)
        }
        Some(Err(Unsupported)) | None => {
            writeln!(
                err,
                "regfix: none of the selected rules can be part of such a policy: select rules about images, or lower --min-severity"
            )?;
            Ok(Exit::Failed)
        }
    }
}
