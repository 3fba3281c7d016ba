//! From the command line to the window or a command, and from whatever happens to an exit status and a sentence.
//!
//! Nothing is done here. A panic anywhere is shown as a sentence, and ends the program with status 70.

#[cfg(feature = "window")]
mod display;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;

use crate::headless::{self, Arguments, Closed, Exit, Failure, warn};

/// Said where the program was built without a window and given no command.
#[cfg(not(feature = "window"))]
const NO_WINDOW: &str =
    "This program was built without its window. Give it a command, such as `demo`; `--help` lists them.";

/// What the program is when it is not a node.
pub fn run() -> ExitCode {
    std::panic::set_hook(Box::new(show_fault));
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(answer) => {
            // Help and version are answers too. If nobody reads them, that is no fault.
            let _ = answer.print();
            return ExitCode::from(if answer.use_stderr() { Exit::BadInput as u8 } else { 0 });
        }
    };
    let done = catch_unwind(AssertUnwindSafe(|| match arguments.command {
        #[cfg(feature = "window")]
        None => display::window_or_demo(&arguments.gui),
        #[cfg(feature = "window")]
        Some(headless::Command::Gui(kind)) => display::window_or_demo(&kind),
        #[cfg(not(feature = "window"))]
        None => Err(Failure::BadInput(NO_WINDOW.into())),
        Some(command) => headless::perform(command),
    }));
    ExitCode::from(match done {
        Ok(Ok(exit)) => exit as u8,
        Ok(Err(failure)) => status_of(&failure),
        Err(_) => Exit::InternalFault as u8,
    })
}

fn status_of(failure: &Failure) -> u8 {
    let exit = match failure {
        Failure::BadInput(_) => Exit::BadInput,
        Failure::Undecided(_) => Exit::Undecided,
        // The reader has closed our output: end quietly.
        Failure::Fault(error) if error.is::<Closed>() => return Exit::Holds as u8,
        Failure::Fault(_) => Exit::InternalFault,
    };
    warn(failure);
    exit as u8
}

fn show_fault(fault: &std::panic::PanicHookInfo<'_>) {
    let what = fault.payload_as_str().unwrap_or("no reason given");
    let place = fault.location().map(|at| format!(" ({}:{})", at.file(), at.line())).unwrap_or_default();
    #[cfg(feature = "window")]
    if display::takes(what) || window::broken::takes(&format!("{what}{place}")) {
        return;
    }
    warn(format!("Internal fault: {what}{place}. This is a fault in Just Hungry; please report it."));
}
