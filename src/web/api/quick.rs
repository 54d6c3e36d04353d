//! Reads that are answered from memory, without looking for a route: what the catalog is asked most.
//!
//! A route costs a handful of allocations, which is more than finding an entity does. Only plain requests are answered
//! here, by the same functions as in the router. Whatever is unusual, a wrong parameter, a token that was not seen before,
//! a conditional request, another site's, the database being away, is left to the router and its layers.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, header};
use axum::response::Response;

use super::{bearer, catalog};
use crate::auth::Auth;
use crate::catalog::Catalog;
use crate::permission::Credentials;
use crate::web::AppState;
use crate::web::observe::{self, Route};
use crate::web::page::Site;

/// What quick answers need.
pub(crate) struct Quick {
    auth: Auth,
    catalog: Catalog,
    site: Arc<Site>,
}

/// What makes a request more than a plain one.
const UNUSUAL: [HeaderName; 4] = [header::COOKIE, header::ORIGIN, header::ACCEPT_ENCODING, header::IF_NONE_MATCH];

impl Quick {
    pub(crate) fn new(state: &AppState) -> Self {
        Self { auth: state.auth.clone(), catalog: state.catalog.clone(), site: Arc::clone(&state.site) }
    }

    /// The answer; none if the router is to give it.
    pub(crate) fn answer(&self, request: &Parts) -> Option<Response> {
        let path = request.uri.path().strip_prefix("/api/catalog/")?;
        let is_plain = request.method == Method::GET && !UNUSUAL.iter().any(|name| request.headers.contains_key(name));
        if !is_plain || self.site.reach.lost_since().is_some() {
            return None;
        }
        let who = self.caller(&request.headers)?;
        let (route, mut response) = catalog::recall(&self.catalog, &who, path, request.uri.query())?;
        observe::tell(Some(Route::Quick(route)), &mut response);
        Some(response)
    }

    fn caller(&self, headers: &HeaderMap) -> Option<Credentials> {
        if !headers.contains_key(header::AUTHORIZATION) {
            return self.auth.is_open().then(Credentials::anonymous);
        }
        self.auth.known(bearer(headers)?, "catalog")?.ok()
    }
}
