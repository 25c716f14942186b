//! How an image is used where it is named, with a reason for people.

/// How an image is used where it is named, from the weakest evidence to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Usage {
    /// Nothing indicates how.
    Unknown(&'static str),
    /// It is only named: in policies, mirror tables, prose.
    Mention(&'static str),
    /// It tells what ran or what was found: the status of an object, a report.
    Observed(&'static str),
    /// An image is built or copied to it.
    Pushed(&'static str),
    /// Something is compared with it: conditions, closed lists of values.
    Compared(&'static str),
    /// It must match a name elsewhere. `replaced`: another name takes its place, so it is not pulled.
    Selector {
        reason: &'static str,
        replaced: bool,
    },
    Pull(Certainty),
}

/// How certain it is that changing a pull where it is written has the wanted effect, from the least certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// It must agree with something elsewhere. Changing it alone would be wrong.
    MustAgree(&'static str),
    /// Probably. The change needs review.
    Likely(&'static str),
    Certain,
}

/// The reason for conditions in manifests.
const IN_CONDITION: &str = "a condition compares with it";
pub(super) const COMPARED: Usage = Usage::Compared(IN_CONDITION);
pub(super) const IN_COMMAND: &str = "the command compares with it";

pub(super) const IN_FILTER: &str = "an expression compares values with it";

pub(super) const ASSERTED: Usage =
    Usage::likely("a test compares with it: check that it agrees with what the test creates");

pub(super) const UPDATER: Usage =
    Usage::likely("the image updater compares it with what the application runs: move both");

/// A command lists or removes the image on the machine where it runs.
pub(super) const LOCAL: Usage =
    Usage::likely("the command looks for it on this machine: move it together with what pulls it");

pub(super) const NOTHING_SAYS: &str = "nothing here says that an image is pulled from it";

pub(super) const SELECTS: &str =
    "it selects an image by the name in a base, so both must change together";

pub(super) const MUST_MATCH: &str = "it must match what another source names";
/// Like [`MUST_MATCH`], for an entry in an embedded text, such as a file in a `ConfigMap`.
pub(super) const MUST_MATCH_IN_TEXT: &str =
    "the image that it selects may be named in a text like this one";
/// Lists, mirrors and accounts.
pub(super) const ALLOWED: Usage = Usage::Mention("this key lists what is allowed or mirrored");
pub(super) const LISTED: Usage =
    Usage::Mention("registries are listed here, and nothing says what for");
pub(super) const MATCHED: Usage =
    Usage::Mention("this key lists what is matched, allowed or mirrored");
pub(super) const IN_OPTION: Usage = Usage::Mention("the option lists what is matched or allowed");
pub(super) const MIRRORED: Usage =
    Usage::Mention("the keys of a mirror table are registries that clusters may still name");
pub(super) const POLICY: Usage = Usage::Mention("a policy matches images, it does not pull them");
pub(super) const BUILT: Usage = Usage::Pushed("the image is built here");
pub(super) const PUSHED: Usage = Usage::Pushed("images are pushed there, not pulled");
/// The reason for a name in free text.
pub(super) const IN_FREE_TEXT: &str = "it is in free text";
pub(super) const LINK: &str = "a link for readers";
pub(super) const ACCOUNT: Usage = Usage::Mention("it is the registry of an account");

impl Usage {
    pub const PULL: Self = Self::Pull(Certainty::Certain);

    pub const fn likely(reason: &'static str) -> Self {
        Self::Pull(Certainty::Likely(reason))
    }

    pub const fn must_agree(reason: &'static str) -> Self {
        Self::Pull(Certainty::MustAgree(reason))
    }

    /// Returns the name of the usage in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown(_) => "unknown",
            Self::Mention(_) => "mention",
            Self::Observed(_) => "observed",
            Self::Pushed(_) => "pushed",
            Self::Compared(_) => "compared",
            Self::Selector { .. } => "selector",
            Self::Pull(_) => "pull",
        }
    }

    /// Returns the reason why it is not a pull, or not one that can simply be changed.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Unknown(reason)
            | Self::Mention(reason)
            | Self::Observed(reason)
            | Self::Pushed(reason)
            | Self::Compared(reason)
            | Self::Selector { reason, .. }
            | Self::Pull(Certainty::MustAgree(reason) | Certainty::Likely(reason)) => Some(reason),
            Self::Pull(Certainty::Certain) => None,
        }
    }

    /// Limits the certainty of a pull. Other usages stay as they are.
    #[must_use]
    pub fn at_most(self, limit: Certainty) -> Self {
        match self {
            Self::Pull(certainty) => Self::Pull(certainty.min(limit)),
            other => other,
        }
    }

    /// Combines the usage with that of something above. If `above` is a pull, it limits the certainty; any other usage
    /// replaces this one.
    #[must_use]
    pub fn below(self, above: Option<Usage>) -> Self {
        match above {
            None => self,
            Some(Self::Pull(limit)) => self.at_most(limit),
            Some(other) => other,
        }
    }

    /// Adapts the usage to an embedded text.
    #[must_use]
    pub(super) fn in_text(self) -> Self {
        match self {
            Self::Selector {
                reason: MUST_MATCH,
                replaced,
            } => Self::Selector {
                reason: MUST_MATCH_IN_TEXT,
                replaced,
            },
            other => other,
        }
    }

    /// Whether it is the selector of an entry in an embedded text.
    pub(super) fn selects_in_text(self) -> bool {
        matches!(
            self,
            Self::Selector {
                reason: MUST_MATCH_IN_TEXT,
                ..
            }
        )
    }

    /// Whether it follows the images that run, as in the list of an image updater.
    pub fn follows_what_runs(self) -> bool {
        self == UPDATER
    }

    /// Whether it has to list the new location too when images move: in allow-lists, mirror tables and accounts.
    pub fn is_of_registries(self) -> bool {
        matches!(self, ALLOWED | LISTED | MIRRORED | ACCOUNT)
    }

    /// Whether a policy uses it to match images, to allow or to deny them.
    pub fn is_of_policy(self) -> bool {
        self == POLICY
    }

    /// Whether the result of a condition depends on it.
    pub(super) fn is_in_condition(self) -> bool {
        matches!(
            self,
            ASSERTED | Self::Compared(IN_CONDITION | IN_COMMAND | IN_FILTER)
        )
    }

    /// Whether it is a URL for readers. Programs may follow it, too.
    pub fn is_link(self) -> bool {
        matches!(self, Self::Mention(LINK))
    }

    pub fn is_pull(self) -> bool {
        matches!(self, Self::Pull(_))
    }
}
