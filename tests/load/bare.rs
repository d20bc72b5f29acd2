//! The yardstick: handlers that do the SDK call and nothing else. No token, no check, no cost, no request id.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, Put, ReturnConsumedCapacity, TransactWriteItem};
use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;

#[derive(Clone)]
struct Bare {
    client: Client,
    table: Arc<str>,
}

pub fn router(client: Client, table: String) -> Router {
    Router::new()
        .route("/{tenant}/{id}", get(read))
        .route("/{tenant}", get(list).post(create))
        .with_state(Bare {
            client,
            table: table.into(),
        })
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn doc(item: &HashMap<String, AttributeValue>) -> &str {
    item.get("doc")
        .and_then(|value| value.as_s().ok())
        .map_or("", |doc| doc)
}

async fn read(State(bare): State<Bare>, Path((tenant, id)): Path<(String, String)>) -> String {
    let answer = bare
        .client
        .get_item()
        .table_name(&*bare.table)
        .key("pk", text(format!("{tenant}#contact")))
        .key("sk", text(id))
        .consistent_read(true)
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .send()
        .await
        .unwrap_or_else(|error| panic!("{error:?}"));
    answer.item.as_ref().map(doc).unwrap_or_default().to_owned()
}

async fn list(State(bare): State<Bare>, Path(tenant): Path<String>) -> String {
    let answer = bare
        .client
        .query()
        .table_name(&*bare.table)
        .key_condition_expression("#p = :p")
        .expression_attribute_names("#p", "pk")
        .expression_attribute_values(":p", text(format!("{tenant}#contact")))
        .scan_index_forward(false)
        .limit(51)
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .send()
        .await
        .unwrap_or_else(|error| panic!("{error:?}"));
    let docs: Vec<&str> = answer.items().iter().take(50).map(doc).collect();
    format!("{{\"data\":[{}]}}", docs.join(","))
}

/// The items of a new contact: the record, the guard of its address, and pointers from what it may be found by.
async fn create(State(bare): State<Bare>, Path(tenant): Path<String>, Json(mut body): Json<Value>) -> String {
    let id = format!("con_{:026x}", rand::random::<u128>() >> 24);
    let email = body["email"].as_str().unwrap_or_default().to_owned();
    // As long as the record that the product stores.
    body["id"] = Value::from(id.clone());
    body["rest"] = Value::from(".".repeat(crate::driver::STORED_MORE));
    let doc = body.to_string();
    let record = Put::builder()
        .item("pk", text(format!("{tenant}#contact")))
        .item("sk", text(&id))
        .item("kind", text("contact"))
        .item("v", AttributeValue::N("1".to_owned()))
        .item("rid", text("req_00000000000000000000000000"))
        .item("doc", text(&doc))
        .condition_expression("attribute_not_exists(pk)");
    let unique = Put::builder()
        .item("pk", text(format!("{tenant}#unique#contact#email#{email}")))
        .item("sk", text("-"))
        .item("holder", text(&id))
        .condition_expression("attribute_not_exists(pk) OR holder = :holder")
        .expression_attribute_values(":holder", text(&id));
    let pointer = |value: &str| {
        Put::builder()
            .item("pk", text(format!("{tenant}#point#contact#{value}")))
            .item("sk", text(&id))
    };
    let puts = [
        record,
        unique,
        pointer(&format!("like#email#{email}")),
        pointer(&format!("like#phone#{}", body["phone"])),
        pointer(&format!("like#name#{}", body["family_name"])),
        pointer(&format!("phone#{}", body["phone"])),
    ];
    let items = puts.into_iter().map(|put| {
        let put = put
            .table_name(&*bare.table)
            .build()
            .unwrap_or_else(|error| panic!("{error}"));
        TransactWriteItem::builder().put(put).build()
    });
    let answer = bare
        .client
        .transact_write_items()
        .set_transact_items(Some(items.collect()))
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .send()
        .await
        .unwrap_or_else(|error| panic!("{error:?}"));
    let units: f64 = answer
        .consumed_capacity()
        .iter()
        .filter_map(aws_sdk_dynamodb::types::ConsumedCapacity::capacity_units)
        .sum();
    format!("{{\"id\":\"{id}\",\"units\":{units}}}")
}
