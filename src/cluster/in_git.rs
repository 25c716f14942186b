//! Where repositories have a row of a cluster.

/// An image that a file of a repository pulls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    pub path: String,
    pub line: usize,
    pub column: usize,
    pub image: String,
    /// The rule, if it is legacy.
    pub rule: Option<String>,
    pub new: Option<String>,
    /// Whether it counts: not only worth knowing.
    pub counts: bool,
    /// Where it is in the structure of the file: `Deployment/web:spec.template.spec.containers[name=app].image`.
    pub field_path: String,
}

/// How sure it is that a file is the source of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sureness {
    /// The file names the same image, perhaps in another tag.
    Possible,
    /// It also names the same kind and container, with a name that a kustomization or a chart may have made longer; or it is where
    /// the source of the row is, or the entry of a kustomization about the image of such a file.
    Likely,
    /// It names the kind, the name, the container and the whole image.
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

/// What the repositories say of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InGit {
    pub state: State,
    /// The best matches, in order of path. Empty where there is none.
    pub sites: Vec<Site>,
    pub sureness: Option<Sureness>,
}

/// Where a legacy image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// In a file and in the cluster.
    Both,
    /// The file has the new image, and the cluster the old one.
    FixedInGit,
    /// In the cluster only.
    ClusterOnly,
}

impl State {
    /// The word for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::FixedInGit => "fixed-in-git",
            Self::ClusterOnly => "cluster-only",
        }
    }
}
