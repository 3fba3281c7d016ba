//! Where a replica that was started by hand asks about postcodes: the real services, or stand-ins in its own program.
//!
//! Each replica has its own stand-ins, so that no other process must live for an order to be checked.

use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use node::control::{Misbehaviour, ServiceAddress, StandInKey};
use node::stand_in;
use protocol::ids::NodeId;
use protocol::postcode::PostcodeService;
use tokio::sync::watch;

use crate::random;

const ALL: [PostcodeService; 2] = [PostcodeService::PostcodesIo, PostcodeService::GetTheData];

/// The real ones.
pub(crate) fn live() -> anyhow::Result<Vec<ServiceAddress>> {
    ALL.into_iter()
        .map(|service| {
            let base_url = match service {
                PostcodeService::PostcodesIo => "https://api.postcodes.io",
                PostcodeService::GetTheData => "http://api.getthedata.com",
            };
            Ok(ServiceAddress { service, id: NodeId(random()?), base_url: base_url.to_owned(), key: None })
        })
        .collect()
}

/// Starts stand-ins for both, which answer as long as this process lives.
pub(super) fn stand_ins() -> anyhow::Result<Vec<ServiceAddress>> {
    let key = StandInKey::random()?;
    let mut addresses = Vec::new();
    for service in ALL {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let (id, base_url) = (NodeId(random()?), format!("http://{}", listener.local_addr()?));
        addresses.push(ServiceAddress { service, id, base_url, key: Some(key.clone()) });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let key = key.clone();
        thread::Builder::new().name(service.to_string()).spawn(move || {
            runtime.block_on(async {
                // A listener that cannot be used answers nobody, which the replica notices.
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                let (_behave, behaviour) = watch::channel(Misbehaviour::None);
                match stand_in::serve(service, key, listener, behaviour).await {}
            });
        })?;
    }
    Ok(addresses)
}
