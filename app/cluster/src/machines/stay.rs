//! This program as another cluster's guest, beside its own cluster: an agent on a thread, and how it stands.

use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use knowledge::machines::{Stay, StayIs, StayOver};
use protocol::ids::Role;

use super::agent::{self, News, Over, Wish};
use super::code::Code;
use crate::durable_folder::OnDisk;
use crate::interrupt::Interrupt;

/// A window shows its own cluster only.
const ORDERS_IN_A_TERMINAL: &str = "This code invites a customer, who orders at a prompt. In a terminal on this computer, type “just-hungry join” and the code; to run a replica here, ask for a code that invites a replica.";

/// A stay. Dropping it leaves, and waits until nothing runs here for the other cluster.
pub struct Staying {
    now: Arc<Mutex<Stay>>,
    interrupt: Interrupt,
    thread: Option<JoinHandle<()>>,
}

impl Staying {
    /// Knocks. Code, name, and the folder in which replicas keep their orders (empty: none), as a person typed them; `program` becomes
    /// a node. `wake` is called after each change, from any thread.
    pub fn begin(
        (code, name, folder): (&str, &str, &str),
        program: PathBuf,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let (now, interrupt) = (Arc::<Mutex<Stay>>::default(), Interrupt::default());
        let mut staying = Self { now, interrupt, thread: None };
        let over = |why: String| StayIs::Over(StayOver::NoWay(why));
        let code: Code = match code.parse() {
            Ok(code) => code,
            Err(why) => {
                lock(&staying.now).is = over(super::code::NoCode::to_string(&why));
                return staying;
            }
        };
        if code.role == Role::Customer {
            lock(&staying.now).is = over(ORDERS_IN_A_TERMINAL.to_owned());
            return staying;
        }
        let durable = Some(folder.trim()).filter(|folder| !folder.is_empty()).map(PathBuf::from);
        // What cannot be used is told at once, and no code is used up.
        if let Some(Err(error)) = durable.as_deref().map(OnDisk::all_in) {
            lock(&staying.now).is = over(format!("{}.", node::error_text::chain(&error)));
            return staying;
        }
        lock(&staying.now).is = StayIs::Dials;
        let name = Some(name.trim().to_owned()).filter(|name| !name.is_empty());
        let wish = Wish { code, name, role: None, program, durable };
        let (now, interrupt, wake) = (staying.now.clone(), staying.interrupt.clone(), Arc::new(wake));
        let started = std::thread::Builder::new().name("guest".into()).spawn(move || {
            let (sender, news) = channel();
            let (told, woken) = (now.clone(), wake.clone());
            let telling = std::thread::spawn(move || {
                for news in news {
                    take(&mut lock(&told), news);
                    woken();
                }
            });
            let ended = agent::live(&wish, &sender, &interrupt);
            drop(sender);
            drop(telling.join());
            let mut now = lock(&now);
            now.runs.clear();
            now.is = match ended {
                Ok(Over::Left) => StayIs::Over(StayOver::Left),
                Ok(Over::ClusterEnded) => StayIs::Over(StayOver::ClusterEnded),
                Ok(Over::NotAdmitted(why)) => StayIs::Over(StayOver::NotAdmitted(why)),
                Ok(Over::NoWay(why)) => over(why.to_string()),
                Err(error) => over(format!("{}.", node::error_text::chain(&error))),
            };
            drop(now);
            wake();
        });
        match started {
            Ok(thread) => staying.thread = Some(thread),
            Err(error) => lock(&staying.now).is = over(format!("This machine cannot join: {error}.")),
        }
        staying
    }

    /// There is no program that could become a node.
    pub fn impossible(why: &std::io::Error) -> Self {
        let why = format!("This machine cannot join: the program cannot find its own executable file ({why}).");
        let now = Stay { is: StayIs::Over(StayOver::NoWay(why)), ..Stay::default() };
        Self { now: Arc::new(Mutex::new(now)), interrupt: Interrupt::default(), thread: None }
    }

    /// How it is now.
    pub fn now(&self) -> Stay {
        lock(&self.now).clone()
    }

    /// Leaves, and does not wait for it.
    pub fn leave(&self) {
        let mut now = lock(&self.now);
        if now.goes_on() {
            now.is = StayIs::Leaves;
        }
        drop(now);
        self.interrupt.ask();
    }
}

impl Drop for Staying {
    fn drop(&mut self) {
        self.interrupt.ask();
        // A panic there has been told.
        self.thread.take().map(JoinHandle::join);
    }
}

fn take(now: &mut Stay, news: News) {
    let leaves = now.is == StayIs::Leaves;
    let becomes = match news {
        News::Waits => StayIs::Waits,
        News::Joined { name, at } => {
            (now.name, now.at) = (Some(name), Some(at));
            StayIs::Joined
        }
        News::Runs { name, pid } => {
            now.runs.retain(|(other, _)| *other != name);
            now.runs.push((name, pid));
            return;
        }
        News::Ended { name } => return now.runs.retain(|(other, _)| *other != name),
        News::Lost => StayIs::Lost,
        // Only who orders at a prompt has one.
        News::Customer(_) | News::NoCustomer(_) | News::CustomerRemoved => return,
        News::Slept => {
            now.slept = true;
            return;
        }
    };
    if !leaves {
        now.is = becomes;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_code_is_told_at_once() {
        let staying = Staying::begin(("hello", "", ""), "/nowhere".into(), || {});
        let StayIs::Over(StayOver::NoWay(why)) = staying.now().is else { unreachable!("it has not begun") };
        assert!(why.starts_with("This is not a code"), "{why}");
    }

    fn code(role: Role) -> String {
        let (addresses, authority, secret) = (vec![[127, 0, 0, 1].into()], [7; 32], [9; 16]);
        Code { addresses, port: 9, authority, role, secret }.to_string()
    }

    #[test]
    fn a_code_for_a_customer_is_for_a_terminal() {
        let staying = Staying::begin((&code(Role::Customer), "", ""), "/nowhere".into(), || {});
        let StayIs::Over(StayOver::NoWay(why)) = staying.now().is else { unreachable!("it has not begun") };
        assert!(why.contains("In a terminal on this computer, type “just-hungry join”"), "{why}");
    }

    #[test]
    fn a_folder_that_cannot_keep_orders_is_told_before_anything_is_dialled() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("notes");
        std::fs::write(&file, "mine").unwrap();
        let mut bad = vec![file.clone(), place.path().join("missing").join("orders")];
        // Nobody can write there, not even an administrator.
        bad.extend(cfg!(target_os = "linux").then(|| PathBuf::from("/proc")));
        for folder in bad {
            let folder = folder.to_str().unwrap();
            let staying = Staying::begin((&code(Role::Replica), "", folder), "/nowhere".into(), || {});
            let StayIs::Over(StayOver::NoWay(why)) = staying.now().is else { unreachable!("{folder} was taken") };
            let said = format!("The folder {folder} cannot be used for durable orders: ");
            assert!(why.starts_with(&said) && why.ends_with('.') && why.len() > said.len() + 5, "{why}");
        }
        assert_eq!(std::fs::read_to_string(file).unwrap(), "mine");
        let good = place.path().join("orders");
        let staying = Staying::begin((&code(Role::Replica), "", good.to_str().unwrap()), "/nowhere".into(), || {});
        assert!(!matches!(staying.now().is, StayIs::Over(StayOver::NoWay(why)) if why.contains("folder")));
        assert!(std::fs::read_dir(good).unwrap().next().is_none(), "nothing is left of the trial");
    }

    #[test]
    fn news_are_what_is_shown() {
        let mut now = Stay { is: StayIs::Dials, ..Stay::default() };
        let name = || "anna".to_owned();
        take(&mut now, News::Joined { name: name(), at: [10, 0, 0, 1].into() });
        take(&mut now, News::Runs { name: "replica-4".into(), pid: 7 });
        take(&mut now, News::Runs { name: "replica-4".into(), pid: 8 });
        assert_eq!((now.is.clone(), now.name.clone()), (StayIs::Joined, Some(name())));
        assert_eq!(now.runs, [("replica-4".to_owned(), 8)]);
        take(&mut now, News::Ended { name: "replica-4".into() });
        assert!(now.runs.is_empty());
        now.is = StayIs::Leaves;
        take(&mut now, News::Lost);
        assert_eq!(now.is, StayIs::Leaves, "a person has asked to leave");
    }
}
