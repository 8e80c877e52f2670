//! `consign destinations`: the kinds, what each asks for, and whether a configured one can be reached.

use std::path::Path;

use anyhow::Result;
use consign_model::spec::Kinds;
use consign_store::Store;

use crate::context::Context;
use crate::exit::{Exit, Refusal};
use crate::print::Spec;
use crate::view::{DestinationLine, DestinationList, KindLine};
use crate::wiring;

pub async fn list(context: &Context) -> Result<Exit> {
    let kinds = context.registry.specs().into_iter().map(|spec| KindLine {
        kind: spec.kind,
        title: spec.title,
        writes_files: spec.writes_files,
        description: spec.description,
    });
    let current = match context.existing_store().await? {
        Some(store) => store.current().await?,
        None => None,
    };
    let configured = current.into_iter().flat_map(|current| current.definitions.destinations);
    let destinations = configured.map(|destination| DestinationLine {
        destination: destination.id.to_string(),
        name: destination.name,
        kind: destination.kind,
    });
    let list = DestinationList { kinds: kinds.collect(), destinations: destinations.collect() };
    context.printer.show(&list)?;
    Ok(Exit::Fine)
}

pub fn spec(context: &Context, kind: &str) -> Result<Exit> {
    let specs = context.registry.specs();
    let Some(spec) = specs.iter().find(|spec| spec.kind == kind) else {
        return Err(Refusal::not_found("kind", kind, specs.iter().map(|spec| spec.kind)).into());
    };
    context.printer.show(&Spec(spec))?;
    Ok(Exit::Fine)
}

pub async fn test(context: &Context, name: &str) -> Result<Exit> {
    let (_store, current) = context.current().await?;
    let destinations = &current.definitions.destinations;
    let Some(destination) = destinations.iter().find(|destination| destination.id.as_str() == name) else {
        let known = destinations.iter().map(|destination| destination.id.as_str());
        return Err(Refusal::not_found("destination", name, known).into());
    };
    let result = wiring::test_destination(context, destination, Path::new(&current.folder)).await?;
    context.printer.show(&result)?;
    Ok(if result.works { Exit::Fine } else { Exit::Failed })
}
