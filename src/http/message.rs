//! Requests, responses, and the reasons why there is no response.

use std::io::{self, Read};

use ureq::http::{HeaderMap, Method};

use super::address::Reach;
use super::secret::Secret;
use super::url::Url;

/// A request to a server.
pub(crate) struct Request<'r> {
    pub(crate) method: Method,
    pub(crate) url: &'r Url,
    pub(crate) accept: &'r str,
    pub(crate) authorization: Option<&'r Secret>,
    /// The form to send if the method is POST.
    pub(crate) form: Option<&'r Secret>,
    /// The size limit of the body, in bytes.
    pub(crate) largest: u64,
}

#[derive(Debug)]
pub(crate) struct Response<B = Vec<u8>> {
    pub(crate) status: u16,
    pub(super) headers: HeaderMap,
    pub(crate) body: B,
}

impl<B> Response<B> {
    /// Returns a header's value. `None` if it is absent or not ASCII.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn headers<'s>(&'s self, name: &str) -> impl Iterator<Item = &'s str> + use<'s, B> {
        let all = self.headers.get_all(name).into_iter();
        all.filter_map(|value| value.to_str().ok())
    }
}

/// The body of a response, which is read as it arrives.
pub(crate) struct Body {
    pub(super) reader: ureq::BodyReader<'static>,
    pub(super) left: u64,
    pub(super) largest: u64,
    pub(super) authority: String,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => {
                let Self {
                    largest, authority, ..
                } = self;
                let message = format!("{authority} sends more than {largest} bytes");
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
            }
        }
        Ok(count)
    }
}

pub(super) fn is_too_much(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::FileTooLarge
}

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// We do not connect to this host.
    Refused(String),
    /// No connection could be made.
    Unconnected(String),
    /// The connection was made, but TLS failed.
    Untrusted(String),
    /// The connection broke. Another attempt may succeed.
    Broken(String),
    /// The response was too large, too slow or not HTTP. Another attempt would end the same way.
    Unusable(String),
}

impl Fault {
    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::Refused(reason)
            | Self::Unconnected(reason)
            | Self::Untrusted(reason)
            | Self::Broken(reason)
            | Self::Unusable(reason) => reason,
        }
    }
}

/// Who chose the host that we connect to: the user or a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NamedBy {
    /// The user, for example with the name of an image.
    User,
    /// A registry, as its token service or as the target of a redirect.
    Registry {
        /// The reach of that registry.
        reach: Reach,
        /// Whether that registry may use plain HTTP.
        insecure: bool,
    },
}
