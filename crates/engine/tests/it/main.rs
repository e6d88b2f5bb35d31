//! The platform as a whole, over the memory store and a connector that does what the test says.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

mod bench_platform;
mod clock_jumps;
mod way_of_an_alert;
