//! `regfix policy`: prints an admission policy, or tests it with the program of its engine.

mod test;

use std::io::{self, Write};

use super::Exit;
use super::args::{Level, PolicyAction, Task};
use crate::policy::{self, Action, Unsupported};
use crate::rules::RuleSet;

pub(super) fn print(
    rules: &RuleSet,
    engine: &str,
    action: PolicyAction,
    least: Level,
    task: Option<&Task>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let action = match action {
        PolicyAction::Warn => Action::Warn,
        PolicyAction::Audit => Action::Audit,
        PolicyAction::Deny => Action::Deny,
    };
    let least = least.severity();
    let Some(engine) = policy::engine(engine) else {
        return unsupported(err);
    };
    if let Some(Task::Test) = task {
        return test::test(engine, rules, least, out, err);
    }
    match engine.policy(rules, least, action) {
        Ok(text) => {
            out.write_all(text.as_bytes())?;
            out.flush()?;
            Ok(Exit::Done)
        }
        Err(Unsupported) => unsupported(err),
    }
}

fn unsupported(err: &mut dyn Write) -> io::Result<Exit> {
    writeln!(
        err,
        "regfix: none of the selected rules can be part of such a policy: select rules about images, or lower --min-severity"
    )?;
    Ok(Exit::Failed)
}
