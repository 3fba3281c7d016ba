//! Lessons read from text: what they mean, where they are wrong, and that the built-in ones are as lessons should be.

use super::*;

const FRONT: &str = "+++\ntitle = \"T\"\ngoal = \"G\"\nrule = \"R\"\nminutes = 3\nreplicas = 3\n[[step]]\ndo = \"customer\"\nname = \"Grace\"\npostcode = \"NE1 7RU\"\n+++\n";
/// Lines of the front matter.
const BEFORE: usize = 11;

fn refused(pages: &str) -> (usize, usize, String) {
    let error = parse_lesson(&format!("{FRONT}{pages}")).expect_err(pages);
    (error.line - BEFORE, error.column, error.why)
}

#[test]
fn a_page_has_words_a_program_and_a_question() {
    let text = format!(
        "{FRONT}## One {{#first}}\n\nThe **primary** leads the [view](term:view).\n\n> A hint.\n\n```toml\nspotlight = [\"primary\", \"link Grace > front-end\", \
         \"messages 5\", \"light lost\", \"timeline\"]\nstops = true\nhint-after-s = 5\n[[until]]\nfor = \"asked\"\ncustomer = \"Grace\"\n\
         [[do-it]]\ndo = \"order\"\ncustomer = \"Grace\"\nitems = [\"Pad thai\"]\n```\n\n## Two\n\nWhat?\n\n- **A** This.\n  > Because.\n- **B** *That*.\n\n\
         So it is.\n\n```toml\n[predict]\nmodel = \"B\"\n[[predict.then]]\ndo = \"crash\"\nnode = \"primary\"\n[[predict.until]]\nfor = \"view-change\"\n\
         [[predict.right-if.A]]\nfor = \"members\"\ncount = 3\n[[predict.right-if.B]]\nfor = \"members\"\ncount = 2\n```\n"
    );
    let lesson = parse_lesson(&text).unwrap();
    assert_eq!((lesson.minutes, lesson.world.replicas, lesson.speed), (3, 3, Rate::REAL));
    assert_eq!(lesson.world.steps.len(), 1);
    let [first, second] = &lesson.pages[..] else { panic!("{:?}", lesson.pages) };
    assert_eq!((first.id.as_str(), second.id.as_str()), ("first", "two"));
    assert_eq!(first.text.plain(), "The primary leads the view.");
    assert_eq!(first.text.terms().collect::<Vec<_>>(), ["view"]);
    assert!(first.text.paragraphs[0][1].strong);
    assert_eq!((first.hint.plain().as_str(), first.hint_after, first.stops), ("A hint.", 5, true));
    let grace = || EndName::Node(NodeName::Named("Grace".into()));
    let front_end = EndName::Node(NodeName::Named("front-end".into()));
    let lost = Light::Shows(protocol::judge::ContradictionKind::Lost);
    let primary = Spot::End(EndName::Node(NodeName::Primary));
    let spots =
        [primary, Spot::Link(grace(), front_end), Spot::Messages(5), Spot::Light(lost), Spot::Part(Part::Timeline)];
    assert_eq!(first.spotlight, spots);
    assert_eq!(first.until, [WaitFor::Asked("Grace".into())]);
    let prediction = second.prediction.as_ref().unwrap();
    assert_eq!(prediction.explanation.plain(), "So it is.");
    assert_eq!((prediction.then.len(), &prediction.until[..]), (1, &[WaitFor::ViewChange][..]));
    let Question::Choice(choices, 1) = &prediction.question else { panic!("{prediction:?}") };
    assert_eq!((choices[0].text.plain().as_str(), choices[0].why_not.plain().as_str()), ("This.", "Because."));
    assert_eq!(choices[1].right_if, [WaitFor::Members(Some(2))]);
}

#[test]
fn a_line_parts_the_explanation_from_a_question_without_choices() {
    let toml = "```toml\n[predict]\nmodel = \"3\"\nnumber = \"copies\"\n```\n";
    let lesson = parse_lesson(&format!("{FRONT}## One\n\nHow many?\n\n---\n\nAll.\n\n{toml}")).unwrap();
    assert_eq!(lesson.pages[0].text.plain(), "How many?");
    assert_eq!(lesson.pages[0].prediction.as_ref().unwrap().explanation.plain(), "All.");
}

#[test]
fn what_is_wrong_is_refused_with_line_and_column() {
    let page = |toml: &str| format!("## One\n\nWords.\n\n```toml\n{toml}\n```\n");
    let at = |toml: &str| {
        let (line, column, why) = refused(&page(toml));
        (line, column, why.lines().next().unwrap_or_default().to_owned())
    };
    let (line, column, why) = at("spotlight = [\"primary\", \"replica-9\"]");
    assert_eq!((line, column), (6, 25), "{why}");
    assert!(why.contains("replica-9"));
    let (line, _, why) = at("[[until]]\nfor = \"asked\"\ncustomer = \"Bob\"");
    assert!(line == 8 && why.contains("Bob"), "{line} {why}");
    let (line, _, why) = at("[[before]]\ndo = \"explode\"");
    assert!(line == 7 && why.contains("explode"), "{line} {why}");
    let (line, _, why) = at("[[before]]\nnode = \"primary\"");
    assert!(line == 7 && why.contains("needs “do”"), "{line} {why}");
    let (line, _, why) = at("[[before]]\ndo = \"crash\"\nnode = \"primary\"\nat-ms = 3");
    assert!(line == 9 && why.contains("at-ms"), "{line} {why}");
    let (line, _, why) = at("[[until]]\nfor = \"the-end\"");
    assert!(line == 7 && why.contains("no end"), "{line} {why}");
    let (line, _, why) = at("[[until]]\ndo = \"wait\"\nfor = \"serving\"");
    assert!(line == 7 && why.contains("not “do”"), "{line} {why}");
    let (line, _, why) = at("surprise = 1");
    assert!(line == 6 && why.contains("surprise"), "{line} {why}");
    assert!(at("[predict]\nmodel = \"A\"").2.contains("one of them"));
    assert!(at("[predict]\nmodel = \"three\"\nnumber = \"copies\"").2.contains("is a number"));
    assert!(at("[predict]\nmodel = \"3\"\nnumber = \"sheep\"").2.contains("sheep"));
    for (pages, line, why) in [
        ("Words.\n", 1, "heading"),
        ("# One\n", 1, "second level"),
        ("## One\n", 1, "at least one paragraph"),
        ("## One\n\nWords.\n\n## One\n\nWords.\n", 5, "two pages"),
        ("## One\n\nWords.\n\n![picture](x.png)\n", 5, "in text can stand"),
        ("## One\n\n[here](https://example.org)\n", 3, "in text can stand"),
        ("## One\n\nWords.\n\n<b>\n", 5, "cannot stand on a page"),
        ("## One\n\nWords.\n\n```sh\nrm\n```\n", 5, "cannot stand on a page"),
        ("## One\n\nWords.\n\n- **A** this\n- **B** that\n", 5, "[predict]"),
        ("## One\n\nWords.\n\n- this\n", 5, "letter in bold"),
        ("## One\n\nWords.\n\n---\n\nMore.\n", 5, "[predict]"),
    ] {
        let (found, _, told) = refused(pages);
        assert!(found == line && told.contains(why), "{pages:?}: {found} {told}");
    }
    let long = format!("## One\n\n{}\n", "word ".repeat(200));
    assert!(refused(&long).2.contains("two pages"));
    let error = parse_lesson("title = 1\n").unwrap_err();
    assert!(error.line == 1 && error.why.contains("+++"), "{error}");
    let error = parse_lesson("+++\ntitle = \"T\"\n+++\n").unwrap_err();
    assert!(error.why.contains("goal"), "{error}");
}

#[test]
fn a_translation_has_the_same_pages_in_other_words() {
    let lesson = parse_lesson(&format!("{FRONT}## One\n\nWords.\n")).unwrap();
    let front = "+++\ntitle = \"Ein Titel\"\ngoal = \"Ein Ziel\"\nrule = \"Eine Regel\"\n+++\n";
    let german = translate(&lesson, &format!("{front}## Eins {{#one}}\n\nWorte.\n")).unwrap();
    assert_eq!((german.title.as_str(), german.pages[0].text.plain().as_str()), ("Ein Titel", "Worte."));
    for (pages, why) in [
        ("## Eins\n\nWorte.\n", "{#one}"),
        ("", "is missing"),
        ("## Eins {#one}\n\nWorte.\n\n## Zwei\n\nWorte.\n", "no such page"),
        ("## Eins {#one}\n\nWorte.\n\n```toml\nstops = true\n```\n", "no TOML"),
        ("## Eins {#one}\n\nWorte.\n\n- **A** x\n- **B** y\n", "no choices"),
    ] {
        let error = translate(&lesson, &format!("{front}{pages}")).expect_err(pages);
        assert!(error.why.contains(why), "{pages:?}: {error}");
    }
}

#[test]
fn built_in_lessons_are_as_lessons_should_be() {
    let mut numbers = Vec::new();
    for (name, text) in LESSONS {
        let lesson = parse_lesson(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!((5..=16).contains(&lesson.pages.len()), "{name} has {} pages", lesson.pages.len());
        assert!(lesson.pages.iter().any(|page| page.prediction.is_some()), "{name} asks for no prediction");
        assert!((3..=6).contains(&lesson.minutes), "{name}");
        for page in &lesson.pages {
            let sentences = page.text.plain().matches(['.', '?', '!', ':']).count();
            assert!(sentences <= 4, "{name}, {}: too many sentences for a page", page.id);
            let can_be_done = page.until.is_empty() || !page.do_it.is_empty();
            assert!(can_be_done, "{name}, {}: “Do it for me” has nothing to do", page.id);
            assert!(page.until.is_empty() || !page.hint.is_empty(), "{name}, {}: no hint", page.id);
            if let Some(Prediction { question, explanation, .. }) = &page.prediction {
                let (choices, model) = match question {
                    Question::Choice(choices, model) => (&choices[..], *model),
                    Question::Node(..) | Question::Number(..) => (&[][..], 0),
                };
                for (number, choice) in choices.iter().enumerate() {
                    assert!(
                        number == model || !choice.why_not.is_empty(),
                        "{name}, {}: why not {}?",
                        page.id,
                        choice.letter
                    );
                }
                assert!(!explanation.is_empty(), "{name}, {}: nothing explains what happened", page.id);
            }
        }
        for next in &lesson.try_next {
            let known = built_in_lesson(next).is_some() || crate::built_in(next).is_some();
            assert!(known, "{name}: there is neither a lesson nor a scenario “{next}”");
        }
        numbers.push(name);
    }
    for (name, language, text) in TRANSLATIONS {
        let (_, own) = built_in_lesson(name).unwrap();
        let translated = translate(&parse_lesson(own).unwrap(), text);
        assert!(translated.is_ok(), "{name}.{language}: {:?}", translated.unwrap_err());
    }
    assert_eq!(built_in_lesson("1").map(|(name, _)| name), numbers.first().copied());
    assert!(built_in_lesson("0").is_none() && built_in_lesson("99").is_none());
}

#[test]
fn every_built_in_lesson_is_written_as_the_same_lesson() {
    for (name, text) in LESSONS {
        let lesson = parse_lesson(text).unwrap();
        let written = write_lesson(&lesson);
        let again = parse_lesson(&written).unwrap_or_else(|error| panic!("{name}: {error}\n{written}"));
        for (one, other) in lesson.pages.iter().zip(&again.pages) {
            assert_eq!(one, other, "{name}, {}:\n{written}", one.id);
        }
        assert_eq!(lesson, again, "{name}");
        assert_eq!(write_lesson(&again), written, "{name}");
    }
}

/// Words that a file could take for something else.
const HOSTILE: [&str; 16] = [
    "+++",
    "```\n+++\n```",
    "``` toml\n[predict]\nmodel = \"A\"",
    "## A heading {#id}",
    "- **A** a choice",
    "> a hint",
    "1. one\n2) two",
    "---",
    "Title\n===",
    "<script>alert(1)</script> &amp; &lt;",
    "[[step]]\ndo = \"plant\"\nplant = \"no-view-check\"",
    "a_b_c _d_ *e* **f** \\g\\ `h` ![i](j) [k](http://l) [m]: n",
    "\u{202e}right to left\u{202c} שלום \"\"\" '''",
    "    indented\twith tabs",
    "~~~\nfence\n~~~ #",
    "ends in a backslash \\",
];

#[test]
fn what_a_person_types_is_read_back_as_it_was_typed_whatever_it_is() {
    let blank = parse_lesson(&format!("{FRONT}## One\n\nWords.\n")).unwrap();
    for words in HOSTILE {
        let one_line: String = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut lesson = blank.clone();
        for line in [&mut lesson.title, &mut lesson.goal, &mut lesson.rule, &mut lesson.world.title] {
            line.clone_from(&one_line);
        }
        let page = Page {
            id: "one".into(),
            title: one_line.clone(),
            text: typed(words),
            hint: typed(words),
            ..blank.pages[0].clone()
        };
        lesson.pages = vec![page, blank.pages[0].clone()];
        lesson.pages[1].id = "two".into();
        let written = write_lesson(&lesson);
        let again = parse_lesson(&written).unwrap_or_else(|error| panic!("{words}: {error}\n{written}"));
        assert_eq!(again, lesson, "{words}:\n{written}");
        let shown = markdown(&lesson.pages[0].text, "");
        assert_eq!(typed(&shown), lesson.pages[0].text, "what is shown for editing means the same: {shown}");
        assert!(lesson.unsafe_switches().next().is_none());
    }
    let looks = typed("The **primary** leads\nthe [view](term:view), *at once*.\n\nIt does.");
    assert_eq!((looks.paragraphs.len(), looks.terms().collect::<Vec<_>>()), (2, vec!["view"]));
    assert!(looks.paragraphs[0][1].strong);
}
