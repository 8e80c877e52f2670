//! The destination kinds, one folder each.
