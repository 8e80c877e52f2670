//! The layout of a snapshot: one Parquet file, rows ordered by position, customer key, sub-audience. The engine writes
//! it, staging reads it. Cleaned columns stand under [`CleanedColumn::snapshot_name`](crate::plan::CleanedColumn),
//! raw columns under `Table.column`, both of many-rows tables inside [`rows`]. A cleaned column is text: null is a
//! missing value, and the empty text, which no rule yields, an invalid one.

/// Text: the customer key.
pub const CUSTOMER_KEY: &str = "customer_key";
/// `UInt64`: the customer's position under the campaign's split key.
pub const POSITION: &str = "position";
/// `UInt16`: the sub-audience, as an index into the plan's. Null: the customer is not in the audience; the row is there
/// so that the customer's identifiers are not sent under another key.
pub const SUB_AUDIENCE: &str = "sub_audience";
/// `UInt16`: the group, as an index into the sub-audience's groups. Null where it has none.
pub const GROUP: &str = "group";
/// Boolean: in one of the workspace's `always_exclude`.
pub const EXCLUDED: &str = "excluded";

/// Boolean: the consent rule of a destination holds.
pub fn consent(destination: &crate::id::Slug) -> String {
    format!("consent.{destination}")
}

/// List of structs: the customer's rows of a many-rows table, in a fixed order.
pub fn rows(table: &str) -> String {
    format!("rows.{table}")
}
