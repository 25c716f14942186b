//! Queries registries after everything is checked and before anything is fixed.
//!
//! Verdicts note the images that they need an answer about. All images are queried together, and the files are checked again,
//! because an answer may lead to another image. Knows no protocol: [`Registries`] does that.

use std::io::{self, Write};

use crate::report::text;
use crate::rules::{Answers, Presence};

/// A way to find out whether images exist.
pub trait Registries: Sync {
    /// Queries images. Returns one answer per image, in the same order.
    fn ask(&self, images: &[String]) -> Vec<Presence>;
}

/// A missing image may have a second location, but not a third.
const MOST_ROUNDS: usize = 4;

/// Checks until no verdict needs another answer. Writes a summary to `err`.
///
/// # Errors
/// If `err` cannot be written.
pub fn ask(
    registries: &dyn Registries,
    asked: &Answers,
    quiet: bool,
    err: &mut dyn Write,
    mut judge: impl FnMut(),
) -> io::Result<()> {
    let mut counts = Counts::default();
    for _ in 0..MOST_ROUNDS {
        judge();
        let wanted = asked.take_wanted();
        if wanted.is_empty() {
            break;
        }
        let answers = registries.ask(&wanted);
        answers.iter().for_each(|answer| counts.add(answer));
        asked.add(wanted.into_iter().zip(answers));
    }
    match quiet {
        true => Ok(()),
        false => writeln!(err, "{counts}"),
    }
}

#[derive(Default)]
struct Counts {
    exist: usize,
    missing: usize,
    undetermined: usize,
}

impl Counts {
    fn add(&mut self, answer: &Presence) {
        *match answer {
            Presence::Exists { .. } => &mut self.exist,
            Presence::Missing { .. } => &mut self.missing,
            Presence::Undetermined { .. } => &mut self.undetermined,
        } += 1;
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let asked = self.exist + self.missing + self.undetermined;
        let images = text::count(asked, "image");
        write!(
            out,
            "regfix: asked registries about {images}: {} exist",
            self.exist
        )?;
        if self.missing > 0 {
            write!(out, ", {} do not", self.missing)?;
        }
        match self.undetermined {
            0 => Ok(()),
            count => write!(out, ", {count} could not be determined"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::rules::Asking;

    struct Missing;

    impl Registries for Missing {
        fn ask(&self, images: &[String]) -> Vec<Presence> {
            let missing = |_: &String| Presence::Missing {
                nearest: Vec::new(),
                anonymous: true,
            };
            images.iter().map(missing).collect()
        }
    }

    /// Each image is queried once, and an answer may lead to another image.
    #[test]
    fn rounds_end_when_all_is_known() {
        let asked = Answers::new(Asking::New, false);
        let rounds = RefCell::new(Vec::new());
        let judge = || {
            let second = asked.about("a.io/x:1").map(|_| asked.about("b.io/x:1"));
            rounds.borrow_mut().push(second.is_some());
        };
        let mut err = Vec::new();
        ask(&Missing, &asked, false, &mut err, judge).unwrap();
        assert_eq!(*rounds.borrow(), [false, true, true]);
        let said = String::from_utf8(err).unwrap();
        assert_eq!(
            said,
            "regfix: asked registries about 2 images: 0 exist, 2 do not\n"
        );
    }

    #[test]
    fn rounds_end_even_if_new_images_keep_coming() {
        let asked = Answers::new(Asking::New, false);
        let mut count = 0;
        let judge = || {
            count += 1;
            asked.about(&format!("a.io/x:{count}"));
        };
        ask(&Missing, &asked, true, &mut Vec::new(), judge).unwrap();
        assert_eq!(count, MOST_ROUNDS);
    }
}
