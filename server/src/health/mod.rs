//! Health that proves recording: not whether threads run, but whether calls come, are heard, and are kept.

pub(crate) mod settings;
