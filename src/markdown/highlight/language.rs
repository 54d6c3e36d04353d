//! The languages that the lexer knows.

/// What the lines of a language look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Words, operators, calls.
    Words,
    /// `key: value`
    Keyed,
    /// Values only: JSON.
    Data,
    /// `[section]`, `key = value`
    Sections,
    /// Commands.
    Shell,
    /// `INSTRUCTION arguments`
    Instructions,
    /// Tags.
    Markup,
    /// Lines that came and went.
    Diff,
    /// Markdown.
    Prose,
}

/// How a language is told apart.
#[derive(Debug)]
pub(super) struct Language {
    names: &'static [&'static str],
    pub(super) shape: Shape,
    pub(super) line_comments: &'static [&'static str],
    pub(super) block_comment: Option<(&'static str, &'static str)>,
    pub(super) quotes: &'static str,
    pub(super) long_strings: &'static [&'static str],
    pub(super) constants: &'static [&'static str],
    keywords: &'static str,
    /// Words may have `-` in them.
    pub(super) dashes: bool,
    /// `@name`
    pub(super) decorators: bool,
    /// Lines begin with a prompt; what has none is output.
    pub(super) has_prompt: bool,
    /// Keywords in any case.
    any_case: bool,
}

impl Language {
    /// Whether a word is a keyword.
    pub(super) fn has_keyword(&self, word: &str) -> bool {
        if self.keywords.is_empty() || word.len() > 16 {
            return false;
        }
        let is_it = |keyword: &str| keyword == word || (self.any_case && keyword.eq_ignore_ascii_case(word));
        self.keywords.split(' ').any(is_it)
    }
}

const PLAIN: Language = Language {
    names: &[],
    shape: Shape::Words,
    line_comments: &["//"],
    block_comment: Some(("/*", "*/")),
    quotes: "\"'",
    long_strings: &[],
    constants: &["true", "false", "null"],
    keywords: "",
    dashes: false,
    decorators: false,
    has_prompt: false,
    any_case: false,
};
const HASH: Language = Language { line_comments: &["#"], block_comment: None, ..PLAIN };

const LANGUAGES: [Language; 20] = [
    Language {
        names: &["yaml", "yml", "helm", "k8s", "kubernetes"],
        shape: Shape::Keyed,
        constants: &["true", "false", "null", "True", "False", "yes", "no", "on", "off"],
        dashes: true,
        ..HASH
    },
    Language { names: &["json", "jsonc", "json5", "jsonl"], shape: Shape::Data, ..PLAIN },
    Language {
        names: &["bash", "sh", "shell", "zsh", "console", "shell-session", "shellsession", "terminal", "cmd", "envrc"],
        shape: Shape::Shell,
        keywords: "if then else elif fi for while until do done case esac in function return export local set unset source exit cd echo sudo",
        dashes: true,
        has_prompt: true,
        constants: &[],
        ..HASH
    },
    Language {
        names: &["toml", "ini", "cfg", "conf", "properties", "env", "dotenv", "systemd"],
        shape: Shape::Sections,
        line_comments: &["#", ";"],
        dashes: true,
        long_strings: &["\"\"\""],
        ..HASH
    },
    Language {
        names: &["dockerfile", "docker", "containerfile"],
        shape: Shape::Instructions,
        constants: &[],
        dashes: true,
        ..HASH
    },
    Language {
        names: &["python", "py", "python3", "py3"],
        long_strings: &["\"\"\"", "'''"],
        constants: &["True", "False", "None", "self", "cls"],
        keywords: "and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield match case",
        decorators: true,
        ..HASH
    },
    Language {
        names: &["go", "golang"],
        quotes: "\"'`",
        constants: &["true", "false", "nil", "iota"],
        keywords: "break case chan const continue default defer else fallthrough for func go goto if import interface map package range return select struct switch type var string int int32 int64 bool byte error any",
        ..PLAIN
    },
    Language {
        names: &["rust", "rs"],
        quotes: "\"",
        constants: &["true", "false", "None", "self", "Self"],
        keywords: "as async await break const continue crate dyn else enum extern fn for if impl in let loop match mod move mut pub ref return static struct super trait type unsafe use where while",
        ..PLAIN
    },
    Language {
        names: &["javascript", "js", "typescript", "ts", "jsx", "tsx", "mjs", "cjs", "node"],
        quotes: "\"'`",
        constants: &["true", "false", "null", "undefined", "this", "NaN"],
        keywords: "abstract as async await break case catch class const continue debugger declare default delete do else enum export extends finally for from function get if implements import in instanceof interface let new of private protected public readonly return set static super switch throw try type typeof var void while with yield string number boolean any unknown never keyof",
        decorators: true,
        ..PLAIN
    },
    Language {
        names: &["java", "kotlin", "kt", "scala", "csharp", "cs", "c#", "groovy", "swift", "dart"],
        constants: &["true", "false", "null", "this", "nil"],
        keywords: "abstract as async await boolean break byte case catch char class const continue data def default defer do double else enum extends extension final finally float for foreach fun func guard if implements import in init instanceof int interface internal is let long namespace new object open out override package private protected public record return sealed static string struct super switch throw throws try using val var void volatile when where while yield",
        decorators: true,
        ..PLAIN
    },
    Language {
        names: &["c", "cpp", "c++", "h", "hpp", "objc", "arduino"],
        constants: &["true", "false", "NULL", "nullptr", "this"],
        keywords: "auto bool break case catch char class const constexpr continue default delete do double else enum extern float for if inline int long namespace new noexcept operator private protected public return short signed sizeof static struct switch template throw try typedef typename union unsigned using virtual void volatile while",
        ..PLAIN
    },
    Language {
        names: &["hcl", "terraform", "tf"],
        line_comments: &["#", "//"],
        keywords: "resource data variable output module provider terraform locals for in if dynamic content",
        dashes: true,
        ..PLAIN
    },
    Language {
        names: &["sql", "postgresql", "mysql", "plsql", "psql", "sqlite"],
        line_comments: &["--"],
        quotes: "'\"",
        constants: &["NULL", "TRUE", "FALSE", "null", "true", "false"],
        keywords: "add all alter and as asc begin between by cascade case check column commit constraint create cross database default delete desc distinct drop else end exists foreign from full grant group having if in index inner insert into is join key left like limit not null offset on or order outer primary references returning right rollback select set table then transaction union unique update using values view when where with",
        any_case: true,
        ..PLAIN
    },
    Language {
        names: &["proto", "protobuf", "proto3", "graphql", "gql", "thrift"],
        line_comments: &["//", "#"],
        quotes: "\"",
        keywords: "syntax package import option message service rpc returns enum oneof repeated optional required map stream reserved extend extensions type query mutation subscription input interface union scalar schema fragment on implements directive string int32 int64 uint32 uint64 bool bytes double float",
        decorators: true,
        ..PLAIN
    },
    Language {
        names: &["makefile", "make", "mk"],
        keywords: "ifeq ifneq ifdef ifndef else endif include define endef export override",
        dashes: true,
        ..HASH
    },
    Language {
        names: &["css", "scss", "less"],
        quotes: "\"'",
        constants: &["inherit", "initial", "none", "auto"],
        dashes: true,
        decorators: true,
        ..PLAIN
    },
    Language {
        names: &[
            "html",
            "xml",
            "svg",
            "xhtml",
            "jinja",
            "jinja2",
            "django",
            "html+jinja",
            "vue",
            "svelte",
            "handlebars",
            "gotmpl",
            "go-html-template",
            "gotemplate",
        ],
        shape: Shape::Markup,
        ..PLAIN
    },
    Language { names: &["markdown", "md"], shape: Shape::Prose, ..PLAIN },
    Language { names: &["diff", "patch", "udiff"], shape: Shape::Diff, ..PLAIN },
    Language {
        names: &["promql", "rego", "cel", "jsonnet", "cue", "logql", "nginx", "lua"],
        line_comments: &["#", "//", "--"],
        keywords: "local function if then else elseif end for in do return and or not import package default some every sum rate by on server location upstream",
        ..PLAIN
    },
];

/// The language of a name, if it is one of these.
pub(super) fn find(name: &str) -> Option<&'static Language> {
    static ALL: [Language; LANGUAGES.len()] = LANGUAGES;
    ALL.iter().find(|language| language.names.contains(&name))
}
