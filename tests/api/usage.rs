//! Plans and what is used of them: limits, counts that are exact whatever happens to answers, billing records, the status
//! of accounts, and that `Rapport-Cost` is what the store itself says.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rapport_domain::TenantId;
use rapport_domain::account::Status;
use rapport_domain::plan::{Limit, Plan};
use rapport_domain::usage::{Counts, Tally, begin_of, day_of, month_end};
use rapport_host::Host;
use rapport_host::engine::{self, InProcess};
use rapport_http::Access;
use rapport_runtime::{Clock, Meter};
use rapport_store::usage::Settlement;
use rapport_store::{Store, TableNames};
use reqwest::Method;
use serde_json::{Value, json};
use tests::recorder::{Call, Recorder};
use tests::{Answer, Caller, PASSWORD, Tenant, eventually, unique};

const USAGE: &str = "UsageTable";

/// A service on which firms begin with the trial plan, and its store.
struct World {
    host: Host,
    clock: Clock,
    recorder: Recorder,
    store: Store,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        Self::on("trial").await
    }

    async fn on(plan: &str) -> Self {
        let (folder, clock, recorder) = (tempfile::tempdir().unwrap(), Clock::default(), Recorder::default());
        // Noon: no test meets the end of a day that does not mean to.
        let now = clock.now();
        let noon = begin_of(day_of(now).tomorrow().unwrap()) + SignedDuration::from_hours(12);
        clock.advance(noon.duration_since(now));
        let mut options = tests::options(folder.path(), clock.clone());
        options.environment.insert("SIGNUP_PLAN".to_owned(), plan.to_owned());
        options.functions = recorder.between(options.functions);
        let host = Host::start(options).await.unwrap();
        let store = store(engine::dynamodb(InProcess::tables(Arc::clone(host.engine()))));
        Self {
            host,
            clock,
            recorder,
            store,
            _folder: folder,
        }
    }

    async fn tenant(&self) -> (Tenant, TenantId) {
        let tenant = Tenant::of(&Caller::at(&self.host.url()), json!({})).await;
        let id = TenantId::parse(&tenant.id).unwrap();
        (tenant, id)
    }

    /// Signs the owner in again: the clock may have been set forward.
    async fn again(&self, tenant: &Tenant) -> Caller {
        let body = json!({"grant_type": "password", "username": tenant.email, "password": PASSWORD});
        let tokens = Caller::at(&self.host.url())
            .post("/v1/auth/token", body)
            .await
            .expect(200);
        tenant.with_token(tokens["access_token"].as_str().unwrap())
    }

    /// Another process of the service, and a recorder of its own.
    fn process(&self) -> (Meter, Store, Recorder) {
        let recorder = Recorder::default();
        let client = engine::dynamodb(InProcess::tables(Arc::clone(self.host.engine())));
        (Meter::default(), store(recorder.client("process", &client)), recorder)
    }

    /// Counts as if another process had told of them.
    async fn told(&self, tenant: TenantId, counts: Counts) {
        let now = self.clock.now();
        let settlement = Settlement {
            day: day_of(now),
            counts,
            name: unique("p"),
            mark: 1,
            bucket: None,
            forgotten: Vec::new(),
        };
        self.store.settle_usage(tenant, &settlement).await.unwrap();
    }

    async fn become_status(&self, tenant: TenantId, status: Status) {
        let rules = self.store.fresh_rules(tenant).await.unwrap();
        let mut account = (*rules.account).clone();
        account.become_status(status, self.clock.now()).unwrap();
        account.suspended_because = (status == Status::Suspended).then(|| "the bill is unpaid".to_owned());
        self.store
            .put_account(tenant, &account, rules.account_version, &unique("request"))
            .await
            .unwrap();
    }

    async fn move_to(&self, tenant: TenantId, plan: Plan) {
        let rules = self.store.fresh_rules(tenant).await.unwrap();
        let mut account = (*rules.account).clone();
        account.move_to(plan, self.clock.now());
        self.store
            .put_account(tenant, &account, rules.account_version, &unique("request"))
            .await
            .unwrap();
    }
}

fn store(client: aws_sdk_dynamodb::Client) -> Store {
    let name = |variable: &str| match variable {
        "TABLE_USAGE" => Some(USAGE.to_owned()),
        "TABLE_IDENTITY" => Some("IdentityTable".to_owned()),
        _ => None,
    };
    Store::new(client, TableNames::read(name), &[0; 32])
}

fn calls(calls: u64) -> Counts {
    Counts {
        calls,
        ..Counts::default()
    }
}

fn limit<'a>(usage: &'a Value, name: &str) -> &'a Value {
    let limits = usage["limits"].as_array().unwrap();
    limits.iter().find(|limit| limit["name"] == name).unwrap()
}

/// A number of a header such as `"minute";r=9;t=1, "month";r=5;t=7`.
fn figure(answer: &Answer, header: &str, policy: &str, name: &str) -> u64 {
    let text = answer.header(header);
    let item = text
        .split(", ")
        .find(|item| item.starts_with(&format!("\"{policy}\";")));
    let figure = item.and_then(|item| item.split(';').find_map(|part| part.strip_prefix(&format!("{name}="))));
    figure.unwrap_or_else(|| panic!("{header}: {text}")).parse().unwrap()
}

/// The smallest body of each kind.
fn smallest(plural: &str) -> Value {
    match plural {
        "orders" => {
            json!({"currency": "USD", "lines": [{"name": "Tea", "quantity": "1", "unit_price": "1.00"}]})
        }
        "tickets" => json!({"subject": "Help"}),
        "products" => json!({"sku": unique("sku"), "name": "Tea", "price": {"amount": "1.00", "currency": "USD"}}),
        _ => json!({"name": unique("Somebody ")}),
    }
}

#[tokio::test]
async fn records_of_each_kind_end_where_the_plan_does() {
    let world = World::new().await;
    let (tenant, id) = world.tenant().await;
    for (plural, noun) in [
        ("contacts", "contact"),
        ("companies", "company"),
        ("leads", "lead"),
        ("products", "product"),
        ("orders", "order"),
        ("tickets", "ticket"),
    ] {
        let path = format!("/v1/{plural}");
        let made = tenant.post(&path, smallest(plural)).await.expect(201);
        let allowed = Plan::Trial.allows(Limit::of(noun).unwrap());
        let now = world.clock.now();
        let tally = |count, at| Tally { count, bytes: 0, at };
        // A count of a moment that is still to come: none of the real ones replaces it.
        let soon = now + SignedDuration::from_hours(1);
        world
            .store
            .keep_tally(id, noun, tally(allowed - 1, soon))
            .await
            .unwrap();
        world.clock.advance(SignedDuration::from_secs(6));
        tenant.post(&path, smallest(plural)).await.expect(201);
        // This process knows what it made, long before it is counted.
        let refused = tenant.post(&path, smallest(plural)).await;
        refused.problem(402, "plan_limit");
        let told = &refused.body["limit"];
        assert_eq!(
            (
                told["name"].as_str(),
                told["plan"].as_str(),
                told["allowed"].as_u64(),
                told["used"].as_u64(),
                told["plan_with_more"].as_str()
            ),
            (
                Some(plural),
                Some("trial"),
                Some(allowed),
                Some(allowed),
                Some("starter")
            ),
            "{refused:?}"
        );
        let batch = json!({"operation": "create", "inputs": [smallest(plural), smallest(plural)]});
        let results = tenant.post(&format!("{path}/batch"), batch).await.expect(207);
        assert_eq!(results["results"][0]["error"]["code"], "plan_limit", "{results}");
        let upserted = tenant
            .put(&format!("{path}/by/erp/{}", unique("e")), smallest(plural))
            .await;
        upserted.problem(402, "plan_limit");
        // What is there can be changed, deleted, and only then restored once there is room.
        let one = format!("{path}/{}", made["id"].as_str().unwrap());
        tenant.patch(&one, json!({"tags": ["kept"]})).await.expect(200);
        assert_eq!(tenant.delete(&one).await.status, 204);
        tenant
            .post(&format!("{one}/restore"), json!({}))
            .await
            .problem(402, "plan_limit");
        world
            .store
            .keep_tally(id, noun, tally(allowed - 2, soon + SignedDuration::from_secs(1)))
            .await
            .unwrap();
        world.clock.advance(SignedDuration::from_secs(6));
        tenant.post(&format!("{one}/restore"), json!({})).await.expect(200);
    }
    world.move_to(id, Plan::Starter).await;
    tenant.post("/v1/contacts", smallest("contacts")).await.expect(201);
}

#[tokio::test]
async fn records_are_counted_with_their_bytes() {
    let world = World::new().await;
    let (tenant, id) = world.tenant().await;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(tenant.post("/v1/contacts", smallest("contacts")).await.expect(201));
    }
    let counted = |count: u64| {
        let (world, tenant) = (&world, &tenant);
        async move {
            world.clock.advance(SignedDuration::from_secs(3));
            let usage = tenant.get("/v1/usage").await.expect(200);
            let used = &limit(&usage, "contacts")["used"];
            assert_eq!(usage["days"].as_array().unwrap().last().unwrap()["records"], *used);
            (*used == count).then_some(usage)
        }
    };
    let usage = eventually("three contacts", || counted(3)).await;
    assert_eq!(limit(&usage, "contacts")["left"], 997);
    let bytes = limit(&usage, "storage_bytes")["used"].as_u64().unwrap();
    assert!((1..=16_384).contains(&bytes), "{bytes}");
    let one = format!("/v1/contacts/{}", made[0]["id"].as_str().unwrap());
    assert_eq!(tenant.delete(&one).await.status, 204);
    eventually("two contacts", || counted(2)).await;
    tenant.post(&format!("{one}/restore"), json!({})).await.expect(200);
    eventually("three contacts again", || counted(3)).await;
    // Bytes have a limit of their own.
    let heavy = Tally {
        count: 3,
        bytes: Plan::Trial.allows(Limit::StorageBytes),
        at: world.clock.now() + SignedDuration::from_hours(1),
    };
    world.store.keep_tally(id, "contact", heavy).await.unwrap();
    world.clock.advance(SignedDuration::from_secs(6));
    let refused = tenant.post("/v1/leads", smallest("leads")).await;
    refused.problem(402, "plan_limit");
    assert_eq!(refused.body["limit"]["name"], "storage_bytes");
}

#[tokio::test]
async fn users_and_mails_end_where_the_plan_does() {
    let world = World::new().await;
    let (tenant, id) = world.tenant().await;
    let invite = || async {
        let body = json!({"email": format!("{}@firm.example", unique("user")), "role": "agent"});
        tenant.post("/v1/invitations", body).await
    };
    let first = invite().await.expect(201);
    invite().await.expect(201);
    let refused = invite().await;
    refused.problem(402, "plan_limit");
    assert_eq!(refused.body["limit"]["name"], "users");
    let usage = tenant.get("/v1/usage").await.expect(200);
    assert_eq!(
        (
            limit(&usage, "users")["used"].as_u64(),
            limit(&usage, "mails_per_month")["used"].as_u64()
        ),
        (Some(3), Some(2))
    );
    let revoked = tenant
        .delete(&format!("/v1/invitations/{}", first["id"].as_str().unwrap()))
        .await;
    assert_eq!(revoked.status, 204);
    let all = Plan::Trial.allows(Limit::MailsPerMonth);
    world
        .told(
            id,
            Counts {
                mails: all,
                ..Counts::default()
            },
        )
        .await;
    world.clock.advance(SignedDuration::from_secs(61));
    let refused = invite().await;
    refused.problem(402, "plan_limit");
    assert_eq!(refused.body["limit"]["name"], "mails_per_month");
}

/// All calls until workers have nothing more to do.
async fn quiet(world: &World) -> Vec<Call> {
    let (mut calls, mut still) = (Vec::new(), 0);
    while still < 8 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let more = world.recorder.take();
        // That timers are looked for is nobody's work.
        still = if more.iter().all(|call| call.function == "timers") {
            still + 1
        } else {
            0
        };
        calls.extend(more);
    }
    calls
}

#[tokio::test]
async fn what_workers_do_is_counted_to_the_firm_that_it_is_done_for() {
    let world = World::new().await;
    let (tenant, _) = world.tenant().await;
    quiet(&world).await;
    // What this call costs is counted after it has answered.
    let before = tenant.get("/v1/usage").await.expect(200);
    let contact = tenant.post("/v1/contacts", smallest("contacts")).await.expect(201);
    let order = json!({"contact_id": contact["id"], "currency": "USD", "status": "fulfilled",
        "lines": [{"name": "Tea", "unit_price": "5"}]});
    tenant.post("/v1/orders", order).await.expect(201);
    tenant.post("/v1/leads", smallest("leads")).await.expect(201);
    let calls = quiet(&world).await;
    let after = tenant.get("/v1/usage").await.expect(200);
    // The service's own bookkeeping is nobody's; counting records is work as any other.
    let paid = |call: &&Call| match call.function.as_str() {
        "timers" => false,
        "usage-counts" => true,
        "usage" => call.operation != "UpdateItem",
        _ => !call.touches(USAGE),
    };
    let consumed = |call: &Call| call.consumed.iter().map(|(_, units)| units).sum::<f64>();
    let units: f64 = calls.iter().filter(paid).map(consumed).sum();
    let of_workers = calls
        .iter()
        .filter(paid)
        .filter(|call| !["contacts", "orders", "leads", "usage"].contains(&&*call.function));
    assert!(of_workers.map(consumed).sum::<f64>() > 20.0);
    let more = |name: &str| after["totals"][name].as_f64().unwrap() - before["totals"][name].as_f64().unwrap();
    let counted = more("read_units") + more("write_units");
    // But for a look at what other processes told.
    assert!((counted - units).abs() < 1.0, "{counted} counted, {units} consumed");
    assert!(more("messages") >= 3.0, "{after}");
    assert_eq!(more("calls"), 4.0);
}

#[tokio::test]
async fn what_forms_post_and_respondents_open_is_the_firms_use() {
    let world = World::new().await;
    let (tenant, id) = world.tenant().await;
    let anybody = Caller::at(&world.host.url());
    let source = tenant
        .post("/v1/webhook-sources", json!({"kind": "generic", "name": "Form"}))
        .await
        .expect(201);
    let url = source["url"].as_str().unwrap();
    let hook = url[url.find("/hooks/").unwrap()..].to_owned();
    let used = || async {
        let usage = tenant.get("/v1/usage").await.expect(200);
        (
            limit(&usage, "calls_per_month")["used"].as_u64().unwrap(),
            usage["totals"]["write_units"].as_f64().unwrap(),
        )
    };
    let post = |n: u64| {
        let (anybody, hook) = (&anybody, &hook);
        async move {
            anybody
                .post(hook, json!({"name": "Ann", "email": format!("ann{n}@form.example")}))
                .await
        }
    };
    let before = used().await;
    for n in 0..3 {
        let answer = post(n).await;
        assert_eq!(
            (answer.status, answer.header("ratelimit")),
            (202, ""),
            "how the firm stands is nobody's business"
        );
    }
    let after = used().await;
    assert_eq!(after.0 - before.0, 4, "three and the question itself");
    assert!(after.1 - before.1 >= 6.0, "{before:?} {after:?}");
    // A token that is none is nobody's.
    anybody
        .post("/hooks/nonsense", json!({}))
        .await
        .problem(404, "not_found");
    assert_eq!(used().await.0 - after.0, 1);

    // A minute's calls are used up: a program comes again.
    let (meter, store, _) = world.process();
    let now = world.clock.now();
    meter.learn(&store, id, now).await;
    while meter.take(id, Plan::Trial, false, now).is_ok() {}
    meter.count(id, calls(200), now);
    meter.settle_all(&store, now).await;
    // What was told is looked at once in a while.
    world.clock.advance(SignedDuration::from_millis(1));
    let mut refused = post(3).await;
    for _ in 0..100 {
        if refused.status == 429 {
            break;
        }
        refused = post(3).await;
    }
    refused.problem(429, "too_many_requests");
    assert_eq!(refused.body["limit"]["name"], "calls_per_minute");
    let wait: i64 = refused.header("retry-after").parse().unwrap();
    world.clock.advance(SignedDuration::from_secs(wait.max(61)));
    assert_eq!(post(4).await.status, 202);
    // A month's are: what is not taken now would be lost.
    let all = Plan::Trial.allows(Limit::CallsPerMonth);
    world.told(id, calls(all)).await;
    world.clock.advance(SignedDuration::from_secs(61));
    let owner = world.again(&tenant).await;
    owner.get("/v1/leads").await.problem(429, "too_many_requests");
    assert_eq!(post(5).await.status, 202);
}

#[tokio::test]
async fn calls_of_a_minute_run_out_and_come_back() {
    let world = World::new().await;
    let (tenant, id) = world.tenant().await;
    // Another process has given out all there was.
    let (meter, store, _) = world.process();
    let now = world.clock.now();
    meter.learn(&store, id, now).await;
    let mut taken = 0;
    while meter.take(id, Plan::Trial, false, now).is_ok() {
        taken += 1;
    }
    assert_eq!(taken, Plan::Trial.allows(Limit::CallsPerMinute));
    // And, together with others, more than that: twenty seconds' worth.
    meter.count(id, calls(200), now);
    meter.settle_all(&store, now).await;
    let refused = tenant.get("/v1/leads").await;
    refused.problem(429, "too_many_requests");
    assert_eq!(refused.body["limit"]["name"], "calls_per_minute");
    assert_eq!(refused.body["limit"]["plan_with_more"], "starter");
    let wait: i64 = refused.header("retry-after").parse().unwrap();
    assert!((10..=21).contains(&wait), "{wait}");
    assert_eq!(figure(&refused, "ratelimit", "minute", "r"), 0);
    assert_eq!(figure(&refused, "ratelimit-policy", "minute", "q"), 600);
    // Whoever reached a limit can see which.
    let usage = tenant.get("/v1/usage").await.expect(200);
    assert_eq!(limit(&usage, "calls_per_minute")["left"], 0);
    world.clock.advance(SignedDuration::from_secs(wait));
    let answer = tenant.get("/v1/leads").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(
        figure(&answer, "ratelimit", "minute", "r") < 300,
        "{}",
        answer.header("ratelimit")
    );
    world.clock.advance(SignedDuration::from_secs(61));
    let full = figure(&tenant.get("/v1/leads").await, "ratelimit", "minute", "r");
    // But for the calls that were told of late.
    assert!((590..=600).contains(&full), "{full}");
}

#[tokio::test]
async fn calls_of_a_month_run_out_until_the_next() {
    let world = World::new().await;
    let (tenant, id) = world.tenant().await;
    let allowed = Plan::Trial.allows(Limit::CallsPerMonth);
    world
        .told(
            id,
            Counts {
                calls: allowed - 1,
                ..Counts::default()
            },
        )
        .await;
    let last = tenant.get("/v1/me").await;
    assert_eq!(
        (last.status, figure(&last, "ratelimit", "month", "r")),
        (200, 0),
        "{}",
        last.text
    );
    let refused = tenant.get("/v1/me").await;
    refused.problem(429, "too_many_requests");
    assert_eq!(refused.body["limit"]["name"], "calls_per_month");
    let now = world.clock.now();
    let left = month_end(now).as_second() - now.as_second();
    let wait: i64 = refused.header("retry-after").parse().unwrap();
    assert!((wait - left).abs() <= 2, "{wait} {left}");
    world.clock.advance(SignedDuration::from_secs(wait + 1));
    let owner = world.again(&tenant).await;
    let answer = owner.get("/v1/me").await;
    // A call counts in the month in which it is told of: the last of the month before are among those of this.
    let left = figure(&answer, "ratelimit", "month", "r");
    assert!(answer.status == 200 && (allowed - 3..allowed).contains(&left), "{left}");
}

#[tokio::test]
async fn two_processes_share_a_bucket_at_one_write_for_fifty_calls() {
    let world = World::new().await;
    let (_, id) = world.tenant().await;
    let processes = [world.process(), world.process()];
    let mut now = world.clock.now();
    let mut served = 0;
    // A minute in which each process is asked twenty times a second: four times what the plan allows.
    for _ in 0..1_200 {
        now += SignedDuration::from_millis(50);
        for (meter, store, _) in &processes {
            meter.learn(store, id, now).await;
            if meter.take(id, Plan::Trial, false, now).is_ok() {
                served += 1;
            }
            meter.settle_due(store, &[id], now).await;
        }
    }
    // What the bucket held, what came in, and what the processes had not told each other.
    let most = 2 * Plan::Trial.allows(Limit::CallsPerMinute) + 3 * rapport_runtime::meter::EVERY;
    assert!((1_100..=most).contains(&served), "{served}");
    let writes: usize = processes.iter().map(|(_, _, recorder)| updates(&recorder.take())).sum();
    assert!(
        writes as u64 <= served / rapport_runtime::meter::EVERY + 2,
        "{writes} writes for {served} calls"
    );
    for (meter, store, _) in &processes {
        meter.settle_all(store, now).await;
    }
    let days = world
        .store
        .usage_days(id, (day_of(world.clock.now()), day_of(now)))
        .await
        .unwrap();
    assert_eq!(days.iter().map(|day| day.counts.calls).sum::<u64>(), served);
}

#[tokio::test]
async fn calls_at_the_same_time_cost_no_more_writes() {
    let world = World::new().await;
    let (_, id) = world.tenant().await;
    let (meter, store, recorder) = world.process();
    let now = world.clock.now();
    let day = day_of(now);
    recorder.slow(Duration::from_millis(50));
    let every = rapport_runtime::meter::EVERY;
    // While one call tells of fifty, others go on: what they count waits for the next fifty.
    let others = async |calls_each: u64| {
        for _ in 0..calls_each {
            tokio::task::yield_now().await;
            meter.count(id, calls(1), now);
        }
    };
    let mut writes = Vec::new();
    for (before, meanwhile) in [(every, every - 10), (10, 0), (every - 1, 0)] {
        meter.count(id, calls(before), now);
        let tenants = [id];
        tokio::join!(meter.settle_due(&store, &tenants, now), others(meanwhile));
        writes.push(updates(&recorder.take()));
    }
    assert_eq!(writes, [1, 1, 0]);
    meter.settle_all(&store, now).await;
    let days = world.store.usage_days(id, (day, day)).await.unwrap();
    let counted: u64 = days.iter().map(|day| day.counts.calls).sum();
    assert_eq!(counted, 3 * every - 1);
}

fn updates(calls: &[Call]) -> usize {
    calls
        .iter()
        .filter(|call| call.operation == "UpdateItem" && call.touches(USAGE))
        .count()
}

#[tokio::test]
async fn what_is_told_again_counts_once() {
    let world = World::new().await;
    let (_, id) = world.tenant().await;
    let (meter, store, recorder) = world.process();
    let mut now = world.clock.now();
    let mut counted = 0;
    // The answer is lost at none, one or all of the SDK's three attempts.
    for lost in [0, 1, 3, 2, 0, 3, 0] {
        for _ in 0..50 {
            let counts = Counts {
                calls: 1,
                read: 500,
                ..Counts::default()
            };
            meter.count(id, counts, now);
            counted += 1;
        }
        recorder.lose(lost);
        meter.settle_due(&store, &[id], now).await;
        now += SignedDuration::from_secs(6);
    }
    meter.settle_all(&store, now).await;
    let day = &world.store.usage_days(id, (day_of(now), day_of(now))).await.unwrap()[0];
    assert_eq!((day.counts.calls, day.counts.read), (counted, counted * 500));
    assert!(meter.untold(id, day_of(now)).is_empty());
    // One name for the process, and no marks of others.
    assert_eq!(day.marks.len(), 1);
}

#[tokio::test]
async fn what_was_counted_belongs_to_its_day_in_utc() {
    let world = World::new().await;
    let (_, id) = world.tenant().await;
    let (meter, store, _) = world.process();
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let call = |now| {
        meter.count(
            id,
            Counts {
                calls: 1,
                ..Counts::default()
            },
            at(now),
        );
    };
    call("2027-01-31T23:59:59.999Z");
    call("2027-02-01T00:00:00.000Z");
    meter.settle_all(&store, at("2027-02-01T00:00:30Z")).await;
    // Told later than a day takes more, it belongs to the day it is told on.
    call("2027-02-01T12:00:00Z");
    meter.settle_all(&store, at("2027-02-02T01:00:00Z")).await;
    call("2027-02-02T12:00:00Z");
    meter.settle_all(&store, at("2027-02-03T00:59:59Z")).await;
    let span = ("2027-01-01".parse().unwrap(), "2027-12-31".parse().unwrap());
    let days = world.store.usage_days(id, span).await.unwrap();
    let found: Vec<(String, u64)> = days.iter().map(|day| (day.day.to_string(), day.counts.calls)).collect();
    let expected = [("2027-01-31", 1), ("2027-02-01", 1), ("2027-02-02", 2)];
    assert_eq!(found, expected.map(|(day, calls)| (day.to_owned(), calls)));
    // A new month begins at nothing.
    let (other, store, _) = world.process();
    other.learn(&store, id, at("2027-02-02T12:00:00Z")).await;
    assert_eq!(other.standing(id, Plan::Trial, at("2027-02-02T12:00:00Z")).month, 3);
}

#[tokio::test]
async fn bills_of_closed_days_stay_as_they_are() {
    let world = World::new().await;
    let (tenant, _) = world.tenant().await;
    for _ in 0..60 {
        tenant.get("/v1/leads").await.expect(200);
    }
    tenant.post("/v1/leads", smallest("leads")).await.expect(201);
    let today = day_of(world.clock.now());
    assert_eq!(
        tenant
            .get(&format!("/v1/usage/export.json?from={today}&to={today}"))
            .await
            .expect(200)["data"],
        json!([])
    );
    let usage = tenant.get("/v1/usage").await.expect(200);
    let day = usage["days"].as_array().unwrap().last().unwrap();
    assert!(
        day["calls"].as_u64().unwrap() >= 61
            && day["write_units"].as_f64().unwrap() >= 2.0
            && day["ms"].as_f64().unwrap() > 0.0,
        "{day}"
    );
    assert_eq!(day["closed"], false);
    world.clock.advance(SignedDuration::from_hours(27));
    let owner = world.again(&tenant).await;
    let path = |kind: &str| format!("/v1/usage/export.{kind}?from={today}&to={today}");
    let told = || async {
        let records = owner.get(&path("json")).await.expect(200);
        let of = |what: &str| {
            records["data"]
                .as_array()
                .unwrap()
                .iter()
                .find(|one| one["what"] == what)
                .cloned()
        };
        (of("calls")?["quantity"] != "0").then_some(records)
    };
    let records = eventually("the day's bill", told).await;
    let ids: BTreeSet<&str> = records["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 8);
    assert!(ids.contains(format!("{}#{today}#calls", tenant.id).as_str()), "{ids:?}");
    let csv = owner.get(&path("csv")).await;
    assert_eq!(
        (csv.status, csv.header("content-type")),
        (200, "text/csv; charset=utf-8")
    );
    assert_eq!(csv.text.lines().count(), 9);
    for _ in 0..60 {
        owner.get("/v1/leads").await.expect(200);
    }
    world.clock.advance(SignedDuration::from_hours(24));
    let owner = world.again(&tenant).await;
    assert_eq!(owner.get(&path("csv")).await.bytes, csv.bytes);
    assert_eq!(owner.get(&path("json")).await.expect(200), records);
    let usage = owner
        .get(&format!("/v1/usage?from={today}&to={today}"))
        .await
        .expect(200);
    assert_eq!(usage["days"][0]["closed"], true);
    assert!(usage["totals"]["calls"].as_u64().unwrap() >= rapport_runtime::meter::EVERY);
    for bad in [
        "from=x",
        "from=2026-02-02&to=2026-02-01",
        "from=2026-01-01&to=2028-01-01",
        "day=1",
    ] {
        assert_eq!(owner.get(&format!("/v1/usage?{bad}")).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn what_is_used_of_the_plan_is_the_same_whatever_days_are_asked_for() {
    let world = World::new().await;
    let (tenant, id) = world.tenant().await;
    let now = world.clock.now();
    let (today, first) = (day_of(now), day_of(now).first_of_month());
    let earlier = first.yesterday().unwrap();
    let tally = |count, at| Tally { count, bytes: 10, at };
    let begin = begin_of(earlier);
    // A count of an earlier day may come late.
    world.store.keep_tally(id, "lead", tally(9, now)).await.unwrap();
    world.store.keep_tally(id, "lead", tally(7, begin)).await.unwrap();
    let mail = |at| {
        let counts = Counts {
            mails: 5,
            ..Counts::default()
        };
        let (meter, store, _) = world.process();
        async move {
            meter.count(id, counts, at);
            meter.settle_all(&store, at).await;
        }
    };
    mail(begin).await;
    mail(now).await;
    for (span, mails) in [
        (String::new(), 5),
        (format!("?from={earlier}"), 10),
        (format!("?from={earlier}&to={earlier}"), 5),
        (format!("?from={today}&to={}", today.tomorrow().unwrap()), 5),
        (format!("?from={first}&to={}", today.tomorrow().unwrap()), 5),
        ("?from=2001-01-01&to=2001-02-01".to_owned(), 0),
    ] {
        let usage = tenant.get(&format!("/v1/usage{span}")).await.expect(200);
        assert_eq!(usage["totals"]["mails"], mails, "{span}");
        let mut days = usage["days"].as_array().unwrap().iter();
        let of_earlier = days.find(|day| day["day"] == earlier.to_string());
        assert!(of_earlier.is_none_or(|day| day["records"] == 7), "{usage}");
        assert_eq!(
            of_earlier.is_some(),
            span.contains(&format!("from={earlier}")),
            "{span}"
        );
        assert_eq!(limit(&usage, "mails_per_month")["used"], 5, "{span}");
        assert_eq!(limit(&usage, "leads")["used"], 9, "{span}");
        assert_eq!(limit(&usage, "users")["used"], 1, "{span}");
    }
}

#[tokio::test]
async fn an_account_that_is_not_open_is_read_only() {
    let world = World::new().await;
    let (tenant, id) = world.tenant().await;
    let lead = tenant.post("/v1/leads", smallest("leads")).await.expect(201);
    let path = format!("/v1/leads/{}", lead["id"].as_str().unwrap());
    assert_eq!(tenant.get("/v1/account").await.expect(200)["status"], "open");
    for (status, code) in [
        (Status::Suspended, "account_suspended"),
        (Status::Closed, "account_closed"),
    ] {
        world.become_status(id, status).await;
        let refused = tenant.post("/v1/leads", smallest("leads")).await;
        refused.problem(403, code);
        for answer in [
            tenant.patch(&path, json!({"note": "x"})).await,
            tenant.delete(&path).await,
            tenant.patch("/v1/me", json!({"name": "X"})).await,
            tenant
                .post("/v1/api-keys", json!({"name": "k", "scopes": ["*:read"]}))
                .await,
        ] {
            answer.problem(403, code);
        }
        if status == Status::Suspended {
            assert_eq!(refused.body["because"], "the bill is unpaid");
        } else {
            assert!(refused.body["erased_at"].as_str().is_some(), "{}", refused.text);
        }
        // Reading, searching, signing in and the account itself stay.
        let owner = world.again(&tenant).await;
        owner.get(&path).await.expect(200);
        owner.get("/v1/me").await.expect(200);
        owner
            .post(
                "/v1/leads/search",
                json!({"filter_groups": [{"filters": [{"field": "status", "op": "eq", "value": "new"}]}]}),
            )
            .await
            .expect(200);
        assert_eq!(owner.get("/v1/account").await.expect(200)["status"], json!(status));
        world.become_status(id, Status::Open).await;
        tenant.patch(&path, json!({"note": unique("n")})).await.expect(200);
    }
    world.become_status(id, Status::Closed).await;
    world.clock.advance(SignedDuration::from_hours(24 * 31));
    let owner = world.again(&tenant).await;
    world.become_status(id, Status::Erasing).await;
    owner.get(&path).await.problem(401, "unauthenticated");
    owner.get("/v1/account").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn plans_are_public_and_usage_is_for_owners_and_administrators() {
    let world = World::new().await;
    let (tenant, _) = world.tenant().await;
    let plans = Caller::at(&world.host.url()).get("/v1/plans").await.expect(200);
    let names: Vec<&str> = plans["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|plan| plan["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["trial", "starter", "team", "business"]);
    assert_eq!(plans["data"][0]["limits"]["contacts"], 1_000);
    let key = tenant
        .post("/v1/api-keys", json!({"name": "k", "scopes": ["leads:read"]}))
        .await
        .expect(201);
    let reader = tenant.with_token(key["key"].as_str().or(key["secret"].as_str()).unwrap());
    for path in [
        "/v1/usage",
        "/v1/usage/export.csv",
        "/v1/usage/export.json",
        "/v1/account",
    ] {
        reader.get(path).await.problem(403, "forbidden");
        assert_eq!(tenant.get(path).await.status, 200, "{path}");
    }
}

/// What an answer says it cost: read and write units together.
fn told(answer: &Answer) -> f64 {
    let parts = answer
        .header("rapport-cost")
        .split(", ")
        .filter_map(|part| part.split_once('='));
    parts
        .filter(|(name, _)| matches!(*name, "rru" | "wru"))
        .map(|(_, units)| units.parse::<f64>().unwrap())
        .sum()
}

#[tokio::test]
async fn every_answer_costs_what_the_store_says() {
    let world = World::on("business").await;
    let (tenant, _) = world.tenant().await;
    let apis = crate::agreement::apis();
    let answering: BTreeSet<&str> = apis.iter().map(|(name, _)| *name).collect();
    let check = |what: &str, answer: &Answer| {
        let calls = world.recorder.take();
        // What is counted is not charged; whoever asks for usage reads it.
        let charged =
            |call: &Call| !call.touches(USAGE) || (call.function == "usage" && call.operation != "UpdateItem");
        let own: Vec<&Call> = calls
            .iter()
            .filter(|call| answering.contains(call.function.as_str()) && charged(call))
            .collect();
        for call in &own {
            assert_eq!(
                call.request["ReturnConsumedCapacity"], "TOTAL",
                "{what}: {} is not counted",
                call.operation
            );
        }
        let units: f64 = own.iter().flat_map(|call| &call.consumed).map(|(_, units)| units).sum();
        assert!(
            (units - told(answer)).abs() < 0.001,
            "{what}: {units} and {}",
            answer.header("rapport-cost")
        );
        units
    };
    let _ = world.recorder.take();
    for plural in ["contacts", "companies", "leads", "products", "orders", "tickets"] {
        let path = format!("/v1/{plural}");
        let made = tenant.post(&path, smallest(plural)).await;
        assert!(check(&path, &made) > 0.0);
        let one = format!("{path}/{}", made.expect(201)["id"].as_str().unwrap());
        let batch = json!({"operation": "create", "inputs": [smallest(plural), smallest(plural)]});
        for (method, path, body) in [
            (Method::GET, one.clone(), json!({})),
            (Method::GET, format!("{path}?limit=1"), json!({})),
            (Method::PATCH, one.clone(), json!({"tags": ["a"]})),
            (Method::POST, format!("{path}/batch"), batch),
            (Method::PUT, format!("{path}/by/erp/{}", unique("e")), smallest(plural)),
            (Method::DELETE, one.clone(), json!({})),
            (Method::POST, format!("{one}/restore"), json!({})),
            (Method::POST, path.clone(), smallest(plural)),
        ] {
            let what = format!("{method} {path}");
            let key = unique("key");
            let answer = tenant.json(method, &path, &[("idempotency-key", &key)], body).await;
            assert!(answer.status < 300, "{what}: {}", answer.text);
            check(&what, &answer);
        }
    }
    // Every route there is, with made-up data.
    let mut costly = 0;
    for (_, api) in &apis {
        for route in api.routes() {
            let path: String = route
                .path
                .split('/')
                .map(|part| if part.starts_with('{') { "x" } else { part })
                .collect::<Vec<_>>()
                .join("/");
            if path == "/v1/auth/token" || path == "/v1/signup" {
                continue;
            }
            let what = format!("{} {path}", route.method);
            let answer = match route.method {
                Method::GET => tenant.get(&path).await,
                _ => tenant.json(route.method.clone(), &path, &[], json!({})).await,
            };
            assert!(answer.status < 500, "{what}: {}", answer.text);
            if check(&what, &answer) > 0.0 {
                costly += 1;
            }
            if !matches!(route.access, Access::Public | Access::Operator) {
                assert!(answer.header("ratelimit").starts_with("\"minute\";r="), "{what}");
            }
        }
    }
    assert!(costly >= 39, "{costly}");
}
