//! The server's certificate: made once, self-signed, known by its fingerprint.
//!
//! `site/tls.pem` (public) and `keys/tls.key` (0600). Whoever has a certificate of their own puts both files there; nothing
//! else changes. A browser is told the fingerprint by a person, so that the first visit can be trusted too.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;
use zeroize::Zeroizing;

use crate::failure::{Failure, Kind};
use crate::{disk, world};

/// Certificate and key, as PEM, and the fingerprint of the certificate.
#[allow(missing_debug_implementations, reason = "it holds a private key")]
pub(crate) struct Certificate {
    /// The certificate chain.
    pub(crate) chain_pem: String,
    /// The private key.
    pub(crate) key_pem: Zeroizing<String>,
    /// SHA-256 of the first certificate, as pairs of hexadecimal digits with colons.
    pub(crate) fingerprint: String,
}

impl Certificate {
    /// Reads the certificate of a data folder, or makes one that names this machine and `listen`.
    ///
    /// # Errors
    /// One of both files is missing or is no PEM, or the disk's.
    pub(crate) fn of(dir: &Path, site_name: &str, listen: SocketAddr) -> anyhow::Result<Self> {
        let (chain_at, key_at) = (dir.join("site/tls.pem"), dir.join("keys/tls.key"));
        let made_at = dir.join("site/tls.pem.made");
        match (chain_at.exists(), key_at.exists()) {
            (true, true) => {}
            (false, false) => {
                // 1. the certificate under a name that nobody reads, 2. the key, 3. its own name. Cut after 1: made anew. Cut
                // after 2: the next start does 3. A key that somebody put here is never touched.
                let (chain, key) = make(site_name, listen)?;
                disk::replace(&made_at, chain.as_bytes())?;
                disk::write_new(&key_at, key.as_bytes())?;
                disk::rename(&made_at, &chain_at)?;
            }
            (false, true) if made_at.exists() => disk::rename(&made_at, &chain_at)?,
            (has_chain, _) => {
                let (missing, there) = if has_chain { (&key_at, &chain_at) } else { (&chain_at, &key_at) };
                let text = format!(
                    "{} is missing, but {} is there: put the missing one back, or take the other away and a new pair is made \
                     (browsers will warn until its new fingerprint is accepted). Nothing was changed",
                    missing.display(),
                    there.display()
                );
                return Err(Failure::new(Kind::Data, text).into());
            }
        }
        let chain_pem = text(crate::site::read(&chain_at)?, &chain_at)?;
        let key_pem = Zeroizing::new(text(crate::site::read(&key_at)?, &key_at)?);
        let fingerprint = web::fingerprint(&chain_pem)
            .map_err(|e| Failure::new(Kind::Data, format!("{}: {e}", chain_at.display())))?;
        Ok(Self { chain_pem, key_pem, fingerprint })
    }
}

fn text(bytes: Vec<u8>, path: &Path) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|_binary| {
        Failure::new(Kind::Data, format!("{} is not in PEM form: convert it with openssl", path.display()))
    })
}

fn make(site_name: &str, listen: SocketAddr) -> anyhow::Result<(String, Zeroizing<String>)> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if !host.is_empty() && !names.contains(&host) {
        names.push(host);
    }
    if !listen.ip().is_unspecified() && !listen.ip().is_loopback() {
        names.push(listen.ip().to_string());
    }
    let made = web::self_signed(&names, site_name, world::now().utc)
        .context("cannot make the server's certificate")?;
    Ok((made.certificate_pem, made.key_pem))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("site")).unwrap();
        std::fs::create_dir(dir.path().join("keys")).unwrap();
        dir
    }

    #[test]
    fn a_certificate_is_made_once_and_keeps_its_fingerprint() {
        let dir = folder();
        let listen = SocketAddr::from(([10, 1, 2, 3], 8443));
        let first = Certificate::of(dir.path(), "Town hall", listen).unwrap();
        let again = Certificate::of(dir.path(), "Town hall", listen).unwrap();
        assert_eq!(first.fingerprint, again.fingerprint);
        assert_eq!(first.fingerprint.len(), 32 * 3 - 1);
    }

    #[test]
    fn cut_at_each_step_the_next_start_ends_what_was_begun() {
        let listen = SocketAddr::from(([0, 0, 0, 0], 8443));
        let dir = folder();
        let whole = Certificate::of(dir.path(), "x", listen).unwrap();
        let (chain, made) = (dir.path().join("site/tls.pem"), dir.path().join("site/tls.pem.made"));
        // After 2: the key is there, the certificate not under its name.
        std::fs::rename(&chain, &made).unwrap();
        assert_eq!(Certificate::of(dir.path(), "x", listen).unwrap().fingerprint, whole.fingerprint);
        assert!(chain.exists() && !made.exists());
        // After 1: no key yet.
        std::fs::rename(&chain, &made).unwrap();
        std::fs::remove_file(dir.path().join("keys/tls.key")).unwrap();
        assert_ne!(Certificate::of(dir.path(), "x", listen).unwrap().fingerprint, whole.fingerprint);
    }

    #[test]
    fn a_key_or_a_certificate_alone_is_left_alone_and_told() {
        let listen = SocketAddr::from(([0, 0, 0, 0], 8443));
        let dir = folder();
        let key = dir.path().join("keys/tls.key");
        std::fs::write(&key, "somebody's own key").unwrap();
        let error = Certificate::of(dir.path(), "x", listen).err().unwrap().to_string();
        assert!(error.contains("tls.pem is missing"), "{error}");
        assert_eq!(std::fs::read_to_string(&key).unwrap(), "somebody's own key");
        std::fs::rename(&key, dir.path().join("site/tls.pem")).unwrap();
        let error = Certificate::of(dir.path(), "x", listen).err().unwrap().to_string();
        assert!(error.contains("tls.key is missing"), "{error}");
    }
}
