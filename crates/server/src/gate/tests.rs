//! A handler that panics.

use super::{caught, panicked};
use crate::{Problem, error::Error};

#[tokio::test]
async fn a_panic_ends_one_call_and_its_text_stays_inside() {
    let reply = Box::pin(async {
        tokio::task::yield_now().await;
        if true {
            panic!("secret {}", 1);
        }
        Err(Error::unauthenticated())
    });
    let error = panicked(&*caught(reply).await.unwrap_err());
    assert_eq!(error.problem(), Problem::Internal);
    assert!(!error.detail().contains("secret"), "{error}");
    assert_eq!(error.cause(), Some("panic: secret 1"));
}
