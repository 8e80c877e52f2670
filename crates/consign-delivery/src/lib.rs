//! consign-delivery
