//! Function Compute's custom-runtime contract on hyper: server, invocation, settings, answer, log.
