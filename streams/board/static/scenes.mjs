// Which pages the wall shows, and the one it shows now. Rotation happens inside the page, with all data in memory.

import { byClass, CLASSES, hasTarget, isGroup, onePerUnit } from "./figures.mjs";

export const sameScene = (a, b) =>
  a !== undefined &&
  b !== undefined &&
  a.kind === b.kind &&
  a.indicator === b.indicator &&
  a.class === b.class &&
  a.page === b.page;

/** Alerts that the wall tells, one of a unit; who wants all of them has the list on a phone. */
export const ALERTS_TOLD = 8;

/** The same for all pages of a kind: what their measured sizes are kept under. */
export const keyOf = ({ kind, indicator = "", class: of = "" }) => `${kind}/${indicator}/${of}`;

/**
 * Where each page begins and ends, of n lines of which `fitOf(page)` fit on a page: their heights differ. Evenly spread:
 * two pages of four rather than one of seven and one of a single line.
 */
export function pagesOf(n, fitOf) {
  const pages = [];
  for (let at = 0; at < n; ) {
    const left = n - at;
    const end = at + Math.ceil(left / Math.ceil(left / Math.max(1, fitOf(pages.length))));
    pages.push([at, end]);
    at = end;
  }
  return pages;
}

/** The lines of a scene's page. */
export function linesOf(lines, scene, fit) {
  return lines.slice(...(pagesOf(lines.length, fit(scene))[scene.page] ?? [0, 0]));
}

const paged = (n, fit, scene) => pagesOf(n, fit(scene)).map((_, page) => ({ ...scene, page }));

/**
 * The pages for what there is to show: no page without a single target.
 * @param fit how many lines go on a page of a scene: scene → page → number
 */
export function scenesFor(meta, rows, alerts, options, fit) {
  const told = options.unit ? alerts.length : onePerUnit(alerts, ALERTS_TOLD).length;
  const alertPages = paged(told, fit, { kind: "alerts" });
  if (options.unit) {
    const own = rows.filter((row) => row.unit === options.unit).length;
    return [...paged(Math.max(1, own), fit, { kind: "unit" }), ...alertPages];
  }
  const scenes = paged(meta.indicators.length, fit, { kind: "province" });
  for (const indicator of meta.indicators) {
    if (options.indicator && indicator.id !== options.indicator) continue;
    const classes = byClass(rows, meta.units, indicator.id);
    for (const name of CLASSES) {
      if (classes.get(name).some(hasTarget)) scenes.push({ kind: "class", indicator: indicator.id, class: name });
    }
    const groups = rows.filter((row) => row.indicator === indicator.id && isGroup(row) && hasTarget(row));
    scenes.push(...paged(groups.length, fit, { kind: "groups", indicator: indicator.id }));
  }
  return [...scenes, ...alertPages];
}

/** The rotation: pure but for what it is told of time. */
export class Rotation {
  constructor(seconds) {
    this.everyMs = seconds * 1000;
    this.scenes = [{ kind: "province", page: 0 }];
    this.at = 0;
    this.paused = false;
    this.since = 0;
  }

  get scene() {
    return this.scenes[this.at];
  }

  get turns() {
    return this.everyMs > 0 && this.scenes.length > 1 && !this.paused;
  }

  /** Take new scenes; the one that is shown stays, if it still is among them. */
  update(scenes) {
    const shown = this.scene;
    this.scenes = scenes;
    const found = scenes.findIndex((scene) => sameScene(scene, shown));
    this.at = found >= 0 ? found : Math.min(this.at, scenes.length - 1);
  }

  go(steps, now) {
    this.at = (this.at + steps + this.scenes.length) % this.scenes.length;
    this.since = now;
  }

  pause(now) {
    this.paused = !this.paused;
    this.since = now;
  }

  /** How much of the page's time is over, 0 to 1. */
  progress(now) {
    return this.turns ? Math.min(1, (now - this.since) / this.everyMs) : 0;
  }

  /** Turn the page if it is time; tells whether it did. */
  tick(now) {
    if (!this.turns || now - this.since < this.everyMs) return false;
    this.go(1, now);
    return true;
  }
}
