// The same board on a phone: one page to scroll, no rotation, every unit, a search. Pure.

import { h } from "./dom.mjs";
import { number, ratio } from "./format.mjs";
import { byClass, CLASSES, few, hasTarget, isGroup, isSystem, pool, worstFirst } from "./figures.mjs";
import {
  alertItem,
  banner,
  classOf,
  counted,
  districtName,
  formulaOf,
  header,
  indicatorOf,
  link,
  nounOf,
  row,
  shortOf,
  targetText,
  unitName,
  unitOf,
} from "./parts.mjs";
import { mark, stack } from "./shapes.mjs";
import { results, searchBox } from "./search.mjs";
import { poolBullet, stackOf } from "./summary.mjs";

const ALERTS_SHOWN = 30;

export function page(model) {
  const { meta, t, rows, options, ui } = model;
  const chosen = options.indicator;
  const measured = meta.indicators.filter((i) => rows.some((r) => r.indicator === i.id && hasTarget(r)));
  const indicator = indicatorOf(model, chosen) ?? measured.find((i) => i.volume) ?? measured[0] ?? meta.indicators[0];
  const classes = byClass(rows, meta.units, indicator.id);
  const filled = CLASSES.filter((name) => classes.get(name).length);
  const shown = filled.includes(ui.class)
    ? ui.class
    : (filled.find((name) => classes.get(name).some(hasTarget)) ?? filled[0]);
  const found = results(model, indicator);
  const everything = () => [
    tabs(
      meta.indicators.map((i) => [i.id, shortOf(model, i)]),
      indicator.id,
      (id) => link(model, { indicator: id }),
    ),
    overall(
      model,
      indicator,
      filled.flatMap((name) => classes.get(name)),
    ),
    groups(model, indicator),
    classTabs(model, filled, shown),
    units(model, shown ? classes.get(shown) : []),
    alerts(model, indicator),
    h(
      "p",
      { class: "source" },
      `${t.clause}: ${indicator.clause}. `,
      indicator.reading ? `${t.reading}: ${indicator.reading}` : null,
    ),
  ];
  return [
    header(model),
    banner(model),
    searchBox(model),
    h("main", { class: "scroll", key: "page" }, found ?? everything()),
  ];
}

function tabs(items, current, href) {
  return h(
    "nav",
    { class: "tabs" },
    items.map(([id, text]) =>
      h(
        "a",
        { href: href(id), class: id === current ? "current" : "", "aria-current": id === current ? "page" : null },
        text,
      ),
    ),
  );
}

function overall(model, indicator, rows) {
  const { t, lang } = model;
  const pooled = pool(rows);
  return h(
    "section",
    { class: "overall-card" },
    h("h1", null, shortOf(model, indicator)),
    h("p", { class: "note" }, formulaOf(model, indicator)),
    h("p", { class: "pooled num" }, ratio(pooled.numerator, pooled.denominator, lang)),
    h("p", { class: "num" }, `${counted(model, pooled)} ${nounOf(model, indicator)}  ·  ${targetText(model, pooled)}`),
    poolBullet(model, pooled),
    h("p", { class: "k-of-n num" }, t.kOfN(pooled.met, pooled.n)),
    stackOf(model, pooled),
  );
}

function groups(model, indicator) {
  const { meta, t, lang, rows } = model;
  const found = rows.filter((r) => r.indicator === indicator.id && isGroup(r) && hasTarget(r));
  if (!found.length) return null;
  const size = (r) => Object.values(r.members).reduce((a, b) => a + b, 0);
  return h(
    "section",
    { class: "groups-card" },
    h("h2", null, t.groups),
    h(
      "ol",
      null,
      found.map((r) => {
        const group = meta.groups.find((g) => g.unit === r.unit);
        const [k, n] = [r.members.met ?? 0, size(r)];
        return h(
          "li",
          { key: r.unit },
          mark(r.status, t[r.status]),
          h(
            "a",
            { href: link(model, { unit: group?.district ?? r.unit }) },
            districtName(meta.units[group?.district]?.name ?? r.unit),
          ),
          h("b", { class: "num" }, `${k}/${n}`),
          h("span", { class: "num" }, ratio(r.numerator, r.denominator, lang)),
          stack({ met: k, below: r.members.below ?? 0, idle: n - k - (r.members.below ?? 0) }, null),
        );
      }),
    ),
  );
}

function classTabs(model, filled, shown) {
  const { actions } = model;
  return h(
    "section",
    { class: "choose" },
    h(
      "div",
      { class: "tabs" },
      filled.map((name) =>
        h(
          "button",
          {
            type: "button",
            class: name === shown ? "current" : "",
            "aria-pressed": String(name === shown),
            onclick: () => actions.chooseClass(name),
          },
          classOf(model, name),
        ),
      ),
    ),
  );
}

function units(model, rows) {
  const { t, lang } = model;
  const nameOf = (r) => unitOf(model, r.unit).name;
  const small = (r) => few(r, indicatorOf(model, r.indicator), model.options.least);
  return h(
    "section",
    { class: "list" },
    h("h2", null, t.all, h("small", null, t.found(number(rows.length, lang), rows.length))),
    h(
      "ol",
      { class: "rows" },
      worstFirst(rows, nameOf, small).map((r) => row(model, r, unitName(model, r))),
    ),
  );
}

function alerts(model, indicator) {
  const { t, lang } = model;
  const open = model.alerts.filter((a) => isSystem(a) || a.indicator === indicator.id);
  const rest = open.length - ALERTS_SHOWN;
  return h(
    "section",
    { class: "alerts-card" },
    h("h2", null, t.alerts, h("small", null, number(open.length, lang))),
    open.length
      ? h(
          "ol",
          { class: "alert-list" },
          open.slice(0, ALERTS_SHOWN).map((a) => alertItem(model, a)),
        )
      : h("p", null, t.alertsNone),
    rest > 0 ? h("p", { class: "rest" }, t.alertsMore(number(rest, lang))) : null,
  );
}
