//! A satellite, a central and a line between them, in virtual time. Both may crash, the line may be cut with what is on it; what
//! was written and not synced may be lost. The rules of the real thing are kept here in a few lines each, so that the protocol
//! is judged by what comes of it.

use std::collections::{BTreeMap, VecDeque};

use seal::{SigningKey, VerifyingKey};
use shared::{RecorderId, SiteId, UtcMicros};

use crate::Receipt;
use crate::proto::{
    Digests, Order, Receiver, Refusal, Sender, SenderConfig, Taken, Todo, Trouble, What, Work,
};

pub(super) const SECOND: u64 = 1_000_000;
pub(super) const STEP: u64 = 10_000;
const SITE: SiteId = SiteId([1; 16]);
pub(super) const WHO: RecorderId = RecorderId([2; 16]);

/// Dice that fall the same each time.
#[derive(Debug, Clone)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n.max(1)
    }
}

pub(super) fn central_key() -> SigningKey {
    SigningKey::from_seed(&[3; 32])
}

fn verifying() -> VerifyingKey {
    central_key().verifying_key()
}

/// Stands for the two digests: any change shows.
pub(super) fn digests(bytes: &[u8]) -> Digests {
    let mut sums = [[0_u8; 32]; 2];
    for (n, byte) in bytes.iter().enumerate() {
        let at = &mut sums[n % 2][(n / 2) % 32];
        *at = at.wrapping_mul(31).wrapping_add(*byte).wrapping_add(n as u8);
    }
    Digests { sha256: sums[0], blake3: sums[1] }
}

/// One direction of a line.
#[derive(Debug, Default)]
struct Pipe {
    on_it: VecDeque<(u64, Vec<u8>)>,
    free: u64,
}

impl Pipe {
    fn put(&mut self, bytes: Vec<u8>, now: u64, line: Line) {
        let begins = self.free.max(now);
        self.free = begins + bytes.len() as u64 * SECOND / line.rate;
        self.on_it.push_back((self.free + line.delay, bytes));
    }

    fn take(&mut self, now: u64) -> Option<Vec<u8>> {
        self.on_it.pop_front_if(|(at, _)| *at <= now).map(|(_, bytes)| bytes)
    }

    /// True if so much waits that a socket would take no more.
    fn is_full(&self, now: u64) -> bool {
        self.free > now + SECOND / 4
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// Bytes a second.
    pub(super) rate: u64,
    /// One way, in microseconds.
    pub(super) delay: u64,
}

/// A file of the central: how much of it a crash leaves is a matter of dice.
#[derive(Debug, Default, Clone)]
struct Held {
    bytes: Vec<u8>,
    synced: usize,
}

/// What survives at the central.
#[derive(Debug, Default)]
pub(super) struct Central {
    files: BTreeMap<What, Held>,
    /// Admitted: bytes, leaf; durable.
    pub(super) admitted: BTreeMap<What, (Vec<u8>, u64)>,
    leaves: u64,
    /// Work in mid-way when a crash came: the step to stop at, counted down.
    pub(super) crash_in: Option<u64>,
    /// Slow work, in steps that do nothing.
    pub(super) refuse_next: Option<Refusal>,
}

impl Central {
    /// One step of a procedure; `Err` is the crash.
    fn step(&mut self) -> Result<(), ()> {
        match &mut self.crash_in {
            Some(0) => Err(()),
            Some(n) => {
                *n -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn held(&self, what: What) -> u64 {
        let written = || self.files.get(&what).map_or(0, |held| held.bytes.len());
        self.admitted.get(&what).map_or_else(written, |(bytes, _)| bytes.len()) as u64
    }

    fn write(&mut self, what: What, offset: u64, bytes: &[u8]) -> Result<Taken, ()> {
        self.step()?;
        let offset = offset as usize;
        let file = self.files.entry(what).or_default();
        let stands = if let Some((admitted, _)) = self.admitted.get(&what) { admitted } else { &file.bytes };
        let common = stands.len().saturating_sub(offset).min(bytes.len());
        if stands.get(offset..offset + common) != bytes.get(..common) {
            return Ok(Taken::Refused(Refusal::Differs));
        }
        if self.admitted.contains_key(&what) {
            return Ok(Taken::Length(self.held(what)));
        }
        file.bytes.extend_from_slice(&bytes[common..]);
        Ok(Taken::Length(file.bytes.len() as u64))
    }

    /// Verify, sync, admit: a crash between any two.
    fn finish(&mut self, what: What, size: u64, said: Digests) -> Result<Result<u64, Refusal>, ()> {
        if let Some((bytes, leaf)) = self.admitted.get(&what) {
            let is_same = bytes.len() as u64 == size && digests(bytes) == said;
            return Ok(if is_same { Ok(*leaf) } else { Err(Refusal::Differs) });
        }
        let Some(file) = self.files.get_mut(&what) else { return Ok(Err(Refusal::Unsound)) };
        if file.bytes.len() as u64 != size || digests(&file.bytes) != said {
            return Ok(Err(Refusal::Unsound));
        }
        file.synced = file.bytes.len();
        let bytes = file.bytes.clone();
        self.step()?;
        let leaf = self.leaves;
        self.leaves += 1;
        assert!(self.admitted.insert(what, (bytes, leaf)).is_none(), "admitted once");
        self.files.remove(&what);
        self.step()?;
        Ok(Ok(leaf))
    }

    /// What was not synced is there as far as the dice say.
    fn lose(&mut self, dice: &mut Dice) {
        self.crash_in = None;
        for file in self.files.values_mut() {
            let unsynced = (file.bytes.len() - file.synced) as u64;
            file.bytes.truncate(file.synced + dice.below(unsynced + 1) as usize);
        }
    }
}

/// A file of the satellite.
#[derive(Debug, Clone)]
pub(super) struct Local {
    pub(super) bytes: Vec<u8>,
    pub(super) is_whole: bool,
}

pub(super) struct World {
    pub(super) now: u64,
    pub(super) line: Line,
    pub(super) order: Order,
    pub(super) files: BTreeMap<What, Local>,
    /// Everything that ever was, for the judge.
    pub(super) truth: BTreeMap<What, Vec<u8>>,
    pub(super) central: Central,
    pub(super) troubles: Vec<(What, Trouble)>,
    pub(super) forged: bool,
    /// How long bytes of each file took to the central at most, in microseconds.
    lags: BTreeMap<What, u64>,
    grown: Vec<(u64, What, u64)>,
    sender: Sender,
    receiver: Option<Receiver>,
    up: Pipe,
    down: Pipe,
    pub(super) limit: u64,
}

impl World {
    pub(super) fn new(line: Line, order: Order) -> Self {
        Self {
            now: SECOND,
            line,
            order,
            files: BTreeMap::new(),
            truth: BTreeMap::new(),
            central: Central::default(),
            troubles: Vec::new(),
            forged: false,
            lags: BTreeMap::new(),
            grown: Vec::new(),
            sender: sender(order),
            receiver: None,
            up: Pipe::default(),
            down: Pipe::default(),
            limit: 0,
        }
    }

    /// Bytes are appended to a file of the satellite.
    pub(super) fn grow(&mut self, what: What, bytes: &[u8]) {
        let file = self.files.entry(what).or_insert(Local { bytes: Vec::new(), is_whole: false });
        file.bytes.extend_from_slice(bytes);
        self.truth.insert(what, file.bytes.clone());
        let length = file.bytes.len() as u64;
        self.sender.grew(what, length, self.now);
        self.grown.push((self.now, what, length));
    }

    pub(super) fn close(&mut self, what: What) {
        let file = self.files.get_mut(&what).unwrap();
        file.is_whole = true;
        let (size, digests) = (file.bytes.len() as u64, digests(&file.bytes));
        self.sender.sealed(what, size, digests, self.now);
    }

    pub(super) fn connect(&mut self) {
        if self.receiver.is_none() {
            self.receiver = Some(Receiver::new(WHO, 4 << 20, 256, self.limit, self.now));
            self.sender.connect(UtcMicros(self.now as i64), self.now);
        }
    }

    /// How long bytes of these files took at most, in microseconds.
    pub(super) fn lag_of(&self, files: impl IntoIterator<Item = What>) -> u64 {
        files.into_iter().filter_map(|what| self.lags.get(&what)).copied().max().unwrap_or(0)
    }

    pub(super) fn is_connected(&self) -> bool {
        self.receiver.is_some()
    }

    /// The line is cut; what is on it is gone.
    pub(super) fn cut(&mut self) {
        self.receiver = None;
        (self.up, self.down) = (Pipe::default(), Pipe::default());
        self.sender.lost();
    }

    /// The satellite's program dies and comes back: it knows its files, nothing else.
    pub(super) fn reboot_satellite(&mut self) {
        self.cut();
        self.sender = sender(self.order);
        let files: Vec<(What, Local)> = self.files.iter().map(|(what, file)| (*what, file.clone())).collect();
        for (what, file) in files {
            self.sender.grew(what, file.bytes.len() as u64, self.now);
            if file.is_whole {
                self.sender.sealed(what, file.bytes.len() as u64, digests(&file.bytes), self.now);
            }
        }
    }

    pub(super) fn crash_central(&mut self, dice: &mut Dice) {
        self.cut();
        self.central.lose(dice);
    }

    /// Ten milliseconds.
    pub(super) fn step(&mut self, dice: &mut Dice) {
        self.now += STEP;
        let now = self.now;
        if self.sender.tick(now).is_err() {
            self.cut();
        }
        self.drive_sender();
        if self.drive_receiver().is_err() {
            self.crash_central(dice);
        }
        if let Some(receiver) = &self.receiver {
            assert_eq!(receiver.tick(now), Ok(()), "the satellite pings");
        }
        while let Some(bytes) = self.down.take(now) {
            self.sender.feed(&bytes, now).unwrap();
        }
        let (central, lags) = (&self.central, &mut self.lags);
        self.grown.retain(|(at, what, length)| {
            let is_there = central.held(*what) >= *length;
            if is_there {
                let lag = lags.entry(*what).or_insert(0);
                *lag = (*lag).max(now - at);
            }
            !is_there
        });
    }

    fn drive_sender(&mut self) {
        while !self.up.is_full(self.now) {
            let Some(todo) = self.sender.next(self.now) else { return };
            match todo {
                Todo::Send(bytes) => {
                    if self.receiver.is_some() {
                        self.up.put(bytes, self.now, self.line);
                    }
                }
                Todo::Read { what, offset, length } => {
                    let from = offset as usize;
                    let bytes = self.files[&what].bytes[from..from + length].to_vec();
                    self.sender.read(what, offset, bytes, self.now);
                }
                Todo::Receipted { what, receipt, signature } => self.delete(what, receipt, &signature),
                Todo::Trouble { what, trouble } => self.troubles.push((what, trouble)),
                Todo::Clock { .. }
                | Todo::Held { .. }
                | Todo::Took { .. }
                | Todo::Document(_)
                | Todo::Listen(_) => {}
            }
        }
    }

    /// The judge: nothing goes that the central does not hold for good, byte for byte.
    fn delete(&mut self, what: What, receipt: Receipt, signature: &[u8; 64]) {
        assert!(receipt.verifies(signature, &verifying()));
        let (there, leaf) = &self.central.admitted[&what];
        let file = self.files.remove(&what).expect("deleted once");
        assert_eq!((there, *leaf), (&file.bytes, receipt.leaf), "{what:?}");
    }

    fn drive_receiver(&mut self) -> Result<(), ()> {
        let Some(mut receiver) = self.receiver.take() else { return Ok(()) };
        while let Some(bytes) = self.up.take(self.now) {
            receiver.feed(&bytes, UtcMicros(self.now as i64), self.now).unwrap();
            while let Some(work) = receiver.next_work() {
                self.work(&mut receiver, work)?;
            }
        }
        let answers = receiver.answers();
        if !answers.is_empty() {
            self.down.put(answers, self.now, self.line);
        }
        self.receiver = Some(receiver);
        Ok(())
    }

    fn work(&mut self, receiver: &mut Receiver, work: Work) -> Result<(), ()> {
        match work {
            Work::Look { handle, what, .. } => receiver.held(handle, self.central.held(what), None),
            Work::Write { handle, what, offset, bytes } => {
                let taken = match self.central.refuse_next.take() {
                    Some(why) => Taken::Refused(why),
                    None => self.central.write(what, offset, &bytes)?,
                };
                receiver.written(handle, taken);
            }
            Work::Finish { handle, what, size, sha256, blake3 } => {
                match self.central.finish(what, size, Digests { sha256, blake3 })? {
                    Ok(leaf) => receiver.admitted(handle, leaf, self.sign(what, size, sha256, blake3, leaf)),
                    Err(why) => receiver.refuse(handle, why),
                }
            }
            Work::Greeted { .. }
            | Work::Crowded { .. }
            | Work::Status(_)
            | Work::Calls(_)
            | Work::Read { .. } => {}
        }
        Ok(())
    }

    fn sign(&self, what: What, size: u64, sha256: [u8; 32], blake3: [u8; 32], leaf: u64) -> [u8; 64] {
        let What::Part(recording_id, part) = what else { panic!("a receipt for a ledger") };
        let leaf_said = if self.forged { leaf + 1 } else { leaf };
        Receipt { site_id: SITE, recorder_id: WHO, recording_id, part, size, sha256, blake3, leaf: leaf_said }
            .sign(&central_key())
    }
}

fn sender(order: Order) -> Sender {
    Sender::new(SenderConfig { site_id: SITE, recorder_id: WHO, boot: [4; 16], central: verifying(), order })
}
