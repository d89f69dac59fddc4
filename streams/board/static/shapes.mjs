// What is drawn: status marks (shape, colour and word), trend arrows, bullets and stacked bars. All inline, no library.

import { h } from "./dom.mjs";

const MARKS = {
  met: [
    h("circle", { cx: 12, cy: 12, r: 10, class: "solid" }),
    h("path", { d: "M7 12.5l3.4 3.4L17.2 8.8", class: "cut" }),
  ],
  below: [h("path", { d: "M1.5 3.5h21L12 22z", class: "solid" })],
  "no-dossiers": [h("circle", { cx: 12, cy: 12, r: 8.4, class: "line" })],
  "no-target": [h("path", { d: "M4 12h16", class: "line" })],
  "not-measured": [h("rect", { x: 4, y: 4, width: 16, height: 16, rx: 1, class: "line dashed" })],
};

/** The mark of a status; the word stands beside it, or in its label. */
export function mark(status, label = null) {
  return h("svg", { class: `mark ${status}`, viewBox: "0 0 24 24", ...named(label) }, MARKS[status]);
}

const GRAVE = {
  critical: "M7.4 1h9.2L23 7.4v9.2L16.6 23H7.4L1 16.6V7.4z",
  warning: "M12 .8L23.2 12 12 23.2.8 12z",
  info: "M12 1a11 11 0 1 0 .01 0z",
};

/** An alert's gravity, by shape as well: an octagon, a diamond, a circle. */
export function alertMark(severity, label = null) {
  return h(
    "svg",
    { class: `mark alert ${severity}`, viewBox: "0 0 24 24", ...named(label) },
    h("path", { d: GRAVE[severity] ?? GRAVE.warning, class: "solid" }),
    h("path", { d: severity === "info" ? "M12 10.6v7.2M12 5.8v1.4" : "M12 6.2v7.2M12 16.6v1.6", class: "cut" }),
  );
}

const ARROWS = { up: "M4 19L20 5M9.5 5H20v10.5", flat: "M2 12h20M15 5l7 7-7 7", down: "M4 5l16 14M9.5 19H20V8.5" };

export function arrow(direction, label = null) {
  return h(
    "svg",
    { class: `arrow ${direction}`, viewBox: "0 0 24 24", ...named(label) },
    h("path", { d: ARROWS[direction], class: "line" }),
  );
}

function named(label) {
  return label === null ? { "aria-hidden": "true" } : { role: "img", "aria-label": label };
}

const at = (value) => `${Math.min(100, Math.max(0, value))}%`;

/**
 * A bullet on the scale 0 to 100 %: the bar is the ratio, the line the target, the notch the trajectory where that is
 * not the target. Drawn from numbers; the figures beside it are exact.
 */
export function bullet({ value, target, expected, status, label }) {
  const apart = expected !== null && target !== null && Math.abs(expected - target) > 0.05;
  return h(
    "div",
    { class: `bullet ${status}`, ...named(label) },
    h("i", { class: "fill", style: { width: at(value ?? 0) } }),
    target === null ? null : h("i", { class: "goal", style: { left: at(target) } }),
    apart ? h("i", { class: "path", style: { left: at(expected) } }) : null,
  );
}

/** How many units meet their target, lack some, have nothing yet: one bar, always in this order. */
export function stack({ met, below, idle }, label) {
  const n = met + below + idle || 1;
  const part = (name, k) => (k ? h("i", { class: name, style: { "flex-grow": String(k / n) } }) : null);
  return h(
    "div",
    { class: "stack", ...named(label) },
    part("met", met),
    part("below", below),
    part("no-dossiers", idle),
  );
}

export function icon(name) {
  const paths = {
    pause: "M8 5v14M16 5v14",
    play: "M8 5l11 7-11 7z",
    next: "M9 5l7 7-7 7",
    previous: "M15 5l-7 7 7 7",
    cut: "M12 2L23 21H1z M12 9v6 M12 17.6v.6",
  };
  return h(
    "svg",
    { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" },
    h("path", { d: paths[name], class: "line" }),
  );
}
