//! In what the functions differ.

/// In what the functions differ, besides what wakes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duty {
    /// The name of the function.
    pub function: &'static str,
    /// What it looks at.
    pub looks_at: LooksAt,
    /// The calls that change something and that it may make, by the API's names. Its RAM role allows no other.
    pub may: &'static [&'static str],
}

/// What a function looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LooksAt {
    /// Every resource at a level of the policy.
    Resources,
    /// The resources of which a schedule or a tag says when their flow logs are on.
    Scheduled,
    /// The flow logs of ours whose resource is gone.
    Orphans,
    /// The virtual border routers on Express Connect Routers.
    Routers,
}
