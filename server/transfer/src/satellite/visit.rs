//! One connection of a satellite, from the handshake to its end.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval, sleep};
use vault::{News, Outpost, Released, Resume};

use super::Home;
use crate::carrier::{Address, Line, LineError, Renewal, Stream, piece};
use crate::proto::{ProtocolError, Sender, Todo, Trouble, What};
use crate::tls::{self, CertificateKey};

/// How often central hears how it goes here.
const STATUS: Duration = Duration::from_secs(10);
/// What grew is gathered for so long: the files of a hundred calls in one go cost a tenth of a hundred goes. Half of the two seconds in
/// which a frame must be on its way.
const GATHER_US: u64 = 1_000_000;
/// The same while somebody at central listens to a call that goes on.
const GATHER_LISTENED_US: u64 = 200_000;
/// Central says so once a second; so long after the last word nobody listens any more.
const LISTENED_US: u64 = 3_000_000;
/// How often central hears what has changed of the calls.
const CALLS: Duration = Duration::from_secs(1);
/// Nothing to wait for: look again after so long.
const IDLE_US: u64 = 10_000_000;
/// A certificate is renewed so long before its end: thirty days.
const RENEW_BEFORE_US: i64 = 30 * 86_400_000_000;
/// Whether the certificate is due is looked at so often in the course of a long connection.
const RENEWAL: Duration = Duration::from_secs(3_600);

/// How a connection ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// The program ends.
    Asked,
    /// It broke, or never was.
    Lost {
        /// Why.
        why: String,
        /// Both sides had greeted.
        greeted: bool,
    },
}

/// What lives from connection to connection.
pub(super) struct Visit {
    pub(super) address: Address,
    pub(super) outpost: Arc<Outpost>,
    pub(super) home: Arc<dyn Home>,
    pub(super) sender: Sender,
    pub(super) news: Arc<Notify>,
    /// Receipted, and not unlinked yet: one sync of the folder for many.
    pub(super) released: Vec<Released>,
    /// What is being unlinked, beside the conversation: on a busy disk a sync may take longer than the line has something to send.
    pub(super) letting_go: Option<JoinHandle<vault::Result<()>>>,
    /// Until when somebody listens to something that grows here.
    pub(super) listened_until: u64,
    /// The last trouble that people were told: not the same one with each connection.
    pub(super) told: Option<String>,
}

/// Why a conversation ends.
#[derive(Debug, thiserror::Error)]
enum Cut {
    #[error("the program ends")]
    Asked,
    #[error(transparent)]
    Line(#[from] LineError),
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    #[error("{0}")]
    Home(String),
    #[error("central closed the connection")]
    Closed,
}

impl Visit {
    /// Connects and converses until it ends.
    pub(super) async fn run(&mut self, stop: &mut watch::Receiver<bool>) -> Ended {
        let opened = tokio::select! {
            opened = self.open() => opened,
            _asked = stop.wait_for(|stop| *stop) => return Ended::Asked,
        };
        let (line, up, down) = match opened {
            Ok(opened) => opened,
            Err(cut) => return Ended::Lost { why: cut.to_string(), greeted: false },
        };
        self.home.say(&format!("connected to central at {}", self.address));
        let cut = self.converse(&line, &up, down, stop).await;
        self.let_all_go().await;
        match cut {
            Err(Cut::Asked) | Ok(()) => Ended::Asked,
            Err(cut) => Ended::Lost { why: cut.to_string(), greeted: true },
        }
    }

    async fn open(&self) -> Result<(Line, Stream, Incoming), Cut> {
        if self.renewal_is_due()
            && let Err(cut) = self.renew().await
        {
            // The old certificate holds for another month; its end is what must be told in time.
            self.home.alarm(&format!(
                "this satellite's certificate could not be renewed: {cut}. It is tried again"
            ));
        }
        let mut line = self.line().await?;
        let (up, down) = line.transfer().await?;
        Ok((line, up, down))
    }

    async fn line(&self) -> Result<Line, Cut> {
        let identity = self.home.identity().map_err(Cut::Home)?;
        let config = tls::for_satellite(&self.home.authority(), &identity).map_err(LineError::from)?;
        Ok(Line::open(&self.address, config).await?)
    }

    /// True once the certificate ends within thirty days: two thirds of its time are over.
    fn renewal_is_due(&self) -> bool {
        let then = self.home.now().utc.plus(RENEW_BEFORE_US);
        let holds = self.home.identity().map(|own| tls::holds_at(&self.home.authority(), &own, then));
        matches!(holds, Ok(Ok(false)))
    }

    /// A new key, its certificate asked for under the old one, both kept in one step.
    async fn renew(&self) -> Result<(), Cut> {
        let mut line = self.line().await?;
        let key = CertificateKey::draw().map_err(LineError::from)?;
        let question = Renewal::of(&key.point().map_err(LineError::from)?).to_bytes();
        let identity = key.with(&line.renew(question).await?).map_err(LineError::from)?;
        self.home.renewed(&identity).map_err(Cut::Home)?;
        self.home.say("this satellite's certificate was renewed");
        Ok(())
    }

    async fn converse(
        &mut self,
        _line: &Line,
        up: &Stream,
        mut down: Incoming,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), Cut> {
        let now = self.home.now();
        self.sender.connect(now.utc, micros(now.mono_ns));
        let (news, mut status, mut renewal) = (Arc::clone(&self.news), interval(STATUS), interval(RENEWAL));
        status.set_missed_tick_behavior(MissedTickBehavior::Delay);
        renewal.reset();
        let (mut calls, mut anew) = (interval(CALLS), true);
        calls.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut gathered: Option<Bytes> = None;
        let (mut is_news, mut look) = (true, 0);
        loop {
            if is_news && self.now() >= look {
                (is_news, look) = (false, self.now().saturating_add(self.gather_us()));
                self.hear_news();
            }
            while gathered.is_none()
                && let Some(todo) = self.sender.next(self.now())
            {
                gathered = self.act(todo);
            }
            self.begin_to_let_go();
            let now = self.now();
            let deadline = self.sender.deadline(now).unwrap_or_else(|| now.saturating_add(IDLE_US));
            let deadline = if is_news { deadline.min(look) } else { deadline };
            tokio::select! {
                room = up.reserve(), if gathered.is_some() => {
                    let room = room.map_err(|_closed| Cut::Closed)?;
                    room.send(gathered.take().unwrap_or_default());
                }
                piece = piece(&mut down) => {
                    self.sender.feed(&piece.ok_or(Cut::Closed)?, self.now())?;
                    self.home.heard();
                }
                () = sleep(Duration::from_micros(deadline.saturating_sub(now))) => {
                    self.sender.tick(self.now())?;
                }
                gone = gone(&mut self.letting_go) => self.let_go(gone),
                () = news.notified(), if !is_news => is_news = true,
                _tick = status.tick() => self.sender.status(self.home.status()),
                // Before the greeting is answered nothing can be told, and what is told anew must arrive.
                _tick = calls.tick(), if self.sender.is_up() => {
                    if let Some(json) = self.home.calls(std::mem::take(&mut anew)) {
                        self.sender.calls(json);
                    }
                }
                _tick = renewal.tick() => {
                    if self.renewal_is_due() {
                        return Err(Cut::Home("its certificate is due to be renewed".to_owned()));
                    }
                }
                _asked = stop.wait_for(|stop| *stop) => return Err(Cut::Asked),
            }
        }
    }

    fn now(&self) -> u64 {
        micros(self.home.now().mono_ns)
    }

    fn gather_us(&self) -> u64 {
        if self.now() < self.listened_until { GATHER_LISTENED_US } else { GATHER_US }
    }

    fn hear_news(&mut self) {
        let now = self.now();
        for news in self.outpost.take_news() {
            match news {
                News::Gone(what) => self.sender.forget(what),
                News::Stands(file) if file.unfinished => self.sender.cut(file.what, file.bytes, now),
                News::Stands(file) => match file.sealed {
                    Some(digests) => self.sender.sealed(file.what, file.bytes, digests, now),
                    None => self.sender.grew(file.what, file.bytes, now),
                },
            }
        }
    }

    /// Does one thing; returns bytes that are to be sent.
    fn act(&mut self, todo: Todo) -> Option<Bytes> {
        match todo {
            Todo::Send(bytes) => return Some(Bytes::from(bytes)),
            Todo::Read { what, offset, length } => match self.outpost.read(what, offset, length) {
                Ok(bytes) if !bytes.is_empty() => self.sender.read(what, offset, bytes, self.now()),
                Ok(_nothing) => self.sender.unreadable(what),
                Err(error) => {
                    tracing::warn!(%what, %error, "a file of the spool cannot be read");
                    self.sender.unreadable(what);
                }
            },
            Todo::Receipted { what, receipt, signature } => self.receipted(what, receipt.leaf, &signature),
            Todo::Trouble { what, trouble } => self.trouble(what, trouble),
            Todo::Held { what, length, blake3 } => {
                let resumed = self.outpost.central_holds(what, length, blake3, self.home.signer());
                self.resumed(what, resumed);
            }
            Todo::Took { what, offset, bytes } => {
                let resumed = self.outpost.append_from_central(what, offset, &bytes, self.home.signer());
                self.resumed(what, resumed);
            }
            Todo::Document(bytes) => self.document(&bytes),
            Todo::Listen(id) => {
                self.listened_until = self.now().saturating_add(LISTENED_US);
                self.home.listen(id);
            }
            Todo::Clock { utc, trip_us } => {
                let then = utc.plus(i64::try_from(trip_us / 2).unwrap_or(0));
                self.home.clock_differs(then.0.saturating_sub(self.home.now().utc.0));
            }
        }
        None
    }

    /// Judges a receipt by the file that lies here; only then may it go.
    fn receipted(&mut self, what: What, leaf: u64, signature: &[u8; 64]) {
        let central = super::central_key(&*self.home);
        match self.outpost.released(what, leaf, signature, &central) {
            Ok(Some(released)) => self.released.push(released),
            Ok(None) => self.home.alarm(&format!(
                "the central's receipt for {what} is not for what lies here. The file stays; look at the central"
            )),
            Err(error) => self.home.alarm(&format!("{what} cannot be compared with its receipt and stays: {error}")),
        }
    }

    /// Unlinks what was released, if nothing is being unlinked.
    fn begin_to_let_go(&mut self) {
        if self.letting_go.is_none() && !self.released.is_empty() {
            let (outpost, released) = (Arc::clone(&self.outpost), std::mem::take(&mut self.released));
            self.letting_go = Some(spawn_blocking(move || outpost.let_go(released)));
        }
    }

    async fn let_all_go(&mut self) {
        self.begin_to_let_go();
        while self.letting_go.is_some() {
            let gone = gone(&mut self.letting_go).await;
            self.let_go(gone);
            self.begin_to_let_go();
        }
    }

    fn let_go(&self, gone: Result<(), String>) {
        if let Err(error) = gone {
            self.home.alarm(&format!(
                "what the central has taken over could not be removed here: {error}. It is tried again at the next start"
            ));
        }
    }

    fn resumed(&mut self, what: What, resumed: vault::Result<Resume>) {
        match resumed {
            Ok(Resume::Fetch { offset, length }) => self.sender.ask(what, offset, length),
            Ok(Resume::Closed | Resume::NotWaiting) => {}
            Err(error) => self.home.alarm(&format!(
                "{what}, which a crash cut, could not be closed and stays as it is: {error}"
            )),
        }
    }

    fn document(&self, bytes: &[u8]) {
        let followed = self.home.trust().open(bytes).map_err(|e| e.to_string());
        if let Err(why) = followed.and_then(|document| self.home.follow(document, bytes)) {
            self.home.alarm(&why);
        }
    }

    fn trouble(&mut self, what: What, trouble: Trouble) {
        let text = match trouble {
            Trouble::Refused(why) if why.passes() => {
                return tracing::info!(%what, ?why, "central does not take it now; it is offered again");
            }
            Trouble::Refused(why) => format!(
                "the central refuses {what} ({why:?}). It stays here, nothing of it is lost; the central's alarm says what is wrong"
            ),
            Trouble::Ahead { held } => format!(
                "the central holds {held} bytes of {what}, more than stand here. It stays; compare both"
            ),
            Trouble::BadReceipt => format!(
                "a receipt for {what} does not bear the central's signature. The file stays. If nobody knows why, treat the central as captured"
            ),
            Trouble::Unreadable => format!("{what} cannot be read here: look at the disk"),
        };
        if self.told.as_ref() != Some(&text) {
            self.home.alarm(&text);
            self.told = Some(text);
        }
    }
}

/// Waits until what is being unlinked is gone; for ever, if nothing is. May be dropped and called again.
async fn gone(letting_go: &mut Option<JoinHandle<vault::Result<()>>>) -> Result<(), String> {
    let Some(task) = letting_go else { return pending().await };
    let gone = task.await;
    *letting_go = None;
    gone.map_err(|panicked| panicked.to_string())?.map_err(|error| error.to_string())
}

const fn micros(ns: u64) -> u64 {
    ns / 1_000
}
