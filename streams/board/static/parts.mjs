// What several views have in common: names, rows, the header, the banner. Pure functions from the model to elements.

import { h } from "./dom.mjs";
import { age, clock, day, figureWidth, moment, number, percent, ratio, width } from "./format.mjs";
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

/** The decision's own area, which is a province's whole only where the decision is the province's. */
export function areaOf(model) {
  return model.meta.area ?? model.meta.province.name;
}

/** Which decision it is: its number, or where the file tells none, who issued it. */
export function decisionOf(model) {
  const { meta, t } = model;
  if (meta.number && model.room) return meta.number;
  return meta.number ? `${t.decision} ${meta.number}` : `${t.decisionShort}${meta.issuer_short ?? meta.id}`;
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

export function bulletOf(model, row) {
  const { t, lang } = model;
  const marks = [
    ratioText(model, row),
    row.target === null ? null : `${t.target} ${percent(row.target, lang)}`,
    row.expected === null || row.expected === row.target ? null : `${t.expected} ${percent(row.expected, lang)}`,
  ];
  return bullet({
    value: row.denominator ? (100 * row.numerator) / row.denominator : null,
    target: row.target === null ? null : Number(row.target),
    expected: row.expected === null ? null : Number(row.expected),
    status: row.status,
    label: marks.filter(Boolean).join(", "),
  });
}

/** The verdict: what is missing where something is, otherwise in words. */
export function verdict(model, row, indicator) {
  const { t, options, lang } = model;
  if (few(row, indicator, options.least)) return h("span", { class: "verdict few" }, t.few);
  // A unit that is 0/1 lacks no number of anything: it has not done it yet.
  if (row.status !== "below" || indicator.adoption) {
    const word = model.over && row.status === "below" ? t.failed : t[row.status];
    return h("span", { class: `verdict ${row.status}` }, word);
  }
  return h(
    "span",
    { class: "verdict below", "aria-label": `${t.missing} ${number(row.shortfall, lang)} ${nounOf(model, indicator)}` },
    model.layout === "wall" ? null : h("small", null, `${t.missing} `),
    h("b", { class: "num" }, number(row.shortfall, lang)),
    model.layout === "wall" ? null : h("small", null, ` ${nounOf(model, indicator)}`),
  );
}

const ranked = (row) => row.status === "met" || row.status === "below";

/** One unit under one indicator; `name` says what stands first (the unit, or in a unit's own view the indicator). */
export function row(model, standing, name, said = null) {
  const { t, lang } = model;
  const indicator = indicatorOf(model, standing.indicator);
  // Coverage of a week is always below that of a month: only where dossiers are counted is there a trend to tell.
  const direction = indicator?.volume ? trend(standing) : null;
  const plain = !ranked(standing);
  return h(
    "li",
    { class: `row ${standing.status}`, key: `${standing.indicator}/${standing.unit}` },
    mark(standing.status, plain ? null : t[standing.status]),
    name,
    plain
      ? h("span", { class: `verdict word ${standing.status}` }, t[standing.status])
      : h("span", { class: "ratio num" }, ratioText(model, standing)),
    plain ? null : bulletOf(model, standing),
    plain && !standing.denominator ? null : h("span", { class: "counted num" }, counted(model, standing)),
    plain || direction === null ? h("span", { class: "arrow none" }) : trendOf(model, standing, direction, lang),
    plain ? null : verdict(model, standing, indicator),
    said,
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
    h("span", { class: "said" }, unit.short),
    unit.district ? h("small", null, unit.district) : null,
    standing.frozen ? h("small", null, t.frozen) : null,
    standing.alert && !model.over ? alertMark(standing.alert.severity, t.openAlert) : null,
  );
}

/** How wide the name of a unit is, with all that stands beside it. */
export function nameWidth(model, standing) {
  const unit = unitOf(model, standing.unit);
  const beside = [unit.district, standing.frozen ? model.t.frozen : null].filter(Boolean);
  return width(unit.short) * 1.04 + beside.reduce((sum, text) => sum + 0.45 + width(text), 0) + (standing.alert ? 1.1 : 0);
}

const PADDING = 1.4;
const GAP = 0.35;
const BULLET_LEAST = 2;

/**
 * The columns of a page's rows, as wide as what stands in them, so that no figure of any size runs into its neighbour;
 * the bars take what is left, names that need more room than that take a second line.
 */
export function measures(model, rows, names) {
  const { t, lang, options } = model;
  const widest = (found) => Math.max(0, ...found);
  const of = (r) => indicatorOf(model, r.indicator);
  const figures = rows.filter((r) => r.denominator > 0);
  const words = (r) => {
    if (few(r, of(r), options.least)) return width(t.few) + 0.2;
    if (r.status === "below" && !of(r).adoption) return figureWidth(number(r.shortfall, lang));
    return width(model.over && r.status === "below" ? t.failed : t[r.status]) + 0.2;
  };
  const ratio = Math.max(3.4, widest(figures.filter(ranked).map((r) => figureWidth(ratioText(model, r)))));
  const count = Math.max(2.4, widest(figures.map((r) => figureWidth(counted(model, r)))));
  const said = Math.max(2.4, widest(rows.filter(ranked).map(words)));
  const arrows = model.room === "" ? 0.75 + GAP : 0;
  const left = model.ems - PADDING - 0.82 - arrows - ratio - count - said - 5 * GAP - BULLET_LEAST;
  const style = { ratio, count, said, name: Math.min(Math.max(3, left), widest(names) + 0.3) };
  return Object.fromEntries(Object.entries(style).map(([name, em]) => [`--c-${name}`, `${em.toFixed(2)}em`]));
}

/** The heads of the columns, in fine print: what stands below says itself what it is. */
export function columns(model, first, indicator) {
  const { t } = model;
  return h(
    "div",
    { class: "row columns", "aria-hidden": "true", "data-fine": "" },
    h("span", null),
    h("span", { class: "name" }, first),
    h("span", { class: "ratio" }, t.ratio),
    h("span", { class: "bullet-head" }),
    h("span", { class: "counted" }, t.counted),
    h("span", null),
    h("span", { class: "verdict" }, indicator && !indicator.adoption ? `${t.missing} (${nounOf(model, indicator)})` : t.verdict),
  );
}

export function targetText(model, pooled) {
  if (pooled.low === null) return "";
  const [low, high] = [pooled.low, pooled.high].map((value) => percent(value, model.lang));
  return low === high ? `${model.t.target} ${low}` : `${model.t.target} ${low.replace(/\s?%$/, "")}–${high}`;
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
        more ? h("span", { class: "where num" }, t.alsoIn(number(more, lang), more)) : null,
        h("b", { class: "grave" }, t.severity[alert.severity]),
      ),
      h("p", { class: "said num" }, alertText(model, alert, row, indicator, agreed)),
    ),
  );
}

function alertText(model, alert, row, indicator, agreed) {
  const { t, meta, lang } = model;
  const since = t.alertSince(day(alert.at));
  if (isSystem(alert)) return `${t.system[alert.kind].replace(/\.$/, "")} (${since}).`;
  if (!row || !indicator) return `${alert.reason} (${since})`;
  const now = row.denominator ? `${ratioText(model, row)} (${counted(model, row)}), ${since}` : since;
  const doubt = agreed === "open" ? null : `${t[agreed]}.`;
  return [`${now}.`, doubt, sentence(row, indicator, meta.period, lang)].filter(Boolean).join(" ");
}

// -- header, banner ----------------------------------------------------------------------------------------------------

export function header(model) {
  const { meta, t, status, lang } = model;
  const now = clock(model.now, lang);
  const wall = model.layout === "wall";
  return h(
    "header",
    { class: "top" },
    h(
      "div",
      { class: "about", title: meta.title },
      h("p", { class: "decision" }, decisionOf(model), wall || !meta.issued || !meta.number ? null : h("small", null, day(meta.issued))),
      h("p", { class: "period" }, periodText(model)),
      wall ? null : h("p", { class: "subject" }, meta.title),
    ),
    h(
      "div",
      { class: `fresh ${status.stale ? "stale" : status.notice ? "behind" : status.transport}` },
      h("p", { class: "state" }, h("i", { class: "dot" }), stateText(model)),
      h("p", { class: "as-of" }, model.asOf ? t.asOf(day(model.asOf)) : ""),
    ),
    h("div", { class: "clock" }, h("time", null, now.time), h("small", null, now.date)),
  );
}

/** How much of the period is left, by the day of the figures; or that it is over. */
export function periodText(model) {
  const { meta, t, asOf, lang } = model;
  const { to } = meta.period;
  if (model.over) return t.periodOver(day(to));
  if (!asOf) return "";
  const days = Math.round((Date.parse(to) - Date.parse(asOf)) / 86_400_000);
  if (days > 0 && model.room) return t.daysLeftShort(number(days, lang), days);
  return days > 0 ? t.daysLeft(number(days, lang), days, day(to).slice(0, 5)) : t.lastDay;
}

/** Whether the figures are of now: never "live" beside old ones, but how old they are. */
function stateText(model) {
  const { t, status, lang } = model;
  if (status.stale) return t.old(age(staleMs(model), lang));
  if (status.notice) return t.incomplete;
  if (model.over) return t.final;
  const late = status.ageMs !== null && status.ageMs >= 60_000 && status.transport === "live";
  return late ? `${t.live}, ${t.updated(age(status.ageMs, lang))}` : t[status.transport];
}

/** How old the figures are: since the connection or the source went, whichever is longer. */
export function staleMs(model) {
  const { status } = model;
  const since = [status.lostSince, status.source?.since, status.watermark].filter(
    (ms) => typeof ms === "number" && ms > 0,
  );
  return since.length ? Math.max(0, model.now - Math.min(...since)) : 0;
}

/** That the portal is silent, by its daily rhythm: nobody else's fault, and nothing is judged meanwhile. */
function portalSilent(model) {
  const alert = model.alerts?.find(({ kind }) => kind === "source-silent");
  return alert ? alertText(model, alert) : null;
}

/** What is wrong with the figures, since when, and whom to call: one sentence for each party that may be at fault. */
export function banner(model) {
  const { status, t, lang } = model;
  const notice = status.notice ? `${status.notice[lang]}${t.callAdmin}` : portalSilent(model);
  if (!status.stale && status.transport !== "lost" && notice === null) return null;
  const at = (ms) => moment(ms, model.now, lang);
  const { reason, since } = status.source ?? {};
  let text = t.bannerBehind;
  if (status.transport === "lost") text = t.bannerLost(status.lostSince === null ? null : at(status.lostSince));
  else if (reason === "loading") text = t.bannerLoading;
  else if (reason === "store") text = t.bannerStore(at(status.watermark ?? since));
  else if (reason === "feed") text = t.bannerFeed(at(status.watermark ?? since));
  else if (status.notice) text = notice;
  else if (reason) text = t.bannerSilent(at(since));
  else if (notice !== null) text = notice;
  const kind = status.transport === "lost" ? "lost" : "old";
  return h("div", { class: `banner ${kind}`, role: "alert" }, icon("cut"), h("b", null, text));
}
