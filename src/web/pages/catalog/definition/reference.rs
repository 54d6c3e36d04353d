//! The reference: as much of a definition as one page should hold.
//!
//! A small definition is one page. Of a large one the first page has the groups; a group's page has its entries, in full
//! up to a limit, and every entry has a page of its own. Words find entries in all of it.

use super::Asked;
use super::field::{Piece, about, count, pieces};
use crate::definition::{Definition, Group, Head, Info, Scheme, Section};
use crate::entity::EntityRef;
use crate::web::error::Error;
use crate::web::pages::shown;
use crate::web::url as link;

/// Up to so many entries a definition is one page.
const SMALL: usize = 40;
/// Entries of a page that are there in full.
const FULL: usize = 40;
/// Fields of a page, of all entries together.
const FIELDS: usize = 1500;
/// Entries that words find.
const FOUND: usize = 200;
/// Up to so many entries are open at once.
const OPEN: usize = 8;

/// What the template writes.
pub(super) struct Reference {
    pub(super) info: Info,
    pub(super) about: String,
    pub(super) problems: Vec<(String, Option<(u32, u32)>)>,
    pub(super) nav: Vec<NavGroup>,
    pub(super) groups: Vec<ShownGroup>,
    /// What was looked for.
    pub(super) q: String,
    /// The group that is shown, as the form keeps it.
    pub(super) group: String,
    /// `12 operations in 3 groups`
    pub(super) size: String,
    /// Whether words narrow the page at once: all entries are on it.
    pub(super) is_whole: bool,
    /// Whether only groups are shown.
    pub(super) is_start: bool,
    /// Whether more was found than is shown.
    pub(super) is_cut: bool,
    /// The page of all groups.
    pub(super) all: String,
}

/// A group of the page's own navigation.
pub(super) struct NavGroup {
    pub(super) name: String,
    pub(super) link: String,
    pub(super) count: usize,
    pub(super) is_current: bool,
    pub(super) entries: Vec<NavEntry>,
}

/// An entry there.
pub(super) struct NavEntry {
    pub(super) badge: String,
    pub(super) hue: &'static str,
    pub(super) name: String,
    pub(super) link: String,
    pub(super) deprecated: bool,
}

/// A group with its entries.
pub(super) struct ShownGroup {
    pub(super) name: String,
    pub(super) anchor: String,
    pub(super) about: String,
    pub(super) link: String,
    pub(super) count: String,
    pub(super) entries: Vec<Entry>,
}

/// An entry, in full or its first line only.
pub(super) struct Entry {
    pub(super) head: Head,
    pub(super) link: String,
    pub(super) full: Option<Full>,
    pub(super) is_open: bool,
}

/// The rest of an entry.
pub(super) struct Full {
    pub(super) about: String,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) sections: Vec<ShownSection>,
    pub(super) snippet: Option<String>,
}

/// A section with its fields as pieces.
pub(super) struct ShownSection {
    pub(super) section: Section,
    pub(super) about: String,
    pub(super) pieces: Vec<Piece>,
}

impl Reference {
    /// The page that is asked for.
    pub(super) fn of(reference: &EntityRef, definition: &Definition, asked: &Asked) -> Result<Self, Error> {
        let page = PageOf { reference, definition, is_small: definition.len() <= SMALL };
        let words: Vec<String> = asked.q.split_whitespace().map(str::to_lowercase).collect();
        if !asked.group.is_empty() && !definition.groups.iter().any(|group| group.anchor == asked.group) {
            return Err(Error::NotFound(format!("the definition of {reference} has no group `{}`", asked.group)));
        }
        if !asked.entry.is_empty() && definition.find(&asked.entry).is_none() {
            return Err(Error::NotFound(format!("the definition of {reference} has no entry `{}`", asked.entry)));
        }
        let is_start = !page.is_small && words.is_empty() && asked.group.is_empty() && asked.entry.is_empty();
        let (groups, is_cut) = if is_start { (page.starts(), false) } else { page.groups(asked, &words) };
        let (one, many) = definition.format.entries();
        Ok(Self {
            about: about(&definition.info.about),
            info: definition.info.clone(),
            problems: definition.problems.iter().map(|problem| (problem.message.clone(), problem.place)).collect(),
            nav: page.nav(asked),
            groups,
            q: asked.q.clone(),
            group: asked.group.clone(),
            size: format!(
                "{} in {}",
                shown::count(definition.len(), one, many),
                shown::count(definition.groups.len(), "group", "groups")
            ),
            is_whole: page.is_small && asked.entry.is_empty() && asked.group.is_empty(),
            is_start,
            is_cut,
            all: link::entity_tab(reference, "api"),
        })
    }
}

struct PageOf<'a> {
    reference: &'a EntityRef,
    definition: &'a Definition,
    is_small: bool,
}

impl PageOf<'_> {
    /// Where an entry is: on this page, or on one of its own.
    fn entry_link(&self, anchor: &str) -> String {
        if self.is_small {
            return format!("{}#{anchor}", link::entity_tab(self.reference, "api"));
        }
        link::definition(self.reference, &[("entry", anchor)])
    }

    fn group_link(&self, group: &Group) -> String {
        if self.is_small {
            return format!("{}#{}", link::entity_tab(self.reference, "api"), group.anchor);
        }
        link::definition(self.reference, &[("group", &group.anchor)])
    }

    fn nav(&self, asked: &Asked) -> Vec<NavGroup> {
        let current =
            self.definition.find(&asked.entry).map_or(asked.group.as_str(), |(group, _)| group.anchor.as_str());
        let entry = |head: &Head| NavEntry {
            badge: short(&head.badge),
            hue: head.hue,
            name: if head.summary.is_empty() || !head.name.starts_with('/') {
                head.name.clone()
            } else {
                head.summary.clone()
            },
            link: self.entry_link(&head.anchor),
            deprecated: head.deprecated,
        };
        let group = |group: &Group| {
            let is_current = group.anchor == current;
            let entries = group.entries.iter().filter(|_| self.is_small || is_current);
            NavGroup {
                name: group.name.clone(),
                link: self.group_link(group),
                count: group.entries.len(),
                is_current,
                entries: entries.take(FOUND).map(entry).collect(),
            }
        };
        self.definition.groups.iter().map(group).collect()
    }

    /// The groups without their entries.
    fn starts(&self) -> Vec<ShownGroup> {
        self.definition.groups.iter().map(|group| self.group(group, Vec::new())).collect()
    }

    fn group(&self, group: &Group, entries: Vec<Entry>) -> ShownGroup {
        let (one, many) = self.definition.format.entries();
        ShownGroup {
            name: group.name.clone(),
            anchor: group.anchor.clone(),
            about: about(&group.about),
            link: self.group_link(group),
            count: shown::count(group.entries.len(), one, many),
            entries,
        }
    }

    /// The groups with the entries that are asked for, and whether there are more.
    fn groups(&self, asked: &Asked, words: &[String]) -> (Vec<ShownGroup>, bool) {
        let is_wanted = |group: &Group, head: &Head| {
            (asked.group.is_empty() || group.anchor == asked.group)
                && (asked.entry.is_empty() || head.anchor == asked.entry)
                && words
                    .iter()
                    .all(|word| head.words.contains(word.as_str()) || group.name.to_lowercase().contains(word.as_str()))
        };
        let all = self.definition.groups.iter().map(|group| {
            let entries: Vec<&Head> = group.entries.iter().filter(|head| is_wanted(group, head)).collect();
            (group, entries)
        });
        let wanted: Vec<(&Group, Vec<&Head>)> = all.filter(|(_, entries)| !entries.is_empty()).collect();
        let total: usize = wanted.iter().map(|(_, entries)| entries.len()).sum();
        let (mut listed, mut full, mut fields) = (0, 0, 0);
        let mut groups = Vec::new();
        for (group, heads) in wanted {
            let mut entries = Vec::new();
            for head in heads {
                if listed >= FOUND && asked.group.is_empty() {
                    return (groups, true);
                }
                listed += 1;
                // Words list what they find of a large definition; one page holds no more.
                let is_full = full < FULL && fields < FIELDS && (self.is_small || words.is_empty());
                let rest = is_full.then(|| self.full(head));
                if let Some((_, size)) = &rest {
                    full += 1;
                    fields += size;
                }
                let link = self.entry_link(&head.anchor);
                entries.push(Entry {
                    head: head.clone(),
                    link,
                    full: rest.map(|(full, _)| full),
                    is_open: total <= OPEN,
                });
            }
            groups.push(self.group(group, entries));
        }
        (groups, false)
    }

    /// The rest of an entry, and how many fields it has.
    fn full(&self, head: &Head) -> (Full, usize) {
        let detail = self.definition.detail(head);
        let size: usize = detail.sections.iter().map(|section| count(&section.fields)).sum();
        let leads = |anchor: &str| self.entry_link(anchor);
        let sections = detail.sections.into_iter().map(|mut section| ShownSection {
            about: about(&section.about),
            pieces: pieces(&std::mem::take(&mut section.fields), &leads),
            section,
        });
        let full = Full {
            about: if detail.about.trim() == head.summary { String::new() } else { about(&detail.about) },
            facts: detail.facts,
            sections: sections.collect(),
            snippet: detail.snippet,
        };
        (full, size)
    }
}

/// `3 scopes`
pub(super) fn scopes(scheme: &Scheme) -> String {
    shown::count(scheme.scopes.len(), "scope", "scopes")
}

/// A badge where there is little room.
fn short(badge: &str) -> String {
    match badge {
        "DELETE" => "DEL",
        "OPTIONS" => "OPT",
        "SUBSCRIBE" | "SUBSCRIPTION" => "SUB",
        "PUBLISH" => "PUB",
        "RECEIVE" => "RECV",
        "MUTATION" => "MUT",
        "interface" => "intf",
        "directive" => "dir",
        other => other,
    }
    .to_owned()
}
