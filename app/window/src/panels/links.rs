//! Which links there are between those who may talk with each other, by name. Pure; what links do is told by the picture.

use protocol::ids::Role;
use protocol::trace::{Actor, LinkRule};

use knowledge::picture::Picture;
use knowledge::user_command::{LinkWay, UserCommand};

/// Two names, in the order in which the diagram lists them.
pub type Ends = (String, String);

/// Whether two ever send each other anything.
pub fn talk(one: Actor, other: Actor) -> bool {
    match (one, other) {
        (Actor::Role(Role::Replica), Actor::Role(Role::Replica)) => true,
        (Actor::Role(Role::Customer), Actor::Role(Role::Replica)) => false,
        (Actor::Role(Role::Replica), Actor::Role(Role::Customer)) => false,
        (Actor::Role(one), Actor::Role(other)) => one != other,
        (Actor::Role(role), Actor::Service(_)) | (Actor::Service(_), Actor::Role(role)) => role == Role::Replica,
        (Actor::Service(_), Actor::Service(_)) => false,
    }
}

/// Everybody with what they are: nodes, then customers.
fn everybody(picture: &Picture) -> Vec<(&str, Actor)> {
    let nodes = picture.nodes.iter().map(|node| (node.name.as_str(), node.actor));
    let customers = picture.customers.iter().map(|customer| (customer.name.as_str(), Actor::Role(Role::Customer)));
    nodes.chain(customers).collect()
}

/// All pairs that may talk.
pub fn pairs(picture: &Picture) -> Vec<Ends> {
    let all = everybody(picture);
    let mut pairs = Vec::new();
    for (index, (one, actor)) in all.iter().enumerate() {
        for (other, its) in &all[index + 1..] {
            if talk(*actor, *its) {
                pairs.push(((*one).to_owned(), (*other).to_owned()));
            }
        }
    }
    pairs
}

pub fn both((one, other): &Ends) -> [LinkWay; 2] {
    [way(one, other), way(other, one)]
}

pub fn way(from: &str, to: &str) -> LinkWay {
    LinkWay { from: from.to_owned(), to: to.to_owned() }
}

/// All links of somebody, both ways, except with those named.
pub fn of(picture: &Picture, name: &str, except: &[&str]) -> Vec<LinkWay> {
    let its = |(one, other): &Ends| {
        (one == name && !except.contains(&other.as_str())) || (other == name && !except.contains(&one.as_str()))
    };
    pairs(picture).iter().filter(|ends| its(ends)).flat_map(both).collect()
}

/// The command that gives these links this rule.
#[must_use]
pub fn set(links: Vec<LinkWay>, rule: LinkRule) -> UserCommand {
    UserCommand::SetLinks { links, rule }
}

/// What the links between two do: from the first to the second, and back.
pub fn rules(picture: &Picture, (one, other): &Ends) -> (LinkRule, LinkRule) {
    let steering = &picture.steering;
    if steering.links.is_empty() {
        return Default::default();
    }
    (steering.link(one, other), steering.link(other, one))
}

/// Whether any link of somebody does something.
pub(crate) fn any_broken(picture: &Picture, name: &str) -> bool {
    picture.steering.links.keys().any(|(from, to)| from == name || to == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::postcode::PostcodeService;

    #[test]
    fn customers_never_talk_with_replicas_and_services_only_with_them() {
        let service = Actor::Service(PostcodeService::PostcodesIo);
        let role = Actor::Role;
        assert!(talk(role(Role::Replica), service) && talk(service, role(Role::Replica)));
        assert!(talk(role(Role::Replica), role(Role::Replica)));
        assert!(talk(role(Role::Customer), role(Role::NameServer)) && talk(role(Role::Customer), role(Role::FrontEnd)));
        assert!(!talk(role(Role::Customer), role(Role::Replica)));
        assert!(!talk(role(Role::Customer), role(Role::Customer)));
        assert!(!talk(role(Role::FrontEnd), service) && !talk(service, service));
        assert!(!talk(role(Role::FrontEnd), role(Role::FrontEnd)));
    }
}
