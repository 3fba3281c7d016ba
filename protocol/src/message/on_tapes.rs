//! What tapes of earlier versions hold as plain words, and later ones as variants of an enum.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{self, Visitor};

/// An enum that old tapes have as words only, without saying so.
pub(super) trait OnTapes<'de>: Sized {
    /// Reads a variant.
    fn tagged<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
    /// Takes words that are the name of no variant.
    fn as_written(words: &str) -> Self;
}

/// Reads a variant, or words. Formats without names always say which variant it is.
pub(super) fn read<'de, T: OnTapes<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    match deserializer.is_human_readable() {
        true => deserializer.deserialize_any(Reader(PhantomData)),
        false => T::tagged(deserializer),
    }
}

struct Reader<T>(PhantomData<T>);

impl<'de, T: OnTapes<'de>> Visitor<'de> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("words or a variant")
    }

    fn visit_str<E: de::Error>(self, words: &str) -> Result<T, E> {
        Ok(T::tagged(StrDeserializer::<E>::new(words)).unwrap_or_else(|_| T::as_written(words)))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::tagged(MapAccessDeserializer::new(map))
    }
}
