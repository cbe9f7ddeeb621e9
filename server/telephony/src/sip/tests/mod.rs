//! Scripts: one file per behaviour.
