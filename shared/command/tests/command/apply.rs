//! `apply` against a local cloud.
