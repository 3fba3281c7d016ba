//! `lesson NAME|FILE`: a lesson in the terminal. Pages are printed, predictions asked, and the narrator tells what the processes do.
//!
//! What happens is the lesson's run's matter; here it is shown, and lines of the input become what a click is in the window.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use protocol::trace::TraceRecord;
use serde_json::json;

use super::lines::{self, Line};
use super::play::{Witness, perform as play};
use super::run::exit;
use super::trace_file::TraceFile;
use super::{Exit, Failure, check, launch_open, places, say, say_json};
use cluster::ClusterOptions;
use cluster::interrupt::Interrupt;
use cluster::run_directory::HISTORY;
use knowledge::picture::Picture;
use knowledge::recognition::Kind;
use protocol::machine::Settings;
use scenarios::lesson_run::{Answer, LessonRun, Progress};
use scenarios::{LESSONS, Lesson, Page, Question, TRANSLATIONS, built_in_lesson, parse_lesson, read_lesson, translate};
use wording::narrator::Narrator;

/// Pages are broken at this width, in characters.
const WIDTH: usize = 96;

/// Which lesson, and how.
#[derive(Debug, clap::Args)]
pub struct LessonArguments {
    /// A built-in lesson, by name or number, or a file.
    #[arg(required_unless_present = "list")]
    lesson: Option<String>,
    /// List the built-in lessons.
    #[arg(long)]
    list: bool,
    /// Turn the pages and answer yourself, or let the lesson do both with its model answers, at full speed.
    #[arg(long, value_enum, default_value_t)]
    answers: Answers,
    /// The language of the text, such as “de”, if there is a translation. The translation of a file is next to it, with
    /// “.de” before “.md”.
    #[arg(long, value_name = "LANGUAGE")]
    language: Option<String>,
    /// UNSAFE: allow the lesson to switch on bugs.
    #[arg(long)]
    allow_plant: bool,
    /// Write all facts about the cluster to this file, as JSON lines.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Print the result as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Where the answers come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Answers {
    /// A person at the terminal.
    #[default]
    Mine,
    /// The lesson itself.
    Model,
}

pub(super) fn perform(arguments: &LessonArguments, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let Some(name) = arguments.lesson.as_deref().filter(|_| !arguments.list) else { return list() };
    let script = built_in_lesson(name).is_none().then_some(Path::new(name));
    let files = [("the lesson", script), ("the facts", arguments.trace.as_deref())];
    places::must_differ(files.into_iter().filter_map(|(what, path)| Some((what, path?))))?;
    let lesson = find(name, arguments.language.as_deref())?;
    let first = lesson.unsafe_switches().next();
    if let Some(switch) = first.filter(|_| !arguments.allow_plant) {
        return Err(Failure::BadInput(format!(
            "{} Use --allow-plant to take it anyway.",
            wording::switches_on("lesson", switch)
        )));
    }
    let is_model = arguments.answers == Answers::Model;
    let settings = Settings { most_sessions: lesson.world.sessions, ..Settings::default() };
    let usual = ClusterOptions::usual()?;
    let options = ClusterOptions {
        default_customers: false,
        replicas: lesson.world.replicas,
        durable_in_run: lesson.world.durable,
        settings,
        interrupt: interrupt.clone(),
        ..usual
    };
    let mut reader = Reader { trace: TraceFile::create(arguments.trace.as_deref())?, ..Reader::default() };
    say(format!("{} ({} minutes)\n{}", lesson.title, lesson.minutes, broken(&lesson.goal)))?;
    let cluster = launch_open(options)?;
    let history = cluster.directory().join(HISTORY);
    if !is_model {
        say(KEYS)?;
        reader.input = Some(input()?);
    }
    let pages = if is_model { lesson.pages.len() } else { 0 };
    let (outcome, run) =
        play(cluster, |load, now| LessonRun::open(lesson, load, false, pages, now), &history, &mut reader, interrupt)?;
    say_end(&run)?;
    say(format!("Verdict: {}", wording::result(&outcome, first)))?;
    let unlike = if is_model { unlike_the_model(&run) } else { Vec::new() };
    if arguments.json {
        let pages = run.pages().map(|(page, run)| json!({"id": page.id, "done": run.progress == Progress::Done}));
        say_json(&json!({
            "verdict": outcome.conclusion,
            "caught": outcome.caught,
            "acknowledged": outcome.finished.counts.acknowledged,
            "pages": pages.collect::<Vec<_>>(),
            "unlike_the_model": unlike,
        }))?;
    }
    if is_model && !unlike.is_empty() {
        return Err(Failure::Undecided(format!(
            "The processes did not do what the lesson says: {}",
            unlike.join("; ")
        )));
    }
    // A bug that a lesson switches on, and that was caught, is what the lesson is about.
    Ok(if outcome.caught { Exit::Holds } else { exit(outcome.conclusion) })
}

const KEYS: &str = "Enter goes on. A letter, a number or a node's name answers a question. d does what the page asks for, s skips \
                    the page, q ends the lesson.";

fn list() -> Result<Exit, Failure> {
    for (number, (name, text)) in LESSONS.into_iter().enumerate() {
        let lesson = parse_lesson(text).map_err(anyhow::Error::from)?;
        say(format!("{:>2}  {name:<22} {} ({} minutes)", number + 1, lesson.title, lesson.minutes))?;
    }
    Ok(Exit::Holds)
}

/// A built-in lesson by name or number, or one from a file.
fn find(name: &str, language: Option<&str>) -> Result<Lesson, Failure> {
    let refused = |name: &str, error| Failure::BadInput(format!("{name}: {error}"));
    let Some((built_in, text)) = built_in_lesson(name) else {
        let path = Path::new(name);
        if !path.exists() {
            return Err(Failure::BadInput(format!(
                "There is no lesson “{}” and no such file. `just-hungry lesson --list` names the built-in lessons.",
                protocol::text::shown(name, 60)
            )));
        }
        let lesson = read_lesson(check::open_as(Kind::Lesson, path)?)?.map_err(|error| refused(name, error))?;
        let Some(language) = language else { return Ok(lesson) };
        let beside = path.with_extension(format!("{language}.md"));
        let words = std::fs::read_to_string(&beside)
            .map_err(|error| Failure::BadInput(format!("{}: {}", beside.display(), node::error_text::io(&error))))?;
        return translate(&lesson, &words).map_err(|error| refused(&beside.display().to_string(), error));
    };
    let lesson = parse_lesson(text).map_err(|error| refused(built_in, error))?;
    let Some(language) = language else { return Ok(lesson) };
    match TRANSLATIONS.iter().find(|(lesson, known, _)| *lesson == built_in && *known == language) {
        Some((_, _, words)) => translate(&lesson, words).map_err(|error| refused(built_in, error)),
        None => Err(Failure::BadInput(format!("The lesson “{built_in}” has no words in “{language}”."))),
    }
}

fn input() -> Result<Receiver<Option<Line>>, Failure> {
    let (sender, lines) = sync_channel(1);
    lines::of_standard_input(move |line| sender.send(line).is_ok())?;
    Ok(lines)
}

/// The reader at the terminal, and what it was shown.
#[derive(Default)]
struct Reader {
    input: Option<Receiver<Option<Line>>>,
    narrator: Narrator,
    trace: TraceFile,
    /// The page whose words stand on the screen, and how far it was.
    shown: Option<(usize, Progress)>,
    /// Whether the hint of the page was given.
    hinted: bool,
}

impl Witness<LessonRun> for Reader {
    fn learn(&mut self, record: &TraceRecord) -> Result<(), Failure> {
        self.narrator.hear(record);
        self.trace.write(record)
    }

    fn go_on(&mut self, lesson: &mut LessonRun, picture: &Picture) -> Result<(), Failure> {
        self.narrator.tell(picture.now).iter().try_for_each(say)?;
        self.show(lesson)?;
        self.hear(lesson, picture)
    }

    fn end(&mut self) -> Result<(), Failure> {
        self.narrator.tell_the_rest().iter().try_for_each(say)?;
        self.trace.finish()
    }
}

impl Reader {
    /// What is new of the page.
    fn show(&mut self, lesson: &LessonRun) -> Result<(), Failure> {
        let at = lesson.at();
        // A page that performed itself may be left already.
        for number in self.shown.map_or(0, |(shown, _)| shown)..=at {
            let Some((page, run)) = lesson.page(number).filter(|(_, run)| run.opened.is_some()) else { return Ok(()) };
            let before = self.shown.filter(|(shown, _)| *shown == number).map(|(_, progress)| progress);
            if before.is_none() {
                let title = format!("{} · {}", wording::page_of(number, lesson.lesson()), page.title);
                say(format!("\n── {title} ──\n{}", broken(&page.text.plain())))?;
                self.hinted = false;
                say_question(page)?;
            }
            if before != Some(run.progress) {
                match run.progress {
                    Progress::Open => {}
                    Progress::Happening => say(format!("   {}", wording::IT_HAPPENS))?,
                    Progress::Done => say_done(lesson, number)?,
                }
            }
            self.shown = Some((number, run.progress));
        }
        Ok(())
    }

    fn hear(&mut self, lesson: &mut LessonRun, picture: &Picture) -> Result<(), Failure> {
        if self.input.is_none() {
            return Ok(());
        }
        loop {
            let Some(input) = &self.input else { return Ok(()) };
            match input.try_recv() {
                Err(TryRecvError::Empty) => return Ok(()),
                Ok(Some(Line::Blank)) => self.go_on_or_ask(lesson)?,
                Ok(Some(Line::Bad(why))) => say(format!("   {why}"))?,
                Ok(Some(Line::Words(words))) => self.obey(&words, lesson, picture)?,
                Ok(None) | Err(TryRecvError::Disconnected) => {
                    self.input = None;
                    lesson.end();
                }
            }
        }
    }

    fn go_on_or_ask(&mut self, lesson: &mut LessonRun) -> Result<(), Failure> {
        let Some((page, run)) = lesson.page(lesson.at()) else { return Ok(()) };
        if !wording::asks(page, run) && run.progress != Progress::Happening {
            lesson.next();
            return Ok(());
        }
        if run.progress == Progress::Happening {
            return say(format!("   {}", wording::IT_HAPPENS));
        }
        if !page.hint.is_empty() && !std::mem::replace(&mut self.hinted, true) {
            say(format!("   {}", broken(&page.hint.plain())))?;
        }
        say(if page.prediction.is_some() { "   First choose an answer." } else { "   d does it for you, s skips it." })
    }

    fn obey(&mut self, words: &str, lesson: &mut LessonRun, picture: &Picture) -> Result<(), Failure> {
        let prediction = lesson.page(lesson.at()).and_then(|(page, _)| page.prediction.as_ref());
        let answer = prediction.and_then(|prediction| answer(words, &prediction.question, picture));
        match (words, answer) {
            (_, Some(answer)) => lesson.answer(Some(answer)),
            ("d", None) if prediction.is_some() => lesson.answer(None),
            ("d", None) => lesson.do_it(),
            ("s", None) => lesson.skip(),
            ("q", None) => lesson.end(),
            _ => return say(format!("   “{}” means nothing here. {KEYS}", protocol::text::shown(words, 40))),
        }
        Ok(())
    }
}

/// What a line answers.
fn answer(words: &str, question: &Question, picture: &Picture) -> Option<Answer> {
    match question {
        Question::Choice(choices, _) => {
            let number = choices.iter().position(|choice| choice.letter.eq_ignore_ascii_case(words));
            number.map(Answer::Choice)
        }
        Question::Node(..) => picture.nodes.get(words).map(|node| Answer::Node(node.name.clone())),
        Question::Number(..) => words.parse().ok().map(Answer::Number),
    }
}

fn say_question(page: &Page) -> Result<(), Failure> {
    let Some(prediction) = &page.prediction else { return Ok(()) };
    if let Question::Choice(choices, _) = &prediction.question {
        for choice in choices {
            say(format!("   {}  {}", choice.letter, choice.text.plain()))?;
        }
    }
    match wording::asked_for(&prediction.question) {
        Some(words) => say(format!("   {words}")),
        None => Ok(()),
    }
}

fn say_done(lesson: &LessonRun, number: usize) -> Result<(), Failure> {
    let Some(revealed) = lesson.revealed(number) else { return say(format!("   ✓ {}", wording::PAGE_DONE)) };
    if let Some(answer) = revealed.answer {
        say(format!("   You said {}", wording::answer_words(answer, &revealed.prediction.question)))?;
    }
    let sign = revealed.is_right().map_or(' ', |right| if right { '✓' } else { '✗' });
    say(format!("   {sign} {}", wording::came_true(&revealed)))?;
    if let Some(why) = wording::why_not(&revealed) {
        say(broken(&why))?;
    }
    say(broken(&revealed.prediction.explanation.plain()))
}

fn say_end(lesson: &LessonRun) -> Result<(), Failure> {
    let revealed = (0..lesson.lesson().pages.len()).filter_map(|number| lesson.revealed(number));
    say(format!("\n{}\n{}", wording::predictions(revealed), broken(&lesson.lesson().rule)))?;
    for name in &lesson.lesson().try_next {
        say(format!("Try next: {name}"))?;
    }
    Ok(())
}

/// Where the processes did something else than the lesson expects, page by page.
fn unlike_the_model(lesson: &LessonRun) -> Vec<String> {
    let strange = |(number, (page, run)): (usize, (&Page, &scenarios::lesson_run::PageRun))| {
        let is_right = lesson.revealed(number).and_then(|revealed| revealed.is_right());
        let waits = !page.until.is_empty() || page.prediction.is_some();
        let why = match (&run.trouble, is_right) {
            (Some(why), _) => why.clone(),
            (None, Some(false)) => "the model's answer was wrong".into(),
            (None, None | Some(true)) if waits && run.progress != Progress::Done => "it was not done".into(),
            (None, None | Some(true)) => return None,
        };
        Some(format!("page {} ({}): {why}", number + 1, page.id))
    };
    lesson.pages().enumerate().filter_map(strange).collect()
}

/// Lines of at most [`WIDTH`] characters.
fn broken(text: &str) -> String {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + word.chars().count() >= WIDTH {
                lines.push(std::mem::take(&mut line));
            }
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
        lines.push(line);
    }
    lines.join("\n")
}
