//! A call that carries no signature: what it presents is a token of its own, as in `AssumeRoleWithOIDC`.

use jiff::Timestamp;

use crate::{
    Call,
    acs3::Signed,
    encode::{push_query, seconds},
};

/// Returns a POST of `call` to the path `/` without key and signature. The common parameters are in the query, as in the
/// official SDKs.
#[must_use]
pub fn unsigned_post(call: Call<'_>, time: Timestamp) -> Signed {
    let time = seconds(time);
    let mut parameters =
        vec![("Action", call.action), ("Format", "JSON"), ("Timestamp", &*time), ("Version", call.version)];
    parameters.extend_from_slice(call.query);
    let (mut query, mut form) = (String::new(), String::new());
    push_query(&mut query, &parameters);
    push_query(&mut form, call.form);
    let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
    Signed { headers, query, form }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsigned_post_has_the_common_parameters_in_the_query_and_the_token_in_the_form() {
        let call = Call {
            action: "AssumeRoleWithOIDC",
            version: "2015-04-01",
            query: &[],
            form: &[("RoleArn", "acs:ram::1:role/a"), ("OIDCToken", "the.token")],
        };
        let post = unsigned_post(call, Timestamp::from_second(1_456_231_584).unwrap());
        assert_eq!(
            post.query,
            "Action=AssumeRoleWithOIDC&Format=JSON&Timestamp=2016-02-23T12%3A46%3A24Z&Version=2015-04-01"
        );
        assert_eq!(post.form, "OIDCToken=the.token&RoleArn=acs%3Aram%3A%3A1%3Arole%2Fa");
        assert_eq!(format!("{post:?}"), "Signed { .. }", "the token cannot be printed");
    }
}
