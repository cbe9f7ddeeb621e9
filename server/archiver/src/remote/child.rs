//! The child's side: reads requests, does them, answers.

use std::io::{self, BufRead, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use super::lines::{hear, say};
use super::{Bytes, Deed, Reply, Request};
use crate::carrier::Carrier;
use crate::place::Around;

/// Progress is told so often.
const TELL: Duration = Duration::from_millis(200);

/// Serves requests until the input ends. `data` is the site's data folder, which is only read.
///
/// # Errors
/// The parent is gone.
pub fn serve(
    data: &Path,
    around: &Around,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> io::Result<()> {
    let mut carrier: Option<Box<dyn Carrier>> = None;
    let mut line = Vec::new();
    while let Some(request) = hear(input, &mut line)? {
        let reply = match request {
            Request::Look(place) => Reply::Looked(place.look(around)),
            Request::Reach(place) => {
                Reply::Reached(place.reach(data, around).map(|reached| carrier = Some(reached)))
            }
            Request::Do(deed) => answer(deed, &mut carrier, output)?,
        };
        say(output, &reply)?;
    }
    Ok(())
}

fn answer(
    deed: Deed<'_>,
    carrier: &mut Option<Box<dyn Carrier>>,
    output: &mut dyn Write,
) -> io::Result<Reply> {
    let Some(carrier) = carrier else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no place was reached yet"));
    };
    let mut told = Telling { output, since: Instant::now(), bytes: 0, gone: None };
    let reply = match deed {
        Deed::List(folder) => Reply::Listed(carrier.list(&folder)),
        Deed::Read(path, max) => Reply::Read(carrier.read(&path, max).map(|bytes| bytes.map(Bytes))),
        Deed::Sizes(paths) => Reply::Sizes(carrier.sizes(&paths)),
        Deed::Digest(path, content) => Reply::Digested(carrier.digest(&path, content, &mut |n| told.add(n))),
        Deed::Piece(path, nth) => Reply::Piece(carrier.piece(&path, nth)),
        Deed::Space => Reply::Space(carrier.space()),
        Deed::Carry(items) => Reply::Carried(carrier.carry(&items, &mut |n| told.add(n))),
        Deed::Remove(paths) => Reply::Done(carrier.remove(&paths)),
        Deed::PutLease(bytes) => Reply::Done(carrier.put_lease(&bytes)),
        Deed::KeepLease(holder) => Reply::Done(carrier.keep_lease(holder)),
    };
    match told.gone {
        Some(error) => Err(error),
        None => Ok(reply),
    }
}

/// Tells progress now and then.
struct Telling<'a> {
    output: &'a mut dyn Write,
    since: Instant,
    bytes: u64,
    gone: Option<io::Error>,
}

impl Telling<'_> {
    fn add(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.since.elapsed() >= TELL {
            let told = say(self.output, &Reply::Progress(self.bytes));
            self.gone = self.gone.take().or_else(|| told.err());
            (self.since, self.bytes) = (Instant::now(), 0);
        }
    }
}
