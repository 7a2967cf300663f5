//! A small Alibaba Cloud on one port, for tests, demos and policy authors. Independent of the product's crates.
