//! The configuration of each folder. Each folder is inspected once.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use super::Settings;
use super::area::{Area, Repository};
use crate::config::{self, Found};
use crate::source::lexically_normal;
use crate::walk;

/// The settings of a folder.
#[derive(Clone)]
pub(super) struct Spot {
    real: PathBuf,
    pub(super) repository: Arc<Repository>,
    /// `None` if its configuration is broken.
    pub(super) area: Option<Arc<Area>>,
}

impl Settings<'_> {
    pub(super) fn spot(&self, folder: &Path) -> Arc<Spot> {
        let spots = self.spots.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(spot) = spots.get(folder.as_os_str()) {
            return Arc::clone(spot);
        }
        drop(spots);
        // The walk goes down folder by folder, so the parent is usually known.
        let spot = match (folder.parent(), folder.file_name()) {
            (Some(above), Some(name)) if self.is_below_root(folder) => {
                self.step(&self.spot(above), Path::new(name))
            }
            _ => self.down_to(folder),
        };
        let mut spots = self.spots.write().unwrap_or_else(PoisonError::into_inner);
        let spot = spots.entry(folder.into()).or_insert(Arc::new(spot));
        Arc::clone(spot)
    }

    /// Notes from the names in a folder that the settings of its parent apply. Checking the disk for each possible settings
    /// file takes longer than reading a small manifest.
    pub(in crate::run) fn listed(&self, folder: &Path, names: &mut dyn Iterator<Item = &OsStr>) {
        let (Some(above), Some(name)) = (folder.parent(), folder.file_name()) else {
            return;
        };
        let mut of_use = names.filter(|name| config::is_of_use(name));
        if of_use.next().is_some() || !self.is_below_root(folder) {
            return;
        }
        let above = self.spot(above);
        let spot = Spot {
            real: above.real.join(name),
            ..(*above).clone()
        };
        let mut spots = self.spots.write().unwrap_or_else(PoisonError::into_inner);
        spots.entry(folder.into()).or_insert(Arc::new(spot));
    }

    fn is_below_root(&self, folder: &Path) -> bool {
        let is_above_here = folder.starts_with("..");
        let mut above = folder.ancestors().skip(1);
        above.any(|above| {
            self.roots.contains(above) && !(is_above_here && above.as_os_str().is_empty())
        })
    }

    /// Inspects all folders from the top of the repository down to this one.
    fn down_to(&self, folder: &Path) -> Spot {
        let full = lexically_normal(&self.here.join(folder));
        let real = match self.files.top_of(&full) {
            Some(_) => full,
            // The file and its folder may have been deleted.
            None => full.ancestors().find_map(walk::real).unwrap_or(full),
        };
        let top = match self
            .files
            .top_of(&real)
            .or_else(|| config::repository(&real))
        {
            Some(top) => top.to_owned(),
            None if real.starts_with(&self.here) => self.here.clone(),
            None => real.clone(),
        };
        let steps = real.strip_prefix(&top).map(Path::to_owned);
        let start = self.start(&top);
        let steps = steps.unwrap_or_default();
        steps
            .components()
            .fold(start, |spot, step| self.step(&spot, step.as_ref()))
    }

    /// Inspects the top folder of a repository, or a folder outside of repositories.
    fn start(&self, top: &Path) -> Spot {
        let repository = self.repository(top);
        if repository.is_git && !self.source.is_same_everywhere() {
            self.note_passed_over(top);
        }
        let area = self.find(top, &repository).unwrap_or_else(|why| {
            let _ = repository.broken.set(why);
            None
        });
        let area = match (area, repository.broken.get()) {
            (None, None) => self.area(None, &repository),
            (area, _) => area,
        };
        Spot {
            real: top.to_owned(),
            repository,
            area,
        }
    }

    fn step(&self, above: &Spot, name: &Path) -> Spot {
        let real = above.real.join(name);
        if self.files.top_of(&real).is_none() && real.join(".git").exists() {
            return self.start(&real);
        }
        // Outside of repositories, a broken configuration must not exclude other folders.
        let repository = || match above.repository.is_git {
            true => Arc::clone(&above.repository),
            false => self.repository(&real),
        };
        match self.find(&real, &above.repository) {
            Ok(None) => Spot {
                real,
                ..above.clone()
            },
            Ok(area) => {
                let repository = area.as_ref().map(|area| Arc::clone(&area.repository));
                Spot {
                    repository: repository.unwrap_or_else(|| Arc::clone(&above.repository)),
                    real,
                    area,
                }
            }
            Err(why) => {
                let repository = repository();
                let _ = repository.broken.set(why);
                Spot {
                    real,
                    repository,
                    area: None,
                }
            }
        }
    }

    /// The area of the configuration in a folder, if there is one.
    fn find(&self, folder: &Path, around: &Arc<Repository>) -> Result<Option<Arc<Area>>, String> {
        if self.source.is_same_everywhere() {
            return Ok(None);
        }
        let is_top = folder == around.top || folder == self.here;
        let there = |path: &Path| self.files.is_there(path);
        let Some(path) = config::in_folder(folder, is_top, &there)? else {
            return Ok(None);
        };
        let repository = match around.is_git {
            true => Arc::clone(around),
            false => self.repository(folder),
        };
        let top = repository.top.clone();
        let area = self.area(Some(&Found { path, top }), &repository);
        match (area, repository.broken.get()) {
            (None, Some(why)) => Err(why.clone()),
            (area, _) => Ok(area),
        }
    }
}
