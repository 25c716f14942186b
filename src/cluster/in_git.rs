//! The locations in repositories that name the image of a row.

/// An image that a file of a repository pulls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    pub path: String,
    pub line: usize,
    pub column: usize,
    pub image: String,
    /// The rule, if the image is legacy.
    pub rule: Option<String>,
    pub new: Option<String>,
    /// Whether it affects the exit code.
    pub counts: bool,
    /// Its location in the structure of the file: `Deployment/web:spec.template.spec.containers[name=app].image`.
    pub field_path: String,
}

/// How sure it is that a file is the source of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sureness {
    /// The file names the same image, perhaps with another tag.
    Possible,
    /// It also names the same kind and container, with a name that a kustomization or a chart may have made longer; or it is at
    /// the source of the row; or it is a kustomization's entry for an image of such a file.
    Likely,
    /// It names the same kind, name, container and whole image.
    Exact,
}

impl Sureness {
    pub fn name(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Exact => "exact",
        }
    }
}

/// The matches for a row in the repositories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InGit {
    pub state: State,
    /// The best matches, in order of path. Empty if there are none.
    pub sites: Vec<Site>,
    pub sureness: Option<Sureness>,
}

/// The location of a legacy image: the cluster, a file, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// In a file and in the cluster.
    Both,
    /// The file has the new image, and the cluster the old one.
    FixedInGit,
    /// Only in the cluster.
    ClusterOnly,
}

impl State {
    /// The name in machine-readable output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::FixedInGit => "fixed-in-git",
            Self::ClusterOnly => "cluster-only",
        }
    }
}
