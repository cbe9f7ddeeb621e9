//! A recording that is heard: its sealed parts opened, sound of any stretch of it, files to keep, and what proves them.
//!
//! * [`sealed`] – an opened recording over all its parts; [`wav_file`] – any byte of its WAV; [`encode`] – files to keep.
//! * [`gaps`] – where audio is missing and why; [`proof`] – what a sidecar says of a file and of the seals behind it; [`names`].
//!
//! What must hold: the console, the server's commands and the listener's program give the same samples and the same words for one
//! recording, because this is the one place that makes them. Bytes in, bytes out: the caller brings readers and keys; no file, no
//! clock, no dice. Nothing of the audio is kept between two calls.
#![forbid(unsafe_code)]

pub mod encode;
pub mod gaps;
pub mod names;
pub mod proof;
pub mod sealed;
pub mod wav_file;

pub use sealed::{PartSource, ReadSeek, Result, Sealed, Shape, SoundError};
