//! Answers on disk, for as long as the user configures.
//!
//! Only certain answers are kept: the image exists, or it is gone. An entry holds the question and the answer, but no
//! credentials or tokens. Each entry is a separate file that is written atomically, so concurrent runs do not disturb each
//! other. A file that cannot be parsed is ignored. A failed write does not fail the run.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::answer::{Answer, Platform};
use crate::open;
use crate::printable;

/// The maximum size of an entry.
const LARGEST: usize = 256 << 10;
/// The maximum age of an entry.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

pub(super) struct Cache {
    folder: PathBuf,
    age: Duration,
    swept: OnceLock<()>,
}

/// A question: everything that the answer depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Question {
    pub(super) image: String,
    pub(super) platforms: bool,
    /// Whether credentials were used; which ones is not stored.
    pub(super) logged_in: bool,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    question: Question,
    /// Seconds since 1970.
    asked_at: u64,
    answer: StoredAnswer,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StoredAnswer {
    Exists {
        digest: String,
        media_type: String,
        platforms: Vec<String>,
    },
    Missing {
        reason: String,
        anonymous: bool,
    },
}

impl Cache {
    pub(super) fn new(folder: PathBuf, age: Duration) -> Self {
        Self {
            folder,
            age: age.min(LONGEST),
            swept: OnceLock::new(),
        }
    }

    pub(super) fn get(&self, question: &Question) -> Option<Answer> {
        let text = open::read_named(&self.path(question), LARGEST).ok()?;
        let stored: Stored = serde_json::from_slice(&text).ok()?;
        // An entry from the future was written with a wrong clock.
        let age = now()?.checked_sub(Duration::from_secs(stored.asked_at))?;
        let fits = stored.version == 1 && stored.question == *question && age <= self.age;
        fits.then(|| stored.answer.restore()).flatten()
    }

    pub(super) fn put(&self, question: &Question, answer: &Answer) {
        let (Some(answer), Some(now)) = (StoredAnswer::of(answer), now()) else {
            return;
        };
        let stored = Stored {
            version: 1,
            question: question.clone(),
            asked_at: now.as_secs(),
            answer,
        };
        // The next run asks again if this fails.
        let _ = self.write(&self.path(question), &stored);
    }

    fn write(&self, path: &Path, stored: &Stored) -> std::io::Result<()> {
        create_private(&self.folder)?;
        self.swept.get_or_init(|| sweep(&self.folder));
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(&serde_json::to_vec(stored)?)?;
        file.persist(path)?;
        Ok(())
    }

    fn path(&self, question: &Question) -> PathBuf {
        let key = format!(
            "{} {} {}",
            question.image, question.platforms, question.logged_in
        );
        let name = printable::hex(&Sha256::digest(key.as_bytes()));
        self.folder.join(format!("{name}.json"))
    }
}

impl StoredAnswer {
    fn of(answer: &Answer) -> Option<Self> {
        match answer {
            Answer::Exists {
                digest,
                media_type,
                platforms,
            } => Some(Self::Exists {
                digest: digest.clone(),
                media_type: media_type.clone(),
                platforms: platforms.iter().map(Platform::to_string).collect(),
            }),
            Answer::Missing { reason, anonymous } => Some(Self::Missing {
                reason: reason.clone(),
                anonymous: *anonymous,
            }),
            _ => None,
        }
    }

    fn restore(self) -> Option<Answer> {
        Some(match self {
            Self::Exists {
                digest,
                media_type,
                platforms,
            } => Answer::Exists {
                digest,
                media_type,
                platforms: platforms
                    .iter()
                    .map(|text| Platform::parse(text))
                    .collect::<Option<_>>()?,
            },
            Self::Missing { reason, anonymous } => Answer::Missing {
                reason: printable::brief(&reason),
                anonymous,
            },
        })
    }
}

fn now() -> Option<Duration> {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()
}

/// Creates a folder that only the user can read: it holds the names of private images.
fn create_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Removes entries that are too old to be used.
fn sweep(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let age = entry.metadata().and_then(|metadata| metadata.modified());
        let age = age.ok().and_then(|modified| modified.elapsed().ok());
        let is_entry = entry.path().extension().is_some_and(|end| end == "json");
        if is_entry && age.is_some_and(|age| age > LONGEST) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question() -> Question {
        Question {
            image: "r.io/a:1".to_owned(),
            platforms: true,
            logged_in: false,
        }
    }

    fn exists() -> Answer {
        Answer::Exists {
            digest: format!("sha256:{}", "0".repeat(64)),
            media_type: "application/vnd.oci.image.index.v1+json".to_owned(),
            platforms: vec![Platform::parse("linux/arm/v7").unwrap()],
        }
    }

    fn cache(folder: &Path) -> Cache {
        Cache::new(folder.join("a/b"), Duration::from_secs(3600))
    }

    #[test]
    fn certain_answers_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path());
        let missing = Answer::Missing {
            reason: "MANIFEST_UNKNOWN".to_owned(),
            anonymous: true,
        };
        for answer in [exists(), missing] {
            cache.put(&question(), &answer);
            assert_eq!(cache.get(&question()), Some(answer));
        }
        let other = Question {
            logged_in: true,
            ..question()
        };
        assert_eq!(cache.get(&other), None);
        cache.put(&other, &Answer::unreachable("x"));
        assert_eq!(cache.get(&other), None);
    }

    #[test]
    fn what_is_old_or_corrupt_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path());
        cache.put(&question(), &exists());
        let path = cache.path(&question());
        let good = std::fs::read_to_string(&path).unwrap();
        let at = i64::try_from(now().unwrap().as_secs()).unwrap();
        let aged = |by: i64| {
            let mut value: serde_json::Value = serde_json::from_str(&good).unwrap();
            value["asked_at"] = (at + by).into();
            value.to_string()
        };
        assert!(cache.get(&question()).is_some());
        for text in [
            aged(-3601),
            aged(3600),
            String::new(),
            "{".to_owned(),
            good[..good.len() / 2].to_owned(),
            good.replace("r.io/a:1", "r.io/a:2"),
            good.replace("\"version\":1", "\"version\":2"),
            good.replace("linux/arm/v7", "\\u001b[31m"),
        ] {
            std::fs::write(&path, &text).unwrap();
            assert_eq!(cache.get(&question()), None, "{text}");
        }
        std::fs::write(&path, aged(-3000)).unwrap();
        assert!(cache.get(&question()).is_some());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_no_failure() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let cache = cache(file.path());
        cache.put(&question(), &exists());
        assert_eq!(cache.get(&question()), None);
    }

    #[test]
    fn runs_at_the_same_time() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let cache = cache(folder.path());
                    for _ in 0..50 {
                        cache.put(&question(), &exists());
                        assert_eq!(cache.get(&question()), Some(exists()));
                    }
                });
            }
        });
        let left = std::fs::read_dir(folder.path().join("a/b")).unwrap();
        assert_eq!(left.count(), 1);
    }
}
