//! Prometheus' fingerprint of a set of labels: 64-bit FNV-1a over the sorted names and values, each followed by
//! the byte 0xff. It is shown and never used as a key, because anybody can make two sets collide.

use domain::labels::Labels;

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

pub(super) fn fingerprint(labels: &Labels) -> u64 {
    let bytes = labels.iter().flat_map(|(name, value)| [name, value]).flat_map(|text| {
        // No UTF-8 text holds 0xff, so it separates.
        text.bytes().chain([0xff])
    });
    bytes.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}
