//! The central's side of its satellites: the authority that issues their certificates, the books of who is one, and how each is
//! configured. What travels is `transfer`'s business, what lies on disk the vault's.

mod authority;
mod board;
mod books;
mod configure;
mod desk;
mod front;
mod invite;
mod present;
mod said;
mod silence;
mod stands;
mod told;

use authority::authority;
pub(crate) use board::join;
use books::Books;
pub(crate) use desk::Desk;
pub(crate) use front::Front;
pub(crate) use invite::{Invited, invite};
pub(crate) use present::Present;
