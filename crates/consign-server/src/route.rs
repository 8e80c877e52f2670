//! The table of routes: what each is called, what it takes and gives. The router and the OpenAPI document are both
//! made from it, so they cannot disagree.

use axum::handler::Handler;
use axum::routing::{self, MethodRouter};
use consign_store::Role;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::access::Access;
use crate::app::App;

/// The method of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Looks.
    Get,
    /// Acts.
    Post,
    /// Makes, or writes over.
    Put,
    /// Takes away.
    Delete,
}

impl Method {
    /// Its name as HTTP writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// Makes the schema of a type.
pub(crate) type Shape = fn(&mut SchemaGenerator) -> Schema;

/// What a route gives where all is well.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Gives {
    Nothing,
    Json(u16, Shape),
    Other(&'static str),
}

/// How an edit keeps from writing over another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precondition {
    None,
    /// `If-Match` with the tag that was read; `If-None-Match: *` where a new thing is made.
    Tag,
}

/// A route.
pub struct Route {
    /// Its method.
    pub method: Method,
    /// Its path below the base, parameters in braces.
    pub path: &'static str,
    /// The name of the operation.
    pub id: &'static str,
    /// What it does, one sentence.
    pub summary: &'static str,
    /// Who may use it: admins, unless it says otherwise.
    pub access: Access,
    pub(crate) query: Option<Shape>,
    pub(crate) takes: Option<Shape>,
    pub(crate) gives: Gives,
    pub(crate) precondition: Precondition,
    /// Whether `Idempotency-Key` makes a repeated call the same call.
    pub(crate) once: bool,
    /// Whether it may take minutes.
    pub(crate) slow: bool,
    pub(crate) handler: MethodRouter<App>,
}

macro_rules! method {
    ($name:ident, $method:ident, $what:literal) => {
        #[doc = $what]
        pub(crate) fn $name<H, T>(path: &'static str, id: &'static str, summary: &'static str, handler: H) -> Self
        where
            H: Handler<T, App>,
            T: 'static,
        {
            Self::new(Method::$method, path, id, summary, routing::$name(handler))
        }
    };
}

impl Route {
    method!(get, Get, "A route that looks.");
    method!(post, Post, "A route that acts.");
    method!(put, Put, "A route that makes or writes over.");
    method!(delete, Delete, "A route that takes away.");

    fn new(
        method: Method,
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        handler: MethodRouter<App>,
    ) -> Self {
        Self {
            method,
            path,
            id,
            summary,
            access: Access::From(Role::Admin),
            query: None,
            takes: None,
            gives: Gives::Nothing,
            precondition: Precondition::None,
            once: false,
            slow: false,
            handler,
        }
    }

    /// The same for whoever has at least that role.
    pub(crate) fn least(self, role: Role) -> Self {
        Self { access: Access::From(role), ..self }
    }

    /// The same for everybody, without saying who they are.
    pub(crate) fn open(self) -> Self {
        Self { access: Access::Anybody, ..self }
    }

    /// The same with parameters of the query.
    pub(crate) fn query<T: JsonSchema>(self) -> Self {
        Self { query: Some(shape::<T>), ..self }
    }

    /// The same with a JSON body.
    pub(crate) fn takes<T: JsonSchema>(self) -> Self {
        Self { takes: Some(shape::<T>), ..self }
    }

    /// The same with a JSON answer.
    pub(crate) fn gives<T: JsonSchema>(self) -> Self {
        Self { gives: Gives::Json(200, shape::<T>), ..self }
    }

    /// The same with a JSON answer about something that was made.
    pub(crate) fn makes<T: JsonSchema>(self) -> Self {
        Self { gives: Gives::Json(201, shape::<T>), ..self }
    }

    /// The same with a JSON answer about something that has begun.
    pub(crate) fn begins<T: JsonSchema>(self) -> Self {
        Self { gives: Gives::Json(202, shape::<T>), ..self }
    }

    /// The same with an answer of another media type.
    pub(crate) fn gives_other(self, media: &'static str) -> Self {
        Self { gives: Gives::Other(media), ..self }
    }

    /// The same, asking for the tag of what is edited.
    pub(crate) fn edits(self) -> Self {
        Self { precondition: Precondition::Tag, ..self }
    }

    /// The same, done once for each `Idempotency-Key`.
    pub(crate) fn once(self) -> Self {
        Self { once: true, ..self }
    }

    /// The same, given minutes.
    pub(crate) fn slow(self) -> Self {
        Self { slow: true, ..self }
    }
}

fn shape<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}
