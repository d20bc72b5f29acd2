//! The list of routes: path, who may, what it says of itself, and the handler; one entry serves the router, the OpenAPI
//! document and the tests that walk every route.

use std::collections::BTreeMap;

use axum::Router;
use axum::handler::Handler;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodFilter, MethodRouter};
use http::Method;
use rapport_domain::permission::Scope;
use rapport_runtime::App;
use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::problem::{Code, Problem};

/// What pages without script and OAuth clients send.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Anybody with valid credentials of a tenant.
    SignedIn,
    /// Those with a permission.
    Needs(Scope),
    /// Whoever runs the service, with a key of his own and none of a tenant's.
    Operator,
}

/// Schemas by their names.
type Named = Vec<(String, RefOr<Schema>)>;

/// Whether operations are described. The document is written by the tests, which ask for it; a function's program goes without what
/// only the document says.
const DESCRIBED: bool = cfg!(any(test, feature = "document"));

/// What an operation says of itself.
#[derive(Clone, Default)]
pub struct Doc {
    summary: String,
    detail: Option<String>,
    body: Option<Value>,
    bodiless: bool,
    answers: BTreeMap<u16, Value>,
    params: Vec<Value>,
    schemas: Vec<fn() -> Named>,
    joined: Vec<(String, fn() -> Value)>,
}

impl Doc {
    /// An operation in a few words: "Create a lead".
    pub fn new(summary: impl Into<String>) -> Self {
        Self::default().with(|doc| doc.summary = summary.into())
    }

    /// What a closure says, where operations are described: for what is laborious to say.
    pub fn of(say: impl FnOnce() -> Self) -> Self {
        if DESCRIBED { say() } else { Self::default() }
    }

    /// With a change, where operations are described.
    #[inline(always)]
    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        if DESCRIBED {
            change(&mut self);
        }
        self
    }

    /// With what else there is to know.
    #[must_use]
    pub fn detail(self, text: impl Into<String>) -> Self {
        self.with(|doc| doc.detail = Some(text.into()))
    }

    /// With a JSON body of a type.
    #[must_use]
    pub fn body<T: ToSchema>(self) -> Self {
        self.with(|doc| {
            let schema = doc.schema::<T>();
            doc.body = Some(json!({"application/json": {"schema": schema}}));
        })
    }

    /// With a JSON body of a schema written out.
    #[must_use]
    pub fn body_schema(self, schema: &Value) -> Self {
        self.with(|doc| doc.body = Some(json!({"application/json": {"schema": schema}})))
    }

    /// With a body of some other type; a form has the fields of the JSON that it stands for.
    #[must_use]
    pub fn body_type(self, media_type: &str) -> Self {
        self.with(|doc| {
            let body = doc.body.get_or_insert_with(|| json!({}));
            let json = body.pointer("/application~1json/schema").filter(|_| media_type == FORM);
            body[media_type] = json!({"schema": json.cloned().unwrap_or_else(|| json!({}))});
        })
    }

    /// A request without a body is as good as one with an empty object.
    #[must_use]
    pub fn or_no_body(self) -> Self {
        self.with(|doc| doc.bodiless = true)
    }

    /// Answers with JSON of a type.
    #[must_use]
    pub fn answers<T: ToSchema>(self, status: u16) -> Self {
        self.with(|doc| {
            let schema = doc.schema::<T>();
            doc.answers
                .insert(status, json!({"application/json": {"schema": schema}}));
        })
    }

    /// Answers with JSON of a schema written out.
    #[must_use]
    pub fn answers_schema(self, status: u16, schema: &Value) -> Self {
        self.with(|doc| {
            doc.answers
                .insert(status, json!({"application/json": {"schema": schema}}));
        })
    }

    /// Answers with a body of some other type, beside one that is known for the status already, or with none when the type
    /// is empty.
    #[must_use]
    pub fn answers_type(self, status: u16, media_type: &str) -> Self {
        self.with(|doc| {
            if let Some(Value::Object(known)) = doc.answers.get_mut(&status)
                && !media_type.is_empty()
            {
                known.insert(media_type.to_owned(), json!({"schema": {"type": "string"}}));
                return;
            }
            let content = if media_type.is_empty() {
                Value::Null
            } else {
                json!({media_type: {"schema": {"type": "string"}}})
            };
            doc.answers.insert(status, content);
        })
    }

    /// With another media type that the same answer may have, as bytes.
    #[must_use]
    pub fn or_type(self, status: u16, media_type: &str) -> Self {
        self.with(|doc| {
            if let Value::Object(content) = doc.answers.entry(status).or_insert_with(|| json!({})) {
                content.insert(
                    media_type.to_owned(),
                    json!({"schema": {"type": "string", "format": "binary"}}),
                );
            }
        })
    }

    /// With a query parameter.
    #[must_use]
    pub fn query(self, name: &str, detail: &str, schema: &Value) -> Self {
        self.parameter("query", name, detail, schema, false)
    }

    /// With a query parameter that must be there.
    #[must_use]
    pub fn needs(self, name: &str, detail: &str, schema: &Value) -> Self {
        self.parameter("query", name, detail, schema, true)
    }

    fn parameter(self, place: &str, name: &str, detail: &str, schema: &Value, required: bool) -> Self {
        self.with(|doc| {
            doc.params.push(
                json!({"name": name, "in": place, "required": required, "description": detail, "schema": schema}),
            );
        })
    }

    /// With the parameters of a page: `limit` and `cursor`.
    #[must_use]
    pub fn paged(self) -> Self {
        let limit = json!({"type": "integer", "minimum": 1, "maximum": 200, "default": 50});
        self.query("limit", "How many, 1 to 200", &limit).query(
            "cursor",
            "next_cursor of the page before",
            &json!({"type": "string"}),
        )
    }

    /// With a header.
    #[must_use]
    pub fn header(self, name: &str, detail: &str) -> Self {
        self.parameter("header", name, detail, &header_schema(name), false)
    }

    /// Makes a type known and returns the reference to it. The schema itself is made with the document: a function that
    /// starts does not need it.
    pub fn schema<T: ToSchema>(&mut self) -> Value {
        if !DESCRIBED {
            return Value::Null;
        }
        let name = T::name();
        self.schemas.push(|| {
            let mut schemas = vec![(T::name().to_string(), T::schema())];
            T::schemas(&mut schemas);
            schemas
        });
        json!({"$ref": format!("#/components/schemas/{name}")})
    }

    /// The reference to one schema with the fields of two types. They cannot be named side by side in an `allOf`: each
    /// refuses the other's fields.
    pub fn joined<A: ToSchema, B: ToSchema>(&mut self, name: &str) -> Value {
        if !DESCRIBED {
            return Value::Null;
        }
        self.schema::<A>();
        self.schema::<B>();
        let joined = || {
            let mut whole = schema_of::<B>();
            let other = schema_of::<A>();
            for (field, schema) in other["properties"].as_object().into_iter().flatten() {
                whole["properties"][field] = schema.clone();
            }
            whole
        };
        self.joined.push((name.to_owned(), joined));
        json!({"$ref": format!("#/components/schemas/{name}")})
    }

    fn operation(&self, method: &Method, path: &str, access: Access) -> Value {
        let tag = path
            .split('/')
            .find(|part| !part.is_empty() && *part != "v1")
            .unwrap_or("service")
            .trim_start_matches(':');
        let mut operation = json!({
            "summary": self.summary,
            "operationId": operation_id(method, path),
            "tags": [tag],
        });
        let mut detail = self.detail.clone().unwrap_or_default();
        if let Access::Needs(scope) = access {
            detail = format!(
                "{detail}{}Needs the permission `{scope}`.",
                if detail.is_empty() { "" } else { "\n\n" }
            );
            operation["x-permission"] = scope.to_string().into();
        }
        if !detail.is_empty() {
            operation["description"] = detail.into();
        }
        operation["security"] = match access {
            Access::Public => json!([]),
            Access::SignedIn | Access::Needs(_) => json!([{"bearer": []}]),
            Access::Operator => json!([{"operator": []}]),
        };
        let in_path = path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let mut params: Vec<Value> = in_path
            .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
            .collect();
        params.extend(self.params.iter().cloned());
        if !params.is_empty() {
            operation["parameters"] = params.into();
        }
        if let Some(body) = &self.body {
            operation["requestBody"] = json!({"required": !self.bodiless, "content": body});
        }
        let mut responses = Map::new();
        for (status, content) in &self.answers {
            let mut response = json!({"description": http::StatusCode::from_u16(*status).ok().and_then(|s| s.canonical_reason()).unwrap_or("Answer")});
            if !content.is_null() {
                response["content"] = content.clone();
                // A page that refuses refuses programs with a problem.
                if *status >= 400 {
                    response["content"]["application/problem+json"] =
                        json!({"schema": {"$ref": "#/components/schemas/Problem"}});
                }
            }
            responses.insert(status.to_string(), response);
        }
        responses.insert("default".to_owned(), json!({"$ref": "#/components/responses/Problem"}));
        operation["responses"] = responses.into();
        operation
    }
}

/// The schema of a page of a list, by the schema of its items.
#[must_use]
pub fn page_of(item: &Value) -> Value {
    json!({"type": "object", "required": ["data", "has_more"], "properties": {
        "data": {"type": "array", "items": item}, "has_more": {"type": "boolean"}, "next_cursor": {"type": "string"}}})
}

fn operation_id(method: &Method, path: &str) -> String {
    let words = path
        .trim_start_matches("/v1")
        .split(['/', '-', '.'])
        .filter(|part| !part.is_empty());
    words.fold(method.as_str().to_ascii_lowercase(), |id, part| {
        let part = part
            .strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'))
            .map_or_else(|| part.to_owned(), |name| format!("by_{name}"));
        format!("{id}_{part}")
    })
}

/// One route, for whoever walks them.
#[derive(Clone, Debug)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with `{names}`.
    pub path: String,
    /// Who may.
    pub access: Access,
}

/// A function's routes, and what they all work with: an [`App`], or for pages that anybody may see something smaller.
pub struct Api<S = App> {
    state: S,
    router: Router<S>,
    catalogue: Catalogue,
}

impl<S: Clone + Send + Sync + 'static> Api<S> {
    /// No routes yet.
    #[must_use]
    pub fn new(state: S) -> Self {
        Self {
            state,
            router: Router::new().fallback(|| async { Problem::not_found() }),
            catalogue: Catalogue::default(),
        }
    }

    fn add(mut self, (method, path): (Method, &str), access: Access, doc: Doc, handler: MethodRouter<S>) -> Self {
        self.router = self.router.route(path, handler);
        self.catalogue.routes.push(Route {
            method,
            path: path.to_owned(),
            access,
        });
        if DESCRIBED {
            self.catalogue.docs.push(doc);
        }
        self
    }

    /// Adds a route for anybody.
    #[must_use]
    pub fn open<H, T>(self, method: Method, path: &str, doc: Doc, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        let handler = axum::routing::on(filter(&method), handler);
        self.add((method, path), Access::Public, doc, handler)
    }

    /// Answers what no route knows, to anybody, by a handler of one's own instead of `404`. It is not part of the document.
    #[must_use]
    pub fn otherwise<H, T>(mut self, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.router = self.router.fallback(handler);
        self
    }

    /// The routes without their handlers.
    #[must_use]
    pub fn into_catalogue(self) -> Catalogue {
        self.catalogue
    }

    /// The router.
    pub fn into_router(self) -> Router {
        self.router
            .method_not_allowed_fallback(|| async { Problem::new(Code::MethodNotAllowed) })
            .layer(from_fn(crate::envelope::wrap))
            .with_state(self.state)
    }
}

impl Api {
    /// Adds a route.
    #[must_use]
    pub fn route<H, T>(self, method: Method, path: &str, access: Access, doc: Doc, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        let guard = from_fn_with_state((self.state.clone(), access), crate::envelope::authorise);
        let handler = axum::routing::on(filter(&method), handler).route_layer(guard);
        self.add((method, path), access, doc, handler)
    }
}

fn filter(method: &Method) -> MethodFilter {
    MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::TRACE)
}

/// The routes of a function, for whoever walks them and for the document.
#[derive(Default)]
pub struct Catalogue {
    routes: Vec<Route>,
    /// What each of the routes says of itself.
    docs: Vec<Doc>,
}

impl Catalogue {
    /// The routes, in the order they were added.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// This function's share of the OpenAPI document: its paths and schemas.
    #[must_use]
    pub fn openapi(&self) -> Value {
        let mut paths = Map::new();
        let mut schemas = BTreeMap::new();
        for (Route { method, path, access }, doc) in self.routes.iter().zip(&self.docs) {
            let item = paths.entry(path).or_insert_with(|| json!({}));
            item[method.as_str().to_ascii_lowercase()] = doc.operation(method, path, *access);
            for (name, schema) in doc.schemas.iter().flat_map(|schemas| schemas()) {
                schemas
                    .entry(name)
                    .or_insert_with(|| serde_json::to_value(schema).unwrap_or_default());
            }
            for (name, schema) in &doc.joined {
                schemas.insert(name.clone(), schema());
            }
        }
        json!({"paths": paths, "components": {"schemas": schemas}})
    }
}

/// Puts the shares of several functions together into the document of the interface that tenants use.
#[must_use]
pub fn document(shares: &[Value]) -> Value {
    let description = "The CRM's REST interface. JSON in and out; errors are application/problem+json; lists are pages with cursors; every answer says what it cost.";
    let scheme = json!({"bearer": {"type": "http", "scheme": "bearer", "description": "An access token of POST /v1/auth/token, or an API key rk_live_…"}});
    written("Rapport", description, &scheme, shares)
}

/// The operator's routes as a document of their own: no tenant can call them.
#[must_use]
pub fn operator_document(shares: &[Value]) -> Value {
    let description = "What whoever runs the service can ask and do. It shows nothing that a tenant recorded. Every call is logged under the name of its key.";
    let scheme =
        json!({"operator": {"type": "http", "scheme": "bearer", "description": "A key of the operator, ro_…"}});
    written("Rapport, the operator's view", description, &scheme, shares)
}

fn written(title: &str, description: &str, scheme: &Value, shares: &[Value]) -> Value {
    let mut paths = BTreeMap::new();
    let mut schemas = BTreeMap::new();
    for share in shares {
        for (name, path) in share["paths"].as_object().into_iter().flatten() {
            let known = paths.entry(name.clone()).or_insert_with(|| json!({}));
            if let (Some(known), Some(path)) = (known.as_object_mut(), path.as_object()) {
                known.extend(path.clone());
            }
        }
        for (name, schema) in share["components"]["schemas"].as_object().into_iter().flatten() {
            schemas.insert(name.clone(), schema.clone());
        }
    }
    schemas.insert("Problem".to_owned(), problem_schema());
    let names: Vec<&String> = scheme.as_object().into_iter().flatten().map(|(name, _)| name).collect();
    let security: Vec<Value> = names.iter().map(|name| json!({name.as_str(): []})).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": crate::envelope::VERSION,
            "description": description,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": security,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": scheme,
            "responses": {"Problem": {"description": "A problem", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}},
        },
    })
}

fn problem_schema() -> Value {
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    json!({
        "type": "object",
        "description": "RFC 9457. `code` is a word of a closed list or, where a rule has a word of its own, that word.",
        "required": ["type", "title", "status", "code", "request_id"],
        "properties": {
            "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"},
            "instance": {"type": "string"}, "request_id": {"type": "string"},
            "code": {"type": "string", "examples": codes},
            "errors": {"type": "array", "items": {"type": "object", "properties": {
                "pointer": {"type": "string"}, "code": {"type": "string"}, "detail": {"type": "string"}}}},
            "current": {"type": "object"}, "candidates": {"type": "array", "items": {"type": "object"}}, "holder": {"type": "string"},
        },
    })
}

/// What a header holds.
fn header_schema(name: &str) -> Value {
    match name {
        "If-Match" => json!({"type": "string", "pattern": r#"^(\*|"[0-9]{1,19}")$"#}),
        "Idempotency-Key" => json!({"type": "string", "pattern": "^[!-~]([ -~]{0,255}[!-~])?$"}),
        _ => json!({"type": "string"}),
    }
}

/// The schema of words out of a list, separated by commas.
#[must_use]
pub fn words_of<'a>(words: impl IntoIterator<Item = &'a str>) -> Value {
    let one = words.into_iter().collect::<Vec<_>>().join("|");
    json!({"type": "string", "pattern": format!("^({one})(,({one}))*$")})
}

/// The schema of any JSON object.
#[must_use]
pub fn object() -> Value {
    json!({"type": "object"})
}

/// A schema as it stands in a document.
#[must_use]
pub fn schema_of<T: PartialSchema>() -> Value {
    serde_json::to_value(T::schema()).unwrap_or_default()
}
