//! consign-store
