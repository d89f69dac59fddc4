// What an official would say of a standing, in one sentence: how much is missing today, and what the rest has to bring.
// Pure. Nothing is reckoned anew here: the figures are the standing's own.

import { number, percent } from "./format.mjs";
import { words } from "./words.mjs";

/** "651 hồ sơ", "1 dossier" */
export function amount(n, indicator, lang) {
  const noun = lang === "en" ? indicator.noun_en : indicator.noun;
  return `${number(n, lang)} ${lang === "en" && n === 1 ? noun.replace(/ies$/, "y").replace(/s$/, "") : noun}`;
}

/** The share that the rest has to bring, never said smaller than it is: 1510 of 2130 → "hơn 7 trên 10". */
export function portion(needed, rest, t, lang) {
  if (needed >= rest) return t.allOfRest;
  if (rest <= 10) return t.ofRest(number(needed, lang), number(rest, lang));
  const tenths = Math.floor((10 * needed) / rest);
  if (tenths * rest === 10 * needed) return t.ofRest(tenths, 10);
  return tenths === 0 ? t.underOne : t.overTenths(tenths);
}

/** What today's figures are against what is expected of them today. */
function today(row, indicator, t, lang) {
  if (row.status === "met") return t.onPath;
  if (row.status !== "below") return t[row.status];
  if (indicator.adoption) return t.notYet;
  const path = row.expected !== null && Number(row.expected) !== Number(row.target);
  return t.lacking(amount(row.shortfall, indicator, lang), path ? percent(row.expected, lang) : null);
}

/** What the target takes from here, and how likely that is; null where there is nothing to add. */
function ahead(row, indicator, year, t, lang) {
  const need = row.still_needed;
  if (!need || row.target === null || indicator.adoption) return null;
  const target = percent(row.target, lang);
  const must = lang === "en" ? indicator.must_en : indicator.must;
  if (row.assurance === "unreachable") return t.never(target, must, amount(need.rest, indicator, lang), need.rest);
  if (row.assurance === "secured") return t.sure(target, year);
  if (need.of_rest === 0) return null;
  if (need.of_rest > need.rest) return t.beyond(target, amount(need.rest, indicator, lang), must);
  const noun = lang === "en" ? indicator.noun_en : indicator.noun;
  const outlook = { likely: t.likely, unlikely: t.unlikely }[row.assurance] ?? null;
  return t.toReach(target, year, portion(need.of_rest, need.rest, t, lang), noun, must, outlook);
}

/** How the period has ended. */
function ended(row, indicator, t, lang) {
  if (row.status === "met") return t.endedMet(row.target === null ? null : percent(row.target, lang));
  if (row.status !== "below") return t[row.status];
  if (indicator.adoption) return t.endedNone;
  return t.endedBelow(amount(row.shortfall, indicator, lang), percent(row.target, lang));
}

/** Whether a period is a whole year, by its first and last civil day. */
export function isYear(period) {
  return (Date.parse(period.to) - Date.parse(period.from)) / 86_400_000 >= 360;
}

/** "Thiếu 651 hồ sơ; để đạt 50 % cả năm, 9 trên 10 hồ sơ còn lại phải nộp trực tuyến: khó đạt." */
export function sentence(row, indicator, period, lang, over = false) {
  const t = words(lang).said;
  if (over) return `${ended(row, indicator, t, lang)}.`;
  const parts = [today(row, indicator, t, lang), ahead(row, indicator, isYear(period), t, lang)].filter(Boolean);
  return `${parts.join("; ")}.`;
}
