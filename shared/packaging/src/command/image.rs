//! The container image, as an OCI archive. Pure: bytes in, bytes out.
//!
//! An image layout (OCI image specification 1.1) in a tar file. No daemon makes it, so none has to be there.

use std::{collections::BTreeMap, io::Result};

use serde::Serialize;

use crate::{
    command::contents::{Contents, NAME, SUMMARY},
    entry::Entry,
    sha256,
    tarball::{gzip, tar},
};

/// The user and group of the process: the number that images without a shell use for nobody in particular.
pub const USER: &str = "65532:65532";

/// The home folder, to mount a configuration of the aliyun CLI into. The image has no list of users to name one.
pub const HOME: &str = "/home/flowkeeper";

/// The working folder, to mount policies into.
pub const WORK: &str = "/work";

/// The date that the image claims: that of every file in it.
const CREATED: &str = "1980-01-01T00:00:00Z";

const OS: &str = "linux";
const ARCHITECTURE: &str = "amd64";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Names and values: labels or annotations.
type Notes<'a> = BTreeMap<&'a str, String>;

#[derive(Serialize)]
struct Image<'a> {
    created: &'a str,
    architecture: &'a str,
    os: &'a str,
    config: Process<'a>,
    rootfs: RootFs<'a>,
    history: [Step<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Process<'a> {
    user: &'a str,
    env: [String; 1],
    entrypoint: [String; 1],
    working_dir: &'a str,
    labels: Notes<'a>,
}

#[derive(Serialize)]
struct RootFs<'a> {
    r#type: &'a str,
    diff_ids: [String; 1],
}

#[derive(Serialize)]
struct Step<'a> {
    created: &'a str,
    created_by: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    schema_version: u8,
    media_type: &'a str,
    config: Descriptor<'a>,
    layers: [Descriptor<'a>; 1],
    annotations: Notes<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Index<'a> {
    schema_version: u8,
    media_type: &'a str,
    manifests: [Descriptor<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor<'a> {
    media_type: &'a str,
    digest: String,
    size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<Platform<'a>>,
    #[serde(skip_serializing_if = "Notes::is_empty")]
    annotations: Notes<'a>,
}

#[derive(Serialize)]
struct Platform<'a> {
    architecture: &'a str,
    os: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Layout<'a> {
    image_layout_version: &'a str,
}

/// The image in the format of `docker save`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    repo_tags: [String; 1],
    layers: [String; 1],
}

/// Returns the archive's name and bytes.
///
/// # Errors
/// None that is known: the archive is written into memory.
pub fn of(contents: &Contents) -> Result<(String, Vec<u8>)> {
    let version = &contents.version;
    let notes = || {
        Notes::from([
            ("org.opencontainers.image.title", NAME.to_owned()),
            ("org.opencontainers.image.description", SUMMARY.to_owned()),
            ("org.opencontainers.image.version", version.clone()),
            ("org.opencontainers.image.licenses", contents.license.clone()),
        ])
    };

    let mut files = vec![contents.program(NAME.to_owned())];
    files.extend(contents.licenses("licenses"));
    let files = tar(&files)?;
    let layer = gzip(&files)?;
    let config = serde_json::to_vec(&Image {
        created: CREATED,
        architecture: ARCHITECTURE,
        os: OS,
        config: Process {
            user: USER,
            env: [format!("HOME={HOME}")],
            entrypoint: [format!("/{NAME}")],
            working_dir: WORK,
            labels: notes(),
        },
        rootfs: RootFs { r#type: "layers", diff_ids: [digest(&files)] },
        history: [Step { created: CREATED, created_by: "flowkeeper packaging" }],
    })?;
    let manifest = serde_json::to_vec(&Manifest {
        schema_version: 2,
        media_type: MANIFEST,
        config: descriptor(CONFIG, &config),
        layers: [descriptor(LAYER, &layer)],
        annotations: notes(),
    })?;
    let index = serde_json::to_vec(&Index {
        schema_version: 2,
        media_type: INDEX,
        manifests: [Descriptor {
            platform: Some(Platform { architecture: ARCHITECTURE, os: OS }),
            // The first name is for Podman and others, the second for containerd.
            annotations: Notes::from([
                ("org.opencontainers.image.ref.name", version.clone()),
                ("io.containerd.image.name", format!("docker.io/library/{NAME}:{version}")),
            ]),
            ..descriptor(MANIFEST, &manifest)
        }],
    })?;
    // Docker reads this file, unless it keeps images as containerd does.
    let saved = serde_json::to_vec(&[Saved {
        config: blob(&config),
        repo_tags: [format!("{NAME}:{version}")],
        layers: [blob(&layer)],
    }])?;

    let mut entries = vec![
        Entry::file("oci-layout", serde_json::to_vec(&Layout { image_layout_version: "1.0.0" })?),
        Entry::file("index.json", index),
        Entry::file("manifest.json", saved),
    ];
    entries.extend([manifest, config, layer].map(|bytes| Entry::file(blob(&bytes), bytes)));
    Ok((format!("{NAME}-{version}-{OS}-{ARCHITECTURE}.oci.tar"), tar(&entries)?))
}

fn descriptor<'a>(media_type: &'a str, bytes: &[u8]) -> Descriptor<'a> {
    Descriptor { media_type, digest: digest(bytes), size: bytes.len(), platform: None, annotations: Notes::new() }
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", sha256::hexadecimal(bytes))
}

/// The path of these bytes in the layout.
fn blob(bytes: &[u8]) -> String {
    format!("blobs/sha256/{}", sha256::hexadecimal(bytes))
}
