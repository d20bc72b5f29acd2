//! Reports as files: the same numbers as in JSON, made at once or in the background, whatever breaks, and mailed on time.

use std::path::Path;
use std::str::FromStr;

use base64::Engine as _;
use calamine::{Data, Reader as _, Xlsx, open_workbook_from_rs};
use jiff::{SignedDuration, Timestamp};
use rapport_host::Host;
use rapport_runtime::Clock;
use reqwest::Method;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tests::fault::{Faults, Weather};
use tests::worker::by_hand;
use tests::{Caller, PASSWORD, Tenant, eventually};

const DAYS: &str = "from=2025-01-01&to=2025-12-31";

async fn made(tenant: &Tenant, path: &str, body: Value) -> String {
    let made = tenant.post(path, body).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

/// A firm with orders in two currencies, of a customer among others whose name a spreadsheet would compute.
async fn sold(tenant: &Tenant, day: &str) {
    let ann = made(tenant, "/v1/contacts", json!({"name": "=1+1"})).await;
    let bob = made(tenant, "/v1/contacts", json!({"name": "李, \"Bob\""})).await;
    for (contact, amount, currency) in [(&ann, "12.50", "USD"), (&bob, "7.25", "USD"), (&ann, "3.10", "EUR")] {
        let order = json!({"contact_id": contact, "placed_on": day, "currency": currency, "historic": true,
            "status": "fulfilled", "lines": [{"name": "Tea", "unit_price": amount, "unit_cost": "1"}]});
        made(tenant, "/v1/orders", order).await;
    }
    eventually("three orders in the report", || async {
        let path = format!(
            "/v1/reports/sales?from={}-01-01&to={}-12-31&by=year",
            &day[..4],
            &day[..4]
        );
        let answer = tenant.get(&path).await.expect(200);
        let orders: Decimal = answer["parts"]
            .as_array()?
            .iter()
            .filter_map(|part| decimal(&part["totals"]["orders"]["value"]))
            .sum();
        (orders == Decimal::from(3) && answer["settling"] == false).then_some(())
    })
    .await;
}

fn decimal(value: &Value) -> Option<Decimal> {
    Decimal::from_str(value.as_str()?).ok()
}

/// The rows of a CSV, headings first.
fn rows(text: &str) -> Vec<Vec<String>> {
    let text = text.strip_prefix('\u{feff}').unwrap();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes());
    reader
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

#[tokio::test]
async fn a_file_has_the_numbers_of_the_report() {
    let tenant = Tenant::new().await;
    sold(&tenant, "2025-05-05").await;
    let path = format!("/v1/reports/sales?{DAYS}&by=customer");
    let answer = tenant.get(&path).await.expect(200);
    let file = tenant.get(&format!("{path}&format=csv")).await;
    assert_eq!(
        (file.status, file.header("content-type")),
        (200, "text/csv; charset=utf-8")
    );
    assert_eq!(
        file.header("content-disposition"),
        "attachment; filename=\"sales-2025-01-01-2025-12-31.csv\""
    );
    let table = rows(&file.text);
    let sheet = tenant.get(&format!("{path}&format=xlsx")).await;
    assert!(sheet.header("content-type").ends_with("spreadsheetml.sheet"));
    let mut book: Xlsx<_> = open_workbook_from_rs(std::io::Cursor::new(sheet.bytes.clone())).unwrap();
    let range = book.worksheet_range("Report").unwrap();
    let mut compared = 0;
    for part in answer["parts"].as_array().unwrap() {
        let total = json!([{"key": "total", "title": "Total", "numbers": part["totals"]}]);
        let groups = part["groups"]
            .as_array()
            .unwrap()
            .iter()
            .chain(total.as_array().unwrap());
        for group in groups {
            let at = table
                .iter()
                .position(|row| {
                    row[0] == group["key"].as_str().unwrap() && row[2] == part["currency"].as_str().unwrap()
                })
                .unwrap();
            for (name, number) in group["numbers"].as_object().unwrap() {
                let column = table[0].iter().position(|head| head == name).unwrap();
                let known = decimal(&number["value"]);
                assert_eq!(Decimal::from_str(&table[at][column]).ok(), known, "{name}");
                let cell = range
                    .get_value((u32::try_from(at).unwrap(), u32::try_from(column).unwrap()))
                    .unwrap();
                match (cell, known) {
                    (Data::Float(value), Some(known)) => {
                        assert_eq!(Decimal::from_str(&value.to_string()).unwrap(), known, "{name}");
                    }
                    (cell, known) => assert_eq!((cell, known), (&Data::Empty, None), "{name}"),
                }
                compared += 1;
            }
        }
    }
    assert!(compared > 30, "{compared}");
    let titles: Vec<&str> = table.iter().map(|row| row[1].as_str()).collect();
    assert!(
        titles.contains(&"'=1+1") && titles.contains(&"李, \"Bob\""),
        "{titles:?}"
    );
    assert_eq!(titles.last(), Some(&"Total"));

    // The rows behind a number sum to it, in a file too.
    let number = &answer["parts"][0]["totals"]["sales"];
    let file = tenant
        .get(&format!("{}&format=csv", number["rows"].as_str().unwrap()))
        .await;
    let table = rows(&file.text);
    assert_eq!(table[0], ["record", "title", "on", "value", "note"]);
    let sum: Decimal = table[1..].iter().map(|row| Decimal::from_str(&row[3]).unwrap()).sum();
    assert_eq!(Some(sum), decimal(&number["value"]));
    for path in [
        format!("{path}&format=pdf"),
        format!("{}&format=pdf", number["rows"].as_str().unwrap()),
    ] {
        tenant.get(&path).await.problem(422, "validation_failed");
    }
    assert_eq!(
        tenant.get(&format!("{path}&format=json")).await.expect(200)["name"],
        "sales"
    );
}

async fn ended(caller: &Caller, id: &str) -> Value {
    eventually("an export that is over", || async {
        let export = caller.get(&format!("/v1/report-exports/{id}")).await.expect(200);
        matches!(export["status"].as_str(), Some("done" | "failed")).then_some(export)
    })
    .await
}

#[tokio::test]
async fn a_file_is_made_in_the_background_for_its_own_tenant() {
    let tenant = Tenant::new().await;
    sold(&tenant, "2025-05-05").await;
    let ask = |body: Value, key: &'static str| {
        let tenant = &tenant;
        async move {
            let headers = [("idempotency-key", key)];
            tenant
                .json(Method::POST, "/v1/reports/sales/exports", &headers, body)
                .await
        }
    };
    let body = json!({"format": "csv", "from": "2025-01-01", "to": "2025-12-31", "by": "customer"});
    let asked = ask(body.clone(), "a").await;
    let id = asked.body["id"].as_str().unwrap().to_owned();
    assert_eq!(asked.header("location"), format!("/v1/report-exports/{id}"));
    assert_eq!((asked.status, &asked.body["status"]), (202, &json!("queued")));
    let done = ended(&tenant, &id).await;
    // Three customers and currencies, two totals.
    assert_eq!(
        (&done["status"], &done["rows"], &done["parts"]),
        (&json!("done"), &json!(5), &json!(1)),
        "{done}"
    );
    let path = done["file"].as_str().unwrap();
    let file = tenant.get(path).await;
    assert_eq!(
        (file.status, file.header("content-type")),
        (200, "text/csv; charset=utf-8")
    );
    assert_eq!(done["bytes"], file.bytes.len());
    let at_once = tenant
        .get(&format!("/v1/reports/sales?{DAYS}&by=customer&format=csv"))
        .await;
    assert_eq!(file.text, at_once.text);
    tenant.get(&format!("{path}?part=2")).await.problem(404, "not_found");

    // The same request again is the same export, which stays as it ended.
    let again = ask(body, "a").await;
    assert_eq!((again.status, again.body["id"].as_str()), (202, Some(id.as_str())));
    assert_eq!(ended(&tenant, &id).await, done);
    let rows_body = json!({"format": "xlsx", "rows": true, "from": "2025-01-01", "to": "2025-12-31", "measure": "sales", "currency": "USD"});
    let asked = ask(rows_body, "b").await;
    let of_rows = ended(&tenant, asked.body["id"].as_str().unwrap()).await;
    assert_eq!(
        (&of_rows["status"], &of_rows["rows"]),
        (&json!("done"), &json!(2)),
        "{of_rows}"
    );
    let file = tenant.get(of_rows["file"].as_str().unwrap()).await;
    let mut book: Xlsx<_> = open_workbook_from_rs(std::io::Cursor::new(file.bytes.clone())).unwrap();
    let range = book.worksheet_range("Report").unwrap();
    let sum: f64 = (1..=2)
        .filter_map(|row| match range.get_value((row, 3)) {
            Some(Data::Float(value)) => Some(*value),
            _ => None,
        })
        .sum();
    assert!((sum - 19.75).abs() < 1e-9, "{sum}");

    for (body, status, code) in [
        (json!({}), 422, "validation_failed"),
        (json!({"format": "pdf"}), 422, "validation_failed"),
        (json!({"format": "csv", "colour": "red"}), 422, "validation_failed"),
        (json!({"format": "csv", "by": "moon"}), 422, "validation_failed"),
        (json!({"format": "csv", "from": "yesterday"}), 400, "malformed"),
        (json!({"format": "csv", "rows": true}), 400, "malformed"),
        (json!({"format": "csv", "measure": "sales"}), 400, "unknown_parameter"),
        (json!({"format": "csv", "limit": 100_000}), 400, "malformed"),
    ] {
        tenant
            .post("/v1/reports/sales/exports", body)
            .await
            .problem(status, code);
    }
    tenant
        .post("/v1/reports/nothing/exports", json!({"format": "csv"}))
        .await
        .problem(404, "not_found");
    let listed = tenant.get("/v1/report-exports").await.expect(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 2, "{listed}");

    // Neither another tenant's, nor one with names that a key may not read.
    let other = Tenant::new().await;
    let scopes = json!({"name": "reports", "scopes": ["reports:read"]});
    let key = tenant.post("/v1/api-keys", scopes).await.expect(201);
    let key = tenant.with_token(key["secret"].as_str().unwrap());
    for caller in [&*other, &key] {
        for path in [format!("/v1/report-exports/{id}"), path.to_owned()] {
            caller.get(&path).await.problem(404, "not_found");
        }
        assert_eq!(caller.get("/v1/report-exports").await.expect(200)["data"], json!([]));
    }
    key.post("/v1/report-schedules", json!({"report": "sales", "every": "day"}))
        .await
        .problem(403, "forbidden");
}

#[tokio::test]
async fn every_report_is_the_same_in_the_background() {
    let tenant = Tenant::new().await;
    made(&tenant, "/v1/products", json!({"sku": "tea", "name": "Green tea"})).await;
    let cleo = made(&tenant, "/v1/contacts", json!({"name": "Cleo"})).await;
    let order = json!({"contact_id": cleo, "placed_on": "2024-05-05", "currency": "USD", "historic": true,
        "status": "fulfilled", "lines": [{"sku": "tea", "name": "Tea", "unit_price": "3"}]});
    made(&tenant, "/v1/orders", order).await;
    sold(&tenant, "2025-05-05").await;
    super::segments::recompute(&tenant, json!({})).await;
    let mut compared = 0;
    for report in tenant.get("/v1/reports").await.expect(200)["data"].as_array().unwrap() {
        let name = report["name"].as_str().unwrap();
        for by in report["by"].as_array().unwrap() {
            let by = by.as_str().unwrap();
            let asked = json!({"format": "csv", "from": "2024-01-01", "to": "2025-12-31", "by": by});
            let asked = tenant
                .post(&format!("/v1/reports/{name}/exports"), asked)
                .await
                .expect(202);
            let at_once = tenant
                .get(&format!(
                    "/v1/reports/{name}?from=2024-01-01&to=2025-12-31&by={by}&format=csv"
                ))
                .await;
            let done = ended(&tenant, asked["id"].as_str().unwrap()).await;
            assert_eq!(done["status"], "done", "{name} by {by}: {done}");
            let file = tenant.get(done["file"].as_str().unwrap()).await;
            assert_eq!((at_once.status, &file.text), (200, &at_once.text), "{name} by {by}");
            compared += 1;
        }
    }
    assert!(compared > 30, "{compared}");
}

#[tokio::test]
async fn whatever_breaks_a_file_is_made_whole_or_given_up_in_words() {
    let (folder, faults) = (tempfile::tempdir().unwrap(), Faults::default());
    let (host, worker) = by_hand(
        folder.path(),
        "report-exports",
        report_exports::function(),
        Clock::default(),
        &faults,
    )
    .await;
    let tenant = Tenant::of(&Caller::at(&host.url()), json!({})).await;
    sold(&tenant, "2025-05-05").await;
    let at_once = tenant
        .get(&format!("/v1/reports/sales?{DAYS}&by=customer&format=csv"))
        .await
        .text;
    let ask = || async {
        let body = json!({"format": "csv", "from": "2025-01-01", "to": "2025-12-31", "by": "customer"});
        let asked = tenant.post("/v1/reports/sales/exports", body).await.expect(202);
        let id = asked["id"].as_str().unwrap().to_owned();
        (
            json!({"tenant": tenant.id, "type": "report_export_v1", "export": id}),
            format!("/v1/report-exports/{id}"),
        )
    };
    let mut broken = 0;
    for call in 0..40 {
        let (message, path) = ask().await;
        faults.set(Weather::DownFrom(call));
        let ok = worker.takes(&message).await;
        if !faults.end() {
            assert!(ok, "nothing broke");
            break;
        }
        assert!(!ok, "the message has to come again after call {call}");
        assert_ne!(tenant.get(&path).await.expect(200)["status"], "done", "call {call}");
        assert!(worker.takes(&message).await, "call {call}");
        let done = tenant.get(&path).await.expect(200);
        assert_eq!(done["status"], "done", "call {call}: {done}");
        assert_eq!(tenant.get(&format!("{path}/file")).await.text, at_once, "call {call}");
        // And once more, which changes nothing.
        assert!(worker.takes(&message).await);
        assert_eq!(tenant.get(&path).await.expect(200), done);
        broken += 1;
    }
    assert!((5..40).contains(&broken), "{broken} calls");

    // Begun again and again and never ended: the fifth receive says so.
    let (message, path) = ask().await;
    for _ in 0..4 {
        // It is read and begun, and goes no further.
        faults.set(Weather::DownFrom(2));
        assert!(!worker.takes(&message).await);
        assert!(faults.end());
        assert_eq!(tenant.get(&path).await.expect(200)["status"], "running");
        tenant
            .get(&format!("{path}/file"))
            .await
            .problem(409, "export_not_done");
    }
    assert!(worker.takes(&message).await);
    let failed = tenant.get(&path).await.expect(200);
    assert_eq!(failed["status"], "failed");
    assert!(failed["error"].as_str().unwrap().contains("4 tries"), "{failed}");
    assert!(worker.takes(&message).await);
    assert_eq!(tenant.get(&path).await.expect(200), failed);

    // An occasion that comes twice, or breaks off before it is noted as sent, is one mail.
    let made = tenant
        .post(
            "/v1/report-schedules",
            json!({"report": "sales", "every": "day", "format": "csv"}),
        )
        .await
        .expect(201);
    let due: Timestamp = made["next_at"].as_str().unwrap().parse().unwrap();
    let clock = &worker.app.clock;
    clock.advance(due.duration_since(clock.now()) + SignedDuration::from_secs(1));
    let message =
        json!({"tenant": tenant.id, "type": "report_schedule_due_v1", "schedule": made["id"], "due": made["next_at"]});
    let mails = || {
        std::fs::read_dir(folder.path())
            .unwrap()
            .filter(|file| {
                let name = file.as_ref().unwrap().file_name();
                name.to_str().unwrap().starts_with("sch_")
            })
            .count()
    };
    for call in 0..60 {
        faults.set(Weather::DownFrom(call));
        let ok = worker.takes(&message).await;
        if !faults.end() {
            assert!(ok, "nothing broke");
            break;
        }
        assert!(!ok && mails() <= 1, "call {call}");
    }
    assert!(worker.takes(&message).await);
    assert_eq!(mails(), 1);
    assert!(host.stop().await);
}

/// The mails of a schedule, oldest first.
fn mails(folder: &Path, schedule: &str) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(schedule))
        .filter(|path| path.extension().is_some_and(|end| end == "eml"))
        .collect();
    names.sort();
    names
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

/// The file that is attached to a mail.
fn attached(mail: &str) -> String {
    let (_, rest) = mail.split_once("Content-Disposition: attachment;").unwrap();
    let (_, body) = rest.split_once("\r\n\r\n").unwrap();
    let (body, _) = body.split_once("\r\n--").unwrap();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(body.replace("\r\n", ""))
        .unwrap();
    String::from_utf8(bytes).unwrap()
}

async fn signed_in(anybody: &Caller, email: &str) -> Caller {
    let form = format!(
        "grant_type=password&username={email}&password={}",
        PASSWORD.replace(' ', "+")
    );
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let answer = anybody
        .send(Method::POST, "/v1/auth/token", &headers, Some(form.into_bytes()))
        .await
        .expect(200);
    anybody.with_token(answer["access_token"].as_str().unwrap())
}

/// A host of its own: setting the clock forward would let the tokens of all other tests expire.
#[tokio::test]
async fn a_report_is_mailed_each_month_until_somebody_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::default();
    let host = Host::start(tests::options(folder.path(), clock.clone())).await.unwrap();
    let anybody = Caller::at(&host.url());
    let tenant = Tenant::of(&anybody, json!({"time_zone": "Asia/Shanghai"})).await;
    // A colleague, who is gone before the first mail.
    let invitation = json!({"email": "bo@firm.example", "role": "manager", "name": "Bo"});
    tenant.post("/v1/invitations", invitation).await.expect(201);
    let token = std::fs::read_dir(folder.path())
        .unwrap()
        .filter_map(|file| std::fs::read_to_string(file.unwrap().path()).ok())
        .map(|mail| mail.replace("=\r\n", "").replace("=3D", "="))
        .find_map(|mail| {
            let rest = mail.split_once("token=it_")?.1;
            Some(
                rest.chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
                    .collect::<String>(),
            )
        })
        .unwrap();
    let welcome = anybody
        .post(
            "/v1/invitations/accept",
            json!({"token": format!("it_{token}"), "password": PASSWORD}),
        )
        .await
        .expect(201);
    let bo = anybody.with_token(welcome["access_token"].as_str().unwrap());

    let monthly = |span: &str, format: &str| json!({"report": "sales", "query": {"by": "month", "span": span}, "format": format, "every": "month", "day_of_month": 1, "hour": 6});
    let one = made(&tenant, "/v1/report-schedules", monthly("last_month", "csv")).await;
    let two = made(&tenant, "/v1/report-schedules", monthly("last_12_months", "xlsx")).await;
    // What the first mail will look at.
    let shanghai = jiff::tz::TimeZone::get("Asia/Shanghai").unwrap();
    let next = tenant.get(&format!("/v1/report-schedules/{two}")).await.expect(200);
    let next: Timestamp = next["next_at"].as_str().unwrap().parse().unwrap();
    let month = next
        .to_zoned(shanghai.clone())
        .date()
        .yesterday()
        .unwrap()
        .first_of_month();
    sold(&tenant, &month.to_string()).await;
    let his = bo
        .post("/v1/report-schedules", monthly("last_month", "csv"))
        .await
        .expect(201);
    let his = his["id"].as_str().unwrap();
    let path = |id: &str| format!("/v1/report-schedules/{id}");
    // One's own, unless one is an admin.
    bo.get(&path(&one)).await.problem(404, "not_found");
    bo.patch(&path(&one), json!({"enabled": false}))
        .await
        .problem(404, "not_found");
    assert_eq!(bo.delete(&path(&one)).await.status, 404);
    assert_eq!(
        bo.get("/v1/report-schedules").await.expect(200)["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        tenant.get("/v1/report-schedules").await.expect(200)["data"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    for (body, status) in [
        (json!({"report": "nothing", "every": "day"}), 404),
        (json!({"report": "sales", "every": "day", "query": {"by": "moon"}}), 422),
        (json!({"report": "sales", "every": "day", "hour": 24}), 422),
        (json!({"report": "sales"}), 422),
    ] {
        assert_eq!(tenant.post("/v1/report-schedules", body).await.status, status);
    }
    tenant
        .patch(&path(&one), json!({"hour": 99}))
        .await
        .problem(422, "validation_failed");
    let user = format!("/v1/users/{}", welcome["user"]["id"].as_str().unwrap());
    assert_eq!(tenant.delete(&user).await.status, 204);

    // To a minute after the next occasion, and there is the mail.
    let month_on = || async {
        let owner = signed_in(&anybody, &tenant.email).await;
        let next = owner.get(&path(&two)).await.expect(200)["next_at"]
            .as_str()
            .unwrap()
            .parse::<Timestamp>()
            .unwrap();
        clock.advance(next.duration_since(clock.now()) + SignedDuration::from_secs(61));
        next
    };
    let sent = |id: String, n: usize| {
        let folder = folder.path();
        async move {
            eventually(&format!("mail {n}"), || async {
                let found = mails(folder, &id);
                (found.len() == n).then_some(found)
            })
            .await
        }
    };
    let first = month_on().await;
    let mail = sent(one.clone(), 1).await.remove(0);
    assert!(
        mail.lines()
            .any(|line| line.starts_with("To:") && line.contains(&tenant.email)),
        "{mail}"
    );
    assert!(mail.contains("sales: 19.75 USD"), "{mail}");
    let attachment = attached(&mail);
    let totals: Vec<Vec<String>> = rows(&attachment).into_iter().filter(|row| row[0] == "total").collect();
    assert_eq!((totals.len(), totals[0][2].as_str()), (2, "USD"), "{attachment}");
    let local = first.to_zoned(shanghai);
    assert_eq!((local.day(), local.hour()), (1, 6));
    sent(two.clone(), 1).await;

    let second = month_on().await;
    assert!(second.duration_since(first).as_hours() >= 27 * 24);
    sent(one.clone(), 2).await;
    sent(two.clone(), 2).await;
    let owner = signed_in(&anybody, &tenant.email).await;
    let ended = eventually("a schedule that ended", || async {
        let his = owner.get(&path(his)).await.expect(200);
        (his["enabled"] == false).then_some(his)
    })
    .await;
    assert_eq!(ended["last_error"], "the user is deactivated");
    assert_eq!(
        (&ended["enabled"], &ended["last_error"]),
        (&json!(false), &json!("the user is deactivated"))
    );
    assert_eq!(mails(folder.path(), his).len(), 0);

    let stopped = owner.patch(&path(&one), json!({"enabled": false})).await.expect(200);
    assert!(
        stopped.get("next_at").is_none() && stopped["last_sent_at"].is_string(),
        "{stopped}"
    );
    month_on().await;
    sent(two.clone(), 3).await;
    assert_eq!(mails(folder.path(), &one).len(), 2, "none after it was disabled");
    let owner = signed_in(&anybody, &tenant.email).await;
    assert_eq!(owner.delete(&path(&two)).await.status, 204);
    owner.get(&path(&two)).await.problem(404, "not_found");
    assert!(host.stop().await);
}

#[tokio::test]
async fn a_firm_has_two_hundred_schedules_at_most_and_those_it_deleted_do_not_count() {
    let tenant = Tenant::new().await;
    let make = || {
        tenant.post(
            "/v1/report-schedules",
            json!({"report": "sales", "every": "day", "format": "csv"}),
        )
    };
    for _ in 0..3 {
        let made = make().await.expect(201);
        let path = format!("/v1/report-schedules/{}", made["id"].as_str().unwrap());
        tenant.delete(&path).await.expect(204);
    }
    for _ in 0..200 {
        make().await.expect(201);
    }
    let refused = make().await;
    refused.problem(409, "too_many_schedules");
}
