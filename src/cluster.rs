//! The objects of a cluster, from a saved dump, from `kubectl`, or from the API server of the pod's own cluster; and where the
//! images in them come from.
//!
//! Objects arrive one by one (`read`), each is reduced to what matters ([`Judge`]), and the inventory groups them by the root
//! of their owners and finds out who put that there. This module knows no command line and prints nothing.

#[cfg(feature = "online")]
mod api;
mod chart;
mod collect;
mod container;
mod crd;
mod field_path;
mod identity;
mod image_use;
mod in_git;
mod inventory;
mod judge;
mod kubectl;
mod labels;
mod object;
mod origin;
mod patch;
mod read;
mod repo;
pub mod report;
mod server;
mod source;
mod spelled;

#[cfg(feature = "online")]
pub use api::{ApiServer, SERVICE_ACCOUNT, is_in_pod};
pub use chart::Chart;
pub use collect::{Collected, Collector, collect};
pub use container::{Container, Role};
pub use crd::resource;
pub use identity::Identity;
pub use image_use::{Change, Judged, Use};
pub use in_git::{InGit, Site, State as GitState, Sureness};
pub use inventory::{Inventory, Presence, Replicas, Row, State};
pub use judge::Judge;
pub use kubectl::Kubectl;
pub use object::Object;
pub use origin::{Manager, Origin};
pub use patch::script;
pub use read::{ReadError, Unread, read};
pub use repo::{GitOnly, join};
pub use server::{Query, Refusal, Server};
pub use source::Location;
