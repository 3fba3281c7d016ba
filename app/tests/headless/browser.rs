//! A real browser without a screen: Chromium, steered through a pipe in the words of its own tools. It clicks and types as a person does.
//!
//! Where it is not installed there is none, and a test that needs it says so; in CI that is a failure.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::PATIENCE;

/// Set where nothing may be missing.
const IN_CI: &str = "JUST_HUNGRY_CI";

pub struct Browser {
    child: Child,
    input: ChildStdin,
    told: Receiver<Value>,
    asked: u64,
    tab: Option<String>,
    /// What the page or the browser complained about.
    pub complaints: Vec<String>,
    _profile: TempDir,
}

/// A tab on a small phone. None: there is no Chromium here.
pub fn phone() -> Option<Browser> {
    let Some(chromium) = chromium() else {
        assert!(std::env::var_os(IN_CI).is_none(), "Chromium is not installed: apt-get install chromium");
        return skipped();
    };
    Some(Browser::start(&chromium))
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn skipped() -> Option<Browser> {
    eprintln!("Skipped: Chromium is not installed (Debian: apt-get install chromium).");
    None
}

fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser"];
    std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name))).find(|file| file.is_file())
}

impl Browser {
    fn start(chromium: &PathBuf) -> Self {
        let profile = tempfile::tempdir().unwrap();
        // It reads commands from its third and answers on its fourth handle. Its sandbox does not run as root, and it sees
        // nothing but this test's pages.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1"])
            .arg(chromium)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, mut output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let (sender, told) = channel();
        std::thread::spawn(move || {
            let mut text = Vec::new();
            while output.read_until(0, &mut text).is_ok_and(|length| length > 0) {
                text.pop();
                let Ok(value) = serde_json::from_slice(&text) else { break };
                if sender.send(value).is_err() {
                    break;
                }
                text.clear();
            }
        });
        let (complaints, tab) = (Vec::new(), None);
        let mut browser = Self { child, input, told, asked: 0, tab, complaints, _profile: profile };
        let target = browser.ask("Target.createTarget", json!({"url": "about:blank"}))["targetId"].clone();
        let attached = browser.ask("Target.attachToTarget", json!({"targetId": target, "flatten": true}));
        browser.tab = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log"] {
            browser.ask(&format!("{domain}.enable"), json!({}));
        }
        let small = json!({"width": 320, "height": 568, "deviceScaleFactor": 2, "mobile": true});
        browser.ask("Emulation.setDeviceMetricsOverride", small);
        browser
    }

    fn ask(&mut self, method: &str, parameters: Value) -> Value {
        self.asked += 1;
        let mut request = json!({"id": self.asked, "method": method, "params": parameters});
        if let Some(tab) = &self.tab {
            request["sessionId"] = json!(tab);
        }
        self.input.write_all(format!("{request}\0").as_bytes()).unwrap();
        loop {
            let told = self.told.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{method} {parameters}: no answer"));
            if told["id"] == self.asked {
                assert!(told["error"].is_null(), "{method}: {}", told["error"]);
                return told["result"].clone();
            }
            match told["method"].as_str() {
                // A request that is refused is one of these, too: the page tells the person why.
                Some("Log.entryAdded") if told["params"]["entry"]["source"] != "network" => {
                    self.complaints.push(told["params"]["entry"]["text"].to_string());
                }
                Some("Runtime.exceptionThrown") => self.complaints.push(told["params"].to_string()),
                Some("Page.javascriptDialogOpening") => self.complaints.push("a dialog was opened".into()),
                _ => {}
            }
        }
    }

    pub fn open(&mut self, link: &str) {
        self.ask("Page.navigate", json!({"url": link}));
        self.until("document.readyState === 'complete'");
    }

    pub fn reload(&mut self) {
        // Of the page before, nothing is left then.
        self.value("window.before = true");
        self.ask("Page.reload", json!({}));
        let deadline = std::time::Instant::now() + PATIENCE;
        while self.value("window.before === true") == true {
            assert!(std::time::Instant::now() < deadline, "the page was not loaded again");
        }
        self.until("document.readyState === 'complete'");
    }

    /// What this is, in the page.
    pub fn value(&mut self, expression: &str) -> Value {
        let wanted = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let answer = self.ask("Runtime.evaluate", wanted);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until this is something.
    pub fn until(&mut self, expression: &str) -> Value {
        self.value(&format!(
            "new Promise((done) => {{ const look = () => {{ const it = ({expression}); if (it) done(it); else setTimeout(look, 10); }}; look(); }})"
        ))
    }

    /// Waits until what this selects can be seen, and says these words.
    pub fn until_says(&mut self, selector: &str, words: &str) {
        let (selector, words) = (json!(selector), json!(words));
        self.until(&format!(
            "[...document.querySelectorAll({selector})].some((it) => it.offsetParent && it.textContent.includes({words}))"
        ));
    }

    /// A real click of the pointer in the middle of what this selects.
    pub fn click(&mut self, selector: &str) {
        let at = self.until(&format!(
            "(() => {{ const it = document.querySelector({}); if (!it || !it.offsetParent || it.disabled) return null; it.scrollIntoView({{block: 'center'}}); const at = it.getBoundingClientRect(); return [at.x + at.width / 2, at.y + at.height / 2]; }})()",
            json!(selector)
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let button = json!({"type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1});
            self.ask("Input.dispatchMouseEvent", button);
        }
    }

    /// Types into a field, in place of what it holds.
    pub fn types(&mut self, selector: &str, text: &str) {
        self.click(selector);
        self.value(&format!("document.querySelector({}).select()", json!(selector)));
        self.ask("Input.insertText", json!({"text": text}));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
