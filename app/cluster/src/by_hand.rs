//! A cluster whose processes people start by hand, each in a terminal of its own.
//!
//! There is no launcher. The processes meet in a private folder ([`meeting_place`]). The name server's process has the
//! [`office`]: it owns the certificate authority, decides names, and gives each process that knocks its configuration, the
//! same that a launcher would send. [`here`] runs such a node in the program that was started, and [`guest`] a customer.
//! Time is real time: nobody can stop it.

pub mod guest;
pub mod here;
pub mod meeting_place;
pub mod office;
pub(crate) mod services;

use node::control::Credentials;
use protocol::ids::Role;
use serde::{Deserialize, Serialize};

use crate::Admission;
use crate::durable_folder::OnDisk;

/// The most customers' programs at once.
pub const MOST_CUSTOMERS: usize = 1000;

/// What a process says that wants to become part of a cluster. The private half of its key stays with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Knock {
    /// What it wants to be: a front-end, a replica or a customer.
    pub role: Role,
    /// The public half of the key that it has made.
    pub public_key: Vec<u8>,
    /// Of the operating system: while it lives, its name is not given to another one.
    pub pid: u32,
    /// A customer's: as it wants to be called.
    pub name: Option<String>,
    /// Of a replica that keeps its orders on disk: which replicas its folder holds already.
    #[serde(default)]
    pub on_disk: Option<Vec<OnDisk>>,
}

/// What a customer is given.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Guest {
    /// How it is called.
    pub name: String,
    /// The key is missing, and is added by the process that has made it.
    pub admission: Admission,
}

/// Adds the private key to what an authority has certified, if it is the authority that was expected.
///
/// # Errors
/// A sentence, when another one has certified it.
fn made_whole(
    own: &node::transport::identity::OwnKey,
    given: Credentials,
    authority: &[u8],
) -> anyhow::Result<Credentials> {
    anyhow::ensure!(
        given.authority == authority,
        "The certificate comes from another authority than the folder of the cluster names. Nothing is trusted that it says."
    );
    Ok(own.with(given))
}
