//! What happens in a run, as server-sent events: what the store has of it, from any event on, and how far it is.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use chrono::{DateTime, Utc};
use futures::Stream;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::app::App;
use crate::live::Step;

/// How often the store is asked what else happened: runs of other processes tell nobody but the store.
const LOOK: Duration = Duration::from_secs(1);

/// Something that happened in a run; the event `happened`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Happened {
    /// To which delivery; `None` where to the run itself.
    pub delivery: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// What, such as `staging -> sending`.
    pub what: String,
}

struct Telling {
    app: App,
    run: String,
    /// How many events were told.
    told: usize,
    ready: VecDeque<Event>,
    steps: Option<Receiver<Step>>,
    over: bool,
}

/// What happens in a run after so many of its events, until it is over.
pub(crate) fn tell(app: App, run: String, told: usize) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let steps = app.live.steps(&run);
    let telling = Telling { app, run, told, ready: VecDeque::new(), steps, over: false };
    let stream = futures::stream::unfold(telling, |mut telling| async move {
        let event = telling.next().await?;
        Some((Ok(event), telling))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

impl Telling {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.over {
                return None;
            }
            // Whether it is over is asked first: what happens after that is nothing.
            let run = self.app.store.run(&self.run).await.ok()?;
            let events = self.app.store.events(&self.run).await.ok()?;
            self.over = run.state.is_finished();
            for event in events.into_iter().skip(self.told) {
                self.told += 1;
                let delivery =
                    event.delivery.map(|id| id.split_once('/').map_or(id.clone(), |(_, own)| own.to_owned()));
                let happened = Happened { delivery, at: event.at, what: event.what };
                self.ready.extend(told("happened", &happened).map(|event| event.id(self.told.to_string())));
            }
            if self.over {
                self.ready.extend(told("over", &run.state.outcome()));
            } else if self.ready.is_empty() {
                self.wait().await;
            }
        }
    }

    /// Waits for a step, for a while.
    async fn wait(&mut self) {
        let step = async {
            match &mut self.steps {
                Some(steps) => steps.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            step = step => match step {
                Ok(step) => self.ready.extend(told("progress", &step)),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => self.steps = None,
            },
            () = tokio::time::sleep(LOOK) => {}
            () = self.app.stop.cancelled() => self.over = true,
        }
    }
}

fn told(name: &str, what: &impl Serialize) -> Option<Event> {
    Event::default().event(name).json_data(what).ok()
}
