//! Reads the SAM template that deploys the cloud, and says what the one machine has to run: tables, queues,
//! functions and what calls them. It knows nothing of how these are run.
//!
//! A property of these resources that is not known here is an error with its path, never ignored: what the cloud
//! does and this machine does not is listed by name below, as the fields of type [`IgnoredAny`].

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};
use yaml_serde::Value as Yaml;

use crate::schedule::{Schedule, ScheduleError};

/// What a template declares, resolved.
#[derive(Debug, Default)]
pub struct Template {
    /// The tables, by logical id.
    pub tables: BTreeMap<String, Table>,
    /// The queues, by logical id.
    pub queues: BTreeMap<String, Queue>,
    /// The functions, by logical id.
    pub functions: BTreeMap<String, Function>,
}

/// A DynamoDB table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name in the engine.
    pub name: String,
    /// The body of the call that creates it.
    pub create: Value,
    /// Whether it has a stream.
    pub stream: bool,
    /// The attribute that holds the second after which an item expires.
    pub time_to_live: Option<String>,
}

/// An SQS queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Seconds for which a received message is hidden.
    pub visibility_timeout: u32,
    /// Seconds for which a sent message is hidden.
    pub delay: u32,
    /// Seconds for which a message is kept.
    pub retention: u32,
    /// Seconds for which a receive waits.
    pub receive_wait: u32,
    /// The dead-letter queue's name, and after how many receives a message goes there.
    pub redrive: Option<(String, u32)>,
}

/// A function and what calls it.
#[derive(Clone, Debug)]
pub struct Function {
    /// The crate, which is also the binary: the last component of `CodeUri`, without `.zip`.
    pub name: String,
    /// Its environment.
    pub environment: BTreeMap<String, String>,
    /// Seconds one call may take.
    pub timeout: u32,
    /// Megabytes it is given in the cloud.
    pub memory: u32,
    /// What calls it.
    pub events: Vec<Event>,
}

/// What calls a function.
#[derive(Clone, Debug)]
pub enum Event {
    /// An HTTP route.
    Http {
        /// The method in capitals, `ANY` for all.
        method: String,
        /// The path as API Gateway writes it, `$default` for what no other takes.
        path: String,
    },
    /// Messages of a queue.
    Queue {
        /// The queue's name.
        queue: String,
        /// Messages a call takes at most.
        batch_size: u32,
        /// Seconds to wait for a batch to fill.
        window: u32,
        /// Whether the answer names the messages that failed.
        partial: bool,
        /// Calls at once.
        concurrency: u32,
    },
    /// The changes of a table.
    Stream(StreamBinding),
    /// A clock.
    Schedule {
        /// When.
        schedule: Schedule,
        /// The event's input, handed over as it is.
        input: Option<String>,
    },
}

/// How a function takes the changes of a table.
#[derive(Clone, Debug)]
pub struct StreamBinding {
    /// The table's name.
    pub table: String,
    /// Records a call takes at most.
    pub batch_size: u32,
    /// Seconds to wait for a batch to fill.
    pub window: u32,
    /// Whether the answer names the record that failed.
    pub partial: bool,
    /// Whether a failed batch is tried in halves.
    pub bisect: bool,
    /// How often a failed batch is tried again; `None` for ever.
    pub retries: Option<u32>,
    /// The queue that is told what was given up.
    pub on_failure: Option<String>,
    /// Patterns of which a record must meet one; empty for every record.
    pub filters: Vec<Value>,
}

/// Why a template cannot be run here.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// Not YAML.
    #[error("the template is not YAML: {0}")]
    Yaml(#[from] yaml_serde::Error),
    /// Something that is not understood.
    #[error("template: {path}: {problem}")]
    At {
        /// Where, as `Resources.Leads.Properties.KeySchema`.
        path: String,
        /// What.
        problem: String,
    },
}

fn at<T>(path: &str, problem: impl Into<String>) -> Result<T, TemplateError> {
    Err(TemplateError::At {
        path: path.to_owned(),
        problem: problem.into(),
    })
}

/// Sections of a template that say nothing to one machine.
const SKIPPED_SECTIONS: [&str; 6] = [
    "AWSTemplateFormatVersion",
    "Transform",
    "Description",
    "Metadata",
    "Rules",
    "Outputs",
];

/// Resources of the cloud that one machine does without.
const SKIPPED_TYPES: [&str; 15] = [
    "AWS::ApiGatewayV2::",
    "AWS::CloudFront::",
    "AWS::CloudWatch::",
    "AWS::IAM::",
    "AWS::KMS::",
    "AWS::Lambda::",
    "AWS::Logs::",
    "AWS::Route53::",
    "AWS::SES::",
    "AWS::SNS::",
    "AWS::SQS::QueuePolicy",
    "AWS::SSM::",
    "AWS::SecretsManager::",
    "AWS::Serverless::HttpApi",
    "AWS::WAFv2::",
];

/// The stack's name on one machine.
pub const STACK: &str = "rapport";
/// The account's number on one machine.
pub const ACCOUNT: &str = "000000000000";

impl Template {
    /// Reads a template with its parameters' default values, except those given. `queues` is the start of queue
    /// URLs, such as `http://sqs.local`.
    ///
    /// # Errors
    /// When the text is not YAML, or says something that this machine does not understand.
    pub fn read(text: &str, parameters: &BTreeMap<String, String>, queues: &str) -> Result<Self, TemplateError> {
        let root: Yaml = yaml_serde::from_str(text)?;
        let Some(root) = root.as_mapping() else {
            return at("", "a template is a mapping");
        };
        for key in root.keys() {
            let key = key.as_str().unwrap_or_default();
            let known = ["Parameters", "Conditions", "Globals", "Resources", "Mappings"];
            if !known.contains(&key) && !SKIPPED_SECTIONS.contains(&key) {
                return at(key, "this section is not understood");
            }
        }
        let section = |name: &str| root.get(name).cloned().unwrap_or(Yaml::Null);
        let mut scope = Scope {
            values: HashMap::new(),
            conditions: section("Conditions"),
            mappings: section("Mappings"),
            resources: HashMap::new(),
            queues: queues.trim_end_matches('/').to_owned(),
        };
        for (name, value) in [
            ("AWS::AccountId", ACCOUNT),
            ("AWS::Partition", "aws"),
            ("AWS::Region", crate::engine::REGION),
            ("AWS::StackName", STACK),
            (
                "AWS::StackId",
                "arn:aws:cloudformation:local:000000000000:stack/rapport",
            ),
            ("AWS::URLSuffix", "amazonaws.com"),
        ] {
            scope.values.insert(name.to_owned(), json!(value));
        }
        if let Some(declared) = section("Parameters").as_mapping() {
            for (name, parameter) in declared {
                let name = name.as_str().unwrap_or_default();
                let value = match (parameters.get(name), parameter.get("Default")) {
                    (Some(given), _) => json!(given),
                    (None, Some(default)) => scope.resolve(default, name)?,
                    (None, None) => json!(""),
                };
                let text = scalar(&value);
                scope.values.insert(name.to_owned(), json!(text));
            }
        }
        let resources = section("Resources");
        let Some(resources) = resources.as_mapping() else {
            return at("Resources", "a template has resources");
        };
        scope.name_resources(resources)?;
        let globals = scope.resolve(&section("Globals"), "Globals")?;

        let mut template = Self::default();
        for (id, resource) in resources {
            let id = id.as_str().unwrap_or_default().to_owned();
            let kind = resource.get("Type").and_then(Yaml::as_str).unwrap_or("");
            let path = format!("Resources.{id}");
            if SKIPPED_TYPES.iter().any(|skipped| kind.starts_with(skipped)) {
                continue;
            }
            check_resource_attributes(resource, &path)?;
            if let Some(condition) = resource.get("Condition").and_then(Yaml::as_str)
                && !scope.condition(condition, &path)?
            {
                continue;
            }
            let path = format!("{path}.Properties");
            let properties = scope.resolve(resource.get("Properties").unwrap_or(&Yaml::Null), &path)?;
            let properties = if properties.is_null() { json!({}) } else { properties };
            match kind {
                "AWS::DynamoDB::Table" => {
                    let name = scope.name_of(&id).to_owned();
                    template.tables.insert(id, table(name, properties, &path)?);
                }
                "AWS::SQS::Queue" => {
                    let name = scope.name_of(&id).to_owned();
                    template.queues.insert(id, queue(name, properties, &path)?);
                }
                "AWS::Serverless::Function" => {
                    let merged = with_globals(&globals["Function"], properties);
                    template.functions.insert(id, function(merged, &path)?);
                }
                other => return at(&path, format!("resources of type {other} are not understood")),
            }
        }
        template.check()?;
        Ok(template)
    }

    fn check(&self) -> Result<(), TemplateError> {
        let queue = |name: &str| self.queues.values().any(|queue| queue.name == name);
        for (id, one) in &self.queues {
            if let Some((dead, _)) = &one.redrive
                && !queue(dead)
            {
                return at(id, format!("there is no queue {dead} for its dead letters"));
            }
        }
        for (id, function) in &self.functions {
            for event in &function.events {
                match event {
                    Event::Queue { queue: name, .. } if !queue(name) => {
                        return at(id, format!("there is no queue {name}"));
                    }
                    Event::Stream(binding) => {
                        let table = self.tables.values().find(|one| one.name == binding.table);
                        if !table.is_some_and(|table| table.stream) {
                            return at(id, format!("{} is no table with a stream", binding.table));
                        }
                        if let Some(dead) = &binding.on_failure
                            && !queue(dead)
                        {
                            return at(id, format!("there is no queue {dead}"));
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// What names stand for while a template is resolved.
struct Scope {
    values: HashMap<String, Value>,
    conditions: Yaml,
    mappings: Yaml,
    /// Logical id to type and name.
    resources: HashMap<String, (String, String)>,
    queues: String,
}

impl Scope {
    fn name_resources(&mut self, resources: &yaml_serde::Mapping) -> Result<(), TemplateError> {
        for (id, resource) in resources {
            let Some(id) = id.as_str() else {
                return at("Resources", "a logical id is a word");
            };
            let kind = resource.get("Type").and_then(Yaml::as_str).unwrap_or("");
            let property = match kind {
                "AWS::DynamoDB::Table" => "TableName",
                "AWS::SQS::Queue" => "QueueName",
                "AWS::Serverless::Function" => "FunctionName",
                _ => "",
            };
            let given = resource.get("Properties").and_then(|all| all.get(property));
            let name = match given {
                Some(name) => scalar(&self.resolve(name, &format!("Resources.{id}.{property}"))?),
                None => id.to_owned(),
            };
            self.resources.insert(id.to_owned(), (kind.to_owned(), name));
        }
        Ok(())
    }

    fn name_of<'a>(&'a self, id: &'a str) -> &'a str {
        self.resources.get(id).map_or(id, |(_, name)| name)
    }

    fn resolve(&self, value: &Yaml, path: &str) -> Result<Value, TemplateError> {
        match value {
            Yaml::Null => Ok(Value::Null),
            Yaml::Bool(value) => Ok(json!(value)),
            Yaml::Number(number) => serde_json::to_value(number).or_else(|error| at(path, error.to_string())),
            Yaml::String(text) => Ok(json!(text)),
            Yaml::Sequence(all) => {
                let mut list = Vec::with_capacity(all.len());
                for (index, one) in all.iter().enumerate() {
                    let one = self.resolve(one, &format!("{path}[{index}]"))?;
                    if one != no_value() {
                        list.push(one);
                    }
                }
                Ok(Value::Array(list))
            }
            Yaml::Mapping(map) => {
                if let [(key, argument)] = map.iter().collect::<Vec<_>>()[..]
                    && let Some(name) = key.as_str()
                    && (name == "Ref" || name.starts_with("Fn::"))
                {
                    return self.call(name.trim_start_matches("Fn::"), argument, path);
                }
                let mut object = Map::new();
                for (key, one) in map {
                    let Some(key) = key.as_str() else {
                        return at(path, "a key is a word");
                    };
                    let one = self.resolve(one, &format!("{path}.{key}"))?;
                    if one != no_value() {
                        object.insert(key.to_owned(), one);
                    }
                }
                Ok(Value::Object(object))
            }
            Yaml::Tagged(tagged) => {
                let tag = tagged.tag.to_string();
                self.call(tag.trim_start_matches('!'), &tagged.value, path)
            }
        }
    }

    fn call(&self, name: &str, argument: &Yaml, path: &str) -> Result<Value, TemplateError> {
        let list = |count: usize| match argument.as_sequence() {
            Some(list) if list.len() == count => Ok(list),
            _ => at(path, format!("!{name} takes {count} arguments")),
        };
        match name {
            "Ref" => self.reference(argument.as_str().unwrap_or_default(), path),
            "GetAtt" => {
                let (id, attribute) = match argument {
                    Yaml::String(text) => text.split_once('.').unwrap_or((text, "")),
                    _ => {
                        let list = list(2)?;
                        (
                            list[0].as_str().unwrap_or_default(),
                            list[1].as_str().unwrap_or_default(),
                        )
                    }
                };
                self.attribute(id, attribute, path)
            }
            "Sub" => {
                if let Some(text) = argument.as_str() {
                    return self.substitute(text, &Map::new(), path);
                }
                let list = list(2)?;
                let Value::Object(values) = self.resolve(&list[1], path)? else {
                    return at(path, "!Sub takes a text and a mapping");
                };
                self.substitute(list[0].as_str().unwrap_or_default(), &values, path)
            }
            "Join" => {
                let list = list(2)?;
                let separator = scalar(&self.resolve(&list[0], path)?);
                let Value::Array(parts) = self.resolve(&list[1], path)? else {
                    return at(path, "!Join takes a separator and a list");
                };
                let parts: Vec<String> = parts.iter().map(scalar).collect();
                Ok(json!(parts.join(&separator)))
            }
            "Select" => {
                let list = list(2)?;
                let index = scalar(&self.resolve(&list[0], path)?).parse().unwrap_or(0);
                let all = self.resolve(&list[1], path)?;
                all.get::<usize>(index)
                    .cloned()
                    .map_or_else(|| at(path, "!Select beyond the list"), Ok)
            }
            "Split" => {
                let list = list(2)?;
                let separator = scalar(&self.resolve(&list[0], path)?);
                let text = scalar(&self.resolve(&list[1], path)?);
                Ok(json!(text.split(separator.as_str()).collect::<Vec<_>>()))
            }
            "If" => {
                let list = list(3)?;
                let holds = self.condition(list[0].as_str().unwrap_or_default(), path)?;
                self.resolve(&list[if holds { 1 } else { 2 }], path)
            }
            "FindInMap" => {
                let mut found = &self.mappings;
                for key in list(3)? {
                    let key = scalar(&self.resolve(key, path)?);
                    found = match found.get(key.as_str()) {
                        Some(found) => found,
                        None => return at(path, format!("the mapping has no {key}")),
                    };
                }
                self.resolve(found, path)
            }
            other => at(path, format!("!{other} is not understood")),
        }
    }

    fn condition(&self, name: &str, path: &str) -> Result<bool, TemplateError> {
        match self.conditions.get(name) {
            Some(condition) => self.holds(condition, path),
            None => at(path, format!("there is no condition {name}")),
        }
    }

    fn holds(&self, condition: &Yaml, path: &str) -> Result<bool, TemplateError> {
        let (name, argument) = match condition {
            Yaml::Tagged(tagged) => (
                tagged.tag.to_string().trim_start_matches('!').to_owned(),
                tagged.value.clone(),
            ),
            Yaml::Mapping(map) if map.len() == 1 => {
                let (name, argument) = map
                    .iter()
                    .next()
                    .map(|(name, argument)| (name.as_str().unwrap_or_default(), argument.clone()))
                    .unwrap_or_default();
                (name.trim_start_matches("Fn::").to_owned(), argument)
            }
            _ => return at(path, "a condition is a function"),
        };
        let empty = Vec::new();
        let list = argument.as_sequence().unwrap_or(&empty);
        match (name.as_str(), list.as_slice()) {
            ("Equals", [left, right]) => Ok(scalar(&self.resolve(left, path)?) == scalar(&self.resolve(right, path)?)),
            ("Not", [one]) => Ok(!self.holds(one, path)?),
            ("And", all) => {
                for one in all {
                    if !self.holds(one, path)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            ("Or", all) => {
                for one in all {
                    if self.holds(one, path)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            ("Condition", _) => self.condition(argument.as_str().unwrap_or_default(), path),
            _ => at(path, format!("the condition !{name} is not understood")),
        }
    }

    fn reference(&self, name: &str, path: &str) -> Result<Value, TemplateError> {
        if name == "AWS::NoValue" {
            return Ok(no_value());
        }
        if let Some(value) = self.values.get(name) {
            return Ok(value.clone());
        }
        match self.resources.get(name) {
            Some((kind, name)) if kind == "AWS::SQS::Queue" => Ok(json!(format!("{}/{ACCOUNT}/{name}", self.queues))),
            Some((_, name)) => Ok(json!(name)),
            // SAM makes this resource by itself.
            None if name == "ServerlessHttpApi" => Ok(json!("local")),
            None => at(path, format!("!Ref {name} names nothing")),
        }
    }

    fn attribute(&self, id: &str, attribute: &str, path: &str) -> Result<Value, TemplateError> {
        let Some((kind, name)) = self.resources.get(id) else {
            // SAM makes a function's role by itself; here nobody has one, and what would name it is left out.
            let function = id
                .strip_suffix("Role")
                .and_then(|function| self.resources.get(function));
            if function.is_some_and(|(kind, _)| kind == "AWS::Serverless::Function") {
                return Ok(no_value());
            }
            return at(path, format!("!GetAtt {id}.{attribute} names nothing"));
        };
        let region = crate::engine::REGION;
        let text = match (kind.as_str(), attribute) {
            ("AWS::DynamoDB::Table", "Arn") => {
                format!("arn:aws:dynamodb:{region}:{ACCOUNT}:table/{name}")
            }
            ("AWS::DynamoDB::Table", "StreamArn") => {
                format!("arn:aws:dynamodb:{region}:{ACCOUNT}:table/{name}/stream/local")
            }
            ("AWS::SQS::Queue", "Arn") => format!("arn:aws:sqs:{region}:{ACCOUNT}:{name}"),
            ("AWS::SQS::Queue", "QueueName") => name.clone(),
            ("AWS::SQS::Queue", "QueueUrl") => format!("{}/{ACCOUNT}/{name}", self.queues),
            ("AWS::Serverless::Function", "Arn") => {
                format!("arn:aws:lambda:{region}:{ACCOUNT}:function:{name}")
            }
            (kind, _) if SKIPPED_TYPES.iter().any(|skipped| kind.starts_with(skipped)) => {
                format!("{id}.{attribute}")
            }
            _ => return at(path, format!("!GetAtt {id}.{attribute} is not understood")),
        };
        Ok(json!(text))
    }

    fn substitute(&self, text: &str, values: &Map<String, Value>, path: &str) -> Result<Value, TemplateError> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            out.push_str(&rest[..start]);
            let Some(end) = rest[start..].find('}') else {
                return at(path, "a ${ without its }");
            };
            let name = &rest[start + 2..start + end];
            rest = &rest[start + end + 1..];
            if let Some(literal) = name.strip_prefix('!') {
                out.push_str(&format!("${{{literal}}}"));
            } else if let Some(value) = values.get(name) {
                out.push_str(&scalar(value));
            } else if let Some((id, attribute)) = name.split_once('.') {
                out.push_str(&scalar(&self.attribute(id, attribute, path)?));
            } else {
                out.push_str(&scalar(&self.reference(name, path)?));
            }
        }
        out.push_str(rest);
        Ok(json!(out))
    }
}

/// Stands for `AWS::NoValue` until the entry that holds it is left out.
fn no_value() -> Value {
    json!("\u{0}AWS::NoValue")
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn check_resource_attributes(resource: &Yaml, path: &str) -> Result<(), TemplateError> {
    let known = [
        "Type",
        "Properties",
        "Condition",
        // Of the cloud's life cycle.
        "DeletionPolicy",
        "UpdateReplacePolicy",
        "DependsOn",
        "Metadata",
        "CreationPolicy",
        "UpdatePolicy",
    ];
    let Some(map) = resource.as_mapping() else {
        return at(path, "a resource is a mapping");
    };
    for key in map.keys() {
        let key = key.as_str().unwrap_or_default();
        if !known.contains(&key) {
            return at(&format!("{path}.{key}"), "is not understood");
        }
    }
    Ok(())
}

fn typed<T: for<'de> Deserialize<'de>>(properties: Value, path: &str) -> Result<T, TemplateError> {
    serde_path_to_error::deserialize(properties).map_err(|error| TemplateError::At {
        path: format!("{path}.{}", error.path()),
        problem: error.inner().to_string(),
    })
}

/// Numbers and truths of a template may have come through `!Ref` and be text.
fn number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    scalar(&value)
        .parse()
        .map(Some)
        .map_err(|_| serde::de::Error::custom(format!("{value} is not a number")))
}

fn truth<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = Value::deserialize(deserializer)?;
    match scalar(&value).as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(serde::de::Error::custom(format!("{other} is neither true nor false"))),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
#[allow(dead_code)]
struct TableProperties {
    key_schema: Value,
    attribute_definitions: Value,
    #[serde(default)]
    global_secondary_indexes: Vec<Index>,
    #[serde(default)]
    local_secondary_indexes: Option<Value>,
    #[serde(default)]
    stream_specification: Option<StreamSpecification>,
    #[serde(default)]
    time_to_live_specification: Option<TimeToLive>,
    #[serde(default)]
    table_name: IgnoredAny,
    // Of the cloud.
    #[serde(default)]
    billing_mode: IgnoredAny,
    #[serde(default)]
    contributor_insights_specification: IgnoredAny,
    #[serde(default)]
    deletion_protection_enabled: IgnoredAny,
    #[serde(default)]
    on_demand_throughput: IgnoredAny,
    #[serde(default)]
    point_in_time_recovery_specification: IgnoredAny,
    #[serde(default, rename = "SSESpecification")]
    sse_specification: IgnoredAny,
    #[serde(default)]
    table_class: IgnoredAny,
    #[serde(default)]
    tags: IgnoredAny,
    #[serde(default)]
    warm_throughput: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
#[allow(dead_code)]
struct Index {
    index_name: String,
    key_schema: Value,
    projection: Value,
    #[serde(default)]
    on_demand_throughput: IgnoredAny,
    #[serde(default)]
    warm_throughput: IgnoredAny,
    #[serde(default)]
    contributor_insights_specification: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct StreamSpecification {
    stream_view_type: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct TimeToLive {
    attribute_name: String,
    #[serde(deserialize_with = "truth")]
    enabled: bool,
}

fn table(name: String, properties: Value, path: &str) -> Result<Table, TemplateError> {
    let given: TableProperties = typed(properties, path)?;
    let mut create = json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": given.key_schema,
        "AttributeDefinitions": given.attribute_definitions,
    });
    if !given.global_secondary_indexes.is_empty() {
        create["GlobalSecondaryIndexes"] = given
            .global_secondary_indexes
            .into_iter()
            .map(|index| {
                json!({
                    "IndexName": index.index_name,
                    "KeySchema": index.key_schema,
                    "Projection": index.projection,
                })
            })
            .collect();
    }
    if let Some(local) = given.local_secondary_indexes {
        create["LocalSecondaryIndexes"] = local;
    }
    let stream = given.stream_specification.is_some();
    if let Some(stream) = given.stream_specification {
        create["StreamSpecification"] = json!({"StreamEnabled": true, "StreamViewType": stream.stream_view_type});
    }
    Ok(Table {
        name,
        create,
        stream,
        time_to_live: given
            .time_to_live_specification
            .filter(|specification| specification.enabled)
            .map(|specification| specification.attribute_name),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
#[allow(dead_code)]
struct QueueProperties {
    #[serde(default, deserialize_with = "number")]
    visibility_timeout: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    delay_seconds: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    message_retention_period: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    receive_message_wait_time_seconds: Option<i64>,
    #[serde(default)]
    redrive_policy: Option<RedrivePolicy>,
    #[serde(default)]
    queue_name: IgnoredAny,
    // Of the cloud.
    #[serde(default)]
    kms_data_key_reuse_period_seconds: IgnoredAny,
    #[serde(default)]
    kms_master_key_id: IgnoredAny,
    #[serde(default)]
    maximum_message_size: IgnoredAny,
    #[serde(default)]
    redrive_allow_policy: IgnoredAny,
    #[serde(default)]
    sqs_managed_sse_enabled: IgnoredAny,
    #[serde(default)]
    tags: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RedrivePolicy {
    dead_letter_target_arn: String,
    #[serde(deserialize_with = "number")]
    max_receive_count: Option<i64>,
}

fn queue(name: String, properties: Value, path: &str) -> Result<Queue, TemplateError> {
    let given: QueueProperties = typed(properties, path)?;
    let seconds =
        |value: Option<i64>, default: u32| value.map_or(default, |value| u32::try_from(value).unwrap_or(default));
    Ok(Queue {
        name,
        visibility_timeout: seconds(given.visibility_timeout, 30),
        delay: seconds(given.delay_seconds, 0),
        retention: seconds(given.message_retention_period, 345_600),
        receive_wait: seconds(given.receive_message_wait_time_seconds, 0),
        redrive: given.redrive_policy.map(|policy| {
            (
                last_part(&policy.dead_letter_target_arn).to_owned(),
                seconds(policy.max_receive_count, 5),
            )
        }),
    })
}

/// The name at the end of an ARN or of a queue's URL.
fn last_part(name: &str) -> &str {
    name.rsplit([':', '/']).next().unwrap_or(name)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
#[allow(dead_code)]
struct FunctionProperties {
    code_uri: String,
    #[serde(default)]
    environment: Environment,
    #[serde(default, deserialize_with = "number")]
    timeout: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    memory_size: Option<i64>,
    #[serde(default)]
    events: BTreeMap<String, DeclaredEvent>,
    #[serde(default)]
    function_name: IgnoredAny,
    // Of the cloud.
    #[serde(default)]
    architectures: IgnoredAny,
    #[serde(default)]
    assume_role_policy_document: IgnoredAny,
    #[serde(default)]
    auto_publish_alias: IgnoredAny,
    #[serde(default)]
    dead_letter_queue: IgnoredAny,
    #[serde(default)]
    deployment_preference: IgnoredAny,
    #[serde(default)]
    description: IgnoredAny,
    #[serde(default)]
    ephemeral_storage: IgnoredAny,
    #[serde(default)]
    handler: IgnoredAny,
    #[serde(default)]
    kms_key_arn: IgnoredAny,
    #[serde(default)]
    logging_config: IgnoredAny,
    #[serde(default)]
    permissions_boundary: IgnoredAny,
    #[serde(default)]
    policies: IgnoredAny,
    #[serde(default)]
    propagate_tags: IgnoredAny,
    #[serde(default)]
    recursive_loop: IgnoredAny,
    #[serde(default)]
    reserved_concurrent_executions: IgnoredAny,
    #[serde(default)]
    role: IgnoredAny,
    #[serde(default)]
    role_path: IgnoredAny,
    #[serde(default)]
    runtime: IgnoredAny,
    #[serde(default)]
    tags: IgnoredAny,
    #[serde(default)]
    tracing: IgnoredAny,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Environment {
    #[serde(default)]
    variables: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct DeclaredEvent {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(default)]
    properties: Value,
}

/// Globals give what a function does not say; environments and tags are joined.
fn with_globals(globals: &Value, own: Value) -> Value {
    match (globals, own) {
        (Value::Object(globals), Value::Object(own)) => {
            let mut merged = globals.clone();
            for (key, value) in own {
                let value = match merged.get(&key) {
                    Some(global @ Value::Object(_)) => with_globals(global, value),
                    _ => value,
                };
                merged.insert(key, value);
            }
            Value::Object(merged)
        }
        (_, own) => own,
    }
}

fn function(properties: Value, path: &str) -> Result<Function, TemplateError> {
    let given: FunctionProperties = typed(properties, path)?;
    let code = given.code_uri.trim_end_matches('/').trim_end_matches(".zip");
    let mut events = Vec::new();
    for (name, declared) in given.events {
        let path = format!("{path}.Events.{name}.Properties");
        events.extend(event(&declared.kind, declared.properties, &path)?);
    }
    Ok(Function {
        name: code.rsplit('/').next().unwrap_or(code).to_owned(),
        environment: given
            .environment
            .variables
            .into_iter()
            .map(|(name, value)| (name, scalar(&value)))
            .collect(),
        timeout: positive(given.timeout, 3),
        memory: positive(given.memory_size, 128),
        events,
    })
}

fn positive(value: Option<i64>, default: u32) -> u32 {
    value
        .and_then(|value| u32::try_from(value).ok())
        .filter(|value| *value > 0)
        .unwrap_or(default)
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase", default)]
#[allow(dead_code)]
struct HttpEvent {
    path: Option<String>,
    method: Option<String>,
    payload_format_version: Option<String>,
    // Of the cloud.
    api_id: IgnoredAny,
    auth: IgnoredAny,
    route_settings: IgnoredAny,
    timeout_in_millis: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct QueueEvent {
    queue: String,
    #[serde(default, deserialize_with = "number")]
    batch_size: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    maximum_batching_window_in_seconds: Option<i64>,
    #[serde(default)]
    function_response_types: Vec<String>,
    #[serde(default)]
    scaling_config: Option<ScalingConfig>,
    #[serde(default = "yes", deserialize_with = "truth")]
    enabled: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ScalingConfig {
    #[serde(deserialize_with = "number")]
    maximum_concurrency: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
#[allow(dead_code)]
struct StreamEvent {
    stream: String,
    #[serde(default, deserialize_with = "number")]
    batch_size: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    maximum_batching_window_in_seconds: Option<i64>,
    #[serde(default)]
    function_response_types: Vec<String>,
    #[serde(default, deserialize_with = "truth")]
    bisect_batch_on_function_error: bool,
    #[serde(default, deserialize_with = "number")]
    maximum_retry_attempts: Option<i64>,
    #[serde(default)]
    destination_config: Option<DestinationConfig>,
    #[serde(default)]
    filter_criteria: Option<FilterCriteria>,
    #[serde(default = "yes", deserialize_with = "truth")]
    enabled: bool,
    /// One machine reads from the oldest record it has, and forgets none by age.
    starting_position: IgnoredAny,
    #[serde(default)]
    maximum_record_age_in_seconds: IgnoredAny,
    /// One machine keeps the order of the whole table.
    #[serde(default)]
    parallelization_factor: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct DestinationConfig {
    on_failure: Destination,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
#[allow(dead_code)]
struct Destination {
    destination: String,
    #[serde(default, rename = "Type")]
    kind: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct FilterCriteria {
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Filter {
    pattern: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
#[allow(dead_code)]
struct ScheduleEvent {
    #[serde(alias = "ScheduleExpression")]
    schedule: String,
    #[serde(default)]
    schedule_expression_timezone: Option<String>,
    #[serde(default)]
    input: Option<String>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default = "yes", deserialize_with = "truth")]
    enabled: bool,
    #[serde(default)]
    name: IgnoredAny,
    #[serde(default)]
    description: IgnoredAny,
    // Of the cloud.
    #[serde(default)]
    dead_letter_config: IgnoredAny,
    #[serde(default)]
    flexible_time_window: IgnoredAny,
    #[serde(default)]
    omit_name: IgnoredAny,
    #[serde(default)]
    permissions_boundary: IgnoredAny,
    #[serde(default)]
    retry_policy: IgnoredAny,
    #[serde(default)]
    role_arn: IgnoredAny,
}

fn yes() -> bool {
    true
}

fn event(kind: &str, properties: Value, path: &str) -> Result<Option<Event>, TemplateError> {
    let properties = if properties.is_null() { json!({}) } else { properties };
    let partial = |types: &[String]| types.iter().any(|one| one == "ReportBatchItemFailures");
    Ok(match kind {
        "HttpApi" => {
            let given: HttpEvent = typed(properties, path)?;
            if given.payload_format_version.is_some_and(|version| version != "2.0") {
                return at(path, "only payload format 2.0 is understood");
            }
            let method = given.method.unwrap_or_else(|| "ANY".to_owned());
            let event_path = given.path.unwrap_or_else(|| "$default".to_owned());
            Some(Event::Http {
                method: match method.to_ascii_uppercase().as_str() {
                    "X-AMAZON-APIGATEWAY-ANY-METHOD" | "*" => "ANY".to_owned(),
                    method => method.to_owned(),
                },
                path: event_path,
            })
        }
        "SQS" => {
            let given: QueueEvent = typed(properties, path)?;
            given.enabled.then(|| Event::Queue {
                queue: last_part(&given.queue).to_owned(),
                batch_size: positive(given.batch_size, 10),
                window: positive(given.maximum_batching_window_in_seconds, 0),
                partial: partial(&given.function_response_types),
                concurrency: positive(given.scaling_config.and_then(|config| config.maximum_concurrency), 8),
            })
        }
        "DynamoDB" => {
            let given: StreamEvent = typed(properties, path)?;
            let mut filters = Vec::new();
            for filter in given.filter_criteria.map(|all| all.filters).unwrap_or_default() {
                match serde_json::from_str(&filter.pattern) {
                    Ok(pattern) => filters.push(pattern),
                    Err(error) => return at(path, format!("a filter is not JSON: {error}")),
                }
            }
            for filter in &filters {
                if let Err(problem) = crate::filter::check(filter) {
                    return at(path, problem);
                }
            }
            let table = given
                .stream
                .split("table/")
                .nth(1)
                .and_then(|rest| rest.split('/').next())
                .unwrap_or_default()
                .to_owned();
            given.enabled.then(|| {
                Event::Stream(StreamBinding {
                    table,
                    batch_size: positive(given.batch_size, 100),
                    window: positive(given.maximum_batching_window_in_seconds, 0),
                    partial: partial(&given.function_response_types),
                    bisect: given.bisect_batch_on_function_error,
                    retries: given
                        .maximum_retry_attempts
                        .and_then(|attempts| u32::try_from(attempts).ok()),
                    on_failure: given
                        .destination_config
                        .map(|config| last_part(&config.on_failure.destination).to_owned()),
                    filters,
                })
            })
        }
        "Schedule" | "ScheduleV2" => {
            let given: ScheduleEvent = typed(properties, path)?;
            let schedule = Schedule::parse(&given.schedule, given.schedule_expression_timezone.as_deref()).map_err(
                |ScheduleError(problem)| TemplateError::At {
                    path: path.to_owned(),
                    problem,
                },
            )?;
            let on = given.enabled && given.state.as_deref() != Some("DISABLED");
            on.then_some(Event::Schedule {
                schedule,
                input: given.input,
            })
        }
        other => return at(path, format!("events of type {other} are not understood")),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Template, TemplateError> {
        Template::read(text, &BTreeMap::new(), "http://sqs.local")
    }

    const SMALL: &str = include_str!("../tests/small.yaml");

    #[test]
    fn a_template_is_resolved() {
        let template = read(SMALL).unwrap();
        let leads = &template.tables["LeadsTable"];
        assert_eq!(leads.name, "rapport-leads");
        assert!(leads.stream);
        assert_eq!(leads.time_to_live.as_deref(), Some("expires_at"));
        assert_eq!(leads.create["GlobalSecondaryIndexes"][0]["IndexName"], "by_status");
        let work = &template.queues["WorkQueue"];
        assert_eq!((work.visibility_timeout, work.delay), (60, 0));
        assert_eq!(work.redrive, Some(("rapport-work-dead".to_owned(), 5)));
        let function = &template.functions["LeadsFunction"];
        assert_eq!(
            (function.name.as_str(), function.timeout, function.memory),
            ("leads", 10, 512)
        );
        assert_eq!(function.environment["TABLE_LEADS"], "rapport-leads");
        assert_eq!(
            function.environment["QUEUE_WORK"],
            "http://sqs.local/000000000000/rapport-work"
        );
        assert_eq!(
            function.environment["STAGE"], "local",
            "globals give what the function does not say"
        );
        assert_eq!(function.events.len(), 3);
        let Event::Stream(stream) = &template.functions["ChangesFunction"].events[0] else {
            panic!("the changes function takes a stream")
        };
        assert_eq!(
            (stream.table.as_str(), stream.batch_size, stream.retries),
            ("rapport-leads", 100, Some(3))
        );
        assert_eq!(stream.on_failure.as_deref(), Some("rapport-work-dead"));
        assert!(stream.partial && stream.bisect);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let cases = [
            ("TableName: !Sub", "Colour: red\n      TableName: !Sub", "LeadsTable"),
            ("VisibilityTimeout: 60", "VisibilityTimeout: soon", "VisibilityTimeout"),
            ("VisibilityTimeout: 60", "FifoQueue: true", "WorkQueue"),
            ("BatchSize: 10", "BatchSise: 10", "Work"),
            ("rate(1 minute)", "rate(1 fortnight)", "Tick"),
            ("!Ref WorkQueue", "!Ref WorkQueues", "WorkQueues"),
            ("!GetAtt LeadsTable.StreamArn", "!GetAtt LeadsTable.River", "River"),
            (
                "Type: AWS::SQS::Queue",
                "Type: AWS::Kinesis::Stream",
                "AWS::Kinesis::Stream",
            ),
            ("Timeout: 10", "Timeout: !Cidr 10", "!Cidr"),
        ];
        for (from, to, named) in cases {
            let text = SMALL.replacen(from, to, 1);
            assert_ne!(text, SMALL, "{from}");
            let error = read(&text).unwrap_err().to_string();
            assert!(error.contains(named), "{to}: {error}");
        }
    }
}
