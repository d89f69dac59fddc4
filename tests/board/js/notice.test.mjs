// That figures are incomplete is shown, whatever way the server says it, and outranks blaming the source.

import assert from "node:assert/strict";
import { test } from "node:test";
import { banner } from "../../../streams/board/static/parts.mjs";
import { Link } from "../../../streams/board/static/protocol.mjs";
import { words } from "../../../streams/board/static/words.mjs";

const notice = { vi: "Số liệu chưa đầy đủ: đang đếm", en: "The figures are incomplete: still counting" };
const time = "2024-05-01T01:00:00.000Z";
const whole = { epoch: "e", ver: 1, as_of: "2024-05-01", rows: [], alerts: [], recent: [], server_time: time };
const stale = { reason: "silent", since: time };

function told(node) {
  if (node === null) return null;
  const flat = (n) => (typeof n === "string" ? n : (n?.children ?? []).flat(9).map(flat).join(""));
  return flat(node);
}

const shown = (link, lang = "vi") =>
  told(banner({ status: link.status(10), t: words(lang), lang, now: Date.parse(time), meta: null }));

test("a snapshot, a heartbeat and a 304 carry the notice, and take it back", () => {
  const link = new Link();
  link.handle({ type: "start" }, 0);
  link.handle({ type: "snapshot", data: { ...whole, stale: null, notice } }, 1);
  assert.match(shown(link), /Số liệu chưa đầy đủ: đang đếm/);
  assert.equal(link.status(10).stale, false);
  link.handle({ type: "unchanged", fresh: { server_time: time, stale: null, notice: null } }, 2);
  assert.equal(shown(link), null);
  link.handle({ type: "beat", data: { epoch: "e", ver: 1, t: time, crc: 0, stale: null, notice } }, 3);
  assert.match(shown(link, "en"), /still counting/);
});

test("where nobody judges, the source is not blamed", () => {
  const link = new Link();
  link.handle({ type: "start" }, 0);
  link.handle({ type: "snapshot", data: { ...whole, stale, notice } }, 1);
  assert.match(shown(link), /Số liệu chưa đầy đủ/);
  assert.doesNotMatch(shown(link), /Nguồn hồ sơ/);
});
