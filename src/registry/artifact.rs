//! Putting an artifact into a registry, and taking it out again.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, StatusCode, header};
use oci_client::manifest::{OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciImageManifest};

use super::image::digest_of;
use super::name::is_tag;
use super::wire::Ask;
use super::{ImageName, Registry, RegistryError};

/// What was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pushed {
    /// `sha256:…` of its manifest.
    pub(crate) digest: String,
}

/// What is to be pushed: a configuration and one layer.
pub(super) struct Artifact<'a> {
    pub(super) config: (&'a str, Bytes),
    pub(super) layer: (&'a str, Bytes),
    pub(super) annotations: BTreeMap<String, String>,
}

impl Registry {
    /// Puts an artifact under a tag.
    pub(super) async fn push(
        &self,
        image: &ImageName,
        tag: &str,
        artifact: &Artifact<'_>,
    ) -> Result<Pushed, RegistryError> {
        let doing = format!("push {image}:{tag}");
        if !is_tag(tag) {
            let said = format!("`{tag}` is no tag: letters, digits, . _ - and at most 128 of them");
            return Err(RegistryError::Invalid { registry: self.name().to_owned(), doing, said });
        }
        let config = self.push_blob(image, &doing, &artifact.config).await?;
        let layer = self.push_blob(image, &doing, &artifact.layer).await?;
        let manifest = OciImageManifest {
            media_type: Some(OCI_IMAGE_MEDIA_TYPE.to_owned()),
            config,
            layers: vec![layer],
            annotations: Some(artifact.annotations.clone()),
            ..OciImageManifest::default()
        };
        let body = serde_json::to_vec(&manifest).map_err(|error| RegistryError::Invalid {
            registry: self.name().to_owned(),
            doing: doing.clone(),
            said: error.to_string(),
        })?;
        let digest = digest_of(&body);
        let what = format!("image {image}");
        let url = self.wire().of_image(image, &["manifests", tag]);
        let ask = Ask::new(Method::PUT, url, &doing, &what);
        self.wire().send(&ask.scope(image, "pull,push").body(body.into(), OCI_IMAGE_MEDIA_TYPE)).await?;
        Ok(Pushed { digest })
    }

    async fn push_blob(
        &self,
        image: &ImageName,
        doing: &str,
        (kind, bytes): &(&str, Bytes),
    ) -> Result<OciDescriptor, RegistryError> {
        let digest = digest_of(bytes);
        let what = format!("image {image}");
        let descriptor = OciDescriptor {
            media_type: (*kind).to_owned(),
            digest: digest.clone(),
            size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            ..OciDescriptor::default()
        };
        let there = self.wire().of_image(image, &["blobs", &digest]);
        match self.wire().send(&Ask::new(Method::HEAD, there, doing, &what).scope(image, "pull,push")).await {
            Ok(_) => return Ok(descriptor),
            Err(RegistryError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
        // With the slash: without it, registries redirect, and a redirected POST becomes a GET.
        let uploads = self.wire().of_image(image, &["blobs", "uploads", ""]);
        let begun = self.wire().send(&Ask::new(Method::POST, uploads, doing, &what).scope(image, "pull,push")).await?;
        let location = begun.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
        let location =
            location.filter(|_| begun.status == StatusCode::ACCEPTED).ok_or_else(|| RegistryError::Failed {
                registry: self.name().to_owned(),
                doing: doing.to_owned(),
                said: format!("it names no place to upload to (HTTP {})", begun.status),
            })?;
        let mut url = self.wire().beside(&begun.url, location)?;
        url.query_pairs_mut().append_pair("digest", &digest);
        let ask = Ask::new(Method::PUT, url, doing, &what).scope(image, "pull,push");
        self.wire().send(&ask.body(bytes.clone(), "application/octet-stream")).await?;
        Ok(descriptor)
    }

    /// Deletes what a digest stands for, with all its tags; what is gone already is no error.
    pub(crate) async fn delete(&self, image: &ImageName, digest: &str) -> Result<(), RegistryError> {
        let doing = format!("delete {image}@{digest}");
        let what = format!("image {image}");
        let url = self.wire().of_image(image, &["manifests", digest]);
        match self.wire().send(&Ask::new(Method::DELETE, url, &doing, &what).scope(image, "pull,delete")).await {
            Ok(_) | Err(RegistryError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
