//! The folder on disk: opened with care, read at the start, written in batches. The file format is fjall's.

use super::schema::{self, BadRecord, BodyRecord};
use crate::{
    error::Error,
    store_op::{EntryRecord, StoreOp, Stored, StoredMessage},
};
use fjall::{Keyspace, KeyspaceCreateOptions, KvSeparationOptions, PersistMode, config::FilterPolicy};
use std::{
    collections::HashMap,
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

/// What is kept in memory before it goes from the journal into a file of its own; after a crash so much is read again.
const MEMTABLE: u64 = 8 << 20;
/// Of blocks that were read: messages are read once, so little is gained by more.
const CACHE: u64 = 4 << 20;
/// The least that fjall takes.
const JOURNALS: u64 = 64 << 20;

/// An open data folder.
pub(super) struct Database {
    database: fjall::Database,
    definitions: Keyspace,
    index: Keyspace,
    bodies: Keyspace,
}

impl Database {
    /// Opens the folder, or makes it. Nothing is written into one that holds something else.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let is_new = is_new(path)?;
        let opened = catch_unwind(AssertUnwindSafe(|| Self::open_unchecked(path, is_new)));
        opened.unwrap_or_else(|_| {
            Err(Error::DataDamaged { path: path.into(), why: "its files contradict each other".into() })
        })
    }

    fn open_unchecked(path: &Path, is_new: bool) -> Result<Self, Error> {
        let failed = |error: fjall::Error| failure(path, error);
        let builder = fjall::Database::builder(path).worker_threads(1).cache_size(CACHE).max_journaling_size(JOURNALS);
        let database = builder.open().map_err(failed)?;
        if !is_new && !database.keyspace_exists("definitions") && database.keyspace_count() > 0 {
            return Err(Error::ForeignData(path.into()));
        }
        let small =
            || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE).filter_policy(FilterPolicy::disabled());
        let large = || small().with_kv_separation(Some(KvSeparationOptions::default()));
        let definitions = database.keyspace("definitions", small).map_err(failed)?;
        match definitions.get(schema::SCHEMA_KEY).map_err(failed)?.as_deref().map(postcard::from_bytes::<u32>) {
            Some(Ok(schema::SCHEMA)) => {}
            Some(Ok(found)) => {
                return Err(Error::NewerData { path: path.into(), found, known: schema::SCHEMA });
            }
            Some(Err(_)) => return Err(damaged(path, &BadRecord("schema"))),
            None => {
                if !definitions.is_empty().map_err(failed)? {
                    return Err(damaged(path, &BadRecord("schema")));
                }
                definitions.insert(schema::SCHEMA_KEY, schema::encoded(&schema::SCHEMA)).map_err(failed)?;
            }
        }
        let index = database.keyspace("index", small).map_err(failed)?;
        let bodies = database.keyspace("bodies", large).map_err(failed)?;
        database.persist(PersistMode::SyncAll).map_err(failed)?;
        Ok(Self { database, definitions, index, bodies })
    }

    /// Reads everything: the definitions at once, then each message. What was left behind by a crash while a queue was
    /// deleted goes.
    pub(super) fn load(
        &self,
        path: &Path,
        begin: impl FnOnce(Stored) -> Result<(), String>,
        mut each: impl FnMut(StoredMessage<'_>) -> bool,
    ) -> Result<(), Error> {
        let failed = |error: fjall::Error| failure(path, error);
        let mut stored =
            Stored { is_clean: self.definitions.contains_key(schema::CLEAN_KEY).map_err(failed)?, ..Stored::default() };
        for item in self.definitions.iter() {
            let (key, value) = item.into_inner().map_err(failed)?;
            let bad = |error: BadRecord| damaged(path, &error);
            if key.starts_with(schema::EXCHANGES) {
                stored.exchanges.push(schema::exchange(&value).map_err(bad)?);
            } else if key.starts_with(schema::QUEUES) {
                stored.queues.push(schema::queue(&value).map_err(bad)?);
            } else if key.starts_with(schema::BINDINGS) {
                stored.bindings.push(schema::binding(&key).map_err(bad)?);
            }
        }
        self.definitions.remove(schema::CLEAN_KEY).map_err(failed)?;
        begin(stored).map_err(|why| Error::DataDamaged { path: path.into(), why })?;
        let mut orphans = Vec::new();
        for item in self.index.iter() {
            let (key, value) = item.into_inner().map_err(failed)?;
            let record = schema::index_record(&value).map_err(|error| damaged(path, &error))?;
            let (queue, number) = schema::parse_entry_key(&key).ok_or_else(|| damaged(path, &BadRecord("message")))?;
            let separate;
            let body = match record.body {
                BodyRecord::Inline(body) => body,
                BodyRecord::Separate(_) => {
                    separate = self.body(queue, number).map_err(failed)?;
                    separate.as_deref().ok_or_else(|| damaged(path, &BadRecord("body")))?
                }
            };
            let schema::IndexRecord { notes, exchange, routing_key, properties, annotations, .. } = record;
            let message = StoredMessage {
                queue,
                number,
                message: None,
                notes,
                exchange,
                routing_key,
                properties,
                body,
                annotations,
            };
            if !each(message) {
                orphans.push((queue, number, body.len()));
            }
        }
        for chunk in orphans.chunks(CHUNK) {
            let mut batch = self.database.batch();
            chunk.iter().for_each(|&(queue, number, length)| self.remove(&mut batch, queue, number, length));
            batch.commit().map_err(failed)?;
        }
        Ok(())
    }

    pub(super) fn body(&self, queue: u64, number: u64) -> fjall::Result<Option<fjall::Slice>> {
        self.bodies.get(schema::entry_key(queue, number))
    }

    /// Does all of this, or nothing: what the operating system has is safe from the end of this process, and after a `sync`
    /// from the end of the machine.
    pub(super) fn write<'a>(&self, ops: impl IntoIterator<Item = &'a StoreOp>, sync: bool) -> fjall::Result<()> {
        let changes = Changes::of(ops);
        let mut batch = self.database.batch().durability(Some(match sync {
            true => PersistMode::SyncData,
            false => PersistMode::Buffer,
        }));
        for (key, value) in changes.definitions {
            match value {
                Some(value) => batch.insert(&self.definitions, key, value),
                None => batch.remove(&self.definitions, key),
            }
        }
        for ((queue, number), change) in changes.entries {
            let key = schema::entry_key(queue, number);
            match change {
                Change { put: Some(entry), new, .. } => {
                    let record = schema::IndexRecord::of(&entry.message, entry.notes);
                    batch.insert(&self.index, key, schema::encoded(&record));
                    if let (true, BodyRecord::Separate(_)) = (new, &record.body) {
                        batch.insert(&self.bodies, key, entry.message.content.body());
                    }
                }
                Change { new: true, .. } => {} // it came and went, and was never stored
                Change { body_length, .. } => self.remove(&mut batch, queue, number, body_length),
            }
        }
        batch.commit()?;
        changes.deleted.into_iter().try_for_each(|id| self.empty(id))
    }

    fn remove(&self, batch: &mut fjall::OwnedWriteBatch, queue: u64, number: u64, body_length: usize) {
        let key = schema::entry_key(queue, number);
        batch.remove(&self.index, key);
        if schema::is_separate(body_length) {
            batch.remove(&self.bodies, key);
        }
    }

    /// Removes the messages of a queue that is deleted, some at a time. A crash in between leaves messages without a queue,
    /// which the next start removes.
    fn empty(&self, queue: u64) -> fjall::Result<()> {
        for keyspace in [&self.index, &self.bodies] {
            loop {
                let keys: Vec<_> = keyspace.prefix(queue.to_be_bytes()).take(CHUNK).map(|item| item.key()).collect();
                let mut batch = self.database.batch();
                let count = keys.len();
                keys.into_iter().try_for_each(|key| key.map(|key| batch.remove(keyspace, key)))?;
                batch.commit()?;
                if count < CHUNK {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Notes that the broker ends in good order.
    pub(super) fn close(&self) -> fjall::Result<()> {
        self.definitions.insert(schema::CLEAN_KEY, [])?;
        self.database.persist(PersistMode::SyncAll)
    }
}

/// What a list of operations comes to: each key once, since a batch has no order among those that are the same.
#[derive(Default)]
struct Changes<'a> {
    definitions: HashMap<Vec<u8>, Option<Vec<u8>>>,
    entries: HashMap<(u64, u64), Change<'a>>,
    deleted: Vec<u64>,
}

/// What becomes of one message in one queue.
#[derive(Default)]
struct Change<'a> {
    put: Option<&'a EntryRecord>,
    /// It comes with these operations.
    new: bool,
    body_length: usize,
}

impl<'a> Changes<'a> {
    fn of(ops: impl IntoIterator<Item = &'a StoreOp>) -> Self {
        let mut changes = Self::default();
        for op in ops {
            changes.add(op);
        }
        changes
    }

    fn add(&mut self, op: &'a StoreOp) {
        let (key, value) = match op {
            StoreOp::DeclareExchange(record) => (schema::exchange_key(&record.name), Some(schema::encoded(record))),
            StoreOp::DeleteExchange(name) => (schema::exchange_key(name), None),
            StoreOp::DeclareQueue(record) => (schema::queue_key(record.id), Some(schema::encoded(record))),
            StoreOp::DeleteQueue(id) => {
                self.deleted.push(*id);
                (schema::queue_key(*id), None)
            }
            StoreOp::Bind(record) => (schema::binding_key(record), Some(Vec::new())),
            StoreOp::Unbind(record) => (schema::binding_key(record), None),
            StoreOp::Put(entry) => {
                let change = self.entries.entry((entry.queue, entry.number)).or_default();
                change.put = Some(entry);
                change.new |= !entry.is_known;
                return;
            }
            StoreOp::Remove { queue, number, body_length } => {
                let change = self.entries.entry((*queue, *number)).or_default();
                (change.put, change.body_length) = (None, *body_length);
                return;
            }
        };
        self.definitions.insert(key, value);
    }
}

/// How many messages are removed at once.
const CHUNK: usize = 10_000;

/// Whether a folder has to be made, or is empty. One that is neither and isn't a post office's stays untouched.
fn is_new(path: &Path) -> Result<bool, Error> {
    let unusable = |source: io::Error| Error::DataFolder { path: path.into(), source };
    match fs::read_dir(path).map(|files| files.count()) {
        Ok(0) => Ok(true),
        Ok(_) if ["version", "lock", "keyspaces"].iter().all(|name| path.join(name).exists()) => Ok(false),
        Ok(_) => Err(Error::ForeignData(path.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(unusable(error)),
    }
}

fn failure(path: &Path, error: fjall::Error) -> Error {
    let path = path.to_owned();
    match error {
        fjall::Error::Locked => Error::DataInUse(path),
        fjall::Error::Io(source) if !is_damage(source.kind()) => Error::DataFolder { path, source },
        fjall::Error::Storage(fjall::LsmError::Io(source)) if !is_damage(source.kind()) => {
            Error::DataFolder { path, source }
        }
        error => Error::DataDamaged { path, why: error.to_string() },
    }
}

/// What a file says that ends too early or holds something else.
fn is_damage(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, NotFound, Other, UnexpectedEof};
    matches!(kind, InvalidData | InvalidInput | NotFound | Other | UnexpectedEof)
}

fn damaged(path: &Path, error: &BadRecord) -> Error {
    Error::DataDamaged { path: path.into(), why: error.to_string() }
}
