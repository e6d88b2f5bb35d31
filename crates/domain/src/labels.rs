//! Labels and annotations: small sorted maps of text, kept compact because there is one per active alert.

use std::fmt;

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

/// A sorted map from name to value without duplicate names.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Labels(Box<[(Box<str>, Box<str>)]>);

impl Labels {
    /// Sorts the pairs; a name given twice is refused with that name.
    pub fn from_pairs(mut pairs: Vec<(Box<str>, Box<str>)>) -> Result<Labels, String> {
        if pairs.len() > COUNT_MAX {
            return Err(format!("{} labels where at most {COUNT_MAX} are allowed", pairs.len()));
        }
        if let Some((name, _)) = pairs.iter().find(|(n, v)| n.len().max(v.len()) > LENGTH_MAX) {
            let shown: String = name.chars().take(40).collect();
            return Err(format!("label `{shown}` is longer than {LENGTH_MAX} bytes"));
        }
        pairs.sort_unstable();
        if let Some(pair) = pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(format!("label `{}` is given twice", pair[0].0));
        }
        Ok(Labels(pairs.into_boxed_slice()))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.binary_search_by(|(n, _)| (**n).cmp(name)).ok().map(|i| &*self.0[i].1)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (&**n, &**v))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same labels without those whose value is empty: an empty label equals an absent one.
    pub fn without_empty(self) -> Labels {
        if self.0.iter().all(|(_, value)| !value.is_empty()) {
            return self;
        }
        Labels(self.0.into_vec().into_iter().filter(|(_, value)| !value.is_empty()).collect())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Labels {
    fn from(pairs: [(&str, &str); N]) -> Labels {
        let map: std::collections::BTreeMap<&str, &str> = pairs.into_iter().collect();
        Labels(map.into_iter().map(|(n, v)| (n.into(), v.into())).collect())
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
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

struct LabelsVisitor;

impl<'de> Visitor<'de> for LabelsVisitor {
    type Value = Labels;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object whose values are text")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
        let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or(8).min(COUNT_MAX));
        while let Some(pair) = map.next_entry::<Box<str>, Box<str>>()? {
            if pairs.len() == COUNT_MAX {
                return Err(A::Error::custom(format!("more than {COUNT_MAX} labels")));
            }
            pairs.push(pair);
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
