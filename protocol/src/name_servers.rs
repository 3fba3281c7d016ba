//! The name servers that a process knows, and the one that it asks.
//!
//! With a journal there is one. Where the view record is in a store that several name servers use (PROTOCOL section 10),
//! names are registered with all of them, and any one can be asked: the same one as long as it answers.

use crate::ids::Contact;

/// All name servers of the cluster. There is at least one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NameServers {
    all: Vec<Contact>,
    /// A place in the list.
    asked: usize,
    /// It was asked and has not answered since.
    waits: bool,
}

impl From<Contact> for NameServers {
    fn from(only: Contact) -> Self {
        Self { all: vec![only], asked: 0, waits: false }
    }
}

impl NameServers {
    /// All that were told. None: nothing was told.
    #[must_use]
    pub fn of(all: &[Contact]) -> Option<Self> {
        (!all.is_empty()).then(|| Self { all: all.to_vec(), asked: 0, waits: false })
    }

    /// Those with whom a name is registered.
    #[must_use]
    pub fn all(&self) -> &[Contact] {
        &self.all
    }

    /// The one that is asked now.
    #[must_use]
    pub fn asked(&self) -> Contact {
        self.all[self.asked]
    }

    /// To ask it: from now on an answer is awaited.
    pub fn ask(&mut self) -> Contact {
        self.waits = self.all.len() > 1;
        self.asked()
    }

    /// An answer came.
    pub fn answered(&mut self, from: Contact) {
        if from == self.asked() {
            self.waits = false;
        }
    }

    /// An answer is overdue, or it never will come: the next question goes to the next one.
    pub fn go_on_if_unanswered(&mut self) {
        if std::mem::take(&mut self.waits) {
            self.asked = (self.asked + 1) % self.all.len();
        }
    }

    /// The connection to a peer closed. Whether it was the one that is asked, and there is another one to be asked now.
    pub fn lost(&mut self, peer: Contact) -> bool {
        let another = self.all.len() > 1 && peer == self.asked();
        if another {
            self.waits = true;
            self.go_on_if_unanswered();
        }
        another
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;

    fn contact(id: u64) -> Contact {
        Contact { id: NodeId(id), address: ([127, 0, 0, 1], 9000 + id as u16).into() }
    }

    #[test]
    fn the_one_that_answers_is_asked_again_and_a_silent_one_is_not() {
        assert_eq!(NameServers::of(&[]), None);
        let mut known = NameServers::of(&[contact(1), contact(2)]).unwrap();
        known.go_on_if_unanswered();
        assert_eq!(known.ask(), contact(1), "nothing was asked");
        known.answered(contact(2));
        known.go_on_if_unanswered();
        assert_eq!(known.ask(), contact(2), "another one's answer does not count");
        known.answered(contact(2));
        known.go_on_if_unanswered();
        assert_eq!(known.asked(), contact(2));
        assert!(!known.lost(contact(1)) && known.lost(contact(2)));
        assert_eq!(known.ask(), contact(1));
    }

    #[test]
    fn one_alone_is_asked_for_ever() {
        let mut known = NameServers::from(contact(1));
        assert_eq!(known.ask(), contact(1));
        known.go_on_if_unanswered();
        assert!(!known.lost(contact(1)));
        assert_eq!((known.asked(), known.all()), (contact(1), &[contact(1)][..]));
    }
}
