// Formats, ranks, pools, options and rotation.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as figures from "../../../streams/board/static/figures.mjs";
import * as format from "../../../streams/board/static/format.mjs";
import { address, readOptions, textPx } from "../../../streams/board/static/options.mjs";
import { linesOf, pagesOf, Rotation, scenesFor } from "../../../streams/board/static/scenes.mjs";
import { words } from "../../../streams/board/static/words.mjs";

const plain = (text) => text.replaceAll("\u00a0", " ");
const row = (unit, numerator, denominator, more = {}) => ({
  indicator: "online-dossiers",
  unit,
  numerator,
  denominator,
  target: "50",
  expected: "50",
  shortfall: 0,
  status: denominator === 0 ? "no-dossiers" : 2 * numerator >= denominator ? "met" : "below",
  last_7_days: [0, 0],
  last_30_days: [0, 0],
  ...more,
});

test("a ratio is cut off after two decimals and never rounded up", () => {
  assert.equal(plain(format.ratio(1999, 4000)), "49,97 %");
  assert.equal(plain(format.ratio(49_997, 100_000)), "49,99 %");
  assert.equal(plain(format.ratio(857, 1000)), "85,70 %");
  assert.equal(format.ratio(0, 0), "–");
  assert.equal(format.ratio(1, 3, "en"), "33.33%");
  for (let d = 1; d < 400; d += 1) {
    for (let n = 0; n <= d; n += 1) {
      assert.equal(BigInt(format.hundredths(n, d)), (10_000n * BigInt(n)) / BigInt(d));
    }
  }
  assert.equal(BigInt(format.hundredths(99_999_989, 99_999_999)), (10_000n * 99_999_989n) / 99_999_999n);
});

test("numbers, percentages, days and ages read as officials write them", () => {
  assert.equal(format.number(1234567), "1.234.567");
  assert.equal(plain(format.percent("21.1339")), "21,13 %");
  assert.equal(plain(format.percent("50")), "50 %");
  assert.equal(plain(format.percent("66.50")), "66,5 %");
  assert.equal(format.day("2024-09-30T23:59:59+07:00"), "30/09/2024");
  assert.equal(plain(format.age(754_000)), "12 phút");
  assert.equal(plain(format.age(3_600_000, "en")), "1 hour");
  const noon = format.clock(Date.parse("2026-11-22T17:30:05Z"));
  assert.deepEqual([noon.time, noon.date, noon.weekday], ["00:30", "23/11/2026", "Thứ Hai"]);
});

test("a share of one becomes a percentage by moving the point", () => {
  assert.deepEqual(
    ["0.4612", "0.7", "1", "0.035", "0.00999"].map((text) => plain(format.share(text))),
    ["46,12 %", "70 %", "100 %", "3,5 %", "0,99 %"],
  );
});

test("open alerts stand by gravity, then by what is missing, then by age", () => {
  const alert = (id, severity, shortfall, at) => ({ id, severity, shortfall, at });
  const found = figures.ordered([
    alert("old", "warning", 5, "2024-01"),
    alert("new", "warning", 5, "2024-02"),
    alert("grave", "critical", 1, "2024-01"),
    alert("large", "warning", 9, "2024-01"),
  ]);
  assert.deepEqual(
    found.map((a) => a.id),
    ["grave", "large", "new", "old"],
  );
});

test("alerts are told by what lacks today, a silent source first, one of each unit", () => {
  const alert = (id, unit, more = {}) => ({
    id, unit, indicator: "i", severity: "warning", kind: "below-trajectory", shortfall: 1, at: "2024-01", ...more,
  });
  const byKey = new Map([["i/b", { shortfall: 9 }], ["i/c", { shortfall: 5 }]]);
  const found = figures.ordered(
    [alert("a", "a", { shortfall: 7 }), alert("b", "b"), alert("c", "c"), alert("s", "34", { kind: "source-silent" })],
    byKey,
  );
  assert.deepEqual(found.map((a) => a.id), ["s", "b", "a", "c"]);
  const told = figures.onePerUnit([alert("1", "a"), alert("2", "b"), alert("3", "a"), alert("4", "c")], 2);
  assert.deepEqual(told.map(({ alert: { id }, more }) => [id, more]), [["1", 1], ["2", 0]]);
  const units = { a: { class: "commune" }, b: { class: "district" } };
  assert.deepEqual(figures.countByClass([alert("1", "a"), alert("2", "b"), alert("3", "a")], units), [
    ["district", 1],
    ["commune", 2],
  ]);
});

test("an alert that its row contradicts is doubtful, one whose row has recovered says so", () => {
  const alert = { kind: "below-trajectory" };
  const named = { alert: { id: "x" } };
  assert.equal(figures.agreement(alert, { ...named, status: "below" }), "open");
  assert.equal(figures.agreement(alert, { ...named, status: "met" }), "recovering");
  assert.equal(figures.agreement(alert, { alert: null, status: "met" }), "doubtful");
  assert.equal(figures.agreement({ kind: "forecast-miss" }, { ...named, status: "met" }), "open");
  assert.equal(figures.agreement({ kind: "source-silent" }, undefined), "open");
});

test("a search sees neither marks nor case, and đ as d", () => {
  assert.equal(format.fold("Đông Hưng"), "dong hung");
  assert.equal(format.fold("NGUYỄN ẴM"), "nguyen am");
});

test("pools count only units that have a target, and say how they stand", () => {
  const pooled = figures.pool([
    row("a", 30, 100),
    row("b", 60, 100, { target: "60" }),
    row("c", 0, 0),
    row("d", 9, 10, { status: "no-target" }),
  ]);
  assert.deepEqual(
    [pooled.numerator, pooled.denominator, pooled.met, pooled.below, pooled.idle, pooled.n],
    [90, 200, 1, 1, 1, 3],
  );
  assert.deepEqual([pooled.low, pooled.high, pooled.target], ["50", "60", 55]);
});

test("groups and frozen predecessors are in no class", () => {
  const units = { a: { class: "commune" }, b: { class: "commune" } };
  const rows = [
    row("a", 1, 2),
    row("b", 1, 2, { frozen: true }),
    row("340/communes", 1, 2, { members: { met: 1 } }),
    row("x", 1, 2),
  ];
  const classes = figures.byClass(rows, units, "online-dossiers");
  assert.deepEqual(
    classes.get("commune").map((r) => r.unit),
    ["a"],
  );
  assert.deepEqual(
    classes.get("other").map((r) => r.unit),
    ["x"],
  );
});

test("those who lack most dossiers stand first, and three-dossier units are never ranked among the best", () => {
  const rows = [
    row("big", 300, 1000, { shortfall: 200 }),
    row("tiny", 3, 3),
    row("small", 0, 10, { shortfall: 5 }),
    row("good", 80, 100),
    row("fair", 51, 100),
    row("idle", 0, 0),
  ];
  const name = (r) => r.unit;
  assert.deepEqual(figures.worstFirst(rows, name).map(name), ["big", "small", "fair", "good", "tiny", "idle"]);
  const shown = figures.worstAndBest(rows, name, { volume: true }, 3, 10);
  assert.deepEqual(
    [shown.worst.map(name), shown.best.map(name), shown.hidden, shown.few],
    [["big", "small"], ["good"], 2, 1],
  );
  assert.equal(figures.worstAndBest(rows, name, { volume: true }, 6, 10).all.length, 6);
});

test("below so many dossiers nobody is named worst, nor best", () => {
  const rows = Array.from({ length: 30 }, (_, n) => row(`u${n}`, n % 2, 1 + (n % 3), { shortfall: n % 2 ? 0 : 1 }));
  const shown = figures.worstAndBest(rows, (r) => r.unit, { volume: true }, 8, 10);
  assert.deepEqual([shown.all, shown.worst, shown.best, shown.worstTie, shown.bestTie], [[], [], [], null, null]);
  assert.equal(shown.few, 30);
  const small = (r) => figures.few(r, { volume: true }, 10);
  const order = figures.worstFirst([...rows, row("large", 60, 100)], (r) => r.unit, small);
  assert.equal(order[0].unit, "large"); // shown before all that are too few, though it meets its target
});

test("a place that others share is told as shared, never cut off by the alphabet", () => {
  const alike = Array.from({ length: 184 }, (_, n) => row(`Xã ${n}`, 20 + (n % 5) * 20, 20 + (n % 5) * 20));
  const none = Array.from({ length: 172 }, (_, n) => row(`P. ${n}`, 0, 40, { shortfall: 20 }));
  const worse = row("worse", 0, 50, { shortfall: 25 });
  const name = (r) => r.unit;
  const shown = figures.worstAndBest([...alike, ...none, worse], name, { volume: true }, 8, 10);
  assert.deepEqual([shown.worst.map(name), shown.best.map(name)], [["worse"], []]);
  assert.deepEqual([shown.worstTie.n, shown.bestTie.n, shown.hidden], [172, 184, 0]);
  // Whoever is named, everybody who stands alike is named too, or the tie is.
  for (let seed = 1; seed < 200; seed += 1) {
    let state = seed;
    const next = (n) => (state = (state * 48_271) % 2_147_483_647) % n;
    const rows = Array.from({ length: 40 }, (_, n) => {
      const numerator = 20 + 10 * next(4);
      return row(`u${n}`, numerator, 60, { shortfall: Math.max(0, 30 - numerator) });
    });
    const found = figures.worstAndBest(rows, name, { volume: true }, 3 + next(8), 10);
    const named = [...found.worst, ...found.best];
    for (const one of named) {
      assert.deepEqual(
        rows.filter((other) => figures.tied(one, other) && !named.includes(other)),
        [],
      );
    }
    const told = named.length + (found.worstTie?.n ?? 0) + (found.bestTie?.n ?? 0) + found.hidden + found.few;
    if (!found.all.length) assert.equal(told, 40);
  }
});

test("equal units stand in the order of the Vietnamese alphabet", () => {
  const rows = ["Đông Á", "Dân Chủ", "An Ấp", "Ân Giang"].map((unit) => row(unit, 0, 0));
  assert.deepEqual(
    figures.worstFirst(rows, (r) => r.unit).map((r) => r.unit),
    ["An Ấp", "Ân Giang", "Dân Chủ", "Đông Á"],
  );
});

test("a trend is a difference of a point between a week and a month", () => {
  const trend = (week, month) => figures.trend({ last_7_days: week, last_30_days: month });
  assert.equal(trend([31, 55], [120, 201]), "down");
  assert.equal(trend([60, 100], [590, 1000]), "up");
  assert.equal(trend([60, 100], [595, 1000]), "flat");
  assert.equal(trend([0, 0], [5, 10]), null);
});

test("options come from the address alone, within bounds", () => {
  const options = readOptions(
    "?board=lak-2022&rotate=0&theme=light&lang=en&screen=43&distance=x&unit=340/communes&indicator=<b>",
  );
  assert.deepEqual(
    [
      options.board,
      options.rotate,
      options.theme,
      options.lang,
      options.screen,
      options.distance,
      options.unit,
      options.indicator,
    ],
    ["lak-2022", 0, "light", "en", 43, 4, "340/communes", null],
  );
  assert.equal(readOptions("").rotate, 20);
  assert.equal(address("?theme=light&unit=1", { unit: null, indicator: "a" }), "?theme=light&indicator=a");
});

test("text is as high as its distance asks: the x-height is seen under 16 arc minutes or more", () => {
  for (const [screen, px] of [
    [43, 71],
    [55, 55],
    [65, 47],
    [75, 41],
  ]) {
    const font = textPx(screen, 4, 1920, 1080);
    assert.ok(Math.abs(font - px) < 1.5, `${screen}": ${font}`);
    assert.equal(textPx(screen, 4, 1080, 1920), font); // the same screen, hung upright
    assert.ok(Math.abs(textPx(screen, 4, 3840, 2160) - 2 * font) < 1e-9);
    const heightM = (screen * 0.0254 * 9) / Math.hypot(16, 9);
    const minutes = (Math.atan((0.546 * font * heightM) / 1080 / 4) * 180 * 60) / Math.PI;
    assert.ok(minutes >= 16, `${minutes}'`);
  }
});

test("pages: none without a target, lines spread evenly, one page of one unit", () => {
  const meta = {
    indicators: [{ id: "online-dossiers" }, { id: "online-payments" }],
    units: { a: { class: "commune" }, b: { class: "district" } },
  };
  const rows = [row("a", 1, 2), row("b", 1, 2, { status: "no-target" }), row("g", 1, 2, { members: { met: 1 } })];
  const fit = ({ kind }) => (page) => (kind === "alerts" ? (page === 0 ? 2 : 3) : 7);
  const alerts = Array.from({ length: 40 }, (_, n) => ({ unit: `u${n}` }));
  const kinds = scenesFor(meta, rows, alerts, readOptions(""), fit).map((s) => `${s.kind} ${s.class ?? s.page}`);
  assert.deepEqual(kinds, ["province 0", "class commune", "groups 0", "alerts 0", "alerts 1", "alerts 2"]);
  assert.deepEqual(scenesFor(meta, rows, [], readOptions("?unit=a"), fit), [{ kind: "unit", page: 0 }]);
  assert.deepEqual(
    pagesOf(8, (page) => (page === 0 ? 2 : 3)),
    [
      [0, 2],
      [2, 5],
      [5, 8],
    ],
  );
  const seven = [1, 2, 3, 4, 5, 6, 7];
  const five = () => () => 5;
  assert.deepEqual(
    [linesOf(seven, { page: 0 }, five), linesOf(seven, { page: 1 }, five)],
    [
      [1, 2, 3, 4],
      [5, 6, 7],
    ],
  );
});

test("rotation turns after its time, stands still while paused, and stays on its page when pages change", () => {
  const rotation = new Rotation(20);
  rotation.update([
    { kind: "province", page: 0 },
    { kind: "class", indicator: "a", class: "commune" },
    { kind: "alerts", page: 0 },
  ]);
  assert.equal(rotation.tick(19_999), false);
  assert.equal(rotation.tick(20_000), true);
  assert.equal(rotation.scene.kind, "class");
  rotation.update([
    { kind: "province", page: 0 },
    { kind: "class", indicator: "a", class: "district" },
    { kind: "class", indicator: "a", class: "commune" },
  ]);
  assert.equal(rotation.scene.class, "commune");
  rotation.pause(21_000);
  assert.equal(rotation.tick(90_000), false);
  rotation.pause(90_000);
  assert.equal(rotation.tick(100_000), false);
  rotation.go(1, 100_000);
  assert.equal(rotation.at, 0);
  rotation.update([]);
});

test("both languages say the same things", () => {
  assert.deepEqual(Object.keys(words("en")).sort(), Object.keys(words("vi")).sort());
  for (const text of Object.values(words("vi"))) assert.equal(String(text).normalize("NFC"), String(text));
});
