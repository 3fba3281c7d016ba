//! The window, if there can be one; else the same demonstration in the terminal.
//!
//! Only the attempt shows whether a display can be used: whatever goes wrong before there is a window, by an error or by a
//! panic of a library that misses another one, is told in one sentence and leads to the terminal.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use protocol::acknowledge::Acknowledge;
use protocol::machine::Settings;
use protocol::trace::TraceRecord;

use crate::headless::{self, Exit, Failure, WindowKind, demo, signals, warn};
use cluster::machines::desk::Desk;
use cluster::machines::stay::Staying;
use cluster::run_directory::HISTORY;
use cluster::{Cluster, ClusterOptions, NAME_SERVERS_WITH_ETCD, ViewRecord};
use knowledge::machines::{AskedOfMachines, MachinesStatus, Stay};
use knowledge::tape;
use knowledge::user_command::UserCommand;
use scenarios::SetUp;
use scenarios::scenario_run::load_driver::{LoadDriver, LoadThread};
use window::displays::{Choice, Named};
use window::{Beginning, RunningCluster, file_name, run_tape_window, run_window};

/// What the window needs at run time, on Debian and its kin (each found by taking it away).
const APT: &str = "sudo apt install libx11-6 libx11-xcb1 libxcursor1 libxi6 libxkbcommon-x11-0 libgl1";

/// The longest wait for a cluster that is still starting when the window is closed.
const LONGEST_END: Duration = Duration::from_secs(5);

/// Whether a window is being opened just now.
static OPENING: AtomicBool = AtomicBool::new(false);
/// What a library said as it gave up while a window was being opened.
static GAVE_UP: Mutex<Option<String>> = Mutex::new(None);

/// Opens the window on a running cluster, or on a tape. Where that is impossible, says why in one sentence and runs
/// `demo`, or tells what is on the tape.
///
/// # Errors
/// When the cluster cannot be started, or the tape not be opened; as `demo`.
pub(super) fn window_or_demo(kind: &WindowKind) -> Result<Exit, Failure> {
    let options = kind.cluster.options()?;
    let set_up = kind.set_up()?;
    let interrupt = signals::listen()?;
    let options = ClusterOptions { interrupt: interrupt.clone(), ..options };
    let why = match (missing_display(), &kind.tape) {
        (Some(why), _) => Some(why),
        (None, None) => open_window(options, set_up)?,
        (None, Some(file)) => {
            let opened = tape::open(file).map_err(|error| Failure::BadInput(error.to_string()))?;
            let name = file_name(file);
            let no_cluster = move |wake| {
                is_open();
                Restartable::without(options, wake)
            };
            attempt(&Refused::default(), || run_tape_window(name, opened, no_cluster))?
        }
    };
    let Some(why) = why else { return Ok(Exit::Holds) };
    if let Some(file) = &kind.tape {
        warn(format!("No window can be opened here: {why}. The tape is shown in the terminal."));
        signals::end_when_asked(&interrupt, "Stopped before the end of the tape.");
        return headless::replay(file);
    }
    warn(format!(
        "No window can be opened here: {why}. (If a library is missing: {APT}.) The demonstration runs in the terminal instead."
    ));
    demo::perform(&demo::DemoArguments { cluster: kind.cluster.clone(), json: false }, &interrupt)
}

/// A panic's words, if it happened while a window was being opened: then they are an answer, not a fault.
pub(super) fn takes(words: &str) -> bool {
    let opening = OPENING.load(Ordering::Relaxed);
    if opening && let Ok(mut gave_up) = GAVE_UP.lock() {
        *gave_up = Some(words.to_owned());
    }
    opening
}

/// None: there was a window, and it was closed. Else: why there was none.
fn open_window(options: ClusterOptions, set_up: Option<SetUp>) -> Result<Option<String>, Failure> {
    let refused = Refused::default();
    let told = refused.clone();
    attempt(&refused, || {
        let usual = set_up_of(&options);
        let set_up = set_up.unwrap_or_else(|| usual.clone());
        let first = options_of(&set_up, &options);
        run_window(set_up, usual, move |wake| {
            is_open();
            let mut window = Restartable::without(options, wake);
            match launch(first, &window.wake) {
                Ok(cluster) => window.cluster = Some(cluster),
                Err(error) => {
                    let why = node::error_text::chain(&error);
                    *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(headless::not_started(error));
                    anyhow::bail!(why);
                }
            }
            Ok(window)
        })
    })
}

type Wake = Arc<dyn Fn() + Send + Sync>;

/// Why the cluster of a window did not start: the window's library would keep the words only.
type Refused = Arc<Mutex<Option<Failure>>>;

fn launch(options: ClusterOptions, wake: &Wake) -> anyhow::Result<Cluster> {
    let cluster = Cluster::launch(options)?;
    headless::open_status_socket(&cluster)?;
    let wake = wake.clone();
    cluster.wake_with(move || wake());
    Ok(cluster)
}

/// A cluster that begins like this, else as the program was started.
fn options_of(set_up: &SetUp, usual: &ClusterOptions) -> ClusterOptions {
    ClusterOptions {
        replicas: set_up.replicas,
        settings: set_up.settings.clone(),
        default_customers: set_up.customers.is_none(),
        durable_in_run: set_up.durable,
        ..usual.clone()
    }
}

/// How the program was started, as a set-up.
fn set_up_of(options: &ClusterOptions) -> SetUp {
    SetUp {
        replicas: options.replicas,
        settings: options.settings.clone(),
        durable: options.durable_in_run,
        ..SetUp::default()
    }
}

/// A cluster in whose place another can be started, on a thread: the window waits for no process.
struct Restartable {
    options: ClusterOptions,
    wake: Wake,
    cluster: Option<Cluster>,
    coming: Option<Receiver<anyhow::Result<Cluster>>>,
    now: u64,
    /// Once something was asked about the other machines of this cluster.
    desk: Option<Desk>,
    /// Once this machine was to join another cluster; it outlives clusters here.
    staying: Option<Staying>,
}

impl Restartable {
    /// None runs yet. While the window's library does not listen, a signal still ends the program.
    fn without(options: ClusterOptions, wake: Box<dyn Fn() + Send + Sync>) -> Self {
        let wake: Wake = Arc::from(wake);
        let woken = wake.clone();
        options.interrupt.when_asked(move || {
            woken();
            std::thread::spawn(|| {
                std::thread::sleep(LONGEST_END);
                std::process::exit(Exit::Holds as i32);
            });
        });
        Self { options, wake, cluster: None, coming: None, now: 0, desk: None, staying: None }
    }
}

impl Drop for Restartable {
    fn drop(&mut self) {
        // A cluster that is just being started is ended in order, too, and its folder with it.
        if let Some(coming) = self.coming.take() {
            drop(coming.recv_timeout(LONGEST_END));
        }
    }
}

/// There is a window: from now on a panic is a fault.
fn is_open() {
    OPENING.store(false, Ordering::Relaxed);
}

fn attempt(refused: &Refused, open: impl FnOnce() -> eframe::Result) -> Result<Option<String>, Failure> {
    OPENING.store(true, Ordering::Relaxed);
    let shown = catch_unwind(AssertUnwindSafe(open));
    let opening = OPENING.swap(false, Ordering::Relaxed);
    match shown {
        Ok(Ok(())) => Ok(None),
        Ok(Err(eframe::Error::AppCreation(error))) => {
            let refused = refused.lock().unwrap_or_else(PoisonError::into_inner).take();
            Err(refused.unwrap_or_else(|| {
                Failure::Fault(anyhow::Error::from_boxed(error).context("The window cannot be opened"))
            }))
        }
        Ok(Err(error)) if opening => Ok(Some(reason(&error))),
        Ok(Err(error)) => Err(Failure::Fault(anyhow::anyhow!("The window stopped: {}", one_line(&error.to_string())))),
        Err(_) if opening => {
            let words = GAVE_UP.lock().ok().and_then(|mut gave_up| gave_up.take());
            Ok(Some(one_line(&words.unwrap_or_else(|| "a graphics library failed".into()))))
        }
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Why there was no window, for people.
fn reason(error: &eframe::Error) -> String {
    match error {
        eframe::Error::NoGlutinConfigs(..) | eframe::Error::Glutin(_) | eframe::Error::OpenGL(_) => {
            "no usable OpenGL was found, neither a driver nor a software renderer".into()
        }
        // "os error at some/file.rs:788: Failed to …": only the last part is for people.
        other => one_line(other.to_string().rsplit(".rs:").next().unwrap_or_default())
            .trim_start_matches(|c: char| c.is_ascii_digit() || c == ':' || c == ' ')
            .to_owned(),
    }
}

/// Libraries tell stories; one line of at most 200 characters is a sentence.
fn one_line(words: &str) -> String {
    let line: String = words.lines().next().unwrap_or_default().chars().take(200).collect();
    line.trim_end_matches('.').to_owned()
}

/// Why there is no display, as far as that can be seen beforehand.
fn missing_display() -> Option<String> {
    match Named::by_environment().choose() {
        Choice::Nowhere(why) if cfg!(all(unix, not(target_os = "macos"))) => Some(why),
        Choice::Nowhere(_) | Choice::Usual | Choice::X11 => None,
    }
}

impl RunningCluster for Restartable {
    fn perform(&mut self, command: UserCommand) {
        if let Some(cluster) = &mut self.cluster {
            cluster.perform(command);
        }
    }

    fn take_facts(&mut self) -> Vec<TraceRecord> {
        self.cluster.as_mut().map(Cluster::take_facts).unwrap_or_default()
    }

    fn now(&self) -> u64 {
        self.cluster.as_ref().map_or(self.now, Cluster::now)
    }

    fn begin_again(&mut self, beginning: Beginning) {
        // A second request replaces the first one, which ends with its receiver.
        self.now = self.now();
        let before = self.cluster.take();
        self.desk = None;
        let options = match beginning {
            Beginning::SetUp(set_up) => options_of(&set_up, &self.options),
            Beginning::Empty { replicas, sessions, etcd, durable: durable_in_run } => {
                let (name_servers, view_record) = match etcd {
                    true => (NAME_SERVERS_WITH_ETCD, ViewRecord::OwnEtcd),
                    false => (self.options.name_servers, self.options.view_record.clone()),
                };
                // Scripts say themselves how many copies an answer waits for.
                let acknowledge = Acknowledge::All;
                let settings = Settings { most_sessions: sessions, acknowledge, ..self.options.settings.clone() };
                let usual = self.options.clone();
                ClusterOptions {
                    replicas,
                    settings,
                    default_customers: false,
                    name_servers,
                    view_record,
                    // A script begins with empty disks.
                    durable: None,
                    durable_in_run,
                    ..usual
                }
            }
        };
        let (sender, coming) = channel();
        let (earlier, wake) = (self.coming.replace(coming), self.wake.clone());
        std::thread::spawn(move || {
            drop(before);
            // Its folder must be free again.
            if let Some(earlier) = earlier {
                drop(earlier.recv());
            }
            let _ = sender.send(launch(options, &wake));
            wake();
        });
    }

    fn load_driver(&mut self, epoch: Instant) -> Result<Box<dyn LoadDriver>, String> {
        let cluster = self.cluster.as_ref().ok_or("No cluster is running.")?;
        let history = cluster.directory().join(HISTORY);
        let load_driver = LoadThread::begin(cluster.inquirer(), cluster.clock(), true, epoch, &history)
            .map_err(|error| format!("{}.", node::error_text::chain(&error)))?;
        Ok(Box::new(load_driver))
    }

    fn has_begun_again(&mut self) -> Option<Result<(), String>> {
        let outcome = self.coming.as_ref()?.try_recv().ok()?;
        self.coming = None;
        Some(match outcome {
            Ok(cluster) => {
                self.cluster = Some(cluster);
                Ok(())
            }
            Err(error) => Err(format!("The cluster cannot start: {}", node::error_text::chain(&error))),
        })
    }

    fn ask_of_machines(&mut self, asked: AskedOfMachines) {
        let Some(cluster) = &self.cluster else { return };
        if self.desk.is_none() {
            let wake = self.wake.clone();
            // Without a thread there is no answer, and it is asked again.
            self.desk = Desk::open(cluster.inquirer(), move || wake()).ok();
        }
        if let Some(desk) = &self.desk {
            desk.ask(asked);
        }
    }

    fn answers_about_machines(&mut self) -> Vec<Result<MachinesStatus, String>> {
        self.desk.as_ref().map(Desk::take_answers).unwrap_or_default()
    }

    fn join(&mut self, code: &str, name: &str, folder: &str) {
        let wake = self.wake.clone();
        // The last one has ended, or does so first.
        self.staying = None;
        self.staying = Some(match std::env::current_exe() {
            Ok(program) => Staying::begin((code, name, folder), program, move || wake()),
            Err(error) => Staying::impossible(&error),
        });
    }

    fn leave(&mut self) {
        if let Some(staying) = &self.staying {
            staying.leave();
        }
    }

    fn stay(&self) -> Stay {
        self.staying.as_ref().map(Staying::now).unwrap_or_default()
    }

    fn is_asked_to_end(&self) -> bool {
        self.options.interrupt.is_asked()
    }
}
