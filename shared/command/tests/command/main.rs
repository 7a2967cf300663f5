//! The command as people run it: the built binary, its files, its environment, and servers over sockets.
#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod apply;
mod certificates;
mod check;
mod conventions;
mod cost;
mod exchanges;
mod explain;
mod explain_live;
mod init;
mod order;
mod pages;
mod plan;
mod pty;
mod reader;
mod remove;
mod report;
mod schedule;
mod server;
mod sessions;
mod support;
mod whoami;
mod world;
