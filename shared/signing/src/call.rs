//! What is asked of a product, whatever it is signed with.

/// One call of an operation, before anything of its signature is known.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The operation, for example `CreateFlowLog`.
    pub action: &'a str,
    /// The version of the product's API, for example `2016-04-28`.
    pub version: &'a str,
    /// The operation's own parameters, lists already flattened (`Tag.1.Key`), but for those in `form`.
    pub query: &'a [(&'a str, &'a str)],
    /// Those that its documents put into the form. HMAC-SHA1 signs both as one; ACS3-HMAC-SHA256 does not.
    pub form: &'a [(&'a str, &'a str)],
}
