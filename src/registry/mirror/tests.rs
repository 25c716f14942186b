use super::*;

fn digest() -> String {
    format!("sha256:{}", "a".repeat(64))
}

fn to(text: &str) -> Destination {
    Destination::parse(text).unwrap()
}

fn planned(to: &Destination, images: &[(&str, Option<&str>)]) -> Plan {
    let images = images.iter();
    plan(
        to,
        images.map(|(image, new)| ((*image).to_owned(), new.map(str::to_owned))),
    )
}

fn emit(format: &str, to: &Destination, images: &[(&str, Option<&str>)]) -> (String, Vec<String>) {
    let moves = planned(to, images).moves;
    let format = FORMATS.iter().find(|one| one.name == format).unwrap();
    let emitted = (format.emit)(to, &moves);
    let left_out = emitted.left_out.iter();
    (
        emitted.text,
        left_out.map(|one| one.image.clone()).collect(),
    )
}

const IMAGES: &[(&str, Option<&str>)] = &[
    ("k8s.gcr.io/pause:3.2", Some("registry.k8s.io/pause:3.2")),
    (
        "gcr.io/google_containers/pause:3.1",
        Some("registry.k8s.io/pause:3.1"),
    ),
    ("nginx:1.25", None),
    ("quay.io/org/app.one:1", None),
    ("quay.io/org/app.one:1", None),
];

#[test]
fn destinations() {
    assert_eq!(
        to("Mirror.example.com/a/b/").to_string(),
        "mirror.example.com/a/b"
    );
    assert!(to("http://127.0.0.1:5000").plain);
    assert_eq!(to("localhost:5000").prefix, "");
    for text in [
        "",
        "mirror",
        "/a",
        "m.io//a",
        "m.io/A",
        "m.io/a:1",
        "ftp://m.io",
        "https://u@m.io",
        "m.io/a b",
        "m.io/$(x)",
    ] {
        assert!(Destination::parse(text).is_err(), "{text}");
    }
}

#[test]
fn what_moves_where() {
    let to = to("m.io/p");
    let plan = planned(
        &to,
        &[
            ("nginx", None),
            ("localhost:5000/a", None),
            ("k8s.gcr.io/x:1", Some("registry.k8s.io/x:1")),
            ("m.io/p/quay.io/a:1", None),
            ("m.io/other:1", None),
            ("{{ .Values.image }}:1", None),
            (&format!("q.io/{}:1", "a".repeat(248)), None),
        ],
    );
    let moves: Vec<String> = plan
        .moves
        .iter()
        .map(|one| format!("{} > {} > {}", one.written, one.source, one.target))
        .collect();
    assert_eq!(
        moves,
        [
            "docker.io/library/nginx:latest > docker.io/library/nginx:latest > m.io/p/docker.io/library/nginx:latest",
            "k8s.gcr.io/x:1 > registry.k8s.io/x:1 > m.io/p/registry.k8s.io/x:1",
            "localhost:5000/a:latest > localhost:5000/a:latest > m.io/p/localhost-5000/a:latest",
            "m.io/other:1 > m.io/other:1 > m.io/p/m.io/other:1",
        ]
    );
    let left: Vec<&str> = plan
        .left_out
        .iter()
        .map(|one| one.reason.as_str())
        .collect();
    assert_eq!(
        left,
        [
            "its name at the mirror would be too long or malformed",
            "it is not a complete image reference",
        ]
    );
}

#[test]
fn scripts() {
    let pinned = format!("quay.io/a:1@{}", digest());
    let bare = format!("quay.io/b@{}", digest());
    let images: &[(&str, Option<&str>)] = &[(&pinned, None), (&bare, None), IMAGES[0]];
    let (text, left_out) = emit("crane", &to("m.io"), images);
    let expected = format!(
        "#!/bin/sh\nset -eu\n\
         crane copy registry.k8s.io/pause:3.2 m.io/registry.k8s.io/pause:3.2\n\
         crane copy quay.io/a@{digest} m.io/quay.io/a:1\n\
         crane copy quay.io/b@{digest} m.io/quay.io/b@{digest}\n",
        digest = digest()
    );
    assert_eq!((text, left_out.len()), (expected, 0));
    let (text, _) = emit("skopeo", &to("http://m.io"), &IMAGES[2..3]);
    assert!(text.ends_with(
        "skopeo copy --all --preserve-digests --dest-tls-verify=false docker://docker.io/library/nginx:1.25 docker://m.io/docker.io/library/nginx:1.25\n"
    ));
    let (text, _) = emit("crane", &to("http://m.io"), &IMAGES[2..3]);
    assert!(text.contains("crane copy --insecure docker.io/"));
}

#[test]
fn lists_of_tools_that_copy() {
    let (text, _) = emit("regsync", &to("m.io/p"), &IMAGES[..1]);
    assert_eq!(
        text,
        "version: 1\nsync:\n  - source: registry.k8s.io/pause:3.2\n    target: m.io/p/registry.k8s.io/pause:3.2\n    type: image\n"
    );
    let images: &[(&str, Option<&str>)] = &[
        IMAGES[0],
        IMAGES[1],
        IMAGES[2],
        ("localhost:5000/a:1", None),
    ];
    let (text, left_out) = emit("skopeo-sync", &to("m.io/p"), images);
    assert_eq!(
        text,
        "# skopeo sync --all --scoped --src yaml --dest docker FILE m.io/p\n\
         docker.io:\n  images:\n    library/nginx:\n      - \"1.25\"\n\
         registry.k8s.io:\n  images:\n    pause:\n      - \"3.1\"\n      - \"3.2\"\n"
    );
    assert_eq!(left_out, ["localhost:5000/a:1"]);
    for (format, line) in [("oc-mirror", "    - name: "), ("zarf", "      - ")] {
        let (text, left_out) = emit(format, &to("m.io"), IMAGES);
        assert!(
            text.ends_with(&format!(
                "{line}docker.io/library/nginx:1.25\n{line}quay.io/org/app.one:1\n"
            )),
            "{text}"
        );
        assert_eq!(
            left_out,
            ["gcr.io/google_containers/pause:3.1", "k8s.gcr.io/pause:3.2"]
        );
    }
}

#[test]
fn yaml_is_yaml() {
    for format in [
        "regsync",
        "skopeo-sync",
        "oc-mirror",
        "zarf",
        "openshift",
        "k3s",
    ] {
        let (text, _) = emit(format, &to("http://m.io:5000/p"), IMAGES);
        for document in serde_yaml::Deserializer::from_str(&text) {
            let value = <serde_json::Value as serde::Deserialize>::deserialize(document);
            assert!(value.unwrap().is_object(), "{format}: {text}");
        }
    }
}

#[test]
fn openshift_has_a_set_for_tags_and_one_for_digests() {
    let pinned = format!("quay.io/a@{}", digest());
    let (text, _) = emit("openshift", &to("m.io"), &[IMAGES[1], (&pinned, None)]);
    assert_eq!(
        text,
        "apiVersion: config.openshift.io/v1\nkind: ImageTagMirrorSet\nmetadata:\n  name: regfix\nspec:\n  imageTagMirrors:\n    \
         - source: gcr.io/google_containers/pause\n      mirrors:\n        - m.io/registry.k8s.io/pause\n\
         ---\napiVersion: config.openshift.io/v1\nkind: ImageDigestMirrorSet\nmetadata:\n  name: regfix\nspec:\n  imageDigestMirrors:\n    \
         - source: quay.io/a\n      mirrors:\n        - m.io/quay.io/a\n"
    );
}

#[test]
fn containerd_swaps_hosts_and_strips_no_path() {
    let images: &[(&str, Option<&str>)] = &[
        IMAGES[0],
        IMAGES[1],
        IMAGES[2],
        ("k8s.gcr.io/other:1", None),
    ];
    let (text, left_out) = emit("containerd", &to("http://m.io/p"), images);
    assert_eq!(
        left_out,
        ["gcr.io/google_containers/pause:3.1", "k8s.gcr.io/pause:3.2"]
    );
    assert_eq!(
        text,
        "#!/bin/sh\n# Run it in /etc/containerd/certs.d.\nset -eu\n\
         mkdir -p docker.io\ncat >docker.io/hosts.toml <<'END'\nserver = \"https://registry-1.docker.io\"\n\n\
         [host.\"http://m.io/v2/p/docker.io\"]\n  capabilities = [\"pull\", \"resolve\"]\n  override_path = true\nEND\n\
         mkdir -p k8s.gcr.io\ncat >k8s.gcr.io/hosts.toml <<'END'\nserver = \"https://k8s.gcr.io\"\n\n\
         [host.\"http://m.io/v2/p/k8s.gcr.io\"]\n  capabilities = [\"pull\", \"resolve\"]\n  override_path = true\nEND\n"
    );
}

#[test]
fn nodes_that_know_repositories() {
    let (text, left_out) = emit("k3s", &to("m.io/p"), IMAGES);
    assert_eq!(
        text,
        "mirrors:\n  \"docker.io\":\n    endpoint:\n      - \"https://m.io\"\n    rewrite:\n      \"^library/nginx$\": \"p/docker.io/library/nginx\"\n  \
         \"gcr.io\":\n    endpoint:\n      - \"https://m.io\"\n    rewrite:\n      \"^google_containers/pause$\": \"p/registry.k8s.io/pause\"\n  \
         \"k8s.gcr.io\":\n    endpoint:\n      - \"https://m.io\"\n    rewrite:\n      \"^pause$\": \"p/registry.k8s.io/pause\"\n  \
         \"quay.io\":\n    endpoint:\n      - \"https://m.io\"\n    rewrite:\n      \"^org/app\\\\.one$\": \"p/quay.io/org/app.one\"\n"
    );
    assert!(left_out.is_empty());
    let (text, _) = emit("registries-conf", &to("http://m.io"), &IMAGES[1..2]);
    assert_eq!(
        text,
        "[[registry]]\nprefix = \"gcr.io/google_containers/pause\"\nlocation = \"gcr.io/google_containers/pause\"\n\n\
         [[registry.mirror]]\nlocation = \"m.io/registry.k8s.io/pause\"\ninsecure = true\n"
    );
}

/// A mirror serves a repository from one location, not each tag from a different one.
#[test]
fn tags_that_go_different_ways() {
    let images: &[(&str, Option<&str>)] = &[
        ("k8s.gcr.io/x:1", Some("registry.k8s.io/x:1")),
        ("k8s.gcr.io/x:2", Some("registry.k8s.io/x:2")),
        ("k8s.gcr.io/x:3", None),
        ("k8s.gcr.io/y:v1", Some("registry.k8s.io/y:1")),
    ];
    for format in ["openshift", "k3s", "registries-conf", "containerd"] {
        let (text, left_out) = emit(format, &to("m.io"), images);
        assert_eq!(left_out, ["k8s.gcr.io/x:3", "k8s.gcr.io/y:v1"], "{format}");
        assert!(text.contains("registry.k8s.io"), "{format}: {text}");
    }
}

#[test]
fn harbor_caches_a_registry_in_a_project() {
    let (text, left_out) = emit("harbor", &to("harbor.example.com"), IMAGES);
    assert!(left_out.is_empty());
    assert!(text.ends_with(
        "harbor=https://harbor.example.com/api/v2.0\n\
         cache docker.io docker-hub https://hub.docker.com\n\
         cache quay.io quay https://quay.io\n\
         cache registry.k8s.io docker-registry https://registry.k8s.io\n"
    ));
    let (text, left_out) = emit("harbor", &to("harbor.example.com/p"), IMAGES);
    assert!(text.ends_with("api/v2.0\n"));
    assert_eq!(left_out.len(), 4);
}
