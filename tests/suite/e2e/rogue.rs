//! A satellite that was captured: a valid identity, a satellite's own carrier and words, and whatever it likes to say with them.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use seal::{Kind, Meta, PartSpec, SigningKey, Writer};
use shared::{RecorderId, RecordingId, UtcMicros};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use transfer::carrier::{Line, Stream, piece};
use transfer::enrol::{Enrolled, Wanted, enrol};
use transfer::proto::{Down, Framer, Up, VERSION, What};
use transfer::tls;

/// Longer than the protocol lets anybody drip.
const PATIENCE: Duration = Duration::from_secs(60);

/// The captured satellite.
pub(crate) struct Rogue {
    pub(crate) runtime: Runtime,
    pub(crate) who: RecorderId,
    home: Enrolled,
    key: SigningKey,
    at: SocketAddr,
}

/// One connection of it, greeted.
pub(crate) struct Session {
    _line: Line,
    up: Stream,
    down: mpsc::UnboundedReceiver<Down>,
}

impl Rogue {
    /// Enrols with a code, as anybody with a code does.
    pub(crate) fn enrolled(at: SocketAddr, code: &str, n: u8) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (who, key) = (RecorderId([n; 16]), SigningKey::from_seed(&[n; 32]));
        let address = format!("https://{at}").parse().expect("an address");
        let code = code.parse().expect("a code");
        let home = runtime.block_on(async {
            let (host, interfaces) = ("rogue".to_owned(), Vec::new());
            let wanted = Wanted { recorder_id: who, signing_key: &key, host, interfaces };
            enrol(&address, &code, wanted, now()).await
        });
        Self { runtime, who, home: home.expect("it is let in"), key, at }
    }

    /// Connects and greets as `name`.
    pub(crate) async fn visit_as(&self, name: RecorderId) -> Session {
        let config = tls::for_satellite(&self.home.authority, &self.home.identity).expect("a certificate");
        let address = format!("https://{}", self.at).parse().expect("an address");
        let mut line = Line::open(&address, config).await.expect("it is let in");
        let (up, mut body) = line.transfer().await.expect("it is let in");
        let (tell, down) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut framer = Framer::default();
            while let Some(piece) = piece(&mut body).await {
                framer.feed(&piece, 0);
                while let Ok(Some(message)) = framer.next(0) {
                    let message = Down::read(message).expect("the central keeps the rules");
                    drop(tell.send(message));
                }
            }
        });
        let session = Session { _line: line, up, down };
        session.say(&[Up::Hello { version: VERSION, recorder_id: name, boot: [1; 16], utc: now() }]).await;
        session
    }

    /// Connects and greets as who it is.
    pub(crate) async fn visit(&self) -> Session {
        let mut session = self.visit_as(self.who).await;
        session.until(|down| matches!(down, Down::Welcome { .. }).then_some(())).await;
        session
    }

    /// Connects and is not let in; returns what it is told.
    pub(crate) async fn turned_away(&self) -> String {
        let config = tls::for_satellite(&self.home.authority, &self.home.identity).expect("a certificate");
        let address = format!("https://{}", self.at).parse().expect("an address");
        let mut line = Line::open(&address, config).await.expect("its certificate is still good");
        let Err(refused) = line.transfer().await else { panic!("it is let in") };
        refused.to_string()
    }

    /// Whose satellite it is.
    pub(crate) const fn site(&self) -> shared::SiteId {
        self.home.trust.site.site_id
    }

    /// The beginning of a part that this satellite might have sealed: header and first frame, to the day's key.
    pub(crate) fn beginning_of(&self, id: RecordingId) -> Vec<u8> {
        let day = self.home.day_keys.0.keys.first().expect("the days of a month");
        let spec = PartSpec {
            recording_id: id,
            site_id: self.home.trust.site.site_id,
            recorder_id: self.who,
            start: now(),
            day: day.day,
            part: 0,
            kind: Kind::Recording,
            after_restart: false,
            prev_trailer: [0; 32],
        };
        let mut dice = rand_core::UnwrapErr(getrandom::SysRng);
        let to = [day.key.clone()];
        let begun = Writer::begin(&spec, &to, self.key.verifying_key().key_id(), &mut dice);
        let (mut writer, header) = begun.expect("a header");
        let meta = Meta {
            ledger_no: shared::LedgerNo(1),
            reference: "C261123-000001".to_owned(),
            ..Meta::default()
        };
        [header, writer.meta(&meta).expect("a frame")].concat()
    }
}

impl Session {
    /// Says words; false once the central has hung up.
    pub(crate) async fn say(&self, words: &[Up]) -> bool {
        let mut bytes = Vec::new();
        words.iter().for_each(|up| up.write(&mut bytes));
        self.raw(bytes).await
    }

    /// Says bytes that need not be words.
    pub(crate) async fn raw(&self, bytes: Vec<u8>) -> bool {
        self.up.send(Bytes::from(bytes)).await.is_ok()
    }

    /// Waits for an answer; what comes before it is passed over.
    pub(crate) async fn until<T>(&mut self, mut found: impl FnMut(&Down) -> Option<T>) -> T {
        let mut last = None;
        loop {
            let down = tokio::time::timeout(PATIENCE, self.down.recv()).await.expect("an answer in a minute");
            let down = down.unwrap_or_else(|| panic!("the central hung up; its last word was {last:?}"));
            if let Some(found) = found(&down) {
                return found;
            }
            last = Some(down);
        }
    }

    /// Waits for the end of the connection, and returns why.
    pub(crate) async fn last_word(mut self) -> String {
        self.until(|down| if let Down::Bye(why) = down { Some(why.clone()) } else { None }).await
    }

    /// Offers a part; what is held of it is awaited.
    pub(crate) async fn offer(&mut self, handle: u32, id: RecordingId) {
        self.say(&[offer(handle, id)]).await;
        self.until(|down| matches!(down, Down::Held { handle: of, .. } if *of == handle).then_some(())).await;
    }

    /// Waits until a part is refused, and returns why in a word.
    pub(crate) async fn refusal(&mut self, handle: u32) -> String {
        self.until(|down| {
            if let Down::Refused { handle: of, why } = down {
                (*of == handle).then(|| format!("{why:?}"))
            } else {
                None
            }
        })
        .await
    }
}

/// An offer of the first part of a recording.
pub(crate) const fn offer(handle: u32, id: RecordingId) -> Up {
    Up::Offer { handle, what: What::Part(id, 0), length: 1 << 20, digest: false }
}

pub(crate) const fn data(handle: u32, offset: u64, bytes: Vec<u8>) -> Up {
    Up::Data { handle, offset, bytes }
}

/// A recording's identity by number.
pub(crate) fn recording(n: u32) -> RecordingId {
    let mut id = [7; 16];
    id[12..].copy_from_slice(&n.to_be_bytes());
    RecordingId(id)
}

pub(crate) fn now() -> UtcMicros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    UtcMicros(i64::try_from(since.as_micros()).expect("before the year 294246"))
}
