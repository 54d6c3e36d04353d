//! Protobuf: services with their rpcs, messages and enumerations, with the comments beside them.

mod scope;

use prost_types::field_descriptor_proto::{Label, Type as Scalar};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, ServiceDescriptorProto,
};

use self::scope::{Remarks, Scope};
use super::model::{
    Anchors, Detail, Direction, Fact, Field, Format, Group, Head, Info, Key, More, Section, first_line, words,
};
use super::{Contents, Definition, Problem};

/// Larger texts are not taken apart.
const LARGEST: usize = 8 * 1024 * 1024;
/// How deep a message is shown below its rpc.
const DEPTH: usize = 5;
/// Fields of one rpc.
const FIELDS: usize = 400;
/// Brackets within brackets; the parser itself goes down with each.
const NESTING: usize = 64;

/// Reads a file. What it imports is not read: types of other files are only named.
pub(super) fn read(text: &str) -> Result<Definition, Problem> {
    if text.len() > LARGEST {
        return Err(Problem::whole(format!("the file has {} bytes, at most {LARGEST} are read", text.len())));
    }
    if let Some(byte) = too_deep(text) {
        return Err(Problem::at(text, byte, format!("brackets are nested more than {NESTING} deep")));
    }
    let file = protox_parse::parse("definition.proto", text).map_err(|error| {
        let message = error.to_string();
        match error.span() {
            Some(span) => Problem::at(text, span.start, message),
            None => Problem::whole(message),
        }
    })?;
    let remarks = Remarks::of(&file);
    let scope = Scope::of(&file, &remarks);
    let mut builder = Builder { scope: &scope, remarks: &remarks, made: Vec::new() };
    let mut anchors = Anchors::default();
    let mut groups = builder.services(&mut anchors, &file);
    groups.extend(builder.types());
    let made = builder.made;
    if groups.is_empty() {
        return Err(Problem::whole("the file defines no service, message or enumeration"));
    }
    let syntax = if file.syntax().is_empty() { "proto2" } else { file.syntax() };
    Ok(Definition {
        format: Format::Protobuf(syntax.to_owned()),
        info: info(&file, &remarks),
        groups,
        problems: Vec::new(),
        contents: Contents::Made(made),
    })
}

/// Where brackets go deeper than any file needs.
fn too_deep(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    text.bytes().position(|byte| {
        match byte {
            b'{' | b'[' | b'<' | b'(' => depth += 1,
            b'}' | b']' | b'>' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > NESTING
    })
}

fn info(file: &FileDescriptorProto, remarks: &Remarks) -> Info {
    let about = [remarks.of_file().to_owned()].into_iter().find(|about| !about.is_empty()).unwrap_or_default();
    let imports = file.dependency.join(", ");
    let facts = [("Package", file.package().to_owned(), None), ("Imports", imports, None)];
    Info { about, facts: facts.into_iter().filter(|(_, text, _)| !text.is_empty()).collect(), ..Info::default() }
}

struct Builder<'a> {
    scope: &'a Scope<'a>,
    remarks: &'a Remarks,
    made: Vec<Detail>,
}

impl Builder<'_> {
    fn services(&mut self, anchors: &mut Anchors, file: &FileDescriptorProto) -> Vec<Group> {
        // The anchors of types are theirs already.
        for (_, anchor) in self.scope.anchors() {
            anchors.take(anchor);
        }
        let services = file.service.iter().zip(0i32..);
        services.map(|(service, number)| self.service(anchors, file.package(), service, number)).collect()
    }

    fn service(
        &mut self,
        anchors: &mut Anchors,
        package: &str,
        service: &ServiceDescriptorProto,
        number: i32,
    ) -> Group {
        let anchor = anchors.take(&format!("service-{}", service.name()));
        let mut entries = Vec::new();
        for (method, at) in service.method.iter().zip(0i32..) {
            let about = self.remarks.at(&[6, number, 2, at]);
            let (input, output) =
                (self.scope.find(package, method.input_type()), self.scope.find(package, method.output_type()));
            let sections = vec![
                self.message("Request", Direction::In, method.client_streaming(), method.input_type(), input),
                self.message("Response", Direction::Out, method.server_streaming(), method.output_type(), output),
            ];
            let name =
                if package.is_empty() { service.name().to_owned() } else { format!("{package}.{}", service.name()) };
            let detail = Detail {
                about: about.to_owned(),
                facts: vec![("Path", format!("/{name}/{}", method.name()))],
                sections,
                snippet: Some(format!("grpcurl -d '{{}}' HOST:PORT {name}/{}", method.name())),
            };
            let streams = method.client_streaming() || method.server_streaming();
            entries.push(Head {
                anchor: anchors.take(&format!("{}.{}", service.name(), method.name())),
                badge: if streams { "STREAM" } else { "RPC" }.to_owned(),
                hue: if streams { "violet" } else { "blue" },
                name: method.name().to_owned(),
                summary: first_line(about),
                deprecated: method.options.as_ref().is_some_and(prost_types::MethodOptions::deprecated),
                words: words(&["rpc", service.name(), method.name(), method.input_type(), method.output_type(), about]),
                key: self.keep(detail),
            });
        }
        Group { name: service.name().to_owned(), anchor, about: self.remarks.at(&[6, number]).to_owned(), entries }
    }

    /// What an rpc takes or gives: the message with what it is made of.
    fn message(&self, title: &str, direction: Direction, streams: bool, name: &str, found: Option<usize>) -> Section {
        let name = name.trim_start_matches('.');
        let note = if streams { format!("stream of {name}") } else { name.to_owned() };
        let mut left = FIELDS;
        let fields = found.map_or_else(Vec::new, |place| self.fields(place, &mut vec![place], &mut left));
        Section { title: title.to_owned(), note, direction, fields, is_repeated: true, ..Section::default() }
    }

    /// The fields of a message, with those of the messages in it.
    fn fields(&self, place: usize, trail: &mut Vec<usize>, left: &mut usize) -> Vec<Field> {
        let Some(message) = self.scope.message(place) else { return Vec::new() };
        let mut fields = Vec::new();
        for (declared, number) in message.proto.field.iter().zip(0i32..) {
            let mut field = self.field(message.proto, declared, &message.full, &message.at(2, number));
            *left = left.saturating_sub(1);
            if let Some(inner) =
                self.scope.find(&message.full, declared.type_name()).filter(|_| !declared.type_name().is_empty())
            {
                if self.scope.message(inner).is_some() {
                    if trail.contains(&inner) {
                        field.more = More::Itself;
                    } else if trail.len() >= DEPTH || *left == 0 {
                        field.more = More::Cut;
                    } else {
                        trail.push(inner);
                        let inner = self.scope.entry_of(inner).unwrap_or(inner);
                        field.children = self.fields(inner, trail, left);
                        trail.pop();
                    }
                } else {
                    field.values = self.scope.values(inner);
                }
            }
            fields.push(field);
        }
        fields
    }

    fn field(&self, of: &DescriptorProto, field: &FieldDescriptorProto, full: &str, at: &[i32]) -> Field {
        let found = if field.type_name().is_empty() { None } else { self.scope.find(full, field.type_name()) };
        let named = field.type_name().trim_start_matches('.').to_owned();
        let mut kind = if field.type_name().is_empty() { scalar(field.r#type()).to_owned() } else { named };
        let entry = found.and_then(|place| self.scope.map_of(place));
        if let Some((key, value)) = entry {
            kind = format!("map of {} to {}", kind_of(key), kind_of(value));
        } else if field.label() == Label::Repeated && field.label.is_some() {
            kind = format!("repeated {kind}");
        }
        let mut facts = vec![Fact { rule: "number", value: field.number().to_string() }];
        if let Some(oneof) = field.oneof_index.filter(|_| !field.proto3_optional()) {
            let name =
                usize::try_from(oneof).ok().and_then(|at| of.oneof_decl.get(at)).map(|one| one.name().to_owned());
            facts.push(Fact { rule: "one of", value: name.unwrap_or_default() });
        }
        if field.proto3_optional() {
            facts.push(Fact { rule: "optional", value: String::new() });
        }
        if !field.default_value().is_empty() {
            facts.push(Fact { rule: "default", value: field.default_value().to_owned() });
        }
        Field {
            name: field.name().to_owned(),
            kind,
            required: field.label.is_some() && field.label() == Label::Required,
            deprecated: field.options.as_ref().is_some_and(prost_types::FieldOptions::deprecated),
            about: self.remarks.at(at).to_owned(),
            facts,
            link: found.and_then(|place| self.scope.anchor(place)).map(str::to_owned),
            ..Field::default()
        }
    }

    /// Every message and enumeration as an entry of its own.
    fn types(&mut self) -> Vec<Group> {
        let mut messages = Vec::new();
        let mut enumerations = Vec::new();
        for (place, anchor) in self.scope.anchors() {
            if let Some(message) = self.scope.message(place) {
                let fields = message.proto.field.iter().zip(0i32..);
                let fields = fields
                    .map(|(field, at)| self.field(message.proto, field, &message.full, &message.at(2, at)))
                    .collect();
                let about = self.remarks.at(&message.path);
                let reserved = reserved(message.proto);
                let deprecated = message.proto.options.as_ref().is_some_and(prost_types::MessageOptions::deprecated);
                messages.push(self.entry(
                    anchor,
                    "message",
                    "teal",
                    &message.short,
                    about,
                    deprecated,
                    ("Fields", fields),
                    reserved,
                ));
            } else if let Some(found) = self.scope.enumeration(place) {
                let values = self.enumeration(found.proto, &found.path);
                let about = self.remarks.at(&found.path);
                let deprecated = found.proto.options.as_ref().is_some_and(prost_types::EnumOptions::deprecated);
                enumerations.push(self.entry(
                    anchor,
                    "enum",
                    "plum",
                    &found.short,
                    about,
                    deprecated,
                    ("Values", values),
                    None,
                ));
            }
        }
        let group = |name: &str, entries| Group {
            name: name.to_owned(),
            anchor: format!("kind-{name}"),
            about: String::new(),
            entries,
        };
        let groups = [group("Messages", messages), group("Enumerations", enumerations)];
        groups.into_iter().filter(|group| !group.entries.is_empty()).collect()
    }

    fn enumeration(&self, proto: &EnumDescriptorProto, path: &[i32]) -> Vec<Field> {
        let values = proto.value.iter().zip(0i32..);
        let value = |(value, at): (&prost_types::EnumValueDescriptorProto, i32)| Field {
            name: value.name().to_owned(),
            facts: vec![Fact { rule: "number", value: value.number().to_string() }],
            about: self.remarks.at(&[path, &[2, at]].concat()).to_owned(),
            deprecated: value.options.as_ref().is_some_and(prost_types::EnumValueOptions::deprecated),
            ..Field::default()
        };
        values.map(value).collect()
    }

    #[expect(clippy::too_many_arguments, reason = "what a message and an enumeration have in common")]
    fn entry(
        &mut self,
        anchor: &str,
        badge: &str,
        hue: &'static str,
        name: &str,
        about: &str,
        deprecated: bool,
        (title, fields): (&str, Vec<Field>),
        reserved: Option<String>,
    ) -> Head {
        let mut texts = vec![badge, name, about];
        texts.extend(fields.iter().map(|field| field.name.as_str()));
        let words = words(&texts);
        let sections = if fields.is_empty() {
            Vec::new()
        } else {
            vec![Section { title: title.to_owned(), fields, ..Section::default() }]
        };
        let facts = reserved.map(|numbers| ("Reserved", numbers)).into_iter().collect();
        let detail = Detail { about: about.to_owned(), facts, sections, snippet: None };
        Head {
            anchor: anchor.to_owned(),
            badge: badge.to_owned(),
            hue,
            name: name.to_owned(),
            summary: first_line(about),
            deprecated,
            words,
            key: self.keep(detail),
        }
    }

    fn keep(&mut self, detail: Detail) -> Key {
        self.made.push(detail);
        Key::Made(self.made.len() - 1)
    }
}

fn reserved(message: &DescriptorProto) -> Option<String> {
    let ranges = message.reserved_range.iter().map(|range| {
        let (start, end) = (range.start(), range.end().saturating_sub(1));
        if start == end { start.to_string() } else { format!("{start} to {end}") }
    });
    let all: Vec<String> = ranges.chain(message.reserved_name.iter().cloned()).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

fn kind_of(field: &FieldDescriptorProto) -> &str {
    if field.type_name().is_empty() { scalar(field.r#type()) } else { field.type_name().trim_start_matches('.') }
}

fn scalar(kind: Scalar) -> &'static str {
    match kind {
        Scalar::Double => "double",
        Scalar::Float => "float",
        Scalar::Int64 => "int64",
        Scalar::Uint64 => "uint64",
        Scalar::Int32 => "int32",
        Scalar::Fixed64 => "fixed64",
        Scalar::Fixed32 => "fixed32",
        Scalar::Bool => "bool",
        Scalar::String => "string",
        Scalar::Group => "group",
        Scalar::Message => "message",
        Scalar::Bytes => "bytes",
        Scalar::Uint32 => "uint32",
        Scalar::Enum => "enum",
        Scalar::Sfixed32 => "sfixed32",
        Scalar::Sfixed64 => "sfixed64",
        Scalar::Sint32 => "sint32",
        Scalar::Sint64 => "sint64",
    }
}
