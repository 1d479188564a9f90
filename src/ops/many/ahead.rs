//! What is read and taken apart on threads of its own, ahead of those who take it.

use crate::plan::file::BadPlan;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use std::io;
use tokio::{
    sync::mpsc::{Receiver, channel},
    task::spawn_blocking,
};

/// So many go from one thread to the next together, of large ones fewer: so many bytes.
const TOGETHER: usize = 32;
const BYTES: usize = 1 << 16;

/// What was read, or why it cannot be.
type Read<T> = Result<T, BadPlan>;

/// What is read on a thread of its own, in blocks; behind the last one comes an empty one.
pub(super) struct Ahead<T> {
    coming: Receiver<Vec<Read<T>>>,
    over: bool,
}

impl<T: Send + 'static> Ahead<T> {
    /// Begins to read, so many blocks ahead; `size` tells how many bytes one takes, as far as it matters.
    pub fn of(blocks: usize, size: fn(&T) -> usize, each: impl Iterator<Item = Read<T>> + Send + 'static) -> Ahead<T> {
        let (send, coming) = channel(blocks);
        spawn_blocking(move || {
            let mut each = each.fuse();
            loop {
                let (mut block, mut bytes) = (Vec::new(), 0);
                while block.len() < TOGETHER && bytes < BYTES {
                    let Some(one) = each.next() else { break };
                    bytes += one.as_ref().map_or(0, size);
                    block.push(one);
                }
                let is_last = block.is_empty();
                // Nobody takes them any more: the run is over.
                if send.blocking_send(block).is_err() || is_last {
                    return;
                }
            }
        });
        Ahead { coming, over: false }
    }

    /// For a thread that may wait.
    pub fn blocking(mut self) -> impl Iterator<Item = Read<T>> + Send {
        std::iter::from_fn(move || {
            let came = if self.over { None } else { Some(self.coming.blocking_recv()) };
            self.block(came?)
        })
        .flatten()
    }

    /// One after the other.
    pub fn stream(self) -> BoxStream<'static, Read<T>> {
        let blocks = stream::unfold(self, |mut ahead| async move {
            let came = if ahead.over { None } else { Some(ahead.coming.recv().await) };
            let block = ahead.block(came?)?;
            Some((block, ahead))
        });
        Box::pin(blocks.flat_map(stream::iter))
    }

    /// A thread that is gone without a word about the end has left something out: that must not look as if there were less.
    fn block(&mut self, came: Option<Vec<Read<T>>>) -> Option<Vec<Read<T>>> {
        self.over = came.as_ref().is_none_or(Vec::is_empty);
        let block = came.unwrap_or_else(|| vec![Err(BadPlan::Io(io::ErrorKind::BrokenPipe.into()))]);
        (!block.is_empty()).then_some(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    #[tokio::test]
    async fn what_is_read_ahead_comes_in_order_and_whole() {
        for count in [0_usize, 1, 31, 32, 33, 1_000] {
            let lines = Ahead::of(2, |_| 0, (0..count).map(Ok)).blocking();
            let read: Vec<usize> = Ahead::of(2, |_| 0, lines).stream().map(Result::unwrap).collect().await;
            assert_eq!(read, (0..count).collect::<Vec<_>>());
        }
    }

    #[tokio::test]
    async fn a_thread_that_breaks_off_is_an_error_and_no_end() {
        let breaks = |number: usize| if number == 40 { panic!("on purpose") } else { Ok(number) };
        let lines = Ahead::of(2, |_| 0, (0..1_000).map(breaks)).blocking();
        let read: Vec<_> = Ahead::of(2, |_| 0, lines).stream().collect().await;
        assert_eq!(read.iter().filter(|one| one.is_ok()).count(), 32);
        assert!(matches!(read.last(), Some(Err(BadPlan::Io(_)))), "{}", read.len());
    }

    #[tokio::test]
    async fn an_error_comes_where_it_was_met() {
        let bad = |number: usize| if number == 40 { Err(BadPlan::NotAPlan) } else { Ok(number) };
        let read: Vec<_> = Ahead::of(1, |_| 0, (0..50).map(bad)).stream().collect().await;
        assert_eq!(read.len(), 50);
        assert!(read[40].is_err() && read[41].is_ok());
    }
    #[tokio::test]
    async fn few_large_ones_are_held() {
        let made = Arc::new(AtomicUsize::new(0));
        let count = made.clone();
        let each = (0..1_000).map(move |number| Ok((count.fetch_add(1, Ordering::SeqCst), number)));
        let mut read = Ahead::of(2, |_| BYTES, each).stream();
        for taken in 0..1_000 {
            assert!(matches!(read.next().await, Some(Ok((number, _))) if number == taken));
            // One is being handed over, two are on their way, and one waits for its turn.
            assert!(made.load(Ordering::SeqCst) <= taken + 4, "{taken}");
        }
    }
}
