//! What becomes of a skeleton.

use serde_json::json;

use super::*;
use crate::scaffolder::log::Entry;
use crate::scaffolder::secret::Mask;

fn tree(files: &[(&str, FileMode, &[u8])]) -> Tree {
    let files = files.iter().map(|(path, mode, bytes)| TreeFile {
        path: (*path).to_owned(),
        mode: *mode,
        bytes: Bytes::copy_from_slice(bytes),
    });
    Tree { files: files.collect(), version: "1".to_owned() }
}

/// The workspace as `path=content` and the log's lines.
fn render(input: &Value, tree: &Tree, there: &[(&str, &str)]) -> Result<(Vec<String>, Vec<String>), ActionError> {
    let (sender, mut lines) = tokio::sync::mpsc::unbounded_channel();
    let log = TaskLog::new(sender, Mask::default());
    let mut workspace = Workspace::default();
    for (path, text) in there {
        workspace.write(path, FileMode::Regular, Bytes::from((*text).to_owned()))?;
    }
    Rendering::new(input.as_object().unwrap())?.tree(tree, "", &mut workspace, &log)?;
    let files = workspace.files().map(|(path, file)| format!("{path}={}", String::from_utf8_lossy(&file.bytes)));
    let mut told = Vec::new();
    while let Ok(Entry::Event(event)) = lines.try_recv() {
        told.push(event.body["message"].as_str().unwrap().replace("\u{1b}[32minfo\u{1b}[39m: ", ""));
    }
    Ok((files.collect(), told))
}

#[test]
fn names_and_contents_are_rendered() {
    let skeleton = tree(&[
        ("${{ values.name }}/a.txt", FileMode::Regular, b"Hello ${{ values.name }}"),
        ("${{ 'on' if values.on }}/b.txt", FileMode::Regular, b"left out"),
        ("${{ '' }}", FileMode::Regular, b"left out"),
        ("run.sh", FileMode::Executable, b"{% if values.on %}x{% endif %}y"),
        ("bin", FileMode::Regular, b"\0${{ values.name }}"),
        ("latin1", FileMode::Regular, b"\xe9${{ values.name }}"),
        ("link", FileMode::Symlink, b"run.sh"),
    ]);
    let cases: &[(Value, &[&str])] = &[
        (
            json!({"values": {"name": "x"}}),
            &[
                "bin=\0${{ values.name }}",
                "latin1=\u{fffd}${{ values.name }}",
                "link=run.sh",
                "run.sh=y",
                "x/a.txt=Hello x",
            ],
        ),
        (
            json!({"values": {"name": "x"}, "copyWithoutRender": ["*/a.*"]}),
            &[
                "${{ values.name }}/a.txt=Hello ${{ values.name }}",
                "bin=\0${{ values.name }}",
                "latin1=\u{fffd}${{ values.name }}",
                "link=run.sh",
                "run.sh=y",
            ],
        ),
        (
            json!({"values": {"name": "x"}, "copyWithoutTemplating": ["${{ values.name }}/a.txt"]}),
            &[
                "bin=\0${{ values.name }}",
                "latin1=\u{fffd}${{ values.name }}",
                "link=run.sh",
                "run.sh=y",
                "x/a.txt=Hello ${{ values.name }}",
            ],
        ),
    ];
    for (input, expected) in cases {
        assert_eq!(render(input, &skeleton, &[]).unwrap().0, *expected, "{input}");
    }
}

#[test]
fn options_change_what_is_rendered() {
    let skeleton = tree(&[
        ("a.njk", FileMode::Regular, b"${{ values.n }}"),
        ("b", FileMode::Regular, b"${{ values.n }}"),
        ("c.tpl", FileMode::Regular, b"{{ cookiecutter.n }}"),
    ]);
    let cases: &[(Value, &[&str])] = &[
        (json!({"values": {"n": 1}, "templateFileExtension": true}), &["a=1", "b=old", "c.tpl={{ cookiecutter.n }}"]),
        (
            json!({"values": {"n": 1}, "templateFileExtension": ".tpl"}),
            &["a.njk=${{ values.n }}", "b=old", "c={{ cookiecutter.n }}"],
        ),
        (json!({"values": {"n": 1}, "replace": true}), &["a.njk=1", "b=1", "c.tpl={{ cookiecutter.n }}"]),
        (json!({"values": {"n": 1}, "cookiecutterCompat": true}), &["a.njk=$", "b=old", "c.tpl=1"]),
    ];
    for (input, expected) in cases {
        assert_eq!(render(input, &skeleton, &[("b", "old")]).unwrap().0, *expected, "{input}");
    }
    let refused = |input: Value| render(&input, &skeleton, &[]).unwrap_err().message;
    assert!(
        refused(json!({"copyWithoutRender": [], "copyWithoutTemplating": []}))
            .contains("can not be used at the same time")
    );
    assert!(refused(json!({"templateFileExtension": true, "copyWithoutRender": []})).contains("incompatible"));
}

#[test]
fn blocks_can_take_their_line_with_them() {
    let skeleton = tree(&[("a", FileMode::Regular, b"x\n  {% if true %}\ny\n  {% endif %}\n")]);
    let (files, _) = render(&json!({"values": {}, "trimBlocks": true, "lstripBlocks": true}), &skeleton, &[]).unwrap();
    assert_eq!(files, ["a=x\ny\n"]);
}

#[test]
fn nothing_leaves_the_workspace() {
    let cases: &[(&str, FileMode, &[u8], &str)] = &[
        ("${{ values.up }}/x", FileMode::Regular, b"", "leads out of the workspace"),
        ("${{ values.back }}", FileMode::Regular, b"", "has a backslash or control characters"),
        ("link", FileMode::Symlink, b"../../etc", "leads out of the workspace"),
        ("bad", FileMode::Regular, b"line\n${{ values. }}", "bad: "),
    ];
    for (path, mode, bytes, expected) in cases {
        let skeleton = tree(&[(path, *mode, bytes)]);
        let error = render(&json!({"values": {"up": "../..", "back": "a\\b"}}), &skeleton, &[]).unwrap_err();
        assert!(error.message.contains(expected), "{path}: {error}");
    }
}

#[test]
fn the_log_tells_what_backstages_tells() {
    let skeleton =
        tree(&[("src/${{ values.name }}.ts", FileMode::Regular, b""), (".gitignore", FileMode::Regular, b"")]);
    let (_, told) = render(&json!({"values": {"name": "demo"}}), &skeleton, &[]).unwrap();
    assert_eq!(
        told,
        [
            "Processing 3 template files/directories with input values {\"name\":\"demo\"}",
            "Writing file .gitignore to template output path with mode 33188.",
            "Writing directory src/ to template output path.",
            "Writing file src/${{ values.name }}.ts to template output path with mode 33188.",
        ]
    );
}
