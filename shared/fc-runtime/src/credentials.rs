//! Credentials from Function Compute's environment variables.

use settings::Settings;
use signing::Credentials;

/// Returns the credentials that Function Compute puts into the environment of a function with a role.
///
/// A user's own key may come without a token. A key id without a secret, or the reverse, is not a key.
#[must_use]
pub fn environment_credentials(settings: &Settings) -> Option<Credentials> {
    let id = settings.get("ALIBABA_CLOUD_ACCESS_KEY_ID")?;
    let secret = settings.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET")?;
    let credentials = Credentials::new(id, secret);
    Some(match settings.get("ALIBABA_CLOUD_SECURITY_TOKEN") {
        Some(token) => credentials.with_security_token(token),
        None => credentials,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_the_environment_needs_no_token_but_both_of_its_halves() {
        const ID: (&str, &str) = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "id");
        const SECRET: (&str, &str) = ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret");
        const TOKEN: (&str, &str) = ("ALIBABA_CLOUD_SECURITY_TOKEN", "token");
        let key = Credentials::new("id", "secret");
        let found = |pairs: &[(&str, &str)]| environment_credentials(&Settings::from_pairs(pairs.iter().copied()));
        assert_eq!(found(&[ID, SECRET]), Some(key.clone()));
        assert_eq!(found(&[ID, SECRET, TOKEN]), Some(key.with_security_token("token")));
        assert_eq!(found(&[ID, TOKEN]), None);
        assert_eq!(found(&[SECRET, TOKEN]), None);
        assert_eq!(found(&[ID, ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "")]), None);
    }
}
