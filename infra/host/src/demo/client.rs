//! A caller of the public API, as any other: it knows an address and a token, and nothing of the host.

use std::time::Duration;

use reqwest::{Method, header};
use serde_json::{Value, json};

use super::DemoError;

/// So many inputs a batch takes.
const BATCH: usize = 100;
/// How often a batch whose answer took too long is sent again.
const PATIENCE: u32 = 4;

/// An answer.
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub location: Option<String>,
}

impl Answer {
    /// The code of a problem.
    pub fn code(&self) -> &str {
        text(&self.body["code"])
    }
}

/// A text, empty where there is none.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Somebody with an access token, or without one yet.
pub struct Client {
    http: reqwest::Client,
    url: String,
    pub token: String,
}

impl Client {
    pub fn new(url: &str) -> Result<Self, DemoError> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(60)).build();
        Ok(Self {
            http: http.map_err(DemoError::NoAnswer)?,
            url: url.to_owned(),
            token: String::new(),
        })
    }

    /// Sends a request and gives whatever answer comes.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, DemoError> {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        // The demo's customers are who they are, however much they look alike.
        request = request.header("Rapport-Allow-Duplicate", "true");
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(DemoError::NoAnswer)?;
        let status = answer.status().as_u16();
        let location = answer
            .headers()
            .get(header::LOCATION)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let bytes = answer.bytes().await.map_err(DemoError::NoAnswer)?;
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(Answer { status, body, location })
    }

    /// Sends a request that has to succeed.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, DemoError> {
        let answer = self.ask(method, path, body).await?;
        if answer.status < 300 {
            Ok(answer)
        } else {
            Err(refused(path, answer.status, &answer.body))
        }
    }

    pub async fn get(&self, path: &str) -> Result<Value, DemoError> {
        Ok(self.call(Method::GET, path, None).await?.body)
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer, DemoError> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// The same for what can be asked again: a machine that does much else may need longer than the gateway waits.
    async fn patiently(&self, path: &str, body: &Value) -> Result<Answer, DemoError> {
        for _ in 0..PATIENCE {
            match self.post(path, body).await {
                Err(DemoError::Refused { status: 504, .. }) => tokio::time::sleep(Duration::from_secs(2)).await,
                answer => return answer,
            }
        }
        self.post(path, body).await
    }

    /// Creates the records of a noun that are not there yet, and gives the ids of all, in the order of the inputs.
    /// Those of an earlier start hold their external ids and the like, and stay as they are.
    pub async fn create(&self, plural: &str, inputs: &[Value]) -> Result<Vec<String>, DemoError> {
        let path = format!("/v1/{plural}/batch");
        let mut ids = Vec::with_capacity(inputs.len());
        for inputs in inputs.chunks(BATCH) {
            let batch = json!({"operation": "create", "inputs": inputs});
            let answer = self.patiently(&path, &batch).await?;
            let results = answer.body["results"].as_array().map(Vec::as_slice).unwrap_or_default();
            for result in results {
                let error = &result["error"];
                // Whichever of its unique values is named first: the holder is the record that an earlier start made.
                let holder = text(&error["holder"]);
                let id = if holder.is_empty() {
                    text(&result["record"]["id"])
                } else {
                    holder
                };
                if id.is_empty() {
                    let status = result["status"].as_u64().and_then(|status| u16::try_from(status).ok());
                    return Err(refused(&path, status.unwrap_or_default(), error));
                }
                ids.push(id.to_owned());
            }
        }
        if ids.len() == inputs.len() {
            Ok(ids)
        } else {
            Err(DemoError::Refused {
                path,
                status: 200,
                detail: "results are missing".to_owned(),
            })
        }
    }
}

/// What was refused, with the first fault.
pub fn refused(path: &str, status: u16, problem: &Value) -> DemoError {
    let first = &problem["errors"][0];
    let detail = if first.is_object() {
        format!("{} {}", text(&first["pointer"]), text(&first["detail"]))
    } else {
        text(&problem["detail"]).to_owned()
    };
    DemoError::Refused {
        path: path.to_owned(),
        status,
        detail,
    }
}
