//! How a stand-in proves to the replicas of its run that it is no stranger on its port.
//!
//! While a stand-in is dead, any program of this machine can open its port and say yes to every postcode. So a replica sends
//! a challenge with each question, and believes only an answer with the right proof. A program that has
//! heard other proofs cannot make this one: each holds for one challenge, one service and one path, and the key never
//! leaves the control pipes.

use std::fmt::Write;

use anyhow::anyhow;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use protocol::postcode::PostcodeService;

/// The header of a question: what the proof must be about.
pub const CHALLENGE: &str = "x-stand-in-challenge";
/// The header of an answer.
pub const PROOF: &str = "x-stand-in-proof";

/// A secret of the stand-ins and the replicas of one run.
#[derive(Clone, Serialize, Deserialize)]
pub struct StandInKey([u8; 32]);

impl std::fmt::Debug for StandInKey {
    /// Shows no secret, not even in a crash text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StandInKey")
    }
}

impl StandInKey {
    /// A new one.
    ///
    /// # Errors
    /// When the operating system has no random numbers.
    pub fn random() -> anyhow::Result<Self> {
        let mut key = [0; 32];
        SystemRandom::new()
            .fill(&mut key)
            .map_err(|_| anyhow!("the operating system did not provide random numbers"))?;
        Ok(Self(key))
    }

    /// The proof that an answer of `service` about `path` was made for this challenge.
    #[must_use]
    pub fn proof(&self, service: PostcodeService, path: &str, challenge: &str) -> String {
        let tag = hmac::sign(&self.key(), statement(service, path, challenge).as_bytes());
        hex(tag.as_ref())
    }

    /// Whether this is that proof.
    #[must_use]
    pub fn is_proof(&self, service: PostcodeService, path: &str, challenge: &str, proof: &str) -> bool {
        let proof = bytes(proof);
        proof.is_some_and(|proof| {
            hmac::verify(&self.key(), statement(service, path, challenge).as_bytes(), &proof).is_ok()
        })
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.0)
    }
}

/// A challenge that was never used before.
///
/// # Errors
/// When the operating system has no random numbers.
pub fn challenge() -> anyhow::Result<String> {
    let mut challenge = [0; 16];
    SystemRandom::new()
        .fill(&mut challenge)
        .map_err(|_| anyhow!("the operating system did not provide random numbers"))?;
    Ok(hex(&challenge))
}

/// No header and no path has a line break in it.
fn statement(service: PostcodeService, path: &str, challenge: &str) -> String {
    format!("{service}\n{path}\n{challenge}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = hex.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
    Some(digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use PostcodeService::{GetTheData, PostcodesIo};

    #[test]
    fn a_proof_is_about_one_challenge_one_service_and_one_path() {
        let key = StandInKey::random().unwrap();
        let proof = key.proof(PostcodesIo, "/postcodes/DH1%203LE", "c1");
        assert!(key.is_proof(PostcodesIo, "/postcodes/DH1%203LE", "c1", &proof));
        assert!(!key.is_proof(GetTheData, "/postcodes/DH1%203LE", "c1", &proof));
        assert!(!key.is_proof(PostcodesIo, "/postcodes/DH1%203LF", "c1", &proof));
        assert!(!key.is_proof(PostcodesIo, "/postcodes/DH1%203LE", "c2", &proof));
        assert!(!StandInKey::random().unwrap().is_proof(PostcodesIo, "/postcodes/DH1%203LE", "c1", &proof));
        for wrong in ["", "zz", "ü", &proof[1..], &format!("{proof}0")] {
            assert!(!key.is_proof(PostcodesIo, "/postcodes/DH1%203LE", "c1", wrong), "{wrong}");
        }
        assert_ne!(challenge().unwrap(), challenge().unwrap());
        assert_eq!(format!("{key:?}"), "StandInKey");
    }
}
