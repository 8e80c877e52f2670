//! consign-normalise
