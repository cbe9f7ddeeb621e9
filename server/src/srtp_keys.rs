//! Keys for encrypted media whose signalling does not pass by the tap (`amethyst record --srtp-keys FILE`).
//!
//! One key on a line: crypto suite and base64 of master key and salt, as in `a=crypto`; `#` begins a comment. The file is
//! read once, at start; keys live in memory only, are wiped when dropped, and no message ever shows one.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use telephony::rtp::srtp::{MASTERS_MAX, SrtpReceiver};
use telephony::sip::SdesKey;
use zeroize::Zeroizing;

use crate::failure::{Failure, Kind, kind_of_io};
use crate::terminal;

/// Octets of a file at most; eight keys take a hundredth of it.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// Reads the keys of `path`. Others than its owner being able to read it is a warning, since keys may have leaked already.
///
/// # Errors
/// The file cannot be read, a line is no usable key, or there are none or too many.
pub(crate) fn read(path: &Path) -> Result<Vec<SdesKey>, Failure> {
    let name = path.display();
    let unreadable = |e: &std::io::Error| {
        Failure::new(kind_of_io(e), format!("the file of SRTP keys {name} cannot be read: {e}"))
    };
    let file = File::open(path).map_err(|e| unreadable(&e))?;
    let mode = file.metadata().map_err(|e| unreadable(&e))?.permissions().mode();
    if mode & 0o077 != 0 {
        terminal::say(&format!(
            "warning: others than its owner can read {name}, and with it listen to these calls; change that: chmod 600 {name}"
        ));
    }
    // Room for all of it at once: a buffer that grows would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(FILE_BYTES_MAX).unwrap_or(0)));
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(|e| unreadable(&e))?;
    let keys = parse(&text).map_err(|why| Failure::new(Kind::Usage, format!("{name}: {why}")))?;
    Ok(keys)
}

fn parse(text: &str) -> Result<Vec<SdesKey>, String> {
    let mut keys = Vec::new();
    for (number, line) in (1u32..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or("").trim();
        if line.is_empty() {
            continue;
        }
        keys.push(key(line).map_err(|why| format!("line {number}: {why}"))?);
    }
    match keys.len() {
        0 => Err("there is no key in it; write one on a line: AES_CM_128_HMAC_SHA1_80 and the base64 of key and salt".into()),
        n if n > MASTERS_MAX => Err(format!("{n} keys; more than {MASTERS_MAX} cannot be tried on every stream")),
        _ => Ok(keys),
    }
}

fn key(line: &str) -> Result<SdesKey, String> {
    let mut words = line.split_ascii_whitespace();
    let (Some(suite), Some(base64), None) = (words.next(), words.next(), words.next()) else {
        return Err("two words are needed: the crypto suite, and the base64 of key and salt".into());
    };
    let key = SdesKey::of_suite(suite, base64).ok_or("the second word is no base64")?;
    match SrtpReceiver::new(std::slice::from_ref(&key)) {
        Ok(_) => Ok(key),
        Err(telephony::rtp::srtp::SdesKeyError::Unusable { why, .. }) => Err(why.into()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

    fn check(text: &str, expected: Result<usize, &str>) {
        match (parse(text), expected) {
            (Ok(keys), Ok(count)) => assert_eq!(keys.len(), count, "{text}"),
            (Err(why), Err(word)) => {
                assert!(why.contains(word), "`{word}` is missing in: {why}");
                assert!(!why.contains(KEY), "no message shows a key");
            }
            (got, expected) => panic!("{text}: {:?} instead of {expected:?}", got.map(|keys| keys.len())),
        }
    }

    #[test]
    fn a_file_of_keys_is_read_line_by_line_and_refused_with_the_line() {
        check(&format!("# site A\n\nAES_CM_128_HMAC_SHA1_80 {KEY} # gateway\n"), Ok(1));
        check(&format!("aes_cm_128_hmac_sha1_32 {KEY}\r\n"), Ok(1));
        check("", Err("no key"));
        check("AES_CM_128_HMAC_SHA1_80", Err("line 1: two words"));
        check(&format!("\nROT13 {KEY}"), Err("line 2: unknown crypto suite"));
        check(&format!("AES_256_CM_HMAC_SHA1_80 {KEY}"), Err("length"));
        check("AES_CM_128_HMAC_SHA1_80 ***", Err("no base64"));
        check(&format!("AES_CM_128_HMAC_SHA1_80 {KEY}\n").repeat(9), Err("9 keys"));
    }
}
