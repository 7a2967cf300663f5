//! Flow logs on the virtual border routers of Express Connect Routers.

pub(crate) mod model;
pub(crate) mod plan;
