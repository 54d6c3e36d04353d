//! Sample data for every page.

use std::sync::Arc;

use chrono::{Duration, Utc};
use serde_json::{Value, json};

use crate::entity::EntityRef;
use crate::scaffolder::form::{Choice as FormChoice, EntityChoice, Field, FieldKind, RepoChoice};
use crate::web::page::{Area, Chrome, Person, Site};
use crate::web::pages::create::field::{FieldView, Offers, OptionView};
use crate::web::pages::create::form::{ErrorLine, FormPage, Step};
use crate::web::pages::create::plan::{EffectGroup, EffectLine, FileView, PlanPage, TreeFile, tree};
use crate::web::pages::create::{Filter, FilterOption, GalleryPage, Problem, TemplateCard};
use crate::web::pages::home::{HomePage, KindCount, OwnedRow, SystemCard};
use crate::web::pages::shown::{EntityLink, Moment};
use crate::web::pages::task::{Choice, LogLine, Output, OutputText, RunError, RunPage, RunRow, RunsPage, State, StepRow};

pub(super) fn chrome(area: Area, title: &str) -> Chrome {
    let site = Site {
        title: "Greenroom".to_owned(),
        organization: "Acme".to_owned(),
        base_url: "http://localhost:7007/".parse().unwrap(),
        version: "0.1.0".to_owned(),
        database: "embedded Postgres 17".to_owned(),
        data_dir: ".greenroom".into(),
    };
    let user = EntityRef::new("user", "default", "guest");
    Chrome {
        site: Arc::new(site),
        title: title.to_owned(),
        area,
        person: Some(Person { name: "Guest".to_owned(), user, csrf: "token".to_owned() }),
    }
}

pub(super) fn entity(kind: &str, name: &str, title: &str) -> EntityLink {
    EntityLink::titled(&EntityRef::new(kind, "default", name), title)
}

pub(super) fn ago(minutes: i64) -> Moment {
    Moment(Utc::now() - Duration::minutes(minutes))
}

pub(super) fn home() -> HomePage {
    let row = |name: &str, title: &str, about: &str, lifecycle: &str| OwnedRow {
        entity: entity("component", name, title),
        kind_of: "service".to_owned(),
        lifecycle: Some(lifecycle.to_owned()),
        owner: Some(entity("group", "payments", "Payments")),
        about: about.to_owned(),
    };
    let system = |name: &str, title: &str, about: &str| SystemCard {
        link: format!("/catalog/default/system/{name}"),
        title: title.to_owned(),
        about: about.to_owned(),
        owner: Some(entity("group", "checkout", "Checkout")),
        parts: vec!["4 components".to_owned(), "2 APIs".to_owned(), "3 resources".to_owned()],
    };
    HomePage {
        chrome: chrome(Area::Home, "Home"),
        groups: vec![entity("group", "payments", "Payments"), entity("group", "guests", "Guests")],
        mine: vec![
            row("checkout-service", "Checkout service", "Carts and orders. Reserves stock, authorises the payment and writes the order, in that order.", "production"),
            row("payment-gateway", "Payment gateway", "Talks to the card schemes.", "experimental"),
            row("ledger", "Ledger", "Double-entry bookkeeping of everything that moves.", "deprecated"),
        ],
        mine_total: 12,
        mine_link: "/catalog?owner=me".to_owned(),
        runs: runs_rows(),
        systems: vec![
            system("storefront", "Storefront", "What customers see: the shop's pages, search and recommendations."),
            system("checkout", "Checkout", "From cart to order."),
            system("payments", "Payments", "Authorising, capturing and paying back money, and the books about it."),
        ],
        kinds: [("Components", "component", 34), ("APIs", "api", 12), ("Systems", "system", 8), ("Groups", "group", 11)]
            .map(|(label, icon, count)| KindCount { label: label.to_owned(), icon: icon.to_owned(), count, link: format!("/catalog?kind={icon}") })
            .into(),
    }
}

fn runs_rows() -> Vec<RunRow> {
    let row = |title: &str, state, minutes, took: &str| RunRow {
        link: "/create/tasks/1".to_owned(),
        title: title.to_owned(),
        template: Some(entity("template", "rust-service", "Rust service")),
        template_title: "Rust service".to_owned(),
        state,
        by: Some(entity("user", "guest", "Guest")),
        created: ago(minutes),
        took: took.to_owned(),
    };
    vec![
        row("payments-api", State::Processing, 0, ""),
        row("refunds", State::Completed, 14, "212 ms"),
        row("ledger-export", State::Failed, 190, "98 ms"),
        row("fraud-rules", State::Cancelled, 4000, "1.2 s"),
    ]
}

pub(super) fn runs() -> RunsPage {
    let choice = |label: &str, current| Choice { label: label.to_owned(), link: "/create/tasks".to_owned(), current };
    RunsPage {
        chrome: chrome(Area::Runs, "Runs"),
        whose: vec![choice("Mine", true), choice("Everybody's", false)],
        states: vec![choice("Any", true), choice("Running", false), choice("Done", false), choice("Failed", false)],
        filtered: false,
        runs: runs_rows(),
        shown: "1–4 of 4 runs".to_owned(),
        newer: None,
        older: None,
    }
}

pub(super) fn gallery() -> GalleryPage {
    let card = |name: &str, title: &str, about: &str, type_: &str, tags: &[&str]| TemplateCard {
        title: title.to_owned(),
        name: name.to_owned(),
        about: about.to_owned(),
        type_: type_.to_owned(),
        owner: Some(entity("group", "platform", "Platform")),
        owner_ref: "group:default/platform".to_owned(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        create: format!("/create/templates/default/{name}"),
        entity: format!("/catalog/default/template/{name}"),
        problems: Vec::new(),
    };
    let option = |value: &str, count| FilterOption { value: value.to_owned(), label: value.to_owned(), count, selected: false };
    let problem = Problem {
        message: "step `publish` reads `steps.fetch.output.path`, but no earlier step is called `fetch`".to_owned(),
        spot: "templates/broken.yaml:14:7".to_owned(),
    };
    GalleryPage {
        chrome: chrome(Area::Create, "Create"),
        q: String::new(),
        choices: vec![
            Filter { name: "type", label: "Type", any: "Any type", options: vec![option("service", 2), option("library", 1)] },
            Filter { name: "owner", label: "Owner", any: "Any owner", options: vec![option("Platform", 3)] },
            Filter { name: "tag", label: "Tag", any: "Any tag", options: vec![option("rust", 2)] },
        ],
        filtered: false,
        templates: vec![
            card("rust-service", "Rust service", "A small axum service with tests, a container image, CI, a Helm chart and Argo CD applications for every environment.", "service", &["rust", "axum", "recommended"]),
            card("docs-site", "Documentation site", "Pages in Markdown with a pipeline that checks links.", "documentation", &["docs"]),
            card("library", "Rust library", "A crate with tests and releases.", "library", &["rust"]),
        ],
        broken: vec![TemplateCard { problems: vec![problem], ..card("broken", "Node service (old)", "", "service", &[]) }],
        total: 4,
    }
}

struct Sample;

impl Offers for Sample {
    fn entities(&self, _: &EntityChoice) -> Vec<OptionView> {
        let names = ["Payments", "Checkout", "Platform", "Data", "Search", "Storefront", "Logistics", "Warehouse", "Research"];
        let option = |name: &&str| OptionView { label: (*name).to_owned(), hint: "group".to_owned(), ..OptionView::plain(format!("group:default/{}", name.to_lowercase())) };
        names.iter().map(option).collect()
    }

    fn hosts(&self) -> Vec<(String, String)> {
        vec![("local".to_owned(), "This portal".to_owned())]
    }

    fn owners(&self) -> Vec<String> {
        vec!["acme".to_owned()]
    }

    fn tags(&self, _: &[String]) -> Vec<String> {
        Vec::new()
    }

    fn clone_pattern(&self) -> String {
        "http://localhost:7007/git/{owner}/{repo}.git".to_owned()
    }
}

fn field(name: &str, label: &str, kind: FieldKind, value: Value) -> Field {
    Field {
        name: name.to_owned(),
        pointer: format!("/{name}"),
        label: label.to_owned(),
        description: None,
        help: None,
        placeholder: None,
        required: true,
        autofocus: false,
        disabled: false,
        readonly: false,
        value,
        error: None,
        note: None,
        kind,
    }
}

fn steps(current: usize) -> Vec<Step> {
    let step = |(index, title): (usize, &str)| Step {
        title: title.to_owned(),
        link: (index < current).then(|| format!("/create/drafts/1/{index}")),
        done: index < current,
        current: index == current,
    };
    ["About the service", "Where it lives", "Plan"].into_iter().enumerate().map(step).collect()
}

pub(super) fn form() -> FormPage {
    let text = || FieldKind::Text { format: None, pattern: None, min_length: None, max_length: Some(40) };
    let choice = |value: &str, label: &str| FormChoice { value: json!(value), label: label.to_owned(), disabled: false };
    let mut name = field("name", "Name", text(), json!("Payments API"));
    name.error = Some("use lower-case letters, digits and hyphens, such as `payments-api`".to_owned());
    name.description = Some("The **name** in the catalog and of the repository.".to_owned());
    let mut about = field("description", "Description", FieldKind::TextArea { rows: 3 }, Value::Null);
    about.required = false;
    about.help = Some("One or two sentences; they stand at the top of its page.".to_owned());
    let item = |index: usize| vec![
        field(&format!("ports.{index}.name"), "Name", text(), json!("http")),
        field(&format!("ports.{index}.port"), "Port", FieldKind::Number { min: Some(json!(1)), max: Some(json!(65535)), step: None, integer: true, range: false }, json!(8080)),
    ];
    let fields = [
        name,
        about,
        field("owner", "Owner", FieldKind::Owner(EntityChoice { allow_arbitrary: true, ..EntityChoice::default() }), json!("group:default/payments")),
        field("tier", "Tier", FieldKind::Radio { options: vec![choice("1", "Tier 1: woken at night"), choice("2", "Tier 2: office hours")] }, json!("2")),
        field("database", "With a database", FieldKind::Checkbox, json!(true)),
        field("repoUrl", "Repository", FieldKind::RepoUrl(RepoChoice::default()), json!("local?owner=acme&repo=payments-api")),
        field("ports", "Ports", FieldKind::List { template: item(9), items: vec![item(0), item(1)], min: None, max: None }, Value::Null),
        field("runtime", "Runtime", FieldKind::Group { fields: vec![
            field("runtime.replicas", "Replicas", FieldKind::Number { min: Some(json!(1)), max: Some(json!(9)), step: None, integer: true, range: false }, json!(2)),
            field("runtime.extra", "Extra values", FieldKind::Json, json!({"a": 1})),
        ] }, Value::Null),
        field("features", "Features", FieldKind::Checkboxes { options: vec![choice("metrics", "Metrics"), choice("tracing", "Tracing")] }, json!(["metrics"])),
    ];
    FormPage {
        chrome: chrome(Area::Create, "Rust service"),
        crumbs: vec![("Create".to_owned(), "/create".to_owned())],
        template_title: "Rust service".to_owned(),
        page_title: "About the service".to_owned(),
        about: None,
        steps: steps(0),
        errors: vec![ErrorLine { anchor: "field-name".to_owned(), label: "Name".to_owned(), message: "use lower-case letters, digits and hyphens".to_owned() }],
        fields: fields.iter().map(|field| FieldView::new(field, &Sample)).collect(),
        action: "/create/drafts/1/0".to_owned(),
        back: None,
        back_label: "Back".to_owned(),
        next_label: "Next".to_owned(),
    }
}

pub(super) fn plan() -> PlanPage {
    let names = [
        ".dockerignore", ".github/workflows/ci.yaml", ".github/dependabot.yml", "Cargo.toml", "Dockerfile", "README.md", "catalog-info.yaml",
        "chart/Chart.yaml", "chart/templates/deployment.yaml", "chart/templates/hpa.yaml", "chart/values.yaml", "deploy/argocd/dev.yaml",
        "deploy/argocd/prod.yaml", "docs/index.md", "mkdocs.yml", "scripts/run.sh", "src/main.rs", "src/routes.rs", "tests/http.rs",
    ];
    let file = |path: &str| TreeFile {
        path: path.to_owned(),
        link: format!("/create/drafts/1/plan?file={path}"),
        size: 1200,
        executable: path.ends_with(".sh"),
        current: path == "src/main.rs",
    };
    let files: Vec<TreeFile> = names.iter().map(|name| file(name)).collect();
    let effect = |sentence: &str, step: &str, conflict: Option<&str>| EffectLine { sentence: sentence.to_owned(), step: step.to_owned(), conflict: conflict.map(str::to_owned) };
    let code = "//! The service.\n\nuse axum::Router;\n\nfn main() {\n    println!(\"hello\");\n}\n".repeat(6);
    PlanPage {
        chrome: chrome(Area::Create, "Plan"),
        crumbs: vec![("Create".to_owned(), "/create".to_owned())],
        template_title: "Rust service".to_owned(),
        steps: steps(2),
        problems: Vec::new(),
        conflicts: 1,
        warnings: vec!["`docs/index.md` is short".to_owned()],
        groups: vec![
            EffectGroup { title: "Repositories", icon: "repository", effects: vec![effect("create repository acme/payments-api", "Publish", Some("repository acme/payments-api exists already"))] },
            EffectGroup { title: "Pushes", icon: "push", effects: vec![effect("push 31 files to main", "Publish", None)] },
            EffectGroup { title: "Catalog", icon: "register", effects: vec![effect("register component:default/payments-api", "Register", None)] },
            EffectGroup { title: "Deployments", icon: "deploy", effects: vec![
                effect("Argo CD application payments-api-dev → cluster local, namespace payments-dev", "Declare applications", None),
                effect("Argo CD application payments-api-prod → cluster local, namespace payments-prod", "Declare applications", None),
            ] },
        ],
        effects_total: 5,
        answers: vec![("Name".to_owned(), "payments-api".to_owned()), ("Owner".to_owned(), "group:default/payments".to_owned())],
        log: Vec::new(),
        files_text: "19 files, 22.8 kB".to_owned(),
        tree: tree(&files),
        file: Some(FileView::new("src/main.rs", code.as_bytes(), false, false)),
        back: "/create/drafts/1/1".to_owned(),
        back_label: "Back".to_owned(),
        create_label: "Create".to_owned(),
        blocked: true,
        action: "/create/drafts/1/plan".to_owned(),
    }
}

pub(super) fn run(failed: bool) -> RunPage {
    let step = |id: &str, name: &str, state, took: &str| StepRow { id: id.to_owned(), name: name.to_owned(), state, took: took.to_owned() };
    let line = |time: &str, text: &str, head, bad| LogLine { time: time.to_owned(), text: text.to_owned(), head, bad };
    let output = |title: &str, icon| Output { title: title.to_owned(), link: "/catalog".to_owned(), icon };
    let last = if failed { State::Failed } else { State::Completed };
    RunPage {
        chrome: chrome(Area::Runs, "payments-api"),
        crumbs: vec![("Runs".to_owned(), "/create/tasks".to_owned())],
        title: "payments-api".to_owned(),
        state: last,
        running: false,
        template: Some(entity("template", "rust-service", "Rust service")),
        by: Some(entity("user", "guest", "Guest")),
        created: ago(3),
        took: "212 ms".to_owned(),
        cancel: "/create/tasks/1/cancellation".to_owned(),
        retry: failed.then(|| "/create/tasks/1/retry".to_owned()),
        again: Some("/create/templates/default/rust-service".to_owned()),
        events: "/create/tasks/1/events".to_owned(),
        last_event: 12,
        error: failed.then(|| RunError {
            title: "Register failed".to_owned(),
            message: "entity component:default/payments-api is declared by another location; choose another name".to_owned(),
            made: vec!["repository acme/payments-api".to_owned()],
        }),
        outputs: if failed { Vec::new() } else { vec![output("Repository", "repository"), output("Open in catalog", "component"), output("Pipeline", "pipeline"), output("Development", "deploy"), output("Production", "deploy")] },
        texts: if failed { Vec::new() } else { vec![OutputText { title: "Next steps".to_owned(), html: crate::web::pages::markdown::note("Clone it: `git clone http://localhost:7007/git/acme/payments-api.git`\n\n- run `cargo test`\n- open a pull request") }] },
        steps: vec![
            step("fetch", "Render the skeleton", State::Completed, "48 ms"),
            step("publish", "Publish to the forge", State::Completed, "61 ms"),
            step("register", "Register in the catalog", last, "77 ms"),
            step("notify", "Tell the owners", State::Skipped, ""),
        ],
        steps_done: 4,
        progress_text: "4 of 4".to_owned(),
        effects: vec!["created repository acme/payments-api".to_owned(), "pushed 31 files to main".to_owned()],
        answers: vec![("name".to_owned(), "payments-api".to_owned())],
        log: vec![
            line("22:49:11", "Render the skeleton", true, false),
            line("22:49:11", "Fetching template from file:/templates/software/rust-service/skeleton", false, false),
            line("22:49:11", "Writing 31 files", false, false),
            line("22:49:11", "Publish to the forge", true, false),
            line("22:49:11", "Created http://localhost:7007/repositories/acme/payments-api", false, false),
            line("22:49:12", if failed { "entity is declared by another location" } else { "Registered component:default/payments-api" }, false, failed),
        ],
    }
}
