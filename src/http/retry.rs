//! When a request is worth another attempt, and after what pause.

use std::time::Duration;

use super::message::Response;

/// The pause before the second attempt. It doubles before each further one.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The same for a host that limits requests without a `Retry-After`.
pub(crate) const FIRST_LIMIT: Duration = Duration::from_millis(500);

pub(crate) fn longer(pause: Duration, times: u32) -> Duration {
    pause.saturating_mul(2_u32.saturating_pow(times))
}

/// Whether the host asks for fewer requests.
pub(crate) fn wants_a_pause<B>(response: &Response<B>) -> bool {
    response.status == 429 || (response.status == 503 && response.header("retry-after").is_some())
}

/// Returns how long the host asks us to wait, if it says so.
pub(crate) fn pause_said<B>(response: &Response<B>) -> Option<Duration> {
    response.header("retry-after").and_then(retry_after)
}

/// Whether the status is a server failure that may be over in a moment.
pub(crate) fn is_trouble(status: u16) -> bool {
    matches!(status, 500 | 502 | 503 | 504)
}

/// Parses the value of a `Retry-After` header: seconds or a date.
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
