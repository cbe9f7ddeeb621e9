//! (see the first line of this crate's Cargo.toml entry; being written)
