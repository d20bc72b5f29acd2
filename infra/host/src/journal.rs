//! Makes what was written safe from a loss of power, for many writers at once: SQLite only appends a commit to its
//! write-ahead log, and whoever is to be told of it waits here until the log is on the disk. While one writer's wait lasts others
//! commit, and the next wait serves all of them (group commit). What survives is the same as with `synchronous=FULL`,
//! where every commit waits by itself and nobody commits meanwhile.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

/// The log of one database.
pub(crate) struct Journal {
    file: Arc<File>,
    /// Commits so far.
    committed: AtomicU64,
    state: Mutex<State>,
    /// Times the disk was waited for.
    waits: AtomicU64,
}

struct State {
    /// The commit up to which all is on the disk.
    safe: u64,
    /// After the disk has failed once, nobody knows what of the log is on it.
    broken: bool,
}

impl Journal {
    /// The log of an open database.
    pub(crate) fn open(database: &Path) -> io::Result<Self> {
        let mut log = database.as_os_str().to_owned();
        log.push("-wal");
        Ok(Self {
            file: Arc::new(File::open(log)?),
            committed: AtomicU64::new(0),
            state: Mutex::new(State { safe: 0, broken: false }),
            waits: AtomicU64::new(0),
        })
    }

    /// Notes a commit; to be called before another can begin.
    pub(crate) fn committed(&self) -> u64 {
        self.committed.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Returns when a commit is on the disk.
    pub(crate) async fn safe(&self, commit: u64) -> io::Result<()> {
        let mut state = self.state.lock().await;
        if state.broken {
            return Err(io::Error::other("the disk failed before"));
        }
        if state.safe >= commit {
            return Ok(());
        }
        let committed = self.committed.load(Ordering::SeqCst);
        let file = Arc::clone(&self.file);
        // Should this wait be given up, whoever comes next waits anew.
        let done = tokio::task::spawn_blocking(move || file.sync_data()).await;
        self.waits.fetch_add(1, Ordering::Relaxed);
        match done.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(()) => {
                state.safe = committed;
                Ok(())
            }
            Err(error) => {
                state.broken = true;
                Err(error)
            }
        }
    }

    /// How often the disk was waited for.
    pub(crate) fn waits(&self) -> u64 {
        self.waits.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn one_wait_serves_all_that_was_committed_before_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tables-wal"), "log").unwrap();
        let journal = Arc::new(Journal::open(&folder.path().join("tables")).unwrap());
        let commits: Vec<u64> = (0..100).map(|_| journal.committed()).collect();
        futures::future::join_all(commits.iter().map(|commit| journal.safe(*commit)))
            .await
            .into_iter()
            .for_each(|done| done.unwrap());
        assert_eq!(journal.waits(), 1);
        let next = journal.committed();
        journal.safe(next).await.unwrap();
        journal.safe(next).await.unwrap();
        assert_eq!(journal.waits(), 2);
    }
}
