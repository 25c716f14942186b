//! Resolves a revision such as `origin/main~2`.
//!
//! The library parses. Supported are names, hashes, `^` and `~`. Whatever needs the reflog, the configuration or a search
//! through commit messages is rejected with an error.

use gix_error::{Error as GixError, Result, message};
use gix_hash::{ObjectId, Prefix};
use gix_object::bstr::{BStr, ByteSlice};
use gix_object::{CommitRefIter, Find, FindExt, Kind};
use gix_ref::file::ReferenceExt;
use gix_revision::spec::Kind as SpecKind;
use gix_revision::spec::parse::Delegate;
use gix_revision::spec::parse::delegate::{
    self, Navigate, PeelTo, PrefixHint, ReflogLookup, SiblingBranch, Traversal,
};

use super::repository::{Objects, References};

/// Why a revision could not be resolved.
pub(super) enum Unknown {
    /// It does not exist.
    Nothing,
    /// Git may know it, but regfix does not support its syntax.
    NotUnderstood,
}

/// Resolves a revision to a commit. Without references, only hashes can be resolved.
pub(super) fn commit(
    text: &str,
    objects: &Objects,
    references: Option<&References>,
) -> std::result::Result<ObjectId, Unknown> {
    let mut walk = Walk {
        objects,
        references,
        at: None,
        not_understood: false,
    };
    let parsed = gix_revision::spec::parse(BStr::new(text), &mut walk);
    let peeled = parsed.and_then(|()| walk.peel_until(PeelTo::ObjectKind(Kind::Commit)));
    match (peeled, walk.at) {
        (Ok(()), Some(id)) => Ok(id),
        _ if walk.not_understood => Err(Unknown::NotUnderstood),
        _ => Err(Unknown::Nothing),
    }
}

struct Walk<'r> {
    objects: &'r Objects,
    references: Option<&'r References>,
    /// The object that was reached so far.
    at: Option<ObjectId>,
    not_understood: bool,
}

impl Walk<'_> {
    fn here(&self) -> Result<ObjectId> {
        self.at.ok_or_else(nothing)
    }

    fn not_understood(&mut self) -> Result {
        self.not_understood = true;
        Err(nothing())
    }

    fn parent(&self, id: ObjectId, number: usize) -> Result<ObjectId> {
        let mut buffer = Vec::new();
        let commit: CommitRefIter<'_> = self.objects.find_commit_iter(&id, &mut buffer)?;
        let parent = commit.parent_ids().nth(number - 1);
        parent.ok_or_else(nothing)
    }

    /// Returns the kind of an object, and the target of a tag or the tree of a commit.
    fn inner(&self, id: ObjectId) -> Result<(Kind, Option<ObjectId>)> {
        let mut buffer = Vec::new();
        let object = self.objects.find(&id, &mut buffer)?;
        let inner = match object.kind {
            Kind::Tag => object.try_into_tag_iter().map(|tag| tag.target_id()),
            Kind::Commit => object
                .try_into_commit_iter()
                .map(|mut commit| commit.tree_id()),
            Kind::Tree | Kind::Blob => None,
        };
        Ok((object.kind, inner.transpose()?))
    }
}

fn nothing() -> GixError {
    message("there is no such revision").not_found_error()
}

impl delegate::Revision for Walk<'_> {
    fn find_ref(&mut self, name: &BStr) -> Result {
        let references = self.references.ok_or_else(nothing)?;
        let name = name.to_str().map_err(|_| nothing())?;
        let found = references.try_find(name)?;
        let mut found = found.ok_or_else(nothing)?;
        self.at = Some(
            found
                .follow_to_object_packed(references, None)
                .or_else(|_| {
                    // The call above does not look into `packed-refs`.
                    found.peel_to_id(references, self.objects as &dyn Find)
                })?,
        );
        Ok(())
    }

    fn disambiguate_prefix(&mut self, prefix: Prefix, _: Option<PrefixHint<'_>>) -> Result {
        let found = self.objects.lookup_prefix(prefix, None)?;
        self.at = Some(
            found
                .and_then(std::result::Result::ok)
                .ok_or_else(nothing)?,
        );
        Ok(())
    }

    fn reflog(&mut self, _: ReflogLookup) -> Result {
        self.not_understood()
    }

    fn nth_checked_out_branch(&mut self, _: usize) -> Result {
        self.not_understood()
    }

    fn sibling_branch(&mut self, _: SiblingBranch) -> Result {
        self.not_understood()
    }
}

impl Navigate for Walk<'_> {
    fn traverse(&mut self, kind: Traversal) -> Result {
        self.peel_until(PeelTo::ObjectKind(Kind::Commit))?;
        let mut id = self.here()?;
        match kind {
            Traversal::NthParent(number) => id = self.parent(id, number)?,
            Traversal::NthAncestor(count) => {
                for _ in 0..count {
                    id = self.parent(id, 1)?;
                }
            }
        }
        self.at = Some(id);
        Ok(())
    }

    fn peel_until(&mut self, kind: PeelTo<'_>) -> Result {
        let wanted = match kind {
            PeelTo::ObjectKind(kind) => Some(kind),
            PeelTo::ValidObject => return self.inner(self.here()?).map(drop),
            PeelTo::RecursiveTagObject => None,
            PeelTo::Path(_) => return self.not_understood(),
        };
        // The hash of a tag covers its target, so a chain of tags never returns to itself.
        loop {
            let (kind, inner) = self.inner(self.here()?)?;
            let is_there = match wanted {
                Some(wanted) => kind == wanted,
                None => kind != Kind::Tag,
            };
            if is_there {
                return Ok(());
            }
            self.at = Some(inner.ok_or_else(nothing)?);
        }
    }

    fn find(&mut self, _: &BStr, _: bool) -> Result {
        self.not_understood()
    }

    fn index_lookup(&mut self, _: &BStr, _: u8) -> Result {
        self.not_understood()
    }
}

impl delegate::Kind for Walk<'_> {
    /// A range does not name a commit.
    fn kind(&mut self, _: SpecKind) -> Result {
        Err(nothing())
    }
}

impl Delegate for Walk<'_> {
    fn done(&mut self) -> Result {
        Ok(())
    }
}
