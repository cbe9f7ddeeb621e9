//! A stream that does not wait for ever, and an answer's body that knows when it has left.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::table::Busy;
use crate::problem::Refusal;

/// After the last answer: how long, and how much of what is still coming is read, so that the answer arrives.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 4 * 1024 * 1024;

/// What the HTTP library says of a request too odd to be one has no body and no headers of ours. Returns what to say instead.
fn in_our_words(bytes: &[u8]) -> Option<Vec<u8>> {
    let head = bytes.get(..bytes.len().min(256)).and_then(|head| std::str::from_utf8(head).ok())?;
    let rest = head.strip_prefix("HTTP/1.1 ")?;
    if !rest.starts_with('4')
        || !head.contains("\r\ncontent-length: 0\r\n")
        || head.contains("content-security-policy")
    {
        return None;
    }
    let refusal = match rest.get(..3) {
        Some("414" | "431") => Refusal::too_long(),
        _ => Refusal::bad("This is no HTTP request."),
    };
    Some(refusal.octets())
}

/// A stream whose writes end in an error when the other side takes nothing for a while.
pub(super) struct Watched<S> {
    inner: S,
    stall: Duration,
    patience: Option<Pin<Box<Sleep>>>,
    leaving: Option<(Pin<Box<Sleep>>, usize)>,
    /// Octets of ours that leave in the place of what was given.
    instead: Option<(Vec<u8>, usize)>,
}

impl<S> Watched<S> {
    pub(super) const fn new(inner: S, stall: Duration) -> Self {
        Self { inner, stall, patience: None, leaving: None, instead: None }
    }

    /// Passes a result on; while it is pending, the patience runs.
    fn watch<T>(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.patience = None;
            return result;
        }
        let stall = self.stall;
        let patience =
            self.patience.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + stall)));
        ready!(patience.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> Watched<S> {
    /// Writes `given`, or what is said instead of it.
    fn put(&mut self, cx: &mut Context<'_>, given: &[u8]) -> Poll<io::Result<usize>> {
        if self.instead.is_none() {
            self.instead = in_our_words(given).map(|ours| (ours, 0));
        }
        let Some((ours, sent)) = &mut self.instead else {
            let result = Pin::new(&mut self.inner).poll_write(cx, given);
            return self.watch(cx, result);
        };
        while let Some(rest) = ours.get(*sent..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut self.inner).poll_write(cx, rest)) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(n) => *sent = sent.saturating_add(n),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(given.len()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.put(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [only] = pieces {
            return self.put(cx, only);
        }
        let result = Pin::new(&mut self.inner).poll_write_vectored(cx, pieces);
        self.watch(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_flush(cx);
        self.watch(cx, result)
    }

    /// Says good-bye, then reads on for a moment: closing with unread octets would tear the last answer away from a client that
    /// is still sending.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.leaving.is_none() {
            ready!(Pin::new(&mut this.inner).poll_shutdown(cx))?;
        }
        let (time, left) =
            this.leaving.get_or_insert_with(|| (Box::pin(tokio::time::sleep(LINGER)), LINGER_BYTES));
        let mut space = [0; 4_096];
        while *left > 0 {
            if time.as_mut().poll(cx).is_ready() {
                break;
            }
            let mut buf = ReadBuf::new(&mut space);
            let read = ready!(Pin::new(&mut this.inner).poll_read(cx, &mut buf));
            if read.is_err() || buf.filled().is_empty() {
                break;
            }
            *left = left.saturating_sub(buf.filled().len());
        }
        Poll::Ready(Ok(()))
    }
}

/// A body that keeps its connection among the busy ones until it has left.
pub(super) struct Tracked {
    body: Body,
    _busy: Busy,
}

impl Tracked {
    pub(super) const fn new(body: Body, busy: Busy) -> Self {
        Self { body, _busy: busy }
    }
}

impl HttpBody for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_librarys_own_refusals_are_said_in_our_words() {
        let check = |bytes: &str, expected: Option<&str>| {
            let ours = in_our_words(bytes.as_bytes()).map(|ours| String::from_utf8(ours).unwrap());
            assert_eq!(ours.as_deref().map(|ours| ours.split("\r\n").next().unwrap()), expected, "{bytes}");
        };
        check(
            "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n",
            Some("HTTP/1.1 414 URI Too Long"),
        );
        check(
            "HTTP/1.1 414 URI Too Long\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
            Some("HTTP/1.1 414 URI Too Long"),
        );
        check("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n", Some("HTTP/1.1 400 Bad Request"));
        check("HTTP/1.1 400 Bad Request\r\ncontent-security-policy: x\r\ncontent-length: 0\r\n\r\n", None);
        check("HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n", None);
        check("sound", None);
        check("", None);
    }
}
