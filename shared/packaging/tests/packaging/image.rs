//! The container image: its archive is what the specification says, and its program runs with nothing around it.

use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, ExitStatus},
};

use jsonschema::{Retrieve, Uri};
use packaging::sha256;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    PATH,
    command::{VERSION, artifact},
    is_root,
    names::{NAME, Network, write_etc},
};

/// The specification's schemas.
struct Schemas;

impl Schemas {
    fn read(name: &str) -> Value {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/oci-image-spec");
        serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
    }
}

impl Retrieve for Schemas {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self::read(uri.as_str().rsplit('/').next().unwrap()))
    }
}

/// The archive's files.
struct Layout(BTreeMap<String, Vec<u8>>);

impl Layout {
    fn read() -> Self {
        let mut archive = tar::Archive::new(fs::File::open(&artifact(".oci.tar").path).unwrap());
        let files = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (entry.path().unwrap().display().to_string(), bytes)
        });
        Self(files.collect())
    }

    fn json(&self, path: &str) -> Value {
        serde_json::from_slice(&self.0[path]).unwrap()
    }

    /// The path of the blob that a descriptor names, whose size and media type must be right.
    fn blob(&self, descriptor: &Value, media_type: &str) -> String {
        assert_eq!(descriptor["mediaType"], media_type);
        let digest = descriptor["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
        let path = format!("blobs/sha256/{digest}");
        assert_eq!(descriptor["size"].as_u64().unwrap(), self.0[&path].len() as u64, "{path}");
        path
    }

    /// The path of the configuration and of the only layer.
    fn config_and_layer(&self) -> (String, String) {
        let index = self.json("index.json");
        let [manifest] = index["manifests"].as_array().unwrap().as_slice() else { panic!("{index}") };
        let manifest = self.json(&self.blob(manifest, "application/vnd.oci.image.manifest.v1+json"));
        let [layer] = manifest["layers"].as_array().unwrap().as_slice() else { panic!("{manifest}") };
        (
            self.blob(&manifest["config"], "application/vnd.oci.image.config.v1+json"),
            self.blob(layer, "application/vnd.oci.image.layer.v1.tar+gzip"),
        )
    }

    /// The bytes of the layer.
    fn layer(&self) -> Vec<u8> {
        let mut layer = Vec::new();
        let compressed = &self.0[&self.config_and_layer().1];
        flate2::read::GzDecoder::new(compressed.as_slice()).read_to_end(&mut layer).unwrap();
        layer
    }
}

/// The image's root, unpacked, with the working folder that an engine would make.
fn root() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    assert!(is_root(root.path()), "only root may take everything else away: run this as root");
    // The process is another user.
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
    tar::Archive::new(Layout::read().layer().as_slice()).unpack(root.path()).unwrap();
    fs::create_dir(root.path().join("work")).unwrap();
    root
}

/// Runs the image's program as the image says, with nothing of this machine.
fn run(root: &Path, arguments: &[&str]) -> (ExitStatus, String) {
    let layout = Layout::read();
    let config = layout.json(&layout.config_and_layer().0)["config"].clone();
    let mut command = Command::new("chroot");
    command.arg(format!("--userspec={}", config["User"].as_str().unwrap())).arg(root);
    command.args(config["Entrypoint"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()));
    let env = config["Env"].as_array().unwrap().iter().map(|pair| pair.as_str().unwrap().split_once('=').unwrap());
    command.args(arguments).env_clear().envs(env).env("PATH", PATH);
    let output = command.output().unwrap();
    let said = String::from_utf8([output.stdout.as_slice(), &output.stderr].concat()).unwrap();
    (output.status, said)
}

#[test]
#[ignore = "slow: builds the command with all optimizations; .ci/run calls it"]
fn the_archive_is_what_the_specification_of_images_says() {
    let layout = Layout::read();
    let (config_path, layer_path) = layout.config_and_layer();
    let index = layout.json("index.json");
    let manifest_path = layout.blob(&index["manifests"][0], "application/vnd.oci.image.manifest.v1+json");
    for (path, schema) in [
        ("oci-layout", "image-layout-schema.json"),
        ("index.json", "image-index-schema.json"),
        (&manifest_path, "image-manifest-schema.json"),
        (&config_path, "config-schema.json"),
    ] {
        let validator = jsonschema::options().with_retriever(Schemas).build(&Schemas::read(schema)).unwrap();
        let document = layout.json(path);
        let wrong: Vec<_> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{path}: {wrong:#?}");
        // A validator that found nothing wrong with anything would not be one.
        assert!(!validator.is_valid(&serde_json::json!({"imageLayoutVersion": 7})), "{schema}");
    }

    let blobs = [manifest_path, config_path, layer_path.clone()];
    for (path, bytes) in &layout.0 {
        match path.strip_prefix("blobs/sha256/") {
            Some(digest) => assert_eq!(digest, sha256::hexadecimal(bytes), "{path}"),
            None => assert!(["oci-layout", "index.json", "manifest.json"].contains(&path.as_str()), "{path}"),
        }
    }
    assert_eq!(layout.0.len(), blobs.len() + 3, "a blob that nothing names");

    let config = layout.json(&blobs[1]);
    let layer = layout.layer();
    assert_eq!(config["rootfs"]["diff_ids"][0], format!("sha256:{}", sha256::hexadecimal(&layer)));
    assert_eq!((&config["architecture"], &config["os"]), (&"amd64".into(), &"linux".into()));
    assert_eq!(config["config"]["User"], "65532:65532");
    assert_eq!(config["config"]["Labels"]["org.opencontainers.image.version"], VERSION);

    // For Docker without containerd's store.
    let [saved] = layout.json("manifest.json").as_array().unwrap().clone().try_into().unwrap();
    let expected = serde_json::json!({
        "Config": blobs[1], "RepoTags": [format!("flowkeeper:{VERSION}")], "Layers": [layer_path],
    });
    assert_eq!(saved, expected);
}

#[test]
#[ignore = "slow: builds the command with all optimizations; .ci/run calls it"]
fn the_image_holds_the_program_and_its_licenses_and_nothing_else() {
    let layer = Layout::read().layer();
    let mut archive = tar::Archive::new(layer.as_slice());
    let files: Vec<_> = archive
        .entries()
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            (entry.path().unwrap().display().to_string(), header.mode().unwrap())
        })
        .collect();
    let expected = [("flowkeeper", 0o755), ("licenses/LICENSE", 0o644), ("licenses/THIRD-PARTY.txt", 0o644)];
    assert_eq!(files, expected.map(|(path, mode)| (path.to_owned(), mode)));
}

#[test]
#[ignore = "slow: builds the command with all optimizations, and only for root; .ci/run calls it"]
fn the_image_checks_a_policy_in_its_working_folder_and_knows_time_zones() {
    let root = root();
    let policy = concat!(env!("CARGO_MANIFEST_DIR"), "/../command/examples/policy.yml");
    fs::copy(policy, root.path().join("work/policy.yml")).unwrap();
    let (status, said) = run(root.path(), &["check", "work/policy.yml"]);
    assert!(status.success() && said.contains("no mistakes"), "{said}");
    let schedule = ["schedule", "nights", "--policy", "work/policy.yml", "--month", "2026-11"];
    let (ended, drawn) = run(root.path(), &schedule);
    assert!(ended.success() && drawn.contains("clocks change: 01:00 to 02:00 comes twice"), "{drawn}");
}

#[test]
#[ignore = "slow: builds the command with all optimizations, and only for root; .ci/run calls it"]
fn the_image_reads_the_mounted_profile_resolves_names_and_greets_with_tls() {
    let network = Network::start(54);
    let profile = r#"{"current":"default","profiles":[{"name":"default","mode":"AK","access_key_id":"id",
        "access_key_secret":"secret","region_id":"cn-hangzhou"}]}"#;
    let root = root();
    let folder = root.path().join("home/flowkeeper/.aliyun");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.json"), profile).unwrap();
    write_etc(root.path(), &[("resolv.conf", &network.resolver())]);

    let (status, said) = run(root.path(), &["whoami", "--endpoint", &network.endpoint]);
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("no connection to {NAME}")) && said.contains("config.json"), "{said}");
    assert!(!said.contains("secret"), "{said}");
    network.was_greeted(true, "whoami");
}
