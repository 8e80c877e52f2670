//! Explaining one customer: which conditions hold, and where they lead.
