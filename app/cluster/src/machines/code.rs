//! The code by which another machine finds the cluster, knows it for certain, and proves that it was invited.
//!
//! A person copies it, or a camera reads it: letters and digits only. How long it is good and whether somebody has used it is
//! known to the cluster alone.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use anyhow::anyhow;
use data_encoding::{BASE32_NOPAD, BASE32_NOPAD_NOCASE};
use node::transport::pinned::{Fingerprint, fingerprint};
use protocol::ids::Role;
use serde::{Deserialize, Serialize};

use crate::networks::networks;

/// What all codes begin with; the number is the version of what is said to join.
const BEGINS: &str = "JH3";
/// What codes of any version begin with.
const FAMILY: &str = "JH";
/// The most addresses of a host.
pub const MOST_ADDRESSES: usize = 8;
/// This many bytes of a digest tell a code that was copied wrong.
const CHECK: usize = 4;
/// Longer is no code.
const LONGEST: usize = 1000;

/// For one use.
pub type Secret = [u8; 16];

/// What a code says.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// Where the cluster listens; they are tried together, and one is kept.
    pub addresses: Vec<IpAddr>,
    pub port: u16,
    /// Of the certificate of the run's authority.
    pub authority: Fingerprint,
    /// What the other machine becomes.
    pub role: Role,
    pub secret: Secret,
}

impl fmt::Debug for Code {
    /// Without its secret, also in a crash text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({} at {:?}:{})", self.role, self.addresses, self.port)
    }
}

/// Why something is no code. A sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCode {
    #[error(
        "This is not a code for joining a cluster. It begins with {BEGINS} and has letters and digits only; copy it to its end."
    )]
    Nothing,
    #[error("This code comes from another version of Just Hungry. Use the same version on both machines.")]
    OtherVersion,
    #[error("This code was not copied completely, or with a mistake. Copy it again, to its end.")]
    Damaged,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // All of this can be encoded.
        let mut bytes = postcard::to_extend(self, Vec::new()).map_err(|_| fmt::Error)?;
        bytes.extend(&fingerprint(&bytes)[..CHECK]);
        write!(f, "{BEGINS}{}", BASE32_NOPAD.encode(&bytes))
    }
}

impl FromStr for Code {
    type Err = NoCode;

    fn from_str(text: &str) -> Result<Self, NoCode> {
        // Mail and chat break lines, and people add spaces.
        let text: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').take(LONGEST + 1).collect();
        let upper = text.to_ascii_uppercase();
        let Some(body) = upper.strip_prefix(BEGINS) else {
            let version = upper.strip_prefix(FAMILY).and_then(|rest| rest.chars().next());
            return Err(if version.is_some_and(|c| c.is_ascii_digit()) {
                NoCode::OtherVersion
            } else {
                NoCode::Nothing
            });
        };
        if upper.len() > LONGEST {
            return Err(NoCode::Damaged);
        }
        let bytes = BASE32_NOPAD_NOCASE.decode(body.as_bytes()).map_err(|_| NoCode::Damaged)?;
        let (said, check) = bytes.split_at_checked(bytes.len().saturating_sub(CHECK)).ok_or(NoCode::Damaged)?;
        if check != &fingerprint(said)[..CHECK] {
            return Err(NoCode::Damaged);
        }
        let code: Self = postcard::from_bytes(said).map_err(|_| NoCode::Damaged)?;
        let fits = (1..=MOST_ADDRESSES).contains(&code.addresses.len());
        if fits { Ok(code) } else { Err(NoCode::Damaged) }
    }
}

/// A secret that nobody can guess.
///
/// # Errors
/// When the operating system gives no random numbers.
pub fn secret() -> anyhow::Result<Secret> {
    let mut secret = Secret::default();
    getrandom::fill(&mut secret)
        .map_err(|error| anyhow!("the operating system did not provide random numbers: {error}"))?;
    Ok(secret)
}

/// The addresses of this machine at which others may reach it, the likeliest first.
///
/// # Errors
/// A sentence, when it has none.
pub fn own_addresses() -> anyhow::Result<Vec<IpAddr>> {
    let all = networks().map_err(|error| anyhow!("the network addresses cannot be read: {error}"))?;
    let found: Vec<IpAddr> = all.into_iter().map(|network| network.ip).take(MOST_ADDRESSES).collect();
    anyhow::ensure!(
        !found.is_empty(),
        "This machine has no network address at which others could reach it. Connect it to a network, or name an address with --advertise."
    );
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code() -> Code {
        Code {
            addresses: vec![[192, 168, 1, 5].into(), [10, 0, 0, 7].into()],
            port: 40_123,
            authority: [7; 32],
            role: Role::Replica,
            secret: [9; 16],
        }
    }

    #[test]
    fn a_code_comes_back_however_it_was_copied() {
        let text = code().to_string();
        assert!(text.len() < 130, "{} characters", text.len());
        assert!(text.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()), "{text}");
        assert_eq!(text.parse(), Ok(code()));
        let (one, other) = text.split_at(40);
        assert_eq!(format!(" {}\n  {}-\n", one.to_lowercase(), other).parse(), Ok(code()));
    }

    #[test]
    fn addresses_of_both_kinds_have_room() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let code = Code { addresses: ["10.0.0.7", "2001:db8::7", "::1"].map(ip).into(), ..code() };
        assert_eq!(code.to_string().parse(), Ok(code));
        let widest = Code { addresses: vec![ip("2001:db8:1:2:3:4:5:6"); MOST_ADDRESSES], ..self::code() };
        assert!(widest.to_string().len() < LONGEST, "{}", widest.to_string().len());
        assert_eq!(widest.to_string().parse(), Ok(widest));
    }

    #[test]
    fn what_is_no_code_is_told_why() {
        let text = code().to_string();
        for nonsense in ["", "hello", "J", "JH", "http://example.org", "JHX123"] {
            assert_eq!(nonsense.parse::<Code>(), Err(NoCode::Nothing), "{nonsense}");
        }
        assert_eq!(text.replacen("JH3", "JH1", 1).parse::<Code>(), Err(NoCode::OtherVersion));
        for at in 3..text.len() {
            let mut letters: Vec<char> = text.chars().collect();
            letters[at] = if letters[at] == 'Q' { 'R' } else { 'Q' };
            let wrong: String = letters.into_iter().collect();
            assert_eq!(wrong.parse::<Code>(), Err(NoCode::Damaged), "a mistake at {at}");
            assert!(text[..at].parse::<Code>().is_err(), "cut at {at}");
        }
        assert_eq!(format!("JH3{}", "A".repeat(100_000)).parse::<Code>(), Err(NoCode::Damaged));
        let nowhere = Code { addresses: Vec::new(), ..code() };
        assert_eq!(nowhere.to_string().parse::<Code>(), Err(NoCode::Damaged));
    }

    #[test]
    fn its_secret_is_not_shown() {
        assert_eq!(format!("{:?}", code()), "Code(replica at [192.168.1.5, 10.0.0.7]:40123)");
    }
}
