//! The transforms: counter mode with HMAC-SHA1 (RFC 3711) and AES-GCM (RFC 7714), for one packet and one session key.
//!
//! Nothing is written to `out` before its tag is proven, and a packet that fails leaves `out` empty.

use aes::{Aes128, Aes192, Aes256};
use aes_gcm::aead::{AeadInOut, Nonce, Tag};
use aes_gcm::{Aes128Gcm, Aes256Gcm, KeyInit};
use ctr::cipher::consts::U16;
use ctr::cipher::{BlockCipherEncrypt, InnerIvInit as _, StreamCipherCore as _};
use ctr::{CtrCore, flavors};
use hmac::{Hmac, Mac as _};
use sha1::Sha1;

/// Octets of a GCM tag.
const GCM_TAG_LEN: usize = 16;
/// Octets of the word at the end of an SRTCP packet: the E flag and the index.
const INDEX_LEN: usize = 4;
/// Octets of an RTCP header, never encrypted.
const RTCP_HEADER_LEN: usize = 8;

/// An expanded AES key of any of the three sizes. Wiped when dropped.
pub(super) enum Aes {
    Key128(Aes128),
    Key192(Aes192),
    Key256(Aes256),
}

impl Aes {
    pub(super) fn new(key: &[u8]) -> Option<Self> {
        match key.len() {
            16 => Aes128::new_from_slice(key).ok().map(Self::Key128),
            24 => Aes192::new_from_slice(key).ok().map(Self::Key192),
            32 => Aes256::new_from_slice(key).ok().map(Self::Key256),
            _ => None,
        }
    }

    /// Adds the key stream that begins at counter block `iv` to `data`.
    #[inline]
    pub(super) fn xor_key_stream(&self, iv: &[u8; 16], data: &mut [u8]) {
        match self {
            Self::Key128(key) => xor_key_stream(key, iv, data),
            Self::Key192(key) => xor_key_stream(key, iv, data),
            Self::Key256(key) => xor_key_stream(key, iv, data),
        }
    }
}

#[inline]
fn xor_key_stream<C: BlockCipherEncrypt<BlockSize = U16>>(key: &C, iv: &[u8; 16], data: &mut [u8]) {
    CtrCore::<&C, flavors::Ctr128BE>::inner_iv_init(key, iv.into()).apply_keystream_partial(data.into());
}

/// The algorithm and its keys.
pub(super) enum Transform {
    /// Counter mode; the tag is an HMAC cut to `tag_len` octets, or none if the session says so.
    CounterMode {
        key: Aes,
        mac: Hmac<Sha1>,
        tag_len: usize,
    },
    Gcm128(Aes128Gcm),
    Gcm256(Aes256Gcm),
}

impl Transform {
    pub(super) fn counter_mode(key: &[u8], mac_key: &[u8], tag_len: usize) -> Option<Self> {
        let mac = <Hmac<Sha1> as KeyInit>::new_from_slice(mac_key).ok()?;
        Some(Self::CounterMode { key: Aes::new(key)?, mac, tag_len })
    }

    pub(super) fn gcm(key: &[u8]) -> Option<Self> {
        match key.len() {
            16 => Aes128Gcm::new_from_slice(key).ok().map(Self::Gcm128),
            32 => Aes256Gcm::new_from_slice(key).ok().map(Self::Gcm256),
            _ => None,
        }
    }
}

/// Session keys of one direction of RTP or of RTCP.
pub(super) struct Session {
    transform: Transform,
    /// 14 octets for counter mode; for GCM the first 12.
    salt: [u8; 14],
    encrypted: bool,
}

impl Drop for Session {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.salt);
    }
}

/// An SRTP packet taken apart as far as it goes without a key.
#[derive(Clone, Copy)]
pub(super) struct Sealed<'a> {
    pub(super) packet: &'a [u8],
    pub(super) header_len: usize,
    pub(super) ssrc: u32,
    pub(super) sequence: u16,
}

impl Session {
    pub(super) const fn new(transform: Transform, salt: [u8; 14], encrypted: bool) -> Self {
        Self { transform, salt, encrypted }
    }

    /// Returns the octets of the tag; 0 if packets are not authenticated.
    pub(super) const fn tag_len(&self) -> usize {
        match self.transform {
            Transform::CounterMode { tag_len, .. } => tag_len,
            Transform::Gcm128(_) | Transform::Gcm256(_) => GCM_TAG_LEN,
        }
    }

    /// Tries the rollover counters one after the other; with the first that proves right, puts the RTP packet into `out`.
    pub(super) fn open_rtp(
        &self,
        sealed: Sealed<'_>,
        mki_len: usize,
        rocs: impl IntoIterator<Item = u32>,
        out: &mut Vec<u8>,
    ) -> Option<u32> {
        out.clear();
        let body_len = sealed.packet.len().checked_sub(self.tag_len())?.checked_sub(mki_len)?;
        if body_len < sealed.header_len {
            return None;
        }
        let (body, tail) = sealed.packet.split_at_checked(body_len)?;
        let mut rocs = rocs.into_iter();
        match &self.transform {
            Transform::CounterMode { key, mac, tag_len } => {
                let roc = match tag_len {
                    0 => rocs.next()?,
                    _ => {
                        let mut common = mac.clone();
                        common.update(body);
                        let tag = tail.get(mki_len..)?;
                        rocs.find(|roc| verify(common.clone(), &roc.to_be_bytes(), tag))?
                    }
                };
                out.extend_from_slice(body);
                if self.encrypted {
                    let index = u64::from(roc) << 16 | u64::from(sealed.sequence);
                    key.xor_key_stream(&self.cm_iv(sealed.ssrc, index), out.get_mut(sealed.header_len..)?);
                }
                Some(roc)
            }
            Transform::Gcm128(gcm) => self.open_rtp_gcm(gcm, sealed, body, tail, rocs, out),
            Transform::Gcm256(gcm) => self.open_rtp_gcm(gcm, sealed, body, tail, rocs, out),
        }
    }

    fn open_rtp_gcm<G: AeadInOut>(
        &self,
        gcm: &G,
        sealed: Sealed<'_>,
        body: &[u8],
        tail: &[u8],
        mut rocs: impl Iterator<Item = u32>,
        out: &mut Vec<u8>,
    ) -> Option<u32> {
        out.extend_from_slice(body);
        let clear_len = if self.encrypted { sealed.header_len } else { body.len() };
        let (clear, hidden) = out.split_at_mut_checked(clear_len)?;
        let found = rocs.find(|roc| {
            let [r0, r1, r2, r3] = roc.to_be_bytes();
            let [s0, s1] = sealed.sequence.to_be_bytes();
            // RFC 7714, 8.1
            let iv = self.gcm_iv(sealed.ssrc, [r0, r1, r2, r3, s0, s1]);
            gcm_open(gcm, &iv, clear, hidden, tail.get(..GCM_TAG_LEN)) // an MKI follows the tag
        });
        if found.is_none() {
            out.clear();
        }
        found
    }

    /// Opens an SRTCP packet and puts the RTCP packet into `out`. True if its tag was right. Its length is given for
    /// counter mode; GCM has one only.
    pub(super) fn open_rtcp(&self, packet: &[u8], mki_len: usize, tag_len: usize, out: &mut Vec<u8>) -> bool {
        out.clear();
        let done = self.try_open_rtcp(packet, mki_len, tag_len, out).is_some();
        if !done {
            out.clear();
        }
        done
    }

    fn try_open_rtcp(&self, packet: &[u8], mki_len: usize, tag_len: usize, out: &mut Vec<u8>) -> Option<()> {
        let &[_, _, _, _, c0, c1, c2, c3] = packet.first_chunk::<RTCP_HEADER_LEN>()?;
        let ssrc = u32::from_be_bytes([c0, c1, c2, c3]);
        match &self.transform {
            Transform::CounterMode { key, mac, .. } => {
                // RFC 3711, 3.4: header, body, index word, MKI, tag; the tag covers all before the MKI.
                let covered_len = packet.len().checked_sub(tag_len)?.checked_sub(mki_len)?;
                let (covered, tail) = packet.split_at_checked(covered_len)?;
                if !verify(mac.clone(), covered, tail.get(mki_len..)?) {
                    return None;
                }
                let (body, word) = covered.split_last_chunk::<INDEX_LEN>()?;
                let word = u32::from_be_bytes(*word);
                out.extend_from_slice(body);
                let hidden = out.get_mut(RTCP_HEADER_LEN..)?;
                if word >> 31 == 1 && self.encrypted {
                    key.xor_key_stream(&self.cm_iv(ssrc, u64::from(word & 0x7fff_ffff)), hidden);
                }
                Some(())
            }
            Transform::Gcm128(gcm) => self.open_rtcp_gcm(gcm, packet, ssrc, mki_len, out),
            Transform::Gcm256(gcm) => self.open_rtcp_gcm(gcm, packet, ssrc, mki_len, out),
        }
    }

    /// RFC 7714, 9: header, body, tag, index word, MKI.
    fn open_rtcp_gcm<G: AeadInOut>(
        &self,
        gcm: &G,
        packet: &[u8],
        ssrc: u32,
        mki_len: usize,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let (covered, _mki) = packet.split_at_checked(packet.len().checked_sub(mki_len)?)?;
        let (rest, word) = covered.split_last_chunk::<INDEX_LEN>()?;
        let (body, tag) = rest.split_last_chunk::<GCM_TAG_LEN>()?;
        let index = u32::from_be_bytes(*word);
        let [i0, i1, i2, i3] = (index & 0x7fff_ffff).to_be_bytes();
        let iv = self.gcm_iv(ssrc, [0, 0, i0, i1, i2, i3]);
        out.extend_from_slice(body);
        let clear_len = if index >> 31 == 1 { RTCP_HEADER_LEN } else { body.len() };
        let (clear, hidden) = out.split_at_mut_checked(clear_len)?;
        let mut associated = clear.to_vec();
        associated.extend_from_slice(word);
        gcm_open(gcm, &iv, &associated, hidden, Some(tag)).then_some(())
    }

    /// Builds the counter block of RFC 3711, 4.1.1.
    fn cm_iv(&self, ssrc: u32, index: u64) -> [u8; 16] {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = self.salt;
        let salt = u128::from_be_bytes([a, b, c, d, e, f, g, h, i, j, k, l, m, n, 0, 0]);
        (salt ^ u128::from(ssrc) << 64 ^ u128::from(index) << 16).to_be_bytes()
    }

    /// Builds the nonce of RFC 7714, 8.1 and 9.1: two zero octets, SSRC, six octets of `counter`, all added to the salt.
    fn gcm_iv(&self, ssrc: u32, counter: [u8; 6]) -> [u8; 12] {
        let [s0, s1, s2, s3] = ssrc.to_be_bytes();
        let [c0, c1, c2, c3, c4, c5] = counter;
        let mut iv = [0, 0, s0, s1, s2, s3, c0, c1, c2, c3, c4, c5];
        for (x, s) in iv.iter_mut().zip(self.salt) {
            *x ^= s;
        }
        iv
    }
}

/// Compares in constant time.
fn verify(mut mac: Hmac<Sha1>, last: &[u8], tag: &[u8]) -> bool {
    mac.update(last);
    mac.verify_truncated_left(tag).is_ok()
}

/// Decrypts in place if the tag is right, else leaves `hidden` as it was.
fn gcm_open<G: AeadInOut>(
    gcm: &G,
    iv: &[u8; 12],
    clear: &[u8],
    hidden: &mut [u8],
    tag: Option<&[u8]>,
) -> bool {
    let (Ok(nonce), Some(Ok(tag))) = (Nonce::<G>::try_from(&iv[..]), tag.map(Tag::<G>::try_from)) else {
        return false;
    };
    gcm.decrypt_inout_detached(&nonce, clear, hidden.into(), &tag).is_ok()
}
