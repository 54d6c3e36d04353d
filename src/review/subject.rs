//! Which files of a pull request are looked at.
//!
//! Descriptors at the paths that configuration names, and `catalog-info.yaml` and `template.yaml` anywhere. Two kinds of
//! files have these names and are no descriptors: the skeletons that templates fill in (they hold `${{ … }}` where a name
//! would be), and templates of other programs.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Names that count in every folder.
const DESCRIPTORS: [&str; 2] = ["catalog-info.yaml", "catalog-info.yml"];
const TEMPLATES: [&str; 2] = ["template.yaml", "template.yml"];

/// Which paths are descriptors.
#[derive(Debug, Clone)]
pub(crate) struct Subjects {
    configured: GlobSet,
}

impl Subjects {
    /// With these paths from the root of a repository; they may have `*` and `**`.
    pub(crate) fn new<'a>(paths: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut set = GlobSetBuilder::new();
        for path in paths {
            let glob = GlobBuilder::new(path.trim_start_matches('/')).literal_separator(true).build();
            set.add(glob.map_err(|error| format!("catalogPath {path:?} is no path: {error}"))?);
        }
        Ok(Self { configured: set.build().map_err(|error| error.to_string())? })
    }

    /// Whether a file may be a descriptor, by its path.
    pub(super) fn may_be(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.configured.is_match(path) || DESCRIPTORS.contains(&name) || TEMPLATES.contains(&name)
    }

    /// Whether it is one, by what is in it.
    pub(super) fn is(&self, path: &str, text: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        if self.configured.is_match(path) {
            return true;
        }
        let is_template = text.lines().any(|line| {
            let line = line.trim_end();
            line.trim_start_matches("apiVersion:")
                .trim()
                .trim_matches(['"', '\''])
                .starts_with("scaffolder.backstage.io/")
                || line == "kind: Template"
        });
        if TEMPLATES.contains(&name) { is_template } else { is_template || !text.contains("${{") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_are_known_by_their_path_and_told_from_skeletons() {
        let subjects = Subjects::new(["/catalog-info.yaml", "/services/*/entity.yaml"]).unwrap();
        for (path, expected) in [
            ("catalog-info.yaml", true),
            ("deep/in/catalog-info.yml", true),
            ("templates/a/template.yaml", true),
            ("services/pay/entity.yaml", true),
            ("services/pay/deep/entity.yaml", false),
            ("src/main.rs", false),
            ("my-catalog-info.yaml", false),
        ] {
            assert_eq!(subjects.may_be(path), expected, "{path}");
        }
        let component = "kind: Component\nmetadata: {name: a}\n";
        let skeleton = "kind: Component\nmetadata: {name: '${{ values.name }}'}\n";
        let template = "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nspec: {a: '${{ b }}'}\n";
        for (path, text, expected) in [
            ("skeleton/catalog-info.yaml", skeleton, false),
            ("catalog-info.yaml", skeleton, true),
            ("x/catalog-info.yaml", component, true),
            ("x/catalog-info.yaml", template, true),
            ("x/template.yaml", template, true),
            ("chart/template.yaml", "Resources:\n  Topic: {}\n", false),
        ] {
            assert_eq!(subjects.is(path, text), expected, "{path} {text}");
        }
        assert!(Subjects::new(["/{a"]).unwrap_err().contains("catalogPath"));
    }
}
