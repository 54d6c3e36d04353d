//! The rules that templates are checked by: stable names for scripts and for people who look one up.

use serde::Serialize;

/// Which rule a template breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Rule {
    /// The file is no YAML.
    Yaml,
    /// The entity is none that the catalog takes.
    Entity,
    /// A part has not the form that templates have.
    TemplateForm,
    /// A key that means nothing.
    UnknownKey,
    /// Two steps of one id.
    DuplicateStep,
    /// An action that is not there.
    UnknownAction,
    /// An input that the action needs.
    MissingInput,
    /// An input that the action does not have.
    UnknownInput,
    /// An expression that cannot be read.
    Expression,
    /// A step that is not there.
    UnknownStep,
    /// A step that has not run yet.
    LaterStep,
    /// An output that the action does not declare.
    UnknownOutput,
    /// A parameter that no page declares.
    UnknownParameter,
    /// A parameter that nothing reads.
    UnusedParameter,
    /// An expression that YAML takes for something else.
    UnquotedExpression,
    /// A condition that is the same in every run.
    ConstantCondition,
}

impl Rule {
    /// `unknown-action`
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Entity => "entity",
            Self::TemplateForm => "template-form",
            Self::UnknownKey => "unknown-key",
            Self::DuplicateStep => "duplicate-step",
            Self::UnknownAction => "unknown-action",
            Self::MissingInput => "missing-input",
            Self::UnknownInput => "unknown-input",
            Self::Expression => "expression",
            Self::UnknownStep => "unknown-step",
            Self::LaterStep => "later-step",
            Self::UnknownOutput => "unknown-output",
            Self::UnknownParameter => "unknown-parameter",
            Self::UnusedParameter => "unused-parameter",
            Self::UnquotedExpression => "unquoted-expression",
            Self::ConstantCondition => "constant-condition",
        }
    }
}
