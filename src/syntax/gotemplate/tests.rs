use super::*;

/// A short form of the tree: what its spans cover, and how it is nested.
fn shown(text: &str) -> String {
    match parse(text, &|name| name.starts_with(|c: char| c.is_lowercase())) {
        Ok(template) => {
            let mut out = list(&template.body, text);
            for one in &template.definitions {
                out += &format!(" define {} [{}]", one.name, list(&one.body, text));
            }
            out
        }
        Err(error) => format!("{}: {}", error.offset, error.message),
    }
}

fn list(list: &List, text: &str) -> String {
    let nodes = list.nodes.iter().map(|node| match node {
        Node::Text(span) => format!("{:?}", span.of(text)),
        Node::Action(one) => pipe(one, text),
        Node::If(one) => branch("if", one, text),
        Node::With(one) => branch("with", one, text),
        Node::Range(one) => branch("range", one, text),
        Node::Call { name, argument, .. } => {
            let argument = argument.as_ref().map(|one| pipe(one, text));
            format!("call {name} {}", argument.unwrap_or_default())
        }
        Node::Break(_) => "break".to_owned(),
        Node::Continue(_) => "continue".to_owned(),
    });
    nodes.collect::<Vec<_>>().join(" ")
}

fn branch(name: &str, branch: &Branch, text: &str) -> String {
    let body = self::list(&branch.body, text);
    let otherwise = branch.otherwise.as_ref();
    let otherwise = otherwise.map(|one| format!(" else [{}]", list(one, text)));
    let pipe = pipe(&branch.pipe, text);
    format!("{name} {pipe} [{body}]{}", otherwise.unwrap_or_default())
}

fn pipe(pipe: &Pipe, text: &str) -> String {
    let sign = if pipe.assigns { "=" } else { ":=" };
    let variables = match pipe.variables.is_empty() {
        true => String::new(),
        false => format!("{}{sign}", pipe.variables.join(",")),
    };
    let commands = pipe.commands.iter().map(|command| {
        let operands = command.operands.iter().map(|one| operand(one, text));
        operands.collect::<Vec<_>>().join(" ")
    });
    format!("<{variables}{}>", commands.collect::<Vec<_>>().join("|"))
}

fn operand(operand: &Operand, text: &str) -> String {
    let written = operand.span.of(text);
    match &operand.kind {
        OperandKind::Pipe(inner) => format!("({})", pipe(inner, text)),
        OperandKind::Chain { base, fields } => {
            format!("{}.{}", self::operand(base, text), fields.join("."))
        }
        OperandKind::Text { value, content } => {
            assert!(operand.span.covers(*content));
            format!("{:?}", String::from_utf8_lossy(value))
        }
        _ => written.to_owned(),
    }
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(shown(text), expected, "{text}");
}

#[test]
fn actions_and_trim_markers() {
    check("a {{ .x }} b", r#""a " <.x> " b""#);
    check("a {{- .x -}} b", r#""a" <.x> "b""#);
    check("a\n{{- /* c }} */ -}}\n b", r#""a" "b""#);
    check("{{/* c */}}", "");
    check("{{ -1 }}{{-1}}{{3 -}} x", r#"<-1> <-1> <3> "x""#);
    check("{{.}}{{ $ }}{{ $.a.b }}", "<.> <$> <$.a.b>");
    check("}} { {", r#""}} { {""#);
}

#[test]
fn pipelines_and_operands() {
    check(
        "{{ a .b \"c\\n\" | d `e\\` 'f' }}",
        r#"<a .b "c\n"|d "e\\" 'f'>"#,
    );
    check("{{ (a .b).c.d }}", "<(<a .b>).c.d>");
    check("{{ a (b (c)) .d }}", "<a (<b (<c>)>) .d>");
    check("{{ a.b }}", "<a.b>");
    check(
        "{{ $x := 1 }}{{ $x = 2 }}{{ $x.y }}",
        "<$x:=1> <$x=2> <$x.y>",
    );
    check(
        "{{ true }}{{ f nil 1.5 0x1F 1_000 }}",
        "<true> <f nil 1.5 0x1F 1_000>",
    );
    check("{{ a | b | c }}{{ a | }}", "<a|b|c> <a>");
    check("{{ 0x1p60 }}", "<0x1p60>");
    check("{{ a\n  b\n}}", "<a b>");
}

#[test]
fn structures() {
    check(
        "{{ if .a }}1{{ else if .b }}2{{ else }}3{{ end }}",
        r#"if <.a> ["1"] else [if <.b> ["2"] else ["3"]]"#,
    );
    check(
        "{{ range $k, $v := .a }}{{ $k }}{{ break }}{{ else }}{{ end }}",
        "range <$k,$v:=.a> [<$k> break] else []",
    );
    check(
        "{{ with $x := .a }}{{ $x }}{{ else with .b }}{{ . }}{{ end }}",
        "with <$x:=.a> [<$x>] else [with <.b> [<.>]]",
    );
    check(
        "{{ define \"a\" }}{{ . }}{{ end }}{{ template \"a\" .b }}{{ block \"c\" . }}x{{ end }}",
        r#"call a <.b> call c <.> define a [<.>] define c ["x"]"#,
    );
}

#[test]
fn errors_are_those_of_go() {
    check("{{ .a", "5: unclosed action");
    check("{{ if .a }}", "11: unexpected EOF");
    check("{{ end }}", "3: unexpected {{end}}");
    check("{{ $x }}", "3: undefined variable \"$x\"");
    check(
        "{{ with $x := 1 }}{{ end }}{{ $x }}",
        "30: undefined variable \"$x\"",
    );
    check("{{ Foo }}", "3: function \"Foo\" not defined");
    check("{{ }}", "3: missing value for command");
    check("{{ if }}{{ end }}", "6: missing value for if");
    check("{{ (a }}", "6: unclosed left paren");
    check("{{ a) }}", "4: unexpected right paren");
    check("{{ \"a }}", "3: unterminated quoted string");
    check("{{ break }}", "3: {{break}} outside {{range}}");
    check(
        "{{ a | 1 }}",
        "7: non executable command in pipeline stage 2",
    );
    check(
        "{{ /* a */ }}",
        "3: unrecognized character in action: U+002F '/'",
    );
    check(
        "{{define \"a\"}}1{{end}}{{define \"a\"}}2{{end}}",
        "24: template: multiple definition of template \"a\"",
    );
    check(
        "{{define \"a\"}}{{end}}{{define \"a\"}}2{{end}}",
        r#" define a ["2"]"#,
    );
}

#[test]
fn hostile_nesting_is_an_error_and_no_overflow() {
    for text in [
        "{{ if a }}".repeat(100_000),
        format!("{{{{ {}", "(".repeat(100_000)),
        format!("{{{{ if a }}}}{}", "{{ else if a }}".repeat(100_000)),
    ] {
        assert!(
            shown(&text).ends_with("nested too deep"),
            "{:.80}",
            shown(&text)
        );
    }
}
