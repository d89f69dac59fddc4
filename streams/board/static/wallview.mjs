// The pages of the wall: province, class, groups, alerts, one unit. Pure functions from the model to elements.

import { h } from "./dom.mjs";
import { number, percent, ratio, share } from "./format.mjs";
import { byClass, countByClass, hasTarget, onePerUnit, pool, worstAndBest } from "./figures.mjs";
import { groups, province } from "./overview.mjs";
import * as parts from "./parts.mjs";
import { ALERTS_TOLD, linesOf, pagesOf } from "./scenes.mjs";
import { alertMark, icon, mark } from "./shapes.mjs";
import { head, sum } from "./summary.mjs";

const { classOf, columns, fit, formulaOf, indicatorOf, link, row, shortOf, targetText, unitName, unitOf } = parts;

export function wall(model) {
  const views = { province, class: classPage, groups, alerts, unit };
  return [
    parts.header(model),
    parts.banner(model),
    h("main", { class: `scene ${model.scene.kind}`, key: "scene" }, views[model.scene.kind](model)),
    footer(model),
  ];
}

// -- pages -------------------------------------------------------------------------------------------------------------

function classPage(model) {
  const { meta, t, rows, scene, options } = model;
  const indicator = indicatorOf(model, scene.indicator);
  const units = byClass(rows, meta.units, scene.indicator).get(scene.class);
  const pooled = pool(units);
  const shown = worstAndBest(units, (r) => unitOf(model, r.unit).name, indicator, model.capacity, options.least);
  const note = [formulaOf(model, indicator), targetText(model, pooled)].filter(Boolean).join("  ·  ");
  const list = (name, members, extra) =>
    members.length
      ? h(
          "section",
          { class: `list ${name}`, key: name },
          h("h2", null, t[name], extra ? h("small", null, extra) : null),
          h(
            "ol",
            { class: "rows" },
            members.map((r) => row(model, r, unitName(model, r))),
          ),
        )
      : null;
  return [
    head(model, shortOf(model, indicator), classOf(model, scene.class), note, sum(model, pooled, indicator)),
    columns(model, t.unit, indicator.volume),
    list("all", shown.all),
    list("worst", shown.worst),
    list("best", shown.best, shown.hidden ? t.more(shown.hidden) : null),
  ];
}

function alerts(model) {
  const { meta, t, lang, scene, options } = model;
  const told = options.unit
    ? model.alerts.map((alert) => ({ alert, more: 0 }))
    : onePerUnit(model.alerts, ALERTS_TOLD);
  const lines = told.slice(...(pagesOf(told.length, model.alertFit)[scene.page] ?? [0, 0]));
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
    head(model, t.alerts, options.unit ? unitOf(model, options.unit).name : null, null, total),
    h(
      "ol",
      { class: "alert-list" },
      lines.map(({ alert, more }) => parts.alertItem(model, alert, more)),
    ),
    rest.length ? h("p", { class: "rest num" }, t.alertsRest(number(rest.length, lang), by.join("  ·  "))) : null,
  ];
}

/** What the dossiers to come have to bring, where that has been worked out. */
function required({ t, lang }, standing) {
  if (!standing.required_ratio) return null;
  if (Number(standing.required_ratio) > 1) return t.unreachable;
  return Number(standing.required_ratio) > 0 ? t.required(share(standing.required_ratio, lang)) : t.assured;
}

function unit(model) {
  const { meta, t, lang, rows, options } = model;
  const it = unitOf(model, options.unit);
  const standings = meta.indicators.flatMap((i) => rows.filter((r) => r.unit === options.unit && r.indicator === i.id));
  const open = model.alerts;
  const about = [it.district, it.class ? classOf(model, it.class) : null, it.row ? t.row(it.row) : null]
    .filter(Boolean)
    .join("  ·  ");
  const lines = linesOf(
    standings,
    model.layout === "page" ? 0 : model.scene.page,
    model.layout === "page" ? standings.length : model.lines,
  ).map((r) => {
    const indicator = indicatorOf(model, r.indicator);
    const further = [
      required(model, r),
      r.ceiling ? t.ceiling(percent(r.ceiling, lang)) : null,
      r.status === "no-target" ? (it.no_target?.[r.indicator] ?? meta.no_target[r.indicator]) : null,
      hasTarget(r) && indicator.volume && r.denominator
        ? `${t.week} ${ratio(...r.last_7_days, lang)}  ·  ${t.month} ${ratio(...r.last_30_days, lang)}`
        : null,
    ].filter(Boolean)[0];
    const name = h(
      "span",
      { class: "name two" },
      h(
        "span",
        {
          class: "said",
          style: fit(model, shortOf(model, indicator), (model.tight ? 6.4 : 9.6) - (r.alert ? 1 : 0), 0.87),
        },
        shortOf(model, indicator),
        r.alert ? alertMark(r.alert.severity, t.openAlert) : null,
      ),
      further ? h("small", { class: "num" }, further) : null,
    );
    return row(model, r, name);
  });
  const met = standings.filter((r) => r.status === "met").length;
  const n = standings.filter(hasTarget).length;
  const right = h(
    "div",
    { class: "sum" },
    h("p", { class: "pooled num" }, `${met}/${n}`),
    h(
      "div",
      null,
      h("p", null, t.met.toLowerCase()),
      h("p", null, open.length ? t.alertCount(open.length) : t.alertsNone),
    ),
  );
  return [
    head(model, it.name, null, about || t.noUnit, right),
    columns(model, t.indicator),
    h("ol", { class: "rows" }, lines),
    open.length && model.layout === "page"
      ? h(
          "ol",
          { class: "alert-list" },
          open.map((alert) => parts.alertItem(model, alert)),
        )
      : null,
  ];
}

// -- footer ------------------------------------------------------------------------------------------------------------

function footer(model) {
  const { t, rotation, actions, options } = model;
  const legend = ["met", "below", "no-dossiers", "no-target", "not-measured"].map((s) =>
    h("span", { class: "item" }, mark(s), t[s]),
  );
  const button = (name, label, act) =>
    h("button", { type: "button", class: name, title: label, "aria-label": label, onclick: act }, icon(name));
  const back = options.unit
    ? h("a", { class: "back", href: link(model, { unit: null }) }, icon("previous"), t.back)
    : null;
  const controls =
    model.layout === "page" || rotation.scenes.length < 2
      ? null
      : h(
          "div",
          { class: "controls" },
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
  const open = model.alerts;
  return h(
    "footer",
    { class: "bottom" },
    back,
    controls,
    h("div", { class: "legend" }, legend),
    h(
      "p",
      { class: "open-alerts" },
      open.length ? [alertMark(open[0].severity, null), t.alertCount(number(open.length, model.lang))] : t.alertsNone,
    ),
  );
}
