//! Labels and annotations: small sorted maps of text, kept compact because there is one per active alert.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Visitor},
    ser::SerializeMap,
};
use sha2::{Digest, Sha256};

/// At most this many labels on one alert.
pub const COUNT_MAX: usize = 256;
/// At most this many bytes in one label name or value.
pub const LENGTH_MAX: usize = 16 * 1024;

/// A sorted map from name to value without duplicate names. All text stands in one piece, with the end of each
/// name and value beside it: two allocations, however many labels.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Labels {
    text: Box<str>,
    ends: Box<[u32]>,
}

impl Labels {
    /// Sorts the pairs; a name given twice is refused with that name.
    pub fn from_pairs<T: AsRef<str>>(mut pairs: Vec<(T, T)>) -> Result<Labels, String> {
        if pairs.len() > COUNT_MAX {
            return Err(format!("{} labels where at most {COUNT_MAX} are allowed", pairs.len()));
        }
        let long = |(n, v): &&(T, T)| n.as_ref().len().max(v.as_ref().len()) > LENGTH_MAX;
        if let Some((name, _)) = pairs.iter().find(long) {
            let shown: String = name.as_ref().chars().take(40).collect();
            return Err(format!("label `{shown}` is longer than {LENGTH_MAX} bytes"));
        }
        pairs.sort_unstable_by(|a, b| a.0.as_ref().cmp(b.0.as_ref()));
        if let Some(pair) = pairs.windows(2).find(|pair| pair[0].0.as_ref() == pair[1].0.as_ref()) {
            return Err(format!("label `{}` is given twice", pair[0].0.as_ref()));
        }
        Ok(Labels::pack(pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))))
    }

    /// INVARIANT: the pairs are sorted by name, without duplicates, and within the limits above, so that ends
    /// fit in 32 bits.
    pub(crate) fn pack<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Labels {
        let mut text = String::new();
        let mut ends = Vec::new();
        for (name, value) in pairs {
            text.push_str(name);
            ends.push(text.len() as u32);
            text.push_str(value);
            ends.push(text.len() as u32);
        }
        Labels { text: text.into(), ends: ends.into() }
    }

    fn pair(&self, index: usize) -> (&str, &str) {
        let end = |at: usize| self.ends[at] as usize;
        let start = if index == 0 { 0 } else { end(2 * index - 1) };
        (&self.text[start..end(2 * index)], &self.text[end(2 * index)..end(2 * index + 1)])
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        (0..self.len()).map(|index| self.pair(index))
    }

    pub fn len(&self) -> usize {
        self.ends.len() / 2
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The same labels without those whose value is empty: an empty label equals an absent one.
    pub fn without_empty(self) -> Labels {
        if self.iter().all(|(_, value)| !value.is_empty()) {
            return self;
        }
        Labels::pack(self.iter().filter(|(_, value)| !value.is_empty()))
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Labels) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Labels {
    fn cmp(&self, other: &Labels) -> std::cmp::Ordering {
        self.iter().cmp(other.iter())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Labels {
    fn from(pairs: [(&str, &str); N]) -> Labels {
        let map: std::collections::BTreeMap<&str, &str> = pairs.into_iter().collect();
        Labels::pack(map.into_iter())
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, (name, value)) in self.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{name}={value:?}")?;
        }
        f.write_str("}")
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Text that is borrowed from the input where it stands there as it is.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct LabelsVisitor;

impl<'de> Visitor<'de> for LabelsVisitor {
    type Value = Labels;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object whose values are text")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
        let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or(8).min(COUNT_MAX));
        while let Some((Text(name), Text(value))) = map.next_entry::<Text<'de>, Text<'de>>()? {
            if pairs.len() == COUNT_MAX {
                return Err(A::Error::custom(format!("more than {COUNT_MAX} labels")));
            }
            pairs.push((name, value));
        }
        Labels::from_pairs(pairs).map_err(A::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Labels, D::Error> {
        deserializer.deserialize_map(LabelsVisitor)
    }
}

/// The first 16 bytes of SHA-256 over length-prefixed fields: an index key that nobody can make collide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest16(pub [u8; 16]);

impl Digest16 {
    /// Hashes `domain` and each field with its length, so that no two different lists share bytes.
    pub fn of<'a>(domain: &str, fields: impl IntoIterator<Item = &'a str>) -> Digest16 {
        let mut hash = Sha256::new();
        hash.update(domain.as_bytes());
        for field in fields {
            hash.update((field.len() as u64).to_le_bytes());
            hash.update(field.as_bytes());
        }
        let full: [u8; 32] = hash.finalize().into();
        let mut first = [0; 16];
        first.copy_from_slice(&full[..16]);
        Digest16(first)
    }
}

impl fmt::Display for Digest16 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
