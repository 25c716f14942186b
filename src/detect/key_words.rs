//! Evidence in the words of a key, regardless of its context.
//!
//! Each key is classified once, because most maps share a few hundred keys. The words are in [`words`].

use std::cell::RefCell;
use std::collections::HashMap;

use super::words;

/// The evidence that a folded key gives about its value.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyWords {
    pub(super) is_prose: bool,
    pub(super) is_compared: bool,
    pub(super) is_selector: bool,
    pub(super) is_allowed: bool,
    pub(super) is_matched: bool,
    pub(super) is_account: bool,
    pub(super) is_pushed: bool,
    pub(super) is_old: bool,
    pub(super) is_target: bool,
}

/// The size limit of the cache: a file may have a million keys.
const MOST_KNOWN: usize = 1024;

thread_local! {
    static KNOWN: RefCell<HashMap<Box<str>, KeyWords>> = RefCell::default();
}

impl KeyWords {
    pub(super) fn of(key: &str) -> Self {
        KNOWN.with_borrow_mut(|known| {
            if let Some(words) = known.get(key) {
                return *words;
            }
            if known.len() >= MOST_KNOWN {
                known.clear();
            }
            *known.entry(key.into()).or_insert_with(|| Self::read(key))
        })
    }

    fn read(key: &str) -> Self {
        Self {
            is_prose: words::is_prose(key),
            is_compared: words::is_compared(key),
            is_selector: words::is_selector(key),
            is_allowed: words::is_allowed(key),
            is_matched: words::is_matched(key),
            is_account: words::is_account(key),
            is_pushed: words::is_pushed(key),
            is_old: words::is_old(key),
            is_target: words::is_target(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_say_the_same_when_they_are_forgotten() {
        let says = |key: &str| format!("{:?}", KeyWords::of(key));
        let (prose, old) = (says("description"), says("oldimage"));
        assert!(prose.contains("is_prose: true") && old.contains("is_old: true"));
        for number in 0..2 * MOST_KNOWN {
            assert!(!says(&format!("k{number}")).contains("true"));
        }
        assert!(KNOWN.with_borrow(HashMap::len) <= MOST_KNOWN);
        assert_eq!((says("description"), says("oldimage")), (prose, old));
    }
}
