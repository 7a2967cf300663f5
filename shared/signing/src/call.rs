//! An API call, independent of the signature.

/// One call of an API operation, before it is signed.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The operation, for example `CreateFlowLog`.
    pub action: &'a str,
    /// The version of the product's API, for example `2016-04-28`.
    pub version: &'a str,
    /// The parameters of the operation, except those in `form`. Lists are already flattened (`Tag.1.Key`).
    pub query: &'a [(&'a str, &'a str)],
    /// The parameters that the documents put into the form. HMAC-SHA1 signs query and form as one; ACS3-HMAC-SHA256
    /// does not.
    pub form: &'a [(&'a str, &'a str)],
}
