use super::*;
use crate::http::settings::Environment;

fn transport(insecure: &[&str], private: &[&str], variables: &[(&str, &str)]) -> Transport {
    let list = |hosts: &[&str]| hosts.iter().map(ToString::to_string).collect();
    let mut settings = Settings::usual(Environment::of(variables));
    settings.insecure = list(insecure);
    settings.private_hosts = list(private);
    Transport::new(&settings).unwrap()
}

fn from(reach: Reach, insecure: bool) -> NamedBy {
    NamedBy::Registry { reach, insecure }
}

#[track_caller]
fn check(transport: &Transport, url: &str, named_by: NamedBy, expected: &str) {
    let found = transport.check(&Url::parse(url).unwrap(), named_by);
    match found {
        Ok(()) => assert_eq!(expected, "", "{url}"),
        Err(fault) => {
            let is_refused = matches!(fault, Fault::Refused(_));
            let fits = !expected.is_empty() && fault.reason().contains(expected);
            assert!(is_refused && fits, "{url}: {fault:?}");
        }
    }
}

#[test]
fn what_a_user_names() {
    let transport = transport(&["10.0.0.9", "[::1]:5000"], &[], &[]);
    for url in [
        "https://192.0.2.1/",
        "https://10.0.0.1/",
        "https://127.0.0.1:5000/",
        "http://10.0.0.9:80/",
        "http://[::1]:5000/",
    ] {
        check(&transport, url, NamedBy::User, "");
    }
    check(
        &transport,
        "http://192.0.2.1/",
        NamedBy::User,
        "is not https",
    );
    check(
        &transport,
        "http://127.0.0.1/",
        NamedBy::User,
        "is not https",
    );
    check(
        &transport,
        "http://[::1]:5001/",
        NamedBy::User,
        "is not https",
    );
    check(
        &transport,
        "https://169.254.169.254/",
        NamedBy::User,
        "link-local",
    );
}

#[test]
fn what_a_registry_names() {
    use Reach::{Loopback, Private, Public};
    let transport = transport(&[], &["10.0.0.7", "127.0.0.1:8443"], &[]);
    for (url, registry, expected) in [
        ("https://192.0.2.1/", Public, ""),
        (
            "https://10.0.0.1/",
            Public,
            "private address: `--allow-private-host 10.0.0.1`",
        ),
        ("https://10.0.0.1/", Private, ""),
        ("https://10.0.0.1/", Loopback, ""),
        ("https://127.0.0.1/", Public, "loopback address"),
        ("https://127.0.0.1/", Private, "loopback address"),
        ("https://127.0.0.1/", Loopback, ""),
        ("https://[::ffff:10.0.0.1]/", Public, "private address"),
        ("https://169.254.169.254/", Loopback, "link-local"),
        ("https://0.0.0.0/", Loopback, "link-local or reserved"),
        ("https://10.0.0.7/", Public, ""),
        ("https://127.0.0.1:8443/", Public, ""),
        ("https://127.0.0.1:8444/", Public, "loopback address"),
        ("http://192.0.2.1/", Loopback, "is not https"),
        ("http://127.0.0.1/", Loopback, "is not https"),
    ] {
        check(&transport, url, from(registry, false), expected);
    }
    // When sent there by an insecure registry on this machine.
    check(
        &transport,
        "http://127.0.0.1:5001/",
        from(Loopback, true),
        "",
    );
    check(
        &transport,
        "http://127.0.0.1:5001/",
        from(Public, true),
        "is not https",
    );
    check(
        &transport,
        "http://10.0.0.1/",
        from(Loopback, true),
        "is not https",
    );
}

#[test]
fn a_name_that_leads_inside_is_judged_by_its_addresses() {
    let transport = transport(&[], &[], &[]);
    let public = from(Reach::Public, false);
    check(&transport, "https://localhost/", public, "loopback address");
    assert_eq!(
        transport.reach(&Url::parse("https://localhost/").unwrap()),
        Reach::Loopback
    );
}

#[test]
fn behind_a_proxy_only_addresses_can_be_judged() {
    let transport = transport(&[], &[], &[("HTTPS_PROXY", "http://192.0.2.9:3128")]);
    let public = from(Reach::Public, false);
    check(&transport, "https://name.invalid/", public, "");
    check(&transport, "https://10.0.0.1/", public, "private address");
    check(&transport, "https://169.254.169.254/", public, "link-local");
}

#[test]
fn certificates_that_are_none() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "not PEM").unwrap();
    let mut settings = Settings::usual(Environment::default());
    settings.ca_files = vec![file.path().to_owned()];
    let error = Transport::new(&settings).err().unwrap();
    assert!(error.ends_with("has no certificate in it"), "{error}");
    settings.ca_files = vec![file.path().join("none")];
    assert!(Transport::new(&settings).is_err());
}

#[test]
fn a_server_without_tls_is_called_that() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("https://{}/", listener.local_addr().unwrap())).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
        std::io::Write::write_all(&mut stream, answer).unwrap();
        // Wait until the client closes the connection. Closing first could discard what it has not read.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    let request = Request {
        method: ureq::http::Method::GET,
        url: &url,
        accept: "*/*",
        authorization: None,
        form: None,
        largest: 1024,
    };
    let fault = transport(&[], &[], &[])
        .send(&request, NamedBy::User)
        .err()
        .unwrap();
    server.join().unwrap();
    let reason = fault.reason();
    assert!(
        reason.contains("`--insecure-registry 127.0.0.1:"),
        "{reason}"
    );
}
