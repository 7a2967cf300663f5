//! Speed and memory beside a bare hyper server that makes the same calls.
