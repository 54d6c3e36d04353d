//! Constructs and what they become, and what no source may bring about.

use std::borrow::Cow;

use proptest::prelude::*;

use super::*;

fn docs(source: &str) -> String {
    render(source, Dialect::DOCS, &Alone).html
}

/// HTML without the space between its elements.
fn tight(html: &str) -> String {
    let mut out = String::new();
    for line in html.lines() {
        out.push_str(line.trim());
    }
    out
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn constructs_become_what_material_makes_of_them() {
    let check = |source: &str, expected: &str| {
        let html = tight(&docs(source));
        assert!(html.contains(expected), "{source}\n→ {html}\nwithout {expected}");
    };
    for (source, expected) in [
        ("!!! note\n    x", "<div class=\"admonition note\"><p class=\"admonition-title\">Note</p><p>x</p></div>"),
        ("!!! warning \"A *b*\"\n    x", "<p class=\"admonition-title\">A <em>b</em></p>"),
        ("!!! note \"\"\n    x", "<div class=\"admonition note\"><p>x</p></div>"),
        ("!!! note \"1. One\"\n    x", "<p class=\"admonition-title\">1. One</p>"),
        ("??? tip \"More\"\n    x", "<details class=\"tip\"><summary>More</summary><p>x</p></details>"),
        ("???+ tip\n    x", "<details class=\"tip\" open=\"\"><summary>Tip</summary>"),
        ("- a\n\n    !!! note\n        x\n\n- b", "<div class=\"admonition note\">"),
        ("!!! note\n    - a\n\n        ```\n        !!! note\n        ```", "!!! note"),
        (
            "> [!WARNING]\n> x",
            "<div class=\"admonition warning\"><p class=\"admonition-title\">Warning</p><p>x</p></div>",
        ),
        ("| a | b |\n|:--|--:|\n| 1 | 2 |", "<td class=\"align-right\">2</td>"),
        ("# A {#x .lead}", "<h1 id=\"x\" class=\"lead\">A"),
        ("text\n{: #x .lead }", "<p id=\"x\" class=\"lead\">text</p>"),
        ("[a](b.md){ .md-button .other target=_blank }", "<a href=\"b.md\" class=\"md-button\">a</a>"),
        (
            "![a](b.png){ width=\"30\" align=left }",
            "<img alt=\"a\" src=\"b.png\" width=\"30\" align=\"left\" loading=\"lazy\">",
        ),
        ("`{: .x }` and { x }", "<code>{: .x }</code> and { x }"),
        ("Term\n:   One\n:   Two", "<dl><dt>Term</dt><dd>One</dd><dd>Two</dd></dl>"),
        ("a[^1]\n\n[^1]: note", "<sup id=\"fnref:1\"><a class=\"footnote-ref\" href=\"#fn:1\">1</a></sup>"),
        ("a[^1]\n\n[^1]: note", "<li id=\"fn:1\"><p>note&nbsp;<a class=\"footnote-backref\" href=\"#fnref:1\""),
        ("HTML is\n\n*[HTML]: Hypertext", "<abbr title=\"Hypertext\">HTML</abbr> is"),
        ("XHTML\n\n*[HTML]: Hypertext", "<p>XHTML</p>"),
        (
            "- [x] a\n- [ ] b",
            "<li class=\"task-list-item\"><input type=\"checkbox\" disabled=\"\" checked=\"\" aria-label=\"done\"> a</li>",
        ),
        ("=== \"A\"\n    x\n\n=== \"B\"\n    y", "<label for=\"__tabbed_1_2\">B</label>"),
        (
            "=== \"A\"\n    x\n\n=== \"B\"\n    y",
            "<input checked=\"\" id=\"__tabbed_1_1\" name=\"__tabbed_1\" type=\"radio\">",
        ),
        (
            "=== \"A\"\n    x\n\n=== \"B\"\n    y",
            "<div class=\"tabbed-block\"><p>x</p></div><div class=\"tabbed-block\"><p>y</p></div>",
        ),
        (
            "/// warning | Hot\nx\n///",
            "<div class=\"admonition warning\"><p class=\"admonition-title\">Hot</p><p>x</p></div>",
        ),
        (
            "/// details | More\n    type: tip\n\nx\n///",
            "<details class=\"tip\"><summary>More</summary><p>x</p></details>",
        ),
        ("/// tab | A\nx\n///\n\n/// tab | B\ny\n///", "<label for=\"__tabbed_1_2\">B</label>"),
        ("```py title=\"a.py\" hl_lines=\"1\" linenums=\"3\"\nx\n```", "<span class=\"filename\">a.py</span>"),
        (
            "```py title=\"a.py\" hl_lines=\"1\" linenums=\"3\"\nx\n```",
            "<span class=\"linenos\">3</span><span class=\"hll\">x",
        ),
        ("``` { .yaml .annotate }\na: 1\n```", "<code class=\"language-yaml\"><span class=\"nt\">a</span>"),
        ("`#!python None`", "<code class=\"highlight\"><span class=\"kc\">None</span></code>"),
        (
            "++ctrl+k++",
            "<span class=\"keys\"><kbd class=\"key-control\">Ctrl</kbd><span>+</span><kbd class=\"key-k\">K</kbd></span>",
        ),
        ("==a== ^^b^^ c^2^ d~3~ ~~e~~", "<mark>a</mark> <ins>b</ins> c<sup>2</sup> d<sub>3</sub> <del>e</del>"),
        (
            "{++a++} {--b--} {~~c~>d~~}",
            "<ins class=\"critic\">a</ins> <del class=\"critic\">b</del> <del class=\"critic\">c</del><ins class=\"critic\">d</ins>",
        ),
        (":smile: :material-check: x", "<p>😄 x</p>"),
        (
            "[TOC]\n\n# A\n\n## B",
            "<div class=\"toc\"><ul><li><a href=\"#a\">A</a><ul><li><a href=\"#b\">B</a></li></ul></li></ul></div>",
        ),
        ("# A", "<a class=\"headerlink\" href=\"#a\" title=\"Permanent link\">¶</a>"),
        ("<div class=\"grid\" markdown>\n\n**a**\n\n</div>", "<div class=\"grid\"><p><strong>a</strong></p></div>"),
        ("<div>\n  <p>a</p>\n\n    <p>**b**</p>\n</div>", "<div><p>a</p><p>**b**</p></div>"),
        (
            "<details>\n<summary>More</summary>\n\n**a**\n\n</details>",
            "<details><summary>More</summary><p><strong>a</strong></p></details>",
        ),
        ("<a name=\"x\"></a>\n## B", "<h2 id=\"b\">B"),
        ("```mermaid\ngraph TD; A-->B\n```", "<pre class=\"mermaid\" tabindex=\"0\"><code>graph TD; A--&gt;B"),
        ("---\ntitle: x\n---\n# A", "<h1 id=\"a\">A"),
        ("a --> b (c)", "<p>a → b ©</p>"),
        ("##A", "<h2 id=\"a\">A"),
        ("![a](https://example.com/x.png)", "<a href=\"https://example.com/x.png\" class=\"external-image\">a</a>"),
        ("[![a](https://example.com/x.png)](b.md)", "<a href=\"b.md\"><span class=\"external-image\">a</span></a>"),
    ] {
        check(source, expected);
    }
}

#[test]
fn a_formula_is_readable_where_the_site_has_formulas() {
    let math = Dialect { math: true, ..Dialect::DOCS };
    let html = render("$a^2$ and $$b$$", math, &Alone).html;
    assert!(html.contains("<code class=\"math\">a^2</code>"), "{html}");
    assert!(docs("costs $5 or $6").contains("costs $5 or $6"));
}

#[test]
fn words_are_known_by_heading() {
    let rendered =
        render("# T\n\nIntro `x`.\n\n## A {#own}\n\n- one\n- two\n\n```sh\nls\n```\n", Dialect::DOCS, &Alone);
    let sections: Vec<_> = rendered.sections.iter().map(|one| (&*one.heading, &*one.anchor, &*one.text)).collect();
    assert_eq!(sections, [("T", "t", "Intro x."), ("A", "own", "one two ls")]);
}

#[test]
fn links_are_asked_for_wherever_they_stand() {
    struct Moved;
    impl Surroundings for Moved {
        fn resolve(&self, url: &str, target: Target) -> Option<String> {
            Some(format!("{target:?}:{url}").replace(':', "/"))
        }
        fn include(&self, name: &str) -> Result<Cow<'_, str>, String> {
            Ok(format!("[in](#{name})").into())
        }
    }
    let html = render(
        "[a](b.md) ![c](d.png)\n\n<img src='e.png'> <a href=\"f.md\">g</a>\n\n--8<-- \"h\"\n",
        Dialect::DOCS,
        &Moved,
    )
    .html;
    for part in
        ["href=\"Link/b.md\"", "src=\"Image/d.png\"", "src=\"Image/e.png\"", "href=\"Link/f.md\"", "href=\"Link/#h\""]
    {
        assert!(html.contains(part), "{part} in {html}");
    }
}

/// What may never be in HTML that is shown.
fn assert_safe(html: &str) {
    // Everything that could run stands in a tag, so text that only looks like it is no harm.
    for tag in html.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag.to_lowercase()) {
        for forbidden in ["script", "style", "iframe", "object", "embed", "form", "svg", "base", "link", "meta"] {
            assert!(
                tag.trim_start_matches('/').split_whitespace().next().is_none_or(|name| name != forbidden),
                "<{tag}>"
            );
        }
        let outside: String = tag.split('"').step_by(2).collect();
        assert!(!outside.contains(" on"), "<{tag}>");
        assert!(!outside.contains(" style="), "<{tag}>");
        for value in tag.split("href=\"").skip(1).chain(tag.split("src=\"").skip(1)) {
            let value = value.trim_start();
            assert!(
                !value.starts_with("javascript:") && !value.starts_with("data:") && !value.starts_with("vbscript:"),
                "<{tag}>"
            );
        }
    }
}

#[test]
fn nothing_that_runs_comes_through() {
    for source in [
        "<script>alert(1)</script>",
        "<SCRIPT SRC=//x></SCRIPT>",
        "[x](javascript:alert(1)) [y](JaVaScRiPt:alert(1)) [z](data:text/html,x)",
        "<a href=\"java&#x0A;script:alert(1)\">x</a>",
        "<img src=x onerror=alert(1)>",
        "!!! note \"<img src=x onerror=alert(1)>\"\n    <svg onload=alert(1)>",
        "[x](a){ onclick=\"alert(1)\" style=\"position:fixed\" href=\"javascript:alert(1)\" }",
        "# A { onmouseover=\"alert(1)\" }",
        "=== \"<script>alert(1)</script>\"\n    x",
        "```html title=\"<script>\"\n<script>\n```",
        "<div markdown onclick=\"x\"><script>y</script></div>",
        "*[a]: \"><script>x</script>\n\na",
        "[^\"><script>]: x\n\nx[^\"><script>]",
        "`#!<script> x`",
        "<form action=/sign-out><button>x</button></form>",
        "<meta http-equiv=refresh content=0><base href=//x><link rel=stylesheet href=//x>",
        "<input type=password name=x autofocus onfocus=alert(1)>",
    ] {
        for dialect in [Dialect::DOCS, Dialect::GITHUB, Dialect { other_images: true, math: true, ..Dialect::DOCS }] {
            assert_safe(&render(source, dialect, &Alone).html);
        }
    }
    assert!(!docs("<input type=password>").contains("password"));
    assert!(!docs("<p class=\"notice side\" id=\"content\">x</p>").contains("notice"));
    assert!(!docs("# Content").contains("id=\"content\""));
}

#[test]
fn hostile_sizes_take_no_long_time() {
    let deep = |piece: &str, count: usize| piece.repeat(count);
    for source in [
        deep("> ", 3_000),
        deep("- ", 3_000),
        (0..100).fold(String::new(), |text, depth| format!("{text}{}!!! note\n", " ".repeat(depth * 4))),
        deep("<div markdown>\n", 3_000),
        deep("<div>\n", 3_000),
        deep("<pre>\n", 3_000),
        deep("<!--\n", 3_000),
        deep("{++", 6_000),
        deep("++a", 6_000),
        deep("*a_", 6_000),
        deep("[", 6_000),
        deep("![](", 3_000),
        deep("`", 2_000),
        deep("{: a=\"", 6_000),
        deep("^^a", 6_000),
        deep("a[^1]", 3_000),
        deep("=== \"x\"\n", 3_000),
        deep("/// note\n", 1_000),
        deep("```\n", 5_001),
        format!("|{}\n|{}\n", "a|".repeat(2_000), "-|".repeat(2_000)),
        deep("# a\n", 3_000),
        deep("[TOC]\n\n# a\n", 1_000),
    ] {
        let rendered = render(&source, Dialect::DOCS, &Alone);
        assert_safe(&rendered.html);
    }
    let long = render(&deep("long ", LONGEST / 5 + 10), Dialect::DOCS, &Alone);
    assert_eq!(long.remarks, [Remark::Cut]);
}

/// Pieces of which sources are made that mean something to one of the steps.
#[expect(clippy::too_many_lines, reason = "a table")]
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "!!! note \"x\"\n",
        "??? tip\n",
        "=== \"t\"\n",
        "    ",
        "\n",
        "\n\n",
        "- ",
        "1. ",
        "> ",
        "```py\n",
        "```\n",
        "~~~\n",
        "| a | b |\n|--|--|\n",
        "<div markdown>",
        "</div>",
        "<script>",
        "</script>",
        "<img src=x onerror=y>",
        "<!--",
        "-->",
        "<details>",
        "<summary>",
        "<pre>",
        "</pre>",
        "<a href=javascript:x>",
        "{: .a #b onclick=x }",
        "{",
        "}",
        "[x](javascript:y)",
        "![x](y)",
        "[^1]",
        "[^1]: n\n",
        "*[ab]: c\n",
        "ab",
        "++ctrl+x++",
        "{++",
        "++}",
        "{~~",
        "~>",
        "~~}",
        "==",
        "^^",
        "^",
        "~",
        "`",
        "``",
        "*",
        "**",
        "_",
        "\\",
        "# ",
        "## A {#x}\n",
        "[TOC]\n",
        ":smile:",
        ":",
        "\t",
        "--8<-- \"x\"\n",
        "{!x!}\n",
        "/// note | x\n",
        "///\n",
        "---\n",
        "é",
        "\u{F0000}",
        "\u{2E28}",
        "\0",
        "&amp;",
        "<",
        ">",
        "\"",
        "'",
        "(c)",
        "$x$",
        "Term\n:   D\n",
    ]);
    prop::collection::vec(prop_oneof![4 => piece.prop_map(str::to_owned), 1 => ".{0,6}"], 0..60)
        .prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_source_is_rendered_safely(source in pieces()) {
        for dialect in [Dialect::DOCS, Dialect::GITHUB, Dialect { math: true, callouts: true, line_breaks: true, other_images: true, ..Dialect::DOCS }] {
            let rendered = render(&source, dialect, &Alone);
            assert_safe(&rendered.html);
            prop_assert!(!rendered.html.contains('\u{F0000}'), "{}", rendered.html);
        }
    }
}
