//! The HTTP front: takes requests off sockets as API Gateway's HTTP API does, selects the function and hands the
//! request over, either as the `http::Request` that `lambda_http` makes in the cloud or as the JSON event it is made
//! of. Both forms come from one [`GatewayRequest`], and a test holds them against each other.
//!
//! It authenticates nobody and knows no endpoint of the product; even `/health` is a function's.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequestContext, ApiGatewayV2httpRequestContextHttpDescription};
use axum::body::{Body, Bytes};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use jiff::Timestamp;
use lambda_http::RequestExt;
use lambda_http::aws_lambda_events::query_map::QueryMap;
use lambda_http::request::RequestContext;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::invoke::{InvokeError, Invoker};

/// The cloud's limit of a request to a function.
const MAX_BODY: usize = 6 * 1024 * 1024;
const MAX_HEADERS: usize = 100;
/// All headers of a request together, as in the cloud (10,240) and some room.
const MAX_HEADER_BYTES: usize = 16 * 1024;
const SLOWEST_HEADERS: Duration = Duration::from_secs(10);
const SLOWEST_BODY: Duration = Duration::from_secs(30);

/// Which function answers which request.
#[derive(Debug, Default)]
pub struct Routes {
    routes: Vec<Arc<Route>>,
}

/// One route of the template.
#[derive(Debug)]
pub struct Route {
    /// As API Gateway names it: `GET /v1/leads/{id}` or `$default`.
    key: String,
    method: Option<Method>,
    /// `None` for `$default`.
    segments: Option<Vec<Segment>>,
    invoker: Invoker,
}

#[derive(Debug, PartialEq)]
enum Segment {
    Literal(String),
    One(String),
    Rest(String),
}

impl Routes {
    /// Adds a route: a method or `ANY`, and a path or `$default`.
    ///
    /// # Errors
    /// When the method is none, the path is malformed, or the route exists.
    pub fn add(&mut self, method: &str, path: &str, invoker: Invoker) -> Result<(), String> {
        let refuse = |problem: &str| Err(format!("the route {method} {path} {problem}"));
        let segments = match path {
            "$default" | "/$default" => None,
            _ => match path.strip_prefix('/') {
                Some(rest) => Some(rest.split('/').map(segment).collect::<Vec<_>>()),
                None => return refuse("does not begin with /"),
            },
        };
        if let Some(segments) = &segments {
            let rest = segments.iter().position(|one| matches!(one, Segment::Rest(_)));
            if rest.is_some_and(|index| index + 1 < segments.len()) {
                return refuse("has something behind its {name+}");
            }
        }
        let method = match method {
            "ANY" => None,
            name => match Method::from_bytes(name.as_bytes()) {
                Ok(method) => Some(method),
                Err(_) => return refuse("has no known method"),
            },
        };
        let key = match (&segments, &method) {
            (None, _) => "$default".to_owned(),
            (_, None) => format!("ANY {path}"),
            (_, Some(method)) => format!("{method} {path}"),
        };
        if self.routes.iter().any(|route| route.key == key) {
            return Err(format!("the route {key} is there twice"));
        }
        self.routes.push(Arc::new(Route {
            key,
            method,
            segments,
            invoker,
        }));
        // The first that matches is to be the most specific: literals before one segment before the rest, a method
        // before any.
        self.routes.sort_by_key(|route| {
            let Some(segments) = &route.segments else {
                return (vec![3_u8], route.method.is_none());
            };
            let ranks = segments.iter().map(|one| match one {
                Segment::Literal(_) => 0,
                Segment::One(_) => 1,
                Segment::Rest(_) => 2,
            });
            (ranks.collect(), route.method.is_none())
        });
        Ok(())
    }

    /// The routes' keys, most specific first.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().map(|route| route.key.as_str())
    }

    fn find(&self, method: &Method, path: &str) -> Option<(Arc<Route>, BTreeMap<String, String>)> {
        self.routes.iter().find_map(|route| {
            if route.method.as_ref().is_some_and(|wanted| wanted != method) {
                return None;
            }
            let Some(segments) = &route.segments else {
                return Some((Arc::clone(route), BTreeMap::new()));
            };
            let values = values(segments, path.strip_prefix('/')?)?;
            Some((Arc::clone(route), values))
        })
    }
}

fn segment(text: &str) -> Segment {
    match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        Some(name) => match name.strip_suffix('+') {
            Some(name) => Segment::Rest(name.to_owned()),
            None => Segment::One(name.to_owned()),
        },
        None => Segment::Literal(text.to_owned()),
    }
}

fn values(segments: &[Segment], path: &str) -> Option<BTreeMap<String, String>> {
    let mut values = BTreeMap::new();
    let mut rest = Some(path);
    for segment in segments {
        let here = rest?;
        let (one, more) = match here.split_once('/') {
            Some((one, more)) => (one, Some(more)),
            None => (here, None),
        };
        match segment {
            Segment::Literal(text) if text == one => {}
            Segment::Literal(_) => return None,
            Segment::One(_) | Segment::Rest(_) if one.is_empty() => return None,
            Segment::One(name) => {
                values.insert(name.clone(), percent_decoded(one));
            }
            Segment::Rest(name) => {
                values.insert(name.clone(), percent_decoded(here));
                return Some(values);
            }
        }
        rest = more;
    }
    rest.is_none().then_some(values)
}

fn percent_decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match (first, digits.and_then(|two| u8::from_str_radix(two, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (byte, _) => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A request as the gateway has taken it: whole, its headers joined as the cloud joins them.
#[derive(Debug)]
pub struct GatewayRequest {
    method: Method,
    host: String,
    /// Scheme, host and path, normalised.
    url: String,
    path: String,
    query: String,
    headers: HeaderMap,
    cookies: Vec<String>,
    body: Bytes,
    source: IpAddr,
    protocol: &'static str,
    id: String,
    time: Timestamp,
    route: String,
    path_parameters: BTreeMap<String, String>,
}

fn forwarded(name: &'static str) -> HeaderName {
    HeaderName::from_static(name)
}

impl GatewayRequest {
    /// Joins a request's head and body into what a function gets.
    ///
    /// # Errors
    /// The status with which it is refused, and why.
    pub fn new(
        head: http::request::Parts,
        body: Bytes,
        source: SocketAddr,
        port: u16,
        id: String,
    ) -> Result<Self, (StatusCode, &'static str)> {
        let mut named = head.headers.get_all(header::HOST).iter();
        let host = match (head.uri.host(), named.next(), named.next()) {
            // Whoever stands before us might have believed the other one.
            (_, _, Some(_)) => None,
            (Some(_), _, None) => head.uri.authority().map(http::uri::Authority::as_str),
            (None, Some(host), None) => host.to_str().ok(),
            (None, None, None) => Some("localhost").filter(|_| head.version == http::Version::HTTP_10),
        };
        let authority = host
            .filter(|host| !host.contains('@'))
            .and_then(|host| host.parse::<http::uri::Authority>().ok());
        let Some(authority) = authority else {
            return Err((StatusCode::BAD_REQUEST, "The Host header names no host"));
        };
        let (mut headers, cookies) = joined(head.headers)?;
        // What a caller says of himself here counts for nothing; the cloud writes these too.
        let source_text = source.ip().to_string();
        for (name, value) in [
            ("x-forwarded-for", source_text.as_str()),
            ("x-forwarded-port", port.to_string().as_str()),
            ("x-forwarded-proto", "http"),
        ] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(forwarded(name), value);
            }
        }
        headers.remove(forwarded("forwarded"));
        if let Ok(value) = HeaderValue::from_str(authority.as_str()) {
            headers.insert(header::HOST, value);
        }
        // `url` is what the functions' side normalises with; it goes by the URL standard (dot segments, hosts).
        let path = head.uri.path();
        // `*` asks about the server and names nothing of it; behind a host it would become part of the host's name.
        if path == "*" {
            return Err((StatusCode::BAD_REQUEST, "The request names no path"));
        }
        let full = format!("http://{authority}{path}");
        let Ok(url) = url::Url::parse(&full) else {
            return Err((StatusCode::BAD_REQUEST, "The Host header names no host"));
        };
        Ok(Self {
            method: head.method,
            host: authority.as_str().to_owned(),
            path: url.path().to_owned(),
            url: url.into(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers,
            cookies,
            body,
            source: source.ip(),
            protocol: if head.version == http::Version::HTTP_10 {
                "HTTP/1.0"
            } else {
                "HTTP/1.1"
            },
            id,
            time: crate::schedule::now(),
            route: String::new(),
            path_parameters: BTreeMap::new(),
        })
    }

    /// The request as `lambda_http` hands it to a router in the cloud.
    #[must_use]
    pub fn into_http(self) -> http::Request<Body> {
        let mut http = ApiGatewayV2httpRequestContextHttpDescription::default();
        http.method = self.method.clone();
        http.path = Some(self.path.clone());
        http.protocol = Some(self.protocol.to_owned());
        http.source_ip = Some(self.source.to_string());
        http.user_agent = Some(self.user_agent().to_owned());
        let mut context = ApiGatewayV2httpRequestContext::default();
        context.route_key = Some(self.route.clone());
        context.account_id = Some(crate::template::ACCOUNT.to_owned());
        context.stage = Some("$default".to_owned());
        context.request_id = Some(self.id.clone());
        context.apiid = Some("local".to_owned());
        context.domain_name = Some(self.host.clone());
        context.domain_prefix = Some("local".to_owned());
        context.time = Some(self.clock_time());
        context.time_epoch = self.time.as_millisecond();
        context.http = http;

        let uri = self.uri();
        let mut request = http::Request::new(Body::from(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers;
        if !self.cookies.is_empty()
            && let Ok(value) = HeaderValue::from_str(&self.cookies.join("; "))
        {
            request.headers_mut().insert(header::COOKIE, value);
        }
        let parameters: std::collections::HashMap<String, String> = self.path_parameters.into_iter().collect();
        let query: QueryMap = self.query.parse().unwrap_or_default();
        let extensions = std::mem::take(request.extensions_mut())
            .with_raw_http_path(self.path)
            .with_query_string_parameters(query)
            .with_path_parameters(QueryMap::from(parameters))
            .with_stage_variables(QueryMap::default())
            .with_request_context(RequestContext::ApiGatewayV2(context));
        *request.extensions_mut() = extensions;
        request
    }

    /// The request as the JSON event that API Gateway sends to a function, payload format 2.0.
    #[must_use]
    pub fn into_event(self) -> Vec<u8> {
        let mut headers = Map::new();
        for (name, value) in &self.headers {
            headers.insert(name.as_str().to_owned(), json!(value.to_str().unwrap_or_default()));
        }
        let mut event = json!({
            "version": "2.0",
            "routeKey": self.route,
            "rawPath": self.path,
            "rawQueryString": self.query,
            "headers": headers,
            "requestContext": {
                "accountId": crate::template::ACCOUNT,
                "apiId": "local",
                "domainName": self.host,
                "domainPrefix": "local",
                "http": {
                    "method": self.method.as_str(),
                    "path": self.path,
                    "protocol": self.protocol,
                    "sourceIp": self.source.to_string(),
                    "userAgent": self.user_agent(),
                },
                "requestId": self.id,
                "routeKey": self.route,
                "stage": "$default",
                "time": self.clock_time(),
                "timeEpoch": self.time.as_millisecond(),
            },
            "isBase64Encoded": false,
        });
        if !self.cookies.is_empty() {
            event["cookies"] = json!(self.cookies);
        }
        if !self.query.is_empty() {
            let mut joined: BTreeMap<String, String> = BTreeMap::new();
            for (name, value) in url::form_urlencoded::parse(self.query.as_bytes()) {
                joined
                    .entry(name.into_owned())
                    .and_modify(|all| {
                        all.push(',');
                        all.push_str(&value);
                    })
                    .or_insert_with(|| value.clone().into_owned());
            }
            event["queryStringParameters"] = json!(joined);
        }
        if !self.path_parameters.is_empty() {
            event["pathParameters"] = json!(self.path_parameters);
        }
        if !self.body.is_empty() {
            match std::str::from_utf8(&self.body) {
                Ok(text) if self.is_text() => event["body"] = json!(text),
                _ => {
                    event["body"] = json!(STANDARD.encode(&self.body));
                    event["isBase64Encoded"] = json!(true);
                }
            }
        }
        event.to_string().into_bytes()
    }

    fn uri(&self) -> Uri {
        if self.query.is_empty() {
            self.url.parse().unwrap_or_default()
        } else {
            format!("{}?{}", self.url, self.query).parse().unwrap_or_default()
        }
    }

    fn user_agent(&self) -> &str {
        self.headers
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    fn clock_time(&self) -> String {
        self.time.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string()
    }

    fn is_text(&self) -> bool {
        let kind = self
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.starts_with("text/")
            || kind.ends_with("+json")
            || kind.ends_with("+xml")
            || [
                "application/json",
                "application/xml",
                "application/javascript",
                "application/x-www-form-urlencoded",
            ]
            .contains(&kind)
    }
}

/// Joins repeated headers with commas and takes the cookies out, as payload format 2.0 does.
fn joined(headers: HeaderMap) -> Result<(HeaderMap, Vec<String>), (StatusCode, &'static str)> {
    const NOT_TEXT: (StatusCode, &str) = (StatusCode::BAD_REQUEST, "A header is not ASCII text");
    let plain = headers.len() == headers.keys_len() && !headers.contains_key(header::COOKIE);
    if plain && headers.values().all(|value| value.to_str().is_ok()) {
        return Ok((headers, Vec::new()));
    }
    let mut cookies = Vec::new();
    let mut joined = HeaderMap::with_capacity(headers.len() + 4);
    for name in headers.keys() {
        let mut values = headers.get_all(name).iter();
        let Some(first) = values.next() else { continue };
        let first_text = first.to_str().map_err(|_| NOT_TEXT)?;
        if name == header::COOKIE {
            for value in headers.get_all(name) {
                let value = value.to_str().map_err(|_| NOT_TEXT)?;
                let parts = value.split(';').map(str::trim).filter(|part| !part.is_empty());
                cookies.extend(parts.map(str::to_owned));
            }
            continue;
        }
        let mut more = values.peekable();
        if more.peek().is_none() {
            joined.insert(name.clone(), first.clone());
            continue;
        }
        let mut text = first_text.to_owned();
        for value in more {
            text.push(',');
            text.push_str(value.to_str().map_err(|_| NOT_TEXT)?);
        }
        joined.insert(name.clone(), HeaderValue::from_str(&text).map_err(|_| NOT_TEXT)?);
    }
    Ok((joined, cookies))
}

/// What a function's program answers, payload format 2.0.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    status_code: u16,
    #[serde(default)]
    headers: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    multi_value_headers: Option<BTreeMap<String, Vec<Value>>>,
    #[serde(default)]
    cookies: Option<Vec<String>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// The response an answer stands for; `None` when it stands for none.
pub(crate) fn from_answer(answer: Answer) -> Option<Response> {
    let body = answer.body.unwrap_or_default();
    let body = if answer.is_base64_encoded {
        STANDARD.decode(body).ok()?
    } else {
        body.into_bytes()
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(answer.status_code).ok()?;
    let single = answer.headers.unwrap_or_default().into_iter();
    let multiple = answer.multi_value_headers.unwrap_or_default().into_iter();
    let all = single.map(|(name, value)| (name, vec![value])).chain(multiple);
    for (name, values) in all {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        if name == header::CONTENT_LENGTH || name == header::TRANSFER_ENCODING {
            continue;
        }
        for value in values {
            let text = match &value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            response
                .headers_mut()
                .append(name.clone(), HeaderValue::from_str(&text).ok()?);
        }
    }
    for cookie in answer.cookies.unwrap_or_default() {
        response
            .headers_mut()
            .append(header::SET_COOKIE, HeaderValue::from_str(&cookie).ok()?);
    }
    Some(response)
}

/// Serves until `stop`; then takes no more connections, and returns when those open have had their answers.
pub(crate) async fn serve(listener: TcpListener, routes: Arc<Routes>, work: TaskTracker, stop: CancellationToken) {
    let port = listener.local_addr().map_or(0, |address| address.port());
    let open = GracefulShutdown::new();
    loop {
        let (socket, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of descriptors, or gone before it was taken: others may have more luck in a moment.
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            },
            () = stop.cancelled() => break,
        };
        let _ = socket.set_nodelay(true);
        let routes = Arc::clone(&routes);
        let work_of_connection = work.clone();
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(SLOWEST_HEADERS)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEADER_BYTES)
            .serve_connection(
                TokioIo::new(socket),
                service_fn(move |request| {
                    let routes = Arc::clone(&routes);
                    let work = work_of_connection.clone();
                    async move { Ok::<_, Infallible>(answer(&routes, &work, request, peer, port).await) }
                }),
            );
        let connection = open.watch(connection);
        work.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended");
            }
        });
    }
    drop(listener);
    open.shutdown().await;
}

async fn answer(
    routes: &Routes,
    work: &TaskTracker,
    request: http::Request<Incoming>,
    peer: SocketAddr,
    port: u16,
) -> Response {
    let id = format!("{:032x}", rand::random::<u128>());
    let path = request.uri().path().to_owned();
    let refuse = |status, detail: &str| problem(status, detail, &path, &id);
    let (head, body) = request.into_parts();
    let body = match whole(body).await {
        Ok(body) => body,
        Err((status, detail)) => return refuse(status, detail),
    };
    let mut request = match GatewayRequest::new(head, body, peer, port, id.clone()) {
        Ok(request) => request,
        Err((status, detail)) => return refuse(status, detail),
    };
    let Some((route, parameters)) = routes.find(&request.method, &request.path) else {
        return refuse(StatusCode::NOT_FOUND, "There is nothing here");
    };
    request.route.clone_from(&route.key);
    request.path_parameters = parameters;
    // A task of its own: when the caller hangs up, the function still finishes, as in the cloud.
    let called = {
        let route = Arc::clone(&route);
        work.spawn(async move { route.invoker.http(request).await })
    };
    match called.await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            tracing::error!(function = route.invoker.name(), request_id = id, %error, "a request failed");
            match error {
                InvokeError::TimedOut => refuse(
                    StatusCode::GATEWAY_TIMEOUT,
                    "The answer took too long; the work may yet have been done",
                ),
                _ => refuse(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side"),
            }
        }
        Err(error) => {
            tracing::error!(request_id = id, %error, "a request's task was lost");
            refuse(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side")
        }
    }
}

async fn whole(body: Incoming) -> Result<Bytes, (StatusCode, &'static str)> {
    use hyper::body::Body as _;
    const TOO_LARGE: (StatusCode, &str) = (StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than 6 MiB");
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    // One that says beforehand that it is too long is not asked for.
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(TOO_LARGE);
    }
    match tokio::time::timeout(SLOWEST_BODY, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(TOO_LARGE),
        Ok(Err(_)) => Err((StatusCode::BAD_REQUEST, "The body could not be read to its end")),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "The body came too slowly")),
    }
}

/// A refusal in the product's form.
fn problem(status: StatusCode, detail: &str, path: &str, id: &str) -> Response {
    let (code, title) = match status {
        StatusCode::NOT_FOUND => ("not_found", "Not found"),
        StatusCode::PAYLOAD_TOO_LARGE => ("payload_too_large", "The body is too large"),
        StatusCode::REQUEST_TIMEOUT => ("request_timeout", "The request took too long"),
        StatusCode::GATEWAY_TIMEOUT => ("gateway_timeout", "The answer took too long"),
        StatusCode::BAD_REQUEST => ("bad_request", "The request could not be read"),
        _ => ("internal", "Something went wrong"),
    };
    let request_id = format!("req_{id}");
    let body = json!({
        "type": format!("https://rapport.example/problems/{code}"),
        "title": title,
        "status": status.as_u16(),
        "detail": detail,
        "instance": path,
        "code": code,
        "request_id": request_id,
    });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        headers.insert(HeaderName::from_static("request-id"), value);
    }
    response
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::invoke::Handler;

    fn invoker(name: &str) -> Invoker {
        Invoker::new(name, Duration::from_secs(1), Handler::Http(axum::Router::new()))
    }

    #[test]
    fn the_most_specific_route_wins() {
        let mut routes = Routes::default();
        for (method, path) in [
            ("ANY", "$default"),
            ("ANY", "/v1/leads/{proxy+}"),
            ("GET", "/v1/leads/{proxy+}"),
            ("ANY", "/v1/leads/{id}"),
            ("POST", "/v1/leads/{id}"),
            ("ANY", "/v1/leads/batch"),
            ("ANY", "/v1/{noun}/batch"),
            ("GET", "/v1/leads"),
            ("ANY", "/hooks/{token}"),
            ("GET", "/"),
        ] {
            routes.add(method, path, invoker("x")).unwrap();
        }
        let cases = [
            ("GET", "/v1/leads", "GET /v1/leads", ""),
            ("POST", "/v1/leads", "$default", ""),
            ("GET", "/v1/leads/", "$default", ""),
            ("GET", "/v1/leads/7", "ANY /v1/leads/{id}", "id=7"),
            ("POST", "/v1/leads/7", "POST /v1/leads/{id}", "id=7"),
            ("POST", "/v1/leads/batch", "ANY /v1/leads/batch", ""),
            ("POST", "/v1/orders/batch", "ANY /v1/{noun}/batch", "noun=orders"),
            (
                "GET",
                "/v1/leads/7/history",
                "GET /v1/leads/{proxy+}",
                "proxy=7/history",
            ),
            (
                "PUT",
                "/v1/leads/by/email/a%40b",
                "ANY /v1/leads/{proxy+}",
                "proxy=by/email/a@b",
            ),
            ("POST", "/hooks/t%20k", "ANY /hooks/{token}", "token=t k"),
            ("POST", "/hooks/t/k", "$default", ""),
            ("GET", "/", "GET /", ""),
            ("GET", "//", "$default", ""),
        ];
        for (method, path, key, expected) in cases {
            let (route, values) = routes.find(&method.parse().unwrap(), path).unwrap();
            let values: Vec<String> = values.iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(
                (route.key.as_str(), values.join("&").as_str()),
                (key, expected),
                "{method} {path}"
            );
        }
        for (method, path) in [
            ("GET", "/v1/leads"),
            ("GET", "v1"),
            ("G T", "/a"),
            ("GET", "/{rest+}/a"),
        ] {
            assert!(routes.add(method, path, invoker("x")).is_err(), "{method} {path}");
        }
    }

    /// What a function can see of a request.
    async fn seen<B>(request: http::Request<B>) -> Value
    where
        B: hyper::body::Body<Data = Bytes>,
        B::Error: std::fmt::Debug,
    {
        let (head, body) = request.into_parts();
        let RequestContext::ApiGatewayV2(context) = head.request_context() else {
            panic!("another kind of context")
        };
        let sorted = |map: QueryMap| {
            let mut all: Vec<(String, String)> = map
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            all.sort();
            all
        };
        let mut headers: Vec<(String, String)> = head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        headers.sort();
        json!({
            "method": head.method.as_str(),
            "uri": head.uri.to_string(),
            "headers": headers,
            "raw_path": head.raw_http_path(),
            "query": sorted(head.query_string_parameters()),
            "parameters": sorted(head.path_parameters()),
            "stage_variables": sorted(head.stage_variables()),
            "context": context,
            "body": STANDARD.encode(body.collect().await.unwrap().to_bytes()),
        })
    }

    fn request(method: &str, uri: &str, headers: &[(&str, &str)], body: &[u8]) -> GatewayRequest {
        let mut builder = http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let (head, ()) = builder.body(()).unwrap().into_parts();
        let mut request = GatewayRequest::new(
            head,
            Bytes::copy_from_slice(body),
            "127.0.0.1:50000".parse().unwrap(),
            8080,
            "0123456789abcdef0123456789abcdef".to_owned(),
        )
        .unwrap();
        request.time = "2026-11-22T15:56:20.123Z".parse().unwrap();
        request.route = "ANY /v1/leads/{proxy+}".to_owned();
        request.path_parameters = BTreeMap::from([("proxy".to_owned(), "a b/\u{4e2d}".to_owned())]);
        request
    }

    #[tokio::test]
    async fn both_forms_of_a_request_look_the_same() {
        let json = ("content-type", "application/json");
        let host = ("host", "127.0.0.1:8080");
        type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a [u8]);
        let cases: &[Case<'_>] = &[
            ("GET", "/v1/leads", &[host], b""),
            ("GET", "/", &[host], b""),
            ("GET", "/v1/leads?limit=5&tag=a&tag=b&empty=&flag", &[host], b""),
            ("GET", "/v1/leads?q=%E4%B8%AD%20x+y%26&x=%", &[host], b""),
            ("GET", "/v1/leads/a%20b%2Fc%3F%23/%E4%B8%AD%E6%96%87", &[host], b""),
            ("GET", "/v1/a/../b/./c//d/%2e%2e/e", &[host], b""),
            ("GET", "/v1/leads/a;b=c,d@e:f'g(h)*~!$", &[host], b""),
            (
                "GET",
                "http://crm.example:80/v1/leads?a=1",
                &[("host", "other.example")],
                b"",
            ),
            ("GET", "/v1", &[("host", "CRM.Example")], b""),
            ("GET", "/v1", &[("host", "[::1]:8080")], b""),
            (
                "GET",
                "/v1",
                &[host, ("accept", "a/b"), ("Accept", "c/d"), ("x-Mixed", "Q")],
                b"",
            ),
            (
                "GET",
                "/v1",
                &[host, ("cookie", "a=1; b=2"), ("cookie", "c=\"3,4\"")],
                b"",
            ),
            (
                "GET",
                "/v1",
                &[
                    host,
                    ("x-forwarded-for", "1.2.3.4"),
                    ("x-forwarded-proto", "https"),
                    ("forwarded", "for=x"),
                ],
                b"",
            ),
            (
                "GET",
                "/v1",
                &[host, ("user-agent", "probe/1 (x; y)"), ("x-empty", "")],
                b"",
            ),
            ("POST", "/v1/leads", &[host, json], br#"{"name":"\u0000 \ud83d\ude00"}"#),
            (
                "POST",
                "/v1/leads",
                &[host, json],
                "{\"name\":\"\u{4e2d}\u{6587}\u{1f600}\"}".as_bytes(),
            ),
            ("POST", "/v1/leads", &[host, json], b"{\"name\":\"\xff\xfe\"}"),
            ("POST", "/v1/leads", &[host, json], b""),
            (
                "PUT",
                "/v1/leads",
                &[host, ("content-type", "application/octet-stream")],
                &[0, 159, 146, 150],
            ),
            (
                "PATCH",
                "/v1/leads",
                &[host, ("content-type", "application/merge-patch+json; charset=utf-8")],
                b"{}",
            ),
            (
                "POST",
                "/hooks/x",
                &[host, ("content-type", "application/x-www-form-urlencoded")],
                b"a=1&b=%20+",
            ),
            ("POST", "/hooks/x", &[host], b"plain without a type"),
            ("DELETE", "/v1/leads/x", &[host, ("if-match", "\"1\"")], b""),
            ("OPTIONS", "/v1/leads", &[host, ("origin", "null")], b""),
            ("HEAD", "/v1/leads", &[host], b""),
            ("PROPFIND", "/v1/leads", &[host], b""),
        ];
        for (method, uri, headers, body) in cases {
            let direct = seen(request(method, uri, headers, body).into_http()).await;
            let event = request(method, uri, headers, body).into_event();
            let text = std::str::from_utf8(&event).unwrap();
            let in_the_cloud = seen(lambda_http::request::from_str(text).unwrap()).await;
            assert_eq!(direct, in_the_cloud, "{method} {uri}");
        }
    }

    #[test]
    fn odd_heads_are_refused() {
        let host = ("host", &b"127.0.0.1:8080"[..]);
        for headers in [
            &[("host", &b"a b"[..])][..],
            &[("host", b"")],
            &[("host", b"user@host")],
            &[("host", b"a/b")],
            &[("host", b"127.0.0.1:99999")],
            &[],
            &[host, host],
            &[host, ("host", b"other.example")],
            &[host, ("x-name", b"\xe4\xb8\xad")],
        ] {
            let mut builder = http::Request::builder();
            for (name, value) in headers {
                builder = builder.header(*name, HeaderValue::from_bytes(value).unwrap());
            }
            let head = builder.body(()).unwrap().into_parts().0;
            let peer = "127.0.0.1:1".parse().unwrap();
            let request = GatewayRequest::new(head, Bytes::new(), peer, 1, String::new());
            let refused = request.err().map(|(status, _)| status);
            assert_eq!(refused, Some(StatusCode::BAD_REQUEST), "{headers:?}");
        }
    }

    #[test]
    fn the_server_as_a_whole_is_nothing_to_ask_for() {
        let taken = |target: &str| {
            let request = http::Request::options(target).header("host", "127.0.0.1:8080");
            let head = request.body(()).unwrap().into_parts().0;
            let peer = "127.0.0.1:1".parse().unwrap();
            GatewayRequest::new(head, Bytes::new(), peer, 1, String::new())
        };
        assert_eq!(taken("*").unwrap_err().0, StatusCode::BAD_REQUEST);
        assert_eq!(taken("/*").unwrap().url, "http://127.0.0.1:8080/*");
    }

    #[tokio::test]
    async fn an_answer_becomes_a_response() {
        let answer = serde_json::from_value(json!({
            "statusCode": 201, "headers": {"content-type": "image/png", "content-length": "9"},
            "multiValueHeaders": {"link": ["<a>", "<b>"]}, "cookies": ["a=1; Path=/", "b=2"],
            "body": STANDARD.encode([1, 2, 255]), "isBase64Encoded": true,
        }))
        .unwrap();
        let response = from_answer(answer).unwrap();
        assert_eq!(response.status(), 201);
        let all = |name: &str| {
            response
                .headers()
                .get_all(name)
                .iter()
                .map(|value| value.to_str().unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(all("link"), ["<a>", "<b>"]);
        assert_eq!(all("set-cookie"), ["a=1; Path=/", "b=2"]);
        assert_eq!(all("content-length"), Vec::<&str>::new());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(&body[..], [1, 2, 255]);
        for wrong in [
            json!({"statusCode": 99}),
            json!({"statusCode": 200, "headers": {"a b": "c"}}),
        ] {
            assert!(serde_json::from_value(wrong).ok().and_then(from_answer).is_none());
        }
    }
}
