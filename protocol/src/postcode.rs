//! Postcodes: their shape, and what a postcode service can say of them.
//!
//! Whether a well-shaped postcode *exists* is not known here: the primary asks a service (\[11\], \[12\]).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::text::{is_invisible, turns_text, with_invisible_named};

/// A UK postcode of the right shape in canonical form: capitals, one space ("DH1 3LE"). At most 8 ASCII characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Postcode {
    text: [u8; 8],
    length: u8,
}

/// Why a text is no postcode. Each is a sentence that can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PostcodeError {
    /// Nothing but white space.
    #[error("Enter a postcode, such as DH1 3LE.")]
    Empty,
    /// Longer than any postcode.
    #[error("This is too long for a postcode. A postcode has five to seven letters and digits, such as DH1 3LE.")]
    TooLong,
    /// A character other than letters, digits and spaces.
    #[error(
        "A postcode has only letters, digits and a space, such as DH1 3LE. This one contains “{named}”.",
        named = with_invisible_named(&_0.to_string())
    )]
    Character(char),
    /// Right characters, wrong shape.
    #[error("This is not a valid UK postcode. A postcode is a district and three more characters, such as DH1 3LE.")]
    Shape,
}

impl Postcode {
    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text[..usize::from(self.length)]).unwrap_or_default()
    }

    /// The part before the space: "DH1".
    #[must_use]
    pub fn outcode(&self) -> &str {
        self.as_str().split(' ').next().unwrap_or_default()
    }

    /// The leading letters: "DH".
    #[must_use]
    pub fn area(&self) -> &str {
        self.outcode()
            .trim_end_matches(|c: char| !c.is_ascii_alphabetic())
            .split(|c: char| c.is_ascii_digit())
            .next()
            .unwrap_or_default()
    }
}

impl FromStr for Postcode {
    type Err = PostcodeError;

    /// Drops white space (as both services do it) and what nobody sees, raises letters, then checks the shape.
    fn from_str(text: &str) -> Result<Self, PostcodeError> {
        let mut packed = [0u8; 7];
        let mut count = 0;
        for character in text.chars().filter(|c| !c.is_whitespace()) {
            if is_invisible(character) && !turns_text(character) && !character.is_control() {
                continue;
            }
            if !character.is_ascii_alphanumeric() {
                return Err(PostcodeError::Character(character));
            }
            *packed.get_mut(count).ok_or(PostcodeError::TooLong)? = character.to_ascii_uppercase() as u8;
            count += 1;
        }
        if count == 0 {
            return Err(PostcodeError::Empty);
        }
        if count < 5 {
            return Err(PostcodeError::Shape);
        }
        let (outward, inward) = packed[..count].split_at(count - 3);
        if !outward_shape(outward) || !inward_shape(inward) {
            return Err(PostcodeError::Shape);
        }
        let mut canonical = [0u8; 8];
        canonical[..outward.len()].copy_from_slice(outward);
        canonical[outward.len()] = b' ';
        canonical[outward.len() + 1..=count].copy_from_slice(inward);
        Ok(Self { text: canonical, length: count as u8 + 1 })
    }
}

/// A9, A99, A9A, AA9, AA99, AA9A.
fn outward_shape(outward: &[u8]) -> bool {
    let letters = outward.iter().take_while(|c| c.is_ascii_uppercase()).count();
    let rest = &outward[letters..];
    (1..=2).contains(&letters) && matches!(rest, [first] | [first, _] if first.is_ascii_digit())
}

/// 9AA.
fn inward_shape(inward: &[u8]) -> bool {
    matches!(inward, [digit, a, b] if digit.is_ascii_digit() && a.is_ascii_uppercase() && b.is_ascii_uppercase())
}

impl fmt::Display for Postcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Postcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_str())
    }
}

impl Serialize for Postcode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Postcode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Postcode;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a postcode")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Postcode, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// The two places where the primary can ask about a postcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PostcodeService {
    /// Asked first.
    PostcodesIo,
    /// Asked when the first gives no answer; weaker (no Northern Ireland, data of August 2023).
    GetTheData,
}

impl fmt::Display for PostcodeService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PostcodeService::PostcodesIo => "postcodes.io",
            PostcodeService::GetTheData => "getthedata.com",
        })
    }
}

/// What asking about a postcode came to. Goes into the replicated entry, so that no backup ever asks (passive replication).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Verdict {
    /// It exists. `place` is a district or town for show.
    Valid {
        /// Name of the place, if the service gave one.
        place: Option<String>,
        /// The service that gave the verdict.
        by: PostcodeService,
    },
    /// It does not exist, no longer exists, or is only part of one.
    Invalid {
        /// A sentence for the customer.
        why: String,
        /// The service that gave the verdict.
        by: PostcodeService,
    },
    /// Nobody could tell; this is *not* a verdict: ask again (PROTOCOL section 5, `Verdict`).
    NobodyAnswers,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_form() {
        for text in
            ["dh13le", " DH1 3LE ", "d h 1 3 l e", "\u{feff}DH1\u{a0}3LE\u{200b}", "D\u{ad}H1 3\u{2060}LE\u{fe0f}"]
        {
            assert_eq!(text.parse::<Postcode>().unwrap().as_str(), "DH1 3LE");
        }
        assert_eq!("m11ae".parse::<Postcode>().unwrap().as_str(), "M1 1AE");
        assert_eq!("ec1a1bb".parse::<Postcode>().unwrap().as_str(), "EC1A 1BB");
        assert_eq!("ec1a1bb".parse::<Postcode>().unwrap().area(), "EC");
        assert_eq!("ec1a1bb".parse::<Postcode>().unwrap().outcode(), "EC1A");
    }

    #[test]
    fn refusals_name_their_reason() {
        for (text, error) in [
            ("", PostcodeError::Empty),
            ("  ", PostcodeError::Empty),
            ("DH1", PostcodeError::Shape),
            ("DH1 3L", PostcodeError::Shape),
            ("123 4AB", PostcodeError::Shape),
            ("DH1 333", PostcodeError::Shape),
            ("DH12 33LEE", PostcodeError::TooLong),
            ("\u{200b}", PostcodeError::Empty),
            ("DH1/../3LE", PostcodeError::Character('/')),
            ("DH1 3LE\u{202e}", PostcodeError::Character('\u{202e}')),
            ("DH1 3LE\u{1b}", PostcodeError::Character('\u{1b}')),
        ] {
            assert_eq!(text.parse::<Postcode>(), Err(error), "{text:?}");
        }
        let turned = PostcodeError::Character('\u{202e}').to_string();
        assert!(turned.ends_with("This one contains “[U+202E]”."), "{turned}");
    }
}
