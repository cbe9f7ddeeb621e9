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
        match (chain_at.exists(), key_at.exists()) {
            (true, true) => {}
            (false, false) => {
                let (chain, key) = make(site_name, listen)?;
                // The key first: a certificate whose key is missing is no use.
                disk::write_new(&key_at, key.as_bytes())?;
                disk::write_new(&chain_at, chain.as_bytes())?;
            }
            // A crash between the two writes leaves a key alone; nobody has seen its certificate.
            (false, true) => {
                std::fs::remove_file(&key_at)
                    .with_context(|| format!("cannot remove {}", key_at.display()))?;
                return Self::of(dir, site_name, listen);
            }
            (true, false) => {
                let text = format!(
                    "{} is missing, but {} is there: put the key back from its backup, or remove the certificate and a new one \
                     is made (browsers will warn until its new fingerprint is accepted)",
                    key_at.display(),
                    chain_at.display()
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
    fn a_crash_between_the_two_files_leaves_nothing_that_has_to_be_mended() {
        let dir = folder();
        std::fs::write(dir.path().join("keys/tls.key"), "half").unwrap();
        let listen = SocketAddr::from(([0, 0, 0, 0], 8443));
        assert!(Certificate::of(dir.path(), "x", listen).is_ok());
        std::fs::remove_file(dir.path().join("keys/tls.key")).unwrap();
        let error = Certificate::of(dir.path(), "x", listen).err().unwrap().to_string();
        assert!(error.contains("put the key back"), "{error}");
    }
}
