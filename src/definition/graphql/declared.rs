//! The types of a schema, out of the parser's tree: definitions with their extensions put together.

use apollo_parser::cst::{self, CstNode as _, Definition};

/// A whole schema.
pub(super) struct Schema {
    /// What it says of itself.
    pub(super) about: String,
    /// Operation and the type whose fields are its operations.
    pub(super) roots: Vec<(String, String)>,
    pub(super) types: Vec<Type>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Interface,
    Union,
    Input,
    Enum,
    Scalar,
    Directive,
}

/// A named type, or a directive.
pub(super) struct Type {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) about: String,
    pub(super) implements: Vec<String>,
    pub(super) fields: Vec<Member>,
    /// Of a directive.
    pub(super) places: String,
}

/// A field, an argument, a value of an enumeration, a member of a union.
#[derive(Default)]
pub(super) struct Member {
    pub(super) name: String,
    /// As it is written; none of values and members.
    pub(super) kind: String,
    pub(super) about: String,
    pub(super) arguments: Vec<Member>,
    pub(super) default: Option<String>,
    /// Why it should not be used any more.
    pub(super) deprecated: Option<String>,
}

/// Everything that a document defines.
pub(super) fn collect(document: &cst::Document) -> Schema {
    let mut schema = Schema { about: String::new(), roots: Vec::new(), types: Vec::new() };
    for definition in document.definitions() {
        match definition {
            Definition::SchemaDefinition(found) => {
                schema.about = described(found.description());
                schema.roots.extend(roots(found.root_operation_type_definitions()));
            }
            Definition::SchemaExtension(found) => schema.roots.extend(roots(found.root_operation_type_definitions())),
            other => {
                if let Some(found) = type_of(other) {
                    add(&mut schema.types, found);
                }
            }
        }
    }
    if schema.roots.is_empty() {
        let usual = [("query", "Query"), ("mutation", "Mutation"), ("subscription", "Subscription")];
        schema.roots = usual.map(|(operation, name)| (operation.to_owned(), name.to_owned())).to_vec();
    }
    schema
}

/// Adds a type, or what an extension says to the type it extends.
fn add(types: &mut Vec<Type>, found: Type) {
    // Definitions of one name stand together in no honest schema, so looking at all is only done for extensions.
    if let Some(known) = types.iter_mut().rev().find(|known| known.name == found.name && known.kind == found.kind) {
        known.fields.extend(found.fields);
        known.implements.extend(found.implements);
        if known.about.is_empty() {
            known.about = found.about;
        }
        return;
    }
    types.push(found);
}

fn roots(found: cst::CstChildren<cst::RootOperationTypeDefinition>) -> impl Iterator<Item = (String, String)> {
    found.filter_map(|root| {
        let name = root.named_type()?.name()?.text().to_string();
        Some((root.operation_type()?.source_string().trim().to_owned(), name))
    })
}

/// A type that has a name and nothing else yet.
fn bare(kind: Kind, name: String) -> Type {
    Type { kind, name, about: String::new(), implements: Vec::new(), fields: Vec::new(), places: String::new() }
}

fn type_of(definition: Definition) -> Option<Type> {
    let name = named(definition.name());
    let new = |kind| bare(kind, name.clone());
    Some(match definition {
        Definition::ObjectTypeDefinition(found) => Type {
            about: described(found.description()),
            implements: implemented(found.implements_interfaces()),
            fields: fields(found.fields_definition()),
            ..new(Kind::Object)
        },
        Definition::InterfaceTypeDefinition(found) => Type {
            about: described(found.description()),
            implements: implemented(found.implements_interfaces()),
            fields: fields(found.fields_definition()),
            ..new(Kind::Interface)
        },
        Definition::UnionTypeDefinition(found) => Type {
            about: described(found.description()),
            fields: members(found.union_member_types()),
            ..new(Kind::Union)
        },
        Definition::EnumTypeDefinition(found) => Type {
            about: described(found.description()),
            fields: values(found.enum_values_definition()),
            ..new(Kind::Enum)
        },
        Definition::InputObjectTypeDefinition(found) => Type {
            about: described(found.description()),
            fields: inputs(found.input_fields_definition().map(|fields| fields.input_value_definitions())),
            ..new(Kind::Input)
        },
        Definition::ScalarTypeDefinition(found) => Type { about: described(found.description()), ..new(Kind::Scalar) },
        Definition::DirectiveDefinition(found) => Type {
            about: described(found.description()),
            fields: inputs(found.arguments_definition().map(|fields| fields.input_value_definitions())),
            places: found.directive_locations().map(|places| one_line(&places.source_string())).unwrap_or_default(),
            ..new(Kind::Directive)
        },
        extension => return extended(extension, name),
    })
}

/// What an extension adds to a type.
fn extended(definition: Definition, name: String) -> Option<Type> {
    Some(match definition {
        Definition::ObjectTypeExtension(found) => Type {
            implements: implemented(found.implements_interfaces()),
            fields: fields(found.fields_definition()),
            ..bare(Kind::Object, name)
        },
        Definition::InterfaceTypeExtension(found) => Type {
            implements: implemented(found.implements_interfaces()),
            fields: fields(found.fields_definition()),
            ..bare(Kind::Interface, name)
        },
        Definition::UnionTypeExtension(found) => {
            Type { fields: members(found.union_member_types()), ..bare(Kind::Union, name) }
        }
        Definition::EnumTypeExtension(found) => {
            Type { fields: values(found.enum_values_definition()), ..bare(Kind::Enum, name) }
        }
        Definition::InputObjectTypeExtension(found) => Type {
            fields: inputs(found.input_fields_definition().map(|fields| fields.input_value_definitions())),
            ..bare(Kind::Input, name)
        },
        _ => return None,
    })
}

fn named(name: Option<cst::Name>) -> String {
    name.map(|name| name.text().to_string()).unwrap_or_default()
}

fn described(description: Option<cst::Description>) -> String {
    description
        .and_then(|description| description.string_value())
        .map(|text| String::from(&text).trim().to_owned())
        .unwrap_or_default()
}

fn implemented(interfaces: Option<cst::ImplementsInterfaces>) -> Vec<String> {
    interfaces.into_iter().flat_map(|all| all.named_types()).map(|one| named(one.name())).collect()
}

fn members(union: Option<cst::UnionMemberTypes>) -> Vec<Member> {
    let types = union.into_iter().flat_map(|all| all.named_types());
    types.map(|one| Member { name: named(one.name()), ..Member::default() }).collect()
}

fn values(all: Option<cst::EnumValuesDefinition>) -> Vec<Member> {
    let values = all.into_iter().flat_map(|all| all.enum_value_definitions());
    let value = |value: cst::EnumValueDefinition| Member {
        name: value.enum_value().map(|value| value.source_string().trim().to_owned()).unwrap_or_default(),
        about: described(value.description()),
        deprecated: deprecated(value.directives()),
        ..Member::default()
    };
    values.map(value).collect()
}

fn fields(all: Option<cst::FieldsDefinition>) -> Vec<Member> {
    let fields = all.into_iter().flat_map(|all| all.field_definitions());
    let field = |field: cst::FieldDefinition| Member {
        name: named(field.name()),
        kind: field.ty().map(|kind| one_line(&kind.source_string())).unwrap_or_default(),
        about: described(field.description()),
        arguments: inputs(field.arguments_definition().map(|all| all.input_value_definitions())),
        default: None,
        deprecated: deprecated(field.directives()),
    };
    fields.map(field).collect()
}

fn inputs(all: Option<cst::CstChildren<cst::InputValueDefinition>>) -> Vec<Member> {
    let input = |input: cst::InputValueDefinition| Member {
        name: named(input.name()),
        kind: input.ty().map(|kind| one_line(&kind.source_string())).unwrap_or_default(),
        about: described(input.description()),
        arguments: Vec::new(),
        default: input
            .default_value()
            .and_then(|default| default.value())
            .map(|value| one_line(&value.source_string())),
        deprecated: deprecated(input.directives()),
    };
    all.into_iter().flatten().map(input).collect()
}

/// The reason of `@deprecated`; empty where it gives none.
fn deprecated(directives: Option<cst::Directives>) -> Option<String> {
    let found = directives?.directives().find(|directive| named(directive.name()) == "deprecated")?;
    let reason = found.arguments().and_then(|all| all.arguments().next()).and_then(|reason| match reason.value()? {
        cst::Value::StringValue(text) => Some(String::from(&text)),
        _ => None,
    });
    Some(reason.unwrap_or_default())
}

/// Source on one line, without comments.
fn one_line(source: &str) -> String {
    let lines = source.lines().map(|line| line.split('#').next().unwrap_or_default());
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}
