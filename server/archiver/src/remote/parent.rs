//! The parent's side: a carrier whose work is done by the child.

use std::borrow::Cow;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use super::lines::{hear, say};
use super::{Deed, Reply, Request};
use crate::carrier::{
    Carried, Carrier, CarryError, CarryKind, Digests, Fate, Found, Holder, Item, Piece, Space,
};
use crate::place::{Place, PlaceError, Settings};

/// After so many of these the child is given up.
const PATIENCE: u32 = 5;
/// A child that was told to end gets so long.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How to start the child.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program: this one, as a rule.
    pub program: PathBuf,
    /// Its words; they make it call [`super::serve`].
    pub words: Vec<String>,
    /// After so long without a word somebody is told, and after five times as long the child is given up. Two minutes, but in
    /// tests.
    pub stalled: Duration,
}

/// A carrier in a child process.
#[derive(Debug)]
pub struct RemoteCarrier {
    child: Child,
    /// Closed first: then the child ends by itself.
    input: Option<ChildStdin>,
    replies: Receiver<Reply>,
    path: PathBuf,
    stalled: Duration,
    /// The child said nothing for too long, or died: it is asked nothing more.
    lost: Option<CarryError>,
}

/// Looks at a place from a child process.
///
/// # Errors
/// As [`Place::look`], or the child does not answer.
pub fn look(launch: &Launch, place: Place) -> Result<Settings, PlaceError> {
    let mut carrier = RemoteCarrier::start(launch, &place.path)?;
    let reply = carrier
        .ask(&Request::Look(place), &mut |_bytes| ())
        .map_err(|e| PlaceError { refused: false, why: e.text })?;
    let Reply::Looked(looked) = reply else { return Err(lost_words()) };
    looked
}

fn lost_words() -> PlaceError {
    PlaceError {
        refused: true,
        why: "the archive's process answered something else than it was asked".to_owned(),
    }
}

impl RemoteCarrier {
    /// Starts a child and lets it reach a place.
    ///
    /// # Errors
    /// As [`Place::reach`], or the child does not answer.
    pub fn reach(launch: &Launch, place: Place) -> Result<Self, PlaceError> {
        let mut carrier = Self::start(launch, &place.path)?;
        let reply = carrier
            .ask(&Request::Reach(place), &mut |_bytes| ())
            .map_err(|e| PlaceError { refused: false, why: e.text })?;
        let Reply::Reached(reached) = reply else { return Err(lost_words()) };
        reached.map(|()| carrier)
    }

    fn start(launch: &Launch, path: &Path) -> Result<Self, PlaceError> {
        let failed = |why: String| PlaceError { refused: true, why };
        let mut child = Command::new(&launch.program)
            .args(&launch.words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|e| failed(format!("a process for it cannot be started: {e}")))?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let output = output.ok_or_else(|| failed("its process has no output".to_owned()))?;
        let (tell, replies) = channel();
        let reader = std::thread::Builder::new().name("archive-reader".to_owned()).spawn(move || {
            let (mut output, mut line) = (BufReader::new(output), Vec::new());
            while let Ok(Some(reply)) = hear(&mut output, &mut line) {
                if tell.send(reply).is_err() {
                    return;
                }
            }
        });
        reader.map_err(|e| failed(format!("a thread for it cannot be started: {e}")))?;
        Ok(Self { child, input, replies, path: path.to_owned(), stalled: launch.stalled, lost: None })
    }

    fn ask(&mut self, request: &Request<'_>, progress: &mut dyn FnMut(u64)) -> Carried<Reply> {
        if let Some(lost) = &self.lost {
            return Err(lost.clone());
        }
        let answer = self.say(request).and_then(|()| self.hear(progress));
        if let Err(e) = &answer {
            self.lost = Some(e.clone());
        }
        answer
    }

    fn say(&mut self, request: &Request<'_>) -> Carried<()> {
        let gone = |e: &dyn std::fmt::Display| CarryError {
            kind: CarryKind::Gone,
            text: format!("the process that archives to it ended ({e})"),
        };
        let input = self.input.as_mut().ok_or_else(|| gone(&"closed"))?;
        say(input, request).map_err(|e| gone(&e))
    }

    fn hear(&self, progress: &mut dyn FnMut(u64)) -> Carried<Reply> {
        let mut silent = 0_u32;
        loop {
            match self.replies.recv_timeout(self.stalled) {
                Ok(Reply::Progress(bytes)) => {
                    silent = 0;
                    progress(bytes);
                }
                Ok(reply) => return Ok(reply),
                Err(RecvTimeoutError::Timeout) => {
                    silent = silent.saturating_add(1);
                    let seconds = self.stalled.saturating_mul(silent).as_secs();
                    tracing::warn!("{}: stalled, no progress for {seconds} s", self.path.display());
                    if silent >= PATIENCE {
                        let text = format!(
                            "{} does not answer any more: no progress for {seconds} s. The run was given up; look at the \
                             server behind it, or at the network",
                            self.path.display()
                        );
                        return Err(CarryError { kind: CarryKind::Stalled, text });
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let text = "the process that archives to it ended".to_owned();
                    return Err(CarryError { kind: CarryKind::Gone, text });
                }
            }
        }
    }
}

fn other() -> CarryError {
    CarryError { kind: CarryKind::Other, text: lost_words().why }
}

impl Carrier for RemoteCarrier {
    fn list(&mut self, folder: &str) -> Carried<Option<Vec<Found>>> {
        let Reply::Listed(listed) =
            self.ask(&Request::Do(Deed::List(folder.to_owned())), &mut |_bytes| ())?
        else {
            return Err(other());
        };
        listed
    }

    fn read(&mut self, path: &str, max: u64) -> Carried<Option<Vec<u8>>> {
        let Reply::Read(read) = self.ask(&Request::Do(Deed::Read(path.to_owned(), max)), &mut |_bytes| ())?
        else {
            return Err(other());
        };
        read.map(|bytes| bytes.map(|bytes| bytes.0))
    }

    fn sizes(&mut self, paths: &[String]) -> Carried<Vec<Option<u64>>> {
        let Reply::Sizes(sizes) = self.ask(&Request::Do(Deed::Sizes(paths.to_vec())), &mut |_bytes| ())?
        else {
            return Err(other());
        };
        sizes
    }

    fn digest(
        &mut self,
        path: &str,
        content: u64,
        progress: &mut dyn FnMut(u64),
    ) -> Carried<Option<(Digests, bool)>> {
        let Reply::Digested(digested) =
            self.ask(&Request::Do(Deed::Digest(path.to_owned(), content)), progress)?
        else {
            return Err(other());
        };
        digested
    }

    fn piece(&mut self, path: &str, nth: u64) -> Carried<Option<Piece>> {
        let deed = Deed::Piece(path.to_owned(), nth);
        let Reply::Piece(piece) = self.ask(&Request::Do(deed), &mut |_bytes| ())? else {
            return Err(other());
        };
        piece
    }

    fn space(&mut self) -> Carried<Space> {
        let Reply::Space(space) = self.ask(&Request::Do(Deed::Space), &mut |_bytes| ())? else {
            return Err(other());
        };
        space
    }

    fn carry(&mut self, items: &[Item], progress: &mut dyn FnMut(u64)) -> Carried<Vec<Fate>> {
        let Reply::Carried(fates) = self.ask(&Request::Do(Deed::Carry(Cow::Borrowed(items))), progress)?
        else {
            return Err(other());
        };
        fates
    }

    fn remove(&mut self, paths: &[String]) -> Carried<()> {
        let Reply::Done(done) = self.ask(&Request::Do(Deed::Remove(paths.to_vec())), &mut |_bytes| ())?
        else {
            return Err(other());
        };
        done
    }

    fn put_lease(&mut self, bytes: &[u8]) -> Carried<()> {
        let Reply::Done(done) = self.ask(&Request::Do(Deed::PutLease(bytes.to_vec())), &mut |_bytes| ())?
        else {
            return Err(other());
        };
        done
    }
    fn keep_lease(&mut self, holder: Option<Holder>) -> Carried<()> {
        let Reply::Done(done) = self.ask(&Request::Do(Deed::KeepLease(holder)), &mut |_bytes| ())? else {
            return Err(other());
        };
        done
    }
}

impl Drop for RemoteCarrier {
    /// A child that hangs in the kernel is left to itself.
    fn drop(&mut self) {
        self.input = None;
        let step = Duration::from_millis(20);
        let mut waited = Duration::ZERO;
        while waited < LAST_WORDS {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(step);
            waited = waited.saturating_add(step);
        }
        // It may be beyond reach; then it ends when the kernel lets it go.
        drop(self.child.kill());
        drop(self.child.try_wait());
    }
}
