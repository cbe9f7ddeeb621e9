//! From sealed payload to sound: decoders, rendering of a time range, WAV, FLAC, Opus, peaks and raw export.
//!
//! Bytes in, PCM out. This crate opens no file, asks no clock and keeps no audio; it writes through [`std::io::Write`].
//! What must hold:
//! * What was received is never altered: G.711 and linear audio come out sample-exact, only holes are filled.
//! * A hole is filled with exactly as many samples as are missing, so nothing after it shifts.
//! * A codec without a decoder is said plainly ([`NoDecoder`]); its bytes can be exported ([`raw`]).
//! * No payload, however hostile, panics a decoder.
//!
//! Start with [`Renderer`]: give it the tracks and a [`Request`], push runs in file order, collect PCM in a [`PcmSink`].

#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod codec;
pub mod flac;
pub mod ogg_opus;
pub mod peaks;
mod plc;
pub mod raw;
mod render;
mod resample;
pub mod wav;

pub use codec::{Codec, Damaged, Decoder, NoDecoder};
pub use render::{Fill, LegRun, Legs, PcmSink, RenderError, RenderReport, Renderer, Request, length_us};
pub use resample::Resampler;
pub use wav::{WavFormat, WavWriter};
