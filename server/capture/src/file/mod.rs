//! Capture files, as fast as they can be read and as far as they can be believed.
//!
//! Read with plain `read` into one small window that stays in the cache, so memory doesn't grow with the file; mapped
//! pages would count as ours. A damaged place is reported with its offset and reading goes on at the next place where
//! records stand one after the other, or ends there; what came before is never lost.

mod input;
mod pcap;
mod pcapng;
mod record;
mod rtpproxy;

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use shared::TapId;
use telephony::net::{LinkType, UnsupportedLink};

use crate::batch::{BATCH, Batch};
use crate::clock::FileClock;
use crate::{CaptureError, Damage, Drops, Packet, PacketSource, Poll, SourceInfo, Warning};
use input::Input;
use pcap::Pcap;
use pcapng::Pcapng;
use record::{Found, Next};
use rtpproxy::Rtpproxy;

/// Packets that one poll hands over at most.
const POLL_PACKETS: usize = 4_096;
/// With less than this in the window the next packet may have to be waited for.
const SURE_OCTETS: usize = 2_048;
/// Warnings kept until somebody takes them; a file of nothing but damage says no more than that.
const WARNINGS_MAX: usize = 64;

/// A source whose packets carry their time, so that several can be read in its order.
pub trait Timed: PacketSource {
    /// Returns the wall time of the next packet in nanoseconds since 1970, or `None` at the end.
    ///
    /// # Errors
    /// As [`PacketSource::poll`].
    fn peek_utc_ns(&mut self) -> Result<Option<i64>, CaptureError>;

    /// Hands over the next packet and those after it up to the wall time `until_ns`, at most some thousand.
    ///
    /// # Errors
    /// As [`PacketSource::poll`].
    fn poll_until(&mut self, until_ns: i64, sink: &mut dyn FnMut(&Packet<'_>)) -> Result<Poll, CaptureError>;
}

/// A capture file (or pipe) of whatever format is read here.
pub struct CaptureFile {
    tap: TapId,
    name: String,
    input: Input,
    format: Format,
    next: Option<Next>,
    clock: FileClock,
    delivered: u64,
    told_lost: u64,
    resynced: bool,
    ended: bool,
    foreign: Option<(UnsupportedLink, u64)>,
    warnings: Vec<Warning>,
}

#[derive(Debug)]
enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
    Rtpproxy(Rtpproxy),
}

impl std::fmt::Debug for CaptureFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CaptureFile")
            .field("name", &self.name)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

impl CaptureFile {
    /// Opens a file: pcap, pcapng, either of them gzipped, or a recording of rtpproxy. `-` is the standard input.
    ///
    /// # Errors
    /// The file can't be read, is empty, or is none of these; a pcap file of a link layer that isn't read.
    pub fn open(path: &Path, tap: TapId) -> Result<Self, CaptureError> {
        if path == Path::new("-") {
            return Self::from_reader("standard input", Box::new(std::io::stdin()), tap);
        }
        let refused = |source| CaptureError::Open { path: path.to_owned(), source };
        let file = File::open(path).map_err(refused)?;
        if file.metadata().map_err(refused)?.is_dir() {
            return Err(refused(std::io::Error::from(std::io::ErrorKind::IsADirectory)));
        }
        Self::from_reader(&path.display().to_string(), Box::new(file), tap)
    }

    /// Reads a capture from anything; `name` stands in messages.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn from_reader(name: &str, reader: Box<dyn Read + Send>, tap: TapId) -> Result<Self, CaptureError> {
        let name = name.to_owned();
        let failed = |source| CaptureError::Read { name: name.clone(), offset: 0, source };
        let mut input = Input::new(reader);
        if input.want(2).map_err(failed)?.starts_with(&[0x1f, 0x8b]) {
            input = Input::new(Box::new(flate2::read::MultiGzDecoder::new(Rest(input))));
        }
        let mut beginning = input.want(pcap::HEADER_OCTETS).map_err(failed)?;
        if !matches!(beginning.first(), None | Some(0xa1 | 0xd4 | 0x4d | 0x34 | 0x0a)) {
            beginning = input.want(rtpproxy::BEGINNING_OCTETS).map_err(failed)?;
        }
        if beginning.is_empty() {
            return Err(CaptureError::Empty { name });
        }
        let format = if let Some(pcap) = Pcap::open(beginning) {
            Format::Pcap(pcap.map_err(|link| CaptureError::Link { name: name.clone(), link })?)
        } else if let Some(pcapng) = Pcapng::open(beginning) {
            Format::Pcapng(pcapng)
        } else if let Some(rtpproxy) = Rtpproxy::open(beginning) {
            Format::Rtpproxy(rtpproxy)
        } else {
            let (looks, advice) = looks_like(beginning);
            return Err(CaptureError::NotACapture { name, looks, advice });
        };
        if matches!(format, Format::Pcap(_)) {
            input.pass(pcap::HEADER_OCTETS).map_err(failed)?;
        }
        Ok(Self {
            tap,
            name,
            input,
            format,
            next: None,
            clock: FileClock::default(),
            delivered: 0,
            told_lost: 0,
            resynced: false,
            ended: false,
            foreign: None,
            warnings: Vec::new(),
        })
    }

    /// Finds the next packet unless it's found already; false at the end.
    #[inline]
    fn advance(&mut self) -> Result<bool, CaptureError> {
        while self.next.is_none() && !self.ended {
            let found = match &mut self.format {
                Format::Pcap(pcap) => pcap.find(&mut self.input),
                Format::Pcapng(pcapng) => pcapng.find(&mut self.input),
                Format::Rtpproxy(rtpproxy) => rtpproxy.find(&mut self.input),
            };
            match found {
                Ok(Found::Packet(next)) => self.next = Some(next),
                Ok(other) => self.pass_over(other)?,
                Err(source) => return Err(self.broke_off(source)),
            }
        }
        Ok(self.next.is_some())
    }

    #[cold]
    fn pass_over(&mut self, found: Found) -> Result<(), CaptureError> {
        match found {
            Found::Packet(next) => self.next = Some(next),
            Found::Pass(octets) => self.input.pass(octets).map_err(|e| self.broke_off(e))?,
            Found::Foreign(link, octets) => {
                let (_, count) = self.foreign.get_or_insert((link, 0));
                *count = count.saturating_add(1);
                self.input.pass(octets).map_err(|e| self.broke_off(e))?;
            }
            Found::Damage(what) => self.resync(what)?,
            Found::Torn => {
                let what = self.input.broken.unwrap_or("the last packet is torn");
                self.warn_damage(self.input.offset(), what, None);
                return self.end();
            }
            Found::End => {
                if let Some(what) = self.input.broken {
                    self.warn_damage(self.input.offset(), what, None);
                }
                return self.end();
            }
        }
        Ok(())
    }

    /// Looks for a place after a damage where reading can go on.
    fn resync(&mut self, what: &'static str) -> Result<(), CaptureError> {
        let from = self.input.offset();
        let found = match &self.format {
            Format::Pcap(pcap) => pcap.resync(&mut self.input),
            Format::Pcapng(pcapng) => pcapng.resync(&mut self.input),
            Format::Rtpproxy(_) => Rtpproxy::resync(&mut self.input),
        };
        let Some(octets) = found.map_err(|e| self.broke_off(e))? else {
            self.warn_damage(from, what, None);
            return self.end();
        };
        self.input.pass(octets).map_err(|e| self.broke_off(e))?;
        self.warn_damage(from, what, Some(self.input.offset()));
        self.resynced = true;
        Ok(())
    }

    fn end(&mut self) -> Result<(), CaptureError> {
        self.ended = true;
        if let Some((link, packets)) = self.foreign.take() {
            if self.delivered == 0 {
                return Err(CaptureError::Link { name: self.name.clone(), link });
            }
            self.warnings.push(Warning::Skipped { name: self.name.clone(), packets, link });
        }
        Ok(())
    }

    fn warn_damage(&mut self, offset: u64, what: &'static str, resumed_at: Option<u64>) {
        self.warn(Warning::Damage { name: self.name.clone(), damage: Damage { offset, what, resumed_at } });
    }

    fn warn(&mut self, warning: Warning) {
        if self.warnings.len() < WARNINGS_MAX {
            self.warnings.push(warning);
        }
    }

    fn broke_off(&mut self, source: std::io::Error) -> CaptureError {
        self.ended = true;
        CaptureError::Read { name: self.name.clone(), offset: self.input.offset(), source }
    }

    /// Hands over what stands whole in the window and needs nothing but to be read, a batch of it at most; returns how
    /// many packets that were. None of it asks the file for more.
    fn hand_over_plain(
        &mut self,
        until_ns: i64,
        most: usize,
        sink: &mut dyn FnMut(&Packet<'_>),
    ) -> Result<usize, CaptureError> {
        let Format::Pcap(pcap) = &mut self.format else { return Ok(0) };
        if self.next.is_some() || self.resynced {
            return Ok(0);
        }
        let mut batch = Batch::new();
        let mut rest = self.input.seen();
        let mut octets = 0_usize;
        while batch.len() < most.min(BATCH) {
            let Some((next, bytes, after)) = pcap.whole(rest) else { break };
            if next.utc_ns > until_ns || self.clock.runs_back(next.utc_ns) {
                break;
            }
            let (stamp, _no_step) = self.clock.stamp(next.utc_ns);
            pcap.passed(&next);
            octets = octets.saturating_add(next.take);
            rest = after;
            batch.put(Packet {
                tap: self.tap,
                link: next.link,
                stamp,
                bytes,
                orig_len: next.orig_len,
                vlan: None,
                outgoing: false,
                lost_before: 0,
            });
        }
        let packets = batch.len();
        batch.hand_over(sink);
        self.delivered = self.delivered.saturating_add(u64::try_from(packets).unwrap_or(0));
        self.input.pass(octets).map_err(|e| self.broke_off(e))?;
        Ok(packets)
    }

    /// Hands the packet over that was found.
    #[inline]
    fn hand_over(&mut self, next: &Next, sink: &mut dyn FnMut(&Packet<'_>)) -> Result<(), CaptureError> {
        let (stamp, step) = self.clock.stamp(next.utc_ns);
        if let Some(by_ns) = step {
            self.warn(Warning::ClockStep { name: self.name.clone(), by_ms: by_ns / 1_000_000 });
        }
        let bytes = match &self.format {
            Format::Rtpproxy(rtpproxy) => rtpproxy.packet.as_slice(),
            Format::Pcap(_) | Format::Pcapng(_) => {
                let seen = self.input.seen();
                seen.get(next.skip..next.skip.saturating_add(next.len)).unwrap_or_default()
            }
        };
        // After a damage at least one packet is missing, else there would have been a record.
        let lost_before = next.lost_before.max(u32::from(self.resynced));
        self.told_lost = self.told_lost.saturating_add(u64::from(lost_before));
        self.resynced = false;
        self.delivered = self.delivered.saturating_add(1);
        sink(&Packet {
            tap: self.tap,
            link: next.link,
            stamp,
            bytes,
            orig_len: next.orig_len,
            vlan: None,
            outgoing: next.outgoing,
            lost_before,
        });
        self.input.pass(next.take).map_err(|e| self.broke_off(e))
    }
}

impl PacketSource for CaptureFile {
    fn info(&self) -> SourceInfo {
        let link: Option<LinkType> = match &self.format {
            Format::Pcap(pcap) => Some(pcap.link()),
            Format::Rtpproxy(rtpproxy) => Some(rtpproxy.link()),
            Format::Pcapng(_) => None,
        };
        SourceInfo { tap: self.tap, name: self.name.clone(), live: false, link, fd: None }
    }

    fn poll(&mut self, _wait: Duration, sink: &mut dyn FnMut(&Packet<'_>)) -> Result<Poll, CaptureError> {
        self.poll_until(i64::MAX, sink)
    }

    fn drops(&mut self) -> Drops {
        let said = match &self.format {
            Format::Pcapng(pcapng) => pcapng.dropped(),
            Format::Pcap(_) | Format::Rtpproxy(_) => 0,
        };
        Drops { delivered: self.delivered, kernel: said.max(self.told_lost), interface: 0, freezes: 0 }
    }

    fn warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }
}

impl Timed for CaptureFile {
    fn peek_utc_ns(&mut self) -> Result<Option<i64>, CaptureError> {
        self.advance()?;
        Ok(self.next.map(|next| next.utc_ns))
    }

    fn poll_until(&mut self, until_ns: i64, sink: &mut dyn FnMut(&Packet<'_>)) -> Result<Poll, CaptureError> {
        let mut done = 0;
        while done < POLL_PACKETS {
            let plain = self.hand_over_plain(until_ns, POLL_PACKETS.saturating_sub(done), sink)?;
            if plain > 0 {
                done = done.saturating_add(plain);
                continue;
            }
            // A pipe may stay silent for long, so what was read of it is handed over and dealt with before it is asked for
            // more: else the last packets of a quiet line would be in nobody's hands but ours when the power goes.
            if done > 0 && self.next.is_none() && self.input.seen().len() < SURE_OCTETS {
                break;
            }
            if !self.advance()? {
                return Ok(if done == 0 { Poll::End } else { Poll::Progress });
            }
            let Some(next) = self.next.filter(|next| done == 0 || next.utc_ns <= until_ns) else { break };
            self.next = None;
            self.hand_over(&next, sink)?;
            done = done.saturating_add(1);
        }
        Ok(Poll::Progress)
    }
}

/// What was read of a gzipped file to find out that it is one, and the rest of it.
struct Rest(Input);

impl Read for Rest {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let seen = self.0.want(1)?;
        let octets = seen.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..octets), seen.get(..octets)) {
            to.copy_from_slice(from);
        }
        self.0.pass(octets)?;
        Ok(octets)
    }
}

fn looks_like(beginning: &[u8]) -> (&'static str, &'static str) {
    match beginning {
        [0xfd, b'7', b'z', b'X', b'Z', ..] => ("an xz file", "unpack it first with unxz"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => ("a zstd file", "unpack it first with unzstd"),
        [b'B', b'Z', b'h', ..] => ("a bzip2 file", "unpack it first with bunzip2"),
        [b'P', b'K', 3, 4, ..] => ("a zip file", "unpack it first"),
        [b's', b'n', b'o', b'o', b'p', 0, ..] => {
            ("a snoop capture", "convert it with: editcap -F pcap IN OUT")
        }
        [b'R', b'I', b'F', b'F', ..] => ("a RIFF or WAV file", "sound files are not packets"),
        _ if beginning.iter().take(512).all(|octet| *octet == 0) => ("zeros only", "take the capture again"),
        _ => ("its first octets are unknown", "convert it with: editcap -F pcap IN OUT"),
    }
}

#[cfg(test)]
mod tests;
