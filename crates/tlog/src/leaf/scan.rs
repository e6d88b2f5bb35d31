//! A cursor over the bytes of an envelope that accepts the canonical form only.

use super::{MAX_FIELD, MAX_NUMBER, is_field_byte};
use crate::hash::hex_decode;
use crate::{Error, Hash};

pub(super) struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn literal(&mut self, literal: &[u8]) -> Result<(), Error> {
        if !self.rest().starts_with(literal) {
            return self.refuse(&format!("`{}` expected", String::from_utf8_lossy(literal)));
        }
        self.at += literal.len();
        Ok(())
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Error> {
        let length = self.rest().iter().take(MAX_FIELD + 1).take_while(|b| is_field_byte(**b)).count();
        if length == 0 || length > MAX_FIELD {
            return self.refuse("1 to 255 characters of [a-z0-9._/-] expected");
        }
        let text = std::str::from_utf8(&self.rest()[..length]);
        let Ok(text) = text else { return self.refuse("ASCII expected") };
        self.at += length;
        Ok(text)
    }

    pub(super) fn hash(&mut self) -> Result<Hash, Error> {
        let mut hash = [0; 32];
        if !self.rest().get(..64).is_some_and(|hex| hex_decode(hex, &mut hash)) {
            return self.refuse("64 lower-case hex digits expected");
        }
        self.at += 64;
        Ok(Hash(hash))
    }

    pub(super) fn number(&mut self) -> Result<u64, Error> {
        let rest = self.rest();
        // 2^53 has 16 digits.
        let length = rest.iter().take(17).take_while(|b| b.is_ascii_digit()).count();
        let leading_zero = length > 1 && rest[0] == b'0';
        if length == 0 || length > 16 || leading_zero {
            return self.refuse("a number without leading zeroes expected");
        }
        let number = rest[..length].iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        if number > MAX_NUMBER {
            return self.refuse("a number below 2^53 expected");
        }
        self.at += length;
        Ok(number)
    }

    pub(super) fn signed(&mut self) -> Result<i64, Error> {
        let negative = self.rest().first() == Some(&b'-');
        self.at += usize::from(negative);
        let magnitude = self.number()?.cast_signed();
        if negative && magnitude == 0 {
            return self.refuse("zero has no sign");
        }
        Ok(if negative { -magnitude } else { magnitude })
    }

    pub(super) fn end(&self) -> Result<(), Error> {
        if self.at == self.bytes.len() { Ok(()) } else { self.refuse("nothing more expected") }
    }

    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    #[cold]
    fn refuse<T>(&self, what: &str) -> Result<T, Error> {
        Err(Error::malformed("envelope", format!("at byte {}: {what}", self.at)))
    }
}
