//! consign-engine
