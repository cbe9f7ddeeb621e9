//! The program `amethyst` (being written).
fn main() {}
