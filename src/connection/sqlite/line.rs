//! Who writes to a file next. SQLite lets one write at a time; whoever finds the file taken sleeps and looks again, by luck before others who
//! came earlier or after all of them. Within this process they stand in line instead: first come, first served.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, PoisonError, Weak},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The line of each file: two connections of the project file may lead to the same one, and the sandbox has its own.
static LINES: LazyLock<Mutex<HashMap<PathBuf, Weak<Semaphore>>>> = LazyLock::new(Mutex::default);

/// The line of one file.
#[derive(Clone, Debug)]
pub struct Line(Arc<Semaphore>);

/// The right to write to the file. It passes on to the next when this is dropped.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "what counts is when it is dropped")] OwnedSemaphorePermit);

impl Line {
    /// The line of this file, which need not be there yet.
    pub fn of(path: &Path) -> Line {
        let path = path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned());
        let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get(&path).and_then(Weak::upgrade) {
            return Line(line);
        }
        lines.retain(|_, line| line.strong_count() > 0);
        let line = Arc::new(Semaphore::new(1));
        lines.insert(path, Arc::downgrade(&line));
        Line(line)
    }

    /// Waits for its turn, at most so long.
    pub async fn turn(&self, patience: Duration) -> Option<Turn> {
        let turn = tokio::time::timeout(patience, self.0.clone().acquire_owned()).await;
        turn.ok()?.ok().map(Turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_came_first_is_served_first_and_another_file_is_another_line() {
        let line = Line::of(Path::new("/nowhere/one.db"));
        let first = line.turn(Duration::from_secs(60)).await;
        assert!(first.is_some());
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut all = tokio::task::JoinSet::new();
        for number in 0..20 {
            let (line, order) = (Line::of(Path::new("/nowhere/one.db")), order.clone());
            all.spawn(async move {
                let turn = line.turn(Duration::from_secs(60)).await;
                order.lock().unwrap().push(number);
                tokio::task::yield_now().await;
                drop(turn);
            });
            // It stands in line before the next one comes.
            tokio::task::yield_now().await;
        }
        assert!(Line::of(Path::new("/nowhere/two.db")).turn(Duration::from_secs(60)).await.is_some());
        assert!(order.lock().unwrap().is_empty());
        drop(first);
        while all.join_next().await.is_some() {}
        assert_eq!(*order.lock().unwrap(), (0..20).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn who_waits_too_long_is_told() {
        let line = Line::of(Path::new("/nowhere/three.db"));
        let _first = line.turn(Duration::from_secs(1)).await;
        assert!(line.turn(Duration::ZERO).await.is_none());
    }
}
