// The page for phones. It shows what the program says, and sends what a person asks for; it decides nothing.
//
// Every text from outside becomes text (textContent), never markup. What must survive a reload is one secret, by which the
// program knows the phone again; everything else it keeps itself.
"use strict";

const at = (id) => document.getElementById(id);
const KEY = "just-hungry " + location.pathname;
// Words for what became of an order. Colour never says it alone.
const BECAME = { waiting: "Waiting", placed: "Placed", refused: "Rejected", cancelled: "Cancelled", unknown: "Unknown" };

let session = recall();
let version = 0;
let chosen = new Map();
let page = null;
let sending = false;
// An order was sent: what becomes of it stands at the top of the page, and is to be seen.
let looks = false;

// A phone may refuse to keep anything: then a reload joins anew.
function recall() {
  try { return localStorage.getItem(KEY); } catch { return null; }
}

function remember(secret) {
  session = secret;
  try {
    if (secret) localStorage.setItem(KEY, secret); else localStorage.removeItem(KEY);
  } catch { /* It is remembered as long as the page is open. */ }
}

function show(id, words) {
  const element = at(id);
  if (element.textContent !== (words || "")) element.textContent = words || "";
  element.hidden = !words;
}

function make(kind, words, className) {
  const element = document.createElement(kind);
  if (words !== undefined) element.textContent = words;
  if (className) element.className = className;
  return element;
}

// Asks for something. Returns what was answered; none: it was refused, and the person has been told why.
async function ask(what, body) {
  let answer;
  try {
    answer = await fetch(what, {
      method: "POST",
      headers: { "content-type": "application/json", "x-session": session || "" },
      body: JSON.stringify(body),
    });
  } catch {
    complain("The program cannot be reached. Check that the phone is in the right network, then try again.");
    return null;
  }
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) {
    show("trouble", "");
    return said;
  }
  complain(said.says || "The program did not answer as expected. Try again.");
  if (answer.status === 401) forgotten();
  return null;
}

function complain(words) {
  show("trouble", "");
  show("trouble", words);
  at("trouble").focus();
}

function forgotten() {
  remember(null);
  version = 0;
  page = null;
  for (const id of ["vote", "answers", "order", "history", "leaving", "me"]) at(id).hidden = true;
  at("join").hidden = false;
}

// News are waited for by a request that stays open; after a fault it is asked again, ever more slowly.
async function follow() {
  let pause = 250;
  const mine = session;
  while (mine && session === mine) {
    try {
      const answer = await fetch("news", { headers: { "x-session": mine, "x-after": String(version) } });
      if (session !== mine) return;
      if (answer.status === 401) {
        // It says why only if nothing has said it before.
        if (at("trouble").hidden) complain((await answer.json()).says);
        return forgotten();
      }
      if (answer.status === 200) draw(await answer.json());
      else if (answer.status !== 204) throw new Error(String(answer.status));
      show("connection", "");
      pause = 250;
    } catch {
      show("connection", "The connection is lost. Trying again… Your order is not lost: the program keeps it.");
      await new Promise((done) => setTimeout(done, pause));
      pause = Math.min(2 * pause, 5000);
    }
  }
}

function draw(news) {
  version = news.version;
  if (!news.joined) {
    forgotten();
    return complain(news.trouble);
  }
  const first = page === null;
  page = news;
  at("join").hidden = true;
  show("me", news.name + " · " + news.postcode + (news.place ? " · " + news.place : ""));
  if (news.trouble) show("trouble", news.trouble);
  if (first) for (const id of ["to", "of"]) at(id).value = at(id).value || news.postcode;
  for (const id of ["order", "history", "leaving"]) at(id).hidden = false;
  show("closed", news.closed);
  drawVote(news.ballot);
  drawAnswers(news);
  drawHistory(news.history);
  drawButtons();
}

function drawAnswers(news) {
  const list = at("receipts");
  const told = news.receipts.map((it) => ({ ...it }));
  if (news.open) told.unshift({ ...news.open, words: news.open.words + (news.open.why ? ". " + news.open.why : "") });
  at("answers").hidden = told.length === 0;
  at("cancel").hidden = !(news.open && news.open.cancels);
  // Only what has changed is touched: a screen reader reads that aloud, and nothing else.
  told.forEach((it, number) => {
    const old = list.children[number];
    if (old && old.dataset.words === it.became + it.words) return;
    const line = make("li", undefined, it.became);
    line.dataset.words = it.became + it.words;
    line.append(make("strong", BECAME[it.became] || it.became), make("span", it.words));
    if (old) old.replaceWith(line); else list.append(line);
  });
  while (list.children.length > told.length) list.lastChild.remove();
  if (looks && told.length > 0) {
    looks = false;
    at("answers-title").focus();
  }
}

function drawVote(ballot) {
  at("vote").hidden = !ballot;
  if (!ballot) return;
  show("question", ballot.question);
  show("question-text", ballot.text);
  at("vote-hint").hidden = !ballot.open;
  drawGuess(ballot);
  const list = at("choices");
  const same = list.dataset.ballot === ballot.id;
  if (!same) {
    list.dataset.ballot = ballot.id;
    list.replaceChildren(...ballot.choices.map((choice, number) => {
      const button = make("button");
      button.type = "button";
      button.setAttribute("role", "radio");
      button.append(make("b", choice.letter), make("span", choice.text));
      button.addEventListener("click", () => ask("vote", { ballot: ballot.id, choice: number }));
      button.addEventListener("keydown", (event) => step(event, number));
      return button;
    }));
  }
  [...list.children].forEach((button, number) => {
    button.setAttribute("aria-checked", String(ballot.mine === number));
    button.tabIndex = number === (ballot.mine ?? 0) ? 0 : -1;
    button.disabled = !ballot.open;
  });
  at("outcome").textContent = ballot.outcome || "";
}

// Where a number is asked for, it is typed.
function drawGuess(ballot) {
  const form = at("guess");
  const asks = ballot.largest !== null;
  form.hidden = !asks;
  at("choices").hidden = asks;
  if (form.dataset.ballot !== ballot.id) {
    form.dataset.ballot = ballot.id;
    at("guessed").value = ballot.mine ?? "";
  }
  at("guessed").max = String(ballot.largest ?? "");
  at("guessed").disabled = !ballot.open;
  at("guesses").disabled = !ballot.open;
  at("guesses").textContent = ballot.mine === null ? "Vote" : `You said ${ballot.mine}. Change it`;
}

// Arrows move among the choices, as in any group of radio buttons.
function step(event, number) {
  const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!by) return;
  event.preventDefault();
  const all = at("choices").children;
  all[(number + by + all.length) % all.length].focus();
}

function drawHistory(history) {
  show("history-words", history && history.words);
  const lines = history ? history.lines : [];
  const list = at("lines");
  list.replaceChildren(...lines.map((words) => make("li", words)));
  list.start = history ? history.page * 100 + 1 : 1;
  at("more").hidden = !(history && history.page + 1 < history.pages);
}

function drawButtons() {
  const waits = !page || page.closed || page.open || sending;
  at("place").disabled = Boolean(waits) || chosen.size === 0;
  const dishes = [...chosen.values()].reduce((all, it) => all + it.count, 0);
  const pence = [...chosen.values()].reduce((all, it) => all + it.count * it.pence, 0);
  at("place").textContent = dishes === 0 ? "Place order" : "Place order · " + pounds(pence);
}

const pounds = (pence) => "£" + (pence / 100).toFixed(2);

function drawDishes(dishes) {
  at("dishes").replaceChildren(...dishes.map((dish) => {
    const line = make("li");
    const label = make("span", dish.name, "dish");
    label.append(make("span", pounds(dish.pence), "price"));
    const count = make("output", "0");
    const less = make("button", "−");
    const more = make("button", "+");
    const by = (change) => {
      const now = Math.max(0, Math.min(20, Number(count.textContent) + change));
      count.textContent = String(now);
      if (now > 0) chosen.set(dish.name, { count: now, pence: dish.pence }); else chosen.delete(dish.name);
      less.disabled = now === 0;
      drawButtons();
    };
    for (const [button, words, change] of [[less, "Less ", -1], [more, "More ", 1]]) {
      button.type = "button";
      button.setAttribute("aria-label", words + dish.name);
      button.addEventListener("click", () => by(change));
    }
    less.disabled = true;
    line.append(label, less, count, more);
    line.clear = () => by(-20);
    return line;
  }));
}

async function send(what, body) {
  sending = true;
  drawButtons();
  const said = await ask(what, body);
  sending = false;
  drawButtons();
  return said;
}

at("join").addEventListener("submit", async (event) => {
  event.preventDefault();
  const said = await ask("join", { name: at("name").value, postcode: at("home").value });
  if (!said) return;
  remember(said.session);
  version = 0;
  follow();
});

at("guess").addEventListener("submit", (event) => {
  event.preventDefault();
  ask("vote", { ballot: at("guess").dataset.ballot, choice: Number(at("guessed").value) });
});

at("order").addEventListener("submit", async (event) => {
  event.preventDefault();
  const items = [...chosen].flatMap(([name, it]) => Array(it.count).fill(name));
  if (!await send("order", { postcode: at("to").value, items })) return;
  looks = true;
  [...at("dishes").children].forEach((line) => line.clear());
});

at("history").addEventListener("submit", (event) => {
  event.preventDefault();
  send("history", { postcode: at("of").value, page: 0 });
});

at("more").addEventListener("click", () => {
  send("history", { postcode: page.history.postcode, page: page.history.page + 1 });
});

at("cancel").addEventListener("click", () => ask("cancel", {}));

at("leave").addEventListener("click", async () => {
  if (await ask("leave", {})) forgotten();
});

async function begin() {
  at("main").hidden = false;
  if (!session) at("join").hidden = false;
  for (;;) {
    try {
      const answer = await fetch("menu");
      if (!answer.ok) throw new Error(String(answer.status));
      const menu = await answer.json();
      drawDishes(menu.dishes);
      at("home").value = at("home").value || menu.suggestion || "";
      at("name").maxLength = menu.longest_name;
      break;
    } catch {
      show("connection", "The connection is lost. Trying again…");
      await new Promise((done) => setTimeout(done, 1000));
    }
  }
  show("connection", "");
  follow();
}

begin();
