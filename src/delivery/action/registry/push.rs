//! `registry:push-chart`: a Helm chart of the workspace goes into a registry, as `helm package` and `helm push` do it.

use futures_util::future::BoxFuture;
use serde_json::json;

use super::super::super::Delivery;
use super::super::text;
use super::refused;
use super::request::{image, registry};
use super::taken::{self, Taken};
use crate::forge::FileMode;
use crate::permission::Credentials;
use crate::registry::{Chart, ImageName, Registry, RegistryError};
use crate::scaffolder::{
    Action, ActionContext, ActionDescription, ActionError, EffectClass, EffectKind, Example, Inspection, Inverse, Made,
    Outputs,
};

/// The ledger's key.
const PUSHED: &str = "chart";

/// `registry:push-chart`
pub(in super::super) struct PushChart(pub(in super::super) Delivery);

/// What is to be pushed.
struct Wanted {
    registry: Registry,
    image: ImageName,
    chart: Chart,
}

/// What stands under the tag of a chart.
enum There {
    Nothing,
    /// The same archive, under this digest.
    Same(String),
    Other(String),
}

impl Wanted {
    fn of(delivery: &Delivery, ctx: &ActionContext, input: &Outputs) -> Result<Result<Self, String>, ActionError> {
        let registry = match registry(delivery, input)? {
            Ok(registry) => registry,
            Err(why) => return Ok(Err(why)),
        };
        let folder = text(input, "path").trim_matches('/');
        let folder = if folder == "." { "" } else { folder };
        let mut files = Vec::new();
        for (path, file) in ctx.workspace.below(folder) {
            if file.mode == FileMode::Symlink {
                return Err(ActionError::input(format!(
                    "`{folder}/{path}` is a link; put the file there that it means"
                )));
            }
            files.push((path, &file.bytes[..], file.mode == FileMode::Executable));
        }
        let chart = Chart::pack(files).map_err(|error| ActionError::input(format!("`path` {folder}: {error}")))?;
        let base = text(input, "repository").trim_matches('/');
        let path = if base.is_empty() { chart.name().to_owned() } else { format!("{base}/{}", chart.name()) };
        let image = image(&registry, &path, "")?;
        Ok(Ok(Self { registry, image, chart }))
    }

    async fn there(&self) -> Result<There, RegistryError> {
        match self.registry.facts(&self.image, &self.chart.tag()).await {
            Ok(facts) if facts.layers == [self.chart.content_digest()] => Ok(There::Same(facts.digest)),
            Ok(facts) => Ok(There::Other(facts.digest)),
            Err(RegistryError::NotFound { .. }) => Ok(There::Nothing),
            Err(error) => Err(error),
        }
    }

    fn name(&self) -> String {
        format!("chart {}:{} in registry {}", self.image, self.chart.tag(), self.registry.name())
    }

    fn taken(&self) -> String {
        format!(
            "version {} of the {} is there with another content; raise `version` in Chart.yaml",
            self.chart.version(),
            self.name()
        )
    }

    fn outputs(&self, digest: Option<&str>) -> Outputs {
        let host = self.registry.host();
        let mut outputs = Outputs::from_iter([
            ("chart".to_owned(), json!(format!("oci://{host}/{}", self.image))),
            ("version".to_owned(), json!(self.chart.version())),
        ]);
        if let Some(digest) = digest {
            outputs.insert("digest".to_owned(), json!(digest));
        }
        outputs
    }
}

impl Action for PushChart {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "registry:push-chart",
            description: "Packs a Helm chart of the workspace and pushes it to a registry; a version that is there is never replaced.",
            input: json!({
                "type": "object",
                "required": ["path"],
                "properties": {
                    "registry": {"type": "string", "title": "Registry", "description": "Name of a configured registry; the only one without it"},
                    "path": {"type": "string", "title": "Folder of the chart", "minLength": 1, "description": "Where Chart.yaml is in the workspace"},
                    "repository": {"type": "string", "title": "Repository", "description": "What the chart's name is put behind: acme/charts; the configured project without it"},
                },
            }),
            output: Some(json!({
                "type": "object",
                "properties": {
                    "chart": {"type": "string", "description": "oci://host/acme/charts/name"},
                    "version": {"type": "string"},
                    "digest": {"type": "string", "description": "Of its manifest; not in a plan of a new version"},
                },
            })),
            examples: vec![Example {
                description: "The chart of a service",
                example: "steps:\n  - id: chart\n    action: registry:push-chart\n    input:\n      path: chart\n      repository: acme/charts\n",
            }],
        }
    }

    fn effect(&self) -> EffectClass {
        EffectClass::Outside
    }

    fn adopts(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let wanted = match Wanted::of(&self.0, ctx, &input)? {
                Ok(wanted) => wanted,
                Err(why) => {
                    ctx.log.info(why);
                    return Ok(Outputs::new());
                }
            };
            let began = ctx.noted("began").await?.is_some();
            let there = wanted.there().await.map_err(|error| refused(&error))?;
            let digest = match there {
                There::Other(_) => return Err(ActionError::conflict(wanted.taken())),
                // Somebody else's, of the same bytes: it is used, and not this run's to delete.
                There::Same(digest) if !began => {
                    ctx.log.info(format!("The {} is there already, with the same content", wanted.name()));
                    return Ok(wanted.outputs(Some(&digest)));
                }
                There::Same(digest) => digest,
                There::Nothing => {
                    ctx.note("began", json!(true)).await?;
                    let pushed = wanted.registry.push_chart(&wanted.image, &wanted.chart, ctx.created_at).await;
                    pushed.map_err(|error| refused(&error))?.digest
                }
            };
            let made = Taken::Manifest {
                registry: wanted.registry.name().to_owned(),
                image: wanted.image.clone(),
                digest: digest.clone(),
            };
            ctx.made(PUSHED, &wanted.name(), json!(made)).await?;
            ctx.log.info(format!("Pushed {}", wanted.name()));
            Ok(wanted.outputs(Some(&digest)))
        })
    }

    fn inspect<'a>(
        &'a self,
        ctx: &'a ActionContext,
        input: &'a Outputs,
    ) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(async move {
            let wanted = match Wanted::of(&self.0, ctx, input)? {
                Ok(wanted) => wanted,
                Err(why) => return Ok(Inspection { warnings: vec![why], ..Inspection::default() }),
            };
            let sentence = format!("push {}", wanted.name());
            let effect = |conflict| vec![ctx.effect(EffectKind::Push, sentence.clone(), conflict)];
            let (effects, digest, warnings) = match wanted.there().await {
                Ok(There::Nothing) => (effect(None), None, Vec::new()),
                Ok(There::Same(digest)) => {
                    let told = format!("the {} is there already, with the same content", wanted.name());
                    (Vec::new(), Some(digest), vec![told])
                }
                Ok(There::Other(digest)) => (effect(Some(wanted.taken())), Some(digest), Vec::new()),
                Err(error) => (effect(Some(error.to_string())), None, Vec::new()),
            };
            Ok(Inspection { effects, outputs: wanted.outputs(digest.as_deref()), warnings })
        })
    }

    fn inverse<'a>(&'a self, made: &'a Made) -> BoxFuture<'a, Result<Inverse, ActionError>> {
        Box::pin(taken::inverse(&self.0, made))
    }

    fn undo<'a>(&'a self, _: &'a Credentials, made: &'a Made) -> BoxFuture<'a, Result<(), ActionError>> {
        Box::pin(async move { taken::undo(&self.0, &crate::forge::Forges::default(), made).await })
    }
}
