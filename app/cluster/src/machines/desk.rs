//! What a window asks of its cluster about other machines: asked on a thread of its own, so that no frame waits for an answer.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use knowledge::machines::{AskedOfMachines, MachinesStatus};

use super::Invitation;
use crate::Inquirer;

/// What was answered: how it is, or a sentence why something cannot be done.
pub type Answer = Result<MachinesStatus, String>;

/// Takes questions until it is dropped.
pub struct Desk {
    questions: Sender<AskedOfMachines>,
    answers: Arc<Mutex<Vec<Answer>>>,
}

impl Desk {
    /// `wake` is called after each answer, from any thread.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn open(inquirer: Inquirer, wake: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let (questions, asked) = channel();
        let answers = Arc::<Mutex<Vec<Answer>>>::default();
        let given = answers.clone();
        std::thread::Builder::new().name("machines".into()).spawn(move || answer(&inquirer, &asked, &given, wake))?;
        Ok(Self { questions, answers })
    }

    pub fn ask(&self, asked: AskedOfMachines) {
        // Its thread ends with this only.
        let _ = self.questions.send(asked);
    }

    /// What was answered since the last time.
    pub fn take_answers(&self) -> Vec<Answer> {
        std::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn answer(inquirer: &Inquirer, asked: &Receiver<AskedOfMachines>, given: &Mutex<Vec<Answer>>, wake: impl Fn()) {
    while let Ok(question) = asked.recv() {
        let done = match question {
            AskedOfMachines::Look => Ok(()),
            AskedOfMachines::Invite(role) => inquirer.invite(Invitation { role, advertise: Vec::new() }).map(drop),
            AskedOfMachines::Decide { machine, admitted } => inquirer.decide(&machine, admitted),
            AskedOfMachines::AdmitAll(all) => inquirer.admit_all(all),
            AskedOfMachines::EndInvitation => inquirer.end_invitation(),
        };
        let refused = done.err().map(|error| Err(node::error_text::chain(&error)));
        let now = inquirer.machines().map_err(|error| node::error_text::chain(&error));
        given.lock().unwrap_or_else(PoisonError::into_inner).extend([now].into_iter().chain(refused));
        wake();
    }
}
