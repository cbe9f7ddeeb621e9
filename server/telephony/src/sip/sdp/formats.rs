//! Payload formats: the static table of RFC 3551, `a=rtpmap`, `a=fmtp`.

use crate::sip::Format;

/// Longest name kept, in octets.
const NAME_BYTES_MAX: usize = 64;
/// Longest parameters kept, in octets.
const TEXT_BYTES_MAX: usize = 512;

/// Static payload types of voice (RFC 3551, table 4). G722's clock of 8000 is an old error that became the rule.
const STATIC: [(u8, &str, u32, u8); 16] = [
    (0, "PCMU", 8_000, 1),
    (3, "GSM", 8_000, 1),
    (4, "G723", 8_000, 1),
    (5, "DVI4", 8_000, 1),
    (6, "DVI4", 16_000, 1),
    (7, "LPC", 8_000, 1),
    (8, "PCMA", 8_000, 1),
    (9, "G722", 8_000, 1),
    (10, "L16", 44_100, 2),
    (11, "L16", 44_100, 1),
    (12, "QCELP", 8_000, 1),
    (13, "CN", 8_000, 1),
    (15, "G728", 8_000, 1),
    (16, "DVI4", 11_025, 1),
    (17, "DVI4", 22_050, 1),
    (18, "G729", 8_000, 1),
];

/// Returns the format that a payload type has without `a=rtpmap`; a dynamic or reserved one has no name and no clock.
#[must_use]
pub fn static_format(payload_type: u8) -> Format {
    // 2 was G721, now reserved; sets still mean G726-32 by it. 19 was CN in drafts.
    let known = match payload_type {
        2 => Some(&(2, "G726-32", 8_000, 1)),
        19 => Some(&(19, "CN", 8_000, 1)),
        _ => STATIC.iter().find(|(known, ..)| *known == payload_type),
    };
    let (_, name, clock_hz, channels) = known.copied().unwrap_or((payload_type, "", 0, 1));
    Format { payload_type, name: name.to_owned(), clock_hz, channels, fmtp: String::new() }
}

/// `0 PCMU/8000` or `97 L16/8000/2`. A type that the media line forgot is added.
pub(super) fn rtpmap(formats: &mut Vec<Format>, value: &str) {
    let Some((payload_type, encoding)) = payload_and_rest(value) else {
        return;
    };
    let mut parts = encoding.split('/').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let clock_hz = parts.next().and_then(|clock| clock.parse().ok()).unwrap_or(0);
    let channels = parts.next().and_then(|count| count.parse().ok()).filter(|count| *count > 0).unwrap_or(1);
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return;
    }
    if let Some(format) = slot(formats, payload_type) {
        name.clone_into(&mut format.name);
        format.clock_hz = if clock_hz == 0 { 8_000 } else { clock_hz };
        format.channels = channels;
    }
}

/// `101 0-15`.
pub(super) fn fmtp(formats: &mut [Format], value: &str) {
    if let Some((payload_type, parameters)) = payload_and_rest(value)
        && parameters.len() <= TEXT_BYTES_MAX
        && let Some(format) = formats.iter_mut().find(|format| format.payload_type == payload_type)
    {
        parameters.clone_into(&mut format.fmtp);
    }
}

fn payload_and_rest(value: &str) -> Option<(u8, &str)> {
    let (number, rest) = value.split_once([' ', '\t'])?;
    let payload_type = number.trim().parse().ok().filter(|number| *number < 128)?;
    Some((payload_type, rest.trim()))
}

fn slot(formats: &mut Vec<Format>, payload_type: u8) -> Option<&mut Format> {
    let at = match formats.iter().position(|format| format.payload_type == payload_type) {
        Some(at) => at,
        None if formats.len() < super::FORMATS_MAX => {
            formats.push(static_format(payload_type));
            formats.len().saturating_sub(1)
        }
        None => return None,
    };
    formats.get_mut(at)
}
