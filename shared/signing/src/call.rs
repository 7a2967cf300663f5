//! What is asked of a product, whatever it is signed with.

/// One call of an operation, before anything of its signature is known.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The operation, for example `CreateFlowLog`.
    pub action: &'a str,
    /// The version of the product's API, for example `2016-04-28`.
    pub version: &'a str,
    /// The operation's own parameters, lists already flattened (`Tag.1.Key`).
    pub parameters: &'a [(&'a str, &'a str)],
}
