//! A lesson's file as Markdown: front matter, and a page for each heading of the second level.
//!
//! On a page stand paragraphs (the text), a quotation (the hint), a list (the choices of a prediction; a quotation in a choice says
//! why it is wrong), paragraphs after the list or after a line `---` (the explanation), and at most one block of TOML. What the TOML
//! says is not known here. Whatever else Markdown can do is refused with its place.

use std::iter::Peekable;
use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, OffsetIter, Options, Parser, Tag, TagEnd};

use super::prose::{Prose, Run};

/// Byte position in the text, and what is wrong there.
pub(super) type Refusal = (usize, String);

/// The whole file.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub front: Block,
    pub pages: Vec<RawPage>,
}

/// TOML, and where it begins in the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    pub text: String,
    pub at: usize,
}

/// A page, before its TOML is read.
#[derive(Debug, Default)]
pub(super) struct RawPage {
    pub at: usize,
    pub id: String,
    pub title: String,
    pub text: Prose,
    pub hint: Prose,
    pub choices: Vec<RawChoice>,
    /// Where a line parts the explanation from the text: a page without a list needs one.
    pub parted: Option<usize>,
    pub explanation: Prose,
    pub program: Option<Block>,
}

/// One of several answers.
#[derive(Debug, Default)]
pub(super) struct RawChoice {
    pub at: usize,
    /// Its letter, which stands first, in bold.
    pub letter: String,
    pub text: Prose,
    pub why_not: Prose,
}

struct Reader<'a> {
    text: &'a str,
    events: Peekable<OffsetIter<'a>>,
}

/// Reads it.
pub(super) fn document(text: &str) -> Result<Document, Refusal> {
    let options = Options::ENABLE_HEADING_ATTRIBUTES | Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS;
    let events = Parser::new_ext(text, options).into_offset_iter().peekable();
    let mut reader = Reader { text, events };
    let front = reader.front()?;
    let mut pages: Vec<RawPage> = Vec::new();
    while let Some((event, range)) = reader.events.next() {
        let at = range.start;
        if let Event::Start(Tag::Heading { level, id, .. }) = event {
            if level != HeadingLevel::H2 {
                return Err((at, "a page begins with a heading of the second level: “## Title”".into()));
            }
            let title = reader.runs(TagEnd::Heading(level))?.plain();
            let id = id.map_or_else(|| slug(&title), |id| id.to_string());
            if let Some(twin) = pages.iter().find(|page| page.id == id) {
                return Err((at, format!("two pages are called “{}”; give one an id: “## Title {{#id}}”", twin.id)));
            }
            pages.push(RawPage { at, id, title, ..RawPage::default() });
            continue;
        }
        let Some(page) = pages.last_mut() else {
            return Err((at, "a page begins with a heading: “## Title”".into()));
        };
        reader.part(page, event, range)?;
    }
    Ok(Document { front, pages })
}

/// Prose alone: paragraphs and nothing else; none if it is more than that.
pub(super) fn prose(text: &str) -> Option<Prose> {
    let mut reader = Reader { text, events: Parser::new(text).into_offset_iter().peekable() };
    let mut prose = Prose::default();
    while let Some((event, _)) = reader.events.next() {
        match event {
            Event::Start(Tag::Paragraph) => prose.paragraphs.extend(reader.runs(TagEnd::Paragraph).ok()?.paragraphs),
            _ => return None,
        }
    }
    Some(prose)
}

/// "The rule behind it" is "the-rule-behind-it".
pub(crate) fn slug(title: &str) -> String {
    let words = title.split(|it: char| !it.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

impl Reader<'_> {
    fn front(&mut self) -> Result<Block, Refusal> {
        match self.events.next() {
            Some((Event::Start(Tag::MetadataBlock(kind)), _)) => self.block(TagEnd::MetadataBlock(kind)),
            first => {
                let at = first.map_or(0, |(_, range)| range.start);
                Err((at, "a lesson begins with its front matter: TOML between two lines “+++”".into()))
            }
        }
    }

    /// The source of a block, up to its end.
    fn block(&mut self, end: TagEnd) -> Result<Block, Refusal> {
        let mut inside: Option<Range<usize>> = None;
        for (event, range) in self.events.by_ref() {
            if event == Event::End(end) {
                break;
            }
            inside = Some(inside.map_or(range.start, |it| it.start)..range.end);
        }
        let inside = inside.unwrap_or_default();
        Ok(Block { text: self.text[inside.clone()].to_owned(), at: inside.start })
    }

    fn part(&mut self, page: &mut RawPage, event: Event<'_>, range: Range<usize>) -> Result<(), Refusal> {
        let at = range.start;
        match event {
            Event::Start(Tag::Paragraph) => {
                let Prose { paragraphs } = self.runs(TagEnd::Paragraph)?;
                let explains = page.parted.is_some() || !page.choices.is_empty();
                let into = if explains { &mut page.explanation } else { &mut page.text };
                into.paragraphs.extend(paragraphs);
            }
            Event::Start(Tag::BlockQuote(kind)) if page.hint.is_empty() => {
                page.hint = self.paragraphs(TagEnd::BlockQuote(kind))?;
            }
            Event::Start(Tag::BlockQuote(_)) => return Err((at, "a page has one hint".into())),
            Event::Start(Tag::List(_)) if page.choices.is_empty() => page.choices = self.choices()?,
            Event::Start(Tag::List(_)) => return Err((at, "a page has one list of choices".into())),
            Event::Rule if page.parted.is_none() => page.parted = Some(at),
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) if &*language == "toml" => {
                let block = self.block(TagEnd::CodeBlock)?;
                if page.program.replace(block).is_some() {
                    return Err((at, "a page has one block of TOML".into()));
                }
            }
            _ => return Err((at, format!("this cannot stand on a page; {MAY_STAND}"))),
        }
        Ok(())
    }

    /// Paragraphs, up to the end of what holds them.
    fn paragraphs(&mut self, end: TagEnd) -> Result<Prose, Refusal> {
        let mut prose = Prose::default();
        while let Some((event, range)) = self.events.next() {
            match event {
                Event::Start(Tag::Paragraph) => prose.paragraphs.extend(self.runs(TagEnd::Paragraph)?.paragraphs),
                event if event == Event::End(end) => break,
                _ => return Err((range.start, "a quotation holds only paragraphs".into())),
            }
        }
        Ok(prose)
    }

    /// One paragraph, up to this end.
    fn runs(&mut self, end: TagEnd) -> Result<Prose, Refusal> {
        let mut line = Line::default();
        for (event, range) in self.events.by_ref() {
            if event == Event::End(end) {
                break;
            }
            if !line.takes(&event) {
                let why = "in text can stand **bold**, *italic* and links to terms: “[view](term:view)”";
                return Err((range.start, why.into()));
            }
        }
        Ok(Prose { paragraphs: vec![line.runs] })
    }

    fn choices(&mut self) -> Result<Vec<RawChoice>, Refusal> {
        let mut choices = Vec::new();
        while let Some((event, range)) = self.events.next() {
            match event {
                Event::Start(Tag::Item) => choices.push(self.choice(range.start)?),
                _ => break,
            }
        }
        Ok(choices)
    }

    /// "**A** It is lost.", and perhaps a quotation: why not.
    fn choice(&mut self, at: usize) -> Result<RawChoice, Refusal> {
        let mut choice = RawChoice { at, ..RawChoice::default() };
        // Items of a tight list hold their text without a paragraph.
        let mut line = Line::default();
        while let Some((event, range)) = self.events.next() {
            match event {
                Event::End(TagEnd::Item) => break,
                Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph) => {}
                Event::Start(Tag::BlockQuote(kind)) if choice.why_not.is_empty() => {
                    choice.why_not = self.paragraphs(TagEnd::BlockQuote(kind))?;
                }
                event if line.takes(&event) => {}
                _ => {
                    return Err((
                        range.start,
                        "a choice is “**A** its words”, and perhaps a quotation: why not".into(),
                    ));
                }
            }
        }
        let mut runs = line.runs.into_iter();
        match runs.next() {
            Some(first) if first.strong && first.text.chars().count() == 1 => choice.letter = first.text,
            _ => return Err((at, "a choice begins with its letter in bold: “- **A** It is lost.”".into())),
        }
        let mut rest: Vec<Run> = runs.collect();
        if let Some(first) = rest.first_mut() {
            first.text = first.text.trim_start().to_owned();
        }
        choice.text = Prose { paragraphs: vec![rest] };
        Ok(choice)
    }
}

const MAY_STAND: &str = "paragraphs, one quotation (the hint), one list (choices), one line “---” before the explanation and one block of TOML can";

/// A line of text as it is read.
#[derive(Default)]
struct Line {
    runs: Vec<Run>,
    /// How the next piece looks.
    look: Run,
}

impl Line {
    /// Takes in what can stand in a line.
    fn takes(&mut self, event: &Event<'_>) -> bool {
        match event {
            Event::Text(text) | Event::Code(text) => self.add(text),
            Event::SoftBreak | Event::HardBreak => self.add(" "),
            Event::Start(Tag::Strong) => self.look.strong = true,
            Event::End(TagEnd::Strong) => self.look.strong = false,
            Event::Start(Tag::Emphasis) => self.look.emphasis = true,
            Event::End(TagEnd::Emphasis) => self.look.emphasis = false,
            Event::Start(Tag::Link { dest_url, .. }) if dest_url.starts_with(TERM) => {
                self.look.term = Some(dest_url[TERM.len()..].to_owned());
            }
            Event::End(TagEnd::Link) => self.look.term = None,
            _ => return false,
        }
        true
    }

    /// Neighbours of the same look are one run.
    fn add(&mut self, text: &str) {
        match self.runs.last_mut() {
            Some(last) if last.looks_like(&self.look) => last.text.push_str(text),
            _ => self.runs.push(Run { text: text.to_owned(), ..self.look.clone() }),
        }
    }
}

/// A link to a definition begins so.
const TERM: &str = "term:";
