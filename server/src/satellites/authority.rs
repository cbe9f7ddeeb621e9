//! The authority for satellites in the data folder: `site/satellites.pem` (public) and `keys/satellites.key` (0600), made at first need.

use std::path::Path;

use shared::SiteId;
use transfer::tls::Authority;
use zeroize::Zeroizing;

use crate::failure::{Failure, Kind};
use crate::{disk, world};

/// Opens the authority of a site, or makes one.
///
/// # Errors
/// One of both files is missing or damaged, or the disk's.
pub(crate) fn authority(dir: &Path, site: &SiteId) -> anyhow::Result<Authority> {
    let (public, secret) = (dir.join("site/satellites.pem"), dir.join("keys/satellites.key"));
    let made_at = dir.join("site/satellites.pem.made");
    match (public.exists(), secret.exists()) {
        (true, true) => {}
        (false, false) => {
            // As for the server's own certificate: 1. the public half under a name that nobody reads, 2. the key, 3. its own
            // name. Cut after 1: made anew. Cut after 2: the next time does 3.
            let made = Authority::make(site, world::now().utc)?;
            disk::replace(&made_at, made.certificate_pem.as_bytes())?;
            disk::write_new(&secret, made.key_pem.as_bytes())?;
            disk::rename(&made_at, &public)?;
        }
        (false, true) if made_at.exists() => disk::rename(&made_at, &public)?,
        (has_public, _) => {
            let (missing, there) = if has_public { (&secret, &public) } else { (&public, &secret) };
            let text = format!(
                "{} is missing, but {} is there: put the missing one back from its backup. If it is lost, take the other away; \
                 a new authority is made then, and every satellite must be enrolled again. Recording here goes on",
                missing.display(),
                there.display()
            );
            return Err(Failure::new(Kind::Data, text).into());
        }
    }
    let text = |path| -> anyhow::Result<Zeroizing<String>> {
        Ok(Zeroizing::new(String::from_utf8_lossy(&crate::site::read(path)?).into_owned()))
    };
    let opened = Authority::open(site, &text(&public)?, &text(&secret)?);
    Ok(opened.map_err(|e| {
        Failure::new(Kind::Data, format!("{} and {}: {e}", public.display(), secret.display()))
    })?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const SITE: SiteId = SiteId([4; 16]);

    #[test]
    fn it_is_made_once_and_cut_at_each_step_the_next_time_ends_what_was_begun() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir(at("site")).unwrap();
        std::fs::create_dir(at("keys")).unwrap();
        let first = authority(dir.path(), &SITE).unwrap().certificate_pem().to_owned();
        assert_eq!(authority(dir.path(), &SITE).unwrap().certificate_pem(), first);
        // After 2: the key is there, the certificate not under its name.
        std::fs::rename(at("site/satellites.pem"), at("site/satellites.pem.made")).unwrap();
        assert_eq!(authority(dir.path(), &SITE).unwrap().certificate_pem(), first);
        // After 1: no key yet.
        std::fs::rename(at("site/satellites.pem"), at("site/satellites.pem.made")).unwrap();
        std::fs::remove_file(at("keys/satellites.key")).unwrap();
        assert_ne!(authority(dir.path(), &SITE).unwrap().certificate_pem(), first);
        // One half alone is left alone and told.
        std::fs::remove_file(at("site/satellites.pem")).unwrap();
        let error = authority(dir.path(), &SITE).unwrap_err().to_string();
        assert!(error.contains("satellites.pem is missing"), "{error}");
    }
}
