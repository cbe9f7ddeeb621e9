//! Passwords: Argon2id (RFC 9106), kept as PHC strings; what a new one must be like.

use argon2::{Algorithm, Argon2, Params, Version};
use base64ct::{Base64Unpadded, Encoding as _};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Memory in KiB: 64 MiB.
const MEMORY_KIB: u32 = 64 * 1024;
/// Passes over the memory.
const PASSES: u32 = 3;
const LANES: u32 = 1;
/// The most memory that a digest from the catalogue may ask for, in KiB.
const MEMORY_KIB_MAX: u32 = 1024 * 1024;
const DIGEST_BYTES: usize = 32;
const CHARACTERS_MIN: usize = 12;
const CHARACTERS_MAX: usize = 1_000;
/// Different characters that a new password has at least.
const DIFFERENT_MIN: usize = 5;

/// Digests a password. Takes a tenth of a second and 64 MiB: at most two at once (`Doors::with_password`).
pub(crate) fn digest(password: &str, salt: [u8; 16]) -> Option<String> {
    let made = compute(password, &salt, Params::new(MEMORY_KIB, PASSES, LANES, Some(DIGEST_BYTES)).ok()?)?;
    let (salt, made) = (Base64Unpadded::encode_string(&salt), Base64Unpadded::encode_string(made.as_slice()));
    Some(format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${made}"))
}

/// Digests a password for tests, which need not wait.
#[cfg(test)]
pub(crate) fn digest_cheaply(password: &str) -> String {
    let params = Params::new(8, 1, 1, Some(DIGEST_BYTES)).expect("within the standard's bounds");
    let made = compute(password, &[7; 16], params).expect("cheap");
    format!(
        "$argon2id$v=19$m=8,t=1,p=1$BwcHBwcHBwcHBwcHBwcHBw${}",
        Base64Unpadded::encode_string(made.as_slice())
    )
}

/// Tells whether a password fits a digest. `None` costs as much as a digest does, and never fits: a name that nobody has takes
/// as long as one that somebody has.
pub(crate) fn fits(password: &str, phc: Option<&str>) -> bool {
    match phc.and_then(parse) {
        Some((params, salt, expected)) => {
            compute(password, &salt, params).is_some_and(|made| bool::from(made.as_slice().ct_eq(&expected)))
        }
        None => {
            let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(DIGEST_BYTES)).ok();
            let made = params.and_then(|params| compute(password, &[0; 16], params));
            std::hint::black_box(made);
            false
        }
    }
}

/// Judges a new password for the account `name`.
///
/// # Errors
/// A sentence that says what it lacks.
pub(crate) fn judge(password: &str, name: &str) -> Result<(), &'static str> {
    let characters = password.chars().count();
    if characters < CHARACTERS_MIN {
        return Err(
            "A password has at least 12 characters. Four or five words that do not belong together are easy to keep.",
        );
    }
    if characters > CHARACTERS_MAX {
        return Err("A password has at most 1,000 characters.");
    }
    let mut different: Vec<char> = password.chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < DIFFERENT_MIN {
        return Err("This password repeats the same few characters.");
    }
    let (password, name) = (password.to_lowercase(), name.to_lowercase());
    let rest = password.replace(&name, "");
    if !name.is_empty() && rest.chars().count() < CHARACTERS_MIN && rest != password {
        return Err("Without your name in it, this password is too short.");
    }
    Ok(())
}

fn compute(password: &str, salt: &[u8], params: Params) -> Option<Zeroizing<[u8; DIGEST_BYTES]>> {
    let mut made = Zeroizing::new([0; DIGEST_BYTES]);
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(password.as_bytes(), salt, made.as_mut_slice()).ok()?;
    Some(made)
}

/// Reads `$argon2id$v=19$m=65536,t=3,p=1$SALT$DIGEST`.
fn parse(phc: &str) -> Option<(Params, Vec<u8>, [u8; DIGEST_BYTES])> {
    let fields: Vec<&str> = phc.strip_prefix("$argon2id$v=19$")?.split('$').collect();
    let [costs, salt, expected] = fields.as_slice() else { return None };
    let mut numbers = costs.split(',');
    let mut cost = |name: &str| numbers.next()?.strip_prefix(name)?.parse::<u32>().ok();
    let (memory, passes, lanes) = (cost("m=")?, cost("t=")?, cost("p=")?);
    if memory > MEMORY_KIB_MAX || passes > 100 {
        return None;
    }
    let params = Params::new(memory, passes, lanes, Some(DIGEST_BYTES)).ok()?;
    let expected = Base64Unpadded::decode_vec(expected).ok()?.try_into().ok()?;
    Some((params, Base64Unpadded::decode_vec(salt).ok()?, expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_digest_only() {
        let phc = digest("correct horse battery", [7; 16]).unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=65536,t=3,p=1$BwcHBwcHBwcHBwcHBwcHBw$"), "{phc}");
        assert!(fits("correct horse battery", Some(&phc)), "the right one");
        assert!(!fits("correct horse batterx", Some(&phc)), "a wrong one");
        assert!(!fits("", None), "nobody's");
        assert!(
            !fits("x", Some("$argon2id$v=19$m=99999999,t=3,p=1$BwcHBwcHBwcHBwcHBwcHBw$AAAA")),
            "a digest that is no digest"
        );
    }

    #[test]
    fn a_digest_of_another_program_is_understood() {
        // argon2 of Debian: echo -n 'correct horse battery' | argon2 somesaltsomesalt -id -t 1 -k 1024 -p 1 -l 32
        let Some((params, salt, _)) = parse(
            "$argon2id$v=19$m=1024,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ) else {
            panic!("it is one")
        };
        assert_eq!(
            (params.m_cost(), params.t_cost(), salt.as_slice()),
            (1024, 1, b"somesaltsomesalt".as_slice())
        );
    }

    #[test]
    fn a_new_password_is_long_and_not_the_name() {
        assert_eq!(judge("four words or five", "alice"), Ok(()));
        assert_eq!(judge("пароль-из-слов", "alice"), Ok(()));
        for odd in ["", "short", "elevenchars", "aaaaaaaaaaaaaaaa", "abababababababab", "administrator1"] {
            assert!(judge(odd, "administrator").is_err(), "{odd}");
        }
        assert!(judge(&"xyz12".repeat(201), "a").is_err(), "more than a thousand");
    }
}
