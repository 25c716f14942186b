//! Requests, and their answers or the reason why there is none.

use std::io::{self, Read};

use ureq::http::{HeaderMap, Method};

use super::address::Reach;
use super::secret::Secret;
use super::url::Url;

/// A question to a server.
pub(crate) struct Request<'r> {
    pub(crate) method: Method,
    pub(crate) url: &'r Url,
    pub(crate) accept: &'r str,
    pub(crate) authorization: Option<&'r Secret>,
    /// A form, where the method is POST.
    pub(crate) form: Option<&'r Secret>,
    /// A larger body is a fault.
    pub(crate) largest: u64,
}

#[derive(Debug)]
pub(crate) struct Response<B = Vec<u8>> {
    pub(crate) status: u16,
    pub(super) headers: HeaderMap,
    pub(crate) body: B,
}

impl<B> Response<B> {
    /// A header's text; what is not ASCII is no header that we know.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn headers<'s>(&'s self, name: &str) -> impl Iterator<Item = &'s str> + use<'s, B> {
        let all = self.headers.get_all(name).into_iter();
        all.filter_map(|value| value.to_str().ok())
    }
}

/// What a server sends, as it comes.
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

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// We do not connect there.
    Refused(String),
    /// No connection came about.
    Unconnected(String),
    /// It came about, and TLS did not.
    Untrusted(String),
    /// It broke. Another attempt may succeed.
    Broken(String),
    /// What came was too much, too slow or no HTTP. Another attempt would end alike.
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

/// Whether the user or a registry says where to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NamedBy {
    /// The image names this registry.
    User,
    /// A registry names it: as the service for tokens, or as the target of a redirect.
    Registry {
        /// How far inside that registry is.
        reach: Reach,
        /// Whether that registry itself need not be secure.
        insecure: bool,
    },
}
