//! The doors, asked as a browser asks them: the whole router over a real vault in a folder of its own.

mod daily_login;
mod described;
mod house;
mod manners;
mod matrix;
mod satellites;
mod sessions;
mod sign_in;
mod sockets;
mod users;

pub(crate) use house::{NoKeys, Reply, settings};
