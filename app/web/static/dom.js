// Elements from text alone: names in an upload are strangers' words and never become markup.

export const one = (selector) => document.querySelector(selector);

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

export function facts(rows) {
  return element("dl", {}, rows.filter((row) => row !== null).map(([name, ...value]) => [element("dt", {}, name), element("dd", {}, ...value)]));
}

export function table(head, rows) {
  const line = (kind, cells) => element("tr", {}, cells.map((cell) => element(kind, {}, String(cell))));
  const made = element("table", {}, element("thead", {}, line("th", head)), element("tbody", {}, rows.map((cells) => line("td", cells))));
  return element("div", { className: "scroll", tabIndex: 0 }, made);
}

export function folded(title, ...content) {
  return element("details", {}, element("summary", {}, title), ...content);
}
