//! consign-destinations
