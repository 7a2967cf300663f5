//! Each promise of the README, from event to resulting state.
