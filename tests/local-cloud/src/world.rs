//! What exists and what happened: resources, time and the journal, shared by all services.

pub(crate) mod clock;
pub(crate) mod constraints;
pub(crate) mod journal;
pub(crate) mod regions;
pub(crate) mod sample;
pub(crate) mod seed;
pub(crate) mod shared;
pub(crate) mod state;
pub(crate) mod timeline;
