//! A satellite: a recording server near the taps. It seals with public keys only, and moves what it sealed to the central.
//!
//! | thread | does |
//! | --- | --- |
//! | `wire` and those of the recorder | as in `serve` ([`crate::serve`]) |
//! | `courier` | the line to the central ([`transfer::satellite`]) |
//! | `start-up` | looks at what the last run left, once |
//! | `health` | looks whether calls come as they always do ([`crate::health`]) |
//! | `alarms` | sends alarms by mail, webhook and syslog ([`crate::alarms`]) |
//! | main | signals, the disk, settings read again, whether the central is heard ([`alone`]) |

mod alone;
pub(crate) mod folder;
mod home;
mod keys;
pub(crate) mod run;
