//! The central at work: one conversation for each satellite, whose work is done on disk by the vault ([`vault::Incoming`]).
//!
//! A conversation takes no more bytes while work of it is left, so a satellite that sends faster than the disk writes is slowed by
//! its own connection, and holds up nobody else. Only what is whole is admitted beside it ([`admissions`]). A second conversation of one satellite begins when the first has left.

mod admissions;
mod work;

use std::collections::HashMap;
use std::future::ready;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming as Body;
use seal::{KeyRing, RecipientType};
use sha2::{Digest as _, Sha256};
use shared::{RecorderId, RecordingId, SiteId, Stamp};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use vault::{Incoming, Receipt, TakeWith};

use crate::carrier::{Conversation, Converses, Stream, piece};
use crate::proto::{ProtocolError, Receiver, Work};
use crate::tls::Peer;

use admissions::Admissions;
use work::Done;

/// Bytes that a satellite may have under way.
const WINDOW: u32 = 4 << 20;
/// Files that a satellite may have open at once: its calls, and what waits.
const FILES: u32 = 2_048;
/// How often it is looked whether there are newer documents.
const DOCUMENTS: Duration = Duration::from_secs(30);
/// For a satellite to take what it is answered.
const TAKEN: Duration = Duration::from_secs(30);
/// Recordings of one satellite that are listened to and were not passed on yet.
const LISTENED: usize = 64;
/// For a last word.
const FAREWELL: Duration = Duration::from_secs(1);
/// Bytes that are taken together, if they are there: each turn costs a change of threads.
const TOGETHER: usize = 1 << 20;
/// A satellite's clock that is further off is told: five seconds.
const CLOCK_US: i64 = 5_000_000;

/// What the program keeps for it.
pub trait Keeper: Send + Sync + 'static {
    /// Both clocks.
    fn now(&self) -> Stamp;

    /// What opens recordings, as far as the key store is unlocked.
    fn keys(&self) -> &(dyn KeyRing + Sync);

    /// The weakest recipient that the site allows.
    fn min_suite(&self) -> RecipientType;

    /// Signs a receipt with central's key: what it says is durable.
    fn sign(&self, receipt: &Receipt) -> [u8; 64];

    /// The signed documents that a satellite must have, as they are now.
    fn documents(&self, who: RecorderId) -> Vec<Vec<u8>>;

    /// A satellite was heard; what it says of itself is JSON, and not trusted.
    fn heard(&self, who: RecorderId, status: Option<&str>);

    /// It told of its calls: JSON, and not trusted.
    fn calls(&self, who: RecorderId, json: &[u8]);

    /// Its connection ended.
    fn left(&self, who: RecorderId);

    /// Tells people; `of`: the satellite that it is about.
    fn alarm(&self, of: Option<RecorderId>, text: &str);
}

/// Takes in what satellites bring.
pub struct Intake {
    site_id: SiteId,
    incoming: Incoming,
    keeper: Arc<dyn Keeper>,
    turns: Mutex<HashMap<RecorderId, Arc<tokio::sync::Mutex<()>>>>,
    /// Where the conversation of a satellite hears what is listened to.
    listened: Mutex<HashMap<RecorderId, mpsc::Sender<RecordingId>>>,
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Intake")
    }
}

impl Converses for Intake {
    fn converse(
        self: Arc<Self>,
        peer: Peer,
        up: Body,
        down: Stream,
        end: watch::Receiver<Option<String>>,
    ) -> Conversation {
        Box::pin(self.receive(peer.recorder_id, up, down, end))
    }
}

/// Why a conversation ended.
enum End {
    /// The other side is not there any more.
    Gone,
    /// It must go, and is told why.
    Told(String),
}

impl Intake {
    /// Begins with the central's disk.
    #[must_use]
    pub fn new(site_id: SiteId, incoming: Incoming, keeper: Arc<dyn Keeper>) -> Self {
        Self { site_id, incoming, keeper, turns: Mutex::default(), listened: Mutex::default() }
    }

    /// Says that somebody listens to a recording that this satellite makes. Never waits; one that is not on the line is passed over.
    pub fn listening(&self, who: RecorderId, id: RecordingId) {
        let listened = self.listened.lock().unwrap_or_else(PoisonError::into_inner);
        if listened.get(&who).is_some_and(|to| to.try_send(id).is_err()) {
            tracing::debug!(satellite = %who, "that somebody listens is said again in a second");
        }
    }

    /// Makes durable what was written. Call it every five seconds, and once at the end.
    pub fn sync(&self) {
        if let Err(error) = self.incoming.sync() {
            let text = format!(
                "what satellites sent could not be made durable: {error}. They keep it, and send it again"
            );
            self.keeper.alarm(None, &text);
        }
    }

    /// Verifies what has arrived since the last call, in the background. Call it about once a second.
    pub fn verify(&self) {
        for alarm in self.incoming.verify_some(&self.with()) {
            self.keeper.alarm(Some(alarm.who), &alarm.text);
        }
    }

    fn with(&self) -> TakeWith<'_> {
        TakeWith { keys: self.keeper.keys(), min_suite: self.keeper.min_suite() }
    }

    async fn receive(
        self: Arc<Self>,
        who: RecorderId,
        up: Body,
        down: Stream,
        end: watch::Receiver<Option<String>>,
    ) {
        let turn =
            Arc::clone(self.turns.lock().unwrap_or_else(PoisonError::into_inner).entry(who).or_default());
        let _turn = turn.lock().await;
        let mut receiver = Receiver::new(who, WINDOW, FILES, 0, self.micros());
        let mut admissions = Admissions::new(&self, who);
        if let End::Told(why) = self.talk((who, &mut receiver, &mut admissions), up, &down, end).await {
            receiver.bye(&why);
            drop(timeout(FAREWELL, down.send(Bytes::from(receiver.answers()))).await);
        }
        // What nobody waits for any more is in all the same, and is answered when it is offered again.
        drop(admissions.all_done().await);
        self.listened.lock().unwrap_or_else(PoisonError::into_inner).remove(&who);
        self.keeper.left(who);
        let here = Arc::clone(&self);
        drop(tokio::task::spawn_blocking(move || here.incoming.gone(who)).await);
    }

    async fn talk(
        self: &Arc<Self>,
        (who, receiver, admissions): (RecorderId, &mut Receiver, &mut Admissions),
        mut up: Body,
        down: &Stream,
        mut end: watch::Receiver<Option<String>>,
    ) -> End {
        let mut documents = interval(DOCUMENTS);
        documents.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut greeted, mut sent) = (false, Vec::new());
        let (to, mut listened) = mpsc::channel(LISTENED);
        self.listened.lock().unwrap_or_else(PoisonError::into_inner).insert(who, to);
        loop {
            let mut work: Vec<Work> = std::iter::from_fn(|| receiver.next_work()).collect();
            if admissions.concern(&work) {
                let Ok(done) = admissions.all_done().await else { return failed() };
                done.into_iter().for_each(|done| answer(receiver, done));
            }
            admissions.take_from(&mut work);
            greeted |= work.iter().any(|work| matches!(work, Work::Greeted { .. }));
            if !work.is_empty() {
                let here = Arc::clone(self);
                let done = tokio::task::spawn_blocking(move || here.perform(who, work)).await;
                let Ok(done) = done else { return failed() };
                done.into_iter().for_each(|done| answer(receiver, done));
            }
            admissions.begin();
            let answers = receiver.answers();
            if !answers.is_empty() {
                tokio::select! {
                    taken = timeout(TAKEN, down.send(Bytes::from(answers))) => {
                        if !matches!(taken, Ok(Ok(()))) {
                            return End::Gone;
                        }
                    }
                    why = told(&mut end) => return why,
                }
            }
            let wait = receiver.deadline().saturating_sub(self.micros());
            tokio::select! {
                piece = piece(&mut up) => {
                    let Some(piece) = piece else { return End::Gone };
                    if let Err(end) = self.hear(who, receiver, piece, &mut up).await {
                        return end;
                    }
                }
                done = admissions.done() => {
                    let Ok(done) = done else { return failed() };
                    done.into_iter().for_each(|done| answer(receiver, done));
                }
                () = sleep(Duration::from_micros(wait)) => {
                    if let Err(error) = receiver.tick(self.micros()) {
                        return self.broken(who, &error);
                    }
                }
                _tick = documents.tick(), if greeted => {
                    for document in self.newer(who, &mut sent).await {
                        receiver.document(document);
                    }
                }
                Some(id) = listened.recv(), if greeted => receiver.listen(id),
                why = told(&mut end) => return why,
            }
        }
    }

    /// Takes a piece, and what has come behind it already.
    async fn hear(
        &self,
        who: RecorderId,
        receiver: &mut Receiver,
        first: Bytes,
        up: &mut Body,
    ) -> Result<(), End> {
        let (mut next, mut taken) = (Some(first), 0_usize);
        while let Some(some) = next {
            let now = self.keeper.now();
            receiver.feed(&some, now.utc, now.mono_ns / 1_000).map_err(|error| self.broken(who, &error))?;
            taken = taken.saturating_add(some.len());
            if taken >= TOGETHER {
                break;
            }
            next = tokio::select! {
                biased;
                // What is at its end says so again when it is asked the next time.
                more = piece(up) => more,
                () = ready(()) => None,
            };
        }
        Ok(())
    }

    /// Returns the documents that this satellite has not been sent on this connection.
    async fn newer(self: &Arc<Self>, who: RecorderId, sent: &mut Vec<[u8; 32]>) -> Vec<Vec<u8>> {
        let keeper = Arc::clone(&self.keeper);
        let all = tokio::task::spawn_blocking(move || keeper.documents(who)).await.unwrap_or_default();
        let digests: Vec<[u8; 32]> = all.iter().map(|document| Sha256::digest(document).into()).collect();
        let news = all.into_iter().zip(&digests).filter(|(_, digest)| !sent.contains(digest));
        let news = news.map(|(document, _)| document).collect();
        *sent = digests;
        news
    }

    fn broken(&self, who: RecorderId, error: &ProtocolError) -> End {
        match error {
            ProtocolError::Silent | ProtocolError::Ended(_) => {
                tracing::info!(satellite = %who, %error, "gone");
            }
            ProtocolError::TooLong(_)
            | ProtocolError::Malformed(_)
            | ProtocolError::OutOfTurn(_)
            | ProtocolError::Version(_)
            | ProtocolError::Forged
            | ProtocolError::Drip => {
                let text = format!("satellite {who} does not keep the rules and was disconnected: {error}");
                self.keeper.alarm(Some(who), &text);
            }
        }
        End::Told(error.to_string())
    }

    fn micros(&self) -> u64 {
        self.keeper.now().mono_ns / 1_000
    }
}

fn failed() -> End {
    End::Told("the central failed; its log says why".to_owned())
}

/// Waits for the word that ends it.
async fn told(end: &mut watch::Receiver<Option<String>>) -> End {
    let word = end.wait_for(Option::is_some).await.ok().and_then(|word| word.clone());
    word.filter(|word| !word.is_empty()).map_or(End::Gone, End::Told)
}

fn answer(receiver: &mut Receiver, done: Done) {
    match done {
        Done::Nothing => {}
        Done::Held(handle, held) => receiver.held(handle, held.length, held.blake3),
        Done::Written(handle, taken) => receiver.written(handle, taken),
        Done::Admitted(handle, leaf, signature) => receiver.admitted(handle, leaf, signature),
        Done::Refused(handle, why) => receiver.refuse(handle, why),
        Done::Bytes(handle, offset, bytes) => receiver.bytes(handle, offset, bytes),
    }
}
