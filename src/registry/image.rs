//! Reading images: their tags, and what is behind one.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::{HeaderMap, Method, header};
use oci_client::annotations::ORG_OPENCONTAINERS_IMAGE_CREATED as CREATED;
use oci_client::manifest::{
    IMAGE_CONFIG_MEDIA_TYPE, IMAGE_DOCKER_CONFIG_MEDIA_TYPE, IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE,
    ImageIndexEntry, OCI_IMAGE_INDEX_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE, OciImageIndex, OciImageManifest, OciManifest,
};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::chart::CONFIG_TYPE as CHART;
use super::name::{is_digest, is_tag};
use super::wire::Ask;
use super::{ImageName, Registry, RegistryError};

/// The header with the digest of a manifest.
pub(super) const DIGEST: &str = "docker-content-digest";
/// Tags of one page, and pages that are read.
const PAGE: usize = 1000;
const PAGES: usize = 10;
/// Platforms of an index that are looked at.
const PLATFORMS: usize = 8;
/// Requests for one index at a time.
const AT_ONCE: usize = 4;
/// Before it nothing was built: times that stand for none are earlier.
const FIRST_YEAR: i32 = 1981;

/// What something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// An image for one platform.
    Image,
    /// An image for several.
    Index,
    /// A Helm chart.
    Chart,
    /// Any other artifact: a signature, a bill of materials.
    Other,
}

/// What is behind a digest; it never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// `sha256:…`
    pub(crate) digest: String,
    /// What it is.
    pub(crate) content: Content,
    /// Bytes of the configuration and the layers; none for an index.
    pub(crate) size: Option<u64>,
    /// Each platform of an index with its bytes.
    pub(crate) platforms: Vec<(String, u64)>,
    /// When it was built, as far as it says so.
    pub(crate) created: Option<DateTime<Utc>>,
    /// Its annotations, and the labels of an image where they say more.
    pub(crate) annotations: BTreeMap<String, String>,
    /// The digests of its layers.
    pub(crate) layers: Vec<String>,
}

#[derive(Deserialize)]
struct Tags {
    /// `null` where the last one was deleted.
    tags: Option<Vec<String>>,
}

/// What is read of the configuration of an image.
#[derive(Default, Deserialize)]
struct ImageConfig {
    created: Option<DateTime<Utc>>,
    #[serde(default)]
    config: Option<Labels>,
}

#[derive(Deserialize)]
struct Labels {
    #[serde(rename = "Labels", default)]
    labels: Option<BTreeMap<String, String>>,
}

impl Registry {
    /// The tags of an image in the registry's order, and whether these are all.
    pub(crate) async fn tags(&self, image: &ImageName) -> Result<(Vec<String>, bool), RegistryError> {
        let (doing, what) = (format!("list the tags of {image}"), format!("image {image}"));
        let mut url = self.wire().of_image(image, &["tags", "list"]);
        url.query_pairs_mut().append_pair("n", &PAGE.to_string());
        let mut all = Vec::new();
        for _ in 0..PAGES {
            let ask = Ask::new(Method::GET, url.clone(), &doing, &what).scope(image, "pull");
            let answer = self.wire().send(&ask).await?;
            let tags: Tags = self.read_json(&answer.body, &doing)?;
            all.extend(tags.tags.into_iter().flatten().filter(|tag| is_tag(tag)));
            match next(&answer.headers) {
                Some(location) => url = self.wire().beside(&answer.url, &location)?,
                None => return Ok((all, true)),
            }
        }
        Ok((all, false))
    }

    /// The digest that a tag stands for; none where there is no such tag.
    pub(crate) async fn digest(&self, image: &ImageName, tag: &str) -> Result<Option<String>, RegistryError> {
        let what = format!("image {image}:{tag}");
        let doing = format!("look for {image}:{tag}");
        let ask = self.manifest(Method::HEAD, image, tag, &doing, &what);
        let answer = match self.wire().send(&ask).await {
            Ok(answer) => answer,
            Err(RegistryError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        match answer.headers.get(DIGEST).and_then(|digest| digest.to_str().ok()) {
            Some(digest) if is_digest(digest) => Ok(Some(digest.to_owned())),
            // The header may be left out.
            _ => Ok(Some(self.read_manifest(image, tag).await?.1)),
        }
    }

    /// What is behind a tag or a digest.
    pub(crate) async fn facts(&self, image: &ImageName, reference: &str) -> Result<Facts, RegistryError> {
        let (manifest, digest) = self.read_manifest(image, reference).await?;
        match manifest {
            OciManifest::Image(manifest) => self.image_facts(image, digest, manifest).await,
            OciManifest::ImageIndex(index) => self.index_facts(image, digest, index).await,
        }
    }

    async fn image_facts(
        &self,
        image: &ImageName,
        digest: String,
        manifest: OciImageManifest,
    ) -> Result<Facts, RegistryError> {
        let content = match manifest.config.media_type.as_str() {
            IMAGE_CONFIG_MEDIA_TYPE | IMAGE_DOCKER_CONFIG_MEDIA_TYPE => Content::Image,
            CHART => Content::Chart,
            _ => Content::Other,
        };
        let config = match content {
            Content::Image => self.image_config(image, &manifest.config.digest).await?,
            _ => ImageConfig::default(),
        };
        let mut annotations = manifest.annotations.clone().unwrap_or_default();
        for (name, value) in config.config.and_then(|config| config.labels).unwrap_or_default() {
            annotations.entry(name).or_insert(value);
        }
        Ok(Facts {
            digest,
            content,
            size: Some(size(&manifest)),
            platforms: Vec::new(),
            created: created(&annotations, config.created),
            annotations,
            layers: manifest.layers.into_iter().map(|layer| layer.digest).collect(),
        })
    }

    async fn index_facts(
        &self,
        image: &ImageName,
        digest: String,
        index: OciImageIndex,
    ) -> Result<Facts, RegistryError> {
        let named = index.manifests.into_iter().filter_map(|entry| Some((platform(&entry)?, entry.digest)));
        let parts: Vec<(String, Facts)> = stream::iter(named.take(PLATFORMS))
            .map(|(name, digest)| async move {
                let (manifest, digest) = self.read_manifest(image, &digest).await?;
                match manifest {
                    OciManifest::Image(manifest) => Ok(Some((name, self.image_facts(image, digest, manifest).await?))),
                    // An index of indexes has no size that would mean anything.
                    OciManifest::ImageIndex(_) => Ok::<_, RegistryError>(None),
                }
            })
            .buffered(AT_ONCE)
            .try_filter_map(|part| async move { Ok(part) })
            .try_collect()
            .await?;
        let mut annotations = index.annotations.unwrap_or_default();
        let first = parts.first().map(|(_, facts)| facts);
        for (name, value) in first.into_iter().flat_map(|facts| &facts.annotations) {
            annotations.entry(name.clone()).or_insert_with(|| value.clone());
        }
        Ok(Facts {
            digest,
            content: Content::Index,
            size: None,
            created: created(&annotations, first.and_then(|facts| facts.created)),
            platforms: parts.iter().map(|(name, facts)| (name.clone(), facts.size.unwrap_or_default())).collect(),
            annotations,
            layers: Vec::new(),
        })
    }

    async fn image_config(&self, image: &ImageName, digest: &str) -> Result<ImageConfig, RegistryError> {
        let (doing, what) = (format!("read the configuration of {image}"), format!("blob {digest} of {image}"));
        if !is_digest(digest) {
            return Ok(ImageConfig::default());
        }
        let url = self.wire().of_image(image, &["blobs", digest]);
        let answer = self.wire().send(&Ask::new(Method::GET, url, &doing, &what).scope(image, "pull")).await?;
        self.checked(&answer.body, digest, &doing)?;
        // What it says is told by people who build images: where it is odd, there is nothing to tell.
        Ok(serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    /// The manifest of a tag or a digest, with its digest.
    pub(super) async fn read_manifest(
        &self,
        image: &ImageName,
        reference: &str,
    ) -> Result<(OciManifest, String), RegistryError> {
        let separator = if is_digest(reference) { '@' } else { ':' };
        let (doing, what) =
            (format!("read {image}{separator}{reference}"), format!("image {image}{separator}{reference}"));
        let answer = self.wire().send(&self.manifest(Method::GET, image, reference, &doing, &what)).await?;
        let digest = digest_of(&answer.body);
        if is_digest(reference) {
            self.checked(&answer.body, reference, &doing)?;
        }
        let manifest = self.read_json(&answer.body, &doing)?;
        Ok((manifest, digest))
    }

    fn manifest<'a>(
        &self,
        method: Method,
        image: &ImageName,
        reference: &str,
        doing: &'a str,
        what: &'a str,
    ) -> Ask<'a> {
        let accepted = [
            OCI_IMAGE_INDEX_MEDIA_TYPE,
            OCI_IMAGE_MEDIA_TYPE,
            IMAGE_MANIFEST_LIST_MEDIA_TYPE,
            IMAGE_MANIFEST_MEDIA_TYPE,
        ];
        let url = self.wire().of_image(image, &["manifests", reference]);
        Ask::new(method, url, doing, what).scope(image, "pull").header(header::ACCEPT, accepted.join(", "))
    }

    /// Bytes are what their digest says.
    fn checked(&self, bytes: &[u8], digest: &str, doing: &str) -> Result<(), RegistryError> {
        if digest_of(bytes) == digest {
            return Ok(());
        }
        let said = format!("what it sent is not {digest}");
        Err(RegistryError::Failed { registry: self.name().to_owned(), doing: doing.to_owned(), said })
    }

    pub(super) fn read_json<T: serde::de::DeserializeOwned>(
        &self,
        body: &[u8],
        doing: &str,
    ) -> Result<T, RegistryError> {
        serde_json::from_slice(body).map_err(|error| RegistryError::Failed {
            registry: self.name().to_owned(),
            doing: doing.to_owned(),
            said: format!("its answer cannot be read: {error}"),
        })
    }
}

/// `sha256:…` of bytes.
pub(super) fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

fn size(manifest: &OciImageManifest) -> u64 {
    let parts = manifest.layers.iter().chain([&manifest.config]);
    parts.map(|part| u64::try_from(part.size).unwrap_or_default()).sum()
}

/// When something was built: by its annotation, else by its configuration.
fn created(annotations: &BTreeMap<String, String>, otherwise: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    let written = annotations.get(CREATED).and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    written.map(|at| at.to_utc()).or(otherwise).filter(|at| at.year() >= FIRST_YEAR)
}

/// `linux/arm64/v8`; none for what is for no platform, as attestations are.
fn platform(entry: &ImageIndexEntry) -> Option<String> {
    let platform = entry.platform.as_ref()?;
    let (os, architecture) = (platform.os.to_string(), platform.architecture.to_string());
    if os == "unknown" || architecture == "unknown" || !is_digest(&entry.digest) {
        return None;
    }
    let variant = platform.variant.as_ref().map(|variant| format!("/{variant}")).unwrap_or_default();
    Some(format!("{os}/{architecture}{variant}"))
}

/// The address of the next page.
fn next(headers: &HeaderMap) -> Option<String> {
    let links = headers.get_all(header::LINK).iter().filter_map(|value| value.to_str().ok());
    links.flat_map(|value| value.split(',')).find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = parameters.split(';').any(|one| matches!(one.trim(), "rel=\"next\"" | "rel=next"));
        is_next.then(|| target.to_owned())
    })
}
