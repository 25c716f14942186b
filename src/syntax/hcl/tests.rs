use super::*;
use crate::syntax::template::{self, Mask};

/// The tree of a text as JSON, with all text quoted. `...` stands for what is not known.
fn shown(text: &str) -> String {
    let scan = scan(text);
    let masked = template::mask(text, &scan.actions, Mask::Lines);
    assert_eq!(masked.len(), text.len());
    let parsed = parse(&masked, &scan);
    assert!(parsed.errors.is_empty());
    assert_eq!(parsed.documents.len(), 1);
    written(&parsed.documents[0], &masked)
}

/// Also checks the spans.
fn written(node: &Node<'_>, masked: &str) -> String {
    let all = |nodes: &[Node<'_>]| {
        let shown: Vec<String> = nodes.iter().map(|node| written(node, masked)).collect();
        shown.join(", ")
    };
    let outer = node.span();
    assert!(masked.get(outer.start..outer.end).is_some(), "{outer:?}");
    match node {
        Node::Scalar(scalar) => match scalar.style {
            Style::Plain => {
                assert!(scalar.is_verbatim(masked), "{scalar:?}");
                scalar.value.to_string()
            }
            Style::Double => {
                let quotes = [outer.start - 1, outer.end].map(|at| masked.as_bytes()[at]);
                assert_eq!(quotes, *b"\"\"");
                format!("{:?}", scalar.value)
            }
            _ => format!("{:?}", scalar.value),
        },
        Node::List(list) => {
            let inside = list.items.iter();
            assert!(inside.map(Node::span).all(|span| outer.covers(span)));
            match list.items.is_empty() {
                true => "...".to_owned(),
                false => format!("[{}]", all(&list.items)),
            }
        }
        Node::Map(map) => {
            let entries = map.entries.iter().map(|entry| {
                assert!(outer.covers(entry.key.span()) && outer.covers(entry.value.span()));
                let (key, value) = (&entry.key, &entry.value);
                format!("{}: {}", written(key, masked), written(value, masked))
            });
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Node::Alias(_) => panic!("{node:?}"),
    }
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(shown(text), format!("{{{expected}}}"), "{text}");
}

#[test]
fn blocks_are_shaped_as_in_json() {
    check(
        "resource \"helm_release\" \"a\" {\n  x = 1\n}\nresource \"b\" \"c\" {}\n",
        r#"resource: {"helm_release": {"a": {x: 1}}}, resource: {"b": {"c": {}}}"#,
    );
    check(
        "locals { a = \"b\" }\nvariable \"v\" {\n default = \"x\" }",
        r#"locals: {a: "b"}, variable: {"v": {default: "x"}}"#,
    );
    check(
        "resource r n {\n set { name = \"a\" }\n timeout = 1\n set {\n  name = \"b\"\n }\n spec {}\n}",
        r#"resource: {r: {n: {set: [{name: "a"}, {name: "b"}], timeout: 1, spec: [{}]}}}"#,
    );
    check(
        "a {\n dynamic \"set\" {\n content { value = set.value }\n }\n}",
        r#"a: {dynamic: {"set": {content: [{value: ...}]}}}"#,
    );
}

#[test]
fn values_are_read_and_expressions_are_not_known() {
    check(
        "a = [\"x\", 1, true,\n null\n]\nb = { c : \"d\", \"e\" = \"f\"\n g = h.i }",
        r#"a: ["x", 1, true, null], b: {c: "d", "e": "f", g: ...}"#,
    );
    check("a = yamlencode({ b = [\"c\"] })", r#"a: {b: ["c"]}"#);
    check("a = merge(local.b, { c = \"d\" })", r#"a: [..., {c: "d"}]"#);
    check(
        "a = b == \"c\" ? \"d\" : e ? \"f\" : g",
        r#"a: ["d", "f", ...]"#,
    );
    check("a = (\n \"b\"\n)", r#"a: "b""#);
    check("a = format(\"b/%s\", \"c\")", r#"a: "b/%s""#);
    check(
        "a = replace(\"b\", \"c\", \"d\")\ne = \"f\" + \"g\"\nh = i[\"j\"]\nk = !l",
        "a: ..., e: ..., h: ..., k: ...",
    );
    check(
        "a = [for b in c : { d = \"e\" } if b == \"f\"]\ng = { for h, i in j : h => { k = \"l\" } }\nm = 1",
        r#"a: [...], g: {for: {k: "l"}}, m: 1"#,
    );
    check("a = { (b.c) = \"d\" }", r#"a: {(b.c): "d"}"#);
}

#[test]
fn strings_mean_what_hcl_says() {
    check(r#"a = "b \"c\" \\ \u0041 \n""#, r#"a: "b \"c\" \\ A \n""#);
    check(
        r#"a = "${b("}", "${c}")}/d:$${E}" # "f""#,
        r#"a: "xxxxxxxxxxxxxxxxx/d:xxxxx""#,
    );
    check("a = \"$${E:-f}%%{g\"", r#"a: "$${E:-f}%%{g""#);
    check("a = \"b\nc = \"d\"", r#"a: ..., c: "d""#);
    check("a = \"${b\nc = \"d\"", r#"a: ..., c: "d""#);
}

#[test]
fn here_documents_are_block_scalars() {
    check(
        "a = <<-EOT\n    b: ${c}\n      d: e\n\n  EOT\nf = <<X\n g\nX\n",
        r#"a: "b: xxxx\n  d: e\n\n", f: "g\n""#,
    );
    let text = "a = [<<-EOT\n\n    b: c\n    EOT\n, \"d\"]";
    check(text, r#"a: ["b: c\n", "d"]"#);
    let scan = scan(text);
    let here = scan.here_documents[0];
    assert_eq!(here.of(text), "\n    b: c\n");
    check("a = <<\nb = <<C\nd = 1", "a: ..., b: ..., d: 1");
    check("a = <<E\nE\nb = 1", r#"a: "", b: 1"#);
}

#[test]
fn comments_are_no_values() {
    let text = "# a = 1\n// b\n/* c\n  d */ e = \"#\" # f\n";
    check(text, r##"e: "#""##);
    let found = scan(text).comments.into_iter();
    let found: Vec<&str> = found.map(|span| span.of(text)).collect();
    assert_eq!(found, ["# a = 1", "// b", "/* c", "d */", "# f"]);
}

#[test]
fn directives_are_actions() {
    use crate::syntax::template::ActionKind::{Else, End, Inline, Open};
    let text = "a = \"%{ if b }c%{ else }d%{ endif }${e}\"";
    let kinds: Vec<_> = scan(text).actions.iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [Open, Else, End, Inline]);
}

#[test]
fn nothing_breaks_the_reader() {
    for text in [
        "",
        "\"",
        "/*",
        "/*/",
        "<<",
        "<<-",
        "<<A",
        "\\",
        "a = \"\\",
        "a = \"${",
        "a = \"${b(\"",
        "a = \"$",
        "a = \"$$",
        "a = \"$${",
        "a = ]]]}}}) b = (",
        "a = (((",
        "a = ? :",
        "a = b ?",
        "a = [for",
        "a = {for x",
        "resource \"ä\" \"x\" { ö = \"ü\" ä }",
        "a b c d e f { g = 1 }",
        "a = <<ü\n\"ü\nü\n",
        "a = \"\\ü\\",
        "} a = 1",
    ] {
        shown(text);
    }
    let inside =
        "a = { b = \"${c} \\\" $${d}\" e = <<-F\n  g: ${h}\n  F\n i = [1, yamlencode({})] }";
    for (at, _) in inside.char_indices() {
        shown(&inside[..at]);
        shown(&inside[at..]);
    }
}

#[test]
fn hostile_nesting_is_passed_over() {
    for open in [
        "{",
        "[",
        "(",
        "a {",
        "a = [",
        "a = {b=",
        "f(",
        "yamlencode(",
        "a b c d {",
        "\"${",
    ] {
        let text = format!("a = {}", open.repeat(50_000));
        shown(&text);
        shown(&format!(
            "r \"a\" \"b\" {{ c = {} }}\nd = 1",
            open.repeat(50_000)
        ));
    }
    assert!(shown(&format!("a = {}\nb = 1", "[".repeat(9) + &"]".repeat(9))).ends_with("b: 1}"));
}

/// Text that is never closed is not searched for its end again and again. Otherwise each of these would take minutes.
#[test]
fn what_is_left_open_costs_little() {
    for text in [
        "<<A".repeat(100_000),
        "<<A\n".repeat(100_000),
        (0..100_000).map(|n| format!("<<A{n}\n")).collect(),
        "a = \"${\n".repeat(100_000),
        "a = \"${\"".repeat(100_000),
        format!("a = <<E\n{}\nE\n", "${".repeat(100_000)),
        format!("a = <<E\n{}\nE\n", "${\"${".repeat(50_000)),
        "/*".repeat(100_000),
        "a ".repeat(100_000),
        "a = b ? ".repeat(50_000),
        "set {}\n".repeat(50_000),
    ] {
        shown(&text);
    }
}
