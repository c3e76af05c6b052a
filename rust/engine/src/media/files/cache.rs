//! Prompts that were read are kept, coded and ready, until others need the room.

use std::{
    collections::{BTreeMap, HashMap},
    fs::Metadata,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{ids::RequestId, media::prompt::PromptHandle};

/// What shows that a file has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Version {
    seconds: i64,
    nanoseconds: i64,
    size: u64,
    inode: u64,
}

impl Version {
    fn of(file: &Metadata) -> Self {
        Self {
            seconds: file.mtime(),
            nanoseconds: file.mtime_nsec(),
            size: file.size(),
            inode: file.ino(),
        }
    }
}

/// The prompts of all file threads; no worker ever looks in here.
#[derive(Debug)]
pub(in crate::media) struct Cache(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// Bytes that prompts may take.
    limit: usize,
    bytes: usize,
    files: HashMap<PathBuf, File>,
    /// The same by when they were wanted last.
    by_use: BTreeMap<u64, PathBuf>,
    uses: u64,
    hits: u64,
    misses: u64,
    dropped: u64,
}

#[derive(Debug)]
struct File {
    version: Version,
    state: State,
}

#[derive(Debug)]
enum State {
    /// A thread reads it; these wait for it, too.
    Reading(Vec<RequestId>),
    Ready {
        prompt: PromptHandle,
        used: u64,
    },
}

/// What is known of a file that is wanted.
pub(super) enum Found {
    Ready(PromptHandle),
    /// Another thread reads it and tells the request.
    Coming,
    /// To be read by who has asked, and given to [`Cache::put`].
    Missing(Ticket),
}

/// Who has it reads a file for all who want it.
pub(super) struct Ticket {
    version: Option<Version>,
}

impl Cache {
    /// Nothing yet; keeps up to `limit` bytes.
    pub(in crate::media) fn new(limit: usize) -> Self {
        Self(Mutex::new(Kept {
            limit,
            ..Kept::default()
        }))
    }

    /// The prompt of a file, if it is there and the file has not changed. Asks the disk only when the
    /// file was.
    pub(in crate::media) fn ready(&self, path: &Path) -> Option<PromptHandle> {
        if !self.lock().files.contains_key(path) {
            return None;
        }
        let version = Version::of(&path.metadata().ok()?);
        let mut kept = self.lock();
        let prompt = kept.ready(path, version)?;
        kept.hits += 1;
        Some(prompt)
    }

    /// Looks for a file's prompt on behalf of `request`.
    pub(super) fn look(&self, path: &Path, request: RequestId) -> Found {
        // A file that can't be looked at can't be read either, which says why.
        let version = path.metadata().ok().map(|file| Version::of(&file));
        let mut kept = self.lock();
        let Some(version) = version else {
            kept.misses += 1;
            return Found::Missing(Ticket { version: None });
        };
        if let Some(prompt) = kept.ready(path, version) {
            kept.hits += 1;
            return Found::Ready(prompt);
        }
        kept.misses += 1;
        if let Some(File {
            version: coming,
            state: State::Reading(waiting),
        }) = kept.files.get_mut(path)
        {
            if *coming == version {
                waiting.push(request);
                return Found::Coming;
            }
            // It has changed since; the other thread goes on for those who wait for it.
            return Found::Missing(Ticket { version: None });
        }
        kept.remove(path);
        let state = State::Reading(Vec::new());
        kept.files.insert(path.to_owned(), File { version, state });
        let version = Some(version);
        Found::Missing(Ticket { version })
    }

    /// What has become of a file that was missing. Returns who else waits for it.
    pub(super) fn put(
        &self,
        path: &Path,
        ticket: Ticket,
        prompt: Option<&PromptHandle>,
    ) -> Vec<RequestId> {
        let Some(version) = ticket.version else {
            return Vec::new();
        };
        let mut kept = self.lock();
        let waiting = match kept.files.remove(path) {
            Some(File {
                state: State::Reading(waiting),
                ..
            }) => waiting,
            _ => Vec::new(),
        };
        if let Some(prompt) = prompt {
            kept.insert(path, version, prompt.clone());
        }
        waiting
    }

    /// Counters and gauges by name.
    pub(in crate::media) fn stats(&self) -> [(&'static str, u64); 5] {
        let kept = self.lock();
        [
            ("prompt_cache_bytes", kept.bytes as u64),
            ("prompt_cache_files", kept.by_use.len() as u64),
            ("prompt_cache_hits", kept.hits),
            ("prompt_cache_misses", kept.misses),
            ("prompt_cache_dropped", kept.dropped),
        ]
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn ready(&mut self, path: &Path, version: Version) -> Option<PromptHandle> {
        let file = self.files.get_mut(path)?;
        let State::Ready { prompt, used } = &mut file.state else {
            return None;
        };
        if file.version != version {
            return None;
        }
        let prompt = prompt.clone();
        let before = std::mem::replace(used, self.uses);
        self.by_use.remove(&before);
        self.by_use.insert(self.uses, path.to_owned());
        self.uses += 1;
        Some(prompt)
    }

    fn insert(&mut self, path: &Path, version: Version, prompt: PromptHandle) {
        let bytes = prompt.bytes();
        if bytes > self.limit {
            return;
        }
        self.bytes += bytes;
        let used = self.uses;
        self.uses += 1;
        self.by_use.insert(used, path.to_owned());
        let state = State::Ready { prompt, used };
        self.files.insert(path.to_owned(), File { version, state });
        while self.bytes > self.limit
            && let Some((_, oldest)) = self.by_use.first_key_value()
        {
            let oldest = oldest.clone();
            self.remove(&oldest);
            self.dropped += 1;
        }
    }

    fn remove(&mut self, path: &Path) {
        if let Some(File {
            state: State::Ready { prompt, used },
            ..
        }) = self.files.remove(path)
        {
            self.bytes -= prompt.bytes();
            self.by_use.remove(&used);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::media::prompt::Prompt;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("sems-cache-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(name);
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn file(&self, name: &str) -> PathBuf {
            let path = self.0.join(name);
            std::fs::write(&path, name).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    /// A prompt of 400 bytes and its coded forms.
    fn prompt() -> PromptHandle {
        Arc::new(Prompt::new(vec![1; 200]))
    }

    fn load(cache: &Cache, path: &Path) -> bool {
        match cache.look(path, RequestId(0)) {
            Found::Ready(_) => true,
            Found::Coming => panic!("nobody reads it"),
            Found::Missing(ticket) => {
                assert!(cache.put(path, ticket, Some(&prompt())).is_empty());
                false
            }
        }
    }

    fn stat(cache: &Cache, wanted: &str) -> u64 {
        let stats = cache.stats();
        stats.iter().find(|(name, _)| *name == wanted).unwrap().1
    }

    #[test]
    fn a_file_is_read_once() {
        let folder = Folder::new("once");
        let cache = Cache::new(10_000);
        let path = folder.file("one");
        assert!(cache.ready(&path).is_none());
        assert!(!load(&cache, &path));
        assert!(load(&cache, &path));
        assert!(cache.ready(&path).is_some());
        assert_eq!(
            (
                stat(&cache, "prompt_cache_hits"),
                stat(&cache, "prompt_cache_misses")
            ),
            (2, 1)
        );
        assert_eq!(stat(&cache, "prompt_cache_bytes"), prompt().bytes() as u64);
    }

    #[test]
    fn a_file_that_has_changed_is_read_again() {
        let folder = Folder::new("changed");
        let cache = Cache::new(10_000);
        let path = folder.file("one");
        load(&cache, &path);
        std::fs::write(&path, "longer than before").unwrap();
        assert!(cache.ready(&path).is_none());
        assert!(!load(&cache, &path));
        // Of the same size, but newer.
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(std::time::SystemTime::now() + Duration::from_secs(5))
            .unwrap();
        assert!(!load(&cache, &path));
        assert_eq!(stat(&cache, "prompt_cache_files"), 1);
        std::fs::remove_file(&path).unwrap();
        assert!(cache.ready(&path).is_none());
    }

    #[test]
    fn what_was_unused_for_longest_goes_first() {
        let folder = Folder::new("limit");
        let cache = Cache::new(3 * prompt().bytes());
        let paths = ["a", "b", "c", "d"].map(|name| folder.file(name));
        for path in &paths[..3] {
            load(&cache, path);
        }
        assert!(cache.ready(&paths[0]).is_some());
        load(&cache, &paths[3]);
        let there = paths.each_ref().map(|path| cache.ready(path).is_some());
        assert_eq!(there, [true, false, true, true]);
        assert_eq!(stat(&cache, "prompt_cache_dropped"), 1);
        assert_eq!(
            stat(&cache, "prompt_cache_bytes"),
            3 * prompt().bytes() as u64
        );
        // What is larger than all the room is played and not kept.
        let small = Cache::new(10);
        load(&small, &paths[0]);
        assert_eq!(stat(&small, "prompt_cache_files"), 0);
    }

    #[test]
    fn a_file_that_is_being_read_is_waited_for() {
        let folder = Folder::new("wait");
        let cache = Cache::new(10_000);
        let path = folder.file("one");
        let Found::Missing(ticket) = cache.look(&path, RequestId(1)) else {
            panic!("it is not there");
        };
        for request in [2, 3] {
            assert!(matches!(
                cache.look(&path, RequestId(request)),
                Found::Coming
            ));
        }
        assert!(cache.ready(&path).is_none());
        assert_eq!(cache.put(&path, ticket, None), [RequestId(2), RequestId(3)]);
        // It could not be read, and is tried again.
        assert!(!load(&cache, &path));
    }
}
