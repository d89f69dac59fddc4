// The province at a glance: every indicator, and under one of them the communes district by district. Pure.

import { h } from "./dom.mjs";
import { number, ratio } from "./format.mjs";
import { byClass, CLASSES, hasTarget, isGroup, pool } from "./figures.mjs";
import { bulletHead, counted, fit, formulaOf, indicatorOf, link, shortOf, targetText } from "./parts.mjs";
import { linesOf } from "./scenes.mjs";
import { alertMark, mark, stack } from "./shapes.mjs";
import { head, poolBullet, sum } from "./summary.mjs";

export function province(model) {
  const { meta, t, lang, rows } = model;
  const lines = linesOf(meta.indicators, model.scene.page, model.lines).map((indicator) => {
    const units = CLASSES.flatMap((name) => byClass(rows, meta.units, indicator.id).get(name));
    const pooled = pool(units);
    const measured = pooled.n > 0;
    return h(
      "li",
      { class: `row overall ${measured ? "" : "not-measured"}`, key: indicator.id },
      h(
        "a",
        { class: "name", href: link(model, { indicator: indicator.id }) },
        h(
          "span",
          { class: "said", style: fit(model, shortOf(model, indicator), model.tight ? 7.6 : 10.8) },
          shortOf(model, indicator),
        ),
        h("small", null, targetText(model, pooled)),
      ),
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
    h("span", { class: "name" }, t.indicator),
    h("span", { class: "ratio" }, t.ratio),
    bulletHead(model),
    h("span", { class: "counted" }, t.counted),
    h("span", { class: "k-of-n" }, t.unitsMet),
  );
  const open = model.alerts.length
    ? h(
        "div",
        { class: "sum alert-sum" },
        alertMark(model.alerts[0].severity, null),
        h("p", { class: "pooled num" }, number(model.alerts.length, lang)),
        h("div", null, h("p", null, t.alerts)),
      )
    : h("div", { class: "sum" }, mark("met"), h("div", null, h("p", null, t.alertsNone)));
  return [head(model, t.province, meta.province.name, t.provinceNote, open), titles, h("ol", { class: "rows" }, lines)];
}

export function groups(model) {
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
      h(
        "a",
        { class: "name", href: link(model, { unit: group?.district ?? r.unit }) },
        h(
          "span",
          { class: "said", style: fit(model, district, model.tight ? 5.6 : 7, model.tight ? 0.84 : 1) },
          district,
        ),
      ),
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
    h("span", { class: "name" }, t.district),
    h("span", { class: "k" }, t.unitsMet),
    h("span", null),
    h("span", null),
    h("span", { class: "ratio" }, t.ratio),
    h("span", { class: "counted" }, t.counted),
  );
  for (const r of found) {
    met += r.members.met ?? 0;
    n += Object.values(r.members).reduce((a, b) => a + b, 0);
  }
  const note = [formulaOf(model, indicator), targetText(model, pooled)].filter(Boolean).join("  ·  ");
  const all = { ...pooled, met, n, below: found.reduce((a, r) => a + (r.members.below ?? 0), 0) };
  all.idle = n - met - all.below;
  return [
    head(model, shortOf(model, indicator), t.groups, note, sum(model, all, indicator)),
    titles,
    h("ol", { class: "rows" }, lines),
  ];
}
