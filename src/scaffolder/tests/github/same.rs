//! One template, published on the local forge and on GitHub: the same files make the same Git tree.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::forge::LogQuery;

const STEPS: &str = "  parameters:
    - properties:
        host: { type: string }
        name: { type: string }
        docs: { type: boolean }
  steps:
    - id: fetch
      action: fetch:template
      input:
        url: ./skeleton
        copyWithoutTemplating: [assets]
        values: { name: '${{ parameters.name }}', docs: '${{ parameters.docs }}' }
    - id: write
      action: roadiehq:utils:fs:write
      input: { path: .github/workflows/ci.yaml, content: \"name: ${{ parameters.name }}\\n\" }
    - id: local
      if: ${{ parameters.host === 'local' }}
      action: publish:repository
      input: { repoUrl: '${{ parameters.host }}?owner=acme&repo=${{ parameters.name }}' }
    - id: github
      if: ${{ parameters.host !== 'local' }}
      action: publish:github
      input: { repoUrl: '${{ parameters.host }}?owner=acme&repo=${{ parameters.name }}' }
";

/// What a skeleton can have: names that are filled in, a file that may be left out, one that can be executed, bytes that are no
/// text, nothing at all, and names whose order is not that of a tree.
const SKELETON: [(&str, &[u8]); 10] = [
    ("README.md", b"# ${{ values.name }}\n"),
    ("src/${{ values.name }}/main.rs", b"fn main() { println!(\"${{ values.name }}\"); }\n"),
    ("${{ 'docs' if values.docs else '' }}/index.md", b"Words of ${{ values.name }}\n"),
    ("run.sh", b"#!/bin/sh\necho ${{ values.name }}\n"),
    ("assets/logo.png", b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe"),
    ("assets/${{ kept }}.txt", b"${{ kept }} as it is"),
    ("empty", b""),
    ("lib/a", b"a"),
    ("lib.a", b"b"),
    ("lib-a/ü.txt", "Grüße\r\nohne Ende".as_bytes()),
];

#[tokio::test(flavor = "multi_thread")]
async fn one_template_makes_the_same_tree_everywhere() {
    let Some(model) = Model::acme().await else { return };
    let world = portal(&model, STEPS).await;
    let skeleton = world.folder.path().join("everything/skeleton");
    for (name, bytes) in SKELETON {
        let path = skeleton.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    std::fs::set_permissions(skeleton.join("run.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    for docs in [true, false] {
        let name = if docs { "documented" } else { "plain" };
        for host in ["local", &model.host()] {
            let (status, events) = world.run("everything", json!({"host": host, "name": name, "docs": docs})).await;
            assert_eq!(status, "completed", "{host}: {:#?}", messages(&events));
        }
        let id: RepositoryId = format!("acme/{name}").parse().unwrap();
        let query = LogQuery { revision: "main".to_owned(), path: None, skip: 0, limit: 2 };
        let commits = world.forge.log(&id, query).await.unwrap();
        let files: Vec<String> =
            world.forge.walk(&id, "main", "").await.unwrap().into_iter().map(|entry| entry.path).collect();
        assert_eq!((commits.len(), files.len()), (1, if docs { 11 } else { 10 }), "{files:#?}");
        assert!(files.contains(&format!("src/{name}/main.rs")), "{files:#?}");
        let there = model.repository(&format!("acme/{name}")).await;
        let main = there["branches"].as_array().unwrap().iter().find(|branch| branch["name"] == "main").unwrap();
        assert_eq!((&main["tree"], &main["commits"]), (&json!(commits[0].tree), &json!(1)), "{main:#}");
    }
    model.assert_lawful().await;
}
