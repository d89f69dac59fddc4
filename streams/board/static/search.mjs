// The search over all units, of all classes, from any page that scrolls. Pure.

import { h } from "./dom.mjs";
import { fold, number } from "./format.mjs";
import { row, unitName, unitOf } from "./parts.mjs";

const SHOWN = 60;

export function searchBox(model) {
  const { t, ui, actions } = model;
  return h(
    "div",
    { class: "search", role: "search", key: "search" },
    h("input", {
      type: "search",
      placeholder: t.search,
      "aria-label": t.search,
      value: ui.query,
      oninput: (event) => actions.search(event.target.value),
    }),
  );
}

/** The units whose names hold what is asked for, in whatever class; null where nothing is asked for. */
export function results(model, indicator) {
  const { meta, t, lang, ui } = model;
  const asked = fold(ui.query.trim());
  if (!asked) return null;
  const said = (code) => {
    const unit = unitOf(model, code);
    return fold(`${unit.name} ${unit.short} ${unit.district ?? ""}`);
  };
  const found = Object.keys(meta.units)
    .map((code) => [code, said(code)])
    .filter(([, name]) => name.includes(asked))
    .sort(([, a], [, b]) => a.indexOf(asked) - b.indexOf(asked) || (a < b ? -1 : 1));
  return h(
    "section",
    { class: "list found", key: "found" },
    h("h2", { role: "status" }, t.found(number(found.length, lang), found.length)),
    h(
      "ol",
      { class: "rows" },
      found.slice(0, SHOWN).map(([code]) => {
        const standing = model.byKey.get(`${indicator.id}/${code}`);
        if (standing) return row(model, standing, unitName(model, standing));
        return h("li", { class: "row no-target", key: code }, h("span", null), unitName(model, { unit: code }));
      }),
    ),
    found.length > SHOWN ? h("p", { class: "rest" }, t.more(number(found.length - SHOWN, lang))) : null,
  );
}
