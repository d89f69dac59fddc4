// What a scene looks like to a reader: texts that overlap, texts that are clipped, texts too small for their distance.
// Runs in the page. Boxes are those of the glyphs' lines (Range.getClientRects), less the room that no letter needs.

({ xHeightPx, fullPage }) => {
  const UP = 0.1; // of the font's size: above the highest mark of Ẵ within Inter's ascent
  const DOWN = 0.08; // below the lowest letter within its descent
  const TOUCH_PX = 1;
  const shown = (element) => {
    const style = getComputedStyle(element);
    return style.visibility !== "hidden" && style.display !== "none" && Number(style.opacity) > 0;
  };
  const texts = [];
  const found = { texts: 0, overlaps: [], clipped: [], small: [] };
  const probe = document.createElement("i");
  probe.style.cssText = "position:absolute;height:1ex;width:1px;visibility:hidden";
  const heights = new Map();
  const xHeight = (element) => {
    const style = getComputedStyle(element);
    const key = `${style.fontSize} ${style.fontFamily}`;
    if (!heights.has(key)) {
      element.append(probe);
      heights.set(key, probe.getBoundingClientRect().height);
      probe.remove();
    }
    return heights.get(key);
  };
  const walker = document.createTreeWalker(document.getElementById("app"), NodeFilter.SHOW_TEXT);
  const nodes = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) if (node.data.trim()) nodes.push(node);
  for (const node of nodes) {
    const element = node.parentElement;
    if (!shown(element) || element.closest(".unseen")) continue;
    const size = parseFloat(getComputedStyle(element).fontSize);
    const range = document.createRange();
    range.selectNodeContents(node);
    const boxes = [...range.getClientRects()].filter((r) => r.width > 0.5 && r.height > 0.5);
    if (!boxes.length) continue;
    found.texts += 1;
    const text = node.data.trim();
    for (const r of boxes) {
      texts.push({ text, element, left: r.left, right: r.right, top: r.top + UP * size, bottom: r.bottom - DOWN * size });
    }
    if (!fullPage && !element.closest("[data-fine]") && xHeight(element) < xHeightPx - 0.05) {
      found.small.push(`${text} (${xHeight(element).toFixed(1)} px)`);
    }
    const fine = element.closest("[data-fine]");
    // Fine print is for heads and keys; the decision's own title and the page's number are no figures of the board.
    if (!fullPage && fine && /\d/.test(text) && !element.closest(".place, .columns.overall .name")) found.small.push(`${text} (a figure in fine print)`);
  }
  const crossing = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > TOUCH_PX &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > TOUCH_PX;
  texts.sort((a, b) => a.top - b.top);
  for (let i = 0; i < texts.length; i += 1) {
    for (let j = i + 1; j < texts.length && texts[j].top < texts[i].bottom; j += 1) {
      if (crossing(texts[i], texts[j])) found.overlaps.push(`${texts[i].text} | ${texts[j].text}`);
    }
  }
  for (const drawn of document.querySelectorAll("#app .bullet, #app .stack, #app svg")) {
    if (!shown(drawn)) continue;
    const box = drawn.getBoundingClientRect();
    for (const text of texts) if (crossing(text, box)) found.overlaps.push(`${text.text} | ${drawn.className.baseVal ?? drawn.className}`);
  }
  for (const text of texts) {
    if (!fullPage && (text.left < -1 || text.top < -1 || text.right > innerWidth + 1 || text.bottom > innerHeight + 1))
      found.clipped.push(`${text.text} (outside the screen)`);
    for (let box = text.element; box && box.id !== "app"; box = box.parentElement) {
      const style = getComputedStyle(box);
      if (style.overflowX === "visible" && style.overflowY === "visible") continue;
      if (fullPage && style.overflowX === "auto") continue; // it scrolls
      const edge = box.getBoundingClientRect();
      const out = text.left < edge.left - 1 || text.right > edge.right + 1 || text.top < edge.top - 1 || text.bottom > edge.bottom + 1;
      if (out || box.scrollWidth > box.clientWidth + 1) {
        found.clipped.push(`${text.text} (by ${box.className})`);
        break;
      }
    }
  }
  return found;
};
