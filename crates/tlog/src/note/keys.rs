//! Keys of signed notes and their text forms.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;

use super::Signature;
use crate::hash::{hex_decode, hex_encode};
use crate::{Error, Hash};

/// Signature type of plain Ed25519 (signed-note, section "Signature types").
const ED25519: u8 = 1;

/// A public key with its name. Displays as `name+id+base64`, the form that auditors keep.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: u32,
    key: ed25519_dalek::VerifyingKey,
}

impl VerifierKey {
    /// Reads `name+id+base64`.
    ///
    /// # Errors
    /// [`Error::Malformed`] when a part is missing, is no Ed25519 key, or the id is not the key's.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bad = |detail: &str| Error::malformed("verifier key", format!("`{text}`: {detail}"));
        let (name, id, material) = split_key(text).ok_or_else(|| bad("not of the form name+id+base64"))?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(&material)
            .map_err(|_| bad("the last part is no Ed25519 public key"))?;
        let found = Self::new(name.to_owned(), key);
        if found.id != id {
            return Err(bad("the id does not belong to this name and key; the text was altered"));
        }
        Ok(found)
    }

    fn new(name: String, key: ed25519_dalek::VerifyingKey) -> Self {
        let mut data = name.clone().into_bytes();
        data.extend_from_slice(&[b'\n', ED25519]);
        data.extend_from_slice(key.as_bytes());
        let [a, b, c, d, ..] = Hash::of(&data).0;
        Self { id: u32::from_be_bytes([a, b, c, d]), name, key }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// First four bytes of SHA-256(name ‖ newline ‖ 0x01 ‖ public key).
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    pub(super) fn verify(&self, text: &str, signature: &[u8]) -> bool {
        ed25519_dalek::Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", join_key(&self.name, self.id, self.key.as_bytes()))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

/// A private key with its name. It has neither `Display` nor `Debug`; [`SigningKey::to_secret_text`] is
/// the one way out.
#[derive(Clone)]
pub struct SigningKey {
    verifier: VerifierKey,
    key: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// The key of this name made from 32 random bytes.
    ///
    /// # Errors
    /// [`Error::Unrepresentable`] when the name is empty or has white space, control characters or `+`.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, Error> {
        if !is_name(name) {
            let detail = format!("`{name}` must not be empty nor have white space or `+`");
            return Err(Error::unrepresentable("key name", detail));
        }
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        Ok(Self { verifier: VerifierKey::new(name.to_owned(), key.verifying_key()), key })
    }

    /// Reads `PRIVATE+KEY+name+id+base64`. The text stands in no error message.
    ///
    /// # Errors
    /// [`Error::Malformed`] when a part is missing or the id is not the key's.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bad = |detail: &str| Error::malformed("signing key", detail);
        let form = "not of the form PRIVATE+KEY+name+id+base64";
        let rest = text.strip_prefix("PRIVATE+KEY+").ok_or_else(|| bad(form))?;
        let (name, id, seed) = split_key(rest).ok_or_else(|| bad(form))?;
        let key = Self::from_seed(name, &seed)?;
        if key.verifier.id != id {
            return Err(bad("the id does not belong to this name and key; the text was altered"));
        }
        Ok(key)
    }

    /// `PRIVATE+KEY+name+id+base64`: a secret, for the key file only.
    #[must_use]
    pub fn to_secret_text(&self) -> String {
        let public = join_key(&self.verifier.name, self.verifier.id, self.key.as_bytes());
        format!("PRIVATE+KEY+{public}")
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.verifier.name
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    pub(super) fn sign(&self, text: &str) -> Signature {
        Signature {
            name: self.verifier.name.clone(),
            key_id: self.verifier.id,
            bytes: self.key.sign(text.as_bytes()).to_bytes().to_vec(),
        }
    }
}

pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

/// Splits `name+id+base64`, where the last part may itself have `+`.
fn split_key(text: &str) -> Option<(&str, u32, [u8; 32])> {
    let (name, rest) = text.split_once('+')?;
    let (id, encoded) = rest.split_once('+')?;
    let mut id_bytes = [0; 4];
    if !is_name(name) || !hex_decode(id.as_bytes(), &mut id_bytes) {
        return None;
    }
    let material = STANDARD.decode(encoded).ok()?;
    let (ED25519, key) = material.split_first().map(|(first, rest)| (*first, rest))? else { return None };
    Some((name, u32::from_be_bytes(id_bytes), key.try_into().ok()?))
}

fn join_key(name: &str, id: u32, material: &[u8; 32]) -> String {
    let mut hex = [0; 8];
    hex_encode(&id.to_be_bytes(), &mut hex);
    let mut bytes = vec![ED25519];
    bytes.extend_from_slice(material);
    format!("{name}+{}+{}", String::from_utf8_lossy(&hex), STANDARD.encode(bytes))
}
