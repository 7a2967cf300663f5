//! A small Alibaba Cloud on one port.
fn main() {}
