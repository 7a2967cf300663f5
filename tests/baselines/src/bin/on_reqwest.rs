//! The baseline with its calls made by reqwest, as the functions make theirs. It shows what reqwest costs.

use std::time::Duration;

use baselines::{Calls, FORMS, Failure};
use reqwest::{
    Client, Url,
    header::{CONTENT_TYPE, HeaderValue},
    redirect, retry,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let cloud = baselines::cloud()?;
    let root = baselines::root();
    let scheme = if root.is_some() { "https" } else { "http" };
    let client = Client::builder()
        .tls_backend_preconfigured(baselines::trusting(root.as_deref())?)
        .no_proxy()
        .tcp_nodelay(true)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .build()?;
    baselines::serve(OfReqwest { client, url: format!("{scheme}://{cloud}/").parse()? }).await
}

struct OfReqwest {
    client: Client,
    url: Url,
}

impl Calls for OfReqwest {
    async fn make(&self) -> Result<(), Failure> {
        for form in FORMS {
            let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
            let post = self.client.post(self.url.clone()).header(CONTENT_TYPE, content_type).body(form);
            post.timeout(Duration::from_secs(10)).send().await?.bytes().await?;
        }
        Ok(())
    }
}
