//! consign-demo
