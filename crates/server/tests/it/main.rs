//! The API as callers meet it: requests through the router, in process, without sockets.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod alertmanager;
