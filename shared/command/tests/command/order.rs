//! Which source decides.

use flowkeeper::credentials::{Found, Sources, error::SourceError, find};
use jiff::Timestamp;
use settings::Settings;

use crate::support::Home;

const CONFIG: &str = r#"{"current": "prod", "profiles": [
    {"name": "prod", "mode": "AK", "access_key_id": "id-of-prod", "access_key_secret": "planted", "region_id": "cn-beijing"},
    {"name": "audit", "mode": "ChainableRamRoleArn", "source_profile": "prod", "ram_role_arn": "acs:ram::2:role/audit"},
    {"name": "broken", "mode": "AK", "access_key_id": "id"}]}"#;
const INI: &str = "[default]\ntype = access_key\naccess_key_id = id-of-ini\naccess_key_secret = planted\n[other]\ntype = ecs_ram_role\n";
const KEYS: [(&str, &str); 2] =
    [("ALIBABA_CLOUD_ACCESS_KEY_ID", "id-of-env"), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "planted")];
const OIDC: [(&str, &str); 3] = [
    ("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::2:role/audit"),
    ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "acs:ram::2:oidc-provider/a"),
    ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "/run/token"),
];

fn found(home: &Home, profile: Option<&str>, env: &[(&str, &str)]) -> Result<Found, SourceError> {
    let env = Settings::from_pairs(env.iter().copied());
    let now: Timestamp = "2026-11-26T10:00:00Z".parse().unwrap();
    find(&Sources { env: &env, home: Some(home.path()), profile, now })
}

fn text(home: &Home, profile: Option<&str>, env: &[(&str, &str)]) -> String {
    found(home, profile, env).unwrap().origin.text
}

#[test]
fn the_first_source_that_is_there_decides() {
    let home = Home::with(&[(".aliyun/config.json", CONFIG), (".alibabacloud/credentials", INI)]);
    let more = [("ALIBABA_CLOUD_ECS_METADATA", "node"), ("ALIBABA_CLOUD_CREDENTIALS_URI", "http://127.0.0.1:1/x")];
    let ignore = ("ALIBABA_CLOUD_IGNORE_PROFILE", "TRUE");
    let all = [&KEYS[..], &OIDC, &more].concat();
    assert_eq!(text(&home, Some("prod"), &all), "profile \"prod\" of ~/.aliyun/config.json (AK)");
    assert_eq!(text(&home, None, &all), "the environment (ALIBABA_CLOUD_ACCESS_KEY_ID)");
    assert_eq!(text(&home, None, &all[2..]), "the environment (OIDC, the role acs:ram::2:role/audit)");
    assert_eq!(text(&home, None, &more), "profile \"prod\" of ~/.aliyun/config.json (AK)");
    let ini = text(&home, None, &[more[0], more[1], ignore]);
    assert_eq!(ini, "section [default] of ~/.alibabacloud/credentials (access_key)");
    let empty = Home::new();
    assert_eq!(text(&empty, None, &more), "the ECS role node (ALIBABA_CLOUD_ECS_METADATA)");
    assert_eq!(text(&empty, None, &more[1..]), "the environment (ALIBABA_CLOUD_CREDENTIALS_URI)");
    assert_eq!(text(&empty, None, &[]), "the metadata service of this ECS instance");
}

#[test]
fn a_source_that_cannot_be_used_is_an_error_and_the_next_one_is_not_asked() {
    let home = Home::with(&[(".aliyun/config.json", CONFIG), (".alibabacloud/credentials", INI)]);
    let both = [("ALIBABA_CLOUD_PROFILE", "gone"), ("ALIBABA_CLOUD_ECS_METADATA", "node")];
    for (profile, env, says) in [
        (Some("broken"), &KEYS[..], "profile \"broken\" of ~/.aliyun/config.json: its mode AK needs access_key_secret"),
        (Some("gone"), &KEYS, "--profile: there is no profile \"gone\" in ~/.aliyun/config.json, ~/.alibabacloud"),
        (None, &KEYS[..1], "the environment: ALIBABA_CLOUD_ACCESS_KEY_ID is set, and ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
        (
            None,
            &OIDC[1..],
            "the environment: ALIBABA_CLOUD_OIDC_PROVIDER_ARN and ALIBABA_CLOUD_OIDC_TOKEN_FILE without",
        ),
        (None, &both, "ALIBABA_CLOUD_PROFILE: there is no profile \"gone\""),
        (None, &[("ALIBABA_CLOUD_PROFILE", "broken")], "profile \"broken\" of"),
        (None, &[("ALIBABA_CLOUD_CONFIG_FILE", "/nowhere.json")], "ALIBABA_CLOUD_CONFIG_FILE: /nowhere.json does not"),
    ] {
        let error = found(&home, profile, env).unwrap_err();
        assert!(error.to_string().starts_with(says), "{error}");
        assert!(!error.remedy.is_empty() && !format!("{error:?}").contains("planted"), "{error:?}");
    }
    let remedy = found(&home, Some("gone"), &[]).unwrap_err().remedy;
    assert_eq!(remedy, "use one of prod, audit, broken, default, other, or run `aliyun configure --profile gone`");
}

#[test]
fn a_profile_is_named_by_the_option_the_environment_or_the_file_itself() {
    let home = Home::with(&[(".aliyun/config.json", CONFIG), (".alibabacloud/credentials", INI)]);
    let by_variable = text(&home, None, &[("ALIBABA_CLOUD_PROFILE", "audit")]);
    assert_eq!(by_variable, "profile \"audit\" of ~/.aliyun/config.json (ChainableRamRoleArn)");
    assert_eq!(
        text(&home, Some("other"), &[]),
        "section [other] of ~/.alibabacloud/credentials (ecs_ram_role)",
        "a section has a name, too"
    );
    let region = found(&home, Some("prod"), &[]).unwrap().region;
    assert_eq!(region, Some(("cn-beijing".to_owned(), "profile \"prod\" of ~/.aliyun/config.json".to_owned())));
    let exported = found(&home, Some("prod"), &[("ALIBABA_CLOUD_REGION", "me-east-1")]).unwrap().region;
    assert_eq!(exported, Some(("me-east-1".to_owned(), "ALIBABA_CLOUD_REGION".to_owned())));
}

#[test]
fn one_variable_names_files_of_two_formats() {
    let home = Home::with(&[("a.json", CONFIG), ("b.ini", INI), ("default.ini", INI)]);
    for (file, expected) in
        [("a.json", "profile \"prod\" of ~/a.json (AK)"), ("b.ini", "section [default] of ~/b.ini (access_key)")]
    {
        let path = home.path().join(file);
        let env = [("ALIBABA_CLOUD_CREDENTIALS_FILE", path.to_str().unwrap())];
        assert_eq!(text(&home, None, &env), expected);
    }
    let python = Home::with(&[(".alibabacloud/credentials.ini", INI)]);
    assert_eq!(text(&python, None, &[]), "section [default] of ~/.alibabacloud/credentials.ini (access_key)");
    let off = Home::with(&[(".alibabacloud/credentials", "[default]\nenable = false\n")]);
    assert_eq!(text(&off, None, &[]), "the metadata service of this ECS instance");
}

#[test]
fn it_is_said_if_the_aliyun_cli_would_use_another_identity_and_if_a_key_never_expires() {
    let home = Home::with(&[(".aliyun/config.json", CONFIG)]);
    let notes = found(&home, None, &KEYS).unwrap().notes;
    assert_eq!(
        notes[0],
        "the exported key id-of-env is used; the aliyun CLI would use profile \"prod\" of ~/.aliyun/config.json; \
         `--profile prod` chooses that"
    );
    assert!(notes[1].contains("holds a key that never expires"), "{notes:?}");
    let role =
        CONFIG.replace("\"AK\", \"access_key_id\": \"id-of-prod\"", "\"RamRoleArn\", \"access_key_id\": \"id-of-env\"");
    let assumed = Home::with(&[(".aliyun/config.json", &role)]);
    let notes_of_role = found(&assumed, None, &KEYS).unwrap().notes;
    assert!(notes_of_role[0].contains("the aliyun CLI would use profile \"prod\""), "with that key, it assumes a role");
    let same = [("ALIBABA_CLOUD_ACCESS_KEY_ID", "id-of-prod"), KEYS[1], ("ALIBABA_CLOUD_SECURITY_TOKEN", "t")];
    assert_eq!(found(&home, None, &same).unwrap().notes, [""; 0]);
    let ignored = [KEYS[0], KEYS[1], ("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "true")];
    assert_eq!(found(&home, None, &ignored).unwrap().notes.len(), 1);
}

#[test]
fn without_any_source_it_is_said_where_was_looked() {
    let error = found(&Home::new(), None, &[("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no credentials: none in the environment, ~/.aliyun/config.json, ~/.alibabacloud/credentials, \
         ~/.alibabacloud/credentials.ini"
    );
    assert!(error.remedy.starts_with("run `aliyun configure`"));
    let both = [("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true"), ("ALIBABA_CLOUD_ECS_METADATA", "node")];
    assert!(found(&Home::new(), None, &both).is_err(), "a role that is named and forbidden is an error");
}

#[test]
fn no_file_is_written() {
    let home = Home::with(&[(".aliyun/config.json", CONFIG)]);
    let before = std::fs::metadata(home.path().join(".aliyun/config.json")).unwrap().modified().unwrap();
    found(&home, Some("audit"), &[]).unwrap();
    assert_eq!(std::fs::read_to_string(home.path().join(".aliyun/config.json")).unwrap(), CONFIG);
    assert_eq!(std::fs::metadata(home.path().join(".aliyun/config.json")).unwrap().modified().unwrap(), before);
}
