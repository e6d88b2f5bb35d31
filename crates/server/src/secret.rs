//! Secrets, and what is made from them. There is one way to compare one with what somebody says, and its time tells
//! nothing: the type has no `PartialEq`, so no other way compiles. It is neither shown nor written.

/// A shared secret, or a signature that only its holder can make.
#[derive(Clone)]
pub struct Secret(Box<[u8]>);

impl Secret {
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Secret {
        Secret(bytes.into())
    }

    /// Whether this is what was said, in a time that depends on the lengths alone.
    pub fn is(&self, said: &[u8]) -> bool {
        let differing = self.0.iter().zip(said).fold(0_u8, |seen, (own, other)| seen | (own ^ other));
        self.0.len() == said.len() && std::hint::black_box(differing) == 0
    }

    /// For what is computed from it.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

/// Does not compile as soon as secrets can be compared in another way: then there are two meanings of `some`.
const _: fn() = || {
    trait Ambiguous<A> {
        fn some() {}
    }
    struct Compared;
    impl<T: ?Sized> Ambiguous<()> for T {}
    impl<T: ?Sized + PartialEq> Ambiguous<Compared> for T {}
    <Secret as Ambiguous<_>>::some();
};
