//! Bodies: finds the session descriptions in a message, whether plain, inside a multipart, or badly labelled.

use super::header::{HeaderName, parameter};
use super::message::{Message, cut_line};

/// Parts looked at in one multipart body.
const PARTS_MAX: usize = 32;
/// Multipart inside multipart, to this depth.
const DEPTH_MAX: u8 = 3;
/// Session descriptions taken from one message.
const DESCRIPTIONS_MAX: usize = 4;

/// Returns the session descriptions of a message in order; usually one or none, several in a multipart.
#[must_use]
pub fn session_descriptions<'a>(message: &Message<'a>) -> Vec<&'a [u8]> {
    let mut found = Vec::new();
    if message.body.is_empty() {
        return found;
    }
    let content_type = message.header(HeaderName::ContentType).unwrap_or_default();
    collect(content_type, message.body, 0, &mut found);
    found.truncate(DESCRIPTIONS_MAX);
    found
}

/// Returns the body of the first part of type `wanted` (`application/dtmf-relay`), or the whole body if that is its type.
#[must_use]
pub fn part_of_type<'a>(message: &Message<'a>, wanted: &str) -> Option<&'a [u8]> {
    let content_type = message.header(HeaderName::ContentType)?;
    if media_type(content_type).eq_ignore_ascii_case(wanted) {
        return Some(message.body);
    }
    let parts = split_multipart(content_type, message.body);
    parts.into_iter().find(|(kind, _)| media_type(kind).eq_ignore_ascii_case(wanted)).map(|(_, body)| body)
}

fn media_type(content_type: &str) -> &str {
    content_type.split_once(';').map_or(content_type, |(kind, _)| kind).trim()
}

fn collect<'a>(content_type: &str, body: &'a [u8], depth: u8, found: &mut Vec<&'a [u8]>) {
    let kind = media_type(content_type);
    let multipart = kind.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("multipart/"));
    if kind.eq_ignore_ascii_case("application/sdp") {
        found.push(body);
    } else if multipart && depth < DEPTH_MAX {
        for (kind, part) in split_multipart(content_type, body) {
            collect(&kind, part, depth.saturating_add(1), found);
        }
    } else if kind.is_empty() && body.trim_ascii_start().starts_with(b"v=0") {
        found.push(body);
    }
}

/// Splits a multipart body (RFC 2046) into content types and bodies. A boundary that the header does not tell is taken from
/// the body's first line.
fn split_multipart<'a>(content_type: &str, body: &'a [u8]) -> Vec<(String, &'a [u8])> {
    let params = content_type.split_once(';').map_or("", |(_, params)| params);
    let boundary = match parameter(params, "boundary") {
        Some(said) if !said.is_empty() => said.as_bytes().to_vec(),
        Some(_) | None => match cut_line(body.trim_ascii_start()) {
            Some((line, _)) if line.starts_with(b"--") => line.get(2..).unwrap_or_default().to_vec(),
            Some(_) | None => return Vec::new(),
        },
    };
    let is_delimiter = |line: &[u8]| line.strip_prefix(b"--").is_some_and(|rest| rest.starts_with(&boundary));
    let mut parts = Vec::new();
    let mut from: Option<&[u8]> = None;
    let mut rest = body;
    loop {
        let cut = cut_line(rest);
        let delimiter = cut.is_none_or(|(line, _)| is_delimiter(line));
        if delimiter {
            if let Some(whole) = from {
                let length = whole.len().saturating_sub(rest.len());
                parts.push(read_part(whole.get(..length).unwrap_or_default()));
            }
            from = cut.map(|(_, after)| after);
        }
        match cut {
            Some((_, after)) if parts.len() < PARTS_MAX => rest = after,
            Some(_) | None => return parts,
        }
    }
}

/// A part: its own headers up to an empty line, then its body. Without a type RFC 2046 says plain text; a session
/// description is recognised by its first line all the same.
fn read_part(part: &[u8]) -> (String, &[u8]) {
    let mut rest = part;
    let mut kind = String::new();
    while let Some((line, after)) = cut_line(rest) {
        if line.is_empty() {
            return (kind, after);
        }
        match line.iter().position(|byte| *byte == b':').and_then(|at| line.split_at_checked(at)) {
            Some((name, value)) => {
                if HeaderName::from_name(name.trim_ascii()) == HeaderName::ContentType {
                    kind =
                        String::from_utf8_lossy(value.get(1..).unwrap_or_default().trim_ascii()).into_owned();
                }
            }
            None => return (kind, rest),
        }
        rest = after;
    }
    (kind, rest)
}
