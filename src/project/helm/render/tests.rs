use rayon::prelude::*;

use super::*;

fn chart(files: &[(&str, &str)]) -> Chart {
    let files = files.iter();
    let mut files: Files = files
        .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
        .collect();
    let about = b"apiVersion: v2\nname: app\nversion: 1.0.0\nappVersion: \"3.1\"\n";
    files
        .entry("Chart.yaml".to_owned())
        .or_insert_with(|| about.to_vec());
    Chart::from_folder(files).unwrap()
}

fn rendered(chart: &Chart, values: &[&str]) -> Rendered {
    let values = values.iter().enumerate();
    let values: Vec<File> = values
        .map(|(number, text)| File::new(&format!("own-{number}.yaml"), text.as_bytes().to_vec()))
        .collect();
    render(chart, &values, &Release::default())
}

/// Checks the text of the only template with these values.
#[track_caller]
fn check(template: &str, values: &str, expected: &str) {
    let chart = chart(&[("templates/a.yaml", template), ("values.yaml", values)]);
    let rendered = rendered(&chart, &[]);
    let shown = match rendered.errors.first() {
        Some(error) => error.to_string(),
        None => rendered.manifests[0].text.text().into_owned(),
    };
    assert_eq!(shown, expected, "{template}");
}

/// Shows each piece of a text with its file, and the text as written there.
fn origins(chart: &Chart, values: &[&str], text: &Pieces) -> Vec<String> {
    let pieces = text.pieces_in(0, text.bytes.len());
    let show = |(from, to, source): (usize, usize, Source)| {
        let made = String::from_utf8_lossy(&text.bytes[from..to]).into_owned();
        let Source::Written(origin) = source else {
            return format!("{made:?} {source:?}");
        };
        let number = origin.file as usize;
        let (path, written) = match chart.files().get(number) {
            Some(file) => (file.path.clone(), file.text()),
            None => {
                let own = number - chart.files().len();
                (format!("own-{own}.yaml"), values[own])
            }
        };
        let written = origin.span().of(written);
        if origin.verbatim {
            assert_eq!(written, made);
            return format!("{made:?} {path}");
        }
        format!("{made:?} {path} as {written:?}")
    };
    pieces.map(show).collect()
}

#[track_caller]
fn check_origins(files: &[(&str, &str)], values: &[&str], expected: &[&str]) {
    let chart = chart(files);
    let rendered = rendered(&chart, values);
    assert!(rendered.errors.is_empty(), "{}", rendered.errors[0]);
    let shown = origins(&chart, values, &rendered.manifests[0].text);
    assert_eq!(shown, expected);
}

#[test]
fn every_byte_knows_where_it_comes_from() {
    let helpers = "{{- define \"image\" -}}\n{{- printf \"%s/%s:%v\" .registry .name (.tag | default \"latest\") -}}\n{{- end -}}\n";
    check_origins(
        &[
            ("templates/_h.tpl", helpers),
            (
                "templates/a.yaml",
                "image: {{ include \"image\" .Values.image | quote }}\n",
            ),
            (
                "values.yaml",
                "image:\n  registry: k8s.gcr.io\n  name: \"pau\\x73e\"\n  tag: 3.10\n",
            ),
        ],
        &[],
        &[
            "\"image: \" templates/a.yaml",
            "\"\\\"\" Computed",
            "\"k8s.gcr.io\" values.yaml",
            "\"/\" templates/_h.tpl",
            "\"pause\" values.yaml as \"pau\\\\x73e\"",
            "\":\" templates/_h.tpl",
            "\"3.1\" values.yaml as \"3.10\"",
            "\"\\\"\" Computed",
            "\"\\n\" templates/a.yaml",
        ],
    );
}

#[test]
fn a_literal_and_the_version_of_the_chart_have_origins_too() {
    check_origins(
        &[
            (
                "templates/a.yaml",
                "{{ .Values.tag | default .Chart.AppVersion }}{{ \"x\" | upper }}{{ \"k8s.gcr.io\" | replace \"gcr\" .Values.by }}",
            ),
            ("values.yaml", "by: ghcr\n"),
        ],
        &[],
        &[
            "\"3.1\" Chart.yaml",
            "\"X\" Computed",
            "\"k8s.\" templates/a.yaml",
            "\"ghcr\" values.yaml",
            "\".io\" templates/a.yaml",
        ],
    );
}

#[test]
fn texts_that_are_templates_and_blocks_keep_their_origins() {
    check_origins(
        &[
            ("templates/a.yaml", "{{ tpl .Values.spec . }}"),
            (
                "values.yaml",
                "host: k8s.gcr.io\nspec: |\n    image: {{ .Values.host }}/pause\n    end\n",
            ),
        ],
        &[],
        &[
            "\"image: \" values.yaml",
            "\"k8s.gcr.io\" values.yaml",
            "\"/pause\\n\" values.yaml",
            "\"end\\n\" values.yaml",
        ],
    );
}

#[test]
fn yaml_and_json_keep_origins_both_ways() {
    let template = "{{ toYaml .Values.pod | nindent 2 }}\n{{ (.Values.pod | toJson | fromJson).image }}{{ (toYaml .Values.pod | fromYaml).image }}";
    check_origins(
        &[
            ("templates/a.yaml", template),
            ("values.yaml", "pod: {image: k8s.gcr.io/pause}\n"),
        ],
        &[],
        &[
            "\"\\n  image: \" Computed",
            "\"k8s.gcr.io/pause\" values.yaml",
            "\"\\n\" templates/a.yaml",
            "\"k8s.gcr.io/pause\" values.yaml",
            "\"k8s.gcr.io/pause\" values.yaml",
        ],
    );
}

#[test]
fn values_are_laid_over_each_other_as_in_helm() {
    let about = "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n- {name: sub, version: 1.x, alias: twin}\n- {name: idle, version: 1.x, condition: idle.enabled}\n";
    let own = "twin: {tag: v2}\nglobal: {registry: mirror}\nunwanted: ~\n";
    let sub = "apiVersion: v2\nname: sub\nversion: 1.2.0\n";
    let files = [
        ("Chart.yaml", about),
        (
            "values.yaml",
            "twin: {name: pause}\nidle: {enabled: false}\nunwanted: 1\n",
        ),
        ("charts/sub/Chart.yaml", sub),
        (
            "charts/sub/values.yaml",
            "name: default\ntag: v1\nhost: k8s.gcr.io\n",
        ),
        (
            "charts/sub/templates/a.yaml",
            "{{ .Chart.Name }} {{ .Values.global.registry }} {{ .Values.host }}/{{ .Values.name }}:{{ .Values.tag }}",
        ),
        (
            "charts/idle/Chart.yaml",
            "apiVersion: v2\nname: idle\nversion: 1.0.0\n",
        ),
        ("charts/idle/templates/a.yaml", "never: {{ fail \"off\" }}"),
    ];
    check_origins(
        &files,
        &[own],
        &[
            "\"twin\" Computed",
            "\" \" charts/sub/templates/a.yaml",
            "\"mirror\" own-0.yaml",
            "\" \" charts/sub/templates/a.yaml",
            "\"k8s.gcr.io\" charts/sub/values.yaml",
            "\"/\" charts/sub/templates/a.yaml",
            "\"pause\" values.yaml",
            "\":\" charts/sub/templates/a.yaml",
            "\"v2\" own-0.yaml",
        ],
    );
    let chart = chart(&files);
    let rendered = rendered(&chart, &[own]);
    assert_eq!(
        rendered.manifests[0].name,
        "app/charts/twin/templates/a.yaml"
    );
    let read = ["twin", "tag"].map(str::to_owned).to_vec();
    assert!(
        rendered.reads.paths.contains(&read),
        "{:?}",
        rendered.reads.paths
    );
}

#[test]
fn what_go_does_with_nothing() {
    check(
        "{{ .Values.a }}|{{ (.Values.a).b.c }}|{{ .Values.a | quote }}",
        "",
        "||",
    );
    check("{{ $x := .Values.a }}{{ $x.b.c | default 1 }}", "", "1");
    check(
        "\n  {{ .Values.a.b }}",
        "",
        "template: app/templates/a.yaml:2:12: executing \"app/templates/a.yaml\" at <.a.b>: nil pointer evaluating interface {}.b",
    );
    check(
        "{{ printf \"%v\" nil }}{{ list nil | toString }}",
        "",
        "%!v(MISSING)[<nil>]"
            .replace("%!v(MISSING)", "<nil>")
            .as_str(),
    );
}

#[test]
fn numbers_are_floats_and_texts_texts() {
    check(
        "{{ .Values.a }} {{ .Values.b }} {{ .Values.c }} {{ int .Values.a }} {{ toYaml .Values.a }} {{ .Values.d }}",
        "a: 1000000\nb: 1.10\nc: 0x10\nd: \"1.10\"\n",
        "1e+06 1.1 16 1000000 1000000 1.10",
    );
    check(
        "{{ eq (int .Values.a) 3 }}{{ add 1 2.7 \"3\" }}{{ div 7 2 }}",
        "a: 3\n",
        "true63",
    );
    check(
        "{{ eq .Values.a 3 }}",
        "a: 3\n",
        "template: app/templates/a.yaml:1:3: executing \"app/templates/a.yaml\" at <eq .Values.a 3>: error calling eq: incompatible types for comparison: float64 and int",
    );
}

#[test]
fn maps_are_shared_and_ranges_sorted() {
    check(
        "{{ $_ := set .Values.m \"b\" 2 }}{{ range $k, $v := .Values.m }}{{ $k }}={{ $v }},{{ end }}",
        "m: {c: 3, a: 1}\n",
        "a=1,b=2,c=3,",
    );
    check(
        "{{ $m := dict \"a\" (dict \"x\" 1 \"y\" \"\") }}{{ toJson (merge $m (dict \"a\" (dict \"x\" 2 \"y\" 3 \"z\" 4) \"b\" 5)) }}{{ toJson (mergeOverwrite $m (dict \"a\" (dict \"x\" 9))) }}",
        "",
        "{\"a\":{\"x\":1,\"y\":3,\"z\":4},\"b\":5}{\"a\":{\"x\":9,\"y\":3,\"z\":4},\"b\":5}",
    );
    check(
        "{{ range $i, $e := until 5 }}{{ if eq $i 1 }}{{ continue }}{{ end }}{{ if eq $i 3 }}{{ break }}{{ end }}{{ $e }}{{ end }}",
        "",
        "02",
    );
}

#[test]
fn errors_name_what_ran() {
    let files = [
        (
            "templates/_h.tpl",
            "{{ define \"a\" }}\n{{ required \"set it\" .Values.x }}{{ end }}",
        ),
        ("templates/a.yaml", "{{ include \"a\" . }}"),
        ("templates/b.yaml", "b: 1"),
    ];
    let rendered = rendered(&chart(&files), &[]);
    assert_eq!(
        rendered.errors[0].to_string(),
        "template: app/templates/a.yaml:1:3: executing \"app/templates/a.yaml\" at <include \"a\" .>: error calling include: \
         template: app/templates/_h.tpl:2:3: executing \"a\" at <required \"set it\" .V...>: error calling required: set it"
    );
    assert_eq!(rendered.manifests[0].text.text(), "b: 1");
    let broken = chart(&[("templates/a.yaml", "\n{{ nofunc }}")]);
    let error = self::rendered(&broken, &[]).errors[0].to_string();
    assert_eq!(
        error,
        "parse error at (app/templates/a.yaml:2): function \"nofunc\" not defined"
    );
}

#[test]
fn what_is_compared_is_known() {
    let template = "{{ if eq .Values.registry \"k8s.gcr.io\" }}{{ end }}{{ if hasPrefix \"gcr\" .Values.other }}{{ end }}";
    let values = "registry: k8s.gcr.io\nother: x\nunread: y\n";
    let chart = chart(&[("templates/a.yaml", template), ("values.yaml", values)]);
    let reads = rendered(&chart, &[]).reads;
    let paths: Vec<String> = reads.paths.iter().map(|path| path.join(".")).collect();
    assert_eq!(paths, ["other", "registry"]);
    let compared = reads.comparisons.iter().map(|one| {
        let what = one.what[0].1.unwrap().span().of(values);
        let at = one
            .at
            .map(|(_, span)| span.of(template))
            .unwrap_or_default();
        let with = one.with.iter().map(|(text, origin)| {
            let written = origin.map_or("", |origin| origin.span().of(template));
            format!("{text} ({written})")
        });
        let with: Vec<String> = with.collect();
        format!("{} {what} {} at {at}", one.function, with.join(", "))
    });
    let compared: Vec<String> = compared.collect();
    assert_eq!(
        compared,
        [
            "eq k8s.gcr.io k8s.gcr.io (k8s.gcr.io) at eq .Values.registry \"k8s.gcr.io\"",
            "hasPrefix x gcr (gcr) at hasPrefix \"gcr\" .Values.other",
        ]
    );
}

/// Returns the words that contain values, with unknown values in brackets.
fn words(files: &[(&str, &str)], path: &str) -> Vec<String> {
    let found = explore(&chart(files), &[], &Release::default(), EVERY_WAY);
    assert!(!found.is_partial);
    let uses = found.uses.iter().filter(|one| one.path.join(".") == path);
    let mut words: Vec<String> = uses
        .map(|one| {
            let symbols = one.word.iter().map(|symbol| match symbol.paths.first() {
                Some(path) => format!("[{}]", path.join(".")),
                None => symbol.text.clone(),
            });
            symbols.collect()
        })
        .collect();
    words.sort();
    words.dedup();
    words
}

#[test]
fn exploring_finds_what_is_switched_off() {
    let template = "{{ if .Values.enabled }}\n{{ if .Values.registry }}a: {{ .Values.registry }}/{{ .Values.name }}\n{{ else }}a: docker.io/{{ .Values.name }}:{{ .Values.tag | default \"v1\" }}\n{{ end }}\n{{ range .Values.more }}\n- {{ .image }}\n{{ end }}{{ end }}";
    let files = [
        ("templates/a.yaml", template),
        (
            "values.yaml",
            "enabled: false\nregistry: \"\"\nname: pause\n",
        ),
    ];
    assert_eq!(
        words(&files, "name"),
        [
            "[registry]/[name]",
            "docker.io/[name]:[tag]",
            "docker.io/[name]:v1"
        ]
    );
    assert_eq!(words(&files, "registry"), ["[registry]/[name]"]);
    assert_eq!(words(&files, "more.[].image"), ["[more.[].image]"]);
}

#[test]
fn exploring_passes_over_failures() {
    let template = "{{ required \"no\" .Values.x }}{{ fail \"never\" }}\n{{ .Values.a.b.c }}/{{ index .Values.list 7 }}/{{ .Values.name }}";
    let files = [
        ("templates/a.yaml", template),
        ("values.yaml", "name: pause\nlist: []\n"),
    ];
    let found = words(&files, "name");
    assert!(
        found.iter().any(|word| word.ends_with("/[name]")),
        "{found:?}"
    );
    assert!(
        words(&files, "a.b.c")
            .iter()
            .any(|word| word.starts_with("[a.b.c]/"))
    );
}

#[test]
fn hostile_charts_end_with_an_error() {
    let long = "{{ $x := \"aaaaaaaaaaaaaaaa\" }}{{ range until 60 }}{{ $x = printf \"%s%s\" $x $x }}{{ end }}";
    let bombs = [
        "{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}",
        "{{ define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" . }}",
        "{{ define \"a\" }}{{ include \"a\" . }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}",
        "{{ tpl .Values.t . }}",
        "{{ range until 1000000000 }}x{{ end }}",
        "{{ range untilStep 0 1000000000 1 }}{{ end }}",
        "{{ range 1000000000 }}{{ end }}",
        "{{ repeat 1000000000 \"x\" }}",
        "{{ seq 1 1000000000 }}",
        "{{ indent 1000000000 \"x\" }}",
        "{{ printf \"%999999d%999999d\" 1 2 | repeat 1000 }}",
        "{{ randAlphaNum 1000000000 }}",
        "{{ $l := list }}{{ range until 100000 }}{{ $l = list $l $l }}{{ end }}{{ toJson $l }}",
        "{{ $m := dict }}{{ $_ := set $m \"m\" $m }}{{ toYaml $m }}",
        "{{ $m := dict }}{{ range until 100000 }}{{ $m = dict \"m\" $m }}{{ end }}{{ $m }}",
        "{{ $s := \"a\" }}{{ range until 40 }}{{ $s = replace \"a\" \"aa\" $s }}{{ end }}",
        "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}",
        long,
    ];
    bombs.into_par_iter().for_each(|bomb| {
        let values = "t: \"{{ tpl .Values.t . }}\"\n";
        let chart = chart(&[("templates/a.yaml", bomb), ("values.yaml", values)]);
        let rendered = rendered(&chart, &[]);
        assert!(rendered.errors.iter().any(|error| error.is_limit), "{bomb}");
        explore(&chart, &[], &Release::default(), EVERY_WAY);
    });
    check(
        "{{ regexMatch \"((a{100}){100}){100}\" \"a\" }}",
        "",
        "false",
    );
}

#[test]
fn images_are_found_with_their_pieces() {
    let template = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: web, namespace: shop}\n  spec:\n    containers:\n    - name: p\n      image: \"{{ .Values.host }}/pause\"\n---\napiVersion: x/v1\nkind: Prometheus\nmetadata:\n  name: m\nspec:\n  image: quay.io/a/b\n  sidecarImage: {{ .Values.host }}/c\n";
    let chart = chart(&[
        ("templates/a.yaml", template),
        ("values.yaml", "host: k8s.gcr.io\n"),
    ]);
    let rendered = rendered(&chart, &[]);
    let found = images(&rendered);
    let shown = found.iter().map(|image| {
        let Object {
            kind,
            namespace,
            name,
        } = &image.object;
        let of = image.pieces.iter().map(|(span, source)| {
            let text = &rendered.manifests[image.manifest].text.bytes[span.start..span.end];
            let text = String::from_utf8_lossy(text);
            match source {
                Source::Written(origin) => format!("{text}={:?}", origin.kind),
                other => format!("{text}={other:?}"),
            }
        });
        let of: Vec<String> = of.collect();
        let container = image.container.as_deref().unwrap_or("-");
        let namespace = namespace.as_deref().unwrap_or("-");
        format!(
            "{} {namespace}/{name} {kind} {container} {}: {}",
            image.text,
            image.path.join("."),
            of.join(" ")
        )
    });
    let shown: Vec<String> = shown.collect();
    assert_eq!(
        shown,
        [
            "k8s.gcr.io/pause shop/web Pod p items.0.spec.containers.0.image: k8s.gcr.io=Value /pause=Template",
            "quay.io/a/b -/m Prometheus - spec.image: quay.io/a/b=Template",
            "k8s.gcr.io/c -/m Prometheus - spec.sidecarImage: k8s.gcr.io=Value /c=Template",
        ]
    );
}

#[test]
fn charts_that_helm_refuses_are_refused() {
    let error = |files: &[(&str, &str)]| {
        let files = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
        match Chart::from_folder(files.collect()) {
            Err(error) => error,
            Ok(chart) => rendered(&chart, &[]).errors[0].to_string(),
        }
    };
    assert_eq!(error(&[]), "Chart.yaml file is missing");
    let about = (
        "Chart.yaml",
        "name: a\nversion: 1.0.0\nkubeVersion: <1.20.0\n",
    );
    assert_eq!(
        error(&[about]),
        "chart requires kubeVersion: <1.20.0 which is incompatible with Kubernetes v1.35.0"
    );
    let broken = error(&[
        ("Chart.yaml", "name: a\nversion: 1.0.0\n"),
        ("values.yaml", "- a\n"),
    ]);
    assert_eq!(broken, "cannot load values.yaml: is not a map");
}

#[test]
fn files_of_the_chart_can_be_read() {
    let template = "{{ .Files.Get \"conf/a.txt\" }}|{{ range $path, $_ := .Files.Glob \"conf/*\" }}{{ $path }},{{ end }}|{{ (.Files.Glob \"conf/*\").AsConfig }}|{{ range .Files.Lines \"conf/a.txt\" }}[{{ . }}]{{ end }}";
    let chart = chart(&[
        ("templates/a.yaml", template),
        ("conf/a.txt", "k8s.gcr.io\nb\n"),
        ("conf/b.txt", "c"),
        ("conf/d/e.txt", "d"),
        (".helmignore", "b.txt\n"),
    ]);
    let rendered = rendered(&chart, &[]);
    assert!(rendered.errors.is_empty(), "{}", rendered.errors[0]);
    assert_eq!(
        rendered.manifests[0].text.text(),
        "k8s.gcr.io\nb\n|conf/a.txt,|a.txt: |\n  k8s.gcr.io\n  b|[k8s.gcr.io][b]"
    );
    let first = origins(&chart, &[], &rendered.manifests[0].text).swap_remove(0);
    assert_eq!(first, "\"k8s.gcr.io\\nb\\n\" conf/a.txt");
}
