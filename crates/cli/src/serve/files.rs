//! The connector for files of this machine, put together: its folders, its key, and the store of evidence.

use std::{fs, sync::Arc};

use anyhow::{Context as _, bail};
use connectors::{FilesConnector, Holds, Keep, Snapshot, Vault};
use domain::id::IncidentId;
use serde_json::json;
use server::{Packed, Packing};
use store::{BlobId, Sqlite, Store as _};

use super::Settings;

/// Largest file that is kept as evidence of itself, in bytes.
const FILE_MAX: u64 = 4 << 30;

pub(super) fn connector(settings: &Settings, store: &Arc<Sqlite>) -> anyhow::Result<Arc<FilesConnector>> {
    let mut roots = Vec::new();
    let data = fs::canonicalize(&settings.data_dir).context("cannot find the data directory")?;
    for root in &settings.roots {
        let shown = root.display();
        let real = fs::canonicalize(root).with_context(|| format!("[files] roots: cannot find `{shown}`"))?;
        if !real.is_dir() {
            bail!("[files] roots: `{shown}` is no folder");
        }
        if data.starts_with(&real) || real.starts_with(&data) {
            bail!("[files] roots: `{shown}` and the data directory may not be in each other");
        }
        roots.push(real);
    }
    let vault = Vault::open_in(&settings.data_dir).context("cannot open the quarantine")?;
    let (keeping, holding) = (Arc::downgrade(store), Arc::downgrade(store));
    let keep: Keep = Arc::new(move |stream| {
        let store = keeping.upgrade().ok_or("the store is closed")?;
        let (id, bytes) = store.put_blob_from(stream, FILE_MAX).map_err(|error| error.to_string())?;
        Ok((id.to_string(), bytes))
    });
    let holds: Holds = Arc::new(move |sha256| {
        let found = sha256.parse::<BlobId>().ok().zip(holding.upgrade());
        found.is_some_and(|(id, store)| store.open_blob(&id).is_ok_and(|found| found.is_some()))
    });
    Ok(FilesConnector::new(roots, vault, keep, holds))
}

/// How a step of a playbook has a snapshot taken: by the same packing as a person.
pub(super) fn snapshot(packing: Packing) -> Snapshot {
    Arc::new(move |call| {
        let (packing, incident) = (packing.clone(), call.incident.parse::<IncidentId>());
        Box::pin(async move {
            let incident = incident.map_err(|error| error.to_string())?;
            let Packed { sha256, bytes, missing } = packing.keep(incident).await?;
            let stored = json!({"sha256": sha256, "bytes": bytes});
            Ok(json!({"kind": "snapshot", "stored": stored, "missing": missing}))
        })
    })
}
