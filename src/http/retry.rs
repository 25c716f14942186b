//! When a request is worth another attempt, and after which pause.

use std::time::Duration;

use super::message::Response;

/// Before a second attempt; twice as long before each further one.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The same, where a host limits requests without saying when to come back.
pub(crate) const FIRST_LIMIT: Duration = Duration::from_millis(500);

pub(crate) fn longer(pause: Duration, times: u32) -> Duration {
    pause.saturating_mul(2_u32.saturating_pow(times))
}

/// A host that wants fewer requests.
pub(crate) fn wants_a_pause<B>(response: &Response<B>) -> bool {
    response.status == 429 || (response.status == 503 && response.header("retry-after").is_some())
}

/// How long it wants us to wait, if it says so.
pub(crate) fn pause_said<B>(response: &Response<B>) -> Option<Duration> {
    response.header("retry-after").and_then(retry_after)
}

/// A server's trouble that may be over in a moment.
pub(crate) fn is_trouble(status: u16) -> bool {
    matches!(status, 500 | 502 | 503 | 504)
}

/// The value of a `Retry-After` header: seconds, or a date.
fn retry_after(value: &str) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?;
    let left = date.timestamp().duration_since(jiff::Timestamp::now());
    Some(left.try_into().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_to_come_back() {
        assert_eq!(retry_after(" 120 "), Some(Duration::from_secs(120)));
        assert_eq!(
            retry_after("Wed, 21 Oct 2015 07:28:00 GMT"),
            Some(Duration::ZERO)
        );
        let later = retry_after("Wed, 21 Oct 2065 07:28:00 GMT").unwrap();
        assert!(later > Duration::from_secs(3600 * 24 * 365));
        for value in ["", "-1", "soon", "99999999999999999999999"] {
            assert_eq!(retry_after(value), None, "{value}");
        }
    }
}
