//! Lines from a person, with editing and history where there is a terminal, and sentences to the person that do not
//! disturb the line being typed.

use std::io::IsTerminal;
use std::thread;

use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{Config, Editor, ExternalPrinter};

use crate::headless::lines::{self, Line};
use crate::headless::{Failure, say};

/// The way to the person.
pub(super) enum Prompt {
    /// An editor reads the line; what is said is printed above it.
    Terminal(Box<dyn ExternalPrinter + Send>),
    Plain,
}

impl Prompt {
    /// Begins to read. `hear` is given each line, and none at the end of the input; false: nobody listens any more.
    pub fn begin(
        words: String,
        plain: bool,
        hear: impl FnMut(Option<Line>) -> bool + Send + 'static,
    ) -> Result<Self, Failure> {
        let looked_at = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        if plain || !looked_at {
            lines::of_standard_input(hear)?;
            return Ok(Prompt::Plain);
        }
        let cannot =
            |error: ReadlineError| Failure::Fault(anyhow::Error::new(error).context("the terminal cannot be used"));
        let mut editor: Editor<(), MemHistory> =
            Editor::with_history(Config::default(), MemHistory::new()).map_err(cannot)?;
        let printer = editor.create_external_printer().map_err(cannot)?;
        thread::Builder::new().name("input".into()).spawn(move || edit(&mut editor, &words, hear))?;
        Ok(Prompt::Terminal(Box::new(Printing(printer))))
    }

    pub fn is_terminal(&self) -> bool {
        matches!(self, Prompt::Terminal(_))
    }

    pub fn say(&mut self, words: &str) -> Result<(), Failure> {
        match self {
            Prompt::Plain => say(words),
            // A terminal that has gone is noticed by the thread that reads.
            Prompt::Terminal(printer) => {
                let _ = printer.print(format!("{words}\n"));
                Ok(())
            }
        }
    }
}

/// The editor's printer, whatever its type.
struct Printing<P>(P);

impl<P: ExternalPrinter> ExternalPrinter for Printing<P> {
    fn print(&mut self, words: String) -> rustyline::Result<()> {
        self.0.print(words)
    }
}

/// Until the person ends it: Ctrl+D, Ctrl+C, or the terminal is gone.
fn edit(editor: &mut Editor<(), MemHistory>, words: &str, mut hear: impl FnMut(Option<Line>) -> bool) {
    while let Ok(line) = editor.readline(words) {
        let said = if line.trim().is_empty() { Line::Blank } else { Line::Words(line.trim().to_owned()) };
        // A history that is full forgets its oldest line.
        let _ = editor.add_history_entry(line);
        if !hear(Some(said)) {
            return;
        }
    }
    hear(None);
}
