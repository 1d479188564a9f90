//! What is read on a thread of its own, ahead of those who take it.

use crate::plan::file::BadPlan;
use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use std::{io, sync::Arc};
use tokio::{
    sync::mpsc::{Receiver, channel},
    task::spawn_blocking,
};

/// So many go from one thread to the next together.
const TOGETHER: usize = 32;

/// What was read, or why it cannot be.
type Read<T> = Result<T, BadPlan>;

/// What is read on a thread of its own, in blocks; behind the last one comes an empty one.
pub(super) struct Ahead<T> {
    coming: Receiver<Vec<Read<T>>>,
    over: bool,
}

impl<T: Send + 'static> Ahead<T> {
    /// Begins to read, so many blocks ahead.
    pub fn of(blocks: usize, each: impl Iterator<Item = Read<T>> + Send + 'static) -> Ahead<T> {
        let (send, coming) = channel(blocks);
        spawn_blocking(move || {
            let mut each = each.fuse();
            loop {
                let block: Vec<_> = each.by_ref().take(TOGETHER).collect();
                let is_last = block.is_empty();
                // Nobody takes them any more: the run is over.
                if send.blocking_send(block).is_err() || is_last {
                    return;
                }
            }
        });
        Ahead { coming, over: false }
    }

    /// One after the other.
    pub fn stream(self) -> BoxStream<'static, Read<T>> {
        Box::pin(self.blocks().flat_map(stream::iter))
    }

    /// One after the other, each as `work` leaves it. That is done by other threads still, for so many blocks at a time.
    pub fn through<U: Send + 'static>(
        self,
        blocks: usize,
        work: impl Fn(T) -> Read<U> + Send + Sync + 'static,
    ) -> BoxStream<'static, Read<U>> {
        let work = Arc::new(work);
        let worked = move |block: Vec<Read<T>>| {
            let work = work.clone();
            let done = spawn_blocking(move || block.into_iter().map(|one| work(one?)).collect::<Vec<_>>());
            async move { done.await.unwrap_or_else(|_| broken_off()) }
        };
        Box::pin(self.blocks().map(worked).buffered(blocks).flat_map(stream::iter))
    }

    fn blocks(self) -> impl Stream<Item = Vec<Read<T>>> {
        stream::unfold(self, |mut ahead| async move {
            let came = if ahead.over { None } else { Some(ahead.coming.recv().await) };
            let block = ahead.block(came?)?;
            Some((block, ahead))
        })
    }

    /// A thread that is gone without a word about the end has left something out: that must not look as if there were less.
    fn block(&mut self, came: Option<Vec<Read<T>>>) -> Option<Vec<Read<T>>> {
        self.over = came.as_ref().is_none_or(Vec::is_empty);
        let block = came.unwrap_or_else(broken_off);
        (!block.is_empty()).then_some(block)
    }
}

fn broken_off<T>() -> Vec<Read<T>> {
    vec![Err(BadPlan::Io(io::ErrorKind::BrokenPipe.into()))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_read_ahead_comes_in_order_and_whole() {
        for count in [0_usize, 1, 31, 32, 33, 1_000] {
            let read: Vec<usize> = Ahead::of(2, (0..count).map(Ok)).stream().map(Result::unwrap).collect().await;
            assert_eq!(read, (0..count).collect::<Vec<_>>());
        }
    }

    #[tokio::test]
    async fn a_thread_that_breaks_off_is_an_error_and_no_end() {
        let breaks = |number: usize| if number == 40 { panic!("on purpose") } else { Ok(number) };
        let read: Vec<_> = Ahead::of(2, (0..1_000).map(breaks)).stream().collect().await;
        assert_eq!(read.iter().filter(|one| one.is_ok()).count(), 32);
        assert!(matches!(read.last(), Some(Err(BadPlan::Io(_)))), "{}", read.len());
    }

    #[tokio::test]
    async fn what_is_worked_on_by_several_threads_comes_in_order_and_whole() {
        for count in [0_usize, 1, 32, 33, 1_000] {
            let ahead = Ahead::of(4, (0..count).map(Ok));
            let work = |number: usize| {
                // The first of a block takes longest.
                (0..(32 - number % 32) * 1_000).for_each(|turn| assert!(std::hint::black_box(turn) < 32_000));
                Ok(number * 2)
            };
            let read: Vec<usize> = ahead.through(4, work).map(Result::unwrap).collect().await;
            assert_eq!(read, (0..count).map(|number| number * 2).collect::<Vec<_>>());
        }
        let bad = |number: usize| match number {
            40 => Err(BadPlan::NotAPlan),
            70 => panic!("on purpose"),
            _ => Ok(number),
        };
        let read: Vec<_> = Ahead::of(4, (0..96).map(Ok)).through(2, bad).collect().await;
        let bad: Vec<_> = read.iter().enumerate().filter(|(_, one)| one.is_err()).map(|(at, _)| at).collect();
        assert_eq!((bad, read.len()), (vec![40, 64], 65), "a block that broke off is an error, and no gap");
    }

    #[tokio::test]
    async fn an_error_comes_where_it_was_met() {
        let bad = |number: usize| if number == 40 { Err(BadPlan::NotAPlan) } else { Ok(number) };
        let read: Vec<_> = Ahead::of(1, (0..50).map(bad)).stream().collect().await;
        assert_eq!(read.len(), 50);
        assert!(read[40].is_err() && read[41].is_ok());
    }
}
