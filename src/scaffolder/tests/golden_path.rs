//! The shipped template, planned and run.

use futures_util::future::BoxFuture;

use super::*;

/// What the room `delivery` registers, with three fixed environments.
pub(super) fn stand_ins() -> Vec<Arc<dyn Action>> {
    vec![
        Arc::new(Environments),
        Arc::new(Application),
        Arc::new(Unconnected("kubernetes:namespace")),
        Arc::new(Unconnected("registry:repository")),
        Arc::new(Unconnected("argocd:project")),
        Arc::new(Unconnected("argocd:applicationset")),
    ]
}

/// What does nothing where no cluster is connected.
struct Unconnected(&'static str);

impl Action for Unconnected {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: self.0,
            description: "",
            input: json!({"type": "object"}),
            output: None,
            examples: Vec::new(),
        }
    }

    fn effect(&self) -> EffectClass {
        EffectClass::Outside
    }

    fn adopts(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, _: &'a mut ActionContext, _: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async { Ok(Outputs::new()) })
    }
}

struct Environments;

impl Action for Environments {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "delivery:environments",
            description: "",
            input: json!({"type": "object"}),
            output: None,
            examples: Vec::new(),
        }
    }

    fn run<'a>(&'a self, _: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let service = input.get("service").and_then(Value::as_str).unwrap_or_default();
            let one = |(order, name): (usize, &str)| {
                json!({
                    "name": name, "title": name, "order": order, "cluster": "local", "server": "https://kubernetes.default.svc",
                    "namespace": format!("payments-{name}"), "application": format!("{service}-{name}"), "automated": order == 0, "colour": "blue",
                })
            };
            let environments: Vec<Value> = ["dev", "staging", "prod"].into_iter().enumerate().map(one).collect();
            Ok(Outputs::from_iter([("environments".to_owned(), json!(environments))]))
        })
    }
}

struct Application;

impl Action for Application {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "argocd:application",
            description: "",
            input: json!({"type": "object"}),
            output: None,
            examples: Vec::new(),
        }
    }

    fn effect(&self) -> EffectClass {
        EffectClass::Outside
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let name = input.get("name").and_then(Value::as_str).unwrap_or_default();
            ctx.made("application", &format!("Argo CD application {name}"), json!(name)).await?;
            Ok(Outputs::new())
        })
    }

    fn inspect<'a>(
        &'a self,
        ctx: &'a ActionContext,
        input: &'a Outputs,
    ) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(async move {
            let name = input.get("name").and_then(Value::as_str).unwrap_or_default();
            let effect = ctx.effect(EffectKind::Deploy, format!("Argo CD application {name}"), None);
            Ok(Inspection { effects: vec![effect], ..Inspection::default() })
        })
    }
}

async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "organisation.yaml", ORGANISATION);
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/templates/software/rust-service/template.yaml");
    let template = file(shipped);
    let config = CatalogConfig {
        locations: vec![location(folder.path(), "organisation.yaml"), template],
        ..CatalogConfig::default()
    };
    let world = World::of(folder, config, Limits::default()).await;
    world.start();
    world
}

fn answers() -> Value {
    json!({
        "name": "payments-api", "description": "Takes payments", "owner": "group:default/payments",
        "system": "system:default/checkout", "repoUrl": "local?owner=acme&repo=payments-api",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_golden_path_is_planned_and_run() {
    let world = world().await;
    let template = world.scaffolder.template(&world.who, &"template:default/rust-service".parse().unwrap()).unwrap();
    assert!(template.is_sound(), "{:#?}", template.problems);
    let plan = world.plan("rust-service", answers()).await.unwrap();
    assert!(plan.is_clear(), "{:#?} {:#?}", plan.problems, plan.effects);
    let sentences: Vec<&str> = plan.effects.iter().map(|effect| effect.sentence.as_str()).collect();
    assert_eq!(sentences[0], "create repository acme/payments-api");
    assert_eq!(sentences[1], format!("push {} files to main", plan.files.len()));
    assert_eq!(sentences[2..4], ["register component:default/payments-api", "register api:default/payments-api"]);
    assert_eq!(
        sentences[4..],
        [
            "Argo CD application payments-api-dev",
            "Argo CD application payments-api-staging",
            "Argo CD application payments-api-prod"
        ]
    );

    let started = std::time::Instant::now();
    let (status, events) = world.run("rust-service", answers()).await;
    println!("run took {:?}", started.elapsed());
    assert_eq!(status, "completed", "{:#?}", messages(&events));
    let made = world.files("acme/payments-api").await;
    assert_eq!(made.len(), plan.files.len());
    for (file, (path, text)) in plan.files.iter().zip(&made) {
        assert_eq!(&file.path, path);
        if path != ".greenroom/template.yaml" {
            assert_eq!(std::str::from_utf8(&file.content).unwrap(), text, "{path}");
        }
    }
}
