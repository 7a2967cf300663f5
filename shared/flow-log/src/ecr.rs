//! Flow logs on the virtual border routers of Express Connect Routers.

pub(crate) mod change;
pub(crate) mod desired;
pub(crate) mod model;
pub(crate) mod plan;
