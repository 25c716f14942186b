//! Values are judged by the images that the chart's templates build from them.

use crate::common::{folder, run, stdout};

const CHART: &str = "apiVersion: v2\nname: c\nversion: 0.1.0\n";

fn pod(image: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n  - name: c\n    image: \"{image}\"\n"
    )
}

/// Returns the values after `--write` with the flags, and the verbose report of a check before.
fn fixed(
    values: &str,
    templates: &[&str],
    others: &[(&str, &str)],
    flags: &[&str],
) -> (String, String) {
    let pods: Vec<(String, String)> = templates
        .iter()
        .enumerate()
        .map(|(index, image)| (format!("templates/p{index}.yaml"), pod(image)))
        .collect();
    let mut all = vec![("Chart.yaml", CHART), ("values.yaml", values)];
    all.extend(
        pods.iter()
            .map(|(name, text)| (name.as_str(), text.as_str())),
    );
    all.extend(others);
    let tree = folder(&all);
    let report = stdout(&run(tree.path(), &["--verbose", "--color=never", "."]));
    let words: Vec<&str> = report
        .split(|letter: char| letter.is_whitespace() || letter == '│')
        .filter(|word| !word.is_empty())
        .collect();
    let report = words.join(" ");
    let mut arguments = vec!["--write"];
    arguments.extend(flags);
    arguments.push(".");
    run(tree.path(), &arguments);
    let read = || std::fs::read_to_string(tree.path().join("values.yaml")).unwrap();
    let after = read();
    run(tree.path(), &arguments);
    assert_eq!(read(), after, "a second run changes nothing");
    (after, report)
}

#[test]
fn pieces_count_whatever_their_keys_are_called() {
    let values = "cfg:\n  where: k8s.gcr.io\n  what: /sig-storage/csi-attacher\n  which: v4.3.0\n";
    let template = "{{ .Values.cfg.where }}{{ .Values.cfg.what }}:{{ .Values.cfg.which }}";
    let (after, report) = fixed(values, &[template], &[], &[]);
    assert_eq!(after, values.replace("k8s.gcr.io", "registry.k8s.io"));
    assert!(report.contains("Pod p (templates/p0.yaml)"), "{report}");
}

#[test]
fn a_path_moves_with_its_registry_whatever_they_are_called() {
    let values = "from: gcr.io\nthing: google-containers/pause\n";
    let (after, _) = fixed(
        values,
        &["{{ .Values.from }}/{{ .Values.thing }}:3.1"],
        &[],
        &[],
    );
    assert_eq!(after, "from: registry.k8s.io\nthing: pause\n");
}

#[test]
fn a_value_behind_a_host_has_no_host_of_its_own() {
    let values = "mirror: mirror.example.com\na:\n  image: k8scloudprovider/openstack-cloud-controller-manager:v1.26.2\n";
    let template = "{{ .Values.mirror }}/{{ .Values.a.image }}";
    let (after, report) = fixed(values, &[template], &[], &["--unsafe-fixes"]);
    assert_eq!(after, values);
    assert!(report.starts_with("No legacy"), "{report}");
    let unset = values.replace("mirror.example.com", "\"\"");
    let template = "{{ required \"mirror\" .Values.mirror }}/{{ .Values.a.image }}";
    let (after, report) = fixed(&unset, &[template], &[], &["--unsafe-fixes"]);
    assert_eq!(after, unset);
    let reason = "the registry that the chart's templates put before it is not known here";
    assert!(report.contains(reason), "{report}");
}

const OVERRIDDEN: &str = "{{ .Values.global.imageRegistry | default .Values.image.registry }}/{{ .Values.image.repository }}:{{ .Values.image.tag }}";

#[test]
fn an_image_of_the_users_own_registry_is_left() {
    let values = "global:\n  imageRegistry: registry.example.com\nimage:\n  registry: docker.io\n  repository: grafana/grafana-oss\n  tag: 11.2.0\n";
    let (after, report) = fixed(values, &[OVERRIDDEN], &[], &["--unsafe-fixes"]);
    assert_eq!(after, values);
    assert!(report.starts_with("No legacy"), "{report}");
}

#[test]
fn a_path_that_another_values_file_pulls_from_elsewhere_needs_review() {
    let values = "global:\n  imageRegistry: \"\"\nimage:\n  registry: gcr.io\n  repository: google-containers/pause\n  tag: \"3.1\"\n";
    let airgap = (
        "values-airgap.yaml",
        "global:\n  imageRegistry: registry.example.com\n",
    );
    let (after, report) = fixed(values, &[OVERRIDDEN], &[airgap], &[]);
    assert_eq!(after, values);
    assert!(report.contains("with values-airgap.yaml"), "{report}");
    let moved = values
        .replace("gcr.io", "registry.k8s.io")
        .replace("google-containers/", "");
    let (after, _) = fixed(values, &[OVERRIDDEN], &[airgap], &["--unsafe-fixes"]);
    assert_eq!(after, moved);
    let (after, _) = fixed(values, &[OVERRIDDEN], &[], &[]);
    assert_eq!(after, moved);
    let host_only = values
        .replace("gcr.io", "k8s.gcr.io")
        .replace("google-containers/", "");
    let (after, _) = fixed(&host_only, &[OVERRIDDEN], &[airgap], &[]);
    assert_eq!(after, moved);
}

#[test]
fn a_registry_of_several_names_changes_if_all_of_them_want_it() {
    let values = "from: gcr.io\nweb:\n  path: acme/app\nwait:\n  path: google-containers/pause\n";
    let app = "{{ .Values.from }}/{{ .Values.web.path }}:1.0";
    let pause = "{{ .Values.from }}/{{ .Values.wait.path }}:3.1";
    let (after, report) = fixed(values, &[app, pause], &[], &["--unsafe-fixes"]);
    assert_eq!(after, values);
    let reader = "Pod p (templates/p0.yaml) reads the same value: gcr.io/acme/app:1.0 would become";
    assert!(report.contains(reader), "{report}");
    let both = values.replace("acme/app", "google-containers/busybox");
    let (after, _) = fixed(&both, &[app, pause], &[], &["--unsafe-fixes"]);
    let moved = both
        .replace("gcr.io", "registry.k8s.io")
        .replace("google-containers/", "");
    assert_eq!(after, moved);
}

#[test]
fn a_reader_that_is_switched_off_counts() {
    let values = "registry: gcr.io\napp:\n  on: false\npause: google-containers/pause\n";
    let app = "{{ if .Values.app.on }}{{ .Values.registry }}/acme/app:1.0{{ end }}";
    let pause = "{{ .Values.registry }}/{{ .Values.pause }}:3.1";
    let (after, report) = fixed(values, &[app, pause], &[], &["--unsafe-fixes"]);
    assert_eq!(after, values);
    assert!(
        report.contains("gcr.io/acme/app:1.0 would become"),
        "{report}"
    );
}

#[test]
fn a_chart_that_does_not_render_is_judged_file_by_file() {
    let values = "image:\n  repository: k8s.gcr.io/pause\n  tag: \"3.1\"\n";
    let (after, report) = fixed(
        values,
        &["{{ .Values.image.repository | nonsense }}"],
        &[],
        &[],
    );
    assert_eq!(after, values.replace("k8s.gcr.io", "registry.k8s.io"));
    assert!(
        report.contains("the chart does not render here"),
        "{report}"
    );
    assert!(
        report.contains("function \"nonsense\" not defined"),
        "{report}"
    );
}

/// Creates `count` releases of a chart, each with its own image, and returns them after `--write` with the flags.
fn released(count: usize, values: &str, image: &str, flags: &[&str]) -> String {
    let release = |number: usize| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: r{number}}}\nspec:\n  source:\n    path: chart\n    \
             helm:\n      valuesObject:\n        image: {{{image}, tag: \"3.{number}\"}}\n"
        )
    };
    let releases: Vec<String> = (0..count).map(release).collect();
    let template =
        pod("{{ .Values.image.registry }}/{{ .Values.image.repository }}:{{ .Values.image.tag }}");
    let tree = folder(&[
        ("apps.yaml", &releases.join("---\n")),
        ("chart/Chart.yaml", CHART),
        ("chart/values.yaml", values),
        ("chart/templates/p.yaml", &template),
    ]);
    let mut arguments = vec!["--write"];
    arguments.extend(flags);
    arguments.push(".");
    run(tree.path(), &arguments);
    std::fs::read_to_string(tree.path().join("apps.yaml")).unwrap()
}

#[test]
fn what_a_fix_makes_of_more_releases_than_are_tried_is_for_people_to_see() {
    let values = "image:\n  registry: docker.io\n  repository: q\n  tag: \"1\"\n";
    let moved = |flags: &[&str]| {
        let image = "registry: k8s.gcr.io, repository: pause";
        let after = released(66, values, image, flags);
        after.matches("registry.k8s.io").count()
    };
    assert_eq!(moved(&[]), 64);
    assert_eq!(moved(&["--unsafe-fixes"]), 66);
}

#[test]
fn every_release_of_a_chart_that_refuses_other_images_has_it_accept_them() {
    let values = "global:\n  security:\n    allowInsecureImages: false\nimage:\n  registry: docker.io\n  repository: q\n  tag: \"1\"\n";
    let after = released(66, values, "repository: bitnami/redis", &["--unsafe-fixes"]);
    assert_eq!(after.matches("bitnamilegacy/redis").count(), 66);
    assert_eq!(after.matches("allowInsecureImages: true").count(), 66);
}
