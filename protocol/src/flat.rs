//! Enums of enums that JSON writes as one: by the innermost variant's name alone, as if there were no levels between.
//!
//! So code tells speakers apart while old tapes still open. Serde knows the names of every enum, and the name that is read
//! says which one is meant: nothing is tried out and nothing is buffered. Formats without names keep all levels.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::EnumAccessDeserializer;
use serde::de::{self, DeserializeSeed, EnumAccess, IntoDeserializer, VariantAccess, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};

/// An enum of enums that share one set of names.
pub trait Flat<'de>: Sized {
    /// Reads the enum to which the name belongs.
    ///
    /// # Errors
    /// No enum has a variant of that name, or its fields are others.
    fn of<V: VariantAccess<'de>>(named: Named<V>) -> Result<Self, V::Error>;
}

/// Reads a variant that is written by its own name alone.
///
/// # Errors
/// As [`Flat::of`]; or it is no variant at all.
pub fn read<'de, T: Flat<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_enum("", &[], Reader(PhantomData))
}

struct Reader<T>(PhantomData<T>);

impl<'de, T: Flat<'de>> Visitor<'de> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a variant")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<T, A::Error> {
        let (name, variant) = data.variant()?;
        T::of(Named { name, variant })
    }
}

/// A variant whose name has been read, and whose fields have not.
#[derive(Debug)]
pub struct Named<V> {
    name: String,
    variant: V,
}

impl<'de, V: VariantAccess<'de>> Named<V> {
    /// Whether this enum has a variant of that name.
    #[must_use]
    pub fn is_of<T: Deserialize<'de>>(&self) -> bool {
        matches!(T::deserialize(Variants), Err(VariantsAre(names)) if names.contains(&self.name.as_str()))
    }

    /// Reads the fields.
    ///
    /// # Errors
    /// The enum has no such variant, or its fields are others.
    pub fn read<T: Deserialize<'de>>(self) -> Result<T, V::Error> {
        T::deserialize(self.rest())
    }

    /// Name and fields, for an enum that has variants of its own beside those of other enums.
    pub fn rest(self) -> EnumAccessDeserializer<Self> {
        EnumAccessDeserializer::new(self)
    }
}

impl<'de, V: VariantAccess<'de>> EnumAccess<'de> for Named<V> {
    type Error = V::Error;
    type Variant = V;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, V), V::Error> {
        Ok((seed.deserialize(self.name.into_deserializer())?, self.variant))
    }
}

/// Reads nothing: it answers what an enum is asked to be read from with the names of the enum's variants.
struct Variants;

impl<'de> Deserializer<'de> for Variants {
    type Error = VariantsAre;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, VariantsAre> {
        Err(VariantsAre(&[]))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, VariantsAre> {
        Err(VariantsAre(names))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[derive(Debug)]
struct VariantsAre(&'static [&'static str]);

impl fmt::Display for VariantsAre {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of {:?}", self.0)
    }
}

impl std::error::Error for VariantsAre {}

impl de::Error for VariantsAre {
    fn custom<T: fmt::Display>(_: T) -> Self {
        VariantsAre(&[])
    }
}
