//! AMR and AMR-WB in the RTP payloads of RFC 4867: bandwidth-efficient (the default) and octet-aligned, with CRC and
//! robust sorting where SDP says so. Interleaved payloads, whose frames lie in other packets, are not decoded.

use codec_core::codecs::amr::{AmrCodec, AmrFrameType, AmrPayloadCodec, AmrPayloadConfig, AmrVariant};
use codec_core::types::{CodecConfig, CodecType, CodedFrame, FrameKind, VariableRateCodec as _};

use super::Damaged;

/// Which of both, and how its frames are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) wide: bool,
    octet_aligned: bool,
    crc: bool,
    robust_sorting: bool,
}

impl Form {
    /// Reads the format parameters of SDP; `None` if they ask for interleaving.
    pub(super) fn from_fmtp(wide: bool, fmtp: &str) -> Option<Self> {
        let mut form = Self { wide, octet_aligned: false, crc: false, robust_sorting: false };
        for parameter in fmtp.split(';') {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let on = value.trim() == "1";
            match name.trim().to_ascii_lowercase().as_str() {
                "octet-align" => form.octet_aligned |= on,
                "crc" => form.crc = on,
                "robust-sorting" => form.robust_sorting = on,
                "interleaving" => return None,
                _ => {}
            }
        }
        form.octet_aligned |= form.crc || form.robust_sorting;
        Some(form)
    }
}

/// The vocoder's state and the reader of its payloads.
pub(super) struct Amr {
    codec: AmrCodec,
    payload: AmrPayloadCodec,
    /// The mode of the last speech frame, which a frame without data is understood in.
    mode: u8,
}

impl Amr {
    pub(super) fn new(form: Form) -> Option<Self> {
        let (kind, variant) = if form.wide {
            (CodecType::AmrWb, AmrVariant::WideBand)
        } else {
            (CodecType::AmrNb, AmrVariant::NarrowBand)
        };
        let config = AmrPayloadConfig {
            octet_aligned: form.octet_aligned,
            crc: form.crc,
            robust_sorting: form.robust_sorting,
            ..AmrPayloadConfig::bandwidth_efficient(variant)
        };
        let codec = AmrCodec::new(&CodecConfig::new(kind)).ok()?;
        Some(Self { codec, payload: AmrPayloadCodec::new(config).ok()?, mode: 0 })
    }

    /// Appends 20 ms for each frame of the payload.
    pub(super) fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<(), Damaged> {
        let packet = self.payload.unpack(payload).map_err(|_reason| Damaged)?;
        for frame in packet.frames {
            let kind = match frame.frame_type {
                AmrFrameType::Speech(mode) => {
                    self.mode = mode.index();
                    FrameKind::Speech
                }
                AmrFrameType::Sid(_) => FrameKind::ComfortNoise,
                AmrFrameType::NoData => FrameKind::NoData,
                AmrFrameType::SpeechLost => FrameKind::Lost,
            };
            let coded = CodedFrame { kind, mode: self.mode, quality_ok: frame.quality_ok, data: frame.data };
            out.extend(self.codec.decode_frame(&coded).map_err(|_reason| Damaged)?);
        }
        Ok(())
    }
}
