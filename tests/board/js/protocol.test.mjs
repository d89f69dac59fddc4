// The page's protocol against a server that is driven at random: the page equals the board, or says that it is stale.

import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32, crcOf } from "../../../streams/board/static/crc.mjs";
import {
  BACKOFF_MS,
  BEAT_MS,
  FAILURES_BEFORE_POLLING,
  Link,
  POLL_MS,
  SILENCE_MS,
} from "../../../streams/board/static/protocol.mjs";

const SEED = Number(process.env.SEED ?? 20240930);
const STEPS = Number(process.env.STEPS ?? 20_000);

function chance(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const version = (n) => String(n).padStart(12, "0");
const at = (ms) => new Date(ms).toISOString();

/** A board as the server has it. Row versions belong to Kafka: they outlive epochs. */
class Server {
  constructor(random) {
    this.random = random;
    this.clock = 1_700_000_000_000; // its clock is not the page's
    this.kafka = 0;
    this.epoch = "e0";
    this.ver = 1;
    this.rows = new Map();
    this.alerts = new Map();
    this.log = [];
    this.up = true;
    this.history = new Map(); // tag → checksum of exactly that content
    for (let i = 0; i < 12; i += 1) this.rows.set(`i/u${i}`, this.row(`i/u${i}`));
    this.remember();
  }

  row(key) {
    const [indicator, unit] = key.split("/");
    this.kafka += 1;
    return {
      indicator,
      unit,
      numerator: Math.floor(this.random() * 100),
      denominator: 100,
      version: version(this.kafka),
    };
  }

  /** One batch: some rows change, one may go, an alert may fire or resolve. */
  change() {
    const rows = {};
    const gone = [];
    const alerts = {};
    for (let i = 0; i < 1 + this.random() * 3; i += 1) {
      const key = `i/u${Math.floor(this.random() * 16)}`;
      if (this.random() < 0.15 && this.rows.has(key) && !(key in rows)) {
        this.rows.delete(key);
        gone.push(key);
      } else if (!gone.includes(key)) {
        rows[key] = this.row(key);
        this.rows.set(key, rows[key]);
      }
    }
    if (this.random() < 0.3) {
      const fingerprint = `f${Math.floor(this.random() * 4)}`;
      this.kafka += 1;
      const firing = !this.alerts.has(fingerprint);
      const transition = { id: `t${this.kafka}`, fingerprint, status: firing ? "firing" : "resolved" };
      alerts[fingerprint] = transition;
      if (firing) this.alerts.set(fingerprint, transition);
      else this.alerts.delete(fingerprint);
    }
    this.ver += 1;
    const delta = { epoch: this.epoch, prev: this.ver - 1, ver: this.ver, as_of: "2024-09-30", rows, gone, alerts };
    this.log.push(delta);
    this.remember();
    return delta;
  }

  /** Redis was flushed, the decision published again: a new epoch, counted from anew. */
  anew() {
    this.epoch = `e${Number(this.epoch.slice(1)) + 1}`;
    this.ver = Math.floor(this.random() * 5);
    this.log = [];
    this.remember();
  }

  remember() {
    this.history.set(`${this.epoch}:${this.ver}`, crcOf([...this.rows].map(([k, r]) => [k, r.version])));
  }

  snapshot() {
    return {
      epoch: this.epoch,
      ver: this.ver,
      as_of: "2024-09-30",
      server_time: at(this.clock),
      watermark: at(this.clock - 400),
      stale: null,
      rows: [...this.rows.values()],
      alerts: [...this.alerts.values()],
      recent: [],
    };
  }

  beat() {
    return {
      epoch: this.epoch,
      ver: this.ver,
      t: at(this.clock),
      wm: at(this.clock - 400),
      lag_s: 0.4,
      stale: null,
      crc: crcOf([...this.rows].map(([k, r]) => [k, r.version])),
      acrc: crcOf([...this.alerts].map(([f, a]) => [f, a.id])),
    };
  }

  /** What a stream begins with: nothing if the page is up to date, what it missed, or everything. */
  opening(since) {
    const [epoch, ver] = [since.slice(0, since.lastIndexOf(":")), Number(since.slice(since.lastIndexOf(":") + 1))];
    const missed = this.log.filter((d) => d.ver > ver);
    const known = epoch === this.epoch && ver <= this.ver && this.ver - ver === missed.length;
    if (!known) return { type: "snapshot", data: this.snapshot(), streamed: true };
    if (!missed.length) return null;
    const merged = { ...missed.at(-1), prev: ver, rows: {}, gone: [], alerts: {} };
    for (const delta of missed) {
      for (const key of delta.gone) {
        delete merged.rows[key];
        merged.gone.push(key);
      }
      for (const [key, row] of Object.entries(delta.rows)) {
        merged.gone = merged.gone.filter((k) => k !== key);
        merged.rows[key] = row;
      }
      Object.assign(merged.alerts, delta.alerts);
    }
    return { type: "delta", data: merged };
  }
}

const equal = (link, server) =>
  link.epoch === server.epoch && link.crc() === server.beat().crc && link.alertsCrc() === server.beat().acrc;

/** A page, a server and the lines between them: what is sent arrives in its order, late, or not at all. */
class World {
  constructor(seed) {
    this.random = chance(seed);
    this.server = new Server(this.random);
    this.link = new Link({ random: this.random });
    this.now = 5_000;
    this.open = false;
    this.wire = []; // events on their way to the page, in order
    this.fetch = null; // {due, tag}
    this.blackhole = false; // the line swallows everything and does not say so
    this.highest = new Map(); // key → newest version ever drawn in this epoch
    this.epoch = null;
    this.longestBackoff = 0;
    this.give({ type: "start" });
  }

  give(input) {
    for (const effect of this.link.handle(input, this.now)) {
      if (effect.type === "changed" && effect.keys === null) this.faulty = false;
      this.carryOut(effect);
    }
    this.neverOlder();
    this.neverMixed();
  }

  /** What the page calls version v of epoch e is exactly what the server had at v of e. */
  neverMixed() {
    const expected = this.server.history.get(this.link.tag);
    if (this.link.tag !== null && !this.faulty)
      assert.equal(this.link.crc(), expected, `${this.link.tag} is not that board`);
  }

  /** Rule 2, at every step. */
  neverOlder() {
    if (this.link.epoch !== this.epoch) {
      this.epoch = this.link.epoch;
      this.highest = new Map();
    }
    for (const [key, row] of this.link.rows) {
      const before = this.highest.get(key) ?? "";
      assert.ok(row.version >= before, `${key} went back from ${before} to ${row.version}`);
      this.highest.set(key, row.version);
    }
  }

  carryOut(effect) {
    if (effect.type === "fetch") this.fetch = { due: this.now + this.random() * 800, tag: effect.tag };
    else if (effect.type === "abort") this.fetch = null;
    else if (effect.type === "close") {
      this.open = false;
      this.wire = [];
    } else if (effect.type === "open") {
      this.wire = [];
      if (!this.server.up) this.refused = true;
      else {
        this.open = true;
        const first = this.server.opening(effect.since);
        if (first) this.wire.push(first);
        this.wire.push({ type: "beat", data: this.server.beat() });
      }
    }
  }

  pass(ms) {
    this.now += ms;
    this.server.clock += ms;
    if (this.refused) {
      this.refused = false;
      this.give({ type: "closed" });
      const wait = this.link.openAt - this.now;
      assert.ok(wait >= BACKOFF_MS[0] && wait <= BACKOFF_MS[1], `backoff of ${wait} ms`);
    }
    if (this.fetch && this.now >= this.fetch.due && !this.blackhole) {
      const { tag } = this.fetch;
      this.fetch = null;
      if (!this.server.up) this.give({ type: "failed" });
      else if (tag === `${this.server.epoch}:${this.server.ver}`) {
        const { server_time, watermark, stale } = this.server.snapshot();
        this.give({ type: "unchanged", fresh: { server_time, watermark, stale } });
      } else this.give({ type: "snapshot", data: structuredClone(this.server.snapshot()) });
    }
    if (this.wire.length && !this.blackhole && this.random() < 0.9) this.give(structuredClone(this.wire.shift()));
    this.give({ type: "tick" });
  }

  send(event) {
    if (this.open) this.wire.push(event);
  }

  /** One step of trouble. */
  step() {
    const r = this.random();
    if (r < 0.45) this.send({ type: "delta", data: this.server.change() });
    else if (r < 0.55) this.send({ type: "beat", data: this.server.beat() });
    else if (r < 0.6)
      this.wire.splice(Math.floor(this.random() * this.wire.length), 1); // lost
    else if (r < 0.64)
      this.wire.push(...this.wire.slice(0, 1)); // twice, and late
    else if (r < 0.67)
      this.wire.reverse(); // out of order
    else if (r < 0.69) {
      this.open = false;
      this.wire = [];
      this.give({ type: "closed" });
    } else if (r < 0.71) {
      this.server.up = false;
      if (this.open) {
        this.open = false;
        this.give({ type: "closed" });
      }
    } else if (r < 0.75) this.server.up = true;
    else if (r < 0.76) {
      this.server.anew();
      this.send({ type: "snapshot", data: this.server.snapshot(), streamed: true });
    } else if (r < 0.77)
      this.server.anew(); // and nobody is told
    else if (r < 0.78)
      this.server.log = []; // the log was trimmed: a return needs everything
    else if (r < 0.79) this.send({ type: "bye", data: { retry: 1000 + this.random() * 4000 } });
    else if (r < 0.8) this.blackhole = !this.blackhole;
    else if (r < 0.81) {
      this.link.rows.delete([...this.link.rows.keys()][0]);
      this.faulty = true;
    } // in the page's own memory
    this.pass(this.random() * 1500);
  }

  /** A beat has come and nothing is on its way: now the page must equal the board, or say that it does not. */
  check() {
    const settled = this.open && !this.wire.length && !this.blackhole && this.fetch === null;
    if (settled && this.link.alive) {
      this.give({ type: "beat", data: this.server.beat() });
    }
    const status = this.link.status(this.now);
    const quiet = this.link.heard === null ? Infinity : this.now - this.link.heard;
    const knows = status.stale || this.link.behindSince !== null || this.link.epoch === null || !this.link.alive;
    if (!equal(this.link, this.server) && settled)
      assert.ok(knows, `the page is wrong and does not say so (quiet ${quiet} ms)`);
    if (quiet > 2.5 * POLL_MS && this.link.epoch !== null) assert.ok(status.stale, "silence, and the page looks alive");
  }

  /** After all trouble has ended the page comes to equal the board by itself. */
  heal() {
    this.server.up = true;
    this.blackhole = false;
    let beatAt = this.now;
    for (let waited = 0; waited < 120_000; waited += 250) {
      if (this.now >= beatAt) {
        this.send({ type: "beat", data: this.server.beat() });
        beatAt = this.now + BEAT_MS;
      }
      this.pass(250);
      if (equal(this.link, this.server) && this.link.alive && !this.link.status(this.now).stale) return;
    }
    assert.fail(`not healed after two minutes: ${JSON.stringify(this.link.status(this.now))}`);
  }
}

test("under drops, disorder, restarts and new epochs the page equals the board or says that it is stale", () => {
  for (let round = 0; round * 200 < STEPS; round += 1) {
    const world = new World(SEED + round);
    try {
      for (let i = 0; i < 200; i += 1) {
        world.step();
        world.check();
      }
      world.heal();
    } catch (error) {
      error.message = `SEED=${SEED + round}: ${error.message}`;
      throw error;
    }
  }
});

// -- the rules, one by one ---------------------------------------------------------------------------------------------

function connected() {
  const server = new Server(chance(3));
  const link = new Link({ random: () => 0.5 });
  link.handle({ type: "start" }, 0);
  const effects = link.handle({ type: "snapshot", data: structuredClone(server.snapshot()) }, 10);
  assert.ok(effects.some((e) => e.type === "open" && e.since === "e0:1"));
  link.handle({ type: "beat", data: server.beat() }, 20);
  return { server, link };
}

test("1: a delta that does not follow is not applied; the snapshot is fetched, and deltas wait for it", () => {
  const { server, link } = connected();
  server.change();
  const second = server.change();
  const effects = link.handle({ type: "delta", data: second }, 100);
  assert.equal(link.ver, 1);
  assert.deepEqual(effects, [{ type: "fetch", tag: null, reason: "gap" }]);
  const third = server.change();
  link.handle({ type: "delta", data: third }, 120);
  server.log.pop();
  const late = { ...server.snapshot(), ver: 3 };
  link.handle({ type: "snapshot", data: structuredClone(late) }, 200);
  assert.equal(link.ver, third.ver);
});

test("1: a delta of another epoch is not applied", () => {
  const { server, link } = connected();
  server.anew();
  const effects = link.handle({ type: "delta", data: { ...server.change(), prev: 1, ver: 2 } }, 100);
  assert.deepEqual(effects, [{ type: "fetch", tag: null, reason: "epoch" }]);
  assert.equal(link.epoch, "e0");
});

test("2: a row is never drawn over a newer version of itself, not even by a snapshot", () => {
  const { server, link } = connected();
  const [key, row] = [...link.rows][0];
  const delta = {
    epoch: "e0",
    prev: 1,
    ver: 2,
    rows: { [key]: { ...row, numerator: 1, version: version(900) } },
    gone: [],
    alerts: {},
  };
  link.handle({ type: "delta", data: delta }, 100);
  link.handle({ type: "delta", data: { ...delta, prev: 2, ver: 3, rows: { [key]: row } } }, 110);
  assert.equal(link.rows.get(key).version, version(900));
  link.distrusted = true;
  link.handle({ type: "snapshot", data: { ...server.snapshot(), ver: 4 } }, 120);
  assert.equal(link.rows.get(key).version, version(900));
});

test("3: a checksum that does not fit is fetched again and reported, and the page says so at once", () => {
  const { server, link } = connected();
  const [key, row] = [...link.rows][0];
  link.rows.set(key, { ...row, version: version(77) });
  const effects = link.handle({ type: "beat", data: server.beat() }, 5000);
  assert.deepEqual(effects, [
    { type: "report", reason: "crc" },
    { type: "fetch", tag: null, reason: "crc" },
  ]);
  assert.equal(link.status(5000).stale, true);
  link.handle({ type: "snapshot", data: structuredClone(server.snapshot()) }, 5100);
  assert.equal(link.status(5100).stale, false);
});

test("4: after 2.5 beats without an event the page looks stale and connects anew by itself", () => {
  const { link } = connected();
  assert.equal(link.status(20 + SILENCE_MS).stale, false);
  const effects = link.handle({ type: "tick" }, 21 + SILENCE_MS);
  assert.equal(link.status(21 + SILENCE_MS).transport, "lost");
  assert.deepEqual(
    effects.map((e) => e.type),
    ["report", "close"],
  );
  assert.ok(link.openAt !== null);
});

test("5: a closed stream is opened by hand, with full jitter between 1 and 30 seconds", () => {
  const { link } = connected();
  const waits = [];
  for (let i = 0; i < 12; i += 1) {
    link.handle({ type: "closed" }, 1000);
    waits.push(link.openAt - 1000);
    link.handle({ type: "tick" }, link.openAt);
  }
  assert.ok(Math.min(...waits) >= 1000 && Math.max(...waits) <= 30_000);
  assert.equal(waits.at(-1), 15_500); // the middle of 1 to 30 s, with the coin at one half
});

test("6: ages are told by the server's clock", () => {
  const { server, link } = connected();
  assert.equal(link.status(20).serverNow, server.clock);
  assert.equal(link.status(60_020).ageMs, 60_400);
});

test("7: after three failures the snapshot is polled by its name every ten seconds, and the page is not stale", () => {
  const { server, link } = connected();
  let now = 20;
  for (let i = 0; i < FAILURES_BEFORE_POLLING; i += 1) link.handle({ type: "closed" }, (now += 10));
  const asked = [];
  for (; now < 60_000; now += 500) {
    server.clock += 500;
    for (const effect of link.handle({ type: "tick" }, now)) {
      if (effect.type === "fetch") {
        asked.push([now, effect.tag]);
        const { server_time, watermark } = server.snapshot();
        link.handle({ type: "unchanged", fresh: { server_time, watermark, stale: null } }, now + 50);
      } else if (effect.type === "open") link.handle({ type: "closed" }, now + 60);
    }
    assert.equal(link.status(now).stale, false);
  }
  assert.equal(link.status(now).transport, "polling");
  assert.ok(asked.length >= 5 && asked.every(([, tag]) => tag === "e0:1"));
  assert.ok(asked.slice(1).every(([t], i) => t - asked[i][0] >= POLL_MS));
});

test("bye: the page comes back when it is told to, and not before", () => {
  const { link } = connected();
  assert.deepEqual(link.handle({ type: "bye", data: { retry: 3000 } }, 100), [{ type: "close" }]);
  assert.deepEqual(link.handle({ type: "tick" }, 3099), []);
  assert.deepEqual(link.handle({ type: "tick" }, 3100), [{ type: "open", since: "e0:1" }]);
});

test("the source's silence and the connection's are told apart", () => {
  const { server, link } = connected();
  link.handle(
    { type: "beat", data: { ...server.beat(), stale: { reason: "silent", since: at(server.clock - 60_000) } } },
    30,
  );
  const status = link.status(40);
  assert.deepEqual([status.transport, status.stale, status.source.reason], ["live", true, "silent"]);
});

test("checksums are those of zlib, over lines sorted by code points", () => {
  assert.equal(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
  const pairs = [
    ["b/\u{1f600}", "2"],
    ["b/\uff5e", "1"],
    ["a/340", "1"],
    ["a/340/communes", "0"],
  ];
  assert.equal(crcOf(pairs), crc32(new TextEncoder().encode("a/340/communes:0\na/340:1\nb/\uff5e:1\nb/\u{1f600}:2\n")));
});
