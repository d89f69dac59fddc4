// The page's half of the wall's protocol, without network, clock or document: inputs in, effects out.
//
// Rules (docs: wallboard protocol). (1) A delta is applied only if its epoch is ours and its `prev` is our version;
// otherwise a snapshot is fetched. (2) A row is never drawn over a newer version of itself. (3) A beat whose checksum
// is not ours: fetch and report. (4) No event for 2.5 beats: look stale, connect anew. (5) A closed stream is opened by
// hand, with full jitter. (6) Ages are told by the server's clock. (7) After three failures the snapshot is polled.

import { crcOf } from "./crc.mjs";

export const BEAT_MS = 5_000;
export const SILENCE_MS = 2.5 * BEAT_MS;
export const POLL_MS = 10_000;
export const BACKOFF_MS = [1_000, 30_000];
export const FAILURES_BEFORE_POLLING = 3;
export const HELD_DELTAS_MAX = 256;
export const RECENT_SHOWN = 20;
const FETCH_MS = 15_000;
const BEHIND_MS = 2_000; // so long a snapshot may be under way before the page says that it is behind

const keyOf = (row) => `${row.indicator}/${row.unit}`;

export class Link {
  /** @param {{random?: () => number}} [given] */
  constructor({ random = Math.random } = {}) {
    this.random = random;
    // what is drawn
    this.epoch = null;
    this.ver = -1;
    this.rows = new Map(); // "indicator/unit" → standing
    this.alerts = new Map(); // fingerprint → transition, of those that are firing
    this.recent = [];
    this.asOf = null;
    this.floor = new Map(); // key → newest version seen in this epoch, also of rows that are gone
    // how fresh it is
    this.offset = null; // server's clock minus ours, ms
    this.watermark = null; // ms
    this.notice = null; // that figures are incomplete, and why: {vi, en}
    this.source = null; // what the server says of its source: {reason, since}
    this.heard = null; // when anything true last came, our clock
    this.begun = null;
    // the stream
    this.streaming = false; // open, or opening
    this.alive = false; // events have come over it
    this.streamHeard = 0;
    this.openAt = null;
    this.failures = 0; // of the stream, in a row
    // the snapshot
    this.behindSince = null; // when it turned out that we lack something
    this.distrusted = false; // a checksum did not fit: nothing we have counts as known
    this.needAt = null; // when to ask for a snapshot
    this.reason = "";
    this.fetching = null; // since when one is under way
    this.asked = -Infinity;
    this.refusals = 0; // of snapshots, in a row
    this.held = []; // deltas that came while one was under way
  }

  get tag() {
    return this.epoch === null ? null : `${this.epoch}:${this.ver}`;
  }

  /** What is to be said of freshness at `now`. */
  status(now) {
    const polling = this.#polls();
    const quietMs = now - (this.heard ?? this.begun ?? now);
    const lost = quietMs > (polling ? 2.5 * POLL_MS : SILENCE_MS);
    const behind = this.behindSince !== null && (this.distrusted || now - this.behindSince > BEHIND_MS);
    const serverNow = this.offset === null ? null : now + this.offset;
    let transport = "connecting";
    if (lost) transport = "lost";
    else if (behind) transport = "behind";
    else if (this.epoch !== null && this.alive) transport = "live";
    else if (this.epoch !== null && polling) transport = "polling";
    return {
      transport,
      lostSince: lost && this.heard !== null && this.offset !== null ? this.heard + this.offset : null,
      source: this.source,
      notice: this.notice,
      stale: this.epoch !== null && (lost || behind || this.source !== null),
      serverNow,
      watermark: this.watermark,
      ageMs: serverNow === null || this.watermark === null ? null : Math.max(0, serverNow - this.watermark),
    };
  }

  /** Take one input at `now` (our clock, ms); returns what is to be done. */
  handle(input, now) {
    this.begun ??= now;
    const effects = [];
    switch (input.type) {
      case "start":
        this.#need(now, "");
        break;
      case "snapshot":
        this.#takeSnapshot(input.data, Boolean(input.streamed), now, effects);
        break;
      case "unchanged":
        this.#takeUnchanged(input.fresh, now, effects);
        break;
      case "failed":
        this.#takeFailure(now);
        break;
      case "delta":
        this.#hear(now);
        this.#takeDelta(input.data, now, effects);
        break;
      case "beat":
        this.#hear(now);
        this.#takeBeat(input.data, now, effects);
        break;
      case "bye":
        this.#close(effects);
        this.openAt = now + input.data.retry;
        break;
      case "closed":
        this.#takeClosed(now, effects);
        break;
      case "tick":
        break;
      default:
        throw new Error(`no such input: ${input.type}`);
    }
    this.#act(now, effects);
    return effects;
  }

  // -- what comes in ---------------------------------------------------------------------------------------------

  #takeSnapshot(data, streamed, now, effects) {
    if (streamed) this.#hear(now);
    else this.#answered(now);
    this.#fresh(data.server_time, data.watermark, data.stale, data.notice, now);
    // One that deltas have overtaken on its way says nothing new, unless what we have is in doubt.
    if (data.epoch !== this.epoch || data.ver >= this.ver || this.distrusted) this.#replace(data, effects);
    this.#caughtUp(now, effects);
  }

  #replace(data, effects) {
    const anew = data.epoch !== this.epoch;
    if (anew) this.floor = new Map();
    this.epoch = data.epoch;
    this.ver = data.ver;
    this.asOf = data.as_of;
    this.recent = data.recent ?? [];
    const before = this.rows;
    this.rows = new Map();
    for (const row of data.rows) this.#draw(keyOf(row), row, before);
    this.alerts = new Map(data.alerts.map((alert) => [alert.fingerprint, alert]));
    effects.push({ type: "changed", keys: null, anew });
  }

  #takeUnchanged(fresh, now, effects) {
    this.#answered(now);
    this.#fresh(fresh?.server_time, fresh?.watermark, fresh?.stale, fresh?.notice, now);
    this.#caughtUp(now, effects);
  }

  #takeFailure(now) {
    this.fetching = null;
    this.held = [];
    this.refusals += 1;
    if (this.epoch === null || this.behindSince !== null) {
      this.needAt = now + (this.refusals < FAILURES_BEFORE_POLLING ? this.#backoff(this.refusals) : POLL_MS);
    }
  }

  #takeDelta(delta, now, effects) {
    if (this.fetching !== null) {
      this.held.push(delta);
      if (this.held.length > HELD_DELTAS_MAX) this.held.shift();
      return;
    }
    if (delta.epoch === this.epoch && delta.ver <= this.ver) return; // it is in what we have
    if (delta.epoch !== this.epoch || delta.prev !== this.ver) {
      this.#need(now, delta.epoch === this.epoch ? "gap" : "epoch");
      return;
    }
    const keys = [];
    for (const [key, row] of Object.entries(delta.rows)) {
      if (this.#draw(key, row, this.rows)) keys.push(key);
    }
    for (const key of delta.gone) {
      if (this.rows.delete(key)) keys.push(key);
    }
    for (const [fingerprint, transition] of Object.entries(delta.alerts ?? {})) {
      if (transition.status === "firing") this.alerts.set(fingerprint, transition);
      else this.alerts.delete(fingerprint);
      this.recent = [transition, ...this.recent.filter((t) => t.id !== transition.id)].slice(0, RECENT_SHOWN);
    }
    this.ver = delta.ver;
    this.asOf = delta.as_of ?? this.asOf;
    effects.push({ type: "changed", keys, anew: false });
  }

  #takeBeat(beat, now, effects) {
    this.#fresh(beat.t, beat.wm, beat.stale, beat.notice, now);
    if (this.fetching !== null) return;
    if (beat.epoch !== this.epoch) this.#need(now, "epoch");
    else if (beat.ver !== this.ver) this.#need(now, "behind");
    else if (beat.crc !== this.crc() || (beat.acrc !== undefined && beat.acrc !== this.alertsCrc())) {
      this.distrusted = true;
      effects.push({ type: "report", reason: "crc" });
      this.#need(now, "crc");
    }
  }

  #takeClosed(now, effects) {
    this.#close(effects);
    this.failures += 1;
    this.openAt = now + this.#backoff(this.failures);
  }

  // -- what is done of itself ------------------------------------------------------------------------------------

  #act(now, effects) {
    if (this.fetching !== null && now - this.fetching > FETCH_MS) {
      effects.push({ type: "abort" });
      this.#takeFailure(now);
    }
    if (this.streaming && now - this.streamHeard > SILENCE_MS) {
      effects.push({ type: "report", reason: "silent" });
      this.#takeClosed(now, effects);
    }
    const due = this.needAt !== null && now >= this.needAt;
    if (this.fetching === null && (due || (this.#polls() && now - this.asked >= POLL_MS))) {
      this.fetching = now;
      this.asked = now;
      this.needAt = null;
      // What is in doubt must not be confirmed by its own name.
      effects.push({ type: "fetch", tag: this.behindSince === null ? this.tag : null, reason: this.reason });
    }
    if (!this.streaming && this.openAt !== null && now >= this.openAt && this.epoch !== null) {
      this.openAt = null;
      this.streaming = true;
      this.streamHeard = now;
      effects.push({ type: "open", since: this.tag });
    }
  }

  // -- parts -----------------------------------------------------------------------------------------------------

  crc() {
    return crcOf(Array.from(this.rows, ([key, row]) => [key, row.version]));
  }

  alertsCrc() {
    return crcOf(Array.from(this.alerts, ([name, alert]) => [name, alert.id]));
  }

  /** Rule 2: take a row unless a newer version of it has been seen in this epoch; tell whether it was taken. */
  #draw(key, row, before) {
    const floor = this.floor.get(key);
    if (floor !== undefined && row.version < floor) {
      const kept = before.get(key);
      if (kept !== undefined) this.rows.set(key, kept);
      return false;
    }
    this.floor.set(key, row.version);
    this.rows.set(key, row);
    return true;
  }

  #hear(now) {
    this.heard = now;
    this.streamHeard = now;
    this.alive = true;
    this.failures = 0;
  }

  #answered(now) {
    this.fetching = null;
    this.heard = now;
    this.refusals = 0;
  }

  #fresh(time, watermark, stale, notice, now) {
    this.notice = notice ?? null;
    if (time) this.offset = Date.parse(time) - now;
    if (watermark) this.watermark = Date.parse(watermark);
    this.source = stale ? { reason: stale.reason, since: Date.parse(stale.since) } : null;
  }

  /** A snapshot is needed; one that has just failed is not asked for again before its time. */
  #need(now, reason) {
    if (this.epoch !== null) this.behindSince ??= now;
    this.reason = reason;
    this.needAt ??= now;
  }

  /** A snapshot has come: nothing is lacking but what came meanwhile. */
  #caughtUp(now, effects) {
    this.behindSince = null;
    this.distrusted = false;
    this.reason = "";
    this.needAt = null;
    if (this.fetching === null) {
      const held = this.held;
      this.held = [];
      for (const delta of held) this.#takeDelta(delta, now, effects);
    }
    if (!this.streaming) this.openAt ??= now;
  }

  #close(effects) {
    if (this.streaming) effects.push({ type: "close" });
    this.streaming = false;
    this.alive = false;
  }

  #polls() {
    return this.epoch !== null && !this.alive && this.failures >= FAILURES_BEFORE_POLLING;
  }

  #backoff(failures) {
    const [first, most] = BACKOFF_MS;
    const ceiling = Math.min(most, first * 2 ** Math.min(failures, 10));
    return first + this.random() * (ceiling - first);
  }
}
