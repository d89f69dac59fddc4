// Elements as values: views are pure functions to such values, and `patch` makes the document equal to them.

const SVG = "http://www.w3.org/2000/svg";
const DRAWN = Symbol("drawn"); // what an element was last made equal to

/** h("p", {class: "x", key: "a", onclick: f, style: {left: "1%"}}, "text", child, [children], null) */
export function h(tag, attrs, ...children) {
  const { key = null, ...rest } = attrs ?? {};
  return { tag, key, attrs: rest, children: shown(children) };
}

const shown = (children) => children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false);

/** Make the children of an element those given. Elements are kept by key, else by place and tag. */
export function patch(parent, children) {
  const keyed = new Map();
  for (const node of parent.childNodes) {
    const key = node[DRAWN]?.key ?? null;
    if (key !== null) keyed.set(key, node);
  }
  let at = parent.firstChild;
  for (const child of shown(children)) {
    const found = typeof child === "object" && child.key !== null ? keyed.get(child.key) : at;
    const node = fits(found, child) ? found : create(child, parent);
    if (node !== at) parent.insertBefore(node, at);
    else at = at.nextSibling;
    update(node, child);
  }
  while (at !== null) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function fits(node, child) {
  if (!node) return false;
  if (typeof child !== "object") return node.nodeType === 3;
  const drawn = node[DRAWN];
  return drawn !== undefined && drawn.tag === child.tag && drawn.key === child.key;
}

function create(child, parent) {
  if (typeof child !== "object") return document.createTextNode(String(child));
  const isSvg = child.tag === "svg" || (parent.namespaceURI === SVG && parent.tagName !== "foreignObject");
  const node = isSvg ? document.createElementNS(SVG, child.tag) : document.createElement(child.tag);
  node[DRAWN] = { tag: child.tag, key: child.key, attrs: {} };
  return node;
}

function update(node, child) {
  if (typeof child !== "object") {
    if (node.data !== String(child)) node.data = String(child);
    return;
  }
  const drawn = node[DRAWN];
  for (const name of Object.keys(drawn.attrs)) {
    if (!(name in child.attrs)) set(node, name, null, drawn.attrs[name]);
  }
  for (const [name, value] of Object.entries(child.attrs)) {
    if (drawn.attrs[name] !== value) set(node, name, value, drawn.attrs[name]);
  }
  node[DRAWN] = child;
  patch(node, child.children);
}

function set(node, name, value, before) {
  if (name === "style") {
    // Through the object model: the content security policy allows no style attribute.
    for (const property of Object.keys(before ?? {}))
      if (!(property in (value ?? {}))) node.style.removeProperty(property);
    for (const [property, text] of Object.entries(value ?? {})) {
      if ((before ?? {})[property] !== text) node.style.setProperty(property, text);
    }
  } else if (name.startsWith("on")) {
    node[name] = value;
  } else if (name === "value") {
    if (node.value !== value) node.value = value;
  } else if (value === null || value === undefined || value === false) {
    node.removeAttribute(name);
  } else {
    node.setAttribute(name, value === true ? "" : value);
  }
}
