// What several views have in common: names, rows, the header, the banner. Pure functions from the model to elements.

import { h } from "./dom.mjs";
import { age, clock, day, moment, number, percent, ratio, width } from "./format.mjs";
import { agreement, few, isSystem, trend } from "./figures.mjs";
import { address } from "./options.mjs";
import { sentence } from "./sentences.mjs";
import { alertMark, arrow, bullet, icon, mark } from "./shapes.mjs";

export function indicatorOf(model, id) {
  return model.meta.indicators.find((indicator) => indicator.id === id);
}

export const shortOf = (model, indicator) => (model.lang === "en" ? indicator.short_en : indicator.short);
export const formulaOf = (model, indicator) => (model.lang === "en" ? indicator.formula_en : indicator.formula);
export const nounOf = (model, indicator) => (model.lang === "en" ? indicator.noun_en : indicator.noun);

export function classOf(model, id) {
  const found = model.meta.classes.find((c) => c.id === id);
  return model.lang === "en" ? found.name_en : found.name;
}

/** The unit of a code: its name, and the district of a commune, for names repeat from district to district. */
export function unitOf(model, code) {
  const unit = model.meta.units[code];
  if (!unit) return { name: code, short: code, district: null };
  const parent = unit.parent ? model.meta.units[unit.parent] : null;
  return { ...unit, district: parent ? districtName(parent.name) : null };
}

export const districtName = (name) => name.replace(/^(Huyện|Thành phố|Thị xã|Quận) /, "");

export function link(model, changes) {
  return address(model.search, changes);
}

// -- figures -----------------------------------------------------------------------------------------------------------

export function counted(model, row) {
  return `${number(row.numerator, model.lang)}/${number(row.denominator, model.lang)}`;
}

export function ratioText(model, row) {
  return row.status === "not-measured" ? "–" : ratio(row.numerator, row.denominator, model.lang);
}

export function bulletOf(row) {
  return bullet({
    value: row.denominator ? (100 * row.numerator) / row.denominator : null,
    target: row.target === null ? null : Number(row.target),
    expected: row.expected === null ? null : Number(row.expected),
    status: row.status,
    label: null,
  });
}

/** The verdict in words, and what is missing: "còn thiếu 42 hồ sơ". */
export function verdict(model, row, indicator) {
  const { t } = model;
  // A unit that is 0/1 lacks no number of anything: it has not done it yet.
  if (row.status !== "below" || indicator.adoption) return h("span", { class: `verdict ${row.status}` }, t[row.status]);
  return h(
    "span",
    { class: "verdict below", title: t.below },
    h("small", null, `${t.missing} `),
    h("b", { class: "num" }, number(row.shortfall, model.lang)),
    h("small", null, ` ${nounOf(model, indicator)}`),
  );
}

/** One unit under one indicator; `name` says what stands first (the unit, or in a unit's own view the indicator). */
export function row(model, standing, name) {
  const { t, lang, options } = model;
  const indicator = indicatorOf(model, standing.indicator);
  // Coverage of a week is always below that of a month: only where dossiers are counted is there a trend to tell.
  const direction = indicator?.volume ? trend(standing) : null;
  const small = few(standing, indicator, options.least);
  return h(
    "li",
    { class: `row ${standing.status}`, key: `${standing.indicator}/${standing.unit}` },
    mark(standing.status, t[standing.status]),
    name,
    h("span", { class: "ratio num" }, ratioText(model, standing)),
    bulletOf(standing),
    h(
      "span",
      { class: "counted num" },
      counted(model, standing),
      small ? h("small", { class: "few" }, ` ${t.few}`) : null,
    ),
    direction === null ? h("span", { class: "arrow none" }) : trendOf(model, standing, direction, lang),
    verdict(model, standing, indicator),
  );
}

function trendOf(model, standing, direction, lang) {
  const [week, month] = [standing.last_7_days, standing.last_30_days].map(([n, d]) => ratio(n, d, lang));
  return arrow(direction, `${model.t[direction]}: ${model.t.week} ${week}, ${model.t.month} ${month}`);
}

export function unitName(model, standing) {
  const unit = unitOf(model, standing.unit);
  const { t } = model;
  return h(
    "a",
    { class: "name", href: link(model, { unit: standing.unit }), title: unit.name },
    h("span", { class: "said", style: nameSize(model, unit, standing) }, unit.short),
    unit.district ? h("small", null, unit.district) : null,
    standing.frozen ? h("small", null, t.frozen) : null,
    standing.alert ? alertMark(standing.alert.severity, t.openAlert) : null,
  );
}

/** The size at which a text fits into so many ems of the wall: smaller rather than cut off. */
export function fit(model, text, room, most = 1) {
  if (model.layout !== "wall") return {};
  return { "font-size": `${Math.max(0.6, Math.min(most, room / width(text))).toFixed(3)}em` };
}

function nameSize(model, unit, standing) {
  const beside = (standing.alert ? 1 : 0) + (model.tight ? 0 : 0.35 + 0.5 * width(unit.district ?? ""));
  return fit(model, unit.short, (model.tight ? 6.7 : 9.4) - beside, model.tight ? 0.84 : 1);
}

/** What the line and the notch of a bullet mean. */
export function bulletHead(model) {
  const { t } = model;
  return h(
    "span",
    { class: "bullet-head" },
    h("i", { class: "goal-key" }),
    t.target,
    h("i", { class: "path-key" }),
    t.expected,
  );
}

export function columns(model, first, withTrend = true) {
  const { t } = model;
  return h(
    "div",
    { class: "row columns", "aria-hidden": "true" },
    h("span", null),
    h("span", { class: "name" }, first),
    h("span", { class: "ratio" }, t.ratio),
    bulletHead(model),
    h("span", { class: "counted" }, t.counted),
    h("span", { class: "trend-head" }, withTrend ? t.trend : null),
    h("span", { class: "verdict" }, t.verdict),
  );
}

export function targetText(model, pooled) {
  if (pooled.low === null) return "";
  return model.t.targetTo(percent(pooled.low, model.lang), percent(pooled.high, model.lang));
}

// -- alerts ------------------------------------------------------------------------------------------------------------

/** Whose alert it is: a unit, or the decision's whole area where the source is meant. */
export function nameOf(model, alert) {
  const known = model.meta.units[alert.unit];
  if (!known && alert.unit === model.meta.province.code) {
    return { name: model.meta.province.name, short: model.meta.province.name, district: null };
  }
  return unitOf(model, alert.unit);
}

/** One alert as of today: who, how grave, and in one sentence how much is missing and what the rest has to bring. */
export function alertItem(model, alert, more = 0) {
  const { t, meta, lang } = model;
  const unit = nameOf(model, alert);
  const indicator = meta.indicators.find((i) => i.id === alert.indicator);
  const row = model.byKey.get(`${alert.indicator}/${alert.unit}`);
  const agreed = agreement(alert, row);
  const known = meta.units[alert.unit];
  const told = known ? h("a", { href: link(model, { unit: alert.unit }), title: unit.name }, unit.short) : h("span", null, unit.short);
  return h(
    "li",
    { class: `alert-item ${alert.severity} ${agreed}`, key: alert.fingerprint },
    alertMark(alert.severity, null),
    h(
      "div",
      null,
      h(
        "p",
        { class: "who" },
        told,
        unit.district ? h("span", { class: "where" }, unit.district) : null,
        h("span", { class: "which" }, indicator ? shortOf(model, indicator) : t.everything),
        more ? h("span", { class: "where num" }, t.alsoIn(number(more, lang))) : null,
        h("b", { class: "grave" }, t.severity[alert.severity]),
      ),
      h("p", { class: "said num" }, alertText(model, alert, row, indicator, agreed)),
    ),
  );
}

function alertText(model, alert, row, indicator, agreed) {
  const { t, meta, lang } = model;
  const since = t.alertSince(day(alert.at));
  if (isSystem(alert)) return `${t.system[alert.kind]} (${since})`;
  if (!row || !indicator) return `${alert.reason} (${since})`;
  const now = row.denominator ? `${ratioText(model, row)} (${counted(model, row)}), ${since}` : since;
  const doubt = agreed === "open" ? null : `${t[agreed]}.`;
  return [`${now}.`, doubt, sentence(row, indicator, meta.period, lang)].filter(Boolean).join(" ");
}

// -- header, banner ----------------------------------------------------------------------------------------------------

export function header(model) {
  const { meta, t, status, lang } = model;
  const now = clock(model.now, lang);
  const aged = status.ageMs === null ? "" : status.ageMs < 2000 ? t.updatedNow : t.updated(age(status.ageMs, lang));
  return h(
    "header",
    { class: "top" },
    h(
      "div",
      { class: "about" },
      h(
        "p",
        { class: "decision" },
        `${t.decision} ${meta.number ?? ""}`,
        meta.issued ? h("small", null, day(meta.issued)) : null,
      ),
      h("p", { class: "subject" }, meta.title),
    ),
    h(
      "div",
      { class: `fresh ${status.stale ? "stale" : status.transport}` },
      h("p", { class: "state" }, h("i", { class: "dot" }), t[status.transport]),
      h("p", { class: "age" }, status.stale ? t.old(age(staleMs(model), lang)) : aged),
      h("p", { class: "as-of" }, model.asOf ? t.asOf(day(model.asOf)) : ""),
    ),
    h("div", { class: "clock" }, h("time", null, now.time), h("small", null, `${now.weekday}, ${now.date}`)),
  );
}

/** How old the figures are: since the connection or the source went, whichever is longer. */
export function staleMs(model) {
  const { status } = model;
  const since = [status.lostSince, status.source?.since, status.watermark].filter(
    (ms) => typeof ms === "number" && ms > 0,
  );
  return since.length ? Math.max(0, model.now - Math.min(...since)) : 0;
}

export function banner(model) {
  const { status, t, lang } = model;
  const notice = status.notice?.[lang] ?? null;
  if (!status.stale && status.transport !== "lost" && notice === null) return null;
  const at = (ms) => moment(ms, model.now, lang);
  let text = t.bannerBehind;
  if (status.transport === "lost") text = t.bannerLost(status.lostSince === null ? null : at(status.lostSince));
  else if (status.source?.reason === "loading") text = t.bannerLoading;
  else if (notice !== null) text = notice;
  else if (status.source !== null) {
    const by =
      { silent: t.bannerSilent, feed: t.bannerFeed, store: t.bannerStore }[status.source.reason] ?? t.bannerSilent;
    text = by(at(status.source.reason === "silent" ? status.source.since : (status.watermark ?? status.source.since)));
  }
  const kind = status.transport === "lost" ? "lost" : "old";
  const old = model.meta && status.stale ? h("span", { class: "how-old" }, t.bannerOld(age(staleMs(model), lang))) : null;
  return h("div", { class: `banner ${kind}`, role: "alert" }, icon("cut"), h("b", null, text), old);
}
