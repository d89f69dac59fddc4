// Puts the page together: options, description, protocol, rotation; draws when something has changed.

import { h, patch } from "./dom.mjs";
import { clock } from "./format.mjs";
import { ordered, pool } from "./figures.mjs";
import { Net } from "./net.mjs";
import { readOptions, textHeight } from "./options.mjs";
import { page } from "./pageview.mjs";
import { banner, header, shortOf } from "./parts.mjs";
import { Link } from "./protocol.mjs";
import { Rotation, scenesFor } from "./scenes.mjs";
import { wall } from "./wallview.mjs";
import { words } from "./words.mjs";

const DRAW_MS = 200; // at most five times a second
const DIGEST_MS = 60_000;
const RELOAD_HOUR = 3; // a tab that runs for months begins anew at night, when it is connected
const META_RETRY_MS = 5_000;
const WALL_WIDTH = 900;
const ALERTS_A_PAGE = 6; // at most; how many fit is measured
const HEADINGS = 1.95; // of the two lists of a class page, in --u

const options = readOptions(location.search);
const t = words(options.lang);
const root = document.getElementById("app");
const link = new Link();
const rotation = new Rotation(options.rotate);
const ui = { class: null, query: "" };
let meta = null;
let trouble = null;
let dirty = true;
let rows = [];
let alerts = [];
let digested = 0;
const began = performance.now();

// -- drawing -----------------------------------------------------------------------------------------------------------

function layout() {
  return options.layout ?? (innerWidth >= WALL_WIDTH && innerWidth > innerHeight ? "wall" : "page");
}

function dress() {
  const name = layout();
  const dark = options.theme
    ? options.theme === "dark"
    : name === "wall" || matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.lang = options.lang;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  // Of what is wide and low, the width is the measure.
  const height = Math.min(innerHeight, (innerWidth * 9) / 16);
  const u = (height * textHeight(options.screen, options.distance)) / 100;
  document.documentElement.style.setProperty("--u", `${u}px`);
  const tight = name === "wall" && innerWidth / u < 31;
  document.body.className = `${name}${tight ? " tight" : ""}`;
  return { name, u, tight };
}

/** How many rows fit between header and footer, from the style sheet's own measures; at most ten are taken in. */
function capacities(u, bannered) {
  const free = innerHeight / u - (1.95 + 2.55 + 0.72 + 0.95 + (bannered ? 1.15 : 0));
  const fit = (height, most) => Math.max(3, Math.min(most, Math.floor(free / height)));
  const capacity = Math.max(3, Math.min(10, Math.floor((free - HEADINGS) / 1.36)));
  document.documentElement.style.setProperty(
    "--row",
    `${Math.min(1.9, Math.max(1.36, (free - HEADINGS) / capacity))}em`,
  );
  return {
    capacity,
    lines: fit(1.62, 10),
    groups: fit(1.36, 12),
    alertFit: (page) => alertFits[page] ?? alertFits.at(-1) ?? ALERTS_A_PAGE,
  };
}

let alertFits = []; // how many alerts fit on each page: measured, since sentences are as long as they are

/** Take an alert from the page that has just been drawn if it does not fit; tells whether one was taken. */
function overfull() {
  const main = root.querySelector("main.alerts");
  if (!main || layout() !== "wall" || main.scrollHeight <= main.clientHeight + 1) return false;
  const lines = main.querySelectorAll(".alert-list > li").length;
  if (lines < 2) return false;
  const { page } = rotation.scene;
  alertFits = [...alertFits.slice(0, page), lines - 1];
  return true;
}

function draw() {
  if (rotation.scene.kind !== "alerts") alertFits = [];
  drawOnce();
  for (let tries = 0; tries < ALERTS_A_PAGE && overfull(); tries += 1) drawOnce();
}

function drawOnce() {
  dirty = false;
  const { name, u, tight } = dress();
  const now = performance.now();
  const status = link.status(now);
  const model = {
    meta,
    rows,
    alerts,
    status,
    options,
    t,
    ui,
    rotation,
    actions,
    tight,
    layout: name,
    lang: options.lang,
    search: location.search,
    byKey: link.rows,
    now: status.serverNow ?? Date.now(),
    asOf: link.asOf,
    scene: rotation.scene,
    ...capacities(u, status.stale || status.notice !== null),
  };
  document.body.classList.toggle("stale", status.stale);
  if (meta === null || link.epoch === null) {
    const text = trouble ?? (status.transport === "lost" ? t.bannerLost(null) : t.loading);
    patch(root, [h("p", { class: "boot" }, text)]);
    return;
  }
  if (rows.length === 0) {
    patch(root, [header(model), banner(model), h("main", { class: "boot", key: "empty" }, t.empty)]);
  } else if (name === "wall" || options.unit) {
    rotation.update(scenesFor(meta, rows, alerts, options, model));
    patch(root, wall({ ...model, scene: name === "wall" ? rotation.scene : { kind: "unit", page: 0 } }));
  } else {
    patch(root, page(model));
  }
  document.title = `${alerts.length ? `(${alerts.length}) ` : ""}${meta.number ?? meta.id} – ${t.title}`;
  digest(now);
}

/** Say once a minute, to who listens instead of looking, how the page that is shown stands. */
function digest(now) {
  if (now - digested < DIGEST_MS && digested) return;
  digested = now;
  const id = rotation.scene.indicator ?? options.indicator ?? meta.indicators[0].id;
  const indicator = meta.indicators.find((i) => i.id === id) ?? meta.indicators[0];
  const pooled = pool(rows.filter((r) => r.indicator === indicator.id && r.members === undefined && !r.frozen));
  document.getElementById("digest").textContent = t.digest(
    shortOf({ lang: options.lang }, indicator),
    pooled.met,
    pooled.n,
    alerts.length,
  );
}

const turn = (steps) => {
  rotation.go(steps, performance.now());
  draw();
};

const actions = {
  next: () => turn(1),
  previous: () => turn(-1),
  pause: () => {
    if (rotation.everyMs === 0) rotation.everyMs = 20_000;
    else rotation.pause(performance.now());
    draw();
  },
  chooseClass: (name) => {
    ui.class = name;
    draw();
  },
  search: (query) => {
    ui.query = query;
    draw();
  },
};

// -- what makes it draw ------------------------------------------------------------------------------------------------

function changed(effect) {
  dirty = true;
  if (effect.anew) loadMeta(); // another epoch may be another reading of the decision
}

function refresh() {
  rows = Array.from(link.rows.values());
  alerts = ordered(link.alerts.values(), link.rows);
  if (options.unit) alerts = alerts.filter((a) => a.unit === options.unit);
  else if (options.indicator) alerts = alerts.filter((a) => a.indicator === options.indicator);
}

let drawn = 0;
let second = -1;
function frame() {
  const now = performance.now();
  const bar = document.getElementById("progress");
  if (bar) bar.style.transform = `scaleX(${rotation.progress(now)})`;
  const turned = layout() === "wall" && rotation.tick(now);
  const tick = Math.floor(now / 1000) !== second;
  if (turned || ((dirty || tick) && now - drawn >= DRAW_MS)) {
    if (dirty) refresh();
    second = Math.floor(now / 1000);
    drawn = now;
    draw();
  }
}

function maybeReload() {
  const { transport, serverNow } = link.status(performance.now());
  const hours = (performance.now() - began) / 3_600_000;
  if (transport === "live" && serverNow !== null && hours > 6 && clock(serverNow).hour === RELOAD_HOUR)
    location.reload();
}

const KEYS = {
  " ": actions.pause,
  ArrowRight: actions.next,
  ArrowLeft: actions.previous,
  PageDown: actions.next,
  PageUp: actions.previous,
  MediaPlayPause: actions.pause,
};
addEventListener("keydown", (event) => {
  const act = KEYS[event.key];
  const typing =
    event.target instanceof HTMLInputElement || (event.key === " " && event.target instanceof HTMLButtonElement);
  if (act === undefined || typing || layout() !== "wall" || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  act();
});
addEventListener("resize", () => {
  alertFits = [];
  dirty = true;
});

// -- beginning ---------------------------------------------------------------------------------------------------------

async function json(address) {
  const response = await fetch(address, { cache: "no-store" });
  if (!response.ok) throw Object.assign(new Error(response.statusText), { status: response.status });
  return response.json();
}

let board = options.board;

/** Load the description; a server that is away is asked again until it answers. */
async function loadMeta() {
  for (;;) {
    try {
      board ??= (await json("api/v1/boards")).default;
      meta = await json(`api/v1/boards/${encodeURIComponent(board)}/meta`);
      trouble = null;
      dirty = true;
      return;
    } catch (error) {
      trouble = error.status === 404 ? t.noBoard : t.bannerLost(null);
      if (meta === null) draw();
      await new Promise((resolve) => setTimeout(resolve, META_RETRY_MS));
    }
  }
}

async function begin() {
  draw();
  await loadMeta();
  new Net(link, board, changed).start();
  setInterval(frame, 100);
  setInterval(maybeReload, 60_000);
}

begin();
