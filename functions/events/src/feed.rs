//! `GET /v1/events`.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::SignedDuration;
use rapport_domain::event::{self, Event};
use rapport_http::problem::Code;
use rapport_http::{Caller, Params, Problem, respond};
use rapport_runtime::App;
use rapport_store::event::Found;
use rapport_store::records::sortable;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How long an entry waits before it is told: those appended at the same time by others are then there too.
const HELD_BACK: SignedDuration = SignedDuration::from_secs(5);
/// How far back the feed reaches.
const DEPTH: SignedDuration = SignedDuration::from_hours(24 * 30);
/// At most so many entries are read for one page.
const MOST_READ: usize = 1_000;

/// Where a reader is in the feed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Place {
    /// The last entry told in full, or a time where there was none.
    #[serde(rename = "p")]
    place: String,
    /// An entry of whose events only some were told: its place, and how many.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    begun: Option<(String, usize)>,
}

impl Place {
    /// Everything after the place: longer texts that begin with it sort just behind it.
    fn from(&self, start: &str) -> String {
        if self.place.as_str() < start {
            start.to_owned()
        } else {
            format!("{} ", self.place)
        }
    }
}

/// Takes events from entries in their order until there are enough. Returns whether all entries were taken.
fn take(entries: &[Found], patterns: &[String], limit: usize, place: &mut Place, events: &mut Vec<Event>) -> bool {
    for found in entries {
        // An entry that was appended again meanwhile lies elsewhere now and is told again as a whole.
        let skip = place
            .begun
            .take()
            .filter(|(of, _)| *of == found.place)
            .map_or(0, |(_, told)| told);
        for (n, event) in found.entry.events().into_iter().enumerate().skip(skip) {
            if event::matches(patterns, &event.kind) {
                if events.len() == limit {
                    place.begun = Some((found.place.clone(), n));
                    return false;
                }
                events.push(event);
            }
        }
        *place = Place {
            place: found.place.clone(),
            begun: None,
        };
    }
    true
}

pub(crate) async fn feed(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    params.only(&["after", "types", "limit"])?;
    let limit = params.number("limit", 50, 1, 200)?;
    let patterns: Vec<String> = params
        .get("types")
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .collect();
    if let Some(unknown) = patterns.iter().find(|pattern| !event::is_pattern(pattern)) {
        return Err(Problem::new(Code::Malformed).detail(format!("'{unknown}' is not a type of event, <noun>.* or *")));
    }
    let now = app.clock.now();
    let (start, until) = (sortable(now - DEPTH), now - HELD_BACK);
    let identity = "/v1/events";
    let mut place: Place = match params.get("after") {
        None => Place {
            place: start.clone(),
            begun: None,
        },
        Some(text) => app.store.open(caller.tenant, identity, text).ok_or_else(|| {
            Problem::new(Code::CursorInvalid).detail("`after` takes next_cursor of an earlier answer")
        })?,
    };
    let (mut events, mut read, mut more) = (Vec::new(), 0, true);
    while more && read < MOST_READ {
        let chunk = (limit + 1 - events.len()).clamp(1, 100);
        let page = app.store.feed(caller.tenant, place.from(&start), until, chunk).await?;
        read += page.entries.len();
        if !take(&page.entries, &patterns, limit, &mut place, &mut events) {
            break;
        }
        more = page.next.is_some();
    }
    Ok(respond::json(
        StatusCode::OK,
        &answer(&events, more, &app.store.seal(caller.tenant, identity, &place)),
    ))
}

fn answer(events: &[Event], more: bool, cursor: &str) -> serde_json::Value {
    json!({"data": events, "has_more": more, "next_cursor": cursor})
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn found(n: u64, types: &[&str]) -> Found {
        let time: jiff::Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let json = json!({"noun":"order","subject":"ord_1","version":n,"types":types,"time":time,"data":{},"previous":{},"actor":"usr_1"});
        Found {
            entry: serde_json::from_value(json).unwrap(),
            place: format!("2026-11-22T00:00:0{n}.000Z#ord_1#{n:010}"),
        }
    }

    #[test]
    fn pages_of_any_size_tell_everything_once_and_in_order() {
        let entries = [
            found(1, &["order.created", "order.placed"]),
            found(2, &["order.updated"]),
            found(3, &["order.updated", "order.paid", "payment.received"]),
        ];
        for (patterns, expected) in [
            (vec![], 6),
            (vec!["order.*".to_owned()], 5),
            (vec!["payment.received".to_owned()], 1),
            (vec!["lead.*".to_owned()], 0),
        ] {
            for limit in 1..8 {
                let (mut place, mut told) = (Place::default(), Vec::new());
                for _ in 0..20 {
                    let rest: Vec<Found> = entries
                        .iter()
                        .filter(|entry| entry.place.as_str() >= place.from("").as_str())
                        .cloned()
                        .collect();
                    let mut page = Vec::new();
                    let done = take(&rest, &patterns, limit, &mut place, &mut page);
                    assert!(page.len() <= limit);
                    told.extend(page.into_iter().map(|event| (event.version, event.kind)));
                    if done {
                        break;
                    }
                }
                assert_eq!(told.len(), expected, "{patterns:?} {limit}");
                assert!(told.is_sorted_by_key(|(version, _)| *version));
            }
        }
    }
}
