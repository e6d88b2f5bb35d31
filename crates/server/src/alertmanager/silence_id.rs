//! Silences have UUIDs on this API. They are made from what the journal knows: version 7 of RFC 9562 with the
//! time of the silence's first entry, and its position as the low 62 bits, so an id leads back to its silence
//! without a table.

use domain::{id::SilenceId, silence::Silence, time::Timestamp};
use engine::Reader;

const VERSION: u64 = 0x7 << 12;
const VARIANT: u64 = 0b10 << 62;
const POSITION: u64 = (1 << 62) - 1;
/// Where the hyphens stand among the 36 characters.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// The halves of the UUID.
fn halves(id: SilenceId, created: Timestamp) -> (u64, u64) {
    let us = u64::try_from(created.0).unwrap_or(0);
    // The microseconds within the millisecond fill the field that is free to hold finer time.
    (((us / 1_000) << 16) | VERSION | (us % 1_000), VARIANT | (id.0 & POSITION))
}

pub(super) fn format(id: SilenceId, created: Timestamp) -> String {
    let (high, low) = halves(id, created);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

/// The halves of any UUID in the usual form.
pub(super) fn parse(text: &str) -> Option<(u64, u64)> {
    let well_formed = text.len() == 36
        && text.bytes().enumerate().all(|(i, b)| match HYPHENS.contains(&i) {
            true => b == b'-',
            false => b.is_ascii_hexdigit(),
        });
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    let all = u128::from_str_radix(&digits, 16).ok().filter(|_| well_formed)?;
    Some(((all >> 64) as u64, all as u64))
}

/// The UUID of a silence.
pub(super) fn of(reader: &Reader, id: SilenceId) -> Result<String, engine::Error> {
    Ok(format(id, created(reader, id)?))
}

/// The silence that a UUID names; `None` when it names none, even if it looks alike.
pub(super) fn find(reader: &Reader, uuid: &str) -> Result<Option<Silence>, engine::Error> {
    let Some(given) = parse(uuid) else { return Ok(None) };
    let id = SilenceId::from_number(given.1 & POSITION);
    let Some(silence) = reader.silence(id)? else { return Ok(None) };
    Ok((halves(id, created(reader, id)?) == given).then_some(silence))
}

fn created(reader: &Reader, id: SilenceId) -> Result<Timestamp, engine::Error> {
    Ok(reader.entry(id.0)?.map_or(Timestamp(0), |entry| Timestamp(entry.envelope.time_us)))
}
