//! Imports: a file becomes records by the rules of the API, once, whatever breaks, and can be taken back.

use rapport_runtime::Clock;
use reqwest::Method;
use serde_json::{Value, json};
use tests::fault::{Faults, Weather};
use tests::worker::by_hand;
use tests::{Answer, Caller, Tenant, eventually};

const CSV: &str = "text/csv";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

async fn send(caller: &Caller, kind: &str, content_type: &str, bytes: impl Into<Vec<u8>>) -> Answer {
    let path = format!("/v1/imports?kind={kind}&name=people.csv");
    let headers = [("content-type", content_type)];
    caller.send(Method::POST, &path, &headers, Some(bytes.into())).await
}

/// A draft of a text.
async fn draft(caller: &Caller, kind: &str, text: &str) -> Value {
    send(caller, kind, CSV, text).await.expect(201)
}

fn path(import: &Value) -> String {
    format!("/v1/imports/{}", import["id"].as_str().unwrap())
}

/// The import once it is in a status that it ends in.
async fn ended(caller: &Caller, import: &Value) -> Value {
    eventually("an import that is over", || async {
        let now = caller.get(&path(import)).await.expect(200);
        let over = !matches!(now["status"].as_str(), Some("queued" | "running" | "reverting"));
        over.then_some(now)
    })
    .await
}

async fn run(caller: &Caller, import: &Value, dry_run: bool) -> Value {
    let start = json!({ "dry_run": dry_run });
    let started = caller.post(&format!("{}/start", path(import)), start).await.expect(202);
    assert_eq!(
        (&started["status"], &started["dry_run"]),
        (&json!("queued"), &json!(dry_run))
    );
    ended(caller, import).await
}

async fn all(caller: &Caller, noun: &str) -> Vec<Value> {
    let page = caller.get(&format!("/v1/{noun}?limit=200")).await.expect(200);
    page["data"].as_array().unwrap().clone()
}

/// Rows, done, created, updated, skipped, failed.
fn counts(import: &Value) -> [u64; 6] {
    ["rows", "done", "created", "updated", "skipped", "failed"].map(|name| import["counts"][name].as_u64().unwrap())
}

async fn preview(caller: &Caller, import: &Value) -> Vec<Value> {
    let answer = caller.get(&format!("{}/preview", path(import))).await.expect(200);
    answer["data"].as_array().unwrap().clone()
}

const PEOPLE: &str = "\u{feff}Name;E-mail;Phone;City;Tags;Birthday;Strange\r\n\
    Ann Li;ann@a.example;+1 415 555 2671;Berlin;vip, new;31.12.1990;x\r\n\
    \"Bob\nthe builder\";bob@a.example;;;;;\r\n\
    Carl;not an address;;;;;\r\n\
    Ann again;ANN@a.example;;Hamburg;friend;;\r\n\
    =1+1;;+1 415 555 2671;;;32.12.1990;\r\n";

#[tokio::test]
async fn a_file_of_people_is_understood_looked_at_and_written() {
    let tenant = Tenant::new().await;
    let import = draft(&tenant, "contacts", PEOPLE).await;
    assert_eq!(
        (
            &import["status"],
            &import["rows"],
            &import["encoding"],
            &import["delimiter"],
            &import["name"]
        ),
        (
            &json!("draft"),
            &json!(5),
            &json!("UTF-8"),
            &json!(";"),
            &json!("people.csv")
        ),
        "{import}"
    );
    let fields: Vec<_> = import["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| column["field"].clone())
        .collect();
    assert_eq!(
        fields,
        [
            json!("name"),
            json!("email"),
            json!("phone"),
            json!("address.city"),
            json!("tags"),
            json!("birthday"),
            Value::Null
        ]
    );
    assert_eq!(
        import["columns"][1]["samples"],
        json!(["ann@a.example", "bob@a.example", "not an address"])
    );
    assert_eq!(import["options"]["match"], "email");
    assert_eq!(import["options"]["day_order"], "dmy");

    let looked = preview(&tenant, &import).await;
    let outcomes: Vec<_> = looked
        .iter()
        .map(|row| (row["row"].as_u64().unwrap(), row["outcome"].as_str().unwrap()))
        .collect();
    let expected = [(2, "create"), (3, "create"), (4, "error"), (5, "update"), (6, "error")];
    assert_eq!(outcomes, expected, "{looked:#?}");
    assert_eq!(
        looked[0]["record"],
        json!({"name": "Ann Li", "email": "ann@a.example", "phone": "+1 415 555 2671", "tags": ["vip", "new"],
            "birthday": "1990-12-31", "addresses": [{"city": "Berlin"}]})
    );
    let fault = &looked[2]["errors"][0];
    assert_eq!(
        (&fault["column"], &fault["field"], &fault["code"]),
        (&json!(1), &json!("email"), &json!("email_malformed"))
    );
    assert_eq!(looked[4]["errors"][0]["code"], "date_malformed");
    assert_eq!(all(&tenant, "contacts").await, Vec::<Value>::new());

    // A dry run counts what would happen, writes nothing, and can be started again.
    let dry = run(&tenant, &import, true).await;
    assert_eq!((&dry["status"], &dry["dry_run"]), (&json!("draft"), &json!(true)));
    assert_eq!(counts(&dry), [5, 5, 2, 1, 0, 2], "{dry}");
    assert_eq!(all(&tenant, "contacts").await, Vec::<Value>::new());

    let done = run(&tenant, &import, false).await;
    assert_eq!((&done["status"], &done["dry_run"]), (&json!("done"), &json!(false)));
    assert_eq!(counts(&done), [5, 5, 2, 1, 0, 2], "{done}");
    let people = all(&tenant, "contacts").await;
    assert_eq!(people.len(), 2);
    let ann = people
        .iter()
        .find(|person| person["email"] == "ann@a.example" || person["email"] == "ANN@a.example")
        .unwrap();
    assert_eq!(ann["name"], "Ann again");
    assert_eq!(ann["updated_via"], "import");
    assert_eq!(ann["created_by"], tenant.user.as_str());
    assert_eq!(ann["tags"], json!(["friend", "new", "vip"]));
    assert_eq!(ann["addresses"][0]["city"], "Hamburg");
    assert_eq!(ann["birthday"], "1990-12-31");

    // The rows that failed come back as they were, with words, and without formulas.
    let errors = tenant.get(&format!("{}/errors.csv", path(&import))).await;
    assert_eq!(
        (errors.status, errors.header("content-type")),
        (200, "text/csv; charset=utf-8")
    );
    let text = errors.text.strip_prefix('\u{feff}').unwrap();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes());
    let rows: Vec<Vec<String>> = reader
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect();
    assert_eq!(
        rows[0],
        [
            "Name", "E-mail", "Phone", "City", "Tags", "Birthday", "Strange", "row", "error"
        ]
    );
    assert_eq!((rows.len(), rows[1][0].as_str(), rows[1][7].as_str()), (3, "Carl", "4"));
    assert!(rows[1][8].contains("E-mail: this is not an e-mail address"), "{rows:?}");
    assert_eq!(
        (rows[2][0].as_str(), rows[2][2].as_str()),
        ("'=1+1", "'+1 415 555 2671")
    );

    // What was started cannot be changed or started again.
    tenant
        .patch(&path(&import), json!({"mapping": {"0": null}}))
        .await
        .problem(409, "import_started");
    tenant
        .post(&format!("{}/start", path(&import)), json!({}))
        .await
        .problem(409, "import_started");
    tenant
        .post(&format!("{}/cancel", path(&import)), json!({}))
        .await
        .problem(409, "import_not_running");
    assert_eq!(tenant.get("/v1/imports").await.expect(200)["data"][0], done);
}

#[tokio::test]
async fn columns_and_options_can_be_chosen_while_it_is_a_draft() {
    let tenant = Tenant::new().await;
    let field = json!({"kind": "contact", "key": "size", "label": "Shoe size", "type": "number"});
    tenant.post("/v1/fields", field).await.expect(201);
    let import = draft(&tenant, "contacts", "a,b,Shoe size,a\nAnn,\"3,5\",\"42,5\",x\n").await;
    let columns = import["columns"].as_array().unwrap();
    assert_eq!((columns.len(), &columns[2]["field"]), (4, &json!("custom.size")));
    for (change, code) in [
        (json!({"mapping": {"9": "name"}}), "column_unknown"),
        (json!({"mapping": {"x": "name"}}), "column_unknown"),
        (json!({"mapping": {"0": "moon"}}), "field_unknown"),
        (json!({"mapping": {"0": "name", "1": "name"}}), "mapped_twice"),
        (json!({"mapping": {"0": "custom.size"}}), "mapped_twice"),
        (json!({"options": {"match": "name"}}), "not_a_choice"),
        (json!({"options": {"decimal": ";"}}), "not_a_choice"),
        (json!({"options": {"source": "e mail"}}), "key_malformed"),
        (json!({"options": {"existing": "destroy"}}), "wrong_type"),
        (json!({"colour": "red"}), "field_unknown"),
    ] {
        let answer = tenant.patch(&path(&import), change.clone()).await;
        answer.problem(422, "validation_failed");
        assert_eq!(answer.body["errors"][0]["code"], code, "{change}");
    }
    tenant
        .post(
            &format!("{}/start", path(&draft(&tenant, "contacts", "?\nx\n").await)),
            json!({}),
        )
        .await
        .problem(422, "validation_failed");
    let change = json!({"mapping": {"0": "name", "3": "external_id"}, "options": {"decimal": ",", "source": "erp", "match": "external_id"}});
    let headers = [("if-match", "\"7\"")];
    tenant
        .json(Method::PATCH, &path(&import), &headers, change.clone())
        .await
        .problem(412, "precondition_failed");
    let headers = [("if-match", "\"1\"")];
    let changed = tenant.json(Method::PATCH, &path(&import), &headers, change).await;
    assert_eq!((changed.header("etag"), &changed.body["version"]), ("\"2\"", &json!(2)));
    let row = &preview(&tenant, &import).await[0];
    let record = json!({"name": "Ann", "custom": {"size": "42.5"}, "external_ids": {"erp": "x"}});
    assert_eq!((&row["record"], &row["outcome"]), (&record, &json!("create")));

    // Every record of a preview is one that the API takes.
    tenant.post("/v1/contacts", record).await.expect(201);
    assert_eq!(preview(&tenant, &import).await[0]["outcome"], "skip");
    let keys = tenant.get("/v1/imports/fields?kind=contacts").await.expect(200);
    let key = |name: &str| {
        keys["data"]
            .as_array()
            .unwrap()
            .iter()
            .find(|field| field["key"] == name)
            .cloned()
    };
    assert_eq!(
        key("email"),
        Some(json!({"key": "email", "required": false, "type": "email", "match": true}))
    );
    let own = json!({"key": "custom.size", "required": false, "type": "number", "match": false, "label": "Shoe size"});
    assert_eq!(key("custom.size"), Some(own));
    for path in [
        "/v1/imports/fields",
        "/v1/imports/fields?kind=moons",
        "/v1/imports/fields?kind=contacts&x=1",
    ] {
        assert_eq!(tenant.get(path).await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn who_is_there_already_is_changed_left_or_doubled_as_was_chosen() {
    for (existing, expected, names) in [
        ("update", [2, 2, 1, 1, 0, 0], vec!["Ann New", "Bob"]),
        ("skip", [2, 2, 1, 0, 1, 0], vec!["Ann", "Bob"]),
        ("create", [2, 2, 2, 0, 0, 0], vec!["Ann", "Ann New", "Bob"]),
    ] {
        let tenant = Tenant::new().await;
        tenant
            .patch("/v1/settings", json!({"unique_email": false}))
            .await
            .expect(200);
        let ann = json!({"name": "Ann", "email": "ann@a.example", "phone": "+14155552671", "note": "kept"});
        tenant.post("/v1/contacts", ann).await.expect(201);
        let import = draft(&tenant, "contacts", "name,email\nAnn New,Ann@a.example\nBob,\n").await;
        tenant
            .patch(&path(&import), json!({"options": {"existing": existing}}))
            .await
            .expect(200);
        let looked = preview(&tenant, &import).await;
        let done = run(&tenant, &import, false).await;
        assert_eq!(counts(&done), expected, "{existing}: {done}");
        let outcome = |name: &str| looked.iter().filter(|row| row["outcome"] == name).count() as u64;
        assert_eq!(
            [outcome("create"), outcome("update"), outcome("skip")],
            [expected[2], expected[3], expected[4]]
        );
        let people = all(&tenant, "contacts").await;
        let mut found: Vec<_> = people.iter().map(|person| person["name"].as_str().unwrap()).collect();
        found.sort_unstable();
        assert_eq!(found, names, "{existing}");
        if existing == "update" {
            let ann = people.iter().find(|person| person["name"] == "Ann New").unwrap();
            assert_eq!(
                (&ann["note"], &ann["phone"]),
                (&json!("kept"), &json!("+14155552671")),
                "what a row leaves out stays"
            );
        }
    }
    // Whoever looks like somebody without being known by the field is a fault to be decided by a person.
    let tenant = Tenant::new().await;
    tenant
        .post("/v1/contacts", json!({"name": "Ann", "phone": "+14155552671"}))
        .await
        .expect(201);
    let import = draft(
        &tenant,
        "contacts",
        "name,phone\nAnn,+1 415 555 2671\nBea,+1 415 555 2672\nBea,+1 415 555 2672\n",
    )
    .await;
    let looked = preview(&tenant, &import).await;
    let codes: Vec<_> = looked.iter().map(|row| row["errors"][0]["code"].as_str()).collect();
    assert_eq!(codes, [Some("duplicate_suspected"), None, Some("duplicate_suspected")]);
    assert_eq!(counts(&run(&tenant, &import, true).await), [3, 3, 1, 0, 0, 2]);
    assert_eq!(counts(&run(&tenant, &import, false).await), [3, 3, 1, 0, 0, 2]);
}

/// A workbook of rows: numbers and days are such, the rest is text.
fn workbook(rows: &[&[&str]]) -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    let day = rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd");
    for (at, row) in (0..).zip(rows) {
        for (column, cell) in (0..).zip(*row) {
            match (
                cell.parse::<f64>(),
                rust_xlsxwriter::ExcelDateTime::parse_from_str(cell),
            ) {
                (Ok(number), _) => sheet.write_number(at, column, number).unwrap(),
                (_, Ok(time)) if cell.contains('-') => {
                    sheet.write_datetime_with_format(at, column, &time, &day).unwrap()
                }
                _ => sheet.write_string(at, column, *cell).unwrap(),
            };
        }
    }
    book.save_to_buffer().unwrap()
}

fn delimited(rows: &[&[&str]]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(*row).unwrap();
    }
    writer.into_inner().unwrap()
}

#[tokio::test]
async fn every_kind_is_read_from_text_and_from_a_workbook() {
    let kinds: [(&str, &[&[&str]], Value); 5] = [
        (
            "contacts",
            &[
                &["姓名", "邮箱", "手机", "生日"],
                &["李小明", "li@a.example", "4155552671", "1990-12-31"],
            ],
            json!({"name": "李小明", "email": "li@a.example", "phone": "+14155552671", "birthday": "1990-12-31"}),
        ),
        (
            "companies",
            &[
                &["Company", "Website", "Country", "Credit limit", "Terms"],
                &["Tea Ltd", "tea.example", "de", "1250.5", "30"],
            ],
            json!({"name": "Tea Ltd", "website": "https://tea.example", "country": "DE", "terms_days": 30,
                "credit_limit": {"amount": "1250.5", "currency": "USD"}}),
        ),
        (
            "leads",
            &[
                &["Name", "Company", "Email", "Value", "Currency", "Rating"],
                &["Ann", "Tea", "ann@a.example", "99.5", "eur", "Hot"],
            ],
            json!({"name": "Ann", "company_name": "Tea", "rating": "hot", "value": {"amount": "99.5", "currency": "EUR"}}),
        ),
        (
            "products",
            &[
                &["SKU", "Name", "Price", "Cost", "Stock"],
                &["T-1", "Tea", "12.5", "3", "100"],
            ],
            json!({"sku": "T-1", "name": "Tea", "price": {"amount": "12.5", "currency": "USD"}, "stock": "100"}),
        ),
        (
            "orders",
            &[
                &[
                    "Order",
                    "Date",
                    "Customer email",
                    "Customer",
                    "Product",
                    "Quantity",
                    "Unit price",
                    "Paid",
                ],
                &["77", "2026-01-02", "zoe@a.example", "Zoe", "Tea", "2", "12.5", "yes"],
                &["78", "2026-01-03", "zoe@a.example", "Zoe", "Pot", "1", "30", "no"],
                &["77", "", "", "", "Cup", "3", "1", ""],
            ],
            json!({"placed_on": "2026-01-02", "total": "28.00", "paid": "28.00", "external_ids": {"import": "77"}}),
        ),
    ];
    for (kind, rows, expected) in kinds {
        for (content_type, bytes) in [(CSV, delimited(rows)), (XLSX, workbook(rows))] {
            let tenant = Tenant::new().await;
            let import = send(&tenant, kind, content_type, bytes).await.expect(201);
            let looked = preview(&tenant, &import).await;
            assert!(
                looked.iter().all(|row| row["outcome"] == "create"),
                "{kind} {looked:#?}"
            );
            if kind == "orders" {
                let customer = json!({"key": "email", "value": "zoe@a.example"});
                assert_eq!(looked[0]["record"]["contact_ref"], customer, "{looked:#?}");
                assert_eq!(looked[0]["rows"], json!([2, 4]));
            }
            // What is shown is what the API takes.
            let other = Tenant::new().await;
            for row in &looked {
                let record = row["record"].clone();
                other.post(&format!("/v1/{kind}"), record).await.expect(201);
            }
            let done = run(&tenant, &import, false).await;
            let records = if kind == "orders" { 2 } else { 1 };
            assert_eq!(
                counts(&done),
                [rows.len() as u64 - 1, rows.len() as u64 - 1, records, 0, 0, 0],
                "{kind} {done}"
            );
            let found = all(&tenant, kind).await;
            assert_eq!(found.len() as u64, records, "{kind}");
            let record = found
                .iter()
                .find(|one| kind != "orders" || one["external_ids"]["import"] == "77")
                .unwrap();
            for (name, value) in expected.as_object().unwrap() {
                assert_eq!(&record[name], value, "{kind} {content_type} {name} of {record:#}");
            }
            assert_eq!(record["updated_via"], "import");
            if kind == "orders" {
                let people = all(&tenant, "contacts").await;
                assert_eq!(
                    (people.len(), &people[0]["name"], &people[0]["email"]),
                    (1, &json!("Zoe"), &json!("zoe@a.example"))
                );
                assert!(found.iter().all(|order| order["contact_id"] == people[0]["id"]));
                assert_eq!(record["lines"].as_array().unwrap().len(), 2);
            }
            // The same file again finds what it made.
            let again = send(&tenant, kind, CSV, delimited(rows)).await.expect(201);
            let again = run(&tenant, &again, false).await;
            assert_eq!(
                (&again["counts"]["created"], &again["counts"]["failed"]),
                (&json!(0), &json!(0)),
                "{kind} {again}"
            );
            assert_eq!(all(&tenant, kind).await.len() as u64, records, "{kind}");
        }
    }
}

#[tokio::test]
async fn cards_of_contacts_are_read() {
    let tenant = Tenant::new().await;
    let cards = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann Li\r\nN:Li;Ann;;;\r\nEMAIL;TYPE=work:ann@a.example\r\nTEL:+1 415\r\n  555 2671\r\n\
        ADR;TYPE=home:;;1 High St\\, left;Berlin;;10115;DE\r\nBDAY:19901231\r\nNOTE:a\\nb\r\nEND:VCARD\r\n\
        BEGIN:VCARD\r\nVERSION:2.1\r\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=E6=9D=8E=E5=B0=8F=\r\n=E6=98=8E\r\nEND:VCARD\r\n";
    let import = send(&tenant, "contacts", "text/vcard", cards).await.expect(201);
    assert_eq!((&import["format"], &import["rows"]), (&json!("vcard"), &json!(2)));
    assert_eq!(counts(&run(&tenant, &import, false).await), [2, 2, 2, 0, 0, 0]);
    let people = all(&tenant, "contacts").await;
    let ann = people.iter().find(|person| person["name"] == "Ann Li").unwrap();
    assert_eq!(
        (&ann["phone"], &ann["birthday"], &ann["note"]),
        (&json!("+14155552671"), &json!("1990-12-31"), &json!("a\nb"))
    );
    assert_eq!(ann["addresses"][0]["street"], "1 High St, left");
    assert!(people.iter().any(|person| person["name"] == "李小明"), "{people:?}");
}

#[tokio::test]
async fn a_file_of_several_pages_is_written_to_its_end_and_taken_back_to_its_start() {
    let tenant = Tenant::new().await;
    let lines: String = (0..220).map(|n| format!("Q{n},q{n}@a.example\n")).collect();
    let import = draft(&tenant, "leads", &format!("name,email\n{lines}")).await;
    assert_eq!(counts(&run(&tenant, &import, false).await), [220, 220, 220, 0, 0, 0]);
    assert_eq!(all(&tenant, "leads").await.len(), 200);
    let revert = format!("{}/revert", path(&import));
    tenant.post(&revert, json!({})).await.expect(202);
    let back = ended(&tenant, &import).await;
    assert_eq!(
        (&back["status"], &back["counts"]["reverted"]),
        (&json!("reverted"), &json!(220))
    );
    assert_eq!(all(&tenant, "leads").await.len(), 0);
}

#[tokio::test]
async fn what_an_import_wrote_is_taken_back_but_for_what_was_changed_since() {
    let tenant = Tenant::new().await;
    let make = |name: &'static str, email: &'static str| {
        let body = json!({"name": name, "email": email, "title": "Ms", "tags": ["old"]});
        async { tenant.post("/v1/contacts", body).await.expect(201) }
    };
    let (ann, bea) = (make("Ann", "ann@a.example").await, make("Bea", "bea@a.example").await);
    let text = "name,email,title,tags\nAnna,ann@a.example,Dr,new\nBeate,bea@a.example,Dr,new\nCleo,cleo@a.example,Dr,new\nAnnabel,ann@a.example,,\n";
    let import = draft(&tenant, "contacts", text).await;
    tenant
        .post(&format!("{}/revert", path(&import)), json!({}))
        .await
        .problem(409, "import_not_over");
    assert_eq!(counts(&run(&tenant, &import, false).await), [4, 4, 1, 3, 0, 0]);
    // Somebody gives Bea another title meanwhile.
    let of = |contact: &Value| format!("/v1/contacts/{}", contact["id"].as_str().unwrap());
    tenant.patch(&of(&bea), json!({"title": "Prof"})).await.expect(200);
    let reverting = tenant
        .post(&format!("{}/revert", path(&import)), json!({}))
        .await
        .expect(202);
    assert_eq!(reverting["status"], "reverting");
    let back = ended(&tenant, &import).await;
    assert_eq!(back["status"], "reverted");
    assert_eq!(
        (&back["counts"]["reverted"], &back["counts"]["kept"]),
        (&json!(3), &json!(1)),
        "{back}"
    );
    assert_eq!(counts(&back), [4, 4, 1, 3, 0, 0], "what it did is still told");
    let now = tenant.get(&of(&ann)).await.expect(200);
    for field in ["name", "title", "tags", "email"] {
        assert_eq!(now[field], ann[field], "{field}");
    }
    let now = tenant.get(&of(&bea)).await.expect(200);
    assert_eq!(
        (&now["name"], &now["title"], &now["tags"]),
        (&json!("Bea"), &json!("Prof"), &json!(["old"]))
    );
    assert_eq!(all(&tenant, "contacts").await.len(), 2);
    tenant
        .post(&format!("{}/revert", path(&import)), json!({}))
        .await
        .problem(409, "import_not_over");

    // An order takes the customer with it that came with it, unless he bought more since.
    let text = "number,customer email,amount\n1,new@a.example,10\n2,more@a.example,10\n";
    let import = draft(&tenant, "orders", text).await;
    assert_eq!(counts(&run(&tenant, &import, false).await), [2, 2, 2, 0, 0, 0]);
    let people = all(&tenant, "contacts").await;
    let more = people
        .iter()
        .find(|person| person["email"] == "more@a.example")
        .unwrap();
    let order = json!({"contact_id": more["id"], "lines": [{"name": "Tea", "unit_price": "1"}]});
    tenant.post("/v1/orders", order).await.expect(201);
    tenant
        .post(&format!("{}/revert", path(&import)), json!({}))
        .await
        .expect(202);
    let back = ended(&tenant, &import).await;
    assert_eq!(
        (&back["counts"]["reverted"], &back["counts"]["kept"]),
        (&json!(3), &json!(1)),
        "{back}"
    );
    assert_eq!(
        (all(&tenant, "contacts").await.len(), all(&tenant, "orders").await.len()),
        (3, 1)
    );

    tenant.delete(&path(&import)).await.expect(204);
    for below in ["", "/preview", "/errors.csv"] {
        tenant
            .get(&format!("{}{below}", path(&import)))
            .await
            .problem(404, "not_found");
    }
}

#[tokio::test]
async fn files_that_cannot_be_taken_are_refused_in_words() {
    let tenant = Tenant::new().await;
    let wide = vec!["x"; 100_000].join(",");
    let long = "x\n".repeat(20_002);
    for (kind, content_type, bytes, status, code) in [
        ("contacts", CSV, b"".to_vec(), 422, "file_empty"),
        ("contacts", CSV, b"name,email\r\n".to_vec(), 422, "file_empty"),
        ("contacts", CSV, b"\n\n ,, \n".to_vec(), 422, "file_empty"),
        ("contacts", CSV, b"a\0b\0\n".to_vec(), 422, "file_unreadable"),
        (
            "contacts",
            CSV,
            format!("{wide}\n{wide}\n").into_bytes(),
            422,
            "too_many_columns",
        ),
        ("contacts", CSV, long.into_bytes(), 422, "too_many_rows"),
        (
            "contacts",
            XLSX,
            b"PK\x03\x04 and so on".to_vec(),
            422,
            "file_unreadable",
        ),
        (
            "contacts",
            XLSX,
            vec![0xd0, 0xcf, 0x11, 0xe0, 1, 2],
            422,
            "file_unreadable",
        ),
    ] {
        let answer = send(&tenant, kind, content_type, bytes).await;
        answer.problem(status, "validation_failed");
        assert_eq!(answer.body["errors"][0]["code"], code, "{}", answer.text);
    }
    send(&tenant, "contacts", CSV, vec![b'x'; 4 * 1024 * 1024 + 1])
        .await
        .problem(413, "too_large");
    send(&tenant, "contacts", "application/json", "{}")
        .await
        .problem(415, "unsupported_media_type");
    send(&tenant, "moons", CSV, "a\nb\n").await.problem(400, "malformed");
    assert_eq!(tenant.get("/v1/imports").await.expect(200)["data"], json!([]));
}

#[tokio::test]
async fn an_import_needs_the_permission_for_what_it_writes_and_is_its_tenants_own() {
    let tenant = Tenant::new().await;
    let key = |scopes: Value| {
        let tenant = &tenant;
        async move {
            let key = tenant
                .post("/v1/api-keys", json!({"name": "k", "scopes": scopes}))
                .await
                .expect(201);
            tenant.with_token(key["secret"].as_str().unwrap())
        }
    };
    let text = "name\nAnn\n";
    let import = draft(&tenant, "contacts", text).await;
    let products = key(json!(["imports:write", "products:write"])).await;
    send(&products, "contacts", CSV, text).await.problem(403, "forbidden");
    send(&products, "products", CSV, text).await.expect(201);
    products.get(&path(&import)).await.problem(403, "forbidden");
    assert_eq!(
        products.get("/v1/imports").await.expect(200)["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    products
        .get("/v1/imports/fields?kind=contacts")
        .await
        .problem(403, "forbidden");
    let reader = key(json!(["imports:read", "contacts:write"])).await;
    reader.get(&format!("{}/preview", path(&import))).await.expect(200);
    reader
        .post(&format!("{}/start", path(&import)), json!({}))
        .await
        .problem(403, "forbidden");
    let writer = key(json!(["imports:write", "contacts:read"])).await;
    for (method, below, body) in [
        (Method::POST, "/start", json!({})),
        (Method::POST, "/cancel", json!({})),
        (Method::POST, "/revert", json!({})),
        (Method::PATCH, "", json!({})),
        (Method::DELETE, "", json!({})),
    ] {
        let path = format!("{}{below}", path(&import));
        writer.json(method, &path, &[], body).await.problem(403, "forbidden");
    }
    let other = Tenant::new().await;
    assert_eq!(other.get("/v1/imports").await.expect(200)["data"], json!([]));
    for below in ["", "/preview", "/errors.csv"] {
        other
            .get(&format!("{}{below}", path(&import)))
            .await
            .problem(404, "not_found");
    }
}

#[tokio::test]
async fn whatever_breaks_no_row_is_written_twice_and_all_can_be_taken_back() {
    let (folder, faults) = (tempfile::tempdir().unwrap(), Faults::default());
    let (host, worker) = by_hand(
        folder.path(),
        "import-rows",
        import_rows::function(),
        Clock::default(),
        &faults,
    )
    .await;
    let anybody = Caller::at(&host.url());
    let text = "number,customer email,product,amount\n1,a@a.example,Tea,10\n2,a@a.example,Tea,20\n1,,Pot,5\n";
    let weathers: [fn(u32) -> Weather; 3] = [Weather::DownFrom, Weather::LostThenDown, Weather::LostOnce];
    let mut broken = 0;
    for weather in weathers {
        for call in (0..60).step_by(3) {
            let tenant = Tenant::of(&anybody, json!({})).await;
            let import = draft(&tenant, "orders", text).await;
            tenant
                .post(&format!("{}/start", path(&import)), json!({}))
                .await
                .expect(202);
            let message =
                json!({"tenant": tenant.id, "type": "import_rows_v1", "import": import["id"], "run": 1, "page": 0});
            faults.set(weather(call));
            worker.takes(&message).await;
            let struck = faults.end();
            // It comes again, and once more for nothing, and beside itself.
            assert!(worker.takes(&message).await, "{call}");
            let (one, other) = tokio::join!(worker.takes(&message), worker.takes(&message));
            assert!(one && other);
            let done = tenant.get(&path(&import)).await.expect(200);
            assert_eq!(
                (&done["status"], counts(&done)),
                (&json!("done"), [3, 3, 2, 0, 0, 0]),
                "{call}: {done}"
            );
            let (orders, people) = (all(&tenant, "orders").await, all(&tenant, "contacts").await);
            assert_eq!((orders.len(), people.len()), (2, 1), "{call}");

            let reverting = tenant
                .post(&format!("{}/revert", path(&import)), json!({}))
                .await
                .expect(202);
            assert_eq!(reverting["status"], "reverting");
            let message = json!({"tenant": tenant.id, "type": "import_revert_v1", "import": import["id"], "page": 0, "before": null});
            faults.set(weather(call));
            worker.takes(&message).await;
            let _ = faults.end();
            assert!(worker.takes(&message).await, "{call}");
            assert!(worker.takes(&message).await, "{call}");
            let back = tenant.get(&path(&import)).await.expect(200);
            assert_eq!(
                (&back["status"], &back["counts"]["reverted"]),
                (&json!("reverted"), &json!(3)),
                "{call}: {back}"
            );
            assert_eq!(
                (all(&tenant, "orders").await.len(), all(&tenant, "contacts").await.len()),
                (0, 0),
                "{call}"
            );
            if !struck {
                break;
            }
            broken += 1;
        }
    }
    assert!(broken > 20, "{broken}");

    // Two workers at once on a fresh page.
    let tenant = Tenant::of(&anybody, json!({})).await;
    let people: String = (0..40).map(|n| format!("P{n},p{n}@a.example\n")).collect();
    let import = draft(&tenant, "contacts", &format!("name,email\n{people}")).await;
    tenant
        .post(&format!("{}/start", path(&import)), json!({}))
        .await
        .expect(202);
    let message = json!({"tenant": tenant.id, "type": "import_rows_v1", "import": import["id"], "run": 1, "page": 0});
    let (one, other) = tokio::join!(worker.takes(&message), worker.takes(&message));
    assert!(one || other);
    assert!(worker.takes(&message).await);
    assert_eq!(all(&tenant, "contacts").await.len(), 40);
    assert_eq!(
        counts(&tenant.get(&path(&import)).await.expect(200)),
        [40, 40, 40, 0, 0, 0]
    );

    // Stopped amid pages: what was written is counted, what comes late writes nothing, and all of it goes back.
    let people: String = (0..250).map(|n| format!("Q{n},q{n}@a.example\n")).collect();
    let import = draft(&tenant, "contacts", &format!("name,email\n{people}")).await;
    tenant
        .post(&format!("{}/start", path(&import)), json!({}))
        .await
        .expect(202);
    let page = |page: u32| json!({"tenant": tenant.id, "type": "import_rows_v1", "import": import["id"], "run": 1, "page": page});
    assert!(worker.takes(&page(0)).await);
    let running = tenant.get(&path(&import)).await.expect(200);
    assert_eq!(
        (&running["status"], running["finished_at"].is_null()),
        (&json!("running"), true)
    );
    faults.set(Weather::DownFrom(60));
    assert!(!worker.takes(&page(1)).await);
    assert!(faults.end());
    let stopped = tenant
        .post(&format!("{}/cancel", path(&import)), json!({}))
        .await
        .expect(202);
    assert_eq!(stopped["status"], "cancelled");
    assert!(worker.takes(&page(1)).await && worker.takes(&page(2)).await);
    let stopped = tenant.get(&path(&import)).await.expect(200);
    let written = stopped["counts"]["created"].as_u64().unwrap();
    assert!((101..200).contains(&written), "{stopped}");
    assert_eq!(all(&tenant, "contacts").await.len() as u64, (40 + written).min(200));
    tenant
        .post(&format!("{}/revert", path(&import)), json!({}))
        .await
        .expect(202);
    let mut before = Value::Null;
    for page in 0..3 {
        let message = json!({"tenant": tenant.id, "type": "import_revert_v1", "import": import["id"], "page": page, "before": before});
        assert!(worker.takes(&message).await);
        let place = u64::try_from(page).unwrap() + 1;
        before = json!(format!("{:06}#2", written + 2 - (place * 100).min(written)));
    }
    let back = tenant.get(&path(&import)).await.expect(200);
    assert_eq!(
        (&back["status"], &back["counts"]["reverted"]),
        (&json!("reverted"), &json!(written)),
        "{back}"
    );
    assert_eq!(all(&tenant, "contacts").await.len(), 40);

    // Begun again and again and never ended: somebody is left to say so.
    let import = draft(&tenant, "contacts", "name\nZoe\n").await;
    tenant
        .post(&format!("{}/start", path(&import)), json!({}))
        .await
        .expect(202);
    let message = json!({"tenant": tenant.id, "type": "import_rows_v1", "import": import["id"], "run": 1, "page": 0});
    for _ in 0..4 {
        // It is read and begun, and goes no further.
        faults.set(Weather::DownFrom(3));
        assert!(!worker.takes(&message).await);
        assert!(faults.end());
    }
    assert!(worker.takes(&message).await);
    let failed = tenant.get(&path(&import)).await.expect(200);
    assert_eq!(failed["status"], "failed", "{failed}");
    assert!(failed["error"].as_str().unwrap().contains("4 tries"), "{failed}");
    assert!(host.stop().await);
}
