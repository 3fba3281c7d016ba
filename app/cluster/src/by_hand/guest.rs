//! A customer that a person starts by hand: it gets its name from the name server's process.

use node::transport::identity::OwnKey;
use protocol::ids::Role;

use super::meeting_place::Card;
use super::{Guest, Knock, made_whole};
use crate::Admission;

/// Makes a key and knocks at the name server's process. `ask` carries the knock there.
///
/// # Errors
/// A sentence, when it is not admitted.
pub fn join(
    name_server: &Card,
    name: Option<String>,
    ask: impl FnOnce(Knock) -> anyhow::Result<Guest>,
) -> anyhow::Result<Guest> {
    let own = OwnKey::new()?;
    let pid = std::process::id();
    let guest = ask(Knock { role: Role::Customer, public_key: own.public(), pid, name, on_disk: None })?;
    let authority = name_server.authority.clone().unwrap_or_default();
    let credentials = made_whole(&own, guest.admission.credentials, &authority)?;
    Ok(Guest { admission: Admission { credentials, ..guest.admission }, ..guest })
}
