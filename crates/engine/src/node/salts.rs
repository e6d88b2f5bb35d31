//! Salts for the leaves. A generator that only goes forward: what it gave cannot be computed again once its
//! state is gone, so an erased salt stays erased.

use tlog::Hash;

pub struct Salts {
    state: [u8; 32],
}

impl Salts {
    /// `seed` comes from the operating system at each start and is kept nowhere.
    pub fn new(seed: [u8; 32]) -> Salts {
        Salts { state: seed }
    }

    /// The next 16 bytes.
    pub fn draw(&mut self) -> [u8; 16] {
        let Hash(next) = tlog::leaf::body_hash(b"ringfence.salts0", &self.state);
        let Hash(given) = tlog::leaf::body_hash(b"ringfence.salts1", &self.state);
        self.state = next;
        let mut salt = [0; 16];
        salt.copy_from_slice(&given[..16]);
        salt
    }
}
