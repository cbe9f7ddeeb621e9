//! Bodies: one that is there, and one that is written while it travels.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::mpsc;

/// Pieces that wait for the socket: what is behind them waits at its owner, who knows what is urgent.
const PIECES: usize = 2;

/// The end where a stream is written; dropping it ends the body.
pub type Stream = mpsc::Sender<Bytes>;

/// A body that we send.
#[derive(Debug)]
pub enum Outgoing {
    /// It is there.
    Whole(Option<Bytes>),
    /// It is written while it travels.
    Written(mpsc::Receiver<Bytes>),
}

/// Makes a body that is written while it travels, and the end where it is written.
#[must_use]
pub(super) fn stream() -> (Stream, Outgoing) {
    let (write, read) = mpsc::channel(PIECES);
    (write, Outgoing::Written(read))
}

impl Outgoing {
    /// A body that is there.
    #[must_use]
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Some(bytes.into()))
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Written(read) => read.poll_recv(cx).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| seal::fields::len64(bytes)))
            }
            Self::Written(_) => SizeHint::default(),
        }
    }
}

/// Reads a whole body; `None`: it is longer than `max`, or the connection ended.
pub(super) async fn whole(body: Incoming, max: usize) -> Option<Bytes> {
    Limited::new(body, max).collect().await.ok().map(http_body_util::Collected::to_bytes)
}

/// Reads the next piece of a body; `None`: it ended, well or not.
pub async fn piece(body: &mut Incoming) -> Option<Bytes> {
    loop {
        let frame = body.frame().await?.ok()?;
        if let Ok(bytes) = frame.into_data()
            && !bytes.is_empty()
        {
            return Some(bytes);
        }
    }
}
