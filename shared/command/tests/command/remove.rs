//! `remove` against a local cloud.
