//! The satellite at work: a thread that keeps a line to the central, sends what stands in the spool, and lets go what was receipted.
//!
//! Recording waits for nothing here. While the line is down the spool grows; when it is back everything is offered again. What
//! the thread is told about people, files and clocks comes through [`Home`], which the program implements.

mod backoff;
mod visit;

use std::sync::Arc;
use std::thread::JoinHandle;

use seal::SigningKey;
use shared::{RecorderId, RecordingId, SiteId, Stamp};
use tokio::sync::{Notify, watch};
use vault::Outpost;

use crate::carrier::Address;
use crate::document::{Document, Trust};
use crate::proto::{Order, Sender, SenderConfig};
use crate::tls::Identity;

use backoff::Backoff;
use visit::{Ended, Visit};

/// What the program keeps for the courier.
pub trait Home: Send + Sync + 'static {
    /// Both clocks.
    fn now(&self) -> Stamp;

    /// Random bits, for pauses between attempts.
    fn dice(&self) -> u64;

    /// The key that signs the trailers of this satellite.
    fn signer(&self) -> &SigningKey;

    /// What is believed: the site, its newest certificates.
    fn trust(&self) -> Trust;

    /// The authority that central is known by, PEM.
    fn authority(&self) -> String;

    /// The key and certificate to show.
    ///
    /// # Errors
    /// They cannot be read, and what to do.
    fn identity(&self) -> Result<Identity, String>;

    /// Keeps a renewed certificate with its key, durably, in place of the old one.
    ///
    /// # Errors
    /// It cannot be written; the old one stays.
    fn renewed(&self, identity: &Identity) -> Result<(), String>;

    /// Keeps a document that verified, durably, and follows it if it is newer than what is here.
    ///
    /// # Errors
    /// It cannot be written or followed; what was in force stays in force.
    fn follow(&self, document: Document, bytes: &[u8]) -> Result<(), String>;

    /// How it goes, as JSON of at most [`crate::proto::STATUS_MAX`] bytes.
    fn status(&self) -> Vec<u8>;

    /// The calls that are going on, as far as central does not know them yet, as JSON of at most [`crate::proto::STATUS_MAX`] bytes; `anew`:
    /// it knows nothing. Asked once a second. `None`: nothing has changed.
    fn calls(&self, anew: bool) -> Option<Vec<u8>>;

    /// Somebody at central listens to this recording, for the next few seconds.
    fn listen(&self, id: RecordingId);

    /// Central's clock is so many microseconds ahead of this one.
    fn clock_differs(&self, offset_us: i64);

    /// Central said something: it lives. Called for every piece that comes.
    fn heard(&self);

    /// There is no line to central, and why. How long that may last is the program's to judge: it must do so on a thread of its own,
    /// so that a courier that hangs is noticed, too.
    fn cut_off(&self, why: &str);

    /// Tells something that is no fault.
    fn say(&self, text: &str);

    /// Tells people what they must know.
    fn alarm(&self, text: &str);
}

/// Who sends, from where, to whom.
#[derive(Debug)]
pub struct CourierConfig {
    /// The site.
    pub site_id: SiteId,
    /// This satellite.
    pub recorder_id: RecorderId,
    /// Drawn at the start of the program.
    pub boot: [u8; 16],
    /// Where central is.
    pub address: Address,
    /// What goes first.
    pub order: Order,
}

/// The running thread.
#[derive(Debug)]
pub struct Courier {
    thread: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

impl Courier {
    /// Starts it. What an earlier run left comes as news once the outpost has looked at it.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(config: CourierConfig, outpost: Arc<Outpost>, home: Arc<dyn Home>) -> std::io::Result<Self> {
        let (stop, asked) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let run = move || runtime.block_on(keep(config, outpost, home, asked));
        let thread = std::thread::Builder::new().name("courier".to_owned()).spawn(run)?;
        Ok(Self { thread, stop })
    }

    /// Ends it. What is not receipted stays and is offered at the next start.
    pub fn stop(self) {
        self.stop.send_replace(true);
        if self.thread.join().is_err() {
            tracing::error!("the courier died");
        }
    }
}

/// Keeps a line until the end is asked for.
async fn keep(
    config: CourierConfig,
    outpost: Arc<Outpost>,
    home: Arc<dyn Home>,
    mut stop: watch::Receiver<bool>,
) {
    let news = Arc::new(Notify::new());
    let wake = Arc::clone(&news);
    outpost.wake_with(Box::new(move || wake.notify_one()));
    let CourierConfig { site_id, recorder_id, boot, address, order } = config;
    let sender =
        Sender::new(SenderConfig { site_id, recorder_id, boot, central: central_key(&*home), order });
    let released = Vec::new();
    let mut visit = Visit {
        address,
        outpost,
        home,
        sender,
        news,
        released,
        letting_go: None,
        listened_until: 0,
        told: None,
    };
    let mut backoff = Backoff::default();
    while !*stop.borrow() {
        let began = visit.home.now();
        let ended = visit.run(&mut stop).await;
        visit.sender.lost();
        match ended {
            Ended::Asked => return,
            Ended::Lost { why, greeted } => {
                if greeted {
                    backoff = Backoff::default();
                    visit.home.say(&format!("the line to central is down: {why}. Recording goes on"));
                }
                visit.home.cut_off(&why);
                tracing::info!(%why, after_us = visit.home.now().micros_since(&began), "no line to central");
            }
        }
        let pause = backoff.next(visit.home.dice());
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _asked = stop.changed() => {}
        }
    }
}

/// The key that signs receipts: the newest that the root certified for central.
fn central_key(home: &dyn Home) -> seal::VerifyingKey {
    let trust = home.trust();
    let newest = trust.central_keys().last();
    // Enrolment verified that there is one; without it no receipt would verify, and nothing would be let go.
    newest.unwrap_or(trust.site.root_key)
}
