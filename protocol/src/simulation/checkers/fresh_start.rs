//! The operator's fresh start (PROTOCOL section 10): the one exception of I9, and the end of what was promised before.
//!
//! What the lost members alone held is lost, and nobody pretends otherwise: customers' answers of the old history are not
//! compared with the new one. All that is said and done in the new history is checked as before.

use super::Checkers;
use crate::ids::{NodeId, OpNumber, Position, View, ViewNumber};
use crate::replica::Replica;

impl Checkers {
    /// The operator says that all members of view `after` are dead, and who begins anew.
    pub fn ordered_fresh_start(&mut self, after: ViewNumber, primary: NodeId) {
        self.afresh = Some((after.next(), primary));
    }

    pub(super) fn is_ordered(&self, view: &View) -> bool {
        let ordered = self.afresh == Some((view.number, view.primary));
        ordered && view.begins_at.is_some() && view.members == [view.primary]
    }

    /// The view is recorded.
    pub(super) fn begin_anew(&mut self, view: ViewNumber) {
        self.afresh = None;
        self.begun_anew = Some(view);
        self.lost.push(std::mem::take(&mut self.chain));
        self.answers.begin_anew();
        self.answered_in.clear();
        self.answered = OpNumber(0);
        self.facts.iter_mut().for_each(|facts| facts.place = None);
    }

    /// Whether the view was before the last fresh start.
    pub(super) fn is_over(&self, view: ViewNumber) -> bool {
        self.begun_anew.is_some_and(|begun| view < begun)
    }

    /// Whether a replica still stands in a lost history.
    pub(super) fn is_of_the_past(&self, position: Position, replica: &Replica) -> bool {
        self.is_over(replica.view().number) || self.lost.iter().any(|chain| chain.find(position).is_some())
    }

    /// Where the history of a primary begins that is the first of it.
    pub(super) fn first_position(&self, position: Position, replica: &Replica) -> Option<Position> {
        if self.lost.is_empty() { replica.position_at(OpNumber(0)) } else { Some(position) }
    }
}
