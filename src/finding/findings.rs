//! The findings of one file while it is judged. Each keeps its id while others are added and removed.

use std::ops::{Deref, DerefMut};

use super::Finding;

/// The id of a finding, unique in its file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(u32);

impl Id {
    /// The id of a finding that is not in any [`Findings`] yet.
    const NONE: Self = Self(0);
}

/// The findings of one file.
#[derive(Debug, Default)]
pub struct Findings {
    /// In the order of their ids.
    all: Vec<Finding>,
    last: Id,
}

impl Findings {
    /// Adds a finding, and gives it an id.
    pub fn add(&mut self, mut finding: Finding) -> Id {
        self.last.0 += 1;
        finding.id = self.last;
        self.all.push(finding);
        self.last
    }

    pub fn get(&self, id: Id) -> Option<&Finding> {
        self.index(id).map(|index| &self.all[index])
    }

    pub fn get_mut(&mut self, id: Id) -> Option<&mut Finding> {
        self.index(id).map(|index| &mut self.all[index])
    }

    fn index(&self, id: Id) -> Option<usize> {
        self.all.binary_search_by_key(&id, |one| one.id).ok()
    }

    pub fn retain(&mut self, keep: impl FnMut(&Finding) -> bool) {
        self.all.retain(keep);
    }

    /// Takes all findings out, for [`put_back`](Self::put_back).
    pub fn take(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.all)
    }

    /// Puts findings back that were taken out, with the ids that they had. New findings among them get new ids.
    pub fn put_back(&mut self, findings: Vec<Finding>) {
        let (known, new): (Vec<_>, Vec<_>) =
            findings.into_iter().partition(|one| one.id != Id::NONE);
        self.all = known;
        self.all.sort_by_key(|one| one.id);
        self.extend(new);
    }

    /// Sorts the findings by their spans. All get new ids.
    pub fn arrange(&mut self) {
        let mut all = self.take();
        all.sort_by_key(Finding::span);
        self.extend(all);
    }
}

impl From<Vec<Finding>> for Findings {
    fn from(found: Vec<Finding>) -> Self {
        let mut findings = Self::default();
        findings.extend(found);
        findings
    }
}

impl Extend<Finding> for Findings {
    fn extend<I: IntoIterator<Item = Finding>>(&mut self, found: I) {
        found.into_iter().for_each(|one| {
            self.add(one);
        });
    }
}

impl Deref for Findings {
    type Target = [Finding];

    fn deref(&self) -> &[Finding] {
        &self.all
    }
}

impl DerefMut for Findings {
    fn deref_mut(&mut self) -> &mut [Finding] {
        &mut self.all
    }
}

impl<'f> IntoIterator for &'f Findings {
    type Item = &'f Finding;
    type IntoIter = std::slice::Iter<'f, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.iter()
    }
}

impl<'f> IntoIterator for &'f mut Findings {
    type Item = &'f mut Finding;
    type IntoIter = std::slice::IterMut<'f, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Label, Severity};
    use crate::source::Span;

    fn findings(images: &[&str]) -> Findings {
        let finding = |(index, image): (usize, &&str)| {
            let label = Label::new(Span::new(index, index + 1), "");
            let message = "moved".to_owned();
            Finding::new(
                "moved",
                Severity::Warning,
                message,
                vec![label],
                (*image).to_owned(),
            )
        };
        let all: Vec<Finding> = images.iter().enumerate().map(finding).collect();
        all.into()
    }

    #[test]
    fn an_id_holds_while_others_come_and_go() {
        let mut findings = findings(&["a", "b", "c"]);
        let [first, second, third] = [0, 1, 2].map(|index| findings[index].id);
        let copy = findings[2].clone();
        let added = findings.add(copy);
        assert_ne!(added, third, "a copy is another finding");
        findings.retain(|one| one.id != first);
        let mut left = findings.take();
        left.retain(|one| one.id != third);
        left.reverse();
        findings.put_back(left);
        let old = |id| findings.get(id).map(|one| one.old.as_str());
        assert_eq!(old(first), None);
        assert_eq!(old(second), Some("b"));
        assert_eq!(old(third), None);
        assert_eq!(old(added), Some("c"));
    }

    #[test]
    fn what_is_put_back_without_an_id_gets_one_of_its_own() {
        let mut all = findings(&["a"]);
        let mut left = all.take();
        let known = left[0].id;
        let mut new = left[0].clone();
        new.id = Id::NONE;
        left.insert(0, new);
        all.put_back(left);
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].id, known);
        assert!(all[1].id > known);
    }

    #[test]
    fn findings_are_arranged_by_their_spans() {
        let mut all = findings(&["a", "b"]);
        let mut found = all.take();
        found.reverse();
        let mut all = Findings::from(found);
        assert_eq!(all[0].old, "b");
        all.arrange();
        let old: Vec<&str> = all.iter().map(|one| one.old.as_str()).collect();
        assert_eq!(old, ["a", "b"]);
        let id = all[1].id;
        assert_eq!(all.get(id).unwrap().old, "b");
    }
}
