//! What a process remembers for a while: so much of it, and each for so long.

use std::hash::Hash;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use lru::LruCache;
use parking_lot::Mutex;

/// Things by their names. What was asked for least lately makes room, and what is too old is not there any more.
pub struct Kept<K, V> {
    things: Mutex<LruCache<K, (Instant, V)>>,
    stay: Duration,
}

impl<K: Hash + Eq, V: Clone> Kept<K, V> {
    /// Room for `most` things (one at least), each for `stay` from when it was put there.
    #[must_use]
    pub fn new(most: usize, stay: Duration) -> Self {
        let most = NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN);
        // Memory is taken as it is needed: most processes never have so many.
        let mut things = LruCache::unbounded();
        things.resize(most);
        Self {
            things: Mutex::new(things),
            stay,
        }
    }

    /// The thing of that name.
    pub fn get(&self, name: &K) -> Option<V> {
        self.things
            .lock()
            .get(name)
            .filter(|kept| self.fresh(kept))
            .map(|(_, thing)| thing.clone())
    }

    /// Puts a thing there, in place of another one of that name.
    pub fn put(&self, name: K, thing: V) {
        self.things.lock().put(name, (Instant::now(), thing));
    }

    /// The thing of that name, made where there is none; by one of those who want it at the same moment.
    pub fn get_or_make(&self, name: K, make: impl FnOnce() -> V) -> V {
        let mut things = self.things.lock();
        if let Some((_, thing)) = things.get(&name).filter(|kept| self.fresh(kept)) {
            return thing.clone();
        }
        let thing = make();
        things.put(name, (Instant::now(), thing.clone()));
        thing
    }

    /// Forgets the thing of that name.
    pub fn forget(&self, name: &K) {
        self.things.lock().pop(name);
    }

    /// Whether nothing is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.things.lock().is_empty()
    }

    fn fresh(&self, (since, _): &(Instant, V)) -> bool {
        since.elapsed() < self.stay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3_600);

    #[test]
    fn what_was_asked_for_least_lately_makes_room() {
        let kept = Kept::new(2, LONG);
        kept.put("a", 1);
        kept.put("b", 2);
        assert_eq!(kept.get(&"a"), Some(1));
        kept.put("c", 3);
        assert_eq!(
            (kept.get(&"a"), kept.get(&"b"), kept.get(&"c")),
            (Some(1), None, Some(3))
        );
        kept.put("a", 4);
        assert_eq!(kept.get(&"a"), Some(4));
        kept.forget(&"a");
        assert_eq!(kept.get(&"a"), None);
    }

    #[test]
    fn what_is_too_old_is_not_there_and_is_made_anew() {
        let kept = Kept::new(2, Duration::from_millis(30));
        assert_eq!(kept.get_or_make("a", || 1), 1);
        assert_eq!(kept.get_or_make("a", || 2), 1);
        std::thread::sleep(Duration::from_millis(40));
        assert_eq!(kept.get(&"a"), None);
        assert_eq!(kept.get_or_make("a", || 3), 3);
    }
}
