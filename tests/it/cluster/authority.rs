//! Certificates for test servers: an authority, another one, and a certificate for 127.0.0.1 that the first one signed.
//! They are valid from 2020 to 2120, and only these tests trust them.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub(super) const AUTHORITY: &str = "\
-----BEGIN CERTIFICATE-----
MIIBQTCB6KADAgECAgEBMAoGCCqGSM49BAMCMBcxFTATBgNVBAMMDHJlZ2ZpeCB0
ZXN0czAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowFzEVMBMGA1UE
AwwMcmVnZml4IHRlc3RzMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEI+FfJi1P
Iwex9Da8Dh6GLlwvpUjrVtnBqUYqiAitDNvtOz/t6jKXro8wM6o9I7qe2oh4hcn4
Y+4H0Q96ucBjZ6MjMCEwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYw
CgYIKoZIzj0EAwIDSAAwRQIhANoJDETK5T4IwGit/EIEj5Ek+Gnkz/jgOUkMHunD
qY24AiBCMHlR0kDfxOvPPVvj47Mdm4djp2o0Cp77JPlH8ZxDUA==
-----END CERTIFICATE-----
";

pub(super) const ANOTHER: &str = "\
-----BEGIN CERTIFICATE-----
MIIBUjCB+qADAgECAgEBMAoGCCqGSM49BAMCMCAxHjAcBgNVBAMMFXJlZ2ZpeCB0
ZXN0cywgYW5vdGhlcjAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFow
IDEeMBwGA1UEAwwVcmVnZml4IHRlc3RzLCBhbm90aGVyMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAErpukj9OPwv2Hl73zIYK6F5q56RNXvqQ78C1lZEwYho7WxjBa
QhShte5TzIBhQPrzaNF8u4DZ8pkE10yorHQ6CaMjMCEwDwYDVR0TAQH/BAUwAwEB
/zAOBgNVHQ8BAf8EBAMCAQYwCgYIKoZIzj0EAwIDRwAwRAIgNGeSNZLQKSkwFtte
EptPu2yGfcLkXECWNVMlnZrPlnECIApjYXgr35xIJPM9SPrsrkD4/74RQR9p6rto
FwAOtetx
-----END CERTIFICATE-----
";

/// The certificate in DER, and its key in PKCS #8.
const CERTIFICATE: &str = "MIIBOjCB4KADAgECAgECMAoGCCqGSM49BAMCMBcxFTATBgNVBAMMDHJlZ2ZpeCB0ZXN0czAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMD\
    AwMFowETEPMA0GA1UEAwwGc2VydmVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE4eoQvnjGMFxKQN6EyqgPsTpBAoarvD8dP0ePdRo+q66c\
    m/ypqUysGPyZNXKaegtPITSwulyu3ksJYYc/sM2JYaMhMB8wDwYDVR0RBAgwBocEfwAAATAMBgNVHRMBAf8EAjAAMAoGCCqGSM49BAMCA0kAME\
    YCIQDsS3Z8ktSdLxgPY4i0WQ9N8o6Zv1vKfhtKFZGUxPPNPgIhAIasHt+RVvUyzVX0OdHNFI6kdvwclXo3A2ocXNqqXWnF";
const KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgz4hr0rtiupkvazkfzi5FWA1IGjiTNPUQgKVOmoB01smhRANCAATh6hC+eMYwXE\
    pA3oTKqA+xOkEChqu8Px0/R491Gj6rrpyb/KmpTKwY/Jk1cpp6C08hNLC6XK7eSwlhhz+wzYlh";

/// Returns the settings of a server whose certificate the first authority signed.
pub(super) fn tls() -> Arc<rustls::ServerConfig> {
    let bytes = |text: &str| STANDARD.decode(text).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![bytes(CERTIFICATE).into()],
            bytes(KEY).try_into().unwrap(),
        );
    Arc::new(config.unwrap())
}
