// The one sentence of a standing: never less than is needed, never possible where it is not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { amount, isYear, portion, sentence } from "../../../streams/board/static/sentences.mjs";
import { words } from "../../../streams/board/static/words.mjs";

const plain = (text) => text.replaceAll("\u00a0", " ");
const year = { from: "2024-01-01", to: "2024-12-31" };
const online = {
  noun: "hồ sơ",
  noun_en: "dossiers",
  must: "phải nộp trực tuyến",
  must_en: "must be filed online",
};
const row = (more) => ({
  status: "below",
  shortfall: 651,
  target: "50",
  expected: "50",
  assurance: "unlikely",
  still_needed: { of_rest: 1800, rest: 2000, extra: 1302, instead: 651 },
  ...more,
});
const vi = (given, period = year) => plain(sentence(row(given), online, period, "vi"));

test("what is missing today, and what the rest has to bring", () => {
  assert.equal(vi({}), "Thiếu 651 hồ sơ; để đạt 50 % cả năm, 9 trên 10 hồ sơ còn lại phải nộp trực tuyến: khó đạt.");
  assert.equal(
    plain(sentence(row({}), online, year, "en")),
    "Short of 651 dossiers; to reach 50% for the year, 9 in 10 of the remaining dossiers must be filed online: unlikely.",
  );
  assert.match(vi({ shortfall: 12_651 }), /^Thiếu 12\.651 hồ sơ;/);
  assert.match(vi({ expected: "21.13" }), /^Thiếu 651 hồ sơ so với lộ trình 21,13 %;/);
  assert.match(vi({}, { from: "2024-07-01", to: "2024-12-31" }), / cả kỳ, /);
  assert.match(vi({ assurance: "open" }), /phải nộp trực tuyến\.$/);
});

test("what cannot be is said to be impossible", () => {
  const never = vi({ assurance: "unreachable", still_needed: { of_rest: 61, rest: 25, extra: 61, instead: 25 } });
  assert.equal(never, "Thiếu 651 hồ sơ; không thể đạt 50 % trong kỳ, dù cả 25 hồ sơ dự kiến còn lại đều nộp trực tuyến.");
  // Lắk, 28/12/2022: 45 of some 26, which was told as if it were possible.
  const beyond = vi({ assurance: "open", still_needed: { of_rest: 45, rest: 26, extra: 9, instead: 9 } });
  assert.equal(beyond, "Thiếu 651 hồ sơ; chỉ còn khoảng 26 hồ sơ, không thể đạt 50 % trong kỳ.");
  for (let rest = 0; rest < 60; rest += 1) {
    for (let needed = rest + 1; needed < 70; needed += 7) {
      const still_needed = { of_rest: needed, rest, extra: 1, instead: 1 };
      for (const assurance of ["open", "likely", "unlikely", "unreachable"]) {
        assert.match(vi({ assurance, still_needed }), /không thể đạt/);
        assert.match(sentence(row({ assurance, still_needed }), online, year, "en"), /cannot be reached/);
      }
    }
  }
});

test("a share is never said smaller than it is", () => {
  const t = words("vi").said;
  for (let rest = 1; rest < 130; rest += 1) {
    for (let needed = 1; needed <= rest; needed += 1) {
      const said = portion(needed, rest, t, "vi");
      const found = /^(hơn )?(\d+) trên (\d+)$/.exec(said);
      if (needed === rest) assert.equal(said, "tất cả");
      else if (found === null) assert.equal(said, "chưa đến 1 trên 10");
      else {
        const [, over, k, n] = found;
        assert.equal(needed * n > k * rest, Boolean(over), said);
        assert.ok(needed * n >= k * rest && (needed * n === k * rest || needed * 10 < (Number(k) + 1) * rest), said);
      }
    }
  }
});

test("who stands well, who has nothing yet, and who cannot miss any more", () => {
  assert.match(vi({ status: "met", shortfall: 0 }), /^Hiện đạt lộ trình; để đạt 50 % cả năm, /);
  assert.equal(vi({ status: "met", assurance: "secured" }), "Hiện đạt lộ trình; đã chắc chắn đạt 50 % cả năm.");
  assert.equal(vi({ status: "no-dossiers", still_needed: undefined }), "Chưa phát sinh hồ sơ nào.");
  assert.equal(vi({ status: "no-target", target: null }), "Không giao chỉ tiêu.");
});

test("amounts and periods", () => {
  assert.equal(amount(1, online, "en"), "1 dossier");
  assert.equal(amount(1234, online, "vi"), "1.234 hồ sơ");
  assert.equal(amount(1, { noun_en: "copies" }, "en"), "1 copy");
  assert.equal(isYear(year), true);
  assert.equal(isYear({ from: "2024-01-01", to: "2024-06-30" }), false);
});
