// Figures, dates and ages as officials read them. Truncated, never rounded up: 49.997 % reads 49,99 %.

const NBSP = "\u00a0";
const ZONE_MS = 7 * 3_600_000; // Viet Nam has kept UTC+7 without daylight saving since 1975
const WEEKDAYS = {
  vi: ["Chủ nhật", "Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy"],
  en: ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"],
};

const two = (n) => String(n).padStart(2, "0");

/** 1234567 → 1.234.567 */
export function number(n, lang = "vi") {
  return String(n).replace(/\B(?=(\d{3})+$)/g, lang === "vi" ? "." : ",");
}

function decimal(whole, fraction, lang) {
  return fraction === "" ? number(whole, lang) : `${number(whole, lang)}${lang === "vi" ? "," : "."}${fraction}`;
}

function percentSign(text, lang) {
  return lang === "vi" ? `${text}${NBSP}%` : `${text}%`;
}

/** Hundredths of a percent, cut off. Exact: a quotient of integers below 2^53 that is taken without its remainder. */
export function hundredths(numerator, denominator) {
  const scaled = numerator * 10_000;
  return (scaled - (scaled % denominator)) / denominator;
}

/** 1999/4000 → 49,97 % */
export function ratio(numerator, denominator, lang = "vi") {
  if (!denominator) return "–";
  const cut = hundredths(numerator, denominator);
  return percentSign(decimal(Math.floor(cut / 100), two(cut % 100), lang), lang);
}

/** A decimal text of percent, at most two decimals, cut off: "21.1339" → 21,13 % */
export function percent(text, lang = "vi") {
  const [whole, fraction = ""] = String(text).split(".");
  return percentSign(decimal(whole, fraction.slice(0, 2).replace(/0+$/, ""), lang), lang);
}

/** A decimal text that is a share of one, as a percentage: "0.4612" → 46,12 %; by moving the point, not by reckoning. */
export function share(text, lang = "vi") {
  const [whole, fraction = ""] = String(text).split(".");
  const digits = fraction.padEnd(2, "0");
  return percent(`${Number(whole + digits.slice(0, 2))}.${digits.slice(2)}`, lang);
}

/** A duration in its largest unit, cut off: 754 000 → 12 phút */
export function age(ms, lang = "vi") {
  const s = Math.max(0, Math.floor(ms / 1000));
  const [n, vi, en] =
    s < 60
      ? [s, "giây", "second"]
      : s < 3600
        ? [Math.floor(s / 60), "phút", "minute"]
        : s < 86_400
          ? [Math.floor(s / 3600), "giờ", "hour"]
          : [Math.floor(s / 86_400), "ngày", "day"];
  return lang === "vi" ? `${n}${NBSP}${vi}` : `${n}${NBSP}${en}${n === 1 ? "" : "s"}`;
}

/** "2024-09-30" or an instant → 30/09/2024 */
export function day(iso) {
  return iso ? `${iso.slice(8, 10)}/${iso.slice(5, 7)}/${iso.slice(0, 4)}` : "";
}

/** Unix ms → {time: "10:32", seconds: "10:32:07", iso: "2026-11-22", date: "22/11/2026", weekday, hour}, in Viet Nam */
export function clock(ms, lang = "vi") {
  const at = new Date(ms + ZONE_MS);
  const time = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
  return {
    time,
    seconds: `${time}:${two(at.getUTCSeconds())}`,
    iso: at.toISOString().slice(0, 10),
    date: `${two(at.getUTCDate())}/${two(at.getUTCMonth() + 1)}/${at.getUTCFullYear()}`,
    weekday: WEEKDAYS[lang][at.getUTCDay()],
    hour: at.getUTCHours(),
  };
}

/** The time of day where it was today, else day and time. */
export function moment(ms, nowMs, lang = "vi") {
  const then = clock(ms, lang);
  return then.date === clock(nowMs, lang).date ? then.time : `${then.time}${NBSP}${then.date.slice(0, 5)}`;
}

/** About how wide a text is, in ems of Inter at medium weight; only to choose a size before it is drawn. */
export function width(text) {
  let sum = 0;
  for (const letter of text.normalize("NFD").replace(/\p{M}/gu, "")) {
    if (/[ iljtfrI.,'|!:-]/.test(letter)) sum += 0.33;
    else if (/[mwMW&@%]/.test(letter)) sum += 0.88;
    else sum += /[A-ZĐ]/.test(letter) ? 0.71 : 0.6;
  }
  return sum;
}

/** How wide figures are, in ems of Inter with tabular figures; a little more rather than less. */
export function figureWidth(text) {
  let sum = 0.12;
  for (const letter of text) {
    if (/\d/.test(letter)) sum += 0.645;
    else if (/[.,]/.test(letter)) sum += 0.3;
    else if (letter === "/") sum += 0.4;
    else if (letter === "%") sum += 0.95;
    else sum += /\s/.test(letter) ? 0.28 : 0.62;
  }
  return sum;
}

/** What a search compares: no marks, no case, đ as d. */
export function fold(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").replace(/[đĐ]/g, "d").toLowerCase();
}
