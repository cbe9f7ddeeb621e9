//! The control socket of a running server, `run/control.sock` in the data folder: how the command line asks it to archive, and for the
//! login of the day.
//!
//! One line of JSON for each request and each answer. The socket is of mode 0600 in a folder of mode 0700: whoever may connect
//! could read the keys as well, so what comes in is from the site's own user; its length is bounded all the same.

use std::fs::{File, Permissions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use vault::{LocationRow, Vault};

use super::asked::Request;
use super::chosen;
use super::desk::{Desk, Event, Order};
use super::told::Told;
use crate::failure::code_of;
use crate::logins;
use crate::site::Site;

const NAME: &str = "control.sock";
/// People who follow a run at once.
const FOLLOWERS_MAX: usize = 8;
/// How often the door is looked at.
const TURN: Duration = Duration::from_millis(100);

/// What the server answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// How far a run is.
    Progress {
        /// The location's name.
        name: String,
        /// What is done, as its word.
        step: String,
        /// Bytes carried.
        bytes: u64,
        /// Bytes that were due.
        bytes_due: u64,
    },
    /// A run ended.
    Done(Box<Told>),
    /// Nothing was done, and why.
    Refused {
        /// Why.
        text: String,
        /// The exit code that says so.
        code: u8,
    },
    /// All that was asked for is done.
    End,
}

/// The open socket; it is removed when this goes.
#[derive(Debug)]
pub(crate) struct Door {
    path: PathBuf,
}

impl Drop for Door {
    fn drop(&mut self) {
        // What stays behind is replaced by the next start.
        drop(std::fs::remove_file(&self.path));
    }
}

/// Opens the socket and answers on it in the background until everything ends. Only the server that holds the vault may call it.
///
/// # Errors
/// The folder cannot be written.
pub(crate) fn listen(site: &Arc<Site>, desk: &Arc<Desk>, vault: &Arc<Vault>) -> anyhow::Result<Door> {
    let folder = site.dir.join("run");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(NAME);
    let listener = within(&folder, |short| {
        match std::fs::remove_file(short) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let listener = UnixListener::bind(short)?;
        std::fs::set_permissions(short, Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    })
    .with_context(|| format!("cannot listen on {}", path.display()))?;
    let (site, desk, vault) = (Arc::clone(site), Arc::clone(desk), Arc::clone(vault));
    let thread = std::thread::Builder::new().name("control".to_owned());
    thread
        .spawn(move || answer_all(&listener, &site, &desk, &vault))
        .context("the system gives no thread")?;
    Ok(Door { path })
}

/// Reaches the server that runs on this data folder; `None`: none does.
pub(crate) fn reach(dir: &Path) -> Option<UnixStream> {
    within(&dir.join("run"), |short| UnixStream::connect(short)).ok()
}

/// Does something with the socket by a short path: the kernel takes 108 octets, and data folders may lie deep.
fn within<T>(folder: &Path, act: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let folder = File::open(folder)?;
    act(&PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(NAME))
}

fn answer_all(listener: &UnixListener, site: &Arc<Site>, desk: &Arc<Desk>, vault: &Arc<Vault>) {
    let followers = Arc::new(AtomicUsize::new(0));
    while !desk.is_ending() {
        let Ok((stream, _)) = listener.accept() else {
            std::thread::sleep(TURN);
            continue;
        };
        if followers.fetch_add(1, Ordering::Relaxed) >= FOLLOWERS_MAX {
            followers.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let (site, desk, vault) = (Arc::clone(site), Arc::clone(desk), Arc::clone(vault));
        let there = Arc::clone(&followers);
        let thread = std::thread::Builder::new().name("control-one".to_owned());
        let spawned = thread.spawn(move || {
            if let Err(e) = answer(&stream, &site, &desk, &vault) {
                tracing::info!("whoever asked on the control socket is gone: {e}");
            }
            there.fetch_sub(1, Ordering::Relaxed);
        });
        if spawned.is_err() {
            followers.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn answer(stream: &UnixStream, site: &Site, desk: &Desk, vault: &Vault) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    let mut requests = BufReader::new(stream.try_clone()?);
    let (location, logins) = match Request::next(&mut requests)? {
        Some(Request::Run { location, logins }) => (location, logins),
        Some(Request::DailyLogin { receiver, reason }) => {
            return logins::answer(stream, site, vault, &receiver, &reason);
        }
        Some(Request::Stop { .. }) | None => return Ok(()),
    };
    let locations = match chosen(vault, location.as_deref()) {
        Ok(locations) => locations,
        Err(error) => {
            return say(stream, &Answer::Refused { text: format!("{error:#}"), code: code_of(&error) });
        }
    };
    let (tell, told) = channel();
    let stop = Arc::new(AtomicBool::new(false));
    for location in &locations {
        if let Err(e) = vault.go_on_archiving(location.location_id) {
            tracing::error!("that a run was ended stays noted: {e}");
        }
        let (stop, tell) = (Arc::clone(&stop), Some(tell.clone()));
        desk.ask(Order { location: location.location_id, logins, stop, tell });
    }
    drop(tell);
    let (thread, for_tonight) =
        (std::thread::Builder::new().name("control-hear".to_owned()), Arc::new(AtomicBool::new(false)));
    let tonight = Arc::clone(&for_tonight);
    thread.spawn(move || {
        // Whoever goes away without a word leaves the run alone.
        while let Ok(Some(request)) = Request::next(&mut requests) {
            if let Request::Stop { for_tonight } = request {
                tonight.store(for_tonight, Ordering::Relaxed);
                stop.store(true, Ordering::Relaxed);
            }
        }
    })?;
    follow(stream, &told, &locations)?;
    if for_tonight.load(Ordering::Relaxed) {
        super::stay_stopped(vault, &locations);
    }
    say(stream, &Answer::End)?;
    stream.shutdown(std::net::Shutdown::Both)
}

/// Hands on what happens until nobody is left who could tell.
fn follow(stream: &UnixStream, told: &Receiver<Event>, locations: &[LocationRow]) -> io::Result<()> {
    for event in told {
        let answer = match event {
            Event::Done(told) => Answer::Done(told),
            Event::Progress(id, progress) => Answer::Progress {
                name: locations
                    .iter()
                    .find(|location| location.location_id == id)
                    .map_or_else(String::new, |location| location.name.clone()),
                step: progress.step.word().to_owned(),
                bytes: progress.bytes,
                bytes_due: progress.bytes_due,
            },
        };
        say(stream, &answer)?;
    }
    Ok(())
}

fn say(mut stream: &UnixStream, answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    stream.write_all(&line)
}

/// Asks the server to archive, hears every answer until the end, and asks it to stop once `stop` is set.
///
/// # Errors
/// The server ended meanwhile.
pub(crate) fn ask(
    mut stream: UnixStream,
    request: &Request,
    stop: &Arc<AtomicBool>,
    for_tonight: &Arc<AtomicBool>,
    hear: &mut dyn FnMut(Answer),
) -> anyhow::Result<()> {
    stream.write_all(request.line()?.as_bytes())?;
    let (mut asking, asked, tonight) = (stream.try_clone()?, Arc::clone(stop), Arc::clone(for_tonight));
    std::thread::Builder::new().name("control-stop".to_owned()).spawn(move || {
        while !asked.load(Ordering::Relaxed) {
            std::thread::sleep(TURN);
        }
        let halt = Request::Stop { for_tonight: tonight.load(Ordering::Relaxed) }.line();
        halt.map_err(io::Error::other).and_then(|halt| asking.write_all(halt.as_bytes()))
    })?;
    for line in BufReader::new(stream).lines() {
        let answer: Answer = serde_json::from_str(&line?)?;
        let is_last = matches!(answer, Answer::End | Answer::Refused { .. });
        hear(answer);
        if is_last {
            return Ok(());
        }
    }
    anyhow::bail!(
        "the server ended while it archived. What it had proven stays proven; the rest stays due and is carried by the next run"
    )
}
