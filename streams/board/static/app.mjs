// Puts the page together: options, description, protocol, rotation; draws when something has changed.

import { h, patch } from "./dom.mjs";
import { clock } from "./format.mjs";
import { isSystem, ordered, pool } from "./figures.mjs";
import { Net } from "./net.mjs";
import { readOptions, textPx } from "./options.mjs";
import { page } from "./pageview.mjs";
import { areaOf, banner, header, shortOf, unitOf } from "./parts.mjs";
import { Link } from "./protocol.mjs";
import { keyOf, Rotation, scenesFor } from "./scenes.mjs";
import { wall } from "./wallview.mjs";
import { words } from "./words.mjs";

const DRAW_MS = 200; // at most five times a second
const DIGEST_MS = 60_000;
const RELOAD_HOUR = 3; // a tab that runs for months begins anew at night, when it is connected
const META_RETRY_MS = 5_000;
const WALL_WIDTH = 900;
const UPRIGHT_HEIGHT = 1500;

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
  if (options.layout) return options.layout;
  // Who follows a link to a unit sits at a desk; a wall turned upright has the lines of one.
  const wall = !options.unit && innerWidth >= WALL_WIDTH && (innerWidth > innerHeight || innerHeight >= UPRIGHT_HEIGHT);
  return wall ? "wall" : "page";
}

function dress() {
  const name = layout();
  const dark = options.theme
    ? options.theme === "dark"
    : name === "wall" || matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.lang = options.lang;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  const u = textPx(options.screen, options.distance, innerWidth, innerHeight);
  document.documentElement.style.setProperty("--u", `${u}px`);
  const wide = innerWidth / u;
  const room = name !== "wall" ? "" : wide < 24 ? " narrow" : wide < 31 ? " tight" : "";
  document.body.className = `${name}${room}`;
  return { name, ems: wide, room: room.trim() };
}

const MOST = { province: 10, class: 10, groups: 12, unit: 10, alerts: 6 };
let fits = new Map(); // kind of scene → how many lines fit on each page: measured, since texts are as long as they are

const sizesOf = (scene, bannered) => `${keyOf(scene)} ${bannered}`;
const fitting = (bannered) => (scene) => (page) => fits.get(sizesOf(scene, bannered))?.[page] ?? MOST[scene.kind];

/** Take a line from the page that has just been drawn if it does not fit; tells whether one was taken. */
function overfull(bannered) {
  const main = root.querySelector("main.scene");
  if (!main || layout() !== "wall" || main.scrollHeight <= main.clientHeight + 1) return false;
  const lines = main.querySelectorAll(".rows > li, .alert-list > li").length;
  const { scene } = rotation;
  const page = scene.page ?? 0;
  const known = fits.get(sizesOf(scene, bannered)) ?? [];
  const next = scene.kind === "class" ? Math.max(0, lines - 1) : lines - 1; // a class can be told in numbers alone
  if (next === known[page] || (next < 1 && scene.kind !== "class")) return false;
  known[page] = next;
  known.length = page + 1;
  fits.set(sizesOf(scene, bannered), known);
  return true;
}

function draw() {
  let bannered = drawOnce();
  for (let tries = 0; tries < 16 && overfull(bannered); tries += 1) bannered = drawOnce();
}

/** Draw; tells whether there is a banner. */
function drawOnce() {
  dirty = false;
  const { name, ems, room } = dress();
  const now = performance.now();
  const status = link.status(now);
  const shown = standing(status);
  const model = {
    meta,
    rows,
    alerts: shown.over ? [] : alerts,
    over: shown.over,
    status: shown.status,
    options,
    t,
    ui,
    rotation,
    actions,
    ems,
    room,
    layout: name,
    lang: options.lang,
    search: location.search,
    byKey: link.rows,
    now: status.serverNow ?? Date.now(),
    asOf: link.asOf,
    scene: rotation.scene,
  };
  const warning = meta === null ? null : banner(model);
  const bannered = warning !== null;
  const fit = fitting(bannered);
  model.fit = fit;
  document.body.classList.toggle("stale", model.status.stale);
  if (meta === null || link.epoch === null) {
    const text = trouble ?? (status.transport === "lost" ? t.bannerLost(null) : t.loading);
    patch(root, [h("p", { class: "boot" }, text)]);
    return bannered;
  }
  if (rows.length === 0) {
    patch(root, [header(model), warning, h("main", { class: "boot", key: "empty" }, t.empty)]);
  } else if (name === "wall" || options.unit) {
    rotation.update(scenesFor(meta, rows, model.alerts, options, fit));
    patch(root, wall({ ...model, scene: name === "wall" ? rotation.scene : { kind: "unit", page: 0 } }));
  } else {
    patch(root, page(model));
  }
  document.title = titleOf(model);
  digest(now);
  return bannered;
}

/** What the tab is called: on a unit's page the unit, and always how many alerts are open of what is shown. */
function titleOf(model) {
  const open = model.alerts.length ? `(${model.alerts.length}) ` : "";
  const what = options.unit ? unitOf(model, options.unit).name : (meta.number ?? areaOf(model));
  return `${open}${what} – ${t.title}`;
}

/** Whether the period is over, with its last figures on the board; then they do not grow old, and nothing warns. */
function standing(status) {
  if (meta === null || !link.asOf) return { over: false, status };
  const today = clock(status.serverNow ?? Date.now()).iso;
  const over = link.asOf >= meta.period.to && today > meta.period.to;
  if (!over || status.source?.reason !== "silent") return { over, status };
  return { over, status: { ...status, source: null, stale: status.transport === "lost" || status.transport === "behind" } };
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
  else if (options.indicator) alerts = alerts.filter((a) => isSystem(a) || a.indicator === options.indicator);
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
// Who asks the device for less motion gets a wall that stands still until told to turn.
if (matchMedia("(prefers-reduced-motion: reduce)").matches) rotation.pause(performance.now());
addEventListener("resize", () => {
  fits = new Map();
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
