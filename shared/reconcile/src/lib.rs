//! Fetch, plan, apply, report: what every function does with the resources it was woken for.
