//! Real calls.
