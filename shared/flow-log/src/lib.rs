//! What a flow log is, what a policy wants of it, and which calls make it so. No I/O, no clock.
