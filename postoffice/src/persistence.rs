//! Joins the broker, which has no disk, with the store, which has no rules: reads a data folder into a broker, and has what
//! changes there written from then on.

use crate::{
    broker::{Broker, Limits, Restore},
    error::Error,
    queue::Moment,
    shared::Shared,
    store::{self, Report, Store},
};
use std::{cell::RefCell, path::Path, sync::Arc};

/// Reads a data folder into a broker.
pub(crate) fn read(path: &Path, limits: Limits, now: Moment) -> Result<(Broker, store::Opened), Error> {
    let restore = RefCell::new(Restore::new(limits, now));
    let begin = |stored| restore.borrow_mut().begin(stored);
    let opened = Store::open(path, begin, |message| restore.borrow_mut().message(message))?;
    Ok((restore.into_inner().finish(), opened))
}

/// Starts to write what changes. The thread that does doesn't keep the server open.
pub(crate) fn start(shared: &Arc<Shared>, data: store::Opened) -> Result<(), Error> {
    let weak = Arc::downgrade(shared);
    let report = move |report| {
        let Some(shared) = weak.upgrade() else { return };
        shared.with(None, |broker, _| match report {
            Report::Stored(batch) => broker.stored(batch),
            Report::DiskAlarm(on) => broker.set_disk_alarm(on),
        });
    };
    let path = shared.options.data.clone().unwrap_or_default();
    let store =
        data.start(shared.options.disk_free_limit, report).map_err(|source| Error::DataFolder { path, source })?;
    shared.keep_store(store);
    Ok(())
}
