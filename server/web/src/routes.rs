//! The table of routes. A route cannot be registered without its door: who may pass, how often, and what it answers.
//!
//! # Adding a route
//! ```text
//! pub(crate) fn register(routes: &mut Routes) {
//!     routes.add(
//!         Method::GET,
//!         "/recordings/{id}",                                  // under /api/v1
//!         Spec::new("Recordings", "Shows one recording", Door::Act(Act::Search))
//!             .answers::<api::Detail>(200),                    // or .bytes(200, "audio/wav"), .empty(204)
//!         show,
//!     );
//! }
//!
//! async fn show(caller: Caller, Id(id): Id) -> Answer<Json<api::Detail>> {
//!     let scope = caller.scope.clone();
//!     let found = caller.doors.vault(move |vault| vault.visible(id, &scope)).await?;
//!     let found = found.ok_or_else(Refusal::not_found)?;       // what is not visible does not exist: 404, same body
//!     caller.audit("open", Some(id.to_string()), &[]).await?;  // before the data leaves, or 503
//!     Ok(Json(row(&found)))
//! }
//! ```
//! * [`Caller`] is whoever passed the guard: user, session, scope. It is there on every route whose door is [`Door::Act`].
//! * [`Asked<T>`](crate::take::Asked) takes a query string, [`Body<T>`](crate::take::Body) a JSON body, [`Id`](crate::take::Id)
//!   and [`Names`](crate::take::Names) the parameters of the path; each refuses with a problem.
//! * `caller.doors.vault(|v| ..)` runs short calls into the vault, `doors.blocking_long(|host| ..)` decoding and the like.
//! * A route that needs a second permission for a variant asks `caller.require(Act::Export).await?`, which also audits a refusal.
//! * Streams that last ask `caller.still_valid().await` every few seconds and end when it says no.
//! * The statuses that the guard and the extractors can answer are documented by [`Spec`] itself; add the handler's own with
//!   [`Spec::may`]. The tests compare what is answered with what is documented.
//! * `Spec::sound()` gives the generous rate of playback. Writes (not GET) are checked for CSRF by the guard.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, on};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Required, Schema};
use utoipa::{IntoParams, ToSchema};

use crate::act::Act;
use crate::doors::Doors;
use crate::guard::{Gate, guard};
use crate::limits::Rate;

/// Who may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// Anybody: signing in, health, the description.
    Open,
    /// Whoever has a session, also one whose second factor is missing.
    Half,
    /// Whoever is signed in and may do this.
    Act(Act),
}

/// One answer of a route, for the description.
#[derive(Clone)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) media: Option<&'static str>,
    pub(crate) schema: Option<RefOr<Schema>>,
}

/// What a route is: its door, its rate, and what the description says of it.
#[derive(Clone)]
pub(crate) struct Spec {
    pub(crate) tag: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) door: Door,
    pub(crate) rate: Rate,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<RefOr<Schema>>,
    pub(crate) answers: Vec<Answered>,
    pub(crate) may: Vec<u16>,
    pub(crate) schemas: Vec<(String, RefOr<Schema>)>,
}

impl Spec {
    /// Describes a route. `summary` is a sentence in the third person.
    pub(crate) fn new(tag: &'static str, summary: &'static str, door: Door) -> Self {
        Self {
            tag,
            summary,
            door,
            rate: Rate::Plain,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            may: Vec::new(),
            schemas: Vec::new(),
        }
    }

    /// Takes the query string `T`.
    pub(crate) fn query<T: IntoParams>(mut self) -> Self {
        self.parameters.extend(T::into_params(|| Some(ParameterIn::Query)));
        self.may.push(400);
        self
    }

    /// Takes a header besides those that every route takes.
    pub(crate) fn header(mut self, name: &str, required: Required, what: &str) -> Self {
        let text = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
        let header = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(required)
            .description(Some(what))
            .schema(Some(RefOr::<Schema>::T(text.into())));
        self.parameters.push(header.build());
        self
    }

    /// Takes the JSON body `T`.
    pub(crate) fn body<T: ToSchema>(mut self) -> Self {
        self.body = Some(self.reference::<T>());
        self.may.extend([400, 408, 413, 415]);
        self
    }

    /// Answers `status` with the JSON body `T`.
    pub(crate) fn answers<T: ToSchema>(mut self, status: u16) -> Self {
        let schema = Some(self.reference::<T>());
        self.answers.push(Answered { status, media: Some("application/json"), schema });
        self
    }

    /// Answers `status` with bytes of a media type; another call for another type.
    pub(crate) fn bytes(mut self, status: u16, media: &'static str) -> Self {
        self.answers.push(Answered { status, media: Some(media), schema: None });
        self
    }

    /// Answers `status` with nothing.
    pub(crate) fn empty(mut self, status: u16) -> Self {
        self.answers.push(Answered { status, media: None, schema: None });
        self
    }

    /// May also answer these problems, besides those of the guard and the extractors.
    pub(crate) fn may(mut self, statuses: &[u16]) -> Self {
        self.may.extend(statuses);
        self
    }

    /// Is asked often while sound plays.
    pub(crate) const fn sound(mut self) -> Self {
        self.rate = Rate::Sound;
        self
    }

    /// Is a door that guesses are made at.
    pub(crate) const fn guarded_against_guessing(mut self) -> Self {
        self.rate = Rate::SignIn;
        self
    }

    fn reference<T: ToSchema>(&mut self) -> RefOr<Schema> {
        let name = T::name().into_owned();
        self.schemas.push((name.clone(), T::schema()));
        T::schemas(&mut self.schemas);
        RefOr::Ref(utoipa::openapi::Ref::from_schema_name(name))
    }
}

/// One registered route.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) method: Method,
    /// The path under the prefix of the API.
    pub(crate) path: &'static str,
    pub(crate) spec: Spec,
}

impl Route {
    /// Returns all statuses that the route may answer besides its own answers, sorted.
    pub(crate) fn problems(&self) -> Vec<u16> {
        let mut all = vec![414, 429, 500, 503];
        match self.spec.door {
            Door::Open => {}
            Door::Half => all.push(401),
            Door::Act(_) => all.extend([401, 403]),
        }
        if self.writes() {
            all.push(403);
        }
        if self.path.contains('{') {
            all.push(404);
        }
        all.extend(&self.spec.may);
        all.sort_unstable();
        all.dedup();
        all
    }

    pub(crate) fn writes(&self) -> bool {
        self.method != Method::GET
    }
}

/// The routes of the API under construction.
pub(crate) struct Routes {
    doors: Doors,
    list: Vec<Route>,
    router: Router<Doors>,
}

impl Routes {
    pub(crate) fn new(doors: Doors) -> Self {
        Self { doors, list: Vec::new(), router: Router::new() }
    }

    /// Registers a route: the only way in.
    ///
    /// # Panics
    /// A method that is none of GET, POST, PUT, PATCH, DELETE, or a route registered twice: at start-up, in every test.
    pub(crate) fn add<H, T>(&mut self, method: Method, path: &'static str, spec: Spec, handler: H)
    where
        H: Handler<T, Doors>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(method.clone()).expect("routes have one of the usual methods");
        let route = Route { method, path, spec };
        let gate = Gate {
            doors: self.doors.clone(),
            door: route.spec.door,
            rate: route.spec.rate,
            writes: route.writes(),
            path,
        };
        let guarded = on(filter, handler).route_layer(from_fn_with_state(gate, guard));
        self.router = std::mem::take(&mut self.router).route(path, guarded);
        self.list.push(route);
    }

    /// Returns the router (paths without prefix) and the table.
    pub(crate) fn finish(self) -> (Router<Doors>, Vec<Route>) {
        (self.router, self.list)
    }
}
