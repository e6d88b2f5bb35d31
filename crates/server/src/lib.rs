//! The HTTP face of the platform: the API, the Alertmanager API, the log for auditors, health and metrics.
//!
//! There is one route table, [`routes`]; the router, the OpenAPI document and the reference are made from it. Each
//! call passes one gate, which asks who calls and what they may do, bounds what is read, journals refusals and
//! turns whatever goes wrong into problem+json. Behind the gate a handler turns wire types into commands of the
//! domain and rows into wire types; nothing of the wire goes further, and no type of the domain goes out.
//!
//! This crate must not know the store, connectors, argv or how the platform decides. Start at [`router`], then
//! `gate`, then `api`.

mod alertmanager;
mod api;
mod archive;
mod call;
mod error;
mod gate;
mod json;
mod kept;
mod openapi;
mod packing;
mod reference;
mod replay;
mod route;
mod secret;
mod serve;
mod shared;
mod source;
mod stream;
mod token;
pub mod upkeep;
mod upload;
mod view;
mod web;

use std::{future::ready, sync::Arc};

use axum::{Router, extract::Request, routing};

pub use archive::Folder;
pub use error::{Error, Problem};
pub use openapi::document as openapi;
pub use packing::{Packed, Packing};
pub use reference::{RouteFacts, errors_reference, figures_reference, routes, routes_reference};
pub use secret::Secret;
pub use serve::{DRAIN, ServeError, Tls, serve};
pub use shared::{Options, Owner};
pub use source::{Signature, Source};
pub use token::{create_token, token_hash};

use crate::shared::Shared;

/// Everything that is served, made from the route table.
pub fn router(options: Options) -> Router {
    let shared = Arc::new(Shared::new(options));
    let mut router = Router::new();
    for route in route::table() {
        let shared = shared.clone();
        let filter = match route.method {
            route::Method::Get => routing::MethodFilter::GET,
            route::Method::Post => routing::MethodFilter::POST,
            route::Method::Delete => routing::MethodFilter::DELETE,
        };
        let handler = move |request| gate::pass(shared, route, request);
        router = router.route(route.path, routing::on(filter, handler));
    }
    let (no_path, no_method) = (shared.clone(), shared);
    router
        .method_not_allowed_fallback(move |request: Request| ready(gate::no_method(&no_method, &request)))
        .fallback(move |request: Request| ready(gate::no_path(&no_path, &request)))
}
