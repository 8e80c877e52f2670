//! Why a request is not done: problem details (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use consign_delivery::{LeaseError, RunError};
use consign_engine::EngineError;
use consign_model::word;
use consign_store::StoreError;
use schemars::JsonSchema;
use serde::Serialize;

use crate::show::chain;
use crate::work::{WorkError, WorkErrorKind};

/// What is wrong with a request, as it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ProblemDetails")]
pub struct Problem {
    /// The sort of problem; always `about:blank`, the status says it.
    #[serde(rename = "type")]
    pub problem_type: &'static str,
    /// The status in words.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// What happened and what to do.
    pub detail: String,
    /// Each thing that is wrong with what was sent.
    pub problems: Vec<consign_model::problem::Problem>,
}

/// Why a request is not done.
#[derive(Debug, Clone)]
pub struct Refusal {
    status: StatusCode,
    detail: String,
    problems: Vec<consign_model::problem::Problem>,
    /// After how many seconds it may be tried again.
    retry_after: Option<u64>,
}

/// What handlers give.
pub(crate) type Answer<T> = Result<T, Refusal>;

impl Refusal {
    /// With that status, and what happened and what to do.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), problems: Vec::new(), retry_after: None }
    }

    /// What was sent makes no sense.
    pub fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// What was sent has problems.
    pub fn invalid(detail: impl Into<String>, problems: Vec<consign_model::problem::Problem>) -> Self {
        Self { problems, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }

    /// Something that was named does not exist, beside what does.
    pub fn not_found<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Self {
        let remedy = word::use_nearest(name, known);
        Self::new(StatusCode::NOT_FOUND, format!("there is no {what} `{name}`: {remedy}"))
    }

    /// Something that is in the way.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// The same, to be tried again after so many seconds.
    #[must_use]
    pub fn after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// A failure of ours: logged in full, and said in general.
    pub fn failed(error: &dyn std::error::Error) -> Self {
        let detail = chain(error);
        tracing::error!(error = detail, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let problem = Problem {
            problem_type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Refused").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
            problems: self.problems,
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let media = HeaderValue::from_static("application/problem+json");
        let mut response = (self.status, [(header::CONTENT_TYPE, media)], body).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::NotFound { .. } => Self::new(StatusCode::NOT_FOUND, error.to_string()),
            StoreError::RunUnderway { .. } | StoreError::LeaseLost(_) | StoreError::Conflict { .. } => {
                Self::conflict(error.to_string())
            }
            StoreError::Busy(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()).after(1),
            _ => Self::failed(&error),
        }
    }
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        match &error {
            EngineError::Cancelled => stopped(),
            // Most of what goes wrong here is in the tables or the conditions, and for the user to mend.
            _ => Self::new(StatusCode::UNPROCESSABLE_ENTITY, chain(&error)),
        }
    }
}

impl From<RunError> for Refusal {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Plan(problems) => Self::invalid("the campaign cannot be planned", problems),
            RunError::Engine(error) => error.into(),
            RunError::Store(error) | RunError::Lease(LeaseError::Store(error)) => error.into(),
            RunError::Archived(_)
            | RunError::Underway(_)
            | RunError::Over(_)
            | RunError::NothingFailed(_)
            | RunError::Lost { .. } => Self::conflict(chain(&error)),
            error if error.is_cancelled() => stopped(),
            error => Self::failed(&error),
        }
    }
}

impl From<WorkError> for Refusal {
    fn from(error: WorkError) -> Self {
        let WorkError { kind, message } = error;
        match kind {
            WorkErrorKind::Invalid => Self::new(StatusCode::UNPROCESSABLE_ENTITY, message),
            WorkErrorKind::NotFound => Self::new(StatusCode::NOT_FOUND, message),
            WorkErrorKind::Busy => Self::conflict(message),
            WorkErrorKind::Stopped => stopped(),
            WorkErrorKind::Failed => {
                tracing::error!(error = message, "a request failed");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
            }
        }
    }
}

fn stopped() -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "it was stopped before it was done: ask again").after(1)
}
