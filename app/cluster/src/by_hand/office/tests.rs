//! Names, refusals, and what a name server that is started again finds.

use std::path::Path;

use node::transport::identity::OwnKey;

use super::*;
use crate::by_hand::made_whole;

const CHOICES: Choices =
    Choices { autoclean: Span(20_000_000), postcodes: Postcodes::StandIn, store: None, durable: None };

fn place(base: &Path) -> MeetingPlace {
    MeetingPlace::in_folder(&base.join("just-hungry"), &"test".parse().unwrap()).unwrap()
}

fn knock(role: Role, key: &OwnKey) -> Knock {
    Knock { role, public_key: key.public(), pid: std::process::id(), name: None, on_disk: None }
}

/// Moves in under the name that was given.
fn moves_in(place: &MeetingPlace, config: &NodeConfig, role: Role) -> Seat {
    let seat = place.take(&config.name).unwrap().unwrap();
    let (name, id, pid) = (config.name.clone(), config.id, std::process::id());
    seat.show(&Card { name, role, id, customer: None, pid, run: 1, socket: None, authority: None }).unwrap();
    seat
}

#[test]
fn the_first_free_name_is_given_and_the_name_of_a_dead_process_again() {
    let base = tempfile::tempdir().unwrap();
    let place = place(base.path());
    let (office, own, begins) = Office::open(&place, CHOICES).unwrap();
    assert_eq!((own.name.as_str(), begins), ("name-server", Begins::Anew));
    let key = OwnKey::new().unwrap();
    let admit = |role| office.admit(&knock(role, &key)).unwrap();
    let first = admit(Role::Replica);
    let seat = moves_in(&place, &first, Role::Replica);
    let second = admit(Role::Replica);
    let _stays = moves_in(&place, &second, Role::Replica);
    assert_eq!([first.name, second.name], ["replica-1", "replica-2"]);
    drop(seat);
    let again = admit(Role::Replica);
    assert_eq!(again.name, "replica-1");
    assert_ne!(again.id, first.id, "another incarnation (rule R11)");
    assert_eq!(admit(Role::FrontEnd).name, "front-end");
    assert!(matches!(second.duty, Duty::Replica { preset: 2, .. }));
}

#[test]
fn a_key_is_certified_and_the_private_half_stays_away() {
    let base = tempfile::tempdir().unwrap();
    let (office, ..) = Office::open(&place(base.path()), CHOICES).unwrap();
    let key = OwnKey::new().unwrap();
    let given = office.admit(&knock(Role::Replica, &key)).unwrap().credentials.unwrap();
    assert!(given.key.is_empty());
    let whole = made_whole(&key, given.clone(), office.authority.certificate()).unwrap();
    assert!(!whole.key.is_empty());
    let foreign = Authority::new().unwrap();
    assert!(made_whole(&key, given, foreign.certificate()).is_err(), "somebody stands in between");
}

#[test]
fn hostile_knocks_end_in_a_sentence() {
    let base = tempfile::tempdir().unwrap();
    let (office, ..) = Office::open(&place(base.path()), CHOICES).unwrap();
    let key = OwnKey::new().unwrap();
    let refused = |knock: &Knock| office.admit(knock).unwrap_err().to_string();
    assert!(refused(&knock(Role::NameServer, &key)).contains("so it is the only one"));
    assert!(refused(&knock(Role::Customer, &key)).contains("as a guest"));
    let nonsense = Knock { public_key: b"secret".to_vec(), ..knock(Role::Replica, &key) };
    assert!(refused(&nonsense).contains("not a public key"));
    let guest = |name: &str| office.admit_guest(&Knock { name: Some(name.into()), ..knock(Role::Customer, &key) });
    for name in ["", " Ada", "../../etc", "a\u{1b}[2J", "<b>", &"x".repeat(31)] {
        let why = guest(name).unwrap_err().to_string();
        assert!(why.contains("cannot be a customer's name") && !why.contains('\u{1b}'), "{why}");
    }
    assert_eq!(guest("Zoë O'Neill").unwrap().name, "Zoë O'Neill");
    assert!(office.admit_guest(&knock(Role::Replica, &key)).is_err());
    assert_eq!(office.admit_guest(&knock(Role::Customer, &key)).unwrap().name, "Muriel");
}

#[test]
fn a_name_server_comes_back_as_the_same_while_nodes_live_and_begins_anew_afterwards() {
    let base = tempfile::tempdir().unwrap();
    let place = place(base.path());
    let (mut office, ..) = Office::open(&place, CHOICES).unwrap();
    let listens = Contact { id: office.kept.contact.id, address: ([127, 0, 0, 1], 4321).into() };
    office.name_server_listens(listens).unwrap();
    let key = OwnKey::new().unwrap();
    let seat = moves_in(&place, &office.admit(&knock(Role::Replica, &key)).unwrap(), Role::Replica);
    let certificate = office.authority.certificate().to_vec();
    // Killed, and started again.
    drop(office);
    let (office, config, begins) = Office::open(&place, Choices { autoclean: Span(5), ..CHOICES }).unwrap();
    assert_eq!(begins, Begins::Again(vec!["replica-1".into()]));
    assert_eq!((config.listen, config.id), (listens.address, listens.id));
    assert_eq!((office.authority.certificate(), config.settings.autoclean), (&certificate[..], Span(5)));
    // The nodes live, but what they trust is gone.
    std::fs::write(place.path().join(KEPT), "damaged").unwrap();
    let why = Office::open(&place, CHOICES).err().unwrap().to_string();
    assert!(why.contains("replica-1 of the cluster “test” still run"), "{why}");
    // Everybody has been killed.
    drop(seat);
    office.place.write(KEPT, &office.kept).unwrap();
    let (office, _, begins) = Office::open(&place, CHOICES).unwrap();
    assert_eq!(begins, Begins::AfterOthers);
    assert_ne!(office.authority.certificate(), certificate);
    assert!(place.cards().is_empty());
    office.close(place.take(NAME_SERVER).unwrap().unwrap());
    assert_eq!(Office::open(&place, CHOICES).unwrap().2, Begins::Anew);
}

#[test]
fn a_durable_replica_is_who_its_folder_says_unless_another_process_is_that_one() {
    let base = tempfile::tempdir().unwrap();
    let (place, folder) = (place(base.path()), base.path().join("disk"));
    let durable = || Choices { durable: Some(folder.clone()), ..CHOICES };
    let (office, own, _) = Office::open(&place, durable()).unwrap();
    assert!(
        matches!(&own.duty, Duty::NameServer { keeps: RecordPlace::Journal(path) } if folder.join(JOURNAL) == **path)
    );
    let cluster = office.kept.durable.unwrap();
    let key = OwnKey::new().unwrap();
    let on_disk = |name: &str, cluster: u64, id: u64| OnDisk { name: name.into(), cluster, id: NodeId(id) };
    let admit =
        |on_disk: Vec<OnDisk>| office.admit(&Knock { on_disk: Some(on_disk), ..knock(Role::Replica, &key) }).unwrap();
    let second = admit(vec![on_disk("replica-1", cluster + 1, 5), on_disk("replica-2", cluster, 6)]);
    assert_eq!((second.name.as_str(), second.id), ("replica-2", NodeId(6)), "the other file is another cluster's");
    let Duty::Replica { durable: Some(disk), .. } = &second.duty else { panic!("a durable one") };
    assert!(disk.cluster == Some(cluster) && disk.spare.0 != second.id && disk.spare.1.is_some());
    let _stays = moves_in(&place, &second, Role::Replica);
    let copy = admit(vec![on_disk("replica-2", cluster, 6)]);
    assert!(copy.name == "replica-1" && copy.id != NodeId(6), "a copy of its folder is nobody yet");
    // Not everything that a knock says becomes the name of a folder.
    assert_eq!(admit(vec![on_disk("../../etc", cluster, 7)]).name, "replica-1");
    let refused = office.admit(&knock(Role::Replica, &key)).unwrap_err().to_string();
    assert!(refused.contains("keeps its orders on disk. Start the replica with --durable"), "{refused}");
    // Its journal is where it was, or it is not the same name server.
    office.place.write(KEPT, &office.kept).unwrap();
    drop(office);
    let why = Office::open(&place, CHOICES).err().unwrap().to_string();
    assert!(why.contains("Start the name server with --durable and the same folder"), "{why}");
    assert!(matches!(Office::open(&place, durable()).unwrap().2, Begins::Again(_)));
    drop(_stays);
    let (office, ..) = Office::open(&place, CHOICES).unwrap();
    let refused = office.admit(&Knock { on_disk: Some(vec![]), ..knock(Role::Replica, &key) }).unwrap_err().to_string();
    assert!(refused.contains("keeps everything in memory"), "{refused}");
}
