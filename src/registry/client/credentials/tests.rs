use super::*;

fn keyring(texts: &[&str]) -> Keyring {
    let files = texts.iter().map(|text| AuthFile::parse(text).unwrap());
    Keyring {
        files: files.collect(),
        environment: Environment::default(),
        said: Mutex::default(),
    }
}

fn password(user: &str, password: &str) -> Option<Credentials> {
    Some(Credentials::Password {
        user: user.to_owned(),
        password: Secret::new(password),
    })
}

#[track_caller]
fn check(keyring: &Keyring, image: &str, expected: Option<Credentials>) {
    let location = super::super::location::Location::parse(image).unwrap();
    assert_eq!(
        keyring.of(&location.repository).unwrap(),
        expected,
        "{image}"
    );
}

/// `u:p`
const AUTH: &str = "dTpw";

#[test]
fn docker_config() {
    let config = format!(
        r#"{{"auths": {{
            "https://index.docker.io/v1/": {{"auth": "{AUTH}"}},
            "quay.io": {{"username": "q", "password": "r"}},
            "https://host.io:5000/v2/": {{"auth": "{AUTH}"}},
            "token.io": {{"auth": "eDp5", "identitytoken": "id"}},
            "reg.io": {{"registrytoken": "rt"}},
            "empty.io": {{}}
        }}, "HttpHeaders": {{"User-Agent": "x"}}}}"#
    );
    let keyring = keyring(&[&config]);
    check(&keyring, "nginx", password("u", "p"));
    check(&keyring, "registry-1.docker.io/a/b", password("u", "p"));
    check(&keyring, "quay.io/a/b", password("q", "r"));
    check(&keyring, "host.io:5000/a", password("u", "p"));
    check(
        &keyring,
        "token.io/a",
        Some(Credentials::IdentityToken(Secret::new("id"))),
    );
    check(
        &keyring,
        "reg.io/a",
        Some(Credentials::RegistryToken(Secret::new("rt"))),
    );
    for image in [
        "empty.io/a",
        "host.io/a",
        "my-quay.io/a",
        "quay.io.evil.io/a",
    ] {
        check(&keyring, image, None);
    }
}

#[test]
fn a_path_that_is_more_exact_wins() {
    let keyring = keyring(&[
        r#"{"auths": {"quay.io": {"username": "all", "password": "x"}, "quay.io/org": {"username": "org", "password": "x"},
        "quay.io/org/app": {"username": "app", "password": "x"}}}"#,
        r#"{"auths": {"quay.io/other": {"username": "late", "password": "x"}}}"#,
    ]);
    check(&keyring, "quay.io/org/app:1", password("app", "x"));
    check(&keyring, "quay.io/org/app/sub:1", password("app", "x"));
    check(&keyring, "quay.io/org/apple:1", password("org", "x"));
    check(&keyring, "quay.io/organisation/a", password("all", "x"));
    // Only the first file with a matching entry is used.
    check(&keyring, "quay.io/other/a", password("all", "x"));
}

#[test]
fn the_old_file_of_docker() {
    let keyring = keyring(&[&format!(
        r#"{{"https://r.io/v1/": {{"auth": "{AUTH}", "email": "x"}}}}"#
    )]);
    check(&keyring, "r.io/a", password("u", "p"));
}

#[test]
fn pull_secrets() {
    let config = format!(
        r#"{{"auths": {{"*.example.com": {{"auth": "{AUTH}"}}, "*": {{"auth": "{AUTH}"}}, "*.io": {{"auth": "{AUTH}"}},
        "team-*.r.example.org": {{"auth": "{AUTH}"}}}}, "credsStore": "evil"}}"#
    );
    let data = STANDARD.encode(&config);
    for text in [
        format!(
            "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/dockerconfigjson\ndata:\n  .dockerconfigjson: {data}\n"
        ),
        format!(r#"{{"kind": "Secret", "data": {{".dockerconfigjson": "{data}"}}}}"#),
        format!("kind: Secret\nstringData:\n  .dockerconfigjson: '{config}'\n"),
    ] {
        let keyring = keyring(&[&text]);
        check(&keyring, "a.example.com/x", password("u", "p"));
        check(&keyring, "team-one.r.example.org/x", password("u", "p"));
        for image in ["example.com/x", "a.b.example.com/x", "other.io/x", "nginx"] {
            check(&keyring, image, None);
        }
    }
    let old = STANDARD.encode(format!(r#"{{"r.io": {{"auth": "{AUTH}"}}}}"#));
    let old = format!("kind: Secret\ntype: kubernetes.io/dockercfg\ndata:\n  .dockercfg: {old}\n");
    check(&keyring(&[&old]), "r.io/x", password("u", "p"));
}

#[test]
fn a_glob_in_a_docker_config_is_none() {
    let keyring = keyring(&[&format!(
        r#"{{"auths": {{"*.example.com": {{"auth": "{AUTH}"}}}}}}"#
    )]);
    check(&keyring, "a.example.com/x", None);
}

#[test]
fn files_that_are_wrong() {
    for (text, problem) in [
        ("[]", "is not a JSON object"),
        ("a: [", "is neither a docker config in JSON nor a Secret"),
        ("kind: ConfigMap", "is a ConfigMap, not a Secret"),
        ("kind: Secret", "has no `.dockerconfigjson`"),
        (
            "kind: Secret\ndata: {.dockerconfigjson: '%%'}",
            "`data..dockerconfigjson` is not base64",
        ),
        (
            r#"{"auths": {"r.io": {"auth": "%%secret"}}}"#,
            "`auth` of r.io is not base64",
        ),
        (
            r#"{"auths": {"r.io": {"auth": "c2VjcmV0"}}}"#,
            "`auth` of r.io has no colon in it",
        ),
        (r#"{"auths": []}"#, "is not a docker config"),
    ] {
        let error = AuthFile::parse(text).unwrap_err();
        assert!(error.contains(problem), "{text}: {error}");
        assert!(
            !error.contains("secret") && !error.contains("c2Vj"),
            "{error}"
        );
    }
    assert!(AuthFile::parse("{}").unwrap().entries.is_empty());
    assert!(AuthFile::parse("").unwrap().entries.is_empty());
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!(
        "{:?} {:?}",
        password("u", "hidden"),
        Credentials::IdentityToken(Secret::new("hidden"))
    );
    assert!(!shown.contains("hidden"), "{shown}");
    let file =
        AuthFile::parse(r#"{"auths": {"r.io": {"username": "u", "password": "hidden"}}}"#).unwrap();
    assert!(!format!("{file:?}").contains("hidden"));
}

#[cfg(unix)]
mod helpers {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;

    const CONFIG: &str = r#"{"auths": {"file.io": {"auth": "dTpw"}, "helped.io": {"auth": "dTpw"}},
        "credHelpers": {"helped.io": "one", "gone.io": "absent", "bad.io": "../../evil"}, "credsStore": "two"}"#;

    fn put(folder: &Path, name: &str, script: &str) {
        let path = folder.join(format!("docker-credential-{name}"));
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn with_path(folder: &Path, path: &str) -> Keyring {
        put(
            folder,
            "one",
            r#"echo run >> "$LOG"; read -r server; printf '{"Username":"%s","Secret":"s-%s"}' "$1" "$server""#,
        );
        put(
            folder,
            "two",
            r#"read -r server; case $server in https://index.docker.io/v1/) echo '{"Username":"<token>","Secret":"hub"}';;
            broken.io) echo 'secret output'; exit 3;; odd.io) echo 'secret output';;
            *) echo 'credentials not found in native keychain'; exit 1;; esac"#,
        );
        let log = folder.join("log");
        let environment = Environment::of(&[("PATH", path), ("LOG", log.to_str().unwrap())]);
        Keyring {
            environment,
            ..keyring(&[CONFIG])
        }
    }

    #[test]
    fn helpers_are_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = format!("{}:/bin:/usr/bin", folder.path().display());
        let keyring = with_path(folder.path(), &path);
        for _ in 0..3 {
            check(&keyring, "helped.io/a", password("get", "s-helped.io"));
        }
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
        assert_eq!(log, "run\n", "a helper is run once for a registry");
        check(
            &keyring,
            "nginx",
            Some(Credentials::IdentityToken(Secret::new("hub"))),
        );
        check(&keyring, "file.io/a", password("u", "p"));
        check(&keyring, "unknown.io/a", None);
    }

    #[test]
    fn helpers_that_fail() {
        let folder = tempfile::tempdir().unwrap();
        let path = format!("{}:/bin:/usr/bin", folder.path().display());
        let keyring = with_path(folder.path(), &path);
        for (image, problem) in [
            ("gone.io/a", "docker-credential-absent is not on PATH"),
            (
                "bad.io/a",
                "`../../evil` is not the name of a credential helper",
            ),
            ("broken.io/a", "docker-credential-two failed"),
            (
                "odd.io/a",
                "docker-credential-two printed something other than credentials",
            ),
        ] {
            let location = super::super::super::location::Location::parse(image).unwrap();
            assert_eq!(keyring.of(&location.repository).unwrap_err(), problem);
        }
    }

    #[test]
    fn a_relative_folder_on_path_is_not_analysed() {
        let folder = tempfile::tempdir().unwrap();
        let up = "../".repeat(std::env::current_dir().unwrap().iter().count());
        let relative = format!("{up}{}", folder.path().display());
        assert!(Path::new(&relative).is_dir());
        let keyring = with_path(folder.path(), &format!(".:{relative}:"));
        let location = super::super::super::location::Location::parse("helped.io/a").unwrap();
        let error = keyring.of(&location.repository).unwrap_err();
        assert_eq!(error, "docker-credential-one is not on PATH");
    }
}
