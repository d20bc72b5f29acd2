//! The parsers of bytes from outside, each as a function that takes any bytes and panics where something is wrong: besides
//! not breaking, no forged signature is accepted, what is read can be written and read again, and no number becomes another.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aws_sdk_dynamodb::config::BehaviorVersion;
use axum::body::Bytes;
use axum::extract::FromRequestParts as _;
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rapport_domain::import::{ImportKind, Mapping, fields, group, order_of, record_of};
use rapport_domain::intake::{self, Reading, check_mapping};
use rapport_domain::record::{merge_patch, split};
use rapport_domain::search::{entry, terms};
use rapport_domain::signature::{Secret, verify_body, verify_standard};
use rapport_domain::survey::SurveyToken;
use rapport_domain::text::harmless;
use rapport_domain::webhook::{Source, SourceKind, Target, target};
use rapport_domain::{Actor, Kind, Prefix, Record, RecordId, Rules, TenantId};
use rapport_host::gateway::GatewayRequest;
use rapport_http::list::{Question, given};
use rapport_http::{Params, body};
use rapport_importing::file;
use rapport_mail::{Attachment, Mail, Mailer, Way};
use rapport_runtime::{App, Clock, Config};
use rapport_sqs::Queues;
use rapport_store::identity::{InvitationToken, RefreshToken, ResetToken, api_key_text, parse_api_key};
use rapport_store::webhook::HookToken;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Runtime;

/// Calls a macro with the names of all targets.
#[macro_export]
macro_rules! every_target {
    ($with:ident) => {
        $with! {
            card, cell, cursor, delimited, gateway, intake, mail, mapping, query, queue, record, secrets, sheet, signature, token,
            webhook_address, workbook,
        }
    };
}

/// Parts of an input are divided by this, the unit separator.
const BETWEEN: u8 = 0x1f;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static NOW: LazyLock<Timestamp> = LazyLock::new(|| "2026-11-22T00:00:00Z".parse().unwrap());

/// A function's parts, which talk to nobody.
static APP: LazyLock<App> = LazyLock::new(|| {
    let variables = |name: &str| match name {
        "PUBLIC_URL" => Some("http://127.0.0.1:1".to_owned()),
        "SECRET_KEY" | "SIGNING_KEY" => Some("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()),
        _ => None,
    };
    let dynamodb = aws_sdk_dynamodb::Config::builder().behavior_version(BehaviorVersion::latest());
    let sqs = aws_sdk_sqs::Config::builder().behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest());
    App::new(
        Config::read(variables).unwrap(),
        Clock::default(),
        aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
        aws_sdk_sqs::Client::from_conf(sqs.build()),
        None,
        rapport_runtime::Meter::default(),
    )
});

fn rules() -> Rules {
    Rules {
        now: *NOW,
        settings: Arc::default(),
        fields: Arc::default(),
    }
}

fn tenant() -> TenantId {
    TenantId::from_u128(7)
}

/// The texts between separators, as many as are asked for.
fn texts<const N: usize>(bytes: &[u8]) -> [String; N] {
    let mut parts = bytes.split(|byte| *byte == BETWEEN);
    std::array::from_fn(|_| String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned())
}

/// A text with some of its bytes replaced: of each two bytes of the input one says where, the other what.
fn edited(text: &str, bytes: &[u8]) -> Option<String> {
    let mut edited = text.as_bytes().to_vec();
    for edit in bytes.chunks_exact(2) {
        let place = usize::from(edit[0]) * edited.len() / 256;
        edited[place] = edit[1];
    }
    String::from_utf8(edited).ok()
}

/// Whoever changes a character of a sealed text has another text, which opens nothing.
fn opens_nothing_else<T>(sealed: &str, bytes: &[u8], open: impl Fn(&str) -> Option<T>) {
    assert!(open(sealed).is_some(), "{sealed}");
    if let Some(other) = edited(sealed, bytes).filter(|other| other != sealed) {
        assert!(open(&other).is_none(), "{other} opens what {sealed} does");
    }
    let made_up = String::from_utf8_lossy(bytes);
    // With coverage and comparisons to go by, the sealed text itself is found.
    assert!(
        made_up == sealed || open(&made_up).is_none(),
        "a made-up text opens something"
    );
}

pub fn cursor(bytes: &[u8]) {
    let sealed = APP.store.seal(tenant(), "/v1/leads?", &json!({"pk": "a", "sk": "b"}));
    opens_nothing_else(&sealed, bytes, |text| {
        APP.store.open::<Value>(tenant(), "/v1/leads?", text)
    });
    assert!(APP.store.open::<Value>(tenant(), "/v1/leads?a=1", &sealed).is_none());
    assert!(
        APP.store
            .open::<Value>(TenantId::from_u128(8), "/v1/leads?", &sealed)
            .is_none()
    );
}

pub fn token(bytes: &[u8]) {
    static SIGNED: LazyLock<String> = LazyLock::new(|| {
        let role = Some("owner");
        APP.tokens
            .sign("tnt_1", "usr_1", role, "*:read", "ses_1", *NOW)
            .unwrap()
    });
    opens_nothing_else(&SIGNED, bytes, |text| APP.tokens.verify(text, *NOW).ok());
    // Other claims and another header under the same signature.
    let [header, claims] = texts::<2>(bytes);
    let encoded = |text: &str| base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, text);
    let signature = SIGNED.rsplit('.').next().unwrap();
    let forged = format!("{}.{}.{signature}", encoded(&header), encoded(&claims));
    assert!(APP.tokens.verify(&forged, *NOW).is_err(), "{header} {claims}");
}

/// Tokens whose secret is looked up: two texts never stand for one token.
pub fn secrets(bytes: &[u8]) {
    let survey = SurveyToken {
        tenant: tenant(),
        invitation: RecordId::from_u128(Prefix::SurveyInvitation, 9),
        expires: *NOW + Duration::from_secs(60),
    };
    opens_nothing_else(&survey.seal(b"secret"), bytes, |text| {
        SurveyToken::open(b"secret", text, *NOW).ok()
    });
    type Again = fn(&str) -> Option<String>;
    let forms: [(&str, Again); 6] = [
        ("rk_live_", |text| {
            let (tenant, id, secret) = parse_api_key(text)?;
            Some(api_key_text(
                tenant,
                id,
                &rapport_store::identity::Secret::from_bytes(secret),
            ))
        }),
        ("rt_", |text| RefreshToken::parse(text).map(|token| token.text())),
        ("it_", |text| InvitationToken::parse(text).map(|token| token.text())),
        ("pr_", |text| ResetToken::parse(text).map(|token| token.text())),
        ("", |text| HookToken::parse(text).map(|token| token.text)),
        ("", |text| {
            RecordId::parse(Prefix::Lead, text).ok().map(|id| id.to_string())
        }),
    ];
    let text = String::from_utf8_lossy(bytes);
    for (prefix, again) in forms {
        for text in [text.to_string(), format!("{prefix}{text}")] {
            assert!(
                again(&text).is_none_or(|same| same == text),
                "{text} is read as another"
            );
        }
    }
}

pub fn signature(bytes: &[u8]) {
    let [secret, id, at, signatures, body] = texts::<5>(bytes);
    let shared = Secret::Shared(b"a secret that nobody else knows!".to_vec());
    let public = Secret::Public([
        0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1,
        0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
    ]);
    for key in [&shared, &public] {
        assert!(verify_standard(key, &id, &at, &signatures, body.as_bytes(), *NOW).is_err());
    }
    assert!(verify_body(b"another secret", Some(&signatures), body.as_bytes()).is_err());
    // A secret as a tenant may type it.
    if let Some(key) = Secret::parse(&secret) {
        let _ = verify_standard(&key, &id, &at, &signatures, body.as_bytes(), *NOW);
    }
}

/// Goes the way of a record from its fields to its row and back.
fn made<K: Kind>(fields: Value) -> Option<Record<K>> {
    let rules = rules();
    let (common, input) = split::<K::In>(fields).ok()?;
    let common = common.check::<K>(&rules).ok()?;
    let body = K::create(input, &rules).ok()?;
    let actor = Actor::worker("fuzz", "req_1");
    let record = Record::new(RecordId::from_u128(K::PREFIX, 5), body, common, &actor, rules.now);
    let row = record.to_value();
    let again: Record<K> = serde_json::from_value(row.clone()).unwrap();
    assert_eq!(again.to_value(), row, "a row is not read as it was written");
    let _ = (record.unique(&rules), record.body.likeness(), entry(K::NOUN, &row));
    Some(record)
}

fn kind<K: Kind>(fields: Value, patch: Option<Value>) {
    let Some(record) = made::<K>(fields) else { return };
    let mut next = serde_json::to_value(record.body.editable()).unwrap();
    merge_patch(&mut next, patch.unwrap_or(Value::Null));
    if let Ok((_, input)) = split::<K::In>(next) {
        let _ = record.body.revise(input, &rules());
    }
}

pub fn record(bytes: &[u8]) {
    let Some((which, rest)) = bytes.split_first() else {
        return;
    };
    let mut parts = rest.split(|byte| *byte == BETWEEN);
    let Ok(fields) = body::parse(parts.next().unwrap_or_default()) else {
        return;
    };
    let patch = parts.next().and_then(|patch| body::parse(patch).ok());
    match which % 7 {
        0 => kind::<rapport_domain::lead::Lead>(fields, patch),
        1 => kind::<rapport_domain::contact::Contact>(fields, patch),
        2 => kind::<rapport_domain::company::Company>(fields, patch),
        3 => kind::<rapport_domain::product::Product>(fields, patch),
        4 => kind::<rapport_domain::order::Order>(fields, patch),
        5 => kind::<rapport_domain::ticket::Ticket>(fields, patch),
        _ => kind::<rapport_domain::survey::Survey>(fields, patch),
    }
}

pub fn intake(bytes: &[u8]) {
    let Some((which, rest)) = bytes.split_first() else {
        return;
    };
    let kinds = [
        SourceKind::Generic,
        SourceKind::StandardWebhooks,
        SourceKind::ShopifyOrders,
        SourceKind::Typeform,
    ];
    let kind = kinds[usize::from(which & 3)];
    let into = [Target::Lead, Target::Contact, Target::Order][usize::from(which >> 4) % 3];
    let mapping = if which & 8 == 0 {
        json!({})
    } else {
        json!({"name": "$.a[0].b", "email": "$.answers.mail", "external_id": "$.id", "currency": "=USD", "total": "$.total"})
    };
    let source = Source {
        kind,
        name: "Source".into(),
        target: if kind == SourceKind::ShopifyOrders {
            Target::Order
        } else {
            into
        },
        mapping: serde_json::from_value(mapping).unwrap(),
        external_source: kind.external_source().into(),
        enabled: true,
        signed: true,
    };
    let headers = BTreeMap::from([("x-shopify-topic".to_owned(), "orders/updated".to_owned())]);
    let form = (which & 4 != 0).then_some("application/x-www-form-urlencoded");
    let Ok(Reading::Record { contact, piece, .. }) = intake::read(&source, &headers, form, rest) else {
        return;
    };
    let with = |piece: intake::Piece| {
        let mut fields = piece.fields;
        if let Some((source, id)) = piece.external {
            fields.insert("external_ids".to_owned(), json!({ source: id }));
        }
        Value::Object(fields)
    };
    if let Some(contact) = contact {
        made::<rapport_domain::contact::Contact>(with(contact));
    }
    match source.target {
        Target::Lead => drop(made::<rapport_domain::lead::Lead>(with(piece))),
        Target::Contact => drop(made::<rapport_domain::contact::Contact>(with(piece))),
        Target::Order => drop(made::<rapport_domain::order::Order>(with(piece))),
    }
}

pub fn mapping(bytes: &[u8]) {
    let [field, path] = texts::<2>(bytes);
    for target in [Target::Lead, Target::Contact, Target::Order] {
        if check_mapping(target, &field, &path).is_ok() {
            // Whatever is accepted can be followed.
            let source = Source {
                kind: SourceKind::Generic,
                name: "Source".into(),
                target,
                mapping: BTreeMap::from([(field.clone(), path.clone())]),
                external_source: "form".into(),
                enabled: true,
                signed: false,
            };
            let _ = intake::read(
                &source,
                &BTreeMap::new(),
                None,
                br#"{"a":[{"b":"c"},[1]],"d":{"e f":null}}"#,
            );
        }
    }
}

/// Reads a file and understands its rows as each kind of record.
fn rows(bytes: &[u8]) {
    let rules = rules();
    let Ok(file) = file::read(bytes, &rules.settings) else {
        return;
    };
    for word in ImportKind::WORDS {
        let kind = ImportKind::from_word(word).unwrap();
        let (columns, options) = file.columns(kind, &rules);
        let all = fields(kind, &[]);
        let mapped = columns.iter().filter_map(|column| {
            let key = column.field.as_deref()?;
            Some((column.index, all.iter().find(|field| field.key == key)?.clone()))
        });
        let mapping = Mapping(mapped.collect());
        let rows: Vec<&[String]> = file.rows.iter().map(|row| row.1.as_slice()).collect();
        let record = |fields: Map<String, Value>| match kind {
            ImportKind::Contacts => drop(made::<rapport_domain::contact::Contact>(fields.into())),
            ImportKind::Companies => drop(made::<rapport_domain::company::Company>(fields.into())),
            ImportKind::Leads => drop(made::<rapport_domain::lead::Lead>(fields.into())),
            ImportKind::Products => drop(made::<rapport_domain::product::Product>(fields.into())),
            ImportKind::Orders => drop(made::<rapport_domain::order::Order>(fields.into())),
        };
        if kind != ImportKind::Orders {
            for row in &rows {
                record_of(&mapping, row, &options, &rules.settings).ok().map(record);
            }
        }
        for group in group(&mapping, rows.iter().copied()) {
            let rows: Vec<&[String]> = group.iter().map(|place| rows[*place]).collect();
            let order = order_of(&mapping, &rows, &options, &rules.settings).ok();
            order.filter(|_| kind == ImportKind::Orders).map(record);
        }
    }
}

pub fn delimited(bytes: &[u8]) {
    rows(bytes);
}

pub fn card(bytes: &[u8]) {
    rows(&[b"BEGIN:VCARD\n", bytes].concat());
}

/// A workbook as it comes.
pub fn workbook(bytes: &[u8]) {
    rows(&[b"PK\x03\x04", bytes].concat());
}

/// A workbook that unpacks well, with any sheet, texts and styles in it.
pub fn sheet(bytes: &[u8]) {
    let [sheet, strings, styles] = texts::<3>(bytes);
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let of = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let book = format!(
        r#"<workbook xmlns="{main}" xmlns:r="{of}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>"#
    );
    let relations = format!(
        r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="{of}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#
    );
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, text) in [
        ("xl/workbook.xml", &book),
        ("xl/_rels/workbook.xml.rels", &relations),
        (
            "xl/worksheets/sheet1.xml",
            &format!(r#"<worksheet xmlns="{main}">{sheet}</worksheet>"#),
        ),
        (
            "xl/sharedStrings.xml",
            &format!(r#"<sst xmlns="{main}">{strings}</sst>"#),
        ),
        (
            "xl/styles.xml",
            &format!(r#"<styleSheet xmlns="{main}">{styles}</styleSheet>"#),
        ),
    ] {
        archive.start_file(name, stored).unwrap();
        std::io::Write::write_all(&mut archive, text.as_bytes()).unwrap();
    }
    rows(&archive.finish().unwrap().into_inner());
}

/// A query of a list, and words to search.
pub fn query(bytes: &[u8]) {
    let [query, words] = texts::<2>(bytes);
    let _ = terms(&words);
    let Ok(uri) = format!("/v1/orders?{query}").parse::<http::Uri>() else {
        return;
    };
    let (mut parts, ()) = http::Request::builder().uri(uri).body(()).unwrap().into_parts();
    let Ok(params) = RUNTIME.block_on(Params::from_request_parts(&mut parts, &())) else {
        return;
    };
    let _ = (params.number("limit", 50, 1, 200), params.flag("convert", false));
    let zone = rules().settings.zone();
    if let Ok(given) = given::<rapport_domain::order::Order>(&params) {
        let _ = Question::new::<rapport_domain::order::Order>(given, &zone);
    }
    if let Ok(given) = given::<rapport_domain::ticket::Ticket>(&params) {
        let _ = Question::new::<rapport_domain::ticket::Ticket>(given, &zone);
    }
}

/// The protocol of the host's queues: an operation and its body.
pub fn queue(bytes: &[u8]) {
    static QUEUES: LazyLock<Queues> = LazyLock::new(|| {
        let queues = Queues::open(None).unwrap();
        let made = RUNTIME.block_on(queues.answer("AmazonSQS.CreateQueue", br#"{"QueueName":"q"}"#));
        assert_eq!(made.status, 200);
        queues
    });
    let mut parts = bytes.splitn(2, |byte| *byte == BETWEEN);
    let operation = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let body = parts.next().unwrap_or_default();
    let queues = &*QUEUES;
    // One that waits for messages waits for them.
    let answer = RUNTIME.block_on(async {
        let called = queues.answer(&operation, body);
        tokio::time::timeout(Duration::from_millis(20), called).await.ok()
    });
    let Some(answer) = answer else { return };
    assert!(
        matches!(answer.status, 200 | 400..=499),
        "{operation} {body:?}: {answer:?}"
    );
    assert!(answer.body.is_empty() || serde_json::from_slice::<Value>(&answer.body).is_ok());
}

/// Bytes on the gateway's socket: a function in the cloud and one in this process see the same request.
pub fn gateway(bytes: &[u8]) {
    RUNTIME.block_on(async {
        let (mut caller, gateway) = tokio::io::duplex(64 * 1024);
        let service = hyper::service::service_fn(|request: http::Request<hyper::body::Incoming>| async move {
            let (head, body) = request.into_parts();
            let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
                return Ok::<_, std::convert::Infallible>(http::Response::new(axum::body::Body::empty()));
            };
            both_forms(&head, &body).await;
            Ok(http::Response::new(axum::body::Body::from("seen")))
        });
        let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(gateway), service);
        let calling = async {
            let _ = caller.write_all(bytes).await;
            let _ = caller.shutdown().await;
            let _ = caller.read_to_end(&mut Vec::new()).await;
        };
        let _ = tokio::join!(connection, calling);
    });
}

async fn both_forms(head: &http::request::Parts, body: &Bytes) {
    let taken = || {
        let peer = "127.0.0.1:50000".parse().unwrap();
        GatewayRequest::new(head.clone(), body.clone(), peer, 8080, "0".repeat(32)).ok()
    };
    let (Some(one), Some(other)) = (taken(), taken()) else {
        return;
    };
    let (direct, direct_body) = one.into_http().into_parts();
    let event = String::from_utf8(other.into_event()).unwrap();
    let (cloud, cloud_body) = lambda_http::request::from_str(&event).unwrap().into_parts();
    assert_eq!(direct.method, cloud.method, "{head:?}");
    assert_eq!(direct.uri, cloud.uri, "{head:?}");
    let sorted = |headers: &http::HeaderMap| {
        let mut all: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect();
        all.sort();
        all
    };
    assert_eq!(sorted(&direct.headers), sorted(&cloud.headers), "{head:?}");
    assert_eq!(
        direct_body.collect().await.unwrap().to_bytes(),
        cloud_body.as_ref(),
        "{head:?}"
    );
}

/// Names and subjects of mails: whatever they are, no header is added and none is lost.
pub fn mail(bytes: &[u8]) {
    static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());
    let [from_name, subject, to, text, url, file] = texts::<6>(bytes);
    let way = Way::Folder(FOLDER.path().to_owned());
    let mailer = Mailer::new(&way, "service@rapport.example", None).unwrap();
    let mail = Mail {
        id: "fuzz".into(),
        from_name,
        to,
        subject,
        text: text.clone(),
        html: text,
        unsubscribe: Some(url),
        attachments: vec![Attachment {
            name: file,
            content_type: "text/csv; charset=utf-8".into(),
            bytes: bytes.to_vec(),
        }],
    };
    if RUNTIME.block_on(mailer.send(&mail)).is_err() {
        return;
    }
    let written = std::fs::read(FOLDER.path().join("fuzz.eml")).unwrap();
    let written = String::from_utf8_lossy(&written);
    let (head, _) = written.split_once("\r\n\r\n").unwrap();
    let mut names: Vec<&str> = head
        .split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']))
        .map(|line| line.split_once(':').map_or(line, |(name, _)| name))
        .collect();
    names.sort_unstable();
    let expected = [
        "Content-Type",
        "Date",
        "From",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "MIME-Version",
        "Message-ID",
        "Subject",
        "To",
    ];
    assert_eq!(names, expected, "{head}");
    assert!(head.lines().all(|line| !line.contains('\r')), "{head:?}");
}

/// Cells of files for spreadsheets: none is a formula.
pub fn cell(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let safe = harmless(&text);
    let number = safe.parse::<f64>().is_ok();
    assert!(
        number || !safe.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']),
        "{safe:?}"
    );
    assert!(safe == text || safe.strip_prefix('\'') == Some(&text), "{safe:?}");
}

/// Addresses of subscribers: none that is accepted leads to this machine or its network.
pub fn webhook_address(bytes: &[u8]) {
    let Ok(url) = target(&String::from_utf8_lossy(bytes), false) else {
        return;
    };
    assert!(
        url.scheme() == "https" && url.username().is_empty() && url.password().is_none(),
        "{url}"
    );
    // Told by the standard library, not by the rule itself.
    let host = url.host_str().unwrap().trim_matches(['[', ']']);
    let inner = match host.parse() {
        Ok(std::net::IpAddr::V4(address)) => Some(address),
        Ok(std::net::IpAddr::V6(address)) => {
            assert!(
                !(address.is_loopback()
                    || address.is_unspecified()
                    || address.is_multicast()
                    || address.is_unique_local()
                    || address.is_unicast_link_local()),
                "{url}"
            );
            address.to_ipv4()
        }
        Err(_) => None,
    };
    if let Some(address) = inner {
        assert!(
            !(address.is_private() || address.is_loopback() || address.is_link_local() || address.is_unspecified())
                && !(address.is_broadcast() || address.is_multicast() || address.is_documentation()),
            "{url}"
        );
    }
}
