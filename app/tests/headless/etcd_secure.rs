//! The view record in an etcd that speaks TLS and asks for a user and a password; and what a wrong setting is told.
//!
//! Keys and certificates are made by the test, and etcd is the real one. Where it is not installed, each test says so and does nothing.

#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cluster::own_etcd::Running;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

use crate::program::{PATIENCE, RunningCluster, Talking, command, order, program};

/// The password of the name server's user: looked for where it must not be.
const PASSWORD: &str = "soup-of-the-day-7361";

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// An authority, and one certificate and key of its making, each as a PEM file.
struct Certified {
    authority: String,
    certificate: String,
    key: String,
}

impl Certified {
    fn in_folder(folder: &Path, name: &str) -> Self {
        let issuer_key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&issuer_key).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut of_server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        of_server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = of_server.signed_by(&key, &Issuer::new(params, issuer_key)).unwrap();
        let write = |what: &str, text: String| {
            let path = folder.join(format!("{name}-{what}.pem"));
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        Self {
            authority: write("authority", pem("CERTIFICATE", authority.der())),
            certificate: write("certificate", pem("CERTIFICATE", certificate.der())),
            key: write("key", pem("PRIVATE KEY", &key.serialize_der())),
        }
    }
}

/// An etcd of one member: over TLS at one port, in clear text at another.
struct Secure {
    tls: u16,
    plain: u16,
    certified: Certified,
    _running: Running,
    // Last: it goes when etcd is gone.
    folder: tempfile::TempDir,
}

impl Secure {
    /// None, with a word, where it is not installed.
    fn start(more: impl Fn(&Certified) -> Vec<String>) -> Option<Self> {
        let version = Command::new("etcd").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if version.is_err() {
            assert!(std::env::var_os("JUST_HUNGRY_CI").is_none(), "CI must have etcd");
            eprintln!("skipped: etcd is not installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let certified = Certified::in_folder(folder.path(), "etcd");
        let listeners: [TcpListener; 3] = std::array::from_fn(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        let [tls, plain, peer] = listeners.map(|listener| listener.local_addr().unwrap().port());
        let (clients, peer) =
            (format!("https://127.0.0.1:{tls},http://127.0.0.1:{plain}"), format!("http://127.0.0.1:{peer}"));
        let mut arguments: Vec<String> = [
            ["--data-dir", folder.path().join("data").to_str().unwrap()],
            ["--cert-file", &certified.certificate],
            ["--key-file", &certified.key],
            ["--listen-client-urls", &clients],
            ["--advertise-client-urls", &clients],
            ["--listen-peer-urls", &peer],
            ["--initial-advertise-peer-urls", &peer],
            ["--initial-cluster", &format!("default={peer}")],
        ]
        .as_flattened()
        .iter()
        .map(|word| (*word).to_owned())
        .collect();
        arguments.extend(more(&certified));
        let running = Running::start(&folder.path().join("log"), &arguments).unwrap();
        let secure = Self { tls, plain, certified, _running: running, folder };
        let begun = Instant::now();
        while secure.post("kv/range", &json!({"key": "YQ=="})).is_none() {
            let log = || std::fs::read_to_string(secure.folder.path().join("log"));
            assert!(begun.elapsed() < PATIENCE, "etcd did not start: {:?}", log());
            // The only sign of its being ready is that it answers.
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(secure)
    }

    /// Asks it something in clear text, without a user. None: it has not answered so that it can be understood.
    fn post(&self, path: &str, body: &Value) -> Option<Value> {
        let body = body.to_string();
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.plain)).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!("POST /v3/{path} HTTP/1.0\r\nHost: etcd\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).ok()?;
        let mut said = String::new();
        stream.read_to_string(&mut said).ok()?;
        serde_json::from_str(said.split_once("\r\n\r\n")?.1).ok()
    }

    /// From now on it asks who wants something: "hungry", who may use the records of this program, or its operator.
    fn ask_for_users(&self) {
        let (key, end) = (STANDARD.encode("just-hungry/"), STANDARD.encode("just-hungry0"));
        for (path, body) in [
            ("auth/user/add", json!({"name": "root", "password": "of the operator"})),
            ("auth/role/add", json!({"name": "root"})),
            ("auth/user/grant", json!({"user": "root", "role": "root"})),
            ("auth/role/add", json!({"name": "records"})),
            (
                "auth/role/grant",
                json!({"name": "records", "perm": {"permType": "READWRITE", "key": key, "range_end": end}}),
            ),
            ("auth/user/add", json!({"name": "hungry", "password": PASSWORD})),
            ("auth/user/grant", json!({"user": "hungry", "role": "records"})),
            ("auth/user/add", json!({"name": "guest", "password": PASSWORD})),
            ("auth/enable", json!({})),
        ] {
            let answer = self.post(path, &body).unwrap_or_default();
            assert!(answer["header"].is_object(), "{path}: {answer}");
        }
    }

    fn url(&self) -> String {
        format!("etcd=https://127.0.0.1:{}", self.tls)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// What a person is told who starts a cluster so.
fn refused(arguments: &[&str]) -> String {
    let output = program(&[&["cluster", "--replicas", "1", "--view-record"], arguments].concat());
    let why = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {why}");
    why
}

#[test]
fn a_cluster_fails_over_with_its_record_behind_tls_a_user_and_a_password() {
    let Some(etcd) = Secure::start(|_| Vec::new()) else { return };
    etcd.ask_for_users();
    let password = etcd.file("password", &format!("{PASSWORD}\n"));
    let arguments = [
        ["--view-record", &etcd.url()],
        ["--view-record-ca", &etcd.certified.authority],
        ["--view-record-user", "hungry"],
        ["--view-record-password-file", &password],
    ];
    let more = ["--replicas", "2", "--name-servers", "2"];
    let mut cluster =
        RunningCluster::of(Talking::start(&[&["cluster"], more.as_slice(), arguments.as_flattened()].concat()));
    // A list of processes does not show it.
    for pid in cluster.pids().into_iter().chain([cluster.talk.child.id().cast_signed()]) {
        for file in ["cmdline", "environ"] {
            let shown = std::fs::read(format!("/proc/{pid}/{file}")).unwrap();
            assert!(!String::from_utf8_lossy(&shown).contains(PASSWORD), "{file} of {pid}");
        }
    }
    let mut customer = cluster.customer();
    cluster.until_is("replica-2", "backup");
    let mut places = |op: u64| {
        let answer = customer.ask(&order(op, "DH1 3LE", &["Pad thai"]));
        assert_eq!(answer["type"], "ok", "{answer}");
    };
    places(1);
    cluster.wants("crash", "replica-1");
    cluster.until_is("replica-2", "primary");
    places(2);
    // The record is there, and nobody else reads it.
    let keys = json!({"key": STANDARD.encode("just-hungry/"), "range_end": STANDARD.encode("just-hungry0")});
    let answer = etcd.post("kv/range", &keys).unwrap();
    assert!(answer["kvs"].is_null() && answer["code"] != Value::Null, "{answer}");
}

#[test]
fn a_wrong_user_password_authority_or_scheme_ends_in_a_sentence() {
    let Some(etcd) = Secure::start(|_| Vec::new()) else { return };
    etcd.ask_for_users();
    let stranger = Certified::in_folder(etcd.folder.path(), "stranger");
    let (url, authority) = (etcd.url(), etcd.certified.authority.clone());
    let (right, wrong) = (etcd.file("right", PASSWORD), etcd.file("wrong", "guess"));
    let named = format!("etcd=https://localhost:{}", etcd.tls);
    let (plain_to_tls, tls_to_plain) =
        (format!("etcd=http://127.0.0.1:{}", etcd.tls), format!("etcd=https://127.0.0.1:{}", etcd.plain));
    let down = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    // One endpoint that is down does not hide what is wrong with the other, whichever is first.
    let (down_first, down_last) = (
        format!("etcd=https://127.0.0.1:{down},https://127.0.0.1:{}", etcd.tls),
        format!("etcd=https://127.0.0.1:{},https://127.0.0.1:{down}", etcd.tls),
    );
    let stranger = stranger.authority;
    let (ca, user, file) = ("--view-record-ca", "--view-record-user", "--view-record-password-file");
    let not_trusted = "made by an authority that is not trusted here";
    for (arguments, told) in [
        (vec![&*url], not_trusted),
        (vec![&*url, ca, &stranger], not_trusted),
        (vec![&*down_first, ca, &stranger], not_trusted),
        (vec![&*down_last, ca, &stranger], not_trusted),
        (vec![&*url, ca, &right], "contains no certificate"),
        (vec![&*named, ca, &authority], "for another name or address"),
        (vec![&*plain_to_tls], "Write https instead of http"),
        (vec![&*tls_to_plain, ca, &authority], "Write http instead of https"),
        (vec![&*url, ca, &authority, user, "hungry", file, &wrong], "invalid user ID or password"),
        (vec![&*url, ca, &authority, user, "nobody", file, &right], "invalid user ID or password"),
        (vec![&*url, ca, &authority, user, "guest", file, &right], "permission denied"),
        (vec![&*url, ca, &authority], "user name is empty"),
        (vec![&*url, ca, &authority, user, "hungry"], "Name a file with --view-record-password-file"),
    ] {
        let why = refused(&arguments);
        assert!(why.contains(told) && !why.contains(PASSWORD), "{arguments:?}: {why}");
    }
    // By hand, it is the name server that says so.
    let place = tempfile::tempdir().unwrap();
    let mut name_server = command(&["name-server", "--view-record", &url, ca, &stranger]);
    let output = name_server.env("XDG_RUNTIME_DIR", place.path()).stdin(Stdio::null()).output().unwrap();
    let why = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && why.contains(not_trusted), "{why}");
}

#[test]
fn etcd_may_ask_for_a_certificate_of_the_name_server() {
    let more = |certified: &Certified| {
        ["--client-cert-auth", "--trusted-ca-file", &certified.authority].map(str::to_owned).to_vec()
    };
    let Some(etcd) = Secure::start(more) else { return };
    let Certified { authority, certificate, key } = &etcd.certified;
    let url = etcd.url();
    let stranger = Certified::in_folder(etcd.folder.path(), "stranger");
    let theirs = ["--view-record-cert", &stranger.certificate, "--view-record-key", &stranger.key];
    let trusted = [&*url, "--view-record-ca", authority];
    for certificate in [&[][..], &theirs] {
        let why = refused(&[&trusted, certificate].concat());
        assert!(why.contains("it wants a certificate of this name server"), "{why}");
    }
    let why = refused(&[&trusted[..], &["--view-record-cert", key, "--view-record-key", key]].concat());
    assert!(why.contains("The certificates for etcd cannot be used"), "{why}");
    let ours = ["--view-record-cert", certificate, "--view-record-key", key];
    let start = ["cluster", "--replicas", "1", "--view-record"];
    let cluster = RunningCluster::of(Talking::start(&[&start[..], &trusted, &ours].concat()));
    let answer = cluster.customer().ask(&order(1, "DH1 3LE", &["Pad thai"]));
    assert_eq!(answer["type"], "ok", "{answer}");
}
