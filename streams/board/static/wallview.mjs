// The pages of the wall: province, class, groups, alerts, one unit. Pure functions from the model to elements.

import { h } from "./dom.mjs";
import { number, percent, ratio, width } from "./format.mjs";
import { byClass, countByClass, hasTarget, onePerUnit, pool, worstAndBest } from "./figures.mjs";
import { groups, province } from "./overview.mjs";
import * as parts from "./parts.mjs";
import { ALERTS_TOLD, linesOf } from "./scenes.mjs";
import { amount, sentence } from "./sentences.mjs";
import { results, searchBox } from "./search.mjs";
import { alertMark, arrow, icon, mark } from "./shapes.mjs";
import { head, sum } from "./summary.mjs";

const { classOf, columns, formulaOf, indicatorOf, link, measures, nameWidth, row, shortOf, targetText, unitName, unitOf } =
  parts;

export function wall(model) {
  const page = model.layout === "page";
  const found = page ? results(model, model.meta.indicators.find((i) => i.volume) ?? model.meta.indicators[0]) : null;
  const views = { province, class: classPage, groups, alerts, unit };
  return [
    parts.header(model),
    parts.banner(model),
    page ? searchBox(model) : null,
    h("main", { class: `scene ${model.scene.kind}`, key: "scene" }, found ?? views[model.scene.kind](model)),
    footer(model),
  ];
}

// -- pages -------------------------------------------------------------------------------------------------------------

function classPage(model) {
  const { meta, t, lang, rows, scene, options } = model;
  const indicator = indicatorOf(model, scene.indicator);
  const units = byClass(rows, meta.units, scene.indicator).get(scene.class);
  const pooled = pool(units);
  const capacity = model.fit(scene)(0);
  const shown = worstAndBest(units, (r) => unitOf(model, r.unit).name, indicator, capacity, options.least);
  const named = [...shown.all, ...shown.worst, ...shown.best];
  const list = (name, members, tie) =>
    members.length || tie
      ? h(
          "section",
          { class: `list ${name}`, key: name },
          h("h2", { "data-fine": "" }, t[name]),
          h(
            "ol",
            { class: "rows", style: { "--n": String(members.length) } },
            members.map((r) => row(model, r, unitName(model, r))),
          ),
          tie ? h("p", { class: "tie" }, h("span", { class: "num" }, tieText(model, tie, indicator))) : null,
        )
      : null;
  // Where nobody can be named, those who have nothing yet are the news.
  const lists = named.length || shown.worstTie || shown.bestTie;
  const idle = lists ? 0 : Math.min(shown.hidden, pooled.idle);
  const rest = [
    idle ? t.idleUnits(number(idle, lang)) : null,
    shown.hidden > idle ? t.more(number(shown.hidden - idle, lang)) : null,
    shown.few ? t.fewUnits(number(shown.few, lang), options.least) : null,
  ].filter(Boolean);
  const subtitle = [t.classShort[scene.class], targetText(model, pooled)].filter(Boolean).join(", ");
  return [
    head(model, shortOf(model, indicator), subtitle, sum(model, pooled, indicator)),
    h(
      "div",
      {
        class: `table ${lists ? "" : "bare"} ${named.length < 6 ? "roomy" : ""}`,
        style: measures(model, named, named.map((r) => nameWidth(model, r))),
      },
      lists ? columns(model, formulaOf(model, indicator), indicator) : null,
      list("all", shown.all),
      list("worst", shown.worst, shown.worstTie),
      list("best", shown.best, shown.bestTie),
    ),
    rest.length ? h("p", { class: "rest" }, h("span", { class: "num" }, rest.join("  ·  "))) : null,
  ];
}

/** Those who share a place that not all of them could be named for. */
function tieText(model, { n, row: first }, indicator) {
  const { t, lang } = model;
  const said = ratio(first.numerator, first.denominator, lang);
  if (first.status === "met") return t.tieMet(number(n, lang), said);
  if (indicator.adoption) return t.tieNone(number(n, lang));
  return t.tieShort(number(n, lang), amount(first.shortfall, indicator, lang), said);
}

function alerts(model) {
  const { meta, t, lang, scene, options } = model;
  const told = options.unit
    ? model.alerts.map((alert) => ({ alert, more: 0 }))
    : onePerUnit(model.alerts, ALERTS_TOLD);
  const lines = linesOf(told, scene, model.fit);
  const shown = new Set(told.map(({ alert }) => alert.id));
  const rest = options.unit ? [] : model.alerts.filter((alert) => !shown.has(alert.id));
  const by = countByClass(rest, meta.units).map(([name, n]) => `${t.classShort[name]} ${number(n, lang)}`);
  const total = h(
    "div",
    { class: "sum alert-sum" },
    alertMark(model.alerts[0]?.severity ?? "warning", null),
    h("p", { class: "pooled num" }, number(model.alerts.length, lang)),
  );
  return [
    head(model, options.unit ? unitOf(model, options.unit).short : t.alerts, null, total),
    h(
      "ol",
      { class: "alert-list" },
      lines.map(({ alert, more }) => parts.alertItem(model, alert, more)),
    ),
    rest.length
      ? h("p", { class: "rest" }, h("span", { class: "num" }, t.alertsRest(number(rest.length, lang), by.join(" · "))))
      : null,
  ];
}

function unit(model) {
  const { meta, t, lang, rows, options } = model;
  const known = meta.units[options.unit] !== undefined || rows.some((r) => r.unit === options.unit);
  if (!known) {
    return [
      head(model, t.noUnit, options.unit, null),
      h("p", { class: "unknown" }, h("a", { href: link(model, { unit: null }) }, t.back)),
    ];
  }
  const it = unitOf(model, options.unit);
  const standings = meta.indicators.flatMap((i) => rows.filter((r) => r.unit === options.unit && r.indicator === i.id));
  const open = model.alerts;
  const about = [it.district, it.class ? classOf(model, it.class) : null, it.row ? t.row(it.row) : null]
    .filter(Boolean)
    .join("  ·  ");
  const shown = model.layout === "page" ? standings : linesOf(standings, model.scene, model.fit);
  const lines = shown.map((r) => {
    const indicator = indicatorOf(model, r.indicator);
    const why = r.status === "no-target" ? (it.no_target?.[r.indicator] ?? meta.no_target[r.indicator]) : null;
    const said = [
      why,
      r.ceiling ? `${t.ceiling(percent(r.ceiling, lang))}.` : null,
      hasTarget(r) ? sentence(r, indicator, meta.period, lang, model.over) : null,
      hasTarget(r) && indicator.volume && r.denominator && model.layout === "page"
        ? `${t.week}: ${ratio(...r.last_7_days, lang)}, ${t.month}: ${ratio(...r.last_30_days, lang)}.`
        : null,
    ].filter(Boolean);
    const name = h(
      "a",
      { class: "name", href: link(model, { unit: null, indicator: indicator.id }) },
      h("span", { class: "said" }, shortOf(model, indicator)),
      r.alert && !model.over ? alertMark(r.alert.severity, t.openAlert) : null,
    );
    return row(model, r, name, said.length ? h("p", { class: "sentence num" }, said.join(" ")) : null);
  });
  const met = standings.filter((r) => r.status === "met").length;
  const n = standings.filter(hasTarget).length;
  const right = h("div", { class: "sum" }, h("p", { class: "pooled num" }, `${met}/${n}`), h("p", null, t.met.toLowerCase()));
  const names = shown.map((r) => width(shortOf(model, indicatorOf(model, r.indicator))) * 1.04 + (r.alert ? 1.1 : 0));
  return [
    head(model, it.name, about, right),
    h(
      "div",
      { class: "table", style: measures(model, shown, names) },
      columns(model, t.indicator, null),
      h("ol", { class: "rows", style: { "--n": String(lines.length) } }, lines),
    ),
    model.layout === "page" ? unitAlerts(model, open) : null,
  ];
}

function unitAlerts(model, open) {
  const { t, lang } = model;
  if (model.over) return null;
  return h(
    "section",
    { class: "alerts-card" },
    h("h2", null, t.alerts, h("small", null, number(open.length, lang))),
    open.length
      ? h(
          "ol",
          { class: "alert-list" },
          open.map((alert) => parts.alertItem(model, alert)),
        )
      : h("p", null, t.alertsNone),
  );
}

// -- footer ------------------------------------------------------------------------------------------------------------

function footer(model) {
  const { t, rotation, actions, options } = model;
  const button = (name, label, act) =>
    h("button", { type: "button", class: name, title: label, "aria-label": label, onclick: act }, icon(name));
  const up = options.unit ? { unit: null } : options.indicator ? { indicator: null } : null;
  const back = up ? h("a", { class: "back", href: link(model, up) }, icon("previous"), t.back) : null;
  const controls =
    model.layout === "page" || rotation.scenes.length < 2
      ? null
      : h(
          "div",
          { class: "controls", "data-fine": "control" },
          button("previous", t.previous, actions.previous),
          rotation.paused || rotation.everyMs === 0
            ? button("play", t.resume, actions.pause)
            : button("pause", t.pause, actions.pause),
          button("next", t.next, actions.next),
          h("span", { class: "place" }, `${rotation.at + 1}/${rotation.scenes.length}`),
          rotation.paused
            ? h("b", { class: "paused" }, t.paused)
            : h("i", { class: "progress" }, h("i", { id: "progress" })),
        );
  return h("footer", { class: "bottom", "data-fine": "" }, back, controls, legend(model));
}

/** What the marks of this page mean. */
function legend(model) {
  const { t, scene, rows, options } = model;
  const item = (shape, word) => h("span", { class: "item" }, shape, word);
  const statuses = ["met", "below", "no-dossiers", "no-target", "not-measured"];
  if (scene.kind === "alerts") {
    return h(
      "div",
      { class: "legend" },
      ["critical", "warning", "info"].map((grave) => item(alertMark(grave), t.severity[grave])),
    );
  }
  const bars = [item(h("i", { class: "goal-key" }), t.target), item(h("i", { class: "path-key" }), t.expected)];
  if (scene.kind === "province") return h("div", { class: "legend" }, bars);
  const here = (r) => (options.unit ? r.unit === options.unit : r.indicator === scene.indicator);
  const shown = new Set(rows.filter(here).map((r) => r.status));
  return h(
    "div",
    { class: "legend" },
    statuses.filter((status) => shown.has(status)).map((status) => item(mark(status), t[status])),
    scene.kind === "groups" ? null : [bars, item(arrow("up"), t.trendKey)],
  );
}
