//! Layers: what functions find below `/opt`.

use std::{fs, io::Write, path::Path};

use local_cloud::{Error, Layer, LocalCloud, Options};
use tempfile::TempDir;
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::support::{FUNCTION, TEMPLATE, cloud_with_template};

/// The support template with a layer and two variables that point into it.
fn with_layer() -> String {
    let layer = "\n  Policy: {Type: 'ALIYUN::FC3::LayerVersion', Properties: {LayerName: demo-policy}}\n";
    let variables = "EnvironmentVariables: {FLOWKEEPER_POLICY_FILE: /opt/policy.yml, OTHER: /optional/x, ";
    let function = "Handler: bootstrap\n      Layers: [{'Fn::GetAtt': [Policy, LayerVersionArn]}]";
    TEMPLATE.replace("EnvironmentVariables: {", variables).replace("Handler: bootstrap", function) + layer
}

fn archive(name: &str) -> Vec<u8> {
    let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file(name, SimpleFileOptions::default()).unwrap();
    archive.write_all(b"regions: all\n").unwrap();
    archive.finish().unwrap().into_inner()
}

async fn start(template: &str, layer: Option<Layer>) -> Result<(LocalCloud, TempDir), Error> {
    cloud_with_template(template, "succeed", Options { layer, ..Options::default() }).await
}

#[tokio::test]
async fn functions_find_the_layer_where_their_variable_points() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("policy.yml"), "regions: all\n").unwrap();
    for layer in [Layer::Zip(archive("policy.yml")), Layer::Folder(folder.path().to_owned())] {
        let (cloud, _folder) = start(&with_layer(), Some(layer)).await.unwrap();
        let environment = cloud.invoke(FUNCTION, b"{}").await.unwrap().body["environment"].clone();
        let file = Path::new(environment["FLOWKEEPER_POLICY_FILE"].as_str().unwrap()).to_owned();
        assert_eq!(fs::read_to_string(&file).unwrap(), "regions: all\n");
        assert!(fs::metadata(&file).unwrap().permissions().readonly());
        assert_eq!(environment["OTHER"], "/optional/x");
        drop(cloud);
        let gone = async {
            while file.exists() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(5), gone).await.expect("the folder goes with the cloud");
    }
}

#[tokio::test]
async fn a_layer_that_does_not_fit_the_template_is_refused() {
    let policy = || Some(Layer::Zip(archive("policy.yml")));
    for (template, layer, expected) in [
        (with_layer(), None, "the layer demo-policy, and its contents are not given"),
        (TEMPLATE.to_owned(), policy(), "gives no function a layer"),
        (with_layer(), Some(Layer::Zip(archive("../policy.yml"))), "leads out of the archive"),
        (with_layer(), Some(Layer::Zip(b"no archive".to_vec())), "cannot be used"),
        (with_layer(), Some(Layer::Folder("no/such/folder".into())), "cannot be used"),
    ] {
        let error = start(&template, layer).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
