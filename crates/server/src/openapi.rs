//! The OpenAPI 3.1 document, made from the route table and the schemas of the wire types.

use std::{borrow::Cow, sync::LazyLock};

use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::{
    Problem,
    route::{Answer, Audit, Auth, Contract, Method, Route, table},
};

static TEXT: LazyLock<String> = LazyLock::new(|| {
    let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
    text.push('\n');
    text
});

/// The document as it is served.
pub(crate) fn text() -> &'static str {
    &TEXT
}

/// The whole document.
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = Cow::Borrowed("/components/schemas");
        settings.meta_schema = None;
    });
    let mut requests = settings.clone().for_deserialize().into_generator();
    let mut answers = settings.for_serialize().into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for route in table().filter(|route| route.contract != Contract::Page) {
        let path = route.path.replace("{*", "{");
        let item = paths.entry(path).or_insert_with(|| json!({}));
        item[route.method.name().to_ascii_lowercase()] = operation(route, &mut requests, &mut answers);
    }
    let mut schemas = requests.take_definitions(true);
    schemas.extend(answers.take_definitions(true));
    schemas.insert("Problem".to_owned(), problem());
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Ringfence",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    });
    document.sort_all_objects();
    document
}

fn operation(route: &Route, requests: &mut SchemaGenerator, answers: &mut SchemaGenerator) -> Value {
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "tags": [tag(route.contract)],
        "responses": responses(route, answers),
        "x-body-max": route.body_max,
        "x-refusals-journaled": route.audit == Audit::Refusals,
    });
    match route.auth {
        Auth::Public => operation["security"] = json!([]),
        Auth::LogReader => operation["security"] = json!([{ "token": [] }, {}]),
        Auth::Source => {
            operation["security"] = json!([{ "token": [] }, {}]);
            operation["x-permission"] = json!("ingest, or the proof of the source");
        }
        Auth::Token(permission) => {
            operation["security"] = json!([{ "token": [] }]);
            operation["x-permission"] = json!(permission.name());
        }
    }
    let parameters = parameters(route);
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
    if let Some(request) = route.request {
        let schema = request(requests);
        operation["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": schema } },
        });
    }
    operation
}

fn operation_id(route: &Route) -> String {
    let verb = match route.method {
        Method::Get => "get",
        Method::Post => "post",
        Method::Delete => "delete",
    };
    let path: String = route.path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let words: Vec<&str> = path.split('_').filter(|word| !word.is_empty()).collect();
    format!("{verb}_{}", words.join("_"))
}

pub(crate) fn tag(contract: Contract) -> &'static str {
    match contract {
        Contract::Native => "API",
        Contract::Alertmanager => "Alertmanager API v2",
        Contract::Log => "Log for auditors",
        Contract::Operations => "Operations",
        Contract::Page => "Pages",
    }
}

fn parameters(route: &Route) -> Vec<Value> {
    let in_path = route.path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let in_path = in_path.map(|name| {
        json!({
            "name": name.trim_start_matches('*'),
            "in": "path",
            "required": true,
            "schema": { "type": "string" },
        })
    });
    let in_query = route.query.iter().map(|parameter| {
        json!({
            "name": parameter.name,
            "in": "query",
            "description": parameter.about,
            "schema": { "type": "string" },
        })
    });
    in_path.chain(in_query).collect()
}

fn responses(route: &Route, answers: &mut SchemaGenerator) -> Value {
    let mut responses = match route.answer {
        Answer::Json(status, schema) => json!({
            status.to_string(): {
                "description": "Done",
                "content": { "application/json": { "schema": schema(answers) } },
            },
        }),
        Answer::Other(media) => json!({ "200": { "description": "Done", "content": { media: {} } } }),
        Answer::Nothing => json!({ "200": { "description": "Done" } }),
    };
    responses["default"] = json!({
        "description": "Refused or failed; see docs/reference/errors.md",
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    });
    responses
}

fn problem() -> Value {
    let types: Vec<String> =
        Problem::ALL.iter().map(|problem| format!("urn:ringfence:problem:{}", problem.name())).collect();
    json!({
        "type": "object",
        "description": "A refusal (RFC 9457).",
        "required": ["type", "title", "status", "detail", "instance"],
        "properties": {
            "type": { "type": "string", "enum": types },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
            "instance": { "type": "string", "description": "The request's name in the log." },
        },
    })
}
