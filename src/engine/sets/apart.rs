//! Items that change in transactions of their own and share the rest: what they read before and after, and the commits of the journal. None of
//! them waits for another one's rows while others wait for it, so a transaction goes on as soon as the database answers; only what can wait does,
//! until all are there or it has waited long enough.

use super::{
    Wish,
    chunk::{Chunk, Recorder, Went, record},
    lock,
};
use futures_util::stream::{FuturesUnordered, Stream};
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

/// Something that is on its way, and gives back what it was done with.
type Under<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// So long what can wait for the others does at most: one of them may be waiting for somebody's lock.
const PATIENCE: Duration = Duration::from_millis(50);
/// The same for what holds rows locked meanwhile: the others that do are mostly as far in a moment.
const HASTE: Duration = Duration::from_millis(3);

/// How long something has been put off.
#[derive(Default)]
enum Wait {
    #[default]
    Nothing,
    For(Under<'static, ()>),
    Over,
}

impl Wait {
    /// Whether it was put off for so long; begins with the first look at which there is something to put off.
    fn is_over(
        &mut self,
        is_there: bool,
        length: Duration,
        recorder: Option<&Recorder<'_>>,
        context: &mut Context<'_>,
    ) -> bool {
        *self = match (std::mem::take(self), recorder) {
            (_, None) => return false,
            _ if !is_there => Wait::Nothing,
            (Wait::Nothing, Some(recorder)) => Wait::For(recorder.world.beat(length)),
            (other, _) => other,
        };
        if let Wait::For(beat) = self
            && beat.as_mut().poll(context).is_ready()
        {
            *self = Wait::Over;
        }
        matches!(self, Wait::Over)
    }
}

/// Done by one at a time: at hand, or on its way with whoever needs it.
enum Server<'a, T> {
    Here(T),
    Busy(Under<'a, T>),
    Gone,
}

impl<'a, T> Server<'a, T> {
    fn is_here(&self) -> bool {
        matches!(self, Server::Here(_))
    }

    /// Sends it off.
    fn send(&mut self, errand: impl FnOnce(T) -> Under<'a, T>) {
        *self = match std::mem::replace(self, Server::Gone) {
            Server::Here(what) => Server::Busy(errand(what)),
            other => other,
        };
    }

    /// Whether it came back.
    fn is_back(&mut self, context: &mut Context<'_>) -> bool {
        let Server::Busy(under) = self else { return false };
        let Poll::Ready(what) = under.as_mut().poll(context) else { return false };
        *self = Server::Here(what);
        true
    }

    async fn end(self) -> Option<T> {
        match self {
            Server::Here(what) => Some(what),
            Server::Busy(under) => Some(under.await),
            Server::Gone => None,
        }
    }
}

impl Chunk {
    /// Drives items whose transactions are their own to their ends. Each is told as soon as it is over.
    pub(super) async fn drive_apart<'a, T: 'a>(
        self,
        items: Vec<Under<'a, T>>,
        recorder: Option<Recorder<'a>>,
        mut over: impl FnMut(T) + Send,
    ) -> Went {
        let mut live = items.len();
        let mut items: FuturesUnordered<_> = items.into_iter().collect();
        let Chunk { set, notebook } = self;
        let (asks, recorder) = (set.asks(), recorder.as_ref());
        // Where no time passes beside the work nobody would ever have waited long enough.
        let no_beats = recorder.is_none_or(|recorder| !recorder.world.has_beats());
        // Until when what can wait, and what holds rows locked, does.
        let (mut calm, mut urgent) = (Wait::default(), Wait::default());
        let mut reads = Server::Here(set);
        let mut writes = Server::Here(());
        poll_fn(|context| {
            loop {
                while let Poll::Ready(Some(done)) = Pin::new(&mut items).poll_next(context) {
                    live -= 1;
                    over(done);
                }
                if live == 0 {
                    return Poll::Ready(());
                }
                let mut moved = reads.is_back(context) | writes.is_back(context);
                let (reading, wishing, hurried) = {
                    let wishes = lock(&notebook.asked);
                    (asks.waiting(), wishes.len(), wishes.iter().filter(|wish| wish.urgent).count())
                };
                let all = reads.is_here() && writes.is_here() && reading + wishing >= live;
                // Who waits for its images to be recorded reads soon, too: what is read then is read for both.
                let reads_all = all && hurried == 0;
                let late = calm.is_over(reading + wishing > 0, PATIENCE, recorder, context);
                let hurry = urgent.is_over(hurried > 0, HASTE, recorder, context)
                    || hurried > 0 && (hurried >= asks.inside() || no_beats);
                if reads.is_here() && reading > 0 && (reads_all || late || asks.are_urgent()) {
                    moved = true;
                    calm = Wait::default();
                    reads.send(|mut set| {
                        Box::pin(async move {
                            set.answer_reads().await;
                            set
                        })
                    });
                } else if writes.is_here() && wishing > 0 && (all || late || hurry) {
                    moved = true;
                    (calm, urgent) = (Wait::default(), Wait::default());
                    let wishes: Vec<Wish> = std::mem::take(&mut *lock(&notebook.asked));
                    writes.send(|()| Box::pin(record(wishes, recorder)));
                }
                if !moved {
                    return Poll::Pending;
                }
            }
        })
        .await;
        notebook.leaves_last_words(recorder);
        if let Some(set) = reads.end().await {
            set.close().await;
        }
        Went::default()
    }
}
