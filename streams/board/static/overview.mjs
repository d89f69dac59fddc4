// The province at a glance: every indicator, and under one of them the communes district by district. Pure.

import { h } from "./dom.mjs";
import { figureWidth, number, ratio, width } from "./format.mjs";
import { byClass, CLASSES, hasTarget, isGroup, pool } from "./figures.mjs";
import { areaOf, counted, formulaOf, indicatorOf, link, shortOf, targetText } from "./parts.mjs";
import { linesOf } from "./scenes.mjs";
import { alertMark, mark } from "./shapes.mjs";
import { head, poolBullet, stackOf, sum } from "./summary.mjs";

const em = (n) => `${n.toFixed(2)}em`;

export function province(model) {
  const { meta, t, lang, rows } = model;
  const of = (indicator) => pool(CLASSES.flatMap((name) => byClass(rows, meta.units, indicator.id).get(name)));
  const shown = linesOf(meta.indicators, model.scene, model.fit).map((indicator) => [indicator, of(indicator)]);
  const kOfN = (pooled) => `${number(pooled.met, lang)}/${number(pooled.n, lang)}`;
  const lines = shown.map(([indicator, pooled]) => {
    const measured = pooled.n > 0;
    return h(
      "li",
      { class: `row overall ${measured ? "" : "not-measured"}`, key: indicator.id },
      h(
        "a",
        { class: "name", href: link(model, { indicator: indicator.id }) },
        h("span", { class: "said" }, shortOf(model, indicator)),
        h("small", null, targetText(model, pooled)),
      ),
      h(
        "span",
        { class: "figures" },
        h("b", { class: "ratio num" }, measured ? ratio(pooled.numerator, pooled.denominator, lang) : t["not-measured"]),
        measured ? h("span", { class: "counted num" }, counted(model, pooled)) : null,
      ),
      measured ? poolBullet(model, pooled) : h("span", null),
      measured ? h("span", { class: "k-of-n" }, h("b", { class: "num" }, kOfN(pooled)), stackOf(model, pooled)) : h("span", null),
    );
  });
  const titles = h(
    "div",
    { class: "row overall columns", "aria-hidden": "true", "data-fine": "" },
    h("span", { class: "name" }, meta.title),
    h("span", null),
    h("span", { class: "ratio" }),
    h("span", { class: "k-of-n" }, t.unitsMet),
  );
  const widest = (texts) => Math.max(...texts.map(figureWidth));
  const style = {
    "--c-figures": em(Math.max(4.5, 1.1 * widest(shown.map(([, p]) => ratio(p.numerator, p.denominator, lang))), widest(shown.map(([, p]) => counted(model, p))))),
    "--c-k": em(Math.max(3.2, widest(shown.map(([, p]) => kOfN(p))))),
    "--c-name": em(Math.max(...shown.map(([i, p]) => Math.max(1.06 * width(shortOf(model, i)), 1.08 * width(targetText(model, p))))) + 0.2),
  };
  return [head(model, ...title(model), openAlerts(model)), h("div", { class: "table", style }, titles, h("ol", { class: "rows", style: { "--n": String(lines.length) } }, lines))];
}

/** Whose figures these are: of a whole province only where the decision is the province's. */
function title(model) {
  const { meta, t } = model;
  const whole = areaOf(model) === meta.province.name;
  return whole ? [t.province, meta.province.name] : [areaOf(model), meta.province.name];
}

function openAlerts(model) {
  const { t, lang } = model;
  if (model.over) return h("div", { class: "sum" }, h("p", { class: "over" }, t.ended));
  if (!model.alerts.length) return h("div", { class: "sum" }, mark("met"), h("p", null, t.alertsNoneShort));
  return h(
    "div",
    { class: "sum alert-sum" },
    alertMark(model.alerts[0].severity, null),
    h("p", { class: "pooled num" }, number(model.alerts.length, lang)),
    h("p", null, t.alertWord(model.alerts.length)),
  );
}

export function groups(model) {
  const { meta, t, lang, rows, scene } = model;
  const indicator = indicatorOf(model, scene.indicator);
  const found = rows.filter((r) => r.indicator === scene.indicator && isGroup(r) && hasTarget(r));
  const pooled = pool(found);
  const size = (r) => Object.values(r.members).reduce((a, b) => a + b, 0);
  const share = (r) => (r.members.met ?? 0) / size(r);
  found.sort((a, b) => share(a) - share(b) || (a.unit < b.unit ? -1 : 1));
  const shown = linesOf(found, scene, model.fit).map((r) => {
    const group = meta.groups.find((g) => g.unit === r.unit);
    return { r, group, k: r.members.met ?? 0, n: size(r), name: meta.units[group?.district]?.short ?? group?.name ?? r.unit };
  });
  const lines = shown.map(({ r, group, k, n, name }) =>
    h(
      "li",
      { class: `row group ${r.status}`, key: r.unit },
      h("a", { class: "name", href: link(model, { unit: group?.district ?? r.unit }) }, h("span", { class: "said" }, name)),
      h("b", { class: "k num" }, `${k}/${n}`),
      stackOf(model, { met: k, below: r.members.below ?? 0, idle: n - k - (r.members.below ?? 0) }),
      mark(r.status, t[r.status]),
      h("span", { class: "ratio num" }, ratio(r.numerator, r.denominator, lang)),
      h("span", { class: "counted num" }, counted(model, r)),
    ),
  );
  const titles = h(
    "div",
    { class: "row group columns", "aria-hidden": "true", "data-fine": "" },
    h("span", { class: "name" }, formulaOf(model, indicator)),
    h("span", { class: "k" }, t.unitsMet),
    h("span", null),
    h("span", null),
    h("span", { class: "ratio" }, t.ratio),
    h("span", { class: "counted" }, t.counted),
  );
  let [met, n] = [0, 0];
  for (const r of found) {
    met += r.members.met ?? 0;
    n += size(r);
  }
  const all = { ...pooled, met, n, below: found.reduce((a, r) => a + (r.members.below ?? 0), 0) };
  all.idle = n - met - all.below;
  const widest = (texts) => Math.max(...texts);
  const style = {
    "--c-ratio": em(widest(shown.map(({ r }) => figureWidth(ratio(r.numerator, r.denominator, lang))))),
    "--c-count": em(widest(shown.map(({ r }) => figureWidth(counted(model, r))))),
    "--c-k": em(Math.max(2.6, widest(shown.map((line) => figureWidth(`${line.k}/${line.n}`))))),
    "--c-name": em(widest(shown.map(({ name }) => width(name))) + 0.3),
  };
  const subtitle = [t.groups, targetText(model, pooled)].filter(Boolean).join(", ");
  return [
    head(model, shortOf(model, indicator), subtitle, sum(model, all, indicator)),
    h("div", { class: "table", style }, titles, h("ol", { class: "rows", style: { "--n": String(lines.length) } }, lines)),
  ];
}
