//! A body that is made while it is sent: each piece when the client took the one before. Dropped, it makes no more.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;

type Step<S> = Pin<Box<dyn Future<Output = io::Result<Option<(Bytes, S)>>> + Send>>;

/// Pieces made from a state, one after the other.
pub(super) struct Unfold<S, F> {
    make: F,
    step: Option<Step<S>>,
}

/// Makes a stream: `make` gives the next piece and the state after it, or `None` at the end.
pub(super) fn unfold<S, F, Fut>(state: S, make: F) -> Unfold<S, impl Fn(S) -> Step<S>>
where
    F: Fn(S) -> Fut,
    Fut: Future<Output = io::Result<Option<(Bytes, S)>>> + Send + 'static,
{
    let make = move |state| -> Step<S> { Box::pin(make(state)) };
    let step = Some(make(state));
    Unfold { make, step }
}

impl<S, F> Stream for Unfold<S, F>
where
    F: Fn(S) -> Step<S> + Unpin,
{
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let Some(step) = &mut this.step else { return Poll::Ready(None) };
        let done = match step.as_mut().poll(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(done) => done,
        };
        this.step = None;
        match done {
            Ok(Some((piece, state))) => {
                this.step = Some((this.make)(state));
                Poll::Ready(Some(Ok(piece)))
            }
            Ok(None) => Poll::Ready(None),
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }
}
