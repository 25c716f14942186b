use super::super::values::Origin;
use super::*;
use crate::source::Span;

fn override_of(path: &str, text: &str) -> Override {
    Override {
        path: path.split('.').map(str::to_owned).collect(),
        value: Value::Leaf(Leaf {
            text: text.into(),
            kind: LeafKind::Text,
            origin: Origin {
                file: 0,
                span: Span::new(0, 0),
            },
        }),
    }
}

fn planned(text: &str, at: &Spot, all: &[Override]) -> Vec<Result<Vec<Edit>, String>> {
    let wanted = all.iter().map(|one| Wanted::tree(at, one));
    plan(text, &wanted.collect::<Vec<_>>())
}

fn applied(text: &str, wanted: &[(&str, &str)]) -> Result<String, String> {
    applied_at(text, &Spot::default(), wanted)
}

fn applied_at(text: &str, spot: &Spot, wanted: &[(&str, &str)]) -> Result<String, String> {
    let wanted: Vec<Override> = wanted
        .iter()
        .map(|(path, text)| override_of(path, text))
        .collect();
    let mut edits = BTreeSet::new();
    for planned in planned(text, spot, &wanted) {
        edits.extend(planned?);
    }
    let fix = Fix::here(edits.into_iter().collect(), Applicability::Safe);
    Ok(edit::apply(text, [&fix], Applicability::Safe))
}

#[track_caller]
fn check(text: &str, wanted: &[(&str, &str)], expected: &str) {
    assert_eq!(applied(text, wanted).unwrap(), expected);
}

const X: &str = "registry.k8s.io";

#[test]
fn below_what_is_there() {
    check(
        "a:\n  b: 1\n  # of a\nc: 2\n",
        &[("a.x.k", X)],
        "a:\n  b: 1\n  # of a\n  x:\n    k: registry.k8s.io\nc: 2\n",
    );
    check(
        "a:\n    b:\n        c: 1 # one\n\nd: 2\n",
        &[("a.b.x", X), ("a.k", X), ("z.z", X)],
        "a:\n    b:\n        c: 1 # one\n        x: registry.k8s.io\n    k: registry.k8s.io\n\nd: 2\nz:\n    z: registry.k8s.io\n",
    );
    check(
        "a:\n- b: 1\n- b: 2\n",
        &[("x.k", X)],
        "a:\n- b: 1\n- b: 2\nx:\n  k: registry.k8s.io\n",
    );
}

#[test]
fn in_the_place_of_what_is_empty() {
    check(
        "m:\n  admission:\n    patch: {}   # nothing yet\n",
        &[("m.admission.patch.image.registry", X)],
        "m:\n  admission:\n    patch:   # nothing yet\n      image:\n        registry: registry.k8s.io\n",
    );
    check(
        "m:\no: 1\n",
        &[("m.x", X)],
        "m:\n  x: registry.k8s.io\no: 1\n",
    );
    check("m: ~\n", &[("m.x", X)], "m:\n  x: registry.k8s.io\n");
    check(
        "m: # later\n  # more\no: 1\n",
        &[("m.x", X)],
        "m: # later\n  # more\n  x: registry.k8s.io\no: 1\n",
    );
    check("{}\n", &[("m.x", X)], "m:\n  x: registry.k8s.io\n");
    check("", &[("m.x", X)], "m:\n  x: registry.k8s.io\n");
    check(
        "# nothing here\n---\n",
        &[("m.x", X)],
        "# nothing here\n---\nm:\n  x: registry.k8s.io\n",
    );
}

#[test]
fn in_the_style_of_the_file() {
    check(
        "\u{feff}a: \"b\"\r\nm:\r\n  c: \"d\"",
        &[("m.x.k", X)],
        "\u{feff}a: \"b\"\r\nm:\r\n  c: \"d\"\r\n  x:\r\n    k: \"registry.k8s.io\"",
    );
    check("a: 'b'\n", &[("x", X)], "a: 'b'\nx: 'registry.k8s.io'\n");
    check(
        "m: {a: 1, b: {c: 2}}\n",
        &[("m.x", X), ("m.b.k.z", X)],
        "m: {a: 1, b: {c: 2, k: {z: registry.k8s.io}}, x: registry.k8s.io}\n",
    );
    check(
        "m: { a: {} }\n",
        &[("m.a.x", X)],
        "m: { a: {x: registry.k8s.io} }\n",
    );
    check(
        "m: {\n  \"a\": 1,\n  \"b\": 2,\n}\n",
        &[("m.x", X)],
        "m: {\n  \"a\": 1,\n  \"b\": 2,\n  \"x\": \"registry.k8s.io\"\n}\n",
    );
    check(
        "{\n  \"a\": {\n    \"b\": \"c\"\n  }\n}\n",
        &[("a.x", X)],
        "{\n  \"a\": {\n    \"b\": \"c\",\n    \"x\": \"registry.k8s.io\"\n  }\n}\n",
    );
    check("a: 1\n", &[("x", "1.10")], "a: 1\nx: \"1.10\"\n");
    check(
        "a: 1\n...\n",
        &[("x", X)],
        "a: 1\nx: registry.k8s.io\n...\n",
    );
    check(
        "a: 1\n---\nb: 1\n",
        &[("x", X)],
        "a: 1\nx: registry.k8s.io\n---\nb: 1\n",
    );
}

#[test]
fn below_a_block_scalar() {
    check(
        "m:\n  text: |\n    a\n    # no comment\n\no: 1\n",
        &[("m.x", X)],
        "m:\n  text: |\n    a\n    # no comment\n  x: registry.k8s.io\n\no: 1\n",
    );
    check(
        "m:\n  text: >-\n    a\n    b\n",
        &[("m.x", X)],
        "m:\n  text: >-\n    a\n    b\n  x: registry.k8s.io\n",
    );
}

#[test]
fn what_is_shared_is_left_alone() {
    let refused = |text: &str, path: &str| applied(text, &[(path, X)]).unwrap_err();
    refused("a: &s {b: 1}\nm: *s\n", "m.x");
    refused("m: &s {b: 1}\na: *s\n", "m.x");
    refused("a: &s {i: {b: 1}}\nm:\n  <<: *s\n  c: 1\n", "m.i.x");
    refused("m: text\n", "m.x");
    refused("- a\n", "m.x");
    refused("a: [\n", "m.x");
    check(
        "a: &s {b: 1}\nm:\n  <<: *s\n",
        &[("m.x", X)],
        "a: &s {b: 1}\nm:\n  <<: *s\n  x: registry.k8s.io\n",
    );
}

#[test]
fn one_that_has_no_room_does_not_hinder_others() {
    let text = "a: &s {b: 1}\nm: *s\no:\n  c: 1\n";
    let wanted = [override_of("m.x", X), override_of("o.x", X)];
    let planned = planned(text, &Spot::default(), &wanted);
    assert!(planned[0].is_err() && planned[1].is_ok(), "{planned:?}");
}

#[test]
fn overrides_that_meet_share_their_edits() {
    let wanted = [
        override_of("m.a.x", X),
        override_of("m.b.k", X),
        override_of("o.z", X),
    ];
    let text = "m:\n  c: 1\no:\n  d: 1\n";
    let planned = planned(text, &Spot::default(), &wanted);
    assert_eq!(planned[0], planned[1]);
    assert_ne!(planned[0], planned[2]);
}

#[test]
fn in_other_documents() {
    let spot = Spot::at_keys(1, &["spec", "values"]);
    let check = |text: &str, expected: &str| {
        assert_eq!(applied_at(text, &spot, &[("k", X)]).unwrap(), expected);
    };
    check(
        "spec: {values: {a: 1}}\n---\nspec:\n  values:\n    a: 1\n---\nspec: {}\n",
        "spec: {values: {a: 1}}\n---\nspec:\n  values:\n    a: 1\n    k: registry.k8s.io\n---\nspec: {}\n",
    );
    check(
        "a: 1\n---\nspec:\n  b: 1\n---\nc: 1\n",
        "a: 1\n---\nspec:\n  b: 1\n  values:\n    k: registry.k8s.io\n---\nc: 1\n",
    );
    assert!(applied_at("spec:\n  values:\n    a: 1\n", &spot, &[("k", X)]).is_err());
}

#[test]
fn in_a_text_of_yaml() {
    let spot = Spot::at_keys(0, &["helm", "values"]).in_text();
    let check = |text: &str, expected: &str| {
        let wanted = [("m.k", X), ("z", X)];
        assert_eq!(applied_at(text, &spot, &wanted).unwrap(), expected);
    };
    check(
        "helm:\n  values: |\n    # of m\n    m:\n      a: 1\n\n  b: 1\n",
        "helm:\n  values: |\n    # of m\n    m:\n      a: 1\n      k: registry.k8s.io\n    z: registry.k8s.io\n\n  b: 1\n",
    );
    check(
        "helm:\r\n  values: |-\r\n     m: {}\r\n     n: 'q'\r\nb: 1\r\n",
        "helm:\r\n  values: |-\r\n     m:\r\n       k: 'registry.k8s.io'\r\n     n: 'q'\r\n     z: 'registry.k8s.io'\r\nb: 1\r\n",
    );
    check(
        "helm:\n  values: |\n    m: {a: 1}",
        "helm:\n  values: |\n    m: {a: 1, k: registry.k8s.io}\n    z: registry.k8s.io",
    );
    let refused = |text: &str| assert!(applied_at(text, &spot, &[("m.k", X)]).is_err(), "{text}");
    refused("helm:\n  values: >\n    m: 1\n");
    refused("helm:\n  values: 'm: {a: 1}'\n");
    refused("helm:\n  values: |\n    - m\n");
    refused("helm:\n  values: |\n    m: [\n");
    // A line added below a last line that has no newline would give it one.
    let stripped = "helm:\n  values: |-\n    m:\n      a: 1\n    n: |\n      last\n";
    assert!(applied_at(stripped, &spot, &[("z", X)]).is_err());
    assert!(applied_at(stripped, &spot, &[("m.k", X)]).is_ok());
    refused("helm:\n  values: &v |\n    m:\n      a: 1\nother: *v\n");
}

#[test]
fn many_places_of_a_file_are_planned_together() {
    let text = "a:\n- v: {k: 1}\n- v: |\n    k: 1\n---\nset: [{name: k, value: b}]\nv:\n";
    let item = |index| Spot::at_keys(0, &["a"]).item(index).keys(&["v"]);
    let spots = [
        (item(0), Written::Tree),
        (item(1).in_text(), Written::Tree),
        (Spot::at_keys(1, &["set"]), Written::Pairs),
        (Spot::at_keys(1, &["v"]), Written::Tree),
        (Spot::at_keys(2, &["v"]), Written::Tree),
    ];
    let override_ = override_of("x.z", "q");
    let wanted = spots.each_ref().map(|(at, written)| Wanted {
        at,
        written: *written,
        override_: &override_,
    });
    let planned = plan(text, &wanted);
    assert!(planned[4].is_err(), "{planned:?}");
    let edits = planned.into_iter().flatten().flatten().collect();
    let fix = Fix::here(edits, Applicability::Safe);
    assert_eq!(
        edit::apply(text, [&fix], Applicability::Safe),
        "a:\n- v: {k: 1, x: {z: q}}\n- v: |\n    k: 1\n    x:\n      z: q\n---\n\
         set: [{name: k, value: b}, {name: x.z, value: q}]\nv:\n  x:\n    z: q\n"
    );
}

/// Values that have no room at their end: a line added below a last line that has no newline would give it one.
const STRIPPED: &str = "v: |-\n  n: |\n    last\n";

#[test]
fn places_that_have_no_room_do_not_hinder_others() {
    let text = format!("{STRIPPED}---\nv: {{}}\n---\n{STRIPPED}");
    let at = |number| Spot::at_keys(number, &["v"]);
    let spots = [at(0).in_text(), at(1), at(2).in_text()];
    let override_ = override_of("z", "q");
    let wanted = spots.each_ref().map(|at| Wanted::tree(at, &override_));
    let good = plan(&text, &wanted).into_iter();
    let good: Vec<bool> = good.map(|one| one.is_ok()).collect();
    assert_eq!(good, [false, true, false]);
}

#[test]
fn the_number_of_tries_is_bounded() {
    let count = MOST_ALONE + 1;
    let text = format!("{STRIPPED}---\n").repeat(count) + "v: {}\n";
    let at = |number| Spot::at_keys(number, &["v"]);
    let spots = (0..count).map(|number| at(number).in_text());
    let spots: Vec<Spot> = spots.chain([at(count)]).collect();
    let override_ = override_of("z", "q");
    let wanted = spots.iter().map(|at| Wanted::tree(at, &override_));
    let planned = plan(&text, &wanted.collect::<Vec<_>>());
    let reason = |number: usize| planned[number].as_ref().unwrap_err();
    assert_eq!(reason(MOST_ALONE - 1), NO_ROOM);
    assert_eq!(reason(MOST_ALONE), NOT_TRIED);
    assert_eq!(reason(count), NOT_TRIED);
}

#[test]
fn a_pair_is_written_as_the_others_are() {
    let spot = Spot::at_keys(0, &["set"]);
    let plan_pair = |text: &str| {
        let wanted = Wanted {
            at: &spot,
            written: Written::Pairs,
            override_: &override_of("k.l", "true"),
        };
        plan(text, &[wanted]).remove(0)
    };
    for (text, expected) in [
        (
            "set:\n  - name: a\n    value: b # c\n    # of it\nx: 1\n",
            "set:\n  - name: a\n    value: b # c\n    # of it\n  - name: k.l\n    value: \"true\"\nx: 1\n",
        ),
        (
            "set:\n-   name: 'a'\n    value: 'b'",
            "set:\n-   name: 'a'\n    value: 'b'\n- name: 'k.l'\n  value: 'true'",
        ),
        (
            "set:\r\n- {name: a, value: b}\r\n",
            "set:\r\n- {name: a, value: b}\r\n- {name: k.l, value: \"true\"}\r\n",
        ),
        (
            "set: [{name: a, value: b}]\n",
            "set: [{name: a, value: b}, {name: k.l, value: \"true\"}]\n",
        ),
        (
            "{\"set\": [\n  {\"name\": \"a\", \"value\": \"b\"}\n]}\n",
            "{\"set\": [\n  {\"name\": \"a\", \"value\": \"b\"},\n  {\"name\": \"k.l\", \"value\": \"true\"}\n]}\n",
        ),
        // An existing item already sets another value.
        (
            "set:\n- name: k.l\n  value: false\n- name: b\n  value: c\n",
            "set:\n- name: k.l\n  value: \"true\"\n- name: b\n  value: c\n",
        ),
        ("set:\n  a.b: c\n", "set:\n  a.b: c\n  k.l: \"true\"\n"),
    ] {
        let edits = plan_pair(text).unwrap();
        let fix = Fix::here(edits, Applicability::Safe);
        assert_eq!(edit::apply(text, [&fix], Applicability::Safe), expected);
    }
    // Only a list that is written out is extended.
    for text in [
        "x: &a [{name: a, value: b}]\nset: *a\n",
        "set:\n-\n  name: a\n  value: b\n",
        "set: []\n",
        "set: [a, b]\n",
        "set: text\n",
    ] {
        let planned = plan_pair(text);
        assert!(planned.is_err(), "{text}: {planned:?}");
    }
}
