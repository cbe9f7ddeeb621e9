//! A recording as JSON: the shape of `list`, `show` and every sidecar. It lives with the doors, which show the same.

pub(crate) use web::sound::view::{CAUSES, event, gaps, hex, recording};
