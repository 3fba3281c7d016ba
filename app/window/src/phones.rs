//! Phones that order and vote: what the window lets them do, and the box in which it is switched on.
//!
//! Their commands are on the tape as any other. The room itself, with its page, belongs to the app (`exchange`).

use egui::Ui;
use room::{Address, Ballot, Room, Standing, Voting};

use crate::Window;
use crate::panels::lesson::PhoneVotes;
use crate::panels::phones::{PhonesClick, PhonesState, phones_ui};
use knowledge::tape::Entry;
use knowledge::user_command::UserCommand;
use scenarios::Question;
use scenarios::lesson_run::{Answer, Fact, Progress, Votes};

/// What the window knows of the room.
#[derive(Default)]
pub(crate) struct Phones {
    state: PhonesState,
    standing: Standing,
    /// Those of this computer, while the box is open.
    addresses: Vec<Address>,
    clicked: Option<PhonesClick>,
}

impl Window {
    /// The box, while it is open.
    pub(super) fn phones_box(&mut self, ui: &Ui) {
        if !self.toolbar.phones {
            return self.phones.addresses.clear();
        }
        if self.phones.addresses.is_empty() {
            self.phones.addresses = room::addresses();
        }
        let Phones { state, standing, addresses, clicked } = &mut self.phones;
        *clicked = phones_ui(ui, standing, addresses, state, &mut self.toolbar.phones).or(clicked.take());
    }

    /// What was clicked in the box.
    pub fn take_phones_click(&mut self) -> Option<PhonesClick> {
        self.phones.clicked.take()
    }

    /// The page could not be opened.
    pub fn phones_cannot_come(&mut self, why: String) {
        self.phones.state.trouble = Some(why);
    }

    /// How the room is now, and what its phones have voted for.
    pub fn phones_are(&mut self, standing: Standing, votes: Votes) {
        let is_open = standing.link.is_some();
        if is_open {
            self.phones.state.trouble = None;
        }
        let phones = standing.phones;
        self.toolbar.phones_now = is_open.then_some(phones);
        self.lessons.state.phones = (is_open && phones > 0).then_some(PhoneVotes { votes, phones });
        self.phones.standing = standing;
    }

    /// Addresses as they are on another computer.
    pub fn lives_at(&mut self, addresses: Vec<Address>) {
        self.phones.addresses = addresses;
    }

    /// Whether phones may order: not in a script's cluster, which must be what it expects, and not without one.
    pub fn takes_phone_orders(&self) -> bool {
        !self.alone && !self.performs() && !self.teaches() && self.beginning.is_none()
    }

    /// What phones have asked for is on the tape from now on. It is about the present, also while the past is shown.
    pub fn hand_over_from_phones(&mut self, commands: &[UserCommand]) {
        for command in commands {
            self.has_asked_for(command);
            self.record(command);
            let at = self.picture.now;
            self.take_in(Entry::Command { at, command: command.clone() });
        }
    }

    /// What phones vote on: the question of the lesson's open page.
    pub fn ballot(&self) -> Option<Ballot> {
        let performing = self.performing.as_ref()?;
        let run = performing.lesson_run()?;
        let (page, progress) = run.page(run.at()).filter(|(_, progress)| progress.opened.is_some())?;
        let choices = match &page.prediction.as_ref()?.question {
            Question::Choice(choices, _) => {
                choices.iter().map(|choice| (choice.letter.clone(), choice.text.plain())).collect()
            }
            Question::Number(..) => Vec::new(),
            Question::Node(..) => return None,
        };
        let is_open = progress.progress == Progress::Open
            && self.lessons.looks_at.is_none()
            && self.lessons.state.takes_votes(run.at());
        let standing = match (&progress.fact, is_open) {
            (Some(Fact::Is(Answer::Choice(choice))), _) => Voting::Happened(Some(*choice as u64)),
            (Some(Fact::Is(Answer::Number(number))), _) => Voting::Happened(Some(*number)),
            (Some(Fact::Is(Answer::Node(_)) | Fact::Other), _) => Voting::Happened(None),
            (None, true) => Voting::Open,
            (None, false) => Voting::Closed,
        };
        // A round that is closed is still the one that phones have voted in.
        let round = if is_open { progress.votes.len() } else { progress.votes.len().saturating_sub(1) };
        let id = format!("{}/{}/{round}", performing.wanted().name, page.id);
        Some(Ballot { id, question: page.title.clone(), text: page.text.plain(), choices, standing })
    }
}

/// Does what was clicked; if the page cannot be opened, says why.
pub(crate) fn follow_click(
    room: &mut Option<Room>,
    click: PhonesClick,
    wake: impl Fn() + Send + Sync + 'static,
) -> Result<(), String> {
    match click {
        PhonesClick::Close => {
            room.iter_mut().for_each(Room::close);
            Ok(())
        }
        PhonesClick::Open { address, most } => {
            let opened = match room {
                Some(room) => room.open(address, None, most),
                None => Room::new(wake).and_then(|new| room.insert(new).open(address, None, most)),
            };
            opened.map(drop).map_err(|why| wording::room_not_opened(address, &node::error_text::chain(&why)))
        }
    }
}
