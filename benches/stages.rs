//! The stages of a run, measured on one text: `cargo bench`.

use std::path::Path;
use std::sync::LazyLock;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use regfix::edit::{self, Applicability};
use regfix::rules::RuleSet;
use regfix::rules::prefilter::Prefilter;
use regfix::source::Span;
use regfix::syntax::{template, yaml};
use regfix::{check, file_type};

static RULES: LazyLock<RuleSet> =
    LazyLock::new(|| RuleSet::new(RuleSet::with_own(&[]).expect("the catalogue is sound")));

/// About a megabyte of values, with one legacy image in sixteen.
static VALUES: LazyLock<String> = LazyLock::new(|| {
    let entry = |index: usize| {
        let registry = if index.is_multiple_of(16) {
            "k8s.gcr.io"
        } else {
            "registry.k8s.io"
        };
        format!(
            "component{index}:\n  # what runs\n  image:\n    registry: {registry}\n    repository: sig-storage/csi-attacher\n    \
             tag: \"v3.4.0\"\n  resources:\n    limits: {{cpu: 100m, memory: 128Mi}}\n  args: [--v=5, --leader-election]\n"
        )
    };
    (0..4500).map(entry).collect()
});

static TEMPLATE: LazyLock<String> = LazyLock::new(|| {
    let entry = |index: usize| {
        format!(
            "{{{{- if .Values.c{index}.enabled }}}}\n- name: c{index}\n  image: \"{{{{ .Values.c{index}.registry | default \
             \"k8s.gcr.io\" }}}}/pause:{{{{ .Values.tag }}}}\"\n  labels: {{{{- include \"x\" . | nindent 4 }}}}\n{{{{- end }}}}\n"
        )
    };
    (0..4000).map(entry).collect()
});

fn main() {
    LazyLock::force(&RULES);
    divan::main();
}

#[divan::bench]
fn start_up() -> RuleSet {
    RuleSet::new(RuleSet::with_own(&[]).expect("the catalogue is sound"))
}

#[divan::bench]
fn prefilter_of_a_clean_text(bencher: Bencher<'_, '_>) {
    let prefilter = Prefilter::new(&RULES, &[]).expect("the anchors are few");
    let clean = VALUES.replace("k8s.gcr.io", "registry.k8s.io");
    bencher
        .counter(BytesCount::of_str(&clean))
        .bench(|| prefilter.occur_in(black_box(clean.as_bytes())));
}

/// With the fast path for common YAML, and without.
#[divan::bench(args = [true, false])]
fn parse(bencher: Bencher<'_, '_>, short: bool) {
    let text = VALUES.as_str();
    let parse = match short {
        true => yaml::parse,
        false => yaml::parse_by_events,
    };
    bencher
        .counter(BytesCount::of_str(text))
        .bench(|| parse(black_box(text), Span::new(0, text.len())));
}

#[divan::bench]
fn mask(bencher: Bencher<'_, '_>) {
    let text = TEMPLATE.as_str();
    bencher.counter(BytesCount::of_str(text)).bench(|| {
        template::mask(
            black_box(text),
            &template::actions(text),
            template::Mask::Lines,
        )
    });
}

#[divan::bench(args = ["values.yaml", "app/templates/all.yaml"])]
fn check_file(bencher: Bencher<'_, '_>, name: &str) {
    let path = Path::new(name);
    let text = if name.contains("templates") {
        TEMPLATE.as_str()
    } else {
        VALUES.as_str()
    };
    let file_type = file_type::classify(path).expect("the name is known");
    bencher
        .counter(BytesCount::of_str(text))
        .bench(|| check::check(path, black_box(text), file_type, &RULES));
}

#[divan::bench]
fn apply(bencher: Bencher<'_, '_>) {
    let path = Path::new("values.yaml");
    let file_type = file_type::classify(path).expect("the name is known");
    let text = VALUES.as_str();
    let findings = check::check(path, text, file_type, &RULES).findings;
    let fixes: Vec<_> = findings
        .into_iter()
        .filter_map(|finding| finding.fix)
        .collect();
    bencher
        .counter(BytesCount::of_str(text))
        .bench(|| edit::apply(black_box(text), &fixes, Applicability::Safe));
}
