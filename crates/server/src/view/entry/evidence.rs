//! What an entry about evidence says, in a line.

use domain::{
    evidence::{Event, Found},
    text::shown,
};

pub(super) fn said(event: &Event) -> String {
    match event {
        Event::Collected { item, .. } => {
            let (kind, name) = (item.kind.name(), shown(&item.name, false));
            format!("{kind} {name}, {} bytes, SHA-256 {}", item.bytes, item.sha256)
        }
        Event::Sealed => "its bytes are in the store".to_owned(),
        Event::Accessed { why } | Event::Exported { why } => shown(why, false),
        Event::Transferred { to, why, receipt } => {
            format!("to {}: {} (receipt {})", shown(to, false), shown(why, false), shown(receipt, false))
        }
        Event::Verified { found: Found::Same } => "its bytes are what they were".to_owned(),
        Event::Verified { found: Found::Changed { sha256 } } => format!("its bytes are now {sha256}"),
        Event::Verified { found: Found::Missing } => "its bytes are gone".to_owned(),
        Event::Verified { found: Found::Unreadable { why } } => format!("its bytes cannot be read: {why}"),
    }
}
