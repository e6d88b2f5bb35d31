//! The queue of open incidents: the most urgent first, of equal ones the one that waits longest.

use std::collections::BTreeMap;

use domain::incident;
use engine::{Page as Part, Reader};

use crate::view::{Incident, Page};

/// Open incidents that are looked at, the newest: more wait than anybody works off by a list.
const LOOK_MAX: usize = 20_000;
/// Rows that are read at once.
const PART: usize = 1_000;
/// Bits of an id in the order of the queue.
const ID_BITS: u32 = 56;

/// Its place in the queue: less is earlier. A priority that changes while somebody pages moves an incident.
fn place(incident: &incident::Incident) -> u64 {
    let id = incident.id.0 & ((1 << ID_BITS) - 1);
    u64::from(u8::MAX - incident.priority()) << ID_BITS | id
}

/// A page of the queue. Never holds more incidents than are on it.
pub(crate) fn page(reader: &Reader, page: Part) -> Result<Page<Incident>, engine::Error> {
    let mut first: BTreeMap<u64, incident::Incident> = BTreeMap::new();
    let mut more = false;
    let mut before = None;
    for _ in 0..LOOK_MAX.div_ceil(PART) {
        let rows = reader.incidents(false, Part { before, limit: PART })?;
        let last = rows.len() < PART;
        before = rows.last().map(|incident| incident.id.0);
        for incident in rows {
            let place = place(&incident);
            if page.before.is_some_and(|cursor| place <= cursor) {
                continue;
            }
            first.insert(place, incident);
            if first.len() > page.limit {
                more = true;
                first.pop_last();
            }
        }
        if last {
            break;
        }
    }
    let next = first.keys().next_back().filter(|_| more).map(u64::to_string);
    Ok(Page { items: first.values().map(Incident::from).collect(), next })
}
