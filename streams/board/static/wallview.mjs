// The pages of the wall: province, class, groups, alerts, one unit. Pure functions from the model to elements.

import { h } from "./dom.mjs";
import { number, percent, ratio } from "./format.mjs";
import { byClass, CLASSES, hasTarget, isGroup, pool, worstAndBest } from "./figures.mjs";
import {
  alertItem, banner, bulletHead, classOf, columns, counted, formulaOf, header, indicatorOf, link, nounOf, row, shortOf,
  targetText, unitName, unitOf,
} from "./parts.mjs";
import { ALERT_PAGES_MAX, linesOf } from "./scenes.mjs";
import { alertMark, bullet, icon, mark, stack } from "./shapes.mjs";

export function wall(model) {
  const views = { province, class: classPage, groups, alerts, unit };
  return [
    header(model),
    banner(model),
    h("main", { class: `scene ${model.scene.kind}`, key: "scene" }, views[model.scene.kind](model)),
    footer(model),
  ];
}

function head(model, title, subtitle, note, right) {
  return h(
    "div",
    { class: "head" },
    h("div", { class: "what" }, h("h1", null, title, subtitle ? h("small", null, subtitle) : null), h("p", { class: "note" }, note)),
    right,
  );
}

function sum(model, pooled, indicator) {
  const { t, lang } = model;
  return h(
    "div",
    { class: "sum" },
    h("p", { class: "pooled num" }, ratio(pooled.numerator, pooled.denominator, lang)),
    h(
      "div",
      null,
      h("p", { class: "num" }, counted(model, pooled), h("small", null, ` ${nounOf(model, indicator)}`)),
      h("p", { class: "k-of-n num" }, t.kOfN(pooled.met, pooled.n)),
      stack(pooled, `${t.met} ${pooled.met}, ${t.below} ${pooled.below}, ${t["no-dossiers"]} ${pooled.idle}`),
    ),
  );
}

const poolBullet = (pooled) =>
  bullet({
    value: pooled.denominator ? (100 * pooled.numerator) / pooled.denominator : null,
    target: pooled.target,
    expected: pooled.expected ?? null,
    status: "pooled",
    label: null,
  });

// -- pages -------------------------------------------------------------------------------------------------------------

function province(model) {
  const { meta, t, lang, rows } = model;
  const lines = linesOf(meta.indicators, model.scene.page, model.lines).map((indicator) => {
    const units = CLASSES.flatMap((name) => byClass(rows, meta.units, indicator.id).get(name));
    const pooled = pool(units);
    const measured = pooled.n > 0;
    return h(
      "li",
      { class: `row overall ${measured ? "" : "not-measured"}`, key: indicator.id },
      h("a", { class: "name", href: link(model, { indicator: indicator.id }) }, h("span", { class: "said" }, shortOf(model, indicator)),
        h("small", null, targetText(model, pooled))),
      h("span", { class: "ratio num" }, measured ? ratio(pooled.numerator, pooled.denominator, lang) : "–"),
      poolBullet(pooled),
      h("span", { class: "counted num" }, measured ? counted(model, pooled) : t["not-measured"]),
      h(
        "span",
        { class: "k-of-n" },
        h("b", { class: "num" }, measured ? `${number(pooled.met, lang)}/${number(pooled.n, lang)}` : "–"),
        stack(pooled, `${t.met} ${pooled.met}, ${t.below} ${pooled.below}, ${t["no-dossiers"]} ${pooled.idle}`),
      ),
    );
  });
  const titles = h(
    "div",
    { class: "row overall columns", "aria-hidden": "true" },
    h("span", { class: "name" }, t.indicator), h("span", { class: "ratio" }, t.ratio), bulletHead(model),
    h("span", { class: "counted" }, t.counted), h("span", { class: "k-of-n" }, t.unitsMet),
  );
  const open = model.alerts.length
    ? h("div", { class: "sum alert-sum" }, alertMark(model.alerts[0].severity, null), h("p", { class: "pooled num" }, number(model.alerts.length, lang)), h("div", null, h("p", null, t.alerts)))
    : h("div", { class: "sum" }, mark("met"), h("div", null, h("p", null, t.alertsNone)));
  return [head(model, t.province, meta.province.name, t.provinceNote, open), titles, h("ol", { class: "rows" }, lines)];
}

function classPage(model) {
  const { meta, t, rows, scene, options } = model;
  const indicator = indicatorOf(model, scene.indicator);
  const units = byClass(rows, meta.units, scene.indicator).get(scene.class);
  const pooled = pool(units);
  const shown = worstAndBest(units, (r) => unitOf(model, r.unit).name, indicator, model.capacity, options.least);
  const note = [formulaOf(model, indicator), targetText(model, pooled)].filter(Boolean).join("  ·  ");
  const list = (name, members, extra) =>
    members.length
      ? h("section", { class: `list ${name}`, key: name },
          h("h2", null, t[name], extra ? h("small", null, extra) : null),
          h("ol", { class: "rows" }, members.map((r) => row(model, r, unitName(model, r)))))
      : null;
  return [
    head(model, shortOf(model, indicator), classOf(model, scene.class), note, sum(model, pooled, indicator)),
    columns(model, t.unit),
    list("all", shown.all), list("worst", shown.worst), list("best", shown.best, shown.hidden ? t.more(shown.hidden) : null),
  ];
}

function groups(model) {
  const { meta, t, lang, rows, scene } = model;
  const indicator = indicatorOf(model, scene.indicator);
  const found = rows.filter((r) => r.indicator === scene.indicator && isGroup(r) && hasTarget(r));
  const pooled = pool(found);
  const share = (r) => (r.members.met ?? 0) / Object.values(r.members).reduce((a, b) => a + b, 0);
  found.sort((a, b) => share(a) - share(b) || (a.unit < b.unit ? -1 : 1));
  let [met, n] = [0, 0];
  const lines = linesOf(found, scene.page, model.groups).map((r) => {
    const k = r.members.met ?? 0;
    const of = Object.values(r.members).reduce((a, b) => a + b, 0);
    const group = meta.groups.find((g) => g.unit === r.unit);
    const district = meta.units[group?.district]?.short ?? group?.name ?? r.unit;
    return h(
      "li",
      { class: `row group ${r.status}`, key: r.unit },
      h("a", { class: "name", href: link(model, { unit: group?.district ?? r.unit }) }, h("span", { class: "said" }, district.replace(/^Huyện /, ""))),
      h("b", { class: "k num" }, `${k}/${of}`, h("small", null, ` ${t.met.toLowerCase()}`)),
      stack({ met: k, below: r.members.below ?? 0, idle: of - k - (r.members.below ?? 0) }, null),
      mark(r.status, t[r.status]),
      h("span", { class: "ratio num" }, ratio(r.numerator, r.denominator, lang)),
      h("span", { class: "counted num" }, counted(model, r)),
    );
  });
  const titles = h(
    "div",
    { class: "row group columns", "aria-hidden": "true" },
    h("span", { class: "name" }, t.district), h("span", { class: "k" }, t.unitsMet), h("span", null), h("span", null),
    h("span", { class: "ratio" }, t.ratio), h("span", { class: "counted" }, t.counted),
  );
  for (const r of found) {
    met += r.members.met ?? 0;
    n += Object.values(r.members).reduce((a, b) => a + b, 0);
  }
  const note = [formulaOf(model, indicator), targetText(model, pooled)].filter(Boolean).join("  ·  ");
  const all = { ...pooled, met, n, below: found.reduce((a, r) => a + (r.members.below ?? 0), 0) };
  all.idle = n - met - all.below;
  return [head(model, shortOf(model, indicator), t.groups, note, sum(model, all, indicator)), titles, h("ol", { class: "rows" }, lines)];
}

function alerts(model) {
  const { meta, t, lang, scene } = model;
  const per = model.alertCapacity;
  const page = model.alerts.slice(scene.page * per, (scene.page + 1) * per);
  const rest = scene.page === ALERT_PAGES_MAX - 1 ? model.alerts.length - per * ALERT_PAGES_MAX : 0;
  const by = meta.indicators
    .map((indicator) => [indicator, model.alerts.filter((a) => a.indicator === indicator.id).length])
    .filter(([, k]) => k > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([indicator, k]) => `${shortOf(model, indicator)} ${number(k, lang)}`)
    .join("  ·  ");
  const total = h("div", { class: "sum alert-sum" }, alertMark(model.alerts[0]?.severity ?? "warning", null), h("p", { class: "pooled num" }, number(model.alerts.length, lang)));
  return [
    head(model, t.alerts, null, by, total),
    h("ol", { class: "alert-list" }, page.map((alert) => alertItem(model, alert))),
    rest > 0 ? h("p", { class: "rest" }, t.alertsMore(number(rest, lang))) : null,
  ];
}

function unit(model) {
  const { meta, t, lang, rows, options } = model;
  const it = unitOf(model, options.unit);
  const standings = meta.indicators.flatMap((i) => rows.filter((r) => r.unit === options.unit && r.indicator === i.id));
  const open = model.alerts.filter((a) => a.unit === options.unit);
  const about = [it.district, it.class ? classOf(model, it.class) : null, it.row ? t.row(it.row) : null].filter(Boolean).join("  ·  ");
  const lines = linesOf(standings, model.layout === "page" ? 0 : model.scene.page, model.layout === "page" ? standings.length : model.lines).map((r) => {
    const indicator = indicatorOf(model, r.indicator);
    const further = [
      r.required_ratio ? t.required(percent(String(Number(r.required_ratio) * 100), lang)) : null,
      r.ceiling ? t.ceiling(percent(r.ceiling, lang)) : null,
      r.status === "no-target" ? it.no_target?.[r.indicator] ?? meta.no_target[r.indicator] : null,
      hasTarget(r) && indicator.volume && r.denominator ? `${t.week} ${ratio(...r.last_7_days, lang)}  ·  ${t.month} ${ratio(...r.last_30_days, lang)}` : null,
    ].filter(Boolean)[0];
    const name = h("span", { class: "name two" }, h("span", { class: "said" }, shortOf(model, indicator),
      r.alert ? alertMark(r.alert.severity, t.openAlert) : null), further ? h("small", { class: "num" }, further) : null);
    return row(model, r, name);
  });
  const met = standings.filter((r) => r.status === "met").length;
  const n = standings.filter(hasTarget).length;
  const right = h("div", { class: "sum" }, h("p", { class: "pooled num" }, `${met}/${n}`), h("div", null, h("p", null, t.met.toLowerCase()),
    h("p", null, open.length ? t.alertCount(open.length) : t.alertsNone)));
  return [
    head(model, it.name, null, about || t.noUnit, right),
    columns(model, t.indicator),
    h("ol", { class: "rows" }, lines),
    open.length && model.layout === "page" ? h("ol", { class: "alert-list" }, open.map((alert) => alertItem(model, alert))) : null,
  ];
}

// -- footer ------------------------------------------------------------------------------------------------------------

function footer(model) {
  const { t, rotation, actions, options } = model;
  const legend = ["met", "below", "no-dossiers", "no-target", "not-measured"].map((s) => h("span", { class: "item" }, mark(s), t[s]));
  const button = (name, label, act) => h("button", { type: "button", class: name, title: label, "aria-label": label, onclick: act }, icon(name));
  const controls = options.unit
    ? h("a", { class: "back", href: link(model, { unit: null }) }, icon("previous"), t.back)
    : h(
        "div",
        { class: "controls" },
        button("previous", t.previous, actions.previous),
        rotation.paused || rotation.everyMs === 0 ? button("play", t.resume, actions.pause) : button("pause", t.pause, actions.pause),
        button("next", t.next, actions.next),
        h("span", { class: "place" }, `${rotation.at + 1}/${rotation.scenes.length}`),
        rotation.paused ? h("b", { class: "paused" }, t.paused) : h("i", { class: "progress" }, h("i", { id: "progress" })),
      );
  const open = options.unit ? model.alerts.filter((a) => a.unit === options.unit) : model.alerts;
  return h(
    "footer",
    { class: "bottom" },
    controls,
    h("div", { class: "legend" }, legend),
    h("p", { class: "open-alerts" }, open.length ? [alertMark(open[0].severity, null), t.alertCount(number(open.length, model.lang))] : t.alertsNone),
  );
}
