//! The description of all routes (`OpenAPI` 3.1), made from the table that registers them, so that the two cannot differ.

use axum::http::Method;
use serde_json::{Value, json};
use utoipa::ToSchema as _;
use utoipa::openapi::path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, ComponentsBuilder, Content, HttpMethod, InfoBuilder, OpenApiBuilder, PathItem, PathsBuilder,
    Ref, RefOr, Required, Response, ResponseBuilder, Schema,
};

use crate::guard::COOKIE;
use crate::routes::{Answered, Door, Route};

/// Writes the description.
pub(crate) fn describe(routes: &[Route], version: &str) -> Value {
    let mut paths = PathsBuilder::new();
    for route in routes {
        let path = format!("{}{}", api::PREFIX, route.path);
        paths = paths.path(path, PathItem::new(http_method(&route.method), operation(route)));
    }
    let info = InfoBuilder::new()
        .title("AMETHYST")
        .version(version)
        .description(Some(
            "The central server of an AMETHYST site. Sign in with POST /api/v1/sign-in; the session is a cookie. Every request \
             that changes something carries the header x-csrf-token with the value `csrf` of GET /api/v1/me. Refusals are \
             problems (RFC 9457). What you may not see answers exactly as what does not exist.",
        ))
        .build();
    let document = OpenApiBuilder::new().info(info).paths(paths).components(Some(components(routes))).build();
    serde_json::to_value(&document).unwrap_or_else(|error| json!({ "fault": error.to_string() }))
}

fn components(routes: &[Route]) -> Components {
    let mut all = ComponentsBuilder::new();
    for (name, schema) in routes.iter().flat_map(|route| route.spec.schemas.clone()) {
        all = all.schema(name, schema);
    }
    let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(COOKIE)));
    let csrf = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("x-csrf-token")));
    all.schema_from::<api::Problem>().security_scheme("session", cookie).security_scheme("csrf", csrf).build()
}

fn operation(route: &Route) -> Operation {
    let spec = &route.spec;
    let mut op = OperationBuilder::new()
        .tag(spec.tag)
        .summary(Some(spec.summary))
        .operation_id(Some(operation_id(route)))
        .description(Some(who(spec.door)));
    for parameter in path_parameters(route.path).into_iter().chain(spec.parameters.clone()) {
        op = op.parameter(parameter);
    }
    if let Some(body) = &spec.body {
        let body = RequestBodyBuilder::new()
            .content("application/json", Content::new(Some(body.clone())))
            .required(Some(Required::True));
        op = op.request_body(Some(body.build()));
    }
    for status in spec.answers.iter().map(|answer| answer.status) {
        op = op.response(status.to_string(), answered(status, &spec.answers));
    }
    for status in route.problems() {
        op = op.response(status.to_string(), problem(status));
    }
    if spec.door != Door::Open {
        let mut needed = SecurityRequirement::new::<_, [&str; 0], &str>("session", []);
        if route.writes() {
            needed = needed.add::<_, [&str; 0], &str>("csrf", []);
        }
        op = op.security(needed);
    }
    op.build()
}

/// One answer in all the media types that it may come in.
fn answered(status: u16, answers: &[Answered]) -> Response {
    let mut response = ResponseBuilder::new().description(meaning(status));
    for answer in answers.iter().filter(|answer| answer.status == status) {
        let Some(media) = answer.media else { continue };
        let bytes = || RefOr::T(ObjectBuilder::new().schema_type(string()).into());
        let schema = answer.schema.clone().unwrap_or_else(bytes);
        response = response.content(media, Content::new(Some(schema)));
    }
    response.build()
}

fn problem(status: u16) -> Response {
    let schema = RefOr::<Schema>::Ref(Ref::from_schema_name(api::Problem::name()));
    ResponseBuilder::new()
        .description(meaning(status))
        .content("application/problem+json", Content::new(Some(schema)))
        .build()
}

fn path_parameters(path: &str) -> Vec<Parameter> {
    let names = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let parameter = |name: &str| {
        let text = ObjectBuilder::new().schema_type(string()).max_length(Some(100)).min_length(Some(1));
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(RefOr::<Schema>::T(text.into())))
            .build()
    };
    names.map(parameter).collect()
}

const fn string() -> SchemaType {
    SchemaType::Type(Type::String)
}

fn operation_id(route: &Route) -> String {
    let words = route.path.split(['/', '{', '}', '-', '.']).filter(|w| !w.is_empty());
    let path: Vec<&str> = words.collect();
    format!("{}_{}", route.method.as_str().to_lowercase(), path.join("_"))
}

fn who(door: Door) -> String {
    match door {
        Door::Open => "Anybody may ask.".to_owned(),
        Door::Half => {
            "Whoever has a session may ask, also while something of the sign-in is left to do.".to_owned()
        }
        Door::Act(act) => format!("Asks for the permission `{}`.", act.word()),
    }
}

fn http_method(method: &Method) -> HttpMethod {
    match method.as_str() {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

const fn meaning(status: u16) -> &'static str {
    match status {
        101 => "The connection becomes a WebSocket.",
        200 => "Done.",
        201 => "Made.",
        204 => "Done; there is nothing to say.",
        206 => "A part of it, as asked.",
        400 => "The request cannot be understood.",
        401 => "Nobody is signed in, or name, password or code is not right.",
        403 => "The role does not allow it, or the request does not prove that it comes from the console.",
        404 => "There is no such thing, or it is not visible to whoever asks.",
        408 => "The request took too long to arrive.",
        409 => "It does not fit what is there now.",
        412 => "Somebody else changed it meanwhile.",
        413 => "The body is too large.",
        414 => "The address is too long.",
        415 => "The body is not JSON.",
        416 => "Nothing of the range exists.",
        422 => "Understood and not acceptable; the detail says why.",
        426 => "This address speaks WebSocket.",
        428 => "The version is missing in If-Match.",
        429 => "Too many requests; Retry-After says how long to wait.",
        500 => "A fault of the server.",
        503 => "Not at this moment.",
        _ => "See the problem.",
    }
}
