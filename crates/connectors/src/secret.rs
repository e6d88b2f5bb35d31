//! A value that must not be seen.

use std::fmt;

/// A secret, such as the value of an `Authorization` header. It cannot be printed or serialised by accident: `Debug`
/// writes `***`, and there is neither `Display` nor `Serialize`; nor can it be compared, for the time would tell of it.
#[derive(Clone)]
pub struct Secret(Box<str>);

impl Secret {
    pub fn new(value: impl Into<Box<str>>) -> Secret {
        Secret(value.into())
    }

    /// The value, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
