//! Blocks: headings, paragraphs, lists, tables, notes.

use std::fmt::Write as _;

use comrak::nodes::{AstNode, ListType, NodeAlert, NodeHeading, NodeValue, TableAlignment};

use super::super::Heading;
use super::super::attributes::{Attributes, escape_into, escaped};
use super::{Writer, words};

/// Tables of contents of one page.
const MOST_CONTENTS: usize = 3;

impl Writer<'_> {
    pub(super) fn block<'a>(&mut self, node: &'a AstNode<'a>, value: &NodeValue, depth: usize) {
        self.gathered.gap();
        match value {
            NodeValue::Paragraph => self.paragraph(node, depth),
            NodeValue::Heading(heading) => self.heading(node, *heading, depth),
            NodeValue::ThematicBreak => self.html.push_str("<hr>\n"),
            NodeValue::BlockQuote if self.dialect.callouts && self.callout(node, depth) => {}
            NodeValue::BlockQuote | NodeValue::MultilineBlockQuote(_) => self.element(node, "blockquote", depth),
            NodeValue::List(list) => match list.list_type {
                ListType::Bullet => {
                    self.html.push_str(if list.is_task_list { "<ul class=\"task-list\">\n" } else { "<ul>\n" });
                    self.children(node, depth);
                    self.html.push_str("</ul>\n");
                }
                ListType::Ordered => {
                    match list.start {
                        1 => self.html.push_str("<ol>\n"),
                        start => _ = writeln!(self.html, "<ol start=\"{start}\">"),
                    }
                    self.children(node, depth);
                    self.html.push_str("</ol>\n");
                }
            },
            NodeValue::Item(_) => self.element(node, "li", depth),
            NodeValue::TaskItem(item) => {
                let done = item.symbol.is_some();
                let mark = match (self.dialect.docs, done) {
                    (true, true) => {
                        "<li class=\"task-list-item\"><input type=\"checkbox\" disabled checked aria-label=\"done\"> "
                    }
                    (true, false) => {
                        "<li class=\"task-list-item\"><input type=\"checkbox\" disabled aria-label=\"to do\"> "
                    }
                    // A box that cannot be ticked says no more than its picture, and needs no label.
                    (false, true) => "<li class=\"task-list-item\">\u{2611} ",
                    (false, false) => "<li class=\"task-list-item\">\u{2610} ",
                };
                self.html.push_str(mark);
                self.children(node, depth);
                self.html.push_str("</li>\n");
            }
            NodeValue::DescriptionList => self.element(node, "dl", depth),
            NodeValue::DescriptionTerm => self.element(node, "dt", depth),
            NodeValue::DescriptionDetails => self.element(node, "dd", depth),
            NodeValue::CodeBlock(block) => self.code_block(&block.info, &block.literal, block.fenced),
            NodeValue::Table(table) => self.table(node, &table.alignments, depth),
            NodeValue::Alert(alert) => self.alert(node, alert, depth),
            NodeValue::FootnoteDefinition(note) => self.footnote(node, &note.name, depth),
            _ => self.children(node, depth),
        }
        self.gathered.gap();
    }

    /// A quotation that begins with `NOTE: ` in capital letters is a note.
    fn callout<'a>(&mut self, node: &'a AstNode<'a>, depth: usize) -> bool {
        let first = node.first_child().and_then(comrak::arena_tree::Node::first_child);
        let head = first.and_then(|first| {
            let mut data = first.data.borrow_mut();
            let NodeValue::Text(text) = &mut data.value else { return None };
            let (word, rest) = text.split_once(':')?;
            let is_head = (3..=12).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_uppercase());
            let (word, rest) = is_head.then(|| (word.to_owned(), rest.trim_start().to_owned()))?;
            *text = rest.into();
            Some(word.to_ascii_lowercase())
        });
        let Some(kind) = head else { return false };
        _ = write!(
            self.html,
            "<div class=\"admonition {kind}\">\n<p class=\"admonition-title\">{}</p>\n",
            super::super::block::titled(&kind)
        );
        self.children(node, depth);
        self.html.push_str("</div>\n");
        true
    }

    fn element<'a>(&mut self, node: &'a AstNode<'a>, tag: &str, depth: usize) {
        _ = write!(self.html, "<{tag}>");
        if tag == "blockquote" || tag == "dl" {
            self.html.push('\n');
        }
        self.children(node, depth);
        _ = writeln!(self.html, "</{tag}>");
    }

    fn paragraph<'a>(&mut self, node: &'a AstNode<'a>, depth: usize) {
        if self.dialect.docs && self.contents.len() < MOST_CONTENTS && words::plain(node) == "[TOC]" {
            self.contents.push(self.html.len());
            return;
        }
        let own = self.own_element(node);
        let list = own.or_else(|| self.last_line(node));
        let list = list.unwrap_or_default();
        let tag = list.tag.unwrap_or("p");
        if list.tag.is_none() && list == Attributes::default() && is_tight(node) {
            self.children(node, depth);
            return;
        }
        _ = write!(self.html, "<{tag}");
        list.write(&mut self.html, "");
        self.html.push('>');
        // What labels are for is not what a page says.
        let paused = self.gathered.is_paused;
        self.gathered.is_paused |= tag == "label";
        self.children(node, depth);
        self.gathered.is_paused = paused;
        _ = writeln!(self.html, "</{tag}>");
    }

    /// The token at the beginning of a paragraph of ours.
    fn own_element<'a>(&self, node: &'a AstNode<'a>) -> Option<Attributes> {
        let first = node.first_child()?;
        let mut data = first.data.borrow_mut();
        let NodeValue::Text(text) = &mut data.value else { return None };
        let (list, after) = self.prepared.taken.leading(text)?;
        let list = list.tag.is_some().then(|| list.clone())?;
        let after = after.to_owned();
        *text = after.into();
        Some(list)
    }

    /// A list of attributes that is the last line of a paragraph.
    fn last_line<'a>(&self, node: &'a AstNode<'a>) -> Option<Attributes> {
        let last = node.last_child()?;
        let before = last.previous_sibling()?;
        if !matches!(before.data.borrow().value, NodeValue::SoftBreak | NodeValue::LineBreak) {
            return None;
        }
        let list = match &last.data.borrow().value {
            NodeValue::Text(text) => {
                let (list, after) = self.prepared.taken.leading(text.trim())?;
                after.is_empty().then(|| list.clone())
            }
            _ => None,
        }?;
        last.detach();
        before.detach();
        Some(list)
    }

    /// Takes a list of attributes off the end of a heading or a cell.
    fn at_end<'a>(&self, node: &'a AstNode<'a>) -> Option<Attributes> {
        let last = node.last_child()?;
        let mut data = last.data.borrow_mut();
        let NodeValue::Text(text) = &mut data.value else { return None };
        let (before, list) = self.prepared.taken.trailing(text)?;
        // Right after a link it is the link's.
        if before.is_empty() && last.previous_sibling().is_some() {
            return None;
        }
        let (before, list) = (before.trim_end().to_owned(), list.clone());
        *text = before.into();
        Some(list)
    }

    fn heading<'a>(&mut self, node: &'a AstNode<'a>, heading: NodeHeading, depth: usize) {
        let list = self.at_end(node).unwrap_or_default();
        let text = self.prepared.taken.restore(&words::plain(node), false);
        let text = text.trim().to_owned();
        let level = if self.dialect.docs { heading.level } else { (heading.level + 1).min(6) };
        let anchor = match &list.id {
            Some(id) => {
                self.anchors.note(id);
                id.clone()
            }
            None if self.dialect.docs => self.anchors.make(&text, self.dialect.unicode_anchors),
            None => self.github_anchors.anchorize(&text),
        };
        self.gathered.begin(&text, &anchor);
        self.gathered.is_paused = true;
        _ = write!(self.html, "<h{level} id=\"{}\"", escaped(&anchor));
        list.write_rest(&mut self.html, "");
        self.html.push('>');
        self.children(node, depth);
        if self.dialect.docs {
            _ = write!(
                self.html,
                "<a class=\"headerlink\" href=\"#{}\" title=\"Permanent link\">&para;</a>",
                escaped(&anchor)
            );
        }
        _ = writeln!(self.html, "</h{level}>");
        self.gathered.is_paused = false;
        self.headings.push(Heading { level: heading.level, anchor, text });
    }

    fn table<'a>(&mut self, node: &'a AstNode<'a>, alignments: &[TableAlignment], depth: usize) {
        self.html.push_str("<table>\n");
        let mut in_body = false;
        for row in node.children() {
            let is_head = matches!(row.data.borrow().value, NodeValue::TableRow(true));
            if is_head {
                self.html.push_str("<thead>\n");
            } else if !in_body {
                self.html.push_str("<tbody>\n");
                in_body = true;
            }
            self.html.push_str("<tr>\n");
            for (number, cell) in row.children().enumerate() {
                let tag = if is_head { "th" } else { "td" };
                let aligned = match alignments.get(number) {
                    Some(TableAlignment::Left) => Some("align-left"),
                    Some(TableAlignment::Center) => Some("align-center"),
                    Some(TableAlignment::Right) => Some("align-right"),
                    Some(TableAlignment::None) | None => None,
                };
                _ = write!(self.html, "<{tag}");
                let mut attributes = self.at_end(cell).unwrap_or_default();
                attributes.classes.extend(aligned.map(str::to_owned));
                attributes.write(&mut self.html, "");
                self.html.push('>');
                self.children(cell, depth);
                self.gathered.gap();
                _ = writeln!(self.html, "</{tag}>");
            }
            self.html.push_str(if is_head { "</tr>\n</thead>\n" } else { "</tr>\n" });
        }
        self.html.push_str(if in_body { "</tbody>\n</table>\n" } else { "</table>\n" });
    }

    fn alert<'a>(&mut self, node: &'a AstNode<'a>, alert: &NodeAlert, depth: usize) {
        let name = alert.alert_type.default_title();
        _ = write!(
            self.html,
            "<div class=\"admonition {}\">\n<p class=\"admonition-title\">",
            name.to_ascii_lowercase()
        );
        escape_into(&mut self.html, alert.title.as_deref().unwrap_or(name));
        self.html.push_str("</p>\n");
        self.children(node, depth);
        self.html.push_str("</div>\n");
    }

    fn footnote<'a>(&mut self, node: &'a AstNode<'a>, name: &str, depth: usize) {
        if !self.in_footnotes {
            self.gathered.end();
            self.html.push_str("<div class=\"footnote\">\n<hr>\n<ol>\n");
            self.in_footnotes = true;
        }
        _ = writeln!(self.html, "<li id=\"fn:{}\">", escaped(name));
        self.children(node, depth);
        let (target, shown) = (escaped(&self.fragment(&format!("fnref:{name}"))), escaped(name));
        let back = format!(
            "<a class=\"footnote-backref\" href=\"{target}\" title=\"Jump back to footnote {shown} in the text\">&#8617;&#xFE0E;</a>"
        );
        if self.html.ends_with("</p>\n") {
            let at = self.html.len() - "</p>\n".len();
            self.html.insert_str(at, &format!("&#160;{back}"));
        } else {
            self.html.push_str(&back);
        }
        self.html.push_str("</li>\n");
    }

    pub(super) fn footnote_reference(&mut self, name: &str, number: u32, use_number: u32) {
        let nth = if use_number > 1 { use_number.to_string() } else { String::new() };
        let target = self.fragment(&format!("fn:{name}"));
        _ = write!(
            self.html,
            "<sup id=\"fnref{nth}:{}\"><a class=\"footnote-ref\" href=\"{}\">{number}</a></sup>",
            escaped(name),
            escaped(&target)
        );
    }
}

/// Whether a paragraph is the text of an item in a list without blank lines.
fn is_tight<'a>(node: &'a AstNode<'a>) -> bool {
    let Some(parent) = node.parent() else { return false };
    match &parent.data.borrow().value {
        NodeValue::DescriptionTerm => true,
        NodeValue::DescriptionDetails => parent
            .parent()
            .is_some_and(|item| matches!(&item.data.borrow().value, NodeValue::DescriptionItem(item) if item.tight)),
        NodeValue::Item(_) | NodeValue::TaskItem(_) => {
            parent.parent().is_some_and(|list| matches!(&list.data.borrow().value, NodeValue::List(list) if list.tight))
        }
        _ => false,
    }
}
