// What stands above the lists: the title of a page, and the overall figure of what it shows. Pure.

import { h } from "./dom.mjs";
import { percent, ratio } from "./format.mjs";
import { counted, nounOf } from "./parts.mjs";
import { bullet, stack } from "./shapes.mjs";

export function head(model, title, subtitle, right) {
  return h(
    "div",
    { class: "head" },
    h("div", { class: "what" }, h("h1", null, title), subtitle ? h("p", { class: "which" }, subtitle) : null),
    right,
  );
}

export function sum(model, pooled, indicator) {
  const { t, lang } = model;
  return h(
    "div",
    { class: "sum" },
    h("p", { class: "pooled num" }, ratio(pooled.numerator, pooled.denominator, lang)),
    h(
      "div",
      null,
      h("p", { class: "num", title: nounOf(model, indicator) }, counted(model, pooled)),
      h("p", { class: "k-of-n num" }, t.kOfN(pooled.met, pooled.n)),
      stackOf(model, pooled),
    ),
  );
}

export const stackOf = ({ t }, pooled) =>
  stack(pooled, `${t.met} ${pooled.met}, ${t.below} ${pooled.below}, ${t["no-dossiers"]} ${pooled.idle}`);

export const poolBullet = ({ t, lang }, pooled) =>
  bullet({
    value: pooled.denominator ? (100 * pooled.numerator) / pooled.denominator : null,
    target: pooled.target,
    expected: pooled.expected ?? null,
    status: "pooled",
    label: `${ratio(pooled.numerator, pooled.denominator, lang)}, ${t.target} ${pooled.low === null ? "–" : percent(pooled.low, lang)}`,
  });
